//! The figures of closed rounds, table by table: sums come from the store once, everything else is algebra and kept until the data change.
//!
//! Nothing leaves [`Explorer::report`] unsuppressed or unrounded: pages, charts and files are all made of what it answers.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::MunicipalityId;
use domain::indicator::{Definitions, Indicator, WeightBy};
use domain::insight::Insight;
use domain::language::{Language, Texts};
use domain::municipality::Municipality;
use domain::questionnaire::{QuestionKind, Questionnaire};
use domain::results::{
    ALL, Breakdown, ChangeRow, CoverageRow, EstimateRow, Group, IndicatorInfo, Provenance, Report, TOTAL,
};
use domain::size::SizeClasses;
use statistics::suppress::Rules;
use statistics::tables::{
    Axis, Measured, PairTally, Pattern, Population, Shift, Tables, Tally, YearTally, judge_headlines,
};
use statistics::{
    Cell, Change, Fpc, Link, Linked, Options, OverlapSums, Scale, VarianceKind, Weighting, Year, rounding,
};
use store::sums::{BETWEEN, Breakdown as By, DataVersion, YearSums};
use store::{Store, StoreError};

use crate::error::PageError;

/// Answers that a weighting cell needs, as in a publication.
const MIN_CELL: u64 = 5;
/// The question behind the breakdown by authority.
const AUTHORITY: &str = "authority";
/// Names of the axes, in the order of an atom's key.
pub const AXES: [&str; 5] = ["sector", "size", "area", "age", AUTHORITY];
/// Axes of a publication.
const PUBLISHED: [usize; 2] = [0, 1];

/// What explorers there are, one a municipality.
#[derive(Default)]
pub struct Shelf {
    ready: Mutex<HashMap<MunicipalityId, Arc<Explorer>>>,
    /// One visitor at a time makes an explorer; the others wait for it.
    making: tokio::sync::Mutex<()>,
}

/// Why there is nothing to explore.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExploreError {
    /// No closed round with answers.
    #[error("no round is closed yet")]
    Nothing,
    /// The answers cannot be weighted to the frame.
    #[error("{0}")]
    Weights(#[from] statistics::DesignError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A definition cannot be read, or the work was interrupted.
    #[error("{0}")]
    Internal(String),
}

impl From<ExploreError> for PageError {
    fn from(error: ExploreError) -> Self {
        match error {
            ExploreError::Store(error) => error.into(),
            ExploreError::Nothing | ExploreError::Weights(_) => Self::Conflict,
            other => Self::internal(other),
        }
    }
}

/// An axis with titles.
#[derive(Debug, Clone)]
pub struct AxisTitle {
    /// `sector`, …
    pub name: &'static str,
    /// Title.
    pub title: Texts,
    /// Titles of its groups.
    pub groups: Vec<Texts>,
}

/// What is asked for: one table of the closed list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The indicator, by position.
    pub indicator: usize,
    /// The axes, ascending; none: the total.
    pub axes: Vec<usize>,
    /// The year, by position.
    pub year: usize,
}

/// The tables of a municipality with everything made so far.
pub struct Explorer {
    key: Key,
    municipality: MunicipalityId,
    definitions: Definitions,
    families: Vec<Vec<usize>>,
    /// Cells of every year, as the store numbers them.
    years: Vec<YearSums>,
    tables: Tables,
    titles: Vec<AxisTitle>,
    atoms: HashMap<(String, String, String), usize>,
    measured: Mutex<HashMap<usize, Arc<Measured>>>,
    patterns: Mutex<HashMap<usize, Arc<Pattern>>>,
    /// One visitor at a time asks the database for an indicator.
    asking: tokio::sync::Mutex<()>,
    /// Years whose answers have been cut off from their frame.
    cut: Vec<i32>,
    /// Workplaces for which another's reply stands too, in any year.
    copies: u64,
}

#[derive(Debug, Clone, PartialEq)]
struct Key {
    data: Vec<DataVersion>,
    threshold: u32,
    grouping: String,
}

