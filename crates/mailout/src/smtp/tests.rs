//! The client against a scripted server, in memory and on a clock that stands still but for the waits asked for.
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, BufReader, DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::oauth::TokenSource;

const HELLO: &str = "250-relay.example\r\n250-PIPELINING\r\n250 SIZE 100000\r\n";
const PLAIN_HELLO: &str = "250 relay.example\r\n";
const MESSAGE: &[u8] = b"Subject: x\r\n\r\n.dot\r\n..two\r\nend\r\n";

/// What the server does next.
#[derive(Clone)]
enum Step {
    Say(&'static str),
    Hear(&'static str),
    /// Reads up to and including the final dot.
    Message,
    /// Never does anything again.
    Stall,
    Close,
}
use Step::{Close, Hear, Message, Say, Stall};

/// Plays the script; returns every line heard.
fn play(stream: DuplexStream, script: Vec<Step>) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let (mut stream, mut heard) = (BufReader::new(stream), Vec::new());
        for step in script {
            match step {
                Say(text) => stream.write_all(text.as_bytes()).await.unwrap(),
                Hear(start) => {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.unwrap();
                    assert!(line.starts_with(start) && line.ends_with("\r\n"), "heard {line:?}, expected {start:?}");
                    heard.push(line.trim_end().to_owned());
                }
                Message => loop {
                    let mut line = String::new();
                    assert_ne!(stream.read_line(&mut line).await.unwrap(), 0, "the client hung up within a message");
                    heard.push(line.trim_end_matches("\r\n").to_owned());
                    if line == ".\r\n" {
                        break;
                    }
                },
                Stall => std::future::pending().await,
                Close => return heard,
            }
        }
        // What the client still says, so that a test can see that it says nothing more.
        let mut line = String::new();
        while stream.read_line(&mut line).await.is_ok_and(|n| n > 0) {
            heard.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        heard
    })
}

fn client(change: impl FnOnce(&mut Relay)) -> Client {
    let mut relay = Relay::new("127.0.0.1", 25, Tls::None);
    change(&mut relay);
    Client::new(relay).unwrap_or_else(|e| panic!("{e}"))
}

fn envelope() -> Envelope {
    Envelope::new("from@example.dk", "to@example.dk").unwrap()
}

async fn open(hello: &'static str, mut script: Vec<Step>) -> (Connection, JoinHandle<Vec<String>>) {
    let (ours, theirs) = duplex(64 * 1024);
    let mut whole = vec![Say("220 relay\r\n"), Hear("EHLO [127.0.0.1]"), Say(hello)];
    whole.append(&mut script);
    let server = play(theirs, whole);
    let connection = client(|_| {}).greet(Box::new(ours), "[127.0.0.1]").await.unwrap_or_else(|e| panic!("{e}"));
    (connection, server)
}

async fn send(connection: &mut Connection) -> Delivery {
    connection.send(&envelope(), MESSAGE).await
}

#[tokio::test(start_paused = true)]
async fn sent_is_250_after_the_dot() {
    let script = vec![
        Hear("MAIL FROM:<from@example.dk>"),
        Say("250 ok\r\n"),
        Hear("RCPT TO:<to@example.dk>"),
        Say("250 ok\r\n"),
        Hear("DATA"),
        Say("354 go\r\n"),
        Message,
        Say("250 2.0.0 queued as 1\r\n"),
    ];
    let (mut connection, server) = open(PLAIN_HELLO, script).await;
    let Delivery::Sent(reply) = send(&mut connection).await else { panic!("not sent") };
    assert_eq!(reply.words(), "250 2.0.0 queued as 1");
    drop(connection);
    // The dots that begin a line are doubled, and nothing else changes.
    assert_eq!(server.await.unwrap()[4..], ["Subject: x", "", "..dot", "...two", "end", "."]);
}

