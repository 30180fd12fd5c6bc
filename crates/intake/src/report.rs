//! The row-by-row report of an import, as CSV that opens in a spreadsheet.
use std::borrow::Cow;
use std::io::{self, Write};

use domain::language::{Language, Texts};

use crate::frame::{Field, LeftOut, Note, RowOutcome, RowResult};

/// A table that opens in the spreadsheets of the Nordic countries: semicolons, CRLF line ends, a byte-order mark, and no cell
/// that could pass for a formula.
pub struct Sheet<W: Write> {
    out: csv::Writer<W>,
}

impl<W: Write> Sheet<W> {
    /// Starts a table with its heading.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new<const N: usize>(mut out: W, heading: [&str; N]) -> io::Result<Self> {
        out.write_all("\u{feff}".as_bytes())?;
        let mut out = csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(out);
        out.write_record(heading)?;
        Ok(Self { out })
    }

    /// Adds one row.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) -> io::Result<()> {
        Ok(self.out.write_record(cells.map(|cell| harmless(cell).into_owned()))?)
    }

    /// Ends the table.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.out.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// Writes one line per row: row number, unit, name, outcome, the field it is about, explanation. A sole trader's number never
/// appears.
pub struct ReportWriter<W: Write> {
    sheet: Sheet<W>,
    language: Language,
}

impl<W: Write> ReportWriter<W> {
    /// Starts a report with its heading.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(out: W, language: Language) -> io::Result<Self> {
        let sheet = Sheet::new(
            out,
            match language {
                Language::Da => ["Række", "Enhed", "Navn", "Resultat", "Felt", "Forklaring"],
                Language::Sv => ["Rad", "Enhet", "Namn", "Utfall", "Fält", "Förklaring"],
                Language::En => ["Row", "Unit", "Name", "Outcome", "Field", "Explanation"],
            },
        )?;
        Ok(Self { sheet, language })
    }

    /// Adds one row.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn row(&mut self, outcome: &RowOutcome) -> io::Result<()> {
        let titles = |fields: Vec<Field>| {
            fields.into_iter().map(|field| field.title(self.language)).collect::<Vec<_>>().join(", ")
        };
        let (result, fields, explanation) = match &outcome.result {
            RowResult::Taken(_, notes) => {
                let texts: Vec<&str> = notes.iter().map(|note| note.text(self.language)).collect();
                let fields = notes.iter().map(|note| note.field()).collect();
                (choose(self.language, "med", "med", "taken"), titles(fields), texts.join(" "))
            }
            RowResult::LeftOut(reason) => (
                choose(self.language, "udeladt", "utelämnad", "left out"),
                titles(reason.field().into_iter().collect()),
                reason.text(self.language),
            ),
        };
        self.sheet.row([&outcome.row.to_string(), &outcome.unit, &outcome.name, result, &fields, &explanation])
    }

    /// Ends the report.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.sheet.finish()
    }
}

/// A spreadsheet must not take a name for a formula.
fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}").into() } else { text.into() }
}

pub(crate) const fn choose<'a>(language: Language, da: &'a str, sv: &'a str, en: &'a str) -> &'a str {
    match language {
        Language::Da => da,
        Language::Sv => sv,
        Language::En => en,
    }
}

impl Note {
    /// The field it is about.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::Protected => Field::Protected,
            Self::NoEmail | Self::InvalidEmail => Field::Email,
            Self::IndustryNotStated => Field::IndustryCode,
            Self::InvalidStartDate => Field::StartedOn,
            Self::NoEmployeesStated => Field::Employees,
            Self::InvalidCompanyEmployees => Field::CompanyEmployees,
        }
    }

    /// The note as a sentence.
    #[must_use]
    pub const fn text(self, language: Language) -> &'static str {
        match self {
            Self::Protected => choose(
                language,
                "Reklamebeskyttet: kontaktes ikke.",
                "Reklamspärrad: kontaktas inte.",
                "Protected against advertising: is not approached.",
            ),
            Self::NoEmail => choose(language, "Ingen e-mailadresse.", "Ingen e-postadress.", "No e-mail address."),
            Self::InvalidEmail => choose(
                language,
                "E-mailadressen er ugyldig og bruges ikke.",
                "E-postadressen är ogiltig och används inte.",
                "The e-mail address is not valid and is not used.",
            ),
            Self::IndustryNotStated => choose(
                language,
                "Registret kender ikke branchen.",
                "Registret känner inte branschen.",
                "The register does not know the industry.",
            ),
            Self::InvalidStartDate => choose(
                language,
                "Startdatoen kan ikke læses og bruges ikke.",
                "Startdatumet kan inte läsas och används inte.",
                "The start date cannot be read and is not used.",
            ),
            Self::NoEmployeesStated => choose(
                language,
                "Antal ansatte er ikke oplyst og regnes som 0.",
                "Antal anställda saknas och räknas som 0.",
                "The number of employees is not given and counts as 0.",
            ),
            Self::InvalidCompanyEmployees => choose(
                language,
                "Antal ansatte i virksomheden kan ikke læses og bruges ikke.",
                "Antal anställda i företaget kan inte läsas och används inte.",
                "The number of employees of the company cannot be read and is not used.",
            ),
        }
    }
}

impl LeftOut {
    /// The field it is about; a rule of the population may look at several.
    #[must_use]
    pub const fn field(&self) -> Option<Field> {
        match self {
            Self::Missing(field) | Self::BadNumber(field, _) | Self::BadDate(field) => Some(*field),
            Self::Duplicate { .. } => Some(Field::UnitNumber),
            Self::UnknownCode(_) => Some(Field::IndustryCode),
            Self::BadSize(_) | Self::NoSizeClass(_) => Some(Field::Employees),
            Self::OtherMunicipality(_) => Some(Field::MunicipalityCode),
            Self::NotEligible { .. } => None,
        }
    }

