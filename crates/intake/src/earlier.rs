//! Answers of an earlier year, given in another survey tool, become answers to our questions: every row ends in a named
//! outcome.
//!
//! A row's faults are outcomes ([`LeftOut`]) or notes ([`Note`]) and never stop the file. A value that the mapping does not
//! know is a fault of the mapping and is collected with line and column ([`Summary::unknown_values`]); the importer stores
//! nothing then, unless the mapping says that such answers are to be left blank.
//!
//! # Layout
//! - this file: the rows
//! - `mapping`: the mapping file, checked against the questionnaire
//! - `report`: the row-by-row report
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::io::{Read, Seek};

use domain::answers::Answers;
use domain::fieldwork::ResponseStatus;
use domain::frame::FrameUnit;
use domain::language::{Country, Language};
use domain::questionnaire::option_key;
use domain::registers::{Cfar, Cvr, NumberError, OrgNumber, PNumber, shown_unit};
use domain::secrets::Keys;
use jiff::civil::Date;

use crate::IntakeError;
use crate::email;
use crate::frame::parse_date;
use crate::table::{Row, each_row};

mod mapping;
mod report;

pub use mapping::Mapping;
pub use report::ReportWriter;

use mapping::{ANYTHING, Limits, Reads, Recoding, UnitKind, folded, whole, with_format};

/// Most different unknown values that are remembered, and characters of each.
const MAX_UNKNOWN: (usize, usize) = (500, 40);

/// The units of the year's frame, by whatever a row may call them. No `Debug`: it holds addresses.
#[derive(Default)]
pub struct Units {
    keys: HashSet<String>,
    companies: HashMap<String, Option<String>>,
    emails: HashMap<String, Option<String>>,
}

impl Units {
    /// Adds a unit of the frame.
    pub fn add(&mut self, unit: &FrameUnit) {
        self.keys.insert(unit.unit_key.clone());
        // Who shares a number or an address with another unit is found by neither.
        for (names, name) in [(&mut self.companies, &unit.company_number), (&mut self.emails, &unit.email)] {
            if let Some(name) = name {
                let known = names.entry(name.to_lowercase());
                known.and_modify(|unit| *unit = None).or_insert_with(|| Some(unit.unit_key.clone()));
            }
        }
    }
}

/// What decides, beside the mapping, what a row becomes.
pub struct Options<'a> {
    /// Whose register numbers the units.
    pub country: Country,
    /// The year's frame.
    pub units: &'a Units,
    /// Keys for hashing sole traders' numbers.
    pub keys: &'a Keys,
}

/// An answer of an earlier year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The unit.
    pub unit_key: String,
    /// By the share of answered questions.
    pub status: ResponseStatus,
    /// The language, where the file says one.
    pub language: Option<Language>,
    /// The day of the answer.
    pub date: Date,
    /// The recoded answers.
    pub answers: Answers,
}

/// Something to know of a row that was taken. Columns and keys only, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A value that the mapping does not know was left blank, in this column.
    UnknownValue(String),
    /// More ticks than this question allows; left blank.
    TooManyTicks(String),
    /// An option of this question that stands alone was ticked together with others; left blank.
    NotAlone(String),
    /// The text under this key was longer than the questionnaire allows and is cut.
    TextCut(String),
    /// The language is none of ours; left empty.
    UnknownLanguage,
}

/// Why a row was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOut {
    /// No question that is mapped is answered.
    NoAnswers,
    /// The row does not say which unit it is about.
    MissingUnit,
    /// The register number has a wrong form or check digit.
    BadUnit(NumberError),
    /// The unit is not in the year's frame.
    NotInFrame,
    /// The company's number or the address stands for several units of the frame.
    SeveralUnits,
    /// Values that the mapping does not know, in these columns.
    UnknownValue(Vec<String>),
    /// The row has no date and the mapping gives none.
    MissingDate,
    /// The date cannot be read.
    BadDate,
    /// An earlier row was the unit's answer.
    Duplicate {
        /// The row where it stood first.
        first_row: u64,
    },
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOutcome {
    /// Row in the file, 1 = the heading.
    pub row: u64,
    /// The unit's number as it may be shown; empty when unreadable or a sole trader's.
    pub unit: String,
    /// Taken or left out.
    pub result: RowResult,
}

