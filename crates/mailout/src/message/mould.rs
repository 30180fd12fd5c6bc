//! What the messages of one round, kind and language have in common, written out once; each message fills in its own.
//!
//! A mould is cast from the templates and from lettre's headers as any message is, only with marks in place of what differs
//! from message to message; so nothing is said here that is not said there. It is used when the first message filled in by it
//! equals the same message written out at length, byte for byte.
use std::sync::{Arc, Mutex, PoisonError};

use domain::fieldwork::MessageKind;
use domain::language::Language;
use domain::mailtext::OwnText;
use domain::municipality::Municipality;
use store::outbox::ClaimedMail;
use store::rounds::Round;

use super::quoted;

/// Moulds kept: of a few rounds, in each kind and language that is being sent.
const KEPT: usize = 24;
/// The longest line of a header that is surely not folded.
const UNFOLDED: usize = 70;

/// What differs from message to message, as the marks in text and page stand for it. No `Debug`: it holds an address.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) business: String,
    pub(super) others: String,
    pub(super) minutes: String,
    pub(super) link: String,
    pub(super) stop_link: String,
    pub(super) recipient: String,
    pub(super) message_id: String,
    pub(super) boundary: String,
    pub(super) date: String,
    pub(super) case: String,
}

/// Code points that Unicode gives to no character, so that no text has them: they stand for a field in text and page.
const MARKS: [char; 6] = ['\u{fdd0}', '\u{fdd1}', '\u{fdd2}', '\u{fdd3}', '\u{fdd4}', '\u{fdd5}'];

impl Fields {
    /// Marks, and in the headers words as long as these, so that lines are folded where they will be.
    pub(super) fn marks(&self) -> Self {
        let [business, others, minutes, link, stop_link, case] = MARKS.map(String::from);
        Self {
            business,
            others: if self.others.is_empty() { String::new() } else { others },
            minutes,
            link,
            stop_link,
            recipient: "qqqqqqqqqq@qqqqqqqqqq.invalid".to_owned(),
            message_id: "W".repeat(self.message_id.len()),
            boundary: "Z".repeat(self.boundary.len()),
            date: self.date.clone(),
            case: if self.case.is_empty() { String::new() } else { case },
        }
    }

    /// The opt-out link as it stands in the headers of a mould.
    pub(super) fn header_mark(&self) -> String {
        "X".repeat(self.stop_link.len())
    }

    fn of_mark(&self, mark: char) -> &str {
        match mark {
            '\u{fdd0}' => &self.business,
            '\u{fdd1}' => &self.others,
            '\u{fdd2}' => &self.minutes,
            '\u{fdd3}' => &self.link,
            '\u{fdd5}' => &self.case,
            _ => &self.stop_link,
        }
    }
}

/// A piece of a message.
enum Piece {
    /// The same in all.
    Fixed(Vec<u8>),
    /// A line with marks, in the plain text or in the page.
    Line {
        text: String,
        is_page: bool,
    },
    Recipient,
    MessageId,
    Boundary,
    Date,
    StopLink,
}

/// A message with places to fill in.
pub(super) struct Mould {
    pieces: Vec<Piece>,
    size: usize,
    message_id: usize,
    boundary: usize,
    stop_link: usize,
    with_others: bool,
    /// Its subject, the same in all.
    pub(super) subject: String,
}

/// What stands for the bodies while the headers are made.
pub(super) const TEXT_BODY: &str = "VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVV";
/// See [`TEXT_BODY`].
pub(super) const PAGE_BODY: &str = "UUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUU";

/// A mark and what stands in its place.
type Slot<'a> = (&'a str, fn() -> Piece);

impl Mould {
    /// From a message whose headers have the marks of `fields` and whose bodies are [`TEXT_BODY`] and [`PAGE_BODY`], and from
    /// the text and the page with their marks.
    pub(super) fn cast(skeleton: &[u8], text: &str, page: &str, subject: &str, fields: &Fields) -> Option<Self> {
        let marks = fields.marks();
        let stop = fields.header_mark();
        let slots: [Slot<'_>; 5] = [
            (&marks.recipient, || Piece::Recipient),
            (&marks.message_id, || Piece::MessageId),
            (&marks.boundary, || Piece::Boundary),
            (&marks.date, || Piece::Date),
            (&stop, || Piece::StopLink),
        ];
        if slots.iter().any(|(mark, _)| mark.is_empty()) || subject.contains(MARKS) {
            return None;
        }
        let mut pieces = Vec::new();
        let mut rest = std::str::from_utf8(skeleton).ok()?;
        while !rest.is_empty() {
            let next = slots
                .iter()
                .map(|(mark, piece)| (*mark, Some(*piece)))
                .chain([(TEXT_BODY, None), (PAGE_BODY, None)])
                .filter_map(|(mark, piece)| rest.find(mark).map(|at| (at, mark, piece)))
                .min_by_key(|(at, ..)| *at);
            let Some((at, mark, piece)) = next else {
                fixed(&mut pieces, rest.as_bytes());
                break;
            };
            fixed(&mut pieces, &rest.as_bytes()[..at]);
            match piece {
                Some(piece) => pieces.push(piece()),
                None => body(&mut pieces, if mark == TEXT_BODY { text } else { page }, mark == PAGE_BODY),
            }
            rest = &rest[at + mark.len()..];
        }
        let size = pieces.iter().map(|p| if let Piece::Fixed(bytes) = p { bytes.len() } else { 200 }).sum();
        Some(Self {
            pieces,
            size,
            message_id: fields.message_id.len(),
            boundary: fields.boundary.len(),
            stop_link: fields.stop_link.len(),
            with_others: !fields.others.is_empty(),
            subject: subject.to_owned(),
        })
    }

