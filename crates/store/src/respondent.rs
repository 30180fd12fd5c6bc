//! What a business does with its link: answer page by page, submit, correct, say no, pass it on.
use std::collections::BTreeMap;

use domain::answers::Answers;
use domain::fieldwork::{MessageKind, Mode, ResponseStatus, RoundState};
use domain::frame::FrameUnit;
use domain::ids::{BusinessId, InvitationId, MunicipalityId, ResponseId, RoundId};
use domain::language::Language;
use domain::municipality::Municipality;
use domain::questionnaire::{Facts, facts_of};
use domain::secrets::Keys;
use domain::time::Millis;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::channels;
use crate::frames::{self, unit_columns};
use crate::results::plain;
use crate::rounds::{self, Addressed, Round};
use crate::sql::{Call, call, columns, statements};
use crate::{Result, Store, StoreError, municipalities};

/// An invitation with what its pages need, in the order in which [`invited`] reads it.
macro_rules! respondent_select {
    () => {
        concat!("select i.id, i.generation, i.municipality_id, i.round_id, i.business_id, coalesce(i.language, c.language), i.opted_out_at, coalesce(b.opted_out_at, c.opted_out_at), ",
            unit_columns!(),
            ", p.id, p.status, p.revision, p.last_screen, p.started_at, p.updated_at, p.submitted_at
            from invitations i
            join rounds r on r.id = i.round_id
            join businesses b on b.id = i.business_id
            join frame_rows f on f.import_id = r.import_id and f.business_id = i.business_id
            left join contacts c on c.id = i.contact_id
            left join panel_links l on l.business_id = i.business_id
            left join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id and p.status <> 'withdrawn' ")
    };
}

statements! {
    BY_LOOKUP = concat!(respondent_select!(), "where i.lookup = $1");
    BY_ID = concat!(respondent_select!(), "where i.id = $1 and i.municipality_id = $2");
    BY_BUSINESS = concat!(respondent_select!(), "join invitation_businesses x on x.invitation_id = i.id where x.round_id = $1 and x.business_id = $2 and i.municipality_id = $3");
    ALSO_FOR = "select f.name from invitation_businesses x join rounds r on r.id = x.round_id
        join frame_rows f on f.import_id = r.import_id and f.business_id = x.business_id
        where x.invitation_id = $1 and x.business_id <> $2 order by f.name, f.business_id";
    ANSWERS = "select question_key, value from answers where response_id = $1 and value is not null";
    // What a save must know: only an invitation to an open round may be answered.
    ANSWERING = "select i.municipality_id, i.round_id, r.state, l.panel_id from invitations i join rounds r on r.id = i.round_id
        join panel_links l on l.business_id = i.business_id where i.id = $1";
    SAVE = "insert into responses (id, municipality_id, round_id, panel_id, status, mode, language, revision, last_screen, started_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $9)
        on conflict (round_id, panel_id) do update set revision = responses.revision + 1, updated_at = excluded.updated_at,
            status = case when responses.status = 'complete' then 'complete' else excluded.status end,
            language = excluded.language, last_screen = coalesce(excluded.last_screen, responses.last_screen)
        returning id, revision";
    ENSURE = "insert into responses (id, municipality_id, round_id, panel_id, status, mode, language, revision, started_at, updated_at)
        values ($1, $2, $3, $4, 'started', $5, $6, 1, $7, $7) on conflict (round_id, panel_id) do nothing";
    COVER = "insert into response_panels (round_id, panel_id, response_id)
        select x.round_id, l.panel_id, $2 from invitation_businesses x join panel_links l on l.business_id = x.business_id
        where x.invitation_id = $1 on conflict (round_id, panel_id) do nothing";
    // What the response is about stands beside it, so that it stays when the link to the business is cut.
    NOTE_ANSWER = "insert into case_answers (response_id, municipality_id, authority, closed_on)
        select $2, c.municipality_id, c.authority, c.closed_on from cases c where c.invitation_id = $1 on conflict (response_id) do nothing";
    CHANGED_SINCE = "select question_key, value from answers where response_id = $1 and revision > $2";
    SUBMIT = "update responses set status = 'complete', submitted_at = $3, updated_at = $3, reference_hash = $4, revision = revision + 1
        where round_id = $1 and panel_id = $2 and submitted_at is null";
    SUBMITTED = "select id, submitted_at from responses where round_id = $1 and panel_id = $2";
    CANCEL_MAIL = "update outbox set state = 'cancelled', words = '', updated_at = $2 where invitation_id = $1 and state in ('pending', 'deferred')";
    // An answer makes reminders needless, not the word that a wish was received.
    CANCEL_ASKING = "update outbox set state = 'cancelled', words = '', updated_at = $2 where invitation_id = $1 and wave <= 3 and state in ('pending', 'deferred')";
    CANCEL_CONTACT_MAIL = "update outbox set state = 'cancelled', words = '', updated_at = $2
        where contact_id = (select contact_id from invitations where id = $1) and state in ('pending', 'deferred')";
    OWN_RESPONSE = "select p.id, p.round_id, p.panel_id from invitations i join panel_links l on l.business_id = i.business_id
        join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id where i.id = $1";
    WITHDRAW = "update responses set status = 'withdrawn', submitted_at = null, reference_hash = null, last_screen = null, updated_at = $2, revision = revision + 1
        where id = $1 and status <> 'withdrawn'";
    DROP_ANSWERS = "delete from answers where response_id = $1";
    DROP_WISH_OF = "delete from contact_wishes where invitation_id = $1";
    NO_THIS_ROUND = "update invitations set opted_out_at = coalesce(opted_out_at, $2) where id = $1";
    NO_CONTACT = "update contacts set opted_out_at = coalesce(opted_out_at, $2) where id = (select contact_id from invitations where id = $1)";
    NO_BUSINESSES = "update businesses set opted_out_at = coalesce(opted_out_at, $2) where id in (select business_id from invitation_businesses where invitation_id = $1)";
    YES_INVITATION = "update invitations set opted_out_at = null where id = $1";
    YES_CONTACT = "update contacts set opted_out_at = null where id = (select contact_id from invitations where id = $1)";
    YES_BUSINESSES = "update businesses set opted_out_at = null where id in (select business_id from invitation_businesses where invitation_id = $1)";
    FORMER = "select invitation_id, ended_at from former_links where lookup = $1";
    ADD_FORMER = "insert into former_links (lookup, invitation_id, ended_at) values ($1, $2, $3) on conflict (lookup) do nothing";
    OF_FORMER = concat!(respondent_select!(), "where i.id = $1");
    BY_REFERENCE = "select p.id from invitations i join panel_links l on l.business_id = i.business_id
        join responses p on p.round_id = i.round_id and p.panel_id = l.panel_id where i.id = $1 and p.reference_hash = $2 and p.submitted_at is not null";
    LANGUAGE = "update invitations set language = $2 where id = $1";
    PASSING = "select i.municipality_id, i.round_id, i.generation, i.contact_id, r.state from invitations i join rounds r on r.id = i.round_id where i.id = $1";
    PASS_ON = "update invitations set generation = generation + 1, contact_id = $3, lookup = $4, passed_on_at = $5, opted_out_at = null where id = $1 and generation = $2";
    PUT_WISH = "insert into contact_wishes (id, municipality_id, invitation_id, name, reach, about, created_at)
        select $1, i.municipality_id, i.id, $3, $4, $5, $6 from invitations i where i.id = $2
        on conflict (invitation_id) do update set name = excluded.name, reach = excluded.reach, about = excluded.about,
            created_at = excluded.created_at, done_at = null";
    WISH_OF = "select name, reach, about from contact_wishes where invitation_id = $1";
    // What confirms a wish that is gone needs no sending; a new wish lets it go on, unless it was sent.
    FORGET_CONFIRMATION = "update outbox set state = 'cancelled', words = '', lease_owner = null, lease_until = null, updated_at = $2
        where wave = 5 and state in ('pending', 'deferred', 'claimed') and invitation_id = $1";
    CONFIRM_AGAIN = "update outbox set state = 'pending', next_attempt_at = $2, updated_at = $2
        where wave = 5 and state = 'cancelled' and sent_at is null and invitation_id = $1
          and generation = (select i.generation from invitations i where i.id = $1)";
    [bulk 2] PUT_ANSWERS = "insert into answers (response_id, question_key, value, revision) values", "($1, #, #, $2)",
        "on conflict (response_id, question_key) do update set value = excluded.value, revision = excluded.revision where answers.value is distinct from excluded.value";
}

/// Everything the respondent's pages need of an invitation. No `Debug`: it holds answers.
#[derive(Clone)]
pub struct Respondent {
    /// The invitation.
    pub invitation: InvitationId,
    /// Its generation.
    pub generation: i64,
    /// Who asks.
    pub municipality: Municipality,
    /// The round, with the id of its questionnaire.
    pub round: Round,
    /// The business.
    pub business: BusinessId,
    /// Its name.
    pub business_name: String,
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postcode: String,
    /// Town.
    pub city: String,
    /// Names of the other workplaces for which this answer stands.
    pub also_for: Vec<String>,
    /// What the register says of it.
    pub unit: FrameUnit,
    /// What routing may use.
    pub facts: Facts,
    /// The language chosen earlier, where known.
    pub language: Option<Language>,
    /// The business said no to this round.
    pub opted_out_at: Option<Millis>,
    /// The business said no for good.
    pub opted_out_for_good_at: Option<Millis>,
    /// Its response so far.
    pub response: Option<SavedResponse>,
}

/// A response as it stands.
#[derive(Clone)]
pub struct SavedResponse {
    /// Its id.
    pub id: ResponseId,
    /// How far it is.
    pub status: ResponseStatus,
    /// Grows by one with every save; a page carries the one it was made from.
    pub revision: i64,
    /// The screen last sent, to go on from.
    pub last_screen: Option<String>,
    /// The answers.
    pub answers: Answers,
    /// First save.
    pub started_at: Millis,
    /// Latest save.
    pub updated_at: Millis,
    /// Submitted.
    pub submitted_at: Option<Millis>,
}

/// One received page. No `Debug`: it holds answers.
#[derive(Clone)]
pub struct PageSave<'a> {
    /// Whose.
    pub invitation: &'a InvitationId,
    /// What to keep; `None` clears a key.
    pub changes: &'a BTreeMap<String, Option<String>>,
    /// The revision that the page was made from; 0 when there was no response.
    pub expected_revision: i64,
    /// How far the response is with these changes. Never takes back `complete`.
    pub status: ResponseStatus,
    /// By what means.
    pub mode: Mode,
    /// In which language.
    pub language: Language,
    /// The screen that was sent, to go on from later.
    pub screen: Option<&'a str>,
}

