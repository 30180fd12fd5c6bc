//! Register extracts: which years have one, and a new one in.
use axum::extract::{DefaultBodyLimit, Multipart, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::industry::Classification;
use domain::language::Country;
use serde::Serialize;
use store::frames::FrameSummary;
use store::jobs::JobFile;
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
    Router::new().route("/{slug}/console/frames", routing::get(show).post(upload).layer(DefaultBodyLimit::max(LARGEST)))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<FramesPage>(site)
}

/// `GET /{slug}/console/frames`
#[derive(Debug, Serialize)]
pub struct FramesPage {
    /// Navigation.
    pub bar: Bar,
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
}

/// A year's frame.
#[derive(Debug, Serialize)]
pub struct FrameLine {
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
    fn of(frame: FrameSummary) -> Self {
        Self {
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
            year: 2026,
            file_name: "udtraek.csv".to_owned(),
            at: 1_790_000_000_000,
            units: 2480,
            contactable: 1900,
            protected: 210,
            frozen,
        };
        let page = |frames, fault| Self {
            bar: Bar::sample(true),
            frames,
            year: "2026".to_owned(),
            classifications: vec!["db07", "db25"],
            classification: "db25".to_owned(),
            fault,
        };
        vec![page(vec![line(true), line(false)], Some("console.frame_no_file")), page(Vec::new(), None)]
    }
}

async fn page(
    app: &App,
    staff: &Staff,
    year: String,
    classification: String,
    fault: Option<&'static str>,
) -> Result<FramesPage, PageError> {
    let mut frames: Vec<FrameLine> =
        app.store().frames(&staff.municipality.id).await?.into_iter().map(FrameLine::of).collect();
    frames.reverse();
    let own = |c: &Classification| match staff.municipality.country {
        Country::Dk => matches!(c, Classification::Db07 | Classification::Db25),
        Country::Se => matches!(c, Classification::Sni2007 | Classification::Sni2025),
    };
    let classifications = Classification::ALL.into_iter().filter(own).map(Classification::key).collect();
    Ok(FramesPage { bar: staff.bar("frames"), frames, year, classifications, classification, fault })
}

async fn show(State(app): State<App>, visit: Visit, Analyst(staff): Analyst) -> Result<Response, PageError> {
    let year = this_year(&app, &staff.municipality).to_string();
    let page = page(&app, &staff, year, String::new(), None).await?;
    app.view(&visit).of(&staff.municipality).render(&page)
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

    /// The arguments of the job, or the fault: key of a message.
    fn arguments(&self) -> Result<serde_json::Value, &'static str> {
        let year =
            self.year.parse().ok().filter(|y: &i32| (2000..=2100).contains(y)).ok_or("console.frame_bad_year")?;
        let classification = match self.classification.as_str() {
            "" => None,
            key => Some(Classification::parse(key).ok_or("console.frame_bad_classification")?),
        };
        if self.bytes.is_empty() {
            return Err("console.frame_no_file");
        }
        Ok(serde_json::json!({
            "year": year,
            "file_name": self.file_name,
            "classification": classification.map(Classification::key),
            "mapping": {},
            "codes": [],
        }))
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
    let upload = Upload::read(form).await?;
    let arguments = match upload.arguments() {
        Ok(arguments) => arguments,
        Err(fault) => {
            let page = page(&app, &staff, upload.year, upload.classification, Some(fault)).await?;
            return app.view(&visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
        }
    };
    let file =
        JobFile { name: "extract".to_owned(), media_type: "application/octet-stream".to_owned(), bytes: upload.bytes };
    let job = app.store().enqueue_job(&staff.municipality.id, "import_frame", &arguments, &[file], app.now()).await?;
    staff.did(&app, "frame.uploaded", job.as_str(), &upload.file_name).await?;
    Ok(Redirect::to(&format!("/{}/console/jobs/{job}", staff.municipality.slug)).into_response())
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
