//! `pejling round`
use anyhow::{Context, Result, ensure};
use domain::fieldwork::RoundState;
use domain::municipality::Municipality;
use domain::questionnaire::shipped;
use store::rounds::{Round as StoredRound, RoundPlan};
use text::Messages;

use crate::cli::{Round, RoundOf};
use crate::config::Config;
use crate::sending::pause_in_words;
use crate::wiring::{Parts, mail_domain};

/// Creates, opens, reminds and closes.
///
/// # Errors
/// A round that is not there or not in the right state.
pub async fn run(command: Round, config: &Config) -> Result<()> {
    let parts = Parts::open(config).await?;
    let now = parts.clock.now();
    match command {
        Round::Create { municipality, year, closes } => {
            let municipality = parts.municipality(municipality.as_deref()).await?;
            let round = create(&parts, &municipality, year, &closes).await?;
            println!("{} is being prepared. Next: pejling import frame, then pejling round open.", round.title);
        }
        Round::Open(of) => {
            let (municipality, round) = find(&parts, &of).await?;
            let frames = parts.store.frames(&municipality.id).await?;
            let by_mail = frames.iter().any(|f| f.year == round.year && f.contactable > 0);
            ensure!(
                !by_mail || !municipality.settings.sender_email.is_empty(),
                "{} has no sender address, so no mail could be written: set sender_email with `pejling municipality set`",
                municipality.name
            );
            let opening = parts
                .store
                .freeze_and_open(&municipality.id, &round.id, &parts.keys, &mail_domain(&config.public_url()), now)
                .await?;
            let monitor = parts.store.monitor(&municipality.id, &round.id).await?;
            println!(
                "{} is open: {} businesses in the frame, {} invited.",
                round.title, opening.total, monitor.total.invited
            );
        }
        Round::Remind { round: of, wave } => {
            let (municipality, round) = find(&parts, &of).await?;
            let queued = parts
                .store
                .queue_reminder(&municipality.id, &round.id, wave, &mail_domain(&config.public_url()), now)
                .await?;
            println!(
                "{queued} reminders are queued; each goes only to those who still have not answered when it is sent."
            );
        }
        Round::Close(of) => {
            let (municipality, round) = find(&parts, &of).await?;
            parts.store.close_round(&municipality.id, &round.id, now).await?;
            println!("{} is closed.", round.title);
        }
        Round::Status(of) => {
            let (municipality, round) = find(&parts, &of).await?;
            let total = parts.store.monitor(&municipality.id, &round.id).await?.total;
            println!("{}: {}", round.title, round.state.as_str());
            if round.paused_at.is_some() {
                let words = round.pause_reason.as_deref().unwrap_or_default();
                let reason = pause_in_words(&Messages::load()?, round.pause_key.as_deref(), words);
                println!("  mail is paused: {reason}");
            }
            for (label, count) in [
                ("in the frame", total.frame),
                ("invited", total.invited),
                ("accepted by the relay", total.sent),
                ("failed", total.failed),
                ("opted out", total.opted_out),
                ("started", total.started),
                ("partial", total.partial),
                ("complete", total.complete),
            ] {
                println!("  {label:<22}{count:>7}");
            }
        }
    }
    Ok(())
}

/// Makes the round of a year with the shipped questionnaire.
///
/// # Errors
/// When the year has one, or the date is none.
pub async fn create(parts: &Parts, municipality: &Municipality, year: i32, closes: &str) -> Result<StoredRound> {
    closes.parse::<jiff::civil::Date>().with_context(|| format!("{closes:?} is not a date (yyyy-mm-dd)"))?;
    let now = parts.clock.now();
    let questionnaire = parts.store.save_questionnaire(&municipality.id, &shipped(), now).await?;
    let plan = RoundPlan {
        title: format!("{year}-målingen"),
        opens_on: None,
        closes_on: Some(closes.to_owned()),
        questionnaire: Some(questionnaire),
        threshold: municipality.settings.threshold,
    };
    Ok(parts.store.create_round(&municipality.id, year, &plan, now).await?)
}

/// The municipality and its round of a year.
///
/// # Errors
/// When either is not there.
pub async fn find(parts: &Parts, of: &RoundOf) -> Result<(Municipality, StoredRound)> {
    let municipality = parts.municipality(of.municipality.as_deref()).await?;
    let round = parts.store.round_of_year(&municipality.id, of.year).await?;
    let round = round.with_context(|| format!("{} has no round in {}", municipality.name, of.year))?;
    Ok((municipality, round))
}

/// The closed rounds' years, ascending.
///
/// # Errors
/// When the database refuses.
pub async fn closed_years(parts: &Parts, municipality: &Municipality) -> Result<Vec<i32>> {
    let rounds = parts.store.rounds(&municipality.id).await?;
    let mut years: Vec<i32> = rounds.iter().filter(|r| r.state == RoundState::Closed).map(|r| r.year).collect();
    years.sort_unstable();
    Ok(years)
}
