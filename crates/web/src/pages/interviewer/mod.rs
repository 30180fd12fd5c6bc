//! The telephone: who is to be called, one call, and the questionnaire filled in on a business's behalf.
//!
//! # Layout
//! - this module: the list, thin sectors first, and where everybody of the round ended
//! - `call`: one business: the text read first, the interview begun, what came of it
//! - `interview`: the questionnaire's screens, without anything the business answered before
//!
//! Each call is for one caller at a time. What is typed lies in a draft until it is sent or the call ends.
use axum::extract::{Query, State};
use axum::response::Response;
use axum::{Router, middleware, routing};
use domain::calls::Disposition;
use domain::fieldwork::RoundState;
use domain::language::Language;
use domain::municipality::Municipality;
use serde::{Deserialize, Serialize};
use store::calls::{CallRow, DispositionRow};
use store::rounds::{Monitor, Round};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::{day, sectors, titled};
use crate::pages::signin::{Bar, Caller, Staff, not_kept};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

mod call;
mod interview;

/// Numbers shown at once: an afternoon's work.
const SHOWN: usize = 40;
/// A sector with fewer answers is thin: its figures are marked as uncertain.
const THIN: u64 = 20;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/calls", routing::get(list))
        .route("/{slug}/calls/{invitation}", routing::get(call::show))
        .route("/{slug}/calls/{invitation}/begin", routing::post(call::begin))
        .route("/{slug}/calls/{invitation}/outcome", routing::post(call::outcome))
        .route("/{slug}/calls/{invitation}/review", routing::get(interview::review))
        .route("/{slug}/calls/{invitation}/submit", routing::post(interview::submit))
        .route("/{slug}/calls/{invitation}/thanks", routing::get(interview::thanks))
        .route("/{slug}/calls/{invitation}/reach", routing::get(interview::reach).post(interview::reached))
        .route("/{slug}/calls/{invitation}/{screen}", routing::get(interview::show).post(interview::save))
        .layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ListPage>(site)?;
    templates.check::<call::CallPage>(site)
}

/// `GET /{slug}/calls`
#[derive(Debug, Serialize)]
pub struct ListPage {
    /// Navigation.
    pub bar: Bar,
    /// The round that is in the field.
    pub round: Option<String>,
    /// Last day of answering, in words.
    pub closes_on: Option<String>,
    /// A call was noted just now.
    pub noted: bool,
    /// The sectors with somebody to call, thinnest first.
    pub sectors: Vec<SectorLine>,
    /// The sector shown.
    pub sector: String,
    /// Whom to call in it.
    pub rows: Vec<CallLine>,
    /// There are more than are shown.
    pub more: usize,
    /// Where everybody of the round stands.
    pub ended: Vec<EndedLine>,
    /// Businesses of the frame.
    pub frame: u64,
    /// RR2: complete or partial, of all that are or may be eligible.
    pub rate: Option<f64>,
}

/// A sector on the list.
#[derive(Debug, Serialize)]
pub struct SectorLine {
    /// Where its businesses are listed.
    pub href: String,
    /// Title.
    pub title: String,
    /// Answers so far.
    pub answered: u64,
    /// Businesses of the frame.
    pub frame: u64,
    /// The share, 0–1.
    pub rate: f64,
    /// Fewer than 20 answers.
    pub thin: bool,
    /// To be called.
    pub to_call: usize,
    /// It is the one shown.
    pub current: bool,
}

/// A business on the list.
#[derive(Debug, Serialize)]
pub struct CallLine {
    /// Its page.
    pub href: String,
    /// Name.
    pub name: String,
    /// Town.
    pub city: String,
    /// Telephone number.
    pub phone: String,
    /// Calls so far.
    pub calls: u64,
    /// Key of the latest outcome.
    pub last: Option<String>,
    /// When to call again, in words.
    pub again_on: Option<String>,
    /// Somebody else has it on the line.
    pub held: bool,
}

/// How many ended under a code.
#[derive(Debug, Serialize)]
pub struct EndedLine {
    /// AAPOR's code.
    pub code: String,
    /// Key of what it means.
    pub meaning: String,
    /// How many.
    pub count: u64,
    /// Of the frame, 0–1.
    pub share: f64,
}

