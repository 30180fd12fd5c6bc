//! Lets the connections of one process speak to the database together: one question and one commit for many of them.
//!
//! A marker must be on the disk before its dot, and a disk syncs a few hundred times a second. So the markers of all connections
//! that have come as far share a commit, and each carries the answer to the message before it on the same connection. The same
//! statement asks whether the message is still wanted: right before MAIL FROM, and no second time.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::ids::MailId;
use domain::time::{Clock, Millis};
use store::outbox::Settle;
use store::{Store, StoreError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::later;

/// What the store takes at once, with room for an answer and a marker of one connection.
const TOGETHER: usize = 96;
/// Waiting for others may cost a slow connection no more than this.
const LONGEST_WAIT: Duration = Duration::from_millis(5);

/// The way to the two tasks that ask and write.
pub(super) struct Ledger {
    checks: mpsc::Sender<Check>,
    entries: mpsc::Sender<Entry>,
    /// Connections that will soon have something to write down.
    coming: Arc<AtomicUsize>,
}

struct Check {
    mail: MailId,
    worker: String,
    tell: oneshot::Sender<Result<bool, StoreError>>,
}

struct Entry {
    settles: Vec<Settle>,
    tell: oneshot::Sender<Result<Vec<bool>, StoreError>>,
}

/// A connection that is sending and will then have an answer and the next marker to write down; it is not waited for any longer
/// when this is dropped.
pub(super) struct Coming(Arc<AtomicUsize>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Ledger {
    /// Starts the tasks in `clerks`; they end when the ledger is dropped.
    pub(super) fn open(store: &Store, clock: &Arc<dyn Clock>, lease: Duration, clerks: &mut JoinSet<()>) -> Self {
        let (checks, asked) = mpsc::channel(4 * TOGETHER);
        let (entries, told) = mpsc::channel(4 * TOGETHER);
        let coming = Arc::new(AtomicUsize::new(0));
        clerks.spawn(ask(store.clone(), Arc::clone(clock), asked));
        clerks.spawn(write(store.clone(), Arc::clone(clock), lease, told, Arc::clone(&coming)));
        Self { checks, entries, coming }
    }

    /// Is the message still ours and wanted?
    pub(super) async fn is_wanted(&self, mail: &MailId, worker: &str) -> Result<bool, StoreError> {
        let (tell, told) = oneshot::channel();
        let check = Check { mail: mail.clone(), worker: worker.to_owned(), tell };
        self.checks.send(check).await.map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }

    /// A connection begins to send.
    pub(super) fn coming(&self) -> Coming {
        self.coming.fetch_add(1, Ordering::Relaxed);
        Coming(Arc::clone(&self.coming))
    }

    /// Writes these down together; which took hold. Who was `coming` has come.
    pub(super) async fn settle(&self, settles: Vec<Settle>, coming: Option<Coming>) -> Result<Vec<bool>, StoreError> {
        let (tell, told) = oneshot::channel();
        let sent = self.entries.send(Entry { settles, tell }).await;
        drop(coming);
        sent.map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }
}

fn gone() -> StoreError {
    StoreError::Unreachable { url: "the outbox".into(), reason: "the task that writes has ended".into() }
}

/// The same failure for each of those who share it.
fn copy(error: &StoreError) -> StoreError {
    let reason = error.to_string();
    if error.is_temporary() {
        StoreError::Unreachable { url: "the outbox".into(), reason }
    } else {
        StoreError::Corrupt { what: "outbox", reason }
    }
}

async fn ask(store: Store, clock: Arc<dyn Clock>, mut asked: mpsc::Receiver<Check>) {
    let mut together = Vec::new();
    while asked.recv_many(&mut together, TOGETHER).await > 0 {
        let mails: Vec<_> = together.iter().map(|check| (check.mail.clone(), check.worker.clone())).collect();
        let answer = store.still_wanted(&mails, clock.now()).await;
        for (i, check) in together.drain(..).enumerate() {
            // Whoever does not wait any more has lost its connection or was stopped.
            let _ = check.tell.send(match &answer {
                Ok(wanted) => Ok(wanted.get(i).copied().unwrap_or(false)),
                Err(error) => Err(copy(error)),
            });
        }
    }
}

async fn write(
    store: Store,
    clock: Arc<dyn Clock>,
    lease: Duration,
    mut told: mpsc::Receiver<Entry>,
    coming: Arc<AtomicUsize>,
) {
    let mut patience = Duration::ZERO;
    while let Some(first) = told.recv().await {
        let mut count = first.settles.len();
        let mut together = vec![first];
        let deadline = Instant::now() + patience;
        while count + 2 <= TOGETHER {
            let next = match told.try_recv() {
                Ok(next) => next,
                // A commit costs a sync of the disk: those who are nearly there come along.
                Err(_) if coming.load(Ordering::Relaxed) > 0 => match timeout_at(deadline, told.recv()).await {
                    Ok(Some(next)) => next,
                    Ok(None) | Err(_) => break,
                },
                Err(_) => break,
            };
            count += next.settles.len();
            together.push(next);
        }
        let all: Vec<Settle> = together.iter().flat_map(|entry| entry.settles.iter().cloned()).collect();
        let begin = Instant::now();
        let now = clock.now();
        let answer = store.settle_mail(&all, later(now, lease), now).await;
        patience = begin.elapsed().min(LONGEST_WAIT);
        if let Ok(took) = &answer {
            turn_away(&store, &all, took, now).await;
        }
        let mut at = 0;
        for entry in together {
            let end = at + entry.settles.len();
            let _ = entry.tell.send(match &answer {
                Ok(took) => Ok(took.get(at..end).unwrap_or_default().to_vec()),
                Err(error) => Err(copy(error)),
            });
            at = end;
        }
    }
}

/// What is not wanted any more is cancelled, and what a pause stopped goes back.
async fn turn_away(store: &Store, all: &[Settle], took: &[bool], now: Millis) {
    let unmarked: Vec<(MailId, String)> = all
        .iter()
        .zip(took)
        .filter_map(|(settle, took)| match settle {
            Settle::Mark { mail, worker } if !took => Some((mail.clone(), worker.clone())),
            _ => None,
        })
        .collect();
    if unmarked.is_empty() {
        return;
    }
    if let Err(error) = store.still_wanted(&unmarked, now).await {
        // Their leases give them back.
        warn!(error = %error, "Messages that are not wanted any more cannot be put away");
    }
}
