//! Højager Kommune itself: settings and areas.
use domain::ids::MunicipalityId;
use domain::language::{Country, Language, Texts};
use domain::municipality::{Municipality, Settings};
use domain::registers::Cvr;
use domain::time::Millis;

use crate::{Demo, DemoArea, DemoRound, names, policy};

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
        focus_areas: policy::focus_areas(),
        goals: policy::goals(),
        initiatives: policy::initiatives(),
        facts: policy::facts(&rounds),
        rounds,
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
        accessibility_date: "2026-05-11".to_owned(),
        own_numbers: own_numbers(),
        flood_areas: FLOOD_AREAS.iter().map(|a| (*a).to_owned()).collect(),
        public_results: true,
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
