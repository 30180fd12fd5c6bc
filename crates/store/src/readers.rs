//! Readers from outside: members of the forum who read publications by a personal link.
use domain::fieldwork::Role;
use domain::ids::{MunicipalityId, PublicationId, UserId};
use domain::time::Millis;

use crate::people::{NewSession, User, add_session, insert_user, shut_out, user, user_columns};
use crate::sql::{call, columns, statements};
use crate::{Result, Store, StoreError};

statements! {
    ADD = "insert into reader_links (id, municipality_id, user_id, lookup, publication_id, made_by, expires_at, uses, created_at)
        select $1, $2, $3, $4, cast($5 as text), $6, $7, 0, $8 where cast($5 as text) is null or exists (select 1 from publications p where p.id = $5 and p.municipality_id = $2)";
    ALL = "select l.id, u.name, l.publication_id, p.year, p.version, m.name, l.created_at, l.expires_at, l.revoked_at, l.last_used_at, l.uses
        from reader_links l join users u on u.id = l.user_id left join publications p on p.id = l.publication_id left join users m on m.id = l.made_by
        where l.municipality_id = $1 order by l.created_at desc, l.id";
    REVOKE = "update reader_links set revoked_at = coalesce(revoked_at, $3) where id = $1 and municipality_id = $2 returning user_id";
    DISABLE = "update users set disabled_at = coalesce(disabled_at, $2) where id = $1";
    SHOWN = concat!("select l.expires_at, ", user_columns!(), " from reader_links l join users u on u.id = l.user_id
        where l.lookup = $1 and l.revoked_at is null and l.expires_at > $2 and u.disabled_at is null");
    USED = "update reader_links set first_used_at = coalesce(first_used_at, $2), last_used_at = $2, uses = uses + 1
        where lookup = $1 and revoked_at is null and expires_at > $2 returning user_id, publication_id, expires_at";
    WHO = concat!("select ", user_columns!(), " from users u where u.id = $1 and u.disabled_at is null");
}

/// A link for a reader from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderLink {
    /// Id.
    pub id: String,
    /// For whom.
    pub name: String,
    /// The only publication it shows; `None`: all of them.
    pub publication: Option<PublicationId>,
    /// Year and version of that publication.
    pub publication_of: Option<(i32, i64)>,
    /// Who made it.
    pub made_by: Option<String>,
    /// When.
    pub created_at: Millis,
    /// Until when it works.
    pub expires_at: Millis,
    /// Taken back.
    pub revoked_at: Option<Millis>,
    /// Used last.
    pub last_used_at: Option<Millis>,
    /// How often.
    pub uses: u64,
}

/// A link to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewReaderLink<'a> {
    /// For whom.
    pub name: &'a str,
    /// The only publication it shows.
    pub publication: Option<&'a PublicationId>,
    /// Lookup hash of its token.
    pub lookup: &'a str,
    /// Until when it works.
    pub expires_at: Millis,
    /// Who makes it.
    pub made_by: &'a UserId,
}

impl Store {
    /// A new link for a reader from outside. Returns its id.
    pub async fn create_reader_link(
        &self,
        municipality: &MunicipalityId,
        new: &NewReaderLink<'_>,
        now: Millis,
    ) -> Result<String> {
        let mut tx = self.begin().await?;
        let id = domain::ids::JobId::new(now).0;
        // Readers have no address; this stands in its place and can be nobody's.
        let reader =
            insert_user(&mut tx, municipality, new.name, &format!("reader:{id}"), Role::Committee, now).await?;
        let added = call(ADD)
            .text(&id)
            .text(municipality.as_str())
            .text(reader.id.as_str())
            .text(new.lookup)
            .maybe(new.publication.map(PublicationId::as_str))
            .text(new.made_by.as_str())
            .at(new.expires_at)
            .at(now)
            .run(&mut tx)
            .await?;
        if added == 0 {
            return Err(StoreError::NotFound("publication"));
        }
        tx.commit().await?;
        Ok(id)
    }

    /// The links for readers, the latest first.
    pub async fn reader_links(&self, municipality: &MunicipalityId) -> Result<Vec<ReaderLink>> {
        let rows = call(ALL).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(ReaderLink {
                    id: c.text()?,
                    name: c.text()?,
                    publication: c.maybe()?.map(PublicationId),
                    publication_of: c.maybe_number("year")?.zip(c.maybe_number("version")?),
                    made_by: c.maybe()?,
                    created_at: c.at()?,
                    expires_at: c.at()?,
                    revoked_at: c.maybe_at()?,
                    last_used_at: c.maybe_at()?,
                    uses: c.count()?,
                })
            })
            .collect()
    }

    /// Takes a link back and ends what it opened.
    pub async fn revoke_reader_link(&self, municipality: &MunicipalityId, id: &str, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = call(REVOKE).text(id).text(municipality.as_str()).at(now).row(&mut tx, "link").await?;
        let reader = UserId(columns(&row).text()?);
        call(DISABLE).text(reader.as_str()).at(now).run(&mut tx).await?;
        shut_out(&mut tx, &reader).await?;
        Ok(tx.commit().await?)
    }

    /// Whose link this is, without using it; `None`: unknown, expired or taken back.
    pub async fn reader_of_link(&self, lookup: &str, now: Millis) -> Result<Option<User>> {
        let row = call(SHOWN).text(lookup).at(now).maybe_row(&mut *self.read().await?).await?;
        row.map(|row| {
            let mut c = columns(&row);
            let _expires_at = c.at()?;
            user(&mut c)
        })
        .transpose()
    }

    /// Opens a session by a reader's link, which lasts no longer than the link; `None`: unknown, expired or taken back.
    pub async fn use_reader_link(
        &self,
        lookup: &str,
        session: &NewSession<'_>,
        now: Millis,
    ) -> Result<Option<(User, Option<PublicationId>)>> {
        let mut tx = self.begin().await?;
        let Some(row) = call(USED).text(lookup).at(now).maybe_row(&mut tx).await? else { return Ok(None) };
        let mut c = columns(&row);
        let (id, publication, expires_at) = (UserId(c.text()?), c.maybe()?.map(PublicationId), c.at()?);
        let Some(row) = call(WHO).text(id.as_str()).maybe_row(&mut tx).await? else { return Ok(None) };
        let reader = user(&mut columns(&row))?;
        let expires_at = session.expires_at.min(expires_at);
        let new = NewSession { publication: publication.as_ref(), expires_at, ..session.clone() };
        add_session(&mut tx, &id, &new, now).await?;
        tx.commit().await?;
        Ok(Some((reader, publication)))
    }
}
