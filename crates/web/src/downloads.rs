//! A table as a file: CSV here; pictures, workbooks and Parquet by functions that are handed in at wiring, since what they need never
//! enters this room.
use domain::indicator::Kind;
use domain::language::Language;

/// A table that leaves the page. It holds what the page shows and nothing more.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sheet {
    /// Title.
    pub title: String,
    /// What a reader must know of it, line by line.
    pub notes: Vec<String>,
    /// Headings.
    pub head: Vec<String>,
    /// Rows, as wide as the headings.
    pub rows: Vec<Vec<SheetCell>>,
    /// The columns a chart beside it draws, where there is one.
    pub chart: Option<SheetChart>,
}

/// A chart beside a table.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetChart {
    /// First and last row drawn, from 0.
    pub rows: (usize, usize),
    /// Column of the names.
    pub names: usize,
    /// Columns of the values, each with that of its margin.
    pub series: Vec<(usize, Option<usize>)>,
    /// Years along the axis: a line.
    pub line: bool,
}

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub enum SheetCell {
    /// Nothing.
    Empty,
    /// Words.
    Text(String),
    /// A year.
    Year(i32),
    /// A count.
    Count(u64),
    /// A figure as rounded for its number of answers.
    Figure(Kind, f64, u64),
    /// Half the width of its interval.
    Margin(Kind, f64, u64),
    /// A difference.
    Difference(Kind, f64, u64),
}

/// Makes a file of a table, or says why not.
pub type Maker = fn(Language, &Sheet) -> Result<Vec<u8>, String>;

/// What makes files that need more than this room has.
#[derive(Debug, Clone, Copy)]
pub struct Downloads {
    /// A picture (PNG) of a standalone SVG.
    pub png: fn(&str) -> Result<Vec<u8>, String>,
    /// A workbook (XLSX) with a native chart.
    pub workbook: Maker,
    /// Parquet.
    pub parquet: Maker,
}

/// Decimals of a figure in its own unit, as it is rounded; shares and balances as parts of one.
fn number(kind: Kind, value: f64, n: u64) -> String {
    format!("{value:.*}", statistics::rounding::decimals(kind, n) as usize)
}

impl SheetCell {
    /// The cell as plain text with a decimal point.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::Year(year) => year.to_string(),
            Self::Count(n) => n.to_string(),
            Self::Figure(kind, value, n) | Self::Margin(kind, value, n) | Self::Difference(kind, value, n) => {
                number(*kind, *value, *n)
            }
        }
    }

    /// The cell as a number, where it is one.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Empty | Self::Text(_) => None,
            Self::Year(year) => Some(f64::from(*year)),
            Self::Count(n) => Some(*n as f64),
            Self::Figure(kind, value, n) | Self::Margin(kind, value, n) | Self::Difference(kind, value, n) => {
                number(*kind, *value, *n).parse().ok()
            }
        }
    }
}

/// A field of CSV: quoted where it must be, and never one that a spreadsheet would run as a formula.
fn field(text: &str) -> String {
    let is_number = text.parse::<f64>().is_ok();
    let formula = !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The table as CSV: UTF-8 with a byte order mark, so that a spreadsheet reads the letters; comma between fields, decimal point.
#[must_use]
pub fn csv(sheet: &Sheet) -> String {
    let line = |fields: Vec<String>| fields.join(",") + "\r\n";
    let head = line(sheet.head.iter().map(|h| field(h)).collect());
    let rows = sheet.rows.iter().map(|row| line(row.iter().map(|cell| field(&cell.plain())).collect()));
    std::iter::once("\u{feff}".to_owned()).chain([head]).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_their_printed_digits_and_formulas_stay_words() {
        let sheet = Sheet {
            head: vec!["Gruppe".into(), "2026".into(), "n".into()],
            rows: vec![
                vec![SheetCell::Text("=1+1".into()), SheetCell::Figure(Kind::Index, 61.0, 25), SheetCell::Count(25)],
                vec![
                    SheetCell::Text("Handel, \"stor\"".into()),
                    SheetCell::Figure(Kind::Share, 0.46, 12),
                    SheetCell::Empty,
                ],
                vec![SheetCell::Text("-x".into()), SheetCell::Difference(Kind::Index, -4.2, 25), SheetCell::Empty],
            ],
            ..Sheet::default()
        };
        assert_eq!(
            csv(&sheet),
            "\u{feff}Gruppe,2026,n\r\n'=1+1,61.0,25\r\n\"Handel, \"\"stor\"\"\",0.46,\r\n'-x,-4.2,\r\n"
        );
    }
}
