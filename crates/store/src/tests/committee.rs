//! Focus areas, goals in versions, initiatives with their history, statuses, register facts: each municipality its own.
use domain::accounts::{FactKind, FactRow, FactUnit};
use domain::focus::FocusArea;
use domain::goals::{GoalPlan, Yardstick};
use domain::indicator::Goal;
use domain::initiatives::{InitiativePlan, InitiativeState, Owner, Standing};
use domain::language::{Country, Texts};
use domain::municipality::Settings;

use super::material::{NOW, municipality};
use super::{Ground, on_both};
use crate::StoreError;

fn area(key: &str) -> FocusArea {
    FocusArea { key: key.into(), title: Texts::same("Erhvervsservice"), theme: "business_service".into() }
}

fn goal(value: f64) -> GoalPlan {
    GoalPlan {
        text: Texts::same("Tilfredsheden skal op"),
        yardstick: Yardstick::Indicator { id: "nki".into(), goal: Goal::Reach { value } },
        focus_area: Some("service".into()),
        from: 2023,
        by: 2027,
        source: "Erhvervspolitik".into(),
    }
}

fn plan(title: &str) -> InitiativePlan {
    InitiativePlan {
        title: Texts::same(title),
        description: Texts::same(""),
        focus_area: Some("service".into()),
        owner: Owner::Group { name: "Erhvervsforum".into() },
        indicators: vec!["nki".into()],
        sectors: vec![],
        starts_on: Some("2025-03-01".into()),
        horizon: Some(2027),
        resources: "200 timer".into(),
        backing: "Erhvervsrådet".into(),
        public: true,
    }
}

async fn goals_have_versions_and_an_end(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let other = store.create_municipality("nabo", "Nabo", Country::Dk, &Settings::default(), NOW).await.unwrap().id;
    store.set_focus_areas(&m, &[area("b"), area("a")]).await.unwrap();
    let keys = |areas: Vec<FocusArea>| areas.into_iter().map(|a| a.key).collect::<Vec<_>>();
    assert_eq!(keys(store.focus_areas(&m).await.unwrap()), ["b", "a"], "the municipality's own order");
    let twice = store.set_focus_areas(&m, &[area("a"), area("a")]).await;
    assert!(matches!(twice, Err(StoreError::Conflict(_))));
    assert_eq!(keys(store.focus_areas(&m).await.unwrap()), ["b", "a"], "a refused list changes nothing");
    assert!(store.focus_areas(&other).await.unwrap().is_empty());

    let id = store.create_goal(&m, &goal(68.0), "2023-06-01", NOW).await.unwrap();
    store.change_goal(&m, &id, &goal(70.0), "2025-06-01", "Byrådet hævede målet.", NOW).await.unwrap();
    let elsewhere = store.change_goal(&other, &id, &goal(1.0), "2025-06-02", "", NOW).await;
    assert!(matches!(elsewhere, Err(StoreError::NotFound(_))));
    store.end_goal(&m, &id, "2026-01-01").await.unwrap();
    assert!(matches!(store.end_goal(&m, &id, "2026-01-02").await, Err(StoreError::NotFound(_))));
    assert!(matches!(
        store.change_goal(&m, &id, &goal(1.0), "2026-02-01", "", NOW).await,
        Err(StoreError::NotFound(_))
    ));
    let goals = store.goals(&m).await.unwrap();
    let versions: Vec<(u32, &str, &GoalPlan)> =
        goals[0].versions.iter().map(|v| (v.version, v.since.as_str(), &v.plan)).collect();
    assert_eq!(versions, [(1, "2023-06-01", &goal(68.0)), (2, "2025-06-01", &goal(70.0))]);
    assert_eq!(goals[0].ended.as_deref(), Some("2026-01-01"));
    assert!(store.goals(&other).await.unwrap().is_empty());
}

async fn initiatives_keep_their_history_and_a_status_stays_as_it_was(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let other = store.create_municipality("nabo", "Nabo", Country::Dk, &Settings::default(), NOW).await.unwrap().id;
    let id = store.create_initiative(&m, &plan("Én indgang"), InitiativeState::Idea, "2025-01-10", NOW).await.unwrap();
    store.move_initiative(&m, &id, InitiativeState::Active, "2025-03-01", "Bevilget.", NOW).await.unwrap();
    let theirs = store.move_initiative(&other, &id, InitiativeState::Done, "2025-03-02", "", NOW).await;
    assert!(matches!(theirs, Err(StoreError::NotFound(_))));

    let report = super::fieldwork::empty_report();
    let extra = serde_json::json!({});
    let new = crate::results::NewPublication {
        year: 2025,
        date: "2025-11-01",
        title: "2025",
        note: "",
        report: &report,
        extra: &extra,
    };
    let publication = store.publish(&m, &new, NOW).await.unwrap().id;
    let standing = store.standing(&m, "2025-05-01", 5).await.unwrap();
    assert_eq!(standing.initiatives[0].history.len(), 2);
    let status = store.publish_status(&m, &publication, "Forårsstatus", "Godt i gang.", &standing, NOW).await.unwrap();
    let foreign = store.publish_status(&other, &publication, "x", "", &Standing::default(), NOW).await;
    assert!(matches!(foreign, Err(StoreError::NotFound(_))), "another municipality's figures");

    store.move_initiative(&m, &id, InitiativeState::Done, "2025-06-01", "", NOW).await.unwrap();
    store.update_initiative(&m, &id, &plan("Én indgang for alle"), NOW).await.unwrap();
    let kept = store.status(&m, &status).await.unwrap();
    assert_eq!((kept.standing, kept.date.as_str()), (standing, "2025-05-01"), "a status never changes");
    assert!(matches!(store.status(&other, &status).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.statuses(&m).await.unwrap().len(), 1);
    let now = store.initiatives(&m).await.unwrap();
    assert_eq!(
        (now[0].state, now[0].history.len(), &now[0].plan),
        (InitiativeState::Done, 3, &plan("Én indgang for alle"))
    );
}

async fn a_fact_imported_again_takes_the_place_of_the_first(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let other = store.create_municipality("nabo", "Nabo", Country::Dk, &Settings::default(), NOW).await.unwrap().id;
    let row = |kind: FactKind, sector: Option<&str>, value| FactRow {
        year: 2025,
        kind,
        sector: sector.map(str::to_owned),
        value,
        source: "Danmarks Statistik".into(),
    };
    let jobs = || FactKind::of("jobs").unwrap().clone();
    let first = [
        row(jobs(), None, 10.0),
        row(jobs(), Some("g"), 4.0),
        row(FactKind::own("Hotelværelser", FactUnit::Count), None, 210.5),
    ];
    store.save_facts(&m, &first, NOW).await.unwrap();
    store.save_facts(&m, &[row(jobs(), None, 12.0)], NOW).await.unwrap();
    let all = store.facts(&m).await.unwrap();
    let values: Vec<f64> = all.iter().map(|r| r.value).collect();
    assert_eq!(values, [12.0, 4.0, 210.5]);
    assert_eq!(all[1], first[1]);
    assert!(store.facts(&other).await.unwrap().is_empty());
    assert_eq!(store.drop_facts(&other, 2025).await.unwrap(), 0);
    assert_eq!(store.drop_facts(&m, 2025).await.unwrap(), 3);
}

on_both!(
    goals_have_versions_and_an_end,
    initiatives_keep_their_history_and_a_status_stays_as_it_was,
    a_fact_imported_again_takes_the_place_of_the_first,
);
