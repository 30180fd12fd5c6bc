//! `pejling mail status`
use std::collections::BTreeMap;

use anyhow::Result;
use domain::fieldwork::MessageKind;
use domain::language::Language;
use domain::municipality::Municipality;
use domain::time::Millis;
use serde::Serialize;
use store::rounds::Round;
use text::Messages;

use crate::cli::mail::Status;
use crate::commands::mail::rounds;
use crate::config::Config;
use crate::sending::pause_in_words;
use crate::wiring::Parts;

/// Minutes over which the present rate is measured.
const RATE_MINUTES: i64 = 10;

/// The mail-out as a whole.
#[derive(Debug, Serialize)]
struct Standing {
    /// Why nothing at all is sent.
    paused: Option<String>,
    /// Only these addresses are let through (test mode).
    only_to: Vec<String>,
    rounds: Vec<RoundStanding>,
}

#[derive(Debug, Serialize)]
struct RoundStanding {
    round: String,
    year: i32,
    state: &'static str,
    paused: Option<String>,
    /// Messages a minute over the last minutes in which any was sent.
    rate_per_minute: Option<f64>,
    /// Minutes until what waits is sent, at that rate.
    minutes_left: Option<u64>,
    waves: Vec<Wave>,
}

/// One kind of message.
#[derive(Debug, Default, Serialize)]
struct Wave {
    kind: &'static str,
    pending: u64,
    claimed: u64,
    deferred: u64,
    /// Milliseconds since 1970.
    next_attempt_at: Option<i64>,
    #[serde(skip)]
    next_attempt: Option<String>,
    sent: u64,
    failed: u64,
    bounced: u64,
    uncertain: u64,
    expired: u64,
    cancelled: u64,
}

impl Wave {
    /// What goes out as fast as it can. Deferred ones wait for their hour, however fast the others go.
    const fn waiting(&self) -> u64 {
        self.pending + self.claimed
    }
}

/// Prints how the mail-out stands.
///
/// # Errors
/// When there is no such round.
pub async fn run(arguments: &Status, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let (municipality, rounds) = rounds(&parts, &arguments.of).await?;
    let messages = Messages::load()?;
    let switch = parts.store.mail_switch().await?;
    let paused = switch.paused_at.map(|_| pause_in_words(&messages, switch.pause_key.as_deref(), &switch.words));
    let mut standing = Standing { paused, only_to: config.mail.only_to(), rounds: Vec::new() };
    for round in &rounds {
        standing.rounds.push(of_round(&parts, &messages, &municipality, round).await?);
    }
    if arguments.format == "json" {
        println!("{}", serde_json::to_string_pretty(&standing)?);
    } else {
        print!("{}", in_words(&standing));
    }
    Ok(())
}

async fn of_round(
    parts: &Parts,
    messages: &Messages,
    municipality: &Municipality,
    round: &Round,
) -> Result<RoundStanding> {
    let zone = text::format::zone(&municipality.settings.time_zone);
    let mut waves: BTreeMap<i64, Wave> = BTreeMap::new();
    for part in parts.store.mail_standing(&municipality.id, &round.id).await? {
        let wave = waves.entry(part.wave).or_default();
        wave.kind = MessageKind::of_wave(part.wave).map_or("unknown", MessageKind::as_str);
        *match part.state.as_str() {
            "pending" => &mut wave.pending,
            "claimed" | "sending" => &mut wave.claimed,
            "deferred" => &mut wave.deferred,
            "sent" => &mut wave.sent,
            "failed" if part.bounced => &mut wave.bounced,
            "failed" => &mut wave.failed,
            "uncertain" => &mut wave.uncertain,
            "expired" => &mut wave.expired,
            _ => &mut wave.cancelled,
        } += part.messages;
        if let Some(at) = part.next_attempt_at {
            wave.next_attempt_at = Some(at.0);
            wave.next_attempt = Some(text::format::datetime_of(Language::En, at, &zone));
        }
    }
    let waves: Vec<Wave> = waves.into_values().collect();
    let now = parts.clock.now();
    let since = now.plus_seconds(-60 * RATE_MINUTES);
    let (sent, first) = parts.store.mail_sent_since(&municipality.id, &round.id, since).await?;
    let (rate_per_minute, minutes_left) = pace(sent, first, now, waves.iter().map(Wave::waiting).sum());
    Ok(RoundStanding {
        round: round.title.clone(),
        year: round.year,
        state: round.state.as_str(),
        paused: round.paused_at.map(|_| {
            pause_in_words(messages, round.pause_key.as_deref(), round.pause_reason.as_deref().unwrap_or_default())
        }),
        rate_per_minute,
        minutes_left,
        waves,
    })
}

