//! What municipalities exchange: a publication's figures exactly as they were shown, no digit more, and how two such packages compare.
//!
//! A package is made of what everybody could read on the page: rounded figures, suppressed cells, public initiatives. Answers, weights
//! and standard errors never travel. Comparing works on the same rounded figures on both sides, widened by half the last digit.
use serde::{Deserialize, Serialize};

use crate::indicator::{Better, Kind};
use crate::initiatives::Standing;
use crate::insight::{ThemeInfo, ThemePart};
use crate::language::{Country, Language, Texts};
use crate::municipality::Municipality;
use crate::printed::Printed;
use crate::results::{ALL, EstimateRow, Report, State, TOTAL, Verdict};

/// The version of the format. A reader refuses what it does not know.
pub const FORMAT: u32 = 1;

/// What stands at the head of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageHead {
    /// Version of the format.
    pub format: u32,
    /// Full name of the municipality.
    pub municipality: String,
    /// Its short name.
    pub slug: String,
    /// Its country.
    pub country: Country,
    /// The year that opens the publication.
    pub year: i32,
    /// Version within the year.
    pub version: i64,
    /// Day of publication, `yyyy-mm-dd`.
    pub published_on: String,
    /// The publication's title.
    pub title: String,
    /// Version of the program that computed the figures.
    pub program: String,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
    /// The sector grouping: its key, or the hash of one's own.
    pub sectors: String,
}

/// An indicator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackageIndicator {
    /// Stable id.
    pub id: String,
    /// Kind, which fixes the unit.
    pub kind: Kind,
    /// Lower end of its scale.
    pub scale_from: f64,
    /// Upper end of its scale.
    pub scale_to: f64,
    /// Direction.
    pub better: Better,
    /// One of the few that open the report.
    pub headline: bool,
    /// Title in Danish.
    pub title_da: String,
    /// Title in Swedish.
    pub title_sv: String,
    /// Title in English.
    pub title_en: String,
    /// Version of the formula: a hash of the definition.
    pub formula_version: String,
    /// Years not comparable with earlier ones, with blanks between them.
    pub breaks: String,
}

impl PackageIndicator {
    /// The title in a language.
    #[must_use]
    pub fn title(&self, language: Language) -> &str {
        in_language(language, [&self.title_da, &self.title_sv, &self.title_en])
    }
}

/// A group of a breakdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageGroup {
    /// `sector`, `size`, …
    pub domain: String,
    /// Its key.
    pub group: String,
    /// Title in Danish.
    pub title_da: String,
    /// Title in Swedish.
    pub title_sv: String,
    /// Title in English.
    pub title_en: String,
}

impl PackageGroup {
    /// The title in a language.
    #[must_use]
    pub fn title(&self, language: Language) -> &str {
        in_language(language, [&self.title_da, &self.title_sv, &self.title_en])
    }
}

/// A figure as it was shown: percentages as percentages, with the decimals of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageFigure {
    /// Indicator id.
    pub indicator: String,
    /// Year.
    pub year: i32,
    /// `total` or a breakdown.
    pub domain: String,
    /// Key of the group; `all` for the total.
    pub group: String,
    /// Answers.
    pub n: u64,
    /// Businesses in the frame.
    pub n_frame: Option<u64>,
    /// The figure; empty where it is hidden.
    pub value: String,
    /// Half its 95 % interval.
    pub margin: String,
    /// May it be shown?
    pub state: State,
}

/// A change as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageChange {
    /// Indicator id.
    pub indicator: String,
    /// Earlier year.
    pub year_from: i32,
    /// Later year.
    pub year_to: i32,
    /// `total` or a breakdown.
    pub domain: String,
    /// Key of the group.
    pub group: String,
    /// The difference; empty where it is hidden.
    pub change: String,
    /// Half its 95 % interval.
    pub margin: String,
    /// What can be said.
    pub verdict: Verdict,
}

/// Who answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageCoverage {
    /// Year.
    pub year: i32,
    /// `total` or a breakdown.
    pub domain: String,
    /// Key of the group.
    pub group: String,
    /// Businesses in the frame.
    pub n_frame: u64,
    /// Businesses that answered.
    pub n_answered: u64,
}

