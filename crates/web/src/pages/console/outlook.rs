//! How certain a round's figures will be: the expected margin of each sector now and at the present pace, what would help the thin
//! ones, by what means and in what language people answer, and answers that look as if nobody read the questions. Counts only.
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Router, routing};
use domain::answers::{Answers, DONT_KNOW, NOT_RELEVANT};
use domain::fieldwork::RoundState;
use domain::ids::RoundId;
use domain::language::Language;
use domain::questionnaire::{Facts, QuestionKind, Questionnaire};
use jiff::civil::Date;
use serde::Serialize;
use statistics::response::planning_margin;
use store::quality::{ModeCount, QualityRow};
use store::rounds::{Monitor, MonitorCounts};
use text::EngineError;

use super::rounds::{RoundInfo, info};
use super::{sectors, titled};
use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// From so many answers figures are no longer marked as uncertain; a sector with fewer businesses needs them all.
const WANTED: u64 = 20;
/// Days whose answers make the present pace.
const PACE_DAYS: i32 = 7;
/// Tables of at least so many ratings can show that everything was rated alike.
const ALIKE_ROWS: usize = 5;
/// Quicker than this part of the expected time, nobody can have read the questions.
const FAST_PART: u64 = 3;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/{slug}/console/rounds/{round}/outlook", routing::get(show))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<OutlookPage>(site)
}

/// `GET /{slug}/console/rounds/{round}/outlook`
#[derive(Debug, Serialize)]
pub struct OutlookPage {
    bar: Bar,
    round: RoundInfo,
    /// Nothing has been sent out yet.
    early: bool,
    /// Days left to answer; none: the round is over or has no last day.
    days_left: Option<i64>,
    /// Answers a day, over the last week.
    pace: f64,
    total: Option<SectorLine>,
    sectors: Vec<SectorLine>,
    thin: Vec<ThinLine>,
    modes: Vec<ModeLine>,
    /// Too few answers to say anything of how they were given.
    too_few: bool,
    fast: u64,
    alike: u64,
    judged: u64,
}

#[derive(Debug, Serialize)]
struct SectorLine {
    title: String,
    businesses: u64,
    answered: u64,
    wanted: u64,
    /// In points.
    margin: Option<f64>,
    expected: u64,
    expected_margin: Option<f64>,
    thin: bool,
}

#[derive(Debug, Serialize)]
struct ThinLine {
    title: String,
    lacks: u64,
    /// By mail and not answered.
    remind: u64,
    /// Not answered and not said no, whatever the way.
    call: u64,
    /// Even if all of them answered, it would not be enough.
    hopeless: bool,
}

#[derive(Debug, Serialize)]
struct ModeLine {
    mode: String,
    language: Option<&'static str>,
    responses: u64,
}

impl Page for OutlookPage {
    const TEMPLATE: &'static str = "console/outlook.html";

    fn samples() -> Vec<Self> {
        let sector = |thin: bool| SectorLine {
            title: "Handel".to_owned(),
            businesses: 90,
            answered: if thin { 0 } else { 31 },
            wanted: 20,
            margin: (!thin).then_some(14.2),
            expected: 40,
            expected_margin: (!thin).then_some(11.0),
            thin,
        };
        let thin = |hopeless| ThinLine { title: "Landbrug".to_owned(), lacks: 4, remind: 12, call: 15, hopeless };
        let mode = |language| ModeLine { mode: "Telefon".to_owned(), language, responses: 12 };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            round: RoundInfo::sample("open"),
            early: !full,
            days_left: full.then_some(12),
            pace: 4.5,
            total: full.then(|| sector(false)),
            sectors: if full { vec![sector(true), sector(false)] } else { Vec::new() },
            thin: if full { vec![thin(true), thin(false)] } else { Vec::new() },
            modes: if full { vec![mode(Some("Dansk")), mode(None)] } else { Vec::new() },
            too_few: !full,
            fast: 2,
            alike: 1,
            judged: 120,
        };
        let closed = Self { days_left: None, thin: Vec::new(), ..page(true) };
        vec![page(true), page(false), closed]
    }
}

const fn answered(counts: &MonitorCounts) -> u64 {
    counts.partial + counts.complete
}

/// Invited, not answered, not said no: whom a reminder or a call can still reach.
const fn open(counts: &MonitorCounts) -> u64 {
    counts.invited.saturating_sub(answered(counts) + counts.opted_out)
}

