//! SPF (RFC 7208): is there one record, does it end in a decision, and can receivers follow it to its end?
use std::collections::VecDeque;

use super::{Finding, Level, LookupError, Resolver};

/// Look-ups that a receiver makes at most (RFC 7208 § 4.6.4).
const MOST: usize = 10;

/// Checks the record of `domain` and those that it includes.
pub(super) async fn check(resolver: &Resolver, domain: &str) -> Result<Vec<Finding>, LookupError> {
    let finding = |level, words: String| Finding { topic: "SPF", level, words };
    let own = records(resolver, domain).await?;
    let record = match own.as_slice() {
        [] => {
            let words = format!(
                "{domain} has no SPF record. Publish: {domain}. IN TXT \"v=spf1 include:RELAY -all\", with what your relay's operator names for RELAY."
            );
            return Ok(vec![finding(Level::Wrong, words)]);
        }
        [record] => record.clone(),
        several => {
            let words =
                format!("{domain} has {} SPF records: receivers then take none. Make one of them.", several.len());
            return Ok(vec![finding(Level::Wrong, words)]);
        }
    };
    let mut findings = Vec::new();
    let (mut look_ups, mut ending) = (0, None);
    let mut waiting = VecDeque::from([(domain.to_owned(), record.clone(), true)]);
    while let Some((at, record, outermost)) = waiting.pop_front() {
        for term in record.split_ascii_whitespace().skip(1) {
            let Some(term) = Term::of(term) else {
                findings.push(finding(
                    Level::Wrong,
                    format!(
                        "The SPF record of {at} has a part that does not exist: {term}. Receivers then take none of it."
                    ),
                ));
                continue;
            };
            look_ups += usize::from(term.asks);
            if outermost && let Some(all) = term.all {
                ending = Some(all);
            }
            let Some(next) = term.next else { continue };
            if look_ups > MOST || next.contains('%') {
                continue;
            }
            match records(resolver, &next).await?.as_slice() {
                [record] => waiting.push_back((next, record.clone(), outermost && term.redirect)),
                _ => findings.push(finding(Level::Wrong, format!("The SPF record of {at} refers to {next}, which has none of its own: receivers then take none of it."))),
            }
        }
    }
    if look_ups > MOST {
        findings.push(finding(
            Level::Wrong,
            format!(
                "The SPF record of {domain} makes receivers look up more than {MOST} names: they then take none of it."
            ),
        ));
    }
    findings.push(match ending {
        Some('-' | '~') => finding(Level::Right, format!("{domain} publishes: {record}. Whether it names the addresses that your relay sends from, a received message shows (Authentication-Results: spf=pass).")),
        Some('+') => finding(Level::Wrong, format!("The SPF record of {domain} lets everybody send (+all).")),
        _ => finding(Level::Advice, format!("The SPF record of {domain} does not decide (it should end in -all or ~all): {record}")),
    });
    Ok(findings)
}

async fn records(resolver: &Resolver, domain: &str) -> Result<Vec<String>, LookupError> {
    let all = resolver.txt(domain).await?;
    let is_spf = |r: &String| r.split(' ').next().is_some_and(|v| v.eq_ignore_ascii_case("v=spf1"));
    Ok(all.into_iter().filter(is_spf).collect())
}

/// One part of a record.
struct Term {
    /// Must the receiver look something up?
    asks: bool,
    /// The qualifier of `all`.
    all: Option<char>,
    /// Another domain's record that counts.
    next: Option<String>,
    redirect: bool,
}

impl Term {
    /// `None`: there is no such part.
    fn of(term: &str) -> Option<Self> {
        let plain = Self { asks: false, all: None, next: None, redirect: false };
        let qualifier = term.chars().next().filter(|c| "+-~?".contains(*c));
        let name_end = term.find([':', '=', '/']).unwrap_or(term.len());
        let (name, rest) = term.split_at(name_end);
        let name = name.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
        let domain = rest.get(1..).unwrap_or_default().to_owned();
        if rest.starts_with('=') {
            return match name.as_str() {
                "redirect" if !domain.is_empty() => {
                    Some(Self { asks: true, next: Some(domain), redirect: true, ..plain })
                }
                "redirect" => None,
                // Modifiers that nobody knows are passed over.
                _ => Some(plain),
            };
        }
        match name.as_str() {
            "all" if rest.is_empty() => Some(Self { all: Some(qualifier.unwrap_or('+')), ..plain }),
            "include" if !domain.is_empty() => Some(Self { asks: true, next: Some(domain), ..plain }),
            "a" | "mx" | "ptr" => Some(Self { asks: true, ..plain }),
            "exists" if !domain.is_empty() => Some(Self { asks: true, ..plain }),
            "ip4" => network(&domain, 32, |a| a.parse::<std::net::Ipv4Addr>().is_ok()).then_some(plain),
            "ip6" => network(&domain, 128, |a| a.parse::<std::net::Ipv6Addr>().is_ok()).then_some(plain),
            _ => None,
        }
    }
}

fn network(text: &str, bits: u8, is_address: impl Fn(&str) -> bool) -> bool {
    let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
    is_address(address) && length.is_none_or(|l| l.parse::<u8>().is_ok_and(|l| l <= bits))
}
