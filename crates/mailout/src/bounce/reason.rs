//! Why a message came back, by its codes and by the words that servers use.
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::Kind;
use super::anatomy::pattern;
use crate::smtp::Status;

/// Why a message came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is no such mailbox.
    UserUnknown,
    /// There is no such domain.
    HostUnknown,
    /// The mailbox has moved.
    Moved,
    /// The domain takes no mail at all.
    NoMail,
    /// The mailbox is full.
    MailboxFull,
    /// The mailbox is switched off, for now or for good.
    Suspended,
    /// Refused by policy: reputation, authentication, content.
    Policy,
    /// The message is too big.
    TooBig,
    /// It could not be delivered for too long.
    Expired,
    /// The network between the servers.
    Network,
    /// The other system is ailing.
    System,
    /// Somebody is away.
    Away,
    /// The recipient calls it unwanted.
    Complaint,
    /// Not said, or not understood.
    Unknown,
}

impl Reason {
    /// The reason as stored and exported.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserUnknown => "user-unknown",
            Self::HostUnknown => "host-unknown",
            Self::Moved => "moved",
            Self::NoMail => "no-mail",
            Self::MailboxFull => "mailbox-full",
            Self::Suspended => "suspended",
            Self::Policy => "policy",
            Self::TooBig => "too-big",
            Self::Expired => "expired",
            Self::Network => "network",
            Self::System => "system",
            Self::Away => "away",
            Self::Complaint => "complaint",
            Self::Unknown => "unknown",
        }
    }

    /// Is it one of the reasons that can mean a dead address?
    const fn is_hard(self) -> bool {
        matches!(self, Self::UserUnknown | Self::HostUnknown | Self::Moved | Self::NoMail)
    }
}

/// An enhanced status in running text; its neighbours must not make it part of an address or a version.
static STATUS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[^\d.\w-])([245]\.\d{1,3}\.\d{1,3})(?:[^\d.\w-]|\.(?:\s|$)|$)"));
/// A reply code at the beginning of what a server said.
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?im)(?:^[\s>*]*|<<<\s*|smtp;\s*|said:\s*|with:?\s*|error:?\s*|reply:?\s*|response:?\s*|code:?\s*|was:?\s*|>:\s*|[\[('#]|:\s*)([45]\d\d)(?:[\s,-]|$)",
    )
});
static DELAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)will (?:continue|keep|be) (?:trying|retr|attempt)|delivery (?:is|has been|incomplete|delayed)[^\n]*delay|message delayed|delivery incomplete|still undelivered|this is (?:only )?a warning|you do not need to resend",
        r"|forsinket|försenad|försenat|verzögert|retardée?|(?:prøver|försöker) igen|temporary (?:problem|failure|error)|temporarily (?:deferred|rejected|unavailable)|try again later"
    ))
});

/// Said of a failure that began as a delay.
static FINAL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)fail(?:ed|ure)? permanently|permanent(?:ly)? (?:error|fail)|gave up|given up"));

