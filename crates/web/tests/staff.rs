//! The staff's pages over HTTP and a real database: who gets where, and an analyst's year.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
mod committee;
mod figures;
mod town;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use domain::fieldwork::{Role, RoundState};
use domain::ids::JobId;
use domain::language::Texts;
use domain::results::{State, Verdict};
use store::jobs::{JobFile, JobState};
use store::respondent::ContactWish;
use store::results::{NewPublication, PublicationInfo};
use store::rounds::RoundPlan;
use tower::ServiceExt;
use town::{Browser, Got, NOW, Town};

const ALL: [Role; 4] = [Role::Administrator, Role::Analyst, Role::Committee, Role::Interviewer];
const CONSOLE: &[Role] = &[Role::Administrator, Role::Analyst];
const RESULTS: &[Role] = &[Role::Administrator, Role::Analyst, Role::Committee];
const CALLS: &[Role] = &[Role::Administrator, Role::Analyst, Role::Interviewer];
const TRAIL: &[Role] = &[Role::Administrator];

/// Every address of the staff, with the roles it is for.
const ADDRESSES: &[(&str, &str, &[Role])] = &[
    ("GET", "/{slug}/account", &ALL),
    ("GET", "/{slug}/account/password", &ALL),
    ("POST", "/{slug}/account/password", &ALL),
    ("POST", "/{slug}/account/sessions", &ALL),
    ("GET", "/{slug}/account/confirm", &ALL),
    ("POST", "/{slug}/account/confirm", &ALL),
    ("GET", "/{slug}/account/two-step", &ALL),
    ("POST", "/{slug}/account/two-step", &ALL),
    ("POST", "/{slug}/account/two-step/codes", &ALL),
    ("POST", "/{slug}/account/two-step/off", &[Role::Committee, Role::Interviewer]),
    ("GET", "/{slug}/sign-in/code", &ALL),
    ("POST", "/{slug}/sign-in/code", &ALL),
    ("GET", "/{slug}/console/people", TRAIL),
    ("POST", "/{slug}/console/people", TRAIL),
    ("GET", "/{slug}/console/people/{person}", TRAIL),
    ("POST", "/{slug}/console/people/{person}/role", TRAIL),
    ("POST", "/{slug}/console/people/{person}/invitation", TRAIL),
    ("POST", "/{slug}/console/people/{person}/revoke", TRAIL),
    ("POST", "/{slug}/console/people/{person}/two-step", TRAIL),
    ("POST", "/{slug}/console/people/{person}/sessions", TRAIL),
    ("POST", "/{slug}/console/people/{person}/active", TRAIL),
    ("GET", "/{slug}/console/readers", CONSOLE),
    ("POST", "/{slug}/console/readers", CONSOLE),
    ("POST", "/{slug}/console/readers/{link}/revoke", CONSOLE),
    ("GET", "/{slug}/console/trail.csv", TRAIL),
    ("GET", "/{slug}/console/settings", TRAIL),
    ("POST", "/{slug}/console/settings", TRAIL),
    ("POST", "/{slug}/console/settings/logo", TRAIL),
    ("POST", "/{slug}/console/settings/logo/drop", TRAIL),
    ("GET", "/{slug}/console", CONSOLE),
    ("GET", "/{slug}/console/trail", TRAIL),
    ("GET", "/{slug}/console/frames", CONSOLE),
    ("POST", "/{slug}/console/frames", CONSOLE),
    ("GET", "/{slug}/console/frames/uploads/{upload}", CONSOLE),
    ("POST", "/{slug}/console/frames/uploads/{upload}", CONSOLE),
    ("POST", "/{slug}/console/frames/uploads/{upload}/keep", CONSOLE),
    ("POST", "/{slug}/console/frames/uploads/{upload}/discard", CONSOLE),
    ("GET", "/{slug}/console/frames/uploads/{upload}/difference/{kind}", CONSOLE),
    ("GET", "/{slug}/console/frames/uploads/{upload}/difference/{kind}/file", CONSOLE),
    ("GET", "/{slug}/console/frames/{year}", CONSOLE),
    ("POST", "/{slug}/console/frames/{year}/undo", CONSOLE),
    ("GET", "/{slug}/console/frames/{year}/difference/{kind}", CONSOLE),
    ("GET", "/{slug}/console/frames/{year}/difference/{kind}/file", CONSOLE),
    ("GET", "/{slug}/console/frames/{year}/units", CONSOLE),
    ("GET", "/{slug}/console/frames/{year}/units/{business}", CONSOLE),
    ("POST", "/{slug}/console/frames/{year}/units/{business}", CONSOLE),
    ("POST", "/{slug}/console/frames/{year}/units/{business}/exclude", CONSOLE),
    ("POST", "/{slug}/console/frames/{year}/units/{business}/include", CONSOLE),
    ("GET", "/{slug}/console/frames/sectors", CONSOLE),
    ("POST", "/{slug}/console/frames/sectors", CONSOLE),
    ("POST", "/{slug}/console/frames/sectors/change", CONSOLE),
    ("POST", "/{slug}/console/rounds", CONSOLE),
    ("GET", "/{slug}/console/rounds/new", CONSOLE),
    ("GET", "/{slug}/console/rounds/{round}", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/dates", CONSOLE),
    ("GET", "/{slug}/console/rounds/{round}/open", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/open", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/pause", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/resume", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/resume-all", CONSOLE),
    ("GET", "/{slug}/console/rounds/{round}/reminder", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/reminder", CONSOLE),
    ("GET", "/{slug}/console/rounds/{round}/messages", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/messages/{mail}/resend", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/letters", TRAIL),
    ("GET", "/{slug}/console/rounds/{round}/protected", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/protected", TRAIL),
    ("POST", "/{slug}/console/rounds/{round}/protected/{basis}/end", TRAIL),
    ("GET", "/{slug}/console/rounds/{round}/thanks", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/thanks", CONSOLE),
    ("GET", "/{slug}/console/rounds/{round}/welcome", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/welcome", CONSOLE),
    ("POST", "/{slug}/console/mail/resume", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/letters/print", TRAIL),
    ("GET", "/{slug}/console/post", CONSOLE),
    ("GET", "/{slug}/console/post/{message}", CONSOLE),
    ("POST", "/{slug}/console/post/{message}/handled", CONSOLE),
    ("POST", "/{slug}/console/post/{message}/assign", CONSOLE),
    ("POST", "/{slug}/console/post/{message}/address", CONSOLE),
    ("POST", "/{slug}/console/post/{message}/resend", CONSOLE),
    ("GET", "/{slug}/console/rounds/{round}/quality", CONSOLE),
    ("GET", "/{slug}/console/rounds/{round}/monitor", CONSOLE),
    ("GET", "/{slug}/console/questionnaires", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/begin", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/use", CONSOLE),
    ("GET", "/{slug}/console/questionnaires/{draft}", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/{draft}", CONSOLE),
    ("GET", "/{slug}/console/questionnaires/{draft}/question/{question}", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/{draft}/question/{question}", CONSOLE),
    ("GET", "/{slug}/console/questionnaires/{draft}/block/{block}", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/{draft}/block/{block}", CONSOLE),
    ("GET", "/{slug}/console/questionnaires/{draft}/when", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/{draft}/when", CONSOLE),
    ("GET", "/{slug}/console/questionnaires/{draft}/differences", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/{draft}/differences", CONSOLE),
    ("GET", "/{slug}/console/questionnaires/{draft}/preview/{screen}", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/{draft}/preview/{screen}", CONSOLE),
    ("GET", "/{slug}/console/questionnaires/{draft}/finish", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/{draft}/finish", CONSOLE),
    ("GET", "/{slug}/console/questionnaires/{draft}/discard", CONSOLE),
    ("POST", "/{slug}/console/questionnaires/{draft}/discard", CONSOLE),
    ("GET", "/{slug}/console/questionnaires/{draft}/preview", CONSOLE),
    ("GET", "/{slug}/console/follow-up", CONSOLE),
    ("POST", "/{slug}/console/follow-up/{wish}/plan", CONSOLE),
    ("POST", "/{slug}/console/follow-up/{wish}/done", CONSOLE),
    ("POST", "/{slug}/console/follow-up/{wish}/reopen", CONSOLE),
    ("POST", "/{slug}/console/follow-up/{wish}/delete", CONSOLE),
    ("GET", "/{slug}/console/visits", CONSOLE),
    ("POST", "/{slug}/console/visits", CONSOLE),
    ("POST", "/{slug}/console/visits/find", CONSOLE),
    ("GET", "/{slug}/console/visits/new", CONSOLE),
    ("POST", "/{slug}/console/visits/{visit}/delete", CONSOLE),
    ("GET", "/{slug}/console/rounds/{round}/close", CONSOLE),
    ("POST", "/{slug}/console/rounds/{round}/close", CONSOLE),
    ("GET", "/{slug}/console/explore", CONSOLE),
    ("GET", "/{slug}/console/explore/director", CONSOLE),
    ("GET", "/{slug}/console/explore/who", CONSOLE),
    ("GET", "/{slug}/console/explore/files/{file}", CONSOLE),
    ("GET", "/{slug}/console/answers", CONSOLE),
    ("GET", "/{slug}/console/answers/{response}/{question}", CONSOLE),
    ("POST", "/{slug}/console/answers/{response}/{question}", CONSOLE),
    ("POST", "/{slug}/console/answers/{response}/{question}/quote", CONSOLE),
    ("GET", "/{slug}/console/publications", CONSOLE),
    ("POST", "/{slug}/console/publications", CONSOLE),
    ("POST", "/{slug}/console/publications/{publication}/report", CONSOLE),
    ("GET", "/{slug}/console/publications/drafts/{year}", CONSOLE),
    ("POST", "/{slug}/console/publications/drafts/{year}", CONSOLE),
    ("POST", "/{slug}/console/publications/drafts/{year}/discard", CONSOLE),
    ("GET", "/{slug}/console/publications/drafts/{year}/preview", CONSOLE),
    ("GET", "/{slug}/console/publications/drafts/{year}/preview/method", CONSOLE),
    ("GET", "/{slug}/console/publications/drafts/{year}/preview/compare", CONSOLE),
    ("GET", "/{slug}/console/publications/drafts/{year}/preview/charts/{chart}", CONSOLE),
    ("GET", "/{slug}/console/neighbours", CONSOLE),
    ("POST", "/{slug}/console/neighbours", CONSOLE),
    ("POST", "/{slug}/console/neighbours/outside/delete", CONSOLE),
    ("POST", "/{slug}/console/neighbours/{neighbour}/confirm", CONSOLE),
    ("POST", "/{slug}/console/neighbours/{neighbour}/forget", CONSOLE),
    ("POST", "/{slug}/console/neighbours/{neighbour}/paper", CONSOLE),
    ("GET", "/{slug}/neighbours/{neighbour}", RESULTS),
    ("GET", "/{slug}/console/jobs/{job}", CONSOLE),
    ("GET", "/{slug}/console/jobs/{job}/{file}", CONSOLE),
    ("GET", "/{slug}/calls", CALLS),
    ("GET", "/{slug}/calls/{invitation}", CALLS),
    ("POST", "/{slug}/calls/{invitation}/begin", CALLS),
    ("POST", "/{slug}/calls/{invitation}/outcome", CALLS),
    ("GET", "/{slug}/calls/{invitation}/review", CALLS),
    ("POST", "/{slug}/calls/{invitation}/submit", CALLS),
    ("GET", "/{slug}/calls/{invitation}/thanks", CALLS),
    ("GET", "/{slug}/calls/{invitation}/reach", CALLS),
    ("POST", "/{slug}/calls/{invitation}/reach", CALLS),
    ("GET", "/{slug}/calls/{invitation}/{screen}", CALLS),
    ("POST", "/{slug}/calls/{invitation}/{screen}", CALLS),
    ("GET", "/{slug}/committee", RESULTS),
    ("GET", "/{slug}/committee/{publication}", RESULTS),
    ("GET", "/{slug}/committee/{publication}/method", RESULTS),
    ("GET", "/{slug}/committee/{publication}/report.pdf", RESULTS),
    ("GET", "/{slug}/committee/{publication}/charts/{chart}", RESULTS),
    ("GET", "/{slug}/committee/{publication}/compare", RESULTS),
    ("GET", "/{slug}/committee/status/{status}", RESULTS),
    ("GET", "/{slug}/console/plans", CONSOLE),
    ("POST", "/{slug}/console/plans/status", CONSOLE),
    ("GET", "/{slug}/console/plans/areas", CONSOLE),
    ("POST", "/{slug}/console/plans/areas", CONSOLE),
    ("GET", "/{slug}/console/plans/goals/new", CONSOLE),
    ("POST", "/{slug}/console/plans/goals/new", CONSOLE),
    ("GET", "/{slug}/console/plans/goals/{goal}", CONSOLE),
    ("POST", "/{slug}/console/plans/goals/{goal}", CONSOLE),
    ("POST", "/{slug}/console/plans/goals/{goal}/end", CONSOLE),
    ("GET", "/{slug}/console/plans/initiatives/new", CONSOLE),
    ("POST", "/{slug}/console/plans/initiatives/new", CONSOLE),
    ("GET", "/{slug}/console/plans/initiatives/{initiative}", CONSOLE),
    ("POST", "/{slug}/console/plans/initiatives/{initiative}", CONSOLE),
    ("POST", "/{slug}/console/plans/initiatives/{initiative}/move", CONSOLE),
    ("GET", "/{slug}/console/accounts", CONSOLE),
    ("POST", "/{slug}/console/accounts", CONSOLE),
    ("GET", "/{slug}/console/accounts/example.csv", CONSOLE),
    ("GET", "/{slug}/console/cases", CONSOLE),
    ("POST", "/{slug}/console/cases", CONSOLE),
    ("GET", "/{slug}/console/cases/example.csv", CONSOLE),
    ("POST", "/{slug}/console/cases/resume", CONSOLE),
    ("GET", "/{slug}/console/public", TRAIL),
    ("POST", "/{slug}/console/public", TRAIL),
];
/// Addresses that are for everybody: the front door, a business's own link, signing in and out, the demo's mails (where the
/// setting is on), what other programs ask. Everything else is the staff's and stands in [`ADDRESSES`].
const OPEN: &[&str] = &[
    "/",
    "/healthz",
    "/assets/{name}",
    "/{slug}/theme.css",
    "/{slug}/logo",
    "/{slug}/privacy",
    "/{slug}/accessibility",
    "/setup/{token}",
    "/read/{token}",
    "/sign-in/{token}",
    "/sign-in/single/return",
    "/sign-out",
    "/{slug}/sign-in",
    "/{slug}/sign-in/as",
    "/{slug}/sign-in/forgot",
    "/{slug}/sign-in/single",
    "/catcher",
    "/catcher/{slug}/{id}",
    "/catcher/{slug}/{id}/html",
    "/catcher/{slug}/{id}/source",
    "/hooks/mail",
    "/{slug}/results",
    "/{slug}/results/{year}",
    "/{slug}/results/{year}/embed",
];
/// Everything below this belongs to whoever holds the link.
const LINK: &str = "/s/{token}";

/// Every route of the router, read from the sources of all pages: address and the rest of its line.
fn routes() -> Vec<(String, String)> {
    fn collect(folder: &std::path::Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("the sources are here") {
            let path = entry.expect("the sources are here").path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let source = std::fs::read_to_string(&path).expect("the sources are here");
                // A questionnaire has a route too, through its questions: that of a router is meant.
                let source =
                    source.split("#[cfg(test)]").next().filter(|s| s.contains("Router::new()")).unwrap_or_default();
                for (at, call) in source.match_indices(".route(") {
                    // A questionnaire has a route too: its name stands before, a router's last call does.
                    if source[..at].ends_with(char::is_alphanumeric) {
                        continue;
                    }
                    // An address that is not written out here could not be tried.
                    let route = source[at + call.len()..].trim_start();
                    assert!(route.starts_with('"'), "{}: a route without its address: {route:.60}", path.display());
                    let (address, rest) = route[1..].split_once('"').expect("the address ends");
                    let ends = rest.find(".route(").or(rest.find(".merge(")).unwrap_or(rest.len());
                    let methods = rest[..ends].split(['\n', ';']).take(3).collect::<String>();
                    found.push((address.to_owned(), methods));
                }
            }
        }
    }
    let mut found = Vec::new();
    collect(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found
}

/// The same town with the demo's settings.
fn demo_router(town: &Town) -> axum::Router {
    let settings = web::Settings { public_url: "http://127.0.0.1:8080".into(), catcher: true };
    web::router(
        web::App::new(town.store.clone(), town.keys.clone(), town.clock.clone(), settings)
            .expect("the pages are sound"),
    )
}

/// A one-time link for a new member of staff.
async fn link(town: &Town, role: Role) -> String {
    let id = &town.municipality.id;
    let email = format!("{}@hojager.example", role.as_str());
    let user = match town.store.user_by_email(id, &email).await.expect("users can be read") {
        Some(user) => user,
        None => town.store.create_user(id, "Mette Holm", &email, role, NOW).await.expect("the address is free"),
    };
    let token = town.keys.random_token();
    town.store
        .create_sign_in(id, &user.id, &town.keys.lookup(token.reveal()), NOW.plus_days(1), NOW)
        .await
        .expect("a link can be kept");
    format!("/sign-in/{}", token.reveal())
}

/// A browser of somebody who has signed in.
async fn signed_in(town: &Town, role: Role) -> Browser {
    let mut browser = town.browser();
    let page = browser.post(&link(town, role).await, &[]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    browser
}

fn filled(address: &str) -> String {
    [
        "slug",
        "round",
        "publication",
        "job",
        "file",
        "chart",
        "mail",
        "message",
        "person",
        "link",
        "goal",
        "initiative",
        "status",
        "upload",
        "year",
        "kind",
        "business",
    ]
    .iter()
    .fold(address.to_owned(), |filled, name| {
        filled.replace(&format!("{{{name}}}"), if *name == "slug" { "hojager" } else { "none" })
    })
}

async fn ask(browser: &mut Browser, method: &str, address: &str) -> Got {
    match method {
        "GET" => browser.get(&filled(address)).await,
        _ => browser.post(&filled(address), &[("wave", "1")]).await,
    }
}

async fn did(town: &Town) -> Vec<String> {
    town.store
        .audit_trail(&town.municipality.id, 100)
        .await
        .expect("the trail can be read")
        .into_iter()
        .map(|entry| entry.action)
        .collect()
}

#[test]
fn every_address_is_in_the_table() {
    let routes = routes();
    for (address, methods) in &routes {
        if OPEN.contains(&address.as_str()) || address.starts_with(LINK) {
            continue;
        }
        for (word, method) in [("get(", "GET"), ("post(", "POST")] {
            let listed = ADDRESSES.iter().any(|(m, a, _)| *m == method && a == address);
            assert_eq!(methods.contains(word), listed, "{method} {address}");
        }
        for word in ["any(", "put(", "delete(", "patch(", "on(", "_service("] {
            assert!(!methods.contains(word), "{address} takes what the table does not try: {word}");
        }
    }
    for listed in OPEN.iter().chain(ADDRESSES.iter().map(|(_, address, _)| address)) {
        assert!(routes.iter().any(|(address, _)| address == listed), "{listed} is no route any more");
    }
    assert!(routes.len() > 60, "the sources are read: {}", routes.len());
}

#[tokio::test]
async fn a_role_reaches_what_is_its_own_and_nothing_else() {
    let town = Town::open().await;
    for role in ALL {
        let mut browser = signed_in(&town, role).await;
        for (method, address, roles) in ADDRESSES {
            let got = ask(&mut browser, method, address).await;
            if roles.contains(&role) {
                let passed = ![StatusCode::FORBIDDEN, StatusCode::INTERNAL_SERVER_ERROR].contains(&got.status)
                    && !got.path.ends_with("/sign-in");
                assert!(passed, "{role:?} {method} {address}: {} {}", got.status, got.path);
            } else {
                assert_eq!(got.status, StatusCode::FORBIDDEN, "{role:?} {method} {address}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_shown_the_door_and_neither_is_another_municipality_s_staff_let_in() {
    let town = Town::open().await;
    let mut nobody = town.browser();
    for (method, address, _) in ADDRESSES {
        let got = ask(&mut nobody, method, address).await;
        assert!(got.path.ends_with("/hojager/sign-in"), "{method} {address}: {} {}", got.status, got.path);
    }
    let settings = domain::municipality::Settings::default();
    let other = town
        .store
        .create_municipality("nabo", "Nabo Kommune", domain::language::Country::Dk, &settings, NOW)
        .await
        .unwrap();
    let user = town.store.create_user(&other.id, "Ole", "ole@nabo.example", Role::Administrator, NOW).await.unwrap();
    let token = town.keys.random_token();
    town.store
        .create_sign_in(&other.id, &user.id, &town.keys.lookup(token.reveal()), NOW.plus_days(1), NOW)
        .await
        .unwrap();
    let mut neighbour = town.browser();
    neighbour.post(&format!("/sign-in/{}", token.reveal()), &[]).await;
    assert_eq!(neighbour.get("/nabo/console").await.status, StatusCode::OK);
    for (method, address, _) in ADDRESSES {
        assert_eq!(ask(&mut neighbour, method, address).await.status, StatusCode::NOT_FOUND, "{method} {address}");
    }
}

#[tokio::test]
async fn a_link_signs_in_once_and_only_by_its_button() {
    let town = Town::open().await;
    let link = link(&town, Role::Analyst).await;
    let mut scanner = town.browser();
    for _ in 0..2 {
        scanner.get(&link).await.assert_text("Linket virker én gang");
    }
    assert!(scanner.get("/hojager/console").await.path.ends_with("/sign-in"), "opening the link signs nobody in");
    let sent = Request::post(&link).header(header::HOST, "127.0.0.1:8080").body(Body::empty()).unwrap();
    let response = town.router.clone().oneshot(sent).await.unwrap();
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("session=") && cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    assert_eq!(response.headers()[header::LOCATION], "/hojager/console");
    let again = scanner.post(&link, &[]).await;
    assert_eq!(again.status, StatusCode::GONE);
    again.assert_text("Linket virker ikke længere");
    assert!(did(&town).await.contains(&"session.opened".to_owned()));
}

#[tokio::test]
async fn signing_out_ends_the_session_itself() {
    let town = Town::open().await;
    let mut browser = signed_in(&town, Role::Analyst).await;
    let mut copied = browser.clone();
    assert_eq!(copied.get("/hojager/console").await.status, StatusCode::OK);
    browser.post("/sign-out", &[]).await;
    assert!(copied.get("/hojager/console").await.path.ends_with("/sign-in"), "a copied cookie is worth nothing either");
    let mut late = signed_in(&town, Role::Analyst).await;
    town.clock.set(NOW.plus_seconds(13 * 60 * 60));
    assert!(late.get("/hojager/console").await.path.ends_with("/sign-in"), "a session ends by itself");
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let town = Town::open().await;
    let mut browser = signed_in(&town, Role::Analyst).await;
    let close = format!("/hojager/console/rounds/{}/close", town.round.id);
    let sent = Request::post(&close)
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    assert_eq!(browser.send(sent, String::new()).await.status, StatusCode::FORBIDDEN);
    let sent = Request::post(&close).header(header::ORIGIN, "https://evil.example");
    assert_eq!(browser.send(sent, String::new()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(town.store.round(&town.municipality.id, &town.round.id).await.unwrap().state, RoundState::Open);
}

#[tokio::test]
async fn the_catcher_is_there_in_the_demo_alone_and_shows_a_mail_without_its_scripts() {
    let town = Town::open().await;
    let raw = "From: =?utf-8?Q?H=C3=B8jager?= <maaling@hojager.example>\r\nTo: holm@example.dk\r\nSubject: Svar\r\nMIME-Version: 1.0\r\n\
               Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
               Svar her: http://127.0.0.1:8080/s/abc.\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
               <p>Svar <b>her</b></p><script>alert(1)</script>\r\n--b--\r\n";
    town.store.catch_mail(&town.municipality.id, "1@x", "holm@example.dk", "Svar", raw.as_bytes(), NOW).await.unwrap();
    assert_eq!(town.browser().get("/catcher").await.status, StatusCode::NOT_FOUND);
    assert_eq!(town.browser().post("/hojager/sign-in/as", &[("user", "x")]).await.status, StatusCode::NOT_FOUND);
    let mut browser = Browser::over(demo_router(&town));
    let list = browser.get("/catcher").await;
    list.assert_text("holm@example.dk");
    let id = &town.store.caught_mails(&town.municipality.id, 1).await.unwrap()[0].id;
    let message = browser.get(&format!("/catcher/hojager/{id}")).await;
    message.assert_text("<a href=\"http://127.0.0.1:8080/s/abc\">");
    message.assert_text("Højager <maaling@hojager.example>");
    assert!(message.headers["content-security-policy"].to_str().unwrap().contains("frame-src 'self'"));
    assert!(!message.body.contains("alert(1)"));
    let html = browser.get(&format!("/catcher/hojager/{id}/html")).await;
    let policy = html.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("script"),
        "{policy}"
    );
    assert!(html.body.contains("<b>her</b>"));
}

#[tokio::test]
async fn in_the_demo_one_can_look_around_as_anybody() {
    let town = Town::open().await;
    let user = town
        .store
        .create_user(&town.municipality.id, "Mette Holm", "mette@hojager.example", Role::Committee, NOW)
        .await
        .unwrap();
    let mut browser = Browser::over(demo_router(&town));
    browser.get("/hojager/sign-in").await.assert_text("Mette Holm");
    let page = browser.post("/hojager/sign-in/as", &[("user", user.id.as_str())]).await;
    assert_eq!(page.path, "/hojager/committee");
    assert!(!town.browser().get("/hojager/sign-in").await.body.contains("Mette Holm"), "elsewhere no staff is named");
}

#[tokio::test]
async fn a_round_is_planned_and_opened_by_one_job_however_often_the_button_is_pressed() {
    let town = Town::open().await;
    let id = &town.municipality.id;
    let mut browser = signed_in(&town, Role::Analyst).await;
    let plan = |year: &'static str, closes: &'static str| {
        [("year", year), ("title", ""), ("opens_on", ""), ("closes_on", closes), ("threshold", "5")]
    };
    let past = browser.post("/hojager/console/rounds", &plan("2027", "2026-01-01")).await;
    assert_eq!(past.status, StatusCode::UNPROCESSABLE_ENTITY);
    past.assert_text("Svarfristen er allerede passeret.");
    past.assert_text("value=\"2026-01-01\"");
    browser
        .post("/hojager/console/rounds", &plan("2026", "2027-10-01"))
        .await
        .assert_text("Der er allerede en måling for det år.");

    let page = browser.post("/hojager/console/rounds", &plan("2027", "2027-10-01")).await;
    page.assert_text("2027-målingen");
    page.assert_text("Der mangler et registerudtræk for 2027.");
    let round = town.store.round_of_year(id, 2027).await.unwrap().unwrap();
    assert!(round.questionnaire.is_some());
    let open = format!("/hojager/console/rounds/{}/open", round.id);
    browser.get(&open).await.assert_text("Der mangler et registerudtræk for målingens år.");
    assert_eq!(browser.post(&open, &[]).await.status, StatusCode::CONFLICT);

    let import = town.store.begin_frame_import(id, 2027, "u.csv", "9", NOW).await.unwrap();
    let units: Vec<_> =
        town.store.frame_units(id, 2026, None, 10).await.unwrap().into_iter().map(|row| row.unit).collect();
    town.store.stage_frame_rows(id, &import.id, &units, NOW).await.unwrap();
    town.store.finish_frame_import(id, &import.id, NOW).await.unwrap();
    let asked = browser.get(&open).await;
    asked.assert_text("får op til 2 arbejdssteder en invitation");
    asked.assert_text("Det kan ikke fortrydes.");
    assert!(town.store.jobs(id, Some("open_round"), 9).await.unwrap().is_empty(), "asking opens nothing");
    browser.post(&open, &[]).await;
    browser.post(&open, &[]).await;
    let jobs = town.store.jobs(id, Some("open_round"), 9).await.unwrap();
    assert_eq!(jobs.iter().map(|j| j.arguments["round"].as_str()).collect::<Vec<_>>(), [Some(round.id.as_str())]);
    assert_eq!(did(&town).await.iter().filter(|a| *a == "round.opened").count(), 1);
}

#[tokio::test]
async fn a_round_in_the_field_is_watched_paused_reminded_and_closed() {
    let town = Town::open().await;
    let id = &town.municipality.id;
    let mut browser = signed_in(&town, Role::Analyst).await;
    let base = format!("/hojager/console/rounds/{}", town.round.id);
    let page = browser.get(&base).await;
    page.assert_text("Så længe målingen er åben, vises kun antal og ingen resultater.");
    assert!(!page.body.contains("Vognmand Holm"), "the monitor names nobody");
    for asked in ["/reminder", "/close", "/open"] {
        browser.get(&format!("{base}{asked}")).await;
    }
    let round = || async { town.store.round(id, &town.round.id).await.unwrap() };
    assert!(round().await.state == RoundState::Open && round().await.paused_at.is_none(), "looking changes nothing");

    browser.post(&format!("{base}/pause"), &[("reason", "Fejl i teksten")]).await.assert_text("Fejl i teksten");
    assert!(round().await.paused_at.is_some());
    browser.post(&format!("{base}/resume"), &[]).await.assert_text("Udsendelsen fortsætter.");
    assert!(round().await.paused_at.is_none());
    // A known reason is said in the reader's language; the mail server's words stand as they are.
    town.store.pause_mail_for(id, &town.round.id, "mail.pause_policy", "554 5.7.1 denied", NOW).await.unwrap();
    browser
        .get(&base)
        .await
        .assert_text("Mailserveren afviser flere mails i træk af sikkerhedshensyn: 554 5.7.1 denied");
    town.store.resume_mail(id, &town.round.id, NOW).await.unwrap();
    town.store.pause_all_mail(Some("mail.pause_restored"), "", NOW).await.unwrap();
    browser.get(&base).await.assert_text("lagt tilbage fra en sikkerhedskopi");
    browser.post(&format!("{base}/resume-all"), &[]).await.assert_text("Udsendelsen fortsætter.");
    assert_eq!(town.store.mail_switch().await.unwrap().paused_at, None);

    browser.post(&format!("{base}/reminder"), &[("wave", "1")]).await.assert_text("Påmindelsen er lagt i kø.");
    let again = browser.post(&format!("{base}/reminder"), &[("wave", "3")]).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "a wave is not skipped");
    browser
        .post(&format!("{base}/dates"), &[("opens_on", ""), ("closes_on", "2026-12-01")])
        .await
        .assert_text("Datoerne er gemt.");
    assert_eq!(round().await.closes_on.as_deref(), Some("2026-12-01"));
    let impossible = browser.post(&format!("{base}/dates"), &[("closes_on", "2026-02-30")]).await;
    assert_eq!(impossible.status, StatusCode::UNPROCESSABLE_ENTITY);
    impossible.assert_text("Skriv datoen som år-måned-dag");
    impossible.assert_text("value=\"2026-02-30\"");
    assert_eq!(round().await.closes_on.as_deref(), Some("2026-12-01"), "a date that is none changes nothing");

    browser.post(&format!("{base}/close"), &[]).await.assert_text("Målingen er lukket.");
    assert_eq!(round().await.state, RoundState::Closed);
    let did = did(&town).await;
    for action in ["round.paused", "round.resumed", "round.reminded", "round.dates_set", "round.closed"] {
        assert!(did.contains(&action.to_owned()), "{action} in {did:?}");
    }
}

#[tokio::test]
async fn a_wish_to_be_contacted_has_an_owner_and_a_day_and_can_be_taken_up_again() {
    let town = Town::open().await;
    let (id, round) = (&town.municipality.id, &town.round.id);
    let mut browser = signed_in(&town, Role::Analyst).await;
    let address = "/hojager/console/follow-up";
    browser.get(address).await.assert_text("Ingen venter på at blive kontaktet.");

    let links = town.store.links(id, round, None, 10).await.unwrap();
    let invitation = links.into_iter().find(|link| link.name == "Vognmand Holm ApS").unwrap().invitation;
    let wish = ContactWish { name: "Lis Holm".into(), reach: "12 34 56 78".into(), about: "lærlinge".into() };
    town.store.leave_contact(&invitation, &wish, "localhost", NOW).await.unwrap();
    let page = browser.get(address).await;
    page.assert_text("Lis Holm");
    page.assert_text("lærlinge");
    page.assert_text("href=\"tel:12345678\"");
    let (left, me) =
        (town.store.follow_ups(id).await.unwrap().remove(0).id, town.store.users(id).await.unwrap().remove(0).id);
    let plan = |day: &'static str| [("owner", me.as_str()), ("due_on", day), ("note", "Ringer mandag")];
    let refused = browser.post(&format!("{address}/{left}/plan"), &plan("2026-02-30")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_text("Ringer mandag");
    refused.assert_text("Skriv datoen som år-måned-dag");
    browser.post(&format!("{address}/{left}/plan"), &plan("2026-09-30")).await.assert_text("Gemt.");
    for shelf in ["mine", "overdue"] {
        browser.get(&format!("{address}?show={shelf}")).await.assert_text("Vognmand Holm ApS");
    }
    browser.post(&format!("{address}/{left}/done"), &plan("2026-09-30")).await.assert_text("Ønsket er klaret.");
    assert!(!browser.get(address).await.body.contains("Lis Holm"));
    browser.get(&format!("{address}?show=done")).await.assert_text("Ringer mandag");
    browser.post(&format!("{address}/{left}/reopen"), &[]).await.assert_text("Lis Holm");
    browser.post(&format!("{address}/{left}/done"), &plan("2026-09-30")).await;
    browser.post(&format!("{address}/{left}/delete"), &[]).await.assert_text("Slettet.");
    assert!(town.store.follow_ups(id).await.unwrap().is_empty());
    let did = did(&town).await;
    for action in ["wishes.seen", "wish.planned", "wish.done", "wish.reopened", "wish.deleted"] {
        assert!(did.contains(&action.to_owned()), "{action} in {did:?}");
    }
}

#[tokio::test]
async fn a_visit_is_found_written_down_and_deleted_and_a_protected_business_needs_a_reason() {
    let town = Town::open().await;
    let id = &town.municipality.id;
    let mut browser = signed_in(&town, Role::Analyst).await;
    let address = "/hojager/console/visits";
    let empty = browser.get(address).await;
    empty.assert_text("Udtrækket for 2026 er det første.");
    empty.assert_text("Intet besøg er skrevet ned endnu.");
    browser.post(&format!("{address}/find"), &[("words", "ingen saadan")]).await.assert_text("Ingen virksomhed");
    let mut units: Vec<_> =
        town.store.frame_units(id, 2026, None, 10).await.unwrap().into_iter().map(|row| row.unit).collect();
    let mut new = units[0].clone();
    (new.unit_key, new.name, new.protected) = ("dk:p:1000000077".into(), "Bageriet Ny".into(), true);
    units.push(new);
    let import = town.store.begin_frame_import(id, 2027, "u.csv", "9", NOW).await.unwrap();
    town.store.stage_frame_rows(id, &import.id, &units, NOW).await.unwrap();
    town.store.finish_frame_import(id, &import.id, NOW).await.unwrap();
    browser.get(address).await.assert_text("1 virksomhed i udtrækket for 2027 var der ikke i 2026 eller før.");
    browser.post(&format!("{address}/find"), &[("words", "bageriet")]).await.assert_text("Reklamebeskyttet");

    let business = town.store.find_businesses(id, "bageriet", 1).await.unwrap().remove(0).business;
    browser.get(&format!("{address}/new?business={business}")).await.assert_text("Hvorfor må I besøge den");
    let visit = |basis: &'static str| {
        [
            ("business", business.as_str()),
            ("visited_on", "2026-10-20"),
            ("visitor", "Anna"),
            ("note", "Parkering"),
            ("basis", basis),
        ]
    };
    let refused = browser.post(address, &visit("")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_text("Skriv, hvorfor I må besøge en reklamebeskyttet virksomhed.");
    let kept = browser.post(address, &visit("Ringede selv")).await;
    for words in ["Gemt.", "Parkering", "Aftalt", "Ringede selv"] {
        kept.assert_text(words);
    }
    let visit = town.store.visits(id).await.unwrap().remove(0).id;
    browser.post(&format!("{address}/{visit}/delete"), &[]).await.assert_text("Slettet.");
    assert!(town.store.visits(id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_message_is_seen_and_sent_again_and_letters_leave_on_record() {
    let town = Town::open().await;
    let (id, round) = (&town.municipality.id, &town.round.id);
    let mut browser = signed_in(&town, Role::Administrator).await;
    let base = format!("/hojager/console/rounds/{round}");
    browser.get(&format!("{base}/messages")).await.assert_text("Ingen beskeder kræver et kig.");

    let claimed = town.store.claim_mail("w", 1, NOW.plus_days(1), NOW).await.unwrap();
    let mail = &claimed[0].id;
    assert!(town.store.mark_sending(mail, "w", NOW.plus_days(1), NOW).await.unwrap());
    assert!(town.store.record_uncertain(mail, "w", "421 closed", NOW).await.unwrap());
    let page = browser.get(&format!("{base}/messages")).await;
    page.assert_text("421 closed");
    page.assert_text("Uvis");
    let resend = format!("{base}/messages/{mail}/resend");
    browser.post(&resend, &[]).await.assert_text("Beskeden er lagt i kø igen.");
    assert!(town.store.mail_troubles(id, round, 9).await.unwrap().is_empty());
    assert_eq!(browser.post(&resend, &[]).await.status, StatusCode::CONFLICT, "once is enough");

    // The year after, the hairdresser has no address any more.
    let next = NOW.plus_days(300);
    let mut units: Vec<_> =
        town.store.frame_units(id, 2026, None, 10).await.unwrap().into_iter().map(|row| row.unit).collect();
    for unit in units.iter_mut().filter(|unit| unit.name == "Salon Saks") {
        unit.email = None;
    }
    let import = town.store.begin_frame_import(id, 2027, "u.csv", "9", next).await.unwrap();
    town.store.stage_frame_rows(id, &import.id, &units, next).await.unwrap();
    town.store.finish_frame_import(id, &import.id, next).await.unwrap();
    let plan = RoundPlan {
        title: "2027-målingen".into(),
        opens_on: None,
        closes_on: Some("2027-12-01".into()),
        questionnaire: town.round.questionnaire.clone(),
        threshold: 5,
    };
    let round = town.store.create_round(id, 2027, &plan, next).await.unwrap();
    town.store.freeze_and_open(id, &round.id, &town.keys, "hojager.example", next).await.unwrap();
    let letters = format!("/hojager/console/rounds/{}/letters", round.id);
    let nothing_said = browser.post(&letters, &[("purpose", " ")]).await;
    assert_eq!(nothing_said.status, StatusCode::UNPROCESSABLE_ENTITY);
    nothing_said.assert_text("Skriv, hvad linkene skal bruges til.");
    assert!(!did(&town).await.contains(&"links.exported".to_owned()));
    let file = browser.post(&letters, &[("purpose", "Breve i uge 45")]).await;
    assert_eq!(file.status, StatusCode::OK);
    let link = town.store.links(id, &round.id, None, 9).await.unwrap().into_iter().find(|l| l.name == "Salon Saks");
    let link = link.unwrap();
    let token = town.keys.invitation_token(&link.invitation, link.generation);
    assert!(file.body.contains(token.reveal()) && !file.body.contains("Vognmand"), "who has an address gets no letter");
    let trail = town.store.audit_trail(id, 9).await.unwrap();
    assert!(trail.iter().any(|entry| entry.detail == "1: Breve i uge 45"), "the purpose is on record");
}

#[tokio::test]
async fn publishing_is_meant_and_a_correction_says_what_it_corrects() {
    let town = Town::open().await;
    let id = &town.municipality.id;
    let mut browser = signed_in(&town, Role::Analyst).await;
    let at = "/hojager/console/publications";
    browser.get(at).await.assert_text("Der er ingen lukkede målinger at offentliggøre.");
    assert_eq!(browser.post(at, &[("year", "2026")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    town.store.close_round(id, &town.round.id, NOW).await.unwrap();
    assert!(town.store.jobs(id, None, 9).await.unwrap().is_empty());
    let waiting = browser.post(at, &[("year", "2026")]).await;
    waiting.assert_text("Udkast til offentliggørelse");
    let job = town.store.claim_job("w", NOW.plus_days(1), NOW).await.unwrap().unwrap();
    assert_eq!(job.arguments, serde_json::json!({ "year": 2026, "title": "2026-målingen", "again": true }));
    put_draft(&town, &figures::report()).await;
    town.store.finish_job(&job.id, "w", Ok(&serde_json::json!({ "year": 2026 })), &[], NOW).await.unwrap();
    let draft = format!("{at}/drafts/2026");
    browser.get(&waiting.path).await.assert_text(&draft);

    // Chosen, worded, and looked at: the same page as the committee's, at another address.
    let seen = seen(&town).await;
    let chosen = &figures::report().indicators[0];
    let words = [
        ("title", "Erhvervsmålingen 2026"),
        ("foreword", "Tak til alle, der svarede."),
        ("indicator", chosen.id.as_str()),
        ("breakdown", "sector"),
    ];
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> { [&words[..], more].concat() };
    let unsure = [with(&[("go", "freeze")]), vec![("seen", seen.as_str())]].concat();
    let refused = browser.post(&draft, &unsure).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.assert_text("Sæt kryds ved, at du ved");
    refused.assert_text("Tak til alle, der svarede.");
    let preview = browser.post(&draft, &[with(&[("go", "preview")]), vec![("seen", seen.as_str())]].concat()).await;
    assert_eq!(preview.path, format!("{draft}/preview"));
    preview.assert_text("Intet er offentliggjort endnu.");
    preview.assert_text("<p>Tak til alle, der svarede.</p>");
    let other = &figures::report().indicators[1];
    assert!(!preview.body.contains(other.title.get(domain::language::Language::Da)), "what is not chosen is not there");
    for page in ["method", "compare", "charts/trend.svg"] {
        assert_eq!(browser.get(&format!("{draft}/preview/{page}")).await.status, StatusCode::OK, "{page}");
    }
    assert!(town.store.publications(id).await.unwrap().is_empty());

    // What somebody else changed meanwhile is not overwritten.
    let sure =
        |seen: String| [with(&[("go", "freeze"), ("sure", "yes")]), vec![("seen", seen.leak() as &str)]].concat();
    browser.post(&draft, &sure("1".to_owned())).await.assert_text("En anden har ændret udkastet");
    let now = self::seen(&town).await;
    let published = browser.post(&draft, &sure(now)).await;
    let info = town.store.publications(id).await.unwrap().remove(0);
    assert_eq!(published.path, format!("/hojager/committee/{}", info.id));
    // The page is the one that was seen, but for its address and its notice.
    let strip = |body: &str, address: &str| -> String {
        let from = body.find("<h1>").unwrap();
        body[from..body.find("</main>").unwrap()].replace(address, "")
    };
    let (before, after) = (strip(&preview.body, &format!("{draft}/preview")), strip(&published.body, &published.path));
    let others = |body: &str| body.split("id=\"meaning\"").next().unwrap().to_owned();
    assert_eq!(others(&before), others(&after));

    // The whole is kept behind it; a correction says what it corrects, and the old page says that it was corrected.
    let basis = town.store.publication_basis(id, &info.id).await.unwrap();
    assert_eq!(basis.whole.indicators, figures::report().indicators);
    assert_eq!(basis.whole.estimates.len(), figures::report().estimates.len());
    assert!(town.store.publication_draft(id, 2026).await.is_err());
    put_draft(&town, &figures::report()).await;
    let now = self::seen(&town).await;
    let silent = browser.post(&draft, &sure(now)).await;
    silent.assert_text("Skriv, hvad der er rettet.");
    let now = self::seen(&town).await;
    browser.post(&draft, &[sure(now), vec![("note", "Forordet er rettet.")]].concat()).await;
    let old = browser.get(&published.path).await;
    old.assert_text("Denne udgave er rettet den");
    old.assert_text("Forordet er rettet.");

    let ordered = browser.post(&format!("{at}/{}/report", info.id), &[]).await;
    let job = town.store.job(id, &JobId(ordered.path.rsplit('/').next().unwrap().into())).await.unwrap();
    assert_eq!((job.state, job.arguments["language"].as_str()), (JobState::Queued, Some("da")));
    assert_eq!(browser.get(&format!("/hojager/committee/{}/report.pdf", info.id)).await.status, StatusCode::NOT_FOUND);
    let job = town.store.claim_job("w", NOW.plus_days(1), NOW).await.unwrap().unwrap();
    let file = JobFile { name: "report.pdf".into(), media_type: "application/pdf".into(), bytes: b"%PDF".to_vec() };
    town.store.finish_job(&job.id, "w", Ok(&serde_json::json!({ "file": "report.pdf" })), &[file], NOW).await.unwrap();
    assert_eq!(browser.get(&format!("/hojager/committee/{}/report.pdf", info.id)).await.body, "%PDF");
    let did = did(&town).await;
    for action in ["publication.ordered", "publication.created", "paper.ordered"] {
        assert!(did.contains(&action.to_owned()), "{did:?}");
    }
}

#[tokio::test]
async fn a_draft_whose_answers_changed_is_not_published() {
    let town = Town::open().await;
    let id = &town.municipality.id;
    let mut browser = signed_in(&town, Role::Analyst).await;
    town.store.close_round(id, &town.round.id, NOW).await.unwrap();
    put_draft(&town, &figures::report()).await;
    // Something else is published in between.
    publish(&town, "").await;
    let draft = "/hojager/console/publications/drafts/2026";
    browser.get(draft).await.assert_text("Beregn dem igen");
    let seen = seen(&town).await;
    let report = figures::report();
    let form = [
        ("title", "2026"),
        ("note", "x"),
        ("indicator", report.indicators[0].id.as_str()),
        ("seen", seen.as_str()),
        ("sure", "yes"),
        ("go", "freeze"),
    ];
    let refused = browser.post(draft, &form).await;
    assert_eq!(refused.path, draft);
    assert_eq!(town.store.publications(id).await.unwrap().len(), 1);
    browser.post(&format!("{draft}/discard"), &[]).await;
    assert!(town.store.publication_draft(id, 2026).await.is_err());
}

async fn seen(town: &Town) -> String {
    town.store.publication_draft(&town.municipality.id, 2026).await.unwrap().updated_at.0.to_string()
}

async fn put_draft(town: &Town, whole: &domain::results::Report) {
    let id = &town.municipality.id;
    let material = town.store.material(id, 2026).await.unwrap();
    let draft = store::publishing::NewDraft {
        year: 2026,
        title: "2026-målingen",
        foreword: "",
        remark: "",
        choice: &domain::publishing::Choice::all(whole),
        whole,
        extra: &serde_json::json!({}),
        marks: &domain::publishing::Marks::new(),
        kept: domain::publishing::Kept::default(),
        material: &material,
    };
    town.store.put_draft(id, &draft, NOW).await.unwrap();
}

async fn publish(town: &Town, note: &str) -> PublicationInfo {
    publish_report(town, note, figures::report()).await
}

async fn publish_report(town: &Town, note: &str, report: domain::results::Report) -> PublicationInfo {
    let extra = serde_json::json!({});
    let publication = NewPublication {
        year: 2026,
        date: "2026-11-20",
        title: "Erhvervsmålingen 2026",
        note,
        report: &report,
        extra: &extra,
    };
    town.store.publish(&town.municipality.id, &publication, NOW).await.expect("a publication can be put")
}

#[tokio::test]
async fn the_committee_reads_what_lies_behind_the_figures() {
    let town = Town::open().await;
    let mut browser = signed_in(&town, Role::Committee).await;
    let report = domain::results::Report { insight: figures::insight(), ..figures::report() };
    let info = publish_report(&town, "", report.clone()).await;
    let page = browser.get("/hojager/committee").await;
    // Targets with their test, the direction over the years.
    page.assert_text("Højere end i 2023, senest i 2027");
    page.assert_text("opfyldt");
    page.assert_text("Kan ikke sammenlignes med 2023 (databrud).");
    page.assert_text("Over de 4 år 2023–2026 er der en stigning på 1,4 point om året (usikkerhed ±0,6 point).");
    // The map names what to do something about, and says why another one is missing.
    page.assert_text("ligger lavere end det øvrige: Effektivitet.");
    page.assert_text("Det er en sammenhæng, ikke en årsag.");
    page.assert_text("Der er for få svar til et prioriteringskort: 18, hvor der skal 70 til.");
    // Themes: shares of all asked; what few raise and what two readers disagree on has no figure.
    page.assert_text("35\u{a0}% har skrevet noget med egne ord.");
    page.assert_text("12,3\u{a0}%");
    page.assert_text("Temaer, som færre end 5 nævner, vises ikke.");
    page.assert_text("Vises ikke, fordi to læsere var for uenige: Tone.");
    assert!(!page.body.contains(">Veje<"), "a theme that few raise is not listed");
    // Who answered, in plain words.
    page.assert_text("Svarene fordeler sig nogenlunde jævnt over brancher og størrelser (R = 0,87");
    page.assert_text(
        "Alder indgår ikke i vægtningen: Gruppen 0–3 år er 20\u{a0}% af grundlaget og 14\u{a0}% af de vægtede svar.",
    );
    page.assert_text("De sene svar adskiller sig ikke sikkert fra de tidlige");
    page.assert_text("alfa 0,87 (3 spørgsmål, 800 svar)");
    for chart in ["themes.svg", "priority-overall.svg"] {
        let chart = browser.get(&format!("/hojager/committee/{}/charts/{chart}", info.id)).await;
        assert_eq!(
            (chart.status, &chart.headers["content-type"]),
            (StatusCode::OK, &"image/svg+xml; charset=utf-8".parse().unwrap())
        );
    }
    for language in ["sv", "en"] {
        let page = browser.get(&format!("/hojager/committee?lang={language}")).await;
        assert!(!page.body.contains('⟦'), "a text is missing in {language}");
    }
}

#[tokio::test]
async fn the_committee_reads_sentences_then_charts_with_the_numbers_beneath() {
    let town = Town::open().await;
    let mut browser = signed_in(&town, Role::Committee).await;
    browser.get("/hojager/committee").await.assert_text("Der er ikke offentliggjort resultater endnu.");
    let first = publish(&town, "").await;
    let page = browser.get("/hojager/committee").await;
    let report = figures::report();
    for sentence in text::summary::opening(&text::Messages::load().unwrap(), domain::language::Language::Da, &report) {
        page.assert_text(&sentence);
    }
    let total = report.estimate("nki", 2026, "total", "all").unwrap();
    page.assert_text(&charts::figure(
        domain::language::Language::Da,
        domain::indicator::Kind::Index,
        total.estimate.value.unwrap(),
        total.estimate.n,
    ));
    assert_eq!(page.body.matches("role=\"img\"").count(), 8, "four charts, each wide and narrow");
    assert!(page.body.find("class=\"summary\"").unwrap() < page.body.find("<svg").unwrap(), "sentences come first");
    page.assert_text("vises ikke (for få svar)");
    let hidden = report.estimates.iter().filter(|r| r.indicator == "nki" && r.state == State::Hidden).count();
    assert_eq!(page.body.matches("hidden-cell").count(), hidden);
    assert!(report.changes.iter().any(|c| c.verdict == Verdict::Unclear));
    page.assert_text("ingen sikker ændring");

    let green = browser.get(&format!("/hojager/committee/{}?indicator=green", first.id)).await;
    green.assert_text("Databrud før 2025");
    green.assert_text("SMV med grønne tiltag");
    browser.get(&format!("/hojager/committee/{}/method", first.id)).await.assert_text("9f86d081");
    let chart = browser.get(&format!("/hojager/committee/{}/charts/changes.svg", first.id)).await;
    assert_eq!(chart.headers["content-type"], "image/svg+xml; charset=utf-8");
    assert_eq!(
        browser.get(&format!("/hojager/committee/{}/charts/other.svg", first.id)).await.status,
        StatusCode::NOT_FOUND
    );

    publish(&town, "Branchen transport er rettet.").await;
    browser.get("/hojager/committee").await.assert_text("Branchen transport er rettet.");
    browser.get(&format!("/hojager/committee/{}", first.id)).await.assert_text("Denne udgave er rettet den");
    for (language, text) in [("sv", "I korthet"), ("en", "In short")] {
        browser.get(&format!("/hojager/committee?lang={language}")).await.assert_text(text);
    }
    assert!(!page.body.contains("/console\""), "the committee is not offered the console");
}

#[tokio::test]
async fn pages_of_staff_are_kept_by_no_cache() {
    let town = Town::open().await;
    publish(&town, "").await;
    let mut browser = signed_in(&town, Role::Administrator).await;
    for (_, address, _) in ADDRESSES.iter().filter(|(m, a, _)| {
        // What is about one thing needs that thing to be there.
        let about_one = a.matches('{').count() > 1 || a.ends_with("/visits/new") || a.ends_with("/answers");
        *m == "GET" && !about_one
    }) {
        let got = browser.get(&filled(address)).await;
        assert_eq!(
            (got.status, got.headers["cache-control"].to_str().unwrap()),
            (StatusCode::OK, "no-store"),
            "{address}"
        );
        assert!(got.headers["content-security-policy"].to_str().unwrap().contains("style-src 'self';"), "{address}");
        assert!(!got.body.contains(" style=") && !got.body.contains("<style"), "{address}");
    }
    browser.get("/hojager/console/trail").await.assert_text("så denne side");
}

/// The address of the haulier's call page.
async fn call_page(town: &Town, browser: &mut Browser) -> String {
    let list = browser.get("/hojager/calls").await;
    list.assert_text("Vognmand Holm ApS");
    list.assert_text("få svar");
    format!("/hojager/calls/{}", town.respondent(town.haulier()).await.invitation)
}

/// The form of a page whose address ends so.
async fn send_to(browser: &mut Browser, page: &Got, end: &str, fields: &[(&str, &str)]) -> Got {
    let action = page.body.split("action=\"").filter_map(|p| p.split('"').next()).find(|a| a.ends_with(end));
    browser.post(action.unwrap_or_else(|| panic!("no form to {end}: {}", page.body)), fields).await
}

#[tokio::test]
async fn an_interview_shows_no_earlier_answer_and_keeps_its_mode() {
    let town = Town::open().await;
    let mut web = town.browser();
    let overall = web.post(&format!("/s/{}", town.haulier()), &[]).await;
    web.fill_in(&overall, &[("overall", "1"), ("overall_why", "Hemmeligt")], ("go", "next")).await;
    let mut caller = signed_in(&town, Role::Interviewer).await;
    let page = call_page(&town, &mut caller).await;
    let call = caller.get(&page).await;
    call.assert_text("12 34 56 03");
    call.assert_text("Jeres svar er fortrolige, men ikke anonyme.");
    assert!(!call.body.contains("Hemmeligt"));
    // Not before the text was read.
    let unread = send_to(&mut caller, &call, "/begin", &[]).await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut screen = send_to(&mut caller, &call, "/begin", &[("read", "1")]).await;
    assert!(screen.path.ends_with("/overall") && !screen.body.contains(" checked"), "{}", screen.body);
    assert!(!screen.body.contains("Hemmeligt"));
    // Somebody else does not call at the same time, nor does the answer count before it is sent.
    let mut other = signed_in(&town, Role::Analyst).await;
    let held = send_to(&mut other, &call, "/begin", &[("read", "1")]).await;
    assert_eq!(held.status, StatusCode::CONFLICT);
    for _ in 0..30 {
        if screen.path.ends_with("/review") {
            break;
        }
        let form = screen.form();
        let mut answers: Vec<(&str, &str)> = Vec::new();
        for (name, value) in &form.offered {
            if !answers.iter().any(|(n, _)| n == name) {
                answers.push((name, if name == "overall" { "5" } else { value }));
            }
        }
        screen = caller.fill_in(&screen, &answers, ("go", "next")).await;
        assert_eq!(screen.status, StatusCode::OK, "{}", screen.body);
        let kept = town.respondent(town.haulier()).await.response.unwrap();
        assert_eq!(kept.answers.get("overall"), Some("1"), "what the business typed itself stands until then");
    }
    let reach = caller.fill_in(&screen, &[], ("go", "next")).await;
    assert!(reach.path.ends_with("/reach"), "{}", reach.path);
    let done = caller.fill_in(&reach, &[("name", "Lis"), ("reach", "12 34 56 78")], ("go", "keep")).await;
    done.assert_text("Interviewet er gemt");
    assert!(done.body.contains("class=\"reference\""), "the code is read out");
    let who = town.respondent(town.haulier()).await;
    let response = who.response.unwrap();
    assert!(response.submitted_at.is_some());
    assert_eq!((response.answers.get("overall"), response.answers.get("overall_why")), (Some("5"), None));
    let responses = town.store.analysis_responses(&town.municipality.id, &[2026]).await.unwrap();
    assert_eq!(responses.iter().map(|r| r.mode).collect::<Vec<_>>(), [domain::fieldwork::Mode::Telephone]);
    let list = caller.get("/hojager/calls").await;
    assert!(!list.body.contains("Vognmand Holm ApS"), "who has answered is not called");
    caller.get(&page).await.assert_text("Virksomheden har svaret.");
    let ended = town.store.dispositions(&town.municipality.id, &town.round.id).await.unwrap();
    assert_eq!(ended.iter().map(|e| (e.code, e.count)).collect::<Vec<_>>(), [("1.1", 1), ("3.19", 1)]);
}

#[tokio::test]
async fn what_came_of_a_call_is_kept_and_a_no_is_a_no() {
    let town = Town::open().await;
    let mut caller = signed_in(&town, Role::Interviewer).await;
    let page = call_page(&town, &mut caller).await;
    let call = caller.get(&page).await;
    assert_eq!(send_to(&mut caller, &call, "/outcome", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let nonsense = [("outcome", "away"), ("again_on", "2026-02-31")];
    assert_eq!(send_to(&mut caller, &call, "/outcome", &nonsense).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        send_to(&mut caller, &call, "/outcome", &[("outcome", "interview")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "an interview is one that was sent"
    );
    let later = [("outcome", "away"), ("again_on", "2026-10-05"), ("note", "Efter kl. 14")];
    let list = send_to(&mut caller, &call, "/outcome", &later).await;
    list.assert_text("Opkaldet er noteret.");
    list.assert_text("Ring igen 5. oktober 2026");
    caller.get(&page).await.assert_text("Efter kl. 14");
    // Broken off: what was said stays.
    town.clock.set(NOW.plus_seconds(600));
    let screen = send_to(&mut caller, &call, "/begin", &[("read", "1")]).await;
    caller.fill_in(&screen, &[("overall", "4")], ("go", "next")).await;
    send_to(&mut caller, &call, "/outcome", &[("outcome", "broken_off")]).await;
    let response = town.respondent(town.haulier()).await.response.unwrap();
    assert_eq!((response.answers.get("overall"), response.submitted_at), (Some("4"), None));
    let again = send_to(&mut caller, &call, "/begin", &[("read", "1")]).await;
    assert!(!again.body.contains(" checked"), "the next call begins with blank pages");
    // A no also stops the mails of this round.
    town.clock.set(NOW.plus_seconds(1200));
    let list = send_to(&mut caller, &call, "/outcome", &[("outcome", "refused"), ("again_on", "2026-10-06")]).await;
    assert!(!list.body.contains("Vognmand Holm ApS"));
    assert!(town.respondent(town.haulier()).await.opted_out_at.is_some());
    let who = town.respondent(town.haulier()).await;
    let calls = town.store.calls_to(&town.municipality.id, &town.round.id, &who.business).await;
    let outcomes: Vec<&str> = calls.unwrap().iter().map(|c| c.outcome.code()).collect();
    assert_eq!(outcomes, ["2.11", "2.12", "2.21"]);
    let refused = send_to(&mut caller, &call, "/begin", &[("read", "1")]).await;
    refused.assert_text("Virksomheden har sagt nej.");
    town.store.close_round(&town.municipality.id, &town.round.id, NOW).await.unwrap();
    assert!(!caller.get(&page).await.body.contains("Efter kl. 14"), "notes go when the round closes");
}

#[tokio::test]
async fn after_publication_the_link_shows_the_sector_s_figures_and_hides_what_is_hidden() {
    let town = Town::open().await;
    let link = format!("/s/{}", town.haulier());
    town.store.close_round(&town.municipality.id, &town.round.id, NOW).await.unwrap();
    town.browser().get(&link).await.assert_text("Målingen er lukket");
    publish(&town, "").await;
    let plan = |title: &str, public| domain::initiatives::InitiativePlan {
        title: Texts::same(title),
        description: Texts::same("Ét nummer for alle."),
        focus_area: None,
        owner: domain::initiatives::Owner::Group { name: "Erhvervsservice".to_owned() },
        indicators: Vec::new(),
        sectors: Vec::new(),
        starts_on: None,
        horizon: Some(2027),
        resources: String::new(),
        backing: String::new(),
        public,
    };
    for (title, public) in [("Én indgang", true), ("Internt notat", false)] {
        let active = domain::initiatives::InitiativeState::Active;
        let id = &town.municipality.id;
        town.store.create_initiative(id, &plan(title, public), active, "2026-05-01", NOW).await.unwrap();
    }
    let page = town.browser().get(&link).await;
    assert_eq!(page.status, StatusCode::OK);
    page.assert_text("Målingen er gjort op.");
    page.assert_text("Én indgang");
    assert!(!page.body.contains("Internt notat") && page.body.contains("<svg"), "{}", page.body);
    town.browser().get(&format!("{link}?lang=en")).await.assert_text("Under way");
    // Answering is over all the same.
    assert_eq!(town.browser().get(&format!("{link}/overall")).await.status, StatusCode::GONE);
}
