//! Whether mail goes out at all, until when and how fast: the switch for all mail, the end of a round's mail, token buckets.
//!
//! A copy of a database that is brought back from a backup holds messages that were sent since. So a sender shows itself once a
//! minute, and one that starts on a database that has been silent for long, or is older than the marker beside it knows, sends
//! nothing of what was waiting then before a person says so.
use std::path::{Path, PathBuf};

use domain::fieldwork::RoundKind;
use domain::ids::{JobId, MailId, MunicipalityId, RoundId};
use domain::time::Millis;

use crate::dialect::INSTANCE;
use crate::sql::{call, columns, statements};
use crate::{Result, Store};

statements! {
    SWITCH = "select instance, beat_at, paused_at, pause_key, words from mail_switch where id = 1";
    FIRST = "insert into mail_switch (id, instance, beat_at, words) values (1, $1, $2, '') on conflict (id) do nothing";
    BEAT = "update mail_switch set beat_at = case when beat_at > $1 then beat_at else $1 end where id = 1";
    MOVED = "update mail_switch set instance = $1, beat_at = $2 where id = 1";
    STOP_ALL = "update mail_switch set paused_at = coalesce(paused_at, $1), pause_key = coalesce(pause_key, $2), words = case when words = '' then $3 else words end where id = 1";
    GO_ON = "update mail_switch set paused_at = null, pause_key = null, words = '' where id = 1 and paused_at is not null";
    // Was it waiting already when a sender showed itself last?
    WAITED = "select case when exists (select 1 from outbox o join rounds r on r.id = o.round_id
        where o.state in ('pending', 'deferred') and (r.state = 'open' or o.wave > 3) and o.queued_at <= $1) then 1 else 0 end";
    WAITING = "select count(*) from outbox o join rounds r on r.id = o.round_id where o.state in ('pending', 'deferred') and (r.state = 'open' or o.wave > 3)";
    IN_HAND = "select count(*) from outbox where state in ('claimed', 'sending')";
    HELD_BY = "select state, count(*) from outbox where state in ('claimed', 'sending') and lease_owner like $1 group by state";
    PAUSE_FOR = "update rounds set paused_at = coalesce(paused_at, $3), pause_key = case when paused_at is null then $4 else pause_key end,
        pause_reason = case when paused_at is null then $5 else pause_reason end, updated_at = $3 where id = $1 and municipality_id = $2";
    HOLD_MAIL = "update rounds set mail_after = $3 where id = $1 and municipality_id = $2";
    MAIL_UNTIL = "update rounds set mail_until = $3, updated_at = $4 where id = $1 and municipality_id = $2";
    EXPIRE = "update outbox set state = 'expired', words = '', lease_owner = null, lease_until = null, updated_at = $2
        where id in (select id from outbox where round_id = $1 and wave <= 3 and state in ('pending', 'deferred') limit 500)";
    // Of a closed round only what still waits is worth a word: thanks and the like.
    HELD_ROUNDS = "select r.id, r.title, r.kind, r.pause_key, r.pause_reason, r.paused_at from rounds r
        where r.municipality_id = $1 and r.paused_at is not null and (r.state in ('opening', 'open')
            or (r.state = 'closed' and exists (select 1 from outbox o where o.round_id = r.id and o.state in ('pending', 'deferred'))))
        order by r.year desc";
    LEFT_BEHIND = "select o.id from rounds r join outbox o on o.round_id = r.id and o.wave in (0, 1, 2, 3) and o.state in ('pending', 'deferred')
        where r.state = 'closed' limit 500";
    BUCKET = "select tokens, at from mail_pace where bucket = $1";
    FILL = "insert into mail_pace (bucket, tokens, at) values ($1, $2, $3)
        on conflict (bucket) do update set tokens = excluded.tokens, at = excluded.at";
    // Takes the bucket's row, so that two senders do not take the same tokens.
    TOUCH_BUCKET = "update mail_pace set at = at where bucket = $1";
    [padded 2] RUN_OUT = "update outbox set state = 'expired', words = '', lease_owner = null, lease_until = null, updated_at = $2
        where lease_owner = $1 and state = 'claimed' and id in (", "#", ")";
    [padded 1] LEAVE_BEHIND = "update outbox set state = 'cancelled', words = '', updated_at = $1 where state in ('pending', 'deferred') and id in (", "#", ")";
}

