//! `pejling import`
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use domain::industry::Classification;
use domain::language::Language;
use domain::packages::fingerprint;
use indicatif::{ProgressBar, ProgressStyle};
use store::neighbours::{OutsideFigure, Received};

use crate::cli::{Import, ImportAccounts, ImportCases, ImportFrame, ImportReceipts, ImportResponses};
use crate::config::Config;
use crate::earlier;
use crate::import::{Imported, Request, frame, mapping};
use crate::wiring::{Parts, mail_domain};

/// Reads outside files.
///
/// # Errors
/// What is wrong with the file, by line and column.
pub async fn run(command: Import, config: &Config) -> Result<()> {
    match command {
        Import::Frame(arguments) => extract(arguments, config).await,
        Import::Responses(arguments) => responses(arguments, config).await,
        Import::Package { file, municipality, fingerprint } => {
            package(&file, municipality.as_deref(), fingerprint.as_deref(), config).await
        }
        Import::Outside { file, municipality } => outside(&file, municipality.as_deref(), config).await,
        Import::Receipts(arguments) => receipts(arguments, config).await,
        Import::Accounts(arguments) => accounts(arguments, config).await,
        Import::Cases(arguments) => cases(arguments, config).await,
    }
}

async fn package(file: &Path, municipality: Option<&str>, heard: Option<&str>, config: &Config) -> Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let signed = intake::package::read(&bytes).with_context(|| file.display().to_string())?;
    let print = fingerprint(&signed.public_key);
    let plain = |text: &str| text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_lowercase();
    ensure!(
        heard.is_none_or(|heard| plain(heard) == plain(&print)),
        "the package was signed with another key: its fingerprint is {print}. Nothing was taken"
    );
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(municipality).await?;
    let (id, now) = (&municipality.id, parts.clock.now());
    let head = &signed.package.head;
    let received = parts.store.receive_package(id, &signed.public_key, &signed.hash, &signed.package, now).await?;
    let (neighbour, known) = match received {
        Received::New { neighbour } => (neighbour, false),
        Received::Known { neighbour } => (neighbour, true),
        Received::Contradicts => bail!(
            "{} {} version {} was read before with other figures. Published figures never change: one of the two is wrong",
            head.municipality,
            head.year,
            head.version
        ),
    };
    let word = if known { "had been read before" } else { "was read" };
    println!(
        "{} {} version {} {word}: {} figures.",
        head.municipality,
        head.year,
        head.version,
        signed.package.figures.len()
    );
    if heard.is_some() {
        parts.store.confirm_neighbour(id, &neighbour, now).await?;
        println!("The key is confirmed: {print}");
    } else {
        println!("The key is not confirmed until you have compared its fingerprint with them: {print}");
    }
    parts.store.audit(id, None, "package.imported", &head.slug, &print, now).await?;
    Ok(())
}

async fn outside(file: &Path, municipality: Option<&str>, config: &Config) -> Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let rows = intake::outside::read(&bytes).with_context(|| file.display().to_string())?;
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(municipality).await?;
    let figure = |row: intake::outside::OutsideRow| OutsideFigure {
        source: row.source,
        measure: row.measure,
        place: row.place,
        year: row.year,
        value: row.value,
        unit: row.unit,
        n: row.n,
        note: row.note,
    };
    let figures: Vec<OutsideFigure> = rows.into_iter().map(figure).collect();
    parts.store.put_outside_figures(&municipality.id, &figures, parts.clock.now()).await?;
    println!("{} figures were read.", figures.len());
    Ok(())
}

/// All rows are taken or none: half a year's accounts would be read as a fall.
async fn accounts(arguments: ImportAccounts, config: &Config) -> Result<()> {
    let ImportAccounts { file, municipality } = arguments;
    let source = File::open(&file).with_context(|| format!("{} cannot be opened", file.display()))?;
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(municipality.as_deref()).await?;
    let grouping = municipality.settings.sectors()?;
    let sectors: Vec<_> = grouping.sectors().iter().map(|s| (s.key.clone(), s.titles.clone())).collect();
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let facts = intake::facts::read(&name, source, &sectors)?;
    for problem in &facts.problems {
        eprintln!("{name}: line {}: {}", problem.line, problem.fault.text(Language::En));
    }
    ensure!(facts.problems.is_empty(), "{} rows have faults; nothing was saved", facts.problems.len());
    parts.store.save_facts(&municipality.id, &facts.rows, parts.clock.now()).await?;
    println!("{name}: {} facts taken.", facts.rows.len());
    Ok(())
}

async fn cases(arguments: ImportCases, config: &Config) -> Result<()> {
    let ImportCases { file, municipality, dry_run, report } = arguments;
    let source = File::open(&file).with_context(|| format!("{} cannot be opened", file.display()))?;
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(municipality.as_deref()).await?;
    let report_path = report.unwrap_or_else(|| file.with_extension("report.csv"));
    let report = File::create(&report_path)
        .with_context(|| format!("the report {} cannot be written", report_path.display()))?;
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let mail_domain = mail_domain(&config.public_url());
    let tally =
        crate::cases::import(&parts, &municipality, (&name, source), &mail_domain, dry_run, BufWriter::new(report))
            .await?;
    println!("{name}: {} new cases, {} had arrived before.", tally.new, tally.known);
    for (outcome, cases) in &tally.outcomes {
        println!("  {}: {cases}", outcome.as_str());
    }
    for problem in &tally.problems {
        eprintln!("{name}: {problem}");
    }
    if dry_run {
        println!("Nothing was stored and nobody is asked: this was a dry run.");
    }
    println!("Row by row: {}", report_path.display());
    ensure!(tally.problems.is_empty(), "{} fields have faults; their rows were not taken", tally.problems.len());
    Ok(())
}

