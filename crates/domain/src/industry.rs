//! Industry codes, the classifications they are written in, and the groupings of sectors that outlive them.
//!
//! A business that was merely recoded must stay in its sector. So a [`Grouping`] is written in one language only, the
//! classes of NACE rev. 2 (DB07, SNI 2007), and every class of NACE rev. 2.1 (DB25, SNI 2025) names the class of rev. 2
//! that most of its businesses come from (`analysis/sectors/nace21.csv`, one row and one reason per class). The complete
//! lists of both classifications are shipped: an unknown code is an error, never a guess.
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::language::{Country, Texts};

const CODES_REV2: &str = include_str!("../../../analysis/sectors/codes-db07.csv");
const CODES_REV21: &str = include_str!("../../../analysis/sectors/codes-nace21.csv");
const HOMES_REV21: &str = include_str!("../../../analysis/sectors/homes-nace21.csv");
const SHIPPED: [(&str, &str); 3] = [
    ("dst10.toml", include_str!("../../../analysis/sectors/dst10.toml")),
    ("htk.toml", include_str!("../../../analysis/sectors/htk.toml")),
    ("handel.toml", include_str!("../../../analysis/sectors/handel.toml")),
];

/// A version of the industry classification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Classification {
    /// Dansk Branchekode 2007 (NACE rev. 2, six digits), until the end of 2024.
    Db07,
    /// Dansk Branchekode 2025 (NACE rev. 2.1, six digits), from January 2025.
    Db25,
    /// Svensk näringsgrensindelning 2007 (NACE rev. 2 at four digits).
    Sni2007,
    /// Svensk näringsgrensindelning 2025 (NACE rev. 2.1 at four digits).
    Sni2025,
}

impl Classification {
    /// Every classification.
    pub const ALL: [Self; 4] = [Self::Db07, Self::Db25, Self::Sni2007, Self::Sni2025];

    /// The key as written in files and on the command line: `db07`, `db25`, `sni2007`, `sni2025`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Db07 => "db07",
            Self::Db25 => "db25",
            Self::Sni2007 => "sni2007",
            Self::Sni2025 => "sni2025",
        }
    }

    /// The classification of a key, in upper or lower case.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.key().eq_ignore_ascii_case(key.trim()))
    }

    /// The one that a country's register used in a year: both registers changed at the turn to 2025.
    #[must_use]
    pub const fn in_use(country: Country, year: i32) -> Self {
        match (country, year >= 2025) {
            (Country::Dk, false) => Self::Db07,
            (Country::Dk, true) => Self::Db25,
            (Country::Se, false) => Self::Sni2007,
            (Country::Se, true) => Self::Sni2025,
        }
    }

    /// Whether the codes are Danish: six digits.
    const fn is_danish(self) -> bool {
        matches!(self, Self::Db07 | Self::Db25)
    }

    /// Whether it is NACE rev. 2; otherwise rev. 2.1.
    const fn is_rev2(self) -> bool {
        matches!(self, Self::Db07 | Self::Sni2007)
    }

    /// The complete list of its revision.
    fn list(self) -> &'static CodeList {
        if self.is_rev2() { &REV2 } else { &REV21 }
    }
}

/// Why a code cannot be classified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeError {
    /// The text has not the form of a code.
    #[error("\"{text}\" is not an industry code of {}", classification.key())]
    Form {
        /// As it stood.
        text: String,
        /// The classification it should be in.
        classification: Classification,
    },
    /// The code is well formed but in no list.
    #[error("industry code {code} does not exist in {}", classification.key())]
    Unknown {
        /// The code with its points.
        code: String,
        /// The classification it should be in.
        classification: Classification,
    },
}

/// The classes and subclasses of one revision with their titles, and the section of every class.
struct CodeList {
    titles: HashMap<&'static str, &'static str>,
    /// Class → letter, in the order of the list.
    sections: Vec<(&'static str, &'static str)>,
}

/// Where a class of rev. 2.1 comes from.
struct Home {
    class: &'static str,
    note: &'static str,
}

