//! Bringing a register extract in: one importer for the command line and for the console's job.
use std::collections::BTreeMap;
use std::io::{BufReader, Cursor, Read, Seek, Write};

use anyhow::{Context, Result, bail};
use domain::eligibility::Eligibility;
use domain::frame::FrameUnit;
use domain::ids::ImportId;
use domain::industry::Classification;
use domain::municipality::Municipality;
use domain::size::SizeClasses;
use intake::frame::{Field, FrameOptions, Mapping, Progress, RowResult, Summary, UnitKind};
use intake::glimpse::Glimpse;
use intake::report::ReportWriter;
use sha2::{Digest, Sha256};
use store::frames::FrameChange;

use crate::wiring::Parts;

/// Rows staged with one call.
const CHUNK: usize = 500;

/// What is to be imported, and how it is to be read.
pub struct Request<'a> {
    /// Whose frame.
    pub municipality: &'a Municipality,
    /// Which year's.
    pub year: i32,
    /// Name of the file, for messages.
    pub file_name: &'a str,
    /// Classification of the codes; `None`: the one in use that year.
    pub classification: Option<Classification>,
    /// Headings tied to fields.
    pub mapping: Mapping,
    /// Every field's column by its position, chosen in the console.
    pub columns: Option<BTreeMap<Field, usize>>,
    /// The municipality's codes in the register; empty: those of its settings.
    pub codes: Vec<String>,
}

/// What came of it.
#[derive(Debug, serde::Serialize)]
pub struct Imported {
    /// The file, in counts.
    pub summary: Summary,
    /// The frame, against the year before.
    pub change: FrameChange,
}

/// An extract that was read and that nobody sees yet.
#[derive(Debug)]
pub struct Staged {
    /// What it was read into.
    pub import: ImportId,
    /// The very same file, read the same way, is the year's frame already.
    pub already_current: bool,
    /// The file, in counts and by its first rows.
    pub glimpse: Glimpse,
}

/// Reads `source` as the year's frame, writes the row-by-row report to `report` and switches the frame over at the end.
/// An import that fails half-way leaves the frame as it was.
///
/// # Errors
/// What is wrong with the file (file, line, column), or with the year (a round is open on it).
pub async fn frame<R, W>(
    parts: &Parts,
    request: &Request<'_>,
    source: R,
    report: W,
    progress: impl Fn(Progress) + Send + 'static,
) -> Result<Imported>
where
    R: Read + Seek + Send + 'static,
    W: Write + Send + 'static,
{
    let id = &request.municipality.id;
    let Staged { import, already_current, glimpse } = stage(parts, request, source, report, progress).await?;
    let summary = glimpse.summary;
    if already_current {
        let frames = parts.store.frames(id).await?;
        let current = frames.into_iter().find(|f| f.year == request.year).map(|f| f.change).unwrap_or_default();
        return Ok(Imported { summary, change: FrameChange { replaced: false, ..current } });
    }
    if summary.taken == 0 {
        parts.store.abandon_frame_import(id, &import).await?;
        bail!("{}: no row could be taken; the report says why for each", request.file_name);
    }
    parts.store.describe_frame_import(id, &import, &serde_json::to_value(&summary)?, None).await?;
    let change = parts.store.finish_frame_import(id, &import, parts.clock.now()).await?;
    Ok(Imported { summary, change })
}

