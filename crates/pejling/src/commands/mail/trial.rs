//! `pejling mail dry-run` and `pejling mail test-message`: what would be sent, to be looked at.
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use domain::fieldwork::{MessageKind, RoundState};
use domain::frame::FrameUnit;
use domain::ids::{InvitationId, MailId, RoundId};
use domain::industry::Classification;
use domain::language::{Country, Language};
use domain::municipality::Municipality;
use domain::questionnaire::facts_of;
use mailout::smtp::{Client, Delivery};
use mailout::{Composer, Rendered, Transport};
use store::outbox::ClaimedMail;
use store::rounds::Round;
use text::Messages;

use crate::cli::mail::{DryRun, TestMessage};
use crate::commands::mail::rounds;
use crate::config::Config;
use crate::outgoing::Outgoing;
use crate::wiring::{Parts, mail_domain};

/// Expected minutes where no questionnaire says them.
const MINUTES: (u32, u32) = (4, 6);

/// Writes what waits as files. Nothing is claimed, nothing recorded.
///
/// # Errors
/// When a message cannot be written.
pub async fn dry_run(arguments: &DryRun, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let (municipality, rounds) = rounds(&parts, &arguments.of).await?;
    let composer = composer(&parts, config)?.0;
    std::fs::create_dir_all(&arguments.out).with_context(|| format!("{} cannot be made", arguments.out.display()))?;
    for round in &rounds {
        let form = match &round.questionnaire {
            Some(form) => Some(parts.store.questionnaire(&municipality.id, form).await?),
            None => None,
        };
        let (mut written, mut after) = (0_u64, None);
        loop {
            let (mails, last) = parts.store.waiting_mails(&municipality.id, &round.id, after.as_ref()).await?;
            for mail in &mails {
                let minutes = form.as_ref().map_or(MINUTES, |form| form.expected_minutes(&mail.facts));
                let rendered = composer.compose(mail, minutes, parts.clock.now())?;
                write(&arguments.out, mail.id.as_str(), &rendered)?;
                written += 1;
            }
            match last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        println!("{}: {written} messages written into {}; nothing was sent.", round.title, arguments.out.display());
    }
    if rounds.is_empty() {
        println!("No round is open.");
    }
    Ok(())
}

/// Sends each kind of message to one address, by the way that the configuration names.
///
/// # Errors
/// When a message cannot be written, or the relay refuses.
pub async fn test_message(arguments: &TestMessage, config: &Config) -> Result<()> {
    let to =
        intake::email::parse(&arguments.to).with_context(|| format!("{:?} is not a mail address", arguments.to))?;
    let parts = Parts::open(config).await?;
    let municipality = parts.municipality(arguments.municipality.as_deref()).await?;
    let language = arguments.language.as_deref().and_then(Language::parse).unwrap_or(municipality.settings.language);
    let (composer, outgoing) = composer(&parts, config)?;
    let mut rendered = Vec::new();
    for kind in MessageKind::ALL {
        let mail = sample(&parts, &municipality, config, *kind, &to, language).await?;
        rendered.push((kind, composer.compose(&mail, MINUTES, parts.clock.now())?));
    }
    match &outgoing.transport {
        Transport::Smtp(relays) => {
            let relay = relays.first().context("no relay is configured")?;
            let mut connection = Client::new(relay.clone())?.connect().await?;
            for (kind, mail) in &rendered {
                match connection.send(&mail.envelope, &mail.bytes).await {
                    Delivery::Sent(_) => println!("{}: sent", kind.as_str()),
                    Delivery::Refused(_, reply) => bail!("{}: the relay says {}", kind.as_str(), reply.words()),
                    Delivery::Lost(_) | Delivery::Unanswered(_) => {
                        bail!("{}: the connection to the relay was lost", kind.as_str())
                    }
                }
            }
            connection.quit().await;
        }
        Transport::File(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
            for (kind, mail) in &rendered {
                write(folder, &format!("test-{}", kind.as_str()), mail)?;
                println!("{}: {}", kind.as_str(), folder.join(format!("test-{}.eml", kind.as_str())).display());
            }
        }
        Transport::Table => bail!("the demo's mail catcher takes no test messages"),
    }
    println!("Their links lead nowhere: the business is invented.");
    Ok(())
}

fn composer(parts: &Parts, config: &Config) -> Result<(Composer, Outgoing)> {
    let outgoing = Outgoing::of(&config.mail, &config.data_dir)?;
    let mut composer = Composer::new(Arc::new(Messages::load()?), parts.keys.clone(), &config.public_url(), None)?;
    if let Some(signer) = outgoing.signer.clone() {
        composer = composer.with_dkim(signer);
    }
    Ok((composer, outgoing))
}

fn write(folder: &Path, name: &str, mail: &Rendered) -> Result<()> {
    let path = folder.join(format!("{name}.eml"));
    std::fs::write(&path, &mail.bytes).with_context(|| format!("{} cannot be written", path.display()))
}

/// A message to an invented business, in the municipality's latest round or one that might be.
async fn sample(
    parts: &Parts,
    municipality: &Municipality,
    config: &Config,
    kind: MessageKind,
    to: &str,
    language: Language,
) -> Result<ClaimedMail> {
    let now = parts.clock.now();
    let today = now.date_in(&text::format::zone(&municipality.settings.time_zone));
    let year = i32::from(today.year());
    let round = parts.store.rounds(&municipality.id).await?.into_iter().find(|round| round.closes_on.is_some());
    let round = round.unwrap_or_else(|| Round {
        id: RoundId::new(now),
        municipality: municipality.id.clone(),
        kind: domain::fieldwork::RoundKind::Yearly,
        year,
        title: format!("{year}"),
        state: RoundState::Draft,
        opens_on: None,
        closes_on: Some(today.saturating_add(jiff::Span::new().days(21)).to_string()),
        questionnaire: None,
        frame: None,
        threshold: municipality.settings.threshold,
        paused_at: None,
        pause_key: None,
        pause_reason: None,
        mail_until: None,
        opened_at: None,
        closed_at: None,
    });
    let unit = FrameUnit {
        unit_key: "test:1".into(),
        country: municipality.country,
        company_number: None,
        name: if municipality.country == Country::Se { "Provföretaget AB" } else { "Prøvevirksomheden ApS" }.into(),
        street: String::new(),
        postcode: String::new(),
        city: String::new(),
        industry_code: "49.41.00".into(),
        classification: Classification::Db25,
        employees_low: 12,
        employees_high: Some(12),
        company_employees_low: None,
        company_employees_high: None,
        sector: String::new(),
        size: "10-49".into(),
        area: None,
        started_on: None,
        email: Some(to.to_owned()),
        phone: None,
        protected: false,
    };
    let id = MailId::new(now);
    Ok(ClaimedMail {
        message_id: format!("{id}@{}", mail_domain(&config.public_url())),
        kind,
        attempts: 0,
        case: None,
        queued_at: now,
        recipient: to.to_owned(),
        language,
        // An invitation that exists nowhere: what its link says is that there is none.
        invitation: InvitationId::new(now),
        generation: 0,
        businesses: vec![unit.name.clone()],
        facts: facts_of(&unit, round.year, &municipality.settings.flood_areas),
        unit,
        round: Arc::new(round),
        municipality: Arc::new(municipality.clone()),
        own: None,
        id,
    })
}
