//! The cell sums: what one pass over the answers leaves of them, and all that the estimators need.
//!
//! [`score_rows`] and [`cell_sums`] are public so that the same sums made inside a database can be compared with these.
use std::collections::HashMap;

use domain::indicator::{Answer, Indicator, Score};
use statistics::{
    Cell, CellSums, ClusterMember, ClusterSums, EmployeeOverlapSums, EmployeeSums, Link, Linked, OverlapSums, Year,
};

use crate::codes::{Combinations, NONE, as_code};
use crate::input::{Input, Item, Source, whole};
use crate::options::{Method, Weighting};

/// Responses whose answers are combined at once: their numbers stay in the nearest cache.
const BLOCK: usize = 4096;
/// Up to this many combinations of answers to an indicator's items are scored once each, not once per response.
const MOST_COMBINATIONS: usize = 1 << 16;
/// Up to this many numbers, a table of atoms by combinations counts responses; sums follow from the counts.
const MOST_COUNTS: usize = 1 << 20;

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
    /// Per atom: the group, or [`NONE`].
    pub of_atom: Vec<u32>,
    /// Per year and group: businesses in the frame, where the frame knows the column.
    pub frame: Option<Vec<Vec<u64>>>,
    /// Per year and group: responses.
    pub answered: Vec<Vec<u64>>,
}

/// The weighting cells of every year and where each profile and atom lies.
#[derive(Debug)]
pub(crate) struct Cells {
    /// Per year.
    pub years: Vec<Year>,
    /// Per year and profile the index of its cell in that year, or [`NONE`].
    pub of_profile: Vec<Vec<u32>>,
    /// Per atom the index of its cell in its year.
    pub of_atom: Vec<u32>,
}

/// Builds the cells: the cross of strata, and of margins when raking.
pub(crate) fn cells(input: &Input, method: &Method) -> Cells {
    let source_of = |name: &String| input.columns.get(name).filter(|s| s.of_frame);
    let (strata, margins): (&[String], &[String]) = match method.weights {
        Weighting::Cells => (&method.strata, &[]),
        Weighting::Rake => (&method.strata, &method.margins),
        Weighting::None => (&[], &[]),
    };
    let class = method.class().filter(|_| !strata.is_empty());
    let outer: Vec<_> = strata.iter().filter(|s| Some(s.as_str()) != class).filter_map(source_of).collect();
    let class = class.and_then(|c| source_of(&c.to_owned()));
    let margins: Vec<_> = margins.iter().filter_map(source_of).collect();
    let mut years: Vec<Year> = Vec::new();
    let mut of_profile = Vec::new();
    for (number, counts) in input.years.iter().zip(&input.frame_count) {
        let mut year = Year { year: *number, cells: Vec::new() };
        let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut of_year = vec![NONE; counts.len()];
        for (profile, (codes, n)) in input.profiles.iter().zip(counts).enumerate().filter(|(_, (_, n))| **n > 0) {
            let all = outer.iter().chain(class.iter()).chain(margins.iter());
            let key: Vec<u32> = all.map(|s| Input::frame_code(s, codes)).collect();
            let index = *known.entry(key).or_insert_with(|| {
                let label = |s: &&Source| s.labels[Input::frame_code(s, codes) as usize].clone();
                let sector: Vec<String> = outer.iter().map(label).collect();
                year.cells.push(Cell {
                    sector: if sector.is_empty() { domain::results::ALL.to_owned() } else { sector.join("|") },
                    size: class.as_ref().map_or_else(|| domain::results::ALL.to_owned(), label),
                    margins: margins.iter().map(label).collect(),
                    frame: 0,
                    answered: 0,
                    invited: None,
                });
                as_code(year.cells.len() - 1)
            });
            year.cells[index as usize].frame += n;
            of_year[profile] = index;
        }
        years.push(year);
        of_profile.push(of_year);
    }
    let of_atom: Vec<u32> = input.atoms.iter().map(|a| of_profile[a.year][a.profile]).collect();
    for (atom, cell) in input.atoms.iter().zip(&of_atom) {
        years[atom.year].cells[*cell as usize].answered += atom.n;
    }
    Cells { years, of_profile, of_atom }
}

