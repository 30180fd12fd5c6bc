//! What a municipality does: initiatives with their history, its standing on a day, and statuses between rounds.
use std::collections::HashMap;

use domain::accounts::Accounts;
use domain::ids::{InitiativeId, MunicipalityId, PublicationId, StatusId};
use domain::initiatives::{Initiative, InitiativePlan, InitiativeState, InitiativeStep, Standing, Status};
use domain::time::Millis;
use sqlx::AnyConnection;

use crate::sql::{Columns, call, columns, statements, to_json};
use crate::{Result, Store};

statements! {
    ADD_INITIATIVE = "insert into initiatives (id, municipality_id, plan, state, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)";
    UPDATE_INITIATIVE = "update initiatives set plan = $3, updated_at = $4 where id = $1 and municipality_id = $2";
    MOVE_INITIATIVE = "update initiatives set state = $3, updated_at = $4 where id = $1 and municipality_id = $2";
    ADD_STEP = "insert into initiative_steps (id, initiative_id, state, on_day, note, created_at) values ($1, $2, $3, $4, $5, $6)";
    INITIATIVES = "select id, plan, state from initiatives where municipality_id = $1 order by created_at, id";
    STEPS = "select s.initiative_id, s.state, s.on_day, s.note from initiative_steps s join initiatives i on i.id = s.initiative_id
        where i.municipality_id = $1 order by s.on_day, s.id";
    ADD_STATUS = "insert into statuses (id, municipality_id, publication_id, date, title, note, standing, created_at)
        select $1, $2, p.id, $4, $5, $6, $7, $8 from publications p where p.id = $3 and p.municipality_id = $2";
    STATUSES = "select id, publication_id, date, title, note from statuses where municipality_id = $1 order by created_at desc, id desc";
    STATUS = "select id, publication_id, date, title, note, standing from statuses where municipality_id = $1 and id = $2";
}

/// A status in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusInfo {
    /// Its id.
    pub id: StatusId,
    /// The publication whose figures hold.
    pub publication: PublicationId,
    /// The day, `yyyy-mm-dd`.
    pub date: String,
    /// Title.
    pub title: String,
    /// The author's words.
    pub note: String,
}

impl Store {
    /// A new initiative, in its state since the day `on` (`yyyy-mm-dd`).
    pub async fn create_initiative(
        &self,
        municipality: &MunicipalityId,
        plan: &InitiativePlan,
        state: InitiativeState,
        on: &str,
        now: Millis,
    ) -> Result<InitiativeId> {
        let id = InitiativeId::new(now);
        let mut tx = self.begin().await?;
        call(ADD_INITIATIVE)
            .text(id.as_str())
            .text(municipality.as_str())
            .text(&to_json("initiative", plan)?)
            .text(state.as_str())
            .at(now)
            .run(&mut tx)
            .await?;
        add_step(&mut tx, &id, state, on, "", now).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Replaces the plan of an initiative.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when there is no such initiative.
    pub async fn update_initiative(
        &self,
        municipality: &MunicipalityId,
        id: &InitiativeId,
        plan: &InitiativePlan,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(UPDATE_INITIATIVE)
            .text(id.as_str())
            .text(municipality.as_str())
            .text(&to_json("initiative", plan)?)
            .at(now)
            .run_one(&mut tx, "initiative")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Moves an initiative to a state on a day (`yyyy-mm-dd`), with a remark.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when there is no such initiative.
    pub async fn move_initiative(
        &self,
        municipality: &MunicipalityId,
        id: &InitiativeId,
        state: InitiativeState,
        on: &str,
        note: &str,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(MOVE_INITIATIVE)
            .text(id.as_str())
            .text(municipality.as_str())
            .text(state.as_str())
            .at(now)
            .run_one(&mut tx, "initiative")
            .await?;
        add_step(&mut tx, id, state, on, note, now).await?;
        Ok(tx.commit().await?)
    }

    /// All initiatives with their history, oldest first.
    pub async fn initiatives(&self, municipality: &MunicipalityId) -> Result<Vec<Initiative>> {
        let mut conn = self.read().await?;
        let mut steps: HashMap<String, Vec<InitiativeStep>> = HashMap::new();
        for row in call(STEPS).text(municipality.as_str()).rows(&mut conn).await? {
            let mut c = columns(&row);
            let initiative = c.text()?;
            let step =
                InitiativeStep { state: c.word("initiative", InitiativeState::parse)?, on: c.text()?, note: c.text()? };
            steps.entry(initiative).or_default().push(step);
        }
        let rows = call(INITIATIVES).text(municipality.as_str()).rows(&mut conn).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                let id = c.text()?;
                Ok(Initiative {
                    plan: c.json("initiative")?,
                    state: c.word("initiative", InitiativeState::parse)?,
                    history: steps.remove(&id).unwrap_or_default(),
                    id: InitiativeId(id),
                })
            })
            .collect()
    }

