//! Closed cases: asked about once, within the six-months rule, and summed up when no more answers can come.
use std::collections::BTreeMap;

use domain::cases::{CaseBusiness, ClosedCase, Date, EVERY, Outcome, Quarter, form};
use domain::fieldwork::{MessageKind, Mode};
use domain::ids::{InvitationId, MunicipalityId, RoundId};
use domain::language::Language;
use domain::time::Millis;

use super::material::*;
use super::{Ground, on_both};
use crate::cases::{CaseDelivery, Taken};
use crate::respondent::OptOut;
use crate::{Store, StoreError};

/// Half past nine in the morning, UTC.
fn at(day: &str) -> Millis {
    let epoch: Date = "1970-01-01".parse().unwrap();
    let days = epoch.until(day.parse::<Date>().unwrap()).unwrap().get_days();
    Millis(0).plus_days(days.into()).plus_seconds(9 * 3600 + 1800)
}

fn case(id: &str, number: u32, authority: &str, closed_on: &str) -> ClosedCase {
    ClosedCase {
        case_id: id.to_owned(),
        business: CaseBusiness::Unit(unit(number).unit_key),
        authority: authority.to_owned(),
        closed_on: closed_on.parse().unwrap(),
    }
}

async fn take_at(store: &Store, m: &MunicipalityId, cases: &[ClosedCase], now: Millis, keep: bool) -> Vec<Taken> {
    let today: Date = now.timestamp().strftime("%Y-%m-%d").to_string().parse().unwrap();
    let (form, keys) = (form(), keys());
    let delivery =
        CaseDelivery { cases, form: &form, title: "Sager", today, keys: &keys, mail_domain: DOMAIN, threshold: 5 };
    if keep {
        store.take_cases(m, &delivery, now).await.unwrap()
    } else {
        store.try_cases(m, &delivery, now).await.unwrap()
    }
}

async fn take(store: &Store, m: &MunicipalityId, cases: &[ClosedCase], day: &str) -> Vec<Taken> {
    take_at(store, m, cases, at(day), true).await
}

/// Sends all that is due.
async fn send_all(store: &Store, now: Millis) -> Vec<(MessageKind, InvitationId, Option<(String, String)>)> {
    let mut sent = Vec::new();
    for mail in store.claim_mail("w", 100, now.plus_seconds(600), now).await.unwrap() {
        assert!(store.mark_sending(&mail.id, "w", now.plus_seconds(600), now).await.unwrap());
        assert!(store.record_sent(&mail.id, "250 ok", now).await.unwrap());
        sent.push((mail.kind, mail.invitation, mail.case));
    }
    sent
}

async fn with_frame(store: &Store, units: u32) -> MunicipalityId {
    let m = municipality(store).await;
    import(store, &m, YEAR, "hash", &self::units(units)).await;
    m
}

