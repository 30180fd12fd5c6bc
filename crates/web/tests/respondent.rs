//! The respondent's pages over HTTP and a real database, walked as a browser without script would.
mod town;

use axum::http::{Request, StatusCode, header};
use domain::fieldwork::{Mode, ResponseStatus};
use town::{Browser, Got, Town};

const NEXT: (&str, &str) = ("go", "next");

#[tokio::test]
async fn a_haulier_answers_everything_and_gets_a_receipt() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let first = browser.get(&format!("/s/{}", town.haulier())).await;
    first.assert_text("Vognmand Holm ApS");
    first.assert_text("Havnevej 3");
    first.assert_text("22. november 2026");
    let mut page = browser.fill_in(&first, &[], NEXT).await;
    let mut screens = Vec::new();
    while !page.path.ends_with("/review") {
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        screens.push(page.path.rsplit('/').next().unwrap().to_owned());
        let form = page.form();
        let mut answers: Vec<(&str, &str)> = Vec::new();
        for (name, value) in &form.offered {
            // The first option of every question; of the contacts also a second, so that a choice between them is asked for.
            if !answers.iter().any(|(n, _)| n == name) || (name == "contact" && value == "waste") {
                answers.push((name, value));
            }
        }
        for name in form.names.iter().filter(|n| *n == "does_well") {
            answers.push((name, "Hurtige <svar> & gode råd\nhver gang"));
        }
        page = browser.fill_in(&page, &answers, NEXT).await;
        assert!(screens.len() < 20, "the route does not end: {screens:?}");
    }
    assert!(screens.starts_with(&["overall".to_owned(), "contact".to_owned()]), "{screens:?}");
    assert!(screens.contains(&"own-words".to_owned()));
    page.assert_text("I har svaret på alle spørgsmål");
    page.assert_text("Hurtige <svar> & gode råd\nhver gang");
    let reach = browser.fill_in(&page, &[], NEXT).await;
    assert!(reach.path.ends_with("/reach"), "yes to being contacted leads to its form: {}", reach.path);
    let missing = browser.fill_in(&reach, &[("name", "Lis Holm")], NEXT).await;
    assert_eq!(missing.status, StatusCode::UNPROCESSABLE_ENTITY);
    missing.assert_text("Skriv et telefonnummer eller en mailadresse.");
    let thanks = browser.fill_in(&missing, &[("reach", "12 34 56 78")], NEXT).await;
    thanks.assert_text("Tak for jeres svar");
    let who = town.respondent(town.haulier()).await;
    let response = who.response.unwrap();
    assert_eq!(response.status, ResponseStatus::Complete);
    assert!(response.submitted_at.is_some());
    assert_eq!(response.answers.get("does_well"), Some("Hurtige <svar> & gode råd\nhver gang"));
    assert!(!response.answers.0.values().any(|v| v.contains("Lis Holm")), "the wish is kept apart from the answers");
    let wish = town.store.contact_wish(&who.invitation).await.unwrap().unwrap();
    assert_eq!((wish.name.as_str(), wish.reach.as_str()), ("Lis Holm", "12 34 56 78"));
}

#[tokio::test]
async fn who_has_no_staff_is_not_asked_about_staff() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let page = browser.get(&format!("/s/{}", town.hairdresser())).await;
    browser.fill_in(&page, &[], NEXT).await;
    let labour = browser.get(&format!("/s/{}/labour", town.hairdresser())).await;
    let fields = labour.form().names;
    assert!(!fields.iter().any(|f| f.contains("apprentice") || f.contains("hard")), "{fields:?}");
}

#[tokio::test]
async fn opening_links_changes_nothing() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let token = town.haulier();
    for page in ["", "/overall", "/review", "/thanks", "/reach", "/withdraw", "/stop", "/unsubscribe", "/contact"] {
        browser.get(&format!("/s/{token}{page}")).await;
        browser.get(&format!("/s/{token}{page}?lang=sv")).await;
    }
    let who = town.respondent(token).await;
    assert!(who.response.is_none() && who.opted_out_at.is_none() && who.opted_out_for_good_at.is_none());
}

