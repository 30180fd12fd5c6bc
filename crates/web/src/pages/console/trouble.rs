//! The post that came in: messages of ours that did not arrive, complaints, and what a person has to read.
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::ids::{InboundId, InvitationId, RoundId};
use domain::language::Language;
use mail_parser::MessageParser;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::inbound::{InboundKind, InboundLine, InboundMedia, Shelf};
use store::rounds::{LinkRow, Round};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Messages on one page.
const PER_PAGE: u32 = 25;
/// Letters of a message that are shown.
const MOST_TEXT: usize = 20_000;
/// Businesses offered for a search.
const MOST_FOUND: usize = 20;
/// Invitations read at once in a search.
const CHUNK: u32 = 1000;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/post", routing::get(list))
        .route("/{slug}/console/post/{message}", routing::get(show))
        .route("/{slug}/console/post/{message}/handled", routing::post(handled))
        .route("/{slug}/console/post/{message}/assign", routing::post(assign))
        .route("/{slug}/console/post/{message}/address", routing::post(correct))
        .route("/{slug}/console/post/{message}/resend", routing::post(resend))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<PostPage>(site)?;
    templates.check::<LetterPage>(site)
}

/// `GET /{slug}/console/post`
#[derive(Debug, Serialize)]
pub struct PostPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The shelves, with the one shown.
    pub shelves: Vec<ShelfLink>,
    /// The shelf shown, as in addresses.
    pub shelf: &'static str,
    /// Rounds to choose from.
    pub rounds: Vec<Choice>,
    /// Messages, latest first.
    pub messages: Vec<PostLine>,
    /// Address of the page before.
    pub newer: Option<String>,
    /// Address of the page after.
    pub older: Option<String>,
}

/// A shelf to go to.
#[derive(Debug, Serialize)]
pub struct ShelfLink {
    /// Address.
    pub href: String,
    /// Key of its name.
    pub name: String,
    /// Messages on it.
    pub messages: u64,
    /// It is the one shown.
    pub current: bool,
}

/// Something to choose.
#[derive(Debug, Serialize)]
pub struct Choice {
    /// Its value.
    pub value: String,
    /// Its name.
    pub name: String,
    /// It is chosen.
    pub chosen: bool,
}

/// A message that came in.
#[derive(Debug, Clone, Serialize)]
pub struct PostLine {
    /// Address of its page.
    pub href: String,
    /// What it is called: the business, else its subject.
    pub title: String,
    /// The business, where known.
    pub business: Option<String>,
    /// The round, where known.
    pub round: Option<String>,
    /// Key of what it says.
    pub kind: String,
    /// The address is dead: nothing is sent there any more.
    pub hard: bool,
    /// Key of the reason.
    pub reason: Option<String>,
    /// The enhanced status.
    pub status: Option<String>,
    /// The address it is about.
    pub address: String,
    /// The server's words.
    pub words: String,
    /// Whom it comes from.
    pub sender: String,
    /// Its subject.
    pub subject: String,
    /// When it came, in milliseconds.
    pub at: i64,
}

/// `GET /{slug}/console/post/{message}`
#[derive(Debug, Serialize)]
pub struct LetterPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The message.
    pub message: PostLine,
    /// Key of how its business was found.
    pub matched_by: Option<String>,
    /// Its text; `None`: it is not kept any more.
    pub text: Option<String>,
    /// Address of the list it came from.
    pub back: String,
    /// It can still be seen to.
    pub open: bool,
    /// The invitation can be sent again, to this or another address.
    pub correctable: bool,
    /// The same message can be sent to the same address again.
    pub resendable: bool,
    /// The new address as typed.
    pub email: String,
    /// What is wrong with it: key of a message.
    pub email_fault: Option<&'static str>,
    /// What was searched for.
    pub words: String,
    /// Rounds to search in.
    pub rounds: Vec<Choice>,
    /// Businesses found.
    pub found: Vec<Found>,
    /// What is wrong with the search: key of a message.
    pub words_fault: Option<&'static str>,
}

/// A business that a message may be about.
#[derive(Debug, Serialize)]
pub struct Found {
    /// Its invitation.
    pub invitation: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: String,
}

impl PostLine {
    fn sample(hard: bool) -> Self {
        Self {
            href: "/hojager/console/post/1".to_owned(),
            title: "Vognmand Holm ApS".to_owned(),
            business: hard.then(|| "Vognmand Holm ApS".to_owned()),
            round: hard.then(|| "Erhvervsmålingen 2026".to_owned()),
            kind: "console.post_kind_permanent".to_owned(),
            hard,
            reason: hard.then(|| "console.post_why_user_unknown".to_owned()),
            status: hard.then(|| "5.1.1".to_owned()),
            address: if hard { "post@vognmand.example" } else { "" }.to_owned(),
            words: if hard { "550 5.1.1 User unknown" } else { "" }.to_owned(),
            sender: "MAILER-DAEMON@relay.example".to_owned(),
            subject: "Undelivered Mail Returned to Sender".to_owned(),
            at: 1_790_000_000_000,
        }
    }
}

