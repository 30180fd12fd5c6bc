//! Over real bounces where they are at hand, and over whatever bytes there may be.
use std::path::PathBuf;

use super::*;

fn samples() -> Option<(PathBuf, Vec<csv::StringRecord>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference/bounces");
    let mut reader = csv::Reader::from_path(folder.join("manifest.csv")).ok().or_else(|| {
        println!("skipped: the reference bounces are not here");
        None
    })?;
    Some((folder, reader.records().map(Result::unwrap).collect()))
}

fn sorted(addresses: &str) -> Vec<String> {
    let mut all: Vec<String> = addresses.split(';').filter(|a| !a.is_empty()).map(str::to_lowercase).collect();
    all.sort();
    all
}

#[test]
fn real_bounces_are_understood_and_no_living_address_is_called_dead() {
    let Some((folder, records)) = samples() else { return };
    let (mut firm, mut right, mut hard, mut found) = (0u32, 0u32, 0u32, 0u32);
    let mut wrong = Vec::new();
    let mut false_hard = Vec::new();
    for record in &records {
        let (file, recipients, kind, hard_label, source) = (&record[0], &record[1], &record[2], &record[3], &record[7]);
        if source != "p5-sisimai t/ table" {
            continue;
        }
        let bounce = classify(&std::fs::read(folder.join(file)).unwrap());
        firm += 1;
        // A delivery report is no bounce, and one message can be about several recipients of several kinds.
        let kind_right = match kind {
            "delivered" => bounce.kind == Kind::None,
            "mixed" => bounce.kind == Kind::Permanent,
            kind => bounce.kind.as_str() == kind,
        };
        let row = bounce.row();
        if kind_right && (kind == "delivered" || sorted(&row[0]) == sorted(recipients)) {
            right += 1;
        } else {
            wrong.push(format!("{file}: {row:?}, expected {recipients} {kind} {}", &record[4]));
        }
        let labels: Vec<(String, bool)> = recipients.split(';').zip(hard_label.split(';')).map(|(a, h)| (a.to_lowercase(), h == "1")).collect();
        hard += labels.iter().filter(|(_, h)| *h).count() as u32;
        for returned in bounce.recipients.iter().filter(|r| r.hard) {
            if labels.contains(&(returned.address.to_lowercase(), true)) {
                found += 1;
            } else {
                false_hard.push(format!("{file}: {row:?}, expected {} {}", &record[4], &record[6]));
            }
        }
    }
    println!("{right} of {firm} right, {found} of {hard} dead addresses found\n{}\nfalse hard:\n{}", wrong.join("\n"), false_hard.join("\n"));
    assert!(false_hard.is_empty(), "called dead: {false_hard:#?}");
    assert!(f64::from(right) >= 0.95 * f64::from(firm), "{right} of {firm}: {wrong:#?}");
}
