//! What the committee reads: publications, frozen; first in sentences, then in charts with the numbers beneath.
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware, routing};
use charts::{ChartError, Priority, PriorityPoint, Setting, ThemeRow, Themes};
use domain::ids::PublicationId;
use domain::indicator::{Better, Kind};
use domain::initiatives::Standing;
use domain::insight::{DriverMap, ThemeInfo, ThemePart};
use domain::language::Language;
use domain::results::{ALL, ChangeRow, EstimateRow, IndicatorInfo, Report, State as Shown, TOTAL, Verdict};
use serde::{Deserialize, Serialize};
use store::results::Publication;
use text::insight::{TargetLine, Teller};
use text::standing::InitiativeLine;
use text::{EngineError, Messages, summary};

use crate::app::App;
use crate::cases::{self, SeriesPart};
use crate::error::PageError;
use crate::pages::console::{day, publishing::paper_of};
use crate::pages::signin::{Bar, Reader, Staff, not_kept};
use crate::pages::standing::{self, AccountsPart, GoalRow, sample_initiative};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Years shown side by side.
const YEARS: usize = 4;
/// The breakdown that the committee reads.
const SECTOR: &str = "sector";

/// A publication at its address, or a draft as the committee would see it.
pub(crate) struct Edition {
    /// What is read.
    pub publication: Publication,
    /// Where its pages are.
    pub href: String,
    /// It is not published yet: where its draft is.
    pub preview: Option<String>,
}

impl Edition {
    fn new(slug: &str, publication: Publication) -> Self {
        Self { href: format!("/{slug}/committee/{}", publication.info.id), publication, preview: None }
    }

    /// The navigation above it.
    pub(crate) fn bar(&self, staff: &Staff) -> Bar {
        staff.bar(if self.preview.is_some() { "publications" } else { "committee" })
    }
}

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/committee", routing::get(latest))
        .route("/{slug}/committee/{publication}", routing::get(show))
        .route("/{slug}/committee/{publication}/method", routing::get(method))
        .route("/{slug}/committee/{publication}/report.pdf", routing::get(paper))
        .route("/{slug}/committee/{publication}/charts/{chart}", routing::get(chart))
        .layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<EmptyPage>(site)?;
    templates.check::<YearPage>(site)?;
    templates.check::<MethodPage>(site)
}

/// `GET /{slug}/committee` before the first publication.
#[derive(Debug, Serialize)]
pub struct EmptyPage {
    /// Navigation.
    pub bar: Bar,
    /// The committee's name.
    pub committee: String,
    /// What businesses say about closed cases, where they are asked.
    pub cases: Option<SeriesPart>,
}

impl Page for EmptyPage {
    const TEMPLATE: &'static str = "committee/empty.html";

    fn samples() -> Vec<Self> {
        vec![
            Self {
                bar: Bar::sample(true),
                committee: "Erhvervsudvalget".to_owned(),
                cases: Some(SeriesPart::sample()),
            },
            Self { bar: Bar::sample(false), committee: String::new(), cases: None },
        ]
    }
}

/// `GET /{slug}/committee/{publication}`
#[derive(Debug, Serialize)]
pub struct YearPage {
    /// Navigation.
    pub bar: Bar,
    /// Address of this publication.
    pub href: String,
    /// Title.
    pub title: String,
    /// Year.
    pub year: i32,
    /// Date, in words.
    pub date: String,
    /// Version within the year.
    pub version: i64,
    /// What changed since the version before.
    pub note: String,
    /// The foreword's paragraphs.
    pub foreword: Vec<String>,
    /// The remark on the method, in paragraphs.
    pub remark: Vec<String>,
    /// It was corrected.
    pub newer: Option<NewerLine>,
    /// It is not published yet: where its draft is.
    pub preview: Option<String>,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
    /// What happened, in sentences.
    pub sentences: Vec<SentenceLine>,
    /// The main indicators; all where none is marked as one.
    pub indicators: Vec<IndicatorLine>,
    /// The other indicators.
    pub further: Vec<IndicatorLine>,
    /// The indicator shown is one of the others.
    pub further_open: bool,
    /// The indicator shown.
    pub shown: Option<IndicatorPart>,
    /// The municipality's own goals against what was measured.
    pub goals: Vec<GoalRow>,
    /// Targets of the indicators, in publications that froze no goals.
    pub targets: Vec<GoalLine>,
    /// Sectors that rose or fell; `None`: nothing is published by sector.
    pub sectors: Option<SectorsPart>,
    /// What is done about it.
    pub initiatives: Vec<InitiativeLine>,
    /// The day of that, in words.
    pub standing_on: String,
    /// A status that is newer than this publication.
    pub status: Option<StatusLine>,
    /// All statuses, newest first.
    pub statuses: Vec<StatusLine>,
    /// The growth accounts.
    pub accounts: Option<AccountsPart>,
    /// What businesses say about closed cases, quarter by quarter: a series of its own beside the publication.
    pub cases: Option<SeriesPart>,
    /// Everything is unfolded.
    pub open: bool,
    /// The figures are unfolded: one of them was asked for.
    pub figures_open: bool,
    /// What matters most.
    pub priorities: Vec<PriorityPart>,
    /// What businesses write.
    pub themes: Option<ThemesPart>,
    /// Who answered.
    pub coverage: Option<CoveragePart>,
    /// How well each index measures one thing.
    pub quality: Vec<String>,
    /// What businesses write, in words released one by one.
    pub quotes: Vec<String>,
    /// All publications, newest first.
    pub others: Vec<OtherLine>,
    /// The paper, where it was set.
    pub paper: Option<String>,
}

/// The version that took a publication's place.
#[derive(Debug, Serialize)]
pub struct NewerLine {
    /// Its page.
    pub href: String,
    /// Its day, in words.
    pub date: String,
    /// What was corrected.
    pub note: String,
}

/// A sentence with the figure that it speaks of one click away.
#[derive(Debug, Serialize)]
pub struct SentenceLine {
    /// The sentence.
    pub text: String,
    /// Where its chart, table and method are.
    pub href: String,
}

