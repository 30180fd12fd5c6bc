//! How fast mail goes out, beside Postfix's `smtp-source` to the same `smtp-sink` in the same run.
//!
//! `cargo run --release -p e2e --bin mail_speed -- [MESSAGES] [ROUNDS]` (10,000 messages of 20 KB over 10 connections, 3 rounds; the
//! median counts). Both Postfix programs come with Debian's package `postfix`. Measured in turn, round by round: `smtp-source`; our
//! SMTP client alone; our worker with the durable state of every message, on SQLite and, where PEJLING_TEST_POSTGRES names a
//! server, on PostgreSQL; the same signed with RSA-2048. And how often this disk syncs, which is what durable marks wait for.
//! For each also the processor time that a message costs the sender, and the sink beside it: on a busy machine that says more
//! than a rate. (PostgreSQL's own is not in it.)
//!
//! `… --bin mail_speed -- memory [ROWS]`: the most memory that a sender held while it sent 300,000 messages.
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use domain::time::{Clock, SystemClock};
use e2e::house::Engine;
use e2e::mailfield::{Field, composer, mailer, until};
use mailout::dkim::{Algorithm, SigningKey};
use mailout::smtp::{Client, Delivery, Envelope};
use mailout::worker::Schedule;
use mailout::{Relay, Tls};
use store::{Store, StoreOptions};
use tokio_util::sync::CancellationToken;

const CONNECTIONS: usize = 10;
const SIZE: usize = 20 * 1024;

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: u64| words.get(at).map_or(Ok(usual), |word| word.parse::<u64>());
    match words.first().map(String::as_str) {
        Some("sender") => sender(&words[1..]).await,
        Some("memory") => memory(number(1, 300_000)?).await,
        _ => speed(number(0, 10_000)?, number(1, 3)?).await,
    }
}

/// `smtp-sink` on a port of its own; it ends with the value.
struct PostfixSink {
    port: u16,
    child: Child,
}

impl PostfixSink {
    async fn start() -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        // It runs as root only when it is told whom to become.
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0);
        let child = Command::new(program("smtp-sink"))
            .args(if is_root { ["-u", "nobody"].as_slice() } else { &[] })
            .args([format!("127.0.0.1:{port}"), "200".to_owned()])
            .stdout(Stdio::null())
            .spawn()
            .context("smtp-sink is not installed (Debian: postfix)")?;
        let sink = Self { port, child };
        let listens =
            until(Duration::from_secs(10), async || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        if !listens.await {
            bail!("smtp-sink does not listen");
        }
        Ok(sink)
    }
}

impl Drop for PostfixSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program(name: &str) -> PathBuf {
    let known = Path::new("/usr/sbin").join(name);
    if known.exists() { known } else { PathBuf::from(name) }
}

fn smtp_source(port: u16, messages: u64, size: usize) -> Result<f64> {
    let begin = Instant::now();
    let status = Command::new(program("smtp-source"))
        .args(["-d", "-s", &CONNECTIONS.to_string(), "-l", &size.to_string(), "-m", &messages.to_string()])
        .args(["-f", "a@hojager.example", "-t", "b@firma.example", &format!("127.0.0.1:{port}")])
        .status()
        .context("smtp-source is not installed (Debian: postfix)")?;
    if !status.success() {
        bail!("smtp-source failed");
    }
    Ok(rate(messages, begin))
}

fn rate(messages: u64, begin: Instant) -> f64 {
    messages as f64 / begin.elapsed().as_secs_f64()
}

