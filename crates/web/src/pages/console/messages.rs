//! What mail could not do: messages that need a look, the letters for those without an address, and who was approached by
//! which way.
use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::fieldwork::{MailState, MessageKind, Receipt, ResponseStatus, RoundState};
use domain::ids::{MailId, RoundId};
use domain::language::Language;
use domain::sending::own_words;
use serde::{Deserialize, Serialize};
use store::channels::ApproachCount;
use store::outbox::Trouble;
use store::rounds::{LinkRow, Round};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::rounds::{RoundInfo, info, wave_name};
use crate::pages::signin::{Administrator, Analyst, Bar, Note, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Messages on the page; whoever has more has a fault of another kind.
const SHOWN: u32 = 200;

/// Invitations fetched with one call.
const CHUNK: u32 = 1000;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/rounds/{round}/messages", routing::get(show))
        .route("/{slug}/console/rounds/{round}/messages/{mail}/resend", routing::post(resend))
        .route("/{slug}/console/rounds/{round}/letters", routing::post(letters))
        .route("/{slug}/console/rounds/{round}/letters/print", routing::post(print))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<MessagesPage>(site)
}

/// `GET /{slug}/console/rounds/{round}/messages`
#[derive(Debug, Serialize)]
pub struct MessagesPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The round.
    pub round: RoundInfo,
    /// Messages that need a look, latest first.
    pub troubles: Vec<TroubleLine>,
    /// Businesses without an address, where this person may fetch their links.
    pub letters: Option<u64>,
    /// The purpose as it was written.
    pub purpose: String,
    /// What is wrong with it: key of a message.
    pub fault: Option<&'static str>,
    /// Who was approached by letter and Digital Post.
    pub ways: Vec<WayLine>,
    /// Invitation and reminders, by number.
    pub waves: Vec<String>,
}

/// Businesses approached by one way in one wave.
#[derive(Debug, Serialize)]
pub struct WayLine {
    /// Invitation or reminder, in words.
    pub wave: String,
    /// By which way, in words.
    pub way: String,
    /// Businesses.
    pub businesses: u64,
    /// Of these with the receipt that it arrived.
    pub delivered: u64,
    /// Of these refused by the receiving system, or brought back.
    pub not_delivered: u64,
}

/// A message that needs a look.
#[derive(Debug, Serialize)]
pub struct TroubleLine {
    /// The business.
    pub name: String,
    /// The address.
    pub recipient: String,
    /// Invitation or reminder, in words.
    pub wave: String,
    /// State, in words.
    pub state: String,
    /// The receiving server's words.
    pub words: String,
    /// When it changed last, in milliseconds.
    pub at: i64,
    /// When it is tried again, in milliseconds.
    pub next_at: Option<i64>,
    /// Where it is sent again; `None`: it is not for a person to decide.
    pub resend: Option<String>,
}

impl Page for MessagesPage {
    const TEMPLATE: &'static str = "console/messages.html";

    fn samples() -> Vec<Self> {
        let line = |resend: Option<&str>| TroubleLine {
            name: "Vognmand Holm ApS".to_owned(),
            recipient: "post@vognmand.example".to_owned(),
            wave: "Invitation".to_owned(),
            state: "afvist".to_owned(),
            words: "550 no such user".to_owned(),
            at: 1_790_000_000_000,
            next_at: resend.is_none().then_some(1_790_000_600_000),
            resend: resend.map(str::to_owned),
        };
        let way = || WayLine {
            wave: "Invitation".to_owned(),
            way: "Brev".to_owned(),
            businesses: 197,
            delivered: 3,
            not_delivered: 2,
        };
        let page = |troubles, letters, fault: Option<&'static str>| Self {
            bar: Bar::sample(true),
            note: Note::Resent.key(),
            round: RoundInfo::sample("open"),
            troubles,
            letters,
            purpose: "Breve".to_owned(),
            fault,
            ways: if fault.is_some() { vec![way()] } else { Vec::new() },
            waves: vec!["Invitation".to_owned()],
        };
        vec![
            page(vec![line(Some("/x")), line(None)], Some(197), Some("console.letters_no_purpose")),
            page(Vec::new(), Some(0), None),
            Self { note: None, ..page(Vec::new(), None, None) },
        ]
    }
}