/// Where it rose or fell.
#[derive(Debug, Serialize)]
pub struct SectorsPart {
    /// The year compared with; `None`: this is the first.
    pub before: Option<i32>,
    /// Sectors and headline indicators with a verdict up or down, in the report's order: never ranked by size.
    pub rows: Vec<SectorChange>,
}

/// A sector's rise or fall.
#[derive(Debug, Serialize)]
pub struct SectorChange {
    /// Where its figure is shown.
    pub href: String,
    /// The sector.
    pub sector: String,
    /// The indicator.
    pub title: String,
    /// The change.
    pub change: Change,
}

/// A status between rounds, in a list.
#[derive(Debug, Clone, Serialize)]
pub struct StatusLine {
    /// Its page.
    pub href: String,
    /// Title.
    pub title: String,
    /// Its day, in words.
    pub date: String,
}

/// An indicator in the overview.
#[derive(Debug, Serialize)]
pub struct IndicatorLine {
    /// Where it is shown.
    pub href: String,
    /// Title.
    pub title: String,
    /// It is the one shown.
    pub current: bool,
    /// The figure.
    pub value: Cell,
    /// The change from the year before.
    pub change: Option<Change>,
}

/// A target in words.
#[derive(Debug, Serialize)]
pub struct GoalLine {
    /// Where its indicator is shown.
    pub href: String,
    /// The indicator.
    pub title: String,
    /// What is wanted.
    pub wanted: String,
    /// What was found.
    pub found: String,
    /// `met`, `not_shown`, `missed`, `none`.
    pub verdict: &'static str,
    /// Class of the verdict's mark.
    pub mark: &'static str,
}

/// A priority map.
#[derive(Debug, Serialize)]
pub struct PriorityPart {
    /// The battery.
    pub title: String,
    /// What it says, or why there is none.
    pub sentences: Vec<String>,
    /// The map (SVG).
    pub chart: Option<String>,
    /// File name of the map.
    pub file: String,
    /// Its items, the most important first.
    pub rows: Vec<PriorityRow>,
}

/// An item of a priority map.
#[derive(Debug, Serialize)]
pub struct PriorityRow {
    /// Its number on the map.
    pub number: usize,
    /// Title.
    pub title: String,
    /// Mean satisfaction.
    pub satisfaction: String,
    /// Part of the importance.
    pub importance: String,
    /// Interval of that.
    pub range: String,
    /// Key of the quarter's name.
    pub quarter: &'static str,
}

/// Themes of the open answers.
#[derive(Debug, Serialize)]
pub struct ThemesPart {
    /// What the shares are, or how far the coding is.
    pub sentences: Vec<String>,
    /// The bars (SVG).
    pub chart: Option<String>,
    /// The year before, with which shares are compared.
    pub before: Option<i32>,
    /// The themes, the most frequent first.
    pub rows: Vec<ThemeLine>,
    /// Some themes are raised by too few to be shown.
    pub missing: bool,
}

/// A theme.
#[derive(Debug, Serialize)]
pub struct ThemeLine {
    /// Title.
    pub title: String,
    /// The share.
    pub value: Cell,
    /// The change from the year before.
    pub change: Option<Change>,
}

/// The mean of two years in a group with few answers.
#[derive(Debug, Serialize)]
pub struct PairLine {
    /// The group.
    pub title: String,
    /// `2023–2024`.
    pub years: String,
    /// The mean.
    pub value: Cell,
}

/// A figure as it may be shown.
#[derive(Debug, Clone, Serialize)]
pub struct Cell {
    /// The figure; `None`: hidden or not measured.
    pub value: Option<String>,
    /// `±3,2`.
    pub margin: String,
    /// Answers.
    pub n: u64,
    /// Fewer than 20 answers.
    pub uncertain: bool,
    /// Measured, but it may not be shown.
    pub hidden: bool,
}

/// A change as it may be shown.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// `up`, `down`, `unclear`, `break`, `hidden`.
    pub verdict: &'static str,
    /// `better`, `worse` or empty.
    pub quality: &'static str,
    /// `+4,2 ±1,9`; empty where it may not be shown.
    pub figure: String,
}

/// One indicator by sector.
#[derive(Debug, Serialize)]
pub struct IndicatorPart {
    /// Title.
    pub title: String,
    /// The query that chooses it.
    pub query: String,
    /// Key of what its figures mean: `committee.kind_<kind>`.
    pub kind: String,
    /// The trend of the total (SVG).
    pub trend: Option<String>,
    /// What began meanwhile, in the order of its numbers on the trend.
    pub events: Vec<String>,
    /// What can be said of the direction over three or more years.
    pub direction: Option<String>,
    /// Means of two years for thin groups.
    pub pairs: Vec<PairLine>,
    /// Four years per sector (SVG).
    pub multiples: Option<String>,
    /// The changes (SVG).
    pub changes: Option<String>,
    /// The years of the table.
    pub years: Vec<YearHead>,
    /// The total and the sectors.
    pub rows: Vec<SectorRow>,
    /// The year before, with which the last is compared.
    pub before: Option<i32>,
    /// The first year, with which the last is compared as well.
    pub first: Option<i32>,
    /// Years before which there is a break, among those shown.
    pub breaks: Vec<i32>,
}

/// A year of the table.
#[derive(Debug, Clone, Serialize)]
pub struct YearHead {
    /// The year.
    pub year: i32,
    /// Not comparable with the years before.
    pub after_break: bool,
}

/// A row of the table.
#[derive(Debug, Serialize)]
pub struct SectorRow {
    /// Title.
    pub title: String,
    /// The total.
    pub total: bool,
    /// One cell per year.
    pub cells: Vec<Cell>,
    /// The change from the year before.
    pub change: Option<Change>,
    /// The change from the first year.
    pub since: Option<Change>,
}

/// Who answered.
#[derive(Debug, Serialize)]
pub struct CoveragePart {
    /// In plain words.
    pub sentences: Vec<String>,
    /// The bars (SVG).
    pub chart: Option<String>,
    /// The rows.
    pub rows: Vec<CoverageLine>,
}

/// Who answered in a sector.
#[derive(Debug, Serialize)]
pub struct CoverageLine {
    /// Title.
    pub title: String,
    /// The total.
    pub total: bool,
    /// Businesses in the frame.
    pub frame: u64,
    /// Businesses that answered.
    pub answered: u64,
    /// The rate, 0–1.
    pub rate: f64,
    /// Fewer than 20 answers.
    pub thin: bool,
}

