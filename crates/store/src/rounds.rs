//! Rounds: prepared, opened in resumable steps, watched and closed.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::cases::rest_since;
use domain::fieldwork::{ResponseStatus, RoundKind, RoundState};
use domain::ids::{BusinessId, ImportId, InvitationId, MailId, MunicipalityId, QuestionnaireId, RoundId};
use domain::language::Language;
use domain::secrets::Keys;
use domain::sending::WRITTEN_TO_LATELY;
use domain::time::Millis;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::bases::permitted;
use crate::sql::{Call, call, columns, statements};
use crate::{Result, Store, StoreError, frames};

/// The columns of a round, in the order in which [`round`] reads them.
macro_rules! round_columns {
    () => {
        "r.id, r.municipality_id, r.kind, case when r.kind = 'cases' then r.year / 10000 else r.year end, r.title, r.state, r.opens_on, r.closes_on, r.questionnaire_id, r.import_id, r.threshold, r.paused_at, r.pause_key, r.pause_reason, r.mail_until, r.opened_at, r.closed_at"
    };
}

/// Is this an outbox row `o` by which a business was first written to after an instant, or is about to be? Reminders do not count:
/// they belong to a survey that has. A message in doubt counts, as it may have arrived; one that waits in a closed round does not.
macro_rules! lately {
    ($since:literal) => {
        concat!(
            "o.wave = 0 and (o.state = 'sending' or (o.state in ('pending', 'claimed', 'deferred')
                and exists (select 1 from rounds own where own.id = o.round_id and own.state <> 'closed')) or (o.state = 'sent' and o.sent_at > ",
            $since,
            ") or (o.state = 'uncertain' and o.updated_at > ",
            $since,
            "))"
        )
    };
}
pub(crate) use lately;

