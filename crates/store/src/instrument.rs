//! Questionnaires in the making: drafts that two editors do not overwrite unseen, and what becomes of them.
use std::collections::{BTreeMap, BTreeSet};

use domain::fieldwork::RoundState;
use domain::ids::{MunicipalityId, QuestionnaireId, RoundId, UserId};
use domain::questionnaire::{Decisions, Origin, Questionnaire, broken_between};
use domain::time::Millis;

use crate::migrate::hash;
use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store, StoreError};

statements! {
    NEW_DRAFT = "insert into questionnaire_drafts (id, municipality_id, base_id, body, decisions, revision, edited_by, created_at, updated_at)
        select $1, $2, q.id, q.body, '{}', 0, $4, $5, $5 from questionnaires q where q.id = $3 and q.municipality_id = $2";
    DRAFTS = "select d.id, d.base_id, q.key, q.version, d.revision, u.name, d.updated_at from questionnaire_drafts d
        join questionnaires q on q.id = d.base_id left join users u on u.id = d.edited_by
        where d.municipality_id = $1 order by d.created_at, d.id";
    DRAFT = "select d.id, d.base_id, d.body, case when d.undo_body is null then 0 else 1 end, d.decisions, d.revision, u.name, d.updated_at
        from questionnaire_drafts d left join users u on u.id = d.edited_by where d.id = $1 and d.municipality_id = $2";
    CHANGE_DRAFT = "update questionnaire_drafts set undo_body = body, body = $4, revision = revision + 1, edited_by = $5, updated_at = $6
        where id = $1 and municipality_id = $2 and revision = $3";
    UNDO_DRAFT = "update questionnaire_drafts set body = undo_body, undo_body = body, revision = revision + 1, edited_by = $4, updated_at = $5
        where id = $1 and municipality_id = $2 and revision = $3 and undo_body is not null";
    DECIDE = "update questionnaire_drafts set decisions = $4, revision = revision + 1, edited_by = $5, updated_at = $6
        where id = $1 and municipality_id = $2 and revision = $3";
    HOLD_DRAFT = "update questionnaire_drafts set revision = revision + 1 where id = $1 and municipality_id = $2 and revision = $3";
    DROP_DRAFT = "delete from questionnaire_drafts where id = $1 and municipality_id = $2";
    LATEST_VERSION = "select coalesce(max(version), 0) from questionnaires where municipality_id = $1 and key = $2";
    ADD_VERSION = "insert into questionnaires (id, municipality_id, key, version, body, hash, created_at) values ($1, $2, $3, $4, $5, $6, $7)";
    ADD_ORIGIN = "insert into questionnaire_origins (questionnaire_id, municipality_id, base_id, decisions, note, made_by, made_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    ORIGINS = "select questionnaire_id, base_id, decisions from questionnaire_origins where municipality_id = $1 order by made_at, questionnaire_id";
    NOTES = "select o.questionnaire_id, o.note, u.name from questionnaire_origins o left join users u on u.id = o.made_by where o.municipality_id = $1";
    USE_QUESTIONNAIRE = "update rounds set questionnaire_id = $3, updated_at = $4
        where id = $1 and municipality_id = $2 and state = 'draft' and exists (select 1 from questionnaires q where q.id = $3 and q.municipality_id = $2)";
}

/// A draft in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftInfo {
    /// Its id.
    pub id: String,
    /// The version it was begun from.
    pub base: QuestionnaireId,
    /// Key of the questionnaire.
    pub key: String,
    /// Number of that version.
    pub base_version: u32,
    /// Changes so far.
    pub revision: i64,
    /// Who changed it last.
    pub edited_by: Option<String>,
    /// When.
    pub updated_at: Millis,
}

/// A version in the making.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionnaireDraft {
    /// Its id.
    pub id: String,
    /// The version it was begun from.
    pub base: QuestionnaireId,
    /// The questionnaire as it stands; texts may be missing.
    pub form: Questionnaire,
    /// There is an earlier state to go back to.
    pub can_undo: bool,
    /// What was decided about changed questions.
    pub decisions: Decisions,
    /// Grows with every change; a change names the one it was made on.
    pub revision: i64,
    /// Who changed it last.
    pub edited_by: Option<String>,
    /// When.
    pub updated_at: Millis,
}

