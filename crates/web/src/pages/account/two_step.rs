//! The second step: an authenticator app is set up by a code it shows; ten codes on paper help when it is lost.
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use serde::{Deserialize, Serialize};
use store::people::Stage;
use text::EngineError;

use crate::app::App;
use crate::auth::{brake, qr, second_step};
use crate::error::PageError;
use crate::pages::signin::door::rotated;
use crate::pages::signin::{Bar, Entering, Recent, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::{Browser, Visit};

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/account/two-step", routing::get(show).post(confirm))
        .route("/{slug}/account/two-step/codes", routing::post(new_codes))
        .route("/{slug}/account/two-step/off", routing::post(switch_off))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<SetUpPage>(site)?;
    templates.check::<CodesPage>(site)?;
    templates.check::<StandsPage>(site)
}

/// `GET /{slug}/account/two-step` before it is set up.
#[derive(Debug, Serialize)]
pub struct SetUpPage {
    /// The municipality's slug.
    pub slug: String,
    /// The role needs it.
    pub required: bool,
    /// Width and height of the drawing, in modules.
    pub size: i32,
    /// The drawing's path.
    pub path: String,
    /// The secret, to be typed.
    pub typed: String,
    /// The address behind the drawing, for an app on the same device.
    pub address: String,
    /// What is wrong with the code, in words.
    pub fault: Option<String>,
}

impl Page for SetUpPage {
    const TEMPLATE: &'static str = "account/set-up.html";

    fn samples() -> Vec<Self> {
        [true, false]
            .map(|full| Self {
                slug: "hojager".to_owned(),
                required: full,
                size: 41,
                path: "M4,4h1v1h-1z".to_owned(),
                typed: "ABCD EFGH".to_owned(),
                address: "otpauth://totp/x".to_owned(),
                fault: full.then(|| "Forkert.".to_owned()),
            })
            .into()
    }
}

/// Recovery codes, shown once.
#[derive(Debug, Serialize)]
pub struct CodesPage {
    /// Navigation.
    pub bar: Bar,
    /// The codes.
    pub codes: Vec<String>,
    /// Where one goes on.
    pub next: String,
}

impl Page for CodesPage {
    const TEMPLATE: &'static str = "account/codes.html";

    fn samples() -> Vec<Self> {
        let codes = vec!["abcde-fghjk".to_owned(); second_step::RECOVERY_CODES];
        let page = |full, codes| Self { bar: Bar::sample(full), codes, next: "/hojager/console".to_owned() };
        vec![page(true, codes), page(false, Vec::new())]
    }
}

/// `GET /{slug}/account/two-step` when it stands.
#[derive(Debug, Serialize)]
pub struct StandsPage {
    /// Navigation.
    pub bar: Bar,
    /// The role needs it: it cannot be switched off.
    pub required: bool,
    /// Recovery codes that are left.
    pub codes_left: u64,
}

impl Page for StandsPage {
    const TEMPLATE: &'static str = "account/stands.html";

    fn samples() -> Vec<Self> {
        vec![
            Self { bar: Bar::sample(true), required: true, codes_left: 10 },
            Self { bar: Bar::sample(false), required: false, codes_left: 1 },
        ]
    }
}

/// The page that sets it up; the generation whose secret it shows.
async fn set_up_page(app: &App, staff: &Staff) -> Result<(SetUpPage, i64), PageError> {
    let step = app.store().begin_second_step(&staff.user.id, app.now()).await?;
    let shared =
        second_step::Shared::of(app.keys(), &staff.user.id, step.generation, &staff.municipality, &staff.user.email)?;
    let address = shared.address();
    let (size, path) = qr::path(&address).ok_or_else(|| PageError::internal("an address too long for a drawing"))?;
    let page = SetUpPage {
        slug: staff.municipality.slug.clone(),
        required: app.rules().second_step.contains(&staff.user.role),
        size,
        path,
        typed: shared.typed(),
        address,
        fault: None,
    };
    Ok((page, step.generation))
}

async fn show(State(app): State<App>, visit: Visit, Entering(staff): Entering) -> Result<Response, PageError> {
    if staff.session.stage == Stage::Code {
        return Ok(Redirect::to(&format!("/{}/sign-in/code", staff.municipality.slug)).into_response());
    }
    let view = app.view(&visit).of(&staff.municipality);
    if app.store().second_step(&staff.user.id).await?.is_some_and(|step| step.confirmed) {
        let page = StandsPage {
            bar: staff.bar("account"),
            required: app.rules().second_step.contains(&staff.user.role),
            codes_left: app.store().recovery_codes_left(&staff.user.id).await?,
        };
        return view.render(&page);
    }
    view.render(&set_up_page(&app, &staff).await?.0)
}

#[derive(Deserialize)]
struct CodeForm {
    #[serde(default)]
    code: String,
}

async fn confirm(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    Entering(staff): Entering,
    Form(form): Form<CodeForm>,
) -> Result<Response, PageError> {
    let user = &staff.user;
    let stands = app.store().second_step(&user.id).await?.is_some_and(|step| step.confirmed);
    if staff.session.stage == Stage::Code || stands {
        return Err(PageError::Conflict);
    }
    let view = app.view(&visit).of(&staff.municipality);
    let (mut page, generation) = set_up_page(&app, &staff).await?;
    let held = match brake::hold(&app, &browser, "code", user.id.as_str()).await? {
        Ok(held) => held,
        Err(wait) => {
            page.fault = Some(app.t(view.language(), "accounts.wait", &[("n", wait.seconds.into())]));
            return view.status(StatusCode::TOO_MANY_REQUESTS).render(&page);
        }
    };
    let shared = second_step::Shared::of(app.keys(), &user.id, generation, &staff.municipality, &user.email)?;
    let Some(step) = shared.step_of(&form.code, app.now()) else {
        page.fault = Some(app.t(view.language(), "accounts.code_wrong", &[]));
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    };
    held.release(&app).await?;
    let (codes, lookups) = second_step::recovery_codes(app.keys(), &user.id);
    app.store().confirm_second_step(&user.id, generation, step, &lookups, app.now()).await?;
    staff.did(&app, "second_step.set_up", user.id.as_str(), "").await?;
    let cookies = rotated(&app, &browser, user).await?;
    let page = CodesPage { bar: staff.bar("account"), codes, next: staff.landing() };
    Ok((cookies, view.render(&page)?).into_response())
}

/// New recovery codes; the old ones stop to work.
async fn new_codes(State(app): State<App>, visit: Visit, Recent(staff): Recent<Staff>) -> Result<Response, PageError> {
    if !app.store().second_step(&staff.user.id).await?.is_some_and(|step| step.confirmed) {
        return Err(PageError::Conflict);
    }
    let (codes, lookups) = second_step::recovery_codes(app.keys(), &staff.user.id);
    app.store().replace_recovery_codes(&staff.user.id, &lookups, app.now()).await?;
    staff.did(&app, "recovery.replaced", staff.user.id.as_str(), "").await?;
    let next = format!("/{}/account", staff.municipality.slug);
    app.view(&visit).of(&staff.municipality).render(&CodesPage { bar: staff.bar("account"), codes, next })
}

async fn switch_off(State(app): State<App>, Recent(staff): Recent<Staff>) -> Result<Response, PageError> {
    if app.rules().second_step.contains(&staff.user.role) {
        return Err(PageError::Forbidden);
    }
    app.store().drop_second_step(&staff.municipality.id, &staff.user.id).await?;
    staff.did(&app, "second_step.off", staff.user.id.as_str(), "").await?;
    Ok(super::to_account(&staff, "second_step_off").into_response())
}
