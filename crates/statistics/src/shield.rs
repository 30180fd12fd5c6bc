//! What may be shown of many linked tables at once, where linear programmes would be too many: pairs of breakdowns (§ 6).
//!
//! [`suppress`](crate::suppress) decides exactly for a publication's few tables. Explore serves some four hundred groups, all of them linked.
//! Here a hidden mean is shown to be safe by a *certificate*: two sets of values that agree with every figure shown and in which the
//! hidden mean differs by at least a fifth of the scale. They lie on a line through an inner point of what is possible, in the
//! direction that moves the hidden mean most and no shown figure at all: one factorisation per slice and a few sums per
//! hidden group. A group that is hidden for another's sake only, or because of another year, has answers enough for its own mean to be no
//! secret; it must merely not follow from what is shown (`LEAST`). What has no certificate is not shown to be safe, so a figure next to it goes, the pairs of breakdowns first. The
//! reader is taken to know what [`suppress`](crate::suppress) says, every figure exactly.
use std::cell::OnceCell;

use crate::matrix::{Factor, Matrix};
use crate::suppress::{Group, Rules, SMALL, Slice, UNCERTAIN};
use domain::results::TOTAL;

/// Values are brought this far inside the scale, in hundredths of it, so that there is room on both sides.
const INNER: f64 = 3.0;
/// Rounds of bringing values inside the scale and back to the figures shown.
const ROUNDS: usize = 60;
/// Columns whose rest is smaller depend on the others.
const DEPENDENT: f64 = 1e-9;
/// A figure with at least this part in what pins a hidden mean down may be given up for it.
const PART: f64 = 0.05;
/// What a mean that is hidden for another's sake must be able to vary by, in hundredths of the scale.
const LEAST: f64 = 2.0;
/// Slack of the width against rounding.
const SLACK: f64 = 1e-6;

/// A further number that the reader knows: the mean of a group under other weights, per atom as multiples of the usual ones, to within
/// half its last place.
#[derive(Debug, Clone, PartialEq)]
pub struct Reweighted {
    /// (atom, multiple).
    pub ratios: Vec<(usize, f64)>,
    /// Half of the last place printed, in hundredths of the scale.
    pub half: f64,
}

/// A slice with the businesses of the frame per group.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// The slice.
    pub slice: Slice,
    /// Per group; 0 where the frame does not know the group.
    pub frame: Vec<u64>,
}

/// May this figure not be shown for its own sake? The rule of [`suppress`](crate::suppress).
fn is_primary(plane: &Plane, group: usize, members: &Group, rules: &Rules) -> bool {
    let (n, weight, sum) = members.atoms.iter().fold((0, 0.0, 0.0), |(n, w, s), a| {
        let atom = &plane.slice.atoms[*a];
        (n + atom.n, w + atom.weight, s + atom.sum)
    });
    if n == 0 || rules.min_n == 0 {
        return false;
    }
    let [from, to] = plane.slice.range;
    let mean = if weight > 0.0 { 100.0 * (sum / weight - from) / (to - from) } else { 0.0 };
    let end = mean <= SLACK || mean >= 100.0 - SLACK;
    n < rules.min_n || (n < SMALL && (n == plane.frame[group] || end))
}

