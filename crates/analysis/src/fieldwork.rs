//! Who answered, beyond the counts of a file: register variables outside the weights, late against early answers, AAPOR outcomes.
use std::collections::{BTreeMap, HashMap};

use domain::indicator::Definitions;
use domain::insight::{LateRow, OutcomeCounts, Rates, ResponseGroup, ResponseVariable};
use domain::language::Texts;
use domain::results::{ALL, Interval, Report, TOTAL};
use statistics::distribution::{t_two_sided, t95};
use statistics::response::{Outcomes, representativity};

use crate::scored::Scored;

/// Both halves of a comparison of late with early answers need so many.
const FEWEST: usize = 20;

/// A register variable that the weights are not made of.
#[derive(Debug, Clone)]
pub struct Variable {
    /// Key: `area`, `age`.
    pub name: String,
    /// Title.
    pub title: Texts,
    /// Its groups in reading order.
    pub groups: Vec<(String, Texts)>,
    /// Year and business → group, for every business of the frame that has one.
    pub of: HashMap<(i32, String), String>,
}

/// What the fieldwork knows beside frame and answers.
#[derive(Debug, Clone, Default)]
pub struct Fieldwork {
    /// Register variables.
    pub variables: Vec<Variable>,
    /// Final outcomes per year.
    pub outcomes: BTreeMap<i32, OutcomeCounts>,
    /// When each response was sent, in any unit.
    pub submitted: HashMap<(i32, String), i64>,
}

/// Adds what the fieldwork knows to the report's account of who answered.
pub fn account(report: &mut Report, scored: &Scored, definitions: &Definitions, fieldwork: &Fieldwork) {
    let mut rows = std::mem::take(&mut report.insight.response);
    for row in &mut rows {
        let Some(year) = scored.years().iter().position(|y| *y == row.year) else { continue };
        let responses: Vec<usize> = (0..scored.len()).filter(|r| scored.year(*r) == year).collect();
        if let Some(outcomes) = fieldwork.outcomes.get(&row.year) {
            row.outcomes = Some(*outcomes);
            row.rates = rates(*outcomes);
        }
        for variable in &fieldwork.variables {
            row.variables.extend(shares(variable, row.year, &responses, scored));
        }
        row.late = late(report, row.year, &responses, scored, definitions, fieldwork);
    }
    report.insight.response = rows;
}

