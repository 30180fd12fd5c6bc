//! Signing in and out, and who may reach what: the [`Staff`] extractors of the other staff pages.
use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::fieldwork::Role;
use domain::ids::UserId;
use domain::municipality::Municipality;
use serde::{Deserialize, Serialize};
use store::people::User;
use text::EngineError;

use crate::app::App;
use crate::error::{PageError, Whose};
use crate::pages::mail_notice::MailNotice;
use crate::templates::{Page, Site, Templates};
use crate::visit::{Visit, cookie};

/// The name of the session cookie (before a prefix).
pub const SESSION_COOKIE: &str = "session";
/// A working day: who leaves a browser open is signed out by the next morning.
const SESSION_SECONDS: i64 = 12 * 60 * 60;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/sign-in/{token}", routing::get(ask).post(sign_in))
        .route("/sign-out", routing::post(sign_out))
        .route("/{slug}/sign-in", routing::get(front))
        .route("/{slug}/sign-in/as", routing::post(sign_in_as))
        .route("/{slug}/account", routing::get(account))
        .layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<SignInPage>(site)?;
    templates.check::<FrontPage>(site)?;
    templates.check::<AccountPage>(site)
}

/// Staff pages are nobody else's: no cache keeps them. (The referrer stays within our own pages by default; `no-referrer` would take
/// the origin from forms, by which they are told from another site's.)
pub(crate) async fn not_kept(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What a role opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// One's own account.
    Account,
    /// Publications.
    Results,
    /// Rounds, frames and figures in the making.
    Console,
    /// Who did what.
    Trail,
    /// The telephone.
    Calls,
}

/// May this role enter?
#[must_use]
pub const fn may(role: Role, area: Area) -> bool {
    match area {
        Area::Account => true,
        Area::Results => matches!(role, Role::Administrator | Role::Analyst | Role::Committee),
        Area::Console => matches!(role, Role::Administrator | Role::Analyst),
        Area::Trail => matches!(role, Role::Administrator),
        Area::Calls => matches!(role, Role::Administrator | Role::Analyst | Role::Interviewer),
    }
}

/// Somebody who is signed in at this municipality; whatever the role.
pub struct Staff {
    /// Who.
    pub user: User,
    /// Where.
    pub municipality: Municipality,
    /// What is to be known of the mail, where the role is for that.
    pub mail: MailNotice,
}

/// Somebody who may read publications.
pub struct Reader(pub Staff);
/// Somebody who may run rounds.
pub struct Analyst(pub Staff);
/// Somebody who may call businesses.
pub struct Caller(pub Staff);
/// Somebody who may see who did what.
pub struct Administrator(pub Staff);

/// Why somebody does not get in.
pub enum Refused {
    /// Not signed in, or not any more.
    SignIn {
        /// Where to.
        slug: String,
    },
    /// Signed in, but this is not theirs.
    NotYours(Box<Municipality>),
    /// No such municipality, or the database is away.
    Page(PageError),
}

impl From<PageError> for Refused {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn { slug } => Redirect::to(&format!("/{slug}/sign-in")).into_response(),
            Self::NotYours(municipality) => {
                let mut response = PageError::Forbidden.into_response();
                response.extensions_mut().insert(Whose(*municipality));
                response
            }
            Self::Page(error) => error.into_response(),
        }
    }
}

/// Who holds the session of these headers, whatever the municipality.
async fn session_user(app: &App, headers: &HeaderMap) -> Result<Option<User>, PageError> {
    let Some(token) = cookie(headers, &app.settings().cookie_name(SESSION_COOKIE)) else { return Ok(None) };
    let session = app.store().session(&app.keys().lookup(&token), app.now()).await?;
    Ok(session.map(|s| s.user).filter(|user| user.disabled_at.is_none()))
}

async fn staff(parts: &mut Parts, app: &App, area: Area) -> Result<Staff, Refused> {
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| PageError::NotFound)?;
    let slug =
        params.iter().find(|(name, _)| *name == "slug").map(|(_, slug)| slug.to_owned()).ok_or(PageError::NotFound)?;
    let municipality = app.store().municipality_by_slug(&slug).await.map_err(PageError::from)?;
    let Some(user) = session_user(app, &parts.headers).await? else {
        return Err(Refused::SignIn { slug: municipality.slug });
    };
    if user.municipality != municipality.id || !may(user.role, area) {
        return Err(Refused::NotYours(Box::new(municipality)));
    }
    let mail =
        if may(user.role, Area::Console) { MailNotice::of(app, &municipality).await? } else { MailNotice::default() };
    Ok(Staff { user, municipality, mail })
}

