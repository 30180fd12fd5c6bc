//! What follows from a server's answer: pure rules, no waiting and no chance of their own.
use std::time::Duration;

use crate::smtp::{ConnectError, Delivery, Fault, Reply, Stage};

/// What to do with a message, and with what sends it.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// 250 after the dot.
    Sent(String),
    /// Try this message again later; the attempt counts.
    Later(String),
    /// This message has failed.
    Failed {
        /// The server's words.
        words: String,
        /// The address itself is dead: no reminder goes there either.
        dead_address: bool,
    },
    /// The server refuses us by policy; when it goes on, the round pauses.
    Policy(String),
    /// The server refuses our sender or login: the round pauses at once.
    Pause(Obstacle, String),
    /// The relay is away: everything waits, no attempt is used up.
    RelayAway(String),
    /// An idle connection had been closed, which says nothing about the relay: over a new one.
    Again(String),
    /// As [`Self::Later`], and the relay waits too.
    LaterAndAway(String),
    /// Perhaps delivered.
    Uncertain(String),
    /// It cannot be sent at this moment, for a reason of our own: back into the queue.
    NotNow,
    /// Not ours any more.
    NotOurs,
}

/// What stands in the way of a whole round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The relay refuses the login.
    Login,
    /// The relay refuses the sender.
    Sender,
    /// The relay refuses message after message by policy.
    Policy,
    /// A setting that every message needs is missing: which, where it is a known one.
    Setting(&'static str),
}

impl Obstacle {
    /// The key of the reason that staff read.
    #[must_use]
    pub fn message_key(self) -> &'static str {
        match self {
            Self::Login => "mail.pause_login",
            Self::Sender => "mail.pause_sender",
            Self::Policy => "mail.pause_policy",
            Self::Setting("the sender's address") => "mail.pause_no_sender",
            Self::Setting("the address for questions") => "mail.pause_no_contact",
            Self::Setting("the closing date") => "mail.pause_no_closing_date",
            Self::Setting("questionnaire") => "mail.pause_no_questionnaire",
            Self::Setting(_) => "mail.pause_setting",
        }
    }
}

/// Judges how sending one message ended.
#[must_use]
pub fn delivery(delivery: &Delivery) -> Verdict {
    match delivery {
        Delivery::Sent(reply) => Verdict::Sent(reply.words()),
        Delivery::Refused(stage, reply) => refusal(*stage, reply),
        Delivery::Lost(fault) if fault_stage(fault) <= Stage::Mail => Verdict::RelayAway(fault.to_string()),
        // The server had begun to talk about this message: should it be what makes the server hang up, it must not block the queue for ever.
        Delivery::Lost(fault) => Verdict::LaterAndAway(fault.to_string()),
        Delivery::Unanswered(fault) => Verdict::Uncertain(fault.to_string()),
    }
}

fn refusal(stage: Stage, reply: &Reply) -> Verdict {
    let words = reply.words();
    if reply.is_farewell() {
        return Verdict::RelayAway(words);
    }
    if reply.is_temporary() {
        // Before a recipient is named a "later" is about us, and every message would hear it.
        return if stage <= Stage::Mail { Verdict::RelayAway(words) } else { Verdict::Later(words) };
    }
    if matches!(reply.code, 530 | 534 | 535 | 538) {
        return Verdict::Pause(Obstacle::Login, words);
    }
    if stage <= Stage::Mail {
        return Verdict::Pause(Obstacle::Sender, words);
    }
    if reply.is_policy() {
        return Verdict::Policy(words);
    }
    match stage {
        Stage::Recipient => Verdict::Failed { words, dead_address: is_dead_address(reply) },
        // The recipient was taken and the command refused: that says nothing about the address.
        Stage::Data => Verdict::Later(words),
        _ => Verdict::Failed { words, dead_address: reply.status.is_some_and(|s| s.class == 5 && s.subject == 1) },
    }
}

/// Does a refusal of RCPT say that the address itself is dead? A full mailbox or an ailing system does not.
fn is_dead_address(reply: &Reply) -> bool {
    match reply.status {
        Some(status) if status.class == 5 && (status.subject, status.detail) != (0, 0) => {
            status.subject == 1 || (status.subject, status.detail) == (2, 1)
        }
        _ => matches!(reply.code, 550 | 551 | 553),
    }
}

