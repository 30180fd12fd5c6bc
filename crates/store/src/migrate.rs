//! Forward-only migrations, embedded, applied in one transaction under a lock.
use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Executor};

use crate::dialect::{self, Engine};
use crate::sql::{call, columns, statements};
use crate::{Result, StoreError};

/// Every file of `migrations/`, in order.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "0001_schema.sql", include_str!("../../../migrations/0001_schema.sql")),
    (2, "0002_sending.sql", include_str!("../../../migrations/0002_sending.sql")),
    (3, "0003_inbound.sql", include_str!("../../../migrations/0003_inbound.sql")),
    (4, "0004_channels.sql", include_str!("../../../migrations/0004_channels.sql")),
    (5, "0005_answering.sql", include_str!("../../../migrations/0005_answering.sql")),
    (6, "0006_codes.sql", include_str!("../../../migrations/0006_codes.sql")),
    (7, "0007_mail.sql", include_str!("../../../migrations/0007_mail.sql")),
    (8, "0008_logo.sql", include_str!("../../../migrations/0008_logo.sql")),
    (9, "0009_accounts.sql", include_str!("../../../migrations/0009_accounts.sql")),
    (10, "0010_instrument.sql", include_str!("../../../migrations/0010_instrument.sql")),
    (11, "0011_open_answers.sql", include_str!("../../../migrations/0011_open_answers.sql")),
    (12, "0012_committee.sql", include_str!("../../../migrations/0012_committee.sql")),
    (13, "0013_neighbours.sql", include_str!("../../../migrations/0013_neighbours.sql")),
    (14, "0014_follow.sql", include_str!("../../../migrations/0014_follow.sql")),
    (15, "0015_frames.sql", include_str!("../../../migrations/0015_frames.sql")),
    (16, "0016_publishing.sql", include_str!("../../../migrations/0016_publishing.sql")),
    (17, "0017_cases.sql", include_str!("../../../migrations/0017_cases.sql")),
];

statements! {
    MIGRATIONS_APPLIED = "select version, hash from migrations order by version";
    ADD_MIGRATION = "insert into migrations (version, name, hash) values ($1, $2, $3)";
}

const MIGRATIONS_TABLE: &str =
    "create table if not exists migrations (version bigint primary key, name text not null, hash text not null)";

/// Brings the schema up to date.
pub(crate) async fn run(engine: Engine, conn: &mut AnyConnection) -> Result<()> {
    let mut tx = dialect::begin_migration(engine, conn).await?;
    (&mut *tx).execute(MIGRATIONS_TABLE).await?;
    let mut applied = std::collections::BTreeMap::new();
    for row in call(MIGRATIONS_APPLIED).rows(&mut tx).await? {
        let mut c = columns(&row);
        applied.insert(c.int()?, c.text()?);
    }
    if let Some(newer) = applied.keys().find(|v| MIGRATIONS.iter().all(|(version, ..)| version != *v)) {
        return Err(StoreError::Migration(format!("it was changed by a newer version (migration {newer})")));
    }
    for &(version, name, text) in MIGRATIONS {
        let hash = hash(text);
        match applied.get(&version) {
            Some(known) if *known == hash => {}
            Some(_) => return Err(StoreError::Migration(format!("migration {name} was applied with another text"))),
            None => {
                sqlx::raw_sql(text)
                    .execute(&mut *tx)
                    .await
                    .map_err(|e| StoreError::Migration(format!("{name}: {e}")))?;
                call(ADD_MIGRATION).int(version).text(name).text(&hash).run(&mut tx).await?;
            }
        }
    }
    Ok(tx.commit().await?)
}

/// Hexadecimal SHA-256.
pub(crate) fn hash(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_file_is_embedded() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .filter(|f| f.ends_with(".sql"))
            .collect();
        files.sort();
        assert_eq!(files, MIGRATIONS.iter().map(|(_, name, _)| (*name).to_owned()).collect::<Vec<_>>());
        assert!(MIGRATIONS.iter().all(|(version, name, _)| name.starts_with(&format!("{version:04}_"))));
        assert!(MIGRATIONS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
