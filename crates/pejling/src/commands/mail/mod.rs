//! `pejling mail`: how the mail-out stands, and the few things one does to it by hand.
mod check;
mod dkim_key;
mod inbox;
mod pause;
mod queue;
mod resend;
mod status;
mod trial;

use anyhow::{Context, Result};
use domain::fieldwork::RoundState;
use domain::municipality::Municipality;
use store::rounds::Round;

use crate::cli::mail::{Mail, OfRound};
use crate::config::Config;
use crate::wiring::Parts;

/// Carries out a command about the mail-out.
///
/// # Errors
/// A round that is not there, a database that refuses.
pub async fn run(command: Mail, config: &Config) -> Result<()> {
    match command {
        Mail::Status(arguments) => status::run(&arguments, config).await,
        Mail::Pause(arguments) => pause::pause(&arguments, config).await,
        Mail::DkimKey(arguments) => dkim_key::run(&arguments),
        Mail::Check(arguments) => check::run(&arguments, config).await,
        Mail::Resume(of) => pause::resume(&of, config).await,
        Mail::ResendUncertain(of) => resend::run(&of, config).await,
        Mail::DryRun(arguments) => trial::dry_run(&arguments, config).await,
        Mail::TestMessage(arguments) => trial::test_message(&arguments, config).await,
        Mail::Thanks(of) => queue::thanks(of, config).await,
        Mail::Welcome(of) => queue::welcome(of, config).await,
        Mail::Inbox(arguments) => inbox::run(&arguments, config).await,
    }
}

/// The rounds that a command is about: the named year's, or every one that is open.
async fn rounds(parts: &Parts, of: &OfRound) -> Result<(Municipality, Vec<Round>)> {
    let municipality = parts.municipality(of.municipality.as_deref()).await?;
    let rounds = match of.round {
        Some(year) => {
            let round = parts.store.round_of_year(&municipality.id, year).await?;
            vec![round.with_context(|| format!("{} has no round in {year}", municipality.name))?]
        }
        None => {
            let all = parts.store.rounds(&municipality.id).await?;
            all.into_iter().filter(|r| matches!(r.state, RoundState::Opening | RoundState::Open)).collect()
        }
    };
    Ok((municipality, rounds))
}
