//! Newcomers since the last register extract, and visits to businesses: agreed ones, and what was said on those made.
use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::ids::BusinessId;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use store::follow::{Known, NewVisit, Newcomer, Visit as Kept};
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::rounds::today;
use crate::pages::console::{sectors, titled};
use crate::pages::signin::{Analyst, Bar, Note, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Businesses offered for a search.
const MOST_FOUND: usize = 20;
/// Newcomers on the page; the rest is counted.
const MOST_NEW: usize = 200;
/// Letters of a note at most.
const NOTE_LETTERS: usize = 4000;
/// Years that a visit may lie from today, either way: more is a slip of the pen.
const YEARS_AWAY: i16 = 5;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/visits", routing::get(show).post(keep))
        .route("/{slug}/console/visits/find", routing::post(find))
        .route("/{slug}/console/visits/new", routing::get(ask))
        .route("/{slug}/console/visits/{visit}/delete", routing::post(delete))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<VisitsPage>(site)?;
    templates.check::<VisitPage>(site)
}

/// `GET /{slug}/console/visits`
#[derive(Debug, Serialize)]
pub struct VisitsPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// What was searched for.
    pub words: String,
    /// Businesses found.
    pub found: Vec<FoundLine>,
    /// The newcomers; `None`: there is no register extract yet.
    pub newcomers: Option<NewcomersInfo>,
    /// Visits, latest first.
    pub visits: Vec<VisitLine>,
}

/// A business found.
#[derive(Debug, Serialize)]
pub struct FoundLine {
    /// Where a visit to it is written down.
    pub href: String,
    /// Name.
    pub name: String,
    /// Street.
    pub street: String,
    /// The register protects it.
    pub protected: bool,
}

/// The newcomers of the latest extract.
#[derive(Debug, Serialize)]
pub struct NewcomersInfo {
    /// The extract's year.
    pub year: i32,
    /// The year compared with; `None`: there is no earlier one.
    pub compared_with: Option<i32>,
    /// How many there are.
    pub n: usize,
    /// The first of them.
    pub lines: Vec<NewcomerLine>,
}

/// A newcomer.
#[derive(Debug, Serialize)]
pub struct NewcomerLine {
    /// Where a visit to it is written down.
    pub href: String,
    /// Name.
    pub name: String,
    /// Street.
    pub street: String,
    /// Its sector, in words.
    pub sector: String,
    /// When it began.
    pub started_on: Option<String>,
    /// The register protects it.
    pub protected: bool,
    /// It can be written to.
    pub has_email: bool,
    /// The latest visit.
    pub visited_on: Option<String>,
}

/// A visit in the log.
#[derive(Debug, Serialize)]
pub struct VisitLine {
    /// Where it is deleted.
    pub delete: String,
    /// The business; empty when it is gone from the register.
    pub name: String,
    /// Its street.
    pub street: String,
    /// The day.
    pub visited_on: String,
    /// The day is still to come.
    pub agreed: bool,
    /// Who went.
    pub visitor: String,
    /// What was said.
    pub note: String,
    /// Why a protected business was visited.
    pub basis: Option<String>,
}

impl Page for VisitsPage {
    const TEMPLATE: &'static str = "console/visits.html";

