//! Finds personal data in free text, and what would tell which business wrote it, and puts a mark in its place.
//!
//! Rather too much than too little: what is covered here can be uncovered by the analyst, what slips through cannot be called back.
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use domain::language::Language;
use regex::Regex;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Found {
    /// Danish CPR number.
    Cpr,
    /// Swedish personnummer or samordningsnummer.
    Personnummer,
    /// E-mail address.
    Email,
    /// Address on the web.
    Url,
    /// Bank account, IBAN, giro or card number.
    Account,
    /// Telephone number.
    Phone,
    /// A person's name.
    Name,
    /// The business's own name.
    Business,
    /// The business's owner.
    Owner,
    /// The business's own street.
    Street,
}

impl Found {
    /// The word in `redacted.csv` and in the mark.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cpr => "cpr",
            Self::Personnummer => "personnummer",
            Self::Email => "email",
            Self::Url => "url",
            Self::Account => "account",
            Self::Phone => "phone",
            Self::Name => "name",
            Self::Business => "business",
            Self::Owner => "owner",
            Self::Street => "street",
        }
    }
}

/// What the frame knows of the business that wrote a text.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Its name, as registered.
    pub name: String,
    /// Its owner, where the register names a person.
    pub owner: String,
    /// Its street and number.
    pub street: String,
}

/// No name reaches a log.
impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known(..)")
    }
}

/// A text with marks in place of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text.
    pub text: String,
    /// The kinds found.
    pub found: BTreeSet<Found>,
}

/// Redacts a text. `known` is what the frame says of its writer; empty fields are not looked for.
#[must_use]
pub fn redact(text: &str, language: Option<Language>, known: &Known) -> Redacted {
    let mut spans: Vec<(Range<usize>, Found)> = Vec::new();
    // In the order of certainty: what is taken already is not looked at again.
    let mut take = |range: Range<usize>, found: Found| {
        if !range.is_empty() && spans.iter().all(|(taken, _)| range.end <= taken.start || taken.end <= range.start) {
            spans.push((range, found));
        }
    };
    for found in EMAIL.find_iter(text) {
        take(found.range(), Found::Email);
    }
    for found in URL.find_iter(text) {
        let trimmed = found.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
        take(found.start()..found.start() + trimmed.len(), Found::Url);
    }
    for found in IBAN.find_iter(text) {
        take(found.range(), Found::Account);
    }
    for found in ACCOUNT.captures_iter(text) {
        if let Some(number) = found.get(1) {
            take(number.range(), Found::Account);
        }
    }
    for found in DIGITS.find_iter(text) {
        number(text, found.range(), language, &mut take);
    }
    for (range, found) in own(text, known) {
        take(range, found);
    }
    for range in names(text) {
        take(range, Found::Name);
    }
    spans.sort_by_key(|(range, _)| range.start);
    let mut redacted = Redacted { text: String::with_capacity(text.len()), found: BTreeSet::new() };
    let mut from = 0;
    for (range, found) in spans {
        redacted.text.push_str(&text[from..range.start]);
        redacted.text.push('[');
        redacted.text.push_str(found.word());
        redacted.text.push(']');
        redacted.found.insert(found);
        from = range.end;
    }
    redacted.text.push_str(&text[from..]);
    redacted
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant, and a test uses it")
}

static EMAIL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)[\w.+\-]+\s?(?:@|\(a\)|\[at\]|\(at\))\s?[\w\-]+(?:\.[\w\-]+)*\.[a-z]{2,}"));
static URL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:https?://|www\.)\S+|\b[\w\-]+(?:\.[\w\-]+)*\.(?:dk|se|com|net|org|eu|nu|io|info|biz|no|de|shop|online)\b(?:/\S*)?",
    )
});
static IBAN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[A-Z]{2}\d{2}(?:[ ]?[0-9A-Z]{2,4}){3,7}\b"));
/// A number that its own word calls an account.
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:konto|kontonr|kontonummer|kto|reg|regnr|reg\.?\s?nr|registreringsnummer|bankkonto|bankgiro|plusgiro|postgiro|giro|bg|pg|iban|account|clearing|clearingnr|kortnummer|card)\.?(?:\s?(?:nr|nummer|number|no)\.?)?\s?[:#]?\s?(\d[\d \-./]{2,}\d)",
    )
});
/// Anything that looks like a long number, however it is spaced.
static DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\(?\+?\(?\d(?:[ \t\u{a0}\-–./()+]{0,3}\d){5,23}"));

fn days(month: u32, leap: bool) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        1..=12 => 31,
        _ => 0,
    }
}

