//! Beside estimates and changes: targets, trends, means of two years, drivers, reliability, who answered.
//!
//! All of it rests on what was computed and suppressed already: drivers, alphas and trends are made in the total only, and whatever would
//! tell of a hidden figure is left out.
use std::collections::BTreeMap;

use domain::indicator::{Answer, Better, Goal, Indicator, Measure};
use domain::insight::{
    BiasRow, DriverMap, DriverRow, Gap, Insight, Rates, Refusal, ReliabilityRow, ResponseGroup, ResponseRow,
    ResponseVariable, TargetRow, TrendRow, TwoYearRow,
};
use domain::language::Texts;
use domain::results::{ALL, ChangeRow, EstimateRow, Interval, Report, State, TOTAL, Verdict};
use statistics::drivers::{self, DriverError};
use statistics::series::{self, Shared, Target};
use statistics::{Change, Design, Figure, Link, Pairs, change, response};

use super::{Asked, Engine, Shown, Step, UNCERTAIN_BELOW};
use crate::cells::{self, GroupPairs};
use crate::codes::NONE;
use crate::options::{self, Weighting};

/// A battery needs this many items to be a map.
const FEWEST_DRIVERS: usize = 3;
/// From this many replies on, the jackknife of importance takes every k-th and scales: its error is small by then, its cost is not.
const MOST_FOR_JACKKNIFE: usize = 20_000;

/// One reply: the response that speaks for it, and the weight of all workplaces it stands for.
struct Reply {
    response: usize,
    weight: f64,
}

