//! Corrections of single businesses by hand, as long as the register says what it said when they were made.
use domain::frame::FrameUnit;
use domain::ids::{BusinessId, ImportId, JobId, MunicipalityId, UserId};
use domain::time::Millis;
use sqlx::AnyConnection;

use crate::frames::{self, FrameRow, unit_columns};
use crate::sql::{call, columns, statements, to_json, word_of};
use crate::{Result, Store, StoreError, audit};

statements! {
    ADD = "insert into frame_edits (id, municipality_id, business_id, year, field, was, written, reason, made_by, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    END = "update frame_edits set ended_at = $4, ended_by = $5 where municipality_id = $1 and business_id = $2 and field = $3 and ended_at is null";
    IN_FORCE = "select e.id, e.business_id, e.field, e.was, e.written from frame_edits e where e.municipality_id = $1 and e.ended_at is null
        and e.year <= (select i.year from frame_imports i where i.id = $2) order by e.made_at, e.id";
    ONE_IN_FORCE = "select was, written from frame_edits where municipality_id = $1 and business_id = $2 and field = $3 and ended_at is null";
    HISTORY = "select e.field, e.was, e.written, e.reason, u.name, e.made_at, v.name, e.ended_at from frame_edits e
        left join users u on u.id = e.made_by left join users v on v.id = e.ended_by
        where e.municipality_id = $1 and e.business_id = $2 order by e.made_at desc, e.id desc";
    COUNT = "select count(distinct e.business_id) from frame_edits e join frame_imports i on i.municipality_id = e.municipality_id and i.year = $2 and i.state = 'current'
        where e.municipality_id = $1 and e.ended_at is null
          and (exists (select 1 from frame_rows f where f.import_id = i.id and f.business_id = e.business_id)
            or exists (select 1 from frame_excluded x where x.import_id = i.id and x.business_id = e.business_id))";
    ROW = concat!("select f.business_id, ", unit_columns!(), " from frame_rows f join businesses b on b.id = f.business_id
        where f.import_id = $1 and f.business_id = $2 and b.municipality_id = $3");
    // Every column by its name: a name of a column is never a value.
    SET_NAME = "update frame_rows set name = $3 where import_id = $1 and business_id = $2";
    SET_STREET = "update frame_rows set street = $3 where import_id = $1 and business_id = $2";
    SET_POSTCODE = "update frame_rows set postcode = $3 where import_id = $1 and business_id = $2";
    SET_CITY = "update frame_rows set city = $3 where import_id = $1 and business_id = $2";
    SET_EMAIL = "update frame_rows set email = $3 where import_id = $1 and business_id = $2";
    SET_PHONE = "update frame_rows set phone = $3 where import_id = $1 and business_id = $2";
    SET_SECTOR = "update frame_rows set sector = $3 where import_id = $1 and business_id = $2";
    LEAVE_OUT = "delete from frame_rows where import_id = $1 and business_id = $2";
    KEEP_EXCLUDED = "insert into frame_excluded (import_id, business_id, unit) values ($1, $2, $3) on conflict (import_id, business_id) do update set unit = excluded.unit";
    EXCLUDED = "select unit from frame_excluded where import_id = $1 and business_id = $2";
    DROP_EXCLUDED = "delete from frame_excluded where import_id = $1 and business_id = $2";
    ALL_EXCLUDED = "select x.business_id, x.unit from frame_excluded x where x.import_id = $1 order by x.business_id limit $2";
    PUT_BACK = "insert into frame_rows (import_id, business_id, country, company_number, name, street, postcode, city, industry_code, classification, employees_low, employees_high, company_employees_low, company_employees_high, sector, size, area, started_on, email, phone, protected_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
    REVISED = "update frame_imports set revised_at = $2 where id = $1";
    NAMES = "select f.business_id, b.unit_key, f.name, f.city, f.sector, f.size, f.email, f.protected_at from frame_imports i
        join frame_rows f on f.import_id = i.id join businesses b on b.id = f.business_id
        where i.municipality_id = $1 and i.year = $2 and i.state = 'current' and f.business_id > $3 order by f.business_id limit $4";
    DROP_OF_BUSINESS = "delete from frame_edits where business_id = $1";
    DROP_EXCLUDED_OF_BUSINESS = "delete from frame_excluded where business_id = $1";
}

/// A field of a frame unit that staff may correct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EditField {
    /// Name.
    Name,
    /// Street and number.
    Street,
    /// Postal code.
    Postcode,
    /// Town.
    City,
    /// Mail address.
    Email,
    /// Telephone.
    Phone,
    /// Key of the sector.
    Sector,
    /// Does not belong to the population.
    Excluded,
}