/// Finds which groups stay hidden, in all slices alike: those of `fixed`, those hidden for their own sake, and what would give these away.
#[must_use]
pub fn hide(groups: &[Group], planes: &[Plane], fixed: &[bool], rules: &Rules) -> Vec<bool> {
    if rules.min_n == 0 {
        return vec![false; groups.len()];
    }
    let own: Vec<bool> = groups
        .iter()
        .enumerate()
        .map(|(g, group)| planes.iter().any(|plane| is_primary(plane, g, group, rules)))
        .collect();
    let mut hidden: Vec<bool> = own.iter().zip(fixed).map(|(own, fixed)| *own || *fixed).collect();
    let cost: Vec<u64> =
        groups.iter().map(|g| planes.iter().flat_map(|p| g.atoms.iter().map(|a| p.slice.atoms[*a].n)).sum()).collect();
    // Pairs of breakdowns go first, the total never; among the others what pins most for the fewest answers.
    let worth = |(g, part): &(usize, f64)| part * part / (cost[*g] + 1) as f64;
    let is_pair = |g: usize| groups[g].domain.contains(',');
    let mut unsafe_in: Vec<Vec<usize>> = vec![(0..groups.len()).filter(|g| hidden[*g]).collect(); planes.len()];
    loop {
        let mut given_up: Vec<usize> = Vec::new();
        for (plane, waiting) in planes.iter().zip(&mut unsafe_in).filter(|(_, waiting)| !waiting.is_empty()) {
            let view = View::new(groups, plane, &hidden);
            waiting.retain(|g| {
                let outcome = view.judge(*g, is_primary(plane, *g, &groups[*g], rules), &[]);
                if outcome.enough(rules) {
                    return false;
                }
                let pins = view.pins(&outcome);
                if pins.iter().any(|(p, _)| given_up.contains(p)) {
                    return true;
                }
                let pins = pins.iter().filter(|(p, _)| groups[*p].domain != TOTAL);
                let next = pins.max_by(|a, b| {
                    is_pair(a.0).cmp(&is_pair(b.0)).then(worth(a).total_cmp(&worth(b))).then(b.0.cmp(&a.0))
                });
                // Nothing but the total narrows it: that is let be, as in a publication.
                let Some((next, _)) = next else { return false };
                given_up.push(*next);
                true
            });
        }
        if given_up.is_empty() {
            return hidden;
        }
        for g in given_up {
            hidden[g] = true;
            unsafe_in.iter_mut().for_each(|waiting| {
                if !waiting.contains(&g) {
                    waiting.push(g);
                }
            });
        }
    }
}

/// Do the figures shown and these further numbers leave every hidden mean of the slice its width? Only means that they narrow count:
/// what is narrow without them is not their doing. A mean may move along its certificate as far as no further number shows it.
#[must_use]
pub fn leaves_room(groups: &[Group], plane: &Plane, hidden: &[bool], more: &[Reweighted], rules: &Rules) -> bool {
    let view = View::new(groups, plane, hidden);
    (0..groups.len()).filter(|g| hidden[*g]).all(|g| {
        let own = is_primary(plane, g, &groups[g], rules);
        view.judge(g, own, more).enough(rules) || !view.judge(g, own, &[]).enough(rules)
    })
}

/// How wide the certificate of every group is that is hidden for its own sake, in hundredths of the scale.
#[must_use]
pub fn widths(groups: &[Group], plane: &Plane, hidden: &[bool], rules: &Rules) -> Vec<(usize, f64)> {
    let view = View::new(groups, plane, hidden);
    let own = |g: &usize| hidden[*g] && is_primary(plane, *g, &groups[*g], rules);
    (0..groups.len()).filter(own).map(|g| (g, view.judge(g, true, &[]).width)).collect()
}

struct Outcome {
    /// Hidden for its own sake.
    own: bool,
    width: f64,
    /// Its part in every equation, and its weight.
    right: Vec<f64>,
    total: f64,
}

impl Outcome {
    fn enough(&self, rules: &Rules) -> bool {
        self.width >= if self.own { 100.0 * rules.width - SLACK } else { LEAST }
    }
}

/// The equations in which an atom stands.
type Equations = Vec<usize>;

/// A slice as the reader sees it.
struct View<'a> {
    groups: &'a [Group],
    plane: &'a Plane,
    hidden: &'a [bool],
    /// Shown groups with answers: one equation each.
    shown: Vec<usize>,
    equations: usize,
    /// Per atom with answers.
    of_atom: Vec<Equations>,
    /// An inner point of what is possible, and its normal equations.
    values: Vec<f64>,
    inner: Factor,
    /// The same with all values in the middle: what the tables' structure alone protects.
    middle: Factor,
    leaning: OnceCell<Factor>,
}

