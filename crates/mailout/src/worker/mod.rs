//! Takes messages from the outbox, sends them and records what the server said.
//!
//! A message is claimed under a lease. Right before MAIL FROM one statement asks whether it is still wanted and marks it, and is
//! on the disk before anything is said about it; the answer to the final dot is recorded. Whatever dies in between leaves either an expired claim (sent again) or a
//! marked message without an answer (uncertain: shown, never sent again by itself).
//!
//! Each relay is a lane: one feeder claims up to 100 messages at a time, preparers write them out, and as many senders as the
//! relay may have connections own one each. What the senders have to say to the database goes through one `ledger`.
pub mod judge;
mod lane;
mod ledger;
mod sender;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ids::{JobId, MailId, QuestionnaireId, RoundId};
use domain::questionnaire::Questionnaire;
use domain::sending::mail_ends;
use domain::time::{Clock, Millis};
use store::outbox::ClaimedMail;
use store::sending::Waking;
use store::{Store, StoreError};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::judge::{Obstacle, Verdict};
use self::lane::{Breaker, Gate, Pace, rest};
use self::ledger::Ledger;
use self::sender::Sender;
use crate::message::{ComposeError, Composer, Rendered};
use crate::smtp::{Client, ConnectError};
use crate::transport::Transport;

/// Where chance comes from: numbers in 0–1.
pub type Chance = Arc<dyn Fn() -> f64 + Send + Sync>;

/// How the worker divides its time.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// How long claimed messages are ours before they go back; half of it is for waiting their turn.
    pub claim: Duration,
    /// How long a marked message is ours before it is in doubt; longer than a relay may take to answer the dot.
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
    /// Most messages a minute to one recipient domain; none: no limit.
    pub per_domain: Option<u32>,
    /// When no sender was seen for longer, what was waiting then is not sent before a person says so.
    pub silence: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            claim: Duration::from_secs(5 * 60),
            lease: Duration::from_secs(15 * 60),
            batch: 100,
            poll: Duration::from_secs(5),
            attempts: 10,
            relay_rest: Duration::from_secs(2),
            relay_failures: 5,
            policy_refusals: 3,
            per_domain: None,
            silence: Duration::from_secs(24 * 3600),
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

    /// What came after `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            sent: self.sent - earlier.sent,
            deferred: self.deferred - earlier.deferred,
            failed: self.failed - earlier.failed,
            uncertain: self.uncertain - earlier.uncertain,
            unwanted: self.unwanted - earlier.unwanted,
        }
    }
}

/// A tally that many senders keep.
#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    deferred: AtomicU64,
    failed: AtomicU64,
    uncertain: AtomicU64,
    unwanted: AtomicU64,
}

