//! What the municipality does about it: initiatives with their history, and the standing of everything on one day.
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::focus::FocusArea;
use crate::goals::{OwnGoal, PlanFault};
use crate::ids::InitiativeId;
use crate::indicator::Definitions;
use crate::language::{Language, Texts};

/// Who is responsible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Owner {
    /// A person.
    Person {
        /// Name and title.
        name: String,
    },
    /// A group: a forum, a department, a network.
    Group {
        /// Its name.
        name: String,
    },
}

impl Owner {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Person { name } | Self::Group { name } => name,
        }
    }
}

/// Where an initiative stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitiativeState {
    /// In the catalogue of ideas.
    Idea,
    /// Under way.
    Active,
    /// Done.
    Done,
    /// Given up.
    Stopped,
}

impl InitiativeState {
    /// All states, in the order of a life.
    pub const ALL: [Self; 4] = [Self::Idea, Self::Active, Self::Done, Self::Stopped];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idea => "idea",
            Self::Active => "active",
            Self::Done => "done",
            Self::Stopped => "stopped",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }
}

/// What an initiative is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitiativePlan {
    /// Title.
    pub title: Texts,
    /// What is to be done.
    pub description: Texts,
    /// Key of the municipality's focus area.
    pub focus_area: Option<String>,
    /// Who is responsible.
    pub owner: Owner,
    /// Indicators it shall move.
    pub indicators: Vec<String>,
    /// Sectors it is for; empty: all.
    pub sectors: Vec<String>,
    /// Start, `yyyy-mm-dd`.
    pub starts_on: Option<String>,
    /// The year by which it shall show.
    pub horizon: Option<i32>,
    /// Money and hours.
    pub resources: String,
    /// Who backs it locally.
    pub backing: String,
    /// Businesses and other municipalities may read of it too.
    pub public: bool,
}

impl InitiativePlan {
    /// Everything that is wrong with it, in the order of the form.
    #[must_use]
    pub fn faults(&self, definitions: &Definitions, areas: &[FocusArea], sectors: &[String]) -> Vec<PlanFault> {
        let mut faults = Vec::new();
        let mut add = |bad: bool, field, problem| {
            if bad {
                faults.push(PlanFault::new(field, problem));
            }
        };
        add(Language::ALL.iter().any(|l| self.title.get(*l).trim().is_empty()), "title", "missing");
        add(self.owner.name().trim().is_empty(), "owner", "missing");
        let area = self.focus_area.as_deref();
        add(area.is_some_and(|key| areas.iter().all(|a| a.key != key)), "focus_area", "unknown");
        add(self.indicators.iter().any(|id| definitions.get(id).is_none()), "indicators", "unknown");
        add(self.sectors.iter().any(|key| !sectors.contains(key)), "sectors", "unknown");
        let start = self.starts_on.as_deref().map(str::parse::<jiff::civil::Date>);
        add(matches!(start, Some(Err(_))), "starts_on", "date");
        add(self.horizon.is_some_and(|year| !(1990..=2100).contains(&year)), "horizon", "range");
        if let (Some(Ok(start)), Some(horizon)) = (start, self.horizon) {
            add(horizon < i32::from(start.year()), "horizon", "order");
        }
        faults
    }

    /// The year in which it starts.
    #[must_use]
    pub fn start_year(&self) -> Option<i32> {
        self.starts_on.as_deref()?.get(..4)?.parse().ok()
    }
}

/// A change of an initiative's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitiativeStep {
    /// The state from then on.
    pub state: InitiativeState,
    /// The day, `yyyy-mm-dd`.
    pub on: String,
    /// A remark.
    pub note: String,
}

/// An initiative of the municipality with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Initiative {
    /// Its id.
    pub id: InitiativeId,
    /// What it is made of.
    pub plan: InitiativePlan,
    /// Where it stands.
    pub state: InitiativeState,
    /// Its states over time, oldest first.
    pub history: Vec<InitiativeStep>,
}

impl Initiative {
    /// What others may read of it; nothing unless it is public, and never the name of a person.
    #[must_use]
    pub fn public(mut self) -> Option<Self> {
        if let Owner::Person { name } = &mut self.plan.owner {
            name.clear();
        }
        self.plan.public.then_some(self)
    }
}

/// What a municipality wants, does and counts, as it stands on one day. Frozen with every publication (`extra.standing`) and with every
/// status between rounds, so that what was decided on can be read again.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The day, `yyyy-mm-dd`.
    pub on: String,
    /// The municipality's focus areas in its own order.
    pub focus_areas: Vec<FocusArea>,
    /// Goals in force, and those that ended.
    pub goals: Vec<OwnGoal>,
    /// Initiatives, oldest first.
    pub initiatives: Vec<Initiative>,
    /// The growth accounts, with what may not be shown taken out.
    pub accounts: Accounts,
}

