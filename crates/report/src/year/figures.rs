//! Figures in a paper: indicators year by year, groups beside each other, who answered.
use domain::results::{ALL, ChangeRow, EstimateRow, IndicatorInfo, TOTAL, Verdict};

use super::{Desk, Section, Shape, Sheet};

/// The breakdown that politicians read.
const SECTOR: &str = "sector";

impl Desk<'_> {
    fn year_head(&self, first: String) -> Vec<String> {
        let years = self.words.report.years.iter().map(ToString::to_string);
        std::iter::once(first).chain(years).chain([self.words.paper("change", &[])]).collect()
    }

    /// Some of the indicators in the total, year by year.
    pub(super) fn indicators(&self, title: &str, wanted: impl Fn(&IndicatorInfo) -> bool) -> Section {
        let indicators = self.words.report.indicators.iter().filter(|indicator| wanted(indicator));
        let rows =
            indicators.map(|indicator| self.row(indicator.title.get(self.words.language()), indicator, TOTAL, ALL));
        let table = Sheet {
            caption: self.words.paper("table_note", &[]),
            head: self.year_head(self.words.paper("indicator", &[])),
            rows: rows.collect(),
            shape: Shape::Figures,
        };
        Section { title: self.words.paper(title, &[]), tables: vec![table], ..Section::default() }
    }

    /// Sectors: where the main indicators rose or fell, in words; the first of them in charts and a table.
    pub(super) fn sectors(&mut self) -> Option<Section> {
        let indicator = self.first()?;
        let mut section = self.groups(indicator, SECTOR)?;
        section.title = self.words.say("agenda_sectors", &[]);
        section.list = self.words.sectors_moved();
        let setting = self.setting("chart");
        let drawn = charts::multiples(self.words.report, &indicator.id, SECTOR, 4, &setting);
        section.charts.extend(self.chart("years-sector.svg", drawn));
        Some(section)
    }

    /// The same without tables.
    pub(super) fn sectors_in_brief(&mut self) -> Option<Section> {
        let indicator = self.first()?;
        let mut section = self.groups(indicator, SECTOR)?;
        section.title = self.words.say("agenda_sectors", &[]);
        section.list = self.words.sectors_moved();
        section.tables.clear();
        Some(section)
    }

    /// The first indicator by size.
    pub(super) fn sizes(&mut self) -> Option<Section> {
        let indicator = self.first()?;
        self.groups(indicator, "size")
    }

    /// One indicator by the groups of a breakdown: the change as a chart, the years as a table.
    fn groups(&mut self, indicator: &IndicatorInfo, domain: &str) -> Option<Section> {
        let breakdown = self.words.report.breakdowns.iter().find(|b| b.domain == domain)?;
        let title = breakdown.title.get(self.words.language()).to_lowercase();
        let mut charts = Vec::new();
        if let Some(before) = self.words.before() {
            let setting = self.setting("chart");
            let years = (before, self.words.year());
            let drawn = charts::change(self.words.report, &indicator.id, years, domain, &setting);
            charts.extend(self.chart(&format!("change-{domain}.svg"), drawn));
        }
        let title = format!("{}: {title}", indicator.title.get(self.words.language()));
        let table = self.groups_table(indicator, domain)?;
        Some(Section { title, charts, tables: vec![table], ..Section::default() })
    }

    fn groups_table(&self, indicator: &IndicatorInfo, domain: &str) -> Option<Sheet> {
        let language = self.words.language();
        let breakdown = self.words.report.breakdowns.iter().find(|b| b.domain == domain)?;
        let mut rows = vec![self.row(&self.words.paper("all", &[]), indicator, TOTAL, ALL)];
        rows.extend(breakdown.groups.iter().map(|g| self.row(g.title.get(language), indicator, domain, &g.key)));
        Some(Sheet {
            caption: self.words.paper("table_note", &[]),
            head: self.year_head(breakdown.title.get(language).to_owned()),
            rows,
            shape: Shape::Figures,
        })
    }

    /// The main indicators by sector, but for the one that stands further up.
    pub(super) fn by_sector(&self) -> Option<Section> {
        let first = self.first()?.id.as_str();
        let main = self.words.report.indicators.iter().filter(|i| i.headline && i.id != first);
        let parts: Vec<super::Part> = main
            .filter_map(|indicator| {
                let mut table = self.groups_table(indicator, SECTOR)?;
                table.caption.clear();
                let title = indicator.title.get(self.words.language()).to_owned();
                Some(super::Part { title, paragraphs: Vec::new(), facts: Vec::new(), tables: vec![table] })
            })
            .collect();
        let title = self.words.say("by_sector_title", &[]);
        (!parts.is_empty()).then(|| Section { title, parts, ..Section::default() })
    }

    /// Who answered.
    pub(super) fn coverage(&mut self) -> Section {
        let setting = self.setting("coverage");
        let drawn = charts::coverage(self.words.report, self.words.year(), SECTOR, &setting);
        let charts = self.chart("coverage.svg", drawn).into_iter().collect();
        let said = self.words.teller().response();
        Section {
            title: self.words.paper("coverage_title", &[]),
            paragraphs: std::iter::once(self.words.paper("coverage_text", &[])).chain(said).collect(),
            charts,
            ..Section::default()
        }
    }

    /// Thin groups over two years.
    pub(super) fn two_years(&self) -> Option<Section> {
        let language = self.words.language();
        let rows: Vec<Vec<String>> = self
            .words
            .report
            .insight
            .two_year_means
            .iter()
            .filter_map(|row| {
                let info = self.words.report.indicators.iter().find(|i| i.id == row.indicator)?;
                let group = self.words.groups(&row.domain).into_iter().find(|(_, _, key)| *key == row.group)?.0;
                let n = row.estimate.n;
                let value = charts::figure(language, info.kind, row.estimate.value?, n);
                let margin = row.estimate.interval.map(|i| charts::margin(language, info.kind, i, n));
                Some(vec![
                    info.title.get(language).to_owned(),
                    group,
                    format!("{}–{}", row.year_from, row.year_to),
                    format!("{value} {}", margin.unwrap_or_default()).trim_end().to_owned(),
                ])
            })
            .collect();
        let keys = ["indicator", "two_years_group", "two_years_pair", "two_years_value"];
        let head = keys.map(|key| self.words.page(key)).to_vec();
        (!rows.is_empty()).then(|| Section {
            title: self.words.page("two_years"),
            paragraphs: vec![self.words.page("two_years_text")],
            tables: vec![Sheet { caption: String::new(), head, rows, shape: Shape::Words }],
            ..Section::default()
        })
    }

    fn row(&self, label: &str, indicator: &IndicatorInfo, domain: &str, group: &str) -> Vec<String> {
        let report = self.words.report;
        let mut row = vec![label.to_owned()];
        let estimate = |year: &i32| report.estimate(&indicator.id, *year, domain, group);
        row.extend(report.years.iter().map(|year| self.figure(indicator, estimate(year))));
        let change = match report.years.as_slice() {
            [.., before, last] => report.change(&indicator.id, *before, *last, domain, group),
            _ => None,
        };
        row.push(self.change(indicator, change));
        row
    }

    fn figure(&self, indicator: &IndicatorInfo, row: Option<&EstimateRow>) -> String {
        let language = self.words.language();
        match row {
            Some(row) if row.state.is_hidden() => self.words.page("verdict_hidden"),
            Some(EstimateRow { estimate, .. }) => match (estimate.value, estimate.interval) {
                (Some(value), Some(interval)) => format!(
                    "{} {}",
                    charts::figure(language, indicator.kind, value, estimate.n),
                    charts::margin(language, indicator.kind, interval, estimate.n)
                ),
                (Some(value), None) => charts::figure(language, indicator.kind, value, estimate.n),
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
            Verdict::Break => return self.words.paper("verdict_break", &[]),
            Verdict::Hidden => return self.words.page("verdict_hidden"),
        };
        let n = row.n_from.min(row.n_to);
        let size = row.change.map(|c| charts::difference(self.words.language(), indicator.kind, c, n));
        self.words.paper(key, &[("change", size.unwrap_or_default().into())])
    }
}
