//! Sentences about figures, written by rule: no rise or fall is claimed that the survey cannot tell from chance.
use domain::indicator::Kind;
use domain::language::Language;
use domain::results::{ChangeRow, EstimateRow, IndicatorInfo, State, Verdict};

use crate::format;
use crate::messages::{Arg, Messages};

/// Figures from fewer answers are shown with a decimal less.
const UNCERTAIN_BELOW: u64 = 20;

/// What a sentence is about: the words it opens with, and the unit of its figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// "Tilfredsheden", "Tilfredsheden blandt hoteller og restauranter".
    pub name: String,
    /// Kind of indicator, which fixes the unit.
    pub kind: Kind,
    /// Ends of the scale.
    pub range: [f64; 2],
}

impl Subject {
    /// An indicator by its title.
    #[must_use]
    pub fn of(indicator: &IndicatorInfo, language: Language) -> Self {
        Self { name: indicator.title.get(language).to_owned(), kind: indicator.kind, range: indicator.range }
    }

    /// The name as it stands before a verb: Danish closes a relative clause with a comma.
    fn before_verb(&self, language: Language) -> String {
        let is_open = language == Language::Da && self.name.contains(", der ");
        if is_open { format!("{},", self.name) } else { self.name.clone() }
    }

    /// The same figure in one group: "Tilfredsheden (Hoteller og restauranter)".
    #[must_use]
    pub fn in_group(mut self, group: &str) -> Self {
        self.name = format!("{} ({group})", self.name);
        self
    }
}

/// Decimals with which figures of a kind are shown.
#[must_use]
pub const fn decimals(kind: Kind) -> usize {
    match kind {
        Kind::Mean => 2,
        Kind::Index | Kind::Share | Kind::Balance | Kind::Nps => 0,
    }
}

/// A figure with its unit: `68`, `3,57`, `59 %`.
#[must_use]
pub fn figure(language: Language, kind: Kind, value: f64) -> String {
    figure_with(language, kind, value, decimals(kind))
}

fn figure_with(language: Language, kind: Kind, value: f64, decimals: usize) -> String {
    match kind {
        Kind::Share | Kind::Balance => format::percent(language, value, decimals),
        Kind::Index | Kind::Mean | Kind::Nps => format::number(language, value, decimals),
    }
}

/// A difference with its unit, without sign: `4 point`, `3 procentpoint`. `ceil` rounds up, for limits that must stay true.
#[must_use]
pub fn distance(messages: &Messages, language: Language, kind: Kind, value: f64, ceil: bool) -> String {
    let scaled = if matches!(kind, Kind::Share | Kind::Balance) { value.abs() * 100.0 } else { value.abs() };
    let decimals = decimals(kind);
    let step = if decimals == 0 { 1.0 } else { 100.0 };
    let rounded = if ceil { (scaled * step - 1e-9).ceil() / step } else { scaled };
    let rounded = if ceil { rounded.max(1.0 / step) } else { rounded };
    let number = format::number(language, rounded, decimals);
    let key = match kind {
        Kind::Share | Kind::Balance => "sentences.percentage_points",
        Kind::Index | Kind::Mean | Kind::Nps => "sentences.points",
    };
    messages.t(language, key, &[("n", Arg::Text(number))])
}

fn scale(messages: &Messages, language: Language, subject: &Subject) -> String {
    let end = |v: f64| Arg::Text(format::number(language, v, 0));
    match subject.kind {
        Kind::Index => messages.t(language, "sentences.on_index_scale", &[]),
        Kind::Mean => {
            let [from, to] = subject.range;
            messages.t(language, "sentences.on_scale", &[("from", end(from)), ("to", end(to))])
        }
        Kind::Share | Kind::Balance | Kind::Nps => String::new(),
    }
}