/// Who changes a draft, on which state of it, and when.
#[derive(Debug, Clone, Copy)]
pub struct Edit<'a> {
    /// The draft.
    pub draft: &'a str,
    /// The revision that the change was made on.
    pub revision: i64,
    /// Who.
    pub user: &'a UserId,
    /// When.
    pub now: Millis,
}

/// What a version's maker said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionNote {
    /// The version.
    pub version: QuestionnaireId,
    /// The remark; may be empty.
    pub note: String,
    /// Who made it.
    pub made_by: Option<String>,
}

impl Store {
    /// Begins a draft as a copy of a stored version, and returns its id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such version.
    pub async fn begin_questionnaire_draft(
        &self,
        municipality: &MunicipalityId,
        base: &QuestionnaireId,
        user: &UserId,
        now: Millis,
    ) -> Result<String> {
        let id = QuestionnaireId::new(now).0;
        let mut tx = self.begin().await?;
        let made = call(NEW_DRAFT)
            .text(&id)
            .text(municipality.as_str())
            .text(base.as_str())
            .text(user.as_str())
            .at(now)
            .run(&mut tx)
            .await?;
        if made == 0 {
            return Err(StoreError::NotFound("questionnaire"));
        }
        tx.commit().await?;
        Ok(id)
    }

