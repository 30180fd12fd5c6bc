//! One's own account: password, second step, sessions; and proving again who one is.
//!
//! # Layout
//! - this module: the account's page with its sessions, a new password, the page that asks again
//! - [`two_step`]: setting the second step up and off, recovery codes
pub mod two_step;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, middleware, routing};
use axum_extra::extract::Form;
use serde::{Deserialize, Serialize};
use store::people::{Method, Session};
use text::EngineError;

use crate::app::App;
use crate::auth::{brake, passwords};
use crate::error::PageError;
use crate::pages::signin::door::{rotated, spend_code};
use crate::pages::signin::{Bar, Note, Refused, Staff, not_kept, own_path};
use crate::templates::{Page, Site, Templates};
use crate::visit::{Browser, Visit};

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/account", routing::get(account))
        .route("/{slug}/account/password", routing::get(password).post(set_password))
        .route("/{slug}/account/sessions", routing::post(end_sessions))
        .route("/{slug}/account/confirm", routing::get(confirm).post(confirmed))
        .merge(two_step::routes())
        .layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<AccountPage>(site)?;
    templates.check::<PasswordPage>(site)?;
    templates.check::<ConfirmPage>(site)?;
    two_step::check(templates, site)
}

/// `GET /{slug}/account`
#[derive(Debug, Serialize)]
pub struct AccountPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// Address.
    pub email: String,
    /// Passwords are kept here.
    pub local: bool,
    /// The password was chosen then, in milliseconds.
    pub password_at: Option<i64>,
    /// The second step was set up then, in milliseconds.
    pub second_step_at: Option<i64>,
    /// The role needs a second step.
    pub required: bool,
    /// Recovery codes that are left.
    pub codes_left: u64,
    /// Where one is signed in.
    pub sessions: Vec<SessionLine>,
}

/// A session in a list.
#[derive(Debug, Serialize)]
pub struct SessionLine {
    /// What it is called; opens nothing.
    pub id: String,
    /// Browser and system.
    pub device: String,
    /// Key of how one signed in.
    pub method: String,
    /// Since when.
    pub created_at: i64,
    /// Last request.
    pub seen_at: i64,
    /// The one that shows this page.
    pub current: bool,
}

impl SessionLine {
    /// A session, seen from the session called `current`.
    #[must_use]
    pub fn of(session: &Session, current: &str) -> Self {
        Self {
            id: session.id.clone(),
            device: session.device.clone(),
            method: format!("accounts.method_{}", session.method.as_str()),
            created_at: session.created_at.0,
            seen_at: session.seen_at.0,
            current: session.id == current,
        }
    }

    /// For the check at start.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        ["link", "password", "single", "reader", "demo"]
            .into_iter()
            .map(|method| Self {
                id: "0123".to_owned(),
                device: if method == "link" { String::new() } else { "Firefox · Windows".to_owned() },
                method: format!("accounts.method_{method}"),
                created_at: 1_790_000_000_000,
                seen_at: 1_790_000_000_000,
                current: method == "password",
            })
            .collect()
    }
}

impl Page for AccountPage {
    const TEMPLATE: &'static str = "account/account.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            bar: Bar::sample(full),
            note: full.then_some("accounts.flash_password"),
            email: "mette@example.dk".to_owned(),
            local: full,
            password_at: full.then_some(1_790_000_000_000),
            second_step_at: full.then_some(1_790_000_000_000),
            required: full,
            codes_left: 10,
            sessions: if full { SessionLine::samples() } else { Vec::new() },
        };
        let not_yet = Self { password_at: None, second_step_at: None, ..page(true) };
        let few = Self { codes_left: 1, required: false, ..page(true) };
        vec![page(true), page(false), not_yet, few]
    }
}

