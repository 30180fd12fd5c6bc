//! Closed cases: a file in, what was asked and what was held back, and what businesses say about it by quarter.
use std::collections::BTreeMap;
use std::io::Cursor;

use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::cases::{
    ANSWER_DAYS, ClosedCase, MEASURES, OLDEST_DAYS, Outcome, Quarter, REMINDER_DAYS, authorities, form,
};
use domain::language::Language;
use domain::municipality::Municipality;
use intake::IntakeError;
use intake::cases::Cases;
use serde::{Deserialize, Serialize};
use store::cases::{CaseCounts, CaseDelivery, Taken};
use store::{Store, StoreError};
use text::{EngineError, format};

use crate::app::App;
use crate::cases::{SeriesPart, console_part, quarter_name};
use crate::error::PageError;
use crate::pages::console::day;
use crate::pages::respondent::mail_domain;
use crate::pages::signin::{Analyst, Bar, Note, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Largest file; a year's cases of a large municipality are a megabyte.
const LARGEST: usize = 4 << 20;
/// Rows of a report shown on the page.
const SHOWN: usize = 200;
/// Quarters of the table of arrivals.
const QUARTERS: usize = 8;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/cases", routing::get(show).post(upload))
        .route("/{slug}/console/cases/example.csv", routing::get(example))
        .route("/{slug}/console/cases/resume", routing::post(resume))
        .layer(DefaultBodyLimit::max(LARGEST + 4096))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<CasesPage>(site)
}

/// `GET /{slug}/console/cases`
#[derive(Debug, Serialize)]
pub struct CasesPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// There is an extract in which businesses are found.
    pub has_frame: bool,
    /// What is wrong with the file as a whole.
    pub refused: Option<String>,
    /// What became of a file.
    pub report: Option<FileReport>,
    /// Rules, in days: how old a case may be, for answering, before the reminder.
    pub days: Days,
    /// Keys and titles of the authorities.
    pub authorities: Vec<Choice>,
    /// Deliveries that are being answered.
    pub running: Vec<RunningLine>,
    /// One of them stands still.
    pub is_paused: bool,
    /// By quarter, the latest first.
    pub arrived: Vec<ArrivedLine>,
    /// The figures.
    pub series: Option<SeriesPart>,
    /// What can be looked at.
    pub measures: Vec<Choice>,
}

/// The rules, in days.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Days {
    /// How old a case may be.
    pub oldest: i64,
    /// For answering.
    pub answer: i64,
    /// Before the reminder.
    pub reminder: i64,
}

/// A choice by key.
#[derive(Debug, Serialize)]
pub struct Choice {
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// It is the one shown.
    pub chosen: bool,
}

/// What became of a file.
#[derive(Debug, Serialize)]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// Cases were taken in; otherwise this was a trial.
    pub taken: bool,
    /// Cases that are new.
    pub new: u64,
    /// Cases that had arrived before.
    pub known: u64,
    /// New ones by outcome.
    pub outcomes: Vec<OutcomeLine>,
    /// Faulty fields.
    pub problems: Vec<ProblemLine>,
    /// More faulty fields than are shown.
    pub more: usize,
    /// Rows about which nobody is asked, or that differ from what arrived before.
    pub held: Vec<HeldLine>,
    /// More of these than are shown.
    pub more_held: usize,
}

/// Cases with one outcome.
#[derive(Debug, Serialize)]
pub struct OutcomeLine {
    /// Key.
    pub key: &'static str,
    /// Cases.
    pub n: u64,
}

/// A faulty field.
#[derive(Debug, Serialize)]
pub struct ProblemLine {
    /// Line in the file.
    pub line: u64,
    /// The field.
    pub field: &'static str,
    /// What is wrong.
    pub text: String,
}

/// A row about which nobody is asked.
#[derive(Debug, Serialize)]
pub struct HeldLine {
    /// Line in the file.
    pub line: u64,
    /// The case.
    pub case_id: String,
    /// Why: key of a message.
    pub why: String,
}

/// A delivery that is being answered.
#[derive(Debug, Serialize)]
pub struct RunningLine {
    /// Its day.
    pub day: String,
    /// Last day of answering.
    pub until: String,
    /// Its mail stands still.
    pub paused: bool,
}