async fn a_case_is_asked_about_once(ground: &Ground) {
    let store = &ground.store;
    let m = with_frame(store, 5).await;
    let cases = [case("26/1", 1, "building", "2026-03-20"), case("26/2", 2, "roads", "2026-03-21")];
    // A trial keeps nothing.
    assert_eq!(take_at(store, &m, &cases, at("2026-03-23"), false).await, [Taken::New(Outcome::Asked); 2]);
    assert!(store.case_counts(&m).await.unwrap().is_empty() && store.running_cases(&m).await.unwrap().is_empty());

    assert_eq!(take(store, &m, &cases, "2026-03-23").await, [Taken::New(Outcome::Asked); 2]);
    assert_eq!(take(store, &m, &cases, "2026-03-23").await, [Taken::Known; 2]);
    let moved = [case("26/1", 1, "roads", "2026-03-20")];
    assert_eq!(take(store, &m, &moved, "2026-03-24").await, [Taken::Differs]);
    let sent = send_all(store, at("2026-03-23")).await;
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|(kind, ..)| *kind == MessageKind::Case));
    let about: Vec<_> = sent.iter().filter_map(|(_, _, case)| case.clone()).collect();
    assert!(about.contains(&("building".to_owned(), "2026-03-20".to_owned())), "{about:?}");
    assert!(send_all(store, at("2026-03-24")).await.is_empty(), "never twice");

    // The reminder goes once, a week after the first message, to the one who has not answered.
    let today = |day: &str| day.parse::<Date>().unwrap();
    save(store, &sent[0].1, 0, &[("case_satisfaction", "8")]).await.unwrap();
    store.submit(&sent[0].1, "r", Mode::Web, Language::Da, at("2026-03-25")).await.unwrap();
    assert_eq!(store.remind_cases(&m, today("2026-03-29"), DOMAIN, at("2026-03-29")).await.unwrap(), 0);
    assert_eq!(store.remind_cases(&m, today("2026-03-30"), DOMAIN, at("2026-03-30")).await.unwrap(), 1);
    assert_eq!(store.remind_cases(&m, today("2026-03-31"), DOMAIN, at("2026-03-31")).await.unwrap(), 0);
    let reminded = send_all(store, at("2026-03-31")).await;
    assert_eq!(reminded.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(), [MessageKind::CaseReminder]);
    assert_eq!(reminded[0].1, sent[1].1);

    // The last day is three weeks after the first.
    let running = store.running_cases(&m).await.unwrap();
    assert_eq!(running.iter().map(|r| r.closes_on.as_str()).collect::<Vec<_>>(), ["2026-04-13"]);
    let counts = store.case_counts(&m).await.unwrap();
    let quarter = Quarter::parse("2026-Q1").unwrap();
    assert_eq!(counts.values().map(|c| c.sent).sum::<u64>(), 2);
    assert_eq!(counts.values().map(|c| c.answered).sum::<u64>(), 1);
    assert!(counts.keys().all(|(q, _)| *q == quarter));
}

async fn who_is_not_asked_and_why(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let mut rows = units(8);
    rows[1].protected = true;
    rows[2].email = None;
    let shared = rows[3].email.clone();
    rows[4].email = shared;
    import(store, &m, YEAR, "hash", &rows).await;
    let day = "2026-05-15";
    let cases = [
        case("a", 0, "building", "2026-05-01"),
        case("b", 1, "building", "2026-05-01"),
        case("c", 2, "building", "2026-05-01"),
        // One address stands for both: about the later case it is asked.
        case("d", 3, "building", "2026-05-02"),
        case("e", 4, "building", "2026-05-01"),
        // The business's later case is the one.
        case("f", 5, "roads", "2026-05-01"),
        case("g", 5, "building", "2026-05-03"),
        case("h", 99, "building", "2026-05-01"),
        case("i", 6, "building", "2026-03-31"),
        case("j", 7, "building", "2026-03-30"),
    ];
    let taken = take(store, &m, &cases, day).await;
    let expected = [
        Outcome::Asked,
        Outcome::Protected,
        Outcome::NoAddress,
        Outcome::Asked,
        Outcome::OtherCase,
        Outcome::OtherCase,
        Outcome::Asked,
        Outcome::NotInRegister,
        // 45 days are not too long ago, 46 are.
        Outcome::Asked,
        Outcome::TooOld,
    ];
    assert_eq!(taken, expected.map(Taken::New));
    let sent = send_all(store, at(day)).await;
    assert_eq!(sent.len(), 4);

    // Whoever said no to all surveys is not asked again, by no number.
    let asked = sent.iter().find(|(_, _, case)| case.as_ref().is_some_and(|(_, day)| day == "2026-05-03")).unwrap();
    store.opt_out(&asked.1, OptOut::ForGood, at(day)).await.unwrap();
    let company = ClosedCase {
        business: CaseBusiness::Company { number: "10000005".into(), unit_key: "dk:cvr:10000005".into() },
        ..case("k", 5, "building", "2027-05-01")
    };
    assert_eq!(take(store, &m, &[company], "2027-05-15").await, [Taken::New(Outcome::OptedOut)]);
    // A company's number finds its workplace.
    let company = ClosedCase {
        business: CaseBusiness::Company { number: "10000000".into(), unit_key: "dk:cvr:10000000".into() },
        ..case("l", 0, "building", "2027-05-01")
    };
    assert_eq!(take(store, &m, &[company], "2027-05-15").await, [Taken::New(Outcome::Asked)]);
    let counts = store.case_counts(&m).await.unwrap();
    let all = counts.values().map(crate::cases::CaseCounts::arrived).sum::<u64>();
    let base = counts.values().map(crate::cases::CaseCounts::base).sum::<u64>();
    assert_eq!((all, base), (12, 11));
}

