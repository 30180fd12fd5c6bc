//! Independent programs judge what leaves the house: a PDF/UA checker and the validator of data packages, where they are installed
//! (`PEJLING_TEST_CHECKERS` names the folder of both; `tests/run` makes it).
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
#[path = "../../web/tests/figures/mod.rs"]
mod figures;

use std::path::{Path, PathBuf};
use std::process::Command;

use domain::ids::MunicipalityId;
use domain::language::{Country, Language};
use domain::municipality::{Municipality, Settings};
use domain::packages::{Edition, Package};
use domain::results::Report;
use report::Occasion;
use text::Messages;

/// Warnings of the checker that are no faults, each with its reason.
const EXPLAINED: &[(&str, &str)] = &[
    (
        "TBL-014",
        "a chart's grid lines: the chart is a figure with an alternative text, its numbers stand in a table beneath",
    ),
    ("ORD-001", "a figure's caption is painted after its drawing, the tag tree has both in the order of reading"),
];

fn checkers() -> Option<PathBuf> {
    let folder = std::env::var_os("PEJLING_TEST_CHECKERS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: PEJLING_TEST_CHECKERS is not set");
    }
    folder
}

fn municipality() -> Municipality {
    Municipality {
        id: MunicipalityId("m".into()),
        slug: "hojager".into(),
        name: "Højager Kommune".into(),
        country: Country::Dk,
        settings: Settings::default(),
    }
}

fn report() -> Report {
    Report { insight: figures::insight(), ..figures::report() }
}

#[test]
fn the_report_conforms_to_pdf_ua_by_another_s_judgement() {
    let Some(folder) = checkers() else { return };
    let municipality = municipality();
    let occasion = Occasion {
        municipality: &municipality,
        language: Language::Da,
        published_on: jiff::civil::date(2026, 11, 20),
        version: 1,
        note: "",
        foreword: "Et forord.",
        remark: "En bemærkning om metoden.",
        quotes: &["Bussen kører for sjældent.".to_owned()],
        standing: None,
    };
    let messages = Messages::load().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let status = report::status(&messages, &report(), &occasion).unwrap();
    let year = report::year(&messages, &report(), &occasion).unwrap();
    for (name, pdf) in [("status.pdf", status), ("report.pdf", year)] {
        let path = scratch.path().join(name);
        std::fs::write(&path, pdf).unwrap();
        rules(&folder, &path);
        let found = findings(&folder, &path);
        let unexplained: Vec<_> =
            found.iter().filter(|(_, rule, _)| EXPLAINED.iter().all(|(known, _)| known != rule)).collect();
        assert!(unexplained.is_empty(), "{name}: {unexplained:?}");
        assert!(found.iter().all(|(severity, _, _)| severity != "error"), "{name}: {found:?}");
    }
}

/// The rules of PDF/UA-1 one by one, by a program of ours that reads with another's library.
fn rules(folder: &Path, pdf: &Path) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/pdf_ua.py");
    let ran = Command::new(folder.join("python")).arg(program).arg(pdf).output().unwrap();
    match ran.status.code() {
        Some(0) => {}
        Some(77) => println!("pikepdf is not installed: the rules are not looked at one by one"),
        _ => panic!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)),
    }
}

/// What the checker finds: severity, rule, words. Its exit status must agree that there is no error.
fn findings(folder: &Path, pdf: &Path) -> Vec<(String, String, String)> {
    let json = pdf.with_extension("json");
    let ran = Command::new(folder.join("outloud")).arg("--json").arg(&json).arg(pdf).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}");
    let read: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let mut found = Vec::new();
    collect(&read, &mut found);
    assert!(said.contains("0 error"), "{said}");
    found.into_iter().filter(|(severity, _, _)| severity != "info").collect()
}

fn collect(value: &serde_json::Value, found: &mut Vec<(String, String, String)>) {
    let text = |value: &serde_json::Value, keys: &[&str]| {
        keys.iter().find_map(|k| value.get(k)?.as_str()).unwrap_or_default().to_owned()
    };
    match value {
        serde_json::Value::Array(all) => all.iter().for_each(|v| collect(v, found)),
        serde_json::Value::Object(fields) => {
            let (severity, rule) = (text(value, &["severity"]), text(value, &["rule_id", "rule", "id"]));
            let is_finding = ["error", "warning"].contains(&severity.to_lowercase().as_str()) && !rule.is_empty();
            if is_finding && value.get("message").is_some() {
                found.push((severity.to_lowercase(), rule, text(value, &["message"])));
            }
            fields.values().for_each(|v| collect(v, found));
        }
        _ => {}
    }
}

#[test]
fn the_package_is_valid_by_another_s_judgement() {
    let Some(folder) = checkers() else { return };
    let edition = Edition { title: "2026", version: 1, published_on: "2026-11-20", standing: None };
    let packed = Package::of(&municipality(), &report(), edition);
    let key = report::package::SigningKey::of_seed(&[7; 32]).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let archive = report::package::package(&packed, &key).unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    zip.extract(scratch.path()).unwrap();
    let validate = || {
        let mut frictionless = Command::new(folder.join("frictionless"));
        frictionless.args(["validate", "datapackage.json"]).current_dir(scratch.path()).output().unwrap()
    };
    let ran = validate();
    assert!(ran.status.success(), "{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    let figures = scratch.path().join("figures.csv");
    let broken = std::fs::read_to_string(&figures).unwrap().replacen(",2026,", ",soon,", 1);
    std::fs::write(&figures, broken).unwrap();
    assert!(!validate().status.success(), "the validator does look at the figures");
}
