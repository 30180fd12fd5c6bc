//! CSV and XLSX as one stream of rows.
//!
//! CSV is read in one pass after a first pass that finds its encoding; memory is that of one row. XLSX is streamed cell
//! by cell as far as the reader allows: the workbook's shared texts are held in memory as a whole, so the declared sizes
//! of its parts are bounded before anything is unpacked.
use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use calamine::{DataRef, Reader as _, SheetType, SheetVisible, Xlsx};

use crate::IntakeError;

/// One row of a table.
pub struct Row<'a> {
    /// Line in the file (CSV) or row of the sheet (XLSX), 1 = the first.
    pub line: u64,
    /// The cells, trimmed.
    pub cells: &'a [String],
    /// Bytes read of the file.
    pub bytes: u64,
    /// Length of the file.
    pub total_bytes: u64,
}

/// Longest row of a CSV file. A longer one is a quotation mark that nobody closed.
const MAX_ROW_BYTES: u64 = 1 << 20;
/// Most columns.
const MAX_COLUMNS: usize = 1000;
/// Largest declared size of a workbook's shared texts, which are held in memory.
const MAX_SHARED_TEXT: u64 = 512 << 20;
/// Largest declared size of any other part of a workbook, which is streamed.
const MAX_SHEET: u64 = 4 << 30;

/// Hands every row that is not empty to `each`, the heading first. CSV (comma, semicolon, tab; UTF-8, UTF-16 or
/// Windows-1252) and XLSX (the first visible sheet that is not empty) are told apart by their first bytes.
///
/// # Errors
/// [`IntakeError`] naming file and line, or what `each` returns.
pub fn each_row<R: Read + Seek>(
    file: &str,
    mut source: R,
    each: &mut dyn FnMut(Row<'_>) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let io = |source| IntakeError::Io { file: file.to_owned(), source };
    let total_bytes = source.seek(SeekFrom::End(0)).map_err(io)?;
    source.rewind().map_err(io)?;
    let mut start = [0; 4];
    let mut filled = 0;
    while filled < start.len() {
        match source.read(&mut start[filled..]).map_err(io)? {
            0 => break,
            read => filled += read,
        }
    }
    source.rewind().map_err(io)?;
    match start {
        _ if filled == 0 => Err(IntakeError::File { file: file.to_owned(), problem: "the file is empty".to_owned() }),
        [b'P', b'K', ..] => each_sheet_row(file, source, total_bytes, each),
        [0xd0, 0xcf, 0x11, 0xe0] => Err(IntakeError::File {
            file: file.to_owned(),
            problem: "the old Excel format (.xls) cannot be read; save it as .xlsx or CSV".to_owned(),
        }),
        _ => each_csv_row(file, source, total_bytes, each),
    }
}

/// Bytes read, seen by the reader and by whoever reports progress.
struct Counted<R> {
    inner: R,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Any encoding in, UTF-8 out; stops when a row grows beyond [`MAX_ROW_BYTES`].
struct Decoded<R> {
    inner: R,
    decoder: encoding_rs::Decoder,
    raw: Box<[u8]>,
    raw_at: usize,
    raw_end: usize,
    ended: bool,
    text: Box<[u8]>,
    text_at: usize,
    text_end: usize,
    since_row: Rc<Cell<u64>>,
}

impl<R: Read> Decoded<R> {
    fn new(inner: R, encoding: &'static encoding_rs::Encoding, since_row: Rc<Cell<u64>>) -> Self {
        let decoder = encoding.new_decoder();
        let (raw, text) = (vec![0; 16 << 10].into_boxed_slice(), vec![0; 64 << 10].into_boxed_slice());
        Self { inner, decoder, raw, raw_at: 0, raw_end: 0, ended: false, text, text_at: 0, text_end: 0, since_row }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.text_at == self.text_end {
            if self.raw_at == self.raw_end {
                if self.ended {
                    return Ok(0);
                }
                self.raw_at = 0;
                self.raw_end = self.inner.read(&mut self.raw)?;
                self.ended = self.raw_end == 0;
            }
            let raw = &self.raw[self.raw_at..self.raw_end];
            let (_, used, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.ended);
            self.raw_at += used;
            (self.text_at, self.text_end) = (0, written);
            self.since_row.set(self.since_row.get() + written as u64);
            if self.since_row.get() > MAX_ROW_BYTES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "a row is longer than 1 MB: a quotation mark is not closed",
                ));
            }
        }
        let ready = &self.text[self.text_at..self.text_end];
        let length = ready.len().min(buffer.len());
        buffer[..length].copy_from_slice(&ready[..length]);
        self.text_at += length;
        Ok(length)
    }
}

