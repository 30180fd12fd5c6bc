//! `pejling mail status`
use anyhow::Result;

use crate::cli::mail::Status;
use crate::commands::mail::rounds;
use crate::config::Config;
use crate::wiring::Parts;

/// Prints how the mail-out stands.
///
/// # Errors
/// When there is no such round.
pub async fn run(arguments: &Status, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let (municipality, rounds) = rounds(&parts, &arguments.of).await?;
    for round in &rounds {
        for count in parts.store.mail_counts(&municipality.id, &round.id).await? {
            println!("{} wave {} {}: {}", round.title, count.wave, count.state.as_str(), count.messages);
        }
    }
    Ok(())
}
