//! After publication, behind the same link: what the business's sector said, and what the municipality does about it.
use axum::response::Response;
use charts::Setting;
use domain::initiatives::{Initiative, InitiativeState};
use domain::language::Language;
use domain::results::{ALL, IndicatorInfo, Report, TOTAL};
use serde::Serialize;
use store::results::Publication;
use text::summary;

use super::{Contact, Invited, day};
use crate::app::App;
use crate::error::PageError;
use crate::pages::committee::{Cell, Change, cell, change_of, pairs};
use crate::templates::Page;
use crate::visit::Visit;

/// The breakdown that a business finds itself in.
const SECTOR: &str = "sector";
/// Figures shown at most: a page for a phone, not a report.
const FIGURES: usize = 8;

/// `/s/{token}` of a round whose figures are published.
#[derive(Serialize)]
pub(crate) struct OutcomePage {
    round: String,
    date: String,
    year: i32,
    before: Option<i32>,
    sector: Option<String>,
    answered: Option<Answered>,
    sentences: Vec<String>,
    figures: Vec<Figure>,
    /// The main figure over the years (SVG).
    chart: Option<String>,
    chart_title: String,
    breaks: Vec<i32>,
    initiatives: Vec<Doing>,
    threshold: u32,
    /// The business had answered.
    took_part: bool,
    contact: Option<Contact>,
}

/// How many of the sector answered.
#[derive(Serialize)]
struct Answered {
    n: u64,
    of: u64,
}

/// A figure of the sector beside that of everybody.
#[derive(Serialize)]
struct Figure {
    title: String,
    sector: Cell,
    total: Cell,
    change: Option<Change>,
}

/// What the municipality does.
#[derive(Serialize)]
struct Doing {
    title: String,
    description: String,
    /// Key of the state's name.
    state: String,
    responsible: String,
    until: Option<String>,
    /// It is about this sector in particular.
    for_sector: bool,
}

impl Page for OutcomePage {
    const TEMPLATE: &'static str = "respondent/outcome.html";

    fn samples() -> Vec<Self> {
        let cell = |value: Option<&str>| Cell {
            value: value.map(str::to_owned),
            margin: "±3,2".into(),
            n: 12,
            uncertain: value.is_some(),
            hidden: value.is_none(),
        };
        let change = |verdict| {
            Some(Change { verdict, quality: if verdict == "up" { "better" } else { "" }, figure: "+4,2".into() })
        };
        let figure = |value, change| Figure {
            title: "Tilfredshed".into(),
            sector: cell(value),
            total: cell(Some("61,4")),
            change,
        };
        let not_measured = Cell { value: None, margin: String::new(), n: 0, uncertain: false, hidden: false };
        let doing = |full: bool| Doing {
            title: "Én indgang".into(),
            description: if full { "Ét nummer.".into() } else { String::new() },
            state: "respondent.doing_running".into(),
            responsible: if full { "Erhvervsservice".into() } else { String::new() },
            until: full.then(|| "1. juni 2027".into()),
            for_sector: full,
        };
        let page = |full: bool| Self {
            round: "Erhvervsmålingen 2026".into(),
            date: "1. december 2026".into(),
            year: 2026,
            before: full.then_some(2025),
            sector: full.then(|| "Transport".into()),
            answered: full.then_some(Answered { n: 40, of: 120 }),
            sentences: if full { vec!["Tilfredsheden er steget.".into()] } else { Vec::new() },
            figures: if full {
                vec![
                    figure(Some("61,4"), change("up")),
                    figure(None, change("break")),
                    Figure { sector: not_measured.clone(), ..figure(None, None) },
                ]
            } else {
                Vec::new()
            },
            chart: full.then(|| "<svg></svg>".into()),
            chart_title: "Tilfredshed".into(),
            breaks: if full { vec![2026] } else { Vec::new() },
            initiatives: if full { vec![doing(true), doing(false)] } else { Vec::new() },
            threshold: 5,
            took_part: full,
            contact: full.then(Contact::sample),
        };
        vec![page(true), page(false)]
    }
}

