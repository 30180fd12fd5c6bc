//! Open answers of closed rounds: read, coded by theme, and released as quotes. Never a business's name; sector or rating only where at
//! least ten share them.
//!
//! # Layout
//! - this module: which answers there are, the list and its filters
//! - [`read`]: one answer at a time
pub mod read;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing;
use domain::fieldwork::RoundState;
use domain::ids::ResponseId;
use domain::language::Language;
use domain::questionnaire::ColumnKind;
use serde::{Deserialize, Serialize};
use store::quotes::{Quote, Writer};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::explore::Pick;
use crate::pages::console::{sectors, titled};
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::reading::Reading;
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Fewest writers behind a list that is broken down, and behind a sector or rating that is shown.
const ENOUGH: usize = 10;
/// Answers on a page of the list.
const SHOWN: usize = 25;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/answers", routing::get(list))
        .route("/{slug}/console/answers/{response}/{question}", routing::get(read::show).post(read::confirm))
        .route("/{slug}/console/answers/{response}/{question}/quote", routing::post(read::quote))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ListPage>(site)?;
    templates.check::<read::ReadPage>(site)
}

/// What the address asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    year: String,
    question: String,
    theme: String,
    sector: String,
    rating: String,
    language: String,
    state: String,
    page: String,
}

impl Filter {
    /// The same as an address, without the page.
    #[must_use]
    pub fn query(&self) -> String {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let parts = [
            ("year", &self.year),
            ("question", &self.question),
            ("theme", &self.theme),
            ("sector", &self.sector),
            ("rating", &self.rating),
            ("language", &self.language),
            ("state", &self.state),
        ];
        let parts: Vec<String> =
            parts.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| format!("{k}={}", encode(v))).collect();
        format!("?{}", parts.join("&"))
    }

    /// Is the list broken down by something that is not in the words themselves?
    fn breaks_down(&self) -> bool {
        [&self.sector, &self.rating, &self.language].into_iter().any(|f| !f.is_empty())
    }
}

/// An open answer.
#[derive(Clone)]
pub struct Answer {
    /// Its response.
    pub response: ResponseId,
    /// Question key.
    pub question: String,
    /// Language.
    pub language: Option<Language>,
    /// The words.
    pub text: String,
    /// Confirmed themes of the reader.
    pub mine: Option<Vec<String>>,
    /// Somebody has confirmed themes.
    pub done: bool,
    /// Themes, confirmed or suggested.
    pub themes: Vec<String>,
}

/// The answers of a year with everything to choose among them.
pub struct Stock {
    /// The year.
    pub year: i32,
    /// Years with closed rounds, newest first.
    pub years: Vec<i32>,
    /// The answers, those to one question together.
    pub answers: Vec<Answer>,
    /// Titles of the questions.
    pub questions: Vec<(String, String)>,
    writers: HashMap<ResponseId, Writer>,
    /// Sectors and ratings that at least ten writers share.
    shared: (BTreeSet<String>, BTreeSet<String>),
    /// Released quotes.
    pub quotes: BTreeMap<(ResponseId, String), Quote>,
    /// Version and themes of the codebook.
    pub codebook: (u32, Vec<(String, domain::language::Texts)>),
}

impl Stock {
    /// The sector and rating of an answer as far as they may be shown.
    fn marks(&self, answer: &Answer) -> (Option<&String>, Option<&String>) {
        let writer = self.writers.get(&answer.response);
        let sector = writer.and_then(|w| w.sector.as_ref()).filter(|s| self.shared.0.contains(*s));
        let rating = writer.and_then(|w| w.rating.as_ref()).filter(|r| self.shared.1.contains(*r));
        (sector, rating)
    }

