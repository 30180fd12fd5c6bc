//! Which column of an extract holds which field: the headings of the Danish and Swedish registers, or the analyst's own
//! mapping.
use std::collections::BTreeMap;
use std::io::{Read, Seek};

use domain::industry::Classification;
use domain::language::Country;
use serde::{Deserialize, Serialize};

use crate::IntakeError;
use crate::frame::{Field, FrameOptions, Mapping, UnitKind};
use crate::table::each_row;

/// Recognised headings per field, folded (lower case, letters and digits only), the best first. Two columns that name
/// the same field are no fault when one of the names is better; the other is then unused.
fn names(field: Field, country: Country, unit: UnitKind) -> &'static [&'static str] {
    use Country::{Dk, Se};
    use UnitKind::{Company, Workplace};
    match (field, country, unit) {
        (Field::CompanyNumber, Dk, _) => &[
            "cvrnummer",
            "cvrnr",
            "cvr",
            "virksomhedscvrnummer",
            "virksomhedscvrnr",
            "virksomhedcvrnummer",
            "juridiskenhedcvr",
            "companynumber",
            "companyid",
        ],
        (Field::CompanyNumber, Se, _) => &[
            "organisationsnummer",
            "organisationsnr",
            "orgnummer",
            "orgnr",
            "peorgnr",
            "peorgnummer",
            "personorganisationsnummer",
            "companynumber",
            "companyid",
        ],
        (Field::UnitNumber, Dk, _) => &[
            "pnummer",
            "pnr",
            "produktionsenhedsnummer",
            "produktionsenhedsnr",
            "penhedsnummer",
            "penhedsnr",
            "produktionsenhed",
            "penhed",
            "unitnumber",
        ],
        (Field::UnitNumber, Se, _) => {
            &["cfarnummer", "cfarnr", "cfar", "arbetsställenummer", "arbetsställenr", "aenr", "unitnumber"]
        }
        (Field::Name, Dk, Workplace) => &[
            "produktionsenhedsnavn",
            "produktionsenhedensnavn",
            "penhedsnavn",
            "penhednavn",
            "arbejdsstedsnavn",
            "enhedsnavn",
            "navn",
            "virksomhedsnavn",
            "virksomhedensnavn",
            "firmanavn",
            "name",
        ],
        (Field::Name, Dk, Company) => {
            &["virksomhedsnavn", "virksomhedensnavn", "firmanavn", "navn", "enhedsnavn", "name"]
        }
        (Field::Name, Se, Workplace) => &[
            "arbetsställebenämning",
            "arbetsställenamn",
            "arbetsställetsnamn",
            "benämning",
            "namn",
            "företagsnamn",
            "firma",
            "name",
        ],
        (Field::Name, Se, Company) => &["företagsnamn", "firma", "namn", "benämning", "name"],
        (Field::Street, Dk, _) => &[
            "adresse",
            "gadeadresse",
            "beliggenhedsadresse",
            "adresselinje1",
            "vejnavn",
            "gade",
            "vej",
            "street",
            "address",
        ],
        (Field::Street, Se, _) => &[
            "besöksadress",
            "gatuadress",
            "belägenhetsadress",
            "adress",
            "utdelningsadress",
            "postadress",
            "street",
            "address",
        ],
        (Field::HouseNumber, Dk, _) => &["husnr", "husnummer", "husnummerfra"],
        (Field::HouseNumber, Se, _) => &["gatunummer", "husnummer"],
        (Field::Postcode, Dk, _) => &["postnummer", "postnr", "postcode"],
        (Field::Postcode, Se, _) => &["postnummer", "postnr", "besökspostnr", "postkod", "postcode"],
        (Field::City, Dk, _) => &["by", "postdistrikt", "postby", "bynavn", "city"],
        (Field::City, Se, _) => &["postort", "ort", "besöksort", "stad", "city"],
        (Field::MunicipalityCode, Dk, _) => {
            &["kommunekode", "kommunenummer", "kommunenr", "beliggenhedskommunekode", "municipalitycode"]
        }
        (Field::MunicipalityCode, Se, _) => &["kommunkod", "kommunnummer", "kommunnr", "municipalitycode"],
        (Field::IndustryCode, Dk, _) => &[
            "branchekode",
            "hovedbranchekode",
            "branchekodehovedbranche",
            "hovedbranche",
            "branchekode1",
            "branchenummer",
            "branchenr",
            "branche",
            "industrycode",
        ],
        (Field::IndustryCode, Se, _) => &[
            "snikod",
            "sni",
            "sni1",
            "snikod1",
            "näringsgrenskod",
            "bransch1kod",
            "huvudnäringsgren",
            "näringsgren",
            "branschkod",
            "industrycode",
        ],
        (Field::Employees, Dk, Workplace) => &[
            "antalansatteipenheden",
            "antalansattepåpenheden",
            "antalansatteiproduktionsenheden",
            "penhedantalansatte",
            "penhedensantalansatte",
            "antalansatte",
            "ansatte",
            "antalmedarbejdere",
            "employees",
        ],
        (Field::Employees, Dk, Company) => &[
            "antalansatte",
            "ansatte",
            "antalansatteivirksomheden",
            "ansatteivirksomheden",
            "virksomhedensantalansatte",
            "antalmedarbejdere",
            "employees",
        ],
        (Field::Employees, Se, Workplace) => {
            &["antalanställdaarbetsställe", "anställdaarbetsställe", "antalanställda", "anställda", "employees"]
        }
        (Field::Employees, Se, Company) => {
            &["antalanställda", "anställda", "antalanställdaföretag", "anställdaföretag", "employees"]
        }
        (Field::EmployeesInterval, Dk, _) => &[
            "intervalkode",
            "antalansatteinterval",
            "antalansatteintervalkode",
            "antalansatteinterval1",
            "intervalkodeantalansatte",
            "ansatteinterval",
            "ansatteintervalkode",
            "ansatteintervaller",
            "ansatteintervalpenhed",
            "antalansatteintervalpenhed",
            "beskæftigelsesinterval",
            "interval",
            "employeesinterval",
        ],
        (Field::EmployeesInterval, Se, _) => &[
            "storleksklassarbetsställe",
            "storleksklassae",
            "storleksklass",
            "storleksgrupp",
            "anställdastorleksklass",
            "antalanställdastorleksklass",
            "employeesinterval",
        ],
        (Field::CompanyEmployees, Dk, Workplace) => &[
            "ansatteivirksomheden",
            "antalansatteivirksomheden",
            "virksomhedensantalansatte",
            "virksomhedantalansatte",
            "antalansattevirksomhed",
            "ansattevirksomhed",
            "companyemployees",
        ],
        (Field::CompanyEmployees, Se, Workplace) => &[
            "antalanställdaföretag",
            "anställdaföretag",
            "antalanställdaiföretaget",
            "anställdaiföretaget",
            "företagetsantalanställda",
            "companyemployees",
        ],
        (Field::CompanyEmployees, _, Company) => &["companyemployees"],
        (Field::CompanyEmployeesInterval, Dk, _) => &[
            "virksomhedensintervalkode",
            "intervalkodevirksomhed",
            "intervalkodevirksomheden",
            "ansatteintervalvirksomhed",
            "antalansatteintervalvirksomhed",
            "virksomhedantalansatteinterval",
            "ansatteivirksomhedeninterval",
            "antalansatteivirksomhedeninterval",
            "companyemployeesinterval",
        ],
        (Field::CompanyEmployeesInterval, Se, _) => {
            &["storleksklassföretag", "storleksklassftg", "företagetsstorleksklass", "companyemployeesinterval"]
        }
        (Field::LegalForm, Dk, _) => &[
            "virksomhedsformkode",
            "virksomhedsform",
            "virksomhedsformtekst",
            "virksomhedstype",
            "selskabsform",
            "ejerform",
            "legalform",
        ],
        (Field::LegalForm, Se, _) => &[
            "juridiskform",
            "juridiskformkod",
            "jurform",
            "företagsform",
            "bolagsform",
            "organisationsform",
            "legalform",
        ],
        (Field::Status, Dk, Workplace) => {
            &["status", "virksomhedsstatus", "sammensatstatus", "penhedsstatus", "produktionsenhedsstatus"]
        }
        (Field::Status, Dk, Company) => &["status", "virksomhedsstatus", "sammensatstatus"],
        (Field::Status, Se, _) => &["status", "företagsstatus", "arbetsställestatus", "verksamhetsstatus"],
        (Field::StartedOn, Dk, _) => &[
            "startdato",
            "penhedsstartdato",
            "stiftelsesdato",
            "etableringsdato",
            "registreringsdato",
            "startedon",
            "startdate",
        ],
        (Field::StartedOn, Se, _) => {
            &["startdatum", "etableringsdatum", "registreringsdatum", "startedon", "startdate"]
        }
        (Field::EndedOn, Dk, _) => {
            &["ophørsdato", "ophørsdatopenhed", "penhedensophørsdato", "ophoersdato", "slutdato", "endedon", "enddate"]
        }
        (Field::EndedOn, Se, _) => {
            &["slutdatum", "avregistreringsdatum", "nedläggningsdatum", "upphördatum", "endedon", "enddate"]
        }
        (Field::Email, _, _) => &[
            "email",
            "emailadresse",
            "mail",
            "mailadresse",
            "kontaktemail",
            "epost",
            "epostadress",
            "epostadresse",
            "mejladress",
        ],
        (Field::Phone, _, _) => {
            &["telefon", "telefonnummer", "telefonnr", "tlf", "tlfnr", "tlfnummer", "kontakttelefon", "phone"]
        }
        (Field::Protected, Dk, _) => {
            &["reklamebeskyttet", "reklamebeskyttelse", "harreklamebeskyttelse", "adressebeskyttetreklame", "protected"]
        }
        (Field::Protected, Se, _) => &["reklamspärr", "reklamspärrad", "reklamstatus", "spärrad", "protected"],
        (Field::Area, Dk, _) => &["område", "bydel", "area"],
        (Field::Area, Se, _) => &["delområde", "område", "area"],
    }
}

