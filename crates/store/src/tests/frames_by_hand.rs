//! Extracts on their way into a frame, taken back, corrected by hand, put into other sectors.
use std::collections::BTreeMap;

use domain::ids::BusinessId;
use domain::industry::Classification;
use domain::municipality::Settings;

use super::material::*;
use super::{Ground, on_both};
use crate::StoreError;
use crate::edits::EditField;
use crate::extracts::{DifferenceKind, NewUpload};

async fn an_extract_waits_is_kept_and_is_taken_back(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    import(store, &m, YEAR, "one", &units(10)).await;
    let head = serde_json::json!({ "headings": [] });
    let new = NewUpload { year: YEAR, classification: "db25", file_name: "cvr.csv", head: &head, bytes: b"a;b" };
    let id = store.add_frame_upload(&m, &new, None, NOW).await.unwrap();
    assert_eq!(store.waiting_frame_uploads(&m).await.unwrap().len(), 1);
    assert_eq!(store.frame_upload_bytes(&m, &id).await.unwrap(), b"a;b");
    let mapping = BTreeMap::from([("pnr".to_owned(), Some("unit_number".to_owned())), ("note".to_owned(), None)]);
    let early = store.keep_frame_upload(&m, &id, &mapping, NOW).await;
    assert!(matches!(early, Err(StoreError::State(_))), "nobody has read it yet");

    let job = store.read_frame_upload(&m, &id, &serde_json::json!({ "unit_number": 0 }), NOW).await.unwrap();
    assert_eq!(store.job(&m, &job).await.unwrap().kind, "read_frame");
    let staged = store.begin_frame_import(&m, YEAR, "cvr.csv", "two", NOW).await.unwrap().id;
    store.frame_upload_reads_to(&m, &id, &staged).await.unwrap();
    store.stage_frame_rows(&m, &staged, &units(12), NOW).await.unwrap();
    store.describe_frame_import(&m, &staged, &serde_json::json!({ "rows": 12 }), Some(&job)).await.unwrap();
    store.show_frame_upload(&m, &id, &serde_json::json!({ "seen": true })).await.unwrap();
    assert_eq!(store.frame_counts(&m, YEAR).await.unwrap().iter().map(|c| c.units).sum::<u64>(), 10, "not yet");
    assert_eq!(store.import_counts(&m, &staged).await.unwrap().iter().map(|c| c.units).sum::<u64>(), 12);
    assert!(store.keep_frame_upload(&m, &id, &mapping, NOW).await.unwrap().replaced);
    assert_eq!(store.frame_mapping(&m).await.unwrap(), mapping);
    assert!(store.waiting_frame_uploads(&m).await.unwrap().is_empty());
    let story = store.frame_story(&m, YEAR).await.unwrap().unwrap();
    assert_eq!((story.job, story.has_former, story.frozen), (Some(job), true, false));
    assert_eq!(story.summary.unwrap()["rows"], 12);

    assert!(store.undo_frame(&m, YEAR, NOW).await.unwrap());
    assert_eq!(store.frame_units(&m, YEAR, None, 100).await.unwrap().len(), 10, "the former one is back");
    assert!(!store.frame_story(&m, YEAR).await.unwrap().unwrap().has_former, "one step back is enough");
    assert!(!store.undo_frame(&m, YEAR, NOW).await.unwrap(), "there was none before");
    assert!(store.frames(&m).await.unwrap().is_empty());
    assert!(matches!(store.undo_frame(&m, YEAR, NOW).await, Err(StoreError::NotFound(_))));
}

async fn what_nobody_decides_on_is_forgotten(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let head = serde_json::json!({});
    let new = NewUpload { year: YEAR, classification: "db25", file_name: "cvr.csv", head: &head, bytes: b"x" };
    let id = store.add_frame_upload(&m, &new, None, NOW).await.unwrap();
    let staged = store.begin_frame_import(&m, YEAR, "cvr.csv", "one", NOW).await.unwrap().id;
    store.frame_upload_reads_to(&m, &id, &staged).await.unwrap();
    store.stage_frame_rows(&m, &staged, &units(3), NOW).await.unwrap();
    store.sweep_frames(NOW.plus_seconds(23 * 3600)).await.unwrap();
    assert_eq!(store.waiting_frame_uploads(&m).await.unwrap().len(), 1);
    store.sweep_frames(NOW.plus_seconds(25 * 3600)).await.unwrap();
    assert!(store.waiting_frame_uploads(&m).await.unwrap().is_empty());
    assert!(store.import_counts(&m, &staged).await.unwrap().is_empty(), "its rows are gone with it");
    // A frame that was replaced goes as well, when nobody took the new one back.
    import(store, &m, YEAR, "two", &units(3)).await;
    import(store, &m, YEAR, "three", &units(4)).await;
    store.sweep_frames(NOW.plus_days(29)).await.unwrap();
    assert!(store.frame_story(&m, YEAR).await.unwrap().unwrap().has_former);
    store.sweep_frames(NOW.plus_days(31)).await.unwrap();
    assert!(!store.frame_story(&m, YEAR).await.unwrap().unwrap().has_former);
}

