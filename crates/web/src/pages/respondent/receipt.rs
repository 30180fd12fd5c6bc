//! What needs the receipt's code as well as the link: reading, correcting, fetching and taking back a sent answer; and
//! answering anew without it, unseen.
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::fieldwork::ResponseStatus;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::respondent::{OptOut, PageSave};

use super::{Action, Contact, Invited, NoticePage, round_title, screen, start};
use crate::app::App;
use crate::error::PageError;
use crate::limits::{Tried, too_often};
use crate::templates::Page;
use crate::visit::{Visit, cookie};

/// The cookie that remembers the receipt's code (before a prefix).
pub(super) const COOKIE: &str = "receipt";
/// So long a browser may go on without giving the code again.
const OPEN_SECONDS: u64 = 60 * 60;

/// The answer was sent, or its code was given: on to a page, with the code remembered for an hour.
pub(super) fn given(app: &App, invited: &Invited, reference: &str, page: &str) -> Result<Response, PageError> {
    let value = format!("{reference}.{}", app.keys().verp(&sealing(invited, reference)));
    let remembered = app.settings().cookie(COOKIE, &value, OPEN_SECONDS);
    let remembered = HeaderValue::from_str(&remembered).map_err(PageError::internal)?;
    Ok(([(header::SET_COOKIE, remembered)], Redirect::to(&invited.href(page))).into_response())
}

/// What tells a remembered code from a guessed one: cookies are not a second way to try codes.
fn sealing(invited: &Invited, reference: &str) -> String {
    format!("receipt:{}:{reference}", invited.who.invitation)
}

/// The code that this browser was given for this answer; that it is still the right one is the database's to say.
pub(super) fn remembered(app: &App, invited: &Invited, headers: &HeaderMap) -> Option<String> {
    let value = cookie(headers, &app.settings().cookie_name(COOKIE))?;
    let (code, sealed) = value.split_once('.')?;
    app.keys().is_verp(&sealing(invited, code), sealed).then(|| code.to_owned())
}

/// The code that this browser was given, where it opens this answer.
pub(super) fn code_of(app: &App, invited: &Invited, headers: &HeaderMap) -> Option<String> {
    remembered(app, invited, headers).filter(|_| invited.is_open)
}

/// The code that this browser was given, where it is that of the answer that stands.
pub(crate) async fn fresh_code(app: &App, invited: &Invited, headers: &HeaderMap) -> Result<Option<String>, PageError> {
    let Some(code) = remembered(app, invited, headers) else { return Ok(None) };
    let is_its = app.store().is_reference(&invited.who.invitation, &app.keys().lookup(&code)).await?;
    Ok(is_its.then_some(code))
}

/// A code as people type it, in the form in which it was given: `abcde fghij` is `ABCDE-FGHIJ`.
fn tidied(typed: &str) -> String {
    let bare: String = typed.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>().to_uppercase();
    let (first, second) = bare.split_at(bare.len() / 2);
    format!("{first}-{second}")
}

async fn is_right(app: &App, invited: &Invited, typed: &str) -> Result<bool, PageError> {
    let hash = app.keys().lookup(&tidied(typed));
    Ok(app.store().is_reference(&invited.who.invitation, &hash).await?)
}

/// `/s/{token}/code`
#[derive(Serialize)]
pub(crate) struct CodePage {
    action: String,
    back_href: String,
    typed: String,
    fault: bool,
    contact: Option<Contact>,
}

impl Page for CodePage {
    const TEMPLATE: &'static str = "respondent/code.html";

    fn samples() -> Vec<Self> {
        let page = |fault: bool| Self {
            action: "/s/x/code".into(),
            back_href: "/s/x".into(),
            typed: "ABC".into(),
            fault,
            contact: fault.then(Contact::sample),
        };
        vec![page(true), page(false)]
    }
}

/// `GET /s/{token}/code`
pub(crate) async fn ask(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    if !invited.is_submitted() {
        return Ok(invited.to(""));
    }
    code_page(&app, &visit, &invited, String::new(), false)
}

fn code_page(app: &App, visit: &Visit, invited: &Invited, typed: String, fault: bool) -> Result<Response, PageError> {
    let status = if fault { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    invited.view(app, visit).status(status).render(&CodePage {
        action: invited.href("code"),
        back_href: invited.href(""),
        typed,
        fault,
        contact: Contact::of(&invited.who.municipality),
    })
}

/// The receipt's code as typed.
#[derive(Deserialize)]
pub(crate) struct Typed {
    #[serde(default)]
    reference: String,
}

/// `POST /s/{token}/code`
pub(crate) async fn open(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    Form(sent): Form<Typed>,
) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    if !invited.is_submitted() {
        return Ok(invited.to(""));
    }
    if let Err(wait) = app.limits().count(Tried::Code, invited.who.invitation.as_str()) {
        return too_often(invited.view(&app, &visit), wait);
    }
    if is_right(&app, &invited, &sent.reference).await? {
        given(&app, &invited, &tidied(&sent.reference), "thanks")
    } else {
        code_page(&app, &visit, &invited, sent.reference, true)
    }
}

