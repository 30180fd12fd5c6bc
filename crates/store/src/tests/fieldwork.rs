//! A round from the first page to the publication, and what may go wrong on the way.
use std::collections::BTreeMap;

use domain::answers::Answers;
use domain::fieldwork::{Mode, ResponseStatus, Role};
use domain::ids::PanelId;
use domain::language::{Country, Language};
use domain::municipality::Settings;
use domain::results::{Provenance, Report};

use super::material::*;
use super::{Ground, on_both};
use crate::StoreError;
use crate::respondent::{ContactWish, OptOut};
use crate::results::{NewPublication, PastResponse};
use crate::rounds::RoundPlan;

/// A report that says nothing of one year.
pub(super) fn empty_report() -> Report {
    Report {
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
    }
}

async fn a_whole_round(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(40)).await;
    let all = invitations(store, &m, &round).await;
    assert_eq!(all.len(), 40);

    // Mail goes out.
    let mails = store.claim_mail("w", 100, NOW.plus_seconds(600), NOW).await.unwrap();
    assert_eq!(mails.len(), 40);
    for mail in &mails {
        assert!(store.still_wanted(&[(mail.id.clone(), "w".to_owned())], NOW).await.unwrap() == [true]);
        assert!(store.mark_sending(&mail.id, "w", NOW.plus_seconds(600), NOW).await.unwrap());
        assert!(store.record_sent(&mail.id, "250 ok", NOW).await.unwrap());
    }

    // A business answers, page by page, and submits.
    let first = &mails[0];
    let token = keys().invitation_token(&first.invitation, first.generation);
    let respondent = store.invitation_by_lookup(&keys().lookup(token.reveal())).await.unwrap().unwrap();
    assert_eq!(respondent.invitation, first.invitation);
    assert_eq!(respondent.municipality.slug, "hoejager");
    assert!(respondent.response.is_none());
    assert_eq!(respondent.facts.get("country").map(String::as_str), Some("dk"));
    assert!(store.invitation_by_lookup("unknown").await.unwrap().is_none());
    assert_eq!(
        save(store, &first.invitation, 0, &[("overall", "4"), ("why", "God \u{1f44d} service\u{1e}\u{1f}")])
            .await
            .unwrap()
            .revision,
        1
    );
    let why = store.analysis_responses(&m, &[YEAR]).await.unwrap().remove(0).answers;
    assert_eq!((why.0.len(), why.get("why")), (2, Some("God \u{1f44d} service  ")));
    assert_eq!(save(store, &first.invitation, 1, &[("overall", "5"), ("why", "")]).await.unwrap().revision, 2);
    let wish = ContactWish { name: "Ida".into(), reach: "12345678".into(), about: "lærling".into() };
    store.leave_contact(&first.invitation, &wish, DOMAIN, NOW).await.unwrap();
    assert!(store.submit(&first.invitation, "ref", Mode::Web, Language::Da, NOW).await.unwrap().first);
    let again = store.invitation(&m, &first.invitation).await.unwrap().response.unwrap();
    assert_eq!(again.status, ResponseStatus::Complete);
    assert_eq!(again.answers, Answers(BTreeMap::from([("overall".to_owned(), "5".to_owned())])));
    // Corrected afterwards: it stays complete.
    assert_eq!(save(store, &first.invitation, again.revision, &[("overall", "3")]).await.unwrap().conflicts.len(), 0);
    assert_eq!(
        store.invitation(&m, &first.invitation).await.unwrap().response.unwrap().status,
        ResponseStatus::Complete
    );

    // One begins, one says no for good, one withdraws.
    save(store, &mails[1].invitation, 0, &[("overall", "2")]).await.unwrap();
    store.opt_out(&mails[2].invitation, OptOut::ForGood, NOW).await.unwrap();
    save(store, &mails[3].invitation, 0, &[("overall", "1")]).await.unwrap();
    store.withdraw(&mails[3].invitation, NOW).await.unwrap();
    assert!(store.invitation(&m, &mails[3].invitation).await.unwrap().response.is_none());

    // The reminder goes to those still missing, decided again when it is sent.
    assert_eq!(store.queue_reminder(&m, &round, 1, DOMAIN, NOW.plus_days(7)).await.unwrap(), 37);
    assert_eq!(store.queue_reminder(&m, &round, 1, DOMAIN, NOW.plus_days(7)).await.unwrap(), 0);
    store.submit(&mails[4].invitation, "ref5", Mode::Web, Language::Sv, NOW.plus_days(7)).await.unwrap();
    store.opt_out(&mails[5].invitation, OptOut::Round, NOW.plus_days(7)).await.unwrap();
    let later = NOW.plus_days(8);
    let claimed = store.claim_mail("w", 100, later.plus_seconds(60), later).await.unwrap();
    assert_eq!(claimed.iter().filter(|mail| mail.kind.asks()).count(), 35);

    let total = store.monitor(&m, &round).await.unwrap().total;
    assert_eq!((total.frame, total.invited, total.sent, total.opted_out), (40, 40, 40, 2));
    assert_eq!((total.started, total.partial, total.complete), (3, 0, 2));
    assert_eq!(store.follow_ups(&m).await.unwrap().len(), 1);

    // Closed: no more answers, the waiting messages are cancelled.
    store.close_round(&m, &round, later).await.unwrap();
    assert!(matches!(save(store, &mails[6].invitation, 0, &[("overall", "2")]).await, Err(StoreError::RoundClosed)));
    assert!(matches!(
        store.submit(&mails[6].invitation, "r", Mode::Web, Language::Da, later).await,
        Err(StoreError::RoundClosed)
    ));

    // The analysis knows panel ids, nothing else.
    let frame = store.analysis_frame(&m, &[YEAR]).await.unwrap();
    let responses = store.analysis_responses(&m, &[YEAR]).await.unwrap();
    assert_eq!((frame.len(), responses.len()), (40, 3));
    let complete = responses.iter().find(|r| r.answers.get("overall") == Some("3")).unwrap();
    assert_eq!(complete.status, ResponseStatus::Complete);
    assert!(frame.iter().any(|u| u.panel == complete.panel));
    assert!(frame.iter().all(|u| !u.panel.as_str().contains("dk:p") && u.company.starts_with('c')));

    // Published twice: the first version stays as it was.
    let report = empty_report();
    let publication = NewPublication {
        year: YEAR,
        date: "2026-05-01",
        title: "2026",
        note: "",
        report: &report,
        extra: &serde_json::json!({"quotes": []}),
    };
    let first = store.publish(&m, &publication, later).await.unwrap();
    let corrected = Report { years: vec![YEAR - 1, YEAR], ..report.clone() };
    store
        .publish(&m, &NewPublication { note: "rettet", report: &corrected, ..publication.clone() }, later)
        .await
        .unwrap();
    assert_eq!(store.publication(&m, &first.id).await.unwrap().report, report);
    let latest = store.latest_publication(&m, None).await.unwrap().unwrap();
    assert_eq!((latest.info.version, latest.report), (2, corrected));
    assert!(store.latest_publication(&m, Some(YEAR - 1)).await.unwrap().is_none());
}

