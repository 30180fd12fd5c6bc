//! Mail that comes in: kept raw before it is acknowledged, understood once, shown until somebody has seen to it.
//!
//! Keeping the same message twice keeps it once, and understanding it twice has the effect of once, so whoever fetches or
//! understands mail may be killed at any moment.
use domain::fieldwork::MailState;
use domain::ids::{BusinessId, InboundId, InvitationId, JobId, MailId, MunicipalityId, RoundId};
use domain::time::Millis;
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::sql::{Columns, call, columns, statements};
use crate::{Result, Store};

/// The message of ours that something came back about, in the order in which [`target`] reads it.
macro_rules! target_select {
    () => {
        "select o.id, o.state, o.municipality_id, o.round_id, o.invitation_id, o.contact_id, c.address
        from outbox o join contacts c on c.id = o.contact_id "
    };
}

/// A message that came in, in the order in which [`line`] reads it.
macro_rules! line_select {
    () => {
        "select m.id, m.source, m.media, m.state, m.received_at, m.round_id, r.title, r.state, m.invitation_id, m.mail_id, m.matched_by, m.kind, m.hard_at,
            m.status, m.reason, m.address, m.words, m.sender, m.subject, m.size, f.name
        from inbound_mails m
        left join rounds r on r.id = m.round_id
        left join invitations i on i.id = m.invitation_id
        left join frame_rows f on f.import_id = r.import_id and f.business_id = i.business_id "
    };
}

statements! {
    KEEP = "insert into inbound_mails (id, fingerprint, source, media, raw, size, state, received_at, address, words, sender, subject)
        values ($1, $2, $3, $4, $5, $6, 'new', $7, '', '', '', '') on conflict (fingerprint) do nothing";
    NEW = "select id, media, raw, received_at from inbound_mails where state = 'new' and id > $1 order by id limit $2";
    // Held for the transaction: of two programs that understand the same message the second finds it done.
    TAKE = "update inbound_mails set state = 'open', processed_at = $2 where id = $1 and state = 'new'";
    WAITS = "select received_at from inbound_mails where id = $1";
    BY_MAIL = concat!(target_select!(), "where o.id = $1");
    BY_MESSAGE_ID = concat!(target_select!(), "where o.message_id = $1");
    BY_ADDRESS = concat!(target_select!(), "where c.address = $1 and o.state in ('sending', 'sent', 'uncertain', 'failed') and coalesce(o.sent_at, o.updated_at) > $2
        order by coalesce(o.sent_at, o.updated_at) desc, o.id desc limit 1");
    BY_INVITATION = concat!(target_select!(), "where o.invitation_id = $1 and o.municipality_id = $2 and o.state <> 'cancelled' order by o.generation desc, o.wave desc limit 1");
    BOUNCED = "update outbox set state = 'failed', words = $2, updated_at = $3 where id = $1 and state in ('sent', 'uncertain')";
    SUPPRESS = "update contacts set suppressed_at = coalesce(suppressed_at, $2), suppressed_words = coalesce(suppressed_words, $3) where id = $1";
    NO_MORE = "update contacts set opted_out_at = coalesce(opted_out_at, $2) where id = $1";
    NO_MORE_THIS_ROUND = "update invitations set opted_out_at = coalesce(opted_out_at, $2) where id = $1";
    CANCEL = "update outbox set state = 'cancelled', words = '', updated_at = $2 where contact_id = $1 and state in ('pending', 'deferred')";
    AUDIT = "insert into audit (id, municipality_id, at, user_id, action, subject, detail) values ($1, $2, $3, null, $4, $5, $6)";
    FILE_AWAY = "update inbound_mails set state = $2, municipality_id = $3, round_id = $4, invitation_id = $5, mail_id = $6, matched_by = $7, kind = $8, hard_at = $9,
        status = $10, reason = $11, address = $12, words = $13, sender = $14, subject = $15 where id = $1";
    LIST = concat!(line_select!(), "where m.municipality_id = $1 and m.state = $2 and ($3 = '' or m.round_id = $3) order by m.received_at desc, m.id desc limit $4 offset $5");
    ONE = concat!(line_select!(), "where m.id = $1 and m.municipality_id = $2");
    RAW = "select raw from inbound_mails where id = $1 and municipality_id = $2";
    COUNTS = "select state, count(*) from inbound_mails where municipality_id = $1 and state <> 'new' and ($2 = '' or round_id = $2) group by state order by state";
    TO_ASSIGN = "select kind, hard_at, words, address from inbound_mails where id = $1 and municipality_id = $2 and state in ('open', 'notice', 'bounce', 'complaint')";
    INVITED = "select i.round_id, i.contact_id, c.address from invitations i left join contacts c on c.id = i.contact_id where i.id = $1 and i.municipality_id = $2";
    ASSIGN = "update inbound_mails set state = $2, round_id = $3, invitation_id = $4, mail_id = $5, matched_by = 'person' where id = $1";
    HANDLE = "update inbound_mails set state = 'handled' where id = $1 and municipality_id = $2 and state in ('open', 'notice', 'bounce', 'complaint')";
    HOMELESS = "select count(*) from inbound_mails where municipality_id is null and state <> 'new'";
    HOUSE = "update inbound_mails set municipality_id = $1 where municipality_id is null and state <> 'new'";
    // What nobody has seen to stays, however old it is.
    SWEEP = "update inbound_mails set raw = null, sender = '', subject = '' where state in ('bounce', 'complaint', 'notice', 'handled') and processed_at <= $1 and raw is not null";
    FORGET = "update inbound_mails set raw = null, sender = '', subject = '', address = '', words = ''
        where invitation_id in (select id from invitations where business_id = $1)
           or address in (select c.address from contacts c where c.id in (select contact_id from invitations where business_id = $1)
               or c.id in (select o.contact_id from outbox o join invitations i on i.id = o.invitation_id where i.business_id = $1))";
}

/// The most that is kept of a message, in bytes: our own are below 30 KB, and what a bounce needs stands before its copy.
pub const LARGEST: usize = 1024 * 1024;
/// Days for which the text of a message is kept after it was understood and needs nobody any more.
pub const KEEP_DAYS: i64 = 90;
/// A notice that names an address only is taken to be about a message of so many days.
const REACH_DAYS: i64 = 60;
/// A bounce can overtake the record of its own message; so long it waits for that.
const OVERTAKE_SECONDS: i64 = 15 * 60;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As stored.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Of a stored text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|s| s.as_str() == text)
            }
        }
    )+};
}

