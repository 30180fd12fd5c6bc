//! Configuration: defaults ← file ← environment ← flags, in that order; unknown keys are refused.
//!
//! The defaults are the example file `pejling.example.toml`, so that what it says is what holds.
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The shipped example: every key with its default.
pub const EXAMPLE: &str = include_str!("../../../pejling.example.toml");
/// What an environment variable of ours begins with.
const PREFIX: &str = "PEJLING_";

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the web server listens.
    pub listen: String,
    /// The address people see, without a trailing slash; empty: `http://<listen>`.
    pub public_url: String,
    /// Proxies whose word on a visitor's address is believed, separated by commas; empty: nobody's.
    pub trusted_proxies: String,
    /// Folder of the embedded database, the secret key and mail written to files.
    pub data_dir: PathBuf,
    /// `postgres://…` or `sqlite:<path>`; empty: SQLite in `data_dir`.
    pub database: String,
    /// The secret key from which links and hashes are derived; empty: made beside SQLite on first start.
    pub secret_key_file: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
    /// Filter of the log: `info`, `pejling=debug,info`, …
    pub log: String,
    /// Where metrics are served; empty: nowhere.
    pub metrics_listen: String,
    /// How staff sign in.
    pub sign_in: SignIn,
    /// Sending mail.
    pub mail: Mail,
}

/// How staff sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// By a password kept here.
    pub local_passwords: bool,
    /// Roles that need a code beside the password, separated by commas.
    pub second_step: String,
    /// Minutes without a request after which a session ends.
    pub idle_minutes: u64,
    /// Hours after which a session ends in any case.
    pub most_hours: u64,
    /// The municipality's own sign-in.
    pub oidc: SingleSignOn,
}

/// The municipality's own sign-in (OpenID Connect).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SingleSignOn {
    /// The provider's address; empty: none.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: Secret,
    /// File that holds the secret.
    pub client_secret_file: String,
    /// Scopes beside `openid`, separated by spaces.
    pub scopes: String,
    /// The claim that lists groups.
    pub groups_claim: String,
    /// Addresses count although the provider does not say that it has verified them.
    pub trust_email: bool,
    /// Certificate authorities (PEM) of a provider with a certificate of its own house.
    pub authorities_file: String,
    /// Text of the button.
    pub button: String,
    /// Which group opens what; only from the file.
    #[serde(default)]
    pub role: Vec<SingleRole>,
}

/// A group that opens something.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SingleRole {
    /// The group as the claim names it.
    pub group: String,
    /// What it opens.
    pub role: String,
    /// Where; empty: at every municipality.
    #[serde(default)]
    pub municipality: String,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Sending mail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// `file`: into `data_dir/mail`; `smtp`: through the relay.
    pub transport: MailTransport,
    /// The relay's host.
    pub host: String,
    /// The relay's port.
    pub port: u16,
    /// `starttls`, `implicit` or `none` (a relay on the same machine or network).
    pub tls: MailTls,
    /// User at the relay; empty: no login.
    pub username: String,
    /// Password at the relay.
    pub password: Secret,
    /// File that holds the password (instead of `password`).
    pub password_file: String,
    /// Certificate authorities (PEM) of a relay with a certificate of its own house; empty: the system's.
    pub authorities_file: String,
    /// Connections to the relay at the same time.
    pub workers: usize,
    /// Most messages a minute; 0: as fast as the relay takes them.
    pub per_minute: u64,
    /// Most messages a minute to one recipient domain; 0: no limit.
    pub per_domain: u64,
    /// Hours without a sender after which what was waiting is not sent before a person says so; 0: never.
    pub pause_after_hours: u64,
    /// Seconds after which what a sender that died had taken goes to another one.
    pub take_over_seconds: u64,
    /// Seconds without an answer after which a message is in doubt.
    pub doubt_seconds: u64,
    /// The only addresses that get mail, separated by commas; empty: everybody.
    pub only_to: String,
    /// What we call ourselves in EHLO; empty: our address.
    pub hello: String,
    /// An access token instead of the password.
    pub oauth: OAuth,
    /// Signatures.
    pub dkim: Dkim,
    /// Template of return paths (`bounce+{id}@…`); empty: bounces go to the sender.
    pub return_path: String,
    /// Mail that comes in.
    pub inbox: Inbox,
    /// Further relays; only from the file.
    #[serde(default)]
    pub relay: Vec<FurtherRelay>,
}

/// An access token instead of a password; one way at most.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OAuth {
    /// A file that something else keeps fresh.
    pub token_file: String,
    /// A command that prints one.
    pub token_command: String,
    /// The provider's token endpoint.
    pub endpoint: String,
    /// The application there.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// File that holds the secret.
    pub client_secret_file: String,
    /// What renews access; empty: by client credentials.
    pub refresh_token: Secret,
    /// File that holds the refresh token.
    pub refresh_token_file: String,
    /// What for.
    pub scope: String,
}

