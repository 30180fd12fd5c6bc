//! Businesses and their yearly frame rows: staged in chunks, switched over at the end.
use std::collections::{HashMap, HashSet};

use domain::frame::FrameUnit;
use domain::ids::{BusinessId, ImportId, MunicipalityId, PanelId};
use domain::language::Country;
use domain::time::Millis;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::sql::{Call, Columns, call, columns, of_word, statements, to_json, word_of};
use crate::{Result, Store, StoreError};

/// The columns of a frame row, in the order in which [`unit`] reads them.
macro_rules! unit_columns {
    () => {
        "b.unit_key, f.country, f.company_number, f.name, f.street, f.postcode, f.city, f.industry_code, f.classification, f.employees_low, f.employees_high, f.company_employees_low, f.company_employees_high, f.sector, f.size, f.area, f.started_on, f.email, f.phone, f.protected_at"
    };
}
pub(crate) use unit_columns;

statements! {
    // Whatever changes a year's frame or freezes it holds this row, one after the other.
    LOCK = "update municipalities set updated_at = updated_at where id = $1";
    IS_FROZEN = "select year from rounds where municipality_id = $1 and year = $2 and kind = 'yearly' and import_id is not null";
    CURRENT = "select id, content_hash, change from frame_imports where municipality_id = $1 and year = $2 and state = 'current'";
    BEGIN = "insert into frame_imports (id, municipality_id, year, file_name, content_hash, state, created_at) values ($1, $2, $3, $4, $5, 'staging', $6)";
    FORGOTTEN = "select id from frame_imports where municipality_id = $1 and state = 'staging' and created_at < $2";
    STAGING = "select year from frame_imports where id = $1 and municipality_id = $2 and state = 'staging'";
    ROWS_OF = "select count(*) from frame_rows where import_id = $1";
    EARLIER = "select id, year from frame_imports where municipality_id = $1 and year < $2 and state = 'current' order by year desc limit 1";
    EQUAL_ROWS = "select count(*) from frame_rows f join frame_rows g on g.business_id = f.business_id
        where f.import_id = $1 and g.import_id = $2
          and f.country = g.country and f.company_number is not distinct from g.company_number and f.name = g.name
          and f.street = g.street and f.postcode = g.postcode and f.city = g.city
          and f.industry_code = g.industry_code and f.classification = g.classification
          and f.employees_low = g.employees_low and f.employees_high is not distinct from g.employees_high
          and f.company_employees_low is not distinct from g.company_employees_low
          and f.company_employees_high is not distinct from g.company_employees_high
          and f.sector = g.sector and f.size = g.size and f.area is not distinct from g.area
          and f.started_on is not distinct from g.started_on and f.email is not distinct from g.email
          and f.phone is not distinct from g.phone and (f.protected_at is null) = (g.protected_at is null)";
    STAYED = "select count(*), cast(coalesce(sum(case when f.sector = g.sector and f.size = g.size and f.name = g.name
            and f.street = g.street and f.postcode = g.postcode then 1 else 0 end), 0) as bigint)
        from frame_rows f join frame_rows g on g.business_id = f.business_id where f.import_id = $1 and g.import_id = $2";
    SUPERSEDE = "update frame_imports set state = 'superseded' where municipality_id = $1 and year = $2 and state = 'current'";
    SWITCH = "update frame_imports set state = 'current', change = $2, finished_at = $3, former_id = $4 where id = $1 and state = 'staging'";
    FORMER_OF = "select former_id from frame_imports where id = $1 and former_id is not null";
    DROP_EXCLUDED = "delete from frame_excluded where import_id = $1";
    // A superseded frame that a yearly round refers to cannot exist: freezing and switching exclude each other. Its rows stay for a
    // while, so that the switch can be taken back; those of a frame that a round of cases refers to stay for good.
    IS_NEEDED = "select id from rounds where import_id = $1 limit 1";
    DROP_SOME_ROWS = "delete from frame_rows where import_id = $1 and business_id in (
        select business_id from frame_rows where import_id = $1 order by business_id limit 1000)";
    DROP_IMPORT = "delete from frame_imports where id = $1 and municipality_id = $2 and state = 'staging'";
    FRAMES = "select i.year, i.id, i.file_name, i.content_hash, i.finished_at, i.change,
            (select count(*) from rounds r where r.import_id = i.id and r.kind = 'yearly'),
            count(f.business_id), cast(coalesce(sum(case when f.protected_at is null and f.email is not null then 1 else 0 end), 0) as bigint),
            cast(coalesce(sum(case when f.protected_at is not null then 1 else 0 end), 0) as bigint)
        from frame_imports i left join frame_rows f on f.import_id = i.id
        where i.municipality_id = $1 and i.state = 'current'
        group by i.year, i.id, i.file_name, i.content_hash, i.finished_at, i.change order by i.year";
    COUNTS = "select f.sector, f.size, count(*), cast(sum(case when f.protected_at is null and f.email is not null then 1 else 0 end) as bigint),
            cast(sum(case when f.protected_at is not null then 1 else 0 end) as bigint)
        from frame_imports i join frame_rows f on f.import_id = i.id
        where i.municipality_id = $1 and i.year = $2 and i.state = 'current' group by f.sector, f.size order by f.sector, f.size";
    UNITS = concat!("select f.business_id, ", unit_columns!(), " from frame_imports i join frame_rows f on f.import_id = i.id
        join businesses b on b.id = f.business_id
        where i.municipality_id = $1 and i.year = $2 and i.state = 'current' and f.business_id > $3 order by f.business_id limit $4");
    [bulk 2] ADD_BUSINESSES = "insert into businesses (id, municipality_id, unit_key, created_at) values", "(#, $1, #, $2)",
        "on conflict (municipality_id, unit_key) do nothing";
    [bulk 1] BUSINESSES_BY_KEY = "select id, unit_key from businesses where municipality_id = $1 and unit_key in (", "#", ")";
    [bulk 2] ADD_PANEL_LINKS = "insert into panel_links (business_id, municipality_id, panel_id, created_at) values", "(#, $1, #, $2)",
        "on conflict (business_id) do nothing";
    [bulk 1] ADD_ROWS = "insert into frame_rows (import_id, business_id, country, company_number, name, street, postcode, city, industry_code, classification, employees_low, employees_high, company_employees_low, company_employees_high, sector, size, area, started_on, email, phone, protected_at) values",
        "($1, #, #, #, #, #, #, #, #, #, #, #, #, #, #, #, #, #, #, #, #)", "on conflict (import_id, business_id) do nothing";
}

