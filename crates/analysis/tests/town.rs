//! The invented municipality through the engine as a publication: what may be shown is nearly everything that matters.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]

use std::collections::BTreeMap;

use analysis::{Analysis, Fpc, Method, Table};
use demo::DemoUnit;
use domain::fieldwork::{ResponseStatus, RoundState};
use domain::indicator::Definitions;
use domain::results::State;

/// The closed rounds as they are published.
fn published(seed: u64) -> Analysis {
    let demo = demo::generate(seed);
    let closed = demo.rounds.iter().filter(|r| r.state == RoundState::Closed);
    let units: Vec<(i32, &DemoUnit)> = closed.flat_map(|r| r.units.iter().map(|u| (r.year, u))).collect();
    let column = |name: &str, cell: &dyn Fn(&(i32, &DemoUnit)) -> String| {
        (name.to_owned(), units.iter().map(cell).collect::<Vec<_>>())
    };
    let columns = vec![
        column("year", &|(year, _)| year.to_string()),
        column("business_id", &|(_, u)| u.unit.unit_key.clone()),
        column("sector", &|(_, u)| u.unit.sector.clone()),
        column("size", &|(_, u)| u.unit.size.clone()),
        column("company_employees", &|(_, u)| u.unit.company_employees_low.unwrap_or(u.unit.employees_low).to_string()),
    ];
    let frame = Table::from_columns("frame", columns).unwrap();
    let counts = |status| matches!(status, ResponseStatus::Complete | ResponseStatus::Partial);
    let answered: Vec<_> = units
        .iter()
        .filter_map(|(year, u)| Some((*year, u, u.response.as_ref().filter(|r| counts(r.status))?)))
        .collect();
    let responded = answered.iter().map(|(year, u, _)| (*year, u.unit.unit_key.clone())).collect();
    let answers = answered.iter().flat_map(|(year, u, response)| {
        let kept = response.answers.0.iter();
        kept.map(|(key, value)| (*year, u.unit.unit_key.clone(), key.clone(), value.clone()))
    });
    let responses = Table::from_answers("responses", responded, answers).unwrap();
    let method = Method { fpc: Fpc::Item, min_cell: 5, ..Method::default() };
    analysis::analyse_rows(&frame, &responses, &Definitions::shipped(), &method).unwrap()
}

#[test]
fn the_main_figures_of_the_town_are_shown() {
    let started = std::time::Instant::now();
    let report = published(1).report;
    println!("{:?}", started.elapsed());
    let mut counts: BTreeMap<(&str, &str), [u32; 4]> = BTreeMap::new();
    for row in &report.estimates {
        let at = [State::Shown, State::Uncertain, State::Hidden, State::HiddenSecondary];
        let at = at.iter().position(|s| *s == row.state).unwrap();
        counts.entry((&row.indicator, &row.domain)).or_default()[at] += 1;
    }
    for ((indicator, domain), [shown, uncertain, hidden, secondary]) in &counts {
        println!("{indicator} {domain}: {shown} shown, {uncertain} uncertain, {hidden} hidden, {secondary} secondary");
    }
    for row in report.estimates.iter().filter(|r| r.domain == "total") {
        assert!(
            !row.state.is_hidden(),
            "{} {}: the total of {} answers is hidden",
            row.indicator,
            row.year,
            row.estimate.n
        );
    }
    for row in report.estimates.iter().filter(|r| r.indicator == "nki") {
        let enough = row.estimate.n >= 20;
        assert!(
            !(enough && row.state.is_hidden()),
            "nki {} {} {}: n = {}",
            row.year,
            row.domain,
            row.group,
            row.estimate.n
        );
    }
    let totals: Vec<_> = report.changes.iter().filter(|c| c.indicator == "nki" && c.domain == "total").collect();
    assert!(totals.len() == 3 && totals.iter().all(|c| c.change.is_some()), "a change of the total is withheld");
    let withheld = report.changes.iter().filter(|c| c.change.is_none() && c.n_from >= 20 && c.n_to >= 20);
    for change in withheld {
        println!(
            "withheld: {} {}–{} {} {}",
            change.indicator, change.year_from, change.year_to, change.domain, change.group
        );
    }
}