impl Engine<'_> {
    pub(super) fn insight(&self, figures: &[Asked], steps: &[Step], shown: &Shown, report: &Report) -> Insight {
        Insight {
            targets: self.targets(report),
            trends: self.trends(figures, steps, shown),
            two_year_means: self.two_year_means(figures, steps, shown),
            drivers: self.drivers(figures, report),
            reliability: self.reliability(figures, report),
            response: self.response(figures, report),
            themes: None,
        }
    }

    fn overlap(&self) -> statistics::Overlap {
        match self.method.overlap {
            options::Overlap::Own => statistics::Overlap::Own,
            options::Overlap::Pooled => statistics::Overlap::Pooled,
            options::Overlap::None => statistics::Overlap::None,
        }
    }

    fn targets(&self, report: &Report) -> Vec<TargetRow> {
        let Some(year) = report.years.last() else { return Vec::new() };
        let indicators = self.definitions.indicators.iter();
        indicators.filter_map(|indicator| target(indicator, *year, report)).collect()
    }

    fn trends(&self, figures: &[Asked], steps: &[Step], shown: &Shown) -> Vec<TrendRow> {
        let last = self.input.years.len() - 1;
        let mut built: BTreeMap<Vec<usize>, Option<(Vec<Design>, bool)>> = BTreeMap::new();
        let mut rows = Vec::new();
        for (i, indicator) in self.definitions.indicators.iter().enumerate().filter(|(i, _)| figures[*i].years[last]) {
            let comparable = |y: &usize| indicator.comparable(self.input.years[*y], self.input.years[last]);
            let years: Vec<usize> = (0..=last).filter(|y| figures[i].years[*y] && comparable(y)).collect();
            if years.len() < 3 {
                continue;
            }
            let design = built.entry(years.clone()).or_insert_with(|| self.joint(&years));
            let Some((designs, reweighted)) = design else { continue };
            // Under other weights than the levels', a slope could tell of a hidden level: then the verdict alone is given.
            let tells = *reweighted && years.iter().any(|y| has_hidden(&shown.states[i][*y]));
            if let Some(row) = self.trend((i, indicator), &years, designs, figures, steps, shown) {
                rows.push((row, indicator.headline, tells));
            }
        }
        // The headline indicators are one family, as their changes are.
        let family: Vec<f64> = rows.iter().filter(|(_, h, _)| *h).filter_map(|(row, ..)| row.p_value).collect();
        let mut adjusted = change::holm(&family).into_iter();
        let judge = |(mut row, headline, tells): (TrendRow, bool, bool)| {
            row.p_adjusted = if headline { row.p_value.and_then(|_| adjusted.next()) } else { row.p_value };
            if row.verdict != Verdict::Hidden {
                row.verdict = match (row.p_adjusted, row.slope) {
                    (Some(p), Some(slope)) if p < 0.05 && slope > 0.0 => Verdict::Up,
                    (Some(p), Some(slope)) if p < 0.05 && slope < 0.0 => Verdict::Down,
                    _ => Verdict::Unclear,
                };
            }
            if tells { bare(row) } else { row }
        };
        rows.into_iter().map(judge).collect()
    }

    /// All years under one collapse; whether that gives other weights than each year's own.
    fn joint(&self, years: &[usize]) -> Option<(Vec<Design>, bool)> {
        let chosen: Vec<_> = years.iter().map(|y| &self.cells.years[*y]).collect();
        let designs = Design::build(&chosen, &self.options).ok()?;
        let reweighted = years.iter().zip(&designs).any(|(year, design)| {
            let mut cells = 0..self.cells.years[*year].cells.len();
            cells.any(|cell| design.weight(cell) != self.designs[*year].weight(cell))
        });
        Some((designs, reweighted))
    }

    fn trend(
        &self,
        (i, indicator): (usize, &Indicator),
        years: &[usize],
        designs: &[Design],
        figures: &[Asked],
        steps: &[Step],
        shown: &Shown,
    ) -> Option<TrendRow> {
        let asked = &figures[i];
        let line: Vec<Figure> =
            years.iter().zip(designs).map(|(y, design)| self.figure(design, indicator, asked, *y, 0, 0)).collect();
        let mut pairs: Vec<(usize, usize, GroupPairs, &Link)> = Vec::new();
        for step in steps {
            let place = |year: usize| years.iter().position(|y| *y == year);
            if let (Some(from), Some(to)) = (place(step.from), place(step.to)) {
                pairs.push((from, to, self.pairs_of(step, i, asked, 0), &step.pairing.link));
            }
        }
        let shared: Vec<Shared<'_>> = pairs
            .iter()
            .map(|(from, to, pairs, link)| {
                let (pairs, link) = pairs_in(pairs, link, 0);
                Shared { from: *from, to: *to, link, pairs }
            })
            .collect();
        let hidden = years.iter().any(|y| shown.states[i][*y][0][0].is_hidden());
        let trend =
            if hidden { None } else { Some(series::trend(&line.iter().collect::<Vec<_>>(), &shared, self.overlap())?) };
        Some(TrendRow {
            indicator: indicator.id.clone(),
            from: self.input.years[*years.first()?],
            to: self.input.years[*years.last()?],
            years: u32::try_from(years.len()).ok()?,
            slope: trend.map(|t| t.slope),
            se: trend.map(|t| t.se),
            df: trend.map(|t| t.df),
            interval: trend.map(|t| t.interval),
            p_value: trend.map(|t| t.p_value),
            p_adjusted: None,
            verdict: if hidden { Verdict::Hidden } else { Verdict::Unclear },
        })
    }

    /// Groups with few answers, in fixed pairs of years counted from the first.
    fn two_year_means(&self, figures: &[Asked], steps: &[Step], shown: &Shown) -> Vec<TwoYearRow> {
        let Some(first) = self.input.years.first() else { return Vec::new() };
        let mut rows = Vec::new();
        for step in steps {
            let (from, to) = (self.input.years[step.from], self.input.years[step.to]);
            if series::pair_of(from, *first) != (from, to) {
                continue;
            }
            for (i, indicator) in self.definitions.indicators.iter().enumerate() {
                let asked = &figures[i];
                let states = &shown.states[i];
                // Under other weights than the levels', a mean of shown levels would tell something new about hidden ones.
                let tells = step.reweighted && (has_hidden(&states[step.from]) || has_hidden(&states[step.to]));
                if !asked.years[step.from] || !asked.years[step.to] || !indicator.comparable(from, to) || tells {
                    continue;
                }
                for (d, domain) in self.domains.iter().enumerate().skip(1) {
                    let thin = |year: usize, g: usize| {
                        let n = asked.levels[year][d][g].estimate().n;
                        n > 0 && n < UNCERTAIN_BELOW
                    };
                    let may = |g: &usize| {
                        let open = |year: usize| !states[year][d][*g].is_hidden() && self.exists(year, domain, *g);
                        (thin(step.from, *g) || thin(step.to, *g))
                            && open(step.from)
                            && open(step.to)
                            && !shown.withheld.contains(&(i, (step.from, step.to), d, *g))
                    };
                    let groups: Vec<usize> = (0..domain.groups.len()).filter(may).collect();
                    if groups.is_empty() {
                        continue;
                    }
                    let pairs = self.pairs_of(step, i, asked, d);
                    for g in groups {
                        let [one, other] = [(0, step.from), (1, step.to)]
                            .map(|(at, year)| self.figure(&step.designs[at], indicator, asked, year, d, g));
                        let (pairs, link) = pairs_in(&pairs, &step.pairing.link, g);
                        rows.push(TwoYearRow {
                            indicator: indicator.id.clone(),
                            year_from: from,
                            year_to: to,
                            domain: domain.name.clone(),
                            group: domain.groups[g].clone(),
                            estimate: series::two_year_mean(&one, &other, link, pairs, self.overlap()),
                        });
                    }
                }
            }
        }
        rows
    }

    /// The replies of a year with their weights.
    fn replies(&self, year: usize) -> Vec<Reply> {
        let weight = |r: &u32| self.weight(*r as usize);
        match &self.units.replies {
            Some(replies) => replies[year]
                .iter()
                .filter_map(|reply| {
                    let response = *reply.first()? as usize;
                    Some(Reply { response, weight: reply.iter().map(weight).sum() })
                })
                .collect(),
            None => {
                self.input.of_year(year).map(|response| Reply { response, weight: self.weight(response) }).collect()
            }
        }
    }

    /// The strata of the jackknife: replies of equal weight stand for equally many, which is what a stratum of weighting cells is.
    fn strata(&self, replies: &[Reply]) -> Vec<(usize, f64)> {
        if self.method.weights != Weighting::Cells {
            let frame: f64 = replies.iter().map(|r| r.weight).sum();
            #[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
            return vec![(0, (replies.len() as f64 / frame).min(1.0)); replies.len()];
        }
        let mut known: BTreeMap<u64, usize> = BTreeMap::new();
        replies
            .iter()
            .map(|reply| {
                let next = known.len();
                (*known.entry(reply.weight.to_bits()).or_insert(next), (1.0 / reply.weight).min(1.0))
            })
            .collect()
    }

    /// Every battery of items against the first headline index or mean, in the last year.
    fn drivers(&self, figures: &[Asked], report: &Report) -> Vec<DriverMap> {
        let indicators = &self.definitions.indicators;
        let is_scale = |i: &Indicator| matches!(i.measure, Measure::Index { .. } | Measure::Mean { .. });
        let headline = indicators.iter().position(|i| is_scale(i) && i.headline);
        let Some(outcome) = headline.or_else(|| indicators.iter().position(is_scale)) else { return Vec::new() };
        let year = self.input.years.len() - 1;
        if !figures[outcome].years[year] {
            return Vec::new();
        }
        let common = |i: &Indicator| i.measure.items().iter().any(|x| indicators[outcome].measure.items().contains(x));
        let maps = indicators.iter().enumerate().filter(|(at, battery)| {
            is_scale(battery)
                && battery.measure.items().len() >= FEWEST_DRIVERS
                && !common(battery)
                && figures[*at].years[year]
        });
        maps.map(|(at, _)| self.map(at, outcome, year, report)).collect()
    }

    fn map(&self, at: usize, outcome: usize, year: usize, report: &Report) -> DriverMap {
        let (battery, measured) = (&self.definitions.indicators[at], &self.definitions.indicators[outcome]);
        let number = self.input.years[year];
        let items = battery.measure.items();
        let single = |item: &String| {
            let alone = |i: &&Indicator| {
                matches!(i.measure, Measure::Index { .. } | Measure::Mean { .. })
                    && i.measure.items() == std::slice::from_ref(item)
            };
            self.definitions.indicators.iter().find(alone)
        };
        let mut map = DriverMap {
            battery: battery.id.clone(),
            outcome: measured.id.clone(),
            year: number,
            scale: battery.measure.range(),
            n: 0,
            r_squared: None,
            mean_importance: None,
            mean_satisfaction: None,
            drivers: Vec::new(),
            refused: None,
        };
        let rests_on = [battery.id.as_str(), measured.id.as_str()].into_iter();
        let rests_on = rests_on.chain(items.iter().filter_map(|i| single(i).map(|i| i.id.as_str())));
        let mut levels = rests_on.filter_map(|id| report.estimate(id, number, TOTAL, ALL));
        if levels.any(|row| row.state.is_hidden()) {
            map.refused = Some(Refusal::Hidden);
            return map;
        }
        let replies = self.replies(year);
        let scaled = |v: f64| match &battery.measure {
            Measure::Index { scale: [low, high], .. } => (v - low) / (high - low) * 100.0,
            _ => v,
        };
        let (asked, outcomes) = (cells::rows(self.input, battery), cells::rows(self.input, measured));
        let inside = |reply: &Reply| asked[reply.response] != cells::Row::Outside;
        let columns: Vec<Vec<Option<f64>>> = items
            .iter()
            .map(|item| {
                let answers = self.input.answers_to(item).unwrap_or_default();
                let answer = |reply: &Reply| match answers.get(reply.response) {
                    Some(Answer::Value(v)) if inside(reply) => Some(scaled(*v)),
                    _ => None,
                };
                replies.iter().map(answer).collect()
            })
            .collect();
        let result: Vec<Option<f64>> = replies.iter().map(|r| outcomes[r.response].value()).collect();
        let weights: Vec<f64> = replies.iter().map(|r| r.weight).collect();
        match importance(&columns, &result, &weights, &self.strata(&replies)) {
            Ok(analysis) => {
                map.n = analysis.n;
                map.r_squared = Some(analysis.r_squared);
                map.mean_importance = Some(analysis.mean_importance);
                map.mean_satisfaction = Some(analysis.mean_satisfaction);
                let whole: f64 = analysis.drivers.iter().map(|d| d.importance).sum();
                map.drivers = items
                    .iter()
                    .zip(&analysis.drivers)
                    .map(|(item, d)| DriverRow {
                        item: item.clone(),
                        title: single(item).map_or_else(|| Texts::same(item), |i| i.title.clone()),
                        importance: d.importance,
                        se: d.se,
                        interval: Interval { lower: d.lower, upper: d.upper },
                        share: if whole > 0.0 { d.importance / whole } else { 0.0 },
                        shapley: d.shapley,
                        correlation: d.correlation,
                        mean: d.mean,
                        quadrant: d.quadrant,
                    })
                    .collect();
                map.drivers.sort_by(|a, b| b.importance.total_cmp(&a.importance));
            }
            Err(DriverError::TooFew { n, needed, .. }) => {
                map.n = n;
                map.refused = Some(Refusal::TooFew { n, needed });
            }
            Err(DriverError::Constant { .. }) => map.refused = Some(Refusal::Constant),
            Err(_) => map.refused = Some(Refusal::NotDefinite),
        }
        map
    }

    fn reliability(&self, figures: &[Asked], report: &Report) -> Vec<ReliabilityRow> {
        let mut rows = Vec::new();
        for (indicator, asked) in self.definitions.indicators.iter().zip(figures) {
            let (Measure::Index { items, .. } | Measure::Mean { items, .. }) = &indicator.measure else { continue };
            if items.len() < 2 {
                continue;
            }
            let answers: Option<Vec<Vec<Answer>>> = items.iter().map(|i| self.input.answers_to(i)).collect();
            let Some(answers) = answers else { continue };
            let answers: Vec<&[Answer]> = answers.iter().map(Vec::as_slice).collect();
            let rows_of = cells::rows(self.input, indicator);
            for (year, number) in self.input.years.iter().enumerate().filter(|(y, _)| asked.years[*y]) {
                let mut battery = Battery::new(&answers);
                for reply in self.replies(year) {
                    if rows_of[reply.response] != cells::Row::Outside {
                        battery.add(&answers, reply.response, reply.weight);
                    }
                }
                let level = report.estimate(&indicator.id, *number, TOTAL, ALL).map(|row| row.state);
                let thin = battery.n < UNCERTAIN_BELOW;
                let state = match level {
                    _ if self.method.min_n == 0 && thin => State::Uncertain,
                    // Below twenty answers a spread would give single answers away, as a standard error would.
                    Some(State::Shown | State::Uncertain) if !thin || self.method.min_n == 0 => State::Shown,
                    _ => State::Hidden,
                };
                rows.push(ReliabilityRow {
                    indicator: indicator.id.clone(),
                    year: *number,
                    items: u32::try_from(items.len()).unwrap_or(u32::MAX),
                    n: battery.n,
                    alpha: if state.is_hidden() { None } else { battery.alpha() },
                    state,
                });
            }
        }
        rows
    }

    fn response(&self, figures: &[Asked], report: &Report) -> Vec<ResponseRow> {
        let years = self.input.years.iter().enumerate();
        years.map(|(year, number)| self.response_of(year, *number, figures, report)).collect()
    }

    fn response_of(&self, year: usize, number: i32, figures: &[Asked], report: &Report) -> ResponseRow {
        let cells = &self.cells.years[year].cells;
        let counts: Vec<(u64, u64)> = cells.iter().map(|c| (c.frame, c.answered)).collect();
        let total = counts.iter().fold((0, 0), |(f, n), (frame, answered)| (f + frame, n + answered));
        let over_cells = if counts.len() > 1 { response::representativity(&counts) } else { None };
        // Atom by atom: all its responses have one weight.
        let atoms = || self.input.atoms.iter().enumerate().filter(|(_, atom)| atom.year == year);
        let weight = |atom: usize| self.designs[year].weight(self.cells.of_atom[atom] as usize).unwrap_or(0.0);
        #[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
        let weighed = |atom: usize, n: u64| weight(atom) * n as f64;
        let whole: f64 = atoms().map(|(at, atom)| weighed(at, atom.n)).sum();
        let made_of: &[String] = match self.method.weights {
            Weighting::Cells => &self.method.strata,
            Weighting::Rake => &self.method.margins,
            Weighting::None => &[],
        };
        let variables = self.domains.iter().zip(&report.breakdowns).skip(1).filter_map(|(domain, breakdown)| {
            let frame = &domain.frame.as_ref()?[year];
            let mut answered = vec![(0u64, 0.0); domain.groups.len()];
            for (at, atom) in atoms().filter(|(at, _)| domain.of_atom[*at] != NONE) {
                let group = &mut answered[domain.of_atom[at] as usize];
                group.0 += atom.n;
                group.1 += weighed(at, atom.n);
            }
            let pairs: Vec<(u64, u64)> = frame.iter().zip(&answered).map(|(f, (n, _))| (*f, *n)).collect();
            #[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
            let groups = breakdown.groups.iter().zip(frame).zip(&answered).filter(|((_, f), _)| **f > 0).map(
                |((group, frame), (n, w))| ResponseGroup {
                    group: group.key.clone(),
                    title: group.title.clone(),
                    n_frame: *frame,
                    n_answered: *n,
                    frame_share: *frame as f64 / total.0 as f64,
                    weighted_share: w / whole,
                },
            );
            Some(ResponseVariable {
                domain: domain.name.clone(),
                title: breakdown.title.clone(),
                weighted: made_of.contains(&domain.name),
                r_indicator: response::representativity(&pairs).map(|r| r.r_indicator),
                groups: groups.collect(),
            })
        });
        let bias = |(indicator, asked): (&Indicator, &Asked)| {
            let level = report.estimate(&indicator.id, number, TOTAL, ALL)?;
            let enough = level.estimate.n >= UNCERTAIN_BELOW && !level.state.is_hidden();
            let mean = level.estimate.value.filter(|_| enough)?;
            let (mut w, mut squares) = (0.0, 0.0);
            for (at, _) in atoms() {
                let tally = &asked.tallies[at];
                w += weighed(at, tally.n);
                #[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
                let about_mean = tally.sum_sq - mean * (2.0 * tally.sum - mean * tally.n as f64);
                squares += weight(at) * about_mean.max(0.0);
            }
            let bias = over_cells?.maximal_bias((squares / w).sqrt());
            Some(BiasRow { indicator: indicator.id.clone(), bias })
        };
        let headlines = self.definitions.indicators.iter().zip(figures).filter(|(i, _)| i.headline);
        #[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
        let rr2 = (total.0 > 0).then(|| total.1 as f64 / total.0 as f64);
        ResponseRow {
            year: number,
            n_frame: total.0,
            n_answered: total.1,
            outcomes: None,
            rates: Rates { rr2, ..Rates::default() },
            r_indicator: over_cells.map(|r| r.r_indicator),
            spread: over_cells.map(|r| r.spread),
            maximal_bias: headlines.filter_map(bias).collect(),
            variables: variables.collect(),
            late: Vec::new(),
        }
    }
}

