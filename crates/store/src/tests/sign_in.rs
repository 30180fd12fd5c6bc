//! Signing in: brakes, second steps, links, readers, people, single sign-on, the trail that is searched.
use domain::fieldwork::Role;
use domain::ids::{MailId, MunicipalityId, UserId};
use domain::language::Country;
use domain::municipality::Settings;
use domain::time::Millis;

use super::fieldwork::session;
use super::material::{NOW, municipality};
use super::{Ground, on_both};
use crate::audit::AuditFilter;
use crate::credentials::{Brake, FirstAdministrator};
use crate::people::{Method, NewSession, Purpose, Stage};
use crate::readers::NewReaderLink;
use crate::single_sign_on::{Claimed, UnderWay};
use crate::staff_mail::Fate;
use crate::{Store, StoreError};

async fn person(store: &Store, m: &MunicipalityId, email: &str, role: Role) -> UserId {
    store.create_user(m, "Ada", email, role, NOW).await.unwrap().id
}

async fn guessing_gets_slower_and_is_forgiven(ground: &Ground) {
    let store = &ground.store;
    let brake = Brake { lookup: "account", free: 3, most_seconds: 60 };
    for _ in 0..2 {
        assert_eq!(store.attempt(&[brake], NOW).await.unwrap(), None);
    }
    assert_eq!(store.attempt(&[brake], NOW).await.unwrap(), None);
    let wait = Some(NOW.plus_seconds(1));
    assert_eq!(store.attempt(&[brake], NOW).await.unwrap(), wait);
    assert_eq!(store.attempt(&[brake], NOW).await.unwrap(), wait, "what is refused does not count");
    assert_eq!(store.attempt(&[brake], NOW.plus_seconds(1)).await.unwrap(), None);
    assert_eq!(store.attempt(&[brake], NOW.plus_seconds(2)).await.unwrap(), Some(NOW.plus_seconds(3)));
    let other = Brake { lookup: "another", ..brake };
    assert_eq!(store.attempt(&[other, brake], NOW.plus_seconds(2)).await.unwrap(), Some(NOW.plus_seconds(3)));
    assert_eq!(store.attempt(&[other], NOW.plus_seconds(2)).await.unwrap(), None);
    store.release(&["account"]).await.unwrap();
    assert_eq!(store.attempt(&[brake], NOW.plus_seconds(2)).await.unwrap(), None);
    // A hundred at once are a hundred: no more than the free ones get through.
    let many = Brake { lookup: "many", ..brake };
    let tries = futures_join(store, many).await;
    assert_eq!(tries.iter().filter(|wait| wait.is_none()).count(), 3);
    assert!(store.sweep_brakes(NOW.plus_days(3)).await.unwrap() > 0);
}

async fn futures_join(store: &Store, brake: Brake<'static>) -> Vec<Option<Millis>> {
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.attempt(&[brake], NOW).await.unwrap() })
        })
        .collect();
    let mut waits = Vec::new();
    for one in tries {
        waits.push(one.await.unwrap());
    }
    waits
}

async fn a_code_is_used_once_and_recovery_codes_too(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let ada = person(store, &m, "ada@hoejager.example", Role::Analyst).await;
    assert_eq!(store.second_step(&ada).await.unwrap(), None);
    let begun = store.begin_second_step(&ada, NOW).await.unwrap();
    let again = store.begin_second_step(&ada, NOW.plus_seconds(60)).await.unwrap();
    assert_eq!(begun.generation, again.generation, "a page shown again shows the same secret");
    let later = store.begin_second_step(&ada, NOW.plus_seconds(3600)).await.unwrap();
    assert_ne!(begun.generation, later.generation, "an old one that nobody confirmed is not used");
    assert!(store.confirm_second_step(&ada, begun.generation, 7, &[], NOW).await.is_err());
    let codes = ["a".to_owned(), "b".to_owned()];
    store.confirm_second_step(&ada, later.generation, 7, &codes, NOW).await.unwrap();
    assert!(!store.use_step(&ada, 7).await.unwrap(), "the code that confirmed is used");
    let (one, two) = tokio::join!(store.use_step(&ada, 8), store.use_step(&ada, 8));
    assert!(one.unwrap() != two.unwrap(), "of two at once one gets in");
    assert!(!store.use_step(&ada, 6).await.unwrap());
    assert!(store.use_recovery_code(&ada, "a", NOW).await.unwrap());
    assert!(!store.use_recovery_code(&ada, "a", NOW).await.unwrap());
    assert_eq!(store.recovery_codes_left(&ada).await.unwrap(), 1);
    let kept = store.begin_second_step(&ada, NOW.plus_days(9)).await.unwrap();
    assert_eq!((kept.generation, kept.confirmed), (later.generation, true), "one that stands is not begun anew");
    store.drop_second_step(&m, &ada).await.unwrap();
    assert!(!store.use_step(&ada, 99).await.unwrap() && store.recovery_codes_left(&ada).await.unwrap() == 0);
    assert!(store.begin_second_step(&ada, NOW).await.unwrap().generation > later.generation);
}

