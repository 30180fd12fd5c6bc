//! From checked input to a report: designs, figures, changes, what may be shown, verdicts.
mod insight;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use domain::indicator::{Definitions, Indicator, WeightBy};
use domain::insight::Insight;
use domain::language::Texts;
use domain::results::{
    Breakdown, ChangeRow, CoverageRow, Estimate, EstimateRow, Group, IndicatorInfo, Provenance, Report, State, TOTAL,
    Verdict,
};
use sha2::{Digest, Sha256};
use statistics::suppress::{self, Atom, Known, Rules, Slice, suppress};
use statistics::{Adjustment, Change, Design, Figure, OverlapSums, Pairs, Scale, Sums, VarianceKind, judge};

use crate::cells::{self, Cells, Data, Domain, GroupPairs, GroupSums, Pairing, Row, Scores, Tally, Units};
use crate::codes::{Combinations, NONE};
use crate::error::AnalyseError;
use crate::input::{self, Input};
use crate::options::{Fpc, Method, Options, Overlap, Variance, Weighting};
use crate::progress::{Progress, Watch};
use crate::table::{Table, hexadecimal};
use crate::weights::Weights;

/// Figures from fewer answers are marked as uncertain.
const UNCERTAIN_BELOW: u64 = 20;

/// Slack of the audit against its own rounding.
const AUDIT_SLACK: f64 = 1e-4;

/// What to report of the weights of a year. `statistics.md` § 2.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct WeightNote {
    /// Year.
    pub year: i32,
    /// Σ w.
    pub sum: f64,
    /// N.
    pub frame: u64,
    /// n.
    pub answered: u64,
    /// Smallest weight.
    pub min: f64,
    /// Largest weight.
    pub max: f64,
    /// Kish's design effect of the weights.
    pub kish_deff: f64,
    /// Iterations of the raking; 0 otherwise.
    pub iterations: u32,
}

/// The result of an analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Estimates, changes, coverage.
    pub report: Report,
    /// The weight of every response that counts.
    pub weights: Weights,
    /// What to report of the weights, per year.
    pub weighting: Vec<WeightNote>,
    /// Remarks for the analyst, in plain words.
    pub notes: Vec<String>,
}

/// Reads the files that the options name and analyses them. Writes nothing: see [`write`](crate::write).
///
/// # Errors
/// The first fault with file, line and column.
pub fn analyse(options: &Options) -> Result<Analysis, AnalyseError> {
    analyse_watched(options, &|_| ())
}

/// As [`analyse`], and tells how far it has come.
///
/// # Errors
/// As [`analyse`].
pub fn analyse_watched(options: &Options, watch: Watch<'_>) -> Result<Analysis, AnalyseError> {
    let definitions = read_definitions(&options.indicators)?;
    let frame = Table::read(&options.frame, |_| true)?;
    let responses = Table::read(&options.responses, |_| true)?;
    let mut analysis = analyse_tables(&frame, &responses, &definitions, &options.method, watch)?;
    let text = std::fs::read(&options.indicators).unwrap_or_default();
    let inputs = &mut analysis.report.provenance.inputs;
    inputs.insert("indicators".to_owned(), hexadecimal(&Sha256::digest(text)));
    let given = &mut analysis.report.provenance.options;
    given.insert("format".to_owned(), options.format.to_string());
    for (name, path) in
        [("frame", &options.frame), ("responses", &options.responses), ("indicators", &options.indicators)]
    {
        let file = path.file_name().map(|f| f.to_string_lossy().into_owned()).unwrap_or_default();
        given.insert(name.to_owned(), file);
    }
    Ok(analysis)
}

/// Reads a file of indicator definitions.
///
/// # Errors
/// When it cannot be opened or is faulty.
pub fn read_definitions(path: &Path) -> Result<Definitions, AnalyseError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| AnalyseError::Unreadable { file: file.clone(), problem: e.to_string() })?;
    Ok(Definitions::parse(&file, &text)?)
}

/// Analyses tables that were read or handed over ([`Table::from_columns`], [`Table::from_answers`]).
///
/// # Errors
/// The first fault; for rows handed over, "line" is the row counted from 1.
pub fn analyse_rows(
    frame: &Table,
    responses: &Table,
    definitions: &Definitions,
    method: &Method,
) -> Result<Analysis, AnalyseError> {
    analyse_tables(frame, responses, definitions, method, &|_| ())
}

fn analyse_tables(
    frame: &Table,
    responses: &Table,
    definitions: &Definitions,
    method: &Method,
    watch: Watch<'_>,
) -> Result<Analysis, AnalyseError> {
    // The files' fingerprints are taken while they are read: they cost no time where there is a second core.
    std::thread::scope(|scope| {
        let inputs = scope.spawn(|| fingerprints(frame, responses));
        let mut analysis = figured(frame, responses, definitions, method, watch)?;
        analysis.report.provenance.inputs = inputs.join().expect("reading a file does not panic")?;
        Ok(analysis)
    })
}