statements! {
    INSERT = "insert into rounds (id, municipality_id, year, title, state, opens_on, closes_on, questionnaire_id, threshold, cursor, opening_done, opening_total, created_at, updated_at)
        values ($1, $2, $3, $4, 'draft', $5, $6, $7, $8, '', 0, 0, $9, $9)";
    UPDATE = "update rounds set title = $3, opens_on = $4, closes_on = $5, questionnaire_id = $6, threshold = $7, updated_at = $8
        where id = $1 and municipality_id = $2 and state = 'draft'";
    DATES = "update rounds set opens_on = $3, closes_on = $4, updated_at = $5 where id = $1 and municipality_id = $2 and state <> 'closed'";
    QUESTIONNAIRE_EXISTS = "select id from questionnaires where id = $1 and municipality_id = $2";
    BY_ID = concat!("select ", round_columns!(), " from rounds r where r.id = $1 and r.municipality_id = $2");
    YEARLY = concat!("select ", round_columns!(), " from rounds r where r.id = $1 and r.municipality_id = $2 and r.kind = 'yearly'");
    BY_YEAR = concat!("select ", round_columns!(), " from rounds r where r.municipality_id = $1 and r.year = $2");
    ALL = concat!("select ", round_columns!(), " from rounds r where r.municipality_id = $1 and r.kind = 'yearly' order by r.year desc");
    FREEZE = "update rounds set state = 'opening', import_id = $3, updated_at = $4, opening_total = $5 where id = $1 and municipality_id = $2 and state = 'draft' and questionnaire_id is not null";
    // Held while a step runs, so that two programs do not open the same units at once.
    HOLD = "update rounds set updated_at = $3 where id = $1 and municipality_id = $2 and state in ('opening', 'open')";
    OPENING = "select state, import_id, cursor, opening_done, opening_total from rounds where id = $1 and municipality_id = $2";
    NEXT_UNITS = concat!("select f.business_id, f.email, case when ", permitted!("$4"), " then null else f.protected_at end, b.opted_out_at from frame_rows f join businesses b on b.id = f.business_id
        where f.import_id = $1 and f.business_id > $2 order by f.business_id limit $3");
    // Protected businesses that a basis allows to be asked by now, and that have no invitation.
    PERMITTED_UNITS = concat!("select f.business_id, f.email, cast(null as bigint), b.opted_out_at from frame_rows f join businesses b on b.id = f.business_id
        where f.import_id = $1 and f.business_id > $2 and f.protected_at is not null and ", permitted!("$4"), "
          and not exists (select 1 from invitation_businesses x where x.round_id = $4 and x.business_id = f.business_id)
        order by f.business_id limit $3");
    ADVANCE = "update rounds set cursor = $2, opening_done = $3 where id = $1";
    OPENED = "update rounds set state = 'open', opened_at = $2 where id = $1 and state = 'opening'";
    // Those still missing: nothing submitted, no earlier message that failed, nobody who said no.
    MISSING = "select i.id, i.contact_id, i.generation from invitations i
        join contacts c on c.id = i.contact_id
        join businesses b on b.id = i.business_id
        left join panel_links l on l.business_id = i.business_id
        left join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id
        where i.round_id = $1 and i.opted_out_at is null and i.barred_at is null and b.opted_out_at is null and c.opted_out_at is null and c.suppressed_at is null
          and (p.id is null or p.status not in ('complete', 'withdrawn'))
          and not exists (select 1 from outbox o where o.invitation_id = i.id and o.generation = i.generation
              and (o.wave = $2 or (o.wave = 0 and o.state in ('cancelled', 'expired'))))
          and i.id > $3
        order by i.id limit $4";
    PAUSE = "update rounds set paused_at = coalesce(paused_at, $3), pause_reason = coalesce(pause_reason, $4), updated_at = $3 where id = $1 and municipality_id = $2";
    RESUME = "update rounds set paused_at = null, pause_key = null, pause_reason = null, updated_at = $3 where id = $1 and municipality_id = $2";
    CLOSE = "update rounds set state = 'closed', closed_at = $3, updated_at = $3, import_id = coalesce(import_id, $4)
        where id = $1 and municipality_id = $2 and state in ('draft', 'open')";
    CANCEL_ALL = "update outbox set state = 'cancelled', words = '', updated_at = $2 where round_id = $1 and wave <= 3 and state in ('pending', 'deferred')";
    MONITOR = "select f.sector, f.size, count(*),
            count(i.id),
            cast(sum(case when i.id is not null and i.contact_id is null then 1 else 0 end) as bigint),
            cast(sum(case when exists (select 1 from outbox o where o.invitation_id = i.id and o.state = 'sent') then 1 else 0 end) as bigint),
            cast(sum(case when (select o.state from outbox o where o.invitation_id = i.id and o.state in ('sent', 'failed', 'uncertain')
                order by o.generation desc, o.wave desc limit 1) = 'failed' then 1 else 0 end) as bigint),
            cast(sum(case when (select o.state from outbox o where o.invitation_id = i.id and o.state in ('sent', 'failed', 'uncertain')
                order by o.generation desc, o.wave desc limit 1) = 'sent' then 1 else 0 end) as bigint),
            cast(sum(case when (select case when o.state = 'failed' and o.sent_at is not null then 1 else 0 end from outbox o
                where o.invitation_id = i.id and o.state in ('sent', 'failed', 'uncertain')
                order by o.generation desc, o.wave desc limit 1) = 1 then 1 else 0 end) as bigint),
            cast(sum(case when i.opted_out_at is not null or b.opted_out_at is not null then 1 else 0 end) as bigint),
            cast(sum(case when p.status in ('started', 'partial', 'complete') then 1 else 0 end) as bigint),
            cast(sum(case when p.status = 'partial' then 1 else 0 end) as bigint),
            cast(sum(case when p.status = 'complete' then 1 else 0 end) as bigint)
        from frame_rows f
        join businesses b on b.id = f.business_id
        left join invitation_businesses ib on ib.round_id = $1 and ib.business_id = f.business_id
        left join invitations i on i.id = ib.invitation_id
        left join panel_links l on l.business_id = f.business_id
        left join response_panels rp on rp.round_id = $1 and rp.panel_id = l.panel_id
        left join responses p on p.id = rp.response_id
        where f.import_id = $2
        group by f.sector, f.size order by f.sector, f.size";
    SUBMITTED_DAYS = "select (submitted_at - submitted_at % 86400000) / 86400000, count(*) from responses
        where round_id = $1 and submitted_at is not null group by 1 order by 1";
    LINKS = "select i.id, i.generation, i.business_id, b.unit_key, f.name, f.street, f.postcode, f.city, f.phone, c.address, coalesce(i.language, c.language), p.status,
            case when i.opted_out_at is not null or i.barred_at is not null or b.opted_out_at is not null or c.opted_out_at is not null then 1 else 0 end
        from invitations i
        join rounds r on r.id = i.round_id
        join businesses b on b.id = i.business_id
        join frame_rows f on f.import_id = r.import_id and f.business_id = i.business_id
        left join contacts c on c.id = i.contact_id
        left join panel_links l on l.business_id = i.business_id
        left join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id
        where i.round_id = $1 and i.municipality_id = $2 and i.id > $3 order by i.id limit $4";
    [bulk 2] ADD_CONTACTS = "insert into contacts (id, municipality_id, address, created_at) values", "(#, $1, #, $2)", "on conflict (municipality_id, address) do nothing";
    [bulk 1] CONTACTS = "select id, address, opted_out_at, suppressed_at from contacts where municipality_id = $1 and address in (", "#", ")";
    [bulk 1] INVITED_CONTACTS = "select contact_id, id from invitations where round_id = $1 and contact_id in (", "#", ")";
    [bulk 3] ADD_INVITATIONS = "insert into invitations (id, municipality_id, round_id, business_id, contact_id, generation, lookup, created_at) values",
        "(#, $1, $2, #, #, 0, #, $3)", "";
    [bulk 1] ADD_COVERED = "insert into invitation_businesses (round_id, business_id, invitation_id) values", "($1, #, #)", "";
    // Invitations that stand for a business which another round has written to lately or is about to, or go to an address where one has.
    [bulk 1] WRITTEN_TO = concat!("select i.id from invitations i where (exists (select 1 from outbox o
            where o.contact_id = i.contact_id and o.round_id <> i.round_id and ", lately!("$1"), ")
          or exists (select 1 from invitation_businesses x join invitation_businesses y on y.business_id = x.business_id and y.round_id <> x.round_id
              join outbox o on o.invitation_id = y.invitation_id where x.invitation_id = i.id and ", lately!("$1"), ")
          or exists (select 1 from invitation_businesses x join approaches a on a.business_id = x.business_id and a.round_id <> x.round_id
              where x.invitation_id = i.id and a.wave = 0 and a.exported_at > $1)) and i.id in ("), "#", ")";
    [bulk 4] ADD_HELD = "insert into outbox (id, municipality_id, round_id, invitation_id, contact_id, generation, wave, message_id, state, attempts, next_attempt_at, words, queued_at, updated_at) values",
        "(#, $1, $2, #, #, #, 0, #, 'cancelled', 0, $3, $4, $3, $3)", "on conflict (invitation_id, generation, wave) do nothing";
    [bulk 4] ADD_MAILS = "insert into outbox (id, municipality_id, round_id, invitation_id, contact_id, generation, wave, message_id, state, attempts, next_attempt_at, words, queued_at, updated_at) values",
        "(#, $1, $2, #, #, #, $3, #, 'pending', 0, $4, '', $4, $4)", "on conflict (invitation_id, generation, wave) do nothing";
}

/// Units per step of an opening: a few milliseconds of the writer.
const STEP: usize = 256;

/// What a round is made of while it is being prepared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundPlan {
    /// Title: "2026-målingen".
    pub title: String,
    /// First day of answering, `yyyy-mm-dd`.
    pub opens_on: Option<String>,
    /// Last day of answering, `yyyy-mm-dd`.
    pub closes_on: Option<String>,
    /// The questionnaire's version; needed before the round can be opened.
    pub questionnaire: Option<QuestionnaireId>,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
}

/// A round: the yearly survey, one per municipality and year, or one day's closed cases.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Round {
    /// Its id.
    pub id: RoundId,
    /// Whose it is.
    pub municipality: MunicipalityId,
    /// What it asks about.
    pub kind: RoundKind,
    /// The year.
    pub year: i32,
    /// Title.
    pub title: String,
    /// Where it stands.
    pub state: RoundState,
    /// First day of answering, `yyyy-mm-dd`.
    pub opens_on: Option<String>,
    /// Last day of answering, `yyyy-mm-dd`.
    pub closes_on: Option<String>,
    /// The questionnaire's version; frozen when the round is opened.
    pub questionnaire: Option<QuestionnaireId>,
    /// The frame's import; set when the round is opened.
    pub frame: Option<ImportId>,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
    /// Sending was stopped at this time.
    pub paused_at: Option<Millis>,
    /// Why sending was stopped, as a key of the texts (with `words`); none: a person's reason.
    pub pause_key: Option<String>,
    /// The mail server's words, or a person's reason.
    pub pause_reason: Option<String>,
    /// When its mail ends, where that is before its last day's end.
    pub mail_until: Option<Millis>,
    /// When opening was finished.
    pub opened_at: Option<Millis>,
    /// When it was closed.
    pub closed_at: Option<Millis>,
}