static REV2: LazyLock<CodeList> = LazyLock::new(|| CodeList::read(CODES_REV2));
static REV21: LazyLock<CodeList> = LazyLock::new(|| CodeList::read(CODES_REV21));
static HOMES: LazyLock<HashMap<&'static str, Home>> = LazyLock::new(|| {
    shipped_rows(HOMES_REV21)
        .map(|row| {
            let [code, class, _basis, note] = row[..] else { panic!("homes-nace21.csv has four columns") };
            (code, Home { class, note })
        })
        .collect()
});
static GROUPINGS: LazyLock<Vec<Grouping>> = LazyLock::new(|| {
    SHIPPED
        .iter()
        .map(|(file, text)| Grouping::parse(file, text).expect("shipped groupings are read by a test"))
        .collect()
});

/// Rows of a shipped CSV without its heading. Fields may stand in double quotes and never hold one.
fn shipped_rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().skip(1).map(|line| {
        let mut fields = Vec::with_capacity(4);
        let mut rest = line;
        loop {
            let (field, after) = match rest.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
                Some((field, after)) => (field, after.strip_prefix(',')),
                None => rest.split_once(',').map_or((rest, None), |(field, after)| (field, Some(after))),
            };
            fields.push(field);
            match after {
                Some(after) => rest = after,
                None => return fields,
            }
        }
    })
}

impl CodeList {
    /// Reads `code,title`, where a letter heads the codes of its section.
    fn read(text: &'static str) -> Self {
        let mut list = Self { titles: HashMap::new(), sections: Vec::new() };
        let mut section = "";
        for row in shipped_rows(text) {
            let [code, title] = row[..] else { panic!("a list of codes has two columns") };
            if code.len() == 1 {
                section = code;
            } else {
                list.titles.insert(code, title);
                let class = &code[..5];
                if list.sections.last().is_none_or(|(last, _)| *last != class) {
                    list.sections.push((class, section));
                }
            }
        }
        list
    }
}

/// A code that exists in its classification, normalised to digits and points: `45.20.10`, `62.01`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IndustryCode {
    text: String,
    classification: Classification,
}

impl IndustryCode {
    /// Reads a code as registers write it (`452010`, `45.20.10`, `45.20`, `62.010`), also with its title behind it.
    /// A Danish code of five digits without points has lost its leading zero to a spreadsheet and gets it back: no
    /// Danish code has five digits. Six-digit codes of DB25 and five-digit codes of SNI are known by their class.
    ///
    /// # Errors
    /// [`CodeError`] when the text is no code or the code is not in the classification's list.
    pub fn parse(text: &str, classification: Classification) -> Result<Self, CodeError> {
        let form = || CodeError::Form { text: text.trim().chars().take(40).collect(), classification };
        let written = text.trim();
        let end = written.find(char::is_alphabetic).unwrap_or(written.len());
        let written = written[..end].trim_end_matches(|c: char| !c.is_ascii_digit());
        let mut digits: String = written.chars().filter(|c| !c.is_whitespace() && *c != '.').collect();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(form());
        }
        if written.split(['.', ' ']).next().is_none_or(|first| first.len() != 2 && first.len() != digits.len()) {
            return Err(form());
        }
        if classification.is_danish() && digits.len() == 5 && written.len() == 5 {
            digits.insert(0, '0');
        }
        let text = match (digits.len(), classification.is_danish()) {
            (4, _) => format!("{}.{}", &digits[..2], &digits[2..]),
            (6, true) => format!("{}.{}.{}", &digits[..2], &digits[2..4], &digits[4..]),
            (5, false) => format!("{}.{}", &digits[..2], &digits[2..]),
            _ => return Err(form()),
        };
        let known = match classification {
            Classification::Db07 => text.as_str(),
            _ => &text[..5],
        };
        if classification.list().titles.contains_key(known) {
            Ok(Self { text, classification })
        } else {
            Err(CodeError::Unknown { code: text, classification })
        }
    }

    /// Digits and points, as given: `45.20.10`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The four-digit class: `45.20`.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.text[..5]
    }

    /// The class of NACE rev. 2 that the code's businesses come from: the code's own class in DB07 and SNI 2007.
    #[must_use]
    pub fn home_class(&self) -> &str {
        if self.classification.is_rev2() { self.class() } else { HOMES.get(self.class()).map_or("", |home| home.class) }
    }

    /// The classification it is written in.
    #[must_use]
    pub const fn classification(&self) -> Classification {
        self.classification
    }

    /// Whether the register does not know the industry (DB07 99.99.99).
    #[must_use]
    pub fn is_not_stated(&self) -> bool {
        self.class() == "99.99"
    }

    /// The title in the shipped list: Danish for rev. 2, English for rev. 2.1.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let titles = &self.classification.list().titles;
        titles.get(self.as_str()).or_else(|| titles.get(self.class())).copied().unwrap_or_default()
    }
}

