//! Ways to a business beside mail: letters and Digital Post, one way per business and wave; and messages that do not ask
//! for an answer to the round.
use std::collections::BTreeMap;

use domain::fieldwork::{Channel, MessageKind, Receipt, RoundState};
use domain::ids::{BusinessId, InvitationId, MailId, MunicipalityId, PanelId, RoundId};
use domain::language::Language;
use domain::time::Millis;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::bases::permitted;
use crate::outbox::{self, ClaimedMail};
use crate::rounds;
use crate::sql::{Call, call, columns, statements};
use crate::{Result, Store, StoreError};

/// May this business still be written to about the round? Needs invitations i, businesses b, frame_rows f, responses p and,
/// where there is one, contacts c.
macro_rules! approachable {
    () => {
        concat!(
            "i.opted_out_at is null and i.barred_at is null and b.opted_out_at is null and ",
            permitted!("i.round_id"),
            " and (c.id is null or c.opted_out_at is null) and (p.id is null or p.status not in ('complete', 'withdrawn'))"
        )
    };
}

macro_rules! covered_from {
    () => {
        " from invitations i
        join rounds r on r.id = i.round_id
        join invitation_businesses x on x.invitation_id = i.id
        join businesses b on b.id = x.business_id
        join frame_rows f on f.import_id = r.import_id and f.business_id = x.business_id
        left join contacts c on c.id = i.contact_id
        left join panel_links l on l.business_id = i.business_id
        left join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id "
    };
}