#[tokio::test]
async fn every_page_is_saved_and_the_link_leads_back_to_it() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let first = browser.get(&format!("/s/{}", town.haulier())).await;
    let overall = browser.fill_in(&first, &[], NEXT).await;
    browser.fill_in(&overall, &[("overall", "4")], NEXT).await;
    let mut phone = town.browser();
    let first = phone.get(&format!("/s/{}", town.haulier())).await;
    first.assert_text("Fortsæt, hvor I slap");
    let next = phone.fill_in(&first, &[], NEXT).await;
    assert!(next.path.ends_with("/contact"), "{}", next.path);
    let back = phone.fill_in(&next, &[], ("go", "back")).await;
    assert!(back.path.ends_with("/overall") && back.is_checked("overall", "4"));
}

#[tokio::test]
async fn submitting_twice_is_harmless() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let token = town.hairdresser();
    let first = browser.get(&format!("/s/{token}")).await;
    let overall = browser.fill_in(&first, &[], NEXT).await;
    browser.fill_in(&overall, &[("overall", "2")], NEXT).await;
    let review = browser.get(&format!("/s/{token}/review")).await;
    let once = browser.fill_in(&review, &[], NEXT).await;
    let submitted = town.respondent(token).await.response.unwrap().submitted_at;
    town.clock.set(town::NOW.plus_days(1));
    let twice = browser.fill_in(&review, &[], NEXT).await;
    assert_eq!((once.status, twice.status), (StatusCode::OK, StatusCode::OK));
    let code = |page: &str| page.split("class=\"reference\">").nth(1).unwrap()[..11].to_owned();
    assert_eq!(code(&once.body), code(&twice.body));
    assert_eq!(town.respondent(token).await.response.unwrap().submitted_at, submitted);
    browser.get(&format!("/s/{token}")).await.assert_text("I har svaret");
}

#[tokio::test]
async fn two_devices_never_overwrite_each_other_silently() {
    let town = Town::open().await;
    let (mut desk, mut phone) = (town.browser(), town.browser());
    let first = desk.get(&format!("/s/{}", town.haulier())).await;
    let on_desk = desk.fill_in(&first, &[], NEXT).await;
    let on_phone = phone.get(&on_desk.path).await;
    phone.fill_in(&on_phone, &[("overall", "5"), ("nki_ideal", "7")], NEXT).await;
    let conflict = desk.fill_in(&on_desk, &[("overall", "1"), ("nki_satisfaction", "3")], NEXT).await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    conflict.assert_text("Der er svaret fra en anden enhed");
    conflict.assert_text("Gemt fra den anden enhed: Meget tilfreds");
    assert!(
        conflict.is_checked("overall", "1") && conflict.is_checked("nki_satisfaction", "3"),
        "what was chosen here is still there"
    );
    assert!(conflict.is_checked("nki_ideal", "7"), "left blank here, answered there: the answer stands");
    let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
    assert_eq!((answers.get("overall"), answers.get("nki_satisfaction")), (Some("5"), Some("3")));
    // Seen and sent again: now it is meant.
    let after = desk.fill_in(&conflict, &[], NEXT).await;
    assert_eq!(after.status, StatusCode::OK, "{}", after.body);
    let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
    assert_eq!(answers.get("overall"), Some("1"));
}

