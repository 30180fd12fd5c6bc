//! What the tests are made of: a municipality, a frame, a questionnaire, an open round.
use std::collections::BTreeMap;

use domain::fieldwork::{Mode, ResponseStatus};
use domain::frame::FrameUnit;
use domain::ids::{InvitationId, MunicipalityId, RoundId};
use domain::industry::Classification;
use domain::language::{Country, Language, Texts};
use domain::municipality::Settings;
use domain::questionnaire::Questionnaire;
use domain::secrets::{Keys, SecretKey};
use domain::time::Millis;

use crate::respondent::{PageSave, Saved};
use crate::rounds::RoundPlan;
use crate::{Result, Store};

/// 2026-03-01 09:00 UTC.
pub(crate) const NOW: Millis = Millis(1_772_355_600_000);
pub(crate) const YEAR: i32 = 2026;
pub(crate) const DOMAIN: &str = "survey.example";

pub(crate) fn keys() -> Keys {
    SecretKey::parse(&"5a".repeat(32)).unwrap().keys()
}

pub(crate) fn unit(number: u32) -> FrameUnit {
    FrameUnit {
        unit_key: format!("dk:p:{:010}", 1_000_000_000 + number),
        country: Country::Dk,
        company_number: Some(format!("{:08}", 10_000_000 + number)),
        name: format!("Vognmand {number} ApS"),
        street: format!("Industrivej {number}"),
        postcode: "4000".to_owned(),
        city: "Højager".to_owned(),
        industry_code: "49.41.00".to_owned(),
        classification: Classification::Db25,
        employees_low: number % 60,
        employees_high: Some(number % 60),
        company_employees_low: Some(number % 60),
        company_employees_high: None,
        sector: if number.is_multiple_of(3) { "trade" } else { "transport" }.to_owned(),
        size: if number % 60 < 10 { "2-9" } else { "10-49" }.to_owned(),
        area: (number.is_multiple_of(2)).then(|| "havn".to_owned()),
        started_on: Some(format!("{}-05-01", 2000 + number % 26)),
        email: Some(format!("Vognmand{number}@firma.example")),
        phone: None,
        protected: false,
    }
}

pub(crate) fn units(count: u32) -> Vec<FrameUnit> {
    (0..count).map(unit).collect()
}

pub(crate) async fn municipality(store: &Store) -> MunicipalityId {
    store.create_municipality("hoejager", "Højager Kommune", Country::Dk, &Settings::default(), NOW).await.unwrap().id
}

pub(crate) async fn import(
    store: &Store,
    m: &MunicipalityId,
    year: i32,
    hash: &str,
    rows: &[FrameUnit],
) -> crate::frames::FrameChange {
    let begun = store.begin_frame_import(m, year, "cvr.csv", hash, NOW).await.unwrap();
    assert!(!begun.already_current);
    store.stage_frame_rows(m, &begun.id, rows, NOW).await.unwrap();
    store.finish_frame_import(m, &begun.id, NOW).await.unwrap()
}

pub(crate) async fn draft(store: &Store, m: &MunicipalityId, year: i32) -> RoundId {
    let questionnaire =
        Questionnaire { key: "test".to_owned(), version: 1, title: Texts::same("Test"), blocks: Vec::new() };
    let questionnaire = store.save_questionnaire(m, &questionnaire, NOW).await.unwrap();
    let plan = RoundPlan {
        title: format!("{year}-målingen"),
        opens_on: None,
        closes_on: Some(format!("{year}-04-01")),
        questionnaire: Some(questionnaire),
        threshold: 5,
    };
    store.create_round(m, year, &plan, NOW).await.unwrap().id
}

/// A municipality with an open round among these units.
pub(crate) async fn open_round(store: &Store, rows: &[FrameUnit]) -> (MunicipalityId, RoundId) {
    let m = municipality(store).await;
    import(store, &m, YEAR, "hash", rows).await;
    let round = draft(store, &m, YEAR).await;
    assert!(store.freeze_and_open(&m, &round, &keys(), DOMAIN, NOW).await.unwrap().finished);
    (m, round)
}

/// The invitations of a round, by the name of the business.
pub(crate) async fn invitations(store: &Store, m: &MunicipalityId, round: &RoundId) -> BTreeMap<String, InvitationId> {
    store.links(m, round, None, 10_000).await.unwrap().into_iter().map(|l| (l.name, l.invitation)).collect()
}

pub(crate) fn changes(pairs: &[(&str, &str)]) -> BTreeMap<String, Option<String>> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (!value.is_empty()).then(|| (*value).to_owned()))).collect()
}

/// Saves a page; an empty value clears its key.
pub(crate) async fn save(
    store: &Store,
    invitation: &InvitationId,
    expected_revision: i64,
    pairs: &[(&str, &str)],
) -> Result<Saved> {
    let changes = changes(pairs);
    let page = PageSave {
        invitation,
        changes: &changes,
        expected_revision,
        status: ResponseStatus::Started,
        mode: Mode::Web,
        language: Language::Da,
        screen: Some("overall"),
    };
    store.save_page(page, NOW.plus_seconds(60)).await
}
