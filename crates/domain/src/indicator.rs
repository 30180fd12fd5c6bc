//! The indicator registry: definitions as data, in the format of the command-line contract.
use serde::{Deserialize, Serialize};

/// How an indicator is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Mean of items rescaled linearly to 0–100.
    Index,
    /// Mean on the original scale.
    Mean,
    /// Share of the base whose answer lies in a set.
    Share,
    /// Share positive minus share negative.
    Balance,
    /// Share 9–10 minus share 0–6, in points.
    Nps,
}

/// Which direction is an improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Higher is better.
    #[default]
    Higher,
    /// Lower is better.
    Lower,
    /// Neither.
    None,
}
