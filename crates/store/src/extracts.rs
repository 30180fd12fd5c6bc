//! Register extracts on their way into a frame: sent in, their columns chosen, read and looked at, then kept or thrown away; and
//! how one year's frame differs from another's.
use std::collections::BTreeMap;

use domain::ids::{BusinessId, ImportId, JobId, MunicipalityId, UserId};
use domain::time::Millis;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::frames::{self, FrameChange, FrameCount, FrameRow, unit_columns};
use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store, StoreError};

statements! {
    ADD = "insert into frame_uploads (id, municipality_id, year, classification, file_name, head, created_by, created_at, bytes)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    UPLOAD = "select id, year, classification, file_name, head, fields, job_id, import_id, preview, created_at from frame_uploads
        where id = $1 and municipality_id = $2";
    WAITING = "select id, year, file_name, created_at from frame_uploads where municipality_id = $1 order by created_at desc, id desc";
    BYTES = "select bytes from frame_uploads where id = $1 and municipality_id = $2";
    CHOOSE = "update frame_uploads set fields = $3, job_id = $4, import_id = null, preview = null where id = $1 and municipality_id = $2";
    READ_TO = "update frame_uploads set import_id = $3 where id = $1 and municipality_id = $2";
    SHOW = "update frame_uploads set preview = $3 where id = $1 and municipality_id = $2";
    DROP = "delete from frame_uploads where id = $1 and municipality_id = $2";
    OLD = "select id, municipality_id from frame_uploads where created_at < $1";
    MAPPING = "select heading, field from frame_mappings where municipality_id = $1";
    FORGET = "delete from frame_mappings where municipality_id = $1 and heading = $2";
    REMEMBER = "insert into frame_mappings (municipality_id, heading, field, updated_at) values ($1, $2, $3, $4)";
    DESCRIBE = "update frame_imports set summary = $3, job_id = $4 where id = $1 and municipality_id = $2";
    STORY = "select id, year, file_name, finished_at, summary, job_id, former_id, revised_at,
            (select count(*) from rounds r where r.import_id = i.id and r.kind = 'yearly')
        from frame_imports i where municipality_id = $1 and year = $2 and state = 'current'";
    CURRENT_ROW = "select id, former_id from frame_imports where municipality_id = $1 and year = $2 and state = 'current'";
    STEP_DOWN = "update frame_imports set state = 'superseded' where id = $1";
    STEP_UP = "update frame_imports set state = 'current', former_id = null, revised_at = $2 where id = $1 and state = 'superseded'";
    FORMERS = "select i.id, i.former_id from frame_imports i where i.state = 'current' and i.former_id is not null and i.finished_at < $1";
    NO_FORMER = "update frame_imports set former_id = null where id = $1";
    // The newest frame before a year that is not this import.
    BEFORE = "select id, year from frame_imports where municipality_id = $1 and year < $2 and state = 'current' order by year desc limit 1";
    DIFFERENCE = "select count(g.business_id),
            cast(coalesce(sum(case when f.street <> g.street or f.postcode <> g.postcode then 1 else 0 end), 0) as bigint),
            cast(coalesce(sum(case when f.sector <> g.sector or (f.classification = g.classification and f.industry_code <> g.industry_code) then 1 else 0 end), 0) as bigint),
            cast(coalesce(sum(case when f.sector <> g.sector then 1 else 0 end), 0) as bigint),
            cast(coalesce(sum(case when f.size <> g.size then 1 else 0 end), 0) as bigint),
            cast(coalesce(sum(case when f.name <> g.name then 1 else 0 end), 0) as bigint),
            cast(coalesce(sum(case when f.classification <> g.classification then 1 else 0 end), 0) as bigint)
        from frame_rows f join frame_rows g on g.business_id = f.business_id and g.import_id = $2 where f.import_id = $1";
    COUNTS_OF = "select f.sector, f.size, count(*), cast(sum(case when f.protected_at is null and f.email is not null then 1 else 0 end) as bigint),
            cast(sum(case when f.protected_at is not null then 1 else 0 end) as bigint)
        from frame_imports i join frame_rows f on f.import_id = i.id
        where i.municipality_id = $1 and i.id = $2 group by f.sector, f.size order by f.sector, f.size";
    // Of these two the first is new where the second has none.
    NEW = concat!("select f.business_id, ", unit_columns!(), " from frame_rows f join businesses b on b.id = f.business_id
        where f.import_id = $1 and b.municipality_id = $3 and f.business_id > $4
          and not exists (select 1 from frame_rows g where g.import_id = $2 and g.business_id = f.business_id)
        order by f.business_id limit $5");
    MOVED = "select f.business_id, b.unit_key, f.name, g.street || ', ' || g.postcode || ' ' || g.city, f.street || ', ' || f.postcode || ' ' || f.city, f.sector, f.sector
        from frame_rows f join frame_rows g on g.business_id = f.business_id and g.import_id = $2 join businesses b on b.id = f.business_id
        where f.import_id = $1 and b.municipality_id = $3 and f.business_id > $4 and (f.street <> g.street or f.postcode <> g.postcode)
        order by f.business_id limit $5";
    RECODED = "select f.business_id, b.unit_key, f.name, g.industry_code, f.industry_code, g.sector, f.sector
        from frame_rows f join frame_rows g on g.business_id = f.business_id and g.import_id = $2 join businesses b on b.id = f.business_id
        where f.import_id = $1 and b.municipality_id = $3 and f.business_id > $4
          and (f.sector <> g.sector or (f.classification = g.classification and f.industry_code <> g.industry_code))
        order by f.business_id limit $5";
}

/// Milliseconds for which an extract waits to be decided on.
const WAITS: i64 = 24 * 3_600_000;
/// Days for which a frame can be taken back.
pub const UNDO_DAYS: i64 = 30;

/// An extract that is not decided on. No `Debug`: its rows name businesses.
#[derive(Clone)]
pub struct Upload {
    /// Its id.
    pub id: String,
    /// The year it is for.
    pub year: i32,
    /// Key of the classification of its codes.
    pub classification: String,
    /// Name of the file.
    pub file_name: String,
    /// Headings and first rows, as the caller wrote them.
    pub head: serde_json::Value,
    /// Which column holds which field, once chosen.
    pub fields: Option<serde_json::Value>,
    /// The job that reads it.
    pub job: Option<JobId>,
    /// What it was read into; nobody sees it yet.
    pub import: Option<ImportId>,
    /// What the reading showed, as the caller wrote it; none: not read yet.
    pub preview: Option<serde_json::Value>,
    /// When it came.
    pub created_at: Millis,
}

/// An extract that waits, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingUpload {
    /// Its id.
    pub id: String,
    /// The year.
    pub year: i32,
    /// Name of the file.
    pub file_name: String,
    /// When it came.
    pub created_at: Millis,
}

