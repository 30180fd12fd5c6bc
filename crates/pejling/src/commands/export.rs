//! `pejling export`
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use domain::packages::fingerprint;

use crate::cli::{ByWave, Export, RoundOf};
use crate::commands::round;
use crate::config::Config;
use crate::letters::{self, Batch};
use crate::publish;
use crate::wiring::Parts;

/// Invitations fetched with one call.
const CHUNK: u32 = 1000;

/// Writes files.
///
/// # Errors
/// When the round is not there or the file cannot be written.
pub async fn run(command: Export, config: &Config) -> Result<()> {
    let (municipality, year, out) = match command {
        Export::Letters(wave) => return letters(wave, config).await,
        Export::DigitalPost(wave) => return digital_post(wave, config).await,
        Export::Package { municipality, year, out } => return package(municipality, year, out, config).await,
        Export::Links { municipality, round, out } => (municipality, round, out),
    };
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

async fn package(municipality: Option<String>, year: Option<i32>, out: PathBuf, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(municipality.as_deref()).await?;
    let publication = parts.store.latest_publication(&municipality.id, year).await?;
    let publication = publication.with_context(|| format!("{} has published nothing yet", municipality.name))?;
    let bytes = publish::package(&parts.keys, &municipality, &publication)?;
    std::fs::write(&out, bytes).with_context(|| format!("{} cannot be written", out.display()))?;
    let key = publish::signing_key(&parts.keys)?.public();
    println!("{}", out.display());
    println!("Fingerprint of the key that signed it: {}", fingerprint(&key));
    Ok(())
}

async fn letters(wave: ByWave, config: &Config) -> Result<()> {
    let ByWave { municipality, round: year, wave, out } = wave;
    let parts = Parts::open(config).await?;
    let (municipality, round) = round::find(&parts, &RoundOf { municipality, year }).await?;
    std::fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let letters = letters::letters(&parts, &municipality, &round, wave, &config.public_url()).await?;
    said(&letters.batch, "letters");
    let Some(pdf) = letters.pdf else { return Ok(()) };
    for (name, bytes) in [("letters.pdf", pdf), ("letters.csv", letters.csv)] {
        let path = out.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}

async fn digital_post(wave: ByWave, config: &Config) -> Result<()> {
    let ByWave { municipality, round: year, wave, out } = wave;
    let parts = Parts::open(config).await?;
    let (municipality, round) = round::find(&parts, &RoundOf { municipality, year }).await?;
    let batch = letters::digital_post(&parts, &municipality, &round, wave, &config.public_url(), &out).await?;
    said(&batch, "messages");
    if batch.messages > 0 {
        println!("{}", out.join("messages.csv").display());
    }
    Ok(())
}

/// What was written, and what the list was.
fn said(batch: &Batch, what: &str) {
    println!("{} {what} for {} workplaces.", batch.messages, batch.businesses);
    if batch.again {
        println!("The list is that of the first export; {} on it have answered or said no since.", batch.no_longer);
    }
    if batch.messages == 0 && !batch.again {
        println!(
            "Nobody is left for this wave: mail reaches them, they have the other way, they answered, or they said no."
        );
    }
}
