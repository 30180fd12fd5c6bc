//! Explore: any indicator of the closed rounds by one or two breakdowns and year, as the closed list of tables; any other filter is refused.
//!
//! # Layout
//! - this module: the page, its form and its choices, which all stand in the address
//! - [`show`]: a table and its charts as the page shows them
//! - [`files`]: the same as files
//! - [`brief`]: one page for the director; who answered
pub mod brief;
pub mod files;
pub mod show;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing;
use domain::language::Language;
use serde::Serialize;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::explore::{AXES, Choice, ExploreError, Explorer};
use crate::pages::signin::{Analyst, Bar};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;
use show::TablePart;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/explore", routing::get(explore))
        .route("/{slug}/console/explore/director", routing::get(brief::director))
        .route("/{slug}/console/explore/who", routing::get(brief::who))
        .route("/{slug}/console/explore/files/{file}", routing::get(files::file))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ExplorePage>(site)?;
    templates.check::<brief::DirectorPage>(site)?;
    templates.check::<brief::WhoPage>(site)
}

/// `GET /{slug}/console/explore`
#[derive(Debug, Serialize)]
pub struct ExplorePage {
    /// Navigation.
    pub bar: Bar,
    /// No round is closed yet.
    pub empty: bool,
    /// Why the closed rounds cannot be weighted.
    pub unweighted: Option<String>,
    /// The address asks for a filter that is not on the list.
    pub refused: bool,
    /// Indicators to choose from.
    pub indicators: Vec<Pick>,
    /// Breakdowns to choose from.
    pub breakdowns: Vec<Pick>,
    /// Second breakdowns to choose from.
    pub seconds: Vec<Pick>,
    /// Years to choose from, newest first.
    pub years: Vec<Pick>,
    /// The table chosen.
    pub shown: Option<TablePart>,
    /// Years that can be explored no more.
    pub cut: Vec<i32>,
    /// Workplaces for which another's reply stands too.
    pub copies: u64,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
}

/// Something to choose.
#[derive(Debug, Clone, Serialize)]
pub struct Pick {
    /// Its word in the address.
    pub value: String,
    /// Its title.
    pub title: String,
    /// It is chosen.
    pub chosen: bool,
}

impl Page for ExplorePage {
    const TEMPLATE: &'static str = "console/explore.html";

    fn samples() -> Vec<Self> {
        let pick = |chosen| vec![Pick { value: "nki".to_owned(), title: "Tilfredshed".to_owned(), chosen }];
        let page = |shown: Option<TablePart>, full: bool| Self {
            bar: Bar::sample(full),
            empty: !full,
            unweighted: (!full).then(|| "transport".to_owned()),
            refused: full,
            indicators: if full { pick(true) } else { Vec::new() },
            breakdowns: if full { pick(true) } else { Vec::new() },
            seconds: if full { pick(false) } else { Vec::new() },
            years: if full { pick(true) } else { Vec::new() },
            shown,
            cut: if full { vec![2021] } else { Vec::new() },
            copies: if full { 3 } else { 0 },
            threshold: 5,
        };
        let [table, matrix, bare] = TablePart::samples();
        vec![page(Some(table), true), page(Some(matrix), true), page(Some(bare), true), page(None, false)]
    }
}

/// The address asks for something that is not on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

/// The word for "no breakdown".
const TOTAL: &str = "total";

impl Choice {
    /// The table an address asks for: an indicator, up to two breakdowns, a year. Anything else is refused, not left out silently.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn read(explorer: &Explorer, query: &str) -> Result<Self, Refused> {
        let years = explorer.years();
        let mut headlines = explorer.indicators().filter(|(_, i)| i.headline);
        let indicator = headlines.next().or_else(|| explorer.indicators().next()).map_or(0, |(at, _)| at);
        let mut choice = Self { indicator, axes: vec![0], year: years.len().saturating_sub(1) };
        let (mut by, mut and) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').ok_or(Refused)?;
            let value = percent_encoding::percent_decode_str(value).decode_utf8().map_err(|_| Refused)?;
            match key {
                "indicator" => {
                    let found = explorer.indicators().find(|(_, i)| i.id == value);
                    choice.indicator = found.ok_or(Refused)?.0;
                }
                "by" => by = Some(axis(explorer, &value)?),
                "and" => and = Some(axis(explorer, &value)?),
                "year" => {
                    let year: i32 = value.parse().map_err(|_| Refused)?;
                    choice.year = years.iter().position(|y| *y == year).ok_or(Refused)?;
                }
                "lang" => {}
                _ => return Err(Refused),
            }
        }
        let by = by.unwrap_or(Some(0));
        let mut axes: Vec<usize> = [by, and.flatten()].into_iter().flatten().collect();
        axes.sort_unstable();
        axes.dedup();
        choice.axes = axes;
        Ok(choice)
    }

    /// The same as an address.
    #[must_use]
    pub fn query(&self, explorer: &Explorer) -> String {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let name = |at: usize| self.axes.get(at).map_or(TOTAL, |a| AXES[*a]);
        format!(
            "?indicator={}&by={}&and={}&year={}",
            encode(&explorer.indicator(self.indicator).id),
            name(0),
            name(1),
            explorer.years()[self.year]
        )
    }
}

