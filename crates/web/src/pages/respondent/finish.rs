//! After the last question: review, submit, receipt, the wish to be contacted, and taking it all back.
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::fieldwork::Mode;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::respondent::{ContactWish, OptOut};

use super::{Action, Contact, Invited, NoticePage, day, screen, start};
use crate::app::App;
use crate::error::PageError;
use crate::templates::Page;
use crate::visit::Visit;

/// Key of the question that asks whether the municipality may get in touch.
pub(super) const FOLLOW_UP: &str = "follow_up";
/// Its code for "yes".
pub(super) const YES: &str = "1";
/// Longest text of a field of the contact wish, in characters.
const WISH_LIMIT: usize = 300;

/// `/s/{token}/review`
#[derive(Serialize)]
pub(crate) struct ReviewPage {
    submit_href: String,
    back_href: String,
    sections: Vec<Section>,
    answered: u32,
    asked: u32,
    /// Submitted before: this is a correction, and everything is saved already.
    corrects: bool,
    thanks_href: String,
}

#[derive(Serialize)]
struct Section {
    title: String,
    href: String,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    question: String,
    answer: Option<String>,
}

impl Page for ReviewPage {
    const TEMPLATE: &'static str = "respondent/review.html";

    fn samples() -> Vec<Self> {
        let row =
            |answer: Option<&str>| Row { question: "Hvor tilfredse er I?".into(), answer: answer.map(str::to_owned) };
        let section = Section {
            title: "Kontakt".into(),
            href: "/s/x/contact".into(),
            rows: vec![row(Some("Tilfreds")), row(None)],
        };
        let page = |sections, answered, corrects| Self {
            submit_href: "/s/x/submit".into(),
            back_href: "/s/x/own-words".into(),
            sections,
            answered,
            asked: 12,
            corrects,
            thanks_href: "/s/x/thanks".into(),
        };
        vec![page(vec![section], 12, false), page(Vec::new(), 3, true)]
    }
}

/// `GET /s/{token}/review`
pub(crate) async fn review(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    let Some(response) = &invited.who.response else {
        return Ok(invited.to(""));
    };
    let view = invited.view(&app, &visit);
    let language = view.language();
    let answers = invited.answers();
    let route = invited.questionnaire.route(&invited.who.facts, &answers);
    let done = invited.questionnaire.completeness(&invited.who.facts, &answers);
    let rows = |s| {
        screen::in_words(&app, language, s, &answers).into_iter().map(|(question, answer)| Row { question, answer })
    };
    view.render(&ReviewPage {
        submit_href: invited.href("submit"),
        back_href: invited.href(route.last().map_or("", |s| s.key.as_str())),
        sections: route
            .iter()
            .filter(|s| !s.optional || screen::is_touched(s, &answers))
            .map(|s| Section {
                title: s.title.get(language).to_owned(),
                href: invited.href(&s.key),
                rows: rows(s).collect(),
            })
            .collect(),
        answered: done.answered,
        asked: done.asked,
        corrects: response.submitted_at.is_some(),
        thanks_href: invited.href("thanks"),
    })
}

/// `POST /s/{token}/submit`: harmless when it comes twice.
pub(crate) async fn submit(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    if invited.who.response.is_none() {
        return Ok(invited.to(""));
    }
    let language = invited.view(&app, &visit).language();
    let hash = app.keys().lookup(&invited.reference(&app));
    match app.store().submit(&invited.who.invitation, &hash, Mode::Web, language, app.now()).await {
        Ok(submitted) if submitted.first && wants_contact(&invited) => Ok(invited.to("reach")),
        Ok(_) => Ok(invited.to("thanks")),
        Err(StoreError::RoundClosed) => start::closed(&app, &visit, &invited, true),
        Err(error) => Err(error.into()),
    }
}

fn wants_contact(invited: &Invited) -> bool {
    invited.who.response.as_ref().is_some_and(|r| r.answers.get(FOLLOW_UP) == Some(YES))
}

pub(super) fn is_submitted(invited: &Invited) -> bool {
    invited.who.response.as_ref().is_some_and(|r| r.submitted_at.is_some())
}

/// `/s/{token}/thanks`
#[derive(Serialize)]
pub(crate) struct ThanksPage {
    reference: String,
    review_href: String,
    withdraw_href: String,
    /// Where name and number can still be left, when the business said yes to being contacted.
    reach_href: Option<String>,
    /// Name and number have been left.
    reached: bool,
    closes_on: Option<String>,
    committee: String,
    contact: Option<Contact>,
}

impl Page for ThanksPage {
    const TEMPLATE: &'static str = "respondent/thanks.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            reference: "ABCDE-FGHIJ".into(),
            review_href: "/s/x/review".into(),
            withdraw_href: "/s/x/withdraw".into(),
            reach_href: full.then(|| "/s/x/reach".to_owned()),
            reached: full,
            closes_on: full.then(|| "22. november 2026".to_owned()),
            committee: if full { "Erhvervsudvalget".into() } else { String::new() },
            contact: full.then(Contact::sample),
        };
        vec![page(true), Self { reached: false, ..page(true) }, page(false)]
    }
}

