//! Closed cases from the file to the figures: tried, taken in, answered by link, settled, shown to analyst and committee.
mod town;

use std::collections::BTreeMap;

use axum::http::{Request, StatusCode, header};
use domain::fieldwork::{Mode, ResponseStatus, Role};
use domain::frame::FrameUnit;
use domain::language::Language;
use domain::time::{Clock, Millis};
use store::respondent::PageSave;
use town::{Browser, Got, NOW, Town, unit};
use web::cases::settle;

const CASES: &str = "/hojager/console/cases";

async fn signed_in(town: &Town, role: Role) -> Browser {
    let id = &town.municipality.id;
    // Days pass and sessions end: whoever comes again is somebody new.
    let address = format!("{}-{}@hojager.example", role.as_str(), town.clock.now().0);
    let user = town.store.create_user(id, "Mette Holm", &address, role, NOW).await.expect("a user can be made");
    let token = town.keys.random_token();
    let lookup = town.keys.lookup(token.reveal());
    let until = NOW.plus_days(400);
    town.store.create_sign_in(id, &user.id, &lookup, until, NOW).await.expect("a link can be kept");
    let mut browser = town.browser();
    assert_eq!(browser.post(&format!("/sign-in/{}", token.reveal()), &[]).await.status, StatusCode::OK);
    browser
}

async fn upload(browser: &mut Browser, csv: &str, act: &str) -> Got {
    let body = format!(
        "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"sager.csv\"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n\
         --cut\r\nContent-Disposition: form-data; name=\"act\"\r\n\r\n{act}\r\n--cut--\r\n"
    );
    let sent = Request::post(CASES)
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
        .header("sec-fetch-site", "same-origin");
    browser.send(sent, body).await
}

fn businesses(count: u32) -> Vec<FrameUnit> {
    (0..count).map(|n| unit(100 + n, &format!("Firma {n}"), "49.41.00", 5, &format!("firma{n}@example.dk"))).collect()
}

/// A town whose yearly round is over, so that nobody was written to lately.
async fn quiet_town(count: u32) -> Town {
    let town = Town::with(&businesses(count)).await;
    town.store.close_round(&town.municipality.id, &town.round.id, NOW).await.expect("it is open");
    town
}

