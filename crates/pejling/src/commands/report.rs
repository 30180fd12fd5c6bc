//! `pejling report`
use anyhow::{Context, Result};
use domain::language::Language;

use crate::cli::ReportArguments;
use crate::config::Config;
use crate::publish;
use crate::wiring::Parts;

/// Writes a paper of the latest publication.
///
/// # Errors
/// When nothing is published yet or the file cannot be written.
pub async fn run(arguments: ReportArguments, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(arguments.municipality.as_deref()).await?;
    let publication = parts.store.latest_publication(&municipality.id, None).await?;
    let publication = publication.with_context(|| format!("{} has published nothing yet", municipality.name))?;
    let language = Language::parse(&arguments.language).context("the language is not known")?;
    let form = publish::FORMS.into_iter().find(|(form, _)| *form == arguments.form);
    let (_, name) = form.context("the form is not known")?;
    let papers = publish::papers(&municipality, publication, language, move |file| file == name).await?;
    let out = arguments.out.unwrap_or_else(|| name.into());
    for paper in papers {
        std::fs::write(&out, paper.bytes).with_context(|| format!("{} cannot be written", out.display()))?;
    }
    println!("{}", out.display());
    Ok(())
}
