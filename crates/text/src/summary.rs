//! The three to five sentences that open a year: who answered, what the main figures say, and what cannot be said.
use domain::language::Language;
use domain::results::{ALL, Report, TOTAL, Verdict};

use crate::format;
use crate::messages::Messages;
use crate::sentences::{self, Subject};

/// At most so many sentences about indicators; a committee has ten minutes.
const MOST_INDICATORS: usize = 4;

/// An opening sentence, and the indicator that it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The sentence.
    pub text: String,
    /// Id of the indicator; `None`: it says who answered.
    pub indicator: Option<String>,
}

/// The opening sentences of a report as texts: [`said`].
#[must_use]
pub fn opening(messages: &Messages, language: Language, report: &Report) -> Vec<String> {
    said(messages, language, report).into_iter().map(|said| said.text).collect()
}

/// The opening sentences of a report, for pages and papers alike, each with the indicator it speaks of.
///
/// First who answered, then the headline indicators in reading order: the change from the year before where there is one, else the
/// level. For the first of them also the change since the first year, when that is another year and its verdict says something.
#[must_use]
pub fn said(messages: &Messages, language: Language, report: &Report) -> Vec<Said> {
    let Some(&year) = report.years.last() else { return Vec::new() };
    let mut said: Vec<Said> = report
        .coverage
        .iter()
        .find(|row| row.year == year && row.domain == TOTAL)
        .map(|row| {
            let count = |n: u64| format::integer(language, i64::try_from(n).unwrap_or(i64::MAX));
            let text = messages.t(
                language,
                "sentences.coverage",
                &[
                    ("answered", count(row.n_answered).into()),
                    ("frame", count(row.n_frame).into()),
                    ("rate", format::percent(language, row.response_rate, 0).into()),
                    ("year", year.into()),
                ],
            );
            Said { text, indicator: None }
        })
        .into_iter()
        .collect();
    for (place, indicator) in report.indicators.iter().filter(|i| i.headline).take(MOST_INDICATORS).enumerate() {
        let subject = Subject::of(indicator, language);
        let about = |text: String| Said { text, indicator: Some(indicator.id.clone()) };
        let level = |of: i32| report.estimate(&indicator.id, of, TOTAL, ALL).and_then(|row| row.estimate.value);
        let change = |from: i32| report.change(&indicator.id, from, year, TOTAL, ALL);
        let before = report.years.iter().rev().nth(1).copied();
        match before.and_then(change) {
            Some(row) => {
                let text = sentences::change(messages, language, &subject, row, level(row.year_from), level(year));
                said.push(about(text));
            }
            None => {
                if let Some(row) = report.estimate(&indicator.id, year, TOTAL, ALL) {
                    said.push(about(sentences::estimate(messages, language, &subject, row)));
                }
            }
        }
        let first =
            report.years.first().copied().filter(|first| place == 0 && Some(*first) != before && *first != year);
        if let Some(row) = first.and_then(change).filter(|row| matches!(row.verdict, Verdict::Up | Verdict::Down)) {
            let text = sentences::change(messages, language, &subject, row, level(row.year_from), level(year));
            said.push(about(text));
        }
    }
    said.truncate(5);
    said
}
