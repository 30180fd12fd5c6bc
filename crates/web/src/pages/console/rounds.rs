//! A round from draft to closed: planned, opened, watched (counts only), reminded, paused, closed.
use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::fieldwork::{MailState, MessageKind, RoundState};
use domain::ids::RoundId;
use domain::language::Language;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use store::frames::FrameSummary;
use store::jobs::{Job, JobState};
use store::rounds::{Monitor, MonitorCounts, Round, RoundPlan};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::{jobs::JobLine, sectors, sizes, this_year, titled};
use crate::pages::signin::{Analyst, Bar, Note, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Below this many answers a sector's figures will be marked as uncertain.
const THIN: u64 = 20;

/// Days drawn at most: a round that was never closed is not a picture.
const MOST_DAYS: usize = 190;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/rounds", routing::post(create))
        .route("/{slug}/console/rounds/new", routing::get(plan))
        .route("/{slug}/console/rounds/{round}", routing::get(show))
        .route("/{slug}/console/rounds/{round}/dates", routing::post(set_dates))
        .route("/{slug}/console/rounds/{round}/open", routing::get(confirm_open).post(open))
        .route("/{slug}/console/rounds/{round}/pause", routing::post(pause))
        .route("/{slug}/console/rounds/{round}/resume", routing::post(resume))
        .route("/{slug}/console/rounds/{round}/resume-all", routing::post(resume_all))
        .route("/{slug}/console/rounds/{round}/reminder", routing::get(confirm_reminder).post(remind))
        .route("/{slug}/console/rounds/{round}/close", routing::get(confirm_close).post(close))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<PlanPage>(site)?;
    templates.check::<RoundPage>(site)?;
    templates.check::<ConfirmPage>(site)
}

/// A part of a whole; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

const fn answered(counts: &MonitorCounts) -> u64 {
    counts.partial + counts.complete
}

/// `GET /{slug}/console/rounds/new`
#[derive(Debug, Serialize)]
pub struct PlanPage {
    /// Navigation.
    pub bar: Bar,
    /// The form as it was filled in.
    pub form: PlanForm,
    /// Keys of the messages that say what is wrong, by field.
    pub faults: BTreeMap<&'static str, &'static str>,
    /// Least threshold.
    pub least: u32,
}

/// The form of a new round.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlanForm {
    /// Year.
    #[serde(default)]
    pub year: String,
    /// Title; empty: made from the year.
    #[serde(default)]
    pub title: String,
    /// First day of answering.
    #[serde(default)]
    pub opens_on: String,
    /// Last day of answering.
    #[serde(default)]
    pub closes_on: String,
    /// Fewest answers behind a shown figure.
    #[serde(default)]
    pub threshold: String,
}

impl Page for PlanPage {
    const TEMPLATE: &'static str = "console/plan.html";

    fn samples() -> Vec<Self> {
        let all = ["year", "opens_on", "closes_on", "threshold"].map(|field| (field, "console.fault_year"));
        vec![
            Self { bar: Bar::sample(true), form: PlanForm::default(), faults: all.into(), least: 5 },
            Self { bar: Bar::sample(true), form: PlanForm::default(), faults: BTreeMap::new(), least: 5 },
        ]
    }
}

impl PlanForm {
    /// The plan, or what is wrong with it.
    fn read(&self, today: Date, least: u32) -> Result<(i32, RoundPlan), BTreeMap<&'static str, &'static str>> {
        let mut faults = BTreeMap::new();
        let year = self.year.trim().parse().ok().filter(|y: &i32| (2000..=2100).contains(y));
        if year.is_none() {
            faults.insert("year", "console.fault_year");
        }
        let threshold = self.threshold.trim().parse().ok().filter(|t: &u32| (least..=100).contains(t));
        if threshold.is_none() {
            faults.insert("threshold", "console.fault_threshold");
        }
        let (opens, closes) = read_dates(&self.opens_on, &self.closes_on, today, &mut faults);
        match (year, threshold, faults.is_empty()) {
            (Some(year), Some(threshold), true) => {
                let title = self.title.trim();
                let title = title.chars().take(120).collect();
                Ok((year, RoundPlan { title, opens_on: opens, closes_on: closes, questionnaire: None, threshold }))
            }
            _ => Err(faults),
        }
    }
}

