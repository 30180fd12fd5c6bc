//! A mean with its uncertainty, and what a change needs of it (§ 3).
use domain::indicator::Kind;
use domain::results::{Estimate, Interval};

use crate::design::{Design, Fpc, VarianceKind};
use crate::distribution::t95;
use crate::sums::{CellSums, ClusterSums, EmployeeSums, Sums};

/// Sums of squares below this part of Σy² are the rounding of equal numbers: a single deviating answer of one scale point
/// among ten million still gives 1e-9.
pub(crate) const ROUNDING: f64 = 1e-12;

/// The scale of a figure: its ends, and whether it is a share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Lowest possible value.
    pub lower: f64,
    /// Highest possible value.
    pub upper: f64,
    /// A share: y is 0 or 1, and the interval is made on the logit scale.
    pub share: bool,
}

impl Scale {
    /// A share, 0–1.
    pub const SHARE: Self = Self { lower: 0.0, upper: 1.0, share: true };

    /// A mean on a scale with these ends.
    #[must_use]
    pub const fn mean(lower: f64, upper: f64) -> Self {
        Self { lower, upper, share: false }
    }

    /// The scale of an indicator; `ends` are used by [`Kind::Mean`] only.
    #[must_use]
    pub const fn of(kind: Kind, ends: [f64; 2]) -> Self {
        match kind {
            Kind::Index => Self::mean(0.0, 100.0),
            Kind::Mean => Self::mean(ends[0], ends[1]),
            Kind::Share => Self::SHARE,
            Kind::Balance => Self::mean(-1.0, 1.0),
            Kind::Nps => Self::mean(-100.0, 100.0),
        }
    }

    /// Cuts an interval at the ends of the scale.
    #[must_use]
    pub fn cut(&self, interval: Interval) -> Interval {
        Interval { lower: interval.lower.max(self.lower), upper: interval.upper.min(self.upper) }
    }
}

/// Some units with their number, mean score and sum of squares about it.
#[derive(Debug, Clone, Copy, Default)]
struct Lot {
    n: f64,
    mean: f64,
    squares: f64,
}

/// Number and sum of squares about the common mean; every term is non-negative, so nothing cancels.
fn pooled_squares(lots: &[Lot]) -> (f64, f64) {
    let (n, sum) = lots.iter().fold((0.0, 0.0), |(n, sum), lot| (n + lot.n, sum + lot.n * lot.mean));
    let mean = if n > 0.0 { sum / n } else { 0.0 };
    let squares = lots.iter().map(|lot| lot.squares + lot.n * (lot.mean - mean).powi(2)).sum();
    (n, squares)
}

/// The lots of each stratum.
fn by_stratum(strata: usize, stratum_of: impl Iterator<Item = usize>, lots: &[[Lot; 2]]) -> Vec<Vec<Lot>> {
    let mut grouped = vec![Vec::new(); strata];
    for (stratum, lots) in stratum_of.zip(lots) {
        grouped[stratum].extend(lots.iter().filter(|lot| lot.n > 0.0));
    }
    grouped
}

/// A cell (or a pattern of companies) of the figure: z = slope · s − shift, with s = (y − ȳ)·u (times employees).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) link_stratum: usize,
    pub(crate) slope: f64,
    pub(crate) shift: f64,
}

/// Variance of z in a stratum of the covariance.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LinkStratum {
    /// Units (businesses, or companies) that answered.
    pub(crate) units: f64,
    /// Businesses that answered.
    pub(crate) answered: f64,
    /// Businesses in the frame.
    pub(crate) frame: f64,
    /// Standard deviation of z.
    pub(crate) deviation: f64,
}

/// An estimate together with the scores that a change, a trend or a two-year mean need of it.
#[derive(Debug, Clone)]
pub struct Figure {
    estimate: Estimate,
    pub(crate) scale: Scale,
    pub(crate) year: i32,
    pub(crate) fpc: Fpc,
    /// The variance that a change uses; `None` where there is none to use.
    pub(crate) variance: Option<f64>,
    pub(crate) variance_without_fpc: Option<f64>,
    pub(crate) rows: Vec<Row>,
    pub(crate) link_strata: Vec<LinkStratum>,
    /// Per cell, its stratum of the covariance.
    pub(crate) stratum_of_cell: Vec<usize>,
    census: bool,
    weight: f64,
    /// Σ w u: as `weight`, each business once.
    businesses: f64,
    n_eff: f64,
}