/// Taken or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowResult {
    /// Is an answer of the year.
    Taken(Box<Response>, Vec<Note>),
    /// Is not.
    LeftOut(LeftOut),
}

/// A value that the mapping does not know. For the person who writes the mapping; must not reach a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownValue {
    /// The line where it stands first.
    pub line: u64,
    /// Position and heading of the column.
    pub column: String,
    /// The question.
    pub question: String,
    /// The value, shortened.
    pub value: String,
    /// Rows in which it stands.
    pub rows: u64,
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, question, value, rows } = self;
        write!(f, "line {line}, column {column}: \"{value}\" is not in the mapping of {question}")?;
        if *rows > 1 { write!(f, " ({rows} rows)") } else { Ok(()) }
    }
}

/// What became of a whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Data rows.
    pub rows: u64,
    /// Rows taken.
    pub taken: u64,
    /// Rows taken, by status.
    pub statuses: BTreeMap<&'static str, u64>,
    /// Rows left out, by the key of the outcome ([`LeftOut::key`]).
    pub left_out: BTreeMap<&'static str, u64>,
    /// Notes on rows taken, by their key ([`Note::key`]).
    pub notes: BTreeMap<&'static str, u64>,
    /// Rows taken in which a question is answered, for every question that is mapped.
    pub answered: BTreeMap<String, u64>,
    /// Values that the mapping does not know, by column.
    pub unknown_values: Vec<UnknownValue>,
    /// Headings that the mapping does not name.
    pub unused_columns: Vec<String>,
    /// First and last day of an answer.
    pub days: Option<(Date, Date)>,
}

impl LeftOut {
    /// Key of the outcome: `not_in_frame`, `duplicate`, …
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::NoAnswers => "no_answers",
            Self::MissingUnit => "missing_unit",
            Self::BadUnit(_) => "bad_unit",
            Self::NotInFrame => "not_in_frame",
            Self::SeveralUnits => "several_units",
            Self::UnknownValue(_) => "unknown_value",
            Self::MissingDate => "missing_date",
            Self::BadDate => "bad_date",
            Self::Duplicate { .. } => "duplicate",
        }
    }
}

impl Note {
    /// Key of the note: `text_cut`, …
    #[must_use]
    pub const fn key(&self) -> &'static str {
        match self {
            Self::UnknownValue(_) => "unknown_value",
            Self::TooManyTicks(_) => "too_many_ticks",
            Self::NotAlone(_) => "not_alone",
            Self::TextCut(_) => "text_cut",
            Self::UnknownLanguage => "unknown_language",
        }
    }
}

/// Reads a table of answers (CSV or XLSX, told apart by its first bytes) and hands every row's outcome to `sink`. `file` is
/// its name in errors. Memory: one row, the frame's keys and the units already seen.
///
/// # Errors
/// [`IntakeError`] when the file cannot be read, when the mapping names a column that is not there or stands twice, or when
/// `sink` fails.
pub fn read<R, E>(
    file: &str,
    source: R,
    mapping: &Mapping,
    options: &Options<'_>,
    sink: &mut dyn FnMut(RowOutcome) -> Result<(), E>,
) -> Result<Summary, IntakeError>
where
    R: Read + Seek,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut reader: Option<Reader<'_>> = None;
    let mut skip = mapping.skip_rows;
    each_row(file, source, &mut |row| {
        let Some(reader) = &mut reader else {
            reader = Some(Reader::new(file, &row, mapping, options)?);
            return Ok(());
        };
        if skip > 0 {
            skip -= 1;
            return Ok(());
        }
        let outcome = reader.outcome(&row)?;
        reader.count(&outcome);
        sink(outcome).map_err(|error| IntakeError::Sink(error.into()))
    })?;
    let Some(reader) = reader else {
        return Err(IntakeError::File { file: file.to_owned(), problem: "the file has no heading".to_owned() });
    };
    let mut summary = reader.summary;
    summary.unknown_values = reader.unknown.into_values().collect();
    Ok(summary)
}

