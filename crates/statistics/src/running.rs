//! Continuous measurement: the figure of a quarter or of four, and which of a new quarter's figures may be shown.
//!
//! The cases closed in the time are the population, those answered the sample: § 3 with one stratum and equal weights. A business
//! that answered about several cases of four quarters is one cluster. Figures are decided on once, when a quarter is settled: what was
//! shown before stays shown, so that only the new ones can be given up for a hidden one's sake.
use std::collections::{BTreeMap, BTreeSet};

use domain::cases::{CaseSums, EVERY, Quarter};
use domain::results::{Estimate, Interval, TOTAL};

use crate::distribution::t95;
use crate::shield::{self, Plane};
use crate::suppress::{Atom, Group, Rules, Slice};

/// Quarters that are looked at together: four quarters reach back three, and theirs three more.
const TOGETHER: i16 = 11;
/// Ends of the scale.
const RANGE: [f64; 2] = [0.0, 100.0];

/// The mean of the answers with its uncertainty.
#[must_use]
pub fn estimate(sums: &CaseSums) -> Estimate {
    let empty = Estimate { n: sums.n, value: None, se: None, df: None, interval: None, deff: None };
    if sums.n == 0 {
        return empty;
    }
    let (n, clusters) = (sums.n as f64, sums.businesses as f64);
    let mean = sums.total / n;
    let mut figure = Estimate { value: Some(mean), ..empty };
    if sums.n >= sums.cases {
        // All cases were answered about: nothing was left to chance.
        figure.se = Some(0.0);
        return figure;
    }
    if sums.businesses < 2 {
        return figure;
    }
    // Businesses that answered but left this blank have the score 0 and count among those drawn.
    let drawn = sums.respondents.max(sums.businesses) as f64;
    let squares = (sums.squares - 2.0 * mean * sums.crossed + mean * mean * sums.repeats).max(0.0) / (n * n);
    let squares = if squares <= 1e-12 * sums.squares / (n * n) { 0.0 } else { squares };
    let variance = (1.0 - n / sums.cases as f64) * drawn / (drawn - 1.0) * squares;
    let (se, df) = (variance.sqrt(), clusters - 1.0);
    figure.se = Some(se);
    figure.df = Some(df);
    // All alike: they say nothing of how opinions vary.
    if se > 0.0 {
        let away = t95(df) * se;
        figure.interval = Some(Interval { lower: (mean - away).max(RANGE[0]), upper: (mean + away).min(RANGE[1]) });
    }
    figure
}

/// Sums with their place, and whether they were shown before.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// The quarter, or the last of the four.
    pub quarter: Quarter,
    /// 1 or 4 quarters.
    pub span: u8,
    /// The authority; [`EVERY`].
    pub authority: &'a str,
    /// The measure.
    pub measure: &'a str,
    /// The sums.
    pub sums: &'a CaseSums,
    /// Decided when its quarter was settled.
    pub is_shown: bool,
}