/// How far the opening of a round has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Opening {
    /// Units of the frame looked at.
    pub done: u64,
    /// Units of the frame.
    pub total: u64,
    /// The round is open.
    pub finished: bool,
}

/// Counts of a round or of one of its cells. Counts only, never who.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct MonitorCounts {
    /// Businesses in the frame.
    pub frame: u64,
    /// Businesses invited (by mail or letter).
    pub invited: u64,
    /// Of these, invited without a mail address: letters.
    pub letters: u64,
    /// Businesses whose invitation was sent.
    pub sent: u64,
    /// Businesses whose latest message failed for good.
    pub failed: u64,
    /// Businesses whose latest message was accepted by the receiving server and did not come back.
    pub accepted: u64,
    /// Of `failed`: accepted at first, then sent back.
    pub bounced: u64,
    /// Businesses that said no, for this round or for good.
    pub opted_out: u64,
    /// Responses begun (every one of `partial` and `complete` too).
    pub started: u64,
    /// Responses that are partial.
    pub partial: u64,
    /// Responses that are complete.
    pub complete: u64,
}

/// Counts of one sector × size class.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MonitorCell {
    /// Key of the sector.
    pub sector: String,
    /// Key of the size class.
    pub size: String,
    /// The counts.
    pub counts: MonitorCounts,
}

