//! Sums made inside the database are those made of the answers themselves, and give the same figures, on both engines.
use std::collections::{BTreeMap, HashMap};

use analysis::cells::{Row, cell_sums, score_rows};
use domain::answers::Answers;
use domain::fieldwork::{ResponseStatus, RoundState};
use domain::ids::MunicipalityId;
use domain::indicator::{Answer, Definitions, Indicator};
use domain::municipality::Municipality;
use e2e::house::{Engine, House};
use pejling::{publish, town};
use statistics::{
    Cell, CellSums, Design, Fpc, Link, Linked, Options, Overlap, OverlapSums, Pairs, Scale, Sums, VarianceKind,
    Weighting, Year, change,
};
use store::results::AnalysisUnit;
use store::sums::{Breakdown, PairSums, YearSums};
use store::{Store, StoreError};

/// What the shipped indicators lack: recommendation, several conditions, sizes, a share of a mean, "all" of the items.
const MORE: &str = r#"
[[indicator]]
id = "recommend"
kind = "nps"
item = "recommend"
[[indicator]]
id = "strict"
kind = "mean"
items = ["nki_satisfaction", "nki_expectations", "nki_ideal"]
scale = [1, 10]
answered = "all"
[[indicator]]
id = "content"
kind = "share"
of = "strict"
at_least = 7
[[indicator]]
id = "of_some"
kind = "share"
item = "overall"
values = [4, 5]
base = { size = ["2-9", "10-49"], "contact.none" = [0], outlook_employees = [2, 3], sme = true }
"#;

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-12 * one.abs().max(other.abs()).max(1.0)
}

/// A loaded town on an engine; `None` with a message where there is none.
async fn town_on(engine: Engine) -> Option<(House, Municipality)> {
    let house = House::open(engine, None).await?;
    let mut town = demo::generate(demo::SEED);
    // Figures are made of closed rounds; an open one would only send mail.
    town.rounds.retain(|round| round.state == RoundState::Closed);
    let municipality = town::load(&house.parts, &town, &house.url).await.expect("the town loads");
    Some((house, municipality))
}

/// The rows of one year as they were moved out of the database.
struct Moved {
    units: Vec<AnalysisUnit>,
    answers: HashMap<String, Answers>,
}

async fn moved(store: &Store, municipality: &MunicipalityId, year: i32) -> Moved {
    let units = store.analysis_frame(municipality, &[year]).await.expect("a frame");
    let responses = store.analysis_responses(municipality, &[year]).await.expect("responses");
    let counts = |status| matches!(status, ResponseStatus::Complete | ResponseStatus::Partial);
    let answers = responses.into_iter().filter(|r| counts(r.status)).map(|r| (r.panel.0, r.answers)).collect();
    Moved { units, answers }
}

/// Per panel id of those who answered: cell, group and row.
type Placed = BTreeMap<String, (usize, Option<String>, Row)>;

fn placed(moved: &Moved, cells: &HashMap<(&str, &str), usize>, indicator: &Indicator, by: Breakdown<'_>) -> Placed {
    let respondents: Vec<(&AnalysisUnit, &Answers)> =
        moved.units.iter().filter_map(|u| Some((u, moved.answers.get(&u.panel.0)?))).collect();
    let said =
        |answers: &Answers, key: &str| answers.get(key).filter(|v| !["", "dk", "na"].contains(v)).map(str::to_owned);
    let column = |(unit, answers): (&AnalysisUnit, &Answers), name: &str| match name {
        "sector" => Some(unit.sector.clone()),
        "size" => Some(unit.size.clone()),
        question => said(answers, question),
    };
    let in_base = |at: usize| {
        let (unit, answers) = respondents[at];
        let company = match unit.company_employees_low {
            Some(low) => domain::size::Employees { low, high: unit.company_employees_high },
            None => domain::size::Employees { low: unit.employees_low, high: unit.employees_high },
        };
        let holds = |(name, values): (&String, &Vec<String>)| {
            column((unit, answers), name).is_some_and(|v| values.contains(&v))
        };
        indicator.base.columns.iter().all(holds) && (!indicator.base.sme || domain::size::sme(company).is)
    };
    let items: Vec<Vec<Answer>> = indicator
        .measure
        .items()
        .iter()
        .map(|item| {
            let parsed = |(_, answers): &(&AnalysisUnit, &Answers)| {
                Answer::parse(answers.get(item).unwrap_or("")).expect("an answer")
            };
            respondents.iter().map(parsed).collect()
        })
        .collect();
    let items: Vec<&[Answer]> = items.iter().map(Vec::as_slice).collect();
    let rows = score_rows(indicator, in_base, &items, respondents.len());
    let group = |unit: &AnalysisUnit, answers: &Answers| match by {
        Breakdown::Total => Some("all".to_owned()),
        Breakdown::Sector => Some(unit.sector.clone()),
        Breakdown::Size => Some(unit.size.clone()),
        Breakdown::Question(key) => said(answers, key),
        Breakdown::Cross(_) => unreachable!("the finest cells are compared where their tables are: tests/explore.rs"),
    };
    respondents
        .into_iter()
        .zip(rows)
        .map(|((unit, answers), row)| {
            (unit.panel.0.clone(), (cells[&(unit.sector.as_str(), unit.size.as_str())], group(unit, answers), row))
        })
        .collect()
}

