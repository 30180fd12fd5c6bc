//! What Højager Kommune wants, does and counts: focus areas, goals, initiatives with their history, growth accounts.
use std::collections::{BTreeMap, BTreeSet};

use domain::accounts::{FactKind, FactRow, FactUnit};
use domain::focus::FocusArea;
use domain::goals::{GoalPlan, Yardstick};
use domain::indicator::Goal;
use domain::initiatives::{InitiativePlan, InitiativeState, InitiativeStep, Owner};
use domain::language::Texts;

use crate::trades::SECTORS;
use crate::{DemoGoal, DemoInitiative, DemoRound};

const POLICY: &str = "Højager Kommune, Erhvervspolitik 2023–2027 (opdigtet)";
/// From this day the policy holds.
const DECIDED: &str = "2023-02-28";

fn texts(da: &str, sv: &str, en: &str) -> Texts {
    Texts { da: da.to_owned(), sv: sv.to_owned(), en: en.to_owned() }
}

/// The focus areas in the policy's order.
pub fn focus_areas() -> Vec<FocusArea> {
    let area = |key: &str, theme: &str, da: &str, sv: &str, en: &str| FocusArea {
        key: key.to_owned(),
        title: texts(da, sv, en),
        theme: theme.to_owned(),
    };
    vec![
        area("sager", "case_handling", "Hurtige og klare svar", "Snabba och tydliga svar", "Fast and clear answers"),
        area("indgang", "business_service", "Én indgang til kommunen", "En väg in till kommunen", "One way in"),
        area(
            "arbejdskraft",
            "labour",
            "Arbejdskraft og lærlinge",
            "Arbetskraft och lärlingar",
            "Staff and apprentices",
        ),
        area("groen", "green", "Grøn omstilling", "Grön omställning", "Green transition"),
        area("vej", "accessibility", "Let at komme frem", "Lätt att ta sig fram", "Easy to get around"),
        area("by", "town_centre", "En levende bymidte", "Ett levande centrum", "A lively town centre"),
    ]
}

/// The goals of the policy.
pub fn goals() -> Vec<DemoGoal> {
    let plan = |text: Texts, yardstick: Yardstick, area: &str| GoalPlan {
        text,
        yardstick,
        focus_area: Some(area.to_owned()),
        from: 2023,
        by: 2027,
        source: POLICY.to_owned(),
    };
    let indicator = |id: &str, goal: Goal| Yardstick::Indicator { id: id.to_owned(), goal };
    let first = |plan: GoalPlan| vec![(DECIDED.to_owned(), String::new(), plan)];
    let entry = |value: f64| {
        plan(
            texts(
                "Virksomhederne skal kende Én indgang",
                "Företagen ska känna till En väg in",
                "Businesses shall know the single point of entry",
            ),
            indicator("entry_known", Goal::Reach { value }),
            "indgang",
        )
    };
    let goal = |versions: Vec<(String, String, GoalPlan)>| DemoGoal { versions };
    vec![
        goal(first(plan(
            texts(
                "Virksomhederne skal være mere tilfredse med kommunen",
                "Företagen ska bli mer nöjda med kommunen",
                "Businesses shall be more satisfied with the municipality",
            ),
            indicator("nki", Goal::Raise),
            "indgang",
        ))),
        goal(first(plan(
            texts(
                "Virksomhederne skal opleve kortere sagsbehandlingstid",
                "Företagen ska uppleva kortare handläggningstid",
                "Businesses shall meet shorter case handling",
            ),
            indicator("case_time", Goal::Raise),
            "sager",
        ))),
        goal(vec![
            (DECIDED.to_owned(), String::new(), entry(0.50)),
            ("2025-06-17".to_owned(), "Byrådet hævede målet, fordi det første var nået.".to_owned(), entry(0.65)),
        ]),
        goal(first(plan(
            texts(
                "Tilfredsheden med jobcenteret skal fortsat være høj",
                "Nöjdheten med jobbcentret ska fortsatt vara hög",
                "Satisfaction with the jobcentre shall stay high",
            ),
            indicator("jobcentre", Goal::Keep { margin: 5.0, at_least: Some(55.0) }),
            "arbejdskraft",
        ))),
        goal(first(plan(
            texts(
                "Flere små og mellemstore virksomheder skal i gang med grøn omstilling",
                "Fler små och medelstora företag ska påbörja grön omställning",
                "More small and medium-sized companies shall take green measures",
            ),
            indicator("green_sme", Goal::Raise),
            "groen",
        ))),
        goal(first(plan(
            texts(
                "Der skal stiftes flere virksomheder i kommunen",
                "Fler företag ska startas i kommunen",
                "More companies shall be founded in the municipality",
            ),
            Yardstick::Fact { key: "start_ups".to_owned(), goal: Goal::Raise },
            "by",
        ))),
        goal(first(plan(
            texts(
                "Samarbejdsforum mødes mindst to gange om året",
                "Samarbetsforumet möts minst två gånger om året",
                "The forum of business and municipality meets at least twice a year",
            ),
            Yardstick::Nothing,
            "by",
        ))),
    ]
}

