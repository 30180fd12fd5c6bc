//! A change between two years of which many businesses answered both, and what can be said of it (§ 4).
use std::collections::BTreeMap;

use domain::results::{Interval, Verdict};

use crate::design::Fpc;
use crate::distribution::{t_detectable, t_two_sided, t95};
use crate::estimate::{Figure, ROUNDING};
use crate::sums::{EmployeeOverlapSums, Pairs};

/// From this many answers in both years on, the degrees of freedom are simply added.
const ENOUGH: u64 = 20;

/// How the overlap of two years enters the variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// Each stratum's own covariance: the default.
    #[default]
    Own,
    /// One correlation pooled over the strata: where cells are small.
    Pooled,
    /// Ignored: the years as if independent.
    None,
}

/// A count of businesses by cell of the earlier and cell of the later year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linked {
    /// Cell (for `answered` of companies: row) in the earlier year.
    pub from: usize,
    /// Cell (or row) in the later year.
    pub to: usize,
    /// Businesses.
    pub n: u64,
}

/// The businesses that two years share. Independent of indicator and domain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// In both frames.
    pub frame: Vec<Linked>,
    /// Answered in both years (count in n_h both times).
    pub answered: Vec<Linked>,
}

/// A change with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Answers in the earlier year.
    pub n_from: u64,
    /// Answers in the later year.
    pub n_to: u64,
    /// Businesses with an answer in the domain in both years, also those that changed stratum.
    pub n_both: u64,
    /// Later minus earlier.
    pub change: Option<f64>,
    /// Standard error, overlap included.
    pub se: Option<f64>,
    /// Degrees of freedom.
    pub df: Option<f64>,
    /// 95 % interval, cut at the largest change the scale allows.
    pub interval: Option<Interval>,
    /// Two-sided p-value.
    pub p_value: Option<f64>,
    /// The smallest change that would have been found with 80 % power.
    pub detectable: Option<f64>,
    /// The p-value without finite-population correction.
    pub p_without_fpc: Option<f64>,
    /// More than half of the domain answered in one of the years: the verdict must hold without correction too.
    pub most_answered: bool,
}

/// How p-values of a family are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjustment {
    /// Not at all.
    None,
    /// False discovery rate: the groups of one breakdown.
    BenjaminiHochberg,
    /// Family-wise: the headline indicators in the total.
    Holm,
}

/// What is said of a change within its family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// Adjusted p-value.
    pub p_adjusted: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
}

/// Sums over the businesses of one stratum that answered both years: of z, and of s = u(y − ȳ).
#[derive(Debug, Clone, Copy, Default)]
struct Shared {
    n: f64,
    frame: f64,
    z_from: f64,
    z_to: f64,
    z_product: f64,
    s_from: f64,
    s_to: f64,
    s_product: f64,
    s_from_sq: f64,
    s_to_sq: f64,
}

/// A covariance with and without the finite-population correction.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Covariance {
    pub(crate) with_fpc: f64,
    pub(crate) without_fpc: f64,
}

/// Covariance of two years' figures. Both designs must come from one [`Design::build`](crate::Design::build).
#[must_use]
pub fn covariance(from: &Figure, to: &Figure, link: &Link, pairs: Pairs<'_>, overlap: Overlap) -> f64 {
    covariances(from, to, link, pairs, overlap).with_fpc
}

