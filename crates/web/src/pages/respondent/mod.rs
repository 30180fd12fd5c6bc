//! What a business sees behind its personal link: who asks, the questions, the receipt, and every way out.
//!
//! # Layout
//! - `start`: the first page, and what stands there when it cannot be answered
//! - `outcome`: what the business's sector said, once it is published
//! - `screen`: one page of questions, saved as it is received
//! - `finish`: review, submit, receipt, contact wish
//! - `receipt`: what needs the receipt's code: reading, correcting, fetching, withdrawing; and answering anew without it
//! - `rescue`: what was typed comes back when it could not be kept
//! - `pass_on`: somebody else should answer
//! - `stop`: no more mail
//!
//! A GET never changes anything: mail scanners open every link. The token in the address is the right to answer, so these
//! pages need no cookie; they are never stored, indexed or named to other sites. Once an answer is sent the link alone shows no
//! more of it: many read an info@ mailbox. The receipt's code opens it, and a cookie remembers that for an hour.
use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, middleware, routing};
use domain::answers::Answers;
use domain::fieldwork::{Mode, RoundKind};
use domain::language::Language;
use domain::municipality::Municipality;
use domain::questionnaire::Questionnaire;
use serde::Serialize;
use store::respondent::{Respondent, SavedResponse};
use text::EngineError;

use crate::app::{App, View};
use crate::error::PageError;
use crate::layers;
use crate::limits::{Tried, too_often};
use crate::templates::{Page, Site, Templates};
use crate::visit::{ClientAddress, Visit};

pub(crate) mod finish;
mod outcome;
mod pass_on;
pub(crate) mod receipt;
pub(crate) mod rescue;
pub(crate) mod screen;
mod start;
mod stop;

pub(crate) use receipt::next_screen;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/s/{token}", routing::get(start::first).post(start::begin))
        .route("/s/{token}/review", routing::get(finish::review))
        .route("/s/{token}/submit", routing::post(finish::submit))
        .route("/s/{token}/thanks", routing::get(finish::thanks))
        .route("/s/{token}/reach", routing::get(finish::reach).post(finish::leave_contact))
        .route("/s/{token}/code", routing::get(receipt::ask).post(receipt::open))
        .route("/s/{token}/again", routing::post(receipt::again))
        .route("/s/{token}/answers.txt", routing::get(receipt::fetch))
        .route("/s/{token}/withdraw", routing::get(receipt::withdraw).post(receipt::withdrawn))
        .route("/s/{token}/pass-on", routing::get(pass_on::page).post(pass_on::pass_on))
        .route("/s/{token}/stop", routing::get(stop::page).post(stop::stop))
        .route("/s/{token}/unsubscribe", routing::get(stop::page).post(stop::stop))
        .route("/s/{token}/{screen}", routing::get(screen::show).post(screen::save))
        .layer(middleware::from_fn(layers::private))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<NoticePage>(site)?;
    templates.check::<start::FirstPage>(site)?;
    templates.check::<screen::ScreenPage>(site)?;
    templates.check::<finish::ReviewPage>(site)?;
    templates.check::<finish::ThanksPage>(site)?;
    templates.check::<finish::ReachPage>(site)?;
    templates.check::<receipt::WithdrawPage>(site)?;
    templates.check::<receipt::CodePage>(site)?;
    templates.check::<rescue::RescuePage>(site)?;
    templates.check::<outcome::OutcomePage>(site)?;
    templates.check::<pass_on::PassOnPage>(site)?;
    templates.check::<stop::StopPage>(site)
}

/// The invitation behind the link, found or answered with a page that says what to do.
pub(crate) struct Invited {
    /// The address under which its pages lie.
    pub base: String,
    /// Everything that is known of it.
    pub who: Respondent,
    /// The round's questionnaire.
    pub questionnaire: Arc<Questionnaire>,
    /// By what means it is answered here.
    pub mode: Mode,
    /// The receipt's code was given lately, or is not needed.
    pub is_open: bool,
    /// What is being written in place of a sent answer, or on the telephone.
    pub draft: Option<SavedResponse>,
}

