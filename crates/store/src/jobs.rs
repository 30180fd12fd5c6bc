//! Work in the background: queued by a page, run by the program under a lease, its result kept here.
use domain::ids::{JobId, MunicipalityId};
use domain::time::Millis;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::dialect::CLAIM_JOB;
use crate::sql::{call, columns, of_word, statements, to_json};
use crate::{Result, Store};

/// The columns of a job, in the order in which [`job`] reads them.
macro_rules! job_columns {
    () => {
        "j.id, j.municipality_id, j.kind, j.arguments, j.state, j.done, j.total, j.result, j.error, j.attempts, j.created_at, j.finished_at"
    };
}

statements! {
    ENQUEUE = "insert into jobs (id, municipality_id, kind, arguments, state, done, total, attempts, created_at) values ($1, $2, $3, $4, 'queued', 0, 0, 0, $5)";
    PUT_FILE = "insert into job_files (job_id, name, media_type, bytes) values ($1, $2, $3, $4)
        on conflict (job_id, name) do update set media_type = excluded.media_type, bytes = excluded.bytes";
    BY_ID = concat!("select ", job_columns!(), " from jobs j where j.municipality_id = $1 and j.id = $2");
    LATEST = concat!("select ", job_columns!(), " from jobs j where j.municipality_id = $1 and (cast($2 as text) is null or j.kind = $2) order by j.created_at desc, j.id desc limit $3");
    PROGRESS = "update jobs set done = $3, total = $4, lease_until = $5 where id = $1 and lease_owner = $2 and state = 'running'";
    FINISH = "update jobs set state = $3, result = $4, error = $5, finished_at = $6, lease_owner = null, lease_until = null where id = $1 and lease_owner = $2 and state = 'running'";
    // What a job was given (a register extract with names and numbers) is not kept once it is done.
    DROP_FILES = "delete from job_files where job_id = $1";
    FILE = "select f.name, f.media_type, f.bytes from job_files f join jobs j on j.id = f.job_id where j.municipality_id = $1 and j.id = $2 and f.name = $3";
}

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
    pub async fn enqueue_job(
        &self,
        municipality: &MunicipalityId,
        kind: &str,
        arguments: &serde_json::Value,
        files: &[JobFile],
        now: Millis,
    ) -> Result<JobId> {
        let id = JobId::new(now);
        let mut tx = self.begin().await?;
        call(ENQUEUE)
            .text(id.as_str())
            .text(municipality.as_str())
            .text(kind)
            .text(&to_json("arguments", arguments)?)
            .at(now)
            .run(&mut tx)
            .await?;
        put_files(&mut tx, &id, files).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Takes the oldest waiting job, or one whose lease ran out.
    pub async fn claim_job(&self, worker: &str, lease_until: Millis, now: Millis) -> Result<Option<Job>> {
        let mut tx = self.begin().await?;
        let claim = call(CLAIM_JOB.text(self.inner.engine)).text(worker).at(lease_until).at(now);
        let Some(row) = claim.maybe_row(&mut tx).await? else { return Ok(None) };
        let mut c = columns(&row);
        let (municipality, id) = (c.text()?, c.text()?);
        let found = job(&call(BY_ID).text(&municipality).text(&id).row(&mut tx, "job").await?)?;
        tx.commit().await?;
        Ok(Some(found))
    }

    /// Notes progress and renews the lease. `false`: not ours any more, stop.
    pub async fn job_progress(
        &self,
        job: &JobId,
        worker: &str,
        done: u64,
        total: u64,
        lease_until: Millis,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let ours = call(PROGRESS)
            .text(job.as_str())
            .text(worker)
            .count(done)
            .count(total)
            .at(lease_until)
            .run(&mut tx)
            .await?
            == 1;
        tx.commit().await?;
        Ok(ours)
    }

    /// Ends a job with its result and files, or with the reason why there is none; what it was given is deleted. `false`: not ours any more.
    pub async fn finish_job(
        &self,
        job: &JobId,
        worker: &str,
        outcome: std::result::Result<&serde_json::Value, &str>,
        files: &[JobFile],
        now: Millis,
    ) -> Result<bool> {
        let (state, result, error) = match outcome {
            Ok(result) => ("done", Some(to_json("result", result)?), None),
            Err(error) => ("failed", None, Some(error)),
        };
        let mut tx = self.begin().await?;
        let ours = call(FINISH)
            .text(job.as_str())
            .text(worker)
            .text(state)
            .maybe(result.as_deref())
            .maybe(error)
            .at(now)
            .run(&mut tx)
            .await?
            == 1;
        if ours {
            call(DROP_FILES).text(job.as_str()).run(&mut tx).await?;
            put_files(&mut tx, job, files).await?;
        }
        tx.commit().await?;
        Ok(ours)
    }

    /// A job; `NotFound` otherwise.
    pub async fn job(&self, municipality: &MunicipalityId, id: &JobId) -> Result<Job> {
        job(&call(BY_ID).text(municipality.as_str()).text(id.as_str()).row(&mut *self.read().await?, "job").await?)
    }

    /// The latest jobs, of one kind or of all.
    pub async fn jobs(&self, municipality: &MunicipalityId, kind: Option<&str>, limit: u32) -> Result<Vec<Job>> {
        let rows = call(LATEST)
            .text(municipality.as_str())
            .maybe(kind)
            .int(limit.into())
            .rows(&mut *self.read().await?)
            .await?;
        rows.iter().map(job).collect()
    }

    /// A file of a job by its name.
    pub async fn job_file(&self, municipality: &MunicipalityId, job: &JobId, name: &str) -> Result<JobFile> {
        let row = call(FILE)
            .text(municipality.as_str())
            .text(job.as_str())
            .text(name)
            .row(&mut *self.read().await?, "file")
            .await?;
        let mut c = columns(&row);
        Ok(JobFile { name: c.text()?, media_type: c.text()?, bytes: c.bytes()? })
    }
}

async fn put_files(conn: &mut AnyConnection, job: &JobId, files: &[JobFile]) -> Result<()> {
    for file in files {
        call(PUT_FILE).text(job.as_str()).text(&file.name).text(&file.media_type).bytes(&file.bytes).run(conn).await?;
    }
    Ok(())
}

fn job(row: &AnyRow) -> Result<Job> {
    let mut c = columns(row);
    Ok(Job {
        id: JobId(c.text()?),
        municipality: MunicipalityId(c.text()?),
        kind: c.text()?,
        arguments: c.json("arguments")?,
        state: c.word("job", of_word)?,
        done: c.count()?,
        total: c.count()?,
        result: c.maybe_json("result")?,
        error: c.maybe()?,
        attempts: c.int()?,
        created_at: c.at()?,
        finished_at: c.maybe_at()?,
    })
}
