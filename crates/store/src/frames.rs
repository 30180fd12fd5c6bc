//! Businesses and their yearly frame rows: staged in chunks, switched over at the end.
use domain::frame::FrameUnit;
use domain::ids::{BusinessId, ImportId, MunicipalityId};
use domain::time::Millis;

use crate::{Result, Store};

/// An import that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameImport {
    /// Its id.
    pub id: ImportId,
    /// The very same file is the year's frame already: nothing needs to be staged, and nothing will change.
    pub already_current: bool,
}

/// What an import did, against the frame of the nearest earlier year (or, without one, against nothing).
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FrameChange {
    /// Units in the new frame.
    pub total: u64,
    /// The earlier year compared with.
    pub compared_with: Option<i32>,
    /// Units that the earlier year did not have.
    pub new: u64,
    /// Units of the earlier year that are gone.
    pub closed: u64,
    /// Units with another sector, size, area, name or address.
    pub changed: u64,
    /// Units as they were.
    pub unchanged: u64,
    /// `false`: the year's frame had equal rows already, so nothing was replaced.
    pub replaced: bool,
}

/// A year's frame in one line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FrameSummary {
    /// The year.
    pub year: i32,
    /// The import that is current.
    pub import: ImportId,
    /// Name of the file.
    pub file_name: String,
    /// Hash of the file's contents.
    pub content_hash: String,
    /// When it was switched over.
    pub imported_at: Millis,
    /// Units.
    pub units: u64,
    /// Units with an e-mail address that may be approached.
    pub contactable: u64,
    /// Units that the register protects.
    pub protected: u64,
    /// A round was opened on it: it can no longer be replaced.
    pub frozen: bool,
    /// What the import changed.
    pub change: FrameChange,
}

/// Units of one sector and size class.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FrameCount {
    /// Key of the sector.
    pub sector: String,
    /// Key of the size class.
    pub size: String,
    /// Units.
    pub units: u64,
    /// Units with an e-mail address that may be approached.
    pub contactable: u64,
    /// Units that the register protects.
    pub protected: u64,
}

/// A unit of the frame with the id under which we know it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FrameRow {
    /// The business.
    pub business: BusinessId,
    /// What the register says of it in that year.
    pub unit: FrameUnit,
}

impl Store {
    /// Begins an import of a year's frame. `content_hash`: SHA-256 of the file (and of what decides how it is read).
    ///
    /// # Errors
    /// [`crate::StoreError::FrameFrozen`] when a round was opened on that year's frame.
    pub async fn begin_frame_import(&self, municipality: &MunicipalityId, year: i32, file_name: &str, content_hash: &str, now: Millis) -> Result<FrameImport> {
        todo!("{municipality} {year} {file_name} {content_hash} {now:?}")
    }

    /// Adds rows to an import; nobody sees them yet. Of two rows with one unit key the first stands. Returns how many were added.
    pub async fn stage_frame_rows(&self, municipality: &MunicipalityId, import: &ImportId, rows: &[FrameUnit], now: Millis) -> Result<u64> {
        todo!("{municipality} {import} {} {now:?}", rows.len())
    }

    /// Makes the import the year's frame, in one step; equal rows change nothing.
    ///
    /// # Errors
    /// [`crate::StoreError::FrameFrozen`] when a round was opened on that year's frame meanwhile.
    pub async fn finish_frame_import(&self, municipality: &MunicipalityId, import: &ImportId, now: Millis) -> Result<FrameChange> {
        todo!("{municipality} {import} {now:?}")
    }

    /// Throws an unfinished import away.
    pub async fn abandon_frame_import(&self, municipality: &MunicipalityId, import: &ImportId) -> Result<()> {
        todo!("{municipality} {import}")
    }

    /// The frames of all years, ascending.
    pub async fn frames(&self, municipality: &MunicipalityId) -> Result<Vec<FrameSummary>> {
        todo!("{municipality}")
    }

    /// Units by sector × size class.
    pub async fn frame_counts(&self, municipality: &MunicipalityId, year: i32) -> Result<Vec<FrameCount>> {
        todo!("{municipality} {year}")
    }

    /// Units in the order of their ids, after `after`.
    pub async fn frame_units(&self, municipality: &MunicipalityId, year: i32, after: Option<&BusinessId>, limit: u32) -> Result<Vec<FrameRow>> {
        todo!("{municipality} {year} {after:?} {limit}")
    }
}
