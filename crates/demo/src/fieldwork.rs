//! Who answers, when, how far, in which language; and the frames and answers of all years put together.
use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::answers::{Answers, DONT_KNOW};
use domain::fieldwork::{Mode, ResponseStatus, RoundState};
use domain::language::Language;
use domain::questionnaire::{ColumnKind, Questionnaire, shipped, turn_key};
use domain::time::Millis;

use crate::chance::Chance;
use crate::comments::{self, Asked};
use crate::opinion::{View, level_of};
use crate::population::{Business, Population, YEARS, class_of};
use crate::trades::{SECTORS, TRADES};
use crate::truth::{Said, Truth};
use crate::{DemoResponse, DemoRound, DemoUnit, FIRST_YEAR, LAST_YEAR};

/// Opening of each round at 8 o'clock in Denmark: a Tuesday in September, in the last year 2 November.
const OPENED: [i64; YEARS] = [1_694_498_400_000, 1_725_948_000_000, 1_757_397_600_000, 1_793_602_800_000];
/// The instant at which the demo stands still when nobody says what time it is: noon on 22 November of the last year.
pub const STANDS_AT: Millis = Millis(1_795_348_800_000);
/// Days after the opening at which the reminders go out.
const REMINDERS: [i64; 3] = [9, 18, 27];
/// Days for which a round is open; on the last one until midnight.
const OPEN_DAYS: i64 = 39;
/// Seconds from the opening's hour to the last second of a day.
const TO_MIDNIGHT: i64 = 16 * 3600 - 1;
/// When `now` lies outside the last round, the round is moved so that `now` is this many days after its opening.
const DAYS_IN_THE_FIELD: i64 = 20;

/// Log-odds of answering for a business of usual size and sector.
const READINESS: f64 = -0.20;
/// What size adds, by class.
const SIZE_READINESS: [f64; 5] = [-0.25, 0.0, 0.25, 0.55, 0.9];
/// How far businesses of one cell differ for good: so far that about half of those who answer do so again a year later.
const READINESS_SPREAD: f64 = 1.35;
/// Shares of the answers that follow the invitation and each of the reminders.
const WAVES: [f64; 4] = [0.46, 0.25, 0.17, 0.12];

static QUESTIONNAIRE: LazyLock<Questionnaire> = LazyLock::new(shipped);

/// Which keys may be answered with "ved ikke".
static DOUBTS: LazyLock<std::collections::BTreeSet<String>> = LazyLock::new(|| {
    let doubts = |kind: &ColumnKind| matches!(kind, ColumnKind::Scale { dont_know: true, .. });
    QUESTIONNAIRE.columns().into_iter().filter(|c| doubts(&c.kind)).map(|c| c.key).collect()
});

/// All rounds, the last one in the field at `now`.
pub fn rounds(population: &Population, now: Millis, chance: &mut Chance) -> Vec<DemoRound> {
    (0..YEARS).map(|year| round(population, year, now, chance)).collect()
}

/// When a year's round was opened. The last one is opened so that it is in the field at `now`.
fn opening(year: usize, now: Millis) -> Millis {
    const DAY: i64 = 86_400_000;
    let planned = Millis(OPENED[year]);
    let is_on = planned.plus_days(2) <= now && now <= planned.plus_days(OPEN_DAYS - 2);
    if year + 1 < YEARS || is_on {
        return planned;
    }
    let hour = OPENED[year].rem_euclid(DAY);
    Millis((now.0.div_euclid(DAY) - DAYS_IN_THE_FIELD) * DAY + hour)
}

fn round(population: &Population, year: usize, now: Millis, chance: &mut Chance) -> DemoRound {
    let opened_at = opening(year, now);
    let calendar_year = FIRST_YEAR + i32::try_from(year).unwrap_or(0);
    let mut first_of: BTreeMap<usize, String> = BTreeMap::new();
    let mut units = Vec::with_capacity(crate::population::WORKPLACES);
    for (_, business) in population.in_year(year) {
        let unit = population.unit(business, year);
        let view = View::new(business, &unit, year, chance);
        let truth = view.truth(chance);
        let answers_through = first_of.get(&business.company).cloned();
        first_of.entry(business.company).or_insert_with(|| unit.unit_key.clone());
        let may_be_asked = !unit.protected && answers_through.is_none();
        let mode = reached(unit.email.is_some(), unit.phone.is_some(), chance);
        let mut demo = DemoUnit { unit, truth, response: None, answers_through };
        if let Some(mode) = mode.filter(|_| may_be_asked)
            && chance.happens(readiness(business, year))
        {
            let response = respond(&demo, &view, mode, opened_at, calendar_year, chance);
            demo.response =
                response.filter(|r| calendar_year < LAST_YEAR || r.completed_at.unwrap_or(r.started_at) <= now);
        }
        units.push(demo);
    }
    DemoRound {
        year: calendar_year,
        state: if calendar_year == LAST_YEAR { RoundState::Open } else { RoundState::Closed },
        opened_at,
        reminders_at: REMINDERS.map(|day| opened_at.plus_days(day)).to_vec(),
        closes_at: opened_at.plus_days(OPEN_DAYS).plus_seconds(TO_MIDNIGHT),
        units,
    }
}

/// The mail reaches those with an address; a few of the others are called.
fn reached(email: bool, phone: bool, chance: &mut Chance) -> Option<Mode> {
    let called = chance.happens(0.5);
    match (email, phone) {
        (true, _) => Some(Mode::Web),
        (false, true) if called => Some(Mode::Telephone),
        _ => None,
    }
}

