//! Every corner of §§ 2–4, against a row-wise oracle that writes the formulas down literally, and as plain facts.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data fails")]
use std::collections::BTreeMap;

use domain::results::{Estimate, Interval, Verdict};
use proptest::prelude::*;
use statistics::change::{agreed, mode_differs};
use statistics::design::natural_order;
use statistics::distribution::t95;
use statistics::series::{Shared, Target, TargetVerdict, judge_target, pair_of, trend, two_year_mean};
use statistics::{
    Adjustment, Cell, CellSums, Change, ClusterMember, ClusterSums, Design, DesignError, EmployeeOverlapSums,
    EmployeeSums, Figure, Fpc, Link, Linked, Options, Overlap, OverlapSums, Pairs, Scale, Sums, VarianceKind,
    Weighting, Year, change, judge,
};

const INDEX: Scale = Scale::mean(0.0, 100.0);

fn cell(sector: &str, size: &str, frame: u64, answered: u64) -> Cell {
    Cell {
        sector: sector.into(),
        size: size.into(),
        margins: vec![sector.into(), size.into()],
        frame,
        answered,
        invited: None,
    }
}

fn year(year: i32, cells: &[(&str, &str, u64, u64)]) -> Year {
    Year { year, cells: cells.iter().map(|(sector, size, frame, n)| cell(sector, size, *frame, *n)).collect() }
}

fn with(weighting: Weighting) -> Options {
    Options { weighting, ..Options::default() }
}

fn rake() -> Options {
    with(Weighting::Rake { margins: vec!["sector".into(), "size".into()], bounds: None })
}

fn cells_of(min_cell: u64, into: &[(&str, &str)]) -> Options {
    with(Weighting::Cells {
        min_cell,
        collapse_into: into.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
    })
}

fn sums(values: &[(usize, &[f64])]) -> Vec<CellSums> {
    values
        .iter()
        .map(|(cell, values)| {
            let mut sums = CellSums::new(*cell);
            values.iter().for_each(|y| sums.add(*y));
            sums
        })
        .collect()
}

fn figure(design: &Design, scale: Scale, values: &[(usize, &[f64])]) -> Figure {
    design.figure(scale, Sums::Businesses(&sums(values)), &[])
}

#[track_caller]
fn near(actual: Option<f64>, expected: f64) {
    let actual = actual.expect("a number");
    assert!((actual - expected).abs() <= 1e-9 * expected.abs().max(1e-6), "{actual} is not {expected}");
}

fn log(design: &Design) -> Vec<String> {
    design.collapses().iter().map(ToString::to_string).collect()
}

// ---------------------------------------------------------------- § 2 weights

#[test]
fn the_smallest_failing_class_joins_its_next_smaller_and_the_smallest_its_next_larger() {
    let sizes = ["0-1", "2-9", "10-49", "50-199", "200+"].map(str::to_owned).to_vec();
    let thin = year(
        2025,
        &[("A", "10-49", 9, 1), ("A", "2-9", 20, 6), ("A", "0-1", 30, 0), ("A", "200+", 2, 1), ("A", "50-199", 5, 4)],
    );
    let design = Design::single(&thin, &Options { size_order: sizes, ..cells_of(2, &[]) }).unwrap();
    assert_eq!(
        log(&design),
        [
            "2025: sector A, size class 0-1 (0 of 30 answered) joins 2-9",
            "2025: sector A, size class 10-49 (1 of 9 answered) joins 0-1+2-9",
            "2025: sector A, size class 200+ (1 of 2 answered) joins 50-199",
        ]
    );
    near(Some(design.summary().sum), 66.0);
    near(design.weight(1), 59.0 / 7.0);
    near(design.weight(0), 59.0 / 7.0);
    near(design.weight(4), 7.0 / 5.0);
    assert_eq!(design.weight(2), None, "a cell without answers has no weight");
}

#[test]
fn a_census_cell_needs_no_minimum() {
    let design = Design::single(&year(2025, &[("A", "1", 1, 1), ("A", "2", 30, 10)]), &cells_of(5, &[])).unwrap();
    assert!(design.collapses().is_empty());
    near(design.weight(0), 1.0);
}

#[test]
fn a_thin_sector_joins_the_one_its_definition_names_and_starts_again_from_its_classes() {
    let thin = year(2025, &[("A", "1", 5, 1), ("A", "2", 5, 1), ("B", "1", 20, 4), ("B", "2", 20, 6)]);
    let error = Design::single(&thin, &cells_of(5, &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2025: sector A has 2 answers from 10 businesses, fewer than the 5 needed, and its definition names no other sector to join (collapse_into)"
    );
    let design = Design::single(&thin, &cells_of(5, &[("A", "B")])).unwrap();
    // B alone would have had to collapse; together both classes hold.
    assert_eq!(log(&design), ["2025: sector A (2 of 10 answered) joins sector B"]);
    near(design.weight(0), 5.0);
    near(design.weight(1), 25.0 / 7.0);
}

#[test]
fn sectors_that_name_each_other_or_nobody_end_in_an_error_not_in_a_loop() {
    let thin = year(2025, &[("A", "1", 5, 1), ("B", "1", 5, 1)]);
    let error = Design::single(&thin, &cells_of(5, &[("A", "B"), ("B", "A")])).unwrap_err();
    assert!(matches!(&error, DesignError::ThinSector { answered: 2, frame: 10, .. }), "{error}");
    // A chain: A joins B, B (now with A) joins C.
    let chain = year(2025, &[("A", "1", 5, 1), ("B", "1", 5, 1), ("C", "1", 9, 6)]);
    let design = Design::single(&chain, &cells_of(5, &[("A", "B"), ("B", "C")])).unwrap();
    near(design.weight(0), 19.0 / 8.0);
    // The sector named may be absent this year: then its own rule applies.
    let absent = year(2025, &[("A", "1", 5, 1), ("C", "1", 9, 6)]);
    near(Design::single(&absent, &cells_of(5, &[("A", "B"), ("B", "C")])).unwrap().weight(0), 2.0);
}

#[test]
fn two_years_that_would_collapse_differently_get_one_collapse() {
    let first = year(2024, &[("A", "1", 20, 1), ("A", "2", 20, 8), ("A", "3", 20, 8)]);
    let second = year(2025, &[("A", "1", 20, 8), ("A", "2", 20, 8), ("A", "3", 20, 1)]);
    let options = cells_of(2, &[]);
    near(Design::single(&second, &options).unwrap().weight(0), 2.5);
    let both = Design::build(&[&first, &second], &options).unwrap();
    // Class 1 is thin in the first year, class 3 in the second: both years join both.
    for cell in 0..3 {
        near(both[0].weight(cell), 60.0 / 17.0);
        near(both[1].weight(cell), 60.0 / 17.0);
    }
    assert!(
        log(&both[0])[0].starts_with("2024 and 2025: sector A, size class 1 (1 of 20; 8 of 20 answered) joins 2"),
        "{:?}",
        log(&both[0])
    );
    assert_eq!(log(&both[0]), log(&both[1]));
}

#[test]
fn impossible_counts_and_options_name_their_place() {
    let error = Design::single(&year(2025, &[("A", "1", 3, 4)]), &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), "2025: sector A, size class 1: 4 answers from 3 businesses in the frame");
    assert_eq!(
        Design::single(&year(2025, &[("A", "1", 3, 0)]), &Options::default()).unwrap_err(),
        DesignError::NoAnswers { year: 2025 }
    );
    assert_eq!(
        Design::single(&year(2025, &[("A", "1", 9, 4)]), &cells_of(1, &[])).unwrap_err(),
        DesignError::MinCell { given: 1 }
    );
}