/// Mail that comes in: where it is fetched from, and who may bring it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inbox {
    /// IMAP server; empty: no mailbox.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Certificate authorities (PEM) of a server with a certificate of its own house; empty: the system's.
    pub authorities_file: String,
    /// User.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// File that holds the password.
    pub password_file: String,
    /// File with an access token, instead of a password.
    pub token_file: String,
    /// Command that prints one.
    pub token_command: String,
    /// The folder that mail arrives in.
    pub folder: String,
    /// The folder that read mail is moved to; empty: it stays and is marked.
    pub processed: String,
    /// A Maildir, or a folder into which messages are put; empty: none.
    pub maildir: String,
    /// Secret of whoever brings mail over HTTP; empty: nobody does.
    pub webhook_secret: Secret,
    /// File that holds that secret.
    pub webhook_secret_file: String,
    /// Seconds between two looks.
    pub every_seconds: u64,
    /// Short name of the municipality whose mail this is when nothing in it says so.
    pub municipality: String,
}

/// DKIM signatures.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The domain that signs; empty: nobody does.
    pub domain: String,
    /// Where the RSA key is published.
    pub selector: String,
    /// File of the RSA key (PEM).
    pub key_file: String,
    /// Where the Ed25519 key is published.
    pub ed25519_selector: String,
    /// File of the Ed25519 key (PEM).
    pub ed25519_key_file: String,
}

/// A relay beside the first; what it does not say is as in `[mail]`, but for who we are there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FurtherRelay {
    /// Host.
    pub host: String,
    /// Port.
    pub port: Option<u16>,
    /// Protection.
    pub tls: Option<MailTls>,
    /// User; empty: no login.
    #[serde(default)]
    pub username: String,
    /// Password.
    #[serde(default)]
    pub password: Secret,
    /// File that holds the password.
    #[serde(default)]
    pub password_file: String,
    /// An access token instead of the password.
    #[serde(default)]
    pub oauth: OAuth,
    /// Certificate authorities (PEM).
    pub authorities_file: Option<String>,
    /// Name in EHLO.
    pub hello: Option<String>,
    /// Connections.
    pub workers: Option<usize>,
    /// Most messages a minute.
    pub per_minute: Option<u64>,
}

impl Mail {
    /// The only addresses that get mail; none: everybody.
    #[must_use]
    pub fn only_to(&self) -> Vec<String> {
        self.only_to.split(',').map(str::trim).filter(|address| !address.is_empty()).map(str::to_owned).collect()
    }
}

/// Where mail goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// Into files.
    File,
    /// Through a relay.
    Smtp,
}

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// STARTTLS, required.
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// None.
    None,
}

/// A value that must not be shown.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path}: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// A key or variable nobody knows.
    #[error("{place}: unknown key {key:?} (known: {known})")]
    Unknown {
        /// File or "environment".
        place: String,
        /// The key.
        key: String,
        /// Those that exist.
        known: String,
    },
    /// A value of the wrong form.
    #[error("configuration: {0}")]
    Value(String),
}

impl Config {
    /// Reads the layers. `file` is named by the user and must exist; `environment` are all variables; `flags` are keys set on the command line.
    ///
    /// # Errors
    /// [`ConfigError`] naming the place and key.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> Result<Self, ConfigError> {
        let mut table: toml::Table = toml::from_str(EXAMPLE).expect("the shipped example is TOML (a test holds it)");
        let known = keys(&table, "");
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
            let mut layer: toml::Table = toml::from_str(&text).map_err(|e| ConfigError::Syntax {
                path: path.into(),
                message: e.to_string().trim().replace('\n', " "),
            })?;
            // A list has no default to be compared with: its keys are checked when it is read.
            for path in LISTS {
                take_list(&mut table, &mut layer, path);
            }
            for key in keys(&layer, "") {
                let value = find(&layer, &key).cloned().expect("the key comes from this table");
                set(&mut table, &known, &path.display().to_string(), &key, value)?;
            }
        }
        let variables = environment.filter(|(name, _)| name.starts_with(PREFIX) && !reserved(name));
        let mut variables: Vec<_> = variables.collect();
        variables.sort();
        for (name, value) in variables {
            let flat = name[PREFIX.len()..].to_lowercase();
            let key = known.iter().find(|k| k.replace('.', "_") == flat).cloned().unwrap_or(flat);
            set(&mut table, &known, &format!("environment variable {name}"), &key, toml::Value::String(value))?;
        }
        for (key, value) in flags {
            set(&mut table, &known, "command line", key, toml::Value::String(value.clone()))?;
        }
        let mut config: Self =
            table.try_into().map_err(|e: toml::de::Error| ConfigError::Value(e.message().to_owned()))?;
        config.finish()?;
        Ok(config)
    }

    /// Reads secret files and fills what follows from other keys.
    fn finish(&mut self) -> Result<(), ConfigError> {
        let mail = &mut self.mail;
        read_secret(&mut mail.password, &mail.password_file)?;
        mail.oauth.finish()?;
        let oidc = &mut self.sign_in.oidc;
        read_secret(&mut oidc.client_secret, &oidc.client_secret_file)?;
        read_secret(&mut mail.inbox.password, &mail.inbox.password_file)?;
        read_secret(&mut mail.inbox.webhook_secret, &mail.inbox.webhook_secret_file)?;
        for relay in &mut mail.relay {
            read_secret(&mut relay.password, &relay.password_file)?;
            relay.oauth.finish()?;
        }
        if self.database.is_empty() {
            self.database = format!("sqlite:{}", self.data_dir.join("pejling.sqlite").display());
        }
        self.public_url = self.public_url.trim_end_matches('/').to_owned();
        Ok(())
    }

    /// Is the database the embedded one?
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.database.starts_with("sqlite:")
    }

    /// The address people see.
    #[must_use]
    pub fn public_url(&self) -> String {
        if self.public_url.is_empty() { format!("http://{}", self.listen) } else { self.public_url.clone() }
    }
}