words! {
    /// How a message came in.
    InboundSource {
        /// Out of a mailbox.
        Imap = "imap",
        /// Out of a folder (Maildir).
        Folder = "folder",
        /// Over HTTP.
        Webhook = "webhook",
    }

    /// What its bytes are.
    InboundMedia {
        /// A message (RFC 5322).
        Message = "message",
        /// A mail service's report in JSON.
        Report = "report",
    }

    /// What it says.
    InboundKind {
        /// No bounce: a person writes, or it is not understood.
        None = "none",
        /// Somebody is away; a machine answered.
        AutoReply = "auto-reply",
        /// The message is held up, or failed for a reason that passes.
        Temporary = "temporary",
        /// The message will not be delivered.
        Permanent = "permanent",
        /// The recipient called it unwanted.
        Complaint = "complaint",
    }

    /// Where it lies.
    Shelf {
        /// Somebody has to look: a person writes, or nothing of ours was found that it is about.
        Open = "open",
        /// A message of ours that did not arrive.
        Bounce = "bounce",
        /// Somebody called a message of ours unwanted.
        Complaint = "complaint",
        /// Delays and answers of machines: nothing follows from them.
        Notice = "notice",
        /// Seen to.
        Handled = "handled",
    }

    /// How the message of ours was found.
    MatchedBy {
        /// By the return path, which nobody can forge.
        ReturnPath = "return-path",
        /// By our Message-ID.
        MessageId = "message-id",
        /// By the recipient it names.
        Recipient = "recipient",
        /// Somebody has said so.
        Person = "person",
    }
}