/// Is it a date? Two digits do not tell the century, so every fourth year may be a leap year.
fn date(day: u32, month: u32, year: u32) -> bool {
    (1..=days(month, year.is_multiple_of(4))).contains(&day)
}

/// Does the check digit of a Swedish number hold?
fn luhn(digits: impl Iterator<Item = u32>) -> bool {
    let weighed = digits.enumerate().map(|(at, digit)| if at % 2 == 0 { digit * 2 } else { digit });
    weighed.map(|d| d / 10 + d % 10).sum::<u32>().is_multiple_of(10)
}

static IMPOSSIBLE_CPR: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\(?\d{6}[-–]\d{4}\)?$"));

/// Decides what a run of digits is: a person's number, an account, a telephone, or an amount, a year, a date, and then nothing.
fn number(text: &str, range: Range<usize>, language: Option<Language>, take: &mut impl FnMut(Range<usize>, Found)) {
    // A word before it, as in "P12345678", is not part of a number, but it is not left standing either.
    let run = &text[range.clone()];
    let positions: Vec<(usize, u32)> =
        run.char_indices().filter_map(|(at, c)| c.to_digit(10).map(|d| (range.start + at, d))).collect();
    let pairs = |from: usize| positions[from].1 * 10 + positions[from + 1].1;
    let separated = |from: usize, to: usize| &text[positions[from].0 + 1..positions[to].0];
    // Persons' numbers may stand inside a longer run ("010180-1234 12 34 56 78").
    for (length, start) in [12, 10].into_iter().flat_map(|l| (0..positions.len()).map(move |s| (l, s))) {
        if start + length > positions.len() {
            continue;
        }
        let end = start + length;
        let free_before = start == 0 || !separated(start - 1, start).is_empty();
        let free_after = end == positions.len() || !separated(end - 1, end).is_empty();
        let head = end - 10;
        let tight = |from: usize, to: usize| (from + 1..to).all(|i| separated(i - 1, i).is_empty());
        let joint = separated(head + 5, head + 6).trim();
        if !free_before || !free_after || !tight(start, head + 6) || !tight(head + 6, end) || joint.chars().count() > 1
        {
            continue;
        }
        let (a, b, c) = (pairs(head), pairs(head + 2), pairs(head + 4));
        let danish = length == 10 && date(a, b, c);
        let head_digits = || positions[head..end].iter().map(|(_, digit)| *digit);
        // In a Danish text, an impossible CPR number is no Swedish number by the mere look of it.
        let look_alike = language == Some(Language::Da) && length == 10;
        let swedish = if look_alike {
            date(c, b, a) && luhn(head_digits())
        } else {
            date(c, b, a) || (c > 60 && date(c - 60, b, a))
        };
        // Swedish mobile numbers in one run read as the numbers of children born in January to September 2007.
        let run_of_ten = positions.len() == 10 && separated(head + 5, head + 6).is_empty();
        if language == Some(Language::Sv) && run_of_ten && head_digits().take(3).eq([0, 7, 0]) {
            continue;
        }
        let century = length == 10 || [18, 19, 20].contains(&pairs(start));
        let kind = match (danish, swedish && century, language) {
            (true, true, Some(Language::Sv)) | (false, true, _) => Found::Personnummer,
            (true, ..) => Found::Cpr,
            _ => continue,
        };
        take(positions[start].0..positions[end - 1].0 + 1, kind);
        if start > 6 {
            number(text, range.start..positions[start - 1].0 + 1, language, take);
        }
        if positions.len() - end > 6 {
            number(text, positions[end].0..range.end, language, take);
        }
        return;
    }
    if is_date_or_years(run) || is_amount(text, &range) {
        return;
    }
    // Written as a CPR number, but of no date: in Danish neither a person's number nor a telephone is written so.
    if language == Some(Language::Da) && IMPOSSIBLE_CPR.is_match(run) {
        return;
    }
    match positions.len() {
        8..=13 => take(range, Found::Phone),
        14.. => take(range, Found::Account),
        // "08-12 34 56" and "012-34 56 7": Swedish numbers begin with a nought.
        6 | 7 if run.trim_start_matches('(').starts_with('0') => take(range, Found::Phone),
        _ => {}
    }
}

