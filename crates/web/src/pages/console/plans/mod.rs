//! Goals, initiatives and focus areas as the analyst keeps them, and statuses between rounds.
//!
//! # Layout
//! - this module: the overview, and publishing a status
//! - [`areas`]: focus areas; [`goals`]: goals in versions; [`initiatives`]: initiatives and their history
pub mod areas;
pub mod goals;
pub mod initiatives;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::focus::FocusArea;
use domain::goals::PlanFault;
use domain::language::{Language, Texts};
use serde::{Deserialize, Serialize};
use text::EngineError;
use text::format;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::day;
use crate::pages::signin::{Analyst, Bar, Note, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/plans", routing::get(show))
        .route("/{slug}/console/plans/status", routing::post(publish))
        .merge(areas::routes())
        .merge(goals::routes())
        .merge(initiatives::routes())
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<PlansPage>(site)?;
    areas::check(templates, site)?;
    goals::check(templates, site)?;
    initiatives::check(templates, site)
}

/// What is wrong with a field of a form.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// Name of the field.
    pub field: String,
    /// What people call it, and what is wrong.
    pub text: String,
}

/// Faults in words.
fn faults(app: &App, language: Language, faults: &[PlanFault]) -> Vec<Fault> {
    let one = |fault: &PlanFault| Fault {
        field: fault.field.to_owned(),
        text: format!(
            "{}: {}",
            app.t(language, &format!("plans.field_{}", fault.field), &[]),
            app.t(language, &format!("plans.fault_{}", fault.problem), &[])
        ),
    };
    faults.iter().map(one).collect()
}

/// A text in up to three languages: what is blank takes the words of the municipality's language.
fn texts(own: Language, da: &str, sv: &str, en: &str) -> Texts {
    let main = match own {
        Language::Da => da,
        Language::Sv => sv,
        Language::En => en,
    };
    let filled = |text: &str| if text.trim().is_empty() { main.trim().to_owned() } else { text.trim().to_owned() };
    Texts { da: filled(da), sv: filled(sv), en: filled(en) }
}

/// The text of a language for a form: blank where it only repeats the municipality's language.
fn unless_same(own: Language, texts: &Texts, language: Language) -> String {
    let text = texts.get(language);
    if language != own && text == texts.get(own) { String::new() } else { text.to_owned() }
}

/// Something to choose.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    /// Its value in the form.
    pub value: String,
    /// What people read.
    pub title: String,
    /// It is chosen.
    pub chosen: bool,
}

impl Choice {
    /// Choices for the check at start.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        let one = |value: &str, chosen| Self { value: value.to_owned(), title: "Service".to_owned(), chosen };
        vec![one("service", true), one("", false)]
    }
}

fn area_choices(areas: &[FocusArea], language: Language, chosen: &str) -> Vec<Choice> {
    let one = |a: &FocusArea| Choice {
        value: a.key.clone(),
        title: a.title.get(language).to_owned(),
        chosen: a.key == chosen,
    };
    areas.iter().map(one).collect()
}

/// Today at the municipality, `yyyy-mm-dd`.
fn today(app: &App, staff: &Staff) -> String {
    app.now().date_in(&format::zone(&staff.municipality.settings.time_zone)).to_string()
}

/// `GET /{slug}/console/plans`
#[derive(Debug, Serialize)]
pub struct PlansPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// Focus areas in their order.
    pub areas: Vec<String>,
    /// Goals, the ended ones last.
    pub goals: Vec<PlanLine>,
    /// Initiatives by state.
    pub initiatives: Vec<PlanLine>,
    /// Statuses, newest first.
    pub statuses: Vec<PlanLine>,
    /// A status can be published: there are figures that it can speak of.
    pub can_publish: bool,
    /// The form as it was filled in.
    pub form: StatusForm,
    /// What is wrong with it: key of a message.
    pub fault: Option<&'static str>,
}

/// A goal, initiative or status in a list.
#[derive(Debug, Serialize)]
pub struct PlanLine {
    /// Its page.
    pub href: String,
    /// Title.
    pub title: String,
    /// Beside it.
    pub text: String,
    /// Key of its state: `standing.state_…`, or empty.
    pub state: String,
}

/// The form of a status.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StatusForm {
    /// Title.
    #[serde(default)]
    pub title: String,
    /// The author's words.
    #[serde(default)]
    pub note: String,
    /// "I know that it cannot be taken back."
    #[serde(default)]
    pub sure: String,
}

