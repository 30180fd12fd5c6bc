//! The files of an analysis: all of them or none, the same bytes for the same input.
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use domain::results::{ChangeRow, CoverageRow, EstimateRow};
use polars::prelude::*;

use crate::analyse::Analysis;
use crate::error::AnalyseError;
use crate::options::Format;

/// Stands in `provenance.json` and `report.json`: figures at full precision, before rounding.
pub const NOT_FOR_PUBLICATION: &str = "not for publication";

/// One column of a table on its way out.
enum Cells {
    Text(Vec<String>),
    Year(Vec<i32>),
    Count(Vec<Option<u64>>),
    Number(Vec<Option<f64>>),
}

type Columns = Vec<(&'static str, Cells)>;

/// Writes `estimates`, `changes`, `coverage` and `weights` in the format asked for, `report.json` and `provenance.json`, into a folder
/// that is made when absent. Everything is prepared before the first file appears under its name.
///
/// # Errors
/// [`AnalyseError::Unwritable`].
pub fn write(analysis: &Analysis, folder: &Path, format: Format) -> Result<(), AnalyseError> {
    let report = &analysis.report;
    let tables = [
        ("estimates", estimates(&report.estimates, &report.breakdowns)),
        ("changes", changes(&report.changes, &report.breakdowns)),
        ("coverage", coverage(&report.coverage, &report.breakdowns)),
        ("weights", weights(analysis)),
    ];
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, columns) in tables {
        files.push(match format {
            Format::Csv => (format!("{name}.csv"), csv(&columns).into_bytes()),
            Format::Parquet => (format!("{name}.parquet"), parquet(columns).map_err(|e| unwritable(folder, &e))?),
        });
    }
    let provenance = serde_json::json!({
        "note": NOT_FOR_PUBLICATION,
        "version": report.provenance.version,
        "inputs": report.provenance.inputs,
        "options": report.provenance.options,
        "collapses": report.provenance.collapses,
        "weighting": analysis.weighting,
        "remarks": analysis.notes,
    });
    let mut whole = serde_json::to_value(report).map_err(|e| unwritable(folder, &e))?;
    if let Some(map) = whole.as_object_mut() {
        map.insert("note".to_owned(), NOT_FOR_PUBLICATION.into());
    }
    for (name, value) in [("provenance.json", provenance), ("report.json", whole)] {
        let text = serde_json::to_string_pretty(&value).map_err(|e| unwritable(folder, &e))?;
        files.push((name.to_owned(), format!("{text}\n").into_bytes()));
    }
    put(folder, &files)
}

/// Writes files under other names first and gives them their names when all of them are there.
pub(crate) fn put(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<(), AnalyseError> {
    std::fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
    let part = |name: &str| folder.join(format!(".{name}.part"));
    let all = files.iter().try_for_each(|(name, bytes)| {
        let path = part(name);
        let mut file = File::create(&path).map_err(|e| unwritable(&path, &e))?;
        std::io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all()).map_err(|e| unwritable(&path, &e))
    });
    if let Err(fault) = all {
        for (name, _) in files {
            // What cannot be removed was never made; the fault itself is what is reported.
            std::fs::remove_file(part(name)).ok();
        }
        return Err(fault);
    }
    for (name, _) in files {
        let path = folder.join(name);
        std::fs::rename(part(name), &path).map_err(|e| unwritable(&path, &e))?;
    }
    Ok(())
}

fn unwritable(path: &Path, problem: &dyn std::fmt::Display) -> AnalyseError {
    AnalyseError::Unwritable { path: PathBuf::from(path), problem: problem.to_string() }
}

/// Sorts by the leading columns; groups in the order of their breakdown.
fn order<'a, R, K: Ord>(
    rows: &'a [R],
    breakdowns: &[domain::results::Breakdown],
    lead: impl Fn(&'a R) -> K,
    of: impl Fn(&'a R) -> (&'a str, &'a str),
) -> Vec<&'a R> {
    let rank = |(domain, group): (&str, &str)| {
        let groups = breakdowns.iter().find(|b| b.domain == domain).map(|b| &b.groups);
        groups.and_then(|g| g.iter().position(|g| g.key == group))
    };
    let mut sorted: Vec<&R> = rows.iter().collect();
    sorted.sort_by_cached_key(|r| (lead(r), of(r).0.to_owned(), rank(of(r))));
    sorted
}

