//! A number is the same, to the digit shown, on page, chart, PDF, document, workbook and package.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
use std::io::Read;

use charts::{Printed, Setting};
use domain::ids::MunicipalityId;
use domain::language::{Country, Language};
use domain::municipality::{Municipality, Settings};
use domain::packages::{Edition, Package};
use domain::results::{ALL, Report, TOTAL};
use report::Occasion;
use report::package::{SigningKey, package};
use text::Messages;

#[path = "../../web/tests/figures/mod.rs"]
mod figures;

fn part(zipped: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zipped)).unwrap();
    let mut text = String::new();
    zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// The words of a PDF by another program; `None` where there is no such program.
fn words(pdf: &[u8]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paper.pdf");
    std::fs::write(&path, pdf).unwrap();
    let read = std::process::Command::new("pdftotext").arg("-layout").arg(&path).arg("-").output().ok()?;
    read.status.success().then(|| String::from_utf8_lossy(&read.stdout).into_owned())
}

#[test]
fn every_headline_figure_has_the_same_digits_wherever_it_stands() {
    let messages = Messages::load().unwrap();
    let municipality = Municipality {
        id: MunicipalityId("m".into()),
        slug: "hojager".into(),
        name: "Højager Kommune".into(),
        country: Country::Dk,
        settings: Settings::default(),
    };
    let report = Report { insight: figures::insight(), ..figures::report() };
    let occasion = Occasion {
        municipality: &municipality,
        language: Language::Da,
        published_on: jiff::civil::date(2026, 11, 20),
        version: 1,
        note: "",
        foreword: "",
        remark: "",
        quotes: &[],
        standing: None,
    };
    let pdf = words(&report::year(&messages, &report, &occasion).unwrap());
    if pdf.is_none() {
        println!("pdftotext is not installed: the PDF's digits are not compared");
    }
    let agenda = report::agenda(&messages, &report, &occasion).unwrap();
    let document = part(&agenda.docx, "word/document.xml");
    let sheet = part(&report::workbook(&messages, &report, &occasion).unwrap(), "xl/worksheets/sheet2.xml");
    let edition = Edition { title: "", version: 1, published_on: "2026-11-20", standing: None };
    let packed = Package::of(&municipality, &report, edition);
    let archive = package(&packed, &SigningKey::of_seed(&[7; 32]).unwrap()).unwrap();
    let table = part(&archive, "figures.csv");
    let mut compared = 0;
    for info in report.indicators.iter().filter(|i| i.headline) {
        let setting = Setting::standalone(&messages, Language::Da, "trend");
        let chart = charts::trend(&report, &info.id, TOTAL, ALL, &setting).unwrap();
        for year in &report.years {
            let row = report.estimate(&info.id, *year, TOTAL, ALL).unwrap();
            let (Some(value), Some(interval), n) = (row.estimate.value, row.estimate.interval, row.estimate.n) else {
                continue;
            };
            // What the page prints.
            let figure = charts::figure(Language::Da, info.kind, value, n);
            let margin = charts::margin(Language::Da, info.kind, interval, n);
            let printed = Printed::figure(info.kind, value, n).unwrap();
            let place = format!("{} {year}: {figure} {margin}", info.id);
            assert!(chart.contains(&figure), "chart, {place}");
            assert!(document.contains(&format!("{figure} {margin}")), "document, {place}");
            assert!(agenda.text.contains(&format!("{figure} {margin}")), "text, {place}");
            if let Some(pdf) = &pdf {
                let pdf = pdf.replace('\u{a0}', " ");
                assert!(pdf.contains(&format!("{figure} {margin}").replace('\u{a0}', " ")), "PDF, {place}");
            }
            let cell = if printed.percent { printed.value / 100.0 } else { printed.value };
            assert!(sheet.contains(&format!("<v>{cell}</v>")), "workbook, {place}");
            let digits = format!("{:.*}", printed.decimals, printed.value);
            let line = format!("{},{year},total,all,{n},", info.id);
            let found = table.lines().find(|l| l.starts_with(&line)).unwrap();
            assert!(found.contains(&format!(",{digits},")), "package, {place}: {found}");
            compared += 1;
        }
    }
    assert!(compared >= 8, "{compared} figures were compared");
}