/// A quarter's cases.
#[derive(Debug, Serialize)]
pub struct ArrivedLine {
    /// The quarter.
    pub quarter: String,
    /// Cases that arrived.
    pub arrived: u64,
    /// Asked about.
    pub asked: u64,
    /// Sent.
    pub sent: u64,
    /// Answered.
    pub answered: u64,
    /// Held back, by reason.
    pub held: Vec<OutcomeLine>,
    /// The day on which its figures are made; `None`: they are.
    pub settles_on: Option<String>,
}

impl Page for CasesPage {
    const TEMPLATE: &'static str = "console/cases.html";

    fn samples() -> Vec<Self> {
        let outcome = || OutcomeLine { key: "lately", n: 3 };
        let report = |full: bool| FileReport {
            file: "sager.csv".to_owned(),
            taken: full,
            new: 12,
            known: 2,
            outcomes: if full { vec![outcome()] } else { Vec::new() },
            problems: if full {
                vec![ProblemLine { line: 3, field: "myndighed", text: "Feltet er tomt.".to_owned() }]
            } else {
                Vec::new()
            },
            more: usize::from(full),
            held: if full {
                vec![HeldLine { line: 4, case_id: "26/17".to_owned(), why: "cases.outcome_lately".to_owned() }]
            } else {
                Vec::new()
            },
            more_held: usize::from(full),
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            note: if full { Note::Saved.key() } else { None },
            has_frame: full,
            refused: full.then(|| "f.csv: is empty".to_owned()),
            report: Some(report(full)),
            days: DAYS,
            authorities: vec![Choice { key: "building".to_owned(), title: "Byggesager".to_owned(), chosen: false }],
            running: if full {
                vec![RunningLine {
                    day: "23. november 2026".to_owned(),
                    until: "14. december 2026".to_owned(),
                    paused: true,
                }]
            } else {
                Vec::new()
            },
            is_paused: full,
            arrived: if full {
                let line = |settles_on: Option<&str>| ArrivedLine {
                    quarter: "4. kvt. 2026".to_owned(),
                    arrived: 40,
                    asked: 30,
                    sent: 29,
                    answered: 12,
                    held: vec![outcome()],
                    settles_on: settles_on.map(str::to_owned),
                };
                vec![line(Some("8. marts 2027")), line(None)]
            } else {
                Vec::new()
            },
            series: full.then(SeriesPart::sample),
            measures: vec![Choice { key: "nki".to_owned(), title: "Tilfredshedsindeks".to_owned(), chosen: true }],
        };
        vec![page(true), page(false), Self { report: None, ..page(false) }]
    }
}

const DAYS: Days = Days { oldest: OLDEST_DAYS, answer: ANSWER_DAYS, reminder: REMINDER_DAYS };

#[derive(Debug, Default, Deserialize)]
struct Shown {
    #[serde(default)]
    measure: String,
}

async fn page(
    app: &App,
    staff: &Staff,
    language: Language,
    note: Option<&'static str>,
    measure: &str,
) -> Result<CasesPage, PageError> {
    let municipality = &staff.municipality;
    let id = &municipality.id;
    let running = app.store().running_cases(id).await?;
    let series = console_part(app, municipality, language, measure).await?;
    let chosen = series.as_ref().map_or(MEASURES[0].key, |s| s.measure.as_str());
    let measures = MEASURES
        .iter()
        .map(|m| Choice {
            key: m.key.to_owned(),
            title: app.t(language, &format!("cases.measure_{}", m.key), &[]),
            chosen: m.key == chosen,
        })
        .collect();
    Ok(CasesPage {
        bar: staff.bar("cases"),
        note,
        has_frame: !app.store().frames(id).await?.is_empty(),
        refused: None,
        report: None,
        days: DAYS,
        authorities: authorities()
            .iter()
            .map(|(key, titles)| Choice { key: key.clone(), title: titles.get(language).to_owned(), chosen: false })
            .collect(),
        is_paused: running.iter().any(|r| r.paused_at.is_some()),
        running: running
            .iter()
            .map(|r| RunningLine {
                day: day(language, &r.opens_on),
                until: day(language, &r.closes_on),
                paused: r.paused_at.is_some(),
            })
            .collect(),
        arrived: arrived(app, municipality, language).await?,
        series,
        measures,
    })
}

