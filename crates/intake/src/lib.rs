//! Outside files become rows with a named outcome each: streaming, bounded, and never silently dropping one.
//!
//! # Layout
//! - [`table`]: CSV (comma, semicolon, tab; UTF-8 or Windows-1252) and XLSX as one stream of rows
//! - [`frame`]: register extracts become frame units
//! - [`earlier`]: answers of an earlier year, given in another tool, become answers to our questions
//! - [`package`]: another municipality's signed data package; [`outside`]: figures that others publish
//! - [`cases`]: closed cases, asked about as they come
//! - [`facts`]: yearly register facts for the growth accounts
//! - [`headings`]: which column holds which field; [`glimpse`]: what a page shows of an extract that was read
//! - [`report`]: the row-by-row report as a file that opens in a spreadsheet
//! - [`email`]: syntax of mail addresses
pub mod cases;
pub mod earlier;
pub mod email;
pub mod facts;
pub mod frame;
pub mod glimpse;
pub mod headings;
pub mod outside;
pub mod package;
pub mod report;
pub mod table;

/// Why a whole file cannot be read. Names file, line and column; holds no row's contents beyond a header or code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeError {
    /// The file cannot be read at all.
    #[error("{file}: {source}")]
    Io {
        /// Name of the file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no table that can be read.
    #[error("{file}: line {line}: {problem}")]
    Row {
        /// Name of the file.
        file: String,
        /// Line in the file, 1 = the header.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// A fault of one column.
    #[error("{file}: line {line}, column {column}: {problem}")]
    Column {
        /// Name of the file.
        file: String,
        /// Line in the file, 1 = the header.
        line: u64,
        /// Position (1-based) and heading of the column.
        column: String,
        /// What is wrong.
        problem: String,
    },
    /// A fault of the file as a whole.
    #[error("{file}: {problem}")]
    File {
        /// Name of the file.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// A mapping has faults; nothing was read with it.
    #[error("{file}: {}", faults.join("; "))]
    Mapping {
        /// Name of the mapping.
        file: String,
        /// What is wrong, each with its line.
        faults: Vec<String>,
    },
    /// The receiver of the rows gave up.
    #[error("{0}")]
    Sink(Box<dyn std::error::Error + Send + Sync>),
}
