//! From closed rounds to a frozen publication, and from a publication to its paper.
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use analysis::coding::Codebook;
use analysis::fieldwork::{self, Fieldwork, Variable};
use analysis::prevalence::{Coding, Comment, SURVEY, prevalence};
use analysis::{Analysis, Fpc, Method, Scored, Table};
use anyhow::{Context, Result, bail, ensure};
use domain::calls::Disposition;
use domain::fieldwork::{Mode, ResponseStatus};
use domain::goals;
use domain::indicator::Definitions;
use domain::initiatives::Standing;
use domain::insight::OutcomeCounts;
use domain::language::{Country, Language, Texts};
use domain::municipality::Municipality;
use domain::packages::{Edition, Package};
use domain::publishing::{self, Choice, Kept, Mark, Marks};
use domain::questionnaire::{ColumnKind, Questionnaire};
use domain::results::Report;
use domain::secrets::Keys;
use domain::size::SizeClasses;
use report::package::SigningKey;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::StoreError;
use store::publishing::{DraftWords, NewDraft};
use store::results::{AnalysisUnit, Publication, PublicationInfo};
use text::Messages;

use crate::commands::round::closed_years;
use crate::wiring::Parts;

/// Fewest answers in a weighting cell of a publication (`statistics.md` § 2).
const MIN_CELL: u32 = 5;
/// Bytes of a seal: enough that no two answers of a municipality share one by chance.
const SEAL: usize = 16;

/// What a publication is to be called.
#[derive(Debug, Clone, Deserialize)]
pub struct Plan {
    /// The year that opens it; must be closed.
    pub year: i32,
    /// Title.
    pub title: String,
    /// The author's remark; may be empty.
    #[serde(default)]
    pub note: String,
}

/// The method of publications: item-wise correction, weighting cells of five, suppression at the municipality's threshold.
///
/// # Errors
/// When the municipality's sector grouping cannot be read.
pub fn method(municipality: &Municipality) -> Result<Method> {
    let own = municipality.settings.own_grouping.is_some();
    let own_sectors = if own { Some(Arc::new(municipality.settings.sectors()?.into_owned())) } else { None };
    Ok(Method {
        own_sectors,
        fpc: Fpc::Item,
        min_cell: MIN_CELL,
        min_n: municipality.settings.threshold,
        sectors: municipality.settings.grouping.clone(),
        sizes: SizeClasses::default_for(municipality.country).key().to_owned(),
        ..Method::default()
    })
}

/// Analyses the closed rounds of a municipality up to `last` (all, when `None`).
///
/// # Errors
/// When no round is closed, or the answers cannot be weighted to the frame.
pub async fn analyse(
    parts: &Parts,
    municipality: &Municipality,
    last: Option<i32>,
    definitions: &Definitions,
    method: Method,
) -> Result<Analysis> {
    let mut years = closed_years(parts, municipality).await?;
    years.retain(|year| last.is_none_or(|last| *year <= last));
    ensure!(!years.is_empty(), "no round is closed yet: figures are made of closed rounds only");
    let units = parts.store.analysis_frame(&municipality.id, &years).await?;
    let responses = parts.store.analysis_responses(&municipality.id, &years).await?;
    let open = open_answers(parts, municipality, &years).await?;
    let mut fieldwork = Fieldwork { outcomes: outcomes(parts, municipality, &years).await?, ..Fieldwork::default() };
    fieldwork.variables = variables(&units);
    let counts = |status| matches!(status, ResponseStatus::Complete | ResponseStatus::Partial);
    let responses: Vec<_> = responses.into_iter().filter(|r| counts(r.status)).collect();
    let sent = responses.iter().filter(|r| r.mode != Mode::Imported);
    fieldwork.submitted = sent.filter_map(|r| Some(((r.year, r.panel.0.clone()), r.submitted_at?.0))).collect();
    let responded = responses.iter().map(|r| (r.year, r.panel.0.clone())).collect();
    let answers = responses.into_iter().flat_map(|r| {
        let (year, panel) = (r.year, r.panel.0);
        r.answers.0.into_iter().map(move |(key, value)| (year, panel.clone(), key, value))
    });
    let frame = frame_table(&units)?;
    let responses = Table::from_answers("responses", responded, answers)?;
    let mut definitions = definitions.clone();
    definitions.mark_breaks(&parts.store.series_breaks(&municipality.id).await?);
    let analysis = tokio::task::spawn_blocking(move || {
        let mut analysis = analysis::analyse_rows(&frame, &responses, &definitions, &method)?;
        let scored = Scored::read(&frame, &responses, &definitions, &method)?;
        fieldwork::account(&mut analysis.report, &scored, &definitions, &fieldwork);
        let codebook = Codebook::shipped();
        let part = prevalence(&frame, &responses, &codebook, &open.comments, &open.codings, &method)?;
        analysis.report.insight.themes = part;
        Ok::<_, analysis::AnalyseError>(analysis)
    });
    match analysis.await.context("the analysis was interrupted")? {
        Err(analysis::AnalyseError::Weights(reason)) => {
            bail!(
                "{reason}. A coarser grouping of sectors (`pejling municipality set --grouping`) lets thin sectors stand together"
            )
        }
        outcome => Ok(outcome?),
    }
}