#[tokio::test(start_paused = true)]
async fn with_pipelining_the_envelope_crosses_in_one_piece() {
    // The server answers after all three have arrived: a client that waits for each answer would never get there.
    let script = vec![
        Hear("MAIL FROM:<from@example.dk> SIZE=32"),
        Hear("RCPT TO:"),
        Hear("DATA"),
        Say("250 ok\r\n250 ok\r\n354 go\r\n"),
        Message,
        Say("250 ok\r\n"),
    ];
    let (mut connection, _server) = open(HELLO, script).await;
    assert!(matches!(send(&mut connection).await, Delivery::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_end_was_not_written_is_surely_not_delivered() {
    // No more than a part of it fits between the two.
    let (ours, theirs) = duplex(4096);
    let steps = vec![
        Say("220 relay\r\n"),
        Hear("EHLO"),
        Say(HELLO),
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("DATA"),
        Say("250 ok\r\n250 ok\r\n354 go\r\n"),
        Hear("Subject: x"),
        Close,
    ];
    let server = play(theirs, steps);
    let mut connection = client(|_| {}).greet(Box::new(ours), "[127.0.0.1]").await.unwrap_or_else(|e| panic!("{e}"));
    let message = format!("Subject: x\r\n\r\n{}\r\n", "a".repeat(90_000));
    let delivery = connection.send(&envelope(), message.as_bytes()).await;
    assert!(matches!(delivery, Delivery::Lost(_)), "{delivery:?}");
    assert!(!connection.is_open());
    server.await.unwrap();
}

/// The steps of a whole conversation without pipelining, with the stage that each answer belongs to.
fn conversation() -> Vec<(Stage, Vec<Step>, &'static str)> {
    vec![
        (Stage::Greeting, vec![], "220 relay\r\n"),
        (Stage::Hello, vec![Hear("EHLO")], PLAIN_HELLO),
        (Stage::Mail, vec![Hear("MAIL")], "250 ok\r\n"),
        (Stage::Recipient, vec![Hear("RCPT")], "250 ok\r\n"),
        (Stage::Data, vec![Hear("DATA")], "354 go\r\n"),
        (Stage::Dot, vec![Message], "250 ok\r\n"),
    ]
}

/// Everything up to the answer of `stage`, then `instead`.
fn until(stage: Stage, instead: Step) -> Vec<Step> {
    let mut script = Vec::new();
    for (at, hear, say) in conversation() {
        script.extend(hear);
        if at == stage {
            script.push(instead);
            return script;
        }
        script.push(Say(say));
    }
    unreachable!("every stage is in the conversation")
}

async fn converse(script: Vec<Step>) -> (Result<Delivery, ConnectError>, Option<Connection>) {
    let (ours, theirs) = duplex(64 * 1024);
    let _server = play(theirs, script);
    match client(|_| {}).greet(Box::new(ours), "[127.0.0.1]").await {
        Err(error) => (Err(error), None),
        Ok(mut connection) => (Ok(send(&mut connection).await), Some(connection)),
    }
}

#[tokio::test(start_paused = true)]
async fn silence_at_any_step_ends_the_connection_and_says_where() {
    for stage in [Stage::Greeting, Stage::Hello, Stage::Mail, Stage::Recipient, Stage::Data, Stage::Dot] {
        let (result, connection) = converse(until(stage, Stall)).await;
        match (stage, result) {
            (Stage::Greeting | Stage::Hello, Err(ConnectError::Fault(Fault::Timeout(at)))) => assert_eq!(at, stage),
            (Stage::Dot, Ok(Delivery::Unanswered(Fault::Timeout(at))))
            | (_, Ok(Delivery::Lost(Fault::Timeout(at)))) => assert_eq!(at, stage),
            (_, other) => panic!("{stage:?}: {}", other.map_or_else(|e| e.to_string(), |d| format!("{d:?}"))),
        }
        assert!(
            connection.is_none_or(|c| !c.is_open()),
            "{stage:?}: a late answer could still be taken for another one"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_up_at_any_step_says_where() {
    for stage in [Stage::Greeting, Stage::Hello, Stage::Mail, Stage::Recipient, Stage::Data, Stage::Dot] {
        match (stage, converse(until(stage, Close)).await.0) {
            (Stage::Greeting | Stage::Hello, Err(ConnectError::Fault(Fault::Closed(at)))) => assert_eq!(at, stage),
            (Stage::Dot, Ok(Delivery::Unanswered(Fault::Closed(at)))) | (_, Ok(Delivery::Lost(Fault::Closed(at)))) => {
                assert_eq!(at, stage)
            }
            (_, other) => panic!("{stage:?}: {}", other.map_or_else(|e| e.to_string(), |d| format!("{d:?}"))),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_farewell_at_any_step_is_kept_and_ends_the_connection() {
    const FAREWELL: &str = "421 4.3.2 shutting down\r\n";
    for stage in [Stage::Greeting, Stage::Hello, Stage::Mail, Stage::Recipient, Stage::Data, Stage::Dot] {
        let (result, connection) = converse(until(stage, Say(FAREWELL))).await;
        let (at, reply) = match result {
            Err(ConnectError::Refused(at, reply)) | Ok(Delivery::Refused(at, reply)) => (at, reply),
            other => panic!("{stage:?}: {}", other.map_or_else(|e| e.to_string(), |d| format!("{d:?}"))),
        };
        assert_eq!((at, reply.code), (stage, 421));
        assert!(connection.is_none_or(|c| !c.is_open()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_farewell_between_messages_is_heard_before_the_next_one() {
    let script = vec![
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("DATA"),
        Say("250 ok\r\n250 ok\r\n354 go\r\n"),
        Message,
        Say("250 ok\r\n421 enough\r\n"),
        Close,
    ];
    let (mut connection, server) = open(HELLO, script).await;
    assert!(matches!(send(&mut connection).await, Delivery::Sent(_)));
    server.await.unwrap();
    assert!(matches!(send(&mut connection).await, Delivery::Refused(Stage::Mail, reply) if reply.is_farewell()));
    assert!(!connection.is_open());
}

#[tokio::test(start_paused = true)]
async fn an_answer_nobody_asked_for_is_never_taken_for_the_next_one() {
    let script = vec![
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("DATA"),
        Say("250 ok\r\n250 ok\r\n354 go\r\n"),
        Message,
        Say("250 ok\r\n250 once more\r\n"),
        Close,
    ];
    let (mut connection, server) = open(HELLO, script).await;
    assert!(matches!(send(&mut connection).await, Delivery::Sent(_)));
    server.await.unwrap();
    assert!(matches!(send(&mut connection).await, Delivery::Lost(Fault::Protocol(..))));
    assert!(!connection.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_refused_recipient_leaves_the_connection_usable() {
    // This server opens its mouth for DATA although it refused the only recipient: a lone dot closes it.
    let script = vec![
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("DATA"),
        Say("250 ok\r\n550 5.1.1 no such user\r\n354 go\r\n"),
        Hear("."),
        Say("554 no recipients\r\n"),
        Hear("RSET"),
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("DATA"),
        Say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        Message,
        Say("250 ok\r\n"),
    ];
    let (mut connection, _server) = open(HELLO, script).await;
    let Delivery::Refused(Stage::Recipient, reply) = send(&mut connection).await else { panic!("not refused") };
    assert_eq!(reply.words(), "550 5.1.1 no such user");
    assert!(matches!(send(&mut connection).await, Delivery::Sent(_)));
}

#[tokio::test(start_paused = true)]
async fn five_hundred_refused_recipients_need_one_connection() {
    for hello in [HELLO, PLAIN_HELLO] {
        let mut script = Vec::new();
        for i in 0..500 {
            if hello == HELLO {
                if i > 0 {
                    script.extend([Hear("RSET")]);
                }
                script.extend([Hear("MAIL"), Hear("RCPT"), Hear("DATA")]);
                if i > 0 {
                    script.push(Say("250 ok\r\n"));
                }
                script.push(Say("250 ok\r\n550 no\r\n503 no recipients\r\n"));
            } else {
                if i > 0 {
                    script.extend([Hear("RSET"), Say("250 ok\r\n")]);
                }
                script.extend([Hear("MAIL"), Say("250 ok\r\n"), Hear("RCPT"), Say("550 no\r\n")]);
            }
        }
        let (mut connection, _server) = open(hello, script).await;
        for _ in 0..500 {
            assert!(
                matches!(send(&mut connection).await, Delivery::Refused(Stage::Recipient, reply) if reply.code == 550)
            );
        }
        assert!(connection.is_open());
        assert_eq!(connection.taken(), 500);
    }
}

#[tokio::test(start_paused = true)]
async fn greylisting_and_refusal_after_the_dot_keep_their_words() {
    let script = vec![
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("DATA"),
        Say("250 ok\r\n450 4.7.1 come back later\r\n503 no\r\n"),
        Hear("RSET"),
        Hear("MAIL"),
        Hear("RCPT"),
        Hear("DATA"),
        Say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        Message,
        Say("554-5.7.1 spam\r\n554 5.7.1 says who\r\n"),
    ];
    let (mut connection, _server) = open(HELLO, script).await;
    assert!(matches!(send(&mut connection).await, Delivery::Refused(Stage::Recipient, reply) if reply.is_temporary()));
    let Delivery::Refused(Stage::Dot, reply) = send(&mut connection).await else { panic!("not refused") };
    assert_eq!(reply.words(), "554 5.7.1 spam says who");
    assert!(reply.is_policy());
}

#[tokio::test(start_paused = true)]
async fn neither_250_nor_a_refusal_after_the_dot_is_in_doubt() {
    let (result, connection) = converse(until(Stage::Dot, Say("251 hm\r\n"))).await;
    assert!(matches!(result, Ok(Delivery::Unanswered(_))));
    assert!(!connection.unwrap().is_open());
}

#[tokio::test(start_paused = true)]
async fn what_is_larger_than_the_relay_takes_is_not_offered() {
    let (mut connection, server) = open("250-relay\r\n250 SIZE 10\r\n", vec![]).await;
    assert!(matches!(send(&mut connection).await, Delivery::Refused(Stage::Mail, reply) if reply.code == 552));
    connection.quit().await;
    assert_eq!(server.await.unwrap(), ["EHLO [127.0.0.1]", "QUIT"]);
}

#[tokio::test(start_paused = true)]
async fn an_old_server_is_greeted_with_helo() {
    let (ours, theirs) = duplex(64 * 1024);
    let server = play(
        theirs,
        vec![Say("220 relay\r\n"), Hear("EHLO"), Say("502 what\r\n"), Hear("HELO me.example"), Say("250 hi\r\n")],
    );
    let connection = client(|r| r.hello = Some("me.example".into()))
        .greet(Box::new(ours), "[127.0.0.1]")
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    drop(connection);
    assert_eq!(server.await.unwrap(), ["EHLO me.example", "HELO me.example"]);
}

async fn log_in(hello: &'static str, script: Vec<Step>) -> Result<Connection, ConnectError> {
    log_in_as(Login::password("bruger", "hemmelig"), hello, script).await
}

async fn log_in_as(login: Login, hello: &'static str, mut script: Vec<Step>) -> Result<Connection, ConnectError> {
    let (ours, theirs) = duplex(64 * 1024);
    let mut whole = vec![Say("220 relay\r\n"), Hear("EHLO"), Say(hello)];
    whole.append(&mut script);
    let _server = play(theirs, whole);
    client(|r| r.login = Some(login)).greet(Box::new(ours), "[127.0.0.1]").await
}

#[tokio::test(start_paused = true)]
async fn login_goes_the_way_the_server_offers() {
    let plain = vec![Hear("AUTH PLAIN AGJydWdlcgBoZW1tZWxpZw==\r\n"), Say("235 in\r\n")];
    assert!(log_in("250-relay\r\n250 AUTH LOGIN PLAIN\r\n", plain).await.is_ok());
    let login = vec![
        Hear("AUTH LOGIN\r\n"),
        Say("334 VXNlcm5hbWU6\r\n"),
        Hear("YnJ1Z2Vy\r\n"),
        Say("334 UGFzc3dvcmQ6\r\n"),
        Hear("aGVtbWVsaWc=\r\n"),
        Say("235 in\r\n"),
    ];
    assert!(log_in("250-relay\r\n250 AUTH LOGIN\r\n", login).await.is_ok());
    let refused = log_in("250-relay\r\n250 AUTH PLAIN\r\n", vec![Hear("AUTH PLAIN"), Say("535 5.7.8 wrong\r\n")]).await;
    assert!(matches!(refused, Err(ConnectError::Refused(Stage::Login, reply)) if reply.is_policy()));
}

/// A source whose token is read from a file at each login.
fn token_login(folder: &tempfile::TempDir, token: &str) -> (Login, std::path::PathBuf) {
    let path = folder.path().join("token");
    std::fs::write(&path, token).unwrap();
    (Login::Token { username: "post@h.example".into(), source: Arc::new(TokenSource::file(&path)) }, path)
}

const TOKEN_HELLO: &str = "250-relay\r\n250 AUTH PLAIN XOAUTH2\r\n";

#[tokio::test(start_paused = true)]
async fn a_token_logs_in_and_the_server_s_explanation_is_heard_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let good = "AUTH XOAUTH2 dXNlcj1wb3N0QGguZXhhbXBsZQFhdXRoPUJlYXJlciBnb29kAQE=";
    let (login, _) = token_login(&folder, "good\n");
    let script = vec![Hear(good), Say("235 2.7.0 in\r\n")];
    assert!(log_in_as(login, TOKEN_HELLO, script).await.is_ok());

    // Refused for good: the explanation is answered with an empty line, and the same token is not tried twice.
    let (login, _) = token_login(&folder, "bad");
    let no = vec![
        Hear("AUTH XOAUTH2 "),
        Say("334 eyJzdGF0dXMiOiI0MDEifQ==\r\n"),
        Hear("\r\n"),
        Say("535 5.7.8 expired\r\n"),
    ];
    let refused = log_in_as(login, TOKEN_HELLO, no.clone()).await;
    assert!(matches!(refused, Err(ConnectError::Refused(Stage::Login, reply)) if reply.words() == "535 5.7.8 expired"));

    // Not now: nothing is wrong with the token.
    let (login, _) = token_login(&folder, "good");
    let later = vec![Hear("AUTH XOAUTH2 "), Say("454 4.7.0 try again\r\n")];
    let refused = log_in_as(login, TOKEN_HELLO, later).await;
    assert!(matches!(refused, Err(ConnectError::Refused(Stage::Login, reply)) if reply.is_temporary()));

    let (login, _) = token_login(&folder, "good");
    let refused = log_in_as(login, "250-relay\r\n250 AUTH PLAIN\r\n", vec![]).await;
    assert!(matches!(refused, Err(ConnectError::Refused(Stage::Login, reply)) if reply.code == 504));

    let (login, path) = token_login(&folder, "good");
    std::fs::remove_file(path).unwrap();
    assert!(matches!(log_in_as(login, TOKEN_HELLO, vec![]).await, Err(ConnectError::Token(_))));
}

#[tokio::test]
async fn a_token_withdrawn_before_its_time_is_fetched_anew_once() {
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let command = format!("echo x >> {0}; wc -l < {0} | tr -d ' ' | sed s/^/token/", count.display());
    let source = Arc::new(TokenSource::command(&command));
    assert_eq!(source.token().await.unwrap(), "token1");
    let with = |token: &str| format!("AUTH XOAUTH2 {}", xoauth2("a", token)).leak() as &'static str;
    let script =
        vec![Hear(with("token1")), Say("535 5.7.8 withdrawn\r\n"), Hear(with("token2")), Say("235 2.7.0 in\r\n")];
    let login = Login::Token { username: "a".into(), source };
    assert!(log_in_as(login, TOKEN_HELLO, script).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn letters_before_the_at_go_only_to_servers_that_take_them() {
    let envelope = Envelope::new("from@example.dk", "bjørn@xn--blbr-roah.dk").unwrap();
    let script = vec![
        Hear("MAIL FROM:<from@example.dk> BODY=8BITMIME SMTPUTF8"),
        Say("250 ok\r\n"),
        Hear("RCPT TO:<bjørn@xn--blbr-roah.dk>"),
        Say("250 ok\r\n"),
        Hear("DATA"),
        Say("354 go\r\n"),
        Message,
        Say("250 ok\r\n"),
    ];
    let (mut connection, _server) = open("250-relay\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n", script).await;
    assert!(matches!(connection.send(&envelope, MESSAGE).await, Delivery::Sent(_)));
    let (mut connection, server) = open(PLAIN_HELLO, vec![]).await;
    let Delivery::Refused(Stage::Recipient, reply) = connection.send(&envelope, MESSAGE).await else {
        panic!("not refused")
    };
    assert_eq!((reply.code, reply.status.unwrap().to_string().as_str()), (553, "5.6.7"));
    assert!(connection.is_open());
    drop(connection);
    assert_eq!(server.await.unwrap().len(), 1, "the server was not asked");
}

#[test]
fn a_password_never_crosses_a_network_in_clear() {
    let mut relay = Relay::new("mail.example.dk", 25, Tls::None);
    relay.login = Some(Login::password("a", "b"));
    assert!(matches!(Client::new(relay), Err(ConnectError::Insecure(_))));
}

#[tokio::test(start_paused = true)]
async fn without_the_starttls_asked_for_only_this_machine_is_spoken_to() {
    for (host, accepted) in [("127.0.0.1", true), ("192.0.2.1", false)] {
        let (ours, theirs) = duplex(64 * 1024);
        let server = play(theirs, vec![Say("220 relay\r\n"), Hear("EHLO"), Say(PLAIN_HELLO)]);
        let (authorities, _key, _folder) = certificate("relay.example");
        let client = client(|r| {
            (r.host, r.tls, r.authorities) = (host.into(), Tls::Starttls, Some(authorities));
        });
        let result = client.greet(Box::new(ours), "[127.0.0.1]").await;
        assert_eq!(result.is_ok(), accepted, "{host}");
        assert!(accepted || matches!(result, Err(ConnectError::Insecure(_))));
        drop(result);
        assert_eq!(server.await.unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn text_put_before_the_handshake_is_not_taken_for_the_server() {
    let (ours, theirs) = duplex(64 * 1024);
    let _server = play(
        theirs,
        vec![
            Say("220 relay\r\n"),
            Hear("EHLO"),
            Say("250-relay\r\n250 STARTTLS\r\n"),
            Hear("STARTTLS"),
            Say("220 go\r\n250 injected\r\n"),
        ],
    );
    let (authorities, _key, _folder) = certificate("localhost");
    let client = client(|r| {
        (r.host, r.tls, r.authorities) = ("localhost".into(), Tls::Starttls, Some(authorities));
    });
    assert!(matches!(
        client.greet(Box::new(ours), "[127.0.0.1]").await,
        Err(ConnectError::Fault(Fault::Protocol(Stage::Tls, _)))
    ));
}

/// A certificate for `name` that signs itself: its file, and what a server needs.
pub(crate) fn certificate(name: &str) -> (std::path::PathBuf, Arc<rustls::ServerConfig>, tempfile::TempDir) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authority.pem");
    std::fs::write(&path, made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (path, Arc::new(config), folder)
}

/// A server with TLS on a real port that takes one message; `implicit` or after STARTTLS.
async fn tls_server(config: Arc<rustls::ServerConfig>, implicit: bool) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        if !implicit {
            tcp.write_all(b"220 relay\r\n").await.unwrap();
            let mut buffer = [0; 256];
            assert!(tcp.read(&mut buffer).await.unwrap() > 0);
            tcp.write_all(b"250-relay\r\n250 STARTTLS\r\n").await.unwrap();
            assert!(tcp.read(&mut buffer).await.unwrap() > 0);
            tcp.write_all(b"220 go\r\n").await.unwrap();
        }
        let Ok(tls) = TlsAcceptor::from(config).accept(tcp).await else { return Vec::new() };
        let (mut stream, mut heard) = (BufReader::new(tls), Vec::new());
        if implicit {
            stream.write_all(b"220 relay\r\n").await.unwrap();
        }
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return heard;
            }
            let answer: &[u8] = match line.get(..4).unwrap_or_default() {
                "DATA" => b"354 go\r\n",
                "EHLO" | "MAIL" | "RCPT" | "QUIT" | ".\r\n" => b"250 ok\r\n",
                _ if line == ".\r\n" => b"250 ok\r\n",
                _ => b"",
            };
            heard.push(line);
            stream.write_all(answer).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    (port, server)
}

#[tokio::test]
async fn tls_carries_a_message_when_the_certificate_holds() {
    for (tls, implicit) in [(Tls::Implicit, true), (Tls::Starttls, false)] {
        let (authorities, config, _folder) = certificate("localhost");
        let (port, server) = tls_server(config, implicit).await;
        let client = client(|r| {
            (r.host, r.port, r.tls, r.authorities) = ("localhost".into(), port, tls, Some(authorities));
        });
        let mut connection = client.connect().await.unwrap_or_else(|e| panic!("{e}"));
        assert!(matches!(send(&mut connection).await, Delivery::Sent(_)));
        connection.quit().await;
        assert!(server.await.unwrap().contains(&".\r\n".to_owned()));
    }
}

#[tokio::test]
async fn a_certificate_of_somebody_else_is_refused() {
    for (tls, implicit) in [(Tls::Implicit, true), (Tls::Starttls, false)] {
        // The right name under another authority, and the right authority with another name.
        for (name, own_authority) in [("localhost", false), ("other.example", true)] {
            let (authorities, config, _folder) = certificate(name);
            let (other, _, _other_folder) = certificate("localhost");
            let (port, server) = tls_server(config, implicit).await;
            let client = client(|r| {
                let trusted = if own_authority { authorities } else { other };
                (r.host, r.port, r.tls, r.authorities) = ("localhost".into(), port, tls, Some(trusted));
            });
            assert!(matches!(client.connect().await, Err(ConnectError::Insecure(_))), "{tls:?} {name}");
            assert!(server.await.unwrap().is_empty(), "something was said to a stranger");
        }
    }
}

#[tokio::test]
async fn nobody_there_is_said_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let client = client(|r| r.port = port);
    assert!(matches!(client.connect().await, Err(ConnectError::Fault(Fault::Io(Stage::Connect, _)))));
}

proptest::proptest! {
    #[test]
    fn whatever_the_message_it_ends_and_begins_where_it_should(message in "[.a\r\n]{0,60}") {
        let wire = stuffed(message.as_bytes());
        let Some(wire) = wire.strip_suffix(b".\r\n").map(<[u8]>::to_vec) else { panic!("no final dot") };
        proptest::prop_assert!(wire.ends_with(b"\r\n"));
        // No line is a lone dot, so nothing in a message ends it early.
        proptest::prop_assert!(!wire.split(|b| *b == b'\n').any(|line| line == b"." || line == b".\r"));
        let text = String::from_utf8(wire).unwrap();
        let back: String = text.split_inclusive('\n').map(|line| line.strip_prefix('.').unwrap_or(line)).collect();
        let ended = message.clone() + "\r\n";
        proptest::prop_assert!(back == message || back == ended);
    }

    #[test]
    fn no_address_breaks_out_of_its_command(from in "\\PC{0,20}|[a-z@<>\r\n ]{0,20}", to in "[a-zæ@<>\r\n .]{0,30}") {
        if let Ok(envelope) = Envelope::new(&from, &to) {
            proptest::prop_assert!(envelope.from().is_ascii() && envelope.is_international() != envelope.to().is_ascii());
            for address in [envelope.from(), envelope.to()] {
                proptest::prop_assert!(!address.contains(|c: char| c.is_control() || c.is_whitespace() || "<>".contains(c)));
                proptest::prop_assert_eq!(address.matches('@').count(), 1);
            }
        }
    }
}
