//! A municipality's own words in its mails: which messages have them, and what they must be like.
//!
//! They take the place of a message's subject and of its free paragraphs and of nothing else. What every message must say (the
//! personal link, who asks, how answers are treated, where the address comes from, how to opt out) stands outside of them and
//! cannot be removed; what would contradict it is refused here.
use crate::fieldwork::MessageKind;

/// Letters of a subject: what telephones show, and a little more.
pub const LONGEST_SUBJECT: usize = 150;
/// Letters of the free paragraphs: no mail grows over the size at which servers hesitate.
pub const LONGEST_BODY: usize = 4000;

/// The two places for words of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The subject.
    Subject,
    /// The paragraphs between greeting and link.
    Body,
}

/// Why a text cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextFault {
    /// This message is worded for everybody alike.
    #[error("this message has no words of one's own")]
    Fixed,
    /// Nothing is written there.
    #[error("nothing is written there")]
    Empty(Place),
    /// Too many letters.
    #[error("more than {most} letters")]
    TooLong {
        /// Where.
        place: Place,
        /// How many there may be.
        most: usize,
    },
    /// A brace that does not enclose a name.
    #[error("a brace must enclose the name of a field")]
    Brace(Place),
    /// A field that does not exist, or not there.
    #[error("there is no field {{{name}}}")]
    Unknown {
        /// Where.
        place: Place,
        /// The name between the braces.
        name: String,
    },
    /// A link of its own: links have their fixed places, where they can be vouched for.
    #[error("a link")]
    Link(Place),
    /// Promises that nobody knows who answered, which the message itself denies.
    #[error("promises what the message itself denies")]
    Promise(Place),
    /// A character that no text has.
    #[error("a character that cannot be sent")]
    Character(Place),
}

impl TextFault {
    /// Where it is; `None`: about the message as a whole.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::Fixed => None,
            Self::Empty(place)
            | Self::Brace(place)
            | Self::Link(place)
            | Self::Promise(place)
            | Self::Character(place) => Some(*place),
            Self::TooLong { place, .. } | Self::Unknown { place, .. } => Some(*place),
        }
    }
}

/// Has this message words of one's own? The notice that somebody else answered is a warning and the same everywhere.
#[must_use]
pub const fn has_own_text(kind: MessageKind) -> bool {
    !matches!(kind, MessageKind::Replaced)
}

/// The fields that may stand in a place of a message, without their braces. A subject is the same for all recipients.
#[must_use]
pub fn placeholders(kind: MessageKind, place: Place) -> &'static [&'static str] {
    let asks = kind.asks() || kind == MessageKind::Case;
    match (place, asks) {
        (Place::Subject, true) => &["municipality", "year", "closes_on", "committee"],
        (Place::Subject, false) => &["municipality", "year", "committee"],
        (Place::Body, true) => {
            &["municipality", "year", "closes_on", "committee", "business", "minutes", "contact_name", "contact_phone"]
        }
        (Place::Body, false) => &["municipality", "year", "committee", "business", "contact_name", "contact_phone"],
    }
}

/// Subject and free paragraphs of one message in one language, known to be usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnText {
    subject: String,
    body: String,
}

impl OwnText {
    /// Reads what somebody wrote: `{field}` stands for its value, an empty line begins a paragraph, lines that begin with `- `
    /// are a list, `## ` makes a heading.
    ///
    /// # Errors
    /// Everything that is wrong with it, the subject's faults first.
    pub fn parse(kind: MessageKind, subject: &str, body: &str) -> Result<Self, Vec<TextFault>> {
        if !has_own_text(kind) {
            return Err(vec![TextFault::Fixed]);
        }
        let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let body = tidy(body);
        let mut faults = Vec::new();
        for (place, text, most) in [(Place::Subject, &subject, LONGEST_SUBJECT), (Place::Body, &body, LONGEST_BODY)] {
            look(kind, place, text, most, &mut faults);
        }
        if faults.is_empty() { Ok(Self { subject, body }) } else { Err(faults) }
    }

    /// The subject, with its fields in braces.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The free paragraphs, with an empty line between them and their fields in braces.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Subject and paragraphs with each field's value; `None`: a field has none, and a sentence with a hole is worse than the
    /// built-in words.
    #[must_use]
    pub fn filled(&self, value: impl Fn(&str) -> String) -> Option<(String, String)> {
        Some((fill(&self.subject, &value)?, fill(&self.body, &value)?))
    }
}

/// Lines without blanks at their ends, one empty line between paragraphs.
fn tidy(body: &str) -> String {
    let mut out = String::new();
    let mut gap = false;
    for line in body.lines().map(str::trim) {
        if line.is_empty() {
            gap = !out.is_empty();
            continue;
        }
        if !out.is_empty() {
            out.push_str(if gap { "\n\n" } else { "\n" });
        }
        out.push_str(line);
        gap = false;
    }
    out
}

