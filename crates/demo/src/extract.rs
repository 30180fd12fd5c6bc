//! A year's frame as an extract of the Danish register, with what the register also holds and the import must leave out.
use domain::frame::FrameUnit;
use domain::registers::Cvr;

use crate::chance::Chance;
use crate::population::LEGAL_FORMS;
use crate::{Demo, FIRST_YEAR, municipality, names};

/// Columns of the extract.
const HEADINGS: [&str; 18] = [
    "P-nummer",
    "CVR-nummer",
    "Navn",
    "Adresse",
    "Postnummer",
    "By",
    "Kommunekode",
    "Branchekode",
    "Antal ansatte",
    "Ansatte i virksomheden",
    "Virksomhedsform",
    "Status",
    "Startdato",
    "Ophørsdato",
    "E-mail",
    "Telefon",
    "Reklamebeskyttelse",
    "Område",
];

/// Units that the register holds but the population does not: legal form, state, trade by DB07 and DB25, how many, names.
const OUTSIDE: [Outside; 6] = [
    Outside {
        form: "Forening",
        state: "Normal",
        db07: "94.99.00",
        db25: "94.99.00",
        many: 70,
        names: &["{p} Idrætsforening", "Foreningen {p} Borgerhus", "{p} Beboerforening"],
    },
    Outside {
        form: "Anpartsselskab",
        state: "Normal",
        db07: "64.20.20",
        db25: "64.21.00",
        many: 110,
        names: &["{s} Holding ApS", "{f} {s} Invest ApS"],
    },
    Outside {
        form: "Anpartsselskab",
        state: "Under konkurs",
        db07: "43.32.00",
        db25: "43.32.00",
        many: 14,
        names: &["{s} Byg ApS"],
    },
    Outside {
        form: "Aktieselskab",
        state: "Under likvidation",
        db07: "46.90.00",
        db25: "46.90.00",
        many: 8,
        names: &["{s} Import A/S"],
    },
    Outside {
        form: "Enkeltmandsvirksomhed",
        state: "Ophørt",
        db07: "96.02.10",
        db25: "96.21.00",
        many: 60,
        names: &["Salon {f}", "{f}s Blomster"],
    },
    Outside {
        form: "Region",
        state: "Normal",
        db07: "86.10.00",
        db25: "86.10.00",
        many: 3,
        names: &["Sundhedshuset {p}"],
    },
];

struct Outside {
    form: &'static str,
    state: &'static str,
    db07: &'static str,
    db25: &'static str,
    many: usize,
    names: &'static [&'static str],
}

/// The register's extract for the round of `year`: semicolons, Danish headings, the frame's units and about 300 that the
/// eligibility rules leave out (the municipality's own, associations, holding companies, bankrupt and ceased ones).
/// `None` when the demo has no such round.
#[must_use]
pub fn register_extract(demo: &Demo, year: i32) -> Option<String> {
    let round = demo.rounds.iter().find(|r| r.year == year)?;
    let mut lines = vec![HEADINGS.join(";")];
    lines.extend(round.units.iter().map(|u| row(&u.unit, &demo.municipality_code)));
    lines.extend(outside(demo, year));
    lines.push(String::new());
    Some(lines.join("\r\n"))
}

fn row(unit: &FrameUnit, municipality_code: &str) -> String {
    let number = |n: Option<u32>| n.map(|n| n.to_string()).unwrap_or_default();
    let form = LEGAL_FORMS.iter().find(|(_, suffix)| unit.name.contains(suffix)).map_or("", |(form, _)| form);
    [
        unit.unit_key.trim_start_matches("dk:p:"),
        unit.company_number.as_deref().unwrap_or_default(),
        &unit.name,
        &unit.street,
        &unit.postcode,
        &unit.city,
        municipality_code,
        &unit.industry_code.replace('.', ""),
        &unit.employees_low.to_string(),
        &number(unit.company_employees_low),
        form,
        "Normal",
        &unit.started_on.as_deref().map(danish_date).unwrap_or_default(),
        "",
        unit.email.as_deref().unwrap_or_default(),
        unit.phone.as_deref().unwrap_or_default(),
        if unit.protected { "Ja" } else { "Nej" },
        unit.area.as_deref().unwrap_or_default(),
    ]
    .join(";")
}

/// `yyyy-mm-dd` as `dd-mm-yyyy`.
fn danish_date(date: &str) -> String {
    date.split('-').rev().collect::<Vec<_>>().join("-")
}

/// Rows of units outside the population; the same for every seed.
fn outside(demo: &Demo, year: i32) -> Vec<String> {
    const SCHOOLS: [&str; 6] =
        ["{p} Skole", "Børnehaven {p}", "{p} Plejecenter", "{p} Bibliotek", "{p} Hallen", "Rådhuset"];
    let mut chance = Chance::new(u64::try_from(year).unwrap_or(0));
    let new_codes = year - FIRST_YEAR >= 2;
    let mut rows = Vec::new();
    let mut push = |cvr: &str, name: &str, code: &str, staff: usize, form: &str, state: &str, chance: &mut Chance| {
        let p_number = 9_700_000_000_u64 + rows.len() as u64 * 3;
        let ended = if state == "Ophørt" { format!("30-06-{}", year - 1) } else { String::new() };
        let street = format!("{} {}", chance.word(names::STREETS[0]), chance.between(1, 98));
        let (postcode, city) = names::TOWNS[0];
        let (own_code, code, area) = (&demo.municipality_code, code.replace('.', ""), municipality::AREAS[0]);
        rows.push(format!(
            "{p_number};{cvr};{name};{street};{postcode};{city};{own_code};{code};{staff};{staff};{form};{state};\
             01-03-2004;{ended};;;Nej;{area}"
        ));
    };
    for own in demo.own_numbers.iter().cycle().take(36) {
        let name = names::fill(chance.word(&SCHOOLS), "", "", chance.word(&names::PLACE));
        let (code, staff) = (if new_codes { "85.20.00" } else { "85.20.10" }, chance.between(4, 90));
        push(own, &name, code, staff, "Primærkommune", "Normal", &mut chance);
    }
    let mut next = 9_950_000;
    for kind in &OUTSIDE {
        for _ in 0..kind.many {
            let cvr = (next..).find_map(|first| Cvr::with_check_digit(first).map(|cvr| (first, cvr)));
            let Some((first, cvr)) = cvr else { continue };
            next = first + 1;
            let (person, last) = (chance.word(&names::FIRST), chance.word(&names::LAST));
            let name = names::fill(chance.word(kind.names), person, last, chance.word(&names::PLACE));
            let code = if new_codes { kind.db25 } else { kind.db07 };
            let staff = if kind.form == "Region" { 25 } else { 0 };
            push(cvr.as_str(), &name, code, staff, kind.form, kind.state, &mut chance);
        }
    }
    rows
}