fn has_hidden(domains: &[Vec<State>]) -> bool {
    domains.iter().flatten().any(|s| s.is_hidden())
}

/// The verdict alone.
fn bare(row: TrendRow) -> TrendRow {
    TrendRow { slope: None, se: None, df: None, interval: None, p_value: None, p_adjusted: None, ..row }
}

fn pairs_in<'p>(pairs: &'p GroupPairs, link: &'p Link, g: usize) -> (Pairs<'p>, &'p Link) {
    match pairs {
        GroupPairs::Businesses(groups) => (Pairs::Businesses(&groups[g]), link),
        GroupPairs::Employees(groups) => (Pairs::Employees(&groups[g]), link),
        GroupPairs::Companies(groups) => (Pairs::Businesses(&groups[g].0), &groups[g].1),
    }
}

fn target(indicator: &Indicator, year: i32, report: &Report) -> Option<TargetRow> {
    let wanted = indicator.target?;
    let level = |year: i32| report.estimate(&indicator.id, year, TOTAL, ALL);
    let (now, base) = (level(year)?, level(wanted.from));
    let since = report.change(&indicator.id, wanted.from, year, TOTAL, ALL);
    let needs_change = !matches!(wanted.goal, Goal::Reach { .. });
    let gap = match since {
        _ if now.state.is_hidden() => Some(Gap::Hidden),
        _ if !needs_change => None,
        Some(ChangeRow { verdict: Verdict::Break, .. }) => Some(Gap::Break),
        Some(ChangeRow { verdict: Verdict::Hidden, .. }) => Some(Gap::Hidden),
        Some(_) => None,
        None if indicator.comparable(wanted.from, year) => Some(Gap::Baseline),
        None => Some(Gap::Break),
    };
    let goal = match wanted.goal {
        Goal::Raise => Target::Raise,
        Goal::Keep { margin, at_least } => Target::Keep { margin, at_least },
        Goal::Reach { value } => Target::Reach { value },
    };
    let left = u32::try_from(wanted.by - year).unwrap_or(0);
    let open = since.filter(|_| gap.is_none());
    let change = open.map(tested);
    let lower = indicator.better == Better::Lower;
    let judged = gap.is_none().then(|| series::judge_target(goal, change.as_ref(), &now.estimate, left, lower));
    let value = |row: &EstimateRow| row.estimate.value.filter(|_| !row.state.is_hidden());
    Some(TargetRow {
        indicator: indicator.id.clone(),
        target: wanted,
        year,
        baseline: base.and_then(value),
        value: value(now),
        change: open.and_then(|c| c.change),
        interval: open.and_then(|c| c.interval),
        n: open.map_or(now.estimate.n, |c| c.n_from.min(c.n_to)),
        verdict: judged.map(|j| j.verdict),
        gap,
        pace: judged.and_then(|j| j.pace),
        margin_too_small: judged.is_some_and(|j| j.margin_too_small),
    })
}

