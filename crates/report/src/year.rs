//! The year's paper: what changed and is it real, the figures behind it, who answered, and how the figures came about.
use std::collections::HashMap;

use charts::{ChartError, Priority, PriorityPoint, Setting, ThemeRow, Themes};
use domain::insight::DriverRow;
use domain::language::Language;
use domain::municipality::Municipality;
use domain::results::{ALL, ChangeRow, EstimateRow, IndicatorInfo, Report, TOTAL, Verdict};
use serde::Serialize;
use text::insight::{TargetLine, Teller};
use text::messages::{Arg, Messages};
use text::{format, summary};

use crate::paper::{self, PaperError};

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
}

/// Sets a year's report as a tagged PDF.
///
/// # Errors
/// [`PaperError::Typesetting`] when something in the content cannot be set.
pub fn year(messages: &Messages, report: &Report, occasion: &Occasion<'_>) -> Result<Vec<u8>, PaperError> {
    let desk = Desk { messages, report, language: occasion.language, files: HashMap::new() };
    desk.set(occasion)
}

#[derive(Serialize)]
struct Content {
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

    fn set(mut self, occasion: &Occasion<'_>) -> Result<Vec<u8>, PaperError> {
        let year = self.report.years.last().copied().unwrap_or_default();
        let name = occasion.municipality.name.clone();
        let date = format::date(self.language, occasion.published_on);
        let mut subtitle = self.say("subtitle", &[("municipality", name.as_str().into()), ("date", date.into())]);
        if occasion.version > 1 {
            subtitle = format!("{subtitle} {}", self.say("correction", &[("version", occasion.version.into())]));
        }
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
        let first = self.report.indicators.iter().find(|i| i.headline).or(self.report.indicators.first());
        if let Some(indicator) = first {
            let sectors = self
                .report
                .breakdowns
                .iter()
                .filter(|b| b.domain == "sector" || b.domain == "size")
                .map(|b| b.domain.clone());
            for domain in sectors.collect::<Vec<_>>() {
                sections.push(self.breakdown(indicator, &domain, year));
            }
        }
        sections.extend(self.goals());
        sections.extend(self.priorities());
        sections.extend(self.themes(year));
        sections.push(self.coverage(year));
        sections.extend(self.quality());
        sections.push(self.method(occasion));
        sections.push(self.figures("indicators_title", |_| true));
        let content = Content {
            lang: self.language.tag(),
            title: self.say("title", &[("year", year.into())]),
            author: name,
            subtitle,
            colour: occasion.municipality.settings.colour.clone(),
            sentences: summary::opening(self.messages, self.language, self.report),
            sections,
        };
        let json = serde_json::to_vec(&content).map_err(|e| PaperError::Typesetting(e.to_string()))?;
        self.files.insert("content.json".to_owned(), json);
        paper::pdf(TEMPLATE, self.files)
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

    fn method(&self, occasion: &Occasion<'_>) -> Section {
        let threshold = i64::from(occasion.municipality.settings.threshold);
        let mut paragraphs = vec![
            self.say("method_weights", &[]),
            self.say("method_interval", &[]),
            self.say("method_change", &[]),
            self.say("method_hidden", &[("threshold", threshold.into())]),
            self.say("method_confidential", &[]),
            self.say("method_version", &[("version", self.report.provenance.version.as_str().into())]),
        ];
        if !self.report.provenance.collapses.is_empty() {
            paragraphs.insert(1, self.say("method_collapsed", &[("n", self.report.provenance.collapses.len().into())]));
        }
        Section { title: self.say("method_title", &[]), paragraphs, charts: vec![], tables: vec![] }
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
            Some(row) if row.state.is_hidden() => self.say("hidden", &[]),
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
            Verdict::Hidden => return self.say("hidden", &[]),
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

/// The text of the first `<name …>…</name>` of a drawing of ours.
fn element(svg: &str, name: &str) -> String {
    let inside = svg.split_once(&format!("<{name}")).and_then(|(_, rest)| rest.split_once('>')).map(|(_, rest)| rest);
    let text = inside.and_then(|rest| rest.split_once("</")).map_or("", |(text, _)| text);
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |t, (from, to)| t.replace(from, to))
}
