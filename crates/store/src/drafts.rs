//! Answers in the making that do not count yet: a new answer in place of a sent one, and what an interviewer types.
//!
//! A draft lies beside the response, known by panel id and mode. Sent, it takes the response's place in one transaction; an
//! interview that was broken off leaves its answers to a response that is not sent yet.
use std::collections::BTreeMap;

use domain::answers::Answers;
use domain::fieldwork::{MessageKind, Mode, ResponseStatus};
use domain::ids::{InvitationId, ResponseId};
use domain::language::Language;
use domain::time::Millis;
use sqlx::AnyConnection;

use crate::channels::queue_notice;
use crate::respondent::{self, Answering, CANCEL_ASKING, ENSURE, PageSave, SUBMITTED, Saved, SavedResponse, Submitted};
use crate::results::plain;
use crate::sql::{call, columns, statements};
use crate::{Result, Store};

statements! {
    FIND = "select d.id, d.revision, d.last_screen, d.started_at, d.updated_at from drafts d
        join invitations i on i.round_id = d.round_id join panel_links l on l.business_id = i.business_id and l.panel_id = d.panel_id
        where i.id = $1 and d.mode = $2";
    ANSWERS = "select question_key, value from draft_answers where draft_id = $1 and value is not null";
    SAVE = "insert into drafts (id, municipality_id, round_id, panel_id, mode, language, revision, last_screen, started_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, 1, $7, $8, $8)
        on conflict (round_id, panel_id, mode) do update set revision = drafts.revision + 1, updated_at = excluded.updated_at,
            language = excluded.language, last_screen = coalesce(excluded.last_screen, drafts.last_screen)
        returning id, revision";
    CHANGED_SINCE = "select question_key, value from draft_answers where draft_id = $1 and revision > $2";
    IS_SENT = "select id, submitted_at from responses where round_id = $1 and panel_id = $2 and reference_hash = $3 and submitted_at is not null";
    EMPTY = "delete from answers where response_id = $1";
    REPLACE = "update responses set status = 'complete', mode = $3, language = $4, reference_hash = $5, started_at = $6, submitted_at = $7, updated_at = $7,
            last_screen = null, revision = revision + 1 where round_id = $1 and panel_id = $2 returning id, revision";
    MOVE_ANSWERS = "insert into answers (response_id, question_key, value, revision)
        select $1, a.question_key, a.value, $2 from draft_answers a where a.draft_id = $3 and a.value is not null
        on conflict (response_id, question_key) do update set value = excluded.value, revision = excluded.revision";
    KEEP = "update responses set revision = revision + 1, updated_at = $3, status = case when status = 'started' then $4 else status end
        where round_id = $1 and panel_id = $2 and submitted_at is null and status <> 'withdrawn' returning id, revision";
    DROP_ANSWERS_OF = "delete from draft_answers where draft_id in (select d.id from drafts d where d.round_id = $1 and d.panel_id = $2)";
    DROP_OF = "delete from drafts where round_id = $1 and panel_id = $2";
    DROP_ANSWERS_ONE = "delete from draft_answers where draft_id = $1";
    DROP_ONE = "delete from drafts where id = $1";
    DROP_ANSWERS_ROUND = "delete from draft_answers where draft_id in (select d.id from drafts d where d.round_id = $1)";
    DROP_ROUND = "delete from drafts where round_id = $1";
    DROP_ANSWERS_BUSINESS = "delete from draft_answers where draft_id in (select d.id from drafts d join panel_links l on l.panel_id = d.panel_id where l.business_id = $1)";
    DROP_BUSINESS = "delete from drafts where panel_id in (select panel_id from panel_links where business_id = $1)";
    [bulk 2] PUT = "insert into draft_answers (draft_id, question_key, value, revision) values", "($1, #, #, $2)",
        "on conflict (draft_id, question_key) do update set value = excluded.value, revision = excluded.revision where draft_answers.value is distinct from excluded.value";
}

