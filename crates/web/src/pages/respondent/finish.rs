//! After the last question: review, submit, receipt, and the wish to be contacted.
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::fieldwork::{Mode, ResponseStatus};
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::respondent::ContactWish;

use super::screen::OnCall;
use super::{Contact, Invited, day, mail_domain, receipt, round_title, screen, start};
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
/// Longest mark of a sending, in characters.
const ATTEMPT_LIMIT: usize = 64;

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
    /// Tells this sending from every other one.
    attempt: String,
    /// Takes the place of a sent answer, which only a complete one may.
    replaces: bool,
    /// It was sent and is not complete yet.
    too_little: bool,
    /// On the telephone: whom.
    call: Option<OnCall>,
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
            attempt: "a1b2".into(),
            replaces: corrects,
            too_little: corrects,
            call: corrects.then(OnCall::sample),
        };
        vec![page(vec![section], 12, false), page(Vec::new(), 3, true)]
    }
}

/// `GET /s/{token}/review`
pub(crate) async fn review(State(app): State<App>, visit: Visit, invited: Invited) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(&app, &visit, &invited)? {
        return Ok(answer);
    }
    reviewed(&app, &visit, &invited, None)
}

/// The answers in words with the button that sends them; `again`: they were sent with this attempt and are too few.
pub(crate) fn reviewed(
    app: &App,
    visit: &Visit,
    invited: &Invited,
    again: Option<String>,
) -> Result<Response, PageError> {
    let Some(response) = invited.work() else {
        return Ok(invited.to(""));
    };
    let status = if again.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let view = invited.view(app, visit).status(status);
    let language = view.language();
    let answers = invited.answers();
    let route = invited.questionnaire.route(&invited.who.facts, &answers);
    let done = invited.questionnaire.completeness(&invited.who.facts, &answers);
    let rows =
        |s| screen::in_words(app, language, s, &answers).into_iter().map(|(question, answer)| Row { question, answer });
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
        replaces: invited.is_drafting() && invited.is_submitted() && invited.mode == Mode::Web,
        too_little: again.is_some(),
        attempt: again.unwrap_or_else(|| app.keys().random_token().reveal().to_owned()),
        call: OnCall::of(invited),
    })
}

/// What the review's form sent.
#[derive(Deserialize, Default)]
pub(crate) struct Sending {
    /// The page's own mark: the same page sent twice is one sending.
    #[serde(default)]
    attempt: String,
}

/// `POST /s/{token}/submit`: harmless when it comes twice.
pub(crate) async fn submit(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    Form(sending): Form<Sending>,
) -> Result<Response, PageError> {
    submitted(&app, &visit, &invited, sending).await
}

/// Sends the answers, for whoever answers.
pub(crate) async fn submitted(
    app: &App,
    visit: &Visit,
    invited: &Invited,
    sending: Sending,
) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(app, visit, invited)? {
        return Ok(answer);
    }
    if invited.is_open {
        // Corrections are saved page by page: nothing is sent a second time, and the code stays the same.
        return Ok(invited.to("thanks"));
    }
    let attempt = if sending.attempt.is_empty() {
        app.keys().random_token().reveal().to_owned()
    } else {
        sending.attempt.chars().take(ATTEMPT_LIMIT).collect()
    };
    let reference = invited.reference(app, &attempt);
    let hash = app.keys().lookup(&reference);
    let language = invited.view(app, visit).language();
    let (id, now) = (&invited.who.invitation, app.now());
    let wants_contact = wants_contact(invited);
    if invited.is_drafting() {
        let asked = invited.questionnaire.completeness(&invited.who.facts, &invited.answers());
        let replaces = invited.is_submitted() && invited.mode == Mode::Web;
        if invited.draft.is_some() && replaces && asked.status() != ResponseStatus::Complete {
            return reviewed(app, visit, invited, Some(attempt));
        }
        let mail_domain = mail_domain(&invited.who.municipality);
        return match app.store().submit_draft(id, invited.mode, &hash, language, mail_domain, now).await {
            Ok(Some(_)) => receipt::given(app, invited, &reference, if wants_contact { "reach" } else { "thanks" }),
            Ok(None) => Ok(invited.to("")),
            Err(StoreError::RoundClosed) => start::closed(app, visit, invited, &[]),
            Err(error) => Err(error.into()),
        };
    }
    if invited.who.response.is_none() {
        return Ok(invited.to(""));
    }
    match app.store().submit(id, &hash, invited.mode, language, now).await {
        Ok(done) if done.first => {
            receipt::given(app, invited, &reference, if wants_contact { "reach" } else { "thanks" })
        }
        Ok(_) if app.store().is_reference(id, &hash).await? => receipt::given(app, invited, &reference, "thanks"),
        Ok(_) => Ok(invited.to("")),
        Err(StoreError::RoundClosed) => start::closed(app, visit, invited, &[]),
        Err(error) => Err(error.into()),
    }
}