/// `GET /s/{token}/thanks`
pub(crate) async fn thanks(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if !is_submitted(&invited) {
        return Ok(invited.to(""));
    }
    let view = invited.view(&app, &visit);
    let language = view.language();
    let reached = app.store().contact_wish(&invited.who.invitation).await?.is_some();
    view.render(&ThanksPage {
        reference: invited.reference(&app),
        review_href: invited.href("review"),
        withdraw_href: invited.href("withdraw"),
        reach_href: (wants_contact(&invited) || reached).then(|| invited.href("reach")),
        reached,
        closes_on: invited.who.round.closes_on.as_deref().map(|d| day(language, d)),
        committee: invited.who.municipality.settings.committee.clone(),
        contact: Contact::of(&invited.who.municipality),
    })
}

/// `/s/{token}/reach`
#[derive(Serialize)]
pub(crate) struct ReachPage {
    action: String,
    skip_href: String,
    name: String,
    reach: String,
    about: String,
    name_fault: bool,
    reach_fault: bool,
    /// Left before, and can be taken back.
    left: bool,
}

impl Page for ReachPage {
    const TEMPLATE: &'static str = "respondent/reach.html";

    fn samples() -> Vec<Self> {
        let page = |fault| Self {
            action: "/s/x/reach".into(),
            skip_href: "/s/x/thanks".into(),
            name: String::new(),
            reach: "a@b.dk".into(),
            about: String::new(),
            name_fault: fault,
            reach_fault: fault,
            left: fault,
        };
        vec![page(true), page(false)]
    }
}

/// What the contact form sent.
#[derive(Deserialize, Default)]
pub(crate) struct Wish {
    #[serde(default)]
    name: String,
    #[serde(default)]
    reach: String,
    #[serde(default)]
    about: String,
    /// `drop` takes the wish back.
    #[serde(default)]
    go: String,
}

/// `GET /s/{token}/reach`
pub(crate) async fn reach(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if !is_submitted(&invited) {
        return Ok(invited.to(""));
    }
    let wish = app.store().contact_wish(&invited.who.invitation).await?;
    let left = wish.is_some();
    let wish =
        wish.map_or_else(Wish::default, |w| Wish { name: w.name, reach: w.reach, about: w.about, go: String::new() });
    reach_page(&app, &visit, &invited, &wish, left, false)
}

fn reach_page(
    app: &App,
    visit: &Visit,
    invited: &Invited,
    wish: &Wish,
    left: bool,
    again: bool,
) -> Result<Response, PageError> {
    let status = if again { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    invited.view(app, visit).status(status).render(&ReachPage {
        action: invited.href("reach"),
        skip_href: invited.href("thanks"),
        name: wish.name.clone(),
        reach: wish.reach.clone(),
        about: wish.about.clone(),
        name_fault: again && wish.name.is_empty(),
        reach_fault: again && wish.reach.is_empty(),
        left,
    })
}

/// `POST /s/{token}/reach`: kept apart from the answers.
pub(crate) async fn leave_contact(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    Form(sent): Form<Wish>,
) -> Result<Response, PageError> {
    if !is_submitted(&invited) {
        return Ok(invited.to(""));
    }
    if sent.go == "drop" {
        app.store().drop_contact(&invited.who.invitation).await?;
        return Ok(invited.to("thanks"));
    }
    let tidy =
        |text: &str| text.chars().filter(|c| !c.is_control()).take(WISH_LIMIT).collect::<String>().trim().to_owned();
    let wish = Wish { name: tidy(&sent.name), reach: tidy(&sent.reach), about: tidy(&sent.about), go: String::new() };
    if wish.name.is_empty() || wish.reach.is_empty() {
        return reach_page(&app, &visit, &invited, &wish, false, true);
    }
    let wish = ContactWish { name: wish.name, reach: wish.reach, about: wish.about };
    app.store().leave_contact(&invited.who.invitation, &wish, app.now()).await?;
    Ok(invited.to("thanks"))
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
    if !is_submitted(&invited) {
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

/// The receipt's code as typed.
#[derive(Deserialize)]
pub(crate) struct Withdrawal {
    #[serde(default)]
    reference: String,
}

/// `POST /s/{token}/withdraw`: the answers are deleted when the receipt's code is right.
pub(crate) async fn withdrawn(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    Form(sent): Form<Withdrawal>,
) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    if !is_submitted(&invited) {
        return Ok(invited.to(""));
    }
    let bare = |code: &str| code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    if bare(&sent.reference) != bare(&invited.reference(&app)) {
        return withdraw_page(&app, &visit, &invited, sent.reference, true);
    }
    app.store().withdraw(&invited.who.invitation, app.now()).await?;
    // Taking an answer back says no to this round too: who did it must not be reminded to answer.
    app.store().opt_out(&invited.who.invitation, OptOut::Round, app.now()).await?;
    is_withdrawn(&app, &visit, &invited)
}

/// The page of a response that was taken back.
pub(super) fn is_withdrawn(app: &App, visit: &Visit, invited: &Invited) -> Result<Response, PageError> {
    let view = invited.view(app, visit);
    let language = view.language();
    let t = |key: &str| app.t(language, key, &[]);
    view.render(&NoticePage {
        title: t("respondent.withdrawn_title"),
        lead: t("respondent.withdrawn_lead"),
        paragraphs: vec![t("respondent.withdrawn_text")],
        reference: None,
        actions: vec![Action {
            href: invited.href("stop"),
            label: t("respondent.stop_link"),
            post: false,
            primary: false,
        }],
        contact: Contact::of(&invited.who.municipality),
    })
}
