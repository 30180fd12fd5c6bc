//! When mail may go out: office hours of a municipality's own day, no public holidays, and not after its round has run out.
use jiff::ToSpan;
use jiff::civil::{Date, Time, Weekday, date};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::language::Country;
use crate::time::Millis;

/// Office hours: `08:00-16:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SendHours {
    from: Time,
    until: Time,
}

/// Hours that are not written as `08:00-16:00`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} are no hours: write them as \"08:00-16:00\", the earlier one first")]
pub struct SendHoursError(String);

impl SendHours {
    /// Reads `08:00-16:00`.
    ///
    /// # Errors
    /// [`SendHoursError`] when it is something else, or ends before it begins.
    pub fn parse(text: &str) -> Result<Self, SendHoursError> {
        let wrong = || SendHoursError(text.to_owned());
        let (from, until) = text.split_once(['-', '–']).ok_or_else(wrong)?;
        let time = |part: &str| -> Option<Time> {
            let (hours, minutes) = part.trim().split_once(':')?;
            Time::new(hours.parse().ok()?, minutes.parse().ok()?, 0, 0).ok()
        };
        let (from, until) = (time(from).ok_or_else(wrong)?, time(until).ok_or_else(wrong)?);
        if from < until { Ok(Self { from, until }) } else { Err(wrong()) }
    }

    /// When sending may begin: `None` at once, otherwise the next opening of the hours on a working day.
    #[must_use]
    pub fn opens_at(&self, country: Country, zone: &TimeZone, now: Millis) -> Option<Millis> {
        let local = zone.to_datetime(now.timestamp());
        let mut day = local.date();
        if is_working_day(country, day) {
            if self.from <= local.time() && local.time() < self.until {
                return None;
            }
            if local.time() < self.from {
                return instant(day, self.from, zone);
            }
        }
        // The longest row of days off is shorter than a fortnight.
        for _ in 0..30 {
            day = day.tomorrow().ok()?;
            if is_working_day(country, day) {
                return instant(day, self.from, zone);
            }
        }
        None
    }
}

impl std::fmt::Display for SendHours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (a, b) = (self.from, self.until);
        write!(f, "{:02}:{:02}-{:02}:{:02}", a.hour(), a.minute(), b.hour(), b.minute())
    }
}

impl TryFrom<String> for SendHours {
    type Error = SendHoursError;
    fn try_from(text: String) -> Result<Self, SendHoursError> {
        Self::parse(&text)
    }
}

impl From<SendHours> for String {
    fn from(hours: SendHours) -> Self {
        hours.to_string()
    }
}

