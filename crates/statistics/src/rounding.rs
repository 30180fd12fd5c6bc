//! What leaves the analyst's console: fewer digits where there are few answers (§ 6).
//!
//! At full precision n, mean and standard error give away all five answers of a 1–5 item in most cases.
use domain::indicator::Kind;
use domain::results::{ChangeRow, Estimate, EstimateRow, Interval};

/// From this many answers on, one decimal, SE, deff and whole distributions are shown.
pub const ENOUGH: u64 = 20;

/// Decimals of an indicator's figure in its own unit: index, NPS and percent 0 below 20 answers and 1 from there;
/// shares and balances are kept as parts of one, hence two places more; means on short scales one place more.
#[must_use]
pub const fn decimals(kind: Kind, n: u64) -> u32 {
    let few = n < ENOUGH;
    match (kind, few) {
        (Kind::Index | Kind::Nps, true) => 0,
        (Kind::Index | Kind::Nps, false) | (Kind::Mean, true) => 1,
        (Kind::Share | Kind::Balance | Kind::Mean, _) => {
            if few || matches!(kind, Kind::Mean) {
                2
            } else {
                3
            }
        }
    }
}

/// Rounds half away from zero, without a negative zero.
#[must_use]
pub fn round(value: f64, decimals: u32) -> f64 {
    let factor = 10_f64.powi(decimals.cast_signed());
    let rounded = (value * factor).round() / factor;
    if rounded == 0.0 { 0.0 } else { rounded }
}

/// Half of the last printed place: the reader knows the figure to within this.
#[must_use]
pub fn half_place(kind: Kind, n: u64) -> f64 {
    0.5 / 10_f64.powi(decimals(kind, n).cast_signed())
}

fn round_interval(interval: Interval, decimals: u32) -> Interval {
    Interval { lower: round(interval.lower, decimals), upper: round(interval.upper, decimals) }
}

/// An estimate as it may be published. Below 20 answers SE, df and deff stay inside.
#[must_use]
pub fn publish(estimate: &Estimate, kind: Kind) -> Estimate {
    let places = decimals(kind, estimate.n);
    let enough = estimate.n >= ENOUGH;
    Estimate {
        n: estimate.n,
        value: estimate.value.map(|v| round(v, places)),
        se: estimate.se.filter(|_| enough).map(|v| round(v, places)),
        df: estimate.df.filter(|_| enough).map(|v| round(v, 1)),
        interval: estimate.interval.map(|i| round_interval(i, places)),
        deff: estimate.deff.filter(|_| enough).map(|v| round(v, 2)),
    }
}

/// A row as it may be published: a hidden one loses its figures, the others are rounded.
#[must_use]
pub fn publish_row(row: &EstimateRow, kind: Kind) -> EstimateRow {
    let estimate = if row.state.is_hidden() {
        Estimate { n: row.estimate.n, value: None, se: None, df: None, interval: None, deff: None }
    } else {
        publish(&row.estimate, kind)
    };
    EstimateRow { estimate, ..row.clone() }
}

/// A change as it may be published: rounded by the thinner year; n_both, SE and p-values only from 20 answers in both years.
///
/// The verdict and the sentence rest on the unrounded change and are not affected.
#[must_use]
pub fn publish_change(row: &ChangeRow, kind: Kind) -> ChangeRow {
    let n = row.n_from.min(row.n_to);
    let places = decimals(kind, n);
    let enough = n >= ENOUGH;
    ChangeRow {
        n_both: if enough { row.n_both } else { 0 },
        change: row.change.map(|v| round(v, places)),
        se: row.se.filter(|_| enough).map(|v| round(v, places)),
        df: row.df.filter(|_| enough).map(|v| round(v, 1)),
        interval: row.interval.map(|i| round_interval(i, places)),
        p_value: row.p_value.filter(|_| enough).map(|v| round(v, 3)),
        p_adjusted: row.p_adjusted.filter(|_| enough).map(|v| round(v, 3)),
        detectable: row.detectable.map(|v| round(v, places)),
        ..row.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(n: u64) -> Estimate {
        Estimate {
            n,
            value: Some(62.3456),
            se: Some(3.21),
            df: Some(18.0),
            interval: Some(Interval { lower: 55.04, upper: 69.66 }),
            deff: Some(1.234),
        }
    }

    #[test]
    fn below_twenty_answers_no_decimals_and_no_standard_error() {
        let few = publish(&estimate(19), Kind::Index);
        assert_eq!((few.value, few.se, few.deff, few.df), (Some(62.0), None, None, None));
        assert_eq!(few.interval, Some(Interval { lower: 55.0, upper: 70.0 }));
        let enough = publish(&estimate(20), Kind::Index);
        assert_eq!((enough.value, enough.se, enough.deff), (Some(62.3), Some(3.2), Some(1.23)));
    }

    #[test]
    fn a_share_is_rounded_as_the_percentage_it_is_printed_as() {
        let share = Estimate { value: Some(0.456_78), ..estimate(19) };
        assert_eq!(publish(&share, Kind::Share).value, Some(0.46));
        assert_eq!(publish(&Estimate { n: 20, ..share }, Kind::Share).value, Some(0.457));
        assert!((half_place(Kind::Share, 20) - 0.0005).abs() < 1e-15);
        assert!((half_place(Kind::Index, 19) - 0.5).abs() < 1e-15);
    }

    #[test]
    fn zero_has_no_sign() {
        assert!(round(-0.04, 1).is_sign_positive());
    }
}
