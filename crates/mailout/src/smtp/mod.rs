//! A small SMTP client for one kind of work: many messages, one recipient each, over few connections.
//!
//! It says exactly where a message stands when something goes wrong: refused with the server's words, lost before the
//! final dot (surely not delivered), or unanswered after it (in doubt). A connection that missed a deadline, broke the
//! protocol or said 421 is never used again, so that a late answer cannot be taken for the next one's.
mod relay;
mod reply;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

pub use relay::{Login, Relay, Timeouts, Tls, tls_client};
use reply::ReplyParser;
pub use reply::{Reply, Status};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::oauth::{TokenError, xoauth2};

/// The longest line we read; servers may send 512.
const MAX_LINE: usize = 8192;
/// How long we wait for the answer to QUIT.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a connection runs over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// Where in the conversation something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Name look-up, TCP.
    Connect,
    /// The greeting.
    Greeting,
    /// EHLO.
    Hello,
    /// STARTTLS and the handshake.
    Tls,
    /// AUTH.
    Login,
    /// RSET.
    Reset,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Recipient,
    /// DATA.
    Data,
    /// The message itself.
    Body,
    /// The final dot.
    Dot,
}

/// Why a conversation ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No answer in time.
    #[error("no answer in time ({0:?})")]
    Timeout(Stage),
    /// The server hung up.
    #[error("the server hung up ({0:?})")]
    Closed(Stage),
    /// The network failed.
    #[error("{1} ({0:?})")]
    Io(Stage, io::Error),
    /// The server does not speak SMTP.
    #[error("not SMTP: {1} ({0:?})")]
    Protocol(Stage, &'static str),
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The conversation ended.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The server refused us.
    #[error("refused: {}", .1.words())]
    Refused(Stage, Reply),
    /// The connection would not be protected as configured, or its certificate does not hold.
    #[error("not secure: {0}")]
    Insecure(String),
    /// There is no access token to log in with.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// Sender and recipient of one message, in the form that MAIL and RCPT take.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    from: String,
    to: String,
}

/// What has a meaning in a command line, an address list or a quoted name.
const SPECIAL: &[char] = &['<', '>', '"', '\\', ',', ';', '(', ')'];

/// An address that cannot stand in an envelope.
#[derive(Debug, thiserror::Error)]
#[error("not an address that mail servers take")]
pub struct EnvelopeError;

impl Envelope {
    /// An envelope of two addresses; `from` is the return path. Domains are in their ASCII form; before the recipient's `@`
    /// there may be letters of any script, for servers that take them (SMTPUTF8).
    ///
    /// # Errors
    /// [`EnvelopeError`] when one of them could break the command line or no server would take it.
    pub fn new(from: &str, to: &str) -> Result<Self, EnvelopeError> {
        for (address, own) in [(from, true), (to, false)] {
            let safe = |c: char| (c.is_ascii_graphic() && !SPECIAL.contains(&c)) || (!own && c.is_alphanumeric());
            let (local, domain) = address.rsplit_once('@').ok_or(EnvelopeError)?;
            let whole = !local.is_empty()
                && local.len() <= 64
                && !domain.is_empty()
                && domain.len() <= 255
                && !local.contains('@')
                && domain.is_ascii();
            if !whole || !address.chars().all(safe) {
                return Err(EnvelopeError);
            }
        }
        Ok(Self { from: from.to_owned(), to: to.to_owned() })
    }

    /// The return path.
    #[must_use]
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The recipient.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Does it need a server that takes letters of any script (RFC 6531)?
    #[must_use]
    pub fn is_international(&self) -> bool {
        !self.to.is_ascii()
    }
}

/// How sending one message ended.
#[derive(Debug)]
pub enum Delivery {
    /// 250 after the dot, and nothing else.
    Sent(Reply),
    /// The server said no, at this stage.
    Refused(Stage, Reply),
    /// The connection ended before the end of the message was written: surely not delivered.
    Lost(Fault),
    /// The connection ended after that: perhaps delivered.
    Unanswered(Fault),
}