/// A row of changes as the estimators know it.
fn tested(row: &ChangeRow) -> Change {
    Change {
        n_from: row.n_from,
        n_to: row.n_to,
        n_both: row.n_both,
        change: row.change,
        se: row.se,
        df: row.df,
        interval: row.interval,
        p_value: row.p_value,
        detectable: row.detectable,
        p_without_fpc: None,
        most_answered: false,
    }
}

/// Importance over all replies; with very many of them, the jackknife over every k-th.
fn importance(
    columns: &[Vec<Option<f64>>],
    outcome: &[Option<f64>],
    weights: &[f64],
    strata: &[(usize, f64)],
) -> Result<drivers::DriverAnalysis, DriverError> {
    let step = weights.len().div_ceil(MOST_FOR_JACKKNIFE).max(1);
    if step == 1 {
        return drivers::analyse(columns, outcome, weights, strata);
    }
    // Within each stratum every k-th, so that none is missed and all are thinned alike.
    let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
    let chosen: Vec<usize> = (0..weights.len())
        .filter(|row| {
            let count = seen.entry(strata[*row].0).or_insert(0);
            *count += 1;
            (*count - 1).is_multiple_of(step)
        })
        .collect();
    let pick = |list: &[Option<f64>]| -> Vec<Option<f64>> { chosen.iter().map(|r| list[*r]).collect() };
    let some: Vec<Vec<Option<f64>>> = columns.iter().map(|c| pick(c)).collect();
    let some_weights: Vec<f64> = chosen.iter().map(|r| weights[*r]).collect();
    let some_strata: Vec<(usize, f64)> = chosen.iter().map(|r| strata[*r]).collect();
    let mut analysis = drivers::analyse(&some, &pick(outcome), &some_weights, &some_strata)?;
    let all = drivers::Correlations::pairwise(columns, outcome, weights)?;
    let johnson = drivers::johnson(&all)?;
    let t = statistics::distribution::t95(MOST_FOR_JACKKNIFE as f64);
    #[expect(clippy::cast_precision_loss, reason = "counts of replies")]
    let shrink = (chosen.len() as f64 / weights.len() as f64).sqrt();
    for (d, driver) in analysis.drivers.iter_mut().enumerate() {
        driver.importance = johnson[d];
        driver.se *= shrink;
        driver.lower = (driver.importance - t * driver.se).max(0.0);
        driver.upper = (driver.importance + t * driver.se).min(1.0);
        driver.correlation = all.with_outcome(d);
        let (w, wy) = columns[d]
            .iter()
            .zip(weights)
            .filter_map(|(y, w)| y.map(|y| (w, y)))
            .fold((0.0, 0.0), |(sw, swy), (w, y)| (sw + w, swy + w * y));
        driver.mean = wy / w;
    }
    analysis.r_squared = all.r_squared()?;
    analysis.n = all.n();
    #[expect(clippy::cast_precision_loss, reason = "a handful of drivers")]
    let count = analysis.drivers.len() as f64;
    analysis.mean_importance = analysis.drivers.iter().map(|d| d.importance).sum::<f64>() / count;
    analysis.mean_satisfaction = analysis.drivers.iter().map(|d| d.mean).sum::<f64>() / count;
    Ok(analysis)
}

