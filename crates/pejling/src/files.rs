//! Hands the web server what it needs for pictures, workbooks, Parquet and open answers: their libraries never enter its own tree.
use std::sync::LazyLock;

use analysis::coding::Codebook;
use analysis::redact::{Known, redact};
use analysis::{FileColumn, parquet_file};
use charts::Printed;
use domain::language::{Language, Texts};
use domain::results::Interval;
use report::book::{Cell, Form, NativeChart, Table, table};
use web::downloads::{Downloads, Sheet, SheetCell};
use web::reading::{Reading, Suggested};

/// Pictures are drawn at twice their size, so that they stay sharp on a slide.
const SCALE: f32 = 2.0;

/// What makes the files.
#[must_use]
pub fn downloads() -> Downloads {
    Downloads { png, workbook, parquet }
}

static CODEBOOK: LazyLock<Codebook> = LazyLock::new(Codebook::shipped);

/// What reads open answers.
#[must_use]
pub fn reading() -> Reading {
    Reading { themes, suggest, redact: redacted }
}

fn themes() -> (u32, Vec<(String, Texts)>) {
    (CODEBOOK.version, CODEBOOK.themes.iter().map(|t| (t.key.clone(), t.title.clone())).collect())
}

fn suggest(language: Option<Language>, text: &str) -> Vec<Suggested> {
    CODEBOOK.suggest(language, text).into_iter().map(|s| (s.theme, s.terms)).collect()
}

fn redacted(text: &str, language: Option<Language>, name: &str, street: &str) -> String {
    let known = Known { name: name.to_owned(), street: street.to_owned(), owner: String::new() };
    redact(text, language, &known).text
}

fn png(svg: &str) -> Result<Vec<u8>, String> {
    report::picture::png(svg, SCALE).map(|picture| picture.png).map_err(|e| e.to_string())
}

fn cell(cell: &SheetCell) -> Cell {
    match cell {
        SheetCell::Empty => Cell::Empty,
        SheetCell::Text(text) => Cell::Text(text.clone()),
        SheetCell::Year(year) => Cell::Year(*year),
        SheetCell::Count(n) => Cell::Count(*n),
        SheetCell::Figure(kind, value, n) => Printed::figure(*kind, *value, *n).map_or(Cell::Empty, Cell::Figure),
        SheetCell::Margin(kind, half, n) => {
            let interval = Interval { lower: -half, upper: *half };
            Printed::margin(*kind, interval, *n).map_or(Cell::Empty, Cell::Margin)
        }
        SheetCell::Difference(kind, value, n) => {
            Printed::difference(*kind, *value, *n).map_or(Cell::Empty, Cell::Difference)
        }
    }
}

fn workbook(language: Language, sheet: &Sheet) -> Result<Vec<u8>, String> {
    let chart = sheet.chart.as_ref().map(|chart| NativeChart {
        form: if chart.line { Form::Line } else { Form::Bars },
        title: sheet.title.clone(),
        alt: sheet.notes.first().cloned().unwrap_or_default(),
        rows: chart.rows,
        names: chart.names,
        series: chart.series.clone(),
    });
    let made = Table {
        name: "Pejling".to_owned(),
        title: sheet.title.clone(),
        head: sheet.head.clone(),
        rows: sheet.rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
        notes: sheet.notes.clone(),
        charts: chart.into_iter().collect(),
        ..Table::default()
    };
    table(language, "Pejling", &made).map_err(|e| e.to_string())
}

fn parquet(_: Language, sheet: &Sheet) -> Result<Vec<u8>, String> {
    let column = |(at, name): (usize, &String)| {
        let cells = || sheet.rows.iter().filter_map(|row| row.get(at));
        let is_text = cells().any(|cell| matches!(cell, SheetCell::Text(_)));
        let column = if is_text {
            FileColumn::Text(cells().map(|cell| (*cell != SheetCell::Empty).then(|| cell.plain())).collect())
        } else {
            FileColumn::Number(cells().map(SheetCell::number).collect())
        };
        (name.clone(), column)
    };
    parquet_file(sheet.head.iter().enumerate().map(column).collect()).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use domain::indicator::Kind;

    use super::*;

    #[test]
    fn every_kind_of_file_is_made_of_one_table() {
        let sheet = Sheet {
            title: "Tilfredshed".into(),
            notes: vec!["Indeks 0–100".into()],
            head: vec!["Branche".into(), "Tal".into(), "Usikkerhed ±".into(), "Svar".into()],
            rows: vec![
                vec![
                    SheetCell::Text("Handel".into()),
                    SheetCell::Figure(Kind::Index, 61.4, 40),
                    SheetCell::Margin(Kind::Index, 3.2, 40),
                    SheetCell::Count(40),
                ],
                vec![SheetCell::Text("Transport".into()), SheetCell::Empty, SheetCell::Empty, SheetCell::Count(4)],
            ],
            chart: Some(web::downloads::SheetChart { rows: (0, 1), names: 0, series: vec![(1, Some(2))], line: false }),
        };
        let made = downloads();
        assert!((made.workbook)(Language::Da, &sheet).unwrap().starts_with(b"PK"));
        let bytes = (made.parquet)(Language::Da, &sheet).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"10\" viewBox=\"0 0 10 10\"><rect width=\"10\" height=\"10\"/></svg>";
        assert!((made.png)(svg).unwrap().starts_with(b"\x89PNG"));
    }
}
