//! `pejling demo`: the invented municipality, loaded into a database of its own and served until stopped.
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use analysis::coding::Codebook;
use analysis::redact::Known;
use anyhow::{Context, Result};
use demo::{Demo, DemoRound};
use domain::fieldwork::{Role, RoundState};
use domain::frame::FrameUnit;
use domain::ids::{InitiativeId, RoundId};
use domain::language::Language;
use domain::municipality::Municipality;
use domain::questionnaire;
use domain::secrets::SecretKey;
use domain::time::{Clock, Millis, SetClock, SystemClock};
use mailout::Transport;
use store::codes::ConfirmedCode;
use store::results::PastResponse;
use store::rounds::RoundPlan;
use store::{Store, StoreOptions};

use crate::commands::user::sign_in_link;
use crate::publish::{self, Plan};
use crate::serve;
use crate::wiring::{Parts, mail_domain};

/// What is not as elsewhere: said where the figures are read.
const NOTE: &str = "Kommunen er opfundet, og svarene er det også. Temaerne i svar med egne ord er ikke læst af en person, men er dem, som svarene er skrevet efter.";
/// What stands above the status of the autumn.
const STATUS: &str = "Siden tallene blev lagt frem, er én indsats gjort færdig, én er sat i gang, og én er stoppet. Tallene er ikke målt igen.";
/// Days from the last answer to the publication.
const PUBLISHED_AFTER: i64 = 40;
/// Days since the status.
const STATUS_BEFORE: i64 = 60;
/// Comments that the committee reads.
const QUOTES: usize = 5;
/// Rows staged with one call.
const CHUNK: usize = 500;
/// Hours for which the printed links sign in.
const LINK_HOURS: i64 = 24 * 30;

/// Makes the municipality, prints one address per role and serves it. Its database lies in a folder that goes with the program;
/// mail goes into a table and is shown on a page.
///
/// # Errors
/// A taken port, or no room for temporary files.
pub async fn demo(arguments: &crate::cli::Demo) -> Result<()> {
    let listener = serve::listen(&arguments.listen).await?;
    let public_url = format!("http://{}", listener.local_addr()?);
    let folder =
        tempfile::Builder::new().prefix("pejling-demo-").tempdir().context("no folder for the demo can be made")?;
    let (seed, now) = (arguments.seed, SystemClock.now());
    let town = tokio::task::spawn_blocking(move || demo::generate_at(seed, now))
        .await
        .context("the town could not be made")?;
    let url = format!("sqlite:{}", folder.path().join("demo.sqlite").display());
    let store = Store::connect(&url, &StoreOptions { durable: false, ..StoreOptions::default() }).await?;
    let parts = Parts { store, keys: SecretKey::generate().keys(), clock: Arc::new(SystemClock) };
    let municipality = load(&parts, &town, &public_url).await?;
    print_addresses(&parts, &municipality, &public_url).await?;
    serve::house(listener, parts, public_url, true, Transport::Table, serve::stop_signal()).await
}

/// Loads a town: frames, closed rounds with their answers, the round in the field, initiatives, and the publication of the latest
/// closed year.
///
/// # Errors
/// When the database refuses.
pub async fn load(parts: &Parts, town: &Demo, public_url: &str) -> Result<Municipality> {
    let store = &parts.store;
    let made = &town.municipality;
    let first = town.rounds.first().map_or(town.as_of, |r| r.opened_at);
    let municipality = store.create_municipality(&made.slug, &made.name, made.country, &made.settings, first).await?;
    let id = &municipality.id;
    let form = store.save_questionnaire(id, &questionnaire::shipped(), first).await?;
    for round in &town.rounds {
        let units: Vec<FrameUnit> = round.units.iter().map(|u| u.unit.clone()).collect();
        let import = store
            .begin_frame_import(id, round.year, &format!("udtræk-{}.csv", round.year), "", round.opened_at)
            .await?;
        for chunk in units.chunks(CHUNK) {
            store.stage_frame_rows(id, &import.id, chunk, round.opened_at).await?;
        }
        store.finish_frame_import(id, &import.id, round.opened_at).await?;
        let zone = text::format::zone(&municipality.settings.time_zone);
        let plan = RoundPlan {
            title: format!("{}-målingen", round.year),
            opens_on: Some(round.opened_at.date_in(&zone).to_string()),
            closes_on: Some(round.closes_at.date_in(&zone).to_string()),
            questionnaire: Some(form.clone()),
            threshold: municipality.settings.threshold,
        };
        let stored = store.create_round(id, round.year, &plan, round.opened_at).await?;
        if round.state == RoundState::Closed {
            answers(parts, &municipality, &stored.id, round).await?;
            store.close_round(id, &stored.id, round.closes_at).await?;
            codes(parts, &municipality, round).await?;
        } else {
            crate::cases::load_demo(parts, &municipality, &units, round.opened_at, public_url).await?;
            store.freeze_and_open(id, &stored.id, &parts.keys, &mail_domain(public_url), round.opened_at).await?;
            answers(parts, &municipality, &stored.id, round).await?;
        }
    }
    if let Some(last) = town.rounds.iter().rev().find(|r| r.state == RoundState::Closed) {
        quotes(parts, &municipality, last).await?;
    }
    policy(parts, town, &municipality).await?;
    Ok(municipality)
}

