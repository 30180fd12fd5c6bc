//! Exports as other survey tools write them, made by the tests.
use std::convert::Infallible;
use std::io::Cursor;

use domain::industry::Classification;
use domain::questionnaire::shipped;
use domain::secrets::SecretKey;

use super::*;

/// What every mapping begins with.
const HEAD: &str = "unit = { column = \"pnr\", kind = \"workplace\" }\ndate = { value = \"2023-05-12\" }\n";

fn unit(key: &str, company: &str, email: &str) -> FrameUnit {
    FrameUnit {
        unit_key: key.to_owned(),
        country: Country::Dk,
        company_number: Some(company.to_owned()),
        name: "Smedjen".to_owned(),
        street: String::new(),
        postcode: String::new(),
        city: String::new(),
        industry_code: "43.20.00".to_owned(),
        classification: Classification::Db07,
        employees_low: 3,
        employees_high: Some(3),
        company_employees_low: None,
        company_employees_high: None,
        sector: "construction".to_owned(),
        size: "1-9".to_owned(),
        area: None,
        started_on: None,
        email: Some(email.to_owned()),
        phone: None,
        protected: false,
    }
}

fn mapping(text: &str) -> Result<Mapping, IntakeError> {
    Mapping::parse("m.toml", text, &shipped())
}

