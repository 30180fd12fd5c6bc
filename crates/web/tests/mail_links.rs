//! What the links of a mail do when programs open them before people do, and when a mail program unsubscribes (RFC 8058).
mod town;

use std::collections::{BTreeSet, VecDeque};

use axum::http::{Request, StatusCode, header};
use store::respondent::Respondent;
use town::Town;

/// A scanner follows this many links and no more.
const MOST: usize = 200;

/// What a scanner must not change.
fn state(who: &Respondent) -> (i64, bool, bool, bool, Option<domain::language::Language>) {
    (
        who.generation,
        who.response.is_some(),
        who.opted_out_at.is_some(),
        who.opted_out_for_good_at.is_some(),
        who.language,
    )
}

/// The addresses on this site that a page links to.
fn links(page: &str) -> impl Iterator<Item = &str> {
    page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).filter(|href| href.starts_with('/'))
}

#[tokio::test]
async fn a_scanner_that_opens_every_link_and_all_that_follow_changes_nothing() {
    let town = Town::open().await;
    let token = town.haulier();
    let before = state(&town.respondent(token).await);
    let mut waiting = VecDeque::from([
        format!("/s/{token}"),
        format!("/s/{token}/stop"),
        format!("/s/{token}/unsubscribe"),
        "/hojager/privacy".to_owned(),
    ]);
    let mut seen: BTreeSet<String> = waiting.iter().cloned().collect();
    let mut scanner = town.browser();
    let mut opened = 0;
    while let Some(path) = waiting.pop_front() {
        opened += 1;
        let head = scanner.send(Request::head(&path), String::new()).await;
        let page = scanner.get(&path).await;
        assert!(!head.status.is_server_error() && !page.status.is_server_error(), "{path}");
        for link in links(&page.body) {
            let link = link.split('#').next().unwrap().replace("&amp;", "&");
            if !link.is_empty() && seen.len() < MOST && seen.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
    }
    assert!(opened > 6, "only {opened} pages were opened");
    assert!(state(&town.respondent(token).await) == before, "{opened} pages were opened, and something changed");
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
