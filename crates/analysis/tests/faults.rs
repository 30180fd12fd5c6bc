//! Every fault of the input is named with file, line and column, and nothing is written.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]

use std::path::Path;

use analysis::{AnalyseError, Analysis, Method, Options, Weighting};
use domain::results::{State, Verdict};

const FRAME: &str =
    "year,business_id,sector,size\n2024,a,S1,2-9\n2024,b,S1,2-9\n2024,c,S1,10-49\n2024,d,S1,10-49\n2024,e,S1,2-9\n";
const RESPONSES: &str = "year,business_id,q1,contact\n2024,a,7,1\n2024,b,4,0\n2024,c,9,1\n2024,d,10,1\n";
const INDICATORS: &str = "[[indicator]]\nid = \"m\"\nkind = \"mean\"\nitem = \"q1\"\nscale = [1, 10]\n";

struct Case {
    frame: String,
    responses: String,
    indicators: String,
    method: Method,
}

impl Default for Case {
    fn default() -> Self {
        let method = Method { min_n: 0, ..Method::default() };
        Self { frame: FRAME.into(), responses: RESPONSES.into(), indicators: INDICATORS.into(), method }
    }
}

impl Case {
    fn run_in(&self, folder: &Path) -> Result<Analysis, AnalyseError> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let options = Options {
            frame: write("frame.csv", &self.frame),
            responses: write("responses.csv", &self.responses),
            indicators: write("indicators.toml", &self.indicators),
            out: folder.join("out"),
            method: self.method.clone(),
            ..Options::default()
        };
        let analysis = analysis::analyse(&options)?;
        analysis::write(&analysis, &options.out, options.format)?;
        Ok(analysis)
    }

    fn run(&self) -> Analysis {
        self.run_in(tempfile::tempdir().unwrap().path()).unwrap()
    }

    /// The message, without the folder.
    #[track_caller]
    fn fault(&self) -> String {
        let folder = tempfile::tempdir().unwrap();
        let message = self.run_in(folder.path()).expect_err("the input is faulty").to_string();
        assert!(!folder.path().join("out").exists(), "something was written");
        message.replace(&format!("{}/", folder.path().display()), "")
    }
}

#[test]
fn a_sound_input_is_analysed() {
    let report = Case::default().run().report;
    let total = report.estimate("m", 2024, "total", "all").unwrap();
    assert_eq!((total.estimate.n, total.n_frame), (4, Some(5)));
    // Cells 2-9: 3 of the frame, mean 5.5; 10-49: 2 of the frame, mean 9.5.
    let value = total.estimate.value.unwrap();
    assert!((value - (3.0 * 5.5 + 2.0 * 9.5) / 5.0).abs() < 1e-12, "{value}");
}

#[test]
fn a_business_outside_the_frame_is_an_error() {
    let responses = RESPONSES.replace("2024,b", "2024,x");
    let case = Case { responses, ..Case::default() };
    assert_eq!(
        case.fault(),
        "responses.csv:3: column \"business_id\": this business is not in the frame of 2024 (frame.csv)"
    );
    let responses = RESPONSES.replace("2024,b", "2025,b");
    assert!(Case { responses, ..Case::default() }.fault().contains("not in the frame of 2025"));
}

#[test]
fn duplicates_are_errors() {
    let case = Case { responses: format!("{RESPONSES}2024,a,5,1\n"), ..Case::default() };
    assert_eq!(case.fault(), "responses.csv:6: column \"business_id\": answers twice in 2024 (first in line 2)");
    let case = Case { frame: format!("{FRAME}2024,c,S1,2-9\n"), ..Case::default() };
    assert_eq!(case.fault(), "frame.csv:7: column \"business_id\": stands twice in 2024 (first in line 4)");
}

#[test]
fn a_value_outside_its_scale_is_an_error() {
    let case = Case { responses: RESPONSES.replace("c,9", "c,11"), ..Case::default() };
    assert_eq!(case.fault(), "responses.csv:4: column \"q1\": 11 lies outside the scale 1–10");
    let case = Case { responses: RESPONSES.replace("c,9", "c,nine"), ..Case::default() };
    assert_eq!(
        case.fault(),
        "responses.csv:4: column \"q1\": \"nine\" is neither a number nor empty, dk (don't know) or na (not relevant)"
    );
}

