//! Register extracts as municipalities get them, made by the tests.
use std::io::Cursor;

use domain::language::Language;
use domain::secrets::SecretKey;
use proptest::prelude::*;

use super::*;
use crate::headings::inspect;
use crate::report::ReportWriter;

const HEADING: &str = "CVR-nummer;P-nummer;Navn;Branchekode;Antal ansatte;Interval kode;Ansatte i virksomheden;Virksomhedsform;Status;Startdato;Ophørsdato;E-mail;Telefon;Adresse;Postnummer;By;Kommunekode;Reklamebeskyttet;Bemærkning";
const SMITH: &str = "10150817;1003388394;Ærø Smede;45.20.10;12;;30;Anpartsselskab;Normal;29-02-2020;;info@smed.dk;12 34 56 78;Smedegade 1;4600;Køge;259;nej;";

struct Case {
    country: Country,
    unit: UnitKind,
    classification: Classification,
    mapping: Mapping,
    extract_date: Option<&'static str>,
}

const DANISH: Case = Case {
    country: Country::Dk,
    unit: UnitKind::Workplace,
    classification: Classification::Db07,
    mapping: Mapping(BTreeMap::new()),
    extract_date: Some("2024-03-01"),
};
const SWEDISH: Case = Case {
    country: Country::Se,
    unit: UnitKind::Workplace,
    classification: Classification::Sni2007,
    mapping: Mapping(BTreeMap::new()),
    extract_date: None,
};

impl Case {
    fn read(&self, bytes: &[u8]) -> Result<(Summary, Vec<RowOutcome>), IntakeError> {
        self.read_with(bytes, &mut |_| {})
    }

    fn read_with(
        &self,
        bytes: &[u8],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Summary, Vec<RowOutcome>), IntakeError> {
        self.read_columns(bytes, None, progress)
    }

    fn read_columns(
        &self,
        bytes: &[u8],
        columns: Option<&BTreeMap<Field, usize>>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Summary, Vec<RowOutcome>), IntakeError> {
        let keys = SecretKey::parse(&"07".repeat(32)).unwrap().keys();
        let options = FrameOptions {
            country: self.country,
            unit: self.unit,
            classification: self.classification,
            grouping: Grouping::shipped("htk").unwrap(),
            sizes: SizeClasses::default_for(self.country),
            eligibility: Eligibility::shipped(),
            municipality_codes: &["0259".to_owned()],
            own_numbers: &["29 18 93 74".to_owned()],
            extract_date: self.extract_date,
            mapping: &self.mapping,
            columns,
            keys: &keys,
        };
        let mut outcomes = Vec::new();
        let summary = read("udtræk.csv", Cursor::new(bytes), &options, progress, &mut |outcome| {
            outcomes.push(outcome);
            Ok::<(), std::io::Error>(())
        })?;
        Ok((summary, outcomes))
    }
}

/// The shop with some of its cells replaced, by heading.
fn smith(changes: &[(&str, &str)]) -> String {
    let mut cells: Vec<&str> = SMITH.split(';').collect();
    for (heading, cell) in changes {
        let at = HEADING.split(';').position(|h| h == *heading).unwrap();
        cells[at] = cell;
    }
    cells.join(";")
}

fn one(changes: &[(&str, &str)]) -> RowOutcome {
    let text = format!("{HEADING}\n{}\n", smith(changes));
    DANISH.read(text.as_bytes()).unwrap().1.remove(0)
}

fn taken(outcome: &RowOutcome) -> (&FrameUnit, &[Note]) {
    match &outcome.result {
        RowResult::Taken(unit, notes) => (unit, notes),
        RowResult::LeftOut(reason) => panic!("left out: {reason:?}"),
    }
}

fn reason(outcome: &RowOutcome) -> String {
    match &outcome.result {
        RowResult::LeftOut(reason) => reason.key(),
        RowResult::Taken(..) => "taken".to_owned(),
    }
}

