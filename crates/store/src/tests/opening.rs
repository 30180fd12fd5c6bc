//! Frames come in, rounds are opened: twice, killed in the middle, with everything that is not invited.
use domain::fieldwork::{MailState, RoundState};

use super::material::*;
use super::{Ground, on_both};
use crate::StoreError;

async fn importing_the_same_file_twice_changes_nothing(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let first = import(store, &m, YEAR, "one", &units(700)).await;
    assert_eq!((first.total, first.new, first.replaced), (700, 700, true));
    let before = store.frame_units(&m, YEAR, None, 1000).await.unwrap();
    assert_eq!(before.len(), 700);

    // By the file's hash …
    let again = store.begin_frame_import(&m, YEAR, "cvr.csv", "one", NOW).await.unwrap();
    assert!(again.already_current);
    assert!(!store.finish_frame_import(&m, &again.id, NOW).await.unwrap().replaced);
    // … and by its rows, in another order and under another hash.
    let mut rows = units(700);
    rows.reverse();
    let second = import(store, &m, YEAR, "two", &rows).await;
    assert!(!second.replaced);
    assert_eq!(store.frame_units(&m, YEAR, None, 1000).await.unwrap(), before);
    assert_eq!(store.frames(&m).await.unwrap().len(), 1);
}

async fn what_a_killed_import_left_is_cleared_away(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let killed = store.begin_frame_import(&m, YEAR, "cvr.csv", "one", NOW).await.unwrap().id;
    store.stage_frame_rows(&m, &killed, &units(20), NOW).await.unwrap();
    let later = NOW.plus_days(2);
    let next = store.begin_frame_import(&m, YEAR, "cvr.csv", "one", later).await.unwrap().id;
    assert!(matches!(store.stage_frame_rows(&m, &killed, &units(1), later).await, Err(StoreError::NotFound(_))));
    store.stage_frame_rows(&m, &next, &units(20), later).await.unwrap();
    assert_eq!(store.finish_frame_import(&m, &next, later).await.unwrap().total, 20);
}

async fn an_import_says_what_changed_since_the_year_before(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    import(store, &m, YEAR - 1, "one", &units(100)).await;
    let mut rows: Vec<_> = (10..120).map(unit).collect();
    rows[0].sector = "other".to_owned();
    let change = import(store, &m, YEAR, "two", &rows).await;
    assert_eq!(change.compared_with, Some(YEAR - 1));
    assert_eq!((change.new, change.closed, change.changed, change.unchanged), (20, 10, 1, 89));
    // A corrected file replaces the year's frame; the businesses keep their ids.
    let before = store.frame_units(&m, YEAR, None, 1000).await.unwrap();
    rows.pop();
    assert!(import(store, &m, YEAR, "three", &rows).await.replaced);
    let after = store.frame_units(&m, YEAR, None, 1000).await.unwrap();
    assert_eq!(after.len(), 109);
    assert!(after.iter().all(|row| before.contains(row)));
    let counts = store.frame_counts(&m, YEAR).await.unwrap();
    assert_eq!(counts.iter().map(|c| c.units).sum::<u64>(), 109);
}

async fn who_is_not_to_be_approached_gets_nothing(ground: &Ground) {
    let store = &ground.store;
    let mut rows = units(6);
    rows[1].protected = true;
    rows[2].email = None;
    rows[4].email = Some("VOGNMAND3@firma.example".to_owned());
    let (m, round) = open_round(store, &rows).await;
    let links = store.links(&m, &round, None, 100).await.unwrap();
    assert_eq!(links.len(), 4, "one per address, one letter, none for the protected unit");
    assert!(links.iter().all(|l| l.unit_key != rows[1].unit_key));
    assert!(links.iter().find(|l| l.unit_key == rows[2].unit_key).unwrap().email.is_none());
    let counts = store.mail_counts(&m, &round).await.unwrap();
    assert_eq!(counts.iter().map(|c| (c.wave, c.state, c.messages)).collect::<Vec<_>>(), [(0, MailState::Pending, 3)]);
    let total = store.monitor(&m, &round).await.unwrap().total;
    assert_eq!((total.frame, total.invited, total.letters), (6, 5, 1));
    // The shared address: one invitation that stands for both workplaces.
    let shared = links.iter().find(|l| l.email.as_deref() == Some("vognmand3@firma.example")).unwrap();
    let lookup = keys().lookup(keys().invitation_token(&shared.invitation, 0).reveal());
    assert_eq!(store.invitation_by_lookup(&lookup).await.unwrap().unwrap().also_for.len(), 1);
}

