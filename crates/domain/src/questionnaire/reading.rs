//! Reads a questionnaire from TOML and names every fault of the file, not the first alone.
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use toml::{Table, Value};

use super::{
    Block, Choice, Condition, FACT_NAMES, Item, Question, QuestionKind, Questionnaire, Scale, Turns, option_key,
};
use crate::language::{Language, Texts};

/// The default questionnaire's file.
const SHIPPED: (&str, &str) = (
    "lokal-erhvervsundersoegelse.toml",
    include_str!("../../../../analysis/questionnaires/lokal-erhvervsundersoegelse.toml"),
);

/// The questionnaire that ships with the program.
///
/// # Panics
/// Never: the file is part of the program, and a test reads it.
#[must_use]
pub fn shipped() -> Questionnaire {
    Questionnaire::parse(SHIPPED.0, SHIPPED.1).expect("the shipped questionnaire has no faults, a test reads it")
}

/// All faults of a questionnaire file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadFaults(pub Vec<LoadFault>);

impl std::fmt::Display for LoadFaults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for LoadFaults {}

/// One fault of a questionnaire file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {place}: {kind}")]
pub struct LoadFault {
    /// Name of the file.
    pub file: String,
    /// Key of the block, question, item or option; `question 3 of contact` where it has none.
    pub place: String,
    /// What is wrong.
    pub kind: LoadFaultKind,
}

/// What can be wrong with a questionnaire file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadFaultKind {
    /// Not TOML.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A field that must be there is not.
    #[error("\"{0}\" is missing")]
    Missing(String),
    /// A field that nobody reads.
    #[error("\"{0}\" is not a known field")]
    UnknownField(String),
    /// A field of another type.
    #[error("\"{field}\" is not {expected}")]
    WrongType {
        /// The field.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A text that exists, but not in every language.
    #[error("\"{field}\" has no text in \"{}\"", language.tag())]
    MissingLanguage {
        /// The field.
        field: String,
        /// The language that is missing or blank.
        language: Language,
    },
    /// A key with characters that column names and addresses cannot carry.
    #[error("\"{0}\" is no key: small letters, digits and single underscores, a letter first")]
    BadKey(String),
    /// A key that is in use already.
    #[error("the key is used twice")]
    DuplicateKey,
    /// A code used twice among the options of a question.
    #[error("the code \"{0}\" is used twice")]
    DuplicateCode(String),
    /// An option without a code.
    #[error("option {0} has no code")]
    NoCode(usize),
    /// A question without options or items.
    #[error("\"{0}\" is empty")]
    Empty(&'static str),
    /// A question of an unknown kind.
    #[error("\"{0}\" is not a kind of question: scale, battery, single, multiple, grid, open")]
    UnknownKind(String),
    /// A scale that the file does not define.
    #[error("the scale \"{0}\" is not defined")]
    UnknownScale(String),
    /// Ends of a scale that make no scale.
    #[error("a scale goes from a lower to a higher point, at most 11 points; this one goes from {from} to {to}")]
    BadScale {
        /// Lowest point.
        from: i64,
        /// Highest point.
        to: i64,
    },
    /// Labels that fit neither the points nor the ends.
    #[error("{labels} labels for {points} points: one per point or one per end")]
    LabelCount {
        /// Labels given.
        labels: usize,
        /// Points of the scale.
        points: i64,
    },
    /// A condition that is none of the five kinds.
    #[error("a condition is one of answer/is, fact/is, all, any, not")]
    BadCondition,
    /// A condition on a key that no question has.
    #[error("the condition names \"{0}\", which is no question, item or option")]
    UnknownConditionKey(String),
    /// A condition on what is not known yet.
    #[error("the condition names \"{0}\", which is asked on this screen or later")]
    LaterConditionKey(String),
    /// A condition on a fact that no frame has.
    #[error("the condition names the fact \"{0}\", which is not one of {known}", known = FACT_NAMES.join(", "))]
    UnknownFact(String),
    /// A condition on an answer that cannot be given.
    #[error("the condition names the answer \"{value}\", which \"{key}\" does not offer")]
    UnknownConditionValue {
        /// The question.
        key: String,
        /// The answer.
        value: String,
    },
    /// A condition without values or parts, which would never or always hold.
    #[error("the condition is empty")]
    EmptyCondition,
    /// A loop whose first subject is not named by an earlier single choice.
    #[error("turns.first names \"{0}\", which is no single choice of an earlier screen")]
    BadTurns(String),
    /// Options taken from a question that is not an earlier multiple choice.
    #[error("options_from names \"{0}\", which is no multiple choice of an earlier screen")]
    BadOptionsFrom(String),
}

/// Something that loads but that an author should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Key of the item or question.
    pub key: String,
    /// Language of the text.
    pub language: Language,
    /// The text with the joining word: an item names one thing.
    pub text: String,
}