fn places(year: &YearSums) -> HashMap<(&str, &str), usize> {
    year.cells.iter().map(|c| (c.sector.as_str(), c.size.as_str())).zip(0..).collect()
}

fn year_is_the_same(of: &str, year: &YearSums, moved: &Moved, placed: &Placed) -> usize {
    for (at, cell) in year.cells.iter().enumerate() {
        let in_cell = |u: &&AnalysisUnit| u.sector == cell.sector && u.size == cell.size;
        assert_eq!(cell.frame, moved.units.iter().filter(in_cell).count() as u64, "{of}: N of {cell:?}");
        assert_eq!(cell.answered, placed.values().filter(|p| p.0 == at).count() as u64, "{of}: n of {cell:?}");
        let blank = placed.values().filter(|p| p.0 == at && p.2 == Row::Blank).count() as u64;
        assert_eq!(year.blanks[at], blank, "{of}: blanks of {cell:?}");
    }
    let mut groups: BTreeMap<&String, Vec<(Option<usize>, Row)>> = BTreeMap::new();
    for (cell, group, row) in placed.values() {
        if let Some(group) = group {
            groups.entry(group).or_default().push((Some(*cell), *row));
        }
    }
    let mut compared = 0;
    for (group, rows) in groups {
        let expected = cell_sums(rows);
        let found = year.groups.get(group).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(found.len(), expected.len(), "{of}: cells of {group}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!((found.cell, found.n), (expected.cell, expected.n), "{of}: {group}");
            assert!(
                close(found.sum, expected.sum) && close(found.sum_sq, expected.sum_sq),
                "{of}: {group}: {found:?}, {expected:?}"
            );
            compared += 1;
        }
    }
    compared
}

fn pairs_are_the_same(of: &str, pairs: &PairSums, earlier: &Placed, later: &Placed) -> usize {
    let mut answered: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let mut expected: BTreeMap<(&String, usize, usize), OverlapSums> = BTreeMap::new();
    for (panel, (from, before, x)) in earlier {
        let Some((to, now, y)) = later.get(panel) else { continue };
        *answered.entry((*from, *to)).or_default() += 1;
        for group in [before.as_ref(), now.as_ref().filter(|g| before.as_ref() != Some(*g))].into_iter().flatten() {
            let x = x.value().filter(|_| before.as_ref() == Some(group));
            let y = y.value().filter(|_| now.as_ref() == Some(group));
            expected.entry((group, *from, *to)).or_insert_with(|| OverlapSums::new(*from, *to)).add(x, y);
        }
    }
    expected.retain(|_, s| s.n_x + s.n_y > 0);
    let links: Vec<_> = pairs.answered.iter().map(|l| ((l.from, l.to), l.n)).collect();
    assert_eq!(links, answered.into_iter().collect::<Vec<_>>(), "{of}: answered in both years");
    assert_eq!(pairs.groups.values().map(Vec::len).sum::<usize>(), expected.len(), "{of}: pairs of cells");
    for (group, rows) in &pairs.groups {
        for found in rows {
            let sums = &expected[&(group, found.from, found.to)];
            assert_eq!((found.n_x, found.n_y, found.n_xy), (sums.n_x, sums.n_y, sums.n_xy), "{of}: {group}");
            let found =
                [found.sum_x, found.sum_xx, found.sum_y, found.sum_yy, found.both_x, found.both_y, found.sum_xy];
            let sums = [sums.sum_x, sums.sum_xx, sums.sum_y, sums.sum_yy, sums.both_x, sums.both_y, sums.sum_xy];
            assert!(found.iter().zip(sums).all(|(f, s)| close(*f, s)), "{of}: {group}: {found:?}, {sums:?}");
        }
    }
    expected.len()
}

