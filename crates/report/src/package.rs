//! A publication as a Frictionless data package: tables with their schema and licence, hashed and signed, in one archive.
//!
//! The signature covers `datapackage.json`, which holds the hash of every table.
use std::io::{Cursor, Write as _};

use domain::packages::Package;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;

/// Why a package cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackageError {
    /// A table cannot be written.
    #[error("the table {0} cannot be written: {1}")]
    Table(&'static str, String),
    /// The archive cannot be written.
    #[error("the archive cannot be written: {0}")]
    Archive(String),
    /// The key cannot sign.
    #[error("the key for signing cannot be used")]
    Key,
}

/// A key for signing packages. No `Debug`.
pub struct SigningKey(Ed25519KeyPair);

impl SigningKey {
    /// The key of a seed: of the secret key's own subkey, or of a file of its own.
    ///
    /// # Errors
    /// [`PackageError::Key`].
    pub fn of_seed(seed: &[u8; 32]) -> Result<Self, PackageError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| PackageError::Key)
    }

    /// The public half, as hexadecimal digits.
    #[must_use]
    pub fn public(&self) -> String {
        data_encoding::HEXLOWER.encode(self.0.public_key().as_ref())
    }
}

/// The file that holds the signature.
pub const SIGNATURE: &str = "signature.json";

/// Writes and signs a package.
///
/// # Errors
/// [`PackageError`] when it cannot be written.
pub fn package(package: &Package, key: &SigningKey) -> Result<Vec<u8>, PackageError> {
    let tables = [
        table("indicators", &package.indicators)?,
        table("groups", &package.groups)?,
        table("figures", &package.figures)?,
        table("changes", &package.changes)?,
        table("coverage", &package.coverage)?,
        table("themes", &package.themes)?,
        table("initiatives", &package.initiatives)?,
    ];
    let described =
        serde_json::to_vec_pretty(&descriptor(package, &tables)).map_err(|e| PackageError::Archive(e.to_string()))?;
    let signature = json!({
        "algorithm": "Ed25519",
        "signed": "datapackage.json",
        "public_key": key.public(),
        "signature": data_encoding::HEXLOWER.encode(key.0.sign(&described).as_ref()),
    });
    let signature = serde_json::to_vec_pretty(&signature).map_err(|e| PackageError::Archive(e.to_string()))?;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: &str, bytes: &[u8]| -> Result<(), PackageError> {
        let put = zip.start_file(name, SimpleFileOptions::default());
        put.map_err(|e| PackageError::Archive(e.to_string()))?;
        zip.write_all(bytes).map_err(|e| PackageError::Archive(e.to_string()))
    };
    put("datapackage.json", &described)?;
    for table in &tables {
        put(&format!("{}.csv", table.name), &table.csv)?;
    }
    put(SIGNATURE, &signature)?;
    Ok(zip.finish().map_err(|e| PackageError::Archive(e.to_string()))?.into_inner())
}

struct Written {
    name: &'static str,
    csv: Vec<u8>,
    head: Vec<String>,
}

fn table<T: Serialize>(name: &'static str, rows: &[T]) -> Result<Written, PackageError> {
    let fault = |e: &dyn std::fmt::Display| PackageError::Table(name, e.to_string());
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let head: Vec<String> = columns(name).iter().map(|(column, _)| (*column).to_owned()).collect();
    writer.write_record(&head).map_err(|e| fault(&e))?;
    for row in rows {
        writer.serialize(row).map_err(|e| fault(&e))?;
    }
    let csv = writer.into_inner().map_err(|e| fault(&e))?;
    Ok(Written { name, csv, head })
}

/// The columns of a table with their types, in the order of the rows' fields.
fn columns(table: &str) -> &'static [(&'static str, &'static str)] {
    match table {
        "indicators" => &[
            ("id", "string"),
            ("kind", "string"),
            ("scale_from", "number"),
            ("scale_to", "number"),
            ("better", "string"),
            ("headline", "boolean"),
            ("title_da", "string"),
            ("title_sv", "string"),
            ("title_en", "string"),
            ("formula_version", "string"),
            ("breaks", "string"),
        ],
        "groups" => &[
            ("domain", "string"),
            ("group", "string"),
            ("title_da", "string"),
            ("title_sv", "string"),
            ("title_en", "string"),
        ],
        "figures" => &[
            ("indicator", "string"),
            ("year", "year"),
            ("domain", "string"),
            ("group", "string"),
            ("n", "integer"),
            ("n_frame", "integer"),
            ("value", "number"),
            ("margin", "number"),
            ("state", "string"),
        ],
        "changes" => &[
            ("indicator", "string"),
            ("year_from", "year"),
            ("year_to", "year"),
            ("domain", "string"),
            ("group", "string"),
            ("change", "number"),
            ("margin", "number"),
            ("verdict", "string"),
        ],
        "coverage" => &[
            ("year", "year"),
            ("domain", "string"),
            ("group", "string"),
            ("n_frame", "integer"),
            ("n_answered", "integer"),
        ],
        "themes" => &[
            ("theme", "string"),
            ("title_da", "string"),
            ("title_sv", "string"),
            ("title_en", "string"),
            ("year", "year"),
            ("n", "integer"),
            ("value", "number"),
            ("margin", "number"),
            ("state", "string"),
            ("codebook", "integer"),
        ],
        _ => &[
            ("title_da", "string"),
            ("title_sv", "string"),
            ("title_en", "string"),
            ("description_da", "string"),
            ("description_sv", "string"),
            ("description_en", "string"),
            ("theme", "string"),
            ("state", "string"),
            ("owner", "string"),
            ("starts_on", "date"),
            ("horizon", "year"),
            ("indicators", "string"),
        ],
    }
}