#[test]
fn raking_takes_an_empty_interior_cell_but_names_an_empty_category() {
    let hole = year(2025, &[("A", "1", 30, 10), ("A", "2", 10, 0), ("B", "1", 20, 5), ("B", "2", 40, 10)]);
    let design = Design::single(&hole, &rake()).unwrap();
    near(Some(design.summary().sum), 100.0);
    near(design.weight(0).map(|w| w * 10.0), 40.0);
    let empty = year(2025, &[("A", "1", 30, 10), ("A", "2", 10, 0), ("B", "1", 20, 5)]);
    let error = Design::single(&empty, &rake()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2025: margin size: category 2 has 10 businesses in the frame and no answer, so it cannot be raked to"
    );
    // Margins that no weights can meet: A answers only in 1, B only in 2, but the totals contradict.
    let impossible = year(2025, &[("A", "1", 30, 10), ("A", "2", 10, 0), ("B", "1", 30, 0), ("B", "2", 40, 10)]);
    assert!(matches!(Design::single(&impossible, &rake()), Err(DesignError::NotConverged { .. })));
}

#[test]
fn raking_starts_from_the_sample_where_only_some_were_invited() {
    let mut sampled = year(2025, &[("A", "1", 100, 10), ("A", "2", 20, 8), ("B", "1", 50, 9), ("B", "2", 30, 12)]);
    for (cell, invited) in sampled.cells.iter_mut().zip([25, 20, 25, 30]) {
        cell.invited = Some(invited);
    }
    let design = Design::single(&sampled, &rake()).unwrap();
    // Base weights 4, 1, 2, 1: the odds ratio of the base survives raking.
    let w: Vec<f64> = (0..4).map(|c| design.weight(c).unwrap()).collect();
    near(Some(w[0] * w[3] / (w[1] * w[2])), 4.0 * 1.0 / (1.0 * 2.0));
    sampled.cells[0].invited = Some(9);
    assert!(matches!(Design::single(&sampled, &rake()), Err(DesignError::MoreAnswersThanInvited { invited: 9, .. })));
}

#[test]
fn bounded_raking_holds_bounds_and_margins_together() {
    let skewed = year(2025, &[("A", "1", 180, 10), ("A", "2", 20, 18), ("B", "1", 40, 30), ("B", "2", 100, 22)]);
    let free = Design::single(&skewed, &rake()).unwrap();
    let mean = 340.0 / 80.0;
    let upper = 0.95 * free.summary().max / mean;
    let bounds = with(Weighting::Rake { margins: vec!["sector".into(), "size".into()], bounds: Some([0.2, upper]) });
    let bounded = Design::single(&skewed, &bounds).unwrap();
    assert!(bounded.summary().max <= upper * mean + 1e-9 && bounded.summary().max < free.summary().max - 0.1);
    assert!(bounded.summary().margin_error <= 1e-10);
    let impossible = with(Weighting::Rake { margins: vec!["sector".into(), "size".into()], bounds: Some([0.9, 1.1]) });
    assert!(matches!(Design::single(&skewed, &impossible), Err(DesignError::NotConverged { .. })));
}

#[test]
fn classes_follow_the_natural_order() {
    let mut classes = vec!["10-49", "2-9", "200+", "0-1", "50-199", "ukendt"];
    classes.sort_by(|a, b| natural_order(a, b));
    assert_eq!(classes, ["0-1", "2-9", "10-49", "50-199", "200+", "ukendt"]);
}

// ---------------------------------------------------------------- § 3 estimates

#[test]
fn an_empty_domain_has_no_figure_and_one_answer_no_standard_error() {
    let design = Design::single(&year(2025, &[("A", "1", 30, 10), ("B", "1", 30, 10)]), &Options::default()).unwrap();
    let empty = figure(&design, INDEX, &[]);
    assert_eq!(*empty.estimate(), Estimate { n: 0, value: None, se: None, df: None, interval: None, deff: None });
    let one = figure(&design, INDEX, &[(0, &[70.0])]);
    let e = one.estimate();
    assert_eq!((e.n, e.value, e.se, e.df, e.interval, e.deff), (1, Some(70.0), None, Some(0.0), None, None));
    // Two answers in two strata: a standard error, but no degree of freedom left for an interval.
    let two = figure(&design, INDEX, &[(0, &[70.0]), (1, &[30.0])]);
    assert!(two.estimate().se.unwrap() > 0.0 && two.estimate().interval.is_none() && two.estimate().df == Some(0.0));
}

#[test]
fn those_outside_the_domain_stay_with_score_zero() {
    // One stratum, N 40, n 10, domain of 4: by hand. z = 4·(y − 5)/16.
    let design = Design::single(&year(2025, &[("A", "1", 40, 10)]), &Options::default()).unwrap();
    let e = *figure(&design, Scale::mean(1.0, 10.0), &[(0, &[2.0, 4.0, 6.0, 8.0])]).estimate();
    near(e.value, 5.0);
    near(e.se, (0.75 * 10.0 / 9.0 * (20.0 / 16.0_f64)).sqrt());
    assert_eq!(e.df, Some(3.0));
}

#[test]
fn a_unanimous_mean_has_no_interval_whatever_the_rounding() {
    let design = Design::single(&year(2025, &[("A", "1", 30, 7), ("B", "1", 37, 11)]), &Options::default()).unwrap();
    for y in [0.1, 100.0 / 3.0, 61.728_395_061_728_39] {
        let e = *figure(&design, INDEX, &[(0, &[y; 7]), (1, &[y; 11])]).estimate();
        assert_eq!((e.se, e.interval), (Some(0.0), None), "{y}");
    }
}

#[test]
fn a_census_says_so_and_has_neither_error_nor_interval() {
    let design = Design::single(&year(2025, &[("A", "1", 5, 5), ("B", "1", 30, 10)]), &Options::default()).unwrap();
    let census = figure(&design, INDEX, &[(0, &[10.0, 20.0, 30.0, 40.0, 50.0])]);
    assert!(census.is_census());
    assert_eq!((census.estimate().se, census.estimate().interval, census.estimate().deff), (Some(0.0), None, None));
    let share = figure(&design, Scale::SHARE, &[(0, &[1.0; 5])]);
    assert_eq!((share.estimate().value, share.estimate().interval), (Some(1.0), None));
    assert!(!figure(&design, INDEX, &[(1, &[10.0, 20.0])]).is_census());
    // Without correction a census is a sample of what might have been; a census of one keeps a variance.
    let lone = year(2025, &[("A", "1", 1, 1), ("B", "1", 30, 10)]);
    let design = Design::single(&lone, &Options { fpc: Fpc::None, ..Options::default() }).unwrap();
    let b = [20.0, 30.0, 40.0, 50.0, 60.0, 20.0, 30.0, 40.0, 50.0, 60.0];
    let with_lone = *figure(&design, INDEX, &[(0, &[90.0]), (1, &b)]).estimate();
    let mean = (90.0 + 3.0 * 400.0) / 31.0;
    let spread: f64 = b.iter().map(|y| (3.0 * (y - 40.0) / 31.0_f64).powi(2)).sum();
    near(with_lone.se, (((90.0 - mean) / 31.0_f64).powi(2) + 10.0 / 9.0 * spread).sqrt());
}

