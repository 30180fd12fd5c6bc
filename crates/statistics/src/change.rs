//! A change between two years of which many businesses answered both, and what can be said of it (§ 4).
use domain::results::{Interval, Verdict};

use crate::estimate::Figure;
use crate::sums::Pairs;

/// How the overlap of two years enters the variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// Each stratum's own covariance: the default.
    #[default]
    Own,
    /// One correlation pooled over the strata: where cells are small.
    Pooled,
    /// Ignored: the years as if independent.
    None,
}

/// A count of businesses by cell of the earlier and cell of the later year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linked {
    /// Cell (for `answered` of companies: row) in the earlier year.
    pub from: usize,
    /// Cell (or row) in the later year.
    pub to: usize,
    /// Businesses.
    pub n: u64,
}

/// The businesses that two years share. Independent of indicator and domain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// In both frames.
    pub frame: Vec<Linked>,
    /// Answered in both years (count in n_h both times).
    pub answered: Vec<Linked>,
}

/// A change with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Answers in the earlier year.
    pub n_from: u64,
    /// Answers in the later year.
    pub n_to: u64,
    /// Businesses with an answer in the domain in both years, also those that changed stratum.
    pub n_both: u64,
    /// Later minus earlier.
    pub change: Option<f64>,
    /// Standard error, overlap included.
    pub se: Option<f64>,
    /// Degrees of freedom.
    pub df: Option<f64>,
    /// 95 % interval.
    pub interval: Option<Interval>,
    /// Two-sided p-value.
    pub p_value: Option<f64>,
    /// The smallest change that would have been found with 80 % power.
    pub detectable: Option<f64>,
    /// The p-value without finite-population correction.
    pub p_without_fpc: Option<f64>,
    /// More than half of the domain answered in one of the years: the verdict must hold without correction too.
    pub most_answered: bool,
}

/// How p-values of a family are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjustment {
    /// Not at all.
    None,
    /// False discovery rate: the groups of one breakdown.
    BenjaminiHochberg,
    /// Family-wise: the headline indicators in the total.
    Holm,
}

/// What is said of a change within its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Adjusted p-value.
    pub p_adjusted: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Covariance of two years' figures. Both designs must come from one [`Design::build`](crate::Design::build).
#[must_use]
pub fn covariance(from: &Figure, to: &Figure, link: &Link, pairs: Pairs<'_>, overlap: Overlap) -> f64 {
    let _ = (from, to, link, pairs, overlap);
    todo!()
}

/// The change between two years. Both designs must come from one [`Design::build`](crate::Design::build).
#[must_use]
pub fn change(from: &Figure, to: &Figure, link: &Link, pairs: Pairs<'_>, overlap: Overlap) -> Change {
    let _ = (from, to, link, pairs, overlap);
    todo!()
}

/// Judges the changes of one family together; `None` stands for a hidden group, which takes no part.
#[must_use]
pub fn judge(changes: &[Option<Change>], adjustment: Adjustment) -> Vec<Judgement> {
    let _ = (changes, adjustment);
    todo!()
}