#[test]
fn a_danish_row_becomes_a_frame_unit() {
    let outcome = one(&[]);
    let (unit, notes) = taken(&outcome);
    let expected = FrameUnit {
        unit_key: "dk:p:1003388394".into(),
        country: Country::Dk,
        company_number: Some("10150817".into()),
        name: "Ærø Smede".into(),
        street: "Smedegade 1".into(),
        postcode: "4600".into(),
        city: "Køge".into(),
        industry_code: "45.20.10".into(),
        classification: Classification::Db07,
        employees_low: 12,
        employees_high: Some(12),
        company_employees_low: Some(30),
        company_employees_high: Some(30),
        sector: "trade".into(),
        size: "10-49".into(),
        area: None,
        started_on: Some("2020-02-29".into()),
        email: Some("info@smed.dk".into()),
        phone: Some("12 34 56 78".into()),
        protected: false,
    };
    assert_eq!((unit, notes), (&expected, &[][..]));
    assert_eq!((outcome.row, outcome.unit.as_str()), (2, "1003388394"));
}

#[test]
fn every_delimiter_encoding_and_format_gives_the_same_units() {
    let text = format!("{HEADING}\n{SMITH}\n{}\n", smith(&[("P-nummer", "1003388395"), ("Navn", "Kød & Grønt")]));
    let expected = DANISH.read(text.as_bytes()).unwrap();
    assert_eq!(expected.0.taken, 2);
    for delimiter in [";", ",", "\t"] {
        let text = text.replace(';', delimiter);
        let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
        for bytes in [text.as_bytes(), format!("\u{feff}{text}").as_bytes(), &latin] {
            assert_eq!(DANISH.read(bytes).unwrap(), expected);
        }
    }
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, line) in text.lines().enumerate() {
        for (column, cell) in line.split(';').enumerate() {
            let (row, column) = (u32::try_from(row).unwrap(), u16::try_from(column).unwrap());
            match cell.parse::<f64>() {
                Ok(number) => sheet.write(row, column, number).unwrap(),
                Err(_) => sheet.write(row, column, cell).unwrap(),
            };
        }
    }
    assert_eq!(DANISH.read(&book.save_to_buffer().unwrap()).unwrap(), expected);
}

#[test]
fn every_row_that_is_left_out_says_why() {
    for (changes, key) in [
        (&[("P-nummer", "")][..], "missing:unit_number"),
        (&[("P-nummer", "100338839")], "bad_number:unit_number"),
        (&[("CVR-nummer", "10150818")], "bad_number:company_number"),
        (&[("Navn", "")], "missing:name"),
        (&[("Branchekode", "")], "missing:industry_code"),
        (&[("Branchekode", "95.31.00")], "unknown_code"),
        (&[("Branchekode", "Smed")], "unknown_code"),
        (&[("Antal ansatte", "mange")], "bad_size"),
        (&[("Antal ansatte", ""), ("Interval kode", "10")], "bad_size"),
        (&[("Antal ansatte", ""), ("Interval kode", "1-4")], "no_size_class"),
        (&[("Kommunekode", "169")], "other_municipality"),
        (&[("Ophørsdato", "i fjor")], "bad_date:ended_on"),
        (&[("Ophørsdato", "2024-02-29")], "not_eligible:ceased"),
        (&[("CVR-nummer", "29189374")], "not_eligible:own_units"),
        (&[("Status", "Under konkurs")], "not_eligible:bankrupt"),
        (&[("Virksomhedsform", "Region")], "not_eligible:public_units"),
        (&[("Antal ansatte", "0")], "not_eligible:no_staff"),
        (&[("Antal ansatte", "0"), ("Branchekode", "642020")], "not_eligible:shells"),
        // A rule of the population comes before a fault of the row.
        (&[("Ophørsdato", "2019-12-31"), ("Branchekode", "00.00.00")], "not_eligible:ceased"),
    ] {
        assert_eq!(reason(&one(changes)), key, "{changes:?}");
    }
}