#[tokio::test]
async fn a_fault_stands_beside_its_field_and_nothing_is_lost() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let first = browser.get(&format!("/s/{}", town.haulier())).await;
    let overall = browser.fill_in(&first, &[], NEXT).await;
    let long = "ø".repeat(4001);
    let again = browser.fill_in(&overall, &[("overall", "4"), ("overall_why", &long)], NEXT).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.assert_text("Der er plads til 4.000 tegn");
    again.assert_text("href=\"#q-overall_why\"");
    assert!(again.is_checked("overall", "4") && again.body.contains(&long));
    let swedish = browser.fill_in(&again, &[], ("language", "sv")).await;
    swedish.assert_text("Det finns plats för 4\u{a0}000 tecken");
    assert!(swedish.body.contains(&long), "the language can be changed without losing what is typed");
    let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
    assert_eq!(
        (answers.get("overall"), answers.get("overall_why")),
        (Some("4"), None),
        "valid answers are kept at once"
    );
}

#[tokio::test]
async fn changing_the_language_keeps_the_answers() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let first = browser.get(&format!("/s/{}", town.haulier())).await;
    let overall = browser.fill_in(&first, &[], NEXT).await;
    let swedish = browser.fill_in(&overall, &[("overall", "2"), ("overall_why", "Fordi")], ("language", "sv")).await;
    swedish.assert_text("Mycket missnöjd");
    assert!(swedish.body.contains("<html lang=\"sv\">") && swedish.is_checked("overall", "2"));
    assert!(swedish.form().filled.contains(&("overall_why".to_owned(), "Fordi".to_owned())));
    let next = browser.fill_in(&swedish, &[], NEXT).await;
    assert!(next.body.contains("<html lang=\"sv\">"), "the choice stays");
}

#[tokio::test]
async fn an_unknown_link_says_what_to_do() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let page = browser.get("/s/abcdefghijkmnpqrstuvwxyz23").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    page.assert_text("Linket virker ikke");
    let post = browser.post("/s/abcdefghijkmnpqrstuvwxyz23/overall", &[("overall", "5")]).await;
    assert_eq!(post.status, StatusCode::NOT_FOUND);
    let foreign =
        browser.post(&format!("/s/{}/overall", town.hairdresser()), &[("overall", "5"), ("revision", "0")]).await;
    assert_eq!(foreign.status, StatusCode::OK);
    assert!(!foreign.body.contains("Vognmand") && !foreign.body.contains(town.haulier()), "nor does it name another");
    assert!(town.respondent(town.haulier()).await.response.is_none(), "a link answers for its own business only");
}

