//! Højager Kommune itself: settings, areas, and what it does about its figures.
use domain::ids::MunicipalityId;
use domain::language::{Country, Language, Texts};
use domain::municipality::{Municipality, Settings};
use domain::registers::Cvr;
use domain::time::Millis;

use crate::{Demo, DemoArea, DemoInitiative, DemoRound, names};

/// Keys of the areas, in the order of [`names::TOWNS`].
pub const AREAS: [&str; 4] = ["hojager-by", "erhvervsparken", "vesterhavn", "landsbyerne"];
/// Areas at risk of flooding.
pub const FLOOD_AREAS: &[&str] = &["vesterhavn"];
/// The municipality's own company number, without check digit; above those of the invented businesses.
const OWN_CVR: u32 = 9_900_000;
/// Its code in the register. Not in use.
const CODE: &str = "899";

/// The municipality around its rounds.
pub fn demo(rounds: Vec<DemoRound>, as_of: Millis) -> Demo {
    Demo {
        municipality: Municipality {
            id: MunicipalityId("018a0000-0000-7000-8000-000000000001".to_owned()),
            slug: "hojager".to_owned(),
            name: "Højager Kommune".to_owned(),
            country: Country::Dk,
            settings: settings(),
        },
        municipality_code: CODE.to_owned(),
        own_numbers: own_numbers(),
        areas: areas(),
        rounds,
        initiatives: initiatives(),
        as_of,
    }
}

fn settings() -> Settings {
    Settings {
        language: Language::Da,
        grouping: "dst10".to_owned(),
        contact_name: "Lene Hedegård, erhvervskonsulent".to_owned(),
        contact_phone: "10 98 76 54".to_owned(),
        contact_email: "erhverv@hojager.example".to_owned(),
        sender_email: "erhvervsundersoegelse@hojager.example".to_owned(),
        confirmation_url: "https://www.hojager.example/erhvervsundersoegelse".to_owned(),
        postal_address: "Højager Kommune, Erhvervsservice, Torvet 1, 4985 Højager".to_owned(),
        comment_reader: "erhvervskonsulenten i Erhvervsservice".to_owned(),
        dpo_email: "dpo@hojager.example".to_owned(),
        committee: "Erhvervsudvalget".to_owned(),
        council: "Byrådet".to_owned(),
        accessibility_url: "https://www.hojager.example/tilgaengelighed".to_owned(),
        ..Settings::default()
    }
}

/// Company numbers of the municipality itself.
pub fn own_numbers() -> Vec<String> {
    (OWN_CVR..).find_map(Cvr::with_check_digit).map(|cvr| cvr.as_str().to_owned()).into_iter().collect()
}

fn areas() -> Vec<DemoArea> {
    let titles = [
        ["Højager by", "Högagers tätort", "Højager town"],
        ["Erhvervsparken", "Företagsparken", "The business park"],
        ["Vesterhavn", "Vesterhavn", "Vesterhavn"],
        ["Landsbyerne", "Byarna", "The villages"],
    ];
    let area = |place: usize| {
        let [da, sv, en] = titles[place].map(str::to_owned);
        DemoArea {
            key: AREAS[place].to_owned(),
            title: Texts { da, sv, en },
            postcodes: vec![names::TOWNS[place].0.to_owned()],
            flood_risk: FLOOD_AREAS.contains(&AREAS[place]),
        }
    };
    (0..AREAS.len()).map(area).collect()
}

