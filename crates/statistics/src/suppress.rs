//! What may be shown: primary and secondary suppression over linked tables, and the audit of what is hidden (§ 6).
use domain::results::State;

/// The smallest building block of the linked tables of one slice (say, sector × size × area).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Atom {
    /// Answers (u = 1).
    pub n: u64,
    /// Businesses in the frame; 0 where unknown (a breakdown that only answers have).
    pub frame: u64,
    /// Σ w.
    pub weight: f64,
    /// Σ w·y.
    pub sum: f64,
}

/// One indicator in one year, over the atoms.
#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    /// Indicator id.
    pub indicator: String,
    /// Year.
    pub year: i32,
    /// Ends of the scale.
    pub range: [f64; 2],
    /// A share: exactly 0 or 100 % is hidden below ten answers.
    pub share: bool,
    /// Per atom; the same atoms in every slice.
    pub atoms: Vec<Atom>,
}

/// A figure that one would like to show: a union of atoms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `total`, `sector`, `sector,size`, …
    pub domain: String,
    /// Key of the group.
    pub group: String,
    /// Its atoms.
    pub atoms: Vec<usize>,
}

/// A further number that the reader knows: a level published earlier, a change, a filter. Σ coefficient · (mean of atom in slice) lies between the limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// (slice, atom, coefficient).
    pub terms: Vec<(usize, usize, f64)>,
    /// Lower limit: the printed number less half its last place.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

/// The rules of suppression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Fewest answers shown (5 or more for anything published; 0 switches suppression off).
    pub min_n: u64,
    /// Width that the feasible interval of a hidden mean must keep, as a part of the scale.
    pub width: f64,
    /// Printed decimals are exploited as published (`true`), or figures are taken as known exactly (`false`, cautious).
    pub rounded: bool,
}

/// A feasible interval found by the audit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Audit {
    /// Slice.
    pub slice: usize,
    /// Group.
    pub group: usize,
    /// Lowest mean that agrees with everything known.
    pub lower: f64,
    /// Highest mean that agrees with everything known.
    pub upper: f64,
}

/// What is shown and what is hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// State per slice and group. A group is hidden in all slices or in none.
    pub states: Vec<Vec<State>>,
    /// The audit of every hidden figure.
    pub audits: Vec<Audit>,
}

/// Finds one pattern for all slices: primary rules, then further groups until no hidden mean can be narrowed below the width.
///
/// Slices that belong together (one base: the same businesses asked) go into one call; `known` links them and earlier publications.
#[must_use]
pub fn suppress(groups: &[Group], slices: &[Slice], known: &[Known], rules: &Rules) -> Pattern {
    let _ = (groups, slices, known, rules);
    todo!()
}