const fn fault_stage(fault: &Fault) -> Stage {
    match fault {
        Fault::Timeout(stage) | Fault::Closed(stage) | Fault::Io(stage, _) | Fault::Protocol(stage, _) => *stage,
    }
}

/// Judges why no connection came about.
#[must_use]
pub fn connection(error: &ConnectError) -> Verdict {
    match error {
        ConnectError::Refused(Stage::Login, reply) if !reply.is_temporary() => {
            Verdict::Pause(Obstacle::Login, reply.words())
        }
        ConnectError::Refused(_, reply) => Verdict::RelayAway(reply.words()),
        other => Verdict::RelayAway(other.to_string()),
    }
}

/// How long a message waits after `attempts` attempts: 5 minutes, then three times as long each time, at most 6 hours, give or take
/// a quarter, so that what was refused together does not come back together. `chance` lies in 0–1.
#[must_use]
pub fn message_wait(attempts: i64, chance: f64) -> Duration {
    let exponent = i32::try_from(attempts.clamp(0, 10)).unwrap_or(10);
    let seconds = (300.0 * 3f64.powi(exponent)).min(21_600.0);
    spread(Duration::from_secs_f64(seconds), chance)
}

/// How long a relay rests after it was away `failures` times in a row: doubling from `first`, at most 5 minutes or `first`, give or take a quarter.
#[must_use]
pub fn relay_wait(first: Duration, failures: u32, chance: f64) -> Duration {
    let longest = Duration::from_secs(300).max(first);
    spread(first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(longest), chance)
}

