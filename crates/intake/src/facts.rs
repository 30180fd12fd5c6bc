//! Growth accounts: a table of yearly register facts becomes rows, or a list of what is wrong with which row.
use std::collections::BTreeMap;
use std::io::{Read, Seek};

use domain::accounts::{FactKind, FactRow, FactUnit};
use domain::language::{Language, Texts};

use crate::IntakeError;
use crate::report::choose;
use crate::table::each_row;

/// Most rows; a town's facts of twenty years are a few thousand.
const MOST_ROWS: usize = 20_000;

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactFault {
    /// A cell that must hold something is empty.
    Missing(&'static str),
    /// Not a year.
    Year(String),
    /// Not a fact that is known, and no unit is given by which it could be one of the municipality's own.
    Fact(String),
    /// Not a unit.
    Unit(String),
    /// Not a sector of the municipality's grouping.
    Sector(String),
    /// This fact has no sectors.
    NoSectors,
    /// Not a number.
    Value(String),
    /// A share that is neither written in percent nor between 0 and 1.
    Share(String),
    /// Year, fact and sector stand in an earlier row too.
    Twice {
        /// Line of that row.
        line: u64,
    },
}

/// A row with its fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactProblem {
    /// Line in the file, 1 = the heading.
    pub line: u64,
    /// What is wrong.
    pub fault: FactFault,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The rows without fault.
    pub rows: Vec<FactRow>,
    /// The others.
    pub problems: Vec<FactProblem>,
}

impl FactFault {
    /// The fault as a sentence.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let say = |da: String, sv: String, en: String| Texts { da, sv, en }.get(language).to_owned();
        match self {
            Self::Missing(column) => {
                let column = title(column, language);
                say(
                    format!("Kolonnen {column} er tom."),
                    format!("Kolumnen {column} är tom."),
                    format!("The column {column} is empty."),
                )
            }
            Self::Year(text) => say(
                format!("»{text}« er ikke et årstal."),
                format!("”{text}” är inget årtal."),
                format!("“{text}” is no year."),
            ),
            Self::Fact(text) => say(
                format!("»{text}« er ikke et kendt nøgletal. Et eget nøgletal skal have en enhed."),
                format!("”{text}” är inget känt nyckeltal. Ett eget nyckeltal ska ha en enhet."),
                format!("“{text}” is no known figure. A figure of your own needs a unit."),
            ),
            Self::Unit(text) => say(
                format!("»{text}« er ikke en enhed: antal, kroner, m², procent eller tal."),
                format!("”{text}” är ingen enhet: antal, kronor, m², procent eller tal."),
                format!("“{text}” is no unit: count, money, m², percent or number."),
            ),
            Self::Sector(text) => say(
                format!("Branchen »{text}« findes ikke i kommunens inddeling."),
                format!("Branschen ”{text}” finns inte i kommunens indelning."),
                format!("The sector “{text}” does not exist in the municipality's grouping."),
            ),
            Self::NoSectors => say(
                "Dette nøgletal findes kun for hele kommunen.".into(),
                "Detta nyckeltal finns bara för hela kommunen.".into(),
                "This figure exists for the whole municipality only.".into(),
            ),
            Self::Value(text) => say(
                format!("»{text}« er ikke et tal."),
                format!("”{text}” är inget tal."),
                format!("“{text}” is no number."),
            ),
            Self::Share(text) => say(
                format!("»{text}«: en andel skrives i procent (2,8 %) eller som et tal mellem 0 og 1."),
                format!("”{text}”: en andel skrivs i procent (2,8 %) eller som ett tal mellan 0 och 1."),
                format!("“{text}”: a share is written in percent (2.8%) or as a number between 0 and 1."),
            ),
            Self::Twice { line } => say(
                format!("Samme år, nøgletal og branche står også i række {line}."),
                format!("Samma år, nyckeltal och bransch står även på rad {line}."),
                format!("The same year, figure and sector stand in row {line} too."),
            ),
        }
    }
}

/// Columns with the headings by which they are known, folded.
const COLUMNS: [(&str, &[&str]); 6] = [
    ("year", &["year", "år", "aar", "ar"]),
    ("fact", &["fact", "nøgletal", "nyckeltal", "figure"]),
    ("sector", &["sector", "branche", "bransch"]),
    ("value", &["value", "værdi", "värde", "tal"]),
    ("source", &["source", "kilde", "källa"]),
    ("unit", &["unit", "enhed", "enhet"]),
];

