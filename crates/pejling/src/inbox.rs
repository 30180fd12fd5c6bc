//! Mail that comes in, as configured: where it is fetched, who may bring it, and the return path that brings it back.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use mailout::inbound::{Account, Mailbox, Places, Postbox};
use mailout::oauth::TokenSource;
use mailout::{Login, Tls};
use web::auth::Rules;
use web::proxies::Proxies;

use crate::config::{Inbox, Mail, MailTls};
use crate::wiring::Parts;

/// The configuration of what comes in: mail, and requests through proxies. No `Debug`: it holds secrets.
#[derive(Clone)]
pub struct Post {
    /// Template of return paths; none: bounces go to the sender.
    pub return_path: Option<String>,
    /// Where mail is fetched from.
    pub places: Places,
    /// The secret of whoever brings mail over HTTP; none: nobody does.
    pub webhook_secret: Option<String>,
    /// Between two looks.
    pub pause: Duration,
    /// Whose word on a visitor's address is believed.
    pub proxies: Proxies,
    /// How staff sign in; none: as shipped.
    pub rules: Option<Rules>,
}

impl Default for Post {
    fn default() -> Self {
        Self {
            return_path: None,
            places: Places::default(),
            webhook_secret: None,
            pause: Duration::from_secs(60),
            proxies: Proxies::NONE,
            rules: None,
        }
    }
}

impl Post {
    /// What the configuration says.
    ///
    /// # Errors
    /// One sentence about a return path or mailbox that cannot be used.
    pub fn of(mail: &Mail) -> Result<Self> {
        let inbox = &mail.inbox;
        let filled = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let return_path = filled(&mail.return_path);
        if return_path.as_deref().is_some_and(|path| !mailout::bounce::is_return_path(path)) {
            bail!(
                "mail.return_path must be an address like \"bounce+{{id}}@mail.example.dk\", at most 25 letters beside {{id}} before the @"
            );
        }
        Ok(Self {
            return_path,
            places: Places {
                mailbox: filled(&inbox.host).map(|host| mailbox(host, inbox)).transpose()?,
                folder: filled(&inbox.maildir).map(PathBuf::from),
                municipality: filled(&inbox.municipality),
            },
            webhook_secret: filled(inbox.webhook_secret.reveal()),
            pause: Duration::from_secs(inbox.every_seconds.max(1)),
            proxies: Proxies::NONE,
            rules: None,
        })
    }

    /// Is there any place that mail is fetched from?
    #[must_use]
    pub const fn is_fetched(&self) -> bool {
        self.places.mailbox.is_some() || self.places.folder.is_some()
    }

    /// The one who fetches and understands.
    #[must_use]
    pub fn postbox(&self, parts: &Parts) -> Postbox {
        Postbox::new(parts.store.clone(), parts.keys.clone(), Arc::clone(&parts.clock), self.places.clone())
    }
}

fn mailbox(host: String, inbox: &Inbox) -> Result<Mailbox> {
    let username = inbox.username.clone();
    let token = |source| Login::Token { username: username.clone(), source: Arc::new(source) };
    let login = match (inbox.token_file.as_str(), inbox.token_command.as_str()) {
        ("", "") if username.is_empty() => bail!("mail.inbox.username is missing"),
        ("", "") => Login::password(&username, inbox.password.reveal()),
        ("", command) => token(TokenSource::command(command)),
        (file, _) => token(TokenSource::file(file)),
    };
    Ok(Mailbox {
        host,
        port: inbox.port,
        tls: match inbox.tls {
            MailTls::Starttls => Tls::Starttls,
            MailTls::Implicit => Tls::Implicit,
            MailTls::None => Tls::None,
        },
        authorities: (!inbox.authorities_file.is_empty()).then(|| PathBuf::from(&inbox.authorities_file)),
        login,
        folder: inbox.folder.clone(),
        processed: inbox.processed.clone(),
    })
}

/// What became of mail, in one line.
#[must_use]
pub fn told(account: &Account) -> String {
    let mut line = format!(
        "{} fetched; {} bounced, {} complaints, {} delays and automatic answers, {} for a person to read.",
        account.fetched, account.bounces, account.complaints, account.notices, account.open
    );
    if account.homeless > 0 {
        line.push_str(&format!(" {} belong to no known municipality: set mail.inbox.municipality.", account.homeless));
    }
    line
}