/// The faults of the questions after [`HEAD`].
fn faults(questions: &str) -> Vec<String> {
    match mapping(&format!("{HEAD}{questions}")) {
        Err(IntakeError::Mapping { file, faults }) => {
            assert_eq!(file, "m.toml");
            faults
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the mapping has no fault"),
    }
}

fn read_in(country: Country, text: &str, table: &str) -> Result<(Summary, Vec<RowOutcome>), IntakeError> {
    let keys = SecretKey::parse(&"07".repeat(32)).unwrap().keys();
    let mut units = Units::default();
    for (number, company) in [(1, "10150817"), (2, "29189374"), (3, "29189374")] {
        units.add(&unit(&format!("dk:p:100000000{number}"), company, &format!("post{number}@smed.dk")));
    }
    let trader = OrgNumber::parse("811228-9874").unwrap();
    assert!(trader.is_sole_trader());
    units.add(&unit("se:cfar:12345678", &trader.stored(&keys), "ida@firma.se"));
    let (mapping, mut rows) = (mapping(text)?, Vec::new());
    let options = Options { country, units: &units, keys: &keys };
    let mut sink = |row| {
        rows.push(row);
        Ok::<_, Infallible>(())
    };
    let summary = read("f.csv", Cursor::new(table.as_bytes()), &mapping, &options, &mut sink)?;
    Ok((summary, rows))
}

fn read_all(text: &str, table: &str) -> (Summary, Vec<RowOutcome>) {
    read_in(Country::Dk, text, table).unwrap()
}

/// The answers of the only data row, `key=value`, with the questions after [`HEAD`] as the mapping.
fn answers(questions: &str, table: &str) -> Vec<String> {
    let (_, rows) = read_all(&format!("{HEAD}{questions}"), table);
    match &rows[..] {
        [RowOutcome { result: RowResult::Taken(response, _), .. }] => {
            response.answers.0.iter().map(|(key, value)| format!("{key}={value}")).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// What a value of one column `q` becomes for a question; blank as the empty text.
fn becomes(question: &str, value: &str) -> String {
    let table = format!("pnr;q;also\n1000000001;{value};1\n");
    let all = answers(&format!("{question}\n[questions.nki_ideal]\ncolumn = \"also\"\n"), &table);
    let mut others = all.iter().filter(|answer| !answer.starts_with("nki_ideal"));
    others.next().map(|answer| answer.split_once('=').unwrap().1.to_owned()).unwrap_or_default()
}

fn left_out(row: &RowOutcome) -> &LeftOut {
    match &row.result {
        RowResult::LeftOut(reason) => reason,
        taken => panic!("{taken:?}"),
    }
}

#[test]
fn a_table_of_codes_recodes_words() {
    let question = "[questions.overall]\ncolumn = \"q\"\ncodes = { \"Meget tilfreds\" = 5, Tilfreds = 4, \"Ved ikke\" = \"dk\", Uoplyst = \"\" }\n";
    assert_eq!(becomes(question, "Meget tilfreds"), "5");
    assert_eq!(becomes(question, "  meget   TILFREDS "), "5");
    assert_eq!(becomes(question, "Ved ikke"), "dk");
    assert_eq!(becomes(question, "uoplyst"), "");
    assert_eq!(becomes(question, ""), "");
}

#[test]
fn without_recoding_the_points_stand_for_themselves() {
    let question = "[questions.overall]\ncolumn = \"q\"\n";
    for (value, point) in [("4", "4"), ("4.00", "4"), ("4,00", "4"), ("04", "4"), ("dk", "dk")] {
        assert_eq!(becomes(question, value), point, "{value}");
    }
}

#[test]
fn a_scale_is_turned() {
    let question = "[questions.overall]\ncolumn = \"q\"\nreverse = true\n";
    assert_eq!(["1", "2", "3", "4", "5"].map(|v| becomes(question, v)), ["5", "4", "3", "2", "1"]);
}

#[test]
fn a_scale_is_stretched_and_shrunk() {
    let on = |key: &str, linear: &str| format!("[questions.{key}]\ncolumn = \"q\"\nlinear = {{ {linear} }}\n");
    let wide = on("nki_satisfaction", "from = [1, 5], to = [1, 10], halves = \"up\"");
    assert_eq!(["1", "2", "3", "4", "5"].map(|v| becomes(&wide, v)), ["1", "3", "6", "8", "10"]);
    let down = on("nki_satisfaction", "from = [1, 5], to = [1, 10], halves = \"down\"");
    assert_eq!(becomes(&down, "3"), "5");
    let narrow = on("overall", "from = [0, 10], to = [1, 5]");
    assert_eq!(["0", "1", "2", "5", "8", "10"].map(|v| becomes(&narrow, v)), ["1", "1", "2", "3", "4", "5"]);
    let turned = on("overall", "from = [0, 100], to = [5, 1], halves = \"up\"");
    assert_eq!(["0", "50", "100"].map(|v| becomes(&turned, v)), ["5", "3", "1"]);
    let halfway = faults(&on("nki_satisfaction", "from = [1, 5], to = [1, 10]"));
    assert_eq!(halfway.len(), 1);
    assert!(halfway[0].contains("3 lies halfway between 5 and 6"), "{halfway:?}");
    assert!(faults(&on("overall", "from = [1, 7], to = [1, 7]"))[0].contains("leaves the questionnaire's scale, 1–5"));
    assert!(faults(&on("overall", "from = [7, 1], to = [1, 5]"))[0].contains("turn \"to\""));
}

#[test]
fn missing_codes_are_blank_and_the_other_two_are_kept() {
    let top = "missing = [99, \"#NULL!\"]\ndk = [98]\nna = [97]\n";
    let question = |key: &str, extra: &str| {
        format!("{HEAD}{top}[questions.{key}]\ncolumn = \"q\"\n{extra}[questions.nki_ideal]\ncolumn = \"also\"\n")
    };
    let becomes = |key: &str, value: &str| {
        let (_, rows) = read_all(&question(key, ""), &format!("pnr;q;also\n1000000001;{value};1\n"));
        let RowResult::Taken(response, _) = &rows[0].result else { panic!("{rows:?}") };
        response.answers.get(key).map(str::to_owned)
    };
    assert_eq!(becomes("cond_transit", "99.00"), None);
    assert_eq!(becomes("cond_transit", "#null!"), None);
    assert_eq!(becomes("cond_transit", "98").as_deref(), Some("dk"));
    assert_eq!(becomes("cond_transit", "97").as_deref(), Some("na"));
    assert_eq!(becomes("overall", "97"), None, "not offered there");
    // The question's own list replaces the common one, and must fit.
    let own = mapping(&question("overall", "na = [6]\n")).unwrap_err().to_string();
    assert!(own.contains("does not offer \"na\" here"), "{own}");
    let both = faults("missing = []\n[questions.nki_satisfaction]\ncolumn = \"q\"\ndk = [9]\n");
    assert!(both[0].contains("\"9\" is an answer and a code of \"dk\" at once"), "{both:?}");
}

#[test]
fn ticks_stand_in_columns_of_their_own_or_in_one() {
    let columns = "[questions.contact]\noptions = { building = \"a\", waste = \"b\", none = \"c\" }\n";
    let table = |cells: &str| format!("pnr;a;b;c\n1000000001;{cells}\n");
    let both = ["contact.building=1", "contact.none=0", "contact.waste=1"];
    assert_eq!(answers(columns, &table("Ja;1;Nej")), both);
    assert_eq!(answers(columns, &table("Y;x;")), both);
    let labels = format!("{columns}ticked = [\"*\"]\nnot_ticked = [\"Not selected\"]\n");
    assert_eq!(answers(&labels, &table("Byggesager;Affald;Not selected")), both);
    let one = "[questions.contact]\ncolumn = \"a\"\nseparator = \"|\"\ncodes = { Byggesag = \"building\", Affald = \"waste\", Ingen = \"none\" }\n";
    assert_eq!(answers(one, &table("affald| Byggesag ;;")), both);

    let text = format!("{HEAD}{columns}[questions.overall]\ncolumn = \"q\"\n");
    let (summary, rows) = read_all(&text, "pnr;a;b;c;q\n1000000001;1;0;1;5\n1000000002;0;0;0;4\n1000000003;0;0;0;\n");
    let RowResult::Taken(response, notes) = &rows[0].result else { panic!("{rows:?}") };
    assert_eq!((response.answers.0.len(), &notes[..]), (1, &[Note::NotAlone("contact".to_owned())][..]));
    let RowResult::Taken(silent, _) = &rows[1].result else { panic!("{rows:?}") };
    assert_eq!(silent.answers.0.len(), 1, "no tick is silence, as here");
    assert_eq!(left_out(&rows[2]), &LeftOut::NoAnswers);
    assert_eq!((summary.answered["contact"], summary.answered["overall"]), (0, 2));

    let four = ["labour", "green", "tourism", "premises"].map(|c| format!("{c} = \"{c}\"")).join(", ");
    let text = format!("{HEAD}[questions.priorities]\noptions = {{ {four} }}\n[questions.overall]\ncolumn = \"q\"\n");
    let (_, rows) = read_all(&text, "pnr;q;labour;green;tourism;premises\n1000000001;3;1;1;1;1\n");
    assert!(
        matches!(&rows[0].result, RowResult::Taken(_, notes) if notes[..] == [Note::TooManyTicks("priorities".into())])
    );
}

#[test]
fn the_status_follows_the_share_of_answered_questions() {
    let keys = ["overall", "nki_satisfaction", "nki_expectations", "nki_ideal"];
    let questions: String = keys.iter().map(|key| format!("[questions.{key}]\ncolumn = \"{key}\"\n")).collect();
    let text = format!(
        "{HEAD}{questions}[questions.does_well]\ncolumn = \"t\"\n[questions.outlook_employees]\ncolumn = \"o\"\ncounts = false\n"
    );
    let heading = format!("pnr;{};t;o", keys.join(";"));
    let table = format!("{heading}\n1000000001;1;1;1;1;;\n1000000002;1;;1;;godt;1\n1000000003;1;;;;;\n");
    let (summary, _) = read_all(&text, &table);
    assert_eq!(summary.statuses, BTreeMap::from([("complete", 1), ("partial", 1), ("started", 1)]));
    let (summary, _) = read_all(&format!("status = {{ complete = 0.5, partial = 0.25 }}\n{text}"), &table);
    assert_eq!(summary.statuses, BTreeMap::from([("complete", 2), ("partial", 1)]));
}

#[test]
fn every_row_ends_in_a_named_outcome() {
    let text = "unit = { column = \"pnr\", kind = \"workplace\" }\ndate = { column = \"d\" }\n[questions.overall]\ncolumn = \"q\"\n";
    let table = "pnr;d;q\n1000000001;12-05-2023;5\n1000000001;13-05-2023;4\n;13-05-2023;\n;13-05-2023;4\n12;13-05-2023;4\n1999999999;13-05-2023;4\n\
                 1000000002;;4\n1000000002;i går;4\n1000000003;;\n1000000003.00;2023-05-14 10:11;2\n";
    let (summary, rows) = read_all(text, table);
    let reasons: Vec<&str> = rows
        .iter()
        .map(|row| match &row.result {
            RowResult::Taken(..) => "taken",
            RowResult::LeftOut(reason) => reason.key(),
        })
        .collect();
    assert_eq!(
        reasons,
        [
            "taken",
            "duplicate",
            "no_answers",
            "missing_unit",
            "bad_unit",
            "not_in_frame",
            "missing_date",
            "bad_date",
            "no_answers",
            "taken"
        ]
    );
    assert_eq!(left_out(&rows[1]), &LeftOut::Duplicate { first_row: 2 });
    assert_eq!(rows[9].row, 11);
    assert_eq!(summary.rows, 10);
    assert_eq!(summary.taken + summary.left_out.values().sum::<u64>(), summary.rows);
    assert_eq!(
        summary.days.map(|(a, b)| (a.to_string(), b.to_string())),
        Some(("2023-05-12".into(), "2023-05-14".into()))
    );
    for language in Language::ALL {
        let mut report = ReportWriter::new(Vec::new(), language).unwrap();
        rows.iter().for_each(|row| report.row(row).unwrap());
        let report = String::from_utf8(report.finish().unwrap()).unwrap();
        assert_eq!(report.lines().count(), 11);
        assert!(report.lines().skip(1).all(|line| line.split(';').count() == 5), "{report}");
    }
}

#[test]
fn units_are_found_by_company_key_and_address() {
    let by = |kind: &str, country, values: &[&str]| -> Vec<String> {
        let text = format!(
            "unit = {{ column = \"u\", kind = \"{kind}\" }}\ndate = {{ value = \"2023-05-12\" }}\n[questions.overall]\ncolumn = \"q\"\n"
        );
        let rows: String = values.iter().map(|value| format!("{value};5\n")).collect();
        let (_, rows) = read_in(country, &text, &format!("u;q\n{rows}")).unwrap();
        let outcome = |row: RowOutcome| match row.result {
            RowResult::Taken(response, _) => format!("{} {}", response.unit_key, row.unit),
            RowResult::LeftOut(reason) => reason.key().to_owned(),
        };
        rows.into_iter().map(outcome).collect()
    };
    assert_eq!(
        by("company", Country::Dk, &["DK10150817", "29189374", "10150818"]),
        ["dk:p:1000000001 10150817", "several_units", "bad_unit"]
    );
    assert_eq!(
        by("unit_key", Country::Dk, &["dk:p:1000000002", "dk:p:7"]),
        ["dk:p:1000000002 1000000002", "not_in_frame"]
    );
    assert_eq!(
        by("email", Country::Dk, &["Post3@Smed.dk", "nogen@smed.dk"]),
        ["dk:p:1000000003 1000000003", "not_in_frame"]
    );
    assert_eq!(by("workplace", Country::Se, &["12345678"]), ["se:cfar:12345678 12345678"]);
    assert_eq!(
        by("company", Country::Se, &["811228-9874"]),
        ["se:cfar:12345678 "],
        "a sole trader's number is shown to nobody"
    );
}

#[test]
fn unknown_values_are_named_with_line_and_column() {
    let text = format!(
        "{HEAD}[questions.overall]\ncolumn = \"Tilfredshed\"\n[questions.contact]\ncolumn = \"k\"\nseparator = \",\"\n"
    );
    let table = "pnr;Tilfredshed;k\n1000000001;5;building\n1000000002;Ganske god;roads\n1000000003;Ganske god;roads,castles\n1999999999;Elendig;\n";
    let (summary, rows) = read_all(&text, table);
    let said: Vec<String> = summary.unknown_values.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 3, column 2 (Tilfredshed): \"Ganske god\" is not in the mapping of overall (2 rows)",
            "line 4, column 3 (k): \"castles\" is not in the mapping of contact",
        ]
    );
    assert_eq!(left_out(&rows[2]), &LeftOut::UnknownValue(vec!["2 (Tilfredshed)".into(), "3 (k)".into()]));
    assert!(mapping(&text).unwrap().stops_at_unknown_values());
    let mut report = ReportWriter::new(Vec::new(), Language::En).unwrap();
    rows.iter().for_each(|row| report.row(row).unwrap());
    assert!(!String::from_utf8(report.finish().unwrap()).unwrap().contains("Ganske"), "the report holds no answer");

    let blank = format!("unknown_values = \"blank\"\n{text}");
    assert!(!mapping(&blank).unwrap().stops_at_unknown_values());
    let (summary, rows) = read_all(&blank, table);
    assert_eq!((summary.taken, summary.notes["unknown_value"], summary.unknown_values.len()), (3, 3, 2));
    assert!(matches!(&rows[1].result, RowResult::Taken(response, _) if response.answers.get("overall").is_none()));
}

#[test]
fn columns_that_are_absent_or_double_are_named() {
    let fault = |column: &str, heading: &str| {
        let text = format!("{HEAD}[questions.overall]\ncolumn = \"{column}\"\n");
        read_in(Country::Dk, &text, &format!("{heading}\n1000000001;4;5\n")).unwrap_err().to_string()
    };
    assert_eq!(
        fault("Q7", "pnr;Q1;Q2"),
        "f.csv: line 1: the mapping names columns that are not there: \"Q7\"; the headings are: pnr, Q1, Q2"
    );
    assert!(fault("Andet", "pnr;Andet;Andet").starts_with("f.csv: line 1, column 3 (Andet): the heading stands twice"));
    assert!(fault("#4", "pnr;Andet;Andet").contains("\"#4\""));
    let by_position = "[questions.overall]\ncolumn = \"#3\"\n";
    assert_eq!(answers(by_position, "pnr;Andet;Andet\n1000000001;4;5\n"), ["overall=5"]);
    assert_eq!(answers("[questions.overall]\ncolumn = \"q1 (1-5)\"\n", "PNR;Q1  (1-5)\n1000000001;4\n"), ["overall=4"]);
    let (summary, _) = read_all(&format!("{HEAD}{by_position}"), "pnr;Andet;Andet\n1000000001;4;5\n");
    assert_eq!(summary.unused_columns, ["Andet"]);
    let beyond = read_in(Country::Dk, &format!("{HEAD}{by_position}"), "pnr;a;b\n1000000001;4;5;6\n").unwrap_err();
    assert!(beyond.to_string().starts_with("f.csv: line 2, column 4: the row has a cell beyond"), "{beyond}");
}

#[test]
fn dates_languages_texts_and_constants_are_read() {
    let text = "skip_rows = 1\nunit = { column = \"pnr\", kind = \"workplace\" }\n\
                date = { column = \"d\", format = \"%d-%b-%Y\", value = \"2023-06-01\" }\n\
                language = { column = \"s\", codes = { Svenska = \"sv\" }, value = \"da\" }\n\
                missing = [\"-oth-\"]\n[questions.does_well]\ncolumn = \"t\"\n[constants]\ncond_charge = \"na\"\n";
    let long = "æ".repeat(4001);
    let table = format!(
        "pnr;d;s;t\nP-nummer;Dato;Sprog;Tekst\n1000000001;12-May-2023 14:03:22;svenska;-oth-\n1000000002;;en-GB;\"to\r\nlinjer\"\n1000000003;20-May-2023 14:03:22;klingon;{long}\n"
    );
    let (summary, rows) = read_all(text, &table);
    let taken: Vec<&Response> = rows
        .iter()
        .filter_map(|row| match &row.result {
            RowResult::Taken(response, _) => Some(&**response),
            RowResult::LeftOut(_) => None,
        })
        .collect();
    assert_eq!(left_out(&rows[0]), &LeftOut::NoAnswers, "a constant is no answer");
    assert_eq!((taken[0].date.to_string(), taken[0].language), ("2023-06-01".into(), Some(Language::En)));
    assert_eq!(taken[0].answers.get("does_well"), Some("to\nlinjer"));
    assert_eq!(taken[0].answers.get("cond_charge"), Some("na"));
    assert_eq!((taken[1].date.to_string(), taken[1].language), ("2023-05-20".into(), None));
    assert_eq!(taken[1].answers.get("does_well").unwrap().chars().count(), 4000);
    assert_eq!(summary.notes, BTreeMap::from([("text_cut", 1), ("unknown_language", 1)]));
    let formatted = mapping(&text.replace("%d-%b-%Y", "dd-mm-yyyy")).unwrap_err().to_string();
    assert!(formatted.contains("line 3: date: \"dd-mm-yyyy\" is not a form of dates"), "{formatted}");
}

#[test]
fn every_fault_of_a_mapping_is_named_with_its_line() {
    let questions = "[questions.overal]\ncolumn = \"a\"\n\
                     [questions.overall]\ncolumn = \"a\"\ncodes = { Godt = 6 }\n\
                     [questions.nki_ideal]\nreverse = true\n\
                     [questions.contact]\noptions = { castle = \"b\" }\n\
                     [questions.\"contact.roads\"]\ncolumn = \"c\"\n\
                     [questions.authority]\ncolumn = \"c\"\nreverse = true\n\
                     [constants]\ncond_charge = 7\nnowhere = 1\n";
    let faults = faults(questions);
    let expected = [
        "line 3: questions.overal: the questionnaire has no answer of this key",
        "line 5: questions.overall: \"Godt\" becomes \"6\", which the questionnaire does not offer",
        "line 8: questions.nki_ideal: \"column\" is missing",
        "line 10: questions.contact: \"castle\" is no option of contact",
        "line 12: questions.contact.roads: the questionnaire has no answer of this key: an option is mapped under its question",
        "line 14: questions.authority: \"linear\" and \"reverse\" are for scales",
        "line 18: constants.cond_charge: \"7\" is not offered",
        "line 19: constants.nowhere: the questionnaire has no answer of this key",
    ];
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}");
    }
    let unread = mapping("unit = { colunm = \"pnr\" }\n").unwrap_err().to_string();
    assert!(unread.starts_with("m.toml: line 1: unknown field `colunm`"), "{unread}");
    assert!(!unread.contains('\n'));
}

#[test]
fn the_examples_are_free_of_faults() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../analysis/earlier-years");
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        if let Err(error) = mapping(&text) {
            panic!("{}: {error}", path.display());
        }
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["limesurvey.toml", "spss-csv.toml", "surveyxact.toml"]);
}
