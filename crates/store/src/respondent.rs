//! What a business does with its link: answer page by page, submit, correct, say no, pass it on.
use std::collections::BTreeMap;

use domain::answers::Answers;
use domain::fieldwork::{Mode, ResponseStatus};
use domain::ids::{BusinessId, InvitationId, MunicipalityId, ResponseId, RoundId};
use domain::language::Language;
use domain::municipality::Municipality;
use domain::questionnaire::Facts;
use domain::secrets::Keys;
use domain::time::Millis;

use crate::rounds::Round;
use crate::{Result, Store};

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
    /// What routing may use: `size`, `sector`, `area`, `age`, `country`.
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

/// A wish to be contacted, for staff.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct ContactRow {
    /// Its id.
    pub id: String,
    /// Name of the business.
    pub business_name: String,
    /// Street and number of the business.
    pub street: String,
    /// The wish.
    pub wish: ContactWish,
    /// When.
    pub created_at: Millis,
}

impl Store {
    /// The invitation behind a link ([`Keys::lookup`] of the shown token); `None`: unknown, or passed on since.
    pub async fn invitation_by_lookup(&self, lookup: &str) -> Result<Option<Respondent>> {
        todo!("{}", lookup.len())
    }

    /// The invitation of a business to a round, for an interviewer.
    pub async fn invitation_of_business(&self, municipality: &MunicipalityId, round: &RoundId, business: &BusinessId) -> Result<Option<Respondent>> {
        todo!("{municipality} {round} {business}")
    }

    /// Keeps a received page; makes the response on the first one. Another device's answers are never silently overwritten.
    ///
    /// # Errors
    /// [`crate::StoreError::RoundClosed`], [`crate::StoreError::NotFound`].
    pub async fn save_page(&self, page: PageSave<'_>, now: Millis) -> Result<Saved> {
        todo!("{} {now:?}", page.invitation)
    }

    /// Submits; again is harmless. `reference_hash`: the hash of the reference code, which the caller derives from the invitation, so that it is the same every time.
    pub async fn submit(&self, invitation: &InvitationId, reference_hash: &str, language: Language, now: Millis) -> Result<Submitted> {
        todo!("{invitation} {reference_hash} {language:?} {now:?}")
    }

    /// Takes a response back: its answers and contact wish are deleted.
    pub async fn withdraw(&self, invitation: &InvitationId, now: Millis) -> Result<()> {
        todo!("{invitation} {now:?}")
    }

    /// Notes a no and cancels what waits in the outbox.
    pub async fn opt_out(&self, invitation: &InvitationId, reach: OptOut, now: Millis) -> Result<()> {
        todo!("{invitation} {reach:?} {now:?}")
    }

    /// Gives the invitation to another address: the generation is raised, the old link stops, an invitation to the new address is queued.
    pub async fn pass_on(&self, invitation: &InvitationId, new_address: &str, keys: &Keys, mail_domain: &str, now: Millis) -> Result<()> {
        let _ = keys;
        todo!("{invitation} {} {mail_domain} {now:?}", new_address.len())
    }

    /// Keeps a wish to be contacted (replaces an earlier one of the same invitation).
    pub async fn leave_contact(&self, invitation: &InvitationId, wish: &ContactWish, now: Millis) -> Result<()> {
        todo!("{invitation} {} {now:?}", wish.name.len())
    }

    /// The wishes to be contacted of a round, oldest first.
    pub async fn contact_wishes(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<ContactRow>> {
        todo!("{municipality} {round}")
    }

    /// Deletes a wish that was worked off.
    pub async fn contact_done(&self, municipality: &MunicipalityId, id: &str) -> Result<()> {
        todo!("{municipality} {id}")
    }
}
