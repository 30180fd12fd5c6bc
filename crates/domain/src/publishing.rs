//! What of an analysis is published, and what a later publication may say of years that were published before.
//!
//! Two rules keep publications from telling together what each of them hides (`statistics.md` § 6):
//!
//! - *Choosing only takes away.* The pattern of hidden figures is found over everything an analysis holds, whatever is chosen;
//!   [`Choice::cut`] then drops rows and never brings one back. So all choices out of one analysis are parts of one safe set, and
//!   publishing less today and more tomorrow tells nothing beyond that set.
//! - *What was frozen is repeated.* With each publication the whole analysis is kept, chosen or not ([`Basis`]). [`keep`] takes over the
//!   levels of years published before, hidden ones as hidden; in a correction of the year itself a figure that fewer
//!   answers than the threshold have moved is blanked, and what was hidden stays hidden.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::insight::{DriverMap, Gap, Refusal};
use crate::results::{ALL, ChangeRow, Estimate, EstimateRow, Report, State, TOTAL, Verdict};

/// Two figures nearer than this, on their scale, are the same.
const SAME: f64 = 1e-9;

/// What of an analysis is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Ids of the indicators.
    pub indicators: BTreeSet<String>,
    /// Names of the breakdowns beside the total.
    pub breakdowns: BTreeSet<String>,
    /// What businesses write about, as shares.
    pub themes: bool,
}

impl Choice {
    /// Everything there is.
    #[must_use]
    pub fn all(whole: &Report) -> Self {
        Self {
            indicators: whole.indicators.iter().map(|i| i.id.clone()).collect(),
            breakdowns: whole.breakdowns.iter().map(|b| b.domain.clone()).collect(),
            themes: whole.insight.themes.is_some(),
        }
    }

    /// Is there a figure left?
    #[must_use]
    pub fn is_empty(&self, whole: &Report) -> bool {
        !whole.indicators.iter().any(|i| self.indicators.contains(&i.id))
    }

    /// The analysis without what is not chosen. Nothing else changes: not a state, not a verdict, not an adjustment for the number of
    /// comparisons.
    #[must_use]
    pub fn cut(&self, whole: &Report) -> Report {
        let mut report = whole.clone();
        let has = |indicator: &String| self.indicators.contains(indicator);
        let by = |domain: &String| domain == TOTAL || self.breakdowns.contains(domain);
        report.indicators.retain(|i| has(&i.id));
        report.breakdowns.retain(|b| by(&b.domain));
        report.estimates.retain(|r| has(&r.indicator) && by(&r.domain));
        report.changes.retain(|r| has(&r.indicator) && by(&r.domain));
        report.coverage.retain(|r| by(&r.domain));
        let insight = &mut report.insight;
        insight.targets.retain(|r| has(&r.indicator));
        insight.trends.retain(|r| has(&r.indicator));
        insight.two_year_means.retain(|r| has(&r.indicator) && by(&r.domain));
        insight.drivers.retain(|map| has(&map.battery) && has(&map.outcome));
        insight.reliability.retain(|r| has(&r.indicator));
        for row in &mut insight.response {
            row.maximal_bias.retain(|r| has(&r.indicator));
            row.late.retain(|r| has(&r.indicator));
        }
        if !self.themes {
            insight.themes = None;
        }
        report
    }
}

/// One answer as later publications know it again: a seal over the business and all it answered, and the groups it counted in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark {
    /// The seal; without the answers nobody can tell from it whose or what they are.
    pub seal: String,
    /// Per breakdown the group.
    pub groups: BTreeMap<String, String>,
}

/// The marks of every year.
pub type Marks = BTreeMap<i32, Vec<Mark>>;

/// What was frozen with a publication, shown or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// The whole analysis.
    pub whole: Report,
    /// Its answers; `None` in publications made before they were kept.
    pub marks: Option<Marks>,
}

/// What [`keep`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Levels repeated as they were published.
    pub repeated: u64,
    /// Figures blanked because too few answers have moved them, and what would give these away.
    pub blanked: u64,
}

/// A level, by indicator, year, breakdown and group.
type Place = (String, i32, String, String);

fn place(row: &EstimateRow) -> Place {
    (row.indicator.clone(), row.year, row.domain.clone(), row.group.clone())
}

/// A row with nothing but n.
fn hide(row: &mut EstimateRow, state: State) {
    row.estimate = Estimate { n: row.estimate.n, value: None, se: None, df: None, interval: None, deff: None };
    row.state = state;
}

fn empty(row: &mut ChangeRow) {
    (row.change, row.se, row.df, row.interval) = (None, None, None, None);
    (row.p_value, row.p_adjusted, row.detectable) = (None, None, None);
    if row.verdict != Verdict::Break {
        row.verdict = Verdict::Hidden;
    }
}

