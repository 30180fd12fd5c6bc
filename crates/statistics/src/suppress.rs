//! What may be shown: primary and secondary suppression over linked tables, and the audit of what is hidden (§ 6).
//!
//! The reader is taken to know everything but the values: the frame, n, the weights and the ends of the scale. Every figure shown is
//! then a linear equation in the means of the atoms (the finest groups), and what a hidden mean can be follows by linear programming.
//! A hidden mean must keep a feasible interval of at least 20 points of 100 in every slice; standard errors printed for groups around it
//! are reckoned with. One thing is let be, for means hidden for another's sake only (with answers enough their own value is no secret):
//! that the scale or the total alone narrows them. Where everybody's mean lies in the outer fifths of the scale (a rare share) the
//! total says already that every large group is near that end, and hiding ever more of them would not change that; there the structure
//! of the table must protect them, values taken in the middle of the scale.
//!
//! The pattern is found by hitting sets. Where the audit finds a hidden mean too narrow, a smallest set of shown figures that pins it
//! down is a certificate: one of them must go. The cheapest pattern that hits all certificates so far is a small integer
//! programme; the loop ends when the audit finds nothing more, and then no pattern that satisfies the audit is cheaper (each certificate is
//! necessary). Above [`MOST_FOR_EXACT`] groups, the cheapest member of each certificate goes instead, and what proves unnecessary returns.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::results::{State, TOTAL};
use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem, Variable};

/// From here on hiding is greedy.
pub const MOST_FOR_EXACT: usize = 120;
/// Certificates after which hiding turns greedy.
const MOST_CERTIFICATES: usize = 400;
/// Below this many answers a census, or a figure at the very end of its scale (a share of 0 or 100 %), tells each answer.
pub const SMALL: u64 = 10;
/// Below this many answers a figure is marked as uncertain.
pub const UNCERTAIN: u64 = 20;
/// Fewest answers behind a comment list that is broken down.
pub const COMMENTS: u64 = 10;
/// The middle of the scale, in hundredths of it.
const MIDDLE: f64 = 50.0;
/// Slack for the rounding of linear programmes, in hundredths of the scale.
const SLACK: f64 = 1e-6;

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
    /// Σ w·y²: what standard errors and design effects of groups with 20 answers or more tell of their parts. 0 throughout: none are printed.
    pub sum_sq: f64,
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
    /// A share: printed as a percentage.
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

/// A further number that the reader knows: a level published earlier, a change (whose levels are recomputed with other weights), a
/// filter. Σ coefficient · (mean of atom in slice) lies between the limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Printed only while this group is shown; `None`: printed already, nothing takes it back.
    pub group: Option<usize>,
    /// (slice, atom, coefficient).
    pub terms: Vec<(usize, usize, f64)>,
    /// Lower limit: the printed number less half its last place.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
}

impl Known {
    /// A mean printed to within `half` of its last place: Σ weight · mean of atom, over the summed weights.
    #[must_use]
    pub fn level(group: Option<usize>, slice: usize, weights: &[(usize, f64)], value: f64, half: f64) -> Self {
        Self { group, terms: Self::terms(slice, weights, 1.0), lower: value - half, upper: value + half }
    }

    /// A change printed to within `half`, both levels computed with weights of its own (one collapse for both years):
    /// (slice, weight per atom) of the earlier and of the later year.
    #[must_use]
    pub fn change(
        group: usize,
        from: (usize, &[(usize, f64)]),
        to: (usize, &[(usize, f64)]),
        value: f64,
        half: f64,
    ) -> Self {
        let terms = [Self::terms(from.0, from.1, -1.0), Self::terms(to.0, to.1, 1.0)].concat();
        Self { group: Some(group), terms, lower: value - half, upper: value + half }
    }

    fn terms(slice: usize, weights: &[(usize, f64)], sign: f64) -> Vec<(usize, usize, f64)> {
        let total: f64 = weights.iter().map(|(_, w)| w).sum();
        weights.iter().filter(|(_, w)| *w > 0.0).map(|(atom, w)| (slice, *atom, sign * w / total)).collect()
    }
}

/// The rules of suppression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Fewest answers shown (5 or more for anything published; 0 switches suppression off).
    pub min_n: u64,
    /// Width that the feasible interval of a hidden mean must keep, as a part of the scale.
    pub width: f64,
    /// Figures are known to their printed decimals (`true`), or exactly (`false`: the cautious default).
    pub rounded: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { min_n: 5, width: 0.2, rounded: false }
    }
}

