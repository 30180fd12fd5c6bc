//! Goals: what is wanted, by what it is told, in versions with dates.
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::accounts::{FactKind, FactUnit};
use domain::focus::Goal as SharedGoal;
use domain::goals::{GoalPlan, OwnGoal, PlanFault, Yardstick};
use domain::ids::GoalId;
use domain::indicator::{Definitions, Goal, Kind};
use domain::language::Language;
use serde::{Deserialize, Serialize};
use text::EngineError;

use super::{Choice, Fault, area_choices, faults, texts, today, unless_same};
use crate::app::App;
use crate::error::PageError;
use crate::pages::console::day;
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/plans/goals/new", routing::get(fresh).post(create))
        .route("/{slug}/console/plans/goals/{goal}", routing::get(show).post(change))
        .route("/{slug}/console/plans/goals/{goal}/end", routing::post(end))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<GoalPage>(site)
}

/// A goal's page: the form of its current or first version, and its history.
#[derive(Debug, Serialize)]
pub struct GoalPage {
    /// Navigation.
    pub bar: Bar,
    /// Where it is ended; `None`: it is new.
    pub end: Option<String>,
    /// It has ended: nothing can be changed any more.
    pub ended: Option<String>,
    /// The form as it was filled in.
    pub form: GoalForm,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Indicators and facts that can tell.
    pub tells: Vec<Choice>,
    /// Focus areas.
    pub areas: Vec<Choice>,
    /// Shared goals to begin with.
    pub shared: Vec<Choice>,
    /// Its versions, oldest first.
    pub versions: Vec<VersionLine>,
}

/// A version in the history.
#[derive(Debug, Serialize)]
pub struct VersionLine {
    /// Its number.
    pub version: u32,
    /// Since when, in words.
    pub since: String,
    /// Its wording.
    pub text: String,
    /// Why.
    pub note: String,
}

/// The form of a goal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct GoalForm {
    /// Wording in Danish.
    pub text_da: String,
    /// Wording in Swedish.
    pub text_sv: String,
    /// Wording in English.
    pub text_en: String,
    /// `indicator:<id>`, `fact:<key>` or empty.
    pub yardstick: String,
    /// `raise`, `keep` or `reach`.
    pub kind: String,
    /// "Keep": the margin.
    pub margin: String,
    /// "Keep": the floor.
    pub at_least: String,
    /// "Reach": the value.
    pub value: String,
    /// Key of the focus area.
    pub focus_area: String,
    /// Baseline year.
    pub from: String,
    /// End year.
    pub by: String,
    /// The document.
    pub source: String,
    /// The day from which it holds.
    pub since: String,
    /// Why it was changed.
    pub note: String,
    /// "I know that it cannot be taken back."
    pub sure: String,
}

impl Page for GoalPage {
    const TEMPLATE: &'static str = "console/plan-goal.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool, ended: bool| Self {
            bar: Bar::sample(true),
            end: full.then(|| "/x/end".to_owned()),
            ended: ended.then(|| "1. januar 2026".to_owned()),
            form: GoalForm { kind: "raise".to_owned(), ..GoalForm::default() },
            faults: if full {
                vec![Fault { field: "by".to_owned(), text: "Slutår: for tidligt".to_owned() }]
            } else {
                Vec::new()
            },
            tells: Choice::samples(),
            areas: if full { Choice::samples() } else { Vec::new() },
            shared: if full { Vec::new() } else { Choice::samples() },
            versions: if full {
                let line = |note: &str| VersionLine {
                    version: 1,
                    since: "1. juni 2023".to_owned(),
                    text: "Tilfredsheden skal op".to_owned(),
                    note: note.to_owned(),
                };
                vec![line(""), line("Hævet.")]
            } else {
                Vec::new()
            },
        };
        vec![page(true, false), page(true, true), page(false, false)]
    }
}

/// Figures of a share are typed in percent.
fn unit(yardstick: &str) -> f64 {
    let percent = match yardstick.split_once(':') {
        Some(("indicator", id)) => {
            Definitions::shipped().get(id).is_some_and(|i| matches!(i.measure.kind(), Kind::Share | Kind::Balance))
        }
        Some(("fact", key)) => FactKind::of(key).is_some_and(|k| k.unit == FactUnit::Share),
        _ => false,
    };
    if percent { 100.0 } else { 1.0 }
}

