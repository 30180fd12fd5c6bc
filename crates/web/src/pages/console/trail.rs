//! The audit trail: who saw or changed what, in words, by person, action and day; as a file for administrators.
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use domain::language::Language;
use domain::municipality::Municipality;
use domain::time::Millis;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use store::audit::{AuditEntry, AuditFilter};
use text::{EngineError, format};

use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Administrator, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Entries on a page.
const ON_A_PAGE: u32 = 100;
/// Entries in a file at most; more are had by days.
const IN_A_FILE: u32 = 100_000;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/trail", routing::get(trail))
        .route("/{slug}/console/trail.csv", routing::get(file))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<TrailPage>(site)
}

/// Which entries are wanted, as in the address.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// A person's id, `program`, or empty.
    pub who: String,
    /// An action, or empty.
    pub what: String,
    /// First day, or empty.
    pub from: String,
    /// Last day, or empty.
    pub to: String,
    /// The page, from 1.
    pub page: String,
}

impl Wanted {
    fn number(&self) -> u32 {
        self.page.parse().unwrap_or(1).clamp(1, 100_000)
    }

    fn filter(&self, municipality: &Municipality) -> AuditFilter<'_> {
        let zone = format::zone(&municipality.settings.time_zone);
        let start = |date: Date| date.to_zoned(zone.clone()).ok().map(|z| Millis(z.timestamp().as_millisecond()));
        let from = self.from.parse().ok().and_then(start);
        let before = self.to.parse::<Date>().ok().and_then(|d| d.tomorrow().ok()).and_then(start);
        AuditFilter {
            who: &self.who,
            what: &self.what,
            from: from.unwrap_or(Millis(0)),
            before: before.unwrap_or(Millis(i64::MAX)),
        }
    }

    /// The address of a page with the same choice.
    fn address(&self, path: &str, page: Option<u32>) -> String {
        let mut pairs = Vec::new();
        for (name, value) in [("who", &self.who), ("what", &self.what), ("from", &self.from), ("to", &self.to)] {
            if !value.is_empty() {
                let value = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
                pairs.push(format!("{name}={value}"));
            }
        }
        pairs.extend(page.map(|page| format!("page={page}")));
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

/// `GET /{slug}/console/trail`
#[derive(Debug, Serialize)]
pub struct TrailPage {
    /// Navigation.
    pub bar: Bar,
    /// What was chosen.
    pub wanted: Wanted,
    /// People who occur: id, name.
    pub people: Vec<(String, String)>,
    /// Actions that occur: word, in words.
    pub actions: Vec<(String, String)>,
    /// The entries.
    pub entries: Vec<TrailLine>,
    /// Address of the page before.
    pub newer: Option<String>,
    /// Address of the page after.
    pub older: Option<String>,
    /// Address of the same as a file.
    pub file: String,
}

/// An entry of the audit trail.
#[derive(Debug, Serialize)]
pub struct TrailLine {
    /// When, in milliseconds.
    pub at: i64,
    /// Who.
    pub who: Option<String>,
    /// What.
    pub action: String,
    /// To what: a person's name, where it is one; else an id.
    pub subject: String,
    /// More.
    pub detail: String,
}

impl Page for TrailPage {
    const TEMPLATE: &'static str = "console/trail.html";

    fn samples() -> Vec<Self> {
        let line = |who: Option<&str>| TrailLine {
            at: 1_790_000_000_000,
            who: who.map(str::to_owned),
            action: "round.closed".to_owned(),
            subject: "018f".to_owned(),
            detail: String::new(),
        };
        let full = Self {
            bar: Bar::sample(true),
            wanted: Wanted { who: "u".to_owned(), what: "round.closed".to_owned(), ..Wanted::default() },
            people: vec![("u".to_owned(), "Mette Holm".to_owned())],
            actions: vec![("round.closed".to_owned(), "lukkede målingen".to_owned())],
            entries: vec![line(Some("Mette Holm")), line(None)],
            newer: Some("/x".to_owned()),
            older: Some("/x".to_owned()),
            file: "/x".to_owned(),
        };
        let empty = Self {
            bar: Bar::sample(false),
            wanted: Wanted::default(),
            people: Vec::new(),
            actions: Vec::new(),
            entries: Vec::new(),
            newer: None,
            older: None,
            file: "/x".to_owned(),
        };
        vec![full, empty]
    }
}

/// An action in words; its own word where there are none.
pub(crate) fn in_words(app: &App, language: Language, action: &str) -> String {
    let name = action.replace('.', "_");
    let keys = [format!("accounts.did_{name}"), format!("console.did_{name}")];
    match keys.iter().find(|key| app.messages().contains(key)) {
        Some(key) => app.t(language, key, &[]),
        None => action.to_owned(),
    }
}

fn lines(app: &App, language: Language, people: &[(String, String)], entries: Vec<AuditEntry>) -> Vec<TrailLine> {
    let named = |subject: &str| people.iter().find(|(id, _)| id == subject).map(|(_, name)| name.clone());
    entries
        .into_iter()
        .map(|e| TrailLine {
            at: e.at.0,
            who: e.user_name,
            action: in_words(app, language, &e.action),
            subject: named(&e.subject).unwrap_or(e.subject),
            detail: e.detail,
        })
        .collect()
}

/// Everybody who may be a subject: staff and those who have acted.
async fn names(app: &App, staff: &Staff) -> Result<Vec<(String, String)>, PageError> {
    let id = &staff.municipality.id;
    let mut all: Vec<(String, String)> =
        app.store().audit_actors(id).await?.into_iter().map(|(id, name)| (id.0, name)).collect();
    for user in app.store().users(id).await? {
        if !all.iter().any(|(known, _)| *known == user.id.0) {
            all.push((user.id.0, user.name));
        }
    }
    Ok(all)
}

async fn trail(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let id = &staff.municipality.id;
    let number = wanted.number();
    let filter = wanted.filter(&staff.municipality);
    // One more than is shown tells whether there is an older page.
    let mut entries = app.store().audit_found(id, &filter, ON_A_PAGE + 1, (number - 1) * ON_A_PAGE).await?;
    let more = entries.len() > ON_A_PAGE as usize;
    entries.truncate(ON_A_PAGE as usize);
    staff.did(&app, "trail.seen", "", "").await?;
    let path = format!("/{}/console/trail", staff.municipality.slug);
    let people = names(&app, &staff).await?;
    let words = |action: String| (in_words(&app, language, &action), action);
    let mut actions: Vec<(String, String)> =
        app.store().audit_actions(id).await?.into_iter().map(words).map(|(text, action)| (action, text)).collect();
    actions.sort_by(|a, b| a.1.cmp(&b.1));
    let page = TrailPage {
        bar: staff.bar("trail"),
        entries: lines(&app, language, &people, entries),
        people,
        actions,
        newer: (number > 1).then(|| wanted.address(&path, Some(number - 1))),
        older: more.then(|| wanted.address(&path, Some(number + 1))),
        file: wanted.address(&format!("{path}.csv"), None),
        wanted,
    };
    view.render(&page)
}

async fn file(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    let language = app.view(&visit).of(&staff.municipality).language();
    let filter = wanted.filter(&staff.municipality);
    let entries = app.store().audit_found(&staff.municipality.id, &filter, IN_A_FILE, 0).await?;
    let people = names(&app, &staff).await?;
    staff.did(&app, "trail.downloaded", "", &entries.len().to_string()).await?;
    let zone = format::zone(&staff.municipality.settings.time_zone);
    // Marked as UTF-8 and with semicolons, so that a spreadsheet opens it by a double click.
    let mut text = String::from("\u{feff}at;who;action;words;subject;detail\r\n");
    let codes: Vec<String> = entries.iter().map(|e| e.action.clone()).collect();
    for (line, code) in lines(&app, language, &people, entries).into_iter().zip(codes) {
        let at = zone.to_datetime(Millis(line.at).timestamp()).strftime("%Y-%m-%d %H:%M:%S").to_string();
        let cells = [at, line.who.unwrap_or_default(), code, line.action, line.subject, line.detail];
        text.push_str(&cells.map(|cell| csv_cell(&cell)).join(";"));
        text.push_str("\r\n");
    }
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name = HeaderValue::from_static("attachment; filename=\"trail.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// A cell that no spreadsheet takes for a formula.
fn csv_cell(text: &str) -> String {
    let safe = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if safe.contains([';', '"', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_keeps_its_marks() {
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("a;\"b\""), "\"a;\"\"b\"\"\"");
        assert_eq!(csv_cell("2026"), "2026");
    }
}