/// The sums of a row in one form: Σs over the u = 1 units and their lot of s, once ȳ is known.
struct RowSums {
    /// Cell whose stratum and weight apply.
    cell: usize,
    /// Units of the row that answered, u = 0 included.
    units: f64,
    /// Units with u = 1.
    counted: f64,
    /// What one unit of s weighs before division by W.
    weight: f64,
    /// Σ of the factors g (n where businesses count once).
    g: f64,
    gy: f64,
    gyy: f64,
    gg: f64,
    /// About zero: Σ (g y)² and Σ g² y.
    ggy: f64,
    ggyy: f64,
    /// Every g is 1.
    plain: bool,
    /// Where the row's workplaces lie, for the fit of raked weights: (cell, workplaces, counted). Empty: one in `cell`.
    members: Vec<(usize, f64, f64)>,
}

impl RowSums {
    /// The lot of scores s = g (y − mean) over the counted units.
    fn scores(&self, mean: f64) -> Lot {
        if self.counted == 0.0 {
            return Lot::default();
        }
        if self.plain {
            let own = self.gy / self.counted;
            let squares = self.gyy - self.gy * own;
            let squares = if squares <= ROUNDING * self.gyy { 0.0 } else { squares };
            let scale = (self.gyy / self.counted).sqrt();
            let away = own - mean;
            let away = if away.abs() <= ROUNDING * scale { 0.0 } else { away };
            return Lot { n: self.counted, mean: away, squares };
        }
        let sum = self.gy - mean * self.g;
        let square = self.ggyy - 2.0 * mean * self.ggy + mean * mean * self.gg;
        let squares = square - sum * sum / self.counted;
        let squares = if squares <= ROUNDING * self.ggyy { 0.0 } else { squares };
        let scale = (self.ggyy / self.counted).sqrt();
        let average = sum / self.counted;
        Lot { n: self.counted, mean: if average.abs() <= ROUNDING * scale { 0.0 } else { average }, squares }
    }
}

impl Design {
    /// The mean of an indicator in a domain.
    ///
    /// `blanks`: per cell, the businesses that answered but left the item blank ("ved ikke" included); used by [`Fpc::Item`] only,
    /// may be empty. Cells in `sums` are those of the year that the design was built from; others are a mistake of the caller and panic.
    #[must_use]
    pub fn figure(&self, scale: Scale, sums: Sums<'_>, blanks: &[u64]) -> Figure {
        let rows = self.rows(sums);
        let total = |value: &dyn Fn(&RowSums) -> f64| rows.iter().map(|r| r.weight * value(r)).sum::<f64>();
        let n: f64 = rows.iter().map(|r| r.counted).sum();
        let weight = total(&|r| r.g);
        let n_eff = weight * weight / rows.iter().map(|r| r.weight * r.weight * r.gg).sum::<f64>();
        let link_strata: Vec<LinkStratum> = self
            .link_strata
            .iter()
            .map(|s| LinkStratum { answered: s.answered as f64, frame: s.frame as f64, ..LinkStratum::default() })
            .collect();
        let mut figure = Figure {
            estimate: Estimate { n: n as u64, value: None, se: None, df: None, interval: None, deff: None },
            scale,
            year: self.year,
            fpc: self.fpc,
            variance: None,
            variance_without_fpc: None,
            rows: rows
                .iter()
                .map(|r| Row { link_stratum: self.cells[r.cell].link_stratum, slope: 0.0, shift: 0.0 })
                .collect(),
            link_strata,
            stratum_of_cell: self.cells.iter().map(|c| c.link_stratum).collect(),
            census: false,
            weight,
            businesses: total(&|r| r.counted),
            n_eff,
        };
        if weight.is_nan() || weight <= 0.0 {
            return figure;
        }
        let mean = exact_share(&rows, scale).unwrap_or_else(|| total(&|r| r.gy) / weight);
        figure.estimate.value = Some(mean);

        let scores: Vec<Lot> = rows.iter().map(|r| r.scores(mean)).collect();
        let shifts = self.shifts(&rows, &scores, weight);
        for ((row, sums), shift) in figure.rows.iter_mut().zip(&rows).zip(&shifts) {
            row.slope = sums.weight / weight;
            row.shift = *shift;
        }
        // Scores z of the counted and of the other units, row by row.
        let lots: Vec<[Lot; 2]> = rows
            .iter()
            .zip(&scores)
            .zip(&figure.rows)
            .map(|((sums, score), row)| {
                let counted = Lot {
                    n: score.n,
                    mean: row.slope * score.mean - row.shift,
                    squares: row.slope * row.slope * score.squares,
                };
                [counted, Lot { n: sums.units - score.n, mean: -row.shift, squares: 0.0 }]
            })
            .collect();

        let strata_held = self.strata_held(&rows);
        let df = n - strata_held.iter().filter(|held| **held).count() as f64;
        figure.estimate.df = Some(df);

        let blanks = self.blanks_per_stratum(blanks);
        let fractions: Vec<f64> = self
            .strata
            .iter()
            .zip(&blanks)
            .map(|(s, blank)| match self.fpc {
                // A class that only the other year of a common collapse has: nobody here, so nothing to correct.
                _ if s.frame == 0 => 0.0,
                Fpc::None => 0.0,
                Fpc::Unit => s.answered as f64 / s.frame as f64,
                Fpc::Item => s.answered.saturating_sub(*blank) as f64 / s.frame as f64,
            })
            .collect();
        figure.census = strata_held.iter().zip(&fractions).all(|(held, f)| !held || *f >= 1.0);
        figure.set_link_strata(&lots);

        let rms = (total(&|r| r.gyy) / weight).sqrt();
        let snap = |v: f64| if v.max(0.0).sqrt() <= ROUNDING * rms { 0.0 } else { v };
        let (variance, without) = self.variances(&rows, &lots, &fractions, &blanks);
        let (variance, without) = (variance.map(snap), without.map(snap));
        figure.estimate.se = variance.map(f64::sqrt);
        figure.estimate.deff = variance.and_then(|v| design_effect(&rows, mean, weight, n, v));
        figure.variance = variance;
        figure.variance_without_fpc = without;
        figure.finish(mean, df);
        figure
    }

