//! The year's paper: what changed and is it real, the figures behind it, who answered, and how the figures came about.
use std::collections::HashMap;

use charts::{ChartError, Priority, PriorityPoint, Setting, ThemeRow, Themes};
use domain::initiatives::{InitiativeState, Standing};
use domain::insight::DriverRow;
use domain::language::Language;
use domain::municipality::Municipality;
use domain::results::{ALL, ChangeRow, EstimateRow, IndicatorInfo, Report, TOTAL, Verdict};
use serde::Serialize;
use text::insight::{TargetLine, Teller};
use text::messages::{Arg, Messages};
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
    /// The author's remark; may be empty.
    pub note: &'a str,
    /// Goals, initiatives and growth accounts as they stood that day; none in publications made before there were any.
    pub standing: Option<&'a Standing>,
}

/// Sets a year's report as a tagged PDF.
///
/// # Errors
/// [`PaperError::Typesetting`] when something in the content cannot be set.
pub fn year(messages: &Messages, report: &Report, occasion: &Occasion<'_>) -> Result<Vec<u8>, PaperError> {
    let desk = Desk { messages, report, language: occasion.language, files: HashMap::new() };
    desk.set(occasion)
}

/// Pages that the status to the council may have.
const STATUS_PAGES: usize = 2;

/// Sets the status to the council: what changed, goals and initiatives, on two pages.
///
/// # Errors
/// As [`year`]; also when it cannot be brought onto two pages.
pub fn status(messages: &Messages, report: &Report, occasion: &Occasion<'_>) -> Result<Vec<u8>, PaperError> {
    // Initiatives are many in some municipalities: fewer are listed until it fits; the report has them all.
    for most in [20, 12, 8, 5, 0] {
        let desk = Desk { messages, report, language: occasion.language, files: HashMap::new() };
        let (pages, pdf) = desk.council(occasion, most)?;
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
    sentences: Vec<String>,
    sections: Vec<Section>,
}

#[derive(Serialize)]
struct Section {
    title: String,
    paragraphs: Vec<String>,
    charts: Vec<Chart>,
    tables: Vec<Sheet>,
}

#[derive(Serialize)]
struct Chart {
    file: String,
    alt: String,
    caption: String,
}

#[derive(Serialize)]
struct Sheet {
    caption: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Cells hold text, not figures: they stand left.
    text: bool,
}

struct Desk<'a> {
    messages: &'a Messages,
    report: &'a Report,
    language: Language,
    files: HashMap<String, Vec<u8>>,
}

