//! Rounds: prepared, opened in resumable steps, watched and closed.
use domain::fieldwork::{ResponseStatus, RoundState};
use domain::ids::{BusinessId, ImportId, InvitationId, MunicipalityId, QuestionnaireId, RoundId};
use domain::language::Language;
use domain::secrets::Keys;
use domain::time::Millis;

use crate::{Result, Store};

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

/// A yearly round. One per municipality and year.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Round {
    /// Its id.
    pub id: RoundId,
    /// Whose it is.
    pub municipality: MunicipalityId,
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
    /// Why sending was stopped.
    pub pause_reason: Option<String>,
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
    /// The business said no.
    pub opted_out: bool,
}

impl Store {
    /// A new round in draft.
    ///
    /// # Errors
    /// [`crate::StoreError::Conflict`] when the year has one.
    pub async fn create_round(&self, municipality: &MunicipalityId, year: i32, plan: &RoundPlan, now: Millis) -> Result<Round> {
        todo!("{municipality} {year} {plan:?} {now:?}")
    }

    /// Replaces the plan of a round in draft.
    pub async fn update_round(&self, municipality: &MunicipalityId, round: &RoundId, plan: &RoundPlan, now: Millis) -> Result<()> {
        todo!("{municipality} {round} {plan:?} {now:?}")
    }

    /// Sets the dates of a round that is not closed.
    pub async fn set_round_dates(&self, municipality: &MunicipalityId, round: &RoundId, opens_on: Option<&str>, closes_on: Option<&str>, now: Millis) -> Result<()> {
        todo!("{municipality} {round} {opens_on:?} {closes_on:?} {now:?}")
    }

    /// A round; `NotFound` otherwise.
    pub async fn round(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Round> {
        todo!("{municipality} {round}")
    }

    /// The round of a year.
    pub async fn round_of_year(&self, municipality: &MunicipalityId, year: i32) -> Result<Option<Round>> {
        todo!("{municipality} {year}")
    }

    /// All rounds, newest year first.
    pub async fn rounds(&self, municipality: &MunicipalityId) -> Result<Vec<Round>> {
        todo!("{municipality}")
    }

    /// Freezes frame and questionnaire: draft → opening. Doing it again is harmless.
    ///
    /// # Errors
    /// [`crate::StoreError::State`] when there is no frame for the year, no questionnaire, or the round was closed.
    pub async fn freeze_round(&self, municipality: &MunicipalityId, round: &RoundId, now: Millis) -> Result<()> {
        todo!("{municipality} {round} {now:?}")
    }

    /// One step of the opening: invitations and messages for the next units of the frame, at last opening → open.
    /// Each step is one transaction, so a killed opening goes on where it stopped. `mail_domain`: right-hand side of Message-IDs.
    pub async fn open_step(&self, municipality: &MunicipalityId, round: &RoundId, keys: &Keys, mail_domain: &str, now: Millis) -> Result<Opening> {
        let _ = keys;
        todo!("{municipality} {round} {mail_domain} {now:?}")
    }

    /// [`Self::freeze_round`], then [`Self::open_step`] until the round is open.
    pub async fn freeze_and_open(&self, municipality: &MunicipalityId, round: &RoundId, keys: &Keys, mail_domain: &str, now: Millis) -> Result<Opening> {
        let _ = keys;
        todo!("{municipality} {round} {mail_domain} {now:?}")
    }

    /// Queues a reminder (wave 1–3) for those still missing; each is decided again when it is sent. Returns how many were queued; again: 0.
    pub async fn queue_reminder(&self, municipality: &MunicipalityId, round: &RoundId, wave: i64, mail_domain: &str, now: Millis) -> Result<u64> {
        todo!("{municipality} {round} {wave} {mail_domain} {now:?}")
    }

    /// Stops sending, with the reason staff will read.
    pub async fn pause_mail(&self, municipality: &MunicipalityId, round: &RoundId, reason: &str, now: Millis) -> Result<()> {
        todo!("{municipality} {round} {reason} {now:?}")
    }

    /// Lets sending go on.
    pub async fn resume_mail(&self, municipality: &MunicipalityId, round: &RoundId, now: Millis) -> Result<()> {
        todo!("{municipality} {round} {now:?}")
    }

    /// Closes a round and cancels what waits in its outbox.
    pub async fn close_round(&self, municipality: &MunicipalityId, round: &RoundId, now: Millis) -> Result<()> {
        todo!("{municipality} {round} {now:?}")
    }

    /// The round in numbers.
    pub async fn monitor(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Monitor> {
        todo!("{municipality} {round}")
    }

    /// The invitations of a round after `after`, by invitation id.
    pub async fn links(&self, municipality: &MunicipalityId, round: &RoundId, after: Option<&InvitationId>, limit: u32) -> Result<Vec<LinkRow>> {
        todo!("{municipality} {round} {after:?} {limit}")
    }
}