/// Messages a minute since the first of the last minutes, and the minutes that what waits will take at that rate.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rough figure of counts"
)]
fn pace(sent: u64, first: Option<Millis>, now: Millis, waiting: u64) -> (Option<f64>, Option<u64>) {
    let Some(first) = first.filter(|_| sent > 1) else { return (None, None) };
    let minutes = ((now.0 - first.0).max(1000) as f64) / 60_000.0;
    let rate = sent as f64 / minutes;
    ((rate > 0.0).then_some((rate * 10.0).round() / 10.0), Some((waiting as f64 / rate).ceil() as u64))
}

fn in_words(standing: &Standing) -> String {
    let mut out = String::new();
    if let Some(reason) = &standing.paused {
        out.push_str(&format!("ALL MAIL IS PAUSED: {reason}\n"));
    }
    if !standing.only_to.is_empty() {
        out.push_str(&format!("TEST MODE: only {} get mail; everything else waits.\n", standing.only_to.join(", ")));
    }
    if standing.rounds.is_empty() {
        out.push_str("No round is open.\n");
    }
    for round in &standing.rounds {
        out.push_str(&format!("{} ({})\n", round.round, round.state));
        if let Some(reason) = &round.paused {
            out.push_str(&format!("  PAUSED: {reason}\n"));
        }
        if round.waves.is_empty() {
            out.push_str("  no message has been queued\n");
            continue;
        }
        let columns =
            ["", "waiting", "in hand", "deferred", "sent", "failed", "bounced", "uncertain", "expired", "cancelled"];
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells
                .iter()
                .enumerate()
                .map(|(i, cell)| if i == 0 { format!("  {cell:<11}") } else { format!("{cell:>10}") })
                .collect();
            format!("{}\n", cells.concat().trim_end())
        };
        out.push_str(&line(&columns.map(str::to_owned)));
        for wave in &round.waves {
            let counts = [
                wave.pending,
                wave.claimed,
                wave.deferred,
                wave.sent,
                wave.failed,
                wave.bounced,
                wave.uncertain,
                wave.expired,
                wave.cancelled,
            ];
            let mut cells = vec![wave.kind.to_owned()];
            cells.extend(counts.iter().map(ToString::to_string));
            out.push_str(&line(&cells));
            if let Some(at) = &wave.next_attempt {
                out.push_str(&format!("  {:<11}next attempt of deferred ones: {at}\n", ""));
            }
        }
        match (round.rate_per_minute, round.minutes_left) {
            (Some(rate), Some(left @ 1..)) => {
                let minutes = if left == 1 { "1 minute".to_owned() } else { format!("{left} minutes") };
                out.push_str(&format!("  {rate} a minute lately; about {minutes} left\n"));
            }
            (Some(rate), _) => out.push_str(&format!("  {rate} a minute lately\n")),
            (None, _) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_minutes() {
        let now = Millis(1_000_000_000);
        assert_eq!(pace(0, None, now, 10), (None, None));
        assert_eq!(pace(600, Some(now.plus_seconds(-300)), now, 1200), (Some(120.0), Some(10)));
        assert_eq!(pace(600, Some(now.plus_seconds(-300)), now, 0), (Some(120.0), Some(0)));
    }

    #[test]
    fn what_stops_mail_is_said_first_and_loudly() {
        let wave = Wave { kind: "invitation", pending: 3, sent: 1200, bounced: 2, ..Wave::default() };
        let round = RoundStanding {
            round: "2026-målingen".into(),
            year: 2026,
            state: "open",
            paused: Some("ferie".into()),
            rate_per_minute: Some(60.0),
            minutes_left: Some(1),
            waves: vec![wave],
        };
        let standing = Standing {
            paused: Some("restored copy".into()),
            only_to: vec!["mig@kommune.example".into()],
            rounds: vec![round],
        };
        let words = in_words(&standing);
        let lines: Vec<&str> = words.lines().collect();
        assert_eq!(lines[0], "ALL MAIL IS PAUSED: restored copy");
        assert!(lines[1].starts_with("TEST MODE: only mig@kommune.example"));
        assert_eq!(lines[3], "  PAUSED: ferie");
        assert!(
            lines[5].split_whitespace().eq(["invitation", "3", "0", "0", "1200", "0", "2", "0", "0", "0"]),
            "{}",
            lines[5]
        );
        let json: serde_json::Value = serde_json::to_value(&standing).unwrap();
        assert_eq!(json["rounds"][0]["waves"][0]["bounced"], 2);
    }
}
