//! The door: the sign-in page, the second step, one-time links, a forgotten password.
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::{Form, FormRejection};
use domain::ids::{MailId, UserId};
use domain::municipality::Municipality;
use serde::{Deserialize, Serialize};
use store::people::{Method, Purpose, Stage, User};
use text::EngineError;

use crate::app::App;
use crate::auth::{brake, passwords, second_step};
use crate::error::PageError;
use crate::pages::mail_notice::MailNotice;
use crate::pages::signin::{
    Cookies, Entering, Staff, end_here, entered, landing, new_session, open_session, session_of, set_cookie,
};
use crate::templates::{Page, Site, Templates};
use crate::visit::{Browser, SESSION_COOKIE, Visit};

/// Hours for which the link to a new password is good.
const RESET_HOURS: i64 = 2;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in/{token}", routing::get(ask).post(use_link))
        .route("/sign-out", routing::post(sign_out))
        .route("/{slug}/sign-in", routing::get(front).post(sign_in))
        .route("/{slug}/sign-in/code", routing::get(code).post(check_code))
        .route("/{slug}/sign-in/forgot", routing::get(forgot).post(send_reset))
        .route("/{slug}/sign-in/as", routing::post(sign_in_as))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<LinkPage>(site)?;
    templates.check::<FrontPage>(site)?;
    templates.check::<CodePage>(site)?;
    templates.check::<ForgotPage>(site)
}

/// `GET /sign-in/{token}`: a button or a form, since mail scanners open links and must not use them up.
#[derive(Debug, Serialize)]
pub struct LinkPage {
    /// The link is unknown, used or too old.
    pub stale: bool,
    /// A password is to be chosen: `invitation` or `reset`.
    pub choose: Option<&'static str>,
    /// Whose account, for password managers.
    pub email: String,
    /// Name of the person.
    pub name: String,
    /// What is wrong with the password, in words.
    pub fault: Option<String>,
    /// Fewest characters.
    pub least: usize,
}

impl LinkPage {
    fn of(stale: bool, choose: Option<&'static str>, user: Option<&User>, fault: Option<String>) -> Self {
        let (email, name) = user.map(|u| (u.email.clone(), u.name.clone())).unwrap_or_default();
        Self { stale, choose, email, name, fault, least: passwords::LEAST }
    }
}

impl Page for LinkPage {
    const TEMPLATE: &'static str = "signin/link.html";

    fn samples() -> Vec<Self> {
        vec![
            Self::of(false, None, None, None),
            Self::of(true, None, None, None),
            Self::of(false, Some("invitation"), None, Some("For kort.".to_owned())),
            Self::of(false, Some("reset"), None, None),
        ]
    }
}

const fn chosen(purpose: Purpose) -> Option<&'static str> {
    match purpose {
        Purpose::Session => None,
        Purpose::Invitation => Some("invitation"),
        Purpose::Reset => Some("reset"),
    }
}

/// A link that is good: what for, whose.
async fn good(app: &App, token: &str) -> Result<Option<(Purpose, User)>, PageError> {
    let found = app.store().sign_in_link(&app.keys().lookup(token), app.now()).await?;
    Ok(found.filter(|(purpose, _)| *purpose == Purpose::Session || app.rules().local_passwords))
}

fn stale(app: &App, visit: &Visit) -> Result<Response, PageError> {
    app.view(visit).status(StatusCode::GONE).render(&LinkPage::of(true, None, None, None))
}

async fn ask(State(app): State<App>, visit: Visit, Path(token): Path<String>) -> Result<Response, PageError> {
    let Some((purpose, user)) = good(&app, &token).await? else { return stale(&app, &visit) };
    let municipality = app.store().municipality(&user.municipality).await?;
    app.view(&visit).of(&municipality).render(&LinkPage::of(false, chosen(purpose), Some(&user), None))
}

#[derive(Deserialize)]
struct NewPassword {
    #[serde(default)]
    password: String,
}