async fn a_link_for_a_password_ends_what_was_open(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let ada = person(store, &m, "ada@hoejager.example", Role::Analyst).await;
    let day = NOW.plus_days(1);
    store.open_session(&m, &ada, &session("here", day), NOW).await.unwrap();
    store.create_link(&m, &ada, Purpose::Reset, "old", day, NOW).await.unwrap();
    store.create_link(&m, &ada, Purpose::Reset, "new", day, NOW).await.unwrap();
    assert!(store.sign_in_link("old", NOW).await.unwrap().is_none(), "a newer link replaces the older");
    assert!(store.sign_in_link("new", NOW).await.unwrap().unwrap().0 == Purpose::Reset);
    assert!(store.use_sign_in("new", &session("x", day), NOW).await.unwrap().is_none(), "it does not sign in");
    assert!(store.sign_in_link("new", NOW).await.unwrap().is_some(), "and was not used up by trying");
    assert_eq!(store.set_password_by_link("new", "hash", NOW).await.unwrap(), Some(ada.clone()));
    assert_eq!(store.set_password_by_link("new", "hash2", NOW).await.unwrap(), None);
    assert_eq!(store.password_hash(&ada).await.unwrap().as_deref(), Some("hash"));
    assert!(store.session("here", NOW).await.unwrap().is_none());
    store.rehash_password(&ada, "another", "stronger").await.unwrap();
    assert_eq!(store.password_hash(&ada).await.unwrap().as_deref(), Some("hash"));
    store.rehash_password(&ada, "hash", "stronger").await.unwrap();
    assert_eq!(store.password_hash(&ada).await.unwrap().as_deref(), Some("stronger"));
}

async fn sessions_end_by_themselves_and_change_their_token(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let ada = person(store, &m, "ada@hoejager.example", Role::Analyst).await;
    let half = NewSession { stage: Stage::Code, ..session("half", NOW.plus_seconds(900)) };
    store.open_session(&m, &ada, &half, NOW).await.unwrap();
    let hour = 3600;
    store.rotate_session("half", "whole", NOW.plus_seconds(hour), NOW.plus_seconds(9)).await.unwrap();
    assert!(store.session("half", NOW).await.unwrap().is_none());
    let whole = store.session("whole", NOW).await.unwrap().unwrap();
    assert!(whole.stage == Stage::In && whole.expires_at == NOW.plus_seconds(hour));
    assert!(store.rotate_session("half", "x", NOW, NOW).await.is_err());
    let touch = async |at: Millis| store.touch_session("whole", 60, hour, 2 * hour, at).await.unwrap();
    touch(NOW.plus_seconds(30)).await;
    assert_eq!(store.session("whole", NOW).await.unwrap().unwrap().seen_at, NOW.plus_seconds(9), "not every request");
    touch(NOW.plus_seconds(3000)).await;
    assert_eq!(store.session("whole", NOW).await.unwrap().unwrap().expires_at, NOW.plus_seconds(3000 + hour));
    touch(NOW.plus_seconds(6000)).await;
    assert_eq!(store.session("whole", NOW).await.unwrap().unwrap().expires_at, NOW.plus_seconds(2 * hour));
    store.open_session(&m, &ada, &session("second", NOW.plus_days(1)), NOW).await.unwrap();
    assert_eq!(store.sessions(&m, &ada, NOW).await.unwrap().len(), 2);
    assert_eq!(store.end_sessions(&m, &ada, Some("whole")).await.unwrap(), 1);
    assert!(store.session("whole", NOW).await.unwrap().is_some());
    let name = store.sessions(&m, &ada, NOW).await.unwrap()[0].id.clone();
    assert!("whole".starts_with(&name) || name == "whole");
    store.end_session_of(&m, &ada, &name).await.unwrap();
    assert!(store.session("whole", NOW).await.unwrap().is_none());
}

