//! CSV and XLSX as one stream of rows.