fn look(kind: MessageKind, place: Place, text: &str, most: usize, faults: &mut Vec<TextFault>) {
    if text.is_empty() {
        faults.push(TextFault::Empty(place));
        return;
    }
    if text.chars().count() > most {
        faults.push(TextFault::TooLong { place, most });
    }
    // Noncharacters of Unicode stand for fields while a message is made.
    let is_odd = |c: char| {
        (c.is_control() && c != '\n') || ('\u{fdd0}'..='\u{fdef}').contains(&c) || matches!(c, '\u{2028}' | '\u{2029}')
    };
    if text.contains(is_odd) {
        faults.push(TextFault::Character(place));
    }
    let lower = text.to_lowercase();
    if ["://", "www.", "mailto:"].iter().any(|sign| lower.contains(sign)) {
        faults.push(TextFault::Link(place));
    }
    if lower.contains("anonym") {
        faults.push(TextFault::Promise(place));
    }
    match names(text) {
        None => faults.push(TextFault::Brace(place)),
        Some(names) => {
            let known = placeholders(kind, place);
            let unknown = names.into_iter().filter(|name| !known.contains(name));
            faults.extend(unknown.map(|name| TextFault::Unknown { place, name: name.to_owned() }));
        }
    }
}

/// The names between braces; `None`: a brace has no other half, or nothing in between.
fn names(text: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let inside = rest[open..].strip_prefix('{')?;
        let (name, after) = inside.split_once('}')?;
        if name.is_empty() || name.contains(['{', '\n']) {
            return None;
        }
        names.push(name);
        rest = after;
    }
    Some(names)
}

fn fill(text: &str, value: &impl Fn(&str) -> String) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once('{') {
        let (name, after) = inside.split_once('}')?;
        let filled = value(name);
        if filled.trim().is_empty() {
            return None;
        }
        out.push_str(before);
        out.push_str(&filled);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(subject: &str, body: &str) -> Vec<TextFault> {
        OwnText::parse(MessageKind::Invitation, subject, body).err().unwrap_or_default()
    }

    #[test]
    fn a_text_is_read_and_filled_in() {
        let body = "Kære {business}\r\n\r\n\r\n  - én ting \r\n- {minutes} minutter\n\n\n";
        let text = OwnText::parse(MessageKind::Invitation, "  {municipality}\n spørger ", body).unwrap();
        assert_eq!(text.subject(), "{municipality} spørger");
        assert_eq!(text.body(), "Kære {business}\n\n- én ting\n- {minutes} minutter");
        let (subject, body) = text.filled(|name| format!("<{name}>")).unwrap();
        assert_eq!(subject, "<municipality> spørger");
        assert_eq!(body, "Kære <business>\n\n- én ting\n- <minutes> minutter");
        // A value with braces is a value; one that is missing leaves no hole.
        assert_eq!(text.filled(|_| "{year}".to_owned()).unwrap().0, "{year} spørger");
        assert_eq!(text.filled(|name| if name == "minutes" { String::new() } else { "x".into() }), None);
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        use Place::{Body, Subject};
        assert_eq!(faults(" \n", "x"), [TextFault::Empty(Subject)]);
        assert_eq!(faults("x", "\n\n"), [TextFault::Empty(Body)]);
        assert_eq!(faults(&"ø".repeat(150), "x"), []);
        assert_eq!(faults(&"ø".repeat(151), "x"), [TextFault::TooLong { place: Subject, most: 150 }]);
        for broken in ["{", "}", "{}", "a } b {year}", "{year", "{ye{ar}", "{ye\nar}"] {
            assert_eq!(faults("x", broken), [TextFault::Brace(Body)], "{broken}");
        }
        let unknown = |place, name: &str| TextFault::Unknown { place, name: name.into() };
        assert_eq!(
            faults("{business}", "{link} {Year}"),
            [unknown(Subject, "business"), unknown(Body, "link"), unknown(Body, "Year")]
        );
        for link in ["se https://x.example", "HTTP://x", "www.x.example", "mailto:a@b.example"] {
            assert_eq!(faults("x", link), [TextFault::Link(Body)], "{link}");
        }
        assert_eq!(faults("Svar Anonymt", "x"), [TextFault::Promise(Subject)]);
        assert_eq!(faults("x", "a\u{fdd3}"), [TextFault::Character(Body)]);
        assert_eq!(faults("x\u{0}", "x"), [TextFault::Character(Subject)]);
        assert_eq!(OwnText::parse(MessageKind::Replaced, "x", "x"), Err(vec![TextFault::Fixed]));
    }

    #[test]
    fn no_message_offers_a_field_in_its_subject_that_its_body_lacks() {
        for kind in MessageKind::ALL {
            let body = placeholders(*kind, Place::Body);
            assert!(placeholders(*kind, Place::Subject).iter().all(|name| body.contains(name)), "{kind:?}");
        }
    }
}
