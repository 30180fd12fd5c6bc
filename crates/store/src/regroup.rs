//! Other sectors for all years at once: what they would change, and the change itself.
use domain::frame::FrameUnit;
use domain::ids::{ImportId, MunicipalityId, UserId};
use domain::industry::Classification;
use domain::municipality::Settings;
use domain::time::Millis;

use crate::sql::{call, columns, of_word, statements, to_json, word_of};
use crate::{Result, Store, StoreError, audit, frames};

statements! {
    CODES = "select i.year, f.classification, f.industry_code, f.sector, count(*), count(p.id)
        from frame_imports i join frame_rows f on f.import_id = i.id
        left join rounds r on r.municipality_id = i.municipality_id and r.year = i.year
        left join panel_links l on l.business_id = f.business_id
        left join response_panels x on x.round_id = r.id and x.panel_id = l.panel_id
        left join responses p on p.id = x.response_id and p.status in ('partial', 'complete')
        where i.municipality_id = $1 and i.state = 'current'
        group by i.year, f.classification, f.industry_code, f.sector order by i.year, f.classification, f.industry_code, f.sector";
    RUNNING = "select id from rounds where municipality_id = $1 and kind = 'yearly' and state in ('opening', 'open')";
    OWN_SECTORS = "select count(*) from frame_edits where municipality_id = $1 and field = 'sector' and ended_at is null";
    WAITING = "select count(*) from frame_uploads where municipality_id = $1";
    UPLOADS = "select id from frame_uploads where municipality_id = $1";
    IMPORTS = "select id from frame_imports where municipality_id = $1 and state in ('current', 'superseded')
        and exists (select 1 from frame_rows f where f.import_id = frame_imports.id) order by id";
    CODES_OF = "select distinct classification, industry_code, sector from frame_rows where import_id = $1 order by classification, industry_code, sector";
    PUT = "update frame_rows set sector = $4 where import_id = $1 and classification = $2 and industry_code = $3 and sector <> $4";
    EXCLUDED = "select business_id, unit from frame_excluded where import_id = $1 order by business_id";
    PUT_EXCLUDED = "update frame_excluded set unit = $3 where import_id = $1 and business_id = $2";
    REVISED = "update frame_imports set revised_at = $2 where id = $1";
    END_OWN_SECTORS = "update frame_edits set ended_at = $2, ended_by = $3 where municipality_id = $1 and field = 'sector' and ended_at is null";
    SETTINGS = "update municipalities set settings = $2, updated_at = $3 where id = $1";
}

/// Units of one industry code in one sector of one year's frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeCount {
    /// The year.
    pub year: i32,
    /// What the code is written in.
    pub classification: Classification,
    /// The code.
    pub code: String,
    /// The sector in which its units lie now.
    pub sector: String,
    /// Units.
    pub units: u64,
    /// Of these answered.
    pub answered: u64,
}

/// What stands in the way of other sectors, or ends with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegroupObstacles {
    /// A round is open: its businesses were asked and are watched by these sectors.
    pub round_open: bool,
    /// Sectors that staff chose for single businesses; they end.
    pub own_sectors: u64,
    /// Extracts that wait to be decided on; they are thrown away.
    pub waiting: u64,
}

