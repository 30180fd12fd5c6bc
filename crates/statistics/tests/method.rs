//! The worked example of docs/METHOD.md, recomputed, and the numbers as the page states them.
use statistics::{Cell, CellSums, Design, Fpc, Options, Scale, Sums, VarianceKind, Weighting, Year};

#[test]
fn the_worked_example_holds() {
    let cell = |sector: &str, frame, answered| Cell {
        sector: sector.into(),
        size: "all".into(),
        margins: Vec::new(),
        frame,
        answered,
        invited: None,
    };
    let year = Year { year: 2026, cells: vec![cell("A", 8, 4), cell("B", 12, 3)] };
    let options = Options {
        weighting: Weighting::Cells { min_cell: 2, collapse_into: std::collections::BTreeMap::new() },
        fpc: Fpc::Unit,
        variance: VarianceKind::Design,
        size_order: vec!["all".into()],
    };
    let design = Design::single(&year, &options).unwrap();
    let mut sums = [CellSums::new(0), CellSums::new(1)];
    [60.0, 70.0, 80.0, 90.0].iter().for_each(|y| sums[0].add(*y));
    [40.0, 50.0, 90.0].iter().for_each(|y| sums[1].add(*y));
    let figure = design.figure(Scale::mean(0.0, 100.0), Sums::Businesses(&sums), &[]);
    let estimate = figure.estimate();
    let interval = estimate.interval.unwrap();
    assert_eq!((design.weight(0), design.weight(1)), (Some(2.0), Some(4.0)));
    assert!((estimate.value.unwrap() - 66.0).abs() < 1e-12);
    assert_eq!(estimate.df, Some(5.0));

    let page = include_str!("../../../docs/METHOD.md");
    let states = |words: String| assert!(page.contains(&words), "docs/METHOD.md states {words:?}");
    states(format!("= **{:.0}**", estimate.value.unwrap()));
    states(format!("SE = **{:.4}**", estimate.se.unwrap()));
    states(format!("**{:.1} to {:.1}**", interval.lower, interval.upper));
}
