//! Who belongs to the population: rules as data, each exclusion a named, counted outcome.
use crate::language::Texts;
use crate::size::Employees;

/// What the rules look at in one row of an extract.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The company is the municipality itself (its number is among the municipality's own).
    pub own_unit: bool,
    /// Legal form as written in the register: a code, a short form or a text; empty when not given.
    pub legal_form: &'a str,
    /// State as written in the register; empty when not given.
    pub status: &'a str,
    /// The unit's or company's end date lies on or before the extract's date.
    pub ended: bool,
    /// Employees of the unit, where known.
    pub employees: Option<Employees>,
    /// The class of NACE rev. 2 that stands for the unit's industry: `64.20`; empty when not known.
    pub industry: &'a str,
}

/// A rule that left a unit out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Stable key of the rule: `own_units`, `ceased`, …
    pub key: String,
    /// Title per language: "Kommunens egne enheder".
    pub titles: Texts,
}

/// A set of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligibility {
    version: u32,
    exclusions: Vec<Exclusion>,
}

/// What is wrong with a rule file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct EligibilityError {
    /// Name of the file.
    pub file: String,
    /// What is wrong, with the rule's key.
    pub problem: String,
}

impl Eligibility {
    /// The rules that ship (`analysis/eligibility.toml`).
    #[must_use]
    pub fn shipped() -> &'static Self {
        todo!()
    }

    /// Reads a rule file.
    ///
    /// # Errors
    /// [`EligibilityError`] naming file and rule.
    pub fn parse(file: &str, text: &str) -> Result<Self, EligibilityError> {
        todo!("{file} {text}")
    }

    /// Version of the rules: a changed rule is a break.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Every exclusion, in the order in which the rules are asked.
    #[must_use]
    pub fn exclusions(&self) -> &[Exclusion] {
        &self.exclusions
    }

    /// The first rule that leaves the unit out; `None`: it belongs.
    #[must_use]
    pub fn excluded_by(&self, facts: &Facts<'_>) -> Option<&Exclusion> {
        todo!("{facts:?}")
    }
}