fn is_same(one: &EstimateRow, other: &EstimateRow) -> bool {
    let near = match (one.estimate.value, other.estimate.value) {
        (Some(a), Some(b)) => (a - b).abs() <= SAME * a.abs().max(b.abs()).max(1.0),
        (None, None) => true,
        _ => false,
    };
    near && one.estimate.n == other.estimate.n
}

/// The seals of a group.
fn members<'m>(marks: &'m Marks, year: i32, domain: &str, group: &str) -> BTreeSet<&'m str> {
    let all = marks.get(&year).map(Vec::as_slice).unwrap_or_default().iter();
    let of = |mark: &&Mark| domain == TOTAL || mark.groups.get(domain).is_some_and(|g| g == group);
    all.filter(of).map(|mark| mark.seal.as_str()).collect()
}

/// Answers by which two groups differ: those that came or those that went, whichever are fewer where both did.
fn apart(one: &BTreeSet<&str>, other: &BTreeSet<&str>) -> u64 {
    one.difference(other).count().max(other.difference(one).count()) as u64
}

/// Has a breakdown the same groups in both?
fn same_groups(one: &Report, other: &Report, domain: &str) -> bool {
    let keys = |report: &Report| {
        let found = report.breakdowns.iter().find(|b| b.domain == domain);
        found.map(|b| b.groups.iter().map(|g| g.key.clone()).collect::<BTreeSet<_>>())
    };
    domain == TOTAL || keys(one) == keys(other)
}

fn same_formula(one: &Report, other: &Report, indicator: &str) -> bool {
    let version =
        |report: &Report| report.indicators.iter().find(|i| i.id == indicator).map(|i| i.formula_version.clone());
    version(one).is_some() && version(one) == version(other)
}

/// Makes an analysis that is to be published for `year` agree with what was published before (`earlier`, newest first): see the module.
/// `threshold` is the fewest answers behind a shown figure.
pub fn keep(report: &mut Report, marks: &Marks, year: i32, earlier: &[Basis], threshold: u64) -> Kept {
    let mut kept = Kept::default();
    let fresh: BTreeMap<Place, Option<f64>> = report.estimates.iter().map(|r| (place(r), r.estimate.value)).collect();
    for of in report.years.clone() {
        let Some(basis) = earlier.iter().find(|b| b.whole.years.contains(&of)) else { continue };
        if of == year {
            kept.blanked += correct(report, marks, of, basis, threshold);
        } else {
            kept.repeated += repeat(report, marks, of, basis, threshold);
        }
    }
    if kept == Kept::default() && earlier.is_empty() {
        return kept;
    }
    follow(report, year, earlier, &fresh);
    kept
}

/// Levels of a year published before, as they were published.
fn repeat(report: &mut Report, marks: &Marks, year: i32, basis: &Basis, threshold: u64) -> u64 {
    let mut repeated = 0;
    let before = &basis.whole;
    let mut rows = std::mem::take(&mut report.estimates);
    for row in rows.iter_mut().filter(|row| row.year == year) {
        let alike = same_groups(report, before, &row.domain);
        let old = before.estimate(&row.indicator, year, &row.domain, &row.group);
        match old.filter(|_| alike) {
            Some(old) if same_formula(report, before, &row.indicator) => {
                *row = old.clone();
                repeated += 1;
            }
            // Another formula over the same answers: what was hidden stays so.
            Some(old) if old.state.is_hidden() && !row.state.is_hidden() => hide(row, State::HiddenSecondary),
            None if !alike && !row.state.is_hidden() && is_too_near(row, marks, basis, threshold) => {
                hide(row, State::HiddenSecondary);
            }
            _ => {}
        }
    }
    // Where the grouping is another, the pattern was not found together with what is hidden here: one alone would follow from the total.
    let regrouped: BTreeSet<(String, String)> = rows
        .iter()
        .filter(|r| r.year == year && !same_groups(report, before, &r.domain))
        .map(|r| (r.indicator.clone(), r.domain.clone()))
        .collect();
    for (indicator, domain) in regrouped {
        let of = |r: &EstimateRow| r.year == year && r.indicator == indicator && r.domain == domain && r.estimate.n > 0;
        if rows.iter().filter(|r| of(r) && r.state.is_hidden()).count() == 1 {
            let shown = rows.iter_mut().filter(|r| of(r) && !r.state.is_hidden());
            if let Some(row) = shown.min_by_key(|r| r.estimate.n) {
                hide(row, State::HiddenSecondary);
            }
        }
    }
    report.estimates = rows;
    for row in report.coverage.iter_mut().filter(|row| row.year == year) {
        let same =
            |old: &&crate::results::CoverageRow| old.year == year && old.domain == row.domain && old.group == row.group;
        if let Some(old) = before.coverage.iter().find(same) {
            *row = old.clone();
        }
    }
    for row in report.insight.reliability.iter_mut().filter(|row| row.year == year) {
        let same = |old: &&crate::insight::ReliabilityRow| old.year == year && old.indicator == row.indicator;
        if let Some(old) = before.insight.reliability.iter().find(same) {
            *row = old.clone();
        }
    }
    if let Some(old) = before.insight.response.iter().find(|r| r.year == year)
        && let Some(row) = report.insight.response.iter_mut().find(|r| r.year == year)
    {
        *row = old.clone();
    }
    repeated
}