async fn an_opening_killed_in_the_middle_is_completed(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    import(store, &m, YEAR, "one", &units(600)).await;
    let round = draft(store, &m, YEAR).await;
    store.freeze_round(&m, &round, NOW).await.unwrap();
    let step = store.open_step(&m, &round, &keys(), DOMAIN, NOW).await.unwrap();
    assert!(!step.finished && step.done > 0 && step.total == 600);
    assert_eq!(store.round(&m, &round).await.unwrap().state, RoundState::Opening);
    // The program dies inside its second step: whatever it wrote is not there.
    {
        let other = ground.second().await;
        let (m, round) = (m.clone(), round.clone());
        let task = tokio::spawn(async move { other.open_step(&m, &round, &keys(), DOMAIN, NOW).await });
        tokio::task::yield_now().await;
        task.abort();
        let _ = task.await;
    }
    assert!(
        store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap().is_empty(),
        "nothing is sent before the round is open"
    );
    // A new program goes on, and a third one at the same time does no harm.
    let other = ground.second().await;
    let keys = keys();
    let (a, b) = tokio::join!(
        store.freeze_and_open(&m, &round, &keys, DOMAIN, NOW),
        other.freeze_and_open(&m, &round, &keys, DOMAIN, NOW)
    );
    assert!(a.unwrap().finished && b.unwrap().finished);
    other.close().await;
    assert_eq!(store.links(&m, &round, None, 1000).await.unwrap().len(), 600);
    let counts = store.mail_counts(&m, &round).await.unwrap();
    assert_eq!(counts.iter().map(|c| c.messages).sum::<u64>(), 600);
    assert_eq!(store.round(&m, &round).await.unwrap().state, RoundState::Open);
}

async fn a_frozen_frame_stays(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    import(store, &m, YEAR, "one", &units(10)).await;
    let late = store.begin_frame_import(&m, YEAR, "late.csv", "late", NOW).await.unwrap();
    store.stage_frame_rows(&m, &late.id, &units(3), NOW).await.unwrap();
    let round = draft(store, &m, YEAR).await;
    store.freeze_and_open(&m, &round, &keys(), DOMAIN, NOW).await.unwrap();
    assert!(matches!(store.finish_frame_import(&m, &late.id, NOW).await, Err(StoreError::FrameFrozen { year: YEAR })));
    assert!(matches!(
        store.begin_frame_import(&m, YEAR, "x.csv", "x", NOW).await,
        Err(StoreError::FrameFrozen { year: YEAR })
    ));
    store.abandon_frame_import(&m, &late.id).await.unwrap();
    assert!(store.frames(&m).await.unwrap()[0].frozen);
    assert_eq!(store.frame_units(&m, YEAR, None, 100).await.unwrap().len(), 10);
    let plan = crate::rounds::RoundPlan {
        title: String::new(),
        opens_on: None,
        closes_on: None,
        questionnaire: None,
        threshold: 5,
    };
    assert!(matches!(store.update_round(&m, &round, &plan, NOW).await, Err(StoreError::State(_))));
    assert!(matches!(store.create_round(&m, YEAR, &plan, NOW).await, Err(StoreError::Conflict(_))));
}

async fn a_round_without_frame_or_questionnaire_is_not_opened(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let plan = crate::rounds::RoundPlan {
        title: "x".into(),
        opens_on: None,
        closes_on: None,
        questionnaire: None,
        threshold: 1,
    };
    let round = store.create_round(&m, YEAR, &plan, NOW).await.unwrap();
    assert_eq!(round.threshold, 5, "the threshold can be raised, never lowered");
    assert!(matches!(store.freeze_round(&m, &round.id, NOW).await, Err(StoreError::State(_))));
    import(store, &m, YEAR, "one", &units(2)).await;
    assert!(matches!(store.freeze_round(&m, &round.id, NOW).await, Err(StoreError::State(_))));
}

on_both!(
    what_a_killed_import_left_is_cleared_away,
    importing_the_same_file_twice_changes_nothing,
    an_import_says_what_changed_since_the_year_before,
    who_is_not_to_be_approached_gets_nothing,
    an_opening_killed_in_the_middle_is_completed,
    a_frozen_frame_stays,
    a_round_without_frame_or_questionnaire_is_not_opened,
);
