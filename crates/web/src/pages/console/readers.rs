//! Personal links for readers from outside: made, seen in use, taken back.
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::ids::PublicationId;
use domain::language::Language;
use domain::time::Millis;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use store::readers::{NewReaderLink, ReaderLink};
use text::{EngineError, format};

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::people::HandOverPage;
use crate::pages::signin::{Analyst, Bar, Note, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Days for which a link is offered to be good.
const USUAL_DAYS: i64 = 180;
/// Days for which it may be good at most.
const MOST_DAYS: i64 = 2 * 366;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/readers", routing::get(list).post(make))
        .route("/{slug}/console/readers/{link}/revoke", routing::post(revoke))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ReadersPage>(site)
}

/// `GET /{slug}/console/readers`
#[derive(Debug, Serialize)]
pub struct ReadersPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The links.
    pub links: Vec<LinkLine>,
    /// Publications that a link may be narrowed to: id, title.
    pub publications: Vec<(String, String)>,
    /// What was filled in.
    pub form: ReaderForm,
    /// What is wrong with the name, in words.
    pub name_fault: Option<String>,
    /// What is wrong with the date, in words.
    pub until_fault: Option<String>,
}

/// A link in the list.
#[derive(Debug, Serialize)]
pub struct LinkLine {
    /// Id.
    pub id: String,
    /// For whom.
    pub name: String,
    /// `good`, `expired`, `revoked`.
    pub state: &'static str,
    /// What it shows; `None`: all publications.
    pub shows: Option<String>,
    /// Who made it.
    pub made_by: Option<String>,
    /// Until when.
    pub expires_at: i64,
    /// How often it was used.
    pub uses: u64,
    /// Last.
    pub last_at: Option<i64>,
}

/// What is filled in for a new link.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReaderForm {
    /// For whom.
    pub name: String,
    /// Until when, `yyyy-mm-dd`.
    pub until: String,
    /// The only publication; empty: all.
    pub publication: String,
}

impl Page for ReadersPage {
    const TEMPLATE: &'static str = "console/readers.html";

    fn samples() -> Vec<Self> {
        let line = |state: &'static str| LinkLine {
            id: "1".to_owned(),
            name: "Ole Friis".to_owned(),
            state,
            shows: (state == "good").then(|| "2026, udgave 1".to_owned()),
            made_by: (state == "good").then(|| "Mette Holm".to_owned()),
            expires_at: 1_790_000_000_000,
            uses: u64::from(state == "good"),
            last_at: (state == "good").then_some(1_790_000_000_000),
        };
        let full = Self {
            bar: Bar::sample(true),
            note: Some("accounts.flash_taken_back"),
            links: vec![line("good"), line("expired"), line("revoked")],
            publications: vec![("1".to_owned(), "2026, udgave 1".to_owned())],
            form: ReaderForm { publication: "1".to_owned(), ..ReaderForm::default() },
            name_fault: Some("Mangler.".to_owned()),
            until_fault: Some("Mangler.".to_owned()),
        };
        let empty = Self {
            bar: Bar::sample(false),
            note: None,
            links: Vec::new(),
            publications: Vec::new(),
            form: ReaderForm::default(),
            name_fault: None,
            until_fault: None,
        };
        vec![full, empty]
    }
}

fn one(app: &App, language: Language, year: i32, version: i64) -> String {
    app.t(language, "accounts.reader_one", &[("year", year.to_string().into()), ("version", version.into())])
}

async fn readers_page(app: &App, staff: &Staff, language: Language) -> Result<ReadersPage, PageError> {
    let (place, now) = (&staff.municipality.id, app.now());
    let line = |link: ReaderLink| LinkLine {
        state: match link.revoked_at {
            Some(_) => "revoked",
            None if link.expires_at <= now => "expired",
            None => "good",
        },
        id: link.id,
        name: link.name,
        shows: link.publication_of.map(|(year, version)| one(app, language, year, version)),
        made_by: link.made_by,
        expires_at: link.expires_at.0,
        uses: link.uses,
        last_at: link.last_used_at.map(|at| at.0),
    };
    let publications = app.store().publications(place).await?;
    let today = now.date_in(&format::zone(&staff.municipality.settings.time_zone));
    let until = today.saturating_add(jiff::Span::new().days(USUAL_DAYS)).to_string();
    Ok(ReadersPage {
        bar: staff.bar("readers"),
        note: None,
        links: app.store().reader_links(place).await?.into_iter().map(line).collect(),
        publications: publications.iter().map(|p| (p.id.0.clone(), one(app, language, p.year, p.version))).collect(),
        form: ReaderForm { until, ..ReaderForm::default() },
        name_fault: None,
        until_fault: None,
    })
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    note: Note,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let page = ReadersPage { note: note.key(), ..readers_page(&app, &staff, view.language()).await? };
    view.render(&page)
}

/// The end of the last day on which a link works; `None`: no day, past, or too far off.
fn end_of(until: &str, staff: &Staff, now: Millis) -> Option<Millis> {
    let zone = format::zone(&staff.municipality.settings.time_zone);
    let date: Date = until.trim().parse().ok()?;
    let end = date.tomorrow().ok()?.to_zoned(zone).ok()?.timestamp().as_millisecond();
    (end > now.0 && end <= now.plus_days(MOST_DAYS).0).then_some(Millis(end))
}

async fn make(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(form): Form<ReaderForm>,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let mut page = readers_page(&app, &staff, language).await?;
    let name: String = form.name.trim().chars().take(120).collect();
    let now = app.now();
    let until = end_of(&form.until, &staff, now);
    if name.is_empty() {
        page.name_fault = Some(app.t(language, "accounts.fault_missing", &[]));
    }
    let (Some(expires_at), false) = (until, name.is_empty()) else {
        if until.is_none() {
            page.until_fault = Some(app.t(language, "accounts.fault_date", &[]));
        }
        page.form = form;
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    };
    let token = app.keys().random_token();
    let publication = Some(PublicationId(form.publication)).filter(|p| !p.0.is_empty());
    let lookup = app.keys().lookup(token.reveal());
    let new = NewReaderLink {
        name: &name,
        publication: publication.as_ref(),
        lookup: &lookup,
        expires_at,
        made_by: &staff.user.id,
    };
    let id = app.store().create_reader_link(&staff.municipality.id, &new, now).await?;
    staff.did(&app, "reader.made", &id, &form.until).await?;
    let shown = HandOverPage {
        bar: staff.bar("readers"),
        text: "accounts.reader_made",
        name,
        link: format!("{}/read/{}", app.settings().public_url, token.reveal()),
        back: format!("/{}/console/readers", staff.municipality.slug),
    };
    view.render(&shown)
}

async fn revoke(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, link)): Path<(String, String)>,
) -> Result<Response, PageError> {
    app.store().revoke_reader_link(&staff.municipality.id, &link, app.now()).await?;
    staff.did(&app, "reader.revoked", &link, "").await?;
    Ok(Redirect::to(&format!("/{}/console/readers?note=taken_back", staff.municipality.slug)).into_response())
}
