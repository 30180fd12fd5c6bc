//! Other sectors for all years at once: shown before anything is changed, then changed by a job.
use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::industry::Grouping;
use domain::language::Language;
use domain::municipality::{OwnGrouping, Settings};
use serde::{Deserialize, Serialize};
use store::regroup::{CodeCount, RegroupObstacles};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::titled;
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// The largest file of a grouping: a code of every class with a title is about 60 kB.
const LARGEST: usize = 512 * 1024;
/// Below so many businesses a sector can hardly reach twenty answers.
const FEW_BUSINESSES: u64 = 40;
/// Below so many answers figures are marked as uncertain.
const FEW_ANSWERS: u64 = 20;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/frames/sectors", routing::get(show).post(preview).layer(DefaultBodyLimit::max(LARGEST)))
        .route("/{slug}/console/frames/sectors/change", routing::post(change))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<SectorsPage>(site)
}

/// `GET /{slug}/console/frames/sectors`, and what its form shows.
#[derive(Debug, Serialize)]
pub struct SectorsPage {
    /// Navigation.
    pub bar: Bar,
    /// Title of the grouping in use.
    pub current: String,
    /// Groupings that ship: key, title, whether it is the one shown.
    pub shipped: Vec<GroupingLine>,
    /// Title of the grouping that would come; `None`: nothing chosen, the table shows the one in use.
    pub proposed: Option<String>,
    /// It is the one in use.
    pub same: bool,
    /// The years of the table.
    pub years: Vec<i32>,
    /// Sectors with their businesses in each year.
    pub sectors: Vec<SectorLine>,
    /// Businesses that would change their sector, by year.
    pub moved: Vec<Moved>,
    /// From where to where, the most first.
    pub flows: Vec<Flow>,
    /// Codes that the grouping does not know; their businesses stay where they are.
    pub unknown: u64,
    /// A round is open: nothing can be changed now.
    pub round_open: bool,
    /// Sectors chosen by hand that would end.
    pub own_sectors: u64,
    /// Extracts not decided on that would be thrown away.
    pub waiting: u64,
    /// Sent back when it is to be changed: key of the grouping that ships.
    pub grouping: String,
    /// Sent back when it is to be changed: the municipality's own, name and text of the file.
    pub own: Option<OwnGrouping>,
    /// What is wrong: key of a message.
    pub fault: Option<&'static str>,
    /// What is wrong with the file, in words.
    pub unreadable: Option<String>,
}

/// A grouping to choose.
#[derive(Debug, Serialize)]
pub struct GroupingLine {
    /// Its key.
    pub key: &'static str,
    /// Its title.
    pub title: String,
    /// Its sectors in one line.
    pub sectors: String,
    /// It is the one shown.
    pub chosen: bool,
}

/// A sector over the years.
#[derive(Debug, Serialize)]
pub struct SectorLine {
    /// Title.
    pub title: String,
    /// Per year.
    pub years: Vec<YearCell>,
    /// So few businesses or answers that its figures will mostly be uncertain.
    pub thin: bool,
}

/// A sector in a year.
#[derive(Debug, Serialize)]
pub struct YearCell {
    /// Businesses.
    pub units: u64,
    /// Answers.
    pub answered: u64,
}

/// Who changes sector in a year.
#[derive(Debug, Serialize)]
pub struct Moved {
    /// The year.
    pub year: i32,
    /// Businesses that move.
    pub units: u64,
    /// All of them.
    pub all: u64,
}

/// Businesses from one sector to another.
#[derive(Debug, Serialize)]
pub struct Flow {
    /// From.
    pub from: String,
    /// To.
    pub to: String,
    /// Businesses of all years together.
    pub units: u64,
}

impl Page for SectorsPage {
    const TEMPLATE: &'static str = "console/frame-sectors.html";