/// The two dates of a form, and what is wrong with them.
fn read_dates(
    opens: &str,
    closes: &str,
    today: Date,
    faults: &mut BTreeMap<&'static str, &'static str>,
) -> (Option<String>, Option<String>) {
    let mut date = |text: &str, field: &'static str| -> Option<Date> {
        let text = text.trim();
        let parsed = text.parse().ok();
        if parsed.is_none() && !text.is_empty() {
            faults.insert(field, "console.fault_date");
        }
        parsed
    };
    let (opens, closes) = (date(opens, "opens_on"), date(closes, "closes_on"));
    match (opens, closes) {
        (Some(from), Some(to)) if to < from => {
            faults.insert("closes_on", "console.fault_order");
        }
        (_, Some(to)) if to < today => {
            faults.insert("closes_on", "console.fault_past");
        }
        (_, None) => {
            faults.entry("closes_on").or_insert("console.fault_no_end");
        }
        _ => {}
    }
    (opens.map(|d| d.to_string()), closes.map(|d| d.to_string()))
}

/// The day it is where the municipality is.
pub(crate) fn today(app: &App, staff: &Staff) -> Date {
    app.now().date_in(&text::format::zone(&staff.municipality.settings.time_zone))
}

async fn plan(State(app): State<App>, visit: Visit, Analyst(staff): Analyst) -> Result<Response, PageError> {
    let least = staff.municipality.settings.threshold.max(5);
    let form = PlanForm {
        year: this_year(&app, &staff.municipality).to_string(),
        threshold: least.to_string(),
        ..PlanForm::default()
    };
    let page = PlanPage { bar: staff.bar("home"), form, faults: BTreeMap::new(), least };
    app.view(&visit).of(&staff.municipality).render(&page)
}

async fn create(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(form): Form<PlanForm>,
) -> Result<Response, PageError> {
    let least = staff.municipality.settings.threshold.max(5);
    let again = |form: PlanForm, faults| {
        let page = PlanPage { bar: staff.bar("home"), form, faults, least };
        app.view(&visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY).render(&page)
    };
    let (year, mut plan) = match form.read(today(&app, &staff), least) {
        Ok(read) => read,
        Err(faults) => return again(form, faults),
    };
    let id = &staff.municipality.id;
    if app.store().round_of_year(id, year).await?.is_some() {
        return again(form, BTreeMap::from([("year", "console.fault_year_taken")]));
    }
    if plan.title.is_empty() {
        plan.title = app.t(staff.municipality.settings.language, "console.title_of", &[("year", year.into())]);
    }
    plan.questionnaire = Some(super::questionnaires::newest(&app, id).await?);
    let round = app.store().create_round(id, year, &plan, app.now()).await?;
    staff.did(&app, "round.created", round.id.as_str(), &year.to_string()).await?;
    Ok(to_round(&staff, &round.id, "created"))
}

fn to_round(staff: &Staff, round: &RoundId, note: &str) -> Response {
    Redirect::to(&format!("/{}/console/rounds/{round}?note={note}", staff.municipality.slug)).into_response()
}

/// `GET /{slug}/console/rounds/{round}`
#[derive(Debug, Serialize)]
pub struct RoundPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The round.
    pub round: RoundInfo,
    /// No mail goes out at all: why.
    pub all_paused: Option<Vec<String>>,
    /// The year's frame.
    pub frame: Option<FrameInfo>,
    /// The opening, while it runs or after it failed.
    pub opening: Option<JobLine>,
    /// How far the opening is.
    pub opening_done: u64,
    /// Units to be looked at; 0: unknown.
    pub opening_total: u64,
    /// Counts, once opened.
    pub counts: Option<Counts>,
    /// Sectors.
    pub sectors: Vec<Row>,
    /// Titles of the size classes.
    pub sizes: Vec<String>,
    /// Sectors × size classes.
    pub matrix: Vec<MatrixRow>,
    /// Responses submitted per day, on which there were any.
    pub days: Vec<Day>,
    /// The same as a drawing, every day from the first to the last.
    pub days_chart: Option<String>,
    /// The wave of the next reminder.
    pub next_wave: Option<i64>,
    /// Waves sent so far.
    pub waves: Vec<Wave>,
    /// The form of the dates.
    pub dates: Dates,
}

/// The two dates as they stand in the form.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Dates {
    /// First day.
    pub opens_on: String,
    /// Last day.
    pub closes_on: String,
    /// What is wrong with the first day: key of a message.
    pub opens_fault: Option<&'static str>,
    /// What is wrong with the last day: key of a message.
    pub closes_fault: Option<&'static str>,
}

