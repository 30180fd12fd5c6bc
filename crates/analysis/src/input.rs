//! From the two tables to checked, coded answers: one pass over each, every fault with its line.
//!
//! The frame leaves a number per business and year: its *profile*, a combination of the frame's columns that the analysis uses. The
//! responses leave the business, an *atom* (year, profile and the responses' own columns) and a byte per answer. Whatever is figured rests
//! on these.
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::indicator::{Answer, Definitions, Indicator, WeightBy};
use domain::industry::{Classification, Grouping};
use domain::size::{Employees, SizeClasses, sme};
use polars::prelude::{Column, DataFrame};

use crate::codes::{Coder, Codes, Combinations, NONE, as_code, fold, hash, natural, sorted};
use crate::error::AnalyseError;
use crate::ids::{Ids, keys};
use crate::options::{Method, Weighting};
use crate::progress::{Progress, Watch};
use crate::table::Table;

/// Marks in [`Register::profiles`] a business whose response was met.
const MET: u32 = 1 << 31;
const KEYS: [&str; 2] = ["year", "business_id"];

/// A breakdown or a part of a base: a column of the frame or of the responses.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Its groups, in reading order.
    pub labels: Vec<String>,
    /// Does the frame know it?
    pub of_frame: bool,
    /// Its place in a profile, or in an atom's own codes.
    at: usize,
}

/// The answers to one item.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// The distinct answers; the first is a blank.
    pub values: Vec<Answer>,
    /// Per response the position in `values`.
    pub codes: Codes,
}

impl Item {
    fn blank(responses: usize) -> Self {
        Self { values: vec![Answer::Blank], codes: Codes::Narrow(vec![0; responses]) }
    }

    pub(crate) fn answer(&self, response: usize) -> Answer {
        self.values[self.codes.get(response)]
    }
}

/// What an atom stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Atom {
    /// Index into the years.
    pub year: usize,
    /// Index into the profiles.
    pub profile: usize,
    /// Responses.
    pub n: u64,
}

/// The checked input.
#[derive(Debug)]
pub(crate) struct Input {
    /// Years with answers, ascending.
    pub years: Vec<i32>,
    /// The businesses of the frame.
    pub ids: Ids,
    /// Per profile its codes.
    pub profiles: Vec<Vec<u32>>,
    /// Per year and business the profile, or [`NONE`].
    pub frame: Vec<Vec<u32>>,
    /// Per year and profile: businesses in the frame.
    pub frame_count: Vec<Vec<u64>>,
    /// Per atom.
    pub atoms: Vec<Atom>,
    /// Per atom: year, profile and the codes of the responses' own columns.
    atom_codes: Vec<Vec<u32>>,
    /// Per response that counts: the business.
    pub business: Vec<u32>,
    /// Per response that counts: the atom.
    pub atom: Vec<u32>,
    /// Responses that hold no answer at all and so do not count.
    pub empty: usize,
    /// Columns by name.
    pub columns: BTreeMap<String, Source>,
    /// Where a profile says whether the company is small or medium-sized. Where an indicator asks.
    sme: Option<usize>,
    /// Per response: employees. Where an indicator asks.
    pub employees: Option<Vec<f64>>,
    /// Per response: the company, or [`NONE`].
    pub company: Option<Vec<u32>>,
    /// Answers per item.
    pub answers: BTreeMap<String, Item>,
    /// Per response that counts: a number for the set of its answers, so that copies of one reply are recognised. Where companies are known.
    pub reply: Vec<u64>,
}

impl Input {
    /// Number of responses that count.
    pub(crate) fn len(&self) -> usize {
        self.atom.len()
    }

    /// The code of an atom in a column.
    pub(crate) fn code(&self, source: &Source, atom: usize) -> u32 {
        if source.of_frame {
            self.profiles[self.atoms[atom].profile][source.at]
        } else {
            self.atom_codes[atom][source.at]
        }
    }

    /// The code of a profile in a column of the frame.
    pub(crate) fn frame_code(source: &Source, profile: &[u32]) -> u32 {
        profile[source.at]
    }

    /// Is the company of an atom small or medium-sized?
    pub(crate) fn is_sme(&self, atom: usize) -> bool {
        self.sme.is_none_or(|at| self.profiles[self.atoms[atom].profile][at] == 1)
    }

    /// The atom of a response.
    #[inline]
    pub(crate) fn atom_of(&self, response: usize) -> usize {
        self.atom[response] as usize
    }

    /// The responses of a year.
    pub(crate) fn of_year(&self, year: usize) -> impl Iterator<Item = usize> {
        let here: Vec<bool> = self.atoms.iter().map(|a| a.year == year).collect();
        (0..self.len()).filter(move |r| here[self.atom_of(*r)])
    }

    /// The answers to an item, one by one.
    pub(crate) fn answers_to(&self, item: &str) -> Option<Vec<Answer>> {
        let item = self.answers.get(item)?;
        Some((0..self.len()).map(|r| item.answer(r)).collect())
    }
}

