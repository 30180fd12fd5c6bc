//! The closed list of tables that explore serves: the total, each breakdown, each pair of breakdowns, suppressed as one set (§ 6).
//!
//! A caller gives the atoms (combinations of all breakdowns) with sums per indicator; everything follows by algebra: [`Tables::family`]
//! decides once per family of indicators what may be shown, [`Tables::estimates`] and [`Tables::changes`] give one table's figures.
use std::collections::{BTreeMap, BTreeSet};

use domain::results::{ALL, Estimate, State, TOTAL, Verdict};

use crate::shield::{self, Plane, Reweighted};
use crate::suppress::{Atom, Group, Rules, Slice, UNCERTAIN, suppress};
use crate::{
    Adjustment, CellSums, Change, Design, DesignError, Figure, Judgement, Link, Options, Overlap, OverlapSums, Pairs,
    Scale, Sums, Year, change, judge,
};

/// A breakdown: its name and its groups in reading order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// `sector`, `size`, …
    pub name: String,
    /// Keys of its groups.
    pub groups: Vec<String>,
    /// The frame knows it: a group's businesses can be counted.
    pub of_frame: bool,
}

/// Who is counted, over all years.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    /// The years, ascending, with their weighting cells.
    pub years: Vec<Year>,
    /// The breakdowns.
    pub axes: Vec<Axis>,
    /// Per atom its group on every axis; `None`: in none.
    pub atoms: Vec<Vec<Option<usize>>>,
    /// Per year and atom its weighting cell; `None` where the year has none such.
    pub cells: Vec<Vec<Option<usize>>>,
    /// Per year: (group on every axis that the frame knows, businesses).
    pub frame: Vec<Vec<(Vec<Option<usize>>, u64)>>,
    /// Per pair of years the businesses they share.
    pub links: BTreeMap<(usize, usize), Link>,
}

/// n, Σy, Σy² of an atom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tally {
    /// Index of the atom.
    pub atom: usize,
    /// Answers.
    pub n: u64,
    /// Σ y.
    pub sum: f64,
    /// Σ y².
    pub sum_sq: f64,
}

/// The sums of those that answered in both years, by atom of each; cells are not used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairTally {
    /// Atom in the earlier year.
    pub from: usize,
    /// Atom in the later year.
    pub to: usize,
    /// The sums.
    pub sums: OverlapSums,
}

/// An indicator with its sums.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Its id.
    pub id: String,
    /// Its scale.
    pub scale: Scale,
    /// Everybody of the frame is asked.
    pub everybody: bool,
    /// Per year; `None`: not asked, or not valid yet.
    pub years: Vec<Option<YearTally>>,
    /// Per pair of years.
    pub pairs: BTreeMap<(usize, usize), Vec<PairTally>>,
    /// Pairs of years that a break parts.
    pub broken: BTreeSet<(usize, usize)>,
}

/// An indicator's sums of a year.
#[derive(Debug, Clone, PartialEq)]
pub struct YearTally {
    /// By atom; atoms without an answer are left out.
    pub tallies: Vec<Tally>,
    /// Blanks by weighting cell.
    pub blanks: Vec<u64>,
}

/// What may be shown of a family of indicators.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Per group: hidden wherever it has answers.
    hidden: Vec<bool>,
    /// Per indicator (by id) and pair of years: groups whose change is withheld.
    withheld: BTreeMap<(String, (usize, usize)), BTreeSet<usize>>,
}

impl Pattern {
    /// Nothing is hidden but what has too few answers; for comparisons that show no figure.
    #[must_use]
    pub fn open(groups: usize) -> Self {
        Self { hidden: vec![false; groups], withheld: BTreeMap::new() }
    }
}

/// A figure of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Year, by position.
    pub year: usize,
    /// Group, by position in [`Tables::groups`].
    pub group: usize,
    /// Businesses in the frame, where the frame knows the breakdown.
    pub n_frame: Option<u64>,
    /// The estimate; nothing but n when hidden.
    pub estimate: Estimate,
    /// May it be shown?
    pub state: State,
}

/// A change of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// Group.
    pub group: usize,
    /// Answers in the earlier and later year and in both.
    pub n: [u64; 3],
    /// The change; `None` when hidden or across a break.
    pub change: Option<Change>,
    /// What is said of it.
    pub judgement: Judgement,
}

struct Step {
    designs: Vec<Design>,
    reweighted: bool,
}

