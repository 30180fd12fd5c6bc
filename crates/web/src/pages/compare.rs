//! Year against year, sector against sector: chosen by the reader, out of one publication, without a ranking.
use std::collections::BTreeSet;

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use axum::{Router, middleware, routing};
use charts::Setting;
use domain::ids::PublicationId;
use domain::language::Language;
use domain::results::{ALL, IndicatorInfo, Interval, Report, TOTAL};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use text::{EngineError, Messages};

use crate::app::App;
use crate::error::PageError;
use crate::pages::committee::{Cell, Change, Edition, YearHead, cell, change_of, kind_key};
use crate::pages::console::day;
use crate::pages::signin::{Bar, Reader, Staff, not_kept};
use crate::pages::standing::report_sectors;
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// The breakdown that the committee reads.
const SECTOR: &str = "sector";
/// Sectors that are held against each other in sentences: more make more pairs than anybody reads.
const PAIRED: usize = 4;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/committee/{publication}/compare", routing::get(compare))
        .layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ComparePage>(site)
}

/// `GET /{slug}/committee/{publication}/compare`
#[derive(Debug, Serialize)]
pub struct ComparePage {
    /// Navigation.
    pub bar: Bar,
    /// Address of the publication.
    pub href: String,
    /// Its title.
    pub title: String,
    /// Its date, in words.
    pub date: String,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
    /// The indicators to choose from.
    pub indicators: Vec<Pick>,
    /// The years to choose from.
    pub years: Vec<Pick>,
    /// The sectors to choose from.
    pub sectors: Vec<Pick>,
    /// What was chosen, side by side.
    pub shown: Option<Compared>,
    /// Fewer than two years were chosen.
    pub too_few: bool,
}

/// Something to choose.
#[derive(Debug, Clone, Serialize)]
pub struct Pick {
    /// Its value.
    pub value: String,
    /// What people read.
    pub title: String,
    /// It is chosen.
    pub chosen: bool,
}

/// Years and sectors side by side.
#[derive(Debug, Serialize)]
pub struct Compared {
    /// Title of the indicator.
    pub title: String,
    /// Key of what its figures mean.
    pub kind: &'static str,
    /// A small chart per sector (SVG).
    pub chart: Option<String>,
    /// The years.
    pub years: Vec<YearHead>,
    /// Years before which there is a break.
    pub breaks: Vec<i32>,
    /// `2024 → 2025`, per pair of neighbouring years, and the first against the last.
    pub pairs: Vec<String>,
    /// The total and the sectors, in the publication's order.
    pub rows: Vec<ComparedRow>,
    /// Sector against sector in the last year, in sentences.
    pub said: Vec<String>,
    /// A cell is hidden.
    pub hides: bool,
}

/// A sector.
#[derive(Debug, Serialize)]
pub struct ComparedRow {
    /// Title.
    pub title: String,
    /// The total.
    pub total: bool,
    /// One per year.
    pub cells: Vec<Cell>,
    /// One per pair of years.
    pub changes: Vec<Option<Change>>,
}

impl Page for ComparePage {
    const TEMPLATE: &'static str = "committee/compare.html";

    fn samples() -> Vec<Self> {
        let option = |chosen| Pick { value: "nki".to_owned(), title: "Tilfredshed".to_owned(), chosen };
        let cell = |value: Option<&str>, hidden| Cell {
            value: value.map(str::to_owned),
            margin: "±3,2".to_owned(),
            n: 40,
            uncertain: true,
            hidden,
        };
        let row = |total| ComparedRow {
            title: "Handel".to_owned(),
            total,
            cells: vec![cell(Some("61,4"), false), cell(None, true), cell(None, false)],
            changes: vec![
                Some(Change { verdict: "up", quality: "better", figure: "+4,2 ±1,9".to_owned() }),
                Some(Change { verdict: "hidden", quality: "", figure: String::new() }),
                None,
            ],
        };
        let shown = |full: bool| Compared {
            title: "Tilfredshed".to_owned(),
            kind: "committee.kind_index",
            chart: full.then(|| "<svg></svg>".to_owned()),
            years: vec![YearHead { year: 2025, after_break: false }, YearHead { year: 2026, after_break: full }],
            breaks: if full { vec![2026] } else { Vec::new() },
            pairs: vec!["2025 → 2026".to_owned()],
            rows: vec![row(true), row(false)],
            said: if full { vec!["Ingen klar forskel.".to_owned()] } else { Vec::new() },
            hides: full,
        };
        let page = |shown, too_few| Self {
            bar: Bar::sample(false),
            href: "/hojager/committee/1".to_owned(),
            title: "2026-målingen".to_owned(),
            date: "1. november 2026".to_owned(),
            threshold: 5,
            indicators: vec![option(true), option(false)],
            years: vec![option(true), option(false)],
            sectors: vec![option(true), option(false)],
            shown,
            too_few,
        };
        vec![page(Some(shown(true)), false), page(Some(shown(false)), false), page(None, true)]
    }
}

