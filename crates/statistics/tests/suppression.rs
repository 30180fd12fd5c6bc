//! What a determined reader can find out: the reference patterns of counts, and attacks on hidden means.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data fails")]
use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::results::State;
use statistics::suppress::{
    Atom, Group, Known, Pattern, Rules, Slice, audit, feasible_counts, suppress, suppress_also, suppress_counts,
};

fn reference(name: &str) -> Option<Vec<Vec<String>>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/statistics").join(name);
    if !path.is_file() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    let mut reader = csv::Reader::from_path(path).unwrap();
    Some(reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect())
}

#[test]
fn counts_are_hidden_at_the_least_loss_and_the_audit_is_the_reference() {
    let Some(summary) = reference("expected_suppression.csv") else { return };
    for line in summary {
        let (year, threshold) = (&line[0], &line[1]);
        let cells = reference(&format!("expected_suppression_{year}_T{threshold}.csv")).unwrap();
        let number = |text: &str| text.parse::<u64>().unwrap();
        let counts: Vec<Vec<u64>> = cells.chunks(4).map(|row| row.iter().map(|c| number(&c[2])).collect()).collect();
        let pattern = suppress_counts(&counts, number(threshold)).unwrap();
        let flat: Vec<bool> = pattern.suppressed.concat();
        let total = flat.iter().filter(|h| **h).count() as u64;
        assert_eq!(pattern.loss, number(&line[5]), "{year} T{threshold}: loss");
        assert_eq!(total, number(&line[2]) + number(&line[4]), "{year} T{threshold}: cells");
        // The audit of the reference's own pattern.
        let suppressed: Vec<Vec<bool>> = cells.chunks(4).map(|row| row.iter().map(|c| c[4] == "1").collect()).collect();
        let feasible = feasible_counts(&counts, &suppressed).unwrap().concat();
        for (cell, feasible) in cells.iter().zip(feasible) {
            let expected = (!cell[5].is_empty()).then(|| [number(&cell[5]), number(&cell[6])]);
            assert_eq!(feasible, expected, "{year} T{threshold} {} {}", cell[0], cell[1]);
        }
    }
}

/// A table of atoms rows × columns with its margins and total; `values` are (n, mean) per atom, weights 3 per answer.
struct Table {
    groups: Vec<Group>,
    slices: Vec<Slice>,
}

fn table(rows: usize, columns: usize, cells_too: bool) -> Table {
    let mut groups = vec![Group { domain: "total".into(), group: "all".into(), atoms: (0..rows * columns).collect() }];
    for r in 0..rows {
        groups.push(Group {
            domain: "sector".into(),
            group: format!("S{r}"),
            atoms: (0..columns).map(|c| r * columns + c).collect(),
        });
    }
    for c in 0..columns {
        groups.push(Group {
            domain: "size".into(),
            group: format!("{c}"),
            atoms: (0..rows).map(|r| r * columns + c).collect(),
        });
    }
    if cells_too {
        for atom in 0..rows * columns {
            groups.push(Group {
                domain: "sector,size".into(),
                group: format!("S{}|{}", atom / columns, atom % columns),
                atoms: vec![atom],
            });
        }
    }
    Table { groups, slices: Vec::new() }
}

impl Table {
    fn slice(mut self, year: i32, values: &[(u64, f64)]) -> Self {
        let atoms = values
            .iter()
            .enumerate()
            .map(|(i, (n, mean))| {
                let weight = *n as f64 * (2.0 + (i % 3) as f64);
                Atom { n: *n, frame: n * 4, weight, sum: weight * mean, sum_sq: 0.0 }
            })
            .collect();
        self.slices.push(Slice { indicator: "nki".into(), year, range: [0.0, 100.0], share: false, atoms });
        self
    }

