//! Who belongs to the population: rules as data, each exclusion a named, counted outcome.
//!
//! The rules ship as `analysis/eligibility.toml`, whose head explains the conditions. A round keeps the version it was
//! frozen with: a changed rule is a break in the series.
use std::sync::LazyLock;

use serde::Deserialize;

use crate::language::{Country, Texts};
use crate::size::Employees;

const SHIPPED: &str = include_str!("../../../analysis/eligibility.toml");
static RULES: LazyLock<Eligibility> =
    LazyLock::new(|| Eligibility::parse("eligibility.toml", SHIPPED).expect("the shipped rules are read by a test"));

/// What the rules look at in one row of an extract.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Whose register it is: codes of legal forms differ.
    pub country: Country,
    /// The company is the municipality itself (its number is among the municipality's own).
    pub own_unit: bool,
    /// The company's number is a person's (Sweden).
    pub sole_trader: bool,
    /// Legal form as written in the register: a code, a short form or a text; empty when not given.
    pub legal_form: &'a str,
    /// State as written in the register; empty when not given.
    pub status: &'a str,
    /// The unit's or company's end date has passed.
    pub ended: bool,
    /// Employees of the unit, where known.
    pub employees: Option<Employees>,
    /// The class of NACE rev. 2 that stands for the unit's industry: `64.20`; empty when not known.
    pub industry: &'a str,
}

/// A rule that left a unit out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Stable key of the rule: `own_units`, `ceased`, …
    pub key: String,
    /// Title per language: "Kommunens egne enheder".
    pub titles: Texts,
}

/// A set of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligibility {
    version: u32,
    empty_employees: EmptyEmployees,
    personal: LegalForms,
    exclusions: Vec<Exclusion>,
    conditions: Vec<Conditions>,
}

/// What an empty field for employees means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EmptyEmployees {
    /// No employees are reported: counted as 0.
    None,
    /// The row is left out.
    Refuse,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct LegalForms {
    dk: Vec<String>,
    se: Vec<String>,
}

impl LegalForms {
    fn of(&self, country: Country) -> &[String] {
        match country {
            Country::Dk => &self.dk,
            Country::Se => &self.se,
        }
    }

    /// Whether the folded legal form is one of these.
    fn hold(&self, country: Country, legal_form: &str) -> bool {
        self.of(country).iter().any(|form| form == legal_form)
    }

    fn is_empty(&self) -> bool {
        self.dk.is_empty() && self.se.is_empty()
    }