static DATES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:(?:19|20)\d\d\s?[-–/]\s?(?:19|20)\d\d|\d{1,2}[./\-]\s?\d{1,2}[./\-]\s?(?:19|20)\d\d|(?:19|20)\d\d[./\-]\d{1,2}[./\-]\d{1,2}|(?:19|20)\d\d(?:, ?| )(?:19|20)\d\d)$",
    )
});

fn is_date_or_years(run: &str) -> bool {
    DATES.is_match(run.trim())
}

static GROUPED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d{1,3}(?:[.\u{a0}]\d{3})+$"));
static UNIT_AFTER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)^(?:[,.]\d+|,-)?\s?(?:kr\b|kroner|kronor|dkk|sek|euro?\b|€|mio|mia|tkr|m2|m²|kvm|kwh|ton\b|%)")
});
static UNIT_BEFORE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)(?:kr\.?|dkk|sek|eur|€)\s?$"));

fn is_amount(text: &str, range: &Range<usize>) -> bool {
    let (before, after) = (&text[..range.start], &text[range.end..]);
    GROUPED.is_match(&text[range.clone()]) || UNIT_AFTER.is_match(after) || UNIT_BEFORE.is_match(before)
}

/// Words after which a person is named. A greeting may be followed by a name in lower case.
static INTRODUCED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?:(?i:\b(?:sagsbehandler(?:en)?|byggesagsbehandler(?:en)?|medarbejder(?:en)?|konsulent(?:en)?|erhvervskonsulent(?:en)?|erhvervschef(?:en)?|",
        r"borgmester(?:en)?|leder(?:en)?|chef(?:en)?|inspektør(?:en)?|kommunaldirektør(?:en)?|direktør(?:en)?|kontakt(?:person(?:en)?)?|kollega|",
        r"handläggare(?:n)?|bygglovshandläggare(?:n)?|inspektör(?:en)?|chefen|näringslivschef(?:en)?|kommunalråd(?:et)?|företagslots(?:en)?|",
        r"case\s?(?:officer|worker|handler)|inspector|adviser|advisor|manager|mayor|director|contact(?:\sperson)?|colleague|",
        r"hr|fru|frk|frøken|herr|fröken|mr|mrs|ms|dr|ring(?:e)?\stil|tal(?:e|te)?\smed|talt\smed|snakke(?:de|t)?\smed|spurgt|tak\stil|takket\sv[æa]re|ros\stil|",
        r"ring(?:a|de)?\still|prata(?:de|t)?\smed|talade\smed|tack\still|tack\svare|beröm\still|call|talk(?:ed)?\sto|spoke\s(?:to|with)|thanks\sto|",
        r"mit\snavn\ser|jeg\shedder|navnet\ser|jag\sheter|mitt\snamn\sär|my\sname\sis|i\sam\scalled|att|attn|v/|ved)\b)|v/)[.:,]?\s+",
    ))
});
static GREETING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:(?:med\s)?(?:venlig|venlige|kærlig|bedste|de\sbedste|mange)\s?hilsen(?:er)?|hilsen|hilsner|mvh|vh|kh|dbh|",
        r"(?:med\s)?(?:vänlig|vänliga|bästa)?\s?hälsning(?:ar|en)?|hälsar|/hälsningar|(?:kind|best|warm)?\s?regards|sincerely|cheers|br)\b[.,:!]?\s*",
    ))
});
/// One to three words with a capital letter, particles in between ("van", "af", "de la").
static PERSON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\p{Lu}(?:[\p{L}'’]+|\.)(?:[\- ]\p{Lu}(?:[\p{L}'’]+|\.)| (?:von|van|af|av|de|der|den|la|el|al) \p{Lu}[\p{L}'’]+){0,3}",
    )
});
static SIGNED: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\p{L}'’.\-]+(?: [\p{L}'’.\-]+){0,2}\s*[.!]?\s*$"));
static CAPITALISED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\p{Lu}\p{L}+"));

