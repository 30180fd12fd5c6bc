//! The year's paper: what changed and is it real, what is done about it, the figures behind it, and how they came about.
//!
//! # Layout
//! - here: what a paper is made of, the order of its sections, and the status to the council
//! - `figures`: indicators year by year, sectors, who answered
//! - `doing`: goals, initiatives with their history, growth accounts
//! - `said`: directions, what matters most, themes and quotes, method
mod doing;
mod figures;
mod said;

use std::collections::HashMap;

use charts::{ChartError, Layout, Setting};
use domain::initiatives::Standing;
use domain::language::Language;
use domain::municipality::Municipality;
use domain::results::{IndicatorInfo, Report};
use serde::Serialize;
use text::messages::Messages;
use text::summary;

use crate::paper::{self, PaperError};
use crate::words::{Words, element};

/// The template, typst source.
const TEMPLATE: &str = include_str!("../../../templates/report/year.typ");

/// What the paper says beside the report itself.
#[derive(Debug, Clone)]
pub struct Occasion<'a> {
    /// Whose survey.
    pub municipality: &'a Municipality,
    /// Language of the paper.
    pub language: Language,
    /// Day of publication.
    pub published_on: jiff::civil::Date,
    /// Version of the publication: 1, or more for a correction.
    pub version: i64,
    /// What a correction corrects, or a remark; may be empty.
    pub note: &'a str,
    /// The author's foreword; may be empty.
    pub foreword: &'a str,
    /// The author's remark on the method; may be empty.
    pub remark: &'a str,
    /// Quotes from open answers, released one by one.
    pub quotes: &'a [String],
    /// Goals, initiatives and growth accounts as they stood that day; none in publications made before there were any.
    pub standing: Option<&'a Standing>,
}

/// Sets a year's report as a tagged PDF.
///
/// # Errors
/// [`PaperError::Typesetting`] when something in the content cannot be set.
pub fn year(messages: &Messages, report: &Report, occasion: &Occasion<'_>) -> Result<Vec<u8>, PaperError> {
    Ok(year_with_pages(messages, report, occasion)?.1)
}

/// As [`year`], with the number of pages.
///
/// # Errors
/// As [`year`].
pub fn year_with_pages(
    messages: &Messages,
    report: &Report,
    occasion: &Occasion<'_>,
) -> Result<(usize, Vec<u8>), PaperError> {
    Desk::new(messages, report, occasion).report()
}

/// Pages that the status to the council may have.
const STATUS_PAGES: usize = 2;

/// Sets the status to the council: what changed, goals and initiatives, on two pages.
///
/// # Errors
/// As [`year`]; also when it cannot be brought onto two pages.
pub fn status(messages: &Messages, report: &Report, occasion: &Occasion<'_>) -> Result<Vec<u8>, PaperError> {
    // Initiatives are many in some municipalities: less is listed until it fits; the report has it all.
    for (most, accounts) in [(20, 12), (20, 5), (12, 5), (12, 0), (8, 0), (5, 0), (0, 0)] {
        let (pages, pdf) = Desk::new(messages, report, occasion).council(most, accounts)?;
        if pages <= STATUS_PAGES {
            return Ok(pdf);
        }
    }
    Err(PaperError::Typesetting("the status does not fit on two pages".to_owned()))
}

#[derive(Serialize)]
struct Content {
    /// Smaller print, for few pages.
    compact: bool,
    lang: &'static str,
    title: String,
    author: String,
    subtitle: String,
    colour: String,
    /// What a correction corrects.
    notice: String,
    sentences: Vec<String>,
    sections: Vec<Section>,
}

#[derive(Serialize, Default)]
struct Section {
    title: String,
    /// Begins on a page of its own.
    page: bool,
    /// Stands on one page.
    whole: bool,
    paragraphs: Vec<String>,
    list: Vec<String>,
    charts: Vec<Chart>,
    tables: Vec<Sheet>,
    quotes: Vec<String>,
    parts: Vec<Part>,
}

/// Something under a heading of its own within a section.
#[derive(Serialize)]
struct Part {
    title: String,
    paragraphs: Vec<String>,
    /// In small print beneath.
    facts: Vec<String>,
    tables: Vec<Sheet>,
}

#[derive(Serialize)]
struct Chart {
    file: String,
    alt: String,
    caption: String,
}

