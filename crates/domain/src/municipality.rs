//! A municipality: who asks, in what languages, and the names and addresses that pages and mails state.
use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::ids::MunicipalityId;
use crate::industry::{Grouping, GroupingError};
use crate::language::{Country, Language};
use crate::registers::{Cvr, OrgNumber};
use crate::sending::SendHours;

/// A municipality with its settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Municipality {
    /// Id.
    pub id: MunicipalityId,
    /// Short name in addresses: lower-case letters, digits, hyphens.
    pub slug: String,
    /// Full name: "Højager Kommune".
    pub name: String,
    /// Whose register and law apply.
    pub country: Country,
    /// Everything that may change.
    pub settings: Settings,
}

/// What may change of a municipality; stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The language in which a page opens when nothing else is known.
    pub language: Language,
    /// IANA time zone.
    pub time_zone: String,
    /// Mail goes out at these hours of working days only, `08:00-16:00`; none: at any time.
    pub send_hours: Option<SendHours>,
    /// Key of a shipped sector grouping: `dst10`, `htk`, `handel`.
    pub grouping: String,
    /// The municipality's own sector grouping, as the file it was given in; wins over `grouping`.
    pub own_grouping: Option<OwnGrouping>,
    /// Company numbers of the municipality itself: its own units do not belong to the population.
    pub own_numbers: Vec<String>,
    /// The municipality's codes in the register (kommunekode); empty: an extract is not checked for other municipalities.
    pub register_codes: Vec<String>,
    /// Fewest answers behind a shown figure; 5 or more.
    pub threshold: u32,
    /// Colour of headings and buttons, `#rrggbb`; contrast with white is checked at load.
    pub colour: String,
    /// The person who asks: name and title.
    pub contact_name: String,
    /// The switchboard's number.
    pub contact_phone: String,
    /// Address for questions; mails' Reply-To.
    pub contact_email: String,
    /// Sender address of the mails, on the municipality's own domain.
    pub sender_email: String,
    /// Page on the municipality's own site that confirms the survey.
    pub confirmation_url: String,
    /// Postal address in one line.
    pub postal_address: String,
    /// Who reads comments: "erhvervskonsulenten i Erhvervsservice".
    pub comment_reader: String,
    /// Name of the data protection officer's mailbox.
    pub dpo_email: String,
    /// The committee that reads the results.
    pub committee: String,
    /// The council.
    pub council: String,
    /// The administration that lays cases before the committee.
    pub administration: String,
    /// The municipality's accessibility statement.
    pub accessibility_url: String,
    /// When the statement was last reviewed, `yyyy-mm-dd`; it is to be reviewed every year.
    pub accessibility_date: String,
    /// Years after a round in which the link between a business and its answer is kept, 1 to 5; all texts promise it, so that it may
    /// be shortened, and not lengthened once a round was opened.
    pub link_years: i32,
    /// The legal basis in the words of the municipality's data protection officer; empty: the usual sentence of the country.
    pub legal_basis: String,
    /// Keys of the areas at risk of flooding, as the register extract names them: only businesses there are asked about it.
    pub flood_areas: Vec<String>,
    /// What pages know of the logo.
    pub logo: Option<Logo>,
    /// Publications can be read by everybody.
    pub public_results: bool,
}

/// What pages know of a logo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logo {
    /// Hash of the file, part of its address.
    pub digest: String,
    /// What it says to those who do not see it.
    pub alt: String,
    /// Width at which it is shown, in CSS pixels.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// What is wrong with a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingFault {
    /// Not an address of a person or mailbox.
    Email,
    /// Not an address that begins with https:// or http://.
    Url,
    /// Not a date `yyyy-mm-dd`, or one in the future.
    Date,
    /// Not a colour `#rrggbb`.
    Colour,
    /// Below 5.
    Threshold,
    /// Longer than it may be.
    TooLong,
    /// Must not be empty.
    Missing,
    /// Not a time zone that is known.
    Zone,
    /// Not hours `08:00-16:00`.
    Hours,
    /// Not the number of a company of the country, or several.
    Number,
    /// Not a municipality's code in the register, or several.
    Code,
    /// Not a number of years from 1 to 5.
    Years,
    /// Longer than businesses were promised.
    Promised,
    /// So short that links that exist now would be cut.
    Cuts,
}

impl SettingFault {
    /// The fault as a word of a closed list.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Url => "url",
            Self::Date => "date",
            Self::Colour => "colour",
            Self::Threshold => "threshold",
            Self::TooLong => "too_long",
            Self::Missing => "missing",
            Self::Zone => "zone",
            Self::Hours => "hours",
            Self::Number => "number",
            Self::Code => "code",
            Self::Years => "years",
            Self::Promised => "promised",
            Self::Cuts => "cuts",
        }
    }
}

