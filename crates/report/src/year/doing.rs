//! What the municipality wants, does and counts, in a paper.
use domain::accounts::{Accounts, FactKind};
use text::standing::{self, GoalLine, InitiativeLine};

use super::{Desk, Part, Section, Shape, Sheet};

/// Years of the growth accounts.
const YEARS: usize = 4;

impl Desk<'_> {
    /// Goals with what was measured and how they stand.
    pub(super) fn goals(&self) -> Option<Section> {
        let row = |goal: GoalLine| {
            let wanted = if goal.text.is_empty() { goal.wanted } else { format!("{}\n{}", goal.text, goal.wanted) };
            let found = if goal.measure.is_empty() { goal.found } else { format!("{}: {}", goal.measure, goal.found) };
            vec![wanted, found, self.words.standing(&format!("verdict_{}", goal.verdict))]
        };
        let rows: Vec<Vec<String>> = self.words.goals().into_iter().map(row).collect();
        let head = vec![self.words.standing("goal"), self.words.page("goal_found"), self.words.standing("goal_result")];
        (!rows.is_empty()).then(|| Section {
            title: self.words.standing("goals"),
            paragraphs: vec![self.words.standing("goals_text")],
            tables: vec![Sheet { caption: String::new(), head, rows, shape: Shape::Goals }],
            ..Section::default()
        })
    }

    fn initiative_lines(&self) -> Vec<InitiativeLine> {
        let standing = self.words.occasion.standing;
        standing.map(|s| standing::initiatives(self.words.teller(), s)).unwrap_or_default()
    }

    fn doing_text(&self) -> Vec<String> {
        let Some(on) = self.words.occasion.standing.map(|s| s.on.as_str()).filter(|on| !on.is_empty()) else {
            return Vec::new();
        };
        let date = standing::day(self.words.language(), on);
        vec![self.words.messages.t(self.words.language(), "standing.doing_text", &[("date", date.into())])]
    }

    fn table_of(&self, lines: &[InitiativeLine]) -> Sheet {
        let rows = lines
            .iter()
            .map(|i| {
                let state = self.words.standing(&format!("state_{}", i.state));
                vec![i.title.clone(), i.area.clone(), i.owner.clone(), state]
            })
            .collect();
        let head = ["initiative", "focus_area", "owner", "state"].map(|key| self.words.say(key, &[])).to_vec();
        Sheet { caption: String::new(), head, rows, shape: Shape::Words }
    }

    /// The initiatives in a table, at most so many.
    pub(super) fn running(&self, most: usize) -> Option<Section> {
        let mut lines = self.initiative_lines();
        lines.truncate(most);
        (!lines.is_empty()).then(|| Section {
            title: self.words.say("initiatives", &[]),
            paragraphs: self.doing_text(),
            tables: vec![self.table_of(&lines)],
            ..Section::default()
        })
    }

    /// All initiatives: in a table, then each with what it is for and how it went.
    pub(super) fn initiatives(&self) -> Option<Section> {
        let lines = self.initiative_lines();
        let mut section = self.running(usize::MAX)?;
        section.parts = lines.into_iter().map(|line| self.initiative(line)).collect();
        Some(section)
    }

    fn initiative(&self, line: InitiativeLine) -> Part {
        let said =
            |key: &str, value: &str| (!value.is_empty()).then(|| format!("{}: {value}", self.words.standing(key)));
        let horizon = line.horizon.map(|year| year.to_string()).unwrap_or_default();
        let state = self.words.standing(&format!("state_{}", line.state));
        let first = [said("owner", &line.owner), said("area", &line.area)];
        let then = [said("starts", &line.starts), said("horizon", &horizon)];
        let moves = [said("moves", &line.moves)];
        let last = [said("resources", &line.resources), said("backing", &line.backing)];
        let joined = |parts: &[Option<String>]| parts.iter().flatten().cloned().collect::<Vec<_>>().join(" · ");
        let steps: Vec<String> = line
            .steps
            .iter()
            .map(|step| {
                let at = format!("{}: {}", step.on, self.words.standing(&format!("state_{}", step.state)));
                if step.note.is_empty() { at } else { format!("{at} ({})", step.note.trim_end_matches('.')) }
            })
            .collect();
        let history =
            (!steps.is_empty()).then(|| format!("{} – {}.", self.words.standing("history"), steps.join("; ")));
        let facts = [joined(&first), joined(&then), joined(&moves), joined(&last)].into_iter().chain(history);
        Part {
            title: format!("{} ({state})", line.title),
            paragraphs: Some(line.description).filter(|d| !d.is_empty()).into_iter().collect(),
            facts: facts.filter(|fact| !fact.is_empty()).collect(),
            tables: Vec::new(),
        }
    }

    fn accounts_of(&self) -> Option<&Accounts> {
        self.words.occasion.standing.map(|s| &s.accounts).filter(|a| !a.is_empty())
    }

    fn fact(&self, fact: &FactKind, value: f64) -> String {
        standing::fact(self.words.messages, self.words.language(), fact.unit, value)
    }

    /// The growth accounts of the whole municipality, at most so many facts.
    pub(super) fn accounts(&self, most: usize) -> Option<Section> {
        let accounts = self.accounts_of()?;
        let years: Vec<i32> = accounts.years.iter().rev().take(YEARS).rev().copied().collect();
        let rows = accounts.facts.iter().filter_map(|fact| {
            let cell = |year: &i32| accounts.cell(&fact.key, *year, None).and_then(|c| c.value);
            let figures: Vec<Option<f64>> = years.iter().map(cell).collect();
            figures.iter().any(Option::is_some).then(|| {
                let mut row = vec![fact.title.get(self.words.language()).to_owned()];
                row.extend(figures.iter().map(|v| v.map_or_else(|| "–".to_owned(), |v| self.fact(fact, v))));
                row.push(accounts.sources(&fact.key).join(", "));
                row
            })
        });
        let rows: Vec<Vec<String>> = rows.take(most).collect();
        let mut head = vec![self.words.standing("accounts_fact")];
        head.extend(years.iter().map(ToString::to_string));
        head.push(self.words.say("accounts_source", &[]));
        (!rows.is_empty()).then(|| Section {
            title: self.words.standing("accounts"),
            paragraphs: vec![self.words.standing("accounts_text")],
            tables: vec![Sheet { caption: String::new(), head, rows, shape: Shape::Sourced }],
            ..Section::default()
        })
    }

    /// The growth accounts by sector, fact by fact.
    pub(super) fn accounts_by_sector(&self) -> Option<Section> {
        let accounts = self.accounts_of()?;
        let years: Vec<i32> = accounts.years.iter().rev().take(YEARS).rev().copied().collect();
        let language = self.words.language();
        let breakdown = self.words.report.breakdowns.iter().find(|b| b.domain == "sector")?;
        let mut head = vec![breakdown.title.get(language).to_owned()];
        head.extend(years.iter().map(ToString::to_string));
        let parts: Vec<Part> = accounts
            .facts
            .iter()
            .filter_map(|fact| {
                let row = |title: String, sector: Option<&str>| {
                    let cells: Vec<_> = years.iter().map(|y| accounts.cell(&fact.key, *y, sector)).collect();
                    cells.iter().any(Option::is_some).then(|| {
                        let printed = cells.iter().map(|cell| match cell.map(|c| c.value) {
                            Some(Some(value)) => self.fact(fact, value),
                            Some(None) => self.words.page("verdict_hidden"),
                            None => "–".to_owned(),
                        });
                        std::iter::once(title).chain(printed).collect::<Vec<String>>()
                    })
                };
                let groups = breakdown.groups.iter();
                let sectors: Vec<_> =
                    groups.filter_map(|g| row(g.title.get(language).to_owned(), Some(&g.key))).collect();
                let total = row(self.words.standing("accounts_total"), None);
                let rows: Vec<_> = total.into_iter().chain(sectors.iter().cloned()).collect();
                (!sectors.is_empty()).then(|| Part {
                    title: fact.title.get(language).to_owned(),
                    paragraphs: Vec::new(),
                    facts: Vec::new(),
                    tables: vec![Sheet { caption: String::new(), head: head.clone(), rows, shape: Shape::Figures }],
                })
            })
            .collect();
        let title = self.words.say("accounts_by_sector_title", &[]);
        let paragraphs = vec![self.words.say("accounts_hidden", &[])];
        (!parts.is_empty()).then(|| Section { title, paragraphs, parts, ..Section::default() })
    }
}