/// The share of those asked that wrote about a theme, as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageTheme {
    /// Key of the theme.
    pub theme: String,
    /// Title in Danish.
    pub title_da: String,
    /// Title in Swedish.
    pub title_sv: String,
    /// Title in English.
    pub title_en: String,
    /// Year.
    pub year: i32,
    /// Businesses asked.
    pub n: u64,
    /// The share in percent; empty where it is hidden.
    pub value: String,
    /// Half its 95 % interval.
    pub margin: String,
    /// May it be shown?
    pub state: State,
    /// Version of the codebook: shares compare only where it is the same.
    pub codebook: u32,
}

/// A public initiative: "erfarenheter och goda exempel".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageInitiative {
    /// Title in Danish.
    pub title_da: String,
    /// Title in Swedish.
    pub title_sv: String,
    /// Title in English.
    pub title_en: String,
    /// What is done, in Danish.
    pub description_da: String,
    /// In Swedish.
    pub description_sv: String,
    /// In English.
    pub description_en: String,
    /// Key of the shared theme.
    pub theme: String,
    /// `idea`, `active`, `done`, `stopped`.
    pub state: String,
    /// The group that is responsible; persons are not named.
    pub owner: String,
    /// Start, `yyyy-mm-dd`.
    pub starts_on: String,
    /// The year by which it shall show.
    pub horizon: Option<i32>,
    /// Indicators it shall move, with blanks between them.
    pub indicators: String,
}

impl PackageInitiative {
    /// Title and description in a language.
    #[must_use]
    pub fn texts(&self, language: Language) -> (&str, &str) {
        (
            in_language(language, [&self.title_da, &self.title_sv, &self.title_en]),
            in_language(language, [&self.description_da, &self.description_sv, &self.description_en]),
        )
    }
}

/// A publication as it leaves the house.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Package {
    /// Whose, when, which version.
    pub head: PackageHead,
    /// Indicators in reading order.
    pub indicators: Vec<PackageIndicator>,
    /// Groups in reading order.
    pub groups: Vec<PackageGroup>,
    /// All figures.
    pub figures: Vec<PackageFigure>,
    /// All changes.
    pub changes: Vec<PackageChange>,
    /// Who answered.
    pub coverage: Vec<PackageCoverage>,
    /// What businesses write about; packages made before themes travelled have none.
    #[serde(default)]
    pub themes: Vec<PackageTheme>,
    /// Public initiatives.
    pub initiatives: Vec<PackageInitiative>,
}

fn in_language(language: Language, [da, sv, en]: [&String; 3]) -> &str {
    match language {
        Language::Da => da,
        Language::Sv => sv,
        Language::En => en,
    }
}

/// A rule that a package does not keep; with the place of the figure: indicator, year, breakdown and group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokenRule {
    /// It has another format.
    #[error("the package has format {0}, this program reads format {FORMAT}")]
    Format(u32),
    /// A figure is of an indicator that is not described.
    #[error("{0}: the package does not describe this indicator")]
    Undescribed(String),
    /// A hidden figure has a value.
    #[error("{0}: a hidden figure has a value")]
    Uncovered(String),
    /// A figure from too few answers is not hidden.
    #[error("{0}: a figure from {1} answers must be hidden")]
    TooFew(String, u64),
    /// A figure is no number.
    #[error("{0}: the figure is no number")]
    NoNumber(String),
}

/// Which publication is packed.
#[derive(Debug, Clone, Copy)]
pub struct Edition<'a> {
    /// Title.
    pub title: &'a str,
    /// Version within the year.
    pub version: i64,
    /// Day of publication, `yyyy-mm-dd`.
    pub published_on: &'a str,
    /// Everything beside figures as it stood that day.
    pub standing: Option<&'a Standing>,
}

