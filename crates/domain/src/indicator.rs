//! The indicator registry: definitions as data, in the format of the command-line contract, read with the place of every fault.
//!
//! ```toml
//! [[indicator]]
//! id = "nki"
//! kind = "index"                       # index | mean | share | balance | nps
//! title = { da = "Tilfredshedsindeks", sv = "Nöjd-kund-index", en = "Satisfaction index" }
//! items = ["q1", "q2", "q3"]           # or item = "q1"
//! scale = [1, 10]                      # index and mean: required; share and balance: optional; nps: always 0–10
//! answered = "half"                    # at least half of the items (default) | "all"
//! headline = true
//! better = "higher"                    # higher (default) | lower | none
//! breaks = [2025]                      # years not comparable with earlier ones
//! valid_from = 2023                    # first year
//! source = "Erhvervspolitik 2023–2027"
//! weight_by = "employees"              # each business counts by its employees; default: each counts once
//! target = { kind = "raise", from = 2023, by = 2027 }
//!        # { kind = "keep", from = 2023, by = 2027, margin = 3, at_least = 70 } · { kind = "reach", from = 2023, by = 2027, value = 75 }
//!
//! [[indicator]]
//! id = "green_started"
//! kind = "share"
//! items = ["green_energy", "green_transport"]
//! values = [3, 4]                      # one item: item = "…" · of an index or mean instead: of = "nki", at_least = 60
//! any = true                           # several items: at least one of them lies in `values`
//! base = { sme = true, contact = [1], size = ["2-9", "10-49"] }   # all must hold; with `of` and no base: the other's base
//!
//! # kind = "balance": item, positive = [3], negative = [1] · kind = "nps": item
//! ```
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::answers::{DONT_KNOW, NOT_RELEVANT};
use crate::language::Texts;

/// How an indicator is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Mean of items rescaled linearly to 0–100.
    Index,
    /// Mean on the original scale.
    Mean,
    /// Share of the base whose answer lies in a set.
    Share,
    /// Share positive minus share negative.
    Balance,
    /// Share 9–10 minus share 0–6, in points.
    Nps,
}

/// Which direction is an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Higher is better.
    #[default]
    Higher,
    /// Lower is better.
    Lower,
    /// Neither.
    None,
}

/// How many of the items must be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answered {
    /// At least half.
    #[default]
    Half,
    /// All.
    All,
}

/// By what a business counts in the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WeightBy {
    /// Each business once ("virksomheder").
    #[default]
    Businesses,
    /// Each by its employees ("arbejdspladser").
    Employees,
}

/// What makes the figure out of a business's answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Mean of the items, each rescaled to 0–100.
    Index {
        /// Question keys.
        items: Vec<String>,
        /// Lowest and highest point.
        scale: [f64; 2],
        /// How many must be answered.
        answered: Answered,
    },
    /// Mean of the items on their scale.
    Mean {
        /// Question keys.
        items: Vec<String>,
        /// Lowest and highest point.
        scale: [f64; 2],
        /// How many must be answered.
        answered: Answered,
    },
    /// 1 when the answer (with several items: at least one of them) lies in `values`, otherwise 0.
    Share {
        /// Question keys; one, unless at least one of several is meant.
        items: Vec<String>,
        /// The codes that count.
        values: Vec<i64>,
        /// Lowest and highest point, where given.
        scale: Option<[f64; 2]>,
        /// How many of the relevant items must be answered.
        answered: Answered,
    },
    /// 1 when another indicator's score is at least `threshold`, otherwise 0.
    ShareAtLeast {
        /// Id of that indicator.
        of: String,
        /// Its measure.
        measure: Box<Measure>,
        /// From where on a business counts.
        threshold: f64,
    },
    /// 1 when positive, −1 when negative, otherwise 0.
    Balance {
        /// Question key.
        item: String,
        /// Positive codes.
        positive: Vec<i64>,
        /// Negative codes.
        negative: Vec<i64>,
        /// Lowest and highest point, where given.
        scale: Option<[f64; 2]>,
    },
    /// 100 for 9–10, −100 for 0–6, otherwise 0.
    Nps {
        /// Question key, answered on 0–10.
        item: String,
    },
}

/// One answer as a figure sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    /// Not asked or left blank: non-response.
    Blank,
    /// "Ved ikke": non-response.
    DontKnow,
    /// "Ikke relevant": outside the item's domain.
    NotRelevant,
    /// A code or a point of a scale.
    Value(f64),
}

impl Answer {
    /// Reads an answer as kept; `None` when it is neither a number nor one of the words for non-response.
    #[must_use]
    pub fn parse(kept: &str) -> Option<Self> {
        match kept {
            "" => Some(Self::Blank),
            DONT_KNOW => Some(Self::DontKnow),
            NOT_RELEVANT => Some(Self::NotRelevant),
            number => number.parse::<f64>().ok().filter(|v| v.is_finite()).map(Self::Value),
        }
    }

    const fn value(self) -> Option<f64> {
        match self {
            Self::Value(v) => Some(v),
            Self::Blank | Self::DontKnow | Self::NotRelevant => None,
        }
    }
}

/// What a business's answers give for a measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Score {
    /// Every item is "not relevant": the business is outside the domain.
    Outside,
    /// In the domain, but not enough answered.
    Missing,
    /// The figure of this business.
    Value(f64),
}

/// Rounding must not move an index of exactly 60 below 60.
const SLACK: f64 = 1e-9;

