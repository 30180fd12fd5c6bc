//! Numbers and words of charts: units and decimals by kind of indicator and size of base.
use domain::indicator::Kind;
use domain::language::Language;
use domain::printed::decimals;
pub(crate) use domain::printed::factor;
use domain::results::{Breakdown, Estimate, EstimateRow, Group, IndicatorInfo, Interval, Report, State, TOTAL};
use text::{Arg, format};

use crate::{ChartError, Setting};

const fn is_percent(kind: Kind) -> bool {
    matches!(kind, Kind::Share | Kind::Balance)
}

/// A figure as it may be shown: `61,4`, `3,57`, `59,2 %`; one decimal less below 20 answers.
#[must_use]
pub fn figure(language: Language, kind: Kind, value: f64, n: u64) -> String {
    let decimals = decimals(kind, n);
    if is_percent(kind) {
        format::percent(language, value, decimals)
    } else {
        format::number(language, value, decimals)
    }
}

/// Half the width of an interval with its sign: `±3,2`; for percentages in percentage points without unit.
#[must_use]
pub fn margin(language: Language, kind: Kind, interval: Interval, n: u64) -> String {
    format!("±{}", format::number(language, (interval.upper - interval.lower) / 2.0 * factor(kind), decimals(kind, n)))
}

/// A difference with its sign: `+4,2`, `−1,0`; for percentages in percentage points without unit.
#[must_use]
pub fn difference(language: Language, kind: Kind, change: f64, n: u64) -> String {
    let number = format::number(language, change * factor(kind), decimals(kind, n));
    if change > 0.0 && number.chars().any(|c| c.is_ascii_digit() && c != '0') { format!("+{number}") } else { number }
}

impl Setting<'_> {
    /// A message of the area `charts`.
    pub(crate) fn say(&self, key: &str, args: &[(&str, Arg)]) -> String {
        self.messages.t(self.language, &format!("charts.{key}"), args)
    }

    /// A number on an axis.
    pub(crate) fn tick(&self, value: f64, step: f64) -> String {
        let decimals = if step < 0.1 {
            2
        } else if step < 1.0 {
            1
        } else {
            0
        };
        format::number(self.language, value, decimals)
    }

    /// A share as a whole percentage.
    pub(crate) fn percent(&self, share: f64) -> String {
        format::percent(self.language, share, 0)
    }

    pub(crate) fn count(&self, n: u64) -> String {
        format::integer(self.language, i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// The unit in which an indicator's figures are read, as the words of an axis.
    pub(crate) fn unit(&self, info: &IndicatorInfo) -> String {
        match info.kind {
            Kind::Share => self.say("unit_share", &[]),
            Kind::Balance => self.say("unit_balance", &[]),
            Kind::Nps => self.say("unit_nps", &[]),
            Kind::Index | Kind::Mean => {
                let end = |v: f64| Arg::Text(format::number(self.language, v, 0));
                self.say("unit_scale", &[("from", end(info.range[0])), ("to", end(info.range[1]))])
            }
        }
    }

    /// The unit of a difference.
    pub(crate) fn difference_unit(&self, kind: Kind) -> String {
        self.say(if is_percent(kind) { "unit_percentage_points" } else { "unit_points" }, &[])
    }

    /// "61,4 ±3,2 (212 svar)", or that it is not shown.
    pub(crate) fn in_words(&self, info: &IndicatorInfo, row: &EstimateRow) -> String {
        let Some(point) = Point::of(info, row) else { return self.say("hidden_long", &[]) };
        let value = figure(self.language, info.kind, point.raw, row.estimate.n);
        let margin = row.estimate.interval.map(|i| format!(" {}", margin(self.language, info.kind, i, row.estimate.n)));
        let base = self.say("answers", &[("n", row.estimate.n.into())]);
        format!("{value}{} ({base})", margin.unwrap_or_default())
    }
}

/// A figure that may be drawn, in the unit in which it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    raw: f64,
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) n: u64,
    pub(crate) uncertain: bool,
}