    fn samples() -> Vec<Self> {
        let text = str::to_owned;
        let found =
            |protected| FoundLine { href: text("/x"), name: text("Salon Saks"), street: text("Havnevej 9"), protected };
        let newcomer = |full: bool| NewcomerLine {
            href: text("/x"),
            name: text("Salon Saks"),
            street: text("Havnevej 9"),
            sector: text("Øvrige"),
            started_on: full.then(|| text("2026-05-01")),
            protected: !full,
            has_email: full,
            visited_on: full.then(|| text("2026-10-01")),
        };
        let visit = |full: bool| VisitLine {
            delete: text("/x"),
            name: if full { text("Salon Saks") } else { String::new() },
            street: text("Havnevej 9"),
            visited_on: text("2026-10-01"),
            agreed: !full,
            visitor: text("Mette Holm"),
            note: if full { text("Vejene") } else { String::new() },
            basis: full.then(|| text("De ringede selv")),
        };
        let some = |compared_with, lines: Vec<NewcomerLine>| NewcomersInfo {
            year: 2026,
            compared_with,
            n: lines.len(),
            lines,
        };
        let page = |note, newcomers, visits| Self {
            bar: Bar::sample(true),
            note,
            words: String::new(),
            found: Vec::new(),
            newcomers,
            visits,
        };
        vec![
            Self {
                words: text("saks"),
                found: vec![found(true), found(false)],
                ..page(
                    Note::Saved.key(),
                    Some(some(Some(2025), vec![newcomer(true), newcomer(false)])),
                    vec![visit(true), visit(false)],
                )
            },
            Self { words: text("x"), ..page(None, Some(some(None, Vec::new())), Vec::new()) },
            page(None, Some(some(Some(2025), Vec::new())), Vec::new()),
            page(None, None, Vec::new()),
        ]
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    note: Note,
) -> Result<Response, PageError> {
    let page = page(&app, &visit, &staff, "").await?;
    app.view(&visit).of(&staff.municipality).render(&VisitsPage { note: note.key(), ..page })
}

#[derive(Deserialize)]
struct FindForm {
    #[serde(default)]
    words: String,
}

/// A search goes by POST: a sole trader's name is in no address.
async fn find(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(form): Form<FindForm>,
) -> Result<Response, PageError> {
    let words: String = form.words.trim().chars().take(100).collect();
    let page = page(&app, &visit, &staff, &words).await?;
    app.view(&visit).of(&staff.municipality).render(&page)
}

async fn page(app: &App, visit: &Visit, staff: &Staff, words: &str) -> Result<VisitsPage, PageError> {
    let (id, today) = (&staff.municipality.id, today(app, staff));
    let titles = sectors(&staff.municipality, app.view(visit).of(&staff.municipality).language());
    let found = app.store().find_businesses(id, words, MOST_FOUND).await?;
    let newcomers = app.store().newcomers(id).await?.map(|new| NewcomersInfo {
        year: new.year,
        compared_with: new.compared_with,
        n: new.businesses.len(),
        lines: new.businesses.into_iter().take(MOST_NEW).map(|n| newcomer(staff, n, &titles)).collect(),
    });
    let visits = app.store().visits(id).await?;
    Ok(VisitsPage {
        bar: staff.bar("visits"),
        note: None,
        words: words.to_owned(),
        found: found.into_iter().map(|known| found_line(staff, known)).collect(),
        newcomers,
        visits: visits.into_iter().map(|kept| visit_line(staff, kept, today)).collect(),
    })
}

fn new_href(staff: &Staff, business: &BusinessId) -> String {
    format!("/{}/console/visits/new?business={business}", staff.municipality.slug)
}

fn found_line(staff: &Staff, known: Known) -> FoundLine {
    FoundLine {
        href: new_href(staff, &known.business),
        name: known.name,
        street: known.street,
        protected: known.protected,
    }
}

fn newcomer(staff: &Staff, new: Newcomer, titles: &[(String, String)]) -> NewcomerLine {
    NewcomerLine {
        href: new_href(staff, &new.business),
        sector: titled(titles, &new.sector).to_owned(),
        name: new.name,
        street: new.street,
        started_on: new.started_on,
        protected: new.protected,
        has_email: new.has_email,
        visited_on: new.visited_on,
    }
}

fn visit_line(staff: &Staff, kept: Kept, today: Date) -> VisitLine {
    VisitLine {
        delete: format!("/{}/console/visits/{}/delete", staff.municipality.slug, kept.id),
        agreed: kept.visited_on.parse::<Date>().is_ok_and(|day| day > today),
        name: kept.name,
        street: kept.street,
        visited_on: kept.visited_on,
        visitor: kept.visitor,
        note: kept.note,
        basis: kept.basis,
    }
}

/// `GET /{slug}/console/visits/new?business=…`
#[derive(Debug, Serialize)]
pub struct VisitPage {
    /// Navigation.
    pub bar: Bar,
    /// The business.
    pub name: String,
    /// Its street.
    pub street: String,
    /// The register protects it: a visit needs a reason that is written down.
    pub protected: bool,
    /// The form as it was filled in.
    pub form: VisitForm,
    /// Keys of the messages that say what is wrong, by field.
    pub faults: BTreeMap<&'static str, &'static str>,
}

/// The form of a visit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct VisitForm {
    /// The business.
    #[serde(default)]
    pub business: String,
    /// The day.
    #[serde(default)]
    pub visited_on: String,
    /// Who goes.
    #[serde(default)]
    pub visitor: String,
    /// What was said.
    #[serde(default)]
    pub note: String,
    /// Why a protected business may be visited.
    #[serde(default)]
    pub basis: String,
}

