//! What the municipality wants, does and counts: kept by the analyst, read by the committee and, where it is switched on, by everybody.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
use axum::http::{Request, StatusCode, header};
use domain::fieldwork::Role;
use domain::initiatives::{InitiativeState, Standing};

use super::town::{Browser, Got, NOW, Town};
use super::{figures, publish_report, signed_in};

const PLANS: &str = "/hojager/console/plans";

async fn publish_with_standing(town: &Town) -> store::results::PublicationInfo {
    let standing = town.store.standing(&town.municipality.id, "2026-11-20", 5).await.unwrap();
    let extra = serde_json::json!({ (Standing::KEY): standing });
    let publication = store::results::NewPublication {
        year: 2026,
        date: "2026-11-20",
        title: "Erhvervsmålingen 2026",
        note: "",
        report: &figures::report(),
        extra: &extra,
    };
    town.store.publish(&town.municipality.id, &publication, NOW).await.unwrap()
}

const GOAL: &[(&str, &str)] = &[
    ("text_da", "Samarbejdsforum mødes to gange om året"),
    ("yardstick", ""),
    ("kind", "raise"),
    ("from", "2023"),
    ("by", "2027"),
    ("since", "2023-06-01"),
];

const INITIATIVE: &[(&str, &str)] = &[
    ("title_da", "Én indgang"),
    ("owner_kind", "person"),
    ("owner", "Jens Overgaard"),
    ("indicators", "nki"),
    ("starts_on", "2024-03-01"),
    ("horizon", "2027"),
    ("public", "yes"),
    ("state", "idea"),
    ("on", "2024-01-10"),
];

