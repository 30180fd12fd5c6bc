//! Explore's figures are those of the analysis, to the digit shown; and what it hides cannot be worked out from all its tables together.
use std::sync::Arc;

use analysis::{Fpc, Method, Table, analyse_rows};
use domain::fieldwork::{ResponseStatus, RoundState};
use domain::indicator::Definitions;
use domain::municipality::Municipality;
use domain::results::{Report, State, TOTAL, Verdict};
use e2e::house::{Engine, House};
use pejling::{publish, town};
use statistics::rounding::{publish_change, publish_row};
use statistics::suppress::{self, Rules};
use statistics::tables::Tables;
use web::explore::{AXES, Choice, Explorer, Shelf};

async fn town_on(engine: Engine) -> Option<(House, Municipality)> {
    let house = House::open(engine, None).await?;
    let mut town = demo::generate(demo::SEED);
    town.rounds.retain(|round| round.state == RoundState::Closed);
    let municipality = town::load(&house.parts, &town, &house.url).await.expect("the town loads");
    Some((house, municipality))
}

/// Everything by everything from the analysis, nothing hidden.
async fn analysed(house: &House, municipality: &Municipality, years: &[i32]) -> Report {
    let store = &house.parts.store;
    let units = store.analysis_frame(&municipality.id, years).await.expect("a frame");
    let responses = store.analysis_responses(&municipality.id, years).await.expect("responses");
    let column = |name: &str, cell: &dyn Fn(&store::results::AnalysisUnit) -> String| {
        (name.to_owned(), units.iter().map(cell).collect::<Vec<_>>())
    };
    let staff = |u: &store::results::AnalysisUnit| {
        let (low, high) = match u.company_employees_low {
            Some(low) => (low, u.company_employees_high),
            None => (u.employees_low, u.employees_high),
        };
        high.map_or_else(
            || format!("{low}+"),
            |high| if high == low { low.to_string() } else { format!("{low}-{high}") },
        )
    };
    let frame = Table::from_columns(
        "frame",
        vec![
            column("year", &|u| u.year.to_string()),
            column("business_id", &|u| u.panel.0.clone()),
            column("sector", &|u| u.sector.clone()),
            column("size", &|u| u.size.clone()),
            column("area", &|u| u.area.clone().unwrap_or_default()),
            column("age", &|u| u.age.unwrap_or_default().to_owned()),
            column("company_employees", &staff),
        ],
    )
    .expect("a table");
    let counts = |status| matches!(status, ResponseStatus::Complete | ResponseStatus::Partial);
    let responses: Vec<_> = responses.into_iter().filter(|r| counts(r.status)).collect();
    let responded = responses.iter().map(|r| (r.year, r.panel.0.clone())).collect();
    let answers = responses.into_iter().flat_map(|r| {
        let (year, panel) = (r.year, r.panel.0);
        r.answers.0.into_iter().map(move |(key, value)| (year, panel.clone(), key, value))
    });
    let responses = Table::from_answers("responses", responded, answers).expect("a table");
    let method = Method {
        by: AXES.map(str::to_owned).to_vec(),
        fpc: Fpc::Item,
        min_cell: 5,
        min_n: 0,
        ..publish::method(municipality).expect("a method")
    };
    analyse_rows(&frame, &responses, &Definitions::shipped(), &method).expect("an analysis").report
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_analysis_to_the_digit_on_sqlite() {
    figures_are_the_same(Engine::Sqlite, &AXES.map(Some), true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_analysis_to_the_digit_on_postgresql() {
    figures_are_the_same(Engine::Postgres, &[Some("area"), Some("authority")], false).await;
}

async fn figures_are_the_same(engine: Engine, axes: &[Option<&str>], all: bool) {
    let Some((house, municipality)) = town_on(engine).await else { return };
    let store = &house.parts.store;
    let shelf = Shelf::default();
    let explorer = shelf.of(store, &municipality).await.expect("an explorer");
    let years = explorer.years();
    assert_eq!(explorer.copies(), 0, "the town has no reply for several workplaces");
    let expected = analysed(&house, &municipality, &years).await;
    let (mut levels, mut changes, mut verdicts) = (0, 0, 0);
    let wanted: Vec<(usize, String)> = explorer.indicators().map(|(at, i)| (at, i.id.clone())).collect();
    for (indicator, id) in
        wanted.into_iter().filter(|(_, id)| all || ["nki", "service", "green_sme"].contains(&id.as_str()))
    {
        let kind = explorer.indicator(indicator).measure.kind();
        for axis in axes {
            let axes = axis.iter().filter_map(|a| AXES.iter().position(|name| name == a)).collect();
            let choice = Choice { indicator, axes, year: years.len() - 1 };
            let report = explorer.report(store, &choice).await.expect("a report");
            for row in report.estimates.iter().filter(|r| !r.state.is_hidden()) {
                let truth = expected.estimate(&id, row.year, &row.domain, &row.group).expect("the analysis has it too");
                let truth = publish_row(truth, kind);
                assert_eq!(row.estimate, truth.estimate, "{id} {} {} {}", row.year, row.domain, row.group);
                assert_eq!(row.n_frame, truth.n_frame, "{id} {} {} {}", row.year, row.domain, row.group);
                assert_eq!(row.state, truth.state);
                levels += 1;
            }
            for row in report.changes.iter().filter(|r| r.change.is_some()) {
                let truth =
                    expected.change(&id, row.year_from, row.year_to, &row.domain, &row.group).expect("a change");
                let truth = publish_change(truth, kind);
                let of = |r: &domain::results::ChangeRow| {
                    (r.n_from, r.n_to, r.n_both, r.change, r.se, r.df, r.interval, r.p_value, r.detectable)
                };
                assert_eq!(of(row), of(&truth), "{id} {}–{} {} {}", row.year_from, row.year_to, row.domain, row.group);
                changes += 1;
                if row.domain == TOTAL {
                    assert_eq!((row.verdict, row.p_adjusted), (truth.verdict, truth.p_adjusted), "{id}");
                    verdicts += usize::from(row.verdict != Verdict::Unclear);
                }
            }
        }
    }
    println!("{levels} levels, {changes} changes equal, {verdicts} rises and falls of totals");
    assert!(levels > if all { 1000 } else { 60 } && changes > if all { 400 } else { 20 });
    house.close().await;
}

/// The strongest attack: everything shown in all tables of the list at once, as equations, and for a hidden mean the smallest and
/// largest value that agrees with all of them.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_cannot_be_worked_out_from_all_tables_together() {
    let Some((house, municipality)) = town_on(Engine::Sqlite).await else { return };
    let store = &house.parts.store;
    let explorer = Shelf::default().of(store, &municipality).await.expect("an explorer");
    let mut attacked = 0;
    for id in ["nki", "overall_satisfied", "case_time"] {
        attacked += attack(&explorer, store, id).await;
    }
    println!("{attacked} hidden means attacked");
    assert!(attacked >= 15);
    house.close().await;
}

async fn attack(explorer: &Arc<Explorer>, store: &store::Store, id: &str) -> usize {
    let (at, _) = explorer.indicators().find(|(_, i)| i.id == id).expect("an indicator");
    let started = std::time::Instant::now();
    let measured = explorer.measured(store, at).await.expect("sums");
    let asked = started.elapsed();
    let pattern = explorer.pattern(store, at).await.expect("a pattern");
    let (tables, hidden) = (explorer.tables(), Tables::hidden(&pattern));
    let shown = hidden.iter().filter(|h| !**h).count();
    println!("{id}: {shown} of {} groups shown; sums {asked:?}, pattern {:?}", hidden.len(), started.elapsed() - asked);
    let rules = Rules::default();
    let mut attacked = 0;
    for plane in tables.planes(&measured) {
        let n = |g: usize| tables.groups()[g].atoms.iter().map(|a| plane.slice.atoms[*a].n).sum::<u64>();
        // Hidden for its own sake; a few, spread over all tables.
        let secret: Vec<usize> = (0..hidden.len()).filter(|g| (1..5).contains(&n(*g))).collect();
        assert!(secret.iter().all(|g| hidden[*g]), "{id}: a figure of fewer than five answers is shown");
        let chosen = secret.iter().copied().step_by((secret.len() / 3).max(1)).take(3);
        for target in chosen {
            let list: Vec<usize> = (0..hidden.len()).filter(|g| !hidden[*g] || *g == target).collect();
            let groups: Vec<_> = list.iter().map(|g| tables.groups()[*g].clone()).collect();
            let state = |g: &usize| if *g == target { State::Hidden } else { State::Shown };
            let states = vec![list.iter().map(state).collect()];
            let audits = suppress::audit(&groups, std::slice::from_ref(&plane.slice), &[], &rules, &states);
            let [low, high] = plane.slice.range;
            for audit in audits {
                let width = (audit.upper - audit.lower) / (high - low);
                assert!(width >= 0.2 - 1e-4, "{id} {} {}: {audit:?}", plane.slice.year, tables.groups()[target].group);
                attacked += 1;
            }
        }
    }
    attacked
}