fn initiatives() -> Vec<DemoInitiative> {
    let list = |keys: &[&str]| keys.iter().map(|k| (*k).to_owned()).collect();
    let day = |day: &str| (!day.is_empty()).then(|| day.to_owned());
    vec![
        DemoInitiative {
            title: "Forhåndsmøde i alle byggesager for virksomheder".to_owned(),
            description:
                "Ansøger, byggesag, miljø og vej mødes inden for ti dage, før ansøgningen sendes. Sagen får en \
                          tovholder og en aftalt tidsplan."
                    .to_owned(),
            theme: "case_handling".to_owned(),
            responsible: "Center for Byg og Miljø".to_owned(),
            resources: "Et halvt årsværk, inden for rammen".to_owned(),
            backing: "Håndværkerforeningen".to_owned(),
            horizon_years: 2,
            indicators: list(&["case_time", "service", "nki"]),
            sectors: list(&["construction"]),
            state: "done",
            starts_on: day("2024-12-01"),
            ends_on: day("2026-06-30"),
        },
        DemoInitiative {
            title: "Én indgang: ét nummer, én kontaktperson".to_owned(),
            description: "Erhvervsservice tager imod alle henvendelser fra virksomheder og følger dem til svar."
                .to_owned(),
            theme: "business_service".to_owned(),
            responsible: "Erhvervsservice".to_owned(),
            resources: "1,2 mio. kr. om året".to_owned(),
            backing: "Højager Erhvervsråd".to_owned(),
            horizon_years: 3,
            indicators: list(&["entry_known", "service_availability"]),
            sectors: Vec::new(),
            state: "running",
            starts_on: day("2024-01-01"),
            ends_on: day("2027-12-31"),
        },
        DemoInitiative {
            title: "Grønt forløb for små og mellemstore virksomheder".to_owned(),
            description: "Energitjek, netværk i grupper på ti og hjælp til den første ESG-rapport.".to_owned(),
            theme: "green".to_owned(),
            responsible: "Erhvervsservice sammen med Erhvervshuset".to_owned(),
            resources: "600.000 kr. om året, halvdelen fra fonde".to_owned(),
            backing: "Grønt Netværk Højager".to_owned(),
            horizon_years: 3,
            indicators: list(&["green_sme", "green_help_municipality"]),
            sectors: Vec::new(),
            state: "running",
            starts_on: day("2024-03-01"),
            ends_on: day("2027-12-31"),
        },
        DemoInitiative {
            title: "Plads til lastbiler ved motorvejen".to_owned(),
            description: "En plads med 25 båse, bad og ladestandere til tunge køretøjer.".to_owned(),
            theme: "accessibility".to_owned(),
            responsible: "Arbejdsgruppen for transport".to_owned(),
            resources: "Anlæg 9 mio. kr., ansøgt".to_owned(),
            backing: "De lokale vognmænd".to_owned(),
            horizon_years: 3,
            indicators: list(&["condition_charging", "condition_roads"]),
            sectors: list(&["trade_transport"]),
            state: "planned",
            starts_on: day("2027-03-01"),
            ends_on: None,
        },
        DemoInitiative {
            title: "Liv i Algade".to_owned(),
            description: "Tomme butikker udlejes et år ad gangen, og parkering er gratis i to timer.".to_owned(),
            theme: "town_centre".to_owned(),
            responsible: "Samarbejdsforum for bymidten".to_owned(),
            resources: "400.000 kr. i 2026".to_owned(),
            backing: "Handelsstandsforeningen og grundejerne".to_owned(),
            horizon_years: 2,
            indicators: list(&["condition_centre", "condition_parking"]),
            sectors: list(&["trade_transport"]),
            state: "running",
            starts_on: day("2026-02-01"),
            ends_on: day("2027-12-31"),
        },
        DemoInitiative {
            title: "Jobcenteret ud i virksomhederne".to_owned(),
            description: "To virksomhedskonsulenter besøger 150 virksomheder om året, før der henvises nogen."
                .to_owned(),
            theme: "labour".to_owned(),
            responsible: "Jobcenter Højager".to_owned(),
            resources: "Inden for rammen".to_owned(),
            backing: "De faglige organisationer".to_owned(),
            horizon_years: 1,
            indicators: list(&["jobcentre", "condition_labour"]),
            sectors: Vec::new(),
            state: "running",
            starts_on: day("2025-08-01"),
            ends_on: day("2026-12-31"),
        },
    ]
}
