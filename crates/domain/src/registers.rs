//! Numbers of units and companies in the Danish and Swedish registers, with their check digits.
//!
//! A Swedish sole trader's organisationsnummer *is* the owner's personnummer. [`OrgNumber`] therefore gives its digits
//! to nobody: only what may be stored ([`OrgNumber::stored`]) and what may be shown ([`OrgNumber::shown`]).
use crate::secrets::Keys;

/// Why a register number is refused. Says nothing of the number itself: it may be a person's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberError {
    /// Wrong number of digits, or other characters.
    #[error("a {kind} has {digits} digits")]
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

/// The part of a unit's key that may be shown: its number, never a hash.
#[must_use]
pub fn shown_unit(unit_key: &str) -> Option<&str> {
    unit_key.rsplit(':').next().filter(|_| !unit_key.contains(":hash:"))
}

/// A CVR number: eight digits, modulus 11.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cvr(String);

/// A P number (Danish workplace): ten digits, without a check digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PNumber(String);

/// A CFAR number (Swedish workplace): eight digits, without a check digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cfar(String);

/// An organisationsnummer: ten digits, Luhn.
#[derive(Clone, PartialEq, Eq)]
pub struct OrgNumber(String);

/// Exactly `count` digits, the first not 0, once blanks, points and hyphens are gone.
fn digits(text: &str, count: usize, kind: &'static str) -> Result<String, NumberError> {
    let kept: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '.' | '\u{ad}')).collect();
    let whole = kept.len() == count && kept.bytes().all(|b| b.is_ascii_digit()) && !kept.starts_with('0');
    if whole { Ok(kept) } else { Err(NumberError::Form { kind, digits: count }) }
}

/// The weighted sum of a CVR number's digits; divisible by 11 in a valid one.
fn cvr_sum(digits: &str) -> u32 {
    let weights = [2, 7, 6, 5, 4, 3, 2, 1];
    digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum()
}

/// The Luhn sum: every second digit from the right doubled, cross sums added; divisible by 10 in a valid number.
fn luhn_sum(digits: &str) -> u32 {
    let doubled = |(place, byte): (usize, u8)| {
        let digit = u32::from(byte - b'0') * if place % 2 == 1 { 2 } else { 1 };
        digit / 10 + digit % 10
    };
    digits.bytes().rev().enumerate().map(doubled).sum()
}

impl Cvr {
    const KIND: &'static str = "CVR number";

    /// Reads eight digits; blanks and a leading `DK` are ignored.
    ///
    /// # Errors
    /// [`NumberError`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let text = text.trim();
        let text = text.get(..2).filter(|p| p.eq_ignore_ascii_case("dk")).map_or(text, |_| &text[2..]);
        let number = digits(text, 8, Self::KIND)?;
        if cvr_sum(&number).is_multiple_of(11) {
            Ok(Self(number))
        } else {
            Err(NumberError::CheckDigit { kind: Self::KIND })
        }
    }

    /// The eight digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The stable key of the company as a unit: `dk:cvr:<number>`.
    #[must_use]
    pub fn unit_key(&self) -> String {
        format!("dk:cvr:{}", self.0)
    }

    /// The CVR number that starts with these seven digits (1,000,000 and up); `None` where modulus 11 allows none.
    /// For invented registers.
    #[must_use]
    pub fn with_check_digit(first_seven: u32) -> Option<Self> {
        if !(1_000_000..=9_999_999).contains(&first_seven) {
            return None;
        }
        let check = (11 - cvr_sum(&first_seven.to_string()) % 11) % 11;
        (check < 10).then(|| Self(format!("{first_seven}{check}")))
    }
}

impl PNumber {
    /// Reads ten digits.
    ///
    /// # Errors
    /// [`NumberError::Form`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        digits(text, 10, "P number").map(Self)
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
    /// [`NumberError::Form`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        digits(text, 8, "CFAR number").map(Self)
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
    const KIND: &'static str = "organisationsnummer";

    /// Reads ten digits with or without hyphen, or twelve: `16` before a company's, the century before a person's.
    ///
    /// # Errors
    /// [`NumberError`].
    pub fn parse(text: &str) -> Result<Self, NumberError> {
        let form = NumberError::Form { kind: Self::KIND, digits: 10 };
        // A person of 100 years or more has "+" for the hyphen.
        let kept: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '+')).collect();
        if !kept.bytes().all(|b| b.is_ascii_digit()) {
            return Err(form);
        }
        let number = match (kept.len(), kept.get(..2)) {
            (10, _) => Self(kept),
            (12, Some("16")) => Some(Self(kept[2..].to_owned())).filter(|n| !n.is_sole_trader()).ok_or(form)?,
            (12, Some("18" | "19" | "20")) => {
                Some(Self(kept[2..].to_owned())).filter(Self::is_sole_trader).ok_or(form)?
            }
            _ => return Err(form),
        };
        if number.0.bytes().all(|b| b == b'0') {
            return Err(form);
        }
        if luhn_sum(&number.0).is_multiple_of(10) {
            Ok(number)
        } else {
            Err(NumberError::CheckDigit { kind: Self::KIND })
        }
    }

    /// Whether it is a person's number (third digit below 2): never stored, shown or exported.
    #[must_use]
    pub fn is_sole_trader(&self) -> bool {
        self.0.as_bytes()[2] < b'2'
    }

    /// What may be stored: the ten digits, or `hash:<keyed hash>` for a sole trader.
    #[must_use]
    pub fn stored(&self, keys: &Keys) -> String {
        if self.is_sole_trader() { format!("hash:{}", keys.register_hash(&self.0)) } else { self.0.clone() }
    }

    /// What may be shown: the number with its hyphen; `None` for a sole trader.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        (!self.is_sole_trader()).then(|| format!("{}-{}", &self.0[..6], &self.0[6..]))
    }

    /// The stable key of the company as a unit: `se:org:<number>`, or `se:org:hash:<keyed hash>` for a sole trader.
    #[must_use]
    pub fn unit_key(&self, keys: &Keys) -> String {
        format!("se:org:{}", self.stored(keys))
    }

    /// The number that starts with these nine digits (100,000,000 and up). For invented registers.
    #[must_use]
    pub fn with_check_digit(first_nine: u32) -> Option<Self> {
        if !(100_000_000..=999_999_999).contains(&first_nine) {
            return None;
        }
        let check = (10 - luhn_sum(&format!("{first_nine}0")) % 10) % 10;
        Some(Self(format!("{first_nine}{check}")))
    }
}

