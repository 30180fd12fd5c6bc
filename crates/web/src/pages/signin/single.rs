//! The municipality's own sign-in: on to the provider, and back.
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::municipality::Municipality;
use serde::{Deserialize, Serialize};
use store::people::{Method, Stage};
use store::single_sign_on::{Claimed, UnderWay};
use text::EngineError;

use crate::app::App;
use crate::auth::single::SingleError;
use crate::error::PageError;
use crate::pages::signin::{landing, open_session, set_cookie};
use crate::templates::{Page, Site, Templates};
use crate::visit::{Browser, Visit, cookie};

/// The cookie of the browser that began (before a prefix).
const COOKIE: &str = "single";
/// So long a sign-in elsewhere may take.
const MOST_SECONDS: i64 = 15 * 60;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/sign-in/single", routing::post(begin))
        .route("/sign-in/single/return", routing::get(come_back))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<OnPage>(site)?;
    templates.check::<RefusedPage>(site)
}

/// On the way to the provider. A page, not a redirect: a form's answer may not lead to another site (`form-action`).
#[derive(Debug, Serialize)]
pub struct OnPage {
    /// Where to.
    pub place: String,
    /// Key of the text of the link.
    pub text: &'static str,
}

impl Page for OnPage {
    const TEMPLATE: &'static str = "signin/on.html";

    fn samples() -> Vec<Self> {
        vec![Self { place: "https://login.example/authorize".to_owned(), text: "accounts.single_on" }]
    }
}

/// A page that leads on to the provider by itself.
pub(crate) fn on_to(
    app: &App,
    visit: &Visit,
    municipality: Option<&Municipality>,
    place: &str,
    text: &'static str,
) -> Result<Response, PageError> {
    let mut view = app.view(visit);
    if let Some(municipality) = municipality {
        view = view.of(municipality);
    }
    let mut response = view.render(&OnPage { place: place.to_owned(), text })?;
    let refresh = HeaderValue::from_str(&format!("0; url={place}")).map_err(PageError::internal)?;
    response.headers_mut().insert(header::REFRESH, refresh);
    Ok(response)
}

/// Nobody was signed in.
#[derive(Debug, Serialize)]
pub struct RefusedPage {
    /// Key of the sentence that says why.
    pub why: &'static str,
    /// The municipality's slug, where it is known.
    pub slug: Option<String>,
}

impl Page for RefusedPage {
    const TEMPLATE: &'static str = "signin/refused.html";

    fn samples() -> Vec<Self> {
        let all = ["accounts.single_late", "accounts.single_away", "accounts.single_token", "accounts.single_no_group"];
        all.into_iter()
            .zip([Some("hojager".to_owned()), None, None, None])
            .map(|(why, slug)| Self { why, slug })
            .collect()
    }
}

fn refused(
    app: &App,
    visit: &Visit,
    status: StatusCode,
    why: &'static str,
    municipality: Option<&Municipality>,
) -> Result<Response, PageError> {
    let mut view = app.view(visit).status(status);
    if let Some(municipality) = municipality {
        view = view.of(municipality);
    }
    view.render(&RefusedPage { why, slug: municipality.map(|m| m.slug.clone()) })
}

async fn begin(State(app): State<App>, visit: Visit, Path(slug): Path<String>) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    let Some(provider) = &app.rules().single else { return Err(PageError::NotFound) };
    let (state, now) = (app.keys().random_token(), app.now());
    let begun = match provider.begin(&app.settings().public_url, state.reveal(), now).await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::warn!("Nobody can sign in through the provider: {error}");
            return refused(&app, &visit, StatusCode::BAD_GATEWAY, "accounts.single_away", Some(&municipality));
        }
    };
    let under_way = UnderWay { municipality: municipality.id.clone(), nonce: begun.nonce, verifier: begun.verifier };
    let lookup = app.keys().lookup(state.reveal());
    app.store().begin_single_sign_on(&lookup, &under_way, now.plus_seconds(MOST_SECONDS)).await?;
    let own = AppendHeaders([set_cookie(&app, COOKIE, state.reveal(), MOST_SECONDS.unsigned_abs())?]);
    let page = on_to(&app, &visit, Some(&municipality), &begun.place, "accounts.single_on")?;
    Ok((own, page).into_response())
}

#[derive(Deserialize)]
struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
}

/// The provider sends the browser back by a GET, as the protocol has it; it signs in the browser that began and no other.
async fn come_back(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    headers: header::HeaderMap,
    Query(back): Query<Back>,
) -> Result<Response, PageError> {
    let Some(provider) = &app.rules().single else { return Err(PageError::NotFound) };
    let own = cookie(&headers, &app.settings().cookie_name(COOKIE)).unwrap_or_default();
    let now = app.now();
    let under_way = match own == back.state && !own.is_empty() {
        true => app.store().take_single_sign_on(&app.keys().lookup(&own), now).await?,
        false => None,
    };
    let Some(under_way) = under_way else {
        return refused(&app, &visit, StatusCode::GONE, "accounts.single_late", None);
    };
    let municipality = app.store().municipality(&under_way.municipality).await?;
    let no = |status, why| refused(&app, &visit, status, why, Some(&municipality));
    if back.code.is_empty() {
        return no(StatusCode::FORBIDDEN, "accounts.single_late");
    }
    let public_url = &app.settings().public_url;
    let vouched = match provider.finish(public_url, back.code, &under_way.nonce, under_way.verifier, now).await {
        Ok(vouched) => vouched,
        Err(error) => {
            tracing::warn!("A sign-in through the provider failed: {error}");
            return match error {
                SingleError::Token(_) => no(StatusCode::FORBIDDEN, "accounts.single_token"),
                _ => no(StatusCode::BAD_GATEWAY, "accounts.single_away"),
            };
        }
    };
    let Some(email) = &vouched.email else { return no(StatusCode::FORBIDDEN, "accounts.single_no_email") };
    let role = provider.role_at(&municipality.slug, &vouched.groups);
    let claimed = Claimed { issuer: &vouched.issuer, subject: &vouched.subject, name: &vouched.name, email, role };
    let Some(user) = app.store().single_sign_on(&municipality.id, &claimed, now).await? else {
        return no(StatusCode::FORBIDDEN, "accounts.single_no_group");
    };
    let cookies = open_session(&app, &browser, &user, Stage::In, Method::Single).await?;
    let done = AppendHeaders([set_cookie(&app, COOKIE, "", 0)?]);
    Ok((cookies, done, Redirect::to(&landing(&municipality.slug, user.role))).into_response())
}
