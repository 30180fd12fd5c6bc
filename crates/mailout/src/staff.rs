//! Mail to staff: invitations of colleagues and links for a new password, one by one.
use std::sync::Arc;
use std::time::Duration;

use domain::language::Language;
use domain::secrets::Keys;
use domain::time::{Clock, Millis};
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, SinglePart};
use store::people::Purpose;
use store::staff_mail::{Fate, StaffMail};
use store::{Store, StoreError};
use text::Messages;
use tokio_util::sync::CancellationToken;

use crate::dkim::Signer;
use crate::message::{Rendered, clean, first_filled, moment, own_address, wire_address};
use crate::smtp::{Client, Delivery, Envelope, Relay};
use crate::transport::{Transport, write_file};

/// How often an idle sender looks.
const BEAT: Duration = Duration::from_secs(2);
/// So long nobody else takes a mail that is being sent.
const LEASE_SECONDS: i64 = 300;
/// After so many tries a mail is given up.
const TRIES: i64 = 8;

/// Sends mail to staff.
pub struct StaffMailer {
    /// Where it waits.
    pub store: Store,
    /// Its words.
    pub messages: Arc<Messages>,
    /// From which links are derived.
    pub keys: Keys,
    /// The address people see.
    pub public_url: String,
    /// The way out.
    pub transport: Transport,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who signs.
    pub signer: Option<Arc<Signer>>,
    /// The only addresses that get mail; none: everybody.
    pub only_to: Vec<String>,
}

/// What became of one try.
enum Tried {
    Sent,
    Later(String),
    Never(String),
}