impl Counters {
    fn one(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn tally(&self) -> Tally {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Tally {
            sent: read(&self.sent),
            deferred: read(&self.deferred),
            failed: read(&self.failed),
            uncertain: read(&self.uncertain),
            unwanted: read(&self.unwanted),
        }
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
    /// Addresses, or `@domain`, in lower case; empty: everybody.
    only_to: Vec<String>,
    /// What its leases begin with.
    name: String,
    counters: Counters,
    questionnaires: Mutex<HashMap<QuestionnaireId, Arc<Questionnaire>>>,
    minutes: Mutex<HashMap<(QuestionnaireId, String), (u32, u32)>>,
}

/// A way out with what its senders share.
struct Lane {
    way: Way,
    /// Under which its tokens are kept.
    name: String,
    per_minute: Option<u32>,
    workers: usize,
    gate: Gate,
    pace: Pace,
    breaker: Breaker,
    reason: Mutex<String>,
    /// Messages claimed and not finished.
    held: AtomicUsize,
    emptied: Notify,
    /// Taken off the belt by somebody who was told to stop; to be given back.
    left: Mutex<Vec<MailId>>,
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

/// A claimed message on its way through a lane.
struct Claimed {
    mail: ClaimedMail,
    /// Not begun after this: its lease could run out while it is being sent.
    last_start: Millis,
    _held: Held,
}

/// Counts a message as held by its lane until it is finished or given back.
struct Held(Arc<Lane>);

impl Held {
    fn new(lane: &Arc<Lane>) -> Self {
        lane.held.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(lane))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0.held.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.emptied.notify_one();
        }
    }
}

/// A message written out; or what stands in the way of that.
struct Ready {
    claimed: Claimed,
    made: Result<Rendered, Verdict>,
}

/// One end of a lane's belt, shared by those who take from it.
type Shelf<T> = Arc<tokio::sync::Mutex<mpsc::Receiver<T>>>;

/// May a message go out now?
enum Timing {
    Now,
    NotBefore(Millis),
    Over,
}

/// How long a round is held at most before its hours are looked at again: they may be changed.
const HOLD: i64 = 15 * 60;
/// Days after which a notice that belongs to no closing day is not sent any more.
const NOTICE_DAYS: i64 = 30;
/// Pieces of a second and of a minute, in milliseconds.
const MINUTE: u32 = 60_000;

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
        let lane = |way, name: String, workers: usize, per_minute: Option<u32>| {
            Arc::new(Lane {
                way,
                name,
                per_minute: per_minute.filter(|n| *n > 0),
                workers: workers.max(1),
                gate: Gate::default(),
                pace: Pace::per_minute(per_minute),
                breaker: Breaker::default(),
                reason: Mutex::default(),
                held: AtomicUsize::new(0),
                emptied: Notify::new(),
                left: Mutex::default(),
            })
        };
        let lanes = match transport {
            Transport::Smtp(relays) => {
                let mut lanes = Vec::with_capacity(relays.len());
                for relay in relays {
                    let (name, workers, per_minute) = (relay.name(), relay.workers, relay.per_minute);
                    lanes.push(lane(Way::Relay(Box::new(Client::new(relay)?)), name, workers, per_minute));
                }
                lanes
            }
            Transport::File(folder) => vec![lane(Way::File(folder), "file".into(), 1, None)],
            Transport::Table => vec![lane(Way::Table, "table".into(), 1, None)],
        };
        let shared = Shared {
            store,
            composer,
            clock,
            chance,
            schedule,
            lanes,
            only_to: Vec::new(),
            name: "mailer".into(),
            counters: Counters::default(),
            questionnaires: Mutex::default(),
            minutes: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The same mailer, sending to these addresses (or `@domain`s) only; other messages stay where they are.
    #[must_use]
    pub fn only_to(self, addresses: Vec<String>) -> Self {
        let only_to = addresses.iter().map(|address| address.trim().to_lowercase()).collect();
        self.changed(|shared| shared.only_to = only_to)
    }

    /// The same mailer under a name, with which its leases begin: which machine holds a message.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        let name = name.to_owned();
        self.changed(|shared| shared.name = name)
    }

    fn changed(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::get_mut(&mut self.shared).expect("a mailer is set up before it is shared or run"));
        self
    }

    /// What became of messages since this mailer was made.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.shared.counters.tally()
    }

    /// Sends what is due until the outbox is empty or `stop` is cancelled.
    ///
    /// # Errors
    /// [`SendError`]; what was sent before is recorded.
    pub async fn run_once(&self, stop: &CancellationToken) -> Result<Tally, SendError> {
        self.shared.wake().await?;
        self.shared.recover().await?;
        let done = CancellationToken::new();
        let work = async {
            let tally = self.work(Mode::Once, stop).await;
            done.cancel();
            tally
        };
        let (tally, ()) = tokio::join!(work, self.shared.keep(&done, false));
        self.shared.store.beat_mail(self.shared.clock.now()).await?;
        tally
    }

    /// Sends whatever comes due until `stop` is cancelled; then finishes the messages under way and gives the others back.
    ///
    /// # Errors
    /// [`SendError::Store`] when the database cannot be used at the start; everything else is logged and tried again.
    pub async fn run(&self, stop: &CancellationToken) -> Result<Tally, SendError> {
        self.shared.wake().await?;
        let (tally, ()) = tokio::join!(self.work(Mode::Watch, stop), self.shared.keep(stop, true));
        tally
    }

    async fn work(&self, mode: Mode, stop: &CancellationToken) -> Result<Tally, SendError> {
        let before = self.tally();
        let mut clerks = JoinSet::new();
        let shared = &self.shared;
        let ledger = Arc::new(Ledger::open(&shared.store, &shared.clock, shared.schedule.lease, &mut clerks));
        let run = JobId::new(shared.clock.now());
        let mut lanes = JoinSet::new();
        for (l, lane) in shared.lanes.iter().enumerate() {
            let (shared, lane, ledger, stop) =
                (Arc::clone(shared), Arc::clone(lane), Arc::clone(&ledger), stop.clone());
            let owner = format!("{}-{run}-{l}", shared.name);
            lanes.spawn(async move { run_lane(&shared, &lane, &ledger, &owner, mode, &stop).await });
        }
        let mut first_error = None;
        while let Some(result) = lanes.join_next().await {
            let error = match result {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error),
                Err(error) => Some(SendError::Worker(error)),
            };
            first_error = first_error.or(error);
        }
        first_error.map_or_else(|| Ok(self.tally().since(&before)), Err)
    }
}

