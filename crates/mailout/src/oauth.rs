//! Access tokens for servers that take them instead of a password (OAuth 2.0), and the login they make (XOAUTH2).
//!
//! A token comes from a file that something else keeps fresh, from a command, or from the provider's token endpoint, by a
//! refresh token or by client credentials. It is kept until shortly before it expires and never written anywhere.
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use data_encoding::BASE64;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::smtp::tls_client;

/// How long a token may be on its way.
const PATIENCE: Duration = Duration::from_secs(30);
/// A token is not used in its last minutes: it must outlive the login.
const MARGIN: Duration = Duration::from_secs(120);
/// How long a command's token is kept; a command does not say when it expires.
const COMMAND_LIFE: Duration = Duration::from_secs(300);
/// What a token endpoint's lifetime is taken for when it states none (RFC 6749 recommends to state one).
const USUAL_LIFE: u64 = 600;
/// The longest answer of a token endpoint.
const MAX_ANSWER: usize = 64 * 1024;
/// What stands for itself in a form (RFC 3986, unreserved).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why there is no token. Holds nothing secret.
#[derive(Debug, thiserror::Error)]
#[error("no access token: {0}")]
pub struct TokenError(String);

impl TokenError {
    pub(crate) fn because(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// Where tokens come from. No `Debug`: it holds secrets.
pub struct TokenSource {
    origin: Origin,
    kept: Mutex<Option<Kept>>,
}

enum Origin {
    File(PathBuf),
    Command(String),
    Endpoint(Box<Endpoint>),
}

struct Kept {
    token: String,
    until: Instant,
}

/// A provider's token endpoint and what we show it. No `Debug`.
pub struct Endpoint {
    /// `https://login.example/oauth2/token`; `http` only on this machine.
    pub url: String,
    /// The application.
    pub client_id: String,
    /// Its secret; empty for an application without one.
    pub client_secret: String,
    /// What renews access (grant `refresh_token`); empty: grant `client_credentials`.
    pub refresh_token: String,
    /// What for; empty: as granted.
    pub scope: String,
    /// Further certificate authorities (PEM).
    pub authorities: Option<PathBuf>,
}

/// What a token endpoint answers (RFC 6749 § 5).
#[derive(serde::Deserialize)]
struct Answer {
    access_token: Option<String>,
    expires_in: Option<serde_json::Value>,
    refresh_token: Option<String>,
    error: Option<String>,
}

impl TokenSource {
    /// A file that holds the token and that something else keeps fresh; read anew for each login.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::of(Origin::File(path.into()))
    }

    /// A command for the shell whose first line of output is the token; its errors go to our standard error.
    #[must_use]
    pub fn command(command: &str) -> Self {
        Self::of(Origin::Command(command.to_owned()))
    }

    /// A token endpoint.
    ///
    /// # Errors
    /// [`TokenError`] for an address that is not `https`.
    pub fn endpoint(endpoint: Endpoint) -> Result<Self, TokenError> {
        Place::of(&endpoint.url)?;
        Ok(Self::of(Origin::Endpoint(Box::new(endpoint))))
    }

    fn of(origin: Origin) -> Self {
        Self { origin, kept: Mutex::new(None) }
    }

    /// A token to log in with now.
    ///
    /// # Errors
    /// [`TokenError`] saying where it could not be had.
    pub async fn token(&self) -> Result<String, TokenError> {
        // Held while a new one is fetched: connections that open together share it.
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|k| k.until > Instant::now()) {
            return Ok(kept.token.clone());
        }
        let (token, life) = match &self.origin {
            Origin::File(path) => {
                let text = tokio::fs::read_to_string(path).await;
                (text.map_err(|e| TokenError(format!("{}: {e}", path.display())))?, Duration::ZERO)
            }
            Origin::Command(command) => (output(command).await?, COMMAND_LIFE),
            Origin::Endpoint(endpoint) => {
                let asked = timeout(PATIENCE, endpoint.ask()).await;
                asked.map_err(|_| TokenError::because("the token endpoint does not answer"))??
            }
        };
        let token = token.lines().next().unwrap_or_default().trim().to_owned();
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(TokenError::because("what came is not a token"));
        }
        *kept = Some(Kept { token: token.clone(), until: Instant::now() + life });
        Ok(token)
    }

    /// The server refused the token: the next one is fetched anew.
    pub async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}

/// The first message of an XOAUTH2 login, for SMTP's `AUTH` and IMAP's `AUTHENTICATE`.
#[must_use]
pub fn xoauth2(username: &str, token: &str) -> String {
    BASE64.encode(format!("user={username}\u{1}auth=Bearer {token}\u{1}\u{1}").as_bytes())
}