/// What a hidden mean can be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Audit {
    /// Slice.
    pub slice: usize,
    /// Group.
    pub group: usize,
    /// A mean this low agrees with everything known.
    pub lower: f64,
    /// A mean this high agrees with everything known.
    pub upper: f64,
}

/// Does a correction blank a cell rather than print it again? Old and new figure together would tell the few answers that moved.
#[must_use]
pub const fn correction_blanks(answers_moved: u64) -> bool {
    answers_moved > 0 && answers_moved < 5
}

/// What is shown and what is hidden.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// State per slice and group. A group with answers is hidden in all slices or in none.
    pub states: Vec<Vec<State>>,
    /// What each hidden mean can be: at least this wide ([`audit`] computes the full width).
    pub audits: Vec<Audit>,
    /// Answers behind the figures hidden, summed over slices.
    pub loss: u64,
}

/// Finds one pattern for all slices: primary rules, then further groups until no hidden mean can be narrowed below the width.
///
/// Slices that belong together (one base: the same businesses asked) go into one call; `known` links them with changes and earlier
/// publications. A group without any answer in a slice is hidden there and binds no other slice.
#[must_use]
pub fn suppress(groups: &[Group], slices: &[Slice], known: &[Known], rules: &Rules) -> Pattern {
    suppress_also(groups, slices, known, rules, &[])
}

/// As [`suppress`], with figures (slice, group) that must be hidden for a reason of the caller's: weights that one company dominates.
#[must_use]
pub fn suppress_also(
    groups: &[Group],
    slices: &[Slice],
    known: &[Known],
    rules: &Rules,
    also: &[(usize, usize)],
) -> Pattern {
    let task = Task::new(groups, slices, known, rules);
    let mut primary = task.primary();
    if rules.min_n > 0 {
        also.iter().for_each(|(slice, group)| primary[*slice][*group] = true);
    }
    let hidden = if rules.min_n == 0 { vec![false; groups.len()] } else { task.find(&primary) };
    let states = (0..slices.len())
        .map(|s| (0..groups.len()).map(|g| task.state(s, g, hidden[g], primary[s][g])).collect())
        .collect();
    let audits = task.audits(&hidden, |view, group| task.feasible(view, group, &hidden));
    let loss = (0..groups.len()).filter(|g| hidden[*g]).map(|g| task.cost(g)).sum();
    Pattern { states, audits, loss }
}

/// What each hidden mean can be, by linear programming over everything shown and known and by the standard errors printed: the
/// reader's best attack.
#[must_use]
pub fn audit(groups: &[Group], slices: &[Slice], known: &[Known], rules: &Rules, states: &[Vec<State>]) -> Vec<Audit> {
    let task = Task::new(groups, slices, known, rules);
    let hidden: Vec<bool> =
        (0..groups.len()).map(|g| (0..slices.len()).any(|s| states[s][g].is_hidden() && task.n[s][g] > 0)).collect();
    task.audits(&hidden, |view, group| {
        let (lower, upper) = task.exact(view, group, &hidden).unwrap_or_else(|| task.inner(view, group));
        let spread = task.spread(view.slice, group, &hidden);
        (lower.max(spread.0), upper.min(spread.1))
    })
}

struct Task<'a> {
    groups: &'a [Group],
    slices: &'a [Slice],
    known: &'a [Known],
    rules: &'a Rules,
    /// Per atom: the groups that contain it, as bits.
    groups_of: Vec<Vec<u64>>,
    /// Per slice and group: n, Σ w, mean on 0–100.
    n: Vec<Vec<u64>>,
    weight: Vec<Vec<f64>>,
    mean: Vec<Vec<f64>>,
    /// Σ w (y − mean)² on 0–100, where the slice has it.
    squares: Vec<Option<Vec<f64>>>,
}

/// A slice as the reader sees it: atoms that every shown and known number treats alike form a class, of which only the sum counts.
struct View {
    slice: usize,
    /// All means taken as the middle of the scale: what the table's structure alone protects.
    typical: bool,
    /// Per atom; atoms without answers have none.
    class_of: Vec<Option<usize>>,
    classes: Vec<Class>,
}

/// Shown groups as bits, and known numbers with their coefficient per weight.
type Signature = (Vec<u64>, Vec<(usize, u64)>);

struct Class {
    /// Shown groups that contain it, as bits.
    shown: Vec<u64>,
    /// Known numbers that contain it, with the coefficient per weight.
    terms: Vec<(usize, u64)>,
    total: Piece,
}

impl Class {
    fn groups(&self) -> impl Iterator<Item = usize> {
        let bits = |(word, bits): (usize, &u64)| {
            let bits = *bits;
            (0..64).filter(move |b| bits >> b & 1 == 1).map(move |b| word * 64 + b)
        };
        self.shown.iter().enumerate().flat_map(bits)
    }

