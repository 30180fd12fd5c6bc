//! Other municipalities: their packages in, whose key it is confirmed once, and their figures beside our own.
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, middleware, routing};
use axum_extra::extract::Form;
use domain::initiatives::Standing;
use domain::language::Language;
use domain::packages::{BrokenRule, Edition, Package, compare, fingerprint};
use intake::package::PackageFault;
use serde::{Deserialize, Serialize};
use store::neighbours::{Neighbour, OutsideFigure, Received};
use store::results::Publication;
use text::neighbours::{ApartLine, GoodExample, PairLine, SectorPart, beside};
use text::{Arg, EngineError, format};

use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar, Reader, Staff, not_kept};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// The largest file that is taken, in bytes.
const LARGEST: usize = 20_000_000;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/neighbours", routing::get(show).post(upload))
        .route("/{slug}/console/neighbours/outside/delete", routing::post(delete_outside))
        .route("/{slug}/console/neighbours/{neighbour}/confirm", routing::post(confirm))
        .route("/{slug}/console/neighbours/{neighbour}/forget", routing::post(forget))
        .route("/{slug}/console/neighbours/{neighbour}/paper", routing::post(paper))
        .route("/{slug}/neighbours/{neighbour}", routing::get(side_by_side))
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<NeighboursPage>(site)?;
    templates.check::<BesidePage>(site)
}

/// `GET /{slug}/console/neighbours`
#[derive(Debug, Serialize)]
pub struct NeighboursPage {
    /// Navigation.
    pub bar: Bar,
    /// The fingerprint of our own key, to be told to others.
    pub fingerprint: Option<String>,
    /// Other municipalities.
    pub neighbours: Vec<NeighbourLine>,
    /// Figures that others publish.
    pub outside: Vec<OutsideLine>,
    /// The surveys that these figures are from, each once.
    pub surveys: Vec<String>,
    /// What is wrong with the file, in words.
    pub fault: Option<String>,
    /// What was done: key of a message.
    pub done: Option<&'static str>,
}

/// Another municipality in the list.
#[derive(Debug, Serialize)]
pub struct NeighbourLine {
    /// Name, as its package says it.
    pub name: String,
    /// The fingerprint of its key.
    pub fingerprint: String,
    /// A person has confirmed it.
    pub confirmed: bool,
    /// Its packages: year and version.
    pub packages: Vec<String>,
    /// The page beside our own figures.
    pub href: String,
    /// Where its forms go.
    pub base: String,
}

/// A figure that others publish.
#[derive(Debug, Clone, Serialize)]
pub struct OutsideLine {
    /// Who publishes it.
    pub source: String,
    /// What it measures.
    pub measure: String,
    /// The municipality.
    pub place: String,
    /// Year.
    pub year: i32,
    /// Figure and unit.
    pub figure: String,
    /// Answers.
    pub n: Option<u64>,
    /// Who was asked.
    pub note: String,
}

impl OutsideLine {
    fn of(language: Language, figure: OutsideFigure) -> Self {
        let decimals =
            if figure.value.fract() == 0.0 { 0 } else { 1 + usize::from((figure.value * 10.0).fract().abs() > 1e-9) };
        Self {
            figure: format!("{} {}", format::number(language, figure.value, decimals), figure.unit),
            source: figure.source,
            measure: figure.measure,
            place: figure.place,
            year: figure.year,
            n: figure.n,
            note: figure.note,
        }
    }

    fn sample() -> Self {
        Self {
            source: "Insikt".to_owned(),
            measure: "NKI".to_owned(),
            place: "Kristianstad".to_owned(),
            year: 2024,
            figure: "72,5 (0–100)".to_owned(),
            n: Some(581),
            note: "Virksomheder med en afsluttet sag".to_owned(),
        }
    }
}

impl Page for NeighboursPage {
    const TEMPLATE: &'static str = "console/neighbours.html";

    fn samples() -> Vec<Self> {
        let line = |confirmed| NeighbourLine {
            name: "Kristianstads kommun".to_owned(),
            fingerprint: "1234 5678 9abc def0 1234 5678 9abc def0".to_owned(),
            confirmed,
            packages: vec!["2026 (1)".to_owned()],
            href: "/hojager/neighbours/1".to_owned(),
            base: "/hojager/console/neighbours/1".to_owned(),
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            fingerprint: full.then(|| "1234 5678".to_owned()),
            neighbours: if full { vec![line(true), line(false)] } else { Vec::new() },
            outside: if full { vec![OutsideLine::sample()] } else { Vec::new() },
            surveys: if full { vec!["Insikt".to_owned()] } else { Vec::new() },
            fault: full.then(|| "Filen er ingen datapakke.".to_owned()),
            done: full.then_some("papers.neighbours_new"),
        };
        vec![page(true), page(false)]
    }
}

