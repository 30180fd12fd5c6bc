//! The mapping file of an earlier survey: which column answers which question, and how its values are recoded.
//!
//! Every way of recoding (a table of codes, a linear conversion, a turned scale, nothing at all) becomes one table from
//! what stands in a cell to what is kept, made when the file is read: what the table lacks is an unknown value.
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Display;

use domain::answers::{DONT_KNOW, NOT_RELEVANT};
use domain::language::Language;
use domain::questionnaire::{Choice, Column, ColumnKind, QuestionKind, Questionnaire};
use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use crate::IntakeError;

/// Longest range of points that a linear conversion takes.
const MAX_POINTS: i64 = 1000;

/// A mapping that is free of faults and fits the questionnaire.
#[derive(Debug)]
pub struct Mapping {
    /// Title for the round, where the mapping gives one.
    pub title: Option<String>,
    pub(super) skip_rows: u64,
    pub(super) unit: UnitSource,
    pub(super) date: DateSource,
    pub(super) language: Option<LanguageSource>,
    pub(super) unknown_values: UnknownValues,
    pub(super) status: StatusRule,
    pub(super) rules: Vec<Rule>,
    pub(super) constants: Vec<(String, String)>,
}

/// How a row says which unit it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnitKind {
    /// P-nummer, CFAR-nummer.
    Workplace,
    /// CVR-nummer, organisationsnummer; counts where the company has one unit in the frame.
    Company,
    /// The key as Pejling writes it: `dk:p:1003388394`.
    UnitKey,
    /// The address that the frame holds for one unit alone.
    Email,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitSource {
    pub(super) column: String,
    pub(super) kind: UnitKind,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DateSource {
    pub(super) column: Option<String>,
    pub(super) format: Option<String>,
    pub(super) value: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguageSource {
    pub(super) column: Option<String>,
    #[serde(default)]
    codes: BTreeMap<String, String>,
    value: Option<String>,
}

/// What happens to a value that the mapping does not know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UnknownValues {
    /// Nothing is stored until the mapping knows it.
    #[default]
    Stop,
    /// The answer is left blank and the row says so.
    Blank,
}

/// From which share of answered questions a response is complete or partial.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StatusRule {
    pub(super) complete: f64,
    pub(super) partial: f64,
}

impl Default for StatusRule {
    /// AAPOR's limits, as for the answers that are given here.
    fn default() -> Self {
        Self { complete: 0.8, partial: 0.5 }
    }
}

/// A code as people write it in the mapping.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a code is a whole number or a text")]
enum Code {
    Number(i64),
    Text(String),
}

impl Code {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.trim().to_owned(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: Option<String>,
    #[serde(default)]
    skip_rows: u64,
    unit: UnitSource,
    date: Spanned<DateSource>,
    language: Option<Spanned<LanguageSource>>,
    #[serde(default)]
    missing: Vec<Code>,
    #[serde(default)]
    dk: Vec<Code>,
    #[serde(default)]
    na: Vec<Code>,
    #[serde(default)]
    unknown_values: UnknownValues,
    #[serde(default)]
    status: StatusRule,
    questions: BTreeMap<String, Spanned<Question>>,
    #[serde(default)]
    constants: BTreeMap<String, Spanned<Code>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    column: Option<String>,
    codes: Option<BTreeMap<String, Code>>,
    linear: Option<Linear>,
    #[serde(default)]
    reverse: bool,
    options: Option<BTreeMap<String, String>>,
    separator: Option<String>,
    ticked: Option<Vec<Code>>,
    not_ticked: Option<Vec<Code>>,
    missing: Option<Vec<Code>>,
    dk: Option<Vec<Code>>,
    na: Option<Vec<Code>>,
    counts: Option<bool>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Linear {
    from: [i64; 2],
    to: [i64; 2],
    halves: Option<Halves>,
}

/// Where a point goes that lies halfway between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Halves {
    Up,
    Down,
}

/// What a cell's value becomes; `None`: left blank.
pub(super) type Recoding = HashMap<String, Option<String>>;

/// How one question is read.
#[derive(Debug)]
pub(super) struct Rule {
    /// The question's key.
    pub(super) key: String,
    /// Part of the share that decides the status.
    pub(super) counts: bool,
    pub(super) reads: Reads,
}

#[derive(Debug)]
pub(super) enum Reads {
    /// One column, one answer.
    One { column: String, table: Recoding },
    /// One column of free text.
    Text { column: String, missing: HashSet<String>, max_characters: usize },
    /// A multiple choice with a column per option.
    Ticks { options: Vec<(String, String)>, ticked: HashSet<String>, not_ticked: HashSet<String>, limits: Limits },
    /// A multiple choice whose ticks stand in one column.
    Several { column: String, separator: String, table: Recoding, offered: Vec<String>, limits: Limits },
}

/// What a multiple choice does not allow.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits {
    pub(super) exclusive: Vec<String>,
    pub(super) at_most: Option<u32>,
}