/// The switch for all mail.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MailSwitch {
    /// When a sender showed itself last.
    pub beat_at: Option<Millis>,
    /// Nothing has gone out since.
    pub paused_at: Option<Millis>,
    /// Why, as a key of the texts.
    pub pause_key: Option<String>,
    /// What a person wrote about it.
    pub words: String,
}

/// Mail that does not go out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct HeldMail {
    /// The round with its title; `None`: all mail of this database.
    pub round: Option<(RoundId, String)>,
    /// What that round asks about.
    pub kind: Option<RoundKind>,
    /// Why, as a key of the texts; `None`: a person's reason.
    pub key: Option<String>,
    /// The mail server's words, or a person's.
    pub words: String,
    /// Since when.
    pub since: Millis,
}

/// What a sender finds when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waking {
    /// Nothing out of the ordinary.
    Usual,
    /// All mail was paused just now, for this reason: a key of the texts.
    Paused(&'static str),
}

/// Milliseconds after which a database and what lies beside it must agree.
const SETTLED: i64 = 120_000;

/// Key of the reason: the database is a copy, or was brought back from a backup.
pub const PAUSE_RESTORED: &str = "mail.pause_restored";
/// Key of the reason: nothing was sent for long.
pub const PAUSE_OUTAGE: &str = "mail.pause_outage";
/// Key of the reason: a person decided so.
pub const PAUSE_PERSON: &str = "mail.pause_person";

impl Store {
    /// A sender starts. When messages were waiting already as the last one was seen, and that is longer ago than `silence`, or
    /// the database is another one than the last sender's, or older than it was, all mail is paused.
    pub async fn wake_mail(&self, silence: std::time::Duration, now: Millis) -> Result<Waking> {
        let instance = self.instance().await;
        let mut tx = self.begin().await?;
        let beside = self.inner.marker.as_deref().map(read_marker);
        let Some(row) = call(SWITCH).maybe_row(&mut tx).await? else {
            let instance = if self.is_embedded() { JobId::new(now).0 } else { instance };
            call(FIRST).text(&instance).at(now).run(&mut tx).await?;
            tx.commit().await?;
            self.write_marker(&instance, now);
            return Ok(Waking::Usual);
        };
        let mut c = columns(&row);
        let (known, beat, paused) = (c.text()?, c.at()?, c.flag()?);
        let (is_another, is_older) = match &beside {
            // SQLite: the marker beside the file is a copy's or another's, or has seen a later hour than the file has.
            Some(Some((marked, seen))) => (*marked != known, *seen > beat),
            Some(None) => (true, false),
            None => (!instance.is_empty() && !known.is_empty() && instance != known, false),
        };
        // Senders that start at the same moment see each other's first steps, never a copy.
        let is_settled = now.0.saturating_sub(beat.0) > SETTLED;
        let (is_another, is_older) = (is_another && is_settled, is_older && is_settled);
        let silent = i64::try_from(silence.as_millis()).unwrap_or(i64::MAX);
        let is_late = now.0.saturating_sub(beat.0) > silent;
        let mut waking = Waking::Usual;
        if (is_another || is_older || is_late)
            && !paused
            && columns(&call(WAITED).at(beat).row(&mut tx, "answer").await?).yes()?
        {
            let key = if is_another || is_older { PAUSE_RESTORED } else { PAUSE_OUTAGE };
            call(STOP_ALL).at(now).text(key).text("").run(&mut tx).await?;
            waking = Waking::Paused(key);
        }
        let instance = match (self.is_embedded(), is_another) {
            (true, true) => JobId::new(now).0,
            (true, false) => known,
            (false, _) if instance.is_empty() => known,
            (false, _) => instance,
        };
        call(MOVED).text(&instance).at(Millis(beat.0.max(now.0))).run(&mut tx).await?;
        tx.commit().await?;
        self.write_marker(&instance, now);
        Ok(waking)
    }

    /// A sender is alive; once a minute.
    pub async fn beat_mail(&self, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        call(BEAT).at(now).run(&mut tx).await?;
        let row = call(SWITCH).maybe_row(&mut tx).await?;
        tx.commit().await?;
        if let Some(row) = row {
            self.write_marker(&columns(&row).text()?, now);
        }
        Ok(())
    }

    /// Does any mail go out?
    pub async fn mail_switch(&self) -> Result<MailSwitch> {
        let Some(row) = call(SWITCH).maybe_row(&mut *self.read().await?).await? else {
            return Ok(MailSwitch { beat_at: None, paused_at: None, pause_key: None, words: String::new() });
        };
        let mut c = columns(&row);
        let _instance = c.text()?;
        Ok(MailSwitch { beat_at: Some(c.at()?), paused_at: c.maybe_at()?, pause_key: c.maybe()?, words: c.text()? })
    }