async fn six_months_between_surveys(ground: &Ground) {
    let store = &ground.store;
    let (m, yearly) = open_round(store, &units(4)).await;
    // The yearly invitation goes out on 1 March at nine; its reminder three weeks later does not count as another survey.
    assert_eq!(send_all(store, NOW).await.len(), 4);
    store.queue_reminder(&m, &yearly, 1, DOMAIN, NOW.plus_days(20)).await.unwrap();
    send_all(store, NOW.plus_days(20)).await;
    let half_a_year = Millis(NOW.0 + (at("2026-09-01").0 - at("2026-03-01").0));
    let just_before = Millis(half_a_year.0 - 1);
    let one = |id: &str, number| [case(id, number, "building", "2026-08-20")];
    assert_eq!(take_at(store, &m, &one("a", 0), just_before, true).await, [Taken::New(Outcome::Lately)]);
    assert_eq!(take_at(store, &m, &one("b", 1), half_a_year, true).await, [Taken::New(Outcome::Asked)]);
    // What waits to be sent counts, too: tomorrow's case of the same business.
    let next = [case("c", 1, "roads", "2026-09-01")];
    assert_eq!(take(store, &m, &next, "2026-09-02").await, [Taken::New(Outcome::Lately)]);
    assert_eq!(send_all(store, at("2026-09-03")).await.len(), 1);
    let later = [case("d", 1, "roads", "2027-02-20")];
    assert_eq!(take(store, &m, &later, "2027-03-02").await, [Taken::New(Outcome::Lately)]);
    let free = [case("e", 1, "roads", "2027-02-25")];
    assert_eq!(take(store, &m, &free, "2027-03-03").await, [Taken::New(Outcome::Asked)]);

    // The other way round: the next yearly round leaves out who was asked about a case, and says so. The business has another address by then.
    send_all(store, at("2027-03-03")).await;
    let mut rows = units(4);
    rows[1].email = Some("ny@firma.example".to_owned());
    import(store, &m, YEAR + 1, "next", &rows).await;
    let round = draft(store, &m, YEAR + 1).await;
    let opened = at("2027-03-20");
    store.freeze_and_open(&m, &round, &keys(), DOMAIN, opened).await.unwrap();
    assert_eq!(send_all(store, opened).await.len(), 3);
    let troubles = store.mail_troubles(&m, &round, 10).await.unwrap();
    assert_eq!(troubles.iter().map(|t| t.business_name.as_str()).collect::<Vec<_>>(), ["Vognmand 1 ApS"]);
}

