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
