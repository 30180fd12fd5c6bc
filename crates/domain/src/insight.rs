//! What a report says beside estimates and changes: targets, trend, thin groups over two years, drivers, reliability, who answered, themes.
//!
//! Everything here is made under the same suppression as the figures it rests on: what a hidden figure could be worked out from is left
//! out, with the reason. Lists are empty in publications made before this existed.
use serde::{Deserialize, Serialize};

use crate::indicator::Target;
use crate::language::Texts;
use crate::results::{ChangeRow, Estimate, EstimateRow, Interval, State, Verdict};

/// The further parts of a report.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Insight {
    /// Targets against the last year's figure.
    pub targets: Vec<TargetRow>,
    /// The trend of each indicator in the total.
    pub trends: Vec<TrendRow>,
    /// Means of two years, for thin groups.
    pub two_year_means: Vec<TwoYearRow>,
    /// What goes with overall satisfaction, last year.
    pub drivers: Vec<DriverMap>,
    /// How well each index's questions measure one thing.
    pub reliability: Vec<ReliabilityRow>,
    /// Who answered, year by year.
    pub response: Vec<ResponseRow>,
    /// What businesses write about.
    pub themes: Option<ThemePart>,
}

/// What is said of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetVerdict {
    /// Shown to be met.
    Met,
    /// Neither shown to be met nor to be missed.
    NotShown,
    /// Shown to be missed.
    Missed,
}

/// Why a target cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// There is no figure of the baseline year, or it is the baseline year itself.
    Baseline,
    /// The years are not comparable.
    Break,
    /// A figure is hidden.
    Hidden,
}

/// A target, tested at 2.5 % one-sided against its baseline year.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetRow {
    /// Indicator id.
    pub indicator: String,
    /// What is wanted.
    pub target: Target,
    /// The year judged.
    pub year: i32,
    /// The baseline year's level, in the total.
    pub baseline: Option<f64>,
    /// This year's level, in the total.
    pub value: Option<f64>,
    /// The change since the baseline, made with one method for both years.
    pub change: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
    /// Answers in the thinner of the two years.
    pub n: u64,
    /// The verdict; `None` with a [`Gap`].
    pub verdict: Option<TargetVerdict>,
    /// Why there is none.
    pub gap: Option<Gap>,
    /// "Reach": what each remaining year must bring.
    pub pace: Option<f64>,
    /// "Keep": the margin is smaller than this survey could show to be kept.
    pub margin_too_small: bool,
}

/// A straight line through the comparable years up to the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrendRow {
    /// Indicator id.
    pub indicator: String,
    /// First year of the line.
    pub from: i32,
    /// Last year.
    pub to: i32,
    /// Years on it.
    pub years: u32,
    /// Change per year.
    pub slope: Option<f64>,
    /// Standard error.
    pub se: Option<f64>,
    /// Degrees of freedom.
    pub df: Option<f64>,
    /// 95 % interval.
    pub interval: Option<Interval>,
    /// Two-sided p-value.
    pub p_value: Option<f64>,
    /// Adjusted for the number of headline indicators, where it is one.
    pub p_adjusted: Option<f64>,
    /// What can be said.
    pub verdict: Verdict,
}

/// The mean of two years in a group with few answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwoYearRow {
    /// Indicator id.
    pub indicator: String,
    /// First year of the fixed pair.
    pub year_from: i32,
    /// Second year.
    pub year_to: i32,
    /// Breakdown.
    pub domain: String,
    /// Group.
    pub group: String,
    /// The mean; n counts the answers of both years.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// Quarter of the priority map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quadrant {
    /// Important and less satisfied: do first.
    Improve,
    /// Important and satisfied: keep.
    Keep,
    /// Less important, less satisfied: watch.
    Watch,
    /// Less important, satisfied: no haste.
    Maintain,
}

/// The items of a battery against an overall judgement. Association, not cause; in the total only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverMap {
    /// The indicator whose items these are.
    pub battery: String,
    /// The indicator that they go with.
    pub outcome: String,
    /// Year.
    pub year: i32,
    /// Ends of the scale of the means.
    pub scale: [f64; 2],
    /// Answers to the rarest pair of questions.
    pub n: u64,
    /// What all items explain together.
    pub r_squared: Option<f64>,
    /// Where the map is split: mean importance (part of R²).
    pub mean_importance: Option<f64>,
    /// Where the map is split: mean satisfaction.
    pub mean_satisfaction: Option<f64>,
    /// The items, the most important first; empty when refused.
    pub drivers: Vec<DriverRow>,
    /// Why there is no map.
    pub refused: Option<Refusal>,
}

/// Why drivers are not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Refusal {
    /// Fewer than ten answers per driver to some pair of questions.
    TooFew {
        /// Answers to the rarest pair.
        n: u64,
        /// Answers needed.
        needed: u64,
    },
    /// Everybody answers a question alike.
    Constant,
    /// Correlations that no data can have, or two questions that are the same.
    NotDefinite,
    /// A figure that they rest on is hidden.
    Hidden,
}

/// One item of the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriverRow {
    /// Question key.
    pub item: String,
    /// Title: of the indicator on this item alone, else the key.
    pub title: Texts,
    /// Johnson's relative weight: the item's part of R².
    pub importance: f64,
    /// Jackknife standard error of it.
    pub se: f64,
    /// 95 % interval of it.
    pub interval: Interval,
    /// The part of all items' importance, 0–1.
    pub share: f64,
    /// The part of R² by Shapley (LMG): a check.
    pub shapley: Option<f64>,
    /// Correlation with the outcome.
    pub correlation: f64,
    /// Weighted mean.
    pub mean: f64,
    /// Quarter of the map.
    pub quadrant: Quadrant,
}