/// A round while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Monitor {
    /// All businesses.
    pub total: MonitorCounts,
    /// By sector × size class, in the order of their keys; sums over either are the caller's.
    pub cells: Vec<MonitorCell>,
    /// Responses submitted per day (UTC, `yyyy-mm-dd`), ascending.
    pub per_day: Vec<(String, u64)>,
}

/// One invitation for the letters export; the link is made from id and generation with [`Keys::invitation_token`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    /// The invitation.
    pub invitation: InvitationId,
    /// Its generation.
    pub generation: i64,
    /// The business.
    pub business: BusinessId,
    /// Its unit key.
    pub unit_key: String,
    /// Its name.
    pub name: String,
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postcode: String,
    /// Town.
    pub city: String,
    /// Telephone number.
    pub phone: Option<String>,
    /// The contact's address; `None`: a letter is the only way.
    pub email: Option<String>,
    /// The contact's language, where known.
    pub language: Option<Language>,
    /// How far the response is.
    pub status: Option<ResponseStatus>,
    /// Nobody writes to it: it said no, or it is protected and its basis has ended.
    pub opted_out: bool,
}

impl Store {
    /// A new round in draft.
    ///
    /// # Errors
    /// [`crate::StoreError::Conflict`] when the year has one.
    pub async fn create_round(
        &self,
        municipality: &MunicipalityId,
        year: i32,
        plan: &RoundPlan,
        now: Millis,
    ) -> Result<Round> {
        let id = RoundId::new(now);
        let mut tx = self.begin().await?;
        check_questionnaire(&mut tx, municipality, plan).await?;
        call(INSERT)
            .text(id.as_str())
            .text(municipality.as_str())
            .int(year.into())
            .text(&plan.title)
            .maybe(plan.opens_on.as_deref())
            .maybe(plan.closes_on.as_deref())
            .maybe(plan.questionnaire.as_ref().map(QuestionnaireId::as_str))
            .int(plan.threshold.max(5).into())
            .at(now)
            .run_new(&mut tx, "round of this year")
            .await?;
        let made = load(&mut tx, municipality, &id).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Replaces the plan of a round in draft.
    pub async fn update_round(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        plan: &RoundPlan,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        check_questionnaire(&mut tx, municipality, plan).await?;
        let updated = call(UPDATE)
            .text(round.as_str())
            .text(municipality.as_str())
            .text(&plan.title)
            .maybe(plan.opens_on.as_deref())
            .maybe(plan.closes_on.as_deref())
            .maybe(plan.questionnaire.as_ref().map(QuestionnaireId::as_str))
            .int(plan.threshold.max(5).into())
            .at(now)
            .run(&mut tx)
            .await?;
        if updated == 0 {
            load(&mut tx, municipality, round).await?;
            return Err(StoreError::State("the round is no longer in preparation"));
        }
        Ok(tx.commit().await?)
    }

    /// Sets the dates of a round that is not closed.
    pub async fn set_round_dates(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        opens_on: Option<&str>,
        closes_on: Option<&str>,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let updated = call(DATES)
            .text(round.as_str())
            .text(municipality.as_str())
            .maybe(opens_on)
            .maybe(closes_on)
            .at(now)
            .run(&mut tx)
            .await?;
        if updated == 0 {
            load(&mut tx, municipality, round).await?;
            return Err(StoreError::RoundClosed);
        }
        Ok(tx.commit().await?)
    }

    /// A yearly round; `NotFound` otherwise.
    pub async fn round(&self, municipality: &MunicipalityId, id: &RoundId) -> Result<Round> {
        let found = call(YEARLY).text(id.as_str()).text(municipality.as_str());
        round(&found.row(&mut *self.read().await?, "round").await?)
    }

    /// The round of a year.
    pub async fn round_of_year(&self, municipality: &MunicipalityId, year: i32) -> Result<Option<Round>> {
        let row =
            call(BY_YEAR).text(municipality.as_str()).int(year.into()).maybe_row(&mut *self.read().await?).await?;
        row.as_ref().map(round).transpose()
    }

    /// All yearly rounds, newest first.
    pub async fn rounds(&self, municipality: &MunicipalityId) -> Result<Vec<Round>> {
        call(ALL).text(municipality.as_str()).rows(&mut *self.read().await?).await?.iter().map(round).collect()
    }

    /// Freezes frame and questionnaire: draft → opening. Doing it again is harmless.
    ///
    /// # Errors
    /// [`crate::StoreError::State`] when there is no frame for the year, no questionnaire, or the round was closed.
    pub async fn freeze_round(&self, municipality: &MunicipalityId, round: &RoundId, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        frames::lock(&mut tx, municipality).await?;
        let found = load(&mut tx, municipality, round).await?;
        match found.state {
            RoundState::Opening | RoundState::Open => return Ok(()),
            RoundState::Closed => return Err(StoreError::RoundClosed),
            RoundState::Draft => {}
        }
        let frame = frames::current(&mut tx, municipality, found.year)
            .await?
            .ok_or(StoreError::State("the year has no frame"))?;
        let total = frames::units_of(&mut tx, &frame).await?;
        let freeze =
            call(FREEZE).text(round.as_str()).text(municipality.as_str()).text(frame.as_str()).at(now).count(total);
        let frozen = freeze.run(&mut tx).await?;
        if frozen == 0 {
            return Err(StoreError::State("the round has no questionnaire"));
        }
        Ok(tx.commit().await?)
    }

    /// One step of the opening: invitations and messages for the next units of the frame, at last opening → open.
    /// Each step is one transaction, so a killed opening goes on where it stopped. `mail_domain`: right-hand side of Message-IDs.
    pub async fn open_step(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        keys: &Keys,
        mail_domain: &str,
        now: Millis,
    ) -> Result<Opening> {
        let mut tx = self.begin().await?;
        if call(HOLD).text(round.as_str()).text(municipality.as_str()).at(now).run(&mut tx).await? == 0 {
            load(&mut tx, municipality, round).await?;
            return Err(StoreError::State("the round is not being opened"));
        }
        let row = call(OPENING).text(round.as_str()).text(municipality.as_str()).row(&mut tx, "round").await?;
        let mut c = columns(&row);
        let state = c.word("round", RoundState::parse)?;
        let (frame, cursor, done, total) = (ImportId(c.text()?), c.text()?, c.count()?, c.count()?);
        if state == RoundState::Open {
            return Ok(Opening { done, total, finished: true });
        }
        let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
        let next = call(NEXT_UNITS).text(frame.as_str()).text(&cursor).int(limit).text(round.as_str());
        let rows = next.rows(&mut tx).await?;
        let units = rows.iter().map(candidate).collect::<Result<Vec<_>>>()?;
        let invited = invite(&mut tx, municipality, round, &units, keys, now).await?;
        let invited = hold(&mut tx, municipality, round, invited, mail_domain, now).await?;
        queue(&mut tx, municipality, round, 0, &invited, mail_domain, now).await?;
        let done = done + units.len() as u64;
        let finished = units.len() < STEP;
        if let Some(last) = units.last() {
            call(ADVANCE).text(round.as_str()).text(last.business.as_str()).count(done).run(&mut tx).await?;
        }
        if finished {
            call(OPENED).text(round.as_str()).at(now).run(&mut tx).await?;
        }
        tx.commit().await?;
        Ok(Opening { done, total, finished })
    }

    /// [`Self::freeze_round`], then [`Self::open_step`] until the round is open.
    pub async fn freeze_and_open(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        keys: &Keys,
        mail_domain: &str,
        now: Millis,
    ) -> Result<Opening> {
        self.freeze_round(municipality, round, now).await?;
        loop {
            let opening = self.open_step(municipality, round, keys, mail_domain, now).await?;
            if opening.finished {
                return Ok(opening);
            }
        }
    }

    /// Invites the protected businesses of an open round that a basis allows to be asked, and that are not invited yet; in
    /// steps, each a transaction, so that a killed one goes on when called again. Returns how many messages it queued.
    pub(crate) async fn invite_permitted(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        keys: &Keys,
        mail_domain: &str,
        now: Millis,
    ) -> Result<u64> {
        let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
        let (mut queued, mut after) = (0, String::new());
        loop {
            let mut tx = self.begin().await?;
            call(HOLD).text(round.as_str()).text(municipality.as_str()).at(now).run(&mut tx).await?;
            let found = load(&mut tx, municipality, round).await?;
            let (RoundState::Open, Some(frame)) = (found.state, found.frame) else { return Ok(queued) };
            let find = call(PERMITTED_UNITS).text(frame.as_str()).text(&after).int(limit).text(round.as_str());
            let units = find.rows(&mut tx).await?.iter().map(candidate).collect::<Result<Vec<_>>>()?;
            let Some(last) = units.last() else { return Ok(queued) };
            after.clone_from(&last.business.0);
            let invited = invite(&mut tx, municipality, round, &units, keys, now).await?;
            let invited = hold(&mut tx, municipality, round, invited, mail_domain, now).await?;
            queued += queue(&mut tx, municipality, round, 0, &invited, mail_domain, now).await?;
            tx.commit().await?;
        }
    }

    /// Queues a reminder (wave 1–3) for those still missing; each is decided again when it is sent. Returns how many were queued; again: 0.
    pub async fn queue_reminder(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        wave: i64,
        mail_domain: &str,
        now: Millis,
    ) -> Result<u64> {
        if !(1..=3).contains(&wave) {
            return Err(StoreError::State("reminders are the waves 1 to 3"));
        }
        let (mut queued, mut after) = (0, String::new());
        loop {
            let mut tx = self.begin().await?;
            if load(&mut tx, municipality, round).await?.state != RoundState::Open {
                return Err(StoreError::RoundClosed);
            }
            let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
            let rows = call(MISSING).text(round.as_str()).int(wave).text(&after).int(limit).rows(&mut tx).await?;
            let missing = rows
                .iter()
                .map(|row| {
                    let mut c = columns(row);
                    Ok(Addressed { invitation: InvitationId(c.text()?), contact: c.text()?, generation: c.int()? })
                })
                .collect::<Result<Vec<_>>>()?;
            queued += queue(&mut tx, municipality, round, wave, &missing, mail_domain, now).await?;
            tx.commit().await?;
            match missing.last() {
                Some(last) if missing.len() == STEP => after.clone_from(&last.invitation.0),
                _ => return Ok(queued),
            }
        }
    }

    /// Stops sending, with the reason staff will read.
    pub async fn pause_mail(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        reason: &str,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(PAUSE)
            .text(round.as_str())
            .text(municipality.as_str())
            .at(now)
            .text(reason)
            .run_one(&mut tx, "round")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Lets sending go on.
    pub async fn resume_mail(&self, municipality: &MunicipalityId, round: &RoundId, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        call(RESUME).text(round.as_str()).text(municipality.as_str()).at(now).run_one(&mut tx, "round").await?;
        Ok(tx.commit().await?)
    }

    /// Closes a round and cancels what waits in its outbox.
    pub async fn close_round(&self, municipality: &MunicipalityId, round: &RoundId, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        frames::lock(&mut tx, municipality).await?;
        let found = load(&mut tx, municipality, round).await?;
        let frame = frames::current(&mut tx, municipality, found.year).await?;
        let frame = frame.as_ref().map(ImportId::as_str);
        if call(CLOSE).text(round.as_str()).text(municipality.as_str()).at(now).maybe(frame).run(&mut tx).await? == 0 {
            return match found.state {
                RoundState::Closed => Ok(()),
                _ => Err(StoreError::State("the round is being opened")),
            };
        }
        call(CANCEL_ALL).text(round.as_str()).at(now).run(&mut tx).await?;
        crate::drafts::drop_of_round(&mut tx, round.as_str()).await?;
        crate::calls::tidy_round(&mut tx, round.as_str()).await?;
        Ok(tx.commit().await?)
    }

    /// The round in numbers.
    pub async fn monitor(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Monitor> {
        let mut conn = self.read().await?;
        let found = load(&mut conn, municipality, round).await?;
        let frame = match found.frame {
            Some(frame) => Some(frame),
            None => frames::current(&mut conn, municipality, found.year).await?,
        };
        let mut monitor = Monitor::default();
        let Some(frame) = frame else { return Ok(monitor) };
        for row in call(MONITOR).text(round.as_str()).text(frame.as_str()).rows(&mut conn).await? {
            let mut c = columns(&row);
            let cell = MonitorCell {
                sector: c.text()?,
                size: c.text()?,
                counts: MonitorCounts {
                    frame: c.count()?,
                    invited: c.count()?,
                    letters: c.count()?,
                    sent: c.count()?,
                    failed: c.count()?,
                    accepted: c.count()?,
                    bounced: c.count()?,
                    opted_out: c.count()?,
                    started: c.count()?,
                    partial: c.count()?,
                    complete: c.count()?,
                },
            };
            monitor.total.add(&cell.counts);
            monitor.cells.push(cell);
        }
        for row in call(SUBMITTED_DAYS).text(round.as_str()).rows(&mut conn).await? {
            let mut c = columns(&row);
            let day = Millis(0).plus_days(c.int()?);
            monitor.per_day.push((day.timestamp().strftime("%Y-%m-%d").to_string(), c.count()?));
        }
        Ok(monitor)
    }

    /// The invitations of a round after `after`, by invitation id.
    pub async fn links(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        after: Option<&InvitationId>,
        limit: u32,
    ) -> Result<Vec<LinkRow>> {
        let after = after.map_or("", InvitationId::as_str);
        let rows = call(LINKS)
            .text(round.as_str())
            .text(municipality.as_str())
            .text(after)
            .int(limit.into())
            .rows(&mut *self.read().await?)
            .await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(LinkRow {
                    invitation: InvitationId(c.text()?),
                    generation: c.int()?,
                    business: BusinessId(c.text()?),
                    unit_key: c.text()?,
                    name: c.text()?,
                    street: c.text()?,
                    postcode: c.text()?,
                    city: c.text()?,
                    phone: c.maybe()?,
                    email: c.maybe()?,
                    language: c.maybe_word("language", Language::parse)?,
                    status: c.maybe_word("status", ResponseStatus::parse)?,
                    opted_out: c.yes()?,
                })
            })
            .collect()
    }
}

impl MonitorCounts {
    /// Adds another cell's counts.
    pub fn add(&mut self, other: &Self) {
        self.frame += other.frame;
        self.invited += other.invited;
        self.letters += other.letters;
        self.sent += other.sent;
        self.failed += other.failed;
        self.accepted += other.accepted;
        self.bounced += other.bounced;
        self.opted_out += other.opted_out;
        self.started += other.started;
        self.partial += other.partial;
        self.complete += other.complete;
    }
}

/// A unit of the frame, as far as inviting it is concerned.
pub(crate) struct Candidate {
    business: BusinessId,
    address: Option<String>,
    /// The register or the business itself says no.
    untouchable: bool,
}

impl Candidate {
    /// A unit that may be asked.
    pub(crate) fn new(business: BusinessId, address: Option<String>) -> Self {
        Self { business, address, untouchable: false }
    }
}

fn candidate(row: &AnyRow) -> Result<Candidate> {
    let mut c = columns(row);
    Ok(Candidate {
        business: BusinessId(c.text()?),
        // Mail addresses are compared without regard to case, as every mail system in use does.
        address: c.maybe()?.map(|a| a.trim().to_lowercase()).filter(|a| !a.is_empty()),
        untouchable: c.flag()? | c.flag()?,
    })
}

/// An invitation that gets a message.
pub(crate) struct Addressed {
    pub(crate) invitation: InvitationId,
    pub(crate) contact: String,
    pub(crate) generation: i64,
}

/// Makes the invitations of these units: one per address, one per unit without an address. Returns those that get a message.
pub(crate) async fn invite(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    round: &RoundId,
    units: &[Candidate],
    keys: &Keys,
    now: Millis,
) -> Result<Vec<Addressed>> {
    let (m, r) = (municipality.as_str(), round.as_str());
    let addresses: BTreeSet<&str> =
        units.iter().filter(|u| !u.untouchable).filter_map(|u| u.address.as_deref()).collect();
    let contacts = contacts(conn, municipality, &addresses, now).await?;
    let known: Vec<&str> = contacts.values().map(|c| c.id.as_str()).collect();
    let mut by_contact = HashMap::new();
    for row in INVITED_CONTACTS.rows(conn, &known, |c| c.text(r), |c, id| c.text(id)).await? {
        let mut c = columns(&row);
        by_contact.insert(c.text()?, InvitationId(c.text()?));
    }
    let (mut new, mut covered, mut addressed) = (Vec::new(), Vec::new(), Vec::new());
    for unit in units.iter().filter(|u| !u.untouchable) {
        let contact = unit.address.as_deref().and_then(|a| contacts.get(a));
        if contact.is_some_and(|c| c.opted_out) {
            continue;
        }
        // An address that is known to be dead leaves the letter.
        let contact = contact.filter(|c| !c.suppressed);
        if let Some(invitation) = contact.and_then(|c| by_contact.get(&c.id)) {
            covered.push((&unit.business, invitation.clone()));
            continue;
        }
        let invitation = InvitationId::new(now);
        let lookup = keys.lookup(keys.invitation_token(&invitation, 0).reveal());
        if let Some(contact) = contact {
            by_contact.insert(contact.id.clone(), invitation.clone());
            addressed.push(Addressed { invitation: invitation.clone(), contact: contact.id.clone(), generation: 0 });
        }
        covered.push((&unit.business, invitation.clone()));
        new.push((invitation, &unit.business, contact.map(|c| c.id.as_str()), lookup));
    }
    let fixed = |c: Call| c.text(m).text(r).at(now);
    ADD_INVITATIONS
        .run(conn, &new, fixed, |c, (id, b, contact, lookup)| {
            c.text(id.as_str()).text(b.as_str()).maybe(*contact).text(lookup)
        })
        .await?;
    ADD_COVERED.run(conn, &covered, |c| c.text(r), |c, (b, id)| c.text(b.as_str()).text(id.as_str())).await?;
    Ok(addressed)
}

/// Notes as held those whom another round wrote to lately, and returns the others.
async fn hold(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    round: &RoundId,
    invited: Vec<Addressed>,
    mail_domain: &str,
    now: Millis,
) -> Result<Vec<Addressed>> {
    let (m, r, since) = (municipality.as_str(), round.as_str(), rest_since(now));
    let mut lately = BTreeSet::new();
    for row in WRITTEN_TO.rows(conn, &invited, |c| c.at(since), |c, a| c.text(a.invitation.as_str())).await? {
        lately.insert(columns(&row).text()?);
    }
    let (held, free): (Vec<_>, Vec<_>) = invited.into_iter().partition(|a| lately.contains(a.invitation.as_str()));
    let held: Vec<(MailId, Addressed)> = held.into_iter().map(|a| (MailId::new(now), a)).collect();
    let fixed = |c: Call| c.text(m).text(r).at(now).text(WRITTEN_TO_LATELY);
    ADD_HELD.run(conn, &held, fixed, |c, (id, a)| message(c, id, a, mail_domain)).await?;
    Ok(free)
}

/// What differs from message to message.
fn message(c: Call, id: &MailId, to: &Addressed, mail_domain: &str) -> Call {
    let message_id = format!("{id}@{mail_domain}");
    c.text(id.as_str()).text(to.invitation.as_str()).text(&to.contact).int(to.generation).text(&message_id)
}

/// A contact, as far as writing to it is concerned.
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) opted_out: bool,
    pub(crate) suppressed: bool,
}

