//! Closed cases: whose authority, which quarter, who is asked about one and when, and what is measured.
use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::ToSpan;
pub use jiff::civil::Date;
use jiff::civil::date;
use serde::{Deserialize, Serialize};

use crate::answers::Answers;
use crate::language::{Language, Texts};
use crate::questionnaire::{self, QuestionKind, Questionnaire};
use crate::time::Millis;

/// A case that was closed longer ago than this when it arrives is not asked about: nobody remembers it well enough, and a quarter's
/// figures could never be finished.
pub const OLDEST_DAYS: i64 = 45;
/// Days for answering.
pub const ANSWER_DAYS: i64 = 21;
/// Days after the first message when those still missing are reminded, once.
pub const REMINDER_DAYS: i64 = 7;
/// Months in which a business gets at most one survey's mail.
const REST_MONTHS: i32 = 6;
/// Every authority, in sums.
pub const EVERY: &str = "all";

/// The short questionnaire about a case.
const FORM: (&str, &str) = ("afsluttet-sag.toml", include_str!("../../../analysis/questionnaires/afsluttet-sag.toml"));

/// The short questionnaire about a case, as shipped.
#[must_use]
pub fn form() -> Questionnaire {
    Questionnaire::parse(FORM.0, FORM.1).expect("the shipped questionnaire has no faults, a test reads it")
}

/// Is this the key of the questionnaire about cases? It is none that a yearly round could use.
#[must_use]
pub fn is_form(key: &str) -> bool {
    key == "afsluttet-sag"
}

/// Who was written to after this instant, is not written to by another survey yet: six calendar months before `now`.
#[must_use]
pub fn rest_since(now: Millis) -> Millis {
    let utc = now.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
    // Fails only at the beginning of jiff's time.
    utc.checked_sub(REST_MONTHS.months()).map_or(Millis(i64::MIN), |at| Millis(at.timestamp().as_millisecond()))
}

/// A case that was closed before this day is not asked about when it arrives today.
#[must_use]
pub fn oldest_day(today: Date) -> Date {
    today.saturating_sub(OLDEST_DAYS.days())
}

/// The last day of answering when a case arrives today.
#[must_use]
pub fn last_day(today: Date) -> Date {
    today.saturating_add(ANSWER_DAYS.days())
}

/// The authorities, by the keys and titles of the yearly questionnaire.
#[must_use]
pub fn authorities() -> &'static [(String, Texts)] {
    static KNOWN: OnceLock<Vec<(String, Texts)>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let form = questionnaire::shipped();
        match form.question("contact").map(|q| &q.kind) {
            Some(QuestionKind::Multiple { options, .. }) => {
                options.iter().filter(|o| !o.exclusive).map(|o| (o.code.clone(), o.text.clone())).collect()
            }
            _ => Vec::new(),
        }
    })
}

/// The title of an authority; the key itself where it is not known (any more).
#[must_use]
pub fn authority_title(key: &str, language: Language) -> &str {
    authorities().iter().find(|(known, _)| known == key).map_or(key, |(_, titles)| titles.get(language))
}

/// The key of an authority that is named by its key or by its title in any language.
#[must_use]
pub fn authority(named: &str) -> Option<&'static str> {
    let fold = |text: &str| text.trim().to_lowercase();
    let name = fold(named);
    let is = |(key, titles): &&(String, Texts)| {
        *key == name || Language::ALL.iter().any(|language| fold(titles.get(*language)) == name)
    };
    authorities().iter().find(is).map(|(key, _)| key.as_str())
}

/// A closed case as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedCase {
    /// The authority's own number of it.
    pub case_id: String,
    /// The business, by its number in the register.
    pub business: CaseBusiness,
    /// Key of the authority.
    pub authority: String,
    /// The day on which it was closed.
    pub closed_on: Date,
}

/// By which number a case names its business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseBusiness {
    /// The workplace, by its unit key.
    Unit(String),
    /// The company, by its number as stored; and the unit key it has where companies are the units.
    Company {
        /// Number as stored with the frame.
        number: String,
        /// Unit key.
        unit_key: String,
    },
}

/// What became of a case that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The business is asked about it.
    Asked,
    /// No business of the current register extract has this number.
    NotInRegister,
    /// The register protects the business against being approached.
    Protected,
    /// The business said that it wants no surveys.
    OptedOut,
    /// There is no mail address, or a dead one.
    NoAddress,
    /// It was closed too long ago.
    TooOld,
    /// The business is asked about another case that arrived together with it.
    OtherCase,
    /// A survey wrote to the business within six months.
    Lately,
}

impl Outcome {
    /// Every outcome, in the order in which they are shown and, but for the first, looked for.
    pub const ALL: [Self; 8] = [
        Self::Asked,
        Self::NotInRegister,
        Self::TooOld,
        Self::Protected,
        Self::OptedOut,
        Self::NoAddress,
        Self::Lately,
        Self::OtherCase,
    ];

