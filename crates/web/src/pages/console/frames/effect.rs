//! What an extract makes of the population: who is left out and why, who remains, sector by sector beside the year before.
use std::collections::BTreeMap;

use domain::ids::ImportId;
use domain::language::Language;
use intake::frame::{Field, Summary};
use serde::Serialize;
use store::extracts::Difference;
use store::frames::FrameCount;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::jobs::{Counted, field_name, note_name, outcome_name};
use crate::pages::console::{sectors, sizes, titled};
use crate::pages::signin::Staff;

/// The way from the file's rows to the population.
#[derive(Debug, Serialize)]
pub struct Effect {
    /// Data rows of the file; not known of a frame that was made otherwise.
    pub rows: Option<u64>,
    /// Rows left out, by the rules or for a fault.
    pub rows_left_out: u64,
    /// The same by reason, the most first.
    pub left_out: Vec<Counted>,
    /// Units that staff left out.
    pub excluded: u64,
    /// The population.
    pub n: u64,
    /// Of these protected.
    pub protected: u64,
    /// Of these with a mail address that may be used.
    pub contactable: u64,
    /// What to know of rows taken.
    pub notes: Vec<Counted>,
    /// The year before.
    pub before: Option<Before>,
    /// By sector.
    pub sectors: Vec<Beside>,
    /// By size class.
    pub sizes: Vec<Beside>,
    /// Headings that hold no field.
    pub unused: Vec<String>,
    /// Fields that no column holds.
    pub absent: Vec<String>,
    /// Nobody is known to be protected.
    pub nobody_protected: bool,
}

/// The frame of the nearest earlier year.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Before {
    /// The year.
    pub year: i32,
    /// Its population.
    pub n: u64,
}

/// A group beside the year before.
#[derive(Debug, Serialize)]
pub struct Beside {
    /// Title.
    pub name: String,
    /// Units now.
    pub n: u64,
    /// Of these protected.
    pub protected: u64,
    /// Units the year before.
    pub before: Option<u64>,
}

/// What differs from the year before, in counts with links to the lists.
#[derive(Debug, Serialize)]
pub struct DifferencePart {
    /// The counts.
    pub counts: Difference,
    /// Where the lists begin: `…/difference`.
    pub href: String,
}

impl Effect {
    /// An effect for the check at start.
    #[must_use]
    pub fn sample(full: bool) -> Self {
        let counted = || if full { vec![Counted { name: "Ophørt".to_owned(), n: 12 }] } else { Vec::new() };
        let beside = |before| vec![Beside { name: "Handel".to_owned(), n: 511, protected: 40, before }];
        Self {
            rows: full.then_some(2600),
            rows_left_out: 118,
            left_out: counted(),
            excluded: if full { 2 } else { 0 },
            n: 2480,
            protected: 210,
            contactable: 1900,
            notes: counted(),
            before: full.then_some(Before { year: 2025, n: 2400 }),
            sectors: beside(full.then_some(500)),
            sizes: beside(full.then_some(500)),
            unused: if full { vec!["Bemærkning".to_owned()] } else { Vec::new() },
            absent: if full { vec!["Telefon".to_owned()] } else { Vec::new() },
            nobody_protected: full,
        }
    }

    /// The effect of an import, with what its reading said where that is known.
    pub async fn of(
        app: &App,
        staff: &Staff,
        language: Language,
        import: &ImportId,
        summary: Option<Summary>,
        difference: Option<&Difference>,
        excluded: u64,
    ) -> Result<Self, PageError> {
        let id = &staff.municipality.id;
        let now = app.store().import_counts(id, import).await?;
        let then = match difference {
            Some(difference) => Some(app.store().frame_counts(id, difference.year).await?),
            None => None,
        };
        let summary_of = summary.unwrap_or_default();
        let mut left_out: Vec<Counted> = summary_of
            .left_out
            .iter()
            .map(|(key, n)| Counted { name: outcome_name(app, language, key), n: *n })
            .collect();
        left_out.sort_by_key(|c| std::cmp::Reverse(c.n));
        let (by_sector, by_size) = (|c: &FrameCount| c.sector.clone(), |c: &FrameCount| c.size.clone());
        let titles = (sectors(&staff.municipality, language), sizes(&staff.municipality, language));
        Ok(Self {
            rows: (summary_of.rows > 0).then_some(summary_of.rows),
            rows_left_out: left_out.iter().map(|c| c.n).sum(),
            left_out,
            excluded,
            n: now.iter().map(|c| c.units).sum(),
            protected: now.iter().map(|c| c.protected).sum(),
            contactable: now.iter().map(|c| c.contactable).sum(),
            notes: summary_of
                .notes
                .iter()
                .map(|(note, n)| Counted { name: note_name(app, language, *note), n: *n })
                .collect(),
            before: difference.map(|d| Before { year: d.year, n: d.before }),
            sectors: beside(&titles.0, &now, then.as_deref(), &by_sector),
            sizes: beside(&titles.1, &now, then.as_deref(), &by_size),
            unused: summary_of.unused_columns.iter().filter(|c| !c.is_empty()).cloned().collect(),
            nobody_protected: summary_of.rows > 0 && summary_of.absent.contains(&Field::Protected),
            absent: summary_of.absent.iter().map(|field| field_name(app, language, *field)).collect(),
        })
    }
}

/// Every title with its units now and then, so that a dropped group is seen; a key that has no title comes last.
fn beside(
    titles: &[(String, String)],
    now: &[FrameCount],
    then: Option<&[FrameCount]>,
    key: &dyn Fn(&FrameCount) -> String,
) -> Vec<Beside> {
    let sums = |counts: &[FrameCount]| {
        let mut sums: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for count in counts {
            let sum = sums.entry(key(count)).or_default();
            sum.0 += count.units;
            sum.1 += count.protected;
        }
        sums
    };
    let (now, then) = (sums(now), then.map(sums));
    let mut keys: Vec<&str> = titles.iter().map(|(key, _)| key.as_str()).collect();
    let others = now.keys().chain(then.iter().flat_map(BTreeMap::keys)).map(String::as_str);
    for other in others {
        if !keys.contains(&other) {
            keys.push(other);
        }
    }
    keys.into_iter()
        .map(|key| {
            let (n, protected) = now.get(key).copied().unwrap_or_default();
            Beside {
                name: titled(titles, key).to_owned(),
                n,
                protected,
                before: then.as_ref().map(|then| then.get(key).map_or(0, |(units, _)| *units)),
            }
        })
        .collect()
}
