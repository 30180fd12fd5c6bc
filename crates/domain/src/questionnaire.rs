//! The instrument as data: blocks, questions, routing; read from TOML, checked at load.
//!
//! Routing is a pure function of the questionnaire, the answers and the [`Facts`] of the frame.
//!
//! # Layout
//! - this file: the types, and when a [`Condition`] holds
//! - `reading`: TOML in, every fault of the file out; the shipped questionnaire
//! - `facts`: what routing knows of a business before it has said anything
//! - `routing`: somebody's screens, what to clear, how long it is, how much of it is answered
//! - `writing`: a questionnaire as the file it could have been read from, so that an edited one meets the same checks
//! - `editing`: what an editor does to it: move, add, remove, ask only when
//! - `comparing`: what differs from an earlier version, and whether figures still compare; `series`: what was decided about that
use serde::{Deserialize, Serialize};

use crate::answers::Answers;
use crate::language::Texts;

mod comparing;
mod editing;
mod facts;
mod reading;
mod routing;
mod series;
mod writing;

pub use comparing::{Change, Comparability, Difference, compare};
pub use editing::{KINDS, Place, Subject};
pub use facts::{FACT_NAMES, facts_of};
pub use reading::{LoadFault, LoadFaultKind, LoadFaults, Warning, shipped};
pub use routing::{Completeness, RouteLength, length};
pub use series::{Decision, Decisions, Origin, broken_between};

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
    /// A fact of the frame is one of `values`; the names are [`FACT_NAMES`].
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
    pub subject: Option<String>,
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

/// One column of the data: a key under which an answer can be kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// The answer's key.
    pub key: String,
    /// Key of the question that it belongs to.
    pub question: String,
    /// The question, and after a colon the item or option.
    pub text: Texts,
    /// What may stand in it besides nothing.
    pub kind: ColumnKind,
}

/// What may stand in a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// A point of a scale, or one of the two non-substantive answers where offered.
    Scale {
        /// Lowest point.
        from: i32,
        /// Highest point.
        to: i32,
        /// `dk` may stand here.
        dont_know: bool,
        /// `na` may stand here.
        not_relevant: bool,
    },
    /// One of these codes.
    Choice {
        /// The codes.
        codes: Vec<String>,
    },
    /// `1` ticked, `0` not ticked.
    Ticked,
    /// Free text.
    Open,
}

impl Questionnaire {
    /// Every key under which an answer can be kept, in the questionnaire's order; turns of a loop have theirs.
    #[must_use]
    pub fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        for block in &self.blocks {
            let start = columns.len();
            for question in &block.questions {
                question.columns(&mut columns);
            }
            if let Some(turns) = &block.turns {
                let plain: Vec<Column> = columns[start..].to_vec();
                for subject in self.subjects(turns) {
                    columns.extend(plain.iter().map(|c| Column {
                        key: turn_key(&c.key, &subject.code),
                        question: turn_key(&c.question, &subject.code),
                        text: joined(&subject.text, &c.text),
                        kind: c.kind.clone(),
                    }));
                }
            }
        }
        columns
    }

    /// The question of a key, whichever block it is in.
    #[must_use]
    pub fn question(&self, key: &str) -> Option<&Question> {
        self.blocks.iter().flat_map(|b| &b.questions).find(|q| q.key == key)
    }

    /// Replaces the options of a choice question: a municipality's own focus areas. `false` when there is no such question.
    #[must_use]
    pub fn set_options(&mut self, key: &str, with: Vec<Choice>) -> bool {
        match self.question_mut(key).map(|q| &mut q.kind) {
            Some(QuestionKind::Single { options } | QuestionKind::Multiple { options, .. }) => {
                *options = with;
                true
            }
            _ => false,
        }
    }

    /// Switches a question on or off. `false` when there is no such question.
    #[must_use]
    pub fn switch(&mut self, key: &str, on: bool) -> bool {
        self.question_mut(key).map(|q| q.off = !on).is_some()
    }

    fn question_mut(&mut self, key: &str) -> Option<&mut Question> {
        self.blocks.iter_mut().flat_map(|b| &mut b.questions).find(|q| q.key == key)
    }

    /// All subjects that the turns of a loop may be about.
    fn subjects(&self, turns: &Turns) -> &[Choice] {
        match self.question(&turns.first).map(|q| &q.kind) {
            Some(QuestionKind::Single { options }) => options,
            _ => &[],
        }
    }
}

impl Question {
    /// The keys under which its answers are kept; those of [`Question::columns`], without their texts.
    fn keys(&self) -> Vec<String> {
        match &self.kind {
            QuestionKind::Scale(_) | QuestionKind::Single { .. } | QuestionKind::Open { .. } => vec![self.key.clone()],
            QuestionKind::Battery { items, .. } | QuestionKind::Grid { items, .. } => {
                items.iter().map(|item| item.key.clone()).collect()
            }
            QuestionKind::Multiple { options, .. } => options.iter().map(|o| option_key(&self.key, &o.code)).collect(),
        }
    }

    fn columns(&self, into: &mut Vec<Column>) {
        let mut push =
            |key: String, text: Texts, kind| into.push(Column { key, question: self.key.clone(), text, kind });
        let codes = |options: &[Choice]| ColumnKind::Choice { codes: options.iter().map(|o| o.code.clone()).collect() };
        match &self.kind {
            QuestionKind::Scale(scale) => push(self.key.clone(), self.text.clone(), scale.column()),
            QuestionKind::Battery { scale, items, .. } => {
                for item in items {
                    push(item.key.clone(), joined(&self.text, &item.text), scale.column());
                }
            }
            QuestionKind::Single { options } => push(self.key.clone(), self.text.clone(), codes(options)),
            QuestionKind::Multiple { options, .. } => {
                for option in options {
                    push(option_key(&self.key, &option.code), joined(&self.text, &option.text), ColumnKind::Ticked);
                }
            }
            QuestionKind::Grid { items, options } => {
                for item in items {
                    push(item.key.clone(), joined(&self.text, &item.text), codes(options));
                }
            }
            QuestionKind::Open { .. } => push(self.key.clone(), self.text.clone(), ColumnKind::Open),
        }
    }
}

impl Scale {
    /// Is `value` one of the answers that this scale offers?
    #[must_use]
    pub fn offers(&self, value: &str) -> bool {
        match value {
            crate::answers::DONT_KNOW => self.dont_know,
            crate::answers::NOT_RELEVANT => self.not_relevant,
            _ => (self.from..=self.to).any(|point| point.to_string() == value),
        }
    }

    const fn column(&self) -> ColumnKind {
        ColumnKind::Scale { from: self.from, to: self.to, dont_know: self.dont_know, not_relevant: self.not_relevant }
    }
}

/// The key under which an option of a multiple choice is kept.
#[must_use]
pub fn option_key(question: &str, code: &str) -> String {
    format!("{question}.{code}")
}

/// The key of a question in an offered turn about `subject`. It names the subject, not the turn's number, so that an
/// answer about planning stays one about planning when other authorities are ticked later.
#[must_use]
pub fn turn_key(question: &str, subject: &str) -> String {
    format!("{question}__{subject}")
}

fn joined(first: &Texts, second: &Texts) -> Texts {
    let join = |a: &str, b: &str| format!("{}: {b}", a.trim_end_matches([':', '?', '.']));
    Texts { da: join(&first.da, &second.da), sv: join(&first.sv, &second.sv), en: join(&first.en, &second.en) }
}
