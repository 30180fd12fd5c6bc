//! The questionnaire: its versions, and the next one in the making.
//!
//! A stored version never changes, so a round that was opened keeps what it asked. Changes are made in a draft on the server;
//! a draft becomes the next version, and rounds that are not open yet can be given it. Every change names the state it was made
//! on, so two editors do not overwrite each other unseen.
//!
//! # Layout
//! - this module: the versions, a draft's overview, and what all pages share (`Desk`)
//! - `editing`: the texts, scale, items and options of a question; a block's texts
//! - `conditions`: who is asked
//! - `differences`: what has changed since the version before, and whether its figures still compare
//! - `preview`: the draft as a business would meet it
//! - `finishing`: a draft becomes a version, or nothing
mod conditions;
mod differences;
mod editing;
mod finishing;
mod preview;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use domain::fieldwork::RoundState;
use domain::ids::{MunicipalityId, QuestionnaireId, RoundId};
use domain::language::Language;
use domain::questionnaire::{self, KINDS, LoadFault, Place, Questionnaire};
use serde::{Deserialize, Serialize};
use store::instrument::{Edit, QuestionnaireDraft};
use store::rounds::Round;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/questionnaires", routing::get(list))
        .route("/{slug}/console/questionnaires/begin", routing::post(begin))
        .route("/{slug}/console/questionnaires/use", routing::post(use_version))
        .route("/{slug}/console/questionnaires/{draft}", routing::get(show).post(change))
        .merge(editing::routes())
        .merge(conditions::routes())
        .merge(differences::routes())
        .merge(preview::routes())
        .merge(finishing::routes())
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ListPage>(site)?;
    templates.check::<DraftPage>(site)?;
    templates.check::<editing::QuestionPage>(site)?;
    templates.check::<editing::BlockPage>(site)?;
    templates.check::<conditions::WhenPage>(site)?;
    templates.check::<differences::DifferencesPage>(site)?;
    templates.check::<preview::PreviewPage>(site)?;
    templates.check::<finishing::FinishPage>(site)
}

/// What a form sent.
pub(super) type Sent = Vec<(String, String)>;

/// The version made last; the one that ships, where there is none yet.
///
/// # Errors
/// When the database is away.
pub(super) async fn newest(app: &App, municipality: &MunicipalityId) -> Result<QuestionnaireId, PageError> {
    let versions = app.store().questionnaires(municipality).await?;
    let yearly = versions.into_iter().filter(|v| !domain::cases::is_form(&v.key));
    match yearly.max_by_key(|v| (v.created_at, v.version)) {
        Some(newest) => Ok(newest.id),
        None => Ok(app.store().save_questionnaire(municipality, &questionnaire::shipped(), app.now()).await?),
    }
}

/// What was just done; said once on the page that follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// Nothing.
    #[default]
    None,
    /// Saved.
    Saved,
    /// Something was taken out.
    Removed,
    /// The last change was taken back.
    Undone,
    /// Nothing to take back, or nowhere to move to.
    Nothing,
    /// Somebody else has changed the draft meanwhile.
    Conflict,
    /// A draft was begun.
    Begun,
    /// A draft was thrown away.
    Discarded,
    /// A draft became a version.
    Finished,
    /// A round was given a version.
    Used,
    /// A round has been opened meanwhile.
    Frozen,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ToldQuery {
    #[serde(default)]
    note: Told,
}

impl Told {
    const fn key(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Saved => "instrument.told_saved",
            Self::Removed => "instrument.told_removed",
            Self::Undone => "instrument.told_undone",
            Self::Nothing => "instrument.told_nothing",
            Self::Conflict => "instrument.told_conflict",
            Self::Begun => "instrument.told_begun",
            Self::Discarded => "instrument.told_discarded",
            Self::Finished => "instrument.told_finished",
            Self::Used => "instrument.told_used",
            Self::Frozen => "instrument.told_frozen",
        })
    }

    const fn is_warning(self) -> bool {
        matches!(self, Self::Nothing | Self::Conflict | Self::Frozen)
    }
}

/// What was done, as the page says it.
#[derive(Debug, Serialize)]
pub(super) struct Notice {
    text: &'static str,
    warning: bool,
}

impl Notice {
    fn of(query: &ToldQuery) -> Option<Self> {
        query.note.key().map(|text| Self { text, warning: query.note.is_warning() })
    }

    fn sample() -> Option<Self> {
        Some(Self { text: "instrument.told_saved", warning: true })
    }
}

