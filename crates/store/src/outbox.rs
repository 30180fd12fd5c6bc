//! The outbox: claimed under a lease, marked before the final dot, recorded; and the demo's caught mail.
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::fieldwork::{MailState, MessageKind, RoundKind};
use domain::frame::FrameUnit;
use domain::ids::{InvitationId, MailId, MunicipalityId, RoundId};
use domain::language::Language;
use domain::mailtext::OwnText;
use domain::municipality::Municipality;
use domain::questionnaire::{Facts, facts_of};
use domain::time::Millis;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::dialect::CLAIM_MAIL;
use crate::frames::{self, unit_columns};
use crate::rounds::{self, Round};
use crate::sql::{Call, call, columns, statements};
use crate::{Result, Store, StoreError, municipalities};

/// Is a message still wanted? Needs outbox o, invitations i, businesses b, contacts c (the one it was queued for), responses p.
/// Waves 0–3 ask for an answer; a notice (4 and up) goes out whether there is one or not, and 6 tells the former contact that
/// somebody else answers now.
macro_rules! wanted {
    () => {
        "c.opted_out_at is null and c.suppressed_at is null and i.barred_at is null and (o.wave = 6 or (i.opted_out_at is null and b.opted_out_at is null
            and (o.wave > 3 or (i.generation = o.generation and i.contact_id = o.contact_id and (p.id is null or p.status not in ('complete', 'withdrawn'))))))"
    };
}

macro_rules! claimed_from {
    () => {
        " from outbox o
        join rounds r on r.id = o.round_id
        join invitations i on i.id = o.invitation_id
        join businesses b on b.id = i.business_id
        join contacts c on c.id = o.contact_id
        left join panel_links l on l.business_id = i.business_id
        left join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id "
    };
}

