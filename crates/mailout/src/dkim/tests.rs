//! Keys that other tools made and read, and signatures that other programs check.
use std::io::Write;
use std::process::{Command, Stdio};

use super::*;

/// A verifier that we did not write (Debian: python3-dkim). Keys and messages (in base64) as JSON on standard input; prints a
/// line for each message: `True` or `False` for each of its signatures.
const VERIFIER: &str = r#"
import base64, dkim, json, sys
given = json.load(sys.stdin)
records = {k.encode(): v.encode() for k, v in given["records"].items()}
look_up = lambda name, timeout=5: records.get(name.rstrip(b"."))
for message in map(base64.b64decode, given["messages"]):
    count = sum(1 for name, _ in dkim.DKIM(message).headers if name.lower() == b"dkim-signature")
    answers = []
    for i in range(count):
        try: answers.append(str(dkim.DKIM(message).verify(idx=i, dnsfunc=look_up)))
        except Exception: answers.append("False")
    print(" ".join(answers))
"#;

/// The verifier's answers, one for each signature of each message; `None` (with a message) where dkimpy is not installed.
pub(crate) fn verdicts(signer: &Signer, messages: &[Vec<u8>]) -> Option<Vec<Vec<bool>>> {
    let there = Command::new("/usr/bin/python3").args(["-c", "import dkim, nacl"]).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        println!("skipped: dkimpy is not installed (Debian: python3-dkim python3-nacl); tests/run installs it");
        return None;
    }
    let records: std::collections::BTreeMap<String, String> = signer
        .published()
        .map(|(selector, key)| (format!("{selector}._domainkey.{}", signer.domain()), key.record()))
        .collect();
    let messages: Vec<_> = messages.iter().map(|m| BASE64.encode(m)).collect();
    let given = serde_json::json!({ "records": records, "messages": messages }).to_string();
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", VERIFIER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
    let answer = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let answers: Vec<Vec<bool>> =
        answer.lines().map(|line| line.split_whitespace().map(|word| word == "True").collect()).collect();
    assert_eq!(answers.len(), messages.len(), "the verifier stopped half-way");
    Some(answers)
}

/// A signer with both kinds of key; made once, since an RSA key takes its time.
pub(crate) fn signer() -> &'static Signer {
    static SIGNER: std::sync::OnceLock<Signer> = std::sync::OnceLock::new();
    SIGNER.get_or_init(|| {
        let key = |algorithm| SigningKey::from_pem(SigningKey::generate(algorithm).unwrap().as_bytes()).unwrap();
        Signer::new("hojager.example")
            .and_then(|s| s.with_key("pejling2026", key(Algorithm::Rsa)))
            .and_then(|s| s.with_key("pejling2026e", key(Algorithm::Ed25519)))
            .unwrap()
    })
}

const NOW: Millis = Millis(1_795_388_400_000);

#[test]
fn another_program_finds_both_signatures_right_whatever_the_message_looks_like() {
    let long = format!("From: a@hojager.example\r\nSubject: {}\r\n\r\n{}\r\n", "x ".repeat(400), "y".repeat(5000));
    let messages = [
        "From: a@hojager.example\r\n\r\n",
        "From: a@hojager.example\r\nSubject: x\r\n\r\n.\r\n..\r\n . \r\n",
        "From: a@hojager.example\r\nSubject:  folded\r\n \t over  lines \r\n\r\nno end",
        "From: a@hojager.example\r\nReceived: one\r\nReceived: two\r\n\r\ntrailing \t blanks  \r\n\r\n\r\n",
        "From: a@hojager.example\r\nTo: b@c.example\r\nSubject: =?utf-8?q?H=C3=B8jager?=\r\n\r\nHøjager – åäö\r\n",
        "From: a@hojager.example\r\nTo: bjørn@c.example\r\n\r\ntext\r\n",
        &long,
    ];
    let signed: Vec<_> = messages.iter().map(|m| signer().sign(m.as_bytes(), NOW).unwrap()).collect();
    let Some(verdicts) = verdicts(signer(), &signed) else { return };
    for (message, verdict) in messages.iter().zip(verdicts) {
        assert_eq!(verdict, [true, true], "{message:?}");
    }
}