fn estimates(rows: &[EstimateRow], breakdowns: &[domain::results::Breakdown]) -> Columns {
    let rows = order(rows, breakdowns, |r| (r.indicator.clone(), r.year), |r| (&r.domain, &r.group));
    let number = |f: &dyn Fn(&EstimateRow) -> Option<f64>| Cells::Number(rows.iter().map(|r| f(r)).collect());
    vec![
        ("indicator", Cells::Text(rows.iter().map(|r| r.indicator.clone()).collect())),
        ("year", Cells::Year(rows.iter().map(|r| r.year).collect())),
        ("domain", Cells::Text(rows.iter().map(|r| r.domain.clone()).collect())),
        ("group", Cells::Text(rows.iter().map(|r| r.group.clone()).collect())),
        ("n", Cells::Count(rows.iter().map(|r| Some(r.estimate.n)).collect())),
        ("n_frame", Cells::Count(rows.iter().map(|r| r.n_frame).collect())),
        ("estimate", number(&|r| r.estimate.value)),
        ("se", number(&|r| r.estimate.se)),
        ("df", number(&|r| r.estimate.df)),
        ("ci_lower", number(&|r| r.estimate.interval.map(|i| i.lower))),
        ("ci_upper", number(&|r| r.estimate.interval.map(|i| i.upper))),
        ("deff", number(&|r| r.estimate.deff)),
        ("state", Cells::Text(rows.iter().map(|r| word(&r.state)).collect())),
    ]
}

fn changes(rows: &[ChangeRow], breakdowns: &[domain::results::Breakdown]) -> Columns {
    let lead = |r: &ChangeRow| (r.indicator.clone(), r.year_from, r.year_to);
    let rows = order(rows, breakdowns, lead, |r| (&r.domain, &r.group));
    let number = |f: &dyn Fn(&ChangeRow) -> Option<f64>| Cells::Number(rows.iter().map(|r| f(r)).collect());
    let count = |f: &dyn Fn(&ChangeRow) -> u64| Cells::Count(rows.iter().map(|r| Some(f(r))).collect());
    vec![
        ("indicator", Cells::Text(rows.iter().map(|r| r.indicator.clone()).collect())),
        ("year_from", Cells::Year(rows.iter().map(|r| r.year_from).collect())),
        ("year_to", Cells::Year(rows.iter().map(|r| r.year_to).collect())),
        ("domain", Cells::Text(rows.iter().map(|r| r.domain.clone()).collect())),
        ("group", Cells::Text(rows.iter().map(|r| r.group.clone()).collect())),
        ("n_from", count(&|r| r.n_from)),
        ("n_to", count(&|r| r.n_to)),
        ("n_both", count(&|r| r.n_both)),
        ("change", number(&|r| r.change)),
        ("se", number(&|r| r.se)),
        ("df", number(&|r| r.df)),
        ("ci_lower", number(&|r| r.interval.map(|i| i.lower))),
        ("ci_upper", number(&|r| r.interval.map(|i| i.upper))),
        ("p_value", number(&|r| r.p_value)),
        ("p_adjusted", number(&|r| r.p_adjusted)),
        ("detectable", number(&|r| r.detectable)),
        ("verdict", Cells::Text(rows.iter().map(|r| word(&r.verdict)).collect())),
    ]
}

fn coverage(rows: &[CoverageRow], breakdowns: &[domain::results::Breakdown]) -> Columns {
    let rows = order(rows, breakdowns, |r| r.year, |r| (&r.domain, &r.group));
    vec![
        ("year", Cells::Year(rows.iter().map(|r| r.year).collect())),
        ("domain", Cells::Text(rows.iter().map(|r| r.domain.clone()).collect())),
        ("group", Cells::Text(rows.iter().map(|r| r.group.clone()).collect())),
        ("n_frame", Cells::Count(rows.iter().map(|r| Some(r.n_frame)).collect())),
        ("n_answered", Cells::Count(rows.iter().map(|r| Some(r.n_answered)).collect())),
        ("response_rate", Cells::Number(rows.iter().map(|r| Some(r.response_rate)).collect())),
    ]
}