async fn two_devices_never_overwrite_each_other_unseen(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(1)).await;
    let invitation = invitations(store, &m, &round).await.into_values().next().unwrap();
    let start = save(store, &invitation, 0, &[("a", "1"), ("b", "1"), ("c", "1")]).await.unwrap().revision;
    // The phone changes a and clears b; the computer still shows the older page.
    save(store, &invitation, start, &[("a", "2"), ("b", "")]).await.unwrap();
    let computer = save(store, &invitation, start, &[("a", "3"), ("b", "4"), ("c", "5"), ("d", "6")]).await.unwrap();
    let conflicts: Vec<_> = computer.conflicts.iter().map(|c| (c.key.as_str(), c.kept.as_deref())).collect();
    assert_eq!(conflicts, [("a", Some("2")), ("b", None)]);
    let answers =
        |pairs: &[(&str, &str)]| Answers(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
    let now = store.invitation(&m, &invitation).await.unwrap().response.unwrap();
    assert!(now.answers == answers(&[("a", "2"), ("c", "5"), ("d", "6")]));
    assert_eq!(now.revision, computer.revision);
    // With the page made again, the computer may decide.
    assert!(save(store, &invitation, computer.revision, &[("a", "3")]).await.unwrap().conflicts.is_empty());
    // The same page sent twice (a lost reply) is no conflict.
    assert!(save(store, &invitation, computer.revision, &[("a", "3")]).await.unwrap().conflicts.is_empty());
}