/// Capitalised words that follow such words without being a person.
const NO_PERSON: [&str; 66] = [
    "Kommunen",
    "Kommune",
    "Køge",
    "Høje",
    "Taastrup",
    "Dragør",
    "Kristianstad",
    "Kristianstads",
    "Danmark",
    "Sverige",
    "Denmark",
    "Sweden",
    "Københavns",
    "København",
    "Malmö",
    "Jobcenter",
    "Jobcenteret",
    "Jobcentret",
    "Erhvervshus",
    "Erhvervshuset",
    "Jeg",
    "Vi",
    "Det",
    "Den",
    "De",
    "Der",
    "Du",
    "I",
    "Men",
    "Og",
    "Hun",
    "Han",
    "Som",
    "Hvis",
    "Når",
    "Alle",
    "Ingen",
    "Jag",
    "Ni",
    "Det",
    "Dom",
    "Hon",
    "När",
    "Om",
    "Och",
    "Alla",
    "The",
    "We",
    "They",
    "It",
    "He",
    "She",
    "You",
    "But",
    "And",
    "If",
    "When",
    "There",
    "This",
    "That",
    "Plan",
    "Teknik",
    "Miljø",
    "Miljö",
    "Borger",
    "Byråd",
];

/// First names that are no ordinary words: with a capital inside a sentence they name a person.
const FIRST_NAMES: &str = "Anders Anna Anne Annette Ahmed Ali Alexander Alice Andreas Anette Annika Astrid Axel Benny Bente Berit Birgit Birgitte Birthe Björn Bjarne \
Camilla Carl Carsten Cecilie Charlotte Christian Christina Christoffer Claus Connie Daniel Ditte Dorte Dorthe Ebba Elin Elisabeth Ellen Else Emil Emma Erik Erika \
Eva Fatima Flemming Frederik Freja Gitte Gunnar Gustav Hanne Hans Hassan Heidi Helena Helle Henning Henrik Håkan Ida Inga Inge Inger Ingrid Irene Isabella Jacob \
Jakob Jan Janne Jeanette Jens Jenny Jeppe Jesper Jette Johan Johanna Johannes John Jonas Jørgen Josefine Julie Jytte Kaj Karen Karin Karina Karl Karsten Kasper \
Katarina Kathrine Katrine Kenneth Kerstin Kim Kirsten Kirstine Klaus Kristian Kristina Kurt Lars Lasse Laura Leif Lena Lene Linda Linnea Lis Lisa Lisbeth Lise \
Lone Lotte Louise Lukas Magnus Mads Maja Malene Margit Margrethe Maria Mariam Marianne Marie Martin Mathias Mathilde Mats Merete Mette Michael Mikael Mikkel Mogens \
Mohamed Mohammed Morten Nanna Niels Nikolaj Nina Ole Oliver Omar Oskar Palle Pernille Peter Philip Pia Poul Rasmus Rikke Robert Sanne Sara Sarah Sebastian Signe \
Simon Sofia Sofie Solveig Stefan Steen Sten Stig Susanne Susan Søren Tanja Thomas Thorbjørn Tina Tobias Tommy Torben Trine Ulla Ulrik Ursula Vibeke Viktor Vivi William \
Yusuf Åsa";

