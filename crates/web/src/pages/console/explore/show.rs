//! A table of the closed list with its charts, as the page shows it; made of a report that is suppressed and rounded already.
use charts::{ChartError, Setting};
use domain::language::Language;
use domain::results::{ALL, IndicatorInfo, Report, TOTAL};
use serde::Serialize;
use text::Messages;
use text::sentences::{self, Subject};

use crate::explore::{AXES, Choice, Explorer};
use crate::pages::committee::{Cell, Change, YearHead, cell, change_of, kind_key};

/// More columns than this are not drawn: their headings would not fit.
const MOST_COLUMNS: usize = 6;
/// Years drawn side by side.
const YEARS: usize = 4;

/// A table with its charts.
#[derive(Debug, Serialize)]
pub struct TablePart {
    /// The indicator.
    pub title: String,
    /// Key of what its figures mean.
    pub kind: String,
    /// What the total says, in sentences.
    pub sentences: Vec<String>,
    /// Its charts.
    pub charts: Vec<ChartPart>,
    /// Heading of the groups.
    pub heading: String,
    /// The years of a table by one breakdown; the groups of the second breakdown otherwise.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
    /// A pair of breakdowns.
    pub is_pair: bool,
    /// The year shown.
    pub year: i32,
    /// The year before.
    pub before: Option<i32>,
    /// The first year, where it is another.
    pub first: Option<i32>,
    /// Some figure is hidden.
    pub hidden: bool,
    /// Files of the table: (address, name).
    pub files: Vec<FileLink>,
}

/// A chart.
#[derive(Debug, Serialize)]
pub struct ChartPart {
    /// Its title.
    pub title: String,
    /// The drawing.
    pub svg: String,
    /// The same as files.
    pub files: Vec<FileLink>,
}

/// A file to fetch.
#[derive(Debug, Serialize)]
pub struct FileLink {
    /// Where.
    pub href: String,
    /// Its kind, as people say it.
    pub name: &'static str,
}

/// A column.
#[derive(Debug, Serialize)]
pub struct Column {
    /// Its heading.
    pub title: String,
    /// Not comparable with the column before.
    pub after_break: bool,
}

/// A row.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Its heading.
    pub title: String,
    /// The total.
    pub total: bool,
    /// Businesses in the frame in the year shown.
    pub frame: Option<u64>,
    /// Figures, with the change from the year before where the columns are groups.
    pub cells: Vec<CellPart>,
    /// The change from the year before.
    pub change: Option<Change>,
    /// The change from the first year.
    pub since: Option<Change>,
}

/// A figure of a table.
#[derive(Debug, Serialize)]
pub struct CellPart {
    /// The figure.
    pub figure: Cell,
    /// Its change from the year before.
    pub change: Option<Change>,
}

/// The charts that a choice has, by file name.
#[must_use]
pub fn chart_names(explorer: &Explorer, choice: &Choice) -> Vec<&'static str> {
    match choice.axes.as_slice() {
        [] => vec!["trend"],
        [_] => vec!["changes", "groups", "years"],
        [_, _] if oriented(explorer, choice).is_some() => vec!["pairs"],
        _ => Vec::new(),
    }
}

/// The two breakdowns, the one with fewer groups across; `None` when even that has too many to be drawn.
fn oriented(explorer: &Explorer, choice: &Choice) -> Option<(usize, usize)> {
    let [a, b] = choice.axes.as_slice() else { return None };
    let groups = |axis: &usize| explorer.axes()[*axis].groups.len();
    let (down, across) = if groups(b) <= groups(a) { (*a, *b) } else { (*b, *a) };
    (groups(&across) <= MOST_COLUMNS).then_some((down, across))
}

/// Draws one of the charts of a choice.
///
/// # Errors
/// [`ChartError::Empty`] when it has no such chart.
pub fn draw(
    explorer: &Explorer,
    choice: &Choice,
    report: &Report,
    chart: &str,
    setting: &Setting<'_>,
) -> Result<String, ChartError> {
    let info = &report.indicators[0];
    let recent = until(report, choice.year);
    let year = report.years[choice.year];
    let domain = choice.axes.iter().map(|a| AXES[*a]).collect::<Vec<_>>().join(",");
    match (chart, choice.axes.as_slice()) {
        ("trend", []) => charts::trend(&recent, &info.id, TOTAL, ALL, setting),
        ("changes", [_]) => {
            let before = choice.year.checked_sub(1).map(|at| report.years[at]).ok_or(ChartError::Empty)?;
            charts::change(report, &info.id, (before, year), &domain, setting)
        }
        ("groups", [_]) => charts::multiples(&recent, &info.id, &domain, YEARS, setting),
        ("years", [_]) => charts::heat(&recent, &info.id, &domain, setting),
        ("pairs", [first, _]) => {
            let (down, across) = oriented(explorer, choice).ok_or(ChartError::Empty)?;
            if down == *first {
                charts::cross(report, &info.id, year, (AXES[down], AXES[across]), setting)
            } else {
                charts::cross(
                    &turned(report, &domain, AXES[down], AXES[across]),
                    &info.id,
                    year,
                    (AXES[down], AXES[across]),
                    setting,
                )
            }
        }
        _ => Err(ChartError::Empty),
    }
}

