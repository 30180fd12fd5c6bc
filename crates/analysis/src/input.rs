//! From the two tables to checked, coded columns: one scan, every fault with its line.
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::indicator::{Answer, Definitions, Indicator, WeightBy};
use domain::industry::{Classification, Grouping};
use domain::size::{Employees, SizeClasses, sme};

use crate::error::AnalyseError;
use crate::options::{Method, Weighting};
use crate::table::Table;

/// The code of an empty cell.
pub(crate) const NONE: u32 = u32::MAX;

/// A column of keys as small numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Coded {
    /// The distinct keys.
    pub labels: Vec<String>,
    /// Per row the position in `labels`, or [`NONE`].
    pub codes: Vec<u32>,
}

impl Coded {
    fn of<'a>(cells: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut coder = Coder::default();
        let codes =
            cells.map(|cell| cell.map(str::trim).filter(|c| !c.is_empty()).map_or(NONE, |c| coder.code(c))).collect();
        Self { labels: coder.labels, codes }
    }

    /// Renumbers so that the codes follow `order`.
    fn sorted_by(mut self, order: impl Fn(&str, &str) -> std::cmp::Ordering) -> Self {
        let mut positions: Vec<usize> = (0..self.labels.len()).collect();
        positions.sort_by(|a, b| order(&self.labels[*a], &self.labels[*b]));
        let mut new = vec![NONE; positions.len()];
        for (rank, old) in positions.iter().enumerate() {
            new[*old] = as_code(rank);
        }
        for code in self.codes.iter_mut().filter(|c| **c != NONE) {
            *code = new[*code as usize];
        }
        self.labels = positions.into_iter().map(|p| std::mem::take(&mut self.labels[p])).collect();
        self
    }
}

#[derive(Default)]
struct Coder {
    labels: Vec<String>,
    codes: HashMap<String, u32>,
}

impl Coder {
    fn code(&mut self, key: &str) -> u32 {
        if let Some(code) = self.codes.get(key) {
            return *code;
        }
        let code = as_code(self.labels.len());
        self.labels.push(key.to_owned());
        self.codes.insert(key.to_owned(), code);
        code
    }
}

pub(crate) fn as_code(position: usize) -> u32 {
    u32::try_from(position).expect("fewer than four thousand million distinct keys")
}

/// Natural order: runs of digits compare as numbers, so 2 stands before 10.
pub(crate) fn natural(one: &str, other: &str) -> std::cmp::Ordering {
    let (mut a, mut b) = (one.chars().peekable(), other.chars().peekable());
    loop {
        match (a.peek().copied(), b.peek().copied()) {
            (None, None) => return one.cmp(other),
            (None, Some(_)) => return std::cmp::Ordering::Less,
            (Some(_), None) => return std::cmp::Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
                    let mut value = 0u128;
                    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                        value = value.saturating_mul(10).saturating_add(u128::from(digit));
                        chars.next();
                    }
                    value
                };
                match number(&mut a).cmp(&number(&mut b)) {
                    std::cmp::Ordering::Equal => {}
                    unequal => return unequal,
                }
            }
            (Some(x), Some(y)) if x == y => {
                a.next();
                b.next();
            }
            (Some(x), Some(y)) => return x.cmp(&y),
        }
    }
}

/// A breakdown or a part of a base: a column of the frame or of the responses.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Codes per frame row.
    Frame(Coded),
    /// Codes per response row.
    Responses(Coded),
}

impl Source {
    pub(crate) fn labels(&self) -> &[String] {
        match self {
            Self::Frame(c) | Self::Responses(c) => &c.labels,
        }
    }
}

/// The checked input.
#[derive(Debug)]
pub(crate) struct Input {
    /// Years with answers, ascending.
    pub years: Vec<i32>,
    /// Distinct businesses of the frame.
    pub businesses: Vec<String>,
    /// Per frame row: index into `years`, [`NONE`] for a year without answers.
    pub frame_year: Vec<u32>,
    /// Per frame row: the business.
    pub frame_business: Vec<u32>,
    /// Per year and business: the frame row, or [`NONE`].
    pub frame_row: Vec<Vec<u32>>,
    /// Per response that counts: year.
    pub year: Vec<u32>,
    /// Per response that counts: frame row.
    pub row: Vec<u32>,
    /// Responses that hold no answer at all and so do not count.
    pub empty: usize,
    /// Columns by name.
    pub columns: BTreeMap<String, Source>,
    /// Per frame row: is the company small or medium-sized? Where an indicator asks.
    pub sme: Option<Vec<bool>>,
    /// Per frame row: employees. Where an indicator asks.
    pub employees: Option<Vec<f64>>,
    /// Per frame row: the company.
    pub company: Option<Coded>,
    /// Answers per item and response that counts.
    pub answers: BTreeMap<String, Vec<Answer>>,
    /// Per response that counts: a number for the set of its answers, so that copies of one reply are recognised.
    pub reply: Vec<u64>,
}

