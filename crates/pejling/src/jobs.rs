//! The job runner: work that pages queue, because it is long or needs polars or typst, worked off under a lease.
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use domain::fieldwork::RoundState;
use domain::ids::{JobId, PublicationId, RoundId};
use domain::language::Language;
use domain::municipality::Municipality;
use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::{Value, json};
use store::jobs::{Job, JobFile};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::cases;
use crate::extracts;
use crate::letters;
use crate::publish::{self, Paper};
use crate::wiring::{Parts, mail_domain};

/// Seconds for which a runner holds a job without a sign of life.
const LEASE_SECONDS: i64 = 60;
/// How often an idle runner looks for work, and a busy one shows its progress.
const BEAT: Duration = Duration::from_millis(500);
/// A job that ended so often without a result, as when it takes the whole program with it, has failed.
const ATTEMPTS: i64 = 5;

/// How far a job has come.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<(AtomicU64, AtomicU64)>);

impl Meter {
    /// Notes progress.
    pub fn set(&self, done: u64, total: u64) {
        self.0.0.store(done, Ordering::Relaxed);
        self.0.1.store(total, Ordering::Relaxed);
    }

    fn get(&self) -> (u64, u64) {
        (self.0.0.load(Ordering::Relaxed), self.0.1.load(Ordering::Relaxed))
    }
}

/// What a job leaves behind.
pub(crate) struct Outcome {
    pub(crate) result: Value,
    pub(crate) files: Vec<JobFile>,
}

/// Seconds for which letters that were set can be fetched: they hold personal links, which are kept nowhere else.
const LETTERS_SECONDS: i64 = 3600;
/// How often things that are due by the calendar are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// Works off jobs until `shutdown`. A job that is cut off is taken up by another runner when its lease ends.
pub async fn run(parts: Parts, public_url: String, shutdown: CancellationToken) {
    // Process ids repeat from container to container; this does not.
    let worker = format!("runner-{}", JobId::new(parts.clock.now()));
    let mut swept: Option<std::time::Instant> = None;
    while !shutdown.is_cancelled() {
        if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            if let Err(error) = sweep(&parts, &public_url).await {
                warn!("What is due by the calendar could not be done: {error:#}");
            }
            swept = Some(std::time::Instant::now());
        }
        let now = parts.clock.now();
        match parts.store.claim_job(&worker, now.plus_seconds(LEASE_SECONDS), now).await {
            Ok(Some(job)) => {
                if let Err(error) = carry_out(&parts, &public_url, &worker, &job, &shutdown).await {
                    warn!(job.id = %job.id, "The outcome of job {} could not be kept: {error:#}", job.id);
                }
            }
            Ok(None) => idle(&shutdown).await,
            Err(error) => {
                warn!("Jobs cannot be read: {error}");
                idle(&shutdown).await;
            }
        }
    }
}

/// Does what is due by each municipality's calendar, and forgets sessions that have ended.
async fn sweep(parts: &Parts, public_url: &str) -> Result<()> {
    for municipality in parts.store.municipalities().await? {
        // What one municipality has left undone must not hold up the others.
        if let Err(error) = by_the_calendar(parts, &municipality).await {
            warn!(municipality.id = %municipality.id, "What is due by the calendar could not be done: {error:#}");
        }
        if let Err(error) = cases::by_the_calendar(parts, &municipality, public_url).await {
            warn!(municipality.id = %municipality.id, "What is due about cases could not be done: {error:#}");
        }
    }
    parts.store.sweep_sessions(parts.clock.now()).await?;
    parts.store.sweep_brakes(parts.clock.now()).await?;
    parts.store.drop_letters(parts.clock.now().plus_seconds(-LETTERS_SECONDS)).await?;
    parts.store.sweep_follow_ups(parts.clock.now()).await?;
    parts.store.sweep_inbound(parts.clock.now()).await?;
    parts.store.sweep_frames(parts.clock.now()).await?;
    Ok(())
}