    /// What the municipality wants, does and counts now, to be frozen; `threshold`: fewest companies behind an amount.
    pub async fn standing(&self, municipality: &MunicipalityId, on: &str, threshold: u32) -> Result<Standing> {
        Ok(Standing {
            on: on.to_owned(),
            focus_areas: self.focus_areas(municipality).await?,
            goals: self.goals(municipality).await?,
            initiatives: self.initiatives(municipality).await?,
            accounts: Accounts::of(&self.facts(municipality).await?, threshold),
        })
    }

    /// Publishes a status between rounds; it never changes again.
    ///
    /// # Errors
    /// [`crate::StoreError::NotFound`] when there is no such publication.
    pub async fn publish_status(
        &self,
        municipality: &MunicipalityId,
        publication: &PublicationId,
        title: &str,
        note: &str,
        standing: &Standing,
        now: Millis,
    ) -> Result<StatusId> {
        let id = StatusId::new(now);
        let mut tx = self.begin().await?;
        call(ADD_STATUS)
            .text(id.as_str())
            .text(municipality.as_str())
            .text(publication.as_str())
            .text(&standing.on)
            .text(title)
            .text(note)
            .text(&to_json("standing", standing)?)
            .at(now)
            .run_one(&mut tx, "publication")
            .await?;
        tx.commit().await?;
        Ok(id)
    }

    /// All statuses, newest first.
    pub async fn statuses(&self, municipality: &MunicipalityId) -> Result<Vec<StatusInfo>> {
        let rows = call(STATUSES).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter().map(|row| status_info(&mut columns(row))).collect()
    }

    /// A status; `NotFound` otherwise.
    pub async fn status(&self, municipality: &MunicipalityId, id: &StatusId) -> Result<Status> {
        let row =
            call(STATUS).text(municipality.as_str()).text(id.as_str()).row(&mut *self.read().await?, "status").await?;
        let mut c = columns(&row);
        let info = status_info(&mut c)?;
        Ok(Status {
            id: info.id,
            date: info.date,
            title: info.title,
            note: info.note,
            publication: info.publication,
            standing: c.json("standing")?,
        })
    }
}

fn status_info(c: &mut Columns<'_>) -> Result<StatusInfo> {
    Ok(StatusInfo {
        id: StatusId(c.text()?),
        publication: PublicationId(c.text()?),
        date: c.text()?,
        title: c.text()?,
        note: c.text()?,
    })
}

async fn add_step(
    conn: &mut AnyConnection,
    id: &InitiativeId,
    state: InitiativeState,
    on: &str,
    note: &str,
    now: Millis,
) -> Result<()> {
    // Any id made by us that sorts by time: steps of one day stay in the order in which they were made.
    let step = InitiativeId::new(now);
    call(ADD_STEP)
        .text(step.as_str())
        .text(id.as_str())
        .text(state.as_str())
        .text(on)
        .text(note)
        .at(now)
        .run(conn)
        .await?;
    Ok(())
}
