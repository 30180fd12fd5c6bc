//! `pejling municipality`
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use domain::fieldwork::RoundState;
use domain::industry::Grouping;
use domain::language::{Country, Language};
use domain::municipality::{OwnGrouping, SettingFault, Settings};
use domain::time::Millis;

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
        Municipality::Add { slug, name, country, settings, grouping } => {
            let well_formed =
                slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') && !slug.is_empty();
            ensure!(well_formed, "the short name {slug:?} may have lower-case letters, digits and hyphens only");
            let country = Country::parse(&country).context("the country must be dk or se")?;
            let settings = changed(country, defaults(country), settings.as_deref(), grouping, parts.clock.now())?;
            let made = parts.store.create_municipality(&slug, &name, country, &settings, parts.clock.now()).await?;
            println!("{} ({}) is ready. Next: pejling user add --role administrator …", made.name, made.slug);
        }
        Municipality::Set { slug, settings, grouping } => {
            let found = parts.municipality(Some(&slug)).await?;
            let before = found.settings.clone();
            let settings = changed(found.country, found.settings, settings.as_deref(), grouping, parts.clock.now())?;
            if settings.keeps_longer_than(&before) {
                let rounds = parts.store.rounds(&found.id).await?;
                ensure!(
                    rounds.iter().all(|round| round.state == RoundState::Draft),
                    "link_years: {}",
                    said(SettingFault::Promised)
                );
            }
            parts.store.update_municipality(&found.id, &found.name, &settings, parts.clock.now()).await?;
            println!("The settings of {} are changed.", found.name);
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

/// A fault in words.
const fn said(fault: SettingFault) -> &'static str {
    match fault {
        SettingFault::Email => "is not one plain mail address",
        SettingFault::Url => "must begin with https:// or http:// and have no blanks",
        SettingFault::Date => "must be a date yyyy-mm-dd that is not in the future",
        SettingFault::Colour => "must be a colour #rrggbb",
        SettingFault::Threshold => "figures from fewer than 5 answers are never shown",
        SettingFault::TooLong => "is too long",
        SettingFault::Missing => "must not be empty",
        SettingFault::Zone => "is no time zone like Europe/Copenhagen",
        SettingFault::Hours => "must be hours like 08:00-16:00",
        SettingFault::Number => "must be company numbers of the country",
        SettingFault::Code => "must be codes of one to four digits",
        SettingFault::Years => "must be a number of years from 1 to 5",
        SettingFault::Promised => "businesses that were invited were promised less",
        SettingFault::Cuts => "would cut links that exist now",
    }
}

/// Settings with what a file and a grouping say laid over them.
fn changed(
    country: Country,
    settings: Settings,
    file: Option<&Path>,
    grouping: Option<String>,
    now: Millis,
) -> Result<Settings> {
    let mut settings = settings;
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let over: toml::Table =
            toml::from_str(&text).map_err(|e| anyhow::anyhow!("{}: {}", path.display(), e.message()))?;
        let mut table = toml::Table::try_from(&settings).context("the settings are a table")?;
        table.extend(over);
        settings =
            table.try_into().map_err(|e: toml::de::Error| anyhow::anyhow!("{}: {}", path.display(), e.message()))?;
    }
    if let Some(key_or_file) = grouping {
        if Grouping::shipped(&key_or_file).is_some() {
            (settings.grouping, settings.own_grouping) = (key_or_file, None);
        } else {
            let text = std::fs::read_to_string(&key_or_file).with_context(|| {
                format!(
                    "{key_or_file} is neither a shipped grouping ({}) nor a file that can be read",
                    Grouping::SHIPPED.join(", ")
                )
            })?;
            settings.own_grouping = Some(OwnGrouping { file: key_or_file, text });
        }
    }
    settings.sectors()?;
    let today = now.date_in(&text::format::zone(&settings.time_zone));
    if let Some((name, fault)) = settings.faults(country, today).first() {
        bail!("{name}: {}", said(*fault));
    }
    Ok(settings)
}