/// One sector of a grouping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sector {
    /// Stable key.
    pub key: String,
    /// Title per language.
    pub titles: Texts,
    /// The sector it joins when it is too thin to be weighted on its own.
    pub collapse_into: Option<String>,
}

/// A grouping of industries into sectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    key: String,
    version: u32,
    titles: Texts,
    sectors: Vec<Sector>,
    /// Class of rev. 2 → sector and the rule that chose it.
    classes: HashMap<&'static str, (usize, String)>,
    /// Per classification: a prefix of the code, the sector, the reason; longest first.
    exceptions: BTreeMap<&'static str, Vec<Exception>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Exception {
    prefix: String,
    sector: usize,
    note: String,
}

/// A classified code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified<'a> {
    /// The sector.
    pub sector: &'a Sector,
    /// The code, checked and normalised.
    pub code: IndustryCode,
    /// The rows that led there; its `Display` is a sentence.
    pub why: Why<'a>,
}

/// Which rows of the tables decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why<'a> {
    /// A rule of the grouping matched the code's class of rev. 2.
    Rule {
        /// The rule: a letter or first digits of rev. 2.
        rule: &'a str,
    },
    /// A rule of the grouping matched the class of rev. 2 that the code's class comes from.
    Home {
        /// The class of the code.
        class: String,
        /// The class of rev. 2 that stands for it.
        home: &'a str,
        /// Why that class.
        note: &'a str,
        /// The rule: a letter or first digits of rev. 2.
        rule: &'a str,
    },
    /// The grouping makes an exception for the code in this classification.
    Exception {
        /// First digits of the code.
        prefix: &'a str,
        /// Why.
        note: &'a str,
    },
}

impl std::fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule { rule } => write!(f, "rule {rule} of NACE rev. 2"),
            Self::Home { class, home, note, rule } => {
                write!(f, "{class} counts as {home} of NACE rev. 2 ({}), rule {rule}", note.trim_end_matches('.'))
            }
            Self::Exception { prefix, note } => write!(f, "exception for {prefix}: {}", note.trim_end_matches('.')),
        }
    }
}