fn fingerprints(frame: &Table, responses: &Table) -> Result<BTreeMap<String, String>, AnalyseError> {
    let mut inputs = BTreeMap::new();
    for (name, table) in [("frame", frame), ("responses", responses)] {
        if let Some(sha256) = table.sha256()? {
            inputs.insert(name.to_owned(), sha256);
        }
    }
    Ok(inputs)
}

fn figured(
    frame: &Table,
    responses: &Table,
    definitions: &Definitions,
    method: &Method,
    watch: Watch<'_>,
) -> Result<Analysis, AnalyseError> {
    let input = input::read(frame, responses, definitions, method, watch)?;
    watch(Progress::Figures);
    let cells = cells::cells(&input, method);
    let domains = cells::domains(&input, method);
    let units = cells::units(&input);
    let engine = Engine::new(&input, &cells, &domains, &units, definitions, method)?;
    let mut notes = Vec::new();
    if input.empty > 0 {
        notes.push(format!("{} rows of the responses hold no answer and do not count.", input.empty));
    }
    if units.replies.is_some() {
        notes.push("Workplaces of one company with the same answers throughout are taken as one reply.".to_owned());
    }
    if units.replies.is_some() && definitions.indicators.iter().any(|i| i.weight_by == WeightBy::Employees) {
        let note = "Figures by employees take every workplace as a reply of its own: their uncertainty is somewhat larger than stated.";
        notes.push(note.to_owned());
    }
    if method.min_n > 0 {
        notes.extend(apart(definitions));
    }
    let figures = engine.figures();
    // A base that names values nobody has leaves an indicator without a row, which must not pass in silence.
    let silent = definitions.indicators.iter().zip(&figures).filter(|(_, asked)| !asked.years.contains(&true));
    if !responses.is_of_answers() {
        notes.extend(silent.map(|(i, _)| format!("{}: nobody of its base answered, so it has no figure.", i.id)));
    }
    watch(Progress::Changes);
    let steps = engine.steps(&figures)?;
    let shown = engine.shown(&figures, &steps);
    let mut report = Report {
        years: input.years.clone(),
        indicators: definitions.indicators.iter().map(info).collect(),
        breakdowns: breakdowns(&domains, method)?,
        estimates: engine.estimates(&figures, &shown.states),
        changes: engine.changes(&steps, &figures, &shown),
        coverage: engine.coverage(),
        provenance: Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            inputs: BTreeMap::new(),
            options: method.described(),
            collapses: engine.collapses(&steps),
        },
        insight: Insight::default(),
    };
    report.insight = engine.insight(&figures, &steps, &shown, &report);
    let (of_atom, weighting) = (engine.weights(), engine.weighting());
    let weights = Weights::new(input.ids, input.business, input.atom, of_atom);
    Ok(Analysis { report, weights, weighting, notes })
}

/// Indicators whose hidden figures concern one another, but are audited apart.
fn apart(definitions: &Definitions) -> Vec<String> {
    let mut notes = Vec::new();
    for (at, one) in definitions.indicators.iter().enumerate() {
        for other in &definitions.indicators[at + 1..] {
            let common = one.measure.items().iter().any(|item| other.measure.items().contains(item));
            if common && (one.base != other.base || one.weight_by != other.weight_by) {
                notes.push(format!(
                    "{} and {} share a question but not the base: what is hidden is audited for each of them apart.",
                    one.id, other.id
                ));
            }
        }
    }
    notes
}

fn info(indicator: &Indicator) -> IndicatorInfo {
    IndicatorInfo {
        id: indicator.id.clone(),
        kind: indicator.measure.kind(),
        range: indicator.measure.range(),
        title: indicator.title.clone(),
        better: indicator.better,
        headline: indicator.headline,
        breaks: indicator.breaks.clone(),
        formula_version: indicator.formula_version.clone(),
    }
}

/// Titles of breakdowns that every survey has; others carry their column's name.
const TITLES: [(&str, [&str; 3]); 6] = [
    ("total", ["I alt", "Totalt", "Total"]),
    ("sector", ["Branche", "Bransch", "Sector"]),
    ("size", ["Størrelse", "Storlek", "Size"]),
    ("area", ["Område", "Område", "Area"]),
    ("age", ["Virksomhedens alder", "Företagets ålder", "Age of the business"]),
    ("authority", ["Myndighedsområde", "Myndighetsområde", "Authority"]),
];