#[test]
fn shares_of_zero_and_one_have_the_one_sided_bound_and_others_the_logit_interval() {
    let design = Design::single(&year(2025, &[("A", "1", 30, 10), ("B", "1", 60, 10)]), &Options::default()).unwrap();
    let n_eff = 90.0_f64.powi(2) / (10.0 * 9.0 + 10.0 * 36.0);
    let distance = 1.0 - 0.025_f64.powf(1.0 / n_eff);
    let all = *figure(&design, Scale::SHARE, &[(0, &[1.0; 10]), (1, &[1.0; 10])]).estimate();
    assert_eq!((all.value, all.se, all.interval.unwrap().upper), (Some(1.0), Some(0.0), 1.0));
    near(Some(all.interval.unwrap().lower), 1.0 - distance);
    let none = *figure(&design, Scale::SHARE, &[(0, &[0.0; 10]), (1, &[0.0; 10])]).estimate();
    near(Some(none.interval.unwrap().upper), distance);
    let most =
        *figure(&design, Scale::SHARE, &[(0, &[1.0; 10]), (1, &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])])
            .estimate();
    let Interval { lower, upper } = most.interval.unwrap();
    assert!(lower > 0.0 && upper < 1.0 && lower < most.value.unwrap() && most.value.unwrap() < upper);
    // All yes in one stratum, all no in the other: the strata say nothing of variation, so no interval.
    let split = *figure(&design, Scale::SHARE, &[(0, &[1.0; 10]), (1, &[0.0; 10])]).estimate();
    assert_eq!((split.se, split.interval), (Some(0.0), None));
}

#[test]
fn intervals_end_where_the_scale_ends() {
    let design = Design::single(&year(2025, &[("A", "1", 300, 4)]), &Options::default()).unwrap();
    let e = *figure(&design, INDEX, &[(0, &[100.0, 100.0, 90.0, 60.0])]).estimate();
    assert_eq!(e.interval.unwrap().upper, 100.0);
    assert!(e.interval.unwrap().lower > 0.0);
}

#[test]
fn blanks_shrink_the_item_correction_only() {
    let frame = year(2025, &[("A", "1", 20, 10)]);
    let values: [(usize, &[f64]); 1] = [(0, &[10.0, 30.0, 50.0, 20.0, 60.0, 10.0])];
    let of = |fpc| {
        Design::single(&frame, &Options { fpc, ..Options::default() })
            .unwrap()
            .figure(INDEX, Sums::Businesses(&sums(&values)), &[4])
            .estimate()
            .se
            .unwrap()
    };
    let (unit, item, none) = (of(Fpc::Unit), of(Fpc::Item), of(Fpc::None));
    near(Some(unit / none), 0.5_f64.sqrt());
    near(Some(item / none), 0.7_f64.sqrt());
    // A census with blanks is no census of the item.
    let census =
        Design::single(&year(2025, &[("A", "1", 10, 10)]), &Options { fpc: Fpc::Item, ..Options::default() }).unwrap();
    let figure = census.figure(INDEX, Sums::Businesses(&sums(&values)), &[4]);
    assert!(!figure.is_census() && figure.estimate().se.unwrap() > 0.0);
}

// ---------------------------------------------------------------- the oracle

/// A business as a row: in each year its cell, whether it answered, employees, and y where u = 1.
#[derive(Debug, Clone)]
struct Row {
    cells: [Option<usize>; 2],
    answered: [bool; 2],
    employees: [f64; 2],
    y: [Option<f64>; 2],
}

const KEYS: [(&str, &str); 6] = [("A", "1"), ("A", "2"), ("A", "3"), ("B", "1"), ("B", "2"), ("B", "3")];

struct World {
    rows: Vec<Row>,
    years: [Year; 2],
}

fn world(rows: Vec<Row>) -> World {
    let years = [0, 1].map(|t| {
        let mut cells: Vec<Cell> = KEYS.iter().map(|(sector, size)| cell(sector, size, 0, 0)).collect();
        for row in &rows {
            if let Some(c) = row.cells[t] {
                cells[c].frame += 1;
                cells[c].answered += u64::from(row.answered[t]);
            }
        }
        Year { year: 2024 + t as i32, cells }
    });
    World { rows, years }
}

impl World {
    fn sums(&self, t: usize) -> Vec<CellSums> {
        let mut sums: Vec<CellSums> = (0..KEYS.len()).map(CellSums::new).collect();
        self.rows.iter().for_each(|r| {
            if let (Some(c), Some(y)) = (r.cells[t], r.y[t]) {
                sums[c].add(y)
            }
        });
        sums
    }

    fn employee_sums(&self, t: usize) -> Vec<EmployeeSums> {
        let mut sums: Vec<EmployeeSums> = (0..KEYS.len()).map(EmployeeSums::new).collect();
        self.rows.iter().for_each(|r| {
            if let (Some(c), Some(y)) = (r.cells[t], r.y[t]) {
                sums[c].add(r.employees[t], y)
            }
        });
        sums
    }

    fn link(&self) -> Link {
        let count = |keep: &dyn Fn(&Row) -> bool| {
            let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
            for r in self.rows.iter().filter(|r| keep(r)) {
                if let [Some(from), Some(to)] = r.cells {
                    *counts.entry((from, to)).or_default() += 1;
                }
            }
            counts.into_iter().map(|((from, to), n)| Linked { from, to, n }).collect()
        };
        Link { frame: count(&|_| true), answered: count(&|r| r.answered == [true, true]) }
    }

    fn pairs(&self) -> Vec<OverlapSums> {
        let mut sums: BTreeMap<(usize, usize), OverlapSums> = BTreeMap::new();
        for r in self.rows.iter().filter(|r| r.answered == [true, true]) {
            if let [Some(from), Some(to)] = r.cells {
                sums.entry((from, to)).or_insert_with(|| OverlapSums::new(from, to)).add(r.y[0], r.y[1]);
            }
        }
        sums.into_values().collect()
    }

    fn employee_pairs(&self) -> Vec<EmployeeOverlapSums> {
        let mut sums: BTreeMap<(usize, usize), EmployeeOverlapSums> = BTreeMap::new();
        for r in self.rows.iter().filter(|r| r.answered == [true, true]) {
            if let [Some(from), Some(to)] = r.cells {
                let of = |t: usize| r.y[t].map(|y| (r.employees[t], y));
                sums.entry((from, to)).or_insert_with(|| EmployeeOverlapSums::new(from, to)).add(of(0), of(1));
            }
        }
        sums.into_values().collect()
    }
}

/// Literal z per business, and strata from the weights' own logic (stratum label per cell).
struct Oracle {
    mean: f64,
    z: Vec<Option<f64>>,
    variance: f64,
    df: f64,
}

fn stratum_labels(world: &World, designs: &[Design]) -> Vec<usize> {
    // Cells of one stratum weigh alike in both years; the log names what was joined. Rebuild the classes from the log.
    let mut label: Vec<usize> = (0..KEYS.len()).collect();
    let find = |sector: &str, class: &str| -> usize {
        let first = class.split('+').next().unwrap();
        KEYS.iter().position(|(s, c)| *s == sector && *c == first).unwrap()
    };
    for collapse in designs[0].collapses() {
        let class = collapse.class.as_ref().expect("no sector is joined in these worlds");
        let (from, to) = (label[find(&collapse.sector, class)], label[find(&collapse.sector, &collapse.into)]);
        label.iter_mut().filter(|l| **l == from).for_each(|l| *l = to);
    }
    assert_eq!(label.len(), world.years[0].cells.len());
    label
}

