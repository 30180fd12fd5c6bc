//! The figures about closed cases: settled quarter by quarter, and laid out as a series of their own.
use std::collections::{BTreeMap, BTreeSet};

use charts::{QuarterPoint, Quarters, Setting};
use domain::cases::{Date, EVERY, MEASURES, Outcome, Quarter, authorities, authority_title};
use domain::indicator::Kind;
use domain::language::Language;
use domain::municipality::Municipality;
use domain::printed::Printed;
use domain::time::Millis;
use serde::Serialize;
use statistics::rounding;
use statistics::running::{Placed, decide, estimate};
use statistics::suppress::{Rules, UNCERTAIN};
use store::cases::KeptSums;
use store::{Store, StoreError};
use text::{Messages, format};

use crate::app::App;
use crate::error::PageError;

/// Quarters in a table and a chart: three years.
const MOST_QUARTERS: usize = 12;
/// Quarters in the committee's box.
const BOX_QUARTERS: usize = 5;

/// Makes the figures of every quarter about which no more answers can come, and decides for good which may be shown. Returns the
/// quarters that were settled.
///
/// # Errors
/// When the database is away.
pub async fn settle(store: &Store, municipality: &Municipality, now: Millis) -> Result<Vec<Quarter>, StoreError> {
    let id = &municipality.id;
    let today = now.date_in(&format::zone(&municipality.settings.time_zone));
    let counts = store.case_counts(id).await?;
    let asked: BTreeSet<Quarter> = counts
        .iter()
        .filter(|(_, counts)| counts.outcomes.contains_key(&Outcome::Asked))
        .map(|((quarter, _), _)| *quarter)
        .collect();
    let mut kept = store.case_sums(id).await?;
    let done: BTreeSet<Quarter> = kept.iter().map(|k| k.quarter).collect();
    let running = store.running_cases(id).await?;
    let mut settled = Vec::new();
    for quarter in asked.into_iter().filter(|quarter| !done.contains(quarter)) {
        let may_answer = |opens_on: &str| opens_on.parse::<Date>().is_ok_and(|day| day <= quarter.last_arrival());
        if quarter.settles_on() > today || running.iter().any(|r| may_answer(&r.opens_on)) {
            // Later quarters build upon this one.
            break;
        }
        let mut sums = store.sum_cases(id, quarter).await?;
        let rules = Rules { min_n: u64::from(municipality.settings.threshold.max(5)), ..Rules::default() };
        // Measures rest on different questions: what is known of one says nothing exact of another.
        for measure in &MEASURES {
            let own = kept.iter().chain(&sums).filter(|k| k.measure == measure.key).map(placed);
            let shown = decide(&own.collect::<Vec<_>>(), quarter, &rules);
            for row in sums.iter_mut().filter(|row| row.measure == measure.key) {
                row.is_shown = shown.contains(&(row.span, row.authority.clone()));
            }
        }
        store.keep_case_sums(id, quarter, &sums, now).await?;
        kept.extend(sums);
        settled.push(quarter);
    }
    Ok(settled)
}

fn placed(kept: &KeptSums) -> Placed<'_> {
    Placed {
        quarter: kept.quarter,
        span: kept.span,
        authority: &kept.authority,
        measure: &kept.measure,
        sums: &kept.sums,
        is_shown: kept.is_shown,
    }
}

/// A figure of the series as it is printed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SeriesCell {
    /// The value; empty: hidden, or no answers.
    pub value: String,
    /// `± 9`; empty: none.
    pub margin: String,
    /// Answers.
    pub n: u64,
    /// Fewer than 20 answers.
    pub uncertain: bool,
    /// There are answers, and they are not shown.
    pub hidden: bool,
}

/// An authority's figures.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesRow {
    /// Key; `all`: every authority.
    pub key: String,
    /// Title.
    pub title: String,
    /// One per quarter.
    pub cells: Vec<SeriesCell>,
}

/// A chart of one authority.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesChart {
    /// Title.
    pub title: String,
    /// The drawing.
    pub svg: String,
}

