//! Answers: what a business said, one value per question key, and their validation.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::questionnaire::Screen;

/// Kept for "ved ikke": item non-response.
pub const DONT_KNOW: &str = "dk";
/// Kept for "ikke relevant": outside the item's domain.
pub const NOT_RELEVANT: &str = "na";

/// Valid answers by question key; a multiple choice is kept as `key.option` = `1` or `0`. No `Display`: it must not reach a log.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(pub BTreeMap<String, String>);

impl Answers {
    /// The answer to a question.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answers({})", self.0.len())
    }
}

/// What is wrong with one field of a page; the wording is `text`'s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Question key.
    pub key: String,
    /// What is wrong.
    pub kind: FaultKind,
}

/// Kinds of faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The value is not one of those offered.
    NotOffered,
    /// More than `at_most` options.
    TooMany {
        /// The limit.
        at_most: u32,
    },
    /// An exclusive option together with others.
    NotAlone,
    /// Longer than allowed.
    TooLong {
        /// The limit in characters.
        max_characters: u32,
    },
}

/// A page's answers after validation: what to keep and what to clear, plus faults. Valid fields are kept even when others are faulty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// To be kept; `None` clears the key (the field was on the page and left blank).
    pub changes: BTreeMap<String, Option<String>>,
    /// Fields that could not be taken, in page order.
    pub faults: Vec<Fault>,
}

/// Checks what a page's form sent (repeated names for multiple choices) against what the screen offers.
/// Names that the screen does not offer are ignored (hidden fields are the caller's).
#[must_use]
pub fn check(screen: &Screen, form: &[(String, String)]) -> Checked {
    todo!("questionnaire helper: {} {}", screen.key, form.len())
}
