//! What is done beside the survey: wishes to be contacted worked off, newcomers found, visits kept.
use domain::ids::{BusinessId, MunicipalityId, RoundId, UserId, VisitId};
use domain::time::Millis;
use sqlx::AnyConnection;

use crate::respondent::{self, ContactWish};
use crate::sql::{call, columns, statements};
use crate::{Result, Store};

statements! {
    FOLLOW_UPS = "select w.id, r.id, r.title, f.name, f.street, w.name, w.reach, w.about, w.created_at, w.owner_id, w.due_on, w.note, w.done_at
        from contact_wishes w join invitations i on i.id = w.invitation_id join rounds r on r.id = i.round_id
        join frame_rows f on f.import_id = r.import_id and f.business_id = i.business_id
        where w.municipality_id = $1 order by w.created_at, w.id";
    PLAN = "update contact_wishes set owner_id = (select u.id from users u where u.id = $3 and u.municipality_id = $2 and u.disabled_at is null),
            due_on = $4, note = $5 where id = $1 and municipality_id = $2 and done_at is null";
    FINISH = "update contact_wishes set done_at = $3 where id = $1 and municipality_id = $2 and done_at is null";
    WISHING = "select invitation_id from contact_wishes where id = $1 and municipality_id = $2";
    REOPEN = "update contact_wishes set done_at = null where id = $1 and municipality_id = $2";
    DROP = "delete from contact_wishes where id = $1 and municipality_id = $2";
    SWEEP = "delete from contact_wishes where done_at <= $1";
    LATEST = "select id, year from frame_imports where municipality_id = $1 and state = 'current' order by year desc limit 1";
    BEFORE = "select year from frame_imports where municipality_id = $1 and state = 'current' and year < $2 order by year desc limit 1";
    NEWCOMERS = "select f.business_id, f.name, f.street, f.sector, f.started_on, f.protected_at,
            case when f.email is null then 0 else 1 end,
            (select max(v.visited_on) from visits v where v.business_id = f.business_id)
        from frame_rows f where f.import_id = $1
          and not exists (select 1 from frame_rows g join frame_imports e on e.id = g.import_id
              where g.business_id = f.business_id and e.state = 'current' and e.year < $2)
          and f.business_id > $3 order by f.business_id limit $4";
    OF_FRAME = "select f.business_id, f.name, f.street, f.protected_at from frame_rows f where f.import_id = $1 and f.business_id > $2 order by f.business_id limit $3";
    ONE_OF_FRAME = "select f.business_id, f.name, f.street, f.protected_at from frame_rows f where f.import_id = $1 and f.business_id = $2";
    ADD_VISIT = "insert into visits (id, municipality_id, business_id, visited_on, visitor, note, basis, created_by, created_at)
        select $1, b.municipality_id, b.id, $4, $5, $6, $7, $8, $9 from businesses b where b.id = $3 and b.municipality_id = $2";
    VISITS = "select v.id, v.business_id, coalesce(f.name, ''), coalesce(f.street, ''), v.visited_on, v.visitor, v.note, v.basis
        from visits v left join frame_rows f on f.business_id = v.business_id and f.import_id = $2
        where v.municipality_id = $1 order by v.visited_on desc, v.id desc limit $3";
    DROP_VISIT = "delete from visits where id = $1 and municipality_id = $2";
    DROP_OF_BUSINESS = "delete from visits where business_id = $1";
}

/// Days that a wish which was worked off can be taken up again, before it is deleted.
pub const KEPT_DAYS: i64 = 30;

/// Rows fetched with one call.
const CHUNK: i64 = 1000;

/// Visits listed at most, the latest first.
const VISITS_LISTED: i64 = 500;

/// A wish to be contacted and what is done about it. No `Debug`: it holds a person's name.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct FollowUp {
    /// Its id.
    pub id: String,
    /// The round in which it was left.
    pub round: RoundId,
    /// The round's title.
    pub round_title: String,
    /// Name of the business.
    pub business_name: String,
    /// Street and number of the business.
    pub street: String,
    /// The wish.
    pub wish: ContactWish,
    /// When it was left.
    pub created_at: Millis,
    /// Who sees to it, until when, and what came of it.
    pub plan: FollowUpPlan,
    /// When it was worked off: it is deleted [`KEPT_DAYS`] later.
    pub done_at: Option<Millis>,
}

/// Who sees to a wish, until when, and what came of it.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct FollowUpPlan {
    /// The member of staff.
    pub owner: Option<UserId>,
    /// The day, `2026-12-01`.
    pub due_on: Option<String>,
    /// A note.
    pub note: String,
}

/// A business that no earlier year's frame had.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct Newcomer {
    /// The business.
    pub business: BusinessId,
    /// Name.
    pub name: String,
    /// Street and number.
    pub street: String,
    /// Key of its sector.
    pub sector: String,
    /// When the register says it began.
    pub started_on: Option<String>,
    /// The register protects it: it is approached by no way.
    pub protected: bool,
    /// The frame has an address.
    pub has_email: bool,
    /// The latest visit.
    pub visited_on: Option<String>,
}

