//! The row-by-row report of an import, as CSV that opens in a spreadsheet.
use std::io::Write;

use domain::language::Language;

use crate::frame::RowOutcome;

/// Writes one line per row: row number, unit, name, outcome, explanation. Semicolons and a byte-order mark, as
/// spreadsheets in the Nordic countries expect; a sole trader's number never appears.
pub struct ReportWriter<W: Write> {
    #[expect(dead_code, reason = "filled in next")]
    out: W,
    #[expect(dead_code, reason = "filled in next")]
    language: Language,
}

impl<W: Write> ReportWriter<W> {
    /// Starts a report with its heading.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(out: W, language: Language) -> std::io::Result<Self> {
        Ok(Self { out, language })
    }

    /// Adds one row.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn row(&mut self, outcome: &RowOutcome) -> std::io::Result<()> {
        todo!("{}", outcome.row)
    }

    /// Ends the report.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(self) -> std::io::Result<W> {
        todo!()
    }
}
