//! `pejling export`
use std::fs::File;
use std::io::Write;

use anyhow::{Context, Result};

use crate::cli::{Export, RoundOf};
use crate::commands::round;
use crate::config::Config;
use crate::wiring::Parts;

/// Invitations fetched with one call.
const CHUNK: u32 = 1000;

/// Writes files.
///
/// # Errors
/// When the round is not there or the file cannot be written.
pub async fn run(command: Export, config: &Config) -> Result<()> {
    let Export::Links { municipality, round: year, out } = command;
    let parts = Parts::open(config).await?;
    let (municipality, round) = round::find(&parts, &RoundOf { municipality, year }).await?;
    // Noted first: an export that breaks off has shown links too.
    parts.store.audit(&municipality.id, None, "links.exported", round.id.as_str(), "", parts.clock.now()).await?;
    let target: Box<dyn Write> = match &out {
        Some(path) => Box::new(File::create(path).with_context(|| format!("{} cannot be written", path.display()))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut writer = csv::WriterBuilder::new().delimiter(b';').from_writer(target);
    writer.write_record(["unit", "name", "street", "postcode", "city", "has_email", "status", "opted_out", "link"])?;
    let public_url = config.public_url();
    let mut after = None;
    loop {
        let rows = parts.store.links(&municipality.id, &round.id, after.as_ref(), CHUNK).await?;
        for row in &rows {
            let link =
                format!("{public_url}/s/{}", parts.keys.invitation_token(&row.invitation, row.generation).reveal());
            let yes = |b: bool| if b { "yes" } else { "no" };
            writer.write_record([
                row.unit_key.as_str(),
                &row.name,
                &row.street,
                &row.postcode,
                &row.city,
                yes(row.email.is_some()),
                row.status.map_or("", |s| s.as_str()),
                yes(row.opted_out),
                &link,
            ])?;
        }
        match rows.last() {
            Some(last) => after = Some(last.invitation.clone()),
            None => break,
        }
    }
    writer.flush()?;
    Ok(())
}
