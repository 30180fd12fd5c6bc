//! Growth accounts: yearly register facts that stand beside the survey's figures and are never mixed into them.
//!
//! Facts are counted, not estimated: they have no interval and no test. What a register counts can still give a single company away, so
//! an amount of a sector with too few companies is left out, and another one with it where the total would tell it.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::language::Texts;

static KINDS: LazyLock<Vec<FactKind>> = LazyLock::new(|| {
    let file: FactFile = toml::from_str(include_str!("../../../analysis/facts.toml"))
        .expect("the shipped facts have no faults, a test reads them");
    file.fact
});

/// What a fact's figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactUnit {
    /// Companies, jobs, persons: whole numbers.
    Count,
    /// Money, in whole units of the country's currency.
    Money,
    /// Square metres.
    Area,
    /// A share, 0–1.
    Share,
    /// Any other figure; its title says what it is.
    Number,
}

/// A fact that a register tells every year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactKind {
    /// Stable key: `start_ups`.
    pub key: String,
    /// Title.
    pub title: Texts,
    /// What its figure is.
    pub unit: FactUnit,
    /// It can be given by sector; otherwise only as a whole.
    #[serde(default)]
    pub by_sector: bool,
    /// The sum over the sectors is the total.
    #[serde(default)]
    pub additive: bool,
    /// It tells what companies earn or pay: left out for a sector with few companies.
    #[serde(default)]
    pub sensitive: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FactFile {
    fact: Vec<FactKind>,
}

/// The key of the fact by whose number others are left out.
const COMPANIES: &str = "companies";
/// Key of a fact that the municipality named itself: this, and its title.
const OWN: &str = "own:";

impl FactKind {
    /// The facts that ship.
    #[must_use]
    pub fn shipped() -> &'static [Self] {
        &KINDS
    }

    /// A shipped fact by its key.
    #[must_use]
    pub fn of(key: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.key == key)
    }

    /// A fact that the municipality named itself, without sectors.
    #[must_use]
    pub fn own(title: &str, unit: FactUnit) -> Self {
        Self {
            key: format!("{OWN}{title}"),
            title: Texts::same(title),
            unit,
            by_sector: false,
            additive: false,
            sensitive: false,
        }
    }
}

/// One figure as imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactRow {
    /// The year it is of.
    pub year: i32,
    /// What it is.
    pub kind: FactKind,
    /// Key of the sector; `None`: the whole municipality.
    pub sector: Option<String>,
    /// The figure.
    pub value: f64,
    /// Where it comes from: "Danmarks Statistik, RAS".
    pub source: String,
}

/// One figure as it may be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FactCell {
    /// Key of the fact.
    pub fact: String,
    /// The year.
    pub year: i32,
    /// Key of the sector; `None`: the whole municipality.
    pub sector: Option<String>,
    /// The figure; `None`: it would tell of single companies.
    pub value: Option<f64>,
    /// Where it comes from.
    pub source: String,
}

/// The growth accounts as they may be shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Accounts {
    /// The facts in reading order: the shipped ones, then the municipality's own.
    pub facts: Vec<FactKind>,
    /// Years, ascending.
    pub years: Vec<i32>,
    /// The figures.
    pub cells: Vec<FactCell>,
}

impl Accounts {
    /// Puts imported figures in order and takes out what would tell of fewer than `threshold` companies.
    ///
    /// A sensitive fact of a sector is left out when the sector's companies of that year are fewer than the threshold or not known.
    /// Where exactly one sector of a year is left out and the total is known, the smallest of the others goes too.
    #[must_use]
    pub fn of(rows: &[FactRow], threshold: u32) -> Self {
        let order = |key: &str| KINDS.iter().position(|k| k.key == key).unwrap_or(KINDS.len());
        let mut facts: Vec<FactKind> = Vec::new();
        for row in rows {
            if facts.iter().all(|known| known.key != row.kind.key) {
                facts.push(row.kind.clone());
            }
        }
        facts.sort_by(|a, b| order(&a.key).cmp(&order(&b.key)).then_with(|| a.key.cmp(&b.key)));
        let years: BTreeSet<i32> = rows.iter().map(|r| r.year).collect();
        let companies: BTreeMap<(i32, &str), f64> = rows
            .iter()
            .filter(|r| r.kind.key == COMPANIES)
            .filter_map(|r| Some(((r.year, r.sector.as_deref()?), r.value)))
            .collect();
        let mut hidden: BTreeSet<(&str, i32, &str)> = BTreeSet::new();
        for row in rows.iter().filter(|r| r.kind.sensitive) {
            let Some(sector) = row.sector.as_deref() else { continue };
            if companies.get(&(row.year, sector)).is_none_or(|n| *n < f64::from(threshold)) {
                hidden.insert((&row.kind.key, row.year, sector));
            }
        }
        for fact in facts.iter().filter(|f| f.sensitive && f.additive) {
            for year in &years {
                let of: Vec<&FactRow> = rows.iter().filter(|r| r.kind.key == fact.key && r.year == *year).collect();
                let total = of.iter().any(|r| r.sector.is_none());
                let gone = of.iter().filter_map(|r| r.sector.as_deref());
                let gone = gone.filter(|s| hidden.contains(&(fact.key.as_str(), *year, *s))).count();
                let rest = of
                    .iter()
                    .filter(|r| r.sector.as_deref().is_some_and(|s| !hidden.contains(&(fact.key.as_str(), *year, s))));
                let smallest = rest.min_by(|a, b| a.value.total_cmp(&b.value)).and_then(|r| r.sector.as_deref());
                if let (true, 1, Some(sector)) = (total, gone, smallest) {
                    hidden.insert((&fact.key, *year, sector));
                }
            }
        }
        let mut cells: Vec<FactCell> = rows
            .iter()
            .map(|row| {
                let sector = row.sector.as_deref();
                let is_hidden = sector.is_some_and(|s| hidden.contains(&(row.kind.key.as_str(), row.year, s)));
                FactCell {
                    fact: row.kind.key.clone(),
                    year: row.year,
                    sector: row.sector.clone(),
                    value: (!is_hidden).then_some(row.value),
                    source: row.source.clone(),
                }
            })
            .collect();
        cells.sort_by(|a, b| {
            (order(&a.fact), &a.fact, a.year, &a.sector).cmp(&(order(&b.fact), &b.fact, b.year, &b.sector))
        });
        Self { facts, years: years.into_iter().collect(), cells }
    }