    /// The answers of a filter; `None`: a breakdown with fewer than ten writers.
    #[must_use]
    pub fn chosen(&self, filter: &Filter) -> Option<Vec<&Answer>> {
        let is = |wanted: &str, has: Option<&str>| wanted.is_empty() || has == Some(wanted);
        let all = self.answers.iter().filter(|a| {
            let (sector, rating) = self.marks(a);
            is(&filter.question, Some(&a.question))
                && is(&filter.sector, sector.map(String::as_str))
                && is(&filter.rating, rating.map(String::as_str))
                && is(&filter.language, a.language.map(Language::tag))
        });
        let all: Vec<&Answer> = all.collect();
        let writers: HashSet<&ResponseId> = all.iter().map(|a| &a.response).collect();
        if filter.breaks_down() && writers.len() < ENOUGH {
            return None;
        }
        let of_state = |a: &&Answer| match filter.state.as_str() {
            "waiting" => a.mine.is_none(),
            "done" => a.mine.is_some(),
            _ => true,
        };
        let of_theme = |a: &&Answer| filter.theme.is_empty() || a.themes.contains(&filter.theme);
        Some(all.into_iter().filter(of_state).filter(of_theme).collect())
    }
}

/// A coder and the themes that this coder confirmed.
type CodedBy = (String, Vec<String>);

/// Reads the answers of the year that a filter asks for; `None`: no round is closed.
///
/// # Errors
/// The database's.
pub async fn stock(
    app: &App,
    staff: &Staff,
    reading: Reading,
    language: Language,
    filter: &Filter,
) -> Result<Option<Stock>, PageError> {
    let id = &staff.municipality.id;
    let store = app.store();
    let mut rounds = store.rounds(id).await?;
    rounds.retain(|r| r.state == RoundState::Closed && r.questionnaire.is_some());
    let years: Vec<i32> = rounds.iter().map(|r| r.year).collect();
    let wanted = filter.year.parse().ok();
    let round = rounds.iter().find(|r| Some(r.year) == wanted).or_else(|| rounds.first());
    let Some((round, form)) = round.and_then(|r| Some((r, r.questionnaire.as_ref()?))) else { return Ok(None) };
    let form = app.questionnaire(id, form).await?;
    let open = form.columns().into_iter().filter(|c| c.kind == ColumnKind::Open);
    let questions: Vec<(String, String)> = open.map(|c| (c.key, c.text.get(language).to_owned())).collect();
    let keys: Vec<String> = questions.iter().map(|(key, _)| key.clone()).collect();
    let comments = store.comments(id, round.year, &keys).await?;
    let codebook = (reading.themes)();
    let mut codes: HashMap<(ResponseId, String), Vec<CodedBy>> = HashMap::new();
    for code in store.comment_codes(id, round.year).await?.into_iter().filter(|c| c.version == codebook.0) {
        codes.entry((code.response, code.question)).or_default().push((code.coder, code.themes));
    }
    let mut seen = HashSet::new();
    let mut answers = Vec::new();
    for comment in comments {
        let key = (comment.response.clone(), comment.question.clone());
        if !seen.insert(key.clone()) {
            continue;
        }
        let by = codes.remove(&key).unwrap_or_default();
        let mine = by.iter().find(|(coder, _)| coder == staff.user.id.as_str()).map(|(_, themes)| themes.clone());
        let suggested = || (reading.suggest)(comment.language, &comment.text).into_iter().map(|(theme, _)| theme);
        let themes = match by.first() {
            Some((_, themes)) => mine.clone().unwrap_or_else(|| themes.clone()),
            None => suggested().collect(),
        };
        answers.push(Answer {
            response: comment.response,
            question: comment.question,
            language: comment.language,
            text: comment.text,
            done: !by.is_empty(),
            mine,
            themes,
        });
    }
    let writers: HashMap<ResponseId, Writer> =
        store.writers(id, round.year).await?.into_iter().map(|w| (w.response.clone(), w)).collect();
    let shared = |of: &dyn Fn(&Writer) -> Option<&String>| {
        let mut counts: BTreeMap<String, HashSet<&ResponseId>> = BTreeMap::new();
        for answer in &answers {
            if let Some(value) = writers.get(&answer.response).and_then(of) {
                counts.entry(value.clone()).or_default().insert(&answer.response);
            }
        }
        counts.into_iter().filter(|(_, writers)| writers.len() >= ENOUGH).map(|(value, _)| value).collect()
    };
    let shared = (shared(&|w| w.sector.as_ref()), shared(&|w| w.rating.as_ref()));
    let quotes = store.quotes(id, round.year).await?;
    let quotes = quotes.into_iter().map(|q| ((q.response.clone(), q.question.clone()), q)).collect();
    Ok(Some(Stock { year: round.year, years, answers, questions, writers, shared, quotes, codebook }))
}

