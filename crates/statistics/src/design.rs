//! From the cells of a year to weights: collapse of thin cells, cell weights, raking (§ 2).
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::matrix::{Factor, Matrix};

/// Largest relative margin error that raking accepts.
const MARGIN_TOLERANCE: f64 = 1e-10;
/// Raking goes on to this, where it gets there: the two digits cost a few sweeps and make results independent of the start.
const MARGIN_GOAL: f64 = 1e-13;
const MAX_SWEEPS: u32 = 10_000;

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
        /// Smallest and largest weight as multiples of the mean weight; the margins still hold. Off by default.
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
    /// Response as a random draw with probability 1/w: for publication. Cell weights condition on the strata already and are not affected.
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

impl Default for Options {
    fn default() -> Self {
        Self {
            weighting: Weighting::Cells { min_cell: 2, collapse_into: BTreeMap::new() },
            fpc: Fpc::Unit,
            variance: VarianceKind::Design,
            size_order: Vec::new(),
        }
    }
}

/// What was collapsed, to be read by an analyst: `Display` says it in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collapse {
    /// Years for which it was done.
    pub years: Vec<i32>,
    /// The sector (sectors already joined have `+` between them).
    pub sector: String,
    /// What was collapsed: a size class, or `None` for the whole sector.
    pub class: Option<String>,
    /// The class or sector that it joined.
    pub into: String,
    /// Its answers, per year.
    pub answered: Vec<u64>,
    /// Its frame, per year.
    pub frame: Vec<u64>,
}

impl fmt::Display for Collapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let years: Vec<String> = self.years.iter().map(ToString::to_string).collect();
        let counts: Vec<String> = self.answered.iter().zip(&self.frame).map(|(n, of)| format!("{n} of {of}")).collect();
        write!(f, "{}: sector {}", years.join(" and "), self.sector)?;
        match &self.class {
            Some(class) => write!(f, ", size class {class} ({} answered) joins {}", counts.join("; "), self.into),
            None => write!(f, " ({} answered) joins sector {}", counts.join("; "), self.into),
        }
    }
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
    /// Sweeps of the raking (0 otherwise).
    pub iterations: u32,
    /// Largest relative error of a margin (0 without raking).
    pub margin_error: f64,
    /// Strata of the variance.
    pub strata: usize,
}

/// Why a year cannot be weighted. Names the cell, sector or category at fault.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DesignError {
    /// Nobody answered.
    #[error("{year}: nobody answered, so nothing can be estimated")]
    NoAnswers {
        /// The year.
        year: i32,
    },
    /// More answers than businesses.
    #[error("{year}: sector {sector}, size class {size}: {answered} answers from {frame} businesses in the frame")]
    MoreAnswersThanFrame {
        /// The year.
        year: i32,
        /// Sector of the cell.
        sector: String,
        /// Size class of the cell.
        size: String,
        /// Its answers.
        answered: u64,
        /// Its frame.
        frame: u64,
    },
    /// More answers than invitations.
    #[error("{year}: sector {sector}, size class {size}: {answered} answers from {invited} businesses invited")]
    MoreAnswersThanInvited {
        /// The year.
        year: i32,
        /// Sector of the cell.
        sector: String,
        /// Size class of the cell.
        size: String,
        /// Its answers.
        answered: u64,
        /// Its invitations.
        invited: u64,
    },
    /// A stratum of one answer has no variance.
    #[error("every weighting cell needs at least 2 answers, not {given}")]
    MinCell {
        /// What was asked for.
        given: u64,
    },
    /// A sector is too thin and nothing says which one it joins.
    #[error(
        "{year}: sector {sector} has {answered} answers from {frame} businesses, fewer than the {needed} needed, and its definition names no other sector to join (collapse_into)"
    )]
    ThinSector {
        /// The first year in which it is too thin.
        year: i32,
        /// The sector.
        sector: String,
        /// Its answers that year.
        answered: u64,
        /// Its frame that year.
        frame: u64,
        /// Answers needed.
        needed: u64,
    },
    /// A cell lacks the category of a margin.
    #[error("{year}: sector {sector}, size class {size}: {given} margin categories where {needed} are needed")]
    MarginMissing {
        /// The year.
        year: i32,
        /// Sector of the cell.
        sector: String,
        /// Size class of the cell.
        size: String,
        /// Categories given.
        given: usize,
        /// Margins named.
        needed: usize,
    },
    /// Raking without margins.
    #[error("raking needs at least one margin")]
    NoMargins,
    /// A category with businesses but without answers.
    #[error(
        "{year}: margin {margin}: category {category} has {frame} businesses in the frame and no answer, so it cannot be raked to"
    )]
    EmptyCategory {
        /// The year.
        year: i32,
        /// The margin.
        margin: String,
        /// The category.
        category: String,
        /// Its businesses.
        frame: u64,
    },
    /// Raking does not reach the margins.
    #[error(
        "{year}: raking does not reach margin {margin}: category {category} stays {error:.1e} away (relative) after {sweeps} sweeps"
    )]
    NotConverged {
        /// The year.
        year: i32,
        /// Margin with the largest error.
        margin: String,
        /// Its category.
        category: String,
        /// The relative error.
        error: f64,
        /// Sweeps made.
        sweeps: u32,
    },
    /// Bounds that cannot hold.
    #[error("weight bounds must be 0 < lower < 1 < upper (multiples of the mean weight), not {lower} and {upper}")]
    Bounds {
        /// Lower bound.
        lower: f64,
        /// Upper bound.
        upper: f64,
    },
}