/// An extract as it is sent in. No `Debug`: it holds the file.
#[derive(Clone)]
pub struct NewUpload<'a> {
    /// The year it is for.
    pub year: i32,
    /// Key of the classification of its codes.
    pub classification: &'a str,
    /// Name of the file.
    pub file_name: &'a str,
    /// Headings and first rows.
    pub head: &'a serde_json::Value,
    /// The file.
    pub bytes: &'a [u8],
}

/// Where a year's frame comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameStory {
    /// The import that is current.
    pub import: ImportId,
    /// The year.
    pub year: i32,
    /// Name of the file.
    pub file_name: String,
    /// When it became the year's frame.
    pub finished_at: Millis,
    /// What became of the file's rows, as the reader wrote it.
    pub summary: Option<serde_json::Value>,
    /// The job that read it, with its report.
    pub job: Option<JobId>,
    /// It replaced another one, whose rows are still there.
    pub has_former: bool,
    /// Changed since, by hand or by another grouping.
    pub revised_at: Option<Millis>,
    /// A round was opened on it.
    pub frozen: bool,
}

/// How a frame differs from an earlier one, in counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Difference {
    /// The earlier year.
    pub year: i32,
    /// Units of the earlier frame.
    pub before: u64,
    /// Units of this one.
    pub now: u64,
    /// Units that the earlier one did not have.
    pub new: u64,
    /// Units of the earlier one that are gone.
    pub closed: u64,
    /// Units with another address.
    pub moved: u64,
    /// Units with another industry code; across two classifications: with another sector.
    pub recoded: u64,
    /// Of these in another sector.
    pub other_sector: u64,
    /// Units in another size class.
    pub resized: u64,
    /// Units with another name.
    pub renamed: u64,
    /// The codes are written in two classifications.
    pub reclassified: bool,
}

/// Which units of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceKind {
    /// Not in the earlier frame.
    New,
    /// Gone since.
    Closed,
    /// Another address.
    Moved,
    /// Another industry code or sector.
    Recoded,
}

impl DifferenceKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::New, Self::Closed, Self::Moved, Self::Recoded];

    /// As written in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Closed => "closed",
            Self::Moved => "moved",
            Self::Recoded => "recoded",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A unit of a difference. No `Debug`: it names a business.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct DifferenceRow {
    /// The business.
    pub business: BusinessId,
    /// Its unit key.
    pub unit_key: String,
    /// Its name.
    pub name: String,
    /// Address or code before; empty for a new one.
    pub before: String,
    /// Address or code now; empty for one that is gone.
    pub now: String,
    /// Key of the sector before.
    pub sector_before: String,
    /// Key of the sector now.
    pub sector_now: String,
}