/// One measure by authority and quarter.
#[derive(Debug, Clone, Serialize)]
pub struct SeriesPart {
    /// Key of the measure.
    pub measure: String,
    /// Its title.
    pub title: String,
    /// Names of the quarters, the earliest first.
    pub quarters: Vec<String>,
    /// By quarter.
    pub rows: Vec<SeriesRow>,
    /// By four quarters that end with the quarter of the heading; empty where every quarter has enough answers.
    pub years: Vec<SeriesRow>,
    /// Charts of those that have figures.
    pub charts: Vec<SeriesChart>,
    /// Something is hidden.
    pub hides: bool,
    /// Fewest businesses behind a figure.
    pub threshold: u32,
    /// The last quarter's answers and cases: what figures rest on.
    pub answers: u64,
    /// See `answers`.
    pub cases: u64,
    /// The last quarter's name.
    pub last: String,
}

impl SeriesPart {
    /// For the check at start.
    #[must_use]
    pub fn sample() -> Self {
        let cell = |value: &str, hidden: bool| SeriesCell {
            value: value.to_owned(),
            margin: if value.is_empty() { String::new() } else { "± 9".to_owned() },
            n: 12,
            uncertain: true,
            hidden,
        };
        let row = || SeriesRow {
            key: "building".to_owned(),
            title: "Byggesager".to_owned(),
            cells: vec![cell("68", false), cell("", true), cell("", false)],
        };
        Self {
            measure: "nki".to_owned(),
            title: "Tilfredshedsindeks".to_owned(),
            quarters: ["1. kvt. 2026", "2. kvt. 2026", "3. kvt. 2026"].map(str::to_owned).into(),
            rows: vec![row()],
            years: vec![row()],
            charts: vec![SeriesChart { title: "Byggesager".to_owned(), svg: "<svg></svg>".to_owned() }],
            hides: true,
            threshold: 5,
            answers: 12,
            cases: 40,
            last: "3. kvt. 2026".to_owned(),
        }
    }
}

/// The name of a quarter: `3. kvt. 2026`.
#[must_use]
pub fn quarter_name(messages: &Messages, language: Language, quarter: Quarter) -> String {
    let number = i64::from(quarter.number());
    messages.t(language, "cases.quarter", &[("number", number.into()), ("year", quarter.year().to_string().into())])
}

/// One measure of the settled quarters, rounded and without what is hidden; `None` before the first quarter is settled.
#[must_use]
pub fn series(
    messages: &Messages,
    language: Language,
    kept: &[KeptSums],
    measure: &str,
    threshold: u32,
    most: usize,
) -> Option<SeriesPart> {
    let measure = MEASURES.iter().find(|m| m.key == measure).unwrap_or(&MEASURES[0]);
    let own: BTreeMap<(Quarter, u8, &str), &KeptSums> = kept
        .iter()
        .filter(|k| k.measure == measure.key)
        .map(|k| ((k.quarter, k.span, k.authority.as_str()), k))
        .collect();
    let (first, last) = (own.keys().next()?.0, own.keys().next_back()?.0);
    let mut quarters = vec![last];
    while quarters.len() < most && quarters[quarters.len() - 1] > first {
        quarters.push(quarters[quarters.len() - 1].plus(-1));
    }
    quarters.reverse();
    let has = |authority: &str| {
        quarters
            .iter()
            .any(|q| [1, 4].iter().any(|span| own.get(&(*q, *span, authority)).is_some_and(|k| k.sums.n > 0)))
    };
    let known: BTreeSet<&str> = own.keys().map(|(_, _, authority)| *authority).collect();
    let mut order: Vec<&str> = vec![EVERY];
    order.extend(authorities().iter().map(|(key, _)| key.as_str()).filter(|key| known.contains(key)));
    order.extend(known.iter().filter(|key| **key != EVERY && authorities().iter().all(|(k, _)| k != *key)));
    order.retain(|authority| has(authority));
    let title_of = |authority: &str| match authority {
        EVERY => messages.t(language, "cases.every", &[]),
        authority => authority_title(authority, language).to_owned(),
    };
    let rows = |span: u8| -> Vec<SeriesRow> {
        let row = |authority: &&str| SeriesRow {
            key: (*authority).to_owned(),
            title: title_of(authority),
            cells: quarters
                .iter()
                .map(|q| own.get(&(*q, span, *authority)).map(|k| cell(language, k, threshold)).unwrap_or_default())
                .collect(),
        };
        order.iter().map(row).collect()
    };
    let by_quarter = rows(1);
    let is_thin = by_quarter.iter().flat_map(|r| &r.cells).any(|c| c.hidden || c.uncertain);
    let by_year = if is_thin { rows(4) } else { Vec::new() };
    let names: Vec<String> = quarters.iter().map(|q| quarter_name(messages, language, *q)).collect();
    let title = messages.t(language, &format!("cases.measure_{}", measure.key), &[]);
    let charts = order
        .iter()
        .zip(&by_quarter)
        .filter_map(|(authority, row)| {
            let points = quarters.iter().zip(&names).zip(&row.cells).map(|((q, name), cell)| {
                let kept = own.get(&(*q, 1, *authority));
                point(messages, language, kept.copied(), name, cell)
            });
            let drawn = Quarters {
                title: format!("{title}: {}", row.title),
                unit: messages.t(language, "cases.unit", &[]),
                points: points.collect(),
            };
            let chart_id = format!("cases-{}-{authority}", measure.key);
            let setting = Setting::page(messages, language, &chart_id);
            let svg = charts::both(setting, |s| charts::quarters(&drawn, s)).ok()?;
            Some(SeriesChart { title: row.title.clone(), svg })
        })
        .collect();
    let latest = own.get(&(last, 1, EVERY)).map(|k| k.sums).unwrap_or_default();
    let hides = by_quarter.iter().chain(&by_year).flat_map(|r| &r.cells).any(|c| c.hidden);
    Some(SeriesPart {
        measure: measure.key.to_owned(),
        title,
        quarters: names,
        rows: by_quarter,
        years: by_year,
        charts,
        hides,
        threshold: threshold.max(5),
        answers: latest.answered,
        cases: latest.cases,
        last: quarter_name(messages, language, last),
    })
}