/// Releases some comments of a closed round to the committee: elsewhere a person reads them, chooses and takes out what could tell who wrote
/// them; here those are taken in which nothing is found, spread over the questions.
async fn quotes(parts: &Parts, municipality: &Municipality, made: &DemoRound) -> Result<()> {
    let (store, id) = (&parts.store, &municipality.id);
    let released_at = made.closes_at.plus_days(1);
    let reader = store.create_user(id, "Lone Læser", "laeser@hojager.example", Role::Analyst, released_at).await?;
    let questions = publish::open_questions(&questionnaire::shipped());
    let comments = store.comments(id, made.year, &questions).await?;
    let mut words = HashSet::new();
    let fit = |comment: &&store::codes::CommentRow| {
        let length = comment.text.chars().count();
        comment.language.is_none_or(|l| l == Language::Da)
            && (40..=160).contains(&length)
            && analysis::redact::redact(&comment.text, comment.language, &Known::default()).found.is_empty()
    };
    let fit: Vec<_> = comments.iter().filter(fit).filter(|c| words.insert(c.text.as_str())).collect();
    let apart = (fit.len() / QUOTES).max(1);
    for comment in fit.into_iter().step_by(apart).take(QUOTES) {
        let place = (&comment.response, comment.question.as_str());
        store.release_quote(id, place, &comment.text, &reader.id, released_at).await?;
    }
    Ok(())
}

/// What the municipality wants, does and counts, in the order in which it happened: the publication of the latest closed year freezes what
/// stood then, and a status in the autumn after says what has moved since.
async fn policy(parts: &Parts, town: &Demo, municipality: &Municipality) -> Result<()> {
    let (store, id) = (&parts.store, &municipality.id);
    let day = |at: Millis| at.date_in(&text::format::zone(&municipality.settings.time_zone)).to_string();
    let first = town.rounds.first().map_or(town.as_of, |r| r.opened_at);
    store.set_focus_areas(id, &town.focus_areas).await?;
    store.save_facts(id, &town.facts, first).await?;
    // A second apart, so that they stay in their order.
    for (goal, second) in town.goals.iter().zip(0..) {
        let mut made = None;
        for (since, note, plan) in &goal.versions {
            match &made {
                None => made = Some(store.create_goal(id, plan, since, first.plus_seconds(second)).await?),
                Some(goal) => store.change_goal(id, goal, plan, since, note, first).await?,
            }
        }
    }
    let last = town.rounds.iter().rfind(|r| r.state == RoundState::Closed);
    let published_at = last.map_or(town.as_of, |r| r.closes_at.plus_days(PUBLISHED_AFTER));
    let mut made: Vec<Option<InitiativeId>> = vec![None; town.initiatives.len()];
    for later in [false, true] {
        for ((initiative, made), second) in town.initiatives.iter().zip(&mut made).zip(0..) {
            let first = first.plus_seconds(second);
            for step in initiative.steps.iter().filter(|s| (s.on > day(published_at)) == later) {
                match made {
                    None => {
                        *made = Some(store.create_initiative(id, &initiative.plan, step.state, &step.on, first).await?);
                    }
                    Some(made) => store.move_initiative(id, made, step.state, &step.on, &step.note, first).await?,
                }
            }
        }
        let Some(last) = last else { continue };
        if later {
            let date = town.as_of.plus_days(-STATUS_BEFORE);
            let standing = store.standing(id, &day(date), municipality.settings.threshold).await?;
            if let Some(publication) = store.latest_publication(id, Some(last.year)).await? {
                let title = "Status på indsatserne".to_owned();
                store.publish_status(id, &publication.info.id, &title, STATUS, &standing, date).await?;
            }
        } else {
            let title = format!("Lokal erhvervsundersøgelse {}", last.year);
            let plan = Plan { year: last.year, title, note: NOTE.to_owned() };
            let then = Parts { clock: Arc::new(SetClock::new(published_at)), ..parts.clone() };
            publish::publish(&then, municipality, &plan).await?;
        }
    }
    Ok(())
}

