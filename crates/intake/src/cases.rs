//! Closed cases: a table becomes rows, and a list of what is wrong with which field of which row.
use std::collections::BTreeMap;
use std::io::{Read, Seek};

use domain::cases::{CaseBusiness, ClosedCase, Date, authorities, authority};
use domain::language::{Country, Language, Texts};
use domain::registers::{Cfar, Cvr, OrgNumber, PNumber};
use domain::secrets::Keys;

use crate::IntakeError;
use crate::frame::parse_date;
use crate::report::choose;
use crate::table::each_row;

/// Most rows; a large municipality closes fewer cases of businesses in a year.
const MOST_ROWS: usize = 20_000;
/// Longest case id.
const LONGEST_ID: usize = 100;

/// A field of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The authority's own number of the case.
    CaseId,
    /// The business's number.
    Business,
    /// The authority.
    Authority,
    /// The day on which it was closed.
    ClosedOn,
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseFault {
    /// It is empty.
    Missing,
    /// Longer than a case id is.
    TooLong,
    /// No number of a workplace or company. Not repeated: it may be a person's.
    Number,
    /// No authority that is known.
    Authority(String),
    /// No date.
    Date(String),
    /// A day that has not come yet.
    Future(Date),
    /// The case stands in an earlier row too.
    Twice {
        /// Line of that row.
        line: u64,
    },
}

/// A field with its fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseProblem {
    /// Line in the file, 1 = the heading.
    pub line: u64,
    /// The field.
    pub field: Field,
    /// What is wrong.
    pub fault: CaseFault,
}

/// A case with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseRow {
    /// Line in the file, 1 = the heading.
    pub line: u64,
    /// The case.
    pub case: ClosedCase,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cases {
    /// The rows without fault.
    pub rows: Vec<CaseRow>,
    /// The faults of the others.
    pub problems: Vec<CaseProblem>,
}

impl Field {
    const ALL: [Self; 4] = [Self::CaseId, Self::Business, Self::Authority, Self::ClosedOn];

    /// Headings by which it is known, folded, the most telling first.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::CaseId => &[
                "case_id",
                "case id",
                "case",
                "sagsnummer",
                "sagsnr",
                "sagsnr.",
                "sags-id",
                "sag",
                "ärendenummer",
                "ärendenr",
                "diarienummer",
                "ärende",
            ],
            Self::Business => &[
                "business",
                "p-nummer",
                "p_nummer",
                "pnummer",
                "p-nr",
                "p-nr.",
                "produktionsenhed",
                "cfar-nummer",
                "cfar",
                "cfarnr",
                "arbejdssted",
                "arbetsställe",
                "cvr-nummer",
                "cvr_nummer",
                "cvrnummer",
                "cvr-nr",
                "cvr-nr.",
                "cvr",
                "organisationsnummer",
                "orgnr",
                "org.nr",
                "virksomhed",
                "företag",
            ],
            Self::Authority => &[
                "authority",
                "myndighed",
                "myndighedsområde",
                "område",
                "afdeling",
                "myndighet",
                "myndighetsområde",
                "förvaltning",
            ],
            Self::ClosedOn => &[
                "closed_on",
                "closed on",
                "closed",
                "afsluttet",
                "afsluttet den",
                "afslutningsdato",
                "lukket",
                "avslutad",
                "avslutat",
                "avslutsdatum",
                "beslutsdatum",
            ],
        }
    }

    /// What people call the field.
    #[must_use]
    pub const fn title(self, language: Language) -> &'static str {
        match self {
            Self::CaseId => choose(language, "sagsnummer", "ärendenummer", "case id"),
            Self::Business => choose(language, "virksomhed", "företag", "business"),
            Self::Authority => choose(language, "myndighed", "myndighet", "authority"),
            Self::ClosedOn => choose(language, "afsluttet", "avslutat", "closed on"),
        }
    }
}