async fn rounds_of_cases_are_no_yearly_rounds(ground: &Ground) {
    let store = &ground.store;
    let m = with_frame(store, 6).await;
    take(store, &m, &[case("a", 1, "building", "2026-05-01")], "2026-05-15").await;
    let round = store.running_cases(&m).await.unwrap().remove(0).round;
    assert!(store.rounds(&m).await.unwrap().is_empty());
    assert!(matches!(store.round(&m, &round).await, Err(StoreError::NotFound(_))));
    assert!(store.round_of_year(&m, YEAR).await.unwrap().is_none());
    let yearly = draft(store, &m, YEAR).await;
    assert_eq!(store.rounds(&m).await.unwrap().len(), 1);

    // The year's extract may still be replaced, and who was asked about a case can answer all the same.
    import(store, &m, YEAR, "another", &units(7)).await;
    let sent = send_all(store, at("2026-05-15")).await;
    save(store, &sent[0].1, 0, &[("case_satisfaction", "8")]).await.unwrap();
    store.submit(&sent[0].1, "r", Mode::Web, Language::Da, at("2026-05-16")).await.unwrap();
    assert_eq!(store.invitation(&m, &sent[0].1).await.unwrap().business_name, "Vognmand 1 ApS");
    store.freeze_and_open(&m, &yearly, &keys(), DOMAIN, at("2026-05-17")).await.unwrap();
    assert_eq!(store.monitor(&m, &yearly).await.unwrap().total.frame, 7);
    store.close_round(&m, &yearly, at("2026-06-10")).await.unwrap();
    store.close_round(&m, &round, at("2026-06-10")).await.unwrap();
    let version = store.data_version(&m).await.unwrap();
    assert_eq!(version.iter().map(|v| (v.year, v.responses)).collect::<Vec<_>>(), [(YEAR, 0)]);
    assert!(store.analysis_responses(&m, &[YEAR]).await.unwrap().is_empty());
    assert!(matches!(save(store, &sent[0].1, 1, &[("case_ideal", "1")]).await, Err(StoreError::RoundClosed)));

    // The link between business and answer goes with the round's year; what the answer is about stays.
    assert_eq!(store.case_years(&m).await.unwrap(), [YEAR]);
    assert_eq!(store.cut_links(&m, YEAR, at("2031-12-31")).await.unwrap(), 1);
    assert!(store.invitation(&m, &sent[0].1).await.unwrap().response.is_none());
    let sums = store.sum_cases(&m, Quarter::parse("2026-Q2").unwrap()).await.unwrap();
    assert!(sums.iter().any(|s| s.authority == "building" && s.span == 1 && s.sums.answered == 1));
}

/// Answers that are put on the questions of the index, and one on a service factor.
async fn answered(store: &Store, invitation: &InvitationId, nki: [&str; 3], time: &str, day: &str) {
    let pairs =
        [("case_satisfaction", nki[0]), ("case_expectations", nki[1]), ("case_ideal", nki[2]), ("case_time", time)];
    save(store, invitation, 0, &pairs).await.unwrap();
    store.submit(invitation, "r", Mode::Web, Language::Da, at(day)).await.unwrap();
}

async fn by_day(store: &Store, m: &MunicipalityId, cases: &[ClosedCase], day: &str) -> BTreeMap<String, InvitationId> {
    take(store, m, cases, day).await;
    let sent = send_all(store, at(day)).await;
    sent.into_iter().map(|(_, invitation, case)| (case.unwrap().1, invitation)).collect()
}

