//! How often the 95 % intervals contain the truth, over many invented towns.
//!
//! `cargo run --release -p e2e --bin coverage -- [TOWNS] [INDICATOR]` (200 towns, `nki`).
use analysis::{Fpc, Method};
use e2e::coverage::{Town, town};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let towns: u64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(200);
    let indicator = arguments.next().unwrap_or_else(|| "nki".to_owned());
    let method = Method { fpc: Fpc::Item, min_cell: 5, min_n: 0, ..Method::default() };
    let mut all = Town::default();
    for seed in 1..=towns {
        all.merge(&town(seed, &indicator, &method));
    }
    println!("{indicator}, {towns} towns; share of the 95 % intervals that contain the true value");
    for (what, hits) in [("change, total", all.total), ("change, sectors", all.sectors), ("levels", all.levels)] {
        println!("  {what:<18}{:>6.2} %  of {} intervals", hits.share() * 100.0, hits.intervals);
    }
}