/// Which group a profile belongs to.
type OfProfile<'a> = &'a dyn Fn(&[u32]) -> u32;

/// The total and every breakdown.
pub(crate) fn domains(input: &Input, method: &Method) -> Vec<Domain> {
    let domain = |name: &str, groups: Vec<String>, of_atom: Vec<u32>, of_profile: Option<OfProfile<'_>>| {
        let mut answered = vec![vec![0; groups.len()]; input.years.len()];
        for (atom, group) in input.atoms.iter().zip(&of_atom).filter(|(_, g)| **g != NONE) {
            answered[atom.year][*group as usize] += atom.n;
        }
        let frame = of_profile.map(|of| {
            let count = |counts: &Vec<u64>| {
                let mut frame = vec![0; groups.len()];
                for (profile, n) in input.profiles.iter().zip(counts).filter(|(p, _)| of(p) != NONE) {
                    frame[of(profile) as usize] += n;
                }
                frame
            };
            input.frame_count.iter().map(count).collect()
        });
        Domain { name: name.to_owned(), groups, of_atom, frame, answered }
    };
    let everybody = vec![0; input.atoms.len()];
    let total = domain(domain::results::TOTAL, vec![domain::results::ALL.to_owned()], everybody, Some(&|_| 0));
    let mut domains = vec![total];
    for name in &method.by {
        let Some(source) = input.columns.get(name) else { continue };
        if domains.iter().any(|d| d.name == *name) {
            continue;
        }
        let of_atom = (0..input.atoms.len()).map(|a| input.code(source, a)).collect();
        let of_profile = |profile: &[u32]| Input::frame_code(source, profile);
        let of_profile: Option<OfProfile<'_>> = if source.of_frame { Some(&of_profile) } else { None };
        domains.push(domain(name, source.labels.clone(), of_atom, of_profile));
    }
    domains
}

/// The scores of one indicator: every response's answers to its items are one number, and every such number has one score.
pub(crate) struct Scores<'a> {
    indicator: &'a Indicator,
    /// Per atom: does it lie in the base?
    in_base: Vec<bool>,
    items: Vec<&'a Item>,
    /// The score of every combination of answers, where they are not too many.
    table: Option<Vec<Row>>,
    responses: usize,
}

impl<'a> Scores<'a> {
    pub(crate) fn new(input: &'a Input, indicator: &'a Indicator) -> Self {
        let mut in_base = vec![true; input.atoms.len()];
        for (name, values) in &indicator.base.columns {
            let Some(source) = input.columns.get(name) else { continue };
            let counts: Vec<bool> = source.labels.iter().map(|l| values.iter().any(|v| v == whole(l))).collect();
            for (atom, flag) in in_base.iter_mut().enumerate() {
                let code = input.code(source, atom);
                *flag = *flag && code != NONE && counts[code as usize];
            }
        }
        if indicator.base.sme {
            in_base.iter_mut().enumerate().for_each(|(atom, flag)| *flag = *flag && input.is_sme(atom));
        }
        let items: Vec<&Item> = indicator.measure.items().iter().filter_map(|i| input.answers.get(i)).collect();
        let combinations = items.iter().try_fold(1_usize, |n, item| n.checked_mul(item.values.len()));
        let table = combinations.filter(|n| *n <= MOST_COMBINATIONS).map(|n| {
            let mut answers = vec![Answer::Blank; items.len()];
            let score = |number: usize| {
                let mut left = number;
                for (answer, item) in answers.iter_mut().zip(&items).rev() {
                    *answer = item.values[left % item.values.len()];
                    left /= item.values.len();
                }
                scored(indicator, &answers)
            };
            (0..n).map(score).collect()
        });
        Self { indicator, in_base, items, table, responses: input.len() }
    }