async fn pages_that_arrive_together_are_all_kept(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(60)).await;
    let all = invitations(store, &m, &round).await;
    let saves = all.values().map(|invitation| async move { save(store, invitation, 0, &[("overall", "4")]).await });
    // One of them cannot be taken, and takes nobody with it.
    let (good, bad) = tokio::join!(
        futures_util::future::join_all(saves),
        save(store, all.values().next().unwrap(), 0, &[("why", "a\0b")])
    );
    assert!(good.iter().all(|saved| saved.as_ref().is_ok_and(|s| s.conflicts.is_empty())));
    assert!(matches!(bad, Err(StoreError::Nul)));
    assert_eq!(store.analysis_responses(&m, &[YEAR]).await.unwrap().len(), 60);
    // What was acknowledged is there for another program too.
    let other = ground.second().await;
    assert_eq!(other.monitor(&m, &round).await.unwrap().total.started, 60);
    other.close().await;
}

async fn submitting_twice_is_harmless(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(1)).await;
    let invitation = invitations(store, &m, &round).await.into_values().next().unwrap();
    save(store, &invitation, 0, &[("a", "1")]).await.unwrap();
    let submit = |seconds| store.submit(&invitation, "ref", Mode::Web, Language::Da, NOW.plus_seconds(seconds));
    let (a, b) = tokio::join!(submit(1), submit(2));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert!(a.first != b.first, "exactly one of the two did it");
    assert_eq!((&a.response, a.submitted_at), (&b.response, b.submitted_at));
    assert_eq!(store.analysis_responses(&m, &[YEAR]).await.unwrap().len(), 1);
}

async fn passing_on_stops_the_old_link(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(2)).await;
    let all = invitations(store, &m, &round).await;
    let invitation = &all["Vognmand 0 ApS"];
    let lookup = |generation| keys().lookup(keys().invitation_token(invitation, generation).reveal());
    let old = store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap();
    store.pass_on(invitation, "Chefen@firma.example", &keys(), DOMAIN, NOW).await.unwrap();
    assert!(store.invitation_by_lookup(&lookup(0)).await.unwrap().is_none());
    assert_eq!(store.invitation_by_lookup(&lookup(1)).await.unwrap().unwrap().generation, 1);
    // The message that was on its way to the old address is no longer wanted.
    let stale = old.iter().find(|mail| mail.invitation == *invitation).unwrap();
    assert!(store.still_wanted(&[(stale.id.clone(), "w".to_owned())], NOW).await.unwrap() == [false]);
    let new = store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap();
    assert_eq!(new.iter().map(|mail| mail.recipient.as_str()).collect::<Vec<_>>(), ["chefen@firma.example"]);
    // Somebody who has an invitation of his own gets no second one.
    assert!(matches!(
        store.pass_on(invitation, "vognmand1@firma.example", &keys(), DOMAIN, NOW).await,
        Err(StoreError::Conflict(_))
    ));
}

async fn a_no_for_good_lasts(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(2)).await;
    let all = invitations(store, &m, &round).await;
    store.opt_out(&all["Vognmand 0 ApS"], OptOut::ForGood, NOW).await.unwrap();
    store.opt_out(&all["Vognmand 1 ApS"], OptOut::Round, NOW).await.unwrap();
    assert!(store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap().is_empty());
    store.close_round(&m, &round, NOW).await.unwrap();
    let mut rows = units(2);
    rows[0].email = Some("another@firma.example".to_owned());
    rows[1].email = Some("third@firma.example".to_owned());
    import(store, &m, YEAR + 1, "next", &rows).await;
    let next = draft(store, &m, YEAR + 1).await;
    store.freeze_and_open(&m, &next, &keys(), DOMAIN, NOW).await.unwrap();
    let invited = invitations(store, &m, &next).await;
    assert_eq!(invited.keys().collect::<Vec<_>>(), ["Vognmand 1 ApS"]);
    // Said for good by the link of another round, it stops what waits in this one too, whatever address that goes to.
    let later = NOW.plus_days(200);
    assert_eq!(store.queue_reminder(&m, &next, 1, DOMAIN, later).await.unwrap(), 1);
    let waiting = store.claim_mail("w", 100, later.plus_seconds(60), later).await.unwrap();
    store.opt_out(&all["Vognmand 1 ApS"], OptOut::ForGood, later).await.unwrap();
    for mail in &waiting {
        assert_eq!(store.still_wanted(&[(mail.id.clone(), "w".to_owned())], later).await.unwrap(), [false]);
    }
    assert_eq!(store.queue_reminder(&m, &next, 2, DOMAIN, later).await.unwrap(), 0);
}

