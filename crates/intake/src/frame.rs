//! Register extracts become frame units: every row ends in a named outcome.
use std::collections::BTreeMap;
use std::io::{Read, Seek};

use domain::eligibility::Eligibility;
use domain::frame::FrameUnit;
use domain::industry::{Classification, Grouping};
use domain::language::{Country, Texts};
use domain::secrets::Keys;
use domain::size::SizeClasses;
use serde::{Deserialize, Serialize};

use crate::IntakeError;

/// What a row of the extract stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitKind {
    /// One workplace (P-nummer, CFAR-nummer).
    Workplace,
    /// One company (CVR-nummer, organisationsnummer).
    Company,
}

/// A field of a frame unit that a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// CVR-nummer or organisationsnummer.
    CompanyNumber,
    /// P-nummer or CFAR-nummer.
    UnitNumber,
    /// Name.
    Name,
    /// Street and number in one.
    Street,
    /// House number, where it stands apart.
    HouseNumber,
    /// Postal code.
    Postcode,
    /// Town.
    City,
    /// Municipality code.
    MunicipalityCode,
    /// Industry code.
    IndustryCode,
    /// Employees of the unit, a number.
    Employees,
    /// Employees of the unit, an interval.
    EmployeesInterval,
    /// Employees of the whole company, a number.
    CompanyEmployees,
    /// Employees of the whole company, an interval.
    CompanyEmployeesInterval,
    /// Legal form.
    LegalForm,
    /// State.
    Status,
    /// Start date.
    StartedOn,
    /// End date.
    EndedOn,
    /// Mail address.
    Email,
    /// Telephone.
    Phone,
    /// Must not be approached.
    Protected,
    /// Key of the municipality's own area.
    Area,
}

/// Headings that the analyst has tied to fields; they win over the recognised names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(pub BTreeMap<String, Field>);

/// Everything that decides what a row becomes.
pub struct FrameOptions<'a> {
    /// Whose register it is.
    pub country: Country,
    /// What the rows stand for.
    pub unit: UnitKind,
    /// The classification of the industry codes.
    pub classification: Classification,
    /// The grouping that gives the sector.
    pub grouping: &'a Grouping,
    /// The size classes.
    pub sizes: &'a SizeClasses,
    /// Who belongs.
    pub eligibility: &'a Eligibility,
    /// The municipality's codes in the register; empty: not checked.
    pub municipality_codes: &'a [String],
    /// Company numbers of the municipality itself.
    pub own_numbers: &'a [String],
    /// Date of the extract, `yyyy-mm-dd`: who ended by then has ceased. `None`: any end date counts as ended.
    pub extract_date: Option<&'a str>,
    /// Headings tied to fields by the analyst.
    pub mapping: &'a Mapping,
    /// Keys for hashing sole traders' numbers.
    pub keys: &'a Keys,
}

/// Something to know of a row that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Must not be approached.
    Protected,
    /// No mail address.
    NoEmail,
    /// The mail address is none; left empty.
    InvalidEmail,
    /// The register does not know the industry (DB07 99.99.99).
    IndustryNotStated,
    /// The start date cannot be read; left empty.
    InvalidStartDate,
}

/// Why a row was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOut {
    /// An obligatory field is empty.
    Missing(Field),
    /// A register number has a wrong form or check digit.
    BadNumber(Field, String),
    /// The same unit stood in an earlier row.
    Duplicate {
        /// The row where it stood first.
        first_row: u64,
    },
    /// The industry code is in no list.
    UnknownCode(String),
    /// The size cannot be read or fits no class.
    BadSize(String),
    /// A date cannot be read.
    BadDate(Field),
    /// The unit lies in another municipality.
    OtherMunicipality(String),
    /// A rule of the population.
    NotEligible {
        /// Key of the rule.
        rule: String,
        /// Its title.
        titles: Texts,
    },
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOutcome {
    /// Row in the file, 1 = the heading.
    pub row: u64,
    /// The unit's number as it may be shown; empty when unreadable or a sole trader's.
    pub unit: String,
    /// The unit's name.
    pub name: String,
    /// Taken or left out.
    pub result: RowResult,
}

/// Taken or left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowResult {
    /// Belongs to the frame.
    Taken(Box<FrameUnit>, Vec<Note>),
    /// Does not.
    LeftOut(LeftOut),
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Data rows read.
    pub rows: u64,
    /// Bytes read of the file.
    pub bytes: u64,
    /// Length of the file.
    pub total_bytes: u64,
}

/// What became of a whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Data rows.
    pub rows: u64,
    /// Rows taken.
    pub taken: u64,
    /// Rows left out, by the key of the outcome ([`LeftOut::key`]).
    pub left_out: BTreeMap<String, u64>,
    /// Notes on rows taken.
    pub notes: BTreeMap<Note, u64>,
    /// Units taken per sector.
    pub sectors: BTreeMap<String, u64>,
    /// Units taken per size class.
    pub sizes: BTreeMap<String, u64>,
    /// Headings that were tied to no field.
    pub unused_columns: Vec<String>,
}

impl LeftOut {
    /// Key of the outcome: `duplicate`, `unknown_code`, `not_eligible:ceased`, …
    #[must_use]
    pub fn key(&self) -> String {
        todo!()
    }
}

/// Reads an extract (CSV or XLSX, told apart by its first bytes) and hands every row's outcome to `sink`.
///
/// # Errors
/// [`IntakeError`] when the file as a whole cannot be read, or when `sink` fails.
pub fn read<R, E>(
    file: &str,
    source: R,
    options: &FrameOptions<'_>,
    progress: &mut dyn FnMut(Progress),
    sink: &mut dyn FnMut(RowOutcome) -> Result<(), E>,
) -> Result<Summary, IntakeError>
where
    R: Read + Seek,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let _ = (file, source, options, progress, sink);
    todo!()
}
