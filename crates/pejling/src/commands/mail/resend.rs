//! `pejling mail resend-uncertain`: a person decides, message by message.
use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Write};

use anyhow::Result;
use domain::fieldwork::MailState;
use domain::language::Language;
use domain::sending::own_words;
use text::Messages;

use crate::cli::mail::OfRound;
use crate::commands::mail::rounds;
use crate::config::Config;
use crate::wiring::Parts;

/// Messages looked at with one call.
const MOST: u32 = 10_000;

/// Shows each message in doubt and asks.
///
/// # Errors
/// When there is no such round, or the terminal cannot be read.
pub async fn run(of: &OfRound, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let (municipality, rounds) = rounds(&parts, of).await?;
    let messages = Messages::load()?;
    let mut input = std::io::stdin().lock();
    let (mut shown, mut again) = (0, 0);
    for round in &rounds {
        let uncertain: BTreeSet<String> =
            parts.store.uncertain_mails(&municipality.id, &round.id).await?.into_iter().map(|mail| mail.0).collect();
        let troubles = parts.store.mail_troubles(&municipality.id, &round.id, MOST).await?;
        for trouble in troubles.iter().filter(|t| t.state == MailState::Uncertain && uncertain.contains(&t.id.0)) {
            shown += 1;
            println!("{} · {} · {}", round.title, trouble.kind.as_str(), trouble.business_name);
            println!("  {}", said(&messages, &trouble.words));
            print!("  It may have arrived. Send it again? [y/N/q] ");
            std::io::stdout().flush()?;
            let mut answer = String::new();
            let ended = input.read_line(&mut answer)? == 0;
            // What is typed ends its line; what comes from a file, or does not come, leaves it open.
            if ended || !std::io::stdin().is_terminal() {
                println!();
            }
            match answer.trim().to_lowercase().as_str() {
                "y" | "yes" | "j" | "ja" => {
                    let now = parts.clock.now();
                    if parts.store.resend_mail(&municipality.id, &trouble.id, now).await? {
                        parts.store.audit(&municipality.id, None, "mail.resent", trouble.id.as_str(), "", now).await?;
                        again += 1;
                    }
                }
                "q" => return done(shown, again),
                _ if ended => return done(shown, again),
                _ => {}
            }
        }
    }
    done(shown, again)
}

fn done(shown: u32, again: u32) -> Result<()> {
    match shown {
        0 => println!("No message is uncertain."),
        1 => println!("1 uncertain message shown, {again} queued again."),
        n => println!("{n} uncertain messages shown, {again} queued again."),
    }
    Ok(())
}

/// Words about a message as people read them: our own in a sentence, a server's as they are.
fn said(messages: &Messages, words: &str) -> String {
    match own_words(words) {
        Some((key, rest)) => messages.t(Language::En, &format!("sending.words_{key}"), &[("rest", rest.into())]),
        None => words.to_owned(),
    }
}