/// Complete responses of the first `count` businesses to forty questions.
fn past(count: u32) -> Vec<PastResponse> {
    (0..count)
        .map(|n| PastResponse {
            unit_key: unit(n).unit_key,
            status: ResponseStatus::Complete,
            mode: Mode::Imported,
            language: None,
            started_at: NOW,
            submitted_at: Some(NOW),
            answers: Answers((0..40).map(|q| (format!("question_{q}"), (1 + (n + q) % 5).to_string())).collect()),
        })
        .collect()
}

async fn earlier_years_are_loaded_once(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    import(store, &m, YEAR - 1, "one", &units(1000)).await;
    let plan = RoundPlan { title: "2025".into(), opens_on: None, closes_on: None, questionnaire: None, threshold: 5 };
    let round = store.create_round(&m, YEAR - 1, &plan, NOW).await.unwrap().id;
    let kept = PastResponse { mode: Mode::Telephone, ..past(1).remove(0) };
    let past = past(1001);
    let loaded = store.load_responses(&m, &round, &past, NOW).await.unwrap();
    assert_eq!((loaded.added, loaded.present, loaded.unknown), (1000, 0, 1));
    let again = store.load_responses(&m, &round, &past, NOW).await.unwrap();
    assert_eq!((again.added, again.present, again.unknown), (0, 1000, 1));
    store.close_round(&m, &round, NOW).await.unwrap();
    let responses = store.analysis_responses(&m, &[YEAR - 1]).await.unwrap();
    assert_eq!(responses.len(), 1000);
    assert!(responses.iter().all(|r| r.answers.0.len() == 40));
    // A better file takes the place of the first, and of nothing that came in another way.
    assert_eq!(store.drop_imported(&m, &round).await.unwrap(), 1000);
    assert_eq!(store.load_responses(&m, &round, &[kept], NOW).await.unwrap().added, 1);
    assert_eq!(store.drop_imported(&m, &round).await.unwrap(), 0);
    let replaced = store.load_responses(&m, &round, &past, NOW).await.unwrap();
    assert_eq!((replaced.added, replaced.present, replaced.unknown), (999, 1, 1));
    // The next year's frame knows the same businesses by the same panel ids.
    import(store, &m, YEAR, "two", &units(1000)).await;
    let panels = |year| {
        let m = m.clone();
        async move {
            store.analysis_frame(&m, &[year]).await.unwrap().into_iter().map(|u| u.panel).collect::<Vec<PanelId>>()
        }
    };
    assert_eq!(panels(YEAR - 1).await, panels(YEAR).await);
}

async fn links_are_cut_and_businesses_erased(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(3)).await;
    let all = invitations(store, &m, &round).await;
    for invitation in all.values() {
        save(store, invitation, 0, &[("overall", "4")]).await.unwrap();
    }
    // One of them has been passed on, and its first mail was refused with words that name the address.
    let invitation = &all["Vognmand 1 ApS"];
    let claimed = store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap();
    let refused = claimed.iter().find(|mail| mail.invitation == *invitation).unwrap();
    store.record_failed(&refused.id, "w", "550 5.1.1 <vognmand1@firma.example>", true, NOW).await.unwrap();
    store.pass_on(invitation, "lis@firma.example", &keys(), DOMAIN, NOW).await.unwrap();
    let others: Vec<_> = claimed.iter().map(|mail| mail.id.clone()).collect();
    store.release_mail(&others, "w", NOW).await.unwrap();
    // One business asks to be erased: its answer and its name are gone, the count of the frame is not.
    let row = store
        .frame_units(&m, YEAR, None, 10)
        .await
        .unwrap()
        .into_iter()
        .find(|r| r.unit.name == "Vognmand 1 ApS")
        .unwrap();
    store.erase_business(&m, &row.business, NOW).await.unwrap();
    let mut conn = store.read().await.unwrap();
    for (table, column) in
        [("contacts", "address"), ("contacts", "suppressed_words"), ("outbox", "words"), ("frame_rows", "email")]
    {
        let query = format!(
            "select count(*) from {table} where lower({column}) like '%vognmand1@%' or lower({column}) like '%lis@%'"
        );
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut *conn).await.unwrap();
        assert_eq!(found, 0, "an address stays in {table}.{column}");
    }
    drop(conn);
    assert_eq!(store.analysis_responses(&m, &[YEAR]).await.unwrap().len(), 2);
    let rows = store.frame_units(&m, YEAR, None, 10).await.unwrap();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|r| r.business != row.business || (r.unit.name.is_empty() && r.unit.email.is_none())));
    assert_eq!(store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap().len(), 2);

    assert!(matches!(store.cut_links(&m, YEAR, NOW).await, Err(StoreError::State(_))), "not while answers come in");
    draft(store, &m, YEAR - 1).await; // forgotten in preparation: it holds nothing up
    store.close_round(&m, &round, NOW).await.unwrap();
    assert_eq!(store.cut_links(&m, YEAR, NOW).await.unwrap(), 2);
    assert_eq!(store.cut_links(&m, YEAR, NOW).await.unwrap(), 0);
    let frame: Vec<PanelId> = store.analysis_frame(&m, &[YEAR]).await.unwrap().into_iter().map(|u| u.panel).collect();
    let responses = store.analysis_responses(&m, &[YEAR]).await.unwrap();
    assert_eq!(responses.len(), 2, "the answers stay");
    assert!(responses.iter().all(|r| !frame.contains(&r.panel)), "and nothing leads to them");
    for invitation in all.values() {
        assert!(store.invitation(&m, invitation).await.unwrap().response.is_none());
    }
}