impl Page for VisitPage {
    const TEMPLATE: &'static str = "console/visit.html";

    fn samples() -> Vec<Self> {
        let faults = [
            ("visited_on", "console.fault_date"),
            ("visitor", "follow.fault_visitor"),
            ("basis", "follow.fault_basis"),
        ];
        let page = |protected, faults: BTreeMap<_, _>| Self {
            bar: Bar::sample(true),
            name: "Salon Saks".to_owned(),
            street: "Havnevej 9".to_owned(),
            protected,
            form: VisitForm::default(),
            faults,
        };
        vec![page(true, faults.into()), page(false, BTreeMap::new())]
    }
}

impl VisitForm {
    fn read(&self, protected: bool, today: Date) -> Result<NewVisit, BTreeMap<&'static str, &'static str>> {
        let cut = |text: &str, letters| text.trim().chars().take(letters).collect::<String>();
        let (visitor, basis) = (cut(&self.visitor, 120), cut(&self.basis, 500));
        let mut faults = BTreeMap::new();
        let day = self.visited_on.trim().parse::<Date>();
        match &day {
            Err(_) => drop(faults.insert("visited_on", "console.fault_date")),
            Ok(day) if (day.year() - today.year()).abs() > YEARS_AWAY => {
                faults.insert("visited_on", "follow.fault_far");
            }
            Ok(_) => {}
        }
        if visitor.is_empty() {
            faults.insert("visitor", "follow.fault_visitor");
        }
        if protected && basis.is_empty() {
            faults.insert("basis", "follow.fault_basis");
        }
        match day {
            Ok(day) if faults.is_empty() => Ok(NewVisit {
                business: BusinessId(self.business.clone()),
                visited_on: day.to_string(),
                visitor,
                note: cut(&self.note, NOTE_LETTERS),
                basis: protected.then_some(basis),
            }),
            _ => Err(faults),
        }
    }
}

#[derive(Deserialize)]
struct AskQuery {
    #[serde(default)]
    business: String,
}

async fn ask(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Query(query): Query<AskQuery>,
) -> Result<Response, PageError> {
    let known = known(&app, &staff, &query.business).await?;
    let form = VisitForm {
        business: query.business,
        visited_on: today(&app, &staff).to_string(),
        visitor: staff.user.name.clone(),
        ..VisitForm::default()
    };
    app.view(&visit).of(&staff.municipality).render(&form_page(&staff, known, form, BTreeMap::new()))
}

async fn known(app: &App, staff: &Staff, business: &str) -> Result<Known, PageError> {
    let business = BusinessId(business.to_owned());
    app.store().known_business(&staff.municipality.id, &business).await?.ok_or(PageError::NotFound)
}

fn form_page(staff: &Staff, known: Known, form: VisitForm, faults: BTreeMap<&'static str, &'static str>) -> VisitPage {
    VisitPage {
        bar: staff.bar("visits"),
        name: known.name,
        street: known.street,
        protected: known.protected,
        form,
        faults,
    }
}

async fn keep(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Form(form): Form<VisitForm>,
) -> Result<Response, PageError> {
    let known = known(&app, &staff, &form.business).await?;
    match form.read(known.protected, today(&app, &staff)) {
        Ok(new) => {
            app.store().add_visit(&staff.municipality.id, &new, &staff.user.id, app.now()).await?;
            let basis = new.basis.as_deref().unwrap_or_default();
            staff.did(&app, "visit.kept", new.business.as_str(), basis).await?;
            Ok(back(&staff, "saved"))
        }
        Err(faults) => {
            let page = form_page(&staff, known, form, faults);
            app.view(&visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY).render(&page)
        }
    }
}

async fn delete(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, visit)): Path<(String, String)>,
) -> Result<Response, PageError> {
    app.store().drop_visit(&staff.municipality.id, &visit).await?;
    staff.did(&app, "visit.deleted", &visit, "").await?;
    Ok(back(&staff, "deleted"))
}

fn back(staff: &Staff, note: &str) -> Response {
    Redirect::to(&format!("/{}/console/visits?note={note}", staff.municipality.slug)).into_response()
}