/// A publication in the list.
#[derive(Debug, Serialize)]
pub struct OtherLine {
    /// Its page.
    pub href: String,
    /// Title.
    pub title: String,
    /// Date, in words.
    pub date: String,
    /// Version within the year.
    pub version: i64,
    /// It is the one shown.
    pub current: bool,
}

impl Page for YearPage {
    const TEMPLATE: &'static str = "committee/year.html";

    fn samples() -> Vec<Self> {
        let cell = |value: Option<&str>| Cell {
            value: value.map(str::to_owned),
            margin: value.map(|_| "±3,2".to_owned()).unwrap_or_default(),
            n: 12,
            uncertain: value.is_some(),
            hidden: value.is_none(),
        };
        let change = |verdict, quality, figure: &str| Some(Change { verdict, quality, figure: figure.to_owned() });
        let row = |total, change, since| SectorRow {
            title: "Handel".to_owned(),
            total,
            cells: vec![cell(Some("61,4")), cell(None)],
            change,
            since,
        };
        let rows = vec![
            row(true, change("up", "better", "+4,2 ±1,9"), change("down", "worse", "−4,2 ±1,9")),
            row(false, change("unclear", "", "+1,0 ±1,9"), change("break", "", "")),
            row(false, change("hidden", "", ""), None),
        ];
        let part = IndicatorPart {
            title: "Tilfredshed".to_owned(),
            query: "?indicator=nki".to_owned(),
            kind: "committee.kind_index".to_owned(),
            trend: Some("<svg></svg>".to_owned()),
            events: vec!["Én indgang".to_owned()],
            direction: Some("Ingen sikker retning.".to_owned()),
            pairs: vec![PairLine {
                title: "Handel".to_owned(),
                years: "2025–2026".to_owned(),
                value: cell(Some("61,4")),
            }],
            multiples: Some("<svg></svg>".to_owned()),
            changes: Some("<svg></svg>".to_owned()),
            years: vec![YearHead { year: 2025, after_break: false }, YearHead { year: 2026, after_break: true }],
            rows,
            before: Some(2025),
            first: Some(2023),
            breaks: vec![2026],
        };
        let bare = IndicatorPart {
            title: "Tilfredshed".to_owned(),
            query: "?indicator=green".to_owned(),
            kind: "committee.kind_share".to_owned(),
            trend: None,
            events: Vec::new(),
            direction: None,
            pairs: Vec::new(),
            multiples: None,
            changes: None,
            years: Vec::new(),
            rows: Vec::new(),
            before: None,
            first: None,
            breaks: Vec::new(),
        };
        let line = |current, change: Option<Change>| IndicatorLine {
            href: "?indicator=nki".to_owned(),
            title: "Tilfredshed".to_owned(),
            current,
            value: cell(Some("61,4")),
            change,
        };
        let coverage = |thin: bool| CoverageLine {
            title: "Handel".to_owned(),
            total: !thin,
            frame: 511,
            answered: 189,
            rate: 0.37,
            thin,
        };
        let other = |current| OtherLine {
            href: "/x".to_owned(),
            title: "2026-målingen".to_owned(),
            date: "1. november 2026".to_owned(),
            version: 2,
            current,
        };
        let goal = |verdict, mark| GoalLine {
            href: "?indicator=nki".to_owned(),
            title: "Tilfredshed".to_owned(),
            wanted: "Højere end i 2023, senest i 2027".to_owned(),
            found: "+4,2 siden 2023.".to_owned(),
            verdict,
            mark,
        };
        let priority = |chart: Option<String>| PriorityPart {
            title: "Servicen".to_owned(),
            sentences: vec!["Sammenhæng, ikke årsag.".to_owned()],
            rows: if chart.is_some() {
                vec![PriorityRow {
                    number: 1,
                    title: "Information".to_owned(),
                    satisfaction: "61".to_owned(),
                    importance: "24 %".to_owned(),
                    range: "18 % til 30 %".to_owned(),
                    quarter: "charts.priority_act",
                }]
            } else {
                Vec::new()
            },
            chart,
            file: "priority-service.svg".to_owned(),
        };
        let themes = |full: bool| ThemesPart {
            sentences: vec!["40 % har skrevet.".to_owned()],
            chart: full.then(|| "<svg></svg>".to_owned()),
            before: full.then_some(2025),
            rows: if full {
                vec![
                    ThemeLine { title: "Vej".to_owned(), value: cell(Some("12 %")), change: change("unclear", "", "") },
                    ThemeLine { title: "Plads".to_owned(), value: cell(Some("9 %")), change: None },
                ]
            } else {
                Vec::new()
            },
            missing: full,
        };
        let status = StatusLine { href: "/x".to_owned(), title: "Status".to_owned(), date: "1. maj 2026".to_owned() };
        let page = |shown, full: bool, with_goals: bool| Self {
            bar: Bar::sample(full),
            href: "/hojager/committee/1".to_owned(),
            title: "2026-målingen".to_owned(),
            year: 2026,
            date: "1. november 2026".to_owned(),
            version: if full { 2 } else { 1 },
            note: if full { "Rettet".to_owned() } else { String::new() },
            foreword: if full { vec!["Tak til alle.".to_owned()] } else { Vec::new() },
            remark: if full { vec!["Transport blev ringet op.".to_owned()] } else { Vec::new() },
            newer: full.then(|| NewerLine {
                href: "/x".to_owned(),
                date: "1. december 2026".to_owned(),
                note: if with_goals { "Rettet".to_owned() } else { String::new() },
            }),
            preview: if with_goals { None } else { Some("/x".to_owned()) },
            threshold: 5,
            sentences: if full {
                vec![SentenceLine { text: "Tilfredsheden er steget.".to_owned(), href: "#coverage".to_owned() }]
            } else {
                Vec::new()
            },
            indicators: if full {
                vec![line(true, change("up", "better", "+4,2")), line(false, None)]
            } else {
                Vec::new()
            },
            further: if full { vec![line(false, None)] } else { Vec::new() },
            further_open: full,
            shown,
            goals: if full && with_goals {
                vec![GoalRow::sample("met", true), GoalRow::sample("unmeasured", false)]
            } else {
                Vec::new()
            },
            targets: if full {
                vec![goal("met", "good"), goal("not_shown", ""), goal("missed", "bad"), goal("none", "")]
            } else {
                Vec::new()
            },
            sectors: (full || !with_goals).then(|| SectorsPart {
                before: full.then_some(2025),
                rows: change("up", "better", "+4,2")
                    .filter(|_| full)
                    .map(|change| SectorChange {
                        href: "?indicator=nki#indicator".to_owned(),
                        sector: "Handel".to_owned(),
                        title: "Tilfredshed".to_owned(),
                        change,
                    })
                    .into_iter()
                    .collect(),
            }),
            initiatives: if full { vec![sample_initiative(true), sample_initiative(false)] } else { Vec::new() },
            standing_on: "1. november 2026".to_owned(),
            status: full.then(|| status.clone()),
            statuses: if full { vec![status.clone()] } else { Vec::new() },
            accounts: full.then(AccountsPart::sample),
            cases: full.then(SeriesPart::sample),
            open: full,
            figures_open: !full,
            priorities: if full { vec![priority(Some("<svg></svg>".to_owned())), priority(None)] } else { Vec::new() },
            themes: Some(themes(full)),
            quotes: if full { vec!["Bussen kører sjældent.".to_owned()] } else { Vec::new() },
            quality: if full { vec!["Servicen: alfa 0,87.".to_owned()] } else { Vec::new() },
            coverage: full.then(|| CoveragePart {
                sentences: vec!["Svarene fordeler sig jævnt.".to_owned()],
                chart: Some("<svg></svg>".to_owned()),
                rows: vec![coverage(false), coverage(true)],
            }),
            others: if full { vec![other(true), other(false)] } else { Vec::new() },
            paper: full.then(|| "/x".to_owned()),
        };
        vec![
            page(Some(part), true, true),
            page(Some(bare), false, true),
            page(None, false, false),
            page(None, true, false),
        ]
    }
}