impl OAuth {
    /// Reads secret files.
    pub(crate) fn finish(&mut self) -> Result<(), ConfigError> {
        read_secret(&mut self.client_secret, &self.client_secret_file)?;
        read_secret(&mut self.refresh_token, &self.refresh_token_file)
    }
}

/// Takes a secret from its file, when one is named.
pub(crate) fn read_secret(secret: &mut Secret, file: &str) -> Result<(), ConfigError> {
    if !file.is_empty() {
        let path = PathBuf::from(file);
        let text = std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable { path, source })?;
        *secret = Secret(text.trim_end().to_owned());
    }
    Ok(())
}

/// Lists, by the tables that lead to them.
const LISTS: [&[&str]; 2] = [&["mail", "relay"], &["sign_in", "oidc", "role"]];

/// Moves a list from a layer into the table.
fn take_list(table: &mut toml::Table, layer: &mut toml::Table, path: &[&str]) {
    let [folders @ .., name] = path else { return };
    let (mut from, mut to) = (layer, table);
    for folder in folders {
        let Some(inner) = from.get_mut(*folder).and_then(toml::Value::as_table_mut) else { return };
        from = inner;
        let Some(inner) = to.get_mut(*folder).and_then(toml::Value::as_table_mut) else { return };
        to = inner;
    }
    if let Some(list) = from.remove(*name) {
        to.insert((*name).to_owned(), list);
    }
}

/// Variables with our prefix that are not configuration keys: the file's name, and what the tests are told.
fn reserved(name: &str) -> bool {
    name == "PEJLING_CONFIG" || name.starts_with("PEJLING_TEST_")
}

/// All keys of a table in dotted form.
fn keys(table: &toml::Table, prefix: &str) -> Vec<String> {
    table
        .iter()
        .flat_map(|(name, value)| match value {
            toml::Value::Table(inner) => keys(inner, &format!("{prefix}{name}.")),
            _ => vec![format!("{prefix}{name}")],
        })
        .collect()
}

/// The value under a dotted key.
fn find<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    match key.split_once('.') {
        Some((head, rest)) => find(table.get(head)?.as_table()?, rest),
        None => table.get(key),
    }
}

