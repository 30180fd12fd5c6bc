//! Mail out of a folder, a Maildir and a real IMAP server, into a real database.
use std::path::{Path, PathBuf};
use std::process::Stdio;

use data_encoding::BASE64;
use domain::language::Country;
use domain::time::{Millis, SetClock};
use store::StoreOptions;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::message::tests::{keys, settings};
use crate::oauth::TokenSource;
use crate::smtp::{Login, Tls};

const NOW: Millis = Millis(1_790_000_000_000);
const BOUNCE: &str = "From: MAILER-DAEMON@relay.example\r\nTo: maaling@hojager.example\r\nMessage-ID: <1@relay.example>\r\nSubject: failure notice\r\n\r\n<info@firma.example>: 550 5.1.1 User unknown\r\n";
const LETTER: &str = "From: Anna <anna@firma.example>\r\nTo: maaling@hojager.example\r\nMessage-ID: <2@firma.example>\r\nSubject: Hvem er I?\r\n\r\nHvad skal det bruges til?\r\n";
const AWAY: &str = "From: Ib <ib@firma.example>\r\nTo: maaling@hojager.example\r\nMessage-ID: <3@firma.example>\r\nSubject: Autosvar: Invitation\r\n\r\nJeg er på ferie.\r\n";

struct Ground {
    postbox: Postbox,
    store: Store,
    municipality: MunicipalityId,
}

impl Ground {
    async fn with(places: Places) -> Self {
        let store = Store::connect("sqlite::memory:", &StoreOptions { durable: false, ..StoreOptions::default() })
            .await
            .unwrap();
        let municipality =
            store.create_municipality("hojager", "Højager Kommune", Country::Dk, &settings(), NOW).await.unwrap().id;
        let postbox = Postbox::new(store.clone(), keys(), Arc::new(SetClock::new(NOW)), places);
        Self { postbox, store, municipality }
    }

    /// Subjects on a shelf, in order.
    async fn subjects(&self, shelf: Shelf) -> Vec<String> {
        let lines = self.store.inbound(&self.municipality, shelf, None, 100, 0).await.unwrap();
        let mut subjects: Vec<String> = lines.into_iter().map(|line| line.subject).collect();
        subjects.sort();
        subjects
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|e| e.file_type().is_ok_and(|kind| kind.is_file()));
    let mut names: Vec<String> = files.map(|e| e.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_maildir_is_read_once_and_nothing_in_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir(folder.path().join(part)).unwrap();
    }
    let put = |name: &str, text: &str| std::fs::write(folder.path().join("new").join(name), text).unwrap();
    put("1.host", BOUNCE);
    put("2.host", LETTER);
    put("3.host", AWAY);
    let ground = Ground::with(Places { folder: Some(folder.path().into()), ..Places::default() }).await;
    let account = ground.postbox.run_once().await.unwrap();
    // None of ours was sent, so nothing is a bounce of ours: a person decides.
    assert_eq!(account, Account { fetched: 3, open: 2, notices: 1, ..Account::default() });
    assert_eq!(ground.subjects(Shelf::Open).await, ["Hvem er I?", "failure notice"]);
    assert_eq!(ground.subjects(Shelf::Notice).await, ["Autosvar: Invitation"]);
    assert_eq!(names(&folder.path().join("cur")), ["1.host:2,S", "2.host:2,S", "3.host:2,S"]);
    // The same message again, as after a crash between keeping and moving, is no second one, and does not overwrite the first.
    put("1.host", BOUNCE);
    assert_eq!(ground.postbox.run_once().await.unwrap(), Account::default());
    assert_eq!(names(&folder.path().join("cur")).len(), 4);
    assert!(names(&folder.path().join("new")).is_empty());
}

#[tokio::test]
async fn a_plain_folder_will_do() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.eml"), LETTER).unwrap();
    std::fs::write(folder.path().join(".hidden"), AWAY).unwrap();
    let ground = Ground::with(Places { folder: Some(folder.path().into()), ..Places::default() }).await;
    assert_eq!(ground.postbox.run_once().await.unwrap().fetched, 1);
    assert_eq!(names(&folder.path().join("kept")), ["a.eml"]);
    assert_eq!(names(folder.path()), [".hidden"]);
    let gone = Ground::with(Places { folder: Some(folder.path().join("none")), ..Places::default() }).await;
    assert!(matches!(gone.postbox.run_once().await, Err(InboundError::Folder { .. })));
}

