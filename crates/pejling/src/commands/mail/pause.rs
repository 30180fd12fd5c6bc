//! `pejling mail pause` and `pejling mail resume`: one round's mail, or all mail of this database.
use anyhow::Result;
use domain::fieldwork::RoundState;

use crate::cli::mail::{OfRound, Pause};
use crate::commands::mail::rounds;
use crate::config::Config;
use crate::wiring::Parts;

/// The key of the texts under which a person's own reason for stopping all mail is kept.
const BY_A_PERSON: &str = "mail.pause_person";

/// Stops sending; what a worker has handed over already still arrives.
///
/// # Errors
/// When there is no such round.
pub async fn pause(arguments: &Pause, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let now = parts.clock.now();
    if arguments.of.round.is_none() {
        parts.store.pause_all_mail(Some(BY_A_PERSON), &arguments.reason, now).await?;
        for municipality in parts.store.municipalities().await? {
            parts.store.audit(&municipality.id, None, "mail.paused", "", &arguments.reason, now).await?;
        }
        println!("All mail is paused.");
        return Ok(());
    }
    let (municipality, rounds) = rounds(&parts, &arguments.of).await?;
    for round in &rounds {
        parts.store.pause_mail(&municipality.id, &round.id, &arguments.reason, now).await?;
        parts.store.audit(&municipality.id, None, "mail.paused", round.id.as_str(), &arguments.reason, now).await?;
        println!("The mail of {} is paused.", round.title);
    }
    Ok(())
}

/// Lets sending go on.
///
/// # Errors
/// When there is no such round.
pub async fn resume(of: &OfRound, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let now = parts.clock.now();
    if of.round.is_none() {
        if parts.store.resume_all_mail(now).await? {
            for municipality in parts.store.municipalities().await? {
                parts.store.audit(&municipality.id, None, "mail.resumed", "", "", now).await?;
            }
            println!("Mail goes on.");
        } else {
            println!("Mail was not paused as a whole.");
        }
        for municipality in parts.store.municipalities().await? {
            let rounds = parts.store.rounds(&municipality.id).await?;
            for round in rounds.iter().filter(|r| r.state == RoundState::Open && r.paused_at.is_some()) {
                println!(
                    "{} ({}) is still paused: resume it with --round {}.",
                    round.title, municipality.name, round.year
                );
            }
        }
        return Ok(());
    }
    let (municipality, rounds) = rounds(&parts, of).await?;
    for round in &rounds {
        parts.store.resume_mail(&municipality.id, &round.id, now).await?;
        parts.store.audit(&municipality.id, None, "mail.resumed", round.id.as_str(), "", now).await?;
        println!("The mail of {} goes on.", round.title);
    }
    Ok(())
}
