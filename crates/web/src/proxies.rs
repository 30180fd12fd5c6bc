//! Where a request comes from: the peer, or, behind proxies that the configuration trusts, what they say.
use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks whose word on the client's address is believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Nobody's word is believed.
    pub const NONE: Self = Self(Vec::new());

    /// Reads networks or single addresses, separated by commas: `10.0.0.0/8, 2001:db8::1`.
    ///
    /// # Errors
    /// The part that is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| {
            part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)).map_err(|_| part.to_owned())
        };
        parts.map(read).collect::<Result<_, _>>().map(Self)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address.to_canonical()))
    }

    /// The client's address: from the peer backwards through what each trusted proxy says it was asked by, to the first that is not
    /// trusted. What an untrusted peer says counts for nothing; what cannot be read ends the way.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trusts(peer) {
            return peer.to_canonical();
        }
        let told = if headers.contains_key(&FORWARDED) { forwarded(headers) } else { x_forwarded_for(headers) };
        let mut client = peer;
        for said in told.into_iter().rev() {
            let Some(address) = said else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        client.to_canonical()
    }
}

/// The `for=` of each element, in their order; `None`: hidden or unreadable.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    elements(headers, &FORWARDED, |element| {
        element.split(';').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case("for").then(|| address(value)).flatten()
        })
    })
}

fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    elements(headers, &X_FORWARDED_FOR, address)
}

fn elements(headers: &HeaderMap, name: &HeaderName, read: impl Fn(&str) -> Option<IpAddr>) -> Vec<Option<IpAddr>> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("?"));
    lines.flat_map(|line| line.split(',')).map(|element| read(element.trim())).collect()
}

/// `192.0.2.1`, `192.0.2.1:4711`, `"[2001:db8::1]:4711"`, `[2001:db8::1]`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &str, peer: &str, headers: &[(&str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
        Proxies::parse(trusted).unwrap().client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn nobody_is_believed_unless_the_configuration_says_so() {
        let lie = [("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")];
        assert_eq!(client("", "198.51.100.7", &lie), "198.51.100.7");
        assert_eq!(client("10.0.0.0/8", "198.51.100.7", &lie), "198.51.100.7");
    }

    #[test]
    fn a_trusted_proxy_says_who_asked_and_what_the_client_added_counts_for_nothing() {
        let header = [("x-forwarded-for", "1.1.1.1, 203.0.113.9")];
        assert_eq!(client("10.0.0.1", "10.0.0.1", &header), "203.0.113.9");
        let header = [("x-forwarded-for", "1.1.1.1, 203.0.113.9"), ("x-forwarded-for", "10.0.0.2")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &header), "203.0.113.9");
    }

    #[test]
    fn forwarded_is_read_as_its_standard_says() {
        let read = |value| client("127.0.0.1, ::1", "127.0.0.1", &[("forwarded", value)]);
        assert_eq!(read("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60");
        assert_eq!(read("For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(read("for=192.0.2.43, for=198.51.100.17:99"), "198.51.100.17");
        assert_eq!(read("for=unknown"), "127.0.0.1");
        assert_eq!(read("proto=https"), "127.0.0.1");
    }

    #[test]
    fn a_mapped_address_is_its_ipv4() {
        assert_eq!(client("10.0.0.0/8", "::ffff:10.0.0.1", &[("x-forwarded-for", "203.0.113.9")]), "203.0.113.9");
    }

    #[test]
    fn what_is_no_network_is_named() {
        assert_eq!(Proxies::parse("10.0.0.0/8, nginx"), Err("nginx".to_owned()));
    }
}
