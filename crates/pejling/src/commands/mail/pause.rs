//! `pejling mail pause` and `pejling mail resume`.
use anyhow::Result;

use crate::cli::mail::{OfRound, Pause};
use crate::commands::mail::rounds;
use crate::config::Config;
use crate::wiring::Parts;

/// Stops sending; what a worker has handed over already still arrives.
///
/// # Errors
/// When there is no such round.
pub async fn pause(arguments: &Pause, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let (municipality, rounds) = rounds(&parts, &arguments.of).await?;
    for round in &rounds {
        let now = parts.clock.now();
        parts.store.pause_mail(&municipality.id, &round.id, &arguments.reason, now).await?;
        parts.store.audit(&municipality.id, None, "mail.paused", round.id.as_str(), &arguments.reason, now).await?;
        println!("The mail of {} is paused.", round.title);
    }
    none(&rounds);
    Ok(())
}

/// Lets sending go on.
///
/// # Errors
/// When there is no such round.
pub async fn resume(of: &OfRound, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let (municipality, rounds) = rounds(&parts, of).await?;
    for round in &rounds {
        let now = parts.clock.now();
        parts.store.resume_mail(&municipality.id, &round.id, now).await?;
        parts.store.audit(&municipality.id, None, "mail.resumed", round.id.as_str(), "", now).await?;
        println!("The mail of {} goes on.", round.title);
    }
    none(&rounds);
    Ok(())
}

fn none(rounds: &[store::rounds::Round]) {
    if rounds.is_empty() {
        println!("No round is open.");
    }
}