/// Rows per transaction: about 50 ms of the writer in a debug build.
const CHUNK: usize = 512;

/// An import that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameImport {
    /// Its id.
    pub id: ImportId,
    /// The very same file is the year's frame already: nothing needs to be staged, and nothing will change.
    pub already_current: bool,
}

/// What an import did, against the frame of the nearest earlier year (or, without one, against nothing).
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FrameChange {
    /// Units in the new frame.
    pub total: u64,
    /// The earlier year compared with.
    pub compared_with: Option<i32>,
    /// Units that the earlier year did not have.
    pub new: u64,
    /// Units of the earlier year that are gone.
    pub closed: u64,
    /// Units with another sector, size, area, name or address.
    pub changed: u64,
    /// Units as they were.
    pub unchanged: u64,
    /// `false`: the year's frame had equal rows already, so nothing was replaced.
    pub replaced: bool,
}

/// A year's frame in one line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FrameSummary {
    /// The year.
    pub year: i32,
    /// The import that is current.
    pub import: ImportId,
    /// Name of the file.
    pub file_name: String,
    /// Hash of the file's contents.
    pub content_hash: String,
    /// When it was switched over.
    pub imported_at: Millis,
    /// Units.
    pub units: u64,
    /// Units with an e-mail address that may be approached.
    pub contactable: u64,
    /// Units that the register protects.
    pub protected: u64,
    /// A round was opened on it: it can no longer be replaced.
    pub frozen: bool,
    /// What the import changed.
    pub change: FrameChange,
}

/// Units of one sector and size class.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FrameCount {
    /// Key of the sector.
    pub sector: String,
    /// Key of the size class.
    pub size: String,
    /// Units.
    pub units: u64,
    /// Units with an e-mail address that may be approached.
    pub contactable: u64,
    /// Units that the register protects.
    pub protected: u64,
}

/// A unit of the frame with the id under which we know it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FrameRow {
    /// The business.
    pub business: BusinessId,
    /// What the register says of it in that year.
    pub unit: FrameUnit,
}

/// The columns of a unit, from the country on.
pub(crate) fn with_unit(row: Call, u: &FrameUnit, classification: &str, now: Millis) -> Call {
    row.text(u.country.code())
        .maybe(u.company_number.as_deref())
        .text(&u.name)
        .text(&u.street)
        .text(&u.postcode)
        .text(&u.city)
        .text(&u.industry_code)
        .text(classification)
        .int(u.employees_low.into())
        .maybe_int(u.employees_high.map(Into::into))
        .maybe_int(u.company_employees_low.map(Into::into))
        .maybe_int(u.company_employees_high.map(Into::into))
        .text(&u.sector)
        .text(&u.size)
        .maybe(u.area.as_deref())
        .maybe(u.started_on.as_deref())
        .maybe(u.email.as_deref())
        .maybe(u.phone.as_deref())
        .maybe_at(u.protected.then_some(now))
}