/// What a reader chose, as it stands in the address.
struct Choice {
    indicator: String,
    years: BTreeSet<i32>,
    sectors: BTreeSet<String>,
}

impl Choice {
    fn of(query: Option<&str>) -> Self {
        let mut choice = Self { indicator: String::new(), years: BTreeSet::new(), sectors: BTreeSet::new() };
        for pair in query.unwrap_or_default().split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned();
            match name {
                "indicator" => choice.indicator = value,
                "year" => choice.years.extend(value.parse::<i32>()),
                "sector" => {
                    choice.sectors.insert(value);
                }
                _ => {}
            }
        }
        choice
    }
}

async fn compare(
    State(app): State<App>,
    visit: Visit,
    Reader(staff): Reader,
    Path((_, publication)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let publication = app.store().publication(&staff.municipality.id, &PublicationId(publication)).await?;
    let href = format!("/{}/committee/{}", staff.municipality.slug, publication.info.id);
    let edition = Edition { publication, href, preview: None };
    compare_page(&app, &visit, &staff, &edition, query.as_deref()).await
}

/// Figures of a publication, or of a draft, beside one another.
///
/// # Errors
/// When the page cannot be rendered.
pub(crate) async fn compare_page(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    edition: &Edition,
    query: Option<&str>,
) -> Result<Response, PageError> {
    let publication = &edition.publication;
    let view = app.view(visit).of(&staff.municipality);
    let language = view.language();
    let report = &publication.report;
    let mut choice = Choice::of(query);
    choice.years.retain(|year| report.years.contains(year));
    if query.is_none_or(|q| !q.contains("year=")) {
        // Nothing chosen yet: the last two years.
        choice.years.extend(report.years.iter().rev().take(2));
    }
    let by_id = report.indicators.iter().find(|i| i.id == choice.indicator);
    let info = by_id.or_else(|| report.indicators.iter().find(|i| i.headline)).or_else(|| report.indicators.first());
    let sectors = report_sectors(report, language);
    let too_few = choice.years.len() < 2;
    let option = |value: &str, title: &str, chosen| Pick { value: value.to_owned(), title: title.to_owned(), chosen };
    let page = ComparePage {
        bar: edition.bar(staff),
        href: edition.href.clone(),
        title: publication.info.title.clone(),
        date: day(language, &publication.info.date),
        threshold: staff.municipality.settings.threshold.max(5),
        indicators: report
            .indicators
            .iter()
            .map(|i| option(&i.id, i.title.get(language), info.is_some_and(|chosen| chosen.id == i.id)))
            .collect(),
        years: report.years.iter().map(|y| option(&y.to_string(), &y.to_string(), choice.years.contains(y))).collect(),
        sectors: sectors.iter().map(|(key, title)| option(key, title, choice.sectors.contains(key))).collect(),
        shown: info.filter(|_| !too_few).map(|i| compared(app.messages(), language, report, i, &choice, &sectors)),
        too_few,
    };
    view.render(&page)
}

fn compared(
    messages: &Messages,
    language: Language,
    report: &Report,
    info: &IndicatorInfo,
    choice: &Choice,
    sectors: &[(String, String)],
) -> Compared {
    let years: Vec<i32> = choice.years.iter().copied().collect();
    let broken = |from: i32, to: i32| info.breaks.iter().any(|b| *b > from && *b <= to);
    let mut pairs: Vec<(i32, i32)> = years.windows(2).map(|w| (w[0], w[1])).collect();
    if let ([first, .., last], true) = (years.as_slice(), years.len() > 2) {
        pairs.push((*first, *last));
    }
    let all = choice.sectors.is_empty();
    let chosen: Vec<&(String, String)> =
        sectors.iter().filter(|(key, _)| all || choice.sectors.contains(key)).collect();
    let row = |title: String, domain: &str, group: &str| ComparedRow {
        title,
        total: domain == TOTAL,
        cells: years.iter().map(|y| cell(info, report.estimate(&info.id, *y, domain, group), language)).collect(),
        changes: pairs
            .iter()
            .map(|(from, to)| change_of(report, info, (Some(*from), Some(*to)), domain, group, language))
            .collect(),
    };
    let mut rows = vec![row(messages.t(language, "charts.total", &[]), TOTAL, ALL)];
    rows.extend(chosen.iter().map(|(key, title)| row(title.clone(), SECTOR, key)));
    let mut cut = report.clone();
    cut.years.clone_from(&years);
    cut.estimates.retain(|r| years.contains(&r.year));
    for breakdown in cut.breakdowns.iter_mut().filter(|b| b.domain == SECTOR) {
        breakdown.groups.retain(|g| chosen.iter().any(|(key, _)| *key == g.key));
    }
    let chart = charts::both(Setting::page(messages, language, "chart-compare"), |s| {
        charts::multiples(&cut, &info.id, SECTOR, years.len(), s)
    });
    let heads: Vec<YearHead> = years
        .iter()
        .enumerate()
        .map(|(i, year)| YearHead { year: *year, after_break: i > 0 && broken(years[i - 1], *year) })
        .collect();
    let said = if all || chosen.len() > PAIRED {
        Vec::new()
    } else {
        against(messages, language, report, info, &chosen, &years)
    };
    Compared {
        title: info.title.get(language).to_owned(),
        kind: kind_key(info.kind),
        chart: chart.ok(),
        breaks: heads.iter().filter(|h| h.after_break).map(|h| h.year).collect(),
        years: heads,
        pairs: pairs.iter().map(|(from, to)| format!("{from} → {to}")).collect(),
        hides: rows.iter().flat_map(|r| &r.cells).any(|c| c.hidden),
        rows,
        said,
    }
}

/// Sector against sector in the last year. A difference is named only where the two intervals lie apart, which asks for more than a test of
/// the difference would; otherwise there is none to speak of, however it falls out.
fn against(
    messages: &Messages,
    language: Language,
    report: &Report,
    info: &IndicatorInfo,
    chosen: &[&(String, String)],
    years: &[i32],
) -> Vec<String> {
    let Some(year) = years.last() else { return Vec::new() };
    let figure = |key: &str| -> Option<(f64, Interval, u64)> {
        let row = report.estimate(&info.id, *year, SECTOR, key)?;
        if row.state.is_hidden() {
            return None;
        }
        Some((row.estimate.value?, row.estimate.interval?, row.estimate.n))
    };
    let mut said = Vec::new();
    for (i, (a, a_title)) in chosen.iter().map(|c| (&c.0, &c.1)).enumerate() {
        for (b, b_title) in chosen.iter().skip(i + 1).map(|c| (&c.0, &c.1)) {
            let say = |key: &str, high: &str, low: &str| {
                messages.t(
                    language,
                    &format!("compare.{key}"),
                    &[("a", high.into()), ("b", low.into()), ("year", (*year).into())],
                )
            };
            said.push(match (figure(a), figure(b)) {
                (Some((_, x, _)), Some((_, y, _))) if x.lower > y.upper => say("higher", a_title, b_title),
                (Some((_, x, _)), Some((_, y, _))) if y.lower > x.upper => say("higher", b_title, a_title),
                (Some(_), Some(_)) => say("no_clear", a_title, b_title),
                _ => say("cannot", a_title, b_title),
            });
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_stands_in_the_address() {
        let choice = Choice::of(Some("indicator=nki&year=2023&year=2025&year=x&sector=a%2Db&sector=c+d&other=1"));
        assert_eq!(choice.indicator, "nki");
        assert_eq!(choice.years, BTreeSet::from([2023, 2025]));
        assert_eq!(choice.sectors, BTreeSet::from(["a-b".to_owned(), "c d".to_owned()]));
    }
}
