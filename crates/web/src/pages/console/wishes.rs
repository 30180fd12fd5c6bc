//! Businesses that asked to be contacted: by consent, apart from their answers, deleted when worked off.
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::ids::RoundId;
use serde::Serialize;
use store::respondent::ContactRow;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::rounds::{RoundInfo, info};
use crate::pages::signin::{Analyst, Bar, Note};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/rounds/{round}/wishes", routing::get(show))
        .route("/{slug}/console/rounds/{round}/wishes/{wish}/done", routing::post(done))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<WishesPage>(site)
}

/// `GET /{slug}/console/rounds/{round}/wishes`
#[derive(Debug, Serialize)]
pub struct WishesPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The round.
    pub round: RoundInfo,
    /// The wishes, oldest first.
    pub wishes: Vec<WishLine>,
}

/// A wish to be contacted.
#[derive(Debug, Serialize)]
pub struct WishLine {
    /// The business.
    pub business: String,
    /// Its street.
    pub street: String,
    /// Whom to ask for.
    pub name: String,
    /// Telephone number or address.
    pub reach: String,
    /// About what.
    pub about: String,
    /// When it was left, in milliseconds.
    pub at: i64,
    /// Where it is reported done.
    pub done: String,
}

impl Page for WishesPage {
    const TEMPLATE: &'static str = "console/wishes.html";

    fn samples() -> Vec<Self> {
        let wish = |about: &str| WishLine {
            business: "Vognmand Holm ApS".to_owned(),
            street: "Havnegade 3".to_owned(),
            name: "Lis Holm".to_owned(),
            reach: "12 34 56 78".to_owned(),
            about: about.to_owned(),
            at: 1_790_000_000_000,
            done: "/x".to_owned(),
        };
        let page = |wishes| Self { bar: Bar::sample(true), note: None, round: RoundInfo::sample("open"), wishes };
        vec![Self { note: Note::Contacted.key(), ..page(vec![wish("Lærlinge"), wish("")]) }, page(Vec::new())]
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
    let view = app.view(&visit).of(&staff.municipality);
    let href = format!("/{}/console/rounds/{}", staff.municipality.slug, round.id);
    let line = |row: ContactRow| WishLine {
        business: row.business_name,
        street: row.street,
        name: row.wish.name,
        reach: row.wish.reach,
        about: row.wish.about,
        at: row.created_at.0,
        done: format!("{href}/wishes/{}/done", row.id),
    };
    let wishes = app.store().contact_wishes(&staff.municipality.id, &round.id).await?;
    staff.did(&app, "wishes.seen", round.id.as_str(), "").await?;
    let round = info(&app, view.language(), &staff, &round);
    view.render(&WishesPage {
        bar: staff.bar("home"),
        note: note.key(),
        round,
        wishes: wishes.into_iter().map(line).collect(),
    })
}

/// Worked off: the wish is deleted, as the business was promised.
async fn done(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round, wish)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    app.store().contact_done(&staff.municipality.id, &wish, app.now()).await?;
    staff.did(&app, "wish.done", &wish, "").await?;
    let there = format!("/{}/console/rounds/{round}/wishes?note=contacted", staff.municipality.slug);
    Ok(Redirect::to(&there).into_response())
}