    /// The reason as a sentence.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let say = |da: String, sv: String, en: String| Texts { da, sv, en }.get(language).to_owned();
        match self {
            Self::Missing(field) => {
                let field = field.title(language);
                say(
                    format!("Feltet {field} er tomt."),
                    format!("Fältet {field} är tomt."),
                    format!("The field {field} is empty."),
                )
            }
            Self::BadNumber(field, error) => {
                let field = field.title(language);
                match error {
                    domain::registers::NumberError::CheckDigit { .. } => say(
                        format!("Kontrolcifferet i {field} passer ikke."),
                        format!("Kontrollsiffran i {field} stämmer inte."),
                        format!("The check digit of the {field} is wrong."),
                    ),
                    domain::registers::NumberError::Form { digits, .. } => say(
                        format!("{field} skal have {digits} cifre."),
                        format!("{field} ska ha {digits} siffror."),
                        format!("A {field} has {digits} digits."),
                    ),
                    _ => say(
                        format!("{field} er forkert."),
                        format!("{field} är fel."),
                        format!("The {field} is wrong."),
                    ),
                }
            }
            Self::Duplicate { first_row } => say(
                format!("Enheden står også i række {first_row}."),
                format!("Enheten står även på rad {first_row}."),
                format!("The unit stands in row {first_row} too."),
            ),
            Self::UnknownCode(error) => {
                let (code, classification) = match error {
                    domain::industry::CodeError::Form { text, classification } => (text.as_str(), *classification),
                    domain::industry::CodeError::Unknown { code, classification } => (code.as_str(), *classification),
                    other => return other.to_string(),
                };
                let list = classification.key().to_uppercase();
                say(
                    format!("Branchekoden {code} findes ikke i {list}."),
                    format!("Näringsgrenskoden {code} finns inte i {list}."),
                    format!("The industry code {code} does not exist in {list}."),
                )
            }
            Self::BadSize(text) => say(
                format!("Antal ansatte (\"{text}\") er hverken et tal eller et interval."),
                format!("Antal anställda (\"{text}\") är varken ett tal eller ett intervall."),
                format!("The number of employees (\"{text}\") is neither a number nor an interval."),
            ),
            Self::NoSizeClass(interval) => say(
                format!("Intervallet {interval} ansatte ligger i flere størrelsesklasser."),
                format!("Intervallet {interval} anställda ligger i flera storleksklasser."),
                format!("The interval of {interval} employees lies in several size classes."),
            ),
            Self::BadDate(field) => {
                let field = field.title(language);
                say(
                    format!("Datoen i feltet {field} kan ikke læses."),
                    format!("Datumet i fältet {field} kan inte läsas."),
                    format!("The date in the field {field} cannot be read."),
                )
            }
            Self::OtherMunicipality(code) => say(
                format!("Ligger i en anden kommune (kode {code})."),
                format!("Ligger i en annan kommun (kod {code})."),
                format!("Lies in another municipality (code {code})."),
            ),
            Self::NotEligible { titles, .. } => say(
                format!("Hører ikke til grundlaget: {}.", titles.da),
                format!("Hör inte till populationen: {}.", titles.sv),
                format!("Does not belong to the population: {}.", titles.en),
            ),
        }
    }
}

impl Field {
    /// What people call the field.
    #[must_use]
    pub const fn title(self, language: Language) -> &'static str {
        match self {
            Self::CompanyNumber => choose(language, "CVR-nummer", "organisationsnummer", "company number"),
            Self::UnitNumber => choose(language, "P-nummer", "CFAR-nummer", "workplace number"),
            Self::Name => choose(language, "navn", "namn", "name"),
            Self::Street => choose(language, "adresse", "adress", "street"),
            Self::HouseNumber => choose(language, "husnummer", "gatunummer", "house number"),
            Self::Postcode => choose(language, "postnummer", "postnummer", "postcode"),
            Self::City => choose(language, "by", "ort", "town"),
            Self::MunicipalityCode => choose(language, "kommunekode", "kommunkod", "municipality code"),
            Self::IndustryCode => choose(language, "branchekode", "näringsgrenskod", "industry code"),
            Self::Employees => choose(language, "antal ansatte", "antal anställda", "employees"),
            Self::EmployeesInterval => choose(language, "ansatte (interval)", "storleksklass", "employees (interval)"),
            Self::CompanyEmployees => {
                choose(language, "ansatte i virksomheden", "anställda i företaget", "employees of the company")
            }
            Self::CompanyEmployeesInterval => choose(
                language,
                "ansatte i virksomheden (interval)",
                "företagets storleksklass",
                "employees of the company (interval)",
            ),
            Self::LegalForm => choose(language, "virksomhedsform", "juridisk form", "legal form"),
            Self::Status => choose(language, "status", "status", "state"),
            Self::StartedOn => choose(language, "startdato", "startdatum", "start date"),
            Self::EndedOn => choose(language, "ophørsdato", "slutdatum", "end date"),
            Self::Email => choose(language, "e-mail", "e-post", "e-mail"),
            Self::Phone => choose(language, "telefon", "telefon", "telephone"),
            Self::Protected => choose(language, "reklamebeskyttelse", "reklamspärr", "protection against advertising"),
            Self::Area => choose(language, "område", "område", "area"),
        }
    }
}