fn wants_contact(invited: &Invited) -> bool {
    invited.work().is_some_and(|r| r.answers.get(FOLLOW_UP) == Some(YES))
}

/// `/s/{token}/thanks`
#[derive(Serialize)]
pub(crate) struct ThanksPage {
    /// What it is the receipt of: the round and the business.
    round: String,
    business: String,
    reference: String,
    review_href: String,
    fetch_href: String,
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
            round: "2026-målingen".into(),
            business: "Vognmand Holm ApS".into(),
            reference: "ABCDE-FGHIJ".into(),
            review_href: "/s/x/review".into(),
            fetch_href: "/s/x/answers.txt".into(),
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

/// `GET /s/{token}/thanks`: with the code for whoever has it, without for the link alone.
pub(crate) async fn thanks(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(reference) = receipt::code_of(&app, &invited, &headers) else {
        return Ok(invited.to(""));
    };
    let view = invited.view(&app, &visit);
    let language = view.language();
    let reached = app.store().contact_wish(&invited.who.invitation).await?.is_some();
    view.render(&ThanksPage {
        round: round_title(&app, language, &invited.who),
        business: invited.who.business_name.clone(),
        reference,
        review_href: invited.href("review"),
        fetch_href: invited.href("answers.txt"),
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
    if !invited.is_open {
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
    if !invited.is_open {
        return Ok(invited.to("code"));
    }
    if sent.go == "drop" {
        app.store().drop_contact(&invited.who.invitation, app.now()).await?;
        return Ok(invited.to("thanks"));
    }
    let wish = sent.tidied();
    if wish.name.is_empty() || wish.reach.is_empty() {
        return reach_page(&app, &visit, &invited, &wish, false, true);
    }
    let domain = app.settings().host();
    app.store().leave_contact(&invited.who.invitation, &wish.kept(), domain, app.now()).await?;
    Ok(invited.to("thanks"))
}

impl Wish {
    fn tidied(&self) -> Self {
        let tidy = |text: &str| {
            text.chars().filter(|c| !c.is_control()).take(WISH_LIMIT).collect::<String>().trim().to_owned()
        };
        Self { name: tidy(&self.name), reach: tidy(&self.reach), about: tidy(&self.about), go: String::new() }
    }

    fn kept(&self) -> ContactWish {
        ContactWish { name: self.name.clone(), reach: self.reach.clone(), about: self.about.clone() }
    }
}

/// The contact form of an interview: what was left earlier stays out of sight.
pub(crate) fn reach_by_telephone(app: &App, visit: &Visit, invited: &Invited) -> Result<Response, PageError> {
    reach_page(app, visit, invited, &Wish::default(), false, false)
}

/// Keeps the contact form of an interview; the page again when something is missing.
pub(crate) async fn reached_by_telephone(
    app: &App,
    visit: &Visit,
    invited: &Invited,
    sent: &Wish,
) -> Result<Response, PageError> {
    let wish = sent.tidied();
    if wish.name.is_empty() || wish.reach.is_empty() {
        return reach_page(app, visit, invited, &wish, false, true);
    }
    let domain = app.settings().host();
    app.store().leave_contact(&invited.who.invitation, &wish.kept(), domain, app.now()).await?;
    Ok(invited.to("thanks"))
}