/// The round in words.
#[derive(Debug, Serialize)]
pub struct RoundInfo {
    /// Address of its page.
    pub href: String,
    /// Title.
    pub title: String,
    /// Year.
    pub year: i32,
    /// `draft`, `opening`, `open`, `closed`.
    pub state: &'static str,
    /// State, in words.
    pub state_text: String,
    /// First day, `yyyy-mm-dd`.
    pub opens_on: Option<String>,
    /// Last day, `yyyy-mm-dd`.
    pub closes_on: Option<String>,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
    /// Sending is paused.
    pub paused: bool,
    /// Why sending is paused.
    pub pause_reason: Option<String>,
    /// When it was closed, in milliseconds.
    pub closed_at: Option<i64>,
}

impl RoundInfo {
    /// A round for the check at start.
    #[must_use]
    pub fn sample(state: &'static str) -> Self {
        Self {
            href: "/hojager/console/rounds/1".to_owned(),
            title: "2026-målingen".to_owned(),
            year: 2026,
            state,
            state_text: "åben".to_owned(),
            opens_on: Some("2026-09-01".to_owned()),
            closes_on: Some("2026-10-01".to_owned()),
            threshold: 5,
            paused: state == "open",
            pause_reason: (state == "open").then(|| "Relæet afviser".to_owned()),
            closed_at: (state == "closed").then_some(1_790_000_000_000),
        }
    }
}

/// The year's frame in numbers.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FrameInfo {
    /// Units.
    pub units: u64,
    /// Of these with an address that may be used.
    pub contactable: u64,
    /// Of these protected.
    pub protected: u64,
}

/// The counts of a round.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Counts {
    /// Businesses in the frame.
    pub frame: u64,
    /// Invited.
    pub invited: u64,
    /// Of these by letter.
    pub letters: u64,
    /// Sent.
    pub sent: u64,
    /// Not delivered.
    pub failed: u64,
    /// Said no.
    pub opted_out: u64,
    /// Begun.
    pub started: u64,
    /// Partial.
    pub partial: u64,
    /// Complete.
    pub complete: u64,
    /// Partial and complete.
    pub answered: u64,
    /// Answered of the frame, 0–1.
    pub rate: f64,
}

impl Counts {
    fn of(counts: &MonitorCounts) -> Self {
        Self {
            frame: counts.frame,
            invited: counts.invited,
            letters: counts.letters,
            sent: counts.sent,
            failed: counts.failed,
            opted_out: counts.opted_out,
            started: counts.started,
            partial: counts.partial,
            complete: counts.complete,
            answered: answered(counts),
            rate: share(answered(counts), counts.frame),
        }
    }
}

/// A sector while the round runs.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Title.
    pub title: String,
    /// The counts.
    pub counts: Counts,
    /// Fewer answers than figures need to be certain.
    pub thin: bool,
}

/// A sector by size classes.
#[derive(Debug, Serialize)]
pub struct MatrixRow {
    /// Title of the sector.
    pub title: String,
    /// One cell per size class; `None`: no such businesses.
    pub cells: Vec<Option<MatrixCell>>,
}

/// Who answered in a cell.
#[derive(Debug, Serialize)]
pub struct MatrixCell {
    /// Answered.
    pub answered: u64,
    /// In the frame.
    pub frame: u64,
    /// Answered of the frame, 0–1.
    pub rate: f64,
}

/// Responses of a day.
#[derive(Debug, Serialize)]
pub struct Day {
    /// `yyyy-mm-dd`.
    pub date: String,
    /// Responses.
    pub n: u64,
}

/// A wave of messages.
#[derive(Debug, Serialize)]
pub struct Wave {
    /// Its name.
    pub name: String,
    /// Sent.
    pub sent: u64,
    /// Waiting.
    pub waiting: u64,
    /// Refused for good.
    pub failed: u64,
    /// Perhaps sent.
    pub uncertain: u64,
    /// Not wanted any more.
    pub cancelled: u64,
    /// The round's mail ended before their turn came.
    pub expired: u64,
}

impl Page for RoundPage {
    const TEMPLATE: &'static str = "console/round.html";

