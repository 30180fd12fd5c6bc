//! What came in, as the database is to file it.
use domain::secrets::Keys;
use serde::Deserialize;
use store::inbound::{Finding, InboundCase, InboundKind, InboundMedia};

use crate::bounce::{self, Bounce, Kind, Returned};

/// What a mail service says in JSON, whichever it is: the fields that all of them have in some form.
#[derive(Deserialize)]
struct Report {
    /// `bounce`, `delay`, `complaint`, `reply` or `delivery`.
    event: String,
    /// Whom the message was for.
    #[serde(default)]
    recipient: String,
    /// Enhanced status: 5.1.1.
    #[serde(default)]
    status: String,
    /// The receiving server's words.
    #[serde(default)]
    diagnostic: String,
    /// Our Message-ID.
    #[serde(default)]
    message_id: String,
    /// The sender of the envelope, with our mark in it.
    #[serde(default)]
    return_path: String,
}

/// Understands a message or report; beside it the addresses that it was sent to.
#[must_use]
pub fn understand(media: InboundMedia, raw: &[u8], keys: &Keys) -> (Finding, Vec<String>) {
    let bounce = match media {
        InboundMedia::Message => bounce::classify(raw),
        InboundMedia::Report => match serde_json::from_slice::<Report>(raw) {
            Ok(report) => report.as_bounce(),
            // A service's own words; the classifier knows some of them.
            Err(_) => bounce::classify(&[b"Content-Type: text/plain; charset=utf-8\r\n\r\n", raw].concat()),
        },
    };
    let finding = Finding {
        mail: bounce.mail(keys),
        message_ids: bounce.message_ids.clone(),
        cases: cases(&bounce),
        sender: bounce.sender,
        subject: bounce.subject,
        home: None,
    };
    (finding, bounce.sent_to)
}

impl Report {
    fn as_bounce(&self) -> Bounce {
        let said = |action| bounce::said_of(self.recipient.trim(), action, &self.status, &self.diagnostic);
        let plain = |kind| Returned { kind, hard: false, reason: bounce::Reason::Complaint, ..said("delayed") };
        let (kind, recipients) = match self.event.as_str() {
            "bounce" => {
                let returned = said("failed");
                (returned.kind, vec![returned])
            }
            "delay" => (Kind::Temporary, vec![said("delayed")]),
            "complaint" => (Kind::Complaint, vec![plain(Kind::Complaint)]),
            "reply" => (Kind::AutoReply, Vec::new()),
            _ => (Kind::None, Vec::new()),
        };
        let bare = |text: &str| text.trim().trim_start_matches('<').trim_end_matches('>').to_owned();
        Bounce {
            kind,
            recipients,
            sent_to: vec![bare(&self.return_path)],
            message_ids: vec![bare(&self.message_id)].into_iter().filter(|id| !id.is_empty()).collect(),
            sender: String::new(),
            subject: self.event.chars().take(40).collect(),
        }
    }
}

/// The cases, the worst first; who wrote is the one case of what is no bounce, so that a person's answer is found by its address.
fn cases(bounce: &Bounce) -> Vec<InboundCase> {
    let mut returned: Vec<&Returned> = bounce.recipients.iter().collect();
    returned.sort_by_key(|r| std::cmp::Reverse((r.hard, r.kind)));
    if returned.is_empty() {
        return vec![InboundCase {
            address: bounce.sender.clone(),
            kind: kind(bounce.kind),
            hard: false,
            status: None,
            reason: bounce.row()[4].clone(),
            words: String::new(),
        }];
    }
    returned
        .into_iter()
        .map(|r| InboundCase {
            address: r.address.clone(),
            kind: kind(r.kind),
            hard: r.hard,
            status: r.status.map(|s| s.to_string()),
            reason: r.reason.as_str().to_owned(),
            words: r.words.clone(),
        })
        .collect()
}

const fn kind(kind: Kind) -> InboundKind {
    match kind {
        Kind::None => InboundKind::None,
        Kind::AutoReply => InboundKind::AutoReply,
        Kind::Temporary => InboundKind::Temporary,
        Kind::Permanent => InboundKind::Permanent,
        Kind::Complaint => InboundKind::Complaint,
    }
}
