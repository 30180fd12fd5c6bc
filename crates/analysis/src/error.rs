//! What can be wrong with an analysis, each fault with its file, line and column.
use std::path::PathBuf;

use domain::indicator::{IndicatorError, Place};

/// Why an analysis is refused. Nothing has been written then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyseError {
    /// A file cannot be opened, or is no CSV or Parquet.
    #[error("{file}: {problem}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        problem: String,
    },
    /// A definition is faulty in itself.
    #[error(transparent)]
    Definition(#[from] IndicatorError),
    /// A definition names a column that neither the frame nor the responses have.
    #[error("{file}:{}:{}: indicator \"{indicator}\": there is no column \"{column}\" in {searched}", place.line, place.column)]
    UnknownColumn {
        /// The definition file.
        file: String,
        /// Where the column is named.
        place: Place,
        /// The indicator.
        indicator: String,
        /// The column.
        column: String,
        /// Where it was looked for.
        searched: String,
    },
    /// A column that the contract requires is missing.
    #[error("{file}:1: there is no column \"{column}\"{hint}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// What would do instead; empty, or beginning with a blank.
        hint: String,
    },
    /// A value that cannot be used.
    #[error("{file}:{line}: column \"{column}\": {problem}")]
    Value {
        /// The file.
        file: String,
        /// Line of a CSV file (the header is line 1); row of a Parquet file or of handed-over rows, counted from 1.
        line: usize,
        /// The column.
        column: String,
        /// What is wrong.
        problem: String,
    },
    /// An option that cannot be carried out.
    #[error("--{option}: {problem}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The answers cannot be weighted to the frame.
    #[error("{0}")]
    Weights(String),
    /// A codebook cannot be used.
    #[error("{0}")]
    Codebook(String),
    /// The results cannot be written.
    #[error("{path}: {problem}")]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        problem: String,
    },
}
