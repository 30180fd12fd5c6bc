//! A published result set of an invented town: eight sectors, four years, a break, a hidden cell.
use std::collections::BTreeMap;

use domain::indicator::{Better, Kind};
use domain::industry::Grouping;
use domain::language::Texts;
use domain::results::*;

pub const YEARS: [i32; 4] = [2023, 2024, 2025, 2026];
/// The answers of the thinnest sector per year: hidden, hidden, uncertain, hidden.
const THIN: [u64; 4] = [3, 4, 7, 4];

fn texts(da: &str, sv: &str, en: &str) -> Texts {
    Texts { da: da.into(), sv: sv.into(), en: en.into() }
}

/// Values that wander a little from group to group and year to year, without chance.
fn wander(i: usize, j: usize) -> f64 {
    ((i * 37 + j * 53) % 29) as f64 / 29.0 - 0.5
}

/// The result set.
pub fn report() -> Report {
    let indicator = |id: &str, kind, range, title, headline, breaks| IndicatorInfo {
        id: id.into(),
        kind,
        range,
        title,
        better: Better::Higher,
        headline,
        breaks,
        formula_version: "4f1c2a90".into(),
    };
    let indicators = vec![
        indicator(
            "nki",
            Kind::Index,
            [0.0, 100.0],
            texts("Tilfredshedsindeks", "Nöjd-kund-index", "Satisfaction index"),
            true,
            vec![],
        ),
        indicator(
            "overall",
            Kind::Mean,
            [1.0, 5.0],
            texts("Tilfredshed alt i alt (1–5)", "Nöjdhet totalt (1–5)", "Overall satisfaction (1–5)"),
            false,
            vec![],
        ),
        indicator(
            "green",
            Kind::Share,
            [0.0, 1.0],
            texts("SMV med grønne tiltag", "SMF med gröna åtgärder", "SMEs with green measures"),
            true,
            vec![2025],
        ),
        indicator(
            "outlook",
            Kind::Balance,
            [-1.0, 1.0],
            texts("Venter flere ansatte", "Väntar fler anställda", "Expect more employees"),
            false,
            vec![],
        ),
    ];
    let grouping = Grouping::shipped("htk").expect("htk is shipped");
    let groups: Vec<Group> =
        grouping.sectors().iter().map(|s| Group { key: s.key.clone(), title: s.titles.clone() }).collect();
    let mut rows = vec![(TOTAL, ALL.to_owned(), 2480_u64)];
    rows.extend(
        groups.iter().enumerate().map(|(i, g)| ("sector", g.key.clone(), if i == 0 { 9 } else { 90 + 73 * i as u64 })),
    );
    let mut report = Report {
        years: YEARS.to_vec(),
        indicators,
        breakdowns: vec![Breakdown {
            domain: "sector".into(),
            title: texts("brancher", "branscher", "sectors"),
            groups,
        }],
        estimates: Vec::new(),
        changes: Vec::new(),
        coverage: Vec::new(),
        provenance: Provenance {
            version: "0.1.0".into(),
            inputs: BTreeMap::from([(
                "frame".into(),
                "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
            )]),
            options: BTreeMap::from([("fpc".into(), "item".into()), ("weights".into(), "cells".into())]),
            collapses: vec!["a: 50-199 → 10-49".into()],
        },
        insight: domain::insight::Insight::default(),
    };
    for (g, (domain, group, frame)) in rows.iter().enumerate() {
        for (y, year) in YEARS.iter().enumerate() {
            let n = if *frame == 9 { THIN[y] } else { frame * (31 + y as u64 * 2 + g as u64) / 100 };
            let coverage = CoverageRow {
                year: *year,
                domain: (*domain).into(),
                group: group.clone(),
                n_frame: *frame,
                n_answered: n,
                response_rate: n as f64 / *frame as f64,
            };
            report.coverage.push(coverage);
            for info in &report.indicators {
                report.estimates.push(estimate(info, g, y, n, domain, group, *frame));
            }
        }
        for info in &report.indicators {
            for (from, to) in [(2023, 2024), (2023, 2025), (2023, 2026), (2024, 2025), (2024, 2026), (2025, 2026)] {
                report.changes.push(change(info, g, (from, to), domain, group, *frame));
            }
        }
    }
    report
}

fn level(info: &IndicatorInfo, g: usize, y: usize) -> f64 {
    let width = info.range[1] - info.range[0];
    info.range[0]
        + width * (0.58 + 0.014 * y as f64 + 0.03 * y as f64 * wander(g, 3) + 0.14 * wander(g, 1) + 0.02 * wander(g, y))
}

