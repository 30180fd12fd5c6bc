//! Work in the background: how far it is, what came out, and the files it left.
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use domain::eligibility::Eligibility;
use domain::fieldwork::Role;
use domain::ids::JobId;
use domain::language::Language;
use intake::frame::Field;
use serde::Serialize;
use store::jobs::{Job, JobState};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Files that staff may fetch; what a job was given is not handed out again.
const FILES: [&str; 10] = [
    "report.csv",
    "report.pdf",
    "status.pdf",
    "workbook.xlsx",
    "agenda.docx",
    "agenda.txt",
    "package.zip",
    "comparison.pdf",
    LETTERS,
    LETTERS_LIST,
];
/// Letters hold personal links: only an administrator fetches them.
const LETTERS: &str = "letters.pdf";
/// The same as a table.
const LETTERS_LIST: &str = "letters.csv";

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/jobs/{job}", routing::get(show))
        .route("/{slug}/console/jobs/{job}/{file}", routing::get(fetch))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<JobPage>(site)
}

/// A job in a list.
#[derive(Debug, Serialize)]
pub struct JobLine {
    /// Its page.
    pub href: String,
    /// What it does, in words.
    pub title: String,
    /// `queued`, `running`, `done`, `failed`.
    pub state: &'static str,
    /// The state, in words.
    pub state_text: String,
    /// When it was queued, in milliseconds.
    pub at: i64,
}

impl JobLine {
    /// A line for the check at start.
    #[must_use]
    pub fn sample() -> Self {
        Self {
            href: "/hojager/console/jobs/1".to_owned(),
            title: "Indlæsning".to_owned(),
            state: "done",
            state_text: "færdig".to_owned(),
            at: 1_790_000_000_000,
        }
    }

    /// The line of a job.
    #[must_use]
    pub fn of(app: &App, language: Language, slug: &str, job: &Job) -> Self {
        let state = state(job.state);
        Self {
            href: format!("/{slug}/console/jobs/{}", job.id),
            title: title(app, language, job),
            state,
            state_text: app.t(language, &format!("console.job_{state}"), &[]),
            at: job.created_at.0,
        }
    }
}

const fn state(state: JobState) -> &'static str {
    match state {
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::Done => "done",
        JobState::Failed => "failed",
    }
}

fn title(app: &App, language: Language, job: &Job) -> String {
    let key = format!("console.job_kind_{}", job.kind);
    if app.messages().contains(&key) { app.t(language, &key, &[]) } else { job.kind.clone() }
}

/// `GET /{slug}/console/jobs/{job}`
#[derive(Debug, Serialize)]
pub struct JobPage {
    /// Navigation.
    pub bar: Bar,
    /// What it does and how far it is.
    pub job: JobLine,
    /// Steps done.
    pub done: u64,
    /// Steps in all; 0: unknown.
    pub total: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// Where its result is seen.
    pub result_href: Option<String>,
    /// A file it left.
    pub file: Option<String>,
    /// The papers of a publication, where it made them.
    pub papers: Vec<PaperLink>,
}

/// A paper of a publication that can be fetched.
#[derive(Debug, Clone, Serialize)]
pub struct PaperLink {
    /// Where.
    pub href: String,
    /// Key of its name: `papers.file_…`.
    pub name: &'static str,
}

/// The papers that a job of the kind `report` leaves, each with the key of its name.
pub(crate) const PAPERS: [(&str, &str); 6] = [
    ("report.pdf", "papers.file_report"),
    ("status.pdf", "papers.file_status"),
    ("workbook.xlsx", "papers.file_workbook"),
    ("agenda.docx", "papers.file_agenda"),
    ("agenda.txt", "papers.file_agenda_text"),
    ("package.zip", "papers.file_package"),
];

/// Links to all papers that a job left; one run before they were made together left the report alone.
pub(crate) fn paper_links(slug: &str, job: &Job) -> Vec<PaperLink> {
    let has = |name: &str| name == "report.pdf" || job.result.as_ref().is_some_and(|r| r.get("papers").is_some());
    let papers = PAPERS.into_iter().filter(|(file, _)| has(file));
    papers.map(|(file, name)| PaperLink { href: format!("/{slug}/console/jobs/{}/{file}", job.id), name }).collect()
}

/// A count with its name.
#[derive(Debug, Serialize)]
pub struct Counted {
    /// Name.
    pub name: String,
    /// Count.
    pub n: u64,
}

impl Page for JobPage {
    const TEMPLATE: &'static str = "console/job.html";

