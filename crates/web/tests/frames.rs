//! Register extracts in the console: columns, what they would change, kept and taken back; single businesses; other sectors.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
mod town;

use axum::http::{Request, StatusCode, header};
use domain::fieldwork::Role;
use domain::frame::FrameUnit;
use store::jobs::JobState;
use town::{Browser, Got, NOW, Town, unit};

const HEADING: &str = "P-nr;Firma;Kode;Folk;Mail";

async fn analyst(town: &Town) -> Browser {
    let id = &town.municipality.id;
    let user = town.store.create_user(id, "Mette Holm", "mette@hojager.example", Role::Analyst, NOW).await.unwrap();
    let token = town.keys.random_token();
    let lookup = town.keys.lookup(token.reveal());
    town.store.create_sign_in(id, &user.id, &lookup, NOW.plus_days(1), NOW).await.unwrap();
    let mut browser = town.browser();
    assert_eq!(browser.post(&format!("/sign-in/{}", token.reveal()), &[]).await.status, StatusCode::OK);
    browser
}

/// Sends a file as a browser's form does.
async fn upload(browser: &mut Browser, to: &str, fields: &[(&str, &str)], file: &str) -> Got {
    let part = |(name, value): &(&str, &str)| {
        format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = format!(
        "{}--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"C:\\cvr\\udtræk.csv\"\r\nContent-Type: text/csv\r\n\r\n{file}\r\n--cut--\r\n",
        fields.iter().map(part).collect::<String>(),
    );
    let sent = Request::post(to)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
        .header("sec-fetch-site", "same-origin");
    browser.send(sent, body).await
}

async fn frame(town: &Town, year: i32, units: &[FrameUnit]) {
    let id = &town.municipality.id;
    let import = town.store.begin_frame_import(id, year, "cvr.csv", &year.to_string(), NOW).await.unwrap().id;
    town.store.stage_frame_rows(id, &import, units, NOW).await.unwrap();
    town.store.finish_frame_import(id, &import, NOW).await.unwrap();
}

/// What the reader leaves behind, without the reader: two units, one row left out.
async fn read(town: &Town, page: &Got) {
    let id = &town.municipality.id;
    let job = town.store.claim_job("w", NOW.plus_days(1), NOW).await.unwrap().unwrap();
    assert_eq!(job.kind, "read_frame");
    let upload = page.path.rsplit('/').next().unwrap();
    assert_eq!(job.arguments["upload"], upload);
    let units =
        [unit(3, "Vognmand Holm ApS", "49.41.00", 12, "holm@example.dk"), unit(77, "Ny Kro", "56.11.00", 4, "")];
    let import = town.store.begin_frame_import(id, 2027, "udtræk.csv", upload, NOW).await.unwrap().id;
    town.store.frame_upload_reads_to(id, upload, &import).await.unwrap();
    town.store.stage_frame_rows(id, &import, &units, NOW).await.unwrap();
    let reason = serde_json::json!({ "da": "Kontrolcifferet passer ikke.", "sv": "Fel.", "en": "Wrong." });
    let row = serde_json::json!({ "row": 4, "unit": "", "name": "Kiosken", "field": "unit_number", "reason": reason });
    let summary = serde_json::json!({ "rows": 5, "taken": 2, "left_out": { "bad_number:unit_number": 1, "not_eligible:own_units": 2 },
        "notes": { "no_email": 1 }, "sectors": {}, "sizes": {}, "unused_columns": ["Bemærkning"], "absent": ["protected"] });
    town.store.describe_frame_import(id, &import, &summary, Some(&job.id)).await.unwrap();
    let difference = town.store.frame_difference(id, &import, 2027).await.unwrap();
    let preview = serde_json::json!({ "glimpse": { "summary": summary, "taken": units, "left_out": [row] }, "difference": difference,
        "edits": { "applied": 0, "overtaken": 0, "excluded": 0 }, "already_current": false, "import": import });
    town.store.show_frame_upload(id, upload, &preview).await.unwrap();
    town.store.finish_job(&job.id, "w", Ok(&serde_json::json!({})), &[], NOW).await.unwrap();
}

#[tokio::test]
async fn an_extract_is_looked_at_before_anything_is_kept_and_can_be_taken_back() {
    let town = Town::open().await;
    let id = &town.municipality.id;
    let mut browser = analyst(&town).await;
    let to = "/hojager/console/frames";
    let wrong = upload(&mut browser, to, &[("year", "26")], "a;b").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.assert_text("Skriv året med fire cifre.");
    upload(&mut browser, to, &[("year", "2027")], "").await.assert_text("Vælg en fil, der ikke er tom.");
    upload(&mut browser, to, &[("year", "2026")], "a;b").await.assert_text("Det kan ikke erstattes.");
    upload(&mut browser, to, &[("year", "2027")], "PK\u{3}\u{4}").await.assert_text("udtræk.csv: not a workbook");

    let file = format!("{HEADING}\n1000000003;Vognmand Holm ApS;494100;12;holm@example.dk");
    let columns = upload(&mut browser, to, &[("year", "2027"), ("classification", "")], &file).await;
    columns.assert_text("Hvilken kolonne er hvad?");
    columns.assert_text("494100");
    assert!(columns.body.contains("<option value=\"unit_number\" selected>"), "the heading is known");
    let half = browser.post(&columns.path, &[("c0", "unit_number"), ("c1", "name"), ("c4", "name")]).await;
    assert_eq!(half.status, StatusCode::UNPROCESSABLE_ENTITY);
    half.assert_text("Navn er valgt to gange: kolonne 2 og kolonne 5.");
    half.assert_text("Ingen kolonne er valgt som Branchekode.");
    let choice = [("c0", "unit_number"), ("c1", "name"), ("c2", "industry_code"), ("c3", "employees"), ("c4", "email")];
    let reading = browser.post(&columns.path, &choice).await;
    assert_eq!(reading.headers["refresh"], "3");
    reading.assert_text("Filen læses");
    read(&town, &columns).await;

    let preview = browser.get(&columns.path).await;
    for text in [
        "Intet er taget i brug endnu.",
        "CVR- eller P-nummer er ikke gyldigt: P-nummer",
        "ikke, hvem der er reklamebeskyttet",
        "Grundlag i 2026",
        "Nye: 1",
        "Væk: 1",
        "Ny Kro",
        "Kontrolcifferet passer ikke.",
        "Bemærkning",
    ] {
        preview.assert_text(text);
    }
    assert!(!preview.body.contains("not_eligible"), "every reason has a name for people");
    assert!(town.store.frame_story(id, 2027).await.unwrap().is_none(), "nothing is kept");
    browser.get(&format!("{}/difference/new", columns.path)).await.assert_text("Ny Kro");
    let list = browser.get(&format!("{}/difference/closed/file", columns.path)).await;
    assert!(list.body.contains("Salon Saks") && list.headers["content-type"] == "text/csv; charset=utf-8");
    browser.get("/hojager/console/frames").await.assert_text("Udtræk, der venter på dig");

    let kept = browser.post(&format!("{}/keep", columns.path), &[]).await;
    assert_eq!(kept.path, "/hojager/console/frames/2027?done=kept");
    kept.assert_text("Udtrækket er taget i brug.");
    // What was chosen is remembered, whatever the heading says.
    let next = upload(&mut browser, to, &[("year", "2028")], &file).await;
    assert!(next.body.contains("<option value=\"industry_code\" selected>"), "\"Kode\" is known from last time");
    let discarded = browser.post(&format!("{}/discard", next.path), &[]).await;
    discarded.assert_text("Filen er kasseret.");
    assert_eq!(browser.get(&next.path).await.status, StatusCode::NOT_FOUND);
    browser.post("/hojager/console/frames/2027/undo", &[]).await.assert_text("Udtrækket er fjernet.");
    assert!(town.store.frame_story(id, 2027).await.unwrap().is_none());
    let refused = browser.post("/hojager/console/frames/2026/undo", &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "a round is open on it");
    let trail = town.store.audit_trail(id, 50).await.unwrap();
    for action in ["frame.uploaded", "frame.columns_chosen", "frame.kept", "frame.discarded", "frame.undone"] {
        assert!(trail.iter().any(|entry| entry.action == action), "{action}");
    }
}

#[tokio::test]
async fn a_reading_that_failed_says_why_and_lets_one_choose_again() {
    let town = Town::open().await;
    let mut browser = analyst(&town).await;
    let columns = upload(&mut browser, "/hojager/console/frames", &[("year", "2027")], HEADING).await;
    let choice = [("c0", "unit_number"), ("c1", "name"), ("c2", "industry_code"), ("c3", "employees")];
    browser.post(&columns.path, &choice).await;
    let job = town.store.claim_job("w", NOW.plus_days(1), NOW).await.unwrap().unwrap();
    town.store.finish_job(&job.id, "w", Err("udtræk.csv: line 7: broken"), &[], NOW).await.unwrap();
    let again = browser.get(&columns.path).await;
    again.assert_text("udtræk.csv: line 7: broken");
    assert!(again.body.contains("<option value=\"name\" selected>"), "what was chosen stands there");
    let failed = town.store.job(&town.municipality.id, &job.id).await.unwrap();
    assert_eq!(failed.state, JobState::Failed);
}

#[tokio::test]
async fn one_business_is_corrected_left_out_and_taken_in_again() {
    let town = Town::open().await;
    let mut browser = analyst(&town).await;
    let units =
        [unit(5, "Ærø Smede", "25.62.00", 12, "smed@example.dk"), unit(6, "Ny Kro", "56.11.00", 4, "kro@example.dk")];
    frame(&town, 2027, &units).await;
    let found = browser.get("/hojager/console/frames/2027/units?q=%C3%86R%C3%98").await;
    found.assert_text("Ærø Smede");
    assert!(!found.body.contains("Ny Kro"));
    browser.get("/hojager/console/frames/2027/units?q=zzz").await.assert_text("Intet arbejdssted passer.");
    let at = found.body.find("/frames/2027/units/").unwrap();
    let href = format!("/hojager/console{}", found.body[at..].split('"').next().unwrap());
    let page = browser.get(&href).await;
    page.assert_text("Intet er rettet.");
    let filled = |name: &'static str, email: &'static str, reason: &'static str| {
        [
            ("name", name),
            ("email", email),
            ("sector", "manufacturing"),
            ("street", "Havnevej 5"),
            ("postcode", "4690"),
            ("city", "Højager"),
            ("phone", "12 34 56 05"),
            ("reason", reason),
        ]
    };
    let wrong = browser.post(&href, &filled("Ærø Smede", "ingen", "")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.assert_text("Skriv én mailadresse, eller lad feltet være tomt.");
    wrong.assert_text("Skriv hvorfor, så det kan forstås om et år.");
    let sector = page.body.split("<option value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut good: Vec<(&str, &str)> = filled("Ærø Smede ApS", "ny@example.dk", "Ringede selv").to_vec();
    good[2].1 = &sector;
    let saved = browser.post(&href, &good).await;
    saved.assert_text("Rettelsen er gemt.");
    saved.assert_text("Ringede selv");
    saved.assert_text("Mette Holm");
    browser.post(&href, &good).await.assert_text("Intet var ændret.");

    let bare = browser.post(&format!("{href}/exclude"), &[]).await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    browser
        .post(&format!("{href}/exclude"), &[("reason", "Lukket")])
        .await
        .assert_text("ikke længere med i grundlaget");
    let year = browser.get("/hojager/console/frames/2027").await;
    year.assert_text("Udeladt af jer");
    browser.get("/hojager/console/frames/2027/units").await.assert_text("Ærø Smede ApS");
    browser.post(&format!("{href}/include"), &[]).await.assert_text("med i grundlaget igen");
    let frozen = browser.get("/hojager/console/frames/2026/units?q=holm").await;
    let at = frozen.body.find("/frames/2026/units/").unwrap();
    let href = format!("/hojager/console{}", frozen.body[at..].split('"').next().unwrap());
    let page = browser.get(&href).await;
    page.assert_text("så det kan ikke rettes her");
    assert_eq!(browser.post(&href, &good).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn other_sectors_are_shown_before_they_are_taken() {
    let town = Town::open().await;
    let id = &town.municipality.id;
    let mut browser = analyst(&town).await;
    let page = browser.get("/hojager/console/frames/sectors").await;
    page.assert_text("Som det er nu");
    let shown = browser.get("/hojager/console/frames/sectors?grouping=htk").await;
    shown.assert_text("Hvem flytter hvorhen");
    shown.assert_text("En måling er åben.");
    let refused = browser.post("/hojager/console/frames/sectors/change", &[("grouping", "htk")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    town.store.close_round(id, &town.round.id, NOW).await.unwrap();
    let shown = browser.get("/hojager/console/frames/sectors?grouping=htk").await;
    shown.assert_text("Offentliggjorte tal ændres ikke.");
    let wrong = upload(&mut browser, "/hojager/console/frames/sectors", &[], "code,sector\n99.98,x").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.assert_text("Filen kan ikke læses:");
    let none = browser.post("/hojager/console/frames/sectors/change", &[("grouping", "nowhere")]).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    let job = browser.post("/hojager/console/frames/sectors/change", &[("grouping", "htk")]).await;
    job.assert_text("Skift af branchegrupper");
    let job = town.store.claim_job("w", NOW.plus_days(1), NOW).await.unwrap().unwrap();
    assert_eq!((job.kind.as_str(), &job.arguments["grouping"]), ("regroup_frames", &serde_json::json!("htk")));
}