async fn arrived(app: &App, municipality: &Municipality, language: Language) -> Result<Vec<ArrivedLine>, PageError> {
    let mut quarters: BTreeMap<Quarter, CaseCounts> = BTreeMap::new();
    for ((quarter, _), counts) in app.store().case_counts(&municipality.id).await? {
        quarters.entry(quarter).or_default().add(&counts);
    }
    let settled: Vec<Quarter> = app.store().case_sums(&municipality.id).await?.iter().map(|k| k.quarter).collect();
    let line = |(quarter, counts): (&Quarter, &CaseCounts)| ArrivedLine {
        quarter: quarter_name(app.messages(), language, *quarter),
        arrived: counts.arrived(),
        asked: counts.outcomes.get(&Outcome::Asked).copied().unwrap_or(0),
        sent: counts.sent,
        answered: counts.answered,
        held: outcome_lines(&counts.outcomes, false),
        settles_on: (!settled.contains(quarter)).then(|| format::date(language, quarter.settles_on())),
    };
    Ok(quarters.iter().rev().take(QUARTERS).map(line).collect())
}

fn outcome_lines(outcomes: &BTreeMap<Outcome, u64>, with_asked: bool) -> Vec<OutcomeLine> {
    let wanted = |o: &Outcome| with_asked || *o != Outcome::Asked;
    let line = |o: Outcome| outcomes.get(&o).map(|n| OutcomeLine { key: o.as_str(), n: *n });
    Outcome::ALL.into_iter().filter(wanted).filter_map(line).collect()
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(shown): Query<Shown>,
    note: Note,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let page = page(&app, &staff, view.language(), note.key(), &shown.measure).await?;
    view.render(&page)
}

/// A file with what is to be done with it.
struct Sent {
    name: String,
    bytes: Vec<u8>,
    /// Take it in and ask; otherwise only say what would happen.
    take: bool,
}

async fn received(mut form: Multipart) -> Result<Sent, PageError> {
    let too_large = |e: axum::extract::multipart::MultipartError| {
        if e.status() == StatusCode::PAYLOAD_TOO_LARGE { PageError::TooLarge } else { PageError::BadRequest }
    };
    let mut sent = Sent { name: "file".to_owned(), bytes: Vec::new(), take: false };
    while let Some(field) = form.next_field().await.map_err(too_large)? {
        match field.name() {
            Some("file") => {
                sent.name = field.file_name().unwrap_or("file").chars().filter(|c| !c.is_control()).take(120).collect();
                sent.bytes = field.bytes().await.map_err(too_large)?.to_vec();
            }
            Some("act") => sent.take = field.text().await.map_err(too_large)? == "take",
            _ => {}
        }
    }
    Ok(sent)
}

async fn upload(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    form: Multipart,
) -> Result<Response, PageError> {
    let sent = received(form).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let read = read(&app, &staff.municipality, &sent).await?;
    let done = match read {
        Ok(cases) => deliver(&app, &staff, &sent, &cases, language).await?,
        Err(error) => Err(error.to_string()),
    };
    let mut page = page(&app, &staff, language, None, "").await?;
    match done {
        Ok(report) => {
            let faulty = !report.problems.is_empty() && report.new + report.known == 0;
            page.report = Some(report);
            let status = if faulty { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
            view.status(status).render(&page)
        }
        Err(refused) => {
            page.refused = Some(refused);
            view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page)
        }
    }
}

/// The rows of a file.
async fn read(app: &App, municipality: &Municipality, sent: &Sent) -> Result<Result<Cases, IntakeError>, PageError> {
    let (name, bytes, country, keys) =
        (sent.name.clone(), sent.bytes.clone(), municipality.country, app.keys().clone());
    let today = app.now().date_in(&format::zone(&municipality.settings.time_zone));
    tokio::task::spawn_blocking(move || intake::cases::read(&name, Cursor::new(bytes), country, &keys, today))
        .await
        .map_err(PageError::internal)
}

