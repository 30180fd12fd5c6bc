//! Wishes worked off and deleted, newcomers found, visits kept and gone with the business.
use domain::fieldwork::Role;
use domain::ids::{BusinessId, UserId};

use super::material::{DOMAIN, NOW, YEAR, import, invitations, open_round, save, units};
use super::{Ground, on_both};
use crate::StoreError;
use crate::follow::{FollowUpPlan, KEPT_DAYS, NewVisit};
use crate::respondent::ContactWish;

async fn a_wish_is_planned_worked_off_taken_up_again_and_deleted(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(3)).await;
    let anna = store.create_user(&m, "Anna", "anna@survey.example", Role::Analyst, NOW).await.unwrap().id;
    let invitation = invitations(store, &m, &round).await.into_values().next().unwrap();
    save(store, &invitation, 0, &[("why", "Vejene")]).await.unwrap();
    let wish = ContactWish { name: "Lis".into(), reach: "12 34 56 78".into(), about: String::new() };
    store.leave_contact(&invitation, &wish, DOMAIN, NOW).await.unwrap();
    let one = store.follow_ups(&m).await.unwrap().remove(0);
    assert!(one.plan == FollowUpPlan::default() && one.done_at.is_none() && one.round == round);

    let plan = FollowUpPlan { owner: Some(anna), due_on: Some("2026-12-01".into()), note: "Ringer mandag".into() };
    store.plan_follow_up(&m, &one.id, &plan).await.unwrap();
    assert!(store.follow_ups(&m).await.unwrap()[0].plan == plan);
    let nobody = FollowUpPlan { owner: Some(UserId("somebody else".into())), ..plan.clone() };
    store.plan_follow_up(&m, &one.id, &nobody).await.unwrap();
    assert!(store.follow_ups(&m).await.unwrap()[0].plan.owner.is_none(), "whoever is not of the staff owns nothing");

    store.finish_follow_up(&m, &one.id, &plan, NOW).await.unwrap();
    let twice = store.finish_follow_up(&m, &one.id, &plan, NOW).await;
    assert!(matches!(twice, Err(StoreError::NotFound(_))), "it is worked off once");
    assert_eq!(store.sweep_follow_ups(NOW.plus_days(KEPT_DAYS - 1)).await.unwrap(), 0);
    store.reopen_follow_up(&m, &one.id).await.unwrap();
    assert_eq!(store.sweep_follow_ups(NOW.plus_days(KEPT_DAYS)).await.unwrap(), 0, "taken up again, it stays");
    store.finish_follow_up(&m, &one.id, &plan, NOW).await.unwrap();
    // A wish that is left anew is to be worked off anew.
    store.leave_contact(&invitation, &wish, DOMAIN, NOW).await.unwrap();
    assert!(store.follow_ups(&m).await.unwrap()[0].done_at.is_none());
    store.finish_follow_up(&m, &one.id, &plan, NOW).await.unwrap();
    assert_eq!(store.sweep_follow_ups(NOW.plus_days(KEPT_DAYS)).await.unwrap(), 1);
    assert!(store.follow_ups(&m).await.unwrap().is_empty());
}

async fn newcomers_are_those_whom_no_earlier_extract_had(ground: &Ground) {
    let store = &ground.store;
    let (m, _) = open_round(store, &units(3)).await;
    let first = store.newcomers(&m).await.unwrap().unwrap();
    assert!(
        first.year == YEAR && first.compared_with.is_none() && first.businesses.is_empty(),
        "nobody is new at first"
    );
    import(store, &m, YEAR + 1, "2", &units(5)).await;
    let next = store.newcomers(&m).await.unwrap().unwrap();
    assert_eq!((next.year, next.compared_with), (YEAR + 1, Some(YEAR)));
    let mut names: Vec<_> = next.businesses.iter().map(|b| b.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Vognmand 3 ApS", "Vognmand 4 ApS"]);
}

async fn visits_are_kept_and_go_with_their_business(ground: &Ground) {
    let store = &ground.store;
    let (m, _) = open_round(store, &units(12)).await;
    let anna = store.create_user(&m, "Anna", "anna@survey.example", Role::Analyst, NOW).await.unwrap().id;
    let found = store.find_businesses(&m, " VOGNMAND 1", 2).await.unwrap();
    assert_eq!(found.len(), 2, "1, 10 and 11, of which two were asked for");
    assert!(store.find_businesses(&m, " ", 9).await.unwrap().is_empty());
    assert_eq!(store.find_businesses(&m, "industrivej 7", 9).await.unwrap().len(), 1);
    let visit = |business: &BusinessId, day: &str| NewVisit {
        business: business.clone(),
        visited_on: day.into(),
        visitor: "Anna".into(),
        note: "Vejene".into(),
        basis: None,
    };
    let business = &found[0].business;
    for day in ["2026-04-01", "2026-05-01"] {
        store.add_visit(&m, &visit(business, day), &anna, NOW).await.unwrap();
    }
    let nowhere = store.add_visit(&m, &visit(&BusinessId("nobody".into()), "2026-04-01"), &anna, NOW).await;
    assert!(matches!(nowhere, Err(StoreError::NotFound(_))));
    let visits = store.visits(&m).await.unwrap();
    assert_eq!(visits.iter().map(|v| v.visited_on.as_str()).collect::<Vec<_>>(), ["2026-05-01", "2026-04-01"]);
    assert_eq!(visits[0].name, found[0].name);
    store.drop_visit(&m, &visits[0].id).await.unwrap();
    assert!(matches!(store.drop_visit(&m, &visits[0].id).await, Err(StoreError::NotFound(_))));
    store.erase_business(&m, business, NOW).await.unwrap();
    assert!(store.visits(&m).await.unwrap().is_empty());
}

on_both!(
    a_wish_is_planned_worked_off_taken_up_again_and_deleted,
    newcomers_are_those_whom_no_earlier_extract_had,
    visits_are_kept_and_go_with_their_business,
);