impl Standing {
    /// The key under which a publication's extra holds its standing.
    pub const KEY: &'static str = "standing";

    /// The standing in a publication's extra; `None` for publications made before there was one.
    #[must_use]
    pub fn of_extra(extra: &serde_json::Value) -> Option<Self> {
        extra.get(Self::KEY).and_then(|value| serde_json::from_value(value.clone()).ok())
    }

    /// What everybody may read.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.initiatives = self.initiatives.into_iter().filter_map(Initiative::public).collect();
        self
    }

    /// The focus area of a key.
    #[must_use]
    pub fn area(&self, key: Option<&str>) -> Option<&FocusArea> {
        self.focus_areas.iter().find(|a| Some(a.key.as_str()) == key)
    }
}

/// A status between rounds: initiatives have moved, the figures have not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its id.
    pub id: crate::ids::StatusId,
    /// The day, `yyyy-mm-dd`.
    pub date: String,
    /// Title.
    pub title: String,
    /// The author's words.
    pub note: String,
    /// The publication whose figures hold.
    pub publication: crate::ids::PublicationId,
    /// What is wanted and done on that day.
    pub standing: Standing,
}

/// An initiative that moved between two standings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved<'a> {
    /// The initiative as it stands now.
    pub initiative: &'a Initiative,
    /// Where it stood; `None`: it is new.
    pub from: Option<InitiativeState>,
}

/// The initiatives whose state differs between an earlier and a later standing, in the later one's order.
#[must_use]
pub fn moved<'a>(earlier: &Standing, later: &'a Standing) -> Vec<Moved<'a>> {
    let state = |id: &InitiativeId| earlier.initiatives.iter().find(|i| i.id == *id).map(|i| i.state);
    let all = later.initiatives.iter().map(|initiative| Moved { initiative, from: state(&initiative.id) });
    all.filter(|m| m.from != Some(m.initiative.state)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initiative(id: &str, state: InitiativeState, public: bool) -> Initiative {
        Initiative {
            id: InitiativeId(id.into()),
            plan: InitiativePlan {
                title: Texts::same("Én indgang"),
                description: Texts::same(""),
                focus_area: None,
                owner: Owner::Person { name: "Anders And".into() },
                indicators: vec!["nki".into()],
                sectors: Vec::new(),
                starts_on: Some("2025-03-01".into()),
                horizon: Some(2027),
                resources: String::new(),
                backing: String::new(),
                public,
            },
            state,
            history: Vec::new(),
        }
    }

    #[test]
    fn others_read_public_initiatives_without_names() {
        assert_eq!(initiative("a", InitiativeState::Active, false).public(), None);
        let seen = initiative("a", InitiativeState::Active, true).public().unwrap();
        assert_eq!(seen.plan.owner.name(), "");
    }

    #[test]
    fn what_moved_is_new_or_stands_elsewhere() {
        let standing = |list: Vec<Initiative>| Standing { initiatives: list, ..Standing::default() };
        let earlier = standing(vec![
            initiative("a", InitiativeState::Idea, true),
            initiative("b", InitiativeState::Active, true),
        ]);
        let later = standing(vec![
            initiative("a", InitiativeState::Active, true),
            initiative("b", InitiativeState::Active, true),
            initiative("c", InitiativeState::Idea, true),
        ]);
        let seen: Vec<(&str, Option<InitiativeState>)> =
            moved(&earlier, &later).iter().map(|m| (m.initiative.id.as_str(), m.from)).collect();
        assert_eq!(seen, [("a", Some(InitiativeState::Idea)), ("c", None)]);
    }

    #[test]
    fn an_initiative_says_what_is_wrong_with_it() {
        let mut plan = initiative("a", InitiativeState::Idea, true).plan;
        assert_eq!(plan.faults(&Definitions::shipped(), &[], &[]), []);
        plan.starts_on = Some("1. marts".into());
        plan.indicators.push("luck".into());
        plan.owner = Owner::Group { name: " ".into() };
        let faults: Vec<String> =
            plan.faults(&Definitions::shipped(), &[], &[]).iter().map(ToString::to_string).collect();
        assert_eq!(faults, ["owner: missing", "indicators: unknown", "starts_on: date"]);
        plan.starts_on = Some("2028-01-01".into());
        assert!(plan.faults(&Definitions::shipped(), &[], &[]).contains(&PlanFault::new("horizon", "order")));
    }
}