/// A message that has not been understood yet. No `Debug`: it holds addresses.
pub struct NewInbound {
    /// Its id.
    pub id: InboundId,
    /// What its bytes are.
    pub media: InboundMedia,
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// What a message says of one recipient. No `Debug`: it holds an address.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundCase {
    /// The recipient's address.
    pub address: String,
    /// What happened.
    pub kind: InboundKind,
    /// The address itself is dead.
    pub hard: bool,
    /// The enhanced status.
    pub status: Option<String>,
    /// Why, in one word.
    pub reason: String,
    /// The server's words.
    pub words: String,
}

/// What was understood of a message. No `Debug`: it holds addresses.
#[derive(Clone, Default)]
pub struct Finding {
    /// Whom it comes from.
    pub sender: String,
    /// Its subject.
    pub subject: String,
    /// Our message, by the authenticated return path.
    pub mail: Option<MailId>,
    /// Message-IDs it names that may be ours, without angle brackets.
    pub message_ids: Vec<String>,
    /// What it says of whom, the worst first; a single one for the sender where it is no bounce.
    pub cases: Vec<InboundCase>,
    /// Whose mailbox it came to, where that is known.
    pub home: Option<MunicipalityId>,
}

/// What followed from a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concluded {
    /// It was filed.
    Filed {
        /// Where.
        shelf: Shelf,
        /// A message of ours was found.
        matched: bool,
    },
    /// Our message is being recorded at this moment; asked again later.
    Later,
    /// Another program was first.
    Known,
}

/// A message in a list of staff. No `Debug`: it holds addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundLine {
    /// Its id.
    pub id: InboundId,
    /// How it came.
    pub source: InboundSource,
    /// What its bytes are.
    pub media: InboundMedia,
    /// Where it lies.
    pub shelf: Shelf,
    /// When it came.
    pub received_at: Millis,
    /// The round it is about, with its title.
    pub round: Option<(RoundId, String)>,
    /// That round takes answers.
    pub round_open: bool,
    /// The invitation it is about.
    pub invitation: Option<InvitationId>,
    /// The message of ours it is about.
    pub mail: Option<MailId>,
    /// How that was found.
    pub matched_by: Option<MatchedBy>,
    /// What it says.
    pub kind: InboundKind,
    /// The address is dead.
    pub hard: bool,
    /// The enhanced status.
    pub status: Option<String>,
    /// Why, in one word.
    pub reason: Option<String>,
    /// The address it is about.
    pub address: String,
    /// The server's words.
    pub words: String,
    /// Whom it comes from.
    pub sender: String,
    /// Its subject.
    pub subject: String,
    /// Bytes of the whole message.
    pub size: u64,
    /// The business it is about.
    pub business: Option<String>,
}

/// A message of ours and whom it went to.
struct Target {
    mail: Option<MailId>,
    state: Option<MailState>,
    municipality: MunicipalityId,
    round: RoundId,
    invitation: InvitationId,
    contact: Option<String>,
    address: String,
}

impl Store {
    /// Keeps a message as it came; only then may its sender or mailbox be told that we have it. `false`: it was kept before.
    pub async fn keep_inbound(
        &self,
        source: InboundSource,
        media: InboundMedia,
        raw: &[u8],
        now: Millis,
    ) -> Result<bool> {
        let kept = &raw[..raw.len().min(LARGEST)];
        let keep = call(KEEP)
            .text(InboundId::new(now).as_str())
            .text(&fingerprint(media, kept))
            .text(source.as_str())
            .text(media.as_str())
            .bytes(kept)
            .count(raw.len() as u64)
            .at(now);
        self.grouped(move |conn| Box::pin(async move { Ok(keep.run(conn).await? == 1) })).await
    }

