//! Relative importance: two ways that must agree in sum, a jackknife against its definition, and refusals.
use statistics::drivers::{Correlations, DriverError, Quadrant, analyse, johnson, shapley};

type Answers = Vec<Option<f64>>;

/// Answers to three questions that overlap, an outcome of the first two, and weights; from a fixed recurrence.
fn data(n: usize) -> (Vec<Answers>, Answers, Vec<f64>) {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let mut drivers = vec![Vec::new(), Vec::new(), Vec::new()];
    let mut outcome = Vec::new();
    let mut weights = Vec::new();
    for _ in 0..n {
        let common = next();
        let answers: Vec<f64> = (0..3).map(|_| (1.0 + 2.0 * common + 2.0 * next()).round()).collect();
        outcome.push(Some(10.0 * answers[0] + 5.0 * answers[1] + 20.0 * next()));
        drivers.iter_mut().zip(answers).for_each(|(d, a)| d.push((next() > 0.1).then_some(a)));
        weights.push(1.0 + 3.0 * next());
    }
    (drivers, outcome, weights)
}

#[test]
fn johnson_and_shapley_both_sum_to_what_is_explained_and_agree_on_the_order() {
    let (drivers, outcome, weights) = data(150);
    let correlations = Correlations::pairwise(&drivers, &outcome, &weights).unwrap();
    let r_squared = correlations.r_squared().unwrap();
    let (a, b) = (johnson(&correlations).unwrap(), shapley(&correlations).unwrap());
    for parts in [&a, &b] {
        assert!((parts.iter().sum::<f64>() - r_squared).abs() < 1e-12);
        assert!(parts[0] > parts[1] && parts[1] > parts[2], "{parts:?}");
    }
    assert!(r_squared > 0.5 && r_squared < 1.0);
}

#[test]
fn the_jackknife_is_its_definition() {
    let (drivers, outcome, weights) = data(60);
    let strata: Vec<(usize, f64)> = (0..60).map(|i| (i % 2, if i % 2 == 0 { 0.25 } else { 0.5 })).collect();
    let analysis = analyse(&drivers, &outcome, &weights, &strata).unwrap();
    let full = johnson(&Correlations::pairwise(&drivers, &outcome, &weights).unwrap()).unwrap();
    let mut variance = [0.0; 3];
    for (stratum, fraction) in [(0, 0.25), (1, 0.5)] {
        let replicates: Vec<Vec<f64>> = (0..60)
            .filter(|i| i % 2 == stratum)
            .map(|out| {
                let keep = |answers: &Answers| -> Answers {
                    answers.iter().enumerate().map(|(i, a)| a.filter(|_| i != out)).collect()
                };
                let grown = |i: usize, w: f64| if i % 2 == stratum { w * 30.0 / 29.0 } else { w };
                let weights: Vec<f64> = weights.iter().enumerate().map(|(i, w)| grown(i, *w)).collect();
                let drivers: Vec<Answers> = drivers.iter().map(keep).collect();
                johnson(&Correlations::pairwise(&drivers, &keep(&outcome), &weights).unwrap()).unwrap()
            })
            .collect();
        for d in 0..3 {
            let mean = replicates.iter().map(|r| r[d]).sum::<f64>() / 30.0;
            variance[d] +=
                (1.0 - fraction) * 29.0 / 30.0 * replicates.iter().map(|r| (r[d] - mean).powi(2)).sum::<f64>();
        }
    }
    for d in 0..3 {
        let driver = &analysis.drivers[d];
        assert!((driver.importance - full[d]).abs() < 1e-12);
        assert!((driver.se - variance[d].sqrt()).abs() < 1e-9, "{} {}", driver.se, variance[d].sqrt());
        assert!(driver.lower < driver.importance && driver.importance < driver.upper);
    }
}

#[test]
fn the_map_is_split_at_the_overall_means() {
    let (mut drivers, outcome, weights) = data(150);
    drivers[0].iter_mut().flatten().for_each(|a| *a -= 1.5);
    let analysis = analyse(&drivers, &outcome, &weights, &[]).unwrap();
    assert_eq!(analysis.drivers[0].quadrant, Quadrant::Improve, "important and less satisfied");
    assert_eq!(analysis.drivers[2].quadrant, Quadrant::Maintain);
}

#[test]
fn what_cannot_be_told_is_refused() {
    let (mut drivers, outcome, weights) = data(29);
    assert!(matches!(
        Correlations::pairwise(&drivers, &outcome, &weights),
        Err(DriverError::TooFew { drivers: 3, needed: 30, .. })
    ));
    assert_eq!(Correlations::pairwise(&[], &outcome, &weights).unwrap_err(), DriverError::NoDriver);
    let (full, outcome, weights) = data(150);
    drivers = full.clone();
    drivers[1] = drivers[0].clone();
    assert_eq!(
        Correlations::pairwise(&drivers, &outcome, &weights).unwrap_err(),
        DriverError::NotDefinite,
        "the same question twice"
    );
    drivers[1] = vec![Some(3.0); 150];
    assert_eq!(Correlations::pairwise(&drivers, &outcome, &weights).unwrap_err(), DriverError::Constant { index: 1 });
    drivers[1].clone_from(&full[1]);
    drivers[0] = vec![Some(0.1); 150];
    assert_eq!(Correlations::pairwise(&drivers, &outcome, &weights).unwrap_err(), DriverError::Constant { index: 0 });
    // Pairs answered by different people can contradict each other: no data has such correlations.
    let part = |i: usize, third: usize, a: f64| (i % 3 != third).then_some(a);
    let values: Vec<f64> = (0..300).map(|i| ((i / 3 * 7) % 5) as f64).collect();
    let contradictory: Vec<Answers> = vec![
        values.iter().enumerate().map(|(i, v)| part(i, 0, *v)).collect(),
        values.iter().enumerate().map(|(i, v)| part(i, 1, if i % 3 == 2 { *v } else { -*v })).collect(),
        values.iter().enumerate().map(|(i, v)| part(i, 2, *v)).collect(),
    ];
    let outcome: Answers = (0..300).map(|i| Some(((i * 13) % 7) as f64)).collect();
    assert_eq!(Correlations::pairwise(&contradictory, &outcome, &[1.0; 300]).unwrap_err(), DriverError::NotDefinite);
    let many: Vec<Answers> = (0..13)
        .map(|d| (0..300_u64).map(|i| Some((((i * 131 + d * 7919 + 17).pow(3) % 1009) % 11) as f64)).collect())
        .collect();
    let correlations = Correlations::pairwise(&many, &outcome, &[1.0; 300]).unwrap();
    assert_eq!(shapley(&correlations).unwrap_err(), DriverError::TooMany { drivers: 13 });
}
