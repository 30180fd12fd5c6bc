//! The demo's mail catcher: what would have been sent, to be read on a page. It exists only where the setting is on.
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware, routing};
use domain::municipality::Municipality;
use mail_parser::MessageParser;
use serde::Serialize;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::not_kept;
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Mails listed per municipality.
const MOST: u32 = 200;
/// The page that frames a mail: as everywhere, and a frame from here.
const FRAMING: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-src 'self'; frame-ancestors 'none'";
/// The mail itself: its own styles, no scripts, nothing from elsewhere; links open in the whole window.
const FRAMED: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; \
     sandbox allow-top-navigation-by-user-activation";

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/catcher", routing::get(list))
        .route("/catcher/{slug}/{id}", routing::get(message))
        .route("/catcher/{slug}/{id}/html", routing::get(html))
        .route("/catcher/{slug}/{id}/source", routing::get(source))
        .layer(middleware::from_fn(not_kept))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ListPage>(site)?;
    templates.check::<MessagePage>(site)
}

/// `GET /catcher`
#[derive(Debug, Serialize)]
pub struct ListPage {
    /// The mails, latest first.
    pub mails: Vec<MailLine>,
}

/// A mail in the list.
#[derive(Debug, Serialize)]
pub struct MailLine {
    /// Address of the page.
    pub href: String,
    /// To whom.
    pub recipient: String,
    /// Subject.
    pub subject: String,
    /// When, in milliseconds.
    pub at: i64,
}

impl Page for ListPage {
    const TEMPLATE: &'static str = "catcher/list.html";

    fn samples() -> Vec<Self> {
        let mail = MailLine {
            href: "/catcher/hojager/1".to_owned(),
            recipient: "info@example.dk".to_owned(),
            subject: "Hvordan er det at drive virksomhed her?".to_owned(),
            at: 1_790_000_000_000,
        };
        vec![Self { mails: vec![mail] }, Self { mails: Vec::new() }]
    }
}

/// `GET /catcher/{slug}/{id}`
#[derive(Debug, Serialize)]
pub struct MessagePage {
    /// Subject.
    pub subject: String,
    /// From whom.
    pub from: String,
    /// To whom.
    pub recipient: String,
    /// When, in milliseconds.
    pub at: i64,
    /// The text part, cut at its addresses.
    pub text: Vec<Piece>,
    /// Address of the HTML part.
    pub html: Option<String>,
    /// Address of the raw message.
    pub source: String,
}

/// A piece of a text: an address to follow, or words.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// The words.
    pub words: String,
    /// They are an address.
    pub is_link: bool,
}

impl Page for MessagePage {
    const TEMPLATE: &'static str = "catcher/message.html";

