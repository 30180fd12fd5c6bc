//! How well a questionnaire is answered: how long it takes, what is left blank, where people stop. Counts only.
use std::collections::HashMap;

use crate::answers::Answers;
use crate::language::Texts;
use crate::questionnaire::{Facts, Question, QuestionKind, Questionnaire, option_key};

/// One response, as far as its quality goes.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// What routing knew of the business.
    pub facts: &'a Facts,
    /// What was answered.
    pub answers: &'a Answers,
    /// Was it sent?
    pub is_sent: bool,
    /// From the first page to the sending, in seconds; of answers on the web that were sent.
    pub seconds: Option<u64>,
}

/// How well one question, or one item of a battery, is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionQuality {
    /// Its key.
    pub key: String,
    /// Its words.
    pub text: Texts,
    /// Sent responses in which it was asked.
    pub asked: u64,
    /// Of these, left blank.
    pub blank: u64,
    /// Responses that were begun and not sent, and whose first unanswered question it is.
    pub left: u64,
}

/// How well a round is answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Quality {
    /// Sent responses.
    pub sent: u64,
    /// Begun and not sent.
    pub unsent: u64,
    /// Median of the time on the web, in seconds.
    pub median_seconds: Option<u64>,
    /// Nine out of ten were quicker, in seconds.
    pub slow_seconds: Option<u64>,
    /// The questions, in the order in which they were first met.
    pub questions: Vec<QuestionQuality>,
}

/// Measures responses to a questionnaire.
#[must_use]
pub fn measure<'a>(questionnaire: &Questionnaire, given: impl IntoIterator<Item = Given<'a>>) -> Quality {
    let mut quality = Quality::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut seconds = Vec::new();
    for one in given {
        *(if one.is_sent { &mut quality.sent } else { &mut quality.unsent }) += 1;
        seconds.extend(one.seconds);
        let mut has_left = one.is_sent;
        for screen in questionnaire.route(one.facts, one.answers).iter().filter(|s| !s.optional) {
            for question in screen.questions.iter().filter(|q| !q.optional) {
                for (key, text, is_answered) in parts(question, one.answers) {
                    let place = *places.entry(key.clone()).or_insert_with(|| {
                        quality.questions.push(QuestionQuality { key, text, asked: 0, blank: 0, left: 0 });
                        quality.questions.len() - 1
                    });
                    let counted = &mut quality.questions[place];
                    if one.is_sent {
                        counted.asked += 1;
                        counted.blank += u64::from(!is_answered);
                    } else if !is_answered && !has_left {
                        has_left = true;
                        counted.left += 1;
                    }
                }
            }
        }
    }
    seconds.sort_unstable();
    let at = |share: usize| seconds.get(seconds.len().saturating_sub(1) * share / 100).copied();
    (quality.median_seconds, quality.slow_seconds) = (at(50), at(90));
    quality
}

/// What is answered on its own in a question: each item of a battery, else the question.
fn parts(question: &Question, answers: &Answers) -> Vec<(String, Texts, bool)> {
    let has = |key: &str| answers.get(key).is_some();
    match &question.kind {
        QuestionKind::Battery { items, .. } | QuestionKind::Grid { items, .. } => {
            items.iter().map(|i| (i.key.clone(), i.text.clone(), has(&i.key))).collect()
        }
        QuestionKind::Multiple { options, .. } => {
            let is_answered = options.iter().any(|o| has(&option_key(&question.key, &o.code)));
            vec![(question.key.clone(), question.text.clone(), is_answered)]
        }
        QuestionKind::Scale(_) | QuestionKind::Single { .. } | QuestionKind::Open { .. } => {
            vec![(question.key.clone(), question.text.clone(), has(&question.key))]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::questionnaire::shipped;

    #[test]
    fn blanks_are_counted_where_they_were_asked_and_stops_where_they_happened() {
        let facts = Facts::new();
        let of =
            |pairs: &[(&str, &str)]| Answers(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
        let (full, bare, cut) = (of(&[("overall", "4"), ("nki_satisfaction", "7")]), of(&[]), of(&[("overall", "2")]));
        let one = |answers, is_sent, seconds| Given { facts: &facts, answers, is_sent, seconds };
        let quality = measure(
            &shipped(),
            [
                one(&full, true, Some(200)),
                one(&bare, true, Some(400)),
                one(&full, true, Some(300)),
                one(&cut, false, None),
            ],
        );
        assert_eq!((quality.sent, quality.unsent), (3, 1));
        assert_eq!((quality.median_seconds, quality.slow_seconds), (Some(300), Some(300)));
        let question = |key: &str| quality.questions.iter().find(|q| q.key == key).unwrap();
        assert_eq!((question("overall").asked, question("overall").blank, question("overall").left), (3, 1, 0));
        let stopped: Vec<(&str, u64)> =
            quality.questions.iter().filter(|q| q.left > 0).map(|q| (q.key.as_str(), q.left)).collect();
        assert_eq!(stopped.len(), 1, "{stopped:?}");
        assert!(stopped[0].0.starts_with("nki_"), "the first one after what was answered: {stopped:?}");
    }

    #[test]
    fn nothing_given_is_nothing_measured() {
        assert_eq!(measure(&shipped(), []), Quality::default());
    }
}
