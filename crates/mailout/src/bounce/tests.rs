//! Over real bounces where they are at hand, and over whatever bytes there may be.
use std::path::PathBuf;

use super::*;

fn samples() -> Option<(PathBuf, Vec<csv::StringRecord>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/bounces");
    let mut reader = csv::Reader::from_path(folder.join("manifest.csv")).ok().or_else(|| {
        println!("skipped: the reference bounces are not here");
        None
    })?;
    Some((folder, reader.records().map(Result::unwrap).collect()))
}

fn sorted(addresses: &str) -> Vec<String> {
    let mut all: Vec<String> = addresses.split([';', ' ']).filter(|a| !a.is_empty()).map(str::to_lowercase).collect();
    all.sort();
    all
}

#[test]
fn real_bounces_are_understood_and_no_living_address_is_called_dead() {
    let Some((folder, records)) = samples() else { return };
    let (mut firm, mut right, mut hard, mut found) = (0u32, 0u32, 0u32, 0u32);
    let mut wrong = Vec::new();
    let (mut false_hard, mut missed) = (Vec::new(), Vec::new());
    for record in &records {
        let (file, recipients, kind, hard_label, source) = (&record[0], &record[1], &record[2], &record[3], &record[7]);
        if source != "p5-sisimai t/ table" {
            continue;
        }
        let bounce = classify(&std::fs::read(folder.join(file)).unwrap());
        firm += 1;
        // A delivery report is no bounce, and one message can be about several recipients of several kinds.
        let kind_right = match kind {
            "delivered" => bounce.kind == Kind::None,
            "mixed" => bounce.kind == Kind::Permanent,
            kind => bounce.kind.as_str() == kind,
        };
        let row = bounce.row();
        if kind_right && (kind == "delivered" || sorted(&row[0]) == sorted(recipients)) {
            right += 1;
        } else {
            wrong.push(format!("{file}: {row:?}, expected {recipients} {kind} {}", &record[4]));
        }
        let labels: Vec<(String, bool)> =
            recipients.split(';').zip(hard_label.split(';')).map(|(a, h)| (a.to_lowercase(), h == "1")).collect();
        hard += labels.iter().filter(|(_, h)| *h).count() as u32;
        for (address, _) in labels
            .iter()
            .filter(|(a, h)| *h && !bounce.recipients.iter().any(|r| r.hard && r.address.eq_ignore_ascii_case(a)))
        {
            missed.push(format!("{file}: {address} {row:?}"));
        }
        for returned in bounce.recipients.iter().filter(|r| r.hard) {
            if labels.contains(&(returned.address.to_lowercase(), true)) {
                found += 1;
            } else {
                false_hard.push(format!("{file}: {row:?}, expected {} {}", &record[4], &record[6]));
            }
        }
    }
    println!(
        "{right} of {firm} right, {found} of {hard} dead addresses found\n{}\nfalse hard:\n{}\nmissed:\n{}",
        wrong.join("\n"),
        false_hard.join("\n"),
        missed.join("\n")
    );
    assert!(false_hard.is_empty(), "called dead: {false_hard:#?}");
    assert!(f64::from(right) >= 0.95 * f64::from(firm), "{right} of {firm}: {wrong:#?}");
}

#[test]
fn a_bounce_names_its_message_by_the_return_path() {
    let keys = crate::message::tests::keys();
    let mail = MailId("019a5c6e-0000-7000-8000-000000000001".into());
    let path = return_path("bounce@mail.hojager.example", &mail, &keys);
    let notice = format!(
        "From: MAILER-DAEMON@relay.example\r\nTo: {path}\r\nSubject: Undelivered Mail Returned to Sender\r\nContent-Type: multipart/report; \
         report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\n<info@firma.example>: 550 5.1.1 User unknown\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; info@firma.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n--b--\r\n"
    );
    let bounce = classify(notice.as_bytes());
    assert_eq!(bounce.mail(&keys), Some(mail));
    assert_eq!(bounce.row(), ["info@firma.example", "permanent", "1", "5.1.1", "user-unknown"]);
    // Upper case on the way and what servers put around it change nothing; another MAC does.
    assert!(classify(notice.replace(&path, &path.to_uppercase()).as_bytes()).mail(&keys).is_some());
    let batv = path.replace("bounce+", "prvs=1234abcd=bounce+");
    assert!(classify(notice.replace(&path, &batv).as_bytes()).mail(&keys).is_some());
    let mac = keys.verp("019a5c6e-0000-7000-8000-000000000001");
    let forged = path.replace(&mac, &mac.chars().rev().collect::<String>());
    assert!(classify(notice.replace(&path, &forged).as_bytes()).mail(&keys).is_none());
    // It names its message too where the mail server delivers it to another mailbox and only the copy shows the path.
    let elsewhere = notice.replace(&format!("To: {path}"), "To: maaling@hojager.example")
        .replace("\r\n--b--", &format!("\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nReturn-Path: <{path}>\r\nMessage-ID: <1@x.example>\r\nFrom: maaling@hojager.example\r\n\r\n--b--"));
    let bounce = classify(elsewhere.as_bytes());
    assert!(bounce.mail(&keys).is_some());
    assert_eq!(bounce.message_ids, ["1@x.example"]);
}