fn file(rows: impl Iterator<Item = (u32, &'static str)>) -> String {
    let mut csv = "sagsnummer;virksomhed;myndighed;afsluttet\n".to_owned();
    for (n, authority) in rows {
        csv.push_str(&format!("26/{n};{};{authority};20-09-2026\n", 1_000_000_100 + n));
    }
    csv
}

/// The links of those asked about a case, by business.
async fn links(town: &Town) -> BTreeMap<String, (domain::ids::InvitationId, String)> {
    let id = &town.municipality.id;
    let running = town.store.running_cases(id).await.expect("the town is sound");
    let links = town.store.links(id, &running[0].round, None, 100).await.expect("the town is sound");
    let token =
        |l: &store::rounds::LinkRow| town.keys.invitation_token(&l.invitation, l.generation).reveal().to_owned();
    links.iter().map(|l| (l.name.clone(), (l.invitation.clone(), token(l)))).collect()
}

async fn answer(town: &Town, invitation: &domain::ids::InvitationId, point: &str) {
    let changes: BTreeMap<String, Option<String>> = ["case_satisfaction", "case_expectations", "case_ideal"]
        .map(|key| (key.to_owned(), Some(point.to_owned())))
        .into();
    let page = PageSave {
        invitation,
        changes: &changes,
        expected_revision: 0,
        status: ResponseStatus::Partial,
        mode: Mode::Web,
        language: Language::Da,
        screen: None,
    };
    town.store.save_page(page, NOW).await.expect("the day is open");
    town.store.submit(invitation, "r", Mode::Web, Language::Da, NOW).await.expect("the day is open");
}

/// All that is due on a day is done, as the job runner does it.
async fn on_day(town: &Town, now: Millis) -> usize {
    let id = &town.municipality.id;
    town.clock.set(now);
    for running in town.store.running_cases(id).await.expect("the town is sound") {
        town.store.close_round(id, &running.round, now).await.expect("it is open");
    }
    settle(&town.store, &town.municipality, now).await.expect("the town is sound").len()
}

#[tokio::test]
async fn from_the_file_to_the_figures() {
    let town = quiet_town(12).await;
    let mut analyst = signed_in(&town, Role::Analyst).await;
    let empty = analyst.get(CASES).await;
    empty.assert_text("Der er ingen sager endnu.");
    empty.assert_text("Der er ingen tal endnu.");
    let example = analyst.get(&format!("{CASES}/example.csv")).await;
    example.assert_text("sagsnummer;virksomhed;myndighed;afsluttet");

    // Tried: nothing happens. Taken in: all are asked, once.
    let csv = file((0..12).map(|n| (n, if n < 9 { "Byggesager" } else { "roads" })));
    let tried = upload(&mut analyst, &csv, "try").await;
    tried.assert_text("Filen har 12 nye sager. Intet er gemt, og ingen er spurgt.");
    assert!(town.store.case_counts(&town.municipality.id).await.unwrap().is_empty());
    let taken = upload(&mut analyst, &csv, "take").await;
    taken.assert_text("12 nye sager er hentet ind.");
    taken.assert_text("Virksomheden bliver spurgt: 12");
    upload(&mut analyst, &csv, "take").await.assert_text("12 sager var hentet ind før.");
    let page = analyst.get(CASES).await;
    page.assert_text("3. kvt. 2026");
    page.assert_text("Gøres op 6. december 2026");
    page.assert_text("Hentet ind 1. oktober 2026, kan besvares til og med 22. oktober 2026");

    // One answers by the link, in Swedish, page by page, and gets a receipt.
    let links = links(&town).await;
    let link = format!("/s/{}", links["Firma 0"].1);
    let mut firm = town.browser();
    let first = firm.get(&format!("{link}?lang=sv")).await;
    first.assert_text("Hur gick ert ärende?");
    first.assert_text("Bygglov");
    first.assert_text("Avslutat 20 september 2026");
    first.assert_text("Era svar är konfidentiella, men inte anonyma.");
    assert!(!first.body.contains("Kommentarer läses"), "nothing is asked in own words");
    let screen = firm.fill_in(&first, &[], ("go", "start")).await;
    screen.assert_text("Hur nöjda är ni sammantaget med handläggningen?");
    let all = [("case_satisfaction", "8"), ("case_expectations", "8"), ("case_ideal", "8")];
    let screen = firm.fill_in(&screen, &all, ("go", "next")).await;
    screen.assert_text("Handläggningstiden");
    let review = firm.fill_in(&screen, &[("case_time", "4")], ("go", "next")).await;
    let thanks = firm.fill_in(&review, &[], ("go", "send")).await;
    assert!(thanks.path.ends_with("/thanks"), "{}", thanks.path);
    thanks.assert_text("Ert ärende hos kommunen");

    // Of the road cases three are answered: too few, and the total must not give them away.
    for (n, point) in [(1, "8"), (2, "8"), (3, "8"), (4, "8"), (5, "6"), (6, "6"), (9, "6"), (10, "6"), (11, "6")] {
        answer(&town, &links[&format!("Firma {n}")].0, point).await;
    }
    assert_eq!(on_day(&town, NOW.plus_days(65)).await, 0, "5 December: an answer could still have come");
    signed_in(&town, Role::Analyst).await.get(CASES).await.assert_text("Der er ingen tal endnu.");
    assert_eq!(on_day(&town, NOW.plus_days(66)).await, 1);
    assert_eq!(on_day(&town, NOW.plus_days(67)).await, 0, "once");
    let mut analyst = signed_in(&town, Role::Analyst).await;
    let page = analyst.get(CASES).await;
    // By hand: five at (8 − 1)/9 and five at (6 − 1)/9, in hundredths: 66.7.
    page.assert_text("67* ");
    page.assert_text("vises ikke (for få svar)");
    page.assert_text("10 svar på 12 sager");
    assert_eq!(
        page.body.matches("<td role=\"cell\" class=\"num\">67*").count(),
        2,
        "the total, of the quarter and of four"
    );
    assert_eq!(page.body.matches("<svg").count(), 2, "one chart, wide and narrow");
    let time = analyst.get(&format!("{CASES}?measure=time")).await;
    time.assert_text("Sagsbehandlingstid, kvartal for kvartal");
    // One business answered it: nothing is shown of it, and the index is shown all the same.
    assert!(!time.body.contains("<td role=\"cell\" class=\"num\">"), "{}", time.body);
    assert!(!time.body.contains("<svg"));

    // The committee reads it in a box of its own, before any publication too.
    let mut reader = signed_in(&town, Role::Committee).await;
    let committee = reader.get("/hojager/committee").await;
    committee.assert_text("Virksomheder med en afsluttet sag");
    committee.assert_text("Kilde: kommunens løbende måling af afsluttede sager.");
    committee.assert_text("67* ");
    assert_eq!(reader.get(CASES).await.status, StatusCode::FORBIDDEN);

    // The yearly pages know nothing of it, and the closed link says so.
    let home = analyst.get("/hojager/console").await;
    assert!(!home.body.contains("Afsluttede sager, "), "a round of cases stands among the yearly ones");
    let forms = analyst.get("/hojager/console/questionnaires").await;
    assert!(!forms.body.contains("afsluttet-sag"));
    assert_eq!(firm.get(&link).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn faults_are_told_by_row_and_field_and_the_other_rows_count() {
    let town = quiet_town(3).await;
    let mut analyst = signed_in(&town, Role::Analyst).await;
    let good = file([(0, "building")].into_iter());
    let got = upload(&mut analyst, &format!("{good}26/9;123;parking;20-09-2026\n"), "take").await;
    assert_eq!(got.status, StatusCode::OK);
    got.assert_text("1 ny sag er hentet ind.");
    got.assert_text("Række 3, virksomhed: Ikke et P-nummer (10 cifre) eller et gyldigt CVR-nummer (8 cifre).");
    got.assert_text("Række 3, myndighed: »parking« er ikke en kendt myndighed.");
    let got = upload(&mut analyst, "a;b\n1;2\n", "take").await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    got.assert_text("Filen kan ikke bruges: sager.csv: line 1, column case_id: is missing in the heading");
    // Whoever the yearly round is about to write to is not asked; the row says so.
    let busy = Town::with(&businesses(1)).await;
    let mut analyst = signed_in(&busy, Role::Analyst).await;
    let got = upload(&mut analyst, &good, "take").await;
    got.assert_text("Har fået mail om en undersøgelse inden for seks måneder: 1");
    got.assert_text("26/0");
}

#[tokio::test]
async fn a_pause_is_shown_and_ended_here() {
    let town = quiet_town(1).await;
    let mut analyst = signed_in(&town, Role::Analyst).await;
    upload(&mut analyst, &file([(0, "building")].into_iter()), "take").await;
    let id = &town.municipality.id;
    let round = town.store.running_cases(id).await.unwrap().remove(0).round;
    town.store.pause_mail(id, &round, "550 no", NOW).await.unwrap();
    let page = analyst.get(CASES).await;
    page.assert_text("mail står stille");
    page.assert_text("href=\"/hojager/console/cases\"");
    analyst.post(&format!("{CASES}/resume"), &[]).await.assert_text("Gemt.");
    assert!(town.store.running_cases(id).await.unwrap()[0].paused_at.is_none());
    assert_eq!(analyst.get(&format!("/hojager/console/rounds/{round}")).await.status, StatusCode::NOT_FOUND);
}
