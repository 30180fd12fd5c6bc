//! A year's paper is set in every language as a tagged PDF, with hidden figures said to be hidden.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
use std::collections::BTreeMap;

use domain::ids::MunicipalityId;
use domain::indicator::{Better, Kind};
use domain::language::{Country, Language, Texts};
use domain::municipality::{Municipality, Settings};
use domain::results::{
    ALL, Breakdown, ChangeRow, CoverageRow, Estimate, EstimateRow, Group, IndicatorInfo, Interval, Provenance, Report,
    State, TOTAL, Verdict,
};
use report::Occasion;
use text::Messages;

#[path = "../../web/tests/figures/mod.rs"]
mod figures;

fn estimate(year: i32, domain: &str, group: &str, value: f64, n: u64) -> EstimateRow {
    let hidden = n < 5;
    let shown = |v: f64| (!hidden).then_some(v);
    EstimateRow {
        indicator: "tilfredshed".into(),
        year,
        domain: domain.into(),
        group: group.into(),
        n_frame: Some(n * 3),
        estimate: Estimate {
            n,
            value: shown(value),
            se: shown(1.0),
            df: shown(n as f64),
            interval: (!hidden).then_some(Interval { lower: value - 2.0, upper: value + 2.0 }),
            deff: shown(1.1),
        },
        state: match n {
            0..5 => State::Hidden,
            5..20 => State::Uncertain,
            _ => State::Shown,
        },
    }
}

fn change(domain: &str, group: &str, size: f64, verdict: Verdict) -> ChangeRow {
    ChangeRow {
        indicator: "tilfredshed".into(),
        year_from: 2025,
        year_to: 2026,
        domain: domain.into(),
        group: group.into(),
        n_from: 300,
        n_to: 310,
        n_both: 150,
        change: Some(size),
        se: Some(1.0),
        df: Some(500.0),
        interval: Some(Interval { lower: size - 2.0, upper: size + 2.0 }),
        p_value: Some(0.01),
        p_adjusted: Some(0.02),
        detectable: Some(2.8),
        verdict,
    }
}

fn coverage(year: i32, domain: &str, group: &str) -> CoverageRow {
    CoverageRow {
        year,
        domain: domain.into(),
        group: group.into(),
        n_frame: 900,
        n_answered: 310,
        response_rate: 310.0 / 900.0,
    }
}

fn small_report() -> Report {
    let group = |key: &str, title: &str| Group { key: key.into(), title: Texts::same(title) };
    Report {
        years: vec![2025, 2026],
        indicators: vec![IndicatorInfo {
            id: "tilfredshed".into(),
            kind: Kind::Index,
            range: [0.0, 100.0],
            title: Texts { da: "Tilfredsheden".into(), sv: "Nöjdheten".into(), en: "Satisfaction".into() },
            better: Better::Higher,
            headline: true,
            breaks: vec![],
            formula_version: "abc".into(),
        }],
        breakdowns: vec![Breakdown {
            domain: "sector".into(),
            title: Texts { da: "Branche".into(), sv: "Bransch".into(), en: "Sector".into() },
            groups: vec![group("trade", "Handel & transport"), group("farm", "Landbrug")],
        }],
        estimates: [(2025, 64.0), (2026, 68.0)]
            .into_iter()
            .flat_map(|(year, value)| {
                [
                    estimate(year, TOTAL, ALL, value, 310),
                    estimate(year, "sector", "trade", value + 1.0, 30),
                    estimate(year, "sector", "farm", value, 3),
                ]
            })
            .collect(),
        changes: vec![
            change(TOTAL, ALL, 4.0, Verdict::Up),
            change("sector", "trade", 4.0, Verdict::Unclear),
            ChangeRow { change: None, interval: None, ..change("sector", "farm", 0.0, Verdict::Hidden) },
        ],
        coverage: [2025, 2026]
            .into_iter()
            .flat_map(|year| {
                [coverage(year, TOTAL, ALL), coverage(year, "sector", "trade"), coverage(year, "sector", "farm")]
            })
            .collect(),
        provenance: Provenance {
            version: "0.1.0".into(),
            inputs: BTreeMap::new(),
            options: BTreeMap::new(),
            collapses: vec!["one".into()],
        },
        insight: domain::insight::Insight::default(),
    }
}

#[test]
fn the_paper_is_set_in_every_language_and_is_tagged() {
    let messages = Messages::load().unwrap();
    let municipality = Municipality {
        id: MunicipalityId("m".into()),
        slug: "hojager".into(),
        name: "Højager Kommune".into(),
        country: Country::Dk,
        settings: Settings::default(),
    };
    for language in Language::ALL {
        let occasion = Occasion {
            municipality: &municipality,
            language,
            published_on: jiff::civil::date(2026, 11, 20),
            version: 2,
            note: "Et forord med <tegn> & #hash.",
            foreword: "",
            remark: "",
            quotes: &[],
            standing: None,
        };
        let pdf = report::year(&messages, &small_report(), &occasion).unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
        let holds = |needle: &[u8]| pdf.windows(needle.len()).any(|w| w == needle);
        assert!(holds(b"/StructTreeRoot"), "the PDF is tagged");
        assert!(holds(b"pdfuaid:part"), "the PDF says that it conforms to PDF/UA");
        if let Some(folder) = std::env::var_os("PEJLING_KEEP_PAPERS") {
            std::fs::write(std::path::Path::new(&folder).join(format!("year-{}.pdf", language.tag())), &pdf).unwrap();
        }
    }
}

