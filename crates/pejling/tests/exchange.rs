//! Two instances with different languages, countries, databases and keys exchange packages and read them beside each other.
#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is the failure")]
#[expect(dead_code, reason = "the pages' tests use all of it")]
#[path = "../../web/tests/figures/mod.rs"]
mod figures;

use std::io::{Read, Write};

use domain::ids::MunicipalityId;
use domain::initiatives::{Initiative, InitiativePlan, InitiativeState, Owner, Standing};
use domain::language::{Country, Language, Texts};
use domain::municipality::{Municipality, Settings};
use domain::packages::{ApartReason, Edition, Package, PairVerdict, compare, fingerprint};
use domain::results::{ALL, Report, State, TOTAL};
use domain::secrets::SecretKey;
use domain::time::Millis;
use intake::package::{PackageFault, Signed, read};
use report::package::{SigningKey, package};
use store::neighbours::Received;
use store::{Store, StoreError, StoreOptions};
use text::Messages;
use text::neighbours::beside;

const NOW: Millis = Millis(1_795_388_400_000);

/// One municipality's instance: its database, its key, its publication.
struct Instance {
    store: Store,
    municipality: Municipality,
    key: SigningKey,
    report: Report,
    standing: Standing,
}

async fn database(engine: &str, name: &str) -> Option<Store> {
    let options = StoreOptions { durable: false, ..StoreOptions::default() };
    let url = match engine {
        "sqlite" => "sqlite::memory:".to_owned(),
        _ => {
            let base = std::env::var("PEJLING_TEST_POSTGRES").ok()?;
            let address = base.rsplit_once('/')?.0.to_owned();
            let database = format!("exchange_{name}_{}", std::process::id());
            let mut admin = std::process::Command::new("psql");
            let made = admin.arg(&base).arg("-c").arg(format!("create database {database}")).output().ok()?;
            if !made.status.success() {
                return None;
            }
            format!("{address}/{database}")
        }
    };
    Some(Store::connect(&url, &options).await.unwrap())
}

impl Instance {
    async fn start(store: Store, name: &str, country: Country, language: Language, secret: &str) -> Self {
        let settings = Settings { language, grouping: "htk".into(), ..Settings::default() };
        let slug = name.split(' ').next().unwrap().to_lowercase().replace('ø', "oe");
        let municipality = store.create_municipality(&slug, name, country, &settings, NOW).await.unwrap();
        let keys = SecretKey::parse(&secret.repeat(32)).unwrap().keys();
        let key = SigningKey::of_seed(keys.package_seed()).unwrap();
        Self { store, municipality, key, report: figures::report(), standing: standing() }
    }

    fn packed(&self) -> Package {
        let edition = Edition { title: "2026", version: 1, published_on: "2026-11-20", standing: Some(&self.standing) };
        Package::of(&self.municipality, &self.report, edition)
    }

    fn signed(&self) -> Vec<u8> {
        package(&self.packed(), &self.key).unwrap()
    }

    fn id(&self) -> &MunicipalityId {
        &self.municipality.id
    }

    async fn takes(&self, signed: &Signed) -> Received {
        self.store.receive_package(self.id(), &signed.public_key, &signed.hash, &signed.package, NOW).await.unwrap()
    }
}

fn standing() -> Standing {
    let initiative = |title: Texts, public| Initiative {
        id: domain::ids::InitiativeId(title.da.clone()),
        plan: InitiativePlan {
            title,
            description: Texts::same("…"),
            focus_area: None,
            owner: Owner::Person { name: "Karen Holm".into() },
            indicators: vec!["nki".into()],
            sectors: Vec::new(),
            starts_on: Some("2025-03-01".into()),
            horizon: Some(2027),
            resources: "2 årsværk".into(),
            backing: "Erhvervsforeningen".into(),
            public,
        },
        state: InitiativeState::Active,
        history: Vec::new(),
    };
    let one = Texts { da: "Én indgang".into(), sv: "En väg in".into(), en: "One way in".into() };
    let initiatives = vec![initiative(one, true), initiative(Texts::same("Hemmelig plan"), false)];
    Standing { initiatives, ..Standing::default() }
}

/// The archive with one file changed by `change`.
fn changed(archive: &[u8], name: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let mut from = zip::ZipArchive::new(std::io::Cursor::new(archive)).unwrap();
    let mut to = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for at in 0..from.len() {
        let mut file = from.by_index(at).unwrap();
        let inside = file.name().unwrap().into_owned();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        to.start_file(&inside, zip::write::SimpleFileOptions::default()).unwrap();
        let text = if inside == name { change(text) } else { text };
        to.write_all(text.as_bytes()).unwrap();
    }
    to.finish().unwrap().into_inner()
}