/// N and n of a stratum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stratum {
    pub(crate) frame: u64,
    pub(crate) answered: u64,
}

/// Where a cell belongs and what its answers weigh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placed {
    pub(crate) answered: u64,
    /// 0 where nobody answered.
    pub(crate) weight: f64,
    /// Stratum of the variance.
    pub(crate) stratum: usize,
    /// Stratum of the covariance between years: the same, but sector × size for raked weights.
    pub(crate) link_stratum: usize,
}

/// Projection of scores on the effects of the margins.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    /// Per cell the columns that are 1 (the first is the constant).
    columns: Vec<Vec<usize>>,
    base: Vec<f64>,
    factor: Factor,
    width: usize,
}

impl Projection {
    fn new(columns: Vec<Vec<usize>>, base: Vec<f64>, answered: &[u64], width: usize) -> Self {
        let mut gram = Matrix::zeros(width, width);
        for ((columns, base), n) in columns.iter().zip(&base).zip(answered) {
            for &r in columns {
                for &c in columns {
                    gram[(r, c)] += base * *n as f64;
                }
            }
        }
        let factor = Factor::new(&gram, 1e-10);
        Self { columns, base, factor, width }
    }

    /// Independent constraints.
    pub(crate) const fn rank(&self) -> usize {
        self.factor.rank()
    }

    /// Fitted score per cell, from the sums of scores per cell.
    pub(crate) fn fit(&self, sums: &[f64]) -> Vec<f64> {
        let mut right = vec![0.0; self.width];
        for ((columns, base), sum) in self.columns.iter().zip(&self.base).zip(sums) {
            for &c in columns {
                right[c] += base * sum;
            }
        }
        let beta = self.factor.solve(&right);
        self.columns.iter().map(|columns| columns.iter().map(|c| beta[*c]).sum()).collect()
    }
}

/// A year with its weights: state it once, every estimator takes it.
#[derive(Debug, Clone)]
pub struct Design {
    pub(crate) year: i32,
    pub(crate) cells: Vec<Placed>,
    pub(crate) strata: Vec<Stratum>,
    pub(crate) link_strata: Vec<Stratum>,
    pub(crate) projection: Option<Projection>,
    pub(crate) fpc: Fpc,
    pub(crate) variance: VarianceKind,
    summary: WeightSummary,
    collapses: Vec<Collapse>,
}

