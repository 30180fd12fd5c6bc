//! Signing in and out, and who may reach what: the [`Staff`] extractors of the other staff pages.
//!
//! # Layout
//! - this module: areas, roles, extractors ([`Staff`] and its kin, [`Recent`]), the navigation, opening and ending sessions
//! - [`door`]: the sign-in page, the second step, one-time links, a forgotten password
//! - [`reader`]: personal links of readers from outside
//! - [`single`]: the municipality's own sign-in
pub mod door;
pub mod reader;
pub mod single;

use std::convert::Infallible;

use axum::Router;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method as HttpMethod, header};
use axum::middleware::{self, Next};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use domain::fieldwork::Role;
use domain::ids::PublicationId;
use domain::municipality::Municipality;
use serde::{Deserialize, Serialize};
use store::people::{Method, NewSession, Session, Stage, User};
use text::EngineError;

use crate::app::App;
use crate::error::{PageError, Whose};
use crate::pages::mail_notice::MailNotice;
use crate::templates::{Site, Templates};
pub use crate::visit::SESSION_COOKIE;
use crate::visit::{Browser, KNOWN_COOKIE, cookie};

/// Use of a session is noted this often.
const NOTED_SECONDS: i64 = 60;
/// So long ago somebody may have proved who they are, for what needs it again.
const RECENT_SECONDS: i64 = 15 * 60;
/// A browser is remembered for a year.
const KNOWN_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .merge(door::routes())
        .merge(reader::routes())
        .merge(single::routes())
        .layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    door::check(templates, site)?;
    reader::check(templates, site)?;
    single::check(templates, site)
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
    /// Through what.
    pub session: Session,
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
    /// Something comes first: the second step, the one publication, proving who one is.
    First(String),
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
            Self::First(place) => Redirect::to(&place).into_response(),
            Self::NotYours(municipality) => {
                let mut response = PageError::Forbidden.into_response();
                response.extensions_mut().insert(Whose(*municipality));
                response
            }
            Self::Page(error) => error.into_response(),
        }
    }
}

/// The session of these headers, whatever the municipality and however far signing in has come.
pub(crate) async fn session_of(app: &App, headers: &HeaderMap) -> Result<Option<Session>, PageError> {
    let Some(token) = cookie(headers, &app.settings().cookie_name(SESSION_COOKIE)) else { return Ok(None) };
    let (now, lookup) = (app.now(), app.keys().lookup(&token));
    let Some(session) = app.store().session(&lookup, now).await? else { return Ok(None) };
    if session.stage == Stage::In && session.seen_at.plus_seconds(NOTED_SECONDS) < now {
        let rules = app.rules();
        app.store().touch_session(&lookup, NOTED_SECONDS, rules.idle_seconds, rules.most_seconds, now).await?;
    }
    Ok(Some(session))
}

async fn parameter(parts: &mut Parts, app: &App, wanted: &str) -> Result<Option<String>, PageError> {
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| PageError::NotFound)?;
    Ok(params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned()))
}

/// Somebody who has begun to sign in at this municipality.
async fn entering(parts: &mut Parts, app: &App) -> Result<Staff, Refused> {
    let slug = parameter(parts, app, "slug").await?.ok_or(PageError::NotFound)?;
    let municipality = app.store().municipality_by_slug(&slug).await.map_err(PageError::from)?;
    let Some(session) = session_of(app, &parts.headers).await? else {
        return Err(Refused::SignIn { slug: municipality.slug });
    };
    // Another municipality's pages are none at all.
    if session.user.municipality != municipality.id {
        return Err(Refused::Page(PageError::NotFound));
    }
    Ok(Staff { user: session.user.clone(), municipality, session, mail: MailNotice::default() })
}