pub(crate) fn covariances(from: &Figure, to: &Figure, link: &Link, pairs: Pairs<'_>, overlap: Overlap) -> Covariance {
    if overlap == Overlap::None {
        return Covariance::default();
    }
    let shared = shared_sums(from, to, link, pairs);
    let rho = pooled_correlation(&shared);
    let mut sum = Covariance::default();
    for ((shared, a), b) in shared.iter().zip(&from.link_strata).zip(&to.link_strata) {
        let s12 = match overlap {
            // One correlation holds for every stratum, also where few or none are shared.
            Overlap::Pooled => rho * a.deviation * b.deviation,
            Overlap::Own | Overlap::None if shared.n < 2.0 => 0.0,
            Overlap::Own | Overlap::None => {
                (shared.z_product - shared.z_from * shared.z_to / shared.n) / (shared.n - 1.0)
            }
        };
        if s12 == 0.0 {
            continue;
        }
        // Where companies are the units, the expected overlap is counted in companies as the overlap is.
        let companies_per_business = (a.units / a.answered * b.units / b.answered).sqrt();
        let expected = a.answered * b.answered * shared.frame / (a.frame * b.frame) * companies_per_business;
        sum.without_fpc += shared.n * s12;
        sum.with_fpc += (shared.n - expected) * s12;
    }
    if from.fpc == Fpc::None {
        sum.with_fpc = sum.without_fpc;
    }
    sum
}

fn shared_sums(from: &Figure, to: &Figure, link: &Link, pairs: Pairs<'_>) -> Vec<Shared> {
    let mut shared = vec![Shared::default(); from.link_strata.len().min(to.link_strata.len())];
    for linked in &link.frame {
        let stratum = from.stratum_of_cell[linked.from];
        // Who changed stratum contributes nothing.
        if stratum == to.stratum_of_cell[linked.to] {
            shared[stratum].frame += linked.n as f64;
        }
    }
    let mut sums: BTreeMap<(usize, usize), Vec<EmployeeOverlapSums>> = BTreeMap::new();
    match pairs {
        Pairs::Businesses(pairs) => pairs.iter().for_each(|p| sums.entry((p.from, p.to)).or_default().push(p.into())),
        Pairs::Employees(pairs) => pairs.iter().for_each(|p| sums.entry((p.from, p.to)).or_default().push(*p)),
    }
    let (x_mean, y_mean) = (from.estimate().value.unwrap_or_default(), to.estimate().value.unwrap_or_default());
    for linked in &link.answered {
        let (a, b) = (from.rows[linked.from], to.rows[linked.to]);
        if a.link_stratum != b.link_stratum {
            continue;
        }
        let n = linked.n as f64;
        let sum = &mut shared[a.link_stratum];
        sum.n += n;
        // Those outside the domain have s = 0 and z = −shift.
        sum.z_from -= n * a.shift;
        sum.z_to -= n * b.shift;
        sum.z_product += n * a.shift * b.shift;
        for p in sums.remove(&(linked.from, linked.to)).unwrap_or_default() {
            let s_from = p.ax - x_mean * p.a;
            let s_to = p.by - y_mean * p.b;
            let s_product = p.abxy - x_mean * p.aby - y_mean * p.abx + x_mean * y_mean * p.ab;
            sum.z_from += a.slope * s_from;
            sum.z_to += b.slope * s_to;
            sum.z_product += a.slope * b.slope * s_product - a.slope * s_from * b.shift - b.slope * s_to * a.shift;
            sum.s_from += s_from;
            sum.s_to += s_to;
            sum.s_product += s_product;
            sum.s_from_sq += p.aaxx - 2.0 * x_mean * p.aax + x_mean * x_mean * p.aa;
            sum.s_to_sq += p.bbyy - 2.0 * y_mean * p.bby + y_mean * y_mean * p.bb;
        }
    }
    shared
}

/// Sum of squares about the mean; the rounding of equal scores is none.
fn squares(of_squares: f64, sum: f64, n: f64) -> f64 {
    let squares = of_squares - sum * sum / n;
    if squares <= ROUNDING * of_squares { 0.0 } else { squares }
}

/// Within-stratum correlation of the scores, pooled over the strata with two or more shared businesses.
fn pooled_correlation(shared: &[Shared]) -> f64 {
    let (mut product, mut from, mut to) = (0.0, 0.0, 0.0);
    for s in shared.iter().filter(|s| s.n >= 2.0) {
        let (squares_from, squares_to) = (squares(s.s_from_sq, s.s_from, s.n), squares(s.s_to_sq, s.s_to, s.n));
        // Where one year's scores are all alike, what is left of the product is rounding.
        if squares_from > 0.0 && squares_to > 0.0 {
            product += s.s_product - s.s_from * s.s_to / s.n;
        }
        from += squares_from;
        to += squares_to;
    }
    let scale = (from.max(0.0) * to.max(0.0)).sqrt();
    if scale > 0.0 { (product / scale).clamp(-1.0, 1.0) } else { 0.0 }
}

