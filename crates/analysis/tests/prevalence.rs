//! Shares of confirmed themes: by hand, against the engine's own share, and what is not published.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]

use analysis::coding::Codebook;
use analysis::prevalence::{Coding, Comment, SURVEY, prevalence};
use analysis::{Method, Table, ThemesOptions, Weighting, analyse_rows};
use domain::indicator::Definitions;
use domain::insight::{ThemePart, WITH_COMMENT};
use domain::results::{ALL, State, TOTAL, Verdict};

/// Forty businesses in two sectors of thirty and ten, the same in both years; the first fifteen and the first five of them answer.
fn frame() -> Table {
    let rows: Vec<(i32, usize)> = [2024, 2025].into_iter().flat_map(|y| (0..40).map(move |b| (y, b))).collect();
    let column = |name: &str, cell: &dyn Fn(i32, usize) -> String| {
        (name.to_owned(), rows.iter().map(|(y, b)| cell(*y, *b)).collect::<Vec<_>>())
    };
    let columns = vec![
        column("year", &|y, _| y.to_string()),
        column("business_id", &|_, b| format!("b{b}")),
        column("sector", &|_, b| if b < 30 { "S1".into() } else { "S2".into() }),
        column("size", &|_, _| "2-9".into()),
    ];
    Table::from_columns("frame", columns).unwrap()
}

fn answered() -> Vec<usize> {
    (0..15).chain(30..35).collect()
}

/// A column of the responses: its name, and who has a 1 in it.
type Raises<'a> = (&'a str, &'a dyn Fn(i32, usize) -> bool);

fn responses(with: Option<Raises<'_>>) -> Table {
    let rows: Vec<(i32, usize)> =
        [2024, 2025].into_iter().flat_map(|y| answered().into_iter().map(move |b| (y, b))).collect();
    let mut columns = vec![
        ("year".to_owned(), rows.iter().map(|(y, _)| y.to_string()).collect::<Vec<_>>()),
        ("business_id".to_owned(), rows.iter().map(|(_, b)| format!("b{b}")).collect()),
        ("overall".to_owned(), rows.iter().map(|_| "3".to_owned()).collect()),
    ];
    if let Some((name, raises)) = with {
        columns.push((name.to_owned(), rows.iter().map(|(y, b)| u8::from(raises(*y, *b)).to_string()).collect()));
    }
    Table::from_columns("responses", columns).unwrap()
}

/// Twelve write each year: b0 … b11.
fn comments() -> Vec<Comment> {
    let comment = |year: i32, b: usize| Comment {
        id: format!("{year}-{b}"),
        year,
        business: format!("b{b}"),
        source: SURVEY.to_owned(),
    };
    [2024, 2025].into_iter().flat_map(|y| (0..12).map(move |b| comment(y, b))).collect()
}

fn raises(year: i32, b: usize) -> bool {
    if year == 2024 { b < 6 } else { (3..11).contains(&b) }
}

fn codings(coder: &str, raises: &dyn Fn(i32, usize) -> bool) -> Vec<Coding> {
    let coding = |c: Comment| {
        let b: usize = c.business[1..].parse().unwrap();
        let mut themes = if raises(c.year, b) { vec!["labour".to_owned()] } else { Vec::new() };
        // Charges: by three in 2024, by six in 2025.
        if b < if c.year == 2024 { 3 } else { 6 } {
            themes.push("charges".to_owned());
        }
        Coding { comment: c.id, coder: coder.to_owned(), version: 1, themes }
    };
    comments().into_iter().map(coding).collect()
}

fn codebook() -> Codebook {
    let mut codebook = Codebook::shipped();
    codebook.version = 1;
    codebook
}

fn run(comments: &[Comment], codings: &[Coding], method: &Method) -> ThemePart {
    prevalence(&frame(), &responses(None), &codebook(), comments, codings, method).unwrap().unwrap()
}

