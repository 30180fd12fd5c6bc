//! Takes messages from the outbox, sends them and records what the server said.
//!
//! A message is claimed under a lease, asked for once more right before MAIL FROM, marked in the database right before the
//! final dot, and recorded by the answer to it. Whatever dies in between leaves either an expired claim (sent again) or a
//! marked message without an answer (uncertain: shown, never sent again by itself).
pub mod judge;
mod lane;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::{JobId, MailId, QuestionnaireId, RoundId};
use domain::questionnaire::Questionnaire;
use domain::time::{Clock, Millis};
use store::outbox::{Attempt, ClaimedMail};
use store::{Store, StoreError};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::judge::{Obstacle, Verdict};
use self::lane::{Breaker, Gate, Pace, rest};
use crate::message::{ComposeError, Composer, Rendered};
use crate::smtp::{Client, ConnectError, Connection};
use crate::transport::{Transport, write_file};

/// Where chance comes from: numbers in 0–1.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// How the worker divides its time.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// How long claimed messages are ours.
    pub lease: Duration,
    /// Messages claimed at once; at most 100.
    pub batch: u32,
    /// How often an idle worker looks into the outbox.
    pub poll: Duration,
    /// A message that was put off so often has failed.
    pub attempts: i64,
    /// How long a relay rests after its first failure.
    pub relay_rest: Duration,
    /// [`Mailer::run_once`] gives up when the relay was away so often in a row.
    pub relay_failures: u32,
    /// Refusals by policy in a row that pause a round.
    pub policy_refusals: u32,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15 * 60),
            batch: 25,
            poll: Duration::from_secs(5),
            attempts: 10,
            relay_rest: Duration::from_secs(2),
            relay_failures: 5,
            policy_refusals: 3,
        }
    }
}

/// What became of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Taken by the server.
    pub sent: u64,
    /// Put off.
    pub deferred: u64,
    /// Failed for good.
    pub failed: u64,
    /// In doubt.
    pub uncertain: u64,
    /// Not wanted any more when their turn came, or not ours any more.
    pub unwanted: u64,
}

impl Tally {
    /// Adds another one.
    pub const fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.deferred += other.deferred;
        self.failed += other.failed;
        self.uncertain += other.uncertain;
        self.unwanted += other.unwanted;
    }
}

/// Why sending ended before the outbox was empty.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The relay stayed away.
    #[error("the relay is away: {0}")]
    RelayAway(String),
    /// The relay cannot be used as configured.
    #[error(transparent)]
    Relay(#[from] ConnectError),
    /// A worker died.
    #[error("a worker died")]
    Worker(#[source] tokio::task::JoinError),
}

/// Sends mail. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    composer: Arc<Composer>,
    clock: Arc<dyn Clock>,
    chance: Chance,
    schedule: Schedule,
    lanes: Vec<Arc<Lane>>,
    questionnaires: Mutex<HashMap<QuestionnaireId, Arc<Questionnaire>>>,
    minutes: Mutex<HashMap<(QuestionnaireId, String), (u32, u32)>>,
}

/// A way out with what its workers share.
struct Lane {
    way: Way,
    workers: usize,
    gate: Gate,
    pace: Pace,
    breaker: Breaker,
    reason: Mutex<String>,
}

enum Way {
    Relay(Box<Client>),
    File(PathBuf),
    Table,
}

/// Until when to work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Once,
    Watch,
}

