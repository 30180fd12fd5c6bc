//! The outbox: nothing is sent twice, nothing is lost unseen.
use std::collections::BTreeSet;

use domain::fieldwork::MailState;
use domain::ids::{MunicipalityId, RoundId};

use super::material::*;
use super::{Ground, on_both};
use crate::Store;
use crate::outbox::Attempt;

async fn states(store: &Store, m: &MunicipalityId, round: &RoundId) -> Vec<(MailState, u64)> {
    store.mail_counts(m, round).await.unwrap().into_iter().map(|c| (c.state, c.messages)).collect()
}

async fn workers_never_share_a_message(ground: &Ground) {
    let (m, round) = open_round(&ground.store, &units(300)).await;
    let other = ground.second().await;
    let mut tasks = Vec::new();
    for (worker, store) in
        [("a", ground.store.clone()), ("b", other.clone()), ("c", ground.store.clone()), ("d", other.clone())]
    {
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let mails = store.claim_mail(worker, 20, NOW.plus_seconds(60), NOW).await.unwrap();
                if mails.is_empty() {
                    return mine;
                }
                mine.extend(mails.into_iter().map(|mail| mail.message_id));
            }
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    // With `skip locked` a worker may see an empty hand while others still hold rows, so a last look is allowed.
    all.extend(
        ground
            .store
            .claim_mail("e", 100, NOW.plus_seconds(60), NOW)
            .await
            .unwrap()
            .into_iter()
            .map(|mail| mail.message_id),
    );
    assert_eq!(all.len(), 300);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 300);
    assert_eq!(states(&ground.store, &m, &round).await, [(MailState::Claimed, 300)]);
    other.close().await;
}

async fn the_moment_of_doubt_is_visible(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(3)).await;
    let until = NOW.plus_seconds(60);
    let mails = store.claim_mail("w", 100, until, NOW).await.unwrap();
    // One is marked, two are only claimed; then the worker dies.
    assert!(store.mark_sending(&mails[0].id, "w", until, NOW).await.unwrap());
    assert!(!store.mark_sending(&mails[1].id, "x", until, NOW).await.unwrap(), "a stranger cannot mark it");
    assert_eq!(store.recover_expired(NOW).await.unwrap(), crate::outbox::Recovered::default());
    let recovered = store.recover_expired(until).await.unwrap();
    assert_eq!((recovered.requeued, recovered.uncertain), (2, 1));
    // It comes back from the dead: nothing of it counts any more.
    assert!(!store.mark_sending(&mails[1].id, "w", until.plus_seconds(60), until).await.unwrap());
    assert!(!store.record_deferred(&mails[1].id, "w", "450", until, Attempt::Counts, until).await.unwrap());
    // The uncertain one is not taken again by itself …
    let again = store.claim_mail("w2", 100, until.plus_seconds(60), until).await.unwrap();
    assert_eq!(again.len(), 2);
    let trouble = store.mail_troubles(&m, &round, 10).await.unwrap();
    assert_eq!(trouble.iter().map(|t| (t.state, &t.id)).collect::<Vec<_>>(), [(MailState::Uncertain, &mails[0].id)]);
    // … but a person may decide so, once.
    assert!(store.resend_mail(&m, &mails[0].id, until).await.unwrap());
    assert!(!store.resend_mail(&m, &mails[0].id, until).await.unwrap());
    let resent = store.claim_mail("w2", 100, until.plus_seconds(60), until).await.unwrap();
    assert_eq!(resent[0].message_id, mails[0].message_id, "the Message-ID was fixed when it was queued");
}

async fn deferred_and_failed_keep_the_servers_words(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(2)).await;
    let until = NOW.plus_seconds(60);
    let mails = store.claim_mail("w", 100, until, NOW).await.unwrap();
    let next = NOW.plus_seconds(900);
    assert!(store.record_deferred(&mails[0].id, "w", "450 greylisted", next, Attempt::Counts, NOW).await.unwrap());
    assert!(store.record_failed(&mails[1].id, "w", "550 no such user\0", true, NOW).await.unwrap());
    assert_eq!(store.next_mail_due(NOW).await.unwrap(), Some(next));
    assert!(store.claim_mail("w", 100, until, NOW).await.unwrap().is_empty());
    let retried = store.claim_mail("w", 100, next.plus_seconds(60), next).await.unwrap();
    assert_eq!((retried.len(), retried[0].attempts), (1, 1));
    let words: Vec<String> = store.mail_troubles(&m, &round, 10).await.unwrap().into_iter().map(|t| t.words).collect();
    assert_eq!(words, ["550 no such user"]);
    assert!(store.mark_sending(&retried[0].id, "w", next.plus_seconds(60), next).await.unwrap());
    assert!(store.record_sent(&retried[0].id, "250 queued", next).await.unwrap());
    assert!(!store.record_sent(&retried[0].id, "250 queued", next).await.unwrap());
    // No reminder goes to the dead address.
    assert_eq!(store.queue_reminder(&m, &round, 1, DOMAIN, next).await.unwrap(), 1);
    assert_eq!(store.claim_mail("w", 100, next.plus_seconds(60), next).await.unwrap().len(), 1);
    assert_eq!(store.monitor(&m, &round).await.unwrap().total.failed, 1);
    assert_eq!(store.next_mail_due(next).await.unwrap(), None);
}

