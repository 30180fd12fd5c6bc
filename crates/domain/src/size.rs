//! Employees, as a number or as a register interval, and the size classes made of them.
use serde::{Deserialize, Serialize};

use crate::language::{Country, Texts};

/// How many employees a register states: exactly, or between two limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Employees {
    /// Fewest.
    pub low: u32,
    /// Most; equal to `low` when exact, `None` for an open interval (1000+).
    pub high: Option<u32>,
}

impl Employees {
    /// Exactly `number`.
    #[must_use]
    pub const fn exact(number: u32) -> Self {
        Self { low: number, high: Some(number) }
    }

    /// Reads a number or an interval as registers write them: `12`, `10-19`, `ANTAL_10_19`, `1000+`, `20–49 anställda`.
    ///
    /// # Errors
    /// [`SizeError::Unreadable`].
    pub fn parse(text: &str) -> Result<Self, SizeError> {
        todo!("{text}")
    }

    /// Whether the number is known exactly.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.high == Some(self.low)
    }
}

/// Why a size cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// Neither a number nor an interval.
    #[error("\"{0}\" is neither a number of employees nor an interval")]
    Unreadable(String),
    /// An interval that lies across two classes.
    #[error("{low}–{high} employees lie in no single size class of \"{classes}\"")]
    Straddles {
        /// Fewest employees.
        low: u32,
        /// Most employees, or "∞".
        high: String,
        /// Key of the size definition.
        classes: String,
    },
    /// A definition file that cannot be used.
    #[error("{file}: {problem}")]
    Definition {
        /// Name of the file.
        file: String,
        /// What is wrong.
        problem: String,
    },
}

/// One size class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeClass {
    /// Stable key: `2-9`, `200+`.
    pub key: String,
    /// Title per language.
    pub titles: Texts,
    /// Fewest employees.
    pub low: u32,
    /// Most employees; `None`: no upper limit.
    pub high: Option<u32>,
}

/// A definition of size classes, smallest first, without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeClasses {
    key: String,
    classes: Vec<SizeClass>,
}

impl SizeClasses {
    /// Keys of the definitions that ship: `dk` (0–1, 2–9, …) and `nordic` (0, 1–4, 5–9, …).
    pub const SHIPPED: [&str; 2] = ["dk", "nordic"];

    /// A definition that ships; `None` for an unknown key.
    #[must_use]
    pub fn shipped(key: &str) -> Option<&'static Self> {
        todo!("{key}")
    }

    /// The default of a country.
    #[must_use]
    pub fn default_for(country: Country) -> &'static Self {
        todo!("{country:?}")
    }

    /// The definition's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The classes, smallest first.
    #[must_use]
    pub fn classes(&self) -> &[SizeClass] {
        &self.classes
    }

    /// The class that holds all of `employees`.
    ///
    /// # Errors
    /// [`SizeError::Straddles`] when an interval lies across two classes.
    pub fn class_of(&self, employees: Employees) -> Result<&SizeClass, SizeError> {
        todo!("{employees:?}")
    }
}

/// Whether a company is small or medium-sized, and by which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sme {
    /// Under the limit.
    pub is: bool,
    /// 250, or 200 where only register intervals are known.
    pub limit: u32,
}

/// Small or medium-sized, by the employees of the whole company.
#[must_use]
pub fn sme(company: Employees) -> Sme {
    todo!("{company:?}")
}