/// Closes rounds whose last day has passed in the municipality's time zone, and cuts the links that were promised to be
/// gone by today.
async fn by_the_calendar(parts: &Parts, municipality: &Municipality) -> Result<()> {
    let now = parts.clock.now();
    let today = now.date_in(&text::format::zone(&municipality.settings.time_zone)).to_string();
    let rounds = parts.store.rounds(&municipality.id).await?;
    for round in &rounds {
        let over = round.closes_on.as_ref().is_some_and(|last| *last < today);
        if round.state == RoundState::Open && over {
            parts.store.close_round(&municipality.id, &round.id, now).await?;
            parts
                .store
                .audit(&municipality.id, None, "round.closed", round.id.as_str(), "its last day has passed", now)
                .await?;
            info!(round.id = %round.id, "Closed round {}: its last day has passed", round.id);
        }
    }
    let years = parts.store.case_years(&municipality.id).await?;
    if let Some(year) = rounds
        .iter()
        .map(|round| round.year)
        .chain(years)
        .filter(|year| municipality.settings.link_cut_on(*year) <= today)
        .max()
    {
        let cut = parts.store.cut_links(&municipality.id, year, now).await?;
        if cut > 0 {
            parts.store.audit(&municipality.id, None, "links.cut", "", &format!("{year}: {cut}"), now).await?;
            info!(municipality.id = %municipality.id, year, links = cut, "Cut the links between businesses and their answers up to {year}");
        }
    }
    Ok(())
}

async fn idle(shutdown: &CancellationToken) {
    let _ = tokio::time::timeout(BEAT, shutdown.cancelled()).await;
}

