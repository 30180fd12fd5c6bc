//! Another municipality's data package: its archive is bounded, its signature and hashes are checked before a figure is read.
use std::io::{Cursor, Read};

use domain::packages::{BrokenRule, FORMAT, Package, PackageHead};
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

/// The largest table that is read, unpacked.
const LARGEST: u64 = 40_000_000;

/// Why a package is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackageFault {
    /// It is no archive with the files of a package.
    #[error("the file is no data package: {0}")]
    NoPackage(String),
    /// It has a newer format.
    #[error(
        "the package has format {0}; this program reads format {FORMAT}: a newer version of the program may read it"
    )]
    Format(u32),
    /// The signature does not fit what is signed.
    #[error("the signature does not fit: the package was changed after it was signed")]
    Signature,
    /// A table is not the one that was signed.
    #[error("{0}.csv is not the table that was signed: the package was changed on its way")]
    Table(String),
    /// A table cannot be read.
    #[error("{table}.csv, line {line}: {problem}")]
    Row {
        /// Its name.
        table: &'static str,
        /// The line, 1 = the headings.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// The figures contradict the rules under which packages are made.
    #[error("{0}")]
    Rules(BrokenRule),
}

/// A package whose signature fits, with the key that signed it. Whose key that is a person confirms, once.
#[derive(Debug, Clone, PartialEq)]
pub struct Signed {
    /// The package.
    pub package: Package,
    /// The public key, as hexadecimal digits.
    pub public_key: String,
    /// SHA-256 of what is signed: tells one edition from another.
    pub hash: String,
}

#[derive(Deserialize)]
struct Descriptor {
    pejling: serde_json::Value,
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    path: String,
    hash: String,
}

#[derive(Deserialize)]
struct Signature {
    algorithm: String,
    public_key: String,
    signature: String,
}

/// Reads a package and checks signature, hashes and rules.
///
/// # Errors
/// [`PackageFault`], in words for the person who imports it.
pub fn read(bytes: &[u8]) -> Result<Signed, PackageFault> {
    let no = |e: &dyn std::fmt::Display| PackageFault::NoPackage(e.to_string());
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| no(&e))?;
    let mut file = |name: &str| -> Result<Vec<u8>, PackageFault> {
        let file = zip.by_name(name).map_err(|_| no(&format!("{name} is missing")))?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| no(&e))?;
        if bytes.len() as u64 > LARGEST { Err(no(&format!("{name} is larger than 40 MB"))) } else { Ok(bytes) }
    };
    let described = file("datapackage.json")?;
    let signature: Signature = serde_json::from_slice(&file("signature.json")?).map_err(|e| no(&e))?;
    let hex =
        |text: &str| data_encoding::HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| PackageFault::Signature);
    let key = hex(&signature.public_key)?;
    if signature.algorithm != "Ed25519" {
        return Err(PackageFault::Signature);
    }
    let verified = UnparsedPublicKey::new(&ED25519, &key).verify(&described, &hex(&signature.signature)?);
    verified.map_err(|_| PackageFault::Signature)?;
    let descriptor: Descriptor = serde_json::from_slice(&described).map_err(|e| no(&e))?;
    // The format first: a newer one may have other fields.
    let format = descriptor.pejling.get("format").and_then(serde_json::Value::as_u64).unwrap_or_default();
    if format != u64::from(FORMAT) {
        return Err(PackageFault::Format(u32::try_from(format).unwrap_or(u32::MAX)));
    }
    let head: PackageHead = serde_json::from_value(descriptor.pejling.clone()).map_err(|e| no(&e))?;
    let mut table = |name: &str| -> Result<Vec<u8>, PackageFault> {
        let found = descriptor.resources.iter().find(|r| r.name == name);
        let resource = found.ok_or_else(|| no(&format!("the table {name} is missing")))?;
        if resource.path != format!("{name}.csv") {
            return Err(PackageFault::Table(name.to_owned()));
        }
        let bytes = file(&resource.path)?;
        let hash = format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes)));
        if hash == resource.hash { Ok(bytes) } else { Err(PackageFault::Table(name.to_owned())) }
    };
    let package = Package {
        head,
        indicators: rows("indicators", &table("indicators")?)?,
        groups: rows("groups", &table("groups")?)?,
        figures: rows("figures", &table("figures")?)?,
        changes: rows("changes", &table("changes")?)?,
        coverage: rows("coverage", &table("coverage")?)?,
        // Packages made before themes travelled have no such table.
        themes: match descriptor.resources.iter().any(|r| r.name == "themes") {
            true => rows("themes", &table("themes")?)?,
            false => Vec::new(),
        },
        initiatives: rows("initiatives", &table("initiatives")?)?,
    };
    if let Some(fault) = package.fault() {
        return Err(PackageFault::Rules(fault));
    }
    let hash = data_encoding::HEXLOWER.encode(&Sha256::digest(&described));
    Ok(Signed { package, public_key: data_encoding::HEXLOWER.encode(&key), hash })
}

fn rows<T: DeserializeOwned>(table: &'static str, bytes: &[u8]) -> Result<Vec<T>, PackageFault> {
    let mut reader = csv::Reader::from_reader(bytes);
    let mut rows = Vec::new();
    for row in reader.deserialize() {
        rows.push(row.map_err(|e| PackageFault::Row {
            table,
            line: e.position().map_or(0, csv::Position::line),
            problem: e.to_string(),
        })?);
    }
    Ok(rows)
}