fn breakdowns(domains: &[Domain], method: &Method) -> Result<Vec<Breakdown>, AnalyseError> {
    let (grouping, classes) = input::definitions_of(method)?;
    let title = |domain: &str, key: &str| match domain {
        "sector" => grouping.sector(key).map(|s| s.titles.clone()),
        "size" => classes.classes().iter().find(|c| c.key == key).map(|c| c.titles.clone()),
        _ => None,
    };
    let list = domains.iter().map(|d| {
        let known = TITLES.iter().find(|(name, _)| *name == d.name);
        Breakdown {
            domain: d.name.clone(),
            title: known.map_or_else(
                || Texts::same(&d.name),
                |(_, [da, sv, en])| Texts { da: (*da).into(), sv: (*sv).into(), en: (*en).into() },
            ),
            groups: d
                .groups
                .iter()
                .map(|key| {
                    let total = (d.name == TOTAL).then(|| TITLES[0].1);
                    let total = total.map(|[da, sv, en]| Texts { da: da.into(), sv: sv.into(), en: en.into() });
                    let title = total.or_else(|| title(&d.name, key)).unwrap_or_else(|| Texts::same(key));
                    Group { key: key.clone(), title }
                })
                .collect(),
        }
    });
    Ok(list.collect())
}

/// Everything of one indicator that was asked in a year.
struct Asked {
    /// Per response; only where not every business counts once, otherwise the tallies are enough.
    rows: Option<Vec<Row>>,
    /// Per atom.
    tallies: Vec<Tally>,
    /// Per year: was it asked and is it valid?
    years: Vec<bool>,
    /// Per year and domain.
    sums: Vec<Vec<GroupSums>>,
    /// Per year.
    blanks: Vec<Vec<u64>>,
    /// Per year, domain and group: the level.
    levels: Vec<Vec<Vec<Figure>>>,
}

/// A combination of all breakdowns: the smallest building block of the linked tables.
struct Combination {
    /// Group per breakdown.
    key: Vec<u32>,
    /// Businesses in the frame, per year; 0 where the frame does not know a breakdown.
    frame: Vec<u64>,
}

/// States per indicator, year, domain and group.
type States = Vec<Vec<Vec<Vec<State>>>>;

/// What may be shown.
struct Shown {
    /// The levels.
    states: States,
    /// Changes that would give a hidden level away although both their levels are shown: indicator, years, domain, group.
    withheld: HashSet<(usize, (usize, usize), usize, usize)>,
}

/// A change that a reader will know and that is no difference of the levels shown, because one collapse for both years gave other
/// weights.
struct KnownChange {
    /// Slice of the earlier year.
    slice: usize,
    /// Years.
    step: (usize, usize),
    /// Group.
    group: usize,
    /// What it tells.
    known: Known,
}

/// Which of the changes would narrow a hidden level too far: breakdown by breakdown, the oldest pair of years first. Rather a change than
/// a level.
fn withheld(
    groups: &[suppress::Group],
    slices: &[Slice],
    changes: Vec<KnownChange>,
    rules: &Rules,
    states: &[Vec<State>],
) -> Vec<KnownChange> {
    let protects = |told: &[&KnownChange]| {
        let known: Vec<Known> = told.iter().map(|c| c.known.clone()).collect();
        suppress::audit(groups, slices, &known, rules, states).iter().all(|audit| {
            let [low, high] = slices[audit.slice].range;
            audit.upper - audit.lower >= rules.width * (high - low) * (1.0 - AUDIT_SLACK)
        })
    };
    if changes.is_empty() || protects(&changes.iter().collect::<Vec<_>>()) {
        return Vec::new();
    }
    let steps: BTreeSet<(usize, usize)> = changes.iter().map(|c| c.step).collect();
    let mut told: Vec<&KnownChange> = Vec::new();
    // The latest pair is the one that is read.
    for step in steps.into_iter().rev() {
        let whole: Vec<&KnownChange> = changes.iter().filter(|c| c.step == step).collect();
        let mut parts = vec![whole.clone()];
        // Where the whole pair tells too much: its totals, then every breakdown that may still be told.
        let mut domains: Vec<&str> = whole.iter().map(|c| groups[c.group].domain.as_str()).collect();
        domains.sort_by_key(|d| *d != TOTAL);
        domains.dedup();
        for domain in domains {
            parts.push(whole.iter().copied().filter(|c| groups[c.group].domain == domain).collect());
        }
        for (part, more) in parts.into_iter().enumerate() {
            let more = [told.clone(), more].concat();
            if protects(&more) {
                told = more;
                if part == 0 {
                    break;
                }
            }
        }
    }
    let keys: HashSet<_> = told.iter().map(|c| (c.slice, c.step, c.group)).collect();
    changes.into_iter().filter(|c| !keys.contains(&(c.slice, c.step, c.group))).collect()
}

struct Engine<'a> {
    input: &'a Input,
    cells: &'a Cells,
    domains: &'a [Domain],
    units: &'a Units,
    definitions: &'a Definitions,
    method: &'a Method,
    options: statistics::Options,
    designs: Vec<Design>,
}