async fn the_last_administrator_stays(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let ada = person(store, &m, "ada@hoejager.example", Role::Administrator).await;
    let bo = person(store, &m, "bo@hoejager.example", Role::Administrator).await;
    let out = async |id: &UserId| store.update_user(&m, id, "x", Role::Administrator, true, NOW).await;
    let (one, two) = tokio::join!(out(&ada), out(&bo));
    assert!(one.is_ok() != two.is_ok(), "of two who put each other out at once, one stays");
    let left = if one.is_ok() { &bo } else { &ada };
    let refused = store.update_user(&m, left, "x", Role::Analyst, false, NOW).await;
    assert!(matches!(refused, Err(StoreError::State("last administrator"))));
    let day = NOW.plus_days(1);
    let cy = person(store, &m, "cy@hoejager.example", Role::Administrator).await;
    store.open_session(&m, left, &session("open", day), NOW).await.unwrap();
    store.update_user(&m, left, "x", Role::Analyst, false, NOW).await.unwrap();
    assert!(store.session("open", NOW).await.unwrap().is_none(), "what a session opens does not change under it");
    let people = store.people(&m, NOW).await.unwrap();
    assert_eq!(people.len(), 3);
    assert!(people.iter().any(|p| p.user.id == cy && p.last_sign_in_at.is_none()));
    assert!(store.person(&m, left, NOW).await.unwrap().last_sign_in_at == Some(NOW));
}

async fn a_reader_reads_until_the_link_ends(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let ada = person(store, &m, "ada@hoejager.example", Role::Analyst).await;
    let new = |lookup: &'static str| NewReaderLink {
        name: "Ole",
        publication: None,
        lookup,
        expires_at: NOW.plus_days(2),
        made_by: &ada,
    };
    let id = store.create_reader_link(&m, &new("r1"), NOW).await.unwrap();
    store.create_reader_link(&m, &new("r2"), NOW).await.unwrap();
    let nowhere = domain::ids::PublicationId("none".into());
    let wrong = NewReaderLink { publication: Some(&nowhere), ..new("r3") };
    assert!(matches!(store.create_reader_link(&m, &wrong, NOW).await, Err(StoreError::NotFound(_))));
    assert_eq!(store.users(&m).await.unwrap().len(), 1, "readers are no staff");
    assert_eq!(store.reader_of_link("r1", NOW).await.unwrap().unwrap().name, "Ole");
    let open = NewSession { method: Method::Reader, ..session("s1", NOW.plus_days(9)) };
    let (reader, only) = store.use_reader_link("r1", &open, NOW).await.unwrap().unwrap();
    assert!(reader.role == Role::Committee && only.is_none());
    let kept = store.session("s1", NOW).await.unwrap().unwrap();
    assert_eq!(kept.expires_at, NOW.plus_days(2), "no longer than the link");
    let links = store.reader_links(&m).await.unwrap();
    assert_eq!(links.iter().map(|l| l.uses).sum::<u64>(), 1);
    store.revoke_reader_link(&m, &id, NOW).await.unwrap();
    assert!(store.session("s1", NOW).await.unwrap().is_none());
    assert!(store.use_reader_link("r1", &open, NOW).await.unwrap().is_none());
    assert!(store.reader_of_link("r2", NOW.plus_days(2)).await.unwrap().is_none());
    let s2 = NewSession { lookup: "s2", ..open.clone() };
    assert!(store.use_reader_link("r2", &s2, NOW.plus_days(2)).await.unwrap().is_none());
}