#[tokio::test]
async fn a_malformed_form_changes_nothing_and_breaks_nothing() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let path = format!("/s/{}/overall", town.haulier());
    let odd =
        browser.post(&path, &[("overall", "99"), ("revision", "x"), ("nonsense", "1"), ("overall_why", "a\0b")]).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    odd.assert_text("Vælg et af de svar, der står her.");
    let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
    assert_eq!((answers.get("overall"), answers.get("nonsense"), answers.get("overall_why")), (None, None, Some("ab")));
    let json = browser.send(Request::post(&path).header(header::CONTENT_TYPE, "application/json"), "{}".into()).await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    json.assert_text("Vi kunne ikke læse det, der blev sendt");
    let huge = browser.post(&path, &[("overall_why", &"x".repeat(300_000))]).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    let no_such = browser.get(&format!("/s/{}/no-such-screen", town.haulier())).await;
    assert!(no_such.path.ends_with(town.haulier()), "an address off the route leads to the first page");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let town = Town::open().await;
    let path = format!("/s/{}/stop", town.haulier());
    let form = |site: &str| {
        Request::post(&path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
    };
    let refused = town.browser().send(form("cross-site"), "reach=good".into()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(town.respondent(town.haulier()).await.opted_out_at.is_none());
    let done = town.browser().send(form("same-origin"), "reach=round".into()).await;
    done.assert_text("I får ikke flere mails om denne måling.");
    let who = town.respondent(town.haulier()).await;
    assert!(who.opted_out_at.is_some() && who.opted_out_for_good_at.is_none());
    let first = town.browser().get(&format!("/s/{}", town.haulier())).await;
    first.assert_text("I har sagt nej tak");
    let anyway = town.browser().fill_in(&first, &[], NEXT).await;
    assert!(anyway.path.ends_with("/overall"), "who said no may still answer");
}

#[tokio::test]
async fn the_invitation_can_be_passed_on_and_the_old_link_stops() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let path = format!("/s/{}/pass-on", town.haulier());
    let page = browser.get(&path).await;
    let again = browser.fill_in(&page, &[("email", "not an address")], NEXT).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.assert_text("Skriv en gyldig mailadresse");
    let done = browser.fill_in(&again, &[("email", "lis@holm.example")], NEXT).await;
    done.assert_text("Sendt videre");
    for page in ["", "/overall", "/stop"] {
        let old = town.browser().get(&format!("/s/{}{page}", town.haulier())).await;
        assert_eq!(old.status, StatusCode::GONE);
        old.assert_text("Linket er givet videre");
        assert!(!old.body.contains("lis@holm.example") && !old.body.contains("Vognmand Holm"), "no more than that");
    }
    let links = town.store.links(&town.municipality.id, &town.round.id, None, 10).await.unwrap();
    let haulier = links.iter().find(|l| l.name == "Vognmand Holm ApS").unwrap();
    let token = town.keys.invitation_token(&haulier.invitation, haulier.generation);
    assert_eq!(browser.get(&format!("/s/{}", token.reveal())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_wish_to_be_contacted_can_be_taken_back() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let token = town.haulier();
    let path = format!("/s/{token}/own-words");
    browser.post(&path, &[("follow_up", "1"), ("revision", "0")]).await;
    let review = browser.get(&format!("/s/{token}/review")).await;
    let reach = browser.fill_in(&review, &[], NEXT).await;
    browser.fill_in(&reach, &[("name", "Lis"), ("reach", "lis@holm.example")], ("go", "keep")).await;
    let who = town.respondent(token).await;
    assert!(town.store.contact_wish(&who.invitation).await.unwrap().is_some());
    let reach = browser.get(&format!("/s/{token}/reach")).await;
    browser.fill_in(&reach, &[], ("go", "drop")).await;
    assert!(town.store.contact_wish(&who.invitation).await.unwrap().is_none());
}

#[tokio::test]
async fn who_corrects_yes_to_no_is_not_contacted() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let token = town.haulier();
    let path = format!("/s/{token}/own-words");
    browser.post(&path, &[("follow_up", "1"), ("revision", "0")]).await;
    let review = browser.get(&format!("/s/{token}/review")).await;
    let reach = browser.fill_in(&review, &[], NEXT).await;
    browser.fill_in(&reach, &[("name", "Lis"), ("reach", "lis@holm.example")], ("go", "keep")).await;
    let who = town.respondent(token).await;
    let revision = who.response.as_ref().unwrap().revision;
    let page = |answer| [("follow_up", answer), ("revision", &*revision.to_string().leak())];
    browser.post(&path, &page("1")).await;
    assert!(town.store.contact_wish(&who.invitation).await.unwrap().is_some(), "yes again changes nothing");
    browser.post(&path, &page("0")).await;
    assert!(town.store.contact_wish(&who.invitation).await.unwrap().is_none());
}

#[tokio::test]
async fn a_sent_answer_is_not_passed_on_from_a_page_left_open() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let token = town.hairdresser();
    let left_open = browser.get(&format!("/s/{token}/pass-on")).await;
    browser.post(&format!("/s/{token}/overall"), &[("overall", "2"), ("revision", "0")]).await;
    browser.post(&format!("/s/{token}/submit"), &[]).await;
    let late = browser.fill_in(&left_open, &[("email", "lis@holm.example")], NEXT).await;
    late.assert_text("I har svaret");
    assert_eq!(browser.get(&format!("/s/{token}")).await.status, StatusCode::OK, "the link still works");
}

