//! How well a round is answered: how long it takes, what is left blank, where people stop. Counts, never answers.
use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Router, routing};
use domain::ids::RoundId;
use domain::quality::{Given, QuestionQuality, measure};
use serde::Serialize;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::rounds::{RoundInfo, info};
use crate::pages::signin::{Analyst, Bar};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/{slug}/console/rounds/{round}/quality", routing::get(show))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<QualityPage>(site)
}

/// `GET /{slug}/console/rounds/{round}/quality`
#[derive(Debug, Serialize)]
pub struct QualityPage {
    /// Navigation.
    pub bar: Bar,
    /// The round.
    pub round: RoundInfo,
    /// Sent responses.
    pub sent: u64,
    /// Begun and not sent.
    pub unsent: u64,
    /// Fewer responses than may be looked at.
    pub too_few: bool,
    /// Median time, in minutes and tenths.
    pub median: Option<f64>,
    /// Nine out of ten were quicker, in minutes.
    pub slow: Option<f64>,
    /// The questions in their order.
    pub questions: Vec<QuestionLine>,
}

/// How well a question is answered.
#[derive(Debug, Serialize)]
pub struct QuestionLine {
    /// Its words.
    pub text: String,
    /// Sent responses in which it was asked.
    pub asked: u64,
    /// Left blank, 0–1.
    pub blank: f64,
    /// So many stopped here.
    pub left: u64,
}

impl Page for QualityPage {
    const TEMPLATE: &'static str = "console/quality.html";

    fn samples() -> Vec<Self> {
        let line = QuestionLine { text: "Hvor tilfredse er I?".into(), asked: 120, blank: 0.05, left: 3 };
        let page = |full: bool, questions| Self {
            bar: Bar::sample(full),
            round: RoundInfo::sample("open"),
            sent: 120,
            unsent: 14,
            too_few: !full,
            median: full.then_some(5.4),
            slow: full.then_some(11.0),
            questions,
        };
        vec![page(true, vec![line]), page(false, Vec::new())]
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let round = app.store().round(id, &RoundId(round)).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let mut rows = Vec::new();
    let mut quality = domain::quality::Quality::default();
    if let Some(questionnaire) = &round.questionnaire {
        let questionnaire = app.questionnaire(id, questionnaire).await?;
        rows = app.store().quality_feed(id, &round.id).await?;
        quality = measure(
            &questionnaire,
            rows.iter().map(|r| Given { facts: &r.facts, answers: &r.answers, is_sent: r.is_sent, seconds: r.seconds }),
        );
    }
    // What one business left blank is as much its own as what it answered.
    let too_few = (rows.len() as u64) < u64::from(round.threshold.max(5));
    let line = |q: QuestionQuality| QuestionLine {
        text: q.text.get(language).to_owned(),
        asked: q.asked,
        blank: if q.asked == 0 { 0.0 } else { q.blank as f64 / q.asked as f64 },
        left: q.left,
    };
    let minutes = |seconds: Option<u64>| seconds.filter(|_| !too_few).map(|s| s as f64 / 60.0);
    view.render(&QualityPage {
        bar: staff.bar("home"),
        round: info(&app, language, &staff, &round),
        sent: quality.sent,
        unsent: quality.unsent,
        too_few,
        median: minutes(quality.median_seconds),
        slow: minutes(quality.slow_seconds),
        questions: if too_few { Vec::new() } else { quality.questions.into_iter().map(line).collect() },
    })
}
