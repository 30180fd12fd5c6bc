//! A publication as a workbook: the same words and digits as page and paper, in cells that can be calculated with.
use charts::{Printed, Setting};
use domain::accounts::{FactKind, FactUnit};
use domain::indicator::Kind;
use domain::results::{ALL, CoverageRow, IndicatorInfo, Report, TOTAL};
use text::standing::GoalLine;
use text::{Messages, summary};

use crate::Occasion;
use crate::book::{self, BookError, Cell, Form, NativeChart, Table};
use crate::words::{Words, element};

/// Writes a publication as a workbook.
///
/// # Errors
/// [`BookError`] when the format cannot hold it.
pub fn workbook(messages: &Messages, report: &Report, occasion: &Occasion<'_>) -> Result<Vec<u8>, BookError> {
    let clerk = Clerk { words: Words { messages, report, occasion } };
    let mut tables = vec![clerk.summary(), clerk.total()];
    tables.extend(clerk.years());
    for breakdown in report.breakdowns.iter().filter(|b| b.domain != TOTAL) {
        tables.extend(clerk.breakdown(&breakdown.domain, breakdown.title.get(occasion.language)));
    }
    tables.extend(clerk.goals());
    tables.extend(clerk.initiatives());
    tables.extend(clerk.accounts());
    tables.extend(clerk.two_years());
    tables.extend(clerk.drivers());
    tables.extend(clerk.themes());
    tables.push(clerk.coverage());
    tables.push(clerk.method());
    book::workbook(occasion.language, &clerk.words.title(), &occasion.municipality.name, &tables)
}

struct Clerk<'a> {
    words: Words<'a>,
}

