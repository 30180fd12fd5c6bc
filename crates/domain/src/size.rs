//! Employees, as a number or as a register interval, and the size classes made of them.
//!
//! The classes are data (`analysis/size-classes.toml`). A register gives a number or an interval; a class is a union of
//! register intervals, so both give the same class, and an interval that lies across two classes is an error.
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::language::{Country, Texts};

const SHIPPED: &str = include_str!("../../../analysis/size-classes.toml");
static DEFINITIONS: LazyLock<Vec<SizeClasses>> = LazyLock::new(|| {
    SizeClasses::parse("size-classes.toml", SHIPPED).expect("the shipped definitions are read by a test")
});

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
        let unreadable = || SizeError::Unreadable(text.trim().chars().take(40).collect());
        let mut plain = String::new();
        let mut open = false;
        for word in words(text) {
            match word.as_str() {
                "antal" | "ansatte" | "ansat" | "anställda" | "anställd" | "employees" | "personer" | "st" => {}
                "til" | "till" | "to" => plain.push('-'),
                "eller" | "og" | "och" | "or" | "flere" | "fler" | "more" | "derover" | "mer" => open = true,
                _ => plain.push_str(&word),
            }
        }
        if let Some(number) = plain.strip_suffix('+') {
            open = true;
            plain.truncate(number.len());
        }
        let (low, high) = match plain.split_once('-') {
            Some((low, "")) => (number(low), Some(None)),
            Some((low, high)) => (number(low), number(high).map(Some)),
            None => (number(&plain), number(&plain).map(Some)),
        };
        let (low, high) = low.zip(high).ok_or_else(unreadable)?;
        // The Danish register closes its open interval with 999999.
        let high = if open || high == Some(999_999) { None } else { high };
        if high.is_some_and(|high| high < low) || open && plain.contains('-') {
            return Err(unreadable());
        }
        Ok(Self { low, high })
    }

    /// Whether the number is known exactly.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self.high == Some(self.low)
    }
}

/// Words in lower case; dashes and underscores become `-`, a blank or point between digits (1 000, 1.000) goes.
fn words(text: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(text.len());
    let chars: Vec<char> = text.trim().chars().flat_map(char::to_lowercase).collect();
    for (index, &c) in chars.iter().enumerate() {
        let thousands = || {
            let after = chars.get(index + 1..index + 4).is_some_and(|three| three.iter().all(char::is_ascii_digit))
                && !chars.get(index + 4).is_some_and(char::is_ascii_digit);
            index > 0 && chars[index - 1].is_ascii_digit() && after
        };
        match c {
            '.' | ' ' | '\u{a0}' | '\u{202f}' if thousands() => {}
            '–' | '—' | '-' | '_' => spaced.push('-'),
            c if c.is_whitespace() => spaced.push(' '),
            c => spaced.push(c),
        }
    }
    let spaced = spaced.strip_prefix("antal-").map_or(spaced.clone(), str::to_owned);
    spaced.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn number(digits: &str) -> Option<u32> {
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// Why a size cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SizeError {
    /// Neither a number nor an interval.
    #[error("\"{0}\" is neither a number of employees nor an interval")]
    Unreadable(String),
    /// An interval that lies across two classes.
    #[error("{low}–{high} employees lie in no one size class of \"{classes}\"")]
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
    country: Option<Country>,
    classes: Vec<SizeClass>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    definition: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    key: String,
    country: Option<Country>,
    #[serde(default, rename = "note")]
    _note: String,
    classes: Vec<SizeClass>,
}

impl SizeClasses {
    /// Keys of the definitions that ship: `dk` (0–1, 2–9, …) and `nordic` (0, 1–4, 5–9, …).
    pub const SHIPPED: [&str; 2] = ["dk", "nordic"];

    /// A definition that ships; `None` for an unknown key.
    #[must_use]
    pub fn shipped(key: &str) -> Option<&'static Self> {
        DEFINITIONS.iter().find(|definition| definition.key == key)
    }

    /// The default of a country.
    #[must_use]
    pub fn default_for(country: Country) -> &'static Self {
        DEFINITIONS
            .iter()
            .find(|definition| definition.country == Some(country))
            .expect("a test finds a shipped definition for every country")
    }

    /// Reads definitions as in `analysis/size-classes.toml`; `file` is named in errors.
    ///
    /// # Errors
    /// [`SizeError::Definition`]: the classes must begin at 0, follow one another without gaps, and end open.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>, SizeError> {
        let fault = |problem: String| SizeError::Definition { file: file.to_owned(), problem };
        let read: File = toml::from_str(text).map_err(|e| fault(e.to_string()))?;
        read.definition
            .into_iter()
            .map(|Definition { key, country, classes, .. }| {
                let mut next = Some(0);
                for class in &classes {
                    if next != Some(class.low) || class.high.is_some_and(|high| high < class.low) {
                        return Err(fault(format!("{key}: class \"{}\" does not follow the one before it", class.key)));
                    }
                    next = class.high.and_then(|high| high.checked_add(1));
                }
                if next.is_some() {
                    return Err(fault(format!("{key}: the last class must have no upper limit")));
                }
                Ok(Self { key, country, classes })
            })
            .collect()
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
        let holds = |class: &&SizeClass| {
            let below = match (employees.high, class.high) {
                (_, None) => true,
                (Some(high), Some(limit)) => high <= limit,
                (None, Some(_)) => false,
            };
            class.low <= employees.low && below
        };
        self.classes.iter().find(holds).ok_or_else(|| SizeError::Straddles {
            low: employees.low,
            high: employees.high.map_or_else(|| "∞".to_owned(), |high| high.to_string()),
            classes: self.key.clone(),
        })
    }
}