/// The newcomers of the latest frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Newcomers {
    /// The frame's year.
    pub year: i32,
    /// The earlier year it is compared with; `None`: there is none, so nobody is new.
    pub compared_with: Option<i32>,
    /// The newcomers.
    pub businesses: Vec<Newcomer>,
}

/// A business of the latest frame.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct Known {
    /// The business.
    pub business: BusinessId,
    /// Name.
    pub name: String,
    /// Street and number.
    pub street: String,
    /// The register protects it.
    pub protected: bool,
}

/// A visit to be kept.
#[derive(Clone, PartialEq, Eq)]
pub struct NewVisit {
    /// The business.
    pub business: BusinessId,
    /// The day, `2026-11-22`; one to come is an agreed visit.
    pub visited_on: String,
    /// Who went.
    pub visitor: String,
    /// What was said.
    pub note: String,
    /// Why a protected business may be visited.
    pub basis: Option<String>,
}

/// A visit in the log.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct Visit {
    /// Its id.
    pub id: String,
    /// The business.
    pub business: BusinessId,
    /// Its name in the latest frame; empty when it is gone from it.
    pub name: String,
    /// Its street in the latest frame.
    pub street: String,
    /// The day.
    pub visited_on: String,
    /// Who went.
    pub visitor: String,
    /// What was said.
    pub note: String,
    /// Why a protected business was visited.
    pub basis: Option<String>,
}

