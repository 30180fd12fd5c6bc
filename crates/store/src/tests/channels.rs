//! One way per business and wave: letters, Digital Post, their receipts; and messages that ask for no answer.
use std::collections::{BTreeMap, BTreeSet};

use domain::fieldwork::{Channel, MessageKind, Mode, Receipt};
use domain::frame::FrameUnit;
use domain::language::Language;
use domain::results::{Provenance, Report};

use super::material::*;
use super::{Ground, on_both};
use crate::channels::{Approaches, Filed};
use crate::respondent::{ContactWish, OptOut};
use crate::results::NewPublication;
use crate::{Store, StoreError};

/// Four with an address, six without: of these two workplaces of one company, one protected, one without a CVR number.
fn mixed() -> Vec<FrameUnit> {
    let mut rows = units(10);
    for row in &mut rows[4..] {
        row.email = None;
    }
    rows[5].company_number = rows[4].company_number.clone();
    rows[6].protected = true;
    rows[7].company_number = None;
    rows
}

fn names(approaches: &Approaches) -> BTreeSet<String> {
    approaches.list.iter().map(|a| a.name.clone()).collect()
}

fn of(numbers: &[u32]) -> BTreeSet<String> {
    numbers.iter().map(|n| unit(*n).name).collect()
}

async fn one_way_per_business_and_wave(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &mixed()).await;
    let approach = |wave, channel| store.approach(&m, &round, wave, channel, NOW);

    let post = approach(0, Channel::DigitalPost).await.unwrap();
    assert!(!post.again && post.no_longer == 0);
    assert_eq!(names(&post), of(&[4, 5, 8, 9]), "no mail address, not protected, a CVR number");
    let references: BTreeSet<&str> = post.list.iter().map(|a| a.reference.as_str()).collect();
    assert_eq!(references.len(), 3, "one message per company");
    assert!(references.iter().all(|r| r.len() == 36 && r.as_bytes()[14] == b'4'), "random UUIDs");

    let letters = approach(0, Channel::Letter).await.unwrap();
    assert_eq!(names(&letters), of(&[7]), "whoever has the other way has no letter");
    for (channel, first) in [(Channel::DigitalPost, &post), (Channel::Letter, &letters)] {
        let again = approach(0, channel).await.unwrap();
        assert!(again.again && again.list == first.list, "the same list again");
    }
    // The next wave is decided anew.
    assert_eq!(names(&approach(1, Channel::Letter).await.unwrap()), of(&[4, 5, 7, 8, 9]));
    assert!(approach(1, Channel::DigitalPost).await.unwrap().list.is_empty());
    assert!(matches!(approach(0, Channel::Email).await, Err(StoreError::State(_))));
    assert!(matches!(approach(4, Channel::Letter).await, Err(StoreError::State(_))));
    assert_eq!(store.approach_counts(&m, &round).await.unwrap().iter().map(|c| c.businesses).sum::<u64>(), 10);
    store.close_round(&m, &round, NOW).await.unwrap();
    assert!(matches!(approach(2, Channel::Letter).await, Err(StoreError::RoundClosed)));
}

async fn two_programs_do_not_list_a_business_twice(ground: &Ground) {
    let (m, round) = open_round(&ground.store, &mixed()).await;
    let other = ground.second().await;
    let list = |store: Store, channel| {
        let (m, round) = (m.clone(), round.clone());
        async move { names(&store.approach(&m, &round, 0, channel, NOW).await.unwrap()) }
    };
    let (a, b) = tokio::join!(list(ground.store.clone(), Channel::Letter), list(other.clone(), Channel::DigitalPost));
    assert!(a.is_disjoint(&b));
    assert_eq!(a.union(&b).cloned().collect::<BTreeSet<_>>(), of(&[4, 5, 7, 8, 9]));
    other.close().await;
}

async fn whoever_answered_or_said_no_since_is_left_out(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &mixed()).await;
    let first = store.approach(&m, &round, 0, Channel::Letter, NOW).await.unwrap();
    assert_eq!(first.list.len(), 5);
    let invitations = invitations(store, &m, &round).await;
    store.opt_out(&invitations[&unit(4).name], OptOut::Round, NOW).await.unwrap();
    store.erase_business(&m, &first.list.iter().find(|a| a.name == unit(5).name).unwrap().business, NOW).await.unwrap();
    let again = store.approach(&m, &round, 0, Channel::Letter, NOW).await.unwrap();
    assert_eq!((names(&again), again.no_longer), (of(&[7, 8, 9]), 2));
}

