//! Equivalence with R (`survey`): every row of the reference tables that these estimators cover.
//!
//! Reads `../shared/reference/statistics` beside the checkout and skips with a message where it is absent. Rows that are not
//! covered are listed with reasons in [`NOT_COVERED`]; a row that is neither covered nor listed fails the test.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data fails")]
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use domain::results::Estimate;
use statistics::change::{benjamini_hochberg, holm};
use statistics::drivers::{Correlations, johnson, shapley};
use statistics::reliability::cronbach_alpha;
use statistics::{
    Cell, CellSums, Change, Design, DesignError, Figure, Fpc, Link, Linked, Options, Overlap, OverlapSums, Pairs,
    Scale, Sums, Weighting, Year, change,
};

/// (case, design) prefixes that the product does not compute, and why.
const NOT_COVERED: [(&str, &str, &str); 31] = [
    ("api", "", "totals, ratios, one-stage clusters of the survey package's own data: no estimator of ours"),
    ("api_ciprop", "", "the survey package's own data, see ciprop"),
    ("by_z", "", "normal quantiles: our intervals use t"),
    ("mean_deff_wr", "", "we report deff against sampling without replacement"),
    ("total", "", "totals are not estimated"),
    ("mean", "POST_", "post-stratification: cell weights are the stratified design (same estimates)"),
    ("by", "POST_", "as above"),
    ("weights", "POST_", "as above"),
    ("ciprop_xlogit", "POST_", "as above"),
    ("mean", "CALLIN_FPC", "linear calibration can give negative weights: not offered"),
    ("by", "CALLIN_FPC", "as above"),
    ("weights", "CALLIN_FPC", "as above"),
    ("ciprop_xlogit", "CALLIN_FPC", "as above"),
    ("mean", "RAKE_R_DEFAULT", "R's loose stopping rule"),
    ("by", "RAKE_R_DEFAULT", "as above"),
    ("weights", "RAKE_R_DEFAULT", "as above"),
    ("ciprop_xlogit", "RAKE_R_DEFAULT", "as above"),
    ("ciprop_asin", "", "one interval for shares: logit"),
    ("ciprop_beta", "", "as above"),
    ("ciprop_likelihood", "", "as above"),
    ("ciprop_logit", "", "as above (iterative)"),
    ("ciprop_mean", "", "as above"),
    ("jackknife", "", "linearisation only"),
    ("trim", "", "cut weights break the margins: ours are bounded and keep them"),
    ("svyglm", "", "no regression"),
    ("svyttest", "", "the change test uses § 4's degrees of freedom"),
    ("svychisq_F", "", "no chi-square test"),
    ("yoy", "PANEL_PSU", "the biased or inefficient alternatives of the Monte Carlo"),
    ("padj_BY", "", "Benjamini-Hochberg and Holm only"),
    ("padj_bonferroni", "", "as above"),
    ("padj_hochberg", "", "as above"),
];

fn folder() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/statistics");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

type Record = HashMap<String, String>;
/// N and n by sector and size.
type Counts = BTreeMap<(String, String), (u64, u64)>;

fn read(name: &str) -> Option<Vec<Record>> {
    let mut reader = csv::Reader::from_path(folder()?.join(name)).expect("the reference file opens");
    Some(reader.deserialize().map(|row| row.expect("the reference row reads")).collect())
}

fn number(record: &Record, column: &str) -> Option<f64> {
    record[column].parse().ok()
}

#[track_caller]
fn near(what: &str, actual: Option<f64>, expected: Option<f64>) {
    let (Some(a), Some(e)) = (actual, expected) else { panic!("{what}: {actual:?} where {expected:?} is expected") };
    // Twelve digits are printed; 1e-9 relative is the contract.
    assert!((a - e).abs() <= 1e-9 * e.abs().max(1e-9), "{what}: {a} is not {e}");
}

struct Business {
    id: String,
    sector: String,
    size: String,
    contact: bool,
    nki: f64,
    sat: f64,
    service: Option<f64>,
    items: [f64; 3],
    drivers: [f64; 4],
}