    /// What one response is to the indicator.
    #[inline]
    pub(crate) fn row(&self, input: &Input, response: usize) -> Row {
        if !self.in_base[input.atom_of(response)] {
            return Row::Outside;
        }
        match &self.table {
            Some(table) => {
                let number = self.items.iter().fold(0, |n, i| n * i.values.len() + i.codes.get(response));
                table[number]
            }
            None => {
                let answers: Vec<Answer> = self.items.iter().map(|i| i.answer(response)).collect();
                scored(self.indicator, &answers)
            }
        }
    }

    /// n, blanks, Σy and Σy² per atom, in one pass over the answers.
    pub(crate) fn tally(&self, input: &Input) -> Vec<Tally> {
        let mut tallies = vec![Tally::default(); input.atoms.len()];
        match &self.table {
            Some(table) if table.len() * tallies.len() <= MOST_COUNTS => {
                let mut counts = vec![0_u32; table.len() * tallies.len()];
                self.numbers(|first, numbers| {
                    for (atom, number) in input.atom[first..].iter().zip(numbers) {
                        counts[*atom as usize * table.len() + *number as usize] += 1;
                    }
                });
                for (tally, counts) in tallies.iter_mut().zip(counts.chunks(table.len().max(1))) {
                    counts.iter().zip(table).for_each(|(n, row)| tally.add(u64::from(*n), *row));
                }
            }
            Some(table) => self.numbers(|first, numbers| {
                for (atom, number) in input.atom[first..].iter().zip(numbers) {
                    tallies[*atom as usize].add(1, table[*number as usize]);
                }
            }),
            None => {
                for (response, atom) in input.atom.iter().enumerate() {
                    tallies[*atom as usize].add(1, self.row(input, response));
                }
            }
        }
        // Outside the base nobody is blank either.
        for (tally, _) in tallies.iter_mut().zip(&self.in_base).filter(|(_, inside)| !**inside) {
            *tally = Tally::default();
        }
        tallies
    }

    /// The numbers of the combinations of answers, block by block.
    fn numbers(&self, mut each: impl FnMut(usize, &[u32])) {
        let mut numbers = vec![0_u32; BLOCK];
        for first in (0..self.responses).step_by(BLOCK) {
            let block = first..self.responses.min(first + BLOCK);
            let numbers = &mut numbers[..block.len()];
            numbers.fill(0);
            for item in &self.items {
                let width = as_code(item.values.len());
                match &item.codes {
                    crate::codes::Codes::Narrow(codes) => {
                        for (number, code) in numbers.iter_mut().zip(&codes[block.clone()]) {
                            *number = *number * width + u32::from(*code);
                        }
                    }
                    crate::codes::Codes::Wide(codes) => {
                        for (number, code) in numbers.iter_mut().zip(&codes[block.clone()]) {
                            *number = *number * width + code;
                        }
                    }
                }
            }
            each(first, numbers);
        }
    }
}

fn scored(indicator: &Indicator, answers: &[Answer]) -> Row {
    match indicator.measure.score(answers) {
        Score::Outside => Row::Outside,
        Score::Missing => Row::Blank,
        Score::Value(y) => Row::Value(y),
    }
}

/// The sums of one indicator in one atom.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Tally {
    /// Responses with u = 1.
    pub n: u64,
    /// Responses in the base that left it blank.
    pub blank: u64,
    /// Σ y.
    pub sum: f64,
    /// Σ y².
    pub sum_sq: f64,
}

impl Tally {
    #[inline]
    fn add(&mut self, times: u64, row: Row) {
        match row {
            Row::Outside => {}
            Row::Blank => self.blank += times,
            Row::Value(y) => {
                #[expect(clippy::cast_precision_loss, reason = "counts of responses")]
                let n = times as f64;
                self.n += times;
                self.sum += n * y;
                self.sum_sq += n * y * y;
            }
        }
    }
}

/// The rows of an indicator over all responses.
pub(crate) fn rows(input: &Input, indicator: &Indicator) -> Vec<Row> {
    let scores = Scores::new(input, indicator);
    (0..input.len()).map(|response| scores.row(input, response)).collect()
}

/// One reply: the responses it stands for (one, unless a company answered once for several workplaces), in one year.
pub(crate) type Reply = Vec<u32>;