/// Takes the cases in, or tries it; what became of each, or why the whole is refused.
async fn deliver(
    app: &App,
    staff: &Staff,
    sent: &Sent,
    cases: &Cases,
    language: Language,
) -> Result<Result<FileReport, String>, PageError> {
    if cases.rows.is_empty() && cases.problems.is_empty() {
        return Ok(Err(app.t(language, "cases.empty_file", &[])));
    }
    let municipality = &staff.municipality;
    let today = app.now().date_in(&format::zone(&municipality.settings.time_zone));
    let closed: Vec<ClosedCase> = cases.rows.iter().map(|row| row.case.clone()).collect();
    let form = form();
    let title = title(app, municipality, &today.to_string());
    let delivery = CaseDelivery {
        cases: &closed,
        form: &form,
        title: &title,
        today,
        keys: app.keys(),
        mail_domain: mail_domain(municipality),
        threshold: municipality.settings.threshold,
    };
    let taken = match hand_in(app.store(), municipality, &delivery, sent.take, app.now()).await {
        Ok(taken) => taken,
        Err(StoreError::State(_)) => return Ok(Err(app.t(language, "cases.no_frame", &[]))),
        Err(StoreError::RoundClosed) => return Ok(Err(app.t(language, "cases.day_closed", &[]))),
        Err(error) => return Err(error.into()),
    };
    let report = report(municipality, sent, cases, &taken, language);
    if sent.take {
        let said = format!("{}: {} new, {} known", sent.name, report.new, report.known);
        staff.did(app, "cases.imported", "", &said).await?;
    }
    Ok(Ok(report))
}

async fn hand_in(
    store: &Store,
    municipality: &Municipality,
    delivery: &CaseDelivery<'_>,
    take: bool,
    now: domain::time::Millis,
) -> Result<Vec<Taken>, StoreError> {
    if take {
        store.take_cases(&municipality.id, delivery, now).await
    } else {
        store.try_cases(&municipality.id, delivery, now).await
    }
}

/// The title of a day's round, in the municipality's language.
fn title(app: &App, municipality: &Municipality, today: &str) -> String {
    let language = municipality.settings.language;
    app.t(language, "cases.round_title", &[("date", day(language, today).into())])
}

fn report(municipality: &Municipality, sent: &Sent, cases: &Cases, taken: &[Taken], language: Language) -> FileReport {
    let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
    let (mut new, mut known) = (0, 0);
    let mut held = Vec::new();
    for (row, taken) in cases.rows.iter().zip(taken) {
        let why = match taken {
            Taken::New(outcome) => {
                new += 1;
                *outcomes.entry(*outcome).or_default() += 1;
                (*outcome != Outcome::Asked).then(|| format!("cases.outcome_{}", outcome.as_str()))
            }
            Taken::Known => {
                known += 1;
                None
            }
            Taken::Differs => {
                known += 1;
                Some("cases.differs".to_owned())
            }
        };
        held.extend(why.map(|why| HeldLine { line: row.line, case_id: row.case.case_id.clone(), why }));
    }
    let more_held = held.len().saturating_sub(SHOWN);
    held.truncate(SHOWN);
    FileReport {
        file: sent.name.clone(),
        taken: sent.take,
        new,
        known,
        outcomes: outcome_lines(&outcomes, true),
        problems: cases
            .problems
            .iter()
            .take(SHOWN)
            .map(|p| ProblemLine {
                line: p.line,
                field: p.field.title(language),
                text: p.fault.text(municipality.country, language),
            })
            .collect(),
        more: cases.problems.len().saturating_sub(SHOWN),
        held,
        more_held,
    }
}

async fn resume(State(app): State<App>, Analyst(staff): Analyst) -> Result<Response, PageError> {
    app.store().resume_cases(&staff.municipality.id, app.now()).await?;
    staff.did(&app, "mail.resumed", "", "cases").await?;
    Ok(Redirect::to(&format!("/{}/console/cases?note=saved", staff.municipality.slug)).into_response())
}

/// A file to begin with.
async fn example(State(app): State<App>, visit: Visit, Analyst(staff): Analyst) -> Result<Response, PageError> {
    let language = app.view(&visit).of(&staff.municipality).language();
    let heading = app.t(language, "cases.example_heading", &[]);
    let today = app.now().date_in(&format::zone(&staff.municipality.settings.time_zone));
    let mut csv = format!("\u{feff}{heading}\r\n");
    let number = match staff.municipality.country {
        domain::language::Country::Dk => "1003388394",
        domain::language::Country::Se => "19123456",
    };
    for ((_, titles), at) in authorities().iter().take(2).zip(1..) {
        csv.push_str(&format!("{}-{at:04};{number};{};{today}\r\n", today.year(), titles.get(language)));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"closed-cases.csv\""),
    ];
    Ok((headers, csv).into_response())
}
