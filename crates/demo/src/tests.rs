//! Facts of the invented municipality.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use domain::answers::check;
use domain::frame::FrameUnit;
use domain::indicator::{Definitions, Indicator};
use domain::industry::{Classification, Grouping};
use domain::questionnaire::{Column, QuestionKind, Screen, shipped};
use domain::registers::{Cvr, PNumber};
use domain::size::{Employees, SizeClasses};

use super::*;

static DEMO: LazyLock<Demo> = LazyLock::new(|| generate(SEED));
static INDICATORS: LazyLock<Definitions> = LazyLock::new(|| {
    let text = include_str!("../../../analysis/indicators.toml");
    Definitions::parse("indicators.toml", text).expect("the shipped indicators are readable")
});

fn round(year: i32) -> &'static DemoRound {
    DEMO.rounds.iter().find(|r| r.year == year).expect("the year has a round")
}

fn indicator(id: &str) -> &'static Indicator {
    INDICATORS.get(id).unwrap_or_else(|| panic!("{id} is no indicator"))
}

fn value(id: &str, year: i32, in_group: impl Fn(&DemoUnit) -> bool) -> f64 {
    true_value(round(year), indicator(id), in_group).expect("somebody is in the group")
}

fn total(id: &str, year: i32) -> f64 {
    value(id, year, |_| true)
}

fn rate<'d>(units: impl Iterator<Item = &'d DemoUnit>) -> f64 {
    let answered: Vec<bool> = units.map(|u| u.response.as_ref().is_some_and(counts)).collect();
    answered.iter().filter(|a| **a).count() as f64 / answered.len() as f64
}

fn counts(response: &DemoResponse) -> bool {
    matches!(response.status, ResponseStatus::Complete | ResponseStatus::Partial)
}

/// Everything about a demo that a seed decides, as one text.
fn print(demo: &Demo) -> String {
    let mut text = String::new();
    for round in &demo.rounds {
        text.push_str(&register_extract(demo, round.year).expect("the year has a round"));
        for unit in &round.units {
            text.push_str(&format!("{:?}", unit.truth));
            if let Some(response) = &unit.response {
                text.push_str(&format!("{:?}{:?}{:?}", response.answers.0, response.started_at, response.status));
            }
        }
    }
    text
}

#[test]
fn a_seed_gives_one_municipality() {
    assert!(print(&DEMO) == print(&generate(SEED)));
    assert!(print(&DEMO) != print(&generate(2)));
}

#[test]
fn every_frame_holds_2400_workplaces_with_valid_numbers() {
    for round in &DEMO.rounds {
        assert_eq!(round.units.len(), 2_400, "{}", round.year);
        let keys: BTreeSet<&str> = round.units.iter().map(|u| u.unit.unit_key.as_str()).collect();
        assert_eq!(keys.len(), 2_400);
        for FrameUnit { unit_key, company_number, email, .. } in round.units.iter().map(|u| &u.unit) {
            assert!(PNumber::parse(unit_key.trim_start_matches("dk:p:")).is_ok(), "{unit_key}");
            assert!(Cvr::parse(company_number.as_deref().expect("everybody has one")).is_ok());
            assert!(email.as_ref().is_none_or(|e| e.ends_with(".example") && e.is_ascii()), "{email:?}");
        }
    }
}

#[test]
fn businesses_keep_their_identity_while_some_come_and_go() {
    for pair in DEMO.rounds.windows(2) {
        let keys = |r: &DemoRound| r.units.iter().map(|u| u.unit.unit_key.clone()).collect::<BTreeSet<_>>();
        let (before, after) = (keys(&pair[0]), keys(&pair[1]));
        let stayed = before.intersection(&after).count();
        assert!((2_160..2_340).contains(&stayed), "{stayed}");
        let sizes: BTreeMap<&str, &str> =
            pair[0].units.iter().map(|u| (u.unit.unit_key.as_str(), u.unit.size.as_str())).collect();
        let moved =
            pair[1].units.iter().filter(|u| sizes.get(u.unit.unit_key.as_str()).is_some_and(|s| *s != u.unit.size));
        assert!((40..300).contains(&moved.count()), "some grow into another size class, most do not");
    }
}

#[test]
fn a_recoded_business_stays_in_its_sector() {
    let grouping = Grouping::shipped("dst10").expect("it ships");
    let mut seen: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut recoded = 0;
    for round in &DEMO.rounds {
        let expected = if round.year < 2025 { Classification::Db07 } else { Classification::Db25 };
        for unit in round.units.iter().map(|u| &u.unit) {
            assert_eq!(unit.classification, expected);
            let sector =
                &grouping.sector_of(&unit.industry_code, unit.classification).expect("a code of the list").sector.key;
            assert_eq!(*sector, unit.sector, "{}", unit.industry_code);
            if let Some((sector, code)) = seen.insert(&unit.unit_key, (&unit.sector, &unit.industry_code)) {
                assert_eq!(sector, unit.sector);
                recoded += usize::from(code[..5] != unit.industry_code[..5]);
            }
        }
    }
    assert!(recoded > 500, "{recoded}");
    let sectors: BTreeSet<&str> = round(2026).units.iter().map(|u| u.unit.sector.as_str()).collect();
    assert_eq!(sectors.len(), 10);
}

