//! The mail-out at the command line, as somebody who runs one goes about it: a look, a pause, the sending, what was in doubt.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};

use domain::time::{Clock, SystemClock};
use serde_json::Value;

/// Recipient and Message-ID, in order.
type Messages = Mutex<Vec<(String, String)>>;

/// What a mail server got.
#[derive(Clone, Default)]
struct Got(Arc<(Messages, Condvar)>);

impl Got {
    fn all(&self) -> Vec<(String, String)> {
        self.0.0.lock().unwrap().clone()
    }

    /// Waits until there are so many.
    fn wait_for(&self, mails: usize) {
        let (got, more) = &*self.0;
        drop(more.wait_while(got.lock().unwrap(), |got| got.len() < mails).unwrap());
    }
}

/// A mail server: it knows no `dead@…`, and hangs up instead of answering the first dot of `doubt@…`.
fn server() -> (u16, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let got = Got::default();
    let theirs = got.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, got) = (stream.unwrap(), theirs.clone());
            std::thread::spawn(move || converse(&stream, &got));
        }
    });
    (port, got)
}

fn converse(stream: &TcpStream, got: &Got) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let say = |words: &str| (&*stream).write_all(format!("{words}\r\n").as_bytes());
    say("220 post.example")?;
    let mut recipient = String::new();
    while let Some(line) = lines.next().transpose()? {
        match line.get(..4).unwrap_or_default() {
            "EHLO" => say("250 post.example")?,
            "RCPT" if line.contains("<dead@") => say("550 5.1.1 No such user")?,
            "RCPT" => {
                recipient = line[9..line.len() - 1].to_owned();
                say("250 2.1.5 Ok")?;
            }
            "DATA" => {
                say("354 Go on")?;
                let mut id = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    if let Some(named) = line.strip_prefix("Message-ID: ") {
                        id = named.to_owned();
                    }
                }
                let (all, more) = &*got.0;
                let mut all = all.lock().unwrap();
                let is_first = !all.iter().any(|(to, _)| *to == recipient);
                all.push((recipient.clone(), id));
                more.notify_all();
                if recipient.starts_with("doubt@") && is_first {
                    return Ok(());
                }
                say("250 2.0.0 Taken")?;
            }
            "QUIT" => return say("221 2.0.0 Bye"),
            _ => say("250 2.0.0 Ok")?,
        }
    }
    Ok(())
}