#[test]
fn an_unknown_column_is_named_where_it_is_written() {
    let indicators = INDICATORS.replace("\"q1\"", "\"q9\"");
    let case = Case { indicators, ..Case::default() };
    assert_eq!(case.fault(), "indicators.toml:4:8: indicator \"m\": there is no column \"q9\" in responses.csv");
    let indicators = format!("{INDICATORS}base = {{ region = [1] }}\n");
    let case = Case { indicators, ..Case::default() };
    assert_eq!(
        case.fault(),
        "indicators.toml:6:10: indicator \"m\": there is no column \"region\" in frame.csv or responses.csv"
    );
    let method = Method { by: vec!["area".into()], ..Case::default().method };
    assert_eq!(
        Case { method, ..Case::default() }.fault(),
        "--by: there is no column \"area\" in frame.csv or responses.csv"
    );
}

#[test]
fn missing_columns_and_empty_cells_are_errors() {
    let case = Case { frame: FRAME.replace("size", "klasse"), ..Case::default() };
    assert!(case.fault().starts_with("frame.csv:1: there is no column \"size\""), "{}", case.fault());
    let case = Case { frame: FRAME.replace("d,S1", "d,"), ..Case::default() };
    assert_eq!(case.fault(), "frame.csv:5: column \"sector\": is empty");
    let case = Case { responses: RESPONSES.replace("business_id", "id"), ..Case::default() };
    assert_eq!(case.fault(), "responses.csv:1: there is no column \"business_id\"");
    let case = Case { frame: FRAME.replace("2024,d", "24x,d"), ..Case::default() };
    assert_eq!(case.fault(), "frame.csv:5: column \"year\": \"24x\" is not a year");
    let indicators = format!("{INDICATORS}base = {{ sme = true }}\n");
    let fault = Case { indicators, ..Case::default() }.fault();
    assert_eq!(fault, "frame.csv:1: there is no column \"company_employees\", which indicator \"m\" needs (base.sme)");
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let case = Case { responses: RESPONSES.replace("c,9,1", "c,9,1,4"), ..Case::default() };
    assert_eq!(case.fault(), "responses.csv: line 4: 5 cells where the header has 4");
    let case = Case { responses: RESPONSES.replace("c,9", "\"c,9"), ..Case::default() };
    assert_eq!(case.fault(), "responses.csv: line 4: a quotation mark is not closed");
    let case = Case { responses: String::new(), ..Case::default() };
    assert_eq!(case.fault(), "responses.csv: line 1: the header with the column names is missing");
    let case = Case { responses: "year,business_id,q1\n".into(), ..Case::default() };
    assert_eq!(case.fault(), "responses.csv: holds no response");
}

#[test]
fn lines_are_counted_across_cells_with_line_breaks() {
    let responses = "year,business_id,q1,note\n2024,a,7,\"first\nsecond \"\"line\"\"\"\n2024,b,12,\n".to_owned();
    let case = Case { responses, ..Case::default() };
    assert_eq!(case.fault(), "responses.csv:4: column \"q1\": 12 lies outside the scale 1–10");
}

#[test]
fn empty_lines_and_line_ends_of_windows_are_no_fault() {
    let sound = Case::default().run().report.estimates;
    let responses = RESPONSES.replace("2024,c", "\n2024,c") + "\n\n";
    let case = Case { responses, frame: FRAME.replace('\n', "\r\n"), ..Case::default() };
    assert_eq!(case.run().report.estimates, sound);
    let faulty = Case { responses: case.responses.replace("d,10", "d,11"), ..case };
    assert_eq!(faulty.fault(), "responses.csv:6: column \"q1\": 11 lies outside the scale 1–10");
}

#[test]
fn figures_by_employees_weigh_and_hide_what_one_company_decides() {
    let frame = |big: u32| {
        let mut frame = String::from("year,business_id,sector,size,employees\n");
        for i in 0..40 {
            let staff = if i == 0 { big } else { 5 };
            frame += &format!("2024,b{i},S1,2-9,{staff}\n");
        }
        frame
    };
    let responses: String = std::iter::once("year,business_id,q1\n".to_owned())
        .chain((0..20).map(|i| format!("2024,b{i},{}\n", 1 + i % 10)))
        .collect();
    let indicators = format!("{INDICATORS}weight_by = \"employees\"\n");
    let method = Method { by: vec!["sector".into()], ..Method::default() };
    let case = Case { frame: frame(15), responses, indicators, method };
    let total = case.run().report.estimate("m", 2024, "total", "all").cloned().unwrap();
    let (mut sum, mut staff) = (0.0, 0.0);
    for i in 0..20 {
        let g = if i == 0 { 15.0 } else { 5.0 };
        sum += g * f64::from(1 + i % 10);
        staff += g;
    }
    assert!((total.estimate.value.unwrap() - sum / staff).abs() < 1e-12);
    let dominated = Case { frame: frame(200), ..case };
    let total = dominated.run().report.estimate("m", 2024, "total", "all").cloned().unwrap();
    assert_eq!((total.state, total.estimate.value), (State::Hidden, None));
}

