//! The draft as a business would meet it: the respondent's own pages in a window as wide as a phone. Nothing is kept: what is
//! answered travels in the address.
use std::collections::BTreeMap;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::answers::Answers;
use domain::questionnaire::{Facts, LoadFaultKind, length};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::words::{self, FACTS};
use super::{Desk, Head, Sent};
use crate::app::App;
use crate::error::PageError;
use crate::pages::respondent::screen::{Trial, TrialStep, tried};
use crate::pages::signin::{Analyst, Bar};
use crate::templates::Page;
use crate::visit::Visit;

/// The page around the phone: as everywhere, and a frame from here.
const FRAMING: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-src 'self'; frame-ancestors 'none'";
/// A screen in the phone.
const FRAMED: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'self'";

/// Routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/questionnaires/{draft}/preview", routing::get(show))
        .route("/{slug}/console/questionnaires/{draft}/preview/{screen}", routing::get(screen).post(step))
}

/// `GET /{slug}/console/questionnaires/{draft}/preview`
#[derive(Debug, Serialize)]
pub struct PreviewPage {
    bar: Bar,
    head: Head,
    href: String,
    facts: Vec<FactChoice>,
    /// The first screen; none: nothing can be shown before the faults are put right, or nothing is asked.
    frame: Option<String>,
    blocked: bool,
    minutes: (u32, u32),
    screens: usize,
    closed: u32,
    open: u32,
}

#[derive(Debug, Serialize)]
struct FactChoice {
    name: String,
    title: String,
    values: Vec<(String, String)>,
    chosen: String,
}

impl Page for PreviewPage {
    const TEMPLATE: &'static str = "console/questionnaire-preview.html";

    fn samples() -> Vec<Self> {
        let fact = FactChoice {
            name: "size".to_owned(),
            title: "Størrelse".to_owned(),
            values: vec![("2-9".to_owned(), "2–9".to_owned()), ("10-49".to_owned(), "10–49".to_owned())],
            chosen: "2-9".to_owned(),
        };
        let page = |facts, full: bool| Self {
            bar: Bar::sample(true),
            head: Head::sample(),
            href: "/x/preview".to_owned(),
            facts,
            frame: full.then(|| "/x/preview/overall".to_owned()),
            blocked: !full,
            minutes: (4, 6),
            screens: 9,
            closed: 22,
            open: 3,
        };
        vec![page(vec![fact], true), page(Vec::new(), false)]
    }
}

type Asked = BTreeMap<String, String>;

/// The facts of the business that is played: chosen, else a middling one.
fn facts(desk: &Desk, asked: &Asked) -> Facts {
    let country = desk.staff.municipality.country.code();
    let usual = [("employees", "yes"), ("size", "10-49"), ("industry", "other"), ("age", "4+"), ("flood_risk", "no")];
    let mut facts: Facts = usual.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    facts.insert("country".to_owned(), country.to_owned());
    for (name, value) in asked.iter().filter(|(name, value)| FACTS.contains(&name.as_str()) && !value.is_empty()) {
        facts.insert(name.clone(), value.clone());
    }
    facts
}

/// The query that carries a trial on.
fn query(facts: &Facts, answers: &Answers) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut pairs: Vec<String> = facts
        .iter()
        .filter(|(name, _)| FACTS.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    // Own words do not steer anything and would make addresses long.
    let short: BTreeMap<&String, &String> = answers.0.iter().filter(|(_, value)| value.len() <= 40).collect();
    pairs.push(format!("answers={}", encoded(&serde_json::to_string(&short).unwrap_or_default())));
    pairs.join("&")
}

fn answers(asked: &Asked) -> Answers {
    Answers(asked.get("answers").and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default())
}

/// May it be drawn? Missing texts may, what has no sense may not.
fn is_blocked(desk: &Desk) -> bool {
    desk.faults.iter().any(|f| !matches!(f.kind, LoadFaultKind::MissingLanguage { .. }))
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let facts = facts(&desk, &asked);
    let form = &desk.draft.form;
    let blocked = is_blocked(&desk);
    let route = if blocked { Vec::new() } else { form.route(&facts, &Answers::default()) };
    let of = length(&route);
    let choice = |name: &&str| FactChoice {
        name: (*name).to_owned(),
        title: words::fact(&app, desk.language, name),
        values: words::fact_values(&app, &desk.staff.municipality, desk.language, name),
        chosen: facts.get(*name).cloned().unwrap_or_default(),
    };
    let href = format!("{}/preview", desk.href());
    let page = PreviewPage {
        bar: desk.staff.bar("questionnaires"),
        head: desk.head(),
        frame: route.first().map(|s| format!("{href}/{}?{}", s.key, query(&facts, &Answers::default()))),
        href,
        facts: FACTS.iter().map(choice).collect(),
        blocked,
        minutes: form.expected_minutes(&facts),
        screens: route.len(),
        closed: of.closed,
        open: of.open,
    };
    let mut response = app.view(&visit).of(&desk.staff.municipality).render(&page)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FRAMING));
    Ok(response)
}

async fn screen(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft, key)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    walked(&app, &visit, Desk::open(&app, &visit, staff, &draft).await?, &key, &asked, None)
}

async fn step(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft, key)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    walked(&app, &visit, Desk::open(&app, &visit, staff, &draft).await?, &key, &asked, Some(sent))
}

fn walked(
    app: &App,
    visit: &Visit,
    desk: Desk,
    key: &str,
    asked: &Asked,
    sent: Option<Sent>,
) -> Result<Response, PageError> {
    if is_blocked(&desk) {
        return Err(PageError::Conflict);
    }
    let (facts, answers) = (facts(&desk, asked), answers(asked));
    let href = format!("{}/preview", desk.href());
    let trial = Trial {
        municipality: &desk.staff.municipality,
        questionnaire: &desk.draft.form,
        facts: &facts,
        action: format!("{href}/{key}?{}", query(&facts, &answers)),
        answers,
    };
    match tried(app, visit, &trial, key, sent)?.ok_or(PageError::NotFound)? {
        TrialStep::Page(mut page) => {
            let headers = page.headers_mut();
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FRAMED));
            headers.insert(HeaderName::from_static("x-frame-options"), HeaderValue::from_static("SAMEORIGIN"));
            Ok(page)
        }
        TrialStep::On(next, after) => {
            // Past the last screen, and before the first, it begins again.
            let first = || desk.draft.form.route(&facts, &after).first().map(|s| s.key.clone());
            let next = next.or_else(first).ok_or(PageError::NotFound)?;
            Ok(Redirect::to(&format!("{href}/{next}?{}", query(&facts, &after))).into_response())
        }
    }
}
