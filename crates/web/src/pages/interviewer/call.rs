//! One business on the telephone: the text that is read first, the interview begun, and what came of the call.
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::calls::CallOutcome;
use domain::fieldwork::{Mode, ResponseStatus, RoundState};
use domain::ids::InvitationId;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::calls::NewCall;
use store::respondent::{PageSave, Respondent};

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::{day, sectors, titled};
use crate::pages::respondent::{Contact, Invited, next_screen, promises};
use crate::pages::signin::{Bar, Caller, Staff};
use crate::templates::Page;
use crate::visit::Visit;

/// Longest note for the next caller, in characters.
const NOTE_LIMIT: usize = 200;

/// `GET /{slug}/calls/{invitation}`
#[derive(Serialize)]
pub(crate) struct CallPage {
    bar: Bar,
    href: String,
    round: String,
    business: String,
    street: String,
    town: String,
    sector: String,
    phone: String,
    phone_href: String,
    also_for: Vec<String>,
    minutes_low: u32,
    minutes_high: u32,
    /// Why nobody may be called here (any more): key of a sentence.
    barred: Option<&'static str>,
    /// The text of confidentiality as it is read out.
    promises: Vec<String>,
    danish: bool,
    contact: Option<Contact>,
    /// An interview of this caller's is under way: where it goes on.
    go_on: Option<String>,
    /// The text was not confirmed as read.
    unread: bool,
    /// Somebody else has it on the line.
    held: bool,
    calls: Vec<Made>,
    outcomes: Vec<Outcome>,
    /// No outcome was chosen, or the day is none.
    fault: bool,
    note: String,
    again_on: String,
    today: String,
}

/// A call that was made.
#[derive(Serialize)]
struct Made {
    outcome: String,
    code: &'static str,
    at: i64,
    by: String,
    again_on: Option<String>,
    note: String,
}

/// What can come of a call.
#[derive(Serialize)]
struct Outcome {
    value: &'static str,
    name: String,
    code: &'static str,
    is_final: bool,
}

fn outcomes() -> Vec<Outcome> {
    let offered = CallOutcome::ALL.iter().filter(|o| **o != CallOutcome::Interview);
    offered
        .map(|o| Outcome {
            value: o.as_str(),
            name: format!("calls.outcome_{}", o.as_str()),
            code: o.code(),
            is_final: o.is_final(),
        })
        .collect()
}

impl Page for CallPage {
    const TEMPLATE: &'static str = "interviewer/call.html";

    fn samples() -> Vec<Self> {
        let made = |full: bool| Made {
            outcome: "calls.outcome_interview".into(),
            code: "1.1",
            at: 1_790_000_000_000,
            by: "Lis".into(),
            again_on: full.then(|| "3. november 2026".into()),
            note: if full { "Efter kl. 14".into() } else { String::new() },
        };
        let page = |full: bool| Self {
            bar: Bar::sample(full),
            href: "/hojager/calls/1".into(),
            round: "Erhvervsmålingen 2026".into(),
            business: "Vognmand Holm ApS".into(),
            street: "Havnevej 3".into(),
            town: "4600 Køge".into(),
            sector: "Transport".into(),
            phone: "12 34 56 78".into(),
            phone_href: "12345678".into(),
            also_for: if full { vec!["Holm, lager".into()] } else { Vec::new() },
            minutes_low: 4,
            minutes_high: if full { 6 } else { 4 },
            barred: None,
            promises: vec!["Første.".into()],
            danish: full,
            contact: full.then(Contact::sample),
            go_on: full.then(|| "/hojager/calls/1/overall".into()),
            unread: full,
            held: !full,
            calls: if full { vec![made(true), made(false)] } else { Vec::new() },
            outcomes: outcomes(),
            fault: full,
            note: "x".into(),
            again_on: "2026-11-03".into(),
            today: "2026-11-01".into(),
        };
        let bare = Self { go_on: None, unread: false, held: false, fault: false, ..page(true) };
        vec![page(true), page(false), bare, Self { barred: Some("calls.barred_answered"), ..page(false) }]
    }
}

