//! How long a year's report of twenty pages takes to set, beside as many pages of plain words from the same typesetter in the same run.
//!
//! `cargo run --release -p e2e --bin paper -- [TIMES]` (5). The report is the invented municipality's, in three languages; its initiatives are
//! repeated until it has twenty pages.
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use domain::initiatives::Standing;
use domain::language::Language;
use domain::secrets::SecretKey;
use domain::time::{Clock, SystemClock};
use pejling::wiring::Parts;
use report::Occasion;
use store::{Store, StoreOptions};
use text::Messages;

/// Pages that the report shall have.
const PAGES: usize = 20;
/// What it may take.
const GOAL: Duration = Duration::from_secs(5);

fn main() -> Result<()> {
    let times: usize = std::env::args().nth(1).map_or(Ok(5), |n| n.parse()).context("TIMES is a number")?;
    ensure!(times > 0, "at least one time");
    let (municipality, publication) = tokio::runtime::Runtime::new()?.block_on(town())?;
    let messages = Messages::load()?;
    let mut standing = Standing::of_extra(&publication.extra).context("the publication has a standing")?;
    let initiatives = standing.initiatives.clone();
    println!("language  pages  report  plain words  ratio  of the goal of {} s (best of {times})", GOAL.as_secs());
    for language in Language::ALL {
        let set = |standing: &Standing| {
            let occasion = Occasion {
                municipality: &municipality,
                language,
                published_on: jiff::civil::date(2026, 11, 20),
                version: 1,
                note: &publication.info.note,
                foreword: "",
                remark: "",
                quotes: &[],
                standing: Some(standing),
            };
            report::year_with_pages(&messages, &publication.report, &occasion)
        };
        let mut pages = set(&standing)?.0;
        while pages < PAGES {
            standing.initiatives.extend(initiatives.iter().cloned());
            pages = set(&standing)?.0;
        }
        let floor = plain(pages)?;
        let ours = best(times, || {
            set(&standing)?;
            Ok(())
        })?;
        let words = best(times, || {
            report::paper::pages(&floor, HashMap::new())?;
            Ok(())
        })?;
        println!(
            "{:<8}  {pages:>5}  {:>4} ms  {:>8} ms  {:>5.1}  {:>4.0} %",
            language.tag(),
            ours.as_millis(),
            words.as_millis(),
            ours.as_secs_f64() / words.as_secs_f64(),
            100.0 * ours.as_secs_f64() / GOAL.as_secs_f64(),
        );
    }
    Ok(())
}

fn best(times: usize, mut work: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..times {
        let start = Instant::now();
        work()?;
        least = least.min(start.elapsed());
    }
    Ok(least)
}

/// The invented municipality with its latest publication.
async fn town() -> Result<(domain::municipality::Municipality, store::results::Publication)> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("town.sqlite").display());
    let store = Store::connect(&url, &StoreOptions { durable: false, ..StoreOptions::default() }).await?;
    let parts = Parts { store, keys: SecretKey::generate().keys(), clock: Arc::new(SystemClock) };
    let made = demo::generate_at(1, SystemClock.now());
    let municipality = pejling::town::load(&parts, &made, "http://127.0.0.1").await?;
    let publication = parts.store.latest_publication(&municipality.id, None).await?;
    Ok((municipality, publication.context("the town has published")?))
}

/// Plain words for so many pages: no chart, no table.
fn plain(pages: usize) -> Result<String> {
    let mut words = pages * 400;
    loop {
        let template = format!(
            "#set document(title: \"Plain words\")\n#set text(lang: \"en\")\n#set page(paper: \"a4\")\n#title()\n#for _ in range({}) [\n  #lorem(100)\n\n]",
            words / 100
        );
        if report::paper::pages(&template, HashMap::new())?.0 >= pages {
            return Ok(template);
        }
        words += pages * 20;
    }
}