/// The first letter as a capital: titles of breakdowns stand in lower case within sentences.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl<'a> Clerk<'a> {
    fn say(&self, key: &str) -> String {
        self.words.say(key, &[])
    }

    const fn report(&self) -> &'a Report {
        self.words.report
    }

    fn name(&self, indicator: &IndicatorInfo) -> Cell {
        Cell::Text(indicator.title.get(self.words.language()).to_owned())
    }

    /// What every table of figures says beneath it.
    fn marks(&self) -> Vec<String> {
        let threshold = i64::from(self.words.occasion.municipality.settings.threshold.max(5));
        let mut said = vec![self.words.say("marks", &[("n", threshold.into())]), self.say("marks_change")];
        said.extend(self.words.breaks());
        said
    }

    fn summary(&self) -> Table {
        let occasion = self.words.occasion;
        let correction = Some(self.words.correction()).filter(|c| !c.is_empty());
        let sentences = summary::opening(self.words.messages, occasion.language, self.report());
        let first = std::iter::once(self.words.subtitle()).chain(correction);
        let lead = first.chain(sentences).chain(self.words.foreword());
        Table {
            name: self.say("sheet_summary"),
            title: self.words.title(),
            lead: lead.chain([self.say("sheets")]).collect(),
            ..Table::default()
        }
    }

    /// Headings of figure, uncertainty and base for each year.
    fn year_heads(&self) -> Vec<String> {
        let of = |year: &i32| {
            [year.to_string(), format!("± {year}"), self.words.say("answers_of", &[("year", year.to_string().into())])]
        };
        self.report().years.iter().flat_map(of).collect()
    }

    fn change_heads(&self, from: i32) -> [String; 3] {
        [self.words.say("change_since", &[("year", from.to_string().into())]), "±".to_owned(), self.say("verdict")]
    }

    fn year_cells(&self, indicator: &IndicatorInfo, domain: &str, group: &str) -> Vec<Cell> {
        let of =
            |year: &i32| self.words.estimate(indicator, self.report().estimate(&indicator.id, *year, domain, group));
        self.report().years.iter().flat_map(of).collect()
    }

    /// The years against which the last one is held: the one before, and the first.
    fn bases(&self) -> Vec<i32> {
        let first = self.report().years.first().copied().filter(|y| Some(*y) != self.words.before());
        self.words.before().into_iter().chain(first.filter(|y| *y != self.words.year())).collect()
    }

    fn total(&self) -> Table {
        let mut head = vec![self.words.paper("indicator", &[])];
        head.extend(self.year_heads());
        let mut wide = Vec::new();
        for from in self.bases() {
            head.extend(self.change_heads(from));
            wide.push(head.len() - 1);
        }
        head.extend([self.say("unit"), self.say("formula")]);
        wide.push(head.len() - 2);
        let rows = self.report().indicators.iter().map(|indicator| {
            let mut cells = vec![self.name(indicator)];
            cells.extend(self.year_cells(indicator, TOTAL, ALL));
            for from in self.bases() {
                cells.extend(self.words.change(indicator, (from, self.words.year()), TOTAL, ALL));
            }
            cells.push(Cell::Text(self.unit(indicator.kind)));
            cells.push(Cell::Text(indicator.formula_version.clone()));
            cells
        });
        Table {
            name: self.say("sheet_total"),
            title: self.say("title_total"),
            head,
            rows: rows.collect(),
            wide,
            notes: self.marks(),
            ..Table::default()
        }
    }

    fn unit(&self, kind: Kind) -> String {
        self.words.page(match kind {
            Kind::Index => "kind_index",
            Kind::Mean => "kind_mean",
            Kind::Share => "kind_share",
            Kind::Balance => "kind_balance",
            Kind::Nps => "kind_nps",
        })
    }

    /// The main indicators year by year, a row for each year: what a line can be drawn of.
    fn years(&self) -> Option<Table> {
        let main: Vec<&IndicatorInfo> = self.report().indicators.iter().filter(|i| i.headline).collect();
        if self.report().years.len() < 2 || main.is_empty() {
            return None;
        }
        let mut head = vec![self.say("year")];
        head.extend(main.iter().flat_map(|i| [i.title.get(self.words.language()).to_owned(), "±".to_owned()]));
        let rows: Vec<Vec<Cell>> = self
            .report()
            .years
            .iter()
            .map(|year| {
                let of = |i: &&IndicatorInfo| {
                    let [figure, margin, _] = self.words.estimate(i, self.report().estimate(&i.id, *year, TOTAL, ALL));
                    [figure, margin]
                };
                std::iter::once(Cell::Year(*year)).chain(main.iter().flat_map(of)).collect()
            })
            .collect();
        let last = rows.len() - 1;
        let chart = |(at, indicator): (usize, &&IndicatorInfo)| NativeChart {
            form: Form::Line,
            title: indicator.title.get(self.words.language()).to_owned(),
            alt: self.described("trend", |s| charts::trend(self.report(), &indicator.id, TOTAL, ALL, s)),
            rows: (0, last),
            names: 0,
            series: vec![(1 + 2 * at, Some(2 + 2 * at))],
        };
        let trends = main.iter().filter_map(|i| {
            let said = self.words.teller().trend(&i.id)?;
            Some(format!("{}: {said}", i.title.get(self.words.language())))
        });
        Some(Table {
            name: self.say("sheet_years"),
            title: self.say("title_years"),
            head,
            rows,
            notes: trends.chain(self.marks()).collect(),
            charts: main.iter().enumerate().map(chart).collect(),
            ..Table::default()
        })
    }

    /// What a chart of ours says in words.
    fn described(&self, id: &str, draw: impl Fn(&Setting<'_>) -> Result<String, charts::ChartError>) -> String {
        let setting = Setting::standalone(self.words.messages, self.words.language(), id);
        draw(&setting)
            .map_or_else(|_| String::new(), |svg| format!("{}. {}", element(&svg, "title"), element(&svg, "desc")))
    }

    fn breakdown(&self, domain: &str, title: &str) -> Option<Table> {
        let groups = self.words.groups(domain);
        let has = |i: &IndicatorInfo| self.report().estimates.iter().any(|r| r.indicator == i.id && r.domain == domain);
        let indicators: Vec<&IndicatorInfo> = self.report().indicators.iter().filter(|i| has(i)).collect();
        let first = indicators.first()?;
        let mut head = vec![self.words.paper("indicator", &[]), capital(title)];
        head.extend(self.year_heads());
        let mut wide = vec![1];
        for from in self.bases() {
            head.extend(self.change_heads(from));
            wide.push(head.len() - 1);
        }
        let mut rows = Vec::new();
        for indicator in &indicators {
            for (name, of, group) in &groups {
                let mut cells = vec![self.name(indicator), Cell::Text(name.clone())];
                cells.extend(self.year_cells(indicator, of, group));
                for from in self.bases() {
                    cells.extend(self.words.change(indicator, (from, self.words.year()), of, group));
                }
                rows.push(cells);
            }
        }
        let years = self.report().years.len();
        let shown = years.min(2);
        let series = (years - shown..years).map(|at| (2 + 3 * at, Some(3 + 3 * at))).collect();
        let chart = NativeChart {
            form: Form::Bars,
            title: format!("{}: {}", first.title.get(self.words.language()), title.to_lowercase()),
            alt: self.described("heat", |s| charts::heat(self.report(), &first.id, domain, s)),
            rows: (0, groups.len() - 1),
            names: 1,
            series,
        };
        Some(Table {
            name: capital(title),
            title: self.words.say("title_by", &[("breakdown", title.to_lowercase().into())]),
            lead: vec![self.say("by_note")],
            head,
            rows,
            wide,
            notes: self.marks(),
            charts: vec![chart],
        })
    }

    fn goals(&self) -> Option<Table> {
        let row = |goal: GoalLine| {
            let verdict = self.words.standing(&format!("verdict_{}", goal.verdict));
            let name = if goal.text.is_empty() { goal.measure.clone() } else { goal.text };
            [name, goal.measure, goal.wanted, goal.found, verdict].map(Cell::Text).to_vec()
        };
        let rows: Vec<Vec<Cell>> = self.words.goals().into_iter().map(row).collect();
        let [goal, result] = ["goal", "goal_result"].map(|key| self.words.standing(key));
        let [measure, wanted, found] =
            [self.words.say("measured_by", &[]), self.words.page("goal_wanted"), self.words.page("goal_found")];
        (!rows.is_empty()).then(|| Table {
            name: self.words.page("goals"),
            title: self.words.standing("goals"),
            lead: vec![self.words.standing("goals_text")],
            head: vec![goal, measure, wanted, found, result],
            rows,
            wide: vec![1, 2, 3, 4],
            ..Table::default()
        })
    }

    /// The growth accounts: a row for each fact, sector and year, counted and not estimated.
    fn accounts(&self) -> Option<Table> {
        let accounts = self.words.occasion.standing.map(|s| &s.accounts).filter(|a| !a.is_empty())?;
        let language = self.words.language();
        let groups = self.words.groups("sector");
        let rows = accounts.cells.iter().filter_map(|cell| {
            let fact = accounts.facts.iter().find(|f| f.key == cell.fact)?;
            let sector = match cell.sector.as_deref() {
                None => self.words.standing("accounts_total"),
                Some(key) => groups.iter().find(|(_, _, k)| *k == key)?.0.clone(),
            };
            let hidden = || (Cell::Text(self.words.page("verdict_hidden")), String::new());
            let (value, unit) = cell.value.map_or_else(hidden, |value| self.counted(fact, value));
            let title = Cell::Text(fact.title.get(language).to_owned());
            let [unit, source] = [unit, cell.source.clone()].map(Cell::Text);
            Some(vec![title, Cell::Text(sector), Cell::Year(cell.year), value, unit, source])
        });
        let head = ["accounts_name", "beside_sector", "year", "accounts_value", "accounts_unit", "accounts_source"];
        Some(Table {
            name: self.words.standing("accounts"),
            title: self.words.standing("accounts"),
            lead: vec![self.words.standing("accounts_text")],
            head: head.map(|key| self.words.say(key, &[])).to_vec(),
            rows: rows.collect(),
            wide: vec![1, 3, 5],
            ..Table::default()
        })
    }

    /// A counted figure with the digits of the page, and its unit.
    fn counted(&self, fact: &FactKind, value: f64) -> (Cell, String) {
        let (value, decimals, percent, unit) = match fact.unit {
            FactUnit::Count => (value, 0, false, String::new()),
            FactUnit::Area => (value, 0, false, "m²".to_owned()),
            FactUnit::Share => (value * 100.0, 1, true, String::new()),
            FactUnit::Money if value.abs() >= 1_000_000.0 => (value / 1_000_000.0, 1, false, self.say("unit_millions")),
            FactUnit::Money => (value, 0, false, self.say("unit_money")),
            FactUnit::Number => (value, if value.fract() == 0.0 { 0 } else { 2 }, false, String::new()),
        };
        (Printed::rounded(value, decimals, percent).map_or(Cell::Empty, Cell::Figure), unit)
    }

    /// The initiatives as they stood.
    fn initiatives(&self) -> Option<Table> {
        let standing = self.words.occasion.standing?;
        let rows: Vec<Vec<Cell>> = text::standing::initiatives(self.words.teller(), standing)
            .into_iter()
            .map(|i| {
                let state = self.words.standing(&format!("state_{}", i.state));
                let horizon = i.horizon.map_or(Cell::Empty, Cell::Year);
                let words = [i.title, i.area, i.owner, state, i.starts].map(Cell::Text);
                words.into_iter().chain([horizon, Cell::Text(i.moves)]).collect()
            })
            .collect();
        let mut head = ["initiative", "focus_area", "owner", "state"].map(|key| self.words.say(key, &[])).to_vec();
        head.extend(["starts", "horizon", "moves"].map(|key| self.words.standing(key)));
        (!rows.is_empty()).then(|| Table {
            name: self.words.say("initiatives", &[]),
            title: self.words.say("initiatives", &[]),
            head,
            rows,
            wide: vec![1, 2, 3, 4, 6],
            ..Table::default()
        })
    }

    fn two_years(&self) -> Option<Table> {
        let language = self.words.language();
        let rows: Vec<Vec<Cell>> = self
            .report()
            .insight
            .two_year_means
            .iter()
            .filter_map(|row| {
                let indicator = self.report().indicators.iter().find(|i| i.id == row.indicator)?;
                let groups = self.words.groups(&row.domain);
                let group = groups.into_iter().find(|(_, _, key)| *key == row.group)?.0;
                let figure = row.estimate.value.and_then(|v| Printed::figure(indicator.kind, v, row.estimate.n))?;
                let margin = row.estimate.interval.and_then(|i| Printed::margin(indicator.kind, i, row.estimate.n));
                Some(vec![
                    self.name(indicator),
                    Cell::Text(group),
                    Cell::Text(format!("{}–{}", row.year_from, row.year_to)),
                    Cell::Figure(figure),
                    margin.map_or(Cell::Empty, Cell::Margin),
                    Cell::Count(row.estimate.n),
                ])
            })
            .collect();
        let page = |key: &str| self.words.messages.t(language, &format!("committee.{key}"), &[]);
        (!rows.is_empty()).then(|| Table {
            name: page("two_years"),
            title: page("two_years"),
            lead: vec![page("two_years_text")],
            head: vec![
                page("indicator"),
                page("two_years_group"),
                page("two_years_pair"),
                page("two_years_value"),
                "±".to_owned(),
                self.say("answers"),
            ],
            rows,
            wide: vec![1],
            ..Table::default()
        })
    }

    fn drivers(&self) -> Option<Table> {
        let teller = self.words.teller();
        let maps: Vec<_> = self.report().insight.drivers.iter().collect();
        let first = maps.first()?;
        let keys =
            ["priority_item", "priority_satisfaction", "priority_importance", "priority_range", "priority_quarter"];
        let mut rows = Vec::new();
        for map in &maps {
            let battery = self.report().indicators.iter().find(|i| i.id == map.battery);
            let battery = battery.map_or(map.battery.as_str(), |i| i.title.get(self.words.language()));
            for line in teller.driver_lines(map) {
                let quarter = self.words.messages.t(self.words.language(), line.quarter, &[]);
                let words = [line.satisfaction, line.importance, line.range, quarter].map(Cell::Text);
                let names = [battery.to_owned(), line.title].map(Cell::Text);
                rows.push(names.into_iter().chain(words).collect());
            }
        }
        let mut head = vec![self.say("battery")];
        head.extend(keys.map(|key| self.words.page(key)));
        Some(Table {
            name: self.say("sheet_priorities"),
            title: self.words.page("priorities"),
            lead: teller.drivers(first),
            head,
            rows,
            wide: vec![1, 4, 5],
            ..Table::default()
        })
    }

    fn themes(&self) -> Option<Table> {
        let part = self.report().insight.themes.as_ref()?;
        let language = self.words.language();
        let mut head = vec![self.words.page("theme")];
        head.extend(self.year_heads());
        let mut rows = Vec::new();
        for theme in &part.themes {
            let mut cells = vec![Cell::Text(theme.title.get(language).to_owned())];
            for year in &self.report().years {
                let share = IndicatorInfo {
                    kind: Kind::Share,
                    id: theme.key.clone(),
                    range: [0.0, 1.0],
                    title: theme.title.clone(),
                    better: domain::indicator::Better::None,
                    headline: false,
                    breaks: Vec::new(),
                    formula_version: String::new(),
                };
                cells.extend(self.words.estimate(&share, part.share(&theme.key, *year)));
            }
            if cells.iter().any(|cell| matches!(cell, Cell::Figure(_) | Cell::Uncertain(_))) {
                rows.push(cells);
            }
        }
        (!rows.is_empty()).then(|| Table {
            name: self.say("sheet_themes"),
            title: self.words.page("themes"),
            lead: self.words.teller().themes(part, self.words.year()),
            head,
            rows,
            notes: self.marks(),
            ..Table::default()
        })
    }

    fn coverage(&self) -> Table {
        let language = self.words.language();
        let name = |row: &CoverageRow| {
            if row.domain == TOTAL {
                return self.words.paper("all", &[]);
            }
            self.words
                .groups(&row.domain)
                .into_iter()
                .find(|(_, _, key)| *key == row.group)
                .map_or_else(|| row.group.clone(), |g| g.0)
        };
        let breakdown = |row: &CoverageRow| {
            let found = self.report().breakdowns.iter().find(|b| b.domain == row.domain);
            found.map_or_else(String::new, |b| capital(b.title.get(language)))
        };
        let rows: Vec<Vec<Cell>> = self
            .report()
            .coverage
            .iter()
            .map(|row| {
                // A rate is a count of two counts and no estimate: it is printed in whole percent, as on the page.
                let percent = (row.response_rate * 100.0).round();
                vec![
                    Cell::Text(name(row)),
                    Cell::Text(breakdown(row)),
                    Cell::Year(row.year),
                    Cell::Count(row.n_frame),
                    Cell::Count(row.n_answered),
                    Cell::Figure(Printed { value: percent, decimals: 0, percent: true }),
                ]
            })
            .collect();
        Table {
            name: self.say("sheet_coverage"),
            title: self.words.paper("coverage_title", &[]),
            lead: std::iter::once(self.words.paper("coverage_text", &[]))
                .chain(self.words.teller().response())
                .collect(),
            head: vec![
                self.say("group"),
                self.say("breakdown"),
                self.say("year"),
                self.say("frame"),
                self.say("answered"),
                self.say("rate"),
            ],
            rows,
            wide: vec![1],
            ..Table::default()
        }
    }

    fn method(&self) -> Table {
        let provenance = &self.report().provenance;
        let mut lead = self.words.method();
        lead.extend(self.marks());
        lead.push(self.say("formulas"));
        let formula = |i: &IndicatorInfo| format!("{}: {}", i.title.get(self.words.language()), i.formula_version);
        lead.extend(self.report().indicators.iter().map(formula));
        lead.push(format!("{}: {}", self.words.page("provenance_program"), provenance.version));
        lead.extend(provenance.options.iter().map(|(key, value)| format!("{key} = {value}")));
        lead.extend(provenance.inputs.iter().map(|(key, hash)| format!("{key}: SHA-256 {hash}")));
        let collapses = self.words.collapses();
        lead.extend((!collapses.is_empty()).then(|| self.say("collapses")));
        lead.extend(collapses);
        Table { name: self.say("sheet_method"), title: self.words.page("method_title"), lead, ..Table::default() }
    }
}
