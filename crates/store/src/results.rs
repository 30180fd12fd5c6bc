//! What the analysis reads and what it leaves: feeds under panel ids, and publications.
use std::collections::{BTreeMap, HashMap, HashSet};

use domain::answers::Answers;
use domain::fieldwork::{Mode, ResponseStatus};
use domain::ids::{MunicipalityId, PanelId, PublicationId, ResponseId, RoundId};
use domain::language::Language;
use domain::results::Report;
use domain::time::Millis;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::sql::{call, columns, statements, to_json};
use crate::{Result, Store, rounds};

statements! {
    // A frame on which a round was opened cannot be superseded, so the current one is the round's.
    FRAME = "select coalesce(l.panel_id, f.business_id), f.business_id, f.sector, f.size, f.area, f.started_on, f.company_number,
            f.employees_low, f.employees_high, f.company_employees_low, f.company_employees_high,
            case when x.invitation_id is null then 0 else 1 end
        from frame_imports i
        left join rounds r on r.municipality_id = i.municipality_id and r.year = i.year
        join frame_rows f on f.import_id = i.id
        left join panel_links l on l.business_id = f.business_id
        left join invitation_businesses x on x.round_id = r.id and x.business_id = f.business_id
        where i.municipality_id = $1 and i.year = $2 and i.state = 'current' order by 1";
    RESPONSES = "select x.panel_id, p.id, p.status, p.mode, p.language, p.started_at, p.submitted_at
        from rounds r join response_panels x on x.round_id = r.id join responses p on p.id = x.response_id
        where r.municipality_id = $1 and r.year = $2 and p.status <> 'withdrawn' order by x.panel_id";
    // One row per response instead of one per answer: reading 132,000 rows one by one took three times as long.
    ANSWERS = "select a.response_id, string_agg(a.question_key || cast($3 as text) || a.value, cast($4 as text))
        from rounds r join responses p on p.round_id = r.id join answers a on a.response_id = p.id
        where r.municipality_id = $1 and r.year = $2 and a.value is not null and p.status <> 'withdrawn' group by a.response_id";
    OPEN_ANSWERS = "select p.panel_id, a.value from responses p join answers a on a.response_id = p.id
        where p.municipality_id = $1 and p.round_id = $2 and a.question_key = $3 and a.value is not null and p.status <> 'withdrawn' order by p.panel_id";
    NEXT_VERSION = "select coalesce(max(version), 0) + 1 from publications where municipality_id = $1 and year = $2";
    PUBLISH = "insert into publications (id, municipality_id, year, version, date, title, note, report, extra, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    PUBLICATIONS = "select id, year, version, date, title, note, created_at from publications where municipality_id = $1 order by year desc, version desc";
    PUBLICATION = "select id, year, version, date, title, note, created_at, report, extra from publications where municipality_id = $1 and id = $2";
    LATEST = "select id, year, version, date, title, note, created_at, report, extra from publications
        where municipality_id = $1 and (cast($2 as bigint) is null or year = $2) order by year desc, version desc limit 1";
    IMPORTED = "select id from responses where municipality_id = $1 and round_id = $2 and mode = 'imported' order by id limit 500";
    DROP_ANSWERS = "delete from answers where response_id = $1";
    DROP_PANELS = "delete from response_panels where response_id = $1";
    DROP_RESPONSE = "delete from responses where id = $1";
    [bulk 1] PANELS_BY_KEY = "select b.unit_key, l.panel_id from businesses b join panel_links l on l.business_id = b.id where b.municipality_id = $1 and b.unit_key in (", "#", ")";
    [bulk 1] PRESENT = "select panel_id from response_panels where round_id = $1 and panel_id in (", "#", ")";
    [bulk 3] ADD_RESPONSES = "insert into responses (id, municipality_id, round_id, panel_id, status, mode, language, revision, started_at, updated_at, submitted_at) values",
        "(#, $1, $2, #, #, #, #, 1, #, $3, #)", "";
    [bulk 1] ADD_PANELS = "insert into response_panels (round_id, panel_id, response_id) values", "($1, #, #)", "";
    [bulk 0] ADD_ANSWERS = "insert into answers (response_id, question_key, value, revision) values", "(#, #, #, 1)", "";
}

/// Between a key and its value where a response's answers come as one text; [`plain`] keeps both signs out of answers.
const KEY_END: &str = "\u{1f}";
/// Between two answers.
const VALUE_END: &str = "\u{1e}";

/// An answer as it is stored: without the two control characters that separate answers in a feed.
pub(crate) fn plain(value: &str) -> std::borrow::Cow<'_, str> {
    let bytes = value.as_bytes();
    if bytes.contains(&0x1e) || bytes.contains(&0x1f) {
        value.replace(['\u{1e}', '\u{1f}'], " ").into()
    } else {
        value.into()
    }
}

