//! An earlier year, made in another tool, joins the series: from the command line to a change between two years.
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

const MAPPING: &str = r#"
unit = { column = "attribute_1", kind = "workplace" }
date = { column = "submitdate", value = "2023-06-15" }
missing = ["N/A"]
[questions.overall]
column = "Q1"
codes = { "Meget tilfreds" = 5, Tilfreds = 4, Hverken = 3, Utilfreds = 2, "Meget utilfreds" = 1 }
[questions.nki_satisfaction]
column = "Q2"
"#;

fn pejling(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pejling"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("the program starts")
}

/// What a command that succeeds says.
fn said(arguments: &[&str], folder: &Path) -> String {
    let output = pejling(arguments, folder);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("words")
}

/// The one sentence of a command that fails.
fn refused(arguments: &[&str], folder: &Path) -> String {
    let output = pejling(arguments, folder);
    let words = String::from_utf8(output.stderr).expect("words");
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert_eq!(words.trim_end().lines().count(), 1, "one sentence: {words}");
    words
}

/// A register extract of forty workplaces of one sector.
fn extract() -> String {
    let mut text = "P-nummer;Navn;Branchekode;Antal ansatte\n".to_owned();
    for n in 0..40 {
        writeln!(text, "10000000{n:02};Smed {n};43.22.00;5").expect("a text takes every line");
    }
    text
}

/// Answers of thirty of them, of which `satisfied` are satisfied, and a row of somebody who is not in the frame.
fn answers(satisfied: usize) -> String {
    let mut text = "id,submitdate,attribute_1,Q1,Q2\n".to_owned();
    for n in 0..30 {
        let word = if n < satisfied { "Meget tilfreds" } else { "Utilfreds" };
        writeln!(text, "{n},2023-05-{:02} 10:00:00,10000000{n:02},{word},{}", 1 + n % 28, 1 + n % 10)
            .expect("a text takes every line");
    }
    text + "99,,1999999999,Tilfreds,5\n100,,1000000035,N/A,\n"
}

#[test]
fn an_earlier_year_joins_the_series_once_and_gives_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let write = |name: &str, text: &str| std::fs::write(at.join(name), text).unwrap();
    write("extract.csv", &extract());
    write("map.toml", MAPPING);
    write("answers-2023.csv", &answers(9));
    write("answers-2024.csv", &answers(24));
    said(&["municipality", "add", "hojager", "--name", "Højager Kommune"], at);
    let import = |year: &'static str, extra: &[&'static str]| {
        let file = if year == "2023" { "answers-2023.csv" } else { "answers-2024.csv" };
        [&["import", "responses", file, "--mapping", "map.toml", "--municipality", "hojager", "--year", year], extra]
            .concat()
    };

    let words = refused(&import("2023", &[]), at);
    assert!(words.contains("no frame of 2023"), "{words}");
    for year in ["2023", "2024"] {
        said(&["import", "frame", "extract.csv", "--municipality", "hojager", "--year", year], at);
    }

    // A mapping with a fault and a value it does not know: nothing is stored.
    write("map.toml", &MAPPING.replace("Hverken = 3", "Hverken = 6"));
    let words = refused(&import("2023", &[]), at);
    assert!(words.contains("map.toml: line 5: questions.overall: \"Hverken\" becomes \"6\""), "{words}");
    write("map.toml", &MAPPING.replace("Utilfreds = 2, ", ""));
    let words = refused(&import("2023", &[]), at);
    assert!(
        words.contains(
            "answers-2023.csv: line 11, column 4 (Q1): \"Utilfreds\" is not in the mapping of overall (21 rows)"
        ),
        "{words}"
    );
    assert!(refused(&["round", "status", "--year", "2023"], at).contains("no round in 2023"));

    write("map.toml", MAPPING);
    let dry = said(&import("2023", &["--dry-run"]), at);
    assert!(dry.contains("32 rows, 30 taken as answers of 2023") && dry.contains("Nothing was stored"), "{dry}");
    assert!(refused(&["round", "status", "--year", "2023"], at).contains("no round in 2023"));

    let first = said(&import("2023", &[]), at);
    for line in [
        "left out, not_in_frame: 1",
        "left out, no_answers: 1",
        "taken, complete: 30",
        "columns not used: id",
        "30 answers added; 0 units",
    ] {
        assert!(first.contains(line), "{line} is missing in:\n{first}");
    }
    let report = std::fs::read_to_string(at.join("answers-2023.report.csv")).unwrap();
    assert_eq!(report.lines().count(), 33);
    assert!(report.contains("32;1999999999;udeladt;;Enheden er ikke med i årets grundlag."), "{report}");
    assert!(!report.contains("tilfreds"), "the report holds no answer");
    let again = said(&import("2023", &[]), at);
    assert!(again.contains("0 answers added; 30 units had an answer already"), "{again}");
    let replaced = said(&import("2023", &["--replace"]), at);
    assert!(
        replaced.contains("30 responses imported before were taken away.\n30 answers added; 0 units"),
        "{replaced}"
    );
    assert!(said(&["round", "status", "--year", "2023"], at).starts_with("2023-målingen: closed"));

    said(&import("2024", &[]), at);
    said(&["analyse", "--municipality", "hojager", "--out", "out"], at);
    let changes = std::fs::read_to_string(at.join("out/changes.csv")).unwrap();
    let heading: Vec<&str> = changes.lines().next().unwrap().split(',').collect();
    let of = |row: &str, name: &str| -> String {
        let index = heading.iter().position(|h| *h == name).unwrap_or_else(|| panic!("{name} in {heading:?}"));
        row.split(',').nth(index).unwrap().to_owned()
    };
    let change = changes
        .lines()
        .skip(1)
        .find(|row| row.starts_with("overall_satisfied,"))
        .unwrap_or_else(|| panic!("{changes}"));
    // 9 and 24 of 30, in a frame of one cell: the change is 50 points.
    let difference: f64 = of(change, "change").parse().unwrap();
    assert!((difference - 0.5).abs() < 1e-9 || (difference - 50.0).abs() < 1e-9, "{change}");

    // A round in preparation is not closed behind anybody's back.
    said(
        &["import", "frame", "extract.csv", "--municipality", "hojager", "--year", "2025", "--classification", "db07"],
        at,
    );
    said(&["round", "create", "--year", "2025", "--closes", "2025-06-30"], at);
    let words = refused(&["import", "responses", "answers-2024.csv", "--mapping", "map.toml", "--year", "2025"], at);
    assert!(words.contains("2025-målingen is draft") && words.contains("pejling round close"), "{words}");
}
