//! What everybody thinks, year by year. The true changes are the tables at the top; all else is the same in every year.
use domain::frame::FrameUnit;
use domain::questionnaire::{Facts, facts_of};

use crate::chance::Chance;
use crate::population::{Business, YEARS, class_of};
use crate::trades::{SECTORS, TRADES};
use crate::truth::{Said, Truth};
use crate::{FIRST_YEAR, municipality};

/// By year, from the first.
type ByYear = [f64; YEARS];

/// Opinion of the municipality, in standard deviations: nothing happens for two years, then it rises.
const OPINION: ByYear = [0.0, 0.01, 0.02, 0.24];
/// What builders gain on top, after their permits went faster.
const OPINION_CONSTRUCTION: ByYear = [0.0, 0.0, 0.30, 0.36];
/// What trade and transport lose.
const OPINION_TRADE: ByYear = [0.0, -0.04, -0.10, -0.34];
/// Case-handling time, in points of 1–5: worse, then much better.
const CASE_TIME: ByYear = [-0.25, -0.55, -0.20, 0.20];
/// Satisfaction with access to staff, in points: falls.
const ACCESS_TO_STAFF: ByYear = [0.0, -0.12, -0.26, -0.32];
/// Satisfaction with public transport, in points: falls once.
const TRANSIT: ByYear = [0.0, 0.0, -0.22, -0.24];
/// Satisfaction with the dialogue, in points: rises slowly.
const DIALOGUE: ByYear = [0.0, 0.08, 0.15, 0.24];
/// Inclination to green measures, in standard deviations: rises every year.
const GREEN: ByYear = [0.0, 0.12, 0.28, 0.46];
/// Share that knows the single point of entry without having used it.
const ENTRY_KNOWN: ByYear = [0.34, 0.38, 0.46, 0.54];
/// Share that expects more employees; those who expect fewer are a tenth throughout.
const MORE_STAFF: ByYear = [0.20, 0.15, 0.19, 0.25];
/// Share of those with employees who have apprentices, on top of what their size makes.
const APPRENTICES: ByYear = [0.0, 0.01, 0.02, 0.03];

/// What larger businesses are more satisfied by, in standard deviations, by size class.
const SIZE_MOOD: [f64; 5] = [-0.22, -0.06, 0.14, 0.28, 0.36];

/// Authorities but for the jobcentre, in the questionnaire's order: code, key of the tick, how good its service is felt to be.
const AUTHORITIES: [(&str, &str, f64); 9] = [
    ("building", "contact.building", -0.35),
    ("environment", "contact.environment", -0.10),
    ("business_service", "contact.business_service", 0.45),
    ("planning", "contact.planning", -0.20),
    ("roads", "contact.roads", 0.0),
    ("procurement", "contact.procurement", -0.15),
    ("licences", "contact.licences", 0.15),
    ("waste", "contact.waste", 0.05),
    ("charges", "contact.charges", -0.25),
];
/// Place in [`AUTHORITIES`] before which the jobcentre's tick stands.
const JOBCENTRE_BEFORE: usize = 2;

/// Keys of the service factors with the answer's usual level and how often they are not relevant.
const FACTORS: [(&str, f64, f64); 7] = [
    ("factor_information", 3.45, 0.02),
    ("factor_availability", 3.30, 0.02),
    ("factor_treatment", 3.95, 0.01),
    ("factor_competence", 3.75, 0.02),
    ("factor_legal", 3.60, 0.08),
    ("factor_efficiency", 3.20, 0.03),
    ("factor_time", 3.10, 0.05),
];

/// Core conditions: key, usual level, how often not relevant.
const CONDITIONS: [(&str, f64, f64); 7] = [
    ("cond_roads", 3.55, 0.05),
    ("cond_transit", 3.05, 0.08),
    ("cond_premises", 3.35, 0.07),
    ("cond_labour", 3.00, 0.06),
    ("cond_information", 3.20, 0.01),
    ("cond_dialogue", 3.25, 0.02),
    ("cond_charge", 2.40, 0.15),
];

/// Options of the question on priorities with how often they are chosen.
const PRIORITIES: [(&str, f64); 13] = [
    ("priorities.case_handling", 3.0),
    ("priorities.business_service", 1.2),
    ("priorities.dialogue", 1.5),
    ("priorities.labour", 2.6),
    ("priorities.education", 1.0),
    ("priorities.accessibility", 2.0),
    ("priorities.premises", 1.0),
    ("priorities.green", 1.4),
    ("priorities.procurement", 1.1),
    ("priorities.town_centre", 1.3),
    ("priorities.start_ups", 0.8),
    ("priorities.tourism", 0.6),
    ("priorities.innovation", 0.7),
];