impl Business {
    fn value(&self, variable: &str) -> Option<f64> {
        match variable {
            "nki" => Some(self.nki),
            "sat" => Some(self.sat),
            "service" => self.service,
            other => panic!("no variable {other}"),
        }
    }

    fn within(&self, domain: &str) -> bool {
        match domain.split_once('=') {
            None => domain == "all",
            Some(("sector", key)) => self.sector == key,
            Some(("size", key)) => self.size == key,
            Some(("contact", key)) => self.contact == (key == "1"),
            Some(other) => panic!("no domain {other:?}"),
        }
    }
}

struct Data {
    years: BTreeMap<i32, Year>,
    index: BTreeMap<i32, BTreeMap<(String, String), usize>>,
    answers: BTreeMap<i32, Vec<Business>>,
    link: Link,
}

const SIZES: [&str; 4] = ["1-4", "5-9", "10-49", "50+"];

fn scale(variable: &str) -> Scale {
    match variable {
        "sat" => Scale::SHARE,
        "nki" => Scale::mean(0.0, 100.0),
        _ => Scale::mean(1.0, 5.0),
    }
}

fn data() -> Option<Data> {
    let frame = read("in_frame.csv")?;
    let responses = read("in_responses.csv")?;
    let mut data =
        Data { years: BTreeMap::new(), index: BTreeMap::new(), answers: BTreeMap::new(), link: Link::default() };
    let mut cells: BTreeMap<i32, Counts> = BTreeMap::new();
    let place = |r: &Record| (r["sector"].clone(), r["size"].clone());
    for r in &frame {
        cells.entry(r["year"].parse().unwrap()).or_default().entry(place(r)).or_default().0 += 1;
    }
    for r in &responses {
        let year: i32 = r["year"].parse().unwrap();
        cells.get_mut(&year).unwrap().get_mut(&place(r)).unwrap().1 += 1;
        let of = |column: &str| number(r, column).unwrap();
        let items = [of("q1"), of("q2"), of("q3")];
        let nki = (items.iter().sum::<f64>() - 3.0) / 27.0 * 100.0;
        data.answers.entry(year).or_default().push(Business {
            id: r["business_id"].clone(),
            sector: r["sector"].clone(),
            size: r["size"].clone(),
            contact: r["contact"] == "1",
            nki,
            sat: f64::from(u8::from(nki >= 60.0)),
            service: number(r, "service"),
            items,
            drivers: [of("d1"), of("d2"), of("d3"), of("d4")],
        });
    }
    for (year, cells) in cells {
        let index = cells.keys().cloned().enumerate().map(|(i, key)| (key, i)).collect();
        let cells = cells
            .into_iter()
            .map(|((sector, size), (frame, answered))| Cell {
                margins: vec![sector.clone(), size.clone()],
                sector,
                size,
                frame,
                answered,
                invited: None,
            })
            .collect();
        data.index.insert(year, index);
        data.years.insert(year, Year { year, cells });
    }
    let cell_of = |year: i32, r: &Record| data.index[&year][&place(r)];
    let mut by_business: HashMap<&str, [Option<usize>; 2]> = HashMap::new();
    for r in &frame {
        let year: i32 = r["year"].parse().unwrap();
        by_business.entry(&r["business_id"]).or_default()[(year - 2024) as usize] = Some(cell_of(year, r));
    }
    let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    for [from, to] in by_business.values() {
        if let (Some(from), Some(to)) = (from, to) {
            *counts.entry((*from, *to)).or_default() += 1;
        }
    }
    let frame_links = counts.into_iter().map(|((from, to), n)| Linked { from, to, n }).collect();
    let pairs = pairs(&data, "nki", "all");
    data.link = Link {
        frame: frame_links,
        answered: pairs.iter().map(|p| Linked { from: p.from, to: p.to, n: p.n_xy }).collect(),
    };
    Some(data)
}

impl Data {
    fn cell(&self, year: i32, business: &Business) -> usize {
        self.index[&year][&(business.sector.clone(), business.size.clone())]
    }

