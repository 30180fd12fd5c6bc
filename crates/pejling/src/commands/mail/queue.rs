//! `pejling mail thanks` and `pejling mail welcome`.
use anyhow::Result;

use crate::cli::RoundOf;
use crate::cli::mail::OneRound;
use crate::commands::round;
use crate::config::Config;
use crate::wiring::{Parts, mail_domain};

/// Thanks those who answered.
///
/// # Errors
/// Before the publication, or when there is no such round.
pub async fn thanks(of: OneRound, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let of = RoundOf { municipality: of.municipality, year: of.round };
    let (municipality, round) = round::find(&parts, &of).await?;
    let now = parts.clock.now();
    let domain = mail_domain(&config.public_url());
    let queued = parts.store.queue_thanks(&municipality.id, &round.id, &domain, now).await?;
    let count = queued.to_string();
    parts.store.audit(&municipality.id, None, "thanks.queued", round.id.as_str(), &count, now).await?;
    println!("{queued} messages of thanks are queued, to those who answered and have not said no.");
    Ok(())
}

/// Welcomes newcomers.
///
/// # Errors
/// When there is no such round.
pub async fn welcome(of: OneRound, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let of = RoundOf { municipality: of.municipality, year: of.round };
    let (municipality, round) = round::find(&parts, &of).await?;
    let now = parts.clock.now();
    let domain = mail_domain(&config.public_url());
    let queued = parts.store.queue_welcome(&municipality.id, &round.id, &domain, now).await?;
    let count = queued.to_string();
    parts.store.audit(&municipality.id, None, "welcome.queued", round.id.as_str(), &count, now).await?;
    println!("{queued} welcomes are queued, to businesses that no earlier year had.");
    Ok(())
}