fn oracle(world: &World, design: &Design, t: usize, label: &[usize], by_employees: bool, fpc: bool) -> Oracle {
    let g = |r: &Row| if by_employees { r.employees[t] } else { 1.0 };
    let weight = |r: &Row| design.weight(r.cells[t].unwrap()).unwrap();
    let total: f64 = world.rows.iter().filter(|r| r.y[t].is_some()).map(|r| weight(r) * g(r)).sum();
    let mean = world.rows.iter().filter_map(|r| r.y[t].map(|y| weight(r) * g(r) * y)).sum::<f64>() / total;
    let z: Vec<Option<f64>> = world
        .rows
        .iter()
        .map(|r| r.answered[t].then(|| r.y[t].map_or(0.0, |y| weight(r) * g(r) * (y - mean) / total)))
        .collect();
    let mut variance = 0.0;
    let mut n = 0;
    let mut strata = 0;
    for stratum in 0..KEYS.len() {
        let inside = |r: &Row| r.cells[t].is_some_and(|c| label[c] == stratum);
        let frame = world.rows.iter().filter(|r| inside(r)).count() as f64;
        let zs: Vec<f64> = world.rows.iter().zip(&z).filter(|(r, _)| inside(r)).filter_map(|(_, z)| *z).collect();
        let u = world.rows.iter().filter(|r| inside(r) && r.y[t].is_some()).count();
        n += u;
        strata += usize::from(u > 0);
        if zs.is_empty() || (zs.len() as f64 == frame && fpc) {
            continue;
        }
        let m = zs.len() as f64;
        let average = zs.iter().sum::<f64>() / m;
        let spread: f64 = zs.iter().map(|z| (z - average).powi(2)).sum();
        variance += if fpc { 1.0 - m / frame } else { 1.0 } * m / (m - 1.0) * spread;
    }
    Oracle { mean, z, variance, df: (n - strata) as f64 }
}

/// § 4 written down literally.
fn oracle_covariance(world: &World, a: &Oracle, b: &Oracle, label: &[usize]) -> f64 {
    let mut c = 0.0;
    for stratum in 0..KEYS.len() {
        let inside = |r: &Row, t: usize| r.cells[t].is_some_and(|c| label[c] == stratum);
        let count = |keep: &dyn Fn(&Row) -> bool| world.rows.iter().filter(|r| keep(r)).count() as f64;
        let (big1, big2) = (count(&|r| inside(r, 0)), count(&|r| inside(r, 1)));
        let (n1, n2) = (count(&|r| inside(r, 0) && r.answered[0]), count(&|r| inside(r, 1) && r.answered[1]));
        let both = count(&|r| inside(r, 0) && inside(r, 1));
        let shared: Vec<(f64, f64)> = world
            .rows
            .iter()
            .enumerate()
            .filter(|(_, r)| inside(r, 0) && inside(r, 1) && r.answered == [true, true])
            .map(|(i, _)| (a.z[i].unwrap(), b.z[i].unwrap()))
            .collect();
        let m = shared.len() as f64;
        if m < 2.0 {
            continue;
        }
        let (x, y) = (shared.iter().map(|s| s.0).sum::<f64>() / m, shared.iter().map(|s| s.1).sum::<f64>() / m);
        let s12 = shared.iter().map(|s| (s.0 - x) * (s.1 - y)).sum::<f64>() / (m - 1.0);
        c += n1 * n2 * (m / (n1 * n2) - both / (big1 * big2)) * s12;
    }
    c
}

