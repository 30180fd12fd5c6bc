//! A round while it runs: what reached people, who answered by sector and size, how certain the figures are now and will be at the
//! present pace, what would help the thin sectors, where people stop. Counts only; the page comes anew by itself.
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::{Router, routing};
use domain::answers::{Answers, DONT_KNOW, NOT_RELEVANT};
use domain::fieldwork::RoundState;
use domain::ids::RoundId;
use domain::language::Language;
use domain::quality::{Given, Quality, measure};
use domain::questionnaire::{Facts, QuestionKind, Questionnaire};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use statistics::response::planning_margin;
use store::quality::{ModeCount, QualityRow};
use store::rounds::{Monitor, MonitorCounts};
use text::EngineError;

use super::rounds::{RoundInfo, days_chart, info, share};
use super::{sectors, sizes, titled};
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

/// Answers that a sector's size class needs to be weighted by itself; one with fewer businesses needs them all.
const CELL_WANTED: u64 = 5;
/// Questions shown at which people stop.
const STOPS: usize = 8;
/// Seconds after which the page of an open round comes anew.
const EVERY: &str = "60";

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/{slug}/console/rounds/{round}/monitor", routing::get(show))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<MonitorPage>(site)
}

/// `GET /{slug}/console/rounds/{round}/monitor`
#[derive(Debug, Serialize)]
pub struct MonitorPage {
    bar: Bar,
    round: RoundInfo,
    /// Nothing has been sent out yet.
    early: bool,
    /// It comes anew by itself.
    live: bool,
    /// It could: the round is open.
    may_live: bool,
    /// When it was made, in milliseconds.
    at: i64,
    /// What reached people, and what came of it.
    reach: Option<Reach>,
    /// Titles of the size classes.
    sizes: Vec<String>,
    /// Sectors by size classes.
    matrix: Vec<MatrixRow>,
    /// Responses per day as a drawing.
    days_chart: Option<String>,
    /// Where people stop, the most first.
    stops: Vec<StopLine>,
    /// Begun and not sent.
    unsent: u64,
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

/// What reached people, and what came of it.
#[derive(Debug, Serialize)]
struct Reach {
    invited: u64,
    letters: u64,
    accepted: u64,
    refused: u64,
    bounced: u64,
    opted_out: u64,
    /// Begun and neither partial nor complete.
    begun: u64,
    started: u64,
    partial: u64,
    complete: u64,
    answered: u64,
    frame: u64,
    /// Answered of the frame, 0–1.
    rate: f64,
}

impl Reach {
    fn of(counts: &MonitorCounts) -> Self {
        Self {
            invited: counts.invited,
            letters: counts.letters,
            accepted: counts.accepted,
            refused: counts.failed.saturating_sub(counts.bounced),
            bounced: counts.bounced,
            opted_out: counts.opted_out,
            begun: counts.started.saturating_sub(answered(counts)),
            started: counts.started,
            partial: counts.partial,
            complete: counts.complete,
            answered: answered(counts),
            frame: counts.frame,
            rate: share(answered(counts), counts.frame),
        }
    }
}

/// A sector by size classes.
#[derive(Debug, Serialize)]
struct MatrixRow {
    title: String,
    /// One per size class; `None`: no such businesses.
    cells: Vec<Option<MatrixCell>>,
}

#[derive(Debug, Serialize)]
struct MatrixCell {
    answered: u64,
    frame: u64,
    /// In points.
    margin: Option<f64>,
    expected_margin: Option<f64>,
    /// Fewer answers than it needs to be weighted by itself.
    short: bool,
}

/// A question at which people stop.
#[derive(Debug, Serialize)]
struct StopLine {
    text: String,
    left: u64,
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

impl Page for MonitorPage {
    const TEMPLATE: &'static str = "console/monitor.html";

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
        let row = || MatrixRow {
            title: "Handel".to_owned(),
            cells: vec![
                Some(MatrixCell {
                    answered: 3,
                    frame: 9,
                    margin: Some(48.2),
                    expected_margin: Some(20.1),
                    short: true,
                }),
                Some(MatrixCell { answered: 0, frame: 4, margin: None, expected_margin: None, short: true }),
                None,
            ],
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            round: RoundInfo::sample("open"),
            early: !full,
            live: full,
            may_live: full,
            at: 1_790_000_000_000,
            reach: full.then(|| {
                Reach::of(&MonitorCounts { frame: 90, started: 40, complete: 31, ..MonitorCounts::default() })
            }),
            sizes: if full { vec!["2–9".to_owned(), "10–49".to_owned()] } else { Vec::new() },
            matrix: if full { vec![row()] } else { Vec::new() },
            days_chart: full.then(|| "<svg></svg>".to_owned()),
            stops: if full { vec![StopLine { text: "Hvor tilfredse er I?".to_owned(), left: 3 }] } else { Vec::new() },
            unsent: 9,
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
        let closed = Self { days_left: None, thin: Vec::new(), live: false, may_live: false, ..page(true) };
        let stopped = Self { live: false, days_chart: None, stops: Vec::new(), ..page(true) };
        vec![page(true), page(false), closed, stopped]
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

/// Half the width of a 95 % interval around 50 %, in points.
fn points(n: u64, all: u64) -> Option<f64> {
    planning_margin(n, all).map(|margin| margin * 100.0)
}

/// What a sector's size class has, and what it will have at the present pace.
fn matrix(
    monitor: &Monitor,
    sectors: &[(String, String)],
    sizes: &[(String, String)],
    expected: impl Fn(&MonitorCounts) -> u64,
) -> Vec<MatrixRow> {
    let cell = |sector: &str, size: &str| {
        let found = monitor.cells.iter().find(|c| c.sector == sector && c.size == size && c.counts.frame > 0)?;
        let (n, all) = (answered(&found.counts), found.counts.frame);
        Some(MatrixCell {
            answered: n,
            frame: all,
            margin: points(n, all),
            expected_margin: points(expected(&found.counts), all),
            short: n < CELL_WANTED.min(all),
        })
    };
    let row = |(key, title): &(String, String)| MatrixRow {
        title: title.clone(),
        cells: sizes.iter().map(|(size, _)| cell(key, size)).collect(),
    };
    sectors.iter().map(row).filter(|row| row.cells.iter().any(Option::is_some)).collect()
}

/// The questions at which most people stop.
fn stops(language: Language, quality: Quality) -> Vec<StopLine> {
    let mut left: Vec<_> = quality.questions.into_iter().filter(|q| q.left > 0).collect();
    left.sort_by_key(|q| std::cmp::Reverse(q.left));
    left.truncate(STOPS);
    left.into_iter().map(|q| StopLine { text: q.text.get(language).to_owned(), left: q.left }).collect()
}

fn line(title: String, counts: &MonitorCounts, expected: u64) -> SectorLine {
    let wanted = WANTED.min(counts.frame);
    SectorLine {
        title,
        businesses: counts.frame,
        answered: answered(counts),
        wanted,
        margin: points(answered(counts), counts.frame),
        expected,
        expected_margin: points(expected, counts.frame),
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
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let round = app.store().round(id, &RoundId(round)).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let may_live = round.state == RoundState::Open;
    let mut page = MonitorPage {
        bar: staff.bar("home"),
        round: info(&app, language, &staff, &round),
        early: !matches!(round.state, RoundState::Open | RoundState::Closed),
        live: may_live && asked.live != "off",
        may_live,
        at: app.now().0,
        reach: None,
        sizes: Vec::new(),
        matrix: Vec::new(),
        days_chart: None,
        stops: Vec::new(),
        unsent: 0,
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
    page.reach = Some(Reach::of(&monitor.total));
    let size_titles = sizes(&staff.municipality, language);
    page.matrix = matrix(&monitor, &titles, &size_titles, |counts| expected(counts, all, page.pace, days));
    page.sizes = size_titles.into_iter().map(|(_, title)| title).collect();
    page.days_chart = days_chart(&app, language, &monitor.per_day);
    let modes = app.store().response_modes(id, &round.id).await?;
    page.modes = modes.iter().map(|count| mode_line(&app, language, count)).collect();
    if let Some(questionnaire) = &round.questionnaire {
        let form = app.questionnaire(id, questionnaire).await?;
        let rows = app.store().quality_feed(id, &round.id).await?;
        (page.judged, page.fast, page.alike) = suspicious(&app, &form, &rows);
        let quality = measure(
            &form,
            rows.iter().map(|r| Given { facts: &r.facts, answers: &r.answers, is_sent: r.is_sent, seconds: r.seconds }),
        );
        page.unsent = quality.unsent;
        page.stops = stops(language, quality);
    }
    // How one business answered is its own.
    page.too_few = page.judged < u64::from(round.threshold.max(5));
    if page.too_few {
        (page.fast, page.alike) = (0, 0);
        page.stops.clear();
    }
    let mut response = view.render(&page)?;
    if page.live {
        response.headers_mut().insert(header::REFRESH, HeaderValue::from_static(EVERY));
    }
    Ok(response)
}

/// What the address may say.
#[derive(Deserialize)]
struct Asked {
    /// `off`: the page stays as it is.
    #[serde(default)]
    live: String,
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
    fn a_cell_is_short_below_five_answers_unless_it_has_no_more_businesses() {
        let cell = |size: &str, frame, complete| store::rounds::MonitorCell {
            sector: "trade".to_owned(),
            size: size.to_owned(),
            counts: counts(frame, frame, complete),
        };
        let monitor =
            Monitor { cells: vec![cell("a", 40, 4), cell("b", 40, 5), cell("c", 3, 3)], ..Monitor::default() };
        let titled = |keys: &[&str]| keys.iter().map(|k| ((*k).to_owned(), (*k).to_owned())).collect::<Vec<_>>();
        let rows = matrix(&monitor, &titled(&["none", "trade"]), &titled(&["a", "b", "c", "d"]), |c| answered(c) + 1);
        assert_eq!(rows.len(), 1, "a sector without businesses has no row");
        let short: Vec<Option<bool>> = rows[0].cells.iter().map(|c| c.as_ref().map(|c| c.short)).collect();
        assert_eq!(short, [Some(true), Some(false), Some(false), None]);
        let first = rows[0].cells[0].as_ref().unwrap();
        assert!(first.expected_margin < first.margin, "one more answer makes it more certain");
    }

    #[test]
    fn what_came_back_is_told_apart_from_what_was_refused() {
        let sent = MonitorCounts { failed: 5, bounced: 3, started: 12, partial: 1, ..counts(50, 40, 9) };
        let reach = Reach::of(&sent);
        assert_eq!((reach.refused, reach.bounced, reach.begun, reach.answered), (2, 3, 2, 10));
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
