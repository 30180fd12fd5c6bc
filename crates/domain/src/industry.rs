//! Industry codes, the classifications they are written in, and the groupings of sectors that outlive them.
//!
//! A business that was merely recoded must stay in its sector. So a [`Grouping`] is written in one language only, the
//! classes of NACE rev. 2 (DB07, SNI 2007), and every class of NACE rev. 2.1 (DB25, SNI 2025) names the class of rev. 2
//! that most of its businesses come from (`analysis/sectors/nace21.csv`, one row and one reason per class). The complete
//! lists of both classifications are shipped: an unknown code is an error, never a guess.
use serde::{Deserialize, Serialize};

use crate::language::Texts;

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

impl Classification {
    /// Every classification.
    pub const ALL: [Self; 4] = [Self::Db07, Self::Db25, Self::Sni2007, Self::Sni2025];

    /// The key as written in files and on the command line: `db07`, `db25`, `sni2007`, `sni2025`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Db07 => "db07",
            Self::Db25 => "db25",
            Self::Sni2007 => "sni2007",
            Self::Sni2025 => "sni2025",
        }
    }

    /// The classification of a key, in upper or lower case.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.key().eq_ignore_ascii_case(key.trim()))
    }
}

/// Why a code cannot be classified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// The text has not the form of a code.
    #[error("\"{text}\" is not an industry code of {}", classification.key())]
    Form {
        /// As it stood.
        text: String,
        /// The classification it should be in.
        classification: Classification,
    },
    /// The code is well formed but in no list.
    #[error("industry code {code} does not exist in {}", classification.key())]
    Unknown {
        /// The code with its points.
        code: String,
        /// The classification it should be in.
        classification: Classification,
    },
}

/// A code that exists in its classification, normalised to digits and points: `45.20.10`, `62.01`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndustryCode {
    text: String,
    classification: Classification,
}

impl IndustryCode {
    /// Reads a code as registers write it (`452010`, `45.20.10`, `45.20`, `62.010`).
    ///
    /// # Errors
    /// [`CodeError`] when the text is no code or the code is not in the classification's list.
    pub fn parse(text: &str, classification: Classification) -> Result<Self, CodeError> {
        todo!("{text} {classification:?}")
    }

    /// Digits and points, as given: `45.20.10`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The four-digit class: `45.20`.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.text[..5]
    }

    /// The classification it is written in.
    #[must_use]
    pub const fn classification(&self) -> Classification {
        self.classification
    }

    /// The title in the shipped list: Danish for rev. 2, English for rev. 2.1.
    #[must_use]
    pub fn title(&self) -> &'static str {
        todo!()
    }
}

/// One sector of a grouping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sector {
    /// Stable key.
    pub key: String,
    /// Title per language.
    pub titles: Texts,
    /// The sector it joins when it is too thin to be weighted on its own.
    pub collapse_into: Option<String>,
}

/// A grouping of industries into sectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    key: String,
    version: u32,
    titles: Texts,
    sectors: Vec<Sector>,
}

/// A classified code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified<'a> {
    /// The sector.
    pub sector: &'a Sector,
    /// The code, checked and normalised.
    pub code: IndustryCode,
    /// The rows that led there; its `Display` is a sentence.
    pub why: Why<'a>,
}

/// Which rows of the tables decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why<'a> {
    /// The class of NACE rev. 2 that stands for the code.
    pub home: &'a str,
    /// Why that class: the note of its row; empty for codes of rev. 2.
    pub note: &'a str,
    /// The grouping's rule that matched: a prefix of rev. 2.
    pub rule: &'a str,
}

impl std::fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.home, self.rule)
    }
}

/// What is wrong with a grouping's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupingError {
    /// Any fault, with file and key.
    #[error("{file}: {problem}")]
    Invalid {
        /// Name of the file.
        file: String,
        /// What is wrong, in words.
        problem: String,
    },
}

impl Grouping {
    /// Keys of the groupings that ship.
    pub const SHIPPED: [&str; 3] = ["dst10", "htk", "handel"];

    /// A grouping that ships; `None` for an unknown key.
    #[must_use]
    pub fn shipped(key: &str) -> Option<&'static Self> {
        todo!("{key}")
    }

    /// Reads a municipality's own grouping (TOML, or CSV `prefix,sector,title`); `file` is named in errors.
    ///
    /// # Errors
    /// [`GroupingError`] naming file and key.
    pub fn parse(file: &str, text: &str) -> Result<Self, GroupingError> {
        todo!("{file} {text}")
    }

    /// The grouping's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The grouping's version: raised when a rule changes.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The grouping's name.
    #[must_use]
    pub const fn titles(&self) -> &Texts {
        &self.titles
    }

    /// The sectors, in the order in which they are shown.
    #[must_use]
    pub fn sectors(&self) -> &[Sector] {
        &self.sectors
    }

    /// The sector of a key.
    #[must_use]
    pub fn sector(&self, key: &str) -> Option<&Sector> {
        self.sectors.iter().find(|s| s.key == key)
    }

    /// The sector of a code as registers write it.
    ///
    /// # Errors
    /// [`CodeError`] when the code is malformed or unknown.
    pub fn sector_of(&self, code: &str, classification: Classification) -> Result<Classified<'_>, CodeError> {
        todo!("{code} {classification:?}")
    }
}