/// A number as people type it: `3,5`, `1.200`, `70 %`.
fn number(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '%' && *c != '\u{a0}').collect();
    // "1.200" is twelve hundred; "0.725" is not seven hundred.
    let mut parts = plain.split('.');
    let head = parts.next().unwrap_or_default();
    let grouped = plain.contains('.') && !head.starts_with('0') && parts.all(|p| p.len() == 3);
    let plain = if plain.contains(',') || grouped { plain.replace('.', "").replace(',', ".") } else { plain };
    plain.parse().ok().filter(|n: &f64| n.is_finite())
}

fn typed(value: f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    rounded.to_string().replace('.', ",")
}

impl GoalForm {
    /// What it says, as far as it can be read; the rest is named.
    fn read(&self, own: Language) -> (GoalPlan, Vec<PlanFault>) {
        let mut wrong = Vec::new();
        let unit = unit(&self.yardstick);
        let mut figure = |text: &str, field| {
            number(text).map_or_else(
                || {
                    wrong.push(PlanFault { field, problem: "number" });
                    0.0
                },
                |n| n / unit,
            )
        };
        let goal = match self.kind.as_str() {
            "keep" => {
                let margin = figure(&self.margin, "margin");
                let floor = self.at_least.trim();
                Goal::Keep { margin, at_least: (!floor.is_empty()).then(|| figure(floor, "at_least")) }
            }
            "reach" => Goal::Reach { value: figure(&self.value, "value") },
            _ => Goal::Raise,
        };
        let yardstick = match self.yardstick.split_once(':') {
            Some(("indicator", id)) => Yardstick::Indicator { id: id.to_owned(), goal },
            Some(("fact", key)) => Yardstick::Fact { key: key.to_owned(), goal },
            _ => Yardstick::Nothing,
        };
        if yardstick == Yardstick::Nothing {
            wrong.clear();
        }
        let year = |text: &str| text.trim().parse().unwrap_or(0);
        let plan = GoalPlan {
            text: texts(own, &self.text_da, &self.text_sv, &self.text_en),
            yardstick,
            focus_area: Some(self.focus_area.clone()).filter(|a| !a.is_empty()),
            from: year(&self.from),
            by: year(&self.by),
            source: self.source.trim().to_owned(),
        };
        if self.since.parse::<jiff::civil::Date>().is_err() {
            wrong.push(PlanFault { field: "since", problem: "date" });
        }
        (plan, wrong)
    }

    /// The form of a plan.
    fn of(plan: &GoalPlan, own: Language, since: &str) -> Self {
        let (yardstick, goal) = match &plan.yardstick {
            Yardstick::Indicator { id, goal } => (format!("indicator:{id}"), Some(*goal)),
            Yardstick::Fact { key, goal } => (format!("fact:{key}"), Some(*goal)),
            Yardstick::Nothing => (String::new(), None),
        };
        let unit = unit(&yardstick);
        let mut form = Self {
            text_da: unless_same(own, &plan.text, Language::Da),
            text_sv: unless_same(own, &plan.text, Language::Sv),
            text_en: unless_same(own, &plan.text, Language::En),
            yardstick,
            kind: "raise".to_owned(),
            focus_area: plan.focus_area.clone().unwrap_or_default(),
            from: plan.from.to_string(),
            by: plan.by.to_string(),
            source: plan.source.clone(),
            since: since.to_owned(),
            ..Self::default()
        };
        match goal {
            Some(Goal::Keep { margin, at_least }) => {
                "keep".clone_into(&mut form.kind);
                form.margin = typed(margin * unit);
                form.at_least = at_least.map(|v| typed(v * unit)).unwrap_or_default();
            }
            Some(Goal::Reach { value }) => {
                "reach".clone_into(&mut form.kind);
                form.value = typed(value * unit);
            }
            Some(Goal::Raise) | None => {}
        }
        form
    }

