//! Mail to staff: invitations of colleagues and links for a new password. Few, so that one worker takes them one by one.
use domain::fieldwork::Role;
use domain::ids::{MailId, MunicipalityId, UserId};
use domain::municipality::Municipality;
use domain::time::Millis;

use crate::people::{Purpose, known};
use crate::sql::{call, columns, statements};
use crate::{Result, Store, municipalities};

statements! {
    VOID = "delete from sign_ins where user_id = $1 and purpose = $2 and used_at is null";
    CANCEL = "update staff_mails set state = 'cancelled' where user_id = $1 and kind = $2 and state = 'pending'";
    ADD_LINK = "insert into sign_ins (lookup, user_id, purpose, expires_at, created_at) values ($1, $2, $3, $4, $5)";
    ADD = "insert into staff_mails (id, municipality_id, user_id, kind, state, attempts, next_attempt_at, words, queued_at) values ($1, $2, $3, $4, 'pending', 0, $5, '', $5)";
    CLAIM = "update staff_mails set attempts = attempts + 1, next_attempt_at = $2
        where id = (select id from staff_mails where state = 'pending' and next_attempt_at <= $1 order by next_attempt_at, id limit 1)
        and state = 'pending' and next_attempt_at <= $1
        returning id, municipality_id, user_id, kind, attempts";
    WHO = "select name, email, role from users where id = $1";
    SENT = "update staff_mails set state = 'sent', sent_at = $2, words = $3 where id = $1 and state = 'pending'";
    LATER = "update staff_mails set next_attempt_at = $2, words = $3 where id = $1 and state = 'pending'";
    FAILED = "update staff_mails set state = 'failed', words = $2 where id = $1 and state = 'pending'";
    LATEST = "select state, words from staff_mails where user_id = $1 and municipality_id = $2 and kind = $3 order by queued_at desc, id desc limit 1";
}

/// A mail to a member of staff, ready to be written. No `Debug`: it holds an address.
pub struct StaffMail {
    /// Id; the link in the mail is derived from it.
    pub id: MailId,
    /// From whom.
    pub municipality: Municipality,
    /// What it is about.
    pub purpose: Purpose,
    /// Name of the recipient.
    pub name: String,
    /// Address of the recipient.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Which try this is, from 1.
    pub attempts: i64,
}

/// What became of a mail to a member of staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// The relay took it, or it lies in its file.
    Sent,
    /// Tried again at this time.
    Later(Millis, &'a str),
    /// Given up.
    Failed(&'a str),
}

impl Store {
    /// Queues a mail with a one-time link, whose lookup hash is that of the token derived from `id`; an earlier link for the same
    /// purpose stops to work, an earlier mail that waits is not sent.
    #[expect(clippy::too_many_arguments, reason = "one use case: the link and its mail belong together")]
    pub async fn queue_staff_mail(
        &self,
        municipality: &MunicipalityId,
        user: &UserId,
        purpose: Purpose,
        id: &MailId,
        lookup: &str,
        expires_at: Millis,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        known(&mut tx, municipality, user).await?;
        call(VOID).text(user.as_str()).text(purpose.as_str()).run(&mut tx).await?;
        call(CANCEL).text(user.as_str()).text(purpose.as_str()).run(&mut tx).await?;
        call(ADD_LINK)
            .text(lookup)
            .text(user.as_str())
            .text(purpose.as_str())
            .at(expires_at)
            .at(now)
            .run(&mut tx)
            .await?;
        call(ADD)
            .text(id.as_str())
            .text(municipality.as_str())
            .text(user.as_str())
            .text(purpose.as_str())
            .at(now)
            .run(&mut tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Takes one mail that is due; until `lease_until` nobody else does.
    pub async fn claim_staff_mail(&self, lease_until: Millis, now: Millis) -> Result<Option<StaffMail>> {
        let mut tx = self.begin().await?;
        let Some(row) = call(CLAIM).at(now).at(lease_until).maybe_row(&mut tx).await? else { return Ok(None) };
        let mut c = columns(&row);
        let (id, municipality, user) = (MailId(c.text()?), MunicipalityId(c.text()?), c.text()?);
        let kind = |word: &str| [Purpose::Invitation, Purpose::Reset].into_iter().find(|p| p.as_str() == word);
        let (purpose, attempts) = (c.word("kind", kind)?, c.int()?);
        let municipality = municipalities::load(&mut tx, &municipality).await?;
        let row = call(WHO).text(&user).row(&mut tx, "user").await?;
        let mut c = columns(&row);
        let (name, email, role) = (c.text()?, c.text()?, c.word("role", Role::parse)?);
        tx.commit().await?;
        Ok(Some(StaffMail { id, municipality, purpose, name, email, role, attempts }))
    }

    /// Notes what became of a mail.
    pub async fn settle_staff_mail(&self, id: &MailId, fate: Fate<'_>, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        let done = match fate {
            Fate::Sent => call(SENT).text(id.as_str()).at(now).text(""),
            Fate::Later(at, words) => call(LATER).text(id.as_str()).at(at).text(words),
            Fate::Failed(words) => call(FAILED).text(id.as_str()).text(words),
        };
        done.run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// State and server's words of the latest mail of this kind to a person.
    pub async fn latest_staff_mail(
        &self,
        municipality: &MunicipalityId,
        user: &UserId,
        purpose: Purpose,
    ) -> Result<Option<(String, String)>> {
        let call = call(LATEST).text(user.as_str()).text(municipality.as_str()).text(purpose.as_str());
        let row = call.maybe_row(&mut *self.read().await?).await?;
        row.map(|row| {
            let mut c = columns(&row);
            Ok((c.text()?, c.text()?))
        })
        .transpose()
    }
}