/// Headings that name the classification of their codes. Around 2025 extracts hold one column of each; the one that is
/// asked for comes before a column that does not say, and the other one is never taken.
const fn names_with_classification(classification: Classification) -> &'static [&'static str] {
    match classification {
        Classification::Db07 => {
            &["db07", "db07kode", "branchekodedb07", "db07branchekode", "hovedbranchedb07", "branchedb07"]
        }
        Classification::Db25 => {
            &["db25", "db25kode", "branchekodedb25", "db25branchekode", "hovedbranchedb25", "branchedb25"]
        }
        Classification::Sni2007 => &["sni2007", "sni07", "snikod2007", "snikodsni2007", "sni2007kod"],
        Classification::Sni2025 => &["sni2025", "sni25", "snikod2025", "snikodsni2025", "sni2025kod"],
    }
}

/// A heading in lower case with letters and digits only.
fn fold(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Which column holds which field.
#[derive(Debug)]
pub(crate) struct Columns {
    /// Columns of the heading.
    pub(crate) count: usize,
    /// Headings that hold no field.
    pub(crate) unused: Vec<String>,
    headings: Vec<String>,
    at: BTreeMap<Field, usize>,
}

impl Columns {
    pub(crate) fn find(
        file: &str,
        line: u64,
        headings: &[String],
        options: &FrameOptions<'_>,
    ) -> Result<Self, IntakeError> {
        let wanted = Wanted { country: options.country, unit: options.unit, classification: options.classification };
        let at = match options.columns {
            Some(chosen) => chosen.clone(),
            None => recognise(file, line, headings, wanted, options.mapping)?,
        };
        if let Some(at) = at.values().find(|at| **at >= headings.len()) {
            let problem = format!("line {line}: there is no column {}", at + 1);
            return Err(IntakeError::File { file: file.to_owned(), problem });
        }
        let used = |index: usize| at.values().any(|column| *column == index);
        let unused = headings.iter().enumerate().filter(|(index, heading)| !heading.is_empty() && !used(*index));
        let unused = unused.map(|(_, heading)| heading.clone()).collect();
        let columns = Self { count: headings.len(), unused, headings: headings.to_vec(), at };
        let identity = match options.unit {
            UnitKind::Workplace => Field::UnitNumber,
            UnitKind::Company => Field::CompanyNumber,
        };
        for alternatives in
            [&[identity][..], &[Field::Name], &[Field::IndustryCode], &[Field::Employees, Field::EmployeesInterval]]
        {
            if !alternatives.iter().any(|field| columns.at.contains_key(field)) {
                let wanted: Vec<&str> = alternatives.iter().map(|field| field.key()).collect();
                let problem = format!(
                    "line {line}: no column for {}; the headings are: {}",
                    wanted.join(" or "),
                    columns.headings.join(", ")
                );
                return Err(IntakeError::File { file: file.to_owned(), problem });
            }
        }
        Ok(columns)
    }

    /// The cell of a field; empty where the row or the column ends before it.
    pub(crate) fn get<'r>(&self, cells: &'r [String], field: Field) -> &'r str {
        self.at.get(&field).and_then(|at| cells.get(*at)).map_or("", String::as_str)
    }

    /// Position and heading of a field's column, for errors.
    pub(crate) fn named(&self, field: Field) -> String {
        self.at.get(&field).map_or_else(String::new, |at| format!("{} ({})", at + 1, self.headings[*at]))
    }

    /// Fields that no column holds.
    pub(crate) fn absent(&self) -> Vec<Field> {
        Field::ALL.into_iter().filter(|field| !self.at.contains_key(field)).collect()
    }
}