/// V₁ + V₂ − 2C; where chance in a small overlap makes it nothing or less, the years count as independent.
pub(crate) fn variance_of_difference(from: f64, to: f64, covariance: f64) -> f64 {
    let apart = from + to;
    let variance = apart - 2.0 * covariance;
    if variance > 1e-9 * apart { variance } else { apart }
}

/// Degrees of freedom of two years together; 0 where one of them has none.
pub(crate) fn joint_df(from: &Figure, to: &Figure) -> Option<f64> {
    let (a, b) = (from.estimate(), to.estimate());
    let (df_a, df_b) = (a.df?, b.df?);
    let (v_a, v_b) = (from.variance?, to.variance?);
    if (a.n >= ENOUGH && b.n >= ENOUGH) || v_a + v_b <= 0.0 {
        return Some(df_a + df_b);
    }
    // A year without variance (all answered) adds nothing, whatever its degrees of freedom.
    let part = |v: f64, df: f64| if v > 0.0 { v * v / df } else { 0.0 };
    Some((v_a + v_b).powi(2) / (part(v_a, df_a) + part(v_b, df_b)))
}

/// The change between two years. Both designs must come from one [`Design::build`](crate::Design::build).
#[must_use]
pub fn change(from: &Figure, to: &Figure, link: &Link, pairs: Pairs<'_>, overlap: Overlap) -> Change {
    let (a, b) = (from.estimate(), to.estimate());
    let n_both = match pairs {
        Pairs::Businesses(pairs) => pairs.iter().map(|p| p.n_xy).sum(),
        Pairs::Employees(pairs) => pairs.iter().map(|p| p.n_xy).sum(),
    };
    let most = |figure: &Figure| figure.answered_part() > 0.5;
    let mut change = Change {
        n_from: a.n,
        n_to: b.n,
        n_both,
        change: None,
        se: None,
        df: None,
        interval: None,
        p_value: None,
        detectable: None,
        p_without_fpc: None,
        most_answered: most(from) || most(to),
    };
    let (Some(x), Some(y)) = (a.value, b.value) else { return change };
    let difference = y - x;
    change.change = Some(difference);
    let (Some(v_from), Some(v_to), Some(df)) = (from.variance, to.variance, joint_df(from, to)) else { return change };
    change.df = Some(df);
    let covariance = covariances(from, to, link, pairs, overlap);
    let se = variance_of_difference(v_from, v_to, covariance.with_fpc).sqrt();
    change.se = Some(se);
    if let (Some(v_from), Some(v_to)) = (from.variance_without_fpc, to.variance_without_fpc) {
        let se = variance_of_difference(v_from, v_to, covariance.without_fpc).sqrt();
        change.p_without_fpc = p_value(difference, se, df);
    }
    change.p_value = p_value(difference, se, df);
    if se > 0.0 && df >= 1.0 {
        let t = t95(df);
        let widest = from.scale.upper - from.scale.lower;
        change.interval =
            Some(Interval { lower: (difference - t * se).max(-widest), upper: (difference + t * se).min(widest) });
        change.detectable = Some(t_detectable(df) * se);
    }
    change
}

/// Without any uncertainty (all answered, both years) a difference is a fact.
fn p_value(difference: f64, se: f64, df: f64) -> Option<f64> {
    if se > 0.0 {
        return (df >= 1.0).then(|| t_two_sided(difference / se, df));
    }
    Some(if difference == 0.0 { 1.0 } else { 0.0 })
}

