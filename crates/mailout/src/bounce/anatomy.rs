//! Takes a returned mail apart: the notice, the machine's report, what is left of our message.
use std::sync::LazyLock;

use mail_parser::{Address, Message, MimeHeaders, PartType};
use regex::Regex;

use super::Case;
use crate::smtp::Status;

/// A pattern that is part of the program.
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a fixed pattern, compiled in a test")
}

/// An address in running text.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?:"[^"\s@]{1,64}"|[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+)@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"#)
});
/// Lines that name a recipient as such.
static NAMED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // <a@b>: words, <a@b> (words), <a@b>... words
        r#"(?m)^[\s>*]*(?:[45]\d\d[ -])?[<"']([^<>'\s]+@[^<>"'\s]+)[>"'][ \t]*(?:[:.(]|$)"#,
        r"(?i)(?:final|original|failed|actual)-recipients?\s*:\s*(?:rfc822\s*;\s*)?<?([^<>\s;,]+@[^<>\s;,]+)",
        r"(?i)\brcpt to:?\s*<?([^<>\s]+@[^<>\s]+)",
        r"(?i)\brecipients?(?: address)?(?:\(s\))?\s*:\s*<?([^<>\s]+@[^<>\s]+)",
        r"(?i)(?:deliver(?:ed|y)?|delivering)[^\n@]{0,40}?\b(?:to|for)\b[^\n@<]{0,40}?[:\s<]([^<>\s:]+@[^<>\s]+)",
        r"(?im)^[\s*-]*([^<>\s:;]+@[^<>\s:;]+?)(?:<mailto:[^>]*>)?[ \t]*[:(\[]?[ \t\r]*$",
        r"(?im)^[\s*-]*([^<>\s:;(]+@[^<>\s:;]+)[ \t]+[\[A-Z]",
    ]
    .iter()
    .map(|p| pattern(p))
    .collect()
});
/// Where our own message begins in a notice without parts.
static COPY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?im)^[\s>*=_-]*(?:(?:this is|included is|below this line is|here is) a copy of",
        r"|(?:the )?(?:original|returned|unsent|undelivered)[ _-]?(?:message|mail)\b(?:[ _-](?:follows|headers?|header follows|info|text))?[\s.:*=_-]*$",
        r"|the headers? of the (?:original|returned) message|message (?:header|text|headers) follows?|original message headers?|returned message|returned text follows).*$"
    ))
});
/// Amazon's inbound service answers by a rule of the mailbox's owner, with whatever status that rule names.
static REMOTE_RULE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)reporting-mta:\s*dns;\s*inbound-smtp\.[a-z0-9-]+\.amazonaws\.com"));
static HEADER: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[A-Za-z][A-Za-z0-9-]*:(?:\s|$)"));
static TAG: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?is)<(?:style|script|head)\b.*?</(?:style|script|head)>|<!--.*?-->|<[^>]*>"));
static BOUNCE_SENDER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)mailer-?daemon|post[-_.]?master|mail[ ._-]?deliver(?:y|er)|mail delivery|deliver(?:y)? system|^<>$")
});
static BOUNCE_SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)undeliver|non[- ]?deliver|not[- ]deliver|could not be delivered|returned? mail|mail returned|failure notice|fail(?:ed|ure)|delivery (?:status|report|problem|error|has failed|notification)",
        r"|rejected|delivery delayed|warning: message|unzustellbar|ikke leveret|(?:kunne|kan) ikke leveres|leveringsfejl|returneret (?:mail|post)|kan inte levereras|inte att leverera|gick inte att leverera|olevererba|unzustellbar|nicht zugestellt|zustellung fehlgeschlagen|fehlgeschlagene zustellung|non remis|non distribu|echec de (?:la )?(?:remise|distribution)|échec de (?:la )?(?:remise|distribution)|onbestelbaar|mail system error|error sending your mail|are not member"
    ))
});
/// Whom to ask for help is not whom the message was for.
static HELPER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:please contact|assistance|questions|support)[^\n@<]{0,60}<?\b([A-Za-z0-9._+-]+@[A-Za-z0-9.-]*[A-Za-z0-9])",
    )
});
static UNDELIVERED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)could not be delivered to:?\s*<|(?:unable|failed) to deliver (?:your |the )?(?:e-?mail|message)")
});
static AWAY_SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)^(?:re: ?)?\[?(?:out of (?:the )?office|automatic reply|auto[- ]?(?:matisk)? ?(?:reply|response|svar)|autosvar|automatisk svar|automatiskt svar|fraværsbesked|fravær",
        r"|ikke på kontoret|ikke til stede|ude af huset|på ferie|feriebesked|ferielukket|jeg er på ferie|barsel|frånvaro|på semester|semester|away|automatisch(?:e|es)? (?:antwort|antwoord)|auto: |absence du bureau|absent|on vacation|vacation|abwesen|abwesenheits|réponse automatique)"
    ))
});

