//! The opening sentences are held against their figures over generated reports, and spelled as a dictionary spells.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use domain::indicator::{Better, Definitions, Kind};
use domain::insight::Insight;
use domain::language::Language;
use domain::results::{
    ALL, ChangeRow, CoverageRow, Estimate, EstimateRow, IndicatorInfo, Interval, Provenance, Report, State, TOTAL,
    Verdict,
};
use proptest::prelude::*;
use text::Messages;
use text::summary::{Said, said};

/// One indicator's two years and what was found between them.
#[derive(Debug, Clone)]
struct Found {
    indicator: usize,
    from: f64,
    to: f64,
    n: (u64, u64),
    detectable: f64,
    state: State,
    verdict: Option<Verdict>,
}

fn headlines() -> Vec<IndicatorInfo> {
    let info = |i: domain::indicator::Indicator| IndicatorInfo {
        kind: i.measure.kind(),
        range: i.measure.range(),
        id: i.id,
        title: i.title,
        better: Better::Higher,
        headline: true,
        breaks: Vec::new(),
        formula_version: String::new(),
    };
    Definitions::shipped().indicators.into_iter().filter(|i| i.headline).map(info).collect()
}

fn found() -> impl Strategy<Value = Found> {
    let verdict = prop_oneof![
        Just(Some(Verdict::Up)),
        Just(Some(Verdict::Down)),
        Just(Some(Verdict::Unclear)),
        Just(Some(Verdict::Break)),
        Just(Some(Verdict::Hidden)),
        Just(None)
    ];
    let state = prop_oneof![4 => Just(State::Shown), 1 => Just(State::Uncertain), 1 => Just(State::Hidden)];
    (0..headlines().len(), 0.0..=1.0, 0.0..=1.0, (5u64..900, 5u64..900), 0.001..0.2, state, verdict).prop_map(
        |(indicator, a, b, n, detectable, state, verdict)| {
            // A verdict up or down comes with a change in its direction.
            let (from, to) = match verdict {
                Some(Verdict::Up) => (f64::min(a, b), f64::max(a, b) + 1e-6),
                Some(Verdict::Down) => (f64::max(a, b) + 1e-6, f64::min(a, b)),
                _ => (a, b),
            };
            Found { indicator, from, to, n, detectable, state, verdict }
        },
    )
}

fn report(all: &[Found]) -> Report {
    let mut report = Report {
        years: vec![2025, 2026],
        indicators: Vec::new(),
        breakdowns: Vec::new(),
        estimates: Vec::new(),
        changes: Vec::new(),
        coverage: vec![CoverageRow {
            year: 2026,
            domain: TOTAL.into(),
            group: ALL.into(),
            n_frame: 2400,
            n_answered: 792,
            response_rate: 0.33,
        }],
        provenance: Provenance {
            version: String::new(),
            inputs: Default::default(),
            options: Default::default(),
            collapses: Vec::new(),
        },
        insight: Insight::default(),
    };
    let mut seen = BTreeSet::new();
    for found in all.iter().filter(|f| seen.insert(f.indicator)) {
        let info = headlines().swap_remove(found.indicator);
        let [low, high] = info.range;
        let at = |share: f64| low + share.clamp(0.0, 1.0) * (high - low);
        let (from, to) = (at(found.from), at(found.to));
        let hidden = found.state.is_hidden();
        for (year, value, n) in [(2025, from, found.n.0), (2026, to, found.n.1)] {
            report.estimates.push(EstimateRow {
                indicator: info.id.clone(),
                year,
                domain: TOTAL.into(),
                group: ALL.into(),
                n_frame: None,
                estimate: Estimate {
                    n,
                    value: (!hidden).then_some(value),
                    se: None,
                    df: None,
                    interval: (!hidden).then_some(Interval { lower: value - 0.01, upper: value + 0.01 }),
                    deff: None,
                },
                state: found.state,
            });
        }
        if let Some(verdict) = found.verdict {
            let verdict = if hidden { Verdict::Hidden } else { verdict };
            report.changes.push(ChangeRow {
                indicator: info.id.clone(),
                year_from: 2025,
                year_to: 2026,
                domain: TOTAL.into(),
                group: ALL.into(),
                n_from: found.n.0,
                n_to: found.n.1,
                n_both: 5,
                change: (!hidden).then_some(to - from),
                se: None,
                df: None,
                interval: None,
                p_value: None,
                p_adjusted: None,
                detectable: (!hidden).then_some(found.detectable * (high - low)),
                verdict,
            });
        }
        report.indicators.push(info);
    }
    report
}

/// Words that claim a rise or a fall.
fn claims(language: Language) -> (&'static [&'static str], &'static [&'static str]) {
    match language {
        Language::Da => (&["steget", "stigning"], &["faldet", "fald"]),
        Language::Sv => (&["ökat", "stigit", "ökning"], &["minskat", "sjunkit", "minskning"]),
        Language::En => (&["risen", "rise"], &["fallen", "fall"]),
    }
}

/// Every number of a text, as a figure: `64,2`, `1.204`, `−3`.
fn numbers(language: Language, text: &str) -> Vec<f64> {
    let point = if language == Language::En { '.' } else { ',' };
    let mut found = Vec::new();
    let mut number = String::new();
    for c in text.chars().chain(std::iter::once(' ')) {
        if c.is_ascii_digit() || (c == point && !number.is_empty()) || (c == '\u{2212}' && number.is_empty()) {
            number.push(if c == point {
                '.'
            } else if c == '\u{2212}' {
                '-'
            } else {
                c
            });
        } else if !number.is_empty() {
            found.extend(number.trim_end_matches('.').parse::<f64>());
            number.clear();
        }
    }
    found
}