fn sample_choice() -> Vec<Choice> {
    vec![Choice { value: "r".to_owned(), name: "Erhvervsmålingen 2026".to_owned(), chosen: true }]
}

impl Page for PostPage {
    const TEMPLATE: &'static str = "console/post.html";

    fn samples() -> Vec<Self> {
        let shelves = Shelf::ALL.iter().map(|shelf| ShelfLink {
            href: "/x".to_owned(),
            name: shelf_key(*shelf),
            messages: 3,
            current: *shelf == Shelf::Bounce,
        });
        vec![
            Self {
                bar: Bar::sample(true),
                note: Said::Handled.key(),
                shelves: shelves.collect(),
                shelf: Shelf::Bounce.as_str(),
                rounds: sample_choice(),
                messages: vec![PostLine::sample(true), PostLine::sample(false)],
                newer: Some("/x".to_owned()),
                older: Some("/x".to_owned()),
            },
            Self {
                bar: Bar::sample(true),
                note: None,
                shelves: Vec::new(),
                shelf: Shelf::Open.as_str(),
                rounds: Vec::new(),
                messages: Vec::new(),
                newer: None,
                older: None,
            },
        ]
    }
}

impl Page for LetterPage {
    const TEMPLATE: &'static str = "console/post-message.html";

    fn samples() -> Vec<Self> {
        let found =
            Found { invitation: "i".into(), name: "Vognmand Holm ApS".into(), place: "Havnevej 3, Højager".into() };
        let page = |hard: bool| Self {
            bar: Bar::sample(true),
            note: None,
            message: PostLine::sample(hard),
            matched_by: hard.then(|| "console.post_by_return_path".to_owned()),
            text: hard.then(|| "Delivery failed".to_owned()),
            back: "/hojager/console/post".to_owned(),
            open: true,
            correctable: hard,
            resendable: hard,
            email: String::new(),
            email_fault: hard.then_some("console.post_address_fault"),
            words: String::new(),
            rounds: sample_choice(),
            found: Vec::new(),
            words_fault: hard.then_some("console.post_find_none"),
        };
        let (full, empty) = (page(true), page(false));
        vec![
            Self { note: Said::Assigned.key(), found: vec![found], words_fault: None, ..page(true) },
            full,
            empty,
            Self { open: false, rounds: Vec::new(), ..page(false) },
        ]
    }
}

/// What was just done: a word of a closed list in the query.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    #[default]
    Nothing,
    Handled,
    Assigned,
    Corrected,
    Resent,
}

impl Said {
    const fn key(self) -> Option<&'static str> {
        Some(match self {
            Self::Nothing => return None,
            Self::Handled => "console.post_was_handled",
            Self::Assigned => "console.post_was_assigned",
            Self::Corrected => "console.post_was_corrected",
            Self::Resent => "console.flash_resent",
        })
    }
}

#[derive(Debug, Default, Deserialize)]
struct Wish {
    #[serde(default)]
    shelf: String,
    #[serde(default)]
    round: String,
    #[serde(default)]
    page: u32,
    #[serde(default)]
    said: Said,
}

fn shelf_key(shelf: Shelf) -> String {
    format!("console.post_shelf_{}", shelf.as_str())
}

fn line(slug: &str, found: InboundLine, language: Language, app: &App) -> PostLine {
    let untitled = || app.t(language, "console.post_untitled", &[]);
    let subject = if found.subject.is_empty() { untitled() } else { found.subject.clone() };
    let reason = found.reason.filter(|reason| !matches!(reason.as_str(), "unknown" | "away" | "complaint"));
    PostLine {
        href: format!("/{slug}/console/post/{}", found.id),
        title: found.business.clone().unwrap_or(subject),
        business: found.business,
        round: found.round.map(|(_, title)| title),
        kind: format!("console.post_kind_{}", found.kind.as_str().replace('-', "_")),
        hard: found.hard,
        reason: reason.map(|reason| format!("console.post_why_{}", reason.replace('-', "_"))),
        status: found.status,
        address: found.address,
        words: found.words,
        sender: found.sender,
        subject: found.subject,
        at: found.received_at.0,
    }
}