impl Questionnaire {
    /// Reads a questionnaire; `name` is the file's name in the messages.
    ///
    /// # Errors
    /// All faults of the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, LoadFaults> {
        let mut reader = Reader { file: name, faults: Vec::new(), scales: BTreeMap::new(), keys: BTreeSet::new() };
        let questionnaire = match text.parse::<Table>() {
            Ok(table) => reader.questionnaire(&table),
            Err(error) => {
                let line = error.span().map_or(1, |s| text[..s.start.min(text.len())].lines().count().max(1));
                reader.fault(&format!("line {line}"), LoadFaultKind::Syntax(error.message().to_owned()));
                None
            }
        };
        match questionnaire {
            Some(questionnaire) if reader.faults.is_empty() => Ok(questionnaire),
            _ => Err(LoadFaults(reader.faults)),
        }
    }

    /// Everything that reading it from a file would find wrong with it: an edited questionnaire meets the same checks.
    #[must_use]
    pub fn faults(&self) -> Vec<LoadFault> {
        let mut reader = Reader { file: &self.key, faults: Vec::new(), scales: BTreeMap::new(), keys: BTreeSet::new() };
        reader.questionnaire(&super::writing::table(self));
        reader.faults
    }

    /// Rated texts that seem to name two things at once (og, och, and), in every language.
    #[must_use]
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut look = |key: &str, texts: &Texts| {
            for language in Language::ALL {
                let text = texts.get(language);
                if joins_two(text, language) {
                    warnings.push(Warning { key: key.to_owned(), language, text: text.to_owned() });
                }
            }
        };
        for question in self.blocks.iter().flat_map(|b| &b.questions) {
            match &question.kind {
                QuestionKind::Scale(_) => look(&question.key, &question.text),
                QuestionKind::Battery { items, .. } | QuestionKind::Grid { items, .. } => {
                    items.iter().for_each(|item| look(&item.key, &item.text));
                }
                _ => {}
            }
        }
        warnings
    }
}

/// Does the text join two words by its language's "and"? Which words are nouns is not looked up: an item that joins verbs
/// or adjectives is as doubtful, so the warning is right to be wide.
fn joins_two(text: &str, language: Language) -> bool {
    let and = match language {
        Language::Da => "og",
        Language::Sv => "och",
        Language::En => "and",
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    words.iter().enumerate().any(|(at, word)| {
        let between = at > 0 && at + 1 < words.len();
        between && (word.eq_ignore_ascii_case(and) || *word == "&")
    })
}

struct Reader<'f> {
    file: &'f str,
    faults: Vec<LoadFault>,
    scales: BTreeMap<String, Scale>,
    /// Every key and question so far, to find twins.
    keys: BTreeSet<String>,
}

