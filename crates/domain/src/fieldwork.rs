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
    /// What a round asks about.
    RoundKind {
        /// The yearly survey: every business of the frame, about the municipality.
        Yearly = "yearly",
        /// One day's closed cases: each business about its case.
        Cases = "cases",
    }

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
        /// Not wanted any more: answered meanwhile, opted out, closed.
        Cancelled = "cancelled",
        /// The round's mail ran out before its turn came: never sent late.
        Expired = "expired",
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
        /// Thanks, and where the results are: after publication, to those who answered.
        Thanks = "thanks",
        /// What was asked of the municipality when the business asked to be contacted, confirmed.
        Followup = "followup",
        /// A new answer took the place of the sent one: to the one who had the link before.
        Replaced = "replaced",
        /// To a company that is new in the municipality.
        Welcome = "welcome",
        /// The short questionnaire about a case that was closed.
        Case = "case",
        /// The one reminder of it.
        CaseReminder = "case_reminder",
    }

    /// The way by which a business is approached; one per business and wave.
    Channel {
        /// Mail.
        Email = "email",
        /// A letter on paper.
        Letter = "letter",
        /// The public digital mailbox of companies.
        DigitalPost = "digital_post",
    }

    /// What became of a letter or a message in Digital Post.
    Receipt {
        /// It arrived.
        Delivered = "delivered",
        /// The receiving system refused it: no mailbox, exempt, unknown number.
        Rejected = "rejected",
        /// The post brought it back.
        Returned = "returned",
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
    /// The message of a wave: 0 the invitation, 1–3 the reminders, above them what does not ask for an answer to the round.
    #[must_use]
    pub const fn of_wave(wave: i64) -> Option<Self> {
        match wave {
            0 => Some(Self::Invitation),
            1 => Some(Self::Reminder1),
            2 => Some(Self::Reminder2),
            3 => Some(Self::Reminder3),
            4 => Some(Self::Thanks),
            5 => Some(Self::Followup),
            6 => Some(Self::Replaced),
            7 => Some(Self::Welcome),
            _ => None,
        }
    }

    /// The message of a wave in a round of this kind.
    #[must_use]
    pub const fn of_wave_in(kind: RoundKind, wave: i64) -> Option<Self> {
        match (kind, wave) {
            (RoundKind::Cases, 0) => Some(Self::Case),
            (RoundKind::Cases, 1..=3) => Some(Self::CaseReminder),
            _ => Self::of_wave(wave),
        }
    }

    /// The number under which it stands in the outbox; questions about a case are their round's invitation and reminder.
    #[must_use]
    pub const fn wave(self) -> i64 {
        match self {
            Self::Invitation | Self::Case => 0,
            Self::Reminder1 | Self::CaseReminder => 1,
            Self::Reminder2 => 2,
            Self::Reminder3 => 3,
            Self::Thanks => 4,
            Self::Followup => 5,
            Self::Replaced => 6,
            Self::Welcome => 7,
        }
    }

    /// Does it ask for an answer to the round, so that it is wanted only as long as one may be given and has not been?
    #[must_use]
    pub const fn asks(self) -> bool {
        matches!(
            self,
            Self::Invitation | Self::Reminder1 | Self::Reminder2 | Self::Reminder3 | Self::Case | Self::CaseReminder
        )
    }
}
