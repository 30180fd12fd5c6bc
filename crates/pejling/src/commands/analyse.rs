//! `pejling analyse` and `pejling themes`
use std::sync::Arc;

use analysis::{Analysis, Method, Options, ThemesOptions};
use anyhow::{Context, Result};
use domain::indicator::Definitions;
use domain::industry::Grouping;

use crate::cli::{Analyse, Themes};
use crate::commands::sector::grouping;
use crate::config::Config;
use crate::publish;
use crate::wiring::Parts;

/// Analyses files or the database and writes the results, marked as not for publication.
///
/// # Errors
/// The first fault, with file, line and column; nothing is written then.
pub async fn run(arguments: Analyse, config: &Config) -> Result<()> {
    let (out, format) = (arguments.out.clone(), arguments.format);
    let analysis = match arguments.municipality.clone() {
        Some(slug) => from_database(&slug, &arguments, config).await?,
        None => {
            let (frame, responses) = (arguments.frame.clone(), arguments.responses.clone());
            let options = Options {
                frame: frame.context("--frame is missing")?,
                responses: responses.context("--responses is missing")?,
                indicators: arguments.indicators.clone().context("--indicators is missing")?,
                out: out.clone(),
                format,
                method: method(&arguments)?,
            };
            tokio::task::spawn_blocking(move || analysis::analyse(&options))
                .await
                .context("the analysis was interrupted")??
        }
    };
    analysis::write(&analysis, &out, format)?;
    for note in &analysis.notes {
        eprintln!("{note}");
    }
    for collapse in &analysis.report.provenance.collapses {
        eprintln!("{collapse}");
    }
    println!(
        "{}: {} estimates, {} changes. Full precision, not for publication.",
        out.display(),
        analysis.report.estimates.len(),
        analysis.report.changes.len()
    );
    Ok(())
}

fn method(arguments: &Analyse) -> Result<Method> {
    let own = Grouping::shipped(&arguments.sectors).is_none();
    let own_sectors = if own { Some(Arc::new(grouping(&arguments.sectors)?.into_owned())) } else { None };
    Ok(Method {
        sectors: arguments.sectors.clone(),
        own_sectors,
        weights: arguments.weights,
        strata: arguments.strata.clone(),
        margins: arguments.margins.clone(),
        by: arguments.by.clone(),
        min_cell: arguments.min_cell,
        fpc: arguments.fpc,
        variance: arguments.variance,
        min_n: arguments.min_n,
        overlap: arguments.overlap,
        ..Method::default()
    })
}

async fn from_database(slug: &str, arguments: &Analyse, config: &Config) -> Result<Analysis> {
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(Some(slug)).await?;
    let definitions = match &arguments.indicators {
        Some(path) => analysis::read_definitions(path)?,
        None => Definitions::shipped(),
    };
    let own = publish::method(&municipality)?;
    let method = Method { sectors: own.sectors, own_sectors: own.own_sectors, sizes: own.sizes, ..method(arguments)? };
    publish::analyse(&parts, &municipality, None, &definitions, method).await
}

/// Suggests themes and redacts.
///
/// # Errors
/// The first fault, with file and line; nothing is written then.
pub fn themes(arguments: Themes) -> Result<()> {
    let Themes { comments, codebook, out, frame, codes, responses, min_n } = arguments;
    let method = Method { min_n, ..Method::default() };
    let options = ThemesOptions { comments, codebook, out, frame, codes, responses, method };
    let coded = analysis::themes(&options)?;
    let suggested = coded.iter().filter(|c| !c.suggestions.is_empty()).count();
    println!(
        "{}: {} comments, {suggested} with suggested themes. Suggestions are for a person to confirm.",
        options.out.display(),
        coded.len()
    );
    Ok(())
}
