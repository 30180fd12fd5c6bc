//! Languages, countries and texts that exist in every language or not at all.
use serde::{Deserialize, Serialize};

/// A language in which people are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Danish.
    Da,
    /// Swedish.
    Sv,
    /// English.
    En,
}

impl Language {
    /// All languages, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Da, Self::Sv, Self::En];

    /// The BCP 47 tag: `da`, `sv`, `en`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Da => "da",
            Self::Sv => "sv",
            Self::En => "en",
        }
    }

    /// The language's name in itself.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Da => "Dansk",
            Self::Sv => "Svenska",
            Self::En => "English",
        }
    }

    /// The language of a tag; `None` when it is not one of ours.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.tag() == tag)
    }
}

/// A country whose register, law and customs apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Country {
    /// Denmark.
    Dk,
    /// Sweden.
    Se,
}

impl Country {
    /// The code as stored: `dk`, `se`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Dk => "dk",
            Self::Se => "se",
        }
    }

    /// The country of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Dk, Self::Se].into_iter().find(|c| c.code() == code)
    }
}

/// One text in all three languages. A language that lacks it is an error where the file is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    /// Danish.
    pub da: String,
    /// Swedish.
    pub sv: String,
    /// English.
    pub en: String,
}

impl Texts {
    /// The text in `language`.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::Da => &self.da,
            Language::Sv => &self.sv,
            Language::En => &self.en,
        }
    }

    /// The same text in every language (a proper name).
    #[must_use]
    pub fn same(text: &str) -> Self {
        Self { da: text.to_owned(), sv: text.to_owned(), en: text.to_owned() }
    }
}
