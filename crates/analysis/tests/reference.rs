//! The engine through its files equals R's `survey` package (values in `shared/reference/statistics`).
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use analysis::{Format, Fpc, Method, Options, Overlap, Weighting};

const INDICATORS: &str = r#"
[[indicator]]
id = "nki"
kind = "index"
items = ["q1", "q2", "q3"]
scale = [1, 10]
headline = true

[[indicator]]
id = "sat"
kind = "share"
of = "nki"
at_least = 60

[[indicator]]
id = "service"
kind = "mean"
item = "service"
scale = [1, 5]
"#;

type Rows = HashMap<Vec<String>, HashMap<String, String>>;

fn reference() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/statistics");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no reference values in {}", folder.display());
    None
}

fn rows(path: &Path, key: &[&str], wanted: impl Fn(&HashMap<String, String>) -> bool) -> Rows {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let mut rows = Rows::new();
    for record in reader.records() {
        let record = record.unwrap();
        let row: HashMap<String, String> =
            header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect();
        if wanted(&row) {
            let key: Vec<String> = key.iter().map(|k| row[*k].clone()).collect();
            assert!(rows.insert(key.clone(), row).is_none(), "{key:?} stands twice");
        }
    }
    rows
}

fn run(folder: &Path, method: Method) -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    let indicators = out.path().join("indicators.toml");
    std::fs::write(&indicators, INDICATORS).unwrap();
    let options = Options {
        frame: folder.join("in_frame.csv"),
        responses: folder.join("in_responses.csv"),
        indicators,
        out: out.path().to_owned(),
        format: Format::Csv,
        method,
    };
    let analysis = analysis::analyse(&options).unwrap();
    analysis::write(&analysis, &options.out, options.format).unwrap();
    out
}

fn method() -> Method {
    let by = ["sector", "size", "contact"].map(str::to_owned).to_vec();
    Method { by, min_n: 0, ..Method::default() }
}

#[track_caller]
fn equal(what: &str, ours: &str, theirs: &str) {
    let number = |s: &str| s.parse::<f64>().unwrap_or_else(|_| panic!("{what}: \"{s}\" is not a number"));
    let (a, b) = (number(ours), number(theirs));
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-3), "{what}: {a} is not {b}");
}

fn domain(expected: &str) -> (String, String) {
    match expected.split_once('=') {
        Some((domain, group)) => (domain.to_owned(), group.to_owned()),
        None => ("total".to_owned(), expected.to_owned()),
    }
}

