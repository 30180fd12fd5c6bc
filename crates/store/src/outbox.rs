//! The outbox: claimed under a lease, marked before the final dot, recorded; and the demo's caught mail.
use std::sync::Arc;

use domain::fieldwork::{MailState, MessageKind};
use domain::ids::{InvitationId, MailId, MunicipalityId, RoundId};
use domain::language::Language;
use domain::municipality::Municipality;
use domain::questionnaire::Facts;
use domain::time::Millis;

use crate::rounds::Round;
use crate::{Result, Store};

/// A claimed message with everything needed to render and send it. No `Debug`: it holds an address.
#[derive(Clone)]
pub struct ClaimedMail {
    /// Its id.
    pub id: MailId,
    /// Message-ID without angle brackets, fixed when it was queued.
    pub message_id: String,
    /// What it is.
    pub kind: MessageKind,
    /// Attempts before this one.
    pub attempts: i64,
    /// When it was queued.
    pub queued_at: Millis,
    /// The address.
    pub recipient: String,
    /// The contact's language; the municipality's where unknown.
    pub language: Language,
    /// The invitation.
    pub invitation: InvitationId,
    /// Its generation.
    pub generation: i64,
    /// Names of the businesses that the invitation covers, the addressed one first.
    pub businesses: Vec<String>,
    /// Facts of the addressed business, for the expected time.
    pub facts: Facts,
    /// The round.
    pub round: Arc<Round>,
    /// Who asks.
    pub municipality: Arc<Municipality>,
}

/// What a later attempt does with its count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The server judged this message: the attempt counts.
    Counts,
    /// The relay was away: nothing is used up.
    Free,
}

/// What became of leases that ran out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Claimed without marker: pending again.
    pub requeued: u64,
    /// With marker: uncertain.
    pub uncertain: u64,
}

/// Messages of one wave in one state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MailCount {
    /// Wave: 0 the invitation, 1–3 reminders.
    pub wave: i64,
    /// State.
    pub state: MailState,
    /// Messages.
    pub messages: u64,
}

/// A message that needs a look, for staff: deferred, failed or uncertain.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct Trouble {
    /// Its id.
    pub id: MailId,
    /// State.
    pub state: MailState,
    /// What it is.
    pub kind: MessageKind,
    /// The business.
    pub business_name: String,
    /// The address.
    pub recipient: String,
    /// The server's words.
    pub words: String,
    /// Attempts.
    pub attempts: i64,
    /// When it changed last.
    pub updated_at: Millis,
    /// When it is tried again.
    pub next_attempt_at: Option<Millis>,
}

/// A caught mail in one line. No `Debug`: it holds an address.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct CaughtMail {
    /// Its id.
    pub id: String,
    /// The address.
    pub recipient: String,
    /// Subject.
    pub subject: String,
    /// When.
    pub caught_at: Millis,
}

impl Store {
    /// Takes up to `limit` (at most 100) due messages of open, unpaused rounds, oldest first; those no longer wanted are cancelled instead.
    pub async fn claim_mail(&self, worker: &str, limit: u32, lease_until: Millis, now: Millis) -> Result<Vec<ClaimedMail>> {
        todo!("{worker} {limit} {lease_until:?} {now:?}")
    }

    /// Asked just before MAIL FROM: still ours, not answered, not opted out, round open and not paused, same generation and address. Cancels it (or gives it back, when paused) otherwise.
    pub async fn still_wanted(&self, mail: &MailId, worker: &str, now: Millis) -> Result<bool> {
        todo!("{mail} {worker} {now:?}")
    }

    /// The durable marker before the final dot; renews the lease. `false`: not ours any more, do not send the dot.
    pub async fn mark_sending(&self, mail: &MailId, worker: &str, lease_until: Millis, now: Millis) -> Result<bool> {
        todo!("{mail} {worker} {lease_until:?} {now:?}")
    }

    /// 250 after the dot; from `sending`, or from `uncertain` when it is known after all. `false`: it was in neither.
    pub async fn record_sent(&self, mail: &MailId, words: &str, now: Millis) -> Result<bool> {
        todo!("{mail} {} {now:?}", words.len())
    }

    /// To be tried again.
    pub async fn record_deferred(&self, mail: &MailId, worker: &str, words: &str, next_attempt_at: Millis, attempt: Attempt, now: Millis) -> Result<bool> {
        todo!("{mail} {worker} {} {next_attempt_at:?} {attempt:?} {now:?}", words.len())
    }

    /// Refused for good. `dead_address`: no reminder goes there either.
    pub async fn record_failed(&self, mail: &MailId, worker: &str, words: &str, dead_address: bool, now: Millis) -> Result<bool> {
        todo!("{mail} {worker} {} {dead_address} {now:?}", words.len())
    }

    /// The connection was lost after the dot.
    pub async fn record_uncertain(&self, mail: &MailId, worker: &str, words: &str, now: Millis) -> Result<bool> {
        todo!("{mail} {worker} {} {now:?}", words.len())
    }

    /// A bounce came later: sent → failed, and no reminder goes there.
    pub async fn record_bounce(&self, mail: &MailId, words: &str, now: Millis) -> Result<bool> {
        todo!("{mail} {} {now:?}", words.len())
    }

    /// Gives claimed messages back unsent: pending, no attempt used.
    pub async fn release_mail(&self, mails: &[MailId], worker: &str, now: Millis) -> Result<u64> {
        todo!("{} {worker} {now:?}", mails.len())
    }

    /// Clears up after workers that died.
    pub async fn recover_expired(&self, now: Millis) -> Result<Recovered> {
        todo!("{now:?}")
    }

    /// When the next message is due: pending ones at once, deferred ones at their next attempt; `None`: nothing waits.
    pub async fn next_mail_due(&self, now: Millis) -> Result<Option<Millis>> {
        todo!("{now:?}")
    }

    /// Messages by wave and state.
    pub async fn mail_counts(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<MailCount>> {
        todo!("{municipality} {round}")
    }

    /// Messages that need a look, latest first.
    pub async fn mail_troubles(&self, municipality: &MunicipalityId, round: &RoundId, limit: u32) -> Result<Vec<Trouble>> {
        todo!("{municipality} {round} {limit}")
    }

    /// Queues an uncertain (or failed) message again, because a person decided so. `false`: it was neither.
    pub async fn resend_mail(&self, municipality: &MunicipalityId, mail: &MailId, now: Millis) -> Result<bool> {
        todo!("{municipality} {mail} {now:?}")
    }

    /// The table transport: keeps a message instead of sending it. The same Message-ID twice is kept once.
    pub async fn catch_mail(&self, municipality: &MunicipalityId, message_id: &str, recipient: &str, subject: &str, raw: &[u8], now: Millis) -> Result<()> {
        todo!("{municipality} {message_id} {} {} {} {now:?}", recipient.len(), subject.len(), raw.len())
    }

    /// Caught mails, latest first.
    pub async fn caught_mails(&self, municipality: &MunicipalityId, limit: u32) -> Result<Vec<CaughtMail>> {
        todo!("{municipality} {limit}")
    }

    /// A caught mail with its raw bytes.
    pub async fn caught_mail(&self, municipality: &MunicipalityId, id: &str) -> Result<(CaughtMail, Vec<u8>)> {
        todo!("{municipality} {id}")
    }
}
