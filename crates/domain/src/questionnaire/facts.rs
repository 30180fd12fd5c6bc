//! What routing knows of a business before it has said anything: facts of its frame.
use super::Facts;
use crate::frame::FrameUnit;

/// The facts that a condition may name.
///
/// `size`, `sector`, `area`: keys as in the frame · `age`: `0-3`, `4+` · `country`: `dk`, `se` · `employees`: `no`, `yes`
/// · `industry`: see below · `flood_risk`: `yes`, `no` · `draw`: a number by which chance chooses the subject of a loop.
pub const FACT_NAMES: [&str; 9] =
    ["size", "sector", "area", "age", "country", "employees", "industry", "flood_risk", "draw"];

/// Kinds of industry that the questionnaire tells apart, by NACE division.
///
/// A municipality's sector grouping is its own, so routing cannot name its keys. These divisions mean the same in NACE
/// rev. 2 and 2.1, except that repair of motor vehicles moved from 45 to 95: both stand under trade and services. Being
/// asked about parking one year and not the next is the worst that a misplaced code does here; no series depends on it.
const INDUSTRIES: [(&str, &[std::ops::RangeInclusive<u32>]); 5] = [
    ("agriculture", &[1..=3]),
    ("manufacturing", &[5..=39]),
    ("construction", &[41..=43]),
    ("transport", &[49..=53]),
    ("trade_food_services", &[45..=47, 55..=56, 95..=96]),
];

/// The facts of a unit for the round of `year`; `flood_areas` are the keys of the areas at risk of flooding.
#[must_use]
pub fn facts_of(unit: &FrameUnit, year: i32, flood_areas: &[impl AsRef<str>]) -> Facts {
    let mut facts = Facts::from([
        ("size".to_owned(), unit.size.clone()),
        ("sector".to_owned(), unit.sector.clone()),
        ("country".to_owned(), unit.country.code().to_owned()),
        ("employees".to_owned(), if unit.employees_high == Some(0) { "no" } else { "yes" }.to_owned()),
        ("industry".to_owned(), industry(&unit.industry_code).to_owned()),
    ]);
    if let Some(area) = &unit.area {
        let risk = if flood_areas.iter().any(|risky| risky.as_ref() == area) { "yes" } else { "no" };
        facts.insert("flood_risk".to_owned(), risk.to_owned());
        facts.insert("area".to_owned(), area.clone());
    }
    let started = unit.started_on.as_deref().and_then(|d| d.get(..4)).and_then(|y| y.parse::<i32>().ok());
    if let Some(started) = started {
        facts.insert("age".to_owned(), if year - started <= 3 { "0-3" } else { "4+" }.to_owned());
    }
    facts
}

fn industry(code: &str) -> &'static str {
    let division = code.get(..2).and_then(|d| d.parse::<u32>().ok());
    INDUSTRIES
        .iter()
        .find(|(_, divisions)| division.is_some_and(|d| divisions.iter().any(|range| range.contains(&d))))
        .map_or("other", |(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::industry;

    #[test]
    fn a_recoded_workshop_stays_in_its_industry() {
        assert_eq!(industry("45.20.10"), industry("95.31.00"));
        assert_eq!(industry("62.01.00"), "other");
        assert_eq!(industry("49.41.00"), "transport");
        assert_eq!(industry(""), "other");
    }
}