    /// The form of a shared goal, to be looked over.
    fn of_shared(goal: &SharedGoal, areas: &[domain::focus::FocusArea], since: &str) -> Self {
        let told = match (&goal.indicator, &goal.fact) {
            (Some(id), _) => format!("indicator:{id}"),
            (None, Some(key)) => format!("fact:{key}"),
            (None, None) => String::new(),
        };
        Self {
            text_da: goal.text.da.clone(),
            text_sv: goal.text.sv.clone(),
            text_en: goal.text.en.clone(),
            yardstick: told,
            kind: "raise".to_owned(),
            focus_area: areas.iter().find(|a| a.theme == goal.theme).map(|a| a.key.clone()).unwrap_or_default(),
            from: goal.from.to_string(),
            by: goal.by.map(|by| by.to_string()).unwrap_or_default(),
            source: goal.source.clone(),
            since: since.to_owned(),
            ..Self::default()
        }
    }
}

fn tells(language: Language, chosen: &str) -> Vec<Choice> {
    let definitions = Definitions::shipped();
    let indicator =
        |i: &domain::indicator::Indicator| (format!("indicator:{}", i.id), i.title.get(language).to_owned());
    let fact = |k: &FactKind| (format!("fact:{}", k.key), k.title.get(language).to_owned());
    let all = definitions.indicators.iter().map(indicator).chain(FactKind::shipped().iter().map(fact));
    all.map(|(value, title)| Choice { chosen: value == chosen, value, title }).collect()
}

async fn render(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    goal: Option<&OwnGoal>,
    form: GoalForm,
    wrong: &[PlanFault],
) -> Result<Response, PageError> {
    let view = app.view(visit).of(&staff.municipality);
    let language = view.language();
    let areas = app.store().focus_areas(&staff.municipality.id).await?;
    let version = |v: &domain::goals::GoalVersion| VersionLine {
        version: v.version,
        since: day(language, &v.since),
        text: v.plan.text.get(language).to_owned(),
        note: v.note.clone(),
    };
    let shared = |g: &SharedGoal| Choice {
        value: g.id.clone(),
        title: format!("{} ({})", g.text.get(language), g.source),
        chosen: false,
    };
    let page = GoalPage {
        bar: staff.bar("plans"),
        end: goal.map(|g| format!("/{}/console/plans/goals/{}/end", staff.municipality.slug, g.id)),
        ended: goal.and_then(|g| g.ended.as_deref()).map(|on| day(language, on)),
        faults: faults(app, language, wrong),
        tells: tells(language, &form.yardstick),
        areas: area_choices(&areas, language, &form.focus_area),
        shared: if goal.is_none() { SharedGoal::shipped().iter().map(shared).collect() } else { Vec::new() },
        versions: goal.map(|g| g.versions.iter().map(version).collect()).unwrap_or_default(),
        form,
    };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    view.status(status).render(&page)
}

#[derive(Deserialize)]
struct Begin {
    #[serde(default)]
    shared: String,
}

async fn fresh(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(begin): Query<Begin>,
) -> Result<Response, PageError> {
    let areas = app.store().focus_areas(&staff.municipality.id).await?;
    let since = today(&app, &staff);
    let shared = SharedGoal::shipped().iter().find(|g| g.id == begin.shared);
    let form = shared.map_or_else(
        || GoalForm { kind: "raise".to_owned(), since: since.clone(), ..GoalForm::default() },
        |g| GoalForm::of_shared(g, &areas, &since),
    );
    render(&app, &visit, &staff, None, form, &[]).await
}

/// Everything that is wrong: with the form, with the plan, and with what others want of the same figure.
async fn judge(
    app: &App,
    staff: &Staff,
    form: &GoalForm,
    but: Option<&GoalId>,
) -> Result<(GoalPlan, Vec<PlanFault>), PageError> {
    let id = &staff.municipality.id;
    let areas = app.store().focus_areas(id).await?;
    let (plan, mut wrong) = form.read(staff.municipality.settings.language);
    for fault in plan.faults(&Definitions::shipped(), &areas) {
        if wrong.iter().all(|w| w.field != fault.field) {
            wrong.push(fault);
        }
    }
    // One figure, one goal: two tests of one figure would be told apart by nobody.
    if let Some((indicator, _)) = plan.target() {
        let goals = app.store().goals(id).await?;
        let others = goals.iter().filter(|g| g.ended.is_none() && Some(&g.id) != but);
        let taken = others.filter_map(|g| g.current()?.plan.target()).any(|(other, _)| other == indicator);
        if taken {
            wrong.push(PlanFault { field: "yardstick", problem: "taken" });
        }
    }
    Ok((plan, wrong))
}