impl<'a> View<'a> {
    fn new(groups: &'a [Group], plane: &'a Plane, hidden: &'a [bool]) -> Self {
        let atoms = &plane.slice.atoms;
        let with_answers = |g: &usize| groups[*g].atoms.iter().any(|a| atoms[*a].weight > 0.0);
        let mut shown: Vec<usize> = (0..groups.len()).filter(|g| !hidden[*g]).filter(with_answers).collect();
        // Equations that depend on others before them drop out: the broad ones come first.
        shown.sort_by_key(|g| (groups[*g].domain.matches(',').count(), usize::from(groups[*g].domain != TOTAL), *g));
        let mut of_atom: Vec<Equations> = vec![Vec::new(); atoms.len()];
        for (e, g) in shown.iter().enumerate() {
            groups[*g].atoms.iter().filter(|a| atoms[**a].weight > 0.0).for_each(|a| of_atom[*a].push(e));
        }
        let equations = shown.len();
        let middle = Factor::new(&normal(equations, &of_atom, |a| atoms[a].weight), DEPENDENT);
        let mut view = Self {
            groups,
            plane,
            hidden,
            shown,
            equations,
            of_atom,
            values: Vec::new(),
            inner: middle.clone(),
            middle,
            leaning: OnceCell::new(),
        };
        view.values = view.inner_point();
        let room = view.room();
        let gram = normal(equations, &view.of_atom, |a| atoms[a].weight * room[a] * room[a]);
        view.inner = Factor::new(&gram, DEPENDENT);
        view
    }

    fn hundred(&self, value: f64) -> f64 {
        let [from, to] = self.plane.slice.range;
        100.0 * (value - from) / (to - from)
    }