/// Where the accessibility statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement {
    /// There is no link to it.
    Missing,
    /// It is not known when it was last reviewed.
    Undated,
    /// Reviewed more than a year ago.
    Old,
    /// As it should be.
    Current,
}

/// Years after a round in which the link between a business and its answer is kept at most: a policy period of five rounds.
pub const LINK_YEARS: i32 = 5;
/// The longest of most settings, in characters.
const LONGEST: usize = 300;
/// The longest legal basis.
const LONGEST_BASIS: usize = 2000;

/// A sector grouping of a municipality's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnGrouping {
    /// Name of the file, for messages and to tell CSV from TOML.
    pub file: String,
    /// What stands in it.
    pub text: String,
}

impl Settings {
    /// Everything that is wrong, by the name of the setting; `today` is the municipality's.
    #[must_use]
    pub fn faults(&self, country: Country, today: jiff::civil::Date) -> Vec<(&'static str, SettingFault)> {
        let mut faults = Vec::new();
        let texts = [
            ("contact_name", &self.contact_name),
            ("contact_phone", &self.contact_phone),
            ("contact_email", &self.contact_email),
            ("sender_email", &self.sender_email),
            ("confirmation_url", &self.confirmation_url),
            ("postal_address", &self.postal_address),
            ("comment_reader", &self.comment_reader),
            ("dpo_email", &self.dpo_email),
            ("committee", &self.committee),
            ("council", &self.council),
            ("administration", &self.administration),
            ("accessibility_url", &self.accessibility_url),
        ];
        faults.extend(
            texts
                .iter()
                .filter(|(_, text)| text.chars().count() > LONGEST)
                .map(|(name, _)| (*name, SettingFault::TooLong)),
        );
        if self.legal_basis.chars().count() > LONGEST_BASIS {
            faults.push(("legal_basis", SettingFault::TooLong));
        }
        for (name, email) in [
            ("contact_email", &self.contact_email),
            ("sender_email", &self.sender_email),
            ("dpo_email", &self.dpo_email),
        ] {
            if !email.is_empty() && !is_email(email) {
                faults.push((name, SettingFault::Email));
            }
        }
        for (name, url) in
            [("confirmation_url", &self.confirmation_url), ("accessibility_url", &self.accessibility_url)]
        {
            if !url.is_empty() && !is_url(url) {
                faults.push((name, SettingFault::Url));
            }
        }
        let date = self.accessibility_date.parse::<jiff::civil::Date>();
        if !self.accessibility_date.is_empty() && !date.is_ok_and(|date| date <= today) {
            faults.push(("accessibility_date", SettingFault::Date));
        }
        let digits = self.colour.strip_prefix('#').unwrap_or_default();
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            faults.push(("colour", SettingFault::Colour));
        }
        if self.threshold < 5 {
            faults.push(("threshold", SettingFault::Threshold));
        }
        if jiff::tz::TimeZone::get(&self.time_zone).is_err() {
            faults.push(("time_zone", SettingFault::Zone));
        }
        let is_company = |number: &str| match country {
            Country::Dk => Cvr::parse(number).is_ok(),
            Country::Se => OrgNumber::parse(number).is_ok(),
        };
        if !self.own_numbers.iter().all(|number| is_company(number)) {
            faults.push(("own_numbers", SettingFault::Number));
        }
        let is_code = |code: &str| (1..=4).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
        if !self.register_codes.iter().all(|code| is_code(code)) {
            faults.push(("register_codes", SettingFault::Code));
        }
        if !(1..=LINK_YEARS).contains(&self.link_years) {
            faults.push(("link_years", SettingFault::Years));
        }
        faults
    }

    /// The last day, `yyyy-mm-dd`, on which the link between a business and its answer to the round of `year` exists.
    #[must_use]
    pub fn link_cut_on(&self, year: i32) -> String {
        // Whatever stands in a database of an earlier version, never longer than a policy period.
        format!("{:04}-12-31", year + self.link_years.clamp(1, LINK_YEARS))
    }

    /// Would the link be kept longer than these earlier settings promised?
    #[must_use]
    pub const fn keeps_longer_than(&self, before: &Self) -> bool {
        self.link_years > before.link_years
    }

    /// Where the accessibility statement stands today.
    #[must_use]
    pub fn statement(&self, today: jiff::civil::Date) -> Statement {
        if self.accessibility_url.is_empty() {
            return Statement::Missing;
        }
        let Ok(date) = self.accessibility_date.parse::<jiff::civil::Date>() else { return Statement::Undated };
        let year = jiff::Span::new().years(1);
        if date.checked_add(year).is_ok_and(|due| due < today) { Statement::Old } else { Statement::Current }
    }

    /// The sector grouping in force.
    ///
    /// # Errors
    /// [`GroupingError`] when the key is not one of the shipped ones, or the own file is faulty.
    pub fn sectors(&self) -> Result<Cow<'static, Grouping>, GroupingError> {
        match &self.own_grouping {
            Some(own) => Grouping::parse(&own.file, &own.text).map(Cow::Owned),
            None => Grouping::shipped(&self.grouping).map(Cow::Borrowed).ok_or_else(|| GroupingError::Invalid {
                file: "settings".into(),
                problem: format!("grouping: {:?} is not one of {}", self.grouping, Grouping::SHIPPED.join(", ")),
            }),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: Language::Da,
            time_zone: "Europe/Copenhagen".into(),
            send_hours: None,
            grouping: "dst10".into(),
            own_grouping: None,
            own_numbers: Vec::new(),
            register_codes: Vec::new(),
            threshold: 5,
            colour: "#1d4f7c".into(),
            contact_name: String::new(),
            contact_phone: String::new(),
            contact_email: String::new(),
            sender_email: String::new(),
            confirmation_url: String::new(),
            postal_address: String::new(),
            comment_reader: String::new(),
            dpo_email: String::new(),
            committee: String::new(),
            council: String::new(),
            administration: String::new(),
            accessibility_url: String::new(),
            accessibility_date: String::new(),
            link_years: LINK_YEARS,
            legal_basis: String::new(),
            flood_areas: Vec::new(),
            logo: None,
            public_results: false,
        }
    }
}

