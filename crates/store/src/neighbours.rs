//! Other municipalities' packages under the keys that signed them, and figures that others publish.
use domain::ids::MunicipalityId;
use domain::language::Country;
use domain::packages::Package;
use domain::time::Millis;

use sqlx::any::AnyRow;

use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store};

statements! {
    ADD_NEIGHBOUR = "insert into neighbours (id, municipality_id, public_key, name, country, created_at) values ($1, $2, $3, $4, $5, $6)
        on conflict (municipality_id, public_key) do nothing";
    NEIGHBOUR_OF_KEY = "select id from neighbours where municipality_id = $1 and public_key = $2";
    NEIGHBOURS = "select id, public_key, name, country, confirmed_at from neighbours where municipality_id = $1 order by name, created_at";
    CONFIRM_NEIGHBOUR = "update neighbours set confirmed_at = $3 where municipality_id = $1 and id = $2 and confirmed_at is null";
    DROP_NEIGHBOUR_PACKAGES = "delete from neighbour_packages where neighbour_id in (select id from neighbours where municipality_id = $1 and id = $2)";
    DROP_NEIGHBOUR = "delete from neighbours where municipality_id = $1 and id = $2";
    PACKAGE_HASH = "select hash from neighbour_packages where neighbour_id = $1 and year = $2 and version = $3";
    ADD_PACKAGE = "insert into neighbour_packages (id, neighbour_id, year, version, hash, content, imported_at) values ($1, $2, $3, $4, $5, $6, $7)";
    PACKAGES = "select p.id, p.neighbour_id, p.year, p.version, p.imported_at from neighbour_packages p join neighbours n on n.id = p.neighbour_id
        where n.municipality_id = $1 order by p.year desc, p.version desc";
    // Figures are read only under a key that a person has confirmed.
    PACKAGE_OF = "select p.content from neighbour_packages p join neighbours n on n.id = p.neighbour_id
        where n.municipality_id = $1 and n.id = $2 and n.confirmed_at is not null order by p.year desc, p.version desc limit 1";
    PUT_OUTSIDE = "insert into outside_figures (id, municipality_id, source, measure, place, year, value, unit, n, note, imported_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (municipality_id, source, measure, place, year) do update
        set value = excluded.value, unit = excluded.unit, n = excluded.n, note = excluded.note, imported_at = excluded.imported_at";
    DROP_OUTSIDE = "delete from outside_figures where municipality_id = $1 and source = $2";
    OUTSIDE = "select source, measure, place, year, value, unit, n, note from outside_figures where municipality_id = $1 order by source, measure, place, year";
}

/// Another municipality, known by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its id here.
    pub id: String,
    /// The key that signs its packages, as hexadecimal digits.
    pub public_key: String,
    /// Its name, as its first package said it.
    pub name: String,
    /// Its country.
    pub country: Country,
    /// When a person confirmed that the key is theirs.
    pub confirmed_at: Option<Millis>,
}

/// A package that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageLine {
    /// Its id.
    pub id: String,
    /// Whose.
    pub neighbour: String,
    /// The year that opens it.
    pub year: i32,
    /// Version within the year.
    pub version: i64,
    /// When.
    pub imported_at: Millis,
}

/// What became of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It is kept.
    New {
        /// Under this neighbour.
        neighbour: String,
    },
    /// The same edition was there already.
    Known {
        /// Under this neighbour.
        neighbour: String,
    },
    /// The same year and version was there with other figures: published figures never change, so one of the two is not genuine.
    Contradicts,
}

/// A figure that others publish.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct OutsideFigure {
    /// Who publishes it: `Insikt`, `DI`, …
    pub source: String,
    /// What it measures, in its own words.
    pub measure: String,
    /// The municipality.
    pub place: String,
    /// Year.
    pub year: i32,
    /// The figure.
    pub value: f64,
    /// Its unit, in its own words.
    pub unit: String,
    /// Answers behind it, where it is said.
    pub n: Option<u64>,
    /// Who was asked.
    pub note: String,
}

