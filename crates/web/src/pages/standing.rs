//! What the municipality wants, does and counts, as the committee reads it: parts of the year page, and a status between rounds.
use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Router, middleware, routing};
use charts::Event;
use domain::accounts::Accounts;
use domain::ids::StatusId;
use domain::initiatives::{Initiative, Standing, moved};
use domain::language::Language;
use domain::results::Report;
use serde::Serialize;
use store::initiatives::StatusInfo;
use text::insight::Teller;
use text::standing::{GoalLine, InitiativeLine, StepLine, day};
use text::{EngineError, Messages};

use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Bar, Reader, not_kept};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/{slug}/committee/status/{status}", routing::get(status)).layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<StatusPage>(site)
}

/// A goal with the address of its figure.
#[derive(Debug, Serialize)]
pub struct GoalRow {
    /// The goal in words.
    pub goal: GoalLine,
    /// Where its figure is shown.
    pub href: Option<String>,
    /// Class of the verdict's mark.
    pub mark: &'static str,
}

impl GoalRow {
    /// A goal for the check at start.
    #[must_use]
    pub fn sample(verdict: &'static str, full: bool) -> Self {
        let text = |text: &str| if full { text.to_owned() } else { String::new() };
        Self {
            goal: GoalLine {
                text: "Flere kender Én indgang".to_owned(),
                area: text("Service"),
                indicator: full.then(|| "entry_known".to_owned()),
                measure: text("Kender Én indgang"),
                wanted: "Mindst 70 %, senest i 2027".to_owned(),
                found: "64 % i 2026.".to_owned(),
                verdict,
                source: text("Erhvervspolitik"),
                earlier: if full { vec!["Fra 1. juni 2023".to_owned()] } else { Vec::new() },
            },
            href: full.then(|| "?indicator=entry_known#indicator".to_owned()),
            mark: if full { "good" } else { "" },
        }
    }
}

/// The goals of a standing, each with the address of its figure on the page of `href`.
pub(crate) fn goals(teller: Teller<'_>, standing: &Standing, href: &str) -> Vec<GoalRow> {
    let row = |goal: GoalLine| GoalRow {
        href: goal.indicator.as_deref().filter(|id| teller.report.indicators.iter().any(|i| i.id == *id)).map(|id| {
            let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
            format!("{href}?indicator={id}#indicator")
        }),
        mark: match goal.verdict {
            "met" => "good",
            "missed" => "bad",
            _ => "",
        },
        goal,
    };
    text::standing::goals(teller, standing).into_iter().map(row).collect()
}

/// An initiative for the check at start.
#[must_use]
pub fn sample_initiative(full: bool) -> InitiativeLine {
    let text = |text: &str| if full { text.to_owned() } else { String::new() };
    InitiativeLine {
        id: "018f".to_owned(),
        title: "Én indgang".to_owned(),
        description: text("Ét nummer."),
        state: if full { "active" } else { "idea" },
        area: text("Service"),
        owner: text("Erhvervsservice"),
        is_group: full,
        starts: text("1. januar 2024"),
        horizon: full.then_some(2027),
        resources: text("1,2 mio. kr."),
        backing: text("Erhvervsrådet"),
        moves: text("Kender Én indgang"),
        public: full,
        steps: if full {
            vec![
                StepLine { state: "idea", on: "1. maj 2023".to_owned(), note: String::new() },
                StepLine { state: "active", on: "1. januar 2024".to_owned(), note: "Bevilget.".to_owned() },
            ]
        } else {
            Vec::new()
        },
    }
}

/// The newest status that speaks of a publication's figures.
pub(crate) fn newest<'s>(statuses: &'s [StatusInfo], publication: &str) -> Option<&'s StatusInfo> {
    statuses.iter().find(|s| s.publication.as_str() == publication)
}

/// The month of a year's measurement in which answers come in, as a part of the year: what starts in spring lies between two points.
const MEASURED: f64 = 0.85;

/// The initiatives that shall move an indicator and have begun, by their number in the list beneath its trend.
pub(crate) fn events(standing: &Standing, indicator: &str, language: Language) -> Vec<Event> {
    let begun = |i: &&Initiative| i.plan.indicators.iter().any(|id| id == indicator);
    let at = |initiative: &Initiative| -> Option<f64> {
        let first = initiative.history.iter().find(|s| s.state == domain::initiatives::InitiativeState::Active)?;
        let date: jiff::civil::Date = first.on.parse().ok()?;
        Some(f64::from(date.year()) + f64::from(date.day_of_year()) / 365.0 - MEASURED)
    };
    let mut all: Vec<(f64, String)> = standing
        .initiatives
        .iter()
        .filter(begun)
        .filter_map(|i| Some((at(i)?, i.plan.title.get(language).to_owned())))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all.into_iter().zip(1..).map(|((at, title), number)| Event { at, number, title }).collect()
}