    fn is_free(&self) -> bool {
        self.terms.is_empty() && self.shown.iter().all(|word| *word == 0)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    weight: f64,
    /// Σ w·y, y on 0–100.
    sum: f64,
}

impl Piece {
    fn add(&mut self, other: Self) {
        self.weight += other.weight;
        self.sum += other.sum;
    }
}

impl<'a> Task<'a> {
    fn new(groups: &'a [Group], slices: &'a [Slice], known: &'a [Known], rules: &'a Rules) -> Self {
        let atoms = slices.iter().map(|s| s.atoms.len()).max().unwrap_or_default();
        let mut groups_of = vec![vec![0; groups.len().div_ceil(64)]; atoms];
        for (g, group) in groups.iter().enumerate() {
            for atom in &group.atoms {
                groups_of[*atom][g / 64] |= 1 << (g % 64);
            }
        }
        let mut task =
            Self { groups, slices, known, rules, groups_of, n: vec![], weight: vec![], mean: vec![], squares: vec![] };
        for slice in slices {
            let over =
                |g: &Group, value: fn(&Atom) -> f64| g.atoms.iter().map(|a| value(&slice.atoms[*a])).sum::<f64>();
            let weights: Vec<f64> = groups.iter().map(|g| over(g, |a| a.weight)).collect();
            let mean = |(g, weight): (&Group, &f64)| {
                if *weight > 0.0 { task.hundred(slice, over(g, |a| a.sum) / weight) } else { 0.0 }
            };
            let means = groups.iter().zip(&weights).map(mean).collect();
            let [from, to] = slice.range;
            let squares = |(g, weight): (&Group, &f64)| {
                let sum = over(g, |a| a.sum);
                let about_zero = over(g, |a| a.sum_sq);
                let spread = if *weight > 0.0 { about_zero - sum * sum / weight } else { 0.0 };
                spread.max(0.0) * 1e4 / (to - from).powi(2)
            };
            let known = slice.atoms.iter().any(|a| a.sum_sq > 0.0);
            task.squares.push(known.then(|| groups.iter().zip(&weights).map(squares).collect()));
            task.n.push(groups.iter().map(|g| g.atoms.iter().map(|a| slice.atoms[*a].n).sum()).collect());
            task.mean.push(means);
            task.weight.push(weights);
        }
        task
    }

    /// A value on 0–100.
    fn hundred(&self, slice: &Slice, value: f64) -> f64 {
        100.0 * (value - slice.range[0]) / (slice.range[1] - slice.range[0])
    }

    fn in_units(&self, slice: usize, group: usize, lower: f64, upper: f64) -> Audit {
        let [from, to] = self.slices[slice].range;
        let unit = |v: f64| from + v / 100.0 * (to - from);
        Audit { slice, group, lower: unit(lower), upper: unit(upper) }
    }

    /// Per slice and group: may this figure not be shown for its own sake?
    fn primary(&self) -> Vec<Vec<bool>> {
        self.slices
            .iter()
            .enumerate()
            .map(|(s, slice)| (0..self.groups.len()).map(|g| self.is_primary(s, slice, g)).collect())
            .collect()
    }

    fn is_primary(&self, s: usize, slice: &Slice, g: usize) -> bool {
        let n = self.n[s][g];
        if n == 0 || self.rules.min_n == 0 {
            return false;
        }
        let frame: u64 = self.groups[g].atoms.iter().map(|a| slice.atoms[*a].frame).sum();
        // At an end of the scale everybody answered alike, be it a share or a mean.
        let end = self.mean[s][g] <= SLACK || self.mean[s][g] >= 100.0 - SLACK;
        n < self.rules.min_n || (n < SMALL && (n == frame || end))
    }

    fn state(&self, s: usize, g: usize, hidden: bool, primary: bool) -> State {
        let n = self.n[s][g];
        if self.rules.min_n > 0 && (n == 0 || primary) {
            State::Hidden
        } else if hidden {
            State::HiddenSecondary
        } else if n < UNCERTAIN {
            State::Uncertain
        } else {
            State::Shown
        }
    }

    /// Answers lost by hiding a group everywhere.
    fn cost(&self, g: usize) -> u64 {
        self.n.iter().map(|n| n[g]).sum()
    }

    /// The total goes last: what everybody asks for is worth more than any breakdown.
    fn is_total(&self, g: usize) -> bool {
        self.groups[g].domain == TOTAL
    }

    /// Order in which groups are given up.
    fn rank(&self, g: usize) -> (bool, u64, usize) {
        (self.is_total(g), self.cost(g), g)
    }