impl std::fmt::Debug for OrgNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_sole_trader() { "OrgNumber(sole trader)" } else { "OrgNumber(company)" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secrets::SecretKey;

    #[test]
    fn published_numbers_are_valid() {
        // The Danish Business Authority, Statistics Denmark; the worked example of the Swedish tax agency.
        for number in ["10150817", "17150413", "DK 10 15 08 17"] {
            assert!(Cvr::parse(number).is_ok(), "{number}");
        }
        for number in ["212000-0142", "2120000142", "162120000142"] {
            assert_eq!(OrgNumber::parse(number).unwrap().shown().unwrap(), "212000-0142");
        }
        assert_eq!(PNumber::parse("1003388394").unwrap().unit_key(), "dk:p:1003388394");
        assert_eq!(Cfar::parse("19123456").unwrap().unit_key(), "se:cfar:19123456");
    }

    #[test]
    fn malformed_numbers_are_told_from_wrong_check_digits() {
        assert!(matches!(Cvr::parse("10150818"), Err(NumberError::CheckDigit { .. })));
        for text in ["", "1015081", "101508170", "00000000", "1015081x", "æøåæøåæø"] {
            assert!(matches!(Cvr::parse(text), Err(NumberError::Form { .. })), "{text}");
        }
        assert!(matches!(OrgNumber::parse("212000-0143"), Err(NumberError::CheckDigit { .. })));
        for text in ["", "212000", "0000000000", "19212000-0142", "16811218-9876", "212000-014x"] {
            assert!(matches!(OrgNumber::parse(text), Err(NumberError::Form { .. })), "{text}");
        }
        assert!(PNumber::parse("100338839").is_err() && Cfar::parse("1912345").is_err());
    }

    #[test]
    fn a_sole_traders_number_is_never_in_clear() {
        // 811218-9876 is the textbook personnummer.
        let keys = SecretKey::parse(&"07".repeat(32)).unwrap().keys();
        let person = OrgNumber::parse("19811218-9876").unwrap();
        assert!(person.is_sole_trader() && person.shown().is_none());
        for text in [person.stored(&keys), person.unit_key(&keys), format!("{person:?}")] {
            assert!(!text.contains("811218") && !text.contains("9876"), "{text}");
        }
        assert_eq!(person.stored(&keys), OrgNumber::parse("8112189876").unwrap().stored(&keys));
        assert!(person.stored(&keys).starts_with("hash:"));
    }

    proptest! {
        #[test]
        fn a_wrong_cvr_digit_is_found(first in 1_000_000u32..10_000_000, place in 0usize..8, add in 1u8..10) {
            if let Some(cvr) = Cvr::with_check_digit(first) {
                prop_assert_eq!(Cvr::parse(cvr.as_str()).unwrap(), cvr.clone());
                let mut bytes = cvr.as_str().as_bytes().to_vec();
                bytes[place] = b'0' + (bytes[place] - b'0' + add) % 10;
                prop_assert!(Cvr::parse(std::str::from_utf8(&bytes).unwrap()).is_err());
            }
        }

        #[test]
        fn a_wrong_organisationsnummer_digit_is_found(first in 100_000_000u32..1_000_000_000, place in 0usize..10, add in 1u8..10) {
            let number = OrgNumber::with_check_digit(first).unwrap();
            prop_assert_eq!(&OrgNumber::parse(&number.0).unwrap(), &number);
            prop_assert_eq!(number.shown().is_none(), number.is_sole_trader());
            let mut bytes = number.0.into_bytes();
            bytes[place] = b'0' + (bytes[place] - b'0' + add) % 10;
            prop_assert!(OrgNumber::parse(std::str::from_utf8(&bytes).unwrap()).is_err());
        }

        #[test]
        fn swapped_neighbours_in_a_cvr_are_found(first in 1_000_000u32..10_000_000, place in 1usize..7) {
            if let Some(cvr) = Cvr::with_check_digit(first) {
                let mut bytes = cvr.as_str().as_bytes().to_vec();
                bytes.swap(place, place + 1);
                prop_assert_eq!(Cvr::parse(std::str::from_utf8(&bytes).unwrap()).is_ok(), bytes == cvr.as_str().as_bytes());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,16}") {
            let _ = (Cvr::parse(&text), PNumber::parse(&text), Cfar::parse(&text), OrgNumber::parse(&text));
        }
    }
}
