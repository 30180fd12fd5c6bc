//! An extract that was sent in: its columns matched to fields, what it would change, kept or thrown away.
use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::frame::FrameUnit;
use domain::ids::ImportId;
use domain::language::Language;
use intake::frame::Field;
use intake::glimpse::Glimpse;
use intake::headings::{Head, remembered};
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::edits::EditsApplied;
use store::extracts::{Difference, Upload};
use store::jobs::{Job, JobState};
use text::EngineError;

use super::effect::{DifferencePart, Effect};
use crate::app::App;
use crate::error::PageError;
use crate::pages::console::jobs::field_name;
use crate::pages::console::{sectors, sizes, titled};
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Rows of the file that are shown beside its headings.
pub(super) const EXAMPLES: usize = 3;
/// Characters of a cell that are shown.
const CELL: usize = 60;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/frames/uploads/{upload}", routing::get(show).post(choose))
        .route("/{slug}/console/frames/uploads/{upload}/keep", routing::post(keep))
        .route("/{slug}/console/frames/uploads/{upload}/discard", routing::post(discard))
        .route("/{slug}/console/frames/uploads/{upload}/difference/{kind}", routing::get(difference))
        .route("/{slug}/console/frames/uploads/{upload}/difference/{kind}/file", routing::get(difference_file))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ColumnsPage>(site)?;
    templates.check::<ReadingPage>(site)?;
    templates.check::<PreviewPage>(site)
}

/// What is known of an extract in one line.
#[derive(Debug, Clone, Serialize)]
pub struct ExtractLine {
    /// Its page.
    pub href: String,
    /// The year.
    pub year: i32,
    /// Name of the file.
    pub file_name: String,
    /// Key of the classification of its codes.
    pub classification: String,
}

impl ExtractLine {
    fn of(slug: &str, upload: &Upload) -> Self {
        Self {
            href: format!("/{slug}/console/frames/uploads/{}", upload.id),
            year: upload.year,
            file_name: upload.file_name.clone(),
            classification: upload.classification.clone(),
        }
    }

    fn sample() -> Self {
        Self {
            href: "/hojager/console/frames/uploads/1".to_owned(),
            year: 2026,
            file_name: "udtraek.csv".to_owned(),
            classification: "db25".to_owned(),
        }
    }
}

/// `GET /{slug}/console/frames/uploads/{upload}`, its columns to be chosen.
#[derive(Debug, Serialize)]
pub struct ColumnsPage {
    /// Navigation.
    pub bar: Bar,
    /// The extract.
    pub extract: ExtractLine,
    /// The columns in their order.
    pub columns: Vec<ColumnLine>,
    /// Fields to choose from: key and name.
    pub fields: Vec<(&'static str, String)>,
    /// Names of the fields that must be chosen.
    pub needed: Vec<String>,
    /// What is wrong, in words, with the column where there is one.
    pub faults: Vec<ColumnFault>,
    /// Why reading it failed, in the reader's words.
    pub failed: Option<String>,
}

/// What is wrong with the choice.
#[derive(Debug, Serialize)]
pub struct ColumnFault {
    /// The column, for a link.
    pub column: Option<usize>,
    /// In words.
    pub text: String,
}

/// A column of the file.
#[derive(Debug, Serialize)]
pub struct ColumnLine {
    /// Its position, from 0.
    pub at: usize,
    /// Its position, as people count.
    pub number: usize,
    /// Its heading; may be empty.
    pub heading: String,
    /// What stands in it, in the first rows.
    pub examples: Vec<String>,
    /// Key of the field that it holds; empty: left unread.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: bool,
}

impl Page for ColumnsPage {
    const TEMPLATE: &'static str = "console/frame-columns.html";

    fn samples() -> Vec<Self> {
        let column = |at, heading: &str, field, fault| ColumnLine {
            at,
            number: at + 1,
            heading: heading.to_owned(),
            examples: if fault { Vec::new() } else { vec!["1003388394".to_owned(), "1003388395".to_owned()] },
            field,
            fault,
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            extract: ExtractLine::sample(),
            columns: vec![column(0, "P-nr", "unit_number", false), column(1, "", "", full)],
            fields: vec![("unit_number", "P-nummer".to_owned()), ("name", "Navn".to_owned())],
            needed: vec!["P-nummer".to_owned()],
            faults: if full {
                vec![
                    ColumnFault { column: Some(1), text: "To kolonner.".to_owned() },
                    ColumnFault { column: None, text: "Mangler.".to_owned() },
                ]
            } else {
                Vec::new()
            },
            failed: full.then(|| "udtraek.csv: line 2".to_owned()),
        };
        vec![page(true), page(false)]
    }
}

/// The same address while the extract is being read.
#[derive(Debug, Serialize)]
pub struct ReadingPage {
    /// Navigation.
    pub bar: Bar,
    /// The extract.
    pub extract: ExtractLine,
    /// Bytes read.
    pub done: u64,
    /// Bytes in all; 0: unknown.
    pub total: u64,
}

impl Page for ReadingPage {
    const TEMPLATE: &'static str = "console/frame-reading.html";

