//! What differs from an earlier version of a questionnaire, answer by answer, and whether figures still compare.
use std::collections::BTreeMap;

use serde::Serialize;

use super::{Choice, Condition, Question, QuestionKind, Questionnaire, Scale};
use crate::language::{Language, Texts};

/// Do figures made of an answer compare with those of the earlier version?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparability {
    /// Nothing that bears on them has changed.
    Kept,
    /// Somebody has to say whether it still measures the same.
    Doubtful,
    /// They do not: another scale, another kind of question, another set of answers.
    Lost,
}

/// One thing that has changed about an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    New,
    /// It is gone.
    Removed,
    /// Another kind of question.
    Kind {
        /// Before.
        before: &'static str,
        /// Now.
        after: &'static str,
    },
    /// Other points, or other answers beside the scale.
    Scale {
        /// Before: `1–5, dk`.
        before: String,
        /// Now.
        after: String,
    },
    /// Other words on the points.
    Labels {
        /// Languages in which they differ.
        languages: Vec<Language>,
    },
    /// Other words in the question or item.
    Wording {
        /// The language.
        language: Language,
        /// Before.
        before: String,
        /// Now.
        after: String,
    },
    /// Another sentence of help.
    Help {
        /// Languages in which it differs.
        languages: Vec<Language>,
    },
    /// Options that are new.
    OptionsAdded {
        /// Their texts.
        options: Vec<Texts>,
    },
    /// Options that are gone.
    OptionsRemoved {
        /// Their texts.
        options: Vec<Texts>,
    },
    /// Options with other words.
    OptionsReworded {
        /// Before and now.
        options: Vec<(Texts, Texts)>,
    },
    /// Asked of others than before.
    Routing,
    /// At most so many answers or items, where it was another number.
    AtMost,
    /// Switched off.
    SwitchedOff,
    /// Switched on.
    SwitchedOn,
    /// May be skipped now, or may not any more.
    Optional,
    /// Stands elsewhere.
    Moved,
}

/// What has changed about one answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Key of the question or item.
    pub key: String,
    /// Key of the question it belongs to.
    pub question: String,
    /// The wording now, or the last one.
    pub text: Texts,
    /// What has changed.
    pub changes: Vec<Change>,
}

impl Change {
    /// What it does to figures.
    #[must_use]
    pub const fn comparability(&self) -> Comparability {
        match self {
            Self::Kind { .. } | Self::Scale { .. } => Comparability::Lost,
            Self::Labels { .. }
            | Self::Wording { .. }
            | Self::OptionsAdded { .. }
            | Self::OptionsRemoved { .. }
            | Self::OptionsReworded { .. }
            | Self::Routing
            | Self::AtMost => Comparability::Doubtful,
            Self::New
            | Self::Removed
            | Self::Help { .. }
            | Self::SwitchedOff
            | Self::SwitchedOn
            | Self::Optional
            | Self::Moved => Comparability::Kept,
        }
    }
}

impl Difference {
    /// The worst of its changes.
    #[must_use]
    pub fn comparability(&self) -> Comparability {
        self.changes.iter().map(Change::comparability).max().unwrap_or(Comparability::Kept)
    }
}

/// One answer of a version: a question, or an item of a battery or grid.
struct Answer<'q> {
    question: &'q Question,
    key: &'q str,
    text: &'q Texts,
    /// The question's words before an item's.
    heading: Option<&'q Texts>,
    when: [Option<&'q Condition>; 3],
}

/// Every answer in order; a multiple choice is one.
fn answers(form: &Questionnaire) -> Vec<Answer<'_>> {
    let mut answers = Vec::new();
    for block in &form.blocks {
        for question in &block.questions {
            let when = [block.when.as_ref(), question.when.as_ref()];
            let items = question.kind.items();
            if items.is_empty() {
                let when = [when[0], when[1], None];
                answers.push(Answer { question, key: &question.key, text: &question.text, heading: None, when });
            }
            answers.extend(items.iter().map(|item| Answer {
                question,
                key: &item.key,
                text: &item.text,
                heading: Some(&question.text),
                when: [when[0], when[1], item.when.as_ref()],
            }));
        }
    }
    answers
}