    /// Messages that have not been understood yet, after `after`, in the order in which they came.
    pub async fn new_inbound(&self, after: Option<&InboundId>, limit: u32) -> Result<Vec<NewInbound>> {
        let after = after.map_or("", InboundId::as_str);
        let rows = call(NEW).text(after).int(limit.into()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(NewInbound {
                    id: InboundId(c.text()?),
                    media: c.word("media", InboundMedia::parse)?,
                    raw: c.bytes()?,
                })
            })
            .collect()
    }

    /// Files a message and does what follows from it, in one transaction: a message of ours that did not arrive has failed,
    /// a dead address gets no more mail, whoever complained has opted out.
    pub async fn conclude_inbound(&self, id: &InboundId, finding: &Finding, now: Millis) -> Result<Concluded> {
        let mut tx = self.begin().await?;
        if call(TAKE).text(id.as_str()).at(now).run(&mut tx).await? == 0 {
            return Ok(Concluded::Known);
        }
        let found = targets(&mut tx, finding, now).await?;
        let is_on_its_way = |(target, ..): &(Target, MatchedBy, Option<&InboundCase>)| {
            matches!(target.state, Some(MailState::Claimed | MailState::Sending))
        };
        if found.iter().any(is_on_its_way) {
            let row = call(WAITS).text(id.as_str()).row(&mut tx, "message").await?;
            if now < columns(&row).at()?.plus_seconds(OVERTAKE_SECONDS) {
                return Ok(Concluded::Later);
            }
        }
        for (target, _, case) in &found {
            if let Some(case) = case {
                let dead = case.hard && is_for(&case.address, &target.address);
                follow(&mut tx, target, case.kind, dead, &case.words, now).await?;
            }
        }
        let first = found.first();
        let case = first.and_then(|(.., case)| *case).or(finding.cases.first());
        let kind = case.map_or(InboundKind::None, |case| case.kind);
        let shelf = shelf(kind, first.is_some());
        let target = first.map(|(target, ..)| target);
        let dead = case.is_some_and(|case| case.hard && target.is_some_and(|t| is_for(&case.address, &t.address)));
        let home = target.map(|t| &t.municipality).or(finding.home.as_ref());
        call(FILE_AWAY)
            .text(id.as_str())
            .text(shelf.as_str())
            .maybe(home.map(MunicipalityId::as_str))
            .maybe(target.map(|t| t.round.as_str()))
            .maybe(target.map(|t| t.invitation.as_str()))
            .maybe(target.and_then(|t| t.mail.as_ref()).map(MailId::as_str))
            .maybe(first.map(|(_, by, _)| by.as_str()))
            .text(kind.as_str())
            .maybe_at(dead.then_some(now))
            .maybe(case.and_then(|case| case.status.as_deref()))
            .maybe(case.map(|case| case.reason.as_str()))
            .text(
                &clean(target.map_or_else(|| case.map_or("", |case| &case.address), |t| &t.address), 320)
                    .to_lowercase(),
            )
            .text(&clean(case.map_or("", |case| &case.words), 1000))
            .text(&clean(&finding.sender, 400))
            .text(&clean(&finding.subject, 400))
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(Concluded::Filed { shelf, matched: first.is_some() })
    }

    /// The messages on a shelf (of one round, or of all), latest first.
    pub async fn inbound(
        &self,
        municipality: &MunicipalityId,
        shelf: Shelf,
        round: Option<&RoundId>,
        limit: u32,
        offset: u64,
    ) -> Result<Vec<InboundLine>> {
        let rows = call(LIST)
            .text(municipality.as_str())
            .text(shelf.as_str())
            .text(round.map_or("", RoundId::as_str))
            .int(limit.into())
            .count(offset)
            .rows(&mut *self.read().await?)
            .await?;
        rows.iter().map(line).collect()
    }

    /// How many messages lie on each shelf (of one round, or of all); empty shelves are left out.
    pub async fn inbound_counts(
        &self,
        municipality: &MunicipalityId,
        round: Option<&RoundId>,
    ) -> Result<Vec<(Shelf, u64)>> {
        let round = round.map_or("", RoundId::as_str);
        let rows = call(COUNTS).text(municipality.as_str()).text(round).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok((c.word("shelf", Shelf::parse)?, c.count()?))
            })
            .collect()
    }

    /// One message, with its bytes while they are kept.
    pub async fn inbound_mail(
        &self,
        municipality: &MunicipalityId,
        id: &InboundId,
    ) -> Result<(InboundLine, Option<Vec<u8>>)> {
        let mut conn = self.read().await?;
        let row = call(ONE).text(id.as_str()).text(municipality.as_str()).row(&mut conn, "message").await?;
        let found = line(&row)?;
        let row = call(RAW).text(id.as_str()).text(municipality.as_str()).row(&mut conn, "message").await?;
        Ok((found, columns(&row).maybe_bytes()?))
    }

    /// Somebody says which invitation a message is about; what follows from it follows now.
    ///
    /// # Errors
    /// `NotFound` when there is no such message (any more) or no such invitation.
    pub async fn assign_inbound(
        &self,
        municipality: &MunicipalityId,
        id: &InboundId,
        invitation: &InvitationId,
        now: Millis,
    ) -> Result<Shelf> {
        let m = municipality.as_str();
        let mut tx = self.begin().await?;
        let row = call(TO_ASSIGN).text(id.as_str()).text(m).row(&mut tx, "message").await?;
        let mut c = columns(&row);
        let kind = c.maybe_word("kind", InboundKind::parse)?.unwrap_or(InboundKind::None);
        let (hard, words) = (c.flag()?, c.text()?);
        let row = call(BY_INVITATION).text(invitation.as_str()).text(m).maybe_row(&mut tx).await?;
        let target = match row {
            Some(row) => target(&row)?,
            None => {
                let row = call(INVITED).text(invitation.as_str()).text(m).row(&mut tx, "invitation").await?;
                let mut c = columns(&row);
                Target {
                    mail: None,
                    state: None,
                    municipality: municipality.clone(),
                    round: RoundId(c.text()?),
                    invitation: invitation.clone(),
                    contact: c.maybe()?,
                    address: c.maybe()?.unwrap_or_default(),
                }
            }
        };
        // A person knows whose notice it is, not whether the address is dead: that stays as it was found.
        follow(&mut tx, &target, kind, hard, &words, now).await?;
        let shelf = shelf(kind, true);
        call(ASSIGN)
            .text(id.as_str())
            .text(shelf.as_str())
            .text(target.round.as_str())
            .text(invitation.as_str())
            .maybe(target.mail.as_ref().map(MailId::as_str))
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(shelf)
    }

    /// Somebody has seen to a message. `false`: somebody had already.
    pub async fn handle_inbound(&self, municipality: &MunicipalityId, id: &InboundId) -> Result<bool> {
        let mut tx = self.begin().await?;
        let handled = call(HANDLE).text(id.as_str()).text(municipality.as_str()).run(&mut tx).await? == 1;
        tx.commit().await?;
        Ok(handled)
    }

    /// Messages of which nobody knows which municipality they were for.
    pub async fn homeless_inbound(&self) -> Result<u64> {
        columns(&call(HOMELESS).row(&mut *self.read().await?, "answer").await?).count()
    }

    /// Gives messages of which nobody knows whom they were for to this municipality. Returns how many.
    pub async fn house_inbound(&self, municipality: &MunicipalityId) -> Result<u64> {
        let mut tx = self.begin().await?;
        let housed = call(HOUSE).text(municipality.as_str()).run(&mut tx).await?;
        tx.commit().await?;
        Ok(housed)
    }

    /// Deletes text, sender and subject of messages that were understood [`KEEP_DAYS`] ago and need nobody any more. What
    /// they said (kind, status, the server's words) stays with the round. Returns how many.
    pub async fn sweep_inbound(&self, now: Millis) -> Result<u64> {
        let mut tx = self.begin().await?;
        let swept = call(SWEEP).at(now.plus_days(-KEEP_DAYS)).run(&mut tx).await?;
        tx.commit().await?;
        Ok(swept)
    }
}

