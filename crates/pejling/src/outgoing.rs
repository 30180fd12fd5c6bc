//! What the configuration says of outgoing mail, as the parts that send it: relays, their logins, the signer.
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mailout::dkim::{Signer, SigningKey};
use mailout::oauth::{Endpoint, TokenSource};
use mailout::worker::Schedule;
use mailout::{Login, Relay, Timeouts, Tls, Transport};

use crate::config::{Dkim, FurtherRelay, Mail, MailTls, MailTransport, OAuth};

/// Messages after which a connection to the relay is made anew.
const RECYCLE_AFTER: u32 = 500;

/// The way out and what goes with every message.
#[derive(Clone)]
pub struct Outgoing {
    /// Relays, files or the table.
    pub transport: Transport,
    /// Who signs.
    pub signer: Option<Arc<Signer>>,
    /// Template of return paths; none: bounces go to the sender.
    pub return_path: Option<String>,
    /// The only addresses that get mail; none: everybody.
    pub only_to: Vec<String>,
    /// Pace of the worker.
    pub schedule: Schedule,
    /// What we call ourselves: to relays, and in the outbox. Empty: nothing in particular.
    pub name: String,
}

impl From<Transport> for Outgoing {
    fn from(transport: Transport) -> Self {
        Self {
            transport,
            signer: None,
            return_path: None,
            only_to: Vec::new(),
            schedule: Schedule::default(),
            name: String::new(),
        }
    }
}

impl Outgoing {
    /// What the configuration names.
    ///
    /// # Errors
    /// A key that cannot be read, a login that is half there: one sentence.
    pub fn of(mail: &Mail, data_dir: &Path) -> Result<Self> {
        let transport = match mail.transport {
            MailTransport::File => Transport::File(data_dir.join("mail")),
            MailTransport::Smtp => {
                let mut relays = vec![first(mail)?];
                for further in &mail.relay {
                    relays.push(another(mail, further)?);
                }
                Transport::Smtp(relays)
            }
        };
        let return_path = Some(mail.return_path.trim().to_owned()).filter(|path| !path.is_empty());
        let schedule = Schedule {
            claim: Duration::from_secs(mail.take_over_seconds.max(1)),
            lease: Duration::from_secs(mail.doubt_seconds.max(1)),
            per_domain: u32::try_from(mail.per_domain).ok().filter(|n| *n > 0),
            silence: match mail.pause_after_hours {
                0 => Duration::MAX,
                hours => Duration::from_secs(hours.saturating_mul(3600)),
            },
            ..Schedule::default()
        };
        Ok(Self {
            transport,
            signer: signer(&mail.dkim)?.map(Arc::new),
            return_path,
            only_to: mail.only_to(),
            schedule,
            name: mail.hello.clone(),
        })
    }
}

/// The relay that `[mail]` itself describes.
fn first(mail: &Mail) -> Result<Relay> {
    Ok(Relay {
        tls: tls(mail.tls),
        authorities: path(&mail.authorities_file),
        login: login(&mail.host, &mail.username, mail.password.reveal(), &mail.oauth, &mail.authorities_file)?,
        hello: Some(mail.hello.clone()).filter(|h| !h.is_empty()),
        workers: mail.workers,
        per_minute: u32::try_from(mail.per_minute).ok().filter(|n| *n > 0),
        ..plain_relay(&mail.host, mail.port)
    })
}

/// A further relay: what it does not say is as in `[mail]`, but for who we are there.
fn another(mail: &Mail, relay: &FurtherRelay) -> Result<Relay> {
    let authorities = relay.authorities_file.as_ref().unwrap_or(&mail.authorities_file);
    Ok(Relay {
        tls: tls(relay.tls.unwrap_or(mail.tls)),
        authorities: path(authorities),
        login: login(&relay.host, &relay.username, relay.password.reveal(), &relay.oauth, authorities)?,
        hello: Some(relay.hello.as_ref().unwrap_or(&mail.hello).clone()).filter(|h| !h.is_empty()),
        workers: relay.workers.unwrap_or(mail.workers),
        per_minute: u32::try_from(relay.per_minute.unwrap_or(mail.per_minute)).ok().filter(|n| *n > 0),
        ..plain_relay(&relay.host, relay.port.unwrap_or(mail.port))
    })
}

fn login(host: &str, username: &str, password: &str, oauth: &OAuth, authorities: &str) -> Result<Option<Login>> {
    let source = token_source(oauth, authorities).with_context(|| format!("relay {host}"))?;
    match (username, source) {
        ("", None) if password.is_empty() => Ok(None),
        ("", _) => bail!("relay {host}: a username is missing for its password or access token"),
        (_, Some(_)) if !password.is_empty() => bail!("relay {host}: either a password or oauth, not both"),
        (username, Some(source)) => Ok(Some(Login::Token { username: username.to_owned(), source: Arc::new(source) })),
        (username, None) => Ok(Some(Login::password(username, password))),
    }
}

/// Where access tokens come from; `None` when nothing is set.
///
/// # Errors
/// When two ways are named, or an endpoint is not one.
pub fn token_source(oauth: &OAuth, authorities: &str) -> Result<Option<TokenSource>> {
    match (oauth.token_file.as_str(), oauth.token_command.as_str(), oauth.endpoint.as_str()) {
        ("", "", "") => Ok(None),
        (file, "", "") => Ok(Some(TokenSource::file(file))),
        ("", command, "") => Ok(Some(TokenSource::command(command))),
        ("", "", url) => Ok(Some(TokenSource::endpoint(Endpoint {
            url: url.to_owned(),
            client_id: oauth.client_id.clone(),
            client_secret: oauth.client_secret.reveal().to_owned(),
            refresh_token: oauth.refresh_token.reveal().to_owned(),
            scope: oauth.scope.clone(),
            authorities: path(authorities),
        })?)),
        _ => bail!("oauth: only one of token_file, token_command and endpoint"),
    }
}