/// What of a publication is shown.
#[derive(Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    indicator: String,
    /// Anything: everything is unfolded.
    #[serde(default)]
    all: String,
}

async fn latest(
    State(app): State<App>,
    visit: Visit,
    Reader(staff): Reader,
    Query(choice): Query<Choice>,
) -> Result<Response, PageError> {
    match app.store().latest_publication(&staff.municipality.id, None).await? {
        Some(publication) => {
            let edition = Edition::new(&staff.municipality.slug, publication);
            year_page(&app, &visit, &staff, &edition, &choice).await
        }
        None => {
            let view = app.view(&visit).of(&staff.municipality);
            let page = EmptyPage {
                bar: staff.bar("committee"),
                committee: staff.municipality.settings.committee.clone(),
                cases: cases::committee_part(&app, &staff.municipality, view.language()).await?,
            };
            app.view(&visit).of(&staff.municipality).render(&page)
        }
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Reader(staff): Reader,
    Path((_, publication)): Path<(String, String)>,
    Query(choice): Query<Choice>,
) -> Result<Response, PageError> {
    let publication = app.store().publication(&staff.municipality.id, &PublicationId(publication)).await?;
    year_page(&app, &visit, &staff, &Edition::new(&staff.municipality.slug, publication), &choice).await
}

/// The indicator of an id, else the first headline, else the first.
fn chosen<'r>(report: &'r Report, id: &str) -> Option<&'r IndicatorInfo> {
    let by_id = report.indicators.iter().find(|i| i.id == id);
    by_id.or_else(|| report.indicators.iter().find(|i| i.headline)).or_else(|| report.indicators.first())
}

/// The page of a publication, or of a draft.
///
/// # Errors
/// When the database is away.
pub(crate) async fn year_page(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    edition: &Edition,
    choice: &Choice,
) -> Result<Response, PageError> {
    let publication = &edition.publication;
    let view = app.view(visit).of(&staff.municipality);
    let language = view.language();
    let (id, slug) = (&staff.municipality.id, &staff.municipality.slug);
    let (report, current) = (&publication.report, &publication.info);
    let all = app.store().publications(id).await?;
    let papers = app.store().jobs(id, Some("report"), 100).await?;
    let href = edition.href.clone();
    let newest =
        all.iter().find(|p| p.year == current.year).filter(|p| p.id != current.id && edition.preview.is_none());
    let chosen = chosen(report, &choice.indicator);
    let standing = Standing::of_extra(&publication.extra).unwrap_or_default();
    let statuses = app.store().statuses(id).await?;
    let status_line = |s: &store::initiatives::StatusInfo| StatusLine {
        href: format!("/{slug}/committee/status/{}", s.id),
        title: s.title.clone(),
        date: day(language, &s.date),
    };
    let messages = app.messages();
    let is_main = |i: &&IndicatorInfo| i.headline || report.indicators.iter().all(|i| !i.headline);
    let (main, further): (Vec<_>, Vec<_>) = report.indicators.iter().partition(is_main);
    let lines = |part: Vec<&IndicatorInfo>| -> Vec<IndicatorLine> {
        part.into_iter().map(|i| indicator_line(report, i, language, &href, chosen)).collect()
    };
    let (main, further) = (lines(main), lines(further));
    let teller = Teller { messages, language, report };
    // Beside the latest figures only: a reader of one publication, or of an old one, reads that.
    let is_latest = all.first().is_some_and(|p| p.id == current.id) && !staff.reads_one();
    let cases = match is_latest {
        true => cases::committee_part(app, &staff.municipality, language).await?,
        false => None,
    };
    let page = YearPage {
        cases,
        bar: edition.bar(staff),
        title: current.title.clone(),
        year: current.year,
        date: day(language, &current.date),
        version: current.version,
        note: current.note.clone(),
        foreword: paragraphs(&publication.extra, "foreword"),
        remark: paragraphs(&publication.extra, "remark"),
        newer: newest.map(|p| NewerLine {
            href: format!("/{slug}/committee/{}", p.id),
            date: day(language, &p.date),
            note: p.note.clone(),
        }),
        preview: edition.preview.clone(),
        threshold: staff.municipality.settings.threshold.max(5),
        sentences: summary::said(messages, language, report)
            .into_iter()
            .map(|said| SentenceLine {
                href: match said.indicator.and_then(|id| report.indicators.iter().find(|i| i.id == id)) {
                    Some(info) => format!("{href}{}#indicator", query(info)),
                    None => format!("{href}?all=yes#coverage"),
                },
                text: said.text,
            })
            .collect(),
        further_open: further.iter().any(|line| line.current),
        indicators: main,
        further,
        shown: chosen.map(|i| indicator_part(report, i, language, messages, &standing)),
        goals: standing::goals(teller, &standing, &href),
        targets: targets(teller, &href),
        sectors: report.breakdowns.iter().any(|b| b.domain == SECTOR).then(|| sectors_part(report, language, &href)),
        initiatives: text::standing::initiatives(teller, &standing),
        standing_on: day(language, &standing.on),
        status: standing::newest(&statuses, current.id.as_str()).map(status_line),
        statuses: statuses.iter().map(status_line).collect(),
        accounts: standing::accounts(
            messages,
            language,
            &standing.accounts,
            &standing::report_sectors(report, language),
        ),
        open: !choice.all.is_empty(),
        figures_open: !choice.indicator.is_empty(),
        priorities: priorities(teller),
        themes: themes_part(teller),
        coverage: coverage_part(report, language, messages),
        quality: teller.reliability(),
        quotes: publication
            .extra
            .get("quotes")
            .and_then(|q| serde_json::from_value(q.clone()).ok())
            .unwrap_or_default(),
        others: all
            .iter()
            .map(|p| OtherLine {
                href: format!("/{slug}/committee/{}", p.id),
                title: p.title.clone(),
                date: day(language, &p.date),
                version: p.version,
                current: p.id == current.id,
            })
            .collect(),
        paper: paper_of(&papers, &current.id, language)
            .filter(|_| edition.preview.is_none())
            .map(|_| format!("{href}/report.pdf")),
        href,
    };
    view.render(&page)
}

