//! How often the 95 % interval of a change contains the truth when response differs by size: 20, 35 and 60 % of an invented
//! population, straight from cell sums.
//!
//! `cargo run -p e2e --bin simulation -- [REPLICATIONS] [SEED]` (2,000 replications, seed 1). Where the question is about a
//! whole town with its questionnaire, `--bin coverage` answers it.
//!
//! The population is made once: 3,270 businesses in ten sectors of very different size and four size classes, with movers between
//! classes and sectors, arrivals and departures between the years. What is drawn again and again is who answers.
use std::collections::BTreeMap;

use statistics::{
    Cell, CellSums, Change, Design, DesignError, Fpc, Link, Linked, Options, Overlap, OverlapSums, Pairs, Scale, Sums,
    VarianceKind, Weighting, Year, change,
};

/// Businesses per sector in the first year: the last three are thin.
const SECTORS: [usize; 10] = [900, 700, 500, 400, 300, 200, 120, 80, 45, 25];
/// Shares of the size classes, from the smallest on, and how much more willing each is to answer.
const SIZES: [(f64, f64); 4] = [(0.60, 0.75), (0.28, 1.15), (0.09, 1.6), (0.03, 1.9)];
/// Part of those who did not leave that moved to another size class, or to another sector.
const MOVED_SIZE: f64 = 0.10;
const MOVED_SECTOR: f64 = 0.02;
/// Part that closed after the first year; as many opened.
const LEFT: f64 = 0.08;
/// Part whose readiness to answer stays the same from year to year; that of the others is drawn again.
const LOYAL: f64 = 0.25;
/// Part of the answers in which the item is left blank, in the scenario with blanks.
const BLANK: f64 = 0.4;
/// Fewest answers in a weighting cell: that of publications.
const MIN_CELL: u64 = 5;
const CELLS: usize = SECTORS.len() * SIZES.len();
/// From this sector on they are called thin.
const THIN: usize = 7;

/// Steele, Lea and Flood's SplitMix64: the same numbers on every machine, and fast without optimisation.
struct Chance(u64);

impl Chance {
    fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// About normal, mean 0 and variance 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }

    fn size(&mut self) -> usize {
        let drawn = self.even();
        let mut sum = 0.0;
        SIZES
            .iter()
            .position(|(share, _)| {
                sum += share;
                drawn < sum
            })
            .unwrap_or(SIZES.len() - 1)
    }
}

/// Cell and score in each year's frame.
type Business = [Option<(usize, f64)>; 2];

const fn sector_of(cell: usize) -> usize {
    cell / SIZES.len()
}

const fn size_of(cell: usize) -> usize {
    cell % SIZES.len()
}

fn population(chance: &mut Chance) -> Vec<Business> {
    let mut businesses = Vec::new();
    let score = |chance: &mut Chance, cell: usize, own: f64, year: usize| {
        let mean = 58.0 + 1.5 * sector_of(cell) as f64 + 4.0 * size_of(cell) as f64 + 1.5 * year as f64;
        (mean + own + 13.0 * chance.normal()).round().clamp(0.0, 100.0)
    };
    for (sector, count) in SECTORS.iter().enumerate() {
        for _ in 0..*count {
            let cell = sector * SIZES.len() + chance.size();
            let own = 15.0 * chance.normal();
            let first = (cell, score(chance, cell, own, 0));
            if chance.even() < LEFT {
                let arrived = sector * SIZES.len() + chance.size();
                let own = 15.0 * chance.normal();
                businesses.push([Some(first), None]);
                businesses.push([None, Some((arrived, score(chance, arrived, own, 1)))]);
                continue;
            }
            let (mut sector, mut size) = (sector, size_of(cell));
            if chance.even() < MOVED_SIZE {
                let up = size == 0 || (size + 1 < SIZES.len() && chance.even() < 0.5);
                size = if up { size + 1 } else { size - 1 };
            }
            if chance.even() < MOVED_SECTOR {
                sector = (sector + 1) % SECTORS.len();
            }
            let cell = sector * SIZES.len() + size;
            businesses.push([Some(first), Some((cell, score(chance, cell, own, 1)))]);
        }
    }
    businesses
}

