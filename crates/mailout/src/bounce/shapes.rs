//! Notices in the shapes that servers give them, written for these tests: who is meant, what happened, and whether the
//! address itself is dead. What is doubtful must not be hard.
use super::*;

/// A report by RFC 3464 with a notice before it: sender, subject, notice (type and encoding first), the report's recipient.
fn report(from: &str, subject: &str, notice: &str, fields: &str) -> String {
    format!(
        "Return-Path: <>\r\nFrom: {from}\r\nTo: retur@hojager.example\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"=_b\"\r\n\r\nThis is a MIME message.\r\n\r\n\
         --=_b\r\n{notice}\r\n--=_b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns;mail.example\r\n\r\n{fields}\r\n\
         --=_b\r\nContent-Type: message/rfc822\r\n\r\nReceived: from a by b\r\nMessage-ID: <m1@hojager.example>\r\nFrom: maaling@hojager.example\r\n\
         To: info@firma.example\r\nSubject: Svar senest 1. oktober\r\n\r\nTil Firma\r\n\r\n--=_b--\r\n"
    )
}

/// A notice in words alone.
fn plain(from: &str, subject: &str, text: &str) -> String {
    format!(
        "Return-Path: <>\r\nFrom: {from}\r\nTo: retur@hojager.example\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
    )
}

const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
const WHO: &str = "info@firma.example";

/// One recipient, its kind, whether it is dead, the status.
#[track_caller]
fn says(name: &str, message: &str, kind: &str, hard: &str, status: &str, reason: &str) {
    let row = classify(message.as_bytes()).row();
    assert_eq!(row, [WHO, kind, hard, status, reason], "{name}\n{message}");
}

fn fields(status: &str, diagnostic: &str) -> String {
    format!(
        "Final-Recipient: rfc822;{WHO}\r\nAction: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp;{diagnostic}\r\n"
    )
}

#[test]
fn exchange_online() {
    let from = "\"Microsoft Outlook\" <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@firma.example>";
    let html = |text: &str| {
        format!(
            "Content-Type: text/html; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<html><body><p><b>{text}</b></p><p>{WHO}</p></body></html>\r\n"
        )
    };
    for (subject, text) in [
        (
            "Kan ikke leveres: Svar senest 1. oktober",
            "Din besked til info@firma.example kunne ikke leveres. info blev ikke fundet på firma.example.",
        ),
        (
            "Det går inte att leverera: Svara senast 1 oktober",
            "Ditt meddelande till info@firma.example kunde inte levereras. info hittades inte på firma.example.",
        ),
        (
            "Unzustellbar: Antwort bis 1. Oktober",
            "Ihre Nachricht an info@firma.example konnte nicht zugestellt werden. info wurde bei firma.example nicht gefunden.",
        ),
        (
            "Undeliverable: Answer by 1 October",
            "Your message to info@firma.example couldn't be delivered. info wasn't found at firma.example.",
        ),
    ] {
        let found = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup";
        says(
            subject,
            &report(from, subject, &html(text), &fields("5.1.10", found)),
            "permanent",
            "1",
            "5.1.10",
            "user-unknown",
        );
    }
    let subject = "Undeliverable: Answer by 1 October";
    let edge =
        "550 5.4.1 Recipient address rejected: Access denied. [AM7EUR03FT012.eop-EUR03.prod.protection.outlook.com]";
    says(
        "edge",
        &report(from, subject, &html("rejected"), &fields("5.4.1", edge)),
        "permanent",
        "0",
        "5.4.1",
        "policy",
    );
    let full = "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException; Failed to process message";
    says(
        "full",
        &report(from, subject, &html("The mailbox is full"), &fields("5.2.2", full)),
        "permanent",
        "0",
        "5.2.2",
        "mailbox-full",
    );
    let restricted = "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required";
    says(
        "group",
        &report(from, subject, &html("members only"), &fields("5.7.133", restricted)),
        "permanent",
        "0",
        "5.7.133",
        "policy",
    );
    let spam = "550 5.7.520 Access denied, Your organization does not allow external forwarding. AS(7555)";
    says(
        "forwarding",
        &report(from, subject, &html("blocked"), &fields("5.7.520", spam)),
        "permanent",
        "0",
        "5.7.520",
        "policy",
    );
    let bulk =
        "550 5.7.515 Access denied, sending domain HOJAGER.EXAMPLE does not meet the required authentication level";
    says(
        "515",
        &report(from, subject, &html("blocked"), &fields("5.7.515", bulk)),
        "permanent",
        "0",
        "5.7.515",
        "policy",
    );
    let expired = "550 5.4.300 Message expired -> 451 4.4.0 connection timed out";
    says(
        "expired",
        &report(from, subject, &html("expired"), &fields("5.4.300", expired)),
        "permanent",
        "0",
        "5.4.300",
        "expired",
    );
}

