//! Alphabetical order as each language has it: æ ø å last in Danish (`aa` as `å`), å ä ö last in Swedish.
use std::cmp::Ordering;

use domain::language::Language;
use icu_collator::options::{CollatorOptions, Strength};
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::locale;

/// Compares texts as a reader of the language would.
#[derive(Debug)]
pub struct Collation(Option<CollatorBorrowed<'static>>);

impl Collation {
    /// The order of a language.
    #[must_use]
    pub fn new(language: Language) -> Self {
        let locale = match language {
            Language::Da => locale!("da"),
            Language::Sv => locale!("sv"),
            Language::En => locale!("en"),
        };
        let mut options = CollatorOptions::default();
        options.strength = Some(Strength::Tertiary);
        Self(Collator::try_new(locale.into(), options).ok())
    }

    /// Which comes first?
    #[must_use]
    pub fn compare(&self, a: &str, b: &str) -> Ordering {
        // The data of all three languages is compiled in; code point order is the plain fallback of the type, not of a case we know.
        self.0.as_ref().map_or_else(|| a.cmp(b), |collator| collator.compare(a, b))
    }

    /// Sorts things by a text of theirs.
    pub fn sort_by_key<T>(&self, things: &mut [T], text: impl Fn(&T) -> &str) {
        things.sort_by(|a, b| self.compare(text(a), text(b)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(language: Language, mut names: Vec<&str>) -> Vec<&str> {
        Collation::new(language).sort_by_key(&mut names, |n| n);
        names
    }

    #[test]
    fn danes_and_swedes_find_names_where_they_look() {
        assert_eq!(
            sorted(Language::Da, vec!["Åse", "Ærø", "Ø-huset", "Aabenraa", "Zink"]),
            ["Zink", "Ærø", "Ø-huset", "Aabenraa", "Åse"]
        );
        assert_eq!(
            sorted(Language::Sv, vec!["Öresund", "Ängelholm", "Åhus", "Zink"]),
            ["Zink", "Åhus", "Ängelholm", "Öresund"]
        );
    }
}
