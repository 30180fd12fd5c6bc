//! Sets letters and prints how long that took: `cargo run --release -p report --example letters -- 1000`.
use std::error::Error;
use std::time::Instant;

use domain::fieldwork::MessageKind;
use domain::ids::MunicipalityId;
use domain::language::{Country, Language};
use domain::municipality::{Municipality, Settings};
use report::letter::{Letter, Occasion, Workplace, letters};
use text::Messages;

fn main() -> Result<(), Box<dyn Error>> {
    let count = std::env::args().nth(1).map_or(Ok(1000), |n| n.parse())?;
    let messages = Messages::load()?;
    let municipality = Municipality {
        id: MunicipalityId("m".into()),
        slug: "hojager".into(),
        name: "Højager Kommune".into(),
        country: Country::Dk,
        settings: Settings::default(),
    };
    let occasion = Occasion {
        municipality: &municipality,
        year: 2026,
        kind: MessageKind::Invitation,
        closes_on: jiff::civil::date(2026, 10, 1),
        written_on: jiff::civil::date(2026, 9, 1),
        threshold: 5,
        minutes: (4, 6),
        public_url: "https://undersoegelse.hojager.example",
    };
    let letter = |number: usize| {
        let name = format!("Vognmand {number} ApS");
        let code = format!("abcdefghijkmnpqrstuv{number:06}").replace(['0', '1'], "z");
        Letter {
            language: Language::Da,
            name: name.clone(),
            street: format!("Industrivej {number}"),
            postcode: "2640".into(),
            city: "Højager".into(),
            reference: format!("{number:010x}"),
            workplaces: vec![Workplace { label: name, code }],
        }
    };
    let list: Vec<Letter> = (0..count).map(letter).collect();
    let begun = Instant::now();
    let pdf = letters(&messages, &occasion, &list)?;
    println!("{count} letters: {:.1} s, {} KB", begun.elapsed().as_secs_f64(), pdf.len() / 1024);
    Ok(())
}
