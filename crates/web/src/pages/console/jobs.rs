//! Work in the background: how far it is, what came out, and the files it left.
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use domain::eligibility::Eligibility;
use domain::fieldwork::Role;
use domain::ids::JobId;
use domain::language::Language;
use intake::frame::{Field, Summary};
use serde::{Deserialize, Serialize};
use store::frames::FrameChange;
use store::jobs::{Job, JobState};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::{sectors, sizes, titled};
use crate::pages::signin::{Analyst, Bar, Staff};
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
    /// What an import did.
    pub import: Option<ImportResult>,
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

/// What an import did, in words.
#[derive(Debug, Serialize)]
pub struct ImportResult {
    /// Data rows of the file.
    pub rows: u64,
    /// Rows that belong to the frame.
    pub taken: u64,
    /// The same file was the frame already.
    pub unchanged_file: bool,
    /// Against the year before.
    pub change: Option<ImportChange>,
    /// Rows left out, by reason.
    pub left_out: Vec<Counted>,
    /// What to know of rows taken.
    pub notes: Vec<Counted>,
    /// Rows taken per sector.
    pub sectors: Vec<Counted>,
    /// Rows taken per size class.
    pub sizes: Vec<Counted>,
    /// Headings that were tied to no field.
    pub unused: Vec<String>,
    /// Fields that no column holds.
    pub absent: Vec<String>,
    /// Of these the one that says whom not to approach.
    pub nobody_protected: bool,
}

/// A frame against an earlier one.
#[derive(Debug, Serialize)]
pub struct ImportChange {
    /// The earlier year.
    pub year: i32,
    /// Units it did not have.
    pub new: u64,
    /// Its units that are gone.
    pub closed: u64,
    /// Units that changed.
    pub changed: u64,
    /// Units as they were.
    pub unchanged: u64,
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
        let counted = || vec![Counted { name: "Handel".to_owned(), n: 511 }];
        let change = ImportChange { year: 2025, new: 1, closed: 2, changed: 3, unchanged: 4 };
        let import = ImportResult {
            rows: 10,
            taken: 9,
            unchanged_file: true,
            change: Some(change),
            left_out: counted(),
            notes: counted(),
            sectors: counted(),
            sizes: counted(),
            unused: vec!["Bemærkning".to_owned()],
            absent: vec!["Telefon".to_owned()],
            nobody_protected: true,
        };
        let bare = ImportResult {
            rows: 0,
            taken: 0,
            unchanged_file: false,
            change: None,
            left_out: Vec::new(),
            notes: Vec::new(),
            sectors: Vec::new(),
            sizes: Vec::new(),
            unused: Vec::new(),
            absent: Vec::new(),
            nobody_protected: false,
        };
        let page = |state, import, error: Option<&str>, href: Option<&str>| Self {
            bar: Bar::sample(true),
            job: JobLine { state, ..JobLine::sample() },
            done: 3,
            total: if state == "running" { 10 } else { 0 },
            error: error.map(str::to_owned),
            import,
            result_href: href.map(str::to_owned),
            file: href.map(str::to_owned),
            papers: href.map(|href| PaperLink { href: href.to_owned(), name: PAPERS[0].1 }).into_iter().collect(),
        };
        vec![
            page("done", Some(import), None, Some("/x")),
            page("done", Some(bare), None, None),
            page("running", None, None, None),
            page("queued", None, None, None),
            page("failed", None, Some("Filen kan ikke læses."), None),
        ]
    }
}

#[derive(Deserialize)]
struct Imported {
    summary: Summary,
    change: FrameChange,
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
        "publish" if is_done => result("publication").map(|id| format!("/{slug}/committee/{id}")),
        _ => None,
    };
    let file = match job.kind.as_str() {
        "import_frame" if is_done => Some("report.csv"),
        "comparison" if is_done => Some("comparison.pdf"),
        "letters" if is_done && result("file").is_some() => Some(LETTERS),
        _ => None,
    };
    let imported = match job.result.clone().filter(|_| job.kind == "import_frame") {
        Some(result) => Some(serde_json::from_value(result).map_err(PageError::internal)?),
        None => None,
    };
    let page = JobPage {
        bar: staff.bar(""),
        job: JobLine::of(&app, language, slug, &job),
        done: job.done,
        total: job.total,
        error: job.error.clone(),
        import: imported.map(|i| import_result(&app, &staff, language, i)),
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

fn import_result(app: &App, staff: &Staff, language: Language, imported: Imported) -> ImportResult {
    let Imported { summary, change } = imported;
    let titles = (sectors(&staff.municipality, language), sizes(&staff.municipality, language));
    let say = |key: &str, otherwise: &str| {
        let key = format!("console.{key}");
        if app.messages().contains(&key) { app.t(language, &key, &[]) } else { otherwise.to_owned() }
    };
    let outcome = |key: &str| -> String {
        if let Some(rule) = key.strip_prefix("not_eligible:")
            && let Some(exclusion) = Eligibility::shipped().exclusions().iter().find(|e| e.key == rule)
        {
            return exclusion.titles.get(language).to_owned();
        }
        let (kind, field) = key.split_once(':').map_or((key, None), |(kind, field)| (kind, Some(field)));
        let name = say(&format!("outcome_{kind}"), key);
        field.map_or_else(|| name.clone(), |field| format!("{name}: {}", say(&format!("field_{field}"), field)))
    };
    let counts = |map: std::collections::BTreeMap<String, u64>, name: &dyn Fn(&str) -> String| -> Vec<Counted> {
        map.into_iter().map(|(key, n)| Counted { name: name(&key), n }).collect()
    };
    let mut left_out = counts(summary.left_out, &outcome);
    left_out.sort_by_key(|c| std::cmp::Reverse(c.n));
    let note = |note: intake::frame::Note| {
        let key = serde_json::to_value(note).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        say(&format!("note_{key}"), &key)
    };
    ImportResult {
        rows: summary.rows,
        taken: summary.taken,
        unchanged_file: !change.replaced,
        change: change.compared_with.map(|year| ImportChange {
            year,
            new: change.new,
            closed: change.closed,
            changed: change.changed,
            unchanged: change.unchanged,
        }),
        left_out,
        notes: summary.notes.into_iter().map(|(n, count)| Counted { name: note(n), n: count }).collect(),
        sectors: in_order(&titles.0, &summary.sectors),
        sizes: in_order(&titles.1, &summary.sizes),
        unused: summary.unused_columns,
        nobody_protected: summary.absent.contains(&Field::Protected),
        absent: summary.absent.iter().map(|field| say(&format!("field_{}", field.key()), field.key())).collect(),
    }
}

/// Every title with its count, 0 where there is none, so that a dropped sector is seen.
fn in_order(titles: &[(String, String)], counts: &std::collections::BTreeMap<String, u64>) -> Vec<Counted> {
    let known =
        titles.iter().map(|(key, title)| Counted { name: title.clone(), n: counts.get(key).copied().unwrap_or(0) });
    let unknown = counts.iter().filter(|(key, _)| titles.iter().all(|(k, _)| k != *key));
    known.chain(unknown.map(|(key, n)| Counted { name: titled(titles, key).to_owned(), n: *n })).collect()
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
