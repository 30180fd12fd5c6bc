//! Never lost, never twice: senders that are killed in the middle, again and again, and what arrived in the end.
//!
//! `cargo build --release -p pejling`, then `cargo run --release -p e2e --bin mail_kill -- [ENGINE] [SENDERS] [MESSAGES] [KILLS]
//! [SEED]` (sqlite 1 20000 30 1). ENGINE is `sqlite` or `postgres` (on the server that PEJLING_TEST_POSTGRES names). Each sender is
//! `pejling send --watch` with four connections to a server that counts Message-IDs over real TCP. A moment is drawn for each kill; then one sender, drawn too,
//! gets SIGKILL, and a new one takes its place.
//!
//! It fails unless every message that is not shown as uncertain arrived exactly once, every uncertain one at most once, each kill
//! left at most as many messages in doubt as the sender had connections open, and nothing is stuck.
use std::collections::HashMap;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use e2e::faults::program;
use e2e::house::Engine;
use e2e::mailfield::{Chance, Field, Sink, until};

const CONNECTIONS: usize = 4;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match drive(&words).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mail_kill: {error:#}");
            ExitCode::FAILURE
        }
    }
}

struct Sender {
    name: String,
    child: Child,
}

impl Sender {
    /// `pejling send --watch`, which sends until it is killed.
    fn start(field: &Field, sink: &Sink, number: u32) -> anyhow::Result<Self> {
        let program = program().context("pejling is not built: cargo build -p pejling")?;
        // A name that begins no other's.
        let name = format!("s{number}.");
        let child = Command::new(program)
            .args(["send", "--watch", "--database", &field.url])
            .arg("--data-dir")
            .arg(field.folder())
            .env("PEJLING_SECRET_KEY_FILE", field.folder().join("secret.key"))
            .env("PEJLING_PUBLIC_URL", "https://svar.hojager.example")
            .env("PEJLING_MAIL_TRANSPORT", "smtp")
            .env("PEJLING_MAIL_HOST", "127.0.0.1")
            .env("PEJLING_MAIL_PORT", sink.port.to_string())
            .env("PEJLING_MAIL_TLS", "none")
            .env("PEJLING_MAIL_WORKERS", CONNECTIONS.to_string())
            .env("PEJLING_MAIL_HELLO", &name)
            // So short that what a killed sender held is in play again within the run.
            .env("PEJLING_MAIL_TAKE_OVER_SECONDS", "3")
            .env("PEJLING_MAIL_DOUBT_SECONDS", "4")
            .env("PEJLING_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { name, child })
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // Killed already, or not needed any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn drive(words: &[String]) -> anyhow::Result<()> {
    let number = |at: usize, usual: u64| words.get(at).map_or(Ok(usual), |word| word.parse::<u64>());
    let engine = match words.first().map_or("sqlite", String::as_str) {
        "sqlite" => Engine::Sqlite,
        "postgres" => Engine::Postgres,
        other => anyhow::bail!("{other:?} is no engine: sqlite or postgres"),
    };
    let (senders, messages, kills, seed) = (number(1, 1)?, number(2, 20_000)?, number(3, 30)?, number(4, 1)?);
    let Some(field) = Field::open(engine, u32::try_from(messages)?, 0).await else { return Ok(()) };
    let sink = Sink::start().await;
    let mut chance = Chance(seed);
    // Moments: so many messages have arrived, and a little later.
    let mut moments: Vec<u64> = (0..kills).map(|_| chance.below(messages * 9 / 10)).collect();
    moments.sort_unstable();

    let begin = Instant::now();
    let mut next = 0;
    let mut start = || {
        next += 1;
        Sender::start(&field, &sink, next)
    };
    let mut running = (0..senders.max(1)).map(|_| start()).collect::<anyhow::Result<Vec<_>>>()?;
    let (mut worst, mut in_doubt, mut at_risk, mut faults) = (0, 0, 0, Vec::new());
    for moment in moments {
        if !until(Duration::from_secs(120), async || sink.taken() >= moment).await {
            anyhow::bail!("stuck before message {moment}: {:?}", field.states().await);
        }
        tokio::time::sleep(Duration::from_micros(chance.below(30_000))).await;
        let victim = usize::try_from(chance.below(running.len() as u64))?;
        let open = sink.connections(&running[victim].name);
        running[victim].child.kill()?;
        running[victim].child.wait()?;
        // A server finishes what it was told before the kill.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (_, marked) = field.store.mail_held_by(&running[victim].name).await?;
        if marked > open {
            faults.push(format!("a kill left {marked} messages in doubt with {open} connections open"));
        }
        worst = worst.max(marked);
        in_doubt += marked;
        at_risk += open;
        running[victim] = start()?;
    }
    let is_over = until(Duration::from_secs(180), async || {
        let states = field.states().await;
        ["pending", "claimed", "sending", "deferred"].iter().all(|state| !states.contains_key(state))
    })
    .await;
    let took = begin.elapsed();
    if !is_over {
        faults.push("stuck".to_owned());
    }
    drop(running);

    let states = field.states().await;
    let uncertain: Vec<String> = field.uncertain().await;
    let (mut arrived, mut twice) = (HashMap::new(), 0);
    for (recipient, times) in sink.mails().values() {
        *arrived.entry(recipient.clone()).or_insert(0) += times;
        twice += u64::from(*times > 1);
    }
    if twice > 0 || arrived.values().any(|times| *times > 1) {
        faults.push(format!("{twice} messages arrived more than once"));
    }
    let lost = (0..messages)
        .map(|n| format!("vognmand{n}@firma.example"))
        .filter(|recipient| !arrived.contains_key(recipient) && !uncertain.contains(recipient))
        .count();
    if lost > 0 {
        faults.push(format!("{lost} messages that are not shown as uncertain never arrived"));
    }
    let sent = states.get("sent").copied().unwrap_or_default();
    if sent + uncertain.len() as u64 != messages || uncertain.len() as u64 > in_doubt {
        faults.push(format!(
            "sent {sent} and uncertain {} of {messages}, in doubt at the kills {in_doubt}",
            uncertain.len()
        ));
    }
    let delivered = uncertain.iter().filter(|recipient| arrived.contains_key(*recipient)).count();
    println!(
        "{engine:?}, {senders} sender(s), {messages} messages, {kills} kills, seed {seed}, {:.0} s: {sent} sent, {} uncertain ({delivered} of them had arrived), \
         {} arrived in all; most in doubt after one kill {worst}, connections open at the kills {at_risk}",
        took.as_secs_f64(),
        uncertain.len(),
        sink.taken(),
    );
    if faults.is_empty() { Ok(()) } else { anyhow::bail!("{}", faults.join("; ")) }
}
