//! Industry codes, the classifications they are written in, and the groupings of sectors that outlive them.
use serde::{Deserialize, Serialize};

/// A version of the industry classification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Classification {
    /// Dansk Branchekode 2007 (NACE rev. 2, six digits), until the end of 2024.
    Db07,
    /// Dansk Branchekode 2025 (NACE rev. 2.1, six digits), from January 2025.
    Db25,
    /// Svensk näringsgrensindelning 2007 (NACE rev. 2 at four digits).
    Sni2007,
    /// Svensk näringsgrensindelning 2025 (NACE rev. 2.1 at four digits).
    Sni2025,
}
