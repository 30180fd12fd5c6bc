//! What a paper says beyond single figures: directions, what matters most, the businesses' own words, how the figures came about.
use charts::{Priority, PriorityPoint, ThemeRow, Themes};
use domain::insight::DriverRow;

use super::{Desk, Section, Shape, Sheet};

impl Desk<'_> {
    /// The author's foreword.
    pub(super) fn foreword(&self) -> Option<Section> {
        let paragraphs = self.words.foreword();
        let title = self.words.paper("note_title", &[]);
        (!paragraphs.is_empty()).then(|| Section { title, paragraphs, ..Section::default() })
    }

    /// The direction over the years.
    pub(super) fn trends(&self) -> Option<Section> {
        let list = self.words.trends();
        let title = self.words.say("trends", &[]);
        (!list.is_empty()).then(|| Section { title, list, ..Section::default() })
    }

    pub(super) fn priorities(&mut self) -> Vec<Section> {
        let language = self.words.language();
        let keys =
            ["priority_item", "priority_satisfaction", "priority_importance", "priority_range", "priority_quarter"];
        let mut sections = Vec::new();
        for map in &self.words.report.insight.drivers {
            let point = |d: &DriverRow| PriorityPoint {
                label: text::insight::short(d.title.get(language)),
                satisfaction: d.mean,
                importance: d.share,
            };
            let data = Priority { scale: map.scale, points: map.drivers.iter().map(point).collect() };
            let drawn = charts::priority(&data, &self.setting("priority"));
            let battery = self.words.report.indicators.iter().find(|i| i.id == map.battery);
            let battery = battery.map_or(map.battery.as_str(), |i| i.title.get(language));
            let lines = self.words.teller().driver_lines(map).into_iter().enumerate();
            let rows: Vec<Vec<String>> = lines
                .map(|(at, line)| {
                    let quarter = self.words.messages.t(language, line.quarter, &[]);
                    vec![format!("{}. {}", at + 1, line.title), line.satisfaction, line.importance, line.range, quarter]
                })
                .collect();
            let head = keys.map(|key| self.words.page(key)).to_vec();
            let table = (!rows.is_empty()).then(|| Sheet { caption: String::new(), head, rows, shape: Shape::Figures });
            sections.push(Section {
                title: format!("{} {}", self.words.paper("priorities_title", &[]), battery),
                paragraphs: self.words.teller().drivers(map),
                charts: self.chart(&format!("priority-{}.svg", map.battery), drawn).into_iter().collect(),
                tables: table.into_iter().collect(),
                ..Section::default()
            });
        }
        sections
    }

    /// Themes of the open answers, and quotes that were released.
    pub(super) fn themes(&mut self) -> Option<Section> {
        let quotes = self.words.occasion.quotes.to_vec();
        let mut section = Section { title: self.words.paper("themes_title", &[]), ..Section::default() };
        let year = self.words.year();
        let part = self.words.report.insight.themes.as_ref();
        if part.is_none() && quotes.is_empty() {
            return None;
        }
        if let Some(part) = part {
            let before = part.years.iter().rev().find(|y| y.year < year && y.is_complete()).map(|y| y.year);
            let rows = self.words.themes().into_iter().map(|(theme, row)| ThemeRow {
                label: theme.title.get(self.words.language()).to_owned(),
                share: row.estimate.value,
                n: row.estimate.n,
                interval: row.estimate.interval,
                verdict: before.and_then(|from| part.change(&theme.key, from, year)).map(|c| c.verdict),
            });
            let data = Themes { year, rows: rows.collect() };
            let drawn = charts::themes(&data, &self.setting("themes"));
            section.paragraphs = self.words.teller().themes(part, year);
            section.charts = self.chart("themes.svg", drawn).into_iter().collect();
        }
        if !quotes.is_empty() {
            section.parts.push(super::Part {
                title: self.words.answers("quotes"),
                paragraphs: vec![self.words.answers("quotes_text")],
                facts: Vec::new(),
                tables: Vec::new(),
            });
        }
        section.quotes = quotes;
        Some(section)
    }

    /// How the figures came about, on one page.
    pub(super) fn method(&self) -> Section {
        let reliability = self.words.teller().reliability();
        let quality = (!reliability.is_empty()).then(|| self.words.page("quality_text"));
        Section {
            title: self.words.paper("method_title", &[]),
            whole: true,
            paragraphs: self.words.method().into_iter().chain(quality).collect(),
            list: reliability,
            ..Section::default()
        }
    }
}
