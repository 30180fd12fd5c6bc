//! Writes one message: what the outbox knows of it, worded from the templates, as the bytes that go on the wire.
//!
//! `templates/mail/<message>/body.txt` is the one source of a message's words. It is read as blocks (headings, paragraphs,
//! lists, links) and written out twice, as plain text and through `body.html`; so both say the same.
//!
//! What all messages of a round say alike is written out once and kept as a mould.
mod mould;
mod own;
mod quoted;

pub use own::{BuiltIn, Preview};

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use domain::fieldwork::MessageKind;
use domain::language::{Country, Language};
use domain::mailtext::OwnText;
use domain::municipality::Municipality;
use domain::secrets::Keys;
use domain::time::Millis;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message, MultiPart, SinglePart};
use serde::Serialize;
use store::outbox::ClaimedMail;
use text::{Engine, EngineError, Messages};

use self::mould::{Fields, Mould, Moulds, PAGE_BODY, TEXT_BODY};
use crate::dkim::{DkimError, Signer};
use crate::smtp::{Envelope, EnvelopeError};

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        /// Every mail template with its name.
        const TEMPLATES: &[(&str, &str)] = &[$((concat!("mail/", $name), include_str!(concat!("../../../../templates/mail/", $name)))),+];
    };
}

templates! {
    "layout.txt", "layout.html",
    "invitation/subject.txt", "invitation/body.txt", "invitation/body.html",
    "reminder1/subject.txt", "reminder1/body.txt", "reminder1/body.html",
    "reminder2/subject.txt", "reminder2/body.txt", "reminder2/body.html",
    "reminder3/subject.txt", "reminder3/body.txt", "reminder3/body.html",
    "notice.txt",
    "thanks/subject.txt", "thanks/body.txt", "thanks/body.html",
    "followup/subject.txt", "followup/body.txt", "followup/body.html",
    "replaced/subject.txt", "replaced/body.txt", "replaced/body.html",
    "welcome/subject.txt", "welcome/body.txt", "welcome/body.html",
    "case/subject.txt", "case/body.txt", "case/body.html",
    "case_reminder/subject.txt", "case_reminder/body.txt", "case_reminder/body.html",
}

/// Where buttons have their colour from when a municipality's is not usable.
const DEFAULT_COLOUR: &str = "#1d4f7c";
/// Text on a button whose colour is too light for white.
const DARK_TEXT: &str = "#1c1f23";

