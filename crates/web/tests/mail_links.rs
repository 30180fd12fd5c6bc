//! What the links of a mail do when programs open them before people do, and when a mail program unsubscribes (RFC 8058).
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
mod town;

use std::collections::{BTreeSet, VecDeque};

use axum::http::{Request, StatusCode, header};
use domain::fieldwork::Role;
use town::Town;

/// A scanner follows this many links and no more.
const MOST: usize = 200;

/// The addresses on this site that a page names: links, and where its forms go.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let after = |sign| page.split(sign).skip(1).filter_map(|rest: &str| rest.split('"').next());
    after("href=\"").chain(after("action=\"")).filter(|href| href.starts_with('/'))
}

/// Opens the links of every message (`mailout` holds that there are no others), and what stands on the pages behind them, by HEAD
/// and by GET; not a byte of the database may differ afterwards.
async fn scan(town: &Town, tokens: &[&str]) -> usize {
    let mut waiting = VecDeque::from(["/hojager/privacy".to_owned()]);
    for token in tokens {
        let own = ["", "/stop", "/unsubscribe"].map(|page| format!("/s/{token}{page}"));
        waiting.extend(own);
    }
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    let before = town.bytes();
    assert!(!before.0.is_empty());
    let mut scanner = town.browser();
    let mut opened = 0;
    while let Some(path) = waiting.pop_front() {
        opened += 1;
        let head = scanner.send(Request::head(&path), String::new()).await;
        let page = scanner.get(&path).await;
        assert!(!head.status.is_server_error() && !page.status.is_server_error(), "{path}");
        assert!(town.bytes() == before, "{path} was opened, and the database changed");
        for link in links(&page.body) {
            let link = link.split('#').next().unwrap().replace("&amp;", "&");
            if !link.is_empty() && seen.len() < MOST && seen.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
    }
    opened
}

#[tokio::test]
async fn a_scanner_that_opens_every_link_and_all_that_follow_changes_nothing() {
    let town = Town::open().await;
    let (haulier, hairdresser) = (town.haulier().to_owned(), town.hairdresser().to_owned());
    let both = [haulier.as_str(), hairdresser.as_str()];
    assert!(scan(&town, &both).await > 10, "before anything is answered");

    // Somebody has begun, and somebody has said no.
    let mut browser = town.browser();
    let first = browser.get(&format!("/s/{haulier}")).await;
    browser.fill_in(&first, &[], ("go", "next")).await;
    assert!(town.respondent(&haulier).await.response.is_some());
    let no = Request::post(format!("/s/{hairdresser}/stop"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    town.browser().send(no, "List-Unsubscribe=One-Click".to_owned()).await;
    assert!(town.respondent(&hairdresser).await.opted_out_for_good_at.is_some());
    assert!(scan(&town, &both).await > 10, "half-way, and after a no");

    // The survey is over.
    town.store.close_round(&town.municipality.id, &town.round.id, town::NOW).await.unwrap();
    assert!(scan(&town, &both).await > 5, "after the end");
}

#[tokio::test]
async fn a_scanner_that_opens_a_link_to_sign_in_changes_nothing() {
    let town = Town::open().await;
    let id = &town.municipality.id;
    let user = town.store.create_user(id, "Ida", "ida@hojager.example", Role::Analyst, town::NOW).await.unwrap();
    let token = town.keys.random_token();
    let lookup = town.keys.lookup(token.reveal());
    town.store.create_sign_in(id, &user.id, &lookup, town::NOW.plus_days(1), town::NOW).await.unwrap();
    let before = town.bytes();
    for _ in 0..3 {
        let path = format!("/sign-in/{}", token.reveal());
        town.browser().send(Request::head(&path), String::new()).await;
        assert_eq!(town.browser().get(&path).await.status, StatusCode::OK);
    }
    assert!(town.bytes() == before);
}

#[tokio::test]
async fn a_mail_program_unsubscribes_as_gmail_does() {
    let town = Town::open().await;
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
    for (kind, body, token) in [
        ("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click", town.haulier()),
        ("multipart/form-data; boundary=x", multipart, town.hairdresser()),
    ] {
        let path = format!("/s/{token}/stop");
        let post = |body: &str| {
            // No cookie, no origin, no referrer, no fetch metadata: a server of the mailbox's provider asks, not a browser.
            let request = Request::post(&path)
                .header(header::CONTENT_TYPE, kind)
                .header(header::USER_AGENT, "Mozilla/5.0 (compatible; Gmail-List-Unsubscribe)");
            (request, body.to_owned())
        };
        let (request, nothing) = post("");
        let empty = town.browser().send(request, nothing).await;
        assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY, "a post that does not say what it wants");
        assert!(town.respondent(token).await.opted_out_for_good_at.is_none());
        // Twice: providers repeat what they are not sure of.
        for _ in 0..2 {
            let (request, body) = post(body);
            let done = town.browser().send(request, body).await;
            assert_eq!(
                (done.status, done.path.as_str()),
                (StatusCode::OK, path.as_str()),
                "done at once, without a redirect"
            );
            assert!(town.respondent(token).await.opted_out_for_good_at.is_some());
        }
        // And it can be taken back by a person: the page says how it stands.
        assert_eq!(town.browser().get(&format!("/s/{token}")).await.status, StatusCode::OK);
    }
}
