//! What the sender's domain publishes about itself, compared with what its mail needs: MX, SPF, DKIM, DMARC.
//!
//! Receivers decide by these four whether a mail is what it says. Each check ends in findings in plain words; only a name
//! server that cannot be asked is an error.
mod spf;

use std::net::SocketAddr;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};

use crate::dkim::{PublicKey, zone_line};

/// A name server did not answer, so that nothing can be said.
#[derive(Debug, thiserror::Error)]
#[error("DNS cannot be asked about {name}: {reason}")]
pub struct LookupError {
    name: String,
    reason: String,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Right,
    /// Works, and could be better.
    Advice,
    /// Missing or wrong: mail will be refused or end among the unwanted.
    Wrong,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `MX`, `SPF`, `DKIM`, `DMARC`, `links`.
    pub topic: &'static str,
    /// How much it matters.
    pub level: Level,
    /// One sentence or a few.
    pub words: String,
}

/// A sender as its mails show it.
#[derive(Debug, Clone, Default)]
pub struct Sender {
    /// The domain of its From address.
    pub domain: String,
    /// The domain of the return path, when it is another.
    pub return_path: Option<String>,
    /// The domain that signs.
    pub signer: Option<String>,
    /// The keys that sign, by selector.
    pub keys: Vec<(String, PublicKey)>,
    /// Hosts that its mails link to, each with what it is.
    pub links: Vec<(&'static str, String)>,
}

/// Asks name servers.
pub struct Resolver(TokioResolver);

impl Resolver {
    /// The name servers that this machine uses.
    ///
    /// # Errors
    /// [`LookupError`] when it has none.
    pub fn system() -> Result<Self, LookupError> {
        let failed = |e: NetError| LookupError { name: "this machine's name servers".into(), reason: e.to_string() };
        TokioResolver::builder_tokio().and_then(|b| b.build()).map(Self).map_err(failed)
    }

    /// One name server.
    ///
    /// # Errors
    /// [`LookupError`] when there can be no resolver.
    pub fn at(server: SocketAddr) -> Result<Self, LookupError> {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut c| {
            c.port = server.port();
            c
        });
        let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
        let failed = |e: NetError| LookupError { name: "the name server".into(), reason: e.to_string() };
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        builder.options_mut().attempts = 2;
        builder.build().map(Self).map_err(failed)
    }

