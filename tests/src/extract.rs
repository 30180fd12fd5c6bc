//! A small register extract, what its businesses will answer, and the figure that follows from it by hand.
//!
//! Eight shops and six craftsmen, all of 2–9 employees: one shop is protected from advertising and one has no address, both
//! stay in the population. Five of each sector answer, so that shops and craftsmen weigh differently (8/5 and 6/5) and a total
//! that forgets the weights is another number.
use domain::registers::Cvr;
use rust_xlsxwriter::Workbook;

/// The headings of the extract, as the Danish register names them.
const HEADINGS: [&str; 15] = [
    "CVR-nummer",
    "P-nummer",
    "Navn",
    "Branchekode",
    "Antal ansatte",
    "Virksomhedsform",
    "Status",
    "Startdato",
    "Ophørsdato",
    "E-mail",
    "Adresse",
    "Postnummer",
    "By",
    "Kommunekode",
    "Reklamebeskyttet",
];

/// The municipality's code in the register.
pub const MUNICIPALITY_CODE: &str = "0999";
/// Rows that belong to the population.
pub const TAKEN: usize = 14;
/// Rows that do not: a wrong check digit, one that stands twice, one that closed, a bankrupt one, the municipality's own school,
/// one in another municipality, and one whose industry code does not exist.
pub const LEFT_OUT: usize = 7;
/// Businesses that get a letter, for want of an address for mail.
pub const LETTERS: usize = 1;
/// Businesses that get a mail.
pub const INVITED: usize = 12;
/// Businesses that will answer.
pub const ANSWERING: usize = 10;

/// Retail sale in non-specialised shops, in DB25.
const SHOP: &str = "47.11.10";
/// Electrical installation, in DB25.
const ELECTRICIAN: &str = "43.21.00";

/// Answers to the three questions of the satisfaction index (1–10); `None` is "ved ikke".
pub type Scores = [Option<u8>; 3];

const SHOPS: [(&str, Option<Scores>); 8] = [
    ("Havnens Brød", Some([Some(9), Some(8), Some(8)])),
    ("Cykelhjørnet", Some([Some(7), Some(7), Some(6)])),
    ("Bøger og Papir", Some([Some(10), Some(9), Some(9)])),
    ("Tøj & Søm", Some([Some(8), Some(7), None])),
    ("Torvets Frugt", Some([Some(6), Some(8), Some(7)])),
    ("Legetøjsladen", None),
    ("Blomsterbuen", None),
    ("Ærøs Vine", None),
];
const CRAFTSMEN: [(&str, Option<Scores>); 6] = [
    ("Strøm og Lys", Some([Some(4), Some(3), Some(5)])),
    ("Vest El", Some([Some(5), Some(5), Some(4)])),
    ("Bjerres Installation", Some([Some(3), Some(2), Some(4)])),
    ("El på Øen", Some([Some(6), Some(5), Some(5)])),
    ("Kabel og Søn", Some([Some(2), Some(4), Some(3)])),
    ("Spændende El", None),
];

/// A business of the extract.
#[derive(Debug, Clone)]
pub struct Business {
    /// Its name.
    pub name: &'static str,
    /// Where it gets mail; `None` when it has no address or may not be written to.
    pub email: Option<String>,
    /// What it will answer; `None` when it will not.
    pub scores: Option<Scores>,
    /// A shop; else a craftsman.
    pub is_shop: bool,
}

