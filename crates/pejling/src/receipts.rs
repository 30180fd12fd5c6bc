//! What became of letters and Digital Post: a sending system's list, read row by row.
use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result, bail};
use domain::fieldwork::Receipt;
use domain::municipality::Municipality;
use domain::time::Millis;
use intake::report::Sheet;
use jiff::tz::TimeZone;
use store::channels::Filed;
use text::Messages;

use crate::wiring::Parts;

/// What the rows came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows under the heading.
    pub rows: usize,
    /// Businesses by receipt.
    pub kept: BTreeMap<&'static str, u64>,
    /// Rows whose receipt was there.
    pub known: usize,
    /// Rows older than what was there.
    pub older: usize,
    /// Rows that could not be taken.
    pub faulty: usize,
}

/// Where the columns are.
#[derive(Debug, Default)]
struct Columns {
    reference: Option<usize>,
    company: Option<usize>,
    status: usize,
    time: usize,
}

/// Reads a list and reports on it row by row.
///
/// # Errors
/// When a needed column is missing, or the report cannot be written.
pub async fn import<W: Write>(parts: &Parts, municipality: &Municipality, file: &[u8], report: W) -> Result<Tally> {
    let messages = Messages::load()?;
    let language = municipality.settings.language;
    let say = |key: &str, n: Option<u64>| -> String {
        let args: Vec<(&str, text::messages::Arg)> = n.map(|n| ("n", n.into())).into_iter().collect();
        messages.t(language, &format!("letter.{key}"), &args)
    };
    let zone = text::format::zone(&municipality.settings.time_zone);
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    let heading = file.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = if heading.contains(&b';') { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(csv::Trim::All).from_reader(file);
    let columns = columns(reader.headers().context("the list has no heading")?)?;
    let headings = ["row", "reference", "status", "outcome"].map(|column| say(&format!("column_{column}"), None));
    let mut sheet = Sheet::new(report, headings.each_ref().map(String::as_str))?;
    let mut tally = Tally::default();
    for (number, row) in reader.records().enumerate() {
        let row = row.with_context(|| format!("row {} is not text", number + 2))?;
        let cell = |column: usize| row.get(column).unwrap_or_default();
        let reference = columns.reference.map(cell).unwrap_or_default();
        let company: String =
            columns.company.map(cell).unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
        let key = if reference.is_empty() { company.as_str() } else { reference };
        tally.rows += 1;
        let outcome = match (key, receipt(cell(columns.status)), time(cell(columns.time), &zone)) {
            ("", ..) => Err("receipt_no_key"),
            (_, None, _) => Err("receipt_no_status"),
            (.., None) => Err("receipt_no_time"),
            (key, Some(receipt), Some(at)) => {
                let words = cell(columns.status);
                match parts.store.file_receipt(&municipality.id, &key.to_lowercase(), receipt, words, at).await? {
                    Filed::Kept(n) => {
                        *tally.kept.entry(receipt.as_str()).or_default() += n;
                        Ok(say("receipt_kept", Some(n)))
                    }
                    Filed::Known => {
                        tally.known += 1;
                        Ok(say("receipt_known", None))
                    }
                    Filed::Older => {
                        tally.older += 1;
                        Ok(say("receipt_older", None))
                    }
                    Filed::Unknown => Err("receipt_unknown"),
                }
            }
        };
        let words = outcome.unwrap_or_else(|fault| {
            tally.faulty += 1;
            say(fault, None)
        });
        sheet.row([&(number + 2).to_string(), key, cell(columns.status), &words])?;
    }
    sheet.finish()?;
    let counts = format!("{} rows, {} not taken", tally.rows, tally.faulty);
    parts.store.audit(&municipality.id, None, "receipts.imported", "", &counts, parts.clock.now()).await?;
    Ok(tally)
}

fn columns(heading: &csv::StringRecord) -> Result<Columns> {
    let folded: Vec<String> =
        heading.iter().map(|name| name.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect()).collect();
    let find = |names: &[&str]| folded.iter().position(|name| names.contains(&name.as_str()));
    let reference = find(&["reference", "referens", "messageuuid", "uuid", "meddelelsesid"]);
    let company = find(&["cvr", "cvrnummer", "cvrnr", "company", "companynumber", "organisationsnummer"]);
    let missing = |what: &str| {
        format!("the list has no column {what} (it has: {})", heading.iter().collect::<Vec<_>>().join(", "))
    };
    if reference.is_none() && company.is_none() {
        bail!(missing("reference or cvr"));
    }
    let status = find(&["status", "receipt", "kvittering", "resultat", "utfall", "outcome"]);
    let time = find(&["time", "tid", "tidspunkt", "tidpunkt", "dato", "datum", "date", "timestamp"]);
    Ok(Columns {
        reference,
        company,
        status: status.with_context(|| missing("status"))?,
        time: time.with_context(|| missing("time"))?,
    })
}

/// The receipt that a sending system's word means.
fn receipt(word: &str) -> Option<Receipt> {
    let word = word.trim().to_lowercase();
    let is = |words: &[&str]| words.contains(&word.as_str());
    if is(&["delivered", "leveret", "afleveret", "modtaget", "levererad", "levererat", "mottagen", "completed", "ok"]) {
        Some(Receipt::Delivered)
    } else if is(&[
        "rejected",
        "afvist",
        "fritaget",
        "ikke tilmeldt",
        "fejlet",
        "fejl",
        "avvisad",
        "avvisat",
        "failed",
        "not registered",
        "exempt",
        "invalid",
    ]) {
        Some(Receipt::Rejected)
    } else if is(&[
        "returned",
        "retur",
        "returneret",
        "returpost",
        "returnerad",
        "returnerat",
        "undeliverable",
        "ubekendt",
        "flyttet",
    ]) {
        Some(Receipt::Returned)
    } else {
        None
    }
}

/// A time as lists write it: with a zone, or on the municipality's own clock; a day alone is its beginning.
fn time(text: &str, zone: &TimeZone) -> Option<Millis> {
    let text = text.trim();
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Some(Millis(timestamp.as_millisecond()));
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok().or_else(|| {
        ["%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|form| jiff::civil::DateTime::strptime(form, text).ok())
    });
    let civil = civil.or_else(|| {
        let day = text.parse().ok().or_else(|| {
            ["%d-%m-%Y", "%d.%m.%Y", "%d/%m/%Y"].iter().find_map(|form| jiff::civil::Date::strptime(form, text).ok())
        });
        day.map(|day: jiff::civil::Date| day.at(0, 0, 0, 0))
    })?;
    let zoned = civil.to_zoned(zone.clone()).ok()?;
    Some(Millis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_sending_systems_are_understood() {
        assert_eq!(receipt(" Leveret "), Some(Receipt::Delivered));
        assert_eq!(receipt("Ikke tilmeldt"), Some(Receipt::Rejected));
        assert_eq!(receipt("RETUR"), Some(Receipt::Returned));
        assert_eq!(receipt("måske"), None);
    }

    #[test]
    fn times_are_read_with_a_zone_or_on_the_municipalitys_clock() {
        let zone = text::format::zone("Europe/Copenhagen");
        let noon = Some(Millis(1_788_343_200_000)); // 2026-09-02 10:00 UTC
        for text in [
            "2026-09-02T10:00:00Z",
            "2026-09-02T12:00:00+02:00",
            "2026-09-02 12:00",
            "02-09-2026 12:00:00",
            "02.09.2026 12:00",
        ] {
            assert_eq!(time(text, &zone), noon, "{text}");
        }
        assert_eq!(time("02-09-2026", &zone), Some(Millis(1_788_343_200_000 - 12 * 3_600_000)));
        assert_eq!(time("i går", &zone), None);
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let found = columns(&csv::StringRecord::from(vec!["CVR-nummer", "Tidspunkt", "Status"])).unwrap();
        assert_eq!((found.reference, found.company, found.status, found.time), (None, Some(0), 2, 1));
        let error = columns(&csv::StringRecord::from(vec!["Navn", "Status"])).unwrap_err().to_string();
        assert!(error.contains("reference or cvr") && error.contains("Navn"), "{error}");
    }
}
