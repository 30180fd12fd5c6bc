//! A municipality's own words in a message: put where the free paragraphs stand, offered with their fields, and looked at.
use domain::fieldwork::MessageKind;
use domain::language::Language;
use domain::mailtext::OwnText;
use domain::municipality::Municipality;
use domain::time::Millis;
use store::outbox::ClaimedMail;

use super::{ComposeError, Composer, Letter, clean};

/// A line of its own before and after the free paragraphs in a rendered template. Unicode gives it to no character.
pub(super) const MARK: &str = "\u{fdd5}";

/// The built-in words of a message, with fields in braces: what a municipality begins from when it writes its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltIn {
    /// The subject.
    pub subject: String,
    /// The free paragraphs, with an empty line between them.
    pub body: String,
}

/// A message to be looked at: nothing that could be sent. No `Debug`: it holds a business's name.
#[derive(Clone)]
pub struct Preview {
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The page.
    pub html: String,
}

/// Subject and body with a municipality's own words; `None`: they cannot be used here, and the built-in ones are.
pub(super) fn placed(own: &OwnText, rendered: &str, letter: &Letter) -> Option<(String, String)> {
    let (before, rest) = rendered.split_once(MARK)?;
    let (_, after) = rest.split_once(MARK)?;
    let (subject, body) = own.filled(|name| letter.field(name))?;
    Some((subject, format!("{before}\n\n{body}\n\n{after}")))
}

impl Letter {
    /// What stands for a field in a municipality's own words.
    fn field(&self, name: &str) -> String {
        match name {
            "municipality" => self.municipality.clone(),
            "year" => self.year.to_string(),
            "closes_on" => self.closes_on.clone(),
            "committee" => self.committee.clone(),
            "business" => self.business.clone(),
            "minutes" => self.minutes.clone(),
            "contact_name" => self.contact_name.clone(),
            "contact_phone" => self.contact_phone.clone(),
            _ => String::new(),
        }
    }
}

impl Composer {
    /// The built-in words of a message for this municipality, with fields in braces.
    ///
    /// # Errors
    /// [`ComposeError::Template`].
    pub fn built_in(
        &self,
        kind: MessageKind,
        language: Language,
        municipality: &Municipality,
    ) -> Result<BuiltIn, ComposeError> {
        let settings = &municipality.settings;
        let if_filled = |text: &str, field: &str| if text.trim().is_empty() { String::new() } else { field.to_owned() };
        // A year is a number in the templates; this one is in no other text.
        let year = -987_654_321;
        let letter = Letter {
            municipality: "{municipality}".into(),
            year,
            business: "{business}".into(),
            others: String::new(),
            minutes: "{minutes}".into(),
            closes_on: "{closes_on}".into(),
            contact_name: "{contact_name}".into(),
            contact_phone: if_filled(&settings.contact_phone, "{contact_phone}"),
            committee: if_filled(&settings.committee, "{committee}"),
            ..Letter::sample(municipality.country, true)
        };
        let template = |file: &str| format!("mail/{}/{file}", kind.as_str());
        let named = |text: &str| text.replace(&year.to_string(), "{year}");
        let subject = clean(&self.engine.render(&template("subject.txt"), language, &letter)?);
        let body = self.engine.render(&template("body.txt"), language, &letter)?;
        let free = body.split(MARK).nth(1).unwrap_or_default();
        let mut paragraphs: Vec<String> = Vec::new();
        let mut is_new = true;
        for line in free.lines().map(clean) {
            match paragraphs.last_mut().filter(|_| !is_new) {
                _ if line.is_empty() => is_new = true,
                Some(paragraph) => paragraph.push_str(&format!("\n{line}")),
                None => {
                    paragraphs.push(line);
                    is_new = false;
                }
            }
        }
        Ok(BuiltIn { subject: named(&subject), body: named(&paragraphs.join("\n\n")) })
    }

    /// A message as it would be written, with links that lead nowhere: the personal link is the recipient's alone.
    ///
    /// # Errors
    /// As [`Composer::compose`].
    pub fn preview(&self, mail: &ClaimedMail, minutes: (u32, u32), now: Millis) -> Result<Preview, ComposeError> {
        let mut fields = self.fields(mail, minutes, mail.recipient.clone(), now);
        fields.link = format!("{}/s/…", self.public_url);
        fields.stop_link = format!("{}/stop", fields.link);
        let words = self.words(mail, &fields)?;
        Ok(Preview { subject: words.subject, text: words.text, html: words.html })
    }
}