/// Reads, joins and checks.
pub(crate) fn read(
    frame: &Table,
    responses: &Table,
    definitions: &Definitions,
    method: &Method,
    watch: Watch<'_>,
) -> Result<Input, AnalyseError> {
    if responses.height() == 0 {
        keys_exist(frame)?;
        keys_exist(responses)?;
        let (file, problem) = (responses.name().to_owned(), "holds no response".into());
        return Err(AnalyseError::Unreadable { file, problem });
    }
    let plan = Plan::new(frame, responses, definitions, method)?;
    let register = Register::read(frame, &plan, watch)?;
    Replies::read(responses, frame, &plan, register, definitions, &method.by, watch)
}

fn keys_exist(table: &Table) -> Result<(), AnalyseError> {
    for column in KEYS.iter().rev() {
        if !table.has(column) {
            let (file, column) = (table.name().to_owned(), (*column).to_owned());
            return Err(AnalyseError::MissingColumn { file, column, hint: String::new() });
        }
    }
    Ok(())
}

/// A code as it is written in definitions: spreadsheets and data frames write 1 as 1.0 where a column has gaps.
pub(crate) fn whole(text: &str) -> &str {
    text.strip_suffix(".0").filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit())).unwrap_or(text)
}

/// Which columns are needed, and of which table.
struct Plan {
    grouping: Cow<'static, Grouping>,
    classes: &'static SizeClasses,
    /// Columns of the frame that make profiles; whether an empty cell is a fault.
    frame: Vec<(String, bool)>,
    /// Columns of the responses that make atoms.
    responses: Vec<String>,
    /// Columns that nobody's answers have.
    nobody: Vec<String>,
    sme: bool,
    employees: bool,
}

impl Plan {
    fn new(frame: &Table, responses: &Table, definitions: &Definitions, method: &Method) -> Result<Self, AnalyseError> {
        keys_exist(frame)?;
        keys_exist(responses)?;
        let (grouping, classes) = definitions_of(method)?;
        let mut plan = Self {
            grouping,
            classes,
            frame: Vec::new(),
            responses: Vec::new(),
            nobody: Vec::new(),
            sme: false,
            employees: false,
        };
        if frame.has("industry_code") && !frame.has("sector") && !frame.has("classification") {
            let hint = ": it says in which list industry_code stands (db07, db25, sni2007, sni2025)".to_owned();
            let (file, column) = (frame.name().to_owned(), "classification".to_owned());
            return Err(AnalyseError::MissingColumn { file, column, hint });
        }
        plan.design(frame, method)?;
        for name in &method.by {
            if KEYS.contains(&name.as_str()) || name == domain::results::TOTAL {
                return Err(AnalyseError::Option { option: "by", problem: format!("\"{name}\" is not a breakdown") });
            }
            if !plan.find(name, frame, responses) {
                let problem = format!("there is no column \"{name}\" in {} or {}", frame.name(), responses.name());
                return Err(AnalyseError::Option { option: "by", problem });
            }
        }
        for indicator in &definitions.indicators {
            for name in indicator.base.columns.keys() {
                if !plan.find(name, frame, responses) {
                    let searched = format!("{} or {}", frame.name(), responses.name());
                    return Err(unknown(definitions, indicator, name, searched));
                }
            }
            for item in indicator.measure.items() {
                let missing = !responses.has(item) && !responses.is_of_answers();
                if missing || KEYS.contains(&item.as_str()) {
                    return Err(unknown(definitions, indicator, item, responses.name().to_owned()));
                }
            }
            if indicator.base.sme {
                needed(frame, "company_employees", indicator, "base.sme")?;
                plan.sme = true;
            }
            if indicator.weight_by == WeightBy::Employees {
                needed(frame, "employees", indicator, "weight_by = \"employees\"")?;
                plan.employees = true;
            }
        }
        Ok(plan)
    }

    /// The columns of strata and margins.
    fn design(&mut self, frame: &Table, method: &Method) -> Result<(), AnalyseError> {
        let design: (&'static str, &[String]) = match method.weights {
            Weighting::Cells => ("strata", &method.strata),
            Weighting::Rake => ("margins", &method.margins),
            Weighting::None => ("strata", &[]),
        };
        // Raked figures still take their overlap within strata, where the frame has them.
        let strata: &[String] = if method.weights == Weighting::Rake { &method.strata } else { &[] };
        for (option, names, required) in [(design.0, design.1, true), ("strata", strata, false)] {
            if required && names.is_empty() && method.weights != Weighting::None {
                return Err(AnalyseError::Option { option, problem: "names no column".into() });
            }
            for name in names {
                if in_frame(frame, name) {
                    if !self.frame.iter().any(|(known, _)| known == name) {
                        self.frame.push((name.clone(), true));
                    }
                } else if required {
                    let mapped = name == "sector" || name == "size";
                    let other = " (nor industry_code, classification and employees to map it from)";
                    let hint = format!("{}, which --{option} names", if mapped { other } else { "" });
                    let (file, column) = (frame.name().to_owned(), name.clone());
                    return Err(AnalyseError::MissingColumn { file, column, hint });
                }
            }
        }
        Ok(())
    }

    /// Notes a column of a breakdown or a base, wherever it stands.
    fn find(&mut self, name: &str, frame: &Table, responses: &Table) -> bool {
        let known = self.frame.iter().map(|(k, _)| k).chain(&self.responses).chain(&self.nobody);
        if known.into_iter().any(|k| k == name) {
            return true;
        }
        if in_frame(frame, name) {
            self.frame.push((name.to_owned(), false));
        } else if responses.has(name) {
            self.responses.push(name.to_owned());
        } else if responses.is_of_answers() {
            self.nobody.push(name.to_owned());
        } else {
            return false;
        }
        true
    }

