//! What matters most: relative importance of questions for an overall judgement (§ 8). Association, not cause.
pub use domain::insight::Quadrant;

use crate::matrix::{Factor, Matrix, eigen};

/// Most drivers for which all orders are weighed (LMG): 2¹² regressions.
pub const MOST_FOR_SHAPLEY: usize = 12;
/// Answers needed per driver.
pub const ANSWERS_PER_DRIVER: u64 = 10;

/// Why drivers cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// No driver at all.
    #[error("no driver given")]
    NoDriver,
    /// Too few answers to the rarest pair of questions.
    #[error("{n} answers to a pair of questions are too few for {drivers} drivers: {needed} are needed")]
    TooFew {
        /// Answers to the pair of questions with the fewest.
        n: u64,
        /// Drivers.
        drivers: usize,
        /// Answers needed.
        needed: u64,
    },
    /// A question that everyone answers alike.
    #[error("question {index} (counted from 0, the outcome last) has the same answer throughout")]
    Constant {
        /// Its index; the outcome comes last.
        index: usize,
    },
    /// Correlations made pair by pair that no data can have, or questions that determine each other.
    #[error(
        "the correlations of the drivers are not positive definite: two questions may be the same, or too many answers are missing"
    )]
    NotDefinite,
    /// Too many drivers for all orders.
    #[error("all orders of {drivers} drivers are too many: at most {MOST_FOR_SHAPLEY}")]
    TooMany {
        /// Drivers.
        drivers: usize,
    },
}

/// Weighted correlations of drivers and outcome, each pair over those who answered both.
#[derive(Debug, Clone)]
pub struct Correlations {
    /// Drivers first, the outcome last.
    matrix: Matrix,
    /// Answers to the rarest pair.
    n: u64,
}

/// Weighted moments of a pair of questions.
#[derive(Debug, Clone, Copy, Default)]
struct PairMoments {
    n: u64,
    w: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl PairMoments {
    fn add(&mut self, w: f64, x: f64, y: f64, sign: f64) {
        self.n = if sign > 0.0 { self.n + 1 } else { self.n - 1 };
        let w = sign * w;
        self.w += w;
        self.x += w * x;
        self.y += w * y;
        self.xx += w * x * x;
        self.yy += w * y * y;
        self.xy += w * x * y;
    }

    /// The correlation, or which of the two does not vary: 0 for x, 1 for y.
    fn correlation(&self) -> Result<f64, usize> {
        let part = |square: f64, sum: f64| square - sum * sum / self.w;
        let (xx, yy) = (part(self.xx, self.x), part(self.yy, self.y));
        if self.w.is_nan() || self.w <= 0.0 || xx <= 1e-12 * self.xx {
            return Err(0);
        }
        if yy <= 1e-12 * self.yy {
            return Err(1);
        }
        Ok((self.xy - self.x * self.y / self.w) / (xx * yy).sqrt())
    }
}

/// Moments of all pairs, from which one answer can be taken out again (jackknife).
#[derive(Debug, Clone)]
struct Moments {
    questions: usize,
    pairs: Vec<PairMoments>,
    /// Answers are kept about the question's mean, so that nothing cancels.
    centre: Vec<f64>,
}

impl Moments {
    fn new(questions: &[&[Option<f64>]], weights: &[f64]) -> Self {
        let count = questions.len();
        let centre = questions
            .iter()
            .map(|answers| {
                let (n, sum) = answers.iter().flatten().fold((0.0, 0.0), |(n, sum), y| (n + 1.0, sum + y));
                if n > 0.0 { sum / n } else { 0.0 }
            })
            .collect();
        let mut moments = Self { questions: count, pairs: vec![PairMoments::default(); count * count], centre };
        for (row, weight) in weights.iter().enumerate() {
            moments.add(questions, row, *weight, 1.0);
        }
        moments
    }

    fn add(&mut self, questions: &[&[Option<f64>]], row: usize, weight: f64, sign: f64) {
        for a in 0..self.questions {
            for b in 0..a {
                if let (Some(x), Some(y)) = (questions[a][row], questions[b][row]) {
                    // A mean of equal numbers may miss them by its rounding.
                    let centred = |value: f64, question: usize| {
                        let away = value - self.centre[question];
                        if away.abs() <= 1e-12 * value.abs() { 0.0 } else { away }
                    };
                    let (x, y) = (centred(x, a), centred(y, b));
                    self.pairs[a * self.questions + b].add(weight, x, y, sign);
                }
            }
        }
    }