/// Does a group of a new grouping differ by too few answers from a group of the old one?
fn is_too_near(row: &EstimateRow, marks: &Marks, basis: &Basis, threshold: u64) -> bool {
    let Some(old) = &basis.marks else { return false };
    let own = members(marks, row.year, &row.domain, &row.group);
    let groups = basis.whole.breakdowns.iter().filter(|b| b.domain == row.domain).flat_map(|b| &b.groups);
    groups.into_iter().any(|group| {
        let others = members(old, row.year, &row.domain, &group.key);
        let hidden = basis
            .whole
            .estimate(&row.indicator, row.year, &row.domain, &group.key)
            .is_some_and(|r| r.state.is_hidden());
        let apart = apart(&own, &others);
        !others.is_empty() && apart < threshold && (apart > 0 || hidden)
    })
}

/// Levels of the year that is published anew. Returns how many were blanked.
fn correct(report: &mut Report, marks: &Marks, year: i32, basis: &Basis, threshold: u64) -> u64 {
    let before = &basis.whole;
    let mut rows = std::mem::take(&mut report.estimates);
    let moved = |row: &EstimateRow, old: &EstimateRow| match &basis.marks {
        Some(marks_before) => {
            apart(&members(marks, year, &row.domain, &row.group), &members(marks_before, year, &row.domain, &row.group))
        }
        // Nothing is known of the answers then: as many as n differs by, and at least one where the figure differs.
        None if is_same(row, old) => 0,
        None => row.estimate.n.abs_diff(old.estimate.n).max(1),
    };
    let mut blanked = 0;
    // Per level: how many answers moved it, and whether the reader can know it from before.
    let mut movement: BTreeMap<Place, u64> = BTreeMap::new();
    let mut was_shown: BTreeSet<Place> = BTreeSet::new();
    for row in rows.iter_mut().filter(|row| row.year == year) {
        let old = before.estimate(&row.indicator, year, &row.domain, &row.group);
        let Some(old) = old.filter(|_| same_groups(report, before, &row.domain)) else {
            if !row.state.is_hidden() && is_too_near(row, marks, basis, threshold) {
                hide(row, State::HiddenSecondary);
                blanked += 1;
            }
            continue;
        };
        let by = moved(row, old);
        movement.insert(place(row), by);
        if !old.state.is_hidden() {
            was_shown.insert(place(row));
        }
        if row.state.is_hidden() {
            continue;
        }
        if old.state.is_hidden() || (!is_same(row, old) && (1..threshold).contains(&by)) {
            hide(row, State::HiddenSecondary);
            blanked += 1;
        }
    }
    // A hidden level that was shown before and that no answer has moved is known. One unknown among known ones follows from the total.
    let keys: BTreeSet<(String, String)> = rows
        .iter()
        .filter(|r| r.year == year && r.domain != TOTAL)
        .map(|r| (r.indicator.clone(), r.domain.clone()))
        .collect();
    for (indicator, domain) in keys {
        let of = |r: &EstimateRow| r.year == year && r.indicator == indicator && r.domain == domain && r.estimate.n > 0;
        let is_known = |r: &EstimateRow| was_shown.contains(&place(r)) && movement.get(&place(r)) == Some(&0);
        let unknown = rows.iter().filter(|r| of(r) && r.state.is_hidden() && !is_known(r)).count();
        if unknown != 1 {
            continue;
        }
        let is_moved = |r: &EstimateRow| movement.get(&place(r)).is_some_and(|by| *by > 0);
        let next = (0..rows.len())
            .filter(|at| of(&rows[*at]) && !rows[*at].state.is_hidden() && is_moved(&rows[*at]))
            .min_by_key(|at| rows[*at].estimate.n);
        let total = || {
            rows.iter()
                .position(|r| r.year == year && r.indicator == indicator && r.domain == TOTAL && !r.state.is_hidden())
        };
        if let Some(at) = next.or_else(total) {
            hide(&mut rows[at], State::HiddenSecondary);
            blanked += 1;
        }
    }
    report.estimates = rows;
    blanked
}