#[test]
fn return_paths_are_short_enough_and_come_from_a_template() {
    let keys = crate::message::tests::keys();
    let mail = MailId("019a5c6e-0000-7000-8000-000000000001".into());
    for template in [
        "bounce@mail.hojager.example",
        "bounce+{id}@mail.hojager.example",
        "{id}@retur.hojager.example",
        "r-{id}-x@a.dk",
    ] {
        assert!(is_return_path(template), "{template}");
        let path = return_path(template, &mail, &keys);
        assert!(path.split('@').next().unwrap().len() <= 64, "{path}");
        assert_eq!(mail_of_return_path(&path, &keys), Some(mail.clone()), "{path}");
    }
    for template in
        ["bounce", "{id}{id}@a.dk", "@a.dk", "an-address-too-long-for-a-mark@a.dk", "a b{id}@a.dk", "{id}@localhost"]
    {
        assert!(!is_return_path(template), "{template}");
    }
}

#[test]
fn several_recipients_make_one_row_and_the_worst_decides() {
    let notice = "From: MAILER-DAEMON@relay.example\r\nTo: a@b.example\r\nSubject: failure\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
        Reporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: rfc822; full@firma.example\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n\
        Final-Recipient: rfc822; gone@firma.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\nFinal-Recipient: rfc822; late@firma.example\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\n--b--\r\n";
    let bounce = classify(notice.as_bytes());
    assert_eq!(
        bounce.row(),
        ["full@firma.example gone@firma.example late@firma.example", "permanent", "1", "5.1.1", "user-unknown"]
    );
    assert_eq!(
        bounce.recipients.iter().map(|r| r.kind).collect::<Vec<_>>(),
        [Kind::Permanent, Kind::Permanent, Kind::Temporary]
    );
}

#[test]
fn an_answer_from_somebody_who_is_away_and_an_ordinary_mail_are_no_bounces() {
    let away = "From: Anna <anna@firma.example>\r\nTo: undersoegelse@hojager.example\r\nSubject: Autosvar: Er mailen \r\n\r\nJeg er på ferie.\r\n";
    assert_eq!(classify(away.as_bytes()).row(), ["", "auto-reply", "0", "", "away"]);
    let question = "From: Anna <anna@firma.example>\r\nTo: undersoegelse@hojager.example\r\nSubject: Hvem er I?\r\n\r\nSkriv til chef@firma.example i stedet.\r\n";
    assert_eq!(classify(question.as_bytes()).kind, Kind::None);
}

#[test]
fn refusal_by_policy_and_a_full_mailbox_are_not_the_end_of_an_address() {
    for (words, status, reason) in [
        ("554 5.7.1 Message rejected due to DMARC policy", "5.7.1", "policy"),
        ("552 5.2.2 Mailbox full", "5.2.2", "mailbox-full"),
        ("550 5.7.1 User unknown", "5.7.1", "policy"),
    ] {
        let notice = format!(
            "From: MAILER-DAEMON@relay.example\r\nTo: a@b.example\r\nSubject: failure notice\r\n\r\n<info@firma.example>:\r\n{words}\r\n"
        );
        assert_eq!(classify(notice.as_bytes()).row(), ["info@firma.example", "permanent", "0", status, reason]);
    }
}

