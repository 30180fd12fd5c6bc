//! Staff: who may sign in here and what they may do; invitations, roles, deactivating, resetting.
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::fieldwork::Role;
use domain::ids::UserId;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::people::{Person, Purpose};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::account::SessionLine;
use crate::pages::signin::door::mail_link;
use crate::pages::signin::{Administrator, Bar, Note, Recent, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Hours for which an invitation is good.
const INVITATION_HOURS: i64 = 7 * 24;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/people", routing::get(list).post(invite))
        .route("/{slug}/console/people/{person}", routing::get(show))
        .route("/{slug}/console/people/{person}/role", routing::post(change))
        .route("/{slug}/console/people/{person}/invitation", routing::post(invite_again))
        .route("/{slug}/console/people/{person}/revoke", routing::post(revoke))
        .route("/{slug}/console/people/{person}/two-step", routing::post(reset))
        .route("/{slug}/console/people/{person}/sessions", routing::post(sign_out))
        .route("/{slug}/console/people/{person}/active", routing::post(set_active))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<PeoplePage>(site)?;
    templates.check::<PersonPage>(site)?;
    templates.check::<HandOverPage>(site)
}

/// `GET /{slug}/console/people`
#[derive(Debug, Serialize)]
pub struct PeoplePage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The staff.
    pub people: Vec<PersonLine>,
    /// An invitation that was filled in.
    pub form: InviteForm,
    /// What is wrong with the name, in words.
    pub name_fault: Option<String>,
    /// What is wrong with the address, in words.
    pub email_fault: Option<String>,
    /// Roles to choose from.
    pub roles: Vec<&'static str>,
    /// Passwords are kept here: colleagues are invited to choose one.
    pub local: bool,
}

/// Somebody in the list.
#[derive(Debug, Clone, Serialize)]
pub struct PersonLine {
    /// Their page.
    pub href: String,
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Key of the role's name.
    pub role: String,
    /// `active`, `disabled`, `invited`, `expired`, `link`.
    pub state: &'static str,
    /// A second step is set up.
    pub two_step: bool,
    /// Signs in through the municipality's own sign-in.
    pub single: bool,
    /// Signed in last.
    pub last_at: Option<i64>,
}

impl PersonLine {
    /// `demo`: everybody signs in by the links that were printed at start.
    fn of(slug: &str, person: &Person, demo: bool) -> Self {
        let user = &person.user;
        let state = if user.disabled_at.is_some() {
            "disabled"
        } else if person.password_at.is_some() || person.single_since.is_some() {
            "active"
        } else if person.invited_at.is_some() {
            "invited"
        } else if person.last_sign_in_at.is_some() || demo {
            "link"
        } else {
            "expired"
        };
        Self {
            href: format!("/{slug}/console/people/{}", user.id),
            name: user.name.clone(),
            email: user.email.clone(),
            role: format!("console.role_{}", user.role.as_str()),
            state,
            two_step: person.second_step_at.is_some(),
            single: person.single_since.is_some(),
            last_at: person.last_sign_in_at.map(|at| at.0),
        }
    }

    fn sample(state: &'static str) -> Self {
        Self {
            href: "/hojager/console/people/1".to_owned(),
            name: "Mette Holm".to_owned(),
            email: "mette@example.dk".to_owned(),
            role: "console.role_analyst".to_owned(),
            state,
            two_step: state == "active",
            single: state == "active",
            last_at: (state == "active").then_some(1_790_000_000_000),
        }
    }
}

/// An invitation as filled in.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InviteForm {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Role.
    pub role: String,
}

const STATES: [&str; 5] = ["active", "disabled", "invited", "expired", "link"];

fn roles() -> Vec<&'static str> {
    [Role::Analyst, Role::Interviewer, Role::Committee, Role::Administrator].map(Role::as_str).to_vec()
}