/// What headings are looked for.
#[derive(Clone, Copy)]
struct Wanted {
    country: Country,
    unit: UnitKind,
    classification: Classification,
}

/// The names of a field, the best first.
fn known_names(field: Field, wanted: Wanted) -> impl Iterator<Item = &'static str> {
    let first = match field {
        Field::IndustryCode => names_with_classification(wanted.classification),
        _ => &[],
    };
    first.iter().chain(names(field, wanted.country, wanted.unit)).copied()
}

fn recognise(
    file: &str,
    line: u64,
    headings: &[String],
    wanted: Wanted,
    mapping: &Mapping,
) -> Result<BTreeMap<Field, usize>, IntakeError> {
    let fault = |index: usize, problem: String| IntakeError::Column {
        file: file.to_owned(),
        line,
        column: format!("{} ({})", index + 1, headings[index]),
        problem,
    };
    let mut at: BTreeMap<Field, usize> = BTreeMap::new();
    for (heading, field) in &mapping.0 {
        let matches: Vec<usize> = (0..headings.len()).filter(|i| fold(&headings[*i]) == fold(heading)).collect();
        match matches[..] {
            [index] => {
                if let Some(other) = at.insert(*field, index) {
                    let problem = format!("the mapping ties \"{}\" to {} too", headings[other], field.key());
                    return Err(fault(index, problem));
                }
            }
            [] => {
                let problem = format!("line {line}: the mapping names a column \"{heading}\" that is not there");
                return Err(IntakeError::File { file: file.to_owned(), problem });
            }
            [_, second, ..] => return Err(fault(second, "the heading stands twice".to_owned())),
        }
    }
    let mapped: Vec<usize> = at.values().copied().collect();
    let folded: Vec<String> = headings.iter().map(|heading| fold(heading)).collect();
    for field in Field::ALL {
        if at.contains_key(&field) {
            continue;
        }
        for name in known_names(field, wanted) {
            let mut matches = (0..folded.len()).filter(|i| folded[*i] == name && !mapped.contains(i));
            if let Some(index) = matches.next() {
                if let Some(second) = matches.next() {
                    return Err(fault(second, "the heading stands twice".to_owned()));
                }
                at.insert(field, index);
                break;
            }
        }
    }
    Ok(at)
}