async fn staff(parts: &mut Parts, app: &App, area: Area) -> Result<Staff, Refused> {
    let mut staff = entering(parts, app).await?;
    match staff.session.stage {
        Stage::Code => return Err(Refused::First(format!("/{}/sign-in/code", staff.municipality.slug))),
        Stage::SetUp => return Err(Refused::First(format!("/{}/account/two-step", staff.municipality.slug))),
        Stage::In => {}
    }
    let is_reader = staff.session.method == Method::Reader;
    if !may(staff.user.role, area) || (is_reader && area != Area::Results) {
        return Err(Refused::NotYours(Box::new(staff.municipality)));
    }
    // A reader of one publication is led to it and finds nothing else.
    if let Some(only) = &staff.session.publication {
        match parameter(parts, app, "publication").await? {
            Some(asked) if PublicationId(asked.clone()) == *only => {}
            None if parts.uri.path() == format!("/{}/committee", staff.municipality.slug) => {
                return Err(Refused::First(staff.landing()));
            }
            _ => return Err(Refused::NotYours(Box::new(staff.municipality))),
        }
    }
    if may(staff.user.role, Area::Console) {
        staff.mail = MailNotice::of(app, &staff.municipality).await?;
    }
    Ok(staff)
}

/// Somebody who has begun to sign in: the pages of the second step.
pub struct Entering(pub Staff);

impl FromRequestParts<App> for Entering {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let staff = entering(parts, app).await?;
        if staff.session.method == Method::Reader {
            return Err(Refused::NotYours(Box::new(staff.municipality)));
        }
        Ok(Self(staff))
    }
}

/// Who somebody is, whatever they may do.
pub trait Who {
    /// The person.
    fn staff(&self) -> &Staff;
}

impl Who for Staff {
    fn staff(&self) -> &Staff {
        self
    }
}

/// Somebody who has proved a moment ago who they are: `Recent<Administrator>`. A page asked for by somebody else leads to
/// their password first and then back; a form leads back to the page it stood on.
pub struct Recent<T>(pub T);

impl<T: FromRequestParts<App, Rejection = Refused> + Who + Send> FromRequestParts<App> for Recent<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refused> {
        let inner = T::from_request_parts(parts, app).await?;
        let staff = inner.staff();
        // In the demo nobody has a password to be asked for.
        let is_demo = app.settings().catcher && staff.session.method == Method::Demo;
        if is_demo || staff.session.proved_at.plus_seconds(RECENT_SECONDS) >= app.now() {
            return Ok(Self(inner));
        }
        let slug = &staff.municipality.slug;
        let back = if parts.method == HttpMethod::GET {
            parts.uri.path().to_owned()
        } else {
            let referer = parts.headers.get(header::REFERER).and_then(|v| v.to_str().ok()).unwrap_or_default();
            let path = referer.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
            own_path(slug, path.split('?').next().unwrap_or_default()).unwrap_or_else(|| staff.landing())
        };
        Err(Refused::First(format!("/{slug}/account/confirm?next={}", encoded(&back))))
    }
}

/// A path of this municipality's pages; `None`: it leads elsewhere.
pub(crate) fn own_path(slug: &str, path: &str) -> Option<String> {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b));
    (plain && path.starts_with(&format!("/{slug}/")) && !path.contains("//")).then(|| path.to_owned())
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Opens a session and says so to the browser.
///
/// # Errors
/// When the database is away.
pub(crate) async fn open_session(
    app: &App,
    browser: &Browser,
    user: &User,
    stage: Stage,
    method: Method,
) -> Result<Cookies, PageError> {
    let (token, now) = (app.keys().random_token(), app.now());
    let lookup = app.keys().lookup(token.reveal());
    let new = new_session(app, browser, &lookup, stage, method);
    // What was open in this browser is not left behind.
    end_here(app, browser).await?;
    app.store().open_session(&user.municipality, &user.id, &new, now).await?;
    entered(app, token.reveal(), user, stage).await
}

/// A session to be opened now.
pub(crate) fn new_session<'a>(
    app: &App,
    browser: &'a Browser,
    lookup: &'a str,
    stage: Stage,
    method: Method,
) -> NewSession<'a> {
    let rules = app.rules();
    // A session that is not in yet has a quarter of an hour.
    let seconds = if stage == Stage::In { rules.idle_seconds.min(rules.most_seconds) } else { RECENT_SECONDS };
    NewSession {
        lookup,
        stage,
        method,
        device: &browser.device,
        publication: None,
        expires_at: app.now().plus_seconds(seconds),
    }
}

