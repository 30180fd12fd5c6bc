//! A draft of a publication: chosen, worded, looked at as the committee will see it, frozen.
use std::collections::BTreeSet;

use axum::extract::{Path, Query, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::ids::PublicationId;
use domain::initiatives::Standing;
use domain::language::Language;
use domain::publishing::Choice;
use domain::time::Millis;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::publishing::{Draft, DraftWords};
use store::results::{Publication, PublicationInfo};
use text::{EngineError, format};

use crate::app::App;
use crate::error::PageError;
use crate::pages::committee::{self, Edition};
use crate::pages::compare;
use crate::pages::signin::{Analyst, Bar, Note, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Letters of a title, of the note, of the foreword, of the remark: more is refused, not cut.
const LONGEST: [usize; 4] = [120, 500, 4000, 2000];

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/publications/drafts/{year}", routing::get(show).post(save))
        .route("/{slug}/console/publications/drafts/{year}/discard", routing::post(discard))
        .route("/{slug}/console/publications/drafts/{year}/preview", routing::get(preview))
        .route("/{slug}/console/publications/drafts/{year}/preview/method", routing::get(method))
        .route("/{slug}/console/publications/drafts/{year}/preview/compare", routing::get(comparison))
        .route("/{slug}/console/publications/drafts/{year}/preview/charts/{chart}", routing::get(chart))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<DraftPage>(site)
}

/// `GET /{slug}/console/publications/drafts/{year}`
#[derive(Debug, Serialize)]
pub struct DraftPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub done: Option<&'static str>,
    /// Address of this page.
    pub href: String,
    /// Year.
    pub year: i32,
    /// The version it will be.
    pub version: i64,
    /// The form.
    pub form: DraftForm,
    /// When its figures were computed, in milliseconds.
    pub made_at: i64,
    /// Answers, quotes or publications are others than when it was computed.
    pub stale: bool,
    /// Figures that are not shown since too few answers moved them.
    pub blanked: u64,
    /// The indicators.
    pub indicators: Vec<Tick>,
    /// The breakdowns.
    pub breakdowns: Vec<Tick>,
    /// What businesses write; `None`: nothing was coded.
    pub themes: Option<bool>,
    /// Goals that rest on an indicator that is not chosen.
    pub goals: Vec<String>,
    /// What is wrong, by field.
    pub faults: Vec<Fault>,
}

/// The form of a draft.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DraftForm {
    /// Title.
    #[serde(default)]
    pub title: String,
    /// What changed since the version before.
    #[serde(default)]
    pub note: String,
    /// The foreword.
    #[serde(default)]
    pub foreword: String,
    /// The remark on the method.
    #[serde(default)]
    pub remark: String,
    /// Ids of the indicators.
    #[serde(default)]
    pub indicator: Vec<String>,
    /// Names of the breakdowns.
    #[serde(default)]
    pub breakdown: Vec<String>,
    /// Shares of themes.
    #[serde(default)]
    pub themes: String,
    /// The draft as it was seen.
    #[serde(default)]
    pub seen: i64,
    /// "I know that it cannot be taken back."
    #[serde(default)]
    pub sure: String,
    /// `preview`, `freeze`; else it is saved.
    #[serde(default)]
    pub go: String,
}

/// Something to be chosen.
#[derive(Debug, Serialize)]
pub struct Tick {
    /// Value.
    pub value: String,
    /// Title.
    pub title: String,
    /// It is chosen.
    pub chosen: bool,
    /// One of the few that open the report.
    pub headline: bool,
}

/// What is wrong with a field.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// The field's id.
    pub field: &'static str,
    /// Key of what is wrong.
    pub key: &'static str,
    /// Letters that it may have, where that is what is wrong.
    pub most: usize,
}

impl Page for DraftPage {
    const TEMPLATE: &'static str = "console/publication_draft.html";

    fn samples() -> Vec<Self> {
        let tick = |headline| Tick {
            value: "nki".to_owned(),
            title: "Tilfredshedsindeks".to_owned(),
            chosen: headline,
            headline,
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            done: if full { Note::Saved.key() } else { None },
            href: "/hojager/console/publications/drafts/2026".to_owned(),
            year: 2026,
            version: if full { 2 } else { 1 },
            form: DraftForm { title: "2026-målingen".to_owned(), sure: "yes".to_owned(), ..DraftForm::default() },
            made_at: 1_790_000_000_000,
            stale: full,
            blanked: u64::from(full) * 3,
            indicators: vec![tick(true), tick(false)],
            breakdowns: if full { vec![tick(true), tick(false)] } else { Vec::new() },
            themes: full.then_some(true),
            goals: if full { vec!["Flere tilfredse".to_owned()] } else { Vec::new() },
            faults: if full {
                FIELDS.into_iter().map(|field| Fault { field, key: "publish.fault_title", most: 120 }).collect()
            } else {
                Vec::new()
            },
        };
        vec![page(true), page(false)]
    }
}