    /// Judges every hidden mean there is.
    fn audits(&self, hidden: &[bool], interval: impl Fn(&View, usize) -> (f64, f64)) -> Vec<Audit> {
        let mut audits = Vec::new();
        for slice in 0..self.slices.len() {
            let view = self.view(slice, hidden, false);
            for group in (0..hidden.len()).filter(|g| hidden[*g] && self.n[slice][*g] > 0) {
                let (lower, upper) = interval(&view, group);
                audits.push(self.in_units(slice, group, lower, upper));
            }
        }
        audits
    }

    fn is_wide(&self, (lower, upper): (f64, f64)) -> bool {
        upper - lower >= 100.0 * self.rules.width - SLACK
    }

    /// A feasible interval: the quick one where it suffices.
    fn feasible(&self, view: &View, group: usize, hidden: &[bool]) -> (f64, f64) {
        let spread = if view.typical { (0.0, 100.0) } else { self.spread(view.slice, group, hidden) };
        let within = |(lower, upper): (f64, f64)| (lower.max(spread.0), upper.min(spread.1));
        let inner = self.inner(view, group);
        if self.is_wide(within(inner)) || !self.is_wide(spread) {
            return within(inner);
        }
        within(self.exact(view, group, hidden).unwrap_or(inner))
    }

    /// Limits from n, mean and SE of shown groups around: a part of weight k in a group of weight W whose squares sum to T lies within
    /// √(T (W − k) / (k W)) of the group's mean.
    fn spread(&self, slice: usize, group: usize, hidden: &[bool]) -> (f64, f64) {
        let mut limits = (0.0_f64, 100.0_f64);
        let Some(squares) = &self.squares[slice] else { return limits };
        let atoms = self.groups[group].atoms.iter().filter(|a| self.slices[slice].atoms[**a].n > 0);
        let around = atoms.fold(vec![u64::MAX; self.groups.len().div_ceil(64)], |mask, atom| {
            mask.iter().zip(&self.groups_of[*atom]).map(|(a, b)| a & b).collect()
        });
        let part = self.weight[slice][group];
        for g in (0..self.groups.len()).filter(|g| around[g / 64] >> (g % 64) & 1 == 1) {
            let whole = self.weight[slice][g];
            if self.shown(slice, g, hidden) && self.n[slice][g] >= UNCERTAIN && self.n[slice][g] > self.n[slice][group]
            {
                let away = (squares[g] * (whole - part) / (part * whole)).sqrt();
                limits = (limits.0.max(self.mean[slice][g] - away), limits.1.min(self.mean[slice][g] + away));
            }
        }
        limits
    }

    fn is_narrow(&self, view: &View, group: usize, hidden: &[bool]) -> bool {
        !self.is_wide(self.feasible(view, group, hidden))
    }

    /// Does the mean of everybody lie in the outer fifths of the scale?
    fn is_extreme(&self, slice: usize) -> bool {
        let atoms = &self.slices[slice].atoms;
        let (weight, sum) = atoms.iter().fold((0.0, 0.0), |(w, s), a| (w + a.weight, s + a.sum));
        let mean = if weight > 0.0 { self.hundred(&self.slices[slice], sum / weight) } else { MIDDLE };
        (mean - MIDDLE).abs() > 30.0
    }

    fn shown(&self, slice: usize, group: usize, hidden: &[bool]) -> bool {
        !hidden[group] && self.n[slice][group] > 0
    }

    fn known_now(&self, hidden: &[bool]) -> impl Iterator<Item = (usize, &'a Known)> {
        let shown: Vec<bool> = self.known.iter().map(|k| k.group.is_none_or(|g| !hidden[g])).collect();
        self.known.iter().enumerate().filter(move |(k, _)| shown[*k])
    }

    fn view(&self, slice: usize, hidden: &[bool], typical: bool) -> View {
        let atoms = &self.slices[slice].atoms;
        let mut terms: BTreeMap<usize, Vec<(usize, u64)>> = BTreeMap::new();
        for (k, known) in self.known_now(hidden) {
            for (s, atom, coefficient) in &known.terms {
                if *s == slice && atoms[*atom].weight > 0.0 {
                    terms.entry(*atom).or_default().push((k, (coefficient / atoms[*atom].weight).to_bits()));
                }
            }
        }
        let mut mask = vec![0_u64; self.groups.len().div_ceil(64)];
        (0..self.groups.len()).filter(|g| self.shown(slice, *g, hidden)).for_each(|g| mask[g / 64] |= 1 << (g % 64));
        let mut known: HashMap<Signature, usize> = HashMap::new();
        let mut classes: Vec<Class> = Vec::new();
        // Classes are numbered as their first atoms come, so the order does not depend on the map's.
        let class_of = (0..atoms.len())
            .map(|index| {
                let piece = self.piece(slice, index, typical)?;
                let shown: Vec<u64> = self.groups_of[index].iter().zip(&mask).map(|(of, mask)| of & mask).collect();
                let terms = terms.remove(&index).unwrap_or_default();
                let class = *known.entry((shown, terms)).or_insert_with_key(|(shown, terms)| {
                    classes.push(Class { shown: shown.clone(), terms: terms.clone(), total: Piece::default() });
                    classes.len() - 1
                });
                classes[class].total.add(piece);
                Some(class)
            })
            .collect();
        View { slice, typical, class_of, classes }
    }