impl Page for PeoplePage {
    const TEMPLATE: &'static str = "console/people.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            bar: Bar::sample(full),
            note: full.then_some("accounts.flash_invited"),
            people: if full { STATES.map(PersonLine::sample).into() } else { Vec::new() },
            form: InviteForm { role: "analyst".to_owned(), ..InviteForm::default() },
            name_fault: full.then(|| "Mangler.".to_owned()),
            email_fault: full.then(|| "Mangler.".to_owned()),
            roles: roles(),
            local: full,
        };
        vec![page(true), page(false)]
    }
}

async fn people_page(app: &App, staff: &Staff) -> Result<PeoplePage, PageError> {
    let people = app.store().people(&staff.municipality.id, app.now()).await?;
    Ok(PeoplePage {
        bar: staff.bar("people"),
        note: None,
        people: people.iter().map(|p| PersonLine::of(&staff.municipality.slug, p, app.settings().catcher)).collect(),
        form: InviteForm { role: Role::Analyst.as_str().to_owned(), ..InviteForm::default() },
        name_fault: None,
        email_fault: None,
        roles: roles(),
        local: app.rules().local_passwords,
    })
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    note: Note,
) -> Result<Response, PageError> {
    let page = PeoplePage { note: note.key(), ..people_page(&app, &staff).await? };
    app.view(&visit).of(&staff.municipality).render(&page)
}

/// A link to be handed over by hand, where mail does not reach people yet.
#[derive(Debug, Serialize)]
pub struct HandOverPage {
    /// Navigation.
    pub bar: Bar,
    /// Key of the sentence that says what to do with it.
    pub text: &'static str,
    /// For whom.
    pub name: String,
    /// The link.
    pub link: String,
    /// Where one goes on.
    pub back: String,
}

impl Page for HandOverPage {
    const TEMPLATE: &'static str = "console/hand-over.html";

    fn samples() -> Vec<Self> {
        ["accounts.link_copy", "accounts.reader_made"]
            .map(|text| Self {
                bar: Bar::sample(true),
                text,
                name: "Mette Holm".to_owned(),
                link: "https://maaling.example/sign-in/abc".to_owned(),
                back: "/hojager/console/people".to_owned(),
            })
            .into()
    }
}

/// Mails the invitation, or shows its link where mail does not reach people.
async fn send_invitation(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    user: &UserId,
    name: &str,
) -> Result<Response, PageError> {
    let slug = &staff.municipality.slug;
    staff.did(app, "user.invited", user.as_str(), "").await?;
    if app.rules().mail {
        mail_link(app, &staff.municipality, user, Purpose::Invitation, INVITATION_HOURS).await?;
        return Ok(Redirect::to(&format!("/{slug}/console/people?note=invited")).into_response());
    }
    let (token, now) = (app.keys().random_token(), app.now());
    let (lookup, until) = (app.keys().lookup(token.reveal()), now.plus_seconds(INVITATION_HOURS * 3600));
    app.store().create_link(&staff.municipality.id, user, Purpose::Invitation, &lookup, until, now).await?;
    let page = HandOverPage {
        bar: staff.bar("people"),
        text: "accounts.link_copy",
        name: name.to_owned(),
        link: format!("{}/sign-in/{}", app.settings().public_url, token.reveal()),
        back: format!("/{slug}/console/people"),
    };
    app.view(visit).of(&staff.municipality).render(&page)
}

async fn invite(
    State(app): State<App>,
    visit: Visit,
    Recent(Administrator(staff)): Recent<Administrator>,
    Form(form): Form<InviteForm>,
) -> Result<Response, PageError> {
    let role = Role::parse(&form.role).ok_or(PageError::BadRequest)?;
    if !app.rules().local_passwords {
        return Err(PageError::NotFound);
    }
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let mut page = people_page(&app, &staff).await?;
    let name: String = form.name.trim().chars().take(120).collect();
    if name.is_empty() {
        page.name_fault = Some(app.t(language, "accounts.fault_missing", &[]));
    }
    let email = intake::email::parse(&form.email);
    if email.is_none() {
        page.email_fault = Some(app.t(language, "accounts.fault_email", &[]));
    }
    if let (Some(email), None) = (&email, &page.name_fault) {
        match app.store().create_user(&staff.municipality.id, &name, email, role, app.now()).await {
            Ok(user) => return send_invitation(&app, &visit, &staff, &user.id, &user.name).await,
            Err(StoreError::Conflict(_)) => page.email_fault = Some(app.t(language, "accounts.fault_taken", &[])),
            Err(error) => return Err(error.into()),
        }
    }
    page.form = form;
    view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page)
}