impl StaffMailer {
    /// Sends until `stop`.
    pub async fn run(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.send_one().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!("Mail to staff cannot be read: {error}"),
            }
            let _ = tokio::time::timeout(BEAT, stop.cancelled()).await;
        }
    }

    /// Sends one mail that is due; `false`: there is none.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn send_one(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let Some(mail) = self.store.claim_staff_mail(now.plus_seconds(LEASE_SECONDS), now).await? else {
            return Ok(false);
        };
        if !self.may_write_to(&mail.email) {
            let later = now.plus_seconds(3600);
            self.store.settle_staff_mail(&mail.id, Fate::Later(later, "only_to"), now).await?;
            return Ok(true);
        }
        let tried = match self.compose(&mail, now) {
            Ok(rendered) => self.try_once(&mail, &rendered, now).await?,
            Err(words) => Tried::Never(words),
        };
        let wait = 60 << mail.attempts.clamp(0, 6);
        let fate = match &tried {
            Tried::Sent => Fate::Sent,
            Tried::Later(words) if mail.attempts < TRIES => Fate::Later(now.plus_seconds(wait), words),
            Tried::Later(words) | Tried::Never(words) => Fate::Failed(words),
        };
        self.store.settle_staff_mail(&mail.id, fate, now).await?;
        tracing::info!(mail.id = %mail.id, mail.attempt = mail.attempts, sent = matches!(tried, Tried::Sent), "Tried mail {} to staff", mail.id);
        Ok(true)
    }

    fn may_write_to(&self, address: &str) -> bool {
        let allowed = |only: &String| {
            let only = only.trim().to_lowercase();
            if only.starts_with('@') { address.ends_with(&only) } else { *address == only }
        };
        self.only_to.is_empty() || self.only_to.iter().any(allowed)
    }

    async fn try_once(&self, mail: &StaffMail, rendered: &Rendered, now: Millis) -> Result<Tried, StoreError> {
        Ok(match &self.transport {
            Transport::Smtp(relays) => {
                let mut tried = Tried::Later("no relay is configured".to_owned());
                for relay in relays {
                    tried = self.by(relay, rendered).await;
                    if !matches!(tried, Tried::Later(_)) {
                        break;
                    }
                }
                tried
            }
            Transport::File(folder) => match write_file(folder, &mail.id, &rendered.bytes).await {
                Ok(()) => Tried::Sent,
                Err(error) => Tried::Later(error.to_string()),
            },
            Transport::Table => {
                let id = format!("{}@staff", mail.id);
                let (place, to) = (&mail.municipality.id, &mail.email);
                self.store.catch_mail(place, &id, to, &rendered.subject, &rendered.bytes, now).await?;
                Tried::Sent
            }
        })
    }

    async fn by(&self, relay: &Relay, rendered: &Rendered) -> Tried {
        let client = match Client::new(relay.clone()) {
            Ok(client) => client,
            Err(error) => return Tried::Later(error.to_string()),
        };
        let mut connection = match client.connect().await {
            Ok(connection) => connection,
            Err(error) => return Tried::Later(error.to_string()),
        };
        let delivery = connection.send(&rendered.envelope, &rendered.bytes).await;
        match delivery {
            Delivery::Sent(_) => {
                connection.quit().await;
                Tried::Sent
            }
            Delivery::Refused(_, reply) => {
                connection.quit().await;
                if (500..600).contains(&reply.code) { Tried::Never(reply.words()) } else { Tried::Later(reply.words()) }
            }
            // A second mail with the same link does no harm; none would.
            Delivery::Lost(fault) | Delivery::Unanswered(fault) => Tried::Later(fault.to_string()),
        }
    }

    /// The message; what stands in the way, in words for an administrator.
    fn compose(&self, mail: &StaffMail, now: Millis) -> Result<Rendered, String> {
        let municipality = &mail.municipality;
        let settings = &municipality.settings;
        let language = settings.language;
        let link = format!("{}/sign-in/{}", self.public_url, self.keys.sign_in_token(mail.id.as_str()).reveal());
        let (subject, body) = self.words(mail, language, &link);
        let no_sender = || "the municipality has no sender address yet".to_owned();
        let sender = match (&self.transport, first_filled(&[&settings.sender_email, &settings.contact_email])) {
            (_, Some(sender)) => own_address(sender).ok_or_else(no_sender)?,
            // What goes nowhere needs nobody's address.
            (Transport::File(_) | Transport::Table, None) => "pejling@localhost.localdomain".to_owned(),
            (Transport::Smtp(_), None) => return Err(no_sender()),
        };
        let no_recipient = || "the address is not one that mail servers take".to_owned();
        let recipient = wire_address(&mail.email, false).ok_or_else(no_recipient)?;
        let envelope = Envelope::new(&sender, &recipient).map_err(|_| no_recipient())?;
        let domain = sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain).to_owned();
        let from = Mailbox::new(Some(clean(&municipality.name)), sender.parse().map_err(|_| no_sender())?);
        let to = Mailbox::new(None, recipient.parse().map_err(|_| no_recipient())?);
        let header = |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let part = Body::new_with_encoding(body, ContentTransferEncoding::QuotedPrintable)
            .unwrap_or_else(|plain| Body::new(String::from_utf8_lossy(&plain).into_owned()));
        let message = Message::builder()
            .from(from)
            .to(to)
            .subject(subject.as_str())
            .date(moment(now))
            .message_id(Some(format!("<{}@{domain}>", mail.id)))
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", language.tag()))
            .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(part))
            .map_err(|error| error.to_string())?;
        let mut bytes = message.formatted();
        if let Some(signer) = &self.signer {
            bytes = signer.sign(&bytes, now).map_err(|error| error.to_string())?;
        }
        Ok(Rendered { envelope, bytes, subject })
    }

    fn words(&self, mail: &StaffMail, language: Language, link: &str) -> (String, String) {
        let kind = match mail.purpose {
            Purpose::Reset => "reset",
            Purpose::Invitation | Purpose::Session => "invitation",
        };
        let role = self.messages.t(language, &format!("console.role_{}", mail.role.as_str()), &[]);
        let (site, name) = (clean(&mail.municipality.name), clean(&mail.name));
        let args = [
            ("site", site.as_str().into()),
            ("name", name.as_str().into()),
            ("role", role.as_str().into()),
            ("link", link.into()),
        ];
        let say = |part: &str| self.messages.t(language, &format!("accounts.mail_{kind}_{part}"), &args);
        (clean(&say("subject")), format!("{}\n", say("text")))
    }
}