/// Which columns of a table are wide, and what stands left.
#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Shape {
    /// A name, then figures.
    Figures,
    /// A name, figures, and words at the end.
    Sourced,
    /// Goals: wording, measured, result.
    Goals,
    /// Four columns of words.
    Words,
}

#[derive(Serialize)]
struct Sheet {
    caption: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    shape: Shape,
}

/// Where a paper is put together.
struct Desk<'a> {
    words: Words<'a>,
    files: HashMap<String, Vec<u8>>,
}

impl<'a> Desk<'a> {
    fn new(messages: &'a Messages, report: &'a Report, occasion: &'a Occasion<'a>) -> Self {
        Self { words: Words { messages, report, occasion }, files: HashMap::new() }
    }

    /// How a chart is drawn for paper: narrower than on a page, so that its words are as large as those around it.
    const fn setting(&self, id: &'a str) -> Setting<'a> {
        let setting = Setting::standalone(self.words.messages, self.words.language(), id);
        Setting { heading: false, layout: Layout::Paper, ..setting }
    }

    /// Keeps a drawn chart as a file of the paper, with its own description as the alternative text.
    fn chart(&mut self, file: &str, drawn: Result<String, ChartError>) -> Option<Chart> {
        let svg = drawn.ok()?;
        let (title, description) = (element(&svg, "title"), element(&svg, "desc"));
        self.files.insert(file.to_owned(), svg.into_bytes());
        Some(Chart { file: file.to_owned(), alt: format!("{title}. {description}"), caption: title })
    }

    /// The indicator that stands for all where only one is shown by group.
    fn first(&self) -> Option<&'a IndicatorInfo> {
        let indicators = &self.words.report.indicators;
        indicators.iter().find(|i| i.headline).or(indicators.first())
    }

    /// The report: a summary that stands on its own, then what lies behind it, method, appendix.
    fn report(mut self) -> Result<(usize, Vec<u8>), PaperError> {
        let mut sections = vec![self.indicators("headlines_title", |indicator| indicator.headline)];
        // What a goal is and when it is met stands with the method: the summary is one page.
        sections.extend(self.goals().map(|goals| Section { paragraphs: Vec::new(), ..goals }));
        sections.extend(self.foreword());
        sections.extend(self.trends());
        sections.extend(self.sectors());
        sections.extend(self.sizes());
        sections.extend(self.priorities());
        sections.extend(self.themes());
        sections.extend(self.initiatives());
        sections.extend(self.accounts(usize::MAX));
        sections.push(self.coverage());
        sections.push(self.method());
        let appendix = sections.len();
        sections.push(self.indicators("indicators_title", |_| true));
        sections.extend(self.by_sector());
        sections.extend(self.accounts_by_sector());
        sections.extend(self.two_years());
        sections[appendix].page = true;
        let title = self.words.title();
        self.set(title, sections, false)
    }

    /// The status to the council.
    fn council(mut self, most: usize, accounts: usize) -> Result<(usize, Vec<u8>), PaperError> {
        let mut sections = vec![self.indicators("headlines_title", |indicator| indicator.headline)];
        sections.extend(self.goals());
        sections.extend(self.sectors_in_brief());
        sections.extend(self.running(most));
        sections.extend(self.accounts(accounts));
        sections.push(Section {
            title: self.words.paper("method_title", &[]),
            paragraphs: vec![self.words.paper("method_interval", &[]), self.words.page("meaning_change")],
            ..Section::default()
        });
        let council = self.words.council();
        let year = self.words.year().to_string();
        let title = self.words.say("status_title", &[("council", council.into()), ("year", year.into())]);
        self.set(title, sections, true)
    }

    fn set(mut self, title: String, sections: Vec<Section>, compact: bool) -> Result<(usize, Vec<u8>), PaperError> {
        let Words { messages, report, occasion } = self.words;
        let content = Content {
            compact,
            lang: occasion.language.tag(),
            title,
            author: occasion.municipality.name.clone(),
            subtitle: self.words.subtitle(),
            colour: occasion.municipality.settings.colour.clone(),
            notice: self.words.correction(),
            sentences: summary::opening(messages, occasion.language, report),
            sections,
        };
        let json = serde_json::to_vec(&content).map_err(|e| PaperError::Typesetting(e.to_string()))?;
        self.files.insert("content.json".to_owned(), json);
        paper::pages(TEMPLATE, self.files)
    }
}