/// A place where an unknown value stands.
struct Stray<'r> {
    column: usize,
    question: &'r str,
    value: &'r str,
}

/// The answers of one row.
#[derive(Default)]
struct RowAnswers<'r> {
    answers: Answers,
    strays: Vec<Stray<'r>>,
    notes: Vec<Note>,
    asked: u32,
    answered: u32,
    given: Vec<&'r str>,
}

/// What is remembered between rows.
struct Reader<'a> {
    file: &'a str,
    mapping: &'a Mapping,
    options: &'a Options<'a>,
    headings: Vec<String>,
    /// Name of a column in the mapping → its position.
    at: HashMap<&'a str, usize>,
    /// Unit → the row in which it stood first.
    seen: HashMap<String, u64>,
    unknown: BTreeMap<(usize, String), UnknownValue>,
    summary: Summary,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str, row: &Row<'_>, mapping: &'a Mapping, options: &'a Options<'a>) -> Result<Self, IntakeError> {
        let mut at = HashMap::new();
        let mut absent = Vec::new();
        for name in mapping.columns() {
            match find(row.cells, name) {
                Ok(Some(index)) => {
                    at.insert(name, index);
                }
                Ok(None) => absent.push(format!("\"{name}\"")),
                Err(second) => {
                    return Err(IntakeError::Column {
                        file: file.to_owned(),
                        line: row.line,
                        column: format!("{} ({name})", second + 1),
                        problem: "the heading stands twice; name the column by its position, \"#7\"".to_owned(),
                    });
                }
            }
        }
        if !absent.is_empty() {
            absent.dedup();
            let (columns, headings) = (absent.join(", "), row.cells.join(", "));
            let problem =
                format!("the mapping names columns that are not there: {columns}; the headings are: {headings}");
            return Err(IntakeError::Row { file: file.to_owned(), line: row.line, problem });
        }
        let used: HashSet<usize> = at.values().copied().collect();
        let unused =
            row.cells.iter().enumerate().filter(|(index, heading)| !heading.is_empty() && !used.contains(index));
        let summary = Summary {
            unused_columns: unused.map(|(_, heading)| heading.clone()).collect(),
            answered: mapping.rules.iter().map(|rule| (rule.key.clone(), 0)).collect(),
            ..Summary::default()
        };
        let (headings, seen, unknown) = (row.cells.to_vec(), HashMap::new(), BTreeMap::new());
        Ok(Self { file, mapping, options, headings, at, seen, unknown, summary })
    }

    fn cell<'r>(&self, row: &Row<'r>, column: &str) -> &'r str {
        self.at.get(column).and_then(|at| row.cells.get(*at)).map_or("", String::as_str)
    }

    /// Position and heading of a column.
    fn named(&self, at: usize) -> String {
        format!("{} ({})", at + 1, self.headings[at])
    }

    fn outcome(&mut self, row: &Row<'_>) -> Result<RowOutcome, IntakeError> {
        if let Some(at) = row.cells.iter().skip(self.headings.len()).position(|cell| !cell.is_empty()) {
            let problem = format!("the row has a cell beyond the heading's {} columns", self.headings.len());
            let column = (self.headings.len() + at + 1).to_string();
            return Err(IntakeError::Column { file: self.file.to_owned(), line: row.line, column, problem });
        }
        let mut unit = String::new();
        let result = match self.response(row, &mut unit) {
            Ok((response, notes)) => RowResult::Taken(Box::new(response), notes),
            Err(reason) => RowResult::LeftOut(reason),
        };
        Ok(RowOutcome { row: row.line, unit, result })
    }

    fn count(&mut self, outcome: &RowOutcome) {
        self.summary.rows += 1;
        match &outcome.result {
            RowResult::Taken(response, notes) => {
                self.summary.taken += 1;
                *self.summary.statuses.entry(response.status.as_str()).or_default() += 1;
                for note in notes {
                    *self.summary.notes.entry(note.key()).or_default() += 1;
                }
                let (first, last) = self.summary.days.unwrap_or((response.date, response.date));
                self.summary.days = Some((first.min(response.date), last.max(response.date)));
            }
            RowResult::LeftOut(reason) => *self.summary.left_out.entry(reason.key()).or_default() += 1,
        }
    }

    fn response(&mut self, row: &Row<'_>, shown: &mut String) -> Result<(Response, Vec<Note>), LeftOut> {
        let read = self.answers(row);
        let unit = self.unit(row, shown);
        if read.answers.0.is_empty() && read.strays.is_empty() && read.notes.is_empty() {
            return Err(LeftOut::NoAnswers);
        }
        let unit_key = unit?;
        let RowAnswers { mut answers, strays, mut notes, asked, answered, given } = read;
        let columns: Vec<String> = strays.iter().map(|stray| self.named(stray.column)).collect();
        for stray in strays {
            self.remember(&stray, row.line);
        }
        if !columns.is_empty() && self.mapping.stops_at_unknown_values() {
            return Err(LeftOut::UnknownValue(columns));
        }
        notes.extend(columns.into_iter().map(Note::UnknownValue));
        if answers.0.is_empty() {
            return Err(LeftOut::NoAnswers);
        }
        let date = self.date(row)?;
        let language = match &self.mapping.language {
            None => None,
            Some(source) => {
                let cell = source.column.as_deref().map_or("", |column| self.cell(row, column));
                source.of(cell).unwrap_or_else(|| {
                    notes.push(Note::UnknownLanguage);
                    None
                })
            }
        };
        if let Some(first_row) = self.seen.get(&unit_key) {
            return Err(LeftOut::Duplicate { first_row: *first_row });
        }
        self.seen.insert(unit_key.clone(), row.line);
        for key in given {
            if let Some(count) = self.summary.answered.get_mut(key) {
                *count += 1;
            }
        }
        answers.0.extend(self.mapping.constants.iter().cloned());
        let share = if asked == 0 { 1.0 } else { f64::from(answered) / f64::from(asked) };
        let status = match share {
            share if share >= self.mapping.status.complete => ResponseStatus::Complete,
            share if share >= self.mapping.status.partial => ResponseStatus::Partial,
            _ => ResponseStatus::Started,
        };
        Ok((Response { unit_key, status, language, date, answers }, notes))
    }

    fn remember(&mut self, stray: &Stray<'_>, line: u64) {
        let (most, characters) = MAX_UNKNOWN;
        let value: String = stray.value.chars().take(characters).collect();
        let key = (stray.column, value.clone());
        if self.unknown.len() >= most && !self.unknown.contains_key(&key) {
            return;
        }
        let (column, question) = (self.named(stray.column), stray.question.to_owned());
        let known = self.unknown.entry(key).or_insert(UnknownValue { line, column, question, value, rows: 0 });
        known.rows += 1;
    }

    /// Which unit of the frame the row is about.
    fn unit(&self, row: &Row<'_>, shown: &mut String) -> Result<String, LeftOut> {
        let text = self.cell(row, &self.mapping.unit.column);
        if text.is_empty() {
            return Err(LeftOut::MissingUnit);
        }
        let number = whole(text);
        let units = self.options.units;
        let named = |names: &HashMap<String, Option<String>>, name: &str| match names.get(&name.to_lowercase()) {
            Some(Some(unit)) => Ok(unit.clone()),
            Some(None) => Err(LeftOut::SeveralUnits),
            None => Err(LeftOut::NotInFrame),
        };
        let there = |key: String| if units.keys.contains(&key) { Ok(key) } else { Err(LeftOut::NotInFrame) };
        match (self.mapping.unit.kind, self.options.country) {
            (UnitKind::Workplace, Country::Dk) => {
                let number = PNumber::parse(number).map_err(LeftOut::BadUnit)?;
                number.as_str().clone_into(shown);
                there(number.unit_key())
            }
            (UnitKind::Workplace, Country::Se) => {
                let number = Cfar::parse(number).map_err(LeftOut::BadUnit)?;
                number.as_str().clone_into(shown);
                there(number.unit_key())
            }
            (UnitKind::Company, Country::Dk) => {
                let number = Cvr::parse(number).map_err(LeftOut::BadUnit)?;
                number.as_str().clone_into(shown);
                named(&units.companies, number.as_str())
            }
            (UnitKind::Company, Country::Se) => {
                let number = OrgNumber::parse(number).map_err(LeftOut::BadUnit)?;
                *shown = number.shown().unwrap_or_default();
                named(&units.companies, &number.stored(self.options.keys))
            }
            (UnitKind::UnitKey, _) => {
                there(text.to_owned()).inspect(|key| *shown = shown_unit(key).unwrap_or_default().to_owned())
            }
            (UnitKind::Email, _) => {
                let address = email::parse(text).unwrap_or_else(|| text.to_owned());
                named(&units.emails, &address).inspect(|key| *shown = shown_unit(key).unwrap_or_default().to_owned())
            }
        }
    }

    fn date(&self, row: &Row<'_>) -> Result<Date, LeftOut> {
        let source = &self.mapping.date;
        let text = source.column.as_deref().map_or("", |column| self.cell(row, column));
        if text.is_empty() {
            return source.value.as_deref().and_then(|value| value.parse().ok()).ok_or(LeftOut::MissingDate);
        }
        // A workbook gives its dates as yyyy-mm-dd whatever they look like there.
        let workbook = || parse_date(text).filter(|_| text.as_bytes().get(4) == Some(&b'-'));
        let date = match &source.format {
            Some(format) => with_format(format, text).or_else(workbook),
            None => parse_date(text),
        };
        date.ok_or(LeftOut::BadDate)
    }

    fn answers<'r>(&self, row: &Row<'r>) -> RowAnswers<'r>
    where
        'a: 'r,
    {
        let mut read = RowAnswers::default();
        let mapping: &'a Mapping = self.mapping;
        for rule in &mapping.rules {
            let before = read.answers.0.len();
            let place = |column: &str, value| Stray { column: self.at[column], question: &rule.key, value };
            match &rule.reads {
                Reads::One { column, table } => {
                    let cell = self.cell(row, column);
                    match recoded(table, cell) {
                        Ok(Some(value)) => {
                            read.answers.0.insert(rule.key.clone(), value);
                        }
                        Ok(None) => {}
                        Err(()) => read.strays.push(place(column, cell)),
                    }
                }
                Reads::Text { column, missing, max_characters } => {
                    let text = tidied(self.cell(row, column));
                    if !text.is_empty() && !missing.contains(&folded(&text)) {
                        let cut: String = text.chars().take(*max_characters).collect();
                        if cut.len() < text.len() {
                            read.notes.push(Note::TextCut(rule.key.clone()));
                        }
                        read.answers.0.insert(rule.key.clone(), cut.trim_end().to_owned());
                    }
                }
                Reads::Ticks { options, ticked, not_ticked, limits } => {
                    let mut ticks = HashSet::new();
                    for (code, column) in options {
                        let cell = self.cell(row, column);
                        let value = folded(cell);
                        if value.is_empty() || not_ticked.contains(&value) {
                            continue;
                        }
                        if ticked.contains(&value) || ticked.contains(ANYTHING) {
                            ticks.insert(code.as_str());
                        } else {
                            read.strays.push(place(column, cell));
                        }
                    }
                    read.keep_ticks(&rule.key, options.iter().map(|(code, _)| code.as_str()), &ticks, limits);
                }
                Reads::Several { column, separator, table, offered, limits } => {
                    let mut ticks = HashSet::new();
                    let cell = self.cell(row, column);
                    for part in cell.split(separator.as_str()).map(str::trim).filter(|part| !part.is_empty()) {
                        match table.get(&folded(part)) {
                            Some(Some(code)) => {
                                ticks.insert(code.as_str());
                            }
                            Some(None) => {}
                            None => read.strays.push(place(column, part)),
                        }
                    }
                    read.keep_ticks(&rule.key, offered.iter().map(String::as_str), &ticks, limits);
                }
            }
            let given = read.answers.0.len() > before;
            if given {
                read.given.push(&rule.key);
            }
            if rule.counts {
                read.asked += 1;
                read.answered += u32::from(given);
            }
        }
        read
    }
}

