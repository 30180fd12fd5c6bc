//! Numbers of units and companies in the Danish and Swedish registers, with their check digits.
use crate::secrets::Keys;

/// Why a register number is refused. Says nothing of the number itself: it may be a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// Wrong number of digits, or other characters.
    #[error("{kind} must have {digits} digits")]
    Form {
        /// What the number should be.
        kind: &'static str,
        /// How many digits it has.
        digits: usize,
    },
    /// The check digit does not fit.
    #[error("the check digit of the {kind} is wrong")]
    CheckDigit {
        /// What the number should be.
        kind: &'static str,
    },
}

/// A CVR number: eight digits, modulus 11.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cvr(String);

/// A P number (Danish workplace): ten digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PNumber(String);

/// A CFAR number (Swedish workplace): eight digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cfar(String);

/// An organisationsnummer: ten digits, Luhn. A sole trader's is the owner's personnummer, so it has no `Debug` in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct OrgNumber(String);

impl Cvr {
    /// Reads eight digits; blanks and a leading `DK` are ignored.
    ///
    /// # Errors
    /// [`NumberError`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        todo!("{text}")
    }
    /// The eight digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The CVR number that starts with these seven digits; `None` where modulus 11 allows none. For invented registers.
    #[must_use]
    pub fn with_check_digit(first_seven: u32) -> Option<Self> {
        todo!("{first_seven}")
    }
}

impl PNumber {
    /// Reads ten digits.
    ///
    /// # Errors
    /// [`NumberError`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        todo!("{text}")
    }
    /// The ten digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The stable key of the unit: `dk:p:<number>`.
    #[must_use]
    pub fn unit_key(&self) -> String {
        format!("dk:p:{}", self.0)
    }
}

impl Cfar {
    /// Reads eight digits.
    ///
    /// # Errors
    /// [`NumberError`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        todo!("{text}")
    }
    /// The eight digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The stable key of the unit: `se:cfar:<number>`.
    #[must_use]
    pub fn unit_key(&self) -> String {
        format!("se:cfar:{}", self.0)
    }
}

impl OrgNumber {
    /// Reads ten digits with or without hyphen, or twelve with the century before them.
    ///
    /// # Errors
    /// [`NumberError`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        todo!("{}", text.len())
    }
    /// Whether it is a person's number (third digit below 2): never stored, shown or exported.
    #[must_use]
    pub fn is_sole_trader(&self) -> bool {
        todo!()
    }
    /// What may be stored: the ten digits, or `hash:<keyed hash>` for a sole trader.
    #[must_use]
    pub fn stored(&self, keys: &Keys) -> String {
        let _ = keys;
        todo!()
    }
    /// What may be shown: the number with its hyphen; `None` for a sole trader.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        todo!()
    }
}