/// One relay: a feeder, preparers and senders, until there is nothing more to do.
async fn run_lane(
    shared: &Arc<Shared>,
    lane: &Arc<Lane>,
    ledger: &Arc<Ledger>,
    owner: &str,
    mode: Mode,
    stop: &CancellationToken,
) -> Result<(), SendError> {
    // Of its own: a sender that cannot go on stops its lane.
    let stop = &stop.child_token();
    let (claims, claimed) = mpsc::channel(32);
    let (written, ready) = mpsc::channel(2 * lane.workers);
    let claimed: Shelf<Claimed> = Arc::new(tokio::sync::Mutex::new(claimed));
    let ready: Shelf<Ready> = Arc::new(tokio::sync::Mutex::new(ready));
    let mut hands = JoinSet::new();
    for _ in 0..std::thread::available_parallelism().map_or(2, usize::from).min(4) {
        let (shared, lane, claimed, written) =
            (Arc::clone(shared), Arc::clone(lane), Arc::clone(&claimed), written.clone());
        let stopping = stop.clone();
        hands.spawn(kept_alive(stop.clone(), move || {
            prepare(Arc::clone(&shared), Arc::clone(&lane), Arc::clone(&claimed), written.clone(), stopping.clone())
        }));
    }
    drop(written);
    for _ in 0..lane.workers {
        let (shared, lane, ledger, ready) =
            (Arc::clone(shared), Arc::clone(lane), Arc::clone(ledger), Arc::clone(&ready));
        let (owner, stopping) = (owner.to_owned(), stop.clone());
        hands.spawn(kept_alive(stop.clone(), move || {
            Sender::new(Arc::clone(&shared), Arc::clone(&lane), Arc::clone(&ledger), owner.clone()).work(
                Arc::clone(&ready),
                mode,
                stopping.clone(),
            )
        }));
    }
    let feeder = Feeder { shared, lane, owner, claimed: &claimed, ready: &ready };
    let mut outcome = feeder.work(claims, mode, stop).await;
    // The belt is closed; whoever is at work on it finishes what it holds.
    while let Some(result) = hands.join_next().await {
        let result = match result {
            Ok(result) => result,
            Err(error) => Err(SendError::Worker(error)),
        };
        outcome = outcome.and(result);
    }
    // What nobody took goes back.
    let left = feeder.sweep();
    feeder.give_back(&left).await?;
    outcome
}

/// Makes a new one of what panicked, after a while; what it held is given back by its lease.
async fn kept_alive<F, Fut>(stop: CancellationToken, make: F) -> Result<(), SendError>
where
    F: Fn() -> Fut,
    Fut: Future<Output = Result<(), SendError>> + Send + 'static,
{
    let mut died = None;
    let mut failures = 0_u32;
    loop {
        let mut one = JoinSet::new();
        one.spawn(make());
        match one.join_next().await {
            Some(Ok(result)) => return died.map_or(result, |error| Err(SendError::Worker(error))),
            Some(Err(error)) => {
                // The panic has logged its place.
                error!("A mail worker died; another one takes its place");
                died = Some(error);
            }
            None => return Ok(()),
        }
        failures += 1;
        let wait = Duration::from_millis(200).saturating_mul(1 << failures.min(8));
        if !rest(Instant::now() + wait, &stop).await {
            return died.map_or(Ok(()), |error| Err(SendError::Worker(error)));
        }
    }
}

/// Writes claimed messages out, off the connections' way.
async fn prepare(
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    claimed: Shelf<Claimed>,
    written: mpsc::Sender<Ready>,
    stop: CancellationToken,
) -> Result<(), SendError> {
    loop {
        let next = async { claimed.lock().await.recv().await };
        let next = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            next = next => next,
        };
        let Some(claimed) = next else { return Ok(()) };
        let made = shared.compose(&claimed.mail).await;
        tokio::select! {
            biased;
            permit = written.reserve() => if let Ok(permit) = permit {
                permit.send(Ready { claimed, made });
            },
            () = stop.cancelled() => {
                locked(&lane.left).push(claimed.mail.id);
                return Ok(());
            }
        }
    }
}

