//! What every message must say, in three languages, and what must never get into one.
use domain::fieldwork::RoundState;
use domain::frame::FrameUnit;
use domain::ids::{InvitationId, MailId, MunicipalityId, RoundId};
use domain::industry::Classification;
use domain::municipality::Settings;
use domain::secrets::SecretKey;
use mail_parser::{MessageParser, MimeHeaders};
use store::rounds::Round;

use super::*;

pub(crate) fn keys() -> Keys {
    SecretKey::parse(&"42".repeat(32)).unwrap().keys()
}

pub(crate) fn composer(return_path: Option<&str>) -> Composer {
    // Only the areas that mails are written with: the others are none of this room's business.
    let files = [
        ("cases.da.toml", include_str!("../../../../templates/i18n/cases.da.toml")),
        ("cases.sv.toml", include_str!("../../../../templates/i18n/cases.sv.toml")),
        ("cases.en.toml", include_str!("../../../../templates/i18n/cases.en.toml")),
        ("mail.da.toml", include_str!("../../../../templates/i18n/mail.da.toml")),
        ("mail.sv.toml", include_str!("../../../../templates/i18n/mail.sv.toml")),
        ("mail.en.toml", include_str!("../../../../templates/i18n/mail.en.toml")),
    ];
    let messages = Arc::new(Messages::from_files(files).unwrap());
    Composer::new(messages, keys(), "https://svar.hojager.example/", return_path).unwrap_or_else(|e| panic!("{e}"))
}

pub(crate) fn settings() -> Settings {
    Settings {
        contact_name: "Anne Holm, erhvervschef".into(),
        contact_phone: "43 59 10 00".into(),
        contact_email: "erhverv@hojager.example".into(),
        sender_email: "undersoegelse@hojager.example".into(),
        confirmation_url: "https://hojager.example/erhverv/maaling".into(),
        postal_address: "Torvet 1, 2640 Højager".into(),
        comment_reader: "erhvervskonsulenten i Erhvervsservice".into(),
        dpo_email: "dpo@hojager.example".into(),
        committee: "Erhvervsudvalget".into(),
        ..Settings::default()
    }
}

pub(crate) fn unit(number: u32) -> FrameUnit {
    FrameUnit {
        unit_key: format!("dk:p:{:010}", 1_000_000_000 + number),
        country: Country::Dk,
        company_number: Some(format!("{:08}", 10_000_000 + number)),
        name: format!("Vognmand {number} ApS"),
        street: format!("Industrivej {number}"),
        postcode: "2640".into(),
        city: "Højager".into(),
        industry_code: "49.41.00".into(),
        classification: Classification::Db25,
        employees_low: 5,
        employees_high: Some(5),
        company_employees_low: Some(5),
        company_employees_high: Some(5),
        sector: "transport".into(),
        size: "2-9".into(),
        area: None,
        started_on: None,
        email: Some(format!("vognmand{number}@firma.example")),
        phone: None,
        protected: false,
    }
}

fn claimed(kind: MessageKind, language: Language) -> ClaimedMail {
    let municipality = MunicipalityId("m1".into());
    ClaimedMail {
        id: MailId("019a5c6e-0000-7000-8000-000000000001".into()),
        message_id: "019a5c6e-0000-7000-8000-000000000001@hojager.example".into(),
        kind,
        attempts: 0,
        queued_at: Millis(1_795_000_000_000),
        recipient: "kontor@vognmand.example".into(),
        language,
        invitation: InvitationId("i1".into()),
        generation: 2,
        businesses: vec!["Højager Vognmandsforretning A/S".into()],
        unit: unit(1),
        case: None,
        facts: domain::questionnaire::Facts::default(),
        round: Arc::new(Round {
            id: RoundId("r1".into()),
            municipality: municipality.clone(),
            kind: domain::fieldwork::RoundKind::Yearly,
            year: 2026,
            title: "2026-målingen".into(),
            state: RoundState::Open,
            opens_on: Some("2026-09-01".into()),
            closes_on: Some("2026-10-01".into()),
            questionnaire: None,
            frame: None,
            threshold: 5,
            paused_at: None,
            pause_key: None,
            pause_reason: None,
            mail_until: None,
            opened_at: None,
            closed_at: None,
        }),
        municipality: Arc::new(Municipality {
            id: municipality,
            slug: "hojager".into(),
            name: "Højager Kommune".into(),
            country: Country::Dk,
            settings: settings(),
        }),
        own: None,
    }
}

