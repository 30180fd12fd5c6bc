//! Suggests themes for open answers, with the words that led there; a person confirms or corrects.
//!
//! A stemmer leaves compounds whole, and most of what Danish and Swedish businesses write about are compounds. So terms are stems
//! that match a word's endings, the beginning of a compound and, when long enough, its inside. A negation shortly before a match is
//! kept with it: "ingen parkering" is about parking too, but says something else than "parkering".
use std::collections::BTreeMap;

use domain::language::{Language, Texts};
use serde::Deserialize;

/// A theme of the codebook.
#[derive(Debug, Clone)]
pub struct Theme {
    /// Stable key, shared by municipalities.
    pub key: String,
    /// Title per language.
    pub title: Texts,
    terms: BTreeMap<Language, Vec<Term>>,
    except: BTreeMap<Language, Vec<Term>>,
}

/// The codebook: themes in order, with their terms.
#[derive(Debug, Clone)]
pub struct Codebook {
    /// Grows when a theme or term changes: a prevalence compares years under one version only.
    pub version: u32,
    /// The themes.
    pub themes: Vec<Theme>,
}

/// A suggested theme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Key of the theme.
    pub theme: String,
    /// The words that matched, as written, in the order of the text; with the negation before them.
    pub terms: Vec<String>,
}

/// A codebook file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct CodebookError {
    file: String,
    problem: String,
}

/// One word of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// The word with its endings; from four letters on also at the beginning or end of a compound, from five on inside one.
    Stem(String),
    /// The word with its endings, nothing else.
    Word(String),
    /// Up to two words in between.
    Gap,
}

type Term = Vec<Part>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCodebook {
    version: u32,
    theme: Vec<RawTheme>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTheme {
    key: String,
    title: Texts,
    terms: BTreeMap<Language, Vec<String>>,
    #[serde(default)]
    except: BTreeMap<Language, Vec<String>>,
}

const SHIPPED: &str = include_str!("../../../analysis/codebook.toml");

impl Codebook {
    /// The codebook that ships.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse("codebook.toml", SHIPPED).expect("the shipped codebook is read in a test")
    }

    /// Reads a codebook; `file` is its name in messages.
    ///
    /// # Errors
    /// [`CodebookError`] naming file and theme or line.
    pub fn parse(file: &str, text: &str) -> Result<Self, CodebookError> {
        let fault = |problem: String| CodebookError { file: file.to_owned(), problem };
        let raw: RawCodebook = toml::from_str(text).map_err(|e| fault(e.to_string().trim().to_owned()))?;
        let mut themes: Vec<Theme> = Vec::new();
        for theme in raw.theme {
            let key = theme.key;
            if key.is_empty() || key.contains(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')) {
                return Err(fault(format!("theme \"{key}\": a key has lower-case letters, digits and \"_\" only")));
            }
            if themes.iter().any(|t| t.key == key) {
                return Err(fault(format!("theme \"{key}\" stands twice")));
            }
            if let Some(missing) = Language::ALL.iter().find(|l| theme.terms.get(l).is_none_or(Vec::is_empty)) {
                return Err(fault(format!("theme \"{key}\": terms.{} are missing", missing.tag())));
            }
            let read = |lists: BTreeMap<Language, Vec<String>>| {
                let term = |language, text: String| {
                    term(&text).ok_or_else(|| {
                        let language: Language = language;
                        fault(format!("theme \"{key}\": terms.{}: \"{text}\" has no letters", language.tag()))
                    })
                };
                lists
                    .into_iter()
                    .map(|(l, texts)| Ok((l, texts.into_iter().map(|t| term(l, t)).collect::<Result<_, _>>()?)))
                    .collect::<Result<BTreeMap<_, Vec<Term>>, CodebookError>>()
            };
            let (terms, except) = (read(theme.terms)?, read(theme.except)?);
            themes.push(Theme { key: key.clone(), title: theme.title, terms, except });
        }
        Ok(Self { version: raw.version, themes })
    }

    /// The themes that a text suggests, in the codebook's order. Without a language, the terms of all languages are tried.
    #[must_use]
    pub fn suggest(&self, language: Option<Language>, text: &str) -> Vec<Suggestion> {
        let words = words(text);
        let languages: Vec<Language> = language.map_or_else(|| Language::ALL.to_vec(), |l| vec![l]);
        let suggest = |theme: &Theme| {
            let mut hits: Vec<(usize, usize)> = Vec::new();
            for language in &languages {
                let of = |lists: &BTreeMap<Language, Vec<Term>>| -> Vec<(usize, usize)> {
                    let terms = lists.get(language).map(Vec::as_slice).unwrap_or_default();
                    terms.iter().flat_map(|t| matches(t, &words, *language)).collect()
                };
                let excepted = of(&theme.except);
                let kept = of(&theme.terms).into_iter();
                hits.extend(kept.filter(|(from, to)| !excepted.iter().any(|(a, b)| a <= from && to <= b)));
            }
            hits.sort_unstable();
            hits.dedup();
            let all = hits.clone();
            // "erhvervskonsulent" inside "erhvervskonsulenten har" is one hit, not two.
            hits.retain(|(from, to)| !all.iter().any(|(a, b)| (a, b) != (from, to) && a <= from && to <= b));
            let mut terms: Vec<String> = Vec::new();
            for (from, to) in hits {
                let term = shown(text, &words, from, to, &languages);
                if !terms.contains(&term) {
                    terms.push(term);
                }
            }
            (!terms.is_empty()).then(|| Suggestion { theme: theme.key.clone(), terms })
        };
        self.themes.iter().filter_map(suggest).collect()
    }
}