/// The tables of a population.
pub struct Tables {
    population: Population,
    rules: Rules,
    designs: Vec<Design>,
    steps: BTreeMap<(usize, usize), Step>,
    groups: Vec<Group>,
    /// Per group its axes and the group on each.
    places: Vec<Vec<(usize, usize)>>,
    /// Per group and year: businesses in the frame.
    frames: Vec<Vec<Option<u64>>>,
}

/// A group with its reweighted cells in either year.
type Sides = (usize, [Option<Reweighted>; 2]);

impl Tables {
    /// Weights every year and every pair of years, and lists the groups.
    ///
    /// # Errors
    /// When a year cannot be weighted.
    pub fn new(population: Population, options: &Options, rules: Rules) -> Result<Self, DesignError> {
        let designs =
            population.years.iter().map(|year| Design::single(year, options)).collect::<Result<Vec<_>, _>>()?;
        let mut steps = BTreeMap::new();
        for (from, to) in population.links.keys().copied() {
            let built = Design::build(&[&population.years[from], &population.years[to]], options)?;
            let reweighted = [from, to].iter().zip(&built).any(|(year, design)| {
                let cells = 0..population.years[*year].cells.len();
                cells.into_iter().any(|cell| design.weight(cell) != designs[*year].weight(cell))
            });
            steps.insert((from, to), Step { designs: built, reweighted });
        }
        let mut places: Vec<Vec<(usize, usize)>> = vec![Vec::new()];
        for (a, axis) in population.axes.iter().enumerate() {
            places.extend((0..axis.groups.len()).map(|g| vec![(a, g)]));
        }
        for (a, one) in population.axes.iter().enumerate() {
            for (b, other) in population.axes.iter().enumerate().skip(a + 1) {
                for g in 0..one.groups.len() {
                    places.extend((0..other.groups.len()).map(|h| vec![(a, g), (b, h)]));
                }
            }
        }
        let inside = |key: &[Option<usize>], place: &[(usize, usize)]| place.iter().all(|(a, g)| key[*a] == Some(*g));
        let group = |place: &Vec<(usize, usize)>| {
            let atoms = (0..population.atoms.len()).filter(|a| inside(&population.atoms[*a], place)).collect();
            let name = |parts: Vec<&str>, otherwise: &str| {
                if parts.is_empty() { otherwise.to_owned() } else { parts.join(",") }
            };
            let axes = place.iter().map(|(a, _)| population.axes[*a].name.as_str()).collect();
            let keys = place.iter().map(|(a, g)| population.axes[*a].groups[*g].as_str()).collect();
            Group { domain: name(axes, TOTAL), group: name(keys, ALL), atoms }
        };
        let groups: Vec<Group> = places.iter().map(group).collect();
        let frames = places
            .iter()
            .map(|place| {
                let known = place.iter().all(|(a, _)| population.axes[*a].of_frame);
                let count = |rows: &Vec<(Vec<Option<usize>>, u64)>| {
                    let of = rows.iter().filter(|(key, _)| inside(key, place)).map(|(_, n)| n).sum();
                    known.then_some(of)
                };
                population.frame.iter().map(count).collect()
            })
            .collect();
        Ok(Self { population, rules, designs, steps, groups, places, frames })
    }

    /// Every group of every table; [`Tables::place`] says where it stands.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The axes of a group and its group on each; empty: the total.
    #[must_use]
    pub fn place(&self, group: usize) -> &[(usize, usize)] {
        &self.places[group]
    }

    /// The population.
    #[must_use]
    pub const fn population(&self) -> &Population {
        &self.population
    }

    /// The groups of the table with these axes, in order.
    #[must_use]
    pub fn table(&self, axes: &[usize]) -> Vec<usize> {
        let is = |g: &usize| {
            let place = &self.places[*g];
            place.len() == axes.len() && place.iter().zip(axes).all(|((a, _), axis)| a == axis)
        };
        (0..self.groups.len()).filter(is).collect()
    }

    /// Businesses of a group in a year's frame.
    #[must_use]
    pub fn frame(&self, group: usize, year: usize) -> Option<u64> {
        self.frames[group][year]
    }

    /// The designs, one a year.
    #[must_use]
    pub fn designs(&self) -> &[Design] {
        &self.designs
    }