/// Our client: as many connections, and nothing but the conversation.
async fn client(port: u16, messages: u64, body: Arc<Vec<u8>>) -> Result<f64> {
    let relay = Relay { recycle_after: u32::MAX, ..Relay::new("127.0.0.1", port, Tls::None) };
    let client = Arc::new(Client::new(relay)?);
    let left = Arc::new(AtomicU64::new(messages));
    let begin = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let (client, left, body) = (Arc::clone(&client), Arc::clone(&left), Arc::clone(&body));
        tasks.push(tokio::spawn(async move {
            let envelope = Envelope::new("a@hojager.example", "b@firma.example")?;
            let mut connection = client.connect().await?;
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
                let delivery = connection.send(&envelope, &body).await;
                if !matches!(delivery, Delivery::Sent(_)) {
                    bail!("not sent: {delivery:?}");
                }
            }
            connection.quit().await;
            Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(rate(messages, begin))
}

/// Our worker: outbox, rendering, checks, durable marks, answers.
async fn worker(field: &Field, port: u16, messages: u64, key: Option<&Path>) -> Result<f64> {
    let mailer = mailer(field.store.clone(), port, CONNECTIONS, "speed", Schedule::default(), key)?;
    let begin = Instant::now();
    let tally = mailer.run_once(&CancellationToken::new()).await?;
    if tally.sent != messages {
        bail!("{tally:?} of {messages}");
    }
    Ok(rate(messages, begin))
}

/// A message of about `SIZE` bytes as the worker writes it, and the padding that makes it so.
async fn message() -> Result<(Vec<u8>, usize)> {
    let composed = async |padding: usize| -> Result<Vec<u8>> {
        let field = Field::open(Engine::Sqlite, 1, padding).await.context("SQLite is always there")?;
        let now = SystemClock.now();
        let mail = field.store.claim_mail("speed", 1, now.plus_seconds(60), now).await?.remove(0);
        Ok(composer(None)?.compose(&mail, (4, 6), now)?.bytes)
    };
    let (small, large) = (composed(0).await?.len(), composed(8000).await?.len());
    let padding = SIZE.saturating_sub(small) * 8000 / (large - small).max(1);
    println!("An invitation has {small} bytes as it is; here its postal address is {padding} letters long.");
    Ok((composed(padding).await?, padding))
}

/// How often a second this disk takes a page for good.
fn syncs() -> Result<f64> {
    use std::io::{Seek, SeekFrom, Write};
    let mut file = tempfile::tempfile()?;
    file.write_all(&vec![0; 1 << 20])?;
    file.sync_all()?;
    let begin = Instant::now();
    for page in 0..200 {
        file.seek(SeekFrom::Start(page * 4096))?;
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
    }
    Ok(rate(200, begin))
}

/// Processor time that a process and the children it has waited for have used, in microseconds.
fn used(process: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // After the name in brackets, from field 3; 14 to 17 are the times, in hundredths of a second.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let ticks: u64 = fields.split_whitespace().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks * 10_000
}

/// A rate, and the microseconds of processor time per message of sender and sink.
#[derive(Clone, Copy)]
struct Run {
    rate: f64,
    sender: f64,
    sink: f64,
}

async fn measured(
    messages: u64,
    sink: &PostfixSink,
    work: impl Future<Output = Result<Option<f64>>>,
) -> Result<Option<Run>> {
    let sink = sink.child.id().to_string();
    let before = (used("self"), used(&sink));
    let Some(rate) = work.await? else { return Ok(None) };
    let each = |now: u64, before: u64| (now - before) as f64 / messages as f64;
    Ok(Some(Run { rate, sender: each(used("self"), before.0), sink: each(used(&sink), before.1) }))
}

async fn speed(messages: u64, rounds: u64) -> Result<()> {
    let (bytes, padding) = message().await?;
    let size = bytes.len();
    let bytes = Arc::new(bytes);
    let folder = tempfile::tempdir()?;
    let key = folder.path().join("dkim.pem");
    std::fs::write(&key, SigningKey::generate(Algorithm::Rsa)?)?;
    let sink = PostfixSink::start().await?;
    let names =
        ["smtp-source", "client alone", "worker, SQLite", "worker, PostgreSQL", "signed, SQLite", "signed, PostgreSQL"];
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); names.len()];
    let mut synced = Vec::new();
    for round in 1..=rounds {
        synced.push(syncs()?);
        let port = sink.port;
        let peer = async { Ok(Some(smtp_source(port, messages, size)?)) };
        runs[0].extend(measured(messages, &sink, peer).await?);
        let alone = async { Ok(Some(client(port, messages, Arc::clone(&bytes)).await?)) };
        runs[1].extend(measured(messages, &sink, alone).await?);
        for (at, engine, key) in [
            (2, Engine::Sqlite, None),
            (3, Engine::Postgres, None),
            (4, Engine::Sqlite, Some(key.as_path())),
            (5, Engine::Postgres, Some(key.as_path())),
        ] {
            let Some(field) = Field::open(engine, u32::try_from(messages)?, padding).await else { continue };
            let work = async { Ok(Some(worker(&field, port, messages, key).await?)) };
            runs[at].extend(measured(messages, &sink, work).await?);
        }
        let all: Vec<String> =
            runs.iter().map(|r| r.last().map_or("–".to_owned(), |r| format!("{:.0}", r.rate))).collect();
        println!("round {round}: {} messages/s", all.join(" · "));
    }
    let median = |mut values: Vec<f64>| -> f64 {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or_default()
    };
    let of = |runs: &[Run], what: fn(&Run) -> f64| median(runs.iter().map(what).collect());
    let peer = of(&runs[0], |run| run.rate);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?");
    println!(
        "\n{messages} messages of {size} bytes, {CONNECTIONS} connections, median of {rounds} rounds; load at the end {load}"
    );
    println!("{:<20} {:>9} {:>8} {:>14} {:>12}", "", "rate", "of peer", "sender µs/mail", "sink µs/mail");
    for (name, runs) in names.into_iter().zip(runs).filter(|(_, runs)| !runs.is_empty()) {
        let rate = of(&runs, |run| run.rate);
        println!(
            "{name:<20} {rate:>7.0}/s {:>6.0} % {:>14.0} {:>12.0}",
            100.0 * rate / peer,
            of(&runs, |run| run.sender),
            of(&runs, |run| run.sink)
        );
    }
    let synced = median(synced);
    println!(
        "this disk syncs      {:>7.0}/s, so {CONNECTIONS} connections with a durable mark each are below {:.0}/s",
        synced,
        synced * CONNECTIONS as f64
    );
    Ok(())
}

/// A process of its own that sends everything and says how much memory that took.
async fn sender(words: &[String]) -> Result<()> {
    let [url, port] = words else { bail!("sender URL PORT") };
    let store = Store::connect(url, &StoreOptions::default()).await?;
    let begin = Instant::now();
    let tally = mailer(store, port.parse()?, CONNECTIONS, "memory", Schedule::default(), None)?
        .run_once(&CancellationToken::new())
        .await?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: not known here");
    println!(
        "{} sent, {:.0}/s, {}",
        tally.sent,
        rate(tally.sent, begin),
        peak.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    Ok(())
}

async fn memory(rows: u64) -> Result<()> {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(field) = Field::open(engine, u32::try_from(rows)?, 0).await else { continue };
        let sink = PostfixSink::start().await?;
        print!("{engine:?}, {rows} rows: ");
        let status =
            Command::new(std::env::current_exe()?).args(["sender", &field.url, &sink.port.to_string()]).status()?;
        if !status.success() {
            bail!("the sender failed");
        }
    }
    Ok(())
}
