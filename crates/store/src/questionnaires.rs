//! Versions of questionnaires, kept as JSON with their hash; a stored version never changes.
use domain::ids::{MunicipalityId, QuestionnaireId};
use domain::questionnaire::Questionnaire;
use domain::time::Millis;

use crate::{Result, Store};

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
    /// [`crate::StoreError::Conflict`] when key and version exist with another text.
    pub async fn save_questionnaire(&self, municipality: &MunicipalityId, questionnaire: &Questionnaire, now: Millis) -> Result<QuestionnaireId> {
        todo!("{municipality} {} {now:?}", questionnaire.key)
    }

    /// A stored version; immutable, so callers may cache it for good.
    pub async fn questionnaire(&self, municipality: &MunicipalityId, id: &QuestionnaireId) -> Result<Questionnaire> {
        todo!("{municipality} {id}")
    }

    /// All stored versions, newest first.
    pub async fn questionnaires(&self, municipality: &MunicipalityId) -> Result<Vec<QuestionnaireInfo>> {
        todo!("{municipality}")
    }
}
