//! A mean with its uncertainty, and what a change needs of it (§ 3).
use domain::indicator::Kind;
use domain::results::Estimate;

use crate::design::Design;
use crate::sums::Sums;

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
}

/// An estimate together with the scores that a change, a trend or a two-year mean need of it.
#[derive(Debug, Clone)]
pub struct Figure {
    estimate: Estimate,
}

impl Design {
    /// The mean of an indicator in a domain.
    ///
    /// `blanks`: per cell, the businesses that answered but left the item blank ("ved ikke" included); used by `Fpc::Item` only, may be empty.
    #[must_use]
    pub fn figure(&self, scale: Scale, sums: Sums<'_>, blanks: &[u64]) -> Figure {
        let _ = (scale, sums, blanks);
        todo!()
    }
}

impl Figure {
    /// The estimate.
    #[must_use]
    pub const fn estimate(&self) -> &Estimate {
        &self.estimate
    }

    /// Did everyone in every stratum of the domain answer? Then SE is 0, there is no interval, and the text says "all answered".
    #[must_use]
    pub const fn is_census(&self) -> bool {
        todo!()
    }

    /// W: the sum of the domain's weights, an estimate of its businesses (or employees).
    #[must_use]
    pub const fn weight(&self) -> f64 {
        todo!()
    }
}