#[test]
fn size_classes_are_those_of_the_definition() {
    let classes = SizeClasses::shipped("dk").expect("it ships");
    let mut used = BTreeSet::new();
    for unit in round(2024).units.iter().map(|u| &u.unit) {
        let class = classes.class_of(Employees::exact(unit.employees_low)).expect("a class for every number");
        assert_eq!(class.key, unit.size);
        assert!(unit.company_employees_low >= Some(unit.employees_low));
        used.insert(unit.size.as_str());
    }
    assert_eq!(used.len(), 5);
    let large = round(2024).units.iter().filter(|u| u.unit.company_employees_low >= Some(250)).count();
    assert!((30..300).contains(&large), "{large} belong to companies that are no SME");
}

#[test]
fn some_are_protected_some_unreachable_some_share_a_contact() {
    let units = &round(2025).units;
    let share = |of: &dyn Fn(&DemoUnit) -> bool| units.iter().filter(|u| of(u)).count() as f64 / 2_400.0;
    assert!((0.05..0.12).contains(&share(&|u| u.unit.protected)));
    assert!((0.05..0.14).contains(&share(&|u| u.unit.email.is_none())));
    assert!((0.02..0.15).contains(&share(&|u| u.answers_through.is_some())));
    for unit in units.iter().filter(|u| u.unit.protected || u.answers_through.is_some()) {
        assert!(unit.response.is_none(), "nobody is approached against the register or twice");
    }
    let mailboxes: Vec<&str> =
        units.iter().filter(|u| u.answers_through.is_none()).filter_map(|u| u.unit.email.as_deref()).collect();
    assert_eq!(mailboxes.iter().collect::<BTreeSet<_>>().len(), mailboxes.len(), "two companies share no mailbox");
}

#[test]
fn about_a_third_answers_and_half_of_them_again() {
    for year in 2023..=2025 {
        let rate = rate(round(year).units.iter());
        assert!((0.32..0.38).contains(&rate), "{year}: {rate}");
    }
    let answered = |year: i32| {
        let answered = round(year).units.iter().filter(|u| u.response.as_ref().is_some_and(counts));
        answered.map(|u| u.unit.unit_key.as_str()).collect::<BTreeSet<_>>()
    };
    for year in 2023..2025 {
        let again = answered(year).intersection(&answered(year + 1)).count() as f64 / answered(year).len() as f64;
        assert!((0.43..0.57).contains(&again), "{year}: {again}");
    }
}

#[test]
fn response_differs_by_sector_and_size() {
    let units: Vec<&DemoUnit> = (2023..=2025).flat_map(|year| &round(year).units).collect();
    let by = |of: &dyn Fn(&DemoUnit) -> bool| rate(units.iter().copied().filter(|u| of(u)));
    assert!(by(&|u| u.unit.sector == "industry") > by(&|u| u.unit.sector == "trade_transport") + 0.04);
    assert!(by(&|u| u.unit.size == "50-199") > by(&|u| u.unit.size == "0-1") + 0.04);
}

#[test]
fn the_last_round_is_in_the_field() {
    let last = round(LAST_YEAR);
    assert_eq!(last.state, RoundState::Open);
    assert!(last.opened_at < DEMO.as_of && DEMO.as_of < last.closes_at);
    let so_far = rate(last.units.iter());
    assert!((0.18..0.31).contains(&so_far), "{so_far}");
    let statuses: BTreeSet<&str> =
        last.units.iter().filter_map(|u| u.response.as_ref()).map(|r| r.status.as_str()).collect();
    assert_eq!(statuses, BTreeSet::from(["complete", "partial", "started"]));
    for response in DEMO.rounds.iter().flat_map(|r| r.units.iter().filter_map(move |u| Some((r, u.response.as_ref()?))))
    {
        let (round, response) = response;
        assert!(round.opened_at < response.started_at && response.started_at < round.closes_at);
        assert!(response.completed_at.is_none_or(|end| end > response.started_at));
        assert!(round.year < LAST_YEAR || response.started_at <= DEMO.as_of);
    }
}

