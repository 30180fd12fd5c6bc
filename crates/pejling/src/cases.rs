//! Closed cases: a file in, each row with its outcome; and what is due about cases every day.
use std::collections::BTreeMap;
use std::io::{Read, Seek, Write};

use anyhow::{Context, Result};
use domain::cases::{ClosedCase, Outcome, form};
use domain::fieldwork::{Mode, ResponseStatus};
use domain::frame::FrameUnit;
use domain::language::Language;
use domain::municipality::Municipality;
use domain::time::Millis;
use intake::report::Sheet;
use store::cases::{CaseDelivery, Taken};
use store::outbox::Settle;
use store::respondent::PageSave;
use text::{Messages, format};
use tracing::info;

use crate::wiring::{Parts, mail_domain};

/// Of the demo: its chance, and who sends its mail.
const SEED: u64 = 20;
const SENDER: &str = "demo";

/// What became of a file.
#[derive(Debug, Default)]
pub struct Tally {
    /// Cases that are new.
    pub new: u64,
    /// Cases that had arrived before.
    pub known: u64,
    /// New ones by outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Faulty fields, each with its line.
    pub problems: Vec<String>,
}

/// Takes a file's cases in, or tries it, and writes what became of each row.
///
/// # Errors
/// When the file is no table, or there is no register extract to find the businesses in.
pub async fn import<R: Read + Seek, W: Write>(
    parts: &Parts,
    municipality: &Municipality,
    (name, source): (&str, R),
    mail_domain: &str,
    dry_run: bool,
    report: W,
) -> Result<Tally> {
    let now = parts.clock.now();
    let today = now.date_in(&format::zone(&municipality.settings.time_zone));
    let read = intake::cases::read(name, source, municipality.country, &parts.keys, today)?;
    let cases: Vec<ClosedCase> = read.rows.iter().map(|row| row.case.clone()).collect();
    let messages = Messages::load()?;
    let language = municipality.settings.language;
    let form = form();
    let delivery = CaseDelivery {
        cases: &cases,
        form: &form,
        title: &messages.t(language, "cases.round_title", &[("date", format::date(language, today).into())]),
        today,
        keys: &parts.keys,
        mail_domain,
        threshold: municipality.settings.threshold,
    };
    let taken = if dry_run {
        parts.store.try_cases(&municipality.id, &delivery, now).await
    } else {
        parts.store.take_cases(&municipality.id, &delivery, now).await
    };
    let taken = taken.context("the cases cannot be taken in")?;
    let mut tally = Tally::default();
    let heading = |key: &str| messages.t(language, key, &[]);
    let mut sheet = Sheet::new(
        report,
        [&heading("cases.line"), &heading("cases.case_id"), &heading("cases.why")].map(String::as_str),
    )?;
    let mut lines: Vec<(u64, String, String)> = Vec::new();
    for (row, taken) in read.rows.iter().zip(&taken) {
        let key = match taken {
            Taken::New(outcome) => {
                tally.new += 1;
                *tally.outcomes.entry(*outcome).or_default() += 1;
                format!("cases.outcome_{}", outcome.as_str())
            }
            Taken::Known => {
                tally.known += 1;
                "cases.known_before".to_owned()
            }
            Taken::Differs => {
                tally.known += 1;
                "cases.differs".to_owned()
            }
        };
        lines.push((row.line, row.case.case_id.clone(), heading(&key)));
    }
    for problem in &read.problems {
        let said = |language| {
            let text = problem.fault.text(municipality.country, language);
            (problem.field.title(language), text)
        };
        let (field, text) = said(Language::En);
        tally.problems.push(format!("line {}, {field}: {text}", problem.line));
        let (field, text) = said(language);
        lines.push((problem.line, String::new(), format!("{field}: {text}")));
    }
    lines.sort_by_key(|(line, ..)| *line);
    for (line, case_id, why) in &lines {
        sheet.row([&line.to_string(), case_id, why])?;
    }
    sheet.finish()?.flush()?;
    if !dry_run {
        let said = format!("{name}: {} new, {} known", tally.new, tally.known);
        parts.store.audit(&municipality.id, None, "cases.imported", "", &said, now).await?;
    }
    Ok(tally)
}