/// The encoding of a whole file: UTF-16 by its mark, UTF-8 when all of it is, otherwise Windows-1252.
fn encoding<R: Read>(file: &str, source: &mut R) -> Result<&'static encoding_rs::Encoding, IntakeError> {
    let mut buffer = vec![0; 64 << 10];
    let mut carried = 0;
    let (mut letters, mut faults, mut first_fault, mut line) = (0u64, 0u64, 0u64, 1u64);
    let mut first = true;
    loop {
        let read =
            source.read(&mut buffer[carried..]).map_err(|source| IntakeError::Io { file: file.to_owned(), source })?;
        let end = carried + read;
        if first && (buffer[..end].starts_with(&[0xff, 0xfe]) || buffer[..end].starts_with(&[0xfe, 0xff])) {
            let little = buffer[0] == 0xff;
            return Ok(if little { encoding_rs::UTF_16LE } else { encoding_rs::UTF_16BE });
        }
        let mut rest =
            if first && buffer[..end].starts_with(&[0xef, 0xbb, 0xbf]) { &buffer[3..end] } else { &buffer[..end] };
        first = false;
        let mut kept = 0;
        loop {
            let (valid, fault) = match std::str::from_utf8(rest) {
                Ok(_) => (rest.len(), None),
                Err(error) => (error.valid_up_to(), Some(error.error_len())),
            };
            line += rest[..valid].iter().filter(|b| **b == b'\n').count() as u64;
            // Every character beyond ASCII has one byte that begins it.
            letters += rest[..valid].iter().filter(|b| **b >= 0xc0).count() as u64;
            match fault {
                None => break,
                Some(None) if read > 0 => {
                    kept = rest.len() - valid;
                    break;
                }
                Some(length) => {
                    faults += 1;
                    first_fault = if first_fault == 0 { line } else { first_fault };
                    rest = &rest[valid + length.unwrap_or(rest.len() - valid)..];
                }
            }
        }
        if read == 0 {
            break;
        }
        buffer.copy_within(end - kept..end, 0);
        carried = kept;
    }
    // Text in Windows-1252 holds next to no pairs that look like UTF-8; a file with both was glued together.
    if faults > 0 && letters > faults {
        let problem = "the text is neither UTF-8 nor Windows-1252 throughout".to_owned();
        return Err(IntakeError::Row { file: file.to_owned(), line: first_fault, problem });
    }
    Ok(if faults == 0 { encoding_rs::UTF_8 } else { encoding_rs::WINDOWS_1252 })
}