    fn correlations(&self) -> Result<Correlations, DriverError> {
        let mut matrix = Matrix::from_fn(self.questions, self.questions, |a, b| if a == b { 1.0 } else { 0.0 });
        let mut n = u64::MAX;
        for a in 0..self.questions {
            for b in 0..a {
                let pair = &self.pairs[a * self.questions + b];
                n = n.min(pair.n);
                let r = pair.correlation().map_err(|which| DriverError::Constant { index: [a, b][which] })?;
                matrix[(a, b)] = r;
                matrix[(b, a)] = r;
            }
        }
        Ok(Correlations { matrix, n })
    }
}

impl Correlations {
    /// Correlates drivers and outcome, pair by pair over those who answered both. All slices are as long as `weights`.
    ///
    /// # Errors
    /// With fewer than ten answers per driver, a question without variation, or correlations that are not positive definite.
    pub fn pairwise(
        drivers: &[Vec<Option<f64>>],
        outcome: &[Option<f64>],
        weights: &[f64],
    ) -> Result<Self, DriverError> {
        let questions = questions(drivers, outcome)?;
        let correlations = Moments::new(&questions, weights).correlations()?;
        correlations.check()?;
        Ok(correlations)
    }

    /// Drivers.
    #[must_use]
    pub const fn drivers(&self) -> usize {
        self.matrix.rows() - 1
    }

    /// Answers to the rarest pair of questions.
    #[must_use]
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// Correlation of a driver with the outcome.
    #[must_use]
    pub fn with_outcome(&self, driver: usize) -> f64 {
        self.matrix[(driver, self.drivers())]
    }

    /// Standardised regression coefficients of all drivers together.
    ///
    /// # Errors
    /// When the drivers' correlations are not positive definite.
    pub fn betas(&self) -> Result<Vec<f64>, DriverError> {
        let factor = self.factor(&(0..self.drivers()).collect::<Vec<_>>());
        if !factor.is_definite() {
            return Err(DriverError::NotDefinite);
        }
        Ok(factor.solve(&self.outcome_column()))
    }

    /// Share of the outcome's variance that all drivers explain together.
    ///
    /// # Errors
    /// As [`Correlations::betas`].
    pub fn r_squared(&self) -> Result<f64, DriverError> {
        Ok(self.betas()?.iter().zip(self.outcome_column()).map(|(b, r)| b * r).sum())
    }

    fn outcome_column(&self) -> Vec<f64> {
        (0..self.drivers()).map(|d| self.with_outcome(d)).collect()
    }

    fn factor(&self, chosen: &[usize]) -> Factor {
        Factor::new(&Matrix::from_fn(chosen.len(), chosen.len(), |r, c| self.matrix[(chosen[r], chosen[c])]), 1e-10)
    }

    fn check(&self) -> Result<(), DriverError> {
        let needed = ANSWERS_PER_DRIVER * self.drivers() as u64;
        if self.n < needed {
            return Err(DriverError::TooFew { n: self.n, drivers: self.drivers(), needed });
        }
        // The outcome too: pairwise correlations may explain more than everything.
        if self.factor(&(0..=self.drivers()).collect::<Vec<_>>()).is_definite() {
            Ok(())
        } else {
            Err(DriverError::NotDefinite)
        }
    }
}

fn questions<'a>(
    drivers: &'a [Vec<Option<f64>>],
    outcome: &'a [Option<f64>],
) -> Result<Vec<&'a [Option<f64>]>, DriverError> {
    if drivers.is_empty() {
        return Err(DriverError::NoDriver);
    }
    Ok(drivers.iter().map(Vec::as_slice).chain([outcome]).collect())
}