impl Package {
    /// Packs a publication: what is shown, as it is shown, and nothing else.
    #[must_use]
    pub fn of(municipality: &Municipality, report: &Report, edition: Edition<'_>) -> Self {
        let kind = |id: &str| report.indicators.iter().find(|i| i.id == id).map(|i| i.kind);
        let indicators = report.indicators.iter().map(|i| PackageIndicator {
            id: i.id.clone(),
            kind: i.kind,
            scale_from: i.range[0],
            scale_to: i.range[1],
            better: i.better,
            headline: i.headline,
            title_da: i.title.da.clone(),
            title_sv: i.title.sv.clone(),
            title_en: i.title.en.clone(),
            formula_version: i.formula_version.clone(),
            breaks: i.breaks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        });
        let groups = report.breakdowns.iter().flat_map(|b| {
            b.groups.iter().map(|g| PackageGroup {
                domain: b.domain.clone(),
                group: g.key.clone(),
                title_da: g.title.da.clone(),
                title_sv: g.title.sv.clone(),
                title_en: g.title.en.clone(),
            })
        });
        let changes = report.changes.iter().filter_map(|row| {
            let kind = kind(&row.indicator)?;
            let n = row.n_from.min(row.n_to);
            let shown = matches!(row.verdict, Verdict::Up | Verdict::Down | Verdict::Unclear);
            let change = row.change.filter(|_| shown).and_then(|c| Printed::difference(kind, c, n));
            let margin = row.interval.filter(|_| change.is_some()).and_then(|i| Printed::margin(kind, i, n));
            Some(PackageChange {
                indicator: row.indicator.clone(),
                year_from: row.year_from,
                year_to: row.year_to,
                domain: row.domain.clone(),
                group: row.group.clone(),
                change: digits(change),
                margin: digits(margin),
                verdict: row.verdict,
            })
        });
        let coverage = report.coverage.iter().map(|row| PackageCoverage {
            year: row.year,
            domain: row.domain.clone(),
            group: row.group.clone(),
            n_frame: row.n_frame,
            n_answered: row.n_answered,
        });
        Self {
            head: PackageHead {
                format: FORMAT,
                municipality: municipality.name.clone(),
                slug: municipality.slug.clone(),
                country: municipality.country,
                year: report.years.last().copied().unwrap_or_default(),
                version: edition.version,
                published_on: edition.published_on.to_owned(),
                title: edition.title.to_owned(),
                program: report.provenance.version.clone(),
                threshold: municipality.settings.threshold.max(5),
                sectors: grouping(municipality),
            },
            indicators: indicators.collect(),
            groups: groups.collect(),
            figures: report.estimates.iter().filter_map(|row| Some(figure(kind(&row.indicator)?, row))).collect(),
            changes: changes.collect(),
            coverage: coverage.collect(),
            themes: report.insight.themes.as_ref().map(themes).unwrap_or_default(),
            initiatives: edition.standing.map(initiatives).unwrap_or_default(),
        }
    }

    /// The figure of an indicator in a year for a group.
    #[must_use]
    pub fn figure(&self, indicator: &str, year: i32, domain: &str, group: &str) -> Option<&PackageFigure> {
        self.figures
            .iter()
            .find(|f| f.indicator == indicator && f.year == year && f.domain == domain && f.group == group)
    }

    /// Years in which an indicator was measured, newest first.
    fn years_of(&self, indicator: &str) -> Vec<i32> {
        let total = self.figures.iter().filter(|f| f.indicator == indicator && f.domain == TOTAL);
        let mut years: Vec<i32> = total.map(|f| f.year).collect();
        years.sort_unstable_by(|a, b| b.cmp(a));
        years
    }

    /// What is wrong with the words and numbers of a package that came from elsewhere; `None`: nothing.
    #[must_use]
    pub fn fault(&self) -> Option<BrokenRule> {
        if self.head.format != FORMAT {
            return Some(BrokenRule::Format(self.head.format));
        }
        let is_number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
        for f in &self.figures {
            let place = format!("{} {} {} {}", f.indicator, f.year, f.domain, f.group);
            if self.indicators.iter().all(|i| i.id != f.indicator) {
                return Some(BrokenRule::Undescribed(place));
            }
            if f.state.is_hidden() && !(f.value.is_empty() && f.margin.is_empty()) {
                return Some(BrokenRule::Uncovered(place));
            }
            if !f.value.is_empty() && f.n < u64::from(self.head.threshold.max(5)) {
                return Some(BrokenRule::TooFew(place, f.n));
            }
            if [&f.value, &f.margin].into_iter().any(|text| !text.is_empty() && !is_number(text)) {
                return Some(BrokenRule::NoNumber(place));
            }
        }
        for t in &self.themes {
            let place = format!("{} {}", t.theme, t.year);
            if t.state.is_hidden() && !(t.value.is_empty() && t.margin.is_empty()) {
                return Some(BrokenRule::Uncovered(place));
            }
            if [&t.value, &t.margin].into_iter().any(|text| !text.is_empty() && !is_number(text)) {
                return Some(BrokenRule::NoNumber(place));
            }
        }
        None
    }
}

/// The fingerprint of a public key (hexadecimal digits), as two people read it to each other: eight groups of four.
#[must_use]
pub fn fingerprint(public_key: &str) -> String {
    use sha2::Digest as _;
    let key = data_encoding::HEXLOWER_PERMISSIVE.decode(public_key.as_bytes()).unwrap_or_default();
    let digits = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(&key)[..16]);
    let groups: Vec<&str> = digits.as_bytes().chunks(4).filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(" ")
}