fn each_csv_row<R: Read + Seek>(
    file: &str,
    mut source: R,
    total_bytes: u64,
    each: &mut dyn FnMut(Row<'_>) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let io = |source| IntakeError::Io { file: file.to_owned(), source };
    let encoding = encoding(file, &mut source)?;
    source.rewind().map_err(io)?;
    let mut beginning = String::new();
    let sample = Decoded::new(&mut source, encoding, Rc::default());
    // Cut anywhere, so the last character may be half a one: read as bytes.
    let mut bytes = Vec::new();
    sample.take(64 << 10).read_to_end(&mut bytes).map_err(io)?;
    beginning.push_str(&String::from_utf8_lossy(&bytes));
    source.rewind().map_err(io)?;
    let first_line = beginning.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let announced = first_line.trim_matches([' ', '\r']).strip_prefix("sep=").and_then(|rest| rest.bytes().next());
    let delimiter = announced.unwrap_or_else(|| likeliest_delimiter(first_line));

    let (read, since_row) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let counted = Counted { inner: source, bytes: Rc::clone(&read) };
    let decoded = Decoded::new(counted, encoding, Rc::clone(&since_row));
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(decoded);
    let mut record = csv::StringRecord::new();
    let mut cells = Vec::new();
    let mut skip = announced.is_some();
    loop {
        let line = reader.position().line();
        let more = reader.read_record(&mut record).map_err(|error| {
            let problem = match error.into_kind() {
                csv::ErrorKind::Io(error) => error.to_string(),
                csv::ErrorKind::Utf8 { .. } => "the text is not valid".to_owned(),
                _ => "the row cannot be read".to_owned(),
            };
            IntakeError::Row { file: file.to_owned(), line, problem }
        })?;
        since_row.set(0);
        if !more {
            return Ok(());
        }
        if std::mem::take(&mut skip) {
            continue;
        }
        let line = record.position().map_or(line, csv::Position::line);
        cells.clear();
        cells.extend(record.iter().map(clean));
        emit(file, line, &cells, (read.get().min(total_bytes), total_bytes), each)?;
    }
}

/// The delimiter that stands most often in the heading, outside quotation marks.
fn likeliest_delimiter(heading: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b';', 0), (b'\t', 0), (b',', 0)];
    for byte in heading.bytes() {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte && !quoted) {
            *count += 1;
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

/// A cell without the blanks around it, without a byte-order mark, and without Excel's `="…"`.
fn clean(cell: &str) -> String {
    let cell = cell.trim_start_matches('\u{feff}').trim();
    cell.strip_prefix("=\"").and_then(|inner| inner.strip_suffix('"')).unwrap_or(cell).trim().to_owned()
}

/// Hands on a row that is not empty.
fn emit(
    file: &str,
    line: u64,
    cells: &[String],
    (bytes, total_bytes): (u64, u64),
    each: &mut dyn FnMut(Row<'_>) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let fault = |problem: String| IntakeError::Row { file: file.to_owned(), line, problem };
    if cells.len() > MAX_COLUMNS {
        return Err(fault(format!("more than {MAX_COLUMNS} columns")));
    }
    if let Some(at) = cells.iter().position(|cell| cell.contains('\0')) {
        let column = (at + 1).to_string();
        let problem = "the cell holds a NUL character".to_owned();
        return Err(IntakeError::Column { file: file.to_owned(), line, column, problem });
    }
    if cells.iter().all(String::is_empty) {
        return Ok(());
    }
    each(Row { line, cells, bytes, total_bytes })
}

fn each_sheet_row<R: Read + Seek>(
    file: &str,
    mut source: R,
    total_bytes: u64,
    each: &mut dyn FnMut(Row<'_>) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let fault = |problem: String| IntakeError::File { file: file.to_owned(), problem };
    check_sizes(&mut source).map_err(fault)?;
    source.rewind().map_err(|source| IntakeError::Io { file: file.to_owned(), source })?;
    let read = Rc::new(Cell::new(0));
    let counted = Counted { inner: io::BufReader::new(source), bytes: Rc::clone(&read) };
    let mut book = Xlsx::new(counted).map_err(|error| fault(format!("not a workbook that can be read: {error}")))?;
    let visible =
        |sheet: &&calamine::Sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible;
    let names: Vec<String> = book.sheets_metadata().iter().filter(visible).map(|sheet| sheet.name.clone()).collect();
    for name in names {
        let mut empty = true;
        let mut note = |row: Row<'_>| {
            empty = false;
            each(row)
        };
        each_cell_row(file, &mut book, &name, (&read, total_bytes), &mut note)?;
        if !empty {
            break;
        }
    }
    Ok(())
}

fn each_cell_row<R: Read + Seek>(
    file: &str,
    book: &mut Xlsx<R>,
    name: &str,
    (read, total_bytes): (&Cell<u64>, u64),
    each: &mut dyn FnMut(Row<'_>) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    let fault = |problem: String| IntakeError::File { file: file.to_owned(), problem };
    let mut sheet = book.worksheet_cells_reader(name).map_err(|error| fault(format!("sheet \"{name}\": {error}")))?;
    let mut cells: Vec<String> = Vec::new();
    let mut line = 0;
    loop {
        let cell = sheet.next_cell().map_err(|error| IntakeError::Row {
            file: file.to_owned(),
            line: line + 1,
            problem: format!("sheet \"{name}\": {error}"),
        })?;
        let at = cell.as_ref().map(calamine::Cell::get_position);
        let next = at.map(|(row, _)| u64::from(row) + 1);
        if next != Some(line) {
            if !cells.is_empty() {
                emit(file, line, &cells, (read.get().min(total_bytes), total_bytes), each)?;
                cells.clear();
            }
            line = next.unwrap_or(line);
        }
        let (Some(cell), Some((_, column))) = (cell, at) else { return Ok(()) };
        let column = column as usize;
        if column >= MAX_COLUMNS {
            // Formatting may reach to the sheet's edge; only contents count.
            if matches!(cell.get_value(), DataRef::Empty) {
                continue;
            }
            let problem = format!("more than {MAX_COLUMNS} columns");
            return Err(IntakeError::Row { file: file.to_owned(), line, problem });
        }
        let text = cell_text(cell.get_value()).map_err(|problem| IntakeError::Column {
            file: file.to_owned(),
            line,
            column: (column + 1).to_string(),
            problem,
        })?;
        if cells.len() <= column {
            cells.resize(column + 1, String::new());
        }
        cells[column] = clean(&text);
    }
}

/// The declared sizes of a workbook's parts.
fn check_sizes<R: Read + Seek>(source: &mut R) -> Result<(), String> {
    let mut parts =
        zip::ZipArchive::new(source).map_err(|error| format!("not a workbook that can be read: {error}"))?;
    for index in 0..parts.len() {
        let part = parts.by_index_raw(index).map_err(|error| error.to_string())?;
        let name = part.name().map_err(|error| error.to_string())?;
        let limit = if name.ends_with("sharedStrings.xml") { MAX_SHARED_TEXT } else { MAX_SHEET };
        if part.size() > limit {
            return Err(format!("the workbook's part {name} is larger than {} MB; save the sheet as CSV", limit >> 20));
        }
    }
    Ok(())
}

/// What a cell shows, without its formatting: whole numbers without decimals, dates as `yyyy-mm-dd`.
fn cell_text(value: &DataRef<'_>) -> Result<String, String> {
    Ok(match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(flag) => if *flag { "1" } else { "0" }.to_owned(),
        DataRef::DateTime(date) if date.is_datetime() => {
            let (year, month, day, ..) = date.to_ymd_hms_milli();
            format!("{year:04}-{month:02}-{day:02}")
        }
        DataRef::DateTime(duration) => duration.as_f64().to_string(),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => return Err(format!("the cell holds the spreadsheet error {error}")),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn rows(bytes: &[u8]) -> Result<Vec<(u64, Vec<String>)>, IntakeError> {
        let mut rows = Vec::new();
        each_row("f.csv", Cursor::new(bytes), &mut |row| {
            rows.push((row.line, row.cells.to_vec()));
            Ok(())
        })?;
        Ok(rows)
    }

    fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
        rows(bytes).unwrap().into_iter().map(|(_, cells)| cells).collect()
    }

    #[test]
    fn delimiters_and_encodings_are_found() {
        let expected = vec![vec!["navn".to_owned(), "by".into()], vec!["Smørrebrød, Æblegården".into(), "Køge".into()]];
        for delimiter in [";", "\t", ","] {
            let text = format!("navn{delimiter}by\r\n\"Smørrebrød, Æblegården\"{delimiter}Køge\r\n");
            assert_eq!(cells(text.as_bytes()), expected);
            assert_eq!(cells(format!("\u{feff}{text}").as_bytes()), expected);
            assert_eq!(cells(format!("sep={delimiter}\r\n{text}").as_bytes()), expected);
            let (latin, _, unmapped) = encoding_rs::WINDOWS_1252.encode(&text);
            assert!(!unmapped);
            assert_eq!(cells(&latin), expected);
            let wide: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
            assert_eq!(cells(&wide), expected);
        }
    }

    #[test]
    fn letters_are_found_across_the_edges_of_the_buffer() {
        for shift in 0..4 {
            let text = format!("a;b\n{}{};x\n", "-".repeat(shift), "æ".repeat(70_000));
            let found = cells(text.as_bytes());
            assert_eq!(found[1][0].chars().filter(|c| *c == 'æ').count(), 70_000);
        }
    }

    #[test]
    fn lines_are_counted_and_empty_rows_skipped() {
        let found = rows(b"a;b\n\n;\n1;\"two\nlines\"\n3;4\n").unwrap();
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 4, 6]);
        assert_eq!(rows(b"\n \n").unwrap(), []);
        assert_eq!(cells(b"a;b\n=\"0123\"; x \n")[1], ["0123", "x"]);
    }

    #[test]
    fn bad_files_are_refused_with_their_line() {
        let fault = |bytes: &[u8]| rows(bytes).unwrap_err().to_string();
        assert_eq!(fault(b""), "f.csv: the file is empty");
        assert_eq!(fault(b"a;b\n1;2\0\n"), "f.csv: line 2, column 2: the cell holds a NUL character");
        assert!(fault(b"\xd0\xcf\x11\xe0rest").contains("save it as .xlsx"));
        assert!(fault(b"PK\x03\x04 but no workbook").starts_with("f.csv: not a workbook"));
        let mixed = ["a;b\næøå;æøå\n".as_bytes(), b"1;\xe6\n"].concat();
        assert_eq!(fault(&mixed), "f.csv: line 3: the text is neither UTF-8 nor Windows-1252 throughout");
        let open = [&b"a;b\n1;\"never closed\n"[..], &vec![b'x'; 3 << 20]].concat();
        assert_eq!(fault(&open), "f.csv: line 2: a row is longer than 1 MB: a quotation mark is not closed");
    }

    #[test]
    fn a_workbook_reads_as_its_table() {
        let mut book = rust_xlsxwriter::Workbook::new();
        let date = rust_xlsxwriter::Format::new().set_num_format("dd-mm-yyyy");
        book.add_worksheet().set_hidden(true).set_name("skjult").unwrap().write(0, 0, "intern").unwrap();
        book.add_worksheet().set_name("tom").unwrap();
        let sheet = book.add_worksheet().set_active(true);
        sheet.write_row(0, 0, ["navn", "kode", "dato", "antal"]).unwrap();
        sheet.write(2, 0, "Ærø Smede").unwrap();
        sheet.write(2, 1, 11100).unwrap();
        sheet.write_with_format(2, 2, rust_xlsxwriter::ExcelDateTime::from_ymd(2020, 2, 29).unwrap(), &date).unwrap();
        sheet.write(2, 3, 12.5).unwrap();
        let bytes = book.save_to_buffer().unwrap();
        let found = rows(&bytes).unwrap();
        assert_eq!(found[0].1, ["navn", "kode", "dato", "antal"]);
        assert_eq!(found[1], (3, vec!["Ærø Smede".to_owned(), "11100".into(), "2020-02-29".into(), "12.5".into()]));
        assert_eq!(found.len(), 2);
    }
}