impl Input {
    /// The code of a response in a column.
    pub(crate) fn code(&self, source: &Source, response: usize) -> u32 {
        match source {
            Source::Frame(c) => c.codes[self.row[response] as usize],
            Source::Responses(c) => c.codes[response],
        }
    }
}

const KEYS: [&str; 2] = ["year", "business_id"];

/// Reads, joins and checks.
pub(crate) fn read(
    frame: &Table,
    responses: &Table,
    definitions: &Definitions,
    method: &Method,
) -> Result<Input, AnalyseError> {
    let (frame_years, frame_ids) = keys(frame)?;
    let (response_years, response_ids) = keys(responses)?;
    let years: Vec<i32> = response_years.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    if years.is_empty() {
        return Err(AnalyseError::Unreadable {
            file: responses.name().to_owned(),
            problem: "holds no response".into(),
        });
    }
    let year_code: HashMap<i32, u32> = years.iter().enumerate().map(|(i, y)| (*y, as_code(i))).collect();

    let mut coder = Coder::default();
    let mut rows: HashMap<(i32, u32), u32> = HashMap::with_capacity(frame_years.len());
    let mut frame_year = Vec::with_capacity(frame_years.len());
    let mut frame_business = Vec::with_capacity(frame_years.len());
    for (row, (year, id)) in frame_years.iter().zip(frame_ids.iter()).enumerate() {
        let id = id.unwrap_or_default().trim();
        let business = coder.code(id);
        if let Some(first) = rows.insert((*year, business), as_code(row)) {
            let problem = format!("stands twice in {year} (first in line {})", frame.line(first as usize));
            return Err(frame.fault(row, "business_id", problem));
        }
        frame_year.push(year_code.get(year).copied().unwrap_or(NONE));
        frame_business.push(business);
    }

    let has_answer = answered(frame, responses, definitions, method)?;
    let mut first_line: HashMap<(i32, u32), usize> = HashMap::with_capacity(response_years.len());
    let (mut year, mut row, mut counted) = (Vec::new(), Vec::new(), Vec::new());
    let mut empty = 0;
    for (response, (at, id)) in response_years.iter().zip(response_ids.iter()).enumerate() {
        let id = id.unwrap_or_default().trim();
        let found = coder.codes.get(id).and_then(|b| rows.get(&(*at, *b)).map(|r| (*b, *r)));
        let Some((business, frame_row)) = found else {
            let problem = format!("this business is not in the frame of {at} ({})", frame.name());
            return Err(responses.fault(response, "business_id", problem));
        };
        if let Some(first) = first_line.insert((*at, business), response) {
            let problem = format!("answers twice in {at} (first in line {})", responses.line(first));
            return Err(responses.fault(response, "business_id", problem));
        }
        if has_answer[response] {
            year.push(year_code[at]);
            row.push(frame_row);
            counted.push(response);
        } else {
            empty += 1;
        }
    }
    let mut frame_row = vec![vec![NONE; coder.labels.len()]; years.len()];
    for (at, (year, business)) in frame_year.iter().zip(&frame_business).enumerate() {
        if *year != NONE {
            frame_row[*year as usize][*business as usize] = as_code(at);
        }
    }

    let columns = columns(frame, responses, definitions, method, &counted)?;
    let answers = answers(responses, definitions, &counted)?;
    let reply = replies(responses, frame, &counted)?;
    let needs = |what: &dyn Fn(&Indicator) -> bool| definitions.indicators.iter().find(|i| what(i));
    let sme = match needs(&|i| i.base.sme) {
        None => None,
        Some(asking) => Some(small(frame, asking)?),
    };
    let employees = match needs(&|i| i.weight_by == WeightBy::Employees) {
        None => None,
        Some(asking) => Some(employees(frame, asking)?),
    };
    let company = if frame.has("company_id") { Some(Coded::of(frame.text("company_id")?.iter())) } else { None };
    Ok(Input {
        years,
        businesses: coder.labels,
        frame_year,
        frame_business,
        frame_row,
        year,
        row,
        empty,
        columns,
        sme,
        employees,
        company,
        answers,
        reply,
    })
}

type Keys = (Vec<i32>, polars::prelude::StringChunked);

