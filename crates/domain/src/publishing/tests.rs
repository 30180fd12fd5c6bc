use super::*;
use crate::indicator::{Better, Kind};
use crate::insight::{Insight, TwoYearRow};
use crate::language::Texts;
use crate::results::{Breakdown, CoverageRow, Group, IndicatorInfo, Interval, Provenance};

const GROUPS: [&str; 3] = ["a", "b", "c"];

fn estimate(n: u64, value: f64) -> Estimate {
    let interval = Some(Interval { lower: value - 3.0, upper: value + 3.0 });
    Estimate { n, value: Some(value), se: Some(1.5), df: Some(9.0), interval, deff: Some(1.0) }
}

fn row(indicator: &str, year: i32, domain: &str, group: &str, n: u64, value: f64) -> EstimateRow {
    EstimateRow {
        indicator: indicator.into(),
        year,
        domain: domain.into(),
        group: group.into(),
        n_frame: Some(100),
        estimate: estimate(n, value),
        state: if n < 20 { State::Uncertain } else { State::Shown },
    }
}

fn change(indicator: &str, from: i32, to: i32, domain: &str, group: &str, by: f64) -> ChangeRow {
    ChangeRow {
        indicator: indicator.into(),
        year_from: from,
        year_to: to,
        domain: domain.into(),
        group: group.into(),
        n_from: 30,
        n_to: 30,
        n_both: 9,
        change: Some(by),
        se: Some(1.0),
        df: Some(30.0),
        interval: Some(Interval { lower: by - 2.0, upper: by + 2.0 }),
        p_value: Some(0.01),
        p_adjusted: Some(0.01),
        detectable: Some(3.0),
        verdict: Verdict::Up,
    }
}

/// Two indicators by sector and size; every level is 50 and a bit.
fn report(years: &[i32]) -> Report {
    let info = |id: &str| IndicatorInfo {
        id: id.into(),
        kind: Kind::Index,
        range: [0.0, 100.0],
        title: Texts::same(id),
        better: Better::Higher,
        headline: id == "x",
        breaks: Vec::new(),
        formula_version: format!("{id} 1"),
    };
    let breakdown = |domain: &str| Breakdown {
        domain: domain.into(),
        title: Texts::same(domain),
        groups: GROUPS.map(|g| Group { key: g.into(), title: Texts::same(g) }).to_vec(),
    };
    let (mut estimates, mut changes, mut coverage) = (Vec::new(), Vec::new(), Vec::new());
    for year in years {
        for id in ["x", "y"] {
            estimates.push(row(id, *year, TOTAL, ALL, 90, 50.0));
            for domain in ["sector", "size"] {
                estimates.extend(GROUPS.map(|g| row(id, *year, domain, g, 30, 50.0)));
            }
        }
        coverage.push(CoverageRow {
            year: *year,
            domain: "sector".into(),
            group: "a".into(),
            n_frame: 100,
            n_answered: 30,
            response_rate: 0.3,
        });
    }
    for pair in years.windows(2) {
        for id in ["x", "y"] {
            changes.push(change(id, pair[0], pair[1], TOTAL, ALL, 4.0));
            changes.extend(GROUPS.map(|g| change(id, pair[0], pair[1], "sector", g, 4.0)));
        }
    }
    let version = String::new();
    let provenance = Provenance { version, inputs: BTreeMap::new(), options: BTreeMap::new(), collapses: Vec::new() };
    Report {
        years: years.to_vec(),
        indicators: vec![info("x"), info("y")],
        breakdowns: vec![breakdown("sector"), breakdown("size")],
        estimates,
        changes,
        coverage,
        provenance,
        insight: Insight::default(),
    }
}

/// Thirty answers a group; `seal` names one.
fn marks(years: &[i32], seal: impl Fn(&str, usize) -> String) -> Marks {
    let of = |g: &str, at: usize| Mark {
        seal: seal(g, at),
        groups: ["sector", "size"].map(|d| (d.to_owned(), g.to_owned())).into(),
    };
    let all: Vec<Mark> = GROUPS.iter().flat_map(|g| (0..30).map(|at| of(g, at)).collect::<Vec<_>>()).collect();
    years.iter().map(|year| (*year, all.clone())).collect()
}

fn plain(g: &str, at: usize) -> String {
    format!("{g}{at}")
}

/// The same, with so many answers of group a changed.
fn with_changed(a: usize, b: usize) -> impl Fn(&str, usize) -> String {
    move |g, at| {
        let changed = if g == "a" {
            a
        } else if g == "b" {
            b
        } else {
            0
        };
        if at < changed { format!("{g}{at} anew") } else { plain(g, at) }
    }
}

fn basis(whole: Report, marks: Marks) -> Basis {
    Basis { whole, marks: Some(marks) }
}

