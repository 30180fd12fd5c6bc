//! States of a round, its invitations, messages and responses.
use serde::{Deserialize, Serialize};

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every state, in the order of its life.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The state as stored.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The state of a stored text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|s| s.as_str() == text)
            }
        }
    )+};
}

states! {
    /// Where a yearly round stands.
    RoundState {
        /// Being prepared: frame and questionnaire may change.
        Draft = "draft",
        /// Frame and questionnaire are frozen, invitations are being written.
        Opening = "opening",
        /// In the field.
        Open = "open",
        /// No more answers are taken.
        Closed = "closed",
    }

    /// How far an answering business has come (AAPOR names).
    ResponseStatus {
        /// At least one page was received.
        Started = "started",
        /// 50–79 % of the questions asked are answered.
        Partial = "partial",
        /// Submitted, or 80 % or more of the questions asked are answered.
        Complete = "complete",
        /// Taken back by the business; its answers are gone.
        Withdrawn = "withdrawn",
    }

    /// By what means a response was given.
    Mode {
        /// On the web.
        Web = "web",
        /// By telephone, typed by an interviewer.
        Telephone = "telephone",
        /// Imported from an earlier survey.
        Imported = "imported",
    }

    /// Where a message in the outbox stands.
    MailState {
        /// Waiting for its turn.
        Pending = "pending",
        /// Taken by a worker under a lease.
        Claimed = "claimed",
        /// The durable marker is written: the final dot may be on its way.
        Sending = "sending",
        /// The relay said 250 after the dot.
        Sent = "sent",
        /// To be tried again at its next attempt.
        Deferred = "deferred",
        /// Refused for good, with the server's words.
        Failed = "failed",
        /// The worker died after the marker: it may or may not have been delivered. Never resent by itself.
        Uncertain = "uncertain",
        /// Not wanted any more: answered meanwhile, opted out, closed, expired.
        Cancelled = "cancelled",
    }

    /// What a message is.
    MessageKind {
        /// The invitation.
        Invitation = "invitation",
        /// First reminder.
        Reminder1 = "reminder1",
        /// Second reminder.
        Reminder2 = "reminder2",
        /// Third reminder.
        Reminder3 = "reminder3",
    }

    /// What a member of staff may do.
    Role {
        /// Everything, accounts and exports included.
        Administrator = "administrator",
        /// Runs rounds and reads figures.
        Analyst = "analyst",
        /// Reads publications.
        Committee = "committee",
        /// Enters answers on the telephone.
        Interviewer = "interviewer",
    }
}

impl MessageKind {
    /// The reminder of wave 1–3; the invitation is wave 0.
    #[must_use]
    pub const fn of_wave(wave: i64) -> Option<Self> {
        match wave {
            0 => Some(Self::Invitation),
            1 => Some(Self::Reminder1),
            2 => Some(Self::Reminder2),
            3 => Some(Self::Reminder3),
            _ => None,
        }
    }
}

/// Years after a round in which the link between a business and its answer is kept: a policy period of five rounds.
pub const LINK_YEARS: i32 = 5;

/// The last day, `yyyy-mm-dd`, on which the link between a business and its answer to the round of `year` exists.
#[must_use]
pub fn link_cut_on(year: i32) -> String {
    format!("{:04}-12-31", year + LINK_YEARS)
}