/// The contacts of these (folded) addresses; unknown ones are made.
pub(crate) async fn contacts(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    addresses: &BTreeSet<&str>,
    now: Millis,
) -> Result<BTreeMap<String, Contact>> {
    let m = municipality.as_str();
    let candidates: Vec<(InvitationId, &str)> = addresses.iter().map(|a| (InvitationId::new(now), *a)).collect();
    ADD_CONTACTS
        .run(conn, &candidates, |c| c.text(m).at(now), |c, (id, address)| c.text(id.as_str()).text(address))
        .await?;
    let mut contacts = BTreeMap::new();
    for row in CONTACTS.rows(conn, &candidates, |c| c.text(m), |c, (_, address)| c.text(address)).await? {
        let mut c = columns(&row);
        let (id, address) = (c.text()?, c.text()?);
        contacts.insert(address, Contact { id, opted_out: c.flag()?, suppressed: c.flag()? });
    }
    Ok(contacts)
}

/// Puts messages of a wave into the outbox; those that are there already stay as they are. Returns how many were added.
pub(crate) async fn queue(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    round: &RoundId,
    wave: i64,
    addressed: &[Addressed],
    mail_domain: &str,
    now: Millis,
) -> Result<u64> {
    let mails: Vec<(MailId, &Addressed)> = addressed.iter().map(|a| (MailId::new(now), a)).collect();
    let fixed = |c: Call| c.text(municipality.as_str()).text(round.as_str()).int(wave).at(now);
    ADD_MAILS.run(conn, &mails, fixed, |c, (id, a)| message(c, id, a, mail_domain)).await
}