/// A line of units by sector × size class.
pub(crate) fn frame_count(row: &AnyRow) -> Result<FrameCount> {
    let mut c = columns(row);
    Ok(FrameCount {
        sector: c.text()?,
        size: c.text()?,
        units: c.count()?,
        contactable: c.count()?,
        protected: c.count()?,
    })
}

impl Store {
    /// Begins an import of a year's frame. `content_hash`: SHA-256 of the file (and of what decides how it is read).
    ///
    /// # Errors
    /// [`StoreError::FrameFrozen`] when a round was opened on that year's frame and the file is another one.
    pub async fn begin_frame_import(
        &self,
        municipality: &MunicipalityId,
        year: i32,
        file_name: &str,
        content_hash: &str,
        now: Millis,
    ) -> Result<FrameImport> {
        let mut tx = self.begin().await?;
        if let Some(row) = call(CURRENT).text(municipality.as_str()).int(year.into()).maybe_row(&mut tx).await? {
            let mut c = columns(&row);
            let (id, hash) = (ImportId(c.text()?), c.text()?);
            if hash == content_hash {
                return Ok(FrameImport { id, already_current: true });
            }
        }
        refuse_frozen(&mut tx, municipality, year).await?;
        let id = ImportId::new(now);
        call(BEGIN)
            .text(id.as_str())
            .text(municipality.as_str())
            .int(year.into())
            .text(file_name)
            .text(content_hash)
            .at(now)
            .run(&mut tx)
            .await?;
        let forgotten = call(FORGOTTEN).text(municipality.as_str()).at(now.plus_days(-1)).rows(&mut tx).await?;
        tx.commit().await?;
        // What a killed import left behind.
        for row in &forgotten {
            self.abandon_frame_import(municipality, &ImportId(columns(row).text()?)).await?;
        }
        Ok(FrameImport { id, already_current: false })
    }

    /// Adds rows to an import; nobody sees them yet. Of two rows with one unit key the first stands. Returns how many were added.
    ///
    /// # Errors
    /// `NotFound` when there is no such import under way.
    pub async fn stage_frame_rows(
        &self,
        municipality: &MunicipalityId,
        import: &ImportId,
        rows: &[FrameUnit],
        now: Millis,
    ) -> Result<u64> {
        let mut added = 0;
        for chunk in rows.chunks(CHUNK) {
            added += self.stage_chunk(municipality, import, chunk, now).await?;
        }
        Ok(added)
    }