impl FromRequestParts<App> for Invited {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let token = path.ok().and_then(|Path(mut p)| p.remove("token")).unwrap_or_default();
        // Letters print it in groups, for people who type.
        let token = token.replace('-', "").to_lowercase();
        let found = app.store().invitation_by_lookup(&app.keys().lookup(&token)).await;
        let who = match found.map_err(PageError::from) {
            Ok(Some(who)) => who,
            Ok(None) => {
                let visit = Visit::from_request_parts(parts, app).await.unwrap_or_default();
                let from = ClientAddress::from_request_parts(parts, app).await.unwrap_or(ClientAddress::UNKNOWN);
                if let Err(wait) = app.limits().count(Tried::Link, &from.house()) {
                    return Err(too_often(app.view(&visit), wait).unwrap_or_else(IntoResponse::into_response));
                }
                return Err(no_longer(app, &visit, &token).await.unwrap_or_else(IntoResponse::into_response));
            }
            Err(error) => return Err(error.into_response()),
        };
        let id = who
            .round
            .questionnaire
            .clone()
            .ok_or_else(|| PageError::internal("a round without questionnaire").into_response())?;
        let questionnaire = app.questionnaire(&who.municipality.id, &id).await.map_err(IntoResponse::into_response)?;
        let mut invited =
            Self { base: format!("/s/{token}"), who, questionnaire, mode: Mode::Web, is_open: false, draft: None };
        if parts.method == Method::POST
            && let Err(wait) = app.limits().count(Tried::Form, invited.who.invitation.as_str())
        {
            let visit = Visit::from_request_parts(parts, app).await.unwrap_or_default();
            return Err(too_often(invited.view(app, &visit), wait).unwrap_or_else(IntoResponse::into_response));
        }
        invited.look_at_receipt(app, parts).await.map_err(IntoResponse::into_response)?;
        Ok(invited)
    }
}

impl Invited {
    /// The address of a page behind this link.
    pub(crate) fn href(&self, page: &str) -> String {
        if page.is_empty() { self.base.clone() } else { format!("{}/{page}", self.base) }
    }

    pub(crate) fn to(&self, page: &str) -> Response {
        Redirect::to(&self.href(page)).into_response()
    }

    pub(crate) fn view<'a>(&'a self, app: &'a App, visit: &'a Visit) -> View<'a> {
        app.view(visit).of(&self.who.municipality).prefer(self.who.language)
    }

    /// A sent answer opens with the code that this browser was given, or else another one is begun beside it.
    async fn look_at_receipt(&mut self, app: &App, parts: &Parts) -> Result<(), PageError> {
        if !self.is_submitted() {
            return Ok(());
        }
        if let Some(code) = receipt::remembered(app, self, &parts.headers) {
            let hash = app.keys().lookup(&code);
            self.is_open = app.store().is_reference(&self.who.invitation, &hash).await?;
        }
        if !self.is_open {
            self.draft = app.store().draft(&self.who.invitation, Mode::Web).await?;
        }
        Ok(())
    }

    /// The same business on the telephone: whatever it answered before stays out of sight.
    pub(crate) fn by_telephone(
        base: String,
        who: Respondent,
        questionnaire: Arc<Questionnaire>,
        draft: Option<SavedResponse>,
    ) -> Self {
        Self { base, who, questionnaire, mode: Mode::Telephone, is_open: false, draft }
    }

    /// Has an answer been sent?
    pub(crate) fn is_submitted(&self) -> bool {
        self.who.response.as_ref().is_some_and(|r| r.submitted_at.is_some())
    }

    /// Are answers written beside the response instead of into it?
    pub(crate) fn is_drafting(&self) -> bool {
        self.mode == Mode::Telephone || (self.is_submitted() && !self.is_open)
    }

    /// What is being answered here.
    pub(crate) fn work(&self) -> Option<&SavedResponse> {
        if self.is_drafting() { self.draft.as_ref() } else { self.who.response.as_ref() }
    }

    pub(crate) fn answers(&self) -> Answers {
        self.work().map(|r| r.answers.clone()).unwrap_or_default()
    }

    fn revision(&self) -> i64 {
        self.work().map_or(0, |r| r.revision)
    }

    /// The receipt's code of one sending: the same form sent twice gives the same code, another one gives another.
    fn reference(&self, app: &App, attempt: &str) -> String {
        let code = app.keys().verp(&format!("reference:{}:{attempt}", self.who.invitation)).to_uppercase();
        format!("{}-{}", &code[..5], &code[5..10])
    }
}