fn weights(analysis: &Analysis) -> Columns {
    let rows: Vec<_> = analysis.weights.rows().collect();
    vec![
        ("year", Cells::Year(rows.iter().map(|r| r.year).collect())),
        ("business_id", Cells::Text(rows.iter().map(|r| r.business_id.clone()).collect())),
        ("weight", Cells::Number(rows.iter().map(|r| Some(r.weight)).collect())),
    ]
}

/// The word that serde gives a unit variant.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Estimates and changes as they stand in `estimates.csv` and `changes.csv`.
pub(crate) fn figures_csv(rows: &[EstimateRow], change_rows: &[ChangeRow]) -> [String; 2] {
    [csv(&estimates(rows, &[])), csv(&changes(change_rows, &[]))]
}

/// A CSV cell, in quotation marks where it must be.
pub(crate) fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// The shortest text that reads back the same number: very small and very large ones with an exponent.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-5..1e16).contains(&size) { format!("{value:e}") } else { value.to_string() }
}

fn csv(columns: &Columns) -> String {
    let mut out = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
    out.push('\n');
    let height = columns.first().map_or(0, |(_, cells)| cells.len());
    for row in 0..height {
        for (at, (_, cells)) in columns.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            // Writing to a String cannot fail.
            let written = match cells {
                Cells::Text(list) => write!(out, "{}", quoted(&list[row])),
                Cells::Year(list) => write!(out, "{}", list[row]),
                Cells::Count(list) => list[row].map_or(Ok(()), |n| write!(out, "{n}")),
                Cells::Number(list) => list[row].map_or(Ok(()), |n| out.write_str(&number(n))),
            };
            written.expect("a String takes any text");
        }
        out.push('\n');
    }
    out
}

impl Cells {
    fn len(&self) -> usize {
        match self {
            Self::Text(list) => list.len(),
            Self::Year(list) => list.len(),
            Self::Count(list) => list.len(),
            Self::Number(list) => list.len(),
        }
    }
}

fn parquet(columns: Columns) -> PolarsResult<Vec<u8>> {
    let height = columns.first().map_or(0, |(_, cells)| cells.len());
    let columns = columns.into_iter().map(|(name, cells)| match cells {
        Cells::Text(list) => Column::new(name.into(), list),
        Cells::Year(list) => Column::new(name.into(), list),
        Cells::Count(list) => Column::new(name.into(), list),
        Cells::Number(list) => Column::new(name.into(), list),
    });
    let mut data = DataFrame::new(height, columns.collect())?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Uncompressed).finish(&mut data)?;
    Ok(bytes)
}

/// A column of a table that goes into a Parquet file.
#[derive(Debug, Clone, PartialEq)]
pub enum FileColumn {
    /// Words; `None`: nothing.
    Text(Vec<Option<String>>),
    /// Numbers; `None`: nothing.
    Number(Vec<Option<f64>>),
}

/// A table as Parquet.
///
/// # Errors
/// When two columns have one name, or they differ in length.
pub fn parquet_file(columns: Vec<(String, FileColumn)>) -> Result<Vec<u8>, AnalyseError> {
    let fault = |e: PolarsError| AnalyseError::Unreadable { file: "parquet".to_owned(), problem: e.to_string() };
    let height = columns.first().map_or(0, |(_, cells)| match cells {
        FileColumn::Text(list) => list.len(),
        FileColumn::Number(list) => list.len(),
    });
    let columns = columns.into_iter().map(|(name, cells)| match cells {
        FileColumn::Text(list) => Column::new(name.into(), list),
        FileColumn::Number(list) => Column::new(name.into(), list),
    });
    let mut data = DataFrame::new(height, columns.collect()).map_err(fault)?;
    let mut bytes = Vec::new();
    let writer = ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Uncompressed);
    writer.finish(&mut data).map_err(fault)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_read_back() {
        for (value, text) in [
            (0.0, "0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-40, "1e-40"),
            (-2.5e-7, "-2.5e-7"),
            (1e-5, "0.00001"),
            (1250.0, "1250"),
        ] {
            assert_eq!(number(value), text);
            assert_eq!(text.parse::<f64>().unwrap(), value);
        }
    }
}
