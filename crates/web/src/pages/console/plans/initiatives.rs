//! Initiatives: who does what, by when, with what, to move which figure; and where they stand.
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::goals::PlanFault;
use domain::indicator::Definitions;
use domain::initiatives::{Initiative, InitiativePlan, InitiativeState, Owner};
use domain::language::Language;
use serde::{Deserialize, Serialize};
use text::EngineError;
use text::standing::StepLine;

use super::{Choice, Fault, area_choices, faults, texts, today, unless_same};
use crate::app::App;
use crate::error::PageError;
use crate::pages::console::{day, sectors};
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/plans/initiatives/new", routing::get(fresh).post(create))
        .route("/{slug}/console/plans/initiatives/{initiative}", routing::get(show).post(change))
        .route("/{slug}/console/plans/initiatives/{initiative}/move", routing::post(shift))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<InitiativePage>(site)
}

/// An initiative's page: its form, where it stands, and its history.
#[derive(Debug, Serialize)]
pub struct InitiativePage {
    /// Navigation.
    pub bar: Bar,
    /// Where it is moved; `None`: it is new.
    pub shift: Option<String>,
    /// The form as it was filled in.
    pub form: InitiativeForm,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Focus areas.
    pub areas: Vec<Choice>,
    /// Indicators.
    pub indicators: Vec<Choice>,
    /// Sectors.
    pub sectors: Vec<Choice>,
    /// States.
    pub states: Vec<Choice>,
    /// Its history, oldest first.
    pub steps: Vec<StepLine>,
}

/// The form of an initiative, and of a move.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InitiativeForm {
    /// Title in Danish.
    pub title_da: String,
    /// Title in Swedish.
    pub title_sv: String,
    /// Title in English.
    pub title_en: String,
    /// What is to be done, in Danish.
    pub description_da: String,
    /// The same in Swedish.
    pub description_sv: String,
    /// The same in English.
    pub description_en: String,
    /// Key of the focus area.
    pub focus_area: String,
    /// `person` or `group`.
    pub owner_kind: String,
    /// Who.
    pub owner: String,
    /// Ids of indicators.
    pub indicators: Vec<String>,
    /// Keys of sectors.
    pub sectors: Vec<String>,
    /// Start.
    pub starts_on: String,
    /// Year by which it shall show.
    pub horizon: String,
    /// Money and hours.
    pub resources: String,
    /// Who backs it.
    pub backing: String,
    /// `yes`.
    pub public: String,
    /// The state.
    pub state: String,
    /// The day of the state.
    pub on: String,
    /// A remark on the move.
    pub note: String,
}

impl Page for InitiativePage {
    const TEMPLATE: &'static str = "console/plan-initiative.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            shift: full.then(|| "/x/move".to_owned()),
            form: InitiativeForm {
                public: if full { "yes".to_owned() } else { String::new() },
                owner_kind: if full { "person".to_owned() } else { "group".to_owned() },
                ..InitiativeForm::default()
            },
            faults: if full {
                vec![Fault { field: "owner".to_owned(), text: "Ansvarlig: mangler".to_owned() }]
            } else {
                Vec::new()
            },
            areas: if full { Choice::samples() } else { Vec::new() },
            indicators: Choice::samples(),
            sectors: Choice::samples(),
            states: Choice::samples(),
            steps: if full {
                let step = |note: &str| StepLine { state: "idea", on: "1. maj 2026".to_owned(), note: note.to_owned() };
                vec![step(""), step("Bevilget.")]
            } else {
                Vec::new()
            },
        };
        vec![page(true), page(false)]
    }
}

