//! `pejling municipality`
use anyhow::{Context, Result, ensure};
use domain::language::{Country, Language};
use domain::municipality::Settings;

use crate::cli::Municipality;
use crate::config::Config;
use crate::wiring::Parts;

/// Makes or lists municipalities.
///
/// # Errors
/// A taken or malformed slug, a faulty settings file.
pub async fn run(command: Municipality, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    match command {
        Municipality::Add { slug, name, country, settings } => {
            let well_formed = slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') && !slug.is_empty();
            ensure!(well_formed, "the short name {slug:?} may have lower-case letters, digits and hyphens only");
            let country = Country::parse(&country).context("the country must be dk or se")?;
            let settings = match settings {
                Some(path) => {
                    let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
                    toml::from_str(&text).map_err(|e| anyhow::anyhow!("{}: {}", path.display(), e.message()))?
                }
                None => defaults(country),
            };
            ensure!(settings.threshold >= 5, "threshold: figures from fewer than 5 answers are never shown");
            let made = parts.store.create_municipality(&slug, &name, country, &settings, parts.clock.now()).await?;
            println!("{} ({}) is ready. Next: pejling user add --municipality {} --role administrator …", made.name, made.slug, made.slug);
        }
        Municipality::List => {
            for municipality in parts.store.municipalities().await? {
                println!("{}\t{}\t{}", municipality.slug, municipality.name, municipality.country.code());
            }
        }
    }
    Ok(())
}

/// What a country's municipality starts with.
fn defaults(country: Country) -> Settings {
    match country {
        Country::Dk => Settings::default(),
        Country::Se => Settings { language: Language::Sv, time_zone: "Europe/Stockholm".into(), ..Settings::default() },
    }
}