/// In a list of ticked values: anything that is neither blank nor in the other list.
pub(super) const ANYTHING: &str = "*";

/// A value as it is looked up: lower case, single blanks, a whole number without decimals (SPSS writes `5.00`).
pub(super) fn folded(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    whole(&text).parse::<i64>().map_or(text.clone(), |number| number.to_string())
}

/// A whole number without its decimals (`1003388394,00`); any other text as it is.
pub(super) fn whole(text: &str) -> &str {
    match text.split_once(['.', ',']) {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => text,
    }
}

impl Mapping {
    /// Reads a mapping and checks it against the questionnaire, so that every value it can give is one that the
    /// questionnaire offers.
    ///
    /// # Errors
    /// [`IntakeError::Mapping`] with every fault and its line.
    pub fn parse(file: &str, text: &str, questionnaire: &Questionnaire) -> Result<Self, IntakeError> {
        let read: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let problem = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            IntakeError::Mapping { file: file.to_owned(), faults: vec![format!("line {}: {problem}", line(text, at))] }
        })?;
        let columns = questionnaire.columns();
        let mut check =
            Check { text, questionnaire, columns: &columns, file: &read, faults: Vec::new(), place: String::new() };
        let rules = check.rules();
        let constants = check.constants(&rules);
        check.rest();
        if !check.faults.is_empty() {
            return Err(IntakeError::Mapping { file: file.to_owned(), faults: check.faults });
        }
        Ok(Self {
            title: read.title.filter(|title| !title.trim().is_empty()),
            skip_rows: read.skip_rows,
            unit: read.unit,
            date: read.date.into_inner(),
            language: read.language.map(Spanned::into_inner),
            unknown_values: read.unknown_values,
            status: read.status,
            rules,
            constants,
        })
    }

    /// Whether values that the mapping does not know keep the whole file from being stored.
    #[must_use]
    pub fn stops_at_unknown_values(&self) -> bool {
        self.unknown_values == UnknownValues::Stop
    }
}

impl LanguageSource {
    /// The language of a cell: `None` when the cell says something else.
    pub(super) fn of(&self, cell: &str) -> Option<Option<Language>> {
        if cell.is_empty() {
            return Some(self.value.as_deref().and_then(Language::parse));
        }
        let code = self.codes.iter().find(|(code, _)| folded(code) == folded(cell)).map(|(_, tag)| tag.as_str());
        let tag = code.map(str::to_owned).unwrap_or_else(|| cell.chars().take_while(|c| c.is_alphabetic()).collect());
        Language::parse(&tag.to_lowercase()).map(Some)
    }
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

/// One pass over a mapping, collecting its faults.
struct Check<'a> {
    text: &'a str,
    questionnaire: &'a Questionnaire,
    columns: &'a [Column],
    file: &'a File,
    faults: Vec<String>,
    /// What is being looked at: `line 12: questions.overall`.
    place: String,
}

