//! The post in the console, and mail over HTTP, over a real database.
mod town;

use axum::http::{Request, StatusCode};
use data_encoding::HEXLOWER;
use domain::fieldwork::Role;
use domain::ids::InboundId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::inbound::{Finding, InboundCase, InboundKind, InboundMedia, InboundSource, Shelf};
use town::{Browser, NOW, Town};

const POST: &str = "/hojager/console/post";

/// Signs in as somebody of this role.
async fn signed_in(town: &Town, role: Role) -> Browser {
    let id = &town.municipality.id;
    let user = town.store.create_user(id, "Mette Holm", "mette@hojager.example", role, NOW).await.expect("free");
    let token = town.keys.random_token();
    let lookup = town.keys.lookup(token.reveal());
    town.store.create_sign_in(id, &user.id, &lookup, NOW.plus_days(1), NOW).await.expect("a link can be kept");
    let mut browser = town.browser();
    browser.post(&format!("/sign-in/{}", token.reveal()), &[]).await;
    browser
}

/// The haulier's invitation, sent; and a message that came in about it.
async fn bounced(town: &Town, raw: &str, kind: InboundKind, hard: bool) -> InboundId {
    let until = NOW.plus_seconds(60);
    for mail in town.store.claim_mail("w", 100, until, NOW).await.expect("mail waits") {
        assert!(town.store.mark_sending(&mail.id, "w", until, NOW).await.expect("it is ours"));
        assert!(town.store.record_sent(&mail.id, "250", NOW).await.expect("it is ours"));
    }
    file(town, raw, "holm@example.dk", kind, hard).await
}

async fn file(town: &Town, raw: &str, address: &str, kind: InboundKind, hard: bool) -> InboundId {
    let store = &town.store;
    store.keep_inbound(InboundSource::Folder, InboundMedia::Message, raw.as_bytes(), NOW).await.expect("kept");
    let id = store.new_inbound(None, 10).await.expect("read").pop().expect("it waits").id;
    let case = InboundCase {
        address: address.to_owned(),
        kind,
        hard,
        status: Some("5.1.1".to_owned()),
        reason: "user-unknown".to_owned(),
        words: "550 5.1.1 <script>alert(1)</script>".to_owned(),
    };
    let finding = Finding {
        sender: "mailer-daemon@relay.example".to_owned(),
        subject: "Ulæselig <b>retur</b>".to_owned(),
        cases: vec![case],
        home: Some(town.municipality.id.clone()),
        ..Finding::default()
    };
    store.conclude_inbound(&id, &finding, NOW).await.expect("filed");
    id
}

#[tokio::test]
async fn a_bounce_is_shown_and_its_address_corrected() {
    let town = Town::open().await;
    let mut browser = signed_in(&town, Role::Analyst).await;
    browser.get(POST).await.assert_text("Her ligger intet.");
    let raw = "From: mailer-daemon@relay.example\r\nSubject: x\r\n\r\nDer er <ingen> her.\r\n";
    let id = bounced(&town, raw, InboundKind::Permanent, true).await;
    let list = browser.get(&format!("{POST}?shelf=bounce&round={}", town.round.id)).await;
    for text in ["Vognmand Holm ApS", "holm@example.dk", "550 5.1.1", "Adressen findes ikke", "Erhvervsmålingen 2026"]
    {
        list.assert_text(text);
    }
    assert!(!list.body.contains("<script>alert"));
    let page = browser.get(&format!("{POST}/{id}")).await;
    page.assert_text("Der er <ingen> her.");
    page.assert_text("modtagerens adresse");

    let no_address = browser.post(&format!("{POST}/{id}/address"), &[("email", "ikke en adresse")]).await;
    assert_eq!(no_address.status, StatusCode::UNPROCESSABLE_ENTITY);
    no_address.assert_text("Det er ikke en mailadresse");
    let dead = browser.post(&format!("{POST}/{id}/address"), &[("email", "saks@example.dk")]).await;
    assert_eq!(dead.status, StatusCode::UNPROCESSABLE_ENTITY, "somebody else's invitation");
    let done = browser.post(&format!("{POST}/{id}/address"), &[("email", "kontor@holm.example")]).await;
    done.assert_text("Adressen er rettet");
    assert!(!done.path.contains("holm.example") && !done.path.contains("holm%"), "{}", done.path);
    let waiting = town.store.claim_mail("w", 10, NOW.plus_seconds(60), NOW).await.expect("mail waits");
    assert_eq!(waiting.iter().map(|mail| mail.recipient.as_str()).collect::<Vec<_>>(), ["kontor@holm.example"]);
    let counts = town.store.inbound_counts(&town.municipality.id, None).await.expect("counts");
    assert_eq!(counts, [(Shelf::Handled, 1)]);
    let trail = town.store.audit_trail(&town.municipality.id, 10).await.expect("the trail");
    let did: Vec<&str> = trail.iter().map(|entry| entry.action.as_str()).collect();
    assert!(did.contains(&"post.corrected") && did.contains(&"contact.suppressed"), "{did:?}");
    assert!(trail.iter().all(|entry| !entry.detail.contains('@')));
    // What is done is done.
    assert_eq!(
        browser.post(&format!("{POST}/{id}/address"), &[("email", "x@y.example")]).await.status,
        StatusCode::CONFLICT
    );
}