impl Design {
    /// Weights one or more years with **one** collapse for all of them: give one year for its levels, both years for a change,
    /// all comparable years for a trend. Returns the designs in the order given.
    ///
    /// # Errors
    /// When a year cannot be weighted; the message names year and cell, sector or category.
    pub fn build(years: &[&Year], options: &Options) -> Result<Vec<Self>, DesignError> {
        for year in years {
            check_counts(year)?;
        }
        match &options.weighting {
            Weighting::Cells { min_cell, collapse_into } => {
                let (stratum_of, collapses) = collapse(years, *min_cell, collapse_into, &options.size_order)?;
                Ok(years.iter().map(|year| Self::cell_weighted(year, &stratum_of, &collapses, options)).collect())
            }
            Weighting::None => {
                let one: BTreeMap<(&str, &str), usize> =
                    years.iter().flat_map(|y| &y.cells).map(|c| (key(c), 0)).collect();
                Ok(years.iter().map(|year| Self::cell_weighted(year, &one, &[], options)).collect())
            }
            Weighting::Rake { margins, bounds } => {
                let mut link_of: BTreeMap<(&str, &str), usize> =
                    years.iter().flat_map(|y| &y.cells).map(|c| (key(c), 0)).collect();
                link_of.values_mut().enumerate().for_each(|(index, value)| *value = index);
                years.iter().map(|year| Self::raked(year, margins, *bounds, &link_of, options)).collect()
            }
        }
    }

    /// Weights a single year, for its levels.
    ///
    /// # Errors
    /// As [`Design::build`].
    pub fn single(year: &Year, options: &Options) -> Result<Self, DesignError> {
        let mut designs = Self::build(&[year], options)?;
        Ok(designs.remove(0))
    }

    fn cell_weighted(
        year: &Year,
        stratum_of: &BTreeMap<(&str, &str), usize>,
        collapses: &[Collapse],
        options: &Options,
    ) -> Self {
        let strata = totals(year, stratum_of);
        let cells = year
            .cells
            .iter()
            .map(|cell| {
                let stratum = stratum_of[&key(cell)];
                let Stratum { frame, answered } = strata[stratum];
                let weight = if cell.answered > 0 { frame as f64 / answered as f64 } else { 0.0 };
                Placed { answered: cell.answered, weight, stratum, link_stratum: stratum }
            })
            .collect();
        Self::finish(year, cells, (strata.clone(), strata), None, (0, 0.0), collapses, options)
    }

    fn raked(
        year: &Year,
        margins: &[String],
        bounds: Option<[f64; 2]>,
        link_of: &BTreeMap<(&str, &str), usize>,
        options: &Options,
    ) -> Result<Self, DesignError> {
        let link_strata = totals(year, link_of);
        let base = base_weights(year, link_of, &link_strata)?;
        let raking = Raking::new(year, margins)?;
        let (weights, sweeps, error) = raking.rake(&base, bounds)?;
        let cells: Vec<Placed> = year
            .cells
            .iter()
            .zip(weights)
            .map(|(cell, weight)| Placed {
                answered: cell.answered,
                weight,
                stratum: 0,
                link_stratum: link_of[&key(cell)],
            })
            .collect();
        let all = link_strata.iter().fold(Stratum::default(), |sum, s| Stratum {
            frame: sum.frame + s.frame,
            answered: sum.answered + s.answered,
        });
        let projection = raking.projection(base);
        Ok(Self::finish(year, cells, (vec![all], link_strata), Some(projection), (sweeps, error), &[], options))
    }

    fn finish(
        year: &Year,
        cells: Vec<Placed>,
        (strata, link_strata): (Vec<Stratum>, Vec<Stratum>),
        projection: Option<Projection>,
        (iterations, margin_error): (u32, f64),
        collapses: &[Collapse],
        options: &Options,
    ) -> Self {
        let used = || cells.iter().filter(|c| c.answered > 0);
        let sum: f64 = used().map(|c| c.weight * c.answered as f64).sum();
        let squares: f64 = used().map(|c| c.weight * c.weight * c.answered as f64).sum();
        let answered: u64 = used().map(|c| c.answered).sum();
        let summary = WeightSummary {
            sum,
            frame: year.cells.iter().map(|c| c.frame).sum(),
            answered,
            min: used().map(|c| c.weight).fold(f64::INFINITY, f64::min),
            max: used().map(|c| c.weight).fold(0.0, f64::max),
            kish_deff: answered as f64 * squares / (sum * sum),
            n_eff: sum * sum / squares,
            iterations,
            margin_error,
            strata: strata.iter().filter(|s| s.answered > 0).count(),
        };
        Self {
            year: year.year,
            cells,
            strata,
            link_strata,
            projection,
            fpc: options.fpc,
            variance: options.variance,
            summary,
            collapses: collapses.to_vec(),
        }
    }