/// Reads `source` into an import that nobody sees yet, and writes the row-by-row report to `report`. One that fails half-way is
/// thrown away.
///
/// # Errors
/// As [`frame`].
pub async fn stage<R, W>(
    parts: &Parts,
    request: &Request<'_>,
    mut source: R,
    report: W,
    progress: impl Fn(Progress) + Send + 'static,
) -> Result<Staged>
where
    R: Read + Seek + Send + 'static,
    W: Write + Send + 'static,
{
    let municipality = request.municipality;
    let grouping = municipality.settings.sectors()?;
    let classification =
        request.classification.unwrap_or_else(|| Classification::in_use(municipality.country, request.year));
    let codes =
        if request.codes.is_empty() { municipality.settings.register_codes.clone() } else { request.codes.clone() };
    // Read another way, the same file is another frame.
    let way = serde_json::json!([
        classification,
        request.mapping,
        request.columns,
        codes,
        municipality.settings.own_numbers,
        municipality.settings.grouping,
        municipality.settings.own_grouping,
        Eligibility::shipped().version(),
    ]);
    let hash =
        content_hash(&mut source, &way.to_string()).with_context(|| format!("{} cannot be read", request.file_name))?;
    let (import, already_current) = {
        let begun = parts
            .store
            .begin_frame_import(&municipality.id, request.year, request.file_name, &hash, parts.clock.now())
            .await?;
        (begun.id, begun.already_current)
    };
    // The file is read on a thread of its own; a bounded channel keeps only a few chunks in memory.
    let (sender, mut chunks) = tokio::sync::mpsc::channel::<Vec<FrameUnit>>(4);
    let reading = {
        let country = municipality.country;
        let (mapping, columns, file_name) =
            (request.mapping.clone(), request.columns.clone(), request.file_name.to_owned());
        let own_numbers = municipality.settings.own_numbers.clone();
        let today = parts.clock.now().date_in(&text::format::zone(&municipality.settings.time_zone)).to_string();
        let (keys, language) = (parts.keys.clone(), municipality.settings.language);
        tokio::task::spawn_blocking(move || -> Result<Glimpse> {
            let options = FrameOptions {
                country,
                unit: UnitKind::Workplace,
                classification,
                grouping: &grouping,
                sizes: SizeClasses::default_for(country),
                eligibility: Eligibility::shipped(),
                municipality_codes: &codes,
                own_numbers: &own_numbers,
                extract_date: Some(&today),
                mapping: &mapping,
                columns: columns.as_ref(),
                keys: &keys,
            };
            let mut report = ReportWriter::new(report, language)?;
            let mut chunk = Vec::with_capacity(CHUNK);
            let mut glimpse = Glimpse::default();
            let mut sink = |outcome: intake::frame::RowOutcome| -> Result<()> {
                report.row(&outcome)?;
                glimpse.note(&outcome);
                if let RowResult::Taken(unit, _) = outcome.result {
                    chunk.push(*unit);
                    if chunk.len() == CHUNK {
                        sender
                            .blocking_send(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)))
                            .context("the import was given up")?;
                    }
                }
                Ok(())
            };
            let summary =
                intake::frame::read(&file_name, BufReader::new(source), &options, &mut |p| progress(p), &mut sink)?;
            report.finish()?.flush()?;
            if !chunk.is_empty() {
                sender.blocking_send(chunk).context("the import was given up")?;
            }
            Ok(Glimpse { summary, ..glimpse })
        })
    };
    let staging = async {
        while let Some(chunk) = chunks.recv().await {
            if !already_current {
                parts.store.stage_frame_rows(&municipality.id, &import, &chunk, parts.clock.now()).await?;
            }
        }
        Ok::<_, store::StoreError>(())
    };
    let staged = staging.await;
    drop(chunks);
    let outcome = match (reading.await.context("reading the file was interrupted")?, staged) {
        (Ok(glimpse), Ok(())) => Ok(Staged { import: import.clone(), already_current, glimpse }),
        (_, Err(error)) => Err(error.into()),
        (Err(error), _) => Err(error),
    };
    if outcome.is_err() && !already_current {
        parts.store.abandon_frame_import(&municipality.id, &import).await?;
    }
    outcome
}

/// SHA-256 of the way a file is read and of the whole file; leaves it rewound.
fn content_hash(source: &mut (impl Read + Seek), way: &str) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    digest.update(way.as_bytes());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = source.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        digest.update(&buffer[..n]);
    }
    source.rewind()?;
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads a `--map FIELD=HEADER` argument into a mapping.
///
/// # Errors
/// When the form is wrong or the field is not known.
pub fn mapping(arguments: &[String]) -> Result<Mapping> {
    let mut mapping = Mapping::default();
    for argument in arguments {
        let Some((field, header)) = argument.split_once('=') else {
            bail!("--map {argument}: must be FIELD=HEADER");
        };
        let field = serde_json::from_value(serde_json::Value::String(field.to_owned()))
            .with_context(|| format!("--map {argument}: the field {field:?} is not known"))?;
        mapping.0.insert(header.to_owned(), field);
    }
    Ok(mapping)
}

/// An import of bytes held in memory (an upload kept with its job).
pub type Upload = Cursor<Vec<u8>>;