/// What the browser is told when a session begins or changes its token; when somebody is in, the audit trail is told too.
pub(crate) async fn entered(app: &App, token: &str, user: &User, stage: Stage) -> Result<Cookies, PageError> {
    let mut cookies = vec![set_cookie(app, SESSION_COOKIE, token, app.rules().most_seconds.unsigned_abs())?];
    if stage == Stage::In {
        app.store()
            .audit(&user.municipality, Some(&user.id), "session.opened", user.id.as_str(), "", app.now())
            .await?;
        cookies.push(set_cookie(app, KNOWN_COOKIE, &Browser::mark(app, user.id.as_str()), KNOWN_SECONDS)?);
    }
    Ok(AppendHeaders(cookies))
}

/// `Set-Cookie` lines.
pub(crate) type Cookies = AppendHeaders<Vec<(header::HeaderName, HeaderValue)>>;

pub(crate) fn set_cookie(
    app: &App,
    name: &str,
    value: &str,
    seconds: u64,
) -> Result<(header::HeaderName, HeaderValue), PageError> {
    let value = HeaderValue::from_str(&app.settings().cookie(name, value, seconds)).map_err(PageError::internal)?;
    Ok((header::SET_COOKIE, value))
}

/// Ends the session of this browser, if there is one.
pub(crate) async fn end_here(app: &App, browser: &Browser) -> Result<(), PageError> {
    if let Some(token) = &browser.session {
        app.store().end_session(&app.keys().lookup(token)).await?;
    }
    Ok(())
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

macro_rules! who {
    ($($name:ident),+) => {$(
        impl Who for $name {
            fn staff(&self) -> &Staff {
                &self.0
            }
        }
    )+};
}
who!(Reader, Analyst, Caller, Administrator);

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
            account: self.session.method != Method::Reader,
            current,
            mail: self.mail.clone(),
        }
    }

    /// May this person read one publication only?
    pub(crate) fn reads_one(&self) -> bool {
        self.session.publication.is_some()
    }

    /// Where this person begins.
    pub(crate) fn landing(&self) -> String {
        match &self.session.publication {
            Some(only) => format!("/{}/committee/{only}", self.municipality.slug),
            None => landing(&self.municipality.slug, self.user.role),
        }
    }
}

pub(crate) fn landing(slug: &str, role: Role) -> String {
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
    /// Has an account of one's own; readers from outside have none.
    pub account: bool,
    /// What is to be known of the mail.
    pub mail: MailNotice,
    /// The page shown: `home`, `frames`, `plans`, `follow`, `visits`, `publications`, `committee`, `calls`, `trail`, `account`.
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
            account: full,
            current,
            mail: MailNotice::sample(full),
        }
    }
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
    /// A password was set.
    Password,
    /// The second step is set up.
    SecondStep,
    /// The second step is switched off.
    SecondStepOff,
    /// Sessions were ended.
    SessionsEnded,
    /// A colleague was invited by mail.
    Invited,
    /// An invitation or link was taken back.
    TakenBack,
    /// What a person may do was changed.
    PersonChanged,
    /// Thanks or a welcome were queued.
    Noticed,
    /// Something was saved.
    Saved,
    /// Something was deleted.
    Deleted,
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
            Self::Password => "accounts.flash_password",
            Self::SecondStep => "accounts.flash_second_step",
            Self::SecondStepOff => "accounts.flash_second_step_off",
            Self::SessionsEnded => "accounts.flash_sessions_ended",
            Self::Invited => "accounts.flash_invited",
            Self::TakenBack => "accounts.flash_taken_back",
            Self::PersonChanged => "accounts.flash_person_changed",
            Self::Noticed => "sending.noticed",
            Self::Saved => "follow.flash_saved",
            Self::Deleted => "follow.flash_deleted",
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
