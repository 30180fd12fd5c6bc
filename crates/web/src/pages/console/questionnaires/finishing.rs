//! A draft becomes the next version, or nothing.
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::fieldwork::RoundState;
use domain::ids::RoundId;
use domain::questionnaire::Decision;
use serde::Serialize;

use super::{Desk, FaultLine, Head, Notice, RoundChoice, Sent, differences, fault_lines, field};
use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar};
use crate::templates::Page;
use crate::visit::Visit;

/// Longest remark on a version, in characters.
const NOTE: usize = 500;

/// Routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/questionnaires/{draft}/finish", routing::get(show).post(finish))
        .route("/{slug}/console/questionnaires/{draft}/discard", routing::get(ask).post(discard))
}

/// `GET /{slug}/console/questionnaires/{draft}/finish` and `/discard`
#[derive(Debug, Serialize)]
pub struct FinishPage {
    bar: Bar,
    head: Head,
    notice: Option<Notice>,
    /// The draft is to be thrown away.
    discarding: bool,
    faults: Vec<FaultLine>,
    undecided: usize,
    changed: usize,
    /// Answers whose series breaks.
    breaks: usize,
    rounds: Vec<RoundChoice>,
    note: String,
}

impl Page for FinishPage {
    const TEMPLATE: &'static str = "console/questionnaire-finish.html";

    fn samples() -> Vec<Self> {
        let round = || RoundChoice { id: "1".to_owned(), title: "2027-målingen".to_owned(), version: String::new() };
        let page = |full: bool, discarding: bool| Self {
            bar: Bar::sample(true),
            head: Head::sample(),
            notice: if full { Notice::sample() } else { None },
            discarding,
            faults: if full { vec![FaultLine::sample(Some("/x")), FaultLine::sample(None)] } else { Vec::new() },
            undecided: usize::from(full),
            changed: 3,
            breaks: usize::from(full),
            rounds: if full { vec![round()] } else { Vec::new() },
            note: String::new(),
        };
        vec![page(true, false), page(false, false), page(false, true)]
    }
}

async fn page(app: &App, desk: &Desk, note: &str, notice: Option<Notice>) -> Result<FinishPage, PageError> {
    let rounds = app.store().rounds(&desk.staff.municipality.id).await?;
    let decisions = differences::decisions(desk);
    let choice =
        |r: &store::rounds::Round| RoundChoice { id: r.id.to_string(), title: r.title.clone(), version: String::new() };
    Ok(FinishPage {
        bar: desk.staff.bar("questionnaires"),
        head: desk.head(),
        notice,
        discarding: false,
        faults: fault_lines(app, desk),
        undecided: differences::undecided(desk).len(),
        changed: domain::questionnaire::compare(&desk.base, &desk.draft.form).len(),
        breaks: decisions.values().filter(|d| **d == Decision::New).count(),
        rounds: rounds.iter().filter(|r| r.state == RoundState::Draft).map(choice).collect(),
        note: note.to_owned(),
    })
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let page = page(&app, &desk, "", None).await?;
    app.view(&visit).of(&desk.staff.municipality).render(&page)
}

async fn finish(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let id = &desk.staff.municipality.id;
    let note: String = field(&sent, "note").unwrap_or_default().trim().chars().take(NOTE).collect();
    if !desk.faults.is_empty() || !differences::undecided(&desk).is_empty() {
        let page = page(&app, &desk, &note, None).await?;
        return app.view(&visit).of(&desk.staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    }
    // What follows of itself is written down with what was decided, on the state that the page showed.
    let mut edit = desk.edit(&app, &sent);
    let mut made = None;
    if app.store().decide_questionnaire_draft(id, edit, &differences::decisions(&desk)).await? {
        edit.revision += 1;
        made = app.store().finish_questionnaire_draft(id, edit, &note).await?;
    }
    let Some(version) = made else {
        let desk = Desk::open(&app, &visit, desk.staff, &draft).await?;
        let notice = Notice { text: "instrument.told_conflict", warning: true };
        let page = page(&app, &desk, &note, Some(notice)).await?;
        return app.view(&visit).of(&desk.staff.municipality).status(StatusCode::CONFLICT).render(&page);
    };
    desk.staff.did(&app, "questionnaire.finished", version.as_str(), &note).await?;
    let told = match field(&sent, "round").filter(|round| !round.is_empty()) {
        Some(round) => super::give(&app, &desk.staff, &RoundId(round.to_owned()), &version).await?,
        None => "finished",
    };
    Ok(Redirect::to(&format!("/{}/console/questionnaires?note={told}", desk.staff.municipality.slug)).into_response())
}

async fn ask(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let page = FinishPage { discarding: true, ..page(&app, &desk, "", None).await? };
    app.view(&visit).of(&desk.staff.municipality).render(&page)
}

async fn discard(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    // It must be there, and this municipality's.
    let draft = app.store().questionnaire_draft(id, &draft).await?;
    app.store().drop_questionnaire_draft(id, &draft.id).await?;
    staff.did(&app, "questionnaire.discarded", &draft.id, "").await?;
    Ok(Redirect::to(&format!("/{}/console/questionnaires?note=discarded", staff.municipality.slug)).into_response())
}
