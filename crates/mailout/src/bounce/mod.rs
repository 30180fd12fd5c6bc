//! Mail that comes back: whose it is, and what it says.
//!
//! Evidence is taken in the order of its worth: the return path (it names the message, and nobody can forge it), the
//! delivery-status part, the returned headers, and at last the words of the notice. A *hard* bounce means that the address
//! itself is dead; a refusal by policy is permanent and says nothing against the address.
mod anatomy;
mod reason;

use std::fmt;

use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};
use domain::ids::MailId;
use domain::secrets::{Keys, VERP_LENGTH};
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
    /// The server's words, or those of the notice, in one line.
    pub words: String,
}

/// A returned mail, understood. No `Debug`: it holds addresses.
#[derive(Clone)]
pub struct Bounce {
    /// What it is; with several recipients the worst.
    pub kind: Kind,
    /// Whom it is about.
    pub recipients: Vec<Returned>,
    /// The addresses it was sent to, and those that it names as the sender of what came back; one of them may be the return
    /// path of a message of ours.
    pub sent_to: Vec<String>,
    /// Message-IDs of what came back or is answered, without angle brackets.
    pub message_ids: Vec<String>,
    /// Whom it comes from.
    pub sender: String,
    /// Its subject.
    pub subject: String,
}

impl Bounce {
    /// What cannot be read as a message.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            kind: Kind::None,
            recipients: Vec::new(),
            sent_to: Vec::new(),
            message_ids: Vec::new(),
            sender: String::new(),
            subject: String::new(),
        }
    }

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
        return Bounce::nothing();
    };
    let anatomy = Anatomy::of(&message);
    let (kind, recipients) = judge(&anatomy);
    let sender = message.from().and_then(|from| from.first()).and_then(|from| from.address()).unwrap_or_default();
    Bounce {
        kind,
        recipients,
        sent_to: anatomy.marked(),
        message_ids: anatomy.message_ids(),
        sender: sender.to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
    }
}

/// Understands what a mail service says of one recipient in words of its own: `failed` or `delayed`, with a status and the
/// server's words where it gives them.
#[must_use]
pub fn said_of(address: &str, action: &str, status: &str, words: &str) -> Returned {
    case_of(&Case {
        address: address.to_owned(),
        action: Some(action.to_owned()),
        status: Status::at_start(status).map(|(status, _)| status),
        words: words.chars().take(2000).collect(),
        context: String::new(),
    })
}

fn judge(anatomy: &Anatomy) -> (Kind, Vec<Returned>) {
    if anatomy.is_complaint() {
        let returned = |address| Returned {
            address,
            kind: Kind::Complaint,
            hard: false,
            status: None,
            reason: Reason::Complaint,
            words: String::new(),
        };
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
    Returned { address: case.address.clone(), kind, hard, status, reason, words: reason::essence(&case.words) }
}

/// What stands for the message's mark in the template of return paths.
const MARK: &str = "{id}";
/// Letters and digits of a mark: 26 for the message's id (a UUID), 13 for the MAC.
const MARK_LENGTH: usize = 39;
/// The longest local part that mail servers must take (RFC 5321 § 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;

/// Can return paths be made by this template: `bounce+{id}@mail.example.dk`, or a plain address, which is taken for
/// `bounce+{id}@…`?
#[must_use]
pub fn is_return_path(template: &str) -> bool {
    let Some((local, domain)) = template.rsplit_once('@') else { return false };
    let marks = local.matches(MARK).count();
    let rest = local.replace(MARK, "");
    let length = rest.len() + MARK_LENGTH + usize::from(marks == 0);
    marks <= 1
        && length <= LONGEST_LOCAL_PART
        && (marks == 1 || !local.is_empty())
        && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-_.=".contains(&b))
        && domain.contains('.')
        && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
}

/// The return path of one message by a template that [`is_return_path`].
#[must_use]
pub fn return_path(template: &str, mail: &MailId, keys: &Keys) -> String {
    let mark = format!("{}{}", short(mail), keys.verp(mail.as_str()));
    if template.contains(MARK) {
        return template.replacen(MARK, &mark, 1);
    }
    let (local, domain) = template.rsplit_once('@').unwrap_or((template, "localhost"));
    format!("{local}+{mark}@{domain}")
}

/// The message that a return path names; `None` when it is not one of ours (the MAC does not fit). Whatever servers on the
/// way have put around the mark (BATV, SRS) or done to its letters changes nothing.
#[must_use]
pub fn mail_of_return_path(address: &str, keys: &Keys) -> Option<MailId> {
    let (local, _) = address.rsplit_once('@')?;
    if local.len() > 4 * LONGEST_LOCAL_PART || !local.is_ascii() {
        return None;
    }
    let local = local.to_ascii_lowercase();
    let places = 0..(local.len() + 1).saturating_sub(MARK_LENGTH);
    places.map(|at| &local[at..at + MARK_LENGTH]).find_map(|mark| {
        let (id, mac) = mark.split_at(MARK_LENGTH - VERP_LENGTH);
        let mail = long(id)?;
        keys.is_verp(mail.as_str(), mac).then_some(mail)
    })
}

/// A message's id (a UUID) in 26 letters and digits that no server takes apart.
fn short(mail: &MailId) -> String {
    let digits: String = mail.as_str().chars().filter(|c| *c != '-').collect();
    let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).unwrap_or_default();
    BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()
}

fn long(short: &str) -> Option<MailId> {
    let bytes: [u8; 16] = BASE32_NOPAD.decode(short.to_ascii_uppercase().as_bytes()).ok()?.try_into().ok()?;
    let hex = HEXLOWER_PERMISSIVE.encode(&bytes);
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Some(MailId(parts.join("-")))
}

#[cfg(test)]
mod shapes;
#[cfg(test)]
mod tests;
