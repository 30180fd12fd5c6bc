//! Municipalities and their settings.
use domain::ids::MunicipalityId;
use domain::language::Country;
use domain::municipality::{Municipality, Settings};
use domain::time::Millis;
use sqlx::any::AnyRow;

use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store};

statements! {
    INSERT = "insert into municipalities (id, slug, name, country, settings, created_at, updated_at) values ($1, $2, $3, $4, $5, $6, $6)";
    BY_SLUG = "select id, slug, name, country, settings from municipalities where slug = $1";
    BY_ID = "select id, slug, name, country, settings from municipalities where id = $1";
    ALL = "select id, slug, name, country, settings from municipalities order by slug";
    UPDATE = "update municipalities set name = $2, settings = $3, updated_at = $4 where id = $1";
}

impl Store {
    /// A new municipality.
    ///
    /// # Errors
    /// [`crate::StoreError::Conflict`] when the slug is taken.
    pub async fn create_municipality(
        &self,
        slug: &str,
        name: &str,
        country: Country,
        settings: &Settings,
        now: Millis,
    ) -> Result<Municipality> {
        let municipality = Municipality {
            id: MunicipalityId::new(now),
            slug: slug.to_owned(),
            name: name.to_owned(),
            country,
            settings: settings.clone(),
        };
        let mut tx = self.begin().await?;
        call(INSERT)
            .text(municipality.id.as_str())
            .text(slug)
            .text(name)
            .text(country.code())
            .text(&to_json("settings", settings)?)
            .at(now)
            .run_new(&mut tx, "municipality")
            .await?;
        tx.commit().await?;
        Ok(municipality)
    }

    /// The municipality of a slug; `NotFound` otherwise.
    pub async fn municipality_by_slug(&self, slug: &str) -> Result<Municipality> {
        municipality(&call(BY_SLUG).text(slug).row(&mut *self.read().await?, "municipality").await?)
    }

    /// The municipality of an id; `NotFound` otherwise.
    pub async fn municipality(&self, id: &MunicipalityId) -> Result<Municipality> {
        load(&mut *self.read().await?, id).await
    }

    /// All municipalities, by slug.
    pub async fn municipalities(&self) -> Result<Vec<Municipality>> {
        call(ALL).rows(&mut *self.read().await?).await?.iter().map(municipality).collect()
    }

    /// Replaces name and settings.
    pub async fn update_municipality(
        &self,
        id: &MunicipalityId,
        name: &str,
        settings: &Settings,
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        call(UPDATE)
            .text(id.as_str())
            .text(name)
            .text(&to_json("settings", settings)?)
            .at(now)
            .run_one(&mut tx, "municipality")
            .await?;
        Ok(tx.commit().await?)
    }
}

/// A municipality within somebody else's transaction.
pub(crate) async fn load(conn: &mut sqlx::AnyConnection, id: &MunicipalityId) -> Result<Municipality> {
    municipality(&call(BY_ID).text(id.as_str()).row(conn, "municipality").await?)
}

fn municipality(row: &AnyRow) -> Result<Municipality> {
    let mut c = columns(row);
    Ok(Municipality {
        id: MunicipalityId(c.text()?),
        slug: c.text()?,
        name: c.text()?,
        country: c.word("country", Country::parse)?,
        settings: c.json("settings")?,
    })
}
