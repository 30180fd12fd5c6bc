//! Protected businesses: by no channel without a recorded basis, and at once by none when it ends.
use domain::fieldwork::{Channel, MailState};
use domain::ids::{MunicipalityId, RoundId};

use super::material::{DOMAIN, NOW, YEAR, draft, import, keys, municipality, open_round, unit};
use super::{Ground, on_both};
use crate::bases::NewBasis;
use crate::{Store, StoreError};

/// Ten businesses: 0–2 protected with an address, 3 and 4 protected without (4 has a telephone), the others free.
fn rows() -> Vec<domain::frame::FrameUnit> {
    (0..10)
        .map(|n| {
            let mut unit = unit(n);
            unit.protected = n < 5;
            unit.phone = (n == 0 || n == 4 || n == 9).then(|| "12345678".to_owned());
            if n == 3 || n == 4 || n == 8 {
                unit.email = None;
            }
            unit
        })
        .collect()
}

const fn statute() -> NewBasis<'static> {
    NewBasis {
        unit: None,
        words: "lov om erhvervsfremme § 1",
        given_by: "Direktionen",
        given_on: "2026-02-01",
        recorded_by: None,
    }
}

/// Who is reached by mail (queued or sent), by letter, in Digital Post and on the telephone, as names' numbers.
async fn reached(store: &Store, m: &MunicipalityId, r: &RoundId) -> [Vec<u32>; 4] {
    let user = domain::ids::UserId("nobody".to_owned());
    let number = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
    let some = store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap();
    let mails: Vec<u32> = some.iter().map(|mail| number(&mail.businesses[0])).collect();
    let ids: Vec<_> = some.iter().map(|mail| mail.id.clone()).collect();
    let held: Vec<_> = ids.iter().map(|id| (id.clone(), "w".to_owned())).collect();
    assert!(store.still_wanted(&held, NOW).await.unwrap().iter().all(|wanted| *wanted));
    store.release_mail(&ids, "w", NOW).await.unwrap();
    let mut lists = Vec::new();
    for (channel, wave) in [(Channel::Letter, 2), (Channel::DigitalPost, 3)] {
        let list = store.approach(m, r, wave, channel, NOW).await.unwrap().list;
        lists.push(list.iter().map(|a| number(&a.name)).collect::<Vec<u32>>());
    }
    let calls = store.to_call(m, r, &user, NOW).await.unwrap();
    let mut all = [mails, lists[0].clone(), lists[1].clone(), calls.iter().map(|c| number(&c.name)).collect()];
    all.iter_mut().for_each(|list| list.sort_unstable());
    all
}

async fn without_a_basis_nobody_is_approached(ground: &Ground) {
    let store = &ground.store;
    let (m, r) = open_round(store, &rows()).await;
    assert_eq!(reached(store, &m, &r).await, [vec![5, 6, 7, 9], vec![8], vec![8], vec![9]]);
    assert_eq!(store.links(&m, &r, None, 100).await.unwrap().len(), 5);
    let shares = store.protected_shares(&m, &r).await.unwrap();
    let sum = |of: fn(&crate::bases::ProtectedShare) -> u64| shares.iter().map(of).sum::<u64>();
    assert_eq!((sum(|s| s.businesses), sum(|s| s.protected), sum(|s| s.permitted), sum(|s| s.invited)), (10, 5, 0, 0));
}

async fn a_statute_before_opening_reaches_all_by_every_channel(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    import(store, &m, YEAR, "hash", &rows()).await;
    let r = draft(store, &m, YEAR).await;
    assert_eq!(store.record_basis(&m, &r, &statute(), &keys(), DOMAIN, NOW).await.unwrap(), 0, "not open yet");
    assert!(store.freeze_and_open(&m, &r, &keys(), DOMAIN, NOW).await.unwrap().finished);
    assert_eq!(reached(store, &m, &r).await, [vec![0, 1, 2, 5, 6, 7, 9], vec![3, 4, 8], vec![3, 4, 8], vec![0, 4, 9]]);
    let kept = store.bases(&m, &r).await.unwrap();
    assert!(kept.len() == 1 && kept[0].business.is_none() && kept[0].given_by == "Direktionen");
    let noted = store.audit_trail(&m, 10).await.unwrap();
    assert!(noted.iter().any(|e| e.action == "basis.statute" && e.detail == kept[0].id));
}