/// Claims messages for a lane and lays them on its belt.
struct Feeder<'a> {
    shared: &'a Arc<Shared>,
    lane: &'a Arc<Lane>,
    owner: &'a str,
    claimed: &'a Shelf<Claimed>,
    ready: &'a Shelf<Ready>,
}

impl Feeder<'_> {
    async fn work(&self, belt: mpsc::Sender<Claimed>, mode: Mode, stop: &CancellationToken) -> Result<(), SendError> {
        loop {
            let error = match self.round_trip(&belt, mode, stop).await {
                Ok(true) => continue,
                Ok(false) => return Ok(()),
                Err(error) => error,
            };
            if mode == Mode::Once {
                return Err(error);
            }
            error!(error = %error, "Sending stopped for a while");
            if !rest(Instant::now() + self.shared.schedule.poll.max(Duration::from_secs(1)), stop).await {
                return Ok(());
            }
        }
    }

    /// Claims a batch and lays it on the belt, or waits for one; `false` when there is nothing more to do.
    async fn round_trip(
        &self,
        belt: &mpsc::Sender<Claimed>,
        mode: Mode,
        stop: &CancellationToken,
    ) -> Result<bool, SendError> {
        let schedule = self.shared.schedule;
        if mode == Mode::Once && self.lane.gate.failures() >= schedule.relay_failures {
            return Err(SendError::RelayAway(for_log(&locked(&self.lane.reason)).to_owned()));
        }
        if !self.lane.gate.pass(stop).await {
            return Ok(false);
        }
        // Before the claim: what comes back while it is being made is seen by the next one.
        let nothing_held = self.lane.held.load(Ordering::SeqCst) == 0;
        let Some((batch, last_start)) = self.claim(stop).await? else { return Ok(!stop.is_cancelled()) };
        if batch.is_empty() {
            if nothing_held {
                return Ok(mode == Mode::Watch && self.idle(stop).await?);
            }
            // What is still being sent may come back at once.
            tokio::select! {
                () = stop.cancelled() => return Ok(false),
                () = self.lane.emptied.notified() => {}
                () = tokio::time::sleep(schedule.poll.max(Duration::from_millis(20))) => {}
            }
            return Ok(true);
        }
        let mut batch = batch.into_iter();
        while let Some(mail) = batch.next() {
            let permit = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                () = self.lane.gate.closed() => None,
                permit = belt.reserve() => permit.ok(),
            };
            let Some(permit) = permit else {
                let mut back = self.sweep();
                back.push(mail.id);
                back.extend(batch.map(|mail| mail.id));
                self.give_back(&back).await?;
                return Ok(!stop.is_cancelled());
            };
            permit.send(Claimed { mail, last_start, _held: Held::new(self.lane) });
        }
        Ok(!stop.is_cancelled())
    }

    /// Claims messages whose turn it is; `None`: their turn has not come, wait no more.
    async fn claim(&self, stop: &CancellationToken) -> Result<Option<(Vec<ClaimedMail>, Millis)>, SendError> {
        let Shared { store, schedule, clock, .. } = &**self.shared;
        // A relay that was away is tried with one message; another relay can have the others.
        let mut want = if self.lane.gate.failures() > 0 { 1 } else { schedule.batch.clamp(1, 100) };
        let bucket = format!("relay:{}", self.lane.name);
        if let Some(per_minute) = self.lane.per_minute {
            // Ten seconds' worth at once: a restart cannot hurry more than that.
            let (granted, next) =
                store.take_tokens(&bucket, want, per_minute, (per_minute / 6).max(1), clock.now()).await?;
            if granted == 0 {
                let wait = u64::try_from(next.0 - clock.now().0).unwrap_or(0).max(10);
                rest(Instant::now() + Duration::from_millis(wait), stop).await;
                return Ok(None);
            }
            want = granted;
        }
        let now = clock.now();
        let batch = store.claim_mail(self.owner, want, later(now, schedule.claim), now).await?;
        let got = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        if self.lane.per_minute.is_some() && got < want {
            store.give_tokens_back(&bucket, want - got).await?;
        }
        let any = !batch.is_empty();
        let batch = self.in_time(batch, now).await?;
        let batch = self.among(batch, now).await?;
        let batch = self.paced(batch, now).await?;
        // All of it may have to wait while more stands behind it.
        if any && batch.is_empty() { Ok(None) } else { Ok(Some((batch, later(now, schedule.claim / 2)))) }
    }

    /// Leaves out what may not go out now: outside office hours, or after the end of its round's mail.
    async fn in_time(&self, batch: Vec<ClaimedMail>, now: Millis) -> Result<Vec<ClaimedMail>, SendError> {
        let store = &self.shared.store;
        let (mut go, mut wait, mut over, mut rounds) = (Vec::new(), Vec::new(), Vec::new(), HashSet::new());
        for mail in batch {
            match timing(&mail, now) {
                Timing::Now => go.push(mail),
                Timing::NotBefore(opens) => {
                    if rounds.insert(mail.round.id.clone()) {
                        let until = Millis(opens.0.min(now.plus_seconds(HOLD).0));
                        info!(round.id = %mail.round.id, "Mail of round {} waits for office hours", mail.round.id);
                        store.hold_mail(&mail.municipality.id, &mail.round.id, until).await?;
                    }
                    wait.push(mail.id);
                }
                Timing::Over => over.push(mail),
            }
        }
        self.give_back(&wait).await?;
        if !over.is_empty() {
            let ids: Vec<MailId> = over.iter().map(|mail| mail.id.clone()).collect();
            let mut expired = store.expire_claimed(&ids, self.owner, now).await?;
            let ended: HashSet<&RoundId> = over.iter().filter(|m| m.kind.wave() <= 3).map(|m| &m.round.id).collect();
            for round in ended {
                expired += store.expire_mail(round, now).await?;
            }
            warn!(mails = expired, "Messages are expired: the mail of their round has ended");
        }
        Ok(go)
    }

    /// Leaves out whoever is not on the list, where there is one.
    async fn among(&self, batch: Vec<ClaimedMail>, now: Millis) -> Result<Vec<ClaimedMail>, SendError> {
        if self.shared.only_to.is_empty() {
            return Ok(batch);
        }
        let (go, others): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|mail| self.shared.may_write_to(&mail.recipient));
        let ids: Vec<MailId> = others.into_iter().map(|mail| mail.id).collect();
        if !ids.is_empty() {
            self.shared.store.postpone_mail(&ids, self.owner, now.plus_seconds(3600), now).await?;
        }
        Ok(go)
    }

    /// Puts off what a recipient domain is not to get yet.
    async fn paced(&self, batch: Vec<ClaimedMail>, now: Millis) -> Result<Vec<ClaimedMail>, SendError> {
        let Some(per_minute) = self.shared.schedule.per_domain.filter(|n| *n > 0) else { return Ok(batch) };
        let store = &self.shared.store;
        let mut by_domain: BTreeMap<String, Vec<ClaimedMail>> = BTreeMap::new();
        for mail in batch {
            by_domain.entry(domain_of(&mail.recipient)).or_default().push(mail);
        }
        let most = (per_minute / 6).max(1);
        let mut go = Vec::new();
        for (domain, mut mails) in by_domain {
            let want = u32::try_from(mails.len()).unwrap_or(u32::MAX);
            let (granted, next) = store.take_tokens(&format!("domain:{domain}"), want, per_minute, most, now).await?;
            let later = mails.split_off(usize::try_from(granted).unwrap_or(usize::MAX).min(mails.len()));
            go.extend(mails);
            // As many at a time as the bucket holds, one filling after the other.
            for (turn, some) in (0_i64..).zip(later.chunks(most as usize)) {
                let ids: Vec<MailId> = some.iter().map(|mail| mail.id.clone()).collect();
                let filled = i64::from(most) * i64::from(MINUTE) / i64::from(per_minute);
                store.postpone_mail(&ids, self.owner, Millis(next.0 + turn * filled), now).await?;
            }
        }
        go.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(go)
    }

    async fn idle(&self, stop: &CancellationToken) -> Result<bool, SendError> {
        let now = self.shared.clock.now();
        let due = self.shared.store.next_mail_due(now).await?;
        let poll = self.shared.schedule.poll;
        let wait = due.map_or(poll, |due| Duration::from_millis(u64::try_from(due.0 - now.0).unwrap_or(0)).min(poll));
        Ok(rest(Instant::now() + wait.max(Duration::from_millis(20)), stop).await)
    }

    /// Takes everything off the belt that nobody has taken yet.
    fn sweep(&self) -> Vec<MailId> {
        let mut left = std::mem::take(&mut *locked(&self.lane.left));
        // Whoever holds the lock waits at an empty belt.
        if let Ok(mut claimed) = self.claimed.try_lock() {
            while let Ok(claimed) = claimed.try_recv() {
                left.push(claimed.mail.id);
            }
        }
        if let Ok(mut ready) = self.ready.try_lock() {
            while let Ok(ready) = ready.try_recv() {
                left.push(ready.claimed.mail.id);
            }
        }
        left
    }

    async fn give_back(&self, mails: &[MailId]) -> Result<(), SendError> {
        if !mails.is_empty() {
            self.shared.store.release_mail(mails, self.owner, self.shared.clock.now()).await?;
        }
        Ok(())
    }
}

