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
    FOUND = "select a.at, a.user_id, u.name, a.action, a.subject, a.detail from audit a left join users u on u.id = a.user_id
        where a.municipality_id = $1 and ($2 = '' or coalesce(a.user_id, 'program') = $2) and ($3 = '' or a.action = $3) and a.at >= $4 and a.at < $5
        order by a.at desc, a.id desc limit $6 offset $7";
    ACTIONS = "select distinct action from audit where municipality_id = $1 order by action";
    ACTORS = "select distinct u.id, u.name from audit a join users u on u.id = a.user_id where a.municipality_id = $1 order by u.name, u.id";
}

/// Which entries are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuditFilter<'a> {
    /// A person's id, `program` for what nobody did; empty: all.
    pub who: &'a str,
    /// An action; empty: all.
    pub what: &'a str,
    /// From this time.
    pub from: Millis,
    /// Before this time.
    pub before: Millis,
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
        rows.iter().map(entry).collect()
    }

    /// The entries that are wanted, the latest first, from the one numbered `offset`.
    pub async fn audit_found(
        &self,
        municipality: &MunicipalityId,
        filter: &AuditFilter<'_>,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<AuditEntry>> {
        let rows = call(FOUND)
            .text(municipality.as_str())
            .text(filter.who)
            .text(filter.what)
            .at(filter.from)
            .at(filter.before)
            .int(limit.into())
            .int(offset.into())
            .rows(&mut *self.read().await?)
            .await?;
        rows.iter().map(entry).collect()
    }

    /// The actions that occur.
    pub async fn audit_actions(&self, municipality: &MunicipalityId) -> Result<Vec<String>> {
        let rows = call(ACTIONS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter().map(|row| columns(row).text()).collect()
    }

    /// The people who occur: id and name.
    pub async fn audit_actors(&self, municipality: &MunicipalityId) -> Result<Vec<(UserId, String)>> {
        let rows = call(ACTORS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok((UserId(c.text()?), c.text()?))
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

fn entry(row: &sqlx::any::AnyRow) -> Result<AuditEntry> {
    let mut c = columns(row);
    Ok(AuditEntry {
        at: c.at()?,
        user: c.maybe()?.map(UserId),
        user_name: c.maybe()?,
        action: c.text()?,
        subject: c.text()?,
        detail: c.text()?,
    })
}