/// Forgets what came in about a business that is erased; before its contacts are.
pub(crate) async fn forget(conn: &mut AnyConnection, business: &BusinessId) -> Result<()> {
    call(FORGET).text(business.as_str()).run(conn).await?;
    Ok(())
}

/// The messages of ours that it is about, each with what is said of it.
async fn targets<'f>(
    conn: &mut AnyConnection,
    finding: &'f Finding,
    now: Millis,
) -> Result<Vec<(Target, MatchedBy, Option<&'f InboundCase>)>> {
    let mut found = None;
    if let Some(mail) = &finding.mail {
        let row = call(BY_MAIL).text(mail.as_str()).maybe_row(conn).await?;
        found = row.as_ref().map(target).transpose()?.map(|target| (target, MatchedBy::ReturnPath));
    }
    if found.is_none() {
        for id in finding.message_ids.iter().filter(|id| !id.contains('\0')) {
            if let Some(row) = call(BY_MESSAGE_ID).text(id).maybe_row(conn).await? {
                found = Some((target(&row)?, MatchedBy::MessageId));
                break;
            }
        }
    }
    if let Some((target, by)) = found {
        // The case of our own recipient, else the worst.
        let own = finding.cases.iter().find(|case| case.address.eq_ignore_ascii_case(&target.address));
        let case = own.or(finding.cases.first());
        return Ok(vec![(target, by, case)]);
    }
    let mut all: Vec<(Target, MatchedBy, Option<&InboundCase>)> = Vec::new();
    for case in finding.cases.iter().filter(|case| !case.address.is_empty() && !case.address.contains('\0')) {
        let address = case.address.to_lowercase();
        let since = now.plus_days(-REACH_DAYS);
        if let Some(row) = call(BY_ADDRESS).text(&address).at(since).maybe_row(conn).await? {
            let target = target(&row)?;
            if all.iter().all(|(known, ..)| known.mail != target.mail) {
                all.push((target, MatchedBy::Recipient, Some(case)));
            }
        }
    }
    Ok(all)
}