/// What became of a received page. No `Debug`: it holds answers.
#[derive(Clone, PartialEq, Eq)]
pub struct Saved {
    /// The revision now.
    pub revision: i64,
    /// Keys that another device had changed meanwhile to something else; these were left as they are, all others were saved.
    pub conflicts: Vec<AnswerConflict>,
}

/// An answer that another device changed meanwhile. No `Debug`: it holds an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct AnswerConflict {
    /// Question key.
    pub key: String,
    /// What stands.
    pub kept: Option<String>,
}

/// A submitted response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The response.
    pub response: ResponseId,
    /// This call did it; `false`: it was submitted before.
    pub first: bool,
    /// When it was (first) submitted.
    pub submitted_at: Millis,
}

/// How far a no reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOut {
    /// This round only.
    Round,
    /// No survey by this municipality any more.
    ForGood,
}

/// "May we contact you?": stored apart from the answers.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct ContactWish {
    /// Name.
    pub name: String,
    /// Telephone or mail address, as written.
    pub reach: String,
    /// About what.
    pub about: String,
}

impl Store {
    /// The invitation behind a link ([`Keys::lookup`] of the shown token); `None`: unknown, or passed on since.
    pub async fn invitation_by_lookup(&self, lookup: &str) -> Result<Option<Respondent>> {
        let mut conn = self.read().await?;
        match call(BY_LOOKUP).text(lookup).maybe_row(&mut conn).await? {
            Some(row) => Ok(Some(invited(&mut conn, &row).await?)),
            None => Ok(None),
        }
    }

