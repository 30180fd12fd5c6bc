//! Many businesses that answer at once, by the forms as they come.
use std::time::{Duration, Instant};

use domain::frame::FrameUnit;
use domain::ids::{InvitationId, MunicipalityId, RoundId};
use domain::industry::Classification;
use domain::language::Country;
use domain::municipality::Settings;
use pejling::wiring::Parts;
use reqwest::{Client, StatusCode, Url, header, redirect};
use store::rounds::RoundPlan;
use tokio::sync::Semaphore;

use crate::visitor::{Form, Visitor};

/// A round in the field and the links of everybody invited.
pub struct Crowd {
    /// The municipality.
    pub municipality: MunicipalityId,
    /// The round.
    pub round: RoundId,
    /// Invitations and the tokens of their links.
    pub invited: Vec<(InvitationId, String)>,
}

fn unit(number: u32) -> FrameUnit {
    FrameUnit {
        unit_key: format!("dk:p:{:010}", 1_000_000_000 + number),
        country: Country::Dk,
        company_number: None,
        name: format!("Vognmand {number} ApS"),
        street: format!("Havnevej {number}"),
        postcode: "4690".to_owned(),
        city: "Højager".to_owned(),
        industry_code: "49.41.00".to_owned(),
        classification: Classification::Db25,
        employees_low: 12,
        employees_high: Some(12),
        company_employees_low: None,
        company_employees_high: None,
        sector: "transport".to_owned(),
        size: "10-49".to_owned(),
        area: None,
        started_on: Some("2011-05-01".to_owned()),
        email: Some(format!("vognmand{number}@example.dk")),
        phone: None,
        protected: false,
    }
}

/// Opens a round among so many hauliers of twelve: all walk the same way through the shipped questionnaire.
///
/// # Panics
/// When the database refuses.
pub async fn open(parts: &Parts, businesses: u32) -> Crowd {
    let (store, now) = (&parts.store, parts.clock.now());
    let settings = Settings::default();
    let municipality = store
        .create_municipality("hojager", "Højager Kommune", Country::Dk, &settings, now)
        .await
        .expect("a municipality");
    let id = municipality.id;
    let year = i32::from(now.timestamp().to_zoned(jiff::tz::TimeZone::UTC).year());
    let import = store.begin_frame_import(&id, year, "udtraek.csv", "0123", now).await.expect("an import");
    let units: Vec<FrameUnit> = (0..businesses).map(unit).collect();
    for some in units.chunks(1000) {
        store.stage_frame_rows(&id, &import.id, some, now).await.expect("rows");
    }
    store.finish_frame_import(&id, &import.id, now).await.expect("a frame");
    let questionnaire =
        store.save_questionnaire(&id, &domain::questionnaire::shipped(), now).await.expect("a questionnaire");
    let plan = RoundPlan {
        title: "Erhvervsmålingen".to_owned(),
        opens_on: None,
        closes_on: None,
        questionnaire: Some(questionnaire),
        threshold: 5,
    };
    let round = store.create_round(&id, year, &plan, now).await.expect("a round").id;
    store.freeze_and_open(&id, &round, &parts.keys, "hojager.example", now).await.expect("it opens");
    // Nobody is to write mail while answers are measured.
    store.pause_mail(&id, &round, "measuring", now).await.expect("it pauses");
    let links = store.links(&id, &round, None, businesses + 1).await.expect("links");
    let token =
        |l: &store::rounds::LinkRow| parts.keys.invitation_token(&l.invitation, l.generation).reveal().to_owned();
    let invited = links.iter().map(|l| (l.invitation.clone(), token(l))).collect();
    Crowd { municipality: id, round, invited }
}

/// A client that follows nothing by itself, so that each request is timed alone.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn client() -> Client {
    crate::visitor::browser().redirect(redirect::Policy::none()).build().expect("the client can be made")
}

/// One form as it was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The page behind the link: empty for the first one.
    pub page: String,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

/// How a walk went.
#[derive(Debug, Default)]
pub struct Walk {
    /// The forms that were sent and acknowledged, in their order.
    pub sent: Vec<Sent>,
    /// How long each POST took.
    pub posts: Vec<Duration>,
    /// How long each page took.
    pub gets: Vec<Duration>,
    /// It came to its end: the answer was sent.
    pub finished: bool,
}

/// Answers the whole questionnaire behind a link as a browser would: fetches each page, reads its form, fills it in, sends it and
/// follows. Ends early when the server does not answer.
pub async fn walk(client: &Client, base: &str, token: &str) -> Walk {
    walk_counting(client, base, token, &Semaphore::new(0)).await
}

/// As [`walk`], counting acknowledged pages where others can see it.
pub async fn walk_counting(client: &Client, base: &str, token: &str, acknowledged: &Semaphore) -> Walk {
    let mut walk = Walk::default();
    let mut visitor = Visitor::new();
    let Ok(first) = Url::parse(&format!("{base}/s/{token}")) else { return walk };
    if get(client, &mut visitor, first, &mut walk).await.is_none() {
        return walk;
    }
    for _ in 0..60 {
        let Some(form) = visitor.forms().into_iter().find(|f| f.post && f.action.path().starts_with("/s/")) else {
            return walk;
        };
        let page = form.action.path().split('/').nth(3).unwrap_or_default().to_owned();
        let fields = filled(form.clone()).fields;
        let started = Instant::now();
        let Some((status, to)) = post(client, form.action.clone(), &fields).await else { return walk };
        walk.posts.push(started.elapsed());
        if status != StatusCode::SEE_OTHER {
            return walk;
        }
        walk.sent.push(Sent { page: page.clone(), fields });
        acknowledged.add_permits(1);
        if page == "submit" {
            walk.finished = true;
            return walk;
        }
        let Ok(to) = visitor.url.join(&to) else { return walk };
        if get(client, &mut visitor, to, &mut walk).await.is_none() {
            return walk;
        }
    }
    walk
}

async fn get(client: &Client, visitor: &mut Visitor, url: Url, walk: &mut Walk) -> Option<()> {
    let started = Instant::now();
    let response = client.get(url.clone()).send().await.ok()?;
    visitor.status = response.status();
    visitor.html = response.text().await.ok()?;
    visitor.url = url;
    walk.gets.push(started.elapsed());
    visitor.status.is_success().then_some(())
}

/// Sends a form; status and where it leads. `None`: no answer.
pub async fn post(client: &Client, to: Url, fields: &[(String, String)]) -> Option<(StatusCode, String)> {
    let response = client.post(to).header("Sec-Fetch-Site", "same-origin").form(fields).send().await.ok()?;
    let to = response.headers().get(header::LOCATION).and_then(|l| l.to_str().ok()).unwrap_or_default().to_owned();
    let status = response.status();
    response.bytes().await.ok()?;
    Some((status, to))
}

/// The first of what is offered, everywhere; a sentence in every text; no wish to be contacted.
fn filled(mut form: Form) -> Form {
    for name in form.radios() {
        let first = if name == "follow_up" { "0".to_owned() } else { form.offered(&name).remove(0) };
        form = form.with(&name, &first);
    }
    for name in form.boxes() {
        let first = form.offered(&name).remove(0);
        form = form.with(&name, &first);
    }
    for name in form.texts.clone() {
        form = form.with(&name, "Hurtigere svar på byggesager, og ét sted at ringe hen.");
    }
    form.with("go", "next")
}

/// The value below which this share of the (sorted) durations lies.
#[must_use]
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position within the list")]
    let at = (last as f64 * share).round() as usize;
    sorted.get(at.min(last)).copied().unwrap_or_default()
}
