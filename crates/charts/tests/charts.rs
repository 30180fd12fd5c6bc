//! Every chart in every layout: well-formed, honest about hidden figures, and unchanged unless somebody looked.
//!
//! `PEJLING_GALLERY=<folder>` makes the test also write all charts as files and as one page, to be looked at.
use charts::*;
use domain::indicator::{Better, Kind};
use domain::language::{Language, Texts};
use domain::results::*;
use std::collections::BTreeMap;
use text::Messages;

const YEARS: [i32; 4] = [2023, 2024, 2025, 2026];
const SECTORS: [(&str, &str, u64); 8] = [
    ("a", "Landbrug, skovbrug og fiskeri", 41),
    ("be", "Industri, råstofindvinding og forsyning", 188),
    ("f", "Bygge og anlæg", 402),
    ("gi", "Handel", 511),
    ("h", "Transport", 264),
    ("i", "Hoteller og restauranter", 118),
    ("m", "Rådgivning, forskning og anden erhvervsservice", 497),
    ("o", "Undervisning, sundhed og sociale institutioner", 9),
];

fn texts(da: &str) -> Texts {
    Texts { da: da.into(), sv: format!("{da} (sv)"), en: format!("{da} (en)") }
}

fn indicator(id: &str, kind: Kind, range: [f64; 2], title: &str, breaks: Vec<i32>) -> IndicatorInfo {
    IndicatorInfo {
        id: id.into(),
        kind,
        range,
        title: texts(title),
        better: Better::Higher,
        headline: true,
        breaks,
        formula_version: "v".into(),
    }
}

/// Values that wander a little from group to group and year to year, without chance.
fn wander(i: usize, j: usize) -> f64 {
    ((i * 37 + j * 53) % 29) as f64 / 29.0 - 0.5
}

fn report() -> Report {
    let indicators = vec![
        indicator("nki", Kind::Index, [0.0, 100.0], "Tilfredshed med kommunen", vec![]),
        indicator("green", Kind::Share, [0.0, 1.0], "Har taget grønne initiativer", vec![2025]),
        indicator("overall", Kind::Mean, [1.0, 5.0], "Alt i alt (1–5)", vec![]),
    ];
    let mut estimates = Vec::new();
    let mut changes = Vec::new();
    let mut coverage = Vec::new();
    let groups: Vec<(&str, &str, u64)> =
        [(TOTAL, ALL, 2030)].into_iter().chain(SECTORS.iter().map(|(key, _, n)| ("sector", *key, *n))).collect();
    for (g, (domain, group, frame)) in groups.iter().enumerate() {
        for (y, year) in YEARS.iter().enumerate() {
            let n = if *group == "o" { [2, 3, 6, 4][y] } else { frame * (31 + y as u64 * 2) / 100 };
            coverage.push(CoverageRow {
                year: *year,
                domain: (*domain).into(),
                group: (*group).into(),
                n_frame: *frame,
                n_answered: n,
                response_rate: n as f64 / *frame as f64,
            });
            for info in &indicators {
                let width = info.range[1] - info.range[0];
                let middle = info.range[0]
                    + width * (0.6 + 0.03 * y as f64 * wander(g, 3) + 0.14 * wander(g, 1) + 0.02 * wander(g, y));
                let se = width * 0.22 / (n as f64).sqrt();
                let hidden = n < 5;
                let state = match n {
                    0..5 => State::Hidden,
                    5..20 => State::Uncertain,
                    _ => State::Shown,
                };
                let interval = Interval {
                    lower: (middle - 2.0 * se).max(info.range[0]),
                    upper: (middle + 2.0 * se).min(info.range[1]),
                };
                estimates.push(EstimateRow {
                    indicator: info.id.clone(),
                    year: *year,
                    domain: (*domain).into(),
                    group: (*group).into(),
                    n_frame: Some(*frame),
                    estimate: Estimate {
                        n,
                        value: (!hidden).then_some(middle),
                        se: (!hidden).then_some(se),
                        df: Some(n as f64),
                        interval: (!hidden).then_some(interval),
                        deff: None,
                    },
                    state,
                });
            }
        }
        for info in &indicators {
            let width = info.range[1] - info.range[0];
            let n = if *group == "o" { 4 } else { frame * 35 / 100 };
            let change = width * (0.12 * wander(g, 7) + 0.01);
            let se = width * 0.25 / (n as f64).sqrt();
            let is_break = info.breaks.contains(&2026) || info.id == "green" && *group == "h";
            let verdict = match (n < 5, is_break, change > 2.0 * se, change < -2.0 * se) {
                (true, ..) => Verdict::Hidden,
                (_, true, ..) => Verdict::Break,
                (_, _, true, _) => Verdict::Up,
                (_, _, _, true) => Verdict::Down,
                _ => Verdict::Unclear,
            };
            let shown = !matches!(verdict, Verdict::Hidden | Verdict::Break);
            changes.push(ChangeRow {
                indicator: info.id.clone(),
                year_from: 2025,
                year_to: 2026,
                domain: (*domain).into(),
                group: (*group).into(),
                n_from: n,
                n_to: n,
                n_both: n / 2,
                change: shown.then_some(change),
                se: shown.then_some(se),
                df: Some(n as f64),
                interval: shown.then_some(Interval { lower: change - 2.0 * se, upper: change + 2.0 * se }),
                p_value: None,
                p_adjusted: None,
                detectable: Some(2.8 * se),
                verdict,
            });
        }
    }
    let groups = SECTORS.iter().map(|(key, title, _)| Group { key: (*key).into(), title: texts(title) }).collect();
    Report {
        years: YEARS.to_vec(),
        indicators,
        breakdowns: vec![Breakdown { domain: "sector".into(), title: texts("brancher"), groups }],
        estimates,
        changes,
        coverage,
        provenance: Provenance {
            version: "0".into(),
            inputs: BTreeMap::new(),
            options: BTreeMap::new(),
            collapses: vec![],
        },
        insight: domain::insight::Insight::default(),
    }
}