impl<'a> Engine<'a> {
    fn new(
        input: &'a Input,
        cells: &'a Cells,
        domains: &'a [Domain],
        units: &'a Units,
        definitions: &'a Definitions,
        method: &'a Method,
    ) -> Result<Self, AnalyseError> {
        let options = design_options(input, method)?;
        let weigh = |year| Design::single(year, &options).map_err(|e| AnalyseError::Weights(e.to_string()));
        let designs = cells.years.iter().map(weigh).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { input, cells, domains, units, definitions, method, options, designs })
    }

    const fn data(&self) -> Data<'a> {
        Data { input: self.input, cells: self.cells, units: self.units }
    }

    /// Per atom: its year and the weight of its responses.
    fn weights(&self) -> Vec<(i32, Option<f64>)> {
        let atoms = self.input.atoms.iter().zip(&self.cells.of_atom);
        atoms
            .map(|(atom, cell)| (self.input.years[atom.year], self.designs[atom.year].weight(*cell as usize)))
            .collect()
    }

    /// The weight of a response.
    fn weight(&self, response: usize) -> f64 {
        let atom = self.input.atom_of(response);
        let year = self.input.atoms[atom].year;
        self.designs[year].weight(self.cells.of_atom[atom] as usize).unwrap_or(0.0)
    }

    fn weighting(&self) -> Vec<WeightNote> {
        let note = |(year, design): (&i32, &Design)| {
            let s = design.summary();
            WeightNote {
                year: *year,
                sum: s.sum,
                frame: s.frame,
                answered: s.answered,
                min: s.min,
                max: s.max,
                kish_deff: s.kish_deff,
                iterations: s.iterations,
            }
        };
        self.input.years.iter().zip(&self.designs).map(note).collect()
    }

    fn coverage(&self) -> Vec<CoverageRow> {
        let mut coverage = Vec::new();
        for (at, year) in self.input.years.iter().enumerate() {
            for domain in self.domains {
                let Some(frame) = &domain.frame else { continue };
                for (group, key) in domain.groups.iter().enumerate().filter(|(g, _)| frame[at][*g] > 0) {
                    let (n_frame, n_answered) = (frame[at][group], domain.answered[at][group]);
                    coverage.push(CoverageRow {
                        year: *year,
                        domain: domain.name.clone(),
                        group: key.clone(),
                        n_frame,
                        n_answered,
                        #[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
                        response_rate: n_answered as f64 / n_frame as f64,
                    });
                }
            }
        }
        coverage
    }

    fn figures(&self) -> Vec<Asked> {
        in_parallel(&self.definitions.indicators, |i| self.asked(i))
    }

    fn asked(&self, indicator: &Indicator) -> Asked {
        let by_employees = indicator.weight_by == WeightBy::Employees;
        let scores = Scores::new(self.input, indicator);
        let tallies = scores.tally(self.input);
        let one_by_one = by_employees || self.units.replies.is_some();
        let rows = one_by_one.then(|| (0..self.input.len()).map(|r| scores.row(self.input, r)).collect());
        let (years, sums, blanks, levels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut asked = Asked { rows, tallies, years, sums, blanks, levels };
        for (year, number) in self.input.years.iter().enumerate() {
            let valid = indicator.valid_from.is_none_or(|from| from <= *number);
            let here = self.input.atoms.iter().zip(&asked.tallies).any(|(a, t)| a.year == year && t.n > 0);
            asked.years.push(valid && here);
            asked.blanks.push(cells::blanks(self.data(), &asked.tallies, year));
            let rows = asked.rows.as_deref();
            let sums = |d| cells::group_sums(self.data(), d, &asked.tallies, rows, by_employees, year);
            asked.sums.push(self.domains.iter().map(sums).collect());
            let levels = self.domains.iter().enumerate().map(|(d, domain)| {
                let design = &self.designs[year];
                let figure = |g| self.figure(design, indicator, &asked, year, d, g);
                (0..domain.groups.len()).map(figure).collect()
            });
            asked.levels.push(levels.collect());
        }
        asked
    }

    fn figure(&self, design: &Design, indicator: &Indicator, asked: &Asked, year: usize, d: usize, g: usize) -> Figure {
        let scale = Scale::of(indicator.measure.kind(), indicator.measure.range());
        let sums = match &asked.sums[year][d] {
            GroupSums::Businesses(groups) => Sums::Businesses(&groups[g]),
            GroupSums::Employees(groups) => Sums::Employees(&groups[g]),
            GroupSums::Companies(groups) => Sums::Companies(&groups[g].rows),
        };
        design.figure(scale, sums, &asked.blanks[year])
    }

    /// Does the group exist in a year: in the frame, or (for a breakdown that only answers have) among the answers?
    fn exists(&self, year: usize, domain: &Domain, g: usize) -> bool {
        domain.frame.as_ref().unwrap_or(&domain.answered)[year][g] > 0
    }

    /// What may be shown: one pattern over all years of a family of indicators.
    fn shown(&self, figures: &[Asked], steps: &[Step]) -> Shown {
        let fresh = |asked: &Asked| -> Vec<Vec<Vec<State>>> {
            let years = asked.levels.iter();
            years.map(|y| y.iter().map(|d| vec![State::Hidden; d.len()]).collect()).collect()
        };
        let mut shown = Shown { states: figures.iter().map(fresh).collect(), withheld: HashSet::new() };
        if self.method.min_n == 0 {
            self.mark_only(figures, &mut shown.states);
            return shown;
        }
        let (of_atom, combinations) = self.combinations();
        let mut places = Vec::new();
        let mut groups = Vec::new();
        for (d, domain) in self.domains.iter().enumerate() {
            for (g, key) in domain.groups.iter().enumerate() {
                let members =
                    (0..combinations.len()).filter(|c| d == 0 || combinations[*c].key[d - 1] as usize == g).collect();
                groups.push(suppress::Group { domain: domain.name.clone(), group: key.clone(), atoms: members });
                places.push((d, g));
            }
        }
        let rules = Rules { min_n: u64::from(self.method.min_n), width: 0.2, rounded: false };
        for family in self.definitions.families() {
            let mut slices = Vec::new();
            let mut origins = Vec::new();
            for i in family.iter().copied() {
                for year in (0..self.input.years.len()).filter(|y| figures[i].years[*y]) {
                    slices.push(self.slice(i, year, &figures[i], &of_atom, &combinations));
                    origins.push((i, year));
                }
            }
            if slices.is_empty() {
                continue;
            }
            let pattern = suppress(&groups, &slices, &[], &rules);
            // A change links the years of one indicator only, so each indicator is audited on its own.
            for i in family {
                let own: Vec<usize> = (0..slices.len()).filter(|s| origins[*s].0 == i).collect();
                let own_origins: Vec<(usize, usize)> = own.iter().map(|s| origins[*s]).collect();
                let known = self.known_changes(steps, figures, &own_origins, &of_atom, &groups);
                let own_slices: Vec<Slice> = own.iter().map(|s| slices[*s].clone()).collect();
                let own_states: Vec<Vec<State>> = own.iter().map(|s| pattern.states[*s].clone()).collect();
                for change in withheld(&groups, &own_slices, known, &rules, &own_states) {
                    let (d, g) = places[change.group];
                    shown.withheld.insert((i, change.step, d, g));
                }
            }
            for (slice, (i, year)) in origins.into_iter().enumerate() {
                for (group, (d, g)) in places.iter().enumerate() {
                    let dominated = self.dominated(i, year, &figures[i], *d, *g);
                    let state = pattern.states[slice][group];
                    shown.states[i][year][*d][*g] = if dominated { State::Hidden } else { state };
                }
            }
        }
        shown
    }

    /// With hiding switched off, thin figures are still marked.
    fn mark_only(&self, figures: &[Asked], states: &mut States) {
        for (i, asked) in figures.iter().enumerate() {
            for (year, domains) in asked.levels.iter().enumerate() {
                for (d, groups) in domains.iter().enumerate() {
                    for (g, figure) in groups.iter().enumerate() {
                        let thin = figure.estimate().n < UNCERTAIN_BELOW;
                        states[i][year][d][g] = if thin { State::Uncertain } else { State::Shown };
                    }
                }
            }
        }
    }

    /// By employees, a figure in which one or two companies outweigh the others is theirs, however many answered.
    fn dominated(&self, i: usize, year: usize, asked: &Asked, d: usize, g: usize) -> bool {
        let (WeightBy::Employees, Some(employees), Some(rows)) =
            (self.definitions.indicators[i].weight_by, &self.input.employees, &asked.rows)
        else {
            return false;
        };
        let mut by_company: BTreeMap<(bool, u32), f64> = BTreeMap::new();
        for response in self.input.of_year(year) {
            let group = self.domains[d].of_atom[self.input.atom_of(response)];
            if group as usize != g || rows[response].value().is_none() {
                continue;
            }
            let company = self.input.company.as_ref().map_or(NONE, |c| c[response]);
            let key = if company == NONE { (false, self.input.business[response]) } else { (true, company) };
            *by_company.entry(key).or_default() += self.weight(response) * employees[response];
        }
        !by_company.is_empty() && statistics::response::dominated(by_company.into_values())
    }

    /// The finest groups of the linked tables: combinations of all breakdowns, per atom, and (year →) frame counts.
    fn combinations(&self) -> (Vec<usize>, Vec<Combination>) {
        let years = self.input.years.len();
        let mut known = Combinations::default();
        let of_atom: Vec<usize> = (0..self.input.atoms.len())
            .map(|a| known.code(&self.domains[1..].iter().map(|d| d.of_atom[a]).collect::<Vec<_>>()) as usize)
            .collect();
        let sources: Vec<_> = self.domains[1..].iter().map(|d| self.input.columns.get(&d.name)).collect();
        let mut frame: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        if sources.iter().all(|s| s.is_some_and(|s| s.of_frame)) {
            for (profile, codes) in self.input.profiles.iter().enumerate() {
                let key: Vec<u32> = sources.iter().flatten().map(|s| Input::frame_code(s, codes)).collect();
                let counts: Vec<u64> = self.input.frame_count.iter().map(|c| c[profile]).collect();
                if counts.iter().any(|n| *n > 0) {
                    let sum = frame.entry(known.code(&key) as usize).or_insert_with(|| vec![0; years]);
                    sum.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
                }
            }
        }
        let combination = |(at, key): (usize, Vec<u32>)| {
            let frame = frame.get(&at).cloned().unwrap_or_else(|| vec![0; years]);
            Combination { key, frame }
        };
        (of_atom, known.rows.into_iter().enumerate().map(combination).collect())
    }

    fn slice(&self, i: usize, year: usize, asked: &Asked, of_atom: &[usize], combinations: &[Combination]) -> Slice {
        let indicator = &self.definitions.indicators[i];
        let mut list: Vec<Atom> =
            combinations.iter().map(|c| Atom { frame: c.frame[year], ..Atom::default() }).collect();
        self.weighed(indicator, asked, year, &self.designs[year], |atom, part| {
            let into = &mut list[of_atom[atom]];
            into.n += part.n;
            into.weight += part.weight;
            into.sum += part.sum;
            into.sum_sq += part.sum_sq;
        });
        // Of a base that answers define, the frame knows nothing; it must not look as if everybody had been asked.
        if !indicator.base.is_everybody() {
            list.iter_mut().for_each(|a| a.frame = 0);
        }
        Slice {
            indicator: indicator.id.clone(),
            year: self.input.years[year],
            range: indicator.measure.range(),
            share: indicator.measure.kind() == domain::indicator::Kind::Share,
            atoms: list,
        }
    }

    /// n, Σ w, Σ w·y and Σ w·y² of an indicator, atom by atom, or response by response where those count by their employees.
    fn weighed(
        &self,
        indicator: &Indicator,
        asked: &Asked,
        year: usize,
        design: &Design,
        mut each: impl FnMut(usize, Atom),
    ) {
        let weight = |atom: usize| design.weight(self.cells.of_atom[atom] as usize).unwrap_or(0.0);
        if let (WeightBy::Employees, Some(employees), Some(rows)) =
            (indicator.weight_by, &self.input.employees, &asked.rows)
        {
            for response in self.input.of_year(year) {
                if let Some(y) = rows[response].value() {
                    let atom = self.input.atom_of(response);
                    let weight = weight(atom) * employees[response];
                    each(atom, Atom { n: 1, weight, sum: weight * y, sum_sq: weight * y * y, ..Atom::default() });
                }
            }
            return;
        }
        let of_year = asked.tallies.iter().enumerate().filter(|(a, t)| self.input.atoms[*a].year == year && t.n > 0);
        for (atom, tally) in of_year {
            let weight = weight(atom);
            #[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
            let n = tally.n as f64;
            let (sum, sum_sq) = (weight * tally.sum, weight * tally.sum_sq);
            each(atom, Atom { n: tally.n, weight: weight * n, sum, sum_sq, ..Atom::default() });
        }
    }

    /// Changes whose common collapse gave other weights than the levels have.
    fn known_changes(
        &self,
        steps: &[Step],
        figures: &[Asked],
        origins: &[(usize, usize)],
        of_atom: &[usize],
        groups: &[suppress::Group],
    ) -> Vec<KnownChange> {
        let mut known = Vec::new();
        for step in steps.iter().filter(|s| s.reweighted) {
            for (from, (i, year)) in origins.iter().enumerate().filter(|(_, (_, year))| *year == step.from) {
                let indicator = &self.definitions.indicators[*i];
                let Some(to) = origins.iter().position(|o| *o == (*i, step.to)) else { continue };
                if !indicator.comparable(self.input.years[*year], self.input.years[step.to]) {
                    continue;
                }
                // Per atom Σ w and Σ w·y under the weights of the pair.
                let sums = [(0, step.from), (1, step.to)].map(|(at, year)| {
                    let mut atoms: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
                    self.weighed(indicator, &figures[*i], year, &step.designs[at], |atom, part| {
                        let atom = atoms.entry(of_atom[atom]).or_default();
                        atom.0 += part.weight;
                        atom.1 += part.sum;
                    });
                    atoms
                });
                for (group, members) in groups.iter().enumerate() {
                    let of = |sums: &BTreeMap<usize, (f64, f64)>| {
                        let there: Vec<(usize, (f64, f64))> =
                            members.atoms.iter().filter_map(|a| sums.get(a).map(|s| (*a, *s))).collect();
                        let (weight, sum) = there.iter().fold((0.0, 0.0), |t, (_, s)| (t.0 + s.0, t.1 + s.1));
                        let weights: Vec<(usize, f64)> = there.into_iter().map(|(a, (w, _))| (a, w)).collect();
                        (weights, sum / weight)
                    };
                    let ((earlier, before), (later, after)) = (of(&sums[0]), of(&sums[1]));
                    if !earlier.is_empty() && !later.is_empty() {
                        let told = Known::change(group, (from, &earlier), (to, &later), after - before, 0.0);
                        known.push(KnownChange { slice: from, step: (step.from, step.to), group, known: told });
                    }
                }
            }
        }
        known
    }

    fn estimates(&self, figures: &[Asked], states: &States) -> Vec<EstimateRow> {
        let mut rows = Vec::new();
        for (i, indicator) in self.definitions.indicators.iter().enumerate() {
            for (year, number) in self.input.years.iter().enumerate().filter(|(y, _)| figures[i].years[*y]) {
                for (d, domain) in self.domains.iter().enumerate() {
                    for (g, key) in domain.groups.iter().enumerate().filter(|(g, _)| self.exists(year, domain, *g)) {
                        let estimate = *figures[i].levels[year][d][g].estimate();
                        let state = states[i][year][d][g];
                        let bare = Estimate { value: None, se: None, df: None, interval: None, deff: None, ..estimate };
                        rows.push(EstimateRow {
                            indicator: indicator.id.clone(),
                            year: *number,
                            domain: domain.name.clone(),
                            group: key.clone(),
                            n_frame: domain.frame.as_ref().map(|f| f[year][g]),
                            estimate: if state.is_hidden() { bare } else { estimate },
                            state,
                        });
                    }
                }
            }
        }
        rows
    }

    /// Every pair of years in which something was asked both times, under one collapse.
    fn steps(&self, figures: &[Asked]) -> Result<Vec<Step>, AnalyseError> {
        let mut steps = Vec::new();
        for from in 0..self.input.years.len() {
            for to in from + 1..self.input.years.len() {
                if !figures.iter().any(|f| f.years[from] && f.years[to]) {
                    continue;
                }
                let pair = [&self.cells.years[from], &self.cells.years[to]];
                let designs = Design::build(&pair, &self.options).map_err(|e| AnalyseError::Weights(e.to_string()))?;
                let reweighted = [from, to].iter().zip(&designs).any(|(year, design)| {
                    let cells = 0..self.cells.years[*year].cells.len();
                    cells.into_iter().any(|cell| design.weight(cell) != self.designs[*year].weight(cell))
                });
                let pairing = cells::pairing(self.data(), from, to);
                let both = |i: usize| figures[i].years[from] && figures[i].years[to] && figures[i].rows.is_none();
                let indicators: Vec<(usize, &Indicator)> = self.definitions.indicators.iter().enumerate().collect();
                let tallies = in_parallel(&indicators, |(i, indicator)| {
                    let pairs = || cells::pair_tally(self.input, &Scores::new(self.input, indicator), &pairing);
                    if both(*i) { pairs() } else { Vec::new() }
                });
                steps.push(Step { from, to, designs, pairing, tallies, reweighted });
            }
        }
        Ok(steps)
    }

    /// The collapses made for levels and for changes, in plain words.
    fn collapses(&self, steps: &[Step]) -> Vec<String> {
        let mut collapses: Vec<String> = Vec::new();
        for design in self.designs.iter().chain(steps.iter().flat_map(|s| &s.designs)) {
            for collapse in design.collapses().iter().map(ToString::to_string) {
                if !collapses.contains(&collapse) {
                    collapses.push(collapse);
                }
            }
        }
        collapses
    }

    fn changes(&self, steps: &[Step], figures: &[Asked], shown: &Shown) -> Vec<ChangeRow> {
        let mut rows: Vec<ChangeRow> = steps.iter().flat_map(|step| self.step(step, figures, shown)).collect();
        let order: BTreeMap<&str, usize> =
            self.definitions.indicators.iter().enumerate().map(|(i, d)| (d.id.as_str(), i)).collect();
        rows.sort_by_key(|r| (order.get(r.indicator.as_str()).copied(), r.year_from, r.year_to));
        rows
    }

    /// All changes between two years: first the numbers, then the families of comparisons.
    fn step(&self, step: &Step, figures: &[Asked], may: &Shown) -> Vec<ChangeRow> {
        let (from, to) = (self.input.years[step.from], self.input.years[step.to]);
        let mut rows = Vec::new();
        let mut totals: Vec<(usize, Option<Change>)> = Vec::new();
        for (i, asked) in figures.iter().enumerate().filter(|(_, f)| f.years[step.from] && f.years[step.to]) {
            let indicator = &self.definitions.indicators[i];
            let comparable = indicator.comparable(from, to);
            for (d, domain) in self.domains.iter().enumerate() {
                let here: Vec<usize> = (0..domain.groups.len())
                    .filter(|g| self.exists(step.from, domain, *g) && self.exists(step.to, domain, *g))
                    .collect();
                let hidden = |g: &usize| {
                    let level = |year: usize| may.states[i][year][d][*g].is_hidden();
                    level(step.from) || level(step.to) || may.withheld.contains(&(i, (step.from, step.to), d, *g))
                };
                let changes = self.domain_changes(step, i, asked, d, &here);
                let shown: Vec<Option<Change>> = here
                    .iter()
                    .zip(&changes)
                    .map(|(g, change)| (comparable && !hidden(g)).then_some(*change))
                    .collect();
                let judged = judge(&shown, if d == 0 { Adjustment::None } else { Adjustment::BenjaminiHochberg });
                for ((g, change), judgement) in here.iter().zip(&changes).zip(judged) {
                    if d == 0 && indicator.headline {
                        totals.push((rows.len(), (comparable && !hidden(g)).then_some(*change)));
                    }
                    let verdict = if comparable { judgement.verdict } else { Verdict::Break };
                    let visible = (comparable && !hidden(g)).then_some(*change);
                    rows.push(ChangeRow {
                        indicator: indicator.id.clone(),
                        year_from: from,
                        year_to: to,
                        domain: domain.name.clone(),
                        group: domain.groups[*g].clone(),
                        n_from: change.n_from,
                        n_to: change.n_to,
                        n_both: change.n_both,
                        change: visible.and_then(|c| c.change),
                        se: visible.and_then(|c| c.se),
                        df: visible.and_then(|c| c.df),
                        interval: visible.and_then(|c| c.interval),
                        p_value: visible.and_then(|c| c.p_value),
                        p_adjusted: visible.and(judgement.p_adjusted),
                        detectable: visible.and_then(|c| c.detectable),
                        verdict,
                    });
                }
            }
        }
        // The headline indicators in the total are one family of their own.
        let family: Vec<Option<Change>> = totals.iter().map(|(_, change)| *change).collect();
        for ((row, change), judgement) in totals.iter().zip(judge(&family, Adjustment::Holm)) {
            if change.is_some() {
                rows[*row].p_adjusted = judgement.p_adjusted;
                rows[*row].verdict = judgement.verdict;
            }
        }
        rows
    }

    /// The sums of an indicator over those that answered in both years, in one domain.
    fn pairs_of(&self, step: &Step, i: usize, asked: &Asked, d: usize) -> GroupPairs {
        let sums = (&asked.sums[step.from][d], &asked.sums[step.to][d]);
        let (domain, rows, years) = (&self.domains[d], asked.rows.as_deref(), (step.from, step.to));
        cells::group_pairs(self.data(), domain, &step.tallies[i], rows, &step.pairing, sums, years)
    }

    fn domain_changes(&self, step: &Step, i: usize, asked: &Asked, d: usize, here: &[usize]) -> Vec<Change> {
        let indicator = &self.definitions.indicators[i];
        let pairs = self.pairs_of(step, i, asked, d);
        let overlap = match self.method.overlap {
            Overlap::Own => statistics::Overlap::Own,
            Overlap::Pooled => statistics::Overlap::Pooled,
            Overlap::None => statistics::Overlap::None,
        };
        let change = |g: &usize| {
            let from = self.figure(&step.designs[0], indicator, asked, step.from, d, *g);
            let to = self.figure(&step.designs[1], indicator, asked, step.to, d, *g);
            let (pairs, link) = match &pairs {
                GroupPairs::Businesses(groups) => (Pairs::Businesses(&groups[*g]), &step.pairing.link),
                GroupPairs::Employees(groups) => (Pairs::Employees(&groups[*g]), &step.pairing.link),
                GroupPairs::Companies(groups) => (Pairs::Businesses(&groups[*g].0), &groups[*g].1),
            };
            statistics::change(&from, &to, link, pairs, overlap)
        };
        here.iter().map(change).collect()
    }
}