/// Everything that differs, in the order of the later version; what is gone stands last. Answers without a difference are left out.
#[must_use]
pub fn compare(before: &Questionnaire, after: &Questionnaire) -> Vec<Difference> {
    let (old, new) = (answers(before), answers(after));
    let moved = moved(&old, &new);
    let known: BTreeMap<&str, &Answer<'_>> = old.iter().map(|a| (a.key, a)).collect();
    let mut differences = Vec::new();
    for answer in &new {
        let mut changes = match known.get(answer.key) {
            None => vec![Change::New],
            Some(earlier) => changes(earlier, answer),
        };
        if moved.contains(&answer.key) {
            changes.push(Change::Moved);
        }
        differences.push((answer, changes));
    }
    for answer in old.iter().filter(|a| !new.iter().any(|n| n.key == a.key)) {
        differences.push((answer, vec![Change::Removed]));
    }
    differences
        .into_iter()
        .filter(|(_, changes)| !changes.is_empty())
        .map(|(answer, changes)| Difference {
            key: answer.key.to_owned(),
            question: answer.question.key.clone(),
            text: answer.text.clone(),
            changes,
        })
        .collect()
}

/// The fewest answers that must have been moved: those outside the longest run that keeps its order.
fn moved<'q>(old: &[Answer<'q>], new: &[Answer<'q>]) -> Vec<&'q str> {
    let place: BTreeMap<&str, usize> = old.iter().enumerate().map(|(at, a)| (a.key, at)).collect();
    let places: Vec<(usize, &'q str)> = new.iter().filter_map(|a| Some((*place.get(a.key)?, a.key))).collect();
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(places.len());
    for (at, (place, _)) in places.iter().enumerate() {
        let before = (0..at).filter(|b| places[*b].0 < *place).max_by_key(|b| best[*b].0);
        best.push((before.map_or(1, |b| best[b].0 + 1), before));
    }
    let mut kept = Vec::new();
    let mut at = (0..best.len()).max_by_key(|at| best[*at].0);
    while let Some(here) = at {
        kept.push(places[here].1);
        at = best[here].1;
    }
    places.into_iter().map(|(_, key)| key).filter(|key| !kept.contains(key)).collect()
}

fn changes(old: &Answer<'_>, new: &Answer<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    let (before, after) = (&old.question.kind, &new.question.kind);
    if before.name() != after.name() {
        changes.push(Change::Kind { before: before.name(), after: after.name() });
    }
    if let (Some(before), Some(after)) = (before.scale(), after.scale()) {
        if reach(before) != reach(after) {
            changes.push(Change::Scale { before: reach(before), after: reach(after) });
        } else if before.labels != after.labels {
            changes.push(Change::Labels { languages: differing(&before.labels, &after.labels) });
        }
    }
    for language in Language::ALL {
        let words = |answer: &Answer<'_>| match answer.heading {
            Some(heading) => format!("{} {}", heading.get(language), answer.text.get(language)),
            None => answer.text.get(language).to_owned(),
        };
        let (before, after) = (words(old), words(new));
        if before != after {
            changes.push(Change::Wording { language, before, after });
        }
    }
    let help = |answer: &Answer<'_>| answer.question.help.iter().cloned().collect::<Vec<_>>();
    if old.question.help != new.question.help {
        changes.push(Change::Help { languages: differing(&help(old), &help(new)) });
    }
    changes.extend(options(before.options(), after.options()));
    if old.when != new.when {
        changes.push(Change::Routing);
    }
    if at_most(before) != at_most(after) {
        changes.push(Change::AtMost);
    }
    match (old.question.off, new.question.off) {
        (false, true) => changes.push(Change::SwitchedOff),
        (true, false) => changes.push(Change::SwitchedOn),
        _ => {}
    }
    if old.question.optional != new.question.optional {
        changes.push(Change::Optional);
    }
    changes
}

fn options(before: &[Choice], after: &[Choice]) -> Vec<Change> {
    let find = |among: &[Choice], code: &str| among.iter().find(|o| o.code == code).cloned();
    let missing = |from: &[Choice], in_: &[Choice]| -> Vec<Texts> {
        from.iter().filter(|o| find(in_, &o.code).is_none()).map(|o| o.text.clone()).collect()
    };
    let (added, removed) = (missing(after, before), missing(before, after));
    let both: Vec<(Choice, &Choice)> = after.iter().filter_map(|o| Some((find(before, &o.code)?, o))).collect();
    let reworded: Vec<(Texts, Texts)> =
        both.iter().filter(|(b, a)| b.text != a.text).map(|(b, a)| (b.text.clone(), a.text.clone())).collect();
    let mut changes = Vec::new();
    if !added.is_empty() {
        changes.push(Change::OptionsAdded { options: added });
    }
    if !removed.is_empty() {
        changes.push(Change::OptionsRemoved { options: removed });
    }
    if !reworded.is_empty() {
        changes.push(Change::OptionsReworded { options: reworded });
    }
    if both.iter().any(|(b, a)| b.when != a.when || b.exclusive != a.exclusive) {
        changes.push(Change::Routing);
    }
    changes
}

const fn at_most(kind: &QuestionKind) -> Option<u32> {
    match kind {
        QuestionKind::Battery { at_most, .. } | QuestionKind::Multiple { at_most, .. } => *at_most,
        _ => None,
    }
}

/// A scale in short: `1–5, dk`.
fn reach(scale: &Scale) -> String {
    let mut reach = format!("{}–{}", scale.from, scale.to);
    for (offered, word) in [(scale.dont_know, ", dk"), (scale.not_relevant, ", na")] {
        if offered {
            reach.push_str(word);
        }
    }
    reach
}

fn differing(before: &[Texts], after: &[Texts]) -> Vec<Language> {
    let words = |of: &[Texts], language: Language| of.iter().map(|t| t.get(language).to_owned()).collect::<Vec<_>>();
    Language::ALL.into_iter().filter(|l| words(before, *l) != words(after, *l)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Place, shipped};
    use super::*;

    fn difference<'d>(all: &'d [Difference], key: &str) -> &'d Difference {
        all.iter().find(|d| d.key == key).unwrap_or_else(|| panic!("nothing about {key}: {all:?}"))
    }

    #[test]
    fn the_same_version_differs_in_nothing() {
        assert_eq!(compare(&shipped(), &shipped()), []);
    }

    #[test]
    fn a_new_wording_is_doubtful_and_another_scale_breaks() {
        let (before, mut after) = (shipped(), shipped());
        after.blocks[0].questions[0].text.da = "Er I tilfredse?".to_owned();
        if let QuestionKind::Scale(scale) = &mut after.blocks[0].questions[1].kind {
            scale.to = 7;
        }
        let all = compare(&before, &after);
        assert_eq!(all.len(), 2);
        assert_eq!(difference(&all, "overall").comparability(), Comparability::Doubtful);
        let scale = difference(&all, "nki_satisfaction");
        assert_eq!(scale.changes, [Change::Scale { before: "1–10, dk".into(), after: "1–7, dk".into() }]);
        assert_eq!(scale.comparability(), Comparability::Lost);
    }

    #[test]
    fn moved_new_and_gone_answers_are_told_apart() {
        let (before, mut after) = (shipped(), shipped());
        let block = after.add_block(None);
        let new = after.add_question(&block, "open").unwrap();
        for _ in 0..2 {
            assert!(after.shift(&Place::Question("overall".into()), false));
        }
        assert!(after.take_out(&Place::Question("overall_why".into())));
        let all = compare(&before, &after);
        let short: Vec<(&str, &[Change])> = all.iter().map(|d| (d.key.as_str(), d.changes.as_slice())).collect();
        assert_eq!(
            short,
            [("overall", &[Change::Moved][..]), (new.as_str(), &[Change::New]), ("overall_why", &[Change::Removed])]
        );
        assert!(all.iter().all(|d| d.comparability() == Comparability::Kept));
    }

    #[test]
    fn routing_of_the_block_reaches_every_answer_in_it() {
        let (before, mut after) = (shipped(), shipped());
        let when = Condition::Fact { name: "size".into(), values: vec!["10-49".into()] };
        assert!(after.ask_when(&Place::Block("conditions".into()), Some(when)));
        let all = compare(&before, &after);
        assert!(all.len() > 10 && all.iter().all(|d| d.changes == [Change::Routing]));
    }

    #[test]
    fn options_are_compared_by_their_codes() {
        let (before, mut after) = (shipped(), shipped());
        let question = after.blocks.iter_mut().flat_map(|b| &mut b.questions).find(|q| q.key == "contact").unwrap();
        let QuestionKind::Multiple { options, .. } = &mut question.kind else { panic!("a multiple choice") };
        options.remove(0);
        options[0].text.en = "Environment".into();
        let all = compare(&before, &after);
        let changes = &difference(&all, "contact").changes;
        assert!(matches!(&changes[..], [Change::OptionsRemoved { options }, Change::OptionsReworded { options: two }]
            if options.len() == 1 && two.len() == 1));
    }
}