/// The signer of `[mail.dkim]`; `None` when it is empty.
///
/// # Errors
/// A name or key that cannot be used.
pub fn signer(dkim: &Dkim) -> Result<Option<Signer>> {
    let keys = [(&dkim.selector, &dkim.key_file), (&dkim.ed25519_selector, &dkim.ed25519_key_file)];
    if dkim.domain.is_empty() && keys.iter().all(|(selector, file)| selector.is_empty() && file.is_empty()) {
        return Ok(None);
    }
    let mut signer = Signer::new(&dkim.domain).context("mail.dkim.domain")?;
    for (selector, file) in keys {
        match (selector.as_str(), file.as_str()) {
            ("", "") => {}
            ("", _) | (_, "") => bail!("mail.dkim: a selector and its key file belong together"),
            (selector, file) => signer = signer.with_key(selector, SigningKey::from_file(Path::new(file))?)?,
        }
    }
    if signer.published().next().is_none() {
        bail!("mail.dkim: there is a domain and no key (make one with `pejling mail dkim-key`)");
    }
    Ok(Some(signer))
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

const fn tls(tls: MailTls) -> Tls {
    match tls {
        MailTls::Starttls => Tls::Starttls,
        MailTls::Implicit => Tls::Implicit,
        MailTls::None => Tls::None,
    }
}

/// A relay without TLS or login, as on the same machine.
#[must_use]
pub fn plain_relay(host: &str, port: u16) -> Relay {
    Relay {
        host: host.to_owned(),
        port,
        tls: Tls::None,
        authorities: None,
        login: None,
        hello: None,
        workers: 4,
        per_minute: None,
        recycle_after: RECYCLE_AFTER,
        timeouts: Timeouts::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn of(text: &str) -> Result<Outgoing> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pejling.toml");
        std::fs::write(&file, text).unwrap();
        let config = Config::load(Some(&file), std::iter::empty(), &[])?;
        Outgoing::of(&config.mail, Path::new("data"))
    }

    fn relays(text: &str) -> Vec<Relay> {
        match of(text).unwrap_or_else(|e| panic!("{e:#}")).transport {
            Transport::Smtp(relays) => relays,
            _ => panic!("no relays"),
        }
    }

    #[test]
    fn further_relays_take_what_they_do_not_say_but_never_the_password() {
        let relays = relays(
            "[mail]\ntransport = \"smtp\"\nhost = \"one.example\"\nusername = \"a\"\npassword = \"b\"\nworkers = 7\nhello = \"svar.example\"\n\
             [[mail.relay]]\nhost = \"two.example\"\nper_minute = 60\n\
             [[mail.relay]]\nhost = \"three.example\"\nport = 465\ntls = \"implicit\"\nusername = \"c\"\n[mail.relay.oauth]\ntoken_file = \"/run/token\"\n",
        );
        assert_eq!(
            relays.iter().map(Relay::name).collect::<Vec<_>>(),
            ["one.example:587", "two.example:587", "three.example:465"]
        );
        assert!(matches!(&relays[0].login, Some(Login::Password { username, .. }) if username == "a"));
        assert!(relays[1].login.is_none() && relays[1].per_minute == Some(60) && relays[1].workers == 7);
        assert_eq!((relays[1].tls, relays[2].tls), (Tls::Starttls, Tls::Implicit));
        assert_eq!(relays[2].hello.as_deref(), Some("svar.example"));
        assert!(matches!(&relays[2].login, Some(Login::Token { username, .. }) if username == "c"));
    }

    #[test]
    fn what_is_half_there_is_named() {
        let relay = |more: &str| format!("[mail]\ntransport = \"smtp\"\nhost = \"one.example\"\n{more}");
        for (text, said) in [
            (relay("password = \"b\""), "username is missing"),
            (relay("username = \"a\"\npassword = \"b\"\n[mail.oauth]\ntoken_file = \"t\""), "not both"),
            (relay("username = \"a\"\n[mail.oauth]\ntoken_file = \"t\"\ntoken_command = \"c\""), "only one of"),
            (relay("username = \"a\"\n[mail.oauth]\nendpoint = \"http://login.example/\""), "https"),
            (relay("[mail.dkim]\ndomain = \"a.dk\""), "no key"),
            (relay("[mail.dkim]\ndomain = \"a.dk\"\nselector = \"s\""), "belong together"),
            (relay("[mail.dkim]\ndomain = \"a b\"\nselector = \"s\"\nkey_file = \"x\""), "mail.dkim.domain"),
            (relay("[mail.dkim]\ndomain = \"a.dk\"\nselector = \"s\"\nkey_file = \"/none\""), "/none"),
            (relay("[[mail.relay]]\nport = 25"), "host"),
            (relay("[[mail.relay]]\nhost = \"b\"\nhots = \"c\""), "hots"),
        ] {
            let error = format!("{:#}", of(&text).err().unwrap_or_else(|| panic!("{text} was taken")));
            assert!(error.contains(said), "{said}: {error}");
        }
    }
}