impl Measure {
    /// The kind, which fixes the unit.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Index { .. } => Kind::Index,
            Self::Mean { .. } => Kind::Mean,
            Self::Share { .. } | Self::ShareAtLeast { .. } => Kind::Share,
            Self::Balance { .. } => Kind::Balance,
            Self::Nps { .. } => Kind::Nps,
        }
    }

    /// The question keys it reads, in the order in which [`Measure::score`] takes their answers.
    #[must_use]
    pub fn items(&self) -> &[String] {
        match self {
            Self::Index { items, .. } | Self::Mean { items, .. } | Self::Share { items, .. } => items,
            Self::ShareAtLeast { measure, .. } => measure.items(),
            Self::Balance { item, .. } | Self::Nps { item } => std::slice::from_ref(item),
        }
    }

    /// The scale of the items, where the definition gives one.
    #[must_use]
    pub fn scale(&self) -> Option<[f64; 2]> {
        match self {
            Self::Index { scale, .. } | Self::Mean { scale, .. } => Some(*scale),
            Self::Share { scale, .. } | Self::Balance { scale, .. } => *scale,
            Self::ShareAtLeast { measure, .. } => measure.scale(),
            Self::Nps { .. } => Some([0.0, 10.0]),
        }
    }

    /// Lowest and highest figure that can come out.
    #[must_use]
    pub const fn range(&self) -> [f64; 2] {
        match self {
            Self::Index { .. } => [0.0, 100.0],
            Self::Mean { scale, .. } => *scale,
            Self::Share { .. } | Self::ShareAtLeast { .. } => [0.0, 1.0],
            Self::Balance { .. } => [-1.0, 1.0],
            Self::Nps { .. } => [-100.0, 100.0],
        }
    }

    /// The figure of one business from its answers to [`Measure::items`], in that order.
    #[must_use]
    pub fn score(&self, answers: &[Answer]) -> Score {
        if !answers.is_empty() && answers.iter().all(|a| *a == Answer::NotRelevant) {
            return Score::Outside;
        }
        match self {
            Self::Index { scale: [low, high], answered, .. } => match mean(answers, *answered) {
                Some(m) => Score::Value((m - low) / (high - low) * 100.0),
                None => Score::Missing,
            },
            Self::Mean { answered, .. } => mean(answers, *answered).map_or(Score::Missing, Score::Value),
            Self::Share { values, answered, .. } => {
                // A business for which only one area is relevant has answered when it answered that one.
                let relevant = answers.iter().filter(|a| **a != Answer::NotRelevant).count();
                if !enough(answers, relevant, *answered) {
                    return Score::Missing;
                }
                Score::Value(f64::from(answers.iter().any(|a| a.value().is_some_and(|v| is_in(v, values)))))
            }
            Self::ShareAtLeast { measure, threshold, .. } => match measure.score(answers) {
                Score::Value(v) => Score::Value(f64::from(v >= threshold - SLACK)),
                other => other,
            },
            Self::Balance { positive, negative, .. } => {
                single(answers, |v| f64::from(i8::from(is_in(v, positive)) - i8::from(is_in(v, negative))))
            }
            Self::Nps { .. } => single(answers, |v| match v {
                v if v >= 9.0 => 100.0,
                v if v <= 6.0 => -100.0,
                _ => 0.0,
            }),
        }
    }
}

fn single(answers: &[Answer], of: impl Fn(f64) -> f64) -> Score {
    answers.first().and_then(|a| a.value()).map_or(Score::Missing, |v| Score::Value(of(v)))
}

fn is_in(value: f64, codes: &[i64]) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "codes are small whole numbers")]
    codes.iter().any(|c| *c as f64 == value)
}

fn enough(answers: &[Answer], of: usize, rule: Answered) -> bool {
    let answered = answers.iter().filter(|a| a.value().is_some()).count();
    answered > 0
        && match rule {
            Answered::Half => answered * 2 >= of,
            Answered::All => answered >= of,
        }
}

fn mean(answers: &[Answer], rule: Answered) -> Option<f64> {
    if !enough(answers, answers.len(), rule) {
        return None;
    }
    let (mut sum, mut count) = (0.0, 0.0);
    for value in answers.iter().filter_map(|a| a.value()) {
        sum += value;
        count += 1.0;
    }
    Some(sum / count)
}

/// Whom the figure is about: every condition must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Base {
    /// Column of the frame or of the responses → values that count.
    pub columns: BTreeMap<String, Vec<String>>,
    /// Small and medium-sized companies only (all their workplaces together).
    pub sme: bool,
}

impl Base {
    /// Is everybody in it?
    #[must_use]
    pub fn is_everybody(&self) -> bool {
        self.columns.is_empty() && !self.sme
    }
}

/// What the municipality wants of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Baseline year.
    pub from: i32,
    /// Year by which it shall be met.
    pub by: i32,
    /// What shall be met.
    pub goal: Goal,
}

/// Kinds of targets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Goal {
    /// Better than in the baseline year.
    Raise,
    /// Not worse than the baseline by `margin` or more, and optionally not below a floor.
    Keep {
        /// The largest fall that still counts as kept, stated before the round.
        margin: f64,
        /// The floor (`at_least`).
        at_least: Option<f64>,
    },
    /// At `value` in the year `by`.
    Reach {
        /// The value.
        value: f64,
    },
}

/// One indicator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Indicator {
    /// Stable id.
    pub id: String,
    /// Title per language; the id where the definition gives none.
    pub title: Texts,
    /// How it is computed.
    pub measure: Measure,
    /// Whom it is about.
    pub base: Base,
    /// By what a business counts.
    pub weight_by: WeightBy,
    /// Direction.
    pub better: Better,
    /// One of the few that open the report.
    pub headline: bool,
    /// Years not comparable with earlier ones, ascending.
    pub breaks: Vec<i32>,
    /// First year in which it was asked.
    pub valid_from: Option<i32>,
    /// What is wanted of it.
    pub target: Option<Target>,
    /// The document that asks for it.
    pub source: Option<String>,
    /// Version of the formula: a short hash of what changes the figure (measure, base, weighting), not of titles and targets.
    pub formula_version: String,
}