#[test]
fn google() {
    let from = "Mail Delivery Subsystem <mailer-daemon@googlemail.com>";
    let gone = "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n 550-5.1.1 double-checking the recipient's email address for typos or\r\n 550-5.1.1 unnecessary spaces. For more information, go to\r\n 550 5.1.1  https://support.example/?p=NoSuchUser h4si - gsmtp";
    let notice = format!(
        "{TEXT}** Address not found **\r\n\r\nYour message wasn't delivered to {WHO} because the address couldn't be found.\r\n"
    );
    let subject = "Delivery Status Notification (Failure)";
    says("unknown", &report(from, subject, &notice, &fields("5.1.1", gone)), "permanent", "1", "5.1.1", "user-unknown");
    let full = "452-4.2.2 The recipient's inbox is out of storage space. Please direct the\r\n 452 4.2.2 recipient to https://support.example - gsmtp";
    let late = format!(
        "Final-Recipient: rfc822; {WHO}\r\nAction: delayed\r\nStatus: 4.2.2\r\nDiagnostic-Code: smtp; {full}\r\nWill-Retry-Until: Thu, 1 Oct 2026 10:00:00 +0200\r\n"
    );
    let notice = format!(
        "{TEXT}** Delivery incomplete **\r\n\r\nThere was a temporary problem delivering your message to {WHO}.\r\n"
    );
    says(
        "delay",
        &report(from, "Delivery Status Notification (Delay)", &notice, &late),
        "temporary",
        "0",
        "4.2.2",
        "mailbox-full",
    );
    let unauthenticated = "550-5.7.26 This mail has been blocked because the sender is unauthenticated.\r\n 550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.";
    says(
        "policy",
        &report(from, subject, &notice, &fields("5.7.26", unauthenticated)),
        "permanent",
        "0",
        "5.7.26",
        "policy",
    );
    let disabled = "550-5.2.1 The email account that you tried to reach is disabled. For more\r\n 550 5.2.1 information, go to https://support.example - gsmtp";
    says(
        "disabled",
        &report(from, subject, &notice, &fields("5.2.1", disabled)),
        "permanent",
        "0",
        "5.2.1",
        "suspended",
    );
}