impl Store {
    /// All wishes to be contacted, oldest first, those worked off among them until they are deleted.
    pub async fn follow_ups(&self, municipality: &MunicipalityId) -> Result<Vec<FollowUp>> {
        let rows = call(FOLLOW_UPS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(FollowUp {
                    id: c.text()?,
                    round: RoundId(c.text()?),
                    round_title: c.text()?,
                    business_name: c.text()?,
                    street: c.text()?,
                    wish: ContactWish { name: c.text()?, reach: c.text()?, about: c.text()? },
                    created_at: c.at()?,
                    plan: FollowUpPlan { owner: c.maybe()?.map(UserId), due_on: c.maybe()?, note: c.text()? },
                    done_at: c.maybe_at()?,
                })
            })
            .collect()
    }

    /// Writes down who sees to a wish, until when, and what came of it. A person who may no longer sign in is nobody.
    pub async fn plan_follow_up(&self, municipality: &MunicipalityId, id: &str, plan: &FollowUpPlan) -> Result<()> {
        let mut tx = self.begin().await?;
        write_plan(&mut tx, municipality, id, plan).await?;
        Ok(tx.commit().await?)
    }

    /// A wish was worked off: it is kept [`KEPT_DAYS`] for whoever was too quick.
    pub async fn finish_follow_up(
        &self,
        municipality: &MunicipalityId,
        id: &str,
        plan: &FollowUpPlan,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        write_plan(&mut tx, municipality, id, plan).await?;
        forget_confirmation(&mut tx, municipality, id, now).await?;
        call(FINISH).text(id).text(municipality.as_str()).at(now).run_one(&mut tx, "contact wish").await?;
        Ok(tx.commit().await?)
    }

    /// Takes a wish up again that was worked off.
    pub async fn reopen_follow_up(&self, municipality: &MunicipalityId, id: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        call(REOPEN).text(id).text(municipality.as_str()).run_one(&mut tx, "contact wish").await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a wish at once.
    pub async fn drop_follow_up(&self, municipality: &MunicipalityId, id: &str, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        forget_confirmation(&mut tx, municipality, id, now).await?;
        call(DROP).text(id).text(municipality.as_str()).run_one(&mut tx, "contact wish").await?;
        Ok(tx.commit().await?)
    }

    /// Deletes the wishes that were worked off [`KEPT_DAYS`] ago. Returns how many.
    pub async fn sweep_follow_ups(&self, now: Millis) -> Result<u64> {
        let mut tx = self.begin().await?;
        let swept = call(SWEEP).at(now.plus_days(-KEPT_DAYS)).run(&mut tx).await?;
        tx.commit().await?;
        Ok(swept)
    }

    /// The businesses that the latest frame has and no earlier one had; `None` without a frame.
    pub async fn newcomers(&self, municipality: &MunicipalityId) -> Result<Option<Newcomers>> {
        let mut conn = self.read().await?;
        let Some((import, year)) = latest(&mut conn, municipality).await? else { return Ok(None) };
        let before = call(BEFORE).text(municipality.as_str()).int(year.into()).maybe_row(&mut conn).await?;
        let compared_with = before.map(|row| columns(&row).year()).transpose()?;
        let (mut businesses, mut after) = (Vec::new(), String::new());
        while compared_with.is_some() {
            let rows = call(NEWCOMERS).text(&import).int(year.into()).text(&after).int(CHUNK).rows(&mut conn).await?;
            let Some(last) = rows.last() else { break };
            after = columns(last).text()?;
            for row in &rows {
                let mut c = columns(row);
                businesses.push(Newcomer {
                    business: BusinessId(c.text()?),
                    name: c.text()?,
                    street: c.text()?,
                    sector: c.text()?,
                    started_on: c.maybe()?,
                    protected: c.maybe_at()?.is_some(),
                    has_email: c.yes()?,
                    visited_on: c.maybe()?,
                });
            }
        }
        Ok(Some(Newcomers { year, compared_with, businesses }))
    }

    /// The first `limit` businesses of the latest frame whose name or street holds these words, in any case.
    pub async fn find_businesses(
        &self,
        municipality: &MunicipalityId,
        words: &str,
        limit: usize,
    ) -> Result<Vec<Known>> {
        let words = words.trim().to_lowercase();
        let mut conn = self.read().await?;
        let Some((import, _)) = latest(&mut conn, municipality).await? else { return Ok(Vec::new()) };
        let (mut found, mut after) = (Vec::new(), String::new());
        while found.len() < limit && !words.is_empty() {
            let rows = call(OF_FRAME).text(&import).text(&after).int(CHUNK).rows(&mut conn).await?;
            let Some(last) = rows.last() else { break };
            after = columns(last).text()?;
            for row in &rows {
                let known = known(row)?;
                if known.name.to_lowercase().contains(&words) || known.street.to_lowercase().contains(&words) {
                    found.push(known);
                }
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// A business of the latest frame.
    pub async fn known_business(&self, municipality: &MunicipalityId, business: &BusinessId) -> Result<Option<Known>> {
        let mut conn = self.read().await?;
        let Some((import, _)) = latest(&mut conn, municipality).await? else { return Ok(None) };
        let row = call(ONE_OF_FRAME).text(&import).text(business.as_str()).maybe_row(&mut conn).await?;
        row.as_ref().map(known).transpose()
    }

    /// Keeps a visit.
    pub async fn add_visit(
        &self,
        municipality: &MunicipalityId,
        visit: &NewVisit,
        by: &UserId,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(ADD_VISIT)
            .text(VisitId::new(now).as_str())
            .text(municipality.as_str())
            .text(visit.business.as_str())
            .text(&visit.visited_on)
            .text(&visit.visitor)
            .text(&visit.note)
            .maybe(visit.basis.as_deref())
            .text(by.as_str())
            .at(now)
            .run_one(&mut tx, "business")
            .await?;
        Ok(tx.commit().await?)
    }

    /// The latest visits.
    pub async fn visits(&self, municipality: &MunicipalityId) -> Result<Vec<Visit>> {
        let mut conn = self.read().await?;
        let import = latest(&mut conn, municipality).await?.map(|(import, _)| import).unwrap_or_default();
        let rows = call(VISITS).text(municipality.as_str()).text(&import).int(VISITS_LISTED).rows(&mut conn).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(Visit {
                    id: c.text()?,
                    business: BusinessId(c.text()?),
                    name: c.text()?,
                    street: c.text()?,
                    visited_on: c.text()?,
                    visitor: c.text()?,
                    note: c.text()?,
                    basis: c.maybe()?,
                })
            })
            .collect()
    }

    /// Deletes a visit from the log.
    pub async fn drop_visit(&self, municipality: &MunicipalityId, id: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        call(DROP_VISIT).text(id).text(municipality.as_str()).run_one(&mut tx, "visit").await?;
        Ok(tx.commit().await?)
    }
}

/// What confirms a wish that was worked off needs no sending any more.
async fn forget_confirmation(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    id: &str,
    now: Millis,
) -> Result<()> {
    let wishing = call(WISHING).text(id).text(municipality.as_str()).row(conn, "contact wish").await?;
    respondent::forget_confirmation(conn, &columns(&wishing).text()?, now).await
}

async fn write_plan(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    id: &str,
    plan: &FollowUpPlan,
) -> Result<()> {
    call(PLAN)
        .text(id)
        .text(municipality.as_str())
        .maybe(plan.owner.as_ref().map(UserId::as_str))
        .maybe(plan.due_on.as_deref())
        .text(&plan.note)
        .run_one(conn, "contact wish")
        .await
}

async fn latest(conn: &mut AnyConnection, municipality: &MunicipalityId) -> Result<Option<(String, i32)>> {
    let row = call(LATEST).text(municipality.as_str()).maybe_row(conn).await?;
    row.map(|row| {
        let mut c = columns(&row);
        Ok((c.text()?, c.year()?))
    })
    .transpose()
}

fn known(row: &sqlx::any::AnyRow) -> Result<Known> {
    let mut c = columns(row);
    Ok(Known {
        business: BusinessId(c.text()?),
        name: c.text()?,
        street: c.text()?,
        protected: c.maybe_at()?.is_some(),
    })
}

/// What was said on visits goes with the business.
pub(crate) async fn drop_of_business(conn: &mut AnyConnection, business: &str) -> Result<()> {
    call(DROP_OF_BUSINESS).text(business).run(conn).await?;
    Ok(())
}