/// Johnson's relative weights: each driver's part of R²; they sum to R².
///
/// # Errors
/// When the drivers' correlations are not positive definite.
pub fn johnson(correlations: &Correlations) -> Result<Vec<f64>, DriverError> {
    let count = correlations.drivers();
    let (values, vectors) = eigen(&Matrix::from_fn(count, count, |r, c| correlations.matrix[(r, c)]));
    if values.iter().any(|v| *v <= 1e-10) {
        return Err(DriverError::NotDefinite);
    }
    let power = |exponent: fn(f64) -> f64| {
        Matrix::from_fn(count, count, |r, c| {
            (0..count).map(|k| vectors[(r, k)] * exponent(values[k]) * vectors[(c, k)]).sum()
        })
    };
    let root = power(f64::sqrt);
    let beta = power(|v| 1.0 / v.sqrt()).times(&correlations.outcome_column());
    Ok((0..count).map(|j| (0..count).map(|k| (root[(j, k)] * beta[k]).powi(2)).sum()).collect())
}

/// Shapley's value (LMG): each driver's gain in R² averaged over all orders; sums to R².
///
/// # Errors
/// With more than [`MOST_FOR_SHAPLEY`] drivers, or when their correlations are not positive definite.
pub fn shapley(correlations: &Correlations) -> Result<Vec<f64>, DriverError> {
    let count = correlations.drivers();
    if count > MOST_FOR_SHAPLEY {
        return Err(DriverError::TooMany { drivers: count });
    }
    let mut explained = vec![0.0; 1 << count];
    for (set, explained) in explained.iter_mut().enumerate().skip(1) {
        let chosen: Vec<usize> = (0..count).filter(|d| set >> d & 1 == 1).collect();
        let factor = correlations.factor(&chosen);
        if !factor.is_definite() {
            return Err(DriverError::NotDefinite);
        }
        let right: Vec<f64> = chosen.iter().map(|d| correlations.with_outcome(*d)).collect();
        *explained = factor.solve(&right).iter().zip(&right).map(|(b, r)| b * r).sum();
    }
    // A set of s others precedes the driver in s! (count − 1 − s)! of count! orders.
    let mut part = vec![1.0 / count as f64; count];
    for s in 1..count {
        part[s] = part[s - 1] * s as f64 / (count - s) as f64;
    }
    Ok((0..count)
        .map(|driver| {
            (0_usize..1 << count)
                .filter(|set| set >> driver & 1 == 0)
                .map(|set| part[set.count_ones() as usize] * (explained[set | 1 << driver] - explained[set]))
                .sum()
        })
        .collect())
}

/// A driver on the priority map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Driver {
    /// Part of R² (Johnson).
    pub importance: f64,
    /// Jackknife standard error of it.
    pub se: f64,
    /// 95 % interval of it, cut at 0 and 1.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
    /// Part of R² by Shapley, where there are few enough drivers: a check.
    pub shapley: Option<f64>,
    /// Correlation with the outcome: negative means that the importance works the other way round.
    pub correlation: f64,
    /// Weighted mean of the driver.
    pub mean: f64,
    /// Where it stands when the map is split at the overall means.
    pub quadrant: Quadrant,
}

/// The priority map.
#[derive(Debug, Clone, PartialEq)]
pub struct DriverAnalysis {
    /// In the order given.
    pub drivers: Vec<Driver>,
    /// What all explain together.
    pub r_squared: f64,
    /// Answers to the rarest pair of questions.
    pub n: u64,
    /// Mean importance: where the map is split.
    pub mean_importance: f64,
    /// Mean satisfaction: where the map is split.
    pub mean_satisfaction: f64,
}

/// Importance of each driver with its jackknife interval, against mean satisfaction.
///
/// `strata` (may be empty: one stratum) makes the jackknife stratified: per respondent the stratum and its sampling fraction n_h/N_h.
/// Drivers should share one scale, or the split by mean satisfaction says nothing.
///
/// # Errors
/// As [`Correlations::pairwise`].
pub fn analyse(
    drivers: &[Vec<Option<f64>>],
    outcome: &[Option<f64>],
    weights: &[f64],
    strata: &[(usize, f64)],
) -> Result<DriverAnalysis, DriverError> {
    let correlations = Correlations::pairwise(drivers, outcome, weights)?;
    let importance = johnson(&correlations)?;
    let shapley = if drivers.len() <= MOST_FOR_SHAPLEY { Some(shapley(&correlations)?) } else { None };
    let variances = jackknife(&questions(drivers, outcome)?, weights, strata)?;
    let means: Vec<f64> = drivers.iter().map(|answers| weighted_mean(answers, weights)).collect();
    let count = drivers.len() as f64;
    let mean_importance = importance.iter().sum::<f64>() / count;
    let mean_satisfaction = means.iter().sum::<f64>() / count;
    let t = crate::distribution::t95((weights.len().max(3) - 1) as f64);
    let drivers = (0..drivers.len())
        .map(|d| {
            let se = variances[d].sqrt();
            Driver {
                importance: importance[d],
                se,
                lower: (importance[d] - t * se).max(0.0),
                upper: (importance[d] + t * se).min(1.0),
                shapley: shapley.as_ref().map(|s| s[d]),
                correlation: correlations.with_outcome(d),
                mean: means[d],
                quadrant: match (importance[d] >= mean_importance, means[d] >= mean_satisfaction) {
                    (true, false) => Quadrant::Improve,
                    (true, true) => Quadrant::Keep,
                    (false, false) => Quadrant::Watch,
                    (false, true) => Quadrant::Maintain,
                },
            }
        })
        .collect();
    Ok(DriverAnalysis {
        drivers,
        r_squared: correlations.r_squared()?,
        n: correlations.n(),
        mean_importance,
        mean_satisfaction,
    })
}