    fn samples() -> Vec<Self> {
        let page = |total| Self { bar: Bar::sample(true), extract: ExtractLine::sample(), done: 3, total };
        vec![page(0), page(10)]
    }
}

/// The same address when the extract is read: what it would change.
#[derive(Debug, Serialize)]
pub struct PreviewPage {
    /// Navigation.
    pub bar: Bar,
    /// The extract.
    pub extract: ExtractLine,
    /// The same file, read the same way, is the year's frame already.
    pub same: bool,
    /// No row could be taken.
    pub empty: bool,
    /// The year has a frame that would be replaced.
    pub replaces: bool,
    /// What it makes of the population.
    pub effect: Effect,
    /// Against the year before.
    pub difference: Option<DifferencePart>,
    /// Corrections by hand that hold.
    pub edits: u64,
    /// Corrections by hand that end, because the register says something new.
    pub overtaken: u64,
    /// The first rows taken.
    pub taken: Vec<TakenLine>,
    /// The first rows left out.
    pub left_out: Vec<LeftOutLine>,
    /// The report row by row.
    pub report: Option<String>,
}

/// A row as it would stand in the frame.
#[derive(Debug, Serialize)]
pub struct TakenLine {
    /// Name.
    pub name: String,
    /// Address.
    pub address: String,
    /// Industry code.
    pub code: String,
    /// Sector.
    pub sector: String,
    /// Size class.
    pub size: String,
    /// Mail address.
    pub email: Option<String>,
    /// The register protects it.
    pub protected: bool,
}

/// A row that is left out.
#[derive(Debug, Serialize)]
pub struct LeftOutLine {
    /// Row in the file.
    pub row: u64,
    /// Name, or the number where there is none.
    pub name: String,
    /// The field it is about.
    pub field: Option<String>,
    /// Why.
    pub reason: String,
}

impl Page for PreviewPage {
    const TEMPLATE: &'static str = "console/frame-preview.html";

    fn samples() -> Vec<Self> {
        let taken = TakenLine {
            name: "Ærø Smede".to_owned(),
            address: "Smedegade 1, 4600 Køge".to_owned(),
            code: "45.20.10".to_owned(),
            sector: "Handel".to_owned(),
            size: "10–49".to_owned(),
            email: Some("info@smed.dk".to_owned()),
            protected: true,
        };
        let bare = TakenLine { email: None, protected: false, name: String::new(), address: String::new(), ..taken };
        let left_out = |field: Option<&str>| LeftOutLine {
            row: 7,
            name: "Kiosken".to_owned(),
            field: field.map(str::to_owned),
            reason: "Ophørt.".to_owned(),
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            extract: ExtractLine::sample(),
            same: !full,
            empty: false,
            replaces: full,
            effect: Effect::sample(full),
            difference: full.then(|| DifferencePart { counts: Difference::default(), href: "/x".to_owned() }),
            edits: 3,
            overtaken: u64::from(full),
            taken: Vec::new(),
            left_out: if full { vec![left_out(Some("P-nummer")), left_out(None)] } else { Vec::new() },
            report: full.then(|| "/x/report.csv".to_owned()),
        };
        vec![Self { taken: vec![bare], ..page(true) }, page(false), Self { empty: true, ..page(false) }]
    }
}

/// What the reading of an extract left behind.
#[derive(Deserialize)]
struct Reading {
    glimpse: Glimpse,
    difference: Option<Difference>,
    edits: Option<EditsApplied>,
    already_current: bool,
    import: ImportId,
}

#[derive(Deserialize)]
struct Again {
    /// The columns are to be chosen again.
    #[serde(default)]
    columns: Option<String>,
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, upload)): Path<(String, String)>,
    Query(again): Query<Again>,
) -> Result<Response, PageError> {
    let upload = app.store().frame_upload(&staff.municipality.id, &upload).await?;
    let job = match &upload.job {
        Some(job) => Some(app.store().job(&staff.municipality.id, job).await?),
        None => None,
    };
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    match (&job, &upload.preview) {
        (Some(_), Some(preview)) if again.columns.is_none() => {
            let reading: Reading = serde_json::from_value(preview.clone()).map_err(PageError::internal)?;
            view.render(&preview_page(&app, &staff, language, &upload, reading).await?)
        }
        (Some(job), None) if matches!(job.state, JobState::Queued | JobState::Running) => {
            let extract = ExtractLine::of(&staff.municipality.slug, &upload);
            let page = ReadingPage { bar: staff.bar("frames"), extract, done: job.done, total: job.total };
            let mut response = view.render(&page)?;
            response.headers_mut().insert(header::REFRESH, HeaderValue::from_static("3"));
            Ok(response)
        }
        _ => {
            let head = head_of(&upload)?;
            let fields = chosen(&app, &staff, &upload, &head).await?;
            let failed = job.and_then(|job: Job| job.error);
            view.render(&columns_page(&app, &staff, language, &upload, &head, &fields, Vec::new(), failed))
        }
    }
}