/// Names of persons: introduced by a word, signed under a text, or a first name with a capital.
fn names(text: &str) -> Vec<Range<usize>> {
    let mut names = Vec::new();
    let person = |at: usize| {
        let found = PERSON.find(&text[at..])?;
        let mut to = at + found.end();
        let words: Vec<&str> = found.as_str().split(' ').collect();
        if NO_PERSON.contains(&words[0]) {
            return None;
        }
        // "sagsbehandler Mette Det var": the sentence that follows is not her name.
        if let Some(cut) = words.iter().position(|w| NO_PERSON.contains(w)) {
            to = at + words[..cut].join(" ").len();
        }
        Some(at..to)
    };
    for found in INTRODUCED.find_iter(text) {
        names.extend(person(found.end()));
    }
    for found in GREETING.find_iter(text) {
        let rest = &text[found.end()..];
        let line = rest.split('\n').find(|l| !l.trim().is_empty()).unwrap_or_default();
        let at = found.end() + rest.find(line).unwrap_or(0);
        if !line.is_empty() && SIGNED.is_match(line) {
            let name = line.trim().trim_end_matches(['.', '!']);
            names.push(at..at + name.len());
        } else {
            names.extend(person(at));
        }
    }
    for found in CAPITALISED.find_iter(text) {
        let bare = found.as_str().strip_suffix('s').unwrap_or(found.as_str());
        let listed = |name: &str| FIRST_NAMES.split_whitespace().any(|n| n == name);
        if listed(found.as_str()) || listed(bare) {
            names.extend(person(found.start()));
        }
    }
    names
}

/// Words in the names of very many businesses, which tell nobody which one it is.
const COMMON_IN_NAMES: &str = "aps as ivs ab hb kb is ks amba smba fmba holding group gruppen danmark denmark sverige sweden scandinavia nordic service services firma \
firmaet virksomhed virksomheden company bolag bolaget og och and ved den det the af av for til entreprise entreprenør byg bygg bygge byggeri tømrer tømrerfirma tømrermester \
murer murerfirma murermester maler malerfirma malermester smed vvs installation installationer elektriker transport vognmand vognmandsforretning auto autoværksted bil biler \
bageri konditori kaffe café cafe restaurant restaurang pizzeria grill kiosk butik shop salon frisør frisörsalong klinik clinic tandlæge tandlægerne tandläkare læge lægehus \
konsult consult consulting rådgivning ejendomme ejendom fastighet fastigheter invest rengøring städ haveservice gartneri handel import export trading it data design reklame \
revision revisor advokat advokatfirma advokaterne hotel hotell camping produktion production maskiner maskin industri industries skole skola børnehave lager logistik logistics \
energi teknik technic solutions partner partners net web digital media studio center centret centrum huset gården køkken mad food foods vin møbler tøj sko blomster";

fn words(text: &str) -> Vec<(Range<usize>, String)> {
    let mut words = Vec::new();
    let mut from = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_alphanumeric(), from) {
            (true, None) => from = Some(at),
            (false, Some(start)) => {
                words.push((start..at, text[start..at].to_lowercase()));
                from = None;
            }
            _ => {}
        }
    }
    words
}

