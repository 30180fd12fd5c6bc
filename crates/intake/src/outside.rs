//! Figures that others publish without answers (Insikt, Svenskt Näringsliv, DI, KL), as a CSV of their own.
use std::collections::BTreeMap;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsideRow {
    /// Who publishes it.
    pub source: String,
    /// What it measures, in its own words.
    pub measure: String,
    /// The municipality.
    pub place: String,
    /// Year.
    pub year: i32,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Answers behind it, where it is said.
    pub n: Option<u64>,
    /// Who was asked.
    pub note: String,
}

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct OutsideFault {
    /// The line, 1 = the headings.
    pub line: u64,
    /// The column.
    pub column: &'static str,
    /// `missing`, `number`, `year`, `length` or `heading`.
    pub problem: &'static str,
}

const COLUMNS: [&str; 8] = ["source", "measure", "place", "year", "value", "unit", "n", "note"];
/// Letters that a field may have.
const LONGEST: usize = 300;

/// Reads the file: headings `source;measure;place;year;value;unit;n;note`, semicolon or comma between them.
///
/// # Errors
/// [`OutsideFault`] with the first fault's line and column.
pub fn read(bytes: &[u8]) -> Result<Vec<OutsideRow>, OutsideFault> {
    let text =
        String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned());
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let heading = |column| OutsideFault { line: 1, column, problem: "heading" };
    let headings = reader.headers().map_err(|_| heading("source"))?.clone();
    let mut places = BTreeMap::new();
    for column in COLUMNS {
        let place = headings.iter().position(|h| h.trim().eq_ignore_ascii_case(column));
        places.insert(column, place.ok_or(heading(column))?);
    }
    let mut rows = Vec::new();
    for (line, record) in (2..).zip(reader.records()) {
        let fault = |column, problem| OutsideFault { line, column, problem };
        let record = record.map_err(|_| fault("source", "missing"))?;
        let cell = |column: &'static str| record.get(places[column]).unwrap_or_default().trim().to_owned();
        let words = |column: &'static str| match cell(column) {
            text if text.is_empty() => Err(fault(column, "missing")),
            text if text.chars().count() > LONGEST => Err(fault(column, "length")),
            text => Ok(text),
        };
        let n = match cell("n") {
            text if text.is_empty() => None,
            text => Some(text.parse().map_err(|_| fault("n", "number"))?),
        };
        let value: f64 = words("value")?.replace(',', ".").parse().map_err(|_| fault("value", "number"))?;
        let year: i32 = words("year")?.parse().map_err(|_| fault("year", "year"))?;
        if !value.is_finite() {
            return Err(fault("value", "number"));
        }
        if !(1990..=2100).contains(&year) {
            return Err(fault("year", "year"));
        }
        rows.push(OutsideRow {
            source: words("source")?,
            measure: words("measure")?,
            place: words("place")?,
            year,
            value,
            unit: words("unit")?,
            n,
            note: words("note")?,
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_with_comma_or_point_and_faults_have_a_place() {
        let head = "source;measure;place;year;value;unit;n;note\n";
        let row = "Insikt;NKI;Kristianstad;2024;72,5;0–100;581;virksomheder med en afsluttet sag\n";
        let read_row = read(format!("{head}{row}").as_bytes()).unwrap().remove(0);
        assert_eq!((read_row.value, read_row.n, read_row.year), (72.5, Some(581), 2024));
        let fault = |row: &str| read(format!("{head}{row}").as_bytes()).unwrap_err();
        assert_eq!(fault("Insikt;NKI;K;2024;høj;p;;x\n"), OutsideFault { line: 2, column: "value", problem: "number" });
        assert_eq!(fault("Insikt;NKI;K;24;7;p;;x\n"), OutsideFault { line: 2, column: "year", problem: "year" });
        assert_eq!(fault("Insikt;;K;2024;7;p;;x\n"), OutsideFault { line: 2, column: "measure", problem: "missing" });
        assert_eq!(read(b"a;b\n1;2\n").unwrap_err().problem, "heading");
    }
}