    fn folded(self) -> Self {
        Self { dk: self.dk.iter().map(|f| fold(f)).collect(), se: self.se.iter().map(|f| fold(f)).collect() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Conditions {
    own_unit: bool,
    ended: bool,
    legal_form: LegalForms,
    legal_form_words: Vec<String>,
    status_words: Vec<String>,
    no_staff: bool,
    industry: Vec<String>,
    impersonal: bool,
}

/// What is wrong with a rule file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct EligibilityError {
    /// Name of the file.
    pub file: String,
    /// What is wrong, with the rule's key.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    empty_employees: EmptyEmployees,
    personal: LegalForms,
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    key: String,
    titles: Texts,
    #[serde(default)]
    own_unit: bool,
    #[serde(default)]
    ended: bool,
    #[serde(default)]
    legal_form: LegalForms,
    #[serde(default)]
    legal_form_words: Vec<String>,
    #[serde(default)]
    status_words: Vec<String>,
    staff: Option<Staff>,
    #[serde(default)]
    industry: Vec<String>,
    personal: Option<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Staff {
    None,
}

/// Lower case, one blank between words, `_` as a blank.
fn fold(text: &str) -> String {
    let lower = text.to_lowercase().replace('_', " ");
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Eligibility {
    /// The rules that ship (`analysis/eligibility.toml`).
    #[must_use]
    pub fn shipped() -> &'static Self {
        &RULES
    }

    /// Reads a rule file.
    ///
    /// # Errors
    /// [`EligibilityError`] naming file and rule.
    pub fn parse(file: &str, text: &str) -> Result<Self, EligibilityError> {
        let fault = |problem: String| EligibilityError { file: file.to_owned(), problem };
        let read: File = toml::from_str(text).map_err(|e| fault(e.to_string()))?;
        let folded = |words: Vec<String>| words.iter().map(|w| fold(w)).collect::<Vec<_>>();
        let mut exclusions: Vec<Exclusion> = Vec::new();
        let mut conditions = Vec::new();
        for rule in read.rule {
            if exclusions.iter().any(|e| e.key == rule.key) {
                return Err(fault(format!("rule \"{}\" stands twice", rule.key)));
            }
            if rule.personal == Some(true) {
                return Err(fault(format!("rule \"{}\": personal can only be false", rule.key)));
            }
            let condition = Conditions {
                own_unit: rule.own_unit,
                ended: rule.ended,
                legal_form: rule.legal_form.folded(),
                legal_form_words: folded(rule.legal_form_words),
                status_words: folded(rule.status_words),
                no_staff: rule.staff.is_some(),
                industry: rule.industry,
                impersonal: rule.personal.is_some(),
            };
            let asks = condition.own_unit
                || condition.ended
                || condition.no_staff
                || condition.impersonal
                || condition.asks_legal_form()
                || !condition.status_words.is_empty()
                || !condition.industry.is_empty();
            if !asks {
                return Err(fault(format!("rule \"{}\" has no condition and would leave everybody out", rule.key)));
            }
            exclusions.push(Exclusion { key: rule.key, titles: rule.titles });
            conditions.push(condition);
        }
        Ok(Self {
            version: read.version,
            empty_employees: read.empty_employees,
            personal: read.personal.folded(),
            exclusions,
            conditions,
        })
    }

    /// Version of the rules: a changed rule is a break.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// What an empty field for employees means.
    #[must_use]
    pub const fn empty_employees(&self) -> EmptyEmployees {
        self.empty_employees
    }

    /// Every exclusion, in the order in which the rules are asked.
    #[must_use]
    pub fn exclusions(&self) -> &[Exclusion] {
        &self.exclusions
    }

    /// The first rule that leaves the unit out; `None`: it belongs.
    #[must_use]
    pub fn excluded_by(&self, facts: &Facts<'_>) -> Option<&Exclusion> {
        let legal_form = fold(facts.legal_form);
        let status = fold(facts.status);
        let personal = facts.sole_trader || self.personal.hold(facts.country, &legal_form);
        let holds = |c: &Conditions| {
            (!c.own_unit || facts.own_unit)
                && (!c.ended || facts.ended)
                && (!c.asks_legal_form() || c.legal_form_is(facts.country, &legal_form))
                && (c.status_words.is_empty() || c.status_words.iter().any(|word| status.contains(word.as_str())))
                && (!c.no_staff || facts.employees.is_some_and(|e| e.high == Some(0)))
                && (c.industry.is_empty()
                    || c.industry.iter().any(|prefix| facts.industry.starts_with(prefix.as_str())))
                && (!c.impersonal || !personal && !legal_form.is_empty())
        };
        self.conditions.iter().position(holds).map(|index| &self.exclusions[index])
    }
}

impl Conditions {
    fn asks_legal_form(&self) -> bool {
        !self.legal_form.is_empty() || !self.legal_form_words.is_empty()
    }

    fn legal_form_is(&self, country: Country, legal_form: &str) -> bool {
        self.legal_form.hold(country, legal_form)
            || self.legal_form_words.iter().any(|word| legal_form.contains(word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: Facts<'_> = Facts {
        country: Country::Dk,
        own_unit: false,
        sole_trader: false,
        legal_form: "80",
        status: "Normal",
        ended: false,
        employees: Some(Employees { low: 2, high: Some(4) }),
        industry: "47.71",
    };
    const NONE: Option<Employees> = Some(Employees::exact(0));

    fn rule(facts: Facts<'_>) -> Option<&'static str> {
        Eligibility::shipped().excluded_by(&facts).map(|e| e.key.as_str())
    }

    #[test]
    fn private_workplaces_with_staff_and_active_persons_belong() {
        assert_eq!(rule(SHOP), None);
        for legal_form in ["10", "ENK", "Enkeltmandsvirksomhed", "PERSONLIGT EJET MINDRE VIRKSOMHED", "I/S"] {
            assert_eq!(rule(Facts { legal_form, employees: NONE, ..SHOP }), None, "{legal_form}");
        }
        assert_eq!(rule(Facts { legal_form: "Forening", ..SHOP }), None);
        assert_eq!(rule(Facts { status: "AKTIV", ..SHOP }), None);
        let swede = Facts { country: Country::Se, legal_form: "49", status: "Verksam", ..SHOP };
        assert_eq!(rule(swede), None);
        assert_eq!(rule(Facts { legal_form: "", sole_trader: true, employees: NONE, ..swede }), None);
        assert_eq!(rule(Facts { legal_form: "Enskild näringsidkare", employees: NONE, ..swede }), None);
    }

    #[test]
    fn every_exclusion_has_its_name() {
        for (facts, key) in [
            (Facts { own_unit: true, ..SHOP }, "own_units"),
            (Facts { legal_form: "Statslig administrativ enhed", ..SHOP }, "public_units"),
            (Facts { legal_form: "245", ..SHOP }, "public_units"),
            (Facts { legal_form: "81", country: Country::Se, ..SHOP }, "public_units"),
            (Facts { industry: "84.11", ..SHOP }, "public_administration"),
            (Facts { ended: true, ..SHOP }, "ceased"),
            (Facts { status: "OPLØST EFTER ERKLÆRING", ..SHOP }, "ceased_state"),
            (Facts { status: "TVANGSOPLØST", ..SHOP }, "ceased_state"),
            (Facts { status: "UNDER_KONKURS", ..SHOP }, "bankrupt"),
            (Facts { status: "Under tvangsopløsning", ..SHOP }, "liquidation"),
            (Facts { status: "Under frivillig likvidation", ..SHOP }, "liquidation"),
            (Facts { legal_form: "Frivillig forening", employees: NONE, ..SHOP }, "associations_without_staff"),
            (Facts { industry: "64.20", employees: NONE, ..SHOP }, "shells"),
            (Facts { employees: NONE, ..SHOP }, "no_staff"),
            (Facts { legal_form: "53", country: Country::Se, employees: NONE, ..SHOP }, "housing_associations"),
        ] {
            assert_eq!(rule(facts), Some(key), "{facts:?}");
        }
        // The same code is a company type in one country and a public body in the other.
        assert_eq!(rule(Facts { legal_form: "81", ..SHOP }), None);
    }

    #[test]
    fn a_unit_without_staff_stays_when_its_legal_form_is_not_given() {
        assert_eq!(rule(Facts { legal_form: "", employees: NONE, ..SHOP }), None);
    }

    #[test]
    fn a_rule_without_conditions_is_refused() {
        let text = "version = 1\nempty_employees = \"none\"\n[personal]\n[[rule]]\nkey = \"all\"\ntitles = { da = \"a\", sv = \"a\", en = \"a\" }\n";
        let error = Eligibility::parse("own.toml", text).unwrap_err();
        assert_eq!(error.to_string(), "own.toml: rule \"all\" has no condition and would leave everybody out");
        let text = SHIPPED.replace("staff = \"none\"", "staff = \"few\"");
        assert!(Eligibility::parse("own.toml", &text).is_err());
    }
}