/// What is common to all indicators of a pair of years.
#[derive(Debug)]
pub(crate) struct Pairing {
    /// Cells of both frames and both sets of answers.
    pub link: Link,
    /// Responses of one business in both years (the earlier, the later).
    pub responses: Vec<(u32, u32)>,
    /// Per such pair the position in `atoms`.
    of_pair: Vec<u32>,
    /// The pairs of atoms that occur.
    atoms: Vec<[usize; 2]>,
    /// Replies of one company in both years.
    pub replies: Vec<(u32, u32)>,
}

/// Who counts and who varies: per year the replies, where some reply stands for several workplaces; otherwise `None`.
#[derive(Debug)]
pub(crate) struct Units {
    pub replies: Option<Vec<Vec<Reply>>>,
}

/// Groups responses into replies: workplaces of one company with the same answers throughout were answered once.
pub(crate) fn units(input: &Input) -> Units {
    let Some(company) = &input.company else { return Units { replies: None } };
    let mut replies: Vec<Vec<Reply>> = vec![Vec::new(); input.years.len()];
    let mut known: HashMap<(usize, u32, u64), usize> = HashMap::new();
    for (response, (code, print)) in company.iter().zip(&input.reply).enumerate() {
        let year = input.atoms[input.atom_of(response)].year;
        let list = &mut replies[year];
        match known.get(&(year, *code, *print)).filter(|_| *code != NONE) {
            Some(at) => list[*at].push(as_code(response)),
            None => {
                known.insert((year, *code, *print), list.len());
                list.push(vec![as_code(response)]);
            }
        }
    }
    let clustered = replies.iter().flatten().any(|r| r.len() > 1);
    Units { replies: clustered.then_some(replies) }
}

/// Everything a pass over the answers reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Data<'a> {
    pub input: &'a Input,
    pub cells: &'a Cells,
    pub units: &'a Units,
}

impl Data<'_> {
    /// The cell of a response in its year.
    pub(crate) fn cell(&self, response: usize) -> usize {
        self.cells.of_atom[self.input.atom_of(response)] as usize
    }
}

/// What two years share.
pub(crate) fn pairing(data: Data<'_>, from: usize, to: usize) -> Pairing {
    let Data { input, cells, units } = data;
    let mut later = vec![NONE; input.ids.len()];
    input.of_year(to).for_each(|r| later[input.business[r] as usize] = as_code(r));
    let partner = |r: usize| Some((as_code(r), later[input.business[r] as usize])).filter(|(_, other)| *other != NONE);
    let responses: Vec<(u32, u32)> = input.of_year(from).filter_map(partner).collect();
    let mut pairs = Combinations::default();
    let of_pair: Vec<u32> = responses
        .iter()
        .map(|(one, other)| pairs.code(&[input.atom[*one as usize], input.atom[*other as usize]]))
        .collect();
    let mut counts = vec![0_u64; pairs.rows.len()];
    of_pair.iter().for_each(|pair| counts[*pair as usize] += 1);
    let atoms: Vec<[usize; 2]> = pairs.rows.iter().map(|p| [p[0] as usize, p[1] as usize]).collect();
    let mut answered: HashMap<(u32, u32), u64> = HashMap::new();
    for ([one, other], n) in atoms.iter().zip(counts) {
        *answered.entry((cells.of_atom[*one], cells.of_atom[*other])).or_default() += n;
    }
    let mut replies = Vec::new();
    if let Some(all) = &units.replies {
        let mut reply_of = HashMap::new();
        for (at, reply) in all[to].iter().enumerate() {
            reply_of.extend(reply.iter().map(|r| (*r, as_code(at))));
        }
        let mut taken = std::collections::HashSet::new();
        for (at, reply) in all[from].iter().enumerate() {
            let others =
                reply.iter().filter_map(|r| partner(*r as usize)).filter_map(|(_, other)| reply_of.get(&other));
            if let Some(other) = others.copied().find(|o| !taken.contains(o)) {
                taken.insert(other);
                replies.push((as_code(at), other));
            }
        }
    }
    let link = Link { frame: linked(frame_link(input, cells, from, to)), answered: linked(answered) };
    Pairing { link, responses, of_pair, atoms, replies }
}