/// Fields that can be wrong.
const FIELDS: [&str; 7] = ["title", "note", "foreword", "remark", "indicators", "sure", "seen"];

fn chosen(form: &DraftForm) -> Choice {
    Choice {
        indicators: form.indicator.iter().cloned().collect(),
        breakdowns: form.breakdown.iter().cloned().collect(),
        themes: form.themes == "yes",
    }
}

/// The form of a draft as it is kept.
fn form_of(draft: &Draft) -> DraftForm {
    DraftForm {
        title: draft.title.clone(),
        note: draft.note.clone(),
        foreword: draft.foreword.clone(),
        remark: draft.remark.clone(),
        indicator: draft.choice.indicators.iter().cloned().collect(),
        breakdown: draft.choice.breakdowns.iter().cloned().collect(),
        themes: if draft.choice.themes { "yes".to_owned() } else { String::new() },
        seen: draft.updated_at.0,
        ..DraftForm::default()
    }
}

async fn page(
    app: &App,
    staff: &Staff,
    language: Language,
    draft: &Draft,
    form: DraftForm,
    faults: Vec<Fault>,
) -> Result<DraftPage, PageError> {
    let id = &staff.municipality.id;
    let choice = chosen(&form);
    let tick = |value: &String, title: &str, chosen, headline| Tick {
        value: value.clone(),
        title: title.to_owned(),
        chosen,
        headline,
    };
    let indicators = draft.whole.indicators.iter();
    let breakdowns = draft.whole.breakdowns.iter();
    let standing = Standing::of_extra(&draft.extra).unwrap_or_default();
    let left_out: BTreeSet<&str> =
        draft.whole.indicators.iter().map(|i| i.id.as_str()).filter(|i| !choice.indicators.contains(*i)).collect();
    let plans = standing.goals.iter().filter_map(|goal| Some(&goal.current()?.plan));
    let rests = plans.filter(|plan| plan.target().is_some_and(|(id, _)| left_out.contains(id)));
    Ok(DraftPage {
        bar: staff.bar("publications"),
        done: None,
        href: href(staff, draft.year),
        year: draft.year,
        version: next_version(app, staff, draft.year).await?,
        made_at: draft.made_at.0,
        stale: draft.material != app.store().material(id, draft.year).await?,
        blanked: draft.kept.blanked,
        indicators: indicators
            .map(|i| tick(&i.id, i.title.get(language), choice.indicators.contains(&i.id), i.headline))
            .collect(),
        breakdowns: breakdowns
            .map(|b| tick(&b.domain, b.title.get(language), choice.breakdowns.contains(&b.domain), false))
            .collect(),
        themes: draft.whole.insight.themes.as_ref().map(|_| choice.themes),
        goals: rests.map(|plan| plan.text.get(language).to_owned()).collect(),
        form,
        faults,
    })
}

fn href(staff: &Staff, year: i32) -> String {
    format!("/{}/console/publications/drafts/{year}", staff.municipality.slug)
}

async fn next_version(app: &App, staff: &Staff, year: i32) -> Result<i64, PageError> {
    let all = app.store().publications(&staff.municipality.id).await?;
    Ok(all.iter().filter(|p| p.year == year).map(|p| p.version).max().unwrap_or(0) + 1)
}

async fn draft_of(app: &App, staff: &Staff, year: &str) -> Result<Draft, PageError> {
    let year = year.parse().map_err(|_| PageError::NotFound)?;
    Ok(app.store().publication_draft(&staff.municipality.id, year).await?)
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    note: Note,
    Path((_, year)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let draft = draft_of(&app, &staff, &year).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let page = page(&app, &staff, view.language(), &draft, form_of(&draft), Vec::new()).await?;
    view.render(&DraftPage { done: note.key(), ..page })
}

/// What is wrong with the form as it stands.
fn faults(draft: &Draft, form: &DraftForm, version: i64) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut say = |field, key, most| faults.push(Fault { field, key, most });
    let fields = [("title", &form.title), ("note", &form.note), ("foreword", &form.foreword), ("remark", &form.remark)];
    for ((field, words), most) in fields.into_iter().zip(LONGEST) {
        if words.trim().chars().count() > most {
            say(field, "publish.fault_long", most);
        }
    }
    if form.title.trim().is_empty() {
        say("title", "publish.fault_title", 0);
    }
    if chosen(form).is_empty(&draft.whole) {
        say("indicators", "publish.fault_nothing", 0);
    }
    if form.go == "freeze" {
        if version > 1 && form.note.trim().is_empty() {
            say("note", "console.publish_no_note", 0);
        }
        if form.sure != "yes" {
            say("sure", "console.publish_not_sure", 0);
        }
    }
    faults
}