/// Probability of answering. Opinion has no part in it.
fn readiness(business: &Business, year: usize) -> f64 {
    let sector = &SECTORS[TRADES[business.trade].sector];
    let odds = READINESS
        + sector.readiness
        + SIZE_READINESS[class_of(business.employees[year])]
        + READINESS_SPREAD * business.readiness;
    1.0 / (1.0 + (-odds).exp())
}

fn respond(
    demo: &DemoUnit,
    view: &View<'_>,
    mode: Mode,
    opened_at: Millis,
    year: i32,
    chance: &mut Chance,
) -> Option<DemoResponse> {
    let language = if mode == Mode::Telephone { Language::Da } else { language(chance) };
    let breaks_off = chance.happens(0.12);
    let mut answers = spoken(&demo.truth, breaks_off, chance);
    let (started_at, completed_at) = times(opened_at, mode, chance);
    let mut themes = BTreeMap::new();
    if !breaks_off {
        themes = comment(&mut answers, &demo.truth, language, &demo.unit.name, chance);
        offered_turns(&mut answers, &demo.truth, view, chance);
    }
    let facts = demo.facts(year);
    let status =
        if breaks_off { QUESTIONNAIRE.completeness(&facts, &answers).status() } else { ResponseStatus::Complete };
    let completed_at = (!breaks_off).then_some(completed_at);
    (!answers.0.is_empty()).then_some(DemoResponse {
        answers,
        themes,
        status,
        mode,
        language,
        started_at,
        completed_at,
    })
}

fn language(chance: &mut Chance) -> Language {
    [Language::Da, Language::Sv, Language::En][chance.weighted(&[0.955, 0.015, 0.03])]
}

/// What is said of the truth: some items are left blank, some are answered with "ved ikke", some break off on the way.
///
/// What routing depends on is never left out here, so that nothing later hangs in the air.
fn spoken(truth: &Truth, breaks_off: bool, chance: &mut Chance) -> Answers {
    let said = &truth.0;
    let end = if breaks_off { cut(said, chance) } else { said.len() };
    let mut answers = BTreeMap::new();
    for (key, value) in &said[..end] {
        let routes = key.starts_with("contact") || *key == "authority" || key.starts_with("young");
        if routes || key.contains('.') || *key == "known_selfservice" {
            answers.insert((*key).to_owned(), value.text());
            continue;
        }
        match chance.even() {
            draw if draw < 0.015 => {}
            draw if draw < 0.04 && DOUBTS.contains(*key) => {
                answers.insert((*key).to_owned(), DONT_KNOW.to_owned());
            }
            _ => {
                answers.insert((*key).to_owned(), value.text());
            }
        }
    }
    Answers(answers)
}

/// Where somebody breaks off: anywhere after the first page, not in the middle of a list of ticks.
fn cut(said: &[(&'static str, Said)], chance: &mut Chance) -> usize {
    let mut end = chance.between(4, said.len() * 4 / 5);
    let group = |key: &'static str| key.split_once('.').map(|(question, _)| question);
    while end < said.len() && group(said[end].0).is_some() && group(said[end].0) == group(said[end - 1].0) {
        end += 1;
    }
    end
}

fn comment(
    answers: &mut Answers,
    truth: &Truth,
    language: Language,
    business: &str,
    chance: &mut Chance,
) -> BTreeMap<String, Vec<&'static str>> {
    let mut themes = BTreeMap::new();
    let overall = truth.get("overall").and_then(|v| v.parse().ok()).unwrap_or(3);
    // The dissatisfied write more.
    let writes = if overall <= 2 { 0.48 } else { 0.30 };
    let asked = [
        ("overall_why", Asked::Why(overall), writes),
        ("service_better", Asked::Better, if answers.0.contains_key("authority") { writes } else { 0.0 }),
        ("does_well", Asked::Well, 0.24),
        ("do_first", Asked::First, 0.32),
    ];
    for (key, asked, share) in asked {
        if chance.happens(share) {
            let (text, about) = comments::write(asked, language, business, chance);
            answers.0.insert(key.to_owned(), text);
            themes.insert(key.to_owned(), about);
        }
    }
    themes
}

/// Some rate one more authority than the one that mattered most.
fn offered_turns(answers: &mut Answers, truth: &Truth, view: &View<'_>, chance: &mut Chance) {
    let first = truth.get("authority");
    let other = truth.0.iter().find_map(|(key, said)| {
        let authority = key.strip_prefix("contact.")?;
        let ticked = *said == Said::Number(1) && !matches!(authority, "jobcentre" | "none");
        (ticked && first.as_deref() != Some(authority)).then_some(authority)
    });
    if let Some(other) = other
        && chance.happens(0.3)
    {
        view.factors(level_of(other), chance, |key, said| {
            answers.0.insert(turn_key(key, other), said.text());
        });
    }
}

/// When somebody begins and ends: after the invitation or a reminder, mostly at once, between 6 and 21 o'clock.
fn times(opened_at: Millis, mode: Mode, chance: &mut Chance) -> (Millis, Millis) {
    let wave = if mode == Mode::Telephone { 3 } else { chance.weighted(&WAVES) };
    let sent = wave.checked_sub(1).map_or(0, |reminder| REMINDERS[reminder]);
    let day = i64::try_from(chance.below(3) * chance.below(4)).unwrap_or(0);
    // On the first day not before the mail is there.
    let earliest = if day == 0 { 8 } else { 6 };
    let hour = i64::try_from(chance.between(earliest, 20)).unwrap_or(0);
    let second = i64::try_from(chance.below(3600)).unwrap_or(0);
    let started_at = opened_at.plus_days(sent + day).plus_seconds((hour - 8) * 3600 + second + 60);
    let took = i64::try_from(chance.between(170, 420) + chance.below(200)).unwrap_or(0);
    (started_at, started_at.plus_seconds(took))
}