/// What is wrong with a grouping's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupingError {
    /// Any fault, with file and key.
    #[error("{file}: {problem}")]
    Invalid {
        /// Name of the file.
        file: String,
        /// What is wrong, in words.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupingFile {
    key: String,
    version: u32,
    titles: Texts,
    sector: Vec<SectorRow>,
    #[serde(default)]
    exception: Vec<ExceptionRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectorRow {
    key: String,
    titles: Texts,
    codes: Vec<String>,
    collapse_into: Option<String>,
    #[serde(default, rename = "note")]
    _note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionRow {
    classification: Classification,
    code: String,
    sector: String,
    note: String,
}

impl Grouping {
    /// Keys of the groupings that ship.
    pub const SHIPPED: [&str; 3] = ["dst10", "htk", "handel"];

    /// A grouping that ships; `None` for an unknown key.
    #[must_use]
    pub fn shipped(key: &str) -> Option<&'static Self> {
        GROUPINGS.iter().find(|grouping| grouping.key == key)
    }

    /// Reads a municipality's own grouping; `file` is named in errors.
    ///
    /// A file name ending in `.csv` is read as a table with the columns `code`, `sector` and, as wanted, `title` (or
    /// `title_da`, `title_sv`, `title_en`), `collapse_into`, `classification` and `note`: one row per code, sectors in
    /// the order in which they first appear, a row with a classification being an exception. Anything else is TOML, as
    /// the files under `analysis/sectors`.
    ///
    /// # Errors
    /// [`GroupingError`] naming file and key: an unknown code, a code in two sectors, classes that lie in no sector, a
    /// circle of `collapse_into`.
    pub fn parse(file: &str, text: &str) -> Result<Self, GroupingError> {
        let invalid = |problem: String| GroupingError::Invalid { file: file.to_owned(), problem };
        let is_csv = std::path::Path::new(file).extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        let rows = if is_csv { read_csv(file, text) } else { toml::from_str(text).map_err(|e| e.to_string()) };
        Self::build(rows.map_err(invalid)?).map_err(invalid)
    }

    fn build(file: GroupingFile) -> Result<Self, String> {
        let sectors: Vec<Sector> = file
            .sector
            .iter()
            .map(|s| Sector { key: s.key.clone(), titles: s.titles.clone(), collapse_into: s.collapse_into.clone() })
            .collect();
        check_sectors(&sectors)?;
        let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, sector) in file.sector.iter().enumerate() {
            for code in &sector.codes {
                if !REV2.sections.iter().any(|(class, section)| section == code || class.starts_with(code.as_str())) {
                    return Err(format!("sector \"{}\": no code of NACE rev. 2 begins with \"{code}\"", sector.key));
                }
                if let Some(other) = rules.insert(code, index)
                    && other != index
                {
                    return Err(format!("code \"{code}\" stands in \"{}\" and \"{}\"", sectors[other].key, sector.key));
                }
            }
        }
        let mut classes = HashMap::new();
        let mut missing = Vec::new();
        for (class, section) in &REV2.sections {
            let digits = (2..=5).rev().find_map(|length| rules.get_key_value(&class[..length]));
            match digits.or_else(|| rules.get_key_value(section)) {
                Some((rule, index)) => drop(classes.insert(*class, (*index, (*rule).to_owned()))),
                None => missing.push(*class),
            }
        }
        if let Some(first) = missing.first() {
            return Err(format!("{} classes of NACE rev. 2 lie in no sector, the first is {first}", missing.len()));
        }
        let mut exceptions: BTreeMap<&'static str, Vec<Exception>> = BTreeMap::new();
        for row in file.exception {
            let sector = sectors
                .iter()
                .position(|s| s.key == row.sector)
                .ok_or_else(|| format!("exception {}: there is no sector \"{}\"", row.code, row.sector))?;
            let known = |(class, _): &(&str, &str)| class.starts_with(&row.code) || row.code.starts_with(class);
            if row.code.len() < 2 || !row.classification.list().sections.iter().any(known) {
                return Err(format!("exception {}: no such code in {}", row.code, row.classification.key()));
            }
            let list = exceptions.entry(row.classification.key()).or_default();
            list.push(Exception { prefix: row.code, sector, note: row.note });
            list.sort_by_key(|e| std::cmp::Reverse(e.prefix.len()));
        }
        Ok(Self { key: file.key, version: file.version, titles: file.titles, sectors, classes, exceptions })
    }

    /// The grouping's key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The grouping's version: raised when a rule changes.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The grouping's name.
    #[must_use]
    pub const fn titles(&self) -> &Texts {
        &self.titles
    }

    /// The sectors, in the order in which they are shown.
    #[must_use]
    pub fn sectors(&self) -> &[Sector] {
        &self.sectors
    }

    /// The sector of a key.
    #[must_use]
    pub fn sector(&self, key: &str) -> Option<&Sector> {
        self.sectors.iter().find(|s| s.key == key)
    }

    /// The sector of a code as registers write it.
    ///
    /// # Errors
    /// [`CodeError`] when the code is malformed or unknown.
    pub fn sector_of(&self, code: &str, classification: Classification) -> Result<Classified<'_>, CodeError> {
        let code = IndustryCode::parse(code, classification)?;
        let exceptions = self.exceptions.get(classification.key()).map_or(&[][..], Vec::as_slice);
        if let Some(exception) = exceptions.iter().find(|e| code.as_str().starts_with(&e.prefix)) {
            let why = Why::Exception { prefix: &exception.prefix, note: &exception.note };
            return Ok(Classified { sector: &self.sectors[exception.sector], code, why });
        }
        let unknown = || CodeError::Unknown { code: code.as_str().to_owned(), classification };
        let (index, rule) = self.classes.get(code.home_class()).ok_or_else(unknown)?;
        let why = match HOMES.get(code.class()) {
            Some(home) if !classification.is_rev2() && home.class != code.class() => {
                Why::Home { class: code.class().to_owned(), home: home.class, note: home.note, rule }
            }
            _ => Why::Rule { rule },
        };
        Ok(Classified { sector: &self.sectors[*index], code, why })
    }
}