impl RowAnswers<'_> {
    /// Keeps ticks as answers given here are kept: with a tick, the options not ticked are `0`; without one, silence.
    fn keep_ticks<'c>(
        &mut self,
        question: &str,
        offered: impl Iterator<Item = &'c str>,
        ticks: &HashSet<&str>,
        limits: &Limits,
    ) {
        if ticks.len() > 1 && limits.exclusive.iter().any(|code| ticks.contains(code.as_str())) {
            self.notes.push(Note::NotAlone(question.to_owned()));
        } else if limits.at_most.is_some_and(|most| ticks.len() > most as usize) {
            self.notes.push(Note::TooManyTicks(question.to_owned()));
        } else if !ticks.is_empty() {
            for code in offered {
                let tick = if ticks.contains(code) { "1" } else { "0" };
                self.answers.0.insert(option_key(question, code), tick.to_owned());
            }
        }
    }
}

impl Mapping {
    /// Every column that the mapping names.
    fn columns(&self) -> Vec<&str> {
        let mut columns = vec![self.unit.column.as_str()];
        columns.extend(self.date.column.as_deref());
        columns.extend(self.language.as_ref().and_then(|language| language.column.as_deref()));
        for rule in &self.rules {
            match &rule.reads {
                Reads::One { column, .. } | Reads::Text { column, .. } | Reads::Several { column, .. } => {
                    columns.push(column);
                }
                Reads::Ticks { options, .. } => columns.extend(options.iter().map(|(_, column)| column.as_str())),
            }
        }
        columns
    }
}

