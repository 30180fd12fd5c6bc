//! What a municipality does with personal data (GDPR articles 13 and 14), generated from its settings.
use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Router, routing};
use domain::language::Country;
use serde::Serialize;
use text::EngineError;

use super::respondent::{Contact, promises};
use crate::app::App;
use crate::error::PageError;
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/{slug}/privacy", routing::get(privacy))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<PrivacyPage>(site)
}

/// `/{slug}/privacy`
#[derive(Serialize)]
struct PrivacyPage {
    municipality: String,
    postal_address: String,
    dpo_email: String,
    legal_basis: Vec<String>,
    danish: bool,
    contact: Option<Contact>,
    promises: Vec<String>,
    link_years: i32,
}

impl Page for PrivacyPage {
    const TEMPLATE: &'static str = "respondent/privacy.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            municipality: "Højager Kommune".into(),
            postal_address: if full { "Rådhuspladsen 1, 4600 Højager".into() } else { String::new() },
            dpo_email: if full { "dpo@hojager.example".into() } else { String::new() },
            legal_basis: if full { vec!["Efter aftale.".into()] } else { Vec::new() },
            danish: full,
            contact: full.then(Contact::sample),
            promises: if full { vec!["En.".into(), "To.".into()] } else { Vec::new() },
            link_years: 5,
        };
        vec![page(true), page(false)]
    }
}

async fn privacy(State(app): State<App>, visit: Visit, Path(slug): Path<String>) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    let view = app.view(&visit).of(&municipality).indexed();
    let language = view.language();
    // The date by which a link is cut belongs to a round; this page speaks of the present year's.
    let zone = text::format::zone(&municipality.settings.time_zone);
    let year = i32::from(app.now().date_in(&zone).year());
    view.render(&PrivacyPage {
        municipality: municipality.name.clone(),
        postal_address: municipality.settings.postal_address.clone(),
        dpo_email: municipality.settings.dpo_email.clone(),
        legal_basis: municipality.settings.legal_basis.lines().map(str::to_owned).filter(|l| !l.is_empty()).collect(),
        danish: municipality.country == Country::Dk,
        contact: Contact::of(&municipality),
        promises: promises(&app, language, &municipality, municipality.settings.threshold, year),
        link_years: municipality.settings.link_years,
    })
}