macro_rules! extractors {
    ($($extractor:ty, $area:ident, $wrap:expr);+ $(;)?) => {$(
        impl FromRequestParts<App> for $extractor {
            type Rejection = Refused;

            async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
                staff(parts, app, Area::$area).await.map($wrap)
            }
        }
    )+};
}
extractors! {
    Staff, Account, std::convert::identity;
    Reader, Results, Reader;
    Analyst, Console, Analyst;
    Caller, Calls, Caller;
    Administrator, Trail, Administrator;
}

impl Staff {
    /// Notes in the audit trail what this person did.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn did(&self, app: &App, action: &str, subject: &str, detail: &str) -> Result<(), PageError> {
        Ok(app.store().audit(&self.municipality.id, Some(&self.user.id), action, subject, detail, app.now()).await?)
    }

    /// The navigation for this person, on the page `current`.
    #[must_use]
    pub fn bar(&self, current: &'static str) -> Bar {
        Bar {
            slug: self.municipality.slug.clone(),
            name: self.user.name.clone(),
            role: format!("console.role_{}", self.user.role.as_str()),
            console: may(self.user.role, Area::Console),
            results: may(self.user.role, Area::Results),
            trail: may(self.user.role, Area::Trail),
            calls: may(self.user.role, Area::Calls),
            current,
            mail: self.mail.clone(),
        }
    }

    /// Where this person begins.
    fn landing(&self) -> String {
        landing(&self.municipality.slug, self.user.role)
    }
}

fn landing(slug: &str, role: Role) -> String {
    let place = match role {
        Role::Administrator | Role::Analyst => "console",
        Role::Committee => "committee",
        Role::Interviewer => "calls",
    };
    format!("/{slug}/{place}")
}

/// The navigation of staff pages.
#[derive(Debug, Clone, Serialize)]
pub struct Bar {
    /// The municipality's slug.
    pub slug: String,
    /// Name of the person.
    pub name: String,
    /// Key of the role's name.
    pub role: String,
    /// Shows the console.
    pub console: bool,
    /// Shows publications.
    pub results: bool,
    /// Shows the audit trail.
    pub trail: bool,
    /// Shows the telephone.
    pub calls: bool,
    /// What is to be known of the mail.
    pub mail: MailNotice,
    /// The page shown: `home`, `frames`, `publications`, `committee`, `calls`, `trail`, `account`.
    pub current: &'static str,
}

impl Bar {
    /// A bar for the check at start.
    #[must_use]
    pub fn sample(full: bool) -> Self {
        let role = if full { "console.role_administrator" } else { "console.role_committee" };
        let current = if full { "home" } else { "committee" };
        Self {
            slug: "hojager".to_owned(),
            name: "Mette Holm".to_owned(),
            role: role.to_owned(),
            console: full,
            results: true,
            trail: full,
            calls: full,
            current,
            mail: MailNotice::sample(full),
        }
    }
}

/// `GET /sign-in/{token}`: a button, since mail scanners open links and must not use them up.
#[derive(Debug, Serialize)]
pub struct SignInPage {
    /// The link is unknown, used or too old.
    pub stale: bool,
}

impl Page for SignInPage {
    const TEMPLATE: &'static str = "signin/link.html";

    fn samples() -> Vec<Self> {
        vec![Self { stale: false }, Self { stale: true }]
    }
}

async fn ask(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    app.view(&visit).render(&SignInPage { stale: false })
}

async fn sign_in(State(app): State<App>, visit: Visit, Path(token): Path<String>) -> Result<Response, PageError> {
    let session = app.keys().random_token();
    let now = app.now();
    let lookup = app.keys().lookup(session.reveal());
    let user =
        app.store().use_sign_in(&app.keys().lookup(&token), &lookup, now.plus_seconds(SESSION_SECONDS), now).await?;
    let Some(user) = user else {
        return app.view(&visit).status(axum::http::StatusCode::GONE).render(&SignInPage { stale: true });
    };
    let municipality = app.store().municipality(&user.municipality).await?;
    let staff = Staff { user, municipality, mail: MailNotice::default() };
    staff.did(&app, "session.opened", staff.user.id.as_str(), "").await?;
    Ok((session_cookie(&app, session.reveal(), SESSION_SECONDS.unsigned_abs())?, Redirect::to(&staff.landing()))
        .into_response())
}

