//! The invented town's register extract, read by the real import, gives back exactly the town's own frame.
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Cursor;

use domain::eligibility::Eligibility;
use domain::industry::{Classification, Grouping};
use domain::language::Country;
use domain::secrets::SecretKey;
use domain::size::SizeClasses;
use intake::frame::{FrameOptions, Mapping, RowResult, UnitKind};

#[test]
fn every_year_comes_back_as_it_was_made() {
    let town = demo::generate(demo::SEED);
    let codes = [town.municipality_code.clone()];
    for round in &town.rounds {
        let options = FrameOptions {
            country: Country::Dk,
            unit: UnitKind::Workplace,
            classification: Classification::in_use(Country::Dk, round.year),
            grouping: Grouping::shipped(&town.municipality.settings.grouping).unwrap(),
            sizes: SizeClasses::default_for(Country::Dk),
            eligibility: Eligibility::shipped(),
            municipality_codes: &codes,
            own_numbers: &town.own_numbers,
            extract_date: Some(&format!("{}-09-01", round.year)),
            mapping: &Mapping::default(),
            columns: None,
            keys: &SecretKey::generate().keys(),
        };
        let mut taken = BTreeMap::new();
        let extract =
            Cursor::new(demo::register_extract(&town, round.year).expect("the town has that year").into_bytes());
        let summary = intake::frame::read("extract.csv", extract, &options, &mut |_| {}, &mut |outcome| {
            if let RowResult::Taken(unit, _) = outcome.result {
                taken.insert(unit.unit_key.clone(), *unit);
            }
            Ok::<_, Infallible>(())
        });
        let summary = summary.unwrap();
        assert!(summary.left_out.len() >= 5, "the extract also holds units that do not belong: {:?}", summary.left_out);
        assert_eq!(taken.len(), round.units.len(), "{}", round.year);
        for unit in &round.units {
            // The demo knows its areas; a register extract has no column for them.
            let mut read = taken[&unit.unit.unit_key].clone();
            read.area = unit.unit.area.clone();
            assert_eq!(read, unit.unit, "{}", round.year);
        }
    }
}