    fn samples() -> Vec<Self> {
        let line = |thin| SectorLine {
            title: "Handel".to_owned(),
            years: vec![YearCell { units: 500, answered: 120 }, YearCell { units: 511, answered: 0 }],
            thin,
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            current: "Danmarks Statistiks ti grupper".to_owned(),
            shipped: vec![GroupingLine {
                key: "htk",
                title: "Høje-Taastrup".to_owned(),
                sectors: "Handel, transport".to_owned(),
                chosen: full,
            }],
            proposed: full.then(|| "Høje-Taastrup".to_owned()),
            same: false,
            years: if full { vec![2025, 2026] } else { Vec::new() },
            sectors: if full { vec![line(true), line(false)] } else { Vec::new() },
            moved: if full { vec![Moved { year: 2026, units: 12, all: 2480 }] } else { Vec::new() },
            flows: if full {
                vec![Flow { from: "Handel".to_owned(), to: "Transport".to_owned(), units: 12 }]
            } else {
                Vec::new()
            },
            unknown: u64::from(full),
            round_open: false,
            own_sectors: u64::from(full),
            waiting: u64::from(full),
            grouping: "htk".to_owned(),
            own: full.then(|| OwnGrouping { file: "egen.csv".to_owned(), text: "code;sector".to_owned() }),
            fault: (!full).then_some("frames.fault_no_grouping"),
            unreadable: (!full).then(|| "egen.csv: sector \"x\"".to_owned()),
        };
        vec![page(true), page(false), Self { round_open: true, ..page(true) }, Self { same: true, ..page(true) }]
    }
}

/// What would become of every code under a grouping.
struct Proposal {
    years: Vec<i32>,
    sums: BTreeMap<(String, i32), (u64, u64)>,
    moved: BTreeMap<i32, (u64, u64)>,
    flows: BTreeMap<(String, String), u64>,
    unknown: u64,
}

impl Proposal {
    fn of(grouping: &Grouping, codes: &[CodeCount]) -> Self {
        let years: BTreeSet<i32> = codes.iter().map(|c| c.year).collect();
        let mut proposal = Self {
            years: years.into_iter().collect(),
            sums: BTreeMap::new(),
            moved: BTreeMap::new(),
            flows: BTreeMap::new(),
            unknown: 0,
        };
        for code in codes {
            let found = grouping.sector_of(&code.code, code.classification);
            proposal.unknown += if found.is_err() { code.units } else { 0 };
            let sector = found.map_or_else(|_| code.sector.clone(), |found| found.sector.key.clone());
            let moved = proposal.moved.entry(code.year).or_default();
            moved.1 += code.units;
            if sector != code.sector {
                moved.0 += code.units;
                *proposal.flows.entry((code.sector.clone(), sector.clone())).or_default() += code.units;
            }
            let sum = proposal.sums.entry((sector, code.year)).or_default();
            sum.0 += code.units;
            sum.1 += code.answered;
        }
        proposal
    }