fn axis(explorer: &Explorer, word: &str) -> Result<Option<usize>, Refused> {
    if word.is_empty() || word == TOTAL {
        return Ok(None);
    }
    let at = AXES.iter().position(|name| *name == word).ok_or(Refused)?;
    // A breakdown nobody is in is none.
    if explorer.axes()[at].groups.is_empty() { Err(Refused) } else { Ok(Some(at)) }
}

fn picks(explorer: &Explorer, choice: &Choice, language: Language, total: &str, none: &str) -> [Vec<Pick>; 4] {
    let indicators = explorer.indicators().map(|(at, i)| Pick {
        value: i.id.clone(),
        title: i.title.get(language).to_owned(),
        chosen: at == choice.indicator,
    });
    let axes = |chosen: Option<usize>, nothing: &str| -> Vec<Pick> {
        let first = Pick { value: TOTAL.to_owned(), title: nothing.to_owned(), chosen: chosen.is_none() };
        let there = explorer.axes().iter().enumerate().filter(|(_, a)| !a.groups.is_empty());
        let pick = |(at, a): (usize, &crate::explore::AxisTitle)| Pick {
            value: a.name.to_owned(),
            title: a.title.get(language).to_owned(),
            chosen: chosen == Some(at),
        };
        std::iter::once(first).chain(there.map(pick)).collect()
    };
    let years = explorer.years();
    let year = |(at, year): (usize, &i32)| Pick {
        value: year.to_string(),
        title: year.to_string(),
        chosen: at == choice.year,
    };
    [
        indicators.collect(),
        axes(choice.axes.first().copied(), total),
        axes(choice.axes.get(1).copied(), none),
        years.iter().enumerate().rev().map(year).collect(),
    ]
}

async fn explore(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let mut page = ExplorePage {
        bar: staff.bar("explore"),
        empty: false,
        unweighted: None,
        refused: false,
        indicators: Vec::new(),
        breakdowns: Vec::new(),
        seconds: Vec::new(),
        years: Vec::new(),
        shown: None,
        cut: Vec::new(),
        copies: 0,
        threshold: staff.municipality.settings.threshold.max(5),
    };
    let explorer = match app.explorer(&staff.municipality).await {
        Ok(explorer) => explorer,
        Err(ExploreError::Nothing) => return view.render(&ExplorePage { empty: true, ..page }),
        Err(ExploreError::Weights(reason)) => {
            return view.render(&ExplorePage { unweighted: Some(reason.to_string()), ..page });
        }
        Err(error) => return Err(error.into()),
    };
    let read = Choice::read(&explorer, query.as_deref().unwrap_or_default());
    let choice = match &read {
        Ok(choice) => choice.clone(),
        Err(Refused) => Choice::read(&explorer, "").map_err(|_| PageError::NotFound)?,
    };
    let say = |key: &str| app.t(language, key, &[]);
    let [indicators, breakdowns, seconds, years] =
        picks(&explorer, &choice, language, &say("explore.total"), &say("explore.no_second"));
    page = ExplorePage { indicators, breakdowns, seconds, years, ..page };
    page.cut = explorer.cut().to_vec();
    page.copies = explorer.copies();
    if read.is_err() {
        page.refused = true;
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    }
    let report = explorer.report(app.store(), &choice).await?;
    let href = format!("/{}/console/explore", staff.municipality.slug);
    page.shown =
        Some(TablePart::of(app.messages(), language, &explorer, &choice, &report, &href, app.downloads().is_some()));
    view.render(&page)
}
