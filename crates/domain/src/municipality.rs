//! A municipality: who asks, in what languages, and the names and addresses that pages and mails state.
use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::ids::MunicipalityId;
use crate::industry::{Grouping, GroupingError};
use crate::language::{Country, Language};
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
    /// The municipality's accessibility statement.
    pub accessibility_url: String,
}

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
            accessibility_url: String::new(),
        }
    }
}