#[test]
fn postfix_exim_qmail_sendmail() {
    let daemon = "MAILER-DAEMON@relay.example (Mail Delivery System)";
    let words = format!(
        "{TEXT}<{WHO}>: host mx.firma.example[192.0.2.1] said: 550 5.1.1 <{WHO}>:\r\n    Recipient address rejected: User unknown in virtual mailbox table (in reply\r\n    to RCPT TO command)\r\n"
    );
    let code = format!("550 5.1.1 <{WHO}>: Recipient address rejected: User unknown in virtual mailbox table");
    says(
        "postfix",
        &report(daemon, "Undelivered Mail Returned to Sender", &words, &fields("5.1.1", &code)),
        "permanent",
        "1",
        "5.1.1",
        "user-unknown",
    );
    let host = format!(
        "Final-Recipient: rfc822; {WHO}\r\nOriginal-Recipient: rfc822;{WHO}\r\nAction: failed\r\nStatus: 5.4.4\r\nDiagnostic-Code: X-Postfix; Host or domain name not found. Name service error for name=firma.example type=AAAA: Host not found\r\n"
    );
    let words = format!(
        "{TEXT}<{WHO}>: Host or domain name not found. Name service error for\r\n    name=firma.example type=AAAA: Host not found\r\n"
    );
    says(
        "postfix, no host",
        &report(daemon, "Undelivered Mail Returned to Sender", &words, &host),
        "permanent",
        "1",
        "5.4.4",
        "host-unknown",
    );
    let gray = format!(
        "Final-Recipient: rfc822; {WHO}\r\nAction: delayed\r\nStatus: 4.7.1\r\nDiagnostic-Code: smtp; 450 4.7.1 <{WHO}>: Recipient address rejected: Greylisted\r\n"
    );
    says(
        "postfix, delayed",
        &report(daemon, "Delayed Mail (still being retried)", &words, &gray),
        "temporary",
        "0",
        "4.7.1",
        "policy",
    );

    let exim = format!(
        "This message was created automatically by mail delivery software.\r\n\r\nA message that you sent could not be delivered to one or more of its\r\nrecipients. This is a permanent error. The following address(es) failed:\r\n\r\n  {WHO}\r\n    host mx.firma.example [192.0.2.1]\r\n    SMTP error from remote mail server after RCPT TO:<{WHO}>:\r\n    550 5.1.1 No such user here\r\n\r\n------ This is a copy of the message, including all the headers. ------\r\n\r\nReceived: from a by b\r\nMessage-ID: <m1@hojager.example>\r\nFrom: maaling@hojager.example\r\nTo: {WHO}\r\nSubject: Svar\r\n\r\nTekst\r\n"
    );
    says(
        "exim",
        &plain(
            "Mail Delivery System <Mailer-Daemon@relay.example>",
            "Mail delivery failed: returning message to sender",
            &exim,
        ),
        "permanent",
        "1",
        "5.1.1",
        "user-unknown",
    );
    let after_data = exim.replace(
        "after RCPT TO:<info@firma.example>:\r\n    550 5.1.1 No such user here",
        "after end of data:\r\n    550 No such user here",
    );
    says(
        "exim, after the message",
        &plain(
            "Mail Delivery System <Mailer-Daemon@relay.example>",
            "Mail delivery failed: returning message to sender",
            &after_data,
        ),
        "permanent",
        "0",
        "",
        "user-unknown",
    );
    let warning = format!(
        "This message was created automatically by mail delivery software.\r\nA message that you sent has not yet been delivered to one or more of its\r\nrecipients after more than 24 hours on the queue on relay.example.\r\n\r\nThe address to which the message has not yet been delivered is:\r\n\r\n  {WHO}\r\n    Delay reason: SMTP error from remote mail server after RCPT TO:<{WHO}>:\r\n    451 4.7.1 Greylisting in action, please come back later\r\n\r\nNo action is required on your part. Delivery attempts will continue for\r\nsome time.\r\n"
    );
    says(
        "exim, warning",
        &plain(
            "Mail Delivery System <Mailer-Daemon@relay.example>",
            "Warning: message 1rXyZ delayed 24 hours",
            &warning,
        ),
        "temporary",
        "0",
        "4.7.1",
        "policy",
    );

    let qmail = format!(
        "Hi. This is the qmail-send program at relay.example.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n<{WHO}>:\r\n192.0.2.1 does not like recipient.\r\nRemote host said: 550 5.1.1 <{WHO}>: Recipient unknown\r\nGiving up on 192.0.2.1.\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <retur@hojager.example>\r\nReceived: (qmail 1 invoked); 1 Oct 2026\r\nMessage-ID: <m1@hojager.example>\r\nFrom: maaling@hojager.example\r\nTo: {WHO}\r\n\r\nTekst\r\n"
    );
    says(
        "qmail",
        &plain("MAILER-DAEMON@relay.example", "failure notice", &qmail),
        "permanent",
        "1",
        "5.1.1",
        "user-unknown",
    );
    let local = qmail.replace("192.0.2.1 does not like recipient.\r\nRemote host said: 550 5.1.1 <info@firma.example>: Recipient unknown\r\nGiving up on 192.0.2.1.", "Sorry, no mailbox here by that name. (#5.1.1)");
    says(
        "qmail, its own",
        &plain("MAILER-DAEMON@relay.example", "failure notice", &local),
        "permanent",
        "1",
        "5.1.1",
        "user-unknown",
    );

    let sendmail = format!(
        "Content-Type: text/plain; charset=us-ascii\r\n\r\nThe original message was received at Thu, 1 Oct 2026\r\nfrom localhost [127.0.0.1]\r\n\r\n   ----- The following addresses had permanent fatal errors -----\r\n<{WHO}>\r\n    (reason: 550 5.1.1 <{WHO}>... User unknown)\r\n\r\n   ----- Transcript of session follows -----\r\n... while talking to mx.firma.example.:\r\n>>> DATA\r\n<<< 550 5.1.1 <{WHO}>... User unknown\r\n550 5.1.1 <{WHO}>... User unknown\r\n"
    );
    let code = format!(
        "Final-Recipient: RFC822; {WHO}\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: DNS; mx.firma.example\r\nDiagnostic-Code: SMTP; 550 5.1.1 <{WHO}>... User unknown\r\n"
    );
    says(
        "sendmail",
        &report(
            "Mail Delivery Subsystem <MAILER-DAEMON@relay.example>",
            "Returned mail: see transcript for details",
            &sendmail,
            &code,
        ),
        "permanent",
        "1",
        "5.1.1",
        "user-unknown",
    );
}