/// Why a message cannot be written. Carries no personal data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The recipient's address is not one: this message fails, the others go on.
    #[error("the recipient's address is not one that mail servers take")]
    Recipient,
    /// A setting of the municipality or the round that every message needs.
    #[error("{0} is missing or not usable")]
    Setting(&'static str),
    /// The templates do not fit.
    #[error(transparent)]
    Template(#[from] EngineError),
    /// The message cannot be signed.
    #[error(transparent)]
    Sign(#[from] DkimError),
    /// The message cannot be put together.
    #[error("the message cannot be built: {0}")]
    Build(#[from] lettre::error::Error),
}

/// A message ready for the wire. No `Debug`: it holds an address and a personal link.
#[derive(Clone)]
pub struct Rendered {
    /// Return path and recipient.
    pub envelope: Envelope,
    /// The message with CRLF line ends, signed where a signer is set; 7 bits only, but for an international recipient's address.
    pub bytes: Vec<u8>,
    /// Its subject.
    pub subject: String,
}

/// Writes messages: the templates, and what all messages have in common.
pub struct Composer {
    engine: Engine,
    keys: Keys,
    public_url: String,
    return_path: Option<String>,
    signer: Option<Arc<Signer>>,
    moulds: Moulds,
}

/// What the templates may use.
#[derive(Serialize)]
struct Letter {
    municipality: String,
    country: &'static str,
    year: i32,
    business: String,
    others: String,
    minutes: String,
    closes_on: String,
    link: String,
    stop_link: String,
    privacy_link: String,
    contact_name: String,
    contact_phone: String,
    replies: bool,
    confirmation_url: String,
    comment_reader: String,
    committee: String,
    threshold: u32,
    link_cut_on: String,
    dpo_email: String,
    postal_address: String,
    /// Stands before and after the paragraphs that a municipality may word itself.
    free: &'static str,
    /// About a case: which one.
    case: String,
}

/// What `body.html` may use.
#[derive(Serialize)]
struct Page<'a> {
    subject: &'a str,
    colour: &'a str,
    on_colour: &'static str,
    blocks: &'a [Block],
}

/// A piece of a message's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Block {
    /// `## text`
    Heading { text: String },
    /// Lines that begin with `- `.
    List { items: Vec<String> },
    /// A line followed by the personal link; the label is the line without its colon.
    Answer { text: String, label: String, url: String },
    /// A line followed by another link.
    Link { text: String, url: String },
    /// Anything else.
    Paragraph { lines: Vec<String> },
}

impl Composer {
    /// Reads the templates and tries them all in every language. `public_url` is the address people see; `return_path` the
    /// mailbox for bounces (`bounce@example.dk`, made `bounce+<mark>@example.dk` for each message), without which bounces
    /// go to the sender.
    ///
    /// # Errors
    /// [`ComposeError::Setting`] for an unusable return path, [`ComposeError::Template`] for a template that does not fit.
    pub fn new(
        messages: Arc<Messages>,
        keys: Keys,
        public_url: &str,
        return_path: Option<&str>,
    ) -> Result<Self, ComposeError> {
        let engine = Engine::new(messages, TEMPLATES.iter().copied())?;
        if return_path.is_some_and(|path| !crate::bounce::is_return_path(path)) {
            return Err(ComposeError::Setting("the mailbox for bounces"));
        }
        let composer = Self {
            engine,
            keys,
            public_url: public_url.trim_end_matches('/').to_owned(),
            return_path: return_path.map(str::to_owned),
            signer: None,
            moulds: Moulds::default(),
        };
        composer.check()?;
        Ok(composer)
    }

    /// The same, with each message signed by the sender's domain.
    #[must_use]
    pub fn with_dkim(mut self, signer: Arc<Signer>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Renders each message in each language and country, with full and with empty settings, and compares the templates' variables with what they get.
    fn check(&self) -> Result<(), ComposeError> {
        let fields = fields_of(&Letter::sample(Country::Dk, true));
        for kind in MessageKind::ALL {
            for file in ["subject.txt", "body.txt"] {
                self.engine.check_variables(&format!("mail/{}/{file}", kind.as_str()), &fields)?;
            }
            for language in Language::ALL {
                for (country, full) in [(Country::Dk, true), (Country::Se, true), (Country::Dk, false)] {
                    self.worded(*kind, language, &Letter::sample(country, full), DEFAULT_COLOUR, None)?;
                }
            }
        }
        Ok(())
    }

    /// The message of a claimed row. `minutes` is the expected time (median, 90th percentile) of this business's way through the questionnaire.
    ///
    /// # Errors
    /// [`ComposeError`]; only [`ComposeError::Recipient`] is about this message alone.
    pub fn compose(&self, mail: &ClaimedMail, minutes: (u32, u32), now: Millis) -> Result<Rendered, ComposeError> {
        let sender = sender(&mail.municipality)?;
        let recipient = wire_address(&mail.recipient, false).ok_or(ComposeError::Recipient)?;
        let return_path = match &self.return_path {
            Some(path) => crate::bounce::return_path(path, &mail.id, &self.keys),
            None => sender,
        };
        let envelope = Envelope::new(&return_path, &recipient).map_err(|EnvelopeError| ComposeError::Recipient)?;
        let fields = self.fields(mail, minutes, recipient, now);
        let (mut bytes, subject) = match self.mould(mail, &fields, now)? {
            Some(mould) => match mould.fill(&fields) {
                Some(bytes) => (bytes, mould.subject.clone()),
                None => self.at_length(mail, &fields, now)?,
            },
            None => self.at_length(mail, &fields, now)?,
        };
        if let Some(signer) = &self.signer {
            bytes = signer.sign(&bytes, now)?;
        }
        Ok(Rendered { envelope, bytes, subject })
    }

    /// What only this message says.
    fn fields(&self, mail: &ClaimedMail, minutes: (u32, u32), recipient: String, now: Millis) -> Fields {
        let token = self.keys.invitation_token(&mail.invitation, mail.generation);
        let link = format!("{}/s/{}", self.public_url, token.reveal());
        Fields {
            business: mail.businesses.first().map(|name| clean(name)).unwrap_or_default(),
            others: if mail.businesses.len() > 1 { joined(&mail.businesses) } else { String::new() },
            minutes: range(minutes),
            stop_link: format!("{link}/stop"),
            link,
            recipient,
            message_id: mail.message_id.chars().filter(|c| c.is_ascii_graphic() && !"<>".contains(*c)).collect(),
            boundary: mail.id.as_str().chars().filter(char::is_ascii_alphanumeric).take(40).collect(),
            date: date(now),
            case: mail.case.as_ref().map(|case| self.case(mail.language, case)).unwrap_or_default(),
        }
    }

    /// Which case a message asks about: its authority and the day on which it was closed.
    fn case(&self, language: Language, (authority, closed_on): &(String, String)) -> String {
        let day = closed_on.parse().map_or_else(|_| closed_on.clone(), |date| text::format::date(language, date));
        let authority = domain::cases::authority_title(authority, language);
        clean(&self.engine.messages().t(
            language,
            "cases.which",
            &[("authority", authority.into()), ("date", day.into())],
        ))
    }

    /// The mould for a message, cast and tried when it is the first of its kind; `None`: messages like this one have to be
    /// written out at length.
    fn mould(&self, mail: &ClaimedMail, fields: &Fields, now: Millis) -> Result<Option<Arc<Mould>>, ComposeError> {
        let with_others = !fields.others.is_empty();
        if let Some(known) = self.moulds.find(mail, with_others) {
            return Ok(known);
        }
        let marks = fields.marks();
        let words = self.words(mail, &marks)?;
        let skeleton = Words { text: TEXT_BODY.into(), html: PAGE_BODY.into(), subject: words.subject.clone() };
        let skeleton = assemble(mail, &marks, &fields.header_mark(), &skeleton, now)?;
        let (whole, _) = self.at_length(mail, fields, now)?;
        let mould = Mould::cast(&skeleton, &words.text, &words.html, &words.subject, fields).map(Arc::new);
        let filled = mould.as_ref().and_then(|mould| mould.fill(fields));
        // A message of an unusual shape says nothing about the mould, and is no reason to keep it either.
        if filled.is_none() {
            return Ok(None);
        }
        let mould = mould.filter(|_| filled.as_deref() == Some(&whole));
        self.moulds.keep(mail, with_others, mould.clone());
        Ok(mould)
    }

    /// The message without a mould, and its subject.
    fn at_length(&self, mail: &ClaimedMail, fields: &Fields, now: Millis) -> Result<(Vec<u8>, String), ComposeError> {
        let words = self.words(mail, fields)?;
        Ok((assemble(mail, fields, &fields.stop_link, &words, now)?, words.subject))
    }

    fn letter(&self, mail: &ClaimedMail, fields: &Fields) -> Result<Letter, ComposeError> {
        let municipality = &*mail.municipality;
        let settings = &municipality.settings;
        let day = |text: &str| {
            text.parse()
                .map(|date| text::format::date(mail.language, date))
                .map_err(|_| ComposeError::Setting("the closing date"))
        };
        let closes_on = mail.round.closes_on.as_deref().ok_or(ComposeError::Setting("the closing date"))?;
        Ok(Letter {
            municipality: clean(&municipality.name),
            country: municipality.country.code(),
            year: mail.round.year,
            business: fields.business.clone(),
            others: fields.others.clone(),
            minutes: fields.minutes.clone(),
            closes_on: day(closes_on)?,
            stop_link: fields.stop_link.clone(),
            link: fields.link.clone(),
            privacy_link: format!("{}/{}/privacy", self.public_url, municipality.slug),
            contact_name: clean(first_filled(&[&settings.contact_name, &municipality.name]).unwrap_or_default()),
            contact_phone: clean(&settings.contact_phone),
            replies: !settings.contact_email.trim().is_empty(),
            confirmation_url: clean(&settings.confirmation_url),
            comment_reader: clean(&settings.comment_reader),
            committee: clean(&settings.committee),
            threshold: mail.round.threshold.max(settings.threshold).max(5),
            link_cut_on: day(&mail.municipality.settings.link_cut_on(mail.round.year))?,
            dpo_email: clean(&settings.dpo_email),
            postal_address: clean(&settings.postal_address),
            free: own::MARK,
            case: fields.case.clone(),
        })
    }

    /// The words of a message.
    fn words(&self, mail: &ClaimedMail, fields: &Fields) -> Result<Words, ComposeError> {
        let letter = self.letter(mail, fields)?;
        let colour = usable_colour(&mail.municipality.settings.colour);
        self.worded(mail.kind, mail.language, &letter, colour, mail.own.as_deref())
    }

    fn worded(
        &self,
        kind: MessageKind,
        language: Language,
        letter: &Letter,
        colour: &str,
        own: Option<&OwnText>,
    ) -> Result<Words, ComposeError> {
        let template = |file: &str| format!("mail/{}/{file}", kind.as_str());
        let body = self.engine.render(&template("body.txt"), language, letter)?;
        let (subject, body) = match own.and_then(|own| own::placed(own, &body, letter)) {
            Some(worded) => worded,
            None => (self.engine.render(&template("subject.txt"), language, letter)?, body),
        };
        let subject = clean(&subject);
        let blocks = blocks(&body, letter);
        let page = Page { subject: &subject, colour, on_colour: text_on(colour), blocks: &blocks };
        let html = self.engine.render(&template("body.html"), language, &page)?;
        Ok(Words { text: plain(&blocks), html, subject })
    }
}

/// Puts a message together: headers by lettre, bodies in quoted-printable always, so that line lengths and letters are safe
/// whatever a server in between does. `stop_link` is the one of the headers.
fn assemble(
    mail: &ClaimedMail,
    fields: &Fields,
    stop_link: &str,
    words: &Words,
    now: Millis,
) -> Result<Vec<u8>, ComposeError> {
    let municipality = &*mail.municipality;
    let sender = sender(municipality)?;
    let mailbox = |name: &str, address: &str, what| -> Result<Mailbox, ComposeError> {
        let address = address.parse().map_err(|_| what)?;
        Ok(Mailbox::new(Some(name.to_owned()).filter(|n| !n.is_empty()), address))
    };
    let name = clean(&municipality.name);
    let domain = sender.rsplit_once('@').map_or("localhost", |(_, domain)| domain).to_owned();
    let mut builder = Message::builder()
        .from(mailbox(&name, &sender, ComposeError::Setting("the sender's address"))?)
        .to(mailbox("", &fields.recipient, ComposeError::Recipient)?)
        .subject(words.subject.as_str())
        .date(moment(now))
        .message_id(Some(format!("<{}>", fields.message_id)));
    if let Some(reply_to) = own_address(&municipality.settings.contact_email) {
        builder = builder.reply_to(mailbox(&name, &reply_to, ComposeError::Setting("the address for questions"))?);
    }
    for (header, value) in [
        ("Auto-Submitted", "auto-generated".to_owned()),
        // Exchange asks this one before it answers for people on holiday.
        ("X-Auto-Response-Suppress", "OOF, AutoReply".to_owned()),
        ("Content-Language", mail.language.tag().to_owned()),
        // Complaints are counted by round and message, never by person.
        ("Feedback-ID", format!("{}:{}:{}:pejling", mail.kind.as_str(), mail.round.year, municipality.slug)),
        ("List-Id", format!("<{}.{}.{domain}>", mail.round.year, municipality.slug)),
        ("List-Unsubscribe", format!("<{stop_link}>")),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
    ] {
        builder = builder.raw_header(HeaderValue::new(HeaderName::new_from_ascii_str(header), value));
    }
    let part = |kind: ContentType, body: &str| {
        let mut encoded = Vec::with_capacity(body.len() + body.len() / 8);
        quoted::text(body, &mut encoded);
        SinglePart::builder()
            .header(kind)
            .body(Body::dangerous_pre_encoded(encoded, ContentTransferEncoding::QuotedPrintable))
    };
    let message = builder.multipart(
        MultiPart::alternative()
            .boundary(format!("part-{}", fields.boundary))
            .singlepart(part(ContentType::TEXT_PLAIN, &words.text))
            .singlepart(part(ContentType::TEXT_HTML, &words.html)),
    )?;
    Ok(message.formatted())
}

/// A message's words.
struct Words {
    subject: String,
    text: String,
    html: String,
}

impl Letter {
    /// For trying the templates.
    fn sample(country: Country, full: bool) -> Self {
        let if_full = |text: &str| if full { text.to_owned() } else { String::new() };
        Self {
            municipality: "Højager Kommune".into(),
            country: country.code(),
            year: 2026,
            business: "Højager Vognmandsforretning A/S".into(),
            others: if_full("Højager Vognmandsforretning A/S, Terminalen"),
            minutes: "4–6".into(),
            closes_on: "1. oktober 2026".into(),
            link: "https://pejling.example/s/token".into(),
            stop_link: "https://pejling.example/s/token/stop".into(),
            privacy_link: "https://pejling.example/hojager/privacy".into(),
            contact_name: "Anne Holm, erhvervschef".into(),
            contact_phone: if_full("43 59 10 00"),
            replies: full,
            confirmation_url: if_full("https://hojager.example/erhverv"),
            comment_reader: if_full("erhvervskonsulenten"),
            committee: if_full("Erhvervsudvalget"),
            threshold: 5,
            link_cut_on: "31. december 2031".into(),
            dpo_email: if_full("dpo@hojager.example"),
            postal_address: if_full("Torvet 1, 2640 Højager"),
            free: own::MARK,
            case: if_full("Byggesager, afsluttet 3. november 2026"),
        }
    }
}

/// The names of the fields that templates may use.
fn fields_of(letter: &Letter) -> BTreeSet<String> {
    let value = serde_json::to_value(letter).unwrap_or_default();
    value.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

/// Text that somebody wrote, in one line: no line end or other control character gets from a value into a header or makes a block.
pub(crate) fn clean(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn first_filled<'a>(texts: &[&'a String]) -> Option<&'a str> {
    texts.iter().map(|t| t.trim()).find(|t| !t.is_empty())
}

fn joined(names: &[String]) -> String {
    names.iter().map(|name| clean(name)).collect::<Vec<_>>().join(", ")
}

fn range((low, high): (u32, u32)) -> String {
    let low = low.max(1);
    if high <= low { low.to_string() } else { format!("{low}–{high}") }
}

/// `#rrggbb` or the default.
fn usable_colour(colour: &str) -> &str {
    let digits = colour.strip_prefix('#').unwrap_or("");
    if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) { colour } else { DEFAULT_COLOUR }
}