fn set(report: &mut Report, year: i32, domain: &str, group: &str, value: f64) {
    let found = report
        .estimates
        .iter_mut()
        .find(|r| r.indicator == "x" && r.year == year && r.domain == domain && r.group == group);
    found.unwrap().estimate = estimate(if domain == TOTAL { 90 } else { 30 }, value);
}

fn conceal(report: &mut Report, year: i32, domain: &str, group: &str) {
    for row in report.estimates.iter_mut().filter(|r| r.year == year && r.domain == domain && r.group == group) {
        hide(row, State::HiddenSecondary);
    }
}

fn at<'r>(report: &'r Report, year: i32, domain: &str, group: &str) -> &'r EstimateRow {
    report.estimate("x", year, domain, group).unwrap()
}

#[test]
fn choosing_takes_rows_away_and_changes_none() {
    let mut whole = report(&[2025, 2026]);
    conceal(&mut whole, 2026, "sector", "a");
    conceal(&mut whole, 2026, "sector", "b");
    whole.insight.two_year_means.push(TwoYearRow {
        indicator: "x".into(),
        year_from: 2025,
        year_to: 2026,
        domain: "size".into(),
        group: "a".into(),
        estimate: estimate(12, 50.0),
    });
    let everything = Choice::all(&whole);
    assert_eq!(everything.cut(&whole), whole);
    for indicators in [vec!["x"], vec!["y"], vec!["x", "y"]] {
        for breakdowns in [vec![], vec!["sector"], vec!["size"], vec!["sector", "size"]] {
            let choice = Choice {
                indicators: indicators.iter().map(|i| (*i).to_owned()).collect(),
                breakdowns: breakdowns.iter().map(|i| (*i).to_owned()).collect(),
                themes: false,
            };
            let cut = choice.cut(&whole);
            assert!(cut.estimates.iter().all(|r| whole.estimates.contains(r)), "as it is in the whole");
            assert!(cut.changes.iter().all(|r| whole.changes.contains(r)));
            assert!(cut.estimates.iter().all(|r| indicators.contains(&r.indicator.as_str())));
            assert!(cut.estimates.iter().all(|r| r.domain == TOTAL || breakdowns.contains(&r.domain.as_str())));
            assert!(
                cut.insight.two_year_means.len()
                    == usize::from(indicators.contains(&"x") && breakdowns.contains(&"size"))
            );
        }
    }
    let nothing = Choice { indicators: BTreeSet::from(["z".to_owned()]), ..everything };
    assert!(nothing.is_empty(&whole));
}

#[test]
fn years_published_before_are_repeated_with_what_they_hid() {
    let mut first = report(&[2025]);
    conceal(&mut first, 2025, "sector", "a");
    conceal(&mut first, 2025, "sector", "b");
    // A year on the pattern would be another one: a and c. An answer was erased, so the level of 2025 is another too.
    let mut second = report(&[2025, 2026]);
    for year in [2025, 2026] {
        conceal(&mut second, year, "sector", "a");
        conceal(&mut second, year, "sector", "c");
    }
    set(&mut second, 2025, TOTAL, ALL, 50.5);
    let earlier = [basis(first.clone(), marks(&[2025], plain))];
    let kept = keep(&mut second, &marks(&[2025, 2026], plain), 2026, &earlier, 5);
    assert!(kept.repeated > 0);
    for old in first.estimates.iter().filter(|r| r.indicator == "x") {
        assert_eq!(at(&second, 2025, &old.domain, &old.group), old);
    }
    // b was hidden in 2025 and is shown in 2026: its change would tell 2025.
    let b = second.change("x", 2025, 2026, "sector", "b").unwrap();
    assert_eq!((b.change, b.interval, b.verdict), (None, None, Verdict::Hidden));
    // The change of the total starts from the level that was published, so that it does not tell what was erased since.
    let total = second.change("x", 2025, 2026, TOTAL, ALL).unwrap();
    assert!((total.change.unwrap() - 4.5).abs() < 1e-12, "{total:?}");
}

#[test]
fn a_correction_blanks_what_few_answers_move_and_shows_what_many_do() {
    let first = report(&[2026]);
    let corrected = |a: usize, b: usize| {
        let mut second = report(&[2026]);
        let moved = |n: usize| 50.0 + n as f64 / 10.0;
        for domain in ["sector", "size"] {
            set(&mut second, 2026, domain, "a", moved(a));
            set(&mut second, 2026, domain, "b", moved(b));
        }
        set(&mut second, 2026, TOTAL, ALL, moved(a + b));
        let earlier = [basis(first.clone(), marks(&[2026], plain))];
        let kept = keep(&mut second, &marks(&[2026], with_changed(a, b)), 2026, &earlier, 5);
        (second, kept)
    };
    let shown = |report: &Report, domain: &str, group: &str| !at(report, 2026, domain, group).state.is_hidden();
    // Nothing moved: nothing happens.
    assert_eq!(corrected(0, 0).1, Kept::default());
    // Four answers of a: a and the total tell them, the others are as they were.
    let (four, _) = corrected(4, 0);
    assert!(!shown(&four, "sector", "a") && !shown(&four, TOTAL, ALL));
    assert!(shown(&four, "sector", "b") && shown(&four, "sector", "c"));
    // Seven of a: enough to be shown.
    let (seven, _) = corrected(7, 0);
    assert!(shown(&seven, "sector", "a") && shown(&seven, TOTAL, ALL));
    // Seven of a, one of b: with a and the total shown b would follow, so a goes too.
    let (both, _) = corrected(7, 1);
    assert!(shown(&both, TOTAL, ALL) && shown(&both, "sector", "c"));
    assert!(!shown(&both, "sector", "b") && !shown(&both, "sector", "a"));
}