#[test]
fn a_row_that_is_taken_keeps_what_is_to_be_known_of_it() {
    for (changes, notes) in [
        (&[("E-mail", "")][..], &[Note::NoEmail][..]),
        (&[("E-mail", "ingen")], &[Note::InvalidEmail]),
        (&[("Reklamebeskyttet", "Ja")], &[Note::Protected]),
        (&[("Startdato", "31-02-2020")], &[Note::InvalidStartDate]),
        (&[("Ansatte i virksomheden", "?")], &[Note::InvalidCompanyEmployees]),
        (&[("Branchekode", "999999")], &[Note::IndustryNotStated]),
        (&[("Antal ansatte", ""), ("Virksomhedsform", "ENK")], &[Note::NoEmployeesStated]),
        (&[("Ophørsdato", "2024-03-02")], &[]),
        (&[("Ophørsdato", "9999-12-31")], &[]),
        (&[("Kommunekode", "")], &[]),
        (&[("Antal ansatte", ""), ("Interval kode", "ANTAL_10_19")], &[]),
        (&[("Antal ansatte", ""), ("Interval kode", "1")], &[]),
    ] {
        let outcome = one(changes);
        assert_eq!(taken(&outcome).1, notes, "{changes:?}");
    }
    assert!(taken(&one(&[("Reklamebeskyttet", "1")])).0.protected);
    assert_eq!(taken(&one(&[("E-mail", "ingen")])).0.email, None);
}

#[test]
fn a_unit_counts_once() {
    let text = format!("{HEADING}\n{}\n{SMITH}\n", smith(&[("Branchekode", "00.00.00")]));
    let (summary, outcomes) = DANISH.read(text.as_bytes()).unwrap();
    assert_eq!(outcomes.iter().map(reason).collect::<Vec<_>>(), ["unknown_code", "duplicate"]);
    assert!(matches!(outcomes[1].result, RowResult::LeftOut(LeftOut::Duplicate { first_row: 2 })));
    assert_eq!((summary.rows, summary.taken), (2, 0));
    let company = Case { unit: UnitKind::Company, ..DANISH };
    let two = format!("{HEADING}\n{SMITH}\n{}\n", smith(&[("P-nummer", "1003388395")]));
    let (_, outcomes) = company.read(two.as_bytes()).unwrap();
    assert_eq!(taken(&outcomes[0]).0.unit_key, "dk:cvr:10150817");
    assert_eq!(reason(&outcomes[1]), "duplicate");
}

#[test]
fn the_summary_counts_every_row_once() {
    let rows = [
        smith(&[]),
        smith(&[("P-nummer", "1003388395"), ("E-mail", "")]),
        smith(&[("P-nummer", "1003388396"), ("Status", "OPHØRT")]),
        smith(&[("P-nummer", "1003388397"), ("Branchekode", "49.41.00"), ("Antal ansatte", "3")]),
    ];
    let mut told = Vec::new();
    let text = format!("{HEADING}\n{}\n", rows.join("\n"));
    let (summary, _) = DANISH.read_with(text.as_bytes(), &mut |progress| told.push(progress)).unwrap();
    assert_eq!((summary.rows, summary.taken), (4, 3));
    assert_eq!(summary.left_out, [("not_eligible:ceased_state".to_owned(), 1)].into());
    assert_eq!(summary.notes, [(Note::NoEmail, 1)].into());
    assert_eq!(summary.sectors, [("trade".to_owned(), 2), ("transport".to_owned(), 1)].into());
    assert_eq!(summary.sizes, [("10-49".to_owned(), 2), ("2-9".to_owned(), 1)].into());
    assert_eq!(summary.unused_columns, ["Bemærkning"]);
    assert!(summary.absent.contains(&Field::Area) && !summary.absent.contains(&Field::Protected));
    let length = text.len() as u64;
    assert_eq!(told.last(), Some(&Progress { rows: 4, bytes: length, total_bytes: length }));
}