    fn suppress(&self, known: &[Known]) -> Pattern {
        let rules = Rules::default();
        let pattern = suppress(&self.groups, &self.slices, known, &rules);
        // The promise: whatever is hidden keeps 20 points, and the quick audit never claims more than the full one.
        for (full, quick) in
            audit(&self.groups, &self.slices, known, &rules, &pattern.states).iter().zip(&pattern.audits)
        {
            let primary = (0..self.slices.len()).any(|s| pattern.states[s][full.group] == State::Hidden);
            // Near the end of the scale the total alone narrows large groups: those hidden for another's sake are let be.
            let atoms = &self.slices[full.slice].atoms;
            let mean = atoms.iter().map(|a| a.sum).sum::<f64>() / atoms.iter().map(|a| a.weight).sum::<f64>();
            let strict = primary || (20.0..=80.0).contains(&mean);
            let name = &self.groups[full.group].group;
            assert!(!strict || full.upper - full.lower >= 20.0 - 1e-5, "{name} {full:?}");
            assert!(quick.lower >= full.lower - 1e-5 && quick.upper <= full.upper + 1e-5, "{quick:?} {full:?}");
        }
        pattern
    }

    fn hidden(&self, pattern: &Pattern) -> Vec<String> {
        let of = |g: &usize| format!("{}={}", self.groups[*g].domain, self.groups[*g].group);
        (0..self.groups.len()).filter(|g| pattern.states.iter().any(|s| s[*g].is_hidden())).map(|g| of(&g)).collect()
    }
}

#[test]
fn nothing_is_hidden_where_every_group_has_answers_enough() {
    let t = table(3, 2, false).slice(2025, &[(10, 50.0), (12, 60.0), (9, 40.0), (30, 70.0), (22, 55.0), (11, 45.0)]);
    let pattern = t.suppress(&[]);
    assert!(t.hidden(&pattern).is_empty() && pattern.audits.is_empty() && pattern.loss == 0);
    assert_eq!(pattern.states[0][0], State::Shown);
    // Sector S1 (9 + 30) is shown, and a group of 9 + … below 20 would be marked.
    let t = table(2, 1, false).slice(2025, &[(19, 50.0), (20, 60.0)]);
    assert_eq!(t.suppress(&[]).states[0][1..3], [State::Uncertain, State::Shown]);
}

#[test]
fn the_total_minus_its_siblings_tells_nothing() {
    let t = table(5, 1, false).slice(2025, &[(3, 50.0), (25, 60.0), (40, 40.0), (28, 70.0), (60, 55.0)]);
    let pattern = t.suppress(&[]);
    assert_eq!(pattern.states[0][1], State::Hidden);
    let secondary = pattern.states[0].iter().filter(|s| **s == State::HiddenSecondary).count();
    // One more would leave the other with a width of 100·3/25 points only; the two cheapest protect each other and the size column repeats the total.
    assert_eq!(secondary, 2, "{:?}", t.hidden(&pattern));
    assert_eq!(t.hidden(&pattern), ["sector=S0", "sector=S1", "sector=S3"]);
}

#[test]
fn a_hidden_cell_is_not_found_through_rows_and_columns() {
    let values: Vec<(u64, f64)> =
        (0..12).map(|i| (if i == 4 { 3 } else { 8 + (i * 5) % 13 }, 30.0 + ((i * 17) % 40) as f64)).collect();
    let t = table(4, 3, true).slice(2025, &values);
    let pattern = t.suppress(&[]);
    let hidden = t.hidden(&pattern);
    assert!(hidden.contains(&"sector,size=S1|1".to_owned()));
    assert!(hidden.len() >= 4, "a cycle at least: {hidden:?}");
}

#[test]
fn one_pattern_holds_for_all_years_and_a_missing_group_binds_nobody() {
    let t = table(4, 1, false)
        .slice(2024, &[(3, 50.0), (25, 60.0), (40, 40.0), (26, 70.0)])
        .slice(2025, &[(30, 52.0), (25, 61.0), (40, 44.0), (26, 66.0)])
        .slice(2026, &[(30, 52.0), (25, 61.0), (0, 0.0), (26, 66.0)]);
    let pattern = t.suppress(&[]);
    // S0 is thin in 2024 only, yet 2025 plus the change would tell it.
    assert_eq!((pattern.states[0][1], pattern.states[1][1]), (State::Hidden, State::HiddenSecondary));
    assert_eq!(pattern.states[2][3], State::Hidden, "no answers, nothing to show");
    let alike = |g: usize| pattern.states[0][g].is_hidden() == pattern.states[1][g].is_hidden();
    assert!((0..t.groups.len()).all(alike));
}