fn estimate(info: &IndicatorInfo, g: usize, y: usize, n: u64, domain: &str, group: &str, frame: u64) -> EstimateRow {
    let width = info.range[1] - info.range[0];
    let middle = level(info, g, y);
    let se = width * 0.22 / (n as f64).sqrt();
    let state = match n {
        0..5 => State::Hidden,
        5..20 => State::Uncertain,
        _ => State::Shown,
    };
    let shown = n >= 5;
    let interval =
        Interval { lower: (middle - 2.0 * se).max(info.range[0]), upper: (middle + 2.0 * se).min(info.range[1]) };
    let estimate = Estimate {
        n,
        value: shown.then_some(middle),
        se: shown.then_some(se),
        df: Some(n as f64),
        interval: shown.then_some(interval),
        deff: None,
    };
    EstimateRow {
        indicator: info.id.clone(),
        year: YEARS[y],
        domain: domain.into(),
        group: group.into(),
        n_frame: Some(frame),
        estimate,
        state,
    }
}

fn change(info: &IndicatorInfo, g: usize, (from, to): (i32, i32), domain: &str, group: &str, frame: u64) -> ChangeRow {
    let width = info.range[1] - info.range[0];
    let n = if frame == 9 { 4 } else { frame * 35 / 100 };
    let at = |year: i32| YEARS.iter().position(|y| *y == year).expect("a year of the town");
    let change = level(info, g, at(to)) - level(info, g, at(from));
    let se = width * 0.25 / (n as f64).sqrt();
    let is_break = info.breaks.iter().any(|b| *b > from && *b <= to);
    let verdict = match (n < 5, is_break, change > 2.0 * se, change < -2.0 * se) {
        (true, ..) => Verdict::Hidden,
        (_, true, ..) => Verdict::Break,
        (_, _, true, _) => Verdict::Up,
        (_, _, _, true) => Verdict::Down,
        _ => Verdict::Unclear,
    };
    let shown = !matches!(verdict, Verdict::Hidden | Verdict::Break);
    ChangeRow {
        indicator: info.id.clone(),
        year_from: from,
        year_to: to,
        domain: domain.into(),
        group: group.into(),
        n_from: n,
        n_to: n,
        n_both: n / 2,
        change: shown.then_some(change),
        se: shown.then_some(se),
        df: Some(n as f64),
        interval: shown.then_some(Interval { lower: change - 2.0 * se, upper: change + 2.0 * se }),
        p_value: None,
        p_adjusted: None,
        detectable: shown.then_some(2.8 * se),
        verdict,
    }
}

