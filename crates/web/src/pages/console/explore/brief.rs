//! For the director: three sentences and one chart on one page. And who answered: counts, which are no secret.
use axum::extract::State;
use axum::response::Response;
use charts::Setting;
use domain::fieldwork::RoundState;
use domain::results::{ALL, Report, TOTAL, Verdict};
use serde::Serialize;
use text::sentences::{self, Subject};
use text::{Arg, format};

use crate::app::App;
use crate::error::PageError;
use crate::explore::{Choice, ExploreError};
use crate::pages::signin::{Analyst, Bar};
use crate::templates::Page;
use crate::visit::Visit;

/// `GET /{slug}/console/explore/director`
#[derive(Debug, Serialize)]
pub struct DirectorPage {
    /// Navigation.
    pub bar: Bar,
    /// The year; none: no round is closed yet.
    pub year: Option<i32>,
    /// What can be said.
    pub sentences: Vec<String>,
    /// Title of the chart.
    pub title: String,
    /// The chart.
    pub chart: Option<String>,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
}

impl Page for DirectorPage {
    const TEMPLATE: &'static str = "console/director.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            bar: Bar::sample(full),
            year: full.then_some(2026),
            sentences: if full { vec!["Tilfredsheden er steget.".to_owned()] } else { Vec::new() },
            title: "Tilfredshed".to_owned(),
            chart: full.then(|| "<svg></svg>".to_owned()),
            threshold: 5,
        };
        vec![page(true), page(false)]
    }
}

/// The change of an indicator's total from the year before, in words, and how sure it is: |change| / SE where it is told from chance.
fn told(app: &App, language: domain::language::Language, report: &Report) -> Option<(String, f64)> {
    let info = report.indicators.first()?;
    let subject = Subject::of(info, language);
    let year = *report.years.last()?;
    let row = |year: i32| report.estimate(&info.id, year, TOTAL, ALL);
    let level = |year: i32| row(year).and_then(|r| r.estimate.value);
    let before = report.years.iter().rev().nth(1).copied();
    let change = before.and_then(|from| report.change(&info.id, from, year, TOTAL, ALL));
    match change {
        Some(change) => {
            let words =
                sentences::change(app.messages(), language, &subject, change, level(change.year_from), level(year));
            let sure = matches!(change.verdict, Verdict::Up | Verdict::Down);
            let size = change.change.zip(change.se).map_or(0.0, |(c, se)| if se > 0.0 { (c / se).abs() } else { 0.0 });
            Some((words, if sure { size } else { 0.0 }))
        }
        None => Some((sentences::estimate(app.messages(), language, &subject, row(year)?), 0.0)),
    }
}

/// Three sentences: who answered, the first headline indicator, and of the others the one that has moved most surely.
pub async fn director(State(app): State<App>, visit: Visit, Analyst(staff): Analyst) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let threshold = staff.municipality.settings.threshold.max(5);
    let mut page = DirectorPage {
        bar: staff.bar("explore"),
        year: None,
        sentences: Vec::new(),
        title: String::new(),
        chart: None,
        threshold,
    };
    let explorer = match app.explorer(&staff.municipality).await {
        Ok(explorer) => explorer,
        Err(ExploreError::Nothing) => return view.render(&page),
        Err(error) => return Err(error.into()),
    };
    let year = explorer.years().len() - 1;
    page.year = explorer.years().last().copied();
    let headlines: Vec<usize> = explorer.indicators().filter(|(_, i)| i.headline).map(|(at, _)| at).collect();
    let mut others: Vec<(String, f64)> = Vec::new();
    for (place, indicator) in headlines.into_iter().enumerate() {
        let choice = Choice { indicator, axes: Vec::new(), year };
        let report = explorer.report(app.store(), &choice).await?;
        if place > 0 {
            others.extend(told(&app, language, &report));
            continue;
        }
        if let Some(row) = report.coverage.iter().find(|row| Some(row.year) == page.year) {
            let count = |n: u64| Arg::Text(format::integer(language, i64::try_from(n).unwrap_or(i64::MAX)));
            let args = [
                ("answered", count(row.n_answered)),
                ("frame", count(row.n_frame)),
                ("rate", format::percent(language, row.response_rate, 0).into()),
                ("year", row.year.into()),
            ];
            page.sentences.push(app.t(language, "sentences.coverage", &args));
        }
        page.sentences.extend(told(&app, language, &report).map(|(words, _)| words));
        page.title = report.indicators[0].title.get(language).to_owned();
        let setting = Setting::page(app.messages(), language, "chart-trend");
        page.chart = charts::both(setting, |s| charts::trend(&report, &report.indicators[0].id, TOTAL, ALL, s)).ok();
    }
    // The first of the surest: a later one must be surer.
    let surest = others.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
    page.sentences.extend(surest.map(|(words, _)| words));
    view.render(&page)
}