async fn output(command: &str) -> Result<String, TokenError> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(command).stdin(std::process::Stdio::null()).stderr(std::process::Stdio::inherit());
    let ran = timeout(PATIENCE, shell.kill_on_drop(true).output()).await;
    let output = ran
        .map_err(|_| TokenError::because("the token command does not end"))?
        .map_err(|e| TokenError(format!("the token command cannot run: {e}")))?;
    if !output.status.success() {
        return Err(TokenError(format!("the token command ended with {}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| TokenError::because("what came is not a token"))
}

/// Where an endpoint is.
struct Place {
    host: String,
    port: u16,
    protected: bool,
    path: String,
}

impl Place {
    fn of(url: &str) -> Result<Self, TokenError> {
        let wrong = || TokenError::because("the token endpoint must be an https address");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let host = uri.host().ok_or_else(wrong)?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let protected = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if here => false,
            _ => return Err(wrong()),
        };
        let port = uri.port_u16().unwrap_or(if protected { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        Ok(Self { host, port, protected, path })
    }
}

impl Endpoint {
    /// One request: the token and how long to keep it.
    async fn ask(&self) -> Result<(String, Duration), TokenError> {
        let place = Place::of(&self.url)?;
        let away = |e: std::io::Error| TokenError(format!("the token endpoint cannot be reached: {e}"));
        let tcp = TcpStream::connect((place.host.as_str(), place.port)).await.map_err(away)?;
        let answer = if place.protected {
            let (connector, name) =
                tls_client(&place.host, self.authorities.as_deref()).map_err(TokenError::because)?;
            self.exchange(&place, connector.connect(name, tcp).await.map_err(away)?).await?
        } else {
            self.exchange(&place, tcp).await?
        };
        let life = answer.expires_in.as_ref().and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()));
        let life = Duration::from_secs(life.unwrap_or(USUAL_LIFE)).saturating_sub(MARGIN);
        let token = answer.access_token.ok_or_else(|| TokenError::because("the endpoint's answer holds none"))?;
        if answer.refresh_token.is_some_and(|t| t != self.refresh_token) && !self.refresh_token.is_empty() {
            tracing::info!("The token endpoint has issued a new refresh token; the configured one stays in use");
        }
        Ok((token, life))
    }

    fn form(&self) -> String {
        let grant = if self.refresh_token.is_empty() { "client_credentials" } else { "refresh_token" };
        [
            ("grant_type", grant),
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("refresh_token", &self.refresh_token),
            ("scope", &self.scope),
        ]
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={}", utf8_percent_encode(value, FORM)))
        .collect::<Vec<_>>()
        .join("&")
    }

    async fn exchange<S>(&self, place: &Place, stream: S) -> Result<Answer, TokenError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |e: hyper::Error| TokenError(format!("the token endpoint broke off: {e}"));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let driver = tokio::spawn(connection);
        let request = Request::post(&place.path)
            .header(
                header::HOST,
                if place.host.contains(':') { format!("[{}]", place.host) } else { place.host.clone() },
            )
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .body(Full::new(Bytes::from(self.form())))
            .map_err(TokenError::because)?;
        let response = sender.send_request(request).await.map_err(broken);
        let result = async {
            let response = response?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
            let body =
                body.map_err(|_| TokenError::because("the endpoint's answer is too long or broke off"))?.to_bytes();
            let answer: Option<Answer> = serde_json::from_slice(&body).ok();
            match answer {
                Some(answer) if status.is_success() && answer.error.is_none() => Ok(answer),
                // The code is a fixed word (invalid_client); the description beside it may name people.
                other => {
                    let code = other.and_then(|a| a.error).unwrap_or_default();
                    let code: String =
                        code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
                    Err(TokenError(format!("the token endpoint answers {} {code}", status.as_u16())))
                }
            }
        }
        .await;
        driver.abort();
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// An endpoint that answers each request with the next of `answers` and passes on what it heard.
    async fn endpoint(answers: &[&str]) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/tenant/token", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (answers, hearing) = (answers.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>(), Arc::clone(&heard));
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = String::new();
                let mut bytes = [0; 4096];
                while !request.ends_with("offline") {
                    let read = stream.read(&mut bytes).await.unwrap();
                    request.push_str(&String::from_utf8_lossy(&bytes[..read]));
                }
                hearing.lock().await.push(request);
                let (status, body) = answer.split_once('|').unwrap();
                let text = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        (url, heard)
    }

    fn source(url: String, refresh_token: &str) -> TokenSource {
        TokenSource::endpoint(Endpoint {
            url,
            client_id: "pejling".into(),
            client_secret: "s&s=".into(),
            refresh_token: refresh_token.into(),
            scope: "https://mail.example/.default offline".into(),
            authorities: None,
        })
        .unwrap_or_else(|e| panic!("{e}"))
    }

    #[tokio::test]
    async fn an_endpoint_is_asked_once_while_its_token_lives() {
        let (url, heard) = endpoint(&[
            "200 OK|{\"access_token\":\"first\",\"expires_in\":3600}",
            "200 OK|{\"access_token\":\"second\",\"expires_in\":\"60\"}",
            "200 OK|{\"access_token\":\"third\"}",
        ])
        .await;
        let source = source(url.replace("/token", "/token?v=2"), "r+/=");
        let (a, b) = tokio::join!(source.token(), source.token());
        assert_eq!((a.unwrap().as_str(), b.unwrap().as_str()), ("first", "first"));
        source.forget().await;
        assert_eq!(source.token().await.unwrap(), "second");
        // A minute is less than the margin: it is used once.
        assert_eq!(source.token().await.unwrap(), "third");
        let heard = heard.lock().await;
        assert!(heard[0].starts_with("POST /tenant/token?v=2 HTTP/1.1\r\n"), "{}", heard[0]);
        assert!(heard[0].ends_with("grant_type=refresh_token&client_id=pejling&client_secret=s%26s%3D&refresh_token=r%2B%2F%3D&scope=https%3A%2F%2Fmail.example%2F.default%20offline"), "{}", heard[0]);
    }

    #[tokio::test]
    async fn a_refusal_names_its_code_and_nothing_else() {
        let (url, heard) = endpoint(&[
            "401 Unauthorized|{\"error\":\"invalid_client\",\"error_description\":\"lis@holm.example s&s=\"}",
            "200 OK|hello",
            "200 OK|{\"access_token\":\"two words\"}",
        ])
        .await;
        let source = source(url, "");
        assert_eq!(
            source.token().await.unwrap_err().to_string(),
            "no access token: the token endpoint answers 401 invalid_client"
        );
        assert!(source.token().await.unwrap_err().to_string().contains("200"));
        assert!(source.token().await.unwrap_err().to_string().contains("not a token"));
        assert!(heard.lock().await[0].contains("grant_type=client_credentials&"));
    }

    #[tokio::test]
    async fn a_file_is_read_for_each_login() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let source = TokenSource::file(&path);
        assert!(source.token().await.unwrap_err().to_string().contains("token: "));
        for token in ["one", "two"] {
            std::fs::write(&path, format!("{token}\n")).unwrap();
            assert_eq!(source.token().await.unwrap(), token);
        }
    }

    #[tokio::test]
    async fn a_command_is_run_again_only_when_its_token_was_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("count");
        let source = TokenSource::command(&format!("echo x >> {0}; wc -l < {0} | tr -d ' '", file.display()));
        assert_eq!((source.token().await.unwrap(), source.token().await.unwrap()), ("1".into(), "1".into()));
        source.forget().await;
        assert_eq!(source.token().await.unwrap(), "2");
        assert!(TokenSource::command("exit 3").token().await.unwrap_err().to_string().contains("exit status: 3"));
    }

    #[tokio::test]
    async fn over_tls_only_a_certificate_that_holds_gets_the_secret() {
        let (path, config, _folder) = crate::smtp::tests::certificate("localhost");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(AtomicU32::new(0));
        let telling = Arc::clone(&told);
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let Ok(mut tls) = tokio_rustls::TlsAcceptor::from(Arc::clone(&config)).accept(tcp).await else {
                    continue;
                };
                telling.fetch_add(1, Ordering::SeqCst);
                let mut bytes = [0; 4096];
                let _ = tls.read(&mut bytes).await.unwrap();
                let body = "{\"access_token\":\"secure\"}";
                let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                tls.write_all(text.as_bytes()).await.unwrap();
                tls.flush().await.unwrap();
            }
        });
        let at = |host: &str, authorities| {
            let url = format!("https://{host}:{port}/token");
            let endpoint = Endpoint {
                url,
                client_id: "p".into(),
                client_secret: "s".into(),
                refresh_token: String::new(),
                scope: String::new(),
                authorities,
            };
            TokenSource::endpoint(endpoint).unwrap_or_else(|e| panic!("{e}"))
        };
        assert!(at("localhost", None).token().await.is_err(), "an authority nobody trusts");
        assert!(at("127.0.0.1", Some(path.clone())).token().await.is_err(), "another name");
        assert_eq!(told.load(Ordering::SeqCst), 0);
        assert_eq!(at("localhost", Some(path)).token().await.unwrap(), "secure");
    }

    #[test]
    fn secrets_do_not_cross_a_network_in_clear() {
        for url in ["http://login.example/token", "ftp://login.example", "token", ""] {
            assert!(Place::of(url).is_err(), "{url}");
        }
        assert_eq!(Place::of("https://login.example").map(|p| (p.port, p.path)).unwrap(), (443, "/".to_owned()));
    }

    #[test]
    fn the_login_is_what_google_and_microsoft_document() {
        assert_eq!(
            xoauth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"),
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
        );
    }
}