/// Responses per transaction of a load: about 50 ms of the writer in a debug build.
const CHUNK: usize = 128;

/// One business of one year's frame, as the analysis may know it: no name, no number, no address.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AnalysisUnit {
    /// The year.
    pub year: i32,
    /// Panel id: the same business over the years.
    pub panel: PanelId,
    /// Key of the sector.
    pub sector: String,
    /// Key of the size class.
    pub size: String,
    /// Key of the area.
    pub area: Option<String>,
    /// Age class at the start of the year: `0-3` or `4+`; `None` without a start date.
    pub age: Option<&'static str>,
    /// The same for all workplaces of one company within this feed; says nothing outside it.
    pub company: String,
    /// Fewest employees of the unit.
    pub employees_low: u32,
    /// Most employees of the unit; `None`: open interval.
    pub employees_high: Option<u32>,
    /// Fewest employees of the whole company.
    pub company_employees_low: Option<u32>,
    /// Most employees of the whole company.
    pub company_employees_high: Option<u32>,
    /// An invitation was made for it.
    pub invited: bool,
}

/// One business's response. Where one reply stands for several workplaces there is one row for each. No `Debug`: it holds answers.
#[derive(Clone, PartialEq, Eq)]
pub struct AnalysisResponse {
    /// The year.
    pub year: i32,
    /// Panel id.
    pub panel: PanelId,
    /// How far it is.
    pub status: ResponseStatus,
    /// By what means.
    pub mode: Mode,
    /// The language.
    pub language: Option<Language>,
    /// First save.
    pub started_at: Millis,
    /// Submitted.
    pub submitted_at: Option<Millis>,
    /// The answers.
    pub answers: Answers,
}

/// A response of an earlier year, to be loaded. No `Debug`: it holds answers.
#[derive(Clone)]
pub struct PastResponse {
    /// The business, by its unit key in the frame of the round's year.
    pub unit_key: String,
    /// How far it came.
    pub status: ResponseStatus,
    /// By what means.
    pub mode: Mode,
    /// The language.
    pub language: Option<Language>,
    /// First save.
    pub started_at: Millis,
    /// Submitted.
    pub submitted_at: Option<Millis>,
    /// The answers.
    pub answers: Answers,
}

/// What loading did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Loaded {
    /// Responses added.
    pub added: u64,
    /// Businesses that had a response in this round already; left as they are.
    pub present: u64,
    /// Unit keys that the municipality does not know.
    pub unknown: u64,
}

/// A result set to be published.
#[derive(Debug, Clone)]
pub struct NewPublication<'a> {
    /// The year.
    pub year: i32,
    /// Date, `yyyy-mm-dd`.
    pub date: &'a str,
    /// Title.
    pub title: &'a str,
    /// What changed since the version before; empty for the first.
    pub note: &'a str,
    /// The frozen figures.
    pub report: &'a Report,
    /// What else is frozen with them (released quotes, sentences), as JSON.
    pub extra: &'a serde_json::Value,
}

/// A publication in one line.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PublicationInfo {
    /// Its id.
    pub id: PublicationId,
    /// The year.
    pub year: i32,
    /// Version within the year, from 1.
    pub version: i64,
    /// Date, `yyyy-mm-dd`.
    pub date: String,
    /// Title.
    pub title: String,
    /// What changed since the version before.
    pub note: String,
    /// When it was put.
    pub created_at: Millis,
}

/// A publication.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Publication {
    /// The line.
    pub info: PublicationInfo,
    /// The frozen figures.
    pub report: Report,
    /// What else was frozen with them.
    pub extra: serde_json::Value,
}

impl Store {
    /// The frames of these years, by year and panel id.
    pub async fn analysis_frame(&self, municipality: &MunicipalityId, years: &[i32]) -> Result<Vec<AnalysisUnit>> {
        let mut conn = self.read().await?;
        let mut units = Vec::new();
        let mut companies: HashMap<String, usize> = HashMap::new();
        for &year in years {
            for row in call(FRAME).text(municipality.as_str()).int(year.into()).rows(&mut conn).await? {
                let mut c = columns(&row);
                let (panel, business) = (PanelId(c.text()?), c.text()?);
                let (sector, size, area) = (c.text()?, c.text()?, c.maybe()?);
                let started_on = c.maybe()?;
                // A number that stands for the company in this feed alone; a unit without a company stands for itself.
                let next = companies.len();
                let company = *companies.entry(c.maybe()?.unwrap_or(business)).or_insert(next);
                units.push(AnalysisUnit {
                    year,
                    panel,
                    sector,
                    size,
                    area,
                    age: age(year, started_on.as_deref()),
                    company: format!("c{company}"),
                    employees_low: c.number("employees")?,
                    employees_high: c.maybe_number("employees")?,
                    company_employees_low: c.maybe_number("employees")?,
                    company_employees_high: c.maybe_number("employees")?,
                    invited: c.yes()?,
                });
            }
        }
        Ok(units)
    }

