//! Who is in business each year: births, closures, growth, moves; and the facts that the register knows of them.
use std::collections::BTreeSet;

use domain::frame::FrameUnit;
use domain::industry::Classification;
use domain::language::Country;
use domain::registers::Cvr;

use crate::chance::Chance;
use crate::trades::{SECTORS, SIZES, TRADES, Trade};
use crate::{FIRST_YEAR, LAST_YEAR, municipality, names};

/// Workplaces in every year's frame.
pub const WORKPLACES: usize = 2_400;
/// Rounds.
pub const YEARS: usize = (LAST_YEAR - FIRST_YEAR + 1) as usize;
/// Keys of the size classes with their upper ends.
const CLASSES: [(&str, u32); 5] = [("0-1", 1), ("2-9", 9), ("10-49", 49), ("50-199", 199), ("200+", u32::MAX)];
/// Invented company numbers begin here; the register's own begin with 1 to 4.
const FIRST_CVR: u32 = 9_000_000;
/// Invented workplace numbers begin here; the register's own begin with 1.
const FIRST_P: u64 = 9_000_000_000;

/// Legal forms with what they add to a name; personal ones add nothing that tells, so only names without suffix are theirs.
pub const LEGAL_FORMS: [(&str, &str); 4] =
    [("Aktieselskab", " A/S"), ("Anpartsselskab", " ApS"), ("Interessentskab", " I/S"), ("Enkeltmandsvirksomhed", "")];

/// Do persons own it directly? Then it belongs to the population without employees too.
fn is_personal(form: &str) -> bool {
    matches!(form, "Enkeltmandsvirksomhed" | "Interessentskab")
}

/// A workplace through the years.
pub struct Business {
    /// Place in [`Population::companies`].
    pub company: usize,
    /// Place in [`TRADES`].
    pub trade: usize,
    /// Years in which it is in the frame, counted from the first.
    pub years: std::ops::Range<usize>,
    /// Employees by year.
    pub employees: [u32; YEARS],
    /// Lasting opinion of the municipality, in standard deviations.
    pub mood: f64,
    /// Lasting readiness to answer, in standard deviations; unrelated to opinion, so that within a cell those who answer
    /// are like those who do not, as the estimators assume.
    pub readiness: f64,
    /// Lasting inclination to green measures, in standard deviations.
    pub green: f64,
    /// The register's facts; year-dependent ones are set by [`Population::unit`].
    pub register: Register,
}

/// What the register says whatever the year.
pub struct Register {
    p_number: String,
    name: String,
    street: String,
    area: usize,
    email: Option<String>,
    phone: Option<String>,
    protected: bool,
    started_on: String,
    form: &'static str,
}

/// A company with one or more workplaces.
pub struct Company {
    /// CVR-nummer.
    pub cvr: String,
    /// Employees at workplaces in other municipalities.
    elsewhere: u32,
    /// Its workplaces here.
    workplaces: Vec<usize>,
}

/// Everybody who was in business in any of the years.
pub struct Population {
    /// Workplaces.
    pub businesses: Vec<Business>,
    /// Companies.
    pub companies: Vec<Company>,
    /// Domains in use.
    slugs: BTreeSet<String>,
}

impl Population {
    /// The years from the first to the last.
    pub fn new(chance: &mut Chance) -> Self {
        let mut population = Self { businesses: Vec::new(), companies: Vec::new(), slugs: BTreeSet::new() };
        for year in 0..YEARS {
            if year > 0 {
                population.age(year, chance);
            }
            let mut room = WORKPLACES - population.in_year(year).count();
            while room > 0 {
                room -= population.found(year, room, chance);
            }
        }
        population
    }

    /// The workplaces of a year's frame.
    pub fn in_year(&self, year: usize) -> impl Iterator<Item = (usize, &Business)> {
        self.businesses.iter().enumerate().filter(move |(_, b)| b.years.contains(&year))
    }