fn compose(mail: &ClaimedMail) -> Result<Rendered, ComposeError> {
    composer(None).compose(mail, (4, 6), Millis(1_795_388_400_000))
}

fn composed(mail: &ClaimedMail) -> Rendered {
    compose(mail).unwrap_or_else(|e| panic!("{e}"))
}

fn link() -> String {
    format!("https://svar.hojager.example/s/{}", keys().invitation_token(&InvitationId("i1".into()), 2).reveal())
}

/// The words of an HTML page's body as a reader sees them.
fn visible(html: &str) -> String {
    let body = &html[html.find("<body").unwrap()..];
    let mut text = String::new();
    let mut inside = false;
    for c in body.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    text.replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x2F;", "/")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().filter(|w| !w.chars().all(|c| c == '-')).map(|w| w.trim_end_matches(':')).collect()
}

fn parts(rendered: &Rendered) -> (String, String) {
    let message = MessageParser::default().parse(&rendered.bytes).unwrap();
    (message.body_text(0).unwrap().replace("\r\n", "\n"), message.body_html(0).unwrap().into_owned())
}

/// Does it ask for answers, and so say all that goes with them? The others tell something, briefly.
fn asks(kind: MessageKind) -> bool {
    kind.asks()
}

/// Does it lead to the personal pages?
fn leads(kind: MessageKind) -> bool {
    asks(kind) || matches!(kind, MessageKind::Thanks | MessageKind::Followup)
}

fn every() -> impl Iterator<Item = (MessageKind, Language)> {
    MessageKind::ALL.iter().flat_map(|kind| Language::ALL.map(|language| (*kind, language)))
}

#[test]
fn every_message_says_what_it_must_in_every_language() {
    for (kind, language) in every() {
        let rendered = composed(&claimed(kind, language));
        let (text, _) = parts(&rendered);
        let closes = text::format::date(language, "2026-10-01".parse().unwrap());
        let cut = text::format::date(language, "2031-12-31".parse().unwrap());
        let at = format!("{} {}:\n{text}", kind.as_str(), language.tag());
        for said in [
            "Højager Vognmandsforretning A/S",
            "Højager Kommune",
            "Anne Holm, erhvervschef",
            "43 59 10 00",
            "https://hojager.example/erhverv/maaling",
            "Torvet 1, 2640 Højager",
            "CVR",
            "https://svar.hojager.example/hojager/privacy",
        ] {
            assert!(text.contains(said), "{said:?} is missing in {at}");
        }
        for said in [
            "4–6 minut",
            "dpo@hojager.example",
            "erhvervskonsulenten i Erhvervsservice",
            "Erhvervsudvalget",
            &closes,
            &cut,
            "Datatilsynet",
        ] {
            assert!(!asks(kind) || text.contains(said), "{said:?} is missing in {at}");
        }
        assert_eq!(text.matches(&format!("{}\n", link())).count(), usize::from(leads(kind)), "{at}");
        assert_eq!(text.matches(&format!("{}/stop\n", link())).count(), 1, "{at}");
        assert!(rendered.subject.contains("Højager Kommune"), "{}", rendered.subject);
        assert!(!asks(kind) || rendered.subject.contains(&closes), "{}", rendered.subject);
        assert!(rendered.bytes.len() < 30_000, "{} bytes", rendered.bytes.len());
    }
}