    fn samples() -> Vec<Self> {
        let counts = Counts::of(&MonitorCounts {
            frame: 2480,
            invited: 1900,
            letters: 200,
            sent: 1650,
            failed: 50,
            accepted: 1600,
            bounced: 30,
            opted_out: 12,
            started: 700,
            partial: 60,
            complete: 600,
        });
        let row = |thin| Row { title: "Handel".to_owned(), counts, thin };
        let cell = MatrixCell { answered: 3, frame: 9, rate: 1.0 / 3.0 };
        let page = |state: &'static str, full: bool| Self {
            bar: Bar::sample(true),
            note: full.then_some("console.flash_created"),
            round: RoundInfo::sample(state),
            all_paused: full.then(|| vec!["Al udsendelse er på pause.".to_owned()]),
            frame: full.then_some(FrameInfo { units: 2480, contactable: 1900, protected: 210 }),
            opening: (state == "opening" || full).then(JobLine::sample),
            opening_done: 10,
            opening_total: if full { 20 } else { 0 },
            counts: (state != "draft").then_some(counts),
            sectors: if full { vec![row(true), row(false)] } else { Vec::new() },
            sizes: if full { vec!["2–9".to_owned(), "10–49".to_owned()] } else { Vec::new() },
            matrix: Vec::new(),
            days: if full { vec![Day { date: "2026-09-02".to_owned(), n: 31 }] } else { Vec::new() },
            days_chart: full.then(|| "<svg></svg>".to_owned()),
            next_wave: full.then_some(1),
            waves: Vec::new(),
            dates: Dates {
                opens_on: String::new(),
                closes_on: "2026-02-30".to_owned(),
                opens_fault: full.then_some("console.fault_date"),
                closes_fault: full.then_some("console.fault_date"),
            },
        };
        let wave = Wave {
            name: "Invitation".to_owned(),
            sent: 1,
            waiting: 2,
            failed: 3,
            uncertain: 4,
            cancelled: 5,
            expired: 6,
        };
        let matrix = vec![MatrixRow { title: "Handel".to_owned(), cells: vec![Some(cell), None] }];
        let running = Self { waves: vec![wave], matrix, ..page("open", true) };
        let bare = RoundInfo {
            opens_on: None,
            closes_on: None,
            paused: false,
            pause_reason: None,
            ..RoundInfo::sample("draft")
        };
        vec![
            running,
            page("open", false),
            page("closed", true),
            page("opening", true),
            page("opening", false),
            page("draft", true),
            Self { round: bare, ..page("draft", false) },
        ]
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    note: Note,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let round = app.store().round(&staff.municipality.id, &RoundId(round)).await?;
    let dates = Dates {
        opens_on: round.opens_on.clone().unwrap_or_default(),
        closes_on: round.closes_on.clone().unwrap_or_default(),
        ..Dates::default()
    };
    shown(&app, &visit, &staff, &round, note, dates).await
}

/// The page of a round; with the form of its dates again where they cannot be.
async fn shown(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    round: &Round,
    note: Note,
    dates: Dates,
) -> Result<Response, PageError> {
    let is_faulty = dates.opens_fault.or(dates.closes_fault).is_some();
    let status = if is_faulty { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let (id, view) = (&staff.municipality.id, app.view(visit).of(&staff.municipality).status(status));
    let language = view.language();
    let opening = opening(app, staff, round).await?;
    let is_opened = matches!(round.state, RoundState::Open | RoundState::Closed);
    let monitor = if is_opened { Some(app.store().monitor(id, &round.id).await?) } else { None };
    let waves = if is_opened { app.store().mail_counts(id, &round.id).await? } else { Vec::new() };
    let titles = (sectors(&staff.municipality, language), sizes(&staff.municipality, language));
    let last = last_wave(&waves);
    let page = RoundPage {
        bar: staff.bar("home"),
        note: note.key(),
        round: info(app, language, staff, round),
        all_paused: all_paused(app, language).await?,
        frame: frame_of(app, staff, round.year).await?.map(|f| frame_info(&f)),
        opening: opening.as_ref().map(|job| JobLine::of(app, language, &staff.municipality.slug, job)),
        opening_done: opening.as_ref().map_or(0, |job| job.done),
        opening_total: opening.as_ref().map_or(0, |job| job.total),
        counts: monitor.as_ref().map(|m| Counts::of(&m.total)),
        sectors: monitor.as_ref().map(|m| sector_rows(m, &titles.0)).unwrap_or_default(),
        sizes: titles.1.iter().map(|(_, title)| title.clone()).collect(),
        matrix: monitor.as_ref().map(|m| matrix(m, &titles.0, &titles.1)).unwrap_or_default(),
        days_chart: monitor.as_ref().and_then(|m| days_chart(app, language, &m.per_day)),
        days: monitor.map(|m| m.per_day.into_iter().map(|(date, n)| Day { date, n }).collect()).unwrap_or_default(),
        next_wave: (round.state == RoundState::Open).then(|| next_wave(last)).flatten(),
        waves: wave_rows(app, language, &waves),
        dates,
    };
    let mut response = view.render(&page)?;
    if opening.is_some_and(|job| matches!(job.state, JobState::Queued | JobState::Running)) {
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("3"));
    }
    Ok(response)
}

