//! Register extracts become frame units: every row ends in a named outcome.
//!
//! A row's faults are outcomes ([`LeftOut`]) and never stop the file; a fault of the file (no column for the industry
//! code, a cell that cannot be read) is an [`IntakeError`]. Rules of the population are asked before a row is faulted:
//! a shop that closed in 2019 has *ceased*, whatever its code looks like today.
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Seek};
use std::path::Path;

use domain::eligibility::{Eligibility, EmptyEmployees, Facts};
use domain::frame::FrameUnit;
use domain::industry::{Classification, CodeError, Grouping};
use domain::language::{Country, Texts};
use domain::registers::{Cfar, Cvr, NumberError, OrgNumber, PNumber};
use domain::secrets::Keys;
use domain::size::{Employees, SizeClasses};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::headings::Columns;
use crate::table::{Row, each_row};
use crate::{IntakeError, email};

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
    /// Every field's column by its position, chosen one by one; then neither the mapping nor recognised names are asked.
    pub columns: Option<&'a BTreeMap<Field, usize>>,
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
    /// The field for employees is empty; counted as none.
    NoEmployeesStated,
    /// The employees of the whole company cannot be read; left empty.
    InvalidCompanyEmployees,
}

/// Why a row was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOut {
    /// An obligatory field is empty.
    Missing(Field),
    /// A register number has a wrong form or check digit.
    BadNumber(Field, NumberError),
    /// The same unit stood in an earlier row.
    Duplicate {
        /// The row where it stood first.
        first_row: u64,
    },
    /// The industry code is none, or in no list.
    UnknownCode(CodeError),
    /// The number of employees cannot be read.
    BadSize(String),
    /// The interval of employees lies across two size classes.
    NoSizeClass(String),
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
    /// Fields that no column holds. Without [`Field::Protected`] nobody is known to be protected.
    pub absent: Vec<Field>,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 21] = [
        Self::CompanyNumber,
        Self::UnitNumber,
        Self::Name,
        Self::Street,
        Self::HouseNumber,
        Self::Postcode,
        Self::City,
        Self::MunicipalityCode,
        Self::IndustryCode,
        Self::Employees,
        Self::EmployeesInterval,
        Self::CompanyEmployees,
        Self::CompanyEmployeesInterval,
        Self::LegalForm,
        Self::Status,
        Self::StartedOn,
        Self::EndedOn,
        Self::Email,
        Self::Phone,
        Self::Protected,
        Self::Area,
    ];

    /// The field's key in a mapping: `company_number`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::CompanyNumber => "company_number",
            Self::UnitNumber => "unit_number",
            Self::Name => "name",
            Self::Street => "street",
            Self::HouseNumber => "house_number",
            Self::Postcode => "postcode",
            Self::City => "city",
            Self::MunicipalityCode => "municipality_code",
            Self::IndustryCode => "industry_code",
            Self::Employees => "employees",
            Self::EmployeesInterval => "employees_interval",
            Self::CompanyEmployees => "company_employees",
            Self::CompanyEmployeesInterval => "company_employees_interval",
            Self::LegalForm => "legal_form",
            Self::Status => "status",
            Self::StartedOn => "started_on",
            Self::EndedOn => "ended_on",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Protected => "protected",
            Self::Area => "area",
        }
    }

    /// The field of a key.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == key)
    }
}

impl LeftOut {
    /// Key of the outcome: `duplicate`, `unknown_code`, `not_eligible:ceased`, …
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Missing(field) => format!("missing:{}", field.key()),
            Self::BadNumber(field, _) => format!("bad_number:{}", field.key()),
            Self::Duplicate { .. } => "duplicate".to_owned(),
            Self::UnknownCode(_) => "unknown_code".to_owned(),
            Self::BadSize(_) => "bad_size".to_owned(),
            Self::NoSizeClass(_) => "no_size_class".to_owned(),
            Self::BadDate(field) => format!("bad_date:{}", field.key()),
            Self::OtherMunicipality(_) => "other_municipality".to_owned(),
            Self::NotEligible { rule, .. } => format!("not_eligible:{rule}"),
        }
    }
}

