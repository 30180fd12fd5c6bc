//! Findings over a real name server on a real port, with packets made and read by a library that knows them.
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{MX, TXT};
use hickory_resolver::proto::rr::{Name, Record};
use tokio::net::UdpSocket;

use super::*;
use crate::dkim::{Algorithm, SigningKey, txt_strings};

#[derive(Default, Clone)]
struct Zone(HashMap<(String, RecordType), Vec<RData>>);

impl Zone {
    fn txt(mut self, name: &str, record: &str) -> Self {
        let data = RData::TXT(TXT::new(txt_strings(record)));
        self.0.entry((format!("{name}."), RecordType::TXT)).or_default().push(data);
        self
    }

    fn mx(mut self, name: &str, host: &str) -> Self {
        let data = RData::MX(MX::new(10, Name::from_str(host).unwrap()));
        self.0.entry((format!("{name}."), RecordType::MX)).or_default().push(data);
        self
    }
}

/// A name server that knows one zone, and fails where a name begins with `broken`.
async fn serve(zone: Zone) -> Resolver {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let zone = Arc::new(zone);
    tokio::spawn(async move {
        let mut bytes = [0; 4096];
        loop {
            let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
            let query = Message::from_vec(&bytes[..length]).unwrap();
            let question = query.queries[0].clone();
            let mut answer = Message::response(query.metadata.id, OpCode::Query);
            answer.add_query(question.clone());
            let name = question.name().to_utf8().to_lowercase();
            match zone.0.get(&(name.clone(), question.query_type())) {
                Some(records) => {
                    for data in records {
                        answer.add_answer(Record::from_rdata(question.name().clone(), 60, data.clone()));
                    }
                }
                None if name.starts_with("broken") => answer.metadata.response_code = ResponseCode::ServFail,
                None => answer.metadata.response_code = ResponseCode::NXDomain,
            }
            socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    });
    Resolver::at(address).unwrap_or_else(|e| panic!("{e}"))
}

fn key() -> PublicKey {
    SigningKey::from_pem(SigningKey::generate(Algorithm::Ed25519).unwrap().as_bytes())
        .unwrap_or_else(|e| panic!("{e}"))
        .public()
}

fn worst(findings: &[Finding], topic: &str) -> (Level, String) {
    let of: Vec<_> = findings.iter().filter(|f| f.topic == topic).collect();
    let level = of.iter().map(|f| f.level).max().unwrap_or_else(|| panic!("nothing about {topic}"));
    (level, of.iter().map(|f| f.words.clone()).collect::<Vec<_>>().join("\n"))
}

#[tokio::test]
async fn a_domain_as_it_should_be_is_right_in_everything() {
    let rsa = crate::dkim::tests::signer().published().find(|(_, k)| k.algorithm == Algorithm::Rsa).unwrap().1;
    assert!(rsa.record().len() > 255, "it comes in two strings");
    let key = key();
    let resolver = serve(
        Zone::default()
            .mx("hojager.example", "mx.relay.example.")
            .txt("hojager.example", "google-site-verification=x")
            .txt("hojager.example", "v=spf1 include:spf.relay.example ip4:192.0.2.0/24 -all")
            .txt("spf.relay.example", "v=spf1 ip6:2001:db8::/32 ~all")
            .txt("p1._domainkey.hojager.example", &rsa.record())
            .txt("p2._domainkey.hojager.example", &key.record())
            .txt("_dmarc.hojager.example", "v=DMARC1; p=quarantine; rua=mailto:dmarc@hojager.example"),
    )
    .await;
    let sender = Sender {
        domain: "hojager.example".into(),
        signer: Some("hojager.example".into()),
        keys: vec![("p1".into(), rsa), ("p2".into(), key)],
        links: vec![("survey", "svar.hojager.example".into())],
        ..Sender::default()
    };
    let findings = check(&resolver, &sender).await.unwrap();
    assert!(findings.iter().all(|f| f.level == Level::Right), "{findings:#?}");
    assert_eq!(findings.len(), 6);
}

#[tokio::test]
async fn a_domain_that_publishes_nothing_is_told_what_to_publish() {
    let key = key();
    let sender = Sender {
        domain: "hojager.example".into(),
        signer: Some("hojager.example".into()),
        keys: vec![("p1".into(), key.clone())],
        links: vec![("survey", "survey.elsewhere.example".into())],
        return_path: Some("bounce.hojager.example".into()),
    };
    let findings = check(&serve(Zone::default()).await, &sender).await.unwrap();
    for topic in ["MX", "SPF", "DKIM", "DMARC"] {
        assert_eq!(worst(&findings, topic).0, Level::Wrong, "{topic}");
    }
    assert!(
        worst(&findings, "DKIM").1.contains(&format!("p1._domainkey.hojager.example. IN TXT \"{}\"", key.record()))
    );
    assert!(worst(&findings, "SPF").1.starts_with("bounce.hojager.example has no SPF record"));
    assert!(worst(&findings, "DMARC").1.contains("_dmarc.hojager.example. IN TXT \"v=DMARC1; p=none;"));
    assert_eq!(worst(&findings, "links").0, Level::Advice);
}

#[tokio::test]
async fn each_fault_of_a_key_s_record_is_named() {
    let key = key();
    let other = self::key();
    let with = |record: String| Zone::default().txt("p1._domainkey.h.example", &record);
    let ours = key.record();
    for (zone, said, level) in [
        (with(other.record()), "another key", Level::Wrong),
        (with("v=DKIM1; k=ed25519; p=".into()), "withdrawn", Level::Wrong),
        (with(format!("v=DKIM1; p={}", key.base64)), "not for ed25519", Level::Wrong),
        (with("v=DKIM1".into()), "no key", Level::Wrong),
        (with(format!("{ours}; h=sha1")), "SHA-256", Level::Wrong),
        (with(format!("{ours}; s=other")), "not meant for mail", Level::Wrong),
        (with(format!("{ours}; t=y:s")), "as a test", Level::Advice),
        (with(ours.clone()).txt("p1._domainkey.h.example", &ours), "2 records", Level::Wrong),
        (with(ours.replace("p=", " p = ").replace("; k", " ;\tk")), "that signs here", Level::Right),
    ] {
        let sender = Sender {
            domain: "h.example".into(),
            signer: Some("h.example".into()),
            keys: vec![("p1".into(), key.clone())],
            ..Sender::default()
        };
        let findings = check(&serve(zone).await, &sender).await.unwrap();
        let (found, words) = worst(&findings, "DKIM");
        assert!(found == level && words.contains(said), "{said}: {found:?} {words}");
    }
    let sender = Sender {
        domain: "h.example".into(),
        signer: Some("other.dk".into()),
        keys: vec![("p1".into(), key)],
        ..Sender::default()
    };
    let (_, words) = worst(&check(&serve(Zone::default()).await, &sender).await.unwrap(), "DKIM");
    assert!(words.contains("DMARC does not count"), "{words}");
}

#[tokio::test]
async fn each_fault_of_an_spf_record_is_named() {
    let many: String = (0..11).map(|i| format!("a:h{i}.example ")).collect();
    for (record, said, level) in [
        ("v=spf1 +all".to_owned(), "everybody", Level::Wrong),
        ("v=spf1 all".to_owned(), "everybody", Level::Wrong),
        ("v=spf1 ip4:192.0.2.1".to_owned(), "does not decide", Level::Advice),
        ("v=spf1 ?all".to_owned(), "does not decide", Level::Advice),
        ("v=spf1 ip4:192.0.2.999 -all".to_owned(), "does not exist: ip4:192.0.2.999", Level::Wrong),
        ("v=spf1 inklude:x -all".to_owned(), "does not exist", Level::Wrong),
        ("v=spf1 include:nowhere.example -all".to_owned(), "refers to nowhere.example", Level::Wrong),
        (format!("v=spf1 {many}-all"), "more than 10", Level::Wrong),
        ("v=spf1 include:loop.example -all".to_owned(), "more than 10", Level::Wrong),
        ("v=spf1 redirect=good.example".to_owned(), "publishes: v=spf1 redirect=good.example", Level::Right),
        ("V=SPF1 MX exp=why.example ~ALL".to_owned(), "publishes", Level::Right),
    ] {
        let zone = Zone::default()
            .txt("h.example", &record)
            .txt("good.example", "v=spf1 mx -all")
            .txt("loop.example", "v=spf1 include:loop.example");
        let findings = spf::check(&serve(zone).await, "h.example").await.unwrap();
        let (found, words) = worst(&findings, "SPF");
        assert!(found == level && words.contains(said), "{record}: {found:?} {words}");
    }
    let twice = Zone::default().txt("h.example", "v=spf1 -all").txt("h.example", "v=spf1 mx -all");
    let (level, words) = worst(&spf::check(&serve(twice).await, "h.example").await.unwrap(), "SPF");
    assert!(level == Level::Wrong && words.contains("2 SPF records"), "{words}");
}

#[tokio::test]
async fn dmarc_is_found_above_and_its_policy_is_weighed() {
    for (at, record, said, level) in [
        (
            "kommune.example",
            "v=DMARC1; p=reject; rua=mailto:a@b.example",
            "_dmarc.kommune.example says p=reject",
            Level::Right,
        ),
        ("kommune.example", "v=DMARC1; p=reject; sp=none; rua=mailto:a@b.example", "p=none", Level::Advice),
        ("mail.kommune.example", "v=DMARC1; p=none", "asks for no reports", Level::Advice),
        (
            "mail.kommune.example",
            "v=DMARC1; p=reject; pct=20; rua=mailto:a@b.example",
            "a part of the mail",
            Level::Advice,
        ),
        ("mail.kommune.example", "v=DMARC1; p=always", "no policy that exists", Level::Wrong),
        ("example", "v=DMARC1; p=reject", "has no DMARC record", Level::Wrong),
    ] {
        let zone = Zone::default().txt(&format!("_dmarc.{at}"), record);
        let finding = check_dmarc(&serve(zone).await, "mail.kommune.example").await.unwrap();
        assert!(finding.level == level && finding.words.contains(said), "{record}: {finding:?}");
    }
}

#[tokio::test]
async fn a_name_server_that_fails_is_not_taken_for_a_missing_record() {
    let error = serve(Zone::default()).await.txt("broken.example").await.unwrap_err().to_string();
    assert!(error.starts_with("DNS cannot be asked about broken.example: "), "{error}");
}

#[test]
fn who_belongs_together_is_judged_by_the_last_two_labels() {
    assert!(aligned("svar.hojager.dk", "HOJAGER.dk.") && aligned("a.b.hojager.dk", "mail.hojager.dk"));
    assert!(!aligned("hojager.dk", "hojager.se") && !aligned("nothojager.dk", "hojager.dk"));
}