/// A link that was passed on since, or one that we never made.
async fn no_longer(app: &App, visit: &Visit, token: &str) -> Result<Response, PageError> {
    let Some((who, ended_at)) = app.store().former_invitation(&app.keys().lookup(token)).await? else {
        return unknown(app, visit).await;
    };
    let view = app.view(visit).of(&who.municipality).prefer(who.language).status(StatusCode::GONE);
    let language = view.language();
    let zone = text::format::zone(&who.municipality.settings.time_zone);
    let date = text::format::date_of(language, ended_at, &zone);
    view.render(&NoticePage {
        title: app.t(language, "respondent.former_title", &[]),
        lead: app.t(language, "respondent.former_lead", &[("date", date.into())]),
        paragraphs: vec![
            app.t(language, "respondent.former_text", &[]),
            app.t(language, "respondent.former_mistake", &[("municipality", who.municipality.name.as_str().into())]),
        ],
        reference: None,
        texts: Vec::new(),
        actions: Vec::new(),
        contact: Contact::of(&who.municipality),
    })
}

async fn unknown(app: &App, visit: &Visit) -> Result<Response, PageError> {
    // Where one municipality asks, whoever has lost a link can be told whom to call.
    let municipalities = app.store().municipalities().await?;
    let only = if let [only] = municipalities.as_slice() { Some(only) } else { None };
    let view = app.view(visit).status(StatusCode::NOT_FOUND);
    let view = if let Some(only) = only { view.of(only) } else { view };
    let language = view.language();
    view.render(&NoticePage {
        title: app.t(language, "respondent.unknown_title", &[]),
        lead: app.t(language, "respondent.unknown_lead", &[]),
        paragraphs: vec![app.t(language, "respondent.unknown_text", &[])],
        reference: None,
        texts: Vec::new(),
        actions: Vec::new(),
        contact: only.and_then(Contact::of),
    })
}

/// A page that says one thing and shows the way on.
#[derive(Serialize)]
pub(crate) struct NoticePage {
    title: String,
    lead: String,
    paragraphs: Vec<String>,
    pub(crate) reference: Option<String>,
    /// What was written on a page that could not be kept: to be copied.
    texts: Vec<String>,
    actions: Vec<Action>,
    contact: Option<Contact>,
}

impl NoticePage {
    /// A page with a heading, paragraphs and ways on.
    pub(crate) fn new(
        title: String,
        lead: String,
        paragraphs: Vec<String>,
        actions: Vec<Action>,
        municipality: &Municipality,
    ) -> Self {
        Self {
            title,
            lead,
            paragraphs,
            reference: None,
            texts: Vec::new(),
            actions,
            contact: Contact::of(municipality),
        }
    }
}

/// A way on.
#[derive(Serialize)]
pub(crate) struct Action {
    pub(crate) href: String,
    pub(crate) label: String,
    /// A form's button rather than a link, because something is changed.
    pub(crate) post: bool,
    /// The first thing to do here.
    pub(crate) primary: bool,
}

/// Whom to ask.
#[derive(Serialize, Clone)]
pub(crate) struct Contact {
    name: String,
    phone: String,
    phone_href: String,
    email: String,
}