async fn page(
    app: &App,
    staff: &Staff,
    language: Language,
    round: &Round,
    note: Note,
) -> Result<MessagesPage, PageError> {
    let id = &staff.municipality.id;
    let href = format!("/{}/console/rounds/{}", staff.municipality.slug, round.id);
    let troubles = app.store().mail_troubles(id, &round.id, SHOWN).await?;
    let line = |trouble: Trouble| {
        let is_for_people = is_resendable(round, trouble.kind, trouble.state);
        TroubleLine {
            wave: wave_name(app, language, trouble.kind.wave()),
            state: app.t(language, &format!("console.mail_{}", trouble.state.as_str()), &[]),
            resend: is_for_people.then(|| format!("{href}/messages/{}/resend", trouble.id)),
            name: trouble.business_name,
            recipient: trouble.recipient,
            words: told(app, language, &trouble.words),
            at: trouble.updated_at.0,
            next_at: trouble.next_attempt_at.map(|at| at.0),
        }
    };
    let bar = staff.bar("home");
    let may_export = bar.trail && round.state == RoundState::Open;
    Ok(MessagesPage {
        note: note.key(),
        round: info(app, language, staff, round),
        troubles: troubles.into_iter().map(line).collect(),
        letters: if may_export { Some(letter_rows(app, staff, round).await?.len() as u64) } else { None },
        purpose: String::new(),
        fault: None,
        ways: ways(app, language, &app.store().approach_counts(id, &round.id).await?),
        waves: (0..=3).map(|wave| app.t(language, &format!("console.wave_{wave}"), &[])).collect(),
        bar,
    })
}

fn ways(app: &App, language: Language, counts: &[ApproachCount]) -> Vec<WayLine> {
    let mut lines: BTreeMap<(i64, &str), WayLine> = BTreeMap::new();
    for count in counts {
        let line = lines.entry((count.wave, count.channel.as_str())).or_insert_with(|| WayLine {
            wave: app.t(language, &format!("console.wave_{}", count.wave.clamp(0, 3)), &[]),
            way: app.t(language, &format!("console.way_{}", count.channel.as_str()), &[]),
            businesses: 0,
            delivered: 0,
            not_delivered: 0,
        });
        line.businesses += count.businesses;
        match count.receipt {
            Some(Receipt::Delivered) => line.delivered += count.businesses,
            Some(Receipt::Rejected | Receipt::Returned) => line.not_delivered += count.businesses,
            None => {}
        }
    }
    lines.into_values().collect()
}

/// May a person have this message sent again? Those that ask for an answer only while one is taken.
fn is_resendable(round: &Round, kind: MessageKind, state: MailState) -> bool {
    let is_in_time = round.state == RoundState::Open || !kind.asks();
    is_in_time && state != MailState::Deferred
}