#[tokio::test]
async fn a_mail_program_unsubscribes_with_one_click() {
    let town = Town::open().await;
    for (path, kind, body, token) in [
        ("stop", "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click", town.haulier()),
        (
            "unsubscribe",
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n",
            town.hairdresser(),
        ),
    ] {
        let request = Request::post(format!("/s/{token}/{path}")).header(header::CONTENT_TYPE, kind);
        let got = town.browser().send(request, body.to_owned()).await;
        assert_eq!(got.status, StatusCode::OK);
        assert!(town.respondent(token).await.opted_out_for_good_at.is_some());
    }
}

#[tokio::test]
async fn an_answer_can_be_taken_back_with_its_code() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let token = town.haulier();
    let first = browser.get(&format!("/s/{token}")).await;
    let overall = browser.fill_in(&first, &[], NEXT).await;
    browser.fill_in(&overall, &[("overall", "2")], NEXT).await;
    let review = browser.get(&format!("/s/{token}/review")).await;
    let thanks = browser.fill_in(&review, &[], NEXT).await;
    let code = thanks.body.split("class=\"reference\">").nth(1).unwrap()[..11].to_owned();
    let form = browser.get(&format!("/s/{token}/withdraw")).await;
    let wrong = browser.fill_in(&form, &[("reference", "AAAAA-BBBBB")], NEXT).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(town.respondent(token).await.response.is_some());
    let gone = browser.fill_in(&wrong, &[("reference", &code.to_lowercase().replace('-', " "))], NEXT).await;
    gone.assert_text("Svaret er trukket tilbage");
    let who = town.respondent(token).await;
    assert!(who.response.is_none() && who.opted_out_at.is_some(), "no answer, and no reminder either");
}

#[tokio::test]
async fn a_closed_round_takes_no_answers_and_says_so() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let first = browser.get(&format!("/s/{}", town.haulier())).await;
    let overall = browser.fill_in(&first, &[], NEXT).await;
    town.store.close_round(&town.municipality.id, &town.round.id, town::NOW).await.unwrap();
    let late = browser.fill_in(&overall, &[("overall", "4")], NEXT).await;
    assert_eq!(late.status, StatusCode::GONE);
    late.assert_text("Målingen er lukket");
    assert_eq!(town.respondent(town.haulier()).await.response.unwrap().answers.get("overall"), None);
}

#[tokio::test]
async fn the_script_s_background_saves_tell_the_revision() {
    let town = Town::open().await;
    let path = format!("/s/{}/overall", town.haulier());
    let mut browser = town.browser();
    let saved = browser.post(&path, &[("overall", "4"), ("revision", "0"), ("autosave", "1")]).await;
    assert_eq!(saved.headers[header::CONTENT_TYPE], "application/json");
    let revision = town.respondent(town.haulier()).await.response.unwrap().revision;
    assert_eq!(saved.body, format!("{{\"revision\":{revision},\"faults\":false,\"conflict\":false}}"));
    let stale = browser.post(&path, &[("overall", "1"), ("revision", "0"), ("autosave", "1")]).await;
    assert!(stale.body.ends_with("\"conflict\":true}"), "{}", stale.body);
}

#[tokio::test]
async fn the_promises_stand_in_their_order_and_the_time_is_computed() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let first = browser.get(&format!("/s/{}", town.haulier())).await;
    let order = [
        "Jeres svar er fortrolige, men ikke anonyme.",
        "Systemet ved, hvilket svar der er jeres",
        "mindst 5 virksomheder",
        "Kommentarer læses af erhvervskonsulenten i Erhvervsservice",
        "Erhvervsudvalget ser kun udvalgte citater",
        "Svarene bruges ikke i sager om jer",
        "slettes senest 31. december 2031",
        "aktindsigt",
    ];
    let at: Vec<usize> = order.iter().map(|p| first.body.find(p).unwrap_or_else(|| panic!("{p} is missing"))).collect();
    assert!(at.is_sorted(), "{at:?}");
    let (low, high) = domain::questionnaire::shipped().expected_minutes(&town.respondent(town.haulier()).await.facts);
    first.assert_text(&format!("{low}–{high} minutter"));
    for page in ["/s/x", "/hojager/privacy"] {
        let body = browser.get(page).await.body.replace(order[0], "");
        assert!(!body.to_lowercase().contains("anonym"), "{page}");
    }
}

