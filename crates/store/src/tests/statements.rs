//! Every statement is understood by both engines, in one text.
use std::collections::BTreeSet;

use sqlx::{Connection, Executor, SqlSafeStr};

use super::{Ground, on_both};
use crate::dialect::{Engine, PER_ENGINE};
use crate::sql::Bulk;
use crate::{
    StoreError, StoreOptions, accounts, audit, bases, calls, cases, channels, codes, credentials, drafts, edits,
    extracts, follow, frames, goals, inbound, initiatives, instrument, jobs, logos, migrate, municipalities,
    neighbours, outbox, people, publishing, quality, questionnaires, quotes, readers, regroup, respondent, results,
    retention, rounds, sending, single_sign_on, staff_mail, sums,
};

type Subject = (&'static str, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static Bulk)]);

const SUBJECTS: &[Subject] = &[
    ("accounts", accounts::STATEMENTS, accounts::BULKS),
    ("audit", audit::STATEMENTS, audit::BULKS),
    ("bases", bases::STATEMENTS, bases::BULKS),
    ("cases", cases::STATEMENTS, cases::BULKS),
    ("channels", channels::STATEMENTS, channels::BULKS),
    ("calls", calls::STATEMENTS, calls::BULKS),
    ("codes", codes::STATEMENTS, codes::BULKS),
    ("credentials", credentials::STATEMENTS, credentials::BULKS),
    ("quotes", quotes::STATEMENTS, quotes::BULKS),
    ("drafts", drafts::STATEMENTS, drafts::BULKS),
    ("edits", edits::STATEMENTS, edits::BULKS),
    ("extracts", extracts::STATEMENTS, extracts::BULKS),
    ("regroup", regroup::STATEMENTS, regroup::BULKS),
    ("follow", follow::STATEMENTS, follow::BULKS),
    ("frames", frames::STATEMENTS, frames::BULKS),
    ("goals", goals::STATEMENTS, goals::BULKS),
    ("inbound", inbound::STATEMENTS, inbound::BULKS),
    ("initiatives", initiatives::STATEMENTS, initiatives::BULKS),
    ("instrument", instrument::STATEMENTS, instrument::BULKS),
    ("logos", logos::STATEMENTS, logos::BULKS),
    ("jobs", jobs::STATEMENTS, jobs::BULKS),
    ("lib", crate::STATEMENTS, crate::BULKS),
    ("migrate", migrate::STATEMENTS, migrate::BULKS),
    ("municipalities", municipalities::STATEMENTS, municipalities::BULKS),
    ("neighbours", neighbours::STATEMENTS, neighbours::BULKS),
    ("outbox", outbox::STATEMENTS, outbox::BULKS),
    ("people", people::STATEMENTS, people::BULKS),
    ("publishing", publishing::STATEMENTS, publishing::BULKS),
    ("quality", quality::STATEMENTS, quality::BULKS),
    ("questionnaires", questionnaires::STATEMENTS, questionnaires::BULKS),
    ("readers", readers::STATEMENTS, readers::BULKS),
    ("respondent", respondent::STATEMENTS, respondent::BULKS),
    ("results", results::STATEMENTS, results::BULKS),
    ("retention", retention::STATEMENTS, retention::BULKS),
    ("rounds", rounds::STATEMENTS, rounds::BULKS),
    ("sending", sending::STATEMENTS, sending::BULKS),
    ("single_sign_on", single_sign_on::STATEMENTS, single_sign_on::BULKS),
    ("staff_mail", staff_mail::STATEMENTS, staff_mail::BULKS),
    ("sums", sums::STATEMENTS, sums::BULKS),
];

fn all() -> Vec<(String, &'static str)> {
    let mut all = Vec::new();
    for (subject, statements, bulks) in SUBJECTS {
        all.extend(statements.iter().map(|(name, text)| (format!("{subject}::{name}"), *text)));
        all.extend(
            bulks.iter().flat_map(|(name, bulk)| bulk.texts().map(move |text| (format!("{subject}::{name}"), text))),
        );
    }
    all
}

async fn every_statement_prepares(ground: &Ground) {
    let engine = ground.store.inner.engine;
    let mut statements = all();
    statements.extend(PER_ENGINE.iter().map(|(name, text)| ((*name).to_owned(), text.text(engine))));
    let mut conn = sqlx::AnyConnection::connect(&ground.url).await.unwrap();
    let mut refused = Vec::new();
    for (name, text) in &statements {
        if let Err(error) = (&mut conn).prepare(text.into_sql_str()).await {
            refused.push(format!("{name}: {error}"));
        }
    }
    assert!(refused.is_empty(), "{engine:?} refuses:\n{}", refused.join("\n"));
    assert!(statements.len() > 150, "the list is too short: {}", statements.len());
}

#[test]
fn no_subject_is_missing_from_the_list() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let with_statements: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|f| f.extension().is_some_and(|e| e == "rs"))
        .filter(|f| {
            std::fs::read_to_string(f).unwrap().lines().any(|l| l == "statements! {" || l == "sql::statements! {")
        })
        .map(|f| f.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(with_statements, SUBJECTS.iter().map(|(name, ..)| (*name).to_owned()).collect());
}

