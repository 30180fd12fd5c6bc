//! The job, by the pages alone and without JavaScript: extract in, round opened, mail received, questions answered, round closed,
//! figures published and read. Once on each engine.
use std::collections::BTreeMap;
use std::time::Duration;

use domain::fieldwork::Role;
use domain::ids::PublicationId;
use domain::indicator::Definitions;
use domain::language::{Country, Language};
use domain::municipality::{Municipality, Settings};
use domain::results::{ALL, State, TOTAL};
use e2e::extract::{self, Business, Scores};
use e2e::house::{Engine, House};
use e2e::mail::{self, MailServer};
use e2e::visitor::{Form, Visitor};
use pejling::commands::user::sign_in_link;

const SLUG: &str = "hojager";
/// The questions of the satisfaction index, in the order of the answers in the extract.
const INDEX: [&str; 3] = ["nki_satisfaction", "nki_expectations", "nki_ideal"];
/// Reloads of a page that waits for a job, a tenth of a second apart.
const RELOADS: u32 = 1200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_job_on_sqlite() {
    the_whole_job(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_job_on_postgres() {
    the_whole_job(Engine::Postgres).await;
}

async fn the_whole_job(engine: Engine) {
    let Some(server) = MailServer::start().await else { return };
    let Some(house) = House::open(engine, Some(&server)).await else { return };
    let municipality = municipality(&house).await;
    let mut analyst = signed_in(&house, &municipality, Role::Analyst).await;

    import(&mut analyst).await;
    let round = plan(&mut analyst).await;
    open(&mut analyst, &round).await;

    let links = links(&server.arrived(extract::INVITED).await);
    assert_eq!(links.len(), extract::INVITED, "each its own link: {links:?}");
    for business in extract::businesses().iter().filter(|b| b.scores.is_some()) {
        respond(business, &links[&business.email.clone().expect("who answers can be written to")]).await;
    }

    remind(&mut analyst, &round, &server).await;
    close(&mut analyst, &round).await;
    late_answers_are_refused(&links).await;
    publish(&mut analyst).await;
    read(&house, &municipality).await;
    house.close().await;
}

async fn municipality(house: &House) -> Municipality {
    let settings = Settings {
        language: Language::Da,
        register_codes: vec![extract::MUNICIPALITY_CODE.to_owned()],
        contact_name: "Mette Holm, erhvervschef".to_owned(),
        contact_phone: "12 34 56 78".to_owned(),
        contact_email: "erhverv@hojager.example".to_owned(),
        sender_email: "erhverv@hojager.example".to_owned(),
        committee: "Erhvervsudvalget".to_owned(),
        ..Settings::default()
    };
    let now = house.parts.clock.now();
    house
        .parts
        .store
        .create_municipality(SLUG, "Højager Kommune", Country::Dk, &settings, now)
        .await
        .expect("the municipality is made")
}

async fn signed_in(house: &House, municipality: &Municipality, role: Role) -> Visitor {
    let parts = &house.parts;
    let email = format!("{}@hojager.example", role.as_str());
    let user = parts
        .store
        .create_user(&municipality.id, "Anna Prøve", &email, role, parts.clock.now())
        .await
        .expect("somebody is made");
    let link = sign_in_link(parts, municipality, &user.id, &house.url, 1).await.expect("a link is made");
    let mut visitor = Visitor::new();
    let form = visitor.get(&link).await.form("/sign-in/");
    visitor.send(&form).await;
    assert!(
        visitor.status.is_success() && !visitor.url.path().contains("sign-in"),
        "{} {}",
        visitor.status,
        visitor.url
    );
    // The link is used up: whoever finds it afterwards stays outside.
    let mut thief = Visitor::new();
    thief.get(&link).await;
    thief.send(&form).await;
    thief.assert_text("Linket virker ikke længere");
    thief.get(&format!("{}/{SLUG}/console", house.url)).await;
    assert!(thief.url.path().ends_with("/sign-in"), "{}", thief.url);
    visitor
}

/// Reloads the page until it says what is awaited.
async fn until(visitor: &mut Visitor, what: &str, there: impl Fn(&Visitor) -> bool) {
    let mut beat = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..RELOADS {
        beat.tick().await;
        let url = visitor.url.to_string();
        visitor.get(&url).await;
        if there(visitor) {
            return;
        }
    }
    panic!("{} does not come to {what}:\n{}", visitor.url.path(), visitor.text());
}

/// Waits on the page of a job until it is done.
async fn done(visitor: &mut Visitor) {
    assert!(visitor.url.path().contains("/console/jobs/"), "{} ({}): {}", visitor.url, visitor.status, visitor.text());
    until(visitor, "its end", |page| page.html.contains("chip good") || page.html.contains("chip bad")).await;
    assert!(visitor.html.contains("chip good"), "the job failed: {}", visitor.text());
}

async fn import(analyst: &mut Visitor) {
    let form = analyst.get(&format!("/{SLUG}/console/frames")).await.form("/console/frames");
    analyst.upload(&form, "file", "udtræk.xlsx", extract::workbook()).await;
    let columns = analyst.form("/uploads/");
    analyst.send(&columns).await;
    until(analyst, "what the extract would change", |page| page.html.contains("key-figures")).await;
    let preview = analyst.url.path().to_owned();
    let figures = analyst.key_figures();
    let all = (extract::TAKEN + extract::LEFT_OUT).to_string();
    assert_eq!(figures["Rækker i filen"], all);
    assert_eq!(figures["Med i grundlaget"], extract::TAKEN.to_string());
    assert_eq!(figures["Udeladt"], extract::LEFT_OUT.to_string());
    let report = analyst.link("report.csv").expect("a report row by row");
    analyst.get(&report).await;
    assert_eq!(analyst.html.trim_end().lines().count(), 1 + extract::TAKEN + extract::LEFT_OUT, "{}", analyst.html);
    let keep = analyst.get(&preview).await.form("/keep");
    analyst.send(&keep).await.assert_text("Udtrækket er taget i brug.");
    analyst.get(&format!("/{SLUG}/console/frames")).await.assert_text("udtræk.xlsx");
}

/// Makes the year's round and returns the address of its page.
async fn plan(analyst: &mut Visitor) -> String {
    let form = analyst.get(&format!("/{SLUG}/console/rounds/new")).await.form("/console/rounds");
    let year: i32 = form.value("year").parse().expect("the form proposes a year");
    let early = form.clone().with("closes_on", "2001-01-01");
    analyst.send(&early).await;
    assert_eq!(analyst.status.as_u16(), 422, "a deadline in the past is refused: {}", analyst.text());
    analyst.send(&form.with("closes_on", &format!("{}-01-31", year + 1))).await;
    analyst.assert_text("Ingen har fået besked endnu");
    analyst.url.path().to_owned()
}

async fn open(analyst: &mut Visitor, round: &str) {
    let form = analyst.get(&format!("{round}/open")).await.form("/open");
    // Looking at the confirmation has opened nothing.
    analyst.get(round).await.assert_text("kladde");
    analyst.send(&form).await;
    analyst.get(round).await;
    until(analyst, "an open round", |page| page.key_figures().contains_key("Inviteret")).await;
    assert_eq!(analyst.key_figures()["Inviteret"], (extract::INVITED + extract::LETTERS).to_string());
}

/// Recipients and their links.
fn links(messages: &[String]) -> BTreeMap<String, String> {
    messages
        .iter()
        .map(|message| {
            let to = mail::recipient(message).expect("a recipient");
            (to, mail::link(message).unwrap_or_else(|| panic!("a link in:\n{message}")))
        })
        .collect()
}

/// Answers one business's survey, screen by screen, by the forms as they come.
async fn respond(business: &Business, link: &str) {
    let scores = business.scores.expect("answers");
    let mut visitor = Visitor::new();
    visitor.get(link).await;
    visitor.assert_text(business.name);
    visitor.assert_text("Jeres svar er fortrolige, men ikke anonyme.");
    let begin = visitor.form("/s/");
    visitor.send(&begin).await;
    let mut screens = 0;
    while !visitor.url.path().ends_with("/review") {
        screens += 1;
        assert!(screens < 40, "the survey does not end: {}", visitor.url);
        assert!(visitor.status.is_success(), "{} {}", visitor.status, visitor.url);
        let form = visitor.form("/s/");
        let page = visitor.url.path().to_owned();
        visitor.send(&filled(form, business, &scores)).await;
        assert!(
            visitor.status.is_success() && visitor.url.path() != page,
            "{page} is not accepted ({}): {}",
            visitor.status,
            visitor.text()
        );
    }
    assert!(screens >= 6, "only {screens} screens");
    let submit = visitor.form("/submit");
    visitor.send(&submit).await;
    visitor.assert_text("Tak");
    assert!(visitor.url.path().ends_with("/thanks"), "{}", visitor.url);
    // Sent twice (the button pressed again): harmless.
    visitor.send(&submit).await;
    visitor.assert_text("Tak");
}

/// One of what is offered, another for other businesses.
fn some(offered: &[String], business: &Business) -> String {
    offered[business.name.chars().count() % offered.len()].clone()
}

/// A form with every question answered: the index as the extract says, the rest as it comes. Shops had contact
/// with the municipality and take the long way, craftsmen had none.
fn filled(mut form: Form, business: &Business, scores: &Scores) -> Form {
    for name in form.radios() {
        let answer = match INDEX.iter().position(|key| *key == name) {
            Some(place) => scores[place].map_or("dk".to_owned(), |score| score.to_string()),
            None if name == "follow_up" => "0".to_owned(),
            None => some(&form.offered(&name), business),
        };
        assert!(form.offered(&name).contains(&answer), "{name} offers {answer}: {:?}", form.offered(&name));
        form = form.with(&name, &answer);
    }
    for name in form.boxes() {
        let chosen: &[&str] = match name.as_str() {
            "contact" if business.is_shop => &["building", "jobcentre"],
            "contact" => &["none"],
            "priorities" => &["labour", "green"],
            _ => &["none"],
        };
        form.fields.extend(chosen.iter().map(|value| (name.clone(), (*value).to_owned())));
    }
    for name in form.texts.clone() {
        form = form.with(&name, &format!("Et svar med æ, ø og å fra {}.", business.name));
    }
    form.with("go", "next")
}

async fn remind(analyst: &mut Visitor, round: &str, server: &MailServer) {
    analyst.get(round).await;
    assert_eq!(analyst.key_figures()["Har svaret"], extract::ANSWERING.to_string());
    let form = analyst.get(&format!("{round}/reminder")).await.form("/reminder");
    analyst.send(&form).await;
    let silent = extract::INVITED - extract::ANSWERING;
    let all = server.arrived(extract::INVITED + silent).await;
    // Pressed again: nobody is reminded twice, and those who answered are not reminded at all.
    analyst.send(&form).await;
    analyst.get(round).await;
    let sent = [silent.to_string(), "0".to_owned()];
    until(analyst, "an empty queue", |page| page.cells("1. påmindelse")[..2] == sent).await;
    assert_eq!(server.messages().len(), extract::INVITED + silent);
    for business in extract::businesses().into_iter().filter(|b| b.email.is_some()) {
        let email = business.email.unwrap_or_default();
        let got = all.iter().filter(|message| mail::recipient(message).as_deref() == Some(&email)).count();
        assert_eq!(got, if business.scores.is_some() { 1 } else { 2 }, "{}", business.name);
    }
}

async fn close(analyst: &mut Visitor, round: &str) {
    let form = analyst.get(&format!("{round}/close")).await.form("/close");
    analyst.get(round).await.assert_text("åben");
    analyst.send(&form).await;
    analyst.assert_text("lukket");
}

async fn late_answers_are_refused(links: &BTreeMap<String, String>) {
    for link in links.values() {
        let mut visitor = Visitor::new();
        visitor.get(link).await;
        assert!(visitor.forms().iter().all(|form| !form.action.path().ends_with("/submit")), "{}", visitor.text());
        visitor.assert_text("lukket");
    }
}

async fn publish(analyst: &mut Visitor) {
    let form = analyst.get(&format!("/{SLUG}/console/publications")).await.form("/publications");
    analyst.send(&form).await;
    done(analyst).await;
    let draft = analyst.link("/console/publications/drafts/").expect("the job leads to the draft");
    let form = analyst.get(&draft).await.form("/drafts/").with("go", "freeze");
    analyst.send(&form).await;
    assert_eq!(analyst.status.as_u16(), 422, "not without saying that one is sure");
    analyst.send(&form.with("sure", "yes")).await;
    assert!(analyst.url.path().contains("/committee/"), "{}", analyst.text());
}

/// The committee's member reads the figure; it is the one worked out by hand.
async fn read(house: &House, municipality: &Municipality) {
    let mut member = signed_in(house, municipality, Role::Committee).await;
    member.get(&format!("{}/{SLUG}/console", house.url)).await;
    assert_eq!(member.status.as_u16(), 403, "the console is not theirs");
    member.get(&format!("/{SLUG}/committee")).await;
    let index = Definitions::shipped().get("nki").expect("the index ships").title.get(Language::Da).to_owned();
    let wanted = format!("{:.0}", extract::index_by_hand());
    let publication = member.link(&format!("/{SLUG}/committee/")).expect("the publication has an address");
    let id = publication.split(['/', '?', '#']).nth(3).expect("an id");
    let stored = house
        .parts
        .store
        .publication(&municipality.id, &PublicationId(id.to_owned()))
        .await
        .expect("the publication is there");
    let year = stored.report.years[0];
    // Ten answers are few: whole points, a mark, and the margin beside it.
    let figure = member.cells_below(&year.to_string(), &index).remove(0);
    assert!(figure.starts_with(&format!("{wanted}* ±")), "{figure:?} is not {wanted}");
    let row = stored.report.estimate("nki", year, TOTAL, ALL).expect("the index of the total");
    let value = row.estimate.value.expect("is shown");
    assert!((value - extract::index_by_hand()).abs() < 1e-9, "{value} is not {}", extract::index_by_hand());
    assert_eq!((row.estimate.n, row.n_frame, row.state), (10, Some(14), State::Uncertain));
}
