//! Register extracts: which years have one, and a new one in.
//!
//! # Layout
//! - this module: the list, and a file sent in
//! - [`extract`]: its columns matched to fields, what it would change, kept or thrown away
//! - [`year`]: a year's frame: where it comes from, whom it leaves out, how it differs from the year before
//! - [`units`]: single businesses, corrected by hand
//! - [`regroup`]: other sectors, for all years at once
//! - [`effect`]: what an extract makes of the population, as a part of pages
pub mod effect;
pub mod extract;
pub mod regroup;
pub mod units;
pub mod year;

use std::io::Cursor;

use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::industry::Classification;
use domain::language::Country;
use intake::frame::UnitKind;
use serde::{Deserialize, Serialize};
use store::extracts::NewUpload;
use store::frames::FrameSummary;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::this_year;
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// A register of 300,000 units as CSV is about 60 MB.
const LARGEST: usize = 96 * 1024 * 1024;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/frames", routing::get(show).post(upload).layer(DefaultBodyLimit::max(LARGEST)))
        .merge(extract::routes())
        .merge(year::routes())
        .merge(units::routes())
        .merge(regroup::routes())
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<FramesPage>(site)?;
    extract::check(templates, site)?;
    year::check(templates, site)?;
    units::check(templates, site)?;
    regroup::check(templates, site)
}

/// `GET /{slug}/console/frames`
#[derive(Debug, Serialize)]
pub struct FramesPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// Extracts that are not decided on.
    pub waiting: Vec<WaitingLine>,
    /// The frames, newest first.
    pub frames: Vec<FrameLine>,
    /// The year in the form.
    pub year: String,
    /// Classifications on offer, by key.
    pub classifications: Vec<&'static str>,
    /// The classification in the form; empty: by the year of the extract.
    pub classification: String,
    /// What is wrong with the form: key of a message.
    pub fault: Option<&'static str>,
    /// What is wrong with the file, in words.
    pub unreadable: Option<String>,
}

/// An extract that is not decided on.
#[derive(Debug, Serialize)]
pub struct WaitingLine {
    /// Its page.
    pub href: String,
    /// The year.
    pub year: i32,
    /// Name of the file.
    pub file_name: String,
    /// When it came, in milliseconds.
    pub at: i64,
}

/// A year's frame.
#[derive(Debug, Serialize)]
pub struct FrameLine {
    /// Its page.
    pub href: String,
    /// The year.
    pub year: i32,
    /// Name of the file.
    pub file_name: String,
    /// When, in milliseconds.
    pub at: i64,
    /// Units.
    pub units: u64,
    /// Of these with an address that may be used.
    pub contactable: u64,
    /// Of these protected.
    pub protected: u64,
    /// In use by a round.
    pub frozen: bool,
}

impl FrameLine {
    fn of(slug: &str, frame: FrameSummary) -> Self {
        Self {
            href: format!("/{slug}/console/frames/{}", frame.year),
            year: frame.year,
            file_name: frame.file_name,
            at: frame.imported_at.0,
            units: frame.units,
            contactable: frame.contactable,
            protected: frame.protected,
            frozen: frame.frozen,
        }
    }
}

impl Page for FramesPage {
    const TEMPLATE: &'static str = "console/frames.html";

    fn samples() -> Vec<Self> {
        let line = |frozen| FrameLine {
            href: "/hojager/console/frames/2026".to_owned(),
            year: 2026,
            file_name: "udtraek.csv".to_owned(),
            at: 1_790_000_000_000,
            units: 2480,
            contactable: 1900,
            protected: 210,
            frozen,
        };
        let waiting = || WaitingLine {
            href: "/hojager/console/frames/uploads/1".to_owned(),
            year: 2026,
            file_name: "udtraek.csv".to_owned(),
            at: 1_790_000_000_000,
        };
        let page = |frames: Vec<FrameLine>, fault: Option<&'static str>| Self {
            bar: Bar::sample(true),
            note: fault.map(|_| "frames.flash_kept"),
            waiting: fault.map(|_| waiting()).into_iter().collect(),
            unreadable: fault.map(|_| "udtraek.csv: the file is empty".to_owned()),
            frames,
            year: "2026".to_owned(),
            classifications: vec!["db07", "db25"],
            classification: "db25".to_owned(),
            fault,
        };
        vec![page(vec![line(true), line(false)], Some("console.frame_no_file")), page(Vec::new(), None)]
    }
}

/// The form of a new extract as it was filled in.
#[derive(Default)]
struct Filled {
    year: String,
    classification: String,
    fault: Option<&'static str>,
    unreadable: Option<String>,
}

async fn page(app: &App, staff: &Staff, note: Option<&'static str>, filled: Filled) -> Result<FramesPage, PageError> {
    let (id, slug) = (&staff.municipality.id, &staff.municipality.slug);
    let mut frames: Vec<FrameLine> =
        app.store().frames(id).await?.into_iter().map(|frame| FrameLine::of(slug, frame)).collect();
    frames.reverse();
    let waiting = app.store().waiting_frame_uploads(id).await?;
    let waiting = waiting.into_iter().map(|w| WaitingLine {
        href: format!("/{slug}/console/frames/uploads/{}", w.id),
        year: w.year,
        file_name: w.file_name,
        at: w.created_at.0,
    });
    let own = |c: &Classification| match staff.municipality.country {
        Country::Dk => matches!(c, Classification::Db07 | Classification::Db25),
        Country::Se => matches!(c, Classification::Sni2007 | Classification::Sni2025),
    };
    let classifications = Classification::ALL.into_iter().filter(own).map(Classification::key).collect();
    let Filled { year, classification, fault, unreadable } = filled;
    let bar = staff.bar("frames");
    Ok(FramesPage {
        bar,
        note,
        waiting: waiting.collect(),
        frames,
        year,
        classifications,
        classification,
        fault,
        unreadable,
    })
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    let year = this_year(&app, &staff.municipality).to_string();
    let page = page(&app, &staff, done.key(), Filled { year, ..Filled::default() }).await?;
    app.view(&visit).of(&staff.municipality).render(&page)
}