    /// The year.
    #[must_use]
    pub const fn year(&self) -> i32 {
        self.year
    }

    /// The weight of every answer in a cell; `None` where nobody answered.
    #[must_use]
    pub fn weight(&self, cell: usize) -> Option<f64> {
        self.cells.get(cell).filter(|c| c.answered > 0).map(|c| c.weight)
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

    /// Businesses that answered but left an item blank, per stratum of the variance.
    pub(crate) fn blanks_per_stratum(&self, blanks: &[u64]) -> Vec<u64> {
        let mut per_stratum = vec![0; self.strata.len()];
        for (cell, blank) in self.cells.iter().zip(blanks) {
            per_stratum[cell.stratum] += blank;
        }
        per_stratum
    }
}

fn key(cell: &Cell) -> (&str, &str) {
    (&cell.sector, &cell.size)
}

fn totals(year: &Year, stratum_of: &BTreeMap<(&str, &str), usize>) -> Vec<Stratum> {
    let count = stratum_of.values().max().map_or(0, |last| last + 1);
    let mut strata = vec![Stratum::default(); count];
    for cell in &year.cells {
        let stratum = &mut strata[stratum_of[&key(cell)]];
        stratum.frame += cell.frame;
        stratum.answered += cell.answered;
    }
    strata
}

fn check_counts(year: &Year) -> Result<(), DesignError> {
    if year.cells.iter().all(|c| c.answered == 0) {
        return Err(DesignError::NoAnswers { year: year.year });
    }
    for cell in &year.cells {
        if cell.answered > cell.frame {
            return Err(DesignError::MoreAnswersThanFrame {
                year: year.year,
                sector: cell.sector.clone(),
                size: cell.size.clone(),
                answered: cell.answered,
                frame: cell.frame,
            });
        }
    }
    Ok(())
}

/// Compares as people do: runs of digits by their value, so 2 comes before 10.
#[must_use]
pub fn natural_order(a: &str, b: &str) -> Ordering {
    fn parts(text: &str) -> Vec<(Option<u128>, String)> {
        let mut parts: Vec<(Option<u128>, String)> = Vec::new();
        for character in text.chars() {
            match (parts.last_mut(), character.to_digit(10)) {
                (Some((Some(value), digits)), Some(digit)) if digits.len() < 30 => {
                    *value = *value * 10 + u128::from(digit);
                    digits.push(character);
                }
                (_, Some(digit)) => parts.push((Some(u128::from(digit)), character.to_string())),
                (Some((None, run)), None) => run.push(character),
                (_, None) => parts.push((None, character.to_string())),
            }
        }
        parts
    }
    let compare = |(a, at): &(Option<u128>, String), (b, bt): &(Option<u128>, String)| match (a, b) {
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => at.cmp(bt),
    };
    let (a_parts, b_parts) = (parts(a), parts(b));
    a_parts
        .iter()
        .zip(&b_parts)
        .map(|(a, b)| compare(a, b))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a_parts.len().cmp(&b_parts.len()))
        .then_with(|| a.cmp(b))
}

/// One class of a sector (or several already joined) with its counts per year.
#[derive(Debug, Clone)]
struct Class<'a> {
    keys: Vec<(&'a str, &'a str)>,
    label: String,
    frame: Vec<u64>,
    answered: Vec<u64>,
}

impl Class<'_> {
    /// The first year in which the class has too few answers and not all have answered.
    fn fails(&self, min_cell: u64) -> Option<usize> {
        self.answered.iter().zip(&self.frame).position(|(n, of)| n < of && *n < min_cell)
    }

    fn absorb(&mut self, other: Self, label: String) {
        self.keys.extend(other.keys);
        self.label = label;
        add(&mut self.frame, &other.frame);
        add(&mut self.answered, &other.answered);
    }
}