impl Check<'_> {
    fn fault(&mut self, problem: impl Display) {
        self.faults.push(format!("{}: {problem}", self.place));
    }

    fn at<T>(&mut self, key: impl Display, spanned: &Spanned<T>) {
        self.place = format!("line {}: {key}", line(self.text, spanned.span().start));
    }

    fn rules(&mut self) -> Vec<Rule> {
        let file = self.file;
        if file.questions.is_empty() {
            self.place = "questions".to_owned();
            self.fault("no question is mapped");
        }
        let mut questions: Vec<_> = file.questions.iter().collect();
        questions.sort_by_key(|(_, question)| question.span().start);
        let mut rules = Vec::new();
        for (key, question) in questions {
            self.at(format_args!("questions.{key}"), question);
            rules.extend(self.rule(key, question.get_ref()));
        }
        rules
    }

    fn rule(&mut self, key: &str, question: &Question) -> Option<Rule> {
        let columns = self.columns;
        let mut open = false;
        let reads = if let Some(column) = columns.iter().find(|c| c.key == key && c.kind != ColumnKind::Ticked) {
            for (name, given) in [
                ("options", question.options.is_some()),
                ("separator", question.separator.is_some()),
                ("ticked", question.ticked.is_some()),
                ("not_ticked", question.not_ticked.is_some()),
            ] {
                if given {
                    self.fault(format_args!("\"{name}\" is for multiple choices"));
                }
            }
            let Some(source) = question.column.clone() else {
                self.fault("\"column\" is missing");
                return None;
            };
            open = column.kind == ColumnKind::Open;
            if open {
                self.text_rule(source, key, question)
            } else {
                Reads::One { column: source, table: self.table(&column.kind, question) }
            }
        } else {
            let codes: Vec<&str> = columns
                .iter()
                .filter(|c| c.question == key && c.kind == ColumnKind::Ticked)
                .filter_map(|c| c.key.strip_prefix(key)?.strip_prefix('.'))
                .collect();
            if codes.is_empty() {
                let hint = if columns.iter().any(|c| c.key == key) {
                    ": an option is mapped under its question, as options = { … }"
                } else if columns.iter().any(|c| c.question == key) {
                    ": its items are mapped one by one"
                } else {
                    ""
                };
                self.fault(format_args!("the questionnaire has no answer of this key{hint}"));
                return None;
            }
            self.multiple(key, &codes, question)?
        };
        Some(Rule { key: key.to_owned(), counts: question.counts.unwrap_or(!open) && !open, reads })
    }

    fn text_rule(&mut self, column: String, key: &str, question: &Question) -> Reads {
        if question.codes.is_some()
            || question.linear.is_some()
            || question.reverse
            || question.dk.is_some()
            || question.na.is_some()
        {
            self.fault("a free text is not recoded; only \"missing\" applies");
        }
        let missing = question.missing.as_ref().unwrap_or(&self.file.missing);
        let missing = missing.iter().map(|code| folded(&code.text())).collect();
        let base = key.split("__").next().unwrap_or(key);
        let max_characters = match self.questionnaire.question(base).map(|q| &q.kind) {
            Some(QuestionKind::Open { max_characters }) => *max_characters as usize,
            _ => usize::MAX,
        };
        Reads::Text { column, missing, max_characters }
    }

    /// What each value of a closed question becomes.
    fn table(&mut self, kind: &ColumnKind, question: &Question) -> Recoding {
        if usize::from(question.codes.is_some())
            + usize::from(question.linear.is_some())
            + usize::from(question.reverse)
            > 1
        {
            self.fault("only one of \"codes\", \"linear\" and \"reverse\" can hold; a turned linear conversion has the ends of \"to\" in the other order");
        }
        let scale = match kind {
            ColumnKind::Scale { from, to, .. } => Some((i64::from(*from), i64::from(*to))),
            _ => None,
        };
        let pairs: Vec<(String, String)> = match (&question.codes, question.linear, question.reverse, scale) {
            (Some(codes), ..) => codes.iter().map(|(from, to)| (from.clone(), to.text())).collect(),
            (None, Some(linear), _, Some(scale)) => self.linear(linear, scale),
            (None, None, true, Some((from, to))) => {
                (from..=to).map(|v| (v.to_string(), (from + to - v).to_string())).collect()
            }
            (None, None, false, _) => offered(kind).into_iter().map(|code| (code.clone(), code)).collect(),
            (None, ..) => {
                self.fault("\"linear\" and \"reverse\" are for scales");
                Vec::new()
            }
        };
        let explicit = question.codes.is_some();
        let mut table: BTreeMap<String, (Option<String>, bool)> = BTreeMap::new();
        for (from, to) in pairs {
            if !to.is_empty() && !offers(kind, &to) {
                self.fault(format_args!(
                    "\"{from}\" becomes \"{to}\", which the questionnaire does not offer (it offers {})",
                    offered(kind).join(", ")
                ));
            }
            let to = Some(to).filter(|to| !to.is_empty());
            if table.insert(folded(&from), (to.clone(), explicit)).is_some_and(|(earlier, _)| earlier != to) {
                self.fault(format_args!("\"{from}\" is recoded twice"));
            }
        }
        let file = self.file;
        let lists = [
            ("missing", &question.missing, &file.missing, None),
            ("dk", &question.dk, &file.dk, Some(DONT_KNOW)),
            ("na", &question.na, &file.na, Some(NOT_RELEVANT)),
        ];
        for own in [true, false] {
            for (name, mine, common, target) in lists {
                // A list of the question replaces the one of the file.
                let list = match (own, mine) {
                    (true, Some(list)) => list,
                    (false, None) => common,
                    _ => continue,
                };
                let to = target.filter(|target| offers(kind, target)).map(str::to_owned);
                if own && target.is_some() && to.is_none() && !list.is_empty() {
                    self.fault(format_args!(
                        "the questionnaire does not offer \"{}\" here: use \"missing\"",
                        target.unwrap_or_default()
                    ));
                }
                for code in list {
                    let code = code.text();
                    match table.get(&folded(&code)) {
                        // What the question says of a code comes before what the file says.
                        Some((_, true)) if !own => {}
                        Some((earlier, _)) if *earlier != to => {
                            self.fault(format_args!("\"{code}\" is an answer and a code of \"{name}\" at once; give the question a \"{name}\" of its own"));
                        }
                        _ => {
                            table.insert(folded(&code), (to.clone(), own));
                        }
                    }
                }
            }
        }
        table.into_iter().map(|(from, (to, _))| (from, to)).collect()
    }

    fn linear(&mut self, linear: Linear, (lowest, highest): (i64, i64)) -> Vec<(String, String)> {
        let ([from, until], [start, end]) = (linear.from, linear.to);
        let width = until.saturating_sub(from);
        if !(1..=MAX_POINTS).contains(&width) {
            self.fault(
                "the first of \"from\" is the lowest point, the second the highest; to turn a scale, turn \"to\"",
            );
            return Vec::new();
        }
        if [start, end].iter().any(|point| !(lowest..=highest).contains(point)) {
            self.fault(format_args!("\"to\" leaves the questionnaire's scale, {lowest}–{highest}"));
            return Vec::new();
        }
        let mut pairs = Vec::new();
        for point in from..=until {
            // In halves of a point, so that the middle between two is seen exactly.
            let doubled = 2 * (point - from) * (end - start);
            let (below, rest) = (start + doubled.div_euclid(2 * width), doubled.rem_euclid(2 * width));
            let to = match (rest.cmp(&width), linear.halves) {
                (std::cmp::Ordering::Less, _) | (std::cmp::Ordering::Equal, Some(Halves::Down)) => below,
                (std::cmp::Ordering::Greater, _) | (std::cmp::Ordering::Equal, Some(Halves::Up)) => below + 1,
                (std::cmp::Ordering::Equal, None) => {
                    self.fault(format_args!("{point} lies halfway between {below} and {}: say halves = \"up\" or \"down\", or give \"codes\"", below + 1));
                    return Vec::new();
                }
            };
            pairs.push((point.to_string(), to.to_string()));
        }
        pairs
    }

    fn multiple(&mut self, key: &str, codes: &[&str], question: &Question) -> Option<Reads> {
        if question.linear.is_some() || question.reverse || question.dk.is_some() || question.na.is_some() {
            self.fault("a multiple choice has neither \"linear\" nor \"reverse\", \"dk\" or \"na\"");
        }
        let limits = self.limits(key);
        let unknown = |code: &str| format!("\"{code}\" is no option of {key} (they are {})", codes.join(", "));
        let missing = question.missing.as_ref().unwrap_or(&self.file.missing);
        let missing: Vec<String> = missing.iter().map(|code| folded(&code.text())).collect();
        match (&question.options, &question.column, &question.separator) {
            (Some(options), None, None) => {
                if question.codes.is_some() {
                    self.fault("with a column per option, the values are given as \"ticked\" and \"not_ticked\"");
                }
                for code in options.keys().filter(|code| !codes.contains(&code.as_str())) {
                    self.fault(unknown(code));
                }
                let list = |given: &Option<Vec<Code>>, default: &[&str]| -> HashSet<String> {
                    match given {
                        Some(codes) => codes.iter().map(|code| folded(&code.text())).collect(),
                        None => default.iter().map(|code| (*code).to_owned()).collect(),
                    }
                };
                let ticked = list(&question.ticked, &["1", "y", "yes", "j", "ja", "x", "true", "sand", "sant"]);
                let mut not_ticked = list(&question.not_ticked, &["0", "n", "no", "nej", "false", "falsk", "falskt"]);
                if let Some(both) = ticked.intersection(&not_ticked).next() {
                    self.fault(format_args!("\"{both}\" is ticked and not ticked at once"));
                }
                not_ticked.extend(missing.into_iter().filter(|code| !ticked.contains(code)));
                let options = options.iter().map(|(code, column)| (code.clone(), column.clone())).collect();
                Some(Reads::Ticks { options, ticked, not_ticked, limits })
            }
            (None, Some(column), Some(separator)) if !separator.is_empty() => {
                if question.ticked.is_some() || question.not_ticked.is_some() {
                    self.fault("\"ticked\" and \"not_ticked\" are for a column per option");
                }
                let pairs: Vec<(String, String)> = match &question.codes {
                    Some(given) => given.iter().map(|(from, to)| (from.clone(), to.text())).collect(),
                    None => codes.iter().map(|code| ((*code).to_owned(), (*code).to_owned())).collect(),
                };
                let mut table: Recoding = missing.into_iter().map(|code| (code, None)).collect();
                let mut offered: Vec<String> = Vec::new();
                for (from, to) in pairs {
                    if !to.is_empty() && !codes.contains(&to.as_str()) {
                        self.fault(unknown(&to));
                    }
                    let to = Some(to).filter(|to| !to.is_empty());
                    offered.extend(to.iter().filter(|to| !offered.contains(to)).cloned().collect::<Vec<_>>());
                    table.insert(folded(&from), to);
                }
                Some(Reads::Several { column: column.clone(), separator: separator.clone(), table, offered, limits })
            }
            _ => {
                self.fault(
                    "a multiple choice has either \"options\" (a column for each) or \"column\" with \"separator\"",
                );
                None
            }
        }
    }

    fn limits(&self, key: &str) -> Limits {
        let base = key.split("__").next().unwrap_or(key);
        match self.questionnaire.question(base).map(|q| &q.kind) {
            Some(QuestionKind::Multiple { options, at_most }) => {
                let exclusive = options.iter().filter(|option| option.exclusive);
                Limits { exclusive: exclusive.map(|Choice { code, .. }| code.clone()).collect(), at_most: *at_most }
            }
            _ => Limits::default(),
        }
    }

    fn constants(&mut self, rules: &[Rule]) -> Vec<(String, String)> {
        let (file, columns) = (self.file, self.columns);
        let mut constants = Vec::new();
        for (key, value) in &file.constants {
            self.at(format_args!("constants.{key}"), value);
            let value = value.get_ref().text();
            match columns.iter().find(|c| c.key == *key) {
                None => self.fault("the questionnaire has no answer of this key"),
                Some(_) if rules.iter().any(|rule| rule.gives(key)) => {
                    self.fault("a question of this key is mapped too")
                }
                Some(column) if !offers(&column.kind, &value) => {
                    self.fault(format_args!(
                        "\"{value}\" is not offered (it offers {})",
                        offered(&column.kind).join(", ")
                    ));
                }
                Some(_) => constants.push((key.clone(), value)),
            }
        }
        constants
    }

    /// Date, language and the limits of the status.
    fn rest(&mut self) {
        let file = self.file;
        let date = file.date.get_ref();
        self.at("date", &file.date);
        if date.column.is_none() && date.value.is_none() {
            self.fault("give a \"column\", or a \"value\" that holds for every row");
        }
        if let Some(value) = date.value.as_deref().filter(|value| value.parse::<Date>().is_err()) {
            self.fault(format_args!("\"{value}\" is not a date (yyyy-mm-dd)"));
        }
        let day = Date::constant(2023, 11, 22);
        if let Some(format) = &date.format {
            let read = jiff::fmt::strtime::format(format, day.at(14, 3, 5, 0))
                .ok()
                .and_then(|text| with_format(format, &text));
            if read != Some(day) {
                self.fault(format_args!("\"{format}\" is not a form of dates (as in %d-%m-%Y or %m/%d/%Y)"));
            }
        }
        if let Some(language) = &file.language {
            self.at("language", language);
            let language = language.get_ref();
            if language.column.is_none() && language.value.is_none() {
                self.fault("give a \"column\", or a \"value\" that holds for every row");
            }
            for tag in language.codes.values().chain(&language.value).filter(|tag| Language::parse(tag).is_none()) {
                self.fault(format_args!("\"{tag}\" is not one of da, sv, en"));
            }
        }
        self.place = "status".to_owned();
        let StatusRule { complete, partial } = file.status;
        if !(partial > 0.0 && partial <= complete && complete <= 1.0) {
            self.fault("shares lie between 0 and 1, \"partial\" not above \"complete\"");
        }
    }
}