impl EditField {
    /// The fields that hold a text, in the order of a form.
    pub const TEXTS: [Self; 7] =
        [Self::Name, Self::Street, Self::Postcode, Self::City, Self::Email, Self::Phone, Self::Sector];

    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Street => "street",
            Self::Postcode => "postcode",
            Self::City => "city",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Sector => "sector",
            Self::Excluded => "excluded",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::TEXTS.into_iter().chain([Self::Excluded]).find(|field| field.as_str() == word)
    }

    /// What a unit says in this field.
    #[must_use]
    pub fn of(self, unit: &FrameUnit) -> Option<&str> {
        match self {
            Self::Name => Some(&unit.name),
            Self::Street => Some(&unit.street),
            Self::Postcode => Some(&unit.postcode),
            Self::City => Some(&unit.city),
            Self::Email => unit.email.as_deref(),
            Self::Phone => unit.phone.as_deref(),
            Self::Sector => Some(&unit.sector),
            Self::Excluded => None,
        }
    }

    const fn statement(self) -> Option<&'static str> {
        match self {
            Self::Name => Some(SET_NAME),
            Self::Street => Some(SET_STREET),
            Self::Postcode => Some(SET_POSTCODE),
            Self::City => Some(SET_CITY),
            Self::Email => Some(SET_EMAIL),
            Self::Phone => Some(SET_PHONE),
            Self::Sector => Some(SET_SECTOR),
            Self::Excluded => None,
        }
    }
}

/// A correction as it was made. No `Debug`: it may hold a name or an address.
#[derive(Clone, PartialEq, Eq)]
pub struct FrameEdit {
    /// Of which field.
    pub field: EditField,
    /// What the register said.
    pub was: Option<String>,
    /// What staff wrote.
    pub written: Option<String>,
    /// Why.
    pub reason: String,
    /// Who.
    pub made_by: Option<String>,
    /// When.
    pub made_at: Millis,
    /// Who ended it; `None`: the register said something new.
    pub ended_by: Option<String>,
    /// When it ended.
    pub ended_at: Option<Millis>,
}

/// A unit of a year's frame with what staff made of it. No `Debug`: it names a business.
#[derive(Clone)]
pub struct EditedUnit {
    /// The unit as it stands in the frame, or as it would if it were not left out.
    pub row: FrameRow,
    /// Left out by staff.
    pub excluded: bool,
    /// The year's frame is in use by a round and cannot be changed.
    pub frozen: bool,
    /// What was corrected, latest first.
    pub history: Vec<FrameEdit>,
}

/// A unit in a list. No `Debug`: it names a business.
#[derive(Clone, PartialEq, Eq)]
pub struct UnitLine {
    /// The business.
    pub business: BusinessId,
    /// Its unit key.
    pub unit_key: String,
    /// Its name.
    pub name: String,
    /// Town.
    pub city: String,
    /// Key of the sector.
    pub sector: String,
    /// Key of the size class.
    pub size: String,
    /// It has a mail address.
    pub has_email: bool,
    /// The register protects it.
    pub protected: bool,
}

/// What the corrections made of an import.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EditsApplied {
    /// Corrections that hold.
    pub applied: u64,
    /// Corrections that ended, because the register says something new.
    pub overtaken: u64,
    /// Units left out by staff.
    pub excluded: u64,
}