/// May it be shown? Decided when its quarter was settled; a threshold that was raised since hides more.
fn is_shown(kept: &KeptSums, threshold: u32) -> bool {
    kept.is_shown && kept.sums.n > 0 && kept.sums.businesses >= u64::from(threshold.max(5))
}

fn cell(language: Language, kept: &KeptSums, threshold: u32) -> SeriesCell {
    let sums = &kept.sums;
    if !is_shown(kept, threshold) {
        return SeriesCell { n: sums.n, hidden: sums.n > 0, ..SeriesCell::default() };
    }
    let figure = rounding::publish(&estimate(sums), Kind::Index);
    let print = |p: Printed| format::number(language, p.value, p.decimals);
    let value = figure.value.and_then(|v| Printed::figure(Kind::Index, v, sums.n)).map(print).unwrap_or_default();
    let margin = figure.interval.and_then(|i| Printed::margin(Kind::Index, i, sums.n)).map(print);
    SeriesCell {
        value,
        margin: margin.map(|m| format!("± {m}")).unwrap_or_default(),
        n: sums.n,
        uncertain: sums.n < UNCERTAIN,
        hidden: false,
    }
}

fn point(
    messages: &Messages,
    language: Language,
    kept: Option<&KeptSums>,
    name: &str,
    cell: &SeriesCell,
) -> QuarterPoint {
    let figure = kept.filter(|_| !cell.value.is_empty()).map(|k| rounding::publish(&estimate(&k.sums), Kind::Index));
    let value = figure.and_then(|f| {
        let value = f.value?;
        let (lower, upper) = f.interval.map_or((value, value), |i| (i.lower, i.upper));
        Some([value, lower, upper])
    });
    let label = match value {
        Some(_) => format!("{} {}", cell.value, cell.margin).trim().to_owned(),
        None => messages.t(language, "charts.hidden_long", &[]),
    };
    QuarterPoint { name: name.to_owned(), value, label, is_uncertain: cell.uncertain, is_empty: cell.n == 0 }
}

/// The series for the analyst.
///
/// # Errors
/// When the database is away.
pub async fn console_part(
    app: &App,
    municipality: &Municipality,
    language: Language,
    measure: &str,
) -> Result<Option<SeriesPart>, PageError> {
    let kept = app.store().case_sums(&municipality.id).await?;
    Ok(series(app.messages(), language, &kept, measure, municipality.settings.threshold, MOST_QUARTERS))
}

/// The satisfaction index for the committee: the latest quarters, and the chart of all authorities.
///
/// # Errors
/// When the database is away.
pub async fn committee_part(
    app: &App,
    municipality: &Municipality,
    language: Language,
) -> Result<Option<SeriesPart>, PageError> {
    let kept = app.store().case_sums(&municipality.id).await?;
    let threshold = municipality.settings.threshold;
    let part = series(app.messages(), language, &kept, MEASURES[0].key, threshold, BOX_QUARTERS);
    Ok(part.map(|mut part| {
        part.charts.truncate(usize::from(part.rows.first().is_some_and(|r| r.key == EVERY)));
        part
    }))
}
