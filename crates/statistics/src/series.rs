//! More than two numbers: targets against a baseline, the trend over years, means of two years for thin groups (§ 4).
pub use domain::insight::TargetVerdict;
use domain::results::{Estimate, Interval};
use serde::{Deserialize, Serialize};

use crate::change::{Change, Link, Overlap, covariances, joint_df};
use crate::distribution::t95;
use crate::estimate::Figure;
use crate::matrix::{Factor, Matrix};
use crate::sums::Pairs;

/// A target as set by the council, in the unit of the indicator.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Target {
    /// Better than in the baseline year.
    Raise,
    /// Not worse than in the baseline year by the margin or more, and not below the floor.
    Keep {
        /// The margin, stated before the round.
        margin: f64,
        /// The floor.
        at_least: Option<f64>,
    },
    /// At least this value.
    Reach {
        /// The value.
        value: f64,
    },
}

/// A target judged at 2.5 % one-sided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetResult {
    /// The verdict.
    pub verdict: TargetVerdict,
    /// For `Reach`: what each remaining year must bring, negative when lower is better; 0 when the value is reached. `None` otherwise, or when no year remains.
    pub pace: Option<f64>,
    /// For `Keep`: the margin is below 2.8·SE, so that the survey could hardly show it kept.
    pub margin_too_small: bool,
}

/// Judges a target. `change` is from the baseline year to this year, `level` this year's estimate; with `lower_is_better` both are read the other way round.
#[must_use]
pub fn judge_target(
    target: Target,
    change: Option<&Change>,
    level: &Estimate,
    years_left: u32,
    lower_is_better: bool,
) -> TargetResult {
    let turned = |interval: Interval| {
        if lower_is_better { Interval { lower: -interval.upper, upper: -interval.lower } } else { interval }
    };
    let sign = if lower_is_better { -1.0 } else { 1.0 };
    let change_interval = change.and_then(|c| c.interval).map(turned);
    let level_interval = level.interval.map(turned);
    let against = |interval: Option<Interval>, least: f64| match interval {
        Some(interval) if interval.lower > least => TargetVerdict::Met,
        Some(interval) if interval.upper < least => TargetVerdict::Missed,
        _ => TargetVerdict::NotShown,
    };
    let (verdict, pace, margin_too_small) = match target {
        Target::Raise => (against(change_interval, 0.0), None, false),
        Target::Keep { margin, at_least } => {
            let kept = against(change_interval, -margin);
            let floor = at_least.map_or(TargetVerdict::Met, |floor| against(level_interval, sign * floor));
            let verdict = match (kept, floor) {
                (TargetVerdict::Missed, _) | (_, TargetVerdict::Missed) => TargetVerdict::Missed,
                (TargetVerdict::Met, TargetVerdict::Met) => TargetVerdict::Met,
                _ => TargetVerdict::NotShown,
            };
            (verdict, None, change.and_then(|c| c.se).is_some_and(|se| margin < 2.8 * se))
        }
        Target::Reach { value } => {
            let verdict = against(level_interval, sign * value);
            // Before the last year a value not yet reached is not missed.
            let verdict =
                if verdict == TargetVerdict::Missed && years_left > 0 { TargetVerdict::NotShown } else { verdict };
            let missing = level.value.map(|now| (sign * (value - now)).max(0.0) * sign);
            let pace = missing
                .filter(|_| years_left > 0)
                .map(|missing| if missing == 0.0 { 0.0 } else { missing / f64::from(years_left) });
            (verdict, pace, false)
        }
    };
    TargetResult { verdict, pace, margin_too_small }
}

/// A straight line through comparable years.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Change per year.
    pub slope: f64,
    /// Its standard error.
    pub se: f64,
    /// Degrees of freedom: the years' together.
    pub df: f64,
    /// 95 % interval.
    pub interval: Interval,
    /// Two-sided p-value.
    pub p_value: f64,
}