/// What follows for a message of ours and its recipient.
async fn follow(
    conn: &mut AnyConnection,
    target: &Target,
    kind: InboundKind,
    dead: bool,
    words: &str,
    now: Millis,
) -> Result<()> {
    let words = clean(words, 1000);
    if kind == InboundKind::Permanent
        && let Some(mail) = &target.mail
    {
        call(BOUNCED).text(mail.as_str()).text(&words).at(now).run(conn).await?;
    }
    let Some(contact) = &target.contact else { return Ok(()) };
    if kind == InboundKind::Permanent && dead {
        call(SUPPRESS).text(contact).at(now).text(&words).run(conn).await?;
        audit(conn, target, "contact.suppressed", now).await?;
    }
    if kind == InboundKind::Complaint {
        call(NO_MORE).text(contact).at(now).run(conn).await?;
        call(NO_MORE_THIS_ROUND).text(target.invitation.as_str()).at(now).run(conn).await?;
        call(CANCEL).text(contact).at(now).run(conn).await?;
        audit(conn, target, "contact.complained", now).await?;
    }
    Ok(())
}

async fn audit(conn: &mut AnyConnection, target: &Target, action: &str, now: Millis) -> Result<()> {
    call(AUDIT)
        .text(JobId::new(now).as_str())
        .text(target.municipality.as_str())
        .at(now)
        .text(action)
        .text(target.invitation.as_str())
        .text("")
        .run(conn)
        .await?;
    Ok(())
}

const fn shelf(kind: InboundKind, matched: bool) -> Shelf {
    match (kind, matched) {
        (InboundKind::Permanent, true) => Shelf::Bounce,
        (InboundKind::Complaint, true) => Shelf::Complaint,
        (InboundKind::AutoReply | InboundKind::Temporary, _) => Shelf::Notice,
        _ => Shelf::Open,
    }
}

/// Is what is said of `named` said of `ours`? A mailbox that forwards to another house is not dead because that one is; a
/// notice that names nobody, or another spelling in the same house, is about ours.
fn is_for(named: &str, ours: &str) -> bool {
    let house = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.trim_end_matches('.').to_lowercase());
    named.is_empty() || named.eq_ignore_ascii_case(ours) || {
        let (named, ours) = (house(named), house(ours));
        named.is_some() && named == ours
    }
}