/// Whether a company is small or medium-sized, and by which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sme {
    /// Under the limit.
    pub is: bool,
    /// 250, or 200 where only a register interval is known: no interval ends at 250, and then the text must say so.
    pub limit: u32,
}

/// Small or medium-sized, by the employees of the whole company.
#[must_use]
pub fn sme(company: Employees) -> Sme {
    let limit = if company.is_exact() { 250 } else { 200 };
    Sme { is: company.high.is_some_and(|high| high < limit), limit }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The Danish register's intervals.
    const DANISH: [&str; 11] =
        ["0", "1", "2-4", "5-9", "10-19", "20-49", "50-99", "100-199", "200-499", "500-999", "1000+"];

    fn class(key: &str, text: &str) -> Result<String, SizeError> {
        SizeClasses::shipped(key).unwrap().class_of(Employees::parse(text)?).map(|class| class.key.clone())
    }

    #[test]
    fn every_country_has_its_classes() {
        assert_eq!(SizeClasses::default_for(Country::Dk).key(), "dk");
        assert_eq!(SizeClasses::default_for(Country::Se).key(), "nordic");
        assert_eq!(SizeClasses::SHIPPED.map(|key| SizeClasses::shipped(key).is_some()), [true, true]);
    }

    #[test]
    fn every_register_interval_lies_in_one_class() {
        let of = |key: &str| DANISH.map(|interval| class(key, interval).unwrap());
        let dk = ["0-1", "0-1", "2-9", "2-9", "10-49", "10-49", "50-199", "50-199", "200+", "200+", "200+"];
        assert_eq!(of("dk"), dk);
        let nordic = ["0", "1-4", "1-4", "5-9", "10-49", "10-49", "50-199", "50-199", "200+", "200+", "200+"];
        assert_eq!(of("nordic"), nordic);
    }

    #[test]
    fn an_interval_across_two_classes_is_an_error() {
        assert_eq!(class("nordic", "1-4").unwrap(), "1-4");
        let error = class("dk", "1-4").unwrap_err();
        assert_eq!(error.to_string(), "1–4 employees lie in no one size class of \"dk\"");
        assert!(matches!(class("dk", "100+"), Err(SizeError::Straddles { .. })));
    }

    #[test]
    fn sizes_are_read_as_registers_write_them() {
        let read = |text: &str| Employees::parse(text).map(|e| (e.low, e.high)).ok();
        for text in ["10-19", "10–19", "ANTAL_10_19", "10 - 19", "10 til 19 ansatte", "10–19 anställda", "10 till 19"]
        {
            assert_eq!(read(text), Some((10, Some(19))), "{text}");
        }
        for text in
            ["1000+", "ANTAL_1000_999999", "1000-", "1.000+", "1 000 eller flere", "1000 og derover", "1000-999999"]
        {
            assert_eq!(read(text), Some((1000, None)), "{text}");
        }
        assert_eq!(read("1 000–1 499 anställda"), Some((1000, Some(1499))));
        assert_eq!(read("ANTAL_0_0"), Some((0, Some(0))));
        assert_eq!(read(" 12 "), Some((12, Some(12))));
        assert_eq!(read("12 ansatte"), Some((12, Some(12))));
        for text in ["", "-", "12,5", "12.5", "<5", "ukendt", "19-10", "1-2-3", "+", "12a", "99999999999"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn an_sme_is_a_company_under_250_or_under_200_by_interval() {
        let of = |text: &str| sme(Employees::parse(text).unwrap());
        assert_eq!(of("249"), Sme { is: true, limit: 250 });
        assert_eq!(of("250"), Sme { is: false, limit: 250 });
        assert_eq!(of("100-199"), Sme { is: true, limit: 200 });
        assert_eq!(of("200-499"), Sme { is: false, limit: 200 });
        assert_eq!(of("1000+"), Sme { is: false, limit: 200 });
    }

    #[test]
    fn a_definition_with_a_gap_is_refused() {
        let text = SHIPPED.replace("low = 2, high = 9", "low = 3, high = 9");
        let error = SizeClasses::parse("size-classes.toml", &text).unwrap_err();
        assert_eq!(error.to_string(), "size-classes.toml: dk: class \"2-9\" does not follow the one before it");
    }

    proptest! {
        #[test]
        fn every_number_has_one_class_that_holds_it(number in 0u32..100_000) {
            for key in SizeClasses::SHIPPED {
                let classes = SizeClasses::shipped(key).unwrap();
                let class = classes.class_of(Employees::parse(&number.to_string()).unwrap()).unwrap();
                prop_assert!(class.low <= number && class.high.is_none_or(|high| number <= high));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}") {
            let _ = Employees::parse(&text);
        }
    }
}