/// Benjamini and Hochberg's adjustment: the false discovery rate.
#[must_use]
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let m = p_values.len();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|a, b| p_values[*b].total_cmp(&p_values[*a]));
    let mut adjusted = vec![1.0; m];
    let mut least: f64 = 1.0;
    for (above, index) in order.into_iter().enumerate() {
        least = least.min(p_values[index] * m as f64 / (m - above) as f64);
        adjusted[index] = least;
    }
    adjusted
}

/// Holm's adjustment: the chance of any false finding.
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let m = p_values.len();
    let mut order: Vec<usize> = (0..m).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![1.0; m];
    let mut most: f64 = 0.0;
    for (below, index) in order.into_iter().enumerate() {
        most = most.max(p_values[index] * (m - below) as f64).min(1.0);
        adjusted[index] = most;
    }
    adjusted
}

/// Adjusts the p-values that are there and leaves the others out of the family.
fn adjust(p_values: &[Option<f64>], adjustment: Adjustment) -> Vec<Option<f64>> {
    let present: Vec<f64> = p_values.iter().flatten().copied().collect();
    let adjusted = match adjustment {
        Adjustment::None => present,
        Adjustment::BenjaminiHochberg => benjamini_hochberg(&present),
        Adjustment::Holm => holm(&present),
    };
    let mut adjusted = adjusted.into_iter();
    p_values.iter().map(|p| p.and_then(|_| adjusted.next())).collect()
}

/// Judges the changes of one family together; `None` stands for a hidden group, which takes no part.
#[must_use]
pub fn judge(changes: &[Option<Change>], adjustment: Adjustment) -> Vec<Judgement> {
    let of = |value: fn(&Change) -> Option<f64>| {
        adjust(&changes.iter().map(|c| c.as_ref().and_then(value)).collect::<Vec<_>>(), adjustment)
    };
    let with = of(|c| c.p_value);
    let without = of(|c| c.p_without_fpc);
    changes
        .iter()
        .zip(with.into_iter().zip(without))
        .map(|(change, (with, without))| {
            let Some(change) = change else { return Judgement { p_adjusted: None, verdict: Verdict::Hidden } };
            let small = |p: Option<f64>| p.is_some_and(|p| p < 0.05);
            let shown = small(with) && (!change.most_answered || small(without));
            let verdict = match change.change {
                Some(difference) if shown && difference > 0.0 => Verdict::Up,
                Some(difference) if shown && difference < 0.0 => Verdict::Down,
                _ => Verdict::Unclear,
            };
            Judgement { p_adjusted: with, verdict }
        })
        .collect()
}

/// Do the years differ so much in how they were answered (more than 10 points by telephone) that the web-only change must stand beside?
#[must_use]
pub fn mode_differs(telephone_share_from: f64, telephone_share_to: f64) -> bool {
    (telephone_share_to - telephone_share_from).abs() > 0.1 + 1e-12
}

/// The verdict when the web-only change stands beside: both must agree.
#[must_use]
pub fn agreed(all: Verdict, web_only: Verdict) -> Verdict {
    if all == web_only || matches!(all, Verdict::Break | Verdict::Hidden) { all } else { Verdict::Unclear }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_that_are_all_alike_correlate_with_nothing() {
        // Two scores of −0.35 whose squares do not quite add up: rounding, not a spread.
        let shared = Shared {
            n: 2.0,
            s_from: -0.7,
            s_from_sq: 0.245 + 1e-16,
            s_to: -2.9,
            s_to_sq: 4.7,
            s_product: 1.015 + 1e-16,
            ..Shared::default()
        };
        assert_eq!(pooled_correlation(&[shared]), 0.0);
        let spread = Shared { s_from: 0.0, s_from_sq: 2.0, s_to: 0.0, s_to_sq: 2.0, s_product: 2.0, ..shared };
        assert_eq!(pooled_correlation(&[shared, spread]), 2.0 / (2.0 * (2.0 + 4.7 - 2.9 * 2.9 / 2.0_f64)).sqrt());
    }
}