fn target(row: &AnyRow) -> Result<Target> {
    let mut c = columns(row);
    Ok(Target {
        mail: Some(MailId(c.text()?)),
        state: Some(c.word("mail", MailState::parse)?),
        municipality: MunicipalityId(c.text()?),
        round: RoundId(c.text()?),
        invitation: InvitationId(c.text()?),
        contact: Some(c.text()?),
        address: c.text()?,
    })
}

fn line(row: &AnyRow) -> Result<InboundLine> {
    let mut c = columns(row);
    let (id, source, media) =
        (InboundId(c.text()?), c.word("source", InboundSource::parse)?, c.word("media", InboundMedia::parse)?);
    let (shelf, received_at) = (c.word("shelf", Shelf::parse)?, c.at()?);
    let (round, title, state) = (c.maybe()?, c.maybe()?, c.maybe()?);
    Ok(InboundLine {
        id,
        source,
        media,
        shelf,
        received_at,
        round: round.map(RoundId).zip(title),
        round_open: state.as_deref() == Some("open"),
        invitation: c.maybe()?.map(InvitationId),
        mail: c.maybe()?.map(MailId),
        matched_by: c.maybe_word("match", MatchedBy::parse)?,
        kind: c.maybe_word("kind", InboundKind::parse)?.unwrap_or(InboundKind::None),
        hard: c.flag()?,
        status: c.maybe()?,
        reason: c.maybe()?,
        address: c.text()?,
        words: c.text()?,
        sender: c.text()?,
        subject: c.text()?,
        size: c.count()?,
        business: name(&mut c)?,
    })
}

/// A business that was erased has no name.
fn name(c: &mut Columns<'_>) -> Result<Option<String>> {
    Ok(c.maybe()?.filter(|name| !name.is_empty()))
}

/// What tells a message from all others: the headers that its writer set and its body. What servers on the way add is left
/// out, so that the same message through two doors is one; a message without a Message-ID is told by everything in it.
fn fingerprint(media: InboundMedia, raw: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut hash = Sha256::new();
    hash.update(media.as_str());
    let (mut at_headers, mut counts, mut has_id) = (media == InboundMedia::Message, false, false);
    for line in raw.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let goes_on = line.starts_with(b" ") || line.starts_with(b"\t");
        if at_headers && !goes_on {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            at_headers = !line.is_empty() && name.len() < line.len();
            let name = name.to_ascii_lowercase();
            counts = matches!(name.as_slice(), b"message-id" | b"date" | b"from" | b"to" | b"subject");
            has_id |= at_headers && name == b"message-id";
        }
        if !at_headers || counts {
            hash.update(line);
            hash.update(b"\n");
        }
    }
    if !has_id {
        hash.update(raw);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Words as they may be kept: one line, without control characters, not too many.
fn clean(words: &str, most: usize) -> String {
    let spaced: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_add_on_the_way_makes_no_other_message() {
        let plain = b"Message-ID: <1@x>\r\nTo: a@b\r\n\r\nbody\r\n";
        let travelled = b"Return-Path: <>\nReceived: from y\n\tby z\nMessage-ID: <1@x>\nTo: a@b\n\nbody\n";
        let other = b"Message-ID: <1@x>\r\nTo: c@b\r\n\r\nbody\r\n";
        let of = |raw: &[u8]| fingerprint(InboundMedia::Message, raw);
        assert_eq!(of(plain), of(travelled));
        assert_ne!(of(plain), of(other));
        assert_ne!(of(plain), fingerprint(InboundMedia::Report, plain));
        // Without a Message-ID nothing is taken for the same that is not.
        assert_ne!(of(b"X: 1\n"), of(b"X: 2\n"));
        assert_ne!(of(b"one"), of(b"two"));
    }

    #[test]
    fn a_forwarding_mailbox_is_not_dead_because_its_target_is() {
        assert!(
            is_for("Info@Firma.dk", "info@firma.dk")
                && is_for("jens@firma.dk", "info@firma.dk")
                && is_for("", "info@firma.dk")
        );
        assert!(!is_for("jens@gmail.com", "info@firma.dk") && !is_for("jens", "info@firma.dk"));
    }
}
