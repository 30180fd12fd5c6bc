//! Typed ids: text made by us (UUIDv7), so that a round's id is never taken for a business's.
use serde::{Deserialize, Serialize};

use crate::time::Millis;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// A new id, sortable by `now`.
            #[must_use]
            pub fn new(now: Millis) -> Self {
                Self(new_id(now))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

id! {
    /// A municipality (tenant).
    MunicipalityId,
    /// A business: one workplace (or company) of the register, the same one over the years.
    BusinessId,
    /// The random id that joins a business's answers over the years without naming it. Not sortable by time.
    PanelId,
    /// One import of a frame.
    ImportId,
    /// One version of a questionnaire.
    QuestionnaireId,
    /// A yearly round of the survey.
    RoundId,
    /// The invitation of one contact to one round.
    InvitationId,
    /// One response to a round.
    ResponseId,
    /// One message in the outbox.
    MailId,
    /// A frozen result set.
    PublicationId,
    /// An initiative of the municipality.
    InitiativeId,
    /// A goal of the municipality.
    GoalId,
    /// A status between rounds.
    StatusId,
    /// One message that came in.
    InboundId,
    /// A visit to a business.
    VisitId,
    /// A long-running job.
    JobId,
    /// A member of staff.
    UserId,
}

impl PanelId {
    /// A new random panel id (version 4: no time in it, so that it does not tell when the business joined).
    #[must_use]
    pub fn random() -> Self {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
    }
}

/// A new UUIDv7 as text.
fn new_id(now: Millis) -> String {
    let millis = u64::try_from(now.0).unwrap_or(0);
    let time =
        uuid::Timestamp::from_unix_time(millis / 1000, u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000, 0, 0);
    uuid::Uuid::new_v7(time).to_string()
}