impl Indicator {
    /// May the figures of two years be compared? They may not when a break lies after the earlier and not after the later one.
    #[must_use]
    pub fn comparable(&self, one: i32, other: i32) -> bool {
        let (from, to) = (one.min(other), one.max(other));
        !self.breaks.iter().any(|b| from < *b && *b <= to)
    }

    /// Is it made of this question or item, or is its base?
    #[must_use]
    pub fn uses(&self, key: &str) -> bool {
        let belongs =
            |column: &String| column == key || column.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
        self.measure.items().iter().any(belongs) || self.base.columns.keys().any(belongs)
    }
}

/// Where something stands in a definition file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// A definition file that was read: its indicators in order, and where each column is named.
#[derive(Debug, Clone, PartialEq)]
pub struct Definitions {
    /// Name of the file, for messages.
    pub file: String,
    /// The indicators in the file's order.
    pub indicators: Vec<Indicator>,
    places: BTreeMap<(String, String), Place>,
}

/// What is wrong with a definition, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: {}{problem}", place.line, place.column, subject(indicator.as_deref(), key.as_deref()))]
pub struct IndicatorError {
    /// The file.
    pub file: String,
    /// The place in it.
    pub place: Place,
    /// The indicator, where one is known.
    pub indicator: Option<String>,
    /// The key, where it is about one.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
}

fn subject(indicator: Option<&str>, key: Option<&str>) -> String {
    match (indicator, key) {
        (Some(i), Some(k)) => format!("indicator \"{i}\": {k}: "),
        (Some(i), None) => format!("indicator \"{i}\": "),
        (None, Some(k)) => format!("{k}: "),
        (None, None) => String::new(),
    }
}

/// The indicators that ship.
const SHIPPED: (&str, &str) = ("indicators.toml", include_str!("../../../analysis/indicators.toml"));