#[test]
fn whoever_changes_or_adds_a_header_breaks_both() {
    let message = b"From: a@hojager.example\r\nTo: b@c.example\r\nSubject: x\r\nList-Unsubscribe: <https://h/s/stop>\r\n\r\ntext\r\n";
    let signed = String::from_utf8(signer().sign(message, NOW).unwrap()).unwrap();
    let changed = [
        signed.replace("Subject: x", "Subject: y"),
        signed.replace("https://h/s/stop", "https://evil/s/stop"),
        signed.replace("text\r\n", "other\r\n"),
        format!("Subject: y\r\n{signed}"),
        format!("From: evil@c.example\r\n{signed}"),
        format!("Reply-To: evil@c.example\r\n{signed}"),
        format!("Content-Type: text/html\r\n{signed}"),
        format!("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n{signed}"),
    ];
    // Blanks, line breaks and capitals may change on the way.
    let unchanged = [signed.clone(), signed.replace("Subject: x", "SUBJECT:\t x ")];
    let all: Vec<_> = changed.iter().chain(&unchanged).map(|m| m.clone().into_bytes()).collect();
    let Some(verdicts) = verdicts(signer(), &all) else { return };
    for (message, verdict) in changed.iter().zip(&verdicts) {
        assert_eq!(*verdict, [false, false], "{message}");
    }
    assert_eq!(verdicts[changed.len()..], [[true, true], [true, true]]);
}

#[test]
fn the_header_is_folded_and_names_what_it_seals_once_more() {
    let message = b"From: a@hojager.example\r\nSubject: x\r\n\r\ntext\r\n";
    let signed = String::from_utf8(signer().sign(message, NOW).unwrap()).unwrap();
    let head = signed.split("From: a@").next().unwrap();
    assert!(head.split("\r\n").all(|line| line.len() <= 78), "{head}");
    assert!(head.starts_with(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\td=hojager.example; s=pejling2026; t=1795388400;"
    ));
    let names = head.split("\th=").nth(1).unwrap().split(';').next().unwrap().replace("\r\n\t ", "");
    let count = |name: &str| names.split(':').filter(|n| *n == name).count();
    assert_eq!(
        (count("From"), count("Subject"), count("To"), count("List-Unsubscribe"), count("List-Id")),
        (2, 2, 1, 1, 0)
    );
    assert!(signed.ends_with(std::str::from_utf8(message).unwrap()), "the message itself is not touched");
    assert!(signer().sign(message, NOW).unwrap() == signed.into_bytes(), "the same twice");
}

#[test]
fn nothing_is_signed_that_nobody_sent() {
    assert!(matches!(signer().sign(b"Subject: x\r\n\r\n", NOW), Err(DkimError::Message)));
}

#[test]
fn names_that_would_break_the_header_are_refused() {
    for name in ["", "a b", "a;b", "a\r\nb", "-a.dk", "a..dk", &"a".repeat(64)] {
        assert!(matches!(dns_name(name), Err(DkimError::Name(_))), "{name:?}");
    }
    assert_eq!(Signer::new("Højager.example").map(|s| s.domain().to_owned()).unwrap(), "xn--hjager-bya.example");
}

/// Made by `openssl genrsa -traditional 2048` (PKCS #1), published by `openssl rsa -pubout`.
#[test]
fn keys_and_records_are_those_that_openssl_writes() {
    let run = |arguments: &[&str], input: &str| -> Option<String> {
        let mut child = Command::new("openssl")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(input.as_bytes()).ok()?;
        let output = child.wait_with_output().ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).ok())?
    };
    let body = |pem: &str| pem.lines().filter(|l| !l.starts_with("-----")).collect::<String>();
    let Some(foreign) = run(&["genrsa", "-traditional", "2048"], "") else {
        println!("skipped: openssl is not installed");
        return;
    };
    for pem in [foreign, SigningKey::generate(Algorithm::Rsa).unwrap()] {
        let key = SigningKey::from_pem(pem.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(key.algorithm(), Algorithm::Rsa);
        assert_eq!(key.public().base64, body(&run(&["rsa", "-pubout"], &pem).unwrap()));
        assert!(txt_strings(&key.public().record()).iter().all(|s| s.len() <= 255));
        assert_eq!(txt_strings(&key.public().record()).concat(), key.public().record());
    }
    let foreign = run(&["genpkey", "-algorithm", "ed25519"], "").unwrap();
    let key = SigningKey::from_pem(foreign.as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(key.algorithm(), Algorithm::Ed25519);
    let published = BASE64.decode(body(&run(&["pkey", "-pubout"], &foreign).unwrap()).as_bytes()).unwrap();
    assert_eq!(key.public().base64, BASE64.encode(&published[published.len() - 32..]));
    // Keys that receivers no longer trust are not taken.
    let short = run(&["genrsa", "-traditional", "1024"], "").unwrap();
    assert!(matches!(SigningKey::from_pem(short.as_bytes()), Err(DkimError::Key(_))));
}

#[test]
fn what_is_no_key_is_said_so_without_showing_it() {
    let hidden = "-----BEGIN PRIVATE KEY-----\naGVtbWVsaWc=\n-----END PRIVATE KEY-----\n";
    for pem in ["", "hemmelig", hidden] {
        let error = SigningKey::from_pem(pem.as_bytes()).err().unwrap().to_string();
        assert!(!error.contains("hemmelig") && !error.contains("aGVtbWVsaWc"), "{error}");
    }
}