#[tokio::test]
async fn pages_carry_their_headers() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let page = browser.get(&format!("/s/{}", town.haulier())).await;
    let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-robots-tag"), "noindex, nofollow");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(!page.body.contains(" style=") && !page.body.contains("onclick=") && !page.body.contains("<style"));
    let sheet = page.body.split("href=\"").find(|p| p.starts_with("/assets/pejling.") && p.contains(".css")).unwrap();
    let sheet = browser.get(&sheet[..sheet.find('"').unwrap()]).await;
    assert_eq!(sheet.headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(sheet.headers[header::CONTENT_TYPE], "text/css; charset=utf-8");
    let theme = browser.get("/hojager/theme.css?v=1d4f7c").await;
    assert!(theme.body.contains("--brand:#1d4f7c"));
    assert_eq!(browser.get("/healthz").await.body, "{\"status\":\"ok\"}");
    let nowhere = browser.get("/no/such/page").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    nowhere.assert_text("Siden findes ikke");
}

/// Everything answered, from the screen at hand to the review: of every question the first option, or this one.
async fn answer_all(browser: &mut Browser, mut page: Got, overall: &str) -> Got {
    for _ in 0..30 {
        if page.path.ends_with("/review") {
            return page;
        }
        let form = page.form();
        let mut answers: Vec<(&str, &str)> = Vec::new();
        for (name, value) in &form.offered {
            let value = match name.as_str() {
                "overall" => overall,
                "follow_up" => "0",
                _ => value,
            };
            if !answers.iter().any(|(n, _)| n == name) {
                answers.push((name, value));
            }
        }
        page = browser.fill_in(&page, &answers, NEXT).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    }
    panic!("the route does not end: {}", page.path)
}

fn code(page: &Got) -> String {
    page.body.split("class=\"reference\">").nth(1).unwrap_or_else(|| panic!("no code: {}", page.body))[..11].to_owned()
}

