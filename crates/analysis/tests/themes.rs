//! `pejling themes` through its files.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]

use analysis::{ThemesOptions, themes};

const FRAME: &str = "year,business_id,sector,size,name,owner,street\n2026,a,S1,2-9,Vinkelbo Smedje ApS,Asbjørn Quistgaard,Havnegade 4\n2026,b,S1,2-9,,,\n";
const COMMENTS: &str = "id,year,business_id,language,text\n\
    c10,2026,b,sv,\"Bygglovet tog nio månader, och ingen parkering heller.\"\n\
    c2,2026,a,da,\"Hos Vinkelbo på Havnegade 4 venter vi på svar. Ring 12 34 56 78.\nHilsen Asbjørn\"\n\
    c3,2026,b,,\"\"\n";

fn run(comments: &str, frame: Option<&str>) -> Result<(String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("comments.csv"), comments).unwrap();
    let frame = frame.map(|text| {
        std::fs::write(path("frame.csv"), text).unwrap();
        path("frame.csv")
    });
    let options = ThemesOptions { comments: path("comments.csv"), out: path("out"), frame, ..ThemesOptions::default() };
    themes(&options).map_err(|e| {
        assert!(!path("out").exists(), "something was written");
        e.to_string().replace(&format!("{}/", folder.path().display()), "")
    })?;
    let read = |name: &str| std::fs::read_to_string(path("out").join(name)).unwrap();
    Ok((read("themes.csv"), read("redacted.csv")))
}

#[test]
fn both_files_are_written_sorted_by_comment() {
    let (themes, redacted) = run(COMMENTS, Some(FRAME)).unwrap();
    assert_eq!(
        redacted,
        "id,text,found\n\
         c2,\"Hos [business] på [street] venter vi på svar. Ring [phone].\nHilsen [owner]\",phone business owner street\n\
         c3,,\n\
         c10,\"Bygglovet tog nio månader, och ingen parkering heller.\",\n"
    );
    assert_eq!(
        themes,
        "id,theme,terms\n\
         c10,case_handling,Bygglovet\n\
         c10,accessibility,ingen parkering\n\
         c10,factor_time,månader\n"
    );
}

#[test]
fn faults_are_named_and_show_no_text() {
    let fault = |comments: &str| run(comments, Some(FRAME)).unwrap_err();
    assert_eq!(fault(&COMMENTS.replace("c3", "c2")), "comments.csv:5: column \"id\": stands twice (first in line 3)");
    assert_eq!(
        fault(&COMMENTS.replace("b,sv", "z,sv")),
        "comments.csv:2: column \"business_id\": this business is not in the frame of 2026"
    );
    assert_eq!(
        fault(&COMMENTS.replace("b,sv", "b,no")),
        "comments.csv:2: column \"language\": \"no\" is not one of da, sv, en"
    );
    assert_eq!(fault(&COMMENTS.replace(",text", ",words")), "comments.csv:1: there is no column \"text\"");
    assert!(run(COMMENTS, None).is_ok());
}
