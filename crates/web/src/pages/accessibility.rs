//! Facts about accessibility, for whoever writes the municipality's statement: which clauses of EN 301 549 apply to these pages, how
//! each was tested, with what result, when. Facts come from files that the test runs write; what nobody tested is said to be untested.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Router, routing};
use domain::language::Language;
use serde::{Deserialize, Serialize};
use text::{EngineError, format};

use crate::app::App;
use crate::error::PageError;
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// The version of the program that these pages belong to.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const CRITERIA: &str = include_str!("../../accessibility/criteria.toml");
const TESTED: &str = include_str!("../../accessibility/tested.json");
const SOUND: &str = "the shipped file is read by a test";

/// Clauses beside 9 that do not apply to pages in a browser, or do; each with a sentence `answering.clause_<key>`.
const CLAUSES: [(&str, &str, bool); 8] = [
    ("5", "generic", true),
    ("6", "voice", false),
    ("7", "video", false),
    ("8", "hardware", false),
    ("10", "documents", true),
    ("11", "software", false),
    ("12", "support", true),
    ("13", "relay", false),
];

static FACTS: LazyLock<Facts> = LazyLock::new(|| Facts {
    criteria: toml::from_str::<Criteria>(CRITERIA).expect(SOUND).criterion,
    tested: serde_json::from_str(TESTED).expect(SOUND),
});

struct Facts {
    criteria: Vec<Criterion>,
    tested: Tested,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Criteria {
    criterion: Vec<Criterion>,
}

/// A criterion of WCAG 2.1.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Criterion {
    n: String,
    level: String,
    da: String,
    sv: String,
    en: String,
    how: String,
    without: String,
}

impl Criterion {
    fn title(&self, language: Language) -> &str {
        match language {
            Language::Da => &self.da,
            Language::Sv => &self.sv,
            Language::En => &self.en,
        }
    }
}

/// What a run of the browser tests wrote.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tested {
    version: String,
    date: String,
    axe: String,
    validator: String,
    browser: String,
    /// Different pages.
    pages: u64,
    /// Pages × languages × light and dark × widths.
    states: u64,
    languages: Vec<String>,
    widths: Vec<u32>,
    /// By criterion: what the rule engine found.
    criteria: BTreeMap<String, Found>,
    /// By name of a run: how many pages, and how many faults.
    runs: BTreeMap<String, Run>,
}

#[derive(Deserialize, Clone, Copy, Default)]
#[serde(deny_unknown_fields)]
struct Found {
    passed: u64,
    failed: u64,
    /// What the engine leaves to a person.
    undecided: u64,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct Run {
    pages: u64,
    faults: u64,
}

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/{slug}/accessibility", routing::get(facts))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<FactsPage>(site)
}

/// `/{slug}/accessibility`
#[derive(Serialize)]
struct FactsPage {
    municipality: String,
    version: String,
    /// What the last run was made with; `None`: no run is recorded.
    tested: Option<TestedView>,
    /// Criteria that were tested and hold, were tested and do not, are not tested, do not apply.
    counts: [usize; 4],
    criteria: Vec<CriterionView>,
    clauses: Vec<ClauseView>,
    statement_url: String,
    statement_date: String,
    contact_email: String,
}

#[derive(Serialize)]
struct TestedView {
    version: String,
    /// The run was made with this version.
    is_this: bool,
    date: String,
    axe: String,
    validator: String,
    browser: String,
    pages: u64,
    states: u64,
    languages: String,
    widths: String,
}

#[derive(Serialize)]
struct CriterionView {
    clause: String,
    title: String,
    level: String,
    /// `holds`, `fails`, `untested`, `without`.
    result: &'static str,
    /// How it was tested, or why it does not apply, in words.
    how: String,
}

#[derive(Serialize)]
struct ClauseView {
    number: &'static str,
    key: &'static str,
    applies: bool,
}

impl Page for FactsPage {
    const TEMPLATE: &'static str = "respondent/accessibility.html";

    fn samples() -> Vec<Self> {
        let criterion = |result| CriterionView {
            clause: "9.1.4.3".into(),
            title: "Kontrast for tekst".into(),
            level: "AA".into(),
            result,
            how: "120 prøver, ingen fejl".into(),
        };
        let tested = |is_this| TestedView {
            version: "1.0.0".into(),
            is_this,
            date: "22. november 2026".into(),
            axe: "4.11".into(),
            validator: "10".into(),
            browser: "140".into(),
            pages: 30,
            states: 360,
            languages: "da, sv, en".into(),
            widths: "360, 1280".into(),
        };
        let page = |tested, full: bool| Self {
            municipality: "Højager Kommune".into(),
            version: VERSION.into(),
            tested,
            counts: [30, 0, 10, 10],
            criteria: ["holds", "fails", "untested", "without"].map(criterion).into(),
            clauses: CLAUSES.map(|(number, key, applies)| ClauseView { number, key, applies }).into(),
            statement_url: if full { "https://hojager.example/t".into() } else { String::new() },
            statement_date: if full { "1. maj 2026".into() } else { String::new() },
            contact_email: if full { "erhverv@hojager.example".into() } else { String::new() },
        };
        vec![page(Some(tested(true)), true), page(Some(tested(false)), true), page(None, false)]
    }
}