    /// The workplace as the register has it in a year.
    pub fn unit(&self, business: &Business, year: usize) -> FrameUnit {
        let (register, trade) = (&business.register, &TRADES[business.trade]);
        let employees = business.employees[year];
        let company = &self.companies[business.company];
        let company_employees = self.company_employees(company, year);
        let (code, classification) = code(trade, year);
        let (postcode, city) = names::TOWNS[register.area];
        FrameUnit {
            unit_key: format!("dk:p:{}", register.p_number),
            country: Country::Dk,
            company_number: Some(company.cvr.clone()),
            name: register.name.clone(),
            street: register.street.clone(),
            postcode: postcode.to_owned(),
            city: city.to_owned(),
            industry_code: code.to_owned(),
            classification,
            employees_low: employees,
            employees_high: Some(employees),
            company_employees_low: Some(company_employees),
            company_employees_high: Some(company_employees),
            sector: SECTORS[trade.sector].key.to_owned(),
            size: CLASSES[class_of(employees)].0.to_owned(),
            area: Some(municipality::AREAS[register.area].to_owned()),
            started_on: Some(register.started_on.clone()),
            email: register.email.clone(),
            phone: register.phone.clone(),
            protected: register.protected,
        }
    }

    fn company_employees(&self, company: &Company, year: usize) -> u32 {
        let here = company.workplaces.iter().map(|&w| &self.businesses[w]).filter(|b| b.years.contains(&year));
        company.elsewhere + here.map(|b| b.employees[year]).sum::<u32>()
    }

    /// A year passes: some close, the others grow or shrink a little. Who is still there is in the next frame.
    fn age(&mut self, year: usize, chance: &mut Chance) {
        // The smaller, the shorter the life.
        const CLOSES: [f64; 5] = [0.08, 0.05, 0.025, 0.015, 0.01];
        for business in self.businesses.iter_mut().filter(|b| b.years.end == year) {
            let before = business.employees[year - 1];
            if chance.happens(CLOSES[class_of(before)]) {
                continue;
            }
            business.years.end = year + 1;
            // A company without employees would leave the population; a sole trader stays in it.
            let least = u32::from(!is_personal(business.register.form));
            business.employees[year] = grown(before, chance).max(least);
        }
    }

    /// A company is founded (in the first year: found to be there), with one workplace or a few; says how many.
    fn found(&mut self, year: usize, room: usize, chance: &mut Chance) -> usize {
        let shares: Vec<f64> = SECTORS.iter().map(|s| s.share).collect();
        let sector = chance.weighted(&shares);
        let weights: Vec<f64> = TRADES.iter().map(|t| if t.sector == sector { t.weight } else { 0.0 }).collect();
        let trade = chance.weighted(&weights);
        let several = chance.happens([0.01, 0.04, 0.15][TRADES[trade].scale]);
        let workplaces = if several { chance.between(2, 5).min(room) } else { 1 };
        // A chain's shops here are small, the company is not.
        let elsewhere = match TRADES[trade].scale {
            2 if several || chance.happens(0.15) => u32::try_from(chance.between(40, 1_500)).unwrap_or(0),
            1 if chance.happens(0.03) => u32::try_from(chance.between(20, 400)).unwrap_or(0),
            _ => 0,
        };
        let company = self.companies.len();
        let (cvr, first) = (self.free_cvr(), self.businesses.len());
        self.companies.push(Company { cvr, elsewhere, workplaces: (first..first + workplaces).collect() });
        let contact = Contact { several, ..self.contact(trade, chance) };
        for number in 0..workplaces {
            let business = self.workplace(company, trade, year, &contact, number, chance);
            self.businesses.push(business);
        }
        workplaces
    }

    /// The next company number that exists: one in eleven has no check digit.
    fn free_cvr(&self) -> String {
        let mut next = self.companies.last().map_or(FIRST_CVR, |c| c.cvr[..7].parse().unwrap_or(FIRST_CVR) + 1);
        loop {
            if let Some(cvr) = Cvr::with_check_digit(next) {
                return cvr.as_str().to_owned();
            }
            next += 1;
        }
    }

    /// Name and domain of a new company.
    fn contact(&mut self, trade: usize, chance: &mut Chance) -> Contact {
        let (first, last) = (chance.word(&names::FIRST), chance.word(&names::LAST));
        let name = names::fill(chance.word(TRADES[trade].names), first, last, chance.word(&names::PLACE));
        let mut slug = names::slug(&name);
        if !self.slugs.insert(slug.clone()) {
            slug = format!("{slug}-{}", self.companies.len());
            self.slugs.insert(slug.clone());
        }
        let mailbox = match chance.below(5) {
            0 => names::slug(first),
            1 => "info".to_owned(),
            2 => "mail".to_owned(),
            _ => "kontakt".to_owned(),
        };
        let email = (!chance.happens(0.09)).then(|| format!("{mailbox}@{slug}.example"));
        // No subscriber's number begins with 10.
        let phone = chance.happens(0.85).then(|| format!("10{:06}", chance.below(1_000_000)));
        Contact { name, email, phone, protected: chance.happens(0.08), several: false }
    }