impl Point {
    /// `None` when the figure is hidden or there is none.
    pub(crate) fn of(info: &IndicatorInfo, row: &EstimateRow) -> Option<Self> {
        let factor = factor(info.kind);
        let Estimate { n, value: Some(raw), interval, .. } = row.estimate else { return None };
        if row.state.is_hidden() || !raw.is_finite() {
            return None;
        }
        let (low, high) = interval.map_or((raw, raw), |i| (i.lower, i.upper));
        Some(Self {
            raw,
            value: raw * factor,
            low: low * factor,
            high: high * factor,
            n,
            uncertain: row.state == State::Uncertain,
        })
    }

    pub(crate) fn label(&self, setting: &Setting<'_>, kind: Kind) -> String {
        figure(setting.language, kind, self.raw, self.n)
    }
}

/// The indicator of an id.
pub(crate) fn indicator<'r>(report: &'r Report, id: &str) -> Result<&'r IndicatorInfo, ChartError> {
    report.indicators.iter().find(|i| i.id == id).ok_or_else(|| ChartError::UnknownIndicator(id.to_owned()))
}

/// The breakdown of a domain.
pub(crate) fn breakdown<'r>(report: &'r Report, domain: &str) -> Result<&'r Breakdown, ChartError> {
    report.breakdowns.iter().find(|b| b.domain == domain).ok_or_else(|| ChartError::UnknownBreakdown(domain.to_owned()))
}

/// A group's name; the total's is a message.
pub(crate) fn group_title(report: &Report, setting: &Setting<'_>, domain: &str, group: &str) -> String {
    if domain == TOTAL {
        return setting.say("total", &[]);
    }
    let of =
        |groups: &[Group]| groups.iter().find(|g| g.key == group).map(|g| g.title.get(setting.language).to_owned());
    report
        .breakdowns
        .iter()
        .find(|b| b.domain == domain)
        .and_then(|b| of(&b.groups))
        .unwrap_or_else(|| group.to_owned())
}

/// One year of a series: a figure, or hidden.
pub(crate) struct YearPoint {
    pub(crate) year: i32,
    pub(crate) point: Option<Point>,
    /// Not comparable with the years before.
    pub(crate) after_break: bool,
}

/// The years in which an indicator was measured for a group, with the breaks between them.
pub(crate) fn series(report: &Report, info: &IndicatorInfo, domain: &str, group: &str) -> Vec<YearPoint> {
    let mut years: Vec<YearPoint> = Vec::new();
    for row in report.estimates.iter().filter(|r| r.indicator == info.id && r.domain == domain && r.group == group) {
        years.push(YearPoint { year: row.year, point: Point::of(info, row), after_break: false });
    }
    years.sort_by_key(|y| y.year);
    for i in 1..years.len() {
        let (before, now) = (years[i - 1].year, years[i].year);
        years[i].after_break = info.breaks.iter().any(|b| *b > before && *b <= now);
    }
    years
}

/// The runs of neighbouring years that may be joined by a line: shown, and without a break between them.
pub(crate) fn runs(series: &[YearPoint]) -> Vec<Vec<(f64, Point)>> {
    let mut runs: Vec<Vec<(f64, Point)>> = Vec::new();
    let mut joined = false;
    for year in series {
        match year.point {
            Some(point) => {
                let at = (f64::from(year.year), point);
                match runs.last_mut() {
                    Some(run) if joined && !year.after_break => run.push(at),
                    _ => runs.push(vec![at]),
                }
                joined = true;
            }
            None => joined = false,
        }
    }
    runs
}

/// A fifth of the scale: an axis never magnifies more than that, so that chance does not look like a landslide.
pub(crate) fn least_span(info: &IndicatorInfo) -> f64 {
    (info.range[1] - info.range[0]) * factor(info.kind) / 5.0
}

/// The ends of the scale in the unit read.
pub(crate) fn bounds(info: &IndicatorInfo) -> [f64; 2] {
    info.range.map(|end| end * factor(info.kind))
}