/// What the author wrote, by paragraphs.
fn paragraphs(extra: &serde_json::Value, name: &str) -> Vec<String> {
    let words = extra.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().replace('\r', "");
    words.split("\n\n").map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

/// The last two years and, where it is another, the first.
pub(crate) fn pairs(report: &Report) -> (Option<i32>, Option<i32>, Option<i32>) {
    let mut years = report.years.iter().rev().copied();
    let (last, before) = (years.next(), years.next());
    let first = report.years.first().copied().filter(|first| Some(*first) != last && Some(*first) != before);
    (last, before, first)
}

fn query(info: &IndicatorInfo) -> String {
    format!("?indicator={}", percent_encoding::utf8_percent_encode(&info.id, percent_encoding::NON_ALPHANUMERIC))
}

fn indicator_line(
    report: &Report,
    info: &IndicatorInfo,
    language: Language,
    href: &str,
    chosen: Option<&IndicatorInfo>,
) -> IndicatorLine {
    let (last, before, _) = pairs(report);
    let row = last.and_then(|year| report.estimate(&info.id, year, TOTAL, ALL));
    IndicatorLine {
        href: format!("{href}{}#indicator", query(info)),
        title: info.title.get(language).to_owned(),
        current: chosen.is_some_and(|c| c.id == info.id),
        value: cell(info, row, language),
        change: change_of(report, info, (before, last), TOTAL, ALL, language),
    }
}

pub(crate) fn cell(info: &IndicatorInfo, row: Option<&EstimateRow>, language: Language) -> Cell {
    let Some(row) = row else {
        return Cell { value: None, margin: String::new(), n: 0, uncertain: false, hidden: false };
    };
    let hidden = row.state.is_hidden();
    let value = row.estimate.value.filter(|_| !hidden);
    let interval = row.estimate.interval.filter(|_| value.is_some());
    Cell {
        value: value.map(|v| charts::figure(language, info.kind, v, row.estimate.n)),
        margin: interval.map(|i| charts::margin(language, info.kind, i, row.estimate.n)).unwrap_or_default(),
        n: row.estimate.n,
        uncertain: row.state == Shown::Uncertain,
        hidden,
    }
}

pub(crate) fn change_of(
    report: &Report,
    info: &IndicatorInfo,
    years: (Option<i32>, Option<i32>),
    domain: &str,
    group: &str,
    language: Language,
) -> Option<Change> {
    let (Some(from), Some(to)) = years else { return None };
    match report.change(&info.id, from, to, domain, group) {
        Some(row) => Some(change(info, row, language)),
        // Across a break no change is made; the page says so instead of leaving a gap.
        None => info.breaks.iter().any(|b| *b > from && *b <= to).then(|| Change {
            verdict: "break",
            quality: "",
            figure: String::new(),
        }),
    }
}

fn change(info: &IndicatorInfo, row: &ChangeRow, language: Language) -> Change {
    let (verdict, rises) = match row.verdict {
        Verdict::Up => ("up", Some(true)),
        Verdict::Down => ("down", Some(false)),
        Verdict::Unclear => ("unclear", None),
        Verdict::Break => ("break", None),
        Verdict::Hidden => ("hidden", None),
    };
    let quality = match (info.better, rises) {
        (Better::Higher, Some(true)) | (Better::Lower, Some(false)) => "better",
        (Better::Higher, Some(false)) | (Better::Lower, Some(true)) => "worse",
        (Better::None, _) | (_, None) => "",
    };
    let n = row.n_from.min(row.n_to);
    let shown = row.change.filter(|_| matches!(row.verdict, Verdict::Up | Verdict::Down | Verdict::Unclear));
    let figure = shown.map(|c| {
        let margin = row.interval.map(|i| charts::margin(language, info.kind, i, n)).unwrap_or_default();
        format!("{} {margin}", charts::difference(language, info.kind, c, n)).trim_end().to_owned()
    });
    Change { verdict, quality, figure: figure.unwrap_or_default() }
}

pub(crate) const fn kind_key(kind: Kind) -> &'static str {
    match kind {
        Kind::Index => "committee.kind_index",
        Kind::Mean => "committee.kind_mean",
        Kind::Share => "committee.kind_share",
        Kind::Balance => "committee.kind_balance",
        Kind::Nps => "committee.kind_nps",
    }
}

