//! What comes back: an invitation goes out over real SMTP, its bounce comes in over HTTP and through a Maildir, and the round
//! knows. Once on each engine.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
use std::time::Duration;

use data_encoding::HEXLOWER;
use domain::ids::{MunicipalityId, RoundId};
use domain::language::Country;
use domain::municipality::Settings;
use domain::questionnaire::shipped;
use e2e::extract;
use e2e::house::{Engine, House};
use e2e::mail::{self, MailServer};
use hmac::{Hmac, KeyInit, Mac};
use mailout::inbound::Places;
use pejling::inbox::Post;
use sha2::Sha256;
use store::inbound::Shelf;
use store::rounds::RoundPlan;

const SECRET: &str = "a secret between two machines";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bounces_come_home_on_sqlite() {
    bounces_come_home(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bounces_come_home_on_postgres() {
    bounces_come_home(Engine::Postgres).await;
}

async fn bounces_come_home(engine: Engine) {
    let Some(server) = MailServer::start().await else { return };
    let maildir = tempfile::tempdir().expect("a folder");
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir(maildir.path().join(part)).expect("a Maildir");
    }
    let post = Post {
        return_path: Some("bounce+{id}@retur.hojager.example".to_owned()),
        places: Places { folder: Some(maildir.path().to_owned()), ..Places::default() },
        webhook_secret: Some(SECRET.to_owned()),
        pause: Duration::from_millis(100),
        ..Post::default()
    };
    let Some(house) = House::open_with(engine, Some(&server), post).await else { return };
    let (municipality, round) = open_round(&house).await;
    let sent = server.arrived(extract::INVITED).await;

    // One comes back by each way; a third server answers by JSON, a fourth recipient complains.
    let [by_folder, by_http, by_json, complains, ..] = sent.as_slice() else { panic!("enough invitations") };
    let ready = maildir.path().join("tmp/1.relay");
    std::fs::write(&ready, bounce(by_folder)).expect("a message is delivered");
    std::fs::rename(&ready, maildir.path().join("new/1.relay")).expect("a message is delivered");
    let http = e2e::visitor::browser().build().unwrap();
    let hook = async |kind: &str, body: String, signature: Option<String>| {
        let signature = signature.unwrap_or_else(|| sign(&body));
        let request = http.post(format!("{}/hooks/mail", house.url)).header("content-type", kind);
        request
            .header("x-pejling-signature", signature)
            .body(body)
            .send()
            .await
            .expect("the server answers")
            .status()
            .as_u16()
    };
    assert_eq!(hook("message/rfc822", bounce(by_http), Some("00".repeat(32))).await, 403);
    // Brought twice, as by a service that missed the first answer.
    for _ in 0..2 {
        assert_eq!(hook("message/rfc822", bounce(by_http), None).await, 202);
    }
    let reports = serde_json::json!([
        {"event": "bounce", "recipient": to(by_json), "status": "5.1.1", "diagnostic": "550 5.1.1 User unknown", "return_path": return_path(by_json)},
        {"event": "complaint", "message_id": message_id(complains)},
    ]);
    assert_eq!(hook("application/json", reports.to_string(), None).await, 202);
    assert_eq!(hook("application/json", "{".to_owned(), None).await, 400);

    let store = &house.parts.store;
    let mut beat = tokio::time::interval(Duration::from_millis(100));
    let filed = async {
        loop {
            beat.tick().await;
            let counts = store.inbound_counts(&municipality, Some(&round)).await.expect("counts can be read");
            if counts == [(Shelf::Bounce, 3), (Shelf::Complaint, 1)] {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), filed).await.expect("everything is filed within a minute");
    let total = store.monitor(&municipality, &round).await.expect("the round can be read").total;
    assert_eq!((total.failed, total.opted_out), (3, 1));
    assert_eq!(std::fs::read_dir(maildir.path().join("cur")).expect("a Maildir").count(), 1, "moved, not deleted");

    // The reminder goes to all others and to none of these.
    let now = house.parts.clock.now();
    let queued =
        store.queue_reminder(&municipality, &round, 1, "hojager.example", now).await.expect("a reminder is queued");
    assert_eq!(queued, extract::INVITED as u64 - 4);
    let all = server.arrived(2 * extract::INVITED - 4).await;
    for quiet in [by_folder, by_http, by_json, complains] {
        assert_eq!(all.iter().filter(|message| to(message) == to(quiet)).count(), 1, "{}", to(quiet));
    }
    house.close().await;
}

async fn open_round(house: &House) -> (MunicipalityId, RoundId) {
    let (store, now) = (&house.parts.store, house.parts.clock.now());
    let settings = Settings {
        sender_email: "maaling@hojager.example".to_owned(),
        contact_email: "erhverv@hojager.example".to_owned(),
        ..Settings::default()
    };
    let municipality = store
        .create_municipality("hojager", "Højager Kommune", Country::Dk, &settings, now)
        .await
        .expect("it is made")
        .id;
    let units: Vec<_> = extract::businesses().into_iter().enumerate().map(|(n, business)| unit(n, business)).collect();
    let import = store.begin_frame_import(&municipality, 2026, "cvr.csv", "hash", now).await.expect("an import").id;
    store.stage_frame_rows(&municipality, &import, &units, now).await.expect("rows");
    store.finish_frame_import(&municipality, &import, now).await.expect("a frame");
    let questionnaire = store.save_questionnaire(&municipality, &shipped(), now).await.expect("a questionnaire");
    let plan = RoundPlan {
        title: "2026-målingen".to_owned(),
        opens_on: None,
        closes_on: Some("2099-12-01".to_owned()),
        questionnaire: Some(questionnaire),
        threshold: 5,
    };
    let round = store.create_round(&municipality, 2026, &plan, now).await.expect("a round").id;
    let opened = store.freeze_and_open(&municipality, &round, &house.parts.keys, "hojager.example", now).await;
    assert!(opened.expect("the round opens").finished);
    (municipality, round)
}

fn unit(number: usize, business: extract::Business) -> domain::frame::FrameUnit {
    domain::frame::FrameUnit {
        unit_key: format!("dk:p:{:010}", 1_000_000_000 + number),
        country: Country::Dk,
        company_number: None,
        name: business.name.to_owned(),
        street: "Havnevej 1".to_owned(),
        postcode: "4690".to_owned(),
        city: "Højager".to_owned(),
        industry_code: "47.11.10".to_owned(),
        classification: domain::industry::Classification::Db25,
        employees_low: 5,
        employees_high: Some(5),
        company_employees_low: None,
        company_employees_high: None,
        sector: "trade".to_owned(),
        size: "2-9".to_owned(),
        area: None,
        started_on: None,
        email: business.email,
        phone: None,
        protected: false,
    }
}

fn header<'m>(message: &'m str, name: &str) -> &'m str {
    let line = message.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("the message has no {name}"))[name.len() + 1..].trim()
}

fn to(message: &str) -> String {
    mail::recipient(message).expect("a recipient")
}

fn message_id(message: &str) -> String {
    header(message, "message-id").trim_matches(['<', '>']).to_owned()
}

/// The sender of the envelope, as the receiving server noted it.
fn return_path(message: &str) -> String {
    header(message, "x-mailfrom").trim_matches(['<', '>']).to_owned()
}

/// What a relay sends to the return path when the recipient does not exist.
fn bounce(message: &str) -> String {
    let (to, from) = (to(message), return_path(message));
    assert!(from.starts_with("bounce+") && from.ends_with("@retur.hojager.example"), "{from}");
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@relay.example (Mail Delivery System)\r\nTo: {from}\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-Id: <{}@relay.example>\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n<{to}>: host mx.example said: 550 5.1.1 <{to}>: Recipient address rejected: User unknown (in reply to RCPT TO command)\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{to}>: Recipient address rejected: User unknown\r\n--b--\r\n",
        to.replace('@', ".")
    )
}

fn sign(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body.as_bytes());
    format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}
