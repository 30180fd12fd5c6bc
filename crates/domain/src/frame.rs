//! One unit of the frame: what the register says of a business in one year, parsed and classified.
use serde::{Deserialize, Serialize};

use crate::industry::Classification;
use crate::language::Country;

/// A business as it stands in one year's frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameUnit {
    /// What identifies the unit over the years: `dk:p:<P-nummer>`, `se:cfar:<CFAR-nummer>`, or by company when the round's unit is the company.
    pub unit_key: String,
    /// The register's country.
    pub country: Country,
    /// The company's number as it may be stored: CVR or organisationsnummer; for a sole trader in Sweden `hash:<keyed hash>`, never the number.
    pub company_number: Option<String>,
    /// The unit's name.
    pub name: String,
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postcode: String,
    /// Town.
    pub city: String,
    /// Industry code as in the extract, normalised to digits and points (`45.20.10`).
    pub industry_code: String,
    /// The classification that `industry_code` is written in.
    pub classification: Classification,
    /// Fewest employees of the unit.
    pub employees_low: u32,
    /// Most employees of the unit (equal to `employees_low` when exact; `None`: open interval, 1000+).
    pub employees_high: Option<u32>,
    /// Fewest employees of the whole company, all its workplaces together.
    pub company_employees_low: Option<u32>,
    /// Most employees of the whole company.
    pub company_employees_high: Option<u32>,
    /// Key of the sector under the municipality's grouping.
    pub sector: String,
    /// Key of the size class under the municipality's size definition.
    pub size: String,
    /// Key of the area, where the municipality has a list of areas.
    pub area: Option<String>,
    /// Start date, `yyyy-mm-dd`.
    pub started_on: Option<String>,
    /// Address to which the invitation goes; already syntactically valid.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// The register says that this unit must not be approached (reklamebeskyttelse).
    pub protected: bool,
}