#[test]
fn a_swedish_extract_hides_sole_traders() {
    // 811218-9876 is the textbook personnummer, 212000-0142 a municipality's number.
    let text = "CFAR-nummer;Organisationsnummer;Benämning;SNI-kod;Storleksklass;Juridisk form;Besöksadress;Postort;E-post\n\
        19123456;811218-9876;Anna Målare;43340;0 anställda;10;Storgatan 1;Kristianstad;anna@malare.se\n\
        19123457;212000-0142;Åkeri;49.410;1-4 anställda;49;Hamngatan 2;Åhus;\n\
        19123458;811218-9877;Fel;49.410;1-4 anställda;49;Hamngatan 2;Åhus;\n\
        19123459;212000-0142;Kod;49.410;3;49;Hamngatan 2;Åhus;\n";
    let (summary, outcomes) = SWEDISH.read(text.as_bytes()).unwrap();
    let (painter, _) = taken(&outcomes[0]);
    assert_eq!((painter.sector.as_str(), painter.size.as_str()), ("construction", "0"));
    assert!(painter.company_number.as_ref().unwrap().starts_with("hash:"));
    assert_eq!(taken(&outcomes[1]).0.company_number.as_deref(), Some("2120000142"));
    assert_eq!(taken(&outcomes[1]).0.size, "1-4");
    assert_eq!(reason(&outcomes[2]), "bad_number:company_number");
    // The code of a size class is no number of employees.
    assert_eq!(reason(&outcomes[3]), "bad_size");
    assert!(summary.absent.contains(&Field::Protected));

    let company = Case { unit: UnitKind::Company, ..SWEDISH };
    let (_, outcomes) = company.read(text.as_bytes()).unwrap();
    assert!(taken(&outcomes[0]).0.unit_key.starts_with("se:org:hash:"));
    let mut report = ReportWriter::new(Vec::new(), Language::Sv).unwrap();
    for outcome in &outcomes {
        report.row(outcome).unwrap();
    }
    let report = String::from_utf8(report.finish().unwrap()).unwrap();
    for text in [report, format!("{outcomes:?}")] {
        assert!(!text.contains("811218") && !text.contains("9876"), "{text}");
    }
}

#[test]
fn a_file_without_an_obligatory_column_is_refused() {
    let fault = |text: &str| DANISH.read(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        fault("P-nr;Navn;Ansatte\n"),
        "udtræk.csv: line 1: no column for industry_code; the headings are: P-nr, Navn, Ansatte"
    );
    assert!(fault("P-nr;Navn;Branchekode\n").contains("no column for employees or employees_interval"));
    assert_eq!(
        fault("P-nr;Navn;P-nr;Ansatte;Branchekode\n"),
        "udtræk.csv: line 1, column 3 (P-nr): the heading stands twice"
    );
    assert_eq!(
        fault(&format!("{HEADING}\n{}\n", smith(&[("Reklamebeskyttet", "måske")]))),
        "udtræk.csv: line 2, column 18 (Reklamebeskyttet): neither yes nor no (ja/nej, 1/0)"
    );
    assert_eq!(
        fault(&format!("{HEADING}\n{SMITH};for meget\n")),
        "udtræk.csv: line 2, column 20: the row has a cell beyond the heading's 19 columns"
    );
    assert_eq!(fault("\n\n"), "udtræk.csv: the file has no heading");
}