    /// The responses of these years (withdrawn ones apart), by year and panel id.
    pub async fn analysis_responses(
        &self,
        municipality: &MunicipalityId,
        years: &[i32],
    ) -> Result<Vec<AnalysisResponse>> {
        let mut conn = self.read().await?;
        let mut responses = Vec::new();
        for &year in years {
            let mut answers: HashMap<String, Answers> = HashMap::new();
            let all = call(ANSWERS).text(municipality.as_str()).int(year.into()).text(KEY_END).text(VALUE_END);
            for row in all.rows(&mut conn).await? {
                let mut c = columns(&row);
                let (response, text) = (c.text()?, c.text()?);
                let pairs = text.split(VALUE_END).filter_map(|pair| pair.split_once(KEY_END));
                answers
                    .insert(response, Answers(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()));
            }
            for row in call(RESPONSES).text(municipality.as_str()).int(year.into()).rows(&mut conn).await? {
                let mut c = columns(&row);
                let (panel, response) = (PanelId(c.text()?), c.text()?);
                responses.push(AnalysisResponse {
                    year,
                    panel,
                    status: c.word("status", ResponseStatus::parse)?,
                    mode: c.word("mode", Mode::parse)?,
                    language: c.maybe_word("language", Language::parse)?,
                    started_at: c.at()?,
                    submitted_at: c.maybe_at()?,
                    // Cloned: one reply may stand for several workplaces.
                    answers: answers.get(&response).cloned().unwrap_or_default(),
                });
            }
        }
        Ok(responses)
    }

    /// Loads responses of an earlier year into its round, in chunks; doing it again adds nothing.
    pub async fn load_responses(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        responses: &[PastResponse],
        now: Millis,
    ) -> Result<Loaded> {
        rounds::load(&mut *self.read().await?, municipality, round).await?;
        let mut loaded = Loaded::default();
        for chunk in responses.chunks(CHUNK) {
            let part = self.load_chunk(municipality, round, chunk, now).await?;
            loaded.added += part.added;
            loaded.present += part.present;
            loaded.unknown += part.unknown;
        }
        Ok(loaded)
    }

    /// Takes away what was loaded into a round with mode `imported`, in chunks, so that a better file can take its place;
    /// answers given to us stay. Returns how many responses went.
    pub async fn drop_imported(&self, municipality: &MunicipalityId, round: &RoundId) -> Result<u64> {
        let mut dropped = 0;
        loop {
            let mut tx = self.begin().await?;
            let imported = call(IMPORTED).text(municipality.as_str()).text(round.as_str()).rows(&mut tx).await?;
            for row in &imported {
                let response = columns(row).text()?;
                crate::codes::drop_of(&mut tx, &response).await?;
                for statement in [DROP_ANSWERS, DROP_PANELS, DROP_RESPONSE] {
                    call(statement).text(&response).run(&mut tx).await?;
                }
            }
            tx.commit().await?;
            if imported.is_empty() {
                return Ok(dropped);
            }
            dropped += imported.len() as u64;
        }
    }

    async fn load_chunk(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        chunk: &[PastResponse],
        now: Millis,
    ) -> Result<Loaded> {
        let (m, r) = (municipality.as_str(), round.as_str());
        let mut tx = self.begin().await?;
        let mut panels = HashMap::new();
        for row in PANELS_BY_KEY.rows(&mut tx, chunk, |c| c.text(m), |c, response| c.text(&response.unit_key)).await? {
            let mut c = columns(&row);
            panels.insert(c.text()?, c.text()?);
        }
        let known: Vec<(&PastResponse, &String)> =
            chunk.iter().filter_map(|p| Some((p, panels.get(&p.unit_key)?))).collect();
        let mut taken = HashSet::new();
        for row in PRESENT.rows(&mut tx, &known, |c| c.text(r), |c, (_, panel)| c.text(panel)).await? {
            taken.insert(columns(&row).text()?);
        }
        let new: Vec<(ResponseId, &PastResponse, &String)> = known
            .iter()
            .filter(|(_, panel)| taken.insert((*panel).clone()))
            .map(|(past, panel)| (ResponseId::new(now), *past, *panel))
            .collect();
        ADD_RESPONSES
            .run(
                &mut tx,
                &new,
                |c| c.text(m).text(r).at(now),
                |c, (id, past, panel)| {
                    c.text(id.as_str())
                        .text(panel)
                        .text(past.status.as_str())
                        .text(past.mode.as_str())
                        .maybe(past.language.map(Language::tag))
                        .at(past.started_at)
                        .maybe_at(past.submitted_at)
                },
            )
            .await?;
        ADD_PANELS.run(&mut tx, &new, |c| c.text(r), |c, (id, _, panel)| c.text(panel).text(id.as_str())).await?;
        let answers: Vec<(&str, &String, &String)> = new
            .iter()
            .flat_map(|(id, past, _)| past.answers.0.iter().map(|(key, value)| (id.as_str(), key, value)))
            .collect();
        ADD_ANSWERS
            .run(&mut tx, &answers, |c| c, |c, (id, key, value)| c.text(id).text(key).text(&plain(value)))
            .await?;
        tx.commit().await?;
        Ok(Loaded {
            added: new.len() as u64,
            present: (known.len() - new.len()) as u64,
            unknown: (chunk.len() - known.len()) as u64,
        })
    }

