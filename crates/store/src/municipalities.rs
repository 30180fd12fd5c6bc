//! Municipalities and their settings.
use domain::ids::MunicipalityId;
use domain::language::Country;
use domain::municipality::{Municipality, Settings};
use domain::time::Millis;

use crate::{Result, Store};

impl Store {
    /// A new municipality.
    ///
    /// # Errors
    /// [`crate::StoreError::Conflict`] when the slug is taken.
    pub async fn create_municipality(&self, slug: &str, name: &str, country: Country, settings: &Settings, now: Millis) -> Result<Municipality> {
        todo!("{slug} {name} {country:?} {settings:?} {now:?}")
    }

    /// The municipality of a slug; `NotFound` otherwise.
    pub async fn municipality_by_slug(&self, slug: &str) -> Result<Municipality> {
        todo!("{slug}")
    }

    /// The municipality of an id; `NotFound` otherwise.
    pub async fn municipality(&self, id: &MunicipalityId) -> Result<Municipality> {
        todo!("{id}")
    }

    /// All municipalities, by slug.
    pub async fn municipalities(&self) -> Result<Vec<Municipality>> {
        todo!()
    }

    /// Replaces name and settings.
    pub async fn update_municipality(&self, id: &MunicipalityId, name: &str, settings: &Settings, now: Millis) -> Result<()> {
        todo!("{id} {name} {settings:?} {now:?}")
    }
}