fn head_of(upload: &Upload) -> Result<Head, PageError> {
    serde_json::from_value(upload.head.clone()).map_err(PageError::internal)
}

/// The field of each column: as chosen before, as remembered from earlier extracts, as recognised.
async fn chosen(app: &App, staff: &Staff, upload: &Upload, head: &Head) -> Result<Vec<Option<Field>>, PageError> {
    if let Some(fields) = &upload.fields {
        let fields: BTreeMap<Field, usize> = serde_json::from_value(fields.clone()).map_err(PageError::internal)?;
        let at = |index: usize| fields.iter().find(|(_, at)| **at == index).map(|(field, _)| *field);
        return Ok((0..head.headings.len()).map(at).collect());
    }
    Ok(suggested(head, &app.store().frame_mapping(&staff.municipality.id).await?))
}

/// What earlier extracts say of a heading wins over what its name says; no field is suggested twice.
fn suggested(head: &Head, mapping: &BTreeMap<String, Option<String>>) -> Vec<Option<Field>> {
    let known: Vec<Option<Option<Field>>> = head
        .headings
        .iter()
        .map(|heading| mapping.get(&remembered(&heading.text)).map(|field| field.as_deref().and_then(Field::parse)))
        .collect();
    let mut taken: Vec<Field> = Vec::new();
    let mut once = |field: Option<Field>| {
        let field = field.filter(|field| !taken.contains(field))?;
        taken.push(field);
        Some(field)
    };
    let mut fields: Vec<Option<Field>> = known.iter().map(|field| once(field.flatten())).collect();
    for (at, heading) in head.headings.iter().enumerate() {
        if known[at].is_none() {
            fields[at] = once(heading.field);
        }
    }
    fields
}

#[expect(clippy::too_many_arguments, reason = "what a page is made of")]
fn columns_page(
    app: &App,
    staff: &Staff,
    language: Language,
    upload: &Upload,
    head: &Head,
    fields: &[Option<Field>],
    faults: Vec<ColumnFault>,
    failed: Option<String>,
) -> ColumnsPage {
    let name = |field: Field| field_name(app, language, field);
    let short = |cell: &String| {
        let cut: String = cell.chars().take(CELL).collect();
        if cut.len() < cell.len() { format!("{cut}…") } else { cut }
    };
    let examples = |at: usize| head.rows.iter().filter_map(move |row| row.get(at)).filter(|c| !c.is_empty()).map(short);
    let columns = head.headings.iter().enumerate().map(|(at, heading)| ColumnLine {
        at,
        number: at + 1,
        heading: heading.text.clone(),
        examples: examples(at).collect(),
        field: fields.get(at).copied().flatten().map_or("", Field::key),
        fault: faults.iter().any(|fault| fault.column == Some(at)),
    });
    ColumnsPage {
        bar: staff.bar("frames"),
        extract: ExtractLine::of(&staff.municipality.slug, upload),
        columns: columns.collect(),
        fields: Field::ALL.into_iter().map(|field| (field.key(), name(field))).collect(),
        needed: NEEDED.iter().map(|some| some.iter().map(|f| name(*f)).collect::<Vec<_>>().join(" / ")).collect(),
        faults,
        failed,
    }
}

/// Of each of these one must be there: the reader refuses a file without.
const NEEDED: [&[Field]; 4] =
    [&[Field::UnitNumber], &[Field::Name], &[Field::IndustryCode], &[Field::Employees, Field::EmployeesInterval]];

