//! Single businesses of a year's frame: found, corrected by hand, left out and taken in again.
use std::collections::BTreeMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::ids::BusinessId;
use domain::language::Language;
use domain::registers::shown_unit;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::edits::{EditField, EditedUnit, FrameEdit};
use text::EngineError;

use super::Done;
use super::extract::{address, to};
use super::year::{Words, year_of};
use crate::app::App;
use crate::error::PageError;
use crate::pages::console::{sectors, sizes, titled};
use crate::pages::signin::{Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Businesses that a search shows.
const FOUND: usize = 50;
/// Characters of a text at most.
const LONGEST: usize = 200;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/frames/{year}/units", routing::get(search))
        .route("/{slug}/console/frames/{year}/units/{business}", routing::get(show).post(edit))
        .route("/{slug}/console/frames/{year}/units/{business}/exclude", routing::post(exclude))
        .route("/{slug}/console/frames/{year}/units/{business}/include", routing::post(include))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<UnitsPage>(site)?;
    templates.check::<UnitPage>(site)
}

/// `GET /{slug}/console/frames/{year}/units`
#[derive(Debug, Serialize)]
pub struct UnitsPage {
    /// Navigation.
    pub bar: Bar,
    /// The year.
    pub year: i32,
    /// Where the year's frame is.
    pub back: String,
    /// What is looked for.
    pub words: String,
    /// What was found.
    pub found: Vec<UnitLine>,
    /// There may be more.
    pub more: bool,
    /// Those that staff left out.
    pub excluded: Vec<UnitLine>,
}

/// A business in a list.
#[derive(Debug, Serialize)]
pub struct UnitLine {
    /// Its page.
    pub href: String,
    /// Its number, as it may be shown.
    pub number: String,
    /// Name.
    pub name: String,
    /// Town.
    pub city: String,
    /// Sector.
    pub sector: String,
    /// Size class.
    pub size: String,
    /// It has a mail address.
    pub has_email: bool,
    /// The register protects it.
    pub protected: bool,
}

impl UnitLine {
    fn sample(full: bool) -> Self {
        Self {
            href: "/x".to_owned(),
            number: "1003388394".to_owned(),
            name: "Ærø Smede".to_owned(),
            city: "Køge".to_owned(),
            sector: "Handel".to_owned(),
            size: "10–49".to_owned(),
            has_email: full,
            protected: full,
        }
    }
}

impl Page for UnitsPage {
    const TEMPLATE: &'static str = "console/frame-units.html";

    fn samples() -> Vec<Self> {
        let page = |words: &str, full: bool| Self {
            bar: Bar::sample(true),
            year: 2026,
            back: "/x".to_owned(),
            words: words.to_owned(),
            found: if full { vec![UnitLine::sample(true), UnitLine::sample(false)] } else { Vec::new() },
            more: full,
            excluded: if full { vec![UnitLine::sample(true)] } else { Vec::new() },
        };
        vec![page("smed", true), page("smed", false), page("", false)]
    }
}

async fn search(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year)): Path<(String, String)>,
    Query(words): Query<Words>,
) -> Result<Response, PageError> {
    let (id, year) = (&staff.municipality.id, year_of(&year)?);
    app.store().frame_story(id, year).await?.ok_or(StoreError::NotFound("frame"))?;
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let titles = (sectors(&staff.municipality, language), sizes(&staff.municipality, language));
    let back = format!("/{}/console/frames/{year}", staff.municipality.slug);
    let words: String = words.q.trim().chars().take(LONGEST).collect();
    let wanted: Vec<String> = words.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let found = if wanted.is_empty() {
        Vec::new()
    } else {
        let is_wanted = |line: &store::edits::UnitLine| {
            let name = format!("{} {}", line.name, shown_unit(&line.unit_key).unwrap_or_default()).to_lowercase();
            wanted.iter().all(|word| name.contains(word.as_str()))
        };
        app.store().find_frame_units(id, year, FOUND, is_wanted).await?
    };
    let excluded = app.store().excluded_units(id, year).await?;
    let excluded = excluded.into_iter().map(|row| UnitLine {
        href: format!("{back}/units/{}", row.business),
        number: shown_unit(&row.unit.unit_key).unwrap_or_default().to_owned(),
        name: row.unit.name,
        city: row.unit.city,
        sector: titled(&titles.0, &row.unit.sector).to_owned(),
        size: titled(&titles.1, &row.unit.size).to_owned(),
        has_email: row.unit.email.is_some(),
        protected: row.unit.protected,
    });
    let page = UnitsPage {
        bar: staff.bar("frames"),
        year,
        words,
        more: found.len() == FOUND,
        excluded: excluded.collect(),
        found: found
            .into_iter()
            .map(|line| UnitLine {
                href: format!("{back}/units/{}", line.business),
                number: shown_unit(&line.unit_key).unwrap_or_default().to_owned(),
                name: line.name,
                city: line.city,
                sector: titled(&titles.0, &line.sector).to_owned(),
                size: titled(&titles.1, &line.size).to_owned(),
                has_email: line.has_email,
                protected: line.protected,
            })
            .collect(),
        back,
    };
    view.render(&page)
}

