//! The messages of the product: one file per area and language, the same keys and placeholders in all of them.
use std::collections::{BTreeMap, BTreeSet};

use domain::language::Language;
use include_dir::{Dir, include_dir};

use crate::format;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../templates/i18n");

/// The argument that chooses between `one` and `other`.
pub const COUNT: &str = "n";

/// Why messages cannot be loaded or a message cannot be written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessagesError {
    /// A file's name is not `<area>.<language>.toml`.
    #[error("{file}: the name must be <area>.<da|sv|en>.toml")]
    FileName {
        /// The file.
        file: String,
    },
    /// Not TOML.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// The parser's words.
        message: String,
    },
    /// A value is neither a text nor `{ one, other }`.
    #[error("{file}: {key}: must be a text or {{ one = \"…\", other = \"…\" }}")]
    Shape {
        /// The file.
        file: String,
        /// The key.
        key: String,
    },
    /// A brace that does not enclose a placeholder's name.
    #[error("{file}: {key}: a brace must enclose a name of lower-case letters, digits and underscores")]
    Placeholder {
        /// The file.
        file: String,
        /// The key.
        key: String,
    },
    /// A language lacks a message that another one has.
    #[error("{file}: {key} is missing in {language}")]
    MissingKey {
        /// The file that lacks it.
        file: String,
        /// The key.
        key: String,
        /// The language's tag.
        language: &'static str,
    },
    /// Placeholders differ between languages.
    #[error("{file}: {key}: placeholders in {language} are {found:?}, in da {expected:?}")]
    Placeholders {
        /// The file that differs.
        file: String,
        /// The key.
        key: String,
        /// The language's tag.
        language: &'static str,
        /// What it has.
        found: Vec<String>,
        /// What Danish has.
        expected: Vec<String>,
    },
    /// No message has this key.
    #[error("there is no message {0}")]
    UnknownKey(String),
    /// A placeholder was not given.
    #[error("message {key} needs {name}")]
    MissingArgument {
        /// The message.
        key: String,
        /// The placeholder.
        name: String,
    },
}

/// What is put in a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    /// A text as it is.
    Text(String),
    /// A whole number, grouped as the language does, except in placeholders called `year` or ending in `_year`.
    Integer(i64),
    /// A number with this many decimals.
    Decimal(f64, usize),
}

macro_rules! arg_from {
    ($($from:ty => |$v:ident| $to:expr),+ $(,)?) => {$(
        impl From<$from> for Arg { fn from($v: $from) -> Self { $to } }
    )+};
}
arg_from! {
    &str => |v| Self::Text(v.to_owned()),
    String => |v| Self::Text(v),
    &String => |v| Self::Text(v.clone()),
    i64 => |v| Self::Integer(v),
    i32 => |v| Self::Integer(v.into()),
    u32 => |v| Self::Integer(v.into()),
    u64 => |v| Self::Integer(i64::try_from(v).unwrap_or(i64::MAX)),
    usize => |v| Self::Integer(i64::try_from(v).unwrap_or(i64::MAX)),
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Literal(String),
    Placeholder(String),
}

#[derive(Debug, Clone)]
enum Message {
    Plain(Vec<Part>),
    Plural { one: Vec<Part>, other: Vec<Part> },
}

impl Message {
    fn placeholders(&self) -> BTreeSet<String> {
        let parts = match self {
            Self::Plain(parts) => parts.iter().chain([].iter()),
            Self::Plural { one, other } => one.iter().chain(other.iter()),
        };
        let mut names: BTreeSet<String> =
            parts.filter_map(|p| if let Part::Placeholder(name) = p { Some(name.clone()) } else { None }).collect();
        if matches!(self, Self::Plural { .. }) {
            names.insert(COUNT.to_owned());
        }
        names
    }
}

/// All messages in all languages.
#[derive(Debug, Clone)]
pub struct Messages {
    by_language: [BTreeMap<String, Message>; 3],
}