fn arbitrary_row() -> impl Strategy<Value = Row> {
    let place = (0..KEYS.len(), 0..10_u32, 0..KEYS.len(), 0..12_u32, 0..12_u32);
    let answer = (0..3_u32, 0..3_u32, 0..=10_u32, 0..=10_u32, 0..5_u32, 0..5_u32);
    (place, answer, 1..9_u32, 1..9_u32).prop_map(
        |((home, moves, away, gone, new), (a, b, x, y, out_x, out_y), g, h)| {
            let cells = [(new > 0).then_some(home), (gone > 0).then_some(if moves == 0 { away } else { home })];
            let answered = [cells[0].is_some() && a > 0, cells[1].is_some() && b > 0];
            // A later answer resembles the earlier one.
            let y = [Some(f64::from(x) * 10.0), Some((f64::from(x) * 6.0 + f64::from(y) * 4.0).round())];
            let y = [y[0].filter(|_| answered[0] && out_x > 0), y[1].filter(|_| answered[1] && out_y > 0)];
            Row { cells, answered, employees: [f64::from(g), f64::from(h)], y }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn sums_give_what_rows_give(rows in prop::collection::vec(arbitrary_row(), 60..160), fpc in any::<bool>(), employees in any::<bool>()) {
        let world = world(rows);
        let options = Options { fpc: if fpc { Fpc::Unit } else { Fpc::None }, ..Options::default() };
        let Ok(designs) = Design::build(&[&world.years[0], &world.years[1]], &options) else { return Ok(()) };
        let label = stratum_labels(&world, &designs);
        let oracles = [0, 1].map(|t| oracle(&world, &designs[t], t, &label, employees, fpc));
        let figures = [0, 1].map(|t| if employees {
            designs[t].figure(INDEX, Sums::Employees(&world.employee_sums(t)), &[])
        } else {
            designs[t].figure(INDEX, Sums::Businesses(&world.sums(t)), &[])
        });
        for (figure, oracle) in figures.iter().zip(&oracles) {
            let e = figure.estimate();
            prop_assume!(e.n > 3 && oracle.variance.is_finite() && oracle.variance > 1e-9);
            prop_assert!((e.value.unwrap() - oracle.mean).abs() < 1e-9);
            prop_assert!((e.se.unwrap() - oracle.variance.sqrt()).abs() < 1e-9 * oracle.variance.sqrt(), "{:?} {}", e.se, oracle.variance.sqrt());
            prop_assert_eq!(e.df, Some(oracle.df));
            if let Some(i) = e.interval {
                prop_assert!(i.lower < i.upper && i.lower >= 0.0 && i.upper <= 100.0);
            }
        }
        let c = if fpc { oracle_covariance(&world, &oracles[0], &oracles[1], &label) } else { return Ok(()) };
        let change = if employees {
            change(&figures[0], &figures[1], &world.link(), Pairs::Employees(&world.employee_pairs()), Overlap::Own)
        } else {
            change(&figures[0], &figures[1], &world.link(), Pairs::Businesses(&world.pairs()), Overlap::Own)
        };
        let apart = oracles[0].variance + oracles[1].variance;
        let v = apart - 2.0 * c;
        prop_assume!(v > 1e-6 * apart && oracles.iter().all(|o| o.df >= 1.0));
        prop_assert!((change.se.unwrap() - v.sqrt()).abs() < 1e-8 * v.sqrt(), "{:?} {}", change.se, v.sqrt());
        prop_assert_eq!(change.n_both as usize, world.rows.iter().filter(|r| r.y[0].is_some() && r.y[1].is_some()).count());
    }

    #[test]
    fn weights_sum_to_the_frame_and_every_stratum_holds(
        counts in prop::collection::vec((0..40_u64, 0..40_u64), 12),
        min_cell in 2..6_u64,
    ) {
        let sectors = ["A", "B", "C", "D"];
        let cells: Vec<Cell> = counts.iter().enumerate().map(|(i, (frame, n))| cell(sectors[i / 3], ["1", "2", "3"][i % 3], *frame, *n.min(frame))).collect();
        let year = Year { year: 2025, cells };
        match Design::single(&year, &cells_of(min_cell, &[("A", "B"), ("B", "C"), ("C", "D"), ("D", "A")])) {
            Ok(design) => {
                let frame: u64 = year.cells.iter().map(|c| c.frame).sum();
                prop_assert!((design.summary().sum - frame as f64).abs() < 1e-9 * frame as f64);
                prop_assert!(design.summary().kish_deff >= 1.0 - 1e-12 && design.summary().min >= 1.0);
                // The order in which cells come changes nothing.
                let mut turned = year.clone();
                turned.cells.reverse();
                let again = Design::single(&turned, &cells_of(min_cell, &[("A", "B"), ("B", "C"), ("C", "D"), ("D", "A")])).unwrap();
                for i in 0..12 {
                    prop_assert_eq!(design.weight(i), again.weight(11 - i));
                }
                prop_assert_eq!(log(&design), log(&again));
            }
            Err(error) => prop_assert!(matches!(error, DesignError::NoAnswers { .. } | DesignError::ThinSector { .. }), "{}", error),
        }
    }

    #[test]
    fn raked_weights_meet_their_margins(counts in prop::collection::vec((10..60_u64, 1..10_u64), 9)) {
        let cells: Vec<Cell> = counts.iter().enumerate().map(|(i, (frame, n))| cell(["A", "B", "C"][i / 3], ["1", "2", "3"][i % 3], *frame, *n)).collect();
        let year = Year { year: 2025, cells };
        let design = Design::single(&year, &rake()).unwrap();
        for margin in 0..2 {
            for key in year.cells.iter().map(|c| &c.margins[margin]) {
                let frame: u64 = year.cells.iter().filter(|c| &c.margins[margin] == key).map(|c| c.frame).sum();
                let sum: f64 = year.cells.iter().enumerate().filter(|(_, c)| &c.margins[margin] == key).map(|(i, c)| design.weight(i).unwrap() * c.answered as f64).sum();
                prop_assert!((sum / frame as f64 - 1.0).abs() <= 1e-10);
            }
        }
    }

    #[test]
    fn figures_move_and_stretch_with_the_scale(rows in prop::collection::vec(arbitrary_row(), 60..120), raked in any::<bool>()) {
        let world = world(rows);
        let options = if raked { rake() } else { Options::default() };
        let Ok(design) = Design::single(&world.years[0], &options) else { return Ok(()) };
        let plain = *design.figure(Scale::mean(-1e6, 1e6), Sums::Businesses(&world.sums(0)), &[]).estimate();
        prop_assume!(plain.se.is_some_and(|se| se > 0.0));
        let moved: Vec<CellSums> = world.sums(0).iter().map(|s| CellSums { sum: 3.0 * s.sum + 40.0 * s.n as f64, sum_sq: 9.0 * s.sum_sq + 240.0 * s.sum + 1600.0 * s.n as f64, ..*s }).collect();
        let moved = *design.figure(Scale::mean(-1e6, 1e6), Sums::Businesses(&moved), &[]).estimate();
        prop_assert!((moved.value.unwrap() - 3.0 * plain.value.unwrap() - 40.0).abs() < 1e-8);
        prop_assert!((moved.se.unwrap() - 3.0 * plain.se.unwrap()).abs() < 1e-8 * moved.se.unwrap());
        if let (Some(a), Some(b)) = (plain.deff, moved.deff) {
            prop_assert!((a - b).abs() < 1e-8 * a);
        }
    }

    #[test]
    fn companies_with_one_workplace_are_businesses(rows in prop::collection::vec(arbitrary_row(), 60..120), raked in any::<bool>()) {
        let world = world(rows);
        let Ok(designs) = Design::build(&[&world.years[0], &world.years[1]], &if raked { rake() } else { Options::default() }) else { return Ok(()) };
        let clusters = [0, 1].map(|t| {
            let mut clusters = Vec::new();
            for (cell, s) in world.sums(t).iter().enumerate() {
                let rest = world.years[t].cells[cell].answered - s.n;
                clusters.push(ClusterSums { home: cell, members: vec![ClusterMember { cell, workplaces: 1, counted: 1 }], n: s.n, sum: s.sum, sum_sq: s.sum_sq });
                clusters.push(ClusterSums { home: cell, members: vec![ClusterMember { cell, workplaces: 1, counted: 0 }], n: rest, sum: 0.0, sum_sq: 0.0 });
            }
            clusters
        });
        for t in [0, 1] {
            let plain = *designs[t].figure(INDEX, Sums::Businesses(&world.sums(t)), &[]).estimate();
            let clustered = *designs[t].figure(INDEX, Sums::Companies(&clusters[t]), &[]).estimate();
            prop_assert_eq!((plain.n, plain.df), (clustered.n, clustered.df));
            if let (Some(a), Some(b)) = (plain.se, clustered.se) {
                prop_assert!((a - b).abs() <= 1e-9 * a.max(1e-9), "{} {}", a, b);
            }
        }
    }
}

#[test]
fn a_reply_for_several_workplaces_is_one_draw() {
    // N 12 workplaces, all weights 2; two companies with two workplaces each, two with one.
    let design = Design::single(&year(2025, &[("A", "1", 12, 6)]), &Options::default()).unwrap();
    let member = |workplaces| vec![ClusterMember { cell: 0, workplaces, counted: workplaces }];
    let clusters = [
        ClusterSums { home: 0, members: member(2), n: 2, sum: 90.0, sum_sq: 4500.0 },
        ClusterSums { home: 0, members: member(1), n: 2, sum: 120.0, sum_sq: 7400.0 },
    ];
    // Replies 30, 60 (two workplaces each) and 50, 70.
    let e = *design.figure(INDEX, Sums::Companies(&clusters), &[]).estimate();
    let mean = (2.0 * 90.0 + 120.0) / 6.0;
    let z: Vec<f64> =
        [(2.0, 30.0), (2.0, 60.0), (1.0, 50.0), (1.0, 70.0)].iter().map(|(k, y)| k * 2.0 * (y - mean) / 12.0).collect();
    let average = z.iter().sum::<f64>() / 4.0;
    near(e.value, mean);
    assert_eq!((e.n, e.df), (4, Some(3.0)));
    near(e.se, (0.5 * 4.0 / 3.0 * z.iter().map(|z| (z - average).powi(2)).sum::<f64>()).sqrt());
}

#[test]
fn the_response_variance_of_raked_weights_is_the_formula() {
    let frame = year(2025, &[("A", "1", 60, 6), ("A", "2", 20, 8), ("B", "1", 40, 6), ("B", "2", 30, 10)]);
    let options = Options { variance: VarianceKind::Response, ..rake() };
    let design = Design::single(&frame, &options).unwrap();
    let ys: [&[f64]; 4] = [
        &[10.0, 40.0, 30.0, 70.0, 20.0, 90.0],
        &[30.0, 30.0, 60.0, 80.0, 90.0, 20.0, 10.0, 50.0],
        &[90.0, 80.0, 20.0, 60.0, 70.0, 40.0],
        &[10.0, 20.0, 70.0, 80.0, 60.0, 50.0, 90.0, 30.0, 40.0, 50.0],
    ];
    let values: Vec<(usize, &[f64])> = ys.iter().copied().enumerate().collect();
    let e = *figure(&design, INDEX, &values).estimate();
    // Row-wise: e, its least-squares fit on sector + size (equal base weights: additive fit of cell means by normal equations).
    let w: Vec<f64> = (0..4).map(|c| design.weight(c).unwrap()).collect();
    let total: f64 = (0..4).map(|c| w[c] * ys[c].len() as f64).sum();
    let mean = e.value.unwrap();
    let x = [[1.0, 0.0, 0.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]];
    let mut normal = [[0.0; 4]; 3];
    for c in 0..4 {
        for y in ys[c] {
            for i in 0..3 {
                for j in 0..3 {
                    normal[i][j] += x[c][i] * x[c][j];
                }
                normal[i][3] += x[c][i] * (y - mean) / total;
            }
        }
    }
    for i in 0..3 {
        for k in 0..3 {
            if k != i {
                let factor = normal[k][i] / normal[i][i];
                (0..4).for_each(|j| normal[k][j] -= factor * normal[i][j]);
            }
        }
    }
    let beta: Vec<f64> = (0..3).map(|i| normal[i][3] / normal[i][i]).collect();
    let mut sum = 0.0;
    for c in 0..4 {
        let fit: f64 = (0..3).map(|i| x[c][i] * beta[i]).sum();
        sum += ys[c].iter().map(|y| (1.0 - 1.0 / w[c]) * (w[c] * ((y - mean) / total - fit)).powi(2)).sum::<f64>();
    }
    near(e.se, (30.0 / (30.0 - 3.0) * sum).sqrt());
}

// ---------------------------------------------------------------- § 4 change

/// Two years in which the same businesses answer: (cell, y₁, y₂).
fn panel(
    designs: &[Design],
    scale: Scale,
    rows: &[(usize, f64, f64)],
    frame: &[(usize, u64)],
    overlap: Overlap,
) -> Change {
    let mut sums: [BTreeMap<usize, CellSums>; 2] = [BTreeMap::new(), BTreeMap::new()];
    let mut pairs: BTreeMap<usize, OverlapSums> = BTreeMap::new();
    for (cell, x, y) in rows {
        sums[0].entry(*cell).or_insert_with(|| CellSums::new(*cell)).add(*x);
        sums[1].entry(*cell).or_insert_with(|| CellSums::new(*cell)).add(*y);
        pairs.entry(*cell).or_insert_with(|| OverlapSums::new(*cell, *cell)).add(Some(*x), Some(*y));
    }
    let figures =
        [0, 1].map(|t| designs[t].figure(scale, Sums::Businesses(&sums[t].values().copied().collect::<Vec<_>>()), &[]));
    let link = Link {
        frame: frame.iter().map(|(cell, n)| Linked { from: *cell, to: *cell, n: *n }).collect(),
        answered: pairs.values().map(|p| Linked { from: p.from, to: p.to, n: p.n_x }).collect(),
    };
    change(&figures[0], &figures[1], &link, Pairs::Businesses(&pairs.into_values().collect::<Vec<_>>()), overlap)
}

fn designs(cells: &[(&str, &str, u64, u64)]) -> Vec<Design> {
    Design::build(&[&year(2024, cells), &year(2025, cells)], &Options::default()).unwrap()
}

#[test]
fn a_class_that_only_one_year_has_takes_no_uncertainty_away() {
    // The first year knows nobody in A 3; the common collapse gives it a stratum all the same.
    let before = year(2024, &[("A", "1", 20, 6), ("A", "2", 20, 6)]);
    let after = year(2025, &[("A", "1", 20, 6), ("A", "2", 20, 6), ("A", "3", 9, 6)]);
    let values: Vec<f64> = (0..6).map(|i| 40.0 + 5.0 * f64::from(i)).collect();
    for fpc in [Fpc::None, Fpc::Unit, Fpc::Item] {
        let options = Options { fpc, ..cells_of(5, &[]) };
        let both = Design::build(&[&before, &after], &options).unwrap();
        let alone = figure(&Design::single(&before, &options).unwrap(), INDEX, &[(0, &values), (1, &values)]);
        let from = figure(&both[0], INDEX, &[(0, &values), (1, &values)]);
        let to = figure(&both[1], INDEX, &[(0, &values), (1, &values), (2, &values)]);
        assert!(alone.estimate().se.unwrap() > 1.0);
        near(from.estimate().se, alone.estimate().se.unwrap());
        let c = change(&from, &to, &Link::default(), Pairs::Businesses(&[]), Overlap::Own);
        near(c.se, (from.estimate().se.unwrap().powi(2) + to.estimate().se.unwrap().powi(2)).sqrt());
        assert!(c.interval.is_some());
    }
}

#[test]
fn thin_years_take_satterthwaites_degrees_of_freedom() {
    let designs = designs(&[("A", "1", 40, 6)]);
    let rows: Vec<(usize, f64, f64)> =
        [(10.0, 50.0), (20.0, 52.0), (60.0, 48.0), (90.0, 51.0), (30.0, 49.0), (50.0, 47.0)]
            .iter()
            .map(|(x, y)| (0, *x, *y))
            .collect();
    let c = panel(&designs, INDEX, &rows, &[(0, 40)], Overlap::None);
    let variance = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / 6.0;
        0.85 * values.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / 5.0 / 6.0
    };
    let (v1, v2) = (variance(rows.iter().map(|r| r.1).collect()), variance(rows.iter().map(|r| r.2).collect()));
    near(c.se, (v1 + v2).sqrt());
    near(c.df, (v1 + v2).powi(2) / (v1 * v1 / 5.0 + v2 * v2 / 5.0));
    near(c.detectable.map(|d| d / c.se.unwrap()), statistics::distribution::t_detectable(c.df.unwrap()));
}

#[test]
fn a_year_at_the_end_of_the_share_scale_brings_its_bound_into_the_change() {
    let designs = designs(&[("A", "1", 90, 30)]);
    let rows: Vec<(usize, f64, f64)> = (0..30).map(|i| (0, 1.0, f64::from(i % 3 != 0))).collect();
    let c = panel(&designs, Scale::SHARE, &rows, &[(0, 90)], Overlap::Own);
    let bound = (1.0 - 0.025_f64.powf(1.0 / 30.0)) / t95(29.0);
    let v2 = (1.0 - 1.0 / 3.0) * (2.0 / 9.0) / 29.0;
    near(c.se, (bound * bound + v2).sqrt());
    near(c.change, -1.0 / 3.0);
}

#[test]
fn a_unanimous_year_gives_a_change_without_a_test() {
    let designs = designs(&[("A", "1", 90, 30)]);
    let rows: Vec<(usize, f64, f64)> = (0..30).map(|i| (0, 70.0, f64::from(i))).collect();
    let c = panel(&designs, INDEX, &rows, &[(0, 90)], Overlap::Own);
    assert!(c.change.is_some());
    assert_eq!((c.se, c.interval, c.p_value), (None, None, None));
    assert_eq!(judge(&[Some(c)], Adjustment::BenjaminiHochberg)[0].verdict, Verdict::Unclear);
}

#[test]
fn a_year_without_a_degree_of_freedom_gives_an_error_but_no_interval() {
    let designs = designs(&[("A", "1", 40, 20), ("B", "1", 40, 20)]);
    // Two answers, each alone in its stratum, against two with a companion.
    let first = figure(&designs[0], INDEX, &[(0, &[20.0]), (1, &[60.0])]);
    let second = figure(&designs[1], INDEX, &[(0, &[30.0, 50.0]), (1, &[70.0])]);
    let c = change(&first, &second, &Link::default(), Pairs::Businesses(&[]), Overlap::Own);
    let se = |f: &Figure| f.estimate().se.unwrap();
    near(c.se, (se(&first).powi(2) + se(&second).powi(2)).sqrt());
    assert_eq!((c.df, c.interval, c.p_value, c.detectable), (Some(0.0), None, None, None));
}

#[test]
fn the_same_answers_from_everyone_again_never_give_a_change_of_width_zero() {
    let designs = designs(&[("A", "1", 90, 30)]);
    let rows: Vec<(usize, f64, f64)> = (0..30).map(|i| (0, f64::from(i), f64::from(i))).collect();
    for overlap in [Overlap::Own, Overlap::Pooled] {
        let c = panel(&designs, INDEX, &rows, &[(0, 30)], overlap);
        let i = c.interval.unwrap();
        assert!(i.lower < 0.0 && i.upper > 0.0 && c.se.unwrap() > 0.0, "{overlap:?}");
    }
}

#[test]
fn two_censuses_differ_in_fact_but_the_verdict_asks_for_more() {
    let designs = designs(&[("A", "1", 5, 5)]);
    let rows = [(0, 10.0, 20.0), (0, 40.0, 60.0), (0, 60.0, 40.0), (0, 80.0, 90.0), (0, 20.0, 50.0)];
    let c = panel(&designs, INDEX, &rows, &[(0, 5)], Overlap::Own);
    assert_eq!((c.se, c.interval, c.p_value, c.most_answered), (Some(0.0), None, Some(0.0), true));
    assert!(c.p_without_fpc.unwrap() > 0.05);
    assert_eq!(judge(&[Some(c)], Adjustment::None)[0].verdict, Verdict::Unclear);
}

#[test]
fn who_changed_stratum_contributes_nothing_unless_the_strata_are_one() {
    let cells: [(&str, &str, u64, u64); 2] = [("A", "1", 40, 20), ("A", "2", 40, 20)];
    let y = |i: usize| f64::from((i * 37 % 11) as u32) * 10.0;
    let all: Vec<f64> = (0..20).map(y).collect();
    let both = sums(&[(0, &all), (1, &all)]);
    let mut moved = OverlapSums::new(0, 1);
    (0..20).for_each(|i| moved.add(Some(y(i)), Some(y(i))));
    let link = Link { frame: vec![Linked { from: 0, to: 1, n: 40 }], answered: vec![Linked { from: 0, to: 1, n: 20 }] };
    let se = |options: &Options, overlap| {
        let designs = Design::build(&[&year(2024, &cells), &year(2025, &cells)], options).unwrap();
        let figures = [0, 1].map(|t| designs[t].figure(INDEX, Sums::Businesses(&both), &[]));
        change(&figures[0], &figures[1], &link, Pairs::Businesses(&[moved]), overlap).se.unwrap()
    };
    let apart = se(&Options::default(), Overlap::None);
    near(Some(se(&Options::default(), Overlap::Own)), apart);
    // With one stratum nobody moved.
    assert!(se(&with(Weighting::None), Overlap::Own) < 0.95 * se(&with(Weighting::None), Overlap::None));
    // A collapse joins the classes: cells 1 and 2 are one stratum, and the mover stays in it.
    let thin: [(&str, &str, u64, u64); 2] = [("A", "1", 40, 20), ("A", "2", 40, 1)];
    let designs = Design::build(&[&year(2024, &thin), &year(2025, &cells)], &Options::default()).unwrap();
    let first = designs[0].figure(INDEX, Sums::Businesses(&sums(&[(0, &all), (1, &[50.0])])), &[]);
    let second = designs[1].figure(INDEX, Sums::Businesses(&both), &[]);
    let of = |overlap| change(&first, &second, &link, Pairs::Businesses(&[moved]), overlap).se.unwrap();
    assert!(of(Overlap::Own) < of(Overlap::None));
}

#[test]
fn raked_changes_use_the_cells_overlap() {
    // Row-wise covariance over sector × size of the raked z, which differ by their fit.
    let cells: [(&str, &str, u64, u64); 4] =
        [("A", "1", 60, 12), ("A", "2", 20, 10), ("B", "1", 40, 11), ("B", "2", 30, 14)];
    let designs = Design::build(&[&year(2024, &cells), &year(2025, &cells)], &rake()).unwrap();
    let mut rows = Vec::new();
    for (cell, (_, _, _, n)) in cells.iter().enumerate() {
        for i in 0..*n as usize {
            let x = ((i * 7 + cell * 3) % 11) as f64 * 10.0;
            rows.push((cell, x, (0.7 * x + ((i * 5 + cell) % 7) as f64 * 5.0).round()));
        }
    }
    let frame: Vec<(usize, u64)> = cells.iter().enumerate().map(|(c, (_, _, frame, _))| (c, *frame)).collect();
    let own = panel(&designs, INDEX, &rows, &frame, Overlap::Own);
    let none = panel(&designs, INDEX, &rows, &frame, Overlap::None);
    // Everyone answers both years and nobody leaves: C = Σ (1 − f) n S₁₂(z), and within a cell the fit is a constant.
    let mut c = 0.0;
    let total = 150.0;
    for (cell, (_, _, big, n)) in cells.iter().enumerate() {
        let inside: Vec<_> = rows.iter().filter(|r| r.0 == cell).collect();
        let n = *n as f64;
        let (mx, my) = (inside.iter().map(|r| r.1).sum::<f64>() / n, inside.iter().map(|r| r.2).sum::<f64>() / n);
        let s12: f64 = inside.iter().map(|r| (r.1 - mx) * (r.2 - my)).sum::<f64>() / (n - 1.0);
        let w = designs[0].weight(cell).unwrap() * designs[1].weight(cell).unwrap();
        c += (n - n * n / *big as f64) * w / (total * total) * s12;
    }
    near(own.se, (none.se.unwrap().powi(2) - 2.0 * c).sqrt());
}

#[test]
fn a_family_is_adjusted_together_and_hidden_groups_take_no_part() {
    let of = |p: f64, change: f64, most: bool, without: f64| {
        Some(Change {
            n_from: 30,
            n_to: 30,
            n_both: 10,
            change: Some(change),
            se: Some(1.0),
            df: Some(50.0),
            interval: None,
            p_value: Some(p),
            detectable: Some(2.8),
            p_without_fpc: Some(without),
            most_answered: most,
        })
    };
    let family = [
        of(0.01, 3.0, false, 0.02),
        None,
        of(0.04, -2.0, false, 0.06),
        of(0.03, -2.0, true, 0.5),
        of(0.9, 0.1, false, 0.9),
    ];
    let judged = judge(&family, Adjustment::BenjaminiHochberg);
    let p: Vec<Option<f64>> = judged.iter().map(|j| j.p_adjusted).collect();
    near(p[0], 0.04);
    near(p[2], 0.04 * 4.0 / 3.0);
    assert_eq!(p[1], None);
    let verdicts: Vec<Verdict> = judged.iter().map(|j| j.verdict).collect();
    assert_eq!(verdicts, [Verdict::Up, Verdict::Hidden, Verdict::Unclear, Verdict::Unclear, Verdict::Unclear]);
    let alone = judge(&family, Adjustment::None);
    assert_eq!(
        (alone[2].verdict, alone[3].verdict),
        (Verdict::Down, Verdict::Unclear),
        "most answered: also without correction"
    );
    near(judge(&family, Adjustment::Holm)[0].p_adjusted, 0.04);
}

#[test]
fn a_change_of_mode_needs_both_verdicts() {
    assert!(mode_differs(0.05, 0.2) && !mode_differs(0.05, 0.15));
    assert_eq!(agreed(Verdict::Up, Verdict::Unclear), Verdict::Unclear);
    assert_eq!(agreed(Verdict::Up, Verdict::Up), Verdict::Up);
    assert_eq!(agreed(Verdict::Break, Verdict::Up), Verdict::Break);
}

// ---------------------------------------------------------------- targets, trend, two-year means

fn changed(lower: f64, upper: f64, se: f64) -> Change {
    Change {
        n_from: 50,
        n_to: 50,
        n_both: 0,
        change: Some(f64::midpoint(lower, upper)),
        se: Some(se),
        df: Some(90.0),
        interval: Some(Interval { lower, upper }),
        p_value: None,
        detectable: None,
        p_without_fpc: None,
        most_answered: false,
    }
}

#[test]
fn targets_are_met_missed_or_not_shown() {
    let level = Estimate {
        n: 50,
        value: Some(61.0),
        se: Some(2.0),
        df: Some(49.0),
        interval: Some(Interval { lower: 57.0, upper: 65.0 }),
        deff: None,
    };
    let verdict =
        |target, change: &Change, left, lower| judge_target(target, Some(change), &level, left, lower).verdict;
    assert_eq!(verdict(Target::Raise, &changed(0.5, 6.0, 1.4), 1, false), TargetVerdict::Met);
    assert_eq!(verdict(Target::Raise, &changed(-0.5, 6.0, 1.4), 1, false), TargetVerdict::NotShown);
    assert_eq!(verdict(Target::Raise, &changed(-6.0, -0.5, 1.4), 1, true), TargetVerdict::Met, "lower is better");
    let keep = |margin, at_least| Target::Keep { margin, at_least };
    assert_eq!(verdict(keep(3.0, None), &changed(-2.9, 4.0, 1.0), 0, false), TargetVerdict::Met);
    assert_eq!(verdict(keep(3.0, Some(60.0)), &changed(-2.9, 4.0, 1.0), 0, false), TargetVerdict::NotShown);
    assert_eq!(verdict(keep(3.0, Some(66.0)), &changed(-2.9, 4.0, 1.0), 0, false), TargetVerdict::Missed);
    assert!(judge_target(keep(3.0, None), Some(&changed(-2.9, 4.0, 1.1)), &level, 0, false).margin_too_small);
    let reach = judge_target(Target::Reach { value: 67.0 }, None, &level, 2, false);
    assert_eq!((reach.verdict, reach.pace), (TargetVerdict::NotShown, Some(3.0)));
    assert_eq!(judge_target(Target::Reach { value: 67.0 }, None, &level, 0, false).verdict, TargetVerdict::Missed);
    assert_eq!(judge_target(Target::Reach { value: 56.0 }, None, &level, 0, false).verdict, TargetVerdict::Met);
    assert_eq!(judge_target(Target::Reach { value: 56.0 }, None, &level, 2, false).pace, Some(0.0));
    assert_eq!(judge_target(Target::Reach { value: 51.0 }, None, &level, 2, true).pace, Some(-5.0));
}

#[test]
fn the_trend_of_independent_equal_years_is_the_ordinary_line() {
    let years: Vec<Year> = [2022, 2023, 2025].iter().map(|t| year(*t, &[("A", "1", 100, 10)])).collect();
    let designs = Design::build(&years.iter().collect::<Vec<_>>(), &Options::default()).unwrap();
    let base = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 10.0, 20.0, 30.0];
    let figures: Vec<Figure> =
        designs.iter().zip([0.0, 4.0, 6.0]).map(|(d, add)| figure(d, INDEX, &[(0, &base.map(|y| y + add))])).collect();
    let refs: Vec<&Figure> = figures.iter().collect();
    let line = trend(&refs, &[], Overlap::Own).unwrap();
    // Years 0, 1, 3: Sxx = 14/3, Sxy = 2·… by hand: Σ(x − 4/3)(y − 10/3) = 26/3.
    near(Some(line.slope), 26.0 / 14.0);
    near(Some(line.se), figures[0].estimate().se.unwrap() / (14.0_f64 / 3.0).sqrt());
    assert_eq!(line.df, 27.0);
    assert!(trend(&refs[..2], &[], Overlap::Own).is_none());
    // The same businesses in the first two years: the line knows more.
    let mut pair = OverlapSums::new(0, 0);
    base.iter().for_each(|y| pair.add(Some(*y), Some(y + 4.0)));
    let link =
        Link { frame: vec![Linked { from: 0, to: 0, n: 100 }], answered: vec![Linked { from: 0, to: 0, n: 10 }] };
    let pairs = [pair];
    let shared = [Shared { from: 0, to: 1, link: &link, pairs: Pairs::Businesses(&pairs) }];
    assert!(trend(&refs, &shared, Overlap::Own).is_none(), "identical answers make the covariances singular");
    let mut loose = OverlapSums::new(0, 0);
    base.iter().take(5).for_each(|y| loose.add(Some(*y), Some(y + 4.0)));
    let link = Link { frame: vec![Linked { from: 0, to: 0, n: 100 }], answered: vec![Linked { from: 0, to: 0, n: 5 }] };
    let pairs = [loose];
    let shared = [Shared { from: 0, to: 1, link: &link, pairs: Pairs::Businesses(&pairs) }];
    assert!((trend(&refs, &shared, Overlap::Own).unwrap().se - line.se).abs() > 1e-6);
}