async fn receipts_are_outcomes_and_close_that_way(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &mixed()).await;
    let post = store.approach(&m, &round, 0, Channel::DigitalPost, NOW).await.unwrap();
    let letters = store.approach(&m, &round, 0, Channel::Letter, NOW).await.unwrap();
    let company = unit(4).company_number.unwrap();
    let file = |key: String, receipt, at| {
        let m = m.clone();
        async move { store.file_receipt(&m, &key, receipt, "ord\0", at).await.unwrap() }
    };
    let later = NOW.plus_seconds(3600);
    assert_eq!(file(company.clone(), Receipt::Rejected, later).await, Filed::Kept(2), "both workplaces of the company");
    assert_eq!(file(company.clone(), Receipt::Rejected, later).await, Filed::Known);
    assert_eq!(file(company, Receipt::Delivered, NOW).await, Filed::Older);
    let eight = post.list.iter().find(|a| a.name == unit(8).name).unwrap().reference.clone();
    assert_eq!(file(eight, Receipt::Delivered, later).await, Filed::Kept(1));
    assert_eq!(file(letters.list[0].reference.clone(), Receipt::Returned, later).await, Filed::Kept(1));
    assert_eq!(file("99999999".into(), Receipt::Delivered, later).await, Filed::Unknown);
    let counts = store.approach_counts(&m, &round).await.unwrap();
    let told: Vec<_> = counts.iter().map(|c| (c.channel, c.receipt, c.businesses)).collect();
    assert_eq!(told.len(), 4);
    for expected in [
        (Channel::DigitalPost, Some(Receipt::Rejected), 2),
        (Channel::DigitalPost, Some(Receipt::Delivered), 1),
        (Channel::DigitalPost, None, 1),
        (Channel::Letter, Some(Receipt::Returned), 1),
    ] {
        assert!(told.contains(&expected), "{expected:?} in {told:?}");
    }
    // What did not reach them is not tried again; the other way is.
    let post = store.approach(&m, &round, 1, Channel::DigitalPost, NOW).await.unwrap();
    assert_eq!(names(&post), of(&[8, 9]));
    assert_eq!(names(&store.approach(&m, &round, 1, Channel::Letter, NOW).await.unwrap()), of(&[4, 5]));
}

async fn thanks_go_to_those_who_answered_after_publication(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(6)).await;
    let invitations = invitations(store, &m, &round).await;
    for number in [0, 1, 2] {
        let invitation = &invitations[&unit(number).name];
        save(store, invitation, 0, &[("overall", "1")]).await.unwrap();
        store.submit(invitation, "hash", Mode::Web, Language::Da, NOW).await.unwrap();
    }
    store.opt_out(&invitations[&unit(2).name], OptOut::ForGood, NOW).await.unwrap();
    store.close_round(&m, &round, NOW).await.unwrap();
    let thank = || store.queue_thanks(&m, &round, DOMAIN, NOW);
    assert_eq!(store.thanks_due(&m, &round).await.unwrap(), 0);
    assert!(matches!(thank().await, Err(StoreError::State(_))), "nothing is published");
    let report = Report {
        years: vec![YEAR],
        indicators: vec![],
        breakdowns: vec![],
        estimates: vec![],
        changes: vec![],
        coverage: vec![],
        provenance: Provenance {
            version: "1".into(),
            inputs: BTreeMap::new(),
            options: BTreeMap::new(),
            collapses: vec![],
        },
        insight: domain::insight::Insight::default(),
    };
    let publication = NewPublication {
        year: YEAR,
        date: "2026-05-01",
        title: "2026",
        note: "",
        report: &report,
        extra: &serde_json::json!({}),
    };
    store.publish(&m, &publication, NOW).await.unwrap();
    assert_eq!(store.thanks_due(&m, &round).await.unwrap(), 2, "what the button says is what it does");
    assert_eq!(thank().await.unwrap(), 2);
    assert_eq!(thank().await.unwrap(), 0, "once only");
    let standing = store.mail_standing(&m, &round).await.unwrap();
    let thanks: u64 = standing.iter().filter(|s| s.wave == MessageKind::Thanks.wave()).map(|s| s.messages).sum();
    assert_eq!(thanks, 2);
}