/// Words, in the order in which they decide: what says nothing against the address comes first.
const WORDS: &[(Reason, &str)] = &[
    (
        Reason::TooBig,
        r"message (?:size|too (?:big|large))|too large|exceeds? (?:the )?(?:maximum|limit|size)|size limit",
    ),
    (
        Reason::MailboxFull,
        r"(?:mail ?box|mail ?folder|user|account|recipient|inbox|quota)[^.\n]{0,40}(?:is |was )?(?:full|over ?quota|exceed)|over ?quota|quota (?:exceeded|violation|full)|exceed(?:s|ed|ing)?[^.\n]{0,40}quota|full mailbox|insufficient (?:disk|storage|space)|not enough (?:disk |storage )?space|out of (?:disk )?(?:storage|space)|storage (?:exceeded|full)|disk (?:full|quota)|postkasse[^.\n]{0,40}(?:fuld|overskredet)|(?:postlåda|brevlåda|inkorg)[^.\n]{0,40}full|postfach[^.\n]{0,40}(?:voll|überfüllt)|bo[iî]te[^.\n]{0,40}(?:pleine|saturée)|quota (?:dépassé|überschritten)|kvoten? (?:er )?(?:overskredet|överskriden)",
    ),
    (
        Reason::Policy,
        r"\bspam|black ?list|block ?list|\bblocked|\bdnsbl|\brbl\b|spamhaus|reputation|dmarc|\bspf\b|\bdkim|reverse (?:dns|name|lookup)|\bptr\b|rdns|unauthenticated|authenticat|not authori[sz]ed|unauthori[sz]ed|not (?:permitted|allowed)|(?:polic(?:y|ies)|security)\b|relay(?:ing)? (?:access )?(?:is )?(?:denied|not|prohibited)|unable to relay|virus|malware|phish|content (?:rejected|filter|restriction)|access denied|banned|prohibited|rate limit|too many (?:connections|messages|recipients|mails)|you are not (?:a )?member|permission to post|administrative(?:ly)? (?:prohibition|denied)|rejected by (?:header|content|the recipient)|tls (?:is )?required|must (?:issue|use) (?:a )?starttls|unsolicited|sender (?:rejected|denied|address rejected|verify)|domain of sender|sender(?:'s)? domain|(?:may|do) not (?:have )?(?:permission|send)|helo|ehlo|greylist|bad header|malformed",
    ),
    (
        Reason::Expired,
        r"retry time|retry timeout|too long|has expired|delivery time (?:was )?(?:exceeded|expired)|giving up|aborted after|timeout exceeded|undelivered (?:after|for)|could not be delivered (?:for|within|in)|has been in the queue|connection (?:was )?(?:timed out|time[- ]?out|refused)|timed? ?out",
    ),
    (
        Reason::Suspended,
        r"(?:mailbox|account|user|address)[^.\n]{0,40}(?:disabled|suspend|inactive|not active|locked|discontinued|frozen|expired|on hold)|inactive (?:user|account|mailbox)|temporarily disabled|(?:disabled|suspended) (?:mailbox|account|user)",
    ),
    (
        Reason::Moved,
        r"(?:user|recipient|mailbox|address|account) (?:has|have) moved|has moved to|moved to (?:a )?new address|address (?:has )?changed|no longer (?:at|with) this",
    ),
    (
        Reason::NoMail,
        r"null ?mx|does not accept (?:any )?(?:mail|smtp)|(?:host|domain|server) does ?n[o']t (?:accept|receive) (?:any )?(?:e-?)?mail|no smtp service|mail receiving disabled",
    ),
    (
        Reason::HostUnknown,
        r"(?:host|domain|server)(?: name)? (?:is )?(?:unknown|not found|does ?n[o']t exist|lookup did not complete|not exist)|unknown (?:host|domain)|no such (?:host|domain)|(?:could ?n[o']t|cannot|unable to) (?:find|locate|resolve)[^\n]{0,40}(?:host|domain|server|mx)|name (?:or )?(?:service )?(?:not known|not found)|name server[^\n]{0,20}not found|nxdomain|non-existent (?:host|domain)|dns (?:lookup )?(?:failure|error)|bad destination (?:system|host)|host or domain name not found|illegal host|unrouteable mail domain|no mx|missing or invalid mx|all host address lookups failed",
    ),
    (
        Reason::UserUnknown,
        r"user (?:is )?(?:un|not )known|unknown (?:user|recipient|address|mailbox|local[- ]part|account|alias|or illegal)|no such (?:user|recipient|address|mailbox|person|account|local)|(?:user|recipient|address|mailbox|account|alias)[^.\n]{0,80}(?:does ?n[o']t exist|not (?:be )?found|not exist|unknown|not listed|not recogni[sz]ed|is invalid|is not a known|is unavailable|not available|not valid)|does ?n[o']t (?:exist|have an? [^\n]{0,60}account)|no (?:mailbox|account) (?:here|by that|found|with)|mailbox (?:not found|unavailable)|(?:invalid|bad) (?:recipient|mailbox|user|destination mailbox|address)|undeliverable address|unrouteable address|no valid recipients|recipient (?:address )?(?:rejected|not found|unknown)|couldn't be found|wasn't found|not our customer|user not (?:found|listed)|not listed in|unrouteable|not a valid mailbox|address(?:ee)? unknown|recipnotfound|not known at|no longer (?:valid|available|on server)|(?:adressen|mailadressen|modtageren|postkassen|brugeren)[^.\n]{0,60}(?:findes ikke|blev ikke fundet|kunne ikke findes|er ukendt)|ukendt (?:bruger|modtager|adresse)|(?:adressen|mottagaren|användaren|brevlådan)[^.\n]{0,60}(?:finns inte|hittades inte|kunde inte hittas|är okänd)|okänd (?:användare|mottagare|adress)|(?:empfänger|adresse|postfach|benutzer|mailbox)[^.\n]{0,60}(?:existiert nicht|unbekannt|nicht gefunden|nicht vorhanden)|unbekannter (?:benutzer|empfänger)|(?:adresse|destinataire|utilisateur|bo[iî]te)[^.\n]{0,60}(?:n.existe pas|inconnue?|introuvable)",
    ),
    (
        Reason::Network,
        r"connection (?:reset|lost|closed|dropped)|network (?:is )?(?:unreachable|error)|no route|loop|hop count|too many hops|could not (?:connect|find a gateway)|connect(?:ion)? (?:failed|error)|lost connection",
    ),
    (
        Reason::System,
        r"system (?:error|resources|not accepting|incorrectly|is)|internal (?:server )?error|local (?:error|problem|configuration)|service (?:unavailable|not available)|configuration error|i/o error|command (?:died|failed)|mailer error|input/output",
    ),
];