    /// All drafts, the oldest first.
    pub async fn questionnaire_drafts(&self, municipality: &MunicipalityId) -> Result<Vec<DraftInfo>> {
        let rows = call(DRAFTS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(DraftInfo {
                    id: c.text()?,
                    base: QuestionnaireId(c.text()?),
                    key: c.text()?,
                    base_version: c.number("version")?,
                    revision: c.int()?,
                    edited_by: c.maybe()?,
                    updated_at: c.at()?,
                })
            })
            .collect()
    }

    /// A draft.
    pub async fn questionnaire_draft(&self, municipality: &MunicipalityId, id: &str) -> Result<QuestionnaireDraft> {
        let row = call(DRAFT)
            .text(id)
            .text(municipality.as_str())
            .row(&mut *self.read().await?, "questionnaire draft")
            .await?;
        let mut c = columns(&row);
        Ok(QuestionnaireDraft {
            id: c.text()?,
            base: QuestionnaireId(c.text()?),
            form: c.json("questionnaire")?,
            can_undo: c.yes()?,
            decisions: c.json("decisions")?,
            revision: c.int()?,
            edited_by: c.maybe()?,
            updated_at: c.at()?,
        })
    }

    /// Replaces what a draft says; its former state can be taken back. `false`: somebody has changed it meanwhile.
    pub async fn change_questionnaire_draft(
        &self,
        municipality: &MunicipalityId,
        edit: Edit<'_>,
        form: &Questionnaire,
    ) -> Result<bool> {
        self.edit(edit_call(CHANGE_DRAFT, municipality, edit).text(&to_json("questionnaire", form)?), edit).await
    }

    /// Takes the last change back; once more puts it in again. `false`: nothing to take back, or changed meanwhile.
    pub async fn undo_questionnaire_draft(&self, municipality: &MunicipalityId, edit: Edit<'_>) -> Result<bool> {
        self.edit(edit_call(UNDO_DRAFT, municipality, edit), edit).await
    }

    /// Keeps what was decided about changed questions. `false`: the draft has been changed meanwhile.
    pub async fn decide_questionnaire_draft(
        &self,
        municipality: &MunicipalityId,
        edit: Edit<'_>,
        decisions: &Decisions,
    ) -> Result<bool> {
        self.edit(edit_call(DECIDE, municipality, edit).text(&to_json("decisions", decisions)?), edit).await
    }

    async fn edit(&self, edited: crate::sql::Call, edit: Edit<'_>) -> Result<bool> {
        let mut tx = self.begin().await?;
        let changed = edited.text(edit.user.as_str()).at(edit.now).run(&mut tx).await?;
        tx.commit().await?;
        Ok(changed > 0)
    }

    /// Throws a draft away.
    pub async fn drop_questionnaire_draft(&self, municipality: &MunicipalityId, id: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        call(DROP_DRAFT).text(id).text(municipality.as_str()).run(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes a draft the next version of its questionnaire, with what was decided about it. `None`: changed meanwhile.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such draft.
    pub async fn finish_questionnaire_draft(
        &self,
        municipality: &MunicipalityId,
        edit: Edit<'_>,
        note: &str,
    ) -> Result<Option<QuestionnaireId>> {
        let m = municipality.as_str();
        let mut tx = self.begin().await?;
        let held = call(HOLD_DRAFT).text(edit.draft).text(m).int(edit.revision).run(&mut tx).await?;
        let row = call(DRAFT).text(edit.draft).text(m).row(&mut tx, "questionnaire draft").await?;
        if held == 0 {
            return Ok(None);
        }
        let mut c = columns(&row);
        let (_, base, mut form, _, decisions) =
            (c.text()?, c.text()?, c.json::<Questionnaire>("questionnaire")?, c.yes()?, c.text()?);
        let latest = call(LATEST_VERSION).text(m).text(&form.key).row(&mut tx, "questionnaire").await?;
        form.version = columns(&latest).number::<u32>("version")? + 1;
        let body = to_json("questionnaire", &form)?;
        let id = QuestionnaireId::new(edit.now);
        call(ADD_VERSION)
            .text(id.as_str())
            .text(m)
            .text(&form.key)
            .int(form.version.into())
            .text(&body)
            .text(&hash(&body))
            .at(edit.now)
            .run_new(&mut tx, "questionnaire version")
            .await?;
        call(ADD_ORIGIN)
            .text(id.as_str())
            .text(m)
            .text(&base)
            .text(&decisions)
            .text(note)
            .text(edit.user.as_str())
            .at(edit.now)
            .run(&mut tx)
            .await?;
        call(DROP_DRAFT).text(edit.draft).text(m).run(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// Gives a round in draft its questionnaire.
    ///
    /// # Errors
    /// [`StoreError::State`] once the round is being opened.
    pub async fn use_questionnaire(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        questionnaire: &QuestionnaireId,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let used = call(USE_QUESTIONNAIRE)
            .text(round.as_str())
            .text(municipality.as_str())
            .text(questionnaire.as_str())
            .at(now)
            .run(&mut tx)
            .await?;
        if used == 0 {
            return Err(StoreError::State("the round's questionnaire is frozen"));
        }
        tx.commit().await?;
        Ok(())
    }

    /// Where the versions come from.
    pub async fn questionnaire_origins(&self, municipality: &MunicipalityId) -> Result<Vec<Origin>> {
        let rows = call(ORIGINS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(Origin {
                    version: QuestionnaireId(c.text()?),
                    base: QuestionnaireId(c.text()?),
                    decisions: c.json("decisions")?,
                })
            })
            .collect()
    }

    /// What was said of the versions when they were made.
    pub async fn questionnaire_notes(&self, municipality: &MunicipalityId) -> Result<Vec<VersionNote>> {
        let rows = call(NOTES).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(VersionNote { version: QuestionnaireId(c.text()?), note: c.text()?, made_by: c.maybe()? })
            })
            .collect()
    }

    /// By year, the questions and items that measure something else than in the round before: breaks in their series, for
    /// [`domain::indicator::Definitions::mark_breaks`].
    pub async fn series_breaks(&self, municipality: &MunicipalityId) -> Result<BTreeMap<i32, BTreeSet<String>>> {
        let origins = self.questionnaire_origins(municipality).await?;
        let mut rounds = self.rounds(municipality).await?;
        rounds.retain(|round| round.state != RoundState::Draft);
        rounds.sort_by_key(|round| round.year);
        let asked: Vec<(i32, QuestionnaireId)> =
            rounds.into_iter().filter_map(|round| Some((round.year, round.questionnaire?))).collect();
        let broken = |pair: &[(i32, QuestionnaireId)]| match pair {
            [(_, before), (year, now)] => (*year, broken_between(&origins, before, now)),
            _ => (0, BTreeSet::new()),
        };
        Ok(asked.windows(2).map(broken).filter(|(_, keys)| !keys.is_empty()).collect())
    }
}

/// The parameters that every change begins with.
fn edit_call(statement: &'static str, municipality: &MunicipalityId, edit: Edit<'_>) -> crate::sql::Call {
    call(statement).text(edit.draft).text(municipality.as_str()).int(edit.revision)
}