impl Store {
    /// Keeps an extract until it is decided on.
    pub async fn add_frame_upload(
        &self,
        municipality: &MunicipalityId,
        upload: &NewUpload<'_>,
        by: Option<&UserId>,
        now: Millis,
    ) -> Result<String> {
        let id = JobId::new(now).0;
        let mut tx = self.begin().await?;
        call(ADD)
            .text(&id)
            .text(municipality.as_str())
            .int(upload.year.into())
            .text(upload.classification)
            .text(upload.file_name)
            .text(&to_json("head", upload.head)?)
            .maybe(by.map(UserId::as_str))
            .at(now)
            .bytes(upload.bytes)
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// An extract that is not decided on; `NotFound` otherwise.
    pub async fn frame_upload(&self, municipality: &MunicipalityId, id: &str) -> Result<Upload> {
        upload(&call(UPLOAD).text(id).text(municipality.as_str()).row(&mut *self.read().await?, "extract").await?)
    }

    /// The extracts that wait to be decided on, the latest first.
    pub async fn waiting_frame_uploads(&self, municipality: &MunicipalityId) -> Result<Vec<WaitingUpload>> {
        let rows = call(WAITING).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(WaitingUpload { id: c.text()?, year: c.year()?, file_name: c.text()?, created_at: c.at()? })
            })
            .collect()
    }

    /// The file of an extract.
    pub async fn frame_upload_bytes(&self, municipality: &MunicipalityId, id: &str) -> Result<Vec<u8>> {
        let row = call(BYTES).text(id).text(municipality.as_str()).row(&mut *self.read().await?, "extract").await?;
        columns(&row).bytes()
    }

    /// Notes which column holds which field and queues the reading. What an earlier reading made is thrown away.
    pub async fn read_frame_upload(
        &self,
        municipality: &MunicipalityId,
        id: &str,
        fields: &serde_json::Value,
        now: Millis,
    ) -> Result<JobId> {
        let before = self.frame_upload(municipality, id).await?;
        let job = self
            .enqueue_job(
                municipality,
                "read_frame",
                &serde_json::json!({ "upload": id, "year": before.year }),
                &[],
                now,
            )
            .await?;
        let mut tx = self.begin().await?;
        call(CHOOSE)
            .text(id)
            .text(municipality.as_str())
            .text(&to_json("fields", fields)?)
            .text(job.as_str())
            .run_one(&mut tx, "extract")
            .await?;
        tx.commit().await?;
        if let Some(import) = before.import {
            self.forget_staging(municipality, &import).await?;
        }
        Ok(job)
    }

    /// Notes what an extract is read into, so that it is thrown away with it.
    pub async fn frame_upload_reads_to(
        &self,
        municipality: &MunicipalityId,
        id: &str,
        import: &ImportId,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(READ_TO).text(id).text(municipality.as_str()).text(import.as_str()).run_one(&mut tx, "extract").await?;
        Ok(tx.commit().await?)
    }

    /// Notes what the reading of an extract showed.
    pub async fn show_frame_upload(
        &self,
        municipality: &MunicipalityId,
        id: &str,
        preview: &serde_json::Value,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(SHOW)
            .text(id)
            .text(municipality.as_str())
            .text(&to_json("preview", preview)?)
            .run_one(&mut tx, "extract")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Makes what an extract was read into the year's frame and forgets the file. How its columns were read is remembered.
    ///
    /// # Errors
    /// [`StoreError::State`] when it is not read yet; [`StoreError::FrameFrozen`] when a round was opened on the year's frame.
    pub async fn keep_frame_upload(
        &self,
        municipality: &MunicipalityId,
        id: &str,
        mapping: &BTreeMap<String, Option<String>>,
        now: Millis,
    ) -> Result<FrameChange> {
        let upload = self.frame_upload(municipality, id).await?;
        let (Some(import), Some(_)) = (&upload.import, &upload.preview) else {
            return Err(StoreError::State("the extract is not read yet"));
        };
        let change = self.finish_frame_import(municipality, import, now).await?;
        let mut tx = self.begin().await?;
        for (heading, field) in mapping {
            call(FORGET).text(municipality.as_str()).text(heading).run(&mut tx).await?;
            call(REMEMBER)
                .text(municipality.as_str())
                .text(heading)
                .maybe(field.as_deref())
                .at(now)
                .run(&mut tx)
                .await?;
        }
        call(DROP).text(id).text(municipality.as_str()).run(&mut tx).await?;
        tx.commit().await?;
        Ok(change)
    }

    /// Throws an extract away, with what it was read into.
    pub async fn discard_frame_upload(&self, municipality: &MunicipalityId, id: &str) -> Result<()> {
        let upload = self.frame_upload(municipality, id).await?;
        let mut tx = self.begin().await?;
        call(DROP).text(id).text(municipality.as_str()).run(&mut tx).await?;
        tx.commit().await?;
        match upload.import {
            Some(import) => self.forget_staging(municipality, &import).await,
            None => Ok(()),
        }
    }

    async fn forget_staging(&self, municipality: &MunicipalityId, import: &ImportId) -> Result<()> {
        match self.abandon_frame_import(municipality, import).await {
            Err(StoreError::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    /// What the columns of earlier extracts were, by heading; `None`: left unread.
    pub async fn frame_mapping(&self, municipality: &MunicipalityId) -> Result<BTreeMap<String, Option<String>>> {
        let rows = call(MAPPING).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok((c.text()?, c.maybe()?))
            })
            .collect()
    }

    /// Notes what became of a file's rows, and by which job it was read.
    pub async fn describe_frame_import(
        &self,
        municipality: &MunicipalityId,
        import: &ImportId,
        summary: &serde_json::Value,
        job: Option<&JobId>,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(DESCRIBE)
            .text(import.as_str())
            .text(municipality.as_str())
            .text(&to_json("summary", summary)?)
            .maybe(job.map(JobId::as_str))
            .run_one(&mut tx, "import")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Where a year's frame comes from.
    pub async fn frame_story(&self, municipality: &MunicipalityId, year: i32) -> Result<Option<FrameStory>> {
        let row = call(STORY).text(municipality.as_str()).int(year.into()).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| {
            let mut c = columns(&row);
            Ok(FrameStory {
                import: ImportId(c.text()?),
                year: c.year()?,
                file_name: c.text()?,
                finished_at: c.at()?,
                summary: c.maybe_json("summary")?,
                job: c.maybe()?.map(JobId),
                has_former: c.maybe()?.is_some(),
                revised_at: c.maybe_at()?,
                frozen: c.yes()?,
            })
        })
        .transpose()
    }

    /// Takes a year's frame back: the one that it replaced is the year's again, or the year has none. `true`: there was one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without a frame, [`StoreError::FrameFrozen`] when a round was opened on it.
    pub async fn undo_frame(&self, municipality: &MunicipalityId, year: i32, now: Millis) -> Result<bool> {
        let mut tx = self.begin().await?;
        frames::lock(&mut tx, municipality).await?;
        let row = call(CURRENT_ROW).text(municipality.as_str()).int(year.into()).row(&mut tx, "frame").await?;
        let mut c = columns(&row);
        let (current, former) = (ImportId(c.text()?), c.maybe()?);
        frames::refuse_frozen(&mut tx, municipality, year).await?;
        call(STEP_DOWN).text(current.as_str()).run_one(&mut tx, "frame").await?;
        if let Some(former) = &former {
            call(STEP_UP).text(former).at(now).run_one(&mut tx, "frame").await?;
        }
        tx.commit().await?;
        self.drop_unneeded_rows(&current).await?;
        Ok(former.is_some())
    }

    /// Forgets extracts that nobody decided on for a day, and frames that were replaced so long ago that nobody takes them back.
    pub async fn sweep_frames(&self, now: Millis) -> Result<()> {
        let old = call(OLD).at(Millis(now.0 - WAITS)).rows(&mut *self.read().await?).await?;
        for row in &old {
            let mut c = columns(row);
            let (id, municipality) = (c.text()?, MunicipalityId(c.text()?));
            match self.discard_frame_upload(&municipality, &id).await {
                Ok(()) | Err(StoreError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let formers = call(FORMERS).at(now.plus_days(-UNDO_DAYS)).rows(&mut *self.read().await?).await?;
        for row in &formers {
            let mut c = columns(row);
            let (current, former) = (c.text()?, ImportId(c.text()?));
            let mut tx = self.begin().await?;
            call(NO_FORMER).text(&current).run(&mut tx).await?;
            tx.commit().await?;
            self.drop_unneeded_rows(&former).await?;
        }
        Ok(())
    }

    /// Units of an import by sector × size class, whether it is a frame already or not.
    pub async fn import_counts(&self, municipality: &MunicipalityId, import: &ImportId) -> Result<Vec<FrameCount>> {
        let asked = call(COUNTS_OF).text(municipality.as_str()).text(import.as_str());
        let rows = asked.rows(&mut *self.read().await?).await?;
        rows.iter().map(frames::frame_count).collect()
    }

    /// How an import differs from the frame of the nearest earlier year; `None` without one.
    pub async fn frame_difference(
        &self,
        municipality: &MunicipalityId,
        import: &ImportId,
        year: i32,
    ) -> Result<Option<Difference>> {
        let mut conn = self.read().await?;
        let Some((earlier, from)) = before(&mut conn, municipality, year).await? else { return Ok(None) };
        let (now, then) = (frames::units_of(&mut conn, import).await?, frames::units_of(&mut conn, &earlier).await?);
        let row = call(DIFFERENCE).text(import.as_str()).text(earlier.as_str()).row(&mut conn, "frame").await?;
        let mut c = columns(&row);
        let stayed = c.count()?;
        Ok(Some(Difference {
            year: from,
            before: then,
            now,
            new: now.saturating_sub(stayed),
            closed: then.saturating_sub(stayed),
            moved: c.count()?,
            recoded: c.count()?,
            other_sector: c.count()?,
            resized: c.count()?,
            renamed: c.count()?,
            reclassified: c.count()? > 0,
        }))
    }

    /// The units of a difference in the order of their ids, after `after`.
    pub async fn frame_difference_rows(
        &self,
        municipality: &MunicipalityId,
        import: &ImportId,
        year: i32,
        kind: DifferenceKind,
        after: Option<&BusinessId>,
        limit: u32,
    ) -> Result<Vec<DifferenceRow>> {
        let mut conn = self.read().await?;
        let Some((earlier, _)) = before(&mut conn, municipality, year).await? else { return Ok(Vec::new()) };
        let (statement, this, other) = match kind {
            DifferenceKind::New => (NEW, import, &earlier),
            DifferenceKind::Closed => (NEW, &earlier, import),
            DifferenceKind::Moved => (MOVED, import, &earlier),
            DifferenceKind::Recoded => (RECODED, import, &earlier),
        };
        let asked = call(statement)
            .text(this.as_str())
            .text(other.as_str())
            .text(municipality.as_str())
            .text(after.map_or("", BusinessId::as_str))
            .int(limit.into());
        let rows = asked.rows(&mut conn).await?;
        rows.iter()
            .map(|row| match kind {
                DifferenceKind::New | DifferenceKind::Closed => Ok(one_sided(kind, frame_row(row)?)),
                DifferenceKind::Moved | DifferenceKind::Recoded => {
                    let mut c = columns(row);
                    Ok(DifferenceRow {
                        business: BusinessId(c.text()?),
                        unit_key: c.text()?,
                        name: c.text()?,
                        before: c.text()?,
                        now: c.text()?,
                        sector_before: c.text()?,
                        sector_now: c.text()?,
                    })
                }
            })
            .collect()
    }
}

/// A unit that only one of the two frames has.
fn one_sided(kind: DifferenceKind, row: FrameRow) -> DifferenceRow {
    let address = format!("{}, {} {}", row.unit.street, row.unit.postcode, row.unit.city);
    let (before, now) = if kind == DifferenceKind::New { (String::new(), address) } else { (address, String::new()) };
    let (sector_before, sector_now) =
        if kind == DifferenceKind::New { (String::new(), row.unit.sector) } else { (row.unit.sector, String::new()) };
    DifferenceRow {
        business: row.business,
        unit_key: row.unit.unit_key,
        name: row.unit.name,
        before,
        now,
        sector_before,
        sector_now,
    }
}

async fn before(conn: &mut AnyConnection, municipality: &MunicipalityId, year: i32) -> Result<Option<(ImportId, i32)>> {
    let row = call(BEFORE).text(municipality.as_str()).int(year.into()).maybe_row(conn).await?;
    row.map(|row| {
        let mut c = columns(&row);
        Ok((ImportId(c.text()?), c.year()?))
    })
    .transpose()
}

fn frame_row(row: &AnyRow) -> Result<FrameRow> {
    let mut c = columns(row);
    Ok(FrameRow { business: BusinessId(c.text()?), unit: frames::unit(&mut c)? })
}

fn upload(row: &AnyRow) -> Result<Upload> {
    let mut c = columns(row);
    Ok(Upload {
        id: c.text()?,
        year: c.year()?,
        classification: c.text()?,
        file_name: c.text()?,
        head: c.json("head")?,
        fields: c.maybe_json("fields")?,
        job: c.maybe()?.map(JobId),
        import: c.maybe()?.map(ImportId),
        preview: c.maybe_json("preview")?,
        created_at: c.at()?,
    })
}