/// `GET /{slug}/neighbours/{neighbour}`
#[derive(Debug, Serialize)]
pub struct BesidePage {
    /// Navigation.
    pub bar: Bar,
    /// Our name.
    pub own: String,
    /// Theirs.
    pub other: String,
    /// The main figures in sentences.
    pub sentences: Vec<String>,
    /// All shared indicators in the total.
    pub totals: Vec<PairLine>,
    /// Sector by sector.
    pub sectors: Vec<SectorPart>,
    /// Why there are none.
    pub no_sectors: String,
    /// What is not compared.
    pub apart: Vec<ApartLine>,
    /// Their public initiatives.
    pub examples: Vec<GoodExample>,
    /// What others measure in either municipality.
    pub outside: Vec<OutsideLine>,
}

impl Page for BesidePage {
    const TEMPLATE: &'static str = "committee/beside.html";

    fn samples() -> Vec<Self> {
        let line = |key: &'static str| PairLine {
            title: "Tilfredshedsindeks (2026)".to_owned(),
            own: "66,6 ±1,5 (917 svar)".to_owned(),
            other: "63,1 ±2,0 (580 svar)".to_owned(),
            difference: "+3,5 ±2,6".to_owned(),
            verdict: "højere i Højager Kommune".to_owned(),
            key,
        };
        let lines = || vec![line("higher"), line("lower"), line("unclear"), line("hidden")];
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            own: "Højager Kommune".to_owned(),
            other: "Kristianstads kommun".to_owned(),
            sentences: if full { vec!["Tilfredshedsindeks: …".to_owned()] } else { Vec::new() },
            totals: if full { lines() } else { Vec::new() },
            sectors: if full {
                vec![SectorPart { title: "Tilfredshed".to_owned(), rows: lines() }]
            } else {
                Vec::new()
            },
            no_sectors: if full { String::new() } else { "Brancherne er ikke de samme.".to_owned() },
            apart: if full {
                vec![ApartLine { title: "Grøn".to_owned(), reason: "en anden formel".to_owned() }]
            } else {
                Vec::new()
            },
            examples: if full {
                vec![GoodExample {
                    title: "Én dør".to_owned(),
                    description: "…".to_owned(),
                    state: "i gang".to_owned(),
                }]
            } else {
                Vec::new()
            },
            outside: if full { vec![OutsideLine::sample()] } else { Vec::new() },
        };
        vec![page(true), page(false)]
    }
}

/// What was done, as the address says it after a form was sent.
#[derive(Debug, Default, Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

const DONE: [(&str, &str); 6] = [
    ("new", "papers.neighbours_new"),
    ("known", "papers.neighbours_known"),
    ("outside", "papers.neighbours_outside"),
    ("confirmed", "papers.neighbours_confirmed"),
    ("forgotten", "papers.neighbours_forgotten"),
    ("deleted", "papers.outside_deleted"),
];

async fn page(
    app: &App,
    staff: &Staff,
    language: Language,
    fault: Option<String>,
    done: &str,
) -> Result<NeighboursPage, PageError> {
    let (id, slug) = (&staff.municipality.id, &staff.municipality.slug);
    let packages = app.store().neighbour_packages(id).await?;
    let line = |n: Neighbour| NeighbourLine {
        packages: packages
            .iter()
            .filter(|p| p.neighbour == n.id)
            .map(|p| format!("{} ({})", p.year, p.version))
            .collect(),
        fingerprint: fingerprint(&n.public_key),
        confirmed: n.confirmed_at.is_some(),
        href: format!("/{slug}/neighbours/{}", n.id),
        base: format!("/{slug}/console/neighbours/{}", n.id),
        name: n.name,
    };
    let outside = app.store().outside_figures(id).await?;
    let mut surveys: Vec<String> = outside.iter().map(|f| f.source.clone()).collect();
    surveys.dedup();
    Ok(NeighboursPage {
        surveys,
        bar: staff.bar("neighbours"),
        fingerprint: app.public_key().map(fingerprint),
        neighbours: app.store().neighbours(id).await?.into_iter().map(line).collect(),
        outside: outside.into_iter().map(|f| OutsideLine::of(language, f)).collect(),
        fault,
        done: DONE.into_iter().find(|(word, _)| *word == done).map(|(_, key)| key),
    })
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(Done { done }): Query<Done>,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let page = page(&app, &staff, view.language(), None, &done).await?;
    view.render(&page)
}