    /// Weight and sum of an atom that has answers.
    fn piece(&self, slice: usize, atom: usize, typical: bool) -> Option<Piece> {
        let Atom { weight, sum, .. } = self.slices[slice].atoms[atom];
        let mean = |sum: f64| if typical { MIDDLE } else { self.hundred(&self.slices[slice], sum / weight) };
        (weight > 0.0).then(|| Piece { weight, sum: weight * mean(sum) })
    }

    /// What of each class lies in the group.
    fn inside(&self, view: &View, group: usize) -> Vec<Piece> {
        let mut inside = vec![Piece::default(); view.classes.len()];
        for atom in &self.groups[group].atoms {
            if let (Some(class), Some(piece)) = (view.class_of[*atom], self.piece(view.slice, *atom, view.typical)) {
                inside[class].add(piece);
            }
        }
        inside
    }

    /// An interval that is feasible for certain: the atoms of a class trade their values among themselves.
    fn inner(&self, view: &View, group: usize) -> (f64, f64) {
        let (mut lower, mut upper) = (0.0, 0.0);
        for (class, inside) in view.classes.iter().zip(self.inside(view, group)) {
            let full = 100.0 * inside.weight;
            if class.is_free() {
                upper += full;
            } else {
                lower += (class.total.sum - 100.0 * (class.total.weight - inside.weight)).max(0.0).min(inside.sum);
                upper += class.total.sum.min(full).max(inside.sum);
            }
        }
        let weight = self.weight[view.slice][group];
        (lower / weight, upper / weight)
    }

    /// Half of the last printed place, on 0–100.
    fn half_place(&self, slice: usize, group: usize) -> f64 {
        if !self.rules.rounded {
            return 0.0;
        }
        let span = self.slices[slice].range[1] - self.slices[slice].range[0];
        let place = if self.n[slice][group] < UNCERTAIN { 1.0 } else { 0.1 };
        let place = if self.slices[slice].share || span <= 2.0 {
            place / 100.0
        } else if span < 50.0 {
            place / 10.0
        } else {
            place
        };
        0.5 * place / span * 100.0
    }

    /// The full feasible interval. `None` when the solver gives up.
    fn exact(&self, view: &View, group: usize, hidden: &[bool]) -> Option<(f64, f64)> {
        // Slices that known numbers tie together are solved together.
        let mut tied = BTreeSet::from([view.slice]);
        loop {
            let before = tied.len();
            for (_, known) in self.known_now(hidden) {
                if known.terms.iter().any(|t| tied.contains(&t.0)) {
                    tied.extend(known.terms.iter().map(|t| t.0));
                }
            }
            if tied.len() == before {
                break;
            }
        }
        let others: Vec<View> =
            tied.into_iter().filter(|s| *s != view.slice).map(|s| self.view(s, hidden, view.typical)).collect();
        let lower = self.extreme(view, group, &others, OptimizationDirection::Minimize)?;
        let upper = self.extreme(view, group, &others, OptimizationDirection::Maximize)?;
        Some((lower.max(0.0), upper.min(100.0)))
    }

    fn extreme(&self, view: &View, group: usize, others: &[View], direction: OptimizationDirection) -> Option<f64> {
        let mut equations =
            Equations { problem: Problem::new(direction), rows: BTreeMap::new(), known: BTreeMap::new() };
        for (class, inside) in view.classes.iter().zip(self.inside(view, group)) {
            let gain = inside.weight / self.weight[view.slice][group];
            equations.add(self, view.slice, class, inside.weight, gain);
            equations.add(self, view.slice, class, class.total.weight - inside.weight, 0.0);
        }
        for other in others {
            other.classes.iter().for_each(|class| equations.add(self, other.slice, class, class.total.weight, 0.0));
        }
        for ((s, g), row) in core::mem::take(&mut equations.rows) {
            let mean = if view.typical { MIDDLE } else { self.mean[s][g] };
            let half = self.half_place(s, g);
            equations.limit(row, mean - half, mean + half);
        }
        for (k, (row, constant, middle)) in core::mem::take(&mut equations.known) {
            let Known { lower, upper, .. } = self.known[k];
            let half = (upper - lower) / 2.0;
            if view.typical {
                equations.limit(row, middle - half, middle + half);
            } else {
                equations.limit(row, lower - constant, upper - constant);
            }
        }
        let solution = equations.problem.solve().ok()?.into_solution().ok()?;
        Some(solution.objective())
    }