    fn sums(&self, year: i32, variable: &str, domain: &str) -> Vec<CellSums> {
        let mut sums: Vec<CellSums> = (0..self.years[&year].cells.len()).map(CellSums::new).collect();
        for business in self.answers[&year].iter().filter(|b| b.within(domain)) {
            if let Some(y) = business.value(variable) {
                sums[self.cell(year, business)].add(y);
            }
        }
        sums
    }

    fn figure(&self, design: &Design, year: i32, variable: &str, domain: &str) -> Figure {
        design.figure(scale(variable), Sums::Businesses(&self.sums(year, variable, domain)), &[])
    }
}

fn pairs(data: &Data, variable: &str, domain: &str) -> Vec<OverlapSums> {
    let later: HashMap<&str, &Business> = data.answers[&2025].iter().map(|b| (b.id.as_str(), b)).collect();
    let mut sums: BTreeMap<(usize, usize), OverlapSums> = BTreeMap::new();
    for a in &data.answers[&2024] {
        let Some(b) = later.get(a.id.as_str()) else { continue };
        let (from, to) = (data.cell(2024, a), data.cell(2025, b));
        let value = |b: &Business| b.within(domain).then(|| b.value(variable)).flatten();
        sums.entry((from, to)).or_insert_with(|| OverlapSums::new(from, to)).add(value(a), value(b));
    }
    sums.into_values().collect()
}

fn options(design: &str) -> Option<Options> {
    let (name, fpc) = design.rsplit_once('_')?;
    let fpc = match fpc {
        "FPC" => Fpc::Unit,
        "NOFPC" => Fpc::None,
        _ => return None,
    };
    let weighting = match name {
        "STRAT" => Options::default().weighting,
        "SRS" => Weighting::None,
        "RAKE" | "CALRAKE" => Weighting::Rake { margins: vec!["sector".into(), "size".into()], bounds: None },
        _ => return None,
    };
    Some(Options { weighting, fpc, size_order: SIZES.map(str::to_owned).to_vec(), ..Options::default() })
}

/// Checks a row of `mean`, `by` or `ciprop_xlogit`.
fn check_estimate(r: &Record, estimate: &Estimate) {
    let what = format!("{} {} {} {} {}", r["case"], r["design"], r["year"], r["variable"], r["domain"]);
    assert_eq!(estimate.n, r["n"].parse::<u64>().unwrap(), "{what}: n");
    near(&what, estimate.value, number(r, "estimate"));
    near(&format!("{what}: SE"), estimate.se, number(r, "se"));
    if r["case"] == "ciprop_xlogit" {
        // § 3 throughout.
        near(&format!("{what}: df"), estimate.df, number(r, "df"));
        let interval = estimate.interval.unwrap();
        near(&format!("{what}: lower"), Some(interval.lower), number(r, "ci_lower"));
        near(&format!("{what}: upper"), Some(interval.upper), number(r, "ci_upper"));
    }
    if r["case"] == "mean" {
        near(&format!("{what}: deff"), estimate.deff, number(r, "deff"));
        if estimate.n > 1000 {
            // Nobody outside the domain: R's degrees of freedom of the full design are ours.
            near(&format!("{what}: df"), estimate.df, number(r, "df"));
        }
        if estimate.n > 1000 && r["variable"] != "sat" {
            let interval = estimate.interval.unwrap();
            near(&format!("{what}: lower"), Some(interval.lower), number(r, "ci_lower"));
            near(&format!("{what}: upper"), Some(interval.upper), number(r, "ci_upper"));
        }
    }
}

fn check_weights(r: &Record, design: &Design) {
    let summary = design.summary();
    let actual = match r["estimand"].as_str() {
        "sum_weights" => summary.sum,
        "kish_deff" => summary.kish_deff,
        "n_eff" => summary.n_eff,
        other => panic!("no estimand {other}"),
    };
    near(&format!("{} {} {}", r["design"], r["year"], r["estimand"]), Some(actual), number(r, "estimate"));
}

