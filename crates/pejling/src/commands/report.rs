//! `pejling report`
use anyhow::{Context, Result};
use domain::language::Language;

use crate::cli::ReportArguments;
use crate::config::Config;
use crate::publish;
use crate::wiring::Parts;

/// Writes the paper of the latest publication.
///
/// # Errors
/// When nothing is published yet or the file cannot be written.
pub async fn run(arguments: ReportArguments, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(arguments.municipality.as_deref()).await?;
    let publication = parts.store.latest_publication(&municipality.id, None).await?;
    let publication = publication.with_context(|| format!("{} has published nothing yet", municipality.name))?;
    let language = Language::parse(&arguments.language).context("the language is not known")?;
    let bytes = publish::paper(&municipality, publication, language).await?;
    std::fs::write(&arguments.out, bytes).with_context(|| format!("{} cannot be written", arguments.out.display()))?;
    println!("{}", arguments.out.display());
    Ok(())
}