impl Messages {
    /// The messages this program was built with.
    ///
    /// # Errors
    /// The first fault in the files, with file, key and language.
    pub fn load() -> Result<Self, MessagesError> {
        let files = FILES.files().filter(|f| f.path().extension().is_some_and(|e| e == "toml"));
        let mut read = Vec::new();
        for file in files {
            let name = file.path().display().to_string();
            let content = file
                .contents_utf8()
                .ok_or_else(|| MessagesError::Syntax { file: name.clone(), message: "not UTF-8".to_owned() })?;
            read.push((name, content));
        }
        Self::from_files(read.iter().map(|(name, content)| (name.as_str(), *content)))
    }

    /// Messages from files given as (name, content).
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, MessagesError> {
        let mut by_language: [BTreeMap<String, Message>; 3] = Default::default();
        for (file, content) in files {
            let bad_name = || MessagesError::FileName { file: file.to_owned() };
            let (area, tag) = file.strip_suffix(".toml").and_then(|n| n.split_once('.')).ok_or_else(bad_name)?;
            let language = Language::parse(tag).ok_or_else(bad_name)?;
            let table: toml::Table = toml::from_str(content)
                .map_err(|e| MessagesError::Syntax { file: file.to_owned(), message: e.to_string() })?;
            for (key, value) in table {
                let message = parse_message(file, &key, &value)?;
                by_language[index(language)].insert(format!("{area}.{key}"), message);
            }
        }
        let messages = Self { by_language };
        messages.check()?;
        Ok(messages)
    }