    fn rows(&self, sums: Sums<'_>) -> Vec<RowSums> {
        let empty = |(cell, placed): (usize, &crate::design::Placed)| RowSums {
            cell,
            units: placed.answered as f64,
            counted: 0.0,
            weight: placed.weight,
            g: 0.0,
            gy: 0.0,
            gyy: 0.0,
            gg: 0.0,
            ggy: 0.0,
            ggyy: 0.0,
            plain: true,
            members: Vec::new(),
        };
        match sums {
            Sums::Businesses(sums) => {
                let mut rows: Vec<RowSums> = self.cells.iter().enumerate().map(empty).collect();
                for CellSums { cell, n, sum, sum_sq } in sums {
                    let row = &mut rows[*cell];
                    row.counted += *n as f64;
                    row.g += *n as f64;
                    row.gg += *n as f64;
                    row.gy += sum;
                    row.gyy += sum_sq;
                }
                rows
            }
            Sums::Employees(sums) => {
                let mut rows: Vec<RowSums> = self.cells.iter().enumerate().map(empty).collect();
                for EmployeeSums { cell, n, g, gy, gg, ggy, ggyy, gyy } in sums {
                    let row = &mut rows[*cell];
                    row.plain = false;
                    row.counted += *n as f64;
                    row.g += g;
                    row.gy += gy;
                    row.gyy += gyy;
                    row.gg += gg;
                    row.ggy += ggy;
                    row.ggyy += ggyy;
                }
                rows
            }
            Sums::Companies(sums) => sums.iter().map(|sums| self.company_row(sums)).collect(),
        }
    }

    /// A pattern of companies: y counts with the summed weight of the company's workplaces.
    fn company_row(&self, sums: &ClusterSums) -> RowSums {
        let weight: f64 = sums.members.iter().map(|m| m.counted as f64 * self.cells[m.cell].weight).sum();
        let counted = if weight > 0.0 { sums.n as f64 } else { 0.0 };
        let (sum, sum_sq) = if weight > 0.0 { (sums.sum, sums.sum_sq) } else { (0.0, 0.0) };
        RowSums {
            cell: sums.home,
            units: sums.n as f64,
            counted,
            weight,
            g: counted,
            gy: sum,
            gyy: sum_sq,
            gg: counted,
            ggy: 0.0,
            ggyy: 0.0,
            plain: true,
            members: sums.members.iter().map(|m| (m.cell, m.workplaces as f64, m.counted as f64)).collect(),
        }
    }