    /// The outcome as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::NotInRegister => "not_in_register",
            Self::Protected => "protected",
            Self::OptedOut => "opted_out",
            Self::NoAddress => "no_address",
            Self::TooOld => "too_old",
            Self::OtherCase => "other_case",
            Self::Lately => "lately",
        }
    }

    /// The outcome of a stored text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// A quarter of a year: `2026-Q3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quarter {
    year: i16,
    /// 1 to 4.
    number: i8,
}

impl Quarter {
    /// The quarter of a day.
    #[must_use]
    pub fn of(day: Date) -> Self {
        Self { year: day.year(), number: (day.month() - 1) / 3 + 1 }
    }

    /// Reads `2026-Q3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, number) = text.split_once("-Q")?;
        let (year, number) = (year.parse().ok()?, number.parse().ok()?);
        ((1900..=2200).contains(&year) && (1..=4).contains(&number)).then_some(Self { year, number })
    }

    /// The year.
    #[must_use]
    pub const fn year(self) -> i16 {
        self.year
    }

    /// 1 to 4.
    #[must_use]
    pub const fn number(self) -> i8 {
        self.number
    }

    /// So many quarters later; earlier with a negative number.
    #[must_use]
    pub fn plus(self, quarters: i16) -> Self {
        let at = self.year * 4 + i16::from(self.number) - 1 + quarters;
        // The rest of a division by 4 is an `i8`.
        Self { year: at.div_euclid(4), number: i8::try_from(at.rem_euclid(4)).unwrap_or(0) + 1 }
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> Date {
        date(self.year, self.number * 3 - 2, 1)
    }

    /// Its last day.
    #[must_use]
    pub fn last_day(self) -> Date {
        self.plus(1).first_day().saturating_sub(1.day())
    }

    /// The last day on which a case of it is asked about when it arrives.
    #[must_use]
    pub fn last_arrival(self) -> Date {
        self.last_day().saturating_add(OLDEST_DAYS.days())
    }

    /// The first day on which no answer about its cases can come any more; figures are made on it.
    #[must_use]
    pub fn settles_on(self) -> Date {
        last_day(self.last_arrival()).saturating_add(1.day())
    }

    /// The four quarters that end with it, the earliest first.
    #[must_use]
    pub fn year_before(self) -> [Self; 4] {
        [-3, -2, -1, 0].map(|by| self.plus(by))
    }
}

impl std::fmt::Display for Quarter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-Q{}", self.year, self.number)
    }
}

/// What is measured about cases: an index from 0 to 100.
#[derive(Debug, PartialEq, Eq)]
pub struct Measure {
    /// Key.
    pub key: &'static str,
    /// The questions.
    pub items: &'static [&'static str],
    /// Ends of their scale.
    pub scale: [i32; 2],
}

/// The satisfaction index, then the service factors.
pub const MEASURES: [Measure; 8] = [
    Measure { key: "nki", items: &["case_satisfaction", "case_expectations", "case_ideal"], scale: [1, 10] },
    Measure { key: "information", items: &["case_information"], scale: [1, 5] },
    Measure { key: "availability", items: &["case_availability"], scale: [1, 5] },
    Measure { key: "treatment", items: &["case_treatment"], scale: [1, 5] },
    Measure { key: "competence", items: &["case_competence"], scale: [1, 5] },
    Measure { key: "legal", items: &["case_legal"], scale: [1, 5] },
    Measure { key: "efficiency", items: &["case_efficiency"], scale: [1, 5] },
    Measure { key: "time", items: &["case_time"], scale: [1, 5] },
];

impl Measure {
    /// What these answers say, from 0 to 100: the mean of the items answered, when at least half of them are.
    #[must_use]
    pub fn score(&self, answers: &Answers) -> Option<f64> {
        let [from, to] = self.scale;
        let point = |item: &&str| answers.get(item)?.parse::<i32>().ok().filter(|x| (from..=to).contains(x));
        let points: Vec<i32> = self.items.iter().filter_map(point).collect();
        if points.is_empty() || 2 * points.len() < self.items.len() {
            return None;
        }
        let mean = f64::from(points.iter().sum::<i32>()) / points.len() as f64;
        Some(100.0 * (mean - f64::from(from)) / f64::from(to - from))
    }
}

/// The sums of a measure over a quarter or four.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct CaseSums {
    /// Cases that were closed.
    pub cases: u64,
    /// Answers about them.
    pub answered: u64,
    /// Businesses that gave them.
    pub respondents: u64,
    /// Answers with a value.
    pub n: u64,
    /// Businesses that gave these.
    pub businesses: u64,
    /// Over these businesses, with m answers that add up to s: Σ s.
    pub total: f64,
    /// Σ s².
    pub squares: f64,
    /// Σ m·s.
    pub crossed: f64,
    /// Σ m².
    pub repeats: f64,
}