#[test]
fn a_thin_sector_that_cannot_join_is_named() {
    let frame = format!("{FRAME}2024,f,S2,2-9\n2024,g,S2,2-9\n2024,h,S2,2-9\n");
    let fault = Case { frame, ..Case::default() }.fault();
    assert!(fault.contains("S2"), "{fault}");
}

#[test]
fn an_empty_category_of_a_margin_is_named() {
    let method = Method { weights: Weighting::Rake, ..Case::default().method };
    let frame = format!("{FRAME}2024,f,S2,2-9\n");
    let fault = Case { frame, method, ..Case::default() }.fault();
    assert!(fault.contains("S2"), "{fault}");
}

#[test]
fn register_facts_are_mapped_and_unknown_codes_are_errors() {
    let frame = "year,business_id,industry_code,classification,employees\n\
                 2024,a,432200,db07,4\n2024,b,432200,db07,5\n2024,c,432200,db07,12\n2024,d,432200,db07,30\n2024,e,433200,db07,3\n";
    let report = Case { frame: frame.into(), ..Case::default() }.run().report;
    let sizes: Vec<&str> = report.coverage.iter().filter(|c| c.domain == "size").map(|c| c.group.as_str()).collect();
    assert_eq!(sizes, ["2-9", "10-49"]);
    assert_eq!(report.coverage.iter().filter(|c| c.domain == "sector").map(|c| c.n_frame).sum::<u64>(), 5);
    let case = Case { frame: frame.replace("433200", "123456"), ..Case::default() };
    assert!(case.fault().starts_with("frame.csv:6: column \"industry_code\": "), "{}", case.fault());
    let case = Case { frame: frame.replace("db07,3\n", "db99,3\n"), ..Case::default() };
    assert!(case.fault().starts_with("frame.csv:6: column \"classification\": \"db99\""), "{}", case.fault());
    let case = Case { frame: frame.replace("db07,30", "db07,many"), ..Case::default() };
    assert!(case.fault().starts_with("frame.csv:5: column \"employees\": "), "{}", case.fault());
}

#[test]
fn dont_know_stays_in_the_answers_and_not_relevant_leaves_the_domain() {
    let responses = "year,business_id,q1,contact\n2024,a,dk,1\n2024,b,4,0\n2024,c,na,1\n2024,d,10,1\n".to_owned();
    let report = Case { responses, ..Case::default() }.run().report;
    assert_eq!(report.estimate("m", 2024, "total", "all").unwrap().estimate.n, 2);
    assert_eq!(report.coverage[0].n_answered, 4);
}

#[test]
fn a_row_without_any_answer_does_not_count() {
    let responses = format!("{RESPONSES}2024,e,,\n");
    let analysis = Case { responses, ..Case::default() }.run();
    assert_eq!(analysis.report.coverage[0].n_answered, 4);
    assert_eq!(analysis.weights.len(), 4);
    assert_eq!(analysis.notes, ["1 rows of the responses hold no answer and do not count."]);
}

/// Two years of 40 businesses, half of which answer.
fn two_years() -> Case {
    let mut frame = String::from("year,business_id,sector,size\n");
    let mut responses = String::from("year,business_id,q1,area\n");
    for year in [2024, 2025] {
        for i in 0..40 {
            frame += &format!("{year},b{i},S{},{}\n", 1 + i % 2, ["2-9", "10-49"][(i / 2) % 2]);
            if i < 28 {
                responses += &format!("{year},b{i},{},{}\n", 1 + (i * 7 + year as usize) % 10, i % 3);
            }
        }
    }
    let method = Method { min_n: 5, by: ["sector", "area"].map(str::to_owned).to_vec(), ..Method::default() };
    Case { frame, responses, method, ..Case::default() }
}

