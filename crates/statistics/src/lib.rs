//! The estimators: weights, means with their uncertainty, changes, suppression and drivers, as pure algebra on cell sums.
//!
//! Nothing here reads a file or knows a data frame. A year is described by its cells (sector × size, with the counts of
//! frame and answers); an indicator in a domain by sums per cell (n, Σy, Σy²); two years by the sums over the businesses
//! that answered both. `statistics.md` of the specification defines every formula; section numbers refer to it.
//!
//! # Layout
//! - [`design`]: cells of a year → collapse, weights, [`Design`] (§ 2)
//! - [`sums`]: the sums a caller makes with one `group by` (§ 5)
//! - [`estimate`]: [`Design`] × sums → [`Figure`], which holds the estimate and what changes need of it (§ 3)
//! - [`mod@change`]: two figures and their overlap → [`Change`]; families of comparisons and verdicts (§ 4)
//! - [`series`]: targets, trend, two-year means (§ 4)
//! - [`suppress`]: what may be shown, and the audit of what is hidden (§ 6)
//! - [`shield`]: the same for hundreds of linked groups; [`tables`]: the closed list of tables that explore serves
//! - [`running`]: continuous measurement, quarter by quarter
//! - [`rounding`]: what leaves the analyst's console (§ 6)
//! - [`response`]: response rates, representativity, dominance (§ 2, § 7)
//! - [`drivers`], [`reliability`]: what matters most; alpha of a battery and of two coders (§ 8)
//! - [`distribution`]: Student's t
//!
//! # A year and a change in eight lines
//! ```text
//! let designs = Design::build(&[year24, year25], &options)?;         // one collapse for both: for changes
//! let a = designs[0].figure(scale, Sums::Businesses(&sums24), &[]);
//! let b = designs[1].figure(scale, Sums::Businesses(&sums25), &[]);
//! let change = change(&a, &b, &link, Pairs::Businesses(&pairs), Overlap::Own);
//! let judged = judge(&[Some(change)], Adjustment::BenjaminiHochberg);
//! ```
pub mod change;
pub mod design;
pub mod distribution;
pub mod drivers;
pub mod estimate;
mod matrix;
pub mod reliability;
pub mod response;
pub mod rounding;
pub mod running;
pub mod series;
pub mod shield;
pub mod sums;
pub mod suppress;
pub mod tables;

pub use change::{Adjustment, Change, Judgement, Link, Linked, Overlap, change, covariance, judge};
pub use design::{Cell, Design, DesignError, Fpc, Options, VarianceKind, Weighting, Year};
pub use estimate::{Figure, Scale};
pub use sums::{CellSums, ClusterMember, ClusterSums, EmployeeOverlapSums, EmployeeSums, OverlapSums, Pairs, Sums};