impl Page for ListPage {
    const TEMPLATE: &'static str = "interviewer/list.html";

    fn samples() -> Vec<Self> {
        let sector = |current| SectorLine {
            href: "?sector=transport".into(),
            title: "Transport".into(),
            answered: 12,
            frame: 120,
            rate: 0.1,
            thin: current,
            to_call: 30,
            current,
        };
        let row = |full: bool| CallLine {
            href: "/hojager/calls/1".into(),
            name: "Vognmand Holm ApS".into(),
            city: "Højager".into(),
            phone: "12 34 56 78".into(),
            calls: u64::from(full),
            last: full.then(|| "calls.outcome_away".into()),
            again_on: full.then(|| "3. november 2026".into()),
            held: full,
        };
        let ended = |code: &str| EndedLine {
            code: code.into(),
            meaning: format!("calls.code_{}", code.replace('.', "_")),
            count: 12,
            share: 0.1,
        };
        let full = Self {
            bar: Bar::sample(true),
            round: Some("Erhvervsmålingen 2026".into()),
            closes_on: Some("22. november 2026".into()),
            noted: true,
            sectors: vec![sector(true), sector(false)],
            sector: "Transport".into(),
            rows: vec![row(true), row(false)],
            more: 3,
            ended: CODES.iter().map(|code| ended(code)).collect(),
            frame: 120,
            rate: Some(0.31),
        };
        let nobody = Self {
            bar: Bar::sample(false),
            closes_on: None,
            noted: false,
            sectors: Vec::new(),
            sector: String::new(),
            rows: Vec::new(),
            more: 0,
            ended: Vec::new(),
            rate: None,
            round: Some("x".into()),
            frame: 0,
        };
        let none = Self {
            round: None,
            bar: Bar::sample(false),
            sectors: Vec::new(),
            rows: Vec::new(),
            ended: Vec::new(),
            sector: String::new(),
            closes_on: None,
            noted: false,
            more: 0,
            frame: 0,
            rate: None,
        };
        vec![full, nobody, none]
    }
}

/// Every code under which a business can end: each has its words.
const CODES: [&str; 16] = [
    "1.1", "1.2", "2.11", "2.112", "2.12", "2.21", "2.22", "2.32", "2.33", "3.11", "3.12", "3.13", "3.19", "3.30",
    "3.90", "4.10",
];

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    sector: String,
    #[serde(default)]
    note: String,
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Query(choice): Query<Choice>,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let Some(round) = round_in_field(&app, &staff.municipality).await? else {
        let page = ListPage {
            bar: staff.bar("calls"),
            round: None,
            closes_on: None,
            noted: false,
            sectors: Vec::new(),
            sector: String::new(),
            rows: Vec::new(),
            more: 0,
            ended: Vec::new(),
            frame: 0,
            rate: None,
        };
        return view.render(&page);
    };
    let (id, store) = (&staff.municipality.id, app.store());
    let rows = store.to_call(id, &round.id, &staff.user.id, app.now()).await?;
    let monitor = store.monitor(id, &round.id).await?;
    let ended = store.dispositions(id, &round.id).await?;
    let mut lines = sector_lines(&staff, language, &monitor, &rows);
    let chosen = lines
        .iter()
        .find(|(key, _)| *key == choice.sector)
        .or_else(|| lines.first())
        .map(|(key, line)| (key.clone(), line.title.clone()))
        .unwrap_or_default();
    for (key, line) in &mut lines {
        line.current = *key == chosen.0;
    }
    let today = app.now().date_in(&text::format::zone(&staff.municipality.settings.time_zone)).to_string();
    let mut here: Vec<&CallRow> = rows.iter().filter(|r| r.sector == chosen.0).collect();
    here.sort_by_key(|r| order(r, &today));
    let more = here.len().saturating_sub(SHOWN);
    let frame = ended.iter().map(|e| e.count).sum();
    let page = ListPage {
        bar: staff.bar("calls"),
        round: Some(round.title.clone()),
        closes_on: round.closes_on.as_deref().map(|d| day(language, d)),
        noted: choice.note == "noted",
        sectors: lines.into_iter().map(|(_, line)| line).collect(),
        sector: chosen.1,
        rows: here.into_iter().take(SHOWN).map(|r| call_line(&staff, language, r)).collect(),
        more,
        rate: response_rate(&ended),
        ended: ended.iter().map(|e| ended_line(e, frame)).collect(),
        frame,
    };
    view.render(&page)
}