/// Cronbach's alpha of an index or mean of several questions, in the total.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityRow {
    /// Indicator id.
    pub indicator: String,
    /// Year.
    pub year: i32,
    /// Questions.
    pub items: u32,
    /// Respondents who answered all of them.
    pub n: u64,
    /// Alpha; `None` when hidden, or when nothing varies.
    pub alpha: Option<f64>,
    /// May it be shown?
    pub state: State,
}

/// Who answered in a year.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ResponseRow {
    /// Year.
    pub year: i32,
    /// Businesses in the frame.
    pub n_frame: u64,
    /// Businesses that answered.
    pub n_answered: u64,
    /// How every business of the frame ended, where the fieldwork is known.
    pub outcomes: Option<OutcomeCounts>,
    /// AAPOR's rates.
    pub rates: Rates,
    /// R = 1 − 2·S(ρ̂) over the weighting cells; 1: all equally likely to answer.
    pub r_indicator: Option<f64>,
    /// S(ρ̂).
    pub spread: Option<f64>,
    /// Largest bias before weighting: S(ρ̂)/ρ̄ · S(y), per headline indicator in its unit.
    pub maximal_bias: Vec<BiasRow>,
    /// Variable by variable.
    pub variables: Vec<ResponseVariable>,
    /// Late against early answers.
    pub late: Vec<LateRow>,
}

/// Final dispositions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// At least 80 % of the questions asked.
    pub complete: u64,
    /// 50–79 %, or the overall question.
    pub partial: u64,
    /// Broken off, withdrawn or declined.
    pub refused: u64,
    /// Not reached, or reached and silent.
    pub no_contact: u64,
    /// Reached, but unable to answer.
    pub other: u64,
    /// Not known whether it still belongs to the population.
    pub unknown: u64,
    /// Closed or moved away: does not belong to it.
    pub ineligible: u64,
}

/// AAPOR's rates.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    /// RR1: complete.
    pub rr1: Option<f64>,
    /// RR2: complete or partial.
    pub rr2: Option<f64>,
    /// REF1: refusals.
    pub refusal: Option<f64>,
    /// CON1: reached.
    pub contact: Option<f64>,
    /// COOP2: complete or partial, of those reached.
    pub cooperation: Option<f64>,
}

/// The largest bias that differing response can have caused in an indicator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BiasRow {
    /// Indicator id.
    pub indicator: String,
    /// In the indicator's unit.
    pub bias: f64,
}

/// Response over the groups of one register variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseVariable {
    /// `sector`, `size`, `area`, `age`, …
    pub domain: String,
    /// Title.
    pub title: Texts,
    /// The weights are made of it, so that its shares are right after weighting.
    pub weighted: bool,
    /// R over this variable alone.
    pub r_indicator: Option<f64>,
    /// Its groups, in reading order.
    pub groups: Vec<ResponseGroup>,
}

/// One group of a register variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseGroup {
    /// Key.
    pub group: String,
    /// Title.
    pub title: Texts,
    /// In the frame.
    pub n_frame: u64,
    /// Answered.
    pub n_answered: u64,
    /// Part of the frame.
    pub frame_share: f64,
    /// Part of the weighted answers.
    pub weighted_share: f64,
}

/// Late against early answers: those who needed reminding tell something of those who never answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LateRow {
    /// Indicator id.
    pub indicator: String,
    /// Answers of the earlier half.
    pub n_early: u64,
    /// Answers of the later half.
    pub n_late: u64,
    /// Later minus earlier, in the indicator's unit.
    pub difference: f64,
    /// 95 % interval.
    pub interval: Interval,
    /// Two-sided p-value.
    pub p_value: f64,
}

/// Themes of the open answers of one source, as confirmed by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThemePart {
    /// Version of the codebook: the same for all years compared.
    pub codebook_version: u32,
    /// Where the texts come from: `survey`. Sources are never mixed in one share.
    pub source: String,
    /// The themes, in the codebook's order.
    pub themes: Vec<ThemeInfo>,
    /// The years, with how far the coding is.
    pub years: Vec<ThemeYear>,
    /// Weighted shares of all asked in the total; `indicator` is the theme's key, or [`WITH_COMMENT`].
    pub shares: Vec<EstimateRow>,
    /// Changes of these shares.
    pub changes: Vec<ChangeRow>,
}

/// The share of those asked that wrote something at all stands among the themes under this key.
pub const WITH_COMMENT: &str = "with_comment";

/// A theme of the codebook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThemeInfo {
    /// Key.
    pub key: String,
    /// Title.
    pub title: Texts,
    /// Krippendorff's alpha where two coders coded the same comments.
    pub alpha: Option<f64>,
    /// Comments that two coders coded.
    pub coded_twice: u64,
    /// The coders agree too little for a share to be published.
    pub disagreed: bool,
}

/// How far the coding of a year is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThemeYear {
    /// Year.
    pub year: i32,
    /// Businesses asked: the base.
    pub asked: u64,
    /// Of these, with a comment.
    pub commenting: u64,
    /// Comments.
    pub comments: u64,
    /// Comments whose codes a person confirmed under this codebook version.
    pub confirmed: u64,
}

impl ThemeYear {
    /// Is every comment confirmed? Only then are shares of the year made.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.comments > 0 && self.confirmed >= self.comments
    }
}

impl ThemePart {
    /// The share of a theme in a year.
    #[must_use]
    pub fn share(&self, theme: &str, year: i32) -> Option<&EstimateRow> {
        self.shares.iter().find(|r| r.indicator == theme && r.year == year)
    }

    /// The change of a theme between two years.
    #[must_use]
    pub fn change(&self, theme: &str, from: i32, to: i32) -> Option<&ChangeRow> {
        self.changes.iter().find(|r| r.indicator == theme && r.year_from == from && r.year_to == to)
    }
}