    /// The order of a frame column's groups: a definition orders its own keys only; a frame with keys of its own is in natural order.
    fn order(&self, name: &str, labels: Vec<String>) -> (Vec<String>, Vec<u32>) {
        let known: Vec<&str> = match name {
            "sector" => self.grouping.sectors().iter().map(|s| s.key.as_str()).collect(),
            "size" => self.classes.classes().iter().map(|c| c.key.as_str()).collect(),
            _ => Vec::new(),
        };
        let rank = |key: &str| known.iter().position(|k| *k == key);
        if labels.iter().all(|l| rank(l).is_some()) {
            return sorted(labels, |a, b| rank(a).cmp(&rank(b)));
        }
        sorted(labels, natural)
    }
}

/// Does the frame carry the column, or what it is mapped from?
fn in_frame(frame: &Table, name: &str) -> bool {
    match name {
        "sector" if !frame.has("sector") => frame.has("industry_code"),
        "size" if !frame.has("size") => frame.has("employees"),
        _ => frame.has(name) && !KEYS.contains(&name),
    }
}

fn unknown(definitions: &Definitions, indicator: &Indicator, column: &str, searched: String) -> AnalyseError {
    let place = definitions.place(&indicator.id, column);
    AnalyseError::UnknownColumn {
        file: definitions.file.clone(),
        place: place.unwrap_or(domain::indicator::Place { line: 1, column: 1 }),
        indicator: indicator.id.clone(),
        column: column.to_owned(),
        searched,
    }
}

/// A column that makes profiles: as it stands, or mapped from register facts.
enum FrameColumn {
    Plain {
        at: usize,
        cells: Coder,
    },
    /// `at`: industry_code, then its classification.
    Sector {
        at: [usize; 2],
        codes: Box<Coder>,
        lists: Box<Coder>,
        known: HashMap<(u32, u32), u32>,
        cells: Coder,
    },
    Size {
        at: usize,
        employees: Box<Coder>,
        known: Vec<u32>,
        cells: Coder,
    },
    /// Small or medium-sized: 1, else 0.
    Sme {
        at: usize,
        employees: Coder,
        known: Vec<u32>,
    },
}

impl FrameColumn {
    /// The codes of a chunk.
    fn chunk(
        &mut self,
        chunk: &DataFrame,
        first: usize,
        frame: &Table,
        plan: &Plan,
        codes: &mut Vec<u32>,
    ) -> Result<(), AnalyseError> {
        let column = |at: usize| &chunk.columns()[at];
        match self {
            Self::Plain { at, cells } => code(frame, cells, column(*at), first, codes)?,
            Self::Sector { at, codes: industries, lists, known, cells } => {
                let mut of_list = Vec::new();
                code(frame, industries, column(at[0]), first, codes)?;
                code(frame, lists, column(at[1]), first, &mut of_list)?;
                for (row, (code, list)) in codes.iter_mut().zip(of_list).enumerate() {
                    let sector = match known.get(&(*code, list)) {
                        Some(sector) => *sector,
                        None => {
                            let label = |of: &Coder, code: u32| {
                                of.labels().get(code as usize).map(String::as_str).unwrap_or_default().to_owned()
                            };
                            let list_label = label(lists, list);
                            let Some(classification) = Classification::parse(&list_label) else {
                                let problem = format!("\"{list_label}\" is not one of db07, db25, sni2007, sni2025");
                                return Err(frame.fault(first + row, "classification", problem));
                            };
                            let found = plan.grouping.sector_of(&label(industries, *code), classification);
                            let found = found.map_err(|e| frame.fault(first + row, "industry_code", e.to_string()))?;
                            let sector = cells.label(&found.sector.key, first + row);
                            known.insert((*code, list), sector);
                            sector
                        }
                    };
                    *code = sector;
                }
            }
            Self::Size { at, employees, known, cells } => {
                code(frame, employees, column(*at), first, codes)?;
                for code in known.len()..employees.labels().len() {
                    let class = Employees::parse(&employees.labels()[code])
                        .and_then(|e| plan.classes.class_of(e).map(|c| c.key.clone()));
                    let row = employees.first(code);
                    let class = class.map_err(|e| frame.fault(row, "employees", e.to_string()))?;
                    known.push(cells.label(&class, row));
                }
                codes.iter_mut().filter(|c| **c != NONE).for_each(|c| *c = known[*c as usize]);
            }
            Self::Sme { at, employees, known } => {
                code(frame, employees, column(*at), first, codes)?;
                for label in &employees.labels()[known.len()..] {
                    let row = employees.first(known.len());
                    let parsed = Employees::parse(label);
                    let parsed = parsed.map_err(|e| frame.fault(row, "company_employees", e.to_string()))?;
                    known.push(u32::from(sme(parsed).is));
                }
                if let Some(row) = codes.iter().position(|c| *c == NONE) {
                    return Err(frame.fault(first + row, "company_employees", "is empty"));
                }
                codes.iter_mut().for_each(|c| *c = known[*c as usize]);
            }
        }
        Ok(())
    }