#[test]
fn notices_in_the_languages_around_us_are_understood() {
    let dsn = |subject: &str, text: &str, status: &str, code: &str| {
        format!(
            "From: postmaster@firma.example\r\nTo: a@b.example\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
             Reporting-MTA: dns;mail.firma.example\r\n\r\nFinal-Recipient: rfc822;info@firma.example\r\nAction: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp;{code}\r\n\r\n--b--\r\n"
        )
    };
    let words = |subject: &str, text: &str| {
        format!(
            "From: Mail Delivery System <mailer-daemon@relay.example>\r\nTo: a@b.example\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
        )
    };
    let one = |kind, hard, status, reason| ["info@firma.example", kind, hard, status, reason];
    for (message, expected) in [
        (
            dsn(
                "Kan ikke leveres: Invitation",
                "Meddelelsen kunne ikke leveres. Adressen blev ikke fundet.",
                "5.1.10",
                "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
            ),
            one("permanent", "1", "5.1.10", "user-unknown"),
        ),
        (
            dsn("Det går inte att leverera: Inbjudan", "Postlådan är full.", "5.2.2", "554 5.2.2 mailbox full"),
            one("permanent", "0", "5.2.2", "mailbox-full"),
        ),
        (
            dsn("Unzustellbar: Einladung", "Zugriff verweigert", "5.7.1", "550 5.7.1 Access denied"),
            one("permanent", "0", "5.7.1", "policy"),
        ),
        (
            words("Leveringsfejl", "<info@firma.example>: Modtageren findes ikke"),
            one("permanent", "0", "", "user-unknown"),
        ),
        (words("Leveringsfejl", "<info@firma.example>: Postkassen er fuld"), one("permanent", "0", "", "mailbox-full")),
        (
            words("Échec de la remise", "<info@firma.example>: 550 5.1.1 Destinataire inconnu"),
            one("permanent", "1", "5.1.1", "user-unknown"),
        ),
        (
            words("Levering forsinket", "<info@firma.example>: Levering er forsinket, vi prøver igen"),
            one("temporary", "0", "", "unknown"),
        ),
    ] {
        assert_eq!(classify(message.as_bytes()).row(), expected, "{message}");
    }
    for subject in [
        "Ikke til stede",
        "Automatische Antwort: Einladung",
        "Jeg er på ferie",
        "Feriebesked",
        "Réponse automatique : Invitation",
        "Automatiskt svar: Inbjudan",
    ] {
        let away = format!(
            "From: Anna <anna@firma.example>\r\nTo: a@b.example\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nTilbage på mandag.\r\n"
        );
        assert_eq!(classify(away.as_bytes()).row(), ["", "auto-reply", "0", "", "away"], "{subject}");
    }
}

#[test]
fn a_delivery_report_with_addresses_in_letters_beyond_ascii_is_read() {
    let notice = "From: MAILER-DAEMON@relay.example\r\nTo: a@b.example\r\nSubject: Undelivered\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/global-delivery-status\r\n\r\n\
        Reporting-MTA: dns; relay.example\r\n\r\nOriginal-Recipient: rfc822;info@firma.example\r\nFinal-Recipient: utf-8;info@firma.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n";
    assert_eq!(classify(notice.as_bytes()).row(), ["info@firma.example", "permanent", "1", "5.1.1", "user-unknown"]);
}

#[test]
fn what_is_read_of_a_message_has_an_end() {
    let head = "From: MAILER-DAEMON@relay.example\r\nTo: a@b.example\r\nSubject: failure notice\r\n";
    let addresses: String = (0..60_000).map(|i| format!("<user{i}@firma.example>: 550 5.1.1 no\r\n")).collect();
    let told = classify(format!("{head}\r\n{addresses}").as_bytes());
    assert!((1..=100).contains(&told.recipients.len()));
    let reports: String = (0..20_000)
        .map(|i| format!("Final-Recipient: rfc822;u{i}@firma.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"))
        .collect();
    let reported = classify(format!("{head}Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns;x\r\n\r\n{reports}--b--\r\n").as_bytes());
    assert!((1..=100).contains(&reported.recipients.len()));
    let deep: String =
        (0..2000).map(|i| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n")).collect();
    let _ = classify(format!("{head}{deep}").as_bytes());
    let _ = classify(format!("{head}\r\n{}", "<".repeat(500_000)).as_bytes());
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(0u8..=255, 0..2000)) {
        let _ = classify(&bytes).row();
    }

    #[test]
    fn no_text_that_looks_like_a_bounce_makes_it_panic(text in "(Final-Recipient|Status|To|Content-Type|multipart/report|rfc822;|message/|boundary=b|--b|a@b\\.c|<|>|:|;| |\"|5\\.1\\.1|550|\r\n|\n|\\{|é|\\PC){0,80}") {
        let _ = classify(text.as_bytes()).row();
        let _ = classify(format!("From: mailer-daemon@x\r\nSubject: failure\r\n\r\n{text}").as_bytes()).row();
    }
}

#[test]
fn no_damage_to_a_real_bounce_makes_it_panic() {
    let Some((folder, records)) = samples() else { return };
    for (i, record) in records.iter().enumerate() {
        let bytes = std::fs::read(folder.join(&record[0])).unwrap();
        // Cut, a line gone, a byte changed, doubled: places differ from file to file but not from run to run.
        for step in 1..2 {
            let at = (i * 7919 + step * 104_729) % bytes.len().max(1);
            let _ = classify(&bytes[..at]).row();
            let _ = classify(&bytes[at..]).row();
            let mut changed = bytes.clone();
            changed[at] = changed[at].wrapping_add(97);
            let _ = classify(&changed).row();
            changed.splice(at..at, bytes[..at.min(400)].iter().copied());
            let _ = classify(&changed).row();
        }
    }
}