#[test]
fn domino_proofpoint_mimecast_barracuda_amazon() {
    let domino = format!(
        "{TEXT}Your message\r\n\r\n  Subject: Svar senest 1. oktober\r\n\r\nwas not delivered to:\r\n\r\n  {WHO}\r\n\r\nbecause:\r\n\r\n  User info (info@firma.example) not listed in Domino Directory\r\n"
    );
    says(
        "domino",
        &report(
            "Postmaster@firma.example",
            "DELIVERY FAILURE: User info (info@firma.example) not listed in Domino Directory",
            &domino,
            &fields("5.1.1", "550 5.1.1 User unknown"),
        ),
        "permanent",
        "1",
        "5.1.1",
        "user-unknown",
    );
    let proofpoint = "550 5.1.1 User Unknown";
    says(
        "proofpoint",
        &report(
            "MAILER-DAEMON@mx0a.pphosted.example",
            "Undeliverable: Svar",
            &format!("{TEXT}The original message was received\r\n"),
            &fields("5.1.1", proofpoint),
        ),
        "permanent",
        "1",
        "5.1.1",
        "user-unknown",
    );
    let blocked = "554 5.7.0 Blocked - see https://ipcheck.example/?ip=192.0.2.9";
    says(
        "proofpoint, blocked",
        &report(
            "MAILER-DAEMON@mx0a.pphosted.example",
            "Undeliverable: Svar",
            &format!("{TEXT}blocked\r\n"),
            &fields("5.7.0", blocked),
        ),
        "permanent",
        "0",
        "5.7.0",
        "policy",
    );
    let mimecast = "550 Invalid Recipient - https://community.mimecast.example/docs/DOC-1369#550 [xyz.uk123]";
    says(
        "mimecast",
        &report(
            "postmaster@hojager.example",
            "[Postmaster] Email Delivery Failure",
            &format!(
                "{TEXT}This is a delivery failure notification message indicating that an email you addressed to email address : -- {WHO} could not be delivered. The problem appears to be : -- Recipient email server rejected the message\r\n"
            ),
            &fields("5.0.0", mimecast),
        ),
        "permanent",
        "0",
        "5.0.0",
        "user-unknown",
    );
    let policy = "550 Rejected by header based manually Blocked Senders: retur@hojager.example - https://community.mimecast.example/docs/DOC-1369#550";
    says(
        "mimecast, policy",
        &report(
            "postmaster@hojager.example",
            "[Postmaster] Email Delivery Failure",
            &format!("{TEXT}rejected\r\n"),
            &fields("5.0.0", policy),
        ),
        "permanent",
        "0",
        "5.0.0",
        "policy",
    );
    let barracuda = format!("550 permanent failure for one or more recipients ({WHO}:blocked)");
    says(
        "barracuda",
        &report(
            "MAILER-DAEMON@relay.example (Mail Delivery System)",
            "Undelivered Mail Returned to Sender",
            &format!(
                "{TEXT}<{WHO}>: host d1.ess.barracudanetworks.example said: {barracuda} (in reply to end of DATA command)\r\n"
            ),
            &fields("5.0.0", &barracuda),
        ),
        "permanent",
        "0",
        "5.0.0",
        "policy",
    );
    let amazon =
        format!("{TEXT}An error occurred while trying to deliver the mail to the following recipients:\r\n{WHO}\r\n");
    says(
        "amazon",
        &report(
            "MAILER-DAEMON@eu-north-1.amazonses.example",
            "Delivery Status Notification (Failure)",
            &amazon,
            &fields("5.1.1", " 550 5.1.1 user unknown"),
        ),
        "permanent",
        "1",
        "5.1.1",
        "user-unknown",
    );
    let list = "550 5.1.1 Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address. For more information about how to remove an address from the suppression list, see the documentation";
    let row = classify(
        report(
            "MAILER-DAEMON@amazonses.example",
            "Delivery Status Notification (Failure)",
            &amazon,
            &fields("5.1.1", list),
        )
        .as_bytes(),
    )
    .row();
    assert_eq!((row[0].as_str(), row[1].as_str(), row[3].as_str()), (WHO, "permanent", "5.1.1"));
}

