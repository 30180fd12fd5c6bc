//! Does the 95 % interval of a change contain the true change 95 times in 100? Every business of the invented municipality has an
//! answer whether it gave it or not, so the true change is known: the difference of the two frames' means.
use analysis::{Analysis, Method, Table};
use demo::{Demo, DemoRound, DemoUnit, true_value};
use domain::fieldwork::ResponseStatus;
use domain::indicator::Definitions;
use domain::results::{ALL, TOTAL};

/// Intervals looked at, and those that contain the truth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hits {
    /// Intervals.
    pub intervals: u32,
    /// Intervals that contain the true value.
    pub hits: u32,
}

impl Hits {
    fn add(&mut self, hit: bool) {
        self.intervals += 1;
        self.hits += u32::from(hit);
    }

    /// Adds another count.
    pub fn merge(&mut self, other: Self) {
        self.intervals += other.intervals;
        self.hits += other.hits;
    }

    /// Share of the intervals that contain the true value.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.hits) / f64::from(self.intervals.max(1))
    }
}

/// What one town shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Town {
    /// Intervals of the levels, total and sectors.
    pub levels: Hits,
    /// Intervals of the change from year to year, in the total.
    pub total: Hits,
    /// The same, sector by sector.
    pub sectors: Hits,
}

impl Town {
    /// Adds another town.
    pub fn merge(&mut self, other: &Self) {
        self.levels.merge(other.levels);
        self.total.merge(other.total);
        self.sectors.merge(other.sectors);
    }
}

/// Runs the town of a seed through the engine, as a publication would (with nothing hidden), for one indicator.
///
/// # Panics
/// When the engine refuses the town's data.
#[must_use]
pub fn town(seed: u64, indicator: &str, method: &Method) -> Town {
    let demo = demo::generate(seed);
    let definitions = Definitions::shipped();
    let indicator = definitions.get(indicator).expect("the indicator ships").clone();
    let analysis = analyse(&demo, &definitions, method);
    let mut found = Town::default();
    let groups = analysis.report.breakdowns.iter().filter(|b| b.domain == TOTAL || b.domain == "sector");
    for (domain, group) in groups.flat_map(|b| b.groups.iter().map(|g| (b.domain.as_str(), g.key.as_str()))) {
        let truth = |round: &DemoRound| true_value(round, &indicator, |unit| within(unit, domain, group));
        for round in &demo.rounds {
            let row = analysis.report.estimate(&indicator.id, round.year, domain, group);
            if let (Some(interval), Some(truth)) = (row.and_then(|r| r.estimate.interval), truth(round)) {
                found.levels.add(interval.lower <= truth && truth <= interval.upper);
            }
        }
        for pair in demo.rounds.windows(2) {
            let row = analysis.report.change(&indicator.id, pair[0].year, pair[1].year, domain, group);
            let (Some(interval), Some(from), Some(to)) =
                (row.and_then(|r| r.interval), truth(&pair[0]), truth(&pair[1]))
            else {
                continue;
            };
            let hit = interval.lower <= to - from && to - from <= interval.upper;
            if group == ALL { found.total.add(hit) } else { found.sectors.add(hit) }
        }
    }
    found
}

fn within(unit: &DemoUnit, domain: &str, group: &str) -> bool {
    domain == TOTAL || unit.unit.sector == group
}

/// Analyses every round of a town from its frames and responses.
///
/// # Panics
/// When the engine refuses the town's data.
#[must_use]
pub fn analyse(demo: &Demo, definitions: &Definitions, method: &Method) -> Analysis {
    let units: Vec<(i32, &DemoUnit)> = demo.rounds.iter().flat_map(|r| r.units.iter().map(|u| (r.year, u))).collect();
    let column =
        |name: &str, cell: &dyn Fn(&(i32, &DemoUnit)) -> String| (name.to_owned(), units.iter().map(cell).collect());
    let frame = Table::from_columns(
        "frame",
        vec![
            column("year", &|(year, _)| year.to_string()),
            column("business_id", &|(_, u)| u.unit.unit_key.clone()),
            column("sector", &|(_, u)| u.unit.sector.clone()),
            column("size", &|(_, u)| u.unit.size.clone()),
            column("company_employees", &|(_, u)| {
                u.unit.company_employees_low.unwrap_or(u.unit.employees_low).to_string()
            }),
        ],
    )
    .expect("the frame is a table");
    let counts = |status| matches!(status, ResponseStatus::Complete | ResponseStatus::Partial);
    let answered =
        || units.iter().filter_map(|(year, u)| Some((*year, u, u.response.as_ref().filter(|r| counts(r.status))?)));
    let responded = answered().map(|(year, u, _)| (year, u.unit.unit_key.clone())).collect();
    let answers = answered().flat_map(|(year, u, response)| {
        response.answers.0.iter().map(move |(key, value)| (year, u.unit.unit_key.clone(), key.clone(), value.clone()))
    });
    let responses = Table::from_answers("responses", responded, answers).expect("the responses are a table");
    analysis::analyse_rows(&frame, &responses, definitions, method).expect("the town can be analysed")
}