async fn carry_out(
    parts: &Parts,
    public_url: &str,
    worker: &str,
    job: &Job,
    shutdown: &CancellationToken,
) -> Result<()> {
    if job.attempts > ATTEMPTS {
        let given_up = format!("given up after {ATTEMPTS} attempts that ended without a result");
        parts.store.finish_job(&job.id, worker, Err(&given_up), &[], parts.clock.now()).await?;
        return Ok(());
    }
    let meter = Meter::default();
    // A fault in one job must not end the runner and so all jobs.
    let work = AssertUnwindSafe(perform(parts, public_url, job, &meter)).catch_unwind();
    tokio::pin!(work);
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome.unwrap_or_else(|_| Err(anyhow!("the program has a fault; the log names its place"))),
            () = tokio::time::sleep(BEAT) => {
                let (done, total) = meter.get();
                let lease = parts.clock.now().plus_seconds(LEASE_SECONDS);
                if !parts.store.job_progress(&job.id, worker, done, total, lease).await? {
                    return Ok(()); // not ours any more: another runner has taken it up
                }
            }
            () = shutdown.cancelled() => return Ok(()), // the lease ends, another runner takes it up
        }
    };
    let now = parts.clock.now();
    match outcome {
        Ok(Outcome { result, files }) => {
            info!(job.id = %job.id, job.kind = %job.kind, "Finished job {} ({})", job.id, job.kind);
            parts.store.finish_job(&job.id, worker, Ok(&result), &files, now).await?;
        }
        Err(error) => {
            warn!(job.id = %job.id, job.kind = %job.kind, "Job {} ({}) failed", job.id, job.kind);
            parts.store.finish_job(&job.id, worker, Err(&format!("{error:#}")), &[], now).await?;
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct OpenArguments {
    round: RoundId,
}

#[derive(Deserialize)]
struct LettersArguments {
    round: RoundId,
    wave: i64,
}

#[derive(Deserialize)]
struct DraftArguments {
    #[serde(flatten)]
    plan: publish::Plan,
    /// The figures are computed, not taken from the publication before.
    #[serde(default)]
    again: bool,
}

#[derive(Deserialize)]
struct ComparisonArguments {
    neighbour: String,
}

#[derive(Deserialize)]
struct ReportArguments {
    publication: PublicationId,
    language: Language,
}

async fn perform(parts: &Parts, public_url: &str, job: &Job, meter: &Meter) -> Result<Outcome> {
    let municipality = parts.store.municipality(&job.municipality).await?;
    let arguments = job.arguments.clone();
    match job.kind.as_str() {
        "read_frame" => extracts::read(parts, &municipality, job, meter).await,
        "regroup_frames" => extracts::regroup(parts, &municipality, job, meter).await,
        "open_round" => {
            let OpenArguments { round } = serde_json::from_value(arguments).context("the job's arguments")?;
            let (id, domain) = (&municipality.id, mail_domain(public_url));
            parts.store.freeze_round(id, &round, parts.clock.now()).await?;
            loop {
                let step = parts.store.open_step(id, &round, &parts.keys, &domain, parts.clock.now()).await?;
                meter.set(step.done, step.total);
                if step.finished {
                    return Ok(Outcome { result: json!(step), files: Vec::new() });
                }
            }
        }
        "draft" => {
            let DraftArguments { plan, again } = serde_json::from_value(arguments).context("the job's arguments")?;
            let kept = publish::draft(parts, &municipality, &plan, again).await?;
            Ok(Outcome { result: json!({ "year": plan.year, "blanked": kept.blanked }), files: Vec::new() })
        }
        "report" => {
            let ReportArguments { publication, language } =
                serde_json::from_value(arguments).context("the job's arguments")?;
            let publication = parts.store.publication(&municipality.id, &publication).await?;
            let package = Paper {
                name: "package.zip",
                media_type: "application/zip",
                bytes: publish::package(&parts.keys, &municipality, &publication)?,
            };
            let mut papers = publish::papers(&municipality, publication, language, |_| true).await?;
            papers.push(package);
            let file =
                |p: Paper| JobFile { name: p.name.to_owned(), media_type: p.media_type.to_owned(), bytes: p.bytes };
            let names: Vec<&str> = papers.iter().map(|paper| paper.name).collect();
            Ok(Outcome { result: json!({ "papers": names }), files: papers.into_iter().map(file).collect() })
        }
        "comparison" => {
            let ComparisonArguments { neighbour } = serde_json::from_value(arguments).context("the job's arguments")?;
            let bytes = publish::comparison(parts, &municipality, &neighbour).await?;
            let file = JobFile { name: "comparison.pdf".into(), media_type: "application/pdf".into(), bytes };
            Ok(Outcome { result: json!({ "file": "comparison.pdf" }), files: vec![file] })
        }
        "letters" => {
            let LettersArguments { round, wave } = serde_json::from_value(arguments).context("the job's arguments")?;
            let round = parts.store.round(&municipality.id, &round).await?;
            let letters = letters::letters(parts, &municipality, &round, wave, public_url).await?;
            let csv = JobFile {
                name: "letters.csv".into(),
                media_type: "text/csv; charset=utf-8".into(),
                bytes: letters.csv,
            };
            let file = letters.pdf.as_ref().map(|_| "letters.pdf");
            let pdf = letters.pdf.map(|bytes| JobFile {
                name: "letters.pdf".into(),
                media_type: "application/pdf".into(),
                bytes,
            });
            let result = json!({ "file": file, "letters": letters.batch.messages });
            Ok(Outcome { result, files: pdf.into_iter().chain([csv]).collect() })
        }
        other => bail!("this program does not know the job {other:?}"),
    }
}

/// A buffer that one thread fills and another empties.
#[derive(Clone, Default)]
pub(crate) struct SharedBuffer(Arc<std::sync::Mutex<Vec<u8>>>);

impl SharedBuffer {
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("nobody panics while holding the buffer"))
    }
}

