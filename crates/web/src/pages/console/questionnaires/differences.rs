//! What has changed since the version before, and the question whether it still measures the same.
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Router, routing};
use domain::indicator::Definitions;
use domain::language::{Language, Texts};
use domain::questionnaire::{Change, Comparability, Decision, Decisions, Difference, QuestionKind, compare};
use serde::Serialize;

use super::{Desk, Head, Notice, Sent, ToldQuery, field, readable};
use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar};
use crate::templates::Page;
use crate::visit::Visit;

/// Routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/{slug}/console/questionnaires/{draft}/differences", routing::get(show).post(decide))
}

/// `GET /{slug}/console/questionnaires/{draft}/differences`
#[derive(Debug, Serialize)]
pub struct DifferencesPage {
    bar: Bar,
    head: Head,
    notice: Option<Notice>,
    /// Titles of the rounds that asked the version before.
    rounds: Vec<String>,
    lines: Vec<Line>,
    undecided: usize,
    /// There is something to decide.
    open: bool,
}

#[derive(Debug, Serialize)]
struct Line {
    key: String,
    text: String,
    href: Option<String>,
    changes: Vec<Said>,
    comparability: &'static str,
    /// Titles of the indicators made of it.
    indicators: Vec<String>,
    /// The question is to be answered.
    asked: bool,
    decision: &'static str,
}

/// A change in words.
#[derive(Debug, Serialize)]
struct Said {
    text: String,
    before: Option<String>,
    after: Option<String>,
}

impl Page for DifferencesPage {
    const TEMPLATE: &'static str = "console/questionnaire-differences.html";

    fn samples() -> Vec<Self> {
        let said = |full: bool| Said {
            text: "Ny formulering (dansk)".to_owned(),
            before: full.then(|| "Er I tilfredse?".to_owned()),
            after: full.then(|| "Hvor tilfredse er I?".to_owned()),
        };
        let line = |comparability, decision, asked: bool| Line {
            key: "overall".to_owned(),
            text: "Hvor tilfredse er I?".to_owned(),
            href: asked.then(|| "/x".to_owned()),
            changes: vec![said(true), said(false)],
            comparability,
            indicators: if asked { vec!["Samlet tilfredshed".to_owned()] } else { Vec::new() },
            asked,
            decision,
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            head: Head::sample(),
            notice: if full { Notice::sample() } else { None },
            rounds: if full { vec!["2026-målingen".to_owned()] } else { Vec::new() },
            lines: if full {
                vec![
                    line("doubtful", "", true),
                    line("doubtful", "same", true),
                    line("lost", "new", false),
                    line("kept", "", false),
                ]
            } else {
                Vec::new()
            },
            undecided: usize::from(full),
            open: full,
        };
        vec![page(true), page(false)]
    }
}

/// Must somebody say whether this answer still measures the same? Own words have no series of figures, what a scale's change
/// does to a series is no question.
fn is_asked(desk: &Desk, difference: &Difference) -> bool {
    let kind = desk.draft.form.question(&difference.question).map(|q| &q.kind);
    difference.comparability() == Comparability::Doubtful && !matches!(kind, Some(QuestionKind::Open { .. }))
}

/// The changed answers for which nothing has been decided.
pub(super) fn undecided(desk: &Desk) -> Vec<String> {
    let all = compare(&desk.base, &desk.draft.form);
    let open = all.iter().filter(|d| is_asked(desk, d) && !desk.draft.decisions.contains_key(&d.key));
    open.map(|d| d.key.clone()).collect()
}

/// The decisions as they go with the version: those that are still asked for, and a new series wherever comparability is lost.
pub(super) fn decisions(desk: &Desk) -> Decisions {
    let mut decisions = Decisions::new();
    for difference in compare(&desk.base, &desk.draft.form) {
        if difference.comparability() == Comparability::Lost {
            decisions.insert(difference.key.clone(), Decision::New);
        } else if is_asked(desk, &difference)
            && let Some(decision) = desk.draft.decisions.get(&difference.key)
        {
            decisions.insert(difference.key.clone(), *decision);
        }
    }
    decisions
}

