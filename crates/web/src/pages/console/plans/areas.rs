//! Focus areas: the municipality's own, each under a shared theme.
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::focus::{FocusArea, FocusSet};
use domain::language::Language;
use domain::questionnaire::{QuestionKind, shipped};
use serde::{Deserialize, Serialize};
use text::EngineError;

use super::{Choice, texts, unless_same};
use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Empty rows offered below those that are there.
const SPARE: usize = 3;
/// Most focus areas; more are no focus.
const MOST: usize = 20;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/{slug}/console/plans/areas", routing::get(show).post(save))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<AreasPage>(site)
}

/// `GET /{slug}/console/plans/areas`
#[derive(Debug, Serialize)]
pub struct AreasPage {
    /// Navigation.
    pub bar: Bar,
    /// The rows of the form.
    pub rows: Vec<AreaRow>,
    /// Sets that ship, to begin with.
    pub sets: Vec<Choice>,
    /// What is wrong: key of a message.
    pub fault: Option<&'static str>,
}

/// A row of the form.
#[derive(Debug, Serialize)]
pub struct AreaRow {
    /// Its number, from 1.
    pub number: usize,
    /// Key; empty for a new one.
    pub key: String,
    /// Danish.
    pub da: String,
    /// Swedish.
    pub sv: String,
    /// English.
    pub en: String,
    /// The shared themes.
    pub themes: Vec<Choice>,
}

impl Page for AreasPage {
    const TEMPLATE: &'static str = "console/plan-areas.html";

    fn samples() -> Vec<Self> {
        let row = AreaRow {
            number: 1,
            key: "service".to_owned(),
            da: "Service".to_owned(),
            sv: String::new(),
            en: String::new(),
            themes: Choice::samples(),
        };
        vec![
            Self {
                bar: Bar::sample(true),
                rows: vec![row],
                sets: Choice::samples(),
                fault: Some("plans.areas_in_use"),
            },
            Self { bar: Bar::sample(true), rows: Vec::new(), sets: Vec::new(), fault: None },
        ]
    }
}

/// The form: lists of equal length, one entry per row.
#[derive(Debug, Default, Deserialize)]
struct AreasForm {
    #[serde(default)]
    key: Vec<String>,
    #[serde(default)]
    da: Vec<String>,
    #[serde(default)]
    sv: Vec<String>,
    #[serde(default)]
    en: Vec<String>,
    #[serde(default)]
    theme: Vec<String>,
}

#[derive(Deserialize)]
struct Begin {
    #[serde(default)]
    set: String,
}

/// The shared themes: the options of the question on priorities.
fn themes(language: Language, chosen: &str) -> Vec<Choice> {
    let form = shipped();
    let Some(QuestionKind::Multiple { options, .. }) = form.question("priorities").map(|q| &q.kind) else {
        return Vec::new();
    };
    let one = |o: &domain::questionnaire::Choice| Choice {
        value: o.code.clone(),
        title: o.text.get(language).to_owned(),
        chosen: o.code == chosen,
    };
    options.iter().filter(|o| !o.exclusive).map(one).collect()
}

fn render(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    areas: &[FocusArea],
    fault: Option<&'static str>,
) -> Result<Response, PageError> {
    let view = app.view(visit).of(&staff.municipality);
    let (language, own) = (view.language(), staff.municipality.settings.language);
    let empty = FocusArea { key: String::new(), title: domain::language::Texts::same(""), theme: String::new() };
    let all = areas.iter().chain(std::iter::repeat_n(&empty, SPARE)).take(MOST);
    let row = |(number, area): (usize, &FocusArea)| AreaRow {
        number,
        key: area.key.clone(),
        da: unless_same(own, &area.title, Language::Da),
        sv: unless_same(own, &area.title, Language::Sv),
        en: unless_same(own, &area.title, Language::En),
        themes: themes(language, &area.theme),
    };
    let set = |s: &FocusSet| Choice { value: s.key.clone(), title: s.source.clone(), chosen: false };
    let page = AreasPage {
        bar: staff.bar("plans"),
        rows: (1..).zip(all).map(row).collect(),
        sets: if areas.is_empty() { FocusSet::shipped().iter().map(set).collect() } else { Vec::new() },
        fault,
    };
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    view.status(status).render(&page)
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(begin): Query<Begin>,
) -> Result<Response, PageError> {
    let mut areas = app.store().focus_areas(&staff.municipality.id).await?;
    if let Some(set) = FocusSet::shipped().iter().find(|s| areas.is_empty() && s.key == begin.set) {
        areas.clone_from(&set.areas);
    }
    render(&app, &visit, &staff, &areas, None)
}

async fn save(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(form): Form<AreasForm>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let own = staff.municipality.settings.language;
    let at = |list: &[String], i: usize| list.get(i).cloned().unwrap_or_default();
    let mut areas: Vec<FocusArea> = Vec::new();
    for i in 0..form.da.len().min(MOST) {
        let title = texts(own, &at(&form.da, i), &at(&form.sv, i), &at(&form.en, i));
        if title.get(own).is_empty() {
            continue;
        }
        let known = at(&form.key, i);
        let key = if known.is_empty() { new_key(title.get(own), &areas) } else { known };
        areas.push(FocusArea { key, title, theme: at(&form.theme, i) });
    }
    let known_themes = themes(own, "");
    let unknown = areas.iter().any(|a| known_themes.iter().all(|t| t.value != a.theme));
    let keeps = |key: &Option<String>| key.as_ref().is_none_or(|key| areas.iter().any(|a| a.key == *key));
    let goals = app.store().goals(id).await?;
    let initiatives = app.store().initiatives(id).await?;
    let in_use =
        goals.iter().filter(|g| g.ended.is_none()).filter_map(|g| g.current()).all(|v| keeps(&v.plan.focus_area))
            && initiatives.iter().all(|i| keeps(&i.plan.focus_area));
    if unknown {
        return render(&app, &visit, &staff, &areas, Some("plans.areas_theme"));
    }
    if !in_use {
        return render(&app, &visit, &staff, &areas, Some("plans.areas_in_use"));
    }
    app.store().set_focus_areas(id, &areas).await?;
    staff.did(&app, "focus_areas.saved", "", &areas.len().to_string()).await?;
    Ok(Redirect::to(&format!("/{}/console/plans?note=saved", staff.municipality.slug)).into_response())
}

/// A key for a new area: the letters and digits of its title, with a number where that is taken.
fn new_key(title: &str, taken: &[FocusArea]) -> String {
    let plain: String = title
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'æ' | 'ä' => 'a',
            'ø' | 'ö' => 'o',
            'å' => 'a',
            c if c.is_ascii_alphanumeric() => c,
            _ => '-',
        })
        .collect();
    let plain = plain.split('-').filter(|p| !p.is_empty()).collect::<Vec<_>>().join("-");
    let plain: String = plain.chars().take(40).collect();
    let free = |key: &String| taken.iter().all(|a| a.key != *key);
    let numbered = (2..).map(|n| format!("{plain}-{n}"));
    std::iter::once(plain.clone()).chain(numbered).find(free).unwrap_or(plain)
}