async fn account(State(app): State<App>, visit: Visit, staff: Staff, note: Note) -> Result<Response, PageError> {
    let (place, user) = (&staff.municipality.id, &staff.user.id);
    let now = app.now();
    let person = app.store().person(place, user, now).await?;
    let sessions = app.store().sessions(place, user, now).await?;
    let page = AccountPage {
        bar: staff.bar("account"),
        note: note.key(),
        email: staff.user.email.clone(),
        local: app.rules().local_passwords,
        password_at: person.password_at.map(|at| at.0),
        second_step_at: person.second_step_at.map(|at| at.0),
        required: app.rules().second_step.contains(&staff.user.role),
        codes_left: app.store().recovery_codes_left(user).await?,
        sessions: sessions.iter().map(|s| SessionLine::of(s, &staff.session.id)).collect(),
    };
    app.view(&visit).of(&staff.municipality).render(&page)
}

/// `GET /{slug}/account/password`
#[derive(Debug, Serialize)]
pub struct PasswordPage {
    /// Navigation.
    pub bar: Bar,
    /// Whose account, for password managers.
    pub email: String,
    /// There is a password, which is asked for.
    pub has_one: bool,
    /// Fewest characters.
    pub least: usize,
    /// What is wrong with the present password, in words.
    pub present_fault: Option<String>,
    /// What is wrong with the new one, in words.
    pub fault: Option<String>,
}

impl Page for PasswordPage {
    const TEMPLATE: &'static str = "account/password.html";

    fn samples() -> Vec<Self> {
        [true, false]
            .map(|full| Self {
                bar: Bar::sample(full),
                email: "mette@example.dk".to_owned(),
                has_one: full,
                least: passwords::LEAST,
                present_fault: full.then(|| "Forkert.".to_owned()),
                fault: full.then(|| "For kort.".to_owned()),
            })
            .into()
    }
}

async fn password_page(app: &App, staff: &Staff) -> Result<PasswordPage, PageError> {
    if !app.rules().local_passwords {
        return Err(PageError::NotFound);
    }
    Ok(PasswordPage {
        bar: staff.bar("account"),
        email: staff.user.email.clone(),
        has_one: app.store().password_hash(&staff.user.id).await?.is_some(),
        least: passwords::LEAST,
        present_fault: None,
        fault: None,
    })
}

async fn password(State(app): State<App>, visit: Visit, staff: Staff) -> Result<Response, PageError> {
    let page = password_page(&app, &staff).await?;
    app.view(&visit).of(&staff.municipality).render(&page)
}

#[derive(Deserialize)]
struct PasswordForm {
    #[serde(default)]
    present: String,
    #[serde(default)]
    password: String,
}

async fn set_password(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    staff: Staff,
    Form(form): Form<PasswordForm>,
) -> Result<Response, PageError> {
    let mut page = password_page(&app, &staff).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let user = &staff.user;
    if let Some(hash) = app.store().password_hash(&user.id).await? {
        let present: String = form.present.chars().take(passwords::MOST + 1).collect();
        match brake::hold(&app, &browser, "password", user.id.as_str()).await? {
            Err(wait) => page.present_fault = Some(app.t(language, "accounts.wait", &[("n", wait.seconds.into())])),
            Ok(held) if passwords::verify(&present, Some(&hash)).await?.0 => held.release(&app).await?,
            Ok(_) => page.present_fault = Some(app.t(language, "accounts.present_wrong", &[])),
        }
    }
    let about = [user.name.as_str(), user.email.as_str(), staff.municipality.name.as_str()];
    if let Some(key) = passwords::weakness(&form.password, &about).await? {
        page.fault = Some(app.t(language, key, &[("least", (passwords::LEAST as u64).into())]));
    }
    if page.fault.is_some() || page.present_fault.is_some() {
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    }
    let hash = passwords::hash(&form.password).await?;
    let keep = browser.session.as_deref().map(|token| app.keys().lookup(token)).unwrap_or_default();
    app.store().set_password(&staff.municipality.id, &user.id, &hash, &keep, app.now()).await?;
    staff.did(&app, "password.set", user.id.as_str(), "").await?;
    let cookies = rotated(&app, &browser, user).await?;
    Ok((cookies, to_account(&staff, "password")).into_response())
}

/// Back to the account, with a word about what was done.
fn to_account(staff: &Staff, note: &str) -> Redirect {
    Redirect::to(&format!("/{}/account?note={note}", staff.municipality.slug))
}