async fn extract(arguments: ImportFrame, config: &Config) -> Result<()> {
    let ImportFrame { file, municipality, year, classification, mapping: mapped, codes, report } = arguments;
    let source = File::open(&file).with_context(|| format!("{} cannot be opened", file.display()))?;
    let mapping = mapping(&mapped)?;
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(municipality.as_deref()).await?;
    let report_path = report.unwrap_or_else(|| file.with_extension("report.csv"));
    let report = File::create(&report_path)
        .with_context(|| format!("the report {} cannot be written", report_path.display()))?;
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let request = Request {
        municipality: &municipality,
        year,
        file_name: &name,
        classification: classification.as_deref().and_then(Classification::parse),
        mapping,
        columns: None,
        codes,
    };
    let bar = ProgressBar::new(source.metadata().map(|m| m.len()).unwrap_or(0));
    let style = ProgressStyle::with_template("{bar:30} {percent}% {msg}, about {eta} left")
        .context("the progress bar's form is wrong")?;
    bar.set_style(style);
    let shown = bar.clone();
    let imported = frame(&parts, &request, source, BufWriter::new(report), move |progress| {
        shown.set_position(progress.bytes);
        shown.set_message(format!("{} rows", progress.rows));
    })
    .await;
    bar.finish_and_clear();
    let Imported { summary, change } = imported?;
    println!("{name}: {} rows, {} taken as the frame of {year}.", summary.rows, summary.taken);
    for (outcome, count) in &summary.left_out {
        println!("  left out, {outcome}: {count}");
    }
    for (note, count) in &summary.notes {
        println!("  taken, {}: {count}", serde_json::to_value(note)?.as_str().unwrap_or_default());
    }
    if !summary.unused_columns.is_empty() {
        println!("  columns not used: {}", summary.unused_columns.join(", "));
    }
    match (change.replaced, change.compared_with) {
        (false, _) => println!("The frame was the same already; nothing was changed."),
        (true, Some(earlier)) => {
            println!(
                "Against {earlier}: {} new, {} gone, {} changed, {} as before.",
                change.new, change.closed, change.changed, change.unchanged
            );
        }
        (true, None) => {}
    }
    println!("Row by row: {}", report_path.display());
    Ok(())
}

async fn responses(arguments: ImportResponses, config: &Config) -> Result<()> {
    let ImportResponses { file, mapping, municipality, year, dry_run, replace, report } = arguments;
    let source = File::open(&file).with_context(|| format!("{} cannot be opened", file.display()))?;
    let text = std::fs::read_to_string(&mapping).with_context(|| format!("{} cannot be read", mapping.display()))?;
    let mapping = earlier::mapping(&mapping.display().to_string(), &text)?;
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(municipality.as_deref()).await?;
    let report_path = report.unwrap_or_else(|| file.with_extension("report.csv"));
    let report = File::create(&report_path)
        .with_context(|| format!("the report {} cannot be written", report_path.display()))?;
    let name = file.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let request = earlier::Request { municipality: &municipality, year, file_name: &name, dry_run, replace };
    let earlier::Imported { summary, loaded, replaced, round_created } =
        earlier::responses(&parts, &request, mapping, source, BufWriter::new(report)).await?;
    println!("{name}: {} rows, {} taken as answers of {year}.", summary.rows, summary.taken);
    for (status, count) in &summary.statuses {
        println!("  taken, {status}: {count}");
    }
    for (note, count) in &summary.notes {
        println!("  taken, note {note}: {count}");
    }
    for (outcome, count) in &summary.left_out {
        println!("  left out, {outcome}: {count}");
    }
    for (question, count) in summary.answered.iter().filter(|(_, count)| **count == 0) {
        println!("  {question} is mapped and answered in {count} rows");
    }
    if !summary.unused_columns.is_empty() {
        println!("  columns not used: {}", summary.unused_columns.join(", "));
    }
    for unknown in &summary.unknown_values {
        println!("  left blank: {unknown}");
    }
    match loaded {
        None => println!("Nothing was stored: this was a dry run."),
        Some(loaded) => {
            if round_created {
                println!("{year} had no round; it has a closed one now.");
            }
            if replaced > 0 {
                println!("{replaced} responses imported before were taken away.");
            }
            println!(
                "{} answers added; {} units had an answer already, which stays as it was.",
                loaded.added, loaded.present
            );
        }
    }
    println!("Row by row: {}", report_path.display());
    Ok(())
}

async fn receipts(arguments: ImportReceipts, config: &Config) -> Result<()> {
    let ImportReceipts { file, municipality, report } = arguments;
    let text = std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(municipality.as_deref()).await?;
    let report_path = report.unwrap_or_else(|| file.with_extension("report.csv"));
    let report = File::create(&report_path)
        .with_context(|| format!("the report {} cannot be written", report_path.display()))?;
    let tally = crate::receipts::import(&parts, &municipality, &text, BufWriter::new(report)).await?;
    println!("{}: {} rows.", file.display(), tally.rows);
    for (receipt, businesses) in &tally.kept {
        println!("  {receipt}, businesses: {businesses}");
    }
    for (label, rows) in
        [("known already", tally.known), ("older than what is noted", tally.older), ("not taken", tally.faulty)]
    {
        if rows > 0 {
            println!("  {label}, rows: {rows}");
        }
    }
    println!("Row by row: {}", report_path.display());
    Ok(())
}