/// Moments of a battery over those who answered all of it: Cronbach's alpha in one pass, without a row per respondent.
struct Battery {
    centre: Vec<f64>,
    n: u64,
    weight: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
    total_square: f64,
    row: Vec<f64>,
}

impl Battery {
    /// Answers are taken about the first of each question, so that nothing cancels.
    fn new(answers: &[&[Answer]]) -> Self {
        let first = |answers: &&[Answer]| {
            answers.iter().find_map(|a| if let Answer::Value(v) = a { Some(*v) } else { None }).unwrap_or(0.0)
        };
        let k = answers.len();
        Self {
            centre: answers.iter().map(first).collect(),
            n: 0,
            weight: 0.0,
            sums: vec![0.0; k],
            squares: vec![0.0; k],
            total_square: 0.0,
            row: Vec::with_capacity(k),
        }
    }

    fn add(&mut self, answers: &[&[Answer]], response: usize, weight: f64) {
        self.row.clear();
        for (answers, centre) in answers.iter().zip(&self.centre) {
            let Answer::Value(v) = answers[response] else { return };
            self.row.push(v - centre);
        }
        self.n += 1;
        self.weight += weight;
        let mut total = 0.0;
        for (at, x) in self.row.iter().enumerate() {
            self.sums[at] += weight * x;
            self.squares[at] += weight * x * x;
            total += x;
        }
        self.total_square += weight * total * total;
    }

