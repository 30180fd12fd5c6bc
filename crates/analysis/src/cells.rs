//! The cell sums: what one pass over the answers leaves of them, and all that the estimators need.
//!
//! [`score_rows`] and [`cell_sums`] are public so that the same sums made inside a database can be compared with these.
use std::collections::HashMap;

use domain::indicator::{Answer, Indicator, Score};
use statistics::{
    Cell, CellSums, ClusterMember, ClusterSums, EmployeeOverlapSums, EmployeeSums, Link, Linked, OverlapSums, Year,
};

use crate::input::{Input, NONE, Source, as_code, whole};
use crate::options::{Method, Weighting};

/// What a response is to an indicator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Row {
    /// Outside the base, or the question is not relevant to it: u = 0.
    Outside,
    /// In the base, but without an answer: u = 0, and blank for `--fpc item`.
    Blank,
    /// u = 1, with this y.
    Value(f64),
}

impl Row {
    /// y where u = 1.
    #[must_use]
    pub const fn value(self) -> Option<f64> {
        match self {
            Self::Value(y) => Some(y),
            Self::Outside | Self::Blank => None,
        }
    }
}

/// The rows of an indicator: per response whether it lies in the base, and its answers to the items in the measure's order.
pub fn score_rows(
    indicator: &Indicator,
    in_base: impl Fn(usize) -> bool,
    items: &[&[Answer]],
    rows: usize,
) -> Vec<Row> {
    let mut answers = Vec::with_capacity(items.len());
    let score = |row| {
        if !in_base(row) {
            return Row::Outside;
        }
        answers.clear();
        answers.extend(items.iter().map(|item| item[row]));
        match indicator.measure.score(&answers) {
            Score::Outside => Row::Outside,
            Score::Missing => Row::Blank,
            Score::Value(y) => Row::Value(y),
        }
    };
    (0..rows).map(score).collect()
}

/// n, Σy and Σy² by cell, for the rows with u = 1 that `cell_of` puts into a cell; sorted by cell, empty cells left out.
pub fn cell_sums(rows: impl IntoIterator<Item = (Option<usize>, Row)>) -> Vec<CellSums> {
    let mut sums: std::collections::BTreeMap<usize, CellSums> = std::collections::BTreeMap::new();
    for (cell, row) in rows {
        if let (Some(cell), Row::Value(y)) = (cell, row) {
            sums.entry(cell).or_insert_with(|| CellSums::new(cell)).add(y);
        }
    }
    sums.into_values().collect()
}

/// A breakdown over the responses that count: `total` has one group.
#[derive(Debug)]
pub(crate) struct Domain {
    pub name: String,
    pub groups: Vec<String>,
    /// Per response: the group, or [`NONE`].
    pub codes: Vec<u32>,
    /// Per year and group: businesses in the frame, where the frame knows the column.
    pub frame: Option<Vec<Vec<u64>>>,
}

/// The weighting cells of every year and where each row lies.
#[derive(Debug)]
pub(crate) struct Cells {
    /// Per year.
    pub years: Vec<Year>,
    /// Per frame row the index of its cell in its year.
    pub of_frame: Vec<u32>,
    /// Per response the index of its cell in its year.
    pub of_response: Vec<u32>,
}