/// The business's own name, owner and street, whole or in the parts that give it away.
fn own(text: &str, known: &Known) -> Vec<(Range<usize>, Found)> {
    let mut spans = Vec::new();
    let written = words(text);
    let common = |word: &str| COMMON_IN_NAMES.split_whitespace().any(|c| c == word);
    for (name, kind) in [(&known.owner, Found::Owner), (&known.name, Found::Business), (&known.street, Found::Street)] {
        let parts: Vec<String> = words(name).into_iter().map(|(_, w)| w).collect();
        if parts.is_empty() {
            continue;
        }
        // The whole, with or without its legal form or house number at the end, however it is punctuated.
        let mut whole = parts.clone();
        while whole.len() > 1
            && whole.last().is_some_and(|w| common(w) || w.len() == 1 || w.starts_with(|c: char| c.is_ascii_digit()))
        {
            whole.pop();
        }
        let fits = |word: &str, part: &str| word == part || word.strip_suffix('s') == Some(part);
        for start in 0..written.len() {
            let same = |parts: &[String]| {
                written.len() >= start + parts.len()
                    && parts.iter().zip(&written[start..]).all(|(part, (_, word))| fits(word, part))
            };
            let longest = (whole.len()..=parts.len()).rev().find(|n| same(&parts[..*n]));
            let length = longest.unwrap_or(whole.len());
            // A name that is nothing but common words ("Hotel") gives nobody away by its own.
            let telling = length > 1 || !common(&whole[0]) || kind != Found::Business;
            if longest.is_some() && telling && whole.iter().map(|w| w.chars().count()).sum::<usize>() >= 3 {
                let mut to = written[start + length - 1].0.end;
                // The house number after a street goes with it.
                if let (Found::Street, Some((range, word))) = (kind, written.get(start + length))
                    && word.starts_with(|c: char| c.is_ascii_digit())
                    && text[to..range.start].trim().is_empty()
                {
                    to = range.end;
                }
                spans.push((written[start].0.start..to, kind));
            }
        }
        if kind == Found::Street {
            continue;
        }
        // Single telling words with a capital: the surname of an owner, the made-up word of a name.
        for (range, word) in &written {
            let capital = text[range.clone()].starts_with(char::is_uppercase);
            let part =
                parts.iter().find(|p| fits(word, p) && p.chars().count() >= if kind == Found::Owner { 3 } else { 4 });
            if capital && part.is_some_and(|p| !common(p)) {
                spans.push((range.clone(), kind));
            }
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (String, String) {
        in_language(text, Some(Language::Da))
    }

    fn in_language(text: &str, language: Option<Language>) -> (String, String) {
        let redacted = redact(text, language, &Known::default());
        let found: Vec<&str> = redacted.found.iter().map(|f| f.word()).collect();
        (redacted.text, found.join(" "))
    }

    #[track_caller]
    fn gone(text: &str, kind: &str) {
        let (redacted, found) = of(text);
        assert_eq!(found, kind, "{text} → {redacted}");
    }

    #[track_caller]
    fn stays(text: &str) {
        assert_eq!(of(text), (text.to_owned(), String::new()));
    }

    #[test]
    fn persons_numbers_need_a_valid_date_and_no_check_digit() {
        gone("mit cpr er 010190-1234", "cpr");
        gone("cpr 311299 4321.", "cpr");
        gone("2902961234", "cpr");
        gone("(010190-1234)", "cpr");
        assert_eq!(of("cpr 010190-1234 og 020291-4321"), ("cpr [cpr] og [cpr]".into(), "cpr".into()));
        assert_eq!(in_language("personnummer 850709-1234", Some(Language::Sv)).1, "personnummer");
        assert_eq!(in_language("19850709-1234", None).1, "personnummer");
        assert_eq!(in_language("198507091234", None).1, "personnummer");
        assert_eq!(in_language("850769-1234", Some(Language::Sv)).1, "personnummer");
        assert_eq!(in_language("101112-1234", Some(Language::Sv)).1, "personnummer");
        assert_eq!(in_language("101112-1234", Some(Language::Da)).1, "cpr");
        // No date, so no CPR: ten digits in one run are still taken for a telephone.
        assert_eq!(of("9913991234").1, "phone");
    }

    #[test]
    fn an_impossible_date_is_no_persons_number() {
        for text in ["310280-1234", "320180-1234", "290201-4321", "sag 311399-1234", "(000190-1234)"] {
            assert_eq!(in_language(text, Some(Language::Da)), (text.to_owned(), String::new()));
        }
        // In a Danish text a Swedish number is known by its check digit, and by its century.
        assert_eq!(in_language("850709-9805 er svensk", Some(Language::Da)).1, "personnummer");
        assert_eq!(in_language("19850769-1234", Some(Language::Da)).1, "personnummer");
        assert_eq!(in_language("0701234567", Some(Language::Sv)).1, "phone");
        assert_eq!(in_language("070123-4567", Some(Language::Sv)).1, "personnummer");
    }

    #[test]
    fn telephones_are_found_in_all_spacings() {
        for number in [
            "12345678",
            "12 34 56 78",
            "1234 5678",
            "12-34-56-78",
            "+45 12 34 56 78",
            "+4512345678",
            "0045 12345678",
            "(+45) 1234 5678",
            "123 45 678",
            "12.34.56.78",
            "070-123 45 67",
            "073-945 00 01",
            "+46 70 123 45 67",
            "044-13 50 00",
            "08-123 456 78",
            "12 345 678",
            "1 2 3 4 5 6 7 8",
        ] {
            let (text, found) = of(&format!("Ring på {number} i morgen"));
            assert_eq!((text.as_str(), found.as_str()), ("Ring på [phone] i morgen", "phone"), "{number}");
        }
    }

    #[test]
    fn what_may_be_a_date_of_birth_is_taken_for_one() {
        // A Swedish mobile number in one run reads as 7 January 2023 as well: it is covered either way.
        assert_eq!(of("0701234567"), ("[cpr]".into(), "cpr".into()));
    }

    #[test]
    fn years_dates_and_amounts_stay() {
        for text in [
            "fra 2024-2025",
            "i 2024 og 2025",
            "den 01.02.2024",
            "2024-02-01",
            "10.000.000 kr.",
            "12345678 kr",
            "kr. 12345678",
            "8 uger og 12 dage",
            "under 50 ansatte",
            "kl. 10-13",
            "2023–2027",
        ] {
            stays(text);
        }
    }

    #[test]
    fn mail_web_and_accounts_are_found() {
        gone("skriv til jens.hansen@firma.dk", "email");
        gone("info (at) firma.dk", "email");
        assert_eq!(of("se www.firma.dk/kontakt."), ("se [url].".into(), "url".into()));
        gone("https://firma.example/a?b=c", "url");
        gone("vores side er firma.dk", "url");
        gone("reg. 1234 konto 0012345678", "account");
        gone("IBAN DK50 0040 0440 1162 43", "account");
        gone("SE35 5000 0000 0549 1000 0003", "account");
        gone("bankgiro 5050-1055", "account");
        gone("kort 4571 1234 5678 9012", "account");
    }

    #[test]
    fn names_are_found_in_their_context() {
        assert_eq!(
            of("Vores sagsbehandler Mette Thorup var god."),
            ("Vores sagsbehandler [name] var god.".into(), "name".into())
        );
        assert_eq!(of("God service.\nHilsen Bo"), ("God service.\nHilsen [name]".into(), "name".into()));
        assert_eq!(of("Tak. Mvh jens"), ("Tak. Mvh [name]".into(), "name".into()));
        assert_eq!(of("Med venlig hilsen\nGyrith Quist"), ("Med venlig hilsen\n[name]".into(), "name".into()));
        assert_eq!(
            of("Talte med Frants i byggeafdelingen"),
            ("Talte med [name] i byggeafdelingen".into(), "name".into())
        );
        assert_eq!(of("Det var Henriks skyld"), ("Det var [name] skyld".into(), "name".into()));
        assert_eq!(
            in_language("Handläggaren Gun-Britt Ek svarar inte", Some(Language::Sv)).0,
            "Handläggaren [name] svarar inte"
        );
        assert_eq!(in_language("Vänliga hälsningar\nÅke", Some(Language::Sv)).1, "name");
        assert_eq!(
            in_language("The case officer Quentin Ash was kind", Some(Language::En)).0,
            "The case officer [name] was kind"
        );
        stays("Sagsbehandleren var god. Vi er glade.");
        stays("Ring til kommunen er svært");
        stays("Hilsen på jeres arbejde er svær at få øje på i Køge Kommune, men vi er her.");
    }

    #[test]
    fn the_business_itself_is_found() {
        let known = Known {
            name: "Fjordblik Tømrer & Byg ApS".into(),
            owner: "Asbjørn Quistgaard".into(),
            street: "Gammel Strandvej 12B".into(),
        };
        let of = |text: &str| {
            let redacted = redact(text, Some(Language::Da), &known);
            (redacted.text, redacted.found.iter().map(|f| f.word()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(of("Vi i fjordblik tømrer & byg venter").0, "Vi i [business] venter");
        assert_eq!(of("Hos Fjordblik ApS venter vi"), ("Hos [business] ApS venter vi".into(), "business".into()));
        assert_eq!(of("Quistgaards folk"), ("[owner] folk".into(), "owner".into()));
        assert_eq!(of("Gammel Strandvej 12 oversvømmes"), ("[street] oversvømmes".into(), "street".into()));
        assert_eq!(of("Hullerne på gammel strandvej").0, "Hullerne på [street]");
        assert_eq!(of("En tømrer skal bygge").1, "");
    }
}