async fn check_questionnaire(conn: &mut AnyConnection, municipality: &MunicipalityId, plan: &RoundPlan) -> Result<()> {
    if let Some(id) = &plan.questionnaire {
        call(QUESTIONNAIRE_EXISTS).text(id.as_str()).text(municipality.as_str()).row(conn, "questionnaire").await?;
    }
    Ok(())
}

/// A round within somebody else's transaction.
pub(crate) async fn load(conn: &mut AnyConnection, municipality: &MunicipalityId, id: &RoundId) -> Result<Round> {
    round(&call(BY_ID).text(id.as_str()).text(municipality.as_str()).row(conn, "round").await?)
}

fn round(row: &AnyRow) -> Result<Round> {
    let mut c = columns(row);
    Ok(Round {
        id: RoundId(c.text()?),
        municipality: MunicipalityId(c.text()?),
        kind: c.word("round", RoundKind::parse)?,
        year: c.year()?,
        title: c.text()?,
        state: c.word("round", RoundState::parse)?,
        opens_on: c.maybe()?,
        closes_on: c.maybe()?,
        questionnaire: c.maybe()?.map(QuestionnaireId),
        frame: c.maybe()?.map(ImportId),
        threshold: c.number("threshold")?,
        paused_at: c.maybe_at()?,
        pause_key: c.maybe()?,
        pause_reason: c.maybe()?,
        mail_until: c.maybe_at()?,
        opened_at: c.maybe_at()?,
        closed_at: c.maybe_at()?,
    })
}