/// Sets a known key, reading text as the type that the default has.
fn set(
    table: &mut toml::Table,
    known: &[String],
    place: &str,
    key: &str,
    value: toml::Value,
) -> Result<(), ConfigError> {
    if !known.iter().any(|k| k == key) {
        return Err(ConfigError::Unknown { place: place.to_owned(), key: key.to_owned(), known: known.join(", ") });
    }
    let wrong = |what: &str| ConfigError::Value(format!("{place}: {key} must be {what}"));
    let mut target = table;
    let mut name = key;
    while let Some((head, rest)) = name.split_once('.') {
        target = target.get_mut(head).and_then(toml::Value::as_table_mut).ok_or_else(|| wrong("in a table"))?;
        name = rest;
    }
    let value = match (&target[name], value) {
        (toml::Value::Integer(_), toml::Value::String(text)) => {
            toml::Value::Integer(text.trim().parse().map_err(|_| wrong("a whole number"))?)
        }
        (toml::Value::Integer(_), value @ toml::Value::Integer(_))
        | (toml::Value::String(_), value @ toml::Value::String(_)) => value,
        (toml::Value::Integer(_), _) => return Err(wrong("a whole number")),
        (toml::Value::Boolean(_), toml::Value::String(text)) => {
            toml::Value::Boolean(text.trim().parse().map_err(|_| wrong("true or false"))?)
        }
        (toml::Value::Boolean(_), value @ toml::Value::Boolean(_)) => value,
        (toml::Value::Boolean(_), _) => return Err(wrong("true or false")),
        _ => return Err(wrong("text in quotes")),
    };
    target.insert(name.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        file: Option<&Path>,
        environment: &[(&str, &str)],
        flags: &[(&str, String)],
    ) -> Result<Config, ConfigError> {
        Config::load(file, environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())), flags)
    }

    #[test]
    fn it_runs_with_nothing_set() {
        let config = load(None, &[], &[]).unwrap();
        assert_eq!(config.database, "sqlite:./data/pejling.sqlite");
        assert_eq!(config.public_url(), "http://127.0.0.1:8080");
        assert_eq!(config.mail.transport, MailTransport::File);
    }

    #[test]
    fn file_yields_to_environment_and_environment_to_flags() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pejling.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:1\"\nlog = \"warn\"\n[mail]\nport = 1\nhost = \"file\"").unwrap();
        let config = load(
            Some(&file),
            &[
                ("PEJLING_LISTEN", "127.0.0.1:2"),
                ("PEJLING_MAIL_PORT", "2"),
                ("PEJLING_TEST_POSTGRES", "x"),
                ("PEJLING_TEST_CHECKERS", "x"),
                ("PATH", "y"),
            ],
            &[("listen", "127.0.0.1:3".into())],
        )
        .unwrap();
        assert_eq!(config.listen, "127.0.0.1:3");
        assert_eq!((config.mail.port, config.mail.host.as_str(), config.log.as_str()), (2, "file", "warn"));
    }

    #[test]
    fn unknown_keys_are_refused_where_they_stand() {
        let error = load(None, &[("PEJLING_MAIL_HOTS", "x")], &[]).unwrap_err().to_string();
        assert!(error.contains("PEJLING_MAIL_HOTS") && error.contains("mail_hots"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pejling.toml");
        std::fs::write(&file, "lisen = \"x\"").unwrap();
        let error = load(Some(&file), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("pejling.toml") && error.contains("lisen"), "{error}");
        assert!(load(None, &[("PEJLING_MAIL_PORT", "many")], &[]).unwrap_err().to_string().contains("whole number"));
    }

    #[test]
    fn nested_keys_come_from_file_and_environment_and_secrets_from_their_files() {
        let folder = tempfile::tempdir().unwrap();
        let (file, secret) = (folder.path().join("pejling.toml"), folder.path().join("secret"));
        std::fs::write(&secret, "hemmelig\n").unwrap();
        std::fs::write(&file, "[mail.dkim]\ndomain = \"a.dk\"\n[[mail.relay]]\nhost = \"b\"\npassword = \"skjult\"")
            .unwrap();
        let environment =
            [("PEJLING_MAIL_DKIM_SELECTOR", "s1"), ("PEJLING_MAIL_OAUTH_CLIENT_SECRET_FILE", secret.to_str().unwrap())];
        let config = load(Some(&file), &environment, &[]).unwrap();
        assert_eq!((config.mail.dkim.domain.as_str(), config.mail.dkim.selector.as_str()), ("a.dk", "s1"));
        assert_eq!(config.mail.oauth.client_secret.reveal(), "hemmelig");
        assert_eq!(config.mail.relay.len(), 1);
        let shown = format!("{config:?}");
        assert!(!shown.contains("hemmelig") && !shown.contains("skjult"));
        std::fs::write(&file, "[mail.dkim]\nkey = \"a\"").unwrap();
        assert!(load(Some(&file), &[], &[]).unwrap_err().to_string().contains("mail.dkim.key"));
    }

    #[test]
    fn a_table_in_a_table_is_set_by_file_and_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pejling.toml");
        std::fs::write(&file, "[mail.inbox]\nhost = \"imap.hojager.example\"\nport = 143").unwrap();
        let config = load(Some(&file), &[("PEJLING_MAIL_INBOX_PORT", "144")], &[]).unwrap();
        assert_eq!((config.mail.inbox.host.as_str(), config.mail.inbox.port), ("imap.hojager.example", 144));
        std::fs::write(&file, "[mail.inbox]\nhots = \"x\"").unwrap();
        let error = load(Some(&file), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("mail.inbox.hots"), "{error}");
    }

    #[test]
    fn a_password_comes_from_its_file_and_is_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "hemmelig\n").unwrap();
        let config = load(None, &[("PEJLING_MAIL_PASSWORD_FILE", file.to_str().unwrap())], &[]).unwrap();
        assert_eq!(config.mail.password.reveal(), "hemmelig");
        assert!(!format!("{config:?}").contains("hemmelig"));
    }
}
