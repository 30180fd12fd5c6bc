//! Mail that comes in: kept once, understood once, with what follows from it.
use domain::fieldwork::MailState;
use domain::ids::{InboundId, MunicipalityId, RoundId};
use domain::time::Millis;

use super::material::*;
use super::{Ground, on_both};
use crate::Store;
use crate::inbound::{
    Concluded, Finding, InboundCase, InboundKind, InboundMedia, InboundSource, KEEP_DAYS, LARGEST, MatchedBy, Shelf,
};
use crate::outbox::ClaimedMail;

/// A round whose invitations have all been sent.
async fn sent(store: &Store, count: u32) -> (MunicipalityId, RoundId, Vec<ClaimedMail>) {
    let (m, round) = open_round(store, &units(count)).await;
    let until = NOW.plus_seconds(60);
    let mails = store.claim_mail("w", 100, until, NOW).await.unwrap();
    assert_eq!(mails.len(), count as usize);
    for mail in &mails {
        assert!(store.mark_sending(&mail.id, "w", until, NOW).await.unwrap());
        assert!(store.record_sent(&mail.id, "250", NOW).await.unwrap());
    }
    (m, round, mails)
}

fn case(address: &str, kind: InboundKind, hard: bool, words: &str) -> InboundCase {
    InboundCase { address: address.into(), kind, hard, status: None, reason: "unknown".into(), words: words.into() }
}

/// A message that came in and was not yet understood.
async fn kept(store: &Store, text: &str) -> InboundId {
    assert!(store.keep_inbound(InboundSource::Folder, InboundMedia::Message, text.as_bytes(), NOW).await.unwrap());
    store.new_inbound(None, 100).await.unwrap().pop().unwrap().id
}

async fn conclude(store: &Store, text: &str, finding: &Finding, now: Millis) -> (InboundId, Concluded) {
    let id = kept(store, text).await;
    (id.clone(), store.conclude_inbound(&id, finding, now).await.unwrap())
}

async fn states(store: &Store, m: &MunicipalityId, round: &RoundId) -> Vec<(MailState, u64)> {
    store.mail_counts(m, round).await.unwrap().into_iter().map(|c| (c.state, c.messages)).collect()
}

const BOUNCE: Concluded = Concluded::Filed { shelf: Shelf::Bounce, matched: true };

async fn a_message_is_kept_once_and_waits_until_it_is_understood(ground: &Ground) {
    let store = &ground.store;
    let keep = |raw: Vec<u8>| async move {
        store.keep_inbound(InboundSource::Imap, InboundMedia::Message, &raw, NOW).await.unwrap()
    };
    assert!(keep(b"Message-ID: <1@x>\r\n\r\nhello\0\xff".to_vec()).await);
    assert!(!keep(b"Received: by y\r\nMessage-ID: <1@x>\r\n\r\nhello\0\xff".to_vec()).await);
    assert!(keep(vec![b'x'; LARGEST + 5]).await);
    // Whoever was to understand them has died: they are there still.
    for _ in 0..2 {
        let waiting = store.new_inbound(None, 10).await.unwrap();
        let mut lengths: Vec<usize> = waiting.iter().map(|w| w.raw.len()).collect();
        lengths.sort_unstable();
        assert_eq!(lengths, [28, LARGEST]);
    }
    let waiting = store.new_inbound(None, 10).await.unwrap();
    let first = &waiting[0].id;
    assert_eq!(
        store.conclude_inbound(first, &Finding::default(), NOW).await.unwrap(),
        Concluded::Filed { shelf: Shelf::Open, matched: false }
    );
    assert_eq!(store.conclude_inbound(first, &Finding::default(), NOW).await.unwrap(), Concluded::Known);
    assert_eq!(store.new_inbound(None, 10).await.unwrap().len(), 1);
    // Nobody knows whose it is, until somebody says so.
    assert_eq!(store.homeless_inbound().await.unwrap(), 1);
    let m = municipality(store).await;
    assert_eq!(store.house_inbound(&m).await.unwrap(), 1);
    assert_eq!(store.inbound_counts(&m, None).await.unwrap(), [(Shelf::Open, 1)]);
}