const fn title(column: &'static str, language: Language) -> &'static str {
    match column.as_bytes() {
        b"year" => choose(language, "år", "år", "year"),
        b"fact" => choose(language, "nøgletal", "nyckeltal", "figure"),
        b"sector" => choose(language, "branche", "bransch", "sector"),
        b"value" => choose(language, "værdi", "värde", "value"),
        b"source" => choose(language, "kilde", "källa", "source"),
        _ => choose(language, "enhed", "enhet", "unit"),
    }
}

/// Reads a table (CSV or XLSX) with the columns year, fact, value and source, and sector and unit where needed. `sectors`: key and titles of
/// the municipality's sectors; either may stand in the table.
///
/// # Errors
/// [`IntakeError`] when it is no table, lacks a column, or is too long.
pub fn read<R: Read + Seek>(file: &str, source: R, sectors: &[(String, Texts)]) -> Result<Facts, IntakeError> {
    let mut facts = Facts::default();
    let mut places: Option<BTreeMap<&'static str, usize>> = None;
    let mut seen: BTreeMap<(i32, String, String), u64> = BTreeMap::new();
    let mut rows = 0;
    each_row(file, source, &mut |row| {
        let Some(places) = &places else {
            let found = heading(row.cells);
            let missing = ["year", "fact", "value", "source"].into_iter().find(|c| !found.contains_key(c));
            if let Some(column) = missing {
                return Err(IntakeError::Column {
                    file: file.to_owned(),
                    line: row.line,
                    column: column.to_owned(),
                    problem: "is missing in the heading".to_owned(),
                });
            }
            places = Some(found);
            return Ok(());
        };
        rows += 1;
        if rows > MOST_ROWS {
            let problem = format!("more than {MOST_ROWS} rows");
            return Err(IntakeError::File { file: file.to_owned(), problem });
        }
        let cell =
            |column: &str| places.get(column).and_then(|at| row.cells.get(*at)).map(|c| c.trim()).unwrap_or_default();
        let read = one(&cell, sectors).and_then(|fact| {
            let key = (fact.year, fact.kind.key.clone(), fact.sector.clone().unwrap_or_default());
            match seen.get(&key) {
                Some(line) => Err(FactFault::Twice { line: *line }),
                None => {
                    seen.insert(key, row.line);
                    Ok(fact)
                }
            }
        });
        match read {
            Ok(fact) => facts.rows.push(fact),
            Err(fault) => facts.problems.push(FactProblem { line: row.line, fault }),
        }
        Ok(())
    })?;
    Ok(facts)
}

fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

fn heading(cells: &[String]) -> BTreeMap<&'static str, usize> {
    let mut found = BTreeMap::new();
    for (at, cell) in cells.iter().enumerate() {
        let name = fold(cell);
        if let Some((column, _)) = COLUMNS.iter().find(|(_, names)| names.contains(&name.as_str())) {
            found.entry(*column).or_insert(at);
        }
    }
    found
}

fn one<'c>(cell: &dyn Fn(&str) -> &'c str, sectors: &[(String, Texts)]) -> Result<FactRow, FactFault> {
    for column in ["year", "fact", "value", "source"] {
        if cell(column).is_empty() {
            return Err(FactFault::Missing(column));
        }
    }
    let year = cell("year");
    let year = year
        .parse()
        .ok()
        .filter(|y: &i32| (1990..=2100).contains(y))
        .ok_or_else(|| FactFault::Year(year.to_owned()))?;
    let kind = kind(cell("fact"), cell("unit"))?;
    let sector = match cell("sector") {
        "" => None,
        _ if !kind.by_sector => return Err(FactFault::NoSectors),
        named => {
            let name = fold(named);
            let is = |(key, titles): &&(String, Texts)| {
                fold(key) == name || Language::ALL.iter().any(|l| fold(titles.get(*l)) == name)
            };
            let found = sectors.iter().find(is).ok_or_else(|| FactFault::Sector(named.to_owned()))?;
            Some(found.0.clone())
        }
    };
    let value = value(cell("value"), kind.unit)?;
    Ok(FactRow { year, kind, sector, value, source: cell("source").to_owned() })
}

fn kind(named: &str, unit: &str) -> Result<FactKind, FactFault> {
    let name = fold(named);
    let known = FactKind::shipped()
        .iter()
        .find(|k| fold(&k.key) == name || Language::ALL.iter().any(|l| fold(k.title.get(*l)) == name));
    match (known, fold(unit).as_str()) {
        (Some(known), _) => Ok(known.clone()),
        (None, "") => Err(FactFault::Fact(named.to_owned())),
        (None, unit) => {
            let unit = match unit {
                "count" | "antal" | "stk" | "st" => FactUnit::Count,
                "money" | "kroner" | "kronor" | "kr" | "kr." => FactUnit::Money,
                "area" | "m²" | "m2" | "kvm" => FactUnit::Area,
                "share" | "procent" | "percent" | "%" => FactUnit::Share,
                "number" | "tal" => FactUnit::Number,
                _ => return Err(FactFault::Unit(unit.to_owned())),
            };
            Ok(FactKind::own(named, unit))
        }
    }
}