/// The true change: in the total, then per sector.
fn truth(population: &[Business]) -> Vec<f64> {
    let mean = |year: usize, sector: Option<usize>| {
        let scores =
            population.iter().filter_map(|b| b[year]).filter(|(cell, _)| sector.is_none_or(|s| s == sector_of(*cell)));
        let (n, sum) = scores.fold((0.0, 0.0), |(n, sum), (_, y)| (n + 1.0, sum + y));
        sum / n
    };
    core::iter::once(None).chain((0..SECTORS.len()).map(Some)).map(|sector| mean(1, sector) - mean(0, sector)).collect()
}

/// What one replication leaves: the sums that the estimators take.
struct Drawn {
    years: [Year; 2],
    link: Link,
    sums: [Vec<CellSums>; 2],
    blanks: [Vec<u64>; 2],
    pairs: Vec<OverlapSums>,
}

/// Who answers: with probability `rates` by size, independently of the score.
fn draw(chance: &mut Chance, population: &[Business], rates: [f64; 4], blank: f64) -> Drawn {
    let cell = |cell: usize| Cell {
        sector: sector_of(cell).to_string(),
        size: size_of(cell).to_string(),
        margins: vec![sector_of(cell).to_string(), size_of(cell).to_string()],
        frame: 0,
        answered: 0,
        invited: None,
    };
    let mut drawn = Drawn {
        years: [1, 2].map(|year| Year { year, cells: (0..CELLS).map(cell).collect() }),
        link: Link::default(),
        sums: [0, 1].map(|_| (0..CELLS).map(CellSums::new).collect()),
        blanks: [vec![0; CELLS], vec![0; CELLS]],
        pairs: Vec::new(),
    };
    let mut pairs: BTreeMap<(usize, usize), (u64, u64, OverlapSums)> = BTreeMap::new();
    for business in population {
        let readiness = chance.even();
        let later = if chance.even() < LOYAL { readiness } else { chance.even() };
        let mut answers = [None, None];
        for (year, readiness) in [readiness, later].into_iter().enumerate() {
            let Some((cell, y)) = business[year] else { continue };
            let counts = &mut drawn.years[year].cells[cell];
            counts.frame += 1;
            if readiness < rates[size_of(cell)] {
                counts.answered += 1;
                // A reply without the item is a reply all the same.
                let y = (blank == 0.0 || chance.even() >= blank).then_some(y);
                match y {
                    Some(y) => drawn.sums[year][cell].add(y),
                    None => drawn.blanks[year][cell] += 1,
                }
                answers[year] = Some(y);
            }
        }
        if let [Some((from, _)), Some((to, _))] = business {
            let pair = pairs.entry((*from, *to)).or_insert_with(|| (0, 0, OverlapSums::new(*from, *to)));
            pair.0 += 1;
            if let [Some(x), Some(y)] = answers {
                pair.1 += 1;
                pair.2.add(x, y);
            }
        }
    }
    for ((from, to), (frame, answered, sums)) in pairs {
        drawn.link.frame.push(Linked { from, to, n: frame });
        if answered > 0 {
            drawn.link.answered.push(Linked { from, to, n: answered });
            drawn.pairs.push(sums);
        }
    }
    drawn
}

/// The sums of a domain that is a sector; `None`: the total.
fn within(drawn: &Drawn, sector: Option<usize>) -> ([Vec<CellSums>; 2], Vec<OverlapSums>) {
    let inside = |cell: usize| sector.is_none_or(|s| s == sector_of(cell));
    let sums = [0, 1].map(|year| drawn.sums[year].iter().filter(|s| inside(s.cell) && s.n > 0).copied().collect());
    let pair = |pair: &OverlapSums| {
        let (before, now) = (inside(pair.from), inside(pair.to));
        let mut kept = OverlapSums::new(pair.from, pair.to);
        if before {
            (kept.n_x, kept.sum_x, kept.sum_xx) = (pair.n_x, pair.sum_x, pair.sum_xx);
        }
        if now {
            (kept.n_y, kept.sum_y, kept.sum_yy) = (pair.n_y, pair.sum_y, pair.sum_yy);
        }
        if before && now {
            (kept.n_xy, kept.both_x, kept.both_y, kept.sum_xy) = (pair.n_xy, pair.both_x, pair.both_y, pair.sum_xy);
        }
        kept
    };
    (sums, drawn.pairs.iter().map(pair).collect())
}