async fn another_municipality_sees_nothing(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(3)).await;
    let other =
        store.create_municipality("nabo", "Nabo Kommune", Country::Dk, &Settings::default(), NOW).await.unwrap().id;
    let invitation = invitations(store, &m, &round).await.into_values().next().unwrap();
    assert!(matches!(store.round(&other, &round).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.monitor(&other, &round).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.invitation(&other, &invitation).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.close_round(&other, &round, NOW).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.queue_reminder(&other, &round, 1, DOMAIN, NOW).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.open_step(&other, &round, &keys(), DOMAIN, NOW).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.pause_mail(&other, &round, "x", NOW).await, Err(StoreError::NotFound(_))));
    assert!(store.links(&other, &round, None, 10).await.unwrap().is_empty());
    let wish = ContactWish { name: "Lis".into(), reach: "12 34 56 78".into(), about: String::new() };
    save(store, &invitation, 0, &[("why", "Vejene")]).await.unwrap();
    store.leave_contact(&invitation, &wish, DOMAIN, NOW).await.unwrap();
    assert!(store.follow_ups(&other).await.unwrap().is_empty());
    let wishes = store.follow_ups(&m).await.unwrap();
    assert!(matches!(store.drop_follow_up(&other, &wishes[0].id, NOW).await, Err(StoreError::NotFound(_))));
    assert!(store.open_answers(&other, &round, "why").await.unwrap().is_empty());
    assert!(store.analysis_responses(&other, &[YEAR]).await.unwrap().is_empty());
    let row = store.frame_units(&m, YEAR, None, 1).await.unwrap().remove(0);
    assert!(store.frame_units(&other, YEAR, None, 1).await.unwrap().is_empty());
    assert!(matches!(store.erase_business(&other, &row.business, NOW).await, Err(StoreError::NotFound(_))));
    assert!(store.invitation_of_business(&other, &round, &row.business).await.unwrap().is_none());
    let mail = store.claim_mail("w", 1, NOW.plus_seconds(60), NOW).await.unwrap().remove(0).id;
    assert!(store.record_failed(&mail, "w", "550 no", false, NOW).await.unwrap());
    assert!(store.mail_troubles(&other, &round, 10).await.unwrap().is_empty());
    assert!(!store.resend_mail(&other, &mail, NOW).await.unwrap());
    let begun = store.begin_frame_import(&m, YEAR + 1, "x.csv", "x", NOW).await.unwrap();
    let staged = store.stage_frame_rows(&other, &begun.id, &units(1), NOW).await;
    assert!(matches!(staged, Err(StoreError::NotFound(_))));
    let finished = store.finish_frame_import(&other, &begun.id, NOW).await;
    assert!(matches!(finished, Err(StoreError::NotFound(_))));
    let questionnaire = store.round(&m, &round).await.unwrap().questionnaire.unwrap();
    assert!(matches!(store.questionnaire(&other, &questionnaire).await, Err(StoreError::NotFound(_))));
    let user = store.create_user(&m, "Ada", "ada@hoejager.example", Role::Analyst, NOW).await.unwrap();
    assert!(store.user_by_email(&other, "ada@hoejager.example").await.unwrap().is_none());
    let later = NOW.plus_seconds(60);
    assert!(store.create_sign_in(&other, &user.id, "link", later, NOW).await.is_err());
    assert!(store.open_session(&other, &user.id, &session("session", later), NOW).await.is_err());
    assert!(store.update_user(&other, &user.id, "Eve", Role::Administrator, false, NOW).await.is_err());
    assert!(store.mail_counts(&other, &round).await.unwrap().is_empty());
    assert!(store.analysis_frame(&other, &[YEAR]).await.unwrap().is_empty());
    assert!(store.frames(&other).await.unwrap().is_empty());
    assert!(matches!(
        store.create_municipality("nabo", "x", Country::Se, &Settings::default(), NOW).await,
        Err(StoreError::Conflict(_))
    ));
}