    fn into_labels(self) -> Vec<String> {
        match self {
            Self::Plain { cells, .. } | Self::Sector { cells, .. } | Self::Size { cells, .. } => cells.into_labels(),
            Self::Sme { .. } => Vec::new(),
        }
    }

    /// The column that an empty cell stands in.
    const fn origin<'a>(&self, name: &'a str) -> &'a str {
        match self {
            Self::Plain { .. } => name,
            Self::Sector { .. } => "industry_code",
            Self::Size { .. } => "employees",
            Self::Sme { .. } => "company_employees",
        }
    }
}

fn code(
    table: &Table,
    coder: &mut Coder,
    column: &Column,
    first: usize,
    codes: &mut Vec<u32>,
) -> Result<(), AnalyseError> {
    coder.chunk(column, first, codes).map_err(|e| table.unreadable(&e))
}

/// The years that a table's rows are of.
#[derive(Default)]
struct Years {
    cells: Coder,
    /// Per code of a cell the position in `numbers`.
    of_code: Vec<usize>,
    numbers: Vec<i32>,
}

impl Years {
    fn chunk(
        &mut self,
        table: &Table,
        column: &Column,
        first: usize,
        codes: &mut Vec<u32>,
    ) -> Result<(), AnalyseError> {
        code(table, &mut self.cells, column, first, codes)?;
        if let Some(row) = codes.iter().position(|c| *c == NONE) {
            return Err(table.fault(first + row, "year", "\"\" is not a year"));
        }
        for at in self.of_code.len()..self.cells.labels().len() {
            let label = &self.cells.labels()[at];
            let year = label.parse::<i32>().ok().filter(|y| (1900..=2200).contains(y));
            let Some(year) = year else {
                return Err(table.fault(self.cells.first(at), "year", format!("\"{label}\" is not a year")));
            };
            let position = self.numbers.iter().position(|y| *y == year);
            self.of_code.push(position.unwrap_or(self.numbers.len()));
            if position.is_none() {
                self.numbers.push(year);
            }
        }
        Ok(())
    }
}

/// What was kept of the frame.
struct Register {
    ids: Ids,
    years: Vec<i32>,
    /// Per year and business the profile, or [`NONE`].
    profiles: Vec<Vec<u32>>,
    combinations: Combinations,
    columns: BTreeMap<String, Source>,
    sme: Option<usize>,
    /// Per year and business.
    employees: Vec<Vec<u32>>,
    company: Vec<Vec<u32>>,
}

impl Register {
    fn read(frame: &Table, plan: &Plan, watch: Watch<'_>) -> Result<Self, AnalyseError> {
        let mut wanted: Vec<&str> = KEYS.to_vec();
        let mut at = |name: &'static str| {
            wanted.push(name);
            wanted.len() - 1
        };
        let employees_at = plan.employees.then(|| at("employees"));
        let company_at = frame.has("company_id").then(|| at("company_id"));
        let sme_at = plan.sme.then(|| at("company_employees"));
        let mut columns: Vec<(&str, bool, FrameColumn)> = Vec::new();
        for (name, required) in &plan.frame {
            let at = wanted.len();
            let column = match name.as_str() {
                "sector" if !frame.has("sector") => {
                    wanted.extend(["industry_code", "classification"]);
                    let (codes, lists, cells) = (Box::default(), Box::default(), Coder::default());
                    FrameColumn::Sector { at: [at, at + 1], codes, lists, known: HashMap::new(), cells }
                }
                "size" if !frame.has("size") => {
                    wanted.push("employees");
                    FrameColumn::Size { at, employees: Box::default(), known: Vec::new(), cells: Coder::default() }
                }
                name => {
                    wanted.push(name);
                    FrameColumn::Plain { at, cells: Coder::default() }
                }
            };
            columns.push((name, *required, column));
        }
        if let Some(at) = sme_at {
            columns.push(("", false, FrameColumn::Sme { at, employees: Coder::default(), known: Vec::new() }));
        }
        // A column may serve twice, but can be read once only.
        let mut read: Vec<&str> = Vec::new();
        wanted.iter().for_each(|w| {
            if !read.contains(w) {
                read.push(w);
            }
        });
        let place: Vec<usize> = wanted.iter().map(|w| read.iter().position(|r| r == w).unwrap_or(0)).collect();
        let mut register = Self {
            ids: Ids::default(),
            years: Vec::new(),
            profiles: Vec::new(),
            combinations: Combinations::default(),
            columns: BTreeMap::new(),
            sme: None,
            employees: Vec::new(),
            company: Vec::new(),
        };
        let mut years = Years::default();
        let mut staff = Staff::default();
        let mut companies = Coder::default();
        let mut buffers: Vec<Vec<u32>> = vec![Vec::new(); columns.len()];
        let (mut year_codes, mut staff_codes, mut company_codes) = (Vec::new(), Vec::new(), Vec::new());
        let mut businesses: Vec<u32> = Vec::new();
        frame.scan(&read, |first, chunk| {
            let chunk = &DataFrame::new(chunk.height(), place.iter().map(|p| chunk.columns()[*p].clone()).collect())
                .or_else(|_| Ok::<_, AnalyseError>(chunk.clone()))?;
            years.chunk(frame, &chunk.columns()[0], first, &mut year_codes)?;
            register.profiles.resize(years.numbers.len(), Vec::new());
            for ((_, _, column), codes) in columns.iter_mut().zip(&mut buffers) {
                column.chunk(chunk, first, frame, plan, codes)?;
            }
            business_codes(frame, &chunk.columns()[1], first, &mut businesses, |key| Some(register.ids.insert(key)))?;
            let known = register.ids.len();
            let mut profile = vec![0; columns.len()];
            for row in 0..chunk.height() {
                let (year, business) = (years.of_code[year_codes[row] as usize], businesses[row] as usize);
                for (into, codes) in profile.iter_mut().zip(&buffers) {
                    *into = codes[row];
                }
                let before = register.combinations.rows.len();
                let combination = register.combinations.code(&profile);
                if combination as usize == before {
                    let empty = profile.iter().zip(&columns).find(|(c, (_, required, _))| *required && **c == NONE);
                    if let Some((_, (name, _, column))) = empty {
                        return Err(frame.fault(first + row, column.origin(name), "is empty"));
                    }
                }
                let of_year = &mut register.profiles[year];
                if of_year.len() <= business {
                    of_year.resize(known, NONE);
                }
                if of_year[business] != NONE {
                    return Err(twice(frame, &register.ids, years.numbers[year], as_code(business), first + row));
                }
                of_year[business] = combination;
            }
            if let Some(at) = employees_at {
                staff.chunk(frame, &chunk.columns()[at], first, &mut staff_codes)?;
                spread(&mut register.employees, &years, &year_codes, &businesses, |row| staff_codes[row]);
            }
            if let Some(at) = company_at {
                code(frame, &mut companies, &chunk.columns()[at], first, &mut company_codes)?;
                spread(&mut register.company, &years, &year_codes, &businesses, |row| company_codes[row]);
            }
            watch(Progress::Frame { rows: first + chunk.height(), of: frame.height() });
            Ok(())
        })?;
        register.years = years.numbers;
        for (at, (name, _, column)) in columns.into_iter().enumerate() {
            if matches!(column, FrameColumn::Sme { .. }) {
                register.sme = Some(at);
                continue;
            }
            let (labels, new) = plan.order(name, column.into_labels());
            for profile in register.combinations.rows.iter_mut().filter(|p| p[at] != NONE) {
                profile[at] = new[profile[at] as usize];
            }
            register.columns.insert(name.to_owned(), Source { labels, of_frame: true, at });
        }
        Ok(register)
    }
}

