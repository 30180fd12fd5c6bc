//! Logos: one small file per municipality; what pages need to know of it stands in the municipality's settings.
use domain::ids::MunicipalityId;
use domain::municipality::{Logo, Settings};
use domain::time::Millis;

use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store, municipalities};

statements! {
    PUT = "insert into logos (municipality_id, media_type, content, updated_at) values ($1, $2, $3, $4)
        on conflict (municipality_id) do update set media_type = excluded.media_type, content = excluded.content, updated_at = excluded.updated_at";
    GET = "select media_type, content from logos where municipality_id = $1";
    DROP = "delete from logos where municipality_id = $1";
    SETTINGS = "update municipalities set settings = $2, updated_at = $3 where id = $1";
}

impl Store {
    /// Keeps a logo in the place of another; `file` is its media type and content, as cleaned.
    pub async fn put_logo(&self, id: &MunicipalityId, logo: &Logo, file: (&str, &[u8]), now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        let known = municipalities::load(&mut tx, id).await?;
        let settings = Settings { logo: Some(logo.clone()), ..known.settings };
        call(PUT).text(id.as_str()).text(file.0).bytes(file.1).at(now).run(&mut tx).await?;
        call(SETTINGS)
            .text(id.as_str())
            .text(&to_json("settings", &settings)?)
            .at(now)
            .run_one(&mut tx, "municipality")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Takes the logo away, if there is one.
    pub async fn drop_logo(&self, id: &MunicipalityId, now: Millis) -> Result<()> {
        let mut tx = self.begin().await?;
        let known = municipalities::load(&mut tx, id).await?;
        let settings = Settings { logo: None, ..known.settings };
        call(DROP).text(id.as_str()).run(&mut tx).await?;
        call(SETTINGS)
            .text(id.as_str())
            .text(&to_json("settings", &settings)?)
            .at(now)
            .run_one(&mut tx, "municipality")
            .await?;
        Ok(tx.commit().await?)
    }

    /// Media type and content; `NotFound` where there is none.
    pub async fn logo(&self, id: &MunicipalityId) -> Result<(String, Vec<u8>)> {
        let row = call(GET).text(id.as_str()).row(&mut *self.read().await?, "logo").await?;
        let mut c = columns(&row);
        Ok((c.text()?, c.bytes()?))
    }
}
