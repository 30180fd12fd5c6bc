//! Targets, trends, drivers, themes, reliability and who answered, in words: the same for pages and papers.
use domain::indicator::{Better, Goal, Kind, Target};
use domain::insight::{
    DriverMap, Gap, Quadrant, Refusal, ResponseRow, ResponseVariable, TargetRow, TargetVerdict, ThemePart, TrendRow,
    WITH_COMMENT,
};
use domain::language::Language;
use domain::results::{IndicatorInfo, Interval, Report, Verdict};

use crate::format;
use crate::messages::{Arg, Messages};

/// Below this an unweighted variable's shares are called alike.
const ALIKE: f64 = 0.02;

/// Says things about one report in one language.
#[derive(Debug, Clone, Copy)]
pub struct Teller<'a> {
    /// The messages.
    pub messages: &'a Messages,
    /// The language.
    pub language: Language,
    /// The report.
    pub report: &'a Report,
}

/// A target in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetLine {
    /// Indicator id.
    pub indicator: String,
    /// Its title.
    pub title: String,
    /// What is wanted: "Højere end i 2023, senest i 2027".
    pub wanted: String,
    /// What was found.
    pub found: String,
    /// `met`, `not_shown`, `missed` or `none`.
    pub verdict: &'static str,
}

/// An item of a priority map in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverLine {
    /// The item.
    pub title: String,
    /// Mean satisfaction.
    pub satisfaction: String,
    /// Its part of the importance of all items.
    pub importance: String,
    /// The interval of that.
    pub range: String,
    /// Key of the quarter's name: `charts.priority_…`.
    pub quarter: &'static str,
}