/// The columns as the form sent them, by position; an unknown word is no field.
fn read_form(pairs: &[(String, String)], columns: usize) -> Vec<Option<Field>> {
    let mut fields = vec![None; columns];
    for (name, value) in pairs {
        let at = name.strip_prefix('c').and_then(|at| at.parse::<usize>().ok());
        if let Some(field) = at.and_then(|at| fields.get_mut(at)) {
            *field = Field::parse(value);
        }
    }
    fields
}

/// What is wrong with a choice: the field that two columns (both named) claim, or those of which one is missing.
type ChoiceFault = (Option<(usize, usize)>, Vec<Field>);

/// What is wrong with a choice: a field chosen twice, a field that is missing.
fn faults(fields: &[Option<Field>]) -> Vec<ChoiceFault> {
    let at = |field: &Field| fields.iter().position(|chosen| chosen.as_ref() == Some(field));
    let mut wrong = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let Some(field) = field else { continue };
        if let Some(first) = at(field).filter(|first| *first < index) {
            wrong.push((Some((first, index)), vec![*field]));
        }
    }
    let missing = NEEDED.iter().filter(|some| some.iter().all(|field| at(field).is_none()));
    wrong.extend(missing.map(|some| (None, some.to_vec())));
    wrong
}

async fn choose(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, upload)): Path<(String, String)>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let upload = app.store().frame_upload(id, &upload).await?;
    let head = head_of(&upload)?;
    let fields = read_form(&pairs, head.headings.len());
    let wrong = faults(&fields);
    if !wrong.is_empty() {
        let view = app.view(&visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY);
        let language = view.language();
        let told = wrong.into_iter().map(|(columns, fields)| {
            let names: Vec<String> = fields.iter().map(|field| field_name(&app, language, *field)).collect();
            let field = names.join(" / ");
            let text = match columns {
                Some((first, second)) => {
                    let args =
                        [("field", field.into()), ("first", (first + 1).into()), ("second", (second + 1).into())];
                    app.t(language, "frames.fault_twice", &args)
                }
                None => app.t(language, "frames.fault_missing", &[("field", field.into())]),
            };
            ColumnFault { column: columns.map(|(_, second)| second), text }
        });
        let told = told.collect();
        return view.render(&columns_page(&app, &staff, language, &upload, &head, &fields, told, None));
    }
    let columns: BTreeMap<Field, usize> =
        fields.iter().enumerate().filter_map(|(at, field)| field.map(|field| (field, at))).collect();
    let columns = serde_json::to_value(columns).map_err(PageError::internal)?;
    app.store().read_frame_upload(id, &upload.id, &columns, app.now()).await?;
    staff.did(&app, "frame.columns_chosen", &upload.id, &upload.year.to_string()).await?;
    Ok(to(&staff, &format!("uploads/{}", upload.id)))
}

/// On to a page about frames.
pub(super) fn to(staff: &Staff, path: &str) -> Response {
    Redirect::to(&format!("/{}/console/frames/{path}", staff.municipality.slug)).into_response()
}

async fn preview_page(
    app: &App,
    staff: &Staff,
    language: Language,
    upload: &Upload,
    reading: Reading,
) -> Result<PreviewPage, PageError> {
    let (id, slug) = (&staff.municipality.id, &staff.municipality.slug);
    let Reading { glimpse, difference, edits, already_current, import } = reading;
    let edits = edits.unwrap_or_default();
    let extract = ExtractLine::of(slug, upload);
    let excluded = edits.excluded;
    let effect =
        Effect::of(app, staff, language, &import, Some(glimpse.summary), difference.as_ref(), excluded).await?;
    let titles = (sectors(&staff.municipality, language), sizes(&staff.municipality, language));
    let taken = |unit: FrameUnit| TakenLine {
        address: address(&unit),
        sector: titled(&titles.0, &unit.sector).to_owned(),
        size: titled(&titles.1, &unit.size).to_owned(),
        name: unit.name,
        code: unit.industry_code,
        email: unit.email,
        protected: unit.protected,
    };
    let left_out = |row: intake::glimpse::RowLeftOut| LeftOutLine {
        row: row.row,
        name: if row.name.is_empty() { row.unit } else { row.name },
        field: row.field.map(|field| field_name(app, language, field)),
        reason: row.reason.get(language).to_owned(),
    };
    Ok(PreviewPage {
        bar: staff.bar("frames"),
        same: already_current,
        empty: effect.n == 0,
        replaces: app.store().frame_story(id, upload.year).await?.is_some(),
        effect,
        difference: difference.map(|counts| DifferencePart { counts, href: format!("{}/difference", extract.href) }),
        edits: edits.applied,
        overtaken: edits.overtaken,
        taken: glimpse.taken.into_iter().map(taken).collect(),
        left_out: glimpse.left_out.into_iter().map(left_out).collect(),
        report: upload.job.as_ref().map(|job| format!("/{slug}/console/jobs/{job}/report.csv")),
        extract,
    })
}