/// The grouping of sectors by which two packages tell whether their sectors are the same.
fn grouping(municipality: &Municipality) -> String {
    use sha2::Digest as _;
    match &municipality.settings.own_grouping {
        None => municipality.settings.grouping.clone(),
        Some(own) => {
            let hash = sha2::Sha256::digest(own.text.as_bytes());
            format!("own:{}", data_encoding::HEXLOWER.encode(&hash[..8]))
        }
    }
}

fn digits(printed: Option<Printed>) -> String {
    printed.map_or_else(String::new, |p| format!("{:.*}", p.decimals, p.value))
}

fn figure(kind: Kind, row: &EstimateRow) -> PackageFigure {
    let n = row.estimate.n;
    let value = row.estimate.value.filter(|_| !row.state.is_hidden()).and_then(|v| Printed::figure(kind, v, n));
    let margin = row.estimate.interval.filter(|_| value.is_some()).and_then(|i| Printed::margin(kind, i, n));
    PackageFigure {
        indicator: row.indicator.clone(),
        year: row.year,
        domain: row.domain.clone(),
        group: row.group.clone(),
        n,
        n_frame: row.n_frame,
        value: digits(value),
        margin: digits(margin),
        state: row.state,
    }
}

/// Shares of themes over all years coded to the end; a theme on which readers disagreed has none.
fn themes(part: &ThemePart) -> Vec<PackageTheme> {
    let row = |theme: &ThemeInfo, year: i32| {
        let row = part.share(&theme.key, year)?;
        let n = row.estimate.n;
        let shown = row.estimate.value.filter(|_| !row.state.is_hidden());
        let value = shown.and_then(|v| Printed::figure(Kind::Share, v, n));
        let margin = row.estimate.interval.filter(|_| value.is_some()).and_then(|i| Printed::margin(Kind::Share, i, n));
        Some(PackageTheme {
            theme: theme.key.clone(),
            title_da: theme.title.da.clone(),
            title_sv: theme.title.sv.clone(),
            title_en: theme.title.en.clone(),
            year,
            n,
            value: digits(value),
            margin: digits(margin),
            state: row.state,
            codebook: part.codebook_version,
        })
    };
    let years: Vec<i32> = part.years.iter().filter(|y| y.is_complete()).map(|y| y.year).collect();
    let agreed = part.themes.iter().filter(|t| !t.disagreed);
    agreed.flat_map(|theme| years.iter().filter_map(move |year| row(theme, *year))).collect()
}

fn initiatives(standing: &Standing) -> Vec<PackageInitiative> {
    let themes = standing.clone();
    let public = standing.clone().public().initiatives.into_iter();
    public
        .map(|i| {
            let Texts { da, sv, en } = i.plan.title.clone();
            PackageInitiative {
                title_da: da,
                title_sv: sv,
                title_en: en,
                description_da: i.plan.description.da.clone(),
                description_sv: i.plan.description.sv.clone(),
                description_en: i.plan.description.en.clone(),
                theme: themes.area(i.plan.focus_area.as_deref()).map(|a| a.theme.clone()).unwrap_or_default(),
                state: i.state.as_str().to_owned(),
                owner: i.plan.owner.name().to_owned(),
                starts_on: i.plan.starts_on.clone().unwrap_or_default(),
                horizon: i.plan.horizon,
                indicators: i.plan.indicators.join(" "),
            }
        })
        .collect()
}

/// Two packages beside each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Indicators that both measure with the same formula.
    pub shared: Vec<Shared>,
    /// Indicators that are not compared, with the reason.
    pub apart: Vec<Apart>,
    /// Are sectors the same groups on both sides?
    pub same_sectors: bool,
}

/// An indicator that both measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shared {
    /// The indicator, as the first package names it.
    pub indicator: PackageIndicator,
    /// The latest year that both measured.
    pub year: i32,
    /// All businesses.
    pub total: Pair,
    /// Sector by sector, in the first package's order; empty where sectors differ.
    pub sectors: Vec<(PackageGroup, Pair)>,
}

/// One figure on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// Here.
    pub own: Option<PackageFigure>,
    /// There.
    pub other: Option<PackageFigure>,
    /// Here minus there, where both are shown.
    pub difference: Option<Printed>,
    /// Half the difference's 95 % interval.
    pub margin: Option<Printed>,
    /// What can be said.
    pub verdict: PairVerdict,
}