async fn an_empty_database_is_set_up_once(ground: &Ground) {
    let store = &ground.store;
    assert!(store.is_empty().await.unwrap());
    store.create_set_up("first", NOW.plus_days(1), NOW).await.unwrap();
    store.create_set_up("second", NOW.plus_days(1), NOW).await.unwrap();
    assert!(!store.is_set_up("first", NOW).await.unwrap() && store.is_set_up("second", NOW).await.unwrap());
    let settings = Settings::default();
    let first = FirstAdministrator {
        slug: "hojager",
        municipality: "Højager",
        country: Country::Dk,
        settings: &settings,
        name: "Ada",
        email: "ada@hojager.example",
        hash: "hash",
    };
    let (s1, s2) = (session("s1", NOW.plus_days(1)), session("s2", NOW.plus_days(1)));
    assert!(store.set_up("first", &first, &s1, NOW).await.unwrap().is_none());
    let (one, two) = tokio::join!(store.set_up("second", &first, &s1, NOW), store.set_up("second", &first, &s2, NOW));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(one.is_some() != two.is_some());
    let (place, user) = one.or(two).unwrap();
    assert!(user.role == Role::Administrator && store.municipality_by_slug("hojager").await.unwrap() == place);
    assert!(!store.is_empty().await.unwrap() && !store.is_set_up("second", NOW).await.unwrap());
    store.create_set_up("late", NOW.plus_days(1), NOW).await.unwrap();
    let other = FirstAdministrator { slug: "nabo", ..first };
    assert!(
        store.set_up("late", &other, &session("s3", NOW), NOW).await.unwrap().is_none(),
        "it is not empty any more"
    );
}

async fn groups_give_and_take(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let under_way = UnderWay { municipality: m.clone(), nonce: "n".into(), verifier: "v".into() };
    store.begin_single_sign_on("state", &under_way, NOW.plus_seconds(900)).await.unwrap();
    assert_eq!(store.take_single_sign_on("state", NOW).await.unwrap(), Some(under_way.clone()));
    assert_eq!(store.take_single_sign_on("state", NOW).await.unwrap(), None, "it comes back once");
    store.begin_single_sign_on("late", &under_way, NOW).await.unwrap();
    assert_eq!(store.take_single_sign_on("late", NOW).await.unwrap(), None);
    let claimed = |role| Claimed { issuer: "i", subject: "7", name: "Ada", email: "ADA@x.example", role };
    assert!(store.single_sign_on(&m, &claimed(None), NOW).await.unwrap().is_none(), "no group, no account");
    let made = store.single_sign_on(&m, &claimed(Some(Role::Analyst)), NOW).await.unwrap().unwrap();
    assert!(made.email == "ada@x.example" && made.role == Role::Analyst);
    store.open_session(&m, &made.id, &session("open", NOW.plus_days(1)), NOW).await.unwrap();
    let moved = Claimed { email: "new@x.example", ..claimed(Some(Role::Administrator)) };
    let again = store.single_sign_on(&m, &moved, NOW).await.unwrap().unwrap();
    assert!(again.id == made.id && again.role == Role::Administrator, "known by the provider's id, not by the address");
    assert!(store.session("open", NOW).await.unwrap().is_none(), "a new role, a new session");
    store.open_session(&m, &made.id, &session("open2", NOW.plus_days(1)), NOW).await.unwrap();
    store.set_password(&m, &made.id, "hash", "open2", NOW).await.unwrap();
    assert!(store.single_sign_on(&m, &claimed(None), NOW).await.unwrap().is_none());
    assert!(store.session("open2", NOW).await.unwrap().is_none());
    assert!(store.password_hash(&made.id).await.unwrap().is_none(), "the group is gone and every way in with it");
    store.update_user(&m, &made.id, "Ada", Role::Analyst, true, NOW).await.unwrap_err();
    person(store, &m, "bo@x.example", Role::Administrator).await;
    store.update_user(&m, &made.id, "Ada", Role::Analyst, true, NOW).await.unwrap();
    assert!(store.single_sign_on(&m, &claimed(Some(Role::Analyst)), NOW).await.unwrap().is_none(), "deactivated here");
}