    fn plane(&self, measured: &Measured, year: usize, tally: &YearTally) -> Plane {
        let mut atoms = vec![Atom::default(); self.population.atoms.len()];
        for t in &tally.tallies {
            let cell = self.population.cells[year][t.atom];
            let weight = cell.and_then(|c| self.designs[year].weight(c)).unwrap_or(0.0);
            let atom = &mut atoms[t.atom];
            atom.n += t.n;
            atom.weight += weight * t.n as f64;
            atom.sum += weight * t.sum;
            atom.sum_sq += weight * t.sum_sq;
        }
        let slice = Slice {
            indicator: measured.id.clone(),
            year: self.population.years[year].year,
            range: [measured.scale.lower, measured.scale.upper],
            share: measured.scale.share,
            atoms,
        };
        // Of a base that answers define, the frame knows nothing; it must not look as if everybody had been asked.
        let frame = |g: usize| if measured.everybody { self.frames[g][year].unwrap_or(0) } else { 0 };
        Plane { slice, frame: (0..self.groups.len()).map(frame).collect() }
    }

    /// Decides what may be shown of a family of indicators, in all years and tables alike.
    ///
    /// The tables of a publication (the axes `published`) are decided as a publication decides them, so that explore never shows what
    /// a publication must hide.
    #[must_use]
    pub fn family(&self, family: &[&Measured], published: &[usize]) -> Pattern {
        let mut planes = Vec::new();
        for measured in family {
            for (year, tally) in measured.years.iter().enumerate() {
                if let Some(tally) = tally {
                    planes.push((measured.id.as_str(), year, self.plane(measured, year, tally)));
                }
            }
        }
        let mut fixed = vec![false; self.groups.len()];
        if planes.is_empty() || self.rules.min_n == 0 {
            return Pattern { hidden: fixed, withheld: BTreeMap::new() };
        }
        self.as_published(family, &planes, published, &mut fixed);
        let bare: Vec<Plane> = planes.iter().map(|(_, _, plane)| plane.clone()).collect();
        let hidden = shield::hide(&self.groups, &bare, &fixed, &self.rules);
        let mut withheld = BTreeMap::new();
        for measured in family {
            for (step, built) in self.steps.iter().filter(|(_, s)| s.reweighted) {
                let of = |year: usize| planes.iter().find(|(id, y, _)| *id == measured.id && *y == year).map(|p| &p.2);
                if let (Some(from), Some(to)) = (of(step.0), of(step.1)) {
                    let gone = self.withheld(built, [(step.0, from), (step.1, to)], &hidden);
                    withheld.insert((measured.id.clone(), *step), gone);
                }
            }
        }
        Pattern { hidden, withheld }
    }

    /// Hides what the suppression of a publication hides in the total and the published breakdowns.
    fn as_published(
        &self,
        family: &[&Measured],
        planes: &[(&str, usize, Plane)],
        published: &[usize],
        fixed: &mut [bool],
    ) {
        let mut known: BTreeMap<Vec<Option<usize>>, usize> = BTreeMap::new();
        let key = |atom: &Vec<Option<usize>>| published.iter().map(|a| atom[*a]).collect::<Vec<_>>();
        let of_atom: Vec<usize> = self
            .population
            .atoms
            .iter()
            .map(|atom| {
                let next = known.len();
                *known.entry(key(atom)).or_insert(next)
            })
            .collect();
        for year in &self.population.frame {
            for (profile, _) in year {
                let next = known.len();
                known.entry(key(profile)).or_insert(next);
            }
        }
        let wanted: Vec<usize> = (0..self.groups.len())
            .filter(|g| {
                self.places[*g].is_empty() || (self.places[*g].len() == 1 && published.contains(&self.places[*g][0].0))
            })
            .collect();
        let groups: Vec<Group> = wanted
            .iter()
            .map(|g| {
                let place = &self.places[*g];
                let inside = |key: &Vec<Option<usize>>| {
                    place
                        .iter()
                        .all(|(a, g)| published.iter().position(|p| p == a).is_some_and(|at| key[at] == Some(*g)))
                };
                let atoms = known.iter().filter(|(key, _)| inside(key)).map(|(_, at)| *at).collect();
                Group { atoms, ..self.groups[*g].clone() }
            })
            .collect();
        let slices: Vec<Slice> = planes
            .iter()
            .map(|(id, year, plane)| {
                let mut atoms = vec![Atom::default(); known.len()];
                for (from, at) in plane.slice.atoms.iter().zip(&of_atom) {
                    let into = &mut atoms[*at];
                    into.n += from.n;
                    into.weight += from.weight;
                    into.sum += from.sum;
                    into.sum_sq += from.sum_sq;
                }
                if family.iter().any(|m| m.id == *id && m.everybody) {
                    for (profile, n) in &self.population.frame[*year] {
                        atoms[known[&key(profile)]].frame += n;
                    }
                }
                Slice { atoms, ..plane.slice.clone() }
            })
            .collect();
        let pattern = suppress(&groups, &slices, &[], &self.rules);
        for (at, g) in wanted.iter().enumerate() {
            let with_answers = |s: &usize| groups[at].atoms.iter().any(|a| slices[*s].atoms[*a].n > 0);
            fixed[*g] = (0..slices.len()).filter(with_answers).any(|s| pattern.states[s][at].is_hidden());
        }
    }