    /// What raking takes off each unit's score: w · fit, summed over the workplaces of a company.
    fn shifts(&self, rows: &[RowSums], scores: &[Lot], weight: f64) -> Vec<f64> {
        let Some(projection) = &self.projection else { return vec![0.0; rows.len()] };
        let mut per_cell = vec![0.0; self.cells.len()];
        for (row, score) in rows.iter().zip(scores) {
            let sum = score.n * score.mean / weight;
            if row.members.is_empty() {
                per_cell[row.cell] += sum;
            } else {
                row.members.iter().for_each(|(cell, _, counted)| per_cell[*cell] += counted * sum);
            }
        }
        let fit = projection.fit(&per_cell);
        let of_cell = |cell: usize| self.cells[cell].weight * fit[cell];
        rows.iter()
            .map(|row| {
                if row.members.is_empty() {
                    of_cell(row.cell)
                } else {
                    row.members.iter().map(|(cell, workplaces, _)| workplaces * of_cell(*cell)).sum()
                }
            })
            .collect()
    }

    fn strata_held(&self, rows: &[RowSums]) -> Vec<bool> {
        let mut held = vec![false; self.strata.len()];
        for row in rows.iter().filter(|r| r.counted > 0.0) {
            held[self.cells[row.cell].stratum] = true;
        }
        held
    }

    /// The variance with the correction chosen, and without any.
    fn variances(
        &self,
        rows: &[RowSums],
        lots: &[[Lot; 2]],
        fractions: &[f64],
        blanks: &[u64],
    ) -> (Option<f64>, Option<f64>) {
        if let (Some(projection), VarianceKind::Response) = (&self.projection, self.variance) {
            return self.response_variances(rows, lots, blanks, projection.rank());
        }
        let mut with = 0.0;
        let mut without = 0.0;
        let grouped = by_stratum(self.strata.len(), rows.iter().map(|r| self.cells[r.cell].stratum), lots);
        for (lots, fraction) in grouped.iter().zip(fractions) {
            let (n, squares) = pooled_squares(lots);
            let spread = if n > 1.0 {
                n / (n - 1.0) * squares
            } else {
                // A census of one, without correction: about the mean of all scores, which is 0.
                lots.iter().map(|lot| lot.n * lot.mean * lot.mean).sum()
            };
            with += (1.0 - fraction) * spread;
            without += spread;
        }
        (Some(with), Some(without))
    }

    /// V = n/(n − p) · Σ (1 − 1/w) z²: response as a draw with probability 1/w.
    fn response_variances(
        &self,
        rows: &[RowSums],
        lots: &[[Lot; 2]],
        blanks: &[u64],
        p: usize,
    ) -> (Option<f64>, Option<f64>) {
        let n: f64 = rows.iter().map(|r| r.units).sum();
        let p = p as f64;
        if n <= p {
            return (None, None);
        }
        let answered_item = match self.fpc {
            Fpc::None => 0.0,
            Fpc::Unit => 1.0,
            Fpc::Item => {
                let all: u64 = self.strata.iter().map(|s| s.answered).sum();
                all.saturating_sub(blanks.iter().sum()) as f64 / all as f64
            }
        };
        let (mut with, mut without) = (0.0, 0.0);
        for (row, lots) in rows.iter().zip(lots) {
            let squares: f64 = lots.iter().map(|lot| lot.squares + lot.n * lot.mean * lot.mean).sum();
            let cell_weight = self.cells[row.cell].weight;
            let drawn = if cell_weight > 0.0 { answered_item / cell_weight } else { 0.0 };
            with += (1.0 - drawn) * squares;
            without += squares;
        }
        (Some(n / (n - p) * with), Some(n / (n - p) * without))
    }
}

/// A share is exactly 0 or 1 when all answers say so: decided by counts, never by rounding.
fn exact_share(rows: &[RowSums], scale: Scale) -> Option<f64> {
    if !scale.share {
        return None;
    }
    if rows.iter().all(|r| r.gy == 0.0) {
        return Some(0.0);
    }
    rows.iter().all(|r| r.gy == r.g).then_some(1.0)
}

