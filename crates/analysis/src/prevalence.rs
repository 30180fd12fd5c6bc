//! How many businesses raise each theme: weighted shares of confirmed codes, with interval and change.
//!
//! A theme is a share like any other: 1 for a business whose comment a person gave this theme, 0 for everybody else who was asked, whether
//! they wrote or not. So its estimate, interval and change are those of the engine, overlap included. What is special to codes lies here:
//! one codebook version, a year only when all its comments are confirmed, one coder's codes, and agreement where there are two.
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use domain::indicator::Definitions;
use domain::insight::{ThemeInfo, ThemePart, ThemeYear, WITH_COMMENT};
use domain::results::{ChangeRow, Estimate, EstimateRow, State, Verdict};
use statistics::reliability::{LEAST_AGREEMENT, krippendorff_alpha};

use crate::analyse::analyse_rows;
use crate::coding::Codebook;
use crate::error::AnalyseError;
use crate::options::Method;
use crate::table::Table;

/// The source whose shares are of all asked.
pub const SURVEY: &str = "survey";
/// Fewer businesses with a comment than this, and nothing is broken down by theme.
const FEWEST_COMMENTING: usize = 10;

/// An open answer: who wrote it, and where. Its text is not needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Id, as the codes name it. The copies of a reply that stands for several workplaces share one id.
    pub id: String,
    /// Year.
    pub year: i32,
    /// Business, as in the frame and the responses.
    pub business: String,
    /// [`SURVEY`], or a workshop, visit, summit, case: never mixed in one share.
    pub source: String,
}

/// What one coder confirmed of one comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coding {
    /// Id of the comment.
    pub comment: String,
    /// Who confirmed.
    pub coder: String,
    /// Under which version of the codebook.
    pub version: u32,
    /// The themes; none: nothing of the codebook is raised.
    pub themes: Vec<String>,
}

/// Shares of themes among the businesses that answered, from confirmed codes. `None` when there is no comment.
///
/// # Errors
/// When the answers cannot be weighted to the frame.
pub fn prevalence(
    frame: &Table,
    responses: &Table,
    codebook: &Codebook,
    comments: &[Comment],
    codings: &[Coding],
    method: &Method,
) -> Result<Option<ThemePart>, AnalyseError> {
    let comments: Vec<&Comment> = comments.iter().filter(|c| c.source == SURVEY).collect();
    if comments.is_empty() {
        return Ok(None);
    }
    let asked = asked(frame, responses)?;
    let codings: Vec<&Coding> = codings.iter().filter(|c| c.version == codebook.version).collect();
    let chosen = chosen(&codings);
    let years = years(&asked, &comments, &chosen);
    let themes = agreement(codebook, &codings);
    let complete: Vec<i32> = years.iter().filter(|y| y.is_complete()).map(|y| y.year).collect();
    let mut part = ThemePart {
        codebook_version: codebook.version,
        source: SURVEY.to_owned(),
        themes,
        years,
        shares: Vec::new(),
        changes: Vec::new(),
    };
    let responded: Vec<(i32, String)> = asked.into_iter().filter(|(year, _)| complete.contains(year)).collect();
    if responded.is_empty() {
        return Ok(Some(part));
    }
    let raised = raised(&comments, &chosen);
    let published: Vec<&str> = part.themes.iter().filter(|t| !t.disagreed).map(|t| t.key.as_str()).collect();
    let report = shares(frame, &responded, &raised, &published, method)?;
    let few = few(&responded, &raised, &published, u64::from(method.min_n));
    for row in report.0 {
        let hidden = few.contains(&(row.indicator.clone(), row.year));
        part.shares.push(if hidden { withheld(row) } else { row });
    }
    for row in report.1 {
        let hidden = [row.year_from, row.year_to].iter().any(|y| few.contains(&(row.indicator.clone(), *y)));
        part.changes.push(if hidden { unsaid(row) } else { row });
    }
    Ok(Some(part))
}

