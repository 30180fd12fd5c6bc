//! "The same indicator or a new one?": what was decided about changed questions, and which series break by it.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::QuestionnaireId;

/// What a changed question measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The same as before: its series goes on.
    Same,
    /// Something else: a break in its series.
    New,
}

impl Decision {
    /// The decision as stored and sent by forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::New => "new",
        }
    }

    /// The decision of such a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Same, Self::New].into_iter().find(|d| d.as_str() == text)
    }
}

/// Decisions by key of the question or item.
pub type Decisions = BTreeMap<String, Decision>;

/// Where a version comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The version.
    pub version: QuestionnaireId,
    /// The version it was made of.
    pub base: QuestionnaireId,
    /// What was decided about the questions that differ from it.
    pub decisions: Decisions,
}

/// The questions and items whose series breaks between two versions: those decided to be new on the way from one to the
/// other, through the version that both come from.
#[must_use]
pub fn broken_between(origins: &[Origin], one: &QuestionnaireId, other: &QuestionnaireId) -> BTreeSet<String> {
    let way = |from: &QuestionnaireId| {
        let mut way = vec![from.clone()];
        let mut at = from;
        while let Some(origin) = origins.iter().find(|o| o.version == *at && !way.contains(&o.base)) {
            way.push(origin.base.clone());
            at = &origin.base;
        }
        way
    };
    let (here, there) = (way(one), way(other));
    let common = here.iter().find(|version| there.contains(version));
    let apart = |way: &[QuestionnaireId]| -> Vec<QuestionnaireId> {
        way.iter().take_while(|version| Some(*version) != common).cloned().collect()
    };
    let versions = [apart(&here), apart(&there)].concat();
    origins
        .iter()
        .filter(|origin| versions.contains(&origin.version))
        .flat_map(|origin| origin.decisions.iter().filter(|(_, d)| **d == Decision::New).map(|(key, _)| key.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(version: &str, base: &str, decisions: &[(&str, Decision)]) -> Origin {
        Origin {
            version: QuestionnaireId(version.into()),
            base: QuestionnaireId(base.into()),
            decisions: decisions.iter().map(|(key, d)| ((*key).to_owned(), *d)).collect(),
        }
    }

    #[test]
    fn what_was_decided_on_the_way_counts_and_nothing_else() {
        let origins = [
            origin("2", "1", &[("overall", Decision::New), ("known", Decision::Same)]),
            origin("3", "2", &[("labour", Decision::New)]),
            origin("4", "1", &[("green", Decision::New)]),
        ];
        let between = |one: &str, other: &str| -> Vec<String> {
            broken_between(&origins, &QuestionnaireId(one.into()), &QuestionnaireId(other.into())).into_iter().collect()
        };
        assert_eq!(between("1", "1"), Vec::<String>::new());
        assert_eq!(between("1", "2"), ["overall"]);
        assert_eq!(between("2", "1"), ["overall"], "back to the earlier version is a break too");
        assert_eq!(between("1", "3"), ["labour", "overall"]);
        assert_eq!(between("3", "4"), ["green", "labour", "overall"], "over the version they share");
        assert_eq!(between("3", "unknown"), ["labour", "overall"]);
    }
}