#[test]
fn the_last_round_is_in_the_field_whenever_one_looks() {
    let day = |days: i64| DEMO.as_of.plus_days(days);
    for now in [day(-5), day(0), day(12), day(90), day(900)] {
        let demo = generate_at(SEED, now);
        let last = demo.rounds.last().expect("there are rounds");
        assert!(last.opened_at < now && now < last.closes_at && demo.as_of == now);
        assert!(last.units.iter().any(|u| u.response.is_some()));
        // Only what has come in by then differs.
        assert!(
            demo.rounds[0].units.iter().zip(&DEMO.rounds[0].units).all(|(a, b)| a.truth == b.truth && a.unit == b.unit)
        );
    }
}

/// The form that a page would send for these answers.
fn form(screen: &Screen, answers: &Answers) -> Vec<(String, String)> {
    let mut form = Vec::new();
    for question in &screen.questions {
        let mut one = |key: &str| form.extend(answers.get(key).map(|value| (key.to_owned(), value.to_owned())));
        match &question.kind {
            QuestionKind::Multiple { options, .. } => {
                let ticked =
                    options.iter().filter(|o| answers.get(&format!("{}.{}", question.key, o.code)) == Some("1"));
                form.extend(ticked.map(|o| (question.key.clone(), o.code.clone())));
            }
            QuestionKind::Battery { items, .. } | QuestionKind::Grid { items, .. } => {
                items.iter().for_each(|i| one(&i.key))
            }
            _ => one(&question.key),
        }
    }
    form
}

/// What a respondent who types these answers page by page ends up with.
fn typed(facts: &Facts, answers: &Answers) -> Answers {
    let questionnaire = shipped();
    let mut typed = BTreeMap::new();
    for screen in questionnaire.route(facts, answers) {
        let checked = check(&screen, &form(&screen, answers));
        assert_eq!(checked.faults, []);
        typed.extend(checked.changes.into_iter().filter_map(|(key, value)| Some((key, value?))));
    }
    // With one contact only, the questionnaire writes down which.
    typed.extend(answers.get("authority").map(|a| ("authority".to_owned(), a.to_owned())));
    Answers(typed)
}

#[test]
fn every_answer_could_have_been_typed_into_the_questionnaire() {
    let questionnaire = shipped();
    for round in &DEMO.rounds {
        for unit in round.units.iter().step_by(40) {
            let (facts, truth) = (unit.facts(round.year), unit.truth.answers());
            assert!(typed(&facts, &truth).0 == truth.0, "{}", unit.unit.unit_key);
            assert_eq!(questionnaire.settle(&facts, &truth, &BTreeMap::new()), BTreeMap::new());
            let done = questionnaire.completeness(&facts, &truth);
            assert_eq!(done.answered, done.asked, "the truth is complete");
        }
        for (unit, response) in round.units.iter().filter_map(|u| Some((u, u.response.as_ref()?))).step_by(20) {
            let facts = unit.facts(round.year);
            assert!(typed(&facts, &response.answers).0 == response.answers.0, "{}", unit.unit.unit_key);
            let done = questionnaire.completeness(&facts, &response.answers).status();
            assert!(response.completed_at.is_some() || done == response.status);
        }
    }
}

#[test]
fn true_changes_are_of_all_kinds() {
    let change = |id: &str, from: i32, to: i32| total(id, to) - total(id, from);
    assert!(change("nki", 2023, 2024).abs() < 0.8, "{}", change("nki", 2023, 2024));
    assert!(change("nki", 2025, 2026) > 1.5, "{}", change("nki", 2025, 2026));
    assert!(change("case_time", 2023, 2024) < -3.0 && change("case_time", 2024, 2026) > 8.0);
    assert!(change("condition_labour", 2023, 2026) < -5.0);
    assert!(change("condition_roads", 2023, 2025).abs() < 1.5);
    assert!(change("jobcentre", 2023, 2026).abs() < 4.0);
    assert!(change("green_sme", 2023, 2026) > 0.07);
    assert!((0.30..0.60).contains(&total("green_sme", 2023)), "{}", total("green_sme", 2023));
    assert!(change("outlook", 2023, 2024) < -0.02 && change("outlook", 2024, 2026) > 0.05);
    let sector = |key: &'static str| {
        value("nki", 2026, move |u| u.unit.sector == key) - value("nki", 2024, move |u| u.unit.sector == key)
    };
    assert!(sector("construction") > 5.0, "{}", sector("construction"));
    assert!(sector("trade_transport") < 0.5, "{}", sector("trade_transport"));
}

#[test]
fn small_businesses_are_less_satisfied_than_large_ones() {
    for year in 2023..=2026 {
        let of = |size: &'static str| value("overall_satisfied", year, move |u| u.unit.size == size);
        assert!(of("0-1") < of("10-49") && of("2-9") < of("50-199"), "{year}");
        assert!((0.35..0.65).contains(&total("overall_satisfied", year)), "{}", total("overall_satisfied", year));
    }
}