/// What can be said of two figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PairVerdict {
    /// Higher here, beyond the uncertainty.
    Higher,
    /// Lower here, beyond the uncertainty.
    Lower,
    /// No clear difference. Never "equal".
    Unclear,
    /// A figure is hidden, or not there.
    Hidden,
}

/// An indicator that is not compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Apart {
    /// The indicator.
    pub indicator: PackageIndicator,
    /// Why.
    pub reason: ApartReason,
}

/// Why an indicator is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApartReason {
    /// Only here.
    OnlyOwn,
    /// Only there.
    OnlyOther,
    /// The same id, another formula.
    Formula,
    /// No year that both measured.
    Year,
}

/// Holds two packages against each other, on shared indicators only.
///
/// A difference counts beyond the uncertainty at p < 0.05: adjusted by Holm over the totals, by Benjamini and Hochberg over the sectors
/// of one indicator, as changes over time are.
#[must_use]
pub fn compare(own: &Package, other: &Package) -> Comparison {
    let same_sectors = own.head.sectors == other.head.sectors;
    let (mut shared, mut apart) = (Vec::new(), Vec::new());
    for indicator in &own.indicators {
        let mut put = |reason| apart.push(Apart { indicator: indicator.clone(), reason });
        let Some(theirs) = other.indicators.iter().find(|i| i.id == indicator.id) else {
            put(ApartReason::OnlyOwn);
            continue;
        };
        if theirs.formula_version != indicator.formula_version || theirs.kind != indicator.kind {
            put(ApartReason::Formula);
            continue;
        }
        let years = other.years_of(&indicator.id);
        let Some(year) = own.years_of(&indicator.id).into_iter().find(|y| years.contains(y)) else {
            put(ApartReason::Year);
            continue;
        };
        let pair = |domain: &str, group: &str| {
            let of = |package: &Package| package.figure(&indicator.id, year, domain, group).cloned();
            Pair::of(indicator.kind, of(own), of(other))
        };
        let groups = own.groups.iter().filter(|g| g.domain == "sector" && same_sectors);
        let mut sectors: Vec<(PackageGroup, Pair)> = groups.map(|g| (g.clone(), pair("sector", &g.group))).collect();
        let p: Vec<Option<f64>> = sectors.iter().map(|(_, pair)| pair.p()).collect();
        for ((_, pair), adjusted) in sectors.iter_mut().zip(adjusted(&p, false)) {
            pair.judge(adjusted);
        }
        shared.push(Shared { indicator: indicator.clone(), year, total: pair(TOTAL, ALL), sectors });
    }
    let p: Vec<Option<f64>> = shared.iter().map(|s| s.total.p()).collect();
    for (shared, adjusted) in shared.iter_mut().zip(adjusted(&p, true)) {
        shared.total.judge(adjusted);
    }
    let theirs = other.indicators.iter().filter(|i| own.indicators.iter().all(|o| o.id != i.id));
    apart.extend(theirs.map(|i| Apart { indicator: i.clone(), reason: ApartReason::OnlyOther }));
    Comparison { shared, apart, same_sectors }
}

impl Pair {
    fn of(kind: Kind, own: Option<PackageFigure>, other: Option<PackageFigure>) -> Self {
        let number = |text: &str| text.parse::<f64>().ok().filter(|v| v.is_finite());
        let read = |f: &Option<PackageFigure>| {
            let f = f.as_ref()?;
            let places = f.value.split_once('.').map_or(0, |(_, part)| part.len());
            Some((number(&f.value)?, number(&f.margin)?, places))
        };
        let mut pair = Self { own, other, difference: None, margin: None, verdict: PairVerdict::Hidden };
        if let (Some((a, a_margin, a_places)), Some((b, b_margin, b_places))) = (read(&pair.own), read(&pair.other)) {
            let half = |places: usize| 0.5 / 10_f64.powi(i32::try_from(places).unwrap_or(0));
            let margin = (a_margin + half(a_places)).hypot(b_margin + half(b_places));
            let percent = matches!(kind, Kind::Share | Kind::Balance);
            let decimals = a_places.min(b_places);
            let printed = |value: f64| Printed::rounded(value, decimals, percent);
            (pair.difference, pair.margin) = (printed(a - b), printed(margin));
            pair.verdict = PairVerdict::Unclear;
        }
        pair
    }

