//! The console's work on frames: an extract read so that it can be looked at, other sectors for all years.
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use domain::ids::UserId;
use domain::industry::Classification;
use domain::municipality::{Municipality, OwnGrouping};
use intake::frame::{Field, Mapping};
use serde::Deserialize;
use serde_json::json;
use store::jobs::{Job, JobFile};

use crate::import::{self, Request, Staged, Upload};
use crate::jobs::{Meter, Outcome, SharedBuffer};
use crate::wiring::Parts;

#[derive(Deserialize)]
struct ReadArguments {
    upload: String,
}

/// Reads an extract into an import that nobody sees yet, and notes what it would change.
///
/// # Errors
/// What is wrong with the file (file, line, column), or with the year (a round is open on it).
pub(crate) async fn read(parts: &Parts, municipality: &Municipality, job: &Job, meter: &Meter) -> Result<Outcome> {
    let id = &municipality.id;
    let ReadArguments { upload } = serde_json::from_value(job.arguments.clone()).context("the job's arguments")?;
    let found = parts.store.frame_upload(id, &upload).await?;
    let bytes = parts.store.frame_upload_bytes(id, &upload).await?;
    let columns: BTreeMap<Field, usize> =
        serde_json::from_value(found.fields.unwrap_or_default()).context("the columns of the extract")?;
    let request = Request {
        municipality,
        year: found.year,
        file_name: &found.file_name,
        classification: Classification::parse(&found.classification),
        mapping: Mapping::default(),
        columns: Some(columns),
        codes: Vec::new(),
    };
    let (report, shown) = (SharedBuffer::default(), meter.clone());
    let progress = move |p: intake::frame::Progress| shown.set(p.bytes, p.total_bytes);
    let staged = import::stage(parts, &request, Upload::new(bytes), report.clone(), progress).await?;
    let Staged { import, already_current, glimpse } = staged;
    let summary = serde_json::to_value(&glimpse.summary)?;
    let edits = if already_current {
        None
    } else {
        parts.store.frame_upload_reads_to(id, &upload, &import).await?;
        parts.store.describe_frame_import(id, &import, &summary, Some(&job.id)).await?;
        Some(parts.store.apply_frame_edits(id, &import, parts.clock.now()).await?)
    };
    let difference = parts.store.frame_difference(id, &import, found.year).await?;
    let preview = json!({
        "glimpse": glimpse, "difference": difference, "edits": edits, "already_current": already_current, "import": import,
    });
    parts.store.show_frame_upload(id, &upload, &preview).await?;
    let report =
        JobFile { name: "report.csv".into(), media_type: "text/csv; charset=utf-8".into(), bytes: report.take() };
    // Counts only: the rows stay with the extract, and go with it.
    Ok(Outcome { result: json!({ "summary": summary, "upload": upload }), files: vec![report] })
}

#[derive(Deserialize)]
struct RegroupArguments {
    grouping: String,
    own: Option<OwnGrouping>,
    by: UserId,
}

/// Puts every business of every year into its sector under another grouping.
///
/// # Errors
/// A grouping with faults, a round that is open.
pub(crate) async fn regroup(parts: &Parts, municipality: &Municipality, job: &Job, meter: &Meter) -> Result<Outcome> {
    let RegroupArguments { grouping, own, by } =
        serde_json::from_value(job.arguments.clone()).context("the job's arguments")?;
    let mut settings = municipality.settings.clone();
    (settings.grouping, settings.own_grouping) = (grouping, own);
    let sectors = settings.sectors()?.into_owned();
    let sector_of = |code: &str, classification: Classification| {
        sectors.sector_of(code, classification).ok().map(|found| found.sector.key.clone())
    };
    let progress = |done, total| meter.set(done, total);
    let moved = parts
        .store
        .regroup_frames(&municipality.id, &settings, sector_of, Some(&by), progress, parts.clock.now())
        .await?;
    Ok(Outcome { result: json!({ "moved": moved }), files: Vec::new() })
}
