//! From the cells of a year to weights: collapse of thin cells, cell weights, raking (§ 2).
use std::collections::BTreeMap;
use std::fmt;

/// One cell of a year: the finest cross-classification of strata and margins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Key of the sector: the classes of one sector may be collapsed into each other. `all` when strata know no sector.
    pub sector: String,
    /// Key of the size class (or of whatever ordered class the strata use). `all` when strata know no size.
    pub size: String,
    /// Category per margin, in the order of [`Weighting::Rake::margins`]; empty otherwise.
    pub margins: Vec<String>,
    /// Businesses in the frame (N).
    pub frame: u64,
    /// Businesses that answered (n).
    pub answered: u64,
    /// Businesses invited (m), where not all of the frame were.
    pub invited: Option<u64>,
}

/// A year's cells. Sums refer to cells by their index here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Year {
    /// The year.
    pub year: i32,
    /// Its cells, each combination once.
    pub cells: Vec<Cell>,
}

/// How answers are weighted to the frame.
#[derive(Debug, Clone, PartialEq)]
pub enum Weighting {
    /// w = N_h / n_h per stratum; thin strata are collapsed.
    Cells {
        /// Answers that every stratum needs (2 or more; rounds and publications use 5).
        min_cell: u64,
        /// The sector that a too thin sector joins.
        collapse_into: BTreeMap<String, String>,
    },
    /// Base weights raked to margins.
    Rake {
        /// Names of the margins, for messages; [`Cell::margins`] has the categories.
        margins: Vec<String>,
        /// Smallest and largest weight as multiples of the mean weight; the margins still hold.
        bounds: Option<[f64; 2]>,
    },
    /// w = N / n, one stratum.
    None,
}

/// The finite-population correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fpc {
    /// By businesses that answered at all: n_h / N_h.
    #[default]
    Unit,
    /// By businesses that answered the item: (n_h − blank) / N_h.
    Item,
    /// None.
    None,
}

/// The variance of raked estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VarianceKind {
    /// One stratum, as in R: too small when response differs by size.
    #[default]
    Design,
    /// Response as a random draw with probability 1/w: for publication. Cell weights already condition on the strata and are not affected.
    Response,
}

/// Everything that steers the weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The weighting.
    pub weighting: Weighting,
    /// The finite-population correction.
    pub fpc: Fpc,
    /// The variance of raked estimates.
    pub variance: VarianceKind,
    /// Size classes in ascending order; classes not named here follow in natural order (2 before 10).
    pub size_order: Vec<String>,
}

/// What was collapsed, to be read by an analyst.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collapse {
    /// Years for which it was done.
    pub years: Vec<i32>,
    /// The sector (or sectors already joined, with `+`).
    pub sector: String,
    /// What was collapsed: a size class, or `None` for the whole sector.
    pub class: Option<String>,
    /// What it joined.
    pub into: String,
    /// Its answers, per year.
    pub answered: Vec<u64>,
    /// Its frame, per year.
    pub frame: Vec<u64>,
}

/// What to report of the weights of a year.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightSummary {
    /// Σ w over the answers.
    pub sum: f64,
    /// N.
    pub frame: u64,
    /// n.
    pub answered: u64,
    /// Smallest weight.
    pub min: f64,
    /// Largest weight.
    pub max: f64,
    /// n·Σw² / (Σw)².
    pub kish_deff: f64,
    /// (Σw)² / Σw².
    pub n_eff: f64,
    /// Iterations of the raking (0 otherwise).
    pub iterations: u32,
    /// Strata of the variance.
    pub strata: usize,
}

/// Why a year cannot be weighted. Names the cell, sector or category at fault.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DesignError {
    /// placeholder
    #[error("{0}")]
    Placeholder(String),
}

/// A year with its weights: state it once, every estimator takes it.
#[derive(Debug, Clone)]
pub struct Design {
    summary: WeightSummary,
    collapses: Vec<Collapse>,
}

impl fmt::Display for Collapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.sector)
    }
}

impl Design {
    /// Weights one or more years with **one** collapse for all of them: give one year for its levels, both years for a change,
    /// all comparable years for a trend. Returns the designs in the order given.
    ///
    /// # Errors
    /// When a year cannot be weighted; the message names year and cell, sector or category.
    pub fn build(years: &[&Year], options: &Options) -> Result<Vec<Self>, DesignError> {
        let _ = (years, options);
        todo!()
    }

    /// Weights a single year, for its levels.
    ///
    /// # Errors
    /// As [`Design::build`].
    pub fn single(year: &Year, options: &Options) -> Result<Self, DesignError> {
        let _ = (year, options);
        todo!()
    }

    /// The weight of every answer in a cell; `None` where nobody answered.
    #[must_use]
    pub fn weight(&self, cell: usize) -> Option<f64> {
        let _ = cell;
        todo!()
    }

    /// What to report of the weights.
    #[must_use]
    pub const fn summary(&self) -> &WeightSummary {
        &self.summary
    }

    /// What was collapsed, in order.
    #[must_use]
    pub fn collapses(&self) -> &[Collapse] {
        &self.collapses
    }
}
