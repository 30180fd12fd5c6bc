//! Personal links of readers from outside: the page shows a button, the button signs in.
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::fieldwork::Role;
use serde::Serialize;
use store::people::{Method, Stage};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{end_here, entered, landing, new_session};
use crate::templates::{Page, Site, Templates};
use crate::visit::{Browser, Visit};

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/read/{token}", routing::get(ask).post(enter))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ReaderPage>(site)
}

/// `GET /read/{token}`
#[derive(Debug, Serialize)]
pub struct ReaderPage {
    /// For whom the link is; `None`: it is unknown, expired or taken back.
    pub name: Option<String>,
}

impl Page for ReaderPage {
    const TEMPLATE: &'static str = "signin/reader.html";

    fn samples() -> Vec<Self> {
        vec![Self { name: Some("Ole Friis".to_owned()) }, Self { name: None }]
    }
}

fn gone(app: &App, visit: &Visit) -> Result<Response, PageError> {
    app.view(visit).status(StatusCode::GONE).render(&ReaderPage { name: None })
}

async fn ask(State(app): State<App>, visit: Visit, Path(token): Path<String>) -> Result<Response, PageError> {
    let Some(reader) = app.store().reader_of_link(&app.keys().lookup(&token), app.now()).await? else {
        return gone(&app, &visit);
    };
    let municipality = app.store().municipality(&reader.municipality).await?;
    app.view(&visit).of(&municipality).render(&ReaderPage { name: Some(reader.name) })
}

async fn enter(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    Path(token): Path<String>,
) -> Result<Response, PageError> {
    let session = app.keys().random_token();
    let lookup = app.keys().lookup(session.reveal());
    let new = new_session(&app, &browser, &lookup, Stage::In, Method::Reader);
    let used = app.store().use_reader_link(&app.keys().lookup(&token), &new, app.now()).await?;
    let Some((reader, publication)) = used else { return gone(&app, &visit) };
    end_here(&app, &browser).await?;
    let municipality = app.store().municipality(&reader.municipality).await?;
    let cookies = entered(&app, session.reveal(), &reader, Stage::In).await?;
    let place = match publication {
        Some(only) => format!("/{}/committee/{only}", municipality.slug),
        None => landing(&municipality.slug, Role::Committee),
    };
    Ok((cookies, Redirect::to(&place)).into_response())
}
