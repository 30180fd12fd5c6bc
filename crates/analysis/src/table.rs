//! Tables with the place of every cell: CSV files, Parquet files read part by part, or rows handed over by another room.
use std::borrow::Cow;
use std::fs::File;
use std::io::{Cursor, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use polars::prelude::*;
use sha2::{Digest, Sha256};

use crate::error::AnalyseError;

/// Row groups of a Parquet file are read together up to about this many rows.
const PART: usize = 1 << 18;

/// A table whose cells are read as text. An empty cell is an empty text.
#[derive(Debug, Clone)]
pub struct Table {
    name: String,
    rows: Rows,
    csv: Option<PathBuf>,
    sha256: Option<String>,
    of_answers: bool,
}

/// Where the rows are.
#[derive(Debug, Clone)]
enum Rows {
    Held(DataFrame),
    /// Read part by part when they are needed.
    Parquet {
        path: PathBuf,
        columns: Vec<String>,
        parts: Vec<Range<usize>>,
    },
}

impl Table {
    /// Opens a CSV or Parquet file (told by its content); only the columns that `wanted` accepts are kept.
    ///
    /// # Errors
    /// [`AnalyseError::Unreadable`].
    pub fn read(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Self, AnalyseError> {
        let name = path.display().to_string();
        let unreadable = |problem: String| AnalyseError::Unreadable { file: name.clone(), problem };
        let mut file = File::open(path).map_err(|e| unreadable(e.to_string()))?;
        let mut begins = Vec::new();
        file.by_ref().take(4).read_to_end(&mut begins).map_err(|e| unreadable(e.to_string()))?;
        if begins == b"PAR1" {
            let mut reader = ParquetReader::new(file);
            let all = reader.schema().map_err(|e| unreadable(e.to_string()))?;
            let columns = all.iter_names().filter(|n| wanted(n)).map(ToString::to_string).collect();
            let metadata = reader.get_metadata().map_err(|e| unreadable(e.to_string()))?;
            let parts = parts(metadata.row_groups.iter().map(|group| group.num_rows()));
            let rows = Rows::Parquet { path: path.to_owned(), columns, parts };
            return Ok(Self { name, rows, csv: None, sha256: None, of_answers: false });
        }
        let mut bytes = begins;
        file.read_to_end(&mut bytes).map_err(|e| unreadable(e.to_string()))?;
        let sha256 = Some(hexadecimal(&Sha256::digest(&bytes)));
        if let Err(fault) = std::str::from_utf8(&bytes) {
            let line = bytes[..fault.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            return Err(unreadable(format!("line {line}: not UTF-8")));
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let header = Records::new(bytes).next().map(|r| r.fields).unwrap_or_default();
        if header.iter().all(String::is_empty) {
            return Err(unreadable("line 1: the header with the column names is missing".into()));
        }
        if let Some((i, twice)) = header.iter().enumerate().find(|(i, h)| header[..*i].contains(h)) {
            return Err(unreadable(format!("line 1: column {} \"{twice}\" stands twice", i + 1)));
        }
        let separator = separator(bytes);
        let columns: Vec<PlSmallStr> = header.iter().filter(|h| wanted(h)).map(PlSmallStr::from).collect();
        let parse = CsvParseOptions::default().with_separator(separator).with_missing_is_null(true);
        let data = CsvReadOptions::default()
            .with_has_header(true)
            .with_infer_schema_length(Some(0))
            .with_columns(Some(columns.into()))
            .with_parse_options(parse)
            .into_reader_with_file_handle(Cursor::new(without_empty_lines(bytes)))
            .finish();
        // A cell too many or a quotation mark left open: say where, which the reader does not.
        match data {
            Ok(data) => match ragged(bytes, header.len()).or_else(|| {
                let records = Records::new(bytes).count().saturating_sub(1);
                (records != data.height()).then(|| format!("{records} lines were read as {} rows", data.height()))
            }) {
                None => {
                    Ok(Self { name, rows: Rows::Held(data), csv: Some(path.to_owned()), sha256, of_answers: false })
                }
                Some(problem) => Err(unreadable(problem)),
            },
            Err(e) => Err(unreadable(ragged(bytes, header.len()).unwrap_or_else(|| e.to_string()))),
        }
    }

    /// A table of rows handed over: `columns` are names with their cells, all of one length.
    ///
    /// # Errors
    /// [`AnalyseError::Unreadable`] when the lengths differ or a name stands twice.
    pub fn from_columns(name: &str, columns: Vec<(String, Vec<String>)>) -> Result<Self, AnalyseError> {
        let height = columns.first().map_or(0, |(_, cells)| cells.len());
        let columns = columns.into_iter().map(|(name, cells)| Column::new(name.into(), cells)).collect();
        let data = DataFrame::new(height, columns)
            .map_err(|e| AnalyseError::Unreadable { file: name.to_owned(), problem: e.to_string() })?;
        Ok(Self { name: name.to_owned(), rows: Rows::Held(data), csv: None, sha256: None, of_answers: false })
    }

    /// A table of responses out of one row per answer, as the database keeps them: (year, business, question key, value).
    /// Every business in `responded` gets a row and counts (its status was judged where the questionnaire is known), even when none of
    /// its answers is among them; a question that nobody answered has no column, and that is no fault here.
    ///
    /// # Errors
    /// As [`Table::from_columns`].
    pub fn from_answers(
        name: &str,
        responded: Vec<(i32, String)>,
        answers: impl IntoIterator<Item = (i32, String, String, String)>,
    ) -> Result<Self, AnalyseError> {
        let row_of: std::collections::HashMap<(i32, &str), usize> =
            responded.iter().enumerate().map(|(row, (year, business))| ((*year, business.as_str()), row)).collect();
        let mut columns: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
        for (year, business, key, value) in answers {
            let Some(row) = row_of.get(&(year, business.as_str())) else { continue };
            columns.entry(key).or_insert_with(|| vec![String::new(); responded.len()])[*row] = value;
        }
        let mut all = vec![
            ("year".to_owned(), responded.iter().map(|(year, _)| year.to_string()).collect()),
            ("business_id".to_owned(), responded.iter().map(|(_, business)| business.clone()).collect()),
        ];
        all.extend(columns);
        Ok(Self { of_answers: true, ..Self::from_columns(name, all)? })
    }

    /// Was it made of single answers, so that a missing column is a question that nobody answered?
    #[must_use]
    pub const fn is_of_answers(&self) -> bool {
        self.of_answers
    }

    /// The table's name in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the file it was read from; `None` for rows handed over.
    ///
    /// # Errors
    /// [`AnalyseError::Unreadable`].
    pub fn sha256(&self) -> Result<Option<String>, AnalyseError> {
        let Rows::Parquet { path, .. } = &self.rows else { return Ok(self.sha256.clone()) };
        let mut file = File::open(path).map_err(|e| self.unreadable(&e))?;
        let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
        loop {
            match file.read(&mut buffer).map_err(|e| self.unreadable(&e))? {
                0 => return Ok(Some(hexadecimal(&hasher.finalize()))),
                n => hasher.update(&buffer[..n]),
            }
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn height(&self) -> usize {
        match &self.rows {
            Rows::Held(data) => data.height(),
            Rows::Parquet { parts, .. } => parts.last().map_or(0, |p| p.end),
        }
    }

    /// Is there such a column?
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.columns().any(|c| c == column)
    }

    /// Names of the columns, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let (held, read) = match &self.rows {
            Rows::Held(data) => (Some(data.get_column_names().into_iter().map(PlSmallStr::as_str)), None),
            Rows::Parquet { columns, .. } => (None, Some(columns.iter().map(String::as_str))),
        };
        held.into_iter().flatten().chain(read.into_iter().flatten())
    }

    /// A column as text. Whole numbers of a Parquet file lose their `.0`.
    ///
    /// # Errors
    /// [`AnalyseError::MissingColumn`], [`AnalyseError::Unreadable`].
    pub fn text(&self, column: &str) -> Result<StringChunked, AnalyseError> {
        let mut whole = StringChunked::full_null(column.into(), 0);
        self.scan(&[column], |_, chunk| {
            let text = as_text(&chunk.columns()[0]).map_err(|e| self.unreadable(&e))?;
            whole.append_owned(text).map_err(|e| self.unreadable(&e))
        })?;
        Ok(whole)
    }

    /// Hands over some columns part by part, in the order given, with the number of each part's first row. While a part is worked on, the
    /// next is read; no more than that is held.
    pub(crate) fn scan(
        &self,
        columns: &[&str],
        mut each: impl FnMut(usize, &DataFrame) -> Result<(), AnalyseError>,
    ) -> Result<(), AnalyseError> {
        if let Some(missing) = columns.iter().find(|c| !self.has(c)) {
            let (file, column) = (self.name.clone(), (*missing).to_owned());
            return Err(AnalyseError::MissingColumn { file, column, hint: String::new() });
        }
        let parts = match &self.rows {
            Rows::Held(_) => return each(0, &self.part(&(0..self.height()), columns)?),
            Rows::Parquet { parts, .. } => parts,
        };
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            scope.spawn(move || {
                for part in parts {
                    // Nobody takes it any more: a fault was found.
                    if sender.send((part.start, self.part(part, columns))).is_err() {
                        break;
                    }
                }
            });
            for (first, chunk) in receiver {
                each(first, &chunk?)?;
            }
            Ok(())
        })
    }

    /// Some rows of some columns.
    pub(crate) fn part(&self, rows: &Range<usize>, columns: &[&str]) -> Result<DataFrame, AnalyseError> {
        let read = match &self.rows {
            Rows::Held(data) => {
                data.select(columns.iter().copied()).map(|d| d.slice(rows.start.cast_signed() as i64, rows.len()))
            }
            Rows::Parquet { path, .. } => {
                let file = File::open(path).map_err(|e| self.unreadable(&e))?;
                ParquetReader::new(file)
                    .with_columns(Some(columns.iter().map(ToString::to_string).collect()))
                    .with_slice(Some((rows.start, rows.len())))
                    .read_parallel(ParallelStrategy::Columns)
                    .finish()
                    .and_then(|d| d.select(columns.iter().copied()))
            }
        };
        read.map_err(|e| self.unreadable(&e))
    }

    pub(crate) fn unreadable(&self, problem: &dyn std::fmt::Display) -> AnalyseError {
        AnalyseError::Unreadable { file: self.name.clone(), problem: problem.to_string() }
    }

    /// The first row in which the columns hold these texts.
    pub(crate) fn position(&self, wanted: &[(&str, &str)]) -> Result<Option<usize>, AnalyseError> {
        let mut rows: Vec<bool> = vec![true; self.height()];
        for (column, cell) in wanted {
            for (row, found) in rows.iter_mut().zip(self.text(column)?.iter()) {
                *row = *row && found.unwrap_or_default().trim() == *cell;
            }
        }
        Ok(rows.into_iter().position(|row| row))
    }

    /// The line of a row (0 = first row): the line of a CSV file, otherwise the row counted from 1.
    #[must_use]
    pub fn line(&self, row: usize) -> usize {
        let bytes = self.csv.as_ref().and_then(|path| std::fs::read(path).ok());
        let line = bytes.and_then(|bytes| Records::new(&bytes).nth(row + 1).map(|r| r.line));
        line.unwrap_or(row + 1 + usize::from(self.csv.is_some()))
    }

    /// A fault in a cell.
    #[must_use]
    pub fn fault(&self, row: usize, column: &str, problem: impl Into<String>) -> AnalyseError {
        AnalyseError::Value {
            file: self.name.clone(),
            line: self.line(row),
            column: column.to_owned(),
            problem: problem.into(),
        }
    }
}

/// Row groups joined to parts.
fn parts(groups: impl Iterator<Item = usize>) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for rows in groups {
        match parts.last_mut() {
            Some(last) if last.len() + rows <= PART => last.end += rows,
            last => {
                let start = last.map_or(0, |l| l.end);
                parts.push(start..start + rows);
            }
        }
    }
    parts
}