fn check(language: Language, sentence: &Said, report: &Report) -> Result<(), TestCaseError> {
    let text = &sentence.text;
    prop_assert!(!text.contains('⟦') && !text.contains('{') && !text.contains("  "), "{text}");
    prop_assert!(text.ends_with('.') && !text.contains("..") && !text.contains(" ."), "{text}");
    prop_assert!(text.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit()), "{text}");
    let Some(id) = &sentence.indicator else { return Ok(()) };
    let info = report.indicators.iter().find(|i| i.id == *id).unwrap();
    let change = report.change(id, 2025, 2026, TOTAL, ALL);
    let level = |year: i32| report.estimate(id, year, TOTAL, ALL).and_then(|r| r.estimate.value);
    // Direction: claimed with the verdict, never without. A title may hold a word that looks like one.
    let title = info.title.get(language);
    let rest = text.replacen(title, "", 1);
    let (up, down) = claims(language);
    let says = |words: &[&str]| rest.split(|c: char| !c.is_alphabetic()).any(|w| words.contains(&w));
    let verdict = change.map(|c| c.verdict);
    prop_assert_eq!(says(up), verdict == Some(Verdict::Up), "{}", text);
    prop_assert_eq!(says(down), verdict == Some(Verdict::Down), "{}", text);
    // Number: what is printed is the figure, rounded; what is hidden is not printed.
    let scaled = |v: f64| if matches!(info.kind, Kind::Share | Kind::Balance) { v * 100.0 } else { v };
    let printed = numbers(language, &rest);
    let near = |v: f64| printed.iter().any(|p| (p - scaled(v)).abs() <= 0.5 + 1e-6);
    match (verdict, level(2025), level(2026)) {
        (Some(Verdict::Hidden), ..) | (_, _, None) => {
            let years = [2025.0, 2026.0];
            prop_assert!(printed.iter().all(|p| years.contains(p)), "a hidden figure is told: {}", text);
        }
        (Some(Verdict::Break) | None, _, Some(to)) => prop_assert!(near(to), "{} is not {}", text, to),
        (Some(_), Some(from), Some(to)) => prop_assert!(near(from) && near(to), "{} is not {} → {}", text, from, to),
        (Some(_), None, Some(_)) => {}
    }
    // Up and down: the figures printed differ in that direction, or are alike to the last digit shown.
    if let (Some(Verdict::Up | Verdict::Down), Some(from), Some(to)) = (verdict, level(2025), level(2026)) {
        let shown: Vec<f64> = printed.iter().copied().filter(|p| *p != 2025.0 && *p != 2026.0).take(2).collect();
        if let [first, second] = shown[..] {
            prop_assert!((second - first) * (to - from) >= 0.0, "{}", text);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn each_sentence_agrees_with_its_figure(all in prop::collection::vec(found(), 1..5)) {
        let report = report(&all);
        let messages = Messages::load().unwrap();
        for language in Language::ALL {
            let sentences = said(&messages, language, &report);
            prop_assert!((1..=5).contains(&sentences.len()));
            for sentence in &sentences {
                check(language, sentence, &report)?;
            }
        }
    }
}

/// What the committee reads, without placeholders.
fn areas(language: Language) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates/i18n");
    let mut all = String::new();
    for area in ["sentences", "committee", "standing", "compare", "charts", "papers", "report", "answers"] {
        let file = folder.join(format!("{area}.{}.toml", language.tag()));
        let table: toml::Table = toml::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let mut add = |text: &str| {
            let mut depth = 0;
            for c in text.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    c if depth == 0 => all.push(c),
                    _ => {}
                }
            }
            all.push('\n');
        };
        for value in table.values() {
            match value {
                toml::Value::String(text) => add(text),
                toml::Value::Table(forms) => forms.values().filter_map(|f| f.as_str()).for_each(&mut add),
                _ => {}
            }
        }
    }
    let indicators = Definitions::shipped().indicators;
    let facts = domain::accounts::FactKind::shipped();
    for title in indicators.iter().map(|i| &i.title).chain(facts.iter().map(|f| &f.title)) {
        all.push_str(title.get(language));
        all.push('\n');
    }
    all
}

/// Words that a dictionary does not know and a person has looked at.
fn reviewed(language: Language) -> BTreeSet<String> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/words.{}.txt", language.tag()));
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_lowercase).collect()
}

#[test]
fn what_the_committee_reads_is_spelled_as_the_dictionary_spells() {
    for (language, dictionary) in [(Language::Da, "da_DK"), (Language::Sv, "sv_SE")] {
        // Words, not signs: a hyphenated compound is looked at in its parts.
        let words: BTreeSet<String> = areas(language)
            .split(|c: char| !c.is_alphabetic())
            .filter(|w| w.chars().count() > 1)
            .map(str::to_owned)
            .collect();
        let known = reviewed(language);
        let asked: Vec<&String> = words.iter().filter(|w| !known.contains(&w.to_lowercase())).collect();
        let child = Command::new("hunspell")
            .args(["-d", dictionary, "-i", "utf-8", "-l"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let said = child.and_then(|mut child| {
            let mut stdin = child.stdin.take().expect("it was piped");
            for word in &asked {
                writeln!(stdin, "{word}")?;
            }
            drop(stdin);
            child.wait_with_output()
        });
        let unknown = match said {
            Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
            _ if std::env::var("CI").is_ok() => panic!("hunspell with {dictionary} is missing: tests/run installs it"),
            _ => {
                println!("spelling in {} skipped: hunspell with {dictionary} is not installed", language.tag());
                continue;
            }
        };
        let unknown: BTreeSet<&str> = unknown.lines().collect();
        assert!(unknown.is_empty(), "{}: not in the dictionary: {unknown:?}", language.tag());
    }
}