fn options(weighting: Weighting, fpc: Fpc, variance: VarianceKind) -> Options {
    Options { weighting, fpc, variance, size_order: Vec::new() }
}

fn cells() -> Weighting {
    // A thin sector joins the next larger one; the largest never needs to.
    let collapse_into = (1..SECTORS.len()).map(|s| (s.to_string(), (s - 1).to_string())).collect();
    Weighting::Cells { min_cell: MIN_CELL, collapse_into }
}

fn rake() -> Weighting {
    Weighting::Rake { margins: vec!["sector".to_owned(), "size".to_owned()], bounds: None }
}

/// Coverage, and the standard error against what it stands for.
#[derive(Debug, Default, Clone)]
struct Tally {
    changes: Vec<f64>,
    variance: f64,
    intervals: u32,
    hits: u32,
    without: u32,
}

impl Tally {
    fn add(&mut self, change: &Change, truth: f64) {
        let (Some(value), Some(se), Some(interval)) = (change.change, change.se, change.interval) else {
            self.without += 1;
            return;
        };
        self.changes.push(value);
        self.variance += se * se;
        self.intervals += 1;
        self.hits += u32::from(interval.lower <= truth && truth <= interval.upper);
    }

    /// √(mean variance) / standard deviation of the estimates.
    fn ratio(&self) -> f64 {
        let n = self.changes.len() as f64;
        let mean = self.changes.iter().sum::<f64>() / n;
        let spread = self.changes.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (self.variance / n / spread).sqrt()
    }
}

/// A row of the table: one estimator for one or several domains (0 is the total, 1 and following the sectors).
struct Row {
    name: &'static str,
    blank: bool,
    options: Options,
    overlap: Overlap,
    domains: std::ops::Range<usize>,
    tallies: Vec<Tally>,
}

fn rows() -> Vec<Row> {
    let row = |name, blank, options, overlap, domains: std::ops::Range<usize>| Row {
        name,
        blank,
        options,
        overlap,
        tallies: vec![Tally::default(); domains.len()],
        domains,
    };
    let plain = || options(cells(), Fpc::Unit, VarianceKind::Design);
    let raked = |fpc, variance| options(rake(), fpc, variance);
    vec![
        row("cells, total", false, plain(), Overlap::Own, 0..1),
        row("cells, large sectors", false, plain(), Overlap::Own, 1..THIN + 1),
        row("cells, thin sectors", false, plain(), Overlap::Own, THIN + 1..SECTORS.len() + 1),
        row("cells, thin sectors, pooled", false, plain(), Overlap::Pooled, THIN + 1..SECTORS.len() + 1),
        row("cells, years independent", false, plain(), Overlap::None, 0..1),
        row("rake, variance design", false, raked(Fpc::Unit, VarianceKind::Design), Overlap::Own, 0..1),
        row("rake, variance response", false, raked(Fpc::Unit, VarianceKind::Response), Overlap::Own, 0..1),
        row("40 % blank, cells, fpc unit", true, plain(), Overlap::Own, 0..1),
        row("40 % blank, cells, fpc item", true, options(cells(), Fpc::Item, VarianceKind::Design), Overlap::Own, 0..1),
        row("40 % blank, rake response, item", true, raked(Fpc::Item, VarianceKind::Response), Overlap::Own, 0..1),
    ]
}