async fn answers(parts: &Parts, municipality: &Municipality, round: &RoundId, made: &DemoRound) -> Result<()> {
    let responses: Vec<PastResponse> = made
        .units
        .iter()
        .filter_map(|unit| {
            let response = unit.response.as_ref()?;
            Some(PastResponse {
                unit_key: unit.unit.unit_key.clone(),
                status: response.status,
                mode: response.mode,
                language: Some(response.language),
                started_at: response.started_at,
                submitted_at: response.completed_at,
                answers: response.answers.clone(),
            })
        })
        .collect();
    parts.store.load_responses(&municipality.id, round, &responses, made.closes_at).await?;
    Ok(())
}

/// Confirms the codes of a closed round's comments. In the invented municipality they are the truth by which the comments were written;
/// elsewhere a person reads each comment and confirms or corrects what is suggested.
async fn codes(parts: &Parts, municipality: &Municipality, made: &DemoRound) -> Result<()> {
    let mut truth: HashMap<(&str, &str), &[&str]> = HashMap::new();
    for response in made.units.iter().filter_map(|u| u.response.as_ref()) {
        for (key, themes) in &response.themes {
            if let Some(text) = response.answers.get(key) {
                truth.insert((key, text), themes);
            }
        }
    }
    let questions = publish::open_questions(&questionnaire::shipped());
    let comments = parts.store.comments(&municipality.id, made.year, &questions).await?;
    let version = Codebook::shipped().version;
    let mut done = HashSet::new();
    let codes: Vec<ConfirmedCode> = comments
        .into_iter()
        .filter_map(|comment| {
            let themes = truth.get(&(comment.question.as_str(), comment.text.as_str()))?;
            done.insert((comment.response.clone(), comment.question.clone())).then(|| ConfirmedCode {
                response: comment.response,
                question: comment.question,
                coder: "demo".to_owned(),
                version,
                themes: themes.iter().map(|t| (*t).to_owned()).collect(),
                confirmed_at: made.closes_at,
            })
        })
        .collect();
    Ok(parts.store.confirm_codes(&municipality.id, &codes).await?)
}

async fn print_addresses(parts: &Parts, municipality: &Municipality, public_url: &str) -> Result<()> {
    let now = parts.clock.now();
    let mut lines =
        vec![("A business".to_owned(), format!("{public_url}/catcher"), "take an invitation and answer it")];
    for (role, name, label, what) in [
        (Role::Analyst, "Anders Analytiker", "The analyst", "runs the round, reads figures"),
        (Role::Committee, "Ulla Udvalg", "The committee", "reads what is published"),
        (Role::Interviewer, "Ida Interviewer", "An interviewer", "answers for businesses on the telephone"),
        (Role::Administrator, "Karen Chef", "The administrator", "everything"),
    ] {
        let email = format!("{}@hojager.example", role.as_str());
        let user = parts.store.create_user(&municipality.id, name, &email, role, now).await?;
        let link = sign_in_link(parts, municipality, &user.id, public_url, LINK_HOURS).await?;
        lines.push((label.to_owned(), link, what));
    }
    println!(
        "{} is invented, and so is everything in it. Stop with Ctrl-C; nothing is kept and no mail is sent.\n",
        municipality.name
    );
    for (who, link, what) in lines {
        println!("  {who:<18}{link}\n  {:<18}{what}", "");
    }
    println!("\nEach link but the first signs in once. Pejling listens on {public_url}");
    Ok(())
}
