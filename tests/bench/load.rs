//! How many businesses can answer at once, beside a bare handler that validates and durably commits the same payloads.
//!
//! `cargo run --release -p e2e --bin load -- [WALKS] [REPLAYS]` (400 whole questionnaires; five times 200 replayed beside the bare
//! handler). SQLite with `synchronous = full`; PostgreSQL too when `PEJLING_TEST_POSTGRES` names a server.
//!
//! First so many respondents, 64 at a time, go through the whole questionnaire as a browser would: every page is fetched, its form
//! read, filled in and sent. Then the forms they sent are sent again for other businesses, first to our pages, then to a bare axum
//! handler in the same process that parses the same form, checks it against the same screen and writes it through the same
//! store and its group commit: no link is looked up, no route worked out, no page made.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::answers;
use domain::fieldwork::{Mode, ResponseStatus};
use domain::ids::InvitationId;
use domain::language::Language;
use domain::questionnaire::Screen;
use e2e::crowd::{self, Crowd, Sent, percentile};
use e2e::house::{Engine, House};
use reqwest::Url;
use store::Store;
use store::respondent::PageSave;

/// Respondents at the same time.
const AT_ONCE: usize = 64;
/// Slices in which ours and the bare handler take turns.
const SLICES: usize = 5;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|n| n.parse::<usize>().ok());
    let (walks, replays) = (arguments.next().unwrap_or(400), arguments.next().unwrap_or(200));
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let businesses = u32::try_from(walks + 2 * SLICES * replays + 1).unwrap_or(u32::MAX);
        if let Some(house) = House::open(engine, None).await {
            let crowd = crowd::open(&house.parts, businesses).await;
            println!(
                "{engine:?}, {AT_ONCE} respondents at once, {} processors",
                std::thread::available_parallelism().map_or(1, usize::from)
            );
            measure(&house, crowd, walks, replays).await;
            house.close().await;
        }
    }
}

async fn measure(house: &House, mut crowd: Crowd, walks: usize, replays: usize) {
    let rest = crowd.invited.split_off(walks + 1);
    let pattern = whole(house, &crowd).await;
    let bare = bare(house, &crowd).await;
    let mut rest = rest.into_iter();
    let (mut ours, mut theirs) = (Slices::default(), Slices::default());
    for _ in 0..SLICES {
        let some: Vec<_> = rest.by_ref().take(replays).collect();
        let to: Vec<String> = some.iter().map(|(_, token)| format!("{}/s/{token}", house.url)).collect();
        ours.add(replay(to, &pattern).await);
        let some: Vec<_> = rest.by_ref().take(replays).collect();
        let to: Vec<String> = some.iter().map(|(invitation, _)| format!("{bare}/{invitation}")).collect();
        theirs.add(replay(to, &pattern).await);
    }
    ours.tell("our pages");
    theirs.tell("bare handler");
    println!(
        "  ours / bare        rate {:>5.2}   p50 {:>5.2}   p99 {:>5.2}   (wanted: rate at least 0.40, p99 at most 3)",
        ours.rate() / theirs.rate(),
        ours.at(0.5).as_secs_f64() / theirs.at(0.5).as_secs_f64(),
        ours.at(0.99).as_secs_f64() / theirs.at(0.99).as_secs_f64(),
    );
}