/// `GET /{slug}/console/people/{person}`
#[derive(Debug, Serialize)]
pub struct PersonPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// Who.
    pub person: PersonLine,
    /// The role.
    pub role: &'static str,
    /// Roles to choose from.
    pub roles: Vec<&'static str>,
    /// It is oneself.
    pub own: bool,
    /// Passwords are kept here.
    pub local: bool,
    /// An invitation that is good was made then.
    pub invited_at: Option<i64>,
    /// Mail waits to be sent.
    pub mail_waits: bool,
    /// What the server said when the mail was refused.
    pub mail_failed: Option<String>,
    /// Where they are signed in.
    pub sessions: Vec<SessionLine>,
    /// What stands in the way: key of a sentence.
    pub fault: Option<&'static str>,
}

impl Page for PersonPage {
    const TEMPLATE: &'static str = "console/person.html";

    fn samples() -> Vec<Self> {
        let page = |state: &'static str, own: bool| Self {
            bar: Bar::sample(true),
            note: own.then_some("accounts.flash_person_changed"),
            person: PersonLine::sample(state),
            role: "analyst",
            roles: roles(),
            own,
            local: !own,
            invited_at: (state == "invited").then_some(1_790_000_000_000),
            mail_waits: state == "invited",
            mail_failed: (state == "expired").then(|| "550 no such user".to_owned()),
            sessions: if own { Vec::new() } else { SessionLine::samples() },
            fault: own.then_some("accounts.person_last_administrator"),
        };
        STATES.map(|state| page(state, false)).into_iter().chain([page("active", true)]).collect()
    }
}

async fn person_page(app: &App, staff: &Staff, id: &UserId) -> Result<PersonPage, PageError> {
    let (place, now) = (&staff.municipality.id, app.now());
    let person = app.store().person(place, id, now).await?;
    let mail = app.store().latest_staff_mail(place, id, Purpose::Invitation).await?;
    let mail_state = mail.as_ref().map(|(state, _)| state.as_str());
    Ok(PersonPage {
        bar: staff.bar("people"),
        note: None,
        role: person.user.role.as_str(),
        roles: roles(),
        own: *id == staff.user.id,
        local: app.rules().local_passwords,
        invited_at: person.invited_at.map(|at| at.0),
        mail_waits: mail_state == Some("pending"),
        mail_failed: mail.as_ref().filter(|_| mail_state == Some("failed")).map(|(_, words)| words.clone()),
        sessions: app.store().sessions(place, id, now).await?.iter().map(|s| SessionLine::of(s, "")).collect(),
        person: PersonLine::of(&staff.municipality.slug, &person, app.settings().catcher),
        fault: None,
    })
}

type InPath = Path<(String, String)>;

async fn show(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    Path((_, person)): InPath,
    note: Note,
) -> Result<Response, PageError> {
    let page = PersonPage { note: note.key(), ..person_page(&app, &staff, &UserId(person)).await? };
    app.view(&visit).of(&staff.municipality).render(&page)
}

fn to_person(staff: &Staff, person: &UserId, note: &str) -> Response {
    Redirect::to(&format!("/{}/console/people/{person}?note={note}", staff.municipality.slug)).into_response()
}