#[tokio::test]
async fn a_message_that_is_right_after_all_is_sent_again() {
    let town = Town::open().await;
    let mut browser = signed_in(&town, Role::Analyst).await;
    let id = bounced(&town, "bounce", InboundKind::Permanent, true).await;
    browser.post(&format!("{POST}/{id}/resend"), &[]).await.assert_text("lagt i kø igen");
    let waiting = town.store.claim_mail("w", 10, NOW.plus_seconds(60), NOW).await.expect("mail waits");
    assert_eq!(waiting.iter().map(|mail| mail.recipient.as_str()).collect::<Vec<_>>(), ["holm@example.dk"]);
}

#[tokio::test]
async fn what_nobody_could_place_is_placed_by_hand_or_put_aside() {
    let town = Town::open().await;
    let mut browser = signed_in(&town, Role::Administrator).await;
    bounced(&town, "first", InboundKind::Temporary, false).await;
    let lost = file(&town, "second", "nobody@elsewhere.example", InboundKind::Permanent, true).await;
    let letter = file(&town, "third", "anna@elsewhere.example", InboundKind::None, false).await;
    let list = browser.get(POST).await;
    list.assert_text("Ulæselig <b>retur</b>");
    assert!(!list.body.contains("<b>retur"));
    let round = town.round.id.as_str();
    let none = browser.post(&format!("{POST}/{lost}/assign"), &[("round", round), ("words", "findes ikke")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    none.assert_text("Ingen inviteret virksomhed passer");
    let found = browser.post(&format!("{POST}/{lost}/assign"), &[("round", round), ("words", "SALON")]).await;
    found.assert_text("Salon Saks");
    let invitation = town.respondent(town.hairdresser()).await.invitation;
    browser
        .post(&format!("{POST}/{lost}/assign"), &[("invitation", invitation.as_str())])
        .await
        .assert_text("Mailen hører nu til virksomheden");
    let total = town.store.monitor(&town.municipality.id, &town.round.id).await.expect("the round").total;
    assert_eq!(total.failed, 1);
    browser.post(&format!("{POST}/{letter}/handled"), &[]).await.assert_text("lagt til side");
    let counts = town.store.inbound_counts(&town.municipality.id, None).await.expect("counts");
    assert_eq!(counts, [(Shelf::Bounce, 1), (Shelf::Handled, 1), (Shelf::Notice, 1)]);
}

#[tokio::test]
async fn many_messages_come_page_by_page() {
    let town = Town::open().await;
    let mut browser = signed_in(&town, Role::Analyst).await;
    for number in 0..30 {
        file(&town, &format!("letter {number}"), "a@b.example", InboundKind::None, false).await;
    }
    let first = browser.get(&format!("{POST}?shelf=open")).await;
    assert_eq!(first.body.matches("<h3>").count(), 25);
    first.assert_text("Ældre");
    let second = browser.get(&format!("{POST}?shelf=open&page=1")).await;
    assert_eq!(second.body.matches("<h3>").count(), 5);
    assert!(!second.body.contains("Ældre"));
}

fn signed(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body.as_bytes());
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

#[tokio::test]
async fn the_hook_is_shut_without_a_secret_and_takes_only_what_is_signed() {
    let town = Town::open().await;
    let mut machine = town.browser();
    let mut bring = async |kind: &str, body: &str, signature: &str| {
        let request =
            Request::post("/hooks/mail").header("content-type", kind).header("x-pejling-signature", signature);
        machine.send(request, body.to_owned()).await.status
    };
    let message = "Subject: x\r\n\r\nx";
    assert_eq!(bring("message/rfc822", message, &signed("", message)).await, StatusCode::NOT_FOUND);
    town.app.accept_mail("secret");
    assert_eq!(bring("message/rfc822", message, &signed("other", message)).await, StatusCode::FORBIDDEN);
    assert_eq!(bring("message/rfc822", message, &signed("secret", message)).await, StatusCode::ACCEPTED);
    assert_eq!(bring("message/rfc822", message, &signed("secret", message)).await, StatusCode::ACCEPTED);
    assert_eq!(bring("message/rfc822", "", &signed("secret", "")).await, StatusCode::BAD_REQUEST);
    let list = r#"[{"event":"bounce"},{"event":"delay"}]"#;
    assert_eq!(bring("application/json; charset=utf-8", list, &signed("secret", list)).await, StatusCode::ACCEPTED);
    for bad in ["[]", "7", "{"] {
        assert_eq!(bring("application/json", bad, &signed("secret", bad)).await, StatusCode::BAD_REQUEST, "{bad}");
    }
    let waiting = town.store.new_inbound(None, 10).await.expect("read");
    let mut media: Vec<&str> = waiting.iter().map(|w| w.media.as_str()).collect();
    media.sort_unstable();
    assert_eq!(media, ["message", "report", "report"]);
}
