//! The front door: who runs surveys here, and whether the server is well.
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Router, routing};
use serde::Serialize;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/", routing::get(home)).route("/healthz", routing::get(healthz))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<HomePage>(site)
}

/// `/`
#[derive(Debug, Serialize)]
pub struct HomePage {
    /// Who runs surveys here.
    pub municipalities: Vec<HomeMunicipality>,
}

/// A municipality on the front page.
#[derive(Debug, Serialize)]
pub struct HomeMunicipality {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "home.html";

    fn samples() -> Vec<Self> {
        let one = HomeMunicipality { slug: "hojager".to_owned(), name: "Højager Kommune".to_owned() };
        vec![Self { municipalities: vec![one] }, Self { municipalities: Vec::new() }]
    }
}

async fn home(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    let municipalities = app.store().municipalities().await?;
    let page = HomePage {
        municipalities: municipalities
            .iter()
            .map(|m| HomeMunicipality { slug: m.slug.clone(), name: m.name.clone() })
            .collect(),
    };
    let view = app.view(&visit).indexed();
    match municipalities.as_slice() {
        [only] => view.of(only).render(&page),
        _ => view.render(&page),
    }
}

/// `GET /healthz`: 200 when the database answers.
async fn healthz(State(app): State<App>) -> (StatusCode, [(&'static str, &'static str); 1], &'static str) {
    let json = [("content-type", "application/json")];
    match app.store().ping().await {
        Ok(()) => (StatusCode::OK, json, "{\"status\":\"ok\"}"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, json, "{\"status\":\"database unavailable\"}"),
    }
}