    /// Which changes between two years would narrow a hidden mean: their levels are recomputed with one collapse for both years, so
    /// that they are further equations. Rather a change than a level. Those of pairs of breakdowns are withheld where the weights differ.
    fn withheld(&self, step: &Step, planes: [(usize, &Plane); 2], hidden: &[bool]) -> BTreeSet<usize> {
        let mut gone = BTreeSet::new();
        let mut told: [Vec<Reweighted>; 2] = [Vec::new(), Vec::new()];
        let mut tiers: BTreeMap<Vec<usize>, Vec<Sides>> = BTreeMap::new();
        for (g, group) in self.groups.iter().enumerate().filter(|(g, _)| !hidden[*g]) {
            let sides = [0, 1].map(|side| {
                let (year, plane) = planes[side];
                let ratio = |a: &usize| {
                    let cell = self.population.cells[year][*a]?;
                    let (own, pair) = (self.designs[year].weight(cell)?, step.designs[side].weight(cell)?);
                    (plane.slice.atoms[*a].n > 0).then_some((*a, pair / own))
                };
                let ratios: Vec<(usize, f64)> = group.atoms.iter().filter_map(ratio).collect();
                let first = ratios.first().map_or(1.0, |r| r.1);
                // The same weights but for a factor: the same mean.
                let differs = ratios.iter().any(|(_, r)| (r - first).abs() > 1e-9 * first);
                let n: u64 = group.atoms.iter().map(|a| plane.slice.atoms[*a].n).sum();
                differs.then_some(Reweighted { ratios, half: if n < UNCERTAIN { 0.5 } else { 0.05 } })
            });
            if sides.iter().any(Option::is_some) {
                let axes: Vec<usize> = self.places[g].iter().map(|(a, _)| *a).collect();
                tiers.entry(axes).or_default().push((g, sides));
            }
        }
        // The total first, then breakdown by breakdown.
        for (axes, tier) in tiers {
            let keep = axes.len() < 2 && {
                let more = [0, 1].map(|side| {
                    let of_tier = tier.iter().filter_map(|(_, sides)| sides[side].clone());
                    told[side].iter().cloned().chain(of_tier).collect::<Vec<_>>()
                });
                let room =
                    |side: usize| shield::leaves_room(&self.groups, planes[side].1, hidden, &more[side], &self.rules);
                let keep = room(0) && room(1);
                if keep {
                    told = more;
                }
                keep
            };
            if !keep {
                gone.extend(tier.into_iter().map(|(g, _)| g));
            }
        }
        gone
    }

    fn figure(&self, design: &Design, measured: &Measured, year: usize, group: usize) -> Option<Figure> {
        let tally = measured.years[year].as_ref()?;
        let mut sums: BTreeMap<usize, CellSums> = BTreeMap::new();
        for t in tally.tallies.iter().filter(|t| self.groups[group].atoms.binary_search(&t.atom).is_ok()) {
            let Some(cell) = self.population.cells[year][t.atom] else { continue };
            let into = sums.entry(cell).or_insert_with(|| CellSums::new(cell));
            into.n += t.n;
            into.sum += t.sum;
            into.sum_sq += t.sum_sq;
        }
        let sums: Vec<CellSums> = sums.into_values().collect();
        Some(design.figure(measured.scale, Sums::Businesses(&sums), &tally.blanks))
    }

    /// The figures of one table in every year in which the indicator was asked, unrounded.
    #[must_use]
    pub fn estimates(&self, measured: &Measured, pattern: &Pattern, axes: &[usize]) -> Vec<Level> {
        let mut levels = Vec::new();
        for year in 0..self.population.years.len() {
            for group in self.table(axes) {
                let Some(figure) = self.figure(&self.designs[year], measured, year, group) else { continue };
                let estimate = *figure.estimate();
                let state = self.state(pattern, group, estimate.n);
                let bare = Estimate { value: None, se: None, df: None, interval: None, deff: None, ..estimate };
                let n_frame = self.frames[group][year];
                if n_frame.unwrap_or(estimate.n) == 0 {
                    continue;
                }
                let estimate = if state.is_hidden() { bare } else { estimate };
                levels.push(Level { year, group, n_frame, estimate, state });
            }
        }
        levels
    }

