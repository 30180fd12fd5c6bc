//! The pages: one module per kind, each with `routes()` for the router and `check()` for the start.
use axum::Router;
use text::EngineError;

use crate::app::App;
use crate::error::ErrorPage;
use crate::templates::{Site, Templates};

pub mod accessibility;
pub mod account;
pub mod catcher;
pub mod committee;
pub mod compare;
pub mod console;
pub mod home;
pub mod hooks;
pub mod interviewer;
pub mod mail_notice;
pub mod privacy;
pub mod respondent;
pub mod results;
pub mod setup;
pub mod signin;
pub mod standing;

/// The routes of all pages.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(home::routes())
        .merge(privacy::routes())
        .merge(accessibility::routes())
        .merge(respondent::routes())
        .merge(setup::routes())
        .merge(signin::routes())
        .merge(account::routes())
        .merge(console::routes())
        .merge(interviewer::routes())
        .merge(committee::routes())
        .merge(standing::routes())
        .merge(compare::routes())
        .merge(results::routes())
        .merge(catcher::routes())
        .merge(hooks::routes())
}

/// Renders every page's samples in every language.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ErrorPage>(site)?;
    home::check(templates, site)?;
    privacy::check(templates, site)?;
    accessibility::check(templates, site)?;
    respondent::check(templates, site)?;
    setup::check(templates, site)?;
    signin::check(templates, site)?;
    account::check(templates, site)?;
    console::check(templates, site)?;
    interviewer::check(templates, site)?;
    committee::check(templates, site)?;
    standing::check(templates, site)?;
    compare::check(templates, site)?;
    results::check(templates, site)?;
    catcher::check(templates, site)
}