    /// What of a municipality's mail does not go out, and why: all of it first.
    pub async fn held_mail(&self, municipality: &MunicipalityId) -> Result<Vec<HeldMail>> {
        let switch = self.mail_switch().await?;
        let all = switch.paused_at.map(|since| HeldMail {
            round: None,
            kind: None,
            key: switch.pause_key,
            words: switch.words,
            since,
        });
        let mut held: Vec<HeldMail> = all.into_iter().collect();
        for row in call(HELD_ROUNDS).text(municipality.as_str()).rows(&mut *self.read().await?).await? {
            let mut c = columns(&row);
            held.push(HeldMail {
                round: Some((RoundId(c.text()?), c.text()?)),
                kind: Some(c.word("round", RoundKind::parse)?),
                key: c.maybe()?,
                words: c.maybe()?.unwrap_or_default(),
                since: c.at()?,
            });
        }
        Ok(held)
    }

    /// Stops all mail of all rounds; a pause that is already there keeps its reason.
    pub async fn pause_all_mail(&self, key: Option<&str>, words: &str, now: Millis) -> Result<()> {
        let instance = match self.inner.marker.as_deref().and_then(read_marker) {
            Some((marked, _)) => marked,
            None if self.is_embedded() => JobId::new(now).0,
            None => self.instance().await,
        };
        let mut tx = self.begin().await?;
        call(FIRST).text(&instance).at(now).run(&mut tx).await?;
        call(STOP_ALL).at(now).maybe(key).text(words).run(&mut tx).await?;
        tx.commit().await?;
        if self.inner.marker.as_deref().is_some_and(|path| !path.exists()) {
            self.write_marker(&instance, now);
        }
        Ok(())
    }

    /// Lets mail go on, except of rounds that are paused themselves. `false`: it was not stopped.
    pub async fn resume_all_mail(&self, now: Millis) -> Result<bool> {
        let mut tx = self.begin().await?;
        let resumed = call(GO_ON).run(&mut tx).await? == 1;
        call(BEAT).at(now).run(&mut tx).await?;
        tx.commit().await?;
        Ok(resumed)
    }

    /// Messages that wait to be sent, now or later.
    pub async fn mail_waiting(&self) -> Result<u64> {
        columns(&call(WAITING).row(&mut *self.read().await?, "answer").await?).count()
    }

    /// Messages that some sender holds at this moment.
    pub async fn mail_in_hand(&self) -> Result<u64> {
        columns(&call(IN_HAND).row(&mut *self.read().await?, "answer").await?).count()
    }

    /// Messages that senders whose name begins so hold: claimed, and marked.
    pub async fn mail_held_by(&self, name: &str) -> Result<(u64, u64)> {
        let (mut claimed, mut marked) = (0, 0);
        for row in call(HELD_BY).text(&format!("{name}%")).rows(&mut *self.read().await?).await? {
            let mut c = columns(&row);
            let (state, messages) = (c.text()?, c.count()?);
            *(if state == "sending" { &mut marked } else { &mut claimed }) += messages;
        }
        Ok((claimed, marked))
    }

