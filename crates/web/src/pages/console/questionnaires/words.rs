//! Conditions and faults of a questionnaire in words.
use domain::language::{Country, Language};
use domain::municipality::Municipality;
use domain::questionnaire::{Condition, LoadFaultKind, Place, Questionnaire, Subject};

use super::readable;
use crate::app::App;
use crate::pages::console::{sectors, sizes};

/// The facts that a condition can be made of by hand; `draw` belongs to the program, areas have no list to choose from.
pub(super) const FACTS: [&str; 6] = ["employees", "size", "sector", "industry", "age", "flood_risk"];

/// The values of a fact with their names.
pub(super) fn fact_values(
    app: &App,
    municipality: &Municipality,
    language: Language,
    fact: &str,
) -> Vec<(String, String)> {
    let named = |values: &[&str]| {
        values
            .iter()
            .map(|v| ((*v).to_owned(), app.t(language, &format!("instrument.value_{fact}_{}", word(v)), &[])))
            .collect()
    };
    match fact {
        "size" => sizes(municipality, language),
        "sector" => sectors(municipality, language),
        "employees" | "flood_risk" => {
            ["yes", "no"].map(|v| (v.to_owned(), app.t(language, &format!("instrument.value_{v}"), &[]))).to_vec()
        }
        "industry" => {
            named(&["agriculture", "manufacturing", "construction", "transport", "trade_food_services", "other"])
        }
        "age" => named(&["0-3", "4+"]),
        "country" => [Country::Dk, Country::Se]
            .map(|c| (c.code().to_owned(), app.t(language, &format!("instrument.value_country_{}", c.code()), &[])))
            .to_vec(),
        _ => Vec::new(),
    }
}

/// A value as part of a message's key.
fn word(value: &str) -> String {
    value.replace('-', "_").replace('+', "_plus")
}

/// A condition as a sentence.
pub(super) fn condition(
    app: &App,
    municipality: &Municipality,
    language: Language,
    form: &Questionnaire,
    condition: &Condition,
) -> String {
    // Everything before the end: what a condition may look at at most.
    let end = Questionnaire {
        blocks: form
            .blocks
            .iter()
            .cloned()
            .chain([domain::questionnaire::Block {
                key: String::new(),
                title: domain::language::Texts::same(""),
                intro: None,
                when: None,
                questions: Vec::new(),
                turns: None,
            }])
            .collect(),
        ..form.clone()
    };
    let subjects = end.subjects_before(&Place::Block(String::new()));
    Words { app, municipality, language, subjects: &subjects }.say(condition)
}

struct Words<'a> {
    app: &'a App,
    municipality: &'a Municipality,
    language: Language,
    subjects: &'a [Subject],
}

impl Words<'_> {
    fn say(&self, condition: &Condition) -> String {
        let t = |key: &str| self.app.t(self.language, &format!("instrument.{key}"), &[]);
        let joined = |of: &[Condition], by: &str| {
            let parts: Vec<String> = of.iter().map(|c| self.say(c)).collect();
            parts.join(&format!(" {} ", t(by)))
        };
        match condition {
            Condition::Answer { key, values } => {
                let known = self.subjects.iter().find(|s| s.key == *key);
                let name = known.map_or_else(|| key.clone(), |s| readable(&s.text, self.language));
                let values: Vec<String> = values.iter().map(|v| value(self.app, self.language, known, v)).collect();
                format!("{name} = {}", values.join(&format!(" {} ", t("or"))))
            }
            Condition::Fact { name, values } => {
                let known = fact_values(self.app, self.municipality, self.language, name);
                let title =
                    |v: &String| known.iter().find(|(key, _)| key == v).map_or_else(|| v.clone(), |(_, t)| t.clone());
                let values: Vec<String> = values.iter().map(title).collect();
                format!("{} = {}", fact(self.app, self.language, name), values.join(&format!(" {} ", t("or"))))
            }
            Condition::All(of) => joined(of, "and"),
            Condition::Any(of) => joined(of, "or"),
            Condition::Not(of) => format!("{} ({})", t("not"), self.say(of)),
        }
    }
}

/// A fact's name.
pub(super) fn fact(app: &App, language: Language, name: &str) -> String {
    let key = format!("instrument.fact_{name}");
    if app.messages().contains(&key) { app.t(language, &key, &[]) } else { name.to_owned() }
}

/// An answer's wording.
pub(super) fn value(app: &App, language: Language, subject: Option<&Subject>, value: &str) -> String {
    let known = subject.and_then(|s| s.values.iter().find(|(v, _)| v == value));
    match known {
        Some((_, Some(texts))) => readable(texts, language),
        Some((_, None)) if subject.is_some_and(|s| s.values.len() == 2 && s.values[0].0 == "1") => {
            app.t(language, if value == "1" { "instrument.value_ticked" } else { "instrument.value_not_ticked" }, &[])
        }
        _ if value == domain::answers::DONT_KNOW => app.t(language, "respondent.dont_know", &[]),
        _ if value == domain::answers::NOT_RELEVANT => app.t(language, "respondent.not_relevant", &[]),
        _ => value.to_owned(),
    }
}

/// A field's name.
fn field(app: &App, language: Language, name: &str) -> String {
    if let Some(n) = name.strip_prefix("label ") {
        return app.t(language, "instrument.field_label", &[("number", n.into())]);
    }
    let key = format!("instrument.field_{name}");
    if app.messages().contains(&key) { app.t(language, &key, &[]) } else { name.to_owned() }
}

/// What is wrong, in the reader's language.
pub(super) fn fault(app: &App, language: Language, kind: &LoadFaultKind) -> String {
    use LoadFaultKind as Kind;
    let t = |key: &str, args: &[(&str, text::Arg)]| app.t(language, &format!("instrument.fault_{key}"), args);
    match kind {
        Kind::MissingLanguage { field: name, language: missing } => t(
            "missing_language",
            &[("field", field(app, language, name).into()), ("language", missing.own_name().into())],
        ),
        Kind::Missing(name) => t("missing", &[("field", field(app, language, name).into())]),
        Kind::Empty(name) => t("empty", &[("field", field(app, language, name).into())]),
        Kind::BadKey(key) => t("bad_key", &[("key", key.into())]),
        Kind::DuplicateKey => t("duplicate_key", &[]),
        Kind::DuplicateCode(code) => t("duplicate_code", &[("code", code.into())]),
        Kind::NoCode(at) => t("no_code", &[("number", (*at).into())]),
        Kind::BadScale { from, to } => t("bad_scale", &[("from", (*from).into()), ("to", (*to).into())]),
        Kind::LabelCount { labels, points } => {
            t("label_count", &[("labels", (*labels).into()), ("points", (*points).into())])
        }
        Kind::UnknownConditionKey(key) => t("unknown_condition", &[("key", key.into())]),
        Kind::LaterConditionKey(key) => t("later_condition", &[("key", key.into())]),
        Kind::UnknownConditionValue { key, value } => {
            t("unknown_value", &[("key", key.into()), ("value", value.into())])
        }
        Kind::EmptyCondition => t("empty_condition", &[]),
        Kind::BadTurns(key) => t("bad_turns", &[("key", key.into())]),
        // What a form cannot bring about: as the file check says it.
        other => other.to_string(),
    }
}
