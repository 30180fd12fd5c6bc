//! Work in the background: queued by a page, run by the program under a lease, its result kept here.
use domain::ids::{JobId, MunicipalityId};
use domain::time::Millis;

use crate::{Result, Store};

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waiting.
    Queued,
    /// Being run under a lease.
    Running,
    /// Done; the result is there.
    Done,
    /// Failed; the reason is there.
    Failed,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub municipality: MunicipalityId,
    /// What is to be done: `open_round`, `report_pdf`, …
    pub kind: String,
    /// With what, as JSON.
    pub arguments: serde_json::Value,
    /// Where it stands.
    pub state: JobState,
    /// Steps done.
    pub done: u64,
    /// Steps in all; 0: unknown.
    pub total: u64,
    /// The result, as JSON.
    pub result: Option<serde_json::Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// How often it was begun.
    pub attempts: i64,
    /// When it was queued.
    pub created_at: Millis,
    /// When it was finished.
    pub finished_at: Option<Millis>,
}

/// A file that a job left, or that it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFile {
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Contents.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Queues a job, with the files it works on.
    pub async fn enqueue_job(&self, municipality: &MunicipalityId, kind: &str, arguments: &serde_json::Value, files: &[JobFile], now: Millis) -> Result<JobId> {
        todo!("{municipality} {kind} {arguments} {} {now:?}", files.len())
    }

    /// Takes the oldest waiting job, or one whose lease ran out.
    pub async fn claim_job(&self, worker: &str, lease_until: Millis, now: Millis) -> Result<Option<Job>> {
        todo!("{worker} {lease_until:?} {now:?}")
    }

    /// Notes progress and renews the lease. `false`: not ours any more, stop.
    pub async fn job_progress(&self, job: &JobId, worker: &str, done: u64, total: u64, lease_until: Millis) -> Result<bool> {
        todo!("{job} {worker} {done} {total} {lease_until:?}")
    }

    /// Ends a job with its result and files, or with the reason why there is none. `false`: not ours any more.
    pub async fn finish_job(&self, job: &JobId, worker: &str, outcome: std::result::Result<&serde_json::Value, &str>, files: &[JobFile], now: Millis) -> Result<bool> {
        todo!("{job} {worker} {outcome:?} {} {now:?}", files.len())
    }

    /// A job; `NotFound` otherwise.
    pub async fn job(&self, municipality: &MunicipalityId, id: &JobId) -> Result<Job> {
        todo!("{municipality} {id}")
    }

    /// The latest jobs, of one kind or of all.
    pub async fn jobs(&self, municipality: &MunicipalityId, kind: Option<&str>, limit: u32) -> Result<Vec<Job>> {
        todo!("{municipality} {kind:?} {limit}")
    }

    /// A file of a job by its name.
    pub async fn job_file(&self, municipality: &MunicipalityId, job: &JobId, name: &str) -> Result<JobFile> {
        todo!("{municipality} {job} {name}")
    }
}