fn choices(rounds: &[Round], chosen: &str) -> Vec<Choice> {
    let choice = |round: &Round| Choice {
        value: round.id.0.clone(),
        name: round.title.clone(),
        chosen: round.id.as_str() == chosen,
    };
    rounds.iter().map(choice).collect()
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(wish): Query<Wish>,
) -> Result<Response, PageError> {
    let (id, slug) = (&staff.municipality.id, &staff.municipality.slug);
    let view = app.view(&visit).of(&staff.municipality);
    let rounds = app.store().rounds(id).await?;
    let round = rounds.iter().find(|round| round.id.as_str() == wish.round).map(|round| round.id.clone());
    let counts = app.store().inbound_counts(id, round.as_ref()).await?;
    let count = |shelf: Shelf| counts.iter().find(|(s, _)| *s == shelf).map_or(0, |(_, n)| *n);
    // Without a wish, what needs a person; bounces where nothing does.
    let usual = if count(Shelf::Open) > 0 { Shelf::Open } else { Shelf::Bounce };
    let shelf = Shelf::parse(&wish.shelf).unwrap_or(usual);
    let chosen = round.as_ref().map_or("", RoundId::as_str);
    let href =
        |shelf: Shelf, page: u32| format!("/{slug}/console/post?shelf={}&round={chosen}&page={page}", shelf.as_str());
    let offset = u64::from(wish.page) * u64::from(PER_PAGE);
    let found = app.store().inbound(id, shelf, round.as_ref(), PER_PAGE, offset).await?;
    let more = offset + (found.len() as u64) < count(shelf);
    let page = PostPage {
        bar: staff.bar("home"),
        note: wish.said.key(),
        shelves: Shelf::ALL
            .iter()
            .map(|s| ShelfLink { href: href(*s, 0), name: shelf_key(*s), messages: count(*s), current: *s == shelf })
            .collect(),
        shelf: shelf.as_str(),
        rounds: choices(&rounds, chosen),
        messages: found.into_iter().map(|m| line(slug, m, view.language(), &app)).collect(),
        newer: wish.page.checked_sub(1).map(|page| href(shelf, page)),
        older: more.then(|| href(shelf, wish.page + 1)),
    };
    view.render(&page)
}

/// The page of one message, and the message itself.
async fn letter(
    app: &App,
    staff: &Staff,
    language: Language,
    id: &InboundId,
) -> Result<(LetterPage, InboundLine), PageError> {
    let slug = &staff.municipality.slug;
    let (found, raw) = app.store().inbound_mail(&staff.municipality.id, id).await?;
    let open = found.shelf != Shelf::Handled;
    // Who said no is not asked again at another address.
    let correctable = open && found.round_open && found.invitation.is_some() && found.kind != InboundKind::Complaint;
    let rounds = app.store().rounds(&staff.municipality.id).await?;
    let chosen = found.round.as_ref().map(|(round, _)| round.0.clone());
    let chosen = chosen.or_else(|| rounds.first().map(|round| round.id.0.clone())).unwrap_or_default();
    let page = LetterPage {
        bar: staff.bar("home"),
        note: None,
        matched_by: found.matched_by.map(|by| format!("console.post_by_{}", by.as_str().replace('-', "_"))),
        text: raw.map(|raw| text_of(found.media, &raw)),
        back: format!("/{slug}/console/post?shelf={}", found.shelf.as_str()),
        open,
        correctable,
        resendable: open && found.round_open && found.mail.is_some() && found.kind == InboundKind::Permanent,
        email: String::new(),
        email_fault: None,
        words: String::new(),
        rounds: choices(&rounds, &chosen),
        found: Vec::new(),
        words_fault: None,
        message: line(slug, found.clone(), language, app),
    };
    Ok((page, found))
}

/// What a person can read of a message.
fn text_of(media: InboundMedia, raw: &[u8]) -> String {
    let whole = || String::from_utf8_lossy(raw).into_owned();
    let text = match media {
        InboundMedia::Report => whole(),
        InboundMedia::Message => MessageParser::default()
            .parse(raw)
            .and_then(|message| message.body_text(0).map(|text| text.into_owned()))
            .filter(|text| !text.trim().is_empty())
            .unwrap_or_else(whole),
    };
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).take(MOST_TEXT).collect()
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, message)): Path<(String, String)>,
    Query(wish): Query<Wish>,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let (page, _) = letter(&app, &staff, view.language(), &InboundId(message)).await?;
    view.render(&LetterPage { note: wish.said.key(), ..page })
}

fn back(staff: &Staff, shelf: Shelf, said: &str) -> Response {
    let there = format!("/{}/console/post?shelf={}&said={said}", staff.municipality.slug, shelf.as_str());
    Redirect::to(&there).into_response()
}

async fn handled(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, message)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = InboundId(message);
    let (found, _) = app.store().inbound_mail(&staff.municipality.id, &id).await?;
    if app.store().handle_inbound(&staff.municipality.id, &id).await? {
        staff.did(&app, "post.handled", id.as_str(), "").await?;
    }
    Ok(back(&staff, found.shelf, "handled"))
}