fn add(to: &mut [u64], from: &[u64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

/// Strata by (sector, size class), and the log of what was joined.
type Collapsed<'a> = (BTreeMap<(&'a str, &'a str), usize>, Vec<Collapse>);

/// Joins thin classes within a sector, then thin sectors, until every stratum holds in every year.
fn collapse<'a>(
    years: &[&'a Year],
    min_cell: u64,
    collapse_into: &'a BTreeMap<String, String>,
    size_order: &[String],
) -> Result<Collapsed<'a>, DesignError> {
    if min_cell < 2 {
        return Err(DesignError::MinCell { given: min_cell });
    }
    let mut sizes: Vec<&str> =
        years.iter().flat_map(|y| &y.cells).map(|c| c.size.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let rank = |size: &str| size_order.iter().position(|s| s == size).unwrap_or(size_order.len());
    sizes.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| natural_order(a, b)));

    let sectors: BTreeSet<&str> =
        years.iter().flat_map(|y| &y.cells).filter(|c| c.frame > 0).map(|c| c.sector.as_str()).collect();
    // Sectors treated as one, under the name of the one the others joined.
    let mut groups: BTreeMap<&str, Vec<&str>> = sectors.into_iter().map(|s| (s, vec![s])).collect();
    let mut sector_log: Vec<Collapse> = Vec::new();
    let mut done: BTreeMap<&str, (Vec<Class<'_>>, Vec<Collapse>)> = BTreeMap::new();
    while let Some(name) = groups.keys().copied().find(|name| !done.contains_key(name)) {
        let members = &groups[name];
        let classes = classes_of(years, members, &sizes);
        let (classes, log) = collapse_sector(years, &members.join("+"), classes, min_cell);
        let Some((only, failed)) = classes.first().and_then(|c| Some((c, c.fails(min_cell)?))) else {
            done.insert(name, (classes, log));
            continue;
        };
        let thin = || DesignError::ThinSector {
            year: years[failed].year,
            sector: members.join("+"),
            answered: only.answered[failed],
            frame: only.frame[failed],
            needed: min_cell,
        };
        let target = collapse_into.get(name).ok_or_else(thin)?.as_str();
        // The sector named may have joined a third one already.
        let target = groups.iter().find(|(_, members)| members.contains(&target)).map_or(target, |(name, _)| name);
        if target == name {
            return Err(thin());
        }
        sector_log.push(Collapse {
            years: years.iter().map(|y| y.year).collect(),
            sector: members.join("+"),
            class: None,
            into: target.to_owned(),
            answered: only.answered.clone(),
            frame: only.frame.clone(),
        });
        let moved = groups.remove(name).unwrap_or_default();
        groups.entry(target).or_default().extend(moved);
        // The joined sector starts again from its size classes.
        done.remove(target);
    }
    let mut stratum_of = BTreeMap::new();
    let mut log = sector_log;
    let mut next = 0;
    for (classes, sector_log) in done.into_values() {
        log.extend(sector_log);
        for class in classes {
            stratum_of.extend(class.keys.into_iter().map(|key| (key, next)));
            next += 1;
        }
    }
    // Cells without a frame hold nobody; they are given any stratum so that every index is valid.
    for cell in years.iter().flat_map(|y| &y.cells) {
        stratum_of.entry(key(cell)).or_insert(0);
    }
    Ok((stratum_of, log))
}

fn classes_of<'a>(years: &[&'a Year], sectors: &[&str], sizes: &[&'a str]) -> Vec<Class<'a>> {
    let mut classes = Vec::new();
    for size in sizes {
        let mut class = Class {
            keys: Vec::new(),
            label: (*size).to_owned(),
            frame: vec![0; years.len()],
            answered: vec![0; years.len()],
        };
        let mut keys = BTreeSet::new();
        for (index, year) in years.iter().enumerate() {
            for cell in
                year.cells.iter().filter(|c| c.size == *size && c.frame > 0 && sectors.contains(&c.sector.as_str()))
            {
                keys.insert(key(cell));
                class.frame[index] += cell.frame;
                class.answered[index] += cell.answered;
            }
        }
        class.keys = keys.into_iter().collect();
        if !class.keys.is_empty() {
            classes.push(class);
        }
    }
    classes
}

/// Joins the smallest failing class to its next smaller neighbour (the smallest to its next larger) until none fails or one is left.
fn collapse_sector<'a>(
    years: &[&Year],
    sector: &str,
    mut classes: Vec<Class<'a>>,
    min_cell: u64,
) -> (Vec<Class<'a>>, Vec<Collapse>) {
    let mut log = Vec::new();
    while classes.len() > 1 {
        let Some(index) = classes.iter().position(|c| c.fails(min_cell).is_some()) else { break };
        let class = classes.remove(index);
        // After the removal the next larger class stands where the smallest stood.
        let neighbour = &mut classes[index.saturating_sub(1)];
        log.push(Collapse {
            years: years.iter().map(|y| y.year).collect(),
            sector: sector.to_owned(),
            class: Some(class.label.clone()),
            into: neighbour.label.clone(),
            answered: class.answered.clone(),
            frame: class.frame.clone(),
        });
        let label = if index == 0 {
            format!("{}+{}", class.label, neighbour.label)
        } else {
            format!("{}+{}", neighbour.label, class.label)
        };
        neighbour.absorb(class, label);
    }
    (classes, log)
}