/// Whole questionnaires, as a browser would; gives the forms of one of them.
async fn whole(house: &House, crowd: &Crowd) -> Vec<Sent> {
    let client = crowd::client();
    // The first one warms up: templates, prepared statements, connections.
    let pattern = crowd::walk(&client, &house.url, &crowd.invited[0].1).await;
    assert!(pattern.finished, "the questionnaire ends after {:?}", pattern.sent.last().map(|s| s.page.clone()));
    let tokens: Arc<Vec<String>> = Arc::new(crowd.invited[1..].iter().map(|(_, token)| token.clone()).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut respondents = Vec::new();
    for _ in 0..AT_ONCE {
        let (client, url, tokens, next) = (client.clone(), house.url.clone(), Arc::clone(&tokens), Arc::clone(&next));
        respondents.push(tokio::spawn(async move {
            let mut walks = Vec::new();
            while let Some(token) = tokens.get(next.fetch_add(1, Ordering::Relaxed)) {
                walks.push(crowd::walk(&client, &url, token).await);
            }
            walks
        }));
    }
    let (mut posts, mut gets, mut finished) = (Vec::new(), Vec::new(), 0_u32);
    for respondent in respondents {
        for walk in respondent.await.expect("no respondent panics") {
            finished += u32::from(walk.finished);
            posts.extend(walk.posts);
            gets.extend(walk.gets);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(finished as usize, tokens.len(), "every answer was acknowledged");
    posts.sort_unstable();
    gets.sort_unstable();
    println!(
        "  whole submissions  {:>7.1} /s   ({} forms each; the reading of pages included)",
        f64::from(finished) / seconds,
        pattern.sent.len()
    );
    for (what, times) in [("POST", &posts), ("GET", &gets)] {
        let (p50, p99) = (percentile(times, 0.5), percentile(times, 0.99));
        println!(
            "    {what:<4}             {:>7.1} /s   p50 {p50:>8.1?}   p99 {p99:>8.1?}",
            times.len() as f64 / seconds
        );
    }
    pattern.sent
}

/// What several slices came to.
#[derive(Default)]
struct Slices {
    rates: Vec<f64>,
    times: Vec<Duration>,
}

impl Slices {
    fn add(&mut self, (times, took): (Vec<Duration>, Duration)) {
        self.rates.push(times.len() as f64 / took.as_secs_f64());
        self.times.extend(times);
        self.times.sort_unstable();
    }

    /// The median slice: another program on the machine spoils one of them, not all.
    fn rate(&self) -> f64 {
        let mut rates = self.rates.clone();
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    }

    fn at(&self, share: f64) -> Duration {
        percentile(&self.times, share)
    }

    fn tell(&self, who: &str) {
        let (p50, p99) = (self.at(0.5), self.at(0.99));
        println!("  POSTs, {who:<12}{:>7.1} /s   p50 {p50:>8.1?}   p99 {p99:>8.1?}", self.rate());
    }
}

/// Sends the forms of one business for others, 64 at once.
async fn replay(to: Vec<String>, pattern: &[Sent]) -> (Vec<Duration>, Duration) {
    let client = crowd::client();
    let (to, pattern) = (Arc::new(to), Arc::new(pattern.to_vec()));
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut respondents = Vec::new();
    for _ in 0..AT_ONCE {
        let (client, to, pattern, next) = (client.clone(), Arc::clone(&to), Arc::clone(&pattern), Arc::clone(&next));
        respondents.push(tokio::spawn(async move {
            let mut times = Vec::new();
            while let Some(base) = to.get(next.fetch_add(1, Ordering::Relaxed)) {
                for sent in pattern.iter() {
                    let url = if sent.page.is_empty() { base.clone() } else { format!("{base}/{}", sent.page) };
                    let url = Url::parse(&url).expect("a valid address");
                    let began = Instant::now();
                    let (status, _) = crowd::post(&client, url, &sent.fields).await.expect("the server answers");
                    times.push(began.elapsed());
                    assert_eq!(status, StatusCode::SEE_OTHER, "{}", sent.page);
                }
            }
            times
        }));
    }
    let mut times = Vec::new();
    for respondent in respondents {
        times.extend(respondent.await.expect("no respondent panics"));
    }
    (times, started.elapsed())
}

/// What the bare handler knows: the screens, and where to write.
struct Bare {
    store: Store,
    screens: HashMap<String, Screen>,
}

/// Starts the bare handler on a port of its own; gives its address.
async fn bare(house: &House, crowd: &Crowd) -> String {
    let store = house.parts.store.clone();
    let who = store.invitation(&crowd.municipality, &crowd.invited[0].0).await.expect("the first one is there");
    let answers = who.response.map(|r| r.answers).unwrap_or_default();
    let route = domain::questionnaire::shipped().route(&who.facts, &answers);
    let screens = route.into_iter().map(|screen| (screen.key.clone(), screen)).collect();
    let app = Router::new()
        .route("/{invitation}", routing::post(begin))
        .route("/{invitation}/{page}", routing::post(save))
        .with_state(Arc::new(Bare { store, screens }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a spare port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

async fn begin(state: State<Arc<Bare>>, Path(invitation): Path<String>, form: Form<Vec<(String, String)>>) -> Response {
    save(state, Path((invitation, String::new())), form).await
}

async fn save(
    State(bare): State<Arc<Bare>>,
    Path((invitation, page)): Path<(String, String)>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Response {
    let invitation = InvitationId(invitation);
    let now = domain::time::Clock::now(&domain::time::SystemClock);
    if page == "submit" {
        return match bare.store.submit(&invitation, "hash", Mode::Web, Language::Da, now).await {
            Ok(_) => Redirect::to("/thanks").into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
    }
    let changes = match bare.screens.get(&page) {
        None => std::collections::BTreeMap::new(),
        Some(screen) => {
            let checked = answers::check(screen, &sent);
            if !checked.faults.is_empty() {
                return StatusCode::UNPROCESSABLE_ENTITY.into_response();
            }
            checked.changes
        }
    };
    let revision = sent.iter().find(|(name, _)| name == "revision").and_then(|(_, r)| r.parse().ok()).unwrap_or(0);
    let save = PageSave {
        invitation: &invitation,
        changes: &changes,
        expected_revision: revision,
        status: ResponseStatus::Started,
        mode: Mode::Web,
        language: Language::Da,
        screen: Some(&page),
    };
    match bare.store.save_page(save, now).await {
        Ok(_) => Redirect::to("/next").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