    /// The invitation that a link led to before it was passed on, and when that was.
    pub async fn former_invitation(&self, lookup: &str) -> Result<Option<(Respondent, Millis)>> {
        let mut conn = self.read().await?;
        let Some(row) = call(FORMER).text(lookup).maybe_row(&mut conn).await? else { return Ok(None) };
        let mut c = columns(&row);
        let (invitation, ended_at) = (c.text()?, c.at()?);
        let row = call(OF_FORMER).text(&invitation).row(&mut conn, "invitation").await?;
        Ok(Some((invited(&mut conn, &row).await?, ended_at)))
    }

    /// Is this the reference of the invitation's sent answer?
    pub async fn is_reference(&self, invitation: &InvitationId, reference_hash: &str) -> Result<bool> {
        let found = call(BY_REFERENCE)
            .text(invitation.as_str())
            .text(reference_hash)
            .maybe_row(&mut *self.read().await?)
            .await?;
        Ok(found.is_some())
    }

    /// The invitation of a business to a round, for an interviewer.
    pub async fn invitation_of_business(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        business: &BusinessId,
    ) -> Result<Option<Respondent>> {
        let mut conn = self.read().await?;
        let row = call(BY_BUSINESS)
            .text(round.as_str())
            .text(business.as_str())
            .text(municipality.as_str())
            .maybe_row(&mut conn)
            .await?;
        match row {
            Some(row) => Ok(Some(invited(&mut conn, &row).await?)),
            None => Ok(None),
        }
    }