/// Builds the cells: the cross of strata, and of margins when raking.
pub(crate) fn cells(input: &Input, method: &Method) -> Cells {
    let codes_of = |name: &String| match input.columns.get(name) {
        Some(Source::Frame(coded)) => Some(coded),
        _ => None,
    };
    let (strata, margins): (&[String], &[String]) = match method.weights {
        Weighting::Cells => (&method.strata, &[]),
        Weighting::Rake => (&method.strata, &method.margins),
        Weighting::None => (&[], &[]),
    };
    let class = method.class().filter(|_| !strata.is_empty());
    let outer: Vec<_> = strata.iter().filter(|s| Some(s.as_str()) != class).filter_map(codes_of).collect();
    let class = class.and_then(|c| codes_of(&c.to_owned()));
    let margins: Vec<_> = margins.iter().filter_map(codes_of).collect();
    let mut years: Vec<Year> = input.years.iter().map(|y| Year { year: *y, cells: Vec::new() }).collect();
    let mut known: HashMap<(u32, Vec<u32>), u32> = HashMap::new();
    let mut of_frame = Vec::with_capacity(input.frame_year.len());
    let mut key = Vec::new();
    for (row, year) in input.frame_year.iter().enumerate() {
        if *year == NONE {
            of_frame.push(NONE);
            continue;
        }
        key.clear();
        key.extend(outer.iter().chain(class.iter()).chain(margins.iter()).map(|c| c.codes[row]));
        let cells = &mut years[*year as usize].cells;
        let index = match known.get(&(*year, key.clone())) {
            Some(index) => *index,
            None => {
                let label = |c: &&crate::input::Coded| c.labels[c.codes[row] as usize].clone();
                let sector: Vec<String> = outer.iter().map(label).collect();
                cells.push(Cell {
                    sector: if sector.is_empty() { domain::results::ALL.to_owned() } else { sector.join("|") },
                    size: class.as_ref().map_or_else(|| domain::results::ALL.to_owned(), label),
                    margins: margins.iter().map(label).collect(),
                    frame: 0,
                    answered: 0,
                    invited: None,
                });
                let index = as_code(cells.len() - 1);
                known.insert((*year, key.clone()), index);
                index
            }
        };
        cells[index as usize].frame += 1;
        of_frame.push(index);
    }
    let of_response: Vec<u32> = input.row.iter().map(|r| of_frame[*r as usize]).collect();
    for (year, cell) in input.year.iter().zip(&of_response) {
        years[*year as usize].cells[*cell as usize].answered += 1;
    }
    Cells { years, of_frame, of_response }
}

/// The total and every breakdown.
pub(crate) fn domains(input: &Input, method: &Method) -> Vec<Domain> {
    let count = |codes: &dyn Fn(usize) -> u32, groups: usize| {
        let mut frame = vec![vec![0; groups]; input.years.len()];
        for (row, year) in input.frame_year.iter().enumerate() {
            if *year != NONE && codes(row) != NONE {
                frame[*year as usize][codes(row) as usize] += 1;
            }
        }
        frame
    };
    let mut domains = vec![Domain {
        name: domain::results::TOTAL.to_owned(),
        groups: vec![domain::results::ALL.to_owned()],
        codes: vec![0; input.row.len()],
        frame: Some(count(&|_| 0, 1)),
    }];
    for name in &method.by {
        let Some(source) = input.columns.get(name) else { continue };
        if domains.iter().any(|d| d.name == *name) {
            continue;
        }
        domains.push(Domain {
            name: name.clone(),
            groups: source.labels().to_vec(),
            codes: (0..input.row.len()).map(|r| input.code(source, r)).collect(),
            frame: match source {
                Source::Frame(coded) => Some(count(&|row| coded.codes[row], coded.labels.len())),
                Source::Responses(_) => None,
            },
        });
    }
    domains
}

/// The rows of an indicator over all responses.
pub(crate) fn rows(input: &Input, indicator: &Indicator) -> Vec<Row> {
    let mut in_base = vec![true; input.row.len()];
    for (name, values) in &indicator.base.columns {
        let Some(source) = input.columns.get(name) else { continue };
        let counts: Vec<bool> = source.labels().iter().map(|l| values.iter().any(|v| v == whole(l))).collect();
        for (response, flag) in in_base.iter_mut().enumerate() {
            let code = input.code(source, response);
            *flag = *flag && code != NONE && counts[code as usize];
        }
    }
    if let (true, Some(sme)) = (indicator.base.sme, &input.sme) {
        for (flag, row) in in_base.iter_mut().zip(&input.row) {
            *flag = *flag && sme[*row as usize];
        }
    }
    let items: Vec<&[Answer]> =
        indicator.measure.items().iter().filter_map(|i| input.answers.get(i).map(Vec::as_slice)).collect();
    score_rows(indicator, |row| in_base[row], &items, input.row.len())
}

/// One reply: the responses it stands for (one, unless a company answered once for several workplaces), in one year.
pub(crate) type Reply = Vec<u32>;

/// What is common to all indicators of a pair of years.
#[derive(Debug)]
pub(crate) struct Pairing {
    /// Cells of both frames and both sets of answers.
    pub link: Link,
    /// Responses of one business in both years (index of the earlier, of the later).
    pub responses: Vec<(u32, u32)>,
    /// Replies of one company in both years.
    pub replies: Vec<(u32, u32)>,
}