#[test]
fn a_share_and_its_change_are_those_worked_out_by_hand() {
    // One stratum of 20 from 40, so that the arithmetic stays small: p = 6/20 and 8/20.
    let method = Method { weights: Weighting::None, ..Method::default() };
    let part = run(&comments(), &codings("ann", &raises), &method);
    let share = part.share("labour", 2024).unwrap().estimate;
    assert!((share.value.unwrap() - 0.3).abs() < 1e-12);
    assert!((share.se.unwrap().powi(2) - 0.5 * 0.3 * 0.7 / 19.0).abs() < 1e-12);
    assert_eq!(share.n, 20, "all asked, whether they wrote or not");
    let change = part.change("labour", 2024, 2025).unwrap();
    let shared = (3.0 - 20.0 * 0.3 * 0.4) / 19.0;
    let covariance = (20.0 / 400.0 - 40.0 / 1600.0) * shared;
    let variance = 0.5 * (0.3 * 0.7 + 0.4 * 0.6) / 19.0 - 2.0 * covariance;
    assert!((change.change.unwrap() - 0.1).abs() < 1e-12);
    assert!((change.se.unwrap().powi(2) - variance).abs() < 1e-12, "{change:?}");
    let wrote = part.share(WITH_COMMENT, 2025).unwrap().estimate.value.unwrap();
    assert!((wrote - 12.0 / 20.0).abs() < 1e-12);
    assert_eq!((part.years[0].asked, part.years[0].commenting, part.years[0].confirmed), (20, 12, 12));
}

#[test]
fn a_prevalence_is_the_engines_own_share() {
    let method = Method::default();
    let part = run(&comments(), &codings("ann", &raises), &method);
    let definitions =
        "[[indicator]]\nid = \"labour\"\nkind = \"share\"\nitem = \"raised\"\nvalues = [1]\nbetter = \"none\"\n";
    let definitions = Definitions::parse("own.toml", definitions).unwrap();
    let table = responses(Some(("raised", &raises)));
    let own = analyse_rows(&frame(), &table, &definitions, &method).unwrap().report;
    for year in [2024, 2025] {
        let (a, b) = (part.share("labour", year).unwrap(), own.estimate("labour", year, TOTAL, ALL).unwrap());
        assert!((a.estimate.value.unwrap() - b.estimate.value.unwrap()).abs() < 1e-12);
        assert!((a.estimate.se.unwrap() - b.estimate.se.unwrap()).abs() < 1e-12);
    }
    // Weighted: 6 of 15 in the sector of thirty, none of 5 in that of ten.
    let by_hand = (30.0 * 6.0 / 15.0) / 40.0;
    assert!((part.share("labour", 2024).unwrap().estimate.value.unwrap() - by_hand).abs() < 1e-12);
    let (a, b) = (part.change("labour", 2024, 2025).unwrap(), own.change("labour", 2024, 2025, TOTAL, ALL).unwrap());
    assert!((a.change.unwrap() - b.change.unwrap()).abs() < 1e-12 && (a.se.unwrap() - b.se.unwrap()).abs() < 1e-12);
}

#[test]
fn what_few_raise_is_hidden_and_so_is_its_change() {
    let part = run(&comments(), &codings("ann", &raises), &Method::default());
    let (few, more) = (part.share("charges", 2024).unwrap(), part.share("charges", 2025).unwrap());
    assert_eq!((few.state, few.estimate.value, few.estimate.se), (State::Hidden, None, None));
    assert!(more.estimate.value.is_some());
    let change = part.change("charges", 2024, 2025).unwrap();
    assert_eq!((change.verdict, change.change, change.interval), (Verdict::Hidden, None, None));
    // Nobody raises premises: that is not shown as a zero either.
    assert_eq!(part.share("premises", 2025).unwrap().estimate.value, None);
    let open = run(&comments(), &codings("ann", &raises), &Method { min_n: 0, ..Method::default() });
    assert!((open.share("charges", 2024).unwrap().estimate.value.unwrap() - 30.0 * 3.0 / 15.0 / 40.0).abs() < 1e-12);
}

#[test]
fn a_year_counts_when_every_comment_is_confirmed_under_one_version() {
    let mut codes = codings("ann", &raises);
    codes.retain(|c| c.comment != "2024-11");
    let part = run(&comments(), &codes, &Method::default());
    assert_eq!((part.years[0].confirmed, part.years[0].is_complete()), (11, false));
    assert!(part.share("labour", 2024).is_none() && part.share("labour", 2025).is_some());
    assert!(part.changes.is_empty());
    // Codes of an older codebook do not fill the gap.
    let old = Coding { version: 0, ..codings("ann", &raises).into_iter().find(|c| c.comment == "2024-11").unwrap() };
    let part = run(&comments(), &[codes, vec![old]].concat(), &Method::default());
    assert!(part.share("labour", 2024).is_none());
}