#[tokio::test]
async fn reports_in_json_say_the_same_as_messages() {
    let ground = Ground::with(Places::default()).await;
    let keep = |text: &'static str| {
        let store = ground.store.clone();
        async move {
            assert!(
                store.keep_inbound(InboundSource::Webhook, InboundMedia::Report, text.as_bytes(), NOW).await.unwrap()
            );
        }
    };
    keep(
        r#"{"event":"bounce","recipient":"info@firma.example","status":"5.1.1","diagnostic":"550 5.1.1 User unknown"}"#,
    )
    .await;
    keep(r#"{"event":"delay","recipient":"info@firma.example"}"#).await;
    keep(r#"{"event":"complaint","recipient":"info@firma.example"}"#).await;
    keep(r#"{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"x@firma.example","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 no"}]}}"#).await;
    keep(r#"{"surprise":true}"#).await;
    keep("[[[").await;
    let account = ground.postbox.run_once().await.unwrap();
    assert_eq!((account.open, account.notices), (5, 1));
    let lines = ground.store.inbound(&ground.municipality, Shelf::Open, None, 10, 0).await.unwrap();
    let mut told: Vec<(&str, &str)> = lines.iter().map(|l| (l.kind.as_str(), l.address.as_str())).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("complaint", "info@firma.example"),
            ("none", ""),
            ("none", ""),
            ("permanent", "info@firma.example"),
            ("permanent", "x@firma.example")
        ]
    );
}

/// A real IMAP server of our own, ended with the value.
struct Dovecot {
    port: u16,
    /// With TLS from the first byte.
    tls_port: u16,
    folder: tempfile::TempDir,
    _child: tokio::process::Child,
}

impl Dovecot {
    /// `None`, with a message, where it is not installed.
    async fn start() -> Option<Self> {
        Self::start_with(None).await
    }

    /// With TLS by a certificate for `localhost` of its own (`ca.pem`), and access tokens that this server of tokens knows.
    async fn start_with(introspection: Option<u16>) -> Option<Self> {
        if !Path::new("/usr/sbin/dovecot").exists() {
            println!("skipped: dovecot is not installed (Debian: dovecot-imapd); tests/run installs it");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display();
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (one, two) = (free(), free());
        let (port, tls_port) = (one.local_addr().unwrap().port(), two.local_addr().unwrap().port());
        drop((one, two));
        let (mut ssl, mut imaps, mut tokens) = ("ssl = no".to_owned(), 0, String::new());
        if let Some(introspection) = introspection {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
            std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
            let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            std::fs::write(folder.path().join("other.pem"), other.cert.pem()).unwrap();
            ssl = format!("ssl = yes\nssl_cert = <{place}/ca.pem\nssl_key = <{place}/key.pem");
            imaps = tls_port;
            tokens = format!(
                "auth_mechanisms = plain login xoauth2\npassdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {place}/oauth2.conf\n}}\n"
            );
            std::fs::write(
                folder.path().join("oauth2.conf"),
                format!("introspection_url = http://127.0.0.1:{introspection}/\nintrospection_mode = auth\nusername_attribute = username\nactive_attribute = active\nactive_value = true\nforce_introspection = yes\n"),
            )
            .unwrap();
        }
        let id = |flag: &str| {
            let out = std::process::Command::new("id").arg(flag).output().unwrap().stdout;
            String::from_utf8(out).unwrap().trim().to_owned()
        };
        // As root it wants users of its own; as anybody else it runs as that user throughout.
        let (users, owner) = if id("-u") == "0" {
            ("default_login_user = nobody".to_owned(), ("1".to_owned(), "1".to_owned()))
        } else {
            let me = id("-un");
            let users = format!(
                "default_login_user = {me}\ndefault_internal_user = {me}\ndefault_internal_group = {}",
                id("-gn")
            );
            (users, (id("-u"), id("-g")))
        };
        for part in ["mail", "mail/new", "mail/cur", "mail/tmp", "home"] {
            std::fs::create_dir(folder.path().join(part)).unwrap();
        }
        let config = format!(
            "base_dir = {place}/run\nstate_dir = {place}/state\nlog_path = {place}/log\nprotocols = imap\nlisten = 127.0.0.1\n{ssl}\n{tokens}\
             disable_plaintext_auth = no\nmail_location = maildir:{place}/mail\nfirst_valid_uid = 1\n{users}\n\
             passdb {{\n  driver = static\n  args = password=hemmelig\n}}\nuserdb {{\n  driver = static\n  args = uid={} gid={} home={place}/home\n}}\n\
             service anvil {{\n  chroot =\n}}\nservice imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {port}\n  }}\n  inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n",
            owner.0, owner.1
        );
        std::fs::write(folder.path().join("dovecot.conf"), config).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        for part in ["mail", "home"] {
            let owner = format!("{}:{}", owner.0, owner.1);
            std::process::Command::new("chown").args(["-R", &owner]).arg(folder.path().join(part)).status().unwrap();
        }
        let child = tokio::process::Command::new("/usr/sbin/dovecot")
            .args(["-F", "-c"])
            .arg(folder.path().join("dovecot.conf"))
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let server = Self { port, tls_port, folder, _child: child };
        let mut beat = tokio::time::interval(Duration::from_millis(50));
        let up = async {
            loop {
                beat.tick().await;
                if let Ok(wire) = TcpStream::connect(("127.0.0.1", port)).await {
                    let mut greeting = String::new();
                    if BufReader::new(wire).read_line(&mut greeting).await.is_ok() && greeting.starts_with("* OK") {
                        return;
                    }
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), up).await.expect("the IMAP server starts within a minute");
        Some(server)
    }

    fn deliver(&self, name: &str, text: &str) {
        let path = self.folder.path().join("mail/new").join(name);
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    }

    /// Every message in a folder of the mailbox, whatever its state.
    fn messages(&self, folder: &str) -> usize {
        ["new", "cur"].iter().map(|part| names(&self.folder.path().join("mail").join(folder).join(part)).len()).sum()
    }

    fn mailbox(&self, processed: &str, password: &str) -> Mailbox {
        Mailbox {
            host: "127.0.0.1".into(),
            port: self.port,
            tls: Tls::None,
            authorities: None,
            login: Login::password("bounce@hojager.example", password),
            folder: "INBOX".into(),
            processed: processed.into(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_is_read_and_its_messages_moved() {
    let Some(server) = Dovecot::start().await else { return };
    server.deliver("1.host", BOUNCE);
    server.deliver("2.host", LETTER);
    let long = format!("Message-ID: <4@x>\r\nFrom: a@b.example\r\nSubject: Lang\r\n\r\n{}", "æ\r\n".repeat(400_000));
    server.deliver("3.host", &long);
    let ground =
        Ground::with(Places { mailbox: Some(server.mailbox("Processed", "hemmelig")), ..Places::default() }).await;
    assert_eq!(ground.postbox.run_once().await.unwrap().fetched, 3);
    assert_eq!(ground.subjects(Shelf::Open).await, ["Hvem er I?", "Lang", "failure notice"]);
    assert_eq!((server.messages(""), server.messages(".Processed")), (0, 3));
    // Twice in the mailbox, as after a crash between keeping and moving.
    server.deliver("4.host", BOUNCE);
    assert_eq!(ground.postbox.run_once().await.unwrap(), Account::default());
    assert_eq!((server.messages(""), server.messages(".Processed")), (0, 4));

    // Without a folder to move to they stay, and are not read again.
    server.deliver("5.host", AWAY);
    let stay = Ground::with(Places { mailbox: Some(server.mailbox("", "hemmelig")), ..Places::default() }).await;
    assert_eq!(stay.postbox.run_once().await.unwrap().fetched, 1);
    assert_eq!(stay.postbox.run_once().await.unwrap().fetched, 0);
    assert_eq!(server.messages(""), 1);

    let wrong = Ground::with(Places { mailbox: Some(server.mailbox("", "forkert")), ..Places::default() }).await;
    let error = wrong.postbox.run_once().await.unwrap_err().to_string();
    assert!(error.starts_with("the mailbox: login") && !error.contains("forkert") && !error.contains('@'), "{error}");
}

/// A server that takes a token and has an empty mailbox; returns what it was told.
async fn token_server(listener: TcpListener) -> Vec<String> {
    let (wire, _) = listener.accept().await.unwrap();
    let (read, mut write) = wire.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut told = Vec::new();
    write.write_all(b"* OK ready\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let (tag, command) = line.split_once(' ').unwrap_or(("", &line));
        let (tag, command) = (tag.to_owned(), command.to_owned());
        told.push(line.clone());
        let answer = match command.split(' ').next().unwrap_or_default() {
            "AUTHENTICATE" => {
                write.write_all(b"+ \r\n").await.unwrap();
                told.push(lines.next_line().await.unwrap().unwrap());
                format!("{tag} OK in\r\n")
            }
            "CAPABILITY" => format!("* CAPABILITY IMAP4rev1 MOVE\r\n{tag} OK\r\n"),
            "SELECT" => format!("* 0 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n{tag} OK [READ-WRITE] x\r\n"),
            "UID" => format!("* SEARCH\r\n{tag} OK\r\n"),
            "LOGOUT" => format!("* BYE\r\n{tag} OK\r\n"),
            _ => format!("{tag} NO\r\n"),
        };
        write.write_all(answer.as_bytes()).await.unwrap();
        if command == "LOGOUT" {
            break;
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_stands_in_for_a_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(token_server(listener));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "ya29.token\n").unwrap();
    let source = Arc::new(TokenSource::file(folder.path().join("token")));
    let mailbox = Mailbox {
        host: "127.0.0.1".into(),
        port,
        tls: Tls::None,
        authorities: None,
        login: Login::Token { username: "bounce@hojager.example".into(), source },
        folder: "INBOX".into(),
        processed: "Processed".into(),
    };
    let ground = Ground::with(Places { mailbox: Some(mailbox), ..Places::default() }).await;
    assert_eq!(ground.postbox.run_once().await.unwrap().fetched, 0);
    let told = server.await.unwrap();
    assert!(told[0].ends_with("AUTHENTICATE XOAUTH2"), "{}", told[0]);
    let shown = BASE64.decode(told[1].as_bytes()).unwrap();
    assert_eq!(shown, b"user=bounce@hojager.example\x01auth=Bearer ya29.token\x01\x01");
}

/// Says of one access token that it is good, of all others that they are not, as Dovecot asks it over HTTP.
async fn introspection(listener: TcpListener) {
    while let Ok((wire, _)) = listener.accept().await {
        tokio::spawn(async move {
            let (read, mut write) = wire.into_split();
            let mut lines = BufReader::new(read).lines();
            let mut is_good = false;
            while let Ok(Some(line)) = lines.next_line().await {
                is_good |= line.eq_ignore_ascii_case("authorization: bearer ya29.good");
                if !line.is_empty() {
                    continue;
                }
                let body = if is_good {
                    r#"{"active":"true","username":"bounce@hojager.example"}"#
                } else {
                    r#"{"active":"false"}"#
                };
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                if write.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
                is_good = false;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_server_is_read_over_tls_with_a_certificate_that_holds_and_by_access_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tokens = tokio::spawn(introspection(listener));
    let Some(server) = Dovecot::start_with(Some(port)).await else { return };
    let file = |name: &str| Some(server.folder.path().join(name));
    let over = |tls: Tls, authorities: Option<PathBuf>| Mailbox {
        host: "localhost".into(),
        port: if matches!(tls, Tls::Implicit) { server.tls_port } else { server.port },
        tls,
        authorities,
        ..server.mailbox("Processed", "hemmelig")
    };
    let read = async |mailbox: Mailbox| {
        let ground = Ground::with(Places { mailbox: Some(mailbox), ..Places::default() }).await;
        ground.postbox.run_once().await.map(|account| account.fetched).map_err(|error| error.to_string())
    };
    for (tls, name) in [(Tls::Implicit, "1.host"), (Tls::Starttls, "2.host")] {
        server.deliver(name, BOUNCE);
        // A certificate of nobody we know, of somebody else, or for another host: not a word of the password is said.
        let unknown = [
            over(tls, None),
            over(tls, file("other.pem")),
            Mailbox { host: "127.0.0.1".into(), ..over(tls, file("ca.pem")) },
        ];
        for mailbox in unknown {
            let error = read(mailbox).await.unwrap_err();
            assert!(error.starts_with("the mailbox: TLS"), "{error}");
        }
        assert_eq!(server.messages(""), 1);
        assert_eq!(read(over(tls, file("ca.pem"))).await, Ok(1));
        assert_eq!(server.messages(""), 0);
    }
    let by_token = |token: &str, name: &str| {
        std::fs::write(server.folder.path().join(name), token).unwrap();
        let source = Arc::new(TokenSource::file(server.folder.path().join(name)));
        let login = Login::Token { username: "bounce@hojager.example".into(), source };
        Mailbox { login, ..over(Tls::Implicit, file("ca.pem")) }
    };
    server.deliver("3.host", LETTER);
    let refused = read(by_token("ya29.stale", "stale")).await.unwrap_err();
    assert!(refused.starts_with("the mailbox: login") && !refused.contains("ya29"), "{refused}");
    assert_eq!(read(by_token("ya29.good", "good")).await, Ok(1));
    assert_eq!((server.messages(""), server.messages(".Processed")), (0, 3));
    tokens.abort();
}
