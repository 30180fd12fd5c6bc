//! Keys that other tools made and read, and signatures that other programs check.
use std::io::Write;
use std::process::{Command, Stdio};

use super::*;

/// A verifier that we did not write (Debian: python3-dkim). Keys as JSON in the first argument, a message on standard input;
/// prints `True` or `False` for each signature, and the number of headers that each covers.
const VERIFIER: &str = r#"
import dkim, json, sys
records = {k.encode(): v.encode() for k, v in json.loads(sys.argv[1]).items()}
message = sys.stdin.buffer.read()
look_up = lambda name, timeout=5: records.get(name.rstrip(b"."))
count = sum(1 for name, _ in dkim.DKIM(message).headers if name.lower() == b"dkim-signature")
for i in range(count):
    d = dkim.DKIM(message)
    try: print(d.verify(idx=i, dnsfunc=look_up), len(d.include_headers))
    except Exception as fault: print("False", fault)
"#;

/// The verifier's answers, one line per signature; `None` (with a message) where dkimpy is not installed.
pub(crate) fn verdicts(signer: &Signer, message: &[u8]) -> Option<Vec<String>> {
    let records: std::collections::BTreeMap<String, String> = signer
        .published()
        .map(|(selector, key)| (format!("{selector}._domainkey.{}", signer.domain()), key.record()))
        .collect();
    let there = Command::new("/usr/bin/python3").args(["-c", "import dkim, nacl"]).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        println!("skipped: dkimpy is not installed (Debian: python3-dkim python3-nacl); tests/run installs it");
        return None;
    }
    let mut child = Command::new("/usr/bin/python3")
        .args(["-c", VERIFIER, &serde_json::to_string(&records).unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(message).unwrap();
    let answer = child.wait_with_output().unwrap();
    Some(String::from_utf8(answer.stdout).unwrap().lines().map(str::to_owned).collect())
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

fn holds(message: &[u8]) -> Option<bool> {
    let signed = signer().sign(message, NOW).unwrap();
    Some(verdicts(signer(), &signed)?.iter().map(|v| v.starts_with("True")).collect::<Vec<_>>() == [true, true])
}

#[test]
fn another_program_finds_both_signatures_right_whatever_the_message_looks_like() {
    for message in [
        "From: a@hojager.example\r\n\r\n",
        "From: a@hojager.example\r\nSubject: x\r\n\r\n.\r\n..\r\n . \r\n",
        "From: a@hojager.example\r\nSubject:  folded\r\n \t over  lines \r\n\r\nno end",
        "From: a@hojager.example\r\nReceived: one\r\nReceived: two\r\n\r\ntrailing \t blanks  \r\n\r\n\r\n",
        "From: a@hojager.example\r\nTo: b@c.example\r\nSubject: =?utf-8?q?H=C3=B8jager?=\r\n\r\nH\u{f8}jager \u{2013} \u{e5}\u{e4}\u{f6}\r\n",
    ] {
        let Some(holds) = holds(message.as_bytes()) else { return };
        assert!(holds, "{message:?}");
    }
    let long = format!("From: a@hojager.example\r\nSubject: {}\r\n\r\n{}\r\n", "x ".repeat(400), "y".repeat(5000));
    assert!(holds(long.as_bytes()).unwrap());
}

#[test]
fn whoever_changes_or_adds_a_header_breaks_both() {
    let message = b"From: a@hojager.example\r\nTo: b@c.example\r\nSubject: x\r\nList-Unsubscribe: <https://h/s/stop>\r\n\r\ntext\r\n";
    let signed = String::from_utf8(signer().sign(message, NOW).unwrap()).unwrap();
    let Some(untouched) = verdicts(signer(), signed.as_bytes()) else { return };
    assert!(untouched.iter().all(|v| v.starts_with("True")), "{untouched:?}");
    for changed in [
        signed.replace("Subject: x", "Subject: y"),
        signed.replace("https://h/s/stop", "https://evil/s/stop"),
        signed.replace("text\r\n", "other\r\n"),
        format!("Subject: y\r\n{signed}"),
        format!("From: evil@c.example\r\n{signed}"),
        format!("Reply-To: evil@c.example\r\n{signed}"),
        format!("Content-Type: text/html\r\n{signed}"),
        format!("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n{signed}"),
    ] {
        let verdicts = verdicts(signer(), changed.as_bytes()).unwrap();
        assert!(verdicts.len() == 2 && verdicts.iter().all(|v| v.starts_with("False")), "{verdicts:?} {changed}");
    }
    // Blanks and line breaks may change on the way.
    assert!(verdicts(signer(), signed.replace("Subject: x", "SUBJECT:\t x ").as_bytes()).unwrap().iter().all(|v| v.starts_with("True")));
}

#[test]
fn the_header_is_folded_and_names_what_it_seals_once_more() {
    let message = b"From: a@hojager.example\r\nSubject: x\r\n\r\ntext\r\n";
    let signed = String::from_utf8(signer().sign(message, NOW).unwrap()).unwrap();
    let head = signed.split("From: a@").next().unwrap();
    assert!(head.split("\r\n").all(|line| line.len() <= 78), "{head}");
    assert!(head.starts_with("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n\td=hojager.example; s=pejling2026; t=1795388400;"));
    let names = head.split("\th=").nth(1).unwrap().split(';').next().unwrap().replace("\r\n\t ", "");
    let count = |name: &str| names.split(':').filter(|n| *n == name).count();
    assert_eq!((count("From"), count("Subject"), count("To"), count("List-Unsubscribe"), count("List-Id")), (2, 2, 1, 1, 0));
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
