//! `pejling sector`
use std::borrow::Cow;

use anyhow::{Context, Result, bail};
use domain::industry::{Classification, Grouping};
use domain::language::Language;

use crate::cli::Sector;

/// Answers which sector each code belongs to, and why.
///
/// # Errors
/// Names every code that is in no list, after answering for the others.
pub fn run(arguments: &Sector) -> Result<()> {
    let classification = Classification::parse(&arguments.classification).context("the classification is not known")?;
    let grouping = grouping(&arguments.grouping)?;
    let as_csv = arguments.format == "csv";
    let mut csv = csv::Writer::from_writer(std::io::stdout().lock());
    if as_csv {
        csv.write_record(["code", "sector"])?;
    }
    let mut faults = Vec::new();
    for code in &arguments.codes {
        match grouping.sector_of(code, classification) {
            Ok(found) if as_csv => csv.write_record([code, &found.sector.key])?,
            Ok(found) => println!(
                "{} {} → {} {}\n  {}",
                found.code.as_str(),
                found.code.title(),
                found.sector.key,
                found.sector.titles.get(Language::En),
                found.why
            ),
            Err(fault) => faults.push(fault.to_string()),
        }
    }
    csv.flush()?;
    if !faults.is_empty() {
        bail!("{}", faults.join("; "));
    }
    Ok(())
}

/// A shipped grouping by its key, or one of a municipality's own by its file.
///
/// # Errors
/// When it is neither, or the file is faulty.
pub fn grouping(key_or_file: &str) -> Result<Cow<'static, Grouping>> {
    if let Some(shipped) = Grouping::shipped(key_or_file) {
        return Ok(Cow::Borrowed(shipped));
    }
    let shipped = Grouping::SHIPPED.join(", ");
    let text = std::fs::read_to_string(key_or_file).with_context(|| {
        format!("{key_or_file} is neither a shipped grouping ({shipped}) nor a file that can be read")
    })?;
    Ok(Cow::Owned(Grouping::parse(key_or_file, &text)?))
}