    /// An invitation by its id; `NotFound` otherwise.
    pub async fn invitation(&self, municipality: &MunicipalityId, id: &InvitationId) -> Result<Respondent> {
        let mut conn = self.read().await?;
        let row = call(BY_ID).text(id.as_str()).text(municipality.as_str()).row(&mut conn, "invitation").await?;
        invited(&mut conn, &row).await
    }

    /// Keeps a received page; makes the response on the first one. Another device's answers are never silently overwritten.
    ///
    /// # Errors
    /// [`crate::StoreError::RoundClosed`], [`crate::StoreError::NotFound`].
    pub async fn save_page(&self, page: PageSave<'_>, now: Millis) -> Result<Saved> {
        let invitation = page.invitation.clone();
        let changes: BTreeMap<String, Option<String>> = page
            .changes
            .iter()
            .map(|(key, value)| (key.clone(), value.as_deref().map(|v| plain(v).into_owned())))
            .collect();
        let screen = page.screen.map(str::to_owned);
        let (expected, status, mode, language) = (page.expected_revision, page.status, page.mode, page.language);
        self.grouped(move |conn| {
            Box::pin(async move {
                let to = answering(conn, &invitation).await?;
                let saved = call(SAVE)
                    .text(ResponseId::new(now).as_str())
                    .text(&to.municipality)
                    .text(&to.round)
                    .text(&to.panel)
                    .text(status.as_str())
                    .text(mode.as_str())
                    .text(language.tag())
                    .maybe(screen.as_deref())
                    .at(now)
                    .row(conn, "response")
                    .await?;
                let mut c = columns(&saved);
                let (response, revision) = (c.text()?, c.int()?);
                if revision == 1 {
                    cover(conn, &invitation, &response).await?;
                }
                let later = call(CHANGED_SINCE).text(&response);
                let conflicts = conflicts(conn, later, (expected, revision), &changes).await?;
                let kept: Vec<_> = changes.iter().filter(|(key, _)| conflicts.iter().all(|c| c.key != **key)).collect();
                PUT_ANSWERS
                    .run(
                        conn,
                        &kept,
                        |c| c.text(&response).int(revision),
                        |c, (key, value)| c.text(key).maybe(value.as_deref()),
                    )
                    .await?;
                Ok(Saved { revision, conflicts })
            })
        })
        .await
    }