#[test]
fn a_correction_never_shows_what_was_hidden() {
    let mut first = report(&[2026]);
    conceal(&mut first, 2026, "sector", "a");
    conceal(&mut first, 2026, "sector", "b");
    // Everything is computed anew and the pattern would now be a and c, or nothing at all.
    for pattern in [vec![], vec!["a", "c"]] {
        let mut second = report(&[2026]);
        pattern.iter().for_each(|g| conceal(&mut second, 2026, "sector", g));
        let earlier = [basis(first.clone(), marks(&[2026], plain))];
        keep(&mut second, &marks(&[2026], with_changed(20, 20)), 2026, &earlier, 5);
        for g in ["a", "b"] {
            assert!(at(&second, 2026, "sector", g).state.is_hidden(), "{g} under {pattern:?}");
            assert_eq!(at(&second, 2026, "sector", g).estimate.value, None);
        }
    }
}

#[test]
fn a_level_newly_hidden_does_not_follow_from_what_was_published_before() {
    // Twenty answers of a were withdrawn, so that a is hidden now, and the pattern hides b with it. But b has not moved: it is known.
    let first = report(&[2026]);
    let mut second = report(&[2026]);
    set(&mut second, 2026, TOTAL, ALL, 47.0);
    conceal(&mut second, 2026, "sector", "a");
    conceal(&mut second, 2026, "sector", "b");
    let earlier = [basis(first, marks(&[2026], plain))];
    keep(&mut second, &marks(&[2026], with_changed(20, 0)), 2026, &earlier, 5);
    assert!(at(&second, 2026, TOTAL, ALL).state.is_hidden(), "a = total − b − c, and b is known");
}

#[test]
fn weights_alone_may_change_every_figure() {
    let mut second = report(&[2026]);
    set(&mut second, 2026, TOTAL, ALL, 53.0);
    set(&mut second, 2026, "sector", "a", 54.0);
    let earlier = [basis(report(&[2026]), marks(&[2026], plain))];
    assert_eq!(keep(&mut second, &marks(&[2026], plain), 2026, &earlier, 5).blanked, 0);
    assert_eq!(at(&second, 2026, "sector", "a").estimate.value, Some(54.0));
}

#[test]
fn a_new_grouping_shows_no_group_that_lies_a_few_answers_beside_an_old_one() {
    let first = report(&[2025]);
    // The new group d is the old a with two answers more, e is large and different.
    let mut second = report(&[2025, 2026]);
    let sector = &mut second.breakdowns[0].groups;
    *sector = ["d", "e", "f"].map(|g| Group { key: g.into(), title: Texts::same(g) }).to_vec();
    second.estimates.retain(|r| r.domain != "sector");
    second.estimates.extend(["d", "e", "f"].map(|g| row("x", 2025, "sector", g, 30, 50.0)));
    let mut now = marks(&[2025, 2026], plain);
    for mark in now.get_mut(&2025).unwrap() {
        let is_d = mark.seal.starts_with('a') || ["b0", "b1"].contains(&mark.seal.as_str());
        // f: half of c, which is far from every old group.
        let is_f = mark.seal.starts_with('c') && mark.seal.ends_with(['0', '1', '2', '3', '4']);
        mark.groups.insert(
            "sector".into(),
            if is_d {
                "d"
            } else if is_f {
                "f"
            } else {
                "e"
            }
            .into(),
        );
    }
    keep(&mut second, &now, 2026, &[basis(first, marks(&[2025], plain))], 5);
    assert!(at(&second, 2025, "sector", "d").state.is_hidden());
    let hidden = ["d", "e", "f"].iter().filter(|g| at(&second, 2025, "sector", g).state.is_hidden()).count();
    assert_eq!(hidden, 2, "d alone would follow from the total");
}

#[test]
fn without_marks_a_correction_is_careful() {
    let mut second = report(&[2026]);
    set(&mut second, 2026, "sector", "a", 54.0);
    let earlier = [Basis { whole: report(&[2026]), marks: None }];
    keep(&mut second, &Marks::new(), 2026, &earlier, 5);
    assert!(at(&second, 2026, "sector", "a").state.is_hidden());
    assert!(!at(&second, 2026, "size", "c").state.is_hidden());
}