static SET: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new(WORDS.iter().map(|(_, words)| format!("(?i){words}"))).expect("fixed patterns, compiled in a test")
});

/// Marks a report that a rule made, not a mailbox.
pub(super) const BY_RULE: &str = "[answered by a rule]";

/// The recipient had been accepted, or the sender was refused: whatever the words, they are not about the address.
static OTHER_COMMAND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)in reply to\s+(?:(?:the )?end of )?\s*(?:DATA|MAIL)|after\s+(?:the )?(?:end of )?\s*(?:DATA|MAIL FROM)|>>> (?:DATA|MAIL)|SMTP command\s+(?:DATA|MAIL)|for TEXT command|\(DATA\)|\(MAIL",
    )
});
/// The recipient itself was refused.
static RECIPIENT_COMMAND: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bRCPT(?:\b| TO)"));
/// A directory that knows all its own addresses does not know this one.
static DIRECTORY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)not listed in [^
]{0,40}(?:directory|address book)|recipient name is not recogni[sz]ed|^unknown user:|
unknown user:",
    )
});
/// The domain itself publishes that it takes no mail (RFC 7505), whatever status the relay gives it.
static NULL_MX: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\(nullMX\)|\bnull MX\b"));
/// A program of the receiving system failed, or a rule answered.
static PROGRAM: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)command output|x-unix;|\[answered by a rule\]"));
/// Words beside a report that say something else than its status.
static FULL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)not enough disk space|mailbox (?:is )?full|over quota|quota exceeded"));

/// Is the address itself dead? Asked once the reason can mean it; whatever is doubtful is no.
///
/// Many servers say "user unknown" to whoever they do not like, and some only after they have seen the message. So words
/// alone do not do: the server must have given the enhanced status of a dead address, or refused RCPT itself.
pub(super) fn is_dead(reason: Reason, status: Option<Status>, words: &str) -> bool {
    if !reason.is_hard() || PROGRAM.is_match(words) || FULL.is_match(words) {
        return false;
    }
    // 5.2.1 is said of mailboxes that are switched off or filter as well: there the server must have refused RCPT.
    let named = status.is_some_and(|s| s.class == 5 && s.subject == 1 && matches!(s.detail, 1 | 2 | 3 | 6 | 10));
    if named || DIRECTORY.is_match(words) || NULL_MX.is_match(words) {
        return true;
    }
    (reason == Reason::HostUnknown || RECIPIENT_COMMAND.is_match(words)) && !OTHER_COMMAND.is_match(words)
}