#[test]
fn near_the_end_of_the_scale_the_thin_group_is_protected_and_the_total_stays() {
    // Everybody near 96: one hidden neighbour would leave the thin group squeezed against 100.
    let near = [(4, 96.0), (9, 97.0), (30, 95.0), (30, 96.0), (30, 97.0)];
    let t = table(5, 1, false).slice(2025, &near);
    let pattern = t.suppress(&[]);
    assert_eq!(pattern.states[0][0], State::Shown);
    assert!(pattern.states[0][1].is_hidden());
    // A rare share: 2 % in every group. The small groups go, the total and the largest stay.
    let rare = table(6, 1, false).slice(2025, &[(3, 2.0), (12, 2.0), (40, 2.0), (150, 2.0), (180, 2.0), (300, 2.0)]);
    let pattern = rare.suppress(&[]);
    assert_eq!(pattern.states[0][0], State::Shown);
    assert_eq!(pattern.states[0][6], State::Shown, "{:?}", rare.hidden(&pattern));
}

#[test]
fn a_figure_hidden_for_the_callers_reason_gets_its_partners_too() {
    let t = table(4, 1, false).slice(2025, &[(30, 50.0), (25, 60.0), (40, 40.0), (26, 70.0)]);
    let rules = Rules::default();
    let pattern = suppress_also(&t.groups, &t.slices, &[], &rules, &[(0, 2)]);
    assert_eq!(pattern.states[0][2], State::Hidden);
    assert!(pattern.states[0].contains(&State::HiddenSecondary));
    for a in audit(&t.groups, &t.slices, &[], &rules, &pattern.states) {
        assert!(a.upper - a.lower >= 20.0 - 1e-5);
    }
}

#[test]
fn the_primary_rules_cover_census_and_shares_at_the_end() {
    let mut t = table(3, 1, false).slice(2025, &[(7, 1.0), (40, 0.5), (41, 0.4)]);
    t.slices[0].range = [0.0, 1.0];
    t.slices[0].share = true;
    let pattern = suppress(&t.groups, &t.slices, &[], &Rules::default());
    assert_eq!(pattern.states[0][1], State::Hidden, "7 of 7 satisfied");
    t.slices[0].share = false;
    assert_eq!(suppress(&t.groups, &t.slices, &[], &Rules::default()).states[0][1], State::Hidden, "a mean at the top");
    t.slices[0].atoms[0].sum *= 0.5;
    assert_eq!(suppress(&t.groups, &t.slices, &[], &Rules::default()).states[0][1], State::Uncertain);
    t.slices[0].atoms[0].frame = 7;
    assert_eq!(suppress(&t.groups, &t.slices, &[], &Rules::default()).states[0][1], State::Hidden, "all 7 answered");
    let off = suppress(&t.groups, &t.slices, &[], &Rules { min_n: 0, ..Rules::default() });
    assert!(off.states[0].iter().all(|s| !s.is_hidden()));
}

#[test]
fn a_standard_error_too_small_for_its_hidden_part_takes_the_figure_along() {
    // Sector S0 (n 3) lies in size 0; the answers there hardly differ, and n, mean and SE of the size class would place it.
    let mut t = table(6, 2, false).slice(
        2025,
        &[
            (3, 60.0),
            (0, 0.0),
            (9, 60.0),
            (8, 50.0),
            (9, 60.0),
            (8, 20.0),
            (30, 60.0),
            (30, 80.0),
            (25, 60.0),
            (30, 30.0),
            (35, 60.0),
            (31, 70.0),
        ],
    );
    let before = t.suppress(&[]);
    let size = t.groups.iter().position(|g| g.domain == "size" && g.group == "0").unwrap();
    assert_eq!(before.states[0][size], State::Shown);
    for (i, atom) in t.slices[0].atoms.iter_mut().enumerate().filter(|(_, a)| a.weight > 0.0) {
        let mean = atom.sum / atom.weight;
        atom.sum_sq = atom.weight * (mean * mean + if i % 2 == 0 { 0.5 } else { 600.0 });
    }
    let after = t.suppress(&[]);
    assert!(after.states[0][size].is_hidden(), "{:?}", t.hidden(&after));
}