    /// Shown figures that together pin a hidden mean down, none of them to spare. Empty: not even hiding everything helps.
    fn certificate(&self, slice: usize, group: usize, hidden: &[bool], typical: bool) -> Vec<usize> {
        let mut without = hidden.to_vec();
        let mut shown: Vec<usize> = (0..self.groups.len()).filter(|g| self.shown(slice, *g, hidden)).collect();
        // Figures of other years matter only where known numbers tie the years; then all are candidates.
        if self.known_now(hidden).next().is_some() {
            shown = (0..self.groups.len()).filter(|g| !hidden[*g]).collect();
        } else {
            (0..self.groups.len()).filter(|g| !shown.contains(g)).for_each(|g| without[g] = true);
        }
        // Whole breakdowns first, then one by one, the costly ones first.
        let mut chunks: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        shown.iter().for_each(|g| chunks.entry(&self.groups[*g].domain).or_default().push(*g));
        shown.sort_by_key(|g| std::cmp::Reverse(self.rank(*g)));
        let singles = shown.iter().map(|g| vec![*g]);
        for chunk in chunks.into_values().filter(|c| c.len() > 1).chain(singles) {
            let chunk: Vec<usize> = chunk.into_iter().filter(|g| !without[*g]).collect();
            chunk.iter().for_each(|g| without[*g] = true);
            if !self.is_narrow(&self.view(slice, &without, typical), group, &without) {
                chunk.iter().for_each(|g| without[*g] = false);
            }
        }
        shown.retain(|g| !without[*g]);
        shown
    }

    /// One certificate per hidden group that is too narrow: other slices mostly give the same one. Without those that nothing can
    /// break, and without those of a group hidden for another's sake that the total alone narrows: the total is worth more.
    fn certificates(&self, forced: &[bool], hidden: &[bool]) -> Vec<(usize, Vec<usize>)> {
        let only_total: Vec<bool> = (0..hidden.len()).map(|g| hidden[g] || !self.is_total(g)).collect();
        let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for slice in 0..self.slices.len() {
            let views = [false, true].map(|typical| self.view(slice, hidden, typical));
            for group in (0..hidden.len()).filter(|g| hidden[*g] && self.n[slice][*g] > 0) {
                let typical = !forced[group] && self.is_extreme(slice);
                if found.contains_key(&group)
                    || !self.is_narrow(&views[usize::from(typical)], group, hidden)
                    || (!forced[group] && self.is_narrow(&self.view(slice, &only_total, typical), group, &only_total))
                {
                    continue;
                }
                let certificate = self.certificate(slice, group, hidden, typical);
                if !certificate.is_empty() {
                    found.insert(group, certificate);
                }
            }
        }
        found.into_iter().collect()
    }

    fn find(&self, primary: &[Vec<bool>]) -> Vec<bool> {
        let forced: Vec<bool> = (0..self.groups.len()).map(|g| primary.iter().any(|p| p[g])).collect();
        let mut hidden = forced.clone();
        let mut cuts: BTreeSet<(usize, Vec<usize>)> = BTreeSet::new();
        let mut exact = self.groups.len() <= MOST_FOR_EXACT;
        loop {
            let now = hidden.clone();
            let before = cuts.len();
            let certificates = self.certificates(&forced, &now);
            if certificates.is_empty() {
                break;
            }
            for (group, certificate) in certificates {
                if exact {
                    cuts.insert((group, certificate));
                } else if !certificate.iter().any(|g| hidden[*g])
                    && let Some(cheapest) = certificate.iter().min_by_key(|g| self.rank(**g))
                {
                    hidden[*cheapest] = true;
                }
            }
            // The solver keeps its cuts to within a tolerance; should that ever lead in a circle, greed leads out.
            exact = exact && cuts.len() > before && cuts.len() <= MOST_CERTIFICATES;
            if exact {
                match self.cheapest(&forced, &cuts) {
                    Some(pattern) => hidden = pattern,
                    None => exact = false,
                }
            }
        }
        if !exact {
            self.give_back(&forced, &mut hidden);
        }
        hidden
    }