#[test]
fn words_of_the_countries_around_us_without_a_report() {
    for (subject, text, hard) in [
        (
            "Mail kunne ikke leveres",
            "Din mail til info@firma.example kunne ikke leveres.\r\nÅrsag: 550 5.1.1 Brugeren findes ikke",
            "1",
        ),
        (
            "Leveringsfejl",
            "Meddelelsen til <info@firma.example> blev ikke leveret: postkassen er fuld (552 5.2.2)",
            "0",
        ),
        (
            "Meddelandet kunde inte levereras",
            "Ditt meddelande till info@firma.example kunde inte levereras.\r\nOrsak: 550 5.1.1 Okänd användare",
            "1",
        ),
        ("Kunde inte leverera", "<info@firma.example>: 554 5.7.1 Avvisat av spamfilter", "0"),
        ("Zustellung fehlgeschlagen", "<info@firma.example>: 550 5.1.1 Benutzer unbekannt", "1"),
        ("Undelivered mail", "<info@firma.example>: 550 5.1.1 no such user", "1"),
    ] {
        let bounce = classify(plain("Mail Delivery System <MAILER-DAEMON@mail.example>", subject, text).as_bytes());
        let row = bounce.row();
        assert_eq!((row[0].as_str(), row[1].as_str(), row[2].as_str()), (WHO, "permanent", hard), "{subject}: {row:?}");
    }
}

#[test]
fn several_recipients_each_have_their_own_end() {
    let fields = "Final-Recipient: rfc822;gone@firma.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp;550 5.1.1 User unknown\r\n\r\n\
        Final-Recipient: rfc822;full@firma.example\r\nAction: failed\r\nStatus: 5.2.2\r\nDiagnostic-Code: smtp;552 5.2.2 Quota exceeded\r\n\r\n\
        Final-Recipient: rfc822;there@firma.example\r\nAction: relayed\r\nStatus: 2.1.5\r\n\r\n\
        Final-Recipient: rfc822;later@firma.example\r\nAction: delayed\r\nStatus: 4.4.1\r\n";
    let bounce = classify(
        report("MAILER-DAEMON@relay.example", "Undelivered Mail", &format!("{TEXT}Several\r\n"), fields).as_bytes(),
    );
    let ends: Vec<(&str, Kind, bool)> =
        bounce.recipients.iter().map(|r| (r.address.as_str(), r.kind, r.hard)).collect();
    assert_eq!(
        ends,
        [
            ("gone@firma.example", Kind::Permanent, true),
            ("full@firma.example", Kind::Permanent, false),
            ("later@firma.example", Kind::Temporary, false),
        ]
    );
}

#[test]
fn encoded_parts_are_read_like_plain_ones() {
    use data_encoding::BASE64_MIME;
    let notice = format!("Meddelelsen til {WHO} kunne ikke leveres: brugeren findes ikke på serveren.");
    let encoded = format!(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        BASE64_MIME.encode(notice.as_bytes())
    );
    says(
        "base64",
        &report(
            "postmaster@firma.example",
            "=?utf-8?B?S2FuIGlra2UgbGV2ZXJlcw==?=",
            &encoded,
            &fields("5.1.1", "550 5.1.1 User unknown"),
        ),
        "permanent",
        "1",
        "5.1.1",
        "user-unknown",
    );
    // The report itself encoded, as some gateways do.
    let inside = format!("Reporting-MTA: dns;mail.example\r\n\r\n{}", fields("5.1.1", "550 5.1.1 User unknown"));
    let gateway = format!(
        "From: postmaster@firma.example\r\nTo: retur@hojager.example\r\nSubject: Undeliverable\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n{encoded}\r\n--b\r\nContent-Type: message/delivery-status\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        BASE64_MIME.encode(inside.as_bytes())
    );
    says("report in base64", &gateway, "permanent", "1", "5.1.1", "user-unknown");
    let quoted = "From: MAILER-DAEMON@relay.example\r\nTo: retur@hojager.example\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<info@firma.example>: 550 5.1.1 Adressen blev ikke fundet p=E5 se=\r\nrveren\r\n";
    says("quoted-printable", quoted, "permanent", "1", "5.1.1", "user-unknown");
    // UTF-8 addresses (RFC 6533).
    let global = "From: MAILER-DAEMON@relay.example\r\nTo: retur@hojager.example\r\nSubject: Undelivered\r\nContent-Type: multipart/report; report-type=global-delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nIkke leveret\r\n--b\r\nContent-Type: message/global-delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\nFinal-Recipient: utf-8; søren@blåbær.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n--b--\r\n";
    let row = classify(global.as_bytes()).row();
    assert_eq!(row, ["søren@blåbær.example", "permanent", "1", "5.1.1", "user-unknown"]);
    let safe = global.replace("søren@blåbær.example", "s\\x{F8}ren@bl\\x{E5}b\\x{E6}r.example");
    assert_eq!(classify(safe.as_bytes()).row()[0], "søren@blåbær.example");
    // No Content-Type at all.
    let bare = format!(
        "From: MAILER-DAEMON@relay.example\r\nTo: retur@hojager.example\r\nSubject: Undelivered Mail Returned to Sender\r\n\r\n<{WHO}>: 550 5.1.1 User unknown\r\n"
    );
    says("no content type", &bare, "permanent", "1", "5.1.1", "user-unknown");
}