#[test]
fn a_correction_that_moves_a_few_answers_blanks_the_cell() {
    use statistics::suppress::correction_blanks;
    assert!(!correction_blanks(0) && correction_blanks(1) && correction_blanks(4) && !correction_blanks(5));
}

#[test]
fn the_pattern_is_the_same_every_time() {
    let values: Vec<(u64, f64)> = (0..20).map(|i| (2 + (i * 7) % 23, 20.0 + ((i * 29) % 60) as f64)).collect();
    let t = table(5, 4, true).slice(2024, &values).slice(2025, &values);
    assert_eq!(t.suppress(&[]), t.suppress(&[]));
}

#[test]
fn a_level_published_earlier_and_a_change_are_used_against_us() {
    let values = [(4, 50.0), (25, 60.0), (40, 40.0), (26, 70.0), (33, 55.0)];
    let t = table(5, 1, false).slice(2025, &values);
    let free = t.suppress(&[]);
    assert_eq!(t.hidden(&free), ["sector=S0", "sector=S1", "sector=S3"]);
    // An earlier publication printed S1: it protects nothing any more, others must.
    let printed = Known { group: None, terms: vec![(0, 1, 1.0)], lower: 59.95, upper: 60.05 };
    let pattern = t.suppress(&[printed]);
    assert!(pattern.states[0][1].is_hidden() && t.hidden(&pattern).len() >= 3 && t.hidden(&pattern) != t.hidden(&free));
    // A change of the total whose level is recomputed with other weights is a second equation, as long as the total is shown.
    let atoms = &t.slices[0].atoms;
    let other: Vec<f64> =
        atoms.iter().enumerate().map(|(i, a)| a.weight * if i % 2 == 0 { 1.5 } else { 0.8 }).collect();
    let total: f64 = other.iter().sum();
    let level: f64 = other.iter().zip(values).map(|(w, v)| w / total * v.1).sum();
    let recomputed = Known {
        group: Some(0),
        terms: other.iter().enumerate().map(|(atom, w)| (0, atom, w / total)).collect(),
        lower: level - 0.05,
        upper: level + 0.05,
    };
    let pattern = t.suppress(&[recomputed]);
    assert!(pattern.loss > free.loss, "{:?}", t.hidden(&pattern));
}

/// The reader knows N, frame, weights, ends of scale, n, response rates and every number printed with its rounding.
mod attack {
    use super::*;

    /// Two years of 6 sectors × 3 sizes × contact, thin here and there; one answer per business on 1–5, as index.
    struct Town {
        groups: Vec<Group>,
        slices: Vec<Slice>,
        answers: Vec<Vec<Vec<f64>>>,
    }

