//! Mail that comes in: fetched from a mailbox or a folder, or put into the database by the web server, then understood.
//!
//! A message is kept in the database before its mailbox is told, and understood in a transaction of its own, so whatever dies
//! in between is done again without a trace. Nothing is ever deleted in a mailbox or folder.
//!
//! # Layout
//! - this module: [`Postbox`], which fetches and understands, once or until it is stopped
//! - [`imap`], [`folder`]: the two places mail is fetched from
//! - [`understand`]: bytes in, a [`Finding`] out
pub mod folder;
pub mod imap;
pub mod understand;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::ids::{InboundId, MunicipalityId};
use domain::municipality::Municipality;
use domain::secrets::Keys;
use domain::time::Clock;
use store::inbound::{Concluded, Finding, InboundMedia, InboundSource, NewInbound, Shelf};
use store::{Store, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::imap::Mailbox;

/// Messages read from the database at once.
const BATCH: u32 = 20;

/// Where mail comes in. No `Debug`: it holds passwords.
#[derive(Clone, Default)]
pub struct Places {
    /// A mailbox.
    pub mailbox: Option<Mailbox>,
    /// A Maildir, or a folder of messages.
    pub folder: Option<PathBuf>,
    /// The municipality whose mail this is when nothing in a message says so: its slug. Not needed where there is one only.
    pub municipality: Option<String>,
}

/// Why mail cannot be fetched or understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InboundError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The mailbox cannot be used.
    #[error("the mailbox: {0}")]
    Mailbox(String),
    /// The folder cannot be used.
    #[error("the folder {folder}: {source}")]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration names a municipality that does not exist.
    #[error("mail.inbox.municipality: there is no municipality {0:?}")]
    NoMunicipality(String),
}

/// What became of the messages of one look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Fetched, and not had before.
    pub fetched: u64,
    /// Ours that did not arrive.
    pub bounces: u64,
    /// Complaints about ours.
    pub complaints: u64,
    /// Delays and answers of machines.
    pub notices: u64,
    /// For a person to read.
    pub open: u64,
    /// Of nobody knows which municipality.
    pub homeless: u64,
}

impl Account {
    /// Adds another one; what has no home is counted anew each time.
    pub const fn add(&mut self, other: &Self) {
        self.fetched += other.fetched;
        self.bounces += other.bounces;
        self.complaints += other.complaints;
        self.notices += other.notices;
        self.open += other.open;
        self.homeless = other.homeless;
    }
}

/// Fetches mail and understands it. Cheap to clone.
#[derive(Clone)]
pub struct Postbox {
    store: Store,
    keys: Keys,
    clock: Arc<dyn Clock>,
    places: Arc<Places>,
}

impl Postbox {
    /// A postbox over `store`; nothing happens before [`Self::run`] or [`Self::run_once`].
    #[must_use]
    pub fn new(store: Store, keys: Keys, clock: Arc<dyn Clock>, places: Places) -> Self {
        Self { store, keys, clock, places: Arc::new(places) }
    }