#[tokio::test]
async fn two_municipalities_read_each_other_s_figures_each_in_its_own_language() {
    let messages = Messages::load().unwrap();
    let other_engine = if std::env::var_os("PEJLING_TEST_POSTGRES").is_some() { "postgres" } else { "sqlite" };
    let koege = database("sqlite", "a").await.unwrap();
    let Some(kristianstad) = database(other_engine, "b").await else {
        println!("skipped: psql cannot make a database");
        return;
    };
    let koege = Instance::start(koege, "Køge Kommune", Country::Dk, Language::Da, "5a").await;
    let mut kristianstad = Instance::start(kristianstad, "Kristianstads kommun", Country::Se, Language::Sv, "7b").await;
    // Theirs are lower by ten points in the index.
    for row in kristianstad.report.estimates.iter_mut().filter(|r| r.indicator == "nki" && r.domain == TOTAL) {
        row.estimate.value = row.estimate.value.map(|v| v - 10.0);
        row.estimate.interval =
            row.estimate.interval.map(|i| domain::results::Interval { lower: i.lower - 10.0, upper: i.upper - 10.0 });
    }
    for (here, there) in [(&koege, &kristianstad), (&kristianstad, &koege)] {
        let signed = read(&there.signed()).unwrap();
        assert_eq!(signed.package, there.packed(), "what was packed is what is read");
        assert_eq!(signed.public_key, there.key.public());
        let Received::New { neighbour } = here.takes(&signed).await else { panic!("it is new") };
        assert_eq!(here.takes(&signed).await, Received::Known { neighbour: neighbour.clone() });
        let unconfirmed = here.store.neighbour_package(here.id(), &neighbour).await;
        assert!(matches!(unconfirmed, Err(StoreError::NotFound(_))), "nothing is shown before the key is confirmed");
        assert!(here.store.confirm_neighbour(here.id(), &neighbour, NOW).await.unwrap());
        assert!(!here.store.confirm_neighbour(here.id(), &neighbour, NOW).await.unwrap(), "once");
        let theirs = here.store.neighbour_package(here.id(), &neighbour).await.unwrap();
        let own = here.packed();
        let compared = compare(&own, &theirs);
        let told = beside(&messages, here.municipality.settings.language, &own, &theirs, &compared);
        let nki = compared.shared.iter().find(|s| s.indicator.id == "nki").unwrap();
        let (verdict, word) = match here.municipality.country {
            Country::Dk => (PairVerdict::Higher, "højere i Køge Kommune"),
            Country::Se => (PairVerdict::Lower, "lägre i Kristianstads kommun"),
        };
        assert_eq!(nki.total.verdict, verdict);
        assert!(told.totals.iter().any(|line| line.verdict == word), "{:?}", told.totals);
        let outlook = compared.shared.iter().find(|s| s.indicator.id == "outlook").unwrap();
        assert_eq!(outlook.total.verdict, PairVerdict::Unclear);
        // The thinnest sector is hidden on both sides in 2026.
        let (thin, pair) = &nki.sectors[0];
        assert_eq!(pair.verdict, PairVerdict::Hidden, "{thin:?}");
        assert!(pair.difference.is_none() && pair.own.as_ref().is_some_and(|f| f.value.is_empty()));
        let example = &told.examples[0];
        let expected = if here.municipality.country == Country::Dk { "Én indgang" } else { "En väg in" };
        assert_eq!((told.examples.len(), example.title.as_str()), (1, expected), "public ones, in one's own language");
        let languages = if here.municipality.country == Country::Dk {
            [Language::Da, Language::Sv]
        } else {
            [Language::Sv, Language::Da]
        };
        let paper = report::comparison(&messages, &own, &theirs, languages, "#1d4f7c").unwrap();
        assert!(paper.windows(12).any(|w| w == b"pdfuaid:part"));
        if let Some(folder) = std::env::var_os("PEJLING_KEEP_PAPERS") {
            let name = format!("beside-{}.pdf", here.municipality.country.code());
            std::fs::write(std::path::Path::new(&folder).join(name), &paper).unwrap();
        }
        let everything = serde_json::to_string(&theirs).unwrap();
        for secret in ["Karen Holm", "Hemmelig plan", "2 årsværk"] {
            assert!(!everything.contains(secret), "{secret} must not travel");
        }
        for words in [&told.totals, &told.sectors[0].rows] {
            for line in words {
                let said = format!("{line:?}").to_lowercase();
                assert!(!said.contains('⟦') && !said.contains("ens med") && !said.contains("lika med"), "{said}");
            }
        }
    }
}