async fn save(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year)): Path<(String, String)>,
    Form(form): Form<DraftForm>,
) -> Result<Response, PageError> {
    let draft = draft_of(&app, &staff, &year).await?;
    let (id, now) = (&staff.municipality.id, app.now());
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let mut wrong = faults(&draft, &form, next_version(&app, &staff, draft.year).await?);
    if wrong.is_empty() {
        let choice = chosen(&form);
        let words = DraftWords {
            title: form.title.trim(),
            note: form.note.trim(),
            foreword: form.foreword.trim(),
            remark: form.remark.trim(),
            choice: &choice,
        };
        if app.store().word_draft(id, draft.year, &words, Millis(form.seen), now).await? {
            return match form.go.as_str() {
                "preview" => Ok(Redirect::to(&format!("{}/preview", href(&staff, draft.year))).into_response()),
                "freeze" => freeze(&app, &staff, draft.year, now).await,
                _ => Ok(Redirect::to(&format!("{}?note=saved", href(&staff, draft.year))).into_response()),
            };
        }
        wrong.push(Fault { field: "seen", key: "publish.fault_changed", most: 0 });
    }
    let form = DraftForm { seen: draft.updated_at.0, ..form };
    let page = page(&app, &staff, language, &draft, form, wrong).await?;
    view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page)
}

/// Publishes what was saved at `seen`.
async fn freeze(app: &App, staff: &Staff, year: i32, seen: Millis) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let now = app.now();
    let date = now.date_in(&format::zone(&staff.municipality.settings.time_zone)).to_string();
    match app.store().freeze_draft(id, year, &date, seen, now).await {
        Ok(info) => {
            let version = format!("{} version {}", info.year, info.version);
            staff.did(app, "publication.created", info.id.as_str(), &version).await?;
            Ok(Redirect::to(&format!("/{}/committee/{}", staff.municipality.slug, info.id)).into_response())
        }
        // The page says what is out of date, and how to go on.
        Err(StoreError::State(_)) => Ok(Redirect::to(&href(staff, year)).into_response()),
        Err(error) => Err(error.into()),
    }
}

async fn discard(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, year)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let year: i32 = year.parse().map_err(|_| PageError::NotFound)?;
    app.store().drop_draft(&staff.municipality.id, year).await?;
    staff.did(&app, "publication.discarded", "", &year.to_string()).await?;
    Ok(Redirect::to(&format!("/{}/console/publications", staff.municipality.slug)).into_response())
}

/// The draft as the publication that it would be today.
async fn edition(app: &App, staff: &Staff, year: &str) -> Result<Edition, PageError> {
    let draft = draft_of(app, staff, year).await?;
    let date = app.now().date_in(&format::zone(&staff.municipality.settings.time_zone)).to_string();
    let info = PublicationInfo {
        id: PublicationId(String::new()),
        year: draft.year,
        version: next_version(app, staff, draft.year).await?,
        date,
        title: draft.title.clone(),
        note: draft.note.clone(),
        created_at: draft.made_at,
    };
    let back = href(staff, draft.year);
    Ok(Edition {
        publication: Publication { info, report: draft.choice.cut(&draft.whole), extra: draft.frozen_extra() },
        href: format!("{back}/preview"),
        preview: Some(back),
    })
}

async fn preview(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year)): Path<(String, String)>,
    Query(choice): Query<committee::Choice>,
) -> Result<Response, PageError> {
    committee::year_page(&app, &visit, &staff, &edition(&app, &staff, &year).await?, &choice).await
}

async fn method(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year)): Path<(String, String)>,
) -> Result<Response, PageError> {
    committee::method_page(&app, &visit, &staff, &edition(&app, &staff, &year).await?).await
}

async fn comparison(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    compare::compare_page(&app, &visit, &staff, &edition(&app, &staff, &year).await?, query.as_deref()).await
}

async fn chart(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year, chart)): Path<(String, String, String)>,
    Query(choice): Query<committee::Choice>,
) -> Result<Response, PageError> {
    committee::chart_file(&app, &visit, &staff, &edition(&app, &staff, &year).await?, &chart, &choice).await
}