#[derive(Deserialize)]
struct AssignForm {
    #[serde(default)]
    words: String,
    #[serde(default)]
    round: String,
    #[serde(default)]
    invitation: String,
}

/// Searches for the business, or ties the message to the one that was chosen. A form, so that no name stands in an address.
async fn assign(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, message)): Path<(String, String)>,
    Form(form): Form<AssignForm>,
) -> Result<Response, PageError> {
    let id = InboundId(message);
    if !form.invitation.is_empty() {
        let invitation = InvitationId(form.invitation);
        app.store().assign_inbound(&staff.municipality.id, &id, &invitation, app.now()).await?;
        staff.did(&app, "post.assigned", id.as_str(), invitation.as_str()).await?;
        let there = format!("/{}/console/post/{id}?said=assigned", staff.municipality.slug);
        return Ok(Redirect::to(&there).into_response());
    }
    let view = app.view(&visit).of(&staff.municipality);
    let (page, _) = letter(&app, &staff, view.language(), &id).await?;
    let words: String = form.words.trim().chars().take(100).collect();
    let found = if words.chars().count() < 2 { Vec::new() } else { find(&app, &staff, &form.round, &words).await? };
    let fault = found.is_empty().then_some("console.post_find_none");
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let rounds = app.store().rounds(&staff.municipality.id).await?;
    view.status(status).render(&LetterPage {
        words,
        found,
        words_fault: fault,
        rounds: choices(&rounds, &form.round),
        ..page
    })
}

/// Invited businesses by part of their name, by number or by address.
async fn find(app: &App, staff: &Staff, round: &str, words: &str) -> Result<Vec<Found>, PageError> {
    let (wanted, digits) = (words.to_lowercase(), words.replace(' ', ""));
    let is_number = digits.len() >= 6 && digits.bytes().all(|b| b.is_ascii_digit());
    let fits = |row: &LinkRow| {
        row.name.to_lowercase().contains(&wanted)
            || is_number && row.unit_key.ends_with(&digits)
            || row.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(words))
    };
    let (round, mut after, mut found) = (RoundId(round.to_owned()), None, Vec::new());
    loop {
        let rows = app.store().links(&staff.municipality.id, &round, after.as_ref(), CHUNK).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = Some(last.invitation.clone());
        for row in rows.iter().filter(|row| fits(row)) {
            found.push(Found {
                invitation: row.invitation.0.clone(),
                name: row.name.clone(),
                place: format!("{}, {} {}", row.street, row.postcode, row.city),
            });
            if found.len() == MOST_FOUND {
                return Ok(found);
            }
        }
    }
}

#[derive(Deserialize)]
struct AddressForm {
    #[serde(default)]
    email: String,
}

/// The right address: the invitation goes there, and the old link stops.
async fn correct(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, message)): Path<(String, String)>,
    Form(form): Form<AddressForm>,
) -> Result<Response, PageError> {
    let id = InboundId(message);
    let view = app.view(&visit).of(&staff.municipality);
    let (page, found) = letter(&app, &staff, view.language(), &id).await?;
    let invitation = found.invitation.filter(|_| page.correctable).ok_or(PageError::Conflict)?;
    let again = |fault| {
        let email = form.email.chars().take(320).collect();
        let view = app.view(&visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY);
        view.render(&LetterPage { email, email_fault: Some(fault), ..page })
    };
    let Some(address) = intake::email::parse(form.email.trim()) else { return again("console.post_address_fault") };
    let sender = &staff.municipality.settings.sender_email;
    let mail_domain = sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    match app.store().pass_on(&invitation, &address, app.keys(), mail_domain, app.now()).await {
        Ok(()) => {}
        Err(StoreError::State(_) | StoreError::Conflict(_)) => return again("console.post_address_refused"),
        Err(error) => return Err(error.into()),
    }
    app.store().handle_inbound(&staff.municipality.id, &id).await?;
    staff.did(&app, "post.corrected", invitation.as_str(), "").await?;
    Ok(back(&staff, found.shelf, "corrected"))
}

/// The address is right after all: the message is sent there again.
async fn resend(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, message)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let id = InboundId(message);
    let municipality = &staff.municipality.id;
    let (found, _) = app.store().inbound_mail(municipality, &id).await?;
    let is_for_people = found.round_open && found.kind == InboundKind::Permanent;
    let mail = found.mail.filter(|_| is_for_people).ok_or(PageError::Conflict)?;
    if !app.store().resend_mail(municipality, &mail, app.now()).await? {
        return Err(PageError::Conflict);
    }
    app.store().handle_inbound(municipality, &id).await?;
    staff.did(&app, "mail.resent", mail.as_str(), "").await?;
    Ok(back(&staff, found.shelf, "resent"))
}