/// Who was asked: every response that counts. A file's row without any answer does not, as in `analyse`.
fn asked(frame: &Table, responses: &Table) -> Result<Vec<(i32, String)>, AnalyseError> {
    let (years, ids) = (responses.text("year")?, responses.text("business_id")?);
    let mut counts = vec![responses.is_of_answers(); responses.height()];
    if !responses.is_of_answers() {
        let keys = ["year", "business_id", "sector", "size"];
        for column in responses.columns().filter(|c| !keys.contains(c) && !frame.has(c)) {
            for (counts, cell) in counts.iter_mut().zip(responses.text(column)?.iter()) {
                *counts = *counts || cell.is_some_and(|c| !c.trim().is_empty());
            }
        }
    }
    let mut asked = Vec::with_capacity(counts.len());
    for (row, counts) in counts.into_iter().enumerate() {
        let year = years.get(row).unwrap_or_default().trim();
        let Ok(year) = year.parse::<i32>() else {
            return Err(responses.fault(row, "year", format!("\"{year}\" is not a year")));
        };
        if counts {
            asked.push((year, ids.get(row).unwrap_or_default().trim().to_owned()));
        }
    }
    Ok(asked)
}

/// One coding per comment: that of the coder with most comments, so that one person's eye goes through the whole series.
fn chosen<'c>(codings: &[&'c Coding]) -> HashMap<&'c str, &'c Coding> {
    let mut done: BTreeMap<&str, usize> = BTreeMap::new();
    codings.iter().for_each(|c| *done.entry(c.coder.as_str()).or_default() += 1);
    let rank = |c: &Coding| (std::cmp::Reverse(done.get(c.coder.as_str()).copied().unwrap_or(0)), c.coder.clone());
    let mut chosen: HashMap<&str, &Coding> = HashMap::new();
    for coding in codings {
        let best = chosen.entry(coding.comment.as_str()).or_insert(coding);
        if rank(coding) < rank(best) {
            *best = coding;
        }
    }
    chosen
}

fn years(asked: &[(i32, String)], comments: &[&Comment], chosen: &HashMap<&str, &Coding>) -> Vec<ThemeYear> {
    let all: BTreeSet<i32> = asked.iter().map(|(year, _)| *year).collect();
    all.into_iter()
        .map(|year| {
            let own = || comments.iter().filter(move |c| c.year == year);
            let ids: HashSet<&str> = own().map(|c| c.id.as_str()).collect();
            let businesses: HashSet<&str> = own().map(|c| c.business.as_str()).collect();
            ThemeYear {
                year,
                asked: asked.iter().filter(|(y, _)| *y == year).count() as u64,
                commenting: businesses.len() as u64,
                comments: ids.len() as u64,
                confirmed: ids.iter().filter(|id| chosen.contains_key(*id)).count() as u64,
            }
        })
        .collect()
}

/// Krippendorff's alpha per theme, over the comments that two or more coded.
fn agreement(codebook: &Codebook, codings: &[&Coding]) -> Vec<ThemeInfo> {
    let mut by_comment: BTreeMap<&str, Vec<&Coding>> = BTreeMap::new();
    codings.iter().for_each(|c| by_comment.entry(c.comment.as_str()).or_default().push(c));
    let twice: Vec<&Vec<&Coding>> = by_comment.values().filter(|list| list.len() > 1).collect();
    codebook
        .themes
        .iter()
        .map(|theme| {
            let code = |c: &&Coding| u32::from(c.themes.contains(&theme.key));
            let units: Vec<Vec<u32>> = twice.iter().map(|list| list.iter().map(code).collect()).collect();
            let alpha = krippendorff_alpha(&units);
            ThemeInfo {
                key: theme.key.clone(),
                title: theme.title.clone(),
                alpha,
                coded_twice: units.len() as u64,
                disagreed: alpha.is_some_and(|a| a < LEAST_AGREEMENT),
            }
        })
        .collect()
}