    /// The cheapest pattern in which every hidden group's certificates are broken.
    fn cheapest(&self, forced: &[bool], cuts: &BTreeSet<(usize, Vec<usize>)>) -> Option<Vec<bool>> {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let parts = || (0..self.groups.len()).filter(|g| !self.is_total(*g));
        let most = parts().map(|g| self.cost(g)).max().unwrap_or(1).max(1) as f64;
        let all = 1e3 * (1 + parts().count()) as f64;
        let variables: Vec<Variable> = (0..self.groups.len())
            .map(|g| {
                // A figure more is a loss even if thin; the last term makes the choice among equals definite.
                let small = 0.1 + 1e-4 * g as f64 / self.groups.len() as f64;
                let loss = if self.is_total(g) { all } else { 1e3 * self.cost(g) as f64 / most + small };
                problem.add_integer_var(loss, (i32::from(forced[g]), 1))
            })
            .collect();
        for (group, certificate) in cuts {
            let mut row = LinearExpr::empty();
            certificate.iter().for_each(|g| row.add(variables[*g], 1.0));
            row.add(variables[*group], -1.0);
            problem.add_constraint(row, ComparisonOp::Ge, 0.0);
        }
        let solution = problem.solve().ok()?.into_solution().ok()?;
        Some(variables.iter().map(|v| solution.var_value(*v) > 0.5).collect())
    }

    /// Shows again what need not be hidden, the costliest first.
    fn give_back(&self, forced: &[bool], hidden: &mut [bool]) {
        let mut candidates: Vec<usize> = (0..self.groups.len()).filter(|g| hidden[*g] && !forced[*g]).collect();
        candidates.sort_by_key(|g| std::cmp::Reverse(self.rank(*g)));
        for g in candidates {
            hidden[g] = false;
            hidden[g] = !self.certificates(forced, hidden).is_empty();
        }
    }
}

/// A linear programme in the means of pieces.
struct Equations {
    problem: Problem,
    /// Per slice and shown group.
    rows: BTreeMap<(usize, usize), LinearExpr>,
    /// Per known number, with what does not depend on the means, and the rest were all means in the middle.
    known: BTreeMap<usize, (LinearExpr, f64, f64)>,
}

impl Equations {
    /// Adds a piece of a class that weighs `weight`.
    fn add(&mut self, task: &Task<'_>, slice: usize, class: &Class, weight: f64, gain: f64) {
        // What rounding leaves of a class that lies wholly inside or outside.
        if weight <= 1e-9 * class.total.weight {
            return;
        }
        let variable = self.problem.add_var(gain, (0.0, 100.0));
        for g in class.groups() {
            let row = self.rows.entry((slice, g)).or_insert_with(LinearExpr::empty);
            row.add(variable, weight / task.weight[slice][g]);
        }
        let [from, to] = task.slices[slice].range;
        for (k, ratio) in &class.terms {
            let coefficient = f64::from_bits(*ratio) * weight;
            let (row, constant, middle) = self.known.entry(*k).or_insert_with(|| (LinearExpr::empty(), 0.0, 0.0));
            row.add(variable, coefficient * (to - from) / 100.0);
            *constant += coefficient * from;
            *middle += coefficient * (to - from) / 100.0 * MIDDLE;
        }
    }

    fn limit(&mut self, row: LinearExpr, lower: f64, upper: f64) {
        if upper <= lower {
            self.problem.add_constraint(row, ComparisonOp::Eq, lower);
        } else {
            self.problem.add_constraint(row.clone(), ComparisonOp::Ge, lower);
            self.problem.add_constraint(row, ComparisonOp::Le, upper);
        }
    }
}

/// A two-way table of counts with its margins: which cells to hide, and what each hidden count can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountPattern {
    /// Per row and column.
    pub suppressed: Vec<Vec<bool>>,
    /// Per row and column, for hidden cells: the smallest and largest count that agree with what is shown.
    pub feasible: Vec<Vec<Option<[u64; 2]>>>,
    /// Answers in hidden cells.
    pub loss: u64,
}