/// The growth accounts in rows.
#[derive(Debug, Serialize)]
pub struct AccountsPart {
    /// Years, the last ones.
    pub years: Vec<i32>,
    /// The whole municipality, a row per fact.
    pub rows: Vec<AccountRow>,
    /// Fact by fact, its sectors.
    pub sectors: Vec<SectorAccount>,
    /// Where the figures come from.
    pub sources: Vec<String>,
}

/// A fact of the whole municipality.
#[derive(Debug, Serialize)]
pub struct AccountRow {
    /// Title.
    pub title: String,
    /// A figure per year; `None`: not given.
    pub cells: Vec<Option<String>>,
    /// Where it comes from.
    pub source: String,
}

/// A fact by sector.
#[derive(Debug, Serialize)]
pub struct SectorAccount {
    /// Title of the fact.
    pub title: String,
    /// The sectors and the total.
    pub rows: Vec<SectorAccountRow>,
    /// Where it comes from.
    pub source: String,
}

/// A sector's figures.
#[derive(Debug, Serialize)]
pub struct SectorAccountRow {
    /// Title of the sector.
    pub title: String,
    /// The whole municipality.
    pub total: bool,
    /// A figure per year.
    pub cells: Vec<AccountCell>,
}

/// A sector's figure of a year.
#[derive(Debug, Serialize)]
pub struct AccountCell {
    /// The figure.
    pub value: Option<String>,
    /// It is left out: too few companies.
    pub hidden: bool,
}

impl AccountsPart {
    /// Accounts for the check at start.
    #[must_use]
    pub fn sample() -> Self {
        let cell = |value: Option<&str>, hidden| AccountCell { value: value.map(str::to_owned), hidden };
        Self {
            years: vec![2024, 2025],
            rows: vec![AccountRow {
                title: "Virksomheder".to_owned(),
                cells: vec![Some("1.204".to_owned()), None],
                source: "CVR".to_owned(),
            }],
            sectors: vec![SectorAccount {
                title: "Virksomheder".to_owned(),
                rows: vec![
                    SectorAccountRow {
                        title: "Handel".to_owned(),
                        total: false,
                        cells: vec![cell(Some("204"), false), cell(None, true)],
                    },
                    SectorAccountRow {
                        title: "Alle".to_owned(),
                        total: true,
                        cells: vec![cell(None, false), cell(None, false)],
                    },
                ],
                source: "CVR".to_owned(),
            }],
            sources: vec!["CVR".to_owned()],
        }
    }
}

/// The growth accounts of the last four years; `sectors` gives their order and titles.
pub(crate) fn accounts(
    messages: &Messages,
    language: Language,
    accounts: &Accounts,
    sectors: &[(String, String)],
) -> Option<AccountsPart> {
    if accounts.is_empty() {
        return None;
    }
    let years: Vec<i32> = accounts.years.iter().rev().take(4).rev().copied().collect();
    let write = |unit, value: f64| text::standing::fact(messages, language, unit, value);
    let sources = |fact: &str| accounts.sources(fact).join(", ");
    let rows = accounts.facts.iter().map(|fact| AccountRow {
        title: fact.title.get(language).to_owned(),
        cells: years
            .iter()
            .map(|year| accounts.cell(&fact.key, *year, None).and_then(|c| c.value).map(|v| write(fact.unit, v)))
            .collect(),
        source: sources(&fact.key),
    });
    let of_sector = |fact: &domain::accounts::FactKind, title: String, sector: Option<&str>| SectorAccountRow {
        title,
        total: sector.is_none(),
        cells: years
            .iter()
            .map(|year| {
                let cell = accounts.cell(&fact.key, *year, sector);
                AccountCell {
                    value: cell.and_then(|c| c.value).map(|v| write(fact.unit, v)),
                    hidden: cell.is_some_and(|c| c.value.is_none()),
                }
            })
            .collect(),
    };
    let by_sector = accounts
        .facts
        .iter()
        .filter(|&fact| accounts.cells.iter().any(|c| c.fact == fact.key && c.sector.is_some()))
        .map(|fact| {
            let mut rows = vec![of_sector(fact, messages.t(language, "standing.accounts_total", &[]), None)];
            rows.extend(sectors.iter().map(|(key, title)| of_sector(fact, title.clone(), Some(key))));
            rows.retain(|r| r.cells.iter().any(|c| c.value.is_some() || c.hidden));
            SectorAccount { title: fact.title.get(language).to_owned(), rows, source: sources(&fact.key) }
        });
    let mut all: Vec<String> = accounts.cells.iter().map(|c| c.source.clone()).collect();
    all.sort();
    all.dedup();
    let rows: Vec<AccountRow> = rows.filter(|row| row.cells.iter().any(Option::is_some)).collect();
    Some(AccountsPart { rows, sectors: by_sector.collect(), years, sources: all })
}