/// The end of a round's mail: the end of its closing day, or a set time before that. `None`: it has no end.
#[must_use]
pub fn mail_ends(closes_on: Option<&str>, set: Option<Millis>, zone: &TimeZone) -> Option<Millis> {
    let closing = closes_on
        .and_then(|day| day.parse::<Date>().ok())
        .and_then(|day| day.tomorrow().ok())
        .and_then(|day| instant(day, Time::midnight(), zone));
    match (closing, set) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn instant(day: Date, time: Time, zone: &TimeZone) -> Option<Millis> {
    day.to_datetime(time).to_zoned(zone.clone()).ok().map(|at| Millis(at.timestamp().as_millisecond()))
}

/// Monday to Friday, and offices are not closed.
#[must_use]
pub fn is_working_day(country: Country, day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !is_day_off(country, day)
}

/// A public holiday, or a day on which municipal offices are closed by custom: Christmas Eve, New Year's Eve, in Denmark
/// Constitution Day, in Sweden Midsummer Eve.
#[must_use]
pub fn is_day_off(country: Country, day: Date) -> bool {
    let (month, d) = (day.month(), day.day());
    if matches!((month, d), (1, 1) | (12, 24..=26 | 31)) {
        return true;
    }
    let from_easter = easter(day.year()).until(day).map_or(i32::MAX, |span| span.get_days());
    // Good Friday, Easter and its Monday, Ascension Day, Whit Sunday.
    if matches!(from_easter, -2..=1 | 39 | 49) {
        return true;
    }
    match country {
        // Maundy Thursday, Whit Monday, Constitution Day; Great Prayer Day until it was abolished from 2024.
        Country::Dk => {
            matches!(from_easter, -3 | 50) || (from_easter == 26 && day.year() < 2024) || (month, d) == (6, 5)
        }
        // Epiphany, 1 May, National Day, Midsummer Eve and Day, All Saints' Day.
        Country::Se => {
            matches!((month, d), (1, 6) | (5, 1) | (6, 6))
                || (day.weekday() == Weekday::Friday && month == 6 && (19..=25).contains(&d))
                || (day.weekday() == Weekday::Saturday && month == 6 && (20..=26).contains(&d))
                || (day.weekday() == Weekday::Saturday && ((month, d) == (10, 31) || (month == 11 && d <= 6)))
        }
    }
}

/// Easter Sunday of the Gregorian calendar: the Sunday after the first full moon of spring, by the church's reckoning.
#[must_use]
pub fn easter(year: i16) -> Date {
    let y = i32::from(year);
    let golden = y % 19;
    let century = y / 100;
    // Days by which the moon of the calendar is off, after the leap days left out and the moon's own drift.
    let epact = (century - century / 4 - (8 * century + 13) / 25 + 19 * golden + 15) % 30;
    let moon = epact - (epact / 28) * (1 - (epact / 28) * (29 / (epact + 1)) * ((21 - golden) / 11));
    let weekday = (y + y / 4 + moon + 2 - century + century / 4) % 7;
    let offset = moon - weekday;
    date(year, 3, 28).saturating_add(offset.days())
}

/// Said of an invitation that another survey's came before.
pub const WRITTEN_TO_LATELY: &str = "another survey wrote to this address within six months";
/// Said of messages whose sender ended between the durable marker and the answer.
pub const SENDER_STOPPED: &str = "the sender stopped before the answer came";
/// Said of messages whose business is protected and has no basis any more; found again by it when there is one.
pub const NO_BASIS: &str = "the business is protected, and the basis for writing to it has ended";

/// Our own words about a message, which stand in the same place as a server's: the end of their key in the texts
/// (`sending.words_…`), and what they quote. `None`: a server's words, to be shown as they are.
#[must_use]
pub fn own_words(words: &str) -> Option<(&'static str, &str)> {
    /// How the places of a session are written behind a fault.
    const PLACES: [&str; 11] =
        ["Connect", "Greeting", "Hello", "Tls", "Login", "Reset", "Mail", "Recipient", "Data", "Body", "Dot"];
    let is_fixed = |text: &'static str, key| (words == text).then_some((key, ""));
    let fixed = is_fixed(WRITTEN_TO_LATELY, "lately")
        .or_else(|| is_fixed(SENDER_STOPPED, "stopped"))
        .or_else(|| is_fixed(NO_BASIS, "no_basis"))
        .or_else(|| is_fixed("the recipient's address is not one that mail servers take", "address"))
        .or_else(|| is_fixed("not an address that mail servers take", "address"));
    if fixed.is_some() {
        return fixed;
    }
    if let Some(rest) = words.strip_prefix("refused: ") {
        return Some(("refused", rest));
    }
    if let Some(rest) = words.strip_prefix("not secure: ") {
        return Some(("not_secure", rest));
    }
    if let Some(rest) = words.strip_prefix("no access token: ") {
        return Some(("token", rest));
    }
    let (said, place) = words.strip_suffix(')')?.rsplit_once(" (")?;
    if !PLACES.contains(&place) {
        return None;
    }
    Some(match said {
        "no answer in time" => ("no_answer", ""),
        "the server hung up" => ("hung_up", ""),
        _ => said.strip_prefix("not SMTP: ").map_or(("broken", said), |rest| ("not_smtp", rest)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copenhagen() -> TimeZone {
        TimeZone::get("Europe/Copenhagen").unwrap()
    }

    fn at(text: &str) -> Millis {
        let local: jiff::civil::DateTime = text.parse().unwrap();
        Millis(local.to_zoned(copenhagen()).unwrap().timestamp().as_millisecond())
    }

    #[test]
    fn easter_falls_where_the_almanac_says() {
        for (year, month, day) in [
            (1961, 4, 2),
            (2000, 4, 23),
            (2008, 3, 23),
            (2011, 4, 24),
            (2019, 4, 21),
            (2024, 3, 31),
            (2025, 4, 20),
            (2026, 4, 5),
            (2027, 3, 28),
            (2030, 4, 21),
            (2038, 4, 25),
            (2049, 4, 18),
            (2076, 4, 19),
        ] {
            assert_eq!(easter(year), date(year, month, day));
        }
        assert!((1900..2200).all(|year| easter(year).weekday() == Weekday::Sunday));
    }

    #[test]
    fn the_days_off_of_2026_are_those_of_the_almanac() {
        let days = |country| -> Vec<(i8, i8)> {
            let mut day = date(2026, 1, 1);
            let mut off = Vec::new();
            while day.year() == 2026 {
                if is_day_off(country, day) {
                    off.push((day.month(), day.day()));
                }
                day = day.tomorrow().unwrap();
            }
            off
        };
        let dk = [
            (1, 1),
            (4, 2),
            (4, 3),
            (4, 4),
            (4, 5),
            (4, 6),
            (5, 14),
            (5, 24),
            (5, 25),
            (6, 5),
            (12, 24),
            (12, 25),
            (12, 26),
            (12, 31),
        ];
        let se = [
            (1, 1),
            (1, 6),
            (4, 3),
            (4, 4),
            (4, 5),
            (4, 6),
            (5, 1),
            (5, 14),
            (5, 24),
            (6, 6),
            (6, 19),
            (6, 20),
            (10, 31),
            (12, 24),
            (12, 25),
            (12, 26),
            (12, 31),
        ];
        assert_eq!(days(Country::Dk), dk);
        assert_eq!(days(Country::Se), se);
        // Great Prayer Day was the fourth Friday after Easter, and is a working day since 2024.
        assert!(is_day_off(Country::Dk, date(2023, 5, 5)) && !is_day_off(Country::Dk, date(2024, 4, 26)));
    }

    #[test]
    fn mail_waits_for_office_hours_of_the_next_working_day() {
        let hours = SendHours::parse("08:00-16:00").unwrap();
        let opens = |text: &str| hours.opens_at(Country::Dk, &copenhagen(), at(text));
        assert_eq!(opens("2026-03-03T08:00:00"), None);
        assert_eq!(opens("2026-03-03T15:59:59"), None);
        assert_eq!(opens("2026-03-03T07:00:00"), Some(at("2026-03-03T08:00:00")));
        assert_eq!(opens("2026-03-03T16:00:00"), Some(at("2026-03-04T08:00:00")));
        // Friday evening, and Wednesday before Easter.
        assert_eq!(opens("2026-03-06T20:00:00"), Some(at("2026-03-09T08:00:00")));
        assert_eq!(opens("2026-04-01T16:30:00"), Some(at("2026-04-07T08:00:00")));
        // Over the change to summer time the clock on the wall counts.
        assert_eq!(opens("2026-03-27T18:00:00"), Some(at("2026-03-30T08:00:00")));
        // Christmas until after New Year.
        assert_eq!(opens("2026-12-31T10:00:00"), Some(at("2027-01-04T08:00:00")));
    }

    #[test]
    fn hours_are_written_one_way_and_read_back() {
        assert_eq!(SendHours::parse("8:00 – 16:30").unwrap().to_string(), "08:00-16:30");
        for wrong in ["", "8-16", "16:00-08:00", "08:00-08:00", "08:00-25:00", "kl. 8"] {
            assert!(SendHours::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rounds_mail_ends_with_its_last_day_or_before() {
        let end = at("2026-04-02T00:00:00");
        assert_eq!(mail_ends(Some("2026-04-01"), None, &copenhagen()), Some(end));
        assert_eq!(mail_ends(Some("2026-04-01"), Some(Millis(5)), &copenhagen()), Some(Millis(5)));
        assert_eq!(mail_ends(Some("2026-04-01"), Some(end.plus_days(3)), &copenhagen()), Some(end));
        assert_eq!(mail_ends(None, None, &copenhagen()), None);
    }
}