impl Rule {
    /// Whether the rule may give an answer under this key.
    fn gives(&self, key: &str) -> bool {
        let option = |code: &String| domain::questionnaire::option_key(&self.key, code) == key;
        match &self.reads {
            Reads::One { .. } | Reads::Text { .. } => self.key == key,
            Reads::Ticks { options, .. } => options.iter().any(|(code, _)| option(code)),
            Reads::Several { offered, .. } => offered.iter().any(option),
        }
    }
}

/// A date in a form of the mapping's; what follows it (the time of day) is not looked at.
pub(super) fn with_format(format: &str, text: &str) -> Option<Date> {
    let (parsed, _) = jiff::fmt::strtime::BrokenDownTime::parse_prefix(format, text).ok()?;
    parsed.to_date().ok()
}

fn offers(kind: &ColumnKind, value: &str) -> bool {
    *kind == ColumnKind::Open || offered(kind).iter().any(|offered| offered == value)
}

fn offered(kind: &ColumnKind) -> Vec<String> {
    match kind {
        ColumnKind::Scale { from, to, dont_know, not_relevant } => {
            let extra = [(*dont_know, DONT_KNOW), (*not_relevant, NOT_RELEVANT)];
            let extra = extra.into_iter().filter(|(offered, _)| *offered).map(|(_, code)| code.to_owned());
            (*from..=*to).map(|point| point.to_string()).chain(extra).collect()
        }
        ColumnKind::Choice { codes } => codes.clone(),
        ColumnKind::Ticked => vec!["1".to_owned(), "0".to_owned()],
        ColumnKind::Open => Vec::new(),
    }
}