/// A business in a year, as its opinions see it.
pub struct View<'a> {
    business: &'a Business,
    facts: Facts,
    year: usize,
    class: usize,
    employees: u32,
    /// Opinion of the municipality this year, in standard deviations.
    pub mood: f64,
}

impl<'a> View<'a> {
    /// The business in a year with this year's opinion.
    pub fn new(business: &'a Business, unit: &FrameUnit, year: usize, chance: &mut Chance) -> Self {
        let employees = business.employees[year];
        let class = class_of(employees);
        let sector = &SECTORS[TRADES[business.trade].sector];
        let trend = OPINION[year]
            + match sector.key {
                "construction" => OPINION_CONSTRUCTION[year],
                "trade_transport" => OPINION_TRADE[year],
                _ => 0.0,
            };
        let mood = 0.80 * business.mood + 0.40 * chance.normal() + SIZE_MOOD[class] + sector.mood + trend;
        let years = i32::try_from(year).unwrap_or(0);
        let facts = facts_of(unit, FIRST_YEAR + years, municipality::FLOOD_AREAS);
        Self { business, facts, year, class, employees, mood }
    }

    fn is(&self, fact: &str, value: &str) -> bool {
        self.facts.get(fact).is_some_and(|v| v == value)
    }

    fn trade_starts(&self, code: &str) -> bool {
        TRADES[self.business.trade].db07.starts_with(code)
    }

    /// Answers to every closed question that concerns the business.
    pub fn truth(&self, chance: &mut Chance) -> Truth {
        let mut sheet = Sheet { said: Vec::with_capacity(96), chance };
        self.overall(&mut sheet);
        let (jobcentre, procurement) = self.contact(&mut sheet);
        let selfservice = self.known(&mut sheet);
        if jobcentre {
            self.jobcentre(&mut sheet);
        }
        let young = self.labour(&mut sheet);
        self.conditions(&mut sheet, procurement, young, selfservice);
        self.green(&mut sheet);
        self.outlook(&mut sheet);
        Truth(sheet.said)
    }

    fn overall(&self, sheet: &mut Sheet) {
        sheet.rate("overall", 5, 3.60 + 0.72 * self.mood, 0.45);
        sheet.rate("nki_satisfaction", 10, 6.7 + 1.65 * self.mood, 0.9);
        sheet.rate("nki_expectations", 10, 6.2 + 1.65 * self.mood, 0.9);
        sheet.rate("nki_ideal", 10, 5.9 + 1.65 * self.mood, 1.0);
    }

    /// Who was in contact, and with whom; says whether with the jobcentre and about tenders.
    fn contact(&self, sheet: &mut Sheet) -> (bool, bool) {
        const CONTACT: [f64; 5] = [0.40, 0.56, 0.74, 0.88, 0.95];
        let contact = sheet.chance.happens(CONTACT[self.class]);
        let jobcentre =
            contact && self.employees > 0 && sheet.chance.happens([0.10, 0.20, 0.40, 0.6, 0.75][self.class]);
        let mut ticked = [false; AUTHORITIES.len()];
        if contact {
            let weights: Vec<f64> = AUTHORITIES.iter().map(|(code, _, _)| self.meets(code)).collect();
            // Somebody who only met the jobcentre ticks nothing else.
            let most = if jobcentre { sheet.chance.below(3) } else { 1 + sheet.chance.below(3) };
            for _ in 0..most {
                ticked[sheet.chance.weighted(&weights)] = true;
            }
        }
        for (at, (_, key, _)) in AUTHORITIES.iter().enumerate() {
            if at == JOBCENTRE_BEFORE {
                sheet.tick("contact.jobcentre", jobcentre);
            }
            sheet.tick(key, ticked[at]);
        }
        sheet.tick("contact.none", !contact);
        let named: Vec<f64> = ticked.iter().map(|t| f64::from(u8::from(*t))).collect();
        if ticked.contains(&true) {
            let (code, _, level) = AUTHORITIES[sheet.chance.weighted(&named)];
            sheet.put("authority", Said::Word(code));
            self.factors(level, sheet.chance, |key, said| sheet.said.push((key, said)));
        }
        (jobcentre, ticked[5])
    }

    /// How often this business meets an authority.
    fn meets(&self, authority: &str) -> f64 {
        let sector = SECTORS[TRADES[self.business.trade].sector].key;
        match (authority, sector) {
            ("building", "construction") => 5.0,
            ("building", "real_estate") => 3.0,
            ("environment", "agriculture" | "industry") => 3.0,
            ("planning", "real_estate" | "agriculture") => 2.0,
            ("roads", "trade_transport" | "agriculture") => 1.5,
            ("procurement", "construction" | "business_services" | "information") => 1.8,
            ("licences", _) if self.trade_starts("56") || self.trade_starts("55") => 6.0,
            ("licences", _) => 0.15,
            ("building", _) => 1.6,
            ("business_service", _) => 1.4,
            ("environment" | "roads" | "waste", _) => 0.8,
            _ => 0.6,
        }
    }