/// `GET /{slug}/console/frames/{year}/units/{business}`
#[derive(Debug, Serialize)]
pub struct UnitPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The year.
    pub year: i32,
    /// Where the year's frame is.
    pub back: String,
    /// Its own address.
    pub href: String,
    /// Name.
    pub name: String,
    /// Facts that are not corrected here.
    pub facts: UnitFacts,
    /// The year's frame is in use by a round.
    pub frozen: bool,
    /// Left out by staff.
    pub excluded: bool,
    /// The form.
    pub form: UnitForm,
    /// Sectors to choose from: key and title.
    pub sectors: Vec<(String, String)>,
    /// Keys of messages, by field.
    pub faults: BTreeMap<&'static str, &'static str>,
    /// What was corrected, latest first.
    pub history: Vec<EditLine>,
}

/// What the register says of a business and staff do not correct.
#[derive(Debug, Serialize)]
pub struct UnitFacts {
    /// Its number, as it may be shown.
    pub number: String,
    /// Industry code.
    pub code: String,
    /// Its classification.
    pub classification: String,
    /// Sector.
    pub sector: String,
    /// Size class.
    pub size: String,
    /// Address in one line.
    pub address: String,
    /// Start date.
    pub started_on: Option<String>,
    /// Area.
    pub area: Option<String>,
    /// The register protects it.
    pub protected: bool,
    /// It has a mail address.
    pub has_email: bool,
}

/// The form of a correction.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitForm {
    /// Name.
    pub name: String,
    /// Street and number.
    pub street: String,
    /// Postal code.
    pub postcode: String,
    /// Town.
    pub city: String,
    /// Mail address.
    pub email: String,
    /// Telephone.
    pub phone: String,
    /// Key of the sector.
    pub sector: String,
    /// Why.
    pub reason: String,
}

/// A correction in words.
#[derive(Debug, Serialize)]
pub struct EditLine {
    /// Of what: key of the field's name.
    pub field: String,
    /// What the register said.
    pub was: String,
    /// What stands instead.
    pub written: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub by: Option<String>,
    /// When, in milliseconds.
    pub at: i64,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// When it ended, in milliseconds.
    pub ended_at: Option<i64>,
}

impl Page for UnitPage {
    const TEMPLATE: &'static str = "console/frame-unit.html";

    fn samples() -> Vec<Self> {
        let line = |full: bool| EditLine {
            field: "frames.edit_email".to_owned(),
            was: if full { "a@b.dk".to_owned() } else { String::new() },
            written: if full { "c@d.dk".to_owned() } else { String::new() },
            reason: "Ringede selv.".to_owned(),
            by: full.then(|| "Mette Holm".to_owned()),
            at: 1_790_000_000_000,
            ended_by: full.then(|| "Mette Holm".to_owned()),
            ended_at: full.then_some(1_790_000_000_000),
        };
        let faults = ["name", "email", "sector", "reason"].map(|field| (field, "frames.fault_reason"));
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            note: full.then_some("frames.flash_saved"),
            year: 2026,
            back: "/x".to_owned(),
            href: "/x/units/1".to_owned(),
            name: "Ærø Smede".to_owned(),
            facts: UnitFacts {
                number: "1003388394".to_owned(),
                code: "45.20.10".to_owned(),
                classification: "db25".to_owned(),
                sector: "Handel".to_owned(),
                size: "10–49".to_owned(),
                address: "Smedegade 1, 4600 Køge".to_owned(),
                started_on: full.then(|| "2011-05-01".to_owned()),
                area: full.then(|| "nord".to_owned()),
                protected: full,
                has_email: full,
            },
            frozen: false,
            excluded: false,
            form: UnitForm { sector: "trade".to_owned(), ..UnitForm::default() },
            sectors: vec![("trade".to_owned(), "Handel".to_owned()), ("other".to_owned(), "Andet".to_owned())],
            faults: if full { faults.into() } else { BTreeMap::new() },
            history: if full { vec![line(true), line(false)] } else { Vec::new() },
        };
        vec![page(true), page(false), Self { frozen: true, ..page(true) }, Self { excluded: true, ..page(true) }]
    }
}