/// The report with the pairs named the other way round.
fn turned(report: &Report, domain: &str, down: &str, across: &str) -> Report {
    let mut turned = report.clone();
    for row in turned.estimates.iter_mut().filter(|r| r.domain == domain) {
        row.domain = format!("{down},{across}");
        // An area's key may hold a comma, the keys of the others do not.
        let parts = if domain.starts_with("area,") { row.group.rsplit_once(',') } else { row.group.split_once(',') };
        if let Some((a, b)) = parts {
            row.group = format!("{b},{a}");
        }
    }
    turned
}

/// The report up to the chosen year, at most so many years as are drawn.
fn until(report: &Report, year: usize) -> Report {
    let years = report.years[(year + 1).saturating_sub(YEARS)..=year].to_vec();
    let mut cut = report.clone();
    cut.estimates.retain(|row| years.contains(&row.year));
    cut.years = years;
    cut
}

impl TablePart {
    /// The part of a report.
    #[must_use]
    pub fn of(
        messages: &Messages,
        language: Language,
        explorer: &Explorer,
        choice: &Choice,
        report: &Report,
        href: &str,
        all_files: bool,
    ) -> Self {
        let info = &report.indicators[0];
        let year = report.years[choice.year];
        let before = choice.year.checked_sub(1).map(|at| report.years[at]);
        let first = (choice.year > 1).then(|| report.years[0]);
        let query = choice.query(explorer);
        let file =
            |name: String, kind: &'static str| FileLink { href: format!("{href}/files/{name}{query}"), name: kind };
        let charts = chart_names(explorer, choice).into_iter().filter_map(|chart| {
            let id = format!("chart-{chart}");
            let setting = Setting::page(messages, language, &id);
            let svg = charts::both(setting, |s| draw(explorer, choice, report, chart, s)).ok()?;
            let mut files = vec![file(format!("{chart}.svg"), "SVG")];
            if all_files {
                files.push(file(format!("{chart}.png"), "PNG"));
            }
            let years = [("year", year.into()), ("before", before.unwrap_or(year).to_string().into())];
            Some(ChartPart { title: messages.t(language, &format!("explore.chart_{chart}"), &years), svg, files })
        });
        let mut files = vec![file("table.csv".to_owned(), "CSV")];
        if all_files {
            files.push(file("table.xlsx".to_owned(), "XLSX"));
            files.push(file("table.parquet".to_owned(), "Parquet"));
        }
        let maker = Maker { report, info, language, messages, year, before, first };
        let (heading, columns, rows) = match choice.axes.as_slice() {
            [a, b] => maker.pairs(explorer, *a, *b),
            axes => maker.groups(axes.first().map(|a| AXES[*a])),
        };
        Self {
            title: info.title.get(language).to_owned(),
            kind: kind_key(info.kind).to_owned(),
            sentences: maker.sentences(),
            charts: charts.collect(),
            heading,
            columns,
            hidden: rows.iter().any(|r| r.cells.iter().any(|c| c.figure.hidden)),
            rows,
            is_pair: choice.axes.len() == 2,
            year,
            before,
            first,
            files,
        }
    }

    /// Parts for the check at start: by one breakdown, by two, and empty.
    #[must_use]
    pub fn samples() -> [Self; 3] {
        let figure = |hidden: bool| Cell {
            value: (!hidden).then(|| "61,4".to_owned()),
            margin: "±3,2".to_owned(),
            n: 12,
            uncertain: !hidden,
            hidden,
        };
        let change = || Some(Change { verdict: "up", quality: "better", figure: "+4,2 ±1,9".to_owned() });
        let part = |is_pair: bool, full: bool| Self {
            title: "Tilfredshed".to_owned(),
            kind: "committee.kind_index".to_owned(),
            sentences: if full { vec!["Tilfredsheden er steget.".to_owned()] } else { Vec::new() },
            charts: if full {
                let files = vec![FileLink { href: "/x".to_owned(), name: "SVG" }];
                vec![ChartPart { title: "Ændring".to_owned(), svg: "<svg></svg>".to_owned(), files }]
            } else {
                Vec::new()
            },
            heading: "Branche".to_owned(),
            columns: vec![Column { title: "2026".to_owned(), after_break: full }],
            rows: if full {
                let row = |total, change: Option<Change>| Row {
                    title: "Handel".to_owned(),
                    total,
                    frame: Some(100),
                    cells: vec![CellPart { figure: figure(total), change: change.clone() }],
                    since: change.clone(),
                    change,
                };
                vec![row(true, change()), row(false, None)]
            } else {
                Vec::new()
            },
            is_pair,
            year: 2026,
            before: full.then_some(2025),
            first: full.then_some(2023),
            hidden: full,
            files: if full { vec![FileLink { href: "/x".to_owned(), name: "CSV" }] } else { Vec::new() },
        };
        [part(false, true), part(true, true), part(false, false)]
    }
}

