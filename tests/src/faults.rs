//! Answers survive a killed program: what was acknowledged is there, and nothing is there twice.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::questionnaire::option_key;
use domain::secrets::SecretKey;
use domain::time::SystemClock;
use pejling::wiring::Parts;
use store::{Store, StoreOptions};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use crate::crowd::{self, Sent, Walk};

/// Businesses answering at the same time.
const AT_ONCE: usize = 16;
/// Businesses per kill: more than a server of this machine gets through before it is killed.
const PER_KILL: u32 = 40;

/// What came out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Kills.
    pub kills: usize,
    /// Pages that were acknowledged.
    pub pages: usize,
    /// Whole answers that were acknowledged.
    pub answers: usize,
    /// Acknowledged values that were compared with what is stored.
    pub values: usize,
    /// Acknowledged values that are not there. Wanted: 0.
    pub lost: usize,
    /// Businesses with more than one response. Wanted: 0.
    pub twice: usize,
}

/// The program beside this test or program; `None` when it was not built.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let here = std::env::current_exe().ok()?;
    let folders = here.ancestors().skip(1).take(2);
    folders.map(|folder| folder.join("pejling")).find(|path| path.is_file())
}

/// Kills the program so many times while businesses answer, and looks afterwards what is there; on SQLite, or on a database of its own on
/// this PostgreSQL server.
///
/// # Panics
/// When the program does not start, or the database cannot be read.
pub async fn kill(program: &Path, kills: usize, postgres: Option<&str>) -> Tally {
    let folder = tempfile::tempdir().expect("a folder");
    let url = match postgres {
        Some(server) => crate::house::new_database(server).await,
        None => format!("sqlite:{}", folder.path().join("pejling.sqlite").display()),
    };
    let key = SecretKey::generate();
    std::fs::write(folder.path().join("secret.key"), key.to_hex()).expect("the key is written");
    let store = Store::connect(&url, &StoreOptions::default()).await.expect("the database opens");
    let parts = Parts { store, keys: key.keys(), clock: Arc::new(SystemClock) };
    let crowd = crowd::open(&parts, u32::try_from(kills).unwrap_or(1) * PER_KILL).await;
    parts.store.close().await;
    drop(parts);
    let tokens: Arc<Vec<String>> = Arc::new(crowd.invited.iter().map(|(_, token)| token.clone()).collect());
    let walks: Arc<Mutex<BTreeMap<String, Vec<Walk>>>> = Arc::default();
    let mut tally = Tally { kills, ..Tally::default() };
    for kill in 0..kills {
        let (mut child, base) = start(program, folder.path(), &url, Stdio::null(), &[]).await;
        // Every business of this turn, and those that an earlier kill cut off half-way.
        let from = kill * PER_KILL as usize;
        let turn: Vec<String> = {
            let done = walks.lock().expect("no respondent panics");
            let cut = |token: &&String| done.get(*token).is_some_and(|all| all.iter().all(|w| !w.finished));
            tokens[..from].iter().filter(cut).chain(&tokens[from..from + PER_KILL as usize]).cloned().collect()
        };
        let acknowledged = Arc::new(Semaphore::new(0));
        let (turn, next) = (Arc::new(turn), Arc::new(AtomicUsize::new(0)));
        let client = crowd::client();
        let mut respondents = Vec::new();
        for _ in 0..AT_ONCE {
            let (client, base, turn, next, walks, acknowledged) = (
                client.clone(),
                base.clone(),
                Arc::clone(&turn),
                Arc::clone(&next),
                Arc::clone(&walks),
                Arc::clone(&acknowledged),
            );
            respondents.push(tokio::spawn(async move {
                while let Some(token) = turn.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let walk = crowd::walk_counting(&client, &base, token, &acknowledged).await;
                    walks.lock().expect("no respondent panics").entry(token.clone()).or_default().push(walk);
                }
            }));
        }
        // Another moment each time: after 10, 27, 44, … acknowledged pages.
        let wanted = 10 + (kill * 17) % 180;
        let enough = acknowledged.acquire_many(u32::try_from(wanted).unwrap_or(10));
        // Fewer, when everybody of this turn is through.
        let _ = tokio::time::timeout(Duration::from_secs(30), enough).await;
        child.start_kill().expect("it can be killed");
        child.wait().await.expect("it ends");
        for respondent in respondents {
            respondent.await.expect("no respondent panics");
        }
    }
    let walks = std::mem::take(&mut *walks.lock().expect("no respondent panics"));
    look(&url, &key, &crowd, &walks, &mut tally).await;
    tally
}

/// Starts the program on a database, with the key in the folder; its log goes to `log`. The address it says.
///
/// # Panics
/// When it does not listen within a minute.
pub async fn start(
    program: &Path,
    folder: &Path,
    url: &str,
    log: impl Into<Stdio>,
    environment: &[(&str, &str)],
) -> (Child, String) {
    let mut child = Command::new(program)
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder)
        .args(["--database", url])
        .env("PEJLING_SECRET_KEY_FILE", folder.join("secret.key"))
        .env("PEJLING_LOG", "error")
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .expect("the program starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its words are ours")).lines();
    let address = async {
        while let Some(line) = lines.next_line().await.expect("it says something") {
            if let Some((_, address)) = line.split_once("listens on ") {
                return address.trim().to_owned();
            }
        }
        panic!("the program ended before it listened")
    };
    let address = tokio::time::timeout(Duration::from_secs(60), address).await.expect("it listens within a minute");
    (child, address)
}

/// Compares what was acknowledged with what is stored.
async fn look(
    url: &str,
    key: &SecretKey,
    crowd: &crowd::Crowd,
    walks: &BTreeMap<String, Vec<Walk>>,
    tally: &mut Tally,
) {
    let store = Store::connect(url, &StoreOptions::default()).await.expect("the database opens after all that");
    let keys = key.keys();
    for (token, walks) in walks {
        let who = store.invitation_by_lookup(&keys.lookup(token)).await.expect("readable").expect("invited");
        let sent: Vec<&Sent> = walks.iter().flat_map(|walk| &walk.sent).collect();
        tally.pages += sent.len();
        if sent.is_empty() {
            continue;
        }
        let Some(response) = &who.response else {
            tally.lost += 1;
            continue;
        };
        if walks.iter().any(|walk| walk.finished) {
            tally.answers += 1;
            tally.lost += usize::from(response.submitted_at.is_none());
        }
        // The fields whose keys are answer keys: radio buttons and texts. The same is answered each time.
        for (name, value) in sent.iter().flat_map(|s| &s.fields) {
            if matches!(name.as_str(), "revision" | "shown" | "go" | "attempt") || value.is_empty() {
                continue;
            }
            if let Some(stored) = response.answers.get(name) {
                tally.values += 1;
                tally.lost += usize::from(stored != value);
            } else {
                tally.values += 1;
                tally.lost += usize::from(response.answers.get(&option_key(name, value)).is_none());
            }
        }
    }
    let year = store.round(&crowd.municipality, &crowd.round).await.expect("the round is there").year;
    let responses = store.analysis_responses(&crowd.municipality, &[year]).await.expect("readable");
    let mut panels: Vec<&str> = responses.iter().map(|r| r.panel.as_str()).collect();
    panels.sort_unstable();
    let all = panels.len();
    panels.dedup();
    tally.twice = all - panels.len();
    store.close().await;
}