statements! {
    CANCEL = "update outbox set state = 'cancelled', words = '', lease_owner = null, lease_until = null, updated_at = $2 where id = $1 and state = 'claimed'";
    SENT = "update outbox set state = 'sent', words = $2, sent_at = $3, updated_at = $3, attempts = attempts + 1, lease_owner = null, lease_until = null
        where id = $1 and state in ('sending', 'uncertain')";
    DEFERRED = "update outbox set state = 'deferred', words = $3, next_attempt_at = $4, attempts = attempts + $5, updated_at = $6, lease_owner = null, lease_until = null
        where id = $1 and lease_owner = $2 and state in ('claimed', 'sending')";
    FAILED = "update outbox set state = 'failed', words = $3, attempts = attempts + 1, updated_at = $4, lease_owner = null, lease_until = null
        where id = $1 and lease_owner = $2 and state in ('claimed', 'sending')";
    UNCERTAIN = "update outbox set state = 'uncertain', words = $3, attempts = attempts + 1, updated_at = $4, lease_owner = null, lease_until = null
        where id = $1 and lease_owner = $2 and state = 'sending'";
    SUPPRESS = "update contacts set suppressed_at = coalesce(suppressed_at, $2), suppressed_words = $3 where id = (select contact_id from outbox where id = $1)";
    RELEASE_ONE = "update outbox set state = 'pending', lease_owner = null, lease_until = null, updated_at = $3 where id = $1 and lease_owner = $2 and state = 'claimed'";
    // The first condition is the index's own (`outbox_leased`), the second one narrows it.
    REQUEUE = "update outbox set state = 'pending', lease_owner = null, lease_until = null, updated_at = $1 where state in ('claimed', 'sending') and state = 'claimed' and lease_until <= $1";
    DOUBT = "update outbox set state = 'uncertain', words = 'the sender stopped before the answer came', attempts = attempts + 1, lease_owner = null, lease_until = null, updated_at = $1
        where state in ('claimed', 'sending') and state = 'sending' and lease_until <= $1";
    NEXT_DUE = "select min(case when r.mail_after > o.next_attempt_at then r.mail_after else o.next_attempt_at end) from outbox o join rounds r on r.id = o.round_id
        where o.state in ('pending', 'deferred') and (r.state = 'open' or o.wave > 3) and r.paused_at is null
          and (select s.paused_at from mail_switch s where s.id = 1) is null";
    MAIL_COUNTS = "select o.wave, o.state, count(*) from outbox o where o.municipality_id = $1 and o.round_id = $2 group by o.wave, o.state order by o.wave, o.state";
    TROUBLES = "select o.id, o.state, o.wave, f.name, c.address, o.words, o.attempts, o.updated_at, o.next_attempt_at
        from outbox o
        join rounds r on r.id = o.round_id
        join invitations i on i.id = o.invitation_id
        join contacts c on c.id = o.contact_id
        join frame_rows f on f.import_id = r.import_id and f.business_id = i.business_id
        where o.municipality_id = $1 and o.round_id = $2 and (o.state in ('deferred', 'failed', 'uncertain') or (o.state = 'cancelled' and o.words <> ''))
        order by o.updated_at desc, o.id limit $3";
    RESEND = "update outbox set state = 'pending', next_attempt_at = $3, updated_at = $3, words = '' where id = $1 and municipality_id = $2
        and (state in ('uncertain', 'failed', 'expired') or (state = 'cancelled' and words <> ''))";
    REVIVE = "update contacts set suppressed_at = null, suppressed_words = null where id = (select contact_id from outbox where id = $1)";
    CATCH = "insert into caught_mails (id, municipality_id, message_id, recipient, subject, raw, caught_at) values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (municipality_id, message_id) do nothing";
    CAUGHT_ALL = "select id, recipient, subject, caught_at from caught_mails where municipality_id = $1 order by caught_at desc, id desc limit $2";
    CAUGHT = "select id, recipient, subject, caught_at, raw from caught_mails where municipality_id = $1 and id = $2";
    [padded 0] CLAIMED = concat!("select o.id, o.municipality_id, o.round_id, o.message_id, o.wave, o.attempts, o.queued_at, c.address, coalesce(i.language, c.language), o.invitation_id, o.generation, i.business_id, case when ",
        wanted!(), " then 1 else 0 end, ", unit_columns!(), claimed_from!(),
        "join frame_rows f on f.import_id = r.import_id and f.business_id = i.business_id where o.id in ("), "#", ") order by o.next_attempt_at, o.id";
    [padded 0] COVERED = "select x.invitation_id, x.business_id, f.name from invitation_businesses x join rounds r on r.id = x.round_id
        join frame_rows f on f.import_id = r.import_id and f.business_id = x.business_id where x.invitation_id in (", "#", ") order by f.name, x.business_id";
    [padded 1] STILL = concat!("select o.id, o.lease_owner, case when o.wave > 3 then 'open' else r.state end, case when r.paused_at is not null or (select s.paused_at from mail_switch s where s.id = 1) is not null then 1 else 0 end, case when ",
        wanted!(), " then 1 else 0 end", claimed_from!(), "where o.state = 'claimed' and o.lease_until > $1 and o.id in ("), "#", ")";
    // The marks of many connections and the answers to the messages before them: one statement, one commit. Rows of (id, new
    // state, words, owner). A mark takes hold only of what is still wanted at that moment.
    [padded 2] SETTLE = "update outbox as o set state = v.column2,\n            words = case when v.column2 = 'sent' then v.column3 else o.words end,\n            lease_owner = case when v.column2 = 'sent' then null else o.lease_owner end,\n            lease_until = case when v.column2 = 'sent' then null else cast($2 as bigint) end,\n            sent_at = case when v.column2 = 'sent' then cast($1 as bigint) else o.sent_at end,\n            attempts = o.attempts + case when v.column2 = 'sent' then 1 else 0 end,\n            updated_at = $1\n        from (values", "(#, #, #, #)", concat!(") as v
        where o.id = v.column1
          and ((v.column2 = 'sent' and o.state in ('sending', 'uncertain'))
            or (v.column2 = 'sending' and o.state = 'claimed' and o.lease_owner = v.column4 and o.lease_until > $1
              and (select s.paused_at from mail_switch s where s.id = 1) is null
              and exists (select 1 from rounds r
                join invitations i on i.id = o.invitation_id
                join businesses b on b.id = i.business_id
                join contacts c on c.id = o.contact_id
                left join panel_links l on l.business_id = i.business_id
                left join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id
                where r.id = o.round_id and (r.state = 'open' or o.wave > 3) and r.paused_at is null and ", wanted!(), ")))
        returning id");
    [padded 2] RELEASE = "update outbox set state = 'pending', lease_owner = null, lease_until = null, updated_at = $2 where lease_owner = $1 and state = 'claimed' and id in (", "#", ")";
    [padded 3] POSTPONE = "update outbox set state = 'pending', next_attempt_at = $3, lease_owner = null, lease_until = null, updated_at = $2 where lease_owner = $1 and state = 'claimed' and id in (", "#", ")";
}

/// Messages a worker may hold at once.
const MOST: u32 = 100;

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
    /// About a case: its authority and closing day.
    pub case: Option<(String, String)>,
    /// What the register says of the addressed business.
    pub unit: FrameUnit,
    /// Its facts, for the expected time.
    pub facts: Facts,
    /// The round.
    pub round: Arc<Round>,
    /// Who asks.
    pub municipality: Arc<Municipality>,
    /// The municipality's own words for this message; `None`: the built-in ones.
    pub own: Option<Arc<OwnText>>,
}

/// What a later attempt does with its count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The server judged this message: the attempt counts.
    Counts,
    /// The relay was away: nothing is used up.
    Free,
}

