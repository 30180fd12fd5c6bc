//! Open answers and their themes as a person confirmed them.
use domain::ids::{MunicipalityId, PanelId, ResponseId};
use domain::language::Language;
use domain::time::Millis;
use sqlx::AnyConnection;

use crate::sql::{call, columns, statements};
use crate::{Result, Store, StoreError};

statements! {
    // Only what counts among the answers; a reply for several workplaces comes once per workplace.
    COMMENTS = "select x.panel_id, p.id, p.language, a.value
        from rounds r join response_panels x on x.round_id = r.id join responses p on p.id = x.response_id join answers a on a.response_id = p.id
        where r.municipality_id = $1 and r.year = $2 and a.question_key = $3 and a.value is not null and a.value <> '' and p.status in ('partial', 'complete')
        order by p.id, x.panel_id";
    CODES = "select c.response_id, c.question_key, c.coder, c.codebook_version, c.themes, c.confirmed_at
        from rounds r join responses p on p.round_id = r.id join comment_codes c on c.response_id = p.id
        where r.municipality_id = $1 and r.year = $2 and p.status in ('partial', 'complete') order by c.response_id, c.question_key, c.coder";
    // An open round's answers may still change, so that a code would speak of another text.
    CONFIRM = "insert into comment_codes (response_id, question_key, coder, codebook_version, themes, confirmed_at)
        select p.id, $3, $4, $5, $6, $7 from responses p join rounds r on r.id = p.round_id
        join answers a on a.response_id = p.id and a.question_key = $3 and a.value is not null
        where p.id = $1 and p.municipality_id = $2 and r.state = 'closed'
        on conflict (response_id, question_key, coder, codebook_version) do update set themes = excluded.themes, confirmed_at = excluded.confirmed_at";
    DROP_CODES = "delete from comment_codes where response_id = $1";
}

/// Confirmations per transaction.
const CHUNK: usize = 128;

/// An open answer of a business that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentRow {
    /// The response it belongs to.
    pub response: ResponseId,
    /// The business, as the analysis knows it.
    pub panel: PanelId,
    /// Question key.
    pub question: String,
    /// Language of the response.
    pub language: Option<Language>,
    /// The text as written.
    pub text: String,
}

/// The themes of one comment as one coder confirmed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmedCode {
    /// The response.
    pub response: ResponseId,
    /// Question key.
    pub question: String,
    /// Who confirmed.
    pub coder: String,
    /// Version of the codebook.
    pub version: u32,
    /// Keys of the themes; none: nothing of the codebook is raised.
    pub themes: Vec<String>,
    /// When.
    pub confirmed_at: Millis,
}

impl Store {
    /// The open answers to these questions in a year's round, by question, response and panel id.
    pub async fn comments(
        &self,
        municipality: &MunicipalityId,
        year: i32,
        questions: &[String],
    ) -> Result<Vec<CommentRow>> {
        let mut conn = self.read().await?;
        let mut comments = Vec::new();
        for question in questions {
            let asked = call(COMMENTS).text(municipality.as_str()).int(year.into()).text(question);
            for row in asked.rows(&mut conn).await? {
                let mut c = columns(&row);
                comments.push(CommentRow {
                    panel: PanelId(c.text()?),
                    response: ResponseId(c.text()?),
                    question: question.clone(),
                    language: c.maybe_word("language", Language::parse)?,
                    text: c.text()?,
                });
            }
        }
        Ok(comments)
    }

    /// What was confirmed in a year's round.
    pub async fn comment_codes(&self, municipality: &MunicipalityId, year: i32) -> Result<Vec<ConfirmedCode>> {
        let rows = call(CODES).text(municipality.as_str()).int(year.into()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(ConfirmedCode {
                    response: ResponseId(c.text()?),
                    question: c.text()?,
                    coder: c.text()?,
                    version: c.number("codebook version")?,
                    themes: c.text()?.split(' ').filter(|t| !t.is_empty()).map(str::to_owned).collect(),
                    confirmed_at: c.at()?,
                })
            })
            .collect()
    }

    /// Confirms codes; the same coder's earlier ones under the same version of the codebook give way.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a comment that is not there, or whose round still takes answers.
    pub async fn confirm_codes(&self, municipality: &MunicipalityId, codes: &[ConfirmedCode]) -> Result<()> {
        for chunk in codes.chunks(CHUNK) {
            let mut tx = self.begin().await?;
            for code in chunk {
                let kept = call(CONFIRM)
                    .text(code.response.as_str())
                    .text(municipality.as_str())
                    .text(&code.question)
                    .text(&code.coder)
                    .int(code.version.into())
                    .text(&code.themes.join(" "))
                    .at(code.confirmed_at)
                    .run(&mut tx)
                    .await?;
                if kept == 0 {
                    return Err(StoreError::NotFound("comment"));
                }
            }
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Codes go with the answers they speak of.
pub(crate) async fn drop_of(conn: &mut AnyConnection, response: &str) -> Result<()> {
    call(DROP_CODES).text(response).run(conn).await?;
    crate::quotes::drop_of(conn, response).await
}
