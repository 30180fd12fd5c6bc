//! What is published, what is about to be, and papers: a draft is computed, worded and looked at before it is frozen.
pub mod draft;

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::fieldwork::RoundState;
use domain::ids::PublicationId;
use domain::language::Language;
use serde::{Deserialize, Serialize};
use store::jobs::{Job, JobState};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::day;
use crate::pages::console::jobs::{JobLine, PAPERS, PaperLink, paper_links};
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/publications", routing::get(show).post(order))
        .route("/{slug}/console/publications/{publication}/report", routing::post(paper))
        .merge(draft::routes())
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<PublicationsPage>(site)?;
    draft::check(templates, site)
}

/// `GET /{slug}/console/publications`
#[derive(Debug, Serialize)]
pub struct PublicationsPage {
    /// Navigation.
    pub bar: Bar,
    /// Publications, newest first.
    pub publications: Vec<PublicationLine>,
    /// Drafts, newest year first.
    pub drafts: Vec<DraftLine>,
    /// A year of the list has been published: how its figures are made is asked for.
    pub corrects: bool,
    /// Years whose rounds are closed, newest first.
    pub years: Vec<i32>,
    /// Analyses that wait, run or failed last.
    pub jobs: Vec<JobLine>,
    /// The form as it was filled in.
    pub form: PublishForm,
    /// What is wrong with it: key of a message.
    pub fault: Option<&'static str>,
}

/// The form that asks for a draft.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PublishForm {
    /// Year.
    #[serde(default)]
    pub year: String,
    /// `before`: figures as they were published; else they are computed.
    #[serde(default)]
    pub figures: String,
}

/// A draft in the list.
#[derive(Debug, Serialize)]
pub struct DraftLine {
    /// Its page.
    pub href: String,
    /// Title.
    pub title: String,
    /// When its figures were computed, in milliseconds.
    pub at: i64,
}

/// A publication in the list.
#[derive(Debug, Serialize)]
pub struct PublicationLine {
    /// Its page for the committee.
    pub href: String,
    /// Where a paper is ordered.
    pub report_href: String,
    /// The papers in this language, where they were made already.
    pub papers: Vec<PaperLink>,
    /// Not all of them are there: they can be ordered.
    pub incomplete: bool,
    /// Title.
    pub title: String,
    /// Year.
    pub year: i32,
    /// Version within the year.
    pub version: i64,
    /// Date, in words.
    pub date: String,
    /// What changed.
    pub note: String,
    /// Where those who answered are thanked: beside the year's latest version.
    pub thanks: Option<String>,
}

impl Page for PublicationsPage {
    const TEMPLATE: &'static str = "console/publications.html";

    fn samples() -> Vec<Self> {
        let line = |version, file: Option<&str>, note: &str| PublicationLine {
            href: "/hojager/committee/1".to_owned(),
            report_href: "/hojager/console/publications/1/report".to_owned(),
            papers: file.map(|href| PaperLink { href: href.to_owned(), name: PAPERS[0].1 }).into_iter().collect(),
            incomplete: file.is_none(),
            title: "2026-målingen".to_owned(),
            year: 2026,
            version,
            date: "1. november 2026".to_owned(),
            note: note.to_owned(),
            thanks: file.map(str::to_owned),
        };
        let full = Self {
            bar: Bar::sample(true),
            publications: vec![line(2, Some("/x"), "Rettet"), line(1, None, "")],
            drafts: vec![DraftLine {
                href: "/x".to_owned(), title: "2026-målingen".to_owned(), at: 1_790_000_000_000
            }],
            corrects: true,
            years: vec![2026, 2025],
            jobs: vec![JobLine::sample()],
            form: PublishForm::default(),
            fault: Some("console.publish_no_year"),
        };
        let empty = Self {
            bar: Bar::sample(true),
            publications: Vec::new(),
            drafts: Vec::new(),
            corrects: false,
            years: Vec::new(),
            jobs: Vec::new(),
            form: PublishForm::default(),
            fault: None,
        };
        vec![full, empty]
    }
}

/// The file of a paper that was set for this publication in this language.
pub(crate) fn paper_of<'a>(jobs: &'a [Job], publication: &PublicationId, language: Language) -> Option<&'a Job> {
    let is = |job: &Job, name: &str, value: &str| job.arguments.get(name).and_then(|v| v.as_str()) == Some(value);
    jobs.iter().find(|job| {
        job.state == JobState::Done
            && is(job, "publication", publication.as_str())
            && is(job, "language", language.tag())
    })
}