fn keys(table: &Table) -> Result<Keys, AnalyseError> {
    let ids = table.text("business_id")?;
    if let Some(row) = ids.iter().position(|id| id.is_none_or(|id| id.trim().is_empty())) {
        return Err(table.fault(row, "business_id", "is empty"));
    }
    let texts = table.text("year")?;
    let mut years = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let text = text.unwrap_or_default().trim();
        match text.parse::<i32>() {
            Ok(year) if (1900..=2200).contains(&year) => years.push(year),
            _ => return Err(table.fault(row, "year", format!("\"{text}\" is not a year"))),
        }
    }
    Ok((years, ids))
}

/// Columns of the responses that hold answers: all but the keys and what the frame already knows.
fn question_columns<'a>(responses: &'a Table, frame: &'a Table) -> impl Iterator<Item = &'a str> {
    responses.columns().filter(move |c| !KEYS.contains(c) && !frame.has(c) && !["sector", "size"].contains(c))
}

/// Which responses count in n_h.
///
/// A file does not say which questions were asked, so that the rule "at least half of the questions asked" has been applied by
/// whoever made it: every row counts, unless it holds no answer at all (an invitation opened and left).
fn answered(
    frame: &Table,
    responses: &Table,
    definitions: &Definitions,
    method: &Method,
) -> Result<Vec<bool>, AnalyseError> {
    let mut any = vec![responses.is_of_answers(); responses.height()];
    if responses.is_of_answers() {
        return Ok(any);
    }
    let items: BTreeSet<&str> =
        definitions.indicators.iter().flat_map(|i| i.measure.items()).map(String::as_str).collect();
    let questions: Vec<&str> = question_columns(responses, frame)
        .filter(|c| items.contains(c) || !method.by.iter().any(|by| by == c))
        .collect();
    for column in questions {
        for (any, cell) in any.iter_mut().zip(responses.text(column)?.iter()) {
            *any = *any || cell.is_some_and(|c| !c.trim().is_empty());
        }
    }
    Ok(any)
}

/// A fingerprint of all answers of a response.
fn replies(responses: &Table, frame: &Table, counted: &[usize]) -> Result<Vec<u64>, AnalyseError> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    if !frame.has("company_id") {
        return Ok(Vec::new());
    }
    let mut hashers = vec![DefaultHasher::new(); responses.height()];
    for column in question_columns(responses, frame) {
        for (hasher, cell) in hashers.iter_mut().zip(responses.text(column)?.iter()) {
            cell.unwrap_or_default().trim().hash(hasher);
        }
    }
    Ok(counted.iter().map(|r| hashers[*r].finish()).collect())
}

/// A code as it is written in definitions: spreadsheets and data frames write 1 as 1.0 where a column has gaps.
pub(crate) fn whole(text: &str) -> &str {
    text.strip_suffix(".0").filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit())).unwrap_or(text)
}

/// Every column that strata, margins, breakdowns and bases name.
fn columns(
    frame: &Table,
    responses: &Table,
    definitions: &Definitions,
    method: &Method,
    counted: &[usize],
) -> Result<BTreeMap<String, Source>, AnalyseError> {
    let mapped = Mapped::new(frame, method)?;
    let mut columns = BTreeMap::new();
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
            let Some(coded) = mapped.column(frame, name)? else {
                if !required {
                    continue;
                }
                let hint = if name == "sector" || name == "size" {
                    " (nor industry_code, classification and employees to map it from)"
                } else {
                    ""
                };
                let hint = format!("{hint}, which --{option} names");
                return Err(AnalyseError::MissingColumn { file: frame.name().to_owned(), column: name.clone(), hint });
            };
            if let Some(row) = coded.codes.iter().position(|c| *c == NONE) {
                return Err(frame.fault(row, mapped.origin(name), "is empty"));
            }
            columns.insert(name.clone(), Source::Frame(coded));
        }
    }
    let find = |name: &str| -> Result<Option<Source>, AnalyseError> {
        if let Some(coded) = mapped.column(frame, name)? {
            return Ok(Some(Source::Frame(coded)));
        }
        if !responses.has(name) {
            let nobody = Coded { labels: Vec::new(), codes: vec![NONE; counted.len()] };
            return Ok(responses.is_of_answers().then_some(Source::Responses(nobody)));
        }
        let text = responses.text(name)?;
        let cells = counted.iter().map(|r| text.get(*r).map(|c| whole(c.trim())).filter(|c| !["dk", "na"].contains(c)));
        Ok(Some(Source::Responses(Coded::of(cells).sorted_by(natural))))
    };
    for name in &method.by {
        if columns.contains_key(name) {
            continue;
        }
        if KEYS.contains(&name.as_str()) || name == domain::results::TOTAL {
            return Err(AnalyseError::Option { option: "by", problem: format!("\"{name}\" is not a breakdown") });
        }
        let Some(source) = find(name)? else {
            let problem = format!("there is no column \"{name}\" in {} or {}", frame.name(), responses.name());
            return Err(AnalyseError::Option { option: "by", problem });
        };
        columns.insert(name.clone(), source);
    }
    for indicator in &definitions.indicators {
        for name in indicator.base.columns.keys() {
            if columns.contains_key(name) {
                continue;
            }
            let Some(source) = find(name)? else {
                return Err(unknown(definitions, indicator, name, format!("{} or {}", frame.name(), responses.name())));
            };
            columns.insert(name.clone(), source);
        }
    }
    Ok(columns)
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

