//! The public results page: switched on per municipality, a permanent address per year, and a chart that others may embed.
//!
//! Everything comes out of publications, with the same figures left out as everywhere. It sets no cookie.
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, middleware, routing};
use charts::Setting;
use domain::indicator::Kind;
use domain::initiatives::{InitiativeState, Standing};
use domain::language::Language;
use domain::municipality::Municipality;
use domain::results::{ALL, IndicatorInfo, Report, TOTAL};
use serde::{Deserialize, Serialize};
use store::results::Publication;
use text::insight::Teller;
use text::standing::{InitiativeLine, day};
use text::{EngineError, summary};

use crate::app::App;
use crate::error::PageError;
use crate::layers::{Embeddable, NoCookie};
use crate::pages::committee::{Cell, Change, cell, change_of, kind_key, pairs};
use crate::pages::signin::{Administrator, Bar, Note, not_kept};
use crate::pages::standing::{GoalRow, goals, report_sectors, sample_initiative};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// The breakdown that is shown.
const SECTOR: &str = "sector";
/// What an embedded chart may do: nothing but be shown, on any page.
const EMBED_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *";

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/results", routing::get(latest))
        .route("/{slug}/results/{year}", routing::get(show))
        .route("/{slug}/results/{year}/embed", routing::get(embed))
        .merge(
            Router::new()
                .route("/{slug}/console/public", routing::get(switch).post(turn))
                .layer(middleware::from_fn(not_kept)),
        )
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ResultsPage>(site)?;
    templates.check::<EmbedPage>(site)?;
    templates.check::<SwitchPage>(site)
}

/// `GET /{slug}/results/{year}`
#[derive(Debug, Serialize)]
pub struct ResultsPage {
    /// The municipality's slug.
    pub slug: String,
    /// Title of the publication.
    pub title: String,
    /// Its date, in words.
    pub date: String,
    /// Version within the year.
    pub version: i64,
    /// What changed since the version before.
    pub note: String,
    /// The year.
    pub year: i32,
    /// The years that can be read.
    pub years: Vec<YearLink>,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
    /// What happened, in sentences.
    pub sentences: Vec<String>,
    /// The headline indicators.
    pub figures: Vec<PublicFigure>,
    /// The goals.
    pub goals: Vec<GoalRow>,
    /// Public initiatives.
    pub initiatives: Vec<InitiativeLine>,
}

/// A year in the list.
#[derive(Debug, Serialize)]
pub struct YearLink {
    /// The year.
    pub year: i32,
    /// It is the one shown.
    pub current: bool,
}

/// An indicator with its trend and its sectors.
#[derive(Debug, Serialize)]
pub struct PublicFigure {
    /// Id.
    pub id: String,
    /// Title.
    pub title: String,
    /// Key of what its figures mean.
    pub kind: &'static str,
    /// The trend (SVG).
    pub chart: Option<String>,
    /// The years of the table.
    pub years: Vec<i32>,
    /// The total and the sectors.
    pub rows: Vec<PublicRow>,
}

/// A row of an indicator's table.
#[derive(Debug, Serialize)]
pub struct PublicRow {
    /// Title.
    pub title: String,
    /// The total.
    pub total: bool,
    /// One per year.
    pub cells: Vec<Cell>,
    /// The change from the year before.
    pub change: Option<Change>,
}

impl PublicFigure {
    fn sample(full: bool) -> Self {
        let cell = |value: Option<&str>, hidden| Cell {
            value: value.map(str::to_owned),
            margin: "±3,2".to_owned(),
            n: 40,
            uncertain: true,
            hidden,
        };
        let row = |total| PublicRow {
            title: "Handel".to_owned(),
            total,
            cells: vec![cell(Some("61,4"), false), cell(None, true), cell(None, false)],
            change: full.then(|| Change { verdict: "up", quality: "better", figure: "+4,2".to_owned() }),
        };
        Self {
            id: "nki".to_owned(),
            title: "Tilfredshed".to_owned(),
            kind: "committee.kind_index",
            chart: full.then(|| "<svg></svg>".to_owned()),
            years: vec![2025, 2026],
            rows: vec![row(true), row(false)],
        }
    }
}

impl Page for ResultsPage {
    const TEMPLATE: &'static str = "results/year.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            slug: "hojager".to_owned(),
            title: "2026-målingen".to_owned(),
            date: "1. november 2026".to_owned(),
            version: if full { 2 } else { 1 },
            note: if full { "Rettet".to_owned() } else { String::new() },
            year: 2026,
            years: [true, false].map(|current| YearLink { year: 2026, current }).into(),
            threshold: 5,
            sentences: if full { vec!["Tilfredsheden er steget.".to_owned()] } else { Vec::new() },
            figures: if full { vec![PublicFigure::sample(true), PublicFigure::sample(false)] } else { Vec::new() },
            goals: if full { vec![GoalRow::sample("met", true)] } else { Vec::new() },
            initiatives: if full { vec![sample_initiative(true)] } else { Vec::new() },
        };
        vec![page(true), page(false)]
    }
}