/// Themes per year and business: a business raises what any of its comments raises.
type Raised<'c> = BTreeMap<(i32, &'c str), BTreeSet<&'c str>>;

fn raised<'c>(comments: &[&'c Comment], chosen: &HashMap<&str, &'c Coding>) -> Raised<'c> {
    let mut raised: Raised<'c> = BTreeMap::new();
    for comment in comments {
        let themes = raised.entry((comment.year, comment.business.as_str())).or_default();
        themes.insert(WITH_COMMENT);
        if let Some(coding) = chosen.get(comment.id.as_str()) {
            themes.extend(coding.themes.iter().map(String::as_str));
        }
    }
    raised
}

/// Themes raised by so few that they are not shown, and all of a year with few comments. Also a theme that nobody raises: its share would
/// say of every comment what it is not about.
fn few(responded: &[(i32, String)], raised: &Raised<'_>, themes: &[&str], min_n: u64) -> HashSet<(String, i32)> {
    let mut counts: BTreeMap<i32, (usize, BTreeMap<&str, u64>)> = BTreeMap::new();
    for (year, business) in responded {
        let entry = counts.entry(*year).or_default();
        if let Some(themes) = raised.get(&(*year, business.as_str())) {
            entry.0 += 1;
            themes.iter().for_each(|theme| *entry.1.entry(theme).or_default() += 1);
        }
    }
    let mut few = HashSet::new();
    for (year, (commenting, counts)) in counts {
        for key in themes.iter().chain([&WITH_COMMENT]) {
            let mentions = counts.get(key).copied().unwrap_or(0);
            if min_n > 0 && (mentions < min_n || commenting < FEWEST_COMMENTING) {
                few.insert(((*key).to_owned(), year));
            }
        }
    }
    few
}

type Rows = (Vec<EstimateRow>, Vec<ChangeRow>);

/// The engine's shares of the 0/1 answers.
fn shares(
    frame: &Table,
    responded: &[(i32, String)],
    raised: &Raised<'_>,
    themes: &[&str],
    method: &Method,
) -> Result<Rows, AnalyseError> {
    let keys: Vec<&str> = std::iter::once(WITH_COMMENT).chain(themes.iter().copied()).collect();
    // All themes are headlines, so that their changes are one family of comparisons; the share with a comment is none of them.
    let indicator = |key: &&str| {
        format!(
            "[[indicator]]\nid = \"{key}\"\nkind = \"share\"\nitem = \"theme_{key}\"\nvalues = [1]\nbetter = \"none\"\nheadline = {}\n",
            *key != WITH_COMMENT
        )
    };
    let definitions = Definitions::parse("themes", &keys.iter().map(indicator).collect::<String>())?;
    let answers = responded.iter().flat_map(|(year, business)| {
        let own = raised.get(&(*year, business.as_str()));
        keys.iter().map(move |key| {
            let value = if own.is_some_and(|themes| themes.contains(key)) { "1" } else { "0" };
            (*year, business.clone(), format!("theme_{key}"), value.to_owned())
        })
    });
    let table = Table::from_answers("themes", responded.to_vec(), answers)?;
    let method = Method { by: Vec::new(), ..method.clone() };
    let report = analyse_rows(frame, &table, &definitions, &method)?.report;
    Ok((report.estimates, report.changes))
}

fn withheld(row: EstimateRow) -> EstimateRow {
    let estimate = Estimate { value: None, se: None, df: None, interval: None, deff: None, ..row.estimate };
    EstimateRow { estimate, state: State::Hidden, ..row }
}

fn unsaid(row: ChangeRow) -> ChangeRow {
    ChangeRow {
        change: None,
        se: None,
        df: None,
        interval: None,
        p_value: None,
        p_adjusted: None,
        detectable: None,
        verdict: Verdict::Hidden,
        ..row
    }
}