    fn check(&self) -> Result<(), MessagesError> {
        let all: BTreeSet<&String> = self.by_language.iter().flat_map(BTreeMap::keys).collect();
        for key in all {
            let (area, short) = key.split_once('.').unwrap_or(("", key));
            let file = |language: Language| format!("{area}.{}.toml", language.tag());
            let mut expected: Option<BTreeSet<String>> = None;
            for language in Language::ALL {
                let Some(message) = self.by_language[index(language)].get(key) else {
                    return Err(MessagesError::MissingKey {
                        file: file(language),
                        key: short.to_owned(),
                        language: language.tag(),
                    });
                };
                let found = message.placeholders();
                match &expected {
                    None => expected = Some(found),
                    Some(expected) if *expected == found => {}
                    Some(expected) => {
                        return Err(MessagesError::Placeholders {
                            file: file(language),
                            key: short.to_owned(),
                            language: language.tag(),
                            found: found.into_iter().collect(),
                            expected: expected.iter().cloned().collect(),
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// Is there such a message?
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.by_language[0].contains_key(key)
    }

    /// Every key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_language[0].keys().map(String::as_str)
    }

    /// The message `area.key` with its placeholders filled. A key or argument that is not there is shown between ⟦ ⟧, so
    /// that a test or a reader sees it; where that must be an error, use [`Self::try_t`].
    #[must_use]
    pub fn t(&self, language: Language, key: &str, args: &[(&str, Arg)]) -> String {
        self.try_t(language, key, args).unwrap_or_else(|_| format!("⟦{key}⟧"))
    }

    /// The message `area.key` with its placeholders filled.
    ///
    /// # Errors
    /// [`MessagesError::UnknownKey`], [`MessagesError::MissingArgument`].
    pub fn try_t(&self, language: Language, key: &str, args: &[(&str, Arg)]) -> Result<String, MessagesError> {
        let message =
            self.by_language[index(language)].get(key).ok_or_else(|| MessagesError::UnknownKey(key.to_owned()))?;
        let find = |name: &str| args.iter().find(|(n, _)| *n == name).map(|(_, a)| a);
        let missing = |name: &str| MessagesError::MissingArgument { key: key.to_owned(), name: name.to_owned() };
        let parts = match message {
            Message::Plain(parts) => parts,
            Message::Plural { one, other } => match find(COUNT).ok_or_else(|| missing(COUNT))? {
                Arg::Integer(1) => one,
                Arg::Text(text) if text == "1" => one,
                _ => other,
            },
        };
        let mut out = String::new();
        for part in parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Placeholder(name) => {
                    let arg = find(name).ok_or_else(|| missing(name))?;
                    out.push_str(&written(language, name, arg));
                }
            }
        }
        Ok(out)
    }
}

fn written(language: Language, name: &str, arg: &Arg) -> String {
    match arg {
        Arg::Text(text) => text.clone(),
        Arg::Integer(year) if name == "year" || name.ends_with("_year") || name.starts_with("year_") => {
            year.to_string()
        }
        Arg::Integer(n) => format::integer(language, *n),
        Arg::Decimal(value, decimals) => format::number(language, *value, *decimals),
    }
}

const fn index(language: Language) -> usize {
    match language {
        Language::Da => 0,
        Language::Sv => 1,
        Language::En => 2,
    }
}

fn parse_message(file: &str, key: &str, value: &toml::Value) -> Result<Message, MessagesError> {
    let shape = || MessagesError::Shape { file: file.to_owned(), key: key.to_owned() };
    let parts = |text: &str| {
        parse_parts(text).ok_or_else(|| MessagesError::Placeholder { file: file.to_owned(), key: key.to_owned() })
    };
    match value {
        toml::Value::String(text) => Ok(Message::Plain(parts(text)?)),
        toml::Value::Table(table) if table.len() == 2 => {
            let form = |name: &str| table.get(name).and_then(toml::Value::as_str).ok_or_else(shape);
            Ok(Message::Plural { one: parts(form("one")?)?, other: parts(form("other")?)? })
        }
        _ => Err(shape()),
    }
}

fn parse_parts(text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        if rest[open..].starts_with('}') {
            return None;
        }
        let close = open + rest[open..].find('}')?;
        let name = &rest[open + 1..close];
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(valid) {
            return None;
        }
        if open > 0 {
            parts.push(Part::Literal(rest[..open].to_owned()));
        }
        parts.push(Part::Placeholder(name.to_owned()));
        rest = &rest[close + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DA: &str = "hello = \"Hej {name}\"\nleft = { one = \"{n} svar tilbage\", other = \"{n} svar tilbage i alt\" }\nseen = \"set i {year}\"";

    fn with(sv: &str, en: &str) -> Result<Messages, MessagesError> {
        Messages::from_files([("x.da.toml", DA), ("x.sv.toml", sv), ("x.en.toml", en)])
    }

    #[test]
    fn placeholders_and_plurals_are_filled() {
        let m = with(DA, DA).unwrap();
        assert_eq!(m.t(Language::Da, "x.hello", &[("name", "Karin".into())]), "Hej Karin");
        assert_eq!(m.t(Language::Da, "x.left", &[("n", 1.into())]), "1 svar tilbage");
        assert_eq!(m.t(Language::Da, "x.left", &[("n", 1200.into())]), "1.200 svar tilbage i alt");
        assert_eq!(m.t(Language::Da, "x.seen", &[("year", 2026.into())]), "set i 2026");
        assert_eq!(m.t(Language::Da, "x.nothing", &[]), "⟦x.nothing⟧");
        assert_eq!(
            m.try_t(Language::Da, "x.hello", &[]),
            Err(MessagesError::MissingArgument { key: "x.hello".into(), name: "name".into() })
        );
    }

    #[test]
    fn a_language_that_lacks_a_message_is_named_with_file_and_key() {
        let error = with("hello = \"Hej {name}\"\nseen = \"{year}\"", DA).unwrap_err();
        assert_eq!(error.to_string(), "x.sv.toml: left is missing in sv");
        let error = with(&DA.replace("{name}", "{who}"), DA).unwrap_err();
        assert!(error.to_string().starts_with("x.sv.toml: hello: placeholders in sv are [\"who\"]"), "{error}");
        assert!(with(&DA.replace("{name}", "{na me}"), DA).unwrap_err().to_string().contains("a brace"));
        assert!(with(&DA.replace("{name}", "name}"), DA).is_err());
        assert!(Messages::from_files([("x.dk.toml", DA)]).is_err());
    }

    #[test]
    fn the_shipped_messages_are_complete() {
        let messages = Messages::load().unwrap();
        assert!(messages.contains("sentences.risen") && messages.keys().count() > 10);
    }

    #[test]
    fn nobody_is_promised_more_than_confidentiality() {
        let fixed = [
            "Jeres svar er fortrolige, men ikke anonyme.",
            "Era svar är konfidentiella, men inte anonyma.",
            "Your answers are confidential, but not anonymous.",
        ];
        for file in FILES.files() {
            let mut content = file.contents_utf8().unwrap().to_lowercase();
            for sentence in fixed {
                content = content.replace(&sentence.to_lowercase(), "");
            }
            assert!(!content.contains("anonym"), "{}", file.path().display());
        }
    }
}