async fn only_a_dead_address_gets_no_reminder(ground: &Ground) {
    let store = &ground.store;
    let (m, round, mails) = sent(store, 6).await;
    let [dead, soft, late, away, forwarded, fine] = mails.as_slice() else { panic!("six") };
    let hard = Finding {
        mail: Some(dead.id.clone()),
        cases: vec![case(&dead.recipient, InboundKind::Permanent, true, "550 5.1.1 User\0 unknown")],
        ..Finding::default()
    };
    let (id, concluded) = conclude(store, "1", &hard, NOW).await;
    assert_eq!(concluded, BOUNCE);
    assert_eq!(store.conclude_inbound(&id, &hard, NOW).await.unwrap(), Concluded::Known);
    let by_number = |mail: &ClaimedMail, kind, hard, words: &str, address: &str| Finding {
        message_ids: vec!["other@x.example".into(), mail.message_id.clone()],
        cases: vec![case(address, kind, hard, words)],
        ..Finding::default()
    };
    let policy = by_number(soft, InboundKind::Permanent, false, "554 5.7.1 no", &soft.recipient);
    assert_eq!(conclude(store, "2", &policy, NOW).await.1, BOUNCE);
    let notice = Concluded::Filed { shelf: Shelf::Notice, matched: true };
    let delayed = by_number(late, InboundKind::Temporary, false, "451 later", &late.recipient);
    assert_eq!(conclude(store, "3", &delayed, NOW).await.1, notice);
    let vacation = by_number(away, InboundKind::AutoReply, false, "", &away.recipient);
    assert_eq!(conclude(store, "4", &vacation, NOW).await.1, notice);
    // The mailbox lives; the one that it forwards to is dead.
    let beyond = by_number(forwarded, InboundKind::Permanent, true, "550 5.1.1 no", "somebody@elsewhere.example");
    assert_eq!(conclude(store, "5", &beyond, NOW).await.1, BOUNCE);

    assert_eq!(states(store, &m, &round).await, [(MailState::Failed, 3), (MailState::Sent, 3)]);
    assert_eq!(store.monitor(&m, &round).await.unwrap().total.failed, 3);
    let lines = store.inbound(&m, Shelf::Bounce, Some(&round), 10, 0).await.unwrap();
    let told = |mail: &ClaimedMail| lines.iter().find(|l| l.mail.as_ref() == Some(&mail.id)).unwrap();
    assert_eq!((told(dead).hard, told(soft).hard, told(forwarded).hard), (true, false, false));
    assert_eq!(
        (told(dead).matched_by, told(soft).matched_by),
        (Some(MatchedBy::ReturnPath), Some(MatchedBy::MessageId))
    );
    assert_eq!(
        (told(dead).words.as_str(), told(dead).address.as_str()),
        ("550 5.1.1 User unknown", dead.recipient.as_str())
    );
    assert_eq!(told(dead).business.as_deref(), Some(dead.unit.name.as_str()));
    let trail: Vec<String> = store.audit_trail(&m, 10).await.unwrap().into_iter().map(|e| e.action).collect();
    assert_eq!(trail, ["contact.suppressed"]);
    // The reminder goes to all but the dead address.
    assert_eq!(store.queue_reminder(&m, &round, 1, DOMAIN, NOW).await.unwrap(), 5);
    let reminded = store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap();
    assert!(reminded.iter().all(|mail| mail.recipient != dead.recipient));
    assert!(reminded.iter().any(|mail| mail.recipient == fine.recipient));
}

async fn a_complaint_opts_out_and_cancels_what_waits(ground: &Ground) {
    let store = &ground.store;
    let (m, round, mails) = sent(store, 2).await;
    assert_eq!(store.queue_reminder(&m, &round, 1, DOMAIN, NOW).await.unwrap(), 2);
    // The report names the address only, in other letters.
    let complaint = Finding {
        cases: vec![case(&mails[0].recipient.to_uppercase(), InboundKind::Complaint, false, "")],
        ..Finding::default()
    };
    let (_, concluded) = conclude(store, "arf", &complaint, NOW).await;
    assert_eq!(concluded, Concluded::Filed { shelf: Shelf::Complaint, matched: true });
    let reminded = store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap();
    assert_eq!(reminded.iter().map(|mail| &mail.recipient).collect::<Vec<_>>(), [&mails[1].recipient]);
    assert_eq!(store.monitor(&m, &round).await.unwrap().total.opted_out, 1);
    // An address that we never wrote to is nobody's complaint.
    let stranger = Finding {
        cases: vec![case("who@else.example", InboundKind::Complaint, false, "")],
        home: Some(m.clone()),
        ..Finding::default()
    };
    assert_eq!(
        conclude(store, "arf 2", &stranger, NOW).await.1,
        Concluded::Filed { shelf: Shelf::Open, matched: false }
    );
}