/// The round that takes answers now.
async fn round_in_field(app: &App, municipality: &Municipality) -> Result<Option<Round>, PageError> {
    Ok(app.store().rounds(&municipality.id).await?.into_iter().find(|r| r.state == RoundState::Open))
}

/// Appointments that are due come first, then who was never called, then who was called least; who asked for a later day
/// or is on somebody's line comes last.
fn order(row: &CallRow, today: &str) -> (u8, u64, i64) {
    let again_on = row.last.as_ref().and_then(|l| l.again_on.as_deref());
    let turn = match again_on {
        _ if row.held => 4,
        Some(date) if date <= today => 0,
        Some(_) => 3,
        None if row.calls == 0 => 1,
        None => 2,
    };
    (turn, row.calls, row.last.as_ref().map_or(0, |l| l.at.0))
}

/// The sectors with somebody to call: those with too few answers to be shown safely first, each group by its rate.
fn sector_lines(staff: &Staff, language: Language, monitor: &Monitor, rows: &[CallRow]) -> Vec<(String, SectorLine)> {
    let titles = sectors(&staff.municipality, language);
    let mut keys: Vec<&str> = rows.iter().map(|r| r.sector.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    let line = |key: &str| {
        let of = monitor.cells.iter().filter(|c| c.sector == key);
        let (answered, frame) =
            of.fold((0, 0), |(a, f), c| (a + c.counts.partial + c.counts.complete, f + c.counts.frame));
        SectorLine {
            href: format!("?sector={}", percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC)),
            title: titled(&titles, key).to_owned(),
            answered,
            frame,
            rate: if frame == 0 { 0.0 } else { answered as f64 / frame as f64 },
            thin: answered < THIN,
            to_call: rows.iter().filter(|r| r.sector == key).count(),
            current: false,
        }
    };
    let mut lines: Vec<(String, SectorLine)> = keys.into_iter().map(|key| (key.to_owned(), line(key))).collect();
    lines.sort_by(|(_, a), (_, b)| (!a.thin).cmp(&!b.thin).then(a.rate.total_cmp(&b.rate)));
    lines
}

fn call_line(staff: &Staff, language: Language, row: &CallRow) -> CallLine {
    CallLine {
        href: format!("/{}/calls/{}", staff.municipality.slug, row.invitation),
        name: row.name.clone(),
        city: row.city.clone(),
        phone: text::format::phone(&row.phone),
        calls: row.calls,
        last: row.last.as_ref().map(|l| format!("calls.outcome_{}", l.outcome.as_str())),
        again_on: row.last.as_ref().and_then(|l| l.again_on.as_deref()).map(|d| day(language, d)),
        held: row.held,
    }
}

fn ended_line(row: &DispositionRow, frame: u64) -> EndedLine {
    EndedLine {
        code: row.code.to_owned(),
        meaning: format!("calls.code_{}", row.code.replace('.', "_")),
        count: row.count,
        share: if frame == 0 { 0.0 } else { row.count as f64 / frame as f64 },
    }
}

/// RR2 of AAPOR: answers, complete or partial, of everybody but those known not to belong.
fn response_rate(ended: &[DispositionRow]) -> Option<f64> {
    let sum = |wanted: &dyn Fn(Disposition) -> bool| -> u64 {
        ended.iter().filter(|e| wanted(e.kind)).map(|e| e.count).sum()
    };
    let eligible = sum(&|kind| kind != Disposition::Ineligible);
    (eligible > 0).then(|| sum(&|kind| kind == Disposition::Interview) as f64 / eligible as f64)
}
