//! Numbers, percentages and dates as each language writes them.
use domain::language::Language;
use domain::time::Millis;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Keeps a number and what belongs to it on one line.
const NO_BREAK_SPACE: char = '\u{a0}';
const MINUS: char = '\u{2212}';

/// A number with a fixed count of decimals: `1.234,5`, `1 234,5` (no-break space), `1,234.5`.
#[must_use]
pub fn number(language: Language, value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let is_zero = digits.chars().all(|c| matches!(c, '0' | '.'));
    let (group, point) = match language {
        Language::Da => ('.', ','),
        Language::Sv => (NO_BREAK_SPACE, ','),
        Language::En => (',', '.'),
    };
    let mut out = String::new();
    if value < 0.0 && !is_zero {
        out.push(MINUS);
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push(point);
        out.push_str(fraction);
    }
    out
}

/// A whole number, grouped.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of people and businesses lie far below 2^53")]
pub fn integer(language: Language, value: i64) -> String {
    number(language, value as f64, 0)
}

/// A share 0–1 as a percentage: `55,5 %`, in English `55.5%`.
#[must_use]
pub fn percent(language: Language, share: f64, decimals: usize) -> String {
    let figure = number(language, share * 100.0, decimals);
    match language {
        Language::Da | Language::Sv => format!("{figure}{NO_BREAK_SPACE}%"),
        Language::En => format!("{figure}%"),
    }
}

const MONTHS: [[&str; 12]; 3] = [
    [
        "januar",
        "februar",
        "marts",
        "april",
        "maj",
        "juni",
        "juli",
        "august",
        "september",
        "oktober",
        "november",
        "december",
    ],
    [
        "januari",
        "februari",
        "mars",
        "april",
        "maj",
        "juni",
        "juli",
        "augusti",
        "september",
        "oktober",
        "november",
        "december",
    ],
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
];

/// A date: `22. november 2026`, `22 november 2026`, `22 November 2026`.
#[must_use]
pub fn date(language: Language, date: Date) -> String {
    let month = usize::try_from(date.month() - 1).unwrap_or(0);
    match language {
        Language::Da => format!("{}. {} {}", date.day(), MONTHS[0][month], date.year()),
        Language::Sv => format!("{} {} {}", date.day(), MONTHS[1][month], date.year()),
        Language::En => format!("{} {} {}", date.day(), MONTHS[2][month], date.year()),
    }
}

/// The date of an instant in a time zone.
#[must_use]
pub fn date_of(language: Language, at: Millis, zone: &TimeZone) -> String {
    date(language, at.date_in(zone))
}

/// Date and time of an instant in a time zone: `22. november 2026 kl. 14.05`.
#[must_use]
pub fn datetime_of(language: Language, at: Millis, zone: &TimeZone) -> String {
    let local = zone.to_datetime(at.timestamp());
    let day = date(language, local.date());
    let (hour, minute) = (local.hour(), local.minute());
    match language {
        Language::Da | Language::Sv => format!("{day} kl.{NO_BREAK_SPACE}{hour:02}.{minute:02}"),
        Language::En => format!("{day}, {hour:02}:{minute:02}"),
    }
}

/// A telephone number as people read it out: the eight digits of a Danish one in pairs, anything else as it was written.
#[must_use]
pub fn phone(number: &str) -> String {
    let digits = number.strip_prefix("+45").unwrap_or(number).trim();
    if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return number.to_owned();
    }
    [&digits[..2], &digits[2..4], &digits[4..6], &digits[6..]].join(&NO_BREAK_SPACE.to_string())
}

/// The zone of an IANA name; Copenhagen when there is no such zone.
#[must_use]
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).or_else(|_| TimeZone::get("Europe/Copenhagen")).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_danish_number_is_read_in_pairs() {
        assert_eq!(phone("10379132"), "10\u{a0}37\u{a0}91\u{a0}32");
        assert_eq!(phone("+45 10379132"), "10\u{a0}37\u{a0}91\u{a0}32");
        for other in ["10 37 91 32", "044-123 45 67", "+46441234567", ""] {
            assert_eq!(phone(other), other);
        }
    }

    #[test]
    fn numbers_as_each_language_writes_them() {
        assert_eq!(number(Language::Da, 1234.5, 1), "1.234,5");
        assert_eq!(number(Language::Sv, 1_234_567.0, 0), "1\u{a0}234\u{a0}567");
        assert_eq!(number(Language::En, -1234.56, 1), "−1,234.6");
        assert_eq!(number(Language::Da, -0.04, 1), "0,0");
        assert_eq!(number(Language::Da, 999.0, 0), "999");
        assert_eq!(number(Language::Da, f64::NAN, 0), "–");
        assert_eq!(percent(Language::Da, 0.555, 1), "55,5\u{a0}%");
        assert_eq!(percent(Language::En, 0.5, 0), "50%");
    }

    #[test]
    fn dates_follow_the_municipality_s_time_zone() {
        let late_evening = Millis(1_795_388_400_000); // 2026-11-22 23:00 UTC
        let zone = zone("Europe/Copenhagen");
        assert_eq!(date_of(Language::Da, late_evening, &zone), "23. november 2026");
        assert_eq!(datetime_of(Language::En, late_evening, &TimeZone::UTC), "22 November 2026, 23:00");
        assert_eq!(date(Language::Sv, jiff::civil::date(2026, 8, 1)), "1 augusti 2026");
    }
}