/// The cells of a column as text.
pub(crate) fn as_text(column: &Column) -> PolarsResult<StringChunked> {
    Ok(match column.dtype() {
        DataType::Float32 | DataType::Float64 => {
            let numbers = column.cast(&DataType::Float64)?;
            numbers.f64()?.iter().map(|n| n.filter(|n| !n.is_nan()).map(|n| n.to_string())).collect()
        }
        DataType::Boolean => column.bool()?.iter().map(|f| f.map(|f| if f { "1" } else { "0" })).collect(),
        _ => column.cast(&DataType::String)?.str()?.clone(),
    })
}

/// Lower-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Files of Danish and Swedish spreadsheets separate by semicolons.
fn separator(bytes: &[u8]) -> u8 {
    let header = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    if header.contains(&b';') && !header.contains(&b',') { b';' } else { b',' }
}

/// polars would make a row of every empty line.
fn without_empty_lines(bytes: &[u8]) -> Cow<'_, [u8]> {
    let empty = bytes.windows(2).any(|w| w == b"\n\n") || bytes.windows(3).any(|w| w == b"\n\r\n");
    if !empty {
        return Cow::Borrowed(bytes);
    }
    Cow::Owned(Records::new(bytes).flat_map(|r| &bytes[r.span]).copied().collect())
}