fn session_cookie(app: &App, token: &str, seconds: u64) -> Result<[(header::HeaderName, HeaderValue); 1], PageError> {
    let value =
        HeaderValue::from_str(&app.settings().cookie(SESSION_COOKIE, token, seconds)).map_err(PageError::internal)?;
    Ok([(header::SET_COOKIE, value)])
}

async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, PageError> {
    if let Some(token) = cookie(&headers, &app.settings().cookie_name(SESSION_COOKIE)) {
        app.store().end_session(&app.keys().lookup(&token)).await?;
    }
    Ok((session_cookie(&app, "", 0)?, Redirect::to("/")).into_response())
}

/// `GET /{slug}/sign-in`: how to get in; in the demo also as whom.
#[derive(Debug, Serialize)]
pub struct FrontPage {
    /// The municipality's slug.
    pub slug: String,
    /// In the demo: as whom one can look around.
    pub people: Vec<FrontPerson>,
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
        vec![
            Self { slug: "hojager".to_owned(), people: vec![person] },
            Self { slug: "hojager".to_owned(), people: Vec::new() },
        ]
    }
}

async fn front(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    if let Some(user) = session_user(&app, &headers).await?
        && user.municipality == municipality.id
    {
        return Ok(Redirect::to(&landing(&municipality.slug, user.role)).into_response());
    }
    let people = if app.settings().catcher { app.store().users(&municipality.id).await? } else { Vec::new() };
    let people = people.into_iter().filter(|u| u.disabled_at.is_none());
    let person = |u: User| FrontPerson { id: u.id.0, name: u.name, role: format!("console.role_{}", u.role.as_str()) };
    let page = FrontPage { slug: municipality.slug.clone(), people: people.map(person).collect() };
    app.view(&visit).of(&municipality).render(&page)
}

#[derive(Deserialize)]
struct AsWhom {
    user: String,
}

/// The demo's "look around as": there every mail, and so every link, lies open anyway. Elsewhere there is no such address.
async fn sign_in_as(
    State(app): State<App>,
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
    let session = app.keys().random_token();
    let now = app.now();
    let lookup = app.keys().lookup(session.reveal());
    app.store().open_session(&municipality.id, &user.id, &lookup, now.plus_seconds(SESSION_SECONDS), now).await?;
    let staff = Staff { user, municipality, mail: MailNotice::default() };
    staff.did(&app, "session.opened", staff.user.id.as_str(), "demo").await?;
    Ok((session_cookie(&app, session.reveal(), SESSION_SECONDS.unsigned_abs())?, Redirect::to(&staff.landing()))
        .into_response())
}

/// `GET /{slug}/account`
#[derive(Debug, Serialize)]
pub struct AccountPage {
    /// Navigation.
    pub bar: Bar,
    /// Address.
    pub email: String,
}

impl Page for AccountPage {
    const TEMPLATE: &'static str = "signin/account.html";

    fn samples() -> Vec<Self> {
        [true, false].map(|full| Self { bar: Bar::sample(full), email: "mette@example.dk".to_owned() }).into()
    }
}

async fn account(State(app): State<App>, visit: Visit, staff: Staff) -> Result<Response, PageError> {
    let page = AccountPage { bar: staff.bar("account"), email: staff.user.email.clone() };
    app.view(&visit).of(&staff.municipality).render(&page)
}

/// What a page says about what was just done: a word of a closed list in the query (`?note=closed`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Nothing was done.
    #[default]
    None,
    /// A round was made.
    Created,
    /// Dates were changed.
    Dates,
    /// Sending is paused.
    Paused,
    /// Sending goes on.
    Resumed,
    /// A reminder was queued.
    Reminded,
    /// The round was closed.
    Closed,
    /// A message was queued again.
    Resent,
    /// A wish to be contacted was worked off.
    Contacted,
    /// Thanks or a welcome were queued.
    Noticed,
}

impl Note {
    /// Key of the message that says it.
    #[must_use]
    pub const fn key(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Created => "console.flash_created",
            Self::Dates => "console.flash_dates",
            Self::Paused => "console.flash_paused",
            Self::Resumed => "console.flash_resumed",
            Self::Reminded => "console.flash_reminded",
            Self::Closed => "console.flash_closed",
            Self::Resent => "console.flash_resent",
            Self::Contacted => "console.flash_contacted",
            Self::Noticed => "sending.noticed",
        })
    }
}

#[derive(Deserialize)]
struct NoteQuery {
    #[serde(default)]
    note: Note,
}

impl<S: Sync> FromRequestParts<S> for Note {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(axum::extract::Query::<NoteQuery>::try_from_uri(&parts.uri).map(|q| q.0.note).unwrap_or_default())
    }
}
