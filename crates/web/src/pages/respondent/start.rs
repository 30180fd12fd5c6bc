//! The first page: who asks whom, why, how long it takes, and what happens to the answers.
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::fieldwork::{Mode, ResponseStatus, RoundKind, RoundState};
use serde::Serialize;
use store::StoreError;
use store::respondent::PageSave;

use super::{Action, Contact, Invited, NoticePage, day, outcome, promises, round_title, screen};
use crate::app::App;
use crate::error::PageError;
use crate::templates::Page;
use crate::visit::Visit;

/// `/s/{token}`
#[derive(Serialize)]
pub(crate) struct FirstPage {
    action: String,
    stop_href: String,
    pass_on_href: String,
    round: String,
    business: String,
    street: String,
    town: String,
    also_for: Vec<String>,
    minutes_low: u32,
    minutes_high: u32,
    closes_on: Option<String>,
    committee: String,
    promises: Vec<String>,
    in_progress: bool,
    confirmation_url: String,
    contact: Option<Contact>,
    /// What is asked about, when it is a case.
    case: Option<CaseAsked>,
}

/// A case that is asked about.
#[derive(Serialize)]
pub(crate) struct CaseAsked {
    authority: String,
    closed_on: String,
}

impl Page for FirstPage {
    const TEMPLATE: &'static str = "respondent/first.html";

    fn samples() -> Vec<Self> {
        let full = Self {
            action: "/s/x".into(),
            stop_href: "/s/x/stop".into(),
            pass_on_href: "/s/x/pass-on".into(),
            round: "Erhvervsmålingen 2026".into(),
            business: "Vognmand Holm ApS".into(),
            street: "Havnevej 3".into(),
            town: "4600 Køge".into(),
            also_for: vec!["Vognmand Holm ApS, lager".into()],
            minutes_low: 4,
            minutes_high: 6,
            closes_on: Some("22. november 2026".into()),
            committee: "Erhvervsudvalget".into(),
            promises: vec!["Første.".into(), "Anden.".into()],
            in_progress: true,
            confirmation_url: "https://hojager.example/maaling".into(),
            contact: Some(Contact::sample()),
            case: Some(CaseAsked { authority: "Byggesager".into(), closed_on: "3. november 2026".into() }),
        };
        let bare = Self {
            also_for: Vec::new(),
            minutes_low: 5,
            minutes_high: 5,
            closes_on: None,
            committee: String::new(),
            promises: Vec::new(),
            in_progress: false,
            confirmation_url: String::new(),
            contact: None,
            case: None,
            action: "/s/x".into(),
            stop_href: "/s/x/stop".into(),
            pass_on_href: "/s/x/pass-on".into(),
            round: "r".into(),
            business: "b".into(),
            street: String::new(),
            town: String::new(),
        };
        vec![full, bare]
    }
}

/// `GET /s/{token}`
pub(crate) async fn first(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if invited.who.round.state == RoundState::Closed
        && invited.who.round.kind == RoundKind::Yearly
        && let Some(published) =
            app.store().latest_publication(&invited.who.municipality.id, Some(invited.who.round.year)).await?
    {
        return outcome::page(&app, &visit, &invited, &published).await;
    }
    if let Some(answer) = not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    if invited.is_submitted() {
        return already(&app, &visit, &invited);
    }
    if invited.who.opted_out_at.is_some() || invited.who.opted_out_for_good_at.is_some() {
        return opted_out(&app, &visit, &invited);
    }
    let view = invited.view(&app, &visit);
    let language = view.language();
    let who = &invited.who;
    let (minutes_low, minutes_high) = app.expected_minutes(&invited.questionnaire, &who.facts);
    let mut said = promises(&app, language, &who.municipality, who.round.threshold, who.round.year);
    let mut case = None;
    if who.round.kind == RoundKind::Cases {
        // The fourth and the fifth are about comments, and about a case nothing is asked in own words.
        said.drain(3..5);
        case = app.store().case_of(&who.invitation).await?.map(|(authority, closed_on)| CaseAsked {
            authority: domain::cases::authority_title(&authority, language).to_owned(),
            closed_on: day(language, &closed_on),
        });
    }
    view.render(&FirstPage {
        action: invited.href(""),
        stop_href: invited.href("stop"),
        pass_on_href: invited.href("pass-on"),
        round: round_title(&app, language, who),
        business: who.business_name.clone(),
        street: who.street.clone(),
        town: format!("{} {}", who.postcode, who.city).trim().to_owned(),
        also_for: who.also_for.clone(),
        minutes_low,
        minutes_high,
        closes_on: who.round.closes_on.as_deref().map(|d| day(language, d)),
        committee: who.municipality.settings.committee.clone(),
        promises: said,
        in_progress: who.response.is_some(),
        confirmation_url: who.municipality.settings.confirmation_url.clone(),
        contact: Contact::of(&who.municipality),
        case,
    })
}