/// One `@` between a name and a domain with a dot, and nothing that ends an address. (The relay is the judge of the rest.)
fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let plain = |part: &str| !part.is_empty() && !part.contains(['@', '<', '>', ',', ';', '"', ' ', '\t']);
    plain(name) && plain(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    !host.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>'))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn every_faulty_setting_is_named() {
        let today = date(2026, 11, 22);
        assert_eq!(Settings::default().faults(Country::Dk, today), []);
        let faulty = Settings {
            contact_email: "Mette Holm <mette@hojager.dk>".into(),
            sender_email: "mette@localhost".into(),
            dpo_email: "a@b@c.dk".into(),
            confirmation_url: "www.hojager.dk".into(),
            accessibility_url: "javascript:alert(1)".into(),
            accessibility_date: "2027-01-01".into(),
            colour: "blue".into(),
            threshold: 4,
            committee: "x".repeat(301),
            time_zone: "Europe/Højager".into(),
            own_numbers: vec!["29189374".into(), "12345678".into()],
            register_codes: vec!["0169".into(), "Høje-Taastrup".into()],
            link_years: 6,
            ..Settings::default()
        };
        let mut named: Vec<_> =
            faulty.faults(Country::Dk, today).into_iter().map(|(name, fault)| (name, fault.as_str())).collect();
        named.sort_unstable();
        assert_eq!(
            named,
            [
                ("accessibility_date", "date"),
                ("accessibility_url", "url"),
                ("colour", "colour"),
                ("committee", "too_long"),
                ("confirmation_url", "url"),
                ("contact_email", "email"),
                ("dpo_email", "email"),
                ("link_years", "years"),
                ("own_numbers", "number"),
                ("register_codes", "code"),
                ("sender_email", "email"),
                ("threshold", "threshold"),
                ("time_zone", "zone"),
            ]
        );
    }

    #[test]
    fn the_link_is_cut_when_it_was_promised_and_no_later_than_after_five_years() {
        let kept = |link_years| Settings { link_years, ..Settings::default() };
        assert_eq!(Settings::default().link_cut_on(2026), "2031-12-31");
        assert_eq!(kept(2).link_cut_on(2026), "2028-12-31");
        assert_eq!(kept(50).link_cut_on(2026), "2031-12-31");
        assert!(kept(3).keeps_longer_than(&kept(2)));
        assert!(!kept(2).keeps_longer_than(&kept(3)));
    }

    #[test]
    fn a_statement_is_due_for_review_after_a_year() {
        let today = date(2026, 11, 22);
        let dated = |date: &str| Settings {
            accessibility_url: "https://www.hojager.dk/tilgaengelighed".into(),
            accessibility_date: date.into(),
            ..Settings::default()
        };
        assert_eq!(Settings::default().statement(today), Statement::Missing);
        assert_eq!(dated("").statement(today), Statement::Undated);
        assert_eq!(dated("2025-11-21").statement(today), Statement::Old);
        assert_eq!(dated("2025-11-22").statement(today), Statement::Current);
    }
}
