//! Those who guess wait longer and longer; nobody is locked out.
//!
//! Three brakes hold at once: on an account as tried from one address (steep), on an address (against one password tried on many
//! accounts), and on an account from anywhere (gentle, since it is the one that others could use against its owner; a browser in
//! which the owner has signed in before is exempt from it).
use std::net::IpAddr;

use store::credentials::Brake;

use crate::app::App;
use crate::error::PageError;
use crate::visit::Browser;

/// Brakes that hold while something is tried.
#[must_use]
pub struct Held(Vec<String>);

/// Whoever tries must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Seconds.
    pub seconds: u64,
}

/// Counts a try at `what` (`password`, `code`, …) for `account`. `Err`: so many seconds to wait; nothing was tried.
///
/// # Errors
/// When the database is away.
pub async fn hold(app: &App, browser: &Browser, what: &str, account: &str) -> Result<Result<Held, Wait>, PageError> {
    let keys = app.keys();
    let address = browser.address.map_or_else(|| "unknown".to_owned(), network);
    let pair = keys.lookup(&format!("brake:{what}:{account}:{address}"));
    let alone = keys.lookup(&format!("brake:{what}::{address}"));
    let anywhere = keys.lookup(&format!("brake:{what}:{account}"));
    let mut brakes = vec![Brake { lookup: &pair, free: 5, most_seconds: 15 * 60 }];
    if browser.address.is_some() {
        brakes.push(Brake { lookup: &alone, free: 50, most_seconds: 60 });
    }
    if !browser.knows(app, account) {
        brakes.push(Brake { lookup: &anywhere, free: 12, most_seconds: 30 });
    }
    let now = app.now();
    Ok(match app.store().attempt(&brakes, now).await? {
        None => Ok(Held(vec![pair, anywhere])),
        Some(until) => Err(Wait { seconds: u64::try_from((until.0 - now.0 + 999) / 1000).unwrap_or(1).max(1) }),
    })
}

impl Held {
    /// Who tried has shown who they are.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn release(self, app: &App) -> Result<(), PageError> {
        let lookups: Vec<&str> = self.0.iter().map(String::as_str).collect();
        Ok(app.store().release(&lookups).await?)
    }
}

/// One subscriber: an IPv4 address, or the 64 bits that one line has in IPv6.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let s = v6.segments();
            format!("{:x}:{:x}:{:x}:{:x}", s[0], s[1], s[2], s[3])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_whatever_its_address_says() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
    }
}