/// Puts a value per row where its year and business are.
fn spread(into: &mut Vec<Vec<u32>>, years: &Years, of_row: &[u32], businesses: &[u32], value: impl Fn(usize) -> u32) {
    into.resize(years.numbers.len(), Vec::new());
    for (row, (year, business)) in of_row.iter().zip(businesses).enumerate() {
        let of_year = &mut into[years.of_code[*year as usize]];
        if of_year.len() <= *business as usize {
            of_year.resize(*business as usize + 1, NONE);
        }
        of_year[*business as usize] = value(row);
    }
}

/// The businesses of a chunk; [`NONE`] for one that `find` does not know.
fn business_codes(
    table: &Table,
    column: &Column,
    first: usize,
    codes: &mut Vec<u32>,
    mut find: impl FnMut(crate::ids::Key<'_>) -> Option<u32>,
) -> Result<(), AnalyseError> {
    codes.clear();
    codes.reserve(column.len());
    let mut empty = None;
    keys(column, |row, key| {
        if key.is_none() && empty.is_none() {
            empty = Some(row);
        }
        codes.push(key.and_then(&mut find).unwrap_or(NONE));
    })
    .map_err(|e| table.unreadable(&e))?;
    match empty {
        Some(row) => Err(table.fault(first + row, "business_id", "is empty")),
        None => Ok(()),
    }
}

/// The businesses of a chunk that the frame knows; [`NONE`] for others.
fn find_businesses(
    table: &Table,
    column: &Column,
    first: usize,
    ids: &Ids,
    codes: &mut Vec<u32>,
) -> Result<(), AnalyseError> {
    if column.dtype().is_integer() && column.null_count() == 0 {
        let numbers = column.cast(&polars::prelude::DataType::Int64).map_err(|e| table.unreadable(&e))?;
        let numbers = numbers.i64().map_err(|e| table.unreadable(&e))?;
        let plain: Option<Vec<u64>> = numbers.into_no_null_iter().map(|n| u64::try_from(n).ok()).collect();
        if let Some(plain) = plain {
            codes.clear();
            ids.get_numbers(&plain, codes);
            return Ok(());
        }
    }
    business_codes(table, column, first, codes, |key| ids.get(key))
}

fn first_line(table: &Table, ids: &Ids, year: i32, business: u32) -> Result<usize, AnalyseError> {
    let row = table.position(&[("year", &year.to_string()), ("business_id", &ids.text(business))])?;
    Ok(table.line(row.unwrap_or(0)))
}

/// A row of the frame that was there before.
fn twice(frame: &Table, ids: &Ids, year: i32, business: u32, row: usize) -> AnalyseError {
    match first_line(frame, ids, year, business) {
        Ok(line) => frame.fault(row, "business_id", format!("stands twice in {year} (first in line {line})")),
        Err(fault) => fault,
    }
}

/// Employees that count as weights.
#[derive(Default)]
struct Staff {
    cells: Coder,
    numbers: Vec<u32>,
}

impl Staff {
    fn chunk(
        &mut self,
        frame: &Table,
        column: &Column,
        first: usize,
        codes: &mut Vec<u32>,
    ) -> Result<(), AnalyseError> {
        code(frame, &mut self.cells, column, first, codes)?;
        if let Some(row) = codes.iter().position(|c| *c == NONE) {
            return Err(frame.fault(first + row, "employees", "is empty"));
        }
        for at in self.numbers.len()..self.cells.labels().len() {
            let fault = |problem: String| frame.fault(self.cells.first(at), "employees", problem);
            let parsed = Employees::parse(&self.cells.labels()[at]).map_err(|e| fault(e.to_string()))?;
            if !parsed.is_exact() {
                return Err(fault("an interval cannot be a weight: the exact number is needed".to_owned()));
            }
            self.numbers.push(parsed.low);
        }
        codes.iter_mut().for_each(|c| *c = self.numbers[*c as usize]);
        Ok(())
    }
}

/// The responses as they are read.
struct Replies<'a> {
    table: &'a Table,
    plan: &'a Plan,
    years: Years,
    own: Vec<Coder>,
    items: Vec<ItemReader<'a>>,
    /// Columns that may hold the only answer of a row, besides the items.
    others: Vec<&'a str>,
    /// Columns that make a reply's fingerprint, where companies are known.
    fingerprint: Vec<(&'a str, Coder, Vec<u64>)>,
    atoms: Combinations,
}

struct ItemReader<'a> {
    name: &'a str,
    scale: Option<[f64; 2]>,
    cells: Coder,
    item: Item,
}