impl Store {
    /// Every industry code of every year's frame with its units, by year.
    pub async fn frame_codes(&self, municipality: &MunicipalityId) -> Result<Vec<CodeCount>> {
        let rows = call(CODES).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(CodeCount {
                    year: c.year()?,
                    classification: c.word("classification", of_word)?,
                    code: c.text()?,
                    sector: c.text()?,
                    units: c.count()?,
                    answered: c.count()?,
                })
            })
            .collect()
    }

    /// What stands in the way of other sectors, or ends with them.
    pub async fn regroup_obstacles(&self, municipality: &MunicipalityId) -> Result<RegroupObstacles> {
        let m = municipality.as_str();
        let mut conn = self.read().await?;
        let round_open = call(RUNNING).text(m).maybe_row(&mut conn).await?.is_some();
        let own_sectors = columns(&call(OWN_SECTORS).text(m).row(&mut conn, "count").await?).count()?;
        let waiting = columns(&call(WAITING).text(m).row(&mut conn, "count").await?).count()?;
        Ok(RegroupObstacles { round_open, own_sectors, waiting })
    }

    /// Puts every unit of every frame into the sector that `sector_of` gives its code, then makes `settings` the municipality's.
    /// Works in steps; a killed one goes on when called again. Returns how many units changed their sector.
    ///
    /// # Errors
    /// [`StoreError::State`] while a round is open.
    pub async fn regroup_frames(
        &self,
        municipality: &MunicipalityId,
        settings: &Settings,
        sector_of: impl Fn(&str, Classification) -> Option<String>,
        by: Option<&UserId>,
        progress: impl Fn(u64, u64),
        now: Millis,
    ) -> Result<u64> {
        let m = municipality.as_str();
        for row in call(UPLOADS).text(m).rows(&mut *self.read().await?).await? {
            self.discard_frame_upload(municipality, &columns(&row).text()?).await?;
        }
        let imports = call(IMPORTS).text(m).rows(&mut *self.read().await?).await?;
        let (mut moved, total) = (0, imports.len() as u64);
        for (done, row) in imports.iter().enumerate() {
            progress(done as u64, total);
            moved += self.regroup_import(municipality, &ImportId(columns(row).text()?), &sector_of, now).await?;
        }
        let mut tx = self.begin().await?;
        frames::lock(&mut tx, municipality).await?;
        refuse_open(&mut tx, m).await?;
        call(END_OWN_SECTORS).text(m).at(now).maybe(by.map(UserId::as_str)).run(&mut tx).await?;
        call(SETTINGS).text(m).text(&to_json("settings", settings)?).at(now).run_one(&mut tx, "municipality").await?;
        audit::note(&mut tx, municipality, by, "frame.regrouped", m, &moved.to_string(), now).await?;
        tx.commit().await?;
        Ok(moved)
    }

    async fn regroup_import(
        &self,
        municipality: &MunicipalityId,
        import: &ImportId,
        sector_of: &impl Fn(&str, Classification) -> Option<String>,
        now: Millis,
    ) -> Result<u64> {
        let rows = call(CODES_OF).text(import.as_str()).rows(&mut *self.read().await?).await?;
        let mut moved = 0;
        for row in &rows {
            let mut c = columns(row);
            let classification: Classification = c.word("classification", of_word)?;
            let (code, sector) = (c.text()?, c.text()?);
            // A code that no list knows any more keeps its sector.
            let Some(wanted) = sector_of(&code, classification).filter(|wanted| *wanted != sector) else { continue };
            let mut tx = self.begin().await?;
            refuse_open(&mut tx, municipality.as_str()).await?;
            moved += call(PUT)
                .text(import.as_str())
                .text(&word_of("classification", &classification)?)
                .text(&code)
                .text(&wanted)
                .run(&mut tx)
                .await?;
            call(REVISED).text(import.as_str()).at(now).run(&mut tx).await?;
            tx.commit().await?;
        }
        // Those that staff left out may be taken in again.
        let mut tx = self.begin().await?;
        for row in call(EXCLUDED).text(import.as_str()).rows(&mut tx).await? {
            let mut c = columns(&row);
            let (business, mut unit) = (c.text()?, c.json::<FrameUnit>("unit")?);
            if let Some(wanted) = sector_of(&unit.industry_code, unit.classification) {
                unit.sector = wanted;
                let unit = to_json("unit", &unit)?;
                call(PUT_EXCLUDED).text(import.as_str()).text(&business).text(&unit).run(&mut tx).await?;
            }
        }
        tx.commit().await?;
        Ok(moved)
    }
}

async fn refuse_open(conn: &mut sqlx::AnyConnection, municipality: &str) -> Result<()> {
    match call(RUNNING).text(municipality).maybe_row(conn).await? {
        Some(_) => Err(StoreError::State("a round is open")),
        None => Ok(()),
    }
}