impl UnitForm {
    fn of(unit: &EditedUnit) -> Self {
        let text = |field: EditField| field.of(&unit.row.unit).unwrap_or_default().to_owned();
        Self {
            name: text(EditField::Name),
            street: text(EditField::Street),
            postcode: text(EditField::Postcode),
            city: text(EditField::City),
            email: text(EditField::Email),
            phone: text(EditField::Phone),
            sector: text(EditField::Sector),
            reason: String::new(),
        }
    }

    /// Without blanks around and too long texts.
    fn tidied(mut self) -> Self {
        let fields = [
            &mut self.name,
            &mut self.street,
            &mut self.postcode,
            &mut self.city,
            &mut self.email,
            &mut self.phone,
            &mut self.sector,
            &mut self.reason,
        ];
        for field in fields {
            *field = field.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        }
        self
    }

    /// What is to be written, or what is wrong: keys of messages, by field.
    fn read(&self, sectors: &[(String, String)]) -> Result<Vec<(EditField, Option<String>)>, Faults> {
        let mut faults = Faults::new();
        let email = (!self.email.is_empty()).then(|| intake::email::parse(&self.email));
        if email == Some(None) {
            faults.insert("email", "frames.fault_email");
        }
        if self.name.is_empty() {
            faults.insert("name", "frames.fault_name");
        }
        if sectors.iter().all(|(key, _)| *key != self.sector) {
            faults.insert("sector", "frames.fault_sector");
        }
        if self.reason.is_empty() {
            faults.insert("reason", "frames.fault_reason");
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let some = |text: &str| Some(text.to_owned());
        Ok(vec![
            (EditField::Name, some(&self.name)),
            (EditField::Street, some(&self.street)),
            (EditField::Postcode, some(&self.postcode)),
            (EditField::City, some(&self.city)),
            (EditField::Email, email.flatten()),
            (EditField::Phone, some(&self.phone).filter(|phone| !phone.is_empty())),
            (EditField::Sector, some(&self.sector)),
        ])
    }
}

type Faults = BTreeMap<&'static str, &'static str>;

fn edit_line(language: Language, titles: &[(String, String)], app: &App, edit: FrameEdit) -> EditLine {
    let text = |text: Option<String>| match (edit.field, text) {
        (EditField::Sector, Some(key)) => titled(titles, &key).to_owned(),
        (EditField::Excluded, Some(_)) => app.t(language, "frames.left_out", &[]),
        (EditField::Excluded, None) => app.t(language, "frames.taken_in", &[]),
        (_, text) => text.unwrap_or_default(),
    };
    EditLine {
        field: format!("frames.edit_{}", edit.field.as_str()),
        was: text(edit.was),
        written: text(edit.written),
        reason: edit.reason,
        by: edit.made_by,
        at: edit.made_at.0,
        ended_by: edit.ended_by,
        ended_at: edit.ended_at.map(|at| at.0),
    }
}

async fn unit_page(
    app: &App,
    staff: &Staff,
    language: Language,
    (year, business): (i32, &BusinessId),
    filled: Option<(UnitForm, Faults)>,
) -> Result<UnitPage, PageError> {
    let unit = app.store().frame_unit(&staff.municipality.id, year, business).await?;
    let titles = sectors(&staff.municipality, language);
    let size_titles = sizes(&staff.municipality, language);
    let back = format!("/{}/console/frames/{year}", staff.municipality.slug);
    let (form, faults) = filled.unwrap_or_else(|| (UnitForm::of(&unit), Faults::new()));
    let of = &unit.row.unit;
    Ok(UnitPage {
        bar: staff.bar("frames"),
        note: None,
        year,
        href: format!("{back}/units/{business}"),
        back,
        name: of.name.clone(),
        facts: UnitFacts {
            number: shown_unit(&of.unit_key).unwrap_or_default().to_owned(),
            code: of.industry_code.clone(),
            classification: of.classification.key().to_owned(),
            sector: titled(&titles, &of.sector).to_owned(),
            size: titled(&size_titles, &of.size).to_owned(),
            address: address(of),
            started_on: of.started_on.clone(),
            area: of.area.clone(),
            protected: of.protected,
            has_email: of.email.is_some(),
        },
        frozen: unit.frozen,
        excluded: unit.excluded,
        form,
        faults,
        history: unit.history.into_iter().map(|edit| edit_line(language, &titles, app, edit)).collect(),
        sectors: titles,
    })
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year, business)): Path<(String, String, String)>,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    let view = app.view(&visit).of(&staff.municipality);
    let place = (year_of(&year)?, BusinessId(business));
    let page = unit_page(&app, &staff, view.language(), (place.0, &place.1), None).await?;
    view.render(&UnitPage { note: done.key(), ..page })
}

