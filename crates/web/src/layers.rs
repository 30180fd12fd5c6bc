//! What every request passes through: headers, cross-origin check, log spans, friendly errors, limits.
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;
use tracing::Instrument;

use crate::app::App;
use crate::error::{ErrorPage, Whose};
use crate::pages::respondent::rescue;
use crate::patience::{Patient, Peer, REQUEST_WITHIN};
use crate::visit::{self, ClientAddress, LANGUAGE_COOKIE, Visit};

/// No inline script or style, nothing from elsewhere, no frames.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Forms are small; a route that takes files sets its own limit.
pub(crate) const FORM_LIMIT: usize = 256 * 1024;

/// Longer than any page takes; what needs more is a job.
const PATIENCE: Duration = Duration::from_secs(30);

/// The whole server: every page with everything that requests pass through.
pub fn router(app: App) -> Router {
    Router::new()
        .merge(crate::pages::routes())
        .route("/assets/{name}", routing::get(crate::assets::serve))
        .route("/{slug}/theme.css", routing::get(crate::theme::serve))
        .route("/{slug}/logo", routing::get(crate::logo::serve))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(DefaultBodyLimit::max(FORM_LIMIT))
        .layer(middleware::from_fn_with_state(app.clone(), same_origin))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), rescue::kept))
        .layer(middleware::from_fn_with_state(app.clone(), friendly_errors))
        .layer(middleware::from_fn_with_state(app.clone(), headers))
        .layer(middleware::from_fn(log))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(app.clone(), address))
        .with_state(app)
}

/// Serves until `shutdown` is done, then lets running requests finish.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: tokio::net::TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let listener = Patient::new(listener, REQUEST_WITHIN);
    let service = router(app).into_make_service_with_connect_info::<Peer>();
    axum::serve(listener, service).with_graceful_shutdown(shutdown).await
}

/// Notes where a request comes from.
async fn address(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.0.ip());
    let client =
        peer.map_or(ClientAddress::UNKNOWN, |peer| ClientAddress(app.proxies().client(peer, request.headers())));
    request.extensions_mut().insert(client);
    next.run(request).await
}

/// Headers for pages that belong to one person: never stored, never indexed, never named to others. For a `Router::layer(middleware::from_fn(private))`.
pub async fn private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    response
}

/// On a response: no cookie goes out with it, not even the choice of a language.
#[derive(Debug, Clone, Copy)]
pub struct NoCookie;

/// On a response: other sites may show it in a frame; its own policy says so.
#[derive(Debug, Clone, Copy)]
pub struct Embeddable;

async fn headers(State(app): State<App>, request: Request, next: Next) -> Response {
    let chosen = (request.method() == Method::GET).then(|| visit::asked(request.uri().query())).flatten();
    let mut response = next.run(request).await;
    let chosen = chosen.filter(|_| response.extensions().get::<NoCookie>().is_none());
    let embeddable = response.extensions().get::<Embeddable>().is_some();
    let headers = response.headers_mut();
    let mut add = |name: &'static str, value: &'static str| {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    };
    add("content-security-policy", CONTENT_SECURITY_POLICY);
    add("x-content-type-options", "nosniff");
    if !embeddable {
        add("x-frame-options", "DENY");
    }
    add("referrer-policy", "same-origin");
    add("cross-origin-opener-policy", "same-origin");
    add("cross-origin-resource-policy", "same-origin");
    add("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    add("cache-control", "no-cache");
    if app.settings().is_https() {
        add("strict-transport-security", "max-age=31536000");
    }
    // A preference in the visitor's own browser; nothing on the server changes.
    if let Some(language) = chosen {
        let cookie = app.settings().cookie(LANGUAGE_COOKIE, language.tag(), 60 * 60 * 24 * 365);
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            headers.append(header::SET_COOKIE, value);
        }
    }
    response
}

/// Refuses forms that another site's page sends. A program that names neither origin nor fetch site (the one-click
/// unsubscribing of RFC 8058) passes: it carries no cookie of ours.
async fn same_origin(State(app): State<App>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || is_same_origin(request.headers(), &app.settings().public_url, request.uri().path()) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

fn is_same_origin(headers: &HeaderMap, public_url: &str, path: &str) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or("?"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else { return true };
    // Under `no-referrer` a browser writes `null`; without a fetch site that is an old browser or plain http. A token
    // page's right lies in its address, which no other site knows, so there it may pass.
    if origin == "null" {
        return path.starts_with("/s/");
    }
    let own = public_url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let host = text(header::HOST).unwrap_or_default();
    origin == own || origin.strip_prefix("http://").or(origin.strip_prefix("https://")) == Some(host)
}

/// Gives errors without a page of their own a friendly one.
pub async fn friendly_errors(State(app): State<App>, visit: Visit, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let has_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|v| !v.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || has_page {
        return response;
    }
    let whose = response.extensions().get::<Whose>().cloned();
    let mut view = app.view(&visit).status(status);
    if let Some(Whose(municipality)) = &whose {
        view = view.of(municipality);
    }
    match view.render(&ErrorPage::of(status)) {
        Ok(mut page) => {
            for (name, value) in response.headers() {
                if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
                    page.headers_mut().insert(name, value.clone());
                }
            }
            page
        }
        Err(_) => response,
    }
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response<Body> {
    // The panic hook has logged place and message; what was panicked with may hold answers.
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// One span and one line per request: an id and the matched route, never the address (it may hold a token).
async fn log(request: Request, next: Next) -> Response {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let id = COUNTER.fetch_add(1, Ordering::Relaxed);
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let span = tracing::info_span!("request", request.id = id, %method, route);
    let started = Instant::now();
    async move {
        let response = next.run(request).await;
        let status = response.status().as_u16();
        crate::traffic::note(status, started.elapsed());
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status, ms, "Answered {method} {route} with {status}");
        response
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(headers: &[(&str, &str)], path: &str) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        is_same_origin(&map, "https://maaling.hojager.dk", path)
    }

    #[test]
    fn only_our_own_forms_pass() {
        assert!(passes(&[("sec-fetch-site", "same-origin")], "/x"));
        assert!(!passes(&[("sec-fetch-site", "cross-site"), ("origin", "https://maaling.hojager.dk")], "/x"));
        assert!(!passes(&[("sec-fetch-site", "same-site")], "/x"));
        assert!(passes(&[("origin", "https://maaling.hojager.dk")], "/x"));
        assert!(passes(&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], "/x"));
        assert!(!passes(&[("origin", "https://evil.example"), ("host", "maaling.hojager.dk")], "/x"));
        assert!(!passes(&[("origin", "null")], "/sign-in"));
        assert!(passes(&[("origin", "null")], "/s/abc/welcome"));
        assert!(passes(&[], "/s/abc/stop"), "the one-click post of a mail program names no origin");
    }
}