fn frame_link_is_the_same(
    of: &str,
    pairs: &PairSums,
    (from, to): (&YearSums, &YearSums),
    earlier: &Moved,
    later: &Moved,
) {
    let (before, now) = (places(from), places(to));
    let mut expected: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    let later: HashMap<&str, &AnalysisUnit> = later.units.iter().map(|u| (u.panel.0.as_str(), u)).collect();
    for unit in &earlier.units {
        if let Some(other) = later.get(unit.panel.0.as_str()) {
            let cells = (
                before[&(unit.sector.as_str(), unit.size.as_str())],
                now[&(other.sector.as_str(), other.size.as_str())],
            );
            *expected.entry(cells).or_default() += 1;
        }
    }
    let found: Vec<_> = pairs.frame.iter().map(|l| ((l.from, l.to), l.n)).collect();
    assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{of}: businesses in both frames");
}

async fn sums_are_those_of_the_answers(engine: Engine) {
    let Some((house, municipality)) = town_on(engine).await else { return };
    let (store, id) = (&house.parts.store, &municipality.id);
    let definitions = [Definitions::shipped(), Definitions::parse("more.toml", MORE).expect("definitions")];
    let indicators: Vec<&Indicator> = definitions.iter().flat_map(|d| &d.indicators).collect();
    let years = publish::analyse(&house.parts, &municipality, None, &definitions[0], method(&municipality)).await;
    let report = years.expect("figures").report;
    let mut tables = BTreeMap::new();
    for year in &report.years {
        tables.insert(*year, moved(store, id, *year).await);
    }
    let (from, to) = (report.years[report.years.len() - 2], report.years[report.years.len() - 1]);
    let (mut sums_compared, mut pairs_compared, mut figures_compared) = (0, 0, 0);
    for indicator in &indicators {
        let breakdowns: &[Breakdown<'_>] = match indicator.id.as_str() {
            "nki" | "of_some" | "outlook" => {
                &[Breakdown::Total, Breakdown::Sector, Breakdown::Size, Breakdown::Question("contact.none")]
            }
            _ => &[Breakdown::Total],
        };
        for by in breakdowns {
            let of = format!("{engine:?}, {} by {by:?}", indicator.id);
            let sums = store.indicator_sums(id, &[from, to], indicator, *by).await.expect("sums");
            let rows: Vec<Placed> = sums.iter().map(|s| placed(&tables[&s.year], &places(s), indicator, *by)).collect();
            for (sums, rows) in sums.iter().zip(&rows) {
                sums_compared += year_is_the_same(&of, sums, &tables[&sums.year], rows);
            }
            let pairs = store.indicator_overlap(id, (&sums[0], &sums[1]), indicator, *by).await.expect("an overlap");
            pairs_compared += pairs_are_the_same(&of, &pairs, &rows[0], &rows[1]);
            frame_link_is_the_same(&of, &pairs, (&sums[0], &sums[1]), &tables[&from], &tables[&to]);
            let domain = match by {
                Breakdown::Total => "total",
                Breakdown::Sector => "sector",
                Breakdown::Size => "size",
                Breakdown::Question(_) | Breakdown::Cross(_) => continue,
            };
            if definitions[0].get(&indicator.id).is_some() {
                figures_compared += figures_are_the_same(&of, &report, indicator, domain, &sums, &pairs, &municipality);
            }
        }
    }
    println!(
        "{engine:?}: {sums_compared} sums, {pairs_compared} pairs of cells, {figures_compared} figures are the same"
    );
    assert!(sums_compared > 2_000 && pairs_compared > 2_000 && figures_compared > 200);
    refusals(store, id, from, indicators[0]).await;
    house.close().await;
}

/// As publications are made, with nothing hidden.
fn method(municipality: &Municipality) -> analysis::Method {
    analysis::Method { min_n: 0, ..publish::method(municipality).expect("a method") }
}

/// The sums of a year as the estimators take them.
fn year_of(sums: &YearSums) -> Year {
    let cell = |c: &store::sums::FrameCell| Cell {
        sector: c.sector.clone(),
        size: c.size.clone(),
        margins: Vec::new(),
        frame: c.frame,
        answered: c.answered,
        invited: None,
    };
    Year { year: sums.year, cells: sums.cells.iter().map(cell).collect() }
}