async fn newcomers_are_those_whom_no_earlier_year_had(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    import(store, &m, YEAR - 1, "before", &units(3)).await;
    import(store, &m, YEAR, "now", &units(5)).await;
    let round = draft(store, &m, YEAR).await;
    store.freeze_and_open(&m, &round, &keys(), DOMAIN, NOW).await.unwrap();
    assert_eq!(store.queue_welcome(&m, &round, DOMAIN, NOW).await.unwrap(), 2);
    assert_eq!(store.queue_welcome(&m, &round, DOMAIN, NOW).await.unwrap(), 0);
    let one = &invitations(store, &m, &round).await[&unit(0).name];
    assert!(store.queue_message(one, MessageKind::Followup, DOMAIN, NOW).await.unwrap());
    assert!(!store.queue_message(one, MessageKind::Followup, DOMAIN, NOW).await.unwrap());
    assert!(store.queue_message(one, MessageKind::Invitation, DOMAIN, NOW).await.is_err());
    assert!(store.queue_message(one, MessageKind::Case, DOMAIN, NOW).await.is_err());
    // Looking at what waits takes nothing.
    let (waiting, last) = store.waiting_mails(&m, &round, None).await.unwrap();
    assert_eq!(waiting.len(), 5 + 2 + 1);
    assert!(store.waiting_mails(&m, &round, last.as_ref()).await.unwrap().1.is_none());
    let gauges = store.gauges(NOW).await.unwrap();
    assert_eq!(
        gauges.mails.iter().map(|(_, state, n, _)| (state.as_str(), *n)).collect::<Vec<_>>(),
        [("pending", 5), ("pending", 1), ("pending", 2)]
    );
    assert_eq!(gauges.lately, (0, 0));
    assert!(store.uncertain_mails(&m, &round).await.unwrap().is_empty());
    assert_eq!(store.mail_sent_since(&m, &round, NOW).await.unwrap(), (0, None));
}

/// State of the message that confirms a wish, by generation.
async fn confirmations(store: &Store, m: &domain::ids::MunicipalityId, r: &domain::ids::RoundId) -> Vec<&'static str> {
    let counts = store.mail_counts(m, r).await.unwrap();
    counts.iter().filter(|c| c.wave == MessageKind::Followup.wave()).map(|c| c.state.as_str()).collect()
}

async fn a_wish_to_be_contacted_is_confirmed_once(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &mixed()).await;
    let invitations = invitations(store, &m, &round).await;
    let wish = |about: &str| ContactWish { name: "Ida".into(), reach: "12345678".into(), about: about.into() };
    let invitation = &invitations[&unit(1).name];
    store.leave_contact(invitation, &wish("lærling"), DOMAIN, NOW).await.unwrap();
    assert_eq!(confirmations(store, &m, &round).await, ["pending"]);
    // Sending the answer takes the invitation out of the queue, not the confirmation.
    save(store, invitation, 0, &[("overall", "1")]).await.unwrap();
    store.submit(invitation, "hash", Mode::Web, Language::Da, NOW).await.unwrap();
    assert_eq!(confirmations(store, &m, &round).await, ["pending"]);
    // Taken back, left again: still one message; changed after it was sent: no other.
    store.drop_contact(invitation, NOW).await.unwrap();
    assert_eq!(confirmations(store, &m, &round).await, ["cancelled"]);
    store.leave_contact(invitation, &wish("lærling"), DOMAIN, NOW).await.unwrap();
    assert_eq!(confirmations(store, &m, &round).await, ["pending"]);
    let taken = store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap();
    let mail = taken.iter().find(|mail| mail.kind == MessageKind::Followup).unwrap();
    assert!(store.mark_sending(&mail.id, "w", NOW.plus_seconds(60), NOW).await.unwrap());
    assert!(store.record_sent(&mail.id, "250 ok", NOW).await.unwrap());
    store.leave_contact(invitation, &wish("praktik"), DOMAIN, NOW).await.unwrap();
    store.drop_contact(invitation, NOW).await.unwrap();
    store.leave_contact(invitation, &wish("praktik"), DOMAIN, NOW).await.unwrap();
    assert_eq!(confirmations(store, &m, &round).await, ["sent"]);
    // Worked off before it went out: it would be late.
    let other = &invitations[&unit(2).name];
    store.leave_contact(other, &wish(""), DOMAIN, NOW).await.unwrap();
    let wishes = store.follow_ups(&m).await.unwrap();
    let id = wishes.iter().find(|wish| wish.business_name == unit(2).name).unwrap().id.clone();
    store.finish_follow_up(&m, &id, &crate::follow::FollowUpPlan::default(), NOW).await.unwrap();
    assert_eq!(confirmations(store, &m, &round).await, ["cancelled", "sent"]);
    // Whoever has no address is not written to.
    store.leave_contact(&invitations[&unit(8).name], &wish(""), DOMAIN, NOW).await.unwrap();
    assert_eq!(confirmations(store, &m, &round).await, ["cancelled", "sent"]);
}

on_both!(
    a_wish_to_be_contacted_is_confirmed_once,
    one_way_per_business_and_wave,
    two_programs_do_not_list_a_business_twice,
    whoever_answered_or_said_no_since_is_left_out,
    receipts_are_outcomes_and_close_that_way,
    thanks_go_to_those_who_answered_after_publication,
    newcomers_are_those_whom_no_earlier_year_had,
);