/// What was just done with a frame: a word of a closed list in the query (`?done=kept`).
#[derive(Debug, Deserialize)]
pub struct Done {
    #[serde(default)]
    done: String,
}

impl Done {
    /// Key of the message that says it.
    #[must_use]
    pub fn key(&self) -> Option<&'static str> {
        Some(match self.done.as_str() {
            "kept" => "frames.flash_kept",
            "same" => "frames.flash_same",
            "discarded" => "frames.flash_discarded",
            "undone" => "frames.flash_undone",
            "gone" => "frames.flash_gone",
            "saved" => "frames.flash_saved",
            "unchanged" => "frames.flash_unchanged",
            "excluded" => "frames.flash_excluded",
            "included" => "frames.flash_included",
            _ => return None,
        })
    }
}

/// What the form sent.
#[derive(Default)]
struct Upload {
    year: String,
    classification: String,
    file_name: String,
    bytes: Vec<u8>,
}

impl Upload {
    async fn read(mut form: Multipart) -> Result<Self, PageError> {
        let mut upload = Self::default();
        let too_large = |e: axum::extract::multipart::MultipartError| {
            if e.status() == StatusCode::PAYLOAD_TOO_LARGE { PageError::TooLarge } else { PageError::BadRequest }
        };
        while let Some(field) = form.next_field().await.map_err(too_large)? {
            match field.name() {
                Some("year") => upload.year = field.text().await.map_err(too_large)?.trim().to_owned(),
                Some("classification") => upload.classification = field.text().await.map_err(too_large)?,
                Some("file") => {
                    upload.file_name = file_name(field.file_name().unwrap_or_default());
                    upload.bytes = field.bytes().await.map_err(too_large)?.into();
                }
                _ => {}
            }
        }
        Ok(upload)
    }

    /// Year and classification, or the fault: key of a message.
    fn checked(&self, country: Country) -> Result<(i32, Classification), &'static str> {
        let year =
            self.year.parse().ok().filter(|y: &i32| (2000..=2100).contains(y)).ok_or("console.frame_bad_year")?;
        let classification = match self.classification.as_str() {
            "" => Classification::in_use(country, year),
            key => Classification::parse(key).ok_or("console.frame_bad_classification")?,
        };
        if self.bytes.is_empty() {
            return Err("console.frame_no_file");
        }
        Ok((year, classification))
    }
}

/// The last part of a path, without what a page or a log should not carry.
fn file_name(sent: &str) -> String {
    let name: String =
        sent.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(120).collect();
    if name.is_empty() { "udtraek".to_owned() } else { name }
}

async fn upload(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    form: Multipart,
) -> Result<Response, PageError> {
    let mut sent = Upload::read(form).await?;
    let id = &staff.municipality.id;
    let (as_sent, chosen) = (sent.year.clone(), sent.classification.clone());
    let again = async |fault, unreadable| {
        let filled = Filled { year: as_sent.clone(), classification: chosen.clone(), fault, unreadable };
        let page = page(&app, &staff, None, filled).await?;
        app.view(&visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY).render(&page)
    };
    let (year, classification) = match sent.checked(staff.municipality.country) {
        Ok(checked) => checked,
        Err(fault) => return again(Some(fault), None).await,
    };
    // Told before the work is done, not after it.
    if app.store().frame_story(id, year).await?.is_some_and(|story| story.frozen) {
        return again(Some("frames.fault_frozen"), None).await;
    }
    let (name, bytes) = (sent.file_name.clone(), std::mem::take(&mut sent.bytes));
    let looking = tokio::task::spawn_blocking(move || {
        let source = Cursor::new(&bytes);
        let head = intake::headings::inspect(&name, source, UnitKind::Workplace, classification, extract::EXAMPLES);
        (bytes, head)
    });
    let (bytes, looked) = looking.await.map_err(PageError::internal)?;
    let head = match looked {
        Ok(head) => serde_json::to_value(head).map_err(PageError::internal)?,
        Err(error) => return again(None, Some(error.to_string())).await,
    };
    let new = NewUpload {
        year,
        classification: classification.key(),
        file_name: &sent.file_name,
        head: &head,
        bytes: &bytes,
    };
    let upload = app.store().add_frame_upload(id, &new, Some(&staff.user.id), app.now()).await?;
    staff.did(&app, "frame.uploaded", &upload, &sent.file_name).await?;
    Ok(Redirect::to(&format!("/{}/console/frames/uploads/{upload}", staff.municipality.slug)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_path_does_not_come_along() {
        assert_eq!(file_name("C:\\Users\\mette\\udtræk 2026.xlsx"), "udtræk 2026.xlsx");
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name(""), "udtraek");
    }
}