    fn samples() -> Vec<Self> {
        let page = |state, error: Option<&str>, href: Option<&str>| Self {
            bar: Bar::sample(true),
            job: JobLine { state, ..JobLine::sample() },
            done: 3,
            total: if state == "running" { 10 } else { 0 },
            error: error.map(str::to_owned),
            result_href: href.map(str::to_owned),
            file: href.map(str::to_owned),
            papers: href.map(|href| PaperLink { href: href.to_owned(), name: PAPERS[0].1 }).into_iter().collect(),
        };
        vec![
            page("done", None, Some("/x")),
            page("done", None, None),
            page("running", None, None),
            page("queued", None, None),
            page("failed", Some("Filen kan ikke læses."), None),
        ]
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, job)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let job = app.store().job(&staff.municipality.id, &JobId(job)).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let slug = &staff.municipality.slug;
    let argument = |name: &str| job.arguments.get(name).and_then(|v| v.as_str());
    let result = |name: &str| job.result.as_ref().and_then(|r| r.get(name)).and_then(|v| v.as_str());
    let is_done = job.state == JobState::Done;
    let result_href = match job.kind.as_str() {
        "open_round" | "letters" => argument("round").map(|id| format!("/{slug}/console/rounds/{id}")),
        "draft" if is_done => {
            let year = job.result.as_ref().and_then(|r| r.get("year")).and_then(serde_json::Value::as_i64);
            year.map(|year| format!("/{slug}/console/publications/drafts/{year}"))
        }
        "read_frame" => argument("upload").map(|id| format!("/{slug}/console/frames/uploads/{id}")),
        "regroup_frames" => Some(format!("/{slug}/console/frames/sectors")),
        "publish" if is_done => result("publication").map(|id| format!("/{slug}/committee/{id}")),
        _ => None,
    };
    let file = match job.kind.as_str() {
        "import_frame" | "read_frame" if is_done => Some("report.csv"),
        "comparison" if is_done => Some("comparison.pdf"),
        "letters" if is_done && result("file").is_some() => Some(LETTERS),
        _ => None,
    };
    let page = JobPage {
        bar: staff.bar(""),
        job: JobLine::of(&app, language, slug, &job),
        done: job.done,
        total: job.total,
        error: job.error.clone(),
        result_href,
        file: file.map(|name| format!("/{slug}/console/jobs/{}/{name}", job.id)),
        papers: if job.kind == "report" && is_done { paper_links(slug, &job) } else { Vec::new() },
    };
    let mut response = view.render(&page)?;
    if matches!(job.state, JobState::Queued | JobState::Running) {
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("3"));
    }
    Ok(response)
}

/// A word of the console, or what stands for it where there is none.
fn say(app: &App, language: Language, key: &str, otherwise: &str) -> String {
    let key = format!("console.{key}");
    if app.messages().contains(&key) { app.t(language, &key, &[]) } else { otherwise.to_owned() }
}

/// What a field of an extract is called.
pub(crate) fn field_name(app: &App, language: Language, field: Field) -> String {
    say(app, language, &format!("field_{}", field.key()), field.key())
}

/// What a note on a row is called.
pub(crate) fn note_name(app: &App, language: Language, note: intake::frame::Note) -> String {
    let key = serde_json::to_value(note).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    say(app, language, &format!("note_{key}"), &key)
}

/// What the reason is called for which rows are left out.
pub(crate) fn outcome_name(app: &App, language: Language, key: &str) -> String {
    if let Some(rule) = key.strip_prefix("not_eligible:")
        && let Some(exclusion) = Eligibility::shipped().exclusions().iter().find(|e| e.key == rule)
    {
        return exclusion.titles.get(language).to_owned();
    }
    let (kind, field) = key.split_once(':').map_or((key, None), |(kind, field)| (kind, Some(field)));
    let name = say(app, language, &format!("outcome_{kind}"), key);
    field.map_or_else(
        || name.clone(),
        |field| format!("{name}: {}", say(app, language, &format!("field_{field}"), field)),
    )
}

async fn fetch(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, job, file)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let name = FILES.into_iter().find(|name| *name == file).ok_or(PageError::NotFound)?;
    if matches!(name, LETTERS | LETTERS_LIST) && staff.user.role != Role::Administrator {
        return Err(PageError::NotFound);
    }
    let found = app.store().job_file(&staff.municipality.id, &JobId(job.clone()), name).await?;
    staff.did(&app, "job.file_fetched", &job, name).await?;
    let headers = [
        (header::CONTENT_TYPE, found.media_type),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, found.bytes).into_response())
}