/// `GET /{slug}/console/answers`
#[derive(Debug, Serialize)]
pub struct ListPage {
    /// Navigation.
    pub bar: Bar,
    /// No round is closed yet.
    pub empty: bool,
    /// Choices.
    pub years: Vec<Pick>,
    /// Questions.
    pub questions: Vec<Pick>,
    /// Themes.
    pub themes: Vec<Pick>,
    /// Sectors with enough writers.
    pub sectors: Vec<Pick>,
    /// Ratings with enough writers.
    pub ratings: Vec<Pick>,
    /// Languages.
    pub languages: Vec<Pick>,
    /// `waiting`, `done` or empty.
    pub state: String,
    /// Fewer than ten writers.
    pub too_few: bool,
    /// Answers of the filter.
    pub count: usize,
    /// Of the year: coded by the reader, and all.
    pub coded: usize,
    /// All of the year.
    pub all: usize,
    /// The answers of this page.
    pub answers: Vec<AnswerLine>,
    /// The page before.
    pub earlier: Option<String>,
    /// The page after.
    pub later: Option<String>,
}

/// An answer in the list.
#[derive(Debug, Serialize)]
pub struct AnswerLine {
    /// Where it is read.
    pub href: String,
    /// The question.
    pub question: String,
    /// The words.
    pub text: String,
    /// Their language.
    pub lang: &'static str,
    /// Sector, where at least ten share it.
    pub sector: Option<String>,
    /// Rating, where at least ten share it.
    pub rating: Option<String>,
    /// Themes.
    pub themes: Vec<String>,
    /// The reader has confirmed them.
    pub coded: bool,
    /// Released as a quote.
    pub quoted: bool,
}

impl AnswerLine {
    /// A line for the check at start.
    #[must_use]
    pub fn sample(full: bool) -> Self {
        Self {
            href: "/x".to_owned(),
            question: "Hvorfor?".to_owned(),
            text: "Bussen kører sjældent.".to_owned(),
            lang: "da",
            sector: full.then(|| "Handel".to_owned()),
            rating: full.then(|| "4".to_owned()),
            themes: if full { vec!["Veje".to_owned()] } else { Vec::new() },
            coded: full,
            quoted: full,
        }
    }
}

impl Page for ListPage {
    const TEMPLATE: &'static str = "console/answers.html";

    fn samples() -> Vec<Self> {
        let picks = |full: bool| {
            if full { vec![Pick { value: "x".to_owned(), title: "X".to_owned(), chosen: true }] } else { Vec::new() }
        };
        let page = |full: bool, too_few: bool| Self {
            bar: Bar::sample(full),
            empty: !full,
            years: picks(full),
            questions: picks(full),
            themes: picks(full),
            sectors: picks(full),
            ratings: picks(full),
            languages: picks(full),
            state: if full { "waiting".to_owned() } else { String::new() },
            too_few,
            count: 2,
            coded: 1,
            all: 2,
            answers: if full { vec![AnswerLine::sample(true), AnswerLine::sample(false)] } else { Vec::new() },
            earlier: full.then(|| "?page=1".to_owned()),
            later: full.then(|| "?page=3".to_owned()),
        };
        vec![page(true, false), page(true, true), page(false, false)]
    }
}