/// The invented town's cases: taken in month by month, sent, some answered, and settled.
///
/// # Errors
/// When the database refuses.
pub async fn load_demo(
    parts: &Parts,
    municipality: &Municipality,
    units: &[FrameUnit],
    opened_at: Millis,
    public_url: &str,
) -> Result<()> {
    let (store, id) = (&parts.store, &municipality.id);
    let (form, mail_domain) = (form(), mail_domain(public_url));
    let messages = Messages::load()?;
    let zone = format::zone(&municipality.settings.time_zone);
    for mut delivery in demo::cases::deliveries(SEED, units, opened_at) {
        let today = delivery.at.date_in(&zone);
        let date = format::date(municipality.settings.language, today);
        let given = CaseDelivery {
            cases: &delivery.cases,
            form: &form,
            title: &messages.t(municipality.settings.language, "cases.round_title", &[("date", date.into())]),
            today,
            keys: &parts.keys,
            mail_domain: &mail_domain,
            threshold: municipality.settings.threshold,
        };
        store.take_cases(id, &given, delivery.at).await?;
        let until = delivery.at.plus_seconds(600);
        loop {
            let mails = store.claim_mail(SENDER, 100, until, delivery.at).await?;
            let marks = mails.iter().map(|m| Settle::Mark { mail: m.id.clone(), worker: SENDER.to_owned() });
            store.settle_mail(&marks.collect::<Vec<_>>(), until, delivery.at).await?;
            let sent = mails.iter().map(|m| Settle::Sent { mail: m.id.clone(), words: "250".to_owned() });
            store.settle_mail(&sent.collect::<Vec<_>>(), until, delivery.at).await?;
            if mails.is_empty() {
                break;
            }
            for mail in mails {
                let said = mail.case.and_then(|case| delivery.answers.get_mut(&case)?.pop()).flatten();
                let Some(answers) = said else { continue };
                let changes = answers.0.into_iter().map(|(key, value)| (key, Some(value))).collect();
                let at = delivery.at.plus_days(2);
                let page = PageSave {
                    invitation: &mail.invitation,
                    changes: &changes,
                    expected_revision: 0,
                    status: ResponseStatus::Complete,
                    mode: Mode::Web,
                    language: mail.language,
                    screen: None,
                };
                store.save_page(page, at).await?;
                store.submit(&mail.invitation, "", Mode::Web, mail.language, at).await?;
            }
        }
        for running in store.running_cases(id).await? {
            store.close_round(id, &running.round, delivery.at.plus_days(22)).await?;
        }
    }
    web::cases::settle(store, municipality, parts.clock.now()).await?;
    Ok(())
}

/// What is due about cases: days that are over are closed, those still missing reminded once, quarters settled.
///
/// # Errors
/// When the database is away.
pub async fn by_the_calendar(parts: &Parts, municipality: &Municipality, public_url: &str) -> Result<()> {
    let (id, now) = (&municipality.id, parts.clock.now());
    let today = now.date_in(&format::zone(&municipality.settings.time_zone));
    for running in parts.store.running_cases(id).await? {
        if running.closes_on < today.to_string() {
            parts.store.close_round(id, &running.round, now).await?;
            info!(round.id = %running.round, "Closed round {} of cases: its last day has passed", running.round);
        }
    }
    parts.store.remind_cases(id, today, &mail_domain(public_url), now).await?;
    for quarter in web::cases::settle(&parts.store, municipality, now).await? {
        parts.store.audit(id, None, "cases.settled", "", &quarter.to_string(), now).await?;
        info!(municipality.id = %id, "Settled the figures about cases of {quarter}");
    }
    Ok(())
}
