//! A year's frame: where it comes from, whom it leaves out, how it differs from the year before, and the way back.
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::ids::{BusinessId, ImportId};
use domain::language::Language;
use domain::registers::shown_unit;
use intake::frame::Summary;
use intake::report::Sheet;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::extracts::{Difference, DifferenceKind, DifferenceRow, UNDO_DAYS};
use text::EngineError;

use super::Done;
use super::effect::{DifferencePart, Effect};
use crate::app::App;
use crate::error::PageError;
use crate::pages::console::{sectors, titled};
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Businesses of a list that a page shows; the file has them all.
const LISTED: u32 = 100;
/// Businesses fetched with one call for the file.
const CHUNK: u32 = 1000;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/frames/{year}", routing::get(show))
        .route("/{slug}/console/frames/{year}/undo", routing::post(undo))
        .route("/{slug}/console/frames/{year}/difference/{kind}", routing::get(difference))
        .route("/{slug}/console/frames/{year}/difference/{kind}/file", routing::get(difference_file))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<YearPage>(site)?;
    templates.check::<DifferencePage>(site)
}

/// `GET /{slug}/console/frames/{year}`
#[derive(Debug, Serialize)]
pub struct YearPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// Its address.
    pub href: String,
    /// The year.
    pub year: i32,
    /// Name of the file.
    pub file_name: String,
    /// When it was read, in milliseconds.
    pub at: i64,
    /// Changed since, in milliseconds.
    pub revised_at: Option<i64>,
    /// In use by a round.
    pub frozen: bool,
    /// What it makes of the population.
    pub effect: Effect,
    /// Against the year before.
    pub difference: Option<DifferencePart>,
    /// Units corrected by hand.
    pub edited: u64,
    /// The report row by row.
    pub report: Option<String>,
    /// Where the basis for protected businesses is recorded.
    pub protected_href: Option<String>,
    /// The year's round.
    pub round_href: Option<String>,
    /// The frame that comes back when it is taken back.
    pub has_former: bool,
    /// Days for which it can be taken back.
    pub undo_days: i64,
}

impl Page for YearPage {
    const TEMPLATE: &'static str = "console/frame.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            note: full.then_some("frames.flash_kept"),
            href: "/hojager/console/frames/2026".to_owned(),
            year: 2026,
            file_name: "udtraek.csv".to_owned(),
            at: 1_790_000_000_000,
            revised_at: full.then_some(1_790_000_000_000),
            frozen: !full,
            effect: Effect::sample(full),
            difference: full.then(|| DifferencePart { counts: Difference::default(), href: "/x".to_owned() }),
            edited: u64::from(full),
            report: full.then(|| "/x".to_owned()),
            protected_href: full.then(|| "/x".to_owned()),
            round_href: full.then(|| "/x".to_owned()),
            has_former: full,
            undo_days: 30,
        };
        vec![page(true), page(false), Self { frozen: false, ..page(false) }]
    }
}

/// The year of an address.
pub(super) fn year_of(text: &str) -> Result<i32, PageError> {
    text.parse().map_err(|_| PageError::NotFound)
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year)): Path<(String, String)>,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    let (id, slug, year) = (&staff.municipality.id, &staff.municipality.slug, year_of(&year)?);
    let story = app.store().frame_story(id, year).await?.ok_or(StoreError::NotFound("frame"))?;
    let view = app.view(&visit).of(&staff.municipality);
    let href = format!("/{slug}/console/frames/{year}");
    let summary: Option<Summary> = story.summary.and_then(|summary| serde_json::from_value(summary).ok());
    let difference = app.store().frame_difference(id, &story.import, year).await?;
    let excluded = app.store().excluded_units(id, year).await?.len() as u64;
    let language = view.language();
    let effect = Effect::of(&app, &staff, language, &story.import, summary, difference.as_ref(), excluded).await?;
    let round = app.store().round_of_year(id, year).await?;
    let round_href = round.map(|round| format!("/{slug}/console/rounds/{}", round.id));
    let page = YearPage {
        bar: staff.bar("frames"),
        note: done.key(),
        year,
        file_name: story.file_name,
        at: story.finished_at.0,
        revised_at: story.revised_at.map(|at| at.0),
        frozen: story.frozen,
        effect,
        difference: difference.map(|counts| DifferencePart { counts, href: format!("{href}/difference") }),
        edited: app.store().edited_units(id, year).await?,
        report: story.job.map(|job| format!("/{slug}/console/jobs/{job}/report.csv")),
        protected_href: round_href.as_ref().map(|href| format!("{href}/protected")),
        round_href,
        has_former: story.has_former,
        undo_days: UNDO_DAYS,
        href,
    };
    view.render(&page)
}

async fn undo(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, year)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let year = year_of(&year)?;
    let restored = app.store().undo_frame(&staff.municipality.id, year, app.now()).await?;
    staff.did(&app, "frame.undone", &year.to_string(), "").await?;
    let slug = &staff.municipality.slug;
    let to = if restored {
        format!("/{slug}/console/frames/{year}?done=undone")
    } else {
        format!("/{slug}/console/frames?done=gone")
    };
    Ok(Redirect::to(&to).into_response())
}

/// `GET …/difference/{kind}`
#[derive(Debug, Serialize)]
pub struct DifferencePage {
    /// Navigation.
    pub bar: Bar,
    /// Where one came from.
    pub back: String,
    /// Its address.
    pub href: String,
    /// `new`, `closed`, `moved`, `recoded`.
    pub kind: &'static str,
    /// The year.
    pub year: i32,
    /// The year before.
    pub before_year: i32,
    /// How many there are.
    pub n: u64,
    /// The first of them.
    pub rows: Vec<DifferenceLine>,
    /// There are more than shown.
    pub more: bool,
    /// The codes are written in two classifications.
    pub reclassified: bool,
}