fn weighted_mean(answers: &[Option<f64>], weights: &[f64]) -> f64 {
    let (w, wy) = answers
        .iter()
        .zip(weights)
        .filter_map(|(y, w)| y.map(|y| (w, y)))
        .fold((0.0, 0.0), |(sw, swy), (w, y)| (sw + w, swy + w * y));
    wy / w
}

/// Delete-one stratified jackknife of Johnson's weights.
fn jackknife(questions: &[&[Option<f64>]], weights: &[f64], strata: &[(usize, f64)]) -> Result<Vec<f64>, DriverError> {
    let moments = Moments::new(questions, weights);
    let drivers = questions.len() - 1;
    let stratum_of = |row: usize| strata.get(row).map_or(0, |s| s.0);
    let mut sizes: std::collections::BTreeMap<usize, (f64, f64)> = std::collections::BTreeMap::new();
    for row in 0..weights.len() {
        let entry = sizes.entry(stratum_of(row)).or_insert((0.0, strata.get(row).map_or(0.0, |s| s.1)));
        entry.0 += 1.0;
    }
    // Without a row its stratum's other weights grow to the same total: take the row out and add the difference.
    let mut stratum_moments: std::collections::BTreeMap<usize, Moments> = std::collections::BTreeMap::new();
    for (row, weight) in weights.iter().enumerate() {
        let own = stratum_moments
            .entry(stratum_of(row))
            .or_insert_with(|| Moments { pairs: vec![PairMoments::default(); moments.pairs.len()], ..moments.clone() });
        own.add(questions, row, *weight, 1.0);
    }
    let mut sums: std::collections::BTreeMap<usize, Vec<(f64, f64)>> = std::collections::BTreeMap::new();
    let full = johnson(&moments.correlations()?)?;
    for (row, weight) in weights.iter().enumerate() {
        let stratum = stratum_of(row);
        let (n, _) = sizes[&stratum];
        if n < 2.0 {
            continue;
        }
        let mut own = stratum_moments[&stratum].clone();
        own.add(questions, row, *weight, -1.0);
        let grown = n / (n - 1.0);
        let mut without = moments.clone();
        for ((all, old), left) in without.pairs.iter_mut().zip(&stratum_moments[&stratum].pairs).zip(&own.pairs) {
            all.n = all.n - old.n + left.n;
            all.w += grown * left.w - old.w;
            all.x += grown * left.x - old.x;
            all.y += grown * left.y - old.y;
            all.xx += grown * left.xx - old.xx;
            all.yy += grown * left.yy - old.yy;
            all.xy += grown * left.xy - old.xy;
        }
        let replicate = johnson(&without.correlations()?)?;
        let sums = sums.entry(stratum).or_insert_with(|| vec![(0.0, 0.0); drivers]);
        for (d, sum) in sums.iter_mut().enumerate() {
            let away = replicate[d] - full[d];
            sum.0 += away;
            sum.1 += away * away;
        }
    }
    let mut variances = vec![0.0; drivers];
    for (stratum, sums) in sums {
        let (n, fraction) = sizes[&stratum];
        for (variance, (sum, square)) in variances.iter_mut().zip(sums) {
            *variance += (1.0 - fraction) * (n - 1.0) / n * (square - sum * sum / n).max(0.0);
        }
    }
    Ok(variances)
}