impl Store {
    /// The draft of an invitation in a mode.
    pub async fn draft(&self, invitation: &InvitationId, mode: Mode) -> Result<Option<SavedResponse>> {
        let mut conn = self.read().await?;
        let Some(row) = call(FIND).text(invitation.as_str()).text(mode.as_str()).maybe_row(&mut conn).await? else {
            return Ok(None);
        };
        let mut c = columns(&row);
        let mut draft = SavedResponse {
            id: ResponseId(c.text()?),
            status: ResponseStatus::Started,
            revision: c.int()?,
            last_screen: c.maybe()?,
            answers: Answers::default(),
            started_at: c.at()?,
            updated_at: c.at()?,
            submitted_at: None,
        };
        for row in call(ANSWERS).text(draft.id.as_str()).rows(&mut conn).await? {
            let mut c = columns(&row);
            draft.answers.0.insert(c.text()?, c.text()?);
        }
        Ok(Some(draft))
    }

    /// Keeps a received page in the draft of the page's mode; makes the draft on the first one. As [`Store::save_page`], nothing is
    /// silently overwritten.
    ///
    /// # Errors
    /// [`crate::StoreError::RoundClosed`], [`crate::StoreError::NotFound`].
    pub async fn save_draft(&self, page: PageSave<'_>, now: Millis) -> Result<Saved> {
        let invitation = page.invitation.clone();
        let changes: BTreeMap<String, Option<String>> = page
            .changes
            .iter()
            .map(|(key, value)| (key.clone(), value.as_deref().map(|v| plain(v).into_owned())))
            .collect();
        let screen = page.screen.map(str::to_owned);
        let (expected, mode, language) = (page.expected_revision, page.mode, page.language);
        self.grouped(move |conn| {
            Box::pin(async move {
                let to = respondent::answering(conn, &invitation).await?;
                let saved = call(SAVE)
                    .text(ResponseId::new(now).as_str())
                    .text(&to.municipality)
                    .text(&to.round)
                    .text(&to.panel)
                    .text(mode.as_str())
                    .text(language.tag())
                    .maybe(screen.as_deref())
                    .at(now)
                    .row(conn, "draft")
                    .await?;
                let mut c = columns(&saved);
                let (draft, revision) = (c.text()?, c.int()?);
                let later = call(CHANGED_SINCE).text(&draft);
                let conflicts = respondent::conflicts(conn, later, (expected, revision), &changes).await?;
                let kept: Vec<_> = changes.iter().filter(|(key, _)| conflicts.iter().all(|c| c.key != **key)).collect();
                PUT.run(
                    conn,
                    &kept,
                    |c| c.text(&draft).int(revision),
                    |c, (key, value)| c.text(key).maybe(value.as_deref()),
                )
                .await?;
                Ok(Saved { revision, conflicts })
            })
        })
        .await
    }

    /// Sends a draft: it takes the place of whatever the business answered before, unseen. Again with the same reference is
    /// harmless; `None`: there is no draft, and no answer with this reference. Whoever sent an earlier answer is told by mail.
    ///
    /// # Errors
    /// [`crate::StoreError::RoundClosed`], [`crate::StoreError::NotFound`].
    pub async fn submit_draft(
        &self,
        invitation: &InvitationId,
        mode: Mode,
        reference_hash: &str,
        language: Language,
        mail_domain: &str,
        now: Millis,
    ) -> Result<Option<Replaced>> {
        let (invitation, reference_hash) = (invitation.clone(), reference_hash.to_owned());
        let mail_domain = mail_domain.to_owned();
        self.grouped(move |conn| {
            Box::pin(async move {
                let to = respondent::answering(conn, &invitation).await?;
                let found = call(FIND).text(invitation.as_str()).text(mode.as_str()).maybe_row(conn).await?;
                let Some(row) = found else {
                    let sent =
                        call(IS_SENT).text(&to.round).text(&to.panel).text(&reference_hash).maybe_row(conn).await?;
                    return sent
                        .map(|row| {
                            let mut c = columns(&row);
                            let (response, submitted_at) = (ResponseId(c.text()?), c.at()?);
                            Ok(Replaced {
                                submitted: Submitted { response, first: false, submitted_at },
                                earlier: false,
                            })
                        })
                        .transpose();
                };
                let mut c = columns(&row);
                let (draft, _, _, started_at) = (c.text()?, c.int()?, c.maybe()?, c.at()?);
                ensure(conn, &to, &invitation, mode, language, now).await?;
                let before = call(SUBMITTED).text(&to.round).text(&to.panel).row(conn, "response").await?;
                let mut c = columns(&before);
                let (response, earlier) = (c.text()?, c.maybe_at()?.is_some());
                call(EMPTY).text(&response).run(conn).await?;
                let row = call(REPLACE)
                    .text(&to.round)
                    .text(&to.panel)
                    .text(mode.as_str())
                    .text(language.tag())
                    .text(&reference_hash)
                    .at(started_at)
                    .at(now)
                    .row(conn, "response")
                    .await?;
                let mut c = columns(&row);
                let (response, revision) = (c.text()?, c.int()?);
                call(MOVE_ANSWERS).text(&response).int(revision).text(&draft).run(conn).await?;
                drop_of(conn, &to.round, &to.panel).await?;
                call(CANCEL_ASKING).text(invitation.as_str()).at(now).run(conn).await?;
                // Whoever sent the earlier answer, or reads the mailbox with them, is told.
                if earlier {
                    queue_notice(conn, &invitation, MessageKind::Replaced, &mail_domain, now).await?;
                }
                let submitted = Submitted { response: ResponseId(response), first: true, submitted_at: now };
                Ok(Some(Replaced { submitted, earlier }))
            })
        })
        .await
    }

