//! Growth accounts: yearly register facts as they were imported.
use domain::accounts::FactRow;
use domain::ids::MunicipalityId;
use domain::time::Millis;

use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store};

statements! {
    FACTS = "select year, kind, sector, value, source from register_facts where municipality_id = $1 order by year, fact, sector";
    DROP_FACTS = "delete from register_facts where municipality_id = $1 and year = $2";
    [bulk 2] SAVE_FACTS = "insert into register_facts (municipality_id, year, fact, sector, kind, value, source, imported_at) values",
        "($1, #, #, #, #, #, #, $2)",
        "on conflict (municipality_id, year, fact, sector) do update set kind = excluded.kind, value = excluded.value, source = excluded.source, imported_at = excluded.imported_at";
}

impl Store {
    /// All facts as imported, by year. For an analyst; everybody else reads [`domain::accounts::Accounts`].
    pub async fn facts(&self, municipality: &MunicipalityId) -> Result<Vec<FactRow>> {
        let rows = call(FACTS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(FactRow {
                    year: c.year()?,
                    kind: c.json("fact")?,
                    sector: Some(c.text()?).filter(|s| !s.is_empty()),
                    value: c.real()?,
                    source: c.text()?,
                })
            })
            .collect()
    }

    /// Saves facts; one that is there already (same year, fact and sector) is replaced. A file must not say one twice.
    pub async fn save_facts(&self, municipality: &MunicipalityId, rows: &[FactRow], now: Millis) -> Result<()> {
        let kinds: Vec<(String, &FactRow)> =
            rows.iter().map(|row| Ok((to_json("fact", &row.kind)?, row))).collect::<Result<_>>()?;
        let mut tx = self.begin().await?;
        SAVE_FACTS
            .run(
                &mut tx,
                &kinds,
                |c| c.text(municipality.as_str()).at(now),
                |c, (kind, row)| {
                    c.int(row.year.into())
                        .text(&row.kind.key)
                        .text(row.sector.as_deref().unwrap_or_default())
                        .text(kind)
                        .real(row.value)
                        .text(&row.source)
                },
            )
            .await?;
        Ok(tx.commit().await?)
    }

    /// Deletes the facts of a year; returns how many there were.
    pub async fn drop_facts(&self, municipality: &MunicipalityId, year: i32) -> Result<u64> {
        let mut tx = self.begin().await?;
        let dropped = call(DROP_FACTS).text(municipality.as_str()).int(year.into()).run(&mut tx).await?;
        tx.commit().await?;
        Ok(dropped)
    }
}