async fn a_bounce_that_overtakes_its_message_waits(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(1)).await;
    let until = NOW.plus_seconds(60);
    let mails = store.claim_mail("w", 100, until, NOW).await.unwrap();
    assert!(store.mark_sending(&mails[0].id, "w", until, NOW).await.unwrap());
    let bounce = Finding {
        mail: Some(mails[0].id.clone()),
        cases: vec![case(&mails[0].recipient, InboundKind::Permanent, true, "550 5.1.1")],
        ..Finding::default()
    };
    let (id, concluded) = conclude(store, "early", &bounce, NOW).await;
    assert_eq!(concluded, Concluded::Later);
    assert_eq!(store.new_inbound(None, 10).await.unwrap().len(), 1, "it waits");
    assert!(store.record_sent(&mails[0].id, "250", NOW).await.unwrap());
    assert_eq!(store.conclude_inbound(&id, &bounce, NOW).await.unwrap(), BOUNCE);
    assert_eq!(states(store, &m, &round).await, [(MailState::Failed, 1)]);
}

async fn what_nobody_could_place_is_placed_by_hand(ground: &Ground) {
    let store = &ground.store;
    let (m, round, mails) = sent(store, 2).await;
    let unknown = Finding {
        cases: vec![case("x@nowhere.example", InboundKind::Permanent, true, "550 no such user")],
        home: Some(m.clone()),
        subject: "Undelivered".into(),
        ..Finding::default()
    };
    let (id, concluded) = conclude(store, "unknown", &unknown, NOW).await;
    assert_eq!(concluded, Concluded::Filed { shelf: Shelf::Open, matched: false });
    assert_eq!(states(store, &m, &round).await, [(MailState::Sent, 2)]);
    assert_eq!(store.assign_inbound(&m, &id, &mails[1].invitation, NOW).await.unwrap(), Shelf::Bounce);
    assert_eq!(states(store, &m, &round).await, [(MailState::Failed, 1), (MailState::Sent, 1)]);
    let (line, raw) = store.inbound_mail(&m, &id).await.unwrap();
    assert_eq!((line.matched_by, raw.as_deref()), (Some(MatchedBy::Person), Some(b"unknown".as_slice())));
    // Whether the address is dead was not proved, so it is still written to.
    assert_eq!(store.queue_reminder(&m, &round, 1, DOMAIN, NOW).await.unwrap(), 2);
    assert!(store.handle_inbound(&m, &id).await.unwrap());
    assert!(!store.handle_inbound(&m, &id).await.unwrap());
    let other = store
        .create_municipality(
            "other",
            "Anden Kommune",
            domain::language::Country::Dk,
            &domain::municipality::Settings::default(),
            NOW,
        )
        .await
        .unwrap();
    assert!(store.inbound_mail(&other.id, &id).await.is_err(), "another municipality sees nothing of it");
}

async fn texts_go_when_they_are_of_no_use_and_unread_mail_stays(ground: &Ground) {
    let store = &ground.store;
    let (m, _, mails) = sent(store, 1).await;
    let bounce = Finding {
        mail: Some(mails[0].id.clone()),
        cases: vec![case(&mails[0].recipient, InboundKind::Permanent, true, "550 5.1.1")],
        sender: "mailer-daemon@x.example".into(),
        ..Finding::default()
    };
    let (old, _) = conclude(store, "bounce", &bounce, NOW).await;
    let letter = Finding { home: Some(m.clone()), subject: "Hvem er I?".into(), ..Finding::default() };
    let (unread, _) = conclude(store, "letter", &letter, NOW).await;
    assert_eq!(store.sweep_inbound(NOW.plus_days(KEEP_DAYS - 1)).await.unwrap(), 0);
    assert_eq!(store.sweep_inbound(NOW.plus_days(KEEP_DAYS)).await.unwrap(), 1);
    let (line, raw) = store.inbound_mail(&m, &old).await.unwrap();
    assert_eq!((raw, line.sender.as_str(), line.words.as_str()), (None, "", "550 5.1.1"));
    assert!(store.inbound_mail(&m, &unread).await.unwrap().1.is_some());
    // Erasing the business takes its address and the server's words too.
    let business = store.links(&m, &line.round.unwrap().0, None, 10).await.unwrap().remove(0).business;
    store.erase_business(&m, &business, NOW).await.unwrap();
    let (line, _) = store.inbound_mail(&m, &old).await.unwrap();
    assert_eq!((line.address.as_str(), line.words.as_str(), line.business), ("", "", None));
}

on_both!(
    a_message_is_kept_once_and_waits_until_it_is_understood,
    only_a_dead_address_gets_no_reminder,
    a_complaint_opts_out_and_cancels_what_waits,
    a_bounce_that_overtakes_its_message_waits,
    what_nobody_could_place_is_placed_by_hand,
    texts_go_when_they_are_of_no_use_and_unread_mail_stays,
);
