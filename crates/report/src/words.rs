//! What all papers of a publication say alike: titles, figures as cells, verdicts, method.
use charts::Printed;
use domain::language::Language;
use domain::results::{ALL, ChangeRow, EstimateRow, IndicatorInfo, Report, State, TOTAL, Verdict};
use text::format;
use text::insight::Teller;
use text::messages::{Arg, Messages};

use crate::Occasion;
use crate::book::Cell;

/// Says things about one publication in one language.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    pub(crate) messages: &'a Messages,
    pub(crate) report: &'a Report,
    pub(crate) occasion: &'a Occasion<'a>,
}

impl<'a> Words<'a> {
    pub(crate) const fn language(&self) -> Language {
        self.occasion.language
    }

    /// A text of the area `papers`.
    pub(crate) fn say(&self, key: &str, args: &[(&str, Arg)]) -> String {
        self.messages.t(self.language(), &format!("papers.{key}"), args)
    }

    /// A text of the area `report`, which the PDF uses too.
    pub(crate) fn paper(&self, key: &str, args: &[(&str, Arg)]) -> String {
        self.messages.t(self.language(), &format!("report.{key}"), args)
    }

    /// A word of the committee's page.
    pub(crate) fn page(&self, key: &str) -> String {
        self.messages.t(self.language(), &format!("committee.{key}"), &[])
    }

    pub(crate) const fn teller(&self) -> Teller<'a> {
        Teller { messages: self.messages, language: self.occasion.language, report: self.report }
    }

    pub(crate) fn year(&self) -> i32 {
        self.report.years.last().copied().unwrap_or_default()
    }

    pub(crate) fn before(&self) -> Option<i32> {
        self.report.years.iter().rev().nth(1).copied()
    }

    /// "Lokal erhvervsundersøgelse 2026".
    pub(crate) fn title(&self) -> String {
        self.paper("title", &[("year", self.year().into())])
    }

    /// Whose, when, and which version.
    pub(crate) fn subtitle(&self) -> String {
        let date = format::date(self.language(), self.occasion.published_on);
        let name = self.occasion.municipality.name.as_str();
        let said = self.paper("subtitle", &[("municipality", name.into()), ("date", date.into())]);
        if self.occasion.version < 2 {
            return said;
        }
        format!("{said} {}", self.paper("correction", &[("version", self.occasion.version.into())]))
    }

    /// How the figures came about, a paragraph each.
    pub(crate) fn method(&self) -> Vec<String> {
        let threshold = i64::from(self.occasion.municipality.settings.threshold.max(5));
        let collapses = self.report.provenance.collapses.len();
        let collapsed = (collapses > 0).then(|| self.paper("method_collapsed", &[("n", collapses.into())]));
        std::iter::once(self.paper("method_weights", &[]))
            .chain(collapsed)
            .chain([
                self.paper("method_interval", &[]),
                self.paper("method_change", &[]),
                self.paper("method_hidden", &[("threshold", threshold.into())]),
                self.paper("method_confidential", &[]),
                self.paper("method_version", &[("version", self.report.provenance.version.as_str().into())]),
            ])
            .collect()
    }

    /// Breaks in the series, a sentence for each indicator that has one.
    pub(crate) fn breaks(&self) -> Vec<String> {
        let broken = self.report.indicators.iter().filter(|i| i.breaks.iter().any(|b| self.report.years.contains(b)));
        broken
            .map(|indicator| {
                let years: Vec<String> = indicator.breaks.iter().map(ToString::to_string).collect();
                let args = [("name", indicator.title.get(self.language()).into()), ("years", years.join(", ").into())];
                self.say("break", &args)
            })
            .collect()
    }

    /// Figure, uncertainty and base of one estimate.
    pub(crate) fn estimate(&self, indicator: &IndicatorInfo, row: Option<&EstimateRow>) -> [Cell; 3] {
        let Some(row) = row else { return [Cell::Empty, Cell::Empty, Cell::Empty] };
        let n = Cell::Count(row.estimate.n);
        if row.state.is_hidden() {
            return [Cell::Text(self.paper("hidden", &[])), Cell::Empty, n];
        }
        let printed = row.estimate.value.and_then(|v| Printed::figure(indicator.kind, v, row.estimate.n));
        let figure = match printed {
            Some(printed) if row.state == State::Uncertain => Cell::Uncertain(printed),
            Some(printed) => Cell::Figure(printed),
            None => return [Cell::Empty, Cell::Empty, n],
        };
        let margin = row.estimate.interval.and_then(|i| Printed::margin(indicator.kind, i, row.estimate.n));
        [figure, margin.map_or(Cell::Empty, Cell::Margin), n]
    }

    /// Difference, uncertainty and verdict of a change between two years.
    pub(crate) fn change(&self, indicator: &IndicatorInfo, years: (i32, i32), domain: &str, group: &str) -> [Cell; 3] {
        let row = self.report.change(&indicator.id, years.0, years.1, domain, group);
        let Some(row) = row else {
            let broken = indicator.breaks.iter().any(|b| *b > years.0 && *b <= years.1);
            let verdict = if broken { Cell::Text(self.page("verdict_break")) } else { Cell::Empty };
            return [Cell::Empty, Cell::Empty, verdict];
        };
        let verdict = Cell::Text(self.verdict(row.verdict));
        let shown = matches!(row.verdict, Verdict::Up | Verdict::Down | Verdict::Unclear);
        let n = thinner(row);
        let difference = row.change.filter(|_| shown).and_then(|c| Printed::difference(indicator.kind, c, n));
        let Some(difference) = difference else { return [Cell::Empty, Cell::Empty, verdict] };
        let margin = row.interval.and_then(|i| Printed::margin(indicator.kind, i, n));
        [Cell::Difference(difference), margin.map_or(Cell::Empty, Cell::Margin), verdict]
    }

    pub(crate) fn verdict(&self, verdict: Verdict) -> String {
        self.page(match verdict {
            Verdict::Up => "verdict_up",
            Verdict::Down => "verdict_down",
            Verdict::Unclear => "verdict_unclear",
            Verdict::Break => "verdict_break",
            Verdict::Hidden => "verdict_hidden",
        })
    }

    /// The groups of a breakdown with the total first.
    pub(crate) fn groups(&self, domain: &str) -> Vec<(String, &'a str, &'a str)> {
        let breakdown = self.report.breakdowns.iter().find(|b| b.domain == domain);
        let of = breakdown.into_iter().flat_map(|b| {
            b.groups.iter().map(|g| (g.title.get(self.language()).to_owned(), b.domain.as_str(), g.key.as_str()))
        });
        std::iter::once((self.paper("all", &[]), TOTAL, ALL)).chain(of).collect()
    }
}

/// Answers in the thinner year: that many decide how many digits are shown.
pub(crate) fn thinner(row: &ChangeRow) -> u64 {
    row.n_from.min(row.n_to)
}

/// The text of the first `<name …>…</name>` of a drawing of ours.
pub(crate) fn element(svg: &str, name: &str) -> String {
    let inside = svg.split_once(&format!("<{name}")).and_then(|(_, rest)| rest.split_once('>')).map(|(_, rest)| rest);
    let text = inside.and_then(|rest| rest.split_once("</")).map_or("", |(text, _)| text);
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |t, (from, to)| t.replace(from, to))
}
