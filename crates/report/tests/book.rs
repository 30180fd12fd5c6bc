//! A table becomes a workbook with real numbers, the page's digits and a chart that draws its own cells; a chart becomes a picture.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
use std::io::Read;

use charts::{Printed, Setting};
use domain::indicator::Kind;
use domain::language::Language;
use domain::results::{ALL, Interval, TOTAL};
use report::book::{Cell, Form, NativeChart, Table, table};
use report::picture::png;
use text::Messages;

#[path = "../../web/tests/figures/mod.rs"]
mod figures;

fn part(xlsx: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(xlsx)).unwrap();
    let mut text = String::new();
    zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn cells_are_numbers_with_the_digits_of_the_page_and_the_chart_draws_them() {
    let interval = Interval { lower: 0.589, upper: 0.651 };
    let figure = Printed::figure(Kind::Share, 0.620_49, 300).unwrap();
    let made = table(
        Language::Da,
        "Højager Kommune",
        &Table {
            name: "Grønne tiltag".into(),
            title: "Grønne tiltag".into(),
            head: vec!["Branche".into(), "2026".into(), "±".into(), "Ændring".into()],
            rows: vec![
                vec![
                    Cell::Text("Handel".into()),
                    Cell::Figure(figure),
                    Cell::Margin(Printed::margin(Kind::Share, interval, 300).unwrap()),
                    Cell::Difference(Printed::difference(Kind::Share, -0.012_34, 300).unwrap()),
                ],
                vec![Cell::Text("Landbrug".into()), Cell::Text("vises ikke".into()), Cell::Empty, Cell::Empty],
            ],
            charts: vec![NativeChart {
                form: Form::Bars,
                title: "Grønne tiltag".into(),
                alt: "Handel 62,0 %".into(),
                rows: (0, 1),
                names: 0,
                series: vec![(1, Some(2))],
            }],
            ..Table::default()
        },
    )
    .unwrap();
    assert_eq!(charts::figure(Language::Da, Kind::Share, 0.620_49, 300), "62,0\u{a0}%");
    let sheet = part(&made, "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("<v>0.62</v>"), "the number of the page and no digit more: {sheet}");
    assert!(sheet.contains("<v>3.1</v>") && sheet.contains("<v>-1.2</v>"));
    assert!(part(&made, "xl/styles.xml").contains("formatCode=\"0.0 %\""));
    assert!(part(&made, "xl/charts/chart1.xml").contains("'Grønne tiltag'!$B$3:$B$4"));
    assert!(part(&made, "xl/drawings/drawing1.xml").contains("descr=\"Handel 62,0 %\""));
}

#[test]
fn numbers_for_files_are_those_that_are_printed() {
    for (kind, value) in [(Kind::Index, 61.25), (Kind::Mean, 3.565), (Kind::Share, 0.5925), (Kind::Nps, -0.04)] {
        for n in [12, 20, 400] {
            let printed = Printed::figure(kind, value, n).unwrap();
            let said = charts::figure(Language::En, kind, value, n);
            let digits: String = said.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
            assert_eq!(format!("{:.*}", printed.decimals, printed.value.abs()), digits, "{kind:?} {value} {n}");
        }
    }
}

#[test]
fn a_chart_is_drawn_as_a_picture_with_words() {
    let messages = Messages::load().unwrap();
    let setting = Setting::standalone(&messages, Language::Da, "trend");
    let svg = charts::trend(&figures::report(), "nki", TOTAL, ALL, &setting).unwrap();
    let picture = png(&svg, 2.0).unwrap();
    assert!(picture.png.starts_with(b"\x89PNG") && picture.width == 1440 && picture.height > 300);
    let wordless = png(&svg.replace("<text", "<g").replace("</text", "</g"), 2.0).unwrap();
    assert_ne!(picture.png, wordless.png, "the words are drawn");
    assert!(png("<p>no drawing</p>", 1.0).is_err());
}

#[test]
fn a_publication_fills_a_workbook_in_every_language() {
    let messages = Messages::load().unwrap();
    let municipality = domain::municipality::Municipality {
        id: domain::ids::MunicipalityId("m".into()),
        slug: "hojager".into(),
        name: "Højager Kommune".into(),
        country: domain::language::Country::Dk,
        settings: domain::municipality::Settings::default(),
    };
    let report = domain::results::Report { insight: figures::insight(), ..figures::report() };
    for language in Language::ALL {
        let occasion = report::Occasion {
            municipality: &municipality,
            language,
            published_on: jiff::civil::date(2026, 11, 20),
            version: 2,
            note: "Et <forord> & mere.",
            foreword: "",
            remark: "",
            quotes: &[],
            standing: None,
        };
        let made = report::workbook(&messages, &report, &occasion).unwrap();
        let names = part(&made, "xl/workbook.xml");
        assert!(names.matches("<sheet ").count() >= 8, "{names}");
        let words = part(&made, "xl/sharedStrings.xml");
        assert!(!words.contains('⟦'), "every text is there in {}", language.tag());
        assert!(words.contains(&messages.t(language, "report.hidden", &[])), "hidden figures are said to be hidden");
        for chart in 1..=3 {
            assert!(part(&made, &format!("xl/charts/chart{chart}.xml")).contains("<c:ser>"));
        }
        let row = report.estimate("nki", 2026, TOTAL, ALL).unwrap();
        let shown = Printed::figure(Kind::Index, row.estimate.value.unwrap(), row.estimate.n).unwrap();
        let sheet = part(&made, "xl/worksheets/sheet2.xml");
        assert!(sheet.contains(&format!("<v>{}</v>", shown.value)), "the total's figure stands as a number");
        assert!(sheet.contains("state=\"frozen\"") && sheet.contains("fitToPage"));
        if let Some(folder) = std::env::var_os("PEJLING_KEEP_PAPERS") {
            std::fs::write(std::path::Path::new(&folder).join(format!("year-{}.xlsx", language.tag())), &made).unwrap();
        }
    }
}
