//! What a business sees behind its personal link: who asks, the questions, the receipt, and every way out.
//!
//! # Layout
//! - `start`: the first page, and what stands there when it cannot be answered
//! - `screen`: one page of questions, saved as it is received
//! - `finish`: review, submit, receipt, contact wish, withdrawal
//! - `pass_on`: somebody else should answer
//! - `stop`: no more mail
//!
//! A GET never changes anything: mail scanners open every link. The token in the address is the right to answer, so these
//! pages need no cookie; they are never stored, indexed or named to other sites.
use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, middleware, routing};
use domain::answers::Answers;
use domain::language::Language;
use domain::municipality::Municipality;
use domain::questionnaire::Questionnaire;
use serde::Serialize;
use store::respondent::Respondent;
use text::EngineError;

use crate::app::{App, View};
use crate::error::PageError;
use crate::layers;
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

mod finish;
mod pass_on;
mod screen;
mod start;
mod stop;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/s/{token}", routing::get(start::first).post(start::begin))
        .route("/s/{token}/review", routing::get(finish::review))
        .route("/s/{token}/submit", routing::post(finish::submit))
        .route("/s/{token}/thanks", routing::get(finish::thanks))
        .route("/s/{token}/reach", routing::get(finish::reach).post(finish::leave_contact))
        .route("/s/{token}/withdraw", routing::get(finish::withdraw).post(finish::withdrawn))
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
    templates.check::<finish::WithdrawPage>(site)?;
    templates.check::<pass_on::PassOnPage>(site)?;
    templates.check::<stop::StopPage>(site)
}

/// The invitation behind the link, found or answered with a page that says what to do.
pub(crate) struct Invited {
    /// As it stands in the address.
    pub token: String,
    /// Everything that is known of it.
    pub who: Respondent,
    /// The round's questionnaire.
    pub questionnaire: Arc<Questionnaire>,
}

impl FromRequestParts<App> for Invited {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let token = path.ok().and_then(|Path(mut p)| p.remove("token")).unwrap_or_default();
        let found = app.store().invitation_by_lookup(&app.keys().lookup(&token)).await;
        let who = match found.map_err(PageError::from) {
            Ok(Some(who)) => who,
            Ok(None) => {
                let visit = Visit::from_request_parts(parts, app).await.unwrap_or_default();
                return Err(unknown(app, &visit).unwrap_or_else(IntoResponse::into_response));
            }
            Err(error) => return Err(error.into_response()),
        };
        let id = who
            .round
            .questionnaire
            .clone()
            .ok_or_else(|| PageError::internal("a round without questionnaire").into_response())?;
        let questionnaire = app.questionnaire(&who.municipality.id, &id).await.map_err(IntoResponse::into_response)?;
        Ok(Self { token, who, questionnaire })
    }
}

impl Invited {
    /// The address of a page behind this link.
    fn href(&self, page: &str) -> String {
        if page.is_empty() { format!("/s/{}", self.token) } else { format!("/s/{}/{page}", self.token) }
    }

    fn to(&self, page: &str) -> Response {
        Redirect::to(&self.href(page)).into_response()
    }

    fn view<'a>(&'a self, app: &'a App, visit: &'a Visit) -> View<'a> {
        app.view(visit).of(&self.who.municipality).prefer(self.who.language)
    }

    fn answers(&self) -> Answers {
        self.who.response.as_ref().map(|r| r.answers.clone()).unwrap_or_default()
    }

    fn revision(&self) -> i64 {
        self.who.response.as_ref().map_or(0, |r| r.revision)
    }

    /// The receipt's code: derived from the invitation, so that it is the same every time and need not be stored.
    fn reference(&self, app: &App) -> String {
        let code = app.keys().verp(&format!("reference:{}", self.who.invitation)).to_uppercase();
        let (first, second) = code.split_at(code.len() / 2);
        format!("{first}-{second}")
    }
}

fn unknown(app: &App, visit: &Visit) -> Result<Response, PageError> {
    let view = app.view(visit).status(StatusCode::NOT_FOUND);
    let language = view.language();
    view.render(&NoticePage {
        title: app.t(language, "respondent.unknown_title", &[]),
        lead: app.t(language, "respondent.unknown_lead", &[]),
        paragraphs: vec![app.t(language, "respondent.unknown_text", &[])],
        reference: None,
        actions: Vec::new(),
        contact: None,
    })
}

/// A page that says one thing and shows the way on.
#[derive(Serialize)]
pub(crate) struct NoticePage {
    title: String,
    lead: String,
    paragraphs: Vec<String>,
    reference: Option<String>,
    actions: Vec<Action>,
    contact: Option<Contact>,
}

/// A way on.
#[derive(Serialize)]
pub(crate) struct Action {
    href: String,
    label: String,
    /// A form's button rather than a link, because something is changed.
    post: bool,
    /// The first thing to do here.
    primary: bool,
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
            actions: vec![action(true, true), action(false, false)],
            contact: Some(Contact::sample()),
        };
        let bare = Self {
            paragraphs: Vec::new(),
            reference: None,
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
    let cut = day(language, &domain::fieldwork::link_cut_on(year));
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

/// An ISO date as people read it; as it is when it is none.
fn day(language: Language, iso: &str) -> String {
    iso.parse().map_or_else(|_| iso.to_owned(), |date| text::format::date(language, date))
}
