//! From closed rounds to a frozen publication, and from a publication to its paper.
use std::sync::Arc;

use analysis::{Analysis, Fpc, Method, Table};
use anyhow::{Context, Result, bail, ensure};
use domain::fieldwork::ResponseStatus;
use domain::indicator::Definitions;
use domain::language::Language;
use domain::municipality::Municipality;
use domain::results::Report;
use domain::size::SizeClasses;
use serde::Deserialize;
use store::results::{AnalysisUnit, NewPublication, Publication, PublicationInfo};
use text::Messages;

use crate::commands::round::closed_years;
use crate::wiring::Parts;

/// Fewest answers in a weighting cell of a publication (`statistics.md` § 2).
const MIN_CELL: u32 = 5;

/// What a publication is to be called.
#[derive(Debug, Clone, Deserialize)]
pub struct Plan {
    /// The year that opens it; must be closed.
    pub year: i32,
    /// Title.
    pub title: String,
    /// The author's remark; may be empty.
    #[serde(default)]
    pub note: String,
}

/// The method of publications: item-wise correction, weighting cells of five, suppression at the municipality's threshold.
///
/// # Errors
/// When the municipality's sector grouping cannot be read.
pub fn method(municipality: &Municipality) -> Result<Method> {
    let own = municipality.settings.own_grouping.is_some();
    let own_sectors = if own { Some(Arc::new(municipality.settings.sectors()?.into_owned())) } else { None };
    Ok(Method {
        own_sectors,
        fpc: Fpc::Item,
        min_cell: MIN_CELL,
        min_n: municipality.settings.threshold,
        sectors: municipality.settings.grouping.clone(),
        sizes: SizeClasses::default_for(municipality.country).key().to_owned(),
        ..Method::default()
    })
}

/// Analyses the closed rounds of a municipality up to `last` (all, when `None`).
///
/// # Errors
/// When no round is closed, or the answers cannot be weighted to the frame.
pub async fn analyse(
    parts: &Parts,
    municipality: &Municipality,
    last: Option<i32>,
    definitions: &Definitions,
    method: Method,
) -> Result<Analysis> {
    let mut years = closed_years(parts, municipality).await?;
    years.retain(|year| last.is_none_or(|last| *year <= last));
    ensure!(!years.is_empty(), "no round is closed yet: figures are made of closed rounds only");
    let units = parts.store.analysis_frame(&municipality.id, &years).await?;
    let responses = parts.store.analysis_responses(&municipality.id, &years).await?;
    let counts = |status| matches!(status, ResponseStatus::Complete | ResponseStatus::Partial);
    let responses: Vec<_> = responses.into_iter().filter(|r| counts(r.status)).collect();
    let responded = responses.iter().map(|r| (r.year, r.panel.0.clone())).collect();
    let answers = responses.into_iter().flat_map(|r| {
        let (year, panel) = (r.year, r.panel.0);
        r.answers.0.into_iter().map(move |(key, value)| (year, panel.clone(), key, value))
    });
    let frame = frame_table(&units)?;
    let responses = Table::from_answers("responses", responded, answers)?;
    let definitions = definitions.clone();
    let analysis =
        tokio::task::spawn_blocking(move || analysis::analyse_rows(&frame, &responses, &definitions, &method));
    match analysis.await.context("the analysis was interrupted")? {
        Err(analysis::AnalyseError::Weights(reason)) => {
            bail!(
                "{reason}. A coarser grouping of sectors (`pejling municipality set --grouping`) lets thin sectors stand together"
            )
        }
        outcome => Ok(outcome?),
    }
}

fn frame_table(units: &[AnalysisUnit]) -> Result<Table> {
    let column = |name: &str, cell: &dyn Fn(&AnalysisUnit) -> String| {
        (name.to_owned(), units.iter().map(cell).collect::<Vec<_>>())
    };
    let employees = |low: Option<u32>, high: Option<u32>| match (low, high) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => format!("{low}-{high}"),
        (Some(low), None) => format!("{low}+"),
        (None, _) => String::new(),
    };
    let columns = vec![
        column("year", &|u| u.year.to_string()),
        column("business_id", &|u| u.panel.0.clone()),
        column("sector", &|u| u.sector.clone()),
        column("size", &|u| u.size.clone()),
        column("company_id", &|u| u.company.clone()),
        column("company_employees", &|u| {
            employees(
                u.company_employees_low.or(Some(u.employees_low)),
                if u.company_employees_low.is_some() { u.company_employees_high } else { u.employees_high },
            )
        }),
    ];
    Ok(Table::from_columns("frame", columns)?)
}

/// Analyses, and freezes the result as a publication.
///
/// # Errors
/// As [`analyse`]; also when the year is not closed.
pub async fn publish(parts: &Parts, municipality: &Municipality, plan: &Plan) -> Result<(PublicationInfo, Report)> {
    let closed = closed_years(parts, municipality).await?;
    ensure!(closed.contains(&plan.year), "the round of {} is not closed: only closed rounds are published", plan.year);
    let analysis =
        analyse(parts, municipality, Some(plan.year), &Definitions::shipped(), method(municipality)?).await?;
    let now = parts.clock.now();
    let date = now.date_in(&text::format::zone(&municipality.settings.time_zone)).to_string();
    let publication = NewPublication {
        year: plan.year,
        date: &date,
        title: &plan.title,
        note: &plan.note,
        report: &analysis.report,
        extra: &serde_json::json!({ "notes": analysis.notes, "weighting": analysis.weighting }),
    };
    let info = parts.store.publish(&municipality.id, &publication, now).await?;
    parts
        .store
        .audit(
            &municipality.id,
            None,
            "publication.created",
            info.id.as_str(),
            &format!("{} version {}", info.year, info.version),
            now,
        )
        .await?;
    Ok((info, analysis.report))
}

/// The paper of a publication as PDF.
///
/// # Errors
/// When it cannot be set.
pub async fn paper(municipality: &Municipality, publication: Publication, language: Language) -> Result<Vec<u8>> {
    let municipality = municipality.clone();
    let setting = tokio::task::spawn_blocking(move || -> Result<Vec<u8>> {
        let messages = Arc::new(Messages::load()?);
        let published_on = publication.info.date.parse().context("the publication's date")?;
        let occasion = report::Occasion {
            municipality: &municipality,
            language,
            published_on,
            version: publication.info.version,
            note: &publication.info.note,
        };
        Ok(report::year(&messages, &publication.report, &occasion)?)
    });
    setting.await.context("setting the paper was interrupted")?
}
