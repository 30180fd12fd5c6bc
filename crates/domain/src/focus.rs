//! Focus areas ("fokusområder") and goals of municipalities' policies, each under a shared theme.
//!
//! The themes' keys are the codes of the question `priorities` in the shipped questionnaire; a municipality's own areas take
//! the place of its options (`Questionnaire::set_options("priorities", set.choices())`).
use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::language::{Language, Texts};
use crate::questionnaire::Choice;

static SETS: LazyLock<Vec<FocusSet>> = LazyLock::new(|| {
    let text = include_str!("../../../analysis/focus-areas.toml");
    FocusSet::parse("focus-areas.toml", text).expect("the shipped focus areas have no faults, a test reads them")
});
static GOALS: LazyLock<Vec<Goal>> = LazyLock::new(|| {
    let text = include_str!("../../../analysis/goals.toml");
    Goal::parse("goals.toml", text).expect("the shipped goals have no faults, a test reads them")
});

/// The focus areas of one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FocusSet {
    /// Stable key: `koege`.
    pub key: String,
    /// Whose they are.
    pub municipality: String,
    /// The document.
    pub source: String,
    /// The areas in the document's order.
    pub areas: Vec<FocusArea>,
}

/// One focus area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FocusArea {
    /// Stable key within the set.
    pub key: String,
    /// Title.
    pub title: Texts,
    /// Key of the shared theme.
    pub theme: String,
}

/// What a policy wants, with dates. A changed goal is a new row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Stable id.
    pub id: String,
    /// Key of the municipality's set.
    pub municipality: String,
    /// Wording.
    pub text: Texts,
    /// The indicator that tells.
    pub indicator: Option<String>,
    /// The register fact that tells, where no question can.
    pub fact: Option<String>,
    /// Key of the shared theme.
    pub theme: String,
    /// First year.
    pub from: i32,
    /// Year by which it shall be met.
    pub by: Option<i32>,
    /// The document.
    pub source: String,
}

/// What is wrong with a file of focus areas or goals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct FocusError {
    /// Name of the file.
    pub file: String,
    /// What is wrong, with the key or line.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetFile {
    set: Vec<SetRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetRow {
    key: String,
    municipality: String,
    source: String,
    areas: Vec<AreaRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AreaRow {
    key: String,
    theme: String,
    da: String,
    sv: String,
    en: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GoalFile {
    goal: Vec<Goal>,
}

impl FocusSet {
    /// The sets that ship: Køge's ten, Høje-Taastrup's, Dragør's four.
    #[must_use]
    pub fn shipped() -> &'static [Self] {
        &SETS
    }

    /// Reads a file of focus areas.
    ///
    /// # Errors
    /// [`FocusError`] with the first fault.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>, FocusError> {
        let fault = |problem: String| FocusError { file: file.to_owned(), problem };
        let read: SetFile = toml::from_str(text).map_err(|e| fault(e.to_string()))?;
        let mut sets = Vec::new();
        for row in read.set {
            let mut keys = BTreeSet::new();
            for area in &row.areas {
                let place = format!("{}.{}", row.key, area.key);
                if !keys.insert(&area.key) {
                    return Err(fault(format!("{place}: the key is used twice")));
                }
                blank(&place, &[&area.da, &area.sv, &area.en]).map_err(fault)?;
            }
            let areas = row.areas.into_iter().map(|area| FocusArea {
                key: area.key,
                title: Texts { da: area.da, sv: area.sv, en: area.en },
                theme: area.theme,
            });
            let areas = areas.collect();
            sets.push(Self { key: row.key, municipality: row.municipality, source: row.source, areas });
        }
        Ok(sets)
    }

    /// The areas as options of a question.
    #[must_use]
    pub fn choices(&self) -> Vec<Choice> {
        let choice = |area: &FocusArea| Choice {
            code: area.key.clone(),
            text: area.title.clone(),
            exclusive: false,
            when: None,
        };
        self.areas.iter().map(choice).collect()
    }
}