impl Page for PlansPage {
    const TEMPLATE: &'static str = "console/plans.html";

    fn samples() -> Vec<Self> {
        let line = |state: &str| PlanLine {
            href: "/x".to_owned(),
            title: "Én indgang".to_owned(),
            text: "Service".to_owned(),
            state: state.to_owned(),
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            note: if full { Note::Created.key() } else { None },
            areas: if full { vec!["Service".to_owned()] } else { Vec::new() },
            goals: if full { vec![line("")] } else { Vec::new() },
            initiatives: if full { vec![line("standing.state_active")] } else { Vec::new() },
            statuses: if full { vec![line("")] } else { Vec::new() },
            can_publish: full,
            form: StatusForm::default(),
            fault: full.then_some("plans.status_not_sure"),
        };
        vec![page(true), page(false)]
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    note: Note,
) -> Result<Response, PageError> {
    let page = page(&app, &visit, &staff, StatusForm::default(), None, note.key()).await?;
    app.view(&visit).of(&staff.municipality).render(&page)
}

async fn page(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    form: StatusForm,
    fault: Option<&'static str>,
    note: Option<&'static str>,
) -> Result<PlansPage, PageError> {
    let language = app.view(visit).of(&staff.municipality).language();
    let (id, slug) = (&staff.municipality.id, &staff.municipality.slug);
    let areas = app.store().focus_areas(id).await?;
    let area = |key: Option<&str>| {
        let found = areas.iter().find(|a| Some(a.key.as_str()) == key);
        found.map(|a| a.title.get(language).to_owned()).unwrap_or_default()
    };
    let mut goals = app.store().goals(id).await?;
    goals.sort_by_key(|g| g.ended.is_some());
    let goal = |g: &domain::goals::OwnGoal| {
        let plan = &g.current()?.plan;
        let ended = g.ended.as_deref().map(|on| app.t(language, "plans.ended", &[("date", day(language, on).into())]));
        Some(PlanLine {
            href: format!("/{slug}/console/plans/goals/{}", g.id),
            title: plan.text.get(language).to_owned(),
            text: ended.unwrap_or_else(|| format!("{}–{}", plan.from, plan.by)),
            state: String::new(),
        })
    };
    let mut initiatives = app.store().initiatives(id).await?;
    initiatives.sort_by_key(|i| i.state);
    let initiative = |i: &domain::initiatives::Initiative| PlanLine {
        href: format!("/{slug}/console/plans/initiatives/{}", i.id),
        title: i.plan.title.get(language).to_owned(),
        text: area(i.plan.focus_area.as_deref()),
        state: format!("standing.state_{}", i.state.as_str()),
    };
    let status = |s: store::initiatives::StatusInfo| PlanLine {
        href: format!("/{slug}/committee/status/{}", s.id),
        text: day(language, &s.date),
        title: s.title,
        state: String::new(),
    };
    let statuses = app.store().statuses(id).await?;
    Ok(PlansPage {
        bar: staff.bar("plans"),
        note,
        areas: areas.iter().map(|a| a.title.get(language).to_owned()).collect(),
        goals: goals.iter().filter_map(goal).collect(),
        initiatives: initiatives.iter().map(initiative).collect(),
        statuses: statuses.into_iter().map(status).collect(),
        can_publish: !app.store().publications(id).await?.is_empty(),
        form,
        fault,
    })
}

/// Freezes what is wanted and done today as a status, beside the newest figures.
async fn publish(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(form): Form<StatusForm>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let newest = app.store().publications(id).await?.into_iter().next();
    let fault = match &newest {
        None => Some("plans.status_no_figures"),
        Some(_) if form.title.trim().is_empty() => Some("plans.status_no_title"),
        Some(_) if form.sure != "yes" => Some("plans.status_not_sure"),
        Some(_) => None,
    };
    let (Some(newest), None) = (newest, fault) else {
        let page = page(&app, &visit, &staff, form, fault, None).await?;
        return app.view(&visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    };
    let threshold = staff.municipality.settings.threshold.max(5);
    let standing = app.store().standing(id, &today(&app, &staff), threshold).await?;
    let status =
        app.store().publish_status(id, &newest.id, form.title.trim(), form.note.trim(), &standing, app.now()).await?;
    staff.did(&app, "status.published", status.as_str(), form.title.trim()).await?;
    Ok(Redirect::to(&format!("/{}/committee/status/{status}", staff.municipality.slug)).into_response())
}