impl ItemReader<'_> {
    /// The codes of a chunk, those of blanks being 0.
    fn chunk(
        &mut self,
        table: &Table,
        column: &Column,
        first: usize,
        codes: &mut Vec<u32>,
    ) -> Result<(), AnalyseError> {
        code(table, &mut self.cells, column, first, codes)?;
        for at in self.item.values.len() - 1..self.cells.labels().len() {
            let cell = &self.cells.labels()[at];
            let fault = |problem: String| table.fault(self.cells.first(at), self.name, problem);
            let answer = Answer::parse(cell).ok_or_else(|| {
                fault(format!("\"{cell}\" is neither a number nor empty, dk (don't know) or na (not relevant)"))
            })?;
            if let (Answer::Value(value), Some([low, high])) = (answer, self.scale)
                && !(low..=high).contains(&value)
            {
                return Err(fault(format!("{cell} lies outside the scale {low}–{high}")));
            }
            self.item.values.push(answer);
        }
        // An empty cell has the largest of all numbers: one more is 0, the blank.
        codes.iter_mut().for_each(|c| *c = c.wrapping_add(1));
        Ok(())
    }
}

/// Columns of the responses that hold answers: all but the keys and what the frame already knows.
fn question_columns<'a>(responses: &'a Table, frame: &'a Table) -> impl Iterator<Item = &'a str> {
    responses.columns().filter(move |c| !KEYS.contains(c) && !frame.has(c) && !["sector", "size"].contains(c))
}