impl Definitions {
    /// The indicators that ship.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(SHIPPED.0, SHIPPED.1).expect("the shipped indicators have no faults, a test reads them")
    }

    /// Reads a definition file; `file` is its name in messages.
    ///
    /// # Errors
    /// The first fault, with file, line, column, indicator and key.
    pub fn parse(file: &str, text: &str) -> Result<Self, IndicatorError> {
        let source = Source { file, text };
        let root = DeTable::parse(text).map_err(|e| {
            let at = e.span().map_or(0, |s| s.start);
            source.fault(at, None, None, e.message())
        })?;
        let mut entries = None;
        for (key, value) in root.get_ref() {
            if key.get_ref() == "indicator" {
                entries = Some(value);
            } else {
                let problem = "unknown key; the file holds [[indicator]] entries only";
                return Err(source.fault(key.span().start, None, Some(key.get_ref()), problem));
            }
        }
        let list = entries.and_then(|v| v.get_ref().as_array()).filter(|l| !l.is_empty());
        let Some(list) = list else {
            return Err(source.fault(0, None, Some("indicator"), "no [[indicator]] entry"));
        };
        let mut tables = Vec::new();
        let mut ids = BTreeSet::new();
        for entry in list {
            let Some(table) = entry.get_ref().as_table() else {
                return Err(source.fault(
                    entry.span().start,
                    None,
                    Some("indicator"),
                    "must be a table: [[indicator]]",
                ));
            };
            let id = source.id(entry.span(), table)?;
            if !ids.insert(id.clone()) {
                return Err(source.fault(entry.span().start, Some(&id), Some("id"), "stands twice in this file"));
            }
            tables.push((id, entry.span(), table));
        }
        let mut read = Self { file: file.to_owned(), indicators: Vec::new(), places: BTreeMap::new() };
        // First those that stand on their own, then the shares of another one, which may be defined further down.
        let mut plain: BTreeMap<String, (Measure, Base)> = BTreeMap::new();
        for derived in [false, true] {
            for (id, span, table) in &tables {
                if table.contains_key("of") != derived {
                    continue;
                }
                let mut entry = Entry { source, id, span: span.clone(), table, places: &mut read.places };
                let indicator = entry.read(&plain)?;
                plain.insert(id.clone(), (indicator.measure.clone(), indicator.base.clone()));
                read.indicators.push(indicator);
            }
        }
        let order: BTreeMap<&str, usize> = tables.iter().enumerate().map(|(i, (id, ..))| (id.as_str(), i)).collect();
        read.indicators.sort_by_key(|i| order.get(i.id.as_str()).copied());
        read.one_scale_per_item(source)?;
        Ok(read)
    }

    /// Where `indicator` names `column`, for messages about the data.
    #[must_use]
    pub fn place(&self, indicator: &str, column: &str) -> Option<Place> {
        self.places.get(&(indicator.to_owned(), column.to_owned())).copied()
    }

    /// Marks breaks in series: by year, the questions and items that measure something else from then on. An indicator breaks
    /// with any of its items and of the questions that its base looks at.
    pub fn mark_breaks(&mut self, broken: &BTreeMap<i32, BTreeSet<String>>) {
        for indicator in &mut self.indicators {
            let uses = |keys: &BTreeSet<String>| keys.iter().any(|key| indicator.uses(key));
            let years: Vec<i32> = broken.iter().filter(|(_, keys)| uses(keys)).map(|(year, _)| *year).collect();
            indicator.breaks.extend(years);
            indicator.breaks.sort_unstable();
            indicator.breaks.dedup();
        }
    }

    /// Indicators whose values tell of one another: the same base and a common item, directly or through a third one. Indicators on
    /// other items tell nothing of these, so that an item asked of few must not hide what everybody answered.
    #[must_use]
    pub fn families(&self) -> Vec<Vec<usize>> {
        let related = |one: usize, other: usize| {
            let (one, other) = (&self.indicators[one], &self.indicators[other]);
            one.base == other.base
                && one.weight_by == other.weight_by
                && one.measure.items().iter().any(|item| other.measure.items().contains(item))
        };
        let mut families: Vec<Vec<usize>> = Vec::new();
        for i in 0..self.indicators.len() {
            let (own, others): (Vec<_>, Vec<_>) =
                families.into_iter().partition(|family| family.iter().any(|member| related(*member, i)));
            families = others;
            let mut family: Vec<usize> = own.into_iter().flatten().chain([i]).collect();
            family.sort_unstable();
            families.push(family);
        }
        families
    }

    /// The indicator with this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Indicator> {
        self.indicators.iter().find(|i| i.id == id)
    }

    /// Every item's scale, where any indicator gives one.
    #[must_use]
    pub fn scales(&self) -> BTreeMap<&str, [f64; 2]> {
        let with_scale = self.indicators.iter().filter_map(|i| i.measure.scale().map(|s| (i, s)));
        with_scale.flat_map(|(i, s)| i.measure.items().iter().map(move |item| (item.as_str(), s))).collect()
    }

    fn one_scale_per_item(&self, source: Source<'_>) -> Result<(), IndicatorError> {
        let mut seen: BTreeMap<&str, ([f64; 2], &str)> = BTreeMap::new();
        for indicator in &self.indicators {
            let Some(scale) = indicator.measure.scale() else { continue };
            for item in indicator.measure.items() {
                match seen.get(item.as_str()) {
                    Some((other, by)) if *other != scale => {
                        let place = self.place(&indicator.id, item).unwrap_or(Place { line: 1, column: 1 });
                        let problem = format!("\"{item}\" has another scale here than in indicator \"{by}\"");
                        let (file, key) = (source.file.to_owned(), Some("scale".to_owned()));
                        return Err(IndicatorError {
                            file,
                            place,
                            indicator: Some(indicator.id.clone()),
                            key,
                            problem,
                        });
                    }
                    Some(_) => {}
                    None => {
                        seen.insert(item, (scale, &indicator.id));
                    }
                }
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn fault(
        &self,
        at: usize,
        indicator: Option<&str>,
        key: Option<&str>,
        problem: impl Into<String>,
    ) -> IndicatorError {
        IndicatorError {
            file: self.file.to_owned(),
            place: self.place(at),
            indicator: indicator.map(str::to_owned),
            key: key.map(str::to_owned),
            problem: problem.into(),
        }
    }

    fn place(&self, at: usize) -> Place {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Place { line, column }
    }

    fn id(&self, span: Range<usize>, table: &DeTable<'_>) -> Result<String, IndicatorError> {
        let Some(value) = table.get("id") else {
            return Err(self.fault(span.start, None, Some("id"), "is missing"));
        };
        let is_id = |s: &&str| {
            s.starts_with(|c: char| c.is_ascii_alphanumeric())
                && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        };
        match value.get_ref().as_str().filter(is_id) {
            Some(id) => Ok(id.to_owned()),
            None => {
                let problem = "must be letters (a–z), digits, \"_\", \"-\" or \".\", beginning with a letter or digit";
                Err(self.fault(value.span().start, None, Some("id"), problem))
            }
        }
    }
}

/// Keys that every kind knows.
const COMMON: [&str; 12] = [
    "id",
    "kind",
    "title",
    "base",
    "weight_by",
    "better",
    "headline",
    "breaks",
    "valid_from",
    "target",
    "source",
    "scale",
];

struct Entry<'a, 'i> {
    source: Source<'a>,
    id: &'a str,
    span: Range<usize>,
    table: &'a DeTable<'i>,
    places: &'a mut BTreeMap<(String, String), Place>,
}

impl Entry<'_, '_> {
    fn fault(&self, at: usize, key: &str, problem: impl Into<String>) -> IndicatorError {
        self.source.fault(at, Some(self.id), Some(key), problem)
    }

    fn read(&mut self, others: &BTreeMap<String, (Measure, Base)>) -> Result<Indicator, IndicatorError> {
        let kind = self.word::<Kind>("kind", "index, mean, share, balance or nps")?;
        let Some(kind) = kind else { return Err(self.fault(self.span.start, "kind", "is missing")) };
        self.only_known_keys(kind)?;
        let mut base = self.base()?;
        let measure = self.measure(kind, others)?;
        if let Measure::ShareAtLeast { of, .. } = &measure
            && !self.table.contains_key("base")
            && let Some((_, inherited)) = others.get(of)
        {
            base = inherited.clone();
        }
        let weight_by = self.word::<WeightBy>("weight_by", "businesses or employees")?.unwrap_or_default();
        let mut breaks = self.years("breaks")?;
        breaks.sort_unstable();
        breaks.dedup();
        let title = match self.table.get("title") {
            Some(value) => self.title(value)?,
            None => Texts::same(self.id),
        };
        Ok(Indicator {
            id: self.id.to_owned(),
            title,
            formula_version: formula_version(&measure, &base, weight_by),
            measure,
            base,
            weight_by,
            better: self.word("better", "higher, lower or none")?.unwrap_or_default(),
            headline: self.flag("headline")?.unwrap_or(false),
            breaks,
            valid_from: self.table.get("valid_from").map(|v| self.year(v, "valid_from")).transpose()?,
            target: self.target()?,
            source: self.text("source")?,
        })
    }

    fn only_known_keys(&self, kind: Kind) -> Result<(), IndicatorError> {
        let own: &[&str] = match kind {
            Kind::Index | Kind::Mean => &["items", "item", "answered"],
            Kind::Share => &["items", "item", "values", "any", "of", "at_least", "answered"],
            Kind::Balance => &["item", "positive", "negative"],
            Kind::Nps => &["item"],
        };
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !COMMON.contains(&name) && !own.contains(&name) {
                return Err(self.fault(key.span().start, name, "unknown key for this kind"));
            }
        }
        Ok(())
    }

    fn measure(&mut self, kind: Kind, others: &BTreeMap<String, (Measure, Base)>) -> Result<Measure, IndicatorError> {
        let answered = self.word("answered", "half or all")?.unwrap_or_default();
        let scale = self.scale()?;
        let scale_needed = || self.fault(self.span.start, "scale", "is missing: [lowest, highest]");
        match kind {
            Kind::Index => {
                let scale = scale.ok_or_else(scale_needed)?;
                Ok(Measure::Index { items: self.items()?, scale, answered })
            }
            Kind::Mean => {
                let scale = scale.ok_or_else(scale_needed)?;
                Ok(Measure::Mean { items: self.items()?, scale, answered })
            }
            Kind::Share if self.table.contains_key("of") => self.share_of(others),
            Kind::Share => {
                let items = self.items()?;
                let any = self.flag("any")?.unwrap_or(false);
                if items.len() > 1 && !any {
                    let at = self.at("items");
                    return Err(self.fault(at, "any", "several items need any = true (at least one of them)"));
                }
                if let Some(at) = self.table.get("at_least") {
                    return Err(self.fault(at.span().start, "at_least", "goes with of = \"<indicator>\""));
                }
                let values = self.codes("values", scale)?;
                Ok(Measure::Share { items, values, scale, answered })
            }
            Kind::Balance => {
                let item = self.one_item()?;
                let (positive, negative) = (self.codes("positive", scale)?, self.codes("negative", scale)?);
                if let Some(both) = positive.iter().find(|c| negative.contains(c)) {
                    return Err(self.fault(self.at("negative"), "negative", format!("{both} is positive too")));
                }
                Ok(Measure::Balance { item, positive, negative, scale })
            }
            Kind::Nps => {
                if scale.is_some_and(|s| s != [0.0, 10.0]) {
                    return Err(self.fault(self.at("scale"), "scale", "nps is asked on 0–10"));
                }
                Ok(Measure::Nps { item: self.one_item()? })
            }
        }
    }

    fn share_of(&mut self, others: &BTreeMap<String, (Measure, Base)>) -> Result<Measure, IndicatorError> {
        for other in ["item", "items", "values", "any", "answered", "scale"] {
            if self.table.contains_key(other) {
                return Err(self.fault(self.at(other), other, "does not go together with \"of\""));
            }
        }
        let of = self.text("of")?.unwrap_or_default();
        let measure = match others.get(&of) {
            Some((m @ (Measure::Index { .. } | Measure::Mean { .. }), _)) => m.clone(),
            Some(_) => return Err(self.fault(self.at("of"), "of", format!("\"{of}\" is neither an index nor a mean"))),
            None => return Err(self.fault(self.at("of"), "of", format!("there is no indicator \"{of}\""))),
        };
        let Some(value) = self.table.get("at_least") else {
            return Err(self.fault(self.at("of"), "at_least", "is missing"));
        };
        let threshold = self.number(value, "at_least")?;
        let [low, high] = measure.range();
        if threshold < low || threshold > high {
            return Err(self.fault(value.span().start, "at_least", format!("lies outside {low}–{high}")));
        }
        let at = self.source.place(self.at("of"));
        for item in measure.items() {
            self.places.entry((self.id.to_owned(), item.clone())).or_insert(at);
        }
        Ok(Measure::ShareAtLeast { of, measure: Box::new(measure), threshold })
    }

    fn items(&mut self) -> Result<Vec<String>, IndicatorError> {
        match (self.table.get("item"), self.table.get("items")) {
            (Some(_), Some(both)) => {
                Err(self.fault(both.span().start, "items", "either \"item\" or \"items\", not both"))
            }
            (Some(_), None) => Ok(vec![self.one_item()?]),
            (None, Some(value)) => {
                let list = value.get_ref().as_array().filter(|l| !l.is_empty());
                let Some(list) = list else {
                    return Err(self.fault(value.span().start, "items", "must be a list of question keys"));
                };
                let mut items = Vec::new();
                for element in list {
                    let item = self.column(element, "items")?;
                    if items.contains(&item) {
                        return Err(self.fault(element.span().start, "items", format!("\"{item}\" stands twice")));
                    }
                    items.push(item);
                }
                Ok(items)
            }
            (None, None) => Err(self.fault(self.span.start, "item", "is missing (or \"items\")")),
        }
    }

    fn one_item(&mut self) -> Result<String, IndicatorError> {
        match self.table.get("item") {
            Some(value) => self.column(value, "item"),
            None => Err(self.fault(self.span.start, "item", "is missing")),
        }
    }

    /// A column name; its place is remembered for messages about the data.
    fn column(&mut self, value: &Spanned<DeValue<'_>>, key: &str) -> Result<String, IndicatorError> {
        let name = value.get_ref().as_str().filter(|s| !s.trim().is_empty());
        let Some(name) = name else {
            return Err(self.fault(value.span().start, key, "must be a question key in quotation marks"));
        };
        self.remember(name, value.span().start);
        Ok(name.to_owned())
    }

    fn remember(&mut self, column: &str, at: usize) {
        let place = self.source.place(at);
        self.places.entry((self.id.to_owned(), column.to_owned())).or_insert(place);
    }

    fn base(&mut self) -> Result<Base, IndicatorError> {
        let mut base = Base::default();
        let Some(value) = self.table.get("base") else { return Ok(base) };
        let Some(table) = value.get_ref().as_table() else {
            return Err(self.fault(value.span().start, "base", "must be a table: { contact = [1] }"));
        };
        for (key, value) in table {
            let name: &str = key.get_ref();
            let at = value.span().start;
            if name == "sme" {
                match value.get_ref().as_bool() {
                    Some(true) => base.sme = true,
                    _ => return Err(self.fault(at, "base.sme", "must be true (leave it out otherwise)")),
                }
                continue;
            }
            let list = value.get_ref().as_array().filter(|l| !l.is_empty());
            let Some(list) = list else {
                return Err(self.fault(at, &format!("base.{name}"), "must be a list of values"));
            };
            let mut values = Vec::new();
            for element in list {
                values.push(match element.get_ref() {
                    DeValue::String(s) => s.to_string(),
                    DeValue::Integer(_) => self.code(element, &format!("base.{name}"))?.to_string(),
                    _ => {
                        let problem = "values are whole numbers or texts in quotation marks";
                        return Err(self.fault(element.span().start, &format!("base.{name}"), problem));
                    }
                });
            }
            values.sort();
            values.dedup();
            self.remember(name, key.span().start);
            base.columns.insert(name.to_owned(), values);
        }
        Ok(base)
    }

    fn target(&self) -> Result<Option<Target>, IndicatorError> {
        let Some(value) = self.table.get("target") else { return Ok(None) };
        let Some(table) = value.get_ref().as_table() else {
            return Err(self.fault(
                value.span().start,
                "target",
                "must be a table: { kind = \"raise\", from = …, by = … }",
            ));
        };
        let missing = |key: &str| self.fault(value.span().start, &format!("target.{key}"), "is missing");
        let kind = table.get("kind").ok_or_else(|| missing("kind"))?;
        let allowed: &[&str] = match kind.get_ref().as_str() {
            Some("raise") => &[],
            Some("keep") => &["margin", "at_least"],
            Some("reach") => &["value"],
            _ => return Err(self.fault(kind.span().start, "target.kind", "must be raise, keep or reach")),
        };
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !["kind", "from", "by"].contains(&name) && !allowed.contains(&name) {
                return Err(self.fault(
                    key.span().start,
                    &format!("target.{name}"),
                    "unknown key for this kind of target",
                ));
            }
        }
        let year = |key: &str| {
            let value = table.get(key).ok_or_else(|| missing(key))?;
            self.year(value, &format!("target.{key}"))
        };
        let number = |key: &str| table.get(key).map(|v| self.number(v, &format!("target.{key}"))).transpose();
        let (from, by) = (year("from")?, year("by")?);
        if by <= from {
            return Err(self.fault(value.span().start, "target.by", "must lie after \"from\""));
        }
        let goal = match kind.get_ref().as_str() {
            Some("keep") => {
                let margin = number("margin")?.ok_or_else(|| missing("margin"))?;
                if margin <= 0.0 {
                    return Err(self.fault(value.span().start, "target.margin", "must be above 0"));
                }
                Goal::Keep { margin, at_least: number("at_least")? }
            }
            Some("reach") => Goal::Reach { value: number("value")?.ok_or_else(|| missing("value"))? },
            _ => Goal::Raise,
        };
        Ok(Some(Target { from, by, goal }))
    }

    fn title(&self, value: &Spanned<DeValue<'_>>) -> Result<Texts, IndicatorError> {
        let at = value.span().start;
        let Some(table) = value.get_ref().as_table() else {
            return Err(self.fault(at, "title", "must be a table: { da = \"…\", sv = \"…\", en = \"…\" }"));
        };
        if let Some(key) = table.keys().find(|k| !["da", "sv", "en"].contains(&k.get_ref().as_ref())) {
            return Err(self.fault(key.span().start, &format!("title.{}", key.get_ref()), "unknown language"));
        }
        let text = |language: &str| {
            let text = table.get(language).and_then(|v| v.get_ref().as_str()).filter(|s| !s.trim().is_empty());
            text.map(str::to_owned).ok_or_else(|| self.fault(at, &format!("title.{language}"), "is missing"))
        };
        Ok(Texts { da: text("da")?, sv: text("sv")?, en: text("en")? })
    }

    fn scale(&self) -> Result<Option<[f64; 2]>, IndicatorError> {
        let Some(value) = self.table.get("scale") else { return Ok(None) };
        let at = value.span().start;
        let ends = value.get_ref().as_array().map(|l| l.iter().collect::<Vec<_>>());
        let Some([low, high]) = ends.as_deref() else {
            return Err(self.fault(at, "scale", "must be [lowest, highest]"));
        };
        let (low, high) = (self.number(low, "scale")?, self.number(high, "scale")?);
        if low >= high {
            return Err(self.fault(at, "scale", "the lowest point comes first"));
        }
        Ok(Some([low, high]))
    }

    fn codes(&self, key: &str, scale: Option<[f64; 2]>) -> Result<Vec<i64>, IndicatorError> {
        let Some(value) = self.table.get(key) else {
            return Err(self.fault(self.span.start, key, "is missing"));
        };
        let list = value.get_ref().as_array().filter(|l| !l.is_empty());
        let Some(list) = list else {
            return Err(self.fault(value.span().start, key, "must be a list of whole numbers"));
        };
        let mut codes = Vec::new();
        for element in list {
            let code = self.code(element, key)?;
            #[expect(clippy::cast_precision_loss, reason = "codes are small whole numbers")]
            if let Some([low, high]) = scale
                && !(low..=high).contains(&(code as f64))
            {
                return Err(self.fault(
                    element.span().start,
                    key,
                    format!("{code} lies outside the scale {low}–{high}"),
                ));
            }
            codes.push(code);
        }
        codes.sort_unstable();
        codes.dedup();
        Ok(codes)
    }

    fn years(&self, key: &str) -> Result<Vec<i32>, IndicatorError> {
        let Some(value) = self.table.get(key) else { return Ok(Vec::new()) };
        let Some(list) = value.get_ref().as_array() else {
            return Err(self.fault(value.span().start, key, "must be a list of years"));
        };
        list.iter().map(|v| self.year(v, key)).collect()
    }

    fn year(&self, value: &Spanned<DeValue<'_>>, key: &str) -> Result<i32, IndicatorError> {
        let year = self.code(value, key)?;
        let year = i32::try_from(year).ok().filter(|y| (1900..=2200).contains(y));
        year.ok_or_else(|| self.fault(value.span().start, key, "is not a year"))
    }

    fn code(&self, value: &Spanned<DeValue<'_>>, key: &str) -> Result<i64, IndicatorError> {
        let number = value.get_ref().as_integer().and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok());
        number.ok_or_else(|| self.fault(value.span().start, key, "must be a whole number"))
    }

    fn number(&self, value: &Spanned<DeValue<'_>>, key: &str) -> Result<f64, IndicatorError> {
        let number = match value.get_ref() {
            DeValue::Float(f) => f.as_str().parse().ok(),
            DeValue::Integer(i) if i.radix() == 10 => i.as_str().parse().ok(),
            _ => None,
        };
        number.filter(|n: &f64| n.is_finite()).ok_or_else(|| self.fault(value.span().start, key, "must be a number"))
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, IndicatorError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let flag = value.get_ref().as_bool();
        flag.map(Some).ok_or_else(|| self.fault(value.span().start, key, "must be true or false"))
    }

    fn text(&self, key: &str) -> Result<Option<String>, IndicatorError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let text = value.get_ref().as_str().map(str::to_owned);
        text.map(Some).ok_or_else(|| self.fault(value.span().start, key, "must be a text in quotation marks"))
    }

    /// A word out of a closed list.
    fn word<T: serde::de::DeserializeOwned>(&self, key: &str, choices: &str) -> Result<Option<T>, IndicatorError> {
        let Some(value) = self.table.get(key) else { return Ok(None) };
        let word = value.get_ref().as_str().unwrap_or_default();
        let parsed = serde_json::from_value(serde_json::Value::from(word));
        parsed.map(Some).map_err(|_| self.fault(value.span().start, key, format!("must be {choices}")))
    }

    fn at(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.span.start, |v| v.span().start)
    }
}

