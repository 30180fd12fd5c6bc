//! `pejling mail check`: what receivers find when they look up the senders of this installation.
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use mailout::sender::{Finding, Level, LookupError, Resolver, Sender, check};

use crate::Ended;
use crate::cli::mail::MailCheck;
use crate::config::Config;
use crate::outgoing::signer;
use crate::wiring::{Parts, mail_domain};

/// Something is missing or wrong.
pub const WRONG: u8 = 1;
/// No name server answered, so that nothing can be said.
pub const UNREACHABLE: u8 = 3;

/// Checks each sender's domain and prints what is right, what could be better and what is wrong.
///
/// # Errors
/// [`Ended`] with 1 when something is wrong and 3 when DNS cannot be asked; others as usual.
pub async fn run(arguments: &MailCheck, config: &Config) -> Result<()> {
    let senders = senders(arguments, config).await?;
    let resolver = match &arguments.resolver {
        Some(server) => Resolver::at(*server),
        None => Resolver::system(),
    };
    let resolver = resolver.map_err(unreachable)?;
    let mut wrong = 0;
    for (sender, whose) in &senders {
        println!("{} ({whose})", sender.domain);
        let findings = check(&resolver, sender).await.map_err(unreachable)?;
        wrong += findings.iter().filter(|f| f.level == Level::Wrong).count();
        findings.iter().for_each(|finding| println!("{}", line(finding)));
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Ended::with(WRONG, "one thing is missing or wrong").into()),
        n => Err(Ended::with(WRONG, &format!("{n} things are missing or wrong")).into()),
    }
}

fn line(finding: &Finding) -> String {
    let level = match finding.level {
        Level::Right => "right",
        Level::Advice => "advice",
        Level::Wrong => "WRONG",
    };
    format!("  {level:<6}  {:<5}  {}", finding.topic, finding.words)
}

fn unreachable(error: LookupError) -> anyhow::Error {
    Ended::with(UNREACHABLE, &format!("{error}. Nothing was checked; name another server with --resolver")).into()
}

/// Every sender once, with whose it is.
async fn senders(arguments: &MailCheck, config: &Config) -> Result<Vec<(Sender, String)>> {
    let signer = signer(&config.mail.dkim)?;
    let common = Sender {
        domain: String::new(),
        return_path: config.mail.return_path.rsplit_once('@').map(|(_, domain)| domain.trim().to_lowercase()),
        signer: signer.as_ref().map(|s| s.domain().to_owned()),
        keys: signer.iter().flat_map(|s| s.published()).map(|(name, key)| (name.to_owned(), key)).collect(),
        links: vec![("survey's address", mail_domain(&config.public_url()))],
    };
    if let Some(domain) = &arguments.domain {
        return Ok(vec![(Sender { domain: domain.clone(), ..common }, "named here".to_owned())]);
    }
    let parts = Parts::open(config).await?;
    let mut by_domain: BTreeMap<String, (Sender, Vec<String>)> = BTreeMap::new();
    for municipality in parts.store.municipalities().await? {
        let settings = &municipality.settings;
        let address = [&settings.sender_email, &settings.contact_email].into_iter().find(|a| !a.trim().is_empty());
        let domain = address.and_then(|a| a.rsplit_once('@')).map(|(_, domain)| domain.trim().to_lowercase());
        let domain = domain.with_context(|| format!("{} has no sender_email", municipality.name))?;
        let entry =
            by_domain.entry(domain.clone()).or_insert_with(|| (Sender { domain, ..common.clone() }, Vec::new()));
        if !settings.confirmation_url.trim().is_empty() {
            entry.0.links.push(("page that confirms the survey", mail_domain(settings.confirmation_url.trim())));
        }
        entry.1.push(municipality.name);
    }
    if by_domain.is_empty() {
        anyhow::bail!("there is no municipality yet: name a domain with --domain");
    }
    Ok(by_domain.into_values().map(|(sender, names)| (sender, names.join(", "))).collect())
}