/// Everything that is made of levels follows them: changes, trends, targets, means of two years, drivers, reliability.
fn follow(report: &mut Report, year: i32, earlier: &[Basis], fresh: &BTreeMap<Place, Option<f64>>) {
    let levels: BTreeMap<Place, (Option<f64>, bool)> =
        report.estimates.iter().map(|r| (place(r), (r.estimate.value, r.state.is_hidden()))).collect();
    let at = |indicator: &str, year: i32, domain: &str, group: &str| -> Place {
        (indicator.to_owned(), year, domain.to_owned(), group.to_owned())
    };
    let is_hidden = |p: &Place| levels.get(p).is_some_and(|(_, hidden)| *hidden);
    // How far a level as published lies from the same level computed today.
    let gap = |p: &Place| match (levels.get(p), fresh.get(p)) {
        (Some((Some(kept), _)), Some(Some(fresh))) => kept - fresh,
        _ => 0.0,
    };
    let mut changes = std::mem::take(&mut report.changes);
    for row in &mut changes {
        let ends = [row.year_from, row.year_to].map(|y| at(&row.indicator, y, &row.domain, &row.group));
        if ends.iter().any(is_hidden) {
            empty(row);
            continue;
        }
        let both = |b: &&Basis| [row.year_from, row.year_to].iter().all(|y| b.whole.years.contains(y));
        if row.year_to != year
            && row.year_from != year
            && let Some(basis) = earlier.iter().find(both)
            && same_formula(report, &basis.whole, &row.indicator)
            && same_groups(report, &basis.whole, &row.domain)
            && let Some(old) = basis.whole.change(&row.indicator, row.year_from, row.year_to, &row.domain, &row.group)
        {
            *row = old.clone();
            continue;
        }
        // The difference of two levels of which one is frozen would tell what has left the other since: the change goes from the
        // frozen one.
        let by = gap(&ends[1]) - gap(&ends[0]);
        shift(&mut row.change, by);
        if let Some(interval) = &mut row.interval {
            (interval.lower, interval.upper) = (interval.lower + by, interval.upper + by);
        }
        let contradicted = match (row.verdict, row.interval) {
            (Verdict::Up, Some(i)) => i.lower <= 0.0,
            (Verdict::Down, Some(i)) => i.upper >= 0.0,
            _ => false,
        };
        if contradicted {
            row.verdict = Verdict::Unclear;
        }
    }
    report.changes = changes;
    let total = |indicator: &str, year: i32| at(indicator, year, TOTAL, ALL);
    let insight = &mut report.insight;
    for row in &mut insight.trends {
        if (row.from..=row.to).any(|y| is_hidden(&total(&row.indicator, y))) {
            (row.slope, row.se, row.df, row.interval) = (None, None, None, None);
            (row.p_value, row.p_adjusted, row.verdict) = (None, None, Verdict::Hidden);
        }
    }
    for row in &mut insight.targets {
        let (baseline, now) = (total(&row.indicator, row.target.from), total(&row.indicator, row.year));
        if is_hidden(&baseline) || is_hidden(&now) {
            (row.baseline, row.value, row.change, row.interval) = (None, None, None, None);
            (row.verdict, row.gap, row.pace) = (None, Some(Gap::Hidden), None);
            continue;
        }
        let by = gap(&now) - gap(&baseline);
        shift(&mut row.baseline, gap(&baseline));
        shift(&mut row.value, gap(&now));
        shift(&mut row.change, by);
        if let Some(interval) = &mut row.interval {
            (interval.lower, interval.upper) = (interval.lower + by, interval.upper + by);
        }
    }
    let ends = |row: &crate::insight::TwoYearRow| {
        [row.year_from, row.year_to].map(|y| at(&row.indicator, y, &row.domain, &row.group))
    };
    insight.two_year_means.retain(|row| !ends(row).iter().any(is_hidden));
    for row in &mut insight.two_year_means {
        let by = ends(row).iter().map(gap).sum::<f64>() / 2.0;
        shift(&mut row.estimate.value, by);
        if let Some(interval) = &mut row.estimate.interval {
            (interval.lower, interval.upper) = (interval.lower + by, interval.upper + by);
        }
    }
    insight.drivers.iter_mut().for_each(|map: &mut DriverMap| {
        if [&map.battery, &map.outcome].iter().any(|id| is_hidden(&total(id, map.year))) {
            (map.r_squared, map.mean_importance, map.mean_satisfaction) = (None, None, None);
            map.drivers.clear();
            map.refused = Some(Refusal::Hidden);
        }
    });
    for row in insight.reliability.iter_mut().filter(|row| is_hidden(&total(&row.indicator, row.year))) {
        (row.alpha, row.state) = (None, State::Hidden);
    }
    for row in &mut insight.response {
        row.late.retain(|late| !is_hidden(&total(&late.indicator, row.year)));
        row.maximal_bias.retain(|bias| !is_hidden(&total(&bias.indicator, row.year)));
    }
}

fn shift(value: &mut Option<f64>, by: f64) {
    if let Some(value) = value {
        *value += by;
    }
}

#[cfg(test)]
mod tests;
