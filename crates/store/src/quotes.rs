//! Open answers as the analyst reads them, and the quotes released to the committee.
use domain::ids::{MunicipalityId, ResponseId, UserId};
use domain::time::Millis;
use sqlx::AnyConnection;

use crate::sql::{call, columns, statements};
use crate::{Result, Store};

statements! {
    // A reply for several workplaces has the sector that all of them share, or none.
    WRITERS = "select p.id, case when min(f.sector) = max(f.sector) then min(f.sector) end,
            (select trim(o.value) from answers o where o.response_id = p.id and o.question_key = 'overall'), min(f.name), min(f.street)
        from rounds r join responses p on p.round_id = r.id and p.status in ('partial', 'complete')
        join response_panels x on x.response_id = p.id left join panel_links l on l.panel_id = x.panel_id
        left join frame_imports i on i.municipality_id = r.municipality_id and i.year = r.year and i.state = 'current'
        left join frame_rows f on f.import_id = i.id and f.business_id = l.business_id
        where r.municipality_id = $1 and r.year = $2 and r.state = 'closed' group by p.id";
    RELEASE = "insert into quotes (response_id, question_key, municipality_id, words, released_by, released_at)
        select p.id, $3, $2, $4, $5, $6 from responses p join rounds r on r.id = p.round_id
        join answers a on a.response_id = p.id and a.question_key = $3 and a.value is not null
        where p.id = $1 and p.municipality_id = $2 and r.state = 'closed' and p.status in ('partial', 'complete')
        on conflict (response_id, question_key) do update set words = excluded.words, released_by = excluded.released_by, released_at = excluded.released_at
        where quotes.published_at is null";
    TAKE_BACK = "delete from quotes where response_id = $1 and municipality_id = $2 and question_key = $3 and published_at is null";
    QUOTES = "select q.response_id, q.question_key, q.words, q.released_at, q.published_at
        from rounds r join responses p on p.round_id = r.id join quotes q on q.response_id = p.id
        where r.municipality_id = $1 and r.year = $2 and p.status in ('partial', 'complete') order by q.released_at, q.response_id, q.question_key";
    PUBLISHED = "update quotes set published_at = $3 where municipality_id = $1 and published_at is null and released_at <= $3
        and response_id in (select p.id from responses p join rounds r on r.id = p.round_id where r.municipality_id = $1 and r.year = $2)";
    DROP_QUOTES = "delete from quotes where response_id = $1";
}

/// What is known of the writer of an open answer. Name and street serve redaction and are shown nowhere; no `Debug` for their sake.
#[derive(Clone, PartialEq, Eq)]
pub struct Writer {
    /// The response.
    pub response: ResponseId,
    /// Key of the sector.
    pub sector: Option<String>,
    /// The overall rating as kept.
    pub rating: Option<String>,
    /// The business's own name.
    pub name: Option<String>,
    /// Its own street.
    pub street: Option<String>,
}

/// A released quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The response.
    pub response: ResponseId,
    /// Question key.
    pub question: String,
    /// The words, redacted.
    pub words: String,
    /// When it was released.
    pub released_at: Millis,
    /// When it was first published.
    pub published_at: Option<Millis>,
}

impl Store {
    /// The writers of a closed round's answers.
    pub async fn writers(&self, municipality: &MunicipalityId, year: i32) -> Result<Vec<Writer>> {
        let rows = call(WRITERS).text(municipality.as_str()).int(year.into()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(Writer {
                    response: ResponseId(c.text()?),
                    sector: c.maybe()?,
                    rating: c.maybe()?,
                    name: c.maybe()?,
                    street: c.maybe()?,
                })
            })
            .collect()
    }

    /// Releases the redacted words of an open answer to the committee; words released earlier give way until they are published.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound) when there is no such answer in a closed round, or it is published already.
    pub async fn release_quote(
        &self,
        municipality: &MunicipalityId,
        (response, question): (&ResponseId, &str),
        words: &str,
        by: &UserId,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(RELEASE)
            .text(response.as_str())
            .text(municipality.as_str())
            .text(question)
            .text(words)
            .text(by.as_str())
            .at(now)
            .run_one(&mut tx, "comment")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Takes a quote back that is not published yet.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound) when there is none.
    pub async fn take_quote_back(
        &self,
        municipality: &MunicipalityId,
        (response, question): (&ResponseId, &str),
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(TAKE_BACK)
            .text(response.as_str())
            .text(municipality.as_str())
            .text(question)
            .run_one(&mut tx, "quote")
            .await?;
        Ok(tx.commit().await?)
    }

    /// The quotes released from a year's round, in the order of their release.
    pub async fn quotes(&self, municipality: &MunicipalityId, year: i32) -> Result<Vec<Quote>> {
        let rows = call(QUOTES).text(municipality.as_str()).int(year.into()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(Quote {
                    response: ResponseId(c.text()?),
                    question: c.text()?,
                    words: c.text()?,
                    released_at: c.at()?,
                    published_at: c.maybe_at()?,
                })
            })
            .collect()
    }

    /// Notes that a year's quotes released until `now` have been published, so that none can be taken back any more.
    pub async fn quotes_published(&self, municipality: &MunicipalityId, year: i32, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        published(&mut tx, municipality, year, now).await?;
        Ok(tx.commit().await?)
    }
}

/// The same within another use case.
pub(crate) async fn published(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    year: i32,
    now: Millis,
) -> Result<()> {
    call(PUBLISHED).text(municipality.as_str()).int(year.into()).at(now).run(conn).await?;
    Ok(())
}

/// Quotes that no publication holds go with the answers they are from.
pub(crate) async fn drop_of(conn: &mut AnyConnection, response: &str) -> Result<()> {
    call(DROP_QUOTES).text(response).run(conn).await?;
    Ok(())
}