/// How often progress is told, in rows.
const PROGRESS_EVERY: u64 = 500;

/// Reads an extract from a file on disk; see [`read`].
///
/// # Errors
/// As [`read`].
pub fn read_path<E>(
    path: &Path,
    options: &FrameOptions<'_>,
    progress: &mut dyn FnMut(Progress),
    sink: &mut dyn FnMut(RowOutcome) -> Result<(), E>,
) -> Result<Summary, IntakeError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let opened = std::fs::File::open(path);
    let file = opened.map_err(|source| IntakeError::Io { file: name.clone().into_owned(), source })?;
    read(&name, file, options, progress, sink)
}

/// Reads an extract (CSV or XLSX, told apart by its first bytes) and hands every row's outcome to `sink`. `file` is its
/// name in errors. Memory: one row, and the units' numbers to find duplicates; XLSX adds the workbook's shared texts
/// (measured on 300,000 rows of 15 columns: at most 34 MB for CSV, 124 MB for XLSX).
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
    let mut reader: Option<Reader<'_>> = None;
    let mut summary = Summary::default();
    let mut last = Progress { rows: 0, bytes: 0, total_bytes: 0 };
    each_row(file, source, &mut |row| {
        let Some(reader) = &mut reader else {
            let columns = Columns::find(file, row.line, row.cells, options)?;
            summary.unused_columns.clone_from(&columns.unused);
            summary.absent = columns.absent();
            reader = Some(Reader::new(file, options, columns));
            return Ok(());
        };
        let outcome = reader.outcome(&row)?;
        summary.count(&outcome);
        last = Progress { rows: summary.rows, bytes: row.bytes, total_bytes: row.total_bytes };
        if last.rows.is_multiple_of(PROGRESS_EVERY) {
            progress(last);
        }
        sink(outcome).map_err(|error| IntakeError::Sink(error.into()))
    })?;
    if reader.is_none() {
        return Err(IntakeError::File { file: file.to_owned(), problem: "the file has no heading".to_owned() });
    }
    progress(Progress { bytes: last.total_bytes, ..last });
    Ok(summary)
}

impl Summary {
    fn count(&mut self, outcome: &RowOutcome) {
        self.rows += 1;
        match &outcome.result {
            RowResult::Taken(unit, notes) => {
                self.taken += 1;
                *self.sectors.entry(unit.sector.clone()).or_default() += 1;
                *self.sizes.entry(unit.size.clone()).or_default() += 1;
                for note in notes {
                    *self.notes.entry(*note).or_default() += 1;
                }
            }
            RowResult::LeftOut(reason) => *self.left_out.entry(reason.key()).or_default() += 1,
        }
    }
}

/// A unit's or company's number, read.
struct Identity {
    /// The number for telling units apart: its digits, or a sole trader's hash.
    exact: u128,
    unit_key: String,
    shown: String,
}

/// A company's number, read.
struct Company {
    stored: String,
    sole_trader: bool,
}

/// What is remembered between rows.
struct Reader<'a> {
    file: &'a str,
    options: &'a FrameOptions<'a>,
    columns: Columns,
    own_numbers: Vec<String>,
    extract_date: Option<Date>,
    /// Unit → the row in which it stood first.
    seen: HashMap<u128, u64>,
}

impl<'a> Reader<'a> {
    fn new(file: &'a str, options: &'a FrameOptions<'a>, columns: Columns) -> Self {
        let own_numbers =
            options.own_numbers.iter().map(|n| n.chars().filter(char::is_ascii_digit).collect()).collect();
        let extract_date = options.extract_date.and_then(parse_date);
        Self { file, options, columns, own_numbers, extract_date, seen: HashMap::new() }
    }