/// Changes role or state of a colleague; the last administrator stays.
async fn update(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    id: &UserId,
    action: &str,
    change: impl FnOnce(&Person) -> (Role, bool),
) -> Result<Response, PageError> {
    let (place, now) = (&staff.municipality.id, app.now());
    let person = app.store().person(place, id, now).await?;
    if *id == staff.user.id {
        return Err(PageError::Forbidden);
    }
    let (role, disabled) = change(&person);
    match app.store().update_user(place, id, &person.user.name, role, disabled, now).await {
        Ok(()) => {
            staff.did(app, action, id.as_str(), role.as_str()).await?;
            Ok(to_person(staff, id, "person_changed"))
        }
        Err(StoreError::State(_)) => {
            let fault = Some("accounts.person_last_administrator");
            let page = PersonPage { fault, ..person_page(app, staff, id).await? };
            app.view(visit).of(&staff.municipality).status(StatusCode::CONFLICT).render(&page)
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct RoleForm {
    role: String,
}

async fn change(
    State(app): State<App>,
    visit: Visit,
    Recent(Administrator(staff)): Recent<Administrator>,
    Path((_, person)): InPath,
    Form(form): Form<RoleForm>,
) -> Result<Response, PageError> {
    let role = Role::parse(&form.role).ok_or(PageError::BadRequest)?;
    let as_before = |person: &Person| (role, person.user.disabled_at.is_some());
    update(&app, &visit, &staff, &UserId(person), "user.changed", as_before).await
}

#[derive(Deserialize)]
struct ActiveForm {
    active: String,
}

async fn set_active(
    State(app): State<App>,
    visit: Visit,
    Recent(Administrator(staff)): Recent<Administrator>,
    Path((_, person)): InPath,
    Form(form): Form<ActiveForm>,
) -> Result<Response, PageError> {
    let disabled = form.active != "yes";
    let action = if disabled { "user.disabled" } else { "user.enabled" };
    update(&app, &visit, &staff, &UserId(person), action, |person| (person.user.role, disabled)).await
}

async fn invite_again(
    State(app): State<App>,
    visit: Visit,
    Recent(Administrator(staff)): Recent<Administrator>,
    Path((_, person)): InPath,
) -> Result<Response, PageError> {
    let person = app.store().person(&staff.municipality.id, &UserId(person), app.now()).await?;
    if !app.rules().local_passwords || person.user.disabled_at.is_some() || person.password_at.is_some() {
        return Err(PageError::Conflict);
    }
    send_invitation(&app, &visit, &staff, &person.user.id, &person.user.name).await
}

async fn revoke(
    State(app): State<App>,
    Recent(Administrator(staff)): Recent<Administrator>,
    Path((_, person)): InPath,
) -> Result<Response, PageError> {
    let id = UserId(person);
    app.store().void_links(&staff.municipality.id, &id, Purpose::Invitation).await?;
    staff.did(&app, "user.invitation_revoked", id.as_str(), "").await?;
    Ok(to_person(&staff, &id, "taken_back"))
}

async fn reset(
    State(app): State<App>,
    Recent(Administrator(staff)): Recent<Administrator>,
    Path((_, person)): InPath,
) -> Result<Response, PageError> {
    let id = UserId(person);
    // One's own second step is switched off with one's own proof, elsewhere.
    if id == staff.user.id {
        return Err(PageError::Forbidden);
    }
    app.store().drop_second_step(&staff.municipality.id, &id).await?;
    app.store().end_sessions(&staff.municipality.id, &id, None).await?;
    staff.did(&app, "second_step.reset", id.as_str(), "").await?;
    Ok(to_person(&staff, &id, "second_step_off"))
}

async fn sign_out(
    State(app): State<App>,
    Recent(Administrator(staff)): Recent<Administrator>,
    Path((_, person)): InPath,
) -> Result<Response, PageError> {
    let id = UserId(person);
    app.store().end_sessions(&staff.municipality.id, &id, None).await?;
    staff.did(&app, "user.signed_out", id.as_str(), "").await?;
    Ok(to_person(&staff, &id, "sessions_ended"))
}