/// One column as a page shows it, to be tied to a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// The heading as written; may be empty.
    pub text: String,
    /// The field it is recognised as.
    pub field: Option<Field>,
}

/// The beginning of a file: its headings with what each is recognised as, and its first rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The columns in their order.
    pub headings: Vec<Heading>,
    /// The first rows, as they stand in the file.
    pub rows: Vec<Vec<String>>,
}

/// A heading as it is remembered from one extract to the next: lower case, letters and digits only.
#[must_use]
pub fn remembered(heading: &str) -> String {
    fold(heading)
}

/// Reads the heading and the first `rows` rows of a file, for the page on which the analyst ties columns to fields. A heading
/// that stands twice is recognised once.
///
/// # Errors
/// [`IntakeError`] when that much of the file cannot be read.
pub fn inspect<R: Read + Seek>(
    file: &str,
    source: R,
    unit: UnitKind,
    classification: Classification,
    rows: usize,
) -> Result<Head, IntakeError> {
    let country = match classification {
        Classification::Db07 | Classification::Db25 => Country::Dk,
        Classification::Sni2007 | Classification::Sni2025 => Country::Se,
    };
    let mut head: Option<Head> = None;
    let end = each_row(file, source, &mut |row| {
        let Some(head) = &mut head else {
            let fields = suggested(row.cells, Wanted { country, unit, classification });
            let column =
                |(index, text): (usize, &String)| Heading { text: text.clone(), field: fields.get(&index).copied() };
            head = Some(Head { headings: row.cells.iter().enumerate().map(column).collect(), rows: Vec::new() });
            return Ok(());
        };
        if head.rows.len() == rows {
            return Err(IntakeError::Sink("enough is read".into()));
        }
        head.rows.push(row.cells.to_vec());
        Ok(())
    });
    match (head, end) {
        (Some(head), Ok(()) | Err(IntakeError::Sink(_))) => Ok(head),
        (_, Err(error)) => Err(error),
        (None, Ok(())) => {
            Err(IntakeError::File { file: file.to_owned(), problem: "the file has no heading".to_owned() })
        }
    }
}

/// The field that each column is recognised as; of two columns with one name, the first.
fn suggested(headings: &[String], wanted: Wanted) -> BTreeMap<usize, Field> {
    let folded: Vec<String> = headings.iter().map(|heading| fold(heading)).collect();
    let mut found = BTreeMap::new();
    for field in Field::ALL {
        let named = known_names(field, wanted).find_map(|name| folded.iter().position(|heading| heading == name));
        if let Some(index) = named {
            found.entry(index).or_insert(field);
        }
    }
    found
}
