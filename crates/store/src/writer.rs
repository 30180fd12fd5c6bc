//! Group commit: concurrent acknowledged writes share one transaction and so one sync of the disk.
//!
//! Each piece of work runs in a savepoint of its own, so one that fails takes nothing with it, and is acknowledged only
//! after the shared commit. On PostgreSQL the server does the same by itself, and each gets its own transaction.
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{AnyConnection, AnyPool, Connection};
use tokio::sync::{mpsc, oneshot};

use crate::dialect::{self, Engine};
use crate::{Result, Store, StoreError};

/// Pieces that share a commit at most; keeps the writer free for others within about 50 ms.
const TOGETHER: usize = 64;

/// What is told after the commit, or after its failure.
type Acknowledge = Box<dyn FnOnce(Result<()>) + Send>;
/// Runs a piece of work; `Err` has been told already, and its savepoint is to be rolled back.
type Piece = Box<dyn for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<Acknowledge, ()>> + Send>;

/// The way to the task that writes.
pub(crate) struct Queue(mpsc::Sender<Piece>);

impl Queue {
    /// Starts the task; it ends when the queue is dropped and empty.
    pub(crate) fn start(writer: AnyPool) -> Self {
        let (sender, receiver) = mpsc::channel(4 * TOGETHER);
        tokio::spawn(write_all(writer, receiver));
        Self(sender)
    }
}

async fn write_all(writer: AnyPool, mut pieces: mpsc::Receiver<Piece>) {
    while let Some(first) = pieces.recv().await {
        // A failure, or a panic in a piece, rolls the group back and drops what was not acknowledged; whoever waits for it is
        // told so by the closed channel. The next group starts afresh.
        match AssertUnwindSafe(write_group(&writer, first, &mut pieces)).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = %error, "A group of writes was lost: {error}"),
            Err(_) => tracing::error!("A group of writes was lost: one of them panicked"),
        }
    }
}

async fn write_group(writer: &AnyPool, first: Piece, pieces: &mut mpsc::Receiver<Piece>) -> Result<()> {
    let mut tx = dialect::begin(Engine::Sqlite, writer).await?;
    let mut done = Vec::new();
    let mut next = Some(first);
    while let Some(piece) = next {
        let mut savepoint = tx.begin().await?;
        match piece(&mut savepoint).await {
            Ok(acknowledge) => {
                savepoint.commit().await?;
                done.push(acknowledge);
            }
            Err(()) => savepoint.rollback().await?,
        }
        next = if done.len() < TOGETHER { pieces.try_recv().ok() } else { None };
    }
    let committed = tx.commit().await;
    let failure = committed.as_ref().err().map(ToString::to_string);
    for acknowledge in done {
        acknowledge(match &failure {
            None => Ok(()),
            // A commit fails because the disk is full or gone, not because of what was written: later it may succeed.
            Some(reason) => Err(StoreError::Database(sqlx::Error::Io(std::io::Error::other(reason.clone())))),
        });
    }
    Ok(committed?)
}

impl Store {
    /// Runs `work` so that concurrent ones share a commit; returns after the commit.
    pub(crate) async fn grouped<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut AnyConnection) -> BoxFuture<'c, Result<T>> + Send + 'static,
    {
        let Some(queue) = &self.inner.queue else {
            let mut tx = self.begin().await?;
            let value = work(&mut tx).await?;
            tx.commit().await?;
            return Ok(value);
        };
        let (tell, told) = oneshot::channel();
        let piece: Piece = Box::new(move |conn| {
            Box::pin(async move {
                match work(conn).await {
                    Ok(value) => Ok(Box::new(move |committed: Result<()>| {
                        // Nobody waits any more: the write stands all the same.
                        let _ = tell.send(committed.map(|()| value));
                    }) as Acknowledge),
                    Err(error) => {
                        let _ = tell.send(Err(error));
                        Err(())
                    }
                }
            })
        });
        let lost = || StoreError::Database(sqlx::Error::WorkerCrashed);
        queue.0.send(piece).await.map_err(|_| lost())?;
        told.await.map_err(|_| lost())?
    }
}

#[cfg(test)]
mod tests {
    use crate::{Store, StoreError, StoreOptions};

    #[tokio::test]
    async fn a_panic_in_one_piece_does_not_stop_the_writer() {
        let store = Store::connect("sqlite::memory:", &StoreOptions { durable: false, ..StoreOptions::default() })
            .await
            .unwrap();
        let broken = store.grouped::<(), _>(|_| Box::pin(async { panic!("a mistake in a piece of work") })).await;
        assert!(matches!(broken, Err(StoreError::Database(_))));
        assert_eq!(store.grouped(|_| Box::pin(async { Ok(7) })).await.unwrap(), 7);
    }
}