/// Opens connections to one relay.
pub struct Client {
    relay: Relay,
    connector: Option<(TlsConnector, ServerName<'static>)>,
}

impl Client {
    /// Prepares connections to `relay`.
    ///
    /// # Errors
    /// [`ConnectError::Insecure`] when TLS is asked for and cannot be set up, or when a password would cross a network in clear.
    pub fn new(relay: Relay) -> Result<Self, ConnectError> {
        if relay.tls == Tls::None && relay.login.is_some() && !relay.is_loopback() {
            return Err(ConnectError::Insecure("a password must not cross the network without TLS".into()));
        }
        let connector = match relay.tls {
            Tls::None => None,
            // A relay on this machine may do without TLS, and then a machine without authorities will do as well.
            Tls::Starttls if relay.is_loopback() => relay.connector().ok(),
            Tls::Starttls | Tls::Implicit => Some(relay.connector().map_err(ConnectError::Insecure)?),
        };
        Ok(Self { relay, connector })
    }

    /// The relay.
    #[must_use]
    pub const fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Opens a connection that is ready for a message: greeted, protected, logged in.
    ///
    /// # Errors
    /// [`ConnectError`] saying at which stage it failed.
    pub async fn connect(&self) -> Result<Connection, ConnectError> {
        let address = (self.relay.host.trim_start_matches('[').trim_end_matches(']'), self.relay.port);
        let tcp = within(self.relay.timeouts.connect, Stage::Connect, TcpStream::connect(address)).await?;
        // Without this the dot waits for the acknowledgement of the body: 40 ms for each message.
        tcp.set_nodelay(true).map_err(|e| Fault::Io(Stage::Connect, e))?;
        let own = tcp.local_addr().map_err(|e| Fault::Io(Stage::Connect, e))?.ip();
        let literal = if own.is_ipv6() { format!("[IPv6:{own}]") } else { format!("[{own}]") };
        if self.relay.tls == Tls::Implicit {
            let stream = self.handshake(Box::new(tcp)).await?;
            self.greet(stream, &literal).await
        } else {
            self.greet(Box::new(tcp), &literal).await
        }
    }

    /// Goes on from an open stream: greeting, EHLO, STARTTLS where asked for, login. `literal` is our own address.
    async fn greet(&self, stream: Box<dyn Stream>, literal: &str) -> Result<Connection, ConnectError> {
        let relay = &self.relay;
        let hello = relay
            .hello
            .as_deref()
            .filter(|h| !h.is_empty() && h.bytes().all(|b| b.is_ascii_graphic()))
            .unwrap_or(literal);
        let mut connection = Connection::new(stream, relay.timeouts);
        let greeting = connection.reply(Stage::Greeting, relay.timeouts.greeting).await?;
        if !greeting.is_done() {
            return Err(ConnectError::Refused(Stage::Greeting, greeting));
        }
        connection.hello(hello).await?;
        let mut protected = relay.tls == Tls::Implicit;
        if relay.tls == Tls::Starttls {
            if connection.offers.starttls && self.connector.is_some() {
                connection.demand(Stage::Tls, "STARTTLS\r\n").await?;
                if !connection.received.is_empty() {
                    // Whoever can put text before the handshake could have it taken for the server's protected answers.
                    return Err(Fault::Protocol(Stage::Tls, "text between STARTTLS and the handshake").into());
                }
                connection = Connection::new(self.handshake(connection.stream).await?, relay.timeouts);
                connection.hello(hello).await?;
                protected = true;
            } else if !relay.is_loopback() {
                return Err(ConnectError::Insecure("the server does not offer STARTTLS".into()));
            }
        }
        if let Some(login) = &relay.login {
            if !protected && !relay.is_loopback() {
                return Err(ConnectError::Insecure("a password must not cross the network without TLS".into()));
            }
            connection.login(login).await?;
        }
        Ok(connection)
    }

    async fn handshake(&self, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, ConnectError> {
        let (connector, name) =
            self.connector.as_ref().ok_or_else(|| ConnectError::Insecure("TLS is not set up".into()))?;
        match timeout(self.relay.timeouts.command, connector.connect(name.clone(), stream)).await {
            Err(_) => Err(Fault::Timeout(Stage::Tls).into()),
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err(ConnectError::Insecure(error.to_string()))
            }
            Ok(Err(error)) => Err(Fault::Io(Stage::Tls, error).into()),
        }
    }
}

/// What the server offers in its answer to EHLO.
#[derive(Debug, Default)]
struct Offers {
    pipelining: bool,
    starttls: bool,
    international: bool,
    size: Option<u64>,
    login: Vec<String>,
}

/// One conversation with a server.
pub struct Connection {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
    offers: Offers,
    timeouts: Timeouts,
    open: bool,
    needs_reset: bool,
    taken: u32,
}

impl Connection {
    fn new(stream: Box<dyn Stream>, timeouts: Timeouts) -> Self {
        Self {
            stream,
            received: Vec::new(),
            offers: Offers::default(),
            timeouts,
            open: true,
            needs_reset: false,
            taken: 0,
        }
    }