/// The program with its data in `folder` and this port as its relay.
fn program(folder: &Path, port: u16, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pejling"));
    command
        .args(arguments.split(' '))
        .current_dir(folder)
        .env_clear()
        .env("PEJLING_PUBLIC_URL", "https://svar.hojager.example")
        .env("PEJLING_MAIL_TRANSPORT", "smtp")
        .env("PEJLING_MAIL_HOST", "127.0.0.1")
        .env("PEJLING_MAIL_PORT", port.to_string())
        .env("PEJLING_MAIL_TLS", "none")
        .env("PEJLING_LOG", "error")
        .stdin(Stdio::null());
    command
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A CVR number that counts up: the last digit checks the others.
fn company_number(from: u32) -> u32 {
    let checks = |number: &u32| {
        let digits = number.to_string();
        let sum: u32 = digits.bytes().zip([2, 7, 6, 5, 4, 3, 2, 1]).map(|(d, w)| u32::from(d - b'0') * w).sum();
        sum.is_multiple_of(11)
    };
    (from..).find(checks).unwrap()
}

#[test]
fn a_mail_out_from_the_first_look_to_the_last_doubt() {
    let folder = tempfile::tempdir().unwrap();
    let (port, got) = server();
    let run = |arguments: &str| program(folder.path(), port, arguments).output().unwrap();
    let does = |arguments: &str| {
        let output = run(arguments);
        assert!(output.status.success(), "{arguments}: {}", words(&output));
        words(&output)
    };
    let asked = |arguments: &str, answer: &str| {
        let mut child = program(folder.path(), port, arguments);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        words(&output)
    };
    let standing = || -> BTreeMap<String, u64> {
        let json: Value = serde_json::from_str(&does("mail status --format json")).unwrap();
        let invitations = &json["rounds"][0]["waves"][0];
        let counts = invitations.as_object().unwrap().iter();
        counts.filter_map(|(name, n)| Some((name.clone(), n.as_u64().filter(|n| *n > 0)?))).collect()
    };
    let is = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
        counts.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
    };

    // A municipality with five businesses.
    std::fs::write(
        folder.path().join("settings.toml"),
        "contact_name = \"Anne Holm\"\ncontact_email = \"erhverv@hojager.example\"\nsender_email = \"maaling@hojager.example\"\n",
    )
    .unwrap();
    let mut register = "P-nummer;CVR-nummer;Navn;Adresse;Postnummer;By;Branchekode;Antal ansatte;E-mail\n".to_owned();
    for (i, address) in
        ["a@en.example", "b@to.example", "c@tre.example", "dead@fire.example", "doubt@fem.example"].iter().enumerate()
    {
        let company = company_number(10_000_000 + 100 * u32::try_from(i).unwrap());
        register
            .push_str(&format!("100000000{i};{company};Firma {i};Industrivej {i};2640;Højager;49.41.00;5;{address}\n"));
    }
    std::fs::write(folder.path().join("cvr.csv"), register).unwrap();
    let today = SystemClock.now().date_in(&jiff::tz::TimeZone::UTC);
    let year = today.year();
    Command::new(env!("CARGO_BIN_EXE_pejling"))
        .args(["municipality", "add", "hojager", "--name", "Højager Kommune", "--settings", "settings.toml"])
        .current_dir(folder.path())
        .env_clear()
        .status()
        .unwrap();
    does(&format!("import frame cvr.csv --year {year}"));
    let closes = today.saturating_add(jiff::Span::new().days(30));
    does(&format!("round create --year {year} --closes {closes}"));
    does(&format!("round open --year {year}"));

    // A look: files, and nobody got anything.
    does("mail dry-run --out dry");
    assert_eq!(std::fs::read_dir(folder.path().join("dry")).unwrap().count(), 5);
    assert_eq!((standing(), got.all().len()), (is(&[("pending", 5)]), 0));

    // A pause holds, and says why.
    does(&format!("mail pause --round {year} --reason Ferie"));
    let held = run("send --once");
    assert_eq!(held.status.code(), Some(2), "{}", words(&held));
    assert!(words(&held).contains("paused: Ferie") && got.all().is_empty(), "{}", words(&held));
    assert!(does("mail status").contains("PAUSED: Ferie"));
    does(&format!("mail resume --round {year}"));

    // One address is dead, one message in doubt, the others arrive once.
    assert!(does("send --once").starts_with("3 sent, 0 put off, 1 failed, 1 uncertain"));
    assert_eq!(standing(), is(&[("failed", 1), ("sent", 3), ("uncertain", 1)]));
    let first = got.all();
    let mut recipients: Vec<&str> = first.iter().map(|(to, _)| to.as_str()).collect();
    recipients.sort_unstable();
    assert_eq!(recipients, ["a@en.example", "b@to.example", "c@tre.example", "doubt@fem.example"]);
    assert!(does("send").starts_with("0 sent"), "nothing goes twice by itself");

    // Whether the one in doubt goes again is for a person to say; it keeps its Message-ID.
    let kept = asked("mail resend-uncertain", "n\n");
    assert!(
        kept.contains("The mail server hung up.") && kept.ends_with("1 uncertain message shown, 0 queued again.\n")
    );
    assert!(asked("mail resend-uncertain", "y\n").ends_with("1 uncertain message shown, 1 queued again.\n"));
    assert!(does("mail resend-uncertain").ends_with("No message is uncertain.\n"));
    assert!(does("send").starts_with("1 sent"));
    let all = got.all();
    let doubted: Vec<_> = all.iter().filter(|(to, _)| to.starts_with("doubt@")).collect();
    assert!(doubted.len() == 2 && doubted[0] == doubted[1], "{doubted:?}");
    assert_eq!(standing(), is(&[("failed", 1), ("sent", 4)]));

    // All mail can be stopped at once; a sender that stays takes it up again by itself.
    does("mail pause --reason Strømsvigt");
    does(&format!("round remind --year {year} --wave 1"));
    let held = run("send");
    assert!(held.status.code() == Some(2) && words(&held).contains("Strømsvigt"), "{}", words(&held));
    let watch = program(folder.path(), port, "send --watch").stdout(Stdio::piped()).spawn().unwrap();
    assert!(does("mail resume").starts_with("Mail goes on."));
    // Whose address is dead gets no reminder.
    got.wait_for(all.len() + 4);
    Command::new("kill").arg(watch.id().to_string()).status().unwrap();
    let ended = watch.wait_with_output().unwrap();
    assert!(ended.status.success() && words(&ended).starts_with("4 sent"), "{}", words(&ended));
    assert_eq!(got.all().len(), all.len() + 4);
}
