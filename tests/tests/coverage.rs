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
    println!("changes: {hits} of {intervals}, of these the total {:?}; levels: {:?}", all.total, all.levels);
    // Every change has an interval: 20 towns × 3 pairs of years × 11 groups. 33 misses are expected. Neighbouring pairs share a
    // year, which at most doubles the variance: standard deviation √(2 · 660 · 0.05 · 0.95) = 7.9. 33 + 3.8 · 7.9 = 63 misses are
    // passed by chance less than once in 10,000.
    assert_eq!(intervals, 660);
    assert!(intervals - hits <= 63, "{hits} of {intervals} intervals contain the true change");
    assert!(intervals - hits >= 5, "{hits} of {intervals}: the intervals are too wide to be 95 % intervals");
    // 4 years × 11 groups each; years of a town share businesses, so the same bound on twice the variance: 44 + 3.8 · 9.2 = 79.
    let missed = all.levels.intervals - all.levels.hits;
    assert_eq!(all.levels.intervals, 880);
    assert!((5..=79).contains(&missed), "{missed} of 880 intervals miss the true level");
}