/// A session by a link.
pub(super) fn session(lookup: &str, expires_at: domain::time::Millis) -> crate::people::NewSession<'_> {
    let (stage, method) = (crate::people::Stage::In, crate::people::Method::Link);
    crate::people::NewSession { lookup, stage, method, device: "", publication: None, expires_at }
}

async fn staff_sign_in_once_per_link(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let user = store.create_user(&m, "Ada", "Ada@Hoejager.example ", Role::Analyst, NOW).await.unwrap();
    assert!(matches!(
        store.create_user(&m, "Ada", "ada@hoejager.example", Role::Analyst, NOW).await,
        Err(StoreError::Conflict(_))
    ));
    assert!(store.user_by_email(&m, "ADA@hoejager.example").await.unwrap() == Some(user.clone()));
    store.create_sign_in(&m, &user.id, "link", NOW.plus_seconds(900), NOW).await.unwrap();
    let day = NOW.plus_days(1);
    let (first, second) = (session("s1", day), session("s2", day));
    let (a, b) = tokio::join!(store.use_sign_in("link", &first, NOW), store.use_sign_in("link", &second, NOW));
    assert_eq!([a.unwrap(), b.unwrap()].iter().filter(|used| used.is_some()).count(), 1);
    store.create_sign_in(&m, &user.id, "late", NOW, NOW).await.unwrap();
    assert!(store.use_sign_in("late", &session("s3", day), NOW).await.unwrap().is_none());
    store.open_session(&m, &user.id, &session("s4", day), NOW).await.unwrap();
    assert!(store.session("s4", NOW).await.unwrap().is_some());
    assert!(store.session("s4", day).await.unwrap().is_none());
    store.update_user(&m, &user.id, "Ada L.", Role::Analyst, true, NOW).await.unwrap();
    assert!(store.session("s4", NOW).await.unwrap().is_none());
    assert!(store.open_session(&m, &user.id, &session("s5", day), NOW).await.is_err());
    store.audit(&m, Some(&user.id), "user.disabled", user.id.as_str(), "", NOW).await.unwrap();
    assert_eq!(store.audit_trail(&m, 10).await.unwrap()[0].user_name.as_deref(), Some("Ada L."));
}