struct Made<'a> {
    title: Texts,
    description: Texts,
    area: &'a str,
    owner: Owner,
    resources: &'a str,
    backing: &'a str,
    horizon: i32,
    indicators: &'a [&'a str],
    sectors: &'a [&'a str],
    starts_on: &'a str,
    public: bool,
    steps: &'a [(InitiativeState, &'a str, &'a str)],
}

impl Made<'_> {
    fn initiative(self) -> DemoInitiative {
        let list = |keys: &[&str]| keys.iter().map(|k| (*k).to_owned()).collect();
        let step = |(state, on, note): &(InitiativeState, &str, &str)| InitiativeStep {
            state: *state,
            on: (*on).to_owned(),
            note: (*note).to_owned(),
        };
        DemoInitiative {
            plan: InitiativePlan {
                title: self.title,
                description: self.description,
                focus_area: Some(self.area.to_owned()),
                owner: self.owner,
                indicators: list(self.indicators),
                sectors: list(self.sectors),
                starts_on: Some(self.starts_on.to_owned()),
                horizon: Some(self.horizon),
                resources: self.resources.to_owned(),
                backing: self.backing.to_owned(),
                public: self.public,
            },
            steps: self.steps.iter().map(step).collect(),
        }
    }
}

/// The initiatives, the oldest first.
pub fn initiatives() -> Vec<DemoInitiative> {
    use InitiativeState::{Active, Done, Idea, Stopped};
    let group = |name: &str| Owner::Group { name: name.to_owned() };
    let made = vec![
        Made {
            title: texts(
                "Én indgang: ét nummer og én kontaktperson",
                "En väg in: ett nummer och en kontaktperson",
                "One way in: one number and one contact",
            ),
            description: texts(
                "Erhvervsservice tager imod alle henvendelser fra virksomheder og følger dem, til de er besvaret.",
                "Näringslivskontoret tar emot alla ärenden från företag och följer dem tills de är besvarade.",
                "The business service receives every enquiry from businesses and follows it until it is answered.",
            ),
            area: "indgang",
            owner: group("Erhvervsservice"),
            resources: "1,2 mio. kr. om året",
            backing: "Højager Erhvervsråd",
            horizon: 2027,
            indicators: &["entry_known", "service_availability"],
            sectors: &[],
            starts_on: "2024-01-01",
            public: true,
            steps: &[(Idea, "2023-03-20", ""), (Active, "2024-01-01", "Pengene er afsat i budgettet for 2024.")],
        },
        Made {
            title: texts(
                "Grønt forløb for små og mellemstore virksomheder",
                "Grönt program för små och medelstora företag",
                "Green programme for small and medium-sized companies",
            ),
            description: texts(
                "Energitjek, netværk i grupper på ti og hjælp til den første rapport om bæredygtighed.",
                "Energikoll, nätverk i grupper om tio och hjälp med den första hållbarhetsrapporten.",
                "Energy checks, networks in groups of ten, and help with the first sustainability report.",
            ),
            area: "groen",
            owner: group("Erhvervsservice og Erhvervshuset"),
            resources: "600.000 kr. om året, halvdelen fra fonde",
            backing: "Grønt Netværk Højager",
            horizon: 2027,
            indicators: &["green_sme", "green_help_municipality"],
            sectors: &[],
            starts_on: "2024-03-01",
            public: true,
            steps: &[(Idea, "2023-06-12", ""), (Active, "2024-03-01", "De første 30 virksomheder er med.")],
        },
        Made {
            title: texts("Bus til Erhvervsparken", "Buss till Företagsparken", "A bus to the business park"),
            description: texts(
                "En direkte bus fra stationen til Erhvervsparken morgen og eftermiddag.",
                "En direktbuss från stationen till Företagsparken morgon och eftermiddag.",
                "A direct bus from the station to the business park in the morning and afternoon.",
            ),
            area: "vej",
            owner: group("Teknik- og Miljøudvalget"),
            resources: "900.000 kr. om året",
            backing: "Virksomhederne i Erhvervsparken",
            horizon: 2026,
            indicators: &["condition_transit"],
            sectors: &[],
            starts_on: "2024-08-12",
            public: true,
            steps: &[
                (Active, "2024-08-12", "Forsøget begynder."),
                (Stopped, "2026-04-30", "For få tog bussen. Pengene går til cykelstien til Erhvervsparken."),
            ],
        },
        Made {
            title: texts(
                "Forhåndsmøde i alle byggesager for virksomheder",
                "Förmöte i alla bygglovsärenden för företag",
                "A meeting before every building case for businesses",
            ),
            description: texts(
                "Ansøger, byggesag, miljø og vej mødes inden for ti dage, før ansøgningen sendes. Sagen får en tovholder og en aftalt tidsplan.",
                "Sökande, bygglov, miljö och väg möts inom tio dagar innan ansökan skickas. Ärendet får en ansvarig och en överenskommen tidsplan.",
                "Applicant, building permits, environment and roads meet within ten days, before the application is sent. Each case has one responsible person and an agreed timetable.",
            ),
            area: "sager",
            owner: Owner::Person { name: "Jens Overgaard, leder af Center for Byg og Miljø".to_owned() },
            resources: "Et halvt årsværk inden for rammen",
            backing: "Håndværkerforeningen",
            horizon: 2026,
            indicators: &["case_time", "service", "nki"],
            sectors: &["construction"],
            starts_on: "2024-12-01",
            public: true,
            steps: &[
                (Idea, "2024-02-05", ""),
                (Active, "2024-12-01", ""),
                (Done, "2026-06-30", "Mødet er nu en fast del af sagsgangen."),
            ],
        },
        Made {
            title: texts(
                "Jobcenteret ud i virksomhederne",
                "Jobbcentret ut till företagen",
                "The jobcentre visits businesses",
            ),
            description: texts(
                "To konsulenter besøger 150 virksomheder om året, før nogen bliver henvist.",
                "Två konsulenter besöker 150 företag om året innan någon anvisas.",
                "Two consultants visit 150 businesses a year before anybody is referred.",
            ),
            area: "arbejdskraft",
            owner: group("Jobcenter Højager"),
            resources: "Inden for rammen",
            backing: "De faglige organisationer",
            horizon: 2026,
            indicators: &["jobcentre", "condition_labour"],
            sectors: &[],
            starts_on: "2025-08-01",
            public: true,
            steps: &[(Active, "2025-08-01", "")],
        },
        Made {
            title: texts("Liv i Algade", "Liv i Algade", "Life in Algade"),
            description: texts(
                "Tomme butikker lejes ud et år ad gangen, og de første to timers parkering er gratis.",
                "Tomma butiker hyrs ut ett år i taget, och de första två timmarnas parkering är gratis.",
                "Empty shops are let for a year at a time, and the first two hours of parking are free.",
            ),
            area: "by",
            owner: group("Samarbejdsforum for bymidten"),
            resources: "400.000 kr. i 2026",
            backing: "Handelsstandsforeningen og grundejerne",
            horizon: 2027,
            indicators: &["condition_centre", "condition_parking"],
            sectors: &["trade_transport"],
            starts_on: "2026-02-01",
            public: true,
            steps: &[(Idea, "2025-05-06", ""), (Active, "2026-02-01", "De første fire butikker er lejet ud.")],
        },
        Made {
            title: texts(
                "Plads til lastbiler ved motorvejen",
                "Plats för lastbilar vid motorvägen",
                "Room for lorries by the motorway",
            ),
            description: texts(
                "En plads med 25 båse, bad og ladestandere til tunge køretøjer.",
                "En plats med 25 rutor, dusch och laddare för tunga fordon.",
                "A site with 25 bays, showers and chargers for heavy vehicles.",
            ),
            area: "vej",
            owner: group("Arbejdsgruppen for transport"),
            resources: "9 mio. kr., ansøgt",
            backing: "De lokale vognmænd",
            horizon: 2028,
            indicators: &["condition_charging", "condition_roads"],
            sectors: &["trade_transport"],
            starts_on: "2027-03-01",
            public: true,
            steps: &[(Idea, "2025-09-15", "")],
        },
        Made {
            title: texts(
                "Fælles lærlingeforløb for små virksomheder",
                "Gemensamt lärlingsprogram för små företag",
                "Shared apprenticeships for small businesses",
            ),
            description: texts(
                "Tre virksomheder deles om en lærling, som skifter arbejdsplads hvert halve år.",
                "Tre företag delar på en lärling som byter arbetsplats varje halvår.",
                "Three businesses share an apprentice, who changes workplace every half year.",
            ),
            area: "arbejdskraft",
            owner: Owner::Person { name: "Lene Hedegård, erhvervskonsulent".to_owned() },
            resources: "Ikke afklaret",
            backing: "Erhvervsskolen er spurgt",
            horizon: 2028,
            indicators: &["apprentices"],
            sectors: &[],
            starts_on: "2027-08-01",
            public: false,
            steps: &[(Idea, "2026-08-20", "")],
        },
    ];
    made.into_iter().map(Made::initiative).collect()
}