async fn a_consent_in_an_open_round_reaches_that_one_and_its_end_stops_everything(ground: &Ground) {
    let store = &ground.store;
    let (m, r) = open_round(store, &rows()).await;
    let key = |n: u32| unit(n).unit_key;
    let (one, four, seven) = (key(1), key(4), key(7));
    let consent = |unit| NewBasis {
        unit: Some(unit),
        words: "ja til at blive spurgt",
        given_by: "Lis",
        given_on: "2026-02-01",
        recorded_by: None,
    };
    assert_eq!(store.record_basis(&m, &r, &consent(&one), &keys(), DOMAIN, NOW).await.unwrap(), 1);
    assert_eq!(store.record_basis(&m, &r, &consent(&four), &keys(), DOMAIN, NOW).await.unwrap(), 0, "by letter");
    let refused = store.record_basis(&m, &r, &consent(&seven), &keys(), DOMAIN, NOW).await;
    assert!(matches!(refused, Err(StoreError::State("the business is not protected"))));
    let unknown = store.record_basis(&m, &r, &consent("dk:p:9"), &keys(), DOMAIN, NOW).await;
    assert!(matches!(unknown, Err(StoreError::NotFound("business"))));
    assert_eq!(reached(store, &m, &r).await, [vec![1, 5, 6, 7, 9], vec![4, 8], vec![4, 8], vec![4, 9]]);

    // One worker has taken the message as the basis ends: it learns so before it names the recipient, and gets no marker.
    let taken = store.claim_mail("v", 100, NOW.plus_seconds(60), NOW).await.unwrap();
    let of_one = taken.iter().find(|mail| mail.unit.unit_key == one).unwrap().clone();
    let bases = store.bases(&m, &r).await.unwrap();
    let id = |key: &str| bases.iter().find(|b| b.business.as_ref().is_some_and(|(k, _)| k == key)).unwrap().id.clone();
    assert_eq!(store.end_basis(&m, &r, &id(&one), None, NOW).await.unwrap(), Some(1));
    assert_eq!(store.end_basis(&m, &r, &id(&one), None, NOW).await.unwrap(), None, "ended once");
    assert_eq!(store.still_wanted(&[(of_one.id.clone(), "v".to_owned())], NOW).await.unwrap(), [false]);
    let mark = crate::outbox::Settle::Mark { mail: of_one.id.clone(), worker: "v".to_owned() };
    assert_eq!(store.settle_mail(&[mark], NOW.plus_seconds(60), NOW).await.unwrap(), [false]);
    assert!(store.is_barred(&of_one.invitation).await.unwrap());
    assert_eq!(store.end_basis(&m, &r, &id(&four), None, NOW).await.unwrap(), Some(2));
    let taken: Vec<_> = taken.iter().map(|mail| mail.id.clone()).collect();
    store.release_mail(&taken, "v", NOW).await.unwrap();
    assert_eq!(reached(store, &m, &r).await, [vec![5, 6, 7, 9], vec![8], vec![8], vec![9]]);
    assert_eq!(store.queue_reminder(&m, &r, 1, DOMAIN, NOW).await.unwrap(), 4, "no reminder either");
    // Sent again by hand it still goes nowhere.
    assert!(store.resend_mail(&m, &of_one.id, NOW).await.unwrap());
    assert!(store.claim_mail("u", 100, NOW, NOW).await.unwrap().iter().all(|mail| mail.unit.unit_key != one));

    // A new basis lets go on what the end of the old one stopped: once.
    let counted = store.mail_counts(&m, &r).await.unwrap();
    assert!(counted.iter().any(|c| c.state == MailState::Cancelled));
    store.record_basis(&m, &r, &statute(), &keys(), DOMAIN, NOW).await.unwrap();
    assert!(!store.is_barred(&of_one.invitation).await.unwrap());
    store.close_round(&m, &r, NOW).await.unwrap();
    let late = store.record_basis(&m, &r, &statute(), &keys(), DOMAIN, NOW).await;
    assert!(matches!(late, Err(StoreError::RoundClosed)));
}

on_both!(
    without_a_basis_nobody_is_approached,
    a_statute_before_opening_reaches_all_by_every_channel,
    a_consent_in_an_open_round_reaches_that_one_and_its_end_stops_everything,
);