/// A number as registers and people write it: `1234`, `1.234`, `1 234`, `1,5`, `2,8 %`.
fn value(text: &str, unit: FactUnit) -> Result<f64, FactFault> {
    let bad = || FactFault::Value(text.to_owned());
    let percent = text.ends_with('%');
    let plain: String = text.trim_end_matches('%').chars().filter(|c| !c.is_whitespace()).collect();
    let mut parts = plain.split('.');
    let head = parts.next().unwrap_or_default().trim_start_matches('-');
    let grouped = plain.contains('.') && !head.starts_with('0') && head.len() <= 3 && parts.all(|p| p.len() == 3);
    let plain = if plain.contains(',') || grouped { plain.replace('.', "").replace(',', ".") } else { plain };
    let number: f64 = plain.parse().map_err(|_| bad())?;
    if !number.is_finite() {
        return Err(bad());
    }
    match unit {
        // Two places moved in the text: divided, 2.8 would not become 0.028.
        FactUnit::Share if percent => format!("{plain}e-2").parse().map_err(|_| bad()),
        FactUnit::Share if !(0.0..=1.0).contains(&number) => Err(FactFault::Share(text.to_owned())),
        FactUnit::Share => Ok(number),
        _ if percent => Err(bad()),
        FactUnit::Count if number < 0.0 || number.fract() != 0.0 => Err(bad()),
        _ => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn sectors() -> Vec<(String, Texts)> {
        let texts = Texts { da: "Bygge og anlæg".into(), sv: "Bygg".into(), en: "Construction".into() };
        vec![("construction".into(), texts)]
    }

    #[test]
    fn a_table_becomes_facts() {
        let csv = "År;Nøgletal;Branche;Værdi;Kilde;Enhed\n\
                   2025;Virksomheder;;1.204;CVR;\n\
                   2025;companies;Bygge og anlæg;204;CVR;\n\
                   2025;company_tax;construction;1234567,5;Skat;\n\
                   2025;Ledighed;;2,8 %;DST;\n\
                   2025;Hotelværelser;;210;Turisme;antal\n";
        let facts = read("f.csv", Cursor::new(csv), &sectors()).unwrap();
        assert_eq!(facts.problems, []);
        let seen: Vec<(&str, Option<&str>, f64)> =
            facts.rows.iter().map(|r| (r.kind.key.as_str(), r.sector.as_deref(), r.value)).collect();
        assert_eq!(
            seen,
            [
                ("companies", None, 1204.0),
                ("companies", Some("construction"), 204.0),
                ("company_tax", Some("construction"), 1_234_567.5),
                ("unemployment", None, 0.028),
                ("own:Hotelværelser", None, 210.0),
            ]
        );
        assert_eq!(facts.rows[4].kind.unit, FactUnit::Count);
    }

    #[test]
    fn every_faulty_row_is_named_with_its_line() {
        let csv = "year,fact,sector,value,source,unit\n\
                   25,companies,,1,CVR,\n\
                   2025,luck,,1,CVR,\n\
                   2025,luck,,1,CVR,barrels\n\
                   2025,companies,mining,1,CVR,\n\
                   2025,commuters_in,construction,1,CVR,\n\
                   2025,companies,,many,CVR,\n\
                   2025,companies,,1.5,CVR,\n\
                   2025,unemployment,,2.8,DST,\n\
                   2025,companies,,3,,\n\
                   2025,companies,,3,CVR,\n\
                   2025,companies,,4,CVR,\n";
        let facts = read("f.csv", Cursor::new(csv), &sectors()).unwrap();
        let seen: Vec<(u64, &FactFault)> = facts.problems.iter().map(|p| (p.line, &p.fault)).collect();
        assert_eq!(
            seen,
            [
                (2, &FactFault::Year("25".into())),
                (3, &FactFault::Fact("luck".into())),
                (4, &FactFault::Unit("barrels".into())),
                (5, &FactFault::Sector("mining".into())),
                (6, &FactFault::NoSectors),
                (7, &FactFault::Value("many".into())),
                (8, &FactFault::Value("1.5".into())),
                (9, &FactFault::Share("2.8".into())),
                (10, &FactFault::Missing("source")),
                (12, &FactFault::Twice { line: 11 }),
            ]
        );
        assert_eq!(facts.rows.len(), 1);
        for language in Language::ALL {
            assert!(facts.problems.iter().all(|p| p.fault.text(language).ends_with('.')));
        }
    }

    #[test]
    fn a_missing_column_is_named() {
        let error = read("f.csv", Cursor::new("year,value\n2025,1\n"), &[]).unwrap_err();
        assert_eq!(error.to_string(), "f.csv: line 1, column fact: is missing in the heading");
    }
}