impl CaseFault {
    /// The fault as a sentence.
    #[must_use]
    pub fn text(&self, country: Country, language: Language) -> String {
        let say = |da: String, sv: String, en: String| Texts { da, sv, en }.get(language).to_owned();
        match self {
            Self::Missing => say("Feltet er tomt.".into(), "Fältet är tomt.".into(), "The field is empty.".into()),
            Self::TooLong => say(
                format!("Længere end {LONGEST_ID} tegn."),
                format!("Längre än {LONGEST_ID} tecken."),
                format!("Longer than {LONGEST_ID} characters."),
            ),
            Self::Number => match country {
                Country::Dk => say(
                    "Ikke et P-nummer (10 cifre) eller et gyldigt CVR-nummer (8 cifre).".into(),
                    "Inget danskt P-nummer (10 siffror) eller giltigt CVR-nummer (8 siffror).".into(),
                    "Neither a P number (10 digits) nor a valid CVR number (8 digits).".into(),
                ),
                Country::Se => say(
                    "Ikke et CFAR-nummer (8 cifre) eller et gyldigt svensk organisationsnummer (10 cifre).".into(),
                    "Inget CFAR-nummer (8 siffror) eller giltigt organisationsnummer (10 siffror).".into(),
                    "Neither a CFAR number (8 digits) nor a valid organisationsnummer (10 digits).".into(),
                ),
            },
            Self::Authority(text) => {
                let known = authorities().iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(", ");
                say(
                    format!("»{text}« er ikke en kendt myndighed. Kendte er: {known}."),
                    format!("”{text}” är ingen känd myndighet. Kända är: {known}."),
                    format!("“{text}” is no authority that is known. Known are: {known}."),
                )
            }
            Self::Date(text) => say(
                format!("»{text}« er ikke en dato."),
                format!("”{text}” är inget datum."),
                format!("“{text}” is no date."),
            ),
            Self::Future(day) => say(
                format!("{day} er ikke kommet endnu."),
                format!("{day} har inte kommit än."),
                format!("{day} has not come yet."),
            ),
            Self::Twice { line } => say(
                format!("Sagen står også i række {line}."),
                format!("Ärendet står även på rad {line}."),
                format!("The case stands in row {line} too."),
            ),
        }
    }
}

/// Reads a table (CSV or XLSX) with a column for the case's id, the business's number, the authority and the closing day.
///
/// # Errors
/// [`IntakeError`] when it is no table, lacks a column, or is too long.
pub fn read<R: Read + Seek>(
    file: &str,
    source: R,
    country: Country,
    keys: &Keys,
    today: Date,
) -> Result<Cases, IntakeError> {
    let mut cases = Cases::default();
    let mut places: Option<BTreeMap<Field, Vec<usize>>> = None;
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut rows = 0;
    each_row(file, source, &mut |row| {
        let Some(places) = &places else {
            let found = heading(row.cells);
            if let Some(missing) = Field::ALL.into_iter().find(|field| !found.contains_key(field)) {
                let column = missing.names()[0].to_owned();
                let problem = "is missing in the heading".to_owned();
                return Err(IntakeError::Column { file: file.to_owned(), line: row.line, column, problem });
            }
            places = Some(found);
            return Ok(());
        };
        rows += 1;
        if rows > MOST_ROWS {
            let problem = format!("more than {MOST_ROWS} rows");
            return Err(IntakeError::File { file: file.to_owned(), problem });
        }
        // Of several columns for a field the first one that holds something.
        let cell = |field: Field| {
            let all = places.get(&field).into_iter().flatten();
            all.filter_map(|at| row.cells.get(*at)).map(|c| c.trim()).find(|c| !c.is_empty()).unwrap_or_default()
        };
        match one(&cell, country, keys, today) {
            Ok(case) => match seen.get(&case.case_id) {
                Some(line) => {
                    let fault = CaseFault::Twice { line: *line };
                    cases.problems.push(CaseProblem { line: row.line, field: Field::CaseId, fault });
                }
                None => {
                    seen.insert(case.case_id.clone(), row.line);
                    cases.rows.push(CaseRow { line: row.line, case });
                }
            },
            Err(faults) => {
                let problems = faults.into_iter().map(|(field, fault)| CaseProblem { line: row.line, field, fault });
                cases.problems.extend(problems);
            }
        }
        Ok(())
    })?;
    if places.is_none() {
        return Err(IntakeError::File { file: file.to_owned(), problem: "the file has no heading".to_owned() });
    }
    Ok(cases)
}

fn heading(cells: &[String]) -> BTreeMap<Field, Vec<usize>> {
    let folded: Vec<String> = cells.iter().map(|c| c.trim().to_lowercase()).collect();
    let mut found: BTreeMap<Field, Vec<usize>> = BTreeMap::new();
    for field in Field::ALL {
        for name in field.names() {
            let at = (0..folded.len()).filter(|at| folded[*at] == *name);
            at.for_each(|at| found.entry(field).or_default().push(at));
        }
    }
    found
}