async fn a_difference_names_new_gone_moved_and_recoded(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    import(store, &m, YEAR - 1, "one", &units(20)).await;
    let mut rows: Vec<_> = (2..23).map(unit).collect();
    rows[0].street = "Ny Vej 1".to_owned();
    rows[1].industry_code = "49.42.00".to_owned();
    rows[2].sector = "other".to_owned();
    rows[3].name = "Nyt Navn".to_owned();
    import(store, &m, YEAR, "two", &rows).await;
    let story = store.frame_story(&m, YEAR).await.unwrap().unwrap();
    let found = store.frame_difference(&m, &story.import, YEAR).await.unwrap().unwrap();
    assert_eq!((found.year, found.before, found.now), (YEAR - 1, 20, 21));
    assert_eq!((found.new, found.closed, found.moved, found.recoded), (3, 2, 1, 2));
    assert_eq!((found.other_sector, found.renamed, found.reclassified), (1, 1, false));
    for (kind, n) in [
        (DifferenceKind::New, 3),
        (DifferenceKind::Closed, 2),
        (DifferenceKind::Moved, 1),
        (DifferenceKind::Recoded, 2),
    ] {
        let rows = store.frame_difference_rows(&m, &story.import, YEAR, kind, None, 100).await.unwrap();
        assert_eq!(rows.len(), n, "{}", kind.as_str());
        let rest = store.frame_difference_rows(&m, &story.import, YEAR, kind, Some(&rows[0].business), 100).await;
        assert_eq!(rest.unwrap().len(), n - 1);
    }
    let moved = store.frame_difference_rows(&m, &story.import, YEAR, DifferenceKind::Moved, None, 9).await.unwrap();
    assert!(moved[0].now.starts_with("Ny Vej 1") && !moved[0].before.starts_with("Ny Vej"));
    assert!(store.frame_difference(&m, &story.import, YEAR - 1).await.unwrap().is_none(), "nothing before the first");
}

async fn a_correction_holds_as_long_as_the_register_says_the_same(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    let mut rows = units(6);
    import(store, &m, YEAR, "one", &rows).await;
    let all = store.frame_units(&m, YEAR, None, 10).await.unwrap();
    let of = |key: &str| all.iter().find(|r| r.unit.unit_key == key).unwrap().business.clone();
    let (first, second) = (of(&rows[0].unit_key), of(&rows[1].unit_key));
    let edit = async |business: &BusinessId, year: i32, field: EditField, text: Option<&str>| {
        store.edit_frame_unit(&m, (year, business), &[(field, text)], "Ringede", None, NOW).await
    };
    let mail = Some("ny@firma.example");
    assert_eq!(edit(&first, YEAR, EditField::Email, mail).await.unwrap(), [EditField::Email]);
    assert!(edit(&first, YEAR, EditField::Email, mail).await.unwrap().is_empty(), "twice is once");
    edit(&first, YEAR, EditField::Sector, Some("other")).await.unwrap();
    edit(&second, YEAR, EditField::Name, Some("Rettet Navn")).await.unwrap();
    assert_eq!(store.edited_units(&m, YEAR).await.unwrap(), 2);
    store.exclude_frame_unit(&m, (YEAR, &of(&rows[2].unit_key)), Some("Lukket"), None, NOW).await.unwrap();
    assert_eq!(store.frame_units(&m, YEAR, None, 10).await.unwrap().len(), 5, "the population is smaller");
    let out = store.frame_unit(&m, YEAR, &of(&rows[2].unit_key)).await.unwrap();
    assert!(out.excluded && out.history[0].reason == "Lukket");
    assert_eq!(store.excluded_units(&m, YEAR).await.unwrap().len(), 1);

    // Next year's register says the same of the first and something new of the second.
    rows[1].name = "Nyt i registret".to_owned();
    let next = store.begin_frame_import(&m, YEAR + 1, "cvr.csv", "two", NOW).await.unwrap().id;
    store.stage_frame_rows(&m, &next, &rows, NOW).await.unwrap();
    let applied = store.apply_frame_edits(&m, &next, NOW).await.unwrap();
    assert_eq!((applied.applied, applied.overtaken, applied.excluded), (2, 1, 1));
    let again = store.apply_frame_edits(&m, &next, NOW).await.unwrap();
    assert_eq!((again.applied, again.overtaken, again.excluded), (2, 0, 1), "twice is once");
    store.finish_frame_import(&m, &next, NOW).await.unwrap();
    let unit = store.frame_unit(&m, YEAR + 1, &first).await.unwrap().row.unit;
    assert_eq!((unit.email.as_deref(), unit.sector.as_str()), (mail, "other"));
    let kept = store.frame_unit(&m, YEAR + 1, &second).await.unwrap();
    assert_eq!(kept.row.unit.name, "Nyt i registret");
    assert!(kept.history[0].ended_at.is_some() && kept.history[0].ended_by.is_none());
    assert_eq!(store.frame_units(&m, YEAR + 1, None, 10).await.unwrap().len(), 5);

    // An earlier year is not what was corrected; taken in again, the unit is as the register had it.
    import(store, &m, YEAR - 1, "three", &units(6)).await;
    assert_eq!(store.frame_units(&m, YEAR - 1, None, 10).await.unwrap().len(), 6);
    store.exclude_frame_unit(&m, (YEAR + 1, &of(&rows[2].unit_key)), None, None, NOW).await.unwrap();
    let back = store.frame_unit(&m, YEAR + 1, &of(&rows[2].unit_key)).await.unwrap();
    assert_eq!((back.excluded, back.row.unit), (false, rows[2].clone()));
    // What the register says again needs no correction.
    edit(&first, YEAR + 1, EditField::Email, rows[0].email.as_deref()).await.unwrap();
    let history = store.frame_unit(&m, YEAR + 1, &first).await.unwrap().history;
    assert_eq!(history.iter().filter(|e| e.ended_at.is_none()).count(), 1, "the sector alone");
    let trail = store.audit_trail(&m, 20).await.unwrap();
    assert!(trail.iter().any(|e| e.action == "frame.unit_excluded") && trail.iter().all(|e| !e.detail.contains('@')));
    // Who is erased leaves no correction behind.
    store.erase_business(&m, &first, NOW).await.unwrap();
    assert!(store.frame_unit(&m, YEAR + 1, &first).await.unwrap().history.is_empty());
}