/// What machines say when they have got a mail.
static ACKNOWLEDGED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)tak for (?:din|jeres|deres) (?:mail|e-?mail|henvendelse|besked)|vi har modtaget (?:din|jeres|deres)|tack för (?:ditt|ert) (?:mejl|mail|meddelande|ärende)|tack för (?:din|er) (?:förfrågan|e-?post)",
        r"|vi har (?:tagit emot|mottagit) (?:ditt|ert|din|er)|thank you for (?:your (?:e-?mail|message|enquiry|inquiry)|contacting)|we have received your|(?:sag|ärende|ticket|case) (?:#|nr\.? ?)?\d+ (?:er|är|has been|is) (?:oprettet|skapat|created|registered)"
    ))
});

/// A Message-ID where it is named as such.
static MESSAGE_ID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:message-id|messageid|in-reply-to|references)"?\s*[:=]\s*"?((?:\s*<[^<>\s]{3,200}>)+|[^<>\s"@]{1,120}@[^<>\s",]{1,120})"#,
    )
});
/// What is read of each piece of a message; a notice says what it has to say before that.
const MOST_READ: usize = 128 * 1024;
/// Recipients taken from one message.
const MOST_RECIPIENTS: usize = 100;

/// Cuts a text, at a whole letter.
fn cut(text: &mut String) {
    if text.len() > MOST_READ {
        let end = (0..=MOST_READ).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
}

/// The pieces of a returned mail.
pub(super) struct Anatomy {
    pub(super) sent_to: Vec<String>,
    sender: String,
    own: Vec<String>,
    subject: String,
    automatic: String,
    failed_recipients: Vec<String>,
    answers: String,
    notice: String,
    reports: Vec<String>,
    feedback: Option<String>,
    returned: String,
}

fn addresses(address: Option<&Address<'_>>) -> Vec<String> {
    address.into_iter().flat_map(Address::iter).filter_map(|a| a.address().map(str::to_owned)).collect()
}

/// The addresses in the values of a header, folded lines included.
fn of_header(headers: &str, name: &str) -> Vec<String> {
    field_values(headers, name)
        .iter()
        .flat_map(|value| ADDRESS.find_iter(value))
        .map(|m| m.as_str().to_owned())
        .collect()
}

/// The values of a field in a block of fields; tolerates white space before the colon.
fn field_values(block: &str, name: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let mut inside = false;
    for line in block.lines() {
        if line.starts_with([' ', '\t']) {
            if inside && let Some(value) = values.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
            continue;
        }
        inside = false;
        if let Some((key, value)) = line.split_once(':')
            && key.trim().eq_ignore_ascii_case(name)
        {
            values.push(value.trim().to_owned());
            inside = true;
        }
    }
    values
}

fn field(block: &str, name: &str) -> Option<String> {
    field_values(block, name).into_iter().find(|v| !v.is_empty())
}

impl Anatomy {
    pub(super) fn of(message: &Message<'_>) -> Self {
        let raw = |name: &str| message.header_raw(name).unwrap_or_default().trim().to_owned();
        let mut sent_to = addresses(message.to());
        for (name, value) in message.headers_raw() {
            if ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to"]
                .iter()
                .any(|n| name.eq_ignore_ascii_case(n))
            {
                sent_to.extend(ADDRESS.find_iter(value).map(|m| m.as_str().to_owned()).take(MOST_RECIPIENTS));
            }
        }
        let automatic = [
            "Auto-Submitted",
            "X-Autoreply",
            "X-Autorespond",
            "X-Autoresponder",
            "X-Auto-Response-Suppress-Reply",
            "Precedence",
            "X-Apple-Unsubscribe",
        ]
        .map(|name| format!("{name}: {}", raw(name).to_lowercase()))
        .join("\n");
        let mut anatomy = Self {
            sender: format!("{} {}", raw("From"), raw("Return-Path")),
            own: Vec::new(),
            subject: message.subject().unwrap_or_default().to_owned(),
            automatic,
            failed_recipients: ADDRESS.find_iter(&raw("X-Failed-Recipients")).map(|m| m.as_str().to_owned()).collect(),
            answers: format!("In-Reply-To: {}\nReferences: {}", raw("In-Reply-To"), raw("References")),
            notice: String::new(),
            reports: Vec::new(),
            feedback: None,
            returned: String::new(),
            sent_to,
        };
        anatomy.take_parts(message);
        anatomy.split_notice();
        let mut own = anatomy.sent_to.clone();
        own.extend(addresses(message.from()));
        own.extend(addresses(message.reply_to()));
        own.extend(HELPER.captures_iter(&anatomy.notice).filter_map(|c| c.get(1)).map(|m| m.as_str().to_owned()));
        for name in ["From", "Return-Path", "Sender", "Reply-To"] {
            own.extend(of_header(&anatomy.returned, name));
        }
        anatomy.own = own;
        anatomy
    }

    fn take_parts(&mut self, message: &Message<'_>) {
        let mut html = String::new();
        let mut texts = 0;
        for part in &message.parts {
            let kind = part.content_type();
            let is = |main: &str, sub: &str| {
                kind.is_some_and(|c| {
                    c.ctype().eq_ignore_ascii_case(main)
                        && c.subtype().is_some_and(|s| s.to_ascii_lowercase().ends_with(sub))
                })
            };
            match &part.body {
                PartType::Message(inner) => {
                    self.returned.push_str(&String::from_utf8_lossy(inner.raw_message()));
                    self.returned.push('\n');
                }
                PartType::Multipart(_) => {}
                _ if is("message", "delivery-status") => {
                    self.reports.push(String::from_utf8_lossy(part.contents()).into_owned())
                }
                _ if is("message", "feedback-report") => {
                    self.feedback = Some(String::from_utf8_lossy(part.contents()).into_owned())
                }
                _ if is("text", "rfc822-headers")
                    || is("message", "rfc822-headers")
                    || is("text", "rfc822")
                    || is("message", "partial") =>
                {
                    self.returned.push_str(&String::from_utf8_lossy(part.contents()));
                    self.returned.push('\n');
                }
                PartType::Html(text) => html.push_str(text),
                PartType::Text(text) if looks_like_headers(text) => self.returned.push_str(text),
                PartType::Text(text) => {
                    // The first two texts are the notice; what follows may be our own message.
                    if texts < 2 && self.returned.is_empty() {
                        self.notice.push_str(text);
                        self.notice.push('\n');
                    }
                    texts += 1;
                }
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                    let text = String::from_utf8_lossy(bytes);
                    if looks_like_headers(&text) {
                        self.returned.push_str(&text);
                    }
                }
            }
        }
        if self.notice.trim().is_empty() {
            let text = html
                .replace("<br", "\n<br")
                .replace("</p", "\n</p")
                .replace("</div", "\n</div")
                .replace("</td", " </td");
            let text = TAG.replace_all(&text, "");
            self.notice = text
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&nbsp;", " ")
                .replace("&quot;", "\"")
                .replace("&#39;", "'")
                .replace("&amp;", "&");
        }
        for text in
            [&mut self.notice, &mut self.returned].into_iter().chain(&mut self.reports).chain(&mut self.feedback)
        {
            *text = text.replace('\r', "");
            cut(text);
        }
        self.reports.truncate(MOST_RECIPIENTS);
    }

    /// The addresses in which the mark of our return path may stand.
    pub(super) fn marked(&self) -> Vec<String> {
        let mut all: Vec<&str> = self.sent_to.iter().map(String::as_str).collect();
        let texts = [self.returned.as_str(), self.feedback.as_deref().unwrap_or_default()];
        for text in texts.into_iter().chain(self.reports.iter().map(String::as_str)).chain([self.notice.as_str()]) {
            // A mark is longer than most addresses are.
            all.extend(ADDRESS.find_iter(text).map(|m| m.as_str()).filter(|a| a.len() > 40).take(MOST_RECIPIENTS));
        }
        all.into_iter().map(str::to_owned).collect()
    }

    /// The Message-IDs of what came back, or is answered.
    pub(super) fn message_ids(&self) -> Vec<String> {
        let texts = [self.returned.as_str(), self.answers.as_str(), self.feedback.as_deref().unwrap_or_default()];
        let texts = texts.into_iter().chain(self.reports.iter().map(String::as_str)).chain([self.notice.as_str()]);
        let mut found: Vec<String> = Vec::new();
        for text in texts {
            for place in MESSAGE_ID.captures_iter(text).filter_map(|c| c.get(1)).take(MOST_RECIPIENTS) {
                for id in place.as_str().split(['<', '>', ' ', '\n', '\t']).filter(|id| id.contains('@')) {
                    if !found.iter().any(|known| known == id) {
                        found.push(id.to_owned());
                    }
                }
            }
        }
        found.truncate(MOST_RECIPIENTS);
        found
    }

    /// In a notice without parts our own message follows the words.
    fn split_notice(&mut self) {
        let copy = COPY.find(&self.notice).map(|m| (m.start(), m.end()));
        let headers = headers_start(&self.notice).map(|at| (at, at));
        let Some((end, start)) = [copy, headers].into_iter().flatten().min() else { return };
        if self.notice[..end].trim().is_empty() {
            return;
        }
        let tail = self.notice[start..].trim_start().to_owned();
        self.notice.truncate(end);
        self.returned.push_str(&tail);
    }

    pub(super) fn is_complaint(&self) -> bool {
        let feedback = self.feedback.is_some() || field(&self.notice, "Feedback-Type").is_some();
        let told = self.subject.trim().to_lowercase().starts_with("complaint about message");
        feedback || told && !self.returned.is_empty() || self.automatic.contains("X-Apple-Unsubscribe: true")
    }

    pub(super) fn complained(&self) -> Vec<String> {
        if self.automatic.contains("X-Apple-Unsubscribe: true") {
            return ADDRESS.find(&self.sender).map(|m| m.as_str().to_owned()).into_iter().collect();
        }
        let report = self.feedback.as_deref().unwrap_or(&self.notice);
        for (block, name) in [
            (report, "Original-Rcpt-To"),
            (report, "Removal-Recipient"),
            (self.returned.as_str(), "X-HmXmrOriginalRecipient"),
            (self.returned.as_str(), "To"),
        ] {
            let found = unique(of_header(block, name));
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// A cloud mail service's notification in JSON (Amazon SES): its cases, empty when it tells of a success.
    pub(super) fn notification(&self) -> Option<Vec<Case>> {
        let text = self.notice.trim_start();
        if !text.starts_with('{') {
            return None;
        }
        // Some servers break what is longer than 990 letters with an exclamation mark; JSON itself has no line end within a text.
        let text = text.replace("!\n ", "").replace('\n', " ");
        let outer = first_json(&text)?;
        let inner = outer.get("Message").and_then(serde_json::Value::as_str).and_then(first_json);
        let event = inner.as_ref().unwrap_or(&outer);
        let kind = event.get("notificationType").or_else(|| event.get("eventType"))?.as_str()?;
        let text = |value: &serde_json::Value, name: &str| {
            value.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
        };
        let list = |path: &str| event.pointer(path).and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
        let permanent = event.pointer("/bounce/bounceType").and_then(serde_json::Value::as_str) == Some("Permanent");
        Some(match kind {
            "Bounce" => list("/bounce/bouncedRecipients")
                .iter()
                .map(|r| Case {
                    address: text(r, "emailAddress"),
                    action: Some(if permanent { "failed" } else { "delayed" }.to_owned()),
                    status: Status::at_start(&text(r, "status")).map(|(s, _)| s),
                    words: text(r, "diagnosticCode"),
                    context: String::new(),
                })
                .collect(),
            _ => Vec::new(),
        })
    }

    /// The cases of the machine's report.
    pub(super) fn reported(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        let told =
            self.reports.is_empty().then_some(&self.notice).filter(|n| !field_values(n, "Final-Recipient").is_empty());
        for report in self.reports.iter().chain(told) {
            // Within a notice the fields of one recipient need not stand together.
            let blocks = groups(report, told.is_none());
            for block in blocks {
                if cases.len() >= MOST_RECIPIENTS {
                    break;
                }
                let address = ["Final-Recipient", "Original-Recipient", "X-Actual-Recipient"].iter().find_map(|name| {
                    let value = field(&block, name)?;
                    let value = value.rsplit(';').next().unwrap_or(&value).to_owned();
                    beyond_ascii(&value).or_else(|| ADDRESS.find(&value).map(|m| m.as_str().to_owned()))
                });
                let named = !field_values(&block, "Final-Recipient").is_empty()
                    || !field_values(&block, "Original-Recipient").is_empty();
                // A report may name a mailbox in a way of its own; our own message then says whom it was for.
                let Some(address) =
                    address.or_else(|| named.then(|| self.returned_recipients().into_iter().next()).flatten())
                else {
                    continue;
                };
                let words = ["Diagnostic-Code", "X-Supplementary-Info", "X-Display-Name"]
                    .iter()
                    .flat_map(|name| field_values(&block, name))
                    .collect::<Vec<_>>()
                    .join(" ");
                let words =
                    if REMOTE_RULE.is_match(report) { format!("{words} {}", super::reason::BY_RULE) } else { words };
                let status = field(&block, "Status").and_then(|s| Status::at_start(&s).map(|(status, _)| status));
                cases.push(Case {
                    address,
                    action: field(&block, "Action").map(|a| a.to_lowercase()),
                    status,
                    words,
                    context: String::new(),
                });
            }
        }
        let mut seen = Vec::new();
        cases.retain(|case: &Case| {
            let address = case.address.to_lowercase();
            let new = !seen.contains(&address);
            seen.push(address);
            new
        });
        // A report that says little is read together with the notice about it.
        let alone = cases.len() == 1;
        for case in &mut cases {
            case.context = if alone { self.notice.clone() } else { around(&self.notice, &case.address, &[]) };
            if case.words.is_empty() || alone && case.status.is_none_or(|s| s.subject == 0) {
                let more = if alone { self.notice.clone() } else { around(&self.notice, &case.address, &[]) };
                case.words = format!("{} {more}", case.words);
            }
        }
        cases
    }

    pub(super) fn is_auto_reply(&self) -> bool {
        if !self.failed_recipients.is_empty() || !self.reports.is_empty() || BOUNCE_SUBJECT.is_match(&self.subject) {
            return false;
        }
        let from_machine = BOUNCE_SENDER.is_match(&self.sender);
        let says_so = self.automatic.contains("Auto-Submitted: auto-replied")
            || self.automatic.contains("X-Autoreply: y")
            || self.automatic.contains("X-Autorespond: y")
            || self.automatic.contains("Precedence: auto_reply")
            // A ticket system acknowledges what it got; "generated" alone may be anything that a machine writes.
            || self.automatic.contains("Auto-Submitted: auto-generated") && ACKNOWLEDGED.is_match(&self.notice);
        says_so && !from_machine || AWAY_SUBJECT.is_match(self.subject.trim())
    }

    pub(super) fn looks_like_a_bounce(&self) -> bool {
        !self.failed_recipients.is_empty()
            || !self.reports.is_empty()
            || BOUNCE_SENDER.is_match(&self.sender)
            || BOUNCE_SUBJECT.is_match(&self.subject)
            || UNDELIVERED.is_match(&self.notice)
    }

    /// The cases of a notice in words.
    pub(super) fn told(&self) -> Vec<Case> {
        let mut found = unique(self.failed_recipients.clone());
        if found.is_empty() {
            found = self.named();
        }
        if found.is_empty() {
            let subject = ADDRESS.find_iter(&self.subject).map(|m| m.as_str().to_owned());
            found = unique(subject.filter(|a| self.is_foreign(a)).collect());
        }
        if found.is_empty() {
            found = self.returned_recipients();
            found.truncate(1);
        }
        if found.is_empty() {
            // Whoever writes to himself is sender and recipient.
            found = unique(self.addresses_in_notice(|_| true));
            found.truncate(1);
        }
        let alone = found.len() == 1;
        let notice = format!("{}\n{}", self.subject, self.notice);
        found
            .iter()
            .map(|address| Case {
                address: address.clone(),
                action: None,
                status: None,
                words: if alone { notice.clone() } else { around(&self.notice, address, &found) },
                context: String::new(),
            })
            .collect()
    }

    fn is_foreign(&self, address: &str) -> bool {
        let local = address.split('@').next().unwrap_or_default().to_lowercase();
        !self.own.iter().any(|own| own.eq_ignore_ascii_case(address))
            && !matches!(local.as_str(), "mailer-daemon" | "postmaster" | "abuse")
    }

    fn addresses_in_notice(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        ADDRESS.find_iter(&self.notice).map(|m| m.as_str().to_owned()).filter(|a| wanted(a)).collect()
    }

    /// The recipients that the notice names.
    fn named(&self) -> Vec<String> {
        let mut by_place: Vec<(usize, String)> = Vec::new();
        for named in NAMED.iter() {
            for captures in named.captures_iter(&self.notice) {
                let Some(place) = captures.get(1) else { continue };
                let Some(address) = ADDRESS.find(place.as_str()) else { continue };
                by_place.push((place.start(), address.as_str().to_owned()));
            }
        }
        by_place.sort();
        let all_named = unique(by_place.into_iter().map(|(_, a)| a).collect());
        let strong: Vec<String> = all_named.iter().filter(|a| self.is_foreign(a)).cloned().collect();
        if !strong.is_empty() {
            return strong;
        }
        let returned = self.returned_recipients();
        let all = unique(self.addresses_in_notice(|a| self.is_foreign(a)));
        let both: Vec<String> =
            all.iter().filter(|a| returned.iter().any(|r| r.eq_ignore_ascii_case(a))).cloned().collect();
        if !both.is_empty() {
            return both;
        }
        // Whoever writes to himself is named although the notice goes to him.
        // What has no dot behind the sign is more often a letter of another script than an address.
        let first =
            all.iter().find(|a| a.rsplit('@').next().is_some_and(|domain| domain.contains('.'))).or(all.first());
        if all.is_empty() { all_named } else { first.into_iter().cloned().collect() }
    }

    /// Whom our own message was for, by its headers.
    fn returned_recipients(&self) -> Vec<String> {
        for name in ["X-Original-To", "Delivered-To", "To", "Cc"] {
            let found: Vec<String> =
                of_header(&self.returned, name).into_iter().filter(|a| self.is_foreign(a)).collect();
            if !found.is_empty() {
                return unique(found);
            }
        }
        Vec::new()
    }
}

/// The fields of a report, recipient by recipient: a field that comes again begins the next one, as does an empty line.
fn groups(report: &str, at_empty_lines: bool) -> Vec<String> {
    let mut groups = vec![String::new()];
    let mut seen: Vec<String> = Vec::new();
    for line in report.lines() {
        let name = line.split_once(':').map(|(name, _)| name.trim().to_lowercase()).unwrap_or_default();
        let again = matches!(name.as_str(), "final-recipient" | "original-recipient" | "action" | "status")
            && seen.contains(&name);
        if again || at_empty_lines && line.trim().is_empty() {
            groups.push(String::new());
            seen.clear();
        }
        seen.push(name);
        if let Some(group) = groups.last_mut() {
            group.push_str(line);
            group.push('\n');
        }
    }
    groups
}

/// An address with letters beyond ASCII, as a report for such addresses names it (RFC 6533), plainly or as `\x{E6}`.
fn beyond_ascii(value: &str) -> Option<String> {
    let mut plain = String::new();
    let mut rest = value.trim().trim_matches(['<', '>']);
    while let Some((before, after)) = rest.split_once("\\x{") {
        let (digits, behind) = after.split_once('}')?;
        plain.push_str(before);
        plain.push(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?);
        rest = behind;
    }
    plain.push_str(rest);
    let (local, domain) = plain.rsplit_once('@')?;
    let is_whole =
        !local.is_empty() && domain.contains('.') && !plain.chars().any(|c| c.is_whitespace() || c.is_control());
    (!plain.is_ascii() && is_whole && plain.len() <= 320).then_some(plain)
}

/// What a notice says near `address`: from its line to the line of the next of `others`.
fn around(notice: &str, address: &str, others: &[String]) -> String {
    let mut words = String::new();
    let mut inside = false;
    let lower = address.to_lowercase();
    for line in notice.lines() {
        let line_lower = line.to_lowercase();
        if line_lower.contains(&lower) {
            inside = true;
        } else if others.iter().any(|o| line_lower.contains(&o.to_lowercase())) {
            inside = false;
        }
        if inside {
            words.push_str(line);
            words.push('\n');
        }
    }
    words
}

fn unique(addresses: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for address in addresses {
        let address = address.trim_matches(|c| matches!(c, '.' | '\'' | '`')).to_owned();
        if out.len() >= MOST_RECIPIENTS {
            break;
        }
        if address.contains('@') && !out.iter().any(|o| o.eq_ignore_ascii_case(&address)) {
            out.push(address);
        }
    }
    out
}

fn first_json(text: &str) -> Option<serde_json::Value> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

/// Does a text begin with the headers of a message?
fn looks_like_headers(text: &str) -> bool {
    headers_start(text) == Some(text.len() - text.trim_start().len())
}

/// Where four lines of headers stand together, one of them of the kind that every message has.
fn headers_start(text: &str) -> Option<usize> {
    let (mut start, mut run, mut known, mut at) = (0, 0, false, 0);
    for line in text.split_inclusive('\n') {
        if HEADER.is_match(line) {
            if run == 0 {
                (start, known) = (at, false);
            }
            run += 1;
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            known |= matches!(name.as_str(), "received" | "return-path" | "message-id" | "mime-version" | "x-mailer");
            if run >= 3 && known {
                return Some(start);
            }
        } else if !(line.starts_with([' ', '\t']) && run > 0) {
            run = 0;
        }
        at += line.len();
    }
    None
}
