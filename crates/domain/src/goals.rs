//! A municipality's own goals: what is wanted, from which year, by what it is told, in versions with dates.
//!
//! The goals of `analysis/goals.toml` ([`crate::focus::Goal`]) are what policies want; a municipality takes them over or writes its own.
use serde::{Deserialize, Serialize};

use crate::accounts::FactKind;
use crate::ids::GoalId;
use crate::indicator::{Definitions, Goal, Target};
use crate::language::{Language, Texts};

/// By what a goal is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Yardstick {
    /// An indicator of the survey; the test is that of `statistics.md` § 4.
    Indicator {
        /// Its id.
        id: String,
        /// What is wanted of it.
        goal: Goal,
    },
    /// A fact of the growth accounts: counted, so that there is nothing to test.
    Fact {
        /// Its key.
        key: String,
        /// What is wanted of it.
        goal: Goal,
    },
    /// Nothing that is measured; initiatives alone tell.
    Nothing,
}

/// What a goal says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoalPlan {
    /// Wording.
    pub text: Texts,
    /// By what it is told.
    pub yardstick: Yardstick,
    /// Key of the municipality's focus area.
    pub focus_area: Option<String>,
    /// Baseline year.
    pub from: i32,
    /// Year by which it shall be met.
    pub by: i32,
    /// The document that states it.
    pub source: String,
}

/// What is wrong with a goal: the field, and the key of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct PlanFault {
    /// Name of the field.
    pub field: &'static str,
    /// `missing`, `unknown`, `order`, `range`, `date`, `taken`.
    pub problem: &'static str,
}

impl PlanFault {
    pub(crate) const fn new(field: &'static str, problem: &'static str) -> Self {
        Self { field, problem }
    }
}

impl GoalPlan {
    /// The target on an indicator, as the analysis tests it.
    #[must_use]
    pub fn target(&self) -> Option<(&str, Target)> {
        match &self.yardstick {
            Yardstick::Indicator { id, goal } => Some((id, Target { from: self.from, by: self.by, goal: *goal })),
            Yardstick::Fact { .. } | Yardstick::Nothing => None,
        }
    }

    /// Everything that is wrong with it, in the order of the form.
    #[must_use]
    pub fn faults(&self, definitions: &Definitions, areas: &[crate::focus::FocusArea]) -> Vec<PlanFault> {
        let mut faults = Vec::new();
        let mut add = |bad: bool, field, problem| {
            if bad {
                faults.push(PlanFault::new(field, problem));
            }
        };
        add(Language::ALL.iter().any(|l| self.text.get(*l).trim().is_empty()), "text", "missing");
        let years = 1990..=2100;
        add(!years.contains(&self.from), "from", "range");
        add(!years.contains(&self.by), "by", "range");
        add(self.by <= self.from, "by", "order");
        let area = self.focus_area.as_deref();
        add(area.is_some_and(|key| areas.iter().all(|a| a.key != key)), "focus_area", "unknown");
        let (range, goal) = match &self.yardstick {
            Yardstick::Indicator { id, goal } => {
                let known = definitions.get(id);
                add(known.is_none(), "yardstick", "unknown");
                (known.map(|i| i.measure.range()), Some(goal))
            }
            Yardstick::Fact { key, goal } => {
                add(FactKind::of(key).is_none(), "yardstick", "unknown");
                (None, Some(goal))
            }
            Yardstick::Nothing => (None, None),
        };
        let outside = |value: f64| !value.is_finite() || range.is_some_and(|[low, high]| value < low || value > high);
        match goal {
            Some(Goal::Keep { margin, at_least }) => {
                add(!margin.is_finite() || *margin <= 0.0, "margin", "range");
                add(at_least.is_some_and(outside), "at_least", "range");
            }
            Some(Goal::Reach { value }) => add(outside(*value), "value", "range"),
            Some(Goal::Raise) | None => {}
        }
        faults
    }
}

/// One wording of a goal, with the day from which it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GoalVersion {
    /// From 1.
    pub version: u32,
    /// The day from which it holds, `yyyy-mm-dd`.
    pub since: String,
    /// Why it was changed; empty for the first.
    pub note: String,
    /// What it says.
    pub plan: GoalPlan,
}

/// A goal with its history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnGoal {
    /// Its id.
    pub id: GoalId,
    /// Its versions, oldest first; never empty.
    pub versions: Vec<GoalVersion>,
    /// The day on which it was given up or ran out, `yyyy-mm-dd`; `None`: in force.
    pub ended: Option<String>,
}

impl OwnGoal {
    /// The version in force, which is the newest.
    #[must_use]
    pub fn current(&self) -> Option<&GoalVersion> {
        self.versions.last()
    }
}

/// Puts the municipality's own goals in the place of the definitions' targets. Without any own goal in force the definitions stay
/// as they are: then the shipped targets hold.
pub fn apply(goals: &[OwnGoal], definitions: &mut Definitions) {
    let in_force: Vec<&GoalPlan> =
        goals.iter().filter(|g| g.ended.is_none()).filter_map(|g| g.current().map(|v| &v.plan)).collect();
    if in_force.is_empty() {
        return;
    }
    for indicator in &mut definitions.indicators {
        let target = in_force.iter().filter_map(|plan| plan.target()).find(|(id, _)| *id == indicator.id);
        indicator.target = target.map(|(_, target)| target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> GoalPlan {
        GoalPlan {
            text: Texts::same("Tilfredsheden skal op"),
            yardstick: Yardstick::Indicator { id: "nki".into(), goal: Goal::Reach { value: 70.0 } },
            focus_area: None,
            from: 2023,
            by: 2027,
            source: String::new(),
        }
    }

    fn own(plan: GoalPlan, ended: Option<&str>) -> OwnGoal {
        OwnGoal {
            id: GoalId("g".into()),
            versions: vec![GoalVersion { version: 1, since: "2023-06-01".into(), note: String::new(), plan }],
            ended: ended.map(str::to_owned),
        }
    }

    #[test]
    fn a_goal_says_what_is_wrong_with_it() {
        let definitions = &Definitions::shipped();
        assert_eq!(plan().faults(definitions, &[]), []);
        let wrong = GoalPlan {
            yardstick: Yardstick::Indicator { id: "nki".into(), goal: Goal::Reach { value: 120.0 } },
            focus_area: Some("nowhere".into()),
            by: 2023,
            ..plan()
        };
        let faults: Vec<String> = wrong.faults(definitions, &[]).iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["by: order", "focus_area: unknown", "value: range"]);
        let unknown = GoalPlan { yardstick: Yardstick::Fact { key: "luck".into(), goal: Goal::Raise }, ..plan() };
        assert_eq!(unknown.faults(definitions, &[]), [PlanFault::new("yardstick", "unknown")]);
    }

    #[test]
    fn own_goals_take_the_place_of_the_shipped_targets() {
        let mut definitions = Definitions::shipped();
        apply(&[own(plan(), Some("2025-01-01"))], &mut definitions);
        assert_eq!(definitions.indicators, Definitions::shipped().indicators, "an ended goal changes nothing");
        apply(&[own(plan(), None)], &mut definitions);
        let target = |id: &str| definitions.get(id).unwrap().target;
        assert_eq!(target("nki"), Some(Target { from: 2023, by: 2027, goal: Goal::Reach { value: 70.0 } }));
        assert_eq!(target("service"), None, "what the municipality does not want is no target of its");
    }
}
