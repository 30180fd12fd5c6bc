//! `pejling themes`: comments in; suggested themes and redacted texts out; and from confirmed codes how many raise each theme.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use domain::insight::ThemePart;
use domain::language::Language;

use crate::coding::{Codebook, Suggestion};
use crate::error::AnalyseError;
use crate::options::Method;
use crate::output::{NOT_FOR_PUBLICATION, figures_csv, put, quoted};
use crate::prevalence::{Coding, Comment, SURVEY, prevalence};
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
    /// Confirmed codes: `id,coder,version,theme`, a row per theme; an empty theme: read, and nothing of the codebook is raised. With the
    /// frame and the responses they give `prevalence.csv`, `prevalence_changes.csv` and `prevalence.json`.
    pub codes: Option<PathBuf>,
    /// The responses, which say who was asked.
    pub responses: Option<PathBuf>,
    /// How the shares are weighted.
    pub method: Method,
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
    let codebook = codebook(options)?;
    let coded = coded(options, &codebook)?;
    let shares = match &options.codes {
        Some(codes) => Some(shares(options, codes, &codebook)?),
        None => None,
    };
    write(&coded, shares.as_ref(), &options.out)?;
    Ok(coded)
}

fn codebook(options: &ThemesOptions) -> Result<Codebook, AnalyseError> {
    Ok(match &options.codebook {
        None => Codebook::shipped(),
        Some(path) => {
            let file = path.display().to_string();
            let unreadable = |problem: String| AnalyseError::Unreadable { file: file.clone(), problem };
            let text = std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
            Codebook::parse(&file, &text).map_err(|e| AnalyseError::Codebook(e.to_string()))?
        }
    })
}

/// Confirmed codes as shares of everybody asked.
fn shares(options: &ThemesOptions, codes: &Path, codebook: &Codebook) -> Result<Option<ThemePart>, AnalyseError> {
    let (Some(frame), Some(responses)) = (&options.frame, &options.responses) else {
        let problem = "needs --frame and --responses too: a share is of everybody asked, not of those who wrote";
        return Err(AnalyseError::Option { option: "codes", problem: problem.to_owned() });
    };
    let frame = Table::read(frame, |_| true)?;
    let responses = Table::read(responses, |_| true)?;
    let table = Table::read(&options.comments, |_| true)?;
    let cells = |table: &Table, column: &str| -> Result<Vec<String>, AnalyseError> {
        Ok(table.text(column)?.iter().map(|c| c.unwrap_or_default().trim().to_owned()).collect())
    };
    let answered: BTreeSet<(String, String)> =
        cells(&responses, "year")?.into_iter().zip(cells(&responses, "business_id")?).collect();
    let (ids, texts) = (cells(&table, "id")?, cells(&table, "text")?);
    let (years, businesses) = (cells(&table, "year")?, cells(&table, "business_id")?);
    let sources = if table.has("source") { cells(&table, "source")? } else { vec![String::new(); ids.len()] };
    let mut comments = Vec::new();
    for (row, (id, text)) in ids.into_iter().zip(texts).enumerate() {
        let source = if sources[row].is_empty() { SURVEY.to_owned() } else { sources[row].clone() };
        let Ok(year) = years[row].parse::<i32>() else {
            return Err(table.fault(row, "year", format!("\"{}\" is not a year", years[row])));
        };
        if source == SURVEY && !answered.contains(&(years[row].clone(), businesses[row].clone())) {
            let problem = format!("this business has no answer in {year} ({})", responses.name());
            return Err(table.fault(row, "business_id", problem));
        }
        if !text.is_empty() {
            comments.push(Comment { id, year, business: businesses[row].clone(), source });
        }
    }
    let codings = codings(&Table::read(codes, |_| true)?, &comments, codebook)?;
    prevalence(&frame, &responses, codebook, &comments, &codings, &options.method)
}

fn codings(table: &Table, comments: &[Comment], codebook: &Codebook) -> Result<Vec<Coding>, AnalyseError> {
    let known: BTreeSet<&str> = comments.iter().map(|c| c.id.as_str()).collect();
    let (ids, coders) = (table.text("id")?, table.text("coder")?);
    let (versions, themes) = (table.text("version")?, table.text("theme")?);
    let mut codings: BTreeMap<(String, String, u32), Vec<String>> = BTreeMap::new();
    for row in 0..table.height() {
        let cell = |column: &polars::prelude::StringChunked| column.get(row).unwrap_or_default().trim().to_owned();
        let (id, coder, version, theme) = (cell(&ids), cell(&coders), cell(&versions), cell(&themes));
        if !known.contains(id.as_str()) {
            return Err(table.fault(row, "id", "there is no such comment, or it has no text"));
        }
        let Ok(version) = version.parse::<u32>() else {
            return Err(table.fault(row, "version", format!("\"{version}\" is not a version of the codebook")));
        };
        if version == codebook.version && !theme.is_empty() && codebook.themes.iter().all(|t| t.key != theme) {
            return Err(table.fault(row, "theme", format!("\"{theme}\" is not in the codebook")));
        }
        let list = codings.entry((id, coder, version)).or_default();
        if !theme.is_empty() {
            list.push(theme);
        }
    }
    let coding = |((comment, coder, version), themes)| Coding { comment, coder, version, themes };
    Ok(codings.into_iter().map(coding).collect())
}

fn coded(options: &ThemesOptions, codebook: &Codebook) -> Result<Vec<Coded>, AnalyseError> {
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
        coded.push(code(codebook, id, language, texts.get(row).unwrap_or_default(), writer));
    }
    coded.sort_by(|a, b| crate::codes::natural(&a.id, &b.id));
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

fn write(coded: &[Coded], shares: Option<&Option<ThemePart>>, folder: &Path) -> Result<(), AnalyseError> {
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
    let mut files = vec![("themes.csv", themes), ("redacted.csv", redacted)];
    if let Some(shares) = shares {
        let (estimates, changes) = shares.as_ref().map_or((&[][..], &[][..]), |p| (&p.shares[..], &p.changes[..]));
        let [estimates, changes] = figures_csv(estimates, changes).map(|csv| csv.replacen("indicator", "theme", 1));
        files.extend([("prevalence.csv", estimates), ("prevalence_changes.csv", changes)]);
        let whole = serde_json::json!({ "note": NOT_FOR_PUBLICATION, "themes": shares });
        files.push(("prevalence.json", format!("{whole:#}\n")));
    }
    let files: Vec<_> = files.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect();
    put(folder, &files)
}
