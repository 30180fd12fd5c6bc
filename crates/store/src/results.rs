//! What the analysis reads and what it leaves: feeds under panel ids, publications, initiatives.
use std::collections::BTreeMap;

use domain::answers::Answers;
use domain::fieldwork::{Mode, ResponseStatus};
use domain::ids::{InitiativeId, MunicipalityId, PanelId, PublicationId, RoundId};
use domain::language::Language;
use domain::results::Report;
use domain::time::Millis;

use crate::{Result, Store};

/// One business of one year's frame, as the analysis may know it: no name, no number, no address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AnalysisUnit {
    /// The year.
    pub year: i32,
    /// Panel id: the same business over the years.
    pub panel: PanelId,
    /// Key of the sector.
    pub sector: String,
    /// Key of the size class.
    pub size: String,
    /// Key of the area.
    pub area: Option<String>,
    /// Age class at the start of the year: `0-3` or `4+`; `None` without a start date.
    pub age: Option<&'static str>,
    /// The same for all workplaces of one company within this feed; says nothing outside it.
    pub company: String,
    /// Fewest employees of the unit.
    pub employees_low: u32,
    /// Most employees of the unit; `None`: open interval.
    pub employees_high: Option<u32>,
    /// Fewest employees of the whole company.
    pub company_employees_low: Option<u32>,
    /// Most employees of the whole company.
    pub company_employees_high: Option<u32>,
    /// An invitation was made for it.
    pub invited: bool,
}

/// One business's response. Where one reply stands for several workplaces there is one row for each. No `Debug`: it holds answers.
#[derive(Clone, PartialEq, Eq)]
pub struct AnalysisResponse {
    /// The year.
    pub year: i32,
    /// Panel id.
    pub panel: PanelId,
    /// How far it is.
    pub status: ResponseStatus,
    /// By what means.
    pub mode: Mode,
    /// The language.
    pub language: Option<Language>,
    /// First save.
    pub started_at: Millis,
    /// Submitted.
    pub submitted_at: Option<Millis>,
    /// The answers.
    pub answers: Answers,
}

/// A response of an earlier year, to be loaded. No `Debug`: it holds answers.
#[derive(Clone)]
pub struct PastResponse {
    /// The business, by its unit key in the frame of the round's year.
    pub unit_key: String,
    /// How far it came.
    pub status: ResponseStatus,
    /// By what means.
    pub mode: Mode,
    /// The language.
    pub language: Option<Language>,
    /// First save.
    pub started_at: Millis,
    /// Submitted.
    pub submitted_at: Option<Millis>,
    /// The answers.
    pub answers: Answers,
}

/// What loading did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Loaded {
    /// Responses added.
    pub added: u64,
    /// Businesses that had a response in this round already; left as they are.
    pub present: u64,
    /// Unit keys that the municipality does not know.
    pub unknown: u64,
}

/// A result set to be published.
#[derive(Debug, Clone)]
pub struct NewPublication<'a> {
    /// The year.
    pub year: i32,
    /// Date, `yyyy-mm-dd`.
    pub date: &'a str,
    /// Title.
    pub title: &'a str,
    /// What changed since the version before; empty for the first.
    pub note: &'a str,
    /// The frozen figures.
    pub report: &'a Report,
    /// What else is frozen with them (released quotes, sentences), as JSON.
    pub extra: &'a serde_json::Value,
}

/// A publication in one line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PublicationInfo {
    /// Its id.
    pub id: PublicationId,
    /// The year.
    pub year: i32,
    /// Version within the year, from 1.
    pub version: i64,
    /// Date, `yyyy-mm-dd`.
    pub date: String,
    /// Title.
    pub title: String,
    /// What changed since the version before.
    pub note: String,
    /// When it was put.
    pub created_at: Millis,
}

/// A publication.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Publication {
    /// The line.
    pub info: PublicationInfo,
    /// The frozen figures.
    pub report: Report,
    /// What else was frozen with them.
    pub extra: serde_json::Value,
}

