//! `pejling check`
use std::path::Path;

use anyhow::{Context, Result, bail};
use domain::eligibility::Eligibility;
use domain::indicator::Definitions;
use domain::industry::Grouping;
use domain::questionnaire::{self, Questionnaire};
use domain::size::SizeClasses;

use crate::cli::Check;
use crate::config::Config;

/// Checks what is shipped, or the given files, and names file, key and language of each fault.
///
/// # Errors
/// When anything is faulty; the faults are printed before.
pub fn run(arguments: &Check, config: &Config) -> Result<()> {
    let mut findings = Findings::default();
    if arguments.files.is_empty() {
        shipped(config, &mut findings);
    }
    for path in &arguments.files {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        file(path, &text, &mut findings);
    }
    match findings.faults {
        0 => Ok(()),
        1 => bail!("1 fault"),
        n => bail!("{n} faults"),
    }
}

#[derive(Default)]
struct Findings {
    faults: usize,
}

impl Findings {
    fn note(&mut self, what: &str, outcome: Result<String, Vec<String>>) {
        match outcome {
            Ok(said) => println!("ok     {what}: {said}"),
            Err(faults) => {
                self.faults += faults.len();
                for fault in faults {
                    println!("FAULT  {fault}");
                }
            }
        }
    }
}

fn shipped(config: &Config, findings: &mut Findings) {
    findings
        .note("configuration", Ok(format!("database {}", if config.is_sqlite() { "SQLite" } else { "PostgreSQL" })));
    findings.note(
        "texts",
        text::Messages::load()
            .map(|m| format!("{} messages in da, sv, en", m.keys().count()))
            .map_err(|e| vec![e.to_string()]),
    );
    let form = questionnaire::shipped();
    warn(&form);
    findings.note("questionnaire", Ok(describe(&form)));
    let about_cases = domain::cases::form();
    warn(&about_cases);
    findings.note("questionnaire about cases", Ok(describe(&about_cases)));
    let definitions = Definitions::shipped();
    let columns: Vec<String> = form.columns().into_iter().map(|c| c.key).collect();
    let unknown = definitions.indicators.iter().flat_map(|indicator| {
        let missing = indicator.measure.items().iter().filter(|item| !columns.contains(item));
        missing
            .map(|item| format!("indicators.toml: {}: no question has the key {item:?}", indicator.id))
            .collect::<Vec<_>>()
    });
    let unknown: Vec<String> = unknown.collect();
    let count = definitions.indicators.len();
    findings.note(
        "indicators",
        if unknown.is_empty() { Ok(format!("{count} definitions, every item is a question")) } else { Err(unknown) },
    );
    for key in Grouping::SHIPPED {
        let sectors = Grouping::shipped(key).map_or(0, |g| g.sectors().len());
        findings.note(&format!("sectors {key}"), Ok(format!("{sectors} sectors")));
    }
    findings.note("eligibility", Ok(format!("{} rules", Eligibility::shipped().exclusions().len())));
    for key in SizeClasses::SHIPPED {
        let classes = SizeClasses::shipped(key).map_or(0, |s| s.classes().len());
        findings.note(&format!("size classes {key}"), Ok(format!("{classes} classes")));
    }
}

/// What a file holds is told by what stands in it.
fn file(path: &Path, text: &str, findings: &mut Findings) {
    let name = path.display().to_string();
    let has = |table: &str| text.lines().any(|line| line.trim().starts_with(&format!("[[{table}")));
    let outcome = if has("indicator") {
        Definitions::parse(&name, text)
            .map(|d| format!("{} indicators", d.indicators.len()))
            .map_err(|e| vec![e.to_string()])
    } else if has("block") {
        match Questionnaire::parse(&name, text) {
            Ok(form) => {
                warn(&form);
                Ok(describe(&form))
            }
            Err(faults) => Err(faults.0.iter().map(ToString::to_string).collect()),
        }
    } else {
        Grouping::parse(&name, text).map(|g| format!("{} sectors", g.sectors().len())).map_err(|e| vec![e.to_string()])
    };
    findings.note(&name, outcome);
}

fn describe(form: &Questionnaire) -> String {
    let (median, slow) = form.expected_minutes(&questionnaire::Facts::new());
    format!("{} version {}, {} blocks, {median}–{slow} minutes", form.key, form.version, form.blocks.len())
}

fn warn(form: &Questionnaire) {
    for warning in form.warnings() {
        println!("look   {}: {}: an item names one thing: {:?}", warning.key, warning.language.tag(), warning.text);
    }
}