async fn mail_to_staff_waits_and_is_sent(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let ada = person(store, &m, "ada@hoejager.example", Role::Analyst).await;
    let (first, second) = (MailId("m1".into()), MailId("m2".into()));
    let until = NOW.plus_days(7);
    store.queue_staff_mail(&m, &ada, Purpose::Invitation, &first, "l1", until, NOW).await.unwrap();
    store.queue_staff_mail(&m, &ada, Purpose::Invitation, &second, "l2", until, NOW.plus_seconds(1)).await.unwrap();
    assert!(store.sign_in_link("l1", NOW).await.unwrap().is_none());
    assert!(store.person(&m, &ada, NOW).await.unwrap().invited_at.is_some());
    let now = NOW.plus_seconds(2);
    let lease = now.plus_seconds(300);
    let (a, b) = tokio::join!(store.claim_staff_mail(lease, now), store.claim_staff_mail(lease, now));
    let claimed: Vec<_> = [a.unwrap(), b.unwrap()].into_iter().flatten().collect();
    assert_eq!(claimed.len(), 1, "the first was cancelled, the second is taken once");
    assert!(claimed[0].id == second && claimed[0].email == "ada@hoejager.example" && claimed[0].attempts == 1);
    let later = now.plus_seconds(60);
    store.settle_staff_mail(&second, Fate::Later(later, "450 later"), now).await.unwrap();
    assert!(store.claim_staff_mail(lease, now).await.unwrap().is_none());
    assert!(store.claim_staff_mail(later.plus_seconds(300), later).await.unwrap().is_some());
    store.settle_staff_mail(&second, Fate::Failed("550 no"), later).await.unwrap();
    let latest = store.latest_staff_mail(&m, &ada, Purpose::Invitation).await.unwrap();
    assert_eq!(latest, Some(("failed".to_owned(), "550 no".to_owned())));
}

async fn the_trail_is_searched(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let ada = person(store, &m, "ada@hoejager.example", Role::Analyst).await;
    for (n, (who, what)) in
        [(Some(&ada), "round.opened"), (None, "round.closed"), (Some(&ada), "trail.seen")].into_iter().enumerate()
    {
        store.audit(&m, who, what, "", "", NOW.plus_days(i64::try_from(n).unwrap())).await.unwrap();
    }
    let all = AuditFilter { who: "", what: "", from: Millis(0), before: Millis(i64::MAX) };
    let found = async |filter: AuditFilter<'_>, limit, offset| -> Vec<String> {
        let entries = store.audit_found(&m, &filter, limit, offset).await.unwrap();
        entries.into_iter().map(|e| e.action).collect()
    };
    assert_eq!(found(all, 9, 0).await, ["trail.seen", "round.closed", "round.opened"]);
    assert_eq!(found(all, 1, 1).await, ["round.closed"]);
    assert_eq!(found(AuditFilter { who: ada.as_str(), ..all }, 9, 0).await, ["trail.seen", "round.opened"]);
    assert_eq!(found(AuditFilter { who: "program", ..all }, 9, 0).await, ["round.closed"]);
    assert_eq!(found(AuditFilter { what: "round.opened", ..all }, 9, 0).await, ["round.opened"]);
    let day = AuditFilter { from: NOW.plus_days(1), before: NOW.plus_days(2), ..all };
    assert_eq!(found(day, 9, 0).await, ["round.closed"]);
    assert_eq!(store.audit_actions(&m).await.unwrap(), ["round.closed", "round.opened", "trail.seen"]);
    assert_eq!(store.audit_actors(&m).await.unwrap(), [(ada, "Ada".to_owned())]);
}

on_both!(
    guessing_gets_slower_and_is_forgiven,
    a_code_is_used_once_and_recovery_codes_too,
    a_link_for_a_password_ends_what_was_open,
    sessions_end_by_themselves_and_change_their_token,
    the_last_administrator_stays,
    a_reader_reads_until_the_link_ends,
    an_empty_database_is_set_up_once,
    groups_give_and_take,
    mail_to_staff_waits_and_is_sent,
    the_trail_is_searched,
);
