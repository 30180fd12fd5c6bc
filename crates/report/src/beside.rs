//! Two municipalities beside each other as a paper of four pages: two in each of two languages.
use std::collections::HashMap;

use domain::language::Language;
use domain::packages::{Package, compare};
use serde::Serialize;
use text::Messages;
use text::messages::Arg;
use text::neighbours::{Beside, PairLine, beside, examples};

use crate::paper::{self, PaperError};

/// The template, typst source.
const TEMPLATE: &str = include_str!("../../../templates/report/beside.typ");
/// Pages of the paper.
const PAGES: usize = 4;

#[derive(Serialize)]
struct Content {
    title: String,
    author: String,
    colour: String,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    lang: &'static str,
    title: String,
    lead: String,
    sentences: Vec<String>,
    sections: Vec<Section>,
}

#[derive(Serialize, Default)]
struct Section {
    title: String,
    paragraphs: Vec<String>,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    items: Vec<String>,
}

/// Sets two packages beside each other in two languages, as a tagged PDF of at most four pages.
///
/// # Errors
/// [`PaperError::Typesetting`] when it cannot be set, or not on four pages.
pub fn comparison(
    messages: &Messages,
    own: &Package,
    other: &Package,
    languages: [Language; 2],
    colour: &str,
) -> Result<Vec<u8>, PaperError> {
    let compared = compare(own, other);
    // Sectors and initiatives are many in some municipalities: what is listed is cut until the paper has its pages.
    for (sectors, items) in [(2, 8), (1, 8), (1, 4), (1, 2), (0, 0)] {
        let part = |language| {
            let told = beside(messages, language, own, other, &compared);
            Clerk { messages, language, own, other }.part(told, sectors, items)
        };
        let content = Content {
            title: format!("{} – {}", own.head.municipality, other.head.municipality),
            author: own.head.municipality.clone(),
            colour: colour.to_owned(),
            parts: languages.into_iter().map(part).collect(),
        };
        let json = serde_json::to_vec(&content).map_err(|e| PaperError::Typesetting(e.to_string()))?;
        let (pages, pdf) = paper::pages(TEMPLATE, HashMap::from([("content.json".to_owned(), json)]))?;
        if pages <= PAGES {
            return Ok(pdf);
        }
    }
    Err(PaperError::Typesetting("the comparison does not fit on four pages".to_owned()))
}

struct Clerk<'a> {
    messages: &'a Messages,
    language: Language,
    own: &'a Package,
    other: &'a Package,
}

impl Clerk<'_> {
    fn say(&self, key: &str) -> String {
        let name = |package: &Package| Arg::from(package.head.municipality.as_str());
        let names = [("own", name(self.own)), ("other", name(self.other))];
        self.messages.t(self.language, &format!("papers.{key}"), &names)
    }

    fn head(&self, first: String) -> Vec<String> {
        let names = [&self.own.head.municipality, &self.other.head.municipality].map(Clone::clone);
        let [own, other] = names;
        vec![first, own, other, self.say("beside_difference"), self.say("verdict")]
    }

    fn part(&self, told: Beside, sectors: usize, items: usize) -> Part {
        let indicator = self.messages.t(self.language, "committee.indicator", &[]);
        let mut sections = vec![Section {
            title: self.say("beside_all"),
            paragraphs: if told.totals.is_empty() { vec![self.say("beside_none")] } else { Vec::new() },
            head: self.head(indicator),
            rows: told.totals.into_iter().map(cells).collect(),
            ..Section::default()
        }];
        if !told.no_sectors.is_empty() {
            let paragraphs = vec![told.no_sectors];
            sections.push(Section { title: self.say("beside_sectors"), paragraphs, ..Section::default() });
        }
        sections.extend(told.sectors.into_iter().take(sectors).map(|part| Section {
            title: part.title,
            head: self.head(self.say("beside_sector")),
            rows: part.rows.into_iter().map(cells).collect(),
            ..Section::default()
        }));
        if !told.apart.is_empty() {
            let left_out = told.apart.into_iter().take(items.max(4) * 2);
            let lines: Vec<String> = left_out.map(|a| format!("{}: {}", a.title, a.reason)).collect();
            sections.push(Section { title: self.say("beside_apart"), items: lines, ..Section::default() });
        }
        for package in [self.own, self.other] {
            let name = Arg::from(package.head.municipality.as_str());
            let shown = examples(self.messages, self.language, package).into_iter().take(items);
            let lines: Vec<String> = shown.map(|e| format!("{} ({})", e.title, e.state)).collect();
            if !lines.is_empty() {
                let title = self.messages.t(self.language, "papers.beside_examples", &[("other", name)]);
                sections.push(Section { title, items: lines, ..Section::default() });
            }
        }
        let method = vec![self.say("beside_method")];
        let title = self.messages.t(self.language, "report.method_title", &[]);
        sections.push(Section { title, paragraphs: method, ..Section::default() });
        Part {
            lang: self.language.tag(),
            title: self.say("beside_title"),
            lead: self.say("beside_lead"),
            sentences: told.sentences,
            sections,
        }
    }
}

fn cells(line: PairLine) -> Vec<String> {
    vec![line.title, line.own, line.other, line.difference, line.verdict]
}