/// A word of a text: folded for comparison, and where it stands.
struct Word {
    folded: String,
    from: usize,
    to: usize,
}

fn fold(word: &str) -> String {
    word.chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'é' | 'è' => 'e',
            'á' | 'à' => 'a',
            'ü' => 'u',
            other => other,
        })
        .collect()
}

/// Words are runs of letters and digits; a hyphen separates, as does an apostrophe (don't → don t).
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut from = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_alphanumeric(), from) {
            (true, None) => from = Some(at),
            (false, Some(start)) => {
                words.push(Word { folded: fold(&text[start..at]), from: start, to: at });
                from = None;
            }
            _ => {}
        }
    }
    words
}

fn term(text: &str) -> Option<Term> {
    let mut parts = Vec::new();
    for word in text.split([' ', '-']).filter(|w| !w.is_empty()) {
        parts.push(match (word, word.strip_prefix('=')) {
            ("|", _) => Part::Gap,
            (_, Some(exact)) => Part::Word(fold(exact)),
            (stem, None) => Part::Stem(fold(stem)),
        });
    }
    let letters =
        parts.iter().any(|p| matches!(p, Part::Stem(s) | Part::Word(s) if s.chars().any(char::is_alphabetic)));
    let closed = !matches!(parts.first(), Some(Part::Gap)) && !matches!(parts.last(), Some(Part::Gap));
    (letters && closed).then_some(parts)
}

/// Where a term matches: first and last word.
fn matches(term: &Term, words: &[Word], language: Language) -> Vec<(usize, usize)> {
    (0..words.len()).filter_map(|at| reach(term, words, at, language).map(|to| (at, to))).collect()
}

fn reach(term: &[Part], words: &[Word], at: usize, language: Language) -> Option<usize> {
    let (part, rest) = term.split_first()?;
    if *part == Part::Gap {
        return (at..=at + 2).find_map(|next| reach(rest, words, next, language));
    }
    // In a row of words, short words stand for themselves: "på" must not match "påstå".
    let alone = rest.is_empty() && !words.is_empty();
    if !fits(part, &words.get(at)?.folded, language, alone) {
        return None;
    }
    if rest.is_empty() { Some(at) } else { reach(rest, words, at + 1, language) }
}

fn endings(language: Language) -> &'static [&'static str] {
    match language {
        Language::Da => &[
            "", "e", "n", "t", "r", "s", "en", "et", "er", "es", "ens", "ets", "ers", "ede", "ene", "ere", "erne",
            "ernes", "ne", "nes", "ende", "else", "elser", "elsen", "te", "ing", "ingen", "inger", "ingerne", "ler",
            "len",
        ],
        Language::Sv => &[
            "", "e", "n", "t", "r", "s", "a", "en", "et", "ar", "er", "or", "arna", "erna", "orna", "ens", "ets", "as",
            "ade", "ande", "na", "ns", "ts", "ta", "te", "ing", "ingen", "ingar", "ningar", "ning", "ningen",
        ],
        Language::En => &["", "s", "es", "ed", "d", "ing", "er", "ers", "y", "ies", "ly", "ation", "ations"],
    }
}

fn fits(part: &Part, word: &str, language: Language, alone: bool) -> bool {
    let (stem, exact) = match part {
        Part::Word(stem) => (stem, true),
        Part::Stem(stem) => (stem, false),
        Part::Gap => return false,
    };
    let inflected = |w: &str| w.strip_prefix(stem.as_str()).is_some_and(|rest| endings(language).contains(&rest));
    let length = stem.chars().count();
    if inflected(word) {
        // Words of one or two letters have no endings of their own.
        return length > 2 || word == stem;
    }
    if exact || length < 4 || (!alone && length < 5) {
        return false;
    }
    // What stands before it in a compound is a word itself: at least two letters, or three before a short stem.
    let inside = |shortest: usize| {
        word.match_indices(stem.as_str()).find(|(at, _)| word[..*at].chars().count() >= shortest).map(|(at, _)| at)
    };
    word.starts_with(stem.as_str())
        || if length >= 5 { inside(2).is_some() } else { inside(3).is_some_and(|at| inflected(&word[at..])) }
}

