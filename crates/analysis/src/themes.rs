//! `pejling themes`: comments in; suggested themes and redacted texts out.
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use domain::language::Language;

use crate::coding::{Codebook, Suggestion};
use crate::error::AnalyseError;
use crate::output::{put, quoted};
use crate::redact::{Known, Redacted, redact};
use crate::table::Table;

/// What `pejling themes` is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThemesOptions {
    /// The comments: `id,year,business_id,language,text`.
    pub comments: PathBuf,
    /// The codebook; the shipped one when `None`.
    pub codebook: Option<PathBuf>,
    /// Folder that receives `themes.csv` and `redacted.csv`.
    pub out: PathBuf,
    /// The frame, whose optional columns `name`, `owner` and `street` (or `business_name`, `owner_name`, `address`, …) tell which business wrote a comment.
    pub frame: Option<PathBuf>,
}

/// A comment with its personal data covered and its suggested themes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// Id of the comment.
    pub id: String,
    /// The text with marks.
    pub redacted: Redacted,
    /// Themes suggested by what is left of it.
    pub suggestions: Vec<Suggestion>,
}

/// Covers and codes one comment. Themes are looked for in the covered text, so that no term shown can be a name.
#[must_use]
pub fn code(codebook: &Codebook, id: &str, language: Option<Language>, text: &str, known: &Known) -> Coded {
    let redacted = redact(text, language, known);
    let suggestions = codebook.suggest(language, &redacted.text);
    Coded { id: id.to_owned(), redacted, suggestions }
}

/// Reads, covers and codes the comments and writes both files.
///
/// # Errors
/// The first fault with file, line and column; nothing is written then. No message holds any of a comment's text.
pub fn themes(options: &ThemesOptions) -> Result<Vec<Coded>, AnalyseError> {
    let coded = coded(options)?;
    write(&coded, &options.out)?;
    Ok(coded)
}

fn coded(options: &ThemesOptions) -> Result<Vec<Coded>, AnalyseError> {
    let codebook = match &options.codebook {
        None => Codebook::shipped(),
        Some(path) => {
            let file = path.display().to_string();
            let unreadable = |problem: String| AnalyseError::Unreadable { file: file.clone(), problem };
            let text = std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
            Codebook::parse(&file, &text).map_err(|e| AnalyseError::Codebook(e.to_string()))?
        }
    };
    let known = options.frame.as_deref().map(known).transpose()?;
    let comments = Table::read(&options.comments, |_| true)?;
    let (ids, texts) = (comments.text("id")?, comments.text("text")?);
    let (years, businesses) = (comments.text("year")?, comments.text("business_id")?);
    let languages = comments.text("language")?;
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut coded = Vec::with_capacity(ids.len());
    for row in 0..comments.height() {
        let cell =
            |column: &polars::prelude::StringChunked| column.get(row).map(|c| c.trim().to_owned()).unwrap_or_default();
        let id = ids.get(row).map(str::trim).filter(|id| !id.is_empty());
        let Some(id) = id else { return Err(comments.fault(row, "id", "is empty")) };
        if let Some(before) = first.insert(id, row) {
            return Err(comments.fault(row, "id", format!("stands twice (first in line {})", comments.line(before))));
        }
        let language = match cell(&languages).as_str() {
            "" => None,
            tag => match Language::parse(tag) {
                Some(language) => Some(language),
                None => return Err(comments.fault(row, "language", format!("\"{tag}\" is not one of da, sv, en"))),
            },
        };
        let nobody = Known::default();
        let (year, business) = (cell(&years), cell(&businesses));
        let writer = match &known {
            None => &nobody,
            Some(known) => match known.get(&(year.clone(), business)) {
                Some(known) => known,
                None => {
                    let problem = format!("this business is not in the frame of {year}");
                    return Err(comments.fault(row, "business_id", problem));
                }
            },
        };
        coded.push(code(&codebook, id, language, texts.get(row).unwrap_or_default(), writer));
    }
    coded.sort_by(|a, b| crate::input::natural(&a.id, &b.id));
    Ok(coded)
}

/// Columns of a frame that tell which business wrote a comment: the first of each row that is there.
const TELLING: [&[&str]; 3] = [
    &["name", "business_name", "company_name"],
    &["owner", "owner_name", "contact_name"],
    &["street", "address", "street_name"],
];

/// What the frame says of every business, by year and business.
fn known(path: &Path) -> Result<BTreeMap<(String, String), Known>, AnalyseError> {
    let keys = ["year", "business_id"];
    let frame = Table::read(path, |c| keys.contains(&c) || TELLING.iter().any(|names| names.contains(&c)))?;
    let cells = |name: &str| -> Result<Vec<String>, AnalyseError> {
        Ok(frame.text(name)?.iter().map(|c| c.unwrap_or_default().trim().to_owned()).collect())
    };
    let telling = |names: &[&str]| match names.iter().find(|n| frame.has(n)) {
        Some(name) => cells(name),
        None => Ok(vec![String::new(); frame.height()]),
    };
    let [names, owners, streets] = TELLING.map(telling);
    let rows = cells("year")?.into_iter().zip(cells("business_id")?).zip(names?).zip(owners?).zip(streets?);
    Ok(rows.map(|((((year, id), name), owner), street)| ((year, id), Known { name, owner, street })).collect())
}

fn write(coded: &[Coded], folder: &Path) -> Result<(), AnalyseError> {
    let mut themes = String::from("id,theme,terms\n");
    let mut redacted = String::from("id,text,found\n");
    for comment in coded {
        let id = quoted(&comment.id);
        for suggestion in &comment.suggestions {
            themes.push_str(&format!("{id},{},{}\n", suggestion.theme, quoted(&suggestion.terms.join("; "))));
        }
        let found: Vec<&str> = comment.redacted.found.iter().map(|f| f.word()).collect();
        redacted.push_str(&format!("{id},{},{}\n", quoted(&comment.redacted.text), found.join(" ")));
    }
    let files = [("themes.csv", themes), ("redacted.csv", redacted)];
    put(folder, &files.map(|(name, text)| (name.to_owned(), text.into_bytes())))
}