#[test]
fn headings_can_be_tied_to_fields() {
    let text = "Nr;Hvem;Kode;Folk;Navn\n1003388394;Ærø Smede;452010;12;Ejeren\n";
    let mapping: Vec<(String, Field)> = vec![
        ("nr".into(), Field::UnitNumber),
        ("Hvem".into(), Field::Name),
        ("Kode".into(), Field::IndustryCode),
        ("Folk".into(), Field::Employees),
    ];
    let case = Case { mapping: Mapping(mapping.into_iter().collect()), ..DANISH };
    let (summary, outcomes) = case.read(text.as_bytes()).unwrap();
    assert_eq!(taken(&outcomes[0]).0.name, "Ærø Smede");
    assert_eq!(summary.unused_columns, ["Navn"]);
    let fault = case.read(b"Nr;Hvem;Kode\n").unwrap_err().to_string();
    assert_eq!(fault, "udtræk.csv: line 1: the mapping names a column \"Folk\" that is not there");

    let head = |text: &'static str| inspect("f.csv", Cursor::new(text), UnitKind::Workplace, Classification::Db07, 2);
    let seen = head(text).unwrap();
    let fields: Vec<_> = seen.headings.iter().map(|heading| (heading.text.as_str(), heading.field)).collect();
    assert_eq!(fields[0], ("Nr", None));
    assert_eq!(fields[4], ("Navn", Some(Field::Name)));
    assert_eq!(seen.rows.len(), 1);
    assert!(head("").is_err());
    let twice = head("Navn;Navn;\na;b;c\nd;e;f\ng;h;i\n").unwrap();
    let fields: Vec<_> = twice.headings.iter().map(|heading| heading.field).collect();
    assert_eq!(
        (fields, twice.rows.len()),
        (vec![Some(Field::Name), None, None], 2),
        "enough is read, the first one counts"
    );
}

#[test]
fn columns_chosen_one_by_one_are_taken_as_they_are() {
    let text = "Navn;Navn;;Kode;Folk\nEjeren;Ærø Smede;1003388394;452010;12\n";
    let columns = [(Field::UnitNumber, 2), (Field::Name, 1), (Field::IndustryCode, 3), (Field::Employees, 4)];
    let chosen = BTreeMap::from(columns);
    let (summary, outcomes) = DANISH.read_columns(text.as_bytes(), Some(&chosen), &mut |_| {}).unwrap();
    assert_eq!(taken(&outcomes[0]).0.name, "Ærø Smede", "of two columns with one name the chosen one");
    assert_eq!(summary.unused_columns, ["Navn"]);
    let fault = DANISH.read_columns(b"Navn;Kode\n", Some(&chosen), &mut |_| {}).unwrap_err().to_string();
    assert_eq!(fault, "udtræk.csv: line 1: there is no column 3");
    let without = BTreeMap::from([(Field::UnitNumber, 2), (Field::Name, 1), (Field::Employees, 4)]);
    let fault = DANISH.read_columns(text.as_bytes(), Some(&without), &mut |_| {}).unwrap_err().to_string();
    assert!(fault.contains("no column for industry_code"), "{fault}");
}

#[test]
fn an_extract_with_codes_of_two_classifications_gives_the_right_one() {
    let text = "P-nr;Navn;Ansatte;Branchekode (DB07);Branchekode (DB25)\n1003388394;Ærø Smede;12;45.20.10;95.31.00\n";
    for (classification, code) in [(Classification::Db07, "45.20.10"), (Classification::Db25, "95.31.00")] {
        let (_, outcomes) = Case { classification, ..DANISH }.read(text.as_bytes()).unwrap();
        let (unit, _) = taken(&outcomes[0]);
        assert_eq!((unit.industry_code.as_str(), unit.sector.as_str()), (code, "trade"));
    }
    let other = text.replace(" (DB25)", " 2").replace("DB07", "DB25");
    assert!(DANISH.read(other.as_bytes()).unwrap_err().to_string().contains("no column for industry_code"));
}

#[test]
fn every_field_has_its_key() {
    for field in Field::ALL {
        assert_eq!(Field::parse(field.key()), Some(field));
        let json = format!("\"{}\"", field.key());
        assert_eq!(format!("{:?}", serde_json::from_str::<Field>(&json).unwrap()), format!("{field:?}"));
    }
}