/// Open answers and their confirmed codes, without any text.
struct OpenAnswers {
    comments: Vec<Comment>,
    codings: Vec<Coding>,
}

async fn open_answers(parts: &Parts, municipality: &Municipality, years: &[i32]) -> Result<OpenAnswers> {
    let mut open = OpenAnswers { comments: Vec::new(), codings: Vec::new() };
    for round in parts.store.rounds(&municipality.id).await?.iter().filter(|r| years.contains(&r.year)) {
        let Some(form) = &round.questionnaire else { continue };
        let questions = open_questions(&parts.store.questionnaire(&municipality.id, form).await?);
        let id = |response: &str, question: &str| format!("{response} {question}");
        let comments = parts.store.comments(&municipality.id, round.year, &questions).await?;
        open.comments.extend(comments.into_iter().map(|c| Comment {
            id: id(c.response.as_str(), &c.question),
            year: round.year,
            business: c.panel.0,
            source: SURVEY.to_owned(),
        }));
        let codes = parts.store.comment_codes(&municipality.id, round.year).await?;
        open.codings.extend(codes.into_iter().map(|c| Coding {
            comment: id(c.response.as_str(), &c.question),
            coder: c.coder,
            version: c.version,
            themes: c.themes,
        }));
    }
    Ok(open)
}

/// Keys of the questions that are answered in own words.
#[must_use]
pub fn open_questions(questionnaire: &Questionnaire) -> Vec<String> {
    let columns = questionnaire.columns().into_iter();
    columns.filter(|c| c.kind == ColumnKind::Open).map(|c| c.key).collect()
}

/// Where every business of the frames ended, by AAPOR's codes. An imported year knows nothing of it.
async fn outcomes(parts: &Parts, municipality: &Municipality, years: &[i32]) -> Result<BTreeMap<i32, OutcomeCounts>> {
    let mut outcomes = BTreeMap::new();
    for round in parts.store.rounds(&municipality.id).await?.iter().filter(|r| years.contains(&r.year)) {
        let mut counts = OutcomeCounts::default();
        for row in parts.store.dispositions(&municipality.id, &round.id).await? {
            let into = match (row.kind, row.code) {
                (Disposition::Interview, "1.1") => &mut counts.complete,
                (Disposition::Interview, _) => &mut counts.partial,
                (Disposition::Refusal, _) => &mut counts.refused,
                (Disposition::NonContact, _) => &mut counts.no_contact,
                (Disposition::Other, _) => &mut counts.other,
                (Disposition::Unknown, _) => &mut counts.unknown,
                (Disposition::Ineligible, _) => &mut counts.ineligible,
            };
            *into += row.count;
        }
        if counts != OutcomeCounts::default() {
            outcomes.insert(round.year, counts);
        }
    }
    Ok(outcomes)
}