/// Who counts and who varies, per year.
#[derive(Debug)]
pub(crate) struct Units {
    /// Responses per year.
    pub responses: Vec<Vec<u32>>,
    /// Replies per year, where some reply stands for several workplaces; otherwise `None`.
    pub replies: Option<Vec<Vec<Reply>>>,
}

/// Groups responses into replies: workplaces of one company with the same answers throughout were answered once.
pub(crate) fn units(input: &Input) -> Units {
    let mut responses = vec![Vec::new(); input.years.len()];
    for (response, year) in input.year.iter().enumerate() {
        responses[*year as usize].push(as_code(response));
    }
    let Some(company) = &input.company else { return Units { responses, replies: None } };
    let mut replies: Vec<Vec<Reply>> = Vec::new();
    for year in &responses {
        let mut of_company: HashMap<(u32, u64), usize> = HashMap::new();
        let mut list: Vec<Reply> = Vec::new();
        for response in year {
            let code = company.codes[input.row[*response as usize] as usize];
            let known = of_company.get(&(code, input.reply[*response as usize])).copied().filter(|_| code != NONE);
            match known {
                Some(at) => list[at].push(*response),
                None => {
                    of_company.insert((code, input.reply[*response as usize]), list.len());
                    list.push(vec![*response]);
                }
            }
        }
        replies.push(list);
    }
    let clustered = replies.iter().flatten().any(|r| r.len() > 1);
    Units { responses, replies: clustered.then_some(replies) }
}

/// Everything a pass over the answers reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Data<'a> {
    pub input: &'a Input,
    pub cells: &'a Cells,
    pub units: &'a Units,
}

/// What two years share.
pub(crate) fn pairing(Data { input, cells, units }: Data<'_>, from: usize, to: usize) -> Pairing {
    let mut frame: HashMap<(u32, u32), u64> = HashMap::new();
    for (one, other) in input.frame_row[from].iter().zip(&input.frame_row[to]) {
        if *one != NONE && *other != NONE {
            *frame.entry((cells.of_frame[*one as usize], cells.of_frame[*other as usize])).or_default() += 1;
        }
    }
    let mut later = vec![NONE; input.businesses.len()];
    let business = |response: u32| input.frame_business[input.row[response as usize] as usize] as usize;
    for response in &units.responses[to] {
        later[business(*response)] = *response;
    }
    let partner = |r: &u32| Some((*r, later[business(*r)])).filter(|(_, other)| *other != NONE);
    let responses: Vec<(u32, u32)> = units.responses[from].iter().filter_map(partner).collect();
    let mut answered: HashMap<(u32, u32), u64> = HashMap::new();
    for (one, other) in &responses {
        *answered.entry((cells.of_response[*one as usize], cells.of_response[*other as usize])).or_default() += 1;
    }
    let mut replies = Vec::new();
    if let Some(all) = &units.replies {
        let mut reply_of = HashMap::new();
        for (at, reply) in all[to].iter().enumerate() {
            reply_of.extend(reply.iter().map(|r| (*r, as_code(at))));
        }
        let mut taken = std::collections::HashSet::new();
        for (at, reply) in all[from].iter().enumerate() {
            let candidates = reply.iter().filter_map(partner).filter_map(|(_, other)| reply_of.get(&other));
            if let Some(other) = candidates.copied().find(|o| !taken.contains(o)) {
                taken.insert(other);
                replies.push((as_code(at), other));
            }
        }
    }
    Pairing { link: Link { frame: linked(frame), answered: linked(answered) }, responses, replies }
}

fn linked(counts: HashMap<(u32, u32), u64>) -> Vec<Linked> {
    let mut list: Vec<Linked> =
        counts.into_iter().map(|((from, to), n)| Linked { from: from as usize, to: to as usize, n }).collect();
    list.sort_by_key(|l| (l.from, l.to));
    list
}

/// The sums of one indicator in one domain and year, one entry per group.
#[derive(Debug)]
pub(crate) enum GroupSums {
    Businesses(Vec<Vec<CellSums>>),
    Employees(Vec<Vec<EmployeeSums>>),
    Companies(Vec<CompanySums>),
}

/// Sums over companies, with the row in which each reply of the year counts.
#[derive(Debug, Default)]
pub(crate) struct CompanySums {
    pub rows: Vec<ClusterSums>,
    pub row_of_reply: Vec<u32>,
}