fn check_change(r: &Record, change: &Change) {
    let what = format!("{} {} {}", r["design"], r["variable"], r["domain"]);
    assert_eq!(change.n_from + change.n_to, r["n"].parse::<u64>().unwrap(), "{what}: n");
    near(&what, change.change, number(r, "estimate"));
    near(&format!("{what}: SE"), change.se, number(r, "se"));
    if r["design"].starts_with("OVERLAP") {
        near(&format!("{what}: df"), change.df, number(r, "df"));
        let interval = change.interval.unwrap();
        near(&format!("{what}: lower"), Some(interval.lower), number(r, "ci_lower"));
        near(&format!("{what}: upper"), Some(interval.upper), number(r, "ci_upper"));
        let p = r["note"].split("p_t=").nth(1).and_then(|p| p.parse().ok());
        near(&format!("{what}: p"), change.p_value, p);
    }
}

fn is_listed(r: &Record) -> bool {
    NOT_COVERED.iter().any(|(case, design, _)| {
        let same_case = if *case == "api_ciprop" { r["case"].starts_with(case) } else { r["case"] == *case };
        same_case && r["design"].starts_with(design)
    })
}

#[test]
fn every_covered_row_equals_r() {
    let Some(data) = data() else { return };
    let rows = read("expected.csv").unwrap();
    let mut designs: HashMap<String, BTreeMap<i32, Design>> = HashMap::new();
    let mut checked: BTreeMap<String, usize> = BTreeMap::new();
    for r in rows.iter().filter(|r| !is_listed(r)) {
        let case = r["case"].as_str();
        match case {
            "mean" | "by" | "ciprop_xlogit" | "weights" | "yoy" => {
                let name = match r["design"].as_str() {
                    "IND_NOFPC" | "OVERLAP_NOFPC" => "STRAT_NOFPC",
                    "IND_FPC" | "OVERLAP_FPC" | "OVERLAP_FPC_POOLEDRHO" => "STRAT_FPC",
                    other => other,
                };
                let options = options(name).unwrap_or_else(|| panic!("{case} {name} is neither covered nor listed"));
                let designs = designs.entry(name.to_owned()).or_insert_with(|| {
                    let years: Vec<&Year> = data.years.values().collect();
                    data.years.keys().copied().zip(Design::build(&years, &options).unwrap()).collect()
                });
                if case == "yoy" {
                    let overlap = match r["design"].as_str() {
                        "IND_FPC" | "IND_NOFPC" => Overlap::None,
                        "OVERLAP_FPC_POOLEDRHO" => Overlap::Pooled,
                        _ => Overlap::Own,
                    };
                    let figures =
                        [2024, 2025].map(|year| data.figure(&designs[&year], year, &r["variable"], &r["domain"]));
                    let pairs = pairs(&data, &r["variable"], &r["domain"]);
                    check_change(r, &change(&figures[0], &figures[1], &data.link, Pairs::Businesses(&pairs), overlap));
                } else {
                    let year: i32 = r["year"].parse().unwrap();
                    let design = &designs[&year];
                    if case == "weights" {
                        check_weights(r, design);
                    } else {
                        check_estimate(r, data.figure(design, year, &r["variable"], &r["domain"]).estimate());
                    }
                }
            }
            // Checked in tests of their own below.
            "padj_BH" | "padj_holm" | "driver_corr" | "driver_beta" | "driver_shapley_lmg" | "driver_johnson_rw"
            | "alpha" | "edge" | "edge_ciprop01" => {}
            other => panic!("{other} {} is neither covered nor listed", r["design"]),
        }
        *checked.entry(case.to_owned()).or_default() += 1;
    }
    println!("{checked:?}");
    assert_eq!(
        (checked["mean"], checked["by"], checked["ciprop_xlogit"], checked["weights"], checked["yoy"]),
        (36, 576, 52, 36, 110)
    );
}