fn kept<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shelf {
    /// The explorer of a municipality's closed rounds as they are now.
    ///
    /// # Errors
    /// [`ExploreError::Nothing`] before the first round is closed; others when its answers cannot be used.
    pub async fn of(&self, store: &Store, municipality: &Municipality) -> Result<Arc<Explorer>, ExploreError> {
        let grouping = municipality.settings.sectors().map_err(|e| ExploreError::Internal(e.to_string()))?;
        let key = Key {
            data: store.data_version(&municipality.id).await?.into_iter().filter(|v| v.responses > 0).collect(),
            threshold: municipality.settings.threshold,
            grouping: grouping.sectors().iter().map(|s| format!("{}\n", s.key)).collect(),
        };
        let ready = || kept(&self.ready).get(&municipality.id).filter(|e| e.key == key).cloned();
        if let Some(explorer) = ready() {
            return Ok(explorer);
        }
        let _turn = self.making.lock().await;
        if let Some(explorer) = ready() {
            return Ok(explorer);
        }
        let explorer = Arc::new(Explorer::make(store, municipality, key).await?);
        kept(&self.ready).insert(municipality.id.clone(), Arc::clone(&explorer));
        // Whoever looks at one indicator will look at others.
        let (store, next) = (store.clone(), Arc::clone(&explorer));
        tokio::spawn(async move {
            let wanted: Vec<usize> = next.indicators().map(|(at, _)| at).collect();
            for indicator in wanted {
                if let Err(error) = next.pattern(&store, indicator).await {
                    tracing::warn!("Figures to explore could not be made ahead: {error}");
                    return;
                }
            }
        });
        Ok(explorer)
    }
}