/// What the register knows of a business and the weights are not made of: its area and its age.
fn variables(units: &[AnalysisUnit]) -> Vec<Variable> {
    let of = |group: &dyn Fn(&AnalysisUnit) -> Option<String>| {
        let pairs = units.iter().filter_map(|u| Some(((u.year, u.panel.0.clone()), group(u)?)));
        pairs.collect::<HashMap<_, _>>()
    };
    let texts = |da: &str, sv: &str, en: &str| Texts { da: da.into(), sv: sv.into(), en: en.into() };
    let areas: BTreeSet<&String> = units.iter().filter_map(|u| u.area.as_ref()).collect();
    vec![
        Variable {
            name: "area".to_owned(),
            title: texts("Område", "Område", "Area"),
            groups: areas.into_iter().map(|key| (key.clone(), Texts::same(&readable(key)))).collect(),
            of: of(&|u| u.area.clone()),
        },
        Variable {
            name: "age".to_owned(),
            title: texts("Virksomhedens alder", "Företagets ålder", "Age of the business"),
            groups: vec![
                ("0-3".to_owned(), texts("0–3 år", "0–3 år", "0–3 years")),
                ("4+".to_owned(), texts("4 år og derover", "4 år och äldre", "4 years and older")),
            ],
            of: of(&|u| u.age.map(str::to_owned)),
        },
    ]
}

