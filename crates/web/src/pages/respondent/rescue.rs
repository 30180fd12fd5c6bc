//! Nothing typed is lost: when a form cannot be kept (database away, disk full, our own mistake), its page comes back with everything
//! that was sent and a button that sends it again.
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::language::Language;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use serde::Serialize;

use crate::app::App;
use crate::error::ErrorPage;
use crate::layers::FORM_LIMIT;
use crate::templates::Page;
use crate::visit::Visit;

/// A form arrives within this time, or it is given up; shorter than the patience with handlers.
const ARRIVES_WITHIN: Duration = Duration::from_secs(20);
/// What is too large is still read to here, so that the answer is heard and not a broken connection.
const READ_AT_MOST: usize = 16 * 1024 * 1024;
/// Texts longer than this are shown; codes and numbers are not.
pub(super) const SHOWN_FROM: usize = 20;
/// When to try again, in seconds: a database is restarted within this time.
const TRY_AGAIN: u64 = 30;

/// What could not be kept.
#[derive(Serialize)]
pub(crate) struct RescuePage {
    action: String,
    hidden: Vec<Field>,
    texts: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    value: String,
}

impl Page for RescuePage {
    const TEMPLATE: &'static str = "respondent/rescue.html";

    fn samples() -> Vec<Self> {
        let field = |name: &str, value: &str| Field { name: name.into(), value: value.into() };
        let full = Self {
            action: "/s/x/overall".into(),
            hidden: vec![field("overall", "4"), field("go", "next")],
            texts: vec![field("overall_why", "Fordi byggesagen tog tid, og ingen ringede tilbage.")],
        };
        vec![full, Self { action: "/s/x/submit".into(), hidden: Vec::new(), texts: Vec::new() }]
    }
}

/// Reads a form of a respondent or an interviewer before its handler does, and gives it back when it could not be kept.
pub(crate) async fn kept(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let is_answering = path.starts_with("/s/") || path.split('/').nth(2) == Some("calls");
    let kind = request.headers().get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if request.method() != Method::POST || !is_answering || !kind.starts_with(b"application/x-www-form-urlencoded") {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let visit = Visit::from_request_parts(&mut parts, &app).await.unwrap_or_default();
    let bytes = match tokio::time::timeout(ARRIVES_WITHIN, whole(body)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(status)) => return refused(&app, &visit, status),
        Err(_) => return refused(&app, &visit, StatusCode::REQUEST_TIMEOUT),
    };
    let fields = fields(&bytes);
    let again = if is_utf8(&bytes) { bytes } else { encoded(&fields).into() };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(again.len()));
    parts.headers.remove(header::TRANSFER_ENCODING);
    let response = next.run(Request::from_parts(parts, Body::from(again))).await;
    // The script that saves in the background says by itself that it could not.
    if !response.status().is_server_error() || fields.iter().any(|(name, _)| name == "autosave") {
        return response;
    }
    let shown = fields.iter().find(|(name, _)| name == "shown").and_then(|(_, value)| Language::parse(value));
    let (texts, hidden): (Vec<Field>, Vec<Field>) = fields
        .into_iter()
        .map(|(name, value)| Field { name, value })
        .partition(|f| f.name != "attempt" && f.value.chars().count() > SHOWN_FROM);
    let page = RescuePage { action: path, hidden, texts };
    match app.view(&visit).prefer(shown).status(StatusCode::SERVICE_UNAVAILABLE).render(&page) {
        Ok(mut rescued) => {
            let headers = rescued.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(TRY_AGAIN));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
            rescued
        }
        Err(_) => response,
    }
}

fn refused(app: &App, visit: &Visit, status: StatusCode) -> Response {
    let mut response =
        app.view(visit).status(status).render(&ErrorPage::of(status)).unwrap_or_else(IntoResponse::into_response);
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The whole body, or why it is not read.
async fn whole(mut body: Body) -> Result<Bytes, StatusCode> {
    let (mut kept, mut read) = (Vec::new(), 0);
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
        read += data.len();
        if read > READ_AT_MOST {
            break;
        }
        if read <= FORM_LIMIT {
            kept.extend_from_slice(&data);
        }
    }
    if read > FORM_LIMIT { Err(StatusCode::PAYLOAD_TOO_LARGE) } else { Ok(kept.into()) }
}

/// Is everything in it UTF-8, as our pages send it?
fn is_utf8(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok() && percent_decode(body).decode_utf8().is_ok()
}

/// The fields of a form. What is not UTF-8 comes from a program older than our pages and is read as Latin-1, in which every byte is a
/// character: a name with "ø" stays one.
fn fields(body: &[u8]) -> Vec<(String, String)> {
    let text = |raw: &[u8]| {
        let spaced: Vec<u8> = raw.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        let bytes: Vec<u8> = percent_decode(&spaced).collect();
        String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect())
    };
    body.split(|b| *b == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            (text(halves.next().unwrap_or_default()), text(halves.next().unwrap_or_default()))
        })
        .collect()
}

fn encoded(fields: &[(String, String)]) -> String {
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = fields.iter().map(|(n, v)| format!("{}={}", escape(n), escape(v))).collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_whatever_its_encoding_and_its_breaks() {
        let read = |body: &[u8]| fields(body);
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(read(b"a=1&b=S%C3%B8ren+%26+co"), [pair("a", "1"), pair("b", "Søren & co")]);
        assert_eq!(read(b"b=S%F8ren&c=bl\xe5b\xe6r"), [pair("b", "Søren"), pair("c", "blåbær")]);
        assert_eq!(read(b"a=100%&&=x&b"), [pair("a", "100%"), pair("", "x"), pair("b", "")]);
        assert_eq!(read(b""), []);
        assert!(is_utf8(b"List-Unsubscribe=One-Click&a=%C3%B8") && !is_utf8(b"a=%F8") && !is_utf8(b"a=\xf8"));
        let odd = [pair("q", "a=b&c d+\u{1f600}\r\n")];
        assert_eq!(read(encoded(&odd).as_bytes()), odd, "what is given on is read the same");
    }
}
