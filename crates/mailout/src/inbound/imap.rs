//! Mail from an IMAP mailbox: kept, then moved to another folder of the mailbox or marked, never deleted.
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_imap::{Authenticator, Client, Session};
use futures_util::TryStreamExt;
use store::inbound::{InboundSource, LARGEST};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::{info, warn};

use super::{InboundError, Postbox};
use crate::smtp::{Login, Tls, tls_client};

/// How long a server may take for one step.
const PATIENCE: Duration = Duration::from_secs(60);
/// The keyword of a message that was kept and stays where it is.
const KEPT: &str = "$PejlingKept";

/// A mailbox on an IMAP server. No `Debug`: it holds a password.
#[derive(Clone)]
pub struct Mailbox {
    /// Host.
    pub host: String,
    /// Port: 993 with TLS from the first byte, 143 otherwise.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// File of further certificate authorities (PEM).
    pub authorities: Option<PathBuf>,
    /// Who we are there.
    pub login: Login,
    /// The folder that mail arrives in.
    pub folder: String,
    /// The folder that kept messages are moved to; empty: they stay and are marked with a keyword.
    pub processed: String,
}

trait Wire: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Wire for T {}
type Connection = Client<Box<dyn Wire>>;
type Open = Session<Box<dyn Wire>>;

/// XOAUTH2: the answer at once, and an empty one to the error that a refusal sends before it.
struct Bearer(Option<String>);

impl Authenticator for Bearer {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        self.0.take().unwrap_or_default()
    }
}

fn wrong(what: &str, why: impl fmt::Display) -> InboundError {
    // A server may repeat what it was told: the log has no use for an address.
    let words: Vec<String> = why
        .to_string()
        .split_whitespace()
        .map(|word| if word.contains('@') { "…".to_owned() } else { word.to_owned() })
        .collect();
    InboundError::Mailbox(format!("{what}: {}", words.join(" ").chars().take(300).collect::<String>()))
}

/// One step, not longer than [`PATIENCE`].
async fn step<T, E: fmt::Display>(what: &str, work: impl Future<Output = Result<T, E>>) -> Result<T, InboundError> {
    match timeout(PATIENCE, work).await {
        Ok(done) => done.map_err(|error| wrong(what, error)),
        Err(_) => Err(wrong(what, "no answer in time")),
    }
}

/// Keeps every message of the folder that has not been kept. Returns how many were new.
pub(super) async fn fetch(postbox: &Postbox, mailbox: &Mailbox) -> Result<u64, InboundError> {
    let mut session = open(mailbox).await?;
    let capabilities = step("capabilities", session.capabilities()).await?;
    let can_move = capabilities.has_str("MOVE") && !mailbox.processed.is_empty();
    if can_move {
        // It is there already, as a rule: then the server says no.
        let make = format!("CREATE {}", quoted(&mailbox.processed));
        let _ = timeout(PATIENCE, session.run_command_and_check_ok(make)).await;
    }
    step("folder", session.select(&mailbox.folder)).await?;
    let uids = step("search", session.uid_search(format!("UNDELETED UNKEYWORD {KEPT}"))).await?;
    let mut uids: Vec<u32> = uids.into_iter().collect();
    uids.sort_unstable();
    let (mut fetched, mut unreadable) = (0, 0u64);
    for uid in uids {
        let Some(raw) = message(&mut session, uid).await? else {
            unreadable += 1;
            continue;
        };
        fetched += u64::from(postbox.keep(InboundSource::Imap, &raw).await?);
        if can_move {
            let target = quoted(&mailbox.processed);
            step("move", session.run_command_and_check_ok(format!("UID MOVE {uid} {target}"))).await?;
        } else {
            step("mark", session.run_command_and_check_ok(format!("UID STORE {uid} +FLAGS.SILENT ({KEPT} \\Seen)")))
                .await?;
        }
        // What the server says beside its answers would fill up.
        while session.unsolicited_responses.try_recv().is_ok() {}
    }
    if unreadable > 0 {
        warn!(messages = unreadable, "Messages of the mailbox were not given out and stay where they are");
    }
    if fetched > 0 {
        info!(messages = fetched, "Fetched messages from the mailbox");
    }
    let _ = timeout(PATIENCE, session.logout()).await;
    Ok(fetched)
}

/// The bytes of a message, not more than are kept and one; it stays unseen.
async fn message(session: &mut Open, uid: u32) -> Result<Option<Vec<u8>>, InboundError> {
    let query = format!("(UID BODY.PEEK[]<0.{}>)", LARGEST + 1);
    let fetching = async {
        let mut raw = None;
        let mut answers = session.uid_fetch(uid.to_string(), query).await?;
        while let Some(answer) = answers.try_next().await? {
            if answer.uid == Some(uid)
                && let Some(body) = answer.body()
            {
                raw = Some(body.to_vec());
            }
        }
        Ok::<_, async_imap::error::Error>(raw)
    };
    step("fetch", fetching).await
}

async fn open(mailbox: &Mailbox) -> Result<Open, InboundError> {
    let address = (mailbox.host.as_str(), mailbox.port);
    let tcp = step("connect", TcpStream::connect(address)).await?;
    let tls = || tls_client(&mailbox.host, mailbox.authorities.as_deref()).map_err(|why| wrong("TLS", why));
    let client: Connection = match mailbox.tls {
        Tls::Implicit => {
            let (connector, name) = tls()?;
            greeted(Box::new(step("TLS", connector.connect(name, tcp)).await?)).await?
        }
        Tls::Starttls => {
            let (connector, name) = tls()?;
            let mut plain = greeted(Box::new(tcp)).await?;
            step("STARTTLS", plain.run_command_and_check_ok("STARTTLS", None)).await?;
            Client::new(Box::new(step("TLS", connector.connect(name, plain.into_inner())).await?))
        }
        Tls::None => greeted(Box::new(tcp)).await?,
    };
    match &mailbox.login {
        Login::Password { username, password } => {
            step("login", async { client.login(username, password).await.map_err(|(error, _)| error) }).await
        }
        Login::Token { username, source } => {
            let token = source.token().await.map_err(|error| InboundError::Mailbox(error.to_string()))?;
            let bearer = Bearer(Some(format!("user={username}\x01auth=Bearer {token}\x01\x01")));
            let opened =
                step("login", async { client.authenticate("XOAUTH2", bearer).await.map_err(|(error, _)| error) }).await;
            if opened.is_err() {
                source.forget().await;
            }
            opened
        }
    }
}

/// A client that has heard the server's greeting.
async fn greeted(wire: Box<dyn Wire>) -> Result<Connection, InboundError> {
    let mut client = Client::new(wire);
    match step("greeting", client.read_response()).await? {
        Some(_) => Ok(client),
        None => Err(wrong("greeting", "the server hung up")),
    }
}

/// A folder's name as IMAP quotes it; line ends have no place in it.
fn quoted(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
