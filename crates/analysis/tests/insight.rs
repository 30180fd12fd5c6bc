//! What a report says beside estimates and changes, through the public door.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]

use std::path::Path;

use analysis::{Method, Table, analyse_rows};
use domain::indicator::Definitions;
use domain::insight::{Gap, Quadrant, Refusal, TargetVerdict};
use domain::results::{Report, State, Verdict};

const BATTERY: &str = r#"
[[indicator]]
id = "nki"
kind = "index"
items = ["q1", "q2", "q3"]
scale = [1, 10]
headline = true

[[indicator]]
id = "factors"
kind = "mean"
items = ["d1", "d2", "d3", "d4"]
scale = [1, 5]

[[indicator]]
id = "second"
kind = "mean"
item = "d2"
scale = [1, 5]
title = { da = "Den anden", sv = "Den andra", en = "The second" }
"#;

#[test]
fn drivers_and_alpha_equal_r() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/statistics");
    if !folder.is_dir() {
        println!("skipped: no reference values in {}", folder.display());
        return;
    }
    let read = |name: &str| Table::read(&folder.join(name), |_| true).unwrap();
    let definitions = Definitions::parse("i.toml", BATTERY).unwrap();
    let report = analyse_rows(&read("in_frame.csv"), &read("in_responses.csv"), &definitions, &Method::default())
        .unwrap()
        .report;
    let mut expected = csv::Reader::from_path(folder.join("expected.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = expected.records().map(Result::unwrap).collect();
    let value = |kind: &str, item: &str| -> f64 {
        let mut found = rows.iter().filter(|r| &r[0] == kind && (item.is_empty() || &r[5] == item));
        found.next().unwrap()[7].parse().unwrap()
    };
    let map = &report.insight.drivers[0];
    assert_eq!((map.battery.as_str(), map.outcome.as_str(), map.year, map.drivers.len()), ("factors", "nki", 2025, 4));
    for driver in &map.drivers {
        let close = |ours: f64, kind: &str| {
            let theirs = value(kind, &driver.item);
            assert!((ours - theirs).abs() <= 1e-9 * theirs.abs(), "{kind} {}: {ours} {theirs}", driver.item);
        };
        close(driver.importance, "driver_johnson_rw");
        close(driver.shapley.unwrap(), "driver_shapley_lmg");
        close(driver.correlation, "driver_corr");
        assert!(driver.interval.lower < driver.importance && driver.importance < driver.interval.upper);
        let important = driver.importance >= map.mean_importance.unwrap();
        let satisfied = driver.mean >= map.mean_satisfaction.unwrap();
        let quadrant = match (important, satisfied) {
            (true, false) => Quadrant::Improve,
            (true, true) => Quadrant::Keep,
            (false, false) => Quadrant::Watch,
            (false, true) => Quadrant::Maintain,
        };
        assert_eq!(driver.quadrant, quadrant);
    }
    assert!((map.drivers.iter().map(|d| d.share).sum::<f64>() - 1.0).abs() < 1e-12);
    let second = map.drivers.iter().find(|d| d.item == "d2").unwrap();
    assert_eq!(second.title.da, "Den anden");
    let alpha = report.insight.reliability.iter().find(|r| r.indicator == "nki" && r.year == 2025).unwrap();
    assert!((alpha.alpha.unwrap() - value("alpha", "")).abs() < 1e-9);
    assert_eq!(alpha.items, 3);
    assert_eq!(report.insight.reliability.len(), 4, "two batteries in two years; a single question has no alpha");
}

const YEARS: [i32; 3] = [2023, 2024, 2025];

/// Three years of other businesses each (nothing is shared): 60 in A, of whom 30 answer 40 and 60 in turn; 20 in B, of whom ten answer
/// likewise. Every year lies five points above the one before.
fn three_years(definition: &str, answers_in_b: usize) -> Report {
    let mut frame: Vec<Vec<String>> = vec![Vec::new(); 4];
    let mut responses: Vec<Vec<String>> = vec![Vec::new(); 3];
    for (at, year) in YEARS.into_iter().enumerate() {
        for b in 0..80 {
            let sector = if b < 60 { "A" } else { "B" };
            for (column, cell) in
                [year.to_string(), format!("{year}-{b}"), sector.to_owned(), "2-9".to_owned()].into_iter().enumerate()
            {
                frame[column].push(cell);
            }
            if b < 30 || (60..60 + answers_in_b).contains(&b) {
                let value = 40 + 5 * at + if b % 2 == 0 { 0 } else { 20 };
                for (column, cell) in
                    [year.to_string(), format!("{year}-{b}"), value.to_string()].into_iter().enumerate()
                {
                    responses[column].push(cell);
                }
            }
        }
    }
    let table = |name: &str, names: &[&str], columns: Vec<Vec<String>>| {
        Table::from_columns(name, names.iter().map(|n| (*n).to_owned()).zip(columns).collect()).unwrap()
    };
    let frame = table("frame", &["year", "business_id", "sector", "size"], frame);
    let responses = table("responses", &["year", "business_id", "q"], responses);
    let definitions = Definitions::parse("i.toml", definition).unwrap();
    analyse_rows(&frame, &responses, &definitions, &Method::default()).unwrap().report
}

fn definition(target: &str, more: &str) -> String {
    format!(
        "[[indicator]]\nid = \"x\"\nkind = \"mean\"\nitem = \"q\"\nscale = [0, 100]\nheadline = true\n{more}\n{target}\n"
    )
}

#[test]
fn a_line_through_three_alike_years_is_half_the_difference_of_its_ends() {
    let report = three_years(&definition("", ""), 10);
    let trend = &report.insight.trends[0];
    // Per stratum (1 − 1/2) n/(n − 1) Σ z²: equal in all years, and nothing is shared.
    let part = |n: f64| 0.5 * n / (n - 1.0) * n * (2.0 * 10.0 / 80.0_f64).powi(2);
    let variance = part(30.0) + part(10.0);
    assert!((trend.slope.unwrap() - 5.0).abs() < 1e-9);
    assert!((trend.se.unwrap().powi(2) - variance / 2.0).abs() < 1e-9, "{trend:?}");
    assert_eq!((trend.from, trend.to, trend.years, trend.verdict), (2023, 2025, 3, Verdict::Up));
    // Never across a break.
    assert!(three_years(&definition("", "breaks = [2024]"), 10).insight.trends.is_empty());
}

#[test]
fn a_thin_group_gets_the_mean_of_a_fixed_pair_of_years() {
    let report = three_years(&definition("", ""), 10);
    let rows = &report.insight.two_year_means;
    assert_eq!(rows.len(), 1, "2023 and 2024 make a pair, 2025 waits for its second year; A is not thin: {rows:?}");
    let row = &rows[0];
    assert_eq!((row.year_from, row.year_to, row.domain.as_str(), row.group.as_str()), (2023, 2024, "sector", "B"));
    assert!((row.estimate.value.unwrap() - 52.5).abs() < 1e-9);
    // V = (V₁ + V₂)/4 with V = (1 − 1/2) · 10/9 · Σ((y − ȳ)/10)².
    let year = 0.5 * 10.0 / 9.0 * 10.0;
    assert!((row.estimate.se.unwrap().powi(2) - year / 2.0).abs() < 1e-9, "{row:?}");
    assert_eq!(row.estimate.n, 20);
    // With three answers the group is hidden, and no mean of two years brings it back.
    assert!(three_years(&definition("", ""), 3).insight.two_year_means.is_empty());
}

#[test]
fn targets_are_tested_against_their_baseline() {
    let target =
        |target: &str| three_years(&definition(&format!("target = {target}"), ""), 10).insight.targets.remove(0);
    let raise = target("{ kind = \"raise\", from = 2023, by = 2027 }");
    assert_eq!((raise.verdict, raise.gap), (Some(TargetVerdict::Met), None));
    assert!((raise.change.unwrap() - 10.0).abs() < 1e-9 && raise.interval.unwrap().lower > 0.0);
    let reach = target("{ kind = \"reach\", from = 2023, by = 2027, value = 70 }");
    assert_eq!(reach.verdict, Some(TargetVerdict::NotShown), "two years are left");
    assert!((reach.pace.unwrap() - 5.0).abs() < 1e-9);
    let keep = target("{ kind = \"keep\", from = 2024, by = 2027, margin = 1 }");
    assert_eq!((keep.verdict, keep.margin_too_small), (Some(TargetVerdict::Met), true));
    let none = target("{ kind = \"raise\", from = 2019, by = 2027 }");
    assert_eq!((none.verdict, none.gap), (None, Some(Gap::Baseline)));
    let broken =
        three_years(&definition("target = { kind = \"raise\", from = 2023, by = 2027 }", "breaks = [2025]"), 10);
    assert_eq!(broken.insight.targets[0].gap, Some(Gap::Break));
}

#[test]
fn who_answered_is_told_by_variable_and_as_one_number() {
    let report = three_years(&definition("", ""), 10);
    let row = &report.insight.response[0];
    assert_eq!((row.n_frame, row.n_answered, row.rates.rr2), (80, 40, Some(0.5)));
    assert!((row.r_indicator.unwrap() - 1.0).abs() < 1e-12, "half of every cell answered");
    assert_eq!(row.maximal_bias[0].bias, 0.0);
    let sector = &row.variables[0];
    assert_eq!((sector.domain.as_str(), sector.weighted, sector.groups.len()), ("sector", true, 2));
    assert!(
        (sector.groups[0].frame_share - 0.75).abs() < 1e-12 && (sector.groups[0].weighted_share - 0.75).abs() < 1e-12
    );
    // Ten of sixty-odd fewer in one sector: 30/60 against 4/20.
    let uneven = three_years(&definition("", ""), 4);
    assert!(uneven.insight.response[0].r_indicator.unwrap() < 0.8);
    assert!(uneven.insight.response[0].maximal_bias[0].bias > 1.0);
}

#[test]
fn few_answers_give_neither_map_nor_alpha() {
    let column = |name: &str, cells: Vec<String>| (name.to_owned(), cells);
    let numbers = |count: usize, f: &dyn Fn(usize) -> String| (0..count).map(f).collect::<Vec<_>>();
    let frame = Table::from_columns(
        "frame",
        vec![
            column("year", numbers(60, &|_| "2025".into())),
            column("business_id", numbers(60, &|b| format!("b{b}"))),
            column("sector", numbers(60, &|_| "A".into())),
            column("size", numbers(60, &|_| "2-9".into())),
        ],
    )
    .unwrap();
    let mut columns =
        vec![column("year", numbers(18, &|_| "2025".into())), column("business_id", numbers(18, &|b| format!("b{b}")))];
    for (at, item) in ["q1", "q2", "q3", "d1", "d2", "d3", "d4"].iter().enumerate() {
        columns.push(column(item, numbers(18, &|b| ((b + at) / (at % 3 + 1) % 5 + 1).to_string())));
    }
    let responses = Table::from_columns("responses", columns).unwrap();
    let definitions = Definitions::parse("i.toml", BATTERY).unwrap();
    let report = analyse_rows(&frame, &responses, &definitions, &Method::default()).unwrap().report;
    assert_eq!(report.insight.drivers[0].refused, Some(Refusal::TooFew { n: 18, needed: 40 }));
    assert!(report.insight.drivers[0].drivers.is_empty());
    assert!(report.insight.reliability.iter().all(|r| r.state == State::Hidden && r.alpha.is_none()));
    let open =
        analyse_rows(&frame, &responses, &definitions, &Method { min_n: 0, ..Method::default() }).unwrap().report;
    assert!(open.insight.reliability.iter().all(|r| r.alpha.is_some()));
}

#[test]
fn a_publication_from_before_still_reads() {
    let report = three_years(&definition("", ""), 10);
    let mut json = serde_json::to_value(&report).unwrap();
    assert!(json["trends"].is_array() && json["drivers"].is_array(), "keys of their own beside the others");
    assert_eq!(serde_json::from_value::<Report>(json.clone()).unwrap(), report);
    for key in ["targets", "trends", "two_year_means", "drivers", "reliability", "response", "themes"] {
        json.as_object_mut().unwrap().remove(key).unwrap();
    }
    let old = serde_json::from_value::<Report>(json).unwrap();
    assert_eq!(old.insight, domain::insight::Insight::default());
}