impl Mailer {
    /// A mailer over `store`; nothing is sent before [`Self::run`] or [`Self::run_once`].
    ///
    /// # Errors
    /// [`SendError::Relay`] when a relay cannot be used as configured.
    pub fn new(
        store: Store,
        composer: Arc<Composer>,
        transport: Transport,
        clock: Arc<dyn Clock>,
        chance: Chance,
        schedule: Schedule,
    ) -> Result<Self, SendError> {
        let lane = |way, workers: usize, per_minute| {
            Arc::new(Lane {
                way,
                workers: workers.max(1),
                gate: Gate::default(),
                pace: Pace::per_minute(per_minute),
                breaker: Breaker::default(),
                reason: Mutex::default(),
            })
        };
        let lanes = match transport {
            Transport::Smtp(relays) => {
                let mut lanes = Vec::with_capacity(relays.len());
                for relay in relays {
                    let (workers, per_minute) = (relay.workers, relay.per_minute);
                    lanes.push(lane(Way::Relay(Box::new(Client::new(relay)?)), workers, per_minute));
                }
                lanes
            }
            Transport::File(folder) => vec![lane(Way::File(folder), 1, None)],
            Transport::Table => vec![lane(Way::Table, 1, None)],
        };
        let shared = Shared {
            store,
            composer,
            clock,
            chance,
            schedule,
            lanes,
            questionnaires: Mutex::default(),
            minutes: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Sends what is due until the outbox is empty or `stop` is cancelled.
    ///
    /// # Errors
    /// [`SendError`]; what was sent before is recorded.
    pub async fn run_once(&self, stop: &CancellationToken) -> Result<Tally, SendError> {
        self.shared.recover().await?;
        self.work(Mode::Once, stop).await
    }

    /// Sends whatever comes due until `stop` is cancelled; then finishes the messages under way and gives the others back.
    ///
    /// # Errors
    /// [`SendError::Worker`] when a worker died; everything else is logged and tried again.
    pub async fn run(&self, stop: &CancellationToken) -> Result<Tally, SendError> {
        let recovery = {
            let (shared, stop) = (Arc::clone(&self.shared), stop.clone());
            async move {
                loop {
                    if let Err(error) = shared.recover().await {
                        error!(error = %error, "Cannot clear up after workers that died");
                    }
                    if !rest(Instant::now() + shared.schedule.lease / 2, &stop).await {
                        return;
                    }
                }
            }
        };
        let ((), tally) = tokio::join!(recovery, self.work(Mode::Watch, stop));
        tally
    }

    async fn work(&self, mode: Mode, stop: &CancellationToken) -> Result<Tally, SendError> {
        let mut workers = JoinSet::new();
        let run = JobId::new(self.shared.clock.now());
        for (l, lane) in self.shared.lanes.iter().enumerate() {
            for w in 0..lane.workers {
                let (shared, lane, stop, name) =
                    (Arc::clone(&self.shared), Arc::clone(lane), stop.clone(), format!("{run}-{l}-{w}"));
                workers.spawn(async move {
                    Worker { shared, lane, name, connection: None, tally: Tally::default() }.work(mode, &stop).await
                });
            }
        }
        let mut tally = Tally::default();
        let mut first_error = None;
        while let Some(result) = workers.join_next().await {
            match result {
                Ok(Ok(part)) => tally.add(&part),
                Ok(Err(error)) => first_error = first_error.or(Some(error)),
                Err(error) => {
                    // What it died of may hold what it was working on; the panic has logged its place.
                    error!("A mail worker died");
                    first_error = first_error.or(Some(SendError::Worker(error)));
                }
            }
        }
        first_error.map_or(Ok(tally), Err)
    }
}

impl Shared {
    async fn recover(&self) -> Result<(), StoreError> {
        let recovered = self.store.recover_expired(self.clock.now()).await?;
        if recovered.requeued > 0 {
            info!(mails = recovered.requeued, "Messages of a worker that died go back into the queue");
        }
        if recovered.uncertain > 0 {
            warn!(mails = recovered.uncertain, "Messages are uncertain: a worker died while the server had them");
        }
        Ok(())
    }

    /// The expected minutes of this business's way through its questionnaire.
    async fn minutes(&self, mail: &ClaimedMail) -> Result<Option<(u32, u32)>, StoreError> {
        let Some(id) = &mail.round.questionnaire else { return Ok(None) };
        // The number by which chance chooses between subjects differs for every business and hardly changes the time.
        let facts: Vec<_> = mail.facts.iter().filter(|(name, _)| *name != "draw").collect();
        let key = (id.clone(), format!("{facts:?}"));
        if let Some(minutes) = locked(&self.minutes).get(&key) {
            return Ok(Some(*minutes));
        }
        let known = locked(&self.questionnaires).get(id).cloned();
        let questionnaire = match known {
            Some(questionnaire) => questionnaire,
            None => {
                let questionnaire = Arc::new(self.store.questionnaire(&mail.municipality.id, id).await?);
                locked(&self.questionnaires).insert(id.clone(), Arc::clone(&questionnaire));
                questionnaire
            }
        };
        let minutes = questionnaire.expected_minutes(&mail.facts);
        locked(&self.minutes).insert(key, minutes);
        Ok(Some(minutes))
    }

    fn later(&self, wait: Duration) -> Millis {
        later(self.clock.now(), wait)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What of a server's words may stand in a log: code and status; the rest may hold an address. Our own words stand as they are.
fn for_log(words: &str) -> &str {
    if !words.starts_with(|c: char| c.is_ascii_digit()) {
        return words;
    }
    let end = words.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ' ').unwrap_or(words.len());
    words[..end].trim_end()
}

/// A server's words about a round, not about one message: whoever it was that it refused stays out of them.
fn without_addresses(words: &str) -> String {
    words.split(' ').map(|word| if word.contains('@') { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

fn later(now: Millis, wait: Duration) -> Millis {
    Millis(now.0.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
}

/// One worker: at most one connection, one message at a time.
struct Worker {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    name: String,
    connection: Option<Connection>,
    tally: Tally,
}

/// What the worker does after a message.
enum Next {
    Message,
    GiveBack,
}

impl Worker {
    async fn work(mut self, mode: Mode, stop: &CancellationToken) -> Result<Tally, SendError> {
        let result = loop {
            match self.round_trip(mode, stop).await {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) if mode == Mode::Once => break Err(error),
                Err(error) => {
                    error!(error = %error, "Sending stopped for a while");
                    if !rest(Instant::now() + self.shared.schedule.poll.max(Duration::from_secs(1)), stop).await {
                        break Ok(());
                    }
                }
            }
        };
        if let Some(connection) = self.connection.take() {
            connection.quit().await;
        }
        result.map(|()| self.tally)
    }

    /// Claims a batch and sends it, or waits for one; `false` when there is nothing more to do.
    async fn round_trip(&mut self, mode: Mode, stop: &CancellationToken) -> Result<bool, SendError> {
        let schedule = self.shared.schedule;
        if mode == Mode::Once && self.lane.gate.failures() >= schedule.relay_failures {
            return Err(SendError::RelayAway(for_log(&locked(&self.lane.reason)).to_owned()));
        }
        if !self.lane.gate.pass(stop).await {
            return Ok(false);
        }
        let now = self.shared.clock.now();
        let until = later(now, schedule.lease);
        let batch = self.shared.store.claim_mail(&self.name, schedule.batch.clamp(1, 100), until, now).await?;
        if batch.is_empty() {
            // A connection that idles is in the server's way and will have been closed when it is needed.
            if let Some(connection) = self.connection.take() {
                connection.quit().await;
            }
            return Ok(mode == Mode::Watch && self.idle(stop).await?);
        }
        // Not so late that the lease could run out under a message that is being sent.
        let last_start = later(now, schedule.lease / 2);
        self.send_batch(&batch, last_start, stop).await?;
        Ok(!stop.is_cancelled())
    }

    async fn idle(&self, stop: &CancellationToken) -> Result<bool, SendError> {
        let now = self.shared.clock.now();
        let due = self.shared.store.next_mail_due(now).await?;
        let poll = self.shared.schedule.poll;
        let wait = due.map_or(poll, |due| Duration::from_millis(u64::try_from(due.0 - now.0).unwrap_or(0)).min(poll));
        Ok(rest(Instant::now() + wait.max(Duration::from_millis(100)), stop).await)
    }

    async fn send_batch(
        &mut self,
        batch: &[ClaimedMail],
        last_start: Millis,
        stop: &CancellationToken,
    ) -> Result<(), SendError> {
        let mut paused: HashSet<RoundId> = HashSet::new();
        for (i, mail) in batch.iter().enumerate() {
            let go =
                self.lane.pace.turn(stop).await && self.shared.clock.now() <= last_start && !self.lane.gate.is_closed();
            let next = if !go {
                Next::GiveBack
            } else if paused.contains(&mail.round.id) {
                self.give_back(std::slice::from_ref(mail)).await?;
                Next::Message
            } else {
                match self.send(mail, &mut paused).await {
                    Ok(next) => next,
                    Err(error) => {
                        // The lease gives them back should this fail as well.
                        let _ = self.give_back(&batch[i..]).await;
                        return Err(error);
                    }
                }
            };
            if matches!(next, Next::GiveBack) {
                let first = if go { i + 1 } else { i };
                return self.give_back(&batch[first..]).await;
            }
        }
        Ok(())
    }

    async fn give_back(&self, mails: &[ClaimedMail]) -> Result<(), SendError> {
        let ids: Vec<MailId> = mails.iter().map(|mail| mail.id.clone()).collect();
        if !ids.is_empty() {
            self.shared.store.release_mail(&ids, &self.name, self.shared.clock.now()).await?;
        }
        Ok(())
    }

    /// Sends one message and records what became of it.
    async fn send(&mut self, mail: &ClaimedMail, paused: &mut HashSet<RoundId>) -> Result<Next, SendError> {
        let verdict = match self.shared.minutes(mail).await? {
            None => Verdict::Pause(Obstacle::Setting, "questionnaire".into()),
            Some(minutes) => match self.shared.composer.compose(mail, minutes, self.shared.clock.now()) {
                Ok(rendered) => self.deliver(mail, &rendered).await?,
                Err(error @ ComposeError::Recipient) => {
                    Verdict::Failed { words: error.to_string(), dead_address: true }
                }
                Err(error) => {
                    error!(mail.id = %mail.id, error = %error, "A message cannot be written");
                    Verdict::Pause(Obstacle::Setting, error.to_string())
                }
            },
        };
        self.record(mail, verdict, paused).await
    }

    async fn deliver(&mut self, mail: &ClaimedMail, rendered: &Rendered) -> Result<Verdict, SendError> {
        let lane = Arc::clone(&self.lane);
        match &lane.way {
            Way::Relay(client) => self.deliver_by_relay(client, mail, rendered).await,
            Way::File(folder) => {
                if !self.is_wanted(mail).await? || !self.mark(&mail.id).await {
                    return Ok(Verdict::NotOurs);
                }
                Ok(match write_file(folder, &mail.id, &rendered.bytes).await {
                    Ok(()) => Verdict::Sent("written to a file".into()),
                    Err(error) => Verdict::RelayAway(error.to_string()),
                })
            }
            Way::Table => {
                if !self.is_wanted(mail).await? || !self.mark(&mail.id).await {
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
        loop {
            let worn = self
                .connection
                .as_ref()
                .is_some_and(|c| !c.is_open() || c.taken() >= client.relay().recycle_after.max(1));
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
            if !self.is_wanted(mail).await? {
                self.connection = Some(connection);
                return Ok(Verdict::NotOurs);
            }
            let delivery = connection.send(&rendered.envelope, &rendered.bytes, self.mark(&mail.id)).await;
            let used = connection.taken() > 1;
            let verdict = judge::delivery(&delivery);
            let open = connection.is_open();
            if open {
                self.connection = Some(connection);
            }
            // A connection that was closed while it idled says nothing about the relay: once more over a new one.
            if used
                && !open
                && matches!(delivery, crate::smtp::Delivery::Lost(_))
                && matches!(verdict, Verdict::RelayAway(_))
            {
                continue;
            }
            return Ok(verdict);
        }
    }

    async fn is_wanted(&self, mail: &ClaimedMail) -> Result<bool, StoreError> {
        self.shared.store.still_wanted(&mail.id, &self.name, self.shared.clock.now()).await
    }

    /// The durable marker. When the database does not answer the dot is not sent.
    fn mark(&self, mail: &MailId) -> impl Future<Output = bool> + Send + use<> {
        let (shared, mail, name) = (Arc::clone(&self.shared), mail.clone(), self.name.clone());
        async move {
            let now = shared.clock.now();
            match shared.store.mark_sending(&mail, &name, later(now, shared.schedule.lease), now).await {
                Ok(ours) => ours,
                Err(error) => {
                    error!(mail.id = %mail, error = %error, "Cannot mark message {mail}; it is not sent now");
                    false
                }
            }
        }
    }

    async fn record(
        &mut self,
        mail: &ClaimedMail,
        verdict: Verdict,
        paused: &mut HashSet<RoundId>,
    ) -> Result<Next, SendError> {
        let (id, attempt) = (&mail.id, mail.attempts + 1);
        let next = match verdict {
            Verdict::Sent(words) => {
                self.lane.gate.answered();
                self.lane.breaker.reset(&mail.round.id);
                self.persist(|store, now| {
                    let words = words.clone();
                    async move { store.record_sent(id, &words, now).await }
                })
                .await?;
                info!(mail.id = %id, mail.attempt = attempt, "Sent {} {id} on attempt {attempt}", mail.kind.as_str());
                self.tally.sent += 1;
                Next::Message
            }
            Verdict::Later(words) => {
                self.put_off(mail, &words).await?;
                Next::Message
            }
            Verdict::LaterAndAway(words) => {
                self.put_off(mail, &words).await?;
                self.away(&words);
                Next::GiveBack
            }
            Verdict::Failed { words, dead_address } => {
                self.fail(mail, &words, dead_address).await?;
                Next::Message
            }
            Verdict::Policy(words)
                if self.lane.breaker.refused(&mail.round.id) < self.shared.schedule.policy_refusals =>
            {
                self.put_off(mail, &words).await?;
                Next::Message
            }
            Verdict::Policy(words) => {
                self.pause(mail, Obstacle::Policy, &words, paused).await?;
                Next::Message
            }
            Verdict::Pause(obstacle, words) => {
                self.pause(mail, obstacle, &words, paused).await?;
                Next::Message
            }
            Verdict::RelayAway(words) => {
                let rest = self.away(&words);
                self.put_back(mail, &words, rest).await?;
                Next::GiveBack
            }
            Verdict::Uncertain(words) => {
                self.persist(|store, now| {
                    let (words, name) = (words.clone(), self.name.clone());
                    async move { store.record_uncertain(id, &name, &words, now).await }
                })
                .await?;
                warn!(mail.id = %id, mail.attempt = attempt, "Message {id} is uncertain: no answer to its final dot");
                self.tally.uncertain += 1;
                self.away(&words);
                Next::GiveBack
            }
            Verdict::NotOurs => {
                self.tally.unwanted += 1;
                Next::Message
            }
        };
        Ok(next)
    }

    /// Later, with the attempt counted; failed when it was put off too often.
    async fn put_off(&mut self, mail: &ClaimedMail, words: &str) -> Result<(), SendError> {
        let attempt = mail.attempts + 1;
        if attempt >= self.shared.schedule.attempts {
            return self.fail(mail, words, false).await;
        }
        let at = self.shared.later(judge::message_wait(mail.attempts, (self.shared.chance)()));
        let (id, name) = (&mail.id, &self.name);
        self.persist(
            |store, now| async move { store.record_deferred(id, name, words, at, Attempt::Counts, now).await },
        )
        .await?;
        info!(mail.id = %id, mail.attempt = attempt, reply = for_log(words), "Put off {} {id} on attempt {attempt}", mail.kind.as_str());
        self.tally.deferred += 1;
        Ok(())
    }

    /// Later, without using up an attempt.
    async fn put_back(&self, mail: &ClaimedMail, words: &str, rest: Duration) -> Result<(), SendError> {
        let at = self.shared.later(rest);
        let (id, name) = (&mail.id, &self.name);
        self.persist(|store, now| async move { store.record_deferred(id, name, words, at, Attempt::Free, now).await })
            .await?;
        Ok(())
    }

    async fn fail(&mut self, mail: &ClaimedMail, words: &str, dead_address: bool) -> Result<(), SendError> {
        let (id, name, attempt) = (&mail.id, &self.name, mail.attempts + 1);
        self.persist(|store, now| async move { store.record_failed(id, name, words, dead_address, now).await }).await?;
        info!(mail.id = %id, mail.attempt = attempt, mail.dead_address = dead_address, reply = for_log(words), "Failed {} {id} on attempt {attempt}", mail.kind.as_str());
        self.tally.failed += 1;
        Ok(())
    }

    /// Stops the sending of a round until a person lets it go on.
    async fn pause(
        &mut self,
        mail: &ClaimedMail,
        obstacle: Obstacle,
        words: &str,
        paused: &mut HashSet<RoundId>,
    ) -> Result<(), SendError> {
        let round = &mail.round.id;
        let language = mail.municipality.settings.language;
        let reason = self.shared.composer.pause_reason(language, obstacle, &without_addresses(words));
        let reason = reason.as_str();
        self.put_back(mail, words, Duration::ZERO).await?;
        self.persist(|store, now| async move {
            store.pause_mail(&mail.municipality.id, round, reason, now).await.map(|()| true)
        })
        .await?;
        error!(round.id = %round, obstacle = ?obstacle, reply = for_log(words), "Sending of round {round} is paused");
        self.lane.breaker.reset(round);
        paused.insert(round.clone());
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

#[cfg(test)]
mod tests;
