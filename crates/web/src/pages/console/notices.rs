//! Messages that ask for no answer, sent by one confirmed click: thanks with the results, and a welcome to new businesses.
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::fieldwork::{MessageKind, RoundState};
use domain::ids::RoundId;
use serde::Serialize;
use store::rounds::Round;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::rounds::{RoundInfo, info};
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/rounds/{round}/thanks", routing::get(ask_thanks).post(thank))
        .route("/{slug}/console/rounds/{round}/welcome", routing::get(ask_welcome).post(welcome))
        .route("/{slug}/console/mail/resume", routing::post(resume_all))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<NoticePage>(site)
}

/// `GET /{slug}/console/rounds/{round}/thanks` and `…/welcome`: how many get it, and the button.
#[derive(Debug, Serialize)]
pub struct NoticePage {
    /// Navigation.
    pub bar: Bar,
    /// The round.
    pub round: RoundInfo,
    /// `thanks` or `welcome`.
    pub what: &'static str,
    /// How many get it.
    pub n: u64,
    /// How many have it, or will without another click.
    pub before: u64,
    /// Why it cannot be sent: key of a message.
    pub obstacle: Option<&'static str>,
}

impl Page for NoticePage {
    const TEMPLATE: &'static str = "console/notice.html";

    fn samples() -> Vec<Self> {
        let page = |what, n, before, obstacle: Option<&'static str>| Self {
            bar: Bar::sample(true),
            round: RoundInfo::sample("closed"),
            what,
            n,
            before,
            obstacle,
        };
        vec![
            page("thanks", 612, 0, None),
            page("welcome", 31, 4, None),
            page("thanks", 0, 612, Some("sending.notice_nobody")),
            page("thanks", 0, 0, Some("sending.notice_unpublished")),
        ]
    }
}

const fn word(kind: MessageKind) -> &'static str {
    if matches!(kind, MessageKind::Thanks) { "thanks" } else { "welcome" }
}

/// How many get the message, how many have it, and what stands in the way.
async fn due(
    app: &App,
    staff: &Staff,
    round: &Round,
    kind: MessageKind,
) -> Result<(u64, u64, Option<&'static str>), PageError> {
    let (id, store) = (&staff.municipality.id, app.store());
    let n = match kind {
        MessageKind::Thanks => store.thanks_due(id, &round.id).await?,
        _ => store.welcome_due(id, &round.id).await?,
    };
    let counts = store.mail_counts(id, &round.id).await?;
    let before = counts.iter().filter(|count| count.wave == kind.wave()).map(|count| count.messages).sum();
    let is_published = store.publications(id).await?.iter().any(|p| p.year == round.year);
    let obstacle = match kind {
        MessageKind::Thanks if !is_published => Some("sending.notice_unpublished"),
        _ if matches!(round.state, RoundState::Draft | RoundState::Opening) => Some("sending.notice_not_open"),
        _ if n == 0 => Some("sending.notice_nobody"),
        _ => None,
    };
    Ok((n, before, obstacle))
}

async fn ask(app: App, visit: Visit, staff: Staff, round: String, kind: MessageKind) -> Result<Response, PageError> {
    let round = app.store().round(&staff.municipality.id, &RoundId(round)).await?;
    let (n, before, obstacle) = due(&app, &staff, &round, kind).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let round = info(&app, view.language(), &staff, &round);
    view.render(&NoticePage { bar: staff.bar("home"), round, what: word(kind), n, before, obstacle })
}

/// Queues the message to everybody who has not had it. Clicked twice, the second click finds nobody.
async fn send(app: App, staff: Staff, round: String, kind: MessageKind) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let round = app.store().round(id, &RoundId(round)).await?;
    let (.., obstacle) = due(&app, &staff, &round, kind).await?;
    if obstacle.is_some_and(|key| key != "sending.notice_nobody") {
        return Err(PageError::Conflict);
    }
    let (domain, now) = (app.settings().host(), app.now());
    let queued = match kind {
        MessageKind::Thanks => app.store().queue_thanks(id, &round.id, domain, now).await?,
        _ => app.store().queue_welcome(id, &round.id, domain, now).await?,
    };
    staff.did(&app, &format!("mail.{}_queued", word(kind)), round.id.as_str(), &queued.to_string()).await?;
    let there = format!("/{}/console/rounds/{}?note=noticed", staff.municipality.slug, round.id);
    Ok(Redirect::to(&there).into_response())
}

async fn ask_thanks(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    ask(app, visit, staff, round, MessageKind::Thanks).await
}

async fn thank(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    send(app, staff, round, MessageKind::Thanks).await
}

async fn ask_welcome(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    ask(app, visit, staff, round, MessageKind::Welcome).await
}

async fn welcome(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    send(app, staff, round, MessageKind::Welcome).await
}

/// Lets all mail go on, from whatever page a person read why it does not.
async fn resume_all(State(app): State<App>, Analyst(staff): Analyst) -> Result<Response, PageError> {
    if app.store().resume_all_mail(app.now()).await? {
        staff.did(&app, "mail.resumed", "", "").await?;
    }
    Ok(Redirect::to(&format!("/{}/console?note=resumed", staff.municipality.slug)).into_response())
}