/// The days from the first to the last answer as a drawing; days without any are part of the picture.
pub(crate) fn days_chart(app: &App, language: Language, per_day: &[(String, u64)]) -> Option<String> {
    let date = |day: &str| day.parse::<Date>().ok();
    let (first, last) = (date(&per_day.first()?.0)?, date(&per_day.last()?.0)?);
    let answers: BTreeMap<&str, u64> = per_day.iter().map(|(day, n)| (day.as_str(), *n)).collect();
    let days: Vec<charts::Day> = first
        .series(jiff::Span::new().days(1))
        .take_while(|day| *day <= last)
        .take(MOST_DAYS)
        .map(|day| charts::Day {
            label: text::format::date(language, day),
            n: answers.get(day.to_string().as_str()).copied().unwrap_or_default(),
        })
        .collect();
    charts::both(charts::Setting::page(app.messages(), language, "days"), |s| charts::days(&days, s)).ok()
}

/// The newest opening of a round that is not open yet.
async fn opening(app: &App, staff: &Staff, round: &Round) -> Result<Option<Job>, PageError> {
    if !matches!(round.state, RoundState::Draft | RoundState::Opening) {
        return Ok(None);
    }
    let jobs = app.store().jobs(&staff.municipality.id, Some("open_round"), 20).await?;
    Ok(jobs.into_iter().find(|job| job.arguments.get("round").and_then(|r| r.as_str()) == Some(round.id.as_str())))
}

/// The last wave that asked for answers; thanks and the like are none.
fn last_wave(counts: &[store::outbox::MailCount]) -> Option<i64> {
    counts.iter().map(|count| count.wave).filter(|wave| *wave <= 3).max()
}

/// What a message is, in words, by its wave.
pub(crate) fn wave_name(app: &App, language: Language, wave: i64) -> String {
    match MessageKind::of_wave(wave).filter(|kind| !kind.asks()) {
        Some(kind) => app.t(language, &format!("sending.kind_{}", kind.as_str()), &[]),
        None => app.t(language, &format!("console.wave_{}", wave.clamp(0, 3)), &[]),
    }
}

/// The wave after the last one queued; there are three reminders.
fn next_wave(last: Option<i64>) -> Option<i64> {
    match last {
        Some(wave @ 0..=2) => Some(wave + 1),
        Some(_) => None,
        None => Some(1),
    }
}

pub(crate) fn info(app: &App, language: Language, staff: &Staff, round: &Round) -> RoundInfo {
    RoundInfo {
        href: format!("/{}/console/rounds/{}", staff.municipality.slug, round.id),
        title: round.title.clone(),
        year: round.year,
        state: round.state.as_str(),
        state_text: app.t(language, &format!("console.state_{}", round.state.as_str()), &[]),
        opens_on: round.opens_on.clone(),
        closes_on: round.closes_on.clone(),
        threshold: round.threshold,
        paused: round.paused_at.is_some(),
        pause_reason: pause_reason(app, language, round.pause_key.as_deref(), round.pause_reason.as_deref()),
        closed_at: round.closed_at.map(|at| at.0),
    }
}

/// Why no mail goes out at all, if it does not.
async fn all_paused(app: &App, language: Language) -> Result<Option<Vec<String>>, PageError> {
    let switch = app.store().mail_switch().await?;
    Ok(switch.paused_at.map(|_| {
        let known =
            switch.pause_key.as_deref().map(|key| app.t(language, key, &[("words", switch.words.as_str().into())]));
        known.into_iter().chain(Some(switch.words).filter(|words| !words.is_empty())).collect()
    }))
}

/// Why sending is paused, in the reader's language: a known reason with the mail server's words, or what a person wrote.
fn pause_reason(app: &App, language: Language, key: Option<&str>, words: Option<&str>) -> Option<String> {
    match key {
        Some(key) => Some(app.t(language, key, &[("words", words.unwrap_or_default().into())])),
        None => words.filter(|words| !words.is_empty()).map(str::to_owned),
    }
}