/// One pass over a year's responses.
pub(crate) fn group_sums(
    Data { input, cells, units }: Data<'_>,
    domain: &Domain,
    rows: &[Row],
    by_employees: bool,
    year: usize,
) -> GroupSums {
    let (groups, width) = (domain.groups.len(), cells.years[year].cells.len());
    let place = |response: u32| {
        let (group, cell) = (domain.codes[response as usize], cells.of_response[response as usize]);
        (group != NONE).then_some((group as usize, cell as usize))
    };
    if let (true, Some(employees)) = (by_employees, &input.employees) {
        let mut sums = vec![vec![EmployeeSums::default(); width]; groups];
        for response in &units.responses[year] {
            if let (Some((group, cell)), Row::Value(y)) = (place(*response), rows[*response as usize]) {
                sums[group][cell].add(employees[input.row[*response as usize] as usize], y);
            }
        }
        for (cell, sums) in sums.iter_mut().flat_map(|g| g.iter_mut().enumerate()) {
            sums.cell = cell;
        }
        sums.iter_mut().for_each(|g| g.retain(|s| s.n > 0));
        return GroupSums::Employees(sums);
    }
    if let Some(replies) = &units.replies {
        return GroupSums::Companies(
            (0..groups).map(|group| company_sums(&replies[year], cells, domain, rows, group)).collect(),
        );
    }
    let mut sums = vec![vec![CellSums::default(); width]; groups];
    for response in &units.responses[year] {
        if let (Some((group, cell)), Row::Value(y)) = (place(*response), rows[*response as usize]) {
            sums[group][cell].add(y);
        }
    }
    for (cell, sums) in sums.iter_mut().flat_map(|g| g.iter_mut().enumerate()) {
        sums.cell = cell;
    }
    sums.iter_mut().for_each(|g| g.retain(|s| s.n > 0));
    GroupSums::Businesses(sums)
}

fn company_sums(replies: &[Reply], cells: &Cells, domain: &Domain, rows: &[Row], group: usize) -> CompanySums {
    let mut sums = CompanySums::default();
    let mut known: HashMap<Vec<ClusterMember>, u32> = HashMap::new();
    for reply in replies {
        let mut members: Vec<ClusterMember> = Vec::new();
        let mut value = None;
        for response in reply {
            let cell = cells.of_response[*response as usize] as usize;
            let inside = domain.codes[*response as usize] == as_code(group);
            let y = rows[*response as usize].value().filter(|_| inside);
            value = value.or(y);
            let counted = u64::from(y.is_some());
            match members.iter_mut().find(|m| m.cell == cell) {
                Some(member) => {
                    member.workplaces += 1;
                    member.counted += counted;
                }
                None => members.push(ClusterMember { cell, workplaces: 1, counted }),
            }
        }
        members.sort();
        let row = *known.entry(members.clone()).or_insert_with(|| {
            let most = members.iter().rev().max_by_key(|m| m.workplaces).map_or(0, |m| m.cell);
            sums.rows.push(ClusterSums { home: most, members, n: 0, sum: 0.0, sum_sq: 0.0 });
            as_code(sums.rows.len() - 1)
        });
        let into = &mut sums.rows[row as usize];
        into.n += 1;
        if let Some(y) = value {
            into.sum += y;
            into.sum_sq += y * y;
        }
        sums.row_of_reply.push(row);
    }
    sums
}

/// The sums over those that answered in both years, one entry per group.
#[derive(Debug)]
pub(crate) enum GroupPairs {
    Businesses(Vec<Vec<OverlapSums>>),
    Employees(Vec<Vec<EmployeeOverlapSums>>),
    /// With the link by rows, which differs per group.
    Companies(Vec<(Vec<OverlapSums>, Link)>),
}