/// `GET /{slug}/results/{year}/embed`: one chart with its table, for another site's page.
#[derive(Debug, Serialize)]
pub struct EmbedPage {
    /// The figure.
    pub figure: PublicFigure,
    /// Title of the publication.
    pub title: String,
    /// Its date, in words.
    pub date: String,
    /// The page it is from.
    pub href: String,
}

impl Page for EmbedPage {
    const TEMPLATE: &'static str = "results/embed.html";

    fn samples() -> Vec<Self> {
        let page = |full| Self {
            figure: PublicFigure::sample(full),
            title: "2026-målingen".to_owned(),
            date: "1. november 2026".to_owned(),
            href: "/hojager/results/2026".to_owned(),
        };
        vec![page(true), page(false)]
    }
}

/// The municipality of a slug, where its results are public.
async fn open(app: &App, slug: &str) -> Result<Municipality, PageError> {
    let municipality = app.store().municipality_by_slug(slug).await?;
    if municipality.settings.public_results { Ok(municipality) } else { Err(PageError::NotFound) }
}

async fn latest(State(app): State<App>, Path(slug): Path<String>) -> Result<Response, PageError> {
    let municipality = open(&app, &slug).await?;
    let newest = app.store().publications(&municipality.id).await?.into_iter().next().ok_or(PageError::NotFound)?;
    Ok(Redirect::to(&format!("/{slug}/results/{}", newest.year)).into_response())
}

/// The newest version of a year; a correction takes the place of what it corrects, at the same address.
async fn of_year(app: &App, municipality: &Municipality, year: &str) -> Result<Publication, PageError> {
    let year = year.parse().map_err(|_| PageError::NotFound)?;
    app.store().latest_publication(&municipality.id, Some(year)).await?.ok_or(PageError::NotFound)
}

fn figure(app: &App, language: Language, report: &Report, info: &IndicatorInfo, chart: &str) -> PublicFigure {
    let (last, before, _) = pairs(report);
    let years: Vec<i32> = report.years.iter().rev().take(4).rev().copied().collect();
    let row = |title: String, domain: &str, group: &str| PublicRow {
        title,
        total: domain == TOTAL,
        cells: years.iter().map(|y| cell(info, report.estimate(&info.id, *y, domain, group), language)).collect(),
        change: change_of(report, info, (before, last), domain, group, language),
    };
    let mut rows = vec![row(app.t(language, "charts.total", &[]), TOTAL, ALL)];
    rows.extend(report_sectors(report, language).into_iter().map(|(key, title)| row(title, SECTOR, &key)));
    rows.retain(|r| r.total || r.cells.iter().any(|c| c.value.is_some() || c.hidden));
    let setting = Setting::page(app.messages(), language, chart);
    PublicFigure {
        id: info.id.clone(),
        title: info.title.get(language).to_owned(),
        kind: kind_key(info.kind),
        chart: charts::both(setting, |s| charts::trend(report, &info.id, TOTAL, ALL, s)).ok(),
        years,
        rows,
    }
}

/// Answers with `page`, or says that the reader's copy still holds: a publication never changes, only its address may get a newer one.
fn kept(
    tag: &str,
    headers: &HeaderMap,
    page: impl FnOnce() -> Result<Response, PageError>,
) -> Result<Response, PageError> {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    let same = known.is_some_and(|known| known.split(',').any(|t| t.trim().trim_start_matches("W/") == tag));
    let mut response = if same { StatusCode::NOT_MODIFIED.into_response() } else { page()? };
    let fresh = HeaderValue::from_str(&format!("W/{tag}")).map_err(PageError::internal)?;
    response.headers_mut().insert(header::ETAG, fresh);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language, cookie, accept-encoding"));
    response.extensions_mut().insert(NoCookie);
    Ok(response)
}