#[test]
fn a_break_leaves_no_change() {
    let plain = two_years().run().report;
    let change = plain.change("m", 2024, 2025, "total", "all").unwrap();
    assert!(change.change.is_some() && change.n_both == 28);
    let indicators = format!("{INDICATORS}breaks = [2025]\n");
    let broken = Case { indicators, ..two_years() }.run().report;
    let change = broken.change("m", 2024, 2025, "total", "all").unwrap();
    assert_eq!((change.verdict, change.change, change.p_value), (Verdict::Break, None, None));
}

#[test]
fn a_breakdown_of_the_responses_has_no_frame() {
    let report = two_years().run().report;
    let area = report.estimate("m", 2025, "area", "2").unwrap();
    assert_eq!((area.n_frame, area.estimate.n), (None, 9));
    assert!(!report.coverage.iter().any(|c| c.domain == "area"));
}

#[test]
fn what_is_hidden_carries_no_figure() {
    let mut case = two_years();
    case.responses = case.responses.replacen(",0\n", ",9\n", 3);
    let report = case.run().report;
    let thin = report.estimate("m", 2024, "area", "9").unwrap();
    assert_eq!((thin.state, thin.estimate.n), (State::Hidden, 3));
    assert_eq!((thin.estimate.value, thin.estimate.se, thin.estimate.interval), (None, None, None));
    // The total minus the areas that are shown would give it away: a second one is hidden.
    let second = report.estimates.iter().filter(|e| e.year == 2024 && e.domain == "area");
    assert!(second.filter(|e| e.state == State::HiddenSecondary).count() >= 1);
    let hidden = report.changes.iter().find(|c| c.domain == "area" && c.verdict == Verdict::Hidden);
    assert!(hidden.is_none_or(|c| c.change.is_none() && c.se.is_none()));
}

#[test]
fn the_files_are_the_same_every_time_and_parquet_reads_back() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut case = two_years();
    case.method.min_n = 0;
    let analysis = case.run_in(one.path()).unwrap();
    case.run_in(other.path()).unwrap();
    for name in ["estimates.csv", "changes.csv", "coverage.csv", "weights.csv", "report.json", "provenance.json"] {
        let read = |folder: &Path| std::fs::read(folder.join("out").join(name)).unwrap();
        assert_eq!(read(one.path()), read(other.path()), "{name}");
    }
    let header = std::fs::read_to_string(one.path().join("out/estimates.csv")).unwrap();
    assert!(header.starts_with("indicator,year,domain,group,n,n_frame,estimate,se,df,ci_lower,ci_upper,deff,state\n"));
    let provenance = std::fs::read_to_string(one.path().join("out/provenance.json")).unwrap();
    assert!(provenance.contains("not for publication") && provenance.contains("\"min-cell\": \"2\""));
    let folder = one.path().join("parquet");
    analysis::write(&analysis, &folder, analysis::Format::Parquet).unwrap();
    let table = analysis::Table::read(&folder.join("weights.parquet"), |_| true).unwrap();
    assert_eq!(table.height(), analysis.weights.len());
    let weights = table.text("weight").unwrap();
    for (row, ours) in analysis.weights.rows().enumerate() {
        assert_eq!(weights.get(row).unwrap().parse::<f64>().unwrap(), ours.weight);
    }
}

#[test]
fn rows_from_the_database_give_what_the_files_give() {
    let case = two_years();
    let from_files = case.run().report;
    let split =
        |text: &str| -> Vec<Vec<String>> { text.lines().map(|l| l.split(',').map(str::to_owned).collect()).collect() };
    let frame = split(&case.frame);
    let columns = (0..4).map(|c| (frame[0][c].clone(), frame[1..].iter().map(|r| r[c].clone()).collect())).collect();
    let frame = analysis::Table::from_columns("frame", columns).unwrap();
    let rows = split(&case.responses);
    let responded = rows[1..].iter().map(|r| (r[0].parse().unwrap(), r[1].clone())).collect();
    let answers = rows[1..].iter().flat_map(|r| {
        let cell = |c: usize| (r[0].parse().unwrap(), r[1].clone(), rows[0][c].clone(), r[c].clone());
        [cell(2), cell(3)]
    });
    let responses = analysis::Table::from_answers("responses", responded, answers).unwrap();
    let definitions = domain::indicator::Definitions::parse("indicators.toml", &case.indicators).unwrap();
    let from_rows = analysis::analyse_rows(&frame, &responses, &definitions, &case.method).unwrap().report;
    assert_eq!(from_rows.estimates, from_files.estimates);
    assert_eq!(from_rows.changes, from_files.changes);
}