async fn a_pause_holds_everything(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(3)).await;
    let until = NOW.plus_seconds(60);
    let mails = store.claim_mail("w", 2, until, NOW).await.unwrap();
    assert_eq!(mails.len(), 2);
    store.pause_mail(&m, &round, "554 policy", NOW).await.unwrap();
    assert!(store.claim_mail("w", 100, until, NOW).await.unwrap().is_empty());
    assert!(store.still_wanted(&[(mails[0].id.clone(), "w".to_owned())], NOW).await.unwrap() == [false]);
    assert_eq!(store.release_mail(&[mails[0].id.clone(), mails[1].id.clone()], "w", NOW).await.unwrap(), 1);
    assert_eq!(store.round(&m, &round).await.unwrap().pause_reason.as_deref(), Some("554 policy"));
    store.resume_mail(&m, &round, NOW).await.unwrap();
    let mails = store.claim_mail("w", 100, until, NOW).await.unwrap();
    assert_eq!(mails.len(), 3);
    store.close_round(&m, &round, NOW).await.unwrap();
    assert!(store.still_wanted(&[(mails[0].id.clone(), "w".to_owned())], NOW).await.unwrap() == [false]);
    assert_eq!(states(store, &m, &round).await, [(MailState::Cancelled, 1), (MailState::Claimed, 2)]);
}

async fn nobody_is_written_to_by_two_surveys_within_six_months(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(2)).await;
    let until = NOW.plus_seconds(60);
    // The first one's invitation is sent, the second one's never is.
    let mails = store.claim_mail("w", 100, until, NOW).await.unwrap();
    assert!(store.mark_sending(&mails[0].id, "w", until, NOW).await.unwrap());
    assert!(store.record_sent(&mails[0].id, "250", NOW).await.unwrap());
    store.close_round(&m, &round, NOW).await.unwrap();

    let soon = NOW.plus_days(100);
    import(store, &m, YEAR + 1, "next", &units(2)).await;
    let next = draft(store, &m, YEAR + 1).await;
    store.freeze_and_open(&m, &next, &keys(), DOMAIN, soon).await.unwrap();
    assert_eq!(store.links(&m, &next, None, 10).await.unwrap().len(), 2, "both may answer");
    let claimed = store.claim_mail("w", 100, soon.plus_seconds(60), soon).await.unwrap();
    assert_eq!(claimed.iter().map(|mail| &mail.recipient).collect::<Vec<_>>(), [&mails[1].recipient]);
    let held = store.mail_troubles(&m, &next, 10).await.unwrap();
    assert_eq!(
        held.iter().map(|t| (t.state, &t.recipient)).collect::<Vec<_>>(),
        [(MailState::Cancelled, &mails[0].recipient)]
    );
    // No reminder without an invitation, except a person decides so.
    assert_eq!(store.queue_reminder(&m, &next, 1, DOMAIN, soon).await.unwrap(), 1);
    assert!(store.resend_mail(&m, &held[0].id, soon).await.unwrap());
    assert_eq!(store.queue_reminder(&m, &next, 1, DOMAIN, soon).await.unwrap(), 1);
}

async fn caught_mail_is_kept_byte_for_byte(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let raw = b"Subject: x\r\n\r\n\x00\xff".to_vec();
    for _ in 0..2 {
        store.catch_mail(&m, "1@x", "a@b.example", "Emne", &raw, NOW).await.unwrap();
    }
    let all = store.caught_mails(&m, 10).await.unwrap();
    assert_eq!(all.len(), 1);
    let (mail, bytes) = store.caught_mail(&m, &all[0].id).await.unwrap();
    assert_eq!((mail.subject.as_str(), bytes), ("Emne", raw));
}

on_both!(
    workers_never_share_a_message,
    the_moment_of_doubt_is_visible,
    deferred_and_failed_keep_the_servers_words,
    a_pause_holds_everything,
    caught_mail_is_kept_byte_for_byte,
    nobody_is_written_to_by_two_surveys_within_six_months,
);
