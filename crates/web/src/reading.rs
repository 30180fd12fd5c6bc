//! What reads open answers: the codebook and the redaction, handed in at wiring, since their home is the analysis.
use domain::language::{Language, Texts};

/// A suggested theme: its key and the words that led there.
pub type Suggested = (String, Vec<String>);

/// The codebook's version and its themes: key and title.
pub type Themes = (u32, Vec<(String, Texts)>);

/// What reads open answers.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// The codebook's version and its themes: key and title.
    pub themes: fn() -> Themes,
    /// The themes that a text suggests.
    pub suggest: fn(Option<Language>, &str) -> Vec<Suggested>,
    /// A text with marks in place of what tells who wrote it; given the business's own name and street.
    pub redact: fn(&str, Option<Language>, &str, &str) -> String,
}

/// Are these words what is left of that text when some of it is taken away? Nothing may be added but marks in brackets.
#[must_use]
pub fn is_cut_of(words: &str, text: &str) -> bool {
    let mut rest = text.split_whitespace();
    let is_mark =
        |word: &str| word.starts_with('[') && word.trim_end_matches(['.', ',', '!', '?', ';', ':']).ends_with(']');
    let bare = |word: &str| word.trim_matches(|c: char| c.is_ascii_punctuation()).to_owned();
    words
        .split_whitespace()
        .filter(|word| !is_mark(word))
        .all(|word| rest.any(|of| of == word || bare(of) == bare(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_be_taken_away_and_none_added() {
        let text = "Sagsbehandler [name] var god, men bussen til Vesterhavn kører sjældent.";
        assert!(is_cut_of(text, text));
        assert!(is_cut_of("men bussen […] kører sjældent.", text));
        assert!(is_cut_of("var god.", text), "a full stop closes what was cut");
        assert!(!is_cut_of("men toget kører sjældent.", text));
        assert!(!is_cut_of("kører bussen", text), "the order stays");
        assert!(is_cut_of("", text));
    }
}