impl Contact {
    pub(crate) fn of(municipality: &Municipality) -> Option<Self> {
        let s = &municipality.settings;
        let known = !(s.contact_name.is_empty() && s.contact_phone.is_empty() && s.contact_email.is_empty());
        known.then(|| Self {
            name: s.contact_name.clone(),
            phone: s.contact_phone.clone(),
            phone_href: s.contact_phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
            email: s.contact_email.clone(),
        })
    }

    pub(crate) fn sample() -> Self {
        Self {
            name: "Karin Holm, erhvervskonsulent".into(),
            phone: "+45 00 00 00 00".into(),
            phone_href: "+4500000000".into(),
            email: "erhverv@hojager.example".into(),
        }
    }
}

impl Page for NoticePage {
    const TEMPLATE: &'static str = "respondent/notice.html";

    fn samples() -> Vec<Self> {
        let action = |post, primary| Action { href: "/s/x".into(), label: "Ret svarene".into(), post, primary };
        let full = Self {
            title: "I har svaret".into(),
            lead: "Tak.".into(),
            paragraphs: vec!["Første afsnit.".into(), "Andet afsnit.".into()],
            reference: Some("ABCDE-FGHIJ".into()),
            texts: vec!["Det, der blev skrevet.".into()],
            actions: vec![action(true, true), action(false, false)],
            contact: Some(Contact::sample()),
        };
        let bare = Self {
            paragraphs: Vec::new(),
            reference: None,
            texts: Vec::new(),
            actions: Vec::new(),
            contact: None,
            title: "x".into(),
            lead: "y".into(),
        };
        let nameless =
            Contact { name: String::new(), phone: String::new(), phone_href: String::new(), ..Contact::sample() };
        let half = Self {
            contact: Some(nameless),
            paragraphs: Vec::new(),
            reference: None,
            texts: Vec::new(),
            actions: Vec::new(),
            title: "x".into(),
            lead: "y".into(),
        };
        vec![full, bare, half]
    }
}

/// The sentences of confidentiality, in their fixed order; the mail says the same ones.
pub(crate) fn promises(
    app: &App,
    language: Language,
    municipality: &Municipality,
    threshold: u32,
    year: i32,
) -> Vec<String> {
    let settings = &municipality.settings;
    let t = |key: &str, args: &[(&str, text::Arg)]| app.t(language, key, args);
    let reader = if settings.comment_reader.is_empty() {
        t("mail.promise_reader_default", &[])
    } else {
        settings.comment_reader.clone()
    };
    let quotes = if settings.committee.is_empty() {
        t("mail.promise_quotes_politicians", &[])
    } else {
        t("mail.promise_quotes", &[("committee", settings.committee.as_str().into())])
    };
    let cut = day(language, &settings.link_cut_on(year));
    vec![
        t("mail.promise_confidential", &[]),
        t("mail.promise_known", &[]),
        t("mail.promise_figures", &[("n", threshold.max(settings.threshold).max(5).into())]),
        t("mail.promise_comments", &[("reader", reader.into())]),
        quotes,
        t("mail.promise_cases", &[]),
        t("mail.promise_link", &[("link_cut_on", cut.into())]),
        t(if municipality.country == domain::language::Country::Dk { "mail.access_dk" } else { "mail.access_se" }, &[]),
    ]
}

/// The title of what is answered, in the language of the page.
fn round_title(app: &App, language: Language, who: &Respondent) -> String {
    match who.round.kind {
        RoundKind::Yearly => who.round.title.clone(),
        RoundKind::Cases => app.t(language, "cases.asked_title", &[]),
    }
}

/// The right-hand side of Message-IDs: the domain of the sender.
pub(crate) fn mail_domain(municipality: &Municipality) -> &str {
    municipality.settings.sender_email.rsplit_once('@').map_or("localhost", |(_, domain)| domain)
}

/// An ISO date as people read it; as it is when it is none.
fn day(language: Language, iso: &str) -> String {
    iso.parse().map_or_else(|_| iso.to_owned(), |date| text::format::date(language, date))
}