/// What can be said of a change, given the two years' figures.
///
/// Up and down are claimed only with the verdict; without it the sentence says what the survey can tell from chance.
#[must_use]
pub fn change(
    messages: &Messages,
    language: Language,
    subject: &Subject,
    row: &ChangeRow,
    from: Option<f64>,
    to: Option<f64>,
) -> String {
    let t = |key: &str, args: &[(&str, Arg)]| messages.t(language, key, args);
    let name: Arg = subject.before_verb(language).into();
    let years = [("year_from", Arg::from(row.year_from)), ("year_to", Arg::from(row.year_to))];
    let hidden =
        || t("sentences.change_hidden", &[("name", subject.name.as_str().into()), years[0].clone(), years[1].clone()]);
    let (Some(from), Some(to)) = (from, to) else { return hidden() };
    let scale = scale(messages, language, subject);
    match row.verdict {
        Verdict::Hidden => hidden(),
        Verdict::Break => {
            let to = figure(language, subject.kind, to);
            t(
                "sentences.change_break",
                &[("name", name), ("to", to.into()), ("scale", scale.into()), years[0].clone(), years[1].clone()],
            )
        }
        Verdict::Up | Verdict::Down => {
            let (from, to) = apart(language, subject.kind, row.n_from.min(row.n_to), from, to);
            let key = if row.verdict == Verdict::Up { "sentences.risen" } else { "sentences.fallen" };
            let [year_from, year_to] = years;
            t(
                key,
                &[
                    ("name", name),
                    ("from", from.into()),
                    ("to", to.into()),
                    ("scale", scale.into()),
                    year_from,
                    year_to,
                ],
            )
        }
        Verdict::Unclear => {
            let (from, to) = apart(language, subject.kind, row.n_from.min(row.n_to), from, to);
            let is_same = from == to;
            let [year_from, year_to] = years;
            let mut args = vec![("name", name), ("from", from.into()), ("to", to.into()), year_from, year_to];
            // With many comparisons a difference can exceed what one comparison would have found and still be unclear.
            match (row.detectable, row.change) {
                (Some(detectable), Some(change)) if change.abs() < detectable => {
                    let limit = distance(messages, language, subject.kind, detectable, true);
                    args.push(("limit", limit.into()));
                    t(if is_same { "sentences.unclear_same" } else { "sentences.unclear" }, &args)
                }
                _ => t("sentences.unclear_uncertain", &args),
            }
        }
    }
}

/// Two figures that the reader can tell apart: a decimal is added while they look alike, as far as figures from `n` answers may be shown.
fn apart(language: Language, kind: Kind, n: u64, from: f64, to: f64) -> (String, String) {
    let most = usize::from(n >= UNCERTAIN_BELOW) + usize::from(kind == Kind::Mean);
    let least = decimals(kind).min(most);
    let written = |d: usize| (figure_with(language, kind, from, d), figure_with(language, kind, to, d));
    (least..=most).map(written).find(|(a, b)| a != b).unwrap_or_else(|| written(least))
}