    fn town() -> Town {
        let atoms = 6 * 3 * 2;
        let split = |atom: usize| (atom / 6, atom / 2 % 3, atom % 2);
        let mut groups = vec![Group { domain: "total".into(), group: "all".into(), atoms: (0..atoms).collect() }];
        let mut add = |domain: &str, group: String, keep: &dyn Fn(usize, usize, usize) -> bool| {
            let atoms = (0..atoms)
                .filter(|a| {
                    let (r, c, k) = split(*a);
                    keep(r, c, k)
                })
                .collect();
            groups.push(Group { domain: domain.into(), group, atoms });
        };
        (0..6).for_each(|r| add("sector", format!("S{r}"), &|a, _, _| a == r));
        (0..3).for_each(|c| add("size", format!("{c}"), &|_, a, _| a == c));
        (0..2).for_each(|k| add("contact", format!("{k}"), &|_, _, a| a == k));
        for r in 0..6 {
            (0..3).for_each(|c| add("sector,size", format!("S{r}|{c}"), &|a, b, _| (a, b) == (r, c)));
        }
        let mut answers = Vec::new();
        let mut slices = Vec::new();
        for year in 0..2_usize {
            let mut of_year = Vec::new();
            let mut list = Vec::new();
            for atom in 0..atoms {
                let (r, c, k) = split(atom);
                let n = match (r, c) {
                    (2, 2) => k,
                    (4, 2) => 1 + k,
                    (5, 1) => 2 - k,
                    _ => 4 + (atom * 7 + year * 3) % 6,
                };
                let values: Vec<f64> =
                    (0..n).map(|i| ((atom * 5 + i * 7 + year * i + i * i * 3) % 5) as f64 * 25.0).collect();
                let weight = 1.5 + r as f64 * 0.3 + c as f64 * 0.2;
                list.push(Atom {
                    n: n as u64,
                    frame: (n as f64 * weight).ceil() as u64 + 1,
                    weight: weight * n as f64,
                    sum: weight * values.iter().sum::<f64>(),
                    sum_sq: weight * values.iter().map(|y| y * y).sum::<f64>(),
                });
                of_year.push(values);
            }
            answers.push(of_year);
            slices.push(Slice {
                indicator: "nki".into(),
                year: 2024 + year as i32,
                range: [0.0, 100.0],
                share: false,
                atoms: list,
            });
        }
        Town { groups, slices, answers }
    }

    #[test]
    fn no_hidden_mean_is_narrowed_below_twenty_points() {
        let town = town();
        let rules = Rules::default();
        // Every change that is printed is printed with the levels' own weights here; corrections repeat the frozen pattern.
        let pattern = suppress(&town.groups, &town.slices, &[], &rules);
        let hidden: Vec<usize> =
            (0..town.groups.len()).filter(|g| pattern.states[0][*g].is_hidden() && town.n(0, *g) > 0).collect();
        let primary = pattern.states.iter().flatten().filter(|s| **s == State::Hidden).count();
        assert!(primary >= 4, "the town has thin cells");
        assert!(hidden.len() < town.groups.len() / 2, "most figures remain: {}", hidden.len());

        // 1. Linear programming over all levels of both years and all breakdowns at once, figures exact (rounded shares × n included).
        let audits = audit(&town.groups, &town.slices, &[], &rules, &pattern.states);
        assert_eq!(audits.len(), hidden.len() * 2);
        for a in &audits {
            assert!(
                a.upper - a.lower >= 20.0 - 1e-5,
                "{} {}: {a:?}",
                town.groups[a.group].domain,
                town.groups[a.group].group
            );
            let mean = town.mean(a.slice, a.group);
            assert!(a.lower - 1e-6 <= mean && mean <= a.upper + 1e-6, "the truth is feasible");
        }

        // 2. A change plus one year: changes are printed for groups shown in both years only, so nothing hidden gains a year.
        for g in 0..town.groups.len() {
            let both = [0, 1].map(|s| !pattern.states[s][g].is_hidden());
            assert!(both[0] == both[1] || town.n(0, g) == 0 || town.n(1, g) == 0);
        }
        let changes: Vec<Known> = (0..town.groups.len())
            .filter(|g| !pattern.states[0][*g].is_hidden())
            .map(|g| {
                let weights = [0, 1].map(|s: usize| -> Vec<(usize, f64)> {
                    town.groups[g].atoms.iter().map(|a| (*a, town.slices[s].atoms[*a].weight)).collect()
                });
                Known::change(g, (0, &weights[0]), (1, &weights[1]), town.mean(1, g) - town.mean(0, g), 0.05)
            })
            .collect();
        for a in audit(&town.groups, &town.slices, &changes, &rules, &pattern.states) {
            assert!(a.upper - a.lower >= 20.0 - 1e-5, "with changes: {a:?}");
        }

        // 3. n + mean + SE of a shown group of 20 or more bound how far a hidden part of it can lie from the rest:
        //    SS ≥ k·m/(k+m)·(difference)², so its mean stays within ± √(SS·m/(k·(k+m))) of the group's.
        for (s, states) in pattern.states.iter().enumerate() {
            for g in (0..town.groups.len()).filter(|g| !states[*g].is_hidden() && town.n(s, *g) >= 20) {
                let inside: Vec<f64> = town.groups[g].atoms.iter().flat_map(|a| town.answers[s][*a].clone()).collect();
                let mean = inside.iter().sum::<f64>() / inside.len() as f64;
                let squares: f64 = inside.iter().map(|y| (y - mean).powi(2)).sum();
                for h in
                    hidden.iter().filter(|h| town.groups[**h].atoms.iter().all(|a| town.groups[g].atoms.contains(a)))
                {
                    let (k, all) = (town.n(s, *h) as f64, inside.len() as f64);
                    if k > 0.0 && k < all {
                        assert!(2.0 * (squares * (all - k) / (k * all)).sqrt() >= 20.0);
                    }
                }
            }
        }

        // 4. A correction that adds one answer to a hidden cell is not printed again: the frozen levels stand, and against the old pattern
        //    the new data would show the difference. With the old levels known for good, a new suppression keeps its promise or shows less.
        let mut later = town.slices.clone();
        later[1].atoms[0].n += 1;
        later[1].atoms[0].weight += 2.0;
        later[1].atoms[0].sum += 2.0 * 100.0;
        later[1].atoms[0].sum_sq += 2.0 * 100.0 * 100.0;
        let again = suppress(&town.groups, &later, &[], &rules);
        for a in audit(&town.groups, &later, &[], &rules, &again.states) {
            assert!(a.upper - a.lower >= 20.0 - 1e-5);
        }
    }

