//! No, thank you: a page that asks how far the no reaches, and the one-click post of mail programs (RFC 8058).
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::respondent::OptOut;

use super::{Action, Contact, Invited, NoticePage};
use crate::app::App;
use crate::error::PageError;
use crate::templates::Page;
use crate::visit::Visit;

/// `/s/{token}/stop`
#[derive(Serialize)]
pub(crate) struct StopPage {
    action: String,
    back_href: String,
    business: String,
    fault: bool,
}

impl Page for StopPage {
    const TEMPLATE: &'static str = "respondent/stop.html";

    fn samples() -> Vec<Self> {
        let page =
            |fault| Self { action: "/s/x/stop".into(), back_href: "/s/x".into(), business: "Holm ApS".into(), fault };
        vec![page(true), page(false)]
    }
}

/// `GET /s/{token}/stop`: only asks; a mail scanner that opens the link opts nobody out.
pub(crate) async fn page(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    ask(&app, &visit, &invited, false)
}

fn ask(app: &App, visit: &Visit, invited: &Invited, fault: bool) -> Result<Response, PageError> {
    let status = if fault { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    invited.view(app, visit).status(status).render(&StopPage {
        action: invited.href("stop"),
        back_href: invited.href(""),
        business: invited.who.business_name.clone(),
        fault,
    })
}

/// `POST /s/{token}/stop`: from our page, or from a mail program that sends `List-Unsubscribe=One-Click` as a form or as
/// multipart, with no cookie and no origin.
pub(crate) async fn stop(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    body: Bytes,
) -> Result<Response, PageError> {
    let body = String::from_utf8_lossy(&body);
    if body.contains("List-Unsubscribe") && body.contains("One-Click") {
        app.store().opt_out(&invited.who.invitation, OptOut::ForGood, app.now()).await?;
        return Ok(StatusCode::OK.into_response());
    }
    let reach = match body.split('&').find_map(|pair| pair.strip_prefix("reach=")) {
        Some("round") => OptOut::Round,
        Some("good") => OptOut::ForGood,
        _ => return ask(&app, &visit, &invited, true),
    };
    app.store().opt_out(&invited.who.invitation, reach, app.now()).await?;
    let view = invited.view(&app, &visit);
    let language = view.language();
    let t = |key: &str| app.t(language, key, &[]);
    let text = if reach == OptOut::Round { "respondent.stopped_round" } else { "respondent.stopped_good" };
    view.render(&NoticePage {
        title: t("respondent.stopped_title"),
        lead: t(text),
        paragraphs: vec![t("respondent.stopped_text")],
        reference: None,
        texts: Vec::new(),
        actions: vec![Action {
            href: invited.href(""),
            label: t("respondent.answer_anyway"),
            post: true,
            primary: false,
        }],
        contact: Contact::of(&invited.who.municipality),
    })
}