/// May this message go out at this moment?
fn timing(mail: &ClaimedMail, now: Millis) -> Timing {
    let settings = &mail.municipality.settings;
    let zone = jiff::tz::TimeZone::get(&settings.time_zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let ends = if mail.kind.wave() > 3 {
        Some(mail.queued_at.plus_days(NOTICE_DAYS))
    } else {
        mail_ends(mail.round.closes_on.as_deref(), mail.round.mail_until, &zone)
    };
    if ends.is_some_and(|ends| ends <= now) {
        return Timing::Over;
    }
    let opens = settings.send_hours.and_then(|hours| hours.opens_at(mail.municipality.country, &zone, now));
    opens.map_or(Timing::Now, Timing::NotBefore)
}

fn domain_of(address: &str) -> String {
    address.rsplit_once('@').map_or(address, |(_, domain)| domain).to_lowercase()
}

impl Shared {
    /// Looks whether the database is a copy, or was silent for long.
    async fn wake(&self) -> Result<(), StoreError> {
        if let Waking::Paused(key) = self.store.wake_mail(self.schedule.silence, self.clock.now()).await? {
            error!(
                reason = key,
                "All mail is paused: messages were waiting in a database that was brought back or silent for long; `pejling mail resume` lets them go"
            );
        }
        Ok(())
    }

    /// Shows that a sender is alive and clears up after those that are not, until `stop`.
    async fn keep(&self, stop: &CancellationToken, recovering: bool) {
        // A marked message of a dead sender is in doubt from the end of its lease; a little later is soon enough.
        let beat = Duration::from_secs(60).min(self.schedule.claim / 2).max(Duration::from_millis(100));
        loop {
            if recovering && let Err(error) = self.recover().await {
                error!(error = %error, "Cannot clear up after workers that died");
            }
            if !rest(Instant::now() + beat, stop).await {
                return;
            }
            if let Err(error) = self.store.beat_mail(self.clock.now()).await {
                error!(error = %error, "Cannot show that the sender is alive");
            }
        }
    }

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

    fn may_write_to(&self, recipient: &str) -> bool {
        let recipient = recipient.trim().to_lowercase();
        self.only_to
            .iter()
            .any(|allowed| if allowed.starts_with('@') { recipient.ends_with(allowed) } else { recipient == *allowed })
    }

    /// Writes a message out, or says what stands in the way.
    async fn compose(&self, mail: &ClaimedMail) -> Result<Rendered, Verdict> {
        let minutes = match self.minutes(mail).await {
            Ok(Some(minutes)) => minutes,
            Ok(None) => return Err(Verdict::Pause(Obstacle::Setting("questionnaire"), String::new())),
            Err(error) => {
                error!(mail.id = %mail.id, error = %error, "The questionnaire of a message cannot be read");
                return Err(Verdict::NotNow);
            }
        };
        self.composer.compose(mail, minutes, self.clock.now()).map_err(|error| match error {
            ComposeError::Recipient => Verdict::Failed { words: error.to_string(), dead_address: true },
            ComposeError::Setting(what) => Verdict::Pause(Obstacle::Setting(what), String::new()),
            error => {
                error!(mail.id = %mail.id, error = %error, "A message cannot be written");
                Verdict::Pause(Obstacle::Setting(""), error.to_string())
            }
        })
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

#[cfg(test)]
mod tests;
