//! The few things that SQLite and PostgreSQL say differently: begin, claim, pragmas, migration lock.
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor, Transaction};

use crate::{Result, StoreError, StoreOptions};

/// The engine behind a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// One statement that each engine words in its own way.
pub(crate) struct PerEngine {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl PerEngine {
    pub(crate) const fn text(&self, engine: Engine) -> &'static str {
        match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        }
    }
}

/// Takes due messages: worker, lease until, now, limit. SQLite has one writer, so nobody can stand in the way there.
pub(crate) const CLAIM_MAIL: PerEngine = PerEngine {
    sqlite: "update outbox set state = 'claimed', lease_owner = $1, lease_until = $2, updated_at = $3
        where state in ('pending', 'deferred') and id in (
            select o.id from outbox o join rounds r on r.id = o.round_id
            where o.state in ('pending', 'deferred') and o.next_attempt_at <= $3 and (r.state = 'open' or o.wave > 3) and r.paused_at is null and r.mail_after <= $3
              and (select s.paused_at from mail_switch s where s.id = 1) is null
            order by o.next_attempt_at, o.id limit $4)
        returning id",
    postgres: "update outbox set state = 'claimed', lease_owner = $1, lease_until = $2, updated_at = $3
        where state in ('pending', 'deferred') and id in (
            select o.id from outbox o join rounds r on r.id = o.round_id
            where o.state in ('pending', 'deferred') and o.next_attempt_at <= $3 and (r.state = 'open' or o.wave > 3) and r.paused_at is null and r.mail_after <= $3
              and (select s.paused_at from mail_switch s where s.id = 1) is null
            order by o.next_attempt_at, o.id limit $4 for update of o skip locked)
        returning id",
};

/// Takes one job: worker, lease until, now.
pub(crate) const CLAIM_JOB: PerEngine = PerEngine {
    sqlite: "update jobs set state = 'running', lease_owner = $1, lease_until = $2, attempts = attempts + 1
        where id in (
            select id from jobs where state = 'queued' or (state = 'running' and lease_until < $3) order by created_at, id limit 1)
        returning municipality_id, id",
    postgres: "update jobs set state = 'running', lease_owner = $1, lease_until = $2, attempts = attempts + 1
        where id in (
            select id from jobs where state = 'queued' or (state = 'running' and lease_until < $3) order by created_at, id limit 1
            for update skip locked)
        returning municipality_id, id",
};

/// Which server and database this is: a restored one is another.
pub(crate) const INSTANCE: PerEngine = PerEngine {
    sqlite: "select ''",
    postgres: "select cast(s.system_identifier as text) || '-' || cast(d.oid as text) from pg_control_system() s, pg_database d where d.datname = current_database()",
};

/// All of them, for the test that prepares every statement.
#[cfg(test)]
pub(crate) const PER_ENGINE: &[(&str, &PerEngine)] =
    &[("CLAIM_MAIL", &CLAIM_MAIL), ("CLAIM_JOB", &CLAIM_JOB), ("INSTANCE", &INSTANCE)];

// The writer waits for another process's transaction (`pejling import` beside `serve`) rather than fail.
// 8 MB of pages and 16 MB of log: a mail-out comes back to the same pages all the time, and with SQLite's 2 MB and 4 MB the
// writer spent a good part of its time reading and copying them again.
const WRITER_DURABLE: &str = "pragma busy_timeout = 10000; pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma temp_store = memory; pragma cache_size = -8000; pragma wal_autocheckpoint = 4000";
const WRITER_QUICK: &str = "pragma busy_timeout = 10000; pragma journal_mode = wal; pragma synchronous = off; pragma foreign_keys = on; pragma temp_store = memory";
const READER: &str = "pragma busy_timeout = 10000; pragma query_only = on; pragma temp_store = memory";

/// The statement that marks mails joins eight tables: planned anew it takes a server twice the processor time, and a server that
/// has no statistics yet may plan it anew for each commit. All of these look rows up by their keys, so one plan serves them all.
const PLAN_ONCE: &str = "set plan_cache_mode = force_generic_plan";
/// One that writes, one that asks, and one that claims beside them.
const MAIL_CONNECTIONS: u32 = 3;

/// So long a request waits for a connection: with the database away, nobody looks at an empty page for longer.
const ACQUIRE: Duration = Duration::from_secs(10);

// The number stands for "Pejling's schema" and is otherwise arbitrary.
const LOCK_MIGRATIONS: &str = "select pg_advisory_xact_lock(727354271)";

/// A connection to a server that was used so recently is there.
const FRESH: Duration = Duration::from_secs(1);
/// A connection that answers later than this is made anew.
const ANSWER: Duration = Duration::from_secs(5);

/// An address, taken apart.
pub(crate) struct Address {
    pub(crate) engine: Engine,
    options: AnyConnectOptions,
    /// Without its password.
    shown: String,
}

/// What is needed to talk to a database.
pub(crate) struct Pools {
    /// SQLite: the one connection that writes. PostgreSQL: the same pool as `reader`.
    pub(crate) writer: AnyPool,
    pub(crate) reader: AnyPool,
    /// For the few statements of every single mail. SQLite: the same as `writer`.
    pub(crate) mail: AnyPool,
}