async fn create(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(form): Form<GoalForm>,
) -> Result<Response, PageError> {
    let (plan, wrong) = judge(&app, &staff, &form, None).await?;
    if !wrong.is_empty() {
        return render(&app, &visit, &staff, None, form, &wrong).await;
    }
    let id = app.store().create_goal(&staff.municipality.id, &plan, &form.since, app.now()).await?;
    staff.did(&app, "goal.created", id.as_str(), "").await?;
    Ok(saved(&staff))
}

async fn find(app: &App, staff: &Staff, goal: &str) -> Result<OwnGoal, PageError> {
    let goals = app.store().goals(&staff.municipality.id).await?;
    goals.into_iter().find(|g| g.id.as_str() == goal).ok_or(PageError::NotFound)
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, goal)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let goal = find(&app, &staff, &goal).await?;
    let plan = &goal.current().ok_or(PageError::NotFound)?.plan;
    let form = GoalForm::of(plan, staff.municipality.settings.language, &today(&app, &staff));
    render(&app, &visit, &staff, Some(&goal), form, &[]).await
}

async fn change(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, goal)): Path<(String, String)>,
    Form(form): Form<GoalForm>,
) -> Result<Response, PageError> {
    let goal = find(&app, &staff, &goal).await?;
    let (plan, mut wrong) = judge(&app, &staff, &form, Some(&goal.id)).await?;
    if goal.current().is_some_and(|v| form.since < v.since) && wrong.iter().all(|w| w.field != "since") {
        wrong.push(PlanFault { field: "since", problem: "order" });
    }
    if form.note.trim().is_empty() {
        wrong.push(PlanFault { field: "note", problem: "missing" });
    }
    if !wrong.is_empty() {
        return render(&app, &visit, &staff, Some(&goal), form, &wrong).await;
    }
    let id = &staff.municipality.id;
    app.store().change_goal(id, &goal.id, &plan, &form.since, form.note.trim(), app.now()).await?;
    staff.did(&app, "goal.changed", goal.id.as_str(), form.note.trim()).await?;
    Ok(saved(&staff))
}

async fn end(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, goal)): Path<(String, String)>,
    Form(form): Form<GoalForm>,
) -> Result<Response, PageError> {
    let goal = find(&app, &staff, &goal).await?;
    if form.sure != "yes" {
        let plan = &goal.current().ok_or(PageError::NotFound)?.plan;
        let again = GoalForm::of(plan, staff.municipality.settings.language, &today(&app, &staff));
        let wrong = [PlanFault { field: "sure", problem: "missing" }];
        return render(&app, &visit, &staff, Some(&goal), again, &wrong).await;
    }
    app.store().end_goal(&staff.municipality.id, &goal.id, &today(&app, &staff)).await?;
    staff.did(&app, "goal.ended", goal.id.as_str(), "").await?;
    Ok(saved(&staff))
}

fn saved(staff: &Staff) -> Response {
    Redirect::to(&format!("/{}/console/plans?note=saved", staff.municipality.slug)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_and_its_plan_are_the_same() {
        let form = GoalForm {
            text_da: "Flere kender Én indgang".into(),
            yardstick: "indicator:entry_known".into(),
            kind: "reach".into(),
            value: "72,5 %".into(),
            from: "2023".into(),
            by: "2027".into(),
            since: "2023-06-01".into(),
            ..GoalForm::default()
        };
        let (plan, wrong) = form.read(Language::Da);
        assert_eq!(wrong, []);
        let Yardstick::Indicator { goal: Goal::Reach { value }, .. } = plan.yardstick else { panic!("{plan:?}") };
        assert!((value - 0.725).abs() < 1e-12, "typed in percent, kept as a share");
        assert_eq!(plan.text.en, "Flere kender Én indgang", "a language left blank takes the municipality's words");
        let again = GoalForm::of(&plan, Language::Da, "2023-06-01");
        assert_eq!((again.value.as_str(), again.text_en.as_str()), ("72,5", ""));
        let (_, wrong) = GoalForm { value: "mange".into(), since: "i går".into(), ..form }.read(Language::Da);
        let fields: Vec<&str> = wrong.iter().map(|w| w.field).collect();
        assert_eq!(fields, ["value", "since"]);
    }
}