/// Why a business is not called; `None`: it may be.
fn barred(who: &Respondent, is_protected: bool, last: Option<CallOutcome>) -> Option<&'static str> {
    let is_answered = who.response.as_ref().is_some_and(|r| {
        matches!(r.status, ResponseStatus::Complete | ResponseStatus::Withdrawn) || r.submitted_at.is_some()
    });
    if who.round.state != RoundState::Open {
        Some("calls.barred_closed")
    } else if is_protected {
        Some("calls.barred_protected")
    } else if who.opted_out_at.is_some() || who.opted_out_for_good_at.is_some() {
        Some("calls.barred_no")
    } else if is_answered {
        Some("calls.barred_answered")
    } else if last.is_some_and(CallOutcome::is_final) {
        Some("calls.barred_final")
    } else {
        None
    }
}

/// What the page says besides the business.
#[derive(Default)]
struct Said {
    unread: bool,
    held: bool,
    fault: bool,
    note: String,
    again_on: String,
}

async fn page(app: &App, visit: &Visit, staff: &Staff, who: &Respondent, said: Said) -> Result<Response, PageError> {
    let status = match &said {
        Said { held: true, .. } => StatusCode::CONFLICT,
        Said { unread: true, .. } | Said { fault: true, .. } => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    let view = app.view(visit).of(&staff.municipality).status(status);
    let language = view.language();
    let (municipality, round) = (&staff.municipality, &who.round);
    let calls = app.store().calls_to(&municipality.id, &round.id, &who.business).await?;
    let invited = interview(app, staff, who.clone()).await?;
    let (minutes_low, minutes_high) = app.expected_minutes(&invited.questionnaire, &who.facts);
    let titles = sectors(municipality, language);
    let phone = who.unit.phone.clone().unwrap_or_default();
    let is_protected = app.store().is_barred(&who.invitation).await?;
    let is_mine = invited.draft.is_some()
        && app.store().call_holder(&round.id, &who.business, app.now()).await?.is_some_and(|u| u == staff.user.id);
    let zone = text::format::zone(&municipality.settings.time_zone);
    view.render(&CallPage {
        bar: staff.bar("calls"),
        href: invited.base.clone(),
        round: round.title.clone(),
        business: who.business_name.clone(),
        street: who.street.clone(),
        town: format!("{} {}", who.postcode, who.city).trim().to_owned(),
        sector: titled(&titles, &who.unit.sector).to_owned(),
        phone_href: phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
        phone: text::format::phone(&phone),
        also_for: who.also_for.clone(),
        minutes_low,
        minutes_high,
        barred: barred(who, is_protected, calls.first().map(|c| c.outcome)),
        promises: promises(app, language, municipality, round.threshold, round.year),
        danish: municipality.country == domain::language::Country::Dk,
        contact: Contact::of(municipality),
        go_on: is_mine.then(|| invited.href(&next_screen(&invited))),
        unread: said.unread,
        held: said.held,
        calls: calls
            .into_iter()
            .map(|c| Made {
                outcome: format!("calls.outcome_{}", c.outcome.as_str()),
                code: c.outcome.code(),
                at: c.at.0,
                by: c.by,
                again_on: c.again_on.as_deref().map(|d| day(language, d)),
                note: c.note,
            })
            .collect(),
        outcomes: outcomes(),
        fault: said.fault,
        note: said.note,
        again_on: said.again_on,
        today: app.now().date_in(&zone).to_string(),
    })
}

/// The business of an address, as it is known to the municipality of the caller.
pub(super) async fn who(app: &App, staff: &Staff, invitation: String) -> Result<Respondent, PageError> {
    Ok(app.store().invitation(&staff.municipality.id, &InvitationId(invitation)).await?)
}

/// The business as its questionnaire sees it on the telephone.
pub(super) async fn interview(app: &App, staff: &Staff, who: Respondent) -> Result<Invited, PageError> {
    let id = who.round.questionnaire.clone().ok_or_else(|| PageError::internal("a round without questionnaire"))?;
    let questionnaire = app.questionnaire(&staff.municipality.id, &id).await?;
    let draft = app.store().draft(&who.invitation, Mode::Telephone).await?;
    let base = format!("/{}/calls/{}", staff.municipality.slug, who.invitation);
    Ok(Invited::by_telephone(base, who, questionnaire, draft))
}

/// `GET /{slug}/calls/{invitation}`
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let who = who(&app, &staff, invitation).await?;
    page(&app, &visit, &staff, &who, Said::default()).await
}

/// What the button that begins an interview sends.
#[derive(Deserialize)]
pub(super) struct Begin {
    #[serde(default)]
    read: String,
}

