//! The console: where an analyst prepares, runs, watches and publishes a round.
//!
//! # Layout
//! - this module: the home page with what is going on and what to do next
//! - [`people`], [`readers`]: who may sign in; links for readers from outside; [`trail`]: who did what
//! - [`frames`]: register extracts in
//! - [`rounds`]: a round from draft to closed
//! - [`messages`]: what mail could not do, and letters; [`trouble`]: what came back and what came in
//! - [`protected`]: why protected businesses may be asked; [`notices`]: thanks and welcome
//! - [`questionnaires`]: versions of the questionnaire, and the next one in the making
//! - [`quality`]: how long answering takes, what is left blank, where people stop; [`monitor`]: the round while it runs, and how certain its figures will be
//! - [`cases`]: closed cases in, and what is said about them by quarter
//! - [`follow`]: businesses that asked to be contacted; [`visits`]: newcomers and visits
//! - [`explore`]: figures of closed rounds, table by table; [`answers`]: what businesses write
//! - [`plans`]: goals, initiatives, statuses between rounds; [`accounts`]: register facts
//! - [`publishing`]: analyse, publish, papers
//! - [`settings`]: what the municipality says of itself
//! - [`neighbours`]: other municipalities' packages
//! - [`jobs`]: work in the background and its results
pub mod accounts;
pub mod answers;
pub mod cases;
pub mod explore;
pub mod follow;
pub mod frames;
pub mod jobs;
pub mod messages;
pub mod monitor;
pub mod neighbours;
pub mod notices;
pub mod people;
pub mod plans;
pub mod protected;
pub mod publishing;
pub mod quality;
pub mod questionnaires;
pub mod readers;
pub mod rounds;
pub mod settings;
pub mod trail;
pub mod trouble;
pub mod visits;

use axum::extract::State;
use axum::response::Response;
use axum::{Router, middleware, routing};
use domain::fieldwork::{Role, RoundState};
use domain::language::Language;
use domain::municipality::Municipality;
use domain::size::SizeClasses;
use serde::Serialize;
use store::rounds::Round;
use text::{EngineError, format};

use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar, Note, not_kept};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console", routing::get(home))
        .merge(frames::routes())
        .merge(rounds::routes())
        .merge(messages::routes())
        .merge(notices::routes())
        .merge(protected::routes())
        .merge(trouble::routes())
        .merge(follow::routes())
        .merge(visits::routes())
        .merge(quality::routes())
        .merge(monitor::routes())
        .merge(questionnaires::routes())
        .merge(explore::routes())
        .merge(answers::routes())
        .merge(plans::routes())
        .merge(accounts::routes())
        .merge(cases::routes())
        .merge(publishing::routes())
        .merge(neighbours::routes())
        .merge(jobs::routes())
        .merge(settings::routes())
        .merge(people::routes())
        .merge(readers::routes())
        .merge(trail::routes())
        .layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<HomePage>(site)?;
    people::check(templates, site)?;
    readers::check(templates, site)?;
    trail::check(templates, site)?;
    frames::check(templates, site)?;
    rounds::check(templates, site)?;
    messages::check(templates, site)?;
    notices::check(templates, site)?;
    protected::check(templates, site)?;
    trouble::check(templates, site)?;
    follow::check(templates, site)?;
    visits::check(templates, site)?;
    quality::check(templates, site)?;
    monitor::check(templates, site)?;
    questionnaires::check(templates, site)?;
    explore::check(templates, site)?;
    answers::check(templates, site)?;
    plans::check(templates, site)?;
    accounts::check(templates, site)?;
    cases::check(templates, site)?;
    publishing::check(templates, site)?;
    jobs::check(templates, site)?;
    neighbours::check(templates, site)?;
    settings::check(templates, site)
}

/// The year that an analyst would begin with: that of the municipality's today.
fn this_year(app: &App, municipality: &Municipality) -> i32 {
    app.now().date_in(&format::zone(&municipality.settings.time_zone)).year().into()
}

/// The municipality's sectors in their order, with titles.
pub(crate) fn sectors(municipality: &Municipality, language: Language) -> Vec<(String, String)> {
    let grouping = municipality.settings.sectors();
    grouping
        .map(|g| g.sectors().iter().map(|s| (s.key.clone(), s.titles.get(language).to_owned())).collect())
        .unwrap_or_default()
}

/// The size classes in their order, with titles.
fn sizes(municipality: &Municipality, language: Language) -> Vec<(String, String)> {
    SizeClasses::default_for(municipality.country)
        .classes()
        .iter()
        .map(|c| (c.key.clone(), c.titles.get(language).to_owned()))
        .collect()
}

/// A title by key; the key itself where the definition does not know it (any more).
pub(crate) fn titled<'a>(titles: &'a [(String, String)], key: &'a str) -> &'a str {
    titles.iter().find(|(known, _)| known == key).map_or(key, |(_, title)| title)
}