/// Against simple random sampling without replacement of as many businesses from as many.
fn design_effect(rows: &[RowSums], mean: f64, weight: f64, n: f64, variance: f64) -> Option<f64> {
    let squares: f64 = rows.iter().filter(|r| r.counted > 0.0).map(|r| r.weight * weighted_squares(r, mean)).sum();
    let size: f64 = rows.iter().filter(|r| r.counted > 0.0).map(|r| r.weight * r.counted).sum();
    let simple = squares / weight * n / (n - 1.0) * (1.0 / n - 1.0 / size);
    let effect = variance / simple;
    // When all answered there is no sampling to compare with.
    (n > 1.0 && simple > 0.0 && size - n > 1e-9 * size && effect.is_finite()).then_some(effect)
}

/// Σ g (y − mean)².
fn weighted_squares(row: &RowSums, mean: f64) -> f64 {
    if row.plain {
        let lot = row.scores(mean);
        return lot.squares + lot.n * lot.mean * lot.mean;
    }
    (row.gyy - 2.0 * mean * row.gy + mean * mean * row.g).max(0.0)
}

impl Figure {
    /// The estimate.
    #[must_use]
    pub const fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// Did everyone in every stratum of the domain answer? Then SE is 0, there is no interval, and the text says so.
    #[must_use]
    pub const fn is_census(&self) -> bool {
        self.census && self.estimate.value.is_some()
    }

    /// W: the sum of the domain's weights, an estimate of its businesses (or employees).
    #[must_use]
    pub const fn weight(&self) -> f64 {
        self.weight
    }

    /// (Σ w u)² / Σ w² u.
    #[must_use]
    pub const fn n_eff(&self) -> f64 {
        self.n_eff
    }

    /// Part of the domain's businesses that answered, by weight.
    pub(crate) fn answered_part(&self) -> f64 {
        if self.businesses > 0.0 { self.estimate.n as f64 / self.businesses } else { 0.0 }
    }

    /// The year of the design.
    #[must_use]
    pub const fn year(&self) -> i32 {
        self.year
    }

    /// Is this a share of exactly 0 or 1?
    fn at_the_end(&self) -> bool {
        self.scale.share && self.estimate.value.is_some_and(|v| v == 0.0 || v == 1.0)
    }

    fn set_link_strata(&mut self, lots: &[[Lot; 2]]) {
        let grouped = by_stratum(self.link_strata.len(), self.rows.iter().map(|r| r.link_stratum), lots);
        for (lots, stratum) in grouped.iter().zip(&mut self.link_strata) {
            let (n, squares) = pooled_squares(lots);
            stratum.units = n;
            stratum.deviation = if n > 1.0 { (squares / (n - 1.0)).sqrt() } else { 0.0 };
        }
    }

    /// The interval, and the variance that a change may use.
    fn finish(&mut self, mean: f64, df: f64) {
        let Some(se) = self.estimate.se else { return };
        if self.census {
            return;
        }
        if df < 1.0 {
            // One answer deviates by nothing from its own mean: no variance, rather than the variance zero.
            if se == 0.0 {
                self.estimate.se = None;
                self.estimate.deff = None;
                self.variance = None;
                self.variance_without_fpc = None;
            }
            return;
        }
        let t = t95(df);
        if self.at_the_end() {
            let distance = 1.0 - libm::exp(libm::log(0.025) / self.n_eff);
            self.estimate.interval = Some(if mean == 0.0 {
                Interval { lower: 0.0, upper: distance }
            } else {
                Interval { lower: 1.0 - distance, upper: 1.0 }
            });
            let variance = (distance / t).powi(2);
            self.variance = Some(variance);
            self.variance_without_fpc = Some(variance);
            return;
        }
        if se == 0.0 {
            // All answers alike: the answers say nothing of how opinions vary, so neither an interval nor a test follows.
            self.variance = None;
            self.variance_without_fpc = None;
            return;
        }
        self.estimate.interval = Some(if self.scale.share {
            let logit = libm::log(mean / (1.0 - mean));
            let away = t * se / (mean * (1.0 - mean));
            let back = |x: f64| 1.0 / (1.0 + libm::exp(-x));
            Interval { lower: back(logit - away), upper: back(logit + away) }
        } else {
            self.scale.cut(Interval { lower: mean - t * se, upper: mean + t * se })
        });
    }
}