/// A key as a word: areas have no titles of their own.
fn readable(key: &str) -> String {
    let words = key.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn texts(da: &str, sv: &str, en: &str) -> Texts {
    Texts { da: da.into(), sv: sv.into(), en: en.into() }
}

/// The options of the question behind the authorities.
fn authorities(questionnaire: Option<&Questionnaire>) -> Vec<(String, Texts)> {
    let questions = questionnaire.into_iter().flat_map(|q| q.blocks.iter().flat_map(|b| &b.questions));
    let mut options = questions.filter(|q| q.key == AUTHORITY).filter_map(|q| match &q.kind {
        QuestionKind::Single { options } => Some(options),
        _ => None,
    });
    options.next().into_iter().flatten().map(|o| (o.code.clone(), o.text.clone())).collect()
}

impl Explorer {
    async fn make(store: &Store, municipality: &Municipality, key: Key) -> Result<Self, ExploreError> {
        let id = &municipality.id;
        let mut definitions = Definitions::shipped();
        definitions.mark_breaks(&store.series_breaks(id).await?);
        let first = definitions.indicators.first().ok_or(ExploreError::Nothing)?;
        let (mut years, mut cut) = (Vec::new(), Vec::new());
        for year in key.data.iter().map(|v| v.year) {
            match store.indicator_sums(id, &[year], first, By::Cross(AUTHORITY)).await {
                Ok(sums) => years.extend(sums),
                Err(StoreError::State(_)) => cut.push(year),
                Err(error) => return Err(error.into()),
            }
        }
        years.retain(|y| y.cells.iter().any(|c| c.answered > 0));
        if years.is_empty() {
            return Err(ExploreError::Nothing);
        }
        let mut latest = None;
        for round in store.rounds(id).await? {
            if let (Some(form), None) = (&round.questionnaire, &latest)
                && years.iter().any(|y| y.year == round.year)
            {
                latest = Some(store.questionnaire(id, form).await?);
            }
        }
        let mut profiles = Vec::new();
        for year in &years {
            profiles.push(store.frame_profiles(id, year.year).await?);
        }

        // The groups of every axis, in reading order.
        let grouping = municipality.settings.sectors().map_err(|e| ExploreError::Internal(e.to_string()))?;
        let sizes = SizeClasses::default_for(municipality.country);
        let mut groups: Vec<Vec<(String, Texts)>> = vec![
            grouping.sectors().iter().map(|s| (s.key.clone(), s.titles.clone())).collect(),
            sizes.classes().iter().map(|c| (c.key.clone(), c.titles.clone())).collect(),
            Vec::new(),
            vec![
                ("0-3".to_owned(), texts("0–3 år", "0–3 år", "0–3 years")),
                ("4+".to_owned(), texts("4 år og derover", "4 år och äldre", "4 years and older")),
            ],
            authorities(latest.as_ref()),
        ];
        let mut seen: Vec<BTreeSet<String>> = vec![BTreeSet::new(); AXES.len()];
        for (year, profiles) in years.iter().zip(&profiles) {
            for p in profiles {
                for (axis, key) in [&p.sector, &p.size, &p.area, &p.age].into_iter().enumerate() {
                    seen[axis].insert(key.clone());
                }
            }
            seen[4].extend(year.present.keys().filter_map(|g| g.split(BETWEEN).nth(2)).map(str::to_owned));
        }
        for (groups, seen) in groups.iter_mut().zip(seen) {
            groups.retain(|(key, _)| seen.contains(key));
            let new: Vec<String> =
                seen.into_iter().filter(|k| !k.is_empty() && groups.iter().all(|(g, _)| g != k)).collect();
            groups.extend(new.into_iter().map(|key| {
                let title = Texts::same(&readable(&key));
                (key, title)
            }));
        }
        let at = |axis: usize, key: &str| groups[axis].iter().position(|(g, _)| g == key);

        // The atoms: everybody who answered in any year.
        let mut atoms: HashMap<(String, String, String), usize> = HashMap::new();
        let mut keys: Vec<Vec<Option<usize>>> = Vec::new();
        for year in &years {
            for (group, cells) in &year.present {
                for (cell, _) in cells {
                    let cell = &year.cells[*cell];
                    let next = keys.len();
                    let atom = (cell.sector.clone(), cell.size.clone(), group.clone());
                    if *atoms.entry(atom).or_insert(next) == next {
                        let mut parts = group.split(BETWEEN);
                        let mut part = |axis: usize| parts.next().and_then(|key| at(axis, key));
                        let rest = [part(2), part(3), part(4)];
                        keys.push([at(0, &cell.sector), at(1, &cell.size)].into_iter().chain(rest).collect());
                    }
                }
            }
        }
        let cells = years
            .iter()
            .map(|year| {
                let places: HashMap<(&str, &str), usize> =
                    year.cells.iter().map(|c| (c.sector.as_str(), c.size.as_str())).zip(0..).collect();
                let mut of_atom = vec![None; keys.len()];
                for ((sector, size, _), atom) in &atoms {
                    of_atom[*atom] = places.get(&(sector.as_str(), size.as_str())).copied();
                }
                of_atom
            })
            .collect();
        let mut links = BTreeMap::new();
        for (from, to) in pairs(years.len()) {
            let of = (&years[from], &years[to]);
            let frame = store.frame_link(id, of).await?;
            let mut answered: BTreeMap<(usize, usize), u64> = BTreeMap::new();
            for pair in store.indicator_crossing(id, of, first, AUTHORITY).await? {
                *answered.entry((pair.sums.from, pair.sums.to)).or_default() += pair.answered;
            }
            let linked = |(from, to, n)| Linked { from, to, n };
            let frame = frame.into_iter().map(|l| linked((l.from, l.to, l.n))).collect();
            let answered = answered.into_iter().map(|((from, to), n)| linked((from, to, n))).collect();
            links.insert((from, to), Link { frame, answered });
        }
        let population = Population {
            years: years.iter().map(cells_of).collect(),
            axes: AXES
                .iter()
                .zip(&groups)
                .map(|(name, groups)| Axis {
                    name: (*name).to_owned(),
                    groups: groups.iter().map(|(key, _)| key.clone()).collect(),
                    of_frame: *name != AUTHORITY,
                })
                .collect(),
            atoms: keys,
            cells,
            frame: profiles
                .iter()
                .map(|rows| {
                    let key = |p: &store::sums::Profile| {
                        (vec![at(0, &p.sector), at(1, &p.size), at(2, &p.area), at(3, &p.age), None], p.n)
                    };
                    rows.iter().map(key).collect()
                })
                .collect(),
            links,
        };
        let into = |s: &domain::industry::Sector| s.collapse_into.clone().map(|into| (s.key.clone(), into));
        let options = Options {
            weighting: Weighting::Cells {
                min_cell: MIN_CELL,
                collapse_into: grouping.sectors().iter().filter_map(into).collect(),
            },
            fpc: Fpc::Item,
            variance: VarianceKind::Design,
            size_order: sizes.classes().iter().map(|c| c.key.clone()).collect(),
        };
        let rules = Rules { min_n: u64::from(municipality.settings.threshold.max(5)), width: 0.2, rounded: false };
        let names = [
            texts("Branche", "Bransch", "Sector"),
            texts("Størrelse", "Storlek", "Size"),
            texts("Område", "Område", "Area"),
            texts("Virksomhedens alder", "Företagets ålder", "Age of the business"),
            texts("Myndighedsområde", "Myndighetsområde", "Authority"),
        ];
        let titles = AXES.into_iter().zip(names).zip(groups).map(|((name, title), groups)| AxisTitle {
            name,
            title,
            groups: groups.into_iter().map(|(_, title)| title).collect(),
        });
        let families = definitions.families();
        let tables = tokio::task::spawn_blocking(move || Tables::new(population, &options, rules))
            .await
            .map_err(|e| ExploreError::Internal(e.to_string()))??;
        Ok(Self {
            key,
            municipality: id.clone(),
            families,
            copies: years.iter().map(|y| y.copies).sum(),
            years,
            tables,
            titles: titles.collect(),
            atoms,
            measured: Mutex::default(),
            patterns: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            cut,
            definitions,
        })
    }

    /// The indicators that can be asked for: those that count every business once.
    pub fn indicators(&self) -> impl Iterator<Item = (usize, &Indicator)> {
        self.definitions.indicators.iter().enumerate().filter(|(_, i)| i.weight_by == WeightBy::Businesses)
    }

    /// The years, ascending.
    #[must_use]
    pub fn years(&self) -> Vec<i32> {
        self.years.iter().map(|y| y.year).collect()
    }

    /// Years that can be explored no more, since their answers have been cut off from the frame.
    #[must_use]
    pub fn cut(&self) -> &[i32] {
        &self.cut
    }

    /// The axes with their titles.
    #[must_use]
    pub fn axes(&self) -> &[AxisTitle] {
        &self.titles
    }

    /// The tables.
    #[must_use]
    pub const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Fewest answers behind a shown figure.
    #[must_use]
    pub fn threshold(&self) -> u32 {
        self.key.threshold.max(5)
    }

    /// Who answered the latest round, by the groups of an axis that the frame knows: (group, in the frame, answered).
    #[must_use]
    pub fn who_answered(&self, axis: usize) -> Vec<(usize, u64, u64)> {
        let population = self.tables.population();
        let (Some(year), true) = (self.years.last(), population.axes[axis].of_frame) else { return Vec::new() };
        let mut answered = vec![0; population.axes[axis].groups.len()];
        for (group, cells) in &year.present {
            for (cell, n) in cells {
                let atom = self.atom(year, *cell, group);
                if let Some(at) = atom.and_then(|atom| population.atoms[atom][axis]) {
                    answered[at] += n;
                }
            }
        }
        let frame = |g: usize| {
            let place = self.tables.table(&[axis])[g];
            self.tables.frame(place, self.years.len() - 1).unwrap_or_default()
        };
        answered.into_iter().enumerate().map(|(g, n)| (g, frame(g), n)).filter(|(_, frame, n)| frame + n > 0).collect()
    }

    /// Workplaces for which another's reply stands too.
    #[must_use]
    pub const fn copies(&self) -> u64 {
        self.copies
    }

    /// The sums of an indicator, from the database once.
    ///
    /// # Errors
    /// The database's.
    pub async fn measured(&self, store: &Store, indicator: usize) -> Result<Arc<Measured>, ExploreError> {
        let ready = || kept(&self.measured).get(&indicator).cloned();
        if let Some(measured) = ready() {
            return Ok(measured);
        }
        let _turn = self.asking.lock().await;
        if let Some(measured) = ready() {
            return Ok(measured);
        }
        let made = Arc::new(self.ask(store, &self.definitions.indicators[indicator]).await?);
        kept(&self.measured).insert(indicator, Arc::clone(&made));
        Ok(made)
    }

    fn atom(&self, year: &YearSums, cell: usize, group: &str) -> Option<usize> {
        let cell = year.cells.get(cell)?;
        self.atoms.get(&(cell.sector.clone(), cell.size.clone(), group.to_owned())).copied()
    }

    async fn ask(&self, store: &Store, indicator: &Indicator) -> Result<Measured, ExploreError> {
        let id = &self.municipality;
        let numbers = self.years();
        let sums = store.indicator_sums(id, &numbers, indicator, By::Cross(AUTHORITY)).await?;
        let mut years = Vec::new();
        for sums in sums {
            let mut tallies = Vec::new();
            for (group, rows) in &sums.groups {
                for row in rows {
                    if let Some(atom) = self.atom(&sums, row.cell, group) {
                        tallies.push(Tally { atom, n: row.n, sum: row.sum, sum_sq: row.sum_sq });
                    }
                }
            }
            let valid = indicator.valid_from.is_none_or(|from| from <= sums.year) && !tallies.is_empty();
            years.push(valid.then_some(YearTally { tallies, blanks: sums.blanks }));
        }
        let (mut crossed, mut broken) = (BTreeMap::new(), BTreeSet::new());
        for (from, to) in pairs(numbers.len()) {
            if !indicator.comparable(numbers[from], numbers[to]) {
                broken.insert((from, to));
            }
            if years[from].is_none() || years[to].is_none() {
                continue;
            }
            let of = (&self.years[from], &self.years[to]);
            let mut rows = Vec::new();
            for pair in store.indicator_crossing(id, of, indicator, AUTHORITY).await? {
                let s = pair.sums;
                let atoms = (self.atom(of.0, s.from, &pair.from_group), self.atom(of.1, s.to, &pair.to_group));
                let (Some(a), Some(b)) = atoms else { continue };
                let sums = OverlapSums {
                    from: s.from,
                    to: s.to,
                    n_x: s.n_x,
                    sum_x: s.sum_x,
                    sum_xx: s.sum_xx,
                    n_y: s.n_y,
                    sum_y: s.sum_y,
                    sum_yy: s.sum_yy,
                    n_xy: s.n_xy,
                    both_x: s.both_x,
                    both_y: s.both_y,
                    sum_xy: s.sum_xy,
                };
                rows.push(PairTally { from: a, to: b, sums });
            }
            crossed.insert((from, to), rows);
        }
        Ok(Measured {
            id: indicator.id.clone(),
            scale: Scale::of(indicator.measure.kind(), indicator.measure.range()),
            everybody: indicator.base.is_everybody(),
            years,
            pairs: crossed,
            broken,
        })
    }

    /// What may be shown of an indicator's family.
    ///
    /// # Errors
    /// The database's.
    pub async fn pattern(self: &Arc<Self>, store: &Store, indicator: usize) -> Result<Arc<Pattern>, ExploreError> {
        let family = self.families.iter().position(|f| f.contains(&indicator)).unwrap_or_default();
        let ready = || kept(&self.patterns).get(&family).cloned();
        if let Some(pattern) = ready() {
            return Ok(pattern);
        }
        let mut members = Vec::new();
        for member in &self.families[family] {
            members.push(self.measured(store, *member).await?);
        }
        let _turn = self.asking.lock().await;
        if let Some(pattern) = ready() {
            return Ok(pattern);
        }
        let explorer = Arc::clone(self);
        let made = tokio::task::spawn_blocking(move || {
            let members: Vec<&Measured> = members.iter().map(AsRef::as_ref).collect();
            explorer.tables.family(&members, &PUBLISHED)
        });
        let made = Arc::new(made.await.map_err(|e| ExploreError::Internal(e.to_string()))?);
        kept(&self.patterns).insert(family, Arc::clone(&made));
        Ok(made)
    }

    /// A table of the closed list as it may be shown: suppressed with all others as one set, and rounded. With the total, and for a pair
    /// with both its breakdowns; changes lead from the year before and from the first year to the chosen one.
    ///
    /// # Errors
    /// The database's.
    pub async fn report(self: &Arc<Self>, store: &Store, choice: &Choice) -> Result<Report, ExploreError> {
        let measured = self.measured(store, choice.indicator).await?;
        let pattern = self.pattern(store, choice.indicator).await?;
        let mut headlines = BTreeMap::new();
        if self.definitions.indicators[choice.indicator].headline {
            for (at, _) in self.indicators().filter(|(_, i)| i.headline) {
                headlines.insert(at, self.measured(store, at).await?);
            }
        }
        let (explorer, choice) = (Arc::clone(self), choice.clone());
        let made = tokio::task::spawn_blocking(move || explorer.tabulate(&choice, &measured, &pattern, &headlines));
        made.await.map_err(|e| ExploreError::Internal(e.to_string()))
    }

    fn tabulate(
        &self,
        choice: &Choice,
        measured: &Measured,
        pattern: &Pattern,
        headlines: &BTreeMap<usize, Arc<Measured>>,
    ) -> Report {
        let indicator = &self.definitions.indicators[choice.indicator];
        let kind = indicator.measure.kind();
        let numbers = self.years();
        let mut tables: Vec<Vec<usize>> = vec![Vec::new()];
        if choice.axes.len() == 2 {
            tables.extend(choice.axes.iter().map(|a| vec![*a]));
        }
        if !choice.axes.is_empty() {
            tables.push(choice.axes.clone());
        }
        let steps: BTreeSet<(usize, usize)> = [choice.year.checked_sub(1), (choice.year > 0).then_some(0)]
            .into_iter()
            .flatten()
            .map(|from| (from, choice.year))
            .collect();
        let (mut estimates, mut changes, mut coverage, mut breakdowns) = (vec![], vec![], vec![], vec![]);
        for axes in &tables {
            let groups = self.tables.table(axes);
            let (domain, key) =
                (|g: usize| self.tables.groups()[g].domain.clone(), |g: usize| self.tables.groups()[g].group.clone());
            let levels = self.tables.estimates(measured, pattern, axes);
            breakdowns.push(Breakdown {
                domain: groups.first().map_or_else(|| TOTAL.to_owned(), |g| domain(*g)),
                title: self.title(axes),
                groups: groups
                    .iter()
                    .filter(|g| levels.iter().any(|l| l.group == **g))
                    .map(|g| Group { key: key(*g), title: self.group_title(*g) })
                    .collect(),
            });
            for level in levels {
                let row = EstimateRow {
                    indicator: indicator.id.clone(),
                    year: numbers[level.year],
                    domain: domain(level.group),
                    group: key(level.group),
                    n_frame: level.n_frame,
                    estimate: level.estimate,
                    state: level.state,
                };
                estimates.push(rounding::publish_row(&row, kind));
            }
            for step in &steps {
                let mut shifts = self.tables.changes(measured, pattern, axes, *step);
                if axes.is_empty() && indicator.headline {
                    self.judge_with_headlines(choice.indicator, &mut shifts, headlines, *step);
                }
                for shift in shifts {
                    let row = change_row(&indicator.id, (numbers[step.0], numbers[step.1]), &shift);
                    let row = ChangeRow { domain: domain(shift.group), group: key(shift.group), ..row };
                    changes.push(rounding::publish_change(&row, kind));
                }
            }
        }
        for (at, year) in numbers.iter().enumerate() {
            let (frame, answered) = self.years[at].cells.iter().fold((0, 0), |(f, n), c| (f + c.frame, n + c.answered));
            coverage.push(CoverageRow {
                year: *year,
                domain: TOTAL.to_owned(),
                group: ALL.to_owned(),
                n_frame: frame,
                n_answered: answered,
                response_rate: if frame == 0 { 0.0 } else { answered as f64 / frame as f64 },
            });
        }
        Report {
            years: numbers,
            indicators: vec![info(indicator)],
            breakdowns,
            estimates,
            changes,
            coverage,
            provenance: Provenance {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                inputs: BTreeMap::new(),
                options: BTreeMap::new(),
                collapses: Vec::new(),
            },
            insight: Insight::default(),
        }
    }

    /// The headline indicators in the total are one family of comparisons.
    fn judge_with_headlines(
        &self,
        indicator: usize,
        shifts: &mut [Shift],
        headlines: &BTreeMap<usize, Arc<Measured>>,
        step: (usize, usize),
    ) {
        let bare = Pattern::open(self.tables.groups().len());
        let total = |m: &Measured| -> Option<Change> { self.tables.changes(m, &bare, &[], step).first()?.change };
        let all: Vec<(usize, Option<Change>)> = headlines.iter().map(|(at, m)| (*at, total(m))).collect();
        let changes: Vec<Option<Change>> = all.iter().map(|(_, change)| *change).collect();
        for ((at, _), judgement) in all.iter().zip(judge_headlines(&changes)) {
            if *at == indicator {
                shifts.iter_mut().filter(|s| s.change.is_some()).for_each(|s| s.judgement = judgement);
            }
        }
    }

    fn title(&self, axes: &[usize]) -> Texts {
        joined(axes.iter().map(|a| &self.titles[*a].title), " × ", ("I alt", "Totalt", "Total"))
    }

    fn group_title(&self, group: usize) -> Texts {
        let parts = self.tables.place(group).iter().map(|(a, g)| &self.titles[*a].groups[*g]);
        joined(parts, " · ", ("I alt", "Totalt", "Total"))
    }

    /// The definition of an indicator.
    #[must_use]
    pub fn indicator(&self, at: usize) -> &Indicator {
        &self.definitions.indicators[at]
    }
}

fn joined<'t>(parts: impl Iterator<Item = &'t Texts>, between: &str, otherwise: (&str, &str, &str)) -> Texts {
    let parts: Vec<&Texts> = parts.collect();
    if parts.is_empty() {
        return texts(otherwise.0, otherwise.1, otherwise.2);
    }
    let all = |language| parts.iter().map(|t| t.get(language)).collect::<Vec<_>>().join(between);
    texts(&all(Language::Da), &all(Language::Sv), &all(Language::En))
}