/// What a column holds, where its name does not say it.
fn explained(column: &str) -> Option<&'static str> {
    Some(match column {
        "value" => "As shown on the page: index 0-100, mean on its scale, share and balance in percent. Empty: hidden.",
        "margin" => "Half the 95 % interval, as shown; percentage points for percentages.",
        "change" => {
            "Later minus earlier year, as shown; percentage points for percentages. Empty: hidden or not comparable."
        }
        "state" => {
            "shown; uncertain (fewer than 20 answers); hidden; hidden_secondary. Of initiatives: idea, active, done, stopped."
        }
        "verdict" => {
            "up or down: larger than the statistical uncertainty. unclear: within it, which does not mean equal."
        }
        "formula_version" => "Hash of the definition: figures compare only where it is the same.",
        "n" => "Answers behind the figure; of a theme, all that were asked.",
        "codebook" => "Version of the codebook: shares of themes compare only where it is the same.",
        "n_frame" => "Businesses in the frame.",
        "breaks" => "Years not comparable with earlier ones, with blanks between them.",
        _ => return None,
    })
}

/// Allowed values of a column.
fn values(table: &str, column: &str) -> Option<&'static [&'static str]> {
    Some(match (table, column) {
        ("indicators", "kind") => &["index", "mean", "share", "balance", "nps"],
        ("indicators", "better") => &["higher", "lower", "none"],
        ("figures" | "themes", "state") => &["shown", "uncertain", "hidden", "hidden_secondary"],
        ("changes", "verdict") => &["up", "down", "unclear", "break", "hidden"],
        ("initiatives", "state") => &["idea", "active", "done", "stopped"],
        _ => return None,
    })
}

fn descriptor(package: &Package, tables: &[Written]) -> Value {
    let head = &package.head;
    let name: String = format!("pejling-{}-{}-{}", head.slug, head.year, head.version);
    let resource = |table: &Written| {
        let field = |(column, kind): &(&str, &str)| {
            let mut field = json!({ "name": column, "type": kind });
            if let Some(words) = explained(column) {
                field["description"] = json!(words);
            }
            if let Some(values) = values(table.name, column) {
                field["constraints"] = json!({ "enum": values });
            }
            field
        };
        let fields: Vec<Value> = columns(table.name).iter().map(field).collect();
        let mut schema = json!({ "fields": fields, "missingValues": [""] });
        let key: &[&str] = match table.name {
            "indicators" => &["id"],
            "groups" => &["domain", "group"],
            "figures" => &["indicator", "year", "domain", "group"],
            "changes" => &["indicator", "year_from", "year_to", "domain", "group"],
            "coverage" => &["year", "domain", "group"],
            "themes" => &["theme", "year"],
            _ => &[],
        };
        if !key.is_empty() {
            schema["primaryKey"] = json!(key);
        }
        if matches!(table.name, "figures" | "changes") {
            let reference = json!({ "resource": "indicators", "fields": ["id"] });
            schema["foreignKeys"] = json!([{ "fields": ["indicator"], "reference": reference }]);
        }
        debug_assert_eq!(table.head.len(), columns(table.name).len());
        json!({
            "name": table.name,
            "path": format!("{}.csv", table.name),
            "profile": "tabular-data-resource",
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "bytes": table.csv.len(),
            "hash": format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(&table.csv))),
            "schema": schema,
        })
    };
    json!({
        "profile": "tabular-data-package",
        "name": name,
        "title": format!("{}: {}", head.municipality, head.title),
        "description": "Published, suppressed figures of a local business survey, exactly as they were shown, and public initiatives. No answers.",
        "version": format!("{}.{}", head.year, head.version),
        "created": format!("{}T00:00:00Z", head.published_on),
        "licenses": [{ "name": "CC-BY-4.0", "title": "Creative Commons Attribution 4.0", "path": "https://creativecommons.org/licenses/by/4.0/" }],
        "contributors": [{ "title": head.municipality, "role": "publisher" }],
        "pejling": head,
        "resources": tables.iter().map(resource).collect::<Vec<_>>(),
    })
}
