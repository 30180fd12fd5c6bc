//! Accounts over HTTP and a real database: invited, signed in in two steps, asked again, slowed down, set up from nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
mod town;

use std::sync::Arc;

use axum::http::{Request, StatusCode, header};
use domain::fieldwork::Role;
use domain::secrets::SecretKey;
use domain::time::{Millis, SetClock};
use store::people::User;
use store::{Store, StoreOptions};
use town::{Browser, Got, NOW, Town};
use web::auth::second_step::Shared;

const PASSWORD: &str = "rosiner og grus i skoen";

/// Somebody who came by a link from the command line.
async fn by_link(town: &Town, email: &str, role: Role) -> (Browser, User) {
    let id = &town.municipality.id;
    let user = town.store.create_user(id, "Karen Holm", email, role, NOW).await.unwrap();
    let token = town.keys.random_token();
    let lookup = town.keys.lookup(token.reveal());
    town.store.create_sign_in(id, &user.id, &lookup, NOW.plus_days(1), NOW).await.unwrap();
    let mut browser = town.browser();
    let page = browser.post(&format!("/sign-in/{}", token.reveal()), &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    (browser, user)
}

/// The code that the person's app shows at this moment.
async fn code(town: &Town, user: &User, now: Millis) -> String {
    let step = town.store.second_step(&user.id).await.unwrap().unwrap();
    Shared::of(&town.keys, &user.id, step.generation, &town.municipality, &user.email).unwrap().code_at(now)
}

/// What stands between two pieces of a page.
fn between(page: &Got, before: &str, after: &str) -> String {
    let body = page.body.replace("&#x2F;", "/");
    let rest = body.split(before).nth(1).unwrap_or_else(|| panic!("{} lacks {before}: {body}", page.path));
    rest.split(after).next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_colleague_is_invited_and_signs_in_in_two_steps() {
    let town = Town::open().await;
    let (mut karen, _) = by_link(&town, "karen@hojager.example", Role::Administrator).await;
    let faulty = karen.post("/hojager/console/people", &[("name", ""), ("email", "x"), ("role", "analyst")]).await;
    assert_eq!(faulty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let invited = [("name", "Ole Bro"), ("email", "ole@hojager.example"), ("role", "analyst")];
    let shown = karen.post("/hojager/console/people", &invited).await;
    shown.assert_text("Giv linket videre til Ole Bro");
    let link = between(&shown, "value=\"http://127.0.0.1:8080", "\"");
    karen.post("/hojager/console/people", &invited).await.assert_text("Adressen har allerede en konto her.");
    karen.get("/hojager/console/people").await.assert_text("inviteret");

    let mut ole = town.browser();
    for _ in 0..2 {
        ole.get(&link).await.assert_text("Velkommen, Ole Bro");
    }
    let weak = ole.post(&link, &[("password", "OleBroHøjager")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    ole.post(&link, &[("password", "kort")]).await.assert_text("brug mindst 12 tegn");
    let set_up = ole.post(&link, &[("password", PASSWORD)]).await;
    assert_eq!(set_up.path, "/hojager/account/two-step");
    assert!(ole.get("/hojager/console").await.path.ends_with("/account/two-step"), "an analyst needs the second step");
    assert_eq!(town.browser().get(&link).await.status, StatusCode::GONE);

    let user = town.store.user_by_email(&town.municipality.id, "ole@hojager.example").await.unwrap().unwrap();
    let wrong = ole.post("/hojager/account/two-step", &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let first = code(&town, &user, NOW).await;
    let codes = ole.post("/hojager/account/two-step", &[("code", &first)]).await;
    codes.assert_text("Dine genoprettelseskoder");
    let recovery = between(&codes, "<li><code>", "</code>");
    assert_eq!(codes.body.matches("<li><code>").count(), 10);
    assert_eq!(ole.get("/hojager/console").await.status, StatusCode::OK);

    // Another browser, half a minute later: the code that set it up is used, the next one is good, once.
    town.clock.set(NOW.plus_seconds(30));
    let mut phone = town.browser();
    let refused =
        phone.post("/hojager/sign-in", &[("email", "ole@hojager.example"), ("password", "not this one")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = phone.post("/hojager/sign-in", &[("email", "nobody@hojager.example"), ("password", "x")]).await;
    unknown.assert_text("passer ikke sammen");
    let sign_in = [("email", "OLE@hojager.example"), ("password", PASSWORD)];
    assert_eq!(phone.post("/hojager/sign-in", &sign_in).await.path, "/hojager/sign-in/code");
    assert!(phone.get("/hojager/console").await.path.ends_with("/sign-in/code"), "half in is not in");
    assert!(phone.get("/hojager/account/two-step").await.path.ends_with("/sign-in/code"));
    let replayed = phone.post("/hojager/sign-in/code", &[("code", &first)]).await;
    assert_eq!(replayed.status, StatusCode::UNPROCESSABLE_ENTITY);
    let second = code(&town, &user, NOW.plus_seconds(30)).await;
    assert_eq!(phone.post("/hojager/sign-in/code", &[("code", &second)]).await.path, "/hojager/console");
    let mut third = town.browser();
    third.post("/hojager/sign-in", &sign_in).await;
    assert_eq!(
        third.post("/hojager/sign-in/code", &[("code", &second)]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let by_paper = third.post("/hojager/sign-in/code", &[("recovery", &recovery.to_uppercase())]).await;
    by_paper.assert_text("Der er 9 genoprettelseskoder tilbage");
    third.post("/sign-out", &[]).await;
    third.post("/hojager/sign-in", &sign_in).await;
    let again = third.post("/hojager/sign-in/code", &[("recovery", &recovery)]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "a recovery code works once");

    // Two sessions; all others end at a word.
    let account = ole.get("/hojager/account").await;
    assert_eq!(account.body.matches("med adgangskode").count(), 2);
    ole.post("/hojager/account/sessions", &[("session", "others")]).await.assert_text("Der er logget ud");
    assert!(phone.get("/hojager/console").await.path.ends_with("/sign-in"));
    assert_eq!(ole.get("/hojager/console").await.status, StatusCode::OK);

    // A new role ends what was open; a lost app is reset by another administrator.
    let page = format!("/hojager/console/people/{}", user.id);
    karen.post(&format!("{page}/role"), &[("role", "committee")]).await.assert_text("Ændringen er gemt");
    assert!(ole.get("/hojager/account").await.path.ends_with("/sign-in"));
    karen.post(&format!("{page}/two-step"), &[]).await.assert_text("To trin er slået fra");
    assert_eq!(
        phone.post("/hojager/sign-in", &sign_in).await.path,
        "/hojager/committee",
        "a reader needs no second step"
    );
    karen.post(&format!("{page}/active"), &[("active", "no")]).await.assert_text("spærret");
    assert!(phone.get("/hojager/committee").await.path.ends_with("/sign-in"));
    let trail = karen.get("/hojager/console/trail?what=session.refused").await;
    trail.assert_text("blev afvist ved login");
    trail.assert_text("Ole Bro");
    let file = karen.get("/hojager/console/trail.csv").await;
    assert!(file.headers[header::CONTENT_TYPE].to_str().unwrap().starts_with("text/csv"));
    file.assert_text("user.disabled;spærrede en konto;Ole Bro");
}

#[tokio::test]
async fn what_gives_much_away_asks_again() {
    let town = Town::open().await;
    let (mut karen, user) = by_link(&town, "karen@hojager.example", Role::Administrator).await;
    let done = karen.post("/hojager/account/password", &[("password", PASSWORD)]).await;
    done.assert_text("Adgangskoden er gemt");
    let own = format!("/hojager/console/people/{}/active", user.id);
    assert_eq!(karen.post(&own, &[("active", "no")]).await.status, StatusCode::FORBIDDEN, "not one's own");
    town.clock.set(NOW.plus_seconds(16 * 60));
    let invited = [("name", "Ole Bro"), ("email", "ole@hojager.example"), ("role", "analyst")];
    let asked = karen.post("/hojager/console/people", &invited).await;
    assert!(asked.path.starts_with("/hojager/account/confirm"), "{}", asked.path);
    assert!(town.store.user_by_email(&town.municipality.id, "ole@hojager.example").await.unwrap().is_none());
    let next = [("next", "/hojager/console/people")];
    let wrong = karen.post("/hojager/account/confirm", &[next[0], ("password", "not this one")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut copied = karen.clone();
    let back = karen.post("/hojager/account/confirm", &[next[0], ("password", PASSWORD)]).await;
    assert_eq!(back.path, "/hojager/console/people");
    assert!(copied.get("/hojager/console").await.path.ends_with("/sign-in"), "the token changed");
    karen.post("/hojager/console/people", &invited).await.assert_text("Giv linket videre");
    let elsewhere = [("next", "//evil.example/x"), ("password", PASSWORD)];
    assert_eq!(karen.post("/hojager/account/confirm", &elsewhere).await.path, "/hojager/console");
    town.clock.set(NOW.plus_seconds(16 * 60 + 5 * 3600));
    assert!(karen.get("/hojager/console").await.path.ends_with("/sign-in"), "nobody was there for hours");
}

#[tokio::test]
async fn guessing_gets_slower_and_does_not_tell_who_is_there() {
    let town = Town::open().await;
    for email in ["karen@hojager.example", "nobody@hojager.example"] {
        if email.starts_with("karen") {
            by_link(&town, email, Role::Committee).await;
        }
        let mut guesser = town.browser();
        let mut seen = Vec::new();
        for _ in 0..7 {
            let got = guesser.post("/hojager/sign-in", &[("email", email), ("password", "guess")]).await;
            seen.push((got.status.as_u16(), got.headers.contains_key(header::RETRY_AFTER)));
        }
        assert_eq!(seen[..5], [(422, false); 5], "{email}");
        assert_eq!(seen[5..], [(429, true); 2], "{email}");
    }
}

#[tokio::test]
async fn a_reader_from_outside_reads_and_nothing_else() {
    let town = Town::open().await;
    let (mut karen, _) = by_link(&town, "karen@hojager.example", Role::Analyst).await;
    let past = [("name", "Ole Bro"), ("until", "2026-09-01"), ("publication", "")];
    assert_eq!(karen.post("/hojager/console/readers", &past).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let made = [("name", "Ole Bro"), ("until", "2026-12-01"), ("publication", "")];
    let shown = karen.post("/hojager/console/readers", &made).await;
    let link = between(&shown, "value=\"http://127.0.0.1:8080", "\"");
    let mut ole = town.browser();
    ole.get(&link).await.assert_text("Velkommen, Ole Bro");
    assert!(ole.get("/hojager/committee").await.path.ends_with("/sign-in"), "opening the link signs nobody in");
    assert_eq!(ole.post(&link, &[]).await.path, "/hojager/committee");
    for address in ["/hojager/console", "/hojager/account", "/hojager/account/password", "/hojager/account/two-step"] {
        assert_eq!(ole.get(address).await.status, StatusCode::FORBIDDEN, "{address}");
    }
    let list = karen.get("/hojager/console/readers").await;
    list.assert_text("1 gang, senest");
    let id = between(&list, "/hojager/console/readers/", "/revoke");
    karen.post(&format!("/hojager/console/readers/{id}/revoke"), &[]).await.assert_text("taget tilbage");
    assert!(ole.get("/hojager/committee").await.path.ends_with("/sign-in"));
    assert_eq!(ole.get(&link).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn an_empty_database_is_set_up_in_the_browser() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("empty.sqlite").display());
    let store = Store::connect(&url, &StoreOptions { durable: false, connections: 2 }).await.unwrap();
    let keys = SecretKey::parse(&"5a".repeat(32)).unwrap().keys();
    store.create_set_up(&keys.lookup("begin"), NOW.plus_days(1), NOW).await.unwrap();
    let settings = web::Settings { public_url: "http://127.0.0.1:8080".into(), catcher: false };
    let app = web::App::new(store.clone(), keys.clone(), Arc::new(SetClock::new(NOW)), settings).unwrap();
    let mut browser = Browser::over(web::router(app));
    browser.get("/setup/begin").await.assert_text("Databasen er tom");
    assert_eq!(browser.get("/setup/other").await.status, StatusCode::GONE);
    let filled = |password| {
        [
            ("municipality", "Høje-Taastrup Kommune"),
            ("country", "dk"),
            ("name", "Karen Holm"),
            ("email", "karen@htk.example"),
            ("password", password),
        ]
    };
    let weak = browser.post("/setup/begin", &filled("karenholmkaren")).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(weak.body.contains("Høje-Taastrup Kommune") && !weak.body.contains("karenholmkaren"));
    assert_eq!(browser.post("/setup/begin", &filled(PASSWORD)).await.path, "/hoeje-taastrup/account/two-step");
    assert_eq!(browser.post("/setup/begin", &filled(PASSWORD)).await.status, StatusCode::GONE);
    let place = store.municipality_by_slug("hoeje-taastrup").await.unwrap();
    let user = store.user_by_email(&place.id, "karen@htk.example").await.unwrap().unwrap();
    let step = store.second_step(&user.id).await.unwrap().unwrap();
    let shared = Shared::of(&keys, &user.id, step.generation, &place, &user.email).unwrap();
    let codes = browser.post("/hoeje-taastrup/account/two-step", &[("code", &shared.code_at(NOW))]).await;
    codes.assert_text("Dine genoprettelseskoder");
    assert_eq!(browser.get("/hoeje-taastrup/console").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_sign_in_elsewhere_needs_a_provider_and_the_browser_that_began() {
    let town = Town::open().await;
    let mut browser = town.browser();
    assert_eq!(browser.post("/hojager/sign-in/single", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/sign-in/single/return?code=x&state=y").await.status, StatusCode::NOT_FOUND);
    let sent = Request::post("/hojager/sign-in").header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(sent, String::new()).await.status, StatusCode::FORBIDDEN);
}
