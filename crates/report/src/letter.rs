//! Letters to those whom mail does not reach: one page each for a window envelope, with the personal link as a code for a
//! telephone's camera and as an address that can be typed.
use std::collections::HashMap;

use domain::fieldwork::MessageKind;
use domain::language::{Country, Language};
use domain::municipality::Municipality;
use serde::Serialize;
use text::format;
use text::messages::{Arg, Messages};

use crate::paper::{self, PaperError};
use crate::qr;

/// The template, typst source.
const TEMPLATE: &str = include_str!("../../../templates/report/letter.typ");

/// Sizes of print in points, the best one first: a letter whose words do not fit its page takes the next.
const SIZES: [f64; 5] = [10.0, 9.5, 9.0, 8.5, 8.0];

/// What all letters of a wave have in common.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// Who asks.
    pub municipality: &'a Municipality,
    /// The round's year.
    pub year: i32,
    /// Invitation or which reminder.
    pub kind: MessageKind,
    /// Last day of answering.
    pub closes_on: jiff::civil::Date,
    /// The day that stands on the letter.
    pub written_on: jiff::civil::Date,
    /// Fewest answers behind a shown figure.
    pub threshold: u32,
    /// Expected time of answering in minutes: median, 90th percentile.
    pub minutes: (u32, u32),
    /// The address people see, without a trailing slash.
    pub public_url: &'a str,
}

/// One letter. No `Debug`: it holds personal links.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// The language in which it is written.
    pub language: Language,
    /// Who is addressed.
    pub name: String,
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postcode: String,
    /// Town.
    pub city: String,
    /// What stands on it, to be told on the telephone or read from an envelope that comes back.
    pub reference: String,
    /// The workplaces with their codes (the last part of the personal link); one, except to a company in Digital Post.
    pub workplaces: Vec<Workplace>,
}

/// A workplace with its code. No `Debug`: the code is personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Workplace {
    /// Name and street.
    pub label: String,
    /// The last part of the personal link.
    pub code: String,
}

#[derive(Serialize)]
struct Content {
    title: String,
    author: String,
    lang: &'static str,
    colour: String,
    size: f64,
    letters: Vec<Page>,
}

#[derive(Serialize)]
struct Page {
    lang: &'static str,
    sender: Vec<String>,
    back: String,
    address: Vec<String>,
    date: String,
    reference: String,
    subject: String,
    greeting: String,
    opening: Vec<String>,
    answer: String,
    workplaces: Vec<Place>,
    hints: Vec<String>,
    genuine_title: String,
    genuine: String,
    promise_title: String,
    promises: Vec<String>,
    source_title: String,
    source: String,
    stop_title: String,
    stop: String,
    regards: String,
    signature: Vec<String>,
}

#[derive(Serialize)]
struct Place {
    label: String,
    host: String,
    code: String,
    url: String,
    file: String,
    alt: String,
}

/// A personal link.
#[must_use]
pub fn link(public_url: &str, code: &str) -> String {
    format!("{public_url}/s/{code}")
}