async fn page(
    app: &App,
    staff: &Staff,
    language: Language,
    form: PublishForm,
    fault: Option<&'static str>,
) -> Result<PublicationsPage, PageError> {
    let (id, slug) = (&staff.municipality.id, &staff.municipality.slug);
    let papers = app.store().jobs(id, Some("report"), 100).await?;
    let analyses = app.store().jobs(id, Some("draft"), 5).await?;
    let publications = app.store().publications(id).await?;
    let rounds = app.store().rounds(id).await?;
    let latest: BTreeMap<i32, PublicationId> = publications.iter().rev().map(|p| (p.year, p.id.clone())).collect();
    let thanks_of = |p: &store::results::PublicationInfo| {
        let round = rounds.iter().find(|r| r.year == p.year).filter(|_| latest.get(&p.year) == Some(&p.id))?;
        Some(format!("/{slug}/console/rounds/{}/thanks", round.id))
    };
    let made = |p: &PublicationId| paper_of(&papers, p, language).map(|job| paper_links(slug, job)).unwrap_or_default();
    let line = |p: store::results::PublicationInfo| PublicationLine {
        incomplete: made(&p.id).len() < PAPERS.len(),
        papers: made(&p.id),
        href: format!("/{slug}/committee/{}", p.id),
        report_href: format!("/{slug}/console/publications/{}/report", p.id),
        thanks: thanks_of(&p),
        date: day(language, &p.date),
        title: p.title,
        year: p.year,
        version: p.version,
        note: p.note,
    };
    let years: Vec<i32> = rounds.iter().filter(|r| r.state == RoundState::Closed).map(|r| r.year).collect();
    let drafts = app.store().publication_drafts(id).await?.into_iter().map(|draft| DraftLine {
        href: format!("/{slug}/console/publications/drafts/{}", draft.year),
        title: draft.title,
        at: draft.made_at.0,
    });
    Ok(PublicationsPage {
        bar: staff.bar("publications"),
        drafts: drafts.collect(),
        corrects: publications.iter().any(|p| years.contains(&p.year)),
        publications: publications.into_iter().map(line).collect(),
        years,
        jobs: analyses.iter().map(|job| JobLine::of(app, language, slug, job)).collect(),
        form,
        fault,
    })
}

async fn show(State(app): State<App>, visit: Visit, Analyst(staff): Analyst) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let page = page(&app, &staff, view.language(), PublishForm::default(), None).await?;
    view.render(&page)
}

/// Has the figures of a year made as a draft.
async fn order(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(form): Form<PublishForm>,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let id = &staff.municipality.id;
    let page = page(&app, &staff, view.language(), form.clone(), None).await?;
    let Some(year) = form.year.parse().ok().filter(|year| page.years.contains(year)) else {
        let fault = Some("console.publish_no_year");
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&PublicationsPage { fault, ..page });
    };
    let before = page.publications.iter().find(|p| p.year == year);
    let title = match before {
        Some(before) => before.title.clone(),
        None => app.t(staff.municipality.settings.language, "console.title_of", &[("year", year.into())]),
    };
    let again = before.is_none() || form.figures != "before";
    let arguments = serde_json::json!({ "year": year, "title": title, "again": again });
    let job = app.store().enqueue_job(id, "draft", &arguments, &[], app.now()).await?;
    staff.did(&app, "publication.ordered", job.as_str(), &year.to_string()).await?;
    Ok(Redirect::to(&format!("/{}/console/jobs/{job}", staff.municipality.slug)).into_response())
}

async fn paper(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, publication)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let language = app.view(&visit).of(&staff.municipality).language();
    let publication = app.store().publication(id, &PublicationId(publication)).await?.info.id;
    let arguments = serde_json::json!({ "publication": publication, "language": language.tag() });
    let job = app.store().enqueue_job(id, "report", &arguments, &[], app.now()).await?;
    staff.did(&app, "paper.ordered", publication.as_str(), language.tag()).await?;
    Ok(Redirect::to(&format!("/{}/console/jobs/{job}", staff.municipality.slug)).into_response())
}