async fn use_link(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    Path(token): Path<String>,
    form: Result<Form<NewPassword>, FormRejection>,
) -> Result<Response, PageError> {
    let lookup = app.keys().lookup(&token);
    let Some((purpose, user)) = good(&app, &token).await? else { return stale(&app, &visit) };
    let municipality = app.store().municipality(&user.municipality).await?;
    let Some(choose) = chosen(purpose) else {
        let session = app.keys().random_token();
        let session_lookup = app.keys().lookup(session.reveal());
        let new = new_session(&app, &browser, &session_lookup, Stage::In, Method::Link);
        end_here(&app, &browser).await?;
        let Some(user) = app.store().use_sign_in(&lookup, &new, app.now()).await? else { return stale(&app, &visit) };
        let cookies = entered(&app, session.reveal(), &user, Stage::In).await?;
        return Ok((cookies, Redirect::to(&landing(&municipality.slug, user.role))).into_response());
    };
    let password = form.map(|Form(form)| form.password).unwrap_or_default();
    let view = app.view(&visit).of(&municipality);
    if let Some(key) = passwords::weakness(&password, &[&user.name, &user.email, &municipality.name]).await? {
        let fault = app.t(view.language(), key, &[("least", (passwords::LEAST as u64).into())]);
        let page = LinkPage::of(false, Some(choose), Some(&user), Some(fault));
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    }
    let hash = passwords::hash(&password).await?;
    if app.store().set_password_by_link(&lookup, &hash, app.now()).await?.is_none() {
        return stale(&app, &visit);
    }
    app.store().audit(&municipality.id, Some(&user.id), "password.set", user.id.as_str(), choose, app.now()).await?;
    go_in(&app, &browser, &municipality, &user).await
}

/// What is missing after the right password.
async fn stage_of(app: &App, user: &User) -> Result<Stage, PageError> {
    let confirmed = app.store().second_step(&user.id).await?.is_some_and(|step| step.confirmed);
    Ok(match (confirmed, app.rules().second_step.contains(&user.role)) {
        (true, _) => Stage::Code,
        (false, true) => Stage::SetUp,
        (false, false) => Stage::In,
    })
}

/// After the right password: in, or on to what is missing.
async fn go_in(app: &App, browser: &Browser, municipality: &Municipality, user: &User) -> Result<Response, PageError> {
    let stage = stage_of(app, user).await?;
    let cookies = open_session(app, browser, user, stage, Method::Password).await?;
    let slug = &municipality.slug;
    let place = match stage {
        Stage::In => landing(slug, user.role),
        Stage::Code => format!("/{slug}/sign-in/code"),
        Stage::SetUp => format!("/{slug}/account/two-step"),
    };
    Ok((cookies, Redirect::to(&place)).into_response())
}

async fn sign_out(State(app): State<App>, visit: Visit, browser: Browser) -> Result<Response, PageError> {
    let mut elsewhere = None;
    if let Some(token) = &browser.session {
        let lookup = app.keys().lookup(token);
        let session = app.store().session(&lookup, app.now()).await?;
        app.store().end_session(&lookup).await?;
        if session.is_some_and(|s| s.method == Method::Single)
            && let Some(provider) = &app.rules().single
        {
            elsewhere = provider.sign_out(&app.settings().public_url).await;
        }
    }
    let gone = axum::response::AppendHeaders([set_cookie(&app, SESSION_COOKIE, "", 0)?]);
    Ok(match elsewhere {
        Some(place) => {
            (gone, super::single::on_to(&app, &visit, None, &place, "accounts.single_sign_out")?).into_response()
        }
        None => (gone, Redirect::to("/")).into_response(),
    })
}

/// `GET /{slug}/sign-in`: how to get in; in the demo also as whom.
#[derive(Debug, Default, Serialize)]
pub struct FrontPage {
    /// The municipality's slug.
    pub slug: String,
    /// In the demo: as whom one can look around.
    pub people: Vec<FrontPerson>,
    /// People sign in by password.
    pub local: bool,
    /// A forgotten password is replaced by mail.
    pub mail: bool,
    /// Text of the button to the municipality's own sign-in.
    pub single: Option<String>,
    /// The address that was given.
    pub email: String,
    /// What is wrong, in words.
    pub fault: Option<String>,
}

/// Somebody as whom one can look around in the demo.
#[derive(Debug, Serialize)]
pub struct FrontPerson {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Key of the role's name.
    pub role: String,
}

impl Page for FrontPage {
    const TEMPLATE: &'static str = "signin/front.html";

