//! What comes out: estimates and changes that never travel without their uncertainty, and the report that carries them.
//!
//! Units: index 0–100, mean on its scale, share 0–1, balance −1…1, nps −100…100; changes in the same units.
use serde::{Deserialize, Serialize};

use crate::indicator::{Better, Kind};
use crate::insight::Insight;
use crate::language::Texts;

/// The domain name of the total; its one group is [`ALL`].
pub const TOTAL: &str = "total";
/// The one group of the total.
pub const ALL: &str = "all";

/// May a figure be shown, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Shown.
    Shown,
    /// Shown, marked as uncertain: fewer than 20 answers.
    Uncertain,
    /// Hidden: too few answers, or it would give single answers away.
    Hidden,
    /// Hidden so that another hidden figure cannot be computed.
    HiddenSecondary,
}

impl State {
    /// Are the figures of this state withheld?
    #[must_use]
    pub const fn is_hidden(self) -> bool {
        matches!(self, Self::Hidden | Self::HiddenSecondary)
    }
}

/// What can be said of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Larger than the statistical uncertainty, upwards.
    Up,
    /// Larger than the statistical uncertainty, downwards.
    Down,
    /// Within the uncertainty.
    Unclear,
    /// The years are not comparable.
    Break,
    /// A year's figure is hidden.
    Hidden,
}

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower limit.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

/// An estimate with everything needed to judge it. `statistics.md` § 3.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Answers in the domain (companies, when companies are clusters).
    pub n: u64,
    /// The weighted mean; `None` when the domain has no answer.
    pub value: Option<f64>,
    /// Standard error.
    pub se: Option<f64>,
    /// Degrees of freedom.
    pub df: Option<f64>,
    /// 95 % interval; `None` when df < 1 or the variance says nothing.
    pub interval: Option<Interval>,
    /// Design effect against simple random sampling without replacement.
    pub deff: Option<f64>,
}

/// One row of `estimates.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EstimateRow {
    /// Indicator id.
    pub indicator: String,
    /// Year.
    pub year: i32,
    /// `total`, or a breakdown: `sector`, `size`, …
    pub domain: String,
    /// Key of the group; `all` for the total.
    pub group: String,
    /// Businesses of the group in the frame, where the breakdown is a frame column.
    pub n_frame: Option<u64>,
    /// The figure. Emptied when hidden, except n.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// May it be shown?
    pub state: State,
}

/// One row of `changes.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// Indicator id.
    pub indicator: String,
    /// Earlier year.
    pub year_from: i32,
    /// Later year.
    pub year_to: i32,
    /// `total` or a breakdown.
    pub domain: String,
    /// Key of the group.
    pub group: String,
    /// Answers in the earlier year.
    pub n_from: u64,
    /// Answers in the later year.
    pub n_to: u64,
    /// Businesses that answered both years.
    pub n_both: u64,
    /// Later minus earlier, both recomputed with one method.
    pub change: Option<f64>,
    /// Standard error of the change, overlap included.
    pub se: Option<f64>,
    /// Degrees of freedom.
    pub df: Option<f64>,
    /// 95 % interval.
    pub interval: Option<Interval>,
    /// Two-sided p-value.
    pub p_value: Option<f64>,
    /// The p-value adjusted for the number of comparisons.
    pub p_adjusted: Option<f64>,
    /// The smallest change this survey would have found with 80 % power.
    pub detectable: Option<f64>,
    /// What can be said.
    pub verdict: Verdict,
}

/// One row of `coverage.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CoverageRow {
    /// Year.
    pub year: i32,
    /// `total` or a breakdown.
    pub domain: String,
    /// Key of the group.
    pub group: String,
    /// Businesses in the frame.
    pub n_frame: u64,
    /// Businesses that answered (AAPOR complete or partial).
    pub n_answered: u64,
    /// `n_answered / n_frame`.
    pub response_rate: f64,
}

/// What a reader must know of an indicator to read its figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IndicatorInfo {
    /// Stable id.
    pub id: String,
    /// Kind, which fixes the unit.
    pub kind: Kind,
    /// Ends of the scale of the figure (index 0–100, share 0–1, …).
    pub range: [f64; 2],
    /// Title per language.
    pub title: Texts,
    /// Direction.
    pub better: Better,
    /// Marked as one of the few that open the report.
    pub headline: bool,
    /// Years not comparable with earlier ones.
    pub breaks: Vec<i32>,
    /// Version of the formula: a hash of the definition.
    pub formula_version: String,
}

/// A breakdown and its groups in reading order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// `sector`, `size`, …
    pub domain: String,
    /// Title per language.
    pub title: Texts,
    /// The groups.
    pub groups: Vec<Group>,
}

/// A group of a breakdown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Key, as in the rows.
    pub key: String,
    /// Title per language.
    pub title: Texts,
}

/// A note of what was done to the data, to be read by an analyst.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Program version.
    pub version: String,
    /// SHA-256 per input.
    pub inputs: std::collections::BTreeMap<String, String>,
    /// Options as given.
    pub options: std::collections::BTreeMap<String, String>,
    /// Collapses of weighting cells, in order, in plain words.
    pub collapses: Vec<String>,
}

/// A result set: everything a page, chart, workbook or paper needs, and nothing that may not be shown to its reader.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Years, ascending.
    pub years: Vec<i32>,
    /// Indicators in reading order.
    pub indicators: Vec<IndicatorInfo>,
    /// Breakdowns in reading order.
    pub breakdowns: Vec<Breakdown>,
    /// All estimates.
    pub estimates: Vec<EstimateRow>,
    /// All changes.
    pub changes: Vec<ChangeRow>,
    /// Coverage.
    pub coverage: Vec<CoverageRow>,
    /// Where it came from.
    pub provenance: Provenance,
    /// Targets, trend, drivers, reliability, who answered, themes: keys of their own beside the others.
    #[serde(flatten)]
    pub insight: Insight,
}

impl Report {
    /// The estimate of an indicator in a year for a group.
    #[must_use]
    pub fn estimate(&self, indicator: &str, year: i32, domain: &str, group: &str) -> Option<&EstimateRow> {
        self.estimates
            .iter()
            .find(|r| r.indicator == indicator && r.year == year && r.domain == domain && r.group == group)
    }

    /// The change of an indicator between two years for a group.
    #[must_use]
    pub fn change(&self, indicator: &str, from: i32, to: i32, domain: &str, group: &str) -> Option<&ChangeRow> {
        self.changes.iter().find(|r| {
            r.indicator == indicator && r.year_from == from && r.year_to == to && r.domain == domain && r.group == group
        })
    }
}
