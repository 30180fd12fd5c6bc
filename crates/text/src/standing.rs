//! Goals, initiatives and growth accounts in words: the same for pages and papers.
use domain::accounts::{Accounts, FactKind, FactUnit};
use domain::goals::{OwnGoal, Yardstick};
use domain::indicator::Goal;
use domain::initiatives::{Initiative, InitiativeState, Owner, Standing};
use domain::language::Language;

use crate::format;
use crate::insight::Teller;
use crate::messages::{Arg, Messages};

/// A goal in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct GoalLine {
    /// Its wording.
    pub text: String,
    /// The focus area.
    pub area: String,
    /// The indicator that tells, where one does.
    pub indicator: Option<String>,
    /// What tells: title of the indicator or the register fact; empty where nothing is measured.
    pub measure: String,
    /// What is wanted: "Mindst 70 %, senest i 2027".
    pub wanted: String,
    /// What was found.
    pub found: String,
    /// `met`, `not_shown`, `missed`, `none`, `underway` (counted, and time is left) or `unmeasured`.
    pub verdict: &'static str,
    /// The document.
    pub source: String,
    /// Earlier wordings, with the days on which they held.
    pub earlier: Vec<String>,
}

/// An initiative in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InitiativeLine {
    /// Its id.
    pub id: String,
    /// Title.
    pub title: String,
    /// What is to be done.
    pub description: String,
    /// `idea`, `active`, `done`, `stopped`.
    pub state: &'static str,
    /// The focus area.
    pub area: String,
    /// Who is responsible; empty where the name is not for the reader.
    pub owner: String,
    /// The owner is a group.
    pub is_group: bool,
    /// Start, in words.
    pub starts: String,
    /// The year by which it shall show.
    pub horizon: Option<i32>,
    /// Money and hours.
    pub resources: String,
    /// Who backs it.
    pub backing: String,
    /// What it shall move: titles of indicators.
    pub moves: String,
    /// Others may read of it.
    pub public: bool,
    /// Its history, oldest first.
    pub steps: Vec<StepLine>,
}

/// A step of an initiative's history.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StepLine {
    /// `idea`, `active`, `done`, `stopped`.
    pub state: &'static str,
    /// The day, in words.
    pub on: String,
    /// A remark.
    pub note: String,
}

/// A stored day `yyyy-mm-dd` as people write it.
#[must_use]
pub fn day(language: Language, on: &str) -> String {
    on.parse().map_or_else(|_| on.to_owned(), |date| format::date(language, date))
}

/// A figure of the growth accounts with its unit: `2.480`, `12,4 mio. kr.`, `624.500 m²`, `2,8 %`.
#[must_use]
pub fn fact(messages: &Messages, language: Language, unit: FactUnit, value: f64) -> String {
    let n = |value: f64, decimals: usize| Arg::Text(format::number(language, value, decimals));
    match unit {
        FactUnit::Count => format::number(language, value, 0),
        FactUnit::Share => format::percent(language, value, 1),
        FactUnit::Area => messages.t(language, "standing.square_metres", &[("n", n(value, 0))]),
        FactUnit::Money if value.abs() >= 1_000_000.0 => {
            messages.t(language, "standing.millions", &[("n", n(value / 1_000_000.0, 1))])
        }
        FactUnit::Money => messages.t(language, "standing.money", &[("n", n(value, 0))]),
        FactUnit::Number => format::number(language, value, if value.fract() == 0.0 { 0 } else { 2 }),
    }
}

/// The goals in force, in the order in which they were made.
#[must_use]
pub fn goals(teller: Teller<'_>, standing: &Standing) -> Vec<GoalLine> {
    standing.goals.iter().filter(|g| g.ended.is_none()).filter_map(|g| goal(teller, standing, g)).collect()
}

fn goal(teller: Teller<'_>, standing: &Standing, own: &OwnGoal) -> Option<GoalLine> {
    let (messages, language) = (teller.messages, teller.language);
    let say = |key: &str, args: &[(&str, Arg)]| messages.t(language, &format!("standing.{key}"), args);
    let plan = &own.current()?.plan;
    let area = standing.area(plan.focus_area.as_deref());
    let mut line = GoalLine {
        text: plan.text.get(language).to_owned(),
        area: area.map(|a| a.title.get(language).to_owned()).unwrap_or_default(),
        indicator: None,
        measure: String::new(),
        wanted: say("goal_by", &[("by", year(plan.by))]),
        found: say("goal_unmeasured", &[]),
        verdict: "unmeasured",
        source: plan.source.clone(),
        earlier: Vec::new(),
    };
    match &plan.yardstick {
        Yardstick::Indicator { id, .. } => {
            let target = teller.targets().into_iter().find(|t| t.indicator == *id);
            line.indicator = Some(id.clone());
            line.verdict = "none";
            line.found = say("goal_not_yet", &[]);
            if let Some(target) = target {
                (line.measure, line.wanted) = (target.title, target.wanted);
                (line.found, line.verdict) = (target.found, target.verdict);
            }
        }
        Yardstick::Fact { key, goal } => {
            let kind = FactKind::of(key)?;
            line.measure = kind.title.get(language).to_owned();
            (line.wanted, line.found, line.verdict) =
                counted(teller, &standing.accounts, kind, (plan.from, plan.by), *goal);
        }
        Yardstick::Nothing => {}
    }
    let versions = &own.versions;
    line.earlier = versions
        .windows(2)
        .map(|pair| {
            let said = say(
                "goal_earlier",
                &[
                    ("since", day(language, &pair[0].since).into()),
                    ("until", day(language, &pair[1].since).into()),
                    ("text", pair[0].plan.text.get(language).into()),
                    ("wanted", wanted(teller, &pair[0].plan).into()),
                ],
            );
            if pair[1].note.is_empty() { said } else { format!("{said} {}", pair[1].note) }
        })
        .collect();
    Some(line)
}