/// Keys stand once, and following `collapse_into` ends.
fn check_sectors(sectors: &[Sector]) -> Result<(), String> {
    let target = |sector: &Sector| sector.collapse_into.as_ref().and_then(|key| sectors.iter().find(|s| s.key == *key));
    for (index, sector) in sectors.iter().enumerate() {
        if sector.key.is_empty() || sectors[..index].iter().any(|s| s.key == sector.key) {
            return Err(format!("sector key \"{}\" is empty or stands twice", sector.key));
        }
        if let (Some(key), None) = (&sector.collapse_into, target(sector)) {
            return Err(format!("sector \"{}\": collapse_into names no sector (\"{key}\")", sector.key));
        }
        let mut at = sector;
        for _ in 0..sectors.len() {
            match target(at) {
                Some(next) if next.key == sector.key => {
                    return Err(format!("sector \"{}\": collapse_into leads back to it", sector.key));
                }
                Some(next) => at = next,
                None => break,
            }
        }
    }
    if sectors.is_empty() { Err("there is no sector".to_owned()) } else { Ok(()) }
}

/// A grouping as a table.
fn read_csv(file: &str, text: &str) -> Result<GroupingFile, String> {
    let text = text.trim_start_matches('\u{feff}');
    let heading = text.lines().next().unwrap_or_default();
    let delimiter = [b';', b'\t'].into_iter().find(|d| heading.contains(char::from(*d))).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let headings = reader.headers().map_err(|e| e.to_string())?.clone();
    let column = |name: &str| headings.iter().position(|h| h.eq_ignore_ascii_case(name));
    let needed = |name: &str| column(name).ok_or_else(|| format!("line 1: the column \"{name}\" is missing"));
    let (code_at, sector_at) = (needed("code")?, needed("sector")?);
    let mut sector: Vec<SectorRow> = Vec::new();
    let mut exception = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|e| e.to_string())?;
        let line = row.position().map_or(0, csv::Position::line);
        let field = |name: &str| column(name).and_then(|at| row.get(at)).filter(|v| !v.is_empty());
        let (code, key) = (row[code_at].to_owned(), row[sector_at].to_owned());
        if code.is_empty() || key.is_empty() {
            return Err(format!("line {line}: code or sector is empty"));
        }
        let at = sector.iter().position(|s| s.key == key).unwrap_or_else(|| {
            let title = field("title").or_else(|| field("title_da")).unwrap_or(&key);
            let in_language = |name: &str| field(name).unwrap_or(title).to_owned();
            let titles =
                Texts { da: in_language("title_da"), sv: in_language("title_sv"), en: in_language("title_en") };
            sector.push(SectorRow {
                key: key.clone(),
                titles,
                codes: Vec::new(),
                collapse_into: None,
                _note: String::new(),
            });
            sector.len() - 1
        });
        if let Some(target) = field("collapse_into") {
            sector[at].collapse_into = Some(target.to_owned());
        }
        if let Some(name) = field("classification") {
            let classification = Classification::parse(name)
                .ok_or_else(|| format!("line {line}: there is no classification \"{name}\""))?;
            exception.push(ExceptionRow {
                classification,
                code,
                sector: key,
                note: field("note").unwrap_or_default().to_owned(),
            });
        } else {
            sector[at].codes.push(code);
        }
    }
    let key = std::path::Path::new(file).file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    Ok(GroupingFile { titles: Texts::same(&key), key, version: 1, sector, exception })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(grouping: &str, code: &str, classification: Classification) -> String {
        Grouping::shipped(grouping).unwrap().sector_of(code, classification).unwrap().sector.key.clone()
    }

    #[test]
    fn a_recoded_business_stays_in_its_sector() {
        let moves = [
            ("45.20.10", "95.31.00"),
            ("45.20.20", "95.31.00"),
            ("45.40.00", "95.32.00"),
            ("45.40.00", "46.73.00"),
            ("45.40.00", "47.83.00"),
            ("45.11.20", "47.81.00"),
            ("45.11.10", "46.71.00"),
            ("45.31.00", "46.72.00"),
            ("45.32.00", "47.82.00"),
            ("62.01.00", "62.10.00"),
            ("62.02.00", "62.20.00"),
            ("62.01.00", "62.20.00"),
            ("61.20.00", "61.10.00"),
            ("63.11.00", "63.10.00"),
            ("63.91.00", "60.31.00"),
            ("58.14.10", "58.13.00"),
            ("64.20.20", "64.21.00"),
            ("66.22.00", "66.22.00"),
            ("68.20.40", "68.20.00"),
            ("68.31.20", "55.40.00"),
            ("41.10.00", "68.12.00"),
            ("43.99.10", "43.91.00"),
            ("43.91.00", "43.41.00"),
            ("70.21.00", "73.30.00"),
            ("49.32.00", "49.33.00"),
            ("47.91.16", "47.71.00"),
            ("47.81.00", "47.11.00"),
            ("46.71.00", "46.81.00"),
            ("52.29.20", "52.31.00"),
            ("86.90.20", "86.95.00"),
            ("96.02.10", "96.21.00"),
            ("91.02.00", "91.21.00"),
        ];
        for grouping in Grouping::SHIPPED {
            for (before, after) in moves {
                let (old, new) =
                    (key(grouping, before, Classification::Db07), key(grouping, after, Classification::Db25));
                assert_eq!(old, new, "{grouping}: {before} → {after}");
            }
        }
        assert_eq!(key("dst10", "95.31.00", Classification::Db25), "trade_transport");
        assert_eq!(key("handel", "95.31.00", Classification::Db25), "retail");
        assert_eq!(key("htk", "49.41.00", Classification::Db25), "transport");
        assert_eq!(key("dst10", "58.11.00", Classification::Db25), "information");
    }

    #[test]
    fn every_shipped_code_lies_in_one_sector_of_every_grouping() {
        for grouping in Grouping::SHIPPED.map(|key| Grouping::shipped(key).unwrap()) {
            for (list, classification) in [(&*REV2, Classification::Db07), (&*REV21, Classification::Db25)] {
                assert!(list.titles.len() > 600);
                for code in list.titles.keys() {
                    let found = grouping.sector_of(code, classification).unwrap();
                    assert!(grouping.sector(&found.sector.key).is_some());
                }
            }
            for sector in grouping.sectors() {
                let holds = |c: Classification| {
                    c.list().titles.keys().any(|code| grouping.sector_of(code, c).unwrap().sector.key == sector.key)
                };
                assert!(holds(Classification::Db07) && holds(Classification::Db25), "{} is empty", sector.key);
            }
        }
    }

    #[test]
    fn every_class_of_rev_21_has_a_home_in_rev_2_and_a_reason() {
        let classes: Vec<&str> = REV21.sections.iter().map(|(class, _)| *class).collect();
        assert_eq!(classes.len(), 651);
        assert_eq!(HOMES.len(), classes.len());
        for class in classes {
            let home = &HOMES[class];
            assert!(REV2.titles.contains_key(home.class) && home.note.ends_with('.'), "{class}");
        }
        for row in shipped_rows(HOMES_REV21) {
            assert!(["same", "renumbered", "split", "merged", "moved", "new"].contains(&row[2]), "{row:?}");
        }
    }

    #[test]
    fn the_reference_lists_are_shipped_whole() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/classification");
        if !folder.exists() {
            println!("skipped: the reference lists are not beside the checkout");
            return;
        }
        for (file, list, classification) in
            [("db07.csv", &*REV2, Classification::Db07), ("nace-rev2.1.csv", &*REV21, Classification::Db25)]
        {
            let mut reader = csv::Reader::from_path(folder.join(file)).unwrap();
            let mut seen = 0;
            for row in reader.records() {
                let row = row.unwrap();
                if ["class", "subclass"].contains(&&row[1]) {
                    assert!(list.titles.contains_key(&row[2]), "{file}: {}", &row[2]);
                    for grouping in Grouping::SHIPPED {
                        Grouping::shipped(grouping).unwrap().sector_of(&row[2], classification).unwrap();
                    }
                    seen += 1;
                }
            }
            assert_eq!(seen, list.titles.len(), "{file}");
        }
    }

    #[test]
    fn codes_are_read_as_registers_write_them() {
        let read = |text: &str, c: Classification| IndustryCode::parse(text, c).map(|code| code.as_str().to_owned());
        assert_eq!(read("452010", Classification::Db07).unwrap(), "45.20.10");
        assert_eq!(read(" 45.20.10 ", Classification::Db07).unwrap(), "45.20.10");
        assert_eq!(read("45 20 10", Classification::Db07).unwrap(), "45.20.10");
        assert_eq!(read("45.20", Classification::Db07).unwrap(), "45.20");
        assert_eq!(read("11100", Classification::Db07).unwrap(), "01.11.00");
        assert_eq!(read("953100 Reparation af motorkøretøjer", Classification::Db25).unwrap(), "95.31.00");
        assert_eq!(read("62010", Classification::Sni2007).unwrap(), "62.010");
        assert_eq!(read("62.010", Classification::Sni2007).unwrap(), "62.010");
        assert_eq!(read("6210", Classification::Sni2025).unwrap(), "62.10");
        for (text, c) in [
            ("45.20.10", Classification::Db25),
            ("45.20.99", Classification::Db07),
            ("62.10.00", Classification::Db07),
            ("00.00.00", Classification::Db25),
            ("99.99.99", Classification::Db25),
            ("62.01", Classification::Sni2025),
        ] {
            assert!(matches!(read(text, c), Err(CodeError::Unknown { .. })), "{text}");
        }
        for text in ["", "45", "45.2", "abc", "45.20.1", "4520101", "-452010", "452.010"] {
            assert!(matches!(read(text, Classification::Db07), Err(CodeError::Form { .. })), "{text}");
        }
    }

    #[test]
    fn a_code_says_why_it_lies_where_it_lies() {
        let grouping = Grouping::shipped("dst10").unwrap();
        let found = grouping.sector_of("953100", Classification::Db25).unwrap();
        assert_eq!(found.code.title(), "Repair and maintenance of motor vehicles");
        assert!(
            found
                .why
                .to_string()
                .starts_with("95.31 counts as 45.20 of NACE rev. 2 (Repair of motor vehicles was 45.20")
        );
        let found = grouping.sector_of("452010", Classification::Db07).unwrap();
        assert_eq!(found.why.to_string(), "rule G of NACE rev. 2");
        assert!(grouping.sector_of("999999", Classification::Db07).unwrap().code.is_not_stated());
    }

    #[test]
    fn a_municipality_makes_its_own_grouping() {
        let letters = "A B C D E F G I J K L M N O P Q R S T U X";
        let mut csv = "code;sector;title_da;collapse_into;classification;note\n".to_owned();
        for letter in letters.split(' ') {
            csv.push_str(&format!("{letter};rest;Alt andet;;;\n"));
        }
        csv.push_str("H;transport;Transport;rest;;\n53;rest;;;;\n82.92;transport;;;db25;Pakkerier hører til havnen\n");
        let own = Grouping::parse("havn.csv", &csv).unwrap();
        assert_eq!(own.key(), "havn");
        assert_eq!(own.sectors().iter().map(|s| s.key.as_str()).collect::<Vec<_>>(), ["rest", "transport"]);
        let of = |code: &str, c| own.sector_of(code, c).unwrap().sector.key.clone();
        assert_eq!(of("49.41.00", Classification::Db07), "transport");
        assert_eq!(of("53.20.00", Classification::Db25), "rest");
        assert_eq!(of("82.92.00", Classification::Db07), "rest");
        assert_eq!(of("82.92.00", Classification::Db25), "transport");
        let fault = |text: &str| Grouping::parse("own.csv", text).unwrap_err().to_string();
        assert!(fault("code,sector\nH,transport\n").contains("lie in no sector, the first is 01.11"));
        assert!(fault("code,sector\nH,a\nH,b\n").contains("stands in \"a\" and \"b\""));
        assert!(fault("code,sector\n40,a\n").starts_with("own.csv: sector \"a\": no code"));
        assert!(fault("code\nH\n").contains("the column \"sector\" is missing"));
        let circle = "code,sector,collapse_into\nA,a,b\nB,b,a\n";
        assert!(fault(circle).contains("leads back"));
        assert!(Grouping::parse("own.toml", "key = 1").unwrap_err().to_string().starts_with("own.toml: "));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,20}") {
            for classification in Classification::ALL {
                if let Ok(code) = IndustryCode::parse(&text, classification) {
                    prop_assert_eq!(IndustryCode::parse(code.as_str(), classification).unwrap(), code);
                }
            }
        }

        #[test]
        fn a_code_keeps_its_sector_however_it_is_written(index in any::<proptest::sample::Index>()) {
            let codes: Vec<&str> = REV2.titles.keys().copied().filter(|code| code.len() == 8).collect();
            let code = codes[index.index(codes.len())];
            for grouping in Grouping::SHIPPED {
                let plain = code.replace('.', "");
                prop_assert_eq!(key(grouping, code, Classification::Db07), key(grouping, &plain, Classification::Db07));
                let unpadded = plain.trim_start_matches('0');
                prop_assert_eq!(key(grouping, code, Classification::Db07), key(grouping, unpadded, Classification::Db07));
            }
        }
    }
}