/// What can be said of one figure: its value, uncertainty and base, or that it is not shown.
#[must_use]
pub fn estimate(messages: &Messages, language: Language, subject: &Subject, row: &EstimateRow) -> String {
    let t = |key: &str, args: &[(&str, Arg)]| messages.t(language, key, args);
    let value = match (row.state.is_hidden(), row.estimate.value) {
        (false, Some(value)) => value,
        _ => return t("sentences.estimate_hidden", &[("name", subject.before_verb(language).into())]),
    };
    let base = t("sentences.answers", &[("n", row.estimate.n.into())]);
    let mut args = vec![
        ("name", subject.before_verb(language).into()),
        ("value", figure(language, subject.kind, value).into()),
        ("scale", scale(messages, language, subject).into()),
        ("answers", base.into()),
    ];
    let mut sentence = match row.estimate.interval {
        Some(interval) => {
            let half = (interval.upper - interval.lower) / 2.0;
            args.push(("margin", distance(messages, language, subject.kind, half, true).into()));
            t("sentences.estimate", &args)
        }
        None => t("sentences.estimate_without_interval", &args),
    };
    if row.state == State::Uncertain {
        sentence = format!("{sentence} {}", t("sentences.uncertain", &[]));
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::results::{Estimate, Interval};

    fn row(verdict: Verdict, change: f64, detectable: f64) -> ChangeRow {
        ChangeRow {
            indicator: "tilfredshed".into(),
            year_from: 2025,
            year_to: 2026,
            domain: "total".into(),
            group: "all".into(),
            n_from: 400,
            n_to: 420,
            n_both: 210,
            change: Some(change),
            se: Some(1.0),
            df: Some(300.0),
            interval: None,
            p_value: None,
            p_adjusted: None,
            detectable: Some(detectable),
            verdict,
        }
    }

    fn satisfaction() -> Subject {
        Subject { name: "Tilfredsheden".into(), kind: Kind::Index, range: [0.0, 100.0] }
    }

    fn said(language: Language, subject: &Subject, row: &ChangeRow, from: f64, to: f64) -> String {
        change(&Messages::load().unwrap(), language, subject, row, Some(from), Some(to))
    }

    #[test]
    fn a_rise_beyond_chance_is_called_a_rise() {
        assert_eq!(
            said(Language::Da, &satisfaction(), &row(Verdict::Up, 4.0, 3.0), 64.2, 68.1),
            "Tilfredsheden er steget fra 64 i 2025 til 68 i 2026 på 100-skalaen. Ændringen er større end den statistiske usikkerhed."
        );
        let mut since = row(Verdict::Down, -0.2, 0.1);
        since.year_from = 2023;
        let mean = Subject { name: "Middeltallet".into(), kind: Kind::Mean, range: [1.0, 5.0] };
        assert_eq!(
            said(Language::Da, &mean, &since, 3.571, 3.4),
            "Middeltallet er faldet fra 3,57 i 2023 til 3,40 i 2026 på skalaen fra 1 til 5. Ændringen er større end den statistiske usikkerhed."
        );
    }

    #[test]
    fn a_difference_within_chance_is_not() {
        assert_eq!(
            said(Language::Da, &satisfaction(), &row(Verdict::Unclear, 2.0, 3.2), 64.0, 66.0),
            "Tilfredsheden er målt til 66 i 2026 mod 64 i 2025. Forskellen er mindre end de 4 point, undersøgelsen kan \
             skelne fra tilfældigheder, så vi kan ikke sige, at der er sket en ændring."
        );
        let share = Subject { name: "Andelen".into(), kind: Kind::Share, range: [0.0, 1.0] };
        let text = said(Language::Sv, &share, &row(Verdict::Unclear, 0.02, 0.031), 0.31, 0.33);
        assert!(
            text.contains("33\u{a0}% år 2026 mot 31\u{a0}% år 2025") && text.contains("4 procentenheter"),
            "{text}"
        );
        assert!(!said(Language::Da, &satisfaction(), &row(Verdict::Unclear, 5.0, 3.2), 64.0, 69.0).contains("4 point"));
    }

    #[test]
    fn breaks_and_hidden_figures_say_so_in_every_language() {
        for language in Language::ALL {
            let broken = said(language, &satisfaction(), &row(Verdict::Break, 2.0, 3.0), 64.0, 66.0);
            assert!(broken.contains("66") && !broken.contains("64") && !broken.contains('⟦'), "{broken}");
            let hidden = change(
                &Messages::load().unwrap(),
                language,
                &satisfaction(),
                &row(Verdict::Hidden, 2.0, 3.0),
                None,
                Some(66.0),
            );
            assert!(!hidden.contains("66") && !hidden.contains('⟦'), "{hidden}");
        }
    }

    #[test]
    fn figures_that_differ_look_different() {
        let text = said(Language::Da, &satisfaction(), &row(Verdict::Up, 0.4, 0.3), 64.1, 64.4);
        assert!(text.contains("fra 64,1 i 2025 til 64,4 i 2026"), "{text}");
    }

    #[test]
    fn no_sentence_prints_more_decimals_than_may_be_shown() {
        let written = |kind, n| apart(Language::Da, kind, n, 0.50901, 0.50949).0;
        assert_eq!(written(Kind::Share, 500), "51\u{a0}%", "50.9 both: the difference lies beyond one decimal");
        assert_eq!(apart(Language::Da, Kind::Share, 19, 0.508, 0.512).0, "51\u{a0}%");
        assert_eq!(apart(Language::Da, Kind::Index, 20, 55.6, 56.4), ("55,6".to_owned(), "56,4".to_owned()));
        assert_eq!(apart(Language::Da, Kind::Mean, 19, 3.54, 3.56), ("3,5".to_owned(), "3,6".to_owned()));
    }

    #[test]
    fn figures_that_look_alike_are_told_apart_or_called_the_same() {
        let unclear = row(Verdict::Unclear, 0.9, 1.4);
        let text = said(Language::Da, &satisfaction(), &unclear, 55.5, 56.45);
        assert!(text.starts_with("Tilfredsheden er målt til 56,5 i 2026 mod 55,5 i 2025. Forskellen"), "{text}");
        for language in Language::ALL {
            let text = said(language, &satisfaction(), &row(Verdict::Unclear, 0.0, 1.4), 56.0, 56.0);
            assert!(text.matches("56").count() == 1 && !text.contains('⟦'), "{text}");
        }
    }

    #[test]
    fn danish_closes_a_relative_clause() {
        let share = Subject { name: "Andelen, der er tilfredse".into(), kind: Kind::Share, range: [0.0, 1.0] };
        let text = said(Language::Da, &share, &row(Verdict::Up, 0.1, 0.05), 0.4, 0.5);
        assert!(text.starts_with("Andelen, der er tilfredse, er steget fra"), "{text}");
        let hidden =
            change(&Messages::load().unwrap(), Language::Da, &share, &row(Verdict::Hidden, 0.1, 0.05), None, None);
        assert!(hidden.starts_with("Andelen, der er tilfredse: "), "{hidden}");
    }

    #[test]
    fn an_estimate_carries_its_uncertainty_and_base() {
        let mut row = EstimateRow {
            indicator: "tilfredshed".into(),
            year: 2026,
            domain: "total".into(),
            group: "all".into(),
            n_frame: None,
            estimate: Estimate {
                n: 12,
                value: Some(66.4),
                se: Some(1.0),
                df: Some(11.0),
                interval: Some(Interval { lower: 64.2, upper: 68.6 }),
                deff: None,
            },
            state: State::Uncertain,
        };
        let messages = Messages::load().unwrap();
        assert_eq!(
            estimate(&messages, Language::Da, &satisfaction(), &row),
            "Tilfredsheden er målt til 66 på 100-skalaen (usikkerhed ±3 point, 12 svar). Tallet bygger på færre end 20 svar og er usikkert."
        );
        row.state = State::Hidden;
        assert_eq!(estimate(&messages, Language::Da, &satisfaction(), &row), "Tilfredsheden vises ikke (for få svar).");
    }
}