/// N/n, or N_h/m_h after a stratified sample.
fn base_weights(
    year: &Year,
    link_of: &BTreeMap<(&str, &str), usize>,
    strata: &[Stratum],
) -> Result<Vec<f64>, DesignError> {
    if year.cells.iter().all(|c| c.invited.is_none()) {
        let (frame, answered) = strata.iter().fold((0, 0), |(frame, n), s| (frame + s.frame, n + s.answered));
        return Ok(vec![frame as f64 / answered as f64; year.cells.len()]);
    }
    let mut invited = vec![0; strata.len()];
    for cell in &year.cells {
        // Without a count of its own, all of the cell were invited.
        let cell_invited = cell.invited.unwrap_or(cell.frame);
        if cell.answered > cell_invited {
            return Err(DesignError::MoreAnswersThanInvited {
                year: year.year,
                sector: cell.sector.clone(),
                size: cell.size.clone(),
                answered: cell.answered,
                invited: cell_invited,
            });
        }
        invited[link_of[&key(cell)]] += cell_invited;
    }
    Ok(year
        .cells
        .iter()
        .map(|cell| {
            let stratum = link_of[&key(cell)];
            if invited[stratum] == 0 { 0.0 } else { strata[stratum].frame as f64 / invited[stratum] as f64 }
        })
        .collect())
}

/// Margins of a year, by index.
struct Raking<'a> {
    year: &'a Year,
    margins: &'a [String],
    /// Per margin: category names.
    categories: Vec<Vec<&'a str>>,
    /// Per margin and cell: category.
    category_of: Vec<Vec<usize>>,
    /// Per margin and category: N.
    frame: Vec<Vec<f64>>,
}

impl<'a> Raking<'a> {
    fn new(year: &'a Year, margins: &'a [String]) -> Result<Self, DesignError> {
        if margins.is_empty() {
            return Err(DesignError::NoMargins);
        }
        if let Some(cell) = year.cells.iter().find(|c| c.margins.len() != margins.len()) {
            return Err(DesignError::MarginMissing {
                year: year.year,
                sector: cell.sector.clone(),
                size: cell.size.clone(),
                given: cell.margins.len(),
                needed: margins.len(),
            });
        }
        let mut raking = Self { year, margins, categories: Vec::new(), category_of: Vec::new(), frame: Vec::new() };
        for (index, margin) in margins.iter().enumerate() {
            let names: Vec<&str> =
                year.cells.iter().map(|c| c.margins[index].as_str()).collect::<BTreeSet<_>>().into_iter().collect();
            let of: Vec<usize> = year
                .cells
                .iter()
                .map(|c| names.binary_search(&c.margins[index].as_str()).unwrap_or_default())
                .collect();
            let mut frame = vec![0_u64; names.len()];
            let mut answered = vec![0_u64; names.len()];
            for (cell, category) in year.cells.iter().zip(&of) {
                frame[*category] += cell.frame;
                answered[*category] += cell.answered;
            }
            if let Some(empty) = (0..names.len()).find(|c| frame[*c] > 0 && answered[*c] == 0) {
                return Err(DesignError::EmptyCategory {
                    year: year.year,
                    margin: margin.clone(),
                    category: names[empty].to_owned(),
                    frame: frame[empty],
                });
            }
            raking.categories.push(names);
            raking.category_of.push(of);
            raking.frame.push(frame.into_iter().map(|n| n as f64).collect());
        }
        Ok(raking)
    }