fn ragged(bytes: &[u8], width: usize) -> Option<String> {
    let wrong = Records::new(bytes).find(|r| r.width != width || r.unclosed)?;
    Some(if wrong.unclosed {
        format!("line {}: a quotation mark is not closed", wrong.line)
    } else {
        format!("line {}: {} cells where the header has {width}", wrong.line, wrong.width)
    })
}

/// One record of a CSV file: where it begins and how many cells it has; the cells themselves of the header only.
struct Record {
    span: Range<usize>,
    line: usize,
    width: usize,
    unclosed: bool,
    fields: Vec<String>,
}

/// Walks over the records of a CSV file to find lines; the values themselves are polars'.
struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
    separator: u8,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        Self { bytes, at: 0, line: 1, separator: separator(bytes) }
    }

    /// The length of the line that begins here, when nothing stands on it.
    fn empty_line(&self) -> Option<usize> {
        let rest = self.bytes.get(self.at..)?;
        if self.at == 0 {
            return None;
        }
        [b"\n".as_slice(), b"\r\n"].into_iter().find(|end| rest.starts_with(end)).map(<[u8]>::len)
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        // Empty lines are no records.
        let header = self.at == 0;
        while let Some(length) = self.empty_line() {
            self.at += length;
            self.line += 1;
        }
        if self.at >= self.bytes.len() {
            return None;
        }
        let mut record =
            Record { span: self.at..self.at, line: self.line, width: 1, unclosed: false, fields: Vec::new() };
        let mut quoted = false;
        let mut field: Vec<u8> = Vec::new();
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => {
                    quoted = !quoted;
                    // A doubled mark inside a quoted cell is one mark.
                    if quoted && header && self.at >= 2 && self.bytes[self.at - 2] == b'"' && !field.is_empty() {
                        field.push(b'"');
                    }
                }
                b'\n' => {
                    self.line += 1;
                    if !quoted {
                        break;
                    }
                }
                b'\r' if !quoted => {}
                b if b == self.separator && !quoted => {
                    record.width += 1;
                    if header {
                        record.fields.push(String::from_utf8_lossy(&std::mem::take(&mut field)).into_owned());
                    }
                }
                b if header => field.push(b),
                _ => {}
            }
        }
        record.unclosed = quoted;
        record.span.end = self.at;
        if header {
            record.fields.push(String::from_utf8_lossy(&field).into_owned());
        }
        Some(record)
    }
}