/// A draft that somebody works on.
pub(super) struct Desk {
    pub staff: Staff,
    pub language: Language,
    pub draft: QuestionnaireDraft,
    /// The version it was begun from.
    pub base: Arc<Questionnaire>,
    /// Everything that is wrong with it.
    pub faults: Vec<LoadFault>,
}

/// What the pages of a draft have in common.
#[derive(Debug, Serialize)]
pub(super) struct Head {
    href: String,
    list_href: String,
    title: String,
    base_version: u32,
    revision: i64,
    edited_by: Option<String>,
    edited_at: i64,
    faults: usize,
}

impl Head {
    fn sample() -> Self {
        Self {
            href: "/hojager/console/questionnaires/1".to_owned(),
            list_href: "/hojager/console/questionnaires".to_owned(),
            title: "Lokal erhvervsundersøgelse".to_owned(),
            base_version: 1,
            revision: 3,
            edited_by: Some("Mette Holm".to_owned()),
            edited_at: 1_790_000_000_000,
            faults: 2,
        }
    }
}

impl Desk {
    pub(super) async fn open(app: &App, visit: &Visit, staff: Staff, draft: &str) -> Result<Self, PageError> {
        let language = app.view(visit).of(&staff.municipality).language();
        let draft = app.store().questionnaire_draft(&staff.municipality.id, draft).await?;
        let base = app.questionnaire(&staff.municipality.id, &draft.base).await?;
        let faults = draft.form.faults();
        Ok(Self { staff, language, draft, base, faults })
    }

    pub(super) fn href(&self) -> String {
        format!("/{}/console/questionnaires/{}", self.staff.municipality.slug, self.draft.id)
    }

    pub(super) fn head(&self) -> Head {
        Head {
            href: self.href(),
            list_href: format!("/{}/console/questionnaires", self.staff.municipality.slug),
            title: self.text(&self.draft.form.title),
            base_version: self.base.version,
            revision: self.draft.revision,
            edited_by: self.draft.edited_by.clone(),
            edited_at: self.draft.updated_at.0,
            faults: self.faults.len(),
        }
    }

    /// A text in the reader's language, else in whichever there is one.
    pub(super) fn text(&self, texts: &domain::language::Texts) -> String {
        readable(texts, self.language)
    }

    /// A change made on the state that a form named.
    pub(super) fn edit<'a>(&'a self, app: &App, sent: &Sent) -> Edit<'a> {
        let revision = field(sent, "revision").and_then(|r| r.parse().ok()).unwrap_or(-1);
        Edit { draft: &self.draft.id, revision, user: &self.staff.user.id, now: app.now() }
    }

    pub(super) fn to(&self, page: &str, told: &str) -> Response {
        let separator = if page.contains('?') { '&' } else { '?' };
        Redirect::to(&format!("{}{page}{separator}note={told}", self.href())).into_response()
    }

    /// What is wrong with the thing of this key, in words.
    pub(super) fn faults_of(&self, app: &App, place: &str) -> Vec<String> {
        self.faults.iter().filter(|f| f.place == place).map(|f| words::fault(app, self.language, &f.kind)).collect()
    }

    pub(super) fn when_words(&self, app: &App, when: Option<&questionnaire::Condition>) -> Option<String> {
        when.map(|w| words::condition(app, &self.staff.municipality, self.language, &self.draft.form, w))
    }
}

/// A text in a language, else in whichever there is one.
pub(super) fn readable(texts: &domain::language::Texts, language: Language) -> String {
    let own = texts.get(language);
    let any = || Language::ALL.into_iter().map(|l| texts.get(l)).find(|t| !t.is_empty()).unwrap_or("–");
    if own.is_empty() { any() } else { own }.to_owned()
}

pub(super) fn field<'s>(sent: &'s Sent, name: &str) -> Option<&'s str> {
    sent.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

/// `GET /{slug}/console/questionnaires`
#[derive(Debug, Serialize)]
pub struct ListPage {
    /// Navigation.
    bar: Bar,
    notice: Option<Notice>,
    drafts: Vec<DraftLine>,
    versions: Vec<VersionLine>,
    /// Rounds that can still be given another version.
    rounds: Vec<RoundChoice>,
}

#[derive(Debug, Serialize)]
struct DraftLine {
    href: String,
    base_version: u32,
    edited_by: Option<String>,
    edited_at: i64,
}

#[derive(Debug, Serialize)]
struct VersionLine {
    id: String,
    version: u32,
    made_at: i64,
    made_by: Option<String>,
    note: String,
    /// The rounds that ask it.
    rounds: Vec<String>,
    /// One of them has been opened.
    frozen: bool,
}

#[derive(Debug, Serialize)]
struct RoundChoice {
    id: String,
    title: String,
    version: String,
}