#[test]
fn comments_are_many_and_varied() {
    let mut distinct = BTreeSet::new();
    let mut languages = BTreeSet::new();
    let mut all = 0;
    for response in DEMO.rounds.iter().flat_map(|r| &r.units).filter_map(|u| u.response.as_ref()) {
        for key in ["overall_why", "service_better", "does_well", "do_first"] {
            if let Some(text) = response.answers.get(key) {
                assert!(!text.contains(['{', '}', '\n']) && text.chars().count() < 400, "{text}");
                assert!(text.starts_with(char::is_uppercase) && !text.to_lowercase().contains("anonym"), "{text}");
                distinct.insert(text);
                languages.insert(response.language);
                all += 1;
            }
        }
    }
    assert!(all > 2_000 && distinct.len() > 900, "{all} comments, {} distinct", distinct.len());
    assert_eq!(languages.len(), 3);
}

#[test]
fn the_extract_has_a_row_per_unit_and_some_to_leave_out() {
    let text = register_extract(&DEMO, 2025).expect("2025 has a round");
    let rows: Vec<Vec<&str>> = text.lines().map(|l| l.split(';').collect()).collect();
    assert!(rows.iter().all(|r| r.len() == rows[0].len()));
    let outside = rows.len() - 1 - 2_400;
    assert!((250..400).contains(&outside), "{outside}");
    assert_eq!(rows[0][..3], ["P-nummer", "CVR-nummer", "Navn"]);
    let numbers: BTreeSet<&str> = rows[1..].iter().map(|r| r[0]).collect();
    assert_eq!(numbers.len(), rows.len() - 1);
    assert!(rows[1..].iter().all(|r| Cvr::parse(r[1]).is_ok() && !r[2].is_empty()));
    assert!(register_extract(&DEMO, 1999).is_none());
    // Who has no employees is personally owned, or the eligibility rules would leave a unit of the frame out.
    let (staff, form) = (8, 10);
    assert!(
        rows[1..=2_400]
            .iter()
            .all(|r| r[staff] != "0" || r[form] == "Enkeltmandsvirksomhed" || r[form] == "Interessentskab")
    );
}

#[test]
fn the_policy_names_what_exists_and_its_history_is_in_order() {
    let sectors: Vec<String> =
        Grouping::shipped("dst10").expect("it ships").sectors().iter().map(|s| s.key.clone()).collect();
    for area in &DEMO.focus_areas {
        assert!(themes().contains(&area.theme), "{}", area.theme);
    }
    for initiative in &DEMO.initiatives {
        assert_eq!(
            initiative.plan.faults(&INDICATORS, &DEMO.focus_areas, &sectors),
            [],
            "{}",
            initiative.plan.title.da
        );
        assert!(initiative.steps.is_sorted_by(|a, b| a.on < b.on) && !initiative.steps.is_empty());
    }
    for goal in &DEMO.goals {
        for (_, _, plan) in &goal.versions {
            assert_eq!(plan.faults(&INDICATORS, &DEMO.focus_areas), [], "{}", plan.text.da);
        }
    }
}

#[test]
fn the_growth_accounts_agree_with_the_frames() {
    let accounts = domain::accounts::Accounts::of(&DEMO.facts, 5);
    assert_eq!(accounts.years, [2023, 2024, 2025], "the year in the field is not over");
    for round in DEMO.rounds.iter().filter(|r| accounts.years.contains(&r.year)) {
        let all = accounts.cell("workplaces", round.year, None).and_then(|c| c.value).expect("counted");
        assert_eq!(all as usize, round.units.len());
        let parts: f64 = accounts
            .cells
            .iter()
            .filter(|c| c.fact == "workplaces" && c.year == round.year && c.sector.is_some())
            .filter_map(|c| c.value)
            .sum();
        assert_eq!(parts, all);
    }
}

/// Shared theme keys: the options of the question on priorities.
fn themes() -> BTreeSet<String> {
    match shipped().question("priorities").map(|q| &q.kind) {
        Some(QuestionKind::Multiple { options, .. }) => options.iter().map(|o| o.code.clone()).collect(),
        _ => panic!("the questionnaire asks for priorities"),
    }
}

#[test]
fn the_indicators_ask_for_what_the_questionnaire_has() {
    let columns: BTreeSet<String> = shipped().columns().into_iter().map(|c: Column| c.key).collect();
    for indicator in &INDICATORS.indicators {
        for key in indicator.measure.items().iter().chain(indicator.base.columns.keys()) {
            assert!(columns.contains(key), "{}: {key}", indicator.id);
        }
        assert!(indicator.source.is_some(), "{}", indicator.id);
        assert!(true_value(round(2024), indicator, |_| true).is_some(), "{}: nobody answers it", indicator.id);
    }
}
