//! Answers: what a business said, one value per question key, and their validation.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::questionnaire::{Choice, QuestionKind, Screen, option_key};

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
///
/// Names that the screen does not offer are ignored (hidden fields are the caller's). A field is named by its question's
/// or item's key, a tick of a multiple choice by the question's key with the option's code as value. A faulty field is
/// neither changed nor cleared. A multiple choice with no tick is cleared; with ticks, the options offered and not ticked
/// are kept as `0`.
#[must_use]
pub fn check(screen: &Screen, form: &[(String, String)]) -> Checked {
    let mut checked = Checked::default();
    for question in &screen.questions {
        match &question.kind {
            QuestionKind::Scale(scale) => checked.one(form, &question.key, |v| scale.offers(v)),
            QuestionKind::Single { options } => checked.one(form, &question.key, |v| offered(options, v)),
            QuestionKind::Battery { scale, items, .. } => {
                items.iter().for_each(|item| checked.one(form, &item.key, |v| scale.offers(v)));
            }
            QuestionKind::Grid { items, options } => {
                items.iter().for_each(|item| checked.one(form, &item.key, |v| offered(options, v)));
            }
            QuestionKind::Multiple { options, at_most } => checked.several(form, &question.key, options, *at_most),
            QuestionKind::Open { max_characters } => checked.text(form, &question.key, *max_characters),
        }
    }
    checked
}

impl Checked {
    fn one(&mut self, form: &[(String, String)], key: &str, offers: impl Fn(&str) -> bool) {
        // Two radio buttons of one name cannot both be sent by a page; the last word counts.
        let value = sent(form, key).filter(|v| !v.is_empty()).last();
        match value {
            Some(value) if !offers(value) => self.fault(key, FaultKind::NotOffered),
            _ => self.keep(key.to_owned(), value.map(str::to_owned)),
        }
    }

    fn several(&mut self, form: &[(String, String)], key: &str, options: &[Choice], at_most: Option<u32>) {
        let ticked: BTreeSet<&str> = sent(form, key).filter(|v| !v.is_empty()).collect();
        if ticked.iter().any(|code| !offered(options, code)) {
            return self.fault(key, FaultKind::NotOffered);
        }
        if ticked.len() > 1 && options.iter().any(|o| o.exclusive && ticked.contains(o.code.as_str())) {
            return self.fault(key, FaultKind::NotAlone);
        }
        if let Some(at_most) = at_most.filter(|most| ticked.len() > *most as usize) {
            return self.fault(key, FaultKind::TooMany { at_most });
        }
        for option in options {
            let tick = if ticked.contains(option.code.as_str()) { "1" } else { "0" };
            self.keep(option_key(key, &option.code), (!ticked.is_empty()).then(|| tick.to_owned()));
        }
    }

    fn text(&mut self, form: &[(String, String)], key: &str, max_characters: u32) {
        let text = sent(form, key).last().map(tidied).filter(|t| !t.is_empty());
        match text {
            Some(text) if text.chars().count() > max_characters as usize => {
                self.fault(key, FaultKind::TooLong { max_characters });
            }
            text => self.keep(key.to_owned(), text),
        }
    }

    fn keep(&mut self, key: String, value: Option<String>) {
        self.changes.insert(key, value);
    }

    fn fault(&mut self, key: &str, kind: FaultKind) {
        self.faults.push(Fault { key: key.to_owned(), kind });
    }
}

fn sent<'f>(form: &'f [(String, String)], key: &str) -> impl Iterator<Item = &'f str> {
    form.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.trim())
}

fn offered(options: &[Choice], value: &str) -> bool {
    options.iter().any(|o| o.code == value)
}

/// A text as it is kept: one kind of line break, no control characters (NUL among them), no blanks around it. Length is
/// counted on this form, since browsers count a line break as one character and send it as two.
fn tidied(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = unified.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::questionnaire::{Facts, shipped};

    fn screen(key: &str) -> Screen {
        let facts = Facts::from([("country".to_owned(), "dk".to_owned()), ("employees".to_owned(), "yes".to_owned())]);
        shipped()
            .route(&facts, &Answers::default())
            .into_iter()
            .find(|s| s.key == key)
            .expect("the screen is on the route")
    }

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn kept<'c>(checked: &'c Checked, key: &str) -> Option<&'c str> {
        checked.changes[key].as_deref()
    }

    #[test]
    fn valid_fields_are_kept_beside_faulty_ones() {
        let checked =
            check(&screen("overall"), &form(&[("overall", "4"), ("nki_ideal", "11"), ("nki_expectations", "dk")]));
        assert_eq!(kept(&checked, "overall"), Some("4"));
        assert_eq!(kept(&checked, "nki_expectations"), Some(DONT_KNOW));
        assert_eq!(checked.faults, [Fault { key: "nki_ideal".into(), kind: FaultKind::NotOffered }]);
        assert!(!checked.changes.contains_key("nki_ideal"), "neither changed nor cleared");
        assert_eq!(kept(&checked, "nki_satisfaction"), None, "left blank: cleared");
    }

    #[test]
    fn not_relevant_is_taken_only_where_it_is_offered() {
        assert_eq!(check(&screen("overall"), &form(&[("overall", "na")])).faults.len(), 1);
        let conditions = check(&screen("conditions"), &form(&[("cond_transit", "na")]));
        assert_eq!(kept(&conditions, "cond_transit"), Some(NOT_RELEVANT));
    }

    #[test]
    fn a_multiple_choice_keeps_ticks_and_gaps_apart_from_silence() {
        let ticked = check(&screen("contact"), &form(&[("contact", "building"), ("contact", "waste")]));
        assert_eq!((kept(&ticked, "contact.building"), kept(&ticked, "contact.roads")), (Some("1"), Some("0")));
        let silent = check(&screen("contact"), &[]);
        assert_eq!(kept(&silent, "contact.building"), None);
    }

    #[test]
    fn none_of_them_stands_alone() {
        let checked = check(&screen("contact"), &form(&[("contact", "building"), ("contact", "none")]));
        assert_eq!(checked.faults, [Fault { key: "contact".into(), kind: FaultKind::NotAlone }]);
        assert!(checked.changes.is_empty());
    }

    #[test]
    fn three_priorities_are_the_limit() {
        let four = ["labour", "green", "tourism", "premises"].map(|c| ("priorities", c));
        let checked = check(&screen("outlook"), &form(&four));
        assert_eq!(checked.faults, [Fault { key: "priorities".into(), kind: FaultKind::TooMany { at_most: 3 } }]);
        assert!(check(&screen("outlook"), &form(&four[..3])).faults.is_empty());
    }

    #[test]
    fn a_text_is_tidied_before_it_is_measured() {
        let long = "é".repeat(4000);
        let sent = form(&[("does_well", &format!("  {long}\r\n")), ("do_first", &"x".repeat(4001))]);
        let checked = check(&screen("own-words"), &sent);
        assert_eq!(kept(&checked, "does_well"), Some(long.as_str()));
        assert_eq!(
            checked.faults,
            [Fault { key: "do_first".into(), kind: FaultKind::TooLong { max_characters: 4000 } }]
        );
        let checked = check(&screen("own-words"), &form(&[("does_well", "a\0b\r\nc\rd"), ("do_first", " \n ")]));
        assert_eq!(kept(&checked, "does_well"), Some("ab\nc\nd"));
        assert_eq!(kept(&checked, "do_first"), None);
    }
}