/// The pairs of years between which changes are made: neighbours, and the first year with each.
fn pairs(years: usize) -> BTreeSet<(usize, usize)> {
    (1..years).flat_map(|to| [(to - 1, to), (0, to)]).collect()
}

fn cells_of(year: &YearSums) -> Year {
    let cell = |c: &store::sums::FrameCell| Cell {
        sector: c.sector.clone(),
        size: c.size.clone(),
        margins: Vec::new(),
        frame: c.frame,
        answered: c.answered,
        invited: None,
    };
    Year { year: year.year, cells: year.cells.iter().map(cell).collect() }
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

fn change_row(indicator: &str, (from, to): (i32, i32), shift: &Shift) -> ChangeRow {
    let change = shift.change;
    ChangeRow {
        indicator: indicator.to_owned(),
        year_from: from,
        year_to: to,
        domain: String::new(),
        group: String::new(),
        n_from: shift.n[0],
        n_to: shift.n[1],
        n_both: shift.n[2],
        change: change.and_then(|c| c.change),
        se: change.and_then(|c| c.se),
        df: change.and_then(|c| c.df),
        interval: change.and_then(|c| c.interval),
        p_value: change.and_then(|c| c.p_value),
        p_adjusted: change.and(shift.judgement.p_adjusted),
        detectable: change.and_then(|c| c.detectable),
        verdict: shift.judgement.verdict,
    }
}
