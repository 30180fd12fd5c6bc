//! The invented municipality "Højager Kommune": a pure, seeded generator of domain values for the demo, tests and benchmarks.
//!
//! Every business of every frame has a full answer vector, whether it answers or not. So the true value of an indicator, and
//! the true change between two years, are known: plain means over the frame. What the program estimates can be held
//! against them.
//!
//! # Layout
//! - `chance`: the seeded source of numbers
//! - `trades`: sectors, trades and their industry codes in both classifications
//! - `names`: words for names, streets and towns
//! - `population`: who is in business each year: births, closures, growth, the register's facts
//! - `opinion`: what everybody thinks, year by year, with the true changes in one table
//! - `comments`: what some write, built from parts
//! - `fieldwork`: who answers, when, how far
//! - `truth`: answer vectors and true values
//! - `municipality`: settings, areas
//! - `policy`: focus areas, goals, initiatives, growth accounts
//! - `extract`: the frame as a Danish register extract
pub mod cases;
mod chance;
mod comments;
mod extract;
mod fieldwork;
mod municipality;
mod names;
mod opinion;
mod policy;
mod population;
mod trades;
mod truth;

use std::collections::BTreeMap;

use domain::accounts::FactRow;
use domain::answers::Answers;
use domain::fieldwork::{Mode, ResponseStatus, RoundState};
use domain::focus::FocusArea;
use domain::frame::FrameUnit;
use domain::goals::GoalPlan;
use domain::initiatives::{InitiativePlan, InitiativeStep};
use domain::language::{Language, Texts};
use domain::municipality::Municipality;
use domain::questionnaire::Facts;
use domain::time::Millis;

pub use extract::register_extract;
pub use truth::{Truth, true_value};

/// The seed of the municipality that ships.
pub const SEED: u64 = 1;

/// First year with a round.
pub const FIRST_YEAR: i32 = 2023;
/// The year whose round is in the field.
pub const LAST_YEAR: i32 = 2026;

/// An invented municipality with four yearly rounds.
#[derive(Debug, Clone)]
pub struct Demo {
    /// The municipality and its settings; the id is the same for every seed.
    pub municipality: Municipality,
    /// The municipality's code in the register.
    pub municipality_code: String,
    /// Company numbers of the municipality itself, for the eligibility rules.
    pub own_numbers: Vec<String>,
    /// Its own areas.
    pub areas: Vec<DemoArea>,
    /// Rounds by year, ascending; the last one is in the field.
    pub rounds: Vec<DemoRound>,
    /// Its own focus areas.
    pub focus_areas: Vec<FocusArea>,
    /// What it wants.
    pub goals: Vec<DemoGoal>,
    /// What it does about it.
    pub initiatives: Vec<DemoInitiative>,
    /// What the register counts every year.
    pub facts: Vec<FactRow>,
    /// The instant at which the demo stands still: in the middle of the last round's fieldwork.
    pub as_of: Millis,
}

/// One of the municipality's own areas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoArea {
    /// Key, as in the frame.
    pub key: String,
    /// Title.
    pub title: Texts,
    /// Postal codes that lie in it.
    pub postcodes: Vec<String>,
    /// At risk of flooding: a fact that the questionnaire asks by.
    pub flood_risk: bool,
}

/// One yearly round: its frame and what came back.
#[derive(Debug, Clone)]
pub struct DemoRound {
    /// The year.
    pub year: i32,
    /// Closed, or in the field.
    pub state: RoundState,
    /// When the invitations went out.
    pub opened_at: Millis,
    /// When the reminders went out or will go out.
    pub reminders_at: Vec<Millis>,
    /// The last moment for answers.
    pub closes_at: Millis,
    /// Everybody in the frame.
    pub units: Vec<DemoUnit>,
}

/// A business in one year.
#[derive(Debug, Clone)]
pub struct DemoUnit {
    /// What the register says.
    pub unit: FrameUnit,
    /// What it would answer to every closed question that concerns it.
    pub truth: Truth,
    /// What it did answer.
    pub response: Option<DemoResponse>,
    /// Unit key of the company's workplace that gets the mail for this one too: an answer there stands for both.
    pub answers_through: Option<String>,
}

impl DemoUnit {
    /// The facts by which the questionnaire is routed.
    #[must_use]
    pub fn facts(&self, year: i32) -> Facts {
        domain::questionnaire::facts_of(&self.unit, year, municipality::FLOOD_AREAS)
    }
}

/// What came back from a business.
#[derive(Debug, Clone)]
pub struct DemoResponse {
    /// The answers, comments included.
    pub answers: Answers,
    /// What each comment is about, by question key, in the codebook's keys: the truth by which it was written.
    pub themes: BTreeMap<String, Vec<&'static str>>,
    /// How far it came.
    pub status: ResponseStatus,
    /// By what means.
    pub mode: Mode,
    /// In which language.
    pub language: Language,
    /// When it began.
    pub started_at: Millis,
    /// When it submitted; `None`: broke off.
    pub completed_at: Option<Millis>,
}

/// Something that the municipality wants.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoGoal {
    /// Since when, why, what; oldest first.
    pub versions: Vec<(String, String, GoalPlan)>,
}

/// Something that the municipality does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoInitiative {
    /// What it is made of.
    pub plan: InitiativePlan,
    /// Its states over time, oldest first; never empty.
    pub steps: Vec<InitiativeStep>,
}

/// The municipality of a seed; the same seed gives the same municipality to the last letter. It stands still on
/// 22 November 2026.
#[must_use]
pub fn generate(seed: u64) -> Demo {
    generate_at(seed, fieldwork::STANDS_AT)
}

/// The municipality of a seed as it stands at `now`: what has come in by then in the last round. When the planned
/// fieldwork (2 November to 11 December 2026) is not on at `now`, that round is moved so that it is.
#[must_use]
pub fn generate_at(seed: u64, now: Millis) -> Demo {
    let mut chance = chance::Chance::new(seed);
    let population = population::Population::new(&mut chance);
    let rounds = fieldwork::rounds(&population, now, &mut chance);
    municipality::demo(rounds, now)
}

#[cfg(test)]
mod tests;
