//! A sender that wakes: the same database goes on, a copy or one brought back from a backup waits for a person.
use std::path::Path;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor};

use super::Ground;
use super::material::{NOW, open_round, units};
use crate::sending::{PAUSE_OUTAGE, PAUSE_RESTORED, Waking};
use crate::{Store, StoreOptions};

const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: i64 = 3600;

async fn open(file: &Path) -> Store {
    let options = StoreOptions { durable: false, ..StoreOptions::default() };
    Store::connect(&format!("sqlite:{}", file.display()), &options).await.unwrap()
}

/// A database in which messages wait and a sender was alive until `NOW` + 10 minutes.
async fn with_waiting_mail(file: &Path) {
    let store = open(file).await;
    open_round(&store, &units(3)).await;
    assert_eq!(store.wake_mail(DAY, NOW).await.unwrap(), Waking::Usual);
    store.beat_mail(NOW.plus_seconds(600)).await.unwrap();
    store.close().await;
}

async fn wakes(file: &Path, seconds: i64) -> Waking {
    let store = open(file).await;
    let waking = store.wake_mail(DAY, NOW.plus_seconds(seconds)).await.unwrap();
    assert_eq!(store.mail_switch().await.unwrap().paused_at.is_some(), waking != Waking::Usual);
    store.close().await;
    waking
}

fn marker(file: &Path) -> std::path::PathBuf {
    crate::sending::marker_beside(file)
}

#[tokio::test]
async fn the_same_place_goes_on_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.sqlite");
    with_waiting_mail(&file).await;
    assert_eq!(wakes(&file, HOUR).await, Waking::Usual);
    // Killed before the marker was written again: the file knows a later hour than the marker, never the other way.
    let before = std::fs::read(marker(&file)).unwrap();
    let store = open(&file).await;
    store.beat_mail(NOW.plus_seconds(2 * HOUR)).await.unwrap();
    store.close().await;
    std::fs::write(marker(&file), before).unwrap();
    assert_eq!(wakes(&file, 3 * HOUR).await, Waking::Usual);
}

#[tokio::test]
async fn a_copy_at_another_place_waits_until_a_person_has_looked() {
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("a.sqlite"), folder.path().join("b.sqlite"));
    with_waiting_mail(&file).await;
    std::fs::copy(&file, &copy).unwrap();
    assert_eq!(wakes(&copy, HOUR).await, Waking::Paused(PAUSE_RESTORED));
    let store = open(&copy).await;
    assert!(store.claim_mail("w", 10, NOW.plus_days(1), NOW.plus_seconds(HOUR)).await.unwrap().is_empty());
    assert!(store.resume_all_mail(NOW.plus_seconds(HOUR)).await.unwrap());
    assert_eq!(store.claim_mail("w", 10, NOW.plus_days(1), NOW.plus_seconds(HOUR)).await.unwrap().len(), 3);
    store.close().await;
    assert_eq!(wakes(&copy, 2 * HOUR).await, Waking::Usual, "it is a database of its own now");
    assert_eq!(wakes(&file, 2 * HOUR).await, Waking::Usual, "and the first one is what it was");
}

#[tokio::test]
async fn a_backup_put_back_at_the_same_place_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (file, backup) = (folder.path().join("a.sqlite"), folder.path().join("backup"));
    with_waiting_mail(&file).await;
    std::fs::copy(&file, &backup).unwrap();
    let store = open(&file).await;
    store.beat_mail(NOW.plus_seconds(5 * HOUR)).await.unwrap();
    store.close().await;
    for part in ["a.sqlite-wal", "a.sqlite-shm"] {
        let _ = std::fs::remove_file(folder.path().join(part));
    }
    std::fs::copy(&backup, &file).unwrap();
    assert_eq!(wakes(&file, 6 * HOUR).await, Waking::Paused(PAUSE_RESTORED));
}

#[tokio::test]
async fn moved_on_purpose_with_its_marker_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (file, moved) = (folder.path().join("a.sqlite"), folder.path().join("elsewhere.sqlite"));
    with_waiting_mail(&file).await;
    std::fs::rename(marker(&file), marker(&moved)).unwrap();
    std::fs::rename(&file, &moved).unwrap();
    assert_eq!(wakes(&moved, HOUR).await, Waking::Usual);
}

#[tokio::test]
async fn a_copy_without_waiting_mail_and_a_long_silence_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (file, copy) = (folder.path().join("a.sqlite"), folder.path().join("b.sqlite"));
    let store = open(&file).await;
    assert_eq!(store.wake_mail(DAY, NOW).await.unwrap(), Waking::Usual);
    store.close().await;
    std::fs::copy(&file, &copy).unwrap();
    assert_eq!(wakes(&copy, HOUR).await, Waking::Usual, "nothing waits in it");
    let late = folder.path().join("c.sqlite");
    with_waiting_mail(&late).await;
    assert_eq!(wakes(&late, 30 * HOUR).await, Waking::Paused(PAUSE_OUTAGE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_dump_on_postgres_waits_and_the_same_database_goes_on() {
    let Some(ground) = Ground::postgres().await else { return };
    open_round(&ground.store, &units(3)).await;
    assert_eq!(ground.store.wake_mail(DAY, NOW).await.unwrap(), Waking::Usual);
    ground.store.beat_mail(NOW.plus_seconds(600)).await.unwrap();
    assert_eq!(ground.store.wake_mail(DAY, NOW.plus_seconds(HOUR)).await.unwrap(), Waking::Usual);
    ground.store.close().await;
    // The same rows under another database, as `pg_restore` leaves them.
    let (base, name) = ground.url.rsplit_once('/').unwrap();
    let server = std::env::var("PEJLING_TEST_POSTGRES").unwrap();
    let mut admin = sqlx::AnyConnection::connect(&server).await.unwrap();
    (&mut admin).execute(AssertSqlSafe(format!("create database {name}_back template {name}"))).await.unwrap();
    let back = Store::connect(&format!("{base}/{name}_back"), &StoreOptions::default()).await.unwrap();
    let woken = back.wake_mail(DAY, NOW.plus_seconds(2 * HOUR)).await.unwrap();
    back.close().await;
    (&mut admin).execute(AssertSqlSafe(format!("drop database {name}_back with (force)"))).await.unwrap();
    admin.close().await.unwrap();
    assert_eq!(woken, Waking::Paused(PAUSE_RESTORED));
    ground.leave().await;
}