/// White or dark, whichever can be read on `#rrggbb` (WCAG contrast of 4.5 with white).
fn text_on(colour: &str) -> &'static str {
    let part = |at: usize| {
        let byte = colour.get(at..at + 2).and_then(|h| u8::from_str_radix(h, 16).ok()).unwrap_or(0);
        let share = f64::from(byte) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let light = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
    if 1.05 / (light + 0.05) >= 4.5 { "#ffffff" } else { DARK_TEXT }
}

/// An address of ours, which every server must take.
pub(crate) fn own_address(address: &str) -> Option<String> {
    wire_address(address, true)
}

/// The address as it goes on the wire: the domain in its ASCII form. `None`: no such form. Before the `@` of somebody
/// else's address there may be letters of any script, which servers with SMTPUTF8 take.
pub(crate) fn wire_address(address: &str, own: bool) -> Option<String> {
    let (local, domain) = address.trim().rsplit_once('@')?;
    let domain = idna::domain_to_ascii(domain).ok()?;
    let address = format!("{local}@{domain}");
    Envelope::new(if own { &address } else { "us@here.example" }, &address).ok()?;
    address.parse::<lettre::Address>().ok()?;
    Some(address)
}

/// Whole seconds of this century: the Date header knows neither less nor more.
pub(crate) fn moment(now: Millis) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(now.0 / 1000).unwrap_or(0))
}

