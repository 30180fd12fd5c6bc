//! Two municipalities beside each other, in words: never a league table, and "no clear difference" is never "equal".
use domain::language::Language;
use domain::packages::{ApartReason, Comparison, Package, PackageFigure, Pair, PairVerdict};
use domain::printed::Printed;
use serde::Serialize;

use crate::format;
use crate::messages::{Arg, Messages};

/// One figure on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairLine {
    /// What it is: an indicator or a sector.
    pub title: String,
    /// Figure with uncertainty and base, or that it is not shown.
    pub own: String,
    /// The same there.
    pub other: String,
    /// Difference with uncertainty; empty where a side is not shown.
    pub difference: String,
    /// What can be said.
    pub verdict: String,
    /// `higher`, `lower`, `unclear`, `hidden`.
    pub key: &'static str,
}

/// An indicator sector by sector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SectorPart {
    /// The indicator, with its year.
    pub title: String,
    /// The sectors, in their fixed order.
    pub rows: Vec<PairLine>,
}

/// An indicator that is not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApartLine {
    /// The indicator.
    pub title: String,
    /// Why.
    pub reason: String,
}

/// A public initiative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoodExample {
    /// Title.
    pub title: String,
    /// What is done.
    pub description: String,
    /// Where it stands, in words.
    pub state: String,
}

/// Everything that is said of two packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// The main figures in sentences.
    pub sentences: Vec<String>,
    /// All shared indicators in the total.
    pub totals: Vec<PairLine>,
    /// Sector by sector: the main indicators.
    pub sectors: Vec<SectorPart>,
    /// Why there are no sectors; empty where there are.
    pub no_sectors: String,
    /// What is not compared.
    pub apart: Vec<ApartLine>,
    /// Their public initiatives.
    pub examples: Vec<GoodExample>,
}

/// At most so many sentences.
const MOST: usize = 4;

/// Says what two packages say beside each other.
#[must_use]
pub fn beside(
    messages: &Messages,
    language: Language,
    own: &Package,
    other: &Package,
    compared: &Comparison,
) -> Beside {
    let teller = Neighbourly { messages, language, own, other };
    let titled = |shared: &domain::packages::Shared| format!("{} ({})", shared.indicator.title(language), shared.year);
    let main = || compared.shared.iter().filter(|s| s.indicator.headline);
    let sectors = main().filter(|s| !s.sectors.is_empty()).map(|shared| SectorPart {
        title: titled(shared),
        rows: shared.sectors.iter().map(|(g, pair)| teller.line(g.title(language).to_owned(), pair)).collect(),
    });
    let sectors: Vec<SectorPart> = sectors.collect();
    let no_sectors = match (compared.same_sectors, sectors.is_empty()) {
        (false, _) => teller.say("other_sectors", &[]),
        (true, true) => teller.say("no_sectors", &[]),
        (true, false) => String::new(),
    };
    Beside {
        sentences: main().take(MOST).map(|s| teller.sentence(s)).collect(),
        totals: compared.shared.iter().map(|s| teller.line(titled(s), &s.total)).collect(),
        sectors,
        no_sectors,
        apart: compared
            .apart
            .iter()
            .map(|a| ApartLine {
                title: a.indicator.title(language).to_owned(),
                reason: teller.say(
                    match a.reason {
                        ApartReason::OnlyOwn => "only_own",
                        ApartReason::OnlyOther => "only_other",
                        ApartReason::Formula => "other_formula",
                        ApartReason::Year => "no_year",
                    },
                    &teller.names(),
                ),
            })
            .collect(),
        examples: examples(messages, language, other),
    }
}

/// The public initiatives of a package, in its order.
#[must_use]
pub fn examples(messages: &Messages, language: Language, package: &Package) -> Vec<GoodExample> {
    let of = |i: &domain::packages::PackageInitiative| {
        let (title, description) = i.texts(language);
        let key = format!("papers.state_{}", i.state);
        let state = if messages.contains(&key) { messages.t(language, &key, &[]) } else { i.state.clone() };
        GoodExample { title: title.to_owned(), description: description.to_owned(), state }
    };
    package.initiatives.iter().map(of).collect()
}

