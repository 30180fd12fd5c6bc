//! Mail that comes back: whose it is, and what it says.
//!
//! Evidence is taken in the order of its worth: the return path (it names the message, and nobody can forge it), the
//! delivery-status part, the returned headers, and at last the words of the notice. A *hard* bounce means that the address
//! itself is dead; a refusal by policy is permanent and says nothing against the address.
mod anatomy;
mod reason;

use std::fmt;

use domain::ids::MailId;
use domain::secrets::Keys;
use mail_parser::MessageParser;

use self::anatomy::Anatomy;
pub use self::reason::Reason;
use crate::smtp::Status;

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// No bounce.
    None,
    /// Somebody is away; a person or a machine answered.
    AutoReply,
    /// The message is held up or failed for a reason that passes.
    Temporary,
    /// The message will not be delivered.
    Permanent,
    /// The recipient called it unwanted.
    Complaint,
}

impl Kind {
    /// The kind as stored and exported.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AutoReply => "auto-reply",
            Self::Temporary => "temporary",
            Self::Permanent => "permanent",
            Self::Complaint => "complaint",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One recipient that a bounce is about. No `Debug`: it holds an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Returned {
    /// The address.
    pub address: String,
    /// What happened to it.
    pub kind: Kind,
    /// The address itself is dead.
    pub hard: bool,
    /// The enhanced status, where the notice gives one.
    pub status: Option<Status>,
    /// Why.
    pub reason: Reason,
}

/// A returned mail, understood. No `Debug`: it holds addresses.
#[derive(Clone)]
pub struct Bounce {
    /// What it is; with several recipients the worst.
    pub kind: Kind,
    /// Whom it is about.
    pub recipients: Vec<Returned>,
    /// The addresses it was sent to; one of them may be the return path of a message of ours.
    pub sent_to: Vec<String>,
}

impl Bounce {
    /// Is the address of any recipient dead?
    #[must_use]
    pub fn hard(&self) -> bool {
        self.recipients.iter().any(|r| r.hard)
    }

    /// The message in our outbox that came back, by its authenticated return path.
    #[must_use]
    pub fn mail(&self, keys: &Keys) -> Option<MailId> {
        self.sent_to.iter().find_map(|address| mail_of_return_path(address, keys))
    }

    /// recipients, kind, hard, status, reason: one row of a table. Several recipients are separated by blanks; the other
    /// values are those of the one for whom it is worst.
    #[must_use]
    pub fn row(&self) -> [String; 5] {
        let recipients: Vec<&str> = self.recipients.iter().map(|r| r.address.as_str()).collect();
        // The first of equals: `max_by_key` would take the last.
        let worst = self.recipients.iter().rev().max_by_key(|r| (r.hard, r.kind));
        [
            recipients.join(" "),
            self.kind.to_string(),
            u8::from(self.hard()).to_string(),
            worst.and_then(|r| r.status).map(|s| s.to_string()).unwrap_or_default(),
            worst.map_or(self.kind_reason(), |r| r.reason).as_str().to_owned(),
        ]
    }

    const fn kind_reason(&self) -> Reason {
        match self.kind {
            Kind::AutoReply => Reason::Away,
            Kind::Complaint => Reason::Complaint,
            _ => Reason::Unknown,
        }
    }
}

/// Understands a returned mail. Never fails: what it does not understand is [`Kind::None`].
#[must_use]
pub fn classify(bytes: &[u8]) -> Bounce {
    let Some(message) = MessageParser::default().parse(bytes) else {
        return Bounce { kind: Kind::None, recipients: Vec::new(), sent_to: Vec::new() };
    };
    let anatomy = Anatomy::of(&message);
    let (kind, recipients) = judge(&anatomy);
    Bounce { kind, recipients, sent_to: anatomy.sent_to }
}

fn judge(anatomy: &Anatomy) -> (Kind, Vec<Returned>) {
    if anatomy.is_complaint() {
        let returned =
            |address| Returned { address, kind: Kind::Complaint, hard: false, status: None, reason: Reason::Complaint };
        return (Kind::Complaint, anatomy.complained().into_iter().map(returned).collect());
    }
    if let Some(cases) = anatomy.notification() {
        return conclude(cases.iter().map(case_of).collect());
    }
    let cases = anatomy.reported();
    if !cases.is_empty() {
        return conclude(cases.iter().map(case_of).collect());
    }
    if anatomy.is_auto_reply() {
        return (Kind::AutoReply, Vec::new());
    }
    if !anatomy.looks_like_a_bounce() {
        return (Kind::None, Vec::new());
    }
    conclude(anatomy.told().iter().map(case_of).collect())
}

fn conclude(recipients: Vec<Returned>) -> (Kind, Vec<Returned>) {
    let recipients: Vec<Returned> = recipients.into_iter().filter(|r| r.kind != Kind::None).collect();
    (recipients.iter().map(|r| r.kind).max().unwrap_or(Kind::None), recipients)
}

/// What a notice says of one recipient.
#[derive(Debug, Clone, Default)]
struct Case {
    address: String,
    /// `failed`, `delayed`, `delivered`, …, where the notice has a report.
    action: Option<String>,
    status: Option<Status>,
    /// The server's words, or those of the notice.
    words: String,
    /// What the notice says around it.
    context: String,
}

fn case_of(case: &Case) -> Returned {
    let (kind, status) = reason::kind(case.action.as_deref(), case.status, &case.words);
    let reason = reason::reason(status, &case.words);
    let hard = kind == Kind::Permanent && reason::is_dead(reason, status, &format!("{}\n{}", case.words, case.context));
    Returned { address: case.address.clone(), kind, hard, status, reason }
}

/// The return path of one message: `bounce+<mail>-<mac>@example.dk` for the mailbox `bounce@example.dk`.
#[must_use]
pub fn return_path(mailbox: &str, mail: &MailId, keys: &Keys) -> String {
    let (local, domain) = mailbox.rsplit_once('@').unwrap_or((mailbox, "localhost"));
    format!("{local}+{mail}-{}@{domain}", keys.verp(mail.as_str()))
}

/// The message that a return path names; `None` when it is not one of ours (the MAC does not fit).
#[must_use]
pub fn mail_of_return_path(address: &str, keys: &Keys) -> Option<MailId> {
    let (local, _) = address.trim().trim_start_matches('<').trim_end_matches('>').rsplit_once('@')?;
    let (_, mark) = local.split_once('+')?;
    let (mail, mac) = mark.rsplit_once('-')?;
    (keys.verp(&mail.to_lowercase()) == mac.to_lowercase()).then(|| MailId(mail.to_lowercase()))
}

#[cfg(test)]
mod tests;