/// Probabilities by size that give this response rate in the first year.
fn rates(population: &[Business], response: f64) -> [f64; 4] {
    let sizes: Vec<usize> = population.iter().filter_map(|b| b[0]).map(|(cell, _)| size_of(cell)).collect();
    let mut level = response;
    let at = |level: f64| SIZES.map(|(_, willing)| (willing * level).min(0.95));
    // A few steps of a fixed point: the limit of 95 % binds for few.
    for _ in 0..50 {
        let reached = sizes.iter().map(|s| at(level)[*s]).sum::<f64>() / sizes.len() as f64;
        level *= response / reached;
    }
    at(level)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|a| a.parse::<u64>().expect("a whole number"));
    let replications = arguments.next().unwrap_or(2_000);
    let seed = arguments.next().unwrap_or(1);
    let mut chance = Chance(seed.wrapping_mul(0xD134_2543_DE82_EF95));
    let population = population(&mut chance);
    let truth = truth(&population);
    println!("{replications} replications, seed {seed}; {} businesses; true change {:.2}", population.len(), truth[0]);
    println!("coverage of the 95 % interval of a change · √mean variance / true standard deviation");
    let mut table: Vec<(&'static str, String)> = rows().iter().map(|row| (row.name, String::new())).collect();
    for response in [0.20, 0.35, 0.60] {
        let rates = rates(&population, response);
        let mut rows = rows();
        let (mut joined, mut apart, mut both, mut first, mut refused) = (0, 0_u64, 0, 0, 0_u64);
        for _ in 0..replications {
            let plain = draw(&mut chance, &population, rates, 0.0);
            let blank = draw(&mut chance, &population, rates, BLANK);
            both += plain.link.answered.iter().map(|l| l.n).sum::<u64>();
            first += plain.years[0].cells.iter().map(|c| c.answered).sum::<u64>();
            let own =
                |year: usize| Design::single(&plain.years[year], &options(cells(), Fpc::Unit, VarianceKind::Design));
            if let (Ok(one), Ok(other)) = (own(0), own(1)) {
                let joins = |design: &Design| -> Vec<_> {
                    design.collapses().iter().map(|c| (c.sector.clone(), c.class.clone(), c.into.clone())).collect()
                };
                joined += joins(&one).len() + joins(&other).len();
                apart += u64::from(joins(&one) != joins(&other));
            }
            for row in &mut rows {
                let drawn = if row.blank { &blank } else { &plain };
                let designs = match Design::build(&[&drawn.years[0], &drawn.years[1]], &row.options) {
                    Ok(designs) => designs,
                    Err(DesignError::EmptyCategory { .. }) => {
                        refused += 1;
                        continue;
                    }
                    Err(error) => panic!("{}: {error}", row.name),
                };
                for (domain, tally) in row.domains.clone().zip(&mut row.tallies) {
                    let (sums, pairs) = within(drawn, domain.checked_sub(1));
                    let figure = |year: usize| {
                        designs[year].figure(
                            Scale::mean(0.0, 100.0),
                            Sums::Businesses(&sums[year]),
                            &drawn.blanks[year],
                        )
                    };
                    let change = change(&figure(0), &figure(1), &drawn.link, Pairs::Businesses(&pairs), row.overlap);
                    tally.add(&change, truth[domain]);
                }
            }
        }
        for (row, (_, line)) in rows.iter().zip(&mut table) {
            let (hits, intervals) = row.tallies.iter().fold((0, 0), |(h, n), t| (h + t.hits, n + t.intervals));
            let ratio = row.tallies.iter().map(Tally::ratio).sum::<f64>() / row.tallies.len() as f64;
            line.push_str(&format!("{:>10.1} % · {ratio:.2}", 100.0 * f64::from(hits) / f64::from(intervals.max(1))));
        }
        let without: u32 = rows.iter().flat_map(|row| &row.tallies).map(|t| t.without).sum();
        println!(
            "{:.0} %: {:.0} % of the first year's respondents answer again; {:.1} cells joined per year; the years alone would join \
             differently in {:.0} % of replications; {refused} raked designs refused (a sector without an answer); {without} changes without an interval",
            100.0 * response,
            100.0 * both as f64 / first as f64,
            joined as f64 / (2 * replications) as f64,
            100.0 * apart as f64 / replications as f64,
        );
    }
    println!("\n{:<34}{:>14}{:>17}{:>17}", "response", "20 %", "35 %", "60 %");
    for (name, line) in table {
        println!("{name:<34}{line}");
    }
}