/// A code as people type it: in groups. The hyphens may be left out.
#[must_use]
pub fn grouped(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    let groups = (letters.len() / 5).max(1);
    let cut = |i: usize| if i == groups { letters.len() } else { i * 5 };
    (0..groups).map(|i| letters[cut(i)..cut(i + 1)].iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// Sets letters as one tagged PDF, a page each, in the order given.
///
/// # Errors
/// [`PaperError::Typesetting`] when a letter does not fit its page even in the smallest print.
pub fn letters(messages: &Messages, occasion: &Occasion<'_>, list: &[Letter]) -> Result<Vec<u8>, PaperError> {
    // What is longest needs the smallest print, and all look alike. A handful is tried, then everything is set once.
    let mut longest: Vec<&Letter> = list.iter().collect();
    longest.sort_by_key(|letter| std::cmp::Reverse(letter.name.len() * 2 + letter.street.len()));
    let mut tried: Vec<Letter> = Vec::new();
    for language in Language::ALL {
        tried.extend(longest.iter().filter(|l| l.language == language).take(2).map(|l| (*l).clone()));
    }
    for size in SIZES {
        if set(messages, occasion, &tried, size)?.0 > tried.len() {
            continue;
        }
        let (pages, pdf) = set(messages, occasion, list, size)?;
        if pages == list.len() {
            return Ok(pdf);
        }
    }
    Err(PaperError::Typesetting("a letter does not fit one page: a setting of the municipality is too long".to_owned()))
}

/// Sets the letter to a company with all its workplaces, on as many pages as it takes.
///
/// # Errors
/// [`PaperError::Typesetting`] when something in it cannot be set.
pub fn company_letter(messages: &Messages, occasion: &Occasion<'_>, letter: &Letter) -> Result<Vec<u8>, PaperError> {
    Ok(set(messages, occasion, std::slice::from_ref(letter), SIZES[0])?.1)
}

/// The subject of the letters in a language.
#[must_use]
pub fn subject(messages: &Messages, occasion: &Occasion<'_>, language: Language) -> String {
    let args: [(&str, Arg); 2] = [
        ("municipality", occasion.municipality.name.as_str().into()),
        ("closes_on", format::date(language, occasion.closes_on).into()),
    ];
    messages.t(language, &format!("mail.{}_subject", occasion.kind.as_str()), &args)
}

fn set(
    messages: &Messages,
    occasion: &Occasion<'_>,
    list: &[Letter],
    size: f64,
) -> Result<(usize, Vec<u8>), PaperError> {
    let mut files = HashMap::new();
    let municipality = occasion.municipality;
    let language = municipality.settings.language;
    let letters = list.iter().map(|letter| page(messages, occasion, letter, &mut files)).collect::<Result<_, _>>()?;
    let content = Content {
        title: messages.t(language, "letter.title", &[("year", occasion.year.into())]),
        author: municipality.name.clone(),
        lang: language.tag(),
        colour: municipality.settings.colour.clone(),
        size,
        letters,
    };
    let json = serde_json::to_vec(&content).map_err(|e| PaperError::Typesetting(e.to_string()))?;
    files.insert("content.json".to_owned(), json);
    paper::pages(TEMPLATE, files)
}

fn page(
    messages: &Messages,
    occasion: &Occasion<'_>,
    letter: &Letter,
    files: &mut HashMap<String, Vec<u8>>,
) -> Result<Page, PaperError> {
    let language = letter.language;
    let municipality = occasion.municipality;
    let settings = &municipality.settings;
    let t = |key: &str, args: &[(&str, Arg)]| messages.t(language, key, args);
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let name: Arg = municipality.name.as_str().into();
    let closes_on = format::date(language, occasion.closes_on);
    let phone = filled(&settings.contact_phone);
    let committee = filled(&settings.committee);

    let mut workplaces = Vec::with_capacity(letter.workplaces.len());
    for place in &letter.workplaces {
        let url = link(occasion.public_url, &place.code);
        let svg = qr::svg(&url)
            .ok_or_else(|| PaperError::Typesetting("public_url is too long for a code on paper".to_owned()))?;
        let file = format!("{}.svg", files.len());
        files.insert(file.clone(), svg.into_bytes());
        workplaces.push(Place {
            label: place.label.clone(),
            host: format!("{}/s/", occasion.public_url),
            code: grouped(&place.code),
            alt: t("letter.code_alt", &[("business", place.label.as_str().into())]),
            url,
            file,
        });
    }
    let several = workplaces.len() > 1;

    let opening_key = format!("mail.{}_opening", occasion.kind.as_str());
    let opening_args: [(&str, Arg); 3] =
        [("municipality", name.clone()), ("year", occasion.year.into()), ("closes_on", closes_on.as_str().into())];
    let mut opening = vec![t(&opening_key, &opening_args)];
    opening.push(match (occasion.kind, &committee) {
        (MessageKind::Reminder2, _) => t("mail.reminder2_reason", &[]),
        (MessageKind::Reminder3, _) => t("mail.reminder3_promise", &[]),
        (_, Some(committee)) => t("mail.use_committee", &[("committee", committee.as_str().into())]),
        (_, None) => t("mail.use_council", &[]),
    });
    opening.push(t("mail.effort", &[("minutes", minutes(occasion.minutes).into())]));

    let mut hints = vec![t("letter.typing", &[])];
    if let Some(phone) = &phone {
        let args = [("phone", phone.as_str().into()), ("reference", letter.reference.as_str().into())];
        hints.push(t("letter.by_phone", &args));
    }
    hints.push(t("mail.link_is_yours", &[]));

    let who = filled(&settings.contact_name).unwrap_or_else(|| municipality.name.clone());
    let mut genuine = vec![t("mail.genuine_who", &[("contact_name", who.as_str().into())])];
    if let Some(phone) = &phone {
        genuine
            .push(t("mail.genuine_call", &[("municipality", name.clone()), ("contact_phone", phone.as_str().into())]));
    }
    if let Some(url) = filled(&settings.confirmation_url) {
        genuine.push(format!("{} {url}", t("mail.genuine_page", &[])));
    }

    let reader = filled(&settings.comment_reader).unwrap_or_else(|| t("mail.promise_reader_default", &[]));
    let quotes = match &committee {
        Some(committee) => t("mail.promise_quotes", &[("committee", committee.as_str().into())]),
        None => t("mail.promise_quotes_politicians", &[]),
    };
    let cut_on = settings.link_cut_on(occasion.year);
    let cut_on = cut_on.parse().map_or(cut_on, |date| format::date(language, date));
    let country = |key: &str| match municipality.country {
        Country::Dk => t(&format!("{key}_dk"), &[]),
        Country::Se => t(&format!("{key}_se"), &[]),
    };
    let promises = vec![
        t("mail.promise_confidential", &[]),
        t("mail.promise_known", &[]),
        t("mail.promise_figures", &[("n", occasion.threshold.max(settings.threshold).max(5).into())]),
        format!("{} {quotes}", t("mail.promise_comments", &[("reader", reader.into())])),
        t("mail.promise_cases", &[]),
        t("mail.promise_link", &[("link_cut_on", cut_on.into())]),
        country("mail.access"),
    ];

    let mut source =
        vec![country("letter.source"), t("mail.controller", &[("municipality", name)]), t("mail.rights", &[])];
    if let Some(address) = filled(&settings.dpo_email) {
        source.push(t("mail.dpo", &[("dpo_email", address.into())]));
    }
    source.push(country("mail.complaint"));
    source.push(format!("{} {}/{}/privacy", t("mail.privacy", &[]), occasion.public_url, municipality.slug));

    let stop = match (&phone, several) {
        (Some(phone), false) => t("letter.stop_or_call", &[("phone", phone.as_str().into())]),
        (None, false) => t("letter.stop", &[]),
        (Some(phone), true) => t("letter.stop_each_or_call", &[("phone", phone.as_str().into())]),
        (None, true) => t("letter.stop_each", &[]),
    };
    let postal: Vec<String> = settings.postal_address.split(',').filter_map(filled).collect();
    let mut sender = vec![municipality.name.clone()];
    sender.extend(postal.iter().cloned());
    sender.extend(phone);
    sender.extend(filled(&settings.contact_email));
    let mut signature = vec![who];
    if signature[0] != municipality.name {
        signature.push(municipality.name.clone());
    }
    let back: Vec<String> = [municipality.name.clone()].into_iter().chain(postal).collect();
    Ok(Page {
        lang: language.tag(),
        sender,
        back: back.join(", "),
        address: [letter.name.clone(), letter.street.clone(), format!("{} {}", letter.postcode, letter.city)]
            .iter()
            .filter_map(|line| filled(line))
            .collect(),
        date: format::date(language, occasion.written_on),
        reference: t("letter.reference", &[("reference", letter.reference.as_str().into())]),
        subject: subject(messages, occasion, language),
        greeting: t("mail.greeting", &[("business", letter.name.as_str().into())]),
        opening,
        answer: t(if several { "letter.answer_each" } else { "letter.answer" }, &[("closes_on", closes_on.into())]),
        workplaces,
        hints,
        genuine_title: t("letter.genuine_title", &[]),
        genuine: genuine.join(" "),
        promise_title: t("mail.promise_title", &[]),
        promises,
        source_title: t("mail.source_title", &[]),
        source: source.join(" "),
        stop_title: t("mail.stop_title", &[]),
        stop,
        regards: t("mail.regards", &[]),
        signature,
    })
}

/// `4–6`, or one number where both are the same.
fn minutes((median, slow): (u32, u32)) -> String {
    let median = median.max(1);
    if slow <= median { median.to_string() } else { format!("{median}–{slow}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_typed_in_groups_of_five_and_no_short_rest() {
        assert_eq!(grouped("abcdefghijkmnpqrstuvwxyz23"), "abcde-fghij-kmnpq-rstuv-wxyz23");
        assert_eq!(grouped("abcdefghij"), "abcde-fghij");
        assert_eq!(grouped("abc"), "abc");
    }
}