/// Sector and size as mapped from register facts, where the frame does not carry them.
struct Mapped {
    sector: Option<Coded>,
    size: Option<Coded>,
    sectors: Option<Cow<'static, Grouping>>,
    sizes: Option<&'static SizeClasses>,
}

impl Mapped {
    fn new(frame: &Table, method: &Method) -> Result<Self, AnalyseError> {
        let (grouping, classes) = definitions_of(method)?;
        let mut mapped = Self { sector: None, size: None, sectors: None, sizes: Some(classes) };
        if !frame.has("sector") && frame.has("industry_code") {
            mapped.sector = Some(mapped.map_sector(frame, &grouping)?);
        }
        mapped.sectors = Some(grouping);
        if !frame.has("size") && frame.has("employees") {
            let texts = frame.text("employees")?;
            let distinct = Coded::of(texts.iter());
            let mut keys = Vec::new();
            for (code, label) in distinct.labels.iter().enumerate() {
                let class = Employees::parse(label).and_then(|e| classes.class_of(e).map(|c| c.key.clone()));
                keys.push(class.map_err(|e| {
                    let row = distinct.codes.iter().position(|c| *c == as_code(code)).unwrap_or(0);
                    frame.fault(row, "employees", e.to_string())
                })?);
            }
            let cells = distinct.codes.iter().map(|c| keys.get(*c as usize).map(String::as_str));
            mapped.size = Some(Coded::of(cells));
        }
        Ok(mapped)
    }

    fn map_sector(&self, frame: &Table, grouping: &Grouping) -> Result<Coded, AnalyseError> {
        if !frame.has("classification") {
            let hint = ": it says in which list industry_code stands (db07, db25, sni2007, sni2025)".to_owned();
            let (file, column) = (frame.name().to_owned(), "classification".to_owned());
            return Err(AnalyseError::MissingColumn { file, column, hint });
        }
        let (codes, lists) = (frame.text("industry_code")?, frame.text("classification")?);
        let mut known: HashMap<(&str, &str), &str> = HashMap::new();
        let mut cells: Vec<Option<&str>> = Vec::with_capacity(codes.len());
        for (row, (code, list)) in codes.iter().zip(lists.iter()).enumerate() {
            let (code, list) = (code.unwrap_or_default(), list.unwrap_or_default());
            if let Some(sector) = known.get(&(code, list)) {
                cells.push(Some(sector));
                continue;
            }
            let Some(classification) = Classification::parse(list) else {
                let problem = format!("\"{list}\" is not one of db07, db25, sni2007, sni2025");
                return Err(frame.fault(row, "classification", problem));
            };
            let found = grouping.sector_of(code, classification);
            let sector = found.map_err(|e| frame.fault(row, "industry_code", e.to_string()))?.sector;
            known.insert((code, list), &sector.key);
            cells.push(Some(&sector.key));
        }
        Ok(Coded::of(cells.into_iter()))
    }

    /// The column that an empty cell stands in.
    fn origin<'a>(&self, name: &'a str) -> &'a str {
        match name {
            "sector" if self.sector.is_some() => "industry_code",
            "size" if self.size.is_some() => "employees",
            other => other,
        }
    }

    fn column(&self, frame: &Table, name: &str) -> Result<Option<Coded>, AnalyseError> {
        let coded = match (name, &self.sector, &self.size) {
            ("sector", Some(mapped), _) | ("size", _, Some(mapped)) => mapped.clone(),
            _ if frame.has(name) && !KEYS.contains(&name) => Coded::of(frame.text(name)?.iter()),
            _ => return Ok(None),
        };
        let known: Vec<&str> = match name {
            "sector" => self.sectors.as_ref().map(|g| g.sectors().iter().map(|s| s.key.as_str()).collect()),
            "size" => self.sizes.map(|s| s.classes().iter().map(|c| c.key.as_str()).collect()),
            _ => None,
        }
        .unwrap_or_default();
        // A definition orders its own keys only; a frame with keys of its own is in natural order.
        let rank = |key: &str| known.iter().position(|k| *k == key);
        if coded.labels.iter().all(|l| rank(l).is_some()) {
            return Ok(Some(coded.sorted_by(|a, b| rank(a).cmp(&rank(b)))));
        }
        Ok(Some(coded.sorted_by(natural)))
    }
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

