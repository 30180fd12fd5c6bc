//! What a server answers: its code, its enhanced status and its words.
use std::fmt;

/// The longest piece of a server's words that we keep.
const MAX_WORDS: usize = 500;

/// One reply, all its lines together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three-digit code.
    pub code: u16,
    /// The enhanced status (RFC 3463) when the server gave one: 5.1.1.
    pub status: Option<Status>,
    /// The server's words, one line per line, without codes.
    pub lines: Vec<String>,
}

/// An enhanced status code (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// 2 done, 4 later, 5 never.
    pub class: u8,
    /// What it is about: 1 address, 2 mailbox, 3 system, 4 network, 5 protocol, 6 content, 7 policy.
    pub subject: u16,
    /// The detail.
    pub detail: u16,
}

impl Status {
    /// Reads `5.1.1` at the beginning of `text`; also returns what follows it.
    #[must_use]
    pub fn at_start(text: &str) -> Option<(Self, &str)> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let mut parts = text[..end].split('.');
        let class = parts.next()?.parse().ok().filter(|c| matches!(c, 2 | 4 | 5))?;
        let number = |part: Option<&str>| part.filter(|p| (1..=3).contains(&p.len()))?.parse::<u16>().ok();
        let (subject, detail) = (number(parts.next())?, number(parts.next())?);
        if parts.next().is_some() {
            return None;
        }
        Some((Self { class, subject, detail }, text[end..].trim_start()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl Reply {
    /// A reply of our own making, for what is refused before the server is asked.
    #[must_use]
    pub fn own(code: u16, status: Option<Status>, words: &str) -> Self {
        Self { code, status, lines: vec![words.to_owned()] }
    }

    /// 2xx.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4xx: to be tried again.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        self.code / 100 == 4
    }

    /// Does the server close the connection with this reply (421)?
    #[must_use]
    pub const fn is_farewell(&self) -> bool {
        self.code == 421
    }

    /// Does it refuse us (login, permission, policy) rather than one address?
    #[must_use]
    pub fn is_policy(&self) -> bool {
        matches!(self.code, 530 | 534 | 535 | 538) || self.status.is_some_and(|s| s.class == 5 && s.subject == 7)
    }

    /// The server's words in one line, without control characters, of bounded length; for the outbox.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = self.code.to_string();
        if let Some(status) = self.status {
            words.push_str(&format!(" {status}"));
        }
        for line in self.lines.iter().filter(|l| !l.is_empty()) {
            words.push(' ');
            words.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
        words.chars().take(MAX_WORDS).collect()
    }
}

/// Collects the lines of one reply.
#[derive(Debug, Default)]
pub(super) struct ReplyParser {
    code: Option<u16>,
    status: Option<Status>,
    lines: Vec<String>,
}

impl ReplyParser {
    /// Takes one line without its line end; the reply when this was its last line.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, &'static str> {
        let text = String::from_utf8_lossy(line);
        let code: u16 = text
            .get(..3)
            .filter(|c| c.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|c| c.parse().ok())
            .ok_or("a line without a code")?;
        if !(200..600).contains(&code) || self.code.is_some_and(|c| c != code) {
            return Err("a code that does not belong here");
        }
        self.code = Some(code);
        let rest = &text[3..];
        let last = match rest.as_bytes().first() {
            None | Some(b' ') => true,
            Some(b'-') => false,
            Some(_) => return Err("a line without a separator"),
        };
        let words = rest.get(1..).unwrap_or("").trim();
        let words = match Status::at_start(words) {
            Some((status, words)) if u16::from(status.class) == code / 100 => {
                self.status.get_or_insert(status);
                words
            }
            _ => words,
        };
        self.lines.push(words.to_owned());
        if !last {
            return if self.lines.len() < 200 { Ok(None) } else { Err("a reply without an end") };
        }
        let parser = std::mem::take(self);
        Ok(Some(Reply { code, status: parser.status, lines: parser.lines }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Result<Option<Reply>, &'static str> {
        let mut parser = ReplyParser::default();
        let mut last = Ok(None);
        for line in lines {
            last = parser.line(line.as_bytes());
        }
        last
    }

    #[test]
    fn a_reply_keeps_code_status_and_words() {
        let reply = parse(&["550-5.1.1 No such user", "550 5.1.1 here"]).unwrap().unwrap();
        assert_eq!((reply.code, reply.status.unwrap().to_string().as_str()), (550, "5.1.1"));
        assert_eq!(reply.words(), "550 5.1.1 No such user here");
        assert!(!reply.is_policy() && !reply.is_temporary());
    }

    #[test]
    fn login_and_policy_are_told_from_addresses() {
        assert!(parse(&["535 no"]).unwrap().unwrap().is_policy());
        assert!(parse(&["554 5.7.1 Relay access denied"]).unwrap().unwrap().is_policy());
        assert!(!parse(&["554 no such user"]).unwrap().unwrap().is_policy());
        assert!(!parse(&["450 4.7.1 greylisted"]).unwrap().unwrap().is_policy());
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        assert!(parse(&["hello"]).is_err());
        assert!(parse(&["250-a", "251 b"]).is_err());
        assert!(parse(&["999 x"]).is_err());
        assert!(parse(&["25é"]).is_err());
        assert_eq!(parse(&["250"]).unwrap().unwrap().code, 250);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(lines in proptest::collection::vec(proptest::collection::vec(0u8..=255, 0..40), 0..6)) {
            let mut parser = ReplyParser::default();
            for line in &lines {
                if let Ok(Some(reply)) = parser.line(line) {
                    proptest::prop_assert!(!reply.words().contains(['\r', '\n']));
                }
            }
        }
    }
}