fn tag(publication: &Publication, language: Language, more: &str) -> String {
    format!("\"{}-{}-{}{more}\"", publication.info.id, language.tag(), env!("CARGO_PKG_VERSION"))
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Path((slug, year)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let municipality = open(&app, &slug).await?;
    let publication = of_year(&app, &municipality, &year).await?;
    let all = app.store().publications(&municipality.id).await?;
    let view = app.view(&visit).of(&municipality).indexed();
    let language = view.language();
    let (info, report) = (&publication.info, &publication.report);
    let mut years: Vec<i32> = all.iter().map(|p| p.year).collect();
    years.dedup();
    let listed = years.iter().map(ToString::to_string).collect::<Vec<_>>().join("-");
    kept(&tag(&publication, language, &format!("-{listed}")), &headers, || {
        let standing = Standing::of_extra(&publication.extra).unwrap_or_default().public();
        let teller = Teller { messages: app.messages(), language, report };
        let mut goals = goals(teller, &standing, "");
        for row in &mut goals {
            row.href = None;
        }
        let initiatives = text::standing::initiatives(teller, &standing);
        let stopped = InitiativeState::Stopped.as_str();
        let headlines = report.indicators.iter().filter(|i| i.headline && i.kind != Kind::Nps);
        view.render(&ResultsPage {
            slug: slug.clone(),
            title: info.title.clone(),
            date: day(language, &info.date),
            version: info.version,
            note: info.note.clone(),
            year: info.year,
            years: years.iter().map(|y| YearLink { year: *y, current: *y == info.year }).collect(),
            threshold: municipality.settings.threshold.max(5),
            sentences: summary::opening(app.messages(), language, report),
            figures: headlines.map(|i| figure(&app, language, report, i, &format!("chart-{}", i.id))).collect(),
            goals,
            initiatives: initiatives.into_iter().filter(|i| i.state != stopped).collect(),
        })
    })
}

#[derive(Deserialize)]
struct Which {
    #[serde(default)]
    indicator: String,
}

async fn embed(
    State(app): State<App>,
    visit: Visit,
    headers: HeaderMap,
    Path((slug, year)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Result<Response, PageError> {
    let municipality = open(&app, &slug).await?;
    let publication = of_year(&app, &municipality, &year).await?;
    let view = app.view(&visit).of(&municipality);
    let language = view.language();
    let report = &publication.report;
    let info = report.indicators.iter().find(|i| i.headline && i.id == which.indicator).ok_or(PageError::NotFound)?;
    let mut response = kept(&tag(&publication, language, &format!("-{}", info.id)), &headers, || {
        view.render(&EmbedPage {
            figure: figure(&app, language, report, info, "chart"),
            title: publication.info.title.clone(),
            date: day(language, &publication.info.date),
            href: format!("{}/{slug}/results/{}", app.settings().public_url, publication.info.year),
        })
    })?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(EMBED_POLICY));
    response.extensions_mut().insert(Embeddable);
    Ok(response)
}

/// `GET /{slug}/console/public`: an administrator switches the public page on or off.
#[derive(Debug, Serialize)]
pub struct SwitchPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// It is on.
    pub on: bool,
    /// The page's address.
    pub address: String,
    /// What to put into another site's page, per headline indicator.
    pub embeds: Vec<Embed>,
    /// Nothing is published yet.
    pub empty: bool,
}

/// A chart for another site's page.
#[derive(Debug, Serialize)]
pub struct Embed {
    /// The indicator's title.
    pub title: String,
    /// What to put into the page.
    pub code: String,
}

impl Page for SwitchPage {
    const TEMPLATE: &'static str = "console/public.html";

    fn samples() -> Vec<Self> {
        let page = |on: bool| Self {
            bar: Bar::sample(true),
            note: if on { Note::Saved.key() } else { None },
            on,
            address: "https://maaling.hojager.dk/hojager/results".to_owned(),
            embeds: if on {
                vec![Embed { title: "Tilfredshed".to_owned(), code: "<iframe></iframe>".to_owned() }]
            } else {
                Vec::new()
            },
            empty: !on,
        };
        vec![page(true), page(false)]
    }
}

async fn switch(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    note: Note,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let newest = app.store().latest_publication(&staff.municipality.id, None).await?;
    let address = format!("{}/{}/results", app.settings().public_url, staff.municipality.slug);
    let embeds = newest.iter().flat_map(|p| {
        p.report.indicators.iter().filter(|i| i.headline).map(|i| {
            let title = i.title.get(language);
            let code = format!(
                "<iframe src=\"{address}/{}/embed?indicator={}\" title=\"{}\" width=\"100%\" height=\"520\" loading=\"lazy\"></iframe>",
                p.info.year,
                i.id,
                title.replace('"', "&quot;")
            );
            Embed { title: title.to_owned(), code }
        })
    });
    view.render(&SwitchPage {
        bar: staff.bar("plans"),
        note: note.key(),
        on: staff.municipality.settings.public_results,
        embeds: embeds.collect(),
        empty: newest.is_none(),
        address: address.clone(),
    })
}

#[derive(Deserialize)]
struct Turn {
    #[serde(default)]
    on: String,
}

async fn turn(
    State(app): State<App>,
    Administrator(staff): Administrator,
    axum_extra::extract::Form(form): axum_extra::extract::Form<Turn>,
) -> Result<Response, PageError> {
    let mut settings = staff.municipality.settings.clone();
    settings.public_results = form.on == "yes";
    app.store().update_municipality(&staff.municipality.id, &staff.municipality.name, &settings, app.now()).await?;
    staff.did(&app, "results.public", if settings.public_results { "on" } else { "off" }, "").await?;
    Ok(Redirect::to(&format!("/{}/console/public?note=saved", staff.municipality.slug)).into_response())
}