    fn active(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.of_atom.len()).filter(|a| self.plane.slice.atoms[*a].weight > 0.0)
    }

    /// Values that agree with all figures and lie well inside the scale, as far as there are such.
    fn inner_point(&self) -> Vec<f64> {
        let atoms = &self.plane.slice.atoms;
        let mut truth = vec![50.0; atoms.len()];
        self.active().for_each(|a| truth[a] = self.hundred(atoms[a].sum / atoms[a].weight).clamp(0.0, 100.0));
        let (weight, sum) =
            self.active().fold((0.0, 0.0), |(w, s), a| (w + atoms[a].weight, s + atoms[a].weight * truth[a]));
        if weight <= 0.0 {
            return truth;
        }
        let mut values = vec![sum / weight; atoms.len()];
        for _ in 0..ROUNDS {
            self.agree(&mut values, &truth);
            let outside = |a: usize| values[a] < INNER * 0.5 || values[a] > 100.0 - INNER * 0.5;
            if !self.active().any(outside) {
                return values;
            }
            values.iter_mut().for_each(|v| *v = v.clamp(INNER, 100.0 - INNER));
        }
        self.agree(&mut values, &truth);
        // Between these and the true values, which agree too, as far as all are on the scale.
        let mut part = 0.0_f64;
        for a in self.active() {
            let bound = values[a].clamp(0.0, 100.0);
            if (bound - values[a]).abs() > 1e-9 {
                let away = truth[a] - values[a];
                part = part.max(if away.abs() > 1e-12 { ((bound - values[a]) / away).clamp(0.0, 1.0) } else { 1.0 });
            }
        }
        for a in self.active() {
            values[a] = (values[a] + part * (truth[a] - values[a])).clamp(0.0, 100.0);
        }
        values
    }

    /// The nearest values that agree with all figures as the true ones do.
    fn agree(&self, values: &mut [f64], truth: &[f64]) {
        let atoms = &self.plane.slice.atoms;
        let mut right = vec![0.0; self.equations];
        for a in self.active() {
            let gap = atoms[a].weight * (truth[a] - values[a]);
            self.of_atom[a].iter().for_each(|e| right[*e] += gap);
        }
        let effects = self.middle.solve(&right);
        for a in self.active() {
            values[a] += self.of_atom[a].iter().map(|e| effects[*e]).sum::<f64>();
        }
    }

    /// Per atom how near the middle of the scale it is: 1 in the middle, 0 at an end.
    fn room(&self) -> Vec<f64> {
        self.values.iter().map(|v| (v.min(100.0 - v) / 50.0).max(0.0)).collect()
    }

    /// A group hidden for its own sake must be safe as its values are; one hidden for another's by the tables' structure.
    fn judge(&self, group: usize, own: bool, more: &[Reweighted]) -> Outcome {
        let atoms = &self.plane.slice.atoms;
        let members: Vec<usize> = self.groups[group].atoms.iter().copied().filter(|a| atoms[*a].weight > 0.0).collect();
        let total: f64 = members.iter().map(|a| atoms[*a].weight).sum();
        if members.is_empty() || total <= 0.0 {
            return Outcome { own, width: 100.0, right: vec![0.0; self.equations], total };
        }
        let (room, factor) = if own { (self.room(), &self.inner) } else { (vec![1.0; atoms.len()], &self.middle) };
        let value = |a: usize| if own { self.values[a] } else { 50.0 };
        let mut right = vec![0.0; self.equations];
        for a in &members {
            let part = atoms[*a].weight * room[*a] * room[*a] / total;
            self.of_atom[*a].iter().for_each(|e| right[*e] += part);
        }
        let effects = factor.solve(&right);
        let mut way = vec![0.0; atoms.len()];
        members.iter().for_each(|a| way[*a] = 1.0 / total);
        let (mut up, mut down, mut gain) = (f64::INFINITY, f64::INFINITY, 0.0);
        for a in self.active() {
            let known: f64 = self.of_atom[a].iter().map(|e| effects[*e]).sum();
            way[a] = room[a] * room[a] * (way[a] - known);
            // What is left of nothing but rounding.
            if way[a].abs() * total <= 1e-12 {
                way[a] = 0.0;
                continue;
            }
            let (to_top, to_bottom) = (100.0 - value(a), value(a));
            let (rise, fall) = if way[a] > 0.0 { (to_top, to_bottom) } else { (to_bottom, to_top) };
            up = up.min(rise / way[a].abs());
            down = down.min(fall / way[a].abs());
        }
        for known in more {
            let of = |value: &dyn Fn(usize) -> f64| -> f64 {
                known.ratios.iter().map(|(a, ratio)| ratio * atoms[*a].weight * value(*a)).sum()
            };
            let (weight, moved) = (of(&|_| 1.0), of(&|a| way[a]).abs());
            if moved > 1e-12 * weight / total {
                let far = known.half * weight / moved;
                (up, down) = (up.min(far), down.min(far));
            }
        }
        members.iter().for_each(|a| gain += atoms[*a].weight * way[*a] / total);
        let here: f64 = members.iter().map(|a| atoms[*a].weight * value(*a)).sum::<f64>() / total;
        let (mut low, mut high) = (here, here);
        if gain > 0.0 && up.is_finite() && down.is_finite() {
            (low, high) = ((here - down * gain).max(0.0), (here + up * gain).min(100.0));
        }
        if own {
            let spread = self.spread(group, total);
            (low, high) = (low.max(spread.0), high.min(spread.1));
        }
        Outcome { own, width: high - low, right, total }
    }

    /// Shown groups that pin a mean down, each with its part in that. Equations depend on one another, so there are many ways to work it
    /// out; this is the one of all that leans least on any single figure, so that what every way needs stands out.
    fn pins(&self, outcome: &Outcome) -> Vec<(usize, f64)> {
        let leaning = self.leaning.get_or_init(|| {
            let mut gram = normal(self.equations, &self.of_atom, |a| self.plane.slice.atoms[a].weight);
            let most = (0..self.equations).map(|e| gram[(e, e)]).fold(0.0, f64::max);
            (0..self.equations).for_each(|e| gram[(e, e)] += 1e-6 * most);
            Factor::new(&gram, 0.0)
        });
        let effects = leaning.solve(&outcome.right);
        let pin = |(e, g): (usize, &usize)| {
            let part = (effects[e] * outcome.total).abs();
            (part > PART).then_some((*g, part))
        };
        self.shown.iter().enumerate().filter_map(pin).collect()
    }

    /// Limits from n, mean and standard error of the shown groups around, as in [`suppress`](crate::suppress).
    fn spread(&self, group: usize, part: f64) -> (f64, f64) {
        let atoms = &self.plane.slice.atoms;
        let [from, to] = self.plane.slice.range;
        let unit = 1e4 / (to - from).powi(2);
        let mut limits = (0.0_f64, 100.0_f64);
        let Some(first) = self.groups[group].atoms.iter().find(|a| atoms[**a].weight > 0.0) else { return limits };
        let around = self.of_atom[*first].iter().filter_map(|e| self.shown.get(*e));
        for g in around.filter(|g| !self.hidden[**g]) {
            let inside = |a: &usize| atoms[*a].weight <= 0.0 || self.groups[*g].atoms.binary_search(a).is_ok();
            let of = |value: fn(&crate::suppress::Atom) -> f64| {
                self.groups[*g].atoms.iter().map(|a| value(&atoms[*a])).sum::<f64>()
            };
            let n: u64 = self.groups[*g].atoms.iter().map(|a| atoms[*a].n).sum();
            if n < UNCERTAIN || !self.groups[group].atoms.iter().all(inside) {
                continue;
            }
            let (whole, sum, squares) = (of(|a| a.weight), of(|a| a.sum), of(|a| a.sum_sq));
            if whole <= part || squares <= 0.0 {
                continue;
            }
            let squares = (squares - sum * sum / whole).max(0.0) * unit;
            let away = (squares * (whole - part) / (part * whole)).sqrt();
            let mean = self.hundred(sum / whole);
            limits = (limits.0.max(mean - away), limits.1.min(mean + away));
        }
        limits
    }
}

