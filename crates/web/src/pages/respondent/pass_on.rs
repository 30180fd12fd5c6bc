//! Somebody else should answer: the invitation goes to another address, and the old link stops.
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use store::StoreError;

use super::{Contact, Invited, NoticePage, mail_domain, start};
use crate::app::App;
use crate::error::PageError;
use crate::templates::Page;
use crate::visit::Visit;

/// `/s/{token}/pass-on`
#[derive(Serialize)]
pub(crate) struct PassOnPage {
    action: String,
    back_href: String,
    business: String,
    email: String,
    fault: Option<String>,
}

impl Page for PassOnPage {
    const TEMPLATE: &'static str = "respondent/pass-on.html";

    fn samples() -> Vec<Self> {
        let page = |fault: Option<&str>| Self {
            action: "/s/x/pass-on".into(),
            back_href: "/s/x".into(),
            business: "Holm ApS".into(),
            email: "lis@holm.example".into(),
            fault: fault.map(str::to_owned),
        };
        vec![page(Some("Skriv en mailadresse.")), page(None)]
    }
}

/// What the form sent.
#[derive(Deserialize)]
pub(crate) struct To {
    #[serde(default)]
    email: String,
}

/// `GET /s/{token}/pass-on`
pub(crate) async fn page(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    match not_for_others(&app, &visit, &invited)? {
        Some(answer) => Ok(answer),
        None => ask(&app, &visit, &invited, String::new(), None),
    }
}

/// The answer in place of the form when there is nothing left to ask anybody: the new link would come to nobody, and the
/// old one would stop.
fn not_for_others(app: &App, visit: &Visit, invited: &Invited) -> Result<Option<Response>, PageError> {
    if let Some(answer) = start::not_answerable(app, visit, invited)? {
        return Ok(Some(answer));
    }
    let is_settled = invited.is_submitted() || invited.who.opted_out_for_good_at.is_some();
    Ok(is_settled.then(|| invited.to("")))
}

fn ask(app: &App, visit: &Visit, invited: &Invited, email: String, fault: Option<&str>) -> Result<Response, PageError> {
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let view = invited.view(app, visit).status(status);
    let fault = fault.map(|key| app.t(view.language(), key, &[]));
    view.render(&PassOnPage {
        action: invited.href("pass-on"),
        back_href: invited.href(""),
        business: invited.who.business_name.clone(),
        email,
        fault,
    })
}

/// `POST /s/{token}/pass-on`
pub(crate) async fn pass_on(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    Form(to): Form<To>,
) -> Result<Response, PageError> {
    if let Some(answer) = not_for_others(&app, &visit, &invited)? {
        return Ok(answer);
    }
    let Some(address) = intake::email::parse(to.email.trim()) else {
        return ask(&app, &visit, &invited, to.email, Some("respondent.pass_on_fault"));
    };
    let mail_domain = mail_domain(&invited.who.municipality);
    match app.store().pass_on(&invited.who.invitation, &address, app.keys(), mail_domain, app.now()).await {
        Ok(()) => passed_on(&app, &visit, &invited),
        Err(StoreError::RoundClosed) => start::closed(&app, &visit, &invited, &[]),
        // The address said no earlier, bounced, or has an invitation of its own; which of these is nobody else's business.
        Err(StoreError::State(_) | StoreError::Conflict(_)) => {
            ask(&app, &visit, &invited, to.email, Some("respondent.pass_on_refused"))
        }
        Err(error) => Err(error.into()),
    }
}

fn passed_on(app: &App, visit: &Visit, invited: &Invited) -> Result<Response, PageError> {
    let view = invited.view(app, visit);
    let language = view.language();
    let t = |key: &str| app.t(language, key, &[]);
    view.render(&NoticePage {
        title: t("respondent.passed_on_title"),
        lead: t("respondent.passed_on_lead"),
        paragraphs: vec![t("respondent.passed_on_text")],
        reference: None,
        texts: Vec::new(),
        actions: Vec::new(),
        contact: Contact::of(&invited.who.municipality),
    })
}