    /// Can another message be sent over it?
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.open
    }

    /// Messages offered over this connection, taken or refused.
    #[must_use]
    pub const fn taken(&self) -> u32 {
        self.taken
    }

    async fn hello(&mut self, name: &str) -> Result<(), ConnectError> {
        let reply = self.ask(Stage::Hello, &format!("EHLO {name}\r\n"), self.timeouts.command).await?;
        if !reply.is_done() {
            if !matches!(reply.code, 500 | 502 | 504) {
                return Err(ConnectError::Refused(Stage::Hello, reply));
            }
            self.offers = Offers::default();
            return self.demand(Stage::Hello, &format!("HELO {name}\r\n")).await;
        }
        self.offers = Offers::default();
        for line in reply.lines.iter().skip(1) {
            let mut words = line.split_ascii_whitespace().map(str::to_ascii_uppercase);
            match words.next().as_deref() {
                Some("PIPELINING") => self.offers.pipelining = true,
                Some("STARTTLS") => self.offers.starttls = true,
                Some("SMTPUTF8") => self.offers.international = true,
                Some("SIZE") => self.offers.size = words.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0),
                Some("AUTH") => self.offers.login.extend(words),
                _ => {}
            }
        }
        Ok(())
    }

    async fn login(&mut self, login: &Login) -> Result<(), ConnectError> {
        let base64 = |bytes: &[u8]| data_encoding::BASE64.encode(bytes);
        let offered = |way: &str| self.offers.login.iter().any(|w| w == way);
        let (username, password) = match login {
            Login::Password { username, password } => (username, password),
            Login::Token { username, source } => {
                if !offered("XOAUTH2") {
                    let words = "the server does not offer a login with an access token (XOAUTH2)";
                    return Err(ConnectError::Refused(Stage::Login, Reply::own(504, None, words)));
                }
                let token = source.token().await?;
                let Err(refusal) = self.log_in_with(username, &token).await else { return Ok(()) };
                // Only a refusal for good is about the token; it may have been withdrawn before its time.
                if !matches!(&refusal, ConnectError::Refused(_, reply) if reply.code / 100 == 5) {
                    return Err(refusal);
                }
                source.forget().await;
                let fresh = source.token().await?;
                return if fresh == token { Err(refusal) } else { self.log_in_with(username, &fresh).await };
            }
        };
        if offered("PLAIN") || !offered("LOGIN") {
            let secret = base64(format!("\0{username}\0{password}").as_bytes());
            return self.demand(Stage::Login, &format!("AUTH PLAIN {secret}\r\n")).await;
        }
        for line in ["AUTH LOGIN\r\n".to_owned(), format!("{}\r\n", base64(username.as_bytes()))] {
            let reply = self.ask(Stage::Login, &line, self.timeouts.command).await?;
            if reply.code != 334 {
                return Err(ConnectError::Refused(Stage::Login, reply));
            }
        }
        self.demand(Stage::Login, &format!("{}\r\n", base64(password.as_bytes()))).await
    }

    /// One try with an access token.
    async fn log_in_with(&mut self, username: &str, token: &str) -> Result<(), ConnectError> {
        let line = format!("AUTH XOAUTH2 {}\r\n", xoauth2(username, token));
        let mut reply = self.ask(Stage::Login, &line, self.timeouts.command).await?;
        if reply.code == 334 {
            // The server explains itself in base64 and says no only when it has heard an empty line.
            reply = self.ask(Stage::Login, "\r\n", self.timeouts.command).await?;
        }
        if reply.is_done() { Ok(()) } else { Err(ConnectError::Refused(Stage::Login, reply)) }
    }

    /// Offers one message with CRLF line ends. From here on it may arrive: whatever must be on a disk before the final dot must
    /// be there.
    pub async fn send(&mut self, envelope: &Envelope, message: &[u8]) -> Delivery {
        self.taken += 1;
        if let Some(limit) = self.offers.size
            && message.len() as u64 > limit
        {
            return Delivery::Refused(
                Stage::Mail,
                Reply::own(552, None, &format!("the relay takes at most {limit} bytes")),
            );
        }
        if envelope.is_international() && !self.offers.international {
            let status = Status { class: 5, subject: 6, detail: 7 };
            let words = "the relay takes no letters beyond a–z in an address (SMTPUTF8)";
            return Delivery::Refused(Stage::Recipient, Reply::own(553, Some(status), words));
        }
        match self.transaction(envelope, message).await {
            Ok(delivery) => {
                if let Delivery::Refused(_, reply) = &delivery
                    && reply.is_farewell()
                {
                    self.open = false;
                }
                delivery
            }
            Err(fault) => {
                self.open = false;
                Delivery::Lost(fault)
            }
        }
    }

    async fn transaction(&mut self, envelope: &Envelope, message: &[u8]) -> Result<Delivery, Fault> {
        if let Some(farewell) = self.unasked().await? {
            self.open = false;
            return Ok(Delivery::Refused(Stage::Mail, farewell));
        }
        if let Some((stage, reply)) = self.open_data(envelope, message.len()).await? {
            return Ok(Delivery::Refused(stage, reply));
        }
        // The body and the dot in one go: the server is woken once, and nothing waits for an acknowledgement.
        let body = stuffed(message);
        let mut gone = 0;
        let written = within(self.timeouts.body, Stage::Body, async {
            while gone < body.len() {
                match self.stream.write(&body[gone..]).await? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    some => gone += some,
                }
            }
            self.stream.flush().await
        })
        .await;
        let answer = async {
            match written {
                // Without its end the message is surely not delivered.
                Err(fault) if gone < body.len() => return Ok(Err(fault)),
                Err(fault) => return Err(fault),
                Ok(()) => {}
            }
            self.reply(Stage::Dot, self.timeouts.dot).await.map(Ok)
        };
        Ok(match answer.await {
            Ok(Err(fault)) => return Err(fault),
            Ok(Ok(reply)) if reply.code == 250 => Delivery::Sent(reply),
            Ok(Ok(reply)) if reply.code / 100 >= 4 => {
                self.needs_reset = true;
                Delivery::Refused(Stage::Dot, reply)
            }
            Ok(Ok(_)) => {
                self.open = false;
                Delivery::Unanswered(Fault::Protocol(Stage::Dot, "neither 250 nor a refusal after the dot"))
            }
            Err(fault) => {
                self.open = false;
                Delivery::Unanswered(fault)
            }
        })
    }

    /// RSET where needed, MAIL, RCPT, DATA; in one write where the server offers PIPELINING. The refusal, if any.
    async fn open_data(&mut self, envelope: &Envelope, length: usize) -> Result<Option<(Stage, Reply)>, Fault> {
        let size = if self.offers.size.is_some() { format!(" SIZE={length}") } else { String::new() };
        let mut commands = Vec::with_capacity(4);
        if std::mem::take(&mut self.needs_reset) {
            commands.push((Stage::Reset, "RSET\r\n".to_owned()));
        }
        let letters = if envelope.is_international() { " BODY=8BITMIME SMTPUTF8" } else { "" };
        commands.push((Stage::Mail, format!("MAIL FROM:<{}>{size}{letters}\r\n", envelope.from)));
        commands.push((Stage::Recipient, format!("RCPT TO:<{}>\r\n", envelope.to)));
        commands.push((Stage::Data, "DATA\r\n".to_owned()));
        if self.offers.pipelining {
            let all: String = commands.iter().map(|(_, line)| line.as_str()).collect();
            self.write(commands[0].0, all.as_bytes(), self.timeouts.envelope).await?;
        }
        let mut refusal = None;
        for (stage, line) in &commands {
            if !self.offers.pipelining {
                self.write(*stage, line.as_bytes(), self.timeouts.envelope).await?;
            }
            let reply = self.reply(*stage, self.timeouts.envelope).await?;
            let wanted = if *stage == Stage::Data { reply.code == 354 } else { reply.is_done() };
            if reply.is_farewell() {
                return Ok(Some((*stage, reply)));
            }
            if *stage == Stage::Data && wanted && refusal.is_some() {
                // The server opens its mouth although it refused the recipient: an empty message to nobody closes it.
                self.write(Stage::Data, b".\r\n", self.timeouts.body).await?;
                if self.reply(Stage::Data, self.timeouts.envelope).await?.is_farewell() {
                    self.open = false;
                }
            }
            if !wanted {
                if reply.code / 100 < 4 {
                    return Err(Fault::Protocol(*stage, "an answer to another question"));
                }
                self.needs_reset = true;
                refusal.get_or_insert((*stage, reply));
                if !self.offers.pipelining {
                    break;
                }
            }
        }
        Ok(refusal)
    }

    /// Says goodbye.
    pub async fn quit(mut self) {
        if self.open {
            // Politeness only: whatever happens now changes nothing for any message.
            let _ = self.ask(Stage::Reset, "QUIT\r\n", FAREWELL).await;
            let _ = timeout(FAREWELL, self.stream.shutdown()).await;
        }
    }

    /// What the server said without being asked: a farewell (421), or an error when it hung up or talks out of turn.
    async fn unasked(&mut self) -> Result<Option<Reply>, Fault> {
        if self.received.is_empty() {
            let mut bytes = [0; 512];
            let mut buffer = ReadBuf::new(&mut bytes);
            // A look and no wait: what has arrived is there at once.
            let looked = poll_fn(|context| match Pin::new(&mut *self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(result) => Poll::Ready(Some(result)),
                Poll::Pending => Poll::Ready(None),
            });
            match looked.await {
                None => return Ok(None),
                Some(Ok(())) if buffer.filled().is_empty() => return Err(Fault::Closed(Stage::Mail)),
                Some(Ok(())) => self.received.extend_from_slice(buffer.filled()),
                Some(Err(error)) => return Err(Fault::Io(Stage::Mail, error)),
            }
        }
        let reply = self.reply(Stage::Mail, self.timeouts.command).await?;
        if reply.is_farewell() {
            Ok(Some(reply))
        } else {
            Err(Fault::Protocol(Stage::Mail, "an answer nobody asked for"))
        }
    }

    /// Asks and expects 2xx.
    async fn demand(&mut self, stage: Stage, line: &str) -> Result<(), ConnectError> {
        let reply = self.ask(stage, line, self.timeouts.command).await?;
        if reply.is_done() { Ok(()) } else { Err(ConnectError::Refused(stage, reply)) }
    }

    async fn ask(&mut self, stage: Stage, line: &str, limit: Duration) -> Result<Reply, Fault> {
        self.write(stage, line.as_bytes(), limit).await?;
        self.reply(stage, limit).await
    }

    async fn write(&mut self, stage: Stage, bytes: &[u8], limit: Duration) -> Result<(), Fault> {
        within(limit, stage, async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        })
        .await
    }

    /// Reads one whole reply within `limit`.
    async fn reply(&mut self, stage: Stage, limit: Duration) -> Result<Reply, Fault> {
        match timeout(limit, self.read_reply(stage)).await {
            Ok(result) => result,
            Err(_) => Err(Fault::Timeout(stage)),
        }
    }

    async fn read_reply(&mut self, stage: Stage) -> Result<Reply, Fault> {
        let mut parser = ReplyParser::default();
        loop {
            while let Some(end) = self.received.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.received.drain(..=end).collect();
                let line = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
                if let Some(reply) = parser.line(line).map_err(|what| Fault::Protocol(stage, what))? {
                    return Ok(reply);
                }
            }
            if self.received.len() > MAX_LINE {
                return Err(Fault::Protocol(stage, "a line without an end"));
            }
            let mut bytes = [0; 2048];
            match self.stream.read(&mut bytes).await {
                Ok(0) => return Err(Fault::Closed(stage)),
                Ok(length) => self.received.extend_from_slice(&bytes[..length]),
                Err(error) => return Err(Fault::Io(stage, error)),
            }
        }
    }
}

/// `work` within `limit`, with the stage in the error.
async fn within<T>(limit: Duration, stage: Stage, work: impl Future<Output = io::Result<T>>) -> Result<T, Fault> {
    match timeout(limit, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Fault::Io(stage, error)),
        Err(_) => Err(Fault::Timeout(stage)),
    }
}

/// The message as DATA takes it, to its end: a dot before each dot that begins a line, CRLF at the end, the final dot.
fn stuffed(message: &[u8]) -> Vec<u8> {
    const END: &[u8] = b"\r\n.\r\n";
    let mut out = Vec::with_capacity(message.len() + 16);
    // Our own messages have no such line, and the search for one is quick in a text.
    let has_dots = message.starts_with(b".") || std::str::from_utf8(message).map_or(true, |text| text.contains("\n."));
    if has_dots {
        for line in message.split_inclusive(|byte| *byte == b'\n') {
            if line[0] == b'.' {
                out.push(b'.');
            }
            out.extend_from_slice(line);
        }
    } else {
        out.extend_from_slice(message);
    }
    out.extend_from_slice(if out.ends_with(b"\r\n") { &END[2..] } else { END });
    out
}

#[cfg(test)]
pub(crate) mod tests;