#[tokio::test]
async fn goals_and_initiatives_are_kept_and_a_status_freezes_them() {
    let town = Town::open().await;
    let id = &town.municipality.id;
    let mut analyst = signed_in(&town, Role::Analyst).await;
    analyst.get(PLANS).await.assert_text("Der er ingen egne mål endnu.");

    // A fault names its field, and nothing is kept.
    let mut wrong = GOAL.to_vec();
    wrong[4] = ("by", "2022");
    let refused = analyst.post(&format!("{PLANS}/goals/new"), &wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_text("Slutår: ligger for tidligt");
    assert!(town.store.goals(id).await.unwrap().is_empty());
    analyst.post(&format!("{PLANS}/goals/new"), GOAL).await.assert_text("Gemt.");
    let goal = town.store.goals(id).await.unwrap().remove(0);

    // A change is a new version and says why.
    let at = format!("{PLANS}/goals/{}", goal.id);
    let mut changed = GOAL.to_vec();
    changed[0] = ("text_da", "Samarbejdsforum mødes tre gange om året");
    changed[5] = ("since", "2025-06-01");
    analyst.post(&at, &changed).await.assert_text("Hvorfor er målet ændret?: skal udfyldes");
    changed.push(("note", "Udvalget ville mere."));
    analyst.post(&at, &changed).await.assert_text("Gemt.");
    assert_eq!(town.store.goals(id).await.unwrap()[0].versions.len(), 2);

    let mut wrong = INITIATIVE.to_vec();
    wrong[2] = ("owner", "");
    analyst.post(&format!("{PLANS}/initiatives/new"), &wrong).await.assert_text("Ansvarlig: skal udfyldes");
    analyst.post(&format!("{PLANS}/initiatives/new"), INITIATIVE).await.assert_text("Gemt.");
    let initiative = town.store.initiatives(id).await.unwrap().remove(0);

    // No figures, no status.
    let status = format!("{PLANS}/status");
    let early = analyst.post(&status, &[("title", "Status"), ("sure", "yes")]).await;
    early.assert_text("Der skal være offentliggjort tal først.");
    let info = publish_with_standing(&town).await;
    let page = analyst.get(&format!("/hojager/committee/{}", info.id)).await;
    page.assert_text("Samarbejdsforum mødes tre gange om året");
    page.assert_text("Jens Overgaard");
    page.assert_text("Udvalget ville mere.");

    let move_to = format!("{PLANS}/initiatives/{}/move", initiative.id);
    let backwards = analyst.post(&move_to, &[("state", "active"), ("on", "2023-01-01")]).await;
    backwards.assert_text("Dato: ligger for tidligt");
    analyst
        .post(&move_to, &[("state", "active"), ("on", "2024-03-01"), ("note", "Bevilget.")])
        .await
        .assert_text("Gemt.");
    analyst.get(&format!("/hojager/committee/{}", info.id)).await.assert_text("idé");
    analyst.post(&status, &[("title", "Forårsstatus")]).await.assert_text("Sæt flueben ved");
    let published = analyst.post(&status, &[("title", "Forårsstatus"), ("sure", "yes")]).await;
    published.assert_text("Før: idé. Nu: i gang. Bevilget.");
    published.assert_text("Tallene er ikke målt igen");

    // What moves later does not move the status.
    analyst.post(&move_to, &[("state", "stopped"), ("on", "2024-09-01")]).await.assert_text("Gemt.");
    let mut committee = signed_in(&town, Role::Committee).await;
    committee.get(&published.path).await.assert_text("Nu: i gang.");
    committee.get("/hojager/committee").await.assert_text("Indsatserne har flyttet sig siden.");
    assert_eq!(town.store.initiatives(id).await.unwrap()[0].state, InitiativeState::Stopped);
    assert_eq!(committee.get(PLANS).await.status, StatusCode::FORBIDDEN);

    analyst.post(&format!("{at}/end"), &[]).await.assert_text("Jeg ved, at det ikke kan fortrydes: skal udfyldes");
    analyst.post(&format!("{at}/end"), &[("sure", "yes")]).await.assert_text("Gemt.");
    assert!(town.store.goals(id).await.unwrap()[0].ended.is_some());
}

async fn upload(browser: &mut Browser, csv: &str) -> Got {
    let body = format!(
        "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n--cut--\r\n"
    );
    let sent = Request::post("/hojager/console/accounts")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
        .header("sec-fetch-site", "same-origin");
    browser.send(sent, body).await
}

#[tokio::test]
async fn register_facts_are_taken_whole_or_not_at_all() {
    let town = Town::open().await;
    let mut analyst = signed_in(&town, Role::Analyst).await;
    let good = "år;nøgletal;værdi;kilde\n2025;companies;1.204;CVR-registret\n";
    let faulty = upload(&mut analyst, &format!("{good}2025;jobs;mange;DST\n")).await;
    assert_eq!(faulty.status, StatusCode::UNPROCESSABLE_ENTITY);
    faulty.assert_text("Række 3:");
    faulty.assert_text("»mange« er ikke et tal.");
    assert!(town.store.facts(&town.municipality.id).await.unwrap().is_empty());
    let taken = upload(&mut analyst, good).await;
    taken.assert_text("Gemt.");
    taken.assert_text("1.204");
    taken.assert_text("Kilde: CVR-registret");
    let info = publish_with_standing(&town).await;
    analyst.get(&format!("/hojager/committee/{}", info.id)).await.assert_text("indgår ikke i undersøgelsens tal");
}

#[tokio::test]
async fn years_and_sectors_stand_side_by_side_without_a_ranking() {
    let town = Town::open().await;
    let report = figures::report();
    let info = publish_report(&town, "", report.clone()).await;
    let mut reader = signed_in(&town, Role::Committee).await;
    let at = format!("/hojager/committee/{}/compare", info.id);
    let (first, last) = (report.years[0], report.years[report.years.len() - 1]);
    let page = reader.get(&format!("{at}?indicator=nki&year={first}&year={last}")).await;
    page.assert_text(&format!("{first} → {last}"));
    page.assert_text("Det er ikke en rangliste.");
    reader.get(&format!("{at}?year={first}")).await.assert_text("Vælg mindst to år.");
}

#[tokio::test]
async fn the_public_page_is_there_when_it_is_switched_on_and_only_then() {
    let town = Town::open().await;
    let mut analyst = signed_in(&town, Role::Analyst).await;
    analyst.post(&format!("{PLANS}/initiatives/new"), INITIATIVE).await.assert_text("Gemt.");
    publish_with_standing(&town).await;
    let mut anybody = town.browser();
    assert_eq!(anybody.get("/hojager/results/2026").await.status, StatusCode::NOT_FOUND);
    assert_eq!(analyst.get("/hojager/console/public").await.status, StatusCode::FORBIDDEN);
    let mut administrator = signed_in(&town, Role::Administrator).await;
    administrator.get("/hojager/console/public").await.assert_text("Siden er lukket.");
    administrator.post("/hojager/console/public", &[("on", "yes")]).await.assert_text("Siden er åben for alle");

    let page = anybody.get("/hojager/results").await;
    assert_eq!((page.status, page.path.as_str()), (StatusCode::OK, "/hojager/results/2026"));
    page.assert_text("Én indgang");
    assert!(!page.body.contains("Jens Overgaard"), "names of persons stay inside");
    assert!(!page.body.contains("noindex"));
    let other = anybody.get("/hojager/results/2026?lang=sv").await;
    assert!(other.headers.get(header::SET_COOKIE).is_none(), "no cookie, not even for a language");
    assert_eq!(page.headers["x-frame-options"], "DENY");
    let tag = page.headers[header::ETAG].clone();
    let again = Request::get("/hojager/results/2026").header(header::IF_NONE_MATCH, tag);
    assert_eq!(anybody.send(again, String::new()).await.status, StatusCode::NOT_MODIFIED);

    let chart = anybody.get("/hojager/results/2026/embed?indicator=nki").await;
    assert!(chart.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors *"));
    assert!(
        chart.headers.get("x-frame-options").is_none() && chart.body.contains("<svg") && chart.body.contains("<table")
    );
    assert_eq!(anybody.get("/hojager/results/2026/embed?indicator=x").await.status, StatusCode::NOT_FOUND);
    assert_eq!(anybody.get("/hojager/results/1999").await.status, StatusCode::NOT_FOUND);
    administrator.post("/hojager/console/public", &[("on", "no")]).await.assert_text("Siden er lukket.");
    assert_eq!(anybody.get("/hojager/results/2026").await.status, StatusCode::NOT_FOUND);
}