    async fn look_up(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, LookupError> {
        let full = format!("{}.", name.trim_end_matches('.'));
        match self.0.lookup(full.as_str(), kind).await {
            Ok(found) => {
                Ok(found.answers().iter().filter(|r| r.record_type() == kind).map(|r| r.data.clone()).collect())
            }
            Err(error) if error.is_no_records_found() || error.is_nx_domain() => Ok(Vec::new()),
            Err(error) => Err(LookupError { name: name.to_owned(), reason: error.to_string() }),
        }
    }

    /// TXT records, each with its strings joined.
    pub(crate) async fn txt(&self, name: &str) -> Result<Vec<String>, LookupError> {
        let records = self.look_up(name, RecordType::TXT).await?;
        Ok(records
            .iter()
            .filter_map(|r| match r {
                RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
                _ => None,
            })
            .collect())
    }

    /// Hosts that take mail, without the final dot; the root alone says that the domain takes none.
    async fn mx(&self, name: &str) -> Result<Vec<String>, LookupError> {
        let records = self.look_up(name, RecordType::MX).await?;
        Ok(records
            .iter()
            .filter_map(|r| match r {
                RData::MX(mx) => Some(mx.exchange.to_utf8().trim_end_matches('.').to_owned()),
                _ => None,
            })
            .collect())
    }
}

/// Checks everything that receivers look up about a sender.
///
/// # Errors
/// [`LookupError`] when a name server does not answer.
pub async fn check(resolver: &Resolver, sender: &Sender) -> Result<Vec<Finding>, LookupError> {
    let mut findings = Vec::new();
    findings.push(judge_mx(&sender.domain, "replies", &resolver.mx(&sender.domain).await?));
    let envelope = sender.return_path.as_ref().unwrap_or(&sender.domain);
    if *envelope != sender.domain {
        findings.push(judge_mx(envelope, "bounces", &resolver.mx(envelope).await?));
        if !aligned(envelope, &sender.domain) {
            let words = format!(
                "Bounces go to {envelope}, which does not belong to {}: SPF then says nothing about the sender; DKIM must.",
                sender.domain
            );
            findings.push(Finding { topic: "SPF", level: Level::Advice, words });
        }
    }
    findings.extend(spf::check(resolver, envelope).await?);
    findings.extend(check_dkim(resolver, sender).await?);
    findings.push(check_dmarc(resolver, &sender.domain).await?);
    for (what, host) in &sender.links {
        findings.push(judge_link(&sender.domain, what, host));
    }
    Ok(findings)
}

fn judge_mx(domain: &str, what: &str, hosts: &[String]) -> Finding {
    let (level, words) = match hosts {
        [] => (
            Level::Wrong,
            format!("{domain} has no MX record: {what} cannot arrive, and many receivers refuse such a sender."),
        ),
        [root] if root.is_empty() => {
            (Level::Wrong, format!("{domain} says that it takes no mail (null MX): {what} cannot arrive."))
        }
        hosts => (Level::Right, format!("{what} to {domain} go to {}.", hosts.join(", "))),
    };
    Finding { topic: "MX", level, words }
}

async fn check_dkim(resolver: &Resolver, sender: &Sender) -> Result<Vec<Finding>, LookupError> {
    let Some(signer) = sender.signer.as_ref().filter(|_| !sender.keys.is_empty()) else {
        let words = "Pejling signs nothing ([mail.dkim] is empty): that is right only if the relay signs. `pejling mail dkim-key` makes a key.";
        return Ok(vec![Finding { topic: "DKIM", level: Level::Advice, words: words.into() }]);
    };
    let mut findings = Vec::new();
    if !aligned(signer, &sender.domain) {
        let words =
            format!("{signer} signs, but the sender is at {}: DMARC does not count such a signature.", sender.domain);
        findings.push(Finding { topic: "DKIM", level: Level::Wrong, words });
    }
    for (selector, key) in &sender.keys {
        let name = format!("{selector}._domainkey.{signer}");
        findings.push(judge_dkim(&name, key, &resolver.txt(&name).await?));
    }
    Ok(findings)
}

/// The tags of a DKIM or DMARC record.
fn tags(record: &str) -> Vec<(String, String)> {
    let pair = |tag: &str| {
        let (name, value) = tag.split_once('=')?;
        Some((name.trim().to_ascii_lowercase(), value.split_whitespace().collect::<String>()))
    };
    record.split(';').filter_map(pair).collect()
}

fn tag<'a>(tags: &'a [(String, String)], name: &str) -> Option<&'a str> {
    tags.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

fn judge_dkim(name: &str, key: &PublicKey, records: &[String]) -> Finding {
    let wrong = |words: String| (Level::Wrong, words);
    let kind = key.algorithm.key_name();
    let publish = || format!("Publish: {}", zone_line(name, &key.record()));
    let (level, words) = match records {
        [] => wrong(format!("There is no record at {name}: every {kind} signature fails. {}", publish())),
        [record] => {
            let tags = tags(record);
            let listed = |value: &str, wanted: &str| value.split(':').any(|v| v == wanted || v == "*");
            match tag(&tags, "p") {
                None => wrong(format!("{name} holds no key (p= is missing). {}", publish())),
                Some("") => wrong(format!("{name} says that this key is withdrawn (p= is empty).")),
                Some(_) if tag(&tags, "k").unwrap_or("rsa") != kind => {
                    wrong(format!("{name} is not for {kind} keys (k=). {}", publish()))
                }
                Some(published) if published != key.base64 => wrong(format!(
                    "{name} holds another key than the one that signs here: every signature fails. {}",
                    publish()
                )),
                _ if tag(&tags, "h").is_some_and(|h| !listed(h, "sha256")) => {
                    wrong(format!("{name} does not allow SHA-256 (h=)."))
                }
                _ if tag(&tags, "s").is_some_and(|s| !listed(s, "email")) => {
                    wrong(format!("{name} is not meant for mail (s=)."))
                }
                _ if tag(&tags, "t").is_some_and(|t| t.split(':').any(|t| t == "y")) => (
                    Level::Advice,
                    format!("{name} holds our {kind} key, marked as a test (t=y): receivers may ignore it."),
                ),
                _ => (Level::Right, format!("{name} holds the {kind} key that signs here.")),
            }
        }
        several => wrong(format!("There are {} records at {name}: receivers cannot tell which holds.", several.len())),
    };
    Finding { topic: "DKIM", level, words }
}