/// A business of a difference.
#[derive(Debug, Serialize)]
pub struct DifferenceLine {
    /// Its number, as it may be shown.
    pub number: String,
    /// Name.
    pub name: String,
    /// Address or code before.
    pub before: String,
    /// Address or code now.
    pub now: String,
    /// Sector before.
    pub sector_before: String,
    /// Sector now.
    pub sector_now: String,
    /// The sector is another one.
    pub other_sector: bool,
}

impl Page for DifferencePage {
    const TEMPLATE: &'static str = "console/frame-difference.html";

    fn samples() -> Vec<Self> {
        let line = |other_sector| DifferenceLine {
            number: "1003388394".to_owned(),
            name: "Ærø Smede".to_owned(),
            before: "45.20.10".to_owned(),
            now: "95.31.00".to_owned(),
            sector_before: "Handel".to_owned(),
            sector_now: "Service".to_owned(),
            other_sector,
        };
        let page = |kind, full: bool| Self {
            bar: Bar::sample(true),
            back: "/x".to_owned(),
            href: "/x/difference/new".to_owned(),
            kind,
            year: 2026,
            before_year: 2025,
            n: if full { 200 } else { 0 },
            rows: if full { vec![line(true), line(false)] } else { Vec::new() },
            more: full,
            reclassified: full,
        };
        vec![page("new", true), page("closed", true), page("moved", true), page("recoded", true), page("new", false)]
    }
}

impl DifferenceLine {
    fn of(titles: &[(String, String)], row: DifferenceRow) -> Self {
        let title = |key: &str| if key.is_empty() { String::new() } else { titled(titles, key).to_owned() };
        Self {
            number: shown_unit(&row.unit_key).unwrap_or_default().to_owned(),
            name: row.name,
            before: row.before,
            now: row.now,
            other_sector: row.sector_before != row.sector_now,
            sector_before: title(&row.sector_before),
            sector_now: title(&row.sector_now),
        }
    }
}

async fn story(app: &App, staff: &Staff, year: i32) -> Result<ImportId, PageError> {
    let story = app.store().frame_story(&staff.municipality.id, year).await?;
    Ok(story.ok_or(StoreError::NotFound("frame"))?.import)
}

async fn difference(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year, kind)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let year = year_of(&year)?;
    let import = story(&app, &staff, year).await?;
    let back = format!("/{}/console/frames/{year}", staff.municipality.slug);
    difference_page(&app, &visit, &staff, (&import, year), &kind, back).await
}

async fn difference_file(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year, kind)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let year = year_of(&year)?;
    let import = story(&app, &staff, year).await?;
    difference_table(&app, &visit, &staff, (&import, year), &kind).await
}

/// The list of what is new, gone, moved or recoded in an import.
pub(super) async fn difference_page(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    (import, year): (&ImportId, i32),
    kind: &str,
    back: String,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let kind = DifferenceKind::parse(kind).ok_or(PageError::NotFound)?;
    let counts = app.store().frame_difference(id, import, year).await?.ok_or(StoreError::NotFound("frame"))?;
    let view = app.view(visit).of(&staff.municipality);
    let rows = app.store().frame_difference_rows(id, import, year, kind, None, LISTED).await?;
    let titles = sectors(&staff.municipality, view.language());
    let n = match kind {
        DifferenceKind::New => counts.new,
        DifferenceKind::Closed => counts.closed,
        DifferenceKind::Moved => counts.moved,
        DifferenceKind::Recoded => counts.recoded,
    };
    let page = DifferencePage {
        bar: staff.bar("frames"),
        href: format!("{back}/difference/{}", kind.as_str()),
        back,
        kind: kind.as_str(),
        year,
        before_year: counts.year,
        n,
        more: n > rows.len() as u64,
        rows: rows.into_iter().map(|row| DifferenceLine::of(&titles, row)).collect(),
        reclassified: counts.reclassified,
    };
    view.render(&page)
}

/// The same as a file that opens in a spreadsheet, all of them.
pub(super) async fn difference_table(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    (import, year): (&ImportId, i32),
    kind: &str,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let kind = DifferenceKind::parse(kind).ok_or(PageError::NotFound)?;
    let language: Language = app.view(visit).of(&staff.municipality).language();
    let titles = sectors(&staff.municipality, language);
    let say = |key: &str| app.t(language, key, &[]);
    let heading = ["number", "name", "before", "after", "sector_before", "sector_after"]
        .map(|key| say(&format!("frames.file_{key}")));
    let mut sheet = Sheet::new(Vec::new(), heading.each_ref().map(String::as_str)).map_err(PageError::internal)?;
    let mut after: Option<BusinessId> = None;
    loop {
        let rows = app.store().frame_difference_rows(id, import, year, kind, after.as_ref(), CHUNK).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.business.clone());
        for row in rows {
            let line = DifferenceLine::of(&titles, row);
            let cells = [&line.number, &line.name, &line.before, &line.now, &line.sector_before, &line.sector_now];
            sheet.row(cells.map(String::as_str)).map_err(PageError::internal)?;
        }
    }
    let bytes = sheet.finish().map_err(PageError::internal)?;
    staff.did(app, "frame.difference_fetched", &year.to_string(), kind.as_str()).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{year}-{}.csv\"", kind.as_str())),
    ];
    Ok((headers, bytes).into_response())
}

/// What an address may say in its query beside what was done.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Words {
    /// What is looked for.
    #[serde(default)]
    pub(super) q: String,
}