/// `GET /{slug}/console`
#[derive(Debug, Serialize)]
pub struct HomePage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The year at work.
    pub year: i32,
    /// What there is to do, in order.
    pub steps: Vec<Step>,
    /// What is done next: the step at hand.
    pub next: Option<Step>,
    /// All rounds, newest first.
    pub rounds: Vec<RoundLine>,
    /// The latest jobs.
    pub jobs: Vec<jobs::JobLine>,
    /// About the accessibility statement: key of a message.
    pub warning: Option<&'static str>,
}

/// One step of a year.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Key of its name: `console.step_<key>`.
    pub key: &'static str,
    /// Name.
    pub name: String,
    /// Where it stands: `done`, `now`, `later`.
    pub state: &'static str,
    /// Where it stands, in words.
    pub text: String,
    /// Where it is done.
    pub href: Option<String>,
}

/// A round in the list.
#[derive(Debug, Serialize)]
pub struct RoundLine {
    /// Its page.
    pub href: String,
    /// Title.
    pub title: String,
    /// Year.
    pub year: i32,
    /// State, in words.
    pub state: String,
    /// Last day of answering.
    pub closes_on: Option<String>,
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "console/home.html";

    fn samples() -> Vec<Self> {
        let step = |state, href: Option<&str>| Step {
            key: "frame",
            name: "Registerudtræk".to_owned(),
            state,
            text: "2.480 arbejdssteder".to_owned(),
            href: href.map(str::to_owned),
        };
        let line = |closes_on: Option<&str>| RoundLine {
            href: "/hojager/console/rounds/1".to_owned(),
            title: "2026-målingen".to_owned(),
            year: 2026,
            state: "åben".to_owned(),
            closes_on: closes_on.map(str::to_owned),
        };
        let full = Self {
            bar: Bar::sample(true),
            note: Note::Created.key(),
            year: 2026,
            steps: vec![step("done", None), step("now", Some("/x")), step("later", None)],
            next: Some(step("now", Some("/x"))),
            rounds: vec![line(Some("2026-10-01")), line(None)],
            jobs: vec![jobs::JobLine::sample()],
            warning: Some("answering.statement_missing"),
        };
        let empty = Self {
            bar: Bar::sample(false),
            note: None,
            year: 2026,
            steps: Vec::new(),
            next: None,
            rounds: Vec::new(),
            jobs: Vec::new(),
            warning: None,
        };
        vec![full, empty]
    }
}

async fn home(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    note: Note,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let id = &staff.municipality.id;
    let rounds = app.store().rounds(id).await?;
    let round = rounds.iter().find(|r| r.state != RoundState::Closed).or(rounds.first());
    let year = round.map_or_else(|| this_year(&app, &staff.municipality), |r| r.year);
    let administers = staff.user.role == Role::Administrator;
    let steps = steps(&app, &staff.municipality, language, year, round, administers).await?;
    let recent = app.store().jobs(id, None, 5).await?;
    let page = HomePage {
        bar: staff.bar("home"),
        note: note.key(),
        year,
        next: steps.iter().find(|s| s.state == "now").cloned(),
        steps,
        rounds: rounds.iter().map(|r| round_line(&app, language, &staff.municipality.slug, r)).collect(),
        jobs: recent.iter().map(|job| jobs::JobLine::of(&app, language, &staff.municipality.slug, job)).collect(),
        warning: settings::warning(&app, &staff.municipality),
    };
    view.render(&page)
}

fn round_line(app: &App, language: Language, slug: &str, round: &Round) -> RoundLine {
    RoundLine {
        href: format!("/{slug}/console/rounds/{}", round.id),
        title: round.title.clone(),
        year: round.year,
        state: app.t(language, &format!("console.state_{}", round.state.as_str()), &[]),
        closes_on: round.closes_on.clone(),
    }
}

