//! The instrument as data: blocks, questions, routing; read from TOML, checked at load.
//!
//! Routing is a pure function of the questionnaire, the answers and the [`Facts`] of the frame.
use serde::{Deserialize, Serialize};

use crate::answers::Answers;
use crate::language::Texts;

/// One version of a questionnaire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Questionnaire {
    /// Stable key: `lokal-erhvervsundersoegelse`.
    pub key: String,
    /// Version; grows whenever a wording, scale or route changes.
    pub version: u32,
    /// Title.
    pub title: Texts,
    /// Blocks, one screen each (a loop block: one screen per turn).
    pub blocks: Vec<Block>,
}

/// One screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// Stable key; stands in the page's address.
    pub key: String,
    /// Heading.
    pub title: Texts,
    /// A sentence before the questions.
    pub intro: Option<Texts>,
    /// Shown only when this holds.
    pub when: Option<Condition>,
    /// Questions in order.
    pub questions: Vec<Question>,
    /// The block is gone through once per subject (authority); the first turn is obligatory, the others are offered.
    #[serde(default)]
    pub turns: Option<Turns>,
}

/// How a block is gone through several times: once for the subject that matters most, then for others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turns {
    /// Key of the single-choice question that names the first subject; its offered options are the subjects.
    pub first: String,
    /// At most so many further turns are offered.
    pub more: u32,
    /// Key of the further turns' screens: `contact-more` becomes `contact-more-1`, `contact-more-2`.
    pub more_key: String,
    /// A sentence before the questions of a further turn.
    pub more_intro: Option<Texts>,
}

/// One question: a heading, a kind and the key(s) under which its answers are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Stable key. A battery's items have keys of their own; an option of a multiple choice is kept as `key.option`.
    pub key: String,
    /// Wording.
    pub text: Texts,
    /// A sentence of help.
    pub help: Option<Texts>,
    /// What can be answered.
    pub kind: QuestionKind,
    /// Asked only when this holds.
    pub when: Option<Condition>,
    /// Offered as "may be skipped" (not part of the obligatory route).
    pub optional: bool,
    /// Part of the questionnaire but switched off: not asked until a round switches it on.
    #[serde(default)]
    pub off: bool,
}

/// What can be answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// One rating on a scale.
    Scale(Scale),
    /// Several things rated on one scale; each item is a question key of its own.
    Battery {
        /// The common scale.
        scale: Scale,
        /// The items.
        items: Vec<Item>,
        /// Of the items that concern a business, only so many are asked: the first ones.
        #[serde(default)]
        at_most: Option<u32>,
    },
    /// One of the options.
    Single {
        /// The options.
        options: Vec<Choice>,
    },
    /// Any of the options; an exclusive option ("none") stands alone.
    Multiple {
        /// The options.
        options: Vec<Choice>,
        /// At most so many.
        at_most: Option<u32>,
    },
    /// Several things, each answered with one of the same options (used · known · unknown).
    Grid {
        /// The things.
        items: Vec<Item>,
        /// The options.
        options: Vec<Choice>,
    },
    /// Free text.
    Open {
        /// Longest text, in characters.
        max_characters: u32,
    },
}

/// A rating scale with its non-substantive answers kept apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Lowest point.
    pub from: i32,
    /// Highest point.
    pub to: i32,
    /// Wording of the points: one per point, or of the two ends only.
    pub labels: Vec<Texts>,
    /// "Ved ikke" is offered (kept as [`crate::answers::DONT_KNOW`]).
    pub dont_know: bool,
    /// "Ikke relevant" is offered (kept as [`crate::answers::NOT_RELEVANT`]).
    pub not_relevant: bool,
}

/// An item of a battery or grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Question key.
    pub key: String,
    /// Wording.
    pub text: Texts,
    /// Shown only when this holds.
    pub when: Option<Condition>,
}

/// An option.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Code as kept: an integer for single choice and grids, a word for multiple choice.
    pub code: String,
    /// Wording.
    pub text: Texts,
    /// Excludes all the others.
    pub exclusive: bool,
    /// Offered only when this holds (food control: Sweden).
    pub when: Option<Condition>,
}

/// When something is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// The answer to `key` is one of `values`.
    Answer {
        /// Question key (or `key.option` with the value `1`).
        key: String,
        /// Codes.
        values: Vec<String>,
    },
    /// A fact of the frame is one of `values`: `size`, `sector`, `area`, `age`, `country`.
    Fact {
        /// The fact's name.
        name: String,
        /// Keys.
        values: Vec<String>,
    },
    /// All hold.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// Does not hold.
    Not(Box<Condition>),
}

/// What the frame knows of a business: name → key (`size` → `10-49`).
pub type Facts = std::collections::BTreeMap<String, String>;

/// A screen of somebody's route: the block with only what concerns this business, in this turn of a loop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Screen {
    /// Key of the block; a turn of a loop has its own.
    pub key: String,
    /// Heading.
    pub title: Texts,
    /// A sentence before the questions.
    pub intro: Option<Texts>,
    /// The questions that are asked, items and options already filtered.
    pub questions: Vec<Question>,
    /// May be left out as a whole ("two more are offered").
    pub optional: bool,
    /// In a turn: the code of its subject (the authority).
    #[serde(default)]
    pub subject: Option<String>,
}

impl Questionnaire {
    /// The screens of a business's route given what it has answered so far.
    #[must_use]
    pub fn route(&self, facts: &Facts, answers: &Answers) -> Vec<Screen> {
        todo!("questionnaire helper: {facts:?} {answers:?}")
    }

    /// Expected minutes (median, 90th percentile) for a business with these facts, over its possible routes.
    #[must_use]
    pub fn expected_minutes(&self, facts: &Facts) -> (u32, u32) {
        todo!("questionnaire helper: {facts:?}")
    }
}

impl Condition {
    /// Does it hold?
    #[must_use]
    pub fn holds(&self, facts: &Facts, answers: &Answers) -> bool {
        match self {
            Self::Answer { key, values } => answers.get(key).is_some_and(|v| values.iter().any(|w| w == v)),
            Self::Fact { name, values } => facts.get(name).is_some_and(|v| values.contains(v)),
            Self::All(all) => all.iter().all(|c| c.holds(facts, answers)),
            Self::Any(any) => any.iter().any(|c| c.holds(facts, answers)),
            Self::Not(not) => !not.holds(facts, answers),
        }
    }
}