    /// Two-sided p-value of the difference.
    fn p(&self) -> Option<f64> {
        let (difference, margin) = (self.difference?.value, self.margin?.value);
        Some(if margin > 0.0 { two_sided(difference.abs() / margin * 1.959_964) } else { 1.0 })
    }

    fn judge(&mut self, adjusted: Option<f64>) {
        if let (Some(p), Some(difference)) = (adjusted, self.difference)
            && p < 0.05
        {
            self.verdict = if difference.value > 0.0 { PairVerdict::Higher } else { PairVerdict::Lower };
        }
    }
}

/// P(|Z| > z): 1 − erf(z/√2) by Abramowitz and Stegun 7.1.26, to 2e-7.
fn two_sided(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series =
        t * (0.254_829_592 + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    series * (-x * x).exp()
}

/// p-values adjusted for their number: by Holm, or by Benjamini and Hochberg. Those that are missing stay missing.
fn adjusted(p: &[Option<f64>], holm: bool) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..p.len()).filter(|i| p[*i].is_some()).collect();
    order.sort_by(|a, b| p[*a].partial_cmp(&p[*b]).unwrap_or(std::cmp::Ordering::Equal));
    let count = order.len();
    let mut out = vec![None; p.len()];
    let mut put = |at: usize, before: f64| -> f64 {
        let value = p[order[at]].unwrap_or(1.0);
        #[expect(clippy::cast_precision_loss, reason = "counts of sectors and indicators")]
        let factor = if holm { (count - at) as f64 } else { count as f64 / (at + 1) as f64 };
        let now = (value * factor).min(1.0);
        let now = if holm { now.max(before) } else { now.min(before) };
        out[order[at]] = Some(now);
        now
    };
    if holm {
        (0..count).fold(0.0, |before, at| put(at, before));
    } else {
        (0..count).rev().fold(1.0, |before, at| put(at, before));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: &str, margin: &str, n: u64) -> PackageFigure {
        PackageFigure {
            indicator: "nki".into(),
            year: 2026,
            domain: TOTAL.into(),
            group: ALL.into(),
            n,
            n_frame: None,
            value: value.into(),
            margin: margin.into(),
            state: if value.is_empty() { State::Hidden } else { State::Shown },
        }
    }

    #[test]
    fn the_tail_of_the_normal_curve() {
        for (z, p) in [(0.0, 1.0), (1.0, 0.317_310_508), (1.959_963_985, 0.05), (3.0, 0.002_699_796)] {
            assert!((two_sided(z) - p).abs() < 3e-7, "{z}: {}", two_sided(z));
        }
    }

    #[test]
    fn many_comparisons_ask_for_more() {
        let p = [Some(0.01), None, Some(0.04), Some(0.03)];
        let near = |made: &[Option<f64>], expected: [Option<f64>; 4]| {
            made.iter().zip(expected).all(|(a, b)| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-12,
                (None, None) => true,
                _ => false,
            })
        };
        assert!(near(&adjusted(&p, true), [Some(0.03), None, Some(0.06), Some(0.06)]));
        assert!(near(&adjusted(&p, false), [Some(0.03), None, Some(0.04), Some(0.04)]));
    }

    #[test]
    fn a_difference_is_claimed_only_beyond_the_uncertainty_of_both() {
        let judged = |a: PackageFigure, b: PackageFigure| {
            let mut pair = Pair::of(Kind::Index, Some(a), Some(b));
            let p = pair.p();
            pair.judge(p);
            pair
        };
        let far = judged(figure("68.0", "2.0", 300), figure("61.0", "2.0", 300));
        assert_eq!(far.verdict, PairVerdict::Higher);
        assert_eq!(far.difference.map(|d| d.value), Some(7.0));
        assert_eq!(judged(figure("61.0", "2.0", 300), figure("68.0", "2.0", 300)).verdict, PairVerdict::Lower);
        let near = judged(figure("63.0", "2.0", 300), figure("61.0", "2.0", 300));
        assert_eq!(near.verdict, PairVerdict::Unclear);
        assert_eq!(near.margin.map(|m| m.value), Some(2.9), "√(2.05² + 2.05²)");
        let hidden = judged(figure("63.0", "2.0", 300), figure("", "", 4));
        assert_eq!((hidden.verdict, hidden.difference), (PairVerdict::Hidden, None));
        let few = judged(figure("63", "9", 12), figure("61.0", "2.0", 300));
        assert_eq!(few.difference.map(|d| d.decimals), Some(0), "no digit more than the coarser side");
    }
}