impl Reader<'_> {
    fn fault(&mut self, place: &str, kind: LoadFaultKind) {
        self.faults.push(LoadFault { file: self.file.to_owned(), place: place.to_owned(), kind });
    }

    fn questionnaire(&mut self, table: &Table) -> Option<Questionnaire> {
        let place = "questionnaire";
        self.fields(table, place, &["key", "version", "title", "scales", "block"]);
        let key = self.string(table, place, "key");
        let version = self.integer(table, place, "version").and_then(|v| u32::try_from(v).ok());
        let title = self.texts(table, place, "title");
        if let Some(scales) = table.get("scales").and_then(Value::as_table) {
            for (name, scale) in scales {
                if let Some(scale) = self.scale(scale, &format!("scale {name}")) {
                    self.scales.insert(name.clone(), scale);
                }
            }
        }
        let blocks = self.blocks(table);
        Some(Questionnaire { key: key?, version: version?, title: title?, blocks })
    }

    /// Blocks one by one, each knowing those before it: conditions may look back only.
    fn blocks(&mut self, table: &Table) -> Vec<Block> {
        let mut done = Questionnaire { key: String::new(), version: 0, title: Texts::same(""), blocks: Vec::new() };
        let tables = self.tables(table, "questionnaire", "block");
        let everything = all_keys(&tables);
        for (at, block) in tables.iter().enumerate() {
            if let Some(block) = self.block(block, &format!("block {}", at + 1), &done, &everything) {
                done.blocks.push(block);
            }
        }
        if done.blocks.is_empty() {
            self.fault("questionnaire", LoadFaultKind::Empty("block"));
        }
        done.blocks
    }

    fn block(&mut self, table: &Table, unnamed: &str, done: &Questionnaire, all: &BTreeSet<String>) -> Option<Block> {
        let key = self.string(table, unnamed, "key");
        let place = key.as_deref().unwrap_or(unnamed).to_owned();
        self.fields(table, &place, &["key", "title", "intro", "when", "turns", "question"]);
        if let Some(key) = &key {
            // A block's key stands in addresses: hyphens there, underscores in column names.
            self.key(&place, &key.replace('-', "_"), key);
            self.twin(&place, format!("block {key}"));
        }
        let title = self.texts(table, &place, "title");
        let intro = self.optional_texts(table, &place, "intro");
        let when = self.when(table, &place, done, all);
        let turns = table.get("turns").and_then(|turns| self.turns(turns, &place, done));
        let mut questions = Vec::new();
        for (at, question) in self.tables(table, &place, "question").into_iter().enumerate() {
            let unnamed = format!("question {} of {place}", at + 1);
            questions.extend(self.question(question, &unnamed, done, all));
        }
        if table.get("question").is_none() {
            self.fault(&place, LoadFaultKind::Empty("question"));
        }
        Some(Block { key: key?, title: title?, intro, when, questions, turns })
    }

    fn turns(&mut self, value: &Value, place: &str, done: &Questionnaire) -> Option<Turns> {
        let Some(table) = value.as_table() else {
            self.wrong(place, "turns", "a table");
            return None;
        };
        self.fields(table, place, &["first", "more", "more_key", "more_intro"]);
        let first = self.string(table, place, "first");
        if let Some(first) = &first
            && !matches!(done.question(first).map(|q| &q.kind), Some(QuestionKind::Single { .. }))
        {
            self.fault(place, LoadFaultKind::BadTurns(first.clone()));
        }
        let more = self.integer(table, place, "more").and_then(|n| u32::try_from(n).ok());
        let more_key = self.string(table, place, "more_key");
        if let Some(key) = &more_key {
            self.twin(place, format!("block {key}"));
        }
        let more_intro = self.optional_texts(table, place, "more_intro");
        Some(Turns { first: first?, more: more?, more_key: more_key?, more_intro })
    }

    fn question(
        &mut self,
        table: &Table,
        unnamed: &str,
        done: &Questionnaire,
        all: &BTreeSet<String>,
    ) -> Option<Question> {
        let key = self.string(table, unnamed, "key");
        let place = key.as_deref().unwrap_or(unnamed).to_owned();
        self.fields(
            table,
            &place,
            &[
                "key",
                "kind",
                "text",
                "help",
                "when",
                "optional",
                "off",
                "scale",
                "items",
                "options",
                "options_from",
                "except",
                "at_most",
                "max_characters",
            ],
        );
        let text = self.texts(table, &place, "text");
        let help = self.optional_texts(table, &place, "help");
        let when = self.when(table, &place, done, all);
        let optional = self.flag(table, &place, "optional");
        let off = self.flag(table, &place, "off");
        let kind = self.kind(table, &place, done, all);
        if let Some(key) = &key {
            self.key(&place, key, key);
            // Batteries and grids keep no answer under their own key, but their heading is addressed by it.
            self.twin(&place, key.clone());
        }
        Some(Question { key: key?, text: text?, help, kind: kind?, when, optional, off })
    }

    fn kind(
        &mut self,
        table: &Table,
        place: &str,
        done: &Questionnaire,
        all: &BTreeSet<String>,
    ) -> Option<QuestionKind> {
        let at_most = match table.get("at_most") {
            Some(_) => self.integer(table, place, "at_most").and_then(|n| u32::try_from(n).ok()),
            None => None,
        };
        match self.string(table, place, "kind")?.as_str() {
            "scale" => Some(QuestionKind::Scale(self.scale_of(table, place)?)),
            "battery" => {
                let (scale, items) = (self.scale_of(table, place), self.items(table, place, done, all));
                Some(QuestionKind::Battery { scale: scale?, items, at_most })
            }
            "single" => Some(QuestionKind::Single { options: self.options(table, place, done, all) }),
            "multiple" => Some(QuestionKind::Multiple { options: self.options(table, place, done, all), at_most }),
            "grid" => Some(QuestionKind::Grid {
                items: self.items(table, place, done, all),
                options: self.options(table, place, done, all),
            }),
            "open" => {
                let max = self.integer(table, place, "max_characters").and_then(|n| u32::try_from(n).ok());
                Some(QuestionKind::Open { max_characters: max? })
            }
            other => {
                self.fault(place, LoadFaultKind::UnknownKind(other.to_owned()));
                None
            }
        }
    }

    fn scale_of(&mut self, table: &Table, place: &str) -> Option<Scale> {
        match table.get("scale")? {
            Value::String(name) => {
                let scale = self.scales.get(name).cloned();
                if scale.is_none() {
                    self.fault(place, LoadFaultKind::UnknownScale(name.clone()));
                }
                scale
            }
            own => self.scale(own, place),
        }
    }

    fn scale(&mut self, value: &Value, place: &str) -> Option<Scale> {
        let Some(table) = value.as_table() else {
            self.wrong(place, "scale", "a table");
            return None;
        };
        self.fields(table, place, &["from", "to", "labels", "dont_know", "not_relevant"]);
        let (from, to) = (self.integer(table, place, "from"), self.integer(table, place, "to"));
        let tables = self.tables(table, place, "labels");
        let mut labels = Vec::new();
        for (at, label) in tables.iter().enumerate() {
            labels.extend(self.flat_texts(label, place, &format!("label {}", at + 1)));
        }
        let (dont_know, not_relevant) = (self.flag(table, place, "dont_know"), self.flag(table, place, "not_relevant"));
        let (from, to) = (from?, to?);
        let points = to - from + 1;
        if from >= to || points > 11 || from.abs() > 100 {
            self.fault(place, LoadFaultKind::BadScale { from, to });
            return None;
        }
        if tables.len() != 2 && i64::try_from(tables.len()) != Ok(points) {
            self.fault(place, LoadFaultKind::LabelCount { labels: tables.len(), points });
        }
        let point = |n: i64| i32::try_from(n).ok();
        Some(Scale { from: point(from)?, to: point(to)?, labels, dont_know, not_relevant })
    }

    fn items(&mut self, table: &Table, place: &str, done: &Questionnaire, all: &BTreeSet<String>) -> Vec<Item> {
        let mut items = Vec::new();
        let tables = self.tables(table, place, "items");
        if tables.is_empty() {
            self.fault(place, LoadFaultKind::Empty("items"));
        }
        for (at, item) in tables.into_iter().enumerate() {
            let unnamed = format!("item {} of {place}", at + 1);
            let key = self.string(item, &unnamed, "key");
            let place = key.as_deref().unwrap_or(&unnamed).to_owned();
            self.fields(item, &place, &["key", "da", "sv", "en", "when"]);
            if let Some(key) = &key {
                self.key(&place, key, key);
                self.twin(&place, key.clone());
            }
            let text = self.flat_texts(item, &place, "text");
            let when = self.when(item, &place, done, all);
            if let (Some(key), Some(text)) = (key, text) {
                items.push(Item { key, text, when });
            }
        }
        items
    }

    fn options(&mut self, table: &Table, place: &str, done: &Questionnaire, all: &BTreeSet<String>) -> Vec<Choice> {
        if table.contains_key("options_from") {
            return self.options_from(table, place, done);
        }
        let mut options: Vec<Choice> = Vec::new();
        let tables = self.tables(table, place, "options");
        if tables.is_empty() {
            self.fault(place, LoadFaultKind::Empty("options"));
        }
        for (at, option) in tables.into_iter().enumerate() {
            let code = match option.get("code") {
                Some(Value::String(code)) if !code.is_empty() => Some(code.clone()),
                Some(Value::Integer(code)) => Some(code.to_string()),
                _ => {
                    self.fault(place, LoadFaultKind::NoCode(at + 1));
                    None
                }
            };
            let place = code.as_ref().map_or_else(|| format!("option {} of {place}", at + 1), |c| option_key(place, c));
            self.fields(option, &place, &["code", "da", "sv", "en", "exclusive", "when"]);
            let text = self.flat_texts(option, &place, "text");
            let exclusive = self.flag(option, &place, "exclusive");
            let when = self.when(option, &place, done, all);
            let Some(code) = code else { continue };
            if !code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-+".contains(c)) {
                self.fault(&place, LoadFaultKind::BadKey(code.clone()));
            }
            if options.iter().any(|o| o.code == code) {
                self.fault(&place, LoadFaultKind::DuplicateCode(code.clone()));
            }
            if let Some(text) = text {
                options.push(Choice { code, text, exclusive, when });
            }
        }
        options
    }

    /// The options ticked in an earlier multiple choice, its exclusive ones and `except` left out.
    fn options_from(&mut self, table: &Table, place: &str, done: &Questionnaire) -> Vec<Choice> {
        let Some(source) = self.string(table, place, "options_from") else { return Vec::new() };
        let Some(QuestionKind::Multiple { options, .. }) = done.question(&source).map(|q| &q.kind) else {
            self.fault(place, LoadFaultKind::BadOptionsFrom(source));
            return Vec::new();
        };
        let except = self.strings(table, place, "except");
        let ticked = |o: &Choice| Condition::Answer { key: option_key(&source, &o.code), values: vec!["1".to_owned()] };
        options
            .iter()
            .filter(|o| !o.exclusive && !except.contains(&o.code))
            .map(|o| Choice { when: Some(ticked(o)), ..o.clone() })
            .collect()
    }

    fn when(&mut self, table: &Table, place: &str, done: &Questionnaire, all: &BTreeSet<String>) -> Option<Condition> {
        table.get("when").and_then(|value| self.condition(value, place, done, all))
    }

    fn condition(
        &mut self,
        value: &Value,
        place: &str,
        done: &Questionnaire,
        all: &BTreeSet<String>,
    ) -> Option<Condition> {
        let Some(table) = value.as_table() else {
            self.fault(place, LoadFaultKind::BadCondition);
            return None;
        };
        let keys: Vec<&str> = table.keys().map(String::as_str).collect();
        match keys.as_slice() {
            ["answer", "is"] | ["is", "answer"] => {
                let (key, values) = (self.string(table, place, "answer")?, self.values(table, place));
                self.look_back(&key, &values, place, done, all);
                Some(Condition::Answer { key, values })
            }
            ["fact", "is"] | ["is", "fact"] => {
                let (name, values) = (self.string(table, place, "fact")?, self.values(table, place));
                if !FACT_NAMES.contains(&name.as_str()) {
                    self.fault(place, LoadFaultKind::UnknownFact(name.clone()));
                }
                Some(Condition::Fact { name, values })
            }
            ["all"] => Some(Condition::All(self.conditions(table, "all", place, done, all))),
            ["any"] => Some(Condition::Any(self.conditions(table, "any", place, done, all))),
            ["not"] => Some(Condition::Not(Box::new(self.condition(table.get("not")?, place, done, all)?))),
            _ => {
                self.fault(place, LoadFaultKind::BadCondition);
                None
            }
        }
    }

    fn conditions(
        &mut self,
        table: &Table,
        name: &str,
        place: &str,
        done: &Questionnaire,
        all: &BTreeSet<String>,
    ) -> Vec<Condition> {
        let parts: Vec<Value> = table.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        if parts.is_empty() {
            self.fault(place, LoadFaultKind::EmptyCondition);
        }
        parts.iter().filter_map(|part| self.condition(part, place, done, all)).collect()
    }

    fn values(&mut self, table: &Table, place: &str) -> Vec<String> {
        let values = self.strings(table, place, "is");
        if values.is_empty() {
            self.fault(place, LoadFaultKind::EmptyCondition);
        }
        values
    }

    /// A condition's key is one of an earlier screen, its values are among those offered there.
    fn look_back(&mut self, key: &str, values: &[String], place: &str, done: &Questionnaire, all: &BTreeSet<String>) {
        use super::ColumnKind as Kind;
        let columns = done.columns();
        let Some(column) = columns.iter().find(|c| c.key == key) else {
            let known = all.contains(key);
            let name = key.to_owned();
            return self.fault(
                place,
                if known { LoadFaultKind::LaterConditionKey(name) } else { LoadFaultKind::UnknownConditionKey(name) },
            );
        };
        let offers = |value: &String| match &column.kind {
            Kind::Scale { from, to, dont_know, not_relevant } => {
                Scale { from: *from, to: *to, labels: Vec::new(), dont_know: *dont_know, not_relevant: *not_relevant }
                    .offers(value)
            }
            Kind::Choice { codes } => codes.contains(value),
            Kind::Ticked => value == "0" || value == "1",
            Kind::Open => false,
        };
        for value in values.iter().filter(|v| !offers(v)) {
            let kind = LoadFaultKind::UnknownConditionValue { key: key.to_owned(), value: value.clone() };
            self.fault(place, kind);
        }
    }

    fn key(&mut self, place: &str, shape: &str, key: &str) {
        let fine = shape.starts_with(|c: char| c.is_ascii_lowercase())
            && shape.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            && !shape.contains("__");
        if !fine {
            self.fault(place, LoadFaultKind::BadKey(key.to_owned()));
        }
    }

    fn twin(&mut self, place: &str, key: String) {
        if !self.keys.insert(key) {
            self.fault(place, LoadFaultKind::DuplicateKey);
        }
    }

    fn fields(&mut self, table: &Table, place: &str, known: &[&str]) {
        for field in table.keys().filter(|field| !known.contains(&field.as_str())) {
            self.fault(place, LoadFaultKind::UnknownField(field.clone()));
        }
    }

    fn texts(&mut self, table: &Table, place: &str, field: &str) -> Option<Texts> {
        if table.contains_key(field) {
            self.optional_texts(table, place, field)
        } else {
            self.fault(place, LoadFaultKind::Missing(field.to_owned()));
            None
        }
    }

    fn optional_texts(&mut self, table: &Table, place: &str, field: &str) -> Option<Texts> {
        let Some(texts) = table.get(field)?.as_table() else {
            self.wrong(place, field, "a table with da, sv and en");
            return None;
        };
        self.fields(texts, place, &["da", "sv", "en"]);
        self.flat_texts(texts, place, field)
    }

    /// The texts of a table's `da`, `sv` and `en`; every language that lacks one is a fault of its own.
    fn flat_texts(&mut self, table: &Table, place: &str, field: &str) -> Option<Texts> {
        let mut text = |language: Language| {
            let text = table.get(language.tag()).and_then(Value::as_str).map(str::trim).filter(|t| !t.is_empty());
            if text.is_none() {
                self.fault(place, LoadFaultKind::MissingLanguage { field: field.to_owned(), language });
            }
            text.map(str::to_owned)
        };
        let (da, sv, en) = (text(Language::Da), text(Language::Sv), text(Language::En));
        Some(Texts { da: da?, sv: sv?, en: en? })
    }

    fn tables<'t>(&mut self, table: &'t Table, place: &str, field: &str) -> Vec<&'t Table> {
        let Some(value) = table.get(field) else { return Vec::new() };
        let tables: Option<Vec<&Table>> = value.as_array().and_then(|a| a.iter().map(Value::as_table).collect());
        tables.unwrap_or_else(|| {
            self.wrong(place, field, "a list of tables");
            Vec::new()
        })
    }

    fn string(&mut self, table: &Table, place: &str, field: &str) -> Option<String> {
        match table.get(field) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(_) => {
                self.wrong(place, field, "a text");
                None
            }
            None => {
                self.fault(place, LoadFaultKind::Missing(field.to_owned()));
                None
            }
        }
    }

    /// A list of codes: texts, or whole numbers written as such.
    fn strings(&mut self, table: &Table, place: &str, field: &str) -> Vec<String> {
        let Some(value) = table.get(field) else { return Vec::new() };
        let code = |v: &Value| match v {
            Value::String(text) => Some(text.clone()),
            Value::Integer(number) => Some(number.to_string()),
            _ => None,
        };
        let codes: Option<Vec<String>> = value.as_array().and_then(|a| a.iter().map(code).collect());
        codes.unwrap_or_else(|| {
            self.wrong(place, field, "a list of codes");
            Vec::new()
        })
    }

    fn integer(&mut self, table: &Table, place: &str, field: &str) -> Option<i64> {
        match table.get(field) {
            Some(Value::Integer(number)) => Some(*number),
            Some(_) => {
                self.wrong(place, field, "a whole number");
                None
            }
            None => {
                self.fault(place, LoadFaultKind::Missing(field.to_owned()));
                None
            }
        }
    }

    fn flag(&mut self, table: &Table, place: &str, field: &str) -> bool {
        match table.get(field) {
            None => false,
            Some(Value::Boolean(flag)) => *flag,
            Some(_) => {
                self.wrong(place, field, "true or false");
                false
            }
        }
    }

    fn wrong(&mut self, place: &str, field: &str, expected: &'static str) {
        self.fault(place, LoadFaultKind::WrongType { field: field.to_owned(), expected });
    }
}

