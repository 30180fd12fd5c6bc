//! A number is the same, to the digit shown, on page, chart, PDF, document, workbook and package.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
use std::collections::BTreeSet;
use std::io::Read;

use charts::{Printed, Setting};
use domain::accounts::{Accounts, FactKind, FactRow};
use domain::goals::{GoalPlan, GoalVersion, OwnGoal, Yardstick};
use domain::ids::{GoalId, MunicipalityId};
use domain::indicator::{Goal, Kind};
use domain::initiatives::Standing;
use domain::language::{Country, Language, Texts};
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

fn municipality() -> Municipality {
    Municipality {
        id: MunicipalityId("m".into()),
        slug: "hojager".into(),
        name: "Højager Kommune".into(),
        country: Country::Dk,
        settings: Settings::default(),
    }
}

/// Two goals, and growth accounts with a count, an amount, a share and an area.
fn standing(sector: &str) -> Standing {
    let goal = |text: &str, yardstick| OwnGoal {
        id: GoalId(text.into()),
        ended: None,
        versions: vec![GoalVersion {
            version: 1,
            since: "2023-01-01".into(),
            note: String::new(),
            plan: GoalPlan {
                text: Texts::same(text),
                yardstick,
                focus_area: None,
                from: 2023,
                by: 2027,
                source: String::new(),
            },
        }],
    };
    let fact = |key: &str, year: i32, sector: Option<&str>, value: f64| FactRow {
        year,
        kind: FactKind::of(key).unwrap().clone(),
        sector: sector.map(str::to_owned),
        value,
        source: "Register".into(),
    };
    let rows = [
        fact("companies", 2023, None, 2480.0),
        fact("companies", 2026, None, 2517.0),
        fact("companies", 2026, Some(sector), 311.0),
        fact("company_tax", 2026, None, 12_447_912.0),
        fact("business_area", 2026, None, 624_512.0),
    ];
    Standing {
        on: "2026-11-20".into(),
        goals: vec![
            goal("Mere tilfredse virksomheder", Yardstick::Indicator { id: "nki".into(), goal: Goal::Raise }),
            goal("Flere virksomheder", Yardstick::Fact { key: "companies".into(), goal: Goal::Raise }),
        ],
        accounts: Accounts::of(&rows, 5),
        ..Standing::default()
    }
}

/// Words without what typesetting does to blanks.
fn even(text: &str) -> String {
    text.replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The numbers of a sentence as they are printed: `+4,2`, `2.517`.
fn numbers(sentence: &str) -> BTreeSet<String> {
    let words = sentence.split(|c: char| !(c.is_ascii_digit() || ",.+±\u{2212}".contains(c)));
    let tidy = words.map(|w| w.trim_matches(['.', ',']).to_owned());
    tidy.filter(|w| w.chars().any(|c| c.is_ascii_digit())).collect()
}

#[test]
fn goals_themes_and_growth_accounts_have_the_same_digits_wherever_they_stand() {
    let messages = Messages::load().unwrap();
    let municipality = municipality();
    let report = Report { insight: figures::insight(), ..figures::report() };
    let standing = standing(&report.breakdowns[0].groups[1].key);
    let language = Language::Da;
    let occasion = Occasion {
        municipality: &municipality,
        language,
        published_on: jiff::civil::date(2026, 11, 20),
        version: 1,
        note: "",
        foreword: "",
        remark: "",
        quotes: &["Bussen kører for sjældent.".to_owned()],
        standing: Some(&standing),
    };
    let pdf = words(&report::year(&messages, &report, &occasion).unwrap()).map(|text| even(&text));
    let agenda = report::agenda(&messages, &report, &occasion).unwrap();
    let document = even(&part(&agenda.docx, "word/document.xml"));
    let book = report::workbook(&messages, &report, &occasion).unwrap();
    let strings = even(&part(&book, "xl/sharedStrings.xml"));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&book)).unwrap();
    let mut cells = String::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        if file.enclosed_name().is_some_and(|name| name.starts_with("xl/worksheets")) && file.is_file() {
            file.read_to_string(&mut cells).unwrap();
        }
    }
    let edition = Edition { title: "", version: 1, published_on: "2026-11-20", standing: Some(&standing) };
    let archive =
        package(&Package::of(&municipality, &report, edition), &SigningKey::of_seed(&[7; 32]).unwrap()).unwrap();
    let packed = part(&archive, "themes.csv");

    // Goals: the sentence that the page says stands in each paper.
    let teller = text::insight::Teller { messages: &messages, language, report: &report };
    let goals = text::standing::goals(teller, &standing);
    assert_eq!(goals.len(), 2);
    for goal in &goals {
        let found = even(&goal.found);
        assert!(document.contains(&found), "document: {found}");
        assert!(even(&agenda.text).contains(&found), "text: {found}");
        assert!(strings.contains(&found), "workbook: {found}");
        for number in numbers(&found) {
            assert!(pdf.as_ref().is_none_or(|pdf| pdf.contains(&number)), "PDF, {found}: {number}");
        }
    }

    // Themes: chart, document, text, workbook, package.
    let part = report.insight.themes.as_ref().unwrap();
    let mut compared = 0;
    for theme in &part.themes {
        let Some(row) = part.share(&theme.key, 2026).filter(|r| !r.state.is_hidden() && !theme.disagreed) else {
            continue;
        };
        let (Some(value), n) = (row.estimate.value, row.estimate.n) else { continue };
        let figure = even(&charts::figure(language, Kind::Share, value, n));
        let data = charts::Themes {
            year: 2026,
            rows: vec![charts::ThemeRow { label: "x".into(), share: Some(value), n, interval: None, verdict: None }],
        };
        let drawn = even(&charts::themes(&data, &Setting::standalone(&messages, language, "themes")).unwrap());
        assert!(drawn.contains(&figure), "chart: {figure}");
        assert!(document.contains(&figure) && even(&agenda.text).contains(&figure), "document: {figure}");
        assert!(pdf.as_ref().is_none_or(|pdf| pdf.contains(&figure)), "PDF: {figure}");
        let printed = Printed::figure(Kind::Share, value, n).unwrap();
        assert!(cells.contains(&format!("<v>{}</v>", printed.value / 100.0)), "workbook: {figure}");
        let digits = format!("{:.*}", printed.decimals, printed.value);
        let line = format!(",2026,{n},{digits},");
        assert!(
            packed.lines().any(|l| l.starts_with(&format!("{},", theme.key)) && l.contains(&line)),
            "package: {line}"
        );
        compared += 1;
    }
    assert!(compared > 0, "a theme is shown");

    // Growth accounts: paper and workbook print what the page prints.
    for cell in &standing.accounts.cells {
        let fact = standing.accounts.facts.iter().find(|f| f.key == cell.fact).unwrap();
        let page = even(&text::standing::fact(&messages, language, fact.unit, cell.value.unwrap()));
        let number = numbers(&page).into_iter().next().unwrap();
        assert!(pdf.as_ref().is_none_or(|pdf| pdf.contains(&number)), "PDF: {page}");
        let plain: f64 = number.replace('.', "").replace(',', ".").parse().unwrap();
        assert!(cells.contains(&format!("<v>{plain}</v>")), "workbook: {page}");
    }
    assert!(pdf.is_none_or(|pdf| pdf.contains("Bussen kører for sjældent.")), "a released quote stands in the paper");
}