impl Page for ListPage {
    const TEMPLATE: &'static str = "console/questionnaires.html";

    fn samples() -> Vec<Self> {
        let version = |full: bool| VersionLine {
            id: "1".to_owned(),
            version: 2,
            made_at: 1_790_000_000_000,
            made_by: full.then(|| "Mette Holm".to_owned()),
            note: if full { "Kortere".to_owned() } else { String::new() },
            rounds: if full { vec!["2026-målingen".to_owned()] } else { Vec::new() },
            frozen: full,
        };
        let draft = |by: Option<&str>| DraftLine {
            href: "/x".to_owned(),
            base_version: 1,
            edited_by: by.map(str::to_owned),
            edited_at: 1_790_000_000_000,
        };
        let round = || RoundChoice { id: "1".to_owned(), title: "2027-målingen".to_owned(), version: "1".to_owned() };
        vec![
            Self {
                bar: Bar::sample(true),
                notice: Notice::sample(),
                drafts: vec![draft(Some("Mette Holm")), draft(None)],
                versions: vec![version(true), version(false)],
                rounds: vec![round()],
            },
            Self { bar: Bar::sample(true), notice: None, drafts: Vec::new(), versions: Vec::new(), rounds: Vec::new() },
        ]
    }
}

async fn list(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(told): Query<ToldQuery>,
) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let slug = &staff.municipality.slug;
    let rounds = app.store().rounds(id).await?;
    let notes = app.store().questionnaire_notes(id).await?;
    let mut versions = app.store().questionnaires(id).await?;
    versions.retain(|v| !domain::cases::is_form(&v.key));
    let asked = |version: &QuestionnaireId| -> Vec<&Round> {
        rounds.iter().filter(|r| r.questionnaire.as_ref() == Some(version)).collect()
    };
    let line = |v: &store::questionnaires::QuestionnaireInfo| {
        let note = notes.iter().find(|n| n.version == v.id);
        let rounds = asked(&v.id);
        VersionLine {
            id: v.id.to_string(),
            version: v.version,
            made_at: v.created_at.0,
            made_by: note.and_then(|n| n.made_by.clone()),
            note: note.map(|n| n.note.clone()).unwrap_or_default(),
            frozen: rounds.iter().any(|r| r.state != RoundState::Draft),
            rounds: rounds.iter().map(|r| r.title.clone()).collect(),
        }
    };
    let number: BTreeMap<&QuestionnaireId, u32> = versions.iter().map(|v| (&v.id, v.version)).collect();
    let choice = |r: &Round| RoundChoice {
        id: r.id.to_string(),
        title: r.title.clone(),
        version: r.questionnaire.as_ref().and_then(|q| number.get(q)).map(ToString::to_string).unwrap_or_default(),
    };
    let drafts = app.store().questionnaire_drafts(id).await?;
    let draft = |d: store::instrument::DraftInfo| DraftLine {
        href: format!("/{slug}/console/questionnaires/{}", d.id),
        base_version: d.base_version,
        edited_by: d.edited_by,
        edited_at: d.updated_at.0,
    };
    app.view(&visit).of(&staff.municipality).render(&ListPage {
        bar: staff.bar("questionnaires"),
        notice: Notice::of(&told),
        drafts: drafts.into_iter().map(draft).collect(),
        versions: versions.iter().map(line).collect(),
        rounds: rounds.iter().filter(|r| r.state == RoundState::Draft).map(choice).collect(),
    })
}

async fn begin(State(app): State<App>, Analyst(staff): Analyst, Form(sent): Form<Sent>) -> Result<Response, PageError> {
    let id = &staff.municipality.id;
    let base = match field(&sent, "base").filter(|base| !base.is_empty()) {
        Some(base) => QuestionnaireId(base.to_owned()),
        None => newest(&app, id).await?,
    };
    let draft = app.store().begin_questionnaire_draft(id, &base, &staff.user.id, app.now()).await?;
    staff.did(&app, "questionnaire.begun", &draft, "").await?;
    let slug = &staff.municipality.slug;
    Ok(Redirect::to(&format!("/{slug}/console/questionnaires/{draft}?note=begun")).into_response())
}

async fn use_version(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let (Some(version), Some(round)) = (field(&sent, "version"), field(&sent, "round")) else {
        return Err(PageError::BadRequest);
    };
    let (version, round) = (QuestionnaireId(version.to_owned()), RoundId(round.to_owned()));
    let told = give(&app, &staff, &round, &version).await?;
    Ok(Redirect::to(&format!("/{}/console/questionnaires?note={told}", staff.municipality.slug)).into_response())
}