statements! {
    HOLD = "update rounds set updated_at = $3 where id = $1 and municipality_id = $2";
    BEGUN = "select count(*) from approaches where round_id = $1 and wave = $2 and channel = $3";
    // Nobody whom mail reaches, nobody who has been approached in this wave, nobody whom this way did not reach before.
    CANDIDATES = concat!("select x.business_id, i.id, f.company_number, f.country", covered_from!(),
        "where i.round_id = $1 and i.municipality_id = $2 and ", approachable!(), "
          and (i.contact_id is null or c.suppressed_at is not null)
          and not exists (select 1 from outbox o where o.invitation_id = i.id and o.generation = i.generation and o.wave = $3 and o.state not in ('cancelled', 'expired'))
          and not exists (select 1 from approaches a where a.round_id = $1 and a.wave = $3 and a.business_id = x.business_id)
          and not exists (select 1 from approaches a where a.round_id = $1 and a.business_id = x.business_id and a.channel = $4 and a.receipt in ('rejected', 'returned'))
        order by x.business_id");
    LIST = concat!("select a.reference, a.invitation_id, i.generation, a.business_id, b.unit_key, f.company_number, f.name, f.street, f.postcode, f.city,
            coalesce(i.language, c.language), case when ", approachable!(), " then 1 else 0 end", covered_from!(),
        "join approaches a on a.round_id = x.round_id and a.business_id = x.business_id
        where a.round_id = $1 and a.municipality_id = $2 and a.wave = $3 and a.channel = $4 order by a.reference, f.name, a.business_id");
    COUNTS = "select wave, channel, receipt, count(*) from approaches where municipality_id = $1 and round_id = $2 group by wave, channel, receipt order by wave, channel, receipt";
    BY_REFERENCE = "select round_id, wave, business_id, receipt, receipt_at from approaches where municipality_id = $1 and reference = $2";
    BY_COMPANY = "select a.round_id, a.wave, a.business_id, a.receipt, a.receipt_at from approaches a
        join rounds r on r.id = a.round_id
        join frame_rows f on f.import_id = r.import_id and f.business_id = a.business_id
        where a.municipality_id = $1 and f.company_number = $2 and a.channel = 'digital_post'
        order by a.exported_at desc, a.round_id, a.wave";
    RECEIVED = "update approaches set receipt = $4, receipt_words = $5, receipt_at = $6 where round_id = $1 and wave = $2 and business_id = $3";
    ADDRESSED = "select i.municipality_id, i.round_id, i.generation, i.contact_id from invitations i where i.id = $1";
    ADD_NOTICE = "insert into outbox (id, municipality_id, round_id, invitation_id, contact_id, generation, wave, message_id, state, attempts, next_attempt_at, words, queued_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', 0, $9, '', $9, $9) on conflict (invitation_id, generation, wave) do nothing";
    PUBLISHED = "select p.id from publications p join rounds r on r.municipality_id = p.municipality_id and r.year = p.year where r.id = $1 and p.municipality_id = $2 limit 1";
    // Those who answered, and have not said no since.
    ANSWERED = "select i.id from invitations i
        join businesses b on b.id = i.business_id
        join contacts c on c.id = i.contact_id
        join panel_links l on l.business_id = i.business_id
        join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id
        where i.round_id = $1 and i.municipality_id = $2 and p.status in ('partial', 'complete')
          and i.opted_out_at is null and i.barred_at is null and b.opted_out_at is null and c.opted_out_at is null and c.suppressed_at is null
          and not exists (select 1 from outbox o where o.invitation_id = i.id and o.wave = $3)
          and i.id > $4 order by i.id limit $5";
    // Businesses whose first frame is this round's.
    NEWCOMERS = "select i.id from invitations i
        join rounds r on r.id = i.round_id
        join businesses b on b.id = i.business_id
        join contacts c on c.id = i.contact_id
        where i.round_id = $1 and i.municipality_id = $2
          and i.opted_out_at is null and i.barred_at is null and b.opted_out_at is null and c.opted_out_at is null and c.suppressed_at is null
          and exists (select 1 from frame_imports e where e.municipality_id = $2 and e.state = 'current' and e.year < r.year)
          and not exists (select 1 from frame_rows f join frame_imports e on e.id = f.import_id where f.business_id = i.business_id and e.state = 'current' and e.year < r.year)
          and not exists (select 1 from outbox o where o.invitation_id = i.id and o.wave = $3)
          and i.id > $4 order by i.id limit $5";
    MAIL_STANDING = "select o.wave, o.state, case when o.state = 'failed' and o.sent_at is not null then 1 else 0 end,
            count(*), min(case when o.state = 'deferred' then o.next_attempt_at end), max(o.sent_at)
        from outbox o where o.municipality_id = $1 and o.round_id = $2 group by 1, 2, 3 order by 1, 2, 3";
    SENT_SINCE = "select count(*), min(o.sent_at) from outbox o where o.municipality_id = $1 and o.round_id = $2 and o.sent_at >= $3";
    UNCERTAIN = "select o.id from outbox o where o.municipality_id = $1 and o.round_id = $2 and o.state = 'uncertain' order by o.updated_at, o.id";
    WAITING = "select o.id from outbox o where o.municipality_id = $1 and o.round_id = $2 and o.state in ('pending', 'deferred') and o.id > $3 order by o.id limit $4";
    ALL_MAIL = "select wave, state, count(*), min(queued_at) from outbox group by wave, state order by wave, state";
    SENT_LATELY = "select count(*), cast(coalesce(sum(sent_at - queued_at), 0) as bigint) from outbox where sent_at >= $1";
    DROP_LETTERS = "delete from job_files where job_id in (select id from jobs where kind = 'letters' and finished_at < $1)";
    ALL_JOBS = "select kind, state, count(*) from jobs group by kind, state order by kind, state";
    [bulk 5] ADD_APPROACHES = "insert into approaches (round_id, wave, municipality_id, channel, exported_at, business_id, invitation_id, reference, receipt_words) values",
        "($1, $2, $3, $4, $5, #, #, #, '')", "";
}

/// Notices queued with one transaction.
const STEP: i64 = 256;

/// One business on a list of letters or of Digital Post. No `Debug`: it names a business.
#[derive(Clone, PartialEq, Eq)]
pub struct Approach {
    /// What stands on the letter or in the message; the same for all of a company's workplaces in Digital Post.
    pub reference: String,
    /// The invitation.
    pub invitation: InvitationId,
    /// Its generation.
    pub generation: i64,
    /// The business.
    pub business: BusinessId,
    /// Its unit key.
    pub unit_key: String,
    /// The company's number.
    pub company_number: Option<String>,
    /// Its name.
    pub name: String,
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postcode: String,
    /// Town.
    pub city: String,
    /// The language it chose earlier.
    pub language: Option<Language>,
}

/// The list of a wave and channel.
#[derive(Clone)]
pub struct Approaches {
    /// Those to be written to: by reference, then by name.
    pub list: Vec<Approach>,
    /// On the list when it was made, but answered, opted out, or erased since.
    pub no_longer: u64,
    /// The list was made by an earlier call.
    pub again: bool,
}

/// Businesses approached by one way in one wave, with one receipt or none.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ApproachCount {
    /// Wave: 0 the invitation, 1–3 reminders.
    pub wave: i64,
    /// By which way.
    pub channel: Channel,
    /// What became of it, where that is known.
    pub receipt: Option<Receipt>,
    /// Businesses.
    pub businesses: u64,
}

/// What a receipt was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filed {
    /// Kept for so many businesses.
    Kept(u64),
    /// The same receipt was kept before.
    Known,
    /// A later receipt was kept before.
    Older,
    /// Nothing was sent under this reference or to this company.
    Unknown,
}