impl Desk<'_> {
    fn say(&self, key: &str, args: &[(&str, Arg)]) -> String {
        self.messages.t(self.language, &format!("report.{key}"), args)
    }

    const fn words<'w>(&'w self, occasion: &'w Occasion<'w>) -> Words<'w> {
        Words { messages: self.messages, report: self.report, occasion }
    }

    /// The status to the council.
    fn council(mut self, occasion: &Occasion<'_>, most: usize) -> Result<(usize, Vec<u8>), PaperError> {
        let year = self.report.years.last().copied().unwrap_or_default();
        let mut sections = vec![self.figures("headlines_title", |indicator| indicator.headline)];
        let first = self.report.indicators.iter().find(|i| i.headline).or(self.report.indicators.first());
        if let Some(indicator) = first.filter(|_| self.report.breakdowns.iter().any(|b| b.domain == "sector")) {
            let mut sectors = self.breakdown(indicator, "sector", year);
            sectors.charts.truncate(1);
            sectors.tables.clear();
            sections.push(sectors);
        }
        sections.extend(self.goals());
        sections.extend(self.initiatives(occasion, most));
        sections.push(Section {
            title: self.say("method_title", &[]),
            paragraphs: vec![self.say("method_interval", &[]), self.word("meaning_change")],
            charts: vec![],
            tables: vec![],
        });
        self.finish(occasion, sections, true)
    }

    /// What the municipality does, as it stood that day.
    fn initiatives(&self, occasion: &Occasion<'_>, most: usize) -> Option<Section> {
        let standing = occasion.standing?;
        let words = self.words(occasion);
        // Running ones first, ideas last.
        let order = [InitiativeState::Active, InitiativeState::Done, InitiativeState::Idea, InitiativeState::Stopped];
        let all = order.into_iter().flat_map(|state| standing.initiatives.iter().filter(move |i| i.state == state));
        let rows: Vec<Vec<String>> = all
            .take(most)
            .map(|i| {
                let area = standing.area(i.plan.focus_area.as_deref());
                vec![
                    i.plan.title.get(self.language).to_owned(),
                    area.map(|a| a.title.get(self.language).to_owned()).unwrap_or_default(),
                    i.plan.owner.name().to_owned(),
                    words.say(&format!("state_{}", i.state.as_str()), &[]),
                ]
            })
            .collect();
        let head = ["initiative", "focus_area", "owner", "state"].map(|key| words.say(key, &[])).to_vec();
        (!rows.is_empty()).then(|| Section {
            title: words.say("initiatives", &[]),
            paragraphs: vec![],
            charts: vec![],
            tables: vec![Sheet { caption: String::new(), head, rows, text: true }],
        })
    }

    /// The direction over the years, a sentence for each main indicator that has one.
    fn trends(&self) -> Option<Section> {
        let main = self.report.indicators.iter().filter(|i| i.headline);
        let said = |i: &IndicatorInfo| Some(format!("{}: {}", i.title.get(self.language), self.teller().trend(&i.id)?));
        let paragraphs: Vec<String> = main.filter_map(said).collect();
        (!paragraphs.is_empty()).then(|| Section {
            title: self.messages.t(self.language, "papers.trends", &[]),
            paragraphs,
            charts: vec![],
            tables: vec![],
        })
    }

    /// Thin groups over two years.
    fn two_years(&self, occasion: &Occasion<'_>) -> Option<Section> {
        let words = self.words(occasion);
        let rows: Vec<Vec<String>> = self
            .report
            .insight
            .two_year_means
            .iter()
            .filter_map(|row| {
                let info = self.report.indicators.iter().find(|i| i.id == row.indicator)?;
                let group = words.groups(&row.domain).into_iter().find(|(_, _, key)| *key == row.group)?.0;
                let n = row.estimate.n;
                let value = charts::figure(self.language, info.kind, row.estimate.value?, n);
                let margin = row.estimate.interval.map(|i| charts::margin(self.language, info.kind, i, n));
                Some(vec![
                    info.title.get(self.language).to_owned(),
                    group,
                    format!("{}–{}", row.year_from, row.year_to),
                    format!("{value} {}", margin.unwrap_or_default()).trim_end().to_owned(),
                ])
            })
            .collect();
        let keys = ["indicator", "two_years_group", "two_years_pair", "two_years_value"];
        let head = keys.map(|key| self.word(key)).to_vec();
        (!rows.is_empty()).then(|| Section {
            title: self.word("two_years"),
            paragraphs: vec![self.word("two_years_text")],
            charts: vec![],
            tables: vec![Sheet { caption: String::new(), head, rows, text: true }],
        })
    }

    fn finish(
        mut self,
        occasion: &Occasion<'_>,
        sections: Vec<Section>,
        compact: bool,
    ) -> Result<(usize, Vec<u8>), PaperError> {
        let words = self.words(occasion);
        let content = Content {
            compact,
            lang: self.language.tag(),
            title: words.title(),
            author: occasion.municipality.name.clone(),
            subtitle: words.subtitle(),
            colour: occasion.municipality.settings.colour.clone(),
            sentences: summary::opening(self.messages, self.language, self.report),
            sections,
        };
        let json = serde_json::to_vec(&content).map_err(|e| PaperError::Typesetting(e.to_string()))?;
        self.files.insert("content.json".to_owned(), json);
        paper::pages(TEMPLATE, self.files)
    }

    fn set(mut self, occasion: &Occasion<'_>) -> Result<Vec<u8>, PaperError> {
        let year = self.report.years.last().copied().unwrap_or_default();
        let mut sections = Vec::new();
        if !occasion.note.is_empty() {
            sections.push(Section {
                title: self.say("note_title", &[]),
                paragraphs: vec![occasion.note.to_owned()],
                charts: vec![],
                tables: vec![],
            });
        }
        sections.push(self.figures("headlines_title", |indicator| indicator.headline));
        sections.extend(self.trends());
        sections.extend(self.goals());
        let first = self.report.indicators.iter().find(|i| i.headline).or(self.report.indicators.first());
        if let Some(indicator) = first {
            let broken_down = self.report.breakdowns.iter().filter(|b| b.domain == "sector" || b.domain == "size");
            let domains: Vec<String> = broken_down.map(|b| b.domain.clone()).collect();
            for domain in domains {
                sections.push(self.breakdown(indicator, &domain, year));
            }
        }
        sections.extend(self.priorities());
        sections.extend(self.themes(year));
        sections.extend(self.initiatives(occasion, usize::MAX));
        sections.push(self.coverage(year));
        sections.extend(self.quality());
        let method = self.words(occasion).method();
        sections.push(Section {
            title: self.say("method_title", &[]),
            paragraphs: method,
            charts: vec![],
            tables: vec![],
        });
        sections.push(self.figures("indicators_title", |_| true));
        sections.extend(self.two_years(occasion));
        Ok(self.finish(occasion, sections, false)?.1)
    }

    /// Some of the indicators in the total, year by year.
    fn figures(&self, title: &str, wanted: impl Fn(&IndicatorInfo) -> bool) -> Section {
        let mut head = vec![self.say("indicator", &[])];
        head.extend(self.report.years.iter().map(ToString::to_string));
        head.push(self.say("change", &[]));
        let indicators = self.report.indicators.iter().filter(|indicator| wanted(indicator));
        let rows = indicators.map(|indicator| self.row(indicator.title.get(self.language), indicator, TOTAL, ALL));
        let table = Sheet { caption: self.say("table_note", &[]), head, rows: rows.collect(), text: false };
        Section { title: self.say(title, &[]), paragraphs: vec![], charts: vec![], tables: vec![table] }
    }

    /// One indicator by the groups of a breakdown: the change as a chart, the years as a table.
    fn breakdown(&mut self, indicator: &IndicatorInfo, domain: &str, year: i32) -> Section {
        let (messages, language, report) = (self.messages, self.language, self.report);
        let before = report.years.iter().rev().nth(1).copied();
        let mut charts = Vec::new();
        let setting = Setting { heading: false, ..Setting::standalone(messages, language, "chart") };
        if let Some(before) = before {
            let drawn = charts::change(report, &indicator.id, (before, year), domain, &setting);
            charts.extend(self.chart(&format!("change-{domain}.svg"), drawn));
        }
        if domain == "sector" {
            let drawn = charts::multiples(report, &indicator.id, domain, 4, &setting);
            charts.extend(self.chart(&format!("years-{domain}.svg"), drawn));
        }
        let breakdown = report.breakdowns.iter().find(|b| b.domain == domain);
        let title = breakdown.map_or_else(String::new, |b| {
            format!("{}: {}", indicator.title.get(language), b.title.get(language).to_lowercase())
        });
        let mut head = vec![breakdown.map_or_else(String::new, |b| b.title.get(language).to_owned())];
        head.extend(report.years.iter().map(ToString::to_string));
        head.push(self.say("change", &[]));
        let groups = breakdown.map(|b| b.groups.as_slice()).unwrap_or_default();
        let mut rows = vec![self.row(&self.say("all", &[]), indicator, TOTAL, ALL)];
        rows.extend(groups.iter().map(|group| self.row(group.title.get(language), indicator, domain, &group.key)));
        let table = Sheet { caption: self.say("table_note", &[]), head, rows, text: false };
        Section { title, paragraphs: vec![], charts, tables: vec![table] }
    }

    fn coverage(&mut self, year: i32) -> Section {
        let setting = Setting { heading: false, ..Setting::standalone(self.messages, self.language, "coverage") };
        let drawn = charts::coverage(self.report, year, "sector", &setting);
        let charts = self.chart("coverage.svg", drawn).into_iter().collect();
        Section {
            title: self.say("coverage_title", &[]),
            paragraphs: std::iter::once(self.say("coverage_text", &[])).chain(self.teller().response()).collect(),
            charts,
            tables: vec![],
        }
    }

    const fn teller(&self) -> Teller<'_> {
        Teller { messages: self.messages, language: self.language, report: self.report }
    }

    /// A word of the committee's page, so that page and paper say the same.
    fn word(&self, key: &str) -> String {
        self.messages.t(self.language, &format!("committee.{key}"), &[])
    }

    fn goals(&self) -> Option<Section> {
        let head = ["indicator", "goal_wanted", "goal_found", "goal_result"].map(|key| self.word(key)).to_vec();
        let row =
            |line: TargetLine| vec![line.title, line.wanted, line.found, self.word(&format!("goal_{}", line.verdict))];
        let rows: Vec<Vec<String>> = self.teller().targets().into_iter().map(row).collect();
        (!rows.is_empty()).then(|| Section {
            title: self.say("goals_title", &[]),
            paragraphs: vec![self.word("goals_text")],
            charts: vec![],
            tables: vec![Sheet { caption: String::new(), head, rows, text: true }],
        })
    }

    fn priorities(&mut self) -> Vec<Section> {
        let setting = Setting { heading: false, ..Setting::standalone(self.messages, self.language, "priority") };
        let keys =
            ["priority_item", "priority_satisfaction", "priority_importance", "priority_range", "priority_quarter"];
        let mut sections = Vec::new();
        for map in &self.report.insight.drivers {
            let point = |d: &DriverRow| PriorityPoint {
                label: text::insight::short(d.title.get(self.language)),
                satisfaction: d.mean,
                importance: d.share,
            };
            let data = Priority { scale: map.scale, points: map.drivers.iter().map(point).collect() };
            let drawn = charts::priority(&data, &setting);
            let battery = self.report.indicators.iter().find(|i| i.id == map.battery);
            let battery = battery.map_or(map.battery.as_str(), |i| i.title.get(self.language));
            let lines = self.teller().driver_lines(map).into_iter().enumerate();
            let rows: Vec<Vec<String>> = lines
                .map(|(at, line)| {
                    let quarter = self.messages.t(self.language, line.quarter, &[]);
                    vec![format!("{}. {}", at + 1, line.title), line.satisfaction, line.importance, line.range, quarter]
                })
                .collect();
            let head = keys.map(|key| self.word(key)).to_vec();
            let table = (!rows.is_empty()).then(|| Sheet { caption: String::new(), head, rows, text: false });
            sections.push(Section {
                title: format!("{} {}", self.say("priorities_title", &[]), battery),
                paragraphs: self.teller().drivers(map),
                charts: self.chart(&format!("priority-{}.svg", map.battery), drawn).into_iter().collect(),
                tables: table.into_iter().collect(),
            });
        }
        sections
    }

    fn themes(&mut self, year: i32) -> Option<Section> {
        let part = self.report.insight.themes.as_ref()?;
        let before = part.years.iter().rev().find(|y| y.year < year && y.is_complete()).map(|y| y.year);
        let mut rows: Vec<ThemeRow> = part
            .themes
            .iter()
            .filter_map(|theme| {
                let row = part.share(&theme.key, year).filter(|row| !row.state.is_hidden())?;
                Some(ThemeRow {
                    label: theme.title.get(self.language).to_owned(),
                    share: Some(row.estimate.value?),
                    interval: row.estimate.interval,
                    verdict: before.and_then(|from| part.change(&theme.key, from, year)).map(|c| c.verdict),
                })
            })
            .collect();
        rows.sort_by(|a, b| b.share.unwrap_or(0.0).total_cmp(&a.share.unwrap_or(0.0)));
        let setting = Setting { heading: false, ..Setting::standalone(self.messages, self.language, "themes") };
        let drawn = charts::themes(&Themes { year, rows }, &setting);
        Some(Section {
            title: self.say("themes_title", &[]),
            paragraphs: self.teller().themes(part, year),
            charts: self.chart("themes.svg", drawn).into_iter().collect(),
            tables: vec![],
        })
    }

    fn quality(&self) -> Option<Section> {
        let lines = self.teller().reliability();
        (!lines.is_empty()).then(|| Section {
            title: self.say("quality_title", &[]),
            paragraphs: std::iter::once(self.word("quality_text")).chain(lines).collect(),
            charts: vec![],
            tables: vec![],
        })
    }

    fn row(&self, label: &str, indicator: &IndicatorInfo, domain: &str, group: &str) -> Vec<String> {
        let mut row = vec![label.to_owned()];
        let estimate = |year: &i32| self.report.estimate(&indicator.id, *year, domain, group);
        row.extend(self.report.years.iter().map(|year| self.figure(indicator, estimate(year))));
        let change = match self.report.years.as_slice() {
            [.., before, last] => self.report.change(&indicator.id, *before, *last, domain, group),
            _ => None,
        };
        row.push(self.change(indicator, change));
        row
    }

    fn figure(&self, indicator: &IndicatorInfo, row: Option<&EstimateRow>) -> String {
        match row {
            Some(row) if row.state.is_hidden() => self.word("verdict_hidden"),
            Some(EstimateRow { estimate, .. }) => match (estimate.value, estimate.interval) {
                (Some(value), Some(interval)) => format!(
                    "{} {}",
                    charts::figure(self.language, indicator.kind, value, estimate.n),
                    charts::margin(self.language, indicator.kind, interval, estimate.n)
                ),
                (Some(value), None) => charts::figure(self.language, indicator.kind, value, estimate.n),
                (None, _) => "–".to_owned(),
            },
            None => "–".to_owned(),
        }
    }

    fn change(&self, indicator: &IndicatorInfo, row: Option<&ChangeRow>) -> String {
        let Some(row) = row else { return "–".to_owned() };
        let key = match row.verdict {
            Verdict::Up => "verdict_up",
            Verdict::Down => "verdict_down",
            Verdict::Unclear => "verdict_unclear",
            Verdict::Break => return self.say("verdict_break", &[]),
            Verdict::Hidden => return self.word("verdict_hidden"),
        };
        let size = row.change.map(|c| charts::difference(self.language, indicator.kind, c, row.n_from.min(row.n_to)));
        self.say(key, &[("change", size.unwrap_or_default().into())])
    }

    /// Keeps a drawn chart as a file of the paper, with its own description as the alternative text.
    fn chart(&mut self, file: &str, drawn: Result<String, ChartError>) -> Option<Chart> {
        let svg = drawn.ok()?;
        let (title, description) = (element(&svg, "title"), element(&svg, "desc"));
        self.files.insert(file.to_owned(), svg.into_bytes());
        Some(Chart { file: file.to_owned(), alt: format!("{title}. {description}"), caption: title })
    }
}