/// The answers to every item, checked against its scale.
fn answers(
    responses: &Table,
    definitions: &Definitions,
    counted: &[usize],
) -> Result<BTreeMap<String, Vec<Answer>>, AnalyseError> {
    let scales = definitions.scales();
    let mut answers = BTreeMap::new();
    for indicator in &definitions.indicators {
        for item in indicator.measure.items() {
            if answers.contains_key(item) {
                continue;
            }
            if !responses.has(item) && responses.is_of_answers() {
                answers.insert(item.clone(), vec![Answer::Blank; counted.len()]);
                continue;
            }
            if !responses.has(item) || KEYS.contains(&item.as_str()) {
                return Err(unknown(definitions, indicator, item, responses.name().to_owned()));
            }
            let text = responses.text(item)?;
            let scale = scales.get(item.as_str()).copied();
            let mut column = Vec::with_capacity(counted.len());
            let mut next = counted.iter().peekable();
            for (row, cell) in text.iter().enumerate() {
                let cell = cell.unwrap_or_default().trim();
                let answer = Answer::parse(cell).ok_or_else(|| {
                    let problem =
                        format!("\"{cell}\" is neither a number nor empty, dk (don't know) or na (not relevant)");
                    responses.fault(row, item, problem)
                })?;
                if let (Answer::Value(value), Some([low, high])) = (answer, scale)
                    && !(low..=high).contains(&value)
                {
                    return Err(responses.fault(row, item, format!("{cell} lies outside the scale {low}–{high}")));
                }
                if next.next_if(|r| **r == row).is_some() {
                    column.push(answer);
                }
            }
            answers.insert(item.clone(), column);
        }
    }
    Ok(answers)
}

fn needed(frame: &Table, column: &str, asking: &Indicator, why: &str) -> Result<(), AnalyseError> {
    if frame.has(column) {
        return Ok(());
    }
    let hint = format!(", which indicator \"{}\" needs ({why})", asking.id);
    Err(AnalyseError::MissingColumn { file: frame.name().to_owned(), column: column.to_owned(), hint })
}

fn staff(frame: &Table, column: &str) -> Result<(Coded, Vec<Employees>), AnalyseError> {
    let coded = Coded::of(frame.text(column)?.iter());
    if let Some(row) = coded.codes.iter().position(|c| *c == NONE) {
        return Err(frame.fault(row, column, "is empty"));
    }
    let mut parsed = Vec::new();
    for (code, label) in coded.labels.iter().enumerate() {
        parsed.push(Employees::parse(label).map_err(|e| {
            let row = coded.codes.iter().position(|c| *c == as_code(code)).unwrap_or(0);
            frame.fault(row, column, e.to_string())
        })?);
    }
    Ok((coded, parsed))
}

fn small(frame: &Table, asking: &Indicator) -> Result<Vec<bool>, AnalyseError> {
    needed(frame, "company_employees", asking, "base.sme")?;
    let (coded, parsed) = staff(frame, "company_employees")?;
    Ok(coded.codes.iter().map(|c| sme(parsed[*c as usize]).is).collect())
}

fn employees(frame: &Table, asking: &Indicator) -> Result<Vec<f64>, AnalyseError> {
    needed(frame, "employees", asking, "weight_by = \"employees\"")?;
    let (coded, parsed) = staff(frame, "employees")?;
    if let Some(row) = coded.codes.iter().position(|c| !parsed[*c as usize].is_exact()) {
        return Err(frame.fault(row, "employees", "an interval cannot be a weight: the exact number is needed"));
    }
    Ok(coded.codes.iter().map(|c| f64::from(parsed[*c as usize].low)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_stands_before_ten() {
        let mut sizes = ["50+", "10-49", "5-9", "1-4", "0", "200+", "50-199", "2-9"];
        sizes.sort_by(|a, b| natural(a, b));
        assert_eq!(sizes, ["0", "1-4", "2-9", "5-9", "10-49", "50+", "50-199", "200+"]);
    }
}
