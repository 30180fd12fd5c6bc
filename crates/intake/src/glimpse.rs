//! What a page shows of an extract that was read: its counts, the first rows that were taken, the first that were not.
use domain::frame::FrameUnit;
use domain::language::{Language, Texts};
use serde::{Deserialize, Serialize};

use crate::frame::{Field, RowOutcome, RowResult, Summary};

/// Rows taken that are shown.
const TAKEN: usize = 8;
/// Rows left out that are shown; the report has them all.
const LEFT_OUT: usize = 50;

/// An extract in counts and by its first rows. No `Debug` of a row: it names businesses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glimpse {
    /// The counts.
    pub summary: Summary,
    /// The first rows taken, as they would stand in the frame.
    pub taken: Vec<FrameUnit>,
    /// The first rows left out.
    pub left_out: Vec<RowLeftOut>,
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowLeftOut {
    /// Row in the file, 1 = the heading.
    pub row: u64,
    /// The unit's number as it may be shown.
    pub unit: String,
    /// The unit's name.
    pub name: String,
    /// The field it is about.
    pub field: Option<Field>,
    /// Why.
    pub reason: Texts,
}

impl Glimpse {
    /// Notes a row, if it is one of the first.
    pub fn note(&mut self, outcome: &RowOutcome) {
        match &outcome.result {
            RowResult::Taken(unit, _) if self.taken.len() < TAKEN => self.taken.push((**unit).clone()),
            RowResult::LeftOut(reason) if self.left_out.len() < LEFT_OUT => self.left_out.push(RowLeftOut {
                row: outcome.row,
                unit: outcome.unit.clone(),
                name: outcome.name.clone(),
                field: reason.field(),
                reason: Texts {
                    da: reason.text(Language::Da),
                    sv: reason.text(Language::Sv),
                    en: reason.text(Language::En),
                },
            }),
            _ => {}
        }
    }
}
