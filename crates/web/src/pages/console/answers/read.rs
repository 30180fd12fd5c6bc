//! One open answer: its themes confirmed or corrected, and its words released to the committee with whatever tells its writer taken out.
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use domain::ids::ResponseId;
use serde::{Deserialize, Serialize};
use store::codes::ConfirmedCode;

use super::{Answer, AnswerLine, Filter, Stock, line, stock};
use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::reading::{Reading, is_cut_of};
use crate::templates::Page;
use crate::visit::Visit;

/// `GET /{slug}/console/answers/{response}/{question}`
#[derive(Debug, Serialize)]
pub struct ReadPage {
    /// Navigation.
    pub bar: Bar,
    /// The list.
    pub back: String,
    /// Where the themes are confirmed.
    pub action: String,
    /// Where it is released.
    pub quote_action: String,
    /// The answer.
    pub answer: AnswerLine,
    /// The themes, with what led there.
    pub themes: Vec<ThemeChoice>,
    /// Version of the codebook.
    pub version: u32,
    /// The words as they would reach the committee.
    pub redacted: String,
    /// Something was found and taken out.
    pub found: bool,
    /// The words as they were released.
    pub released: Option<String>,
    /// They have been published.
    pub published: bool,
    /// What is wrong with the quote: key of a message.
    pub fault: Option<&'static str>,
    /// The answer before, in the filter.
    pub earlier: Option<String>,
    /// The next one.
    pub later: Option<String>,
}

/// A theme to choose.
#[derive(Debug, Serialize)]
pub struct ThemeChoice {
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// Words that suggest it.
    pub words: String,
    /// It is chosen.
    pub chosen: bool,
    /// The digit that toggles it; none beyond nine.
    pub digit: Option<usize>,
}

impl Page for ReadPage {
    const TEMPLATE: &'static str = "console/answer.html";

    fn samples() -> Vec<Self> {
        let theme = |chosen: bool| ThemeChoice {
            key: "accessibility".to_owned(),
            title: "Veje".to_owned(),
            words: if chosen { "Bussen".to_owned() } else { String::new() },
            chosen,
            digit: chosen.then_some(1),
        };
        let page = |full: bool, published: bool| Self {
            bar: Bar::sample(full),
            back: "/x".to_owned(),
            action: "/x".to_owned(),
            quote_action: "/x/quote".to_owned(),
            answer: AnswerLine::sample(full),
            themes: if full { vec![theme(true), theme(false)] } else { Vec::new() },
            version: 1,
            redacted: "Bussen kører sjældent.".to_owned(),
            found: full,
            released: full.then(|| "Bussen kører sjældent.".to_owned()),
            published,
            fault: full.then_some("answers.quote_added"),
            earlier: full.then(|| "/x".to_owned()),
            later: full.then(|| "/x".to_owned()),
        };
        vec![page(true, false), page(true, true), page(false, false)]
    }
}

struct Place {
    stock: Stock,
    at: Answer,
    earlier: Option<String>,
    later: Option<String>,
    /// The next one that the reader has not confirmed.
    waiting: Option<String>,
}

async fn place(
    app: &App,
    staff: &Staff,
    reading: Reading,
    language: domain::language::Language,
    (response, question): (&str, &str),
    filter: &Filter,
) -> Result<Place, PageError> {
    let stock = stock(app, staff, reading, language, filter).await?.ok_or(PageError::NotFound)?;
    let is = |a: &Answer| a.response.as_str() == response && a.question == question;
    let at = stock.answers.iter().find(|a| is(a)).cloned().ok_or(PageError::NotFound)?;
    // What was just confirmed is no longer in the list of those that wait, but has its place among all.
    let list = stock.chosen(&Filter { state: String::new(), ..filter.clone() }).unwrap_or_default();
    let here = list.iter().position(|a| is(a));
    let link = |a: &&Answer| line(staff, language, &stock, a, filter).href;
    let waits = |a: &&&Answer| a.mine.is_none() && !is(a);
    let earlier = here.and_then(|h| h.checked_sub(1)).and_then(|h| list.get(h)).map(link);
    let later = here.and_then(|h| list.get(h + 1)).map(link);
    let after = list.iter().skip(here.map_or(0, |h| h + 1)).find(waits);
    let waiting = after.or_else(|| list.iter().find(waits)).map(link);
    Ok(Place { at, earlier, later, waiting, stock })
}