/// Gives a round a version, unless it has been opened meanwhile.
async fn give(app: &App, staff: &Staff, round: &RoundId, version: &QuestionnaireId) -> Result<&'static str, PageError> {
    match app.store().use_questionnaire(&staff.municipality.id, round, version, app.now()).await {
        Ok(()) => {
            staff.did(app, "questionnaire.used", round.as_str(), version.as_str()).await?;
            Ok("used")
        }
        Err(store::StoreError::State(_)) => Ok("frozen"),
        Err(error) => Err(error.into()),
    }
}

/// `GET /{slug}/console/questionnaires/{draft}`
#[derive(Debug, Serialize)]
pub struct DraftPage {
    /// Navigation.
    bar: Bar,
    head: Head,
    notice: Option<Notice>,
    can_undo: bool,
    /// Expected minutes over all businesses: median and 90th percentile.
    minutes: (u32, u32),
    /// Changed answers for which "the same or something new?" is not decided.
    undecided: usize,
    kinds: Vec<&'static str>,
    faults: Vec<FaultLine>,
    warnings: Vec<FaultLine>,
    blocks: Vec<BlockLine>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct FaultLine {
    place: String,
    href: Option<String>,
    text: String,
}

impl FaultLine {
    fn sample(href: Option<&str>) -> Self {
        Self { place: "overall".to_owned(), href: href.map(str::to_owned), text: "Mangler på svensk".to_owned() }
    }
}

#[derive(Debug, Serialize)]
struct BlockLine {
    key: String,
    title: String,
    when: Option<String>,
    href: String,
    when_href: String,
    turns: bool,
    faulty: bool,
    questions: Vec<QuestionLine>,
}

#[derive(Debug, Serialize)]
struct QuestionLine {
    key: String,
    text: String,
    kind: String,
    when: Option<String>,
    href: String,
    off: bool,
    optional: bool,
    new: bool,
    faulty: bool,
    /// Tags of the languages in which a text is missing.
    missing: Vec<String>,
}

impl Page for DraftPage {
    const TEMPLATE: &'static str = "console/questionnaire-draft.html";