/// Every key that the file gives to an answer, wherever it stands: tells "later" from "unknown" in conditions.
fn all_keys(blocks: &[&Table]) -> BTreeSet<String> {
    fn list<'t>(table: &'t Table, field: &str) -> impl Iterator<Item = &'t Table> {
        table.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
    }
    let text = |table: &Table, field: &str| table.get(field).and_then(Value::as_str).map(str::to_owned);
    let mut keys = BTreeSet::new();
    for question in blocks.iter().flat_map(|b| list(b, "question")) {
        let Some(key) = text(question, "key") else { continue };
        keys.extend(list(question, "items").filter_map(|item| text(item, "key")));
        keys.extend(list(question, "options").filter_map(|o| text(o, "code")).map(|code| option_key(&key, &code)));
        keys.insert(key);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let faults = Questionnaire::parse("q.toml", text).expect_err("the text has faults");
        faults.0.iter().map(ToString::to_string).collect()
    }

    /// A file around these questions: one screen `a` with `one`, a multiple choice, then a screen `b` with `questions`.
    fn around(questions: &str) -> String {
        let one = r#"
            key = "k"
            version = 1
            title = { da = "T", sv = "T", en = "T" }
            [[block]]
            key = "a"
            title = { da = "A", sv = "A", en = "A" }
            [[block.question]]
            key = "one"
            kind = "multiple"
            text = { da = "1", sv = "1", en = "1" }
            options = [{ code = "x", da = "x", sv = "x", en = "x" }, { code = "y", da = "y", sv = "y", en = "y" }]
            [[block]]
            key = "b"
            title = { da = "B", sv = "B", en = "B" }
        "#;
        format!("{one}\n{questions}")
    }

    fn open(key: &str, extra: &str) -> String {
        format!(
            "[[block.question]]\nkey = \"{key}\"\nkind = \"open\"\nmax_characters = 10\n\
             text = {{ da = \"?\", sv = \"?\", en = \"?\" }}\n{extra}\n"
        )
    }

    #[test]
    fn the_shipped_questionnaire_has_no_faults() {
        let read = Questionnaire::parse(SHIPPED.0, SHIPPED.1);
        assert!(read.is_ok(), "{}", read.expect_err("it has faults"));
    }

    #[test]
    fn its_items_name_one_thing_each() {
        assert_eq!(shipped().warnings(), []);
    }

    #[test]
    fn it_covers_the_nine_subjects_and_promises_nothing_untrue() {
        let keys: Vec<String> = shipped().blocks.iter().map(|b| b.key.clone()).collect();
        let expected = [
            "overall",
            "contact",
            "contact-most",
            "contact-detail",
            "known",
            "jobcentre",
            "labour",
            "conditions",
            "green",
            "outlook",
            "own-words",
        ];
        assert_eq!(keys, expected);
        assert!(!SHIPPED.1.to_lowercase().contains("anonym"));
    }

    #[test]
    fn every_language_that_lacks_a_text_is_named() {
        let text = around(&open("two", "help = { da = \"hjælp\", en = \"  \" }"));
        assert_eq!(
            faults(&text),
            ["q.toml: two: \"help\" has no text in \"sv\"", "q.toml: two: \"help\" has no text in \"en\""]
        );
    }

    #[test]
    fn all_faults_are_collected() {
        let text = around(&format!(
            "{}{}{}",
            open("one", ""),
            open("Two", "when = { answer = \"three\", is = [\"x\"] }"),
            "[[block.question]]\nkey = \"three\"\nkind = \"single\"\ntext = { da = \"?\", sv = \"?\", en = \"?\" }\n\
             options = [{ da = \"x\", sv = \"x\", en = \"x\" }, { code = 1, da = \"x\", sv = \"x\", en = \"x\" }, \
             { code = 1, da = \"x\", sv = \"x\", en = \"x\" }]\nwhen = { answer = \"nowhere\", is = [1] }\n",
        ));
        assert_eq!(
            faults(&text),
            [
                "q.toml: one: the key is used twice",
                "q.toml: Two: the condition names \"three\", which is asked on this screen or later",
                "q.toml: Two: \"Two\" is no key: small letters, digits and single underscores, a letter first",
                "q.toml: three: the condition names \"nowhere\", which is no question, item or option",
                "q.toml: three: option 1 has no code",
                "q.toml: three.1: the code \"1\" is used twice",
            ]
        );
    }

    #[test]
    fn a_scale_has_a_label_per_point_or_per_end() {
        let label = "{ da = \"l\", sv = \"l\", en = \"l\" }";
        let scale = |labels: usize| {
            let labels = vec![label; labels].join(", ");
            around(&format!(
                "[[block.question]]\nkey = \"two\"\nkind = \"scale\"\ntext = {{ da = \"?\", sv = \"?\", en = \"?\" }}\n\
                 scale = {{ from = 1, to = 5, labels = [{labels}] }}\n"
            ))
        };
        assert_eq!(faults(&scale(3)), ["q.toml: two: 3 labels for 5 points: one per point or one per end"]);
        assert!(Questionnaire::parse("q.toml", &scale(2)).is_ok());
        assert!(Questionnaire::parse("q.toml", &scale(5)).is_ok());
    }

    #[test]
    fn a_condition_that_can_never_hold_is_refused() {
        let condition = |when: &str| faults(&around(&open("two", &format!("when = {when}"))));
        assert_eq!(
            condition("{ answer = \"one.x\", is = [2] }"),
            ["q.toml: two: the condition names the answer \"2\", which \"one.x\" does not offer"]
        );
        assert!(condition("{ fact = \"colour\", is = [\"red\"] }")[0].contains("the fact \"colour\""));
        assert_eq!(condition("{ any = [] }"), ["q.toml: two: the condition is empty"]);
        assert!(condition("{ anwser = \"one\" }")[0].contains("a condition is one of"));
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        assert!(faults("key = \"k\"\nversion = \n")[0].starts_with("q.toml: line 2: not TOML"));
    }

    #[test]
    fn a_field_nobody_reads_is_refused() {
        assert_eq!(faults(&around(&open("two", "optionl = true"))), ["q.toml: two: \"optionl\" is not a known field"]);
    }

    #[test]
    fn an_item_with_two_things_is_warned_of_in_its_language() {
        let text = around(
            "[[block.question]]\nkey = \"two\"\nkind = \"battery\"\ntext = { da = \"?\", sv = \"?\", en = \"?\" }\n\
             scale = { from = 1, to = 2, labels = [{ da = \"l\", sv = \"l\", en = \"l\" }, { da = \"l\", sv = \"l\", en = \"l\" }] }\n\
             items = [{ key = \"i\", da = \"Veje og parker\", sv = \"Vägar\", en = \"Roads and parks\" }]\n",
        );
        let warnings = Questionnaire::parse("q.toml", &text).unwrap().warnings();
        let languages: Vec<Language> = warnings.iter().map(|w| w.language).collect();
        assert_eq!(languages, [Language::Da, Language::En]);
        assert_eq!(warnings[0].key, "i");
    }
}