async fn a_quarters_sums_are_those_of_its_answers(ground: &Ground) {
    let store = &ground.store;
    let m = with_frame(store, 12).await;
    let winter: Vec<ClosedCase> =
        (0..4).map(|n| case(&format!("w{n}"), n, "building", &format!("2026-01-{:02}", n + 10))).collect();
    let asked = by_day(store, &m, &winter, "2026-02-01").await;
    answered(store, &asked["2026-01-10"], ["10", "10", "10"], "5", "2026-02-03").await;
    answered(store, &asked["2026-01-11"], ["1", "1", "dk"], "1", "2026-02-03").await;
    answered(store, &asked["2026-01-12"], ["dk", "dk", "7"], "na", "2026-02-03").await;
    // Half a year later one of them again, with another authority.
    let summer = [case("s0", 0, "roads", "2026-08-10"), case("s5", 5, "building", "2026-08-11")];
    let asked = by_day(store, &m, &summer, "2026-08-20").await;
    answered(store, &asked["2026-08-10"], ["10", "1", "1"], "3", "2026-08-21").await;

    let q1 = Quarter::parse("2026-Q1").unwrap();
    let of = |sums: &[crate::cases::KeptSums], span: u8, authority: &str, measure: &str| {
        let is = |s: &&crate::cases::KeptSums| s.span == span && s.authority == authority && s.measure == measure;
        sums.iter().find(is).map(|s| s.sums).unwrap()
    };
    let winter = store.sum_cases(&m, q1).await.unwrap();
    // By hand: 100 and 0; one of three items is fewer than half. Four cases, three answers.
    let nki = of(&winter, 1, "building", "nki");
    assert_eq!((nki.cases, nki.answered, nki.n, nki.businesses, nki.total), (4, 3, 2, 2, 100.0));
    assert_eq!((nki.squares, nki.crossed, nki.repeats), (10_000.0, 100.0, 2.0));
    let time = of(&winter, 1, "building", "time");
    assert_eq!((time.n, time.total), (2, 100.0));
    assert!(winter.iter().all(|s| s.authority != "roads"));

    // Four quarters: the business that answered twice is one.
    let q3 = Quarter::parse("2026-Q3").unwrap();
    let year = store.sum_cases(&m, q3).await.unwrap();
    let all = of(&year, 4, EVERY, "nki");
    assert_eq!((all.cases, all.answered, all.n, all.businesses, all.repeats), (6, 4, 3, 2, 5.0));
    assert!((all.total - (100.0 + 100.0 / 3.0)).abs() < 1e-9, "{all:?}");
    assert_eq!(of(&year, 1, "roads", "nki").n, 1);

    // Kept once: neither a later answer nor an erasure moves it.
    let mut keep = winter.clone();
    keep[0].is_shown = true;
    assert!(store.keep_case_sums(&m, q1, &keep, at("2026-06-10")).await.unwrap() > 0);
    let kept = store.case_sums(&m).await.unwrap();
    let one = unit(0).unit_key;
    let erased = store.frame_units(&m, YEAR, None, 100).await.unwrap();
    let erased = erased.iter().find(|row| row.unit.unit_key == one).unwrap();
    store.erase_business(&m, &erased.business, at("2026-06-11")).await.unwrap();
    assert_eq!(
        store.keep_case_sums(&m, q1, &store.sum_cases(&m, q1).await.unwrap(), at("2026-06-12")).await.unwrap(),
        0
    );
    assert_eq!(store.case_sums(&m).await.unwrap(), kept);
    assert_eq!(kept.iter().filter(|k| k.is_shown).count(), 1);
    assert_eq!(of(&kept, 1, "building", "nki"), nki);
    // Its cases are known to nobody by their number any more; what is left of it counts as protected, so it is not asked again.
    assert_eq!(
        take(store, &m, &[case("w0", 0, "building", "2026-06-01")], "2026-06-15").await,
        [Taken::New(Outcome::Protected)]
    );
}

async fn without_an_extract_nothing_is_taken(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let (form, keys) = (form(), keys());
    let cases = [case("a", 1, "building", "2026-03-01")];
    let delivery = CaseDelivery {
        cases: &cases,
        form: &form,
        title: "Sager",
        today: "2026-03-01".parse().unwrap(),
        keys: &keys,
        mail_domain: DOMAIN,
        threshold: 5,
    };
    assert!(matches!(store.take_cases(&m, &delivery, NOW).await, Err(StoreError::State(_))));
    let nobody = RoundId("none".into());
    assert!(store.round(&m, &nobody).await.is_err());
}

on_both!(
    a_case_is_asked_about_once,
    who_is_not_asked_and_why,
    six_months_between_surveys,
    rounds_of_cases_are_no_yearly_rounds,
    a_quarters_sums_are_those_of_its_answers,
    without_an_extract_nothing_is_taken,
);