    /// Stops a round's mail for a reason that has a key; `words` are the mail server's. A pause that is there keeps its reason.
    pub async fn pause_mail_for(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        key: &str,
        words: &str,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(PAUSE_FOR)
            .text(round.as_str())
            .text(municipality.as_str())
            .at(now)
            .text(key)
            .text(words)
            .run_one(&mut tx, "round")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Nothing of the round is claimed before `until`.
    pub async fn hold_mail(&self, municipality: &MunicipalityId, round: &RoundId, until: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        call(HOLD_MAIL).text(round.as_str()).text(municipality.as_str()).at(until).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Sets when a round's mail ends, before its last day; `None`: with its last day.
    pub async fn set_mail_until(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        until: Option<Millis>,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(MAIL_UNTIL)
            .text(round.as_str())
            .text(municipality.as_str())
            .maybe_at(until)
            .at(now)
            .run_one(&mut tx, "round")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Everything of the round that waits is expired; in steps, so that others can write in between.
    pub async fn expire_mail(&self, round: &RoundId, now: Millis) -> Result<u64> {
        let mut expired = 0;
        loop {
            let mut tx = self.begin().await?;
            let some = call(EXPIRE).text(round.as_str()).at(now).run(&mut tx).await?;
            tx.commit().await?;
            expired += some;
            if some < 500 {
                return Ok(expired);
            }
        }
    }

    /// These claimed messages are expired.
    pub async fn expire_claimed(&self, mails: &[MailId], worker: &str, now: Millis) -> Result<u64> {
        let mut tx = self.begin().await?;
        let expired = RUN_OUT.run(&mut tx, mails, |c| c.text(worker).at(now), |c, id| c.text(id.as_str())).await?;
        tx.commit().await?;
        Ok(expired)
    }

    /// What came back into the queue of a round that was closed meanwhile is cancelled.
    pub(crate) async fn tidy_mail(&self, now: Millis) -> Result<u64> {
        let rows = call(LEFT_BEHIND).rows(&mut *self.read().await?).await?;
        let ids = rows.iter().map(|row| columns(row).text()).collect::<Result<Vec<_>>>()?;
        if ids.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin().await?;
        let cancelled = LEAVE_BEHIND.run(&mut tx, &ids, |c| c.at(now), |c, id| c.text(id)).await?;
        tx.commit().await?;
        Ok(cancelled)
    }

    /// Takes up to `want` tokens from a bucket that fills at `per_minute` and holds `most`; returns how many, and when the next
    /// one is there. Kept in the database: a restart gives nothing away, and all senders share it.
    pub async fn take_tokens(
        &self,
        bucket: &str,
        want: u32,
        per_minute: u32,
        most: u32,
        now: Millis,
    ) -> Result<(u32, Millis)> {
        let mut tx = self.begin().await?;
        call(TOUCH_BUCKET).text(bucket).run(&mut tx).await?;
        let (rate, most) = (f64::from(per_minute.max(1)) / 60_000.0, f64::from(most.max(1)));
        let tokens = match call(BUCKET).text(bucket).maybe_row(&mut tx).await? {
            None => most,
            Some(row) => {
                let mut c = columns(&row);
                let (tokens, at) = (c.real()?, c.at()?);
                // A clock that was set back gives nothing.
                let passed = u32::try_from((now.0 - at.0).max(0)).map_or(most / rate, f64::from);
                (tokens + passed * rate).min(most)
            }
        };
        let taken = f64::from(want).min((tokens + 1e-6).floor().max(0.0));
        let left = tokens - taken;
        call(FILL).text(bucket).real(left).at(now).run(&mut tx).await?;
        tx.commit().await?;
        let wait = if left >= 1.0 { 0.0 } else { ((1.0 - left) / rate).ceil() };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole numbers, at most `want` and a day"
        )]
        let (taken, wait) = (taken as u32, wait.min(86_400_000.0) as i64);
        Ok((taken, Millis(now.0 + wait)))
    }

    /// Puts tokens back that were not used.
    pub async fn give_tokens_back(&self, bucket: &str, tokens: u32) -> Result<()> {
        let mut tx = self.begin().await?;
        call(TOUCH_BUCKET).text(bucket).run(&mut tx).await?;
        if let Some(row) = call(BUCKET).text(bucket).maybe_row(&mut tx).await? {
            let mut c = columns(&row);
            let (left, at) = (c.real()?, c.at()?);
            call(FILL).text(bucket).real(left + f64::from(tokens)).at(at).run(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Which server and database this is; empty where the server does not tell, and for SQLite.
    async fn instance(&self) -> String {
        let asked = async {
            let row = call(INSTANCE.text(self.inner.engine)).row(&mut *self.read().await?, "answer").await?;
            columns(&row).text()
        };
        asked.await.unwrap_or_default()
    }

    fn write_marker(&self, instance: &str, now: Millis) {
        let Some(path) = &self.inner.marker else { return };
        let partial = path.with_extension(format!("{}.part", std::process::id()));
        let written =
            std::fs::write(&partial, format!("{instance} {}\n", now.0)).and_then(|()| std::fs::rename(&partial, path));
        if let Err(error) = written {
            tracing::warn!(error = %error, "The sender's marker beside the database cannot be written");
        }
    }
}

/// Where the marker of a SQLite file lies.
pub(crate) fn marker_beside(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(".sender");
    PathBuf::from(path)
}

/// The instance that was here, and when it was seen last.
fn read_marker(path: &Path) -> Option<(String, Millis)> {
    let text = std::fs::read_to_string(path).ok()?;
    let (instance, seen) = text.trim().split_once(' ')?;
    Some((instance.to_owned(), Millis(seen.parse().ok()?)))
}
