//! Never lost, never twice: senders that are killed in the middle, again and again, and what arrived in the end.
//!
//! `cargo run --release -p e2e --bin mail_kill -- [ENGINE] [SENDERS] [MESSAGES] [KILLS] [SEED]` (sqlite 1 20000 30 1). ENGINE is
//! `sqlite` or `postgres` (on the server that PEJLING_TEST_POSTGRES names). Each sender is a process of its own with four
//! connections to a server that counts Message-IDs over real TCP. A moment is drawn for each kill; then one sender, drawn too,
//! gets SIGKILL, and a new one takes its place.
//!
//! It fails unless every message that is not shown as uncertain arrived exactly once, every uncertain one at most once, each kill
//! left at most as many messages in doubt as the sender had connections open, and nothing is stuck.
use std::collections::HashMap;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use e2e::house::Engine;
use e2e::mailfield::{Chance, Field, Sink, mailer, until};
use mailout::worker::Schedule;
use store::{Store, StoreOptions};
use tokio_util::sync::CancellationToken;

const CONNECTIONS: usize = 4;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let result = if words.first().is_some_and(|word| word == "sender") {
        sender(&words[1..]).await
    } else {
        drive(&words).await
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mail_kill: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// A process that sends until it is killed.
async fn sender(words: &[String]) -> anyhow::Result<()> {
    let [url, port, name] = words else { anyhow::bail!("sender URL PORT NAME") };
    let store = Store::connect(url, &StoreOptions::default()).await?;
    // Leases so short that what a killed sender held is in play again within the run.
    let schedule = Schedule {
        claim: Duration::from_secs(3),
        lease: Duration::from_secs(4),
        poll: Duration::from_millis(200),
        ..Schedule::default()
    };
    mailer(store, port.parse()?, CONNECTIONS, name, schedule, None)?.run(&CancellationToken::new()).await?;
    Ok(())
}

struct Sender {
    name: String,
    child: Child,
}

impl Sender {
    fn start(field: &Field, sink: &Sink, number: u32) -> anyhow::Result<Self> {
        // A name that begins no other's.
        let name = format!("s{number}.");
        let child = Command::new(std::env::current_exe()?)
            .args(["sender", &field.url, &sink.port.to_string(), &name])
            .stdin(Stdio::null())
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
