//! `pejling analyse` and `pejling themes`
use std::sync::Arc;

use analysis::{Analysis, Method, Options, Progress, ThemesOptions};
use anyhow::{Context, Result};
use domain::indicator::Definitions;
use domain::industry::Grouping;
use indicatif::{ProgressBar, ProgressStyle};

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
            let watched = move || {
                let bar = bar();
                let analysis = analysis::analyse_watched(&options, &|progress| tell(&bar, progress));
                bar.finish_and_clear();
                analysis
            };
            tokio::task::spawn_blocking(watched).await.context("the analysis was interrupted")??
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

/// How far it has come, on a terminal only: nothing is drawn into a pipe.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:<10} {wide_bar} {human_pos}/{human_len}");
    ProgressBar::new(0).with_style(style.expect("the template is sound"))
}

fn tell(bar: &ProgressBar, progress: Progress) {
    let (what, rows, of) = match progress {
        Progress::Frame { rows, of } => ("frame", rows, of),
        Progress::Responses { rows, of } => ("responses", rows, of),
        Progress::Figures => return bar.set_message("figures"),
        Progress::Changes => return bar.set_message("changes"),
        _ => return,
    };
    bar.set_message(what);
    bar.set_length(of as u64);
    bar.set_position(rows as u64);
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