impl std::io::Write for SharedBuffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics while holding the buffer").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::answers::Answers;
    use domain::fieldwork::{Mode, ResponseStatus};
    use domain::frame::FrameUnit;
    use domain::industry::Classification;
    use domain::language::Country;
    use domain::municipality::Settings;
    use domain::secrets::SecretKey;
    use domain::time::{Millis, SetClock};
    use store::jobs::JobState;
    use store::results::PastResponse;
    use store::rounds::RoundPlan;
    use store::{Store, StoreOptions};

    use super::*;

    fn noon(day: &str) -> Millis {
        let timestamp: jiff::Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
        Millis(timestamp.as_millisecond())
    }

    async fn parts(clock: Arc<SetClock>) -> Parts {
        let store = Store::connect("sqlite::memory:", &StoreOptions { durable: false, ..StoreOptions::default() })
            .await
            .unwrap();
        Parts { store, keys: SecretKey::parse(&"5a".repeat(32)).unwrap().keys(), clock }
    }

    fn unit() -> FrameUnit {
        FrameUnit {
            unit_key: "dk:p:1000000001".into(),
            country: Country::Dk,
            company_number: None,
            name: "Holm ApS".into(),
            street: String::new(),
            postcode: "4600".into(),
            city: "Køge".into(),
            industry_code: "494100".into(),
            classification: Classification::Db07,
            employees_low: 3,
            employees_high: Some(3),
            company_employees_low: None,
            company_employees_high: None,
            sector: "transport".into(),
            size: "2-9".into(),
            area: None,
            started_on: None,
            email: None,
            phone: None,
            protected: false,
        }
    }

    #[tokio::test]
    async fn links_are_cut_on_the_promised_day_and_not_before() {
        let clock = Arc::new(SetClock::new(noon("2020-09-01")));
        let parts = parts(clock.clone()).await;
        let (store, now) = (&parts.store, noon("2020-09-01"));
        let m =
            store.create_municipality("hojager", "Højager", Country::Dk, &Settings::default(), now).await.unwrap().id;
        let import = store.begin_frame_import(&m, 2020, "cvr.csv", "hash", now).await.unwrap().id;
        store.stage_frame_rows(&m, &import, &[unit()], now).await.unwrap();
        store.finish_frame_import(&m, &import, now).await.unwrap();
        let plan =
            RoundPlan { title: "2020".into(), opens_on: None, closes_on: None, questionnaire: None, threshold: 5 };
        let round = store.create_round(&m, 2020, &plan, now).await.unwrap().id;
        let response = PastResponse {
            unit_key: unit().unit_key,
            status: ResponseStatus::Complete,
            mode: Mode::Imported,
            language: None,
            started_at: now,
            submitted_at: Some(now),
            answers: Answers::default(),
        };
        store.load_responses(&m, &round, &[response], now).await.unwrap();
        store.close_round(&m, &round, now).await.unwrap();
        let is_linked = || async {
            let frame = store.analysis_frame(&m, &[2020]).await.unwrap();
            store.analysis_responses(&m, &[2020]).await.unwrap()[0].panel == frame[0].panel
        };
        clock.set(noon("2025-12-30"));
        sweep(&parts, "http://127.0.0.1").await.unwrap();
        assert!(is_linked().await);
        clock.set(noon("2025-12-31"));
        sweep(&parts, "http://127.0.0.1").await.unwrap();
        assert!(!is_linked().await);
        sweep(&parts, "http://127.0.0.1").await.unwrap();
        let noted = store.audit_trail(&m, 10).await.unwrap();
        assert_eq!(noted.iter().filter(|entry| entry.action == "links.cut").count(), 1);
    }

    #[tokio::test]
    async fn a_job_that_takes_the_program_with_it_is_not_begun_for_ever() {
        let clock = Arc::new(SetClock::new(noon("2026-09-01")));
        let parts = parts(clock).await;
        let (store, now) = (&parts.store, noon("2026-09-01"));
        let m =
            store.create_municipality("hojager", "Højager", Country::Dk, &Settings::default(), now).await.unwrap().id;
        let id = store.enqueue_job(&m, "report", &json!({}), &[], now).await.unwrap();
        for died in 1..=ATTEMPTS {
            let begun = now.plus_seconds(died);
            assert!(store.claim_job("dead", begun, begun).await.unwrap().is_some());
        }
        let later = now.plus_seconds(100);
        let job = store.claim_job("alive", later, later).await.unwrap().unwrap();
        carry_out(&parts, "http://localhost", "alive", &job, &CancellationToken::new()).await.unwrap();
        let job = store.job(&m, &id).await.unwrap();
        assert_eq!(job.state, JobState::Failed);
        assert!(job.error.unwrap().starts_with("given up"));
    }
}
