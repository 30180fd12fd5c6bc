//! What all papers of a publication say alike: titles, figures as cells, verdicts, method.
use charts::Printed;
use domain::insight::ThemeInfo;
use domain::language::Language;
use domain::results::{ALL, ChangeRow, EstimateRow, IndicatorInfo, Report, State, TOTAL, Verdict};
use text::format;
use text::insight::{TargetLine, Teller};
use text::messages::{Arg, Messages};
use text::standing::GoalLine;

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

    /// A word of the page's parts about goals, initiatives and growth accounts.
    pub(crate) fn standing(&self, key: &str) -> String {
        self.messages.t(self.language(), &format!("standing.{key}"), &[])
    }

    /// A word about open answers.
    pub(crate) fn answers(&self, key: &str) -> String {
        self.messages.t(self.language(), &format!("answers.{key}"), &[])
    }

    /// A name from the municipality's settings, or what such a body is called where it has none.
    fn named(&self, name: &str, otherwise: &str) -> String {
        if name.is_empty() { self.say(otherwise, &[]) } else { name.to_owned() }
    }

    /// The committee's name.
    pub(crate) fn committee(&self) -> String {
        self.named(&self.occasion.municipality.settings.committee, "agenda_committee")
    }

    /// The administration's name.
    pub(crate) fn administration(&self) -> String {
        self.named(&self.occasion.municipality.settings.administration, "agenda_administration")
    }

    /// The council's name.
    pub(crate) fn council(&self) -> String {
        self.named(&self.occasion.municipality.settings.council, "agenda_council")
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

    /// What a correction corrects; nothing in a first edition.
    pub(crate) fn correction(&self) -> String {
        if self.occasion.version > 1 { self.occasion.note.to_owned() } else { String::new() }
    }

    /// The author's own words before the figures, a paragraph each; a first edition's note is one of them.
    pub(crate) fn foreword(&self) -> Vec<String> {
        let note = if self.occasion.version > 1 { "" } else { self.occasion.note };
        [self.occasion.foreword, note].into_iter().flat_map(paragraphs).collect()
    }

    /// The author's remark on the method, a paragraph each.
    pub(crate) fn remark(&self) -> impl Iterator<Item = String> + use<> {
        paragraphs(self.occasion.remark)
    }

    /// The goals: the municipality's own, or the targets of its indicators where it has none.
    pub(crate) fn goals(&self) -> Vec<GoalLine> {
        let own = self.occasion.standing.map(|s| text::standing::goals(self.teller(), s)).unwrap_or_default();
        if !own.is_empty() {
            return own;
        }
        let line = |target: TargetLine| GoalLine {
            text: String::new(),
            area: String::new(),
            indicator: Some(target.indicator),
            measure: target.title,
            wanted: target.wanted,
            found: target.found,
            verdict: target.verdict,
            source: String::new(),
            earlier: Vec::new(),
        };
        self.teller().targets().into_iter().map(line).collect()
    }

    /// The direction of the main indicators over the years: a sentence for each that has one, and one for those that have none.
    pub(crate) fn trends(&self) -> Vec<String> {
        let main = self.report.indicators.iter().filter(|i| i.headline);
        let mut said = Vec::new();
        let mut unclear: Vec<((i32, i32), Vec<&str>)> = Vec::new();
        for indicator in main {
            let title = indicator.title.get(self.language());
            let Some(row) = self.report.insight.trends.iter().find(|r| r.indicator == indicator.id) else { continue };
            if row.verdict == Verdict::Unclear {
                let years = (row.from, row.to);
                match unclear.iter_mut().find(|(of, _)| *of == years) {
                    Some((_, names)) => names.push(title),
                    None => unclear.push((years, vec![title])),
                }
            } else if let Some(sentence) = self.teller().trend(&indicator.id) {
                said.push(format!("{title}: {sentence}"));
            }
        }
        said.extend(unclear.into_iter().map(|((from, to), names)| {
            let args = [
                ("from", Arg::Text(from.to_string())),
                ("to", Arg::Text(to.to_string())),
                ("names", names.join("; ").into()),
            ];
            self.say("trends_unclear", &args)
        }));
        said
    }

    /// Where the main indicators rose or fell, a sentence for each that did in some sector.
    pub(crate) fn sectors_moved(&self) -> Vec<String> {
        let (Some(before), year) = (self.before(), self.year()) else { return Vec::new() };
        let Some(breakdown) = self.report.breakdowns.iter().find(|b| b.domain == "sector") else { return Vec::new() };
        let language = self.language();
        let mut said = Vec::new();
        for indicator in self.report.indicators.iter().filter(|i| i.headline) {
            for (wanted, key) in [(Verdict::Up, "agenda_sectors_up"), (Verdict::Down, "agenda_sectors_down")] {
                let has = |group: &&domain::results::Group| {
                    let row = self.report.change(&indicator.id, before, year, "sector", &group.key);
                    row.is_some_and(|row| row.verdict == wanted)
                };
                let sectors: Vec<&str> = breakdown.groups.iter().filter(has).map(|g| g.title.get(language)).collect();
                if !sectors.is_empty() {
                    let name = indicator.title.get(language);
                    said.push(self.say(key, &[("name", name.into()), ("sectors", sectors.join("; ").into())]));
                }
            }
        }
        if said.is_empty() {
            let year = Arg::Text(before.to_string());
            said.push(self.messages.t(language, "standing.sectors_none", &[("year", year)]));
        }
        said
    }

    /// The shown themes of the last year, the most frequent first.
    pub(crate) fn themes(&self) -> Vec<(&'a ThemeInfo, &'a EstimateRow)> {
        let Some(part) = &self.report.insight.themes else { return Vec::new() };
        let shown = |row: &&EstimateRow| !row.state.is_hidden() && row.estimate.value.is_some();
        let share = |theme: &'a ThemeInfo| Some((theme, part.share(&theme.key, self.year()).filter(shown)?));
        let mut rows: Vec<_> = part.themes.iter().filter_map(share).collect();
        let size = |row: &EstimateRow| row.estimate.value.unwrap_or(0.0);
        rows.sort_by(|a, b| size(b.1).total_cmp(&size(a.1)));
        rows
    }

    /// How the figures came about, a paragraph each; the author's remark first.
    pub(crate) fn method(&self) -> Vec<String> {
        let threshold = i64::from(self.occasion.municipality.settings.threshold.max(5));
        let collapses = self.report.provenance.collapses.len();
        let collapsed = (collapses > 0).then(|| self.paper("method_collapsed", &[("n", collapses.into())]));
        let goals = (!self.goals().is_empty()).then(|| self.say("method_goals", &[]));
        let themes = self.report.insight.themes.is_some().then(|| self.page("method_themes_text"));
        self.remark()
            .chain([self.paper("method_weights", &[])])
            .chain(collapsed)
            .chain([self.paper("method_interval", &[]), self.paper("method_change", &[])])
            .chain(goals)
            .chain(themes)
            .chain([
                self.paper("method_hidden", &[("threshold", threshold.into())]),
                self.paper("method_confidential", &[]),
                self.paper("method_version", &[("version", self.report.provenance.version.as_str().into())]),
            ])
            .collect()
    }

    /// Cells that were joined for want of answers, a line each in words.
    pub(crate) fn collapses(&self) -> Vec<String> {
        self.report.provenance.collapses.iter().map(|c| self.teller().collapse(c)).collect()
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

/// A text as people type it, cut at empty lines.
fn paragraphs(text: &str) -> impl Iterator<Item = String> + use<> {
    let text = text.replace("\r\n", "\n");
    let all: Vec<String> = text.split("\n\n").map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect();
    all.into_iter()
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
