//! One connection to a relay: offers a message, marks it, and records what the server said.
use std::sync::Arc;
use std::time::Duration;

use domain::ids::MailId;
use domain::time::Millis;
use store::outbox::{Attempt, ClaimedMail, Settle};
use store::{Store, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::judge::{self, Obstacle, Verdict};
use super::lane::rest;
use super::ledger::{Coming, Ledger};
use super::{
    Claimed, Counters, Lane, Mode, Ready, SendError, Shared, Shelf, Timing, Way, for_log, locked, timing,
    without_addresses,
};
use crate::message::Rendered;
use crate::smtp::{Client, Connection, Delivery};
use crate::transport::write_file;

/// A relay that takes longer for a message is not kept waiting by a commit, so its answers are written down at once.
const SLOW: Duration = Duration::from_millis(100);

/// One sender: at most one connection, one message at a time, one answer not yet written down.
pub(super) struct Sender {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    ledger: Arc<Ledger>,
    /// In whose name messages are claimed.
    owner: String,
    connection: Option<Connection>,
    /// The message taken last and the server's words.
    unrecorded: Option<(MailId, String)>,
    /// Held from a marker to the next one.
    coming: Option<Coming>,
}

impl Sender {
    pub(super) const fn new(shared: Arc<Shared>, lane: Arc<Lane>, ledger: Arc<Ledger>, owner: String) -> Self {
        Self { shared, lane, ledger, owner, connection: None, unrecorded: None, coming: None }
    }

    /// Sends what lies ready until there is nothing more, or `stop` is cancelled; the message in hand is finished.
    pub(super) async fn work(
        mut self,
        ready: Shelf<Ready>,
        mode: Mode,
        stop: CancellationToken,
    ) -> Result<(), SendError> {
        let result = loop {
            let done = match self.next(&ready, &stop).await {
                Ok(Some(Ready { claimed, made })) => self.turn(&claimed, made, &stop).await,
                Ok(None) => break Ok(()),
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => {}
                Err(error) if mode == Mode::Once => {
                    // The others of this lane could wait for ever for what this one does not take.
                    stop.cancel();
                    break Err(error);
                }
                Err(error) => {
                    error!(error = %error, "Sending stopped for a while");
                    if !rest(Instant::now() + self.shared.schedule.poll.max(Duration::from_secs(1)), &stop).await {
                        break Ok(());
                    }
                }
            }
        };
        let written = self.write_down().await;
        if let Some(connection) = self.connection.take() {
            connection.quit().await;
        }
        result.and(written)
    }

    /// The next message; before it is waited for, the answer to the last one is written down.
    async fn next(&mut self, ready: &Shelf<Ready>, stop: &CancellationToken) -> Result<Option<Ready>, SendError> {
        if stop.is_cancelled() {
            return Ok(None);
        }
        if let Ok(mut shelf) = ready.try_lock()
            && let Ok(next) = shelf.try_recv()
        {
            return Ok(Some(next));
        }
        self.write_down().await?;
        loop {
            let next = async { ready.lock().await.recv().await };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(None),
                next = next => return Ok(next),
                () = tokio::time::sleep(self.shared.schedule.poll), if self.connection.is_some() => {}
            }
            // A connection that idles is in the server's way and will have been closed when it is needed.
            if let Some(connection) = self.connection.take() {
                connection.quit().await;
            }
        }
    }

    /// Sends one message and records what became of it.
    async fn turn(
        &mut self,
        claimed: &Claimed,
        made: Result<Rendered, Verdict>,
        stop: &CancellationToken,
    ) -> Result<(), SendError> {
        let mail = &claimed.mail;
        if !self.lane.pace.is_free() {
            self.write_down().await?;
            if !self.lane.pace.turn(stop).await {
                return self.give_back(&mail.id).await;
            }
        }
        let now = self.shared.clock.now();
        if self.lane.gate.is_closed() || now > claimed.last_start || !matches!(timing(mail, now), Timing::Now) {
            self.give_back(&mail.id).await?;
            self.write_down().await?;
            self.lane.gate.pass(stop).await;
            return Ok(());
        }
        let begin = Instant::now();
        let verdict = match made {
            Ok(rendered) => self.deliver(mail, &rendered).await,
            // One message of a round has said what stands in the way of them all; the others are given back.
            Err(Verdict::Pause(..)) if !self.ledger.is_wanted(&mail.id, &self.owner).await? => Ok(Verdict::NotNow),
            Err(verdict) => Ok(verdict),
        };
        let verdict = match verdict {
            Ok(verdict) => verdict,
            Err(error) => {
                // The lease gives it back should this fail as well.
                let _ = self.give_back(&mail.id).await;
                return Err(error);
            }
        };
        self.record(mail, verdict).await?;
        if begin.elapsed() > SLOW { self.write_down().await } else { Ok(()) }
    }

    /// Writes down the answer to the last message, with patience: what the server has decided must not be lost to a moment of
    /// the database.
    async fn write_down(&mut self) -> Result<(), SendError> {
        self.coming = None;
        let Some((mail, words)) = self.unrecorded.clone() else { return Ok(()) };
        let ledger = Arc::clone(&self.ledger);
        let settle = Settle::Sent { mail, words };
        self.persist(|_, _| {
            let (ledger, settle) = (Arc::clone(&ledger), settle.clone());
            async move { Ok(ledger.settle(vec![settle], None).await?.first() == Some(&true)) }
        })
        .await?;
        self.unrecorded = None;
        Ok(())
    }

    async fn give_back(&self, mail: &MailId) -> Result<(), SendError> {
        self.shared.store.release_mail(std::slice::from_ref(mail), &self.owner, self.shared.clock.now()).await?;
        Ok(())
    }

    async fn deliver(&mut self, mail: &ClaimedMail, rendered: &Rendered) -> Result<Verdict, SendError> {
        let lane = Arc::clone(&self.lane);
        match &lane.way {
            Way::Relay(client) => self.deliver_by_relay(client, mail, rendered).await,
            Way::File(folder) => {
                if !self.mark(&mail.id).await {
                    return Ok(Verdict::NotOurs);
                }
                Ok(match write_file(folder, &mail.id, &rendered.bytes).await {
                    Ok(()) => Verdict::Sent("written to a file".into()),
                    Err(error) => Verdict::RelayAway(error.to_string()),
                })
            }
            Way::Table => {
                if !self.mark(&mail.id).await {
                    return Ok(Verdict::NotOurs);
                }
                let now = self.shared.clock.now();
                self.shared
                    .store
                    .catch_mail(
                        &mail.municipality.id,
                        &mail.message_id,
                        rendered.envelope.to(),
                        &rendered.subject,
                        &rendered.bytes,
                        now,
                    )
                    .await?;
                Ok(Verdict::Sent("caught".into()))
            }
        }
    }

    async fn deliver_by_relay(
        &mut self,
        client: &Client,
        mail: &ClaimedMail,
        rendered: &Rendered,
    ) -> Result<Verdict, SendError> {
        let worn =
            self.connection.as_ref().is_some_and(|c| !c.is_open() || c.taken() >= client.relay().recycle_after.max(1));
        if worn && let Some(connection) = self.connection.take() {
            connection.quit().await;
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match client.connect().await {
                Ok(connection) => connection,
                Err(error) => return Ok(judge::connection(&error)),
            },
        };
        // Asked as late as can be: whoever answered while the connection was made gets no reminder.
        if !self.mark(&mail.id).await {
            self.connection = Some(connection);
            return Ok(Verdict::NotOurs);
        }
        self.coming = Some(self.ledger.coming());
        let delivery = connection.send(&rendered.envelope, &rendered.bytes).await;
        let used = connection.taken() > 1;
        let open = connection.is_open();
        if open {
            self.connection = Some(connection);
        }
        Ok(match judge::delivery(&delivery) {
            // It goes back and is asked for once more: making a connection takes time.
            Verdict::RelayAway(words) if used && !open && matches!(delivery, Delivery::Lost(_)) => {
                Verdict::Again(words)
            }
            verdict => verdict,
        })
    }

    /// The durable marker of a message that is still ours and wanted, and with it the answer to the message before. When the
    /// database does not answer the message is not sent.
    async fn mark(&mut self, mail: &MailId) -> bool {
        let mut settles = vec![Settle::Mark { mail: mail.clone(), worker: self.owner.clone() }];
        settles.extend(self.unrecorded.clone().map(|(mail, words)| Settle::Sent { mail, words }));
        match self.ledger.settle(settles, self.coming.take()).await {
            Ok(took) => {
                if let Some((mail, _)) = self.unrecorded.take()
                    && took.get(1) != Some(&true)
                {
                    warn!(mail.id = %mail, "A message changed hands while it was being sent");
                }
                took.first() == Some(&true)
            }
            Err(error) => {
                error!(mail.id = %mail, error = %error, "Cannot mark message {mail}; it is not sent now");
                false
            }
        }
    }

    async fn record(&mut self, mail: &ClaimedMail, verdict: Verdict) -> Result<(), SendError> {
        let (id, attempt) = (&mail.id, mail.attempts + 1);
        let counters = &Arc::clone(&self.shared).counters;
        match verdict {
            Verdict::Sent(words) => {
                self.lane.gate.answered();
                self.lane.breaker.reset(&mail.round.id);
                // Written down with the next marker of this connection, and before it in any case.
                self.unrecorded = Some((id.clone(), words));
                info!(mail.id = %id, mail.attempt = attempt, "Sent {} {id} on attempt {attempt}", mail.kind.as_str());
                Counters::one(&counters.sent);
            }
            Verdict::Later(words) => {
                self.put_off(mail, &words).await?;
            }
            Verdict::LaterAndAway(words) => {
                self.put_off(mail, &words).await?;
                self.away(&words);
            }
            Verdict::Failed { words, dead_address } => {
                self.fail(mail, &words, dead_address).await?;
            }
            Verdict::Policy(words)
                if self.lane.breaker.refused(&mail.round.id) < self.shared.schedule.policy_refusals =>
            {
                self.put_off(mail, &words).await?;
            }
            Verdict::Policy(words) => {
                self.pause(mail, Obstacle::Policy, &words).await?;
            }
            Verdict::Pause(obstacle, words) => {
                self.pause(mail, obstacle, &words).await?;
            }
            Verdict::Again(words) => self.put_back(mail, &words, Duration::ZERO).await?,
            Verdict::RelayAway(words) => {
                let rest = self.away(&words);
                // Another relay need not wait for this one.
                let rest = if self.shared.lanes.len() > 1 { Duration::ZERO } else { rest };
                self.put_back(mail, &words, rest).await?;
            }
            Verdict::Uncertain(words) => {
                self.persist(|store, now| {
                    let (words, name) = (words.clone(), self.owner.clone());
                    async move { store.record_uncertain(id, &name, &words, now).await }
                })
                .await?;
                warn!(mail.id = %id, mail.attempt = attempt, "Message {id} is uncertain: no answer to its final dot");
                Counters::one(&counters.uncertain);
                self.away(&words);
            }
            Verdict::NotNow => self.give_back(id).await?,
            Verdict::NotOurs => {
                Counters::one(&counters.unwanted);
            }
        }
        Ok(())
    }

    /// Later, with the attempt counted; failed when it was put off too often.
    async fn put_off(&mut self, mail: &ClaimedMail, words: &str) -> Result<(), SendError> {
        let attempt = mail.attempts + 1;
        if attempt >= self.shared.schedule.attempts {
            return self.fail(mail, words, false).await;
        }
        let at = self.shared.later(judge::message_wait(mail.attempts, (self.shared.chance)()));
        let (id, name) = (&mail.id, &self.owner);
        self.persist(
            |store, now| async move { store.record_deferred(id, name, words, at, Attempt::Counts, now).await },
        )
        .await?;
        info!(mail.id = %id, mail.attempt = attempt, reply = for_log(words), "Put off {} {id} on attempt {attempt}", mail.kind.as_str());
        Counters::one(&self.shared.counters.deferred);
        Ok(())
    }

    /// Later, without using up an attempt.
    async fn put_back(&self, mail: &ClaimedMail, words: &str, rest: Duration) -> Result<(), SendError> {
        let at = self.shared.later(rest);
        let (id, name) = (&mail.id, &self.owner);
        self.persist(|store, now| async move { store.record_deferred(id, name, words, at, Attempt::Free, now).await })
            .await?;
        Ok(())
    }

    async fn fail(&mut self, mail: &ClaimedMail, words: &str, dead_address: bool) -> Result<(), SendError> {
        let (id, name, attempt) = (&mail.id, &self.owner, mail.attempts + 1);
        self.persist(|store, now| async move { store.record_failed(id, name, words, dead_address, now).await }).await?;
        info!(mail.id = %id, mail.attempt = attempt, mail.dead_address = dead_address, reply = for_log(words), "Failed {} {id} on attempt {attempt}", mail.kind.as_str());
        Counters::one(&self.shared.counters.failed);
        Ok(())
    }

    /// Stops the sending of a round until a person lets it go on.
    async fn pause(&mut self, mail: &ClaimedMail, obstacle: Obstacle, words: &str) -> Result<(), SendError> {
        let round = &mail.round.id;
        let said = &without_addresses(words);
        // First the pause, so that nobody takes the message again at once.
        self.persist(|store, now| async move {
            store.pause_mail_for(&mail.municipality.id, round, obstacle.message_key(), said, now).await.map(|()| true)
        })
        .await?;
        self.put_back(mail, words, Duration::ZERO).await?;
        error!(round.id = %round, obstacle = ?obstacle, reply = for_log(words), "Sending of round {round} is paused");
        self.lane.breaker.reset(round);
        Ok(())
    }

    /// Closes the gate; returns how long.
    fn away(&self, words: &str) -> Duration {
        let first = self.shared.schedule.relay_rest;
        let chance = (self.shared.chance)();
        words.clone_into(&mut locked(&self.lane.reason));
        let failures = self.lane.gate.close(|failures| judge::relay_wait(first, failures, chance));
        warn!(failures, reply = for_log(words), "The relay is away; sending rests");
        judge::relay_wait(first, failures, chance)
    }

    /// Records with patience: what the server has decided must not be lost to a moment of the database.
    async fn persist<F, Fut>(&self, record: F) -> Result<(), SendError>
    where
        F: Fn(Store, Millis) -> Fut,
        Fut: Future<Output = Result<bool, StoreError>>,
    {
        let mut tries = 0;
        loop {
            match record(self.shared.store.clone(), self.shared.clock.now()).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    warn!("A message changed hands while it was being sent");
                    return Ok(());
                }
                Err(error) if error.is_temporary() && tries < 6 => {
                    tries += 1;
                    tokio::time::sleep(Duration::from_millis(100) * (1 << tries)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