async fn frame_of(app: &App, staff: &Staff, year: i32) -> Result<Option<FrameSummary>, PageError> {
    Ok(app.store().frames(&staff.municipality.id).await?.into_iter().find(|f| f.year == year))
}

const fn frame_info(frame: &FrameSummary) -> FrameInfo {
    FrameInfo { units: frame.units, contactable: frame.contactable, protected: frame.protected }
}

/// Sectors in their own order; one that the grouping does not know any more comes last.
fn sector_rows(monitor: &Monitor, titles: &[(String, String)]) -> Vec<Row> {
    let mut sums: BTreeMap<(usize, &str), MonitorCounts> = BTreeMap::new();
    for cell in &monitor.cells {
        let place = titles.iter().position(|(key, _)| *key == cell.sector).unwrap_or(titles.len());
        sums.entry((place, cell.sector.as_str())).or_default().add(&cell.counts);
    }
    let row = |((_, key), counts): ((usize, &str), MonitorCounts)| Row {
        title: titled(titles, key).to_owned(),
        counts: Counts::of(&counts),
        thin: answered(&counts) < THIN,
    };
    sums.into_iter().map(row).collect()
}

fn matrix(monitor: &Monitor, sectors: &[(String, String)], sizes: &[(String, String)]) -> Vec<MatrixRow> {
    let cell = |sector: &str, size: &str| {
        let found = monitor.cells.iter().find(|c| c.sector == sector && c.size == size && c.counts.frame > 0)?;
        let n = answered(&found.counts);
        Some(MatrixCell { answered: n, frame: found.counts.frame, rate: share(n, found.counts.frame) })
    };
    sectors
        .iter()
        .map(|(key, title)| MatrixRow {
            title: title.clone(),
            cells: sizes.iter().map(|(size, _)| cell(key, size)).collect(),
        })
        .filter(|row| row.cells.iter().any(Option::is_some))
        .collect()
}

fn wave_rows(app: &App, language: Language, counts: &[store::outbox::MailCount]) -> Vec<Wave> {
    let mut waves: BTreeMap<i64, Wave> = BTreeMap::new();
    for count in counts {
        let wave = waves.entry(count.wave).or_insert_with(|| Wave {
            name: wave_name(app, language, count.wave),
            sent: 0,
            waiting: 0,
            failed: 0,
            uncertain: 0,
            cancelled: 0,
            expired: 0,
        });
        *match count.state {
            MailState::Sent => &mut wave.sent,
            MailState::Failed => &mut wave.failed,
            MailState::Uncertain => &mut wave.uncertain,
            MailState::Cancelled => &mut wave.cancelled,
            MailState::Expired => &mut wave.expired,
            MailState::Pending | MailState::Claimed | MailState::Sending | MailState::Deferred => &mut wave.waiting,
        } += count.messages;
    }
    waves.into_values().collect()
}

#[derive(Deserialize)]
struct DatesForm {
    #[serde(default)]
    opens_on: String,
    #[serde(default)]
    closes_on: String,
}

async fn set_dates(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
    Form(form): Form<DatesForm>,
) -> Result<Response, PageError> {
    let mut faults = BTreeMap::new();
    let (opens, closes) = read_dates(&form.opens_on, &form.closes_on, today(&app, &staff), &mut faults);
    if !faults.is_empty() {
        let round = app.store().round(&staff.municipality.id, &RoundId(round)).await?;
        let dates = Dates {
            opens_fault: faults.get("opens_on").copied(),
            closes_fault: faults.get("closes_on").copied(),
            opens_on: form.opens_on,
            closes_on: form.closes_on,
        };
        return shown(&app, &visit, &staff, &round, Note::None, dates).await;
    }
    let round = RoundId(round);
    app.store().set_round_dates(&staff.municipality.id, &round, opens.as_deref(), closes.as_deref(), app.now()).await?;
    staff.did(&app, "round.dates_set", round.as_str(), closes.as_deref().unwrap_or_default()).await?;
    Ok(to_round(&staff, &round, "dates"))
}

/// What is about to be done and cannot be undone.
#[derive(Debug, Serialize)]
pub struct ConfirmPage {
    /// Navigation.
    pub bar: Bar,
    /// The round.
    pub round: RoundInfo,
    /// `open`, `reminder`, `close`.
    pub what: &'static str,
    /// The year's frame.
    pub frame: Option<FrameInfo>,
    /// How many it concerns.
    pub n: u64,
    /// The wave of a reminder, as the form sends it back.
    pub wave: Option<i64>,
    /// Why it cannot be done: key of a message.
    pub obstacle: Option<&'static str>,
}