#[derive(Deserialize)]
struct WhichSession {
    #[serde(default)]
    session: String,
}

/// Ends one session, or all others.
async fn end_sessions(
    State(app): State<App>,
    browser: Browser,
    staff: Staff,
    Form(form): Form<WhichSession>,
) -> Result<Response, PageError> {
    let (place, user) = (&staff.municipality.id, &staff.user.id);
    if form.session == "others" {
        let keep = browser.session.as_deref().map(|token| app.keys().lookup(token));
        app.store().end_sessions(place, user, keep.as_deref()).await?;
    } else {
        app.store().end_session_of(place, user, &form.session).await?;
    }
    staff.did(&app, "session.ended", user.as_str(), "").await?;
    Ok(to_account(&staff, "sessions_ended").into_response())
}

/// `GET /{slug}/account/confirm`: what cannot be undone or shows much asks again who one is.
#[derive(Debug, Serialize)]
pub struct ConfirmPage {
    /// Navigation.
    pub bar: Bar,
    /// Whose account, for password managers.
    pub email: String,
    /// Where one goes on.
    pub next: String,
    /// There is a password.
    pub password: bool,
    /// There is an authenticator app.
    pub code: bool,
    /// One signed in through the municipality's own sign-in.
    pub single: bool,
    /// What is wrong, in words.
    pub fault: Option<String>,
}

impl Page for ConfirmPage {
    const TEMPLATE: &'static str = "account/confirm.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            bar: Bar::sample(full),
            email: "mette@example.dk".to_owned(),
            next: "/hojager/console".to_owned(),
            password: full,
            code: full,
            single: full,
            fault: full.then(|| "Forkert.".to_owned()),
        };
        vec![page(true), page(false)]
    }
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

async fn confirm_page(app: &App, staff: &Staff, next: &str) -> Result<ConfirmPage, PageError> {
    let next = own_path(&staff.municipality.slug, next).unwrap_or_else(|| staff.landing());
    let step = app.store().second_step(&staff.user.id).await?;
    Ok(ConfirmPage {
        bar: staff.bar("account"),
        email: staff.user.email.clone(),
        next,
        password: app.rules().local_passwords && app.store().password_hash(&staff.user.id).await?.is_some(),
        code: step.is_some_and(|step| step.confirmed),
        single: staff.session.method == Method::Single,
        fault: None,
    })
}

async fn confirm(
    State(app): State<App>,
    visit: Visit,
    staff: Staff,
    Query(query): Query<Next>,
) -> Result<Response, PageError> {
    let page = confirm_page(&app, &staff, &query.next).await?;
    app.view(&visit).of(&staff.municipality).render(&page)
}

#[derive(Deserialize)]
struct Proof {
    #[serde(default)]
    next: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    code: String,
}

async fn confirmed(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    staff: Staff,
    Form(form): Form<Proof>,
) -> Result<Response, Refused> {
    let mut page = confirm_page(&app, &staff, &form.next).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let by_code = page.code && !form.code.trim().is_empty();
    let what = if by_code { "code" } else { "password" };
    let held = match brake::hold(&app, &browser, what, staff.user.id.as_str()).await? {
        Ok(held) => held,
        Err(wait) => {
            page.fault = Some(app.t(language, "accounts.wait", &[("n", wait.seconds.into())]));
            return Ok(view.status(StatusCode::TOO_MANY_REQUESTS).render(&page)?);
        }
    };
    let right = if by_code {
        spend_code(&app, &staff, &form.code).await?
    } else if page.password {
        let hash = app.store().password_hash(&staff.user.id).await.map_err(PageError::from)?;
        let password: String = form.password.chars().take(passwords::MOST + 1).collect();
        passwords::verify(&password, hash.as_deref()).await?.0
    } else {
        false
    };
    if !right {
        staff.did(&app, "session.refused", staff.user.id.as_str(), what).await?;
        page.fault = Some(app.t(language, "accounts.confirm_wrong", &[]));
        return Ok(view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page)?);
    }
    held.release(&app).await?;
    let cookies = rotated(&app, &browser, &staff.user).await?;
    Ok((cookies, Redirect::to(&page.next)).into_response())
}
