//! The first start: the municipality and its first administrator, through the one-time link that `serve` prints.
use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, middleware, routing};
use axum_extra::extract::Form;
use domain::fieldwork::Role;
use domain::language::{Country, Language};
use domain::municipality::Settings;
use serde::{Deserialize, Serialize};
use store::credentials::FirstAdministrator;
use store::people::{Method, Stage};
use text::EngineError;

use crate::app::App;
use crate::auth::passwords;
use crate::error::PageError;
use crate::pages::signin::{end_here, entered, landing, new_session, not_kept};
use crate::templates::{Page, Site, Templates};
use crate::visit::{Browser, Visit};

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/setup/{token}", routing::get(ask).post(set_up)).layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<SetUpPage>(site)
}

/// `GET /setup/{token}`
#[derive(Debug, Default, Serialize)]
pub struct SetUpPage {
    /// The link is unknown, used or too old.
    pub stale: bool,
    /// What was filled in.
    pub form: SetUpForm,
    /// What is wrong, by field, in words.
    pub faults: BTreeMap<&'static str, String>,
    /// Fewest characters of a password.
    pub least: usize,
}

/// What is filled in; the password is not given back.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct SetUpForm {
    /// Name of the municipality.
    pub municipality: String,
    /// `dk` or `se`.
    pub country: String,
    /// Name of the person.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their password.
    #[serde(skip_serializing)]
    pub password: String,
}

impl Page for SetUpPage {
    const TEMPLATE: &'static str = "setup.html";

    fn samples() -> Vec<Self> {
        let form = |country: &str| SetUpForm { country: country.to_owned(), ..SetUpForm::default() };
        let faults = ["municipality", "name", "email", "password"].map(|field| (field, "Mangler.".to_owned()));
        vec![
            Self { stale: true, least: passwords::LEAST, ..Self::default() },
            Self { form: form("dk"), least: passwords::LEAST, ..Self::default() },
            Self { form: form("se"), faults: faults.into(), least: passwords::LEAST, stale: false },
        ]
    }
}

fn page(stale: bool, form: SetUpForm, faults: BTreeMap<&'static str, String>) -> SetUpPage {
    SetUpPage { stale, form, faults, least: passwords::LEAST }
}

async fn ask(State(app): State<App>, visit: Visit, Path(token): Path<String>) -> Result<Response, PageError> {
    let good = app.store().is_set_up(&app.keys().lookup(&token), app.now()).await?;
    let form = SetUpForm { country: "dk".to_owned(), ..SetUpForm::default() };
    let status = if good { StatusCode::OK } else { StatusCode::GONE };
    app.view(&visit).status(status).render(&page(!good, form, BTreeMap::new()))
}

/// The name in addresses: `Høje-Taastrup Kommune` → `hoeje-taastrup`.
fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.trim().to_lowercase().chars() {
        match c {
            'æ' | 'ä' => slug.push_str("ae"),
            'ø' | 'ö' => slug.push_str("oe"),
            'å' => slug.push_str("aa"),
            'é' | 'è' => slug.push('e'),
            'ü' => slug.push('u'),
            c if c.is_ascii_alphanumeric() => slug.push(c),
            _ if slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_matches('-');
    let bare = ["-kommune", "-kommun"].iter().find_map(|end| slug.strip_suffix(end)).unwrap_or(slug);
    // Names of our own pages are not a municipality's.
    match bare {
        "" | "sign-in" | "sign-out" | "setup" | "read" | "catcher" | "hooks" | "assets" | "healthz" | "s" => {
            "kommune".to_owned()
        }
        bare => bare.chars().take(40).collect(),
    }
}

async fn set_up(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    Path(token): Path<String>,
    Form(form): Form<SetUpForm>,
) -> Result<Response, PageError> {
    let lookup = app.keys().lookup(&token);
    let view = app.view(&visit);
    if !app.store().is_set_up(&lookup, app.now()).await? {
        return view.status(StatusCode::GONE).render(&page(true, form, BTreeMap::new()));
    }
    let language = view.language();
    let say = |key: &str| app.t(language, key, &[("least", (passwords::LEAST as u64).into())]);
    let mut faults = BTreeMap::new();
    let text = |text: &str| text.trim().chars().take(120).collect::<String>();
    let (municipality, name) = (text(&form.municipality), text(&form.name));
    for (field, value) in [("municipality", &municipality), ("name", &name)] {
        if value.is_empty() {
            faults.insert(field, say("accounts.fault_missing"));
        }
    }
    let email = intake::email::parse(&form.email);
    if email.is_none() {
        faults.insert("email", say("accounts.fault_email"));
    }
    let Some(country) = Country::parse(&form.country) else { return Err(PageError::BadRequest) };
    if let Some(key) = passwords::weakness(&form.password, &[&name, &form.email, &municipality]).await? {
        faults.insert("password", say(key));
    }
    let (Some(email), true) = (email, faults.is_empty()) else {
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page(false, form, faults));
    };
    let settings = match country {
        Country::Dk => Settings::default(),
        Country::Se => {
            Settings { language: Language::Sv, time_zone: "Europe/Stockholm".to_owned(), ..Settings::default() }
        }
    };
    let hash = passwords::hash(&form.password).await?;
    let first = FirstAdministrator {
        slug: &slug_of(&municipality),
        municipality: &municipality,
        country,
        settings: &settings,
        name: &name,
        email: &email,
        hash: &hash,
    };
    let needs_step = app.rules().second_step.contains(&Role::Administrator);
    let stage = if needs_step { Stage::SetUp } else { Stage::In };
    let session = app.keys().random_token();
    let session_lookup = app.keys().lookup(session.reveal());
    let new = new_session(&app, &browser, &session_lookup, stage, Method::Password);
    let Some((municipality, user)) = app.store().set_up(&lookup, &first, &new, app.now()).await? else {
        return view.status(StatusCode::GONE).render(&page(true, form, BTreeMap::new()));
    };
    end_here(&app, &browser).await?;
    app.store().audit(&municipality.id, Some(&user.id), "place.set_up", user.id.as_str(), "", app.now()).await?;
    let cookies = entered(&app, session.reveal(), &user, stage).await?;
    let place = match stage {
        Stage::In => landing(&municipality.slug, user.role),
        _ => format!("/{}/account/two-step", municipality.slug),
    };
    Ok((cookies, Redirect::to(&place)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_made_of_the_name() {
        assert_eq!(slug_of("Høje-Taastrup Kommune"), "hoeje-taastrup");
        assert_eq!(slug_of(" Ängelholms  kommun"), "aengelholms");
        assert_eq!(slug_of("Køge"), "koege");
        assert_eq!(slug_of("Kommune"), "kommune");
        assert_eq!(slug_of("Setup"), "kommune");
        assert_eq!(slug_of("…"), "kommune");
    }
}