fn negations(language: Language) -> &'static [&'static str] {
    match language {
        Language::Da => &["ikke", "ingen", "intet", "aldrig", "uden", "hverken", "næppe"],
        Language::Sv => &["inte", "ingen", "inget", "inga", "aldrig", "utan", "varken", "ej"],
        Language::En => &["no", "not", "never", "without", "none", "cannot", "nor", "t"],
    }
}

/// How many words before a match a negation may stand.
const NEGATION_REACH: usize = 3;

/// The match as written, with the negation that stands shortly before it in the same sentence.
fn shown(text: &str, words: &[Word], from: usize, to: usize, languages: &[Language]) -> String {
    let found = &text[words[from].from..words[to].to];
    for at in (from.saturating_sub(NEGATION_REACH)..from).rev() {
        if text[words[at].to..words[at + 1].from].contains(['.', '!', '?', ';', '\n']) {
            break;
        }
        if languages.iter().any(|l| negations(*l).contains(&words[at].folded.as_str())) {
            // "don't" is two words here; it is shown whole.
            let apostrophe = words[at].folded == "t" && at > 0;
            if words[at].folded == "t" && !apostrophe {
                continue;
            }
            let start = if apostrophe { words[at - 1].from } else { words[at].from };
            let negation = &text[start..words[at].to];
            return if at + 1 == from { format!("{negation} {found}") } else { format!("{negation} … {found}") };
        }
    }
    found.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(language: Language, text: &str) -> Vec<(String, Vec<String>)> {
        let suggestions = Codebook::shipped().suggest(Some(language), text);
        suggestions.into_iter().map(|s| (s.theme, s.terms)).collect()
    }

    fn themes(language: Language, text: &str) -> Vec<String> {
        of(language, text).into_iter().map(|(theme, _)| theme).collect()
    }

    #[test]
    fn stems_match_endings_and_compounds() {
        assert_eq!(themes(Language::Da, "Byggetilladelsen kom sent"), ["case_handling"]);
        assert_eq!(themes(Language::Da, "miljøtilladelser"), ["case_handling"]);
        assert_eq!(themes(Language::Sv, "Bygglovsavdelningen"), ["case_handling"]);
        assert_eq!(themes(Language::Da, "Gadens vejarbejder"), ["accessibility"]);
        assert_eq!(themes(Language::Da, "Vejen er god"), ["accessibility"]);
        assert_eq!(themes(Language::Da, "God vejledning om vejret"), ["factor_information"]);
    }

    #[test]
    fn negation_is_kept_with_the_words() {
        let parking = of(Language::Da, "Der er ingen steder at parkere. Godt.");
        assert_eq!(parking, [("accessibility".to_owned(), vec!["ingen … parkere".to_owned()])]);
        let far = of(Language::Da, "Det går ikke. Parkering er dyr");
        assert_eq!(far[0].1, ["Parkering"], "a full stop ends the reach of a negation");
        let english = of(Language::En, "They don't listen.");
        assert_eq!(english, [("dialogue".to_owned(), vec!["don't listen".to_owned()])]);
    }

    #[test]
    fn an_exception_is_no_match() {
        assert!(themes(Language::Da, "En miljøvenlig bil").iter().all(|t| t != "factor_treatment"));
        assert_eq!(themes(Language::Da, "Venlige folk"), ["factor_treatment"]);
    }

    #[test]
    fn a_faulty_codebook_is_refused() {
        let theme = "version = 1\n[[theme]]\nkey = \"a\"\ntitle = { da = \"A\", sv = \"A\", en = \"A\" }\n";
        let fault = |text: &str| Codebook::parse("c.toml", text).unwrap_err().to_string();
        assert_eq!(
            fault(&format!("{theme}terms.da = [\"x\"]\nterms.sv = [\"x\"]\n")),
            "c.toml: theme \"a\": terms.en are missing"
        );
        let whole = format!("{theme}terms.da = [\"xx\"]\nterms.sv = [\"xx\"]\nterms.en = [\"!\"]\n");
        assert_eq!(fault(&whole), "c.toml: theme \"a\": terms.en: \"!\" has no letters");
        assert!(fault(&format!("{theme}colour = 1\n")).contains("line 5"));
    }

    #[test]
    fn focus_areas_of_municipalities_map_to_themes_of_the_codebook() {
        let areas: toml::Table = toml::from_str(include_str!("../../../analysis/focus-areas.toml")).unwrap();
        let codebook = Codebook::shipped();
        let mut count = 0;
        for set in areas["set"].as_array().unwrap() {
            for area in set["areas"].as_array().unwrap() {
                let theme = area["theme"].as_str().unwrap();
                assert!(codebook.themes.iter().any(|t| t.key == theme), "{theme} is no theme");
                count += 1;
            }
        }
        assert!(count >= 14 + 4);
    }
}