    /// Submits; again is harmless. `reference_hash`: the hash of the reference code, which the caller derives from the invitation, so that it is the same every time.
    pub async fn submit(
        &self,
        invitation: &InvitationId,
        reference_hash: &str,
        mode: Mode,
        language: Language,
        now: Millis,
    ) -> Result<Submitted> {
        let invitation = invitation.clone();
        let reference_hash = reference_hash.to_owned();
        self.grouped(move |conn| {
            Box::pin(async move {
                let to = answering(conn, &invitation).await?;
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
                    cover(conn, &invitation, response.as_str()).await?;
                }
                let first =
                    call(SUBMIT).text(&to.round).text(&to.panel).at(now).text(&reference_hash).run(conn).await? == 1;
                call(CANCEL_ASKING).text(invitation.as_str()).at(now).run(conn).await?;
                let row = call(SUBMITTED).text(&to.round).text(&to.panel).row(conn, "response").await?;
                let mut c = columns(&row);
                Ok(Submitted { response: ResponseId(c.text()?), first, submitted_at: c.at()? })
            })
        })
        .await
    }

    /// Takes a response back: its answers and contact wish are deleted.
    pub async fn withdraw(&self, invitation: &InvitationId, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = call(OWN_RESPONSE).text(invitation.as_str()).row(&mut tx, "response").await?;
        let mut c = columns(&row);
        let (response, round, panel) = (c.text()?, c.text()?, c.text()?);
        call(WITHDRAW).text(&response).at(now).run(&mut tx).await?;
        call(DROP_ANSWERS).text(&response).run(&mut tx).await?;
        crate::codes::drop_of(&mut tx, &response).await?;
        crate::drafts::drop_of(&mut tx, &round, &panel).await?;
        call(DROP_WISH_OF).text(invitation.as_str()).run(&mut tx).await?;
        call(CANCEL_MAIL).text(invitation.as_str()).at(now).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Notes a no and cancels what waits in the outbox.
    pub async fn opt_out(&self, invitation: &InvitationId, reach: OptOut, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        call(NO_THIS_ROUND).text(invitation.as_str()).at(now).run_one(&mut tx, "invitation").await?;
        call(CANCEL_MAIL).text(invitation.as_str()).at(now).run(&mut tx).await?;
        if reach == OptOut::ForGood {
            call(NO_CONTACT).text(invitation.as_str()).at(now).run(&mut tx).await?;
            call(NO_BUSINESSES).text(invitation.as_str()).at(now).run(&mut tx).await?;
            call(CANCEL_CONTACT_MAIL).text(invitation.as_str()).at(now).run(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Takes a no back, for this round and for good. What was cancelled stays cancelled.
    pub async fn opt_in_again(&self, invitation: &InvitationId) -> Result<()> {
        let mut tx = self.begin().await?;
        call(YES_INVITATION).text(invitation.as_str()).run_one(&mut tx, "invitation").await?;
        call(YES_CONTACT).text(invitation.as_str()).run(&mut tx).await?;
        call(YES_BUSINESSES).text(invitation.as_str()).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Keeps the language that was chosen on a page; mails follow it.
    pub async fn choose_language(&self, invitation: &InvitationId, language: Language) -> Result<()> {
        let mut tx = self.begin().await?;
        call(LANGUAGE).text(invitation.as_str()).text(language.tag()).run_one(&mut tx, "invitation").await?;
        Ok(tx.commit().await?)
    }

    /// Gives the invitation to another address: the generation is raised, the old link stops, an invitation to the new address is queued.
    pub async fn pass_on(
        &self,
        invitation: &InvitationId,
        new_address: &str,
        keys: &Keys,
        mail_domain: &str,
        now: Millis,
    ) -> Result<()> {
        let address = new_address.trim().to_lowercase();
        let mut tx = self.begin().await?;
        let row = call(PASSING).text(invitation.as_str()).row(&mut tx, "invitation").await?;
        let mut c = columns(&row);
        let (municipality, round, generation, old) =
            (MunicipalityId(c.text()?), RoundId(c.text()?), c.int()?, c.maybe()?);
        if c.word("round", RoundState::parse)? != RoundState::Open {
            return Err(StoreError::RoundClosed);
        }
        let contacts = rounds::contacts(&mut tx, &municipality, &[address.as_str()].into(), now).await?;
        let contact = contacts.get(&address).ok_or(StoreError::NotFound("contact"))?;
        if contact.opted_out || contact.suppressed {
            return Err(StoreError::State("this address does not take our mail"));
        }
        if old.as_deref() == Some(contact.id.as_str()) {
            return Ok(());
        }
        let next = generation + 1;
        let lookup = keys.lookup(keys.invitation_token(invitation, next).reveal());
        let pass = call(PASS_ON).text(invitation.as_str()).int(generation).text(&contact.id).text(&lookup).at(now);
        // The address may have an invitation of its own to this round: one mail per address.
        pass.run_new(&mut tx, "invitation to this address").await?;
        let former = keys.lookup(keys.invitation_token(invitation, generation).reveal());
        call(ADD_FORMER).text(&former).text(invitation.as_str()).at(now).run(&mut tx).await?;
        call(CANCEL_MAIL).text(invitation.as_str()).at(now).run(&mut tx).await?;
        let addressed = [Addressed { invitation: invitation.clone(), contact: contact.id.clone(), generation: next }];
        rounds::queue(&mut tx, &municipality, &round, 0, &addressed, mail_domain, now).await?;
        Ok(tx.commit().await?)
    }

    /// Keeps a wish to be contacted (replaces an earlier one of the same invitation), and queues the message that confirms it:
    /// one, however often the wish is changed.
    pub async fn leave_contact(
        &self,
        invitation: &InvitationId,
        wish: &ContactWish,
        mail_domain: &str,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(PUT_WISH)
            .text(InvitationId::new(now).as_str())
            .text(invitation.as_str())
            .text(&wish.name)
            .text(&wish.reach)
            .text(&wish.about)
            .at(now)
            .run_one(&mut tx, "invitation")
            .await?;
        if !channels::queue_notice(&mut tx, invitation, MessageKind::Followup, mail_domain, now).await? {
            call(CONFIRM_AGAIN).text(invitation.as_str()).at(now).run(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The wish to be contacted of an invitation.
    pub async fn contact_wish(&self, invitation: &InvitationId) -> Result<Option<ContactWish>> {
        let row = call(WISH_OF).text(invitation.as_str()).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| {
            let mut c = columns(&row);
            Ok(ContactWish { name: c.text()?, reach: c.text()?, about: c.text()? })
        })
        .transpose()
    }

    /// Takes a wish to be contacted back.
    pub async fn drop_contact(&self, invitation: &InvitationId, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        call(FORGET_CONFIRMATION).text(invitation.as_str()).at(now).run(&mut tx).await?;
        call(DROP_WISH_OF).text(invitation.as_str()).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}

/// The message that confirms a wish is not sent any more.
pub(crate) async fn forget_confirmation(conn: &mut AnyConnection, invitation: &str, now: Millis) -> Result<()> {
    call(FORGET_CONFIRMATION).text(invitation).at(now).run(conn).await?;
    Ok(())
}

/// Notes for whom a new response stands, and about which case it is.
pub(crate) async fn cover(conn: &mut AnyConnection, invitation: &InvitationId, response: &str) -> Result<()> {
    call(COVER).text(invitation.as_str()).text(response).run(conn).await?;
    call(NOTE_ANSWER).text(invitation.as_str()).text(response).run(conn).await?;
    Ok(())
}

/// Where an invitation's answers go.
pub(crate) struct Answering {
    pub(crate) municipality: String,
    pub(crate) round: String,
    pub(crate) panel: String,
}

/// What somebody else saved differently between a page's making (`expected`) and its coming back (`revision`), by question.
/// `later` asks for the answers saved after a revision, which is its last place.
pub(crate) async fn conflicts(
    conn: &mut AnyConnection,
    later: Call,
    (expected, revision): (i64, i64),
    changes: &BTreeMap<String, Option<String>>,
) -> Result<Vec<AnswerConflict>> {
    let mut conflicts = Vec::new();
    if expected < revision - 1 {
        for row in later.int(expected).rows(conn).await? {
            let mut c = columns(&row);
            let (key, kept) = (c.text()?, c.maybe()?);
            if changes.get(&key).is_some_and(|ours| *ours != kept) {
                conflicts.push(AnswerConflict { key, kept });
            }
        }
        conflicts.sort_by(|a, b| a.key.cmp(&b.key));
    }
    Ok(conflicts)
}

pub(crate) async fn answering(conn: &mut AnyConnection, invitation: &InvitationId) -> Result<Answering> {
    let row = call(ANSWERING).text(invitation.as_str()).row(conn, "invitation").await?;
    let mut c = columns(&row);
    let (municipality, round, state) = (c.text()?, c.text()?, c.word("round", RoundState::parse)?);
    if state != RoundState::Open {
        return Err(StoreError::RoundClosed);
    }
    Ok(Answering { municipality, round, panel: c.text()? })
}

async fn invited(conn: &mut AnyConnection, row: &AnyRow) -> Result<Respondent> {
    let mut c = columns(row);
    let invitation = InvitationId(c.text()?);
    let generation = c.int()?;
    let municipality = municipalities::load(conn, &MunicipalityId(c.text()?)).await?;
    let round = rounds::load(conn, &municipality.id, &RoundId(c.text()?)).await?;
    let business = BusinessId(c.text()?);
    let language = c.maybe_word("language", Language::parse)?;
    let (opted_out_at, opted_out_for_good_at) = (c.maybe_at()?, c.maybe_at()?);
    let unit = frames::unit(&mut c)?;
    let response = match c.maybe()? {
        None => None,
        Some(id) => Some(SavedResponse {
            status: c.word("status", ResponseStatus::parse)?,
            revision: c.int()?,
            last_screen: c.maybe()?,
            started_at: c.at()?,
            updated_at: c.at()?,
            submitted_at: c.maybe_at()?,
            answers: answers(conn, &id).await?,
            id: ResponseId(id),
        }),
    };
    let mut also_for = Vec::new();
    for row in call(ALSO_FOR).text(invitation.as_str()).text(business.as_str()).rows(conn).await? {
        also_for.push(columns(&row).text()?);
    }
    Ok(Respondent {
        invitation,
        generation,
        business,
        business_name: unit.name.clone(),
        street: unit.street.clone(),
        postcode: unit.postcode.clone(),
        city: unit.city.clone(),
        also_for,
        facts: facts_of(&unit, round.year, &municipality.settings.flood_areas),
        unit,
        language,
        opted_out_at,
        opted_out_for_good_at,
        response,
        municipality,
        round,
    })
}

async fn answers(conn: &mut AnyConnection, response: &str) -> Result<Answers> {
    let mut answers = Answers::default();
    for row in call(ANSWERS).text(response).rows(conn).await? {
        let mut c = columns(&row);
        answers.0.insert(c.text()?, c.text()?);
    }
    Ok(answers)
}
