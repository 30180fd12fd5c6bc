//! The only room that knows the database: one method is one use case is one transaction.
//!
//! The same SQL runs on SQLite and PostgreSQL. Every method on a municipality's data takes its id; tokens imply it.
//!
//! # Layout
//! - [`Store`], [`StoreOptions`], [`StoreError`]: opening, and what can go wrong
//! - [`municipalities`], [`frames`], [`questionnaires`], [`rounds`]: who asks whom what; [`instrument`]: questionnaires in the making
//! - [`extracts`], [`edits`], [`regroup`]: extracts on their way into a frame, corrections by hand, other sectors for all years
//! - [`respondent`], [`drafts`]: what a business does with its link; answers that do not count yet
//! - [`calls`], [`channels`]: the telephone; letters and Digital Post; [`bases`]: why protected businesses may be approached
//! - [`cases`]: closed cases, asked about as they come
//! - [`follow`]: wishes to be contacted, newcomers, visits
//! - [`codes`]: open answers and their confirmed themes
//! - [`outbox`], [`sending`]: messages to be sent, and the demo's caught mail; whether and how fast mail goes out; [`inbound`]: what comes back
//! - [`results`]: feeds for the analysis, publications; [`sums`]: cell sums made here, where answers are not to move
//! - [`publishing`]: what is about to be published
//! - [`goals`], [`initiatives`], [`accounts`]: what a municipality wants, does and counts, and its standing on a day
//! - [`neighbours`]: other municipalities' packages, figures that others publish
//! - `retention`: links cut, businesses erased
//! - [`jobs`], [`people`], [`audit`]: work in the background, staff and their sessions, who did what
//! - [`credentials`], [`readers`], [`single_sign_on`], [`staff_mail`]: how staff prove who they are, readers from outside, mail to staff
pub mod accounts;
pub mod audit;
pub mod bases;
pub mod calls;
pub mod cases;
pub mod channels;
pub mod codes;
pub mod credentials;
mod dialect;
pub mod drafts;
pub mod edits;
mod error;
pub mod extracts;
pub mod follow;
pub mod frames;
pub mod goals;
pub mod inbound;
pub mod initiatives;
pub mod instrument;
pub mod jobs;
pub mod logos;
mod migrate;
pub mod municipalities;
pub mod neighbours;
pub mod outbox;
pub mod people;
pub mod publishing;
pub mod quality;
pub mod questionnaires;
pub mod quotes;
pub mod readers;
pub mod regroup;
pub mod respondent;
pub mod results;
mod retention;
pub mod rounds;
pub mod sending;
pub mod single_sign_on;
mod sql;
pub mod staff_mail;
pub mod sums;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{Any, Transaction};

use dialect::{Address, Engine, Pools};
pub use error::{Result, StoreError};

/// How a database is opened.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// Every acknowledged write survives a power cut; `false` (the demo) trades that for a quicker start on SQLite.
    pub durable: bool,
    /// Connections for reading on SQLite, and for everything on PostgreSQL.
    pub connections: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { durable: true, connections: 8 }
    }
}

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    pools: Pools,
    /// SQLite only: PostgreSQL groups commits by itself.
    queue: Option<writer::Queue>,
    /// Beside a SQLite file: knows which database it belongs to and how old it is.
    marker: Option<PathBuf>,
    /// Held to be deleted with the store.
    #[cfg_attr(not(test), expect(dead_code, reason = "held for its `Drop`"))]
    temporary: Option<TemporaryFile>,
}

impl Store {
    /// Opens `sqlite:PATH` (made with its folder when it does not exist), `sqlite::memory:` (a temporary file, deleted with
    /// the last handle) or `postgres://…`, and brings its schema up to date under a lock.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] or [`StoreError::Migration`], readable on their own.
    pub async fn connect(url: &str, options: &StoreOptions) -> Result<Self> {
        let temporary = (url == "sqlite::memory:").then(TemporaryFile::new);
        let url = match &temporary {
            Some(file) => format!("sqlite:{}", file.0.display()),
            None => url.to_owned(),
        };
        let address = Address::parse(&url)?;
        if let Some(folder) = dialect::sqlite_path(&url).and_then(Path::parent).filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| StoreError::Unreachable {
                url: url.clone(),
                reason: format!("{}: {e}", folder.display()),
            })?;
        }
        let mut conn = address.connect(options).await?;
        migrate::run(address.engine, &mut conn).await.map_err(|error| match error {
            StoreError::Database(error) => address.unreachable(&error),
            other => other,
        })?;
        sqlx::Connection::close(conn).await?;
        let marker = dialect::sqlite_path(&url).filter(|_| temporary.is_none()).map(sending::marker_beside);
        let pools = address.pools(options);
        let queue = (address.engine == Engine::Sqlite).then(|| writer::Queue::start(pools.writer.clone()));
        Ok(Self { inner: Arc::new(Inner { engine: address.engine, pools, queue, marker, temporary }) })
    }

    /// Does the database answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        sql::call(PING).row(&mut *self.read().await?, "answer").await?;
        Ok(())
    }

    /// Waits for what is being written, then closes every connection.
    pub async fn close(&self) {
        self.inner.pools.writer.close().await;
        self.inner.pools.reader.close().await;
        self.inner.pools.mail.close().await;
    }

    /// Is this the embedded database (and not a server)?
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.inner.engine == Engine::Sqlite
    }

    /// A connection for reading.
    async fn read(&self) -> Result<PoolConnection<Any>> {
        Ok(self.inner.pools.reader.acquire().await?)
    }

    /// A connection for reading what is needed to send a mail.
    async fn read_mail(&self) -> Result<PoolConnection<Any>> {
        let pools = &self.inner.pools;
        let pool = if self.inner.engine == Engine::Postgres { &pools.mail } else { &pools.reader };
        Ok(pool.acquire().await?)
    }

    /// A transaction for writing.
    async fn begin(&self) -> Result<Transaction<'static, Any>> {
        dialect::begin(self.inner.engine, &self.inner.pools.writer).await
    }
}

sql::statements! {
    PING = "select cast(1 as bigint)";
}

/// A database file that goes away with its store.
struct TemporaryFile(PathBuf);

impl TemporaryFile {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("pejling-{}.sqlite", domain::ids::PanelId::random())))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.0.clone().into_os_string();
            path.push(suffix);
            // What is gone already need not be deleted.
            let _ = std::fs::remove_file(path);
        }
    }
}
