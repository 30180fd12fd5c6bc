//! What staff do about mail on pages: protected businesses on a recorded basis, thanks and welcome by one click, and the
//! notice that mail reaches nobody.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
mod town;

use axum::http::StatusCode;
use domain::fieldwork::{MessageKind, Role};
use store::outbox::MailCount;
use town::{Browser, NOW, Town, unit};

async fn signed_in(town: &Town, role: Role) -> Browser {
    let id = &town.municipality.id;
    let address = format!("{}@hojager.example", role.as_str());
    let user = town.store.create_user(id, "Mette Holm", &address, role, NOW).await.expect("a user can be made");
    let token = town.keys.random_token();
    let lookup = town.keys.lookup(token.reveal());
    town.store.create_sign_in(id, &user.id, &lookup, NOW.plus_days(1), NOW).await.expect("a link can be kept");
    let mut browser = town.browser();
    assert_eq!(browser.post(&format!("/sign-in/{}", token.reveal()), &[]).await.status, StatusCode::OK);
    browser
}

async fn of_kind(town: &Town, kind: MessageKind) -> u64 {
    let counts = town.store.mail_counts(&town.municipality.id, &town.round.id).await.unwrap();
    counts.iter().filter(|c: &&MailCount| c.wave == kind.wave()).map(|c| c.messages).sum()
}

#[tokio::test]
async fn a_protected_business_is_invited_when_a_basis_is_recorded_and_stopped_when_it_ends() {
    let mut protected = unit(30, "Fredet Vognmand ApS", "49.41.00", 5, "fredet@example.dk");
    protected.protected = true;
    let town = Town::with(&[protected]).await;
    let at = format!("/hojager/console/rounds/{}/protected", town.round.id);
    let mut browser = signed_in(&town, Role::Administrator).await;
    browser.get(&at).await.assert_text("Intet er noteret.");
    assert_eq!(of_kind(&town, MessageKind::Invitation).await, 2);

    let empty = browser.post(&at, &[("kind", "consent"), ("unit", "1000000003"), ("words", "Ja tak")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    for fault in ["mindst 10 tegn", "Skriv, hvem der har givet", "Skriv dagen som en dato", "Bekræft"] {
        empty.assert_text(fault);
    }
    empty.assert_text("value=\"1000000003\"");
    let full = |unit: &'static str| {
        [
            ("kind", "consent"),
            ("unit", unit),
            ("words", "Samtykke pr. telefon"),
            ("given_by", "Lis Holm"),
            ("given_on", "2026-09-30"),
            ("sure", "yes"),
        ]
    };
    browser.post(&at, &full("1000000003")).await.assert_text("Virksomheden er ikke beskyttet");
    browser.post(&at, &full("1999999999")).await.assert_text("Nummeret findes ikke");
    assert_eq!(of_kind(&town, MessageKind::Invitation).await, 2, "what was refused changes nothing");

    let kept = browser.post(&at, &full("1000 000 030")).await;
    kept.assert_text("Grundlaget er noteret.");
    kept.assert_text("Fredet Vognmand ApS (1000000030)");
    kept.assert_text("Mette Holm");
    assert_eq!(of_kind(&town, MessageKind::Invitation).await, 3);
    let basis = town.store.bases(&town.municipality.id, &town.round.id).await.unwrap().remove(0);
    browser.post(&format!("{at}/{}/end", basis.id), &[]).await.assert_text("Grundlaget er ophørt.");
    let page = browser.get(&format!("/hojager/console/rounds/{}/messages", town.round.id)).await;
    page.assert_text("grundlaget for at skrive til den er ophørt");

    // An analyst reads it and records nothing.
    let mut analyst = signed_in(&town, Role::Analyst).await;
    assert!(!analyst.get(&at).await.body.contains("<form method=\"post\""));
    assert_eq!(analyst.post(&at, &full("1000000030")).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_welcome_says_to_how_many_it_goes_and_goes_once() {
    let town = Town::open().await;
    let (id, round) = (&town.municipality.id, &town.round.id);
    let mut browser = signed_in(&town, Role::Analyst).await;
    let at = format!("/hojager/console/rounds/{round}/welcome");
    browser.get(&at).await.assert_text("Der er ingen at sende til nu.");
    // The year before knew the haulier only.
    let before = [unit(3, "Vognmand Holm ApS", "49.41.00", 12, "holm@example.dk")];
    let import = town.store.begin_frame_import(id, 2025, "udtraek.csv", "2025", NOW).await.unwrap();
    town.store.stage_frame_rows(id, &import.id, &before, NOW).await.unwrap();
    town.store.finish_frame_import(id, &import.id, NOW).await.unwrap();
    browser.get(&at).await.assert_text("Send til 1 virksomhed");
    assert_eq!(of_kind(&town, MessageKind::Welcome).await, 0, "looking changes nothing");
    browser.post(&at, &[]).await.assert_text("Beskederne er sat i kø.");
    browser.post(&at, &[]).await;
    assert_eq!(of_kind(&town, MessageKind::Welcome).await, 1);
    browser.get(&at).await.assert_text("1 har fået den eller står allerede i kø.");
    // A notice is no reminder: the first one is still to come.
    browser.get(&format!("/hojager/console/rounds/{round}/reminder")).await.assert_text("value=\"1\"");
    let thanks = format!("/hojager/console/rounds/{round}/thanks");
    browser.get(&thanks).await.assert_text("Resultaterne er ikke offentliggjort endnu.");
    assert_eq!(browser.post(&thanks, &[]).await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn every_page_says_when_mail_reaches_nobody() {
    let town = Town::open().await;
    let (id, round) = (&town.municipality.id, &town.round.id);
    let mut browser = signed_in(&town, Role::Analyst).await;
    let pages = ["/hojager/console", "/hojager/console/frames", "/hojager/console/publications", "/hojager/account"];
    assert!(!browser.get(pages[0]).await.body.contains("mail-note"));
    town.app.tell_mail_trial(web::MailTrial::OnlyTo(2));
    town.store.pause_mail_for(id, round, "mail.pause_login", "535 5.7.8 bad", NOW).await.unwrap();
    for page in pages {
        let got = browser.get(page).await;
        got.assert_text("Testtilstand: Kun 2 adresser på listen får mails.");
        got.assert_text("Mailserveren afviser brugernavn eller adgangskode: 535 5.7.8 bad");
    }
    browser.get("/hojager/console?lang=sv").await.assert_text("Testläge: Bara 2 adresser");
    browser.get("/hojager/console?lang=en").await.assert_text("The mail server refuses");
    town.store.pause_all_mail(Some("mail.pause_restored"), "", NOW).await.unwrap();
    browser.get("/hojager/console?lang=da").await.assert_text("lagt tilbage fra en sikkerhedskopi");
    browser.post("/hojager/console/mail/resume", &[]).await.assert_text("Udsendelsen fortsætter.");
    assert_eq!(town.store.mail_switch().await.unwrap().paused_at, None);
    // Who has no part in it is not told.
    let mut reader = signed_in(&town, Role::Committee).await;
    assert!(!reader.get("/hojager/account").await.body.contains("mail-note"));
}
