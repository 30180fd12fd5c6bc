//! The mail worker at work: kept alive by `serve`, and alone as `pejling send`, with its progress.
use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Result, bail};
use domain::language::Language;
use indicatif::{ProgressBar, ProgressStyle};
use mailout::{Mailer, Tally};
use store::Store;
use text::Messages;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::config::Config;
use crate::outgoing::Outgoing;
use crate::serve::{mailer, stop_signal};
use crate::wiring::Parts;

/// How often progress is looked at, on a terminal and elsewhere.
const GLANCE: Duration = Duration::from_secs(2);
const LINE: Duration = Duration::from_secs(10);
/// A mail worker that ended is started again after this, and after twice as long each time up to five minutes.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// Runs the mail worker until `stop`; when it ends by itself or dies, it is started again after a while.
pub async fn kept_running(mailer: Mailer, stop: CancellationToken) {
    let mut wait = FIRST_WAIT;
    loop {
        let begin = Instant::now();
        let running = tokio::spawn({
            let (mailer, stop) = (mailer.clone(), stop.clone());
            async move { mailer.run(&stop).await }
        });
        match running.await {
            Ok(Ok(_)) if stop.is_cancelled() => {
                info!("Mail worker stopped: {}", account(&mailer.tally()));
                return;
            }
            Ok(Ok(_)) => error!("The mail worker ended by itself"),
            Ok(Err(cause)) => error!("The mail worker ended: {cause}"),
            // The panic has logged its place.
            Err(_) => error!("The mail worker died"),
        }
        if begin.elapsed() > LONGEST_WAIT {
            wait = FIRST_WAIT;
        }
        info!("The mail worker starts again in {} s", wait.as_secs());
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// `pejling send`: the mail worker alone.
///
/// # Errors
/// When the relay or database cannot be used, and when mail is paused: with the reason.
pub async fn send(config: &Config, watch: bool) -> Result<()> {
    let parts = Parts::open(config).await?;
    let mailer = mailer(&parts, &config.public_url(), Outgoing::of(&config.mail, &config.data_dir)?)?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        stop_signal().await;
        stopping.cancel();
    });
    let done = CancellationToken::new();
    let progress = tokio::spawn(show(mailer.clone(), parts.store.clone(), watch, done.clone()));
    let sent = if watch { mailer.run(&stop).await } else { mailer.run_once(&stop).await };
    done.cancel();
    // What it showed is over; should it have failed, sending has not.
    let _ = progress.await;
    println!("{}", account(&sent?));
    match what_holds(&parts.store, &Messages::load()?).await? {
        Some(reason) => bail!("{reason}"),
        None => Ok(()),
    }
}

/// The reason of a pause in English, as the command line speaks: a known one with the words that belong to it, or a person's own.
pub(crate) fn pause_in_words(messages: &Messages, key: Option<&str>, words: &str) -> String {
    let said = key.and_then(|key| messages.try_t(Language::En, key, &[("words", words.into())]).ok());
    match said {
        Some(said) if words.is_empty() || said.contains(words) => said,
        Some(said) => format!("{said} {words}"),
        None => words.to_owned(),
    }
}

/// Why mail is paused, if it is, in English as the command line speaks.
async fn what_holds(store: &Store, messages: &Messages) -> Result<Option<String>> {
    for municipality in store.municipalities().await? {
        // What holds all mail comes first.
        if let Some(held) = store.held_mail(&municipality.id).await?.into_iter().next() {
            let reason = pause_in_words(messages, held.key.as_deref(), &held.words);
            return Ok(Some(match held.round {
                None => format!("{reason} (pejling mail resume)"),
                Some((_, title)) => format!("the mail of {title} ({}) is paused: {reason}", municipality.name),
            }));
        }
    }
    Ok(None)
}

/// Shows how far sending has come: a bar on a terminal, a line now and then elsewhere, nothing while nothing happens.
async fn show(mailer: Mailer, store: Store, watch: bool, done: CancellationToken) {
    let terminal = std::io::stderr().is_terminal();
    let bar = if terminal { ProgressBar::new(0) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len} · {msg}") {
        bar.set_style(style);
    }
    let begin = Instant::now();
    let (mut rate, mut before, mut at) = (0.0, Tally::default(), begin);
    loop {
        tokio::select! {
            () = done.cancelled() => break,
            () = tokio::time::sleep(if terminal { GLANCE } else { LINE }) => {}
        }
        let Ok(waiting) = store.mail_waiting().await else { continue };
        let tally = mailer.tally();
        let finished = tally.sent + tally.failed + tally.uncertain + tally.unwanted;
        let was = before.sent + before.failed + before.uncertain + before.unwanted;
        let passed = at.elapsed().as_secs_f64();
        // The rate of late, so that a rest of the relay is seen.
        let now = whole(finished - was) / passed.max(0.001);
        rate = if rate == 0.0 { now } else { 0.7 * rate + 0.3 * now };
        let text = said(&tally, waiting, rate);
        bar.set_length(finished + waiting);
        bar.set_position(finished);
        bar.set_message(text.clone());
        if !terminal && (finished > was || (waiting > 0 && !watch)) {
            eprintln!("{finished} of {} · {text}", finished + waiting);
        }
        (before, at) = (tally, Instant::now());
    }
    bar.finish_and_clear();
}

#[expect(clippy::cast_precision_loss, reason = "counts of messages are small")]
fn whole(count: u64) -> f64 {
    count as f64
}

fn said(tally: &Tally, waiting: u64, rate: f64) -> String {
    let mut text = format!("{rate:.0}/s");
    if waiting > 0 && rate >= 0.05 {
        text.push_str(&format!(" · about {} left", span(whole(waiting) / rate)));
    }
    for (count, name) in [(tally.deferred, "put off"), (tally.failed, "failed"), (tally.uncertain, "uncertain")] {
        if count > 0 {
            text.push_str(&format!(" · {count} {name}"));
        }
    }
    text
}

/// Seconds as people say them.
fn span(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{:.0} s", seconds.ceil())
    } else if seconds < 5400.0 {
        format!("{:.0} min", (seconds / 60.0).ceil())
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

/// What became of messages, in one line.
#[must_use]
pub fn account(tally: &Tally) -> String {
    format!(
        "{} sent, {} put off, {} failed, {} uncertain, {} no longer wanted.",
        tally.sent, tally.deferred, tally.failed, tally.uncertain, tally.unwanted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_rate_and_time_left_and_what_went_wrong() {
        let tally = Tally { sent: 100, failed: 2, ..Tally::default() };
        assert_eq!(said(&tally, 600, 10.0), "10/s · about 60 s left · 2 failed");
        assert_eq!(said(&Tally::default(), 36_000, 2.0), "2/s · about 5.0 h left");
        assert_eq!(said(&Tally::default(), 0, 0.0), "0/s");
        assert_eq!((span(91.0), span(0.2)), ("2 min".to_owned(), "1 s".to_owned()));
    }
}