    async fn stage_chunk(
        &self,
        municipality: &MunicipalityId,
        import: &ImportId,
        chunk: &[FrameUnit],
        now: Millis,
    ) -> Result<u64> {
        let m = municipality.as_str();
        // One order for everybody, so that two imports at once cannot lock each other out on PostgreSQL.
        let mut seen = HashSet::new();
        let mut units: Vec<&FrameUnit> = chunk.iter().filter(|unit| seen.insert(unit.unit_key.as_str())).collect();
        units.sort_by(|a, b| a.unit_key.cmp(&b.unit_key));
        let mut tx = self.begin().await?;
        call(STAGING).text(import.as_str()).text(m).row(&mut tx, "import").await?;
        let candidates: Vec<(BusinessId, &str)> =
            units.iter().map(|unit| (BusinessId::new(now), unit.unit_key.as_str())).collect();
        ADD_BUSINESSES
            .run(&mut tx, &candidates, |c| c.text(m).at(now), |c, (id, key)| c.text(id.as_str()).text(key))
            .await?;
        let mut ids = HashMap::new();
        for row in BUSINESSES_BY_KEY.rows(&mut tx, &units, |c| c.text(m), |c, unit| c.text(&unit.unit_key)).await? {
            let mut c = columns(&row);
            let id = c.text()?;
            ids.insert(c.text()?, id);
        }
        let mut panels: Vec<(&str, PanelId)> = ids.values().map(|id| (id.as_str(), PanelId::random())).collect();
        panels.sort_by(|a, b| a.0.cmp(b.0));
        ADD_PANEL_LINKS
            .run(&mut tx, &panels, |c| c.text(m).at(now), |c, (id, panel)| c.text(id).text(panel.as_str()))
            .await?;
        let mut full = Vec::with_capacity(units.len());
        for unit in &units {
            let id = ids.get(&unit.unit_key).ok_or(StoreError::NotFound("business"))?;
            full.push((id.as_str(), *unit, word_of("classification", &unit.classification)?));
        }
        let added = ADD_ROWS
            .run(
                &mut tx,
                &full,
                |c| c.text(import.as_str()),
                |c, (id, u, classification)| with_unit(c.text(id), u, classification, now),
            )
            .await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Makes the import the year's frame, in one step; equal rows change nothing. Finishing one that is current already gives its result again.
    ///
    /// # Errors
    /// [`StoreError::FrameFrozen`] when a round was opened on that year's frame meanwhile.
    pub async fn finish_frame_import(
        &self,
        municipality: &MunicipalityId,
        import: &ImportId,
        now: Millis,
    ) -> Result<FrameChange> {
        let m = municipality.as_str();
        let asked = call(STAGING).text(import.as_str()).text(m);
        if asked.maybe_row(&mut *self.read().await?).await?.is_some() {
            self.apply_frame_edits(municipality, import, now).await?;
        }
        let mut tx = self.begin().await?;
        call(LOCK).text(m).run_one(&mut tx, "municipality").await?;
        let Some(staging) = call(STAGING).text(import.as_str()).text(m).maybe_row(&mut tx).await? else {
            tx.rollback().await?;
            let summary = self
                .frames(municipality)
                .await?
                .into_iter()
                .find(|f| f.import == *import)
                .ok_or(StoreError::NotFound("import"))?;
            return Ok(FrameChange { replaced: false, ..summary.change });
        };
        let year = columns(&staging).year()?;
        refuse_frozen(&mut tx, municipality, year).await?;
        let total = count(&mut tx, ROWS_OF, import.as_str()).await?;
        let old = match call(CURRENT).text(m).int(year.into()).maybe_row(&mut tx).await? {
            None => None,
            Some(row) => {
                let mut c = columns(&row);
                let (id, _hash) = (c.text()?, c.text()?);
                Some((id, c.maybe_json::<FrameChange>("import")?.unwrap_or_default()))
            }
        };
        if let Some((old, change)) = &old
            && count(&mut tx, ROWS_OF, old).await? == total
            && columns(&call(EQUAL_ROWS).text(import.as_str()).text(old).row(&mut tx, "frame").await?).count()? == total
        {
            tx.rollback().await?;
            self.abandon_frame_import(municipality, import).await?;
            return Ok(FrameChange { replaced: false, ..change.clone() });
        }
        let mut change = FrameChange { total, new: total, replaced: true, ..FrameChange::default() };
        if let Some(row) = call(EARLIER).text(m).int(year.into()).maybe_row(&mut tx).await? {
            let mut c = columns(&row);
            let earlier = c.text()?;
            change.compared_with = Some(c.year()?);
            let row = call(STAYED).text(import.as_str()).text(&earlier).row(&mut tx, "frame").await?;
            let mut c = columns(&row);
            let stayed = c.count()?;
            change.unchanged = c.count()?;
            change.changed = stayed - change.unchanged;
            change.new = total - stayed;
            change.closed = count(&mut tx, ROWS_OF, &earlier).await? - stayed;
        }
        call(SUPERSEDE).text(m).int(year.into()).run(&mut tx).await?;
        call(SWITCH)
            .text(import.as_str())
            .text(&to_json("import", &change)?)
            .at(now)
            .maybe(old.as_ref().map(|(id, _)| id.as_str()))
            .run_one(&mut tx, "import")
            .await?;
        // One step back is enough.
        let older = match &old {
            Some((old, _)) => call(FORMER_OF).text(old).maybe_row(&mut tx).await?,
            None => None,
        };
        tx.commit().await?;
        if let Some(row) = older {
            self.drop_unneeded_rows(&ImportId(columns(&row).text()?)).await?;
        }
        Ok(change)
    }

    /// Throws an unfinished import away.
    pub async fn abandon_frame_import(&self, municipality: &MunicipalityId, import: &ImportId) -> Result<()> {
        call(STAGING).text(import.as_str()).text(municipality.as_str()).row(&mut *self.read().await?, "import").await?;
        self.drop_rows(import).await?;
        let mut tx = self.begin().await?;
        call(DROP_IMPORT).text(import.as_str()).text(municipality.as_str()).run(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Drops the rows of a frame that is no longer anybody's.
    pub(crate) async fn drop_unneeded_rows(&self, import: &ImportId) -> Result<()> {
        match call(IS_NEEDED).text(import.as_str()).maybe_row(&mut *self.read().await?).await? {
            Some(_) => Ok(()),
            None => self.drop_rows(import).await,
        }
    }

    pub(crate) async fn drop_rows(&self, import: &ImportId) -> Result<()> {
        let mut tx = self.begin().await?;
        call(DROP_EXCLUDED).text(import.as_str()).run(&mut tx).await?;
        tx.commit().await?;
        loop {
            let mut tx = self.begin().await?;
            let dropped = call(DROP_SOME_ROWS).text(import.as_str()).run(&mut tx).await?;
            tx.commit().await?;
            if dropped == 0 {
                return Ok(());
            }
        }
    }

    /// The frames of all years, ascending.
    pub async fn frames(&self, municipality: &MunicipalityId) -> Result<Vec<FrameSummary>> {
        let rows = call(FRAMES).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(FrameSummary {
                    year: c.year()?,
                    import: ImportId(c.text()?),
                    file_name: c.text()?,
                    content_hash: c.text()?,
                    imported_at: c.at()?,
                    change: c.maybe_json("import")?.unwrap_or_default(),
                    frozen: c.yes()?,
                    units: c.count()?,
                    contactable: c.count()?,
                    protected: c.count()?,
                })
            })
            .collect()
    }

    /// Units by sector × size class.
    pub async fn frame_counts(&self, municipality: &MunicipalityId, year: i32) -> Result<Vec<FrameCount>> {
        let rows = call(COUNTS).text(municipality.as_str()).int(year.into()).rows(&mut *self.read().await?).await?;
        rows.iter().map(frame_count).collect()
    }

    /// Units in the order of their ids, after `after`.
    pub async fn frame_units(
        &self,
        municipality: &MunicipalityId,
        year: i32,
        after: Option<&BusinessId>,
        limit: u32,
    ) -> Result<Vec<FrameRow>> {
        let after = after.map_or("", BusinessId::as_str);
        let rows = call(UNITS)
            .text(municipality.as_str())
            .int(year.into())
            .text(after)
            .int(limit.into())
            .rows(&mut *self.read().await?)
            .await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(FrameRow { business: BusinessId(c.text()?), unit: unit(&mut c)? })
            })
            .collect()
    }
}