/// `GET /{slug}/console/explore/who`
#[derive(Debug, Serialize)]
pub struct WhoPage {
    /// Navigation.
    pub bar: Bar,
    /// The closed rounds by how every business ended, newest first.
    pub rounds: Vec<WhoRound>,
    /// The latest year by breakdown.
    pub breakdowns: Vec<WhoBreakdown>,
    /// The year of the breakdowns.
    pub year: i32,
}

/// A closed round by AAPOR's codes.
#[derive(Debug, Serialize)]
pub struct WhoRound {
    /// Title.
    pub title: String,
    /// Businesses.
    pub frame: u64,
    /// (code, key of its name, businesses, part of the frame)
    pub lines: Vec<WhoCode>,
}

/// An AAPOR code.
#[derive(Debug, Serialize)]
pub struct WhoCode {
    /// `1.1`.
    pub code: String,
    /// Key of its name.
    pub name: String,
    /// Businesses.
    pub n: u64,
    /// Part of the frame.
    pub part: f64,
}

/// Who answered, by one breakdown.
#[derive(Debug, Serialize)]
pub struct WhoBreakdown {
    /// Title.
    pub title: String,
    /// Groups.
    pub lines: Vec<WhoGroup>,
}

/// Who answered in a group.
#[derive(Debug, Serialize)]
pub struct WhoGroup {
    /// Title.
    pub title: String,
    /// Businesses in the frame.
    pub frame: u64,
    /// Answered.
    pub answered: u64,
    /// The rate.
    pub rate: f64,
    /// Fewer than 20 answers.
    pub thin: bool,
}

impl Page for WhoPage {
    const TEMPLATE: &'static str = "console/who.html";

    fn samples() -> Vec<Self> {
        let code = || WhoCode { code: "1.1".to_owned(), name: "calls.code_1_1".to_owned(), n: 12, part: 0.4 };
        let group = |thin| WhoGroup { title: "Handel".to_owned(), frame: 100, answered: 12, rate: 0.12, thin };
        vec![
            Self {
                bar: Bar::sample(true),
                rounds: vec![WhoRound { title: "2026-målingen".to_owned(), frame: 30, lines: vec![code()] }],
                breakdowns: vec![WhoBreakdown { title: "Branche".to_owned(), lines: vec![group(true), group(false)] }],
                year: 2026,
            },
            Self { bar: Bar::sample(false), rounds: Vec::new(), breakdowns: Vec::new(), year: 0 },
        ]
    }
}

/// AAPOR's table of every closed round, and the latest by what the register knows.
pub async fn who(State(app): State<App>, visit: Visit, Analyst(staff): Analyst) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let id = &staff.municipality.id;
    let mut page = WhoPage { bar: staff.bar("explore"), rounds: Vec::new(), breakdowns: Vec::new(), year: 0 };
    let explorer = match app.explorer(&staff.municipality).await {
        Ok(explorer) => explorer,
        Err(ExploreError::Nothing) => return view.render(&page),
        Err(error) => return Err(error.into()),
    };
    for round in app.store().rounds(id).await?.into_iter().filter(|r| r.state == RoundState::Closed) {
        let ended = app.store().dispositions(id, &round.id).await?;
        let frame: u64 = ended.iter().map(|e| e.count).sum();
        let line = |e: &store::calls::DispositionRow| WhoCode {
            code: e.code.to_owned(),
            name: format!("calls.code_{}", e.code.replace('.', "_")),
            n: e.count,
            part: if frame == 0 { 0.0 } else { e.count as f64 / frame as f64 },
        };
        page.rounds.push(WhoRound { title: round.title, frame, lines: ended.iter().map(line).collect() });
    }
    page.year = explorer.years().last().copied().unwrap_or_default();
    for (axis, title) in explorer.axes().iter().enumerate() {
        let lines = explorer.who_answered(axis).into_iter().map(|(group, frame, answered)| WhoGroup {
            title: title.groups[group].get(language).to_owned(),
            frame,
            answered,
            rate: if frame == 0 { 0.0 } else { answered as f64 / frame as f64 },
            thin: answered < 20,
        });
        let lines: Vec<WhoGroup> = lines.collect();
        if !lines.is_empty() {
            page.breakdowns.push(WhoBreakdown { title: title.title.get(language).to_owned(), lines });
        }
    }
    view.render(&page)
}