#[tokio::test]
async fn the_link_alone_shows_no_sent_answer() {
    let town = Town::open().await;
    let (mut sender, mut reader) = (town.browser(), town.browser());
    let token = town.haulier();
    let begun = sender.post(&format!("/s/{token}"), &[]).await;
    let review = answer_all(&mut sender, begun, "4").await;
    let thanks = sender.fill_in(&review, &[], NEXT).await;
    thanks.assert_text("Tak for jeres svar");
    let code = code(&thanks);
    // Who sent it goes on reading and correcting for a while.
    sender.get(&format!("/s/{token}/review")).await.assert_text("Tilfreds");
    let file = sender.get(&format!("/s/{token}/answers.txt")).await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert!(file.body.contains("Vognmand Holm ApS") && file.body.contains("Tilfreds"), "{}", file.body);
    let overall = sender.get(&format!("/s/{token}/overall")).await;
    assert!(overall.is_checked("overall", "4"));
    sender.fill_in(&overall, &[("overall", "3")], NEXT).await;
    assert_eq!(town.respondent(token).await.response.unwrap().answers.get("overall"), Some("3"));
    // Another reader of the mailbox sees that there is an answer, and nothing of it.
    for page in ["", "/overall", "/review", "/thanks", "/reach", "/answers.txt", "/code", "/own-words", "/withdraw"] {
        let got = reader.get(&format!("/s/{token}{page}")).await;
        assert!(!got.body.contains(&code) && !got.body.contains(" checked"), "{page}: {}", got.body);
        assert!(
            !got.body.contains("class=\"review\"") && !got.headers.contains_key(header::CONTENT_DISPOSITION),
            "{page}"
        );
    }
    let refused = reader.post(&format!("/s/{token}/overall"), &[("overall", "1"), ("revision", "99")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    refused.assert_text("er ikke gemt");
    assert_eq!(town.respondent(token).await.response.unwrap().answers.get("overall"), Some("3"));
    // With the code, typed as people type, it opens.
    let ask = reader.get(&format!("/s/{token}/code")).await;
    let wrong = reader.fill_in(&ask, &[("reference", "AAAAA-AAAAA")], NEXT).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = reader.fill_in(&wrong, &[("reference", &code.to_lowercase().replace('-', " "))], NEXT).await;
    assert_eq!(self::code(&right), code);
    assert!(reader.get(&format!("/s/{token}/overall")).await.is_checked("overall", "3"));
}

#[tokio::test]
async fn a_new_complete_answer_replaces_the_old_one_unseen() {
    let town = Town::open().await;
    let (mut first, mut second) = (town.browser(), town.browser());
    let token = town.haulier();
    let begun = first.post(&format!("/s/{token}"), &[]).await;
    let review = answer_all(&mut first, begun, "4").await;
    let old = code(&first.fill_in(&review, &[], NEXT).await);
    let again = second.post(&format!("/s/{token}/again"), &[]).await;
    assert!(again.path.ends_with("/overall") && !again.body.contains(" checked"), "{}", again.body);
    second.fill_in(&again, &[("overall", "2")], NEXT).await;
    // Begun only: the old one stands, and too little does not replace it.
    let review = second.get(&format!("/s/{token}/review")).await;
    let little = second.fill_in(&review, &[], NEXT).await;
    assert_eq!(little.status, StatusCode::UNPROCESSABLE_ENTITY);
    little.assert_text("mindst fire ud af fem");
    assert_eq!(town.respondent(token).await.response.unwrap().answers.get("overall"), Some("4"));
    // Filled in, it does; sent twice, there is still one.
    let page = second.get(&format!("/s/{token}/overall")).await;
    let review = answer_all(&mut second, page, "2").await;
    let thanks = second.fill_in(&review, &[], NEXT).await;
    let new = code(&thanks);
    assert_ne!(old, new);
    assert_eq!(code(&second.fill_in(&review, &[], NEXT).await), new);
    let who = town.respondent(token).await;
    assert_eq!(who.response.unwrap().answers.get("overall"), Some("2"));
    assert!(town.store.draft(&who.invitation, Mode::Web).await.unwrap().is_none());
    // The old code opens nothing any more.
    assert!(!first.get(&format!("/s/{token}/overall")).await.body.contains(" checked"));
    let ask = first.get(&format!("/s/{token}/code")).await;
    assert_eq!(first.fill_in(&ask, &[("reference", &old)], NEXT).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_double_click_shows_the_same_receipt_to_whoever_clicked() {
    let town = Town::open().await;
    let (mut browser, mut other) = (town.browser(), town.browser());
    let token = town.hairdresser();
    let begun = browser.post(&format!("/s/{token}"), &[]).await;
    let review = answer_all(&mut browser, begun, "5").await;
    let attempt = review.form().filled.iter().find(|(n, _)| n == "attempt").unwrap().1.clone();
    let other_review = other.get(&format!("/s/{token}/review")).await;
    let path = format!("/s/{token}/submit");
    // The browser leaves the first answer's cookie unread: the second click comes without it.
    let (mut one, mut two) = (town.browser(), town.browser());
    let (one, two) = (one.post(&path, &[("attempt", &attempt)]).await, two.post(&path, &[("attempt", &attempt)]).await);
    assert_eq!(code(&one), code(&two));
    let late = other.fill_in(&other_review, &[], NEXT).await;
    late.assert_text("I har svaret");
    assert!(!late.body.contains("class=\"reference\""), "another page's sending gets no code");
}