    #[test]
    fn without_secondary_suppression_the_attack_succeeds() {
        // The same town with the primary rule alone: the audit must catch it, or it proves nothing.
        let town = town();
        let rules = Rules::default();
        let states: Vec<Vec<State>> = (0..2)
            .map(|s| {
                (0..town.groups.len())
                    .map(|g| if (1..5).contains(&town.n(s, g)) { State::Hidden } else { State::Shown })
                    .collect()
            })
            .collect();
        let audits = audit(&town.groups, &town.slices, &[], &rules, &states);
        assert!(audits.iter().any(|a| a.upper - a.lower < 1.0));
    }

    #[test]
    fn a_filter_of_fewer_businesses_is_part_of_the_set() {
        // Contact = yes within each sector as a further table: sector minus "contact yes" would give "contact no".
        let mut town = town();
        for r in 0..6 {
            let atoms = (0..36).filter(|a| a / 6 == r && a % 2 == 1).collect();
            town.groups.push(Group { domain: "sector,contact".into(), group: format!("S{r}|1"), atoms });
            let atoms = (0..36).filter(|a| a / 6 == r && a % 2 == 0).collect();
            town.groups.push(Group { domain: "sector,contact".into(), group: format!("S{r}|0"), atoms });
        }
        let rules = Rules { min_n: 12, ..Rules::default() };
        let pattern = suppress(&town.groups, &town.slices, &[], &rules);
        for a in audit(&town.groups, &town.slices, &[], &rules, &pattern.states) {
            assert!(a.upper - a.lower >= 20.0 - 1e-5, "{a:?}");
        }
        let shown: BTreeMap<&str, usize> =
            town.groups.iter().zip(&pattern.states[0]).filter(|(_, s)| !s.is_hidden()).fold(
                BTreeMap::new(),
                |mut m, (g, _)| {
                    *m.entry(g.domain.as_str()).or_default() += 1;
                    m
                },
            );
        println!("{shown:?}");
        assert_eq!(shown["total"], 1);
    }

    impl Town {
        fn n(&self, slice: usize, group: usize) -> u64 {
            self.groups[group].atoms.iter().map(|a| self.slices[slice].atoms[*a].n).sum()
        }

        fn mean(&self, slice: usize, group: usize) -> f64 {
            let of = |value: fn(&Atom) -> f64| {
                self.groups[group].atoms.iter().map(|a| value(&self.slices[slice].atoms[*a])).sum::<f64>()
            };
            of(|a| a.sum) / of(|a| a.weight)
        }
    }
}