#[test]
fn other_sources_stay_out_of_the_share() {
    let mut all = comments();
    let workshop = (15..30).map(|b| Comment {
        id: format!("w{b}"),
        year: 2025,
        business: format!("b{b}"),
        source: "workshop".into(),
    });
    all.extend(workshop);
    let mut codes = codings("ann", &raises);
    codes.extend((15..30).map(|b| Coding {
        comment: format!("w{b}"),
        coder: "ann".into(),
        version: 1,
        themes: vec!["labour".into()],
    }));
    assert_eq!(run(&all, &codes, &Method::default()), run(&comments(), &codings("ann", &raises), &Method::default()));
}

#[test]
fn coders_that_disagree_give_no_share() {
    let mut codes = codings("ann", &raises);
    // The second coder reads six comments and sees labour in every second of them, whatever the first saw.
    codes.extend(codings("bo", &|_, b| b % 2 == 0).into_iter().take(6));
    let part = run(&comments(), &codes, &Method::default());
    let theme = |key: &str| part.themes.iter().find(|t| t.key == key).unwrap();
    assert_eq!((theme("labour").coded_twice, theme("labour").disagreed), (6, true));
    assert!(theme("labour").alpha.unwrap() < 0.667);
    assert!(part.share("labour", 2025).is_none(), "neither coder's share is published");
    assert_eq!((theme("charges").alpha, theme("charges").disagreed), (Some(1.0), false));
    assert!(part.share("charges", 2025).is_some());
}

#[test]
fn the_command_writes_shares_beside_suggestions_and_names_faults() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut frame = String::from("year,business_id,sector,size\n");
    let (mut responses, mut texts) =
        (String::from("year,business_id,overall\n"), String::from("id,year,business_id,language,text\n"));
    let mut codes = String::from("id,coder,version,theme\n");
    for b in 0..40 {
        frame.push_str(&format!("2025,b{b},S1,2-9\n"));
    }
    let version = Codebook::shipped().version;
    for b in 0..20 {
        responses.push_str(&format!("2025,b{b},3\n"));
    }
    for b in 0..12 {
        texts.push_str(&format!("c{b},2025,b{b},da,Bussen.\n"));
        codes.push_str(&format!("c{b},ann,{version},{}\n", if b < 8 { "accessibility" } else { "" }));
    }
    let run = |codes: &str, responses: &str| {
        for (name, text) in [("f.csv", frame.as_str()), ("r.csv", responses), ("c.csv", &texts), ("k.csv", codes)] {
            std::fs::write(path(name), text).unwrap();
        }
        let options = ThemesOptions {
            comments: path("c.csv"),
            out: path("out"),
            frame: Some(path("f.csv")),
            codes: Some(path("k.csv")),
            responses: Some(path("r.csv")),
            ..ThemesOptions::default()
        };
        analysis::themes(&options)
            .map(|_| ())
            .map_err(|e| e.to_string().replace(&format!("{}/", folder.path().display()), ""))
    };
    run(&codes, &responses).unwrap();
    let read = |name: &str| std::fs::read_to_string(path("out").join(name)).unwrap();
    let line = read("prevalence.csv").lines().find(|l| l.starts_with("accessibility")).unwrap().to_owned();
    assert!(line.starts_with("accessibility,2025,total,all,20,40,0.4,"), "{line}");
    assert!(read("prevalence.csv").starts_with("theme,year,"), "the first column is the theme");
    assert!(read("prevalence.json").contains("not for publication"));
    let fault = |codes: &str| run(codes, &responses).unwrap_err();
    assert_eq!(
        fault(&codes.replace("c3,", "x3,")),
        "k.csv:5: column \"id\": there is no such comment, or it has no text"
    );
    assert_eq!(
        fault(&codes.replacen("accessibility", "buses", 1)),
        "k.csv:2: column \"theme\": \"buses\" is not in the codebook"
    );
    assert_eq!(
        run(&codes, &responses.replace("2025,b3,3\n", "")).unwrap_err(),
        "c.csv:5: column \"business_id\": this business has no answer in 2025 (r.csv)"
    );
}