impl InitiativeForm {
    fn read(&self, own: Language) -> (InitiativePlan, Vec<PlanFault>) {
        let mut wrong = Vec::new();
        let name = self.owner.trim().to_owned();
        let horizon = self.horizon.trim();
        if !horizon.is_empty() && horizon.parse::<i32>().is_err() {
            wrong.push(PlanFault { field: "horizon", problem: "number" });
        }
        let plan = InitiativePlan {
            title: texts(own, &self.title_da, &self.title_sv, &self.title_en),
            description: texts(own, &self.description_da, &self.description_sv, &self.description_en),
            focus_area: Some(self.focus_area.clone()).filter(|a| !a.is_empty()),
            owner: if self.owner_kind == "person" { Owner::Person { name } } else { Owner::Group { name } },
            indicators: self.indicators.clone(),
            sectors: self.sectors.clone(),
            starts_on: Some(self.starts_on.trim().to_owned()).filter(|d| !d.is_empty()),
            horizon: horizon.parse().ok(),
            resources: self.resources.trim().to_owned(),
            backing: self.backing.trim().to_owned(),
            public: self.public == "yes",
        };
        (plan, wrong)
    }

    fn of(initiative: &Initiative, own: Language, today: &str) -> Self {
        let plan = &initiative.plan;
        Self {
            title_da: unless_same(own, &plan.title, Language::Da),
            title_sv: unless_same(own, &plan.title, Language::Sv),
            title_en: unless_same(own, &plan.title, Language::En),
            description_da: unless_same(own, &plan.description, Language::Da),
            description_sv: unless_same(own, &plan.description, Language::Sv),
            description_en: unless_same(own, &plan.description, Language::En),
            focus_area: plan.focus_area.clone().unwrap_or_default(),
            owner_kind: match plan.owner {
                Owner::Person { .. } => "person".to_owned(),
                Owner::Group { .. } => "group".to_owned(),
            },
            owner: plan.owner.name().to_owned(),
            indicators: plan.indicators.clone(),
            sectors: plan.sectors.clone(),
            starts_on: plan.starts_on.clone().unwrap_or_default(),
            horizon: plan.horizon.map(|y| y.to_string()).unwrap_or_default(),
            resources: plan.resources.clone(),
            backing: plan.backing.clone(),
            public: if plan.public { "yes".to_owned() } else { String::new() },
            state: initiative.state.as_str().to_owned(),
            on: today.to_owned(),
            note: String::new(),
        }
    }

    /// Where it goes and when.
    fn step(&self) -> (Option<InitiativeState>, Vec<PlanFault>) {
        let mut wrong = Vec::new();
        let state = InitiativeState::parse(&self.state);
        if state.is_none() {
            wrong.push(PlanFault { field: "state", problem: "unknown" });
        }
        if self.on.parse::<jiff::civil::Date>().is_err() {
            wrong.push(PlanFault { field: "on", problem: "date" });
        }
        (state, wrong)
    }
}

async fn render(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    initiative: Option<&Initiative>,
    form: InitiativeForm,
    wrong: &[PlanFault],
) -> Result<Response, PageError> {
    let view = app.view(visit).of(&staff.municipality);
    let language = view.language();
    let areas = app.store().focus_areas(&staff.municipality.id).await?;
    let definitions = Definitions::shipped();
    let choice =
        |value: &str, title: &str, chosen: bool| Choice { value: value.to_owned(), title: title.to_owned(), chosen };
    let page = InitiativePage {
        bar: staff.bar("plans"),
        shift: initiative.map(|i| format!("/{}/console/plans/initiatives/{}/move", staff.municipality.slug, i.id)),
        faults: faults(app, language, wrong),
        areas: area_choices(&areas, language, &form.focus_area),
        indicators: definitions
            .indicators
            .iter()
            .map(|i| choice(&i.id, i.title.get(language), form.indicators.contains(&i.id)))
            .collect(),
        sectors: sectors(&staff.municipality, language)
            .iter()
            .map(|(key, title)| choice(key, title, form.sectors.contains(key)))
            .collect(),
        states: InitiativeState::ALL
            .iter()
            .map(|s| {
                let title = app.t(language, &format!("standing.state_{}", s.as_str()), &[]);
                choice(s.as_str(), &title, form.state == s.as_str())
            })
            .collect(),
        steps: initiative
            .map(|i| {
                let line = |s: &domain::initiatives::InitiativeStep| StepLine {
                    state: s.state.as_str(),
                    on: day(language, &s.on),
                    note: s.note.clone(),
                };
                i.history.iter().map(line).collect()
            })
            .unwrap_or_default(),
        form,
    };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    view.status(status).render(&page)
}