    fn samples() -> Vec<Self> {
        let sample = |html: Option<String>, words: &str| Self {
            subject: "Hvordan er det at drive virksomhed her?".to_owned(),
            from: "Højager Kommune <erhverv@example.dk>".to_owned(),
            recipient: "info@example.dk".to_owned(),
            at: 1_790_000_000_000,
            text: pieces(words),
            html,
            source: "/catcher/hojager/1/source".to_owned(),
        };
        vec![
            sample(Some("/catcher/hojager/1/html".to_owned()), "Svar her: https://example.dk/s/abc\nTak."),
            sample(None, ""),
        ]
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let begins = |text: &str| ["https://", "http://"].iter().filter_map(|start| text.find(start)).min();
    while let Some(start) = begins(rest) {
        let (words, from) = rest.split_at(start);
        let length = from.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(from.len());
        let address = from[..length].trim_end_matches(['.', ',', ')', ';']);
        if !words.is_empty() {
            pieces.push(Piece { words: words.to_owned(), is_link: false });
        }
        pieces.push(Piece { words: address.to_owned(), is_link: true });
        rest = &from[address.len()..];
    }
    if !rest.is_empty() {
        pieces.push(Piece { words: rest.to_owned(), is_link: false });
    }
    pieces
}

async fn list(State(app): State<App>, visit: Visit) -> Result<Response, PageError> {
    open(&app)?;
    let mut mails = Vec::new();
    let municipalities = app.store().municipalities().await?;
    for municipality in &municipalities {
        for mail in app.store().caught_mails(&municipality.id, MOST).await? {
            let href = format!("/catcher/{}/{}", municipality.slug, mail.id);
            mails.push(MailLine { href, recipient: mail.recipient, subject: mail.subject, at: mail.caught_at.0 });
        }
    }
    mails.sort_by_key(|mail| std::cmp::Reverse(mail.at));
    let view = app.view(&visit);
    match municipalities.as_slice() {
        [only] => view.of(only).render(&ListPage { mails }),
        _ => view.render(&ListPage { mails }),
    }
}

/// Refuses where mail really goes out.
fn open(app: &App) -> Result<(), PageError> {
    if app.settings().catcher { Ok(()) } else { Err(PageError::NotFound) }
}

async fn caught(
    app: &App,
    slug: &str,
    id: &str,
) -> Result<(Municipality, store::outbox::CaughtMail, Vec<u8>), PageError> {
    open(app)?;
    let municipality = app.store().municipality_by_slug(slug).await?;
    let (mail, raw) = app.store().caught_mail(&municipality.id, id).await?;
    Ok((municipality, mail, raw))
}

async fn message(
    State(app): State<App>,
    visit: Visit,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response, PageError> {
    let (municipality, mail, raw) = caught(&app, &slug, &id).await?;
    let parsed = MessageParser::default().parse(&raw).ok_or(PageError::NotFound)?;
    let from = parsed.from().and_then(|from| from.first()).map_or_else(String::new, |from| {
        let address = from.address.as_deref().unwrap_or_default();
        from.name.as_deref().map_or_else(|| address.to_owned(), |name| format!("{name} <{address}>"))
    });
    let base = format!("/catcher/{slug}/{id}");
    let page = MessagePage {
        subject: mail.subject,
        from,
        recipient: mail.recipient,
        at: mail.caught_at.0,
        text: parsed.body_text(0).map(|text| pieces(&text)).unwrap_or_default(),
        html: (parsed.html_body_count() > 0).then(|| format!("{base}/html")),
        source: format!("{base}/source"),
    };
    let mut response = app.view(&visit).of(&municipality).render(&page)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(FRAMING));
    Ok(response)
}

async fn html(State(app): State<App>, Path((slug, id)): Path<(String, String)>) -> Result<Response, PageError> {
    let (_, _, raw) = caught(&app, &slug, &id).await?;
    let parsed = MessageParser::default().parse(&raw).ok_or(PageError::NotFound)?;
    let body = parsed.body_html(0).ok_or(PageError::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, FRAMED),
        (HeaderName::from_static("x-frame-options"), "SAMEORIGIN"),
    ];
    Ok((headers, format!("<!doctype html><meta charset=\"utf-8\"><base target=\"_top\">{body}")).into_response())
}

async fn source(State(app): State<App>, Path((slug, id)): Path<(String, String)>) -> Result<Response, PageError> {
    let (_, _, raw) = caught(&app, &slug, &id).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], raw).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_a_text_are_found_without_the_full_stop_behind_them() {
        let found: Vec<String> = pieces("Svar: https://a.dk/s/x.\nEller (http://b.dk/y), tak")
            .into_iter()
            .filter(|p| p.is_link)
            .map(|p| p.words)
            .collect();
        assert_eq!(found, ["https://a.dk/s/x", "http://b.dk/y"]);
        let whole: String = pieces("Svar: https://a.dk/s/x.\n").into_iter().map(|p| p.words).collect();
        assert_eq!(whole, "Svar: https://a.dk/s/x.\n");
        assert_eq!(pieces(""), []);
    }
}