    fn samples() -> Vec<Self> {
        let person =
            FrontPerson { id: "u".to_owned(), name: "Mette Holm".to_owned(), role: "console.role_analyst".to_owned() };
        let full = Self {
            slug: "hojager".to_owned(),
            people: vec![person],
            local: true,
            mail: true,
            single: Some("Log ind med kommunens konto".to_owned()),
            email: "mette@example.dk".to_owned(),
            fault: Some("Forkert.".to_owned()),
        };
        vec![full, Self { slug: "hojager".to_owned(), ..Self::default() }]
    }
}

/// The front page as it is for everybody.
async fn front_page(app: &App, municipality: &Municipality) -> Result<FrontPage, PageError> {
    let people = if app.settings().catcher { app.store().users(&municipality.id).await? } else { Vec::new() };
    let people = people.into_iter().filter(|u| u.disabled_at.is_none());
    let person = |u: User| FrontPerson { id: u.id.0, name: u.name, role: format!("console.role_{}", u.role.as_str()) };
    let rules = app.rules();
    Ok(FrontPage {
        slug: municipality.slug.clone(),
        people: people.map(person).collect(),
        local: rules.local_passwords,
        mail: rules.mail,
        single: rules.single.as_ref().map(|provider| provider.button().to_owned()),
        ..FrontPage::default()
    })
}

async fn front(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    headers: header::HeaderMap,
) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    if let Some(session) = session_of(&app, &headers).await?
        && session.user.municipality == municipality.id
        && session.stage == Stage::In
    {
        let user = session.user.clone();
        let staff = Staff { user, session, municipality, mail: MailNotice::default() };
        return Ok(Redirect::to(&staff.landing()).into_response());
    }
    let page = front_page(&app, &municipality).await?;
    app.view(&visit).of(&municipality).render(&page)
}

#[derive(Deserialize)]
struct Credentials {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

/// A page with a fault, for somebody who must wait or was wrong.
fn wait_words(app: &App, language: domain::language::Language, wait: brake::Wait) -> String {
    app.t(language, "accounts.wait", &[("n", wait.seconds.into())])
}

async fn sign_in(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    Path(slug): Path<String>,
    Form(form): Form<Credentials>,
) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    if !app.rules().local_passwords {
        return Err(PageError::NotFound);
    }
    let email: String = form.email.trim().chars().take(320).collect();
    let user = app.store().user_by_email(&municipality.id, &email).await?.filter(|u| u.disabled_at.is_none());
    let account = user.as_ref().map_or_else(|| format!("{slug}:{}", email.to_lowercase()), |u| u.id.0.clone());
    let view = app.view(&visit).of(&municipality);
    let language = view.language();
    let mut page = front_page(&app, &municipality).await?;
    page.email = email;
    let held = match brake::hold(&app, &browser, "password", &account).await? {
        Ok(held) => held,
        Err(wait) => {
            page.fault = Some(wait_words(&app, language, wait));
            let mut response = view.status(StatusCode::TOO_MANY_REQUESTS).render(&page)?;
            response.headers_mut().insert(header::RETRY_AFTER, wait.seconds.into());
            return Ok(response);
        }
    };
    let hash = match &user {
        Some(user) => app.store().password_hash(&user.id).await?,
        None => None,
    };
    let password: String = form.password.chars().take(passwords::MOST + 1).collect();
    let (right, old) = passwords::verify(&password, hash.as_deref()).await?;
    let (Some(user), true) = (user.as_ref(), right) else {
        if let Some(user) = &user {
            app.store()
                .audit(&municipality.id, None, "session.refused", user.id.as_str(), "password", app.now())
                .await?;
        }
        page.fault = Some(app.t(language, "accounts.wrong", &[]));
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    };
    if let (true, Some(hash)) = (old, &hash) {
        app.store().rehash_password(&user.id, hash, &passwords::hash(&password).await?).await?;
    }
    held.release(&app).await?;
    go_in(&app, &browser, &municipality, user).await
}

/// `GET /{slug}/sign-in/code`: the second step.
#[derive(Debug, Serialize)]
pub struct CodePage {
    /// The municipality's slug.
    pub slug: String,
    /// What is wrong with the code, in words.
    pub fault: Option<String>,
    /// What is wrong with the recovery code, in words.
    pub recovery_fault: Option<String>,
}