/// A key as a word: areas have no titles of their own.
fn readable(key: &str) -> String {
    let words = key.replace(['_', '-'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn frame_table(units: &[AnalysisUnit]) -> Result<Table> {
    let column = |name: &str, cell: &dyn Fn(&AnalysisUnit) -> String| {
        (name.to_owned(), units.iter().map(cell).collect::<Vec<_>>())
    };
    let employees = |low: Option<u32>, high: Option<u32>| match (low, high) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => format!("{low}-{high}"),
        (Some(low), None) => format!("{low}+"),
        (None, _) => String::new(),
    };
    let columns = vec![
        column("year", &|u| u.year.to_string()),
        column("business_id", &|u| u.panel.0.clone()),
        column("sector", &|u| u.sector.clone()),
        column("size", &|u| u.size.clone()),
        column("company_id", &|u| u.company.clone()),
        column("company_employees", &|u| {
            employees(
                u.company_employees_low.or(Some(u.employees_low)),
                if u.company_employees_low.is_some() { u.company_employees_high } else { u.employees_high },
            )
        }),
    ];
    Ok(Table::from_columns("frame", columns)?)
}

/// Computes what is to be published for a year and keeps it as the year's draft; with `again` unset the figures of the year's
/// latest publication are taken as they were frozen, for a correction of words and choices.
///
/// # Errors
/// As [`analyse`]; also when the year is not closed.
pub async fn draft(parts: &Parts, municipality: &Municipality, plan: &Plan, again: bool) -> Result<Kept> {
    let (store, id) = (&parts.store, &municipality.id);
    let closed = closed_years(parts, municipality).await?;
    ensure!(closed.contains(&plan.year), "the round of {} is not closed: only closed rounds are published", plan.year);
    let now = parts.clock.now();
    // Taken first: whatever changes while figures are made makes the draft out of date.
    let material = store.material(id, plan.year).await?;
    let date = now.date_in(&text::format::zone(&municipality.settings.time_zone)).to_string();
    let standing = store.standing(id, &date, municipality.settings.threshold).await?;
    let latest = store.latest_publication(id, Some(plan.year)).await?;
    let words = |name: &str| {
        let found = latest.as_ref().and_then(|p| p.extra.get(name)).and_then(|words| words.as_str());
        found.unwrap_or_default().to_owned()
    };
    let (foreword, remark) = (words("foreword"), words("remark"));
    let shown = latest.as_ref().map(|p| Choice::all(&p.report));
    let frozen = latest.filter(|_| !again);
    let (whole, marks, kept, mut extra) = match frozen {
        Some(publication) => {
            let basis = store.publication_basis(id, &publication.info.id).await?;
            (basis.whole, basis.marks.unwrap_or_default(), Kept::default(), publication.extra)
        }
        None => {
            let mut definitions = Definitions::shipped();
            goals::apply(&standing.goals, &mut definitions);
            let Analysis { mut report, weighting, notes, .. } =
                analyse(parts, municipality, Some(plan.year), &definitions, method(municipality)?).await?;
            let marks = marks(parts, municipality, &report.years).await?;
            let earlier = store.publication_bases(id).await?;
            let threshold = u64::from(municipality.settings.threshold.max(5));
            let kept = publishing::keep(&mut report, &marks, plan.year, &earlier, threshold);
            (report, marks, kept, serde_json::json!({ "notes": notes, "weighting": weighting }))
        }
    };
    let released = store.quotes(id, plan.year).await?;
    let quotes: Vec<&str> = released.iter().filter(|q| q.released_at <= now).map(|q| q.words.as_str()).collect();
    if let Some(fields) = extra.as_object_mut() {
        fields.retain(|name, _| name != "foreword" && name != "remark");
        fields.insert("quotes".to_owned(), serde_json::to_value(quotes)?);
        fields.insert(Standing::KEY.to_owned(), serde_json::to_value(standing)?);
    }
    // What somebody has chosen already stays chosen: in this draft, else in the version before.
    let mut choice = Choice::all(&whole);
    let before = match store.publication_draft(id, plan.year).await {
        Ok(before) => Some(before.choice),
        Err(StoreError::NotFound(_)) => shown,
        Err(error) => return Err(error.into()),
    };
    if let Some(before) = before {
        choice.indicators.retain(|i| before.indicators.contains(i));
        choice.breakdowns.retain(|b| before.breakdowns.contains(b));
        choice.themes &= before.themes;
    }
    let new = NewDraft {
        year: plan.year,
        title: &plan.title,
        foreword: &foreword,
        remark: &remark,
        choice: &choice,
        whole: &whole,
        extra: &extra,
        marks: &marks,
        kept,
        material: &material,
    };
    store.put_draft(id, &new, now).await?;
    Ok(new.kept)
}

/// The answers of closed years, sealed: a later publication knows by them how many have moved a figure.
async fn marks(parts: &Parts, municipality: &Municipality, years: &[i32]) -> Result<Marks> {
    let units = parts.store.analysis_frame(&municipality.id, years).await?;
    let groups: HashMap<(i32, &str), BTreeMap<String, String>> = units
        .iter()
        .map(|u| {
            let of = BTreeMap::from([("sector".to_owned(), u.sector.clone()), ("size".to_owned(), u.size.clone())]);
            ((u.year, u.panel.as_str()), of)
        })
        .collect();
    let mut marks = Marks::new();
    for response in parts.store.analysis_responses(&municipality.id, years).await? {
        if !matches!(response.status, ResponseStatus::Complete | ResponseStatus::Partial) {
            continue;
        }
        let mut hash = Sha256::new();
        let sent = response.submitted_at.map_or(0, |at| at.0);
        hash.update(format!("{} {} {sent}\n", response.year, response.started_at.0));
        // One reply for several workplaces is one answer. Replies of a file may have all else in common, so these have their own.
        if response.mode == Mode::Imported {
            hash.update(response.panel.as_str());
        }
        for (key, value) in &response.answers.0 {
            hash.update(format!("\n{key}\t{value}"));
        }
        let seal = hash.finalize().iter().take(SEAL).map(|byte| format!("{byte:02x}")).collect();
        let groups = groups.get(&(response.year, response.panel.as_str())).cloned().unwrap_or_default();
        marks.entry(response.year).or_default().push(Mark { seal, groups });
    }
    // In an order that says nothing of whose they are.
    marks.values_mut().for_each(|all| all.sort());
    Ok(marks)
}

/// Analyses, and freezes everything at once: what `pejling demo` does and a test; people see a draft first.
///
/// # Errors
/// As [`draft`].
pub async fn publish(parts: &Parts, municipality: &Municipality, plan: &Plan) -> Result<(PublicationInfo, Report)> {
    let (store, id) = (&parts.store, &municipality.id);
    draft(parts, municipality, plan, true).await?;
    let now = parts.clock.now();
    let made = store.publication_draft(id, plan.year).await?;
    let words = DraftWords {
        title: &plan.title,
        note: &plan.note,
        foreword: "",
        remark: "",
        choice: &Choice::all(&made.whole),
    };
    ensure!(store.word_draft(id, plan.year, &words, made.updated_at, now).await?, "somebody else changed the draft");
    let date = now.date_in(&text::format::zone(&municipality.settings.time_zone)).to_string();
    let info = store.freeze_draft(id, plan.year, &date, now, now).await?;
    let version = format!("{} version {}", info.year, info.version);
    store.audit(id, None, "publication.created", info.id.as_str(), &version, now).await?;
    Ok((info, made.whole))
}

/// A file made of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    /// Its name: `report.pdf`, `workbook.xlsx`, …
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its contents.
    pub bytes: Vec<u8>,
}

/// The forms in which a publication leaves the house, as `pejling report --form` names them, each with its file.
pub const FORMS: [(&str, &str); 5] = [
    ("pdf", "report.pdf"),
    ("status", "status.pdf"),
    ("xlsx", "workbook.xlsx"),
    ("docx", "agenda.docx"),
    ("text", "agenda.txt"),
];

/// The key under which this instance signs data packages.
///
/// # Errors
/// When the secret key gives none.
pub fn signing_key(keys: &Keys) -> Result<SigningKey> {
    Ok(SigningKey::of_seed(keys.package_seed())?)
}

/// A publication as a signed data package.
///
/// # Errors
/// When it cannot be written.
pub fn package(keys: &Keys, municipality: &Municipality, publication: &Publication) -> Result<Vec<u8>> {
    Ok(report::package::package(&packed(municipality, publication), &signing_key(keys)?)?)
}

/// A publication as it leaves the house.
fn packed(municipality: &Municipality, publication: &Publication) -> Package {
    let standing = Standing::of_extra(&publication.extra);
    let edition = Edition {
        title: &publication.info.title,
        version: publication.info.version,
        published_on: &publication.info.date,
        standing: standing.as_ref(),
    };
    Package::of(municipality, &publication.report, edition)
}

/// The newest publication beside a confirmed neighbour's newest package, in the languages of both, as PDF.
///
/// # Errors
/// When nothing is published yet, or the neighbour is not there or not confirmed.
pub async fn comparison(parts: &Parts, municipality: &Municipality, neighbour: &str) -> Result<Vec<u8>> {
    let other = parts.store.neighbour_package(&municipality.id, neighbour).await?;
    let publication = parts.store.latest_publication(&municipality.id, None).await?;
    let own = packed(municipality, &publication.context("nothing is published yet")?);
    let ours = municipality.settings.language;
    let theirs = match other.head.country {
        Country::Dk => Language::Da,
        Country::Se => Language::Sv,
    };
    let second = if theirs == ours { Language::En } else { theirs };
    let colour = municipality.settings.colour.clone();
    let setting = tokio::task::spawn_blocking(move || -> Result<Vec<u8>> {
        Ok(report::comparison(&Messages::load()?, &own, &other, [ours, second], &colour)?)
    });
    setting.await.context("setting the comparison was interrupted")?
}

/// The papers of a publication in a language: those whose file `wanted` takes.
///
/// # Errors
/// When one of them cannot be set.
pub async fn papers(
    municipality: &Municipality,
    publication: Publication,
    language: Language,
    wanted: impl Fn(&str) -> bool + Send + 'static,
) -> Result<Vec<Paper>> {
    let municipality = municipality.clone();
    let setting = tokio::task::spawn_blocking(move || -> Result<Vec<Paper>> {
        let messages = Arc::new(Messages::load()?);
        let published_on = publication.info.date.parse().context("the publication's date")?;
        let standing = Standing::of_extra(&publication.extra);
        let of = |key: &str| publication.extra.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let quotes = publication.extra.get("quotes").and_then(|v| v.as_array()).map(Vec::as_slice).unwrap_or_default();
        let quotes: Vec<String> = quotes.iter().filter_map(|q| q.as_str()).map(str::to_owned).collect();
        let occasion = report::Occasion {
            municipality: &municipality,
            language,
            published_on,
            version: publication.info.version,
            note: &publication.info.note,
            foreword: &of("foreword"),
            remark: &of("remark"),
            quotes: &quotes,
            standing: standing.as_ref(),
        };
        let figures = &publication.report;
        let mut papers = Vec::new();
        let mut add = |name, media_type, bytes| papers.push(Paper { name, media_type, bytes });
        if wanted("report.pdf") {
            add("report.pdf", "application/pdf", report::year(&messages, figures, &occasion)?);
        }
        if wanted("status.pdf") {
            add("status.pdf", "application/pdf", report::status(&messages, figures, &occasion)?);
        }
        if wanted("workbook.xlsx") {
            let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            add("workbook.xlsx", media_type, report::workbook(&messages, figures, &occasion)?);
        }
        if wanted("agenda.docx") || wanted("agenda.txt") {
            let agenda = report::agenda(&messages, figures, &occasion)?;
            let media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
            add("agenda.docx", media_type, agenda.docx);
            add("agenda.txt", "text/plain; charset=utf-8", agenda.text.into_bytes());
        }
        papers.retain(|paper| wanted(paper.name));
        Ok(papers)
    });
    setting.await.context("setting the papers was interrupted")?
}
