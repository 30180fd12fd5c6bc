//! Bringing an earlier year in: answers from another survey tool join the series as a closed round.
use std::io::{BufReader, Read, Seek, Write};

use anyhow::{Context, Result, bail, ensure};
use domain::fieldwork::{Mode, ResponseStatus, RoundState};
use domain::ids::RoundId;
use domain::municipality::Municipality;
use domain::questionnaire::shipped;
use domain::time::Millis;
use intake::earlier::{Mapping, Options, ReportWriter, Response, RowOutcome, RowResult, Summary, Units};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use store::results::{Loaded, PastResponse};
use store::rounds::RoundPlan;

use crate::wiring::Parts;

/// Units of the frame read with one call.
const PAGE: u32 = 2000;
/// Unknown values that the message names; the report has every row.
const NAMED: usize = 5;
/// The hour that stands for a day: the same day in every zone that a municipality may be in.
const NOON: i8 = 12;

/// What is to be imported.
pub struct Request<'a> {
    /// Whose answers.
    pub municipality: &'a Municipality,
    /// Of which year.
    pub year: i32,
    /// Name of the file, for messages.
    pub file_name: &'a str,
    /// Read and report, but store nothing.
    pub dry_run: bool,
    /// What was imported into the year before goes; otherwise it stays and only new units are added.
    pub replace: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Imported {
    /// The file, in counts.
    pub summary: Summary,
    /// What was stored; `None` when nothing was to be.
    pub loaded: Option<Loaded>,
    /// Earlier imported responses that were taken away first.
    pub replaced: u64,
    /// The year had no round; it has a closed one now.
    pub round_created: bool,
}

/// Reads `source` through `mapping`, writes the row-by-row report to `report` and, when every row has its outcome and no value
/// was unknown, stores the answers in the year's closed round. Doing it again adds nothing; with `replace` the file takes the place
/// of what was imported before (interrupted, it is completed by doing it again).
///
/// # Errors
/// A year without a frame or with a round that is not closed, a file that cannot be read, values that the mapping does not
/// know (with line and column), or not one row that could be taken. Nothing is stored then.
pub async fn responses<R, W>(
    parts: &Parts,
    request: &Request<'_>,
    mapping: Mapping,
    source: R,
    report: W,
) -> Result<Imported>
where
    R: Read + Seek + Send + 'static,
    W: Write + Send + 'static,
{
    let Request { municipality, year, file_name, dry_run, replace } = *request;
    let round = parts.store.round_of_year(&municipality.id, year).await?;
    if let Some(round) = round.as_ref().filter(|round| round.state != RoundState::Closed) {
        bail!(
            "{} is {}: answers made elsewhere join closed rounds only (pejling round close --year {year})",
            round.title,
            round.state.as_str()
        );
    }
    let units = units(parts, municipality, year).await?;
    let title = mapping.title.clone().unwrap_or_else(|| format!("{year}-målingen"));
    let stops = mapping.stops_at_unknown_values();
    let (summary, responses) = {
        let (country, language) = (municipality.country, municipality.settings.language);
        let (keys, file_name) = (parts.keys.clone(), file_name.to_owned());
        let reading = tokio::task::spawn_blocking(move || -> Result<(Summary, Vec<Response>)> {
            let options = Options { country, units: &units, keys: &keys };
            let mut report = ReportWriter::new(report, language)?;
            // At most one per unit of the frame, so they fit in memory, and nothing is stored before the last row is read.
            let mut responses = Vec::new();
            let mut sink = |outcome: RowOutcome| -> Result<()> {
                report.row(&outcome)?;
                if let RowResult::Taken(response, _) = outcome.result {
                    responses.push(*response);
                }
                Ok(())
            };
            let summary = intake::earlier::read(&file_name, BufReader::new(source), &mapping, &options, &mut sink)?;
            report.finish()?.flush()?;
            Ok((summary, responses))
        });
        reading.await.context("reading the file was interrupted")??
    };
    if stops && !summary.unknown_values.is_empty() {
        let named: Vec<String> = summary.unknown_values.iter().take(NAMED).map(ToString::to_string).collect();
        let more = match summary.unknown_values.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more values"),
        };
        bail!("{file_name}: {}{more}; nothing was stored", named.join("; "));
    }
    let Some((first, last)) = summary.days else {
        bail!("{file_name}: no row could be taken; the report says why for each");
    };
    if dry_run {
        return Ok(Imported { summary, loaded: None, replaced: 0, round_created: false });
    }
    let (round, round_created) = match round {
        Some(round) => (round.id, false),
        None => (closed_round(parts, municipality, year, title, (first, last)).await?, true),
    };
    let zone = text::format::zone(&municipality.settings.time_zone);
    let responses = responses.into_iter().map(|response| past(response, &zone)).collect::<Result<Vec<_>>>()?;
    let now = parts.clock.now();
    let replaced = if replace { parts.store.drop_imported(&municipality.id, &round).await? } else { 0 };
    let loaded = parts.store.load_responses(&municipality.id, &round, &responses, now).await?;
    let detail = format!("{year}: {replaced} taken away, {} added, {} present", loaded.added, loaded.present);
    parts.store.audit(&municipality.id, None, "responses.imported", round.as_str(), &detail, now).await?;
    Ok(Imported { summary, loaded: Some(loaded), replaced, round_created })
}

/// Reads a mapping file and checks it against the shipped questionnaire.
///
/// # Errors
/// Every fault, with its line.
pub fn mapping(file: &str, text: &str) -> Result<Mapping> {
    Ok(Mapping::parse(file, text, &shipped())?)
}

/// The year's frame, as rows may name its units.
async fn units(parts: &Parts, municipality: &Municipality, year: i32) -> Result<Units> {
    let mut units = Units::default();
    let mut after = None;
    loop {
        let page = parts.store.frame_units(&municipality.id, year, after.as_ref(), PAGE).await?;
        ensure!(
            after.is_some() || !page.is_empty(),
            "{} has no frame of {year}: import that year's extract first (pejling import frame --year {year})",
            municipality.name
        );
        page.iter().for_each(|row| units.add(&row.unit));
        match page.into_iter().next_back() {
            Some(last) => after = Some(last.business),
            None => return Ok(units),
        }
    }
}

/// A round of a year that was held elsewhere: closed from its first moment, nobody is invited.
async fn closed_round(
    parts: &Parts,
    municipality: &Municipality,
    year: i32,
    title: String,
    (first, last): (Date, Date),
) -> Result<RoundId> {
    let now = parts.clock.now();
    let questionnaire = parts.store.save_questionnaire(&municipality.id, &shipped(), now).await?;
    let plan = RoundPlan {
        title,
        opens_on: Some(first.to_string()),
        closes_on: Some(last.to_string()),
        questionnaire: Some(questionnaire),
        threshold: municipality.settings.threshold,
    };
    let round = parts.store.create_round(&municipality.id, year, &plan, now).await?;
    parts.store.close_round(&municipality.id, &round.id, now).await?;
    Ok(round.id)
}

fn past(response: Response, zone: &TimeZone) -> Result<PastResponse> {
    let Response { unit_key, status, language, date, answers } = response;
    let noon = zone.to_ambiguous_zoned(date.at(NOON, 0, 0, 0)).compatible().context("a day without a noon")?;
    let at = Millis(noon.timestamp().as_millisecond());
    let submitted_at = (status == ResponseStatus::Complete).then_some(at);
    Ok(PastResponse { unit_key, status, mode: Mode::Imported, language, started_at: at, submitted_at, answers })
}