#[test]
fn statements_are_lower_case() {
    for (name, text) in all() {
        assert!(text.chars().all(|c| !c.is_uppercase()), "{name}");
    }
}

async fn two_programs_may_start_at_once(ground: &Ground) {
    let options = StoreOptions::default();
    let (a, b) =
        tokio::join!(crate::Store::connect(&ground.url, &options), crate::Store::connect(&ground.url, &options));
    a.unwrap().ping().await.unwrap();
    b.unwrap().ping().await.unwrap();
}

on_both!(every_statement_prepares, two_programs_may_start_at_once);

#[tokio::test]
async fn an_unwritable_folder_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let url = format!("sqlite:{}/pejling.sqlite", file.display());
    let Err(error) = crate::Store::connect(&url, &StoreOptions::default()).await else { panic!("opened") };
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("a-file"), "{error}");
}

#[tokio::test]
async fn an_unreachable_server_is_one_clear_error_without_the_password() {
    // Port 1 is reserved and not listened on.
    let Err(error) =
        crate::Store::connect("postgres://someone:secret@127.0.0.1:1/pejling", &StoreOptions::default()).await
    else {
        panic!("opened")
    };
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1:1") && !error.to_string().contains("secret"), "{error}");
    assert!(error.is_temporary());
}

#[tokio::test]
async fn an_unknown_kind_of_database_is_refused() {
    assert!(matches!(
        crate::Store::connect("mysql://x/y", &StoreOptions::default()).await,
        Err(StoreError::Unreachable { .. })
    ));
}

#[tokio::test]
async fn a_path_with_odd_characters_is_taken_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("årets 100% #1?.sqlite");
    let store = crate::Store::connect(&format!("sqlite:{}", path.display()), &StoreOptions::default()).await.unwrap();
    assert!(path.exists());
    assert_eq!(store.inner.engine, Engine::Sqlite);
    store.close().await;
}

#[tokio::test]
async fn a_temporary_database_goes_away() {
    let store = crate::Store::connect("sqlite::memory:", &StoreOptions::default()).await.unwrap();
    let path = store.inner.temporary.as_ref().unwrap().0.clone();
    assert!(path.exists());
    store.close().await;
    drop(store);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_claim_reads_the_queue_in_order_of_its_index() {
    let ground = Ground::sqlite().await;
    let mut conn = sqlx::AnyConnection::connect(&ground.url).await.unwrap();
    let explain = format!("explain query plan {}", crate::dialect::CLAIM_MAIL.sqlite);
    let rows = sqlx::query(sqlx::AssertSqlSafe(explain))
        .bind("w")
        .bind(1_i64)
        .bind(1_i64)
        .bind(1_i64)
        .fetch_all(&mut conn)
        .await
        .unwrap();
    let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get::<String, _>(row, 3)).collect();
    assert!(plan.iter().any(|step| step.contains("outbox_due")), "{plan:?}");
    assert!(plan.iter().all(|step| !step.contains("TEMP B-TREE FOR ORDER BY")), "{plan:?}");
    ground.leave().await;
}

#[tokio::test]
async fn what_respondents_and_workers_wait_for_scans_no_table() {
    let ground = Ground::sqlite().await;
    let mut conn = sqlx::AnyConnection::connect(&ground.url).await.unwrap();
    for (name, text) in all() {
        if !["respondent::", "outbox::", "rounds::"].iter().any(|subject| name.starts_with(subject)) {
            continue;
        }
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(format!("explain query plan {text}"))).fetch_all(&mut conn).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| sqlx::Row::get::<String, _>(row, 3)).collect();
        let scans = plan
            .iter()
            .filter(|step| step.starts_with("SCAN") && !step.contains("VALUES") && !step.contains("CONSTANT"))
            .count();
        // The next due message is the first entry of the queue's index, which is a scan that stops at once.
        assert!(scans == 0 || name == "outbox::NEXT_DUE", "{name}: {plan:?}");
    }
    ground.leave().await;
}
