//! What the quality of answering is measured from: every response of a round with what routing knew of its business.
use std::collections::HashMap;

use domain::answers::Answers;
use domain::fieldwork::Mode;
use domain::ids::{MunicipalityId, RoundId};
use domain::language::Language;
use domain::questionnaire::{Facts, facts_of};

use crate::frames::{self, unit_columns};
use crate::sql::{call, columns, statements};
use crate::{Result, Store, municipalities, rounds};

statements! {
    RESPONSES = concat!("select p.id, p.mode, p.started_at, p.submitted_at, ", unit_columns!(), " from responses p
        join rounds r on r.id = p.round_id
        join panel_links l on l.panel_id = p.panel_id
        join businesses b on b.id = l.business_id
        join frame_rows f on f.import_id = r.import_id and f.business_id = l.business_id
        where p.round_id = $1 and p.municipality_id = $2 and p.status <> 'withdrawn' and p.mode <> 'imported' order by p.id");
    ANSWERS = "select a.response_id, a.question_key, a.value from answers a join responses p on p.id = a.response_id
        where p.round_id = $1 and p.municipality_id = $2 and a.value is not null";
    MODES = "select p.mode, p.language, count(*) from responses p
        where p.round_id = $1 and p.municipality_id = $2 and p.status in ('partial', 'complete') group by p.mode, p.language order by p.mode, p.language";
}

/// One response. No `Debug`: it holds answers.
#[derive(Clone)]
pub struct QualityRow {
    /// What routing knows of the business.
    pub facts: Facts,
    /// What was answered.
    pub answers: Answers,
    /// Was it sent?
    pub is_sent: bool,
    /// From the first page to the sending, in seconds; of answers on the web that were sent.
    pub seconds: Option<u64>,
}

/// How many answered by one means in one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModeCount {
    /// By what means.
    pub mode: Mode,
    /// In what language, where it is known.
    pub language: Option<Language>,
    /// Responses that count.
    pub responses: u64,
}

impl Store {
    /// By what means and in what language a round's responses came.
    pub async fn response_modes(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<ModeCount>> {
        let asked = call(MODES).text(round.as_str()).text(municipality.as_str());
        asked
            .rows(&mut *self.read().await?)
            .await?
            .iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(ModeCount {
                    mode: c.word("mode", Mode::parse)?,
                    language: c.maybe_word("language", Language::parse)?,
                    responses: c.count()?,
                })
            })
            .collect()
    }

    /// Every response of a round whose link to its business is not cut.
    pub async fn quality_feed(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<Vec<QualityRow>> {
        let mut conn = self.read().await?;
        let found = rounds::load(&mut conn, municipality, round).await?;
        let risky = municipalities::load(&mut conn, municipality).await?.settings.flood_areas;
        let mut answers: HashMap<String, Answers> = HashMap::new();
        for row in call(ANSWERS).text(round.as_str()).text(municipality.as_str()).rows(&mut conn).await? {
            let mut c = columns(&row);
            let (response, key, value) = (c.text()?, c.text()?, c.text()?);
            answers.entry(response).or_default().0.insert(key, value);
        }
        let rows = call(RESPONSES).text(round.as_str()).text(municipality.as_str()).rows(&mut conn).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                let response = c.text()?;
                let mode = c.word("mode", Mode::parse)?;
                let (started, submitted) = (c.at()?, c.maybe_at()?);
                let unit = frames::unit(&mut c)?;
                let took = submitted.filter(|_| mode == Mode::Web).map(|at| (at.0 - started.0) / 1000);
                Ok(QualityRow {
                    facts: facts_of(&unit, found.year, &risky),
                    answers: answers.remove(&response).unwrap_or_default(),
                    is_sent: submitted.is_some(),
                    seconds: took.and_then(|s| u64::try_from(s).ok()),
                })
            })
            .collect()
    }
}