#[test]
fn a_question_that_nobody_answered_is_no_fault_of_rows_from_the_database() {
    let frame = ["a", "b", "c"].map(|id| ["2024", id, "S1", "2-9"].map(str::to_owned));
    let names = ["year", "business_id", "sector", "size"];
    let columns = (0..4).map(|c| (names[c].to_owned(), frame.iter().map(|r| r[c].clone()).collect())).collect();
    let frame = analysis::Table::from_columns("frame", columns).unwrap();
    let responded = ["a", "b"].map(|id| (2024, id.to_owned())).to_vec();
    let answers = [(2024, "a".to_owned(), "q1".to_owned(), "8".to_owned())];
    let responses = analysis::Table::from_answers("responses", responded, answers).unwrap();
    let definitions = format!(
        "{INDICATORS}[[indicator]]\nid = \"other\"\nkind = \"share\"\nitem = \"q2\"\nvalues = [1]\nbase = {{ q3 = [1] }}\n"
    );
    let definitions = domain::indicator::Definitions::parse("indicators.toml", &definitions).unwrap();
    let method = Method { min_n: 0, ..Method::default() };
    let report = analysis::analyse_rows(&frame, &responses, &definitions, &method).unwrap().report;
    assert_eq!(report.coverage[0].n_answered, 2, "whoever handed the rows over judged what counts");
    assert_eq!(report.estimate("m", 2024, "total", "all").unwrap().estimate.n, 1);
    assert!(report.estimate("other", 2024, "total", "all").is_none(), "never asked, so no row");
}

#[test]
fn the_order_of_strata_does_not_matter() {
    let mut case = Case::default();
    let one = case.run().report.estimates;
    case.method.strata.reverse();
    assert_eq!(case.run().report.estimates, one);
}

#[test]
fn companies_that_answer_once_for_several_workplaces_are_one_draw() {
    let mut frame = String::from("year,business_id,sector,size,company_id\n");
    let mut responses = String::from("year,business_id,q1,q2\n");
    for i in 0..60 {
        frame += &format!("2024,b{i},S1,2-9,c{}\n", i / 2);
        if i < 40 {
            responses += &format!("2024,b{i},{},{}\n", 1 + (i / 2 * 7) % 10, i / 2);
        }
    }
    let method = Method { min_n: 0, by: vec!["sector".into()], ..Method::default() };
    let clustered = Case { frame: frame.clone(), responses: responses.clone(), method, ..Case::default() };
    let estimate = clustered.run().report.estimate("m", 2024, "total", "all").unwrap().estimate;
    assert_eq!(estimate.n, 20, "companies are counted");
    let alone = Case { frame: frame.replace(",company_id", ",other"), ..clustered };
    let single = alone.run().report.estimate("m", 2024, "total", "all").unwrap().estimate;
    assert_eq!(single.n, 40);
    assert!((estimate.value.unwrap() - single.value.unwrap()).abs() < 1e-12);
    assert!(estimate.se.unwrap() > 1.3 * single.se.unwrap(), "half as many draws");
}

#[test]
fn codes_written_with_a_decimal_are_the_codes() {
    let base = "base = { contact = [1] }\n";
    let plain = Case { indicators: format!("{INDICATORS}{base}"), ..Case::default() };
    let method = Method { by: vec!["contact".to_owned()], ..plain.method.clone() };
    let plain = Case { method, ..plain };
    let decimal = plain.responses.replace(",1\n", ",1.0\n").replace(",0\n", ",0.0\n");
    let (one, other) = (plain.run(), Case { responses: decimal, ..plain }.run());
    assert_eq!(one.report.estimate("m", 2024, "contact", "1").unwrap().estimate.n, 3);
    assert_eq!(one.report.estimates, other.report.estimates);
}

#[test]
fn an_indicator_without_any_answer_is_remarked() {
    let case = Case { indicators: format!("{INDICATORS}base = {{ contact = [7] }}\n"), ..Case::default() };
    let analysis = case.run();
    assert!(analysis.report.estimates.is_empty());
    assert!(analysis.notes.iter().any(|n| n.starts_with("m: nobody")), "{:?}", analysis.notes);
}