impl Teller<'_> {
    fn say(&self, key: &str, args: &[(&str, Arg)]) -> String {
        self.messages.t(self.language, &format!("sentences.{key}"), args)
    }

    fn percent(&self, share: f64) -> Arg {
        format::percent(self.language, share, 0).into()
    }

    fn count(&self, n: u64) -> Arg {
        format::integer(self.language, i64::try_from(n).unwrap_or(i64::MAX)).into()
    }

    fn info(&self, id: &str) -> Option<&IndicatorInfo> {
        self.report.indicators.iter().find(|i| i.id == id)
    }

    fn title(&self, id: &str) -> String {
        self.info(id).map_or_else(|| id.to_owned(), |i| i.title.get(self.language).to_owned())
    }

    /// A difference with its unit, and a sign where one is asked for.
    fn amount(&self, kind: Kind, value: f64, n: u64, signed: bool) -> String {
        let percent = matches!(kind, Kind::Share | Kind::Balance);
        let decimals = usize::from(n >= 20) + usize::from(kind == Kind::Mean);
        let number = format::number(self.language, if percent { value * 100.0 } else { value }, decimals);
        let plus = signed && value > 0.0 && number.chars().any(|c| ('1'..='9').contains(&c));
        let number = if plus { format!("+{number}") } else { number };
        let key = if percent { "percentage_points" } else { "points" };
        self.say(key, &[("n", Arg::Text(number))])
    }

    fn half(&self, kind: Kind, interval: Interval, n: u64) -> String {
        self.amount(kind, (interval.upper - interval.lower) / 2.0, n, false)
    }

    /// All targets, in the report's order.
    #[must_use]
    pub fn targets(&self) -> Vec<TargetLine> {
        let rows = self.report.insight.targets.iter();
        rows.filter_map(|row| Some(self.target(self.info(&row.indicator)?, row))).collect()
    }

    /// What a target wants: "Højere end i 2023, senest i 2027".
    #[must_use]
    pub fn wanted(&self, indicator: &str, target: Target) -> String {
        self.info(indicator).map(|info| self.wanted_of(info, target)).unwrap_or_default()
    }

    fn wanted_of(&self, info: &IndicatorInfo, target: Target) -> String {
        let lower = info.better == Better::Lower;
        let turned = |key: &str| if lower { format!("{key}_lower") } else { key.to_owned() };
        let level = |value: f64| Arg::Text(crate::sentences::figure(self.language, info.kind, value));
        let from = ("from", of_year(target.from));
        let wanted = match target.goal {
            Goal::Raise => self.say(&turned("target_raise"), std::slice::from_ref(&from)),
            Goal::Keep { margin, at_least } => {
                let margin = self.amount(info.kind, margin, 0, false);
                let kept = self.say(&turned("target_keep"), &[("margin", margin.into()), from.clone()]);
                let floor = at_least.map(|v| self.say(&turned("target_floor"), &[("value", level(v))]));
                floor.map_or(kept.clone(), |floor| format!("{kept} {floor}"))
            }
            Goal::Reach { value } => self.say(&turned("target_reach"), &[("value", level(value))]),
        };
        self.say("target_by", &[("wanted", wanted.into()), ("by", of_year(target.by))])
    }

    fn target(&self, info: &IndicatorInfo, row: &TargetRow) -> TargetLine {
        let level = |value: f64| Arg::Text(crate::sentences::figure(self.language, info.kind, value));
        let from = ("from", of_year(row.target.from));
        let wanted = self.wanted_of(info, row.target);
        let mut found = Vec::new();
        match row.gap {
            Some(Gap::Baseline) if row.target.from == row.year => {
                found.push(self.say("target_baseline_year", std::slice::from_ref(&from)));
            }
            Some(Gap::Baseline) => found.push(self.say("target_no_baseline", std::slice::from_ref(&from))),
            Some(Gap::Break) => found.push(self.say("target_break", std::slice::from_ref(&from))),
            Some(Gap::Hidden) => found.push(self.say("target_hidden", &[])),
            None => {}
        }
        if let (Goal::Reach { .. }, Some(value)) = (row.target.goal, row.value) {
            found.push(self.say("target_now", &[("value", level(value)), ("year", of_year(row.year))]));
        } else if let (Some(change), Some(interval)) = (row.change, row.interval) {
            let change = self.amount(info.kind, change, row.n, true);
            let margin = self.half(info.kind, interval, row.n);
            // Printed digits may be equal where the figures behind them are not: then the word and the digits need one more.
            let alike = change.trim_start_matches(['+', '\u{2212}']) == margin;
            found.push(self.say("target_change", &[("change", change.into()), ("margin", margin.into()), from]));
            let just = match (row.target.goal, row.verdict) {
                (Goal::Raise, Some(TargetVerdict::Met | TargetVerdict::Missed)) => Some("target_just_above"),
                (Goal::Raise, Some(TargetVerdict::NotShown)) => Some("target_just_below"),
                _ => None,
            };
            found.extend(just.filter(|_| alike).map(|key| self.say(key, &[])));
        }
        if let Some(pace) = row.pace.filter(|p| *p != 0.0) {
            found.push(self.say("target_pace", &[("pace", self.amount(info.kind, pace.abs(), row.n, false).into())]));
        }
        if row.margin_too_small && row.verdict == Some(TargetVerdict::NotShown) {
            found.push(self.say("target_too_fine", &[]));
        }
        TargetLine {
            indicator: info.id.clone(),
            title: info.title.get(self.language).to_owned(),
            wanted,
            found: found.join(" "),
            verdict: match row.verdict {
                Some(TargetVerdict::Met) => "met",
                Some(TargetVerdict::NotShown) => "not_shown",
                Some(TargetVerdict::Missed) => "missed",
                None => "none",
            },
        }
    }

    /// The trend of an indicator, where a line was laid through three or more years.
    #[must_use]
    pub fn trend(&self, indicator: &str) -> Option<String> {
        let row = self.report.insight.trends.iter().find(|r| r.indicator == indicator)?;
        let info = self.info(indicator)?;
        Some(self.line(info.kind, row)).filter(|said| !said.is_empty())
    }

    fn line(&self, kind: Kind, row: &TrendRow) -> String {
        let key = match (row.verdict, row.slope) {
            (Verdict::Up, Some(_)) => "trend_up",
            (Verdict::Down, Some(_)) => "trend_down",
            (Verdict::Up, None) => "trend_up_bare",
            (Verdict::Down, None) => "trend_down_bare",
            (Verdict::Unclear, _) => "trend_unclear",
            (Verdict::Break | Verdict::Hidden, _) => return String::new(),
        };
        let mut args =
            vec![("years", Arg::from(i64::from(row.years))), ("from", of_year(row.from)), ("to", of_year(row.to))];
        if let (Some(slope), Some(interval), false) = (row.slope, row.interval, row.verdict == Verdict::Unclear) {
            args.push(("slope", self.amount(kind, slope.abs(), u64::MAX, false).into()));
            args.push(("margin", self.half(kind, interval, u64::MAX).into()));
        }
        self.say(key, &args)
    }

    /// What a priority map says, or why there is none.
    #[must_use]
    pub fn drivers(&self, map: &DriverMap) -> Vec<String> {
        if let Some(refusal) = map.refused {
            let (key, args) = match refusal {
                Refusal::TooFew { n, needed } => {
                    ("drivers_too_few", vec![("n", self.count(n)), ("needed", self.count(needed))])
                }
                Refusal::Constant => ("drivers_constant", vec![]),
                Refusal::NotDefinite => ("drivers_not_definite", vec![]),
                Refusal::Hidden => ("drivers_hidden", vec![]),
            };
            return vec![self.say(key, &args)];
        }
        let improve: Vec<String> = map
            .drivers
            .iter()
            .filter(|d| d.quadrant == Quadrant::Improve)
            .map(|d| short(d.title.get(self.language)))
            .collect();
        let first = if improve.is_empty() {
            self.say("drivers_none", &[])
        } else {
            self.say("drivers_improve", &[("items", improve.join(", ").into())])
        };
        let part = self.say(
            "drivers_part",
            &[
                ("n", self.count(map.drivers.len() as u64)),
                ("part", self.percent(map.r_squared.unwrap_or(0.0))),
                ("outcome", self.title(&map.outcome).into()),
                ("answers", self.count(map.n)),
            ],
        );
        vec![first, format!("{part} {}", self.say("drivers_caution", &[]))]
    }

    /// The items of a priority map, the most important first.
    #[must_use]
    pub fn driver_lines(&self, map: &DriverMap) -> Vec<DriverLine> {
        let whole: f64 = map.drivers.iter().map(|d| d.importance).sum();
        let decimals = if map.scale[1] <= 10.0 { 1 } else { 0 };
        let part = |value: f64| format::percent(self.language, if whole > 0.0 { value / whole } else { 0.0 }, 0);
        map.drivers
            .iter()
            .map(|d| DriverLine {
                title: short(d.title.get(self.language)),
                satisfaction: format::number(self.language, d.mean, decimals),
                importance: part(d.importance),
                range: self.say(
                    "from_to",
                    &[("from", part(d.interval.lower).into()), ("to", part(d.interval.upper.min(whole)).into())],
                ),
                quarter: match d.quadrant {
                    Quadrant::Improve => "charts.priority_act",
                    Quadrant::Keep => "charts.priority_keep",
                    Quadrant::Watch => "charts.priority_watch",
                    Quadrant::Maintain => "charts.priority_fine",
                },
            })
            .collect()
    }

    /// What stands above the themes of a year: how many wrote, and what a share is of.
    #[must_use]
    pub fn themes(&self, part: &ThemePart, year: i32) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(of) = part.years.iter().find(|y| y.year == year)
            && !of.is_complete()
        {
            let args = [
                ("confirmed", self.count(of.confirmed)),
                ("comments", self.count(of.comments)),
                ("year", of_year(year)),
            ];
            return vec![self.say(if of.comments == 0 { "themes_nothing" } else { "themes_waiting" }, &args)];
        }
        if let Some(share) = part.share(WITH_COMMENT, year).and_then(|row| row.estimate.value) {
            said.push(self.say("themes_lead", &[("share", self.percent(share))]));
        }
        said.push(self.say("themes_version", &[("version", i64::from(part.codebook_version).into())]));
        let disagreed: Vec<&str> =
            part.themes.iter().filter(|t| t.disagreed).map(|t| t.title.get(self.language)).collect();
        if !disagreed.is_empty() {
            said.push(self.say("themes_disagreed", &[("themes", disagreed.join(", ").into())]));
        }
        said
    }

    /// Who answered in the last year, in plain words.
    #[must_use]
    pub fn response(&self) -> Vec<String> {
        let Some(row) = self.report.insight.response.last() else { return Vec::new() };
        let mut said = Vec::new();
        if let (Some(rr1), Some(rr2), Some(refusal)) = (row.rates.rr1, row.rates.rr2, row.rates.refusal) {
            let args = [("rr1", self.percent(rr1)), ("rr2", self.percent(rr2)), ("refusal", self.percent(refusal))];
            said.push(self.say("response_rates", &args));
        }
        said.extend(row.variables.iter().filter(|v| v.weighted).filter_map(|v| self.extremes(v)));
        said.extend(self.evenness(row));
        said.extend(row.variables.iter().filter(|v| !v.weighted).filter_map(|v| self.outside(v)));
        said.extend(self.late(row));
        said
    }

    fn extremes(&self, variable: &ResponseVariable) -> Option<String> {
        let rate = |g: &domain::insight::ResponseGroup| g.n_answered as f64 / g.n_frame as f64;
        let high = variable.groups.iter().max_by(|a, b| rate(a).total_cmp(&rate(b)))?;
        let low = variable.groups.iter().min_by(|a, b| rate(a).total_cmp(&rate(b)))?;
        (high.group != low.group).then(|| {
            self.say(
                "response_groups",
                &[
                    ("variable", variable.title.get(self.language).into()),
                    ("high", high.title.get(self.language).into()),
                    ("high_rate", self.percent(rate(high))),
                    ("low", low.title.get(self.language).into()),
                    ("low_rate", self.percent(rate(low))),
                ],
            )
        })
    }

    fn evenness(&self, row: &ResponseRow) -> Option<String> {
        // As it is printed, so that word and number agree.
        let r = (row.r_indicator? * 100.0).round() / 100.0;
        let key = match r {
            r if r >= 0.9 => "response_even",
            r if r >= 0.8 => "response_fairly_even",
            _ => "response_uneven",
        };
        let mut said = self.say(key, &[("r", format::number(self.language, r, 2).into())]);
        if let Some((bias, info)) = row.maximal_bias.first().and_then(|b| Some((b.bias, self.info(&b.indicator)?))) {
            let bias = self.amount(info.kind, bias, u64::MAX, false);
            let name = info.title.get(self.language);
            said = format!("{said} {}", self.say("response_bias", &[("name", name.into()), ("bias", bias.into())]));
        }
        Some(said)
    }

    fn outside(&self, variable: &ResponseVariable) -> Option<String> {
        let away = |g: &domain::insight::ResponseGroup| (g.weighted_share - g.frame_share).abs();
        let group = variable.groups.iter().max_by(|a, b| away(a).total_cmp(&away(b)))?;
        let key = if away(group) < ALIKE { "response_outside_alike" } else { "response_outside" };
        Some(self.say(
            key,
            &[
                ("variable", variable.title.get(self.language).into()),
                ("group", group.title.get(self.language).into()),
                ("frame", self.percent(group.frame_share)),
                ("weighted", self.percent(group.weighted_share)),
            ],
        ))
    }

    fn late(&self, row: &ResponseRow) -> Option<String> {
        let late = row.late.first()?;
        let info = self.info(&late.indicator)?;
        let n = late.n_early.min(late.n_late);
        let key = if late.p_value < 0.05 { "response_late_differs" } else { "response_late_alike" };
        Some(self.say(
            key,
            &[
                ("name", info.title.get(self.language).into()),
                ("difference", self.amount(info.kind, late.difference, n, true).into()),
                ("margin", self.half(info.kind, late.interval, n).into()),
            ],
        ))
    }

    /// Cronbach's alpha of each index in the last year.
    #[must_use]
    pub fn reliability(&self) -> Vec<String> {
        let Some(year) = self.report.years.last() else { return Vec::new() };
        let rows = self.report.insight.reliability.iter().filter(|r| r.year == *year);
        rows.filter_map(|row| {
            let alpha = row.alpha?;
            Some(self.say(
                "reliability_row",
                &[
                    ("name", self.title(&row.indicator).into()),
                    ("alpha", format::number(self.language, alpha, 2).into()),
                    ("items", i64::from(row.items).into()),
                    ("answers", self.say("answers", &[("n", row.n.into())]).into()),
                ],
            ))
        })
        .collect()
    }
}

/// A year is no quantity: its thousands are not set apart.
fn of_year(year: i32) -> Arg {
    Arg::Text(year.to_string())
}

/// Titles of a battery's items often open with the battery's name and a colon: what follows is enough on its own map.
#[must_use]
pub fn short(title: &str) -> String {
    let own = title.split_once(": ").map_or(title, |(_, own)| own);
    let mut letters = own.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