/// What lies behind the figures: targets, a trend, a map, a refused map, themes, who answered.
pub fn insight() -> domain::insight::Insight {
    use domain::indicator::{Goal, Target};
    use domain::insight::*;

    let interval = |lower: f64, upper: f64| Interval { lower, upper };
    let target = |indicator: &str, goal, verdict: Option<TargetVerdict>, gap| TargetRow {
        indicator: indicator.into(),
        target: Target { from: 2023, by: 2027, goal },
        year: 2026,
        baseline: Some(60.0),
        value: Some(64.2),
        change: verdict.map(|_| 4.2),
        interval: verdict.map(|_| interval(2.3, 6.1)),
        n: 800,
        verdict,
        gap,
        pace: None,
        margin_too_small: false,
    };
    let driver = |item: &str, title: &str, importance: f64, mean: f64, quadrant| DriverRow {
        item: item.into(),
        title: texts(title, title, title),
        importance,
        se: 0.01,
        interval: interval(importance - 0.02, importance + 0.02),
        share: importance / 0.4,
        shapley: Some(importance),
        correlation: 0.4,
        mean,
        quadrant,
    };
    let map = DriverMap {
        battery: "overall".into(),
        outcome: "nki".into(),
        year: 2026,
        scale: [0.0, 100.0],
        n: 420,
        r_squared: Some(0.4),
        mean_importance: Some(0.1),
        mean_satisfaction: Some(60.0),
        drivers: vec![
            driver("a", "Service: effektivitet", 0.2, 48.0, Quadrant::Improve),
            driver("b", "Service: information", 0.12, 66.0, Quadrant::Keep),
            driver("c", "Service: kompetens", 0.08, 66.0, Quadrant::Maintain),
        ],
        refused: None,
    };
    let theme = |key: &str, title: &str, disagreed: bool| ThemeInfo {
        key: key.into(),
        title: texts(title, title, title),
        alpha: disagreed.then_some(0.4),
        coded_twice: 40,
        disagreed,
    };
    let share = |key: &str, year: i32, value: Option<f64>| EstimateRow {
        indicator: key.into(),
        year,
        domain: TOTAL.into(),
        group: ALL.into(),
        n_frame: Some(2480),
        estimate: Estimate {
            n: 860,
            value,
            se: value.map(|_| 0.01),
            df: Some(850.0),
            interval: value.map(|v| interval(v - 0.02, v + 0.02)),
            deff: None,
        },
        state: if value.is_some() { State::Shown } else { State::Hidden },
    };
    let year = |year: i32| ThemeYear { year, asked: 860, commenting: 300, comments: 420, confirmed: 420 };
    let info = IndicatorInfo {
        id: "labour".into(),
        kind: Kind::Share,
        range: [0.0, 1.0],
        title: texts("", "", ""),
        better: Better::None,
        headline: false,
        breaks: vec![],
        formula_version: String::new(),
    };
    let group = |key: &str, title: &str, frame: u64, answered: u64, share: f64, weighted: f64| ResponseGroup {
        group: key.into(),
        title: texts(title, title, title),
        n_frame: frame,
        n_answered: answered,
        frame_share: share,
        weighted_share: weighted,
    };
    Insight {
        targets: vec![
            target("nki", Goal::Raise, Some(TargetVerdict::Met), None),
            target("green", Goal::Raise, None, Some(Gap::Break)),
        ],
        trends: vec![TrendRow {
            indicator: "nki".into(),
            from: 2023,
            to: 2026,
            years: 4,
            slope: Some(1.4),
            se: Some(0.3),
            df: Some(900.0),
            interval: Some(interval(0.8, 2.0)),
            p_value: Some(0.001),
            p_adjusted: Some(0.001),
            verdict: Verdict::Up,
        }],
        two_year_means: vec![],
        drivers: vec![
            map.clone(),
            DriverMap {
                battery: "outlook".into(),
                drivers: vec![],
                refused: Some(Refusal::TooFew { n: 18, needed: 70 }),
                ..map
            },
        ],
        reliability: vec![ReliabilityRow {
            indicator: "nki".into(),
            year: 2026,
            items: 3,
            n: 800,
            alpha: Some(0.874),
            state: State::Shown,
        }],
        response: vec![ResponseRow {
            year: 2026,
            n_frame: 2480,
            n_answered: 868,
            rates: Rates {
                rr1: Some(0.31),
                rr2: Some(0.35),
                refusal: Some(0.04),
                contact: Some(0.4),
                cooperation: Some(0.8),
            },
            r_indicator: Some(0.87),
            spread: Some(0.065),
            maximal_bias: vec![BiasRow { indicator: "nki".into(), bias: 3.9 }],
            variables: vec![
                ResponseVariable {
                    domain: "sector".into(),
                    title: texts("Branche", "Bransch", "Sector"),
                    weighted: true,
                    r_indicator: Some(0.9),
                    groups: vec![group("a", "Bygge", 1000, 400, 0.4, 0.4), group("b", "Handel", 1480, 468, 0.6, 0.6)],
                },
                ResponseVariable {
                    domain: "age".into(),
                    title: texts("Alder", "Ålder", "Age"),
                    weighted: false,
                    r_indicator: Some(0.9),
                    groups: vec![
                        group("0-3", "0–3 år", 500, 120, 0.2, 0.14),
                        group("4+", "Ældre", 1980, 748, 0.8, 0.86),
                    ],
                },
            ],
            late: vec![LateRow {
                indicator: "nki".into(),
                n_early: 430,
                n_late: 430,
                difference: -0.8,
                interval: interval(-3.0, 1.4),
                p_value: 0.5,
            }],
            ..ResponseRow::default()
        }],
        themes: Some(ThemePart {
            codebook_version: 1,
            source: "survey".into(),
            themes: vec![
                theme("labour", "Arbejdskraft", false),
                theme("roads", "Veje", false),
                theme("tone", "Tone", true),
            ],
            years: vec![year(2025), year(2026)],
            shares: vec![
                share(WITH_COMMENT, 2026, Some(0.35)),
                share("labour", 2025, Some(0.09)),
                share("labour", 2026, Some(0.123)),
                share("roads", 2026, None),
            ],
            changes: vec![ChangeRow {
                change: Some(0.033),
                se: Some(0.012),
                interval: Some(interval(0.01, 0.056)),
                verdict: Verdict::Up,
                ..change(&info, 0, (2025, 2026), TOTAL, ALL, 2480)
            }],
        }),
    }
}
