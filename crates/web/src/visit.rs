//! What is known of a request's visitor: language and cookies. Never fails, so every handler can ask for it.
use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use domain::language::Language;

use crate::app::App;

/// The name of the language cookie (before a prefix).
pub const LANGUAGE_COOKIE: &str = "language";

/// The name of the session cookie (before a prefix).
pub const SESSION_COOKIE: &str = "session";
/// The name of the cookie by which a browser is known in which somebody of the staff has signed in before.
pub const KNOWN_COOKIE: &str = "known";

/// The browser of somebody who signs in or is signed in. No `Debug`: it holds tokens.
#[derive(Clone, Default)]
pub struct Browser {
    /// The session's token.
    pub session: Option<String>,
    /// Where the request comes from.
    pub address: Option<IpAddr>,
    /// Browser and system, as far as the browser says.
    pub device: String,
    known: Option<String>,
}

impl Browser {
    /// Has the owner of this account signed in here before?
    #[must_use]
    pub fn knows(&self, app: &App, account: &str) -> bool {
        self.known.as_deref() == Some(Self::mark(app, account).as_str())
    }

    /// What the cookie holds that tells so.
    #[must_use]
    pub fn mark(app: &App, account: &str) -> String {
        let mut mark = app.keys().lookup(&format!("known:{account}"));
        mark.truncate(32);
        mark
    }
}

impl FromRequestParts<App> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let of = |name: &str| cookie(&parts.headers, &app.settings().cookie_name(name)).filter(|v| !v.is_empty());
        let agent = parts.headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Ok(Self {
            session: of(SESSION_COOKIE),
            address: parts.extensions.get::<ClientAddress>().filter(|a| **a != ClientAddress::UNKNOWN).map(|a| a.0),
            device: device(agent),
            known: of(KNOWN_COOKIE),
        })
    }
}

/// `Firefox · Windows`: enough to know one's own, too little to tell people apart by.
fn device(agent: &str) -> String {
    // Browsers name those they descend from: the youngest name comes first here.
    let browser =
        [("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")];
    let system = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find =
        |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    [find(&browser), find(&system)].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

/// A visitor.
#[derive(Debug, Clone, Default)]
pub struct Visit {
    /// Chosen by `?lang=` or earlier (cookie).
    pub chosen: Option<Language>,
    /// What the browser asks for.
    pub accepted: Option<Language>,
}

impl FromRequestParts<App> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let cookie = cookie(&parts.headers, &app.settings().cookie_name(LANGUAGE_COOKIE));
        let chosen = asked(parts.uri.query()).or_else(|| cookie.and_then(|c| Language::parse(&c)));
        let accepted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok()).and_then(accepted);
        Ok(Self { chosen, accepted })
    }
}

/// The address a request comes from, put into its extensions by [`crate::layers::router`]: the peer's, or what a trusted proxy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The address of a request of which nothing is known.
    pub const UNKNOWN: Self = Self(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));

    /// What is counted as one visitor: an IPv4 address, or the /64 of an IPv6 address, which is one household or office.
    #[must_use]
    pub fn house(self) -> String {
        match self.0.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::")
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self::UNKNOWN))
    }
}

/// The language of `?lang=`.
#[must_use]
pub fn asked(query: Option<&str>) -> Option<Language> {
    query?.split('&').find_map(|pair| Language::parse(pair.strip_prefix("lang=")?))
}

/// The value of a cookie.
#[must_use]
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .find_map(|pair| pair.trim().split_once('=').filter(|(n, _)| *n == name).map(|(_, v)| v.to_owned()))
}

/// The first of our languages in `Accept-Language` (browsers list them by preference); Norwegian readers get Danish.
fn accepted(header: &str) -> Option<Language> {
    header.split(',').find_map(|part| {
        let tag = part.split(';').next()?.trim().to_ascii_lowercase();
        match tag.split('-').next()? {
            "nb" | "no" | "nn" => Some(Language::Da),
            primary => Language::parse(primary),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_our_languages_is_taken() {
        assert_eq!(accepted("de-DE,de;q=0.9,sv;q=0.8,en;q=0.7"), Some(Language::Sv));
        assert_eq!(accepted("nb-NO"), Some(Language::Da));
        assert_eq!(accepted("fr"), None);
        assert_eq!(asked(Some("a=b&lang=en")), Some(Language::En));
        assert_eq!(asked(Some("lang=xx")), None);
    }

    #[test]
    fn a_device_is_named_as_people_do() {
        assert_eq!(
            device(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0"
            ),
            "Edge · Windows"
        );
        assert_eq!(
            device("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1"),
            "Safari · iPhone"
        );
        assert_eq!(device("curl/8"), "");
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=1; language=sv; b=2".parse().unwrap());
        assert_eq!(cookie(&headers, "language").as_deref(), Some("sv"));
        assert_eq!(cookie(&headers, "lang"), None);
    }
}