/// What is wrong with a package, in the reader's language.
fn worded(app: &App, language: Language, fault: &PackageFault) -> String {
    let (key, detail) = match fault {
        PackageFault::Format(found) => ("format", found.to_string()),
        PackageFault::Signature => ("signature", String::new()),
        PackageFault::Table(table) => ("table", table.clone()),
        PackageFault::Row { table, line, .. } => ("row", format!("{table}.csv, {line}")),
        PackageFault::Rules(rule) => ("rules", broken(app, language, rule)),
        _ => ("no_package", String::new()),
    };
    app.t(language, &format!("papers.neighbours_fault_{key}"), &[("detail", Arg::Text(detail))])
}

/// Which rule a package does not keep.
fn broken(app: &App, language: Language, rule: &BrokenRule) -> String {
    let (key, place, n) = match rule {
        BrokenRule::Undescribed(place) => ("undescribed", place.as_str(), 0),
        BrokenRule::Uncovered(place) => ("uncovered", place.as_str(), 0),
        BrokenRule::TooFew(place, n) => ("too_few", place.as_str(), *n),
        BrokenRule::NoNumber(place) => ("no_number", place.as_str(), 0),
        _ => return String::new(),
    };
    app.t(language, &format!("papers.neighbours_rule_{key}"), &[("place", place.into()), ("n", n.into())])
}

async fn upload(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    mut form: Multipart,
) -> Result<Response, PageError> {
    let language = app.view(&visit).of(&staff.municipality).language();
    let too_large = |e: axum::extract::multipart::MultipartError| {
        if e.status() == StatusCode::PAYLOAD_TOO_LARGE { PageError::TooLarge } else { PageError::BadRequest }
    };
    let mut bytes = Vec::new();
    while let Some(field) = form.next_field().await.map_err(too_large)? {
        if field.name() == Some("file") {
            bytes = field.bytes().await.map_err(too_large)?.to_vec();
        }
    }
    match take(&app, &staff, language, bytes).await? {
        Ok(done) => Ok(back(&staff, done)),
        Err(fault) => {
            let view = app.view(&visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY);
            view.render(&page(&app, &staff, language, Some(fault), "").await?)
        }
    }
}

fn back(staff: &Staff, done: &str) -> Response {
    Redirect::to(&format!("/{}/console/neighbours?done={done}", staff.municipality.slug)).into_response()
}

/// Takes a package, or figures of others; what is wrong comes back in words.
async fn take(
    app: &App,
    staff: &Staff,
    language: Language,
    bytes: Vec<u8>,
) -> Result<Result<&'static str, String>, PageError> {
    let id = &staff.municipality.id;
    if bytes.is_empty() {
        return Ok(Err(app.t(language, "papers.neighbours_fault_no_file", &[])));
    }
    if !bytes.starts_with(b"PK") {
        return match intake::outside::read(&bytes) {
            Ok(rows) => {
                let figures: Vec<OutsideFigure> = rows.into_iter().map(figure).collect();
                app.store().put_outside_figures(id, &figures, app.now()).await?;
                staff.did(app, "outside_figures.imported", "", &figures.len().to_string()).await?;
                Ok(Ok("outside"))
            }
            Err(fault) => {
                let args = [
                    ("line", Arg::Text(fault.line.to_string())),
                    ("column", fault.column.into()),
                    ("problem", app.t(language, &format!("papers.outside_fault_{}", fault.problem), &[]).into()),
                ];
                Ok(Err(app.t(language, "papers.outside_fault", &args)))
            }
        };
    }
    let read = tokio::task::spawn_blocking(move || intake::package::read(&bytes)).await.map_err(PageError::internal)?;
    let signed = match read {
        Ok(signed) => signed,
        Err(fault) => return Ok(Err(worded(app, language, &fault))),
    };
    let received =
        app.store().receive_package(id, &signed.public_key, &signed.hash, &signed.package, app.now()).await?;
    let done = match received {
        Received::New { .. } => "new",
        Received::Known { .. } => "known",
        Received::Contradicts => return Ok(Err(app.t(language, "papers.neighbours_fault_contradicts", &[]))),
    };
    staff.did(app, "package.imported", &signed.package.head.slug, &fingerprint(&signed.public_key)).await?;
    Ok(Ok(done))
}