/// Estimates, standard errors, intervals of shares and design effects of one design.
fn estimates_equal(folder: &Path, out: &Path, design: &str) {
    let ours = rows(&out.join("estimates.csv"), &["indicator", "year", "domain", "group"], |_| true);
    let expected = folder.join("expected.csv");
    let mut compared = 0;
    for case in ["mean", "by", "ciprop_xlogit"] {
        let of_design = |r: &HashMap<String, String>| r["case"] == case && r["design"] == design;
        for (key, theirs) in rows(&expected, &["variable", "year", "domain"], of_design) {
            let (domain, group) = domain(&key[2]);
            let what = format!("{design} {case} {key:?}");
            let found = ours.get(&vec![key[0].clone(), key[1].clone(), domain.clone(), group]);
            let Some(ours) = found else { panic!("{what}: no row") };
            assert_eq!(ours["n"], theirs["n"], "{what}: n");
            equal(&format!("{what}: estimate"), &ours["estimate"], &theirs["estimate"]);
            equal(&format!("{what}: se"), &ours["se"], &theirs["se"]);
            if case == "ciprop_xlogit" {
                assert_eq!(ours["df"], theirs["df"], "{what}: df");
                equal(&format!("{what}: lower"), &ours["ci_lower"], &theirs["ci_lower"]);
                equal(&format!("{what}: upper"), &ours["ci_upper"], &theirs["ci_upper"]);
            }
            if case == "mean" {
                equal(&format!("{what}: deff"), &ours["deff"], &theirs["deff"]);
                if key[0] == "nki" {
                    assert_eq!(ours["df"], theirs["df"], "{what}: df");
                    equal(&format!("{what}: lower"), &ours["ci_lower"], &theirs["ci_lower"]);
                    equal(&format!("{what}: upper"), &ours["ci_upper"], &theirs["ci_upper"]);
                }
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "only {compared} values of {design} were compared");
}

fn weights_equal(folder: &Path, out: &Path, design: &str) {
    let ours = rows(&out.join("weights.csv"), &["year", "business_id"], |_| true);
    let of_design = |r: &HashMap<String, String>| r["design"] == design;
    let theirs = rows(&folder.join("expected_weights.csv"), &["year", "business_id"], of_design);
    assert_eq!(ours.len(), theirs.len());
    for (key, theirs) in theirs {
        equal(&format!("{design} {key:?}"), &ours[&key]["weight"], &theirs["weight"]);
    }
}

fn changes_equal(folder: &Path, out: &Path, design: &str) {
    let ours = rows(&out.join("changes.csv"), &["indicator", "domain", "group"], |_| true);
    let of_design = |r: &HashMap<String, String>| r["case"] == "yoy" && r["design"] == design;
    let theirs = rows(&folder.join("expected.csv"), &["variable", "domain"], of_design);
    assert!(theirs.len() > 20, "{} changes of {design}", theirs.len());
    for (key, theirs) in theirs {
        let (domain, group) = domain(&key[1]);
        let what = format!("{design} {key:?}");
        let ours = &ours[&vec![key[0].clone(), domain, group]];
        let note = |name: &str| {
            let prefix = format!("{name}=");
            theirs["note"].split("; ").find_map(|n| n.strip_prefix(&prefix)).unwrap().to_owned()
        };
        let n = ours["n_from"].parse::<u64>().unwrap() + ours["n_to"].parse::<u64>().unwrap();
        assert_eq!(n.to_string(), theirs["n"], "{what}: n");
        equal(&format!("{what}: change"), &ours["change"], &theirs["estimate"]);
        equal(&format!("{what}: se"), &ours["se"], &theirs["se"]);
        equal(&format!("{what}: p"), &ours["p_value"], &note("p_t"));
        assert_eq!(ours["df"], theirs["df"], "{what}: df");
        equal(&format!("{what}: lower"), &ours["ci_lower"], &theirs["ci_lower"]);
        equal(&format!("{what}: upper"), &ours["ci_upper"], &theirs["ci_upper"]);
    }
}

/// Adjusted p-values of the sectors, per variable.
fn families_equal(folder: &Path, out: &Path) {
    let ours = rows(&out.join("changes.csv"), &["indicator", "domain", "group"], |_| true);
    let of_design = |r: &HashMap<String, String>| r["case"].starts_with("padj") && r["design"] == "OVERLAP_FPC";
    let theirs = rows(&folder.join("expected.csv"), &["case", "variable", "domain", "estimand"], of_design);
    let mut compared = 0;
    for (key, theirs) in theirs.iter().filter(|(k, _)| k[0].eq_ignore_ascii_case("padj_bh")) {
        let (domain, group) = domain(&key[2]);
        let ours = &ours[&vec![key[1].clone(), domain, group]];
        equal(&format!("{key:?}"), &ours["p_adjusted"], &theirs["estimate"]);
        compared += 1;
    }
    assert!(compared >= 20, "{compared} adjusted p-values");
}

#[test]
fn stratified_estimates_weights_and_changes_equal_r() {
    let Some(folder) = reference() else { return };
    let out = run(&folder, method());
    estimates_equal(&folder, out.path(), "STRAT_FPC");
    weights_equal(&folder, out.path(), "STRAT_FPC");
    changes_equal(&folder, out.path(), "OVERLAP_FPC");
    families_equal(&folder, out.path());
}

#[test]
fn stratified_estimates_without_correction_equal_r() {
    let Some(folder) = reference() else { return };
    let out = run(&folder, Method { fpc: Fpc::None, ..method() });
    estimates_equal(&folder, out.path(), "STRAT_NOFPC");
    changes_equal(&folder, out.path(), "OVERLAP_NOFPC");
}

#[test]
fn pooled_correlation_equals_the_reference() {
    let Some(folder) = reference() else { return };
    let out = run(&folder, Method { overlap: Overlap::Pooled, ..method() });
    changes_equal(&folder, out.path(), "OVERLAP_FPC_POOLEDRHO");
}

#[test]
fn raked_estimates_and_weights_equal_r() {
    let Some(folder) = reference() else { return };
    let out = run(&folder, Method { weights: Weighting::Rake, ..method() });
    estimates_equal(&folder, out.path(), "RAKE_FPC");
    weights_equal(&folder, out.path(), "RAKE_FPC");
}

#[test]
fn one_weight_for_all_equals_r() {
    let Some(folder) = reference() else { return };
    let out = run(&folder, Method { weights: Weighting::None, ..method() });
    estimates_equal(&folder, out.path(), "SRS_FPC");
}

/// The frame and the responses as Parquet, with numbers as numbers, and as CSV of a Danish spreadsheet: byte order mark, semicolons.
#[test]
fn other_forms_of_the_same_files_give_the_same_tables() {
    use polars::prelude::*;
    let Some(folder) = reference() else { return };
    let plain = run(&folder, method());
    let forms = tempfile::tempdir().unwrap();
    for form in ["parquet", "semicolons"] {
        let other = forms.path().join(form);
        std::fs::create_dir(&other).unwrap();
        for name in ["in_frame.csv", "in_responses.csv"] {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            if form == "semicolons" {
                std::fs::write(other.join(name), format!("\u{feff}{}", text.replace(',', ";"))).unwrap();
                continue;
            }
            let reader =
                CsvReadOptions::default().into_reader_with_file_handle(std::io::Cursor::new(text.into_bytes()));
            let mut data = reader.finish().unwrap();
            assert_eq!(data.column("year").unwrap().dtype(), &DataType::Int64);
            ParquetWriter::new(std::fs::File::create(other.join(name)).unwrap()).finish(&mut data).unwrap();
        }
        let out = run(&other, method());
        for name in ["estimates.csv", "changes.csv", "coverage.csv", "weights.csv"] {
            let read = |out: &Path| std::fs::read_to_string(out.join(name)).unwrap();
            assert!(read(plain.path()) == read(out.path()), "{form}: {name} differs");
        }
    }
}