#[test]
fn every_weight_equals_r() {
    let Some(data) = data() else { return };
    let rows = read("expected_weights.csv").unwrap();
    let mut cells: HashMap<(i32, &str), usize> = HashMap::new();
    for (year, businesses) in &data.answers {
        cells.extend(businesses.iter().map(|b| ((*year, b.id.as_str()), data.cell(*year, b))));
    }
    let mut designs: HashMap<(&str, i32), Design> = HashMap::new();
    let mut seen = BTreeSet::new();
    for r in &rows {
        // The tiny edge data has no year; the survey package's own data is not ours.
        let (name, Ok(year)) = (r["design"].as_str(), r["year"].parse()) else { continue };
        let Some(options) = options(name) else { continue };
        let design =
            designs.entry((name, year)).or_insert_with(|| Design::single(&data.years[&year], &options).unwrap());
        near(
            &format!("{name} {year} {}", r["business_id"]),
            design.weight(cells[&(year, r["business_id"].as_str())]),
            number(r, "weight"),
        );
        seen.insert(name);
    }
    println!("{seen:?}");
    assert!(seen.len() >= 4);
}

#[test]
fn adjusted_p_values_equal_r() {
    let Some(rows) = read("expected.csv") else { return };
    let mut families: BTreeMap<[&str; 3], (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for r in rows.iter().filter(|r| r["case"] == "padj_BH" || r["case"] == "padj_holm") {
        let raw = r["note"].split("p_raw=").nth(1).unwrap().split(',').next().unwrap();
        let (raws, adjusted) = families.entry(["case", "design", "variable"].map(|c| r[c].as_str())).or_default();
        raws.push(raw.parse().unwrap());
        adjusted.push(number(r, "estimate").unwrap());
    }
    assert_eq!(families.len(), 8);
    for ([case, design, variable], (raw, expected)) in families {
        let actual = if case == "padj_BH" { benjamini_hochberg(&raw) } else { holm(&raw) };
        for (a, e) in actual.into_iter().zip(expected) {
            near(&format!("{case} {design} {variable}"), Some(a), Some(e));
        }
    }
}

#[test]
fn drivers_and_alpha_equal_r() {
    let Some(data) = data() else { return };
    let rows = read("expected.csv").unwrap();
    let design = Design::single(&data.years[&2025], &Options::default()).unwrap();
    let weights: Vec<f64> = data.answers[&2025].iter().map(|b| design.weight(data.cell(2025, b)).unwrap()).collect();
    let columns: Vec<Vec<Option<f64>>> =
        (0..4).map(|d| data.answers[&2025].iter().map(|b| Some(b.drivers[d])).collect()).collect();
    let outcome: Vec<Option<f64>> = data.answers[&2025].iter().map(|b| Some(b.nki)).collect();
    let correlations = Correlations::pairwise(&columns, &outcome, &weights).unwrap();
    let johnson = johnson(&correlations).unwrap();
    let shapley = shapley(&correlations).unwrap();
    let mut checked = 0;
    for r in rows.iter().filter(|r| r["case"].starts_with("driver_")) {
        let driver: usize = r["domain"][1..].parse::<usize>().unwrap() - 1;
        let actual = match r["case"].as_str() {
            "driver_corr" => correlations.with_outcome(driver),
            "driver_beta" => correlations.betas().unwrap()[driver],
            "driver_johnson_rw" => johnson[driver],
            "driver_shapley_lmg" => shapley[driver],
            other => panic!("no case {other}"),
        };
        near(&format!("{} {}", r["case"], r["domain"]), Some(actual), number(r, "estimate"));
        checked += 1;
    }
    assert_eq!(checked, 16);
    let alpha = rows.iter().find(|r| r["case"] == "alpha").unwrap();
    let items: Vec<Vec<Option<f64>>> =
        data.answers[&2025].iter().map(|b| b.items.iter().copied().map(Some).collect()).collect();
    near("alpha", cronbach_alpha(&items, &weights), number(alpha, "estimate"));
}

/// The tiny data set with a singleton, a census stratum, an empty cell, a unanimous mean, p = 1 and p = 0.
#[test]
fn edge_cells_follow_our_rules_where_r_fails_or_drops_businesses() {
    let Some(cells) = read("in_edge_cells.csv") else { return };
    let responses = read("in_edge_responses.csv").unwrap();
    let expected = read("expected.csv").unwrap();
    let mut year = Year { year: 1, cells: Vec::new() };
    for r in &cells {
        year.cells.push(Cell {
            sector: r["sector"].clone(),
            size: r["size"].clone(),
            margins: vec![r["sector"].clone(), r["size"].clone()],
            frame: r["N"].parse().unwrap(),
            answered: r["n"].parse().unwrap(),
            invited: None,
        });
    }
    let sums = |value: &str, sector: Option<&str>| {
        let mut sums: Vec<CellSums> = (0..year.cells.len()).map(CellSums::new).collect();
        for r in responses.iter().filter(|r| sector.is_none_or(|s| r["sector"] == s)) {
            let cell = year.cells.iter().position(|c| c.sector == r["sector"] && c.size == r["size"]).unwrap();
            sums[cell].add(number(r, value).unwrap());
        }
        sums
    };
    let size_order = vec!["small".to_owned(), "large".to_owned()];
    let strata = Options { size_order: size_order.clone(), ..Options::default() };
    let design = Design::single(&year, &strata).unwrap();
    // R fails on the singleton and drops the empty cell's five businesses; here both join their neighbour and Σw is N.
    assert!((design.summary().sum - 125.0).abs() < 1e-12);
    let log: Vec<String> = design.collapses().iter().map(ToString::to_string).collect();
    assert_eq!(
        log,
        [
            "1: sector E1, size class large (1 of 6 answered) joins small",
            "1: sector E3, size class large (0 of 5 answered) joins small"
        ]
    );

    // Raking manages the empty interior cell: R's value.
    let raking = Options {
        weighting: Weighting::Rake { margins: vec!["sector".into(), "size".into()], bounds: None },
        size_order,
        ..Options::default()
    };
    let raked = Design::single(&year, &raking).unwrap();
    let r = expected.iter().find(|r| r["case"] == "edge" && r["design"] == "RAKE").unwrap();
    let figure = raked.figure(Scale::mean(0.0, 100.0), Sums::Businesses(&sums("y", None)), &[]);
    near("edge RAKE", figure.estimate().value, number(r, "estimate"));
    near("edge RAKE: SE", figure.estimate().se, number(r, "se"));

    // E4 is unanimous: a value, SE 0, no interval. E2 keeps its census stratum.
    let e4 = design.figure(Scale::mean(0.0, 100.0), Sums::Businesses(&sums("y", Some("E4"))), &[]);
    assert_eq!((e4.estimate().se, e4.estimate().interval), (Some(0.0), None));
    for r in expected.iter().filter(|r| r["case"] == "edge" && r["design"] == "lonely_remove" && r["variable"] == "y") {
        let Some(("sector", sector @ ("E2" | "E4"))) = r["domain"].split_once('=') else { continue };
        let figure = design.figure(Scale::mean(0.0, 100.0), Sums::Businesses(&sums("y", Some(sector))), &[]);
        near(&r["domain"], figure.estimate().value, number(r, "estimate"));
        near(&r["domain"], figure.estimate().se, number(r, "se"));
    }
    // p = 1 and p = 0, where R has NaN: one-sided bounds.
    for (sector, value) in [("E1", 1.0), ("E3", 0.0)] {
        let figure = design.figure(Scale::SHARE, Sums::Businesses(&sums("sat", Some(sector))), &[]);
        let estimate = figure.estimate();
        assert_eq!((estimate.value, estimate.se), (Some(value), Some(0.0)), "{sector}");
        let distance = 1.0 - 0.025_f64.powf(1.0 / figure.n_eff());
        let interval = estimate.interval.unwrap();
        let (lower, upper) = if value == 1.0 { (1.0 - distance, 1.0) } else { (0.0, distance) };
        near(sector, Some(interval.lower), Some(lower));
        near(sector, Some(interval.upper), Some(upper));
    }
    // Post-stratification stops at an empty cell in R; a margin without any answer stops us.
    let mut empty = year.clone();
    empty.cells.iter_mut().filter(|c| c.sector == "E3").for_each(|c| c.answered = 0);
    let error = Design::single(&empty, &raking).unwrap_err();
    assert!(
        matches!(&error, DesignError::EmptyCategory { margin, category, .. } if margin == "sector" && category == "E3"),
        "{error}"
    );
    let error = Design::single(&empty, &strata).unwrap_err();
    assert!(matches!(&error, DesignError::ThinSector { sector, .. } if sector == "E3"), "{error}");
}