    fn workplace(
        &self,
        company: usize,
        trade: usize,
        year: usize,
        contact: &Contact,
        number: usize,
        chance: &mut Chance,
    ) -> Business {
        // Industry and transport lie in the business park, the rest mostly in town.
        let park =
            if matches!(TRADES[trade].sector, 1) || TRADES[trade].db07.starts_with("49.4") { 60.0 } else { 18.0 };
        let area = chance.weighted(&[45.0, park, 15.0, 22.0]);
        let mut employees = [0; YEARS];
        employees[year] = headcount(TRADES[trade].scale, year, chance);
        let form = match (contact.several, employees[year]) {
            (true, _) => "Aktieselskab",
            (_, 0) => "Enkeltmandsvirksomhed",
            (_, 1) if chance.happens(0.5) => "Enkeltmandsvirksomhed",
            (_, 0..=9) if chance.happens(0.06) => "Interessentskab",
            (_, 0..=19) if chance.happens(0.8) => "Anpartsselskab",
            _ => "Aktieselskab",
        };
        if !is_personal(form) {
            employees[year] = employees[year].max(1);
        }
        let suffix = LEGAL_FORMS.iter().find(|(name, _)| *name == form).map_or("", |(_, suffix)| suffix);
        let (_, city) = names::TOWNS[area];
        let place = if number > 0 { format!(", {city}") } else { String::new() };
        let started = match year {
            0 => FIRST_YEAR - 1 - i32::try_from(chance.below(6) * chance.below(8)).unwrap_or(0),
            _ => FIRST_YEAR - 1 + i32::try_from(year).unwrap_or(0),
        };
        let id = FIRST_P + self.businesses.len() as u64 * 7 + 13;
        Business {
            company,
            trade,
            years: year..year + 1,
            employees,
            mood: chance.normal(),
            readiness: chance.normal(),
            green: chance.normal(),
            register: Register {
                p_number: id.to_string(),
                name: format!("{}{suffix}{place}", contact.name),
                street: format!("{} {}", chance.word(names::STREETS[area]), chance.between(1, 98)),
                area,
                email: contact.email.clone(),
                phone: contact.phone.clone(),
                protected: contact.protected,
                started_on: format!("{started}-{:02}-{:02}", chance.between(1, 12), chance.between(1, 28)),
                form,
            },
        }
    }
}

/// How a company is reached; all its workplaces share it.
struct Contact {
    name: String,
    email: Option<String>,
    phone: Option<String>,
    protected: bool,
    several: bool,
}

/// A trade's code in a year: the register changed over to DB25 in January 2025.
fn code(trade: &Trade, year: usize) -> (&'static str, Classification) {
    if year < 2 { (trade.db07, Classification::Db07) } else { (trade.db25, Classification::Db25) }
}

/// Place of the size class of so many employees.
pub fn class_of(employees: u32) -> usize {
    CLASSES.iter().position(|(_, high)| employees <= *high).unwrap_or(CLASSES.len() - 1)
}

/// Employees of a workplace that enters the frame: a class by the trade's scale, small ones more often within the class.
/// Who is founded in the years of the survey starts small.
fn headcount(scale: usize, year: usize, chance: &mut Chance) -> u32 {
    const ENDS: [(f64, f64); 5] = [(0.0, 1.99), (2.0, 9.99), (10.0, 49.99), (50.0, 199.99), (200.0, 650.0)];
    let mut shares = SIZES[scale];
    if year > 0 {
        shares = [shares[0] * 2.0, shares[1], shares[2] * 0.3, shares[3] * 0.2, 0.0];
    }
    let (low, high) = ENDS[chance.weighted(&shares)];
    let place = chance.even() * chance.even();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 650")]
    let employees = (low + (high - low) * if low < 2.0 { place.sqrt() } else { place }) as u32;
    employees
}

/// Next year's employees.
fn grown(before: u32, chance: &mut Chance) -> u32 {
    if before < 10 {
        return match chance.below(20) {
            0 | 1 => before.saturating_sub(1),
            2 => before + 1,
            3 if before > 1 => before + 2,
            4 if before > 1 => before - 2,
            _ => before,
        };
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a headcount below a thousand or so")]
    let after = (f64::from(before) * (1.0 + 0.08 * chance.normal())).round() as u32;
    after
}
