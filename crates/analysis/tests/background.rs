//! Suggested themes against codes by hand on texts that were not written for the codebook: policies and agreements of municipalities.
//!
//! `data/background.csv` holds no text: file, number and hash of every third sentence, and its codes. One person coded them, once, before
//! the matcher was run on them. The sentences are read from beside the workspace.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use analysis::coding::Codebook;
use domain::language::Language;
use sha2::{Digest, Sha256};

/// Paragraphs with their line breaks taken out, cut after `.`, `!` and `?` before a blank; forty letters or more.
fn sentences(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = vec![String::new()];
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let last = paragraphs.len() - 1;
        if words.is_empty() {
            paragraphs.push(String::new());
        } else {
            if !paragraphs[last].is_empty() {
                paragraphs[last].push(' ');
            }
            paragraphs[last].push_str(&words.join(" "));
        }
    }
    let mut all = Vec::new();
    for paragraph in paragraphs {
        let letters: Vec<char> = paragraph.chars().collect();
        let mut sentence = String::new();
        for (at, letter) in letters.iter().enumerate() {
            sentence.push(*letter);
            if matches!(letter, '.' | '!' | '?') && letters.get(at + 1).is_none_or(|next| *next == ' ') {
                all.push(std::mem::take(&mut sentence).trim().to_owned());
            }
        }
        all.push(sentence.trim().to_owned());
    }
    all.retain(|s| s.chars().count() >= 40);
    all
}

#[test]
fn policy_texts_are_suggested_what_a_person_coded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/background");
    if !folder.is_dir() {
        println!("skipped: no background texts in {}", folder.display());
        return;
    }
    let codebook = Codebook::shipped();
    let mut texts: HashMap<String, Vec<String>> = HashMap::new();
    let (mut right, mut suggested, mut coded, mut read) = (0.0, 0.0, 0.0, 0);
    for row in csv::Reader::from_path("tests/data/background.csv").unwrap().records().map(Result::unwrap) {
        let (file, number): (&str, usize) = (&row[0], row[1].parse().unwrap());
        let text = texts
            .entry(file.to_owned())
            .or_insert_with(|| sentences(&std::fs::read_to_string(folder.join(file)).unwrap_or_default()));
        // Another edition of a text is left out, not coded by its number.
        let hash = |s: &String| Sha256::digest(s).iter().take(6).map(|b| format!("{b:02x}")).collect::<String>();
        let Some(sentence) = text.get(number).filter(|s| hash(s) == row[2]) else { continue };
        let language = if file.starts_with("004") { Language::Sv } else { Language::Da };
        let by_hand: BTreeSet<String> = row[3].split_whitespace().map(str::to_owned).collect();
        let found: BTreeSet<String> = codebook.suggest(Some(language), sentence).into_iter().map(|s| s.theme).collect();
        right += by_hand.intersection(&found).count() as f64;
        suggested += found.len() as f64;
        coded += by_hand.len() as f64;
        read += 1;
    }
    let (precision, recall) = (right / suggested, right / coded);
    println!("{read} sentences, {coded} codes: precision {precision:.2}, recall {recall:.2}");
    assert_eq!(read, 108, "every sentence is found by its number and hash");
    // Two points below what was measured (docs/METHOD.md): a term that is lost shows.
    assert!(precision >= MEASURED[0] - 0.02 && recall >= MEASURED[1] - 0.02, "{precision:.2} {recall:.2}");
}

/// Precision and recall as measured.
const MEASURED: [f64; 2] = [0.67, 0.74];