/// The normal equations of the effects of the equations, atoms weighted by `weight`.
fn normal(equations: usize, of_atom: &[Equations], weight: impl Fn(usize) -> f64) -> Matrix {
    let mut gram = Matrix::zeros(equations, equations);
    for (atom, list) in of_atom.iter().enumerate() {
        let weight = weight(atom);
        for r in list {
            list.iter().for_each(|c| gram[(*r, *c)] += weight);
        }
    }
    gram
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suppress::Atom;

    /// A table of rows × columns with its margins and total; answers per cell.
    fn table(counts: &[&[u64]], mean: impl Fn(usize, usize) -> f64) -> (Vec<Group>, Plane) {
        let (rows, columns) = (counts.len(), counts[0].len());
        let at = |r: usize, c: usize| r * columns + c;
        let group = |domain: &str, group: String, atoms: Vec<usize>| Group { domain: domain.into(), group, atoms };
        let mut groups = vec![group(TOTAL, "all".into(), (0..rows * columns).collect())];
        for r in 0..rows {
            groups.push(group("a", format!("{r}"), (0..columns).map(|c| at(r, c)).collect()));
        }
        for c in 0..columns {
            groups.push(group("b", format!("{c}"), (0..rows).map(|r| at(r, c)).collect()));
        }
        for r in 0..rows {
            groups.extend((0..columns).map(|c| group("a,b", format!("{r}{c}"), vec![at(r, c)])));
        }
        let atom = |r: usize, c: usize| {
            let (n, y) = (counts[r][c], mean(r, c));
            let weight = 2.0 * n as f64;
            Atom { n, frame: 3 * n, weight, sum: weight * y, sum_sq: 0.0 }
        };
        let atoms = (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).map(|(r, c)| atom(r, c)).collect();
        let slice = Slice { indicator: "x".into(), year: 2026, range: [0.0, 100.0], share: false, atoms };
        let frame = vec![0; groups.len()];
        (groups, Plane { slice, frame })
    }

    fn cells<'g>(groups: &'g [Group], hidden: &[bool]) -> Vec<&'g str> {
        groups.iter().zip(hidden).filter(|(_, h)| **h).map(|(g, _)| g.group.as_str()).collect()
    }

    #[test]
    fn one_thin_cell_takes_a_rectangle_with_it_and_no_margin() {
        let (groups, plane) =
            table(&[&[3, 20, 30], &[20, 40, 50], &[30, 50, 60]], |r, c| 40.0 + 5.0 * r as f64 + 3.0 * c as f64);
        let hidden = hide(&groups, std::slice::from_ref(&plane), &vec![false; groups.len()], &Rules::default());
        let gone = cells(&groups, &hidden);
        assert!(gone.contains(&"00"), "{gone:?}");
        assert!(gone.iter().all(|g| g.len() == 2), "margins stay: {gone:?}");
        assert!((4..=6).contains(&gone.len()), "{gone:?}");
        let (_, least) = widths(&groups, &plane, &hidden, &Rules::default())
            .into_iter()
            .find(|(g, _)| groups[*g].group == "00")
            .unwrap();
        assert!(least >= 20.0, "{least}");
    }

    #[test]
    fn the_exact_audit_finds_at_least_the_width_of_the_certificate() {
        let (groups, plane) =
            table(&[&[2, 9, 8, 30], &[12, 3, 7, 50], &[9, 9, 25, 21]], |r, c| 30.0 + 11.0 * r as f64 + 5.0 * c as f64);
        let rules = Rules::default();
        let hidden = hide(&groups, std::slice::from_ref(&plane), &vec![false; groups.len()], &rules);
        let states = vec![
            hidden
                .iter()
                .map(|h| if *h { domain::results::State::Hidden } else { domain::results::State::Shown })
                .collect::<Vec<_>>(),
        ];
        let exact = crate::suppress::audit(&groups, std::slice::from_ref(&plane.slice), &[], &rules, &states);
        let found = widths(&groups, &plane, &hidden, &rules);
        assert_eq!(found.len(), 2);
        for (group, width) in &found {
            let audit = exact.iter().find(|audit| audit.group == *group).unwrap();
            assert!(
                *width >= 20.0 && audit.upper - audit.lower >= width - 1e-6,
                "{}: {audit:?} {width}",
                groups[*group].group
            );
        }
    }

    #[test]
    fn a_level_under_other_weights_tells_more() {
        // Two cells of one row, hidden: known are their mean under two sets of weights, and so both.
        let (groups, plane) = table(&[&[4, 4, 30], &[30, 30, 30]], |_, _| 50.0);
        let hidden: Vec<bool> = groups.iter().map(|g| ["00", "01", "10", "11"].contains(&g.group.as_str())).collect();
        let rules = Rules::default();
        assert!(leaves_room(&groups, &plane, &hidden, &[], &rules));
        let more = Reweighted { ratios: vec![(0, 1.0), (1, 3.0), (2, 1.0)], half: 0.05 };
        assert!(!leaves_room(&groups, &plane, &hidden, std::slice::from_ref(&more), &rules));
        // Printed so coarsely that nobody sees the difference.
        assert!(leaves_room(&groups, &plane, &hidden, &[Reweighted { half: 30.0, ..more }], &rules));
    }

    #[test]
    fn without_a_threshold_nothing_is_hidden() {
        let (groups, plane) = table(&[&[1, 1], &[1, 1]], |_, _| 50.0);
        let hidden = hide(&groups, &[plane], &[true; 9], &Rules { min_n: 0, ..Rules::default() });
        assert!(hidden.iter().all(|h| !h));
    }
}