struct Neighbourly<'a> {
    messages: &'a Messages,
    language: Language,
    own: &'a Package,
    other: &'a Package,
}

impl Neighbourly<'_> {
    fn say(&self, key: &str, args: &[(&str, Arg)]) -> String {
        self.messages.t(self.language, &format!("papers.beside_{key}"), args)
    }

    fn names(&self) -> [(&'static str, Arg); 2] {
        let name = |package: &Package| Arg::from(package.head.municipality.as_str());
        [("own", name(self.own)), ("other", name(self.other))]
    }

    fn number(&self, text: &str) -> String {
        let decimals = text.split_once('.').map_or(0, |(_, part)| part.len());
        text.parse().map_or_else(|_| text.to_owned(), |value| format::number(self.language, value, decimals))
    }

    fn value(&self, figure: &PackageFigure, percent: bool) -> String {
        let number = self.number(&figure.value);
        match (percent, self.language) {
            (false, _) => number,
            (true, Language::En) => format!("{number}%"),
            (true, _) => format!("{number}\u{a0}%"),
        }
    }

    fn side(&self, figure: Option<&PackageFigure>, percent: bool) -> String {
        let Some(figure) = figure else { return self.say("not_measured", &[]) };
        if figure.value.is_empty() {
            return self.messages.t(self.language, "report.hidden", &[]);
        }
        let base = self.messages.t(self.language, "sentences.answers", &[("n", figure.n.into())]);
        let margin =
            if figure.margin.is_empty() { String::new() } else { format!(" ±{}", self.number(&figure.margin)) };
        format!("{}{margin} ({base})", self.value(figure, percent))
    }

    fn signed(&self, printed: Printed) -> String {
        let number = format::number(self.language, printed.value, printed.decimals);
        if printed.value > 0.0 { format!("+{number}") } else { number }
    }

    fn line(&self, title: String, pair: &Pair) -> PairLine {
        let percent = pair.difference.is_some_and(|d| d.percent) || self.is_percent(pair);
        let difference = match (pair.difference, pair.margin) {
            (Some(difference), Some(margin)) => {
                let margin = format::number(self.language, margin.value, margin.decimals);
                format!("{} ±{margin}", self.signed(difference))
            }
            _ => String::new(),
        };
        let key = verdict(pair.verdict);
        PairLine {
            title,
            own: self.side(pair.own.as_ref(), percent),
            other: self.side(pair.other.as_ref(), percent),
            difference,
            verdict: self.say(&format!("verdict_{key}"), &self.names()),
            key,
        }
    }

    fn is_percent(&self, pair: &Pair) -> bool {
        use domain::indicator::Kind;
        let id = pair.own.as_ref().or(pair.other.as_ref()).map(|f| f.indicator.as_str());
        let of = self.own.indicators.iter().chain(&self.other.indicators).find(|i| Some(i.id.as_str()) == id);
        of.is_some_and(|i| matches!(i.kind, Kind::Share | Kind::Balance))
    }

    fn sentence(&self, shared: &domain::packages::Shared) -> String {
        let pair = &shared.total;
        let percent = self.is_percent(pair);
        let [own, other] = self.names();
        let value =
            |figure: Option<&PackageFigure>| Arg::Text(figure.map(|f| self.value(f, percent)).unwrap_or_default());
        let args = [
            ("name", shared.indicator.title(self.language).into()),
            ("year", Arg::Text(shared.year.to_string())),
            own,
            other,
            ("own_value", value(pair.own.as_ref())),
            ("other_value", value(pair.other.as_ref())),
        ];
        self.say(&format!("sentence_{}", verdict(pair.verdict)), &args)
    }
}

const fn verdict(verdict: PairVerdict) -> &'static str {
    match verdict {
        PairVerdict::Higher => "higher",
        PairVerdict::Lower => "lower",
        PairVerdict::Unclear => "unclear",
        PairVerdict::Hidden => "hidden",
    }
}