/// One thing to be written down by [`Store::settle_mail`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// 250 after the dot, in these words.
    Sent {
        /// The message.
        mail: MailId,
        /// The server's words.
        words: String,
    },
    /// The marker before the dot.
    Mark {
        /// The message.
        mail: MailId,
        /// Who holds it.
        worker: String,
    },
}

impl Settle {
    const fn mail(&self) -> &MailId {
        match self {
            Self::Sent { mail, .. } | Self::Mark { mail, .. } => mail,
        }
    }
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

/// A message that needs a look, for staff: deferred, failed, uncertain, or cancelled for a reason that has words.
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
    pub async fn claim_mail(
        &self,
        worker: &str,
        limit: u32,
        lease_until: Millis,
        now: Millis,
    ) -> Result<Vec<ClaimedMail>> {
        let limit = i64::from(limit.min(MOST));
        loop {
            // One statement that is its own transaction: while the rest is looked up, others write.
            let claim = call(CLAIM_MAIL.text(self.inner.engine)).text(worker).at(lease_until).at(now).int(limit);
            let rows = claim.rows(&mut *self.inner.pools.mail.acquire().await?).await?;
            let ids = rows.iter().map(|row| columns(row).text()).collect::<Result<Vec<_>>>()?;
            let (mails, unwanted) = claimed(&mut *self.read_mail().await?, &ids).await?;
            if !unwanted.is_empty() {
                let mut tx = self.begin().await?;
                for id in &unwanted {
                    call(CANCEL).text(id.as_str()).at(now).run(&mut tx).await?;
                }
                tx.commit().await?;
            }
            // All of a batch may have become superfluous while more are waiting behind it.
            if ids.is_empty() || !mails.is_empty() {
                return Ok(mails);
            }
        }
    }

    /// For many at once: which are still ours, not answered, not opted out, round open and nothing
    /// paused, same generation and address? Cancels the others (or gives them back, when paused). At most 100.
    pub async fn still_wanted(&self, mails: &[(MailId, String)], now: Millis) -> Result<Vec<bool>> {
        let ids: Vec<&MailId> = mails.iter().map(|(id, _)| id).collect();
        let rows = STILL.rows(&mut *self.read_mail().await?, &ids, |c| c.at(now), |c, id| c.text(id.as_str())).await?;
        let mut found: HashMap<String, (String, bool, bool, bool)> = HashMap::new();
        for row in &rows {
            let mut c = columns(row);
            found.insert(c.text()?, (c.text()?, c.text()? == "open", c.yes()?, c.yes()?));
        }
        let mut answers = Vec::with_capacity(mails.len());
        for (id, worker) in mails {
            let Some((_, open, paused, wanted)) = found.get(id.as_str()).filter(|(owner, ..)| owner == worker) else {
                answers.push(false);
                continue;
            };
            answers.push(*open && !*paused && *wanted);
            let change = match (*open && *wanted, *paused) {
                (false, _) => call(CANCEL).text(id.as_str()).at(now),
                (true, true) => call(RELEASE_ONE).text(id.as_str()).text(worker).at(now),
                (true, false) => continue,
            };
            self.mark(change).await?;
        }
        Ok(answers)
    }