async fn a_frame_in_use_is_neither_corrected_nor_taken_back(ground: &Ground) {
    let store = &ground.store;
    let (m, round) = open_round(store, &units(3)).await;
    let business = store.frame_units(&m, YEAR, None, 1).await.unwrap()[0].business.clone();
    let written = [(EditField::Name, Some("Andet"))];
    let edit = store.edit_frame_unit(&m, (YEAR, &business), &written, "x", None, NOW).await;
    assert!(matches!(edit, Err(StoreError::FrameFrozen { .. })));
    let out = store.exclude_frame_unit(&m, (YEAR, &business), Some("x"), None, NOW).await;
    assert!(matches!(out, Err(StoreError::FrameFrozen { .. })));
    assert!(matches!(store.undo_frame(&m, YEAR, NOW).await, Err(StoreError::FrameFrozen { .. })));
    assert!(store.frame_unit(&m, YEAR, &business).await.unwrap().frozen);
    let to = |_: &str, _: Classification| Some("all".to_owned());
    let regrouped = store.regroup_frames(&m, &Settings::default(), to, None, |_, _| {}, NOW).await;
    assert!(matches!(regrouped, Err(StoreError::State(_))), "a round is open");
    store.close_round(&m, &round, NOW).await.unwrap();
    let settings = Settings { grouping: "htk".into(), ..Settings::default() };
    assert_eq!(store.regroup_frames(&m, &settings, to, None, |_, _| {}, NOW).await.unwrap(), 3);
}

async fn other_sectors_reach_every_year_and_end_what_was_chosen_by_hand(ground: &Ground) {
    let store = &ground.store;
    let m = municipality(store).await;
    import(store, &m, YEAR - 1, "one", &units(5)).await;
    import(store, &m, YEAR, "two", &units(6)).await;
    let rows = store.frame_units(&m, YEAR, None, 10).await.unwrap();
    let (own, out) = (&rows[0].business, &rows[1].business);
    store.edit_frame_unit(&m, (YEAR, own), &[(EditField::Sector, Some("mine"))], "x", None, NOW).await.unwrap();
    store.exclude_frame_unit(&m, (YEAR, out), Some("x"), None, NOW).await.unwrap();
    assert_eq!(store.regroup_obstacles(&m).await.unwrap().own_sectors, 1);
    let codes = store.frame_codes(&m).await.unwrap();
    assert_eq!(codes.iter().map(|c| c.units).sum::<u64>(), 10);
    let to = |_: &str, _: Classification| Some("all".to_owned());
    let settings = Settings { grouping: "htk".into(), ..Settings::default() };
    assert_eq!(store.regroup_frames(&m, &settings, to, None, |_, _| {}, NOW).await.unwrap(), 10);
    assert_eq!(store.regroup_frames(&m, &settings, to, None, |_, _| {}, NOW).await.unwrap(), 0, "twice is once");
    for year in [YEAR - 1, YEAR] {
        let counts = store.frame_counts(&m, year).await.unwrap();
        assert!(counts.iter().all(|c| c.sector == "all"), "{year}");
    }
    assert_eq!(store.municipality(&m).await.unwrap().settings.grouping, "htk");
    assert_eq!(store.regroup_obstacles(&m).await.unwrap().own_sectors, 0);
    store.exclude_frame_unit(&m, (YEAR, out), None, None, NOW).await.unwrap();
    assert_eq!(
        store.frame_unit(&m, YEAR, out).await.unwrap().row.unit.sector,
        "all",
        "taken in again, it is there too"
    );
}

on_both!(
    an_extract_waits_is_kept_and_is_taken_back,
    what_nobody_decides_on_is_forgotten,
    a_difference_names_new_gone_moved_and_recoded,
    a_correction_holds_as_long_as_the_register_says_the_same,
    a_frame_in_use_is_neither_corrected_nor_taken_back,
    other_sectors_reach_every_year_and_end_what_was_chosen_by_hand,
);
