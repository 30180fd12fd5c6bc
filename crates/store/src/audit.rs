//! The audit trail: who saw or changed what.
use domain::ids::{MunicipalityId, UserId};
use domain::time::Millis;

use crate::{Result, Store};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditEntry {
    /// When.
    pub at: Millis,
    /// Who; `None`: the program itself.
    pub user: Option<UserId>,
    /// Name of the person, where known still.
    pub user_name: Option<String>,
    /// What was done: `round.opened`, `links.exported`, …
    pub action: String,
    /// To what: an id.
    pub subject: String,
    /// More, without personal data.
    pub detail: String,
}

impl Store {
    /// Adds an entry.
    pub async fn audit(&self, municipality: &MunicipalityId, user: Option<&UserId>, action: &str, subject: &str, detail: &str, now: Millis) -> Result<()> {
        todo!("{municipality} {user:?} {action} {subject} {detail} {now:?}")
    }

    /// The latest entries.
    pub async fn audit_trail(&self, municipality: &MunicipalityId, limit: u32) -> Result<Vec<AuditEntry>> {
        todo!("{municipality} {limit}")
    }
}