    fn outcome(&mut self, row: &Row<'_>) -> Result<RowOutcome, IntakeError> {
        if let Some(at) = row.cells.iter().skip(self.columns.count).position(|cell| !cell.is_empty()) {
            let problem = format!("the row has a cell beyond the heading's {} columns", self.columns.count);
            let column = (self.columns.count + at + 1).to_string();
            return Err(IntakeError::Column { file: self.file.to_owned(), line: row.line, column, problem });
        }
        let protected = self.protected(row)?;
        let mut unit = String::new();
        let name = self.columns.get(row.cells, Field::Name).to_owned();
        let result = match self.unit(row, protected, &mut unit) {
            Ok((unit, notes)) => RowResult::Taken(Box::new(unit), notes),
            Err(reason) => RowResult::LeftOut(reason),
        };
        Ok(RowOutcome { row: row.line, unit, name, result })
    }

    fn get<'r>(&self, row: &'r Row<'_>, field: Field) -> &'r str {
        self.columns.get(row.cells, field)
    }

    /// Approaching somebody who must not be approached is worse than stopping: an unknown word stops the file.
    fn protected(&self, row: &Row<'_>) -> Result<bool, IntakeError> {
        let text = self.get(row, Field::Protected).to_lowercase();
        match text.as_str() {
            "" | "0" | "nej" | "n" | "no" | "false" | "falsk" | "falskt" | "ikke beskyttet" | "-" => Ok(false),
            "1" | "ja" | "j" | "yes" | "y" | "true" | "sand" | "sandt" | "sant" | "x" | "reklamebeskyttet"
            | "beskyttet" => Ok(true),
            _ => Err(IntakeError::Column {
                file: self.file.to_owned(),
                line: row.line,
                column: self.columns.named(Field::Protected),
                problem: "neither yes nor no (ja/nej, 1/0)".to_owned(),
            }),
        }
    }

    fn unit(&mut self, row: &Row<'_>, protected: bool, shown: &mut String) -> Result<(FrameUnit, Vec<Note>), LeftOut> {
        let options = self.options;
        let company = self.company(row);
        let identity = match options.unit {
            UnitKind::Workplace => self.workplace(row)?,
            UnitKind::Company => self.company_as_unit(row)?,
        };
        shown.clone_from(&identity.shown);
        if let Some(first_row) = self.seen.get(&identity.exact) {
            return Err(LeftOut::Duplicate { first_row: *first_row });
        }
        self.seen.insert(identity.exact, row.line);
        let company = company?;
        self.check_municipality(row)?;

        let mut notes = Vec::new();
        let classified = options.grouping.sector_of(self.get(row, Field::IndustryCode), options.classification);
        let employees = self.employees(row, &mut notes);
        let facts = Facts {
            country: options.country,
            own_unit: company.as_ref().is_some_and(|c| self.own_numbers.contains(&c.stored)),
            sole_trader: company.as_ref().is_some_and(|c| c.sole_trader),
            legal_form: self.get(row, Field::LegalForm),
            status: self.get(row, Field::Status),
            ended: self.ended(row)?,
            employees: employees.as_ref().ok().copied(),
            industry: classified.as_ref().map_or("", |c| c.code.home_class()),
        };
        if let Some(exclusion) = options.eligibility.excluded_by(&facts) {
            return Err(LeftOut::NotEligible { rule: exclusion.key.clone(), titles: exclusion.titles.clone() });
        }
        let classified = match classified {
            Ok(classified) => classified,
            Err(_) if self.get(row, Field::IndustryCode).is_empty() => {
                return Err(LeftOut::Missing(Field::IndustryCode));
            }
            Err(error) => return Err(LeftOut::UnknownCode(error)),
        };
        let employees = employees?;
        let size = options.sizes.class_of(employees).map_err(|_| LeftOut::NoSizeClass(interval(employees)))?;
        let name = self.get(row, Field::Name);
        if name.is_empty() {
            return Err(LeftOut::Missing(Field::Name));
        }

        if classified.code.is_not_stated() {
            notes.push(Note::IndustryNotStated);
        }
        if protected {
            notes.push(Note::Protected);
        }
        let written = self.get(row, Field::Email);
        let email = email::parse(written);
        match (written.is_empty(), &email) {
            (true, _) => notes.push(Note::NoEmail),
            (false, None) => notes.push(Note::InvalidEmail),
            _ => {}
        }
        let started = self.get(row, Field::StartedOn);
        let started_on = parse_date(started).map(|date| date.to_string());
        if started_on.is_none() && !started.is_empty() {
            notes.push(Note::InvalidStartDate);
        }
        let company_employees = self.company_employees(row, &mut notes);
        let street = [self.get(row, Field::Street), self.get(row, Field::HouseNumber)];
        let text = |field: Field| Some(self.get(row, field)).filter(|v| !v.is_empty()).map(str::to_owned);
        let unit = FrameUnit {
            unit_key: identity.unit_key,
            country: options.country,
            company_number: company.map(|c| c.stored),
            name: name.to_owned(),
            street: street.join(" ").trim().to_owned(),
            postcode: self.get(row, Field::Postcode).to_owned(),
            city: self.get(row, Field::City).to_owned(),
            industry_code: classified.code.as_str().to_owned(),
            classification: options.classification,
            employees_low: employees.low,
            employees_high: employees.high,
            company_employees_low: company_employees.map(|e| e.low),
            company_employees_high: company_employees.and_then(|e| e.high),
            sector: classified.sector.key.clone(),
            size: size.key.clone(),
            area: text(Field::Area),
            started_on,
            email,
            phone: text(Field::Phone),
            protected,
        };
        Ok((unit, notes))
    }