/// Twelve hexadecimal digits over what changes the figure.
fn formula_version(measure: &Measure, base: &Base, weight_by: WeightBy) -> String {
    let canonical = serde_json::json!({ "measure": measure, "base": base, "weight_by": weight_by });
    let digest = Sha256::digest(canonical.to_string().as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NKI: &str =
        "[[indicator]]\nid = \"nki\"\nkind = \"index\"\nitems = [\"q1\", \"q2\", \"q3\"]\nscale = [1, 10]\n";

    fn fault(text: &str) -> String {
        Definitions::parse("indicators.toml", text).expect_err("the definition is faulty").to_string()
    }

    #[test]
    fn the_format_of_the_contract_is_read() {
        let text = r#"
[[indicator]]
id = "service_satisfied"
kind = "share"
item = "service"
values = [5, 4]
base = { contact = [1], size = ["10-49", "2-9"], sme = true }
better = "higher"
breaks = [2025]
[[indicator]]
id = "content"
kind = "share"
of = "nki"
at_least = 60
[[indicator]]
id = "nki"
kind = "index"
items = ["q1", "q2", "q3"]
scale = [1, 10]
answered = "half"
headline = true
title = { da = "Indeks", sv = "Index", en = "Index" }
target = { kind = "keep", from = 2023, by = 2027, margin = 3, at_least = 62.5 }
[[indicator]]
id = "green"
kind = "share"
items = ["g1", "g2"]
values = [3, 4]
any = true
[[indicator]]
id = "outlook"
kind = "balance"
item = "outlook"
positive = [3]
negative = [1]
[[indicator]]
id = "nps"
kind = "nps"
item = "recommend"
"#;
        let read = Definitions::parse("indicators.toml", text).unwrap();
        let ids: Vec<&str> = read.indicators.iter().map(|i| i.id.as_str()).collect();
        assert_eq!(ids, ["service_satisfied", "content", "nki", "green", "outlook", "nps"]);
        let service = read.get("service_satisfied").unwrap();
        assert_eq!(service.base.columns["size"], ["10-49", "2-9"]);
        assert_eq!(service.base.columns["contact"], ["1"]);
        assert!(service.base.sme);
        assert!(!service.comparable(2024, 2025) && service.comparable(2025, 2026) && service.comparable(2023, 2024));
        let nki = read.get("nki").unwrap();
        assert!(nki.headline);
        assert_eq!(
            nki.target,
            Some(Target { from: 2023, by: 2027, goal: Goal::Keep { margin: 3.0, at_least: Some(62.5) } })
        );
        assert_eq!(read.get("content").unwrap().measure.items(), ["q1", "q2", "q3"]);
        assert_eq!(read.place("service_satisfied", "service"), Some(Place { line: 5, column: 8 }));
        assert_eq!(read.place("service_satisfied", "contact"), Some(Place { line: 7, column: 10 }));
        assert_eq!(read.scales()["q2"], [1.0, 10.0]);
    }

    #[test]
    fn a_question_that_measures_something_else_breaks_the_series_made_of_it() {
        let mut marked = Definitions::shipped();
        let before = marked.clone();
        marked.mark_breaks(&BTreeMap::from([(2027, BTreeSet::from(["nki_ideal".to_owned()]))]));
        for (was, is) in before.indicators.iter().zip(&marked.indicators) {
            let made_of_it = was.measure.items().iter().any(|item| item == "nki_ideal");
            assert_eq!(was.comparable(2026, 2027) && !is.comparable(2026, 2027), made_of_it, "{}", is.id);
            assert!(was.comparable(2025, 2026) == is.comparable(2025, 2026));
        }
        assert!(marked.indicators.iter().any(|i| i.breaks == [2027]));
    }

    #[test]
    fn the_shipped_indicators_are_sound() {
        let shipped = Definitions::shipped();
        assert!(shipped.indicators.iter().any(|i| i.headline));
        for indicator in &shipped.indicators {
            assert_ne!(indicator.title.da, indicator.id, "{} has no title", indicator.id);
            for item in indicator.measure.items().iter().chain(indicator.base.columns.keys()) {
                assert!(shipped.place(&indicator.id, item).is_some(), "{}: {item} has no place", indicator.id);
            }
        }
    }

    #[test]
    fn a_fault_is_named_with_file_line_column_indicator_and_key() {
        let cases = [
            (format!("{NKI}colour = 3\n"), "indicators.toml:6:1: indicator \"nki\": colour: unknown key for this kind"),
            (
                NKI.replace("index", "median"),
                "indicators.toml:3:8: indicator \"nki\": kind: must be index, mean, share, balance or nps",
            ),
            (
                NKI.replace("scale = [1, 10]\n", ""),
                "indicators.toml:1:1: indicator \"nki\": scale: is missing: [lowest, highest]",
            ),
            (
                NKI.replace("[1, 10]", "[10, 1]"),
                "indicators.toml:5:9: indicator \"nki\": scale: the lowest point comes first",
            ),
            (format!("{NKI}{NKI}"), "indicators.toml:6:1: indicator \"nki\": id: stands twice in this file"),
            (
                format!("{NKI}title = {{ da = \"x\" }}\n"),
                "indicators.toml:6:9: indicator \"nki\": title.sv: is missing",
            ),
            (
                "[[indicator]]\nid = \"a\"\nkind = \"share\"\nof = \"b\"\nat_least = 1\n".into(),
                "indicators.toml:4:6: indicator \"a\": of: there is no indicator \"b\"",
            ),
            (
                "[[indicator]]\nid = \"a\"\nkind = \"share\"\nitems = [\"x\", \"y\"]\nvalues = [1]\n".into(),
                "indicators.toml:4:9: indicator \"a\": any: several items need any = true (at least one of them)",
            ),
            (
                "[[indicator]]\nid = \"a\"\nkind = \"share\"\nitem = \"x\"\nscale = [1, 5]\nvalues = [4, 6]\n".into(),
                "indicators.toml:6:14: indicator \"a\": values: 6 lies outside the scale 1–5",
            ),
            (
                format!("{NKI}target = {{ kind = \"keep\", from = 2023, by = 2027 }}"),
                "indicators.toml:6:10: indicator \"nki\": target.margin: is missing",
            ),
            (
                "title = 3\n".into(),
                "indicators.toml:1:1: title: unknown key; the file holds [[indicator]] entries only",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(fault(&text), expected);
        }
        assert!(fault("[[indicator]\n").starts_with("indicators.toml:1:"));
    }

    #[test]
    fn one_item_has_one_scale() {
        let text = format!("{NKI}[[indicator]]\nid = \"m\"\nkind = \"mean\"\nitem = \"q2\"\nscale = [1, 5]\n");
        assert_eq!(
            fault(&text),
            "indicators.toml:9:8: indicator \"m\": scale: \"q2\" has another scale here than in indicator \"nki\""
        );
    }

    #[test]
    fn the_formula_version_follows_the_figure_and_nothing_else() {
        let version = |text: &str| Definitions::parse("f", text).unwrap().indicators[0].formula_version.clone();
        let plain = version(NKI);
        assert_eq!(plain.len(), 12);
        assert_eq!(plain, version(&format!("{NKI}headline = true\nsource = \"x\"\nanswered = \"half\"\n")));
        assert_ne!(plain, version(&format!("{NKI}answered = \"all\"\n")));
        assert_ne!(plain, version(&format!("{NKI}base = {{ contact = [1] }}\n")));
        assert_ne!(plain, version(&NKI.replace("10]", "11]")));
    }

    #[test]
    fn scores_follow_the_definition() {
        use Answer::{Blank, DontKnow, NotRelevant, Value};
        let index = Measure::Index { items: vec![], scale: [1.0, 10.0], answered: Answered::Half };
        assert_eq!(index.score(&[Value(10.0), Value(1.0), Blank]), Score::Value(50.0));
        assert_eq!(index.score(&[Value(10.0), DontKnow, Blank]), Score::Missing);
        assert_eq!(index.score(&[NotRelevant, NotRelevant, NotRelevant]), Score::Outside);
        let share = Measure::Share { items: vec![], values: vec![3, 4], scale: None, answered: Answered::Half };
        assert_eq!(share.score(&[Value(1.0), NotRelevant, NotRelevant]), Score::Value(0.0));
        assert_eq!(share.score(&[Value(4.0), Value(1.0)]), Score::Value(1.0));
        assert_eq!(share.score(&[DontKnow]), Score::Missing);
        let at_least = Measure::ShareAtLeast { of: "i".into(), measure: Box::new(index), threshold: 70.0 };
        // (7.3 − 1)/9·100 is 69.99999999999999 in binary.
        assert_eq!(at_least.score(&[Value(7.3), Value(7.3), Value(7.3)]), Score::Value(1.0));
        let balance = Measure::Balance { item: "o".into(), positive: vec![3], negative: vec![1], scale: None };
        assert_eq!(balance.score(&[Value(1.0)]), Score::Value(-1.0));
        let nps = Measure::Nps { item: "r".into() };
        assert_eq!([9.0, 7.0, 6.0].map(|v| nps.score(&[Value(v)])), [100.0, 0.0, -100.0].map(Score::Value));
    }
}
