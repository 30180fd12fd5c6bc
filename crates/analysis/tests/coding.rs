//! How well the suggested themes agree with a hand-coded sample. Prints precision and recall; the bounds keep a change of terms honest.
use std::collections::BTreeSet;

use analysis::coding::Codebook;
use domain::language::Language;

const SAMPLE: &str = include_str!("data/coded_comments.csv");

#[derive(Default)]
struct Count {
    both: u32,
    suggested: u32,
    coded: u32,
}

impl Count {
    fn add(&mut self, suggested: &BTreeSet<String>, coded: &BTreeSet<String>) {
        let size = |n: usize| u32::try_from(n).unwrap();
        self.both += size(suggested.intersection(coded).count());
        self.suggested += size(suggested.len());
        self.coded += size(coded.len());
    }

    fn precision(&self) -> f64 {
        f64::from(self.both) / f64::from(self.suggested)
    }

    fn recall(&self) -> f64 {
        f64::from(self.both) / f64::from(self.coded)
    }
}

#[test]
fn suggested_themes_agree_with_the_hand_coded_sample() {
    let codebook = Codebook::shipped();
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(SAMPLE.as_bytes());
    let (mut looked_at, mut unseen) = (Count::default(), Count::default());
    let mut by_language = [Count::default(), Count::default(), Count::default()];
    let mut rows = 0;
    for record in reader.records() {
        let record = record.unwrap();
        let id: u32 = record[0].parse().unwrap();
        let language = Language::parse(&record[1]).unwrap();
        let coded: BTreeSet<String> = record[2].split_whitespace().map(str::to_owned).collect();
        for theme in &coded {
            assert!(codebook.themes.iter().any(|t| t.key == *theme), "{id}: {theme} is no theme");
        }
        let suggested = codebook.suggest(Some(language), &record[3]).into_iter().map(|s| s.theme).collect();
        if id % 2 == 1 {
            looked_at.add(&suggested, &coded);
            // Misses of the unseen half are never printed: terms must not be fitted to them.
            let missed: Vec<_> = coded.difference(&suggested).collect();
            let wrong: Vec<_> = suggested.difference(&coded).collect();
            if !missed.is_empty() || !wrong.is_empty() {
                println!("{id}: missed {missed:?}, suggested besides {wrong:?}: {}", &record[3]);
            }
        } else {
            unseen.add(&suggested, &coded);
        }
        by_language[Language::ALL.iter().position(|l| *l == language).unwrap()].add(&suggested, &coded);
        rows += 1;
    }
    assert!(rows >= 200, "{rows} comments");
    let report = |name: &str, count: &Count| {
        println!(
            "{name}: precision {:.2}, recall {:.2} ({} coded themes)",
            count.precision(),
            count.recall(),
            count.coded
        );
    };
    report("looked at", &looked_at);
    report("not looked at", &unseen);
    for (language, count) in Language::ALL.iter().zip(&by_language) {
        report(language.tag(), count);
    }
    for count in [&looked_at, &unseen] {
        assert!(count.precision() >= 0.75, "precision {:.3}", count.precision());
        assert!(count.recall() >= 0.75, "recall {:.3}", count.recall());
    }
}