    fn alpha(&self) -> Option<f64> {
        if self.n < 2 {
            return None;
        }
        let variance = |square: f64, sum: f64| square / self.weight - (sum / self.weight).powi(2);
        let of_items: f64 = self.squares.iter().zip(&self.sums).map(|(q, s)| variance(*q, *s)).sum();
        let of_sum = variance(self.total_square, self.sums.iter().sum());
        #[expect(clippy::cast_precision_loss, reason = "a handful of questions")]
        let k = self.sums.len() as f64;
        (of_sum > 1e-9 * of_items.max(f64::MIN_POSITIVE)).then(|| k / (k - 1.0) * (1.0 - of_items / of_sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_in_one_pass_is_the_alpha_of_rows() {
        let items = [[3.0, 4.0, 2.0, 5.0, 1.0], [3.0, 5.0, 2.0, 4.0, 2.0], [2.0, 4.0, 3.0, 5.0, 1.0]];
        let answers: Vec<Vec<Answer>> =
            items.iter().map(|i| i.iter().map(|v| Answer::Value(*v)).chain([Answer::DontKnow]).collect()).collect();
        let answers: Vec<&[Answer]> = answers.iter().map(Vec::as_slice).collect();
        let weights = [1.0, 2.0, 1.5, 1.0, 3.0, 9.0];
        let mut battery = Battery::new(&answers);
        (0..6).for_each(|r| battery.add(&answers, r, weights[r]));
        let rows: Vec<Vec<Option<f64>>> = (0..6).map(|r| items.iter().map(|i| i.get(r).copied()).collect()).collect();
        let expected = statistics::reliability::cronbach_alpha(&rows, &weights).unwrap();
        assert_eq!(battery.n, 5);
        assert!((battery.alpha().unwrap() - expected).abs() < 1e-12);
        let alike = vec![Answer::Value(3.0); 4];
        let alike: Vec<&[Answer]> = vec![&alike, &alike];
        let mut battery = Battery::new(&alike);
        (0..4).for_each(|r| battery.add(&alike, r, 1.0));
        assert_eq!(battery.alpha(), None);
    }

    #[test]
    fn very_many_replies_give_the_same_importance_and_a_smaller_error() {
        // The same forty-one replies a thousand times over: every third of them takes all in turn.
        let base: Vec<[f64; 4]> = (0..41)
            .map(|i: i32| {
                let a = f64::from(i % 5 + 1);
                let b = f64::from((i * 7) % 5 + 1);
                let c = f64::from((i * 3 + i / 5) % 5 + 1);
                [a, b, c, a * 0.6 + b * 0.3 + f64::from(i % 3)]
            })
            .collect();
        let column = |rows: &[[f64; 4]], at: usize| rows.iter().map(|r| Some(r[at])).collect::<Vec<_>>();
        let run = |rows: &[[f64; 4]]| {
            let columns: Vec<_> = (0..3).map(|d| column(rows, d)).collect();
            let weights = vec![2.0; rows.len()];
            importance(&columns, &column(rows, 3), &weights, &vec![(0, 0.5); rows.len()]).unwrap()
        };
        let few = run(&base);
        let many: Vec<[f64; 4]> = (0..1_000).flat_map(|_| base.clone()).collect();
        let many = run(&many);
        for (a, b) in few.drivers.iter().zip(&many.drivers) {
            assert!((a.importance - b.importance).abs() < 1e-9, "{a:?} {b:?}");
            assert!(b.se < a.se / 20.0 && b.se > a.se / 60.0, "{} {}", a.se, b.se);
        }
    }
}
