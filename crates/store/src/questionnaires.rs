//! Versions of questionnaires, kept as JSON with their hash; a stored version never changes.
use domain::ids::{MunicipalityId, QuestionnaireId};
use domain::questionnaire::Questionnaire;
use domain::time::Millis;

use crate::migrate::hash;
use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store, StoreError};

statements! {
    BY_VERSION = "select id, hash from questionnaires where municipality_id = $1 and key = $2 and version = $3";
    INSERT = "insert into questionnaires (id, municipality_id, key, version, body, hash, created_at) values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (municipality_id, key, version) do nothing";
    BODY = "select body from questionnaires where municipality_id = $1 and id = $2";
    ALL = "select id, key, version, hash, created_at from questionnaires where municipality_id = $1 order by key, version desc";
}

/// A stored version in one line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct QuestionnaireInfo {
    /// Its id.
    pub id: QuestionnaireId,
    /// Key of the questionnaire.
    pub key: String,
    /// Version.
    pub version: u32,
    /// SHA-256 of the JSON text.
    pub hash: String,
    /// When it was first stored.
    pub created_at: Millis,
}

impl Store {
    /// Keeps a questionnaire; the same text gives the same id.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when key and version exist with another text.
    pub async fn save_questionnaire(
        &self,
        municipality: &MunicipalityId,
        questionnaire: &Questionnaire,
        now: Millis,
    ) -> Result<QuestionnaireId> {
        let body = to_json("questionnaire", questionnaire)?;
        let hash = hash(&body);
        let (m, key, version) = (municipality.as_str(), questionnaire.key.as_str(), i64::from(questionnaire.version));
        let mut tx = self.begin().await?;
        let id = QuestionnaireId::new(now);
        call(INSERT)
            .text(id.as_str())
            .text(m)
            .text(key)
            .int(version)
            .text(&body)
            .text(&hash)
            .at(now)
            .run(&mut tx)
            .await?;
        let row = call(BY_VERSION).text(m).text(key).int(version).row(&mut tx, "questionnaire").await?;
        let mut c = columns(&row);
        let (id, stored) = (QuestionnaireId(c.text()?), c.text()?);
        if stored != hash {
            return Err(StoreError::Conflict("questionnaire version"));
        }
        tx.commit().await?;
        Ok(id)
    }

    /// A stored version; immutable, so callers may cache it for good.
    pub async fn questionnaire(&self, municipality: &MunicipalityId, id: &QuestionnaireId) -> Result<Questionnaire> {
        let row = call(BODY)
            .text(municipality.as_str())
            .text(id.as_str())
            .row(&mut *self.read().await?, "questionnaire")
            .await?;
        columns(&row).json("questionnaire")
    }

    /// All stored versions, newest first within each key.
    pub async fn questionnaires(&self, municipality: &MunicipalityId) -> Result<Vec<QuestionnaireInfo>> {
        let rows = call(ALL).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(QuestionnaireInfo {
                    id: QuestionnaireId(c.text()?),
                    key: c.text()?,
                    version: c.number("version")?,
                    hash: c.text()?,
                    created_at: c.at()?,
                })
            })
            .collect()
    }
}