async fn jobs_keep_their_history(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let file =
        crate::jobs::JobFile { name: "frame.csv".into(), media_type: "text/csv".into(), bytes: vec![0, 159, 146, 150] };
    let id = store
        .enqueue_job(&m, "import", &serde_json::json!({"year": YEAR}), std::slice::from_ref(&file), NOW)
        .await
        .unwrap();
    assert_eq!(store.job_file(&m, &id, "frame.csv").await.unwrap(), file);
    let other =
        store.create_municipality("nabo", "Nabo Kommune", Country::Dk, &Settings::default(), NOW).await.unwrap().id;
    assert!(matches!(store.job(&other, &id).await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.job_file(&other, &id, "frame.csv").await, Err(StoreError::NotFound(_))));
    assert!(store.jobs(&other, None, 5).await.unwrap().is_empty());
    let (a, b) =
        tokio::join!(store.claim_job("a", NOW.plus_seconds(30), NOW), store.claim_job("b", NOW.plus_seconds(30), NOW));
    let claims = [("a", a.unwrap()), ("b", b.unwrap())];
    let (worker, _) = claims.iter().find(|(_, job)| job.is_some()).unwrap();
    assert_eq!(claims.iter().filter(|(_, job)| job.is_some()).count(), 1);
    assert!(store.job_progress(&id, worker, 3, 10, NOW.plus_seconds(30)).await.unwrap());
    // The worker dies; another takes over, and the first one finds out.
    let later = NOW.plus_seconds(31);
    assert_eq!(store.claim_job("c", later.plus_seconds(30), later).await.unwrap().unwrap().attempts, 2);
    assert!(!store.finish_job(&id, worker, Ok(&serde_json::json!(1)), &[], later).await.unwrap());
    let report = crate::jobs::JobFile { name: "report.csv".into(), ..file };
    let left = std::slice::from_ref(&report);
    assert!(store.finish_job(&id, "c", Ok(&serde_json::json!({"rows": 7})), left, later).await.unwrap());
    // The extract, with everybody's names and numbers, is gone; what came of it stays.
    assert!(matches!(store.job_file(&m, &id, "frame.csv").await, Err(StoreError::NotFound(_))));
    assert_eq!(store.job_file(&m, &id, "report.csv").await.unwrap(), report);
    let done = store.job(&m, &id).await.unwrap();
    assert_eq!(
        (done.state, done.done, done.result),
        (crate::jobs::JobState::Done, 3, Some(serde_json::json!({"rows": 7})))
    );
    assert_eq!(store.jobs(&m, Some("import"), 5).await.unwrap().len(), 1);
    assert_eq!(store.jobs(&m, Some("other"), 5).await.unwrap().len(), 0);
    assert_eq!(store.jobs(&m, None, 5).await.unwrap().len(), 1);
}

on_both!(
    a_whole_round,
    two_devices_never_overwrite_each_other_unseen,
    pages_that_arrive_together_are_all_kept,
    submitting_twice_is_harmless,
    passing_on_stops_the_old_link,
    a_no_for_good_lasts,
    earlier_years_are_loaded_once,
    another_municipality_sees_nothing,
    links_are_cut_and_businesses_erased,
    staff_sign_in_once_per_link,
    jobs_keep_their_history,
);

/// A measurement, not a test: `cargo test -p store -- --ignored --nocapture how_fast`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints times and asserts nothing about them"]
async fn how_fast() {
    for ground in [Some(Ground::sqlite().await), Ground::postgres().await].into_iter().flatten() {
        let store = &ground.store;
        let m = municipality(store).await;
        let (rows, past) = (units(3300), past(3300));
        let start = std::time::Instant::now();
        let lap = |what: &str| println!("{:?} {what}: {:?}", store.inner.engine, start.elapsed());
        import(store, &m, YEAR, "one", &rows).await;
        lap("frame of 3,300 imported");
        let round = draft(store, &m, YEAR).await;
        store.load_responses(&m, &round, &past, NOW).await.unwrap();
        lap("3,300 responses of 40 answers loaded");
        assert_eq!(store.analysis_responses(&m, &[YEAR]).await.unwrap().len(), 3300);
        lap("responses read");
        store.analysis_frame(&m, &[YEAR]).await.unwrap();
        lap("frame read");
        store.freeze_and_open(&m, &round, &keys(), DOMAIN, NOW).await.unwrap();
        lap("round opened");
        store.monitor(&m, &round).await.unwrap();
        lap("monitor read");
        while !store.claim_mail("w", 100, NOW.plus_seconds(60), NOW).await.unwrap().is_empty() {}
        lap("3,300 messages claimed");
        ground.leave().await;
    }
}

/// A measurement, not a test: acknowledged saves with every sync of the disk, one by one and all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints times and asserts nothing about them"]
async fn how_fast_saves_share_commits() {
    let ground = Ground::sqlite().await;
    let store = crate::Store::connect(&ground.url, &crate::StoreOptions::default()).await.unwrap();
    let (m, round) = open_round(&store, &units(400)).await;
    let all: Vec<_> = invitations(&store, &m, &round).await.into_values().collect();
    let (alone, together) = all.split_at(200);
    let start = std::time::Instant::now();
    for invitation in alone {
        save(&store, invitation, 0, &[("overall", "4")]).await.unwrap();
    }
    println!("200 saves one by one: {:?}", start.elapsed());
    let start = std::time::Instant::now();
    futures_util::future::join_all(together.iter().map(|i| save(&store, i, 0, &[("overall", "4")]))).await;
    println!("200 saves together: {:?}", start.elapsed());
    store.close().await;
}