async fn judge(app: &App, staff: &Staff, form: &InitiativeForm) -> Result<(InitiativePlan, Vec<PlanFault>), PageError> {
    let own = staff.municipality.settings.language;
    let areas = app.store().focus_areas(&staff.municipality.id).await?;
    let keys: Vec<String> = sectors(&staff.municipality, own).into_iter().map(|(key, _)| key).collect();
    let (plan, mut wrong) = form.read(own);
    wrong.extend(plan.faults(&Definitions::shipped(), &areas, &keys));
    Ok((plan, wrong))
}

async fn fresh(State(app): State<App>, visit: Visit, Analyst(staff): Analyst) -> Result<Response, PageError> {
    let form = InitiativeForm {
        owner_kind: "group".to_owned(),
        state: "idea".to_owned(),
        on: today(&app, &staff),
        ..InitiativeForm::default()
    };
    render(&app, &visit, &staff, None, form, &[]).await
}

async fn create(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(form): Form<InitiativeForm>,
) -> Result<Response, PageError> {
    let (plan, mut wrong) = judge(&app, &staff, &form).await?;
    let (state, more) = form.step();
    wrong.extend(more);
    let (Some(state), true) = (state, wrong.is_empty()) else {
        return render(&app, &visit, &staff, None, form, &wrong).await;
    };
    let id = app.store().create_initiative(&staff.municipality.id, &plan, state, &form.on, app.now()).await?;
    staff.did(&app, "initiative.created", id.as_str(), "").await?;
    Ok(saved(&staff))
}

async fn find(app: &App, staff: &Staff, id: &str) -> Result<Initiative, PageError> {
    let all = app.store().initiatives(&staff.municipality.id).await?;
    all.into_iter().find(|i| i.id.as_str() == id).ok_or(PageError::NotFound)
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let initiative = find(&app, &staff, &id).await?;
    let form = InitiativeForm::of(&initiative, staff.municipality.settings.language, &today(&app, &staff));
    render(&app, &visit, &staff, Some(&initiative), form, &[]).await
}

async fn change(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, id)): Path<(String, String)>,
    Form(form): Form<InitiativeForm>,
) -> Result<Response, PageError> {
    let initiative = find(&app, &staff, &id).await?;
    let (plan, wrong) = judge(&app, &staff, &form).await?;
    if !wrong.is_empty() {
        return render(&app, &visit, &staff, Some(&initiative), form, &wrong).await;
    }
    app.store().update_initiative(&staff.municipality.id, &initiative.id, &plan, app.now()).await?;
    staff.did(&app, "initiative.changed", initiative.id.as_str(), "").await?;
    Ok(saved(&staff))
}

async fn shift(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, id)): Path<(String, String)>,
    Form(form): Form<InitiativeForm>,
) -> Result<Response, PageError> {
    let initiative = find(&app, &staff, &id).await?;
    let (state, mut wrong) = form.step();
    if initiative.history.last().is_some_and(|s| form.on < s.on) && wrong.is_empty() {
        wrong.push(PlanFault { field: "on", problem: "order" });
    }
    let (Some(state), true) = (state, wrong.is_empty()) else {
        let own = staff.municipality.settings.language;
        let again =
            InitiativeForm { state: form.state, note: form.note, ..InitiativeForm::of(&initiative, own, &form.on) };
        return render(&app, &visit, &staff, Some(&initiative), again, &wrong).await;
    };
    let id = &staff.municipality.id;
    app.store().move_initiative(id, &initiative.id, state, &form.on, form.note.trim(), app.now()).await?;
    staff.did(&app, "initiative.moved", initiative.id.as_str(), state.as_str()).await?;
    Ok(saved(&staff))
}

fn saved(staff: &Staff) -> Response {
    Redirect::to(&format!("/{}/console/plans?note=saved", staff.municipality.slug)).into_response()
}