/// The report cut to the years that the page shows, so that charts and table agree.
fn recent(report: &Report) -> Report {
    let years: Vec<i32> = report.years.iter().rev().take(YEARS).rev().copied().collect();
    let mut recent = report.clone();
    recent.estimates.retain(|row| years.contains(&row.year));
    recent.years = years;
    recent
}

fn indicator_part(
    report: &Report,
    info: &IndicatorInfo,
    language: Language,
    messages: &Messages,
    standing: &Standing,
) -> IndicatorPart {
    let events = standing::events(standing, &info.id, language);
    let (last, before, first) = pairs(report);
    let recent = recent(report);
    let draw = |id: &str, draw: &dyn Fn(&Setting<'_>) -> Result<String, ChartError>| {
        charts::both(Setting::page(messages, language, id), draw).ok()
    };
    let is_broken = |year: i32| {
        let before = recent.years.iter().rev().find(|y| **y < year);
        before.is_some_and(|before| info.breaks.iter().any(|b| b > before && *b <= year))
    };
    let row = |title: String, domain: &str, group: &str| SectorRow {
        title,
        total: domain == TOTAL,
        cells: recent
            .years
            .iter()
            .map(|year| cell(info, report.estimate(&info.id, *year, domain, group), language))
            .collect(),
        change: change_of(report, info, (before, last), domain, group, language),
        since: change_of(report, info, (first, last), domain, group, language),
    };
    let mut rows = vec![row(messages.t(language, "charts.total", &[]), TOTAL, ALL)];
    let groups = report.breakdowns.iter().find(|b| b.domain == SECTOR).map(|b| b.groups.as_slice()).unwrap_or_default();
    rows.extend(groups.iter().map(|g| row(g.title.get(language).to_owned(), SECTOR, &g.key)));
    rows.retain(|row| row.total || row.cells.iter().any(|c| c.value.is_some() || c.hidden));
    IndicatorPart {
        title: info.title.get(language).to_owned(),
        query: query(info),
        kind: kind_key(info.kind).to_owned(),
        direction: Teller { messages, language, report }.trend(&info.id),
        pairs: pairs_of_years(report, info, language),
        trend: draw("chart-trend", &|s| charts::trend_with(report, &info.id, TOTAL, ALL, &events, s)),
        events: events.iter().map(|e| e.title.clone()).collect(),
        multiples: draw("chart-sectors", &|s| charts::multiples(&recent, &info.id, SECTOR, YEARS, s)),
        changes: match (before, last) {
            (Some(from), Some(to)) => {
                draw("chart-changes", &|s| charts::change(report, &info.id, (from, to), SECTOR, s))
            }
            _ => None,
        },
        years: recent.years.iter().map(|year| YearHead { year: *year, after_break: is_broken(*year) }).collect(),
        rows,
        before,
        first,
        breaks: recent.years.iter().copied().filter(|year| is_broken(*year)).collect(),
    }
}

fn coverage_part(report: &Report, language: Language, messages: &Messages) -> Option<CoveragePart> {
    let year = *report.years.last()?;
    let find = |domain: &str, group: Option<&str>| {
        report.coverage.iter().find(|r| r.year == year && r.domain == domain && group.is_none_or(|g| r.group == g))
    };
    let line = |title: String, total, row: &domain::results::CoverageRow| CoverageLine {
        title,
        total,
        frame: row.n_frame,
        answered: row.n_answered,
        rate: row.response_rate,
        thin: row.n_answered < 20,
    };
    let mut rows: Vec<CoverageLine> =
        find(TOTAL, None).map(|r| line(messages.t(language, "charts.total", &[]), true, r)).into_iter().collect();
    let groups = report.breakdowns.iter().find(|b| b.domain == SECTOR).map(|b| b.groups.as_slice()).unwrap_or_default();
    rows.extend(
        groups.iter().filter_map(|g| Some(line(g.title.get(language).to_owned(), false, find(SECTOR, Some(&g.key))?))),
    );
    if rows.is_empty() {
        return None;
    }
    let chart = charts::both(Setting::page(messages, language, "chart-coverage"), |s| {
        charts::coverage(report, year, SECTOR, s)
    })
    .ok();
    Some(CoveragePart { sentences: Teller { messages, language, report }.response(), chart, rows })
}

/// Sectors with a verdict up or down, for the headline indicators, in the report's order.
fn sectors_part(report: &Report, language: Language, href: &str) -> SectorsPart {
    let (last, before, _) = pairs(report);
    let groups = report.breakdowns.iter().find(|b| b.domain == SECTOR).map(|b| b.groups.as_slice()).unwrap_or_default();
    let mut rows = Vec::new();
    for (info, group) in
        report.indicators.iter().filter(|i| i.headline).flat_map(|i| groups.iter().map(move |g| (i, g)))
    {
        let change = change_of(report, info, (before, last), SECTOR, &group.key, language);
        if let Some(change) = change.filter(|c| matches!(c.verdict, "up" | "down")) {
            rows.push(SectorChange {
                href: format!("{href}{}#indicator", query(info)),
                sector: group.title.get(language).to_owned(),
                title: info.title.get(language).to_owned(),
                change,
            });
        }
    }
    SectorsPart { before: before.filter(|_| last.is_some()), rows }
}

fn targets(teller: Teller<'_>, href: &str) -> Vec<GoalLine> {
    let info = |id: &str| teller.report.indicators.iter().find(|i| i.id == id);
    let line = |line: TargetLine| GoalLine {
        href: info(&line.indicator).map(|i| format!("{href}{}#indicator", query(i))).unwrap_or_default(),
        title: line.title,
        wanted: line.wanted,
        found: line.found,
        verdict: line.verdict,
        mark: match line.verdict {
            "met" => "good",
            "missed" => "bad",
            _ => "",
        },
    };
    teller.targets().into_iter().map(line).collect()
}

fn priority_data(language: Language, map: &DriverMap) -> Priority {
    let point = |d: &domain::insight::DriverRow| PriorityPoint {
        label: text::insight::short(d.title.get(language)),
        satisfaction: d.mean,
        importance: d.share,
    };
    Priority { scale: map.scale, points: map.drivers.iter().map(point).collect() }
}