/// What a cell becomes: an answer, a blank, or nothing that is known.
fn recoded(table: &Recoding, cell: &str) -> Result<Option<String>, ()> {
    match table.get(&folded(cell)) {
        Some(value) => Ok(value.clone()),
        None if cell.is_empty() => Ok(None),
        None => Err(()),
    }
}

/// The column of a name: the heading as written, otherwise without regard to case and blanks, otherwise a position (`#7`).
/// The second of two that bear the name is an error.
fn find(headings: &[String], name: &str) -> Result<Option<usize>, usize> {
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let wanted = plain(name);
    for same in [&(|heading: &str| heading == name) as &dyn Fn(&str) -> bool, &|heading| plain(heading) == wanted] {
        let mut matches = (0..headings.len()).filter(|index| same(&headings[*index]));
        match (matches.next(), matches.next()) {
            (Some(_), Some(second)) => return Err(second),
            (Some(only), None) => return Ok(Some(only)),
            _ => {}
        }
    }
    let position = name.strip_prefix('#').and_then(|position| position.parse::<usize>().ok());
    Ok(position.and_then(|position| position.checked_sub(1)).filter(|index| *index < headings.len()))
}

/// A text as it is kept: one kind of line break, no control characters, no blanks around it.
fn tidied(text: &str) -> String {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = unified.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    kept.trim().to_owned()
}

#[cfg(test)]
mod tests;