#[test]
fn a_package_that_was_tampered_with_is_refused_and_the_reason_said() {
    tokio_test(async {
        let store = database("sqlite", "c").await.unwrap();
        let here = Instance::start(store, "Køge Kommune", Country::Dk, Language::Da, "5a").await;
        let whole = here.signed();
        assert!(read(&whole).is_ok());
        let raised = changed(&whole, "figures.csv", |text| text.replace("nki,2026,total,all,", "nki,2026,total,all,9"));
        assert_eq!(read(&raised), Err(PackageFault::Table("figures".into())));
        let renamed = changed(&whole, "datapackage.json", |text| text.replace("Køge Kommune", "Greve Kommune"));
        assert_eq!(read(&renamed), Err(PackageFault::Signature));
        let resigned = changed(&whole, "signature.json", |text| text.replace(&here.key.public(), &"0".repeat(64)));
        assert_eq!(read(&resigned), Err(PackageFault::Signature));
        assert!(matches!(read(b"PK nothing"), Err(PackageFault::NoPackage(_))));
        let with = |change: &dyn Fn(&mut Package)| {
            let mut made = here.packed();
            change(&mut made);
            read(&package(&made, &here.key).unwrap())
        };
        assert_eq!(with(&|p| p.head.format = 9), Err(PackageFault::Format(9)));
        let uncovered = with(&|p| {
            let hidden = p.figures.iter_mut().find(|f| f.state.is_hidden()).unwrap();
            hidden.value = "61.0".into();
        });
        assert!(matches!(uncovered, Err(PackageFault::Rules(_))), "a hidden cell with a value");
        let few = with(&|p| {
            let figure = p.figures.iter_mut().find(|f| f.state == State::Shown).unwrap();
            figure.n = 3;
        });
        assert!(matches!(few, Err(PackageFault::Rules(_))), "a figure from three answers");
        // The same year and version with other figures, properly signed: published figures never change.
        let first = read(&whole).unwrap();
        assert!(matches!(here.takes(&first).await, Received::New { .. }));
        let second = with(&|p| p.figures[0].margin = "9.9".into()).unwrap();
        assert_eq!(here.takes(&second).await, Received::Contradicts);
        assert_eq!(here.store.neighbour_packages(here.id()).await.unwrap().len(), 1);
        let digits = fingerprint(&here.key.public());
        assert_eq!(digits.split(' ').map(str::len).collect::<Vec<_>>(), [4; 8]);
    });
}

fn tokio_test(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn another_formula_and_other_sectors_are_said_and_not_shown() {
    tokio_test(async {
        let messages = Messages::load().unwrap();
        let store = database("sqlite", "d").await.unwrap();
        let here = Instance::start(store, "Køge Kommune", Country::Dk, Language::Da, "5a").await;
        let own = here.packed();
        let mut theirs = here.packed();
        theirs.head.municipality = "Kristianstads kommun".into();
        theirs.head.sectors = "handel".into();
        theirs.indicators.iter_mut().find(|i| i.id == "nki").unwrap().formula_version = "other".into();
        theirs.indicators.retain(|i| i.id != "outlook");
        theirs.figures.retain(|f| f.indicator != "outlook");
        let compared = compare(&own, &theirs);
        assert!(compared.shared.iter().all(|s| s.indicator.id != "nki" && s.sectors.is_empty()));
        let reason = |id: &str| compared.apart.iter().find(|a| a.indicator.id == id).map(|a| a.reason);
        assert_eq!(reason("nki"), Some(ApartReason::Formula));
        assert_eq!(reason("outlook"), Some(ApartReason::OnlyOwn));
        for language in Language::ALL {
            let told = beside(&messages, language, &own, &theirs, &compared);
            assert!(told.sectors.is_empty() && !told.no_sectors.is_empty(), "other sectors are explained");
            assert!(told.apart.iter().all(|a| !a.reason.contains('⟦')));
            // Two equal figures have no clear difference, which is never called equality.
            let unclear = messages.t(language, "papers.beside_verdict_unclear", &[]);
            assert!(told.totals.iter().any(|line| line.verdict == unclear));
        }
    });
}

#[test]
fn the_package_holds_the_digits_of_the_page() {
    tokio_test(async {
        let store = database("sqlite", "e").await.unwrap();
        let here = Instance::start(store, "Køge Kommune", Country::Dk, Language::Da, "5a").await;
        let signed = read(&here.signed()).unwrap();
        let mut seen = 0;
        for row in &here.report.estimates {
            let info = here.report.indicators.iter().find(|i| i.id == row.indicator).unwrap();
            let packed = signed.package.figure(&row.indicator, row.year, &row.domain, &row.group).unwrap();
            let shown = row.estimate.value.filter(|_| !row.state.is_hidden());
            let said = shown.map(|v| charts::figure(Language::En, info.kind, v, row.estimate.n)).unwrap_or_default();
            let digits: String =
                said.replace('\u{2212}', "-").chars().filter(|c| c.is_ascii_digit() || ".-".contains(*c)).collect();
            assert_eq!(packed.value, digits, "{row:?}");
            seen += usize::from(!digits.is_empty());
        }
        assert!(seen > 100);
        let total = signed.package.figure("nki", 2026, TOTAL, ALL).unwrap();
        assert!(!total.value.is_empty() && !total.margin.is_empty());
        if let Some(folder) = std::env::var_os("PEJLING_KEEP_PAPERS") {
            std::fs::write(std::path::Path::new(&folder).join("package.zip"), here.signed()).unwrap();
        }
    });
}
