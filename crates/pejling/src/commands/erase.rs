//! `pejling erase`
use anyhow::{Context, Result};
use domain::ids::BusinessId;
use domain::municipality::Municipality;

use crate::cli::Erase;
use crate::config::Config;
use crate::wiring::Parts;

/// Units read with one call.
const CHUNK: u32 = 1000;

/// Erases what is known of a business.
///
/// # Errors
/// When no frame of the municipality has it.
pub async fn run(arguments: &Erase, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(arguments.municipality.as_deref()).await?;
    erase(&parts, &municipality, &arguments.unit).await?;
    println!("Erased. Published figures do not change.");
    Ok(())
}

async fn erase(parts: &Parts, municipality: &Municipality, unit: &str) -> Result<()> {
    let business =
        find(parts, municipality, unit).await?.context("no frame of this municipality has a unit of this number")?;
    let now = parts.clock.now();
    parts.store.erase_business(&municipality.id, &business, now).await?;
    parts.store.audit(&municipality.id, None, "business.erased", business.as_str(), "", now).await?;
    Ok(())
}

/// The business with this number in any year's frame.
async fn find(parts: &Parts, municipality: &Municipality, unit: &str) -> Result<Option<BusinessId>> {
    let wanted: String = unit.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    for frame in parts.store.frames(&municipality.id).await?.iter().rev() {
        let mut after = None;
        loop {
            let rows = parts.store.frame_units(&municipality.id, frame.year, after.as_ref(), CHUNK).await?;
            let Some(last) = rows.last().map(|row| row.business.clone()) else { break };
            let is_it = |key: &str| key == wanted || key.rsplit(':').next() == Some(wanted.as_str());
            if let Some(row) = rows.into_iter().find(|row| is_it(&row.unit.unit_key)) {
                return Ok(Some(row.business));
            }
            after = Some(last);
        }
    }
    Ok(None)
}