#[test]
fn a_mean_of_two_years_adds_the_covariance() {
    let designs = designs(&[("A", "1", 40, 6)]);
    let xs = [10.0, 20.0, 60.0, 90.0, 30.0, 50.0];
    let ys = [20.0, 10.0, 70.0, 80.0, 30.0, 70.0];
    let (a, b) = (figure(&designs[0], INDEX, &[(0, &xs)]), figure(&designs[1], INDEX, &[(0, &ys)]));
    let mut pair = OverlapSums::new(0, 0);
    xs.iter().zip(ys).for_each(|(x, y)| pair.add(Some(*x), Some(y)));
    let link = Link { frame: vec![Linked { from: 0, to: 0, n: 40 }], answered: vec![Linked { from: 0, to: 0, n: 6 }] };
    let mean = two_year_mean(&a, &b, &link, Pairs::Businesses(&[pair]), Overlap::Own);
    let both: Vec<f64> = xs.iter().zip(ys).map(|(x, y)| f64::midpoint(*x, y)).collect();
    let average = both.iter().sum::<f64>() / 6.0;
    near(mean.value, average);
    // Same businesses both years: the mean of two years is the mean of their means.
    near(mean.se, (0.85 * both.iter().map(|y| (y - average).powi(2)).sum::<f64>() / 5.0 / 6.0).sqrt());
    assert_eq!((mean.n, pair_of(2027, 2024), pair_of(2024, 2025)), (12, (2026, 2027), (2023, 2024)));
}