    /// Fetches what there is and understands whatever has not been understood. A place that cannot be reached does not keep
    /// the others, or what is in the database already, from being worked off.
    ///
    /// # Errors
    /// The first [`InboundError`]; what was kept and understood before it stays so.
    pub async fn run_once(&self) -> Result<Account, InboundError> {
        let mut account = Account::default();
        let mut first_error = None;
        if let Some(folder) = &self.places.folder {
            match folder::fetch(self, folder).await {
                Ok(fetched) => account.fetched += fetched,
                Err(error) => first_error = Some(error),
            }
        }
        if let Some(mailbox) = &self.places.mailbox {
            match imap::fetch(self, mailbox).await {
                Ok(fetched) => account.fetched += fetched,
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        account.add(&self.understand_all().await?);
        first_error.map_or(Ok(account), Err)
    }

    /// Looks every `pause` until `stop` is cancelled. What fails is logged and tried again.
    pub async fn run(&self, pause: Duration, stop: &CancellationToken) -> Account {
        let mut account = Account::default();
        let mut was_away = false;
        loop {
            match self.run_once().await {
                Ok(part) => {
                    if part.fetched + part.bounces + part.complaints + part.notices + part.open > 0 {
                        info!(
                            bounces = part.bounces,
                            complaints = part.complaints,
                            notices = part.notices,
                            open = part.open,
                            "Read mail that came in"
                        );
                    }
                    account.add(&part);
                    was_away = false;
                }
                // A mailbox that is away for a night is one line, not a thousand.
                Err(error) if !was_away => {
                    warn!("Mail that came in cannot be read: {error}");
                    was_away = true;
                }
                Err(_) => {}
            }
            if tokio::time::timeout(pause, stop.cancelled()).await.is_ok() {
                return account;
            }
        }
    }

    /// Keeps a fetched message. `true`: it is new.
    async fn keep(&self, source: InboundSource, raw: &[u8]) -> Result<bool, InboundError> {
        Ok(self.store.keep_inbound(source, InboundMedia::Message, raw, self.clock.now()).await?)
    }

    async fn understand_all(&self) -> Result<Account, InboundError> {
        let mut account = Account::default();
        let municipalities = self.store.municipalities().await?;
        let usual = self.usual(&municipalities)?;
        let mut after: Option<InboundId> = None;
        loop {
            let batch = self.store.new_inbound(after.as_ref(), BATCH).await?;
            let Some(last) = batch.last() else { break };
            after = Some(last.id.clone());
            for message in batch {
                if let Concluded::Filed { shelf, .. } = self.understand(message, &municipalities, usual).await? {
                    match shelf {
                        Shelf::Bounce => account.bounces += 1,
                        Shelf::Complaint => account.complaints += 1,
                        Shelf::Notice => account.notices += 1,
                        Shelf::Open | Shelf::Handled => account.open += 1,
                    }
                }
            }
        }
        account.homeless = self.store.homeless_inbound().await?;
        if account.homeless > 0
            && let Some(home) = usual
        {
            // Somebody has said since whose mailbox it is.
            account.homeless -= self.store.house_inbound(home).await?.min(account.homeless);
        }
        Ok(account)
    }

    async fn understand(
        &self,
        message: NewInbound,
        municipalities: &[Municipality],
        usual: Option<&MunicipalityId>,
    ) -> Result<Concluded, InboundError> {
        let NewInbound { id, media, raw } = message;
        let keys = self.keys.clone();
        // On a thread of its own: a long message must not hold up the others, and one that breaks the parser breaks only itself.
        let understood = tokio::task::spawn_blocking(move || understand::understand(media, &raw, &keys)).await;
        let (mut finding, sent_to) = understood.unwrap_or_else(|_| {
            warn!(inbound.id = %id, "Message {id} cannot be read and is left to a person");
            (Finding::default(), Vec::new())
        });
        finding.home = home(municipalities, &sent_to).or(usual).cloned();
        Ok(self.store.conclude_inbound(&id, &finding, self.clock.now()).await?)
    }

    /// The municipality of messages that do not say whose they are.
    fn usual<'m>(&self, municipalities: &'m [Municipality]) -> Result<Option<&'m MunicipalityId>, InboundError> {
        match (&self.places.municipality, municipalities) {
            (Some(slug), all) => match all.iter().find(|m| m.slug == *slug) {
                Some(found) => Ok(Some(&found.id)),
                None => Err(InboundError::NoMunicipality(slug.clone())),
            },
            (None, [only]) => Ok(Some(&only.id)),
            (None, _) => Ok(None),
        }
    }
}

/// The municipality one of whose addresses the message was sent to.
fn home<'m>(municipalities: &'m [Municipality], sent_to: &[String]) -> Option<&'m MunicipalityId> {
    let is_theirs = |municipality: &&Municipality| {
        let settings = &municipality.settings;
        [&settings.sender_email, &settings.contact_email]
            .iter()
            .filter(|own| !own.is_empty())
            .any(|own| sent_to.iter().any(|address| address.eq_ignore_ascii_case(own.trim())))
    };
    let mut theirs = municipalities.iter().filter(is_theirs);
    let first = theirs.next()?;
    // An address that two municipalities share says nothing.
    theirs.next().is_none().then_some(&first.id)
}

#[cfg(test)]
mod tests;