async fn page(app: &App, desk: &Desk, notice: Option<Notice>) -> Result<DifferencesPage, PageError> {
    let definitions = Definitions::shipped();
    let rounds = app.store().rounds(&desk.staff.municipality.id).await?;
    let line = |d: Difference| {
        let asked = is_asked(desk, &d);
        let comparability = d.comparability();
        let decision = desk.draft.decisions.get(&d.key).copied().filter(|_| asked);
        let decision = if comparability == Comparability::Lost { Some(Decision::New) } else { decision };
        let made_of = definitions.indicators.iter().filter(|i| i.uses(&d.key) || i.uses(&d.question));
        Line {
            text: desk.text(&d.text),
            href: super::place_href(desk, &d.key),
            changes: d.changes.iter().map(|c| said(app, desk.language, c)).collect(),
            comparability: match comparability {
                Comparability::Kept => "kept",
                Comparability::Doubtful if asked => "doubtful",
                Comparability::Doubtful => "kept",
                Comparability::Lost => "lost",
            },
            indicators: made_of.map(|i| i.title.get(desk.language).to_owned()).collect(),
            asked,
            decision: decision.map_or("", Decision::as_str),
            key: d.key,
        }
    };
    let lines: Vec<Line> = compare(&desk.base, &desk.draft.form).into_iter().map(line).collect();
    Ok(DifferencesPage {
        bar: desk.staff.bar("questionnaires"),
        head: desk.head(),
        notice,
        rounds: rounds
            .iter()
            .filter(|r| r.questionnaire.as_ref() == Some(&desk.draft.base))
            .map(|r| r.title.clone())
            .collect(),
        undecided: lines.iter().filter(|l| l.asked && l.decision.is_empty()).count(),
        open: lines.iter().any(|l| l.asked),
        lines,
    })
}

/// The reach of a scale, its two answers beside the points in words.
fn points(app: &App, language: Language, reach: &str) -> String {
    let word = |key: &str| format!(", {}", app.t(language, key, &[]).to_lowercase());
    reach.replace(", dk", &word("respondent.dont_know")).replace(", na", &word("respondent.not_relevant"))
}

/// A change in words.
fn said(app: &App, language: Language, change: &Change) -> Said {
    let t = |key: &str, args: &[(&str, text::Arg)]| app.t(language, &format!("instrument.change_{key}"), args);
    let plain = |text: String| Said { text, before: None, after: None };
    let names = |languages: &[Language]| languages.iter().map(|l| l.own_name()).collect::<Vec<_>>().join(", ");
    let listed = |options: &[Texts]| options.iter().map(|o| readable(o, language)).collect::<Vec<_>>().join(" · ");
    let two = |text: String, before: String, after: String| Said { text, before: Some(before), after: Some(after) };
    let kind = |kind: &str| app.t(language, &format!("instrument.kind_{kind}"), &[]);
    match change {
        Change::New => plain(t("new", &[])),
        Change::Removed => plain(t("removed", &[])),
        Change::Kind { before, after } => two(t("kind", &[]), kind(before), kind(after)),
        Change::Scale { before, after } => {
            two(t("scale", &[]), points(app, language, before), points(app, language, after))
        }
        Change::Labels { languages } => plain(t("labels", &[("languages", names(languages).into())])),
        Change::Wording { language: of, before, after } => {
            two(t("wording", &[("language", of.own_name().into())]), before.clone(), after.clone())
        }
        Change::Help { languages } => plain(t("help", &[("languages", names(languages).into())])),
        Change::OptionsAdded { options } => plain(t("options_added", &[("options", listed(options).into())])),
        Change::OptionsRemoved { options } => plain(t("options_removed", &[("options", listed(options).into())])),
        Change::OptionsReworded { options } => {
            let (before, after): (Vec<Texts>, Vec<Texts>) = options.iter().cloned().unzip();
            two(t("options_reworded", &[]), listed(&before), listed(&after))
        }
        Change::Routing => plain(t("routing", &[])),
        Change::AtMost => plain(t("at_most", &[])),
        Change::SwitchedOff => plain(t("switched_off", &[])),
        Change::SwitchedOn => plain(t("switched_on", &[])),
        Change::Optional => plain(t("optional", &[])),
        Change::Moved => plain(t("moved", &[])),
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
    Query(told): Query<ToldQuery>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let page = page(&app, &desk, Notice::of(&told)).await?;
    app.view(&visit).of(&desk.staff.municipality).render(&page)
}

async fn decide(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let mut desk = Desk::open(&app, &visit, staff, &draft).await?;
    let rest = field(&sent, "rest").and_then(Decision::parse);
    let mut decisions = desk.draft.decisions.clone();
    for difference in compare(&desk.base, &desk.draft.form).iter().filter(|d| is_asked(&desk, d)) {
        let said = field(&sent, &format!("decision {}", difference.key)).and_then(Decision::parse);
        let known = decisions.get(&difference.key).copied();
        if let Some(decision) = said.or(known).or(rest) {
            decisions.insert(difference.key.clone(), decision);
        }
    }
    let id = &desk.staff.municipality.id;
    if app.store().decide_questionnaire_draft(id, desk.edit(&app, &sent), &decisions).await? {
        return Ok(desk.to("/differences", "saved"));
    }
    desk.draft.decisions = decisions;
    let notice = Notice { text: "instrument.told_conflict_typed", warning: true };
    let page = page(&app, &desk, Some(notice)).await?;
    app.view(&visit).of(&desk.staff.municipality).status(StatusCode::CONFLICT).render(&page)
}