/// The record of the domain or of the nearest domain above it that has one.
async fn check_dmarc(resolver: &Resolver, domain: &str) -> Result<Finding, LookupError> {
    let mut at = domain;
    loop {
        let records = resolver.txt(&format!("_dmarc.{at}")).await?;
        let records: Vec<_> =
            records.into_iter().filter(|r| r.trim_start().to_ascii_uppercase().starts_with("V=DMARC1")).collect();
        if !records.is_empty() {
            return Ok(judge_dmarc(domain, at, &records));
        }
        match at.split_once('.') {
            Some((_, above)) if above.contains('.') => at = above,
            _ => return Ok(judge_dmarc(domain, domain, &[])),
        }
    }
}

fn judge_dmarc(domain: &str, at: &str, records: &[String]) -> Finding {
    let place = format!("_dmarc.{at}");
    let (level, words) = match records {
        [] => (
            Level::Wrong,
            format!(
                "{domain} has no DMARC record: the large receivers demand one. Publish: _dmarc.{domain}. IN TXT \"v=DMARC1; p=none; rua=mailto:dmarc@{domain}\""
            ),
        ),
        [record] => {
            let tags = tags(record);
            let policy = tag(&tags, "p").unwrap_or_default().to_ascii_lowercase();
            let policy = match tag(&tags, "sp") {
                Some(sub) if at != domain => sub.to_ascii_lowercase(),
                _ => policy,
            };
            let reports = if tag(&tags, "rua").is_some() {
                ""
            } else {
                " It asks for no reports (rua=), so nobody sees what is refused."
            };
            match policy.as_str() {
                "quarantine" | "reject" if tag(&tags, "pct").is_none_or(|p| p == "100") => (
                    if reports.is_empty() { Level::Right } else { Level::Advice },
                    format!("{place} says p={policy}.{reports}"),
                ),
                "quarantine" | "reject" => {
                    (Level::Advice, format!("{place} says p={policy} for a part of the mail only (pct=).{reports}"))
                }
                "none" => (
                    Level::Advice,
                    format!(
                        "{place} says p=none: enough to be let in; others can still write in your name. Go on to p=quarantine when the reports look right.{reports}"
                    ),
                ),
                _ => (Level::Wrong, format!("{place} names no policy that exists (p=none, quarantine or reject).")),
            }
        }
        several => (Level::Wrong, format!("There are {} records at {place}: receivers then take none.", several.len())),
    };
    Finding { topic: "DMARC", level, words }
}

fn judge_link(domain: &str, what: &str, host: &str) -> Finding {
    if aligned(domain, host) {
        let words = format!("The {what} ({host}) belongs to the same domain as the sender.");
        return Finding { topic: "links", level: Level::Right, words };
    }
    let words = format!(
        "The {what} ({host}) does not belong to the sender's domain ({domain}): people and filters take that for fraud. Give it a name below the municipality's own domain."
    );
    Finding { topic: "links", level: Level::Advice, words }
}

/// Do two domains belong to the same owner? Judged by their last two labels, which is right below .dk, .se and their like.
#[must_use]
pub fn aligned(one: &str, other: &str) -> bool {
    let owner = |domain: &str| {
        let domain = domain.trim_end_matches('.').to_ascii_lowercase();
        domain.rsplit('.').take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    owner(one) == owner(other)
}

#[cfg(test)]
mod tests;