#[test]
fn the_report_opens_in_a_spreadsheet() {
    let text = format!("{HEADING}\n{}\n{SMITH}\n{SMITH}\n", smith(&[("Navn", "=1+1; \"sjov\""), ("P-nummer", "7")]));
    let text = text.replace("=1+1; \"sjov\"", "\"=1+1; \"\"sjov\"\"\"");
    let (_, outcomes) = DANISH.read(text.as_bytes()).unwrap();
    let mut report = ReportWriter::new(Vec::new(), Language::Da).unwrap();
    for outcome in &outcomes {
        report.row(outcome).unwrap();
    }
    let report = String::from_utf8(report.finish().unwrap()).unwrap();
    let lines: Vec<&str> = report.split("\r\n").collect();
    assert_eq!(lines[0], "\u{feff}Række;Enhed;Navn;Resultat;Felt;Forklaring");
    assert_eq!(lines[1], "2;;\"'=1+1; \"\"sjov\"\"\";udeladt;P-nummer;P-nummer skal have 10 cifre.");
    assert_eq!(lines[2], "3;1003388394;Ærø Smede;med;;");
    assert_eq!(lines[3], "4;1003388394;Ærø Smede;udeladt;P-nummer;Enheden står også i række 3.");
}

#[test]
fn a_sink_that_fails_stops_the_file() {
    let keys = SecretKey::parse(&"07".repeat(32)).unwrap().keys();
    let options = FrameOptions {
        country: Country::Dk,
        unit: UnitKind::Workplace,
        classification: Classification::Db07,
        grouping: Grouping::shipped("dst10").unwrap(),
        sizes: SizeClasses::default_for(Country::Dk),
        eligibility: Eligibility::shipped(),
        municipality_codes: &[],
        own_numbers: &[],
        extract_date: None,
        mapping: &Mapping::default(),
        columns: None,
        keys: &keys,
    };
    let text = format!("{HEADING}\n{SMITH}\n{SMITH}\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let mut rows = 0;
    let result = read_path(file.path(), &options, &mut |_| {}, &mut |_| {
        rows += 1;
        Err(std::io::Error::other("the database is gone"))
    });
    assert_eq!((result.unwrap_err().to_string().as_str(), rows), ("the database is gone", 1));
    let missing = read_path(Path::new("findes-ikke.csv"), &options, &mut |_| {}, &mut |_| Ok::<(), std::io::Error>(()));
    assert!(missing.unwrap_err().to_string().starts_with("findes-ikke.csv: "));
}

proptest! {
    #[test]
    fn no_row_is_lost(cells in proptest::collection::vec("[0-9a-zæ@. -]{0,12}", 0..60)) {
        let rows: Vec<String> = cells.chunks(5).map(|row| row.join(";")).collect();
        let text = format!("P-nr;Navn;Branchekode;Ansatte;E-mail\n{}\n", rows.join("\n"));
        let (summary, outcomes) = DANISH.read(text.as_bytes()).unwrap();
        let not_empty = rows.iter().filter(|row| row.split(';').any(|cell| !cell.trim().is_empty())).count();
        prop_assert_eq!(outcomes.len(), not_empty);
        prop_assert_eq!(summary.rows, summary.taken + summary.left_out.values().sum::<u64>());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = DANISH.read(&bytes);
        let _ = DANISH.read(&[b"P-nr;Navn;Branchekode;Ansatte\n", &bytes[..]].concat());
    }

    #[test]
    fn dates_are_read_in_every_order(year in 1900i16..2100, month in 1i8..13, day in 1i8..29) {
        let date = Date::new(year, month, day).unwrap();
        for text in [
            format!("{year}-{month:02}-{day:02}"),
            format!("{day:02}-{month:02}-{year}"),
            format!("{day}.{month}.{year}"),
            format!("{year}{month:02}{day:02}"),
            format!("{year}-{month:02}-{day:02}T00:00:00"),
        ] {
            prop_assert_eq!(parse_date(&text), Some(date));
        }
    }
}
