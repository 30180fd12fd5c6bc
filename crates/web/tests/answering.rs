//! Limits, faults and what a municipality sets of itself, over HTTP and a real database.
mod town;

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode, header};
use domain::fieldwork::Role;
use domain::time::Millis;
use store::people::{Method, NewSession, Stage};
use store::rounds::RoundPlan;
use tower::ServiceExt;
use town::{Browser, Got, NOW, Town};
use web::patience::Peer;
use web::proxies::Proxies;

const FORM: &str = "application/x-www-form-urlencoded";

/// A request from an address, as the server would hand it on.
async fn from(town: &Town, address: &str, request: axum::http::request::Builder) -> axum::response::Response {
    let peer: SocketAddr = format!("{address}:4711").parse().expect("the town is sound");
    let request = request
        .header(header::HOST, "127.0.0.1:8080")
        .extension(ConnectInfo(Peer(peer)))
        .body(axum::body::Body::empty())
        .expect("the town is sound");
    town.router.clone().oneshot(request).await.expect("the town is sound")
}

async fn body(response: axum::response::Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("the town is sound");
    String::from_utf8(bytes.to_vec()).expect("the town is sound")
}

#[tokio::test]
async fn whoever_guesses_links_is_told_to_wait_and_nobody_else_is_locked_out() {
    let town = Town::open().await;
    let guess = |n: u32| Request::get(format!("/s/nothere{n}")).header(header::ACCEPT_LANGUAGE, "sv");
    for n in 0..60 {
        assert_eq!(from(&town, "203.0.113.9", guess(n)).await.status(), StatusCode::NOT_FOUND);
    }
    let refused = from(&town, "203.0.113.9", guess(60)).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "10");
    let page = body(refused).await;
    assert!(page.contains("<html lang=\"sv\">") && page.contains("Vänta 10 sekunder"), "{page}");
    // The office behind the same address goes on with its own links; others can still be told that theirs is unknown.
    let own = from(&town, "203.0.113.9", Request::get(format!("/s/{}", town.haulier()))).await;
    assert_eq!(own.status(), StatusCode::OK);
    assert_eq!(from(&town, "203.0.113.10", guess(0)).await.status(), StatusCode::NOT_FOUND);
    town.clock.set(Millis(NOW.0 + 10_000));
    assert_eq!(from(&town, "203.0.113.9", guess(61)).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_a_trusted_proxy_says_who_asks() {
    let guess = |who: &str| Request::get("/s/nothere").header("x-forwarded-for", who);
    let town = Town::open().await;
    for n in 0..60 {
        from(&town, "10.0.0.1", guess(&format!("203.0.113.{n}"))).await;
    }
    let lie = from(&town, "10.0.0.1", guess("198.51.100.1")).await;
    assert_eq!(lie.status(), StatusCode::TOO_MANY_REQUESTS, "a header that anybody can send changes nothing");
    let town = Town::open().await;
    town.app.trust(Proxies::parse("10.0.0.0/8").unwrap());
    for n in 0..60 {
        from(&town, "10.0.0.1", guess(&format!("203.0.113.{n}"))).await;
    }
    let another = from(&town, "10.0.0.1", guess("198.51.100.1")).await;
    assert_eq!(another.status(), StatusCode::NOT_FOUND, "each client behind the proxy has its own count");
}

#[tokio::test]
async fn a_receipt_code_is_not_found_by_trying_by_form_or_by_cookie() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let first = browser.get(&format!("/s/{}", town.haulier())).await;
    browser.fill_in(&first, &[], ("go", "next")).await;
    let review = browser.get(&format!("/s/{}/review", town.haulier())).await;
    let thanks = browser.fill_in(&review, &[], ("go", "next")).await;
    assert!(thanks.path.ends_with("/thanks"), "{}", thanks.path);
    let code = thanks.body.split("class=\"reference\">").nth(1).unwrap().split('<').next().unwrap().to_owned();

    // A cookie that was not given by us opens nothing, though the code in it be right.
    let mut guesser = town.browser();
    let cookie =
        Request::get(format!("/s/{}/thanks", town.haulier())).header(header::COOKIE, format!("receipt={code}"));
    let tried = guesser.send(cookie, String::new()).await;
    assert!(!tried.body.contains(&code), "{}", tried.body);

    let path = format!("/s/{}/code", town.haulier());
    for _ in 0..10 {
        assert_eq!(guesser.post(&path, &[("reference", "AAAAA-AAAAA")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refused = guesser.post(&path, &[("reference", &code)]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "not even the right one");
    assert_eq!(refused.headers[header::RETRY_AFTER], "300");
    refused.assert_text("Vent 5 minutter");
    let withdraw = guesser.post(&format!("/s/{}/withdraw", town.haulier()), &[("reference", &code)]).await;
    assert_eq!(withdraw.status, StatusCode::TOO_MANY_REQUESTS, "withdrawing is no second way to try");
    // The browser that sent the answer is still in, and after the wait the code opens for others.
    browser.get(&format!("/s/{}/thanks", town.haulier())).await.assert_text(&code);
    town.clock.set(Millis(NOW.0 + 300_000));
    assert_eq!(guesser.post(&path, &[("reference", &code)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn forms_behind_one_link_have_an_end_and_fingers_do_not_reach_it() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let path = format!("/s/{}/overall", town.haulier());
    for n in 0..240 {
        let saved = browser.post(&path, &[("overall", "4"), ("revision", "0"), ("autosave", "1")]).await;
        assert_eq!(saved.status, StatusCode::OK, "{n}");
    }
    let refused = browser.post(&path, &[("overall", "4"), ("revision", "0")]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    refused.assert_text("Højager Kommune");
    let other = format!("/s/{}/overall", town.hairdresser());
    assert_eq!(browser.post(&other, &[("overall", "4"), ("revision", "0")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_form_of_ten_megabytes_is_refused_with_a_page() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let path = format!("/s/{}/overall", town.haulier());
    let request = Request::post(&path).header(header::CONTENT_TYPE, FORM).header("sec-fetch-site", "same-origin");
    browser.post(&path, &[("overall", "4"), ("revision", "0")]).await;
    let huge = browser.send(request, format!("overall=1&overall_why={}", "a".repeat(10 << 20))).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    huge.assert_text("Det fylder for meget");
    assert!(!huge.body.contains("aaaa") && !huge.body.contains(town.haulier()), "nothing of it is repeated");
    let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
    assert_eq!((answers.get("overall"), answers.get("overall_why")), (Some("4"), None), "what was there still is");
}

#[tokio::test]
async fn latin_1_bad_escapes_and_nul_keep_what_can_be_read() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let path = format!("/s/{}/overall", town.haulier());
    for (bytes, kept) in [
        ("overall_why=Bl%E5b%E6r+%F8l&revision=0", "Blåbær øl"),
        ("overall_why=100%+sikker%ZZ&revision=9", "100% sikker%ZZ"),
        ("overall_why=a%00b&revision=9", "ab"),
        ("overall_why=%D8%A3%D9%87%D9%84%D8%A7+%F0%9F%91%8D&revision=9", "أهلا 👍"),
    ] {
        let request = Request::post(&path).header(header::CONTENT_TYPE, FORM).header("sec-fetch-site", "same-origin");
        let saved = browser.send(request, bytes.to_owned()).await;
        assert_eq!(saved.status, StatusCode::OK, "{bytes}: {}", saved.body);
        let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
        assert_eq!(answers.get("overall_why"), Some(kept), "{bytes}");
    }
}

#[tokio::test]
async fn what_is_no_form_is_refused_with_a_page_and_nothing_of_it_is_kept() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let path = format!("/s/{}/overall", town.haulier());
    browser.post(&path, &[("overall", "4"), ("revision", "0")]).await;
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"overall\"\r\n\r\n1\r\n--x--\r\n";
    for (kind, bytes) in [
        ("application/json", "{\"overall\": 1}"),
        ("multipart/form-data; boundary=x", multipart),
        ("text/plain", "overall=1"),
        ("", "overall=1"),
    ] {
        let mut request = Request::post(&path).header("sec-fetch-site", "same-origin");
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let refused = browser.send(request, bytes.to_owned()).await;
        assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}: {}", refused.body);
        refused.assert_text("Vi kunne ikke læse det, der blev sendt");
        let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
        assert_eq!(answers.get("overall"), Some("4"), "{kind}");
    }
}

/// Fields and answers that the questionnaire no longer has: what still fits is kept, what does not is said.
#[tokio::test]
async fn a_page_of_an_older_questionnaire_keeps_what_still_fits() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let path = format!("/s/{}/overall", town.haulier());
    let old = [
        ("revision", "0"),
        ("overall", "4"),
        ("overall_why", "Hurtigt svar fra vejafdelingen."),
        ("nki_ideal", "11"),
        ("image_2019", "3"),
        ("go", "next"),
    ];
    let page = browser.post(&path, &old).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    page.assert_text("Vælg et af de svar, der står her.");
    assert!(page.is_checked("overall", "4"), "what was chosen is still chosen");
    let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
    let kept: Vec<&str> = answers.0.keys().map(String::as_str).collect();
    assert_eq!(kept, ["overall", "overall_why"], "what is not asked is not stored");
    // A whole page that is not asked any more: said, with what was written.
    let gone = browser.post(&format!("/s/{}/image", town.haulier()), &[("image_why", TYPED), ("revision", "1")]).await;
    assert_eq!(gone.status, StatusCode::CONFLICT);
    gone.assert_text("Siden hører ikke til jeres spørgeskema mere");
    gone.assert_text(TYPED);
    assert!(town.respondent(town.haulier()).await.response.unwrap().answers.get("image_why").is_none());
}

const TYPED: &str = "Byggesagen tog 14 måneder, og ingen ringede tilbage.";

#[tokio::test]
async fn a_tab_whose_page_is_not_asked_any_more_gives_back_what_was_written() {
    let town = Town::open().await;
    let mut tab = town.browser();
    let base = format!("/s/{}", town.haulier());
    tab.post(&format!("{base}/contact"), &[("contact", "building"), ("contact", "jobcentre")]).await;
    let jobcentre = tab.get(&format!("{base}/jobcentre")).await;
    assert!(jobcentre.path.ends_with("/jobcentre"), "{}", jobcentre.path);
    // The same browser, another tab: there was no contact after all.
    let contact = tab.get(&format!("{base}/contact")).await;
    let revision = contact.form().filled.iter().find(|(n, _)| n == "revision").unwrap().1.clone();
    tab.post(&format!("{base}/contact"), &[("contact", "none"), ("revision", &revision)]).await;
    let gone = tab.fill_in(&jobcentre, &[("jobcentre_satisfaction", "4")], ("go", "next")).await;
    assert_eq!(gone.status, StatusCode::CONFLICT);
    gone.assert_text("Et andet svar, for eksempel fra en anden telefon eller fane");
    let quiet = [("jobcentre_satisfaction", "4"), ("revision", revision.as_str()), ("autosave", "1")];
    let quiet = tab.post(&format!("{base}/jobcentre"), &quiet).await;
    assert!(quiet.body.contains("\"conflict\":true"), "the script is told: {}", quiet.body);
    let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
    assert_eq!((answers.get("jobcentre_satisfaction"), answers.get("contact.none")), (None, Some("1")));
}

#[tokio::test]
async fn what_was_being_written_when_the_round_closed_can_be_copied() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let base = format!("/s/{}", town.haulier());
    browser.post(&format!("{base}/overall"), &[("overall", "4"), ("revision", "0")]).await;
    let words = browser.get(&format!("{base}/own-words")).await;
    town.store.close_round(&town.municipality.id, &town.round.id, NOW).await.unwrap();
    let late = browser.fill_in(&words, &[("does_well", TYPED)], ("go", "next")).await;
    assert_eq!(late.status, StatusCode::GONE);
    late.assert_text(TYPED);
    let answers = town.respondent(town.haulier()).await.response.unwrap().answers;
    assert_eq!((answers.get("overall"), answers.get("does_well")), (Some("4"), None));
}

#[tokio::test]
async fn what_cannot_be_kept_comes_back_in_its_page() {
    let town = Town::open().await;
    let mut browser = town.browser();
    let first = browser.get(&format!("/s/{}", town.haulier())).await;
    let overall = browser.fill_in(&first, &[], ("go", "next")).await;
    let swedish = browser.fill_in(&overall, &[], ("language", "sv")).await;
    // The database goes away under the open page.
    town.store.close().await;
    let typed = "Bygglovet tog fjorton månader & ingen \"ringde\".";
    let mut fresh = Browser::over(town.router.clone());
    let form = swedish.form();
    let fields = [("revision", "1"), ("shown", "sv"), ("overall", "2"), ("overall_why", typed), ("go", "next")];
    let rescued = fresh.post(&form.action, &fields).await;
    assert_eq!(rescued.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(rescued.headers[header::RETRY_AFTER], "30");
    assert_eq!(rescued.headers[header::CACHE_CONTROL], "no-store");
    rescued.assert_text("Svaren är inte sparade än");
    let again = rescued.form();
    assert_eq!(again.action, form.action);
    for (name, value) in fields {
        assert!(again.filled.contains(&(name.to_owned(), value.to_owned())), "{name}: {:?}", again.filled);
    }
    // The script is answered in its own way.
    let autosave = fresh.post(&form.action, &[("overall", "2"), ("autosave", "1")]).await;
    assert_eq!(autosave.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!autosave.body.contains("<form"));
}

/// Somebody of the staff, signed in.
async fn staff(town: &Town, role: Role) -> Browser {
    let id = &town.municipality.id;
    let user = town
        .store
        .create_user(id, "Mette Holm", &format!("{}@example.dk", role.as_str()), role, NOW)
        .await
        .expect("the town is sound");
    let token = town.keys.random_token();
    let lookup = town.keys.lookup(token.reveal());
    let (stage, method) = (Stage::In, Method::Link);
    let expires_at = NOW.plus_seconds(3600);
    let new = NewSession { lookup: &lookup, stage, method, device: "", publication: None, expires_at };
    town.store.open_session(id, &user.id, &new, NOW).await.expect("the town is sound");
    let mut browser = town.browser();
    browser.take_cookie("session", token.reveal());
    browser
}

const SETTINGS: &str = "/hojager/console/settings";

#[tokio::test]
async fn settings_are_checked_saved_and_noted() {
    let town = Town::open().await;
    let mut chief = staff(&town, Role::Administrator).await;
    let home = chief.get("/hojager/console").await;
    home.assert_text("Der mangler et link til kommunens tilgængelighedserklæring");
    let page = chief.get(SETTINGS).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let faulty = [
        ("accessibility_url", "www.hojager.dk"),
        ("accessibility_date", "2027-01-01"),
        ("threshold", "4"),
        ("contact_email", "Mette"),
        ("legal_basis", "Artikel 6"),
        ("name", " "),
        ("send_hours", "8 til 16"),
        ("time_zone", "Højager"),
        ("own_numbers", "29189374, 12345678"),
        ("register_codes", "Højager"),
        ("link_years", "seks"),
    ];
    let again = chief.fill_in(&page, &faulty, ("go", "")).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.assert_text("10 ting skal rettes");
    for (name, typed) in &faulty[5..] {
        let kept = (name.to_string(), typed.trim().to_owned());
        assert!(again.form().filled.contains(&kept), "{name} keeps what was typed: {:?}", again.form().filled);
        assert!(again.body.contains(&format!("id=\"{name}-fault\"")), "{name} says what is wrong");
    }
    again.assert_text("href=\"#threshold\"");
    assert!(again.form().filled.contains(&("legal_basis".into(), "Artikel 6".into())), "nothing typed is lost");
    assert_eq!(town.store.municipality(&town.municipality.id).await.unwrap().settings, town.municipality.settings);

    let sound = [
        ("accessibility_url", "https://www.hojager.dk/was"),
        ("accessibility_date", "2025-09-30"),
        ("threshold", "7"),
        ("contact_email", "erhverv@hojager.example"),
        ("colour", "#ffd400"),
        ("flood_areas", "havnen, "),
        ("name", "Ny Højager Kommune"),
        ("send_hours", "08:00-16:00"),
        ("time_zone", "Europe/Stockholm"),
        ("own_numbers", "29 18 93 74"),
        ("register_codes", "0169, 265"),
        ("link_years", "4"),
    ];
    let saved = chief.fill_in(&again, &sound, ("go", "")).await;
    saved.assert_text("Indstillingerne er gemt");
    saved.assert_text("Farven #ffd400 har kun kontrasten 1,4 : 1 mod hvidt");
    let municipality = town.store.municipality(&town.municipality.id).await.unwrap();
    assert_eq!((municipality.name.as_str(), municipality.slug.as_str()), ("Ny Højager Kommune", "hojager"));
    let settings = municipality.settings;
    assert_eq!(settings.send_hours.map(|hours| hours.to_string()).as_deref(), Some("08:00-16:00"));
    assert_eq!((settings.own_numbers, settings.register_codes.len()), (vec!["29 18 93 74".to_owned()], 2));
    assert_eq!((settings.threshold, settings.flood_areas), (7, vec!["havnen".to_owned()]));
    let trail = town.store.audit_trail(&town.municipality.id, 5).await.unwrap();
    let noted = trail.iter().find(|e| e.action == "settings.changed").unwrap();
    assert_eq!(
        noted.detail,
        "accessibility_date, accessibility_url, colour, flood_areas, legal_basis, link_years, own_numbers, register_codes, send_hours, threshold, time_zone, name"
    );
    chief.get("/hojager/console").await.assert_text("over et år siden");
    chief.get("/hojager/privacy").await.assert_text("Artikel 6");
    assert_eq!(staff(&town, Role::Analyst).await.get(SETTINGS).await.status, StatusCode::FORBIDDEN);
}

/// What every text promises of the link is a setting; it is never kept longer than was promised, and not cut by a slip.
#[tokio::test]
async fn the_link_s_time_is_shortened_and_not_lengthened() {
    let town = Town::open().await;
    let mut chief = staff(&town, Role::Administrator).await;
    chief.get(&format!("/s/{}", town.haulier())).await.assert_text("31. december 2031");
    let page = chief.get(SETTINGS).await;
    chief.fill_in(&page, &[("link_years", "3")], ("go", "")).await.assert_text("Indstillingerne er gemt");
    chief.get(&format!("/s/{}", town.haulier())).await.assert_text("31. december 2029");
    chief.get("/hojager/privacy").await.assert_text("udgangen af det 3. år efter målingen");

    let page = chief.get(SETTINGS).await;
    let longer = chief.fill_in(&page, &[("link_years", "4")], ("go", "")).await;
    assert_eq!(longer.status, StatusCode::UNPROCESSABLE_ENTITY);
    longer.assert_text("lovet en kortere tid");

    // Links of 2023 would be gone with two years: it is to be meant.
    let plan = town.store.round(&town.municipality.id, &town.round.id).await.unwrap();
    let plan = RoundPlan {
        title: "2023-målingen".into(),
        opens_on: None,
        closes_on: None,
        questionnaire: plan.questionnaire,
        threshold: 5,
    };
    town.store.create_round(&town.municipality.id, 2023, &plan, NOW).await.unwrap();
    let page = chief.get(SETTINGS).await;
    let asked = chief.fill_in(&page, &[("link_years", "2")], ("go", "")).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    asked.assert_text("Sæt kryds, hvis det er meningen");
    let years = async || town.store.municipality(&town.municipality.id).await.unwrap().settings.link_years;
    assert_eq!(years().await, 3);
    chief.fill_in(&asked, &[("sure", "yes")], ("go", "")).await.assert_text("Indstillingerne er gemt");
    assert_eq!(years().await, 2);
}

#[tokio::test]
async fn a_logo_is_cleaned_kept_and_served_on_its_own_terms() {
    let town = Town::open().await;
    let mut chief = staff(&town, Role::Administrator).await;
    let upload = |file: &str, alt: &str| {
        let part = |name: &str, extra: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{extra}\r\n\r\n{value}\r\n")
        };
        part("logo", "; filename=\"l.svg\"", file) + &part("alt", "", alt) + "--b--\r\n"
    };
    let post = || {
        Request::post(format!("{SETTINGS}/logo"))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .header("sec-fetch-site", "same-origin")
    };
    let bad = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>alert(1)</script></svg>"#;
    let refused = chief.send(post(), upload(bad, "Højager")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_text("Fundet: <code><script></code>");
    let large = chief.send(post(), upload(&"x".repeat(25 * 1024), "Højager")).await;
    large.assert_text("større end 24 kB");
    let good = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30"><path d="M0 0h9"/></svg>"#;
    chief.send(post(), upload(good, "")).await.assert_text("Skriv, hvad logoet siger");
    let saved = chief.send(post(), upload(good, "Højager Kommune")).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.body);

    let mut visitor = town.browser();
    let first: Got = visitor.get(&format!("/s/{}", town.haulier())).await;
    first.assert_text("alt=\"Højager Kommune\" width=\"120\" height=\"40\"");
    let src = first.body.split("class=\"logo\" src=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let logo = visitor.get(&src.replace("&amp;", "&").replace("&#x2F;", "/")).await;
    assert_eq!(logo.headers[header::CONTENT_TYPE], "image/svg+xml");
    assert_eq!(logo.headers["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(logo.headers["x-content-type-options"], "nosniff");
    assert_eq!(logo.body, good);
    let dropped = chief.post(&format!("{SETTINGS}/logo/drop"), &[]).await;
    assert_eq!(dropped.status, StatusCode::OK);
    assert_eq!(visitor.get("/hojager/logo").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_a_business_in_an_area_at_risk_is_asked_about_flooding() {
    let town = Town::open_in("havnen").await;
    let asked = |town: &Town, who: &domain::questionnaire::Facts| {
        let questionnaire = domain::questionnaire::shipped();
        let _ = town;
        let route = questionnaire.route(who, &domain::answers::Answers::default());
        format!("{route:?}").contains("cond_flooding")
    };
    let facts = town.respondent(town.haulier()).await.facts;
    assert!(!asked(&town, &facts), "no area is at risk");
    let mut settings = town.municipality.settings.clone();
    settings.flood_areas = vec!["havnen".to_owned()];
    town.store.update_municipality(&town.municipality.id, "Højager Kommune", &settings, NOW).await.unwrap();
    let facts = town.respondent(town.haulier()).await.facts;
    assert!(asked(&town, &facts));
}

#[tokio::test]
async fn the_facts_about_accessibility_are_public_in_three_languages() {
    let town = Town::open().await;
    let mut anybody = town.browser();
    for (language, title) in
        [("da", "Fakta om tilgængelighed"), ("sv", "Fakta om tillgänglighet"), ("en", "Facts about accessibility")]
    {
        let page = anybody.get(&format!("/hojager/accessibility?lang={language}")).await;
        assert_eq!(page.status, StatusCode::OK);
        page.assert_text(title);
        assert_eq!(page.body.matches("<th scope=\"row\">9.").count(), 50);
    }
    let first = anybody.get("/hojager/privacy").await;
    first.assert_text("href=\"/hojager/accessibility\"");
}