#[test]
fn a_forwarded_bounce_and_talk_about_one_are_read_with_care() {
    // A colleague forwards what came to them: a person's mail, not a server's.
    let inner = report(
        "MAILER-DAEMON@relay.example",
        "Undelivered Mail Returned to Sender",
        &format!("{TEXT}<{WHO}>: 550 5.1.1 User unknown\r\n"),
        &fields("5.1.1", "550 5.1.1 User unknown"),
    );
    let forwarded = format!(
        "From: Lis Holm <lis@hojager.example>\r\nTo: retur@hojager.example\r\nSubject: VS: Undelivered Mail\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=f\r\n\r\n--f\r\nContent-Type: text/plain\r\n\r\nSe denne\r\n--f\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--f--\r\n"
    );
    let row = classify(forwarded.as_bytes()).row();
    assert!(row[1] == "none" || (row[0] == WHO && row[1] == "permanent"), "{row:?}");
    let talk = "From: Lis <lis@firma.example>\r\nTo: retur@hojager.example\r\nSubject: Vores adresse\r\n\r\nVi har haft 550 5.1.1 User unknown hos anna@firma.example, men brug bare info@firma.example.\r\n";
    assert_eq!(classify(talk.as_bytes()).row()[1], "none");
    // Somebody who has left: a person or machine says so, and no server has refused the address.
    let left = "From: Anna <anna@firma.example>\r\nTo: retur@hojager.example\r\nSubject: Automatisk svar: Svar senest 1. oktober\r\nAuto-Submitted: auto-replied\r\n\r\nJeg er ikke længere ansat. Skriv til info@firma.example.\r\n";
    assert_eq!(classify(left.as_bytes()).row(), ["", "auto-reply", "0", "", "away"]);
}

#[test]
fn a_domain_that_publishes_that_it_takes_no_mail_is_dead_whatever_the_status() {
    let from = "Mail Delivery System <MAILER-DAEMON@relay.example>";
    let notice = format!("{TEXT}<{WHO}>: Domain firma.example does not accept mail (nullMX)\r\n");
    let diagnostic = "Domain firma.example does not accept mail (nullMX)";
    let message = report(from, "Undelivered Mail Returned to Sender", &notice, &fields("5.1.0", diagnostic));
    says("postfix", &message, "permanent", "1", "5.1.0", "no-mail");
}

#[test]
fn a_ticket_system_acknowledges_and_a_newsletter_does_not() {
    let machine = |text: &str| {
        format!(
            "From: Support <support@firma.example>\r\nTo: maaling@hojager.example\r\nSubject: [#4711] Svar senest 1. oktober\r\n\
             Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n"
        )
    };
    for text in [
        "Tak for din henvendelse. Vi vender tilbage.",
        "Vi har tagit emot ditt ärende.",
        "Thank you for contacting us.",
        "Sag #4711 er oprettet.",
    ] {
        assert_eq!(classify(machine(text).as_bytes()).kind, Kind::AutoReply, "{text}");
    }
    assert_eq!(classify(machine("Ugens tilbud på dæk.").as_bytes()).kind, Kind::None);
}