    /// Ratings of a contact's service; `level` is how good the authority is felt to be.
    pub fn factors(&self, level: f64, chance: &mut Chance, mut put: impl FnMut(&'static str, Said)) {
        let about_this_case = 0.35 * chance.normal();
        for (key, usual, not_relevant) in FACTORS {
            let trend = match key {
                "factor_time" => CASE_TIME[self.year],
                "factor_efficiency" => 0.5 * CASE_TIME[self.year],
                _ => 0.0,
            };
            if chance.happens(not_relevant) {
                put(key, Said::NotRelevant);
            } else {
                put(key, rated(5, usual + trend + level + about_this_case + 0.5 * self.mood + 0.6 * chance.normal()));
            }
        }
    }

    /// What is known and used; says whether digital self-service is used.
    fn known(&self, sheet: &mut Sheet) -> bool {
        let small = [1.0, 1.2, 1.6, 2.2, 2.6][self.class];
        let year = self.year;
        let list = [
            ("known_entry", 0.10, ENTRY_KNOWN[year]),
            ("known_visit", 0.035 * small, 0.25),
            ("known_business_house", 0.05 * small, 0.40),
            ("known_newsletter", 0.15, 0.30),
            ("known_network", 0.07 * small, 0.33),
            ("known_selfservice", 0.25, 0.30),
        ];
        let mut used_last = false;
        for (key, used, known) in list {
            let draw = sheet.chance.even();
            let code = if draw < used {
                1
            } else if draw < used + known {
                2
            } else {
                3
            };
            used_last = code == 1;
            sheet.number(key, code);
        }
        used_last
    }

    fn jobcentre(&self, sheet: &mut Sheet) {
        sheet.rate("jobcentre_satisfaction", 5, 3.85 + 0.4 * self.mood, 0.65);
        match sheet.chance.weighted(&[0.36, 0.28, 0.26, 0.10]) {
            3 => sheet.put("jobcentre_labour", Said::NotRelevant),
            code => sheet.number("jobcentre_labour", small(code + 1)),
        }
    }

    /// Staff; says whether there are young people in training.
    fn labour(&self, sheet: &mut Sheet) -> bool {
        if self.is("employees", "no") {
            sheet.chosen("consider_hiring", &[0.08, 0.22, 0.70]);
            return false;
        }
        let hard = sheet.chance.happens([0.18, 0.32, 0.48, 0.60, 0.70][self.class]);
        let weights = [5.0, 2.0, 0.5, 0.6, 0.9, 1.2];
        let kinds = if hard { [sheet.chance.weighted(&weights), sheet.chance.weighted(&weights)] } else { [9, 9] };
        let keys = [
            "hard_to_fill.skilled",
            "hard_to_fill.unskilled",
            "hard_to_fill.fleksjob",
            "hard_to_fill.adult_apprentice",
            "hard_to_fill.international",
            "hard_to_fill.other",
        ];
        for (at, key) in keys.into_iter().enumerate() {
            sheet.tick(key, kinds.contains(&at));
        }
        sheet.tick("hard_to_fill.none", !hard);
        let crafts = if SECTORS[TRADES[self.business.trade].sector].key == "construction" { 1.6 } else { 1.0 };
        let apprentices = [0.03, 0.14, 0.36, 0.55, 0.60][self.class] * crafts + APPRENTICES[self.year];
        let mut young = false;
        for (key, has, wants) in [
            ("young_apprentices", apprentices, 0.10),
            ("young_trainees", 0.5 * apprentices, 0.10),
            ("young_school", 0.25 * apprentices, 0.15),
        ] {
            let draw = sheet.chance.even();
            let code = if draw < has {
                1
            } else if draw < has + wants {
                2
            } else {
                3
            };
            young |= code == 1;
            sheet.number(key, code);
        }
        young
    }

    fn conditions(&self, sheet: &mut Sheet, procurement: bool, young: bool, selfservice: bool) {
        for (key, usual, not_relevant) in CONDITIONS {
            let trend = match key {
                "cond_labour" => ACCESS_TO_STAFF[self.year],
                "cond_transit" => TRANSIT[self.year],
                "cond_dialogue" => DIALOGUE[self.year],
                _ => 0.0,
            };
            sheet.rate_where_relevant(key, not_relevant, usual + trend + 0.45 * self.mood);
        }
        let transport = self.is("industry", "transport");
        let shops = self.is("industry", "trade_food_services");
        let industry = self.is("industry", "manufacturing");
        let supply = industry || transport || self.is("industry", "agriculture");
        // In the questionnaire's order; it asks the first three that concern the business.
        let more = [
            ("cond_charging", transport, 2.5),
            ("cond_lorry_parking", transport, 2.4),
            ("cond_centre", shops, 2.9),
            ("cond_parking", shops, 2.7 + 2.0 * OPINION_TRADE[self.year]),
            ("cond_flooding", self.is("flood_risk", "yes"), 2.8),
            ("cond_tenders", procurement, 2.8),
            ("cond_supply", supply, 3.7),
            ("cond_schools", young, 3.6),
            ("cond_selfservice", selfservice, 3.4),
            ("cond_safety", shops || industry, 3.6),
            ("cond_cycling", (2..=4).contains(&self.class), 3.3),
        ];
        for (key, _, usual) in more.into_iter().filter(|(_, concerns, _)| *concerns).take(3) {
            sheet.rate_where_relevant(key, 0.03, usual + 0.4 * self.mood);
        }
        sheet.chosen("more_space", &[0.10, 0.03, 0.87]);
    }

    fn green(&self, sheet: &mut Sheet) {
        const SIZE: [f64; 5] = [-0.45, -0.10, 0.35, 0.80, 1.20];
        let inclination = 0.75 * self.business.green + SIZE[self.class] + GREEN[self.year] - 0.62;
        let areas = [
            ("green_energy", 0.30, 0.03),
            ("green_transport", 0.05, 0.10),
            ("green_materials", -0.05, 0.18),
            ("green_purchasing", 0.10, 0.04),
            ("green_reporting", -0.50, 0.15),
        ];
        let mut begun = false;
        for (key, easy, not_relevant) in areas {
            if sheet.chance.happens(not_relevant) {
                sheet.put(key, Said::NotRelevant);
                continue;
            }
            let level = inclination + easy + 0.55 * sheet.chance.normal();
            let code = if level > 0.9 {
                1
            } else if level > 0.2 {
                2
            } else if level > -0.2 {
                3
            } else {
                4
            };
            begun |= code <= 2;
            sheet.number(key, code);
        }
        let help = if begun { [0.14, 0.16, 0.20] } else { [0.02, 0.03, 0.04] };
        let got = help.map(|share| sheet.chance.happens(share));
        for (key, got) in
            ["green_help.municipality", "green_help.business_house", "green_help.network"].into_iter().zip(got)
        {
            sheet.tick(key, got);
        }
        sheet.tick("green_help.none", !got.contains(&true));
    }

    fn outlook(&self, sheet: &mut Sheet) {
        let more = MORE_STAFF[self.year] + [-0.08, 0.0, 0.06, 0.06, 0.06][self.class];
        sheet.chosen("outlook_employees", &[0.10, 0.90 - more, more]);
        let weights: Vec<f64> = PRIORITIES.iter().map(|(_, weight)| *weight).collect();
        let chosen = [(); 3].map(|()| sheet.chance.weighted(&weights));
        for (at, (key, _)) in PRIORITIES.iter().enumerate() {
            sheet.tick(key, chosen.contains(&at));
        }
        let wants = sheet.chance.happens(0.12);
        sheet.tick("follow_up", wants);
    }
}

/// How good the service of an authority is felt to be.
pub fn level_of(authority: &str) -> f64 {
    AUTHORITIES.iter().find(|(code, _, _)| *code == authority).map_or(0.0, |(_, _, level)| *level)
}

/// The answers as they are filled in, in the questionnaire's order.
struct Sheet<'c> {
    said: Vec<(&'static str, Said)>,
    chance: &'c mut Chance,
}

impl Sheet<'_> {
    fn put(&mut self, key: &'static str, said: Said) {
        self.said.push((key, said));
    }

    fn number(&mut self, key: &'static str, number: u8) {
        self.put(key, Said::Number(number));
    }

    fn tick(&mut self, key: &'static str, ticked: bool) {
        self.number(key, u8::from(ticked));
    }

    /// One of the options 1, 2, 3 …
    fn chosen(&mut self, key: &'static str, shares: &[f64]) {
        let code = self.chance.weighted(shares) + 1;
        self.number(key, small(code));
    }

    fn rate(&mut self, key: &'static str, to: u8, level: f64, spread: f64) {
        let said = rated(to, level + spread * self.chance.normal());
        self.put(key, said);
    }

    fn rate_where_relevant(&mut self, key: &'static str, not_relevant: f64, level: f64) {
        if self.chance.happens(not_relevant) {
            self.put(key, Said::NotRelevant);
        } else {
            self.rate(key, 5, level, 0.75);
        }
    }
}

/// A level as a point of the scale from 1 to `to`.
fn rated(to: u8, level: f64) -> Said {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the scale before")]
    let point = level.round().clamp(1.0, f64::from(to)) as u8;
    Said::Number(point)
}

fn small(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