    /// Every sector of the grouping in its order, empty ones too; a key that it does not know comes last.
    fn lines(&self, titles: &[(String, String)]) -> Vec<SectorLine> {
        let mut keys: Vec<&str> = titles.iter().map(|(key, _)| key.as_str()).collect();
        for (key, _) in self.sums.keys() {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        let line = |key: &str| {
            let years: Vec<YearCell> = self
                .years
                .iter()
                .map(|year| {
                    let (units, answered) = self.sums.get(&(key.to_owned(), *year)).copied().unwrap_or_default();
                    YearCell { units, answered }
                })
                .collect();
            let thin =
                |cell: &YearCell| cell.units < FEW_BUSINESSES || (cell.answered > 0 && cell.answered < FEW_ANSWERS);
            SectorLine { title: titled(titles, key).to_owned(), thin: years.last().is_some_and(thin), years }
        };
        keys.into_iter().map(line).collect()
    }
}

fn titles_of(grouping: &Grouping, language: Language) -> Vec<(String, String)> {
    grouping.sectors().iter().map(|s| (s.key.clone(), s.titles.get(language).to_owned())).collect()
}

/// The grouping of settings with another one in its place.
fn proposed(settings: &Settings, choice: &Choice) -> Settings {
    Settings { grouping: choice.grouping.clone(), own_grouping: choice.own.clone(), ..settings.clone() }
}

/// Which grouping is wanted.
#[derive(Default)]
struct Choice {
    grouping: String,
    own: Option<OwnGrouping>,
    fault: Option<&'static str>,
    unreadable: Option<String>,
}

async fn page(
    app: &App,
    staff: &Staff,
    language: Language,
    choice: Option<Choice>,
    fault: (Option<&'static str>, Option<String>),
) -> Result<SectorsPage, PageError> {
    let (id, settings) = (&staff.municipality.id, &staff.municipality.settings);
    let in_use = settings.sectors().map_err(PageError::internal)?;
    let wanted = choice.as_ref().map(|choice| proposed(settings, choice));
    let grouping = match &wanted {
        Some(wanted) => wanted.sectors().map_err(PageError::internal)?,
        None => in_use.clone(),
    };
    let codes = app.store().frame_codes(id).await?;
    let RegroupObstacles { round_open, own_sectors, waiting } = app.store().regroup_obstacles(id).await?;
    let proposal = Proposal::of(&grouping, &codes);
    let (before, after) = (titles_of(&in_use, language), titles_of(&grouping, language));
    let mut flows: Vec<Flow> = proposal
        .flows
        .iter()
        .map(|((from, to), units)| Flow {
            from: titled(&before, from).to_owned(),
            to: titled(&after, to).to_owned(),
            units: *units,
        })
        .collect();
    flows.sort_by_key(|flow| std::cmp::Reverse(flow.units));
    let shipped = Grouping::SHIPPED.iter().filter_map(|key| Grouping::shipped(key).map(|g| (*key, g)));
    let is_shown = |key: &str| match &wanted {
        Some(wanted) => wanted.own_grouping.is_none() && wanted.grouping == key,
        None => settings.own_grouping.is_none() && settings.grouping == key,
    };
    let (grouping_key, own) = choice.map_or_else(|| (String::new(), None), |choice| (choice.grouping, choice.own));
    Ok(SectorsPage {
        bar: staff.bar("frames"),
        current: in_use.titles().get(language).to_owned(),
        shipped: shipped
            .map(|(key, shipped)| GroupingLine {
                key,
                title: shipped.titles().get(language).to_owned(),
                sectors: titles_of(shipped, language).into_iter().map(|(_, t)| t).collect::<Vec<_>>().join(" · "),
                chosen: is_shown(key),
            })
            .collect(),
        same: wanted.as_ref().is_some_and(|_| *grouping == *in_use),
        proposed: wanted.as_ref().map(|_| grouping.titles().get(language).to_owned()),
        sectors: proposal.lines(&after),
        moved: proposal
            .moved
            .iter()
            .map(|(year, (units, all))| Moved { year: *year, units: *units, all: *all })
            .collect(),
        flows: if wanted.is_some() { flows } else { Vec::new() },
        unknown: if wanted.is_some() { proposal.unknown } else { 0 },
        years: proposal.years,
        round_open,
        own_sectors,
        waiting,
        grouping: grouping_key,
        own,
        fault: fault.0,
        unreadable: fault.1,
    })
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    grouping: String,
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(shown): Query<Shown>,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let choice =
        Grouping::shipped(&shown.grouping).map(|_| Choice { grouping: shown.grouping.clone(), ..Choice::default() });
    let page = page(&app, &staff, view.language(), choice, (None, None)).await?;
    view.render(&page)
}

impl Choice {
    async fn read(mut form: Multipart, settings: &Settings) -> Result<Self, PageError> {
        let mut choice = Self { grouping: settings.grouping.clone(), ..Self::default() };
        let too_large = |e: axum::extract::multipart::MultipartError| {
            if e.status() == StatusCode::PAYLOAD_TOO_LARGE { PageError::TooLarge } else { PageError::BadRequest }
        };
        while let Some(field) = form.next_field().await.map_err(too_large)? {
            if field.name() != Some("file") {
                continue;
            }
            let file = super::file_name(field.file_name().unwrap_or_default());
            let bytes = field.bytes().await.map_err(too_large)?;
            if bytes.is_empty() {
                continue;
            }
            let Ok(text) = String::from_utf8(bytes.to_vec()) else {
                choice.fault = Some("frames.fault_not_utf8");
                return Ok(choice);
            };
            choice.own = Some(OwnGrouping { file, text: text.trim_start_matches('\u{feff}').to_owned() });
        }
        if choice.own.is_none() {
            choice.fault = Some("frames.fault_no_grouping");
        } else if let Err(error) = proposed(settings, &choice).sectors() {
            choice.unreadable = Some(error.to_string());
        }
        Ok(choice)
    }
}

/// A municipality's own grouping is shown; nothing is changed.
async fn preview(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    form: Multipart,
) -> Result<Response, PageError> {
    let mut choice = Choice::read(form, &staff.municipality.settings).await?;
    let fault = (choice.fault.take(), choice.unreadable.take());
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    if fault.0.is_some() || fault.1.is_some() {
        let page = page(&app, &staff, language, None, fault).await?;
        return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    }
    view.render(&page(&app, &staff, language, Some(choice), (None, None)).await?)
}

#[derive(Deserialize)]
struct ChangeForm {
    #[serde(default)]
    grouping: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    text: String,
}

async fn change(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Form(form): Form<ChangeForm>,
) -> Result<Response, PageError> {
    let (id, settings) = (&staff.municipality.id, &staff.municipality.settings);
    let own = (!form.text.is_empty()).then_some(OwnGrouping { file: form.file, text: form.text });
    let choice = Choice { grouping: form.grouping, own, ..Choice::default() };
    if proposed(settings, &choice).sectors().is_err() {
        return Err(PageError::BadRequest);
    }
    if app.store().regroup_obstacles(id).await?.round_open {
        return Err(PageError::Conflict);
    }
    let arguments = serde_json::json!({ "grouping": choice.grouping, "own": choice.own, "by": staff.user.id });
    let job = app.store().enqueue_job(id, "regroup_frames", &arguments, &[], app.now()).await?;
    staff.did(&app, "frame.regrouping", job.as_str(), &choice.grouping).await?;
    Ok(Redirect::to(&format!("/{}/console/jobs/{job}", staff.municipality.slug)).into_response())
}

#[cfg(test)]
mod tests {
    use domain::industry::Classification;

    use super::*;

    #[test]
    fn a_recoding_moves_nobody_and_another_grouping_says_whom_it_moves() {
        let count = |year, classification, code: &str, units| CodeCount {
            year,
            classification,
            code: code.to_owned(),
            sector: Grouping::shipped("dst10")
                .and_then(|g| g.sector_of(code, classification).ok())
                .map(|found| found.sector.key.clone())
                .unwrap(),
            units,
            answered: units / 2,
        };
        let codes = [
            count(2024, Classification::Db07, "45.20.10", 40),
            count(2025, Classification::Db25, "95.31.00", 42),
            count(2024, Classification::Db07, "49.41.00", 30),
            count(2025, Classification::Db25, "49.41.00", 31),
            count(2024, Classification::Db07, "43.21.00", 50),
            count(2025, Classification::Db25, "43.21.00", 51),
        ];
        let same = Proposal::of(Grouping::shipped("dst10").unwrap(), &codes);
        assert!(same.flows.is_empty() && same.moved.values().all(|(moved, _)| *moved == 0));
        let htk = Grouping::shipped("htk").unwrap();
        let other = Proposal::of(htk, &codes);
        assert_eq!(other.moved, BTreeMap::from([(2024, (70, 120)), (2025, (73, 124))]), "in both years alike");
        assert_eq!(other.flows.values().copied().collect::<BTreeSet<_>>(), BTreeSet::from([61, 82]), "two ways out");
        let lines = other.lines(&titles_of(htk, Language::Da));
        assert_eq!(lines.len(), htk.sectors().len(), "a sector without anybody is seen");
        assert_eq!(lines.iter().map(|l| l.years[0].units).sum::<u64>(), 120);
        let thin: Vec<u64> = lines.iter().filter(|l| l.thin).map(|l| l.years[1].units).collect();
        assert!(thin.contains(&31) && !thin.contains(&51), "{thin:?}");
    }
}