/// The page of a published round.
pub(super) async fn page(
    app: &App,
    visit: &Visit,
    invited: &Invited,
    publication: &Publication,
) -> Result<Response, PageError> {
    let view = invited.view(app, visit);
    let language = view.language();
    let who = &invited.who;
    let report = &publication.report;
    let own = who.unit.sector.as_str();
    let group =
        report.breakdowns.iter().find(|b| b.domain == SECTOR).and_then(|b| b.groups.iter().find(|g| g.key == own));
    let (last, before, _) = pairs(report);
    let headlines: Vec<_> = report.indicators.iter().filter(|i| i.headline).collect();
    let main: Vec<_> = if headlines.is_empty() { report.indicators.iter().collect() } else { headlines };
    let figures = main.iter().take(FIGURES).map(|info| {
        let of = |domain: &str, key: &str| {
            cell(info, last.and_then(|year| report.estimate(&info.id, year, domain, key)), language)
        };
        Figure {
            title: info.title.get(language).to_owned(),
            sector: of(SECTOR, own),
            total: of(TOTAL, ALL),
            change: change_of(report, info, (before, last), SECTOR, own, language),
        }
    });
    let first = main.first();
    let chart = first.zip(group).and_then(|(info, _)| {
        let setting = Setting::page(app.messages(), language, "chart-sector");
        charts::both(setting, |s| charts::trend(report, &info.id, SECTOR, own, s)).ok()
    });
    let answered = last.and_then(|year| {
        let row = report.coverage.iter().find(|r| r.year == year && r.domain == SECTOR && r.group == own)?;
        Some(Answered { n: row.n_answered, of: row.n_frame })
    });
    let initiatives = app.store().initiatives(&who.municipality.id).await?;
    view.render(&OutcomePage {
        round: publication.info.title.clone(),
        date: day(language, &publication.info.date),
        year: publication.info.year,
        before,
        sector: group.map(|g| g.title.get(language).to_owned()),
        answered,
        sentences: summary::opening(app.messages(), language, report),
        figures: figures.collect(),
        chart,
        chart_title: first.map(|i| i.title.get(language).to_owned()).unwrap_or_default(),
        breaks: breaks(report, &main),
        initiatives: doings(initiatives, own, language),
        threshold: who.municipality.settings.threshold.max(who.round.threshold).max(5),
        took_part: invited.is_submitted(),
        contact: Contact::of(&who.municipality),
    })
}

/// The years among those of the report that cannot be compared with the ones before, for any of the figures shown.
fn breaks(report: &Report, shown: &[&IndicatorInfo]) -> Vec<i32> {
    let after_first = |year: &i32| report.years.first().is_some_and(|first| year > first);
    report
        .years
        .iter()
        .copied()
        .filter(|year| after_first(year) && shown.iter().take(FIGURES).any(|i| i.breaks.contains(year)))
        .collect()
}

/// What is public of the municipality's work, this sector's own first.
fn doings(initiatives: Vec<Initiative>, sector: &str, language: Language) -> Vec<Doing> {
    let mut doings: Vec<Doing> = initiatives
        .into_iter()
        .filter_map(Initiative::public)
        .filter(|i| i.state != InitiativeState::Stopped)
        .filter(|i| i.plan.sectors.is_empty() || i.plan.sectors.iter().any(|s| s == sector))
        .map(|i| Doing {
            for_sector: !i.plan.sectors.is_empty(),
            state: match i.state {
                InitiativeState::Idea => "respondent.doing_planned",
                InitiativeState::Active => "respondent.doing_running",
                InitiativeState::Done | InitiativeState::Stopped => "respondent.doing_done",
            }
            .to_owned(),
            until: i.plan.horizon.map(|year| year.to_string()),
            title: i.plan.title.get(language).to_owned(),
            description: i.plan.description.get(language).to_owned(),
            responsible: i.plan.owner.name().to_owned(),
        })
        .collect();
    doings.sort_by_key(|d| !d.for_sector);
    doings
}