struct Maker<'r> {
    report: &'r Report,
    info: &'r IndicatorInfo,
    language: Language,
    messages: &'r Messages,
    year: i32,
    before: Option<i32>,
    first: Option<i32>,
}

impl Maker<'_> {
    /// What can be said of the total.
    fn sentences(&self) -> Vec<String> {
        let subject = Subject::of(self.info, self.language);
        let level = |year: i32| self.report.estimate(&self.info.id, year, TOTAL, ALL).and_then(|r| r.estimate.value);
        let said = |from: i32| {
            let row = self.report.change(&self.info.id, from, self.year, TOTAL, ALL)?;
            Some(sentences::change(self.messages, self.language, &subject, row, level(from), level(self.year)))
        };
        let mut all: Vec<String> = [self.before, self.first].into_iter().flatten().filter_map(said).collect();
        if all.is_empty()
            && let Some(row) = self.report.estimate(&self.info.id, self.year, TOTAL, ALL)
        {
            all.push(sentences::estimate(self.messages, self.language, &subject, row));
        }
        all
    }

    fn change(&self, from: Option<i32>, domain: &str, group: &str) -> Option<Change> {
        change_of(self.report, self.info, (from, Some(self.year)), domain, group, self.language)
    }

    fn figure(&self, year: i32, domain: &str, group: &str) -> Cell {
        cell(self.info, self.report.estimate(&self.info.id, year, domain, group), self.language)
    }

    /// The total and the groups of one breakdown, year by year.
    fn groups(&self, domain: Option<&str>) -> (String, Vec<Column>, Vec<Row>) {
        let years = self.report.years.iter().filter(|y| **y <= self.year);
        let heads: Vec<YearHead> = years
            .clone()
            .map(|year| {
                let earlier = self.report.years.iter().rev().find(|y| *y < year);
                let after_break =
                    earlier.is_some_and(|before| self.info.breaks.iter().any(|b| b > before && b <= year));
                YearHead { year: *year, after_break }
            })
            .collect();
        let row = |title: String, domain: &str, group: &str| Row {
            title,
            total: domain == TOTAL,
            frame: self.report.estimate(&self.info.id, self.year, domain, group).and_then(|r| r.n_frame),
            cells: heads
                .iter()
                .map(|y| CellPart { figure: self.figure(y.year, domain, group), change: None })
                .collect(),
            change: self.change(self.before, domain, group),
            since: self.change(self.first, domain, group),
        };
        let mut rows = vec![row(self.messages.t(self.language, "charts.total", &[]), TOTAL, ALL)];
        let breakdown = self.report.breakdowns.iter().find(|b| Some(b.domain.as_str()) == domain);
        for group in breakdown.into_iter().flat_map(|b| &b.groups) {
            rows.push(row(group.title.get(self.language).to_owned(), domain.unwrap_or(TOTAL), &group.key));
        }
        let heading = breakdown.map_or_else(String::new, |b| b.title.get(self.language).to_owned());
        let columns = heads.into_iter().map(|y| Column { title: y.year.to_string(), after_break: y.after_break });
        (heading, columns.collect(), rows)
    }

    /// Every pair of groups in one year, with both margins.
    fn pairs(&self, explorer: &Explorer, a: usize, b: usize) -> (String, Vec<Column>, Vec<Row>) {
        let (one, other, pair) = (AXES[a], AXES[b], format!("{},{}", AXES[a], AXES[b]));
        let groups = |domain: &str| -> Vec<(&str, &str)> {
            let breakdown = self.report.breakdowns.iter().find(|b| b.domain == domain);
            let groups = breakdown.into_iter().flat_map(|b| &b.groups);
            groups.map(|g| (g.key.as_str(), g.title.get(self.language))).collect()
        };
        let (down, across) = (groups(one), groups(other));
        let all = self.messages.t(self.language, "charts.total", &[]);
        let part = |domain: &str, group: &str| CellPart {
            figure: self.figure(self.year, domain, group),
            change: self.change(self.before, domain, group),
        };
        let row = |title: String, key: Option<&str>| {
            let margin = key.map_or_else(|| part(TOTAL, ALL), |key| part(one, key));
            let cells = across.iter().map(|(h, _)| match key {
                None => part(other, h),
                Some(g) => part(&pair, &format!("{g},{h}")),
            });
            Row {
                title,
                total: key.is_none(),
                frame: None,
                cells: std::iter::once(margin).chain(cells).collect(),
                change: None,
                since: None,
            }
        };
        let column = |title: &str| Column { title: title.to_owned(), after_break: false };
        let columns = std::iter::once(column(&all)).chain(across.iter().map(|(_, title)| column(title))).collect();
        let rows = std::iter::once(row(all.clone(), None))
            .chain(down.iter().map(|(g, title)| row((*title).to_owned(), Some(g))));
        let titles = [a, b].map(|axis| explorer.axes()[axis].title.get(self.language));
        (titles.join(" × "), columns, rows.collect())
    }
}