fn priorities(teller: Teller<'_>) -> Vec<PriorityPart> {
    let language = teller.language;
    let part = |map: &DriverMap| {
        let battery = teller.report.indicators.iter().find(|i| i.id == map.battery);
        let data = priority_data(language, map);
        let id = format!("chart-priority-{}", map.battery);
        let rows = teller.driver_lines(map).into_iter().enumerate().map(|(at, line)| PriorityRow {
            number: at + 1,
            title: line.title,
            satisfaction: line.satisfaction,
            importance: line.importance,
            range: line.range,
            quarter: line.quarter,
        });
        PriorityPart {
            title: battery.map_or_else(|| map.battery.clone(), |i| i.title.get(language).to_owned()),
            sentences: teller.drivers(map),
            chart: charts::both(Setting::page(teller.messages, language, &id), |s| charts::priority(&data, s)).ok(),
            file: format!("priority-{}.svg", map.battery),
            rows: rows.collect(),
        }
    };
    teller.report.insight.drivers.iter().map(part).collect()
}

/// A theme, its share, and the change of it.
type ThemeShare<'p> = (&'p ThemeInfo, &'p EstimateRow, Option<&'p ChangeRow>);

/// The shown themes of a year, the most frequent first, with the change from the last year coded alike.
fn theme_rows(part: &ThemePart, year: i32) -> (Option<i32>, Vec<ThemeShare<'_>>) {
    let before = part.years.iter().rev().find(|y| y.year < year && y.is_complete()).map(|y| y.year);
    let shown = |row: &&EstimateRow| row.estimate.value.is_some() && !row.state.is_hidden();
    let mut rows: Vec<_> = part
        .themes
        .iter()
        .filter_map(|theme| {
            let row = part.share(&theme.key, year).filter(shown)?;
            Some((theme, row, before.and_then(|from| part.change(&theme.key, from, year))))
        })
        .collect();
    rows.sort_by(|a, b| b.1.estimate.value.unwrap_or(0.0).total_cmp(&a.1.estimate.value.unwrap_or(0.0)));
    (before, rows)
}

fn theme_data(language: Language, year: i32, rows: &[ThemeShare<'_>]) -> Themes {
    let row = |(theme, row, change): &ThemeShare<'_>| ThemeRow {
        label: theme.title.get(language).to_owned(),
        share: row.estimate.value,
        n: row.estimate.n,
        interval: row.estimate.interval,
        verdict: change.map(|c| c.verdict),
    };
    Themes { year, rows: rows.iter().map(row).collect() }
}

fn themes_part(teller: Teller<'_>) -> Option<ThemesPart> {
    let (language, year) = (teller.language, *teller.report.years.last()?);
    let part = teller.report.insight.themes.as_ref()?;
    let (before, rows) = theme_rows(part, year);
    let data = theme_data(language, year, &rows);
    // A share of all asked, neither good nor bad in itself.
    let measure = IndicatorInfo {
        id: String::new(),
        kind: Kind::Share,
        range: [0.0, 1.0],
        title: domain::language::Texts::same(""),
        better: Better::None,
        headline: false,
        breaks: Vec::new(),
        formula_version: String::new(),
    };
    let hidden = part.shares.iter().any(|row| row.year == year && row.state.is_hidden());
    Some(ThemesPart {
        sentences: teller.themes(part, year),
        chart: charts::both(Setting::page(teller.messages, language, "chart-themes"), |s| charts::themes(&data, s))
            .ok(),
        before,
        rows: rows
            .iter()
            .map(|(theme, row, change_row)| ThemeLine {
                title: theme.title.get(language).to_owned(),
                value: cell(&measure, Some(row), language),
                change: change_row.map(|c| change(&measure, c, language)),
            })
            .collect(),
        missing: hidden && !rows.is_empty(),
    })
}

fn pairs_of_years(report: &Report, info: &IndicatorInfo, language: Language) -> Vec<PairLine> {
    let groups = report.breakdowns.iter().find(|b| b.domain == SECTOR).map(|b| b.groups.as_slice()).unwrap_or_default();
    let rows = report.insight.two_year_means.iter().filter(|r| r.indicator == info.id && r.domain == SECTOR);
    rows.map(|row| {
        let title = groups.iter().find(|g| g.key == row.group).map(|g| g.title.get(language).to_owned());
        let n = row.estimate.n;
        PairLine {
            title: title.unwrap_or_else(|| row.group.clone()),
            years: format!("{}–{}", row.year_from, row.year_to),
            value: Cell {
                value: row.estimate.value.map(|v| charts::figure(language, info.kind, v, n)),
                margin: row.estimate.interval.map(|i| charts::margin(language, info.kind, i, n)).unwrap_or_default(),
                n,
                uncertain: n < 20,
                hidden: false,
            },
        }
    })
    .collect()
}

/// `GET /{slug}/committee/{publication}/method`
#[derive(Debug, Serialize)]
pub struct MethodPage {
    /// Navigation.
    pub bar: Bar,
    /// Address of the publication.
    pub href: String,
    /// Its title.
    pub title: String,
    /// Its date, in words.
    pub date: String,
    /// Version within the year.
    pub version: i64,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
    /// Program version.
    pub program: String,
    /// What was read, with hashes.
    pub inputs: Vec<Pair>,
    /// How it was computed.
    pub options: Vec<Pair>,
    /// Cells that were joined.
    pub collapses: Vec<String>,
    /// The indicators with the versions of their formulas.
    pub formulas: Vec<Pair>,
    /// The author's remark, in paragraphs.
    pub remark: Vec<String>,
    /// Key of what is to be said of the themes, and how far their coding is.
    pub themes: Themed,
}

/// Who coded the open answers, as far as they are coded.
#[derive(Debug, Serialize)]
pub struct Themed {
    /// Key of the sentences.
    pub key: &'static str,
    /// Answers in own words of the last year.
    pub comments: u64,
    /// Of these confirmed by a person.
    pub confirmed: u64,
}