impl Store {
    /// A unit of a year's frame.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the year's frame does not have it.
    pub async fn frame_unit(
        &self,
        municipality: &MunicipalityId,
        year: i32,
        business: &BusinessId,
    ) -> Result<EditedUnit> {
        let mut conn = self.read().await?;
        let import = frames::current(&mut conn, municipality, year).await?.ok_or(StoreError::NotFound("frame"))?;
        let frozen = frames::refuse_frozen(&mut conn, municipality, year).await.is_err();
        let rows = call(HISTORY).text(municipality.as_str()).text(business.as_str()).rows(&mut conn).await?;
        let history = rows
            .iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(FrameEdit {
                    field: c.word("field", EditField::parse)?,
                    was: c.maybe()?,
                    written: c.maybe()?,
                    reason: c.text()?,
                    made_by: c.maybe()?,
                    made_at: c.at()?,
                    ended_by: c.maybe()?,
                    ended_at: c.maybe_at()?,
                })
            })
            .collect::<Result<_>>()?;
        let (row, excluded) = find(&mut conn, municipality, &import, business).await?;
        Ok(EditedUnit { row, excluded, frozen, history })
    }

    /// The units of a year's frame that `wanted` takes, at most `most`, in the order of their ids.
    pub async fn find_frame_units(
        &self,
        municipality: &MunicipalityId,
        year: i32,
        most: usize,
        wanted: impl Fn(&UnitLine) -> bool,
    ) -> Result<Vec<UnitLine>> {
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let asked = call(NAMES).text(municipality.as_str()).int(year.into()).text(&after).int(PAGE);
            let rows = asked.rows(&mut *self.read().await?).await?;
            for row in &rows {
                let mut c = columns(row);
                let line = UnitLine {
                    business: BusinessId(c.text()?),
                    unit_key: c.text()?,
                    name: c.text()?,
                    city: c.text()?,
                    sector: c.text()?,
                    size: c.text()?,
                    has_email: c.maybe()?.is_some(),
                    protected: c.flag()?,
                };
                after.clone_from(&line.business.0);
                if wanted(&line) {
                    found.push(line);
                    if found.len() == most {
                        return Ok(found);
                    }
                }
            }
            if (rows.len() as i64) < PAGE {
                return Ok(found);
            }
        }
    }

    /// The units that staff left out of a year's frame.
    pub async fn excluded_units(&self, municipality: &MunicipalityId, year: i32) -> Result<Vec<FrameRow>> {
        let mut conn = self.read().await?;
        let Some(import) = frames::current(&mut conn, municipality, year).await? else { return Ok(Vec::new()) };
        let rows = call(ALL_EXCLUDED).text(import.as_str()).int(PAGE).rows(&mut conn).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(FrameRow { business: BusinessId(c.text()?), unit: c.json("unit")? })
            })
            .collect()
    }

    /// Units of a year's frame with a correction that holds.
    pub async fn edited_units(&self, municipality: &MunicipalityId, year: i32) -> Result<u64> {
        let row =
            call(COUNT).text(municipality.as_str()).int(year.into()).row(&mut *self.read().await?, "count").await?;
        columns(&row).count()
    }

    /// Writes fields of one unit of a year's frame. A field that gets back what the register said is corrected no more.
    /// Returns the fields that changed.
    ///
    /// # Errors
    /// [`StoreError::FrameFrozen`] when a round was opened on the frame, [`StoreError::NotFound`] without such a unit,
    /// [`StoreError::State`] when staff left it out.
    pub async fn edit_frame_unit(
        &self,
        municipality: &MunicipalityId,
        (year, business): (i32, &BusinessId),
        written: &[(EditField, Option<&str>)],
        reason: &str,
        by: Option<&UserId>,
        now: Millis,
    ) -> Result<Vec<EditField>> {
        let mut tx = self.begin().await?;
        let import = changeable(&mut tx, municipality, year).await?;
        let (row, excluded) = find(&mut tx, municipality, &import, business).await?;
        if excluded {
            return Err(StoreError::State("the business is left out of the frame"));
        }
        let mut changed = Vec::new();
        for (field, written) in written {
            let stands = field.of(&row.unit);
            if stands == *written || *field == EditField::Excluded {
                continue;
            }
            let before = in_force(&mut tx, municipality, business, *field).await?;
            // What the register says, under an earlier correction.
            let was = match before {
                Some((was, _)) => was,
                None => stands.map(str::to_owned),
            };
            end(&mut tx, municipality, business, *field, by, now).await?;
            if was.as_deref() != *written {
                add(&mut tx, municipality, (business, year), (*field, was.as_deref(), *written), reason, by, now)
                    .await?;
            }
            put(&mut tx, &import, business, *field, *written).await?;
            changed.push(*field);
        }
        if !changed.is_empty() {
            call(REVISED).text(import.as_str()).at(now).run(&mut tx).await?;
            let fields: Vec<&str> = changed.iter().map(|field| field.as_str()).collect();
            let detail = format!("{year}: {}", fields.join(", "));
            audit::note(&mut tx, municipality, by, "frame.unit_edited", business.as_str(), &detail, now).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Leaves a unit out of a year's frame for a reason, or takes it in again.
    ///
    /// # Errors
    /// As [`Self::edit_frame_unit`]; [`StoreError::State`] when it is as wanted already.
    pub async fn exclude_frame_unit(
        &self,
        municipality: &MunicipalityId,
        (year, business): (i32, &BusinessId),
        reason: Option<&str>,
        by: Option<&UserId>,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let import = changeable(&mut tx, municipality, year).await?;
        let (row, excluded) = find(&mut tx, municipality, &import, business).await?;
        if excluded == reason.is_some() {
            return Err(StoreError::State("the business is left out, or taken in, already"));
        }
        end(&mut tx, municipality, business, EditField::Excluded, by, now).await?;
        if let Some(reason) = reason {
            add(&mut tx, municipality, (business, year), (EditField::Excluded, None, Some("yes")), reason, by, now)
                .await?;
            leave_out(&mut tx, &import, &row).await?;
        } else {
            put_back(&mut tx, &import, &row, now).await?;
        }
        call(REVISED).text(import.as_str()).at(now).run(&mut tx).await?;
        let action = if reason.is_some() { "frame.unit_excluded" } else { "frame.unit_included" };
        audit::note(&mut tx, municipality, by, action, business.as_str(), &year.to_string(), now).await?;
        Ok(tx.commit().await?)
    }

    /// Lays the corrections that were made in this year's frame or an earlier one over an import. A correction of which the
    /// register says something new ends.
    pub async fn apply_frame_edits(
        &self,
        municipality: &MunicipalityId,
        import: &ImportId,
        now: Millis,
    ) -> Result<EditsApplied> {
        let rows =
            call(IN_FORCE).text(municipality.as_str()).text(import.as_str()).rows(&mut *self.read().await?).await?;
        let mut applied = EditsApplied::default();
        for row in &rows {
            let mut c = columns(row);
            let (_id, business) = (c.text()?, BusinessId(c.text()?));
            let field = c.word("field", EditField::parse)?;
            let (was, written) = (c.maybe()?, c.maybe()?);
            let mut tx = self.begin().await?;
            let Some(row) = call(ROW)
                .text(import.as_str())
                .text(business.as_str())
                .text(municipality.as_str())
                .maybe_row(&mut tx)
                .await?
            else {
                let known = call(EXCLUDED).text(import.as_str()).text(business.as_str()).maybe_row(&mut tx).await?;
                applied.excluded += u64::from(field == EditField::Excluded && known.is_some());
                continue;
            };
            let row = frame_row(&row)?;
            if field == EditField::Excluded {
                leave_out(&mut tx, import, &row).await?;
                applied.excluded += 1;
            } else if field.of(&row.unit) == was.as_deref() {
                put(&mut tx, import, &business, field, written.as_deref()).await?;
                applied.applied += 1;
            } else if field.of(&row.unit) == written.as_deref() {
                applied.applied += 1;
            } else {
                end(&mut tx, municipality, &business, field, None, now).await?;
                applied.overtaken += 1;
            }
            tx.commit().await?;
        }
        Ok(applied)
    }
}

/// Rows fetched with one call.
const PAGE: i64 = 2000;

/// The year's frame, held, if it may be changed.
async fn changeable(conn: &mut AnyConnection, municipality: &MunicipalityId, year: i32) -> Result<ImportId> {
    frames::lock(conn, municipality).await?;
    frames::refuse_frozen(conn, municipality, year).await?;
    frames::current(conn, municipality, year).await?.ok_or(StoreError::NotFound("frame"))
}

/// A unit of an import, and whether staff left it out.
async fn find(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    import: &ImportId,
    business: &BusinessId,
) -> Result<(FrameRow, bool)> {
    let asked = call(ROW).text(import.as_str()).text(business.as_str()).text(municipality.as_str());
    if let Some(row) = asked.maybe_row(conn).await? {
        return Ok((frame_row(&row)?, false));
    }
    let row = call(EXCLUDED).text(import.as_str()).text(business.as_str()).row(conn, "business").await?;
    Ok((FrameRow { business: business.clone(), unit: columns(&row).json("unit")? }, true))
}

fn frame_row(row: &sqlx::any::AnyRow) -> Result<FrameRow> {
    let mut c = columns(row);
    Ok(FrameRow { business: BusinessId(c.text()?), unit: frames::unit(&mut c)? })
}

type InForce = (Option<String>, Option<String>);

async fn in_force(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    business: &BusinessId,
    field: EditField,
) -> Result<Option<InForce>> {
    let asked = call(ONE_IN_FORCE).text(municipality.as_str()).text(business.as_str()).text(field.as_str());
    asked
        .maybe_row(conn)
        .await?
        .map(|row| {
            let mut c = columns(&row);
            Ok((c.maybe()?, c.maybe()?))
        })
        .transpose()
}

async fn end(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    business: &BusinessId,
    field: EditField,
    by: Option<&UserId>,
    now: Millis,
) -> Result<()> {
    let ended = call(END).text(municipality.as_str()).text(business.as_str()).text(field.as_str()).at(now);
    ended.maybe(by.map(UserId::as_str)).run(conn).await?;
    Ok(())
}

async fn add(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    (business, year): (&BusinessId, i32),
    (field, was, written): (EditField, Option<&str>, Option<&str>),
    reason: &str,
    by: Option<&UserId>,
    now: Millis,
) -> Result<()> {
    call(ADD)
        .text(JobId::new(now).as_str())
        .text(municipality.as_str())
        .text(business.as_str())
        .int(year.into())
        .text(field.as_str())
        .maybe(was)
        .maybe(written)
        .text(reason)
        .maybe(by.map(UserId::as_str))
        .at(now)
        .run_new(conn, "correction")
        .await
}

async fn put(
    conn: &mut AnyConnection,
    import: &ImportId,
    business: &BusinessId,
    field: EditField,
    written: Option<&str>,
) -> Result<()> {
    let Some(statement) = field.statement() else { return Ok(()) };
    let set = call(statement).text(import.as_str()).text(business.as_str());
    let set = match field {
        EditField::Email | EditField::Phone => set.maybe(written),
        _ => set.text(written.unwrap_or_default()),
    };
    set.run_one(conn, "business").await
}

async fn leave_out(conn: &mut AnyConnection, import: &ImportId, row: &FrameRow) -> Result<()> {
    let unit = to_json("unit", &row.unit)?;
    call(KEEP_EXCLUDED).text(import.as_str()).text(row.business.as_str()).text(&unit).run(conn).await?;
    call(LEAVE_OUT).text(import.as_str()).text(row.business.as_str()).run_one(conn, "business").await
}

async fn put_back(conn: &mut AnyConnection, import: &ImportId, row: &FrameRow, now: Millis) -> Result<()> {
    let classification = word_of("classification", &row.unit.classification)?;
    let kept = call(PUT_BACK).text(import.as_str()).text(row.business.as_str());
    frames::with_unit(kept, &row.unit, &classification, now).run(conn).await?;
    call(DROP_EXCLUDED).text(import.as_str()).text(row.business.as_str()).run(conn).await?;
    Ok(())
}

/// Forgets what staff wrote of a business that is erased.
pub(crate) async fn drop_of_business(conn: &mut AnyConnection, business: &str) -> Result<()> {
    call(DROP_OF_BUSINESS).text(business).run(conn).await?;
    call(DROP_EXCLUDED_OF_BUSINESS).text(business).run(conn).await?;
    Ok(())
}