fn figure(row: intake::outside::OutsideRow) -> OutsideFigure {
    OutsideFigure {
        source: row.source,
        measure: row.measure,
        place: row.place,
        year: row.year,
        value: row.value,
        unit: row.unit,
        n: row.n,
        note: row.note,
    }
}

/// "I know what I do."
#[derive(Debug, Default, Deserialize)]
struct Sure {
    #[serde(default)]
    sure: String,
}

async fn confirm(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, neighbour)): Path<(String, String)>,
    Form(Sure { sure }): Form<Sure>,
) -> Result<Response, PageError> {
    if sure != "yes" {
        return unsure(&app, &visit, &staff).await;
    }
    if app.store().confirm_neighbour(&staff.municipality.id, &neighbour, app.now()).await? {
        staff.did(&app, "neighbour.confirmed", &neighbour, "").await?;
    }
    Ok(back(&staff, "confirmed"))
}

async fn paper(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, neighbour)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    // A neighbour that is not there, or not confirmed, has no paper.
    app.store().neighbour_package(id, &neighbour).await?;
    let arguments = serde_json::json!({ "neighbour": neighbour });
    let job = app.store().enqueue_job(id, "comparison", &arguments, &[], app.now()).await?;
    staff.did(&app, "comparison.ordered", &neighbour, "").await?;
    Ok(Redirect::to(&format!("/{}/console/jobs/{job}", staff.municipality.slug)).into_response())
}

async fn forget(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, neighbour)): Path<(String, String)>,
    Form(Sure { sure }): Form<Sure>,
) -> Result<Response, PageError> {
    if sure != "yes" {
        return unsure(&app, &visit, &staff).await;
    }
    app.store().drop_neighbour(&staff.municipality.id, &neighbour).await?;
    staff.did(&app, "neighbour.forgotten", &neighbour, "").await?;
    Ok(back(&staff, "forgotten"))
}

#[derive(Debug, Deserialize)]
struct Survey {
    /// Who publishes the figures.
    #[serde(default)]
    source: String,
    #[serde(default)]
    sure: String,
}

async fn delete_outside(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(Survey { source, sure }): Form<Survey>,
) -> Result<Response, PageError> {
    if sure != "yes" {
        return unsure(&app, &visit, &staff).await;
    }
    let gone = app.store().drop_outside_figures(&staff.municipality.id, &source).await?;
    staff.did(&app, "outside_figures.deleted", "", &gone.to_string()).await?;
    Ok(back(&staff, "deleted"))
}

async fn unsure(app: &App, visit: &Visit, staff: &Staff) -> Result<Response, PageError> {
    let view = app.view(visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY);
    let fault = app.t(view.language(), "papers.neighbours_not_sure", &[]);
    let page = page(app, staff, view.language(), Some(fault), "").await?;
    view.render(&page)
}

/// Our own newest publication, packed as others would get it.
fn packed(staff: &Staff, publication: &Publication) -> Package {
    let standing = Standing::of_extra(&publication.extra);
    let edition = Edition {
        title: &publication.info.title,
        version: publication.info.version,
        published_on: &publication.info.date,
        standing: standing.as_ref(),
    };
    Package::of(&staff.municipality, &publication.report, edition)
}

async fn side_by_side(
    State(app): State<App>,
    visit: Visit,
    Reader(staff): Reader,
    Path((_, neighbour)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let other = app.store().neighbour_package(id, &neighbour).await?;
    let publication = app.store().latest_publication(id, None).await?.ok_or(PageError::NotFound)?;
    let own = packed(&staff, &publication);
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let told = beside(app.messages(), language, &own, &other, &compare(&own, &other));
    let outside = app.store().outside_figures(id).await?;
    view.render(&BesidePage {
        bar: staff.bar("committee"),
        own: own.head.municipality,
        other: other.head.municipality,
        sentences: told.sentences,
        totals: told.totals,
        sectors: told.sectors,
        no_sectors: told.no_sectors,
        apart: told.apart,
        examples: told.examples,
        outside: outside.into_iter().map(|f| OutsideLine::of(language, f)).collect(),
    })
}