/// What a version wanted, in words, without looking at what was found.
#[must_use]
pub fn wanted(teller: Teller<'_>, plan: &domain::goals::GoalPlan) -> String {
    match &plan.yardstick {
        Yardstick::Indicator { id, goal } => {
            teller.wanted(id, domain::indicator::Target { from: plan.from, by: plan.by, goal: *goal })
        }
        Yardstick::Fact { key, goal } => FactKind::of(key)
            .map(|kind| counted(teller, &Accounts::default(), kind, (plan.from, plan.by), *goal).0)
            .unwrap_or_default(),
        Yardstick::Nothing => teller.messages.t(teller.language, "standing.goal_by", &[("by", year(plan.by))]),
    }
}

/// A goal on a fact: counted, so that there is nothing to test.
fn counted(
    teller: Teller<'_>,
    accounts: &Accounts,
    kind: &FactKind,
    (from, by): (i32, i32),
    goal: Goal,
) -> (String, String, &'static str) {
    let (messages, language) = (teller.messages, teller.language);
    let say = |key: &str, args: &[(&str, Arg)]| messages.t(language, &format!("standing.{key}"), args);
    let figure = |value: f64| Arg::Text(fact(messages, language, kind.unit, value));
    let what = match goal {
        Goal::Raise => say("fact_raise", &[("from", year(from)), ("by", year(by))]),
        Goal::Keep { margin, .. } => {
            say("fact_keep", &[("margin", figure(margin)), ("from", year(from)), ("by", year(by))])
        }
        Goal::Reach { value } => say("fact_reach", &[("value", figure(value)), ("by", year(by))]),
    };
    let base = accounts.cell(&kind.key, from, None).and_then(|c| c.value);
    let Some((now, at)) = accounts.newest(&kind.key).and_then(|c| Some((c.value?, c.year))) else {
        return (what, say("fact_none", &[]), "none");
    };
    let is_met = match (goal, base) {
        (Goal::Reach { value }, _) => Some(now >= value),
        (Goal::Raise, Some(base)) if at > from => Some(now > base),
        (Goal::Keep { margin, at_least }, Some(base)) if at > from => {
            Some(now > base - margin && at_least.is_none_or(|floor| now >= floor))
        }
        _ => None,
    };
    let found = match base.filter(|_| at > from) {
        Some(base) => say(
            "fact_found",
            &[("now", figure(now)), ("year", at.into()), ("base", figure(base)), ("from", year(from))],
        ),
        None => say("fact_now", &[("now", figure(now)), ("year", at.into())]),
    };
    let verdict = match is_met {
        Some(true) => "met",
        Some(false) if at < by => "underway",
        Some(false) => "missed",
        None => "none",
    };
    (what, found, verdict)
}

/// Initiatives in words: those under way first, then ideas, then what is done or stopped.
#[must_use]
pub fn initiatives(teller: Teller<'_>, standing: &Standing) -> Vec<InitiativeLine> {
    let order = |state: InitiativeState| match state {
        InitiativeState::Active => 0,
        InitiativeState::Idea => 1,
        InitiativeState::Done => 2,
        InitiativeState::Stopped => 3,
    };
    let mut all: Vec<&Initiative> = standing.initiatives.iter().collect();
    all.sort_by_key(|i| order(i.state));
    all.into_iter().map(|i| initiative(teller, standing, i)).collect()
}

fn initiative(teller: Teller<'_>, standing: &Standing, initiative: &Initiative) -> InitiativeLine {
    let language = teller.language;
    let plan = &initiative.plan;
    let area = standing.area(plan.focus_area.as_deref());
    let titles: Vec<&str> = plan
        .indicators
        .iter()
        .filter_map(|id| teller.report.indicators.iter().find(|i| i.id == *id))
        .map(|i| i.title.get(language))
        .collect();
    InitiativeLine {
        id: initiative.id.0.clone(),
        title: plan.title.get(language).to_owned(),
        description: plan.description.get(language).to_owned(),
        state: initiative.state.as_str(),
        area: area.map(|a| a.title.get(language).to_owned()).unwrap_or_default(),
        owner: plan.owner.name().to_owned(),
        is_group: matches!(plan.owner, Owner::Group { .. }),
        starts: plan.starts_on.as_deref().map(|on| day(language, on)).unwrap_or_default(),
        horizon: plan.horizon,
        resources: plan.resources.clone(),
        backing: plan.backing.clone(),
        moves: titles.join(" · "),
        public: plan.public,
        steps: initiative
            .history
            .iter()
            .map(|s| StepLine { state: s.state.as_str(), on: day(language, &s.on), note: s.note.clone() })
            .collect(),
    }
}

/// A year is no quantity: its thousands are not set apart.
fn year(year: i32) -> Arg {
    Arg::Text(year.to_string())
}
