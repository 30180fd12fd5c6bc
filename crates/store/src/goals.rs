//! What a municipality wants: its focus areas in its own order, and its goals in versions.
use std::collections::HashMap;

use domain::focus::FocusArea;
use domain::goals::{GoalPlan, GoalVersion, OwnGoal};
use domain::ids::{GoalId, MunicipalityId};
use domain::time::Millis;

use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store};

statements! {
    AREAS = "select key, title, theme from focus_areas where municipality_id = $1 order by position, key";
    DROP_AREAS = "delete from focus_areas where municipality_id = $1";
    ADD_AREA = "insert into focus_areas (municipality_id, key, position, title, theme) values ($1, $2, $3, $4, $5)";
    ADD_GOAL = "insert into goals (id, municipality_id, ended_on, created_at) values ($1, $2, null, $3)";
    ADD_VERSION = "insert into goal_versions (goal_id, version, since, note, plan, created_at)
        select g.id, coalesce((select max(v.version) from goal_versions v where v.goal_id = g.id), 0) + 1, $3, $4, $5, $6
        from goals g where g.id = $1 and g.municipality_id = $2 and g.ended_on is null";
    END_GOAL = "update goals set ended_on = $3 where id = $1 and municipality_id = $2 and ended_on is null";
    GOALS = "select id, ended_on from goals where municipality_id = $1 order by created_at, id";
    VERSIONS = "select v.goal_id, v.version, v.since, v.note, v.plan from goal_versions v join goals g on g.id = v.goal_id
        where g.municipality_id = $1 order by v.goal_id, v.version";
}

impl Store {
    /// The municipality's focus areas, in its own order.
    pub async fn focus_areas(&self, municipality: &MunicipalityId) -> Result<Vec<FocusArea>> {
        let rows = call(AREAS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(FocusArea { key: c.text()?, title: c.json("focus area")?, theme: c.text()? })
            })
            .collect()
    }

    /// Replaces the municipality's focus areas.
    ///
    /// # Errors
    /// [`crate::StoreError::Conflict`] when a key stands twice.
    pub async fn set_focus_areas(&self, municipality: &MunicipalityId, areas: &[FocusArea]) -> Result<()> {
        let mut tx = self.begin().await?;
        call(DROP_AREAS).text(municipality.as_str()).run(&mut tx).await?;
        for (position, area) in areas.iter().enumerate() {
            call(ADD_AREA)
                .text(municipality.as_str())
                .text(&area.key)
                .count(position as u64)
                .text(&to_json("focus area", &area.title)?)
                .text(&area.theme)
                .run_new(&mut tx, "focus area of this key")
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// A new goal, in force from the day `since` (`yyyy-mm-dd`).
    pub async fn create_goal(
        &self,
        municipality: &MunicipalityId,
        plan: &GoalPlan,
        since: &str,
        now: Millis,
    ) -> Result<GoalId> {
        let id = GoalId::new(now);
        let mut tx = self.begin().await?;
        call(ADD_GOAL).text(id.as_str()).text(municipality.as_str()).at(now).run(&mut tx).await?;
        add_version(&mut tx, municipality, &id, plan, since, "", now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// The next version of a goal, in force from the day `since`; what stood before stays readable.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when there is no such goal, or it has ended.
    pub async fn change_goal(
        &self,
        municipality: &MunicipalityId,
        id: &GoalId,
        plan: &GoalPlan,
        since: &str,
        note: &str,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        add_version(&mut tx, municipality, id, plan, since, note, now).await?;
        Ok(tx.commit().await?)
    }

    /// Ends a goal on a day (`yyyy-mm-dd`).
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when there is no such goal, or it has ended already.
    pub async fn end_goal(&self, municipality: &MunicipalityId, id: &GoalId, on: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        call(END_GOAL).text(id.as_str()).text(municipality.as_str()).text(on).run_one(&mut tx, "goal").await?;
        Ok(tx.commit().await?)
    }

    /// All goals with their versions, oldest first; those that ended included.
    pub async fn goals(&self, municipality: &MunicipalityId) -> Result<Vec<OwnGoal>> {
        let mut conn = self.read().await?;
        let mut versions: HashMap<String, Vec<GoalVersion>> = HashMap::new();
        for row in call(VERSIONS).text(municipality.as_str()).rows(&mut conn).await? {
            let mut c = columns(&row);
            let goal = c.text()?;
            let version =
                GoalVersion { version: c.number("version")?, since: c.text()?, note: c.text()?, plan: c.json("goal")? };
            versions.entry(goal).or_default().push(version);
        }
        let rows = call(GOALS).text(municipality.as_str()).rows(&mut conn).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                let id = c.text()?;
                Ok(OwnGoal { ended: c.maybe()?, versions: versions.remove(&id).unwrap_or_default(), id: GoalId(id) })
            })
            .collect()
    }
}

async fn add_version(
    conn: &mut sqlx::AnyConnection,
    municipality: &MunicipalityId,
    id: &GoalId,
    plan: &GoalPlan,
    since: &str,
    note: &str,
    now: Millis,
) -> Result<()> {
    call(ADD_VERSION)
        .text(id.as_str())
        .text(municipality.as_str())
        .text(since)
        .text(note)
        .text(&to_json("goal", plan)?)
        .at(now)
        .run_one(conn, "goal")
        .await
}