/// The steps of a year and where each stands, as the data has it.
async fn steps(
    app: &App,
    municipality: &Municipality,
    language: Language,
    year: i32,
    round: Option<&Round>,
    administers: bool,
) -> Result<Vec<Step>, PageError> {
    let (id, slug) = (&municipality.id, &municipality.slug);
    let frame = app.store().frames(id).await?.into_iter().find(|f| f.year == year);
    let published = app.store().publications(id).await?.into_iter().find(|p| p.year == year);
    let answered = match round {
        Some(round) if round.state != RoundState::Draft => Some(app.store().monitor(id, &round.id).await?.total),
        _ => None,
    };
    let state = round.map(|r| r.state);
    let round_href = round.map(|r| format!("/{slug}/console/rounds/{}", r.id));
    let say = |key: &str, args: &[(&str, text::Arg)]| app.t(language, &format!("console.{key}"), args);
    let mut steps: Vec<Step> = Vec::new();
    let mut add = |key: &'static str, done: bool, text: String, href: Option<String>| {
        let is_next = !done && steps.iter().all(|s| s.state == "done");
        let state = if done {
            "done"
        } else if is_next {
            "now"
        } else {
            "later"
        };
        steps.push(Step { key, name: say(&format!("step_{key}"), &[]), state, text, href });
    };
    let settings = administers.then(|| format!("/{slug}/console/settings"));
    let opened = matches!(state, Some(RoundState::Open | RoundState::Closed));
    let missing = settings::missing(&municipality.settings);
    let named: Vec<String> =
        missing.iter().map(|name| app.t(language, &format!("answering.setting_{name}"), &[])).collect();
    let place_text = match named.as_slice() {
        [] => say("step_place_done", &[("municipality", municipality.name.as_str().into())]),
        named => {
            let key = if administers { "step_place_todo" } else { "step_place_todo_other" };
            say(key, &[("missing", named.join(" · ").into())])
        }
    };
    let anchor = missing.first().copied().unwrap_or("name");
    add("place", missing.is_empty() || opened, place_text, settings.as_ref().map(|href| format!("{href}#{anchor}")));
    let frame_text = frame.as_ref().map_or_else(
        || say("step_frame_todo", &[("year", year.into())]),
        |f| say("step_frame_done", &[("units", f.units.into()), ("contactable", f.contactable.into())]),
    );
    add("frame", frame.is_some(), frame_text, Some(format!("/{slug}/console/frames")));
    let plan_text = round
        .map_or_else(|| say("step_plan_todo", &[]), |r| say("step_plan_done", &[("title", r.title.as_str().into())]));
    let plan_href = round_href.clone().unwrap_or_else(|| format!("/{slug}/console/rounds/new"));
    add("plan", round.is_some(), plan_text, Some(plan_href));
    let closed = state == Some(RoundState::Closed);
    let has_form = round.is_some_and(|r| r.questionnaire.is_some());
    let form_text = say(if has_form { "step_form_done" } else { "step_form_todo" }, &[]);
    add("form", round.is_some(), form_text, Some(format!("/{slug}/console/questionnaires")));
    let sender = municipality.settings.sender_email.as_str();
    let mail_text = match sender {
        "" => say("step_mail_todo", &[]),
        sender => say("step_mail_done", &[("sender", sender.into())]),
    };
    add("mail", !sender.is_empty() || opened, mail_text, settings.map(|href| format!("{href}#sender_email")));
    let open_text = match (state, &answered) {
        (Some(RoundState::Opening), _) => say("step_open_running", &[]),
        (Some(RoundState::Open | RoundState::Closed), Some(total)) => {
            say("step_open_done", &[("invited", total.invited.into())])
        }
        _ => say("step_open_todo", &[]),
    };
    add("open", opened, open_text, round_href.clone());
    let collect_text = answered.filter(|_| opened).map_or_else(
        || say("step_collect_todo", &[]),
        |total| {
            let answered = total.partial + total.complete;
            let rate = format::percent(language, rounds::share(answered, total.frame), 0);
            say("step_collect_text", &[("answered", answered.into()), ("rate", rate.into())])
        },
    );
    add("collect", closed, collect_text, round_href.clone());
    let waves = match round {
        Some(round) if opened => {
            app.store().mail_counts(id, &round.id).await?.iter().map(|c| c.wave).max().unwrap_or(0)
        }
        _ => 0,
    };
    let reminders = u64::try_from(waves.min(3)).unwrap_or(0);
    let remind_text = match reminders {
        0 => say("step_remind_todo", &[]),
        n => say("step_remind_done", &[("n", n.into())]),
    };
    let remind_href = round_href.as_ref().filter(|_| opened && !closed).map(|href| format!("{href}/reminder"));
    add("remind", reminders > 0 || closed, remind_text, remind_href);
    let close_text = match round.and_then(|r| r.closes_on.as_deref()).filter(|_| opened) {
        _ if closed => say("step_close_done", &[]),
        Some(date) => say("step_close_text", &[("date", day(language, date).into())]),
        None => say("step_close_todo", &[]),
    };
    add("close", closed, close_text, round_href.filter(|_| opened));
    let publish_text = published.as_ref().map_or_else(
        || say("step_publish_todo", &[]),
        |p| say("step_publish_done", &[("version", p.version.into()), ("date", day(language, &p.date).into())]),
    );
    add("publish", published.is_some(), publish_text, Some(format!("/{slug}/console/publications")));
    Ok(steps)
}

/// A stored date `yyyy-mm-dd` as people write it.
pub(crate) fn day(language: Language, date: &str) -> String {
    date.parse().map_or_else(|_| date.to_owned(), |parsed| format::date(language, parsed))
}