#[test]
fn the_promises_stand_in_their_order() {
    let promises = [
        (
            Language::Da,
            [
                "Jeres svar er fortrolige, men ikke anonyme.",
                "Systemet ved",
                "mindst 5 virksomheder",
                "Kommentarer læses af",
                "Svarene bruges ikke i sager",
                "slettes senest",
                "aktindsigt",
            ],
        ),
        (
            Language::Sv,
            [
                "Era svar är konfidentiella, men inte anonyma.",
                "Systemet vet",
                "minst 5 företag",
                "Kommentarer läses av",
                "Svaren används inte i ärenden",
                "raderas senast",
                "aktinsyn",
            ],
        ),
        (
            Language::En,
            [
                "Your answers are confidential, but not anonymous.",
                "The system knows",
                "at least 5 businesses",
                "Comments are read by",
                "not used in cases",
                "no later than",
                "access to documents",
            ],
        ),
    ];
    for (language, sentences) in promises {
        for kind in MessageKind::ALL.iter().filter(|kind| asks(**kind)) {
            let (text, _) = parts(&composed(&claimed(*kind, language)));
            let places: Vec<_> = sentences
                .iter()
                .map(|s| text.find(s).unwrap_or_else(|| panic!("{s:?} is missing in {text}")))
                .collect();
            assert!(places.is_sorted(), "{places:?}");
            assert_eq!(text.to_lowercase().matches("anonym").count(), 1, "{text}");
        }
    }
}

#[test]
fn in_sweden_other_law_and_another_register_apply() {
    let mut mail = claimed(MessageKind::Invitation, Language::Sv);
    Arc::make_mut(&mut mail.municipality).country = Country::Se;
    let (text, _) = parts(&composed(&mail));
    assert!(text.contains("Svaren blir allmän handling hos kommunen. Uppgifter kan omfattas av sekretess; det prövas om någon begär ut dem."));
    assert!(
        text.contains("SCB:s företagsregister")
            && text.contains("Integritetsskyddsmyndigheten")
            && !text.contains("CVR")
    );
}

#[test]
fn text_and_html_say_the_same_and_nothing_follows_the_reader() {
    for (kind, language) in every() {
        let (text, html) = parts(&composed(&claimed(kind, language)));
        assert_eq!(words(&visible(&html)), words(&text), "{} {}", kind.as_str(), language.tag());
        for forbidden in ["<img", "<script", "<link", "<iframe", "url(", "@import", "src="] {
            assert!(!html.contains(forbidden), "{forbidden} in the page");
        }
        let own = ["https://svar.hojager.example/", "https://hojager.example/erhverv/maaling"];
        for (at, _) in html.match_indices("http") {
            assert!(own.iter().any(|o| html[at..].starts_with(o)), "a foreign address: {}", &html[at..at + 40]);
        }
        assert!(html.contains("color-scheme") && html.contains("width=device-width"));
        assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())));
        assert_eq!(html.contains(&format!("class=\"button\" href=\"{}\"", link())), leads(kind));
        assert!(html.contains("<!--[if mso]>") && html.matches("<!--").count() == html.matches("-->").count());
    }
}