/// The businesses that belong to the population.
#[must_use]
pub fn businesses() -> Vec<Business> {
    let shops = SHOPS.iter().map(|row| (row, true));
    let craftsmen = CRAFTSMEN.iter().map(|row| (row, false));
    let business = |(place, (&(name, scores), is_shop)): (usize, (&(&'static str, Option<Scores>), bool))| {
        let reachable = !matches!(place, 6 | 7);
        Business { name, email: reachable.then(|| format!("post{place}@butik{place}.example")), scores, is_shop }
    };
    shops.chain(craftsmen).enumerate().map(business).collect()
}

/// The satisfaction index of the municipality as `docs/METHOD.md` defines it, worked out with nothing but the answers above: each
/// business the mean of its answers on 0–100, each sector the mean of its businesses, sectors weighed by their businesses in the register.
#[must_use]
pub fn index_by_hand() -> f64 {
    let own = |scores: &Scores| {
        let given: Vec<f64> = scores.iter().flatten().map(|score| (f64::from(*score) - 1.0) / 9.0 * 100.0).collect();
        given.iter().sum::<f64>() / given.len() as f64
    };
    let sector = |rows: &[(&str, Option<Scores>)]| {
        let given: Vec<f64> = rows.iter().filter_map(|(_, scores)| scores.as_ref()).map(own).collect();
        given.iter().sum::<f64>() / given.len() as f64
    };
    (8.0 * sector(&SHOPS) + 6.0 * sector(&CRAFTSMEN)) / 14.0
}

/// The extract as an Excel file.
///
/// # Panics
/// Never: the rows are fixed.
#[must_use]
pub fn workbook() -> Vec<u8> {
    let mut numbers = (1_015_000..).filter_map(Cvr::with_check_digit).map(|cvr| cvr.as_str().to_owned());
    let mut number = || numbers.next().expect("there are enough numbers");
    let mut rows: Vec<[String; 15]> = Vec::new();
    for (place, business) in businesses().into_iter().enumerate() {
        let mut row = plain(&number(), place, business.name, if business.is_shop { SHOP } else { ELECTRICIAN });
        row[9] = business.email.unwrap_or_default();
        if place == 7 {
            row[9] = "post7@butik7.example".to_owned();
            row[14] = "ja".to_owned();
        }
        rows.push(row);
    }
    let again = rows[0].clone();
    let mut other = |place: usize, name: &str, change: &dyn Fn(&mut [String; 15])| {
        let mut row = plain(&number(), place, name, SHOP);
        change(&mut row);
        rows.push(row);
    };
    other(20, "Forkert Nummer", &|row| row[0] = "10150818".to_owned());
    other(21, "Lukket Sidste År", &|row| row[8] = "31-12-2020".to_owned());
    other(22, "Gået Konkurs", &|row| row[6] = "Under konkurs".to_owned());
    other(23, "Kommunens Skole", &|row| row[5] = "Primærkommune".to_owned());
    other(24, "Nabokommunens Kiosk", &|row| row[13] = "0259".to_owned());
    other(25, "Uden Branche", &|row| row[3] = "00.00.99".to_owned());
    rows.push(again);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_row(0, 0, HEADINGS).expect("the headings fit");
    for (line, row) in (1..).zip(&rows) {
        for (column, cell) in (0..).zip(row) {
            // Excel holds numbers as numbers, and that is how they come.
            let written = match cell.parse::<f64>() {
                Ok(number) if !cell.starts_with('0') => sheet.write(line, column, number),
                _ => sheet.write(line, column, cell),
            };
            written.expect("the cell fits");
        }
    }
    book.save_to_buffer().expect("the file can be made in memory")
}

fn plain(cvr: &str, place: usize, name: &str, industry: &str) -> [String; 15] {
    let employees = 2 + place % 8;
    [
        cvr.to_owned(),
        (1_003_388_300 + place).to_string(),
        name.to_owned(),
        industry.to_owned(),
        employees.to_string(),
        "Anpartsselskab".to_owned(),
        "Normal".to_owned(),
        "01-03-2015".to_owned(),
        String::new(),
        format!("udeladt{place}@butik.example"),
        format!("Havnegade {}", place + 1),
        "4999".to_owned(),
        "Højager".to_owned(),
        MUNICIPALITY_CODE.to_owned(),
        "nej".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weighted_figure_is_another_than_the_unweighted_one() {
        // Shops: (22 + 17 + 25 + 19.5 + 18) / 27 / 5; craftsmen: (9 + 11 + 6 + 13 + 6) / 27 / 5.
        let shops = 101.5 / 27.0 / 5.0 * 100.0;
        let craftsmen = 45.0 / 27.0 / 5.0 * 100.0;
        let weighted = (8.0 * shops + 6.0 * craftsmen) / 14.0;
        assert!((index_by_hand() - weighted).abs() < 1e-9, "{}", index_by_hand());
        assert_eq!((weighted.round(), ((shops + craftsmen) / 2.0).round()), (57.0, 54.0));
    }

    #[test]
    fn the_extract_is_what_it_says() {
        let all = businesses();
        assert_eq!(all.len(), TAKEN);
        assert_eq!(all.iter().filter(|b| b.email.is_some()).count(), INVITED);
        assert_eq!(all.iter().filter(|b| b.scores.is_some()).count(), ANSWERING);
        assert!(all.iter().all(|b| b.scores.is_none() || b.email.is_some()));
    }
}