    fn state(&self, pattern: &Pattern, group: usize, n: u64) -> State {
        if self.rules.min_n > 0 && (n < self.rules.min_n.min(SMALLEST) || n == 0) {
            return State::Hidden;
        }
        match (pattern.hidden[group], n) {
            (true, n) if n < self.rules.min_n => State::Hidden,
            (true, _) => State::HiddenSecondary,
            (false, n) if n < UNCERTAIN => State::Uncertain,
            (false, _) => State::Shown,
        }
    }

    /// The changes of one table between two years, judged together: groups with answers in both.
    #[must_use]
    pub fn changes(&self, measured: &Measured, pattern: &Pattern, axes: &[usize], years: (usize, usize)) -> Vec<Shift> {
        let (Some(step), Some(pairs)) = (self.steps.get(&years), measured.pairs.get(&years)) else { return Vec::new() };
        let link = &self.population.links[&years];
        let broken = measured.broken.contains(&years);
        let gone = pattern.withheld.get(&(measured.id.clone(), years));
        let mut found = Vec::new();
        for group in self.table(axes) {
            let figures = (
                self.figure(&step.designs[0], measured, years.0, group),
                self.figure(&step.designs[1], measured, years.1, group),
            );
            let (Some(from), Some(to)) = figures else { continue };
            let sums = self.pairs_of(group, pairs, years);
            let made = change(&from, &to, link, Pairs::Businesses(&sums), Overlap::Own);
            if made.n_from == 0 || made.n_to == 0 {
                continue;
            }
            let hidden = self.state(pattern, group, made.n_from).is_hidden()
                || self.state(pattern, group, made.n_to).is_hidden()
                || gone.is_some_and(|gone| gone.contains(&group));
            found.push((group, made, !hidden && !broken));
        }
        let shown: Vec<Option<Change>> = found.iter().map(|(_, made, shown)| shown.then_some(*made)).collect();
        let judged = judge(&shown, if axes.is_empty() { Adjustment::None } else { Adjustment::BenjaminiHochberg });
        found
            .into_iter()
            .zip(shown)
            .zip(judged)
            .map(|(((group, made, _), change), judgement)| Shift {
                group,
                n: [made.n_from, made.n_to, if change.is_some() { made.n_both } else { 0 }],
                change,
                judgement: if broken { Judgement { p_adjusted: None, verdict: Verdict::Break } } else { judgement },
            })
            .collect()
    }

    /// The sums of those that answered both years by cell: a business that changed group adds to each year in which it was there.
    fn pairs_of(&self, group: usize, pairs: &[PairTally], years: (usize, usize)) -> Vec<OverlapSums> {
        let mut sums: BTreeMap<(usize, usize), OverlapSums> = BTreeMap::new();
        let atoms = &self.groups[group].atoms;
        for pair in pairs {
            let (before, now) = (atoms.binary_search(&pair.from).is_ok(), atoms.binary_search(&pair.to).is_ok());
            let cells = (self.population.cells[years.0][pair.from], self.population.cells[years.1][pair.to]);
            let (true, (Some(a), Some(b))) = (before || now, cells) else { continue };
            sums.entry((a, b)).or_insert_with(|| OverlapSums::new(a, b)).merge(&pair.sums, before, now);
        }
        sums.into_values().collect()
    }

    /// The hidden groups of a pattern.
    #[must_use]
    pub fn hidden(pattern: &Pattern) -> &[bool] {
        &pattern.hidden
    }

    /// The family's planes, for an audit from outside.
    #[must_use]
    pub fn planes(&self, measured: &Measured) -> Vec<Plane> {
        let years = measured.years.iter().enumerate();
        years.filter_map(|(year, tally)| Some(self.plane(measured, year, tally.as_ref()?))).collect()
    }
}

/// A threshold above this is held by the pattern of hidden groups; below it no figure passes in any case.
const SMALLEST: u64 = 5;

/// The headline indicators of two years in the total, judged together.
#[must_use]
pub fn judge_headlines(changes: &[Option<Change>]) -> Vec<Judgement> {
    judge(changes, Adjustment::Holm)
}