/// Answers a day over the last week, of a round that runs.
fn pace(monitor: &Monitor, today: Date) -> f64 {
    let since = today.saturating_sub(jiff::Span::new().days(PACE_DAYS));
    let lately = monitor.per_day.iter().filter(|(day, _)| day.parse::<Date>().is_ok_and(|day| day > since));
    lately.map(|(_, n)| *n as f64).sum::<f64>() / f64::from(PACE_DAYS)
}

/// Answers at the end if every sector keeps its share of the pace; never more than can still answer.
fn expected(counts: &MonitorCounts, total: u64, pace: f64, days: i64) -> u64 {
    let now = answered(counts);
    if total == 0 {
        return now;
    }
    let more = pace * days as f64 * now as f64 / total as f64;
    // A count: never negative, and small.
    let more = more.max(0.0).round() as u64;
    now + more.min(open(counts))
}

fn line(title: String, counts: &MonitorCounts, expected: u64) -> SectorLine {
    let points = |n: u64| planning_margin(n, counts.frame).map(|margin| margin * 100.0);
    let wanted = WANTED.min(counts.frame);
    SectorLine {
        title,
        businesses: counts.frame,
        answered: answered(counts),
        wanted,
        margin: points(answered(counts)),
        expected,
        expected_margin: points(expected),
        thin: answered(counts) < wanted,
    }
}

fn thin(title: &str, counts: &MonitorCounts) -> Option<ThinLine> {
    let wanted = WANTED.min(counts.frame);
    let lacks = wanted.saturating_sub(answered(counts));
    let call = open(counts);
    (lacks > 0).then(|| ThinLine {
        title: title.to_owned(),
        lacks,
        remind: call.saturating_sub(counts.letters + counts.failed),
        call,
        hopeless: call < lacks,
    })
}

/// Was every row of a long table rated alike, in every such table that was answered?
fn is_alike(form: &Questionnaire, facts: &Facts, answers: &Answers) -> bool {
    let mut tables = 0;
    for question in form.route(facts, answers).iter().flat_map(|s| &s.questions) {
        let QuestionKind::Battery { items, .. } = &question.kind else { continue };
        let rated: Vec<&str> = items
            .iter()
            .filter_map(|item| answers.get(&item.key))
            .filter(|value| ![DONT_KNOW, NOT_RELEVANT].contains(value))
            .collect();
        if rated.len() < ALIKE_ROWS {
            continue;
        }
        if rated.iter().any(|value| *value != rated[0]) {
            return false;
        }
        tables += 1;
    }
    tables > 0
}

/// Sent answers, those that were given faster than anybody reads, and those with everything rated alike.
fn suspicious(app: &App, form: &Arc<Questionnaire>, rows: &[QualityRow]) -> (u64, u64, u64) {
    let sent = || rows.iter().filter(|row| row.is_sent);
    let is_fast = |row: &&QualityRow| {
        let (median, _) = app.expected_minutes(form, &row.facts);
        row.seconds.is_some_and(|seconds| seconds * FAST_PART < u64::from(median) * 60)
    };
    let count = |n: usize| n as u64;
    (
        count(sent().count()),
        count(sent().filter(is_fast).count()),
        count(sent().filter(|row| is_alike(form, &row.facts, &row.answers)).count()),
    )
}