fn answers() -> Distribution {
    let answers = ["meget utilfreds", "utilfreds", "hverken eller", "tilfreds", "meget tilfreds"].map(str::to_owned);
    let row = |label: &str, n, shares| DistributionRow { label: label.into(), n, shares };
    Distribution {
        title: "Kontakten med kommunen".into(),
        answers,
        rows: vec![
            row("Imødekommenhed", 312, Some([0.03, 0.08, 0.19, 0.45, 0.25])),
            row("Kompetence", 309, Some([0.05, 0.12, 0.28, 0.4, 0.15])),
            row("Retssikkerhed: klar begrundelse og lige behandling", 241, Some([0.11, 0.2, 0.3, 0.29, 0.1])),
            row("Sagsbehandlingstid", 298, Some([0.22, 0.31, 0.2, 0.2, 0.07])),
            row("Digital selvbetjening", 12, None),
        ],
    }
}

fn map() -> Priority {
    let point = |label: &str, satisfaction, importance| PriorityPoint { label: label.into(), satisfaction, importance };
    Priority {
        scale: [1.0, 5.0],
        points: vec![
            point("Sagsbehandlingstid", 2.6, 0.24),
            point("Imødekommenhed", 3.9, 0.16),
            point("Retssikkerhed: klar begrundelse og lige behandling", 3.1, 0.18),
            point("Information", 3.3, 0.12),
            point("Kompetence", 3.7, 0.14),
            point("Let at få fat i", 3.0, 0.1),
            point("Dækningsafgift", 2.4, 0.06),
        ],
    }
}

fn comments() -> Themes {
    let row = |label: &str, share: Option<f64>, verdict| ThemeRow {
        label: label.into(),
        share,
        n: 420,
        interval: share.map(|s| Interval { lower: s * 0.8, upper: s * 1.2 }),
        verdict,
    };
    Themes {
        year: 2026,
        rows: vec![
            row("Byggesager og sagsbehandlingstid", Some(0.21), Some(Verdict::Up)),
            row("Parkering og bymidte", Some(0.14), Some(Verdict::Unclear)),
            row("Adgang til kvalificeret arbejdskraft", Some(0.12), Some(Verdict::Down)),
            row("Skilte & facader <byrum>", Some(0.05), None),
            row("Oversvømmelse", None, Some(Verdict::Hidden)),
        ],
    }
}