    fn workplace(&self, row: &Row<'_>) -> Result<Identity, LeftOut> {
        let text = self.get(row, Field::UnitNumber);
        let bad = |error| LeftOut::BadNumber(Field::UnitNumber, error);
        let (shown, unit_key) = match self.options.country {
            _ if text.is_empty() => return Err(LeftOut::Missing(Field::UnitNumber)),
            Country::Dk => PNumber::parse(text).map(|n| (n.as_str().to_owned(), n.unit_key())).map_err(bad)?,
            Country::Se => Cfar::parse(text).map(|n| (n.as_str().to_owned(), n.unit_key())).map_err(bad)?,
        };
        Ok(Identity { exact: shown.parse().expect("register numbers are digits"), unit_key, shown })
    }

    fn company_as_unit(&self, row: &Row<'_>) -> Result<Identity, LeftOut> {
        let text = self.get(row, Field::CompanyNumber);
        let bad = |error| LeftOut::BadNumber(Field::CompanyNumber, error);
        match self.options.country {
            _ if text.is_empty() => Err(LeftOut::Missing(Field::CompanyNumber)),
            Country::Dk => {
                let number = Cvr::parse(text).map_err(bad)?;
                let exact = number.as_str().parse().expect("register numbers are digits");
                Ok(Identity { exact, unit_key: number.unit_key(), shown: number.as_str().to_owned() })
            }
            Country::Se => {
                let number = OrgNumber::parse(text).map_err(bad)?;
                let stored = number.stored(self.options.keys);
                let exact = match stored.strip_prefix("hash:") {
                    Some(hash) => u128::from_str_radix(hash, 16).expect("the keyed hash is 32 hexadecimal digits"),
                    None => stored.parse().expect("register numbers are digits"),
                };
                let shown = number.shown().unwrap_or_default();
                Ok(Identity { exact, unit_key: number.unit_key(self.options.keys), shown })
            }
        }
    }

    /// The company's number; a workplace may lack one.
    fn company(&self, row: &Row<'_>) -> Result<Option<Company>, LeftOut> {
        let text = self.get(row, Field::CompanyNumber);
        let bad = |error| LeftOut::BadNumber(Field::CompanyNumber, error);
        let company = match self.options.country {
            _ if text.is_empty() => return Ok(None),
            Country::Dk => Company { stored: Cvr::parse(text).map_err(bad)?.as_str().to_owned(), sole_trader: false },
            Country::Se => {
                let number = OrgNumber::parse(text).map_err(bad)?;
                Company { stored: number.stored(self.options.keys), sole_trader: number.is_sole_trader() }
            }
        };
        Ok(Some(company))
    }