    /// Writes down in one commit what many connections have to say: the answers to their last messages, and the durable markers
    /// of their next ones (which renew the leases). A marker asks at the same time what [`Self::still_wanted`] asks. Returns
    /// which took hold: an answer of `false`, the message was in no state to be sent; a marker of `false`, not ours or not
    /// wanted any more, do not send it. At most 100.
    pub async fn settle_mail(&self, entries: &[Settle], lease_until: Millis, now: Millis) -> Result<Vec<bool>> {
        let rows = SETTLE
            .rows(
                &mut *self.inner.pools.mail.acquire().await?,
                entries,
                |c| c.at(now).at(lease_until),
                |c, entry| match entry {
                    Settle::Sent { mail, words } => c.text(mail.as_str()).text("sent").text(&clean(words)).text(""),
                    Settle::Mark { mail, worker } => c.text(mail.as_str()).text("sending").text("").text(worker),
                },
            )
            .await?;
        let took = rows.iter().map(|row| columns(row).text()).collect::<Result<HashSet<_>>>()?;
        Ok(entries.iter().map(|entry| took.contains(entry.mail().as_str())).collect())
    }

    /// The durable marker before the final dot; renews the lease. `false`: not ours or not wanted any more, do not send it.
    pub async fn mark_sending(&self, mail: &MailId, worker: &str, lease_until: Millis, now: Millis) -> Result<bool> {
        let mark = Settle::Mark { mail: mail.clone(), worker: worker.to_owned() };
        Ok(self.settle_mail(&[mark], lease_until, now).await?[0])
    }

    /// 250 after the dot; from `sending`, or from `uncertain` when it is known after all. `false`: it was in neither.
    pub async fn record_sent(&self, mail: &MailId, words: &str, now: Millis) -> Result<bool> {
        self.mark(call(SENT).text(mail.as_str()).text(&clean(words)).at(now)).await
    }

    /// To be tried again.
    pub async fn record_deferred(
        &self,
        mail: &MailId,
        worker: &str,
        words: &str,
        next_attempt_at: Millis,
        attempt: Attempt,
        now: Millis,
    ) -> Result<bool> {
        let used = i64::from(attempt == Attempt::Counts);
        self.mark(
            call(DEFERRED).text(mail.as_str()).text(worker).text(&clean(words)).at(next_attempt_at).int(used).at(now),
        )
        .await
    }

    /// Refused for good. `dead_address`: no reminder goes there either.
    pub async fn record_failed(
        &self,
        mail: &MailId,
        worker: &str,
        words: &str,
        dead_address: bool,
        now: Millis,
    ) -> Result<bool> {
        let words = clean(words);
        let fail = call(FAILED).text(mail.as_str()).text(worker).text(&words).at(now);
        let suppress = dead_address.then(|| call(SUPPRESS).text(mail.as_str()).at(now).text(&words));
        self.mark_and(fail, suppress).await
    }

    /// The connection was lost after the dot.
    pub async fn record_uncertain(&self, mail: &MailId, worker: &str, words: &str, now: Millis) -> Result<bool> {
        self.mark(call(UNCERTAIN).text(mail.as_str()).text(worker).text(&clean(words)).at(now)).await
    }

    /// Gives claimed messages back unsent: pending, no attempt used.
    pub async fn release_mail(&self, mails: &[MailId], worker: &str, now: Millis) -> Result<u64> {
        let mut tx = self.begin().await?;
        let released = RELEASE.run(&mut tx, mails, |c| c.text(worker).at(now), |c, id| c.text(id.as_str())).await?;
        tx.commit().await?;
        Ok(released)
    }

    /// Puts claimed messages off until `until`, no attempt used: their turn has not come.
    pub async fn postpone_mail(&self, mails: &[MailId], worker: &str, until: Millis, now: Millis) -> Result<u64> {
        let mut tx = self.begin().await?;
        let put_off =
            POSTPONE.run(&mut tx, mails, |c| c.text(worker).at(now).at(until), |c, id| c.text(id.as_str())).await?;
        tx.commit().await?;
        Ok(put_off)
    }

    /// Clears up after workers that died.
    pub async fn recover_expired(&self, now: Millis) -> Result<Recovered> {
        let mut tx = self.begin().await?;
        let requeued = call(REQUEUE).at(now).run(&mut tx).await?;
        let uncertain = call(DOUBT).at(now).run(&mut tx).await?;
        tx.commit().await?;
        self.tidy_mail(now).await?;
        Ok(Recovered { requeued, uncertain })
    }