fn rates(outcomes: OutcomeCounts) -> Rates {
    let OutcomeCounts { complete, partial, refused, no_contact, other, unknown, ineligible } = outcomes;
    let rates = Outcomes { complete, partial, refused, no_contact, other, unknown, ineligible }.rates();
    Rates {
        rr1: rates.rr1,
        rr2: rates.rr2,
        refusal: rates.refusal,
        contact: rates.contact,
        cooperation: rates.cooperation,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
fn shares(variable: &Variable, year: i32, responses: &[usize], scored: &Scored) -> Option<ResponseVariable> {
    let mut frame: HashMap<&str, u64> = HashMap::new();
    variable.of.iter().filter(|((y, _), _)| *y == year).for_each(|(_, g)| *frame.entry(g).or_default() += 1);
    let whole: u64 = frame.values().sum();
    let mut answered: HashMap<&str, (u64, f64)> = HashMap::new();
    let mut weight = 0.0;
    for response in responses {
        let business: String = scored.business(*response).into();
        if let Some(group) = variable.of.get(&(year, business)) {
            let entry = answered.entry(group.as_str()).or_default();
            entry.0 += 1;
            entry.1 += scored.weight(*response);
            weight += scored.weight(*response);
        }
    }
    if whole == 0 || weight <= 0.0 {
        return None;
    }
    let of = |key: &str| (frame.get(key).copied().unwrap_or(0), answered.get(key).copied().unwrap_or_default());
    let there = || variable.groups.iter().filter(|(key, _)| frame.contains_key(key.as_str()));
    let pairs: Vec<(u64, u64)> = there().map(|(key, _)| (of(key).0, of(key).1.0)).collect();
    let groups = there().map(|(key, title)| {
        let (n_frame, (n_answered, w)) = of(key);
        ResponseGroup {
            group: key.clone(),
            title: title.clone(),
            n_frame,
            n_answered,
            frame_share: n_frame as f64 / whole as f64,
            weighted_share: w / weight,
        }
    });
    Some(ResponseVariable {
        domain: variable.name.clone(),
        title: variable.title.clone(),
        weighted: false,
        r_indicator: representativity(&pairs).map(|r| r.r_indicator),
        groups: groups.collect(),
    })
}

/// The later half of the answers against the earlier one, for every headline indicator whose total is shown.
fn late(
    report: &Report,
    year: i32,
    responses: &[usize],
    scored: &Scored,
    definitions: &Definitions,
    fieldwork: &Fieldwork,
) -> Vec<LateRow> {
    let sent = |r: &usize| fieldwork.submitted.get(&(year, scored.business(*r).into())).copied();
    let mut times: Vec<i64> = responses.iter().filter_map(sent).collect();
    if times.len() < 2 * FEWEST || times.len() * 10 < responses.len() * 9 {
        return Vec::new();
    }
    times.sort_unstable();
    let middle = times[times.len() / 2];
    let mut rows = Vec::new();
    for indicator in definitions.indicators.iter().filter(|i| i.headline) {
        let shown = report.estimate(&indicator.id, year, TOTAL, ALL).is_some_and(|row| !row.state.is_hidden());
        if !shown {
            continue;
        }
        let values = scored.values(indicator);
        let units: Vec<Unit> = responses
            .iter()
            .filter_map(|r| {
                let score = values[*r].value().zip(sent(r)).map(|(y, at)| (y, at >= middle));
                Some(Unit { weight: scored.weight(*r), score }).filter(|u| u.weight > 0.0)
            })
            .collect();
        rows.extend(compare(&indicator.id, &units));
    }
    rows
}

/// A response: its weight, and its y with whether it came late.
struct Unit {
    weight: f64,
    score: Option<(f64, bool)>,
}

/// Two domains of one sample: the difference of their means, linearised, within the strata that equal weights tell.
#[expect(clippy::cast_precision_loss, reason = "counts of businesses")]
fn compare(indicator: &str, units: &[Unit]) -> Option<LateRow> {
    let half = |late: bool| {
        let own = units.iter().filter_map(|u| u.score.filter(|(_, l)| *l == late).map(|(y, _)| (u.weight, y)));
        own.fold((0usize, 0.0, 0.0), |(n, w, wy), (weight, y)| (n + 1, w + weight, wy + weight * y))
    };
    let ((n_early, w_early, s_early), (n_late, w_late, s_late)) = (half(false), half(true));
    if n_early < FEWEST || n_late < FEWEST {
        return None;
    }
    let (early, late) = (s_early / w_early, s_late / w_late);
    let mut strata: BTreeMap<u64, (f64, f64, f64)> = BTreeMap::new();
    for unit in units {
        let z = match unit.score {
            Some((y, true)) => unit.weight * (y - late) / w_late,
            Some((y, false)) => -unit.weight * (y - early) / w_early,
            None => 0.0,
        };
        let stratum = strata.entry(unit.weight.to_bits()).or_default();
        *stratum = (stratum.0 + 1.0, stratum.1 + z, stratum.2 + z * z);
    }
    let variance: f64 = strata
        .iter()
        .filter(|(_, (n, ..))| *n > 1.0)
        .map(|(weight, (n, sum, square))| {
            let fraction = (1.0 / f64::from_bits(*weight)).min(1.0);
            (1.0 - fraction) * n / (n - 1.0) * (square - sum * sum / n).max(0.0)
        })
        .sum();
    let df = (n_early + n_late) as f64 - strata.len() as f64;
    let se = variance.sqrt();
    if se <= 0.0 || df < 1.0 {
        return None;
    }
    let (difference, t) = (late - early, t95(df));
    Some(LateRow {
        indicator: indicator.to_owned(),
        n_early: n_early as u64,
        n_late: n_late as u64,
        difference,
        interval: Interval { lower: difference - t * se, upper: difference + t * se },
        p_value: t_two_sided(difference / se, df),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_against_early_in_one_stratum_is_the_difference_of_two_means() {
        // 20 early answers of 40 and 60, 20 late ones of 50 and 70; every second business of the frame answered.
        let unit = |i: u32, late: bool| Unit {
            weight: 2.0,
            score: Some((f64::from(40 + 20 * (i % 2) + 10 * u32::from(late)), late)),
        };
        let units: Vec<Unit> = (0..20).map(|i| unit(i, false)).chain((0..20).map(|i| unit(i, true))).collect();
        let row = compare("nki", &units).unwrap();
        assert_eq!((row.n_early, row.n_late, row.difference), (20, 20, 10.0));
        // z = ±y'/20 with y' = ±10: Σ z² = 40 · 0.25 = 10; V = (1 − 1/2) · 40/39 · 10.
        let se = (0.5_f64 * 40.0 / 39.0 * 10.0).sqrt();
        assert!((row.interval.upper - 10.0 - t95(39.0) * se).abs() < 1e-12);
        assert!(compare("nki", &units[1..]).is_none(), "nineteen early answers are too few");
    }
}