/// `POST /{slug}/calls/{invitation}/begin`: after the text was read out. Whatever another call left goes to the response, so
/// that this one begins with blank pages.
pub(super) async fn begin(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation)): Path<(String, String)>,
    Form(sent): Form<Begin>,
) -> Result<Response, PageError> {
    let who = who(&app, &staff, invitation).await?;
    let calls = app.store().calls_to(&staff.municipality.id, &who.round.id, &who.business).await?;
    let is_protected = app.store().is_barred(&who.invitation).await?;
    if barred(&who, is_protected, calls.first().map(|c| c.outcome)).is_some() {
        return page(&app, &visit, &staff, &who, Said::default()).await;
    }
    if sent.read != "1" {
        return page(&app, &visit, &staff, &who, Said { unread: true, ..Said::default() }).await;
    }
    let now = app.now();
    match app.store().hold_call(&staff.municipality.id, &who.round.id, &who.business, &staff.user.id, now).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => {
            return page(&app, &visit, &staff, &who, Said { held: true, ..Said::default() }).await;
        }
        Err(error) => return Err(error.into()),
    }
    let language = app.view(&visit).of(&staff.municipality).language();
    let before = interview(&app, &staff, who).await?;
    keep(&app, &before, language).await?;
    let begun = PageSave {
        invitation: &before.who.invitation,
        changes: &std::collections::BTreeMap::new(),
        expected_revision: 0,
        status: ResponseStatus::Started,
        mode: Mode::Telephone,
        language,
        screen: None,
    };
    app.store().save_draft(begun, now).await?;
    staff.did(&app, "call.interview", before.who.invitation.as_str(), "").await?;
    let fresh = interview(&app, &staff, before.who).await?;
    Ok(fresh.to(&next_screen(&fresh)))
}

/// What was said in an interview that ends here counts like a response that is not sent.
async fn keep(app: &App, interview: &Invited, language: domain::language::Language) -> Result<(), PageError> {
    let Some(draft) = &interview.draft else { return Ok(()) };
    let status = if draft.answers.0.is_empty() {
        ResponseStatus::Started
    } else {
        interview.questionnaire.completeness(&interview.who.facts, &draft.answers).status()
    };
    Ok(app.store().keep_draft(&interview.who.invitation, Mode::Telephone, status, language, app.now()).await?)
}

/// What the outcome's form sent.
#[derive(Deserialize)]
pub(super) struct Came {
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    again_on: String,
    #[serde(default)]
    note: String,
}

/// `POST /{slug}/calls/{invitation}/outcome`
pub(super) async fn outcome(
    State(app): State<App>,
    visit: Visit,
    Caller(staff): Caller,
    Path((_, invitation)): Path<(String, String)>,
    Form(sent): Form<Came>,
) -> Result<Response, PageError> {
    let who = who(&app, &staff, invitation).await?;
    let note: String =
        sent.note.chars().filter(|c| !c.is_control()).take(NOTE_LIMIT).collect::<String>().trim().to_owned();
    let again_on = sent.again_on.trim();
    let day_is_sound = again_on.is_empty() || again_on.parse::<jiff::civil::Date>().is_ok();
    let came = CallOutcome::parse(&sent.outcome).filter(|o| *o != CallOutcome::Interview && day_is_sound);
    let Some(came) = came else {
        let said = Said { fault: true, note, again_on: again_on.to_owned(), ..Said::default() };
        return page(&app, &visit, &staff, &who, said).await;
    };
    let language = app.view(&visit).of(&staff.municipality).language();
    let interview = interview(&app, &staff, who).await?;
    if interview.who.round.state == RoundState::Open {
        keep(&app, &interview, language).await?;
    }
    let new = NewCall {
        invitation: &interview.who.invitation,
        user: &staff.user.id,
        outcome: came,
        again_on: Some(again_on).filter(|d| !d.is_empty() && !came.is_final()),
        note: &note,
    };
    let (municipality, round) = (&staff.municipality.id, &interview.who.round.id);
    app.store().record_call(municipality, round, &interview.who.business, new, app.now()).await?;
    let sector = percent_encoding::utf8_percent_encode(&interview.who.unit.sector, percent_encoding::NON_ALPHANUMERIC);
    let slug = &staff.municipality.slug;
    Ok(Redirect::to(&format!("/{slug}/calls?sector={sector}&note=noted")).into_response())
}