fn one<'c>(
    cell: &dyn Fn(Field) -> &'c str,
    country: Country,
    keys: &Keys,
    today: Date,
) -> Result<ClosedCase, Vec<(Field, CaseFault)>> {
    let mut faults = Vec::new();
    let filled = |field: Field| match cell(field) {
        "" => Err((field, CaseFault::Missing)),
        text => Ok(text),
    };
    let case_id = filled(Field::CaseId).and_then(|text| {
        if text.chars().count() <= LONGEST_ID { Ok(text) } else { Err((Field::CaseId, CaseFault::TooLong)) }
    });
    let business = filled(Field::Business)
        .and_then(|text| business(text, country, keys).ok_or((Field::Business, CaseFault::Number)));
    let authority = filled(Field::Authority).and_then(|text| {
        authority(text).ok_or_else(|| (Field::Authority, CaseFault::Authority(text.chars().take(60).collect())))
    });
    let closed_on = filled(Field::ClosedOn).and_then(|text| match parse_date(text) {
        None => Err((Field::ClosedOn, CaseFault::Date(text.chars().take(60).collect()))),
        Some(day) if day > today => Err((Field::ClosedOn, CaseFault::Future(day))),
        Some(day) => Ok(day),
    });
    match (case_id, business, authority, closed_on) {
        (Ok(case_id), Ok(business), Ok(authority), Ok(closed_on)) => {
            Ok(ClosedCase { case_id: case_id.to_owned(), business, authority: authority.to_owned(), closed_on })
        }
        (a, b, c, d) => {
            faults.extend([a.err(), b.err(), c.err(), d.err()].into_iter().flatten());
            Err(faults)
        }
    }
}

/// A workplace's number or a company's; they are told apart by their digits.
fn business(text: &str, country: Country, keys: &Keys) -> Option<CaseBusiness> {
    match country {
        Country::Dk => PNumber::parse(text).map(|p| CaseBusiness::Unit(p.unit_key())).ok().or_else(|| {
            let cvr = Cvr::parse(text).ok()?;
            Some(CaseBusiness::Company { number: cvr.as_str().to_owned(), unit_key: cvr.unit_key() })
        }),
        Country::Se => Cfar::parse(text).map(|c| CaseBusiness::Unit(c.unit_key())).ok().or_else(|| {
            let number = OrgNumber::parse(text).ok()?;
            Some(CaseBusiness::Company { number: number.stored(keys), unit_key: number.unit_key(keys) })
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use domain::secrets::SecretKey;

    use super::*;

    fn read_text(text: &str) -> Result<Cases, IntakeError> {
        let keys = SecretKey::parse(&"07".repeat(32)).unwrap().keys();
        read("sager.csv", Cursor::new(text.to_owned().into_bytes()), Country::Dk, &keys, "2026-11-23".parse().unwrap())
    }

    #[test]
    fn rows_are_read_by_the_names_that_municipalities_use() {
        let cases = read_text(
            "Sagsnummer;P-nummer;CVR-nummer;Myndighed;Afsluttet\n\
             26/001;1003388394;10150817;Byggesager;03-11-2026\n26/002;;10150817;environment;2026-11-04\n",
        )
        .unwrap();
        assert_eq!(cases.problems, []);
        let [first, second] = cases.rows.as_slice() else { panic!("{:?}", cases.rows) };
        assert_eq!(first.case.business, CaseBusiness::Unit("dk:p:1003388394".into()));
        assert_eq!((first.line, first.case.authority.as_str()), (2, "building"));
        assert_eq!(first.case.closed_on.to_string(), "2026-11-03");
        let company = CaseBusiness::Company { number: "10150817".into(), unit_key: "dk:cvr:10150817".into() };
        assert_eq!((&second.case.business, second.case.authority.as_str()), (&company, "environment"));
    }

    #[test]
    fn every_fault_is_told_by_line_and_field() {
        let cases = read_text(
            "case_id,business,authority,closed_on\n,1003388394,building,2026-11-01\na,123,parking,2026-13-01\n\
             b,10150818,building,2026-11-24\nc,1003388394,building,2026-11-01\nc,1003388394,building,2026-11-01\n",
        )
        .unwrap();
        let told: Vec<(u64, Field)> = cases.problems.iter().map(|p| (p.line, p.field)).collect();
        assert_eq!(
            told,
            [
                (2, Field::CaseId),
                (3, Field::Business),
                (3, Field::Authority),
                (3, Field::ClosedOn),
                (4, Field::Business),
                (4, Field::ClosedOn),
                (6, Field::CaseId)
            ]
        );
        assert_eq!(cases.problems[6].fault, CaseFault::Twice { line: 5 });
        assert_eq!(cases.rows.len(), 1);
        for problem in &cases.problems {
            for language in Language::ALL {
                assert!(!problem.fault.text(Country::Dk, language).is_empty());
            }
        }
    }

    #[test]
    fn a_missing_column_and_an_empty_file_are_told() {
        let error = read_text("case_id;business;authority\n").unwrap_err().to_string();
        assert!(error.contains("closed_on"), "{error}");
        assert!(read_text("").is_err());
        assert_eq!(read_text("case_id;business;authority;closed_on\n").unwrap(), Cases::default());
    }
}
