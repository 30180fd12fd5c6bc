//! Mail that a mail service brings over HTTP: signed, kept as it is, and understood by the mail room later.
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Router, routing};
use store::inbound::{InboundMedia, InboundSource, LARGEST};

use crate::app::App;
use crate::error::PageError;

/// The header with the signature: HMAC-SHA-256 of the body, in hexadecimal digits.
const SIGNATURE: &str = "x-pejling-signature";
/// A message may be longer than what is kept of it.
const LONGEST: usize = 8 * LARGEST;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new().route("/hooks/mail", routing::post(receive)).layer(DefaultBodyLimit::max(LONGEST))
}

/// `POST /hooks/mail`: a message (RFC 5322), or JSON: one report or a list of them. Acknowledged once it is in the database;
/// whoever gets another answer sends it again, which is harmless.
async fn receive(State(app): State<App>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, PageError> {
    let secret = app.hook_secret().ok_or(PageError::NotFound)?;
    let shown = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !domain::secrets::is_signed(secret, &body, shown) {
        return Err(PageError::Forbidden);
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media.trim_start().to_ascii_lowercase().starts_with("application/json") {
        for report in reports(&body)? {
            app.store().keep_inbound(InboundSource::Webhook, InboundMedia::Report, &report, app.now()).await?;
        }
    } else if body.is_empty() {
        return Err(PageError::BadRequest);
    } else {
        app.store().keep_inbound(InboundSource::Webhook, InboundMedia::Message, &body, app.now()).await?;
    }
    Ok(StatusCode::ACCEPTED)
}

/// The reports of a body, one by one; none may be longer than what is kept.
fn reports(body: &[u8]) -> Result<Vec<Vec<u8>>, PageError> {
    let value: serde_json::Value = serde_json::from_slice(body).map_err(|_| PageError::BadRequest)?;
    let reports = match value {
        serde_json::Value::Array(reports) => reports,
        serde_json::Value::Object(_) => vec![value],
        _ => return Err(PageError::BadRequest),
    };
    let reports: Vec<Vec<u8>> = reports.iter().map(|report| report.to_string().into_bytes()).collect();
    if reports.is_empty() || reports.iter().any(|report| report.len() > LARGEST) {
        return Err(PageError::BadRequest);
    }
    Ok(reports)
}