    fn samples() -> Vec<Self> {
        let question = |full: bool| QuestionLine {
            key: "overall".to_owned(),
            text: "Hvor tilfreds er I?".to_owned(),
            kind: "Skala".to_owned(),
            when: full.then(|| "Ansatte: ja".to_owned()),
            href: "/x".to_owned(),
            off: full,
            optional: full,
            new: full,
            faulty: full,
            missing: if full { vec!["sv".to_owned()] } else { Vec::new() },
        };
        let block = |full: bool| BlockLine {
            key: "overall".to_owned(),
            title: "Kommunen".to_owned(),
            when: full.then(|| "Ansatte: ja".to_owned()),
            href: "/x".to_owned(),
            when_href: "/x".to_owned(),
            turns: full,
            faulty: full,
            questions: if full { vec![question(true), question(false)] } else { Vec::new() },
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            head: Head::sample(),
            notice: if full { Notice::sample() } else { None },
            can_undo: full,
            minutes: (4, 6),
            undecided: usize::from(full),
            kinds: KINDS.to_vec(),
            faults: if full { vec![FaultLine::sample(Some("/x")), FaultLine::sample(None)] } else { Vec::new() },
            warnings: if full { vec![FaultLine::sample(None)] } else { Vec::new() },
            blocks: if full { vec![block(true), block(false)] } else { Vec::new() },
        };
        vec![page(true), page(false)]
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
    Query(told): Query<ToldQuery>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    app.view(&visit).of(&desk.staff.municipality).render(&overview(&app, &desk, Notice::of(&told)))
}

fn overview(app: &App, desk: &Desk, notice: Option<Notice>) -> DraftPage {
    let form = &desk.draft.form;
    let href = desk.href();
    let warnings = form.warnings().into_iter().map(|w| FaultLine {
        place: w.key.clone(),
        href: place_href(desk, &w.key),
        text: app.t(
            desk.language,
            "instrument.warning_two_things",
            &[("language", w.language.own_name().into()), ("text", w.text.into())],
        ),
    });
    DraftPage {
        bar: desk.staff.bar("questionnaires"),
        head: desk.head(),
        notice,
        can_undo: desk.draft.can_undo,
        minutes: form.expected_minutes(&questionnaire::Facts::new()),
        undecided: differences::undecided(desk).len(),
        kinds: KINDS.to_vec(),
        faults: fault_lines(app, desk),
        warnings: warnings.collect(),
        blocks: form
            .blocks
            .iter()
            .map(|block| BlockLine {
                key: block.key.clone(),
                title: desk.text(&block.title),
                when: desk.when_words(app, block.when.as_ref()),
                href: format!("{href}/block/{}", block.key),
                when_href: conditions::href(desk, &Place::Block(block.key.clone())),
                turns: block.turns.is_some(),
                faulty: desk.faults.iter().any(|f| f.place == block.key),
                questions: block.questions.iter().map(|q| question_line(app, desk, q)).collect(),
            })
            .collect(),
    }
}

fn question_line(app: &App, desk: &Desk, question: &questionnaire::Question) -> QuestionLine {
    let here = |place: &str| {
        place == question.key
            || question.kind.items().iter().any(|i| i.key == place)
            || place.strip_prefix(&question.key).is_some_and(|rest| rest.starts_with('.'))
    };
    let own: Vec<&LoadFault> = desk.faults.iter().filter(|f| here(&f.place)).collect();
    let lacks = |language: &Language| {
        own.iter().any(
            |f| matches!(&f.kind, questionnaire::LoadFaultKind::MissingLanguage { language: l, .. } if l == language),
        )
    };
    QuestionLine {
        key: question.key.clone(),
        text: desk.text(&question.text),
        kind: app.t(desk.language, &format!("instrument.kind_{}", question.kind.name()), &[]),
        when: desk.when_words(app, question.when.as_ref()),
        href: format!("{}/question/{}", desk.href(), question.key),
        off: question.off,
        optional: question.optional,
        new: desk.base.question(&question.key).is_none(),
        faulty: !own.is_empty(),
        missing: Language::ALL.iter().filter(|l| lacks(l)).map(|l| l.tag().to_owned()).collect(),
    }
}

/// Everything that is wrong, with where it is put right.
pub(super) fn fault_lines(app: &App, desk: &Desk) -> Vec<FaultLine> {
    let line = |fault: &LoadFault| FaultLine {
        place: fault.place.clone(),
        href: place_href(desk, &fault.place),
        text: words::fault(app, desk.language, &fault.kind),
    };
    desk.faults.iter().map(line).collect()
}

/// The page on which the thing of this key is edited.
fn place_href(desk: &Desk, place: &str) -> Option<String> {
    let form = &desk.draft.form;
    let questions = || form.blocks.iter().flat_map(|b| &b.questions);
    let question = questions()
        .find(|q| {
            q.key == place
                || q.kind.items().iter().any(|i| i.key == place)
                || q.kind.options().iter().any(|o| questionnaire::option_key(&q.key, &o.code) == place)
        })
        .map(|q| format!("{}/question/{}", desk.href(), q.key));
    question.or_else(|| form.blocks.iter().find(|b| b.key == place).map(|b| format!("{}/block/{}", desk.href(), b.key)))
}

/// Moves, adds, takes out or takes back: `do=up question overall`.
async fn change(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let id = &desk.staff.municipality.id;
    let edit = desk.edit(&app, &sent);
    let (what, rest) = field(&sent, "do").and_then(|d| d.split_once(' ').or(Some((d, "")))).unwrap_or_default();
    let mut form = desk.draft.form.clone();
    let place = Place::parse(rest);
    let (page, told, changed) = match (what, place) {
        ("undo", _) => {
            let undone = app.store().undo_questionnaire_draft(id, edit).await?;
            return Ok(desk.to("", if undone { "undone" } else { "nothing" }));
        }
        ("up" | "down", Some(place)) => (String::new(), "saved", form.shift(&place, what == "up")),
        ("remove", Some(place)) => (String::new(), "removed", form.take_out(&place)),
        ("block", _) => {
            let key = form.add_block(Some(rest).filter(|after| !after.is_empty()));
            (format!("/block/{key}"), "saved", true)
        }
        ("question", _) => {
            let kind = field(&sent, &format!("kind {rest}")).unwrap_or_default();
            match form.add_question(rest, kind) {
                Some(key) => (format!("/question/{key}"), "saved", true),
                None => (String::new(), "nothing", false),
            }
        }
        _ => return Err(PageError::BadRequest),
    };
    if !changed {
        return Ok(desk.to("", "nothing"));
    }
    if app.store().change_questionnaire_draft(id, edit, &form).await? {
        return Ok(desk.to(&page, told));
    }
    let desk = Desk::open(&app, &visit, desk.staff, &draft).await?;
    let notice = Notice { text: "instrument.told_conflict", warning: true };
    let page = overview(&app, &desk, Some(notice));
    app.view(&visit).of(&desk.staff.municipality).status(StatusCode::CONFLICT).render(&page)
}