impl<'a> Replies<'a> {
    fn new(table: &'a Table, frame: &'a Table, plan: &'a Plan, definitions: &'a Definitions, by: &[String]) -> Self {
        let scales = definitions.scales();
        let names: BTreeSet<&str> =
            definitions.indicators.iter().flat_map(|i| i.measure.items()).map(String::as_str).collect();
        let reader = |name: &&'a str| ItemReader {
            name,
            scale: scales.get(*name).copied(),
            cells: Coder::default(),
            item: Item::blank(0),
        };
        let items: Vec<ItemReader<'_>> = names.iter().filter(|n| table.has(n)).map(reader).collect();
        let open = |c: &&str| !names.contains(c) && !by.iter().any(|by| by == c);
        Self {
            table,
            plan,
            years: Years::default(),
            own: plan.responses.iter().map(|_| Coder::default()).collect(),
            items,
            others: question_columns(table, frame).filter(open).collect(),
            fingerprint: if frame.has("company_id") {
                question_columns(table, frame).map(|c| (c, Coder::default(), Vec::new())).collect()
            } else {
                Vec::new()
            },
            atoms: Combinations::default(),
        }
    }

    /// One pass over the responses.
    ///
    /// A file does not say which questions were asked, so that the rule "at least half of the questions asked" has been applied by
    /// whoever made it: every row counts, unless it holds no answer at all (an invitation opened and left).
    fn read(
        table: &'a Table,
        frame: &'a Table,
        plan: &'a Plan,
        mut register: Register,
        definitions: &'a Definitions,
        by: &[String],
        watch: Watch<'_>,
    ) -> Result<Input, AnalyseError> {
        register.ids.seal();
        let mut replies = Self::new(table, frame, plan, definitions, by);
        let mut read: Vec<&str> = KEYS.to_vec();
        let mut at = |name: &'a str| match read.iter().position(|r| *r == name) {
            Some(at) => at,
            None => {
                read.push(name);
                read.len() - 1
            }
        };
        let item_at: Vec<usize> = replies.items.iter().map(|i| at(i.name)).collect();
        let own_at: Vec<usize> = plan.responses.iter().map(|c| at(c)).collect();
        let print_at: Vec<usize> = replies.fingerprint.iter().map(|(c, ..)| at(c)).collect();
        let (mut business, mut atom, mut reply) = (Vec::new(), Vec::new(), Vec::new());
        let (mut employees, mut company) = (Vec::new(), Vec::new());
        let mut empty = 0;
        let (mut year_codes, mut businesses, mut codes) = (Vec::new(), Vec::new(), Vec::new());
        let mut item_codes: Vec<Vec<u32>> = vec![Vec::new(); replies.items.len()];
        let mut own_codes: Vec<Vec<u32>> = vec![Vec::new(); own_at.len()];
        table.scan(&read, |first, chunk| {
            let columns = chunk.columns();
            replies.years.chunk(table, &columns[0], first, &mut year_codes)?;
            let in_frame: Vec<Option<usize>> =
                replies.years.numbers.iter().map(|y| register.years.iter().position(|f| f == y)).collect();
            find_businesses(table, &columns[1], first, &register.ids, &mut businesses)?;
            let mut any = vec![table.is_of_answers(); chunk.height()];
            let share = item_at.len().div_ceil(2).max(1);
            let half = |at: usize| at * share..item_at.len().min((at + 1) * share);
            let (one, other) = replies.items.split_at_mut(half(0).end);
            let (one_codes, other_codes) = item_codes.split_at_mut(half(0).end);
            let code_items = |items: &mut [ItemReader<'_>], at: &[usize], codes: &mut [Vec<u32>]| {
                let mut readers = items.iter_mut().zip(at).zip(codes);
                readers.try_for_each(|((item, at), codes)| item.chunk(table, &columns[*at], first, codes))
            };
            // Answers are most of the work: half of the items each on a core.
            std::thread::scope(|scope| {
                let there = scope.spawn(|| code_items(other, &item_at[half(1)], other_codes));
                let here = code_items(one, &item_at[half(0)], one_codes);
                here.and(there.join().expect("reading answers does not panic"))
            })?;
            for codes in &item_codes {
                any.iter_mut().zip(codes).for_each(|(any, code)| *any |= *code != 0);
            }
            for ((coder, at), codes) in replies.own.iter_mut().zip(&own_at).zip(&mut own_codes) {
                code(table, coder, &columns[*at], first, codes)?;
            }
            if any.contains(&false) {
                replies.look_further(first, &mut any)?;
            }
            let mut prints = if print_at.is_empty() { Vec::new() } else { vec![0_u64; chunk.height()] };
            for ((_, coder, hashes), at) in replies.fingerprint.iter_mut().zip(&print_at) {
                code(table, coder, &columns[*at], first, &mut codes)?;
                hashes.extend(coder.labels()[hashes.len()..].iter().map(|l| hash(l.as_bytes())));
                for (print, code) in prints.iter_mut().zip(&codes) {
                    *print = fold(*print ^ hashes.get(*code as usize).copied().unwrap_or(1));
                }
            }
            let mut key = vec![0; 2 + own_at.len()];
            for row in 0..chunk.height() {
                let of_table = replies.years.of_code[year_codes[row] as usize];
                let profile = in_frame[of_table].and_then(|y| {
                    let slot = register.profiles[y].get_mut(businesses[row] as usize)?;
                    (*slot != NONE).then_some((y, slot))
                });
                let Some((of_frame, slot)) = profile else {
                    let year = replies.years.numbers[of_table];
                    let problem = format!("this business is not in the frame of {year} ({})", frame.name());
                    return Err(table.fault(first + row, "business_id", problem));
                };
                if *slot & MET != 0 {
                    let year = replies.years.numbers[of_table];
                    let line = first_line(table, &register.ids, year, businesses[row])?;
                    let problem = format!("answers twice in {year} (first in line {line})");
                    return Err(table.fault(first + row, "business_id", problem));
                }
                let profile = *slot;
                *slot |= MET;
                if !any[row] {
                    empty += 1;
                    continue;
                }
                key[0] = as_code(of_table);
                key[1] = profile;
                for (into, codes) in key[2..].iter_mut().zip(&own_codes) {
                    *into = codes[row];
                }
                business.push(businesses[row]);
                atom.push(replies.atoms.code(&key));
                let at = businesses[row] as usize;
                if plan.employees {
                    employees.push(f64::from(register.employees[of_frame][at]));
                }
                if !register.company.is_empty() {
                    company.push(register.company[of_frame].get(at).copied().unwrap_or(NONE));
                }
            }
            for (item, codes) in replies.items.iter_mut().zip(&item_codes) {
                let largest = as_code(item.item.values.len() - 1);
                item.item.codes.extend(codes.iter().zip(&any).filter(|(_, any)| **any).map(|(c, _)| *c), largest);
            }
            reply.extend(prints.iter().zip(&any).filter(|(_, any)| **any).map(|(p, _)| *p));
            watch(Progress::Responses { rows: first + chunk.height(), of: table.height() });
            Ok(())
        })?;
        register.ids.settle();
        let companies = frame.has("company_id");
        let read = Read {
            business,
            atom,
            reply,
            empty,
            employees: plan.employees.then_some(employees),
            company: companies.then_some(company),
        };
        Ok(replies.finish(register, definitions, read))
    }

    /// Rows without an answer to any item: do other questions hold one?
    fn look_further(&self, first: usize, any: &mut [bool]) -> Result<(), AnalyseError> {
        if self.others.is_empty() {
            return Ok(());
        }
        let rest = self.table.part(&(first..first + any.len()), &self.others)?;
        for column in rest.columns() {
            let texts = crate::table::as_text(column).map_err(|e| self.table.unreadable(&e))?;
            for (any, cell) in any.iter_mut().zip(texts.iter()) {
                *any = *any || cell.is_some_and(|c| !c.trim().is_empty());
            }
        }
        Ok(())
    }

    /// Years in their order, columns in reading order.
    fn finish(self, register: Register, definitions: &Definitions, read: Read) -> Input {
        let Register { ids, years: frame_years, profiles: mut of_business, combinations, mut columns, sme, .. } =
            register;
        let mut years = self.years.numbers.clone();
        years.sort_unstable();
        let of_table: Vec<usize> =
            self.years.numbers.iter().filter_map(|y| years.iter().position(|k| k == y)).collect();
        let profiles = combinations.rows;
        let mut frame = Vec::new();
        let mut frame_count = Vec::new();
        for year in &years {
            let at = frame_years.iter().position(|y| y == year);
            let mut slots = at.map(|at| std::mem::take(&mut of_business[at])).unwrap_or_default();
            let mut count = vec![0; profiles.len()];
            for slot in slots.iter_mut().filter(|s| **s != NONE) {
                *slot &= !MET;
                count[*slot as usize] += 1;
            }
            slots.resize(ids.len(), NONE);
            frame.push(slots);
            frame_count.push(count);
        }
        let mut atom_codes = self.atoms.rows;
        for (at, (name, coder)) in self.plan.responses.iter().zip(self.own).enumerate() {
            let (labels, new) = own_groups(coder.into_labels());
            for codes in atom_codes.iter_mut().filter(|c| c[2 + at] != NONE) {
                codes[2 + at] = new[codes[2 + at] as usize];
            }
            columns.insert(name.clone(), Source { labels, of_frame: false, at: 2 + at });
        }
        for name in &self.plan.nobody {
            let at = atom_codes.first().map_or(2, Vec::len);
            atom_codes.iter_mut().for_each(|codes| codes.push(NONE));
            columns.insert(name.clone(), Source { labels: Vec::new(), of_frame: false, at });
        }
        let mut atoms: Vec<Atom> = atom_codes
            .iter()
            .map(|codes| Atom { year: of_table[codes[0] as usize], profile: codes[1] as usize, n: 0 })
            .collect();
        read.atom.iter().for_each(|atom| atoms[*atom as usize].n += 1);
        let mut answers: BTreeMap<String, Item> =
            self.items.into_iter().map(|reader| (reader.name.to_owned(), reader.item)).collect();
        for item in definitions.indicators.iter().flat_map(|i| i.measure.items()) {
            answers.entry(item.clone()).or_insert_with(|| Item::blank(read.atom.len()));
        }
        Input {
            years,
            ids,
            profiles,
            frame,
            frame_count,
            atoms,
            atom_codes,
            business: read.business,
            atom: read.atom,
            empty: read.empty,
            columns,
            sme,
            employees: read.employees,
            company: read.company,
            answers,
            reply: read.reply,
        }
    }
}

