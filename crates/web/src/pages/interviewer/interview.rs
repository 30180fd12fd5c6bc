//! The questionnaire on the telephone: the respondent's own screens, filled in by the caller.
use axum::extract::{Form, Path, State};
use axum::response::Response;
use domain::calls::CallOutcome;
use store::calls::NewCall;

use super::call;
use crate::app::App;
use crate::error::PageError;
use crate::pages::respondent::{Action, Invited, NoticePage, finish, receipt, screen};
use crate::pages::signin::{Caller, Staff};
use crate::visit::Visit;

/// The interview of an address.
async fn interview(app: &App, staff: &Staff, invitation: String) -> Result<Invited, PageError> {
    let who = call::who(app, staff, invitation).await?;
    call::interview(app, staff, who).await
}

/// `GET /{slug}/calls/{invitation}/{screen}`
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation, key)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let interview = interview(&app, &staff, invitation).await?;
    screen::shown(&app, &visit, &interview, &key)
}

/// `POST /{slug}/calls/{invitation}/{screen}`
pub(super) async fn save(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation, key)): Path<(String, String, String)>,
    Form(sent): Form<screen::Sent>,
) -> Result<Response, PageError> {
    let interview = interview(&app, &staff, invitation).await?;
    screen::saved(app, visit, interview, key, sent).await
}

/// `GET /{slug}/calls/{invitation}/review`
pub(super) async fn review(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let interview = interview(&app, &staff, invitation).await?;
    finish::reviewed(&app, &visit, &interview, None)
}

/// `POST /{slug}/calls/{invitation}/submit`: the interview is the business's answer, and the call is noted as carried through.
pub(super) async fn submit(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation)): Path<(String, String)>,
    Form(sending): Form<finish::Sending>,
) -> Result<Response, PageError> {
    let interview = interview(&app, &staff, invitation).await?;
    let is_under_way = interview.draft.is_some();
    let answer = finish::submitted(&app, &visit, &interview, sending).await?;
    if is_under_way && answer.status().is_redirection() {
        let new = NewCall {
            invitation: &interview.who.invitation,
            user: &staff.user.id,
            outcome: CallOutcome::Interview,
            again_on: None,
            note: "",
        };
        let (municipality, round) = (&staff.municipality.id, &interview.who.round.id);
        app.store().record_call(municipality, round, &interview.who.business, new, app.now()).await?;
    }
    Ok(answer)
}

/// `GET /{slug}/calls/{invitation}/reach`: whom to call back, when the business wants it.
pub(super) async fn reach(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let interview = interview(&app, &staff, invitation).await?;
    finish::reach_by_telephone(&app, &visit, &interview)
}

/// `POST /{slug}/calls/{invitation}/reach`
pub(super) async fn reached(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation)): Path<(String, String)>,
    Form(sent): Form<finish::Wish>,
) -> Result<Response, PageError> {
    let interview = interview(&app, &staff, invitation).await?;
    finish::reached_by_telephone(&app, &visit, &interview, &sent).await
}

/// `GET /{slug}/calls/{invitation}/thanks`: the end of the call, with the code to read out.
pub(super) async fn thanks(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation)): Path<(String, String)>,
    headers: axum::http::HeaderMap,
) -> Result<Response, PageError> {
    let interview = interview(&app, &staff, invitation).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let t = |key: &str| app.t(language, key, &[]);
    let list = format!("/{}/calls", staff.municipality.slug);
    let on = Action { href: list, label: t("calls.next_call"), post: false, primary: true };
    let reference = receipt::fresh_code(&app, &interview, &headers).await?;
    let mut page = NoticePage::new(
        t("calls.done_title"),
        t("calls.done_lead"),
        vec![t(if reference.is_some() { "calls.done_code" } else { "calls.done_text" })],
        vec![on],
        &staff.municipality,
    );
    page.reference = reference;
    view.render(&page)
}