fn mode_line(app: &App, language: Language, count: &ModeCount) -> ModeLine {
    ModeLine {
        mode: app.t(language, &format!("instrument.mode_{}", count.mode.as_str()), &[]),
        language: count.language.map(Language::own_name),
        responses: count.responses,
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
    let mut page = OutlookPage {
        bar: staff.bar("home"),
        round: info(&app, language, &staff, &round),
        early: !matches!(round.state, RoundState::Open | RoundState::Closed),
        days_left: None,
        pace: 0.0,
        total: None,
        sectors: Vec::new(),
        thin: Vec::new(),
        modes: Vec::new(),
        too_few: true,
        fast: 0,
        alike: 0,
        judged: 0,
    };
    if page.early {
        return view.render(&page);
    }
    let monitor = app.store().monitor(id, &round.id).await?;
    let today = app.now().date_in(&text::format::zone(&staff.municipality.settings.time_zone));
    let last = round.closes_on.as_deref().and_then(|day| day.parse::<Date>().ok());
    let last = last.filter(|last| round.state == RoundState::Open && *last >= today);
    page.days_left = last.and_then(|last| today.until(last).ok()).map(|span| i64::from(span.get_days()));
    page.pace = if page.days_left.is_some() { pace(&monitor, today) } else { 0.0 };
    let days = page.days_left.unwrap_or(0);
    let titles = sectors(&staff.municipality, language);
    let mut sums: BTreeMap<(usize, &str), MonitorCounts> = BTreeMap::new();
    for cell in &monitor.cells {
        let place = titles.iter().position(|(key, _)| *key == cell.sector).unwrap_or(titles.len());
        sums.entry((place, &cell.sector)).or_default().add(&cell.counts);
    }
    let all = answered(&monitor.total);
    for ((_, key), counts) in &sums {
        let title = titled(&titles, key);
        page.sectors.push(line(title.to_owned(), counts, expected(counts, all, page.pace, days)));
        page.thin.extend(thin(title, counts).filter(|_| round.state == RoundState::Open));
    }
    let at_the_end = expected(&monitor.total, all, page.pace, days);
    page.total = Some(line(app.t(language, "charts.total", &[]), &monitor.total, at_the_end));
    let modes = app.store().response_modes(id, &round.id).await?;
    page.modes = modes.iter().map(|count| mode_line(&app, language, count)).collect();
    if let Some(questionnaire) = &round.questionnaire {
        let form = app.questionnaire(id, questionnaire).await?;
        let rows = app.store().quality_feed(id, &round.id).await?;
        (page.judged, page.fast, page.alike) = suspicious(&app, &form, &rows);
    }
    // How one business answered is its own.
    page.too_few = page.judged < u64::from(round.threshold.max(5));
    if page.too_few {
        (page.fast, page.alike) = (0, 0);
    }
    view.render(&page)
}

#[cfg(test)]
mod tests {
    use domain::questionnaire::shipped;

    use super::*;

    fn counts(frame: u64, invited: u64, complete: u64) -> MonitorCounts {
        MonitorCounts { frame, invited, complete, ..MonitorCounts::default() }
    }

    #[test]
    fn margins_are_those_that_the_field_knows() {
        for (n, margin) in [(86, 10.4), (206, 6.5), (900, 2.6)] {
            let points = planning_margin(n, 2500).unwrap() * 100.0;
            assert!((points - margin).abs() < 0.05, "{n}: {points}");
        }
        assert_eq!(planning_margin(0, 100), None);
        assert_eq!(planning_margin(12, 12), Some(0.0));
    }

    #[test]
    fn a_sector_keeps_its_share_of_the_pace_and_gets_no_more_than_are_left() {
        // 100 answers so far, 10 a day, 5 days: 50 more; a fifth of the answers are this sector's.
        assert_eq!(expected(&counts(200, 150, 20), 100, 10.0, 5), 30);
        assert_eq!(expected(&counts(25, 22, 20), 100, 10.0, 5), 22);
        assert_eq!(expected(&counts(25, 22, 0), 0, 0.0, 5), 0);
    }

    #[test]
    fn a_thin_sector_says_whom_one_can_ask() {
        let sector = MonitorCounts { letters: 3, failed: 1, opted_out: 2, ..counts(60, 40, 10) };
        let line = thin("Landbrug", &sector).unwrap();
        assert_eq!((line.lacks, line.remind, line.call, line.hopeless), (10, 24, 28, false));
        assert!(thin("Handel", &counts(60, 40, 20)).is_none());
        assert!(thin("Fiskeri", &counts(6, 6, 6)).is_none(), "all of them answered");
        assert!(thin("Kultur", &counts(60, 12, 4)).unwrap().hopeless);
    }

    #[test]
    fn everything_rated_alike_is_seen_and_differences_are_not() {
        let form = shipped();
        let facts = Facts::from([("country".to_owned(), "dk".to_owned()), ("employees".to_owned(), "yes".to_owned())]);
        let question = form.question("conditions").expect("the table of conditions").clone();
        let keys: Vec<&str> = question.kind.items().iter().take(7).map(|i| i.key.as_str()).collect();
        let mut answers = Answers::default();
        for key in &keys {
            answers.0.insert((*key).to_owned(), "3".to_owned());
        }
        assert!(is_alike(&form, &facts, &answers));
        answers.0.insert(keys[0].to_owned(), "4".to_owned());
        assert!(!is_alike(&form, &facts, &answers));
        assert!(!is_alike(&form, &facts, &Answers::default()));
    }
}
