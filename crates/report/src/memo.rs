//! A message for the Danish public's Digital Post: MeMo 1.2, the format in which a sending system takes it.
//!
//! Names and order of the elements follow the public model description; what is optional there and not needed here is left out.
use std::fmt::Write as _;

/// The version of the format.
pub const VERSION: &str = "1.2";
/// The namespace that all elements lie in.
pub const NAMESPACE: &str = "https://DigitalPost.dk/MeMo-1";
/// The longest label that the format takes.
const LABEL: usize = 256;

/// One message to one company.
pub struct Message<'a> {
    /// A random UUID (version 4), by which a receipt names the message.
    pub uuid: &'a str,
    /// Its subject.
    pub label: &'a str,
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// The municipality's CVR number.
    pub sender_cvr: &'a str,
    /// The municipality's name.
    pub sender: &'a str,
    /// The company's CVR number.
    pub recipient_cvr: &'a str,
    /// The company's name.
    pub recipient: &'a str,
    /// The letter, as PDF.
    pub pdf: &'a [u8],
    /// Name of the PDF.
    pub file_name: &'a str,
    /// Language of the letter.
    pub language: &'a str,
    /// What the reader may do: label and address.
    pub actions: &'a [(String, String)],
}

impl Message<'_> {
    /// The message as XML.
    #[must_use]
    pub fn xml(&self) -> String {
        let mut xml = Xml(String::with_capacity(self.pdf.len() * 4 / 3 + 4096));
        xml.0.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(xml.0, "<memo:Message xmlns:memo=\"{NAMESPACE}\" memoVersion=\"{VERSION}\">");
        xml.open("MessageHeader");
        xml.leaf("messageType", "DIGITALPOST");
        xml.leaf("messageUUID", self.uuid);
        xml.leaf("label", &cut(self.label));
        xml.leaf("mandatory", "false");
        xml.leaf("legalNotification", "false");
        xml.open("Sender");
        xml.leaf("senderID", self.sender_cvr);
        xml.leaf("idType", "CVR");
        xml.leaf("label", &cut(self.sender));
        xml.close("Sender");
        xml.open("Recipient");
        xml.leaf("recipientID", self.recipient_cvr);
        xml.leaf("idType", "CVR");
        xml.leaf("label", &cut(self.recipient));
        xml.close("Recipient");
        xml.close("MessageHeader");
        xml.open("MessageBody");
        xml.leaf("createdDateTime", &self.created_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        xml.open("MainDocument");
        xml.leaf("label", &cut(self.label));
        xml.open("File");
        xml.leaf("encodingFormat", "application/pdf");
        xml.leaf("filename", self.file_name);
        xml.leaf("language", self.language);
        xml.leaf("content", &data_encoding::BASE64.encode(self.pdf));
        xml.close("File");
        for (label, url) in self.actions {
            xml.open("Action");
            xml.leaf("label", &cut(label));
            xml.leaf("actionCode", "SELVBETJENING");
            xml.open("EntryPoint");
            xml.leaf("url", url);
            xml.close("EntryPoint");
            xml.close("Action");
        }
        xml.close("MainDocument");
        xml.close("MessageBody");
        xml.0.push_str("</memo:Message>\n");
        xml.0
    }
}

struct Xml(String);

impl Xml {
    fn open(&mut self, name: &str) {
        let _ = writeln!(self.0, "<memo:{name}>");
    }

    fn close(&mut self, name: &str) {
        let _ = writeln!(self.0, "</memo:{name}>");
    }

    fn leaf(&mut self, name: &str, text: &str) {
        let _ = write!(self.0, "<memo:{name}>");
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                // What XML cannot hold.
                '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
                c => self.0.push(c),
            }
        }
        let _ = writeln!(self.0, "</memo:{name}>");
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LABEL).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(actions: &'a [(String, String)], name: &'a str) -> Message<'a> {
        Message {
            uuid: "0b8a6d0e-3c1f-4f6a-9d55-2a6a7c1d9e11",
            label: "Hvordan er det at drive virksomhed hos os?",
            created_at: "2026-09-01T08:30:00.25Z".parse().unwrap(),
            sender_cvr: "29188475",
            sender: "Højager Kommune",
            recipient_cvr: "10000001",
            recipient: name,
            pdf: b"%PDF-1.7 \xff\x00",
            file_name: "brev-10000001.pdf",
            language: "da",
            actions,
        }
    }

    /// Element names with their depth, in the order in which they stand.
    fn outline(node: roxmltree::Node<'_, '_>, depth: usize, into: &mut Vec<String>) {
        for child in node.children().filter(roxmltree::Node::is_element) {
            assert_eq!(child.tag_name().namespace(), Some(NAMESPACE));
            into.push(format!("{}{}", " ".repeat(depth), child.tag_name().name()));
            outline(child, depth + 1, into);
        }
    }

    #[test]
    fn elements_stand_in_the_order_of_the_schema_and_hold_what_was_given() {
        let actions = [("Svar for Kaj 3".to_owned(), "https://svar.example/s/a?x=1&y=2".to_owned())];
        let xml = message(&actions, "Holm & Søn <Smedje> A/S\u{1}").xml();
        let document = roxmltree::Document::parse(&xml).unwrap();
        let root = document.root_element();
        assert_eq!((root.tag_name().name(), root.attribute("memoVersion")), ("Message", Some("1.2")));
        let mut found = Vec::new();
        outline(root, 0, &mut found);
        let expected = "MessageHeader, messageType, messageUUID, label, mandatory, legalNotification, Sender, senderID, idType, label, \
            Recipient, recipientID, idType, label, MessageBody, createdDateTime, MainDocument, label, File, encodingFormat, filename, \
            language, content, Action, label, actionCode, EntryPoint, url";
        assert_eq!(found.iter().map(|name| name.trim()).collect::<Vec<_>>().join(", "), expected);
        let text = |name: &str| {
            document.descendants().filter(|n| n.tag_name().name() == name).filter_map(|n| n.text()).collect::<Vec<_>>()
        };
        assert_eq!(text("label")[2], "Holm & Søn <Smedje> A/S");
        assert_eq!(text("createdDateTime"), ["2026-09-01T08:30:00Z"]);
        assert_eq!(text("url"), [actions[0].1.as_str()]);
        assert_eq!(data_encoding::BASE64.decode(text("content")[0].as_bytes()).unwrap(), b"%PDF-1.7 \xff\x00");
    }

    #[test]
    fn a_long_name_is_cut_to_what_the_format_takes() {
        let xml = message(&[], &"ø".repeat(400)).xml();
        let document = roxmltree::Document::parse(&xml).unwrap();
        let labels = document.descendants().filter(|n| n.tag_name().name() == "label");
        assert!(labels.filter_map(|n| n.text()).all(|text| text.chars().count() <= 256));
    }
}