async fn page(
    app: &App,
    staff: &Staff,
    visit: &Visit,
    (response, question): (&str, &str),
    filter: &Filter,
    fault: Option<&'static str>,
) -> Result<Response, PageError> {
    let view = app.view(visit).of(&staff.municipality);
    let language = view.language();
    let reading = app.reading().ok_or(PageError::NotFound)?;
    let Place { stock, at, earlier, later, .. } =
        place(app, staff, reading, language, (response, question), filter).await?;
    let suggested = (reading.suggest)(at.language, &at.text);
    let chosen: Vec<String> =
        at.mine.clone().unwrap_or_else(|| suggested.iter().map(|(theme, _)| theme.clone()).collect());
    let themes = stock.codebook.1.iter().enumerate().map(|(n, (key, title))| ThemeChoice {
        key: key.clone(),
        title: title.get(language).to_owned(),
        words: suggested.iter().find(|(theme, _)| theme == key).map(|(_, w)| w.join(", ")).unwrap_or_default(),
        chosen: chosen.contains(key),
        digit: (n < 9).then_some(n + 1),
    });
    let redacted = redacted(&stock, reading, &at);
    let quote = stock.quotes.get(&(at.response.clone(), at.question.clone()));
    let slug = &staff.municipality.slug;
    let (query, here) = (filter.query(), format!("/{slug}/console/answers/{response}/{question}"));
    let page = ReadPage {
        bar: staff.bar("answers"),
        back: format!("/{slug}/console/answers{query}"),
        action: format!("{here}{query}"),
        quote_action: format!("{here}/quote{query}"),
        answer: line(staff, language, &stock, &at, filter),
        themes: themes.collect(),
        version: stock.codebook.0,
        found: redacted != at.text,
        redacted,
        released: quote.map(|q| q.words.clone()),
        published: quote.is_some_and(|q| q.published_at.is_some()),
        fault,
        earlier,
        later,
    };
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    view.status(status).render(&page)
}

/// The words without what tells their writer.
fn redacted(stock: &Stock, reading: Reading, answer: &Answer) -> String {
    let writer = stock.writers.get(&answer.response);
    let of = |part: Option<&String>| part.cloned().unwrap_or_default();
    let (name, street) = (of(writer.and_then(|w| w.name.as_ref())), of(writer.and_then(|w| w.street.as_ref())));
    (reading.redact)(&answer.text, answer.language, &name, &street)
}

/// `GET`: the answer.
pub async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, response, question)): Path<(String, String, String)>,
    Query(filter): Query<Filter>,
) -> Result<Response, PageError> {
    page(&app, &staff, &visit, (&response, &question), &filter, None).await
}

/// The themes as confirmed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Confirmed {
    theme: Vec<String>,
}

/// `POST`: confirms or corrects the themes and goes to the next answer that waits.
pub async fn confirm(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, response, question)): Path<(String, String, String)>,
    Query(filter): Query<Filter>,
    Form(form): Form<Confirmed>,
) -> Result<Response, PageError> {
    let language = app.view(&visit).of(&staff.municipality).language();
    let reading = app.reading().ok_or(PageError::NotFound)?;
    let found = place(&app, &staff, reading, language, (&response, &question), &filter).await?;
    let (version, themes) = &found.stock.codebook;
    if form.theme.iter().any(|key| themes.iter().all(|(known, _)| known != key)) {
        return Err(PageError::BadRequest);
    }
    let code = ConfirmedCode {
        response: found.at.response.clone(),
        question: question.clone(),
        coder: staff.user.id.as_str().to_owned(),
        version: *version,
        themes: themes.iter().map(|(key, _)| key.clone()).filter(|key| form.theme.contains(key)).collect(),
        confirmed_at: app.now(),
    };
    app.store().confirm_codes(&staff.municipality.id, &[code]).await?;
    staff.did(&app, "answer.coded", &response, &question).await?;
    let list = || format!("/{}/console/answers{}", staff.municipality.slug, filter.query());
    Ok(Redirect::to(&found.waiting.unwrap_or_else(list)).into_response())
}

/// What is done with a quote.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct QuoteForm {
    words: String,
    action: String,
    sure: String,
}

/// `POST …/quote`: releases the words that are left, or takes them back.
pub async fn quote(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, response, question)): Path<(String, String, String)>,
    Query(filter): Query<Filter>,
    Form(form): Form<QuoteForm>,
) -> Result<Response, PageError> {
    let language = app.view(&visit).of(&staff.municipality).language();
    let reading = app.reading().ok_or(PageError::NotFound)?;
    let id = &staff.municipality.id;
    let found = place(&app, &staff, reading, language, (&response, &question), &filter).await?;
    let key = ResponseId(response.clone());
    let back =
        Redirect::to(&format!("/{}/console/answers/{response}/{question}{}", staff.municipality.slug, filter.query()));
    if form.action == "back" {
        app.store().take_quote_back(id, (&key, &question)).await?;
        staff.did(&app, "quote.taken_back", &response, &question).await?;
        return Ok(back.into_response());
    }
    let words = form.words.split_whitespace().collect::<Vec<_>>().join(" ");
    let allowed = redacted(&found.stock, reading, &found.at);
    let fault = if words.is_empty() {
        Some("answers.quote_empty")
    } else if !is_cut_of(&words, &allowed) {
        Some("answers.quote_added")
    } else if form.sure != "yes" {
        Some("answers.quote_not_sure")
    } else {
        None
    };
    if fault.is_some() {
        return page(&app, &staff, &visit, (&response, &question), &filter, fault).await;
    }
    app.store().release_quote(id, (&key, &question), &words, &staff.user.id, app.now()).await?;
    staff.did(&app, "quote.released", &response, &question).await?;
    Ok(back.into_response())
}