fn spread(wait: Duration, chance: f64) -> Duration {
    wait.mul_f64(0.75 + 0.5 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smtp::Status;

    fn reply(code: u16, status: &str) -> Reply {
        Reply::own(code, Status::at_start(status).map(|(s, _)| s), "words")
    }

    fn refused(stage: Stage, code: u16, status: &str) -> Verdict {
        delivery(&Delivery::Refused(stage, reply(code, status)))
    }

    #[test]
    fn one_bad_address_fails_alone_and_a_full_mailbox_is_not_dead() {
        assert!(matches!(refused(Stage::Recipient, 550, "5.1.1"), Verdict::Failed { dead_address: true, .. }));
        assert!(matches!(refused(Stage::Recipient, 550, ""), Verdict::Failed { dead_address: true, .. }));
        assert!(matches!(refused(Stage::Recipient, 552, "5.2.2"), Verdict::Failed { dead_address: false, .. }));
        assert!(matches!(refused(Stage::Recipient, 554, ""), Verdict::Failed { dead_address: false, .. }));
        assert!(matches!(refused(Stage::Dot, 554, "5.6.0"), Verdict::Failed { dead_address: false, .. }));
    }

    #[test]
    fn policy_and_login_are_about_us() {
        assert!(matches!(refused(Stage::Recipient, 554, "5.7.1"), Verdict::Policy(_)));
        assert!(matches!(refused(Stage::Dot, 550, "5.7.26"), Verdict::Policy(_)));
        assert!(matches!(refused(Stage::Mail, 553, "5.1.8"), Verdict::Pause(Obstacle::Sender, _)));
        assert!(matches!(refused(Stage::Mail, 530, "5.7.0"), Verdict::Pause(Obstacle::Login, _)));
        assert!(matches!(
            connection(&ConnectError::Refused(Stage::Login, reply(535, "5.7.8"))),
            Verdict::Pause(Obstacle::Login, _)
        ));
        assert!(matches!(connection(&ConnectError::Refused(Stage::Login, reply(454, "4.7.0"))), Verdict::RelayAway(_)));
    }

    #[test]
    fn waiting_is_the_messages_or_the_relays() {
        assert!(matches!(refused(Stage::Recipient, 450, "4.7.1"), Verdict::Later(_)));
        assert!(matches!(refused(Stage::Dot, 451, ""), Verdict::Later(_)));
        assert!(matches!(refused(Stage::Mail, 452, "4.3.1"), Verdict::RelayAway(_)));
        assert!(matches!(refused(Stage::Recipient, 421, ""), Verdict::RelayAway(_)));
        assert!(matches!(delivery(&Delivery::Lost(Fault::Closed(Stage::Mail))), Verdict::RelayAway(_)));
        assert!(matches!(delivery(&Delivery::Lost(Fault::Timeout(Stage::Body))), Verdict::LaterAndAway(_)));
        assert!(matches!(delivery(&Delivery::Unanswered(Fault::Timeout(Stage::Dot))), Verdict::Uncertain(_)));
    }

    #[test]
    fn waits_grow_to_their_limit_and_spread() {
        assert_eq!(message_wait(0, 0.5), Duration::from_secs(300));
        assert_eq!(message_wait(1, 0.5), Duration::from_secs(900));
        assert_eq!(message_wait(50, 0.5), Duration::from_secs(21_600));
        assert_eq!(message_wait(0, 0.0), Duration::from_secs(225));
        assert_eq!(message_wait(0, 1.0), Duration::from_secs(375));
        assert_eq!(relay_wait(Duration::from_secs(2), 1, 0.5), Duration::from_secs(2));
        assert_eq!(relay_wait(Duration::from_secs(2), 4, 0.5), Duration::from_secs(16));
        assert_eq!(relay_wait(Duration::from_secs(2), u32::MAX, 0.5), Duration::from_secs(300));
    }

    /// All of them; a new one must find its place here.
    fn next(stage: Stage) -> Option<Stage> {
        match stage {
            Stage::Connect => Some(Stage::Greeting),
            Stage::Greeting => Some(Stage::Hello),
            Stage::Hello => Some(Stage::Tls),
            Stage::Tls => Some(Stage::Login),
            Stage::Login => Some(Stage::Reset),
            Stage::Reset => Some(Stage::Mail),
            Stage::Mail => Some(Stage::Recipient),
            Stage::Recipient => Some(Stage::Data),
            Stage::Data => Some(Stage::Body),
            Stage::Body => Some(Stage::Dot),
            Stage::Dot => None,
        }
    }

    /// What people are told of a fault, and what is quoted. No `_`: a new fault does not compile without words.
    const fn told(error: &ConnectError) -> (&'static str, &'static str) {
        match error {
            ConnectError::Fault(Fault::Timeout(_)) => ("no_answer", ""),
            ConnectError::Fault(Fault::Closed(_)) => ("hung_up", ""),
            ConnectError::Fault(Fault::Io(..)) => ("broken", "of (some) kind"),
            ConnectError::Fault(Fault::Protocol(..)) => ("not_smtp", "a line without end"),
            ConnectError::Refused(..) => ("refused", "550 5.0.0 words"),
            ConnectError::Insecure(_) => ("not_secure", "expired"),
            ConnectError::Token(_) => ("token", "no file"),
        }
    }

    #[test]
    fn every_fault_of_our_own_has_words_in_every_language() {
        let messages = text::Messages::load().unwrap();
        let holds = |words: &str, (key, rest): (&str, &str)| {
            assert_eq!(domain::sending::own_words(words), Some((key, rest)), "{words}");
            for language in domain::language::Language::ALL {
                let said = messages.try_t(language, &format!("sending.words_{key}"), &[("rest", rest.into())]);
                assert!(said.as_ref().is_ok_and(|said| said.contains(rest)), "{words}: {said:?}");
            }
        };
        let mut at = Some(Stage::Connect);
        while let Some(stage) = at {
            for fault in [
                Fault::Timeout(stage),
                Fault::Closed(stage),
                Fault::Io(stage, std::io::Error::other("of (some) kind")),
                Fault::Protocol(stage, "a line without end"),
            ] {
                let words = fault.to_string();
                holds(&words, told(&ConnectError::Fault(fault)));
            }
            at = next(stage);
        }
        for error in [
            ConnectError::Refused(Stage::Hello, Reply::own(550, Status::at_start("5.0.0").map(|(s, _)| s), "words")),
            ConnectError::Insecure("expired".into()),
            ConnectError::Token(crate::oauth::TokenError::because("no file")),
        ] {
            holds(&error.to_string(), told(&error));
        }
        let recipient = crate::ComposeError::Recipient.to_string();
        for words in [recipient.as_str(), &crate::smtp::EnvelopeError.to_string()] {
            holds(words, ("address", ""));
        }
        for (words, key) in [
            (domain::sending::WRITTEN_TO_LATELY, "lately"),
            (domain::sending::SENDER_STOPPED, "stopped"),
            (domain::sending::NO_BASIS, "no_basis"),
        ] {
            holds(words, (key, ""));
        }
        assert_eq!(domain::sending::own_words("550 5.1.1 no such user"), None);
    }
}
