//! Numbers exactly as they are printed: nothing finer than what is shown leaves the console, on no page and in no file.
use serde::Serialize;

use crate::indicator::Kind;
use crate::results::Interval;

/// Decimals by kind and base: below 20 answers one less, so that single answers cannot be worked out.
#[must_use]
pub const fn decimals(kind: Kind, n: u64) -> usize {
    match (kind, n < 20) {
        (Kind::Mean, true) => 1,
        (Kind::Mean, false) => 2,
        (_, true) => 0,
        (_, false) => 1,
    }
}

/// What a value is multiplied by to be read: shares and balances are read in percent.
#[must_use]
pub const fn factor(kind: Kind) -> f64 {
    match kind {
        Kind::Share | Kind::Balance => 100.0,
        Kind::Index | Kind::Mean | Kind::Nps => 1.0,
    }
}

/// A number as it is printed, for files that keep numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Printed {
    /// In the unit that is read: 61.4 for `61,4 %`.
    pub value: f64,
    /// Decimals printed.
    pub decimals: usize,
    /// Is it a percentage (or, of a margin or difference, percentage points)?
    pub percent: bool,
}

impl Printed {
    /// A number in the unit that is read, rounded to what is printed; `None` when it is no number.
    #[must_use]
    pub fn rounded(value: f64, decimals: usize, percent: bool) -> Option<Self> {
        // The digits of the text are the number: rounding has one place.
        let value: f64 = format!("{value:.decimals$}").parse().ok().filter(|v: &f64| v.is_finite())?;
        Some(Self { value: if value == 0.0 { 0.0 } else { value }, decimals, percent })
    }

    fn new(kind: Kind, value: f64, n: u64) -> Option<Self> {
        Self::rounded(value * factor(kind), decimals(kind, n), matches!(kind, Kind::Share | Kind::Balance))
    }

    /// A figure: `61,4`, `3,57`, `59,2 %`.
    #[must_use]
    pub fn figure(kind: Kind, value: f64, n: u64) -> Option<Self> {
        Self::new(kind, value, n)
    }

    /// What is printed after `±`.
    #[must_use]
    pub fn margin(kind: Kind, interval: Interval, n: u64) -> Option<Self> {
        Self::new(kind, (interval.upper - interval.lower) / 2.0, n)
    }

    /// A difference.
    #[must_use]
    pub fn difference(kind: Kind, change: f64, n: u64) -> Option<Self> {
        Self::new(kind, change, n)
    }
}