impl Store {
    /// Keeps a package whose signature fits, under the key that signed it.
    pub async fn receive_package(
        &self,
        municipality: &MunicipalityId,
        public_key: &str,
        hash: &str,
        package: &Package,
        now: Millis,
    ) -> Result<Received> {
        let (m, head) = (municipality.as_str(), &package.head);
        let mut tx = self.begin().await?;
        call(ADD_NEIGHBOUR)
            .text(domain::ids::PublicationId::new(now).as_str())
            .text(m)
            .text(public_key)
            .text(&head.municipality)
            .text(head.country.code())
            .at(now)
            .run(&mut tx)
            .await?;
        let row = call(NEIGHBOUR_OF_KEY).text(m).text(public_key).row(&mut tx, "neighbour").await?;
        let neighbour = columns(&row).text()?;
        let asked = call(PACKAGE_HASH).text(&neighbour).int(head.year.into()).int(head.version);
        if let Some(row) = asked.maybe_row(&mut tx).await? {
            let known = columns(&row).text()? == hash;
            return Ok(if known { Received::Known { neighbour } } else { Received::Contradicts });
        }
        call(ADD_PACKAGE)
            .text(domain::ids::PublicationId::new(now).as_str())
            .text(&neighbour)
            .int(head.year.into())
            .int(head.version)
            .text(hash)
            .text(&to_json("package", package)?)
            .at(now)
            .run(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(Received::New { neighbour })
    }

    /// All neighbours, by name.
    pub async fn neighbours(&self, municipality: &MunicipalityId) -> Result<Vec<Neighbour>> {
        let rows = call(NEIGHBOURS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter().map(neighbour).collect()
    }

    /// Notes that a person has confirmed whose key it is. `false`: it was confirmed already, or is not there.
    pub async fn confirm_neighbour(&self, municipality: &MunicipalityId, id: &str, now: Millis) -> Result<bool> {
        let mut tx = self.begin().await?;
        let changed = call(CONFIRM_NEIGHBOUR).text(municipality.as_str()).text(id).at(now).run(&mut tx).await?;
        tx.commit().await?;
        Ok(changed == 1)
    }

    /// Forgets a neighbour and its packages.
    pub async fn drop_neighbour(&self, municipality: &MunicipalityId, id: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        call(DROP_NEIGHBOUR_PACKAGES).text(municipality.as_str()).text(id).run(&mut tx).await?;
        call(DROP_NEIGHBOUR).text(municipality.as_str()).text(id).run_one(&mut tx, "neighbour").await?;
        Ok(tx.commit().await?)
    }

    /// All packages, newest first.
    pub async fn neighbour_packages(&self, municipality: &MunicipalityId) -> Result<Vec<PackageLine>> {
        let rows = call(PACKAGES).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(PackageLine {
                    id: c.text()?,
                    neighbour: c.text()?,
                    year: c.year()?,
                    version: c.int()?,
                    imported_at: c.at()?,
                })
            })
            .collect()
    }

    /// The newest package of a neighbour whose key is confirmed; `NotFound` otherwise.
    pub async fn neighbour_package(&self, municipality: &MunicipalityId, neighbour: &str) -> Result<Package> {
        let asked = call(PACKAGE_OF).text(municipality.as_str()).text(neighbour);
        let row = asked.row(&mut *self.read().await?, "package").await?;
        columns(&row).json("package")
    }

    /// Keeps figures that others publish; one said again takes the old one's place.
    pub async fn put_outside_figures(
        &self,
        municipality: &MunicipalityId,
        figures: &[OutsideFigure],
        now: Millis,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        for figure in figures {
            let n = figure.n.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            call(PUT_OUTSIDE)
                .text(domain::ids::PublicationId::new(now).as_str())
                .text(municipality.as_str())
                .text(&figure.source)
                .text(&figure.measure)
                .text(&figure.place)
                .int(figure.year.into())
                .real(figure.value)
                .text(&figure.unit)
                .maybe_int(n)
                .text(&figure.note)
                .at(now)
                .run(&mut tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Deletes the figures of one survey and says how many there were.
    pub async fn drop_outside_figures(&self, municipality: &MunicipalityId, source: &str) -> Result<u64> {
        let mut tx = self.begin().await?;
        let gone = call(DROP_OUTSIDE).text(municipality.as_str()).text(source).run(&mut tx).await?;
        tx.commit().await?;
        Ok(gone)
    }

    /// All figures that others publish.
    pub async fn outside_figures(&self, municipality: &MunicipalityId) -> Result<Vec<OutsideFigure>> {
        let rows = call(OUTSIDE).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok(OutsideFigure {
                    source: c.text()?,
                    measure: c.text()?,
                    place: c.text()?,
                    year: c.year()?,
                    value: c.real()?,
                    unit: c.text()?,
                    n: c.maybe_number("n")?,
                    note: c.text()?,
                })
            })
            .collect()
    }
}

fn neighbour(row: &AnyRow) -> Result<Neighbour> {
    let mut c = columns(row);
    Ok(Neighbour {
        id: c.text()?,
        public_key: c.text()?,
        name: c.text()?,
        country: c.word("country", Country::parse)?,
        confirmed_at: c.maybe_at()?,
    })
}