impl CaseSums {
    /// The sums of these answers (business, value or blank) among so many cases.
    #[must_use]
    pub fn of<'a>(cases: u64, answers: impl Iterator<Item = (&'a str, Option<f64>)>) -> Self {
        let mut by_business: BTreeMap<&str, (u64, u64, f64)> = BTreeMap::new();
        for (business, value) in answers {
            let own = by_business.entry(business).or_default();
            own.0 += 1;
            if let Some(value) = value {
                own.1 += 1;
                own.2 += value;
            }
        }
        let mut sums = Self { cases, respondents: by_business.len() as u64, ..Self::default() };
        for (all, m, s) in by_business.into_values() {
            sums.answered += all;
            if m == 0 {
                continue;
            }
            let times = m as f64;
            sums.n += m;
            sums.businesses += 1;
            sums.total += s;
            sums.squares += s * s;
            sums.crossed += times * s;
            sums.repeats += times * times;
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_follow_one_another_and_end_where_the_calendar_says() {
        let quarter = Quarter::of(date(2026, 11, 23));
        assert_eq!((quarter.to_string(), Quarter::parse("2026-Q4")), ("2026-Q4".to_owned(), Some(quarter)));
        assert_eq!(quarter.plus(1).to_string(), "2027-Q1");
        assert_eq!(quarter.plus(-4).to_string(), "2025-Q4");
        assert_eq!((quarter.first_day(), quarter.last_day()), (date(2026, 10, 1), date(2026, 12, 31)));
        assert_eq!(Quarter::of(date(2028, 2, 29)).last_day(), date(2028, 3, 31));
        assert_eq!(Quarter::of(date(2026, 1, 1)).settles_on(), date(2026, 6, 6));
        assert!(["2026-Q5", "2026-Q0", "2026", "Q1", "x-Q1"].iter().all(|text| Quarter::parse(text).is_none()));
    }

    #[test]
    fn six_months_are_six_months_of_the_calendar() {
        let at = |text: &str| Millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert_eq!(rest_since(at("2026-09-01T08:00:00Z")), at("2026-03-01T08:00:00Z"));
        assert_eq!(rest_since(at("2026-08-31T08:00:00Z")), at("2026-02-28T08:00:00Z"));
    }

    #[test]
    fn an_authority_is_known_by_key_and_by_title() {
        assert_eq!(authority("building"), Some("building"));
        assert_eq!(authority(" BYGGESAGER "), Some("building"));
        assert_eq!(authority("Bygglov"), Some("building"));
        assert_eq!((authority("none"), authority("")), (None, None));
        assert!(authorities().len() >= 9);
    }

    #[test]
    fn the_form_asks_what_is_measured_and_is_short() {
        let form = form();
        assert!(is_form(&form.key));
        let keys: Vec<String> = form.columns().into_iter().map(|c| c.key).collect();
        for item in MEASURES.iter().flat_map(|m| m.items) {
            assert!(keys.iter().any(|k| k == item), "{item} is not asked");
        }
        assert!(keys.len() <= 11, "{keys:?}");
        assert_eq!(form.warnings(), []);
        let yearly: Vec<String> = questionnaire::shipped().columns().into_iter().map(|c| c.key).collect();
        assert!(keys.iter().all(|k| !yearly.contains(k)), "a key of the yearly questionnaire is used again");
    }

    #[test]
    fn an_index_needs_half_of_its_items() {
        let said =
            |pairs: &[(&str, &str)]| Answers(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect());
        let nki = &MEASURES[0];
        assert_eq!(nki.score(&said(&[("case_satisfaction", "10"), ("case_expectations", "1")])), Some(50.0));
        assert_eq!(nki.score(&said(&[("case_satisfaction", "10")])), None);
        assert_eq!(nki.score(&said(&[("case_satisfaction", "dk"), ("case_ideal", "11")])), None);
        assert_eq!(MEASURES[1].score(&said(&[("case_information", "4")])), Some(75.0));
    }

    #[test]
    fn sums_know_businesses_from_answers() {
        let answers = [("a", Some(50.0)), ("a", Some(100.0)), ("b", Some(20.0)), ("c", None)];
        let sums = CaseSums::of(9, answers.into_iter());
        assert_eq!((sums.cases, sums.answered, sums.respondents, sums.n, sums.businesses), (9, 4, 3, 3, 2));
        assert_eq!((sums.total, sums.squares, sums.crossed, sums.repeats), (170.0, 22_900.0, 320.0, 5.0));
    }

    #[test]
    fn outcomes_are_read_as_they_are_stored() {
        assert!(Outcome::ALL.iter().all(|o| Outcome::parse(o.as_str()) == Some(*o)));
    }
}
