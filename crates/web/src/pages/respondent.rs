//! What a business sees behind its personal link.
use axum::Router;
use text::EngineError;

use crate::app::App;
use crate::templates::{Site, Templates};

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(_: &Templates, _: &Site) -> Result<(), EngineError> {
    Ok(())
}