impl Page for ConfirmPage {
    const TEMPLATE: &'static str = "console/confirm.html";

    fn samples() -> Vec<Self> {
        let mut pages = Vec::new();
        for (what, obstacle) in
            [("open", None), ("reminder", None), ("close", None), ("open", Some("console.obstacle_frame"))]
        {
            let Some(RoundPage { bar, round, .. }) = RoundPage::samples().into_iter().next() else { continue };
            let frame = obstacle.is_none().then_some(FrameInfo { units: 2480, contactable: 1900, protected: 210 });
            pages.push(Self { bar, round, what, frame, n: 3, wave: (what == "reminder").then_some(1), obstacle });
        }
        pages
    }
}

async fn confirm_open(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let round = app.store().round(&staff.municipality.id, &RoundId(round)).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let frame = frame_of(&app, &staff, round.year).await?;
    let page = ConfirmPage {
        bar: staff.bar("home"),
        round: info(&app, view.language(), &staff, &round),
        what: "open",
        n: frame.as_ref().map_or(0, |f| f.contactable),
        obstacle: obstacle(&staff, &round, frame.as_ref(), today(&app, &staff)),
        frame: frame.as_ref().map(frame_info),
        wave: None,
    };
    view.render(&page)
}

/// Why a round cannot be opened now: key of a message.
fn obstacle(staff: &Staff, round: &Round, frame: Option<&FrameSummary>, today: Date) -> Option<&'static str> {
    let closes: Option<Date> = round.closes_on.as_deref().and_then(|d| d.parse().ok());
    match (round.state, frame, closes) {
        (RoundState::Open | RoundState::Closed, ..) => Some("console.obstacle_state"),
        (_, None, _) => Some("console.obstacle_frame"),
        (.., None) => Some("console.obstacle_no_end"),
        (.., Some(date)) if date < today => Some("console.obstacle_past"),
        (_, Some(frame), _) if frame.contactable > 0 && staff.municipality.settings.sender_email.is_empty() => {
            Some("console.obstacle_sender")
        }
        _ => None,
    }
}

async fn open(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let round = app.store().round(&staff.municipality.id, &RoundId(round)).await?;
    let frame = frame_of(&app, &staff, round.year).await?;
    if obstacle(&staff, &round, frame.as_ref(), today(&app, &staff)).is_some() {
        return Err(PageError::Conflict);
    }
    let running = opening(&app, &staff, &round)
        .await?
        .is_some_and(|job| matches!(job.state, JobState::Queued | JobState::Running));
    if !running {
        let arguments = serde_json::json!({ "round": round.id });
        app.store().enqueue_job(&staff.municipality.id, "open_round", &arguments, &[], app.now()).await?;
        staff.did(&app, "round.opened", round.id.as_str(), &round.year.to_string()).await?;
    }
    Ok(Redirect::to(&format!("/{}/console/rounds/{}", staff.municipality.slug, round.id)).into_response())
}

#[derive(Deserialize)]
struct PauseForm {
    #[serde(default)]
    reason: String,
}

async fn pause(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
    Form(form): Form<PauseForm>,
) -> Result<Response, PageError> {
    let round = RoundId(round);
    let reason: String = form.reason.trim().chars().take(200).collect();
    app.store().pause_mail(&staff.municipality.id, &round, &reason, app.now()).await?;
    staff.did(&app, "round.paused", round.as_str(), "").await?;
    Ok(to_round(&staff, &round, "paused"))
}

async fn resume(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let round = RoundId(round);
    app.store().resume_mail(&staff.municipality.id, &round, app.now()).await?;
    staff.did(&app, "round.resumed", round.as_str(), "").await?;
    Ok(to_round(&staff, &round, "resumed"))
}

/// Lets all mail go on, after a person has looked.
async fn resume_all(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let round = RoundId(round);
    app.store().resume_all_mail(app.now()).await?;
    staff.did(&app, "round.resumed", round.as_str(), "").await?;
    Ok(to_round(&staff, &round, "resumed"))
}

/// The next wave of an open round.
async fn wave_of(app: &App, staff: &Staff, round: &Round) -> Result<Option<i64>, PageError> {
    let counts = app.store().mail_counts(&staff.municipality.id, &round.id).await?;
    Ok((round.state == RoundState::Open).then(|| next_wave(last_wave(&counts))).flatten())
}