#[test]
fn a_parquet_file_of_many_parts_is_the_csv_file_and_its_faults_have_rows() {
    use polars::prelude::{Column, DataFrame, ParquetWriter};
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // Numbers in any order, texts among them, answers with gaps; row groups of seven rows.
    let id = |b: i64| if b % 5 == 0 { format!("DK-{b}") } else { (b * 7919 % 1000 + 1).to_string() };
    let frame: Vec<(i64, i64)> = [2024, 2025].into_iter().flat_map(|y| (0..60).map(move |b| (y, b))).collect();
    let responses: Vec<(i64, i64)> = frame.iter().copied().filter(|(y, b)| (b * 3 + y) % 7 < 4).rev().collect();
    let answer = |(y, b): (i64, i64)| ((b + y) % 11 != 0).then_some((b * 5 + y) % 10 + 1);
    let size = |b: i64| if b % 3 == 0 { "10-49" } else { "2-9" };
    let write = |name: &str, columns: Vec<Column>| {
        let mut rows = DataFrame::new(columns[0].len(), columns).unwrap();
        let file = std::fs::File::create(path(name)).unwrap();
        ParquetWriter::new(file).with_row_group_size(Some(7)).finish(&mut rows).unwrap();
    };
    let column = |name: &str, cells: Vec<i64>| Column::new(name.into(), cells);
    let texts = |name: &str, cells: Vec<String>| Column::new(name.into(), cells);
    write(
        "frame.parquet",
        vec![
            column("year", frame.iter().map(|f| f.0).collect()),
            texts("business_id", frame.iter().map(|f| id(f.1)).collect()),
            texts("sector", frame.iter().map(|_| "S1".to_owned()).collect()),
            texts("size", frame.iter().map(|f| size(f.1).to_owned()).collect()),
        ],
    );
    let with = |q1: Vec<Option<i64>>| {
        vec![
            column("year", responses.iter().map(|r| r.0).collect()),
            texts("business_id", responses.iter().map(|r| id(r.1)).collect()),
            Column::new("q1".into(), q1),
            texts("note", responses.iter().map(|_| "so so".to_owned()).collect()),
        ]
    };
    write("responses.parquet", with(responses.iter().map(|r| answer(*r)).collect()));
    let case = Case {
        frame: std::iter::once("year,business_id,sector,size\n".to_owned())
            .chain(frame.iter().map(|(y, b)| format!("{y},{},S1,{}\n", id(*b), size(*b))))
            .collect(),
        responses: std::iter::once("year,business_id,q1,note\n".to_owned())
            .chain(responses.iter().map(|r| {
                let answer = answer(*r).map(|a| a.to_string()).unwrap_or_default();
                format!("{},{},{answer},so so\n", r.0, id(r.1))
            }))
            .collect(),
        ..Case::default()
    };
    let csv = case.run_in(folder.path()).unwrap();
    let options = Options {
        frame: path("frame.parquet"),
        responses: path("responses.parquet"),
        indicators: path("indicators.toml"),
        method: case.method.clone(),
        ..Options::default()
    };
    let parquet = analysis::analyse(&options).unwrap();
    assert_eq!(parquet.report.estimates, csv.report.estimates);
    assert_eq!(parquet.report.changes, csv.report.changes);
    assert!(parquet.weights == csv.weights && parquet.weights.len() == responses.len());
    assert_eq!(parquet.report.provenance.inputs.len(), 3);
    // A fault in the last part is told with its row.
    let mut faulty: Vec<Option<i64>> = responses.iter().map(|r| answer(*r)).collect();
    *faulty.last_mut().unwrap() = Some(11);
    write("responses.parquet", with(faulty));
    let message = analysis::analyse(&options).expect_err("11 lies outside").to_string();
    assert!(
        message.ends_with(&format!(
            "responses.parquet:{}: column \"q1\": 11 lies outside the scale 1–10",
            responses.len()
        )),
        "{message}"
    );
}

#[test]
fn it_tells_how_far_it_has_come() {
    use analysis::Progress;
    let folder = tempfile::tempdir().unwrap();
    let case = Case::default();
    case.run_in(folder.path()).unwrap();
    let options = Options {
        frame: folder.path().join("frame.csv"),
        responses: folder.path().join("responses.csv"),
        indicators: folder.path().join("indicators.toml"),
        method: case.method.clone(),
        ..Options::default()
    };
    let told = std::cell::RefCell::new(Vec::new());
    analysis::analyse_watched(&options, &|progress| told.borrow_mut().push(progress)).unwrap();
    let read = [Progress::Frame { rows: 5, of: 5 }, Progress::Responses { rows: 4, of: 4 }];
    assert_eq!(told.into_inner(), [read[0], read[1], Progress::Figures, Progress::Changes]);
}