/// Street, postal code and town in one line, as far as they are known.
pub(super) fn address(unit: &FrameUnit) -> String {
    let town = format!("{} {}", unit.postcode, unit.city);
    [unit.street.trim(), town.trim()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

async fn keep(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, upload)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let upload = app.store().frame_upload(id, &upload).await?;
    let head = head_of(&upload)?;
    let fields = chosen(&app, &staff, &upload, &head).await?;
    let mapping = head
        .headings
        .iter()
        .zip(fields)
        .map(|(heading, field)| (remembered(&heading.text), field.map(|field| field.key().to_owned())))
        .filter(|(heading, _)| !heading.is_empty())
        .collect();
    let change = app.store().keep_frame_upload(id, &upload.id, &mapping, app.now()).await?;
    staff.did(&app, "frame.kept", &upload.year.to_string(), &change.total.to_string()).await?;
    let done = if change.replaced { "kept" } else { "same" };
    Ok(to(&staff, &format!("{}?done={done}", upload.year)))
}

async fn discard(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, upload)): Path<(String, String)>,
) -> Result<Response, PageError> {
    app.store().discard_frame_upload(&staff.municipality.id, &upload).await?;
    staff.did(&app, "frame.discarded", &upload, "").await?;
    Ok(Redirect::to(&format!("/{}/console/frames?done=discarded", staff.municipality.slug)).into_response())
}

/// What an extract was read into; not found before it is read.
async fn import_of(app: &App, staff: &Staff, upload: &str) -> Result<(Upload, ImportId), PageError> {
    let upload = app.store().frame_upload(&staff.municipality.id, upload).await?;
    let preview = upload.preview.clone().ok_or(StoreError::NotFound("extract"))?;
    let reading: Reading = serde_json::from_value(preview).map_err(PageError::internal)?;
    Ok((upload, reading.import))
}

async fn difference(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, upload, kind)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let (upload, import) = import_of(&app, &staff, &upload).await?;
    let back = ExtractLine::of(&staff.municipality.slug, &upload).href;
    super::year::difference_page(&app, &visit, &staff, (&import, upload.year), &kind, back).await
}

async fn difference_file(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, upload, kind)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let (upload, import) = import_of(&app, &staff, &upload).await?;
    super::year::difference_table(&app, &visit, &staff, (&import, upload.year), &kind).await
}

#[cfg(test)]
mod tests {
    use intake::headings::Heading;

    use super::*;

    fn head(headings: &[(&str, Option<Field>)]) -> Head {
        let heading = |(text, field): &(&str, Option<Field>)| Heading { text: (*text).to_owned(), field: *field };
        Head { headings: headings.iter().map(heading).collect(), rows: Vec::new() }
    }

    #[test]
    fn what_was_chosen_last_year_wins_and_no_field_is_suggested_twice() {
        let head = head(&[("Navn", Some(Field::Name)), ("Firma", None), ("E-mail", Some(Field::Email)), ("Nyt", None)]);
        let mapping = [("firma", Some("name")), ("email", None)];
        let mapping = mapping.into_iter().map(|(h, f)| (h.to_owned(), f.map(str::to_owned))).collect();
        assert_eq!(suggested(&head, &mapping), [None, Some(Field::Name), None, None]);
        assert_eq!(suggested(&head, &BTreeMap::new()), [Some(Field::Name), None, Some(Field::Email), None]);
    }

    #[test]
    fn a_choice_names_its_faults() {
        let pairs = |words: &[&str]| -> Vec<(String, String)> {
            words.iter().enumerate().map(|(at, word)| (format!("c{at}"), (*word).to_owned())).collect()
        };
        let whole = ["unit_number", "name", "industry_code", "employees_interval", ""];
        let fields = read_form(&pairs(&whole), 5);
        assert_eq!(fields[3..], [Some(Field::EmployeesInterval), None]);
        assert!(faults(&fields).is_empty());
        let fields = read_form(&pairs(&["name", "name", "rubbish", "industry_code", "x", "beyond"]), 5);
        assert_eq!(
            faults(&fields),
            [
                (Some((0, 1)), vec![Field::Name]),
                (None, vec![Field::UnitNumber]),
                (None, vec![Field::Employees, Field::EmployeesInterval])
            ]
        );
    }
}