/// Businesses in both frames, by the cells of both years.
fn frame_link(input: &Input, cells: &Cells, from: usize, to: usize) -> HashMap<(u32, u32), u64> {
    let width = input.profiles.len();
    let both = || input.frame[from].iter().zip(&input.frame[to]).filter(|(a, b)| **a != NONE && **b != NONE);
    let mut profiles: HashMap<(u32, u32), u64> = HashMap::new();
    if width * width <= MOST_COUNTS {
        let mut counts = vec![0_u64; width * width];
        both().for_each(|(one, other)| counts[*one as usize * width + *other as usize] += 1);
        for (at, n) in counts.into_iter().enumerate().filter(|(_, n)| *n > 0) {
            profiles.insert((as_code(at / width), as_code(at % width)), n);
        }
    } else {
        both().for_each(|(one, other)| *profiles.entry((*one, *other)).or_default() += 1);
    }
    let mut frame: HashMap<(u32, u32), u64> = HashMap::new();
    for ((one, other), n) in profiles {
        let cell = |year: usize, profile: u32| cells.of_profile[year][profile as usize];
        *frame.entry((cell(from, one), cell(to, other))).or_default() += n;
    }
    frame
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

/// The sums of a year by group and cell. Where every business counts once, they follow from the tallies; otherwise `rows` are looked at.
pub(crate) fn group_sums(
    data: Data<'_>,
    domain: &Domain,
    tallies: &[Tally],
    rows: Option<&[Row]>,
    by_employees: bool,
    year: usize,
) -> GroupSums {
    let Data { input, cells, units } = data;
    let (groups, width) = (domain.groups.len(), cells.years[year].cells.len());
    if let (true, Some(employees), Some(rows)) = (by_employees, &input.employees, rows) {
        let mut sums = vec![vec![EmployeeSums::default(); width]; groups];
        for response in input.of_year(year) {
            let group = domain.of_atom[input.atom_of(response)];
            if let (true, Row::Value(y)) = (group != NONE, rows[response]) {
                sums[group as usize][data.cell(response)].add(employees[response], y);
            }
        }
        for (cell, sums) in sums.iter_mut().flat_map(|g| g.iter_mut().enumerate()) {
            sums.cell = cell;
        }
        sums.iter_mut().for_each(|g| g.retain(|s| s.n > 0));
        return GroupSums::Employees(sums);
    }
    if let (Some(replies), Some(rows)) = (&units.replies, rows) {
        let of_group = |group| company_sums(data, &replies[year], domain, rows, group);
        return GroupSums::Companies((0..groups).map(of_group).collect());
    }
    let mut sums = vec![vec![CellSums::default(); width]; groups];
    for (atom, tally) in tallies.iter().enumerate().filter(|(a, t)| input.atoms[*a].year == year && t.n > 0) {
        if domain.of_atom[atom] != NONE {
            let into = &mut sums[domain.of_atom[atom] as usize][cells.of_atom[atom] as usize];
            into.n += tally.n;
            into.sum += tally.sum;
            into.sum_sq += tally.sum_sq;
        }
    }
    for (cell, sums) in sums.iter_mut().flat_map(|g| g.iter_mut().enumerate()) {
        sums.cell = cell;
    }
    sums.iter_mut().for_each(|g| g.retain(|s| s.n > 0));
    GroupSums::Businesses(sums)
}

fn company_sums(data: Data<'_>, replies: &[Reply], domain: &Domain, rows: &[Row], group: usize) -> CompanySums {
    let mut sums = CompanySums::default();
    let mut known: HashMap<Vec<ClusterMember>, u32> = HashMap::new();
    for reply in replies {
        let mut members: Vec<ClusterMember> = Vec::new();
        let mut value = None;
        for response in reply.iter().map(|r| *r as usize) {
            let cell = data.cell(response);
            let inside = domain.of_atom[data.input.atom_of(response)] == as_code(group);
            let y = rows[response].value().filter(|_| inside);
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

/// The sums of an indicator over the businesses that answered in both years, by pair of atoms.
pub(crate) fn pair_tally(input: &Input, scores: &Scores<'_>, pairing: &Pairing) -> Vec<OverlapSums> {
    let mut sums = vec![OverlapSums::default(); pairing.atoms.len()];
    let pairs = pairing.responses.iter().zip(&pairing.of_pair);
    match (scores.items.as_slice(), &scores.table) {
        // The usual case, a score looked up by one answer, without a look at the base: that is the same for all of a pair of atoms.
        ([item], Some(table)) => {
            let table: Vec<Option<f64>> = table.iter().map(|row| row.value()).collect();
            for ((one, other), pair) in pairs {
                let (x, y) = (item.codes.get(*one as usize), item.codes.get(*other as usize));
                sums[*pair as usize].add(table[x], table[y]);
            }
            for (sums, [one, other]) in sums.iter_mut().zip(&pairing.atoms) {
                let (before, now) = (scores.in_base[*one], scores.in_base[*other]);
                if !(before && now) {
                    let all = std::mem::take(sums);
                    sums.merge(&all, before, now);
                }
            }
        }
        _ => {
            for ((one, other), pair) in pairs {
                let (x, y) = (scores.row(input, *one as usize), scores.row(input, *other as usize));
                sums[*pair as usize].add(x.value(), y.value());
            }
        }
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

/// The sums of the pairs by group and pair of cells: from the tallies of pairs, or from `rows` where not every business counts once.
pub(crate) fn group_pairs(
    data: Data<'_>,
    domain: &Domain,
    tallies: &[OverlapSums],
    rows: Option<&[Row]>,
    pairing: &Pairing,
    (from, to): (&GroupSums, &GroupSums),
    years: (usize, usize),
) -> GroupPairs {
    let Data { input, cells, units } = data;
    let groups = domain.groups.len();
    let group = |r: u32| domain.of_atom[input.atom_of(r as usize)];
    let value = |r: u32, in_group: u32| rows.and_then(|rows| rows[r as usize].value()).filter(|_| group(r) == in_group);
    match (from, to) {
        (GroupSums::Employees(_), GroupSums::Employees(_)) => {
            let staff = |r: u32| input.employees.as_ref().map_or(0.0, |e| e[r as usize]);
            let mut maps: Vec<HashMap<(usize, usize), EmployeeOverlapSums>> = vec![HashMap::new(); groups];
            for (one, other) in &pairing.responses {
                let (a, b) = (data.cell(*one as usize), data.cell(*other as usize));
                for g in touched(group(*one), group(*other)) {
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
            for ([one, other], tally) in pairing.atoms.iter().zip(tallies) {
                let (a, b) = (cells.of_atom[*one] as usize, cells.of_atom[*other] as usize);
                let (before, now) = (domain.of_atom[*one], domain.of_atom[*other]);
                for g in touched(before, now) {
                    let sums = maps[g as usize].entry((a, b)).or_insert_with(|| OverlapSums::new(a, b));
                    sums.merge(tally, before == g, now == g);
                }
            }
            GroupPairs::Businesses(maps.into_iter().map(|m| sorted(m, |s| (s.from, s.to))).collect())
        }
    }
}

/// A business that changed group adds to each group in the year in which it was there.
fn touched(before: u32, now: u32) -> impl Iterator<Item = u32> {
    [Some(before), (before != now).then_some(now)].into_iter().flatten().filter(|g| *g != NONE)
}

/// Sums in a fixed order, so that rounding is the same in every run.
fn sorted<K, S>(map: HashMap<K, S>, key: impl Fn(&S) -> (usize, usize)) -> Vec<S> {
    let mut list: Vec<S> = map.into_values().collect();
    list.sort_by_key(key);
    list
}

/// Per cell: responses in the base that left the item blank.
pub(crate) fn blanks(Data { input, cells, .. }: Data<'_>, tallies: &[Tally], year: usize) -> Vec<u64> {
    let mut blanks = vec![0; cells.years[year].cells.len()];
    for (atom, tally) in tallies.iter().enumerate().filter(|(a, _)| input.atoms[*a].year == year) {
        blanks[cells.of_atom[atom] as usize] += tally.blank;
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