/// Holds the municipality's row, so that its frames are neither switched nor frozen meanwhile.
pub(crate) async fn lock(conn: &mut AnyConnection, municipality: &MunicipalityId) -> Result<()> {
    call(LOCK).text(municipality.as_str()).run_one(conn, "municipality").await
}

/// The import that is a year's frame now.
pub(crate) async fn current(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    year: i32,
) -> Result<Option<ImportId>> {
    let row = call(CURRENT).text(municipality.as_str()).int(year.into()).maybe_row(conn).await?;
    row.map(|row| Ok(ImportId(columns(&row).text()?))).transpose()
}

/// Units of an import.
pub(crate) async fn units_of(conn: &mut AnyConnection, import: &ImportId) -> Result<u64> {
    count(conn, ROWS_OF, import.as_str()).await
}

pub(crate) async fn refuse_frozen(conn: &mut AnyConnection, municipality: &MunicipalityId, year: i32) -> Result<()> {
    match call(IS_FROZEN).text(municipality.as_str()).int(year.into()).maybe_row(conn).await? {
        Some(_) => Err(StoreError::FrameFrozen { year }),
        None => Ok(()),
    }
}

async fn count(conn: &mut AnyConnection, statement: &'static str, id: &str) -> Result<u64> {
    columns(&call(statement).text(id).row(conn, "count").await?).count()
}

/// Reads the columns of [`unit_columns`].
pub(crate) fn unit(c: &mut Columns<'_>) -> Result<FrameUnit> {
    Ok(FrameUnit {
        unit_key: c.text()?,
        country: c.word("country", Country::parse)?,
        company_number: c.maybe()?,
        name: c.text()?,
        street: c.text()?,
        postcode: c.text()?,
        city: c.text()?,
        industry_code: c.text()?,
        classification: c.word("classification", of_word)?,
        employees_low: c.number("employees")?,
        employees_high: c.maybe_number("employees")?,
        company_employees_low: c.maybe_number("employees")?,
        company_employees_high: c.maybe_number("employees")?,
        sector: c.text()?,
        size: c.text()?,
        area: c.maybe()?,
        started_on: c.maybe()?,
        email: c.maybe()?,
        phone: c.maybe()?,
        protected: c.flag()?,
    })
}