#[test]
fn targets_maps_themes_and_who_answered_are_set_too() {
    let messages = Messages::load().unwrap();
    let municipality = Municipality {
        id: MunicipalityId("m".into()),
        slug: "hojager".into(),
        name: "Højager Kommune".into(),
        country: Country::Dk,
        settings: Settings::default(),
    };
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
    let bare = figures::report();
    assert_eq!(bare.years, figures::YEARS);
    let full = Report { insight: figures::insight(), ..figures::report() };
    let [bare, full] = [bare, full].map(|report| report::year(&messages, &report, &occasion).unwrap());
    let pages = |pdf: &[u8]| pdf.windows(11).filter(|w| w.starts_with(b"/Type/Page") && w[10] != b's').count();
    assert!(full.len() > bare.len() + 10_000, "charts and tables were added: {} {}", bare.len(), full.len());
    assert!(pages(&full) >= pages(&bare));
    if let Some(folder) = std::env::var_os("PEJLING_KEEP_PAPERS") {
        std::fs::write(std::path::Path::new(&folder).join("year-full.pdf"), &full).unwrap();
    }
}

fn municipality() -> Municipality {
    let settings = Settings {
        committee: "Erhvervs- og Beskæftigelsesudvalget".into(),
        administration: "Center for Erhverv".into(),
        ..Settings::default()
    };
    Municipality {
        id: MunicipalityId("m".into()),
        slug: "hojager".into(),
        name: "Højager Kommune".into(),
        country: Country::Dk,
        settings,
    }
}

fn part(zipped: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zipped)).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut zip.by_name(name).unwrap(), &mut text).unwrap();
    text
}

fn full() -> Report {
    Report { insight: figures::insight(), ..figures::report() }
}

#[test]
fn the_agenda_item_has_styles_language_header_rows_and_alternative_texts() {
    let messages = Messages::load().unwrap();
    let municipality = municipality();
    for (language, tag) in Language::ALL.into_iter().zip(["da-DK", "sv-SE", "en-GB"]) {
        let occasion = Occasion {
            municipality: &municipality,
            language,
            published_on: jiff::civil::date(2026, 11, 20),
            version: 1,
            note: "",
            foreword: "",
            remark: "",
            quotes: &[],
            standing: None,
        };
        let agenda = report::agenda(&messages, &full(), &occasion).unwrap();
        let body = part(&agenda.docx, "word/document.xml");
        let document = roxmltree::Document::parse(&body).unwrap();
        let named = |name: &str| document.descendants().filter(|n| n.tag_name().name() == name).collect::<Vec<_>>();
        let value = |node: &roxmltree::Node<'_, '_>, name: &str| {
            node.attributes().find(|a| a.name() == name).map(|a| a.value().to_owned())
        };
        let styles: Vec<String> = named("pStyle").iter().filter_map(|n| value(n, "val")).collect();
        assert_eq!(styles.iter().filter(|s| *s == "Heading1").count(), 4, "{styles:?}");
        let known = part(&agenda.docx, "word/styles.xml");
        assert!(styles.iter().all(|s| known.contains(&format!("w:styleId=\"{s}\""))), "every style is defined");
        assert!(known.contains(&format!("<w:lang w:val=\"{tag}\"/>")));
        let pictures = named("docPr");
        assert!((2..=3).contains(&pictures.len()), "two or three charts: {}", pictures.len());
        assert!(pictures.iter().all(|p| value(p, "descr").is_some_and(|d| d.chars().count() > 40)));
        assert_eq!(named("tbl").len(), named("tblHeader").len(), "every table has a heading row");
        assert!(
            !agenda.text.contains('⟦')
                && agenda.text.contains(&messages.t(language, "papers.agenda_annexes", &[]).to_uppercase())
        );
        for sentence in text::summary::opening(&messages, language, &full()) {
            assert!(agenda.text.contains(&sentence), "{sentence}");
        }
        if language == Language::Da {
            assert!(agenda.text.contains("Center for Erhverv indstiller til Erhvervs- og Beskæftigelsesudvalget"));
        }
        if let Some(folder) = std::env::var_os("PEJLING_KEEP_PAPERS") {
            let folder = std::path::Path::new(&folder);
            std::fs::write(folder.join(format!("agenda-{}.docx", language.tag())), &agenda.docx).unwrap();
            std::fs::write(folder.join(format!("agenda-{}.txt", language.tag())), &agenda.text).unwrap();
            let paper = report::year(&messages, &full(), &occasion).unwrap();
            std::fs::write(folder.join(format!("full-{}.pdf", language.tag())), &paper).unwrap();
        }
    }
}

#[test]
fn the_status_to_the_council_has_two_pages() {
    let messages = Messages::load().unwrap();
    let municipality = municipality();
    for language in Language::ALL {
        let occasion = Occasion {
            municipality: &municipality,
            language,
            published_on: jiff::civil::date(2026, 11, 20),
            version: 1,
            note: "",
            foreword: "",
            remark: "",
            quotes: &[],
            standing: None,
        };
        let pdf = report::status(&messages, &full(), &occasion).unwrap();
        assert!(pdf.windows(12).any(|w| w == b"pdfuaid:part"));
        if let Some(folder) = std::env::var_os("PEJLING_KEEP_PAPERS") {
            std::fs::write(std::path::Path::new(&folder).join(format!("status-{}.pdf", language.tag())), &pdf).unwrap();
        }
    }
}