/// `POST /s/{token}/again`: begins an answer beside the sent one, or goes on with it. Nothing of the sent one is shown.
pub(crate) async fn again(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    if !invited.is_submitted() {
        return Ok(invited.to(""));
    }
    if invited.is_open {
        return Ok(invited.to("review"));
    }
    if invited.draft.is_none() {
        let begun = PageSave {
            invitation: &invited.who.invitation,
            changes: &std::collections::BTreeMap::new(),
            expected_revision: 0,
            status: ResponseStatus::Started,
            mode: invited.mode,
            language: invited.view(&app, &visit).language(),
            screen: None,
        };
        match app.store().save_draft(begun, app.now()).await {
            Ok(_) => {}
            Err(StoreError::RoundClosed) => return start::closed(&app, &visit, &invited, &[]),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(invited.to(&next_screen(&invited)))
}

/// Where a draft goes on: after the screen last sent.
pub(crate) fn next_screen(invited: &Invited) -> String {
    let route = invited.questionnaire.route(&invited.who.facts, &invited.answers());
    let last = invited.work().and_then(|r| r.last_screen.as_deref());
    let next = match last.and_then(|last| route.iter().position(|s| s.key == last)) {
        Some(at) => route.get(at + 1),
        None => route.first(),
    };
    next.map_or("review", |s| s.key.as_str()).to_owned()
}

/// `GET /s/{token}/answers.txt`: everything that was answered, in words.
pub(crate) async fn fetch(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if !invited.is_open {
        return Ok(invited.to(if invited.is_submitted() { "code" } else { "" }));
    }
    let language = invited.view(&app, &visit).language();
    let answers = invited.answers();
    let title = round_title(&app, language, &invited.who);
    let mut words = format!("{title}\n{}\n", invited.who.business_name);
    for asked in invited.questionnaire.route(&invited.who.facts, &answers) {
        if asked.optional && !screen::is_touched(&asked, &answers) {
            continue;
        }
        words.push_str(&format!("\n{}\n\n", asked.title.get(language)));
        for (question, answer) in screen::in_words(&app, language, &asked, &answers) {
            let answer = answer.unwrap_or_else(|| app.t(language, "respondent.not_answered", &[]));
            words.push_str(&format!("{question}\n    {}\n", answer.replace('\n', "\n    ")));
        }
    }
    let name = format!("attachment; filename=\"{}-{}.txt\"", invited.who.municipality.slug, invited.who.round.year);
    let name = HeaderValue::from_str(&name).map_err(PageError::internal)?;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], words).into_response())
}

/// `/s/{token}/withdraw`
#[derive(Serialize)]
pub(crate) struct WithdrawPage {
    action: String,
    back_href: String,
    typed: String,
    fault: bool,
}

impl Page for WithdrawPage {
    const TEMPLATE: &'static str = "respondent/withdraw.html";

    fn samples() -> Vec<Self> {
        let page =
            |fault| Self { action: "/s/x/withdraw".into(), back_href: "/s/x".into(), typed: "ABC".into(), fault };
        vec![page(true), page(false)]
    }
}

/// `GET /s/{token}/withdraw`
pub(crate) async fn withdraw(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    if !invited.is_submitted() {
        return Ok(invited.to(""));
    }
    withdraw_page(&app, &visit, &invited, String::new(), false)
}

fn withdraw_page(
    app: &App,
    visit: &Visit,
    invited: &Invited,
    typed: String,
    fault: bool,
) -> Result<Response, PageError> {
    let status = if fault { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = WithdrawPage { action: invited.href("withdraw"), back_href: invited.href(""), typed, fault };
    invited.view(app, visit).status(status).render(&page)
}

/// `POST /s/{token}/withdraw`: the answers are deleted when the receipt's code is right.
pub(crate) async fn withdrawn(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    Form(sent): Form<Typed>,
) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    if !invited.is_submitted() {
        return Ok(invited.to(""));
    }
    if let Err(wait) = app.limits().count(Tried::Code, invited.who.invitation.as_str()) {
        return too_often(invited.view(&app, &visit), wait);
    }
    if !is_right(&app, &invited, &sent.reference).await? {
        return withdraw_page(&app, &visit, &invited, sent.reference, true);
    }
    app.store().withdraw(&invited.who.invitation, app.now()).await?;
    // Taking an answer back says no to this round too: who did it must not be reminded to answer.
    app.store().opt_out(&invited.who.invitation, OptOut::Round, app.now()).await?;
    is_withdrawn(&app, &visit, &invited)
}

/// The page of a response that was taken back.
fn is_withdrawn(app: &App, visit: &Visit, invited: &Invited) -> Result<Response, PageError> {
    let view = invited.view(app, visit);
    let language = view.language();
    let t = |key: &str| app.t(language, key, &[]);
    let stop = Action { href: invited.href("stop"), label: t("respondent.stop_link"), post: false, primary: false };
    view.render(&NoticePage::new(
        t("respondent.withdrawn_title"),
        t("respondent.withdrawn_lead"),
        vec![t("respondent.withdrawn_text")],
        vec![stop],
        &invited.who.municipality,
    ))
}

#[cfg(test)]
mod tests {
    use super::tidied;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for typed in ["ABCDE-FGHIJ", "abcde fghij", " abcdefghij ", "ABCDE–FGHIJ"] {
            assert_eq!(tidied(typed), "ABCDE-FGHIJ");
        }
    }
}