/// What one pass over the responses left per response that counts.
struct Read {
    business: Vec<u32>,
    atom: Vec<u32>,
    reply: Vec<u64>,
    empty: usize,
    employees: Option<Vec<f64>>,
    company: Option<Vec<u32>>,
}

/// The groups of a column of the responses: codes as definitions write them, without the words for non-response.
fn own_groups(labels: Vec<String>) -> (Vec<String>, Vec<u32>) {
    let mut groups = Coder::default();
    let of_label: Vec<u32> = labels
        .iter()
        .map(|l| whole(l))
        .map(|l| if ["dk", "na"].contains(&l) { NONE } else { groups.label(l, 0) })
        .collect();
    let (labels, new) = sorted(groups.into_labels(), natural);
    (labels, of_label.into_iter().map(|c| if c == NONE { NONE } else { new[c as usize] }).collect())
}

/// The shipped grouping and size definition that the method names.
pub(crate) fn definitions_of(method: &Method) -> Result<(Cow<'static, Grouping>, &'static SizeClasses), AnalyseError> {
    let no = |option: &'static str, key: &str, shipped: &[&str]| AnalyseError::Option {
        option,
        problem: format!("\"{key}\" is not one of {}", shipped.join(", ")),
    };
    let grouping = match &method.own_sectors {
        Some(own) => Ok(Cow::Owned(Grouping::clone(own))),
        None => Grouping::shipped(&method.sectors)
            .map(Cow::Borrowed)
            .ok_or_else(|| no("sectors", &method.sectors, &Grouping::SHIPPED)),
    };
    let classes = SizeClasses::shipped(&method.sizes).ok_or_else(|| no("sizes", &method.sizes, &SizeClasses::SHIPPED));
    Ok((grouping?, classes?))
}

fn needed(frame: &Table, column: &str, asking: &Indicator, why: &str) -> Result<(), AnalyseError> {
    if frame.has(column) {
        return Ok(());
    }
    let hint = format!(", which indicator \"{}\" needs ({why})", asking.id);
    Err(AnalyseError::MissingColumn { file: frame.name().to_owned(), column: column.to_owned(), hint })
}
