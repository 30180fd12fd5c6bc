//! How long explore takes to change a filter, beside the plain SQL aggregate over the same answers in the same run.
//!
//! `cargo run --release -p e2e --bin explore -- [BUSINESSES] [YEARS] [SHARE ANSWERING IN PERCENT]` (5000, 4, 40). Answers are made by chance.
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use domain::answers::Answers;
use domain::fieldwork::{Mode, ResponseStatus};
use domain::frame::FrameUnit;
use domain::ids::MunicipalityId;
use domain::indicator::Definitions;
use domain::industry::Classification;
use domain::language::Country;
use domain::municipality::Settings;
use domain::time::{Clock, SystemClock};
use store::results::PastResponse;
use store::rounds::RoundPlan;
use store::sums::Breakdown;
use store::{Store, StoreOptions};
use web::explore::{Choice, Shelf};

const SECTORS: [&str; 5] = ["agriculture", "industry", "construction", "trade", "business_service"];
const SIZES: [(&str, u32); 4] = [("0-1", 1), ("2-9", 5), ("10-49", 20), ("50-199", 80)];
const AREAS: [&str; 4] = ["north", "south", "east", "west"];
const CHUNK: usize = 2000;

/// A small generator: the same numbers in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn unit(at: usize, chance: &mut Chance, sectors: &[String]) -> FrameUnit {
    let (size, staff) = SIZES[chance.below(4) as usize];
    FrameUnit {
        unit_key: format!("dk:p:{at:010}"),
        country: Country::Dk,
        company_number: None,
        name: format!("Virksomhed {at}"),
        street: String::new(),
        postcode: "4600".into(),
        city: "Køge".into(),
        industry_code: "494100".into(),
        classification: Classification::Db07,
        employees_low: staff,
        employees_high: Some(staff),
        company_employees_low: None,
        company_employees_high: None,
        sector: sectors[chance.below(sectors.len() as u64) as usize].clone(),
        size: size.into(),
        area: Some(AREAS[chance.below(4) as usize].into()),
        started_on: Some(format!("{}-03-01", 2000 + chance.below(25))),
        email: None,
        phone: None,
        protected: false,
    }
}

async fn load(store: &Store, businesses: usize, years: usize, percent: u64) -> Result<(MunicipalityId, Vec<i32>)> {
    let now = SystemClock.now();
    let id = store.create_municipality("stor", "Stor", Country::Dk, &Settings::default(), now).await?.id;
    let grouping = Settings::default().sectors().context("a grouping")?.into_owned();
    let known: Vec<String> = grouping.sectors().iter().map(|s| s.key.clone()).collect();
    let sectors = if known.is_empty() { SECTORS.map(str::to_owned).to_vec() } else { known };
    let mut chance = Chance(7);
    let units: Vec<FrameUnit> = (0..businesses).map(|at| unit(at, &mut chance, &sectors)).collect();
    let numbers: Vec<i32> = (0..years).map(|y| 2022 + i32::try_from(y).unwrap_or(0)).collect();
    for year in &numbers {
        let import = store.begin_frame_import(&id, *year, "x.csv", "", now).await?.id;
        for chunk in units.chunks(CHUNK) {
            store.stage_frame_rows(&id, &import, chunk, now).await?;
        }
        store.finish_frame_import(&id, &import, now).await?;
        let title = year.to_string();
        let plan = RoundPlan { title, opens_on: None, closes_on: None, questionnaire: None, threshold: 5 };
        let round = store.create_round(&id, *year, &plan, now).await?.id;
        let mut responses = Vec::new();
        for unit in &units {
            if chance.below(100) >= percent {
                continue;
            }
            let mut answers = Answers::default();
            for (key, points) in [
                ("nki_satisfaction", 10),
                ("nki_expectations", 10),
                ("nki_ideal", 10),
                ("overall", 5),
                ("authority", 9),
                ("factor_time", 5),
            ] {
                answers.0.insert(key.into(), (1 + chance.below(points)).to_string());
            }
            responses.push(PastResponse {
                unit_key: unit.unit_key.clone(),
                status: ResponseStatus::Complete,
                mode: Mode::Imported,
                language: None,
                started_at: now,
                submitted_at: Some(now),
                answers,
            });
        }
        store.load_responses(&id, &round, &responses, now).await?;
        store.close_round(&id, &round, now).await?;
    }
    Ok((id, numbers))
}

fn say(what: &str, took: Duration) {
    println!("{what:<58}{:>10.1} ms", took.as_secs_f64() * 1e3);
}

#[tokio::main]
async fn main() -> Result<()> {
    let given: Vec<u64> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let argument = |at: usize, otherwise: u64| given.get(at).copied().unwrap_or(otherwise);
    let (businesses, years, percent) = (argument(0, 5000), argument(1, 4), argument(2, 40));
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("bench.sqlite").display());
    let store = Store::connect(&url, &StoreOptions { durable: false, ..StoreOptions::default() }).await?;
    let started = Instant::now();
    let (id, numbers) = load(&store, usize::try_from(businesses)?, usize::try_from(years)?, percent).await?;
    say("loading", started.elapsed());
    let municipality = store.municipality(&id).await?;

    let definitions = Definitions::shipped();
    let nki = definitions.get("nki").context("an indicator")?;
    let started = Instant::now();
    store.indicator_sums(&id, &numbers, nki, Breakdown::Sector).await?;
    say("plain SQL aggregate: one indicator by sector, all years", started.elapsed());

    let shelf = Shelf::default();
    let started = Instant::now();
    let explorer = shelf.of(&store, &municipality).await?;
    say("explorer, once per change of the data", started.elapsed());
    let mut warm = Vec::new();
    for name in ["nki", "overall_satisfied", "case_time"] {
        let (indicator, _) = explorer.indicators().find(|(_, i)| i.id == name).context("an indicator")?;
        let year = numbers.len() - 1;
        let started = Instant::now();
        explorer.report(&store, &Choice { indicator, axes: vec![0], year }).await?;
        say(&format!("{name}: first table (sums and what may be shown, once)"), started.elapsed());
        for axes in [vec![], vec![0], vec![1], vec![2], vec![3], vec![4], vec![0, 1], vec![0, 4], vec![1, 2]] {
            for year in [year, year.saturating_sub(1)] {
                // As a request does: is the data still the same?
                let started = Instant::now();
                let explorer = shelf.of(&store, &municipality).await?;
                explorer.report(&store, &Choice { indicator, axes: axes.clone(), year }).await?;
                warm.push(started.elapsed());
            }
        }
    }
    warm.sort_unstable();
    say("filter change, median", warm[warm.len() / 2]);
    say("filter change, slowest", warm[warm.len() - 1]);
    Ok(())
}
