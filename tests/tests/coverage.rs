//! The pipeline finds the true change of the invented town as often as it promises.
use analysis::{Fpc, Method};
use e2e::coverage::{Town, town};

/// Towns tried; `cargo run --release -p e2e --bin coverage` tries 200.
const TOWNS: u64 = 20;

#[test]
fn intervals_contain_the_true_change_as_often_as_they_say() {
    let method = Method { fpc: Fpc::Item, min_cell: 5, min_n: 0, ..Method::default() };
    let mut all = Town::default();
    for seed in 1..=TOWNS {
        let town = town(seed, "nki", &method);
        println!("town {seed}: {town:?}");
        all.merge(&town);
    }
    let (intervals, hits) = (all.total.intervals + all.sectors.intervals, all.total.hits + all.sectors.hits);
    let (changes, levels) = (intervals, all.levels);
    println!("changes: {hits} of {changes} ({:.1} %), of these the total {:?}; levels: {levels:?}", f64::from(hits) / f64::from(changes) * 100.0, all.total);
    // 20 towns × 3 pairs of years × 11 groups; a thin sector's year may lack an interval.
    assert!((560..=660).contains(&intervals), "{intervals} intervals");
    // 30 misses expected in 600. Neighbouring pairs share a year, which at most doubles the variance: standard deviation
    // √(2 · 600 · 0.05 · 0.95) = 7.5. 30 + 3.8 · 7.5 = 59 misses are passed by chance less than once in 10,000.
    assert!(intervals - hits <= 59, "{hits} of {intervals} intervals contain the true change");
    assert!(intervals - hits >= 5, "{hits} of {intervals}: the intervals are too wide to be 95 % intervals");
}