/// A moment as the Date header has it.
fn date(now: Millis) -> String {
    let now = jiff::Timestamp::from_second(now.0.max(0) / 1000).unwrap_or_default();
    now.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// The address that messages come from.
fn sender(municipality: &Municipality) -> Result<String, ComposeError> {
    let settings = &municipality.settings;
    first_filled(&[&settings.sender_email, &settings.contact_email])
        .and_then(own_address)
        .ok_or(ComposeError::Setting("the sender's address"))
}

/// Reads a rendered `body.txt` as blocks.
fn blocks(body: &str, letter: &Letter) -> Vec<Block> {
    let known = [&letter.stop_link, &letter.privacy_link, &letter.confirmation_url];
    let mut blocks = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for line in body.lines().chain([""]) {
        let line = clean(line);
        if line == own::MARK {
            continue;
        }
        if !line.is_empty() {
            lines.push(line);
            continue;
        }
        let block = match lines.as_slice() {
            [] => continue,
            [line] if line.starts_with("## ") => Block::Heading { text: line[3..].to_owned() },
            [text, url] if *url == letter.link => {
                Block::Answer { text: text.clone(), label: text.trim_end_matches(':').to_owned(), url: url.clone() }
            }
            [text, url] if known.contains(&url) => Block::Link { text: text.clone(), url: url.clone() },
            lines if lines.iter().all(|l| l.starts_with("- ")) => {
                Block::List { items: lines.iter().map(|l| l[2..].to_owned()).collect() }
            }
            lines => Block::Paragraph { lines: lines.to_vec() },
        };
        blocks.push(block);
        lines.clear();
    }
    blocks
}

/// The blocks as plain text.
fn plain(blocks: &[Block]) -> String {
    let mut out = String::new();
    for block in blocks {
        if !out.is_empty() {
            out.push('\n');
        }
        match block {
            Block::Heading { text } => {
                out.push_str(&format!("{text}\n{}\n", "-".repeat(text.chars().count())));
                continue;
            }
            Block::List { items } => items.iter().for_each(|item| out.push_str(&format!("- {item}\n"))),
            Block::Answer { text, url, .. } | Block::Link { text, url } => out.push_str(&format!("{text}\n{url}\n")),
            Block::Paragraph { lines } => lines.iter().for_each(|line| out.push_str(&format!("{line}\n"))),
        }
    }
    out
}

/// Does this municipality state everything that its mails promise to name?
///
/// Returns the names of settings that are missing; mail can be sent without them, but says less.
#[must_use]
pub fn missing_settings(municipality: &Municipality) -> Vec<&'static str> {
    let s = &municipality.settings;
    [
        ("sender_email", &s.sender_email),
        ("contact_name", &s.contact_name),
        ("contact_phone", &s.contact_phone),
        ("contact_email", &s.contact_email),
        ("confirmation_url", &s.confirmation_url),
        ("postal_address", &s.postal_address),
        ("comment_reader", &s.comment_reader),
        ("dpo_email", &s.dpo_email),
        ("committee", &s.committee),
    ]
    .into_iter()
    .filter(|(_, value)| value.trim().is_empty())
    .map(|(name, _)| name)
    .collect()
}

#[cfg(test)]
pub(crate) mod tests;
