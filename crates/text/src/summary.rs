//! The three to five sentences that open a year: who answered, what the main figures say, and what cannot be said.
use domain::language::Language;
use domain::results::{ALL, Report, TOTAL, Verdict};

use crate::format;
use crate::messages::Messages;
use crate::sentences::{self, Subject};

/// At most so many sentences about indicators; a committee has ten minutes.
const MOST_INDICATORS: usize = 4;

/// The opening sentences of a report, for pages and papers alike.
///
/// First who answered, then the headline indicators in reading order: the change from the year before where there is one, else the
/// level. For the first of them also the change since the first year, when that is another year and its verdict says something.
#[must_use]
pub fn opening(messages: &Messages, language: Language, report: &Report) -> Vec<String> {
    let Some(&year) = report.years.last() else { return Vec::new() };
    let mut said: Vec<String> = report
        .coverage
        .iter()
        .find(|row| row.year == year && row.domain == TOTAL)
        .map(|row| {
            let count = |n: u64| format::integer(language, i64::try_from(n).unwrap_or(i64::MAX));
            messages.t(
                language,
                "sentences.coverage",
                &[
                    ("answered", count(row.n_answered).into()),
                    ("frame", count(row.n_frame).into()),
                    ("rate", format::percent(language, row.response_rate, 0).into()),
                    ("year", year.into()),
                ],
            )
        })
        .into_iter()
        .collect();
    for (place, indicator) in report.indicators.iter().filter(|i| i.headline).take(MOST_INDICATORS).enumerate() {
        let subject = Subject::of(indicator, language);
        let level = |of: i32| report.estimate(&indicator.id, of, TOTAL, ALL).and_then(|row| row.estimate.value);
        let change = |from: i32| report.change(&indicator.id, from, year, TOTAL, ALL);
        let before = report.years.iter().rev().nth(1).copied();
        match before.and_then(change) {
            Some(row) => {
                said.push(sentences::change(messages, language, &subject, row, level(row.year_from), level(year)))
            }
            None => {
                if let Some(row) = report.estimate(&indicator.id, year, TOTAL, ALL) {
                    said.push(sentences::estimate(messages, language, &subject, row));
                }
            }
        }
        let first =
            report.years.first().copied().filter(|first| place == 0 && Some(*first) != before && *first != year);
        if let Some(row) = first.and_then(change).filter(|row| matches!(row.verdict, Verdict::Up | Verdict::Down)) {
            said.push(sentences::change(messages, language, &subject, row, level(row.year_from), level(year)));
        }
    }
    said.truncate(5);
    said
}