/// Hides counts from 1 to below the threshold and, at least loss, further cells so that none of them follows from the margins.
///
/// A hidden cell follows exactly when no cycle of hidden cells (alternately along rows and columns) passes through it; without one,
/// the cells that would close a cycle form a cut of which one must be hidden. `None` when the table cannot protect a cell
/// (one row or one column) or the solver gives up.
#[must_use]
pub fn suppress_counts(counts: &[Vec<u64>], threshold: u64) -> Option<CountPattern> {
    let (rows, columns) = (counts.len(), counts.first().map_or(0, Vec::len));
    let cells: Vec<(usize, usize)> = (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).collect();
    let primary: Vec<bool> = cells.iter().map(|(r, c)| (1..threshold).contains(&counts[*r][*c])).collect();
    let mut hidden = primary.clone();
    let mut cuts: BTreeSet<Vec<usize>> = BTreeSet::new();
    loop {
        let before = cuts.len();
        for (p, (row, column)) in cells.iter().enumerate().filter(|(p, _)| primary[*p]) {
            // Rows and columns that hidden cells other than p tie to p's row.
            let mut rows_reached = BTreeSet::from([*row]);
            let mut columns_reached = BTreeSet::new();
            loop {
                let size = rows_reached.len() + columns_reached.len();
                for (_, (r, c)) in cells.iter().enumerate().filter(|(q, _)| hidden[*q] && *q != p) {
                    if rows_reached.contains(r) {
                        columns_reached.insert(*c);
                    }
                    if columns_reached.contains(c) {
                        rows_reached.insert(*r);
                    }
                }
                if rows_reached.len() + columns_reached.len() == size {
                    break;
                }
            }
            if columns_reached.contains(column) {
                continue;
            }
            let crossing = |(q, (r, c)): (usize, &(usize, usize))| {
                (q != p && rows_reached.contains(r) != columns_reached.contains(c)).then_some(q)
            };
            let cut: Vec<usize> = cells.iter().enumerate().filter_map(crossing).collect();
            if cut.is_empty() {
                return None;
            }
            cuts.insert(cut);
        }
        if cuts.len() == before {
            break;
        }
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let variables: Vec<Variable> = cells
            .iter()
            .zip(&primary)
            .map(|((r, c), primary)| problem.add_integer_var(counts[*r][*c] as f64 + 1e-4, (i32::from(*primary), 1)))
            .collect();
        for cut in &cuts {
            let mut row = LinearExpr::empty();
            cut.iter().for_each(|q| row.add(variables[*q], 1.0));
            problem.add_constraint(row, ComparisonOp::Ge, 1.0);
        }
        let solution = problem.solve().ok()?.into_solution().ok()?;
        hidden = variables.iter().map(|v| solution.var_value(*v) > 0.5).collect();
    }
    let suppressed: Vec<Vec<bool>> = hidden.chunks(columns.max(1)).map(<[bool]>::to_vec).collect();
    let loss = cells.iter().zip(&hidden).filter(|(_, h)| **h).map(|((r, c), _)| counts[*r][*c]).sum();
    let feasible = feasible_counts(counts, &suppressed)?;
    Some(CountPattern { suppressed, feasible, loss })
}

/// What each hidden count can be, all margins known.
#[must_use]
pub fn feasible_counts(counts: &[Vec<u64>], suppressed: &[Vec<bool>]) -> Option<Vec<Vec<Option<[u64; 2]>>>> {
    let columns = counts.first().map_or(0, Vec::len);
    let extreme = |row: usize, column: usize, direction: OptimizationDirection| {
        let mut problem = Problem::new(direction);
        let mut row_sums: BTreeMap<usize, (LinearExpr, u64)> = BTreeMap::new();
        let mut column_sums: BTreeMap<usize, (LinearExpr, u64)> = BTreeMap::new();
        for (r, line) in counts.iter().enumerate() {
            for (c, count) in line.iter().enumerate().filter(|(c, _)| suppressed[r][*c]) {
                let gain = if (r, c) == (row, column) { 1.0 } else { 0.0 };
                let variable = problem.add_var(gain, (0.0, f64::INFINITY));
                for sum in [row_sums.entry(r), column_sums.entry(c)] {
                    let (expression, total) = sum.or_insert_with(|| (LinearExpr::empty(), 0));
                    expression.add(variable, 1.0);
                    *total += count;
                }
            }
        }
        for (expression, total) in row_sums.into_values().chain(column_sums.into_values()) {
            problem.add_constraint(expression, ComparisonOp::Eq, total as f64);
        }
        // Margins of a two-way table are totally unimodular: the extremes are whole numbers.
        problem.solve().ok()?.into_solution().ok().map(|s| s.objective().round() as u64)
    };
    (0..counts.len())
        .map(|r| {
            (0..columns)
                .map(|c| {
                    if !suppressed[r][c] {
                        return Some(None);
                    }
                    let lower = extreme(r, c, OptimizationDirection::Minimize)?;
                    let upper = extreme(r, c, OptimizationDirection::Maximize)?;
                    Some(Some([lower, upper]))
                })
                .collect()
        })
        .collect()
}