    /// Ends an interview that was broken off: what was said joins a response that is not sent yet, or begins one; beside a sent one
    /// it is dropped. `status`: how far it came.
    ///
    /// # Errors
    /// [`crate::StoreError::RoundClosed`], [`crate::StoreError::NotFound`].
    pub async fn keep_draft(
        &self,
        invitation: &InvitationId,
        mode: Mode,
        status: ResponseStatus,
        language: Language,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let to = respondent::answering(&mut tx, invitation).await?;
        if let Some(row) = call(FIND).text(invitation.as_str()).text(mode.as_str()).maybe_row(&mut tx).await? {
            let draft = columns(&row).text()?;
            ensure(&mut tx, &to, invitation, mode, language, now).await?;
            let kept =
                call(KEEP).text(&to.round).text(&to.panel).at(now).text(status.as_str()).maybe_row(&mut tx).await?;
            if let Some(row) = kept {
                let mut c = columns(&row);
                let (response, revision) = (c.text()?, c.int()?);
                call(MOVE_ANSWERS).text(&response).int(revision).text(&draft).run(&mut tx).await?;
            }
            call(DROP_ANSWERS_ONE).text(&draft).run(&mut tx).await?;
            call(DROP_ONE).text(&draft).run(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// A draft that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The response that it became.
    pub submitted: Submitted,
    /// A sent answer stood there before: whoever sent it is to be told.
    pub earlier: bool,
}

async fn ensure(
    conn: &mut AnyConnection,
    to: &Answering,
    invitation: &InvitationId,
    mode: Mode,
    language: Language,
    now: Millis,
) -> Result<()> {
    let response = ResponseId::new(now);
    let made = call(ENSURE)
        .text(response.as_str())
        .text(&to.municipality)
        .text(&to.round)
        .text(&to.panel)
        .text(mode.as_str())
        .text(language.tag())
        .at(now)
        .run(conn)
        .await?;
    if made == 1 {
        respondent::cover(conn, invitation, response.as_str()).await?;
    }
    Ok(())
}

/// Drops the drafts beside a response.
pub(crate) async fn drop_of(conn: &mut AnyConnection, round: &str, panel: &str) -> Result<()> {
    call(DROP_ANSWERS_OF).text(round).text(panel).run(conn).await?;
    call(DROP_OF).text(round).text(panel).run(conn).await?;
    Ok(())
}

/// Drops the drafts of a round that closes.
pub(crate) async fn drop_of_round(conn: &mut AnyConnection, round: &str) -> Result<()> {
    call(DROP_ANSWERS_ROUND).text(round).run(conn).await?;
    call(DROP_ROUND).text(round).run(conn).await?;
    Ok(())
}

/// Drops every draft of a business that is erased.
pub(crate) async fn drop_of_business(conn: &mut AnyConnection, business: &str) -> Result<()> {
    call(DROP_ANSWERS_BUSINESS).text(business).run(conn).await?;
    call(DROP_BUSINESS).text(business).run(conn).await?;
    Ok(())
}