impl Page for CodePage {
    const TEMPLATE: &'static str = "signin/code.html";

    fn samples() -> Vec<Self> {
        let page = |fault: Option<&str>| Self {
            slug: "hojager".to_owned(),
            fault: fault.map(str::to_owned),
            recovery_fault: fault.map(str::to_owned),
        };
        vec![page(Some("Forkert.")), page(None)]
    }
}

async fn code(State(app): State<App>, visit: Visit, Entering(staff): Entering) -> Result<Response, PageError> {
    if staff.session.stage != Stage::Code {
        return Ok(Redirect::to(&staff.landing()).into_response());
    }
    let page = CodePage { slug: staff.municipality.slug.clone(), fault: None, recovery_fault: None };
    app.view(&visit).of(&staff.municipality).render(&page)
}

#[derive(Deserialize)]
struct CodeForm {
    #[serde(default)]
    code: String,
    #[serde(default)]
    recovery: String,
}

async fn check_code(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    Entering(staff): Entering,
    Form(form): Form<CodeForm>,
) -> Result<Response, PageError> {
    if staff.session.stage != Stage::Code {
        return Ok(Redirect::to(&staff.landing()).into_response());
    }
    let by_recovery = !form.recovery.trim().is_empty();
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let slug = staff.municipality.slug.clone();
    let again = |fault: String| match by_recovery {
        true => CodePage { slug: slug.clone(), fault: None, recovery_fault: Some(fault) },
        false => CodePage { slug: slug.clone(), fault: Some(fault), recovery_fault: None },
    };
    let held = match brake::hold(&app, &browser, "code", staff.user.id.as_str()).await? {
        Ok(held) => held,
        Err(wait) => {
            let page = again(wait_words(&app, language, wait));
            return view.status(StatusCode::TOO_MANY_REQUESTS).render(&page);
        }
    };
    let right = if by_recovery {
        spend_recovery(&app, &staff, &form.recovery).await?
    } else {
        spend_code(&app, &staff, &form.code).await?
    };
    if !right {
        staff.did(&app, "session.refused", staff.user.id.as_str(), "code").await?;
        let fault = app.t(language, if by_recovery { "accounts.recovery_wrong" } else { "accounts.code_wrong" }, &[]);
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&again(fault));
    }
    held.release(&app).await?;
    if by_recovery {
        staff.did(&app, "recovery.used", staff.user.id.as_str(), "").await?;
    }
    let cookies = rotated(&app, &browser, &staff.user).await?;
    let place = if by_recovery { format!("/{slug}/account/two-step") } else { staff.landing() };
    Ok((cookies, Redirect::to(&place)).into_response())
}

/// Is this a code of the person's app that was not used before? It is used up.
pub(crate) async fn spend_code(app: &App, staff: &Staff, code: &str) -> Result<bool, PageError> {
    let Some(step) = app.store().second_step(&staff.user.id).await?.filter(|step| step.confirmed) else {
        return Ok(false);
    };
    let account = &staff.user.email;
    let shared = second_step::Shared::of(app.keys(), &staff.user.id, step.generation, &staff.municipality, account)?;
    match shared.step_of(code, app.now()) {
        Some(used) => Ok(app.store().use_step(&staff.user.id, used).await?),
        None => Ok(false),
    }
}

async fn spend_recovery(app: &App, staff: &Staff, code: &str) -> Result<bool, PageError> {
    let lookup = second_step::recovery_lookup(app.keys(), &staff.user.id, code);
    Ok(app.store().use_recovery_code(&staff.user.id, &lookup, app.now()).await?)
}

/// The session goes on under a new token: its person has proved who they are.
pub(crate) async fn rotated(app: &App, browser: &Browser, user: &User) -> Result<Cookies, PageError> {
    let old = browser.session.as_deref().map(|token| app.keys().lookup(token)).unwrap_or_default();
    let token = app.keys().random_token();
    let rules = app.rules();
    let until = app.now().plus_seconds(rules.idle_seconds.min(rules.most_seconds));
    app.store().rotate_session(&old, &app.keys().lookup(token.reveal()), until, app.now()).await?;
    entered(app, token.reveal(), user, Stage::In).await
}