    /// The message with these fields; `None` when they are of another shape than those it was cast from.
    pub(super) fn fill(&self, fields: &Fields) -> Option<Vec<u8>> {
        let fits = fields.message_id.len() == self.message_id
            && fields.boundary.len() == self.boundary
            && fields.stop_link.len() == self.stop_link
            && fields.others.is_empty() != self.with_others
            && !fields.business.is_empty()
            && fields.recipient.is_ascii()
            && fields.recipient.len() <= UNFOLDED;
        if !fits {
            return None;
        }
        let mut out = Vec::with_capacity(self.size);
        let mut filled = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(bytes) => out.extend_from_slice(bytes),
                Piece::Recipient => out.extend_from_slice(fields.recipient.as_bytes()),
                Piece::MessageId => out.extend_from_slice(fields.message_id.as_bytes()),
                Piece::Boundary => out.extend_from_slice(fields.boundary.as_bytes()),
                Piece::Date => out.extend_from_slice(fields.date.as_bytes()),
                Piece::StopLink => out.extend_from_slice(fields.stop_link.as_bytes()),
                Piece::Line { text, is_page } => {
                    filled.clear();
                    let mut rest = text.as_str();
                    while let Some(at) = rest.find(MARKS) {
                        let mark = rest[at..].chars().next()?;
                        filled.push_str(&rest[..at]);
                        if *is_page {
                            escape(fields.of_mark(mark), &mut filled);
                        } else {
                            filled.push_str(fields.of_mark(mark));
                        }
                        rest = &rest[at + mark.len_utf8()..];
                    }
                    filled.push_str(rest);
                    quoted::line(&filled, &mut out);
                }
            }
        }
        Some(out)
    }
}

/// Appends to the last piece where that is fixed too.
fn fixed(pieces: &mut Vec<Piece>, bytes: &[u8]) {
    if let Some(Piece::Fixed(last)) = pieces.last_mut() {
        last.extend_from_slice(bytes);
    } else {
        pieces.push(Piece::Fixed(bytes.to_vec()));
    }
}

/// A body's lines: those without marks encoded, the others as they are.
fn body(pieces: &mut Vec<Piece>, text: &str, is_page: bool) {
    for whole in text.split_inclusive('\n') {
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        if line.contains(MARKS) {
            pieces.push(Piece::Line { text: line.to_owned(), is_page });
            fixed(pieces, if whole.ends_with('\n') { b"\r\n" } else { b"" });
        } else {
            let mut encoded = Vec::with_capacity(whole.len() + 16);
            quoted::text(whole, &mut encoded);
            fixed(pieces, &encoded);
        }
    }
}

/// As the template engine escapes what it fills into a page.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

/// What a mould is made for.
struct Kept {
    kind: MessageKind,
    language: Language,
    with_others: bool,
    round: Arc<Round>,
    municipality: Arc<Municipality>,
    own: Option<Arc<OwnText>>,
    /// None: the messages have to be written out at length.
    mould: Option<Arc<Mould>>,
}

/// The moulds in use, the latest last.
#[derive(Default)]
pub(super) struct Moulds(Mutex<Vec<Kept>>);

impl Moulds {
    /// The mould for a message; `None`: none was cast yet, `Some(None)`: none can be.
    pub(super) fn find(&self, mail: &ClaimedMail, with_others: bool) -> Option<Option<Arc<Mould>>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.iter_mut().find(|kept| {
            kept.kind == mail.kind
                && kept.language == mail.language
                && kept.with_others == with_others
                && (Arc::ptr_eq(&kept.round, &mail.round) || kept.round == mail.round)
                && (Arc::ptr_eq(&kept.municipality, &mail.municipality) || kept.municipality == mail.municipality)
                && kept.own == mail.own
        })?;
        // Each batch has values of its own; that they are the same is found out once a batch.
        kept.round = Arc::clone(&mail.round);
        kept.municipality = Arc::clone(&mail.municipality);
        Some(kept.mould.clone())
    }

    /// Keeps a mould for messages like this one.
    pub(super) fn keep(&self, mail: &ClaimedMail, with_others: bool, mould: Option<Arc<Mould>>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.remove(0);
        }
        all.push(Kept {
            kind: mail.kind,
            language: mail.language,
            with_others,
            round: Arc::clone(&mail.round),
            municipality: Arc::clone(&mail.municipality),
            own: mail.own.clone(),
            mould,
        });
    }
}