    fn sums(&self, margin: usize, weights: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.categories[margin].len()];
        for ((cell, category), weight) in self.year.cells.iter().zip(&self.category_of[margin]).zip(weights) {
            sums[*category] += weight * cell.answered as f64;
        }
        sums
    }

    /// Margin, category and size of the largest relative error.
    fn worst(&self, weights: &[f64]) -> (usize, usize, f64) {
        let mut worst = (0, 0, 0.0);
        for margin in 0..self.margins.len() {
            for (category, sum) in self.sums(margin, weights).into_iter().enumerate() {
                let frame = self.frame[margin][category];
                let error = if frame > 0.0 { (sum / frame - 1.0).abs() } else { 0.0 };
                if error > worst.2 || error.is_nan() {
                    worst = (margin, category, error);
                }
            }
        }
        worst
    }

    /// Weights, sweeps, and the largest relative margin error left.
    fn rake(&self, base: &[f64], bounds: Option<[f64; 2]>) -> Result<(Vec<f64>, u32, f64), DesignError> {
        if let Some([lower, upper]) = bounds
            && !(lower > 0.0 && lower < 1.0 && upper > 1.0)
        {
            return Err(DesignError::Bounds { lower, upper });
        }
        let frame: u64 = self.year.cells.iter().map(|c| c.frame).sum();
        let answered: u64 = self.year.cells.iter().map(|c| c.answered).sum();
        let limits = bounds.map(|b| b.map(|limit| limit * frame as f64 / answered as f64));
        let mut weights = base.to_vec();
        let mut best = f64::INFINITY;
        let mut stalled = 0;
        let mut sweeps = 0;
        while sweeps < MAX_SWEEPS {
            sweeps += 1;
            for margin in 0..self.margins.len() {
                let sums = self.sums(margin, &weights);
                for (weight, category) in weights.iter_mut().zip(&self.category_of[margin]) {
                    if sums[*category] > 0.0 {
                        *weight *= self.frame[margin][*category] / sums[*category];
                    }
                }
            }
            if let Some([lower, upper]) = limits {
                weights.iter_mut().for_each(|w| *w = w.clamp(lower, upper));
            }
            let (_, _, error) = self.worst(&weights);
            if error <= MARGIN_GOAL {
                break;
            }
            // Rounding may keep the last digit moving: once within the tolerance, stop when nothing improves any more.
            stalled = if error < 0.9 * best { 0 } else { stalled + 1 };
            best = best.min(error);
            if error <= MARGIN_TOLERANCE && stalled >= 5 {
                break;
            }
        }
        let (margin, category, error) = self.worst(&weights);
        if error <= MARGIN_TOLERANCE {
            return Ok((weights, sweeps, error));
        }
        Err(DesignError::NotConverged {
            year: self.year.year,
            margin: self.margins[margin].clone(),
            category: self.categories[margin][category].to_owned(),
            error,
            sweeps,
        })
    }

    fn projection(&self, base: Vec<f64>) -> Projection {
        let mut first_column = Vec::new();
        let mut width = 1;
        for categories in &self.categories {
            first_column.push(width);
            width += categories.len();
        }
        let columns = (0..self.year.cells.len())
            .map(|cell| {
                core::iter::once(0)
                    .chain((0..self.margins.len()).map(|m| first_column[m] + self.category_of[m][cell]))
                    .collect()
            })
            .collect();
        let answered: Vec<u64> = self.year.cells.iter().map(|c| c.answered).collect();
        Projection::new(columns, base, &answered, width)
    }
}