/// Messages of one wave in one state, with what the state alone does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The number of the message's kind.
    pub wave: i64,
    /// State, as stored.
    pub state: String,
    /// It was sent before it failed: it bounced.
    pub bounced: bool,
    /// Messages.
    pub messages: u64,
    /// The earliest next attempt.
    pub next_attempt_at: Option<Millis>,
    /// The latest sending.
    pub last_sent_at: Option<Millis>,
}

/// Counts of everything, for a machine that watches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Messages by kind's number and state, with the time at which the oldest was queued.
    pub mails: Vec<(i64, String, u64, Millis)>,
    /// Jobs by kind and state.
    pub jobs: Vec<(String, String, u64)>,
    /// Messages sent since the given time, and the time that they had waited, all together, in milliseconds.
    pub lately: (u64, i64),
}

impl Store {
    /// The businesses to be written to by `channel` in this wave of an open round. The first call decides the list and keeps
    /// it; each later one returns the same list without those who answered or opted out since. Nobody whom mail reaches in
    /// the wave is on it, nobody who is on the other list, and no protected business.
    ///
    /// # Errors
    /// [`StoreError::RoundClosed`] when the round is not open; [`StoreError::State`] for mail or a wave there is not.
    pub async fn approach(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        wave: i64,
        channel: Channel,
        now: Millis,
    ) -> Result<Approaches> {
        if channel == Channel::Email || !(0..=3).contains(&wave) {
            return Err(StoreError::State("only letters and Digital Post of waves 0 to 3 are listed"));
        }
        let (m, r) = (municipality.as_str(), round.as_str());
        let mut tx = self.begin().await?;
        // Held, so that two programs do not list the same business for two ways.
        call(HOLD).text(r).text(m).at(now).run_one(&mut tx, "round").await?;
        if rounds::load(&mut tx, municipality, round).await?.state != RoundState::Open {
            return Err(StoreError::RoundClosed);
        }
        let begun = call(BEGUN).text(r).int(wave).text(channel.as_str()).row(&mut tx, "answer").await?;
        let again = columns(&begun).count()? > 0;
        if !again {
            let rows = call(CANDIDATES).text(r).text(m).int(wave).text(channel.as_str()).rows(&mut tx).await?;
            let new = candidates(&rows, channel)?;
            let fixed = |c: Call| c.text(r).int(wave).text(m).text(channel.as_str()).at(now);
            ADD_APPROACHES
                .run(&mut tx, &new, fixed, |c, (business, invitation, reference)| {
                    c.text(business).text(invitation).text(reference)
                })
                .await?;
        }
        let rows = call(LIST).text(r).text(m).int(wave).text(channel.as_str()).rows(&mut tx).await?;
        tx.commit().await?;
        let (mut list, mut no_longer) = (Vec::with_capacity(rows.len()), 0);
        for row in &rows {
            let mut c = columns(row);
            let approach = Approach {
                reference: c.text()?,
                invitation: InvitationId(c.text()?),
                generation: c.int()?,
                business: BusinessId(c.text()?),
                unit_key: c.text()?,
                company_number: c.maybe()?,
                name: c.text()?,
                street: c.text()?,
                postcode: c.text()?,
                city: c.text()?,
                language: c.maybe_word("language", Language::parse)?,
            };
            if c.yes()? { list.push(approach) } else { no_longer += 1 }
        }
        Ok(Approaches { list, no_longer, again })
    }