pub(crate) fn line(staff: &Staff, language: Language, stock: &Stock, answer: &Answer, filter: &Filter) -> AnswerLine {
    let (sector, rating) = stock.marks(answer);
    let titles = sectors(&staff.municipality, language);
    let theme = |key: &String| {
        let found = stock.codebook.1.iter().find(|(k, _)| k == key);
        found.map_or_else(|| key.clone(), |(_, title)| title.get(language).to_owned())
    };
    let question = stock.questions.iter().find(|(key, _)| *key == answer.question);
    AnswerLine {
        href: format!(
            "/{}/console/answers/{}/{}{}",
            staff.municipality.slug,
            answer.response,
            answer.question,
            Filter { year: stock.year.to_string(), ..filter.clone() }.query()
        ),
        question: question.map_or_else(String::new, |(_, title)| title.clone()),
        text: answer.text.clone(),
        lang: answer.language.map_or("", Language::tag),
        sector: sector.map(|key| titled(&titles, key).to_owned()),
        rating: rating.cloned(),
        themes: answer.themes.iter().map(theme).collect(),
        coded: answer.mine.is_some(),
        quoted: stock.quotes.contains_key(&(answer.response.clone(), answer.question.clone())),
    }
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(filter): Query<Filter>,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let reading = app.reading().ok_or(PageError::NotFound)?;
    let mut page = ListPage {
        bar: staff.bar("answers"),
        empty: true,
        years: Vec::new(),
        questions: Vec::new(),
        themes: Vec::new(),
        sectors: Vec::new(),
        ratings: Vec::new(),
        languages: Vec::new(),
        state: filter.state.clone(),
        too_few: false,
        count: 0,
        coded: 0,
        all: 0,
        answers: Vec::new(),
        earlier: None,
        later: None,
    };
    let Some(stock) = stock(&app, &staff, reading, language, &filter).await? else { return view.render(&page) };
    page.empty = false;
    let pick =
        |value: &str, title: String, chosen: &str| Pick { value: value.to_owned(), title, chosen: value == chosen };
    let titles = sectors(&staff.municipality, language);
    page.years = stock.years.iter().map(|y| pick(&y.to_string(), y.to_string(), &stock.year.to_string())).collect();
    page.questions = stock.questions.iter().map(|(k, t)| pick(k, t.clone(), &filter.question)).collect();
    page.themes = stock.codebook.1.iter().map(|(k, t)| pick(k, t.get(language).to_owned(), &filter.theme)).collect();
    page.sectors = stock.shared.0.iter().map(|k| pick(k, titled(&titles, k).to_owned(), &filter.sector)).collect();
    page.ratings = stock.shared.1.iter().map(|k| pick(k, k.clone(), &filter.rating)).collect();
    page.languages = Language::ALL.iter().map(|l| pick(l.tag(), l.own_name().to_owned(), &filter.language)).collect();
    page.all = stock.answers.len();
    page.coded = stock.answers.iter().filter(|a| a.mine.is_some()).count();
    if let Some(chosen) = stock.chosen(&filter) {
        let at: usize = filter.page.parse().unwrap_or(1).max(1);
        let link =
            |at: usize| format!("{}&page={at}", Filter { year: stock.year.to_string(), ..filter.clone() }.query());
        page.count = chosen.len();
        page.earlier = (at > 1).then(|| link(at - 1));
        page.later = (chosen.len() > at * SHOWN).then(|| link(at + 1));
        let here = chosen.into_iter().skip((at - 1) * SHOWN).take(SHOWN);
        page.answers = here.map(|a| line(&staff, language, &stock, a, &filter)).collect();
    } else {
        page.too_few = true;
    }
    // Who read what is asked of a log; which answers, the log need not know.
    staff.did(&app, "answers.read", &stock.year.to_string(), "").await?;
    view.render(&page)
}