/// `GET /{slug}/sign-in/forgot`: a new password by mail.
#[derive(Debug, Serialize)]
pub struct ForgotPage {
    /// The municipality's slug.
    pub slug: String,
    /// Mail reaches people.
    pub mail: bool,
    /// The mail is on its way, if there is such an account.
    pub sent: bool,
    /// What is wrong, in words.
    pub fault: Option<String>,
}

impl Page for ForgotPage {
    const TEMPLATE: &'static str = "signin/forgot.html";

    fn samples() -> Vec<Self> {
        let page = |mail, sent, fault: Option<&str>| Self {
            slug: "hojager".to_owned(),
            mail,
            sent,
            fault: fault.map(str::to_owned),
        };
        vec![page(true, false, Some("Vent.")), page(true, true, None), page(false, false, None)]
    }
}

async fn forgot(State(app): State<App>, visit: Visit, Path(slug): Path<String>) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    if !app.rules().local_passwords {
        return Err(PageError::NotFound);
    }
    app.view(&visit).of(&municipality).render(&ForgotPage { slug, mail: app.rules().mail, sent: false, fault: None })
}

#[derive(Deserialize)]
struct ForgotForm {
    #[serde(default)]
    email: String,
}

async fn send_reset(
    State(app): State<App>,
    visit: Visit,
    browser: Browser,
    Path(slug): Path<String>,
    Form(form): Form<ForgotForm>,
) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    let (rules, view) = (app.rules(), app.view(&visit).of(&municipality));
    if !rules.local_passwords || !rules.mail {
        return Err(PageError::NotFound);
    }
    let email: String = form.email.trim().to_lowercase().chars().take(320).collect();
    // Not released: three mails a day are enough for anybody, and the answer is the same for an address that is not known.
    if let Err(wait) = brake::hold(&app, &browser, "reset", &format!("{slug}:{email}")).await? {
        let fault = Some(wait_words(&app, view.language(), wait));
        let page = ForgotPage { slug, mail: true, sent: false, fault };
        return view.status(StatusCode::TOO_MANY_REQUESTS).render(&page);
    }
    let user = app.store().user_by_email(&municipality.id, &email).await?;
    if let Some(user) = user.filter(|u| u.disabled_at.is_none()) {
        mail_link(&app, &municipality, &user.id, Purpose::Reset, RESET_HOURS).await?;
        app.store().audit(&municipality.id, None, "password.reset_asked", user.id.as_str(), "", app.now()).await?;
    }
    view.render(&ForgotPage { slug, mail: true, sent: true, fault: None })
}

/// Queues a mail with a one-time link; returns the link.
///
/// # Errors
/// When the database is away.
pub(crate) async fn mail_link(
    app: &App,
    municipality: &Municipality,
    user: &UserId,
    purpose: Purpose,
    hours: i64,
) -> Result<(), PageError> {
    let now = app.now();
    let id = MailId::new(now);
    let lookup = app.keys().lookup(app.keys().sign_in_token(id.as_str()).reveal());
    let until = now.plus_seconds(hours * 3600);
    Ok(app.store().queue_staff_mail(&municipality.id, user, purpose, &id, &lookup, until, now).await?)
}

#[derive(Deserialize)]
struct AsWhom {
    user: String,
}

/// The demo's "look around as": there every mail, and so every link, lies open anyway. Elsewhere there is no such address.
async fn sign_in_as(
    State(app): State<App>,
    browser: Browser,
    Path(slug): Path<String>,
    Form(form): Form<AsWhom>,
) -> Result<Response, PageError> {
    if !app.settings().catcher {
        return Err(PageError::NotFound);
    }
    let municipality = app.store().municipality_by_slug(&slug).await?;
    let id = UserId(form.user);
    let users = app.store().users(&municipality.id).await?;
    let user = users.into_iter().find(|u| u.id == id && u.disabled_at.is_none()).ok_or(PageError::NotFound)?;
    let cookies = open_session(&app, &browser, &user, Stage::In, Method::Demo).await?;
    Ok((cookies, Redirect::to(&landing(&municipality.slug, user.role))).into_response())
}