/// `POST /s/{token}`: begins, or goes on at the first page with something left to answer.
pub(crate) async fn begin(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if let Some(answer) = not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    if invited.is_submitted() {
        return Ok(invited.to(""));
    }
    let route = invited.questionnaire.route(&invited.who.facts, &invited.answers());
    if invited.who.response.is_none() {
        let begun = PageSave {
            invitation: &invited.who.invitation,
            changes: &std::collections::BTreeMap::new(),
            expected_revision: 0,
            status: ResponseStatus::Started,
            mode: Mode::Web,
            language: invited.view(&app, &visit).language(),
            screen: None,
        };
        match app.store().save_page(begun, app.now()).await {
            Ok(_) => {}
            Err(StoreError::RoundClosed) => return closed(&app, &visit, &invited, &[]),
            Err(error) => return Err(error.into()),
        }
    }
    let last = invited.who.response.as_ref().and_then(|r| r.last_screen.as_deref());
    let next = match last.and_then(|last| route.iter().position(|s| s.key == last)) {
        Some(at) => route.get(at + 1),
        None => route.first(),
    };
    Ok(invited.to(next.map_or("review", |s| s.key.as_str())))
}

/// The page in place of the questions when the round takes no answers.
pub(super) fn not_answerable(app: &App, visit: &Visit, invited: &Invited) -> Result<Option<Response>, PageError> {
    not_taken(app, visit, invited, &[])
}

/// The page in place of the next one when the round takes no answers: what was sent stands on it.
pub(super) fn not_taken(
    app: &App,
    visit: &Visit,
    invited: &Invited,
    sent: &[(String, String)],
) -> Result<Option<Response>, PageError> {
    match invited.who.round.state {
        RoundState::Open => Ok(None),
        RoundState::Closed => closed(app, visit, invited, sent).map(Some),
        RoundState::Draft | RoundState::Opening => not_open(app, visit, invited).map(Some),
    }
}

/// No more answers are taken.
pub(super) fn closed(
    app: &App,
    visit: &Visit,
    invited: &Invited,
    sent: &[(String, String)],
) -> Result<Response, PageError> {
    let view = invited.view(app, visit).status(StatusCode::GONE);
    let language = view.language();
    let t = |key: &str| app.t(language, key, &[]);
    let text =
        if invited.who.response.is_some() { "respondent.closed_answered" } else { "respondent.closed_unanswered" };
    view.render(&NoticePage {
        title: t("respondent.closed_title"),
        lead: t("respondent.closed_lead"),
        paragraphs: vec![t(text), t("respondent.next_results")],
        reference: None,
        texts: screen::written(sent),
        actions: Vec::new(),
        contact: Contact::of(&invited.who.municipality),
    })
}

fn not_open(app: &App, visit: &Visit, invited: &Invited) -> Result<Response, PageError> {
    let view = invited.view(app, visit);
    let language = view.language();
    let lead = match &invited.who.round.opens_on {
        Some(date) => app.t(language, "respondent.not_open_until", &[("date", day(language, date).into())]),
        None => app.t(language, "respondent.not_open_lead", &[]),
    };
    view.render(&NoticePage {
        title: app.t(language, "respondent.not_open_title", &[]),
        lead,
        paragraphs: vec![app.t(language, "respondent.not_open_text", &[])],
        reference: None,
        texts: Vec::new(),
        actions: Vec::new(),
        contact: Contact::of(&invited.who.municipality),
    })
}

fn already(app: &App, visit: &Visit, invited: &Invited) -> Result<Response, PageError> {
    let view = invited.view(app, visit);
    let language = view.language();
    let t = |key: &str| app.t(language, key, &[]);
    let zone = text::format::zone(&invited.who.municipality.settings.time_zone);
    let again = if invited.draft.is_some() { "respondent.again_go_on" } else { "respondent.again" };
    let at = invited.who.response.as_ref().and_then(|r| r.submitted_at).unwrap_or_else(|| app.now());
    let date = text::format::date_of(language, at, &zone);
    let until = match &invited.who.round.closes_on {
        Some(last) => app.t(language, "respondent.already_until", &[("date", day(language, last).into())]),
        None => t("respondent.already_open"),
    };
    view.render(&NoticePage {
        title: t("respondent.already_title"),
        lead: app.t(language, "respondent.already_lead", &[("date", date.into())]),
        paragraphs: vec![until, t("respondent.already_closed_mailbox"), t("respondent.already_again")],
        reference: None,
        texts: Vec::new(),
        actions: vec![
            if invited.is_open {
                Action { href: invited.href("thanks"), label: t("respondent.to_receipt"), post: false, primary: true }
            } else {
                Action { href: invited.href("code"), label: t("respondent.have_code"), post: false, primary: true }
            },
            Action { href: invited.href("again"), label: t(again), post: true, primary: false },
        ],
        contact: Contact::of(&invited.who.municipality),
    })
}

fn opted_out(app: &App, visit: &Visit, invited: &Invited) -> Result<Response, PageError> {
    let view = invited.view(app, visit);
    let language = view.language();
    let t = |key: &str| app.t(language, key, &[]);
    view.render(&NoticePage {
        title: t("respondent.opted_out_title"),
        lead: t("respondent.opted_out_lead"),
        paragraphs: vec![t("respondent.opted_out_text")],
        reference: None,
        texts: Vec::new(),
        actions: vec![Action {
            href: invited.href(""),
            label: t("respondent.answer_anyway"),
            post: true,
            primary: true,
        }],
        contact: Contact::of(&invited.who.municipality),
    })
}