/// What the register tells every year: made of the frames, so that it agrees with them.
pub fn facts(rounds: &[DemoRound]) -> Vec<FactRow> {
    let mut rows = Vec::new();
    let mut add = |year: i32, kind: FactKind, sector: Option<&str>, value: f64, source: &str| {
        rows.push(FactRow { year, kind, sector: sector.map(str::to_owned), value, source: source.to_owned() });
    };
    // The newest year's figures are not made up before the year is over.
    for (place, round) in rounds.iter().filter(|r| r.state == domain::fieldwork::RoundState::Closed).enumerate() {
        let year = round.year;
        let mut by_sector: BTreeMap<&str, [f64; 2]> = BTreeMap::new();
        let mut companies: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for unit in round.units.iter().map(|u| &u.unit) {
            let low = f64::from(unit.employees_low);
            let jobs = (low + f64::from(unit.employees_high.unwrap_or(unit.employees_low * 3 / 2))) / 2.0;
            let sums = by_sector.entry(&unit.sector).or_default();
            sums[0] += 1.0;
            sums[1] += jobs.max(1.0);
            companies.entry(&unit.sector).or_default().insert(unit.company_number.as_deref().unwrap_or(&unit.unit_key));
        }
        let kinds = ["companies", "workplaces", "jobs", "start_ups", "company_tax"];
        let mut totals = [0.0; 5];
        for shape in &SECTORS {
            let Some(sums) = by_sector.get(shape.key) else { continue };
            let number = companies.get(shape.key).map_or(0, BTreeSet::len);
            let jobs = sums[1].round();
            // Kroner per job, by how much a sector earns; rounded to thousands, as the tax authority publishes them.
            let rate = match shape.key {
                "finance" | "real_estate" => 6_200.0,
                "information" | "business_services" => 3_900.0,
                "agriculture" | "public" | "culture_other" => 700.0,
                _ => 2_400.0,
            };
            // New companies in a year: about one in eighteen, a little more each year.
            #[expect(clippy::cast_precision_loss, reason = "a count of companies in one town")]
            let founded = (number as f64 * [0.052, 0.055, 0.061].get(place).copied().unwrap_or(0.061)).round();
            let growth = [1.0, 1.03, 1.08, 1.1].get(place).copied().unwrap_or(1.1);
            let tax = (jobs * rate * growth / 1_000.0).round() * 1_000.0;
            #[expect(clippy::cast_precision_loss, reason = "a count of companies in one town")]
            let values = [number as f64, sums[0], jobs, founded, tax];
            for ((key, value), total) in kinds.iter().zip(values).zip(&mut totals) {
                *total += value;
                if let Some(kind) = FactKind::of(key) {
                    add(year, kind.clone(), Some(shape.key), value, source(key));
                }
            }
        }
        for (key, value) in kinds.iter().zip(totals) {
            if let Some(kind) = FactKind::of(key) {
                add(year, kind.clone(), None, value, source(key));
            }
        }
        let whole = [
            ("business_area", [612_000.0, 624_500.0, 631_000.0]),
            ("business_area_free", [21_400.0, 26_900.0, 24_100.0]),
            ("commuters_in", [7_310.0, 7_480.0, 7_655.0]),
            ("commuters_out", [9_120.0, 9_090.0, 9_135.0]),
            ("unemployment", [0.027, 0.029, 0.028]),
        ];
        for (key, values) in whole {
            if let (Some(kind), Some(value)) = (FactKind::of(key), values.get(place)) {
                add(year, kind.clone(), None, *value, source(key));
            }
        }
        if let Some(nights) = [48_200.0, 51_900.0, 55_300.0].get(place) {
            add(
                year,
                FactKind::own("Overnatninger på hoteller", FactUnit::Count),
                None,
                *nights,
                "Højager Turisme (opdigtet)",
            );
        }
    }
    rows
}

fn source(key: &str) -> &'static str {
    match key {
        "company_tax" => "Skatteforvaltningen (opdigtet)",
        "business_area" | "business_area_free" => "Kommunens egen opgørelse (opdigtet)",
        "companies" | "workplaces" | "start_ups" => "CVR-registret (opdigtet)",
        _ => "Danmarks Statistik (opdigtet)",
    }
}