/// Which figures of the `new` quarter may be shown, as (span, authority); where several measures are given, all alike. `sums` holds the
/// earlier ones, too.
#[must_use]
pub fn decide(sums: &[Placed<'_>], new: Quarter, rules: &Rules) -> BTreeSet<(u8, String)> {
    let recent: Vec<&Placed<'_>> =
        sums.iter().filter(|s| s.quarter <= new && s.quarter >= new.plus(-TOGETHER)).collect();
    // Four quarters whose first lie further back would be taken for fewer.
    let whole = |s: &Placed<'_>| s.span == 1 || s.quarter.plus(-3) >= new.plus(-TOGETHER);
    let atoms: Vec<(Quarter, &str)> = recent
        .iter()
        .filter(|s| s.span == 1 && s.authority != EVERY)
        .map(|s| (s.quarter, s.authority))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let places: Vec<(Quarter, u8, &str)> = recent
        .iter()
        .filter(|s| whole(s))
        .map(|s| (s.quarter, s.span, s.authority))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let measures: BTreeSet<&str> = recent.iter().map(|s| s.measure).collect();
    let found: BTreeMap<(Quarter, u8, &str, &str), &Placed<'_>> =
        recent.iter().map(|s| ((s.quarter, s.span, s.authority, s.measure), *s)).collect();
    let mut by_place: BTreeMap<(Quarter, u8, &str), Vec<&Placed<'_>>> = BTreeMap::new();
    for sums in &recent {
        by_place.entry((sums.quarter, sums.span, sums.authority)).or_default().push(sums);
    }
    let was_shown = |place: &(Quarter, u8, &str)| place.0 < new && by_place[place].iter().any(|s| s.is_shown);
    let groups: Vec<Group> = places
        .iter()
        .map(|place| {
            let (quarter, span, authority) = *place;
            let from = quarter.plus(1 - i16::from(span));
            let inside = |(at, own): &(Quarter, &str)| {
                *at >= from && *at <= quarter && (authority == EVERY || *own == authority)
            };
            let domain = match (span, authority) {
                _ if was_shown(place) => TOTAL,
                (1, EVERY) => "quarter",
                (1, _) => "quarter,authority",
                (_, EVERY) => "year",
                _ => "year_authority",
            };
            let atoms = (0..atoms.len()).filter(|at| inside(&atoms[*at])).collect();
            Group { domain: domain.to_owned(), group: format!("{quarter} {span} {authority}"), atoms }
        })
        .collect();
    // Few businesses with several answers each are few.
    let fixed: Vec<bool> = places
        .iter()
        .map(|place| {
            if place.0 < new {
                !was_shown(place)
            } else {
                by_place[place].iter().any(|s| s.sums.n > 0 && s.sums.businesses < rules.min_n)
            }
        })
        .collect();
    let planes: Vec<Plane> = measures
        .iter()
        .map(|measure| {
            let atom = |(quarter, authority): &(Quarter, &str)| {
                found.get(&(*quarter, 1, *authority, *measure)).map_or_else(Atom::default, |s| Atom {
                    n: s.sums.n,
                    frame: s.sums.cases,
                    weight: s.sums.n as f64,
                    sum: s.sums.total,
                    sum_sq: s.sums.squares,
                })
            };
            let slice = Slice {
                indicator: (*measure).to_owned(),
                year: 0,
                range: RANGE,
                share: false,
                atoms: atoms.iter().map(atom).collect(),
            };
            let frame = |place: &(Quarter, u8, &str)| {
                found.get(&(place.0, place.1, place.2, *measure)).map_or(0, |s| s.sums.cases)
            };
            Plane { slice, frame: places.iter().map(frame).collect() }
        })
        .collect();
    let hidden = shield::hide(&groups, &planes, &fixed, rules);
    places
        .iter()
        .zip(hidden)
        .filter(|(place, hidden)| place.0 == new && !hidden && by_place[place].iter().any(|s| s.sums.n > 0))
        .map(|((_, span, authority), _)| (*span, (*authority).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, CellSums, Design, Fpc, Options, Scale, Sums, Weighting, Year};

    fn quarter(text: &str) -> Quarter {
        Quarter::parse(text).unwrap()
    }

    #[test]
    fn a_quarter_is_the_estimate_of_one_stratum() {
        let values = [10.0, 20.0, 35.0, 35.0, 60.0, 80.0, 100.0, 45.0];
        let names: Vec<String> = (0..10).map(|n| format!("b{n}")).collect();
        // Two of ten left the item blank.
        let answers = names.iter().enumerate().map(|(at, name)| (name.as_str(), values.get(at).copied()));
        let figure = estimate(&CaseSums::of(25, answers));
        let cell =
            Cell { sector: "all".into(), size: "all".into(), margins: vec![], frame: 25, answered: 10, invited: None };
        let options = Options { weighting: Weighting::None, fpc: Fpc::Item, ..Options::default() };
        let design = Design::single(&Year { year: 2026, cells: vec![cell] }, &options).unwrap();
        let mut sums = CellSums::new(0);
        values.iter().for_each(|v| sums.add(*v));
        let scale = Scale { lower: 0.0, upper: 100.0, share: false };
        let other = design.figure(scale, Sums::Businesses(&[sums]), &[2]);
        let other = other.estimate();
        let near = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() <= 1e-9 * b.unwrap().abs();
        assert!(
            near(figure.value, other.value) && near(figure.se, other.se) && near(figure.df, other.df),
            "{figure:?} {other:?}"
        );
        let (a, b) = (figure.interval.unwrap(), other.interval.unwrap());
        assert!((a.lower - b.lower).abs() < 1e-9 && (a.upper - b.upper).abs() < 1e-9);
    }

    #[test]
    fn several_answers_of_a_business_are_one_cluster() {
        // R, survey: svymean over svydesign(id = ~business, fpc = 8/20).
        let answers = [
            ("a", Some(40.0)),
            ("a", Some(55.0)),
            ("b", Some(70.0)),
            ("c", Some(90.0)),
            ("c", Some(80.0)),
            ("d", Some(20.0)),
            ("e", Some(65.0)),
            ("f", Some(50.0)),
        ];
        let figure = estimate(&CaseSums::of(20, answers.into_iter()));
        assert_eq!(figure.n, 8);
        assert!((figure.value.unwrap() - 58.75).abs() < 1e-12);
        assert!((figure.se.unwrap() - 7.504_686_036_071_063).abs() < 1e-9, "{figure:?}");
        assert_eq!(figure.df, Some(5.0));
    }

    #[test]
    fn a_census_and_a_single_answer_have_no_interval() {
        let all = estimate(&CaseSums::of(2, [("a", Some(40.0)), ("b", Some(60.0))].into_iter()));
        assert_eq!((all.se, all.interval), (Some(0.0), None));
        let one = estimate(&CaseSums::of(5, [("a", Some(40.0))].into_iter()));
        assert_eq!((one.value, one.se, one.interval), (Some(40.0), None, None));
        let alike = estimate(&CaseSums::of(9, [("a", Some(40.0)), ("b", Some(40.0)), ("c", Some(40.0))].into_iter()));
        assert_eq!(alike.interval, None);
        assert_eq!(estimate(&CaseSums::default()).value, None);
    }

    /// Quarters with so many answers per authority; the sums of one quarter, of four, and of all.
    fn town(quarters: &[(&str, [u64; 3])]) -> Vec<(Quarter, u8, String, CaseSums)> {
        let names = ["building", "environment", "roads"];
        let mut all = Vec::new();
        for (at, (text, _)) in quarters.iter().enumerate() {
            for (span, from) in [(1_u8, at), (4, at.saturating_sub(3))] {
                for authority in names.into_iter().chain([EVERY]) {
                    let mut answers: Vec<(String, Option<f64>)> = Vec::new();
                    let mut cases = 0;
                    for (text, counts) in &quarters[from..=at] {
                        for (name, n) in names.iter().zip(counts) {
                            if authority == EVERY || authority == *name {
                                cases += 3 * n;
                                let value = |i: u64| (f64::from(u32::try_from(i).unwrap()) * 37.0 + 20.0) % 100.0;
                                answers.extend((0..*n).map(|i| (format!("{text}{name}{i}"), Some(value(i)))));
                            }
                        }
                    }
                    let sums = CaseSums::of(cases, answers.iter().map(|(name, v)| (name.as_str(), *v)));
                    all.push((quarter(text), span, authority.to_owned(), sums));
                }
            }
        }
        all
    }

    /// Settles one quarter after the other.
    fn settled(quarters: &[(&str, [u64; 3])]) -> BTreeSet<(Quarter, u8, String)> {
        let all = town(quarters);
        let mut shown = BTreeSet::new();
        for (text, _) in quarters {
            let new = quarter(text);
            let placed: Vec<Placed<'_>> = all
                .iter()
                .map(|(quarter, span, authority, sums)| Placed {
                    quarter: *quarter,
                    span: *span,
                    authority,
                    measure: "nki",
                    sums,
                    is_shown: shown.contains(&(*quarter, *span, authority.clone())),
                })
                .collect();
            let decided = decide(&placed, new, &Rules::default());
            shown.extend(decided.into_iter().map(|(span, authority)| (new, span, authority)));
        }
        shown
    }

    #[test]
    fn enough_answers_are_shown_and_few_are_not() {
        let shown = settled(&[("2026-Q1", [20, 15, 12])]);
        assert_eq!(shown.len(), 8, "{shown:?}");
        let shown = settled(&[("2026-Q1", [20, 15, 3])]);
        assert!(!shown.contains(&(quarter("2026-Q1"), 1, "roads".into())));
        // The total less the other two would give the three away.
        let of_quarter = shown.iter().filter(|(_, span, _)| *span == 1).count();
        assert!(of_quarter <= 2, "{shown:?}");
        assert!(settled(&[("2026-Q1", [4, 0, 0])]).is_empty());
    }

    #[test]
    fn thin_quarters_are_told_as_four_and_cannot_be_worked_out_of_them() {
        let quarters = [
            ("2026-Q1", [30, 30, 4]),
            ("2026-Q2", [30, 30, 3]),
            ("2026-Q3", [30, 30, 4]),
            ("2026-Q4", [30, 30, 3]),
            ("2027-Q1", [30, 30, 4]),
        ];
        let shown = settled(&quarters);
        assert!(shown.contains(&(quarter("2026-Q4"), 4, "roads".into())), "{shown:?}");
        assert!(quarters.iter().all(|(text, _)| !shown.contains(&(quarter(text), 1, "roads".into()))));
        // The audit by linear programming over all that is shown, in every quarter.
        let all = town(&quarters);
        let atoms: Vec<(Quarter, &str)> = all
            .iter()
            .filter(|(_, span, authority, _)| *span == 1 && authority != EVERY)
            .map(|(quarter, _, authority, _)| (*quarter, authority.as_str()))
            .collect();
        let sums_of = |at: &(Quarter, &str)| {
            all.iter().find(|(q, span, authority, _)| *q == at.0 && *span == 1 && authority == at.1).unwrap().3
        };
        let groups: Vec<Group> = all
            .iter()
            .map(|(q, span, authority, _)| Group {
                domain: "x".into(),
                group: format!("{q} {span} {authority}"),
                atoms: (0..atoms.len())
                    .filter(|at| {
                        let (own, name) = atoms[*at];
                        own <= *q && own >= q.plus(1 - i16::from(*span)) && (authority == EVERY || authority == name)
                    })
                    .collect(),
            })
            .collect();
        let slice = Slice {
            indicator: "nki".into(),
            year: 0,
            range: RANGE,
            share: false,
            atoms: atoms
                .iter()
                .map(|at| {
                    let sums = sums_of(at);
                    Atom { n: sums.n, frame: sums.cases, weight: sums.n as f64, sum: sums.total, sum_sq: 0.0 }
                })
                .collect(),
        };
        let states = all
            .iter()
            .map(|(q, span, authority, _)| {
                use domain::results::State;
                if shown.contains(&(*q, *span, authority.clone())) { State::Shown } else { State::Hidden }
            })
            .collect();
        let audits = crate::suppress::audit(&groups, &[slice], &[], &Rules::default(), &[states]);
        for audit in audits.iter().filter(|a| groups[a.group].group.ends_with("1 roads")) {
            assert!(audit.upper - audit.lower >= 20.0 - 1e-6, "{} {audit:?}", groups[audit.group].group);
        }
    }
}