type Draw = fn(&Report, &Setting<'_>) -> Result<String, ChartError>;

const CHARTS: [(&str, Draw); 11] = [
    ("trend", |r, s| trend(r, "nki", TOTAL, ALL, s)),
    ("trend-break", |r, s| trend(r, "green", "sector", "h", s)),
    ("trend-hidden", |r, s| trend(r, "nki", "sector", "o", s)),
    ("multiples", |r, s| multiples(r, "nki", "sector", 4, s)),
    ("change", |r, s| change(r, "nki", (2025, 2026), "sector", s)),
    ("change-break", |r, s| change(r, "green", (2025, 2026), "sector", s)),
    ("heat", |r, s| heat(r, "green", "sector", s)),
    ("distribution", |_, s| distribution(&answers(), s)),
    ("priority", |_, s| priority(&map(), s)),
    ("coverage", |r, s| coverage(r, 2026, "sector", s)),
    ("themes", |_, s| themes(&comments(), s)),
];

fn every_chart(report: &Report, messages: &Messages) -> Vec<(String, String)> {
    let mut drawn = Vec::new();
    for (name, draw) in CHARTS {
        for language in Language::ALL {
            for (layout, layout_name) in [(Layout::Wide, "wide"), (Layout::Narrow, "narrow")] {
                for (paint, paint_name) in [(Paint::Page, "page"), (Paint::Standalone, "standalone")] {
                    let setting =
                        Setting { messages, language, id: name, layout, paint, heading: paint == Paint::Standalone };
                    let svg = draw(report, &setting).expect("every chart of the sample can be drawn");
                    drawn.push((format!("{name}-{}-{layout_name}-{paint_name}", language.tag()), svg));
                }
            }
        }
    }
    drawn
}

#[test]
fn every_chart_is_well_formed_named_and_described() {
    let messages = Messages::load().unwrap();
    for (name, svg) in every_chart(&report(), &messages) {
        let xml = roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{name}: {e}"));
        let root = xml.root_element();
        assert_eq!(root.attribute("role"), Some("img"), "{name}");
        let named: Vec<&str> = root.attribute("aria-labelledby").unwrap().split(' ').collect();
        for (id, tag) in named.iter().zip(["title", "desc"]) {
            let node =
                xml.descendants().find(|n| n.attribute("id") == Some(id)).unwrap_or_else(|| panic!("{name}: no {id}"));
            assert_eq!(node.tag_name().name(), tag);
            assert!(node.text().is_some_and(|t| t.len() > 10), "{name}: {tag}");
        }
        assert!(!svg.contains('⟦'), "{name}: a message is missing: {svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{name}");
        let [_, _, width, height] =
            root.attribute("viewBox").unwrap().split(' ').map(|v| v.parse().unwrap()).collect::<Vec<f64>>()[..]
        else {
            panic!("{name}: viewBox")
        };
        for node in xml.descendants().filter(|n| n.has_tag_name("text") || n.tag_name().name() == "text") {
            let at = |key: &str| node.attribute(key).unwrap().parse::<f64>().unwrap();
            assert!(
                (0.0..=width).contains(&at("x")) && (0.0..=height).contains(&at("y")),
                "{name}: {:?} lies outside",
                node.text()
            );
            assert!(at("font-size") >= 11.0, "{name}: {:?} is too small", node.text());
        }
    }
}

#[test]
fn charts_of_a_page_hold_the_content_security_policy_and_downloads_carry_their_colours() {
    let messages = Messages::load().unwrap();
    let css = stylesheet();
    for (name, svg) in every_chart(&report(), &messages) {
        let xml = roxmltree::Document::parse(&svg).unwrap();
        assert!(!svg.contains("style"), "{name}");
        for node in xml.descendants().filter(|n| n.is_element()) {
            for class in node
                .attribute("class")
                .unwrap_or("")
                .split_whitespace()
                .filter(|c| c.starts_with("f-") || c.starts_with("s-"))
            {
                assert!(css.contains(&format!(".{class}{{")), "{name}: {class}");
            }
            let is_mark = ["path", "rect", "circle", "text"].contains(&node.tag_name().name());
            if name.ends_with("standalone") && is_mark {
                let coloured =
                    node.attribute("stroke").is_some() || node.attribute("fill").is_some_and(|f| f != "none");
                assert!(coloured, "{name}: {node:?}");
            }
        }
    }
}

#[test]
fn a_hidden_figure_is_nowhere_in_the_drawing() {
    let messages = Messages::load().unwrap();
    let mut with_figures = report();
    // As if somebody had forgotten to empty the hidden rows.
    for row in with_figures.estimates.iter_mut().filter(|r| r.state.is_hidden()) {
        row.estimate.value = Some(row.indicator.len() as f64 * 0.12345);
        row.estimate.interval = Some(Interval { lower: 0.01, upper: 0.99 });
    }
    for row in with_figures.changes.iter_mut().filter(|r| r.verdict == Verdict::Hidden) {
        row.change = Some(0.4321);
        row.interval = Some(Interval { lower: 0.01, upper: 0.99 });
    }
    assert_eq!(every_chart(&with_figures, &messages), every_chart(&report(), &messages));
}

#[test]
fn small_differences_are_not_ranked() {
    let messages = Messages::load().unwrap();
    let mut report = report();
    for (i, row) in report.changes.iter_mut().enumerate().filter(|(_, r)| r.domain == "sector") {
        (row.change, row.verdict) = (Some(i as f64 / 10.0), Verdict::Unclear);
    }
    let setting = Setting::page(&messages, Language::Da, "c");
    let svg = change(&report, "nki", (2025, 2026), "sector", &setting).unwrap();
    let places: Vec<usize> =
        SECTORS.iter().map(|(_, title, _)| svg.find(&format!("<title>{title}")).unwrap()).collect();
    assert!(places.is_sorted(), "the breakdown's own order is kept");
}

#[test]
fn what_is_not_in_the_report_is_an_error() {
    let messages = Messages::load().unwrap();
    let setting = Setting::page(&messages, Language::Da, "c");
    assert_eq!(trend(&report(), "x", TOTAL, ALL, &setting), Err(ChartError::UnknownIndicator("x".into())));
    assert_eq!(heat(&report(), "nki", "area", &setting), Err(ChartError::UnknownBreakdown("area".into())));
    assert_eq!(change(&report(), "nki", (2001, 2002), "sector", &setting), Err(ChartError::Empty));
    assert_eq!(coverage(&report(), 2001, "sector", &setting), Err(ChartError::Empty));
}

#[test]
fn the_drawings_are_as_they_were_looked_at() {
    let messages = Messages::load().unwrap();
    let drawn = every_chart(&report(), &messages);
    for (name, svg) in &drawn {
        if name.contains("-da-") && name.ends_with("-page") {
            insta::assert_snapshot!(name.clone(), svg);
        }
    }
    if let Ok(folder) = std::env::var("PEJLING_GALLERY") {
        std::fs::create_dir_all(&folder).unwrap();
        let mut page = format!(
            "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><style>body{{font-family:system-ui,sans-serif;margin:16px;max-width:720px}}@media screen and (prefers-color-scheme:dark){{body{{background:#14181d;color:#fff}}}}{}</style>",
            stylesheet()
        );
        for (name, svg) in &drawn {
            std::fs::write(format!("{folder}/{name}.svg"), svg).unwrap();
            if name.contains("-da-") && name.ends_with("-page") {
                page.push_str(&format!("<h3>{name}</h3>{svg}"));
            }
        }
        std::fs::write(format!("{folder}/index.html"), page).unwrap();
    }
}

#[test]
fn the_served_stylesheet_is_the_charts_own() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/static/charts.css");
    let own = format!("/* Written by the test of crates/charts; the palette is in its ink.rs. */\n{}", stylesheet());
    if std::env::var_os("INSTA_UPDATE").is_some() {
        std::fs::write(path, &own).unwrap();
    }
    let served = std::fs::read_to_string(path).unwrap();
    assert!(served.starts_with(&own), "INSTA_UPDATE=always cargo test -p charts writes it anew");
}

#[test]
fn days_name_the_first_the_last_and_the_busiest() {
    let messages = Messages::load().unwrap();
    let day = |label: &str, n| Day { label: label.to_owned(), n };
    let data = [day("1. september", 4), day("2. september", 0), day("3. september", 31)];
    let setting = Setting::page(&messages, Language::Da, "days");
    let svg = days(&data, &setting).unwrap();
    let drawing = roxmltree::Document::parse(&svg).unwrap();
    let said = |name: &str| {
        drawing
            .descendants()
            .find(|n| n.has_tag_name(("http://www.w3.org/2000/svg", name)))
            .unwrap()
            .text()
            .unwrap()
            .to_owned()
    };
    assert_eq!(said("desc"), "I alt 35 svar; flest 3. september: 31.");
    for words in ["1. september", "3. september: 31", "2. september: 0"] {
        assert!(svg.contains(words), "{words}: {svg}");
    }
    assert_eq!(days(&[day("1. september", 0)], &setting), Err(ChartError::Empty));
    assert_eq!(days(&[], &setting), Err(ChartError::Empty));
}