impl Goal {
    /// The goals that ship.
    #[must_use]
    pub fn shipped() -> &'static [Self] {
        &GOALS
    }

    /// Reads a file of goals.
    ///
    /// # Errors
    /// [`FocusError`] with the first fault.
    pub fn parse(file: &str, text: &str) -> Result<Vec<Self>, FocusError> {
        let fault = |problem: String| FocusError { file: file.to_owned(), problem };
        let read: GoalFile = toml::from_str(text).map_err(|e| fault(e.to_string()))?;
        let mut ids = BTreeSet::new();
        for goal in &read.goal {
            if !ids.insert(&goal.id) {
                return Err(fault(format!("{}: the id is used twice", goal.id)));
            }
            if goal.indicator.is_some() == goal.fact.is_some() {
                return Err(fault(format!("{}: one of \"indicator\" and \"fact\" tells", goal.id)));
            }
            if goal.by.is_some_and(|by| by < goal.from) {
                return Err(fault(format!("{}: \"by\" lies before \"from\"", goal.id)));
            }
            blank(&goal.id, &Language::ALL.map(|language| goal.text.get(language))).map_err(fault)?;
        }
        Ok(read.goal)
    }
}

/// The complaint about a text that is blank; the texts stand in the order of [`Language::ALL`].
fn blank(place: &str, texts: &[&str; 3]) -> Result<(), String> {
    match Language::ALL.iter().zip(texts).find(|(_, text)| text.trim().is_empty()) {
        Some((language, _)) => Err(format!("{place}: there is no text in \"{}\"", language.tag())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FocusSet, Goal};
    use crate::indicator::Definitions;
    use crate::questionnaire::{QuestionKind, shipped};

    fn themes() -> BTreeSet<String> {
        match shipped().question("priorities").map(|q| &q.kind) {
            Some(QuestionKind::Multiple { options, .. }) => options.iter().map(|o| o.code.clone()).collect(),
            _ => panic!("the questionnaire asks for priorities"),
        }
    }

    #[test]
    fn the_shipped_focus_areas_are_those_of_the_policies() {
        let sizes: Vec<(&str, usize)> = FocusSet::shipped().iter().map(|s| (s.key.as_str(), s.areas.len())).collect();
        assert_eq!(sizes, [("koege", 10), ("hoeje-taastrup", 12), ("dragoer", 4)]);
        for area in FocusSet::shipped().iter().flat_map(|s| &s.areas) {
            assert!(themes().contains(&area.theme), "{}", area.key);
        }
    }

    #[test]
    fn the_shipped_goals_name_indicators_and_themes_that_exist() {
        let indicators =
            Definitions::parse("indicators.toml", include_str!("../../../analysis/indicators.toml")).unwrap();
        for goal in Goal::shipped() {
            assert!(themes().contains(&goal.theme), "{}", goal.id);
            assert!(goal.indicator.as_ref().is_none_or(|id| indicators.get(id).is_some()), "{}", goal.id);
        }
    }

    #[test]
    fn own_focus_areas_take_the_place_of_the_options() {
        let mut questionnaire = shipped();
        assert!(questionnaire.set_options("priorities", FocusSet::shipped()[0].choices()));
        let keys: Vec<String> = questionnaire.columns().into_iter().map(|c| c.key).collect();
        assert!(
            keys.contains(&"priorities.production".to_owned()) && !keys.contains(&"priorities.premises".to_owned())
        );
    }

    #[test]
    fn faults_name_file_key_and_language() {
        let text = "[[set]]\nkey = \"a\"\nmunicipality = \"A\"\nsource = \"s\"\n\
                    areas = [{ key = \"x\", theme = \"green\", da = \"x\", sv = \" \", en = \"x\" }]";
        let fault = FocusSet::parse("f.toml", text).unwrap_err();
        assert_eq!(fault.to_string(), "f.toml: a.x: there is no text in \"sv\"");
        let goal = "[[goal]]\nid = \"g\"\nmunicipality = \"a\"\ntext = { da = \"x\", sv = \"x\", en = \"x\" }\n\
                    theme = \"green\"\nfrom = 2023\nsource = \"s\"";
        let fault = Goal::parse("g.toml", goal).unwrap_err();
        assert_eq!(fault.to_string(), "g.toml: g: one of \"indicator\" and \"fact\" tells");
    }
}
