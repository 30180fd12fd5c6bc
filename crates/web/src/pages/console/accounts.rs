//! Growth accounts: yearly register facts in, each row checked.
use std::io::Cursor;

use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::accounts::{Accounts, FactKind};
use domain::language::{Language, Texts};
use serde::Serialize;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::sectors;
use crate::pages::signin::{Analyst, Bar, Note, Staff};
use crate::pages::standing::{self, AccountsPart};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Largest file; a town's facts of twenty years are a few hundred kilobytes.
const LARGEST: usize = 4 << 20;
/// Faults shown on the page.
const SHOWN: usize = 100;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/accounts", routing::get(show).post(upload))
        .route("/{slug}/console/accounts/example.csv", routing::get(example))
        .layer(DefaultBodyLimit::max(LARGEST + 4096))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<AccountsPage>(site)
}

/// `GET /{slug}/console/accounts`
#[derive(Debug, Serialize)]
pub struct AccountsPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// What is there, as the committee will read it.
    pub accounts: Option<AccountsPart>,
    /// The facts that have a name of their own.
    pub known: Vec<KnownFact>,
    /// What is wrong with the file as a whole.
    pub refused: Option<String>,
    /// What is wrong with which row.
    pub problems: Vec<ProblemLine>,
    /// There are more than are shown.
    pub more: usize,
}

/// A fact that can be imported.
#[derive(Debug, Serialize)]
pub struct KnownFact {
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// It may be given by sector.
    pub by_sector: bool,
}

/// A faulty row.
#[derive(Debug, Serialize)]
pub struct ProblemLine {
    /// Line in the file.
    pub line: u64,
    /// What is wrong.
    pub text: String,
}

impl Page for AccountsPage {
    const TEMPLATE: &'static str = "console/accounts.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            note: if full { Note::Saved.key() } else { None },
            accounts: full.then(AccountsPart::sample),
            known: [true, false]
                .map(|by_sector| KnownFact { key: "jobs".to_owned(), title: "Job".to_owned(), by_sector })
                .into(),
            refused: full.then(|| "f.csv: is empty".to_owned()),
            problems: if full {
                vec![ProblemLine { line: 3, text: "Kolonnen kilde er tom.".to_owned() }]
            } else {
                Vec::new()
            },
            more: usize::from(full),
        };
        vec![page(true), page(false)]
    }
}

async fn page(
    app: &App,
    staff: &Staff,
    language: Language,
    note: Option<&'static str>,
) -> Result<AccountsPage, PageError> {
    let municipality = &staff.municipality;
    let threshold = municipality.settings.threshold.max(5);
    let accounts = Accounts::of(&app.store().facts(&municipality.id).await?, threshold);
    let known = |k: &FactKind| KnownFact {
        key: k.key.clone(),
        title: k.title.get(language).to_owned(),
        by_sector: k.by_sector,
    };
    Ok(AccountsPage {
        bar: staff.bar("plans"),
        note,
        accounts: standing::accounts(app.messages(), language, &accounts, &sectors(municipality, language)),
        known: FactKind::shipped().iter().map(known).collect(),
        refused: None,
        problems: Vec::new(),
        more: 0,
    })
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    note: Note,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let page = page(&app, &staff, view.language(), note.key()).await?;
    view.render(&page)
}

/// The sectors of a municipality with their titles in every language.
fn sector_titles(staff: &Staff) -> Vec<(String, Texts)> {
    let grouping = staff.municipality.settings.sectors();
    grouping.map(|g| g.sectors().iter().map(|s| (s.key.clone(), s.titles.clone())).collect()).unwrap_or_default()
}

async fn upload(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    mut form: Multipart,
) -> Result<Response, PageError> {
    let too_large = |e: axum::extract::multipart::MultipartError| {
        if e.status() == StatusCode::PAYLOAD_TOO_LARGE { PageError::TooLarge } else { PageError::BadRequest }
    };
    let (mut name, mut bytes) = (String::from("file"), Vec::new());
    while let Some(field) = form.next_field().await.map_err(too_large)? {
        if field.name() == Some("file") {
            name = field.file_name().unwrap_or("file").chars().filter(|c| !c.is_control()).take(120).collect();
            bytes = field.bytes().await.map_err(too_large)?.to_vec();
        }
    }
    let sectors = sector_titles(&staff);
    let file = name.clone();
    let read = tokio::task::spawn_blocking(move || intake::facts::read(&file, Cursor::new(bytes), &sectors))
        .await
        .map_err(PageError::internal)?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let (facts, refused) = match read {
        Ok(facts) if facts.problems.is_empty() && !facts.rows.is_empty() => {
            app.store().save_facts(&staff.municipality.id, &facts.rows, app.now()).await?;
            staff.did(&app, "facts.imported", "", &format!("{name}: {}", facts.rows.len())).await?;
            return Ok(
                Redirect::to(&format!("/{}/console/accounts?note=saved", staff.municipality.slug)).into_response()
            );
        }
        Ok(facts) if facts.problems.is_empty() => (facts, Some(app.t(language, "growth.empty_file", &[]))),
        Ok(facts) => (facts, None),
        Err(error) => (intake::facts::Facts::default(), Some(error.to_string())),
    };
    let mut page = page(&app, &staff, language, None).await?;
    page.refused = refused;
    page.more = facts.problems.len().saturating_sub(SHOWN);
    page.problems =
        facts.problems.iter().take(SHOWN).map(|p| ProblemLine { line: p.line, text: p.fault.text(language) }).collect();
    view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page)
}

/// A file to begin with: every known fact once, for last year.
async fn example(State(app): State<App>, visit: Visit, Analyst(staff): Analyst) -> Result<Response, PageError> {
    let language = app.view(&visit).of(&staff.municipality).language();
    let mut csv = String::from("\u{feff}year;fact;sector;value;source;unit\r\n");
    let first = sectors(&staff.municipality, language).into_iter().next().map(|(key, _)| key).unwrap_or_default();
    for kind in FactKind::shipped() {
        csv.push_str(&format!("2025;{};;0;;\r\n", kind.key));
        if kind.by_sector {
            csv.push_str(&format!("2025;{};{first};0;;\r\n", kind.key));
        }
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"growth-accounts.csv\""),
    ];
    Ok((headers, csv).into_response())
}