impl Address {
    /// Reads `sqlite:PATH` or `postgres://…`.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let (engine, url) = match url.strip_prefix("sqlite:") {
            Some(path) => (Engine::Sqlite, sqlite_url(path.strip_prefix("//").unwrap_or(path))),
            None if url.starts_with("postgres:") || url.starts_with("postgresql:") => {
                (Engine::Postgres, url.to_owned())
            }
            None => {
                let scheme = url.split(':').next().unwrap_or_default().to_owned();
                return Err(StoreError::Unreachable {
                    url: scheme,
                    reason: "the address must begin with sqlite: or postgres://".to_owned(),
                });
            }
        };
        let options = AnyConnectOptions::from_str(&url)
            .map_err(|e| StoreError::Unreachable { url: "the given address".to_owned(), reason: e.to_string() })?
            // sqlx would log every statement at debug level, and slow ones as warnings with their text.
            .disable_statement_logging();
        let mut shown = options.database_url.clone();
        shown.set_query(None);
        if shown.password().is_some() {
            // Fails only for addresses that cannot have a password.
            let _ = shown.set_password(Some("***"));
        }
        Ok(Self { engine, options, shown: shown.to_string() })
    }

    /// The error of an address that does not answer.
    pub(crate) fn unreachable(&self, error: &sqlx::Error) -> StoreError {
        StoreError::Unreachable { url: self.shown.clone(), reason: reason(error) }
    }

    /// One connection of its own, for the migrations: tells at once when nobody answers.
    pub(crate) async fn connect(&self, options: &StoreOptions) -> Result<AnyConnection> {
        let connect = async {
            let mut conn = AnyConnection::connect_with(&self.options).await?;
            if self.engine == Engine::Sqlite {
                conn.execute(writer_pragmas(options)).await?;
            }
            Ok(conn)
        };
        match tokio::time::timeout(Duration::from_secs(15), connect).await {
            Ok(done) => done.map_err(|e: sqlx::Error| self.unreachable(&e)),
            Err(_) => Err(StoreError::Unreachable {
                url: self.shown.clone(),
                reason: "no answer within 15 seconds".to_owned(),
            }),
        }
    }

    /// The pools of a running program.
    pub(crate) fn pools(&self, options: &StoreOptions) -> Pools {
        let base = || AnyPoolOptions::new().acquire_timeout(ACQUIRE);
        match self.engine {
            Engine::Postgres => {
                // A server may go away: a connection that was idle is tried before use, one that just worked is not.
                let tried = || {
                    base().test_before_acquire(false).before_acquire(|conn, known| {
                        Box::pin(async move {
                            Ok(known.idle_for < FRESH
                                || tokio::time::timeout(ANSWER, conn.ping()).await.is_ok_and(|pong| pong.is_ok()))
                        })
                    })
                };
                let pool = tried().max_connections(options.connections.max(2)).connect_lazy_with(self.options.clone());
                let mail = tried()
                    .max_connections(MAIL_CONNECTIONS)
                    .after_connect(|conn, _| Box::pin(async move { conn.execute(PLAN_ONCE).await.map(|_| ()) }))
                    .connect_lazy_with(self.options.clone());
                Pools { writer: pool.clone(), reader: pool, mail }
            }
            Engine::Sqlite => {
                // A file does not go away like a server: connections live as long as the pool and are not tried before use.
                let base = || base().idle_timeout(None).max_lifetime(None).test_before_acquire(false);
                let pragmas = writer_pragmas(options);
                let writer = base()
                    .max_connections(1)
                    .after_connect(move |conn, _| Box::pin(async move { conn.execute(pragmas).await.map(|_| ()) }))
                    .connect_lazy_with(self.options.clone());
                let reader = base()
                    .max_connections(options.connections.max(1))
                    .after_connect(|conn, _| Box::pin(async move { conn.execute(READER).await.map(|_| ()) }))
                    .connect_lazy_with(self.options.clone());
                Pools { mail: writer.clone(), writer, reader }
            }
        }
    }
}

/// Begins a transaction that will write. On SQLite the lock is taken at once, so that it cannot fail half-way.
pub(crate) async fn begin(engine: Engine, writer: &AnyPool) -> Result<Transaction<'static, Any>> {
    Ok(match engine {
        Engine::Sqlite => match writer.begin_with("begin immediate").await {
            // When the disk is full SQLite ends a transaction by itself; the connection still counts it and would refuse every
            // write from then on, so another one takes its place.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                writer.acquire().await?.close().await?;
                writer.begin_with("begin immediate").await?
            }
            begun => begun?,
        },
        Engine::Postgres => writer.begin().await?,
    })
}

/// Begins the transaction of the migrations; a second program waits here until the first is done.
pub(crate) async fn begin_migration(engine: Engine, conn: &mut AnyConnection) -> Result<Transaction<'_, Any>> {
    Ok(match engine {
        Engine::Sqlite => conn.begin_with("begin immediate").await?,
        Engine::Postgres => {
            let mut tx = conn.begin().await?;
            (&mut *tx).execute(LOCK_MIGRATIONS).await?;
            tx
        }
    })
}

fn writer_pragmas(options: &StoreOptions) -> &'static str {
    if options.durable { WRITER_DURABLE } else { WRITER_QUICK }
}

/// sqlx decodes the path and cuts it at `?`, so what could be taken for either is encoded.
fn sqlite_url(path: &str) -> String {
    let path = path.split_once("?mode=").map_or(path, |(path, _)| path);
    let mut url = String::from("sqlite:");
    for c in path.chars() {
        match c {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            c => url.push(c),
        }
    }
    url.push_str("?mode=rwc");
    url
}

/// The path of a SQLite address; `None` for PostgreSQL and for `sqlite::memory:`.
pub(crate) fn sqlite_path(url: &str) -> Option<&Path> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split_once("?mode=").map_or(path, |(path, _)| path);
    (path != ":memory:").then_some(Path::new(path))
}

fn reason(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(database) => database.message().to_owned(),
        None => error.to_string(),
    }
}