/// Where a server begins to speak in a notice.
static SAID: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[^\d.\w-])([45]\d\d[ -]|[45]\.\d{1,3}\.\d{1,3}(?:[^\d.\w-]|$))"));
/// The longest words that are kept of a notice.
const MOST_WORDS: usize = 400;

/// The words worth keeping: all of them where they are few, else from where the server speaks.
pub(super) fn essence(words: &str) -> String {
    let flat = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= MOST_WORDS {
        return flat;
    }
    let from = SAID.captures(&flat).and_then(|c| c.get(1)).map_or(0, |said| said.start());
    flat[from..].chars().take(MOST_WORDS).collect()
}

/// Kind and status: the report's, the one in the words, or what the reply code and the words say.
pub(super) fn kind(action: Option<&str>, status: Option<Status>, words: &str) -> (Kind, Option<Status>) {
    if matches!(action, Some("delivered" | "relayed" | "expanded")) {
        return (Kind::None, status);
    }
    let in_words = STATUS
        .captures_iter(words)
        .filter_map(|c| Status::at_start(c.get(1)?.as_str()))
        .map(|(s, _)| s)
        .find(|s| s.class != 2);
    // 5.0.0 says no more than "failed"; the server's own words often do.
    let status = match (status, in_words) {
        (Some(status), Some(better)) if status.subject == 0 && status.detail == 0 || status.class == 2 => Some(better),
        (Some(status), _) => Some(status),
        (None, found) => found,
    };
    let kind_of = |class: u8| if class == 4 { Kind::Temporary } else { Kind::Permanent };
    if action == Some("delayed") {
        return (Kind::Temporary, status);
    }
    if let Some(status) = status
        && status.class != 2
    {
        return (kind_of(status.class), Some(status));
    }
    if let Some(code) = CODE.captures(words).and_then(|c| c.get(1)) {
        return (kind_of(if code.as_str().starts_with('4') { 4 } else { 5 }), status);
    }
    if action.is_none() && DELAY.is_match(words) && !FINAL.is_match(words) {
        (Kind::Temporary, status)
    } else {
        (Kind::Permanent, status)
    }
}

/// The reason: a status that is plain about it, else the words.
pub(super) fn reason(status: Option<Status>, words: &str) -> Reason {
    let found = SET.matches(words);
    let by_words =
        WORDS.iter().enumerate().find(|(i, _)| found.matched(*i)).map_or(Reason::Unknown, |(_, (reason, _))| *reason);
    let Some(status) = status else { return by_words };
    let by_status = match (status.subject, status.detail) {
        (1, 7 | 8) => Some(Reason::Policy),
        (1, 1 | 3) => Some(Reason::UserUnknown),
        (1, 2) => Some(Reason::HostUnknown),
        (1, 6) => Some(Reason::Moved),
        // Exchange Online says so of a mailbox that it does not have, RFC 7505 of a domain that takes no mail.
        (1, 10) if by_words == Reason::UserUnknown => Some(by_words),
        (1, 10) => Some(Reason::NoMail),
        (4, 4) => Some(Reason::HostUnknown),
        // Some say so of a mailbox that is switched off, some of one that never was.
        (2, 1) if by_words == Reason::UserUnknown => Some(by_words),
        (2, 1) => Some(Reason::Suspended),
        (2, 2) => Some(Reason::MailboxFull),
        (2, 3) | (3, 4) => Some(Reason::TooBig),
        (4, 7) => Some(Reason::Expired),
        (7, _) => Some(Reason::Policy),
        _ => None,
    };
    match by_status {
        // A status of the hard kind together with words that blame something else is not taken as hard.
        Some(plain)
            if plain.is_hard()
                && matches!(by_words, Reason::MailboxFull | Reason::Policy | Reason::Suspended | Reason::TooBig) =>
        {
            by_words
        }
        Some(plain) => plain,
        None => by_words,
    }
}