async fn facts(State(app): State<App>, visit: Visit, Path(slug): Path<String>) -> Result<Response, PageError> {
    let municipality = app.store().municipality_by_slug(&slug).await?;
    let view = app.view(&visit).of(&municipality).indexed();
    let language = view.language();
    let tested = &FACTS.tested;
    let criteria: Vec<CriterionView> =
        FACTS.criteria.iter().map(|criterion| seen(&app, language, criterion, tested)).collect();
    let count = |result: &str| criteria.iter().filter(|c| c.result == result).count();
    let day = |iso: &str| iso.parse().map_or_else(|_| iso.to_owned(), |date| format::date(language, date));
    let settings = &municipality.settings;
    view.render(&FactsPage {
        municipality: municipality.name.clone(),
        version: VERSION.to_owned(),
        tested: (!tested.date.is_empty()).then(|| TestedView {
            version: tested.version.clone(),
            is_this: tested.version == VERSION,
            date: day(&tested.date),
            axe: tested.axe.clone(),
            validator: tested.validator.clone(),
            browser: tested.browser.clone(),
            pages: tested.pages,
            states: tested.states,
            languages: tested.languages.join(", "),
            widths: tested.widths.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
        }),
        counts: ["holds", "fails", "untested", "without"].map(count),
        criteria,
        clauses: CLAUSES.map(|(number, key, applies)| ClauseView { number, key, applies }).into(),
        statement_url: settings.accessibility_url.clone(),
        statement_date: if settings.accessibility_date.is_empty() {
            String::new()
        } else {
            day(&settings.accessibility_date)
        },
        contact_email: settings.contact_email.clone(),
    })
}

/// A criterion with what the runs say about it.
fn seen(app: &App, language: Language, criterion: &Criterion, tested: &Tested) -> CriterionView {
    let say = |key: &str, args: &[(&str, text::Arg)]| app.t(language, &format!("answering.{key}"), args);
    let (result, how) = judged(criterion, tested);
    let how = match how {
        How::Without => say(&format!("without_{}", criterion.without), &[]),
        How::Engine(found) => {
            let key = if found.undecided > 0 { "how_axe_undecided" } else { "how_axe" };
            let args =
                [("n", found.passed.into()), ("failed", found.failed.into()), ("undecided", found.undecided.into())];
            say(key, &args)
        }
        How::Run(run) => {
            say(&format!("how_{}", criterion.how), &[("n", run.pages.into()), ("failed", run.faults.into())])
        }
        How::Nothing => say("how_nothing", &[]),
    };
    CriterionView {
        clause: format!("9.{}", criterion.n),
        title: criterion.title(language).to_owned(),
        level: criterion.level.clone(),
        result,
        how,
    }
}

/// By what a result is known.
enum How {
    Without,
    Engine(Found),
    Run(Run),
    Nothing,
}

/// What the runs say about a criterion: a result is claimed only where one of them looked.
fn judged(criterion: &Criterion, tested: &Tested) -> (&'static str, How) {
    if !criterion.without.is_empty() {
        return ("without", How::Without);
    }
    let known = match criterion.how.as_str() {
        "axe" => tested.criteria.get(&criterion.n).copied().filter(|f| f.passed + f.failed > 0).map(How::Engine),
        how => tested.runs.get(how).copied().filter(|run| run.pages > 0).map(How::Run),
    };
    match known {
        Some(How::Engine(found)) if found.failed > 0 => ("fails", How::Engine(found)),
        Some(How::Run(run)) if run.faults > 0 => ("fails", How::Run(run)),
        Some(known) => ("holds", known),
        None => ("untested", How::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criterion(n: &str) -> &'static Criterion {
        FACTS.criteria.iter().find(|c| c.n == n).unwrap()
    }

    fn tested(json: &str) -> Tested {
        let mut whole: serde_json::Value = serde_json::from_str(TESTED).unwrap();
        let given: serde_json::Value = serde_json::from_str(json).unwrap();
        for (name, value) in given.as_object().unwrap() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn every_criterion_of_a_and_aa_is_there_once() {
        let mut numbers: Vec<&str> = FACTS.criteria.iter().map(|c| c.n.as_str()).collect();
        numbers.dedup();
        assert_eq!(numbers.len(), 50, "WCAG 2.1 has 30 criteria of level A and 20 of AA");
        assert_eq!(FACTS.criteria.iter().filter(|c| c.level == "AA").count(), 20);
        assert!(FACTS.criteria.iter().all(|c| c.how.is_empty() || c.without.is_empty()), "tested or not applicable");
    }

    #[test]
    fn nothing_is_claimed_that_no_run_looked_at() {
        let nothing = tested(r#"{"criteria": {}, "runs": {}}"#);
        for c in FACTS.criteria.iter().filter(|c| c.without.is_empty()) {
            assert_eq!(judged(c, &nothing).0, "untested", "{}", c.n);
        }
        let found = |passed, failed| {
            tested(&format!(
                r#"{{"criteria": {{"1.4.3": {{"passed": {passed}, "failed": {failed}, "undecided": 0}}}}}}"#
            ))
        };
        assert_eq!(judged(criterion("1.4.3"), &found(0, 0)).0, "untested");
        assert_eq!(judged(criterion("1.4.3"), &found(9, 0)).0, "holds");
        assert_eq!(judged(criterion("1.4.3"), &found(9, 1)).0, "fails");
        let run = tested(r#"{"runs": {"keys": {"pages": 14, "faults": 1}}}"#);
        assert_eq!(judged(criterion("2.1.1"), &run).0, "fails");
    }
}