/// The sectors of a report in its order, with titles.
pub(crate) fn report_sectors(report: &Report, language: Language) -> Vec<(String, String)> {
    let groups = report.breakdowns.iter().find(|b| b.domain == "sector").map(|b| b.groups.as_slice());
    groups.unwrap_or_default().iter().map(|g| (g.key.clone(), g.title.get(language).to_owned())).collect()
}

/// `GET /{slug}/committee/status/{status}`: initiatives have moved, the figures have not.
#[derive(Debug, Serialize)]
pub struct StatusPage {
    /// Navigation.
    pub bar: Bar,
    /// Title.
    pub title: String,
    /// Its day, in words.
    pub date: String,
    /// The author's words.
    pub note: String,
    /// The publication whose figures hold.
    pub figures: String,
    /// Title of that publication.
    pub figures_title: String,
    /// The day of that publication, in words.
    pub figures_date: String,
    /// What has moved since, in sentences beside its initiative.
    pub moved: Vec<MovedLine>,
    /// The goals as they stand.
    pub goals: Vec<GoalRow>,
    /// All initiatives.
    pub initiatives: Vec<InitiativeLine>,
    /// The growth accounts.
    pub accounts: Option<AccountsPart>,
}

/// An initiative that has moved.
#[derive(Debug, Serialize)]
pub struct MovedLine {
    /// Title.
    pub title: String,
    /// From where to where.
    pub how: String,
    /// The remark made with it.
    pub note: String,
    /// `idea`, `active`, `done`, `stopped`.
    pub state: &'static str,
}

impl Page for StatusPage {
    const TEMPLATE: &'static str = "committee/status.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            bar: Bar::sample(full),
            title: "Forårsstatus".to_owned(),
            date: "1. maj 2026".to_owned(),
            note: if full { "Godt i gang.".to_owned() } else { String::new() },
            figures: "/hojager/committee/1".to_owned(),
            figures_title: "2025-målingen".to_owned(),
            figures_date: "20. januar 2026".to_owned(),
            moved: if full {
                let line = |note: &str| MovedLine {
                    title: "Én indgang".to_owned(),
                    how: "Før: idé. Nu: i gang.".to_owned(),
                    note: note.to_owned(),
                    state: "active",
                };
                vec![line("Bevilget."), line("")]
            } else {
                Vec::new()
            },
            goals: if full {
                vec![GoalRow::sample("met", true), GoalRow::sample("unmeasured", false)]
            } else {
                Vec::new()
            },
            initiatives: if full { vec![sample_initiative(true), sample_initiative(false)] } else { Vec::new() },
            accounts: full.then(AccountsPart::sample),
        };
        vec![page(true), page(false)]
    }
}

async fn status(
    State(app): State<App>,
    visit: Visit,
    Reader(staff): Reader,
    Path((_, status)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let status = app.store().status(id, &StatusId(status)).await?;
    let publication = app.store().publication(id, &status.publication).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let messages = app.messages();
    let teller = Teller { messages, language, report: &publication.report };
    let state = |word: &str| messages.t(language, &format!("standing.state_{word}"), &[]);
    let before = Standing::of_extra(&publication.extra).unwrap_or_default();
    let line = |m: domain::initiatives::Moved<'_>| MovedLine {
        title: m.initiative.plan.title.get(language).to_owned(),
        how: match m.from {
            None => messages.t(language, "standing.moved_new", &[("state", state(m.initiative.state.as_str()).into())]),
            Some(from) => messages.t(
                language,
                "standing.moved_from",
                &[("from", state(from.as_str()).into()), ("state", state(m.initiative.state.as_str()).into())],
            ),
        },
        note: m.initiative.history.last().map(|s| s.note.clone()).unwrap_or_default(),
        state: m.initiative.state.as_str(),
    };
    let figures = format!("/{}/committee/{}", staff.municipality.slug, publication.info.id);
    let page = StatusPage {
        bar: staff.bar("committee"),
        title: status.title,
        date: day(language, &status.date),
        note: status.note,
        figures_title: publication.info.title.clone(),
        figures_date: day(language, &publication.info.date),
        moved: moved(&before, &status.standing).into_iter().map(line).collect(),
        goals: goals(teller, &status.standing, &figures),
        initiatives: text::standing::initiatives(teller, &status.standing),
        accounts: accounts(
            messages,
            language,
            &status.standing.accounts,
            &report_sectors(&publication.report, language),
        ),
        figures,
    };
    view.render(&page)
}