    /// Is there anything in them?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// A figure.
    #[must_use]
    pub fn cell(&self, fact: &str, year: i32, sector: Option<&str>) -> Option<&FactCell> {
        self.cells.iter().find(|c| c.fact == fact && c.year == year && c.sector.as_deref() == sector)
    }

    /// The newest year of a fact for the whole municipality.
    #[must_use]
    pub fn newest(&self, fact: &str) -> Option<&FactCell> {
        self.cells.iter().filter(|c| c.fact == fact && c.sector.is_none() && c.value.is_some()).max_by_key(|c| c.year)
    }

    /// Where the figures of a fact come from, each source once.
    #[must_use]
    pub fn sources(&self, fact: &str) -> Vec<&str> {
        let of: BTreeSet<&str> = self.cells.iter().filter(|c| c.fact == fact).map(|c| c.source.as_str()).collect();
        of.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, sector: Option<&str>, value: f64) -> FactRow {
        FactRow {
            year: 2025,
            kind: FactKind::of(key).unwrap().clone(),
            sector: sector.map(str::to_owned),
            value,
            source: "Danmarks Statistik".into(),
        }
    }

    #[test]
    fn the_shipped_facts_are_sound() {
        let keys: BTreeSet<&str> = FactKind::shipped().iter().map(|k| k.key.as_str()).collect();
        assert_eq!(keys.len(), FactKind::shipped().len(), "a key stands twice");
        for key in [COMPANIES, "jobs", "company_tax", "start_ups", "business_area", "commuters_in", "commuters_out"] {
            assert!(keys.contains(key), "{key}");
        }
        assert!(FactKind::of("company_tax").unwrap().sensitive && !FactKind::of(COMPANIES).unwrap().sensitive);
    }

    #[test]
    fn a_sector_of_few_companies_tells_no_amount_and_neither_does_the_rest() {
        let rows = [
            row(COMPANIES, Some("a"), 40.0),
            row(COMPANIES, Some("b"), 12.0),
            row(COMPANIES, Some("c"), 3.0),
            row("company_tax", None, 900.0),
            row("company_tax", Some("a"), 500.0),
            row("company_tax", Some("b"), 300.0),
            row("company_tax", Some("c"), 100.0),
        ];
        let accounts = Accounts::of(&rows, 5);
        let tax = |sector| accounts.cell("company_tax", 2025, sector).unwrap().value;
        assert_eq!([tax(None), tax(Some("a")), tax(Some("b")), tax(Some("c"))], [Some(900.0), Some(500.0), None, None]);
        assert_eq!(accounts.cell(COMPANIES, 2025, Some("c")).unwrap().value, Some(3.0), "how many there are is public");
        let alone = Accounts::of(&rows[4..6], 5);
        assert!(alone.cells.iter().all(|c| c.value.is_none()), "without the number of companies nothing can be said");
    }

    #[test]
    fn facts_stand_in_the_shipped_order_and_own_ones_last() {
        let mut rows = vec![row("jobs", None, 9.0), row(COMPANIES, None, 3.0)];
        rows.insert(0, FactRow { kind: FactKind::own("Hotelværelser", FactUnit::Count), ..row("jobs", None, 210.0) });
        let keys: Vec<String> = Accounts::of(&rows, 5).facts.into_iter().map(|f| f.key).collect();
        assert_eq!(keys, [COMPANIES, "jobs", "own:Hotelværelser"]);
    }
}