/// What two years share, for [`trend`].
#[derive(Debug, Clone, Copy)]
pub struct Shared<'a> {
    /// Position of the earlier figure.
    pub from: usize,
    /// Position of the later figure.
    pub to: usize,
    /// The businesses they share.
    pub link: &'a Link,
    /// Their sums.
    pub pairs: Pairs<'a>,
}

/// Generalised-least-squares slope over three or more comparable years, ascending; their designs must come from one build.
///
/// The caller keeps breaks out. `None` with fewer than three years, a year without variance, or covariances that are not positive definite.
#[must_use]
pub fn trend(figures: &[&Figure], shared: &[Shared<'_>], overlap: Overlap) -> Option<Trend> {
    if figures.len() < 3 {
        return None;
    }
    let values = figures.iter().map(|f| f.estimate().value).collect::<Option<Vec<f64>>>()?;
    let mut matrix = Matrix::zeros(figures.len(), figures.len());
    for (index, figure) in figures.iter().enumerate() {
        matrix[(index, index)] = figure.variance?;
    }
    for s in shared {
        let c = covariances(figures[s.from], figures[s.to], s.link, s.pairs, overlap).with_fpc;
        matrix[(s.from, s.to)] = c;
        matrix[(s.to, s.from)] = c;
    }
    let factor = Factor::new(&matrix, 1e-10);
    if !factor.is_definite() {
        return None;
    }
    // Counted from the first year, so that the normal equations keep their digits.
    let years: Vec<f64> = figures.iter().map(|f| f64::from(f.year() - figures[0].year())).collect();
    let ones = vec![1.0; figures.len()];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (weighted_ones, weighted_years) = (factor.solve(&ones), factor.solve(&years));
    let (a, b, d) = (dot(&ones, &weighted_ones), dot(&ones, &weighted_years), dot(&years, &weighted_years));
    let determinant = a * d - b * b;
    if determinant.is_nan() || determinant <= 1e-12 * a * d {
        return None;
    }
    let slope = (a * dot(&values, &weighted_years) - b * dot(&values, &weighted_ones)) / determinant;
    let se = (a / determinant).sqrt();
    let df: f64 = figures.iter().filter_map(|f| f.estimate().df).sum();
    if df < 1.0 {
        return None;
    }
    let t = t95(df);
    Some(Trend {
        slope,
        se,
        df,
        interval: Interval { lower: slope - t * se, upper: slope + t * se },
        p_value: crate::distribution::t_two_sided(slope / se, df),
    })
}

/// Mean of two years for a thin group; n counts the answers of both years, and the text says that it is a mean of two years.
///
/// Pairs of years are fixed and do not overlap; both designs must come from one build.
#[must_use]
pub fn two_year_mean(from: &Figure, to: &Figure, link: &Link, pairs: Pairs<'_>, overlap: Overlap) -> Estimate {
    let (a, b) = (from.estimate(), to.estimate());
    let mut mean = Estimate { n: a.n + b.n, value: None, se: None, df: None, interval: None, deff: None };
    let (Some(x), Some(y)) = (a.value, b.value) else { return mean };
    let value = f64::midpoint(x, y);
    mean.value = Some(value);
    let (Some(v_from), Some(v_to), Some(df)) = (from.variance, to.variance, joint_df(from, to)) else { return mean };
    let covariance = covariances(from, to, link, pairs, overlap).with_fpc;
    let apart = v_from + v_to;
    let both = apart + 2.0 * covariance;
    let se = (if both > 1e-9 * apart { both } else { apart } / 4.0).sqrt();
    mean.se = Some(se);
    mean.df = Some(df);
    if se > 0.0 && df >= 1.0 {
        let t = t95(df);
        mean.interval = Some(from.scale.cut(Interval { lower: value - t * se, upper: value + t * se }));
    }
    mean
}

/// The pair of years to which a year belongs when two-year means are made: 2024 and 2025, 2026 and 2027, … counted from the first round.
#[must_use]
pub const fn pair_of(year: i32, first_round: i32) -> (i32, i32) {
    let start = year - (year - first_round).rem_euclid(2);
    (start, start + 1)
}