/// One pass over the pairs of responses.
pub(crate) fn group_pairs(
    Data { input, cells, units }: Data<'_>,
    domain: &Domain,
    rows: &[Row],
    pairing: &Pairing,
    (from, to): (&GroupSums, &GroupSums),
    years: (usize, usize),
) -> GroupPairs {
    let groups = domain.groups.len();
    let group = |r: u32| domain.codes[r as usize];
    // A business that changed group adds to each group in the year in which it was there.
    let touched = |one: u32, other: u32| {
        let (a, b) = (group(one), group(other));
        [Some(a), (a != b).then_some(b)].into_iter().flatten().filter(|g| *g != NONE)
    };
    let value = |r: u32, in_group: u32| rows[r as usize].value().filter(|_| group(r) == in_group);
    let key =
        |one: u32, other: u32| (cells.of_response[one as usize] as usize, cells.of_response[other as usize] as usize);
    match (from, to) {
        (GroupSums::Employees(_), GroupSums::Employees(_)) => {
            let staff = |r: u32| input.employees.as_ref().map_or(0.0, |e| e[input.row[r as usize] as usize]);
            let mut maps: Vec<HashMap<(usize, usize), EmployeeOverlapSums>> = vec![HashMap::new(); groups];
            for (one, other) in &pairing.responses {
                let (a, b) = key(*one, *other);
                for g in touched(*one, *other) {
                    let x = value(*one, g).map(|y| (staff(*one), y));
                    let y = value(*other, g).map(|y| (staff(*other), y));
                    maps[g as usize].entry((a, b)).or_insert_with(|| EmployeeOverlapSums::new(a, b)).add(x, y);
                }
            }
            GroupPairs::Employees(maps.into_iter().map(|m| sorted(m, |s| (s.from, s.to))).collect())
        }
        (GroupSums::Companies(one), GroupSums::Companies(other)) => {
            let Some(replies) = &units.replies else { return GroupPairs::Companies(Vec::new()) };
            let pairs = (0..groups).map(|g| {
                let mut map: HashMap<(usize, usize), OverlapSums> = HashMap::new();
                let mut counts: HashMap<(u32, u32), u64> = HashMap::new();
                for (a, b) in &pairing.replies {
                    let (row_a, row_b) = (one[g].row_of_reply[*a as usize], other[g].row_of_reply[*b as usize]);
                    *counts.entry((row_a, row_b)).or_default() += 1;
                    let first = |year: usize, reply: u32| {
                        replies[year][reply as usize].iter().find_map(|r| value(*r, as_code(g)))
                    };
                    let (a_at, b_at) = (row_a as usize, row_b as usize);
                    map.entry((a_at, b_at))
                        .or_insert_with(|| OverlapSums::new(a_at, b_at))
                        .add(first(years.0, *a), first(years.1, *b));
                }
                let link = Link { frame: pairing.link.frame.clone(), answered: linked(counts) };
                (sorted(map, |s| (s.from, s.to)), link)
            });
            GroupPairs::Companies(pairs.collect())
        }
        _ => {
            let mut maps: Vec<HashMap<(usize, usize), OverlapSums>> = vec![HashMap::new(); groups];
            for (one, other) in &pairing.responses {
                let (a, b) = key(*one, *other);
                for g in touched(*one, *other) {
                    let sums = maps[g as usize].entry((a, b)).or_insert_with(|| OverlapSums::new(a, b));
                    sums.add(value(*one, g), value(*other, g));
                }
            }
            GroupPairs::Businesses(maps.into_iter().map(|m| sorted(m, |s| (s.from, s.to))).collect())
        }
    }
}

/// Sums in a fixed order, so that rounding is the same in every run.
fn sorted<K, S>(map: HashMap<K, S>, key: impl Fn(&S) -> (usize, usize)) -> Vec<S> {
    let mut list: Vec<S> = map.into_values().collect();
    list.sort_by_key(key);
    list
}

/// Per cell: responses in the base that left the item blank.
pub(crate) fn blanks(Data { cells, units, .. }: Data<'_>, rows: &[Row], year: usize) -> Vec<u64> {
    let mut blanks = vec![0; cells.years[year].cells.len()];
    for response in &units.responses[year] {
        if rows[*response as usize] == Row::Blank {
            blanks[cells.of_response[*response as usize] as usize] += 1;
        }
    }
    blanks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cell_sums_take_rows_with_an_answer_only() {
        let rows =
            [(Some(2), Row::Value(3.0)), (Some(0), Row::Blank), (Some(2), Row::Value(1.0)), (None, Row::Value(9.0))];
        let sums = cell_sums(rows);
        assert_eq!(sums, [CellSums { cell: 2, n: 2, sum: 4.0, sum_sq: 10.0 }]);
    }
}
