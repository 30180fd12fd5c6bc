//! The job runner: work that pages queue, because it is long or needs polars or typst, worked off under a lease.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use domain::fieldwork::RoundState;
use domain::ids::{PublicationId, RoundId};
use domain::industry::Classification;
use domain::language::Language;
use serde::Deserialize;
use serde_json::{Value, json};
use store::jobs::{Job, JobFile};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::import::{self, Request, Upload};
use crate::publish;
use crate::wiring::{Parts, mail_domain};

/// Seconds for which a runner holds a job without a sign of life.
const LEASE_SECONDS: i64 = 60;
/// How often an idle runner looks for work, and a busy one shows its progress.
const BEAT: Duration = Duration::from_millis(500);

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
struct Outcome {
    result: Value,
    files: Vec<JobFile>,
}

/// How often things that are due by the calendar are looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// Works off jobs until `shutdown`. A job that is cut off is taken up by another runner when its lease ends.
pub async fn run(parts: Parts, public_url: String, shutdown: CancellationToken) {
    let worker = format!("runner-{}", std::process::id());
    let mut swept: Option<std::time::Instant> = None;
    while !shutdown.is_cancelled() {
        if swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            if let Err(error) = sweep(&parts).await {
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

/// Closes rounds whose last day has passed in their municipality's time zone, and forgets sessions that have ended.
async fn sweep(parts: &Parts) -> Result<()> {
    let now = parts.clock.now();
    for municipality in parts.store.municipalities().await? {
        let today = now.date_in(&text::format::zone(&municipality.settings.time_zone)).to_string();
        for round in parts.store.rounds(&municipality.id).await? {
            let over = round.closes_on.as_ref().is_some_and(|last| *last < today);
            if round.state == RoundState::Open && over {
                parts.store.close_round(&municipality.id, &round.id, now).await?;
                parts.store.audit(&municipality.id, None, "round.closed", round.id.as_str(), "its last day has passed", now).await?;
                info!(round.id = %round.id, "Closed round {}: its last day has passed", round.id);
            }
        }
    }
    parts.store.sweep_sessions(now).await?;
    Ok(())
}

async fn idle(shutdown: &CancellationToken) {
    let _ = tokio::time::timeout(BEAT, shutdown.cancelled()).await;
}

async fn carry_out(parts: &Parts, public_url: &str, worker: &str, job: &Job, shutdown: &CancellationToken) -> Result<()> {
    let meter = Meter::default();
    let work = perform(parts, public_url, job, &meter);
    tokio::pin!(work);
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            () = tokio::time::sleep(BEAT) => {
                let (done, total) = meter.get();
                parts.store.job_progress(&job.id, worker, done, total, parts.clock.now().plus_seconds(LEASE_SECONDS)).await?;
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
struct ImportArguments {
    year: i32,
    file_name: String,
    #[serde(default)]
    classification: Option<Classification>,
    #[serde(default)]
    mapping: intake::frame::Mapping,
    #[serde(default)]
    codes: Vec<String>,
}

#[derive(Deserialize)]
struct OpenArguments {
    round: RoundId,
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
        "import_frame" => {
            let arguments: ImportArguments = serde_json::from_value(arguments).context("the job's arguments")?;
            let file = parts.store.job_file(&job.municipality, &job.id, "extract").await?;
            let request = Request {
                municipality: &municipality,
                year: arguments.year,
                file_name: &arguments.file_name,
                classification: arguments.classification,
                mapping: arguments.mapping,
                codes: arguments.codes,
            };
            let report = SharedBuffer::default();
            let shown = meter.clone();
            let imported =
                import::frame(parts, &request, Upload::new(file.bytes), report.clone(), move |p| shown.set(p.bytes, p.total_bytes)).await?;
            let bytes = report.take();
            let report = JobFile { name: "report.csv".into(), media_type: "text/csv; charset=utf-8".into(), bytes };
            Ok(Outcome { result: serde_json::to_value(imported)?, files: vec![report] })
        }
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
        "publish" => {
            let plan: publish::Plan = serde_json::from_value(arguments).context("the job's arguments")?;
            let (publication, report) = publish::publish(parts, &municipality, &plan).await?;
            let result = json!({ "publication": publication.id, "version": publication.version, "estimates": report.estimates.len() });
            Ok(Outcome { result, files: Vec::new() })
        }
        "report" => {
            let ReportArguments { publication, language } = serde_json::from_value(arguments).context("the job's arguments")?;
            let publication = parts.store.publication(&municipality.id, &publication).await?;
            let bytes = publish::paper(&municipality, publication, language).await?;
            let file = JobFile { name: "report.pdf".into(), media_type: "application/pdf".into(), bytes };
            Ok(Outcome { result: json!({ "file": "report.pdf" }), files: vec![file] })
        }
        other => bail!("this program does not know the job {other:?}"),
    }
}

/// A buffer that one thread fills and another empties.
#[derive(Clone, Default)]
struct SharedBuffer(Arc<std::sync::Mutex<Vec<u8>>>);

impl SharedBuffer {
    fn take(&self) -> Vec<u8> {
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
