//! Closed cases of the invented town: arriving month by month, some answered, authorities with more and with fewer of them.
use std::collections::BTreeMap;

use domain::answers::Answers;
use domain::cases::{CaseBusiness, ClosedCase, Date, MEASURES};
use domain::frame::FrameUnit;
use domain::time::Millis;

use crate::chance::Chance;

/// Months in which cases arrived.
const MONTHS: i64 = 15;
/// The last of them lies this long before the mail of the round in the field: nobody who was asked about a case misses that.
const BEFORE: i64 = 190;
/// Days between two deliveries.
const APART: i64 = 30;
/// Share of those asked who answer.
const ANSWERED: f64 = 0.45;
/// Authorities with their cases in a delivery and how satisfied people are, from 0 to 1, at first and at last.
const AUTHORITIES: [(&str, usize, f64, f64); 5] = [
    ("building", 16, 0.52, 0.66),
    ("environment", 11, 0.66, 0.66),
    ("business_service", 9, 0.78, 0.8),
    ("roads", 5, 0.58, 0.55),
    ("licences", 2, 0.6, 0.6),
];

/// A file of cases as it arrived.
#[derive(Debug, Clone)]
pub struct DemoDelivery {
    /// When it was read in.
    pub at: Millis,
    /// The cases.
    pub cases: Vec<ClosedCase>,
    /// What is answered, by authority and closing day of the case: as many as asked, in no order.
    pub answers: BTreeMap<(String, String), Vec<Option<Answers>>>,
}

/// The deliveries before a round whose mail went out at `opened_at`, about businesses of this extract.
#[must_use]
pub fn deliveries(seed: u64, units: &[FrameUnit], opened_at: Millis) -> Vec<DemoDelivery> {
    let mut chance = Chance::new(seed ^ 0xCA5E);
    let reachable: Vec<&FrameUnit> = units.iter().filter(|u| !u.protected && u.email.is_some()).collect();
    let mut number = 0;
    (0..MONTHS)
        .map(|month| {
            let at = opened_at.plus_days(-BEFORE - APART * (MONTHS - 1 - month));
            let mut delivery = DemoDelivery { at, cases: Vec::new(), answers: BTreeMap::new() };
            let part = month as f64 / (MONTHS - 1) as f64;
            for (authority, count, first, last) in AUTHORITIES {
                let satisfied = first + (last - first) * part;
                for _ in 0..count {
                    number += 1;
                    let Some(unit) = reachable.get(chance.below(reachable.len())) else { continue };
                    let closed_on = day(at.plus_days(-1 - i64::try_from(chance.below(27)).unwrap_or(0)));
                    let key = (authority.to_owned(), closed_on.to_string());
                    let said = chance.happens(ANSWERED).then(|| answers(&mut chance, satisfied));
                    delivery.answers.entry(key).or_default().push(said);
                    delivery.cases.push(ClosedCase {
                        case_id: format!("S-{number:05}"),
                        business: CaseBusiness::Unit(unit.unit_key.clone()),
                        authority: authority.to_owned(),
                        closed_on,
                    });
                }
            }
            delivery
        })
        .collect()
}

/// The day of an instant; the cases' days need no zone of their own.
fn day(at: Millis) -> Date {
    at.timestamp().strftime("%Y-%m-%d").to_string().parse().expect("a formatted day is one")
}

/// Answers around a level: each item by itself, so that they go together and differ.
fn answers(chance: &mut Chance, level: f64) -> Answers {
    let own = (level + 0.5 * (chance.even() - 0.5)).clamp(0.0, 1.0);
    let mut answers = Answers::default();
    for measure in &MEASURES {
        let [from, to] = measure.scale;
        for item in measure.items {
            if chance.happens(0.04) {
                answers.0.insert((*item).to_owned(), domain::answers::DONT_KNOW.to_owned());
                continue;
            }
            let at = (own + 0.3 * (chance.even() - 0.5)).clamp(0.0, 1.0);
            let point = (from..=to).rev().find(|p| f64::from(p - from) <= at * f64::from(to - from) + 0.5);
            answers.0.insert((*item).to_owned(), point.unwrap_or(from).to_string());
        }
    }
    answers
}