    /// How many businesses were approached by letter and Digital Post, by wave and receipt.
    pub async fn approach_counts(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<ApproachCount>> {
        let rows = call(COUNTS).text(municipality.as_str()).text(round.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(ApproachCount {
                    wave: c.int()?,
                    channel: c.word("channel", Channel::parse)?,
                    receipt: c.maybe_word("receipt", Receipt::parse)?,
                    businesses: c.count()?,
                })
            })
            .collect()
    }

    /// Keeps what became of a letter or message. `key` is its reference, or a company's number: then the latest message to
    /// that company in Digital Post is meant. A receipt older than the one kept changes nothing.
    pub async fn file_receipt(
        &self,
        municipality: &MunicipalityId,
        key: &str,
        receipt: Receipt,
        words: &str,
        at: Millis,
    ) -> Result<Filed> {
        let mut tx = self.begin().await?;
        let mut rows = call(BY_REFERENCE).text(municipality.as_str()).text(key).rows(&mut tx).await?;
        if rows.is_empty() {
            rows = call(BY_COMPANY).text(municipality.as_str()).text(key).rows(&mut tx).await?;
        }
        let mut message: Option<(String, i64)> = None;
        let (mut kept, mut known, mut older) = (0, false, false);
        for row in &rows {
            let mut c = columns(row);
            let (round, wave, business) = (c.text()?, c.int()?, c.text()?);
            let before = (c.maybe_word("receipt", Receipt::parse)?, c.maybe_at()?);
            if message.get_or_insert_with(|| (round.clone(), wave)) != &(round.clone(), wave) {
                continue; // an earlier message to the same company
            }
            match before {
                (Some(same), Some(then)) if same == receipt && then == at => known = true,
                (_, Some(then)) if then > at => older = true,
                _ => {
                    let update = call(RECEIVED).text(&round).int(wave).text(&business).text(receipt.as_str());
                    kept += update.text(&outbox::clean(words)).at(at).run(&mut tx).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(match (kept, known, older) {
            (1.., ..) => Filed::Kept(kept),
            (_, true, _) => Filed::Known,
            (.., true) => Filed::Older,
            _ => Filed::Unknown,
        })
    }

    /// Queues a message that does not ask for an answer, to an invitation's present contact. `false`: it was queued before,
    /// or there is nobody to write to.
    pub async fn queue_message(
        &self,
        invitation: &InvitationId,
        kind: MessageKind,
        mail_domain: &str,
        now: Millis,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let queued = queue_notice(&mut tx, invitation, kind, mail_domain, now).await?;
        tx.commit().await?;
        Ok(queued)
    }

    /// Queues thanks, with where the results are, to those who answered a round that has been published. Returns how many;
    /// again: 0.
    ///
    /// # Errors
    /// [`StoreError::State`] before the publication.
    pub async fn queue_thanks(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        mail_domain: &str,
        now: Millis,
    ) -> Result<u64> {
        let published = call(PUBLISHED).text(round.as_str()).text(municipality.as_str());
        if published.maybe_row(&mut *self.read().await?).await?.is_none() {
            return Err(StoreError::State("the round's results are not published yet"));
        }
        self.queue_in_steps(ANSWERED, municipality, round, MessageKind::Thanks, mail_domain, now).await
    }

    /// To how many [`Self::queue_thanks`] would write; 0 before the publication.
    pub async fn thanks_due(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<u64> {
        let published = call(PUBLISHED).text(round.as_str()).text(municipality.as_str());
        if published.maybe_row(&mut *self.read().await?).await?.is_none() {
            return Ok(0);
        }
        self.count_in_steps(ANSWERED, municipality, round, MessageKind::Thanks).await
    }

    /// To how many [`Self::queue_welcome`] would write.
    pub async fn welcome_due(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<u64> {
        self.count_in_steps(NEWCOMERS, municipality, round, MessageKind::Welcome).await
    }

    async fn count_in_steps(
        &self,
        who: &'static str,
        municipality: &MunicipalityId,
        round: &RoundId,
        kind: MessageKind,
    ) -> Result<u64> {
        let (mut count, mut after) = (0, String::new());
        loop {
            let find =
                call(who).text(round.as_str()).text(municipality.as_str()).int(kind.wave()).text(&after).int(STEP);
            let rows = find.rows(&mut *self.read().await?).await?;
            let Some(last) = rows.last() else { return Ok(count) };
            after = columns(last).text()?;
            count += rows.len() as u64;
        }
    }

    /// Queues a welcome to the businesses of a round that no earlier year's frame had. Without an earlier frame nobody is
    /// new. Returns how many; again: 0.
    pub async fn queue_welcome(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        mail_domain: &str,
        now: Millis,
    ) -> Result<u64> {
        self.queue_in_steps(NEWCOMERS, municipality, round, MessageKind::Welcome, mail_domain, now).await
    }

    async fn queue_in_steps(
        &self,
        who: &'static str,
        municipality: &MunicipalityId,
        round: &RoundId,
        kind: MessageKind,
        mail_domain: &str,
        now: Millis,
    ) -> Result<u64> {
        let (mut queued, mut after) = (0, String::new());
        loop {
            let mut tx = self.begin().await?;
            let find =
                call(who).text(round.as_str()).text(municipality.as_str()).int(kind.wave()).text(&after).int(STEP);
            let rows = find.rows(&mut tx).await?;
            let Some(last) = rows.last() else { return Ok(queued) };
            after = columns(last).text()?;
            for row in &rows {
                let invitation = InvitationId(columns(row).text()?);
                queued += u64::from(queue_notice(&mut tx, &invitation, kind, mail_domain, now).await?);
            }
            tx.commit().await?;
        }
    }

    /// Deletes the files of letters that were set before a time: they hold personal links, which are kept nowhere. Returns how
    /// many; setting them again makes the same list.
    pub async fn drop_letters(&self, before: Millis) -> Result<u64> {
        let mut tx = self.begin().await?;
        let dropped = call(DROP_LETTERS).at(before).run(&mut tx).await?;
        tx.commit().await?;
        Ok(dropped)
    }

    /// How the mail of a round stands, finer than [`Store::mail_counts`].
    pub async fn mail_standing(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<Standing>> {
        let rows =
            call(MAIL_STANDING).text(municipality.as_str()).text(round.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(Standing {
                    wave: c.int()?,
                    state: c.text()?,
                    bounced: c.yes()?,
                    messages: c.count()?,
                    next_attempt_at: c.maybe_at()?,
                    last_sent_at: c.maybe_at()?,
                })
            })
            .collect()
    }

    /// Messages sent since a time, and when the first of them was.
    pub async fn mail_sent_since(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        since: Millis,
    ) -> Result<(u64, Option<Millis>)> {
        let sent = call(SENT_SINCE).text(municipality.as_str()).text(round.as_str()).at(since);
        let row = sent.row(&mut *self.read().await?, "answer").await?;
        let mut c = columns(&row);
        Ok((c.count()?, c.maybe_at()?))
    }

    /// The messages of a round that are in doubt, oldest first.
    pub async fn uncertain_mails(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<MailId>> {
        let rows =
            call(UNCERTAIN).text(municipality.as_str()).text(round.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter().map(|row| Ok(MailId(columns(row).text()?))).collect()
    }

    /// The messages of a round that wait and are still wanted, after `after` by their ids: what a worker would send, without
    /// taking it. With the last id looked at; `None`: there are no more.
    pub async fn waiting_mails(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        after: Option<&MailId>,
    ) -> Result<(Vec<ClaimedMail>, Option<MailId>)> {
        let mut conn = self.read().await?;
        let after = after.map_or("", MailId::as_str);
        let waiting = call(WAITING).text(municipality.as_str()).text(round.as_str()).text(after).int(STEP);
        let rows = waiting.rows(&mut conn).await?;
        let ids = rows.iter().map(|row| columns(row).text()).collect::<Result<Vec<_>>>()?;
        let (mails, _) = outbox::claimed(&mut conn, &ids).await?;
        Ok((mails, ids.into_iter().next_back().map(MailId)))
    }

    /// Counts of all municipalities together, never who. `since`: from when on what was sent counts as lately.
    pub async fn gauges(&self, since: Millis) -> Result<Gauges> {
        let mut conn = self.read().await?;
        let mut gauges = Gauges::default();
        let row = call(SENT_LATELY).at(since).row(&mut conn, "answer").await?;
        let mut c = columns(&row);
        gauges.lately = (c.count()?, c.int()?);
        for row in call(ALL_MAIL).rows(&mut conn).await? {
            let mut c = columns(&row);
            gauges.mails.push((c.int()?, c.text()?, c.count()?, c.at()?));
        }
        for row in call(ALL_JOBS).rows(&mut conn).await? {
            let mut c = columns(&row);
            gauges.jobs.push((c.text()?, c.text()?, c.count()?));
        }
        Ok(gauges)
    }
}

/// Business, invitation and reference of those who go on a list: a reference per invitation for letters, per company in
/// Digital Post, which knows Danish companies by their CVR number.
fn candidates(rows: &[AnyRow], channel: Channel) -> Result<Vec<(String, String, String)>> {
    let mut references: BTreeMap<String, String> = BTreeMap::new();
    let mut new = Vec::new();
    for row in rows {
        let mut c = columns(row);
        let (business, invitation, company, country) = (c.text()?, c.text()?, c.maybe()?, c.text()?);
        let message = match channel {
            Channel::DigitalPost => {
                let is_cvr = |n: &String| n.len() == 8 && n.bytes().all(|b| b.is_ascii_digit());
                match company.filter(|number| country == "dk" && is_cvr(number)) {
                    Some(number) => number,
                    None => continue,
                }
            }
            Channel::Letter | Channel::Email => invitation.clone(),
        };
        let reference = references.entry(message).or_insert_with(|| match channel {
            Channel::DigitalPost => PanelId::random().0,
            // Short enough to be typed from a returned envelope; ten hexadecimal digits do not meet in a municipality.
            Channel::Letter | Channel::Email => {
                PanelId::random().0.chars().filter(char::is_ascii_hexdigit).take(10).collect()
            }
        });
        new.push((business, invitation, reference.clone()));
    }
    Ok(new)
}

/// [`Store::queue_message`] within the transaction of its cause.
pub(crate) async fn queue_notice(
    conn: &mut AnyConnection,
    invitation: &InvitationId,
    kind: MessageKind,
    mail_domain: &str,
    now: Millis,
) -> Result<bool> {
    queue_notice_to(conn, invitation, None, kind, mail_domain, now).await
}

/// As [`queue_notice`], to a contact that the invitation had before.
pub(crate) async fn queue_notice_to(
    conn: &mut AnyConnection,
    invitation: &InvitationId,
    contact: Option<&str>,
    kind: MessageKind,
    mail_domain: &str,
    now: Millis,
) -> Result<bool> {
    if kind.asks() {
        return Err(StoreError::State("invitations and reminders are queued with their round"));
    }
    let row = call(ADDRESSED).text(invitation.as_str()).row(conn, "invitation").await?;
    let mut c = columns(&row);
    let (municipality, round, generation, present) = (c.text()?, c.text()?, c.int()?, c.maybe()?);
    // Whoever had the invitation before must not get a link that works: the former generation's has ended.
    let is_former = contact.is_some_and(|contact| present.as_deref() != Some(contact));
    let generation = if is_former { generation - 1 } else { generation };
    let Some(contact) = contact.map(str::to_owned).or(present) else { return Ok(false) };
    let id = MailId::new(now);
    let added = call(ADD_NOTICE)
        .text(id.as_str())
        .text(&municipality)
        .text(&round)
        .text(invitation.as_str())
        .text(&contact)
        .int(generation)
        .int(kind.wave())
        .text(&format!("{id}@{mail_domain}"))
        .at(now)
        .run(conn)
        .await?;
    Ok(added == 1)
}