async fn confirm_reminder(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let round = app.store().round(id, &RoundId(round)).await?;
    let wave = wave_of(&app, &staff, &round).await?;
    let total = app.store().monitor(id, &round.id).await?.total;
    let view = app.view(&visit).of(&staff.municipality);
    let missing = total.sent.saturating_sub(total.complete).saturating_sub(total.opted_out);
    let page = ConfirmPage {
        bar: staff.bar("home"),
        round: info(&app, view.language(), &staff, &round),
        what: "reminder",
        frame: None,
        n: missing,
        wave,
        obstacle: wave.is_none().then_some("console.obstacle_reminder"),
    };
    view.render(&page)
}

#[derive(Deserialize)]
struct ReminderForm {
    wave: i64,
}

async fn remind(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
    Form(form): Form<ReminderForm>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let round = app.store().round(id, &RoundId(round)).await?;
    // A form sent twice must not become the next wave.
    if wave_of(&app, &staff, &round).await? != Some(form.wave) {
        return Err(PageError::Conflict);
    }
    let domain = app.settings().host();
    let queued = app.store().queue_reminder(id, &round.id, form.wave, domain, app.now()).await?;
    staff.did(&app, "round.reminded", round.id.as_str(), &format!("{}: {queued}", form.wave)).await?;
    Ok(to_round(&staff, &round.id, "reminded"))
}

async fn confirm_close(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let round = app.store().round(id, &RoundId(round)).await?;
    let total = app.store().monitor(id, &round.id).await?.total;
    let view = app.view(&visit).of(&staff.municipality);
    let page = ConfirmPage {
        bar: staff.bar("home"),
        round: info(&app, view.language(), &staff, &round),
        what: "close",
        frame: None,
        n: answered(&total),
        wave: None,
        obstacle: (round.state != RoundState::Open).then_some("console.obstacle_state"),
    };
    view.render(&page)
}

async fn close(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let round = RoundId(round);
    app.store().close_round(&staff.municipality.id, &round, app.now()).await?;
    staff.did(&app, "round.closed", round.as_str(), "").await?;
    Ok(to_round(&staff, &round, "closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(closes_on: &str) -> PlanForm {
        PlanForm { year: "2026".into(), threshold: "5".into(), closes_on: closes_on.into(), ..PlanForm::default() }
    }

    #[test]
    fn a_plan_needs_a_year_an_end_to_come_and_a_threshold_of_five() {
        let today = jiff::civil::date(2026, 9, 1);
        let (year, plan) = form("2026-10-01").read(today, 5).unwrap();
        assert_eq!((year, plan.title.as_str(), plan.closes_on.as_deref()), (2026, "", Some("2026-10-01")));
        let fault = |form: PlanForm| form.read(today, 5).unwrap_err().into_iter().collect::<Vec<_>>();
        assert_eq!(fault(form("")), [("closes_on", "console.fault_no_end")]);
        assert_eq!(fault(form("2026-08-31")), [("closes_on", "console.fault_past")]);
        assert_eq!(fault(form("1/10")), [("closes_on", "console.fault_date")]);
        assert_eq!(
            fault(PlanForm { opens_on: "2026-10-02".into(), ..form("2026-10-01") }),
            [("closes_on", "console.fault_order")]
        );
        assert_eq!(
            fault(PlanForm { threshold: "4".into(), ..form("2026-10-01") }),
            [("threshold", "console.fault_threshold")]
        );
        assert_eq!(fault(PlanForm { year: "26".into(), ..form("2026-10-01") }), [("year", "console.fault_year")]);
    }

    #[test]
    fn there_are_three_reminders() {
        let count = |wave| store::outbox::MailCount { wave, state: MailState::Sent, messages: 1 };
        assert_eq!(last_wave(&[count(0), count(1), count(5), count(6)]), Some(1), "notices are no reminders");
        assert_eq!(
            [None, Some(0), Some(1), Some(2), Some(3)].map(next_wave),
            [Some(1), Some(1), Some(2), Some(3), None]
        );
        let host = |url: &str| crate::Settings { public_url: url.to_owned(), catcher: false }.host().to_owned();
        assert_eq!(host("https://svar.kommune.dk/erhverv"), "svar.kommune.dk");
        assert_eq!(host("http://127.0.0.1:8080"), "127.0.0.1");
    }
}