/// A pair of years under one collapse.
struct Step {
    from: usize,
    to: usize,
    designs: Vec<Design>,
    pairing: Pairing,
    /// Per indicator the sums over those that answered in both years.
    tallies: Vec<Vec<OverlapSums>>,
    /// The common collapse gives other weights than each year's own.
    reweighted: bool,
}

pub(crate) fn design_options(input: &Input, method: &Method) -> Result<statistics::Options, AnalyseError> {
    let (grouping, _) = input::definitions_of(method)?;
    let class = method.class().and_then(|c| input.columns.get(c));
    let into = |s: &domain::industry::Sector| s.collapse_into.clone().map(|into| (s.key.clone(), into));
    Ok(statistics::Options {
        weighting: match method.weights {
            Weighting::Cells => statistics::Weighting::Cells {
                min_cell: u64::from(method.min_cell),
                collapse_into: grouping.sectors().iter().filter_map(into).collect(),
            },
            Weighting::Rake => statistics::Weighting::Rake { margins: method.margins.clone(), bounds: None },
            Weighting::None => statistics::Weighting::None,
        },
        fpc: match method.fpc {
            Fpc::Unit => statistics::Fpc::Unit,
            Fpc::Item => statistics::Fpc::Item,
            Fpc::None => statistics::Fpc::None,
        },
        variance: match method.variance {
            Variance::Design => VarianceKind::Design,
            Variance::Response => VarianceKind::Response,
        },
        size_order: class.map(|c| c.labels.clone()).unwrap_or_default(),
    })
}

/// Works on every item, on as many cores as there are, and gives the results in the items' order.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = items.len().div_ceil(cores).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> =
            items.chunks(share).map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<R>>())).collect();
        parts.into_iter().flat_map(|part| part.join().expect("figures do not panic")).collect()
    })
}