#[test]
fn headers_are_those_of_a_list_that_people_can_leave() {
    let rendered = composed(&claimed(MessageKind::Reminder1, Language::Da));
    let message = MessageParser::default().parse(&rendered.bytes).unwrap();
    let raw = |name: &str| message.header_raw(name).unwrap_or_else(|| panic!("no {name}")).trim().to_owned();
    assert_eq!(raw("Auto-Submitted"), "auto-generated");
    assert_eq!(raw("List-Unsubscribe"), format!("<{}/stop>", link()));
    assert_eq!(raw("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(raw("List-Id"), "<2026.hojager.hojager.example>");
    assert_eq!(raw("Content-Language"), "da");
    assert_eq!(raw("Feedback-ID"), "reminder1:2026:hojager:pejling");
    assert_eq!(raw("X-Auto-Response-Suppress"), "OOF, AutoReply");
    assert_eq!(raw("Message-ID"), "<019a5c6e-0000-7000-8000-000000000001@hojager.example>");
    assert_eq!(message.from().unwrap().first().unwrap().address(), Some("undersoegelse@hojager.example"));
    assert_eq!(message.from().unwrap().first().unwrap().name(), Some("Højager Kommune"));
    assert_eq!(message.reply_to().unwrap().first().unwrap().address(), Some("erhverv@hojager.example"));
    assert_eq!(message.to().unwrap().first().unwrap().address(), Some("kontor@vognmand.example"));
    assert_eq!(message.date().unwrap().to_timestamp(), 1_795_388_400);
    assert_eq!(message.subject(), Some(rendered.subject.as_str()));
    assert_eq!(
        (rendered.envelope.from(), rendered.envelope.to()),
        ("undersoegelse@hojager.example", "kontor@vognmand.example")
    );
}

#[test]
fn only_seven_bits_and_short_lines_go_on_the_wire() {
    for (kind, language) in every() {
        let bytes = composed(&claimed(kind, language)).bytes;
        assert!(bytes.is_ascii());
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "a bare line end");
        assert!(text.split("\r\n").all(|line| line.len() <= 200), "a long line");
        let message = MessageParser::default().parse(text.as_bytes()).unwrap();
        assert!(message.parts.iter().skip(1).all(|p| p.content_transfer_encoding() == Some("quoted-printable")));
    }
}

#[test]
fn every_message_is_signed_and_another_program_finds_the_signatures_right() {
    let signer = crate::dkim::tests::signer();
    let mut messages = Vec::new();
    for (kind, language) in every() {
        let rendered = composed(&claimed(kind, language));
        let signed = signer.sign(&rendered.bytes, Millis(1_795_388_400_000)).unwrap();
        let head = String::from_utf8_lossy(&signed).replace("\r\n\t", "");
        let names = head.split("h=").nth(1).unwrap().split(';').next().unwrap().to_lowercase().replace(' ', "");
        for name in [
            "from",
            "to",
            "subject",
            "date",
            "message-id",
            "reply-to",
            "mime-version",
            "content-type",
            "list-unsubscribe",
            "list-unsubscribe-post",
        ] {
            assert_eq!(
                names.split(':').filter(|n| *n == name).count(),
                2,
                "{name} is in the message and cannot be added"
            );
        }
        messages.push(signed);
    }
    let Some(verdicts) = crate::dkim::tests::verdicts(signer, &messages) else { return };
    assert!(verdicts.iter().all(|v| *v == [true, true]), "{verdicts:?}");
}

/// What SpamAssassin gives at most, without asking the network; it lets through what stays below 5.
const MOST_POINTS: f64 = 0.5;

/// Every message in every language, signed, as files in `folder`.
fn samples(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let write = |(kind, language): (MessageKind, Language)| {
        let mut mail = claimed(kind, language);
        if language == Language::Sv {
            Arc::make_mut(&mut mail.municipality).country = Country::Se;
        }
        let signed = crate::dkim::tests::signer().sign(&composed(&mail).bytes, Millis(1_795_388_400_000)).unwrap();
        let path = folder.join(format!("{}.{}.eml", kind.as_str(), language.tag()));
        std::fs::write(&path, signed).unwrap();
        path
    };
    every().map(write).collect()
}

/// With `PEJLING_MAIL_SAMPLES` naming a folder the messages stay there, to be looked at.
#[test]
fn a_spam_filter_finds_next_to_nothing_in_any_message() {
    let passing = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("PEJLING_MAIL_SAMPLES").map_or_else(|| passing.path().to_owned(), Into::into);
    let files = samples(&folder);
    let Ok(output) = std::process::Command::new("spamassassin").args(["-L", "-t"]).args(&files).output() else {
        println!("skipped: spamassassin is not installed; tests/run installs it");
        return;
    };
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    let verdicts: Vec<&str> = report.split("X-Spam-Status: ").skip(1).collect();
    assert_eq!(verdicts.len(), files.len(), "{}", String::from_utf8_lossy(&output.stderr));
    for (file, verdict) in files.iter().zip(verdicts) {
        let status = verdict.split(" autolearn").next().unwrap().replace(['\n', '\t'], "");
        let points: f64 = status.split("score=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        println!("{points:>5} {} {status}", file.file_name().unwrap().display());
        assert!(points <= MOST_POINTS, "{}: {status}", file.display());
    }
}

#[test]
fn buttons_can_be_read_whatever_the_municipality_s_colour() {
    for (colour, on) in [("#1d4f7c", "#ffffff"), ("#ffffff", DARK_TEXT), ("#f5c400", DARK_TEXT), ("#000000", "#ffffff")]
    {
        assert_eq!(text_on(colour), on, "{colour}");
    }
}

#[test]
fn writing_the_same_row_twice_gives_the_same_bytes() {
    let mail = claimed(MessageKind::Invitation, Language::Da);
    assert!(composed(&mail).bytes == composed(&mail).bytes);
}

#[test]
fn bounces_come_back_marked() {
    let rendered = composer(Some("bounce@mail.hojager.example"))
        .compose(&claimed(MessageKind::Invitation, Language::Da), (4, 6), Millis(0))
        .unwrap_or_else(|e| panic!("{e}"));
    assert!(rendered.envelope.from().starts_with("bounce+agnfy3qaabyabaaaaaaaaaaaae"));
    assert_eq!(
        crate::bounce::mail_of_return_path(rendered.envelope.from(), &keys()),
        Some(MailId("019a5c6e-0000-7000-8000-000000000001".into()))
    );
    assert_eq!(
        crate::bounce::mail_of_return_path(
            "bounce+agnfy3qaabyabaaaaaaaaaaaaeaaaaaaaaaaaaa@mail.hojager.example",
            &keys()
        ),
        None
    );
}

#[test]
fn several_workplaces_are_told_what_their_answer_stands_for() {
    let mut mail = claimed(MessageKind::Invitation, Language::Da);
    mail.businesses.push("Terminalen\r\nBcc: x@example.dk".into());
    let (text, _) = parts(&composed(&mail));
    assert!(text.contains("Svaret gælder for alle de arbejdssteder, som I har i kommunen: Højager Vognmandsforretning A/S, Terminalen Bcc: x@example.dk."), "{text}");
}

#[test]
fn a_municipality_that_has_told_little_still_sends_whole_sentences() {
    let mut mail = claimed(MessageKind::Invitation, Language::Da);
    let bare = Settings { sender_email: "post@hojager.example".into(), ..Settings::default() };
    Arc::make_mut(&mut mail.municipality).settings = bare;
    let (text, _) = parts(&composed(&mail));
    assert!(text.contains("\nAnsvarlig for målingen: Højager Kommune.\n"), "{text}");
    assert!(text.contains("Kommentarer læses af den medarbejder hos kommunen, der står for målingen."), "{text}");
    assert!(text.contains("Politikerne ser kun udvalgte citater"), "{text}");
    assert_eq!(missing_settings(&mail.municipality).len(), 8);
}

#[test]
fn what_stops_one_message_is_told_from_what_stops_all() {
    let mut mail = claimed(MessageKind::Invitation, Language::Da);
    for address in ["", "no-at", "a@", "@b.dk", "two@a.dk,b@c.dk", "a b@c.dk", "a@b.dk\r\nRCPT TO:<x@y.dk>"] {
        mail.recipient = address.into();
        assert!(matches!(compose(&mail), Err(ComposeError::Recipient)), "{address:?}");
    }
    // Letters of a domain have a form that every server takes.
    mail.recipient = "info@blåbær.dk".into();
    assert_eq!(composed(&mail).envelope.to(), "info@xn--blbr-roah.dk");
    // Letters before the @ have none; the address goes out as it is, to servers that take it.
    mail.recipient = "bjørn@firma.dk".into();
    let rendered = composed(&mail);
    assert!(rendered.envelope.is_international() && rendered.envelope.to() == "bjørn@firma.dk");
    let message = MessageParser::default().parse(&rendered.bytes).unwrap();
    assert_eq!(message.to().unwrap().first().unwrap().address(), Some("bjørn@firma.dk"));
    Arc::make_mut(&mut mail.municipality).settings.sender_email = "måling@hojager.example".into();
    Arc::make_mut(&mut mail.municipality).settings.contact_email = String::new();
    assert!(matches!(compose(&mail), Err(ComposeError::Setting(_))), "our own address must be taken by all");
    Arc::make_mut(&mut mail.municipality).settings = Settings::default();
    assert!(matches!(compose(&mail), Err(ComposeError::Setting(_))));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn nothing_written_by_people_becomes_a_header_a_line_or_markup(
        name in "\\PC{0,40}|[a-z<>&\"':\r\n\t# -]{0,60}",
        business in "\\PC{0,40}|[a-zA-Z<>&\"':\r\n\0 -]{0,80}",
        recipient in "[a-z\r\n <>@.:]{0,30}|[a-z]{1,8}@[a-z]{1,8}\\.dk",
    ) {
        let composer = shared();
        let mut mail = claimed(MessageKind::Invitation, Language::Da);
        let usual = names(&composed(&mail).bytes);
        let municipality = Arc::make_mut(&mut mail.municipality);
        municipality.name = name.clone();
        municipality.settings.contact_name = business.clone();
        municipality.settings.postal_address = name.clone();
        mail.businesses = vec![business.clone(), name];
        mail.message_id = business;
        mail.recipient = recipient;
        match composer.compose(&mail, (4, 6), Millis(0)) {
            Ok(rendered) => {
                proptest::prop_assert_eq!(names(&rendered.bytes), usual);
                proptest::prop_assert!(rendered.bytes.is_ascii());
                let message = MessageParser::default().parse(&rendered.bytes).unwrap();
                proptest::prop_assert_eq!(message.parts.len(), 3);
                let html = message.body_html(0).unwrap();
                proptest::prop_assert_eq!(html.matches("<a ").count(), 5);
            }
            Err(error) => proptest::prop_assert!(matches!(error, ComposeError::Recipient), "{}", error),
        }
    }
}

#[test]
fn every_message_has_a_mould_that_gives_the_same_bytes() {
    let composer = composer(None);
    for (kind, language) in every() {
        for others in [false, true] {
            let mut mail = claimed(kind, language);
            for (n, name) in
                ["Højager Vognmandsforretning A/S", "B & <b> \"C\" 'D' = .", "From Å"].into_iter().enumerate()
            {
                mail.businesses = vec![name.to_owned()];
                mail.businesses.extend(others.then(|| format!("Terminalen & {name}")));
                mail.recipient = format!("kontor{n}@vognmand.example");
                mail.invitation = InvitationId(format!("i{n}"));
                mail.message_id = format!("019a5c6e-0000-7000-8000-00000000000{n}@hojager.example");
                let rendered = composer.compose(&mail, (4, 6), Millis(1_795_388_400_000)).unwrap();
                let at = format!("{} {} {name}", kind.as_str(), language.tag());
                assert!(composer.moulds.find(&mail, others).unwrap().is_some(), "no mould for {at}");
                assert!(rendered.bytes == at_length(&composer, &mail), "{at}");
            }
        }
    }
}

#[test]
fn a_changed_setting_makes_a_new_mould() {
    let composer = composer(None);
    let mut mail = claimed(MessageKind::Invitation, Language::Da);
    let first = composer.compose(&mail, (4, 6), Millis(1_795_388_400_000)).unwrap().bytes;
    // The same values in another place in memory, as in the next batch.
    mail.municipality = Arc::new((*mail.municipality).clone());
    assert!(first == composer.compose(&mail, (4, 6), Millis(1_795_388_400_000)).unwrap().bytes);
    Arc::make_mut(&mut mail.municipality).settings.postal_address = "Strandvej 9, 2640 Højager".into();
    let (text, _) = parts(&composer.compose(&mail, (4, 6), Millis(1_795_388_400_000)).unwrap());
    assert!(text.contains("Strandvej 9") && !text.contains("Torvet 1"), "{text}");
}

/// The bytes of a message written out without a mould.
fn at_length(composer: &Composer, mail: &ClaimedMail) -> Vec<u8> {
    let now = Millis(1_795_388_400_000);
    let fields = composer.fields(mail, (4, 6), wire_address(&mail.recipient, false).unwrap(), now);
    composer.at_length(mail, &fields, now).unwrap().0
}

proptest::proptest! {
    #[test]
    fn whoever_it_is_for_a_mould_gives_the_same_bytes(
        business in "\\PC{0,60}|[a-zA-Z<>&\"':.= -]{0,120}",
        local in "[a-z0-9.+_-]{1,64}",
        domain in "[a-zæø]{1,60}\\.dk",
        message_id in "[0-9a-f-]{36}@[a-z]{1,20}\\.dk",
    ) {
        let composer = shared();
        let mut mail = claimed(MessageKind::Invitation, Language::Da);
        mail.businesses = vec![business];
        mail.recipient = format!("{local}@{domain}");
        mail.message_id = message_id;
        if let Ok(rendered) = composer.compose(&mail, (4, 6), Millis(1_795_388_400_000)) {
            proptest::prop_assert!(rendered.bytes == at_length(composer, &mail));
        }
    }
}

fn shared() -> &'static Composer {
    static COMPOSER: std::sync::OnceLock<Composer> = std::sync::OnceLock::new();
    COMPOSER.get_or_init(|| composer(None))
}

/// The names of a message's headers, in order.
fn names(bytes: &[u8]) -> Vec<String> {
    let head = String::from_utf8_lossy(bytes);
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    head.split("\r\n")
        .filter(|l| !l.starts_with([' ', '\t']))
        .map(|l| l.split(':').next().unwrap_or_default().to_owned())
        .collect()
}

fn in_own_words(kind: MessageKind, language: Language) -> ClaimedMail {
    let body = "Kære {business} ude hos os\n\n- ét\n- to af {year}\n\n{contact_name} & <jeg>, {contact_phone}";
    let own = OwnText::parse(kind, "Nyt fra {municipality} og {committee}", body).unwrap();
    ClaimedMail { own: Some(Arc::new(own)), ..claimed(kind, language) }
}

#[test]
fn own_words_take_the_place_of_the_free_paragraphs_and_of_nothing_else() {
    let composer = composer(None);
    let composed = |mail: &ClaimedMail| composer.compose(mail, (4, 6), Millis(1_795_388_400_000)).unwrap();
    for (kind, language) in every().filter(|(kind, _)| domain::mailtext::has_own_text(*kind)) {
        let (theirs, ours) = (composed(&in_own_words(kind, language)), composed(&claimed(kind, language)));
        assert_eq!(theirs.subject, "Nyt fra Højager Kommune og Erhvervsudvalget");
        let (text, page) = parts(&theirs);
        let said = "Kære Højager Vognmandsforretning A/S ude hos os\n\n- ét\n- to af 2026\n\nAnne Holm, erhvervschef & <jeg>, 43 59 10 00\n";
        assert!(text.contains(said), "{text}");
        assert!(page.contains("<li style=\"margin:0 0 6px;\">to af 2026</li>") && page.contains("&amp; &lt;jeg&gt;"));
        // Everything else is said as before, in its order.
        let (before, _) = text.split_once(said).unwrap();
        let (plain, _) = parts(&ours);
        assert!(plain.starts_with(before), "{plain}");
        let after = &text[before.len() + said.len()..];
        assert!(plain.ends_with(after), "{plain}\n--- does not end with ---\n{after}");
        let built_in = composer.built_in(kind, language, &claimed(kind, language).municipality).unwrap();
        let same = ClaimedMail {
            own: Some(Arc::new(OwnText::parse(kind, &built_in.subject, &built_in.body).unwrap())),
            ..claimed(kind, language)
        };
        let same = composed(&same);
        assert_eq!((parts(&same), same.subject), (parts(&ours), ours.subject), "{kind:?} {language:?}");
    }
}

#[test]
fn own_words_go_through_the_mould_like_any_others() {
    let composer = composer(None);
    for name in ["Ét & <to>", "Helt andet", "Ét & <to>"] {
        let mail = ClaimedMail { businesses: vec![name.into()], ..in_own_words(MessageKind::Reminder1, Language::Da) };
        let now = Millis(1_795_388_400_000);
        let fields = composer.fields(&mail, (4, 6), mail.recipient.clone(), now);
        let composed = composer.compose(&mail, (4, 6), now).unwrap();
        assert!(composed.bytes == composer.at_length(&mail, &fields, now).unwrap().0);
        assert!(matches!(composer.moulds.find(&mail, false), Some(Some(_))));
    }
    // Whoever writes other words gets another mould.
    assert!(composer.moulds.find(&claimed(MessageKind::Reminder1, Language::Da), false).is_none());
}

#[test]
fn words_with_a_hole_are_not_used() {
    let mut mail = in_own_words(MessageKind::Invitation, Language::Da);
    let mut municipality = (*mail.municipality).clone();
    municipality.settings.contact_phone = " ".into();
    mail.municipality = Arc::new(municipality);
    let rendered = composed(&mail);
    assert!(rendered.subject.starts_with("Højager Kommune: Hvordan er det"), "{}", rendered.subject);
    assert!(parts(&rendered).0.contains("Hvert år spørger"));
}

#[test]
fn a_preview_has_the_words_of_the_message_and_nobodys_link() {
    let mail = in_own_words(MessageKind::Thanks, Language::Sv);
    let shown = composer(None).preview(&mail, (4, 6), Millis(1_795_388_400_000)).unwrap();
    let token = keys().invitation_token(&mail.invitation, 2).reveal().to_owned();
    let sent = composed(&mail);
    assert_eq!(shown.subject, sent.subject);
    assert!(!shown.text.contains(&token) && !shown.html.contains(&token));
    assert_eq!(parts(&sent).0.trim_end().replace(&token, "…"), shown.text.trim_end());
}

#[test]
fn every_link_of_a_message_is_one_that_is_known_to_change_nothing() {
    // What `crates/web/tests/mail_links.rs` opens as a scanner does; a new link belongs there too.
    let known = [link(), format!("{}/stop", link()), "https://svar.hojager.example/hojager/privacy".to_owned()];
    let composer = composer(None);
    for (kind, language) in every() {
        let rendered = composer.compose(&claimed(kind, language), (4, 6), Millis(1_795_388_400_000)).unwrap();
        let (text, page) = parts(&rendered);
        for part in [text, page] {
            let ours = part.match_indices("https://svar.hojager.example").map(|(at, _)| {
                let rest = &part[at..];
                &rest[..rest.find(|c: char| c.is_whitespace() || "\"<>".contains(c)).unwrap_or(rest.len())]
            });
            for address in ours {
                assert!(known.iter().any(|known| known == address), "{kind:?} {language:?}: {address}");
            }
        }
    }
}