    /// When the next message is due: pending ones at once, deferred ones at their next attempt; `None`: nothing waits.
    pub async fn next_mail_due(&self, now: Millis) -> Result<Option<Millis>> {
        let row = call(NEXT_DUE).row(&mut *self.read().await?, "answer").await?;
        Ok(columns(&row).maybe_at()?.map(|due| due.max(now)))
    }

    /// Messages by wave and state.
    pub async fn mail_counts(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<MailCount>> {
        let rows =
            call(MAIL_COUNTS).text(municipality.as_str()).text(round.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(MailCount { wave: c.int()?, state: c.word("mail", MailState::parse)?, messages: c.count()? })
            })
            .collect()
    }

    /// Messages that need a look, latest first.
    pub async fn mail_troubles(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        limit: u32,
    ) -> Result<Vec<Trouble>> {
        let rows = call(TROUBLES)
            .text(municipality.as_str())
            .text(round.as_str())
            .int(limit.into())
            .rows(&mut *self.read().await?)
            .await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(Trouble {
                    id: MailId(c.text()?),
                    state: c.word("mail", MailState::parse)?,
                    kind: kind(RoundKind::Yearly, c.int()?)?,
                    business_name: c.text()?,
                    recipient: c.text()?,
                    words: c.text()?,
                    attempts: c.int()?,
                    updated_at: c.at()?,
                    next_attempt_at: Some(c.at()?),
                })
            })
            .map(|trouble: Result<Trouble>| {
                trouble.map(|t| Trouble {
                    next_attempt_at: t.next_attempt_at.filter(|_| t.state == MailState::Deferred),
                    ..t
                })
            })
            .collect()
    }

    /// Queues an uncertain, failed or held message again, because a person decided so. `false`: it was none of these.
    pub async fn resend_mail(&self, municipality: &MunicipalityId, mail: &MailId, now: Millis) -> Result<bool> {
        let mut tx = self.begin().await?;
        let resent = call(RESEND).text(mail.as_str()).text(municipality.as_str()).at(now).run(&mut tx).await? == 1;
        if resent {
            call(REVIVE).text(mail.as_str()).run(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(resent)
    }

    /// The table transport: keeps a message instead of sending it. The same Message-ID twice is kept once.
    pub async fn catch_mail(
        &self,
        municipality: &MunicipalityId,
        message_id: &str,
        recipient: &str,
        subject: &str,
        raw: &[u8],
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(CATCH)
            .text(MailId::new(now).as_str())
            .text(municipality.as_str())
            .text(message_id)
            .text(recipient)
            .text(subject)
            .bytes(raw)
            .at(now)
            .run(&mut tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Caught mails, latest first.
    pub async fn caught_mails(&self, municipality: &MunicipalityId, limit: u32) -> Result<Vec<CaughtMail>> {
        let rows =
            call(CAUGHT_ALL).text(municipality.as_str()).int(limit.into()).rows(&mut *self.read().await?).await?;
        rows.iter().map(|row| caught(&mut columns(row))).collect()
    }

    /// A caught mail with its raw bytes.
    pub async fn caught_mail(&self, municipality: &MunicipalityId, id: &str) -> Result<(CaughtMail, Vec<u8>)> {
        let row = call(CAUGHT).text(municipality.as_str()).text(id).row(&mut *self.read().await?, "mail").await?;
        let mut c = columns(&row);
        Ok((caught(&mut c)?, c.bytes()?))
    }

    async fn mark(&self, mark: Call) -> Result<bool> {
        self.mark_and(mark, None).await
    }

    /// A conditional update, and a second one if it took hold.
    async fn mark_and(&self, mark: Call, then: Option<Call>) -> Result<bool> {
        self.grouped(move |conn| {
            Box::pin(async move {
                let took = mark.run(conn).await? == 1;
                if let Some(then) = then.filter(|_| took) {
                    then.run(conn).await?;
                }
                Ok(took)
            })
        })
        .await
    }
}

/// What was claimed, ready to be sent; and what is no longer wanted.
pub(crate) async fn claimed(conn: &mut AnyConnection, ids: &[String]) -> Result<(Vec<ClaimedMail>, Vec<MailId>)> {
    let (mut mails, mut unwanted) = (Vec::new(), Vec::new());
    let mut municipalities_seen: HashMap<String, Arc<Municipality>> = HashMap::new();
    let mut rounds_seen: HashMap<String, Arc<Round>> = HashMap::new();
    for row in CLAIMED.rows(conn, ids, |c| c, |c, id| c.text(id)).await? {
        let mut c = columns(&row);
        let id = MailId(c.text()?);
        let (municipality, round) = (MunicipalityId(c.text()?), RoundId(c.text()?));
        if !municipalities_seen.contains_key(municipality.as_str()) {
            municipalities_seen
                .insert(municipality.0.clone(), Arc::new(municipalities::load(conn, &municipality).await?));
        }
        if !rounds_seen.contains_key(round.as_str()) {
            rounds_seen.insert(round.0.clone(), Arc::new(rounds::load(conn, &municipality, &round).await?));
        }
        let (municipality, round) = (&municipalities_seen[municipality.as_str()], &rounds_seen[round.as_str()]);
        match claimed_mail(&row, id.clone(), municipality, round)? {
            Some(mail) => mails.push(mail),
            None => unwanted.push(id),
        }
    }
    let invitations: Vec<InvitationId> = mails.iter().map(|(mail, _)| mail.invitation.clone()).collect();
    let mut covered: HashMap<String, Vec<(String, String)>> = HashMap::new();
    for row in COVERED.rows(conn, &invitations, |c| c, |c, id| c.text(id.as_str())).await? {
        let mut c = columns(&row);
        covered.entry(c.text()?).or_default().push((c.text()?, c.text()?));
    }
    for (mail, _) in mails.iter_mut().filter(|(mail, _)| mail.round.kind == RoundKind::Cases) {
        mail.case = crate::cases::about(conn, &mail.invitation).await?;
    }
    let mails = mails
        .into_iter()
        .map(|(mut mail, addressed)| {
            let others = covered.remove(mail.invitation.as_str()).unwrap_or_default();
            mail.businesses
                .extend(others.into_iter().filter(|(business, _)| *business != addressed).map(|(_, name)| name));
            mail
        })
        .collect();
    Ok((mails, unwanted))
}

/// A claimed message and the id of the business it is addressed to; `None`: no longer wanted.
fn claimed_mail(
    row: &AnyRow,
    id: MailId,
    municipality: &Arc<Municipality>,
    round: &Arc<Round>,
) -> Result<Option<(ClaimedMail, String)>> {
    let mut c = columns(row);
    let (_id, _municipality, _round) = (c.text()?, c.text()?, c.text()?);
    let message_id = c.text()?;
    let kind = kind(round.kind, c.int()?)?;
    let (attempts, queued_at) = (c.int()?, c.at()?);
    let recipient = c.text()?;
    let language = c.maybe_word("language", Language::parse)?.unwrap_or(municipality.settings.language);
    let (invitation, generation, business) = (InvitationId(c.text()?), c.int()?, c.text()?);
    if !c.yes()? {
        return Ok(None);
    }
    let unit = frames::unit(&mut c)?;
    let mail = ClaimedMail {
        id,
        message_id,
        kind,
        attempts,
        queued_at,
        recipient,
        language,
        invitation,
        generation,
        businesses: vec![unit.name.clone()],
        facts: facts_of(&unit, round.year, &municipality.settings.flood_areas),
        case: None,
        unit,
        round: Arc::clone(round),
        municipality: Arc::clone(municipality),
        own: None,
    };
    Ok(Some((mail, business)))
}

fn kind(round: RoundKind, wave: i64) -> Result<MessageKind> {
    MessageKind::of_wave_in(round, wave).ok_or_else(|| StoreError::Corrupt { what: "wave", reason: wave.to_string() })
}

fn caught(c: &mut crate::sql::Columns<'_>) -> Result<CaughtMail> {
    Ok(CaughtMail { id: c.text()?, recipient: c.text()?, subject: c.text()?, caught_at: c.at()? })
}

/// A server's words as they may be kept: a reply with NUL must not keep its state from being recorded.
pub(crate) fn clean(words: &str) -> String {
    words.chars().filter(|c| *c != '\0').take(1000).collect()
}
