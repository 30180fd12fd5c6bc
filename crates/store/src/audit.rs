//! The audit trail: who saw or changed what.
use domain::ids::{MunicipalityId, UserId};
use domain::time::Millis;
use sqlx::AnyConnection;

use crate::sql::{call, columns, statements};
use crate::{Result, Store};

statements! {
    ADD = "insert into audit (id, municipality_id, at, user_id, action, subject, detail) values ($1, $2, $3, $4, $5, $6, $7)";
    LATEST = "select a.at, a.user_id, u.name, a.action, a.subject, a.detail from audit a left join users u on u.id = a.user_id
        where a.municipality_id = $1 order by a.at desc, a.id desc limit $2";
}

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
    pub async fn audit(
        &self,
        municipality: &MunicipalityId,
        user: Option<&UserId>,
        action: &str,
        subject: &str,
        detail: &str,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        note(&mut tx, municipality, user, action, subject, detail, now).await?;
        Ok(tx.commit().await?)
    }

    /// The latest entries.
    pub async fn audit_trail(&self, municipality: &MunicipalityId, limit: u32) -> Result<Vec<AuditEntry>> {
        let rows = call(LATEST).text(municipality.as_str()).int(limit.into()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(AuditEntry {
                    at: c.at()?,
                    user: c.maybe()?.map(UserId),
                    user_name: c.maybe()?,
                    action: c.text()?,
                    subject: c.text()?,
                    detail: c.text()?,
                })
            })
            .collect()
    }
}

/// [`Store::audit`] within the transaction of what is noted.
pub(crate) async fn note(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    user: Option<&UserId>,
    action: &str,
    subject: &str,
    detail: &str,
    now: Millis,
) -> Result<()> {
    call(ADD)
        .text(domain::ids::JobId::new(now).as_str())
        .text(municipality.as_str())
        .at(now)
        .maybe(user.map(UserId::as_str))
        .text(action)
        .text(subject)
        .text(detail)
        .run(conn)
        .await?;
    Ok(())
}
