//! Faults on the real program: what was acknowledged is there after a kill, and whatever fails, the page says so, nothing typed is lost
//! and nothing of it stands in the log.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use domain::secrets::SecretKey;
use domain::time::SystemClock;
use e2e::crowd::{self, Crowd};
use e2e::faults::{kill, program, start};
use e2e::visitor::Visitor;
use pejling::wiring::Parts;
use reqwest::StatusCode;
use store::{Store, StoreOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What nobody but the database may ever hold.
const TYPED: &str = "Hemmelighed om byggesagen på Havnevej";

macro_rules! built {
    () => {
        match program() {
            Some(program) => program,
            None => {
                println!("skipped: the program is not built beside the tests (cargo build --bin pejling)");
                return;
            }
        }
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_answer_survives_a_kill() {
    let program = built!();
    let tally = kill(&program, 3, None).await;
    assert!(tally.pages >= 30 && tally.values > 50, "too little happened: {tally:?}");
    assert_eq!((tally.lost, tally.twice), (0, 0), "{tally:?}");
}

/// A round with one business, whose first page of questions is open; the key lies in the folder.
async fn round(folder: &Path, url: &str) -> (Crowd, SecretKey) {
    let key = SecretKey::generate();
    std::fs::write(folder.join("secret.key"), key.to_hex()).unwrap();
    let store = Store::connect(url, &StoreOptions::default()).await.unwrap();
    let parts = Parts { store, keys: key.keys(), clock: std::sync::Arc::new(SystemClock) };
    let crowd = crowd::open(&parts, 1).await;
    parts.store.close().await;
    (crowd, key)
}

async fn first_questions(base: &str, token: &str) -> Visitor {
    let mut visitor = Visitor::new();
    visitor.get(&format!("{base}/s/{token}")).await;
    let begin = visitor.forms().remove(0);
    visitor.send(&begin).await;
    assert!(visitor.url.path().ends_with("/overall"), "{}", visitor.url);
    visitor
}

/// Sends the page in vain: it comes back with everything on it.
async fn in_vain(visitor: &mut Visitor) {
    let form = visitor.form("/overall").with("overall", "2").with("overall_why", TYPED).with("go", "next");
    visitor.send(&form).await;
    assert_eq!(visitor.status, StatusCode::SERVICE_UNAVAILABLE, "{}", visitor.text());
    visitor.assert_text("Intet er gået tabt");
    let again = visitor.form("/overall");
    assert_eq!((again.value("overall"), again.value("overall_why"), again.value("go")), ("2", TYPED, "next"));
}

/// Connections that a server closed while it went away fail once each.
const CONNECTIONS: usize = 10;

/// The button of that page, once it works again.
async fn again(visitor: &mut Visitor) {
    for _ in 0..=CONNECTIONS {
        let form = visitor.form("/overall");
        visitor.send(&form).await;
        if visitor.status == StatusCode::OK {
            break;
        }
    }
    assert_eq!(visitor.status, StatusCode::OK, "{}", visitor.text());
    assert!(visitor.url.path().ends_with("/contact"), "{}", visitor.url);
}

async fn kept(url: &str, key: &SecretKey, crowd: &Crowd) -> Option<String> {
    let store = Store::connect(url, &StoreOptions::default()).await.unwrap();
    let lookup = key.keys().lookup(&crowd.invited[0].1);
    let response = store.invitation_by_lookup(&lookup).await.unwrap().unwrap().response.unwrap();
    store.close().await;
    response.answers.get("overall_why").map(str::to_owned)
}

fn nothing_leaked(log: &Path, token: &str) {
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("Request failed"), "the fault itself is noted: {log}");
    for secret in [token, "Hemmelighed", "byggesagen"] {
        assert!(!log.contains(secret), "the log holds {secret:?}:\n{log}");
    }
}

/// A file system of a few megabytes of its own; `None` where this user may not have one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let done = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|status| status.success()).then(|| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_that_was_typed() {
    let program = built!();
    let Some(disk) = SmallDisk::new() else {
        println!("skipped: this user may not mount a small file system");
        return;
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", disk.0.path().join("pejling.sqlite").display());
    let (crowd, key) = round(disk.0.path(), &url).await;
    let log = elsewhere.path().join("log");
    let (_child, base) = start(&program, disk.0.path(), &url, std::fs::File::create(&log).unwrap(), &[]).await;
    let token = crowd.invited[0].1.clone();
    let mut visitor = first_questions(&base, &token).await;
    // Whatever is free goes; the write that fails for want of room is the filling's end.
    let filling = disk.0.path().join("filling");
    let mut file = std::fs::File::create(&filling).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    in_vain(&mut visitor).await;
    let mut reader = Visitor::new();
    reader.get(&format!("{base}/s/{token}/overall")).await;
    assert_eq!(reader.status, StatusCode::OK, "reading needs no room");
    // A file that is still open keeps its room.
    drop(file);
    std::fs::remove_file(&filling).unwrap();
    again(&mut visitor).await;
    assert_eq!(kept(&url, &key, &crowd).await.as_deref(), Some(TYPED));
    nothing_leaked(&log, &token);
}

/// A PostgreSQL server of this test's own, that may be stopped.
struct Server {
    bin: String,
    data: String,
    options: String,
    url: String,
    _folder: tempfile::TempDir,
}

impl Server {
    fn new() -> Option<Self> {
        let newest = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok).map(|e| e.path()).max()?;
        let bin = newest.join("bin").display().to_string();
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let user = std::process::Command::new("id").arg("-u").output().ok()?;
        if user.stdout.starts_with(b"0\n") {
            std::process::Command::new("chown").args(["postgres", &place]).status().ok()?;
        }
        let options =
            format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={place} -c fsync=off");
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let server = Self { data: format!("{place}/data"), bin, options, url, _folder: folder };
        server.run("initdb", "-U postgres -A trust -E UTF8 --locale=C.UTF-8").then_some(())?;
        server.go("start").then_some(server)
    }

    /// Runs one of PostgreSQL's programs on the data; as the package's user where this one is root.
    fn run(&self, program: &str, arguments: &str) -> bool {
        let command = format!("{}/{program} -D {} {arguments} >/dev/null 2>&1", self.bin, self.data);
        let root = std::process::Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"));
        let mut shell = std::process::Command::new(if root { "su" } else { "sh" });
        if root {
            shell.args(["postgres", "-s", "/bin/sh"]);
        }
        shell.args(["-c", &command]).status().is_ok_and(|status| status.success())
    }

    fn go(&self, what: &str) -> bool {
        let how = if what == "start" { format!("-o '{}'", self.options) } else { "-m immediate".to_owned() };
        self.run("pg_ctl", &format!("{how} -l {}.log -w {what}", self.data))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.go("stop");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_and_comes_back_loses_nothing_that_was_typed() {
    let program = built!();
    let Some(server) = Server::new() else {
        println!("skipped: no PostgreSQL server can be started here");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (crowd, key) = round(folder.path(), &server.url).await;
    let log = folder.path().join("log");
    let (_child, base) = start(&program, folder.path(), &server.url, std::fs::File::create(&log).unwrap(), &[]).await;
    let token = crowd.invited[0].1.clone();
    let mut visitor = first_questions(&base, &token).await;
    assert!(server.go("stop"));
    in_vain(&mut visitor).await;
    let mut reader = Visitor::new();
    reader.get(&format!("{base}/s/{token}")).await;
    assert_eq!(reader.status, StatusCode::SERVICE_UNAVAILABLE);
    reader.assert_text("Vi er straks tilbage");
    assert!(server.go("start"));
    again(&mut visitor).await;
    assert_eq!(kept(&server.url, &key, &crowd).await.as_deref(), Some(TYPED));
    nothing_leaked(&log, &token);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_is_given_up_and_others_are_served_meanwhile() {
    let program = built!();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("pejling.sqlite").display());
    let (crowd, _) = round(folder.path(), &url).await;
    let (_child, base) = start(&program, folder.path(), &url, Stdio::null(), &[]).await;
    let token = &crowd.invited[0].1;
    let host = base.strip_prefix("http://").unwrap();
    // Two hundred that say half a request and then nothing, one that promises a form and sends a byte of it.
    let mut idle = Vec::new();
    for _ in 0..200 {
        let mut wire = TcpStream::connect(host).await.unwrap();
        wire.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
        idle.push(wire);
    }
    let mut slow = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /s/{token}/overall HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: same-origin\r\nAccept-Language: en\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\no"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut visitor = first_questions(&base, token).await;
    let form = visitor.form("/overall").with("overall", "4").with("go", "next");
    visitor.send(&form).await;
    assert!(visitor.url.path().ends_with("/contact"), "others are served meanwhile");
    // The server's own time limits end both; the test only waits for what it does.
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(90), slow.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("Sending took too long"), "{answer}");
    for mut wire in idle {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(90), wire.read_to_end(&mut rest)).await.unwrap();
        assert!(read.is_err() || !rest.starts_with(b"HTTP/1.1 200"), "closed without an answer");
    }
}