impl Themed {
    fn of(report: &Report) -> Self {
        let last = report.years.last();
        let part = report.insight.themes.as_ref();
        let year = part.and_then(|part| part.years.iter().find(|y| Some(&y.year) == last));
        let (comments, confirmed) = year.map_or((0, 0), |year| (year.comments, year.confirmed));
        let key = match year {
            Some(year) if year.is_complete() => "committee.method_themes_text",
            Some(_) => "publish.themes_unconfirmed",
            None => "publish.themes_none",
        };
        Self { key, comments, confirmed }
    }
}

/// A name with its value.
#[derive(Debug, Serialize)]
pub struct Pair {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
}

impl Page for MethodPage {
    const TEMPLATE: &'static str = "committee/method.html";

    fn samples() -> Vec<Self> {
        let pairs = || vec![Pair { name: "frame.csv".to_owned(), value: "ab12".to_owned() }];
        let page = |full: bool| Self {
            bar: Bar::sample(full),
            href: "/hojager/committee/1".to_owned(),
            title: "2026-målingen".to_owned(),
            date: "1. november 2026".to_owned(),
            version: 1,
            threshold: 5,
            program: "0.1.0".to_owned(),
            inputs: if full { pairs() } else { Vec::new() },
            options: if full { pairs() } else { Vec::new() },
            collapses: if full { vec!["a: 50–199 → 10–49".to_owned()] } else { Vec::new() },
            formulas: if full { pairs() } else { Vec::new() },
            remark: if full { vec!["Transport blev ringet op.".to_owned()] } else { Vec::new() },
            themes: Themed {
                key: if full { "publish.themes_unconfirmed" } else { "publish.themes_none" },
                comments: 90,
                confirmed: 12,
            },
        };
        vec![page(true), page(false)]
    }
}

async fn method(
    State(app): State<App>,
    visit: Visit,
    Reader(staff): Reader,
    Path((_, publication)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let publication = app.store().publication(&staff.municipality.id, &PublicationId(publication)).await?;
    method_page(&app, &visit, &staff, &Edition::new(&staff.municipality.slug, publication)).await
}

/// How a publication, or a draft, was made.
///
/// # Errors
/// When the page cannot be rendered.
pub(crate) async fn method_page(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    edition: &Edition,
) -> Result<Response, PageError> {
    let Publication { info, report, .. } = edition.publication.clone();
    let view = app.view(visit).of(&staff.municipality);
    let language = view.language();
    let pairs = |map: std::collections::BTreeMap<String, String>| {
        map.into_iter().map(|(name, value)| Pair { name, value }).collect()
    };
    let formula = |i: IndicatorInfo| Pair { name: i.title.get(language).to_owned(), value: i.formula_version };
    let page = MethodPage {
        bar: edition.bar(staff),
        href: edition.href.clone(),
        title: info.title,
        date: day(language, &info.date),
        version: info.version,
        threshold: staff.municipality.settings.threshold.max(5),
        remark: paragraphs(&edition.publication.extra, "remark"),
        themes: Themed::of(&report),
        program: report.provenance.version,
        inputs: pairs(report.provenance.inputs),
        options: pairs(report.provenance.options),
        collapses: report.provenance.collapses,
        formulas: report.indicators.into_iter().map(formula).collect(),
    };
    view.render(&page)
}

async fn paper(
    State(app): State<App>,
    visit: Visit,
    Reader(staff): Reader,
    Path((_, publication)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let language = app.view(&visit).of(&staff.municipality).language();
    let papers = app.store().jobs(id, Some("report"), 100).await?;
    let job = paper_of(&papers, &PublicationId(publication), language).ok_or(PageError::NotFound)?;
    let file = app.store().job_file(id, &job.id, "report.pdf").await?;
    let headers =
        [(header::CONTENT_TYPE, "application/pdf"), (header::CONTENT_DISPOSITION, "inline; filename=\"report.pdf\"")];
    Ok((headers, file.bytes).into_response())
}

/// `GET /{slug}/committee/{publication}/charts/{chart}`: a chart as a file of its own, for a slide.
async fn chart(
    State(app): State<App>,
    visit: Visit,
    Reader(staff): Reader,
    Path((_, publication, chart)): Path<(String, String, String)>,
    Query(choice): Query<Choice>,
) -> Result<Response, PageError> {
    let publication = app.store().publication(&staff.municipality.id, &PublicationId(publication)).await?;
    chart_file(&app, &visit, &staff, &Edition::new(&staff.municipality.slug, publication), &chart, &choice).await
}

/// A chart of a publication, or of a draft.
///
/// # Errors
/// [`PageError::NotFound`] where there is none of that name.
pub(crate) async fn chart_file(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    edition: &Edition,
    chart: &str,
    choice: &Choice,
) -> Result<Response, PageError> {
    let Publication { report, extra, .. } = &edition.publication;
    let language = app.view(visit).of(&staff.municipality).language();
    let info = chosen(report, &choice.indicator).ok_or(PageError::NotFound)?;
    let setting = Setting::standalone(app.messages(), language, "chart");
    let (last, before, _) = pairs(report);
    let svg = match chart {
        "trend.svg" => {
            let standing = Standing::of_extra(extra).unwrap_or_default();
            let events = standing::events(&standing, &info.id, language);
            charts::trend_with(report, &info.id, TOTAL, ALL, &events, &setting)
        }
        "sectors.svg" => charts::multiples(&recent(report), &info.id, SECTOR, YEARS, &setting),
        "changes.svg" => charts::change(report, &info.id, (before.unwrap_or(0), last.unwrap_or(0)), SECTOR, &setting),
        "themes.svg" => {
            let part = report.insight.themes.as_ref().ok_or(PageError::NotFound)?;
            let year = last.unwrap_or(0);
            charts::themes(&theme_data(language, year, &theme_rows(part, year).1), &setting)
        }
        map if map.starts_with("priority-") => {
            let battery = map.trim_start_matches("priority-").trim_end_matches(".svg");
            let map = report.insight.drivers.iter().find(|m| m.battery == battery).ok_or(PageError::NotFound)?;
            charts::priority(&priority_data(language, map), &setting)
        }
        "coverage.svg" => charts::coverage(report, last.unwrap_or(0), SECTOR, &setting),
        _ => return Err(PageError::NotFound),
    };
    let svg = svg.map_err(|_| PageError::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{chart}\"")),
    ];
    Ok((headers, svg).into_response())
}