    /// Publishes: the next version of the year.
    pub async fn publish(
        &self,
        municipality: &MunicipalityId,
        publication: &NewPublication<'_>,
        now: Millis,
    ) -> Result<PublicationInfo> {
        let mut tx = self.begin().await?;
        let info = put(&mut tx, municipality, publication, now).await?;
        tx.commit().await?;
        Ok(info)
    }

    /// All publications, newest year and version first.
    pub async fn publications(&self, municipality: &MunicipalityId) -> Result<Vec<PublicationInfo>> {
        let rows = call(PUBLICATIONS).text(municipality.as_str()).rows(&mut *self.read().await?).await?;
        rows.iter().map(|row| publication_info(&mut columns(row))).collect()
    }

    /// A publication; `NotFound` otherwise.
    pub async fn publication(&self, municipality: &MunicipalityId, id: &PublicationId) -> Result<Publication> {
        publication(
            &call(PUBLICATION)
                .text(municipality.as_str())
                .text(id.as_str())
                .row(&mut *self.read().await?, "publication")
                .await?,
        )
    }

    /// The newest version of a year, or of the newest year.
    pub async fn latest_publication(
        &self,
        municipality: &MunicipalityId,
        year: Option<i32>,
    ) -> Result<Option<Publication>> {
        let year = year.map(i64::from);
        let row = call(LATEST).text(municipality.as_str()).maybe_int(year).maybe_row(&mut *self.read().await?).await?;
        row.as_ref().map(publication).transpose()
    }

    /// The answers to an open question, under panel ids, for the analyst's redaction.
    pub async fn open_answers(
        &self,
        municipality: &MunicipalityId,
        round: &RoundId,
        key: &str,
    ) -> Result<BTreeMap<PanelId, String>> {
        let rows = call(OPEN_ANSWERS)
            .text(municipality.as_str())
            .text(round.as_str())
            .text(key)
            .rows(&mut *self.read().await?)
            .await?;
        rows.iter()
            .map(|row| {
                let mut c = columns(row);
                Ok((PanelId(c.text()?), c.text()?))
            })
            .collect()
    }
}

/// Puts the next version of a year.
pub(crate) async fn put(
    conn: &mut AnyConnection,
    municipality: &MunicipalityId,
    publication: &NewPublication<'_>,
    now: Millis,
) -> Result<PublicationInfo> {
    let (m, year) = (municipality.as_str(), publication.year);
    let version = columns(&call(NEXT_VERSION).text(m).int(year.into()).row(conn, "version").await?).int()?;
    let info = PublicationInfo {
        id: PublicationId::new(now),
        year,
        version,
        date: publication.date.to_owned(),
        title: publication.title.to_owned(),
        note: publication.note.to_owned(),
        created_at: now,
    };
    call(PUBLISH)
        .text(info.id.as_str())
        .text(m)
        .int(year.into())
        .int(version)
        .text(&info.date)
        .text(&info.title)
        .text(&info.note)
        .text(&to_json("report", publication.report)?)
        .text(&to_json("report", publication.extra)?)
        .at(now)
        .run_new(conn, "publication of this version")
        .await?;
    Ok(info)
}

fn publication_info(c: &mut crate::sql::Columns<'_>) -> Result<PublicationInfo> {
    Ok(PublicationInfo {
        id: PublicationId(c.text()?),
        year: c.year()?,
        version: c.int()?,
        date: c.text()?,
        title: c.text()?,
        note: c.text()?,
        created_at: c.at()?,
    })
}

fn publication(row: &AnyRow) -> Result<Publication> {
    let mut c = columns(row);
    Ok(Publication { info: publication_info(&mut c)?, report: c.json("report")?, extra: c.json("report")? })
}

/// The age class by the rule that routing uses too.
fn age(year: i32, started_on: Option<&str>) -> Option<&'static str> {
    let started: i32 = started_on?.get(..4)?.parse().ok()?;
    Some(if year - started <= 3 { "0-3" } else { "4+" })
}