/// The database's sums give level, standard error and change of the analysis that read every answer.
fn figures_are_the_same(
    of: &str,
    report: &domain::results::Report,
    indicator: &Indicator,
    domain: &str,
    sums: &[YearSums],
    pairs: &PairSums,
    municipality: &Municipality,
) -> usize {
    let grouping = municipality.settings.sectors().expect("sectors");
    let classes = domain::size::SizeClasses::default_for(municipality.country);
    let options = Options {
        weighting: Weighting::Cells {
            min_cell: 5,
            collapse_into: grouping
                .sectors()
                .iter()
                .filter_map(|s| Some((s.key.clone(), s.collapse_into.clone()?)))
                .collect(),
        },
        fpc: Fpc::Item,
        variance: VarianceKind::Design,
        size_order: classes.classes().iter().map(|c| c.key.clone()).collect(),
    };
    let years: Vec<Year> = sums.iter().map(year_of).collect();
    let both = Design::build(&[&years[0], &years[1]], &options).expect("weights");
    let linked =
        |rows: &[store::sums::LinkRow]| rows.iter().map(|l| Linked { from: l.from, to: l.to, n: l.n }).collect();
    let link = Link { frame: linked(&pairs.frame), answered: linked(&pairs.answered) };
    let scale = Scale::of(indicator.measure.kind(), indicator.measure.range());
    let same = |what: &str, one: Option<f64>, other: Option<f64>| match (one, other) {
        (Some(one), Some(other)) => assert!(close(one, other), "{of}: {what}: {one}, {other}"),
        (one, other) => assert_eq!(one, other, "{of}: {what}"),
    };
    let mut compared = 0;
    for group in sums[0].groups.keys().filter(|g| sums[1].groups.contains_key(*g)) {
        let cell_sums = |at: usize| -> Vec<CellSums> {
            sums[at].groups[group]
                .iter()
                .map(|s| CellSums { cell: s.cell, n: s.n, sum: s.sum, sum_sq: s.sum_sq })
                .collect()
        };
        let (earlier, later) = (cell_sums(0), cell_sums(1));
        for (at, year_sums) in [&earlier, &later].into_iter().enumerate() {
            let design = Design::single(&years[at], &options).expect("weights");
            let found = *design.figure(scale, Sums::Businesses(year_sums), &sums[at].blanks).estimate();
            let Some(row) = report.estimate(&indicator.id, sums[at].year, domain, group) else { continue };
            let row = row.estimate;
            assert_eq!(found.n, row.n, "{of}: {group}");
            same("level", found.value, row.value);
            same("standard error", found.se, row.se);
            compared += 1;
        }
        let figure = |at: usize, own: &[CellSums]| both[at].figure(scale, Sums::Businesses(own), &sums[at].blanks);
        let overlap: Vec<OverlapSums> = pairs.groups.get(group).into_iter().flatten().map(overlap_of).collect();
        let found = change(&figure(0, &earlier), &figure(1, &later), &link, Pairs::Businesses(&overlap), Overlap::Own);
        let row = report.change(&indicator.id, sums[0].year, sums[1].year, domain, group);
        if let Some(row) = row.filter(|_| indicator.comparable(sums[0].year, sums[1].year)) {
            assert_eq!(found.n_both, row.n_both, "{of}: {group}");
            same("change", found.change, row.change);
            same("standard error of the change", found.se, row.se);
            compared += 1;
        }
    }
    compared
}

fn overlap_of(p: &store::sums::PairRow) -> OverlapSums {
    OverlapSums {
        from: p.from,
        to: p.to,
        n_x: p.n_x,
        sum_x: p.sum_x,
        sum_xx: p.sum_xx,
        n_y: p.n_y,
        sum_y: p.sum_y,
        sum_yy: p.sum_yy,
        n_xy: p.n_xy,
        both_x: p.both_x,
        both_y: p.both_y,
        sum_xy: p.sum_xy,
    }
}

/// What the database cannot sum is refused, and another municipality's answers are not in reach.
async fn refusals(store: &Store, id: &MunicipalityId, year: i32, indicator: &Indicator) {
    let by_employees = Indicator { weight_by: domain::indicator::WeightBy::Employees, ..indicator.clone() };
    let refused = store.indicator_sums(id, &[year], &by_employees, Breakdown::Total).await;
    assert!(matches!(refused, Err(StoreError::State(_))), "{refused:?}");
    let text = "[[indicator]]\nid = \"words\"\nkind = \"mean\"\nitem = \"do_first\"\nscale = [1, 5]\n";
    let words = Definitions::parse("words.toml", text).expect("definitions");
    let refused = store.indicator_sums(id, &[year], &words.indicators[0], Breakdown::Total).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { what: "answer", .. })), "{refused:?}");
    let stranger = MunicipalityId("stranger".to_owned());
    let nothing = store.indicator_sums(&stranger, &[year], indicator, Breakdown::Total).await.expect("nothing");
    assert!(nothing[0].cells.is_empty() && nothing[0].groups.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_are_those_of_the_answers_on_sqlite() {
    sums_are_those_of_the_answers(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_are_those_of_the_answers_on_postgres() {
    sums_are_those_of_the_answers(Engine::Postgres).await;
}