async fn edit(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year, business)): Path<(String, String, String)>,
    Form(form): Form<UnitForm>,
) -> Result<Response, PageError> {
    let (id, year, business) = (&staff.municipality.id, year_of(&year)?, BusinessId(business));
    let view = app.view(&visit).of(&staff.municipality);
    let language = view.language();
    let form = form.tidied();
    let written = match form.read(&sectors(&staff.municipality, language)) {
        Ok(written) => written,
        Err(faults) => {
            let page = unit_page(&app, &staff, language, (year, &business), Some((form, faults))).await?;
            return view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
        }
    };
    let written: Vec<(EditField, Option<&str>)> = written.iter().map(|(f, text)| (*f, text.as_deref())).collect();
    let by = Some(&staff.user.id);
    let changed = app.store().edit_frame_unit(id, (year, &business), &written, &form.reason, by, app.now()).await?;
    let done = if changed.is_empty() { "unchanged" } else { "saved" };
    Ok(to(&staff, &format!("{year}/units/{business}?done={done}")))
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

async fn exclude(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, year, business)): Path<(String, String, String)>,
    Form(form): Form<Reason>,
) -> Result<Response, PageError> {
    let (id, year, business) = (&staff.municipality.id, year_of(&year)?, BusinessId(business));
    let UnitForm { reason, .. } = UnitForm { reason: form.reason, ..UnitForm::default() }.tidied();
    if reason.is_empty() {
        let view = app.view(&visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY);
        let mut page = unit_page(&app, &staff, view.language(), (year, &business), None).await?;
        page.faults.insert("why", "frames.fault_reason");
        return view.render(&page);
    }
    let by = Some(&staff.user.id);
    app.store().exclude_frame_unit(id, (year, &business), Some(&reason), by, app.now()).await?;
    Ok(to(&staff, &format!("{year}/units/{business}?done=excluded")))
}

async fn include(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, year, business)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let (id, year, business) = (&staff.municipality.id, year_of(&year)?, BusinessId(business));
    let by = Some(&staff.user.id);
    app.store().exclude_frame_unit(id, (year, &business), None, by, app.now()).await?;
    Ok(to(&staff, &format!("{year}/units/{business}?done=included")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correction_needs_a_reason_a_name_a_sector_and_a_mail_address_that_is_one() {
        let sectors = [("trade".to_owned(), "Handel".to_owned())];
        let form = UnitForm {
            name: "  Ærø\u{7} Smede ".into(),
            email: "Info@Smed.DK".into(),
            sector: "trade".into(),
            reason: "Ringede".into(),
            ..UnitForm::default()
        };
        let written = form.clone().tidied().read(&sectors).unwrap();
        assert_eq!(written[0], (EditField::Name, Some("Ærø Smede".to_owned())));
        assert_eq!(written[4], (EditField::Email, Some("Info@smed.dk".to_owned())));
        assert_eq!(written[5], (EditField::Phone, None));
        let form = UnitForm { email: "nobody".into(), sector: "gone".into(), ..UnitForm::default() };
        let faults: Vec<&str> = form.read(&sectors).unwrap_err().into_keys().collect();
        assert_eq!(faults, ["email", "name", "reason", "sector"]);
    }
}