    fn check_municipality(&self, row: &Row<'_>) -> Result<(), LeftOut> {
        let code = self.get(row, Field::MunicipalityCode);
        let plain = |code: &str| code.trim().trim_start_matches('0').to_owned();
        let known = code.is_empty()
            || self.options.municipality_codes.is_empty()
            || self.options.municipality_codes.iter().any(|own| plain(own) == plain(code));
        if known { Ok(()) } else { Err(LeftOut::OtherMunicipality(code.to_owned())) }
    }

    /// The end date has passed. A date so far ahead that it means "never" has not.
    fn ended(&self, row: &Row<'_>) -> Result<bool, LeftOut> {
        let text = self.get(row, Field::EndedOn);
        if text.is_empty() {
            return Ok(false);
        }
        let date = parse_date(text).ok_or(LeftOut::BadDate(Field::EndedOn))?;
        Ok(date.year() < 2900 && self.extract_date.is_none_or(|day| date <= day))
    }

    fn employees(&self, row: &Row<'_>, notes: &mut Vec<Note>) -> Result<Employees, LeftOut> {
        match self.size(row, Field::Employees, Field::EmployeesInterval) {
            Some(read) => read,
            None if self.options.eligibility.empty_employees() == EmptyEmployees::None => {
                notes.push(Note::NoEmployeesStated);
                Ok(Employees::exact(0))
            }
            None => Err(LeftOut::Missing(Field::Employees)),
        }
    }

    fn company_employees(&self, row: &Row<'_>, notes: &mut Vec<Note>) -> Option<Employees> {
        let read = self.size(row, Field::CompanyEmployees, Field::CompanyEmployeesInterval);
        let read = match self.options.unit {
            // The company is the unit: its employees are the unit's.
            UnitKind::Company => read.or_else(|| self.size(row, Field::Employees, Field::EmployeesInterval)),
            UnitKind::Workplace => read,
        };
        if matches!(read, Some(Err(_))) {
            notes.push(Note::InvalidCompanyEmployees);
        }
        read.and_then(Result::ok)
    }

    /// The number where there is one, otherwise the interval.
    fn size(&self, row: &Row<'_>, number: Field, between: Field) -> Option<Result<Employees, LeftOut>> {
        let bad = |text: &str| LeftOut::BadSize(text.chars().take(40).collect());
        let text = self.get(row, number);
        if !text.is_empty() {
            return Some(Employees::parse(text).map_err(|_| bad(text)));
        }
        let text = self.get(row, between);
        if text.is_empty() {
            return None;
        }
        // In a column of intervals a bare number is the code of an interval. Only 0 and 1 of the Danish register mean
        // themselves; any other would be a guess.
        let code = text.bytes().all(|b| b.is_ascii_digit());
        if code && !(self.options.country == Country::Dk && ["0", "1"].contains(&text)) {
            return Some(Err(bad(text)));
        }
        Some(Employees::parse(text).map_err(|_| bad(text)))
    }
}

fn interval(employees: Employees) -> String {
    match employees.high {
        Some(high) if high == employees.low => high.to_string(),
        Some(high) => format!("{}–{high}", employees.low),
        None => format!("{}+", employees.low),
    }
}

/// A date as registers write it: `2020-02-29`, `29-02-2020`, `29.2.2020`, `29/02/2020`, `20200229`, also with a time.
pub(crate) fn parse_date(text: &str) -> Option<Date> {
    let day = text.split(['T', ' ']).next()?;
    let parts: Vec<&str> = day.split(['-', '.', '/']).collect();
    if !parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let (year, month, day) = match parts[..] {
        [whole] if whole.len() == 8 => (&whole[..4], &whole[4..6], &whole[6..]),
        [year, month, day] if year.len() == 4 => (year, month, day),
        [day, month, year] if year.len() == 4 => (year, month, day),
        _ => return None,
    };
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests;