/// What became of a message, in the server's words; where they are our own, in the reader's language.
fn told(app: &App, language: Language, words: &str) -> String {
    match own_words(words) {
        Some((key, rest)) => app.t(language, &format!("sending.words_{key}"), &[("rest", rest.into())]),
        None => words.to_owned(),
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    note: Note,
    Path((_, round)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let round = app.store().round(&staff.municipality.id, &RoundId(round)).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let page = page(&app, &staff, view.language(), &round, note).await?;
    view.render(&page)
}

async fn resend(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, round, mail)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let round = app.store().round(id, &RoundId(round)).await?;
    let troubles = app.store().mail_troubles(id, &round.id, u32::MAX).await?;
    let found = troubles.iter().find(|trouble| trouble.id.as_str() == mail);
    let is_for_people = found.is_some_and(|trouble| is_resendable(&round, trouble.kind, trouble.state));
    if !is_for_people || !app.store().resend_mail(id, &MailId(mail.clone()), app.now()).await? {
        return Err(PageError::Conflict);
    }
    staff.did(&app, "mail.resent", &mail, "").await?;
    let there = format!("/{}/console/rounds/{}/messages?note=resent", staff.municipality.slug, round.id);
    Ok(Redirect::to(&there).into_response())
}

#[derive(Deserialize)]
struct LettersForm {
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    wave: i64,
}

/// Has the letters of a wave set as a PDF; the first time decides who is written to.
async fn print(
    State(app): State<App>,
    Administrator(staff): Administrator,
    Path((_, round)): Path<(String, String)>,
    Form(form): Form<LettersForm>,
) -> Result<Response, PageError> {
    let round = app.store().round(&staff.municipality.id, &RoundId(round)).await?;
    if round.state != RoundState::Open || !(0..=3).contains(&form.wave) {
        return Err(PageError::Conflict);
    }
    let arguments = serde_json::json!({ "round": round.id, "wave": form.wave });
    let job = app.store().enqueue_job(&staff.municipality.id, "letters", &arguments, &[], app.now()).await?;
    staff.did(&app, "letters.printed", round.id.as_str(), &form.wave.to_string()).await?;
    Ok(Redirect::to(&format!("/{}/console/jobs/{job}", staff.municipality.slug)).into_response())
}

/// The personal links of those who can only be written to on paper. A form, so that no address in a history repeats it.
async fn letters(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    Path((_, round)): Path<(String, String)>,
    Form(form): Form<LettersForm>,
) -> Result<Response, PageError> {
    let round = app.store().round(&staff.municipality.id, &RoundId(round)).await?;
    if round.state != RoundState::Open {
        return Err(PageError::Conflict);
    }
    let view = app.view(&visit).of(&staff.municipality);
    let purpose: String = form.purpose.trim().chars().take(200).collect();
    if purpose.is_empty() {
        let page = page(&app, &staff, view.language(), &round, Note::None).await?;
        let page = MessagesPage { fault: Some("console.letters_no_purpose"), ..page };
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    }
    let rows = letter_rows(&app, &staff, &round).await?;
    // Noted first: a download that breaks off has shown links too.
    staff.did(&app, "links.exported", round.id.as_str(), &format!("{}: {purpose}", rows.len())).await?;
    let heading = |key: &str| app.t(view.language(), &format!("console.{key}"), &[]);
    let headings = ["field_name", "field_street", "field_postcode", "field_city", "letters_link"].map(heading);
    // Spreadsheets take the mark at the beginning for the encoding.
    let mut csv = format!("\u{feff}{}", line(&headings));
    for row in rows {
        let token = app.keys().invitation_token(&row.invitation, row.generation);
        let link = format!("{}/s/{}", app.settings().public_url.trim_end_matches('/'), token.reveal());
        csv.push_str(&line(&[row.name, row.street, row.postcode, row.city, link]));
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"letters-{}.csv\"", round.year)),
    ];
    Ok((headers, csv).into_response())
}

/// Who is invited, has no address, has not finished and has not said no.
async fn letter_rows(app: &App, staff: &Staff, round: &Round) -> Result<Vec<LinkRow>, PageError> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let rows = app.store().links(&staff.municipality.id, &round.id, after.as_ref(), CHUNK).await?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = Some(last.invitation.clone());
        let is_for_letter =
            |row: &LinkRow| row.email.is_none() && !row.opted_out && row.status != Some(ResponseStatus::Complete);
        found.extend(rows.into_iter().filter(is_for_letter));
    }
}

/// A line of CSV; a spreadsheet must not take a name for a formula.
fn line(cells: &[String; 5]) -> String {
    let cell = |text: &String| {
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    };
    format!("{}\r\n", cells.iter().map(cell).collect::<Vec<_>>().join(";"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_neither_a_formula_nor_the_end_of_its_cell() {
        let cells = ["=1+1", "Vej \"Nord\" 3", "0123", "By; Nord", "https://svar.example/s/x"].map(str::to_owned);
        assert_eq!(
            line(&cells),
            "\"'=1+1\";\"Vej \"\"Nord\"\" 3\";\"0123\";\"By; Nord\";\"https://svar.example/s/x\"\r\n"
        );
    }
}