/// What an initiative is made of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InitiativePlan {
    /// Title.
    pub title: String,
    /// What is to be done.
    pub description: String,
    /// Key or name of the focus area.
    pub focus_area: String,
    /// Indicators it is to move.
    pub indicators: Vec<String>,
    /// Sectors it is for; empty: all.
    pub sectors: Vec<String>,
    /// Who is responsible.
    pub responsible: String,
    /// Start, `yyyy-mm-dd`.
    pub starts_on: Option<String>,
    /// End, `yyyy-mm-dd`.
    pub ends_on: Option<String>,
}

/// Where an initiative stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitiativeState {
    /// Planned.
    Planned,
    /// Under way.
    Running,
    /// Done.
    Done,
    /// Given up.
    Dropped,
}

/// An initiative of the municipality with its history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Initiative {
    /// Its id.
    pub id: InitiativeId,
    /// What it is made of.
    pub plan: InitiativePlan,
    /// Where it stands.
    pub state: InitiativeState,
    /// When it was made.
    pub created_at: Millis,
    /// Its states over time, oldest first.
    pub history: Vec<InitiativeStep>,
}

/// A change of an initiative's state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InitiativeStep {
    /// The state from then on.
    pub state: InitiativeState,
    /// A remark.
    pub note: String,
    /// When.
    pub at: Millis,
}

impl Store {
    /// The frames of these years, by year and panel id.
    pub async fn analysis_frame(&self, municipality: &MunicipalityId, years: &[i32]) -> Result<Vec<AnalysisUnit>> {
        todo!("{municipality} {years:?}")
    }

    /// The responses of these years (withdrawn ones apart), by year and panel id.
    pub async fn analysis_responses(&self, municipality: &MunicipalityId, years: &[i32]) -> Result<Vec<AnalysisResponse>> {
        todo!("{municipality} {years:?}")
    }

    /// Loads responses of an earlier year into its round, in chunks; doing it again adds nothing.
    pub async fn load_responses(&self, municipality: &MunicipalityId, round: &RoundId, responses: &[PastResponse], now: Millis) -> Result<Loaded> {
        todo!("{municipality} {round} {} {now:?}", responses.len())
    }

    /// Publishes: the next version of the year.
    pub async fn publish(&self, municipality: &MunicipalityId, publication: &NewPublication<'_>, now: Millis) -> Result<PublicationInfo> {
        todo!("{municipality} {} {now:?}", publication.year)
    }

    /// All publications, newest year and version first.
    pub async fn publications(&self, municipality: &MunicipalityId) -> Result<Vec<PublicationInfo>> {
        todo!("{municipality}")
    }

    /// A publication; `NotFound` otherwise.
    pub async fn publication(&self, municipality: &MunicipalityId, id: &PublicationId) -> Result<Publication> {
        todo!("{municipality} {id}")
    }

    /// The newest version of a year, or of the newest year.
    pub async fn latest_publication(&self, municipality: &MunicipalityId, year: Option<i32>) -> Result<Option<Publication>> {
        todo!("{municipality} {year:?}")
    }

    /// A new initiative.
    pub async fn create_initiative(&self, municipality: &MunicipalityId, plan: &InitiativePlan, state: InitiativeState, now: Millis) -> Result<InitiativeId> {
        todo!("{municipality} {plan:?} {state:?} {now:?}")
    }

    /// Replaces the plan of an initiative.
    pub async fn update_initiative(&self, municipality: &MunicipalityId, id: &InitiativeId, plan: &InitiativePlan, now: Millis) -> Result<()> {
        todo!("{municipality} {id} {plan:?} {now:?}")
    }

    /// Moves an initiative to a state, with a remark.
    pub async fn move_initiative(&self, municipality: &MunicipalityId, id: &InitiativeId, state: InitiativeState, note: &str, now: Millis) -> Result<()> {
        todo!("{municipality} {id} {state:?} {note} {now:?}")
    }

    /// All initiatives, oldest first.
    pub async fn initiatives(&self, municipality: &MunicipalityId) -> Result<Vec<Initiative>> {
        todo!("{municipality}")
    }

    /// The latest answers to an open question, under panel ids, for the analyst's redaction.
    pub async fn open_answers(&self, municipality: &MunicipalityId, round: &RoundId, key: &str) -> Result<BTreeMap<PanelId, String>> {
        todo!("{municipality} {round} {key}")
    }
}
