//! What a municipality says of itself: who asks, who protects data, where its accessibility statement is, how its pages look.
use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::fieldwork::RoundState;
use domain::language::Language;
use domain::municipality::{LINK_YEARS, Municipality, SettingFault, Settings, Statement};
use domain::sending::SendHours;
use serde::{Deserialize, Serialize};
use text::{EngineError, format};

use crate::app::App;
use crate::error::PageError;
use crate::logo::{self, LogoFault};
use crate::pages::signin::{Administrator, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::theme::Theme;
use crate::visit::Visit;

/// The longest text that stands for a logo.
const LONGEST_ALT: usize = 120;
/// The longest name of a municipality.
const LONGEST_NAME: usize = 120;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/settings", routing::get(show).post(save))
        .route(
            "/{slug}/console/settings/logo",
            // What is too large for a logo is still read, so that it can be said how large it may be.
            routing::post(put_logo).layer(DefaultBodyLimit::max(4 * 1024 * 1024)),
        )
        .route("/{slug}/console/settings/logo/drop", routing::post(drop_logo))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<SettingsPage>(site)
}

/// Key of the sentence that warns of a statement that is missing or due for review.
pub(super) fn warning(app: &App, municipality: &Municipality) -> Option<&'static str> {
    let today = app.now().date_in(&format::zone(&municipality.settings.time_zone));
    match municipality.settings.statement(today) {
        Statement::Missing => Some("answering.statement_missing"),
        Statement::Undated => Some("answering.statement_undated"),
        Statement::Old => Some("answering.statement_old"),
        Statement::Current => None,
    }
}

/// Names of the settings without which nobody should be asked anything.
pub(super) fn missing(settings: &Settings) -> Vec<&'static str> {
    let needed = [
        ("contact_name", settings.contact_name.is_empty()),
        ("contact_email", settings.contact_email.is_empty()),
        ("own_numbers", settings.own_numbers.is_empty()),
        ("dpo_email", settings.dpo_email.is_empty()),
    ];
    needed.into_iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| name).collect()
}

/// `GET /{slug}/console/settings`
#[derive(Debug, Serialize)]
pub struct SettingsPage {
    /// Navigation.
    pub bar: Bar,
    /// Just saved.
    pub saved: bool,
    /// About the accessibility statement: key of a message.
    pub warning: Option<&'static str>,
    /// The form, group by group.
    pub groups: Vec<Group>,
    /// Name and message key of what is wrong.
    pub faults: Vec<(String, String)>,
    /// Saving cuts links now, which cannot be undone: it is to be meant.
    pub cuts: bool,
    /// The languages on offer: tag, name, chosen.
    pub tongues: Vec<(String, String, bool)>,
    /// The colour in the form.
    pub colour: String,
    /// What is wrong with the colour.
    pub colour_fault: Option<String>,
    /// It is shown as given.
    pub colour_kept: bool,
    /// The colour as given against white, in words.
    pub colour_given: String,
    /// The shade that is shown by day.
    pub colour_day: String,
    /// Measured distances.
    pub contrasts: Vec<ContrastLine>,
    /// The logo that is shown.
    pub logo: Option<LogoView>,
    /// What is wrong with the file: key of a message.
    pub logo_fault: Option<&'static str>,
    /// What stands in the file that may not: an element or attribute.
    pub logo_found: String,
    /// The text in the form of the logo.
    pub alt: String,
}

/// Fields that belong together.
#[derive(Debug, Serialize)]
pub struct Group {
    /// `answering.settings_<key>` is its heading.
    pub key: &'static str,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of the form.
#[derive(Debug, Serialize)]
pub struct Field {
    /// Its name; `answering.setting_<name>` is its label, `answering.setting_<name>_hint` says more where it exists.
    pub name: &'static str,
    /// `text`, `email`, `url`, `date`, `number`, `area`.
    pub kind: &'static str,
    /// Least and most of a number.
    pub range: (i32, i32),
    /// There is more to say about it.
    pub hint: bool,
    /// As it stands.
    pub value: String,
    /// What is wrong with it: key of a message.
    pub fault: Option<String>,
}

/// A measured distance.
#[derive(Debug, Serialize)]
pub struct ContrastLine {
    /// `answering.contrast_<what>` says what against what.
    pub what: &'static str,
    /// The ratio, in words: "7,2 : 1".
    pub ratio: String,
    /// The least that it must be.
    pub needed: String,
}

/// The logo that is shown.
#[derive(Debug, Serialize)]
pub struct LogoView {
    /// Its address.
    pub src: String,
    /// What it says.
    pub alt: String,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Page for SettingsPage {
    const TEMPLATE: &'static str = "console/settings.html";

    fn samples() -> Vec<Self> {
        let kinds = ["text", "email", "url", "date", "number", "area"];
        let field = |full: bool, kind| Field {
            name: "dpo_email",
            kind,
            range: (5, 50),
            hint: full,
            value: "dpo@hojager.example".into(),
            fault: full.then(|| "answering.fault_email".to_owned()),
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            saved: !full,
            warning: full.then_some("answering.statement_missing"),
            groups: vec![Group { key: "privacy", fields: kinds.map(|kind| field(full, kind)).into() }],
            cuts: full,
            faults: if full { vec![("dpo_email".into(), "answering.fault_email".into())] } else { Vec::new() },
            tongues: vec![("da".into(), "Dansk".into(), true), ("sv".into(), "Svenska".into(), false)],
            colour: "#1d4f7c".into(),
            colour_fault: full.then(|| "answering.fault_colour".to_owned()),
            colour_kept: full,
            colour_given: "8,5 : 1".into(),
            colour_day: "#1d4f7c".into(),
            contrasts: vec![ContrastLine { what: "text_day", ratio: "7,2 : 1".into(), needed: "4,5 : 1".into() }],
            logo: full.then(|| LogoView {
                src: "/hojager/logo?v=1".into(),
                alt: "Højager".into(),
                width: 120,
                height: 40,
            }),
            logo_fault: full.then_some("answering.logo_not_allowed"),
            logo_found: "<script>".into(),
            alt: String::new(),
        };
        vec![page(true), page(false)]
    }
}

/// What a page says about what was just done.
#[derive(Deserialize, Default)]
struct Done {
    #[serde(default)]
    saved: Option<String>,
}

/// The form as sent.
#[derive(Debug, Deserialize)]
struct Sent {
    contact_name: String,
    contact_phone: String,
    contact_email: String,
    sender_email: String,
    confirmation_url: String,
    postal_address: String,
    comment_reader: String,
    committee: String,
    council: String,
    dpo_email: String,
    legal_basis: String,
    accessibility_url: String,
    accessibility_date: String,
    colour: String,
    #[serde(default)]
    language: String,
    threshold: String,
    flood_areas: String,
    name: String,
    administration: String,
    time_zone: String,
    send_hours: String,
    own_numbers: String,
    register_codes: String,
    link_years: String,
    /// Links that are older than what was chosen are to be cut.
    #[serde(default)]
    sure: String,
}

/// What was typed where a setting is no text: kept as it is, whatever is wrong with it.
struct Typed {
    name: String,
    threshold: String,
    link_years: String,
    send_hours: String,
}

impl Typed {
    fn of(municipality: &Municipality) -> Self {
        let settings = &municipality.settings;
        Self {
            name: municipality.name.clone(),
            threshold: settings.threshold.to_string(),
            link_years: settings.link_years.to_string(),
            send_hours: settings.send_hours.map_or_else(String::new, |hours| hours.to_string()),
        }
    }
}

/// One line without what does not print.
fn line(text: &str) -> String {
    let kept: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    kept.trim().to_owned()
}

/// What stands between commas.
fn list(text: &str) -> Vec<String> {
    line(text).split(',').map(str::trim).filter(|a| !a.is_empty()).map(str::to_owned).collect()
}

impl Sent {
    /// These settings with what was sent laid over them.
    fn over(self, known: &Settings) -> Settings {
        let line = |text: String| line(&text);
        let lines = |text: String| {
            let unified = text.replace("\r\n", "\n").replace('\r', "\n");
            let kept: String = unified.chars().filter(|c| !c.is_control() || *c == '\n').collect();
            kept.trim().to_owned()
        };
        Settings {
            contact_name: line(self.contact_name),
            contact_phone: line(self.contact_phone),
            contact_email: line(self.contact_email),
            sender_email: line(self.sender_email),
            confirmation_url: line(self.confirmation_url),
            postal_address: line(self.postal_address),
            comment_reader: line(self.comment_reader),
            committee: line(self.committee),
            council: line(self.council),
            dpo_email: line(self.dpo_email),
            legal_basis: lines(self.legal_basis),
            accessibility_url: line(self.accessibility_url),
            accessibility_date: line(self.accessibility_date),
            colour: line(self.colour).to_ascii_lowercase(),
            language: Language::parse(&self.language).unwrap_or(known.language),
            // What is no number is below the least, and said to be so.
            threshold: self.threshold.trim().parse().unwrap_or(0),
            flood_areas: list(&self.flood_areas),
            administration: line(self.administration),
            time_zone: line(self.time_zone),
            send_hours: SendHours::parse(self.send_hours.trim()).ok(),
            own_numbers: list(&self.own_numbers),
            register_codes: list(&self.register_codes),
            link_years: self.link_years.trim().parse().unwrap_or(0),
            ..known.clone()
        }
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    Query(done): Query<Done>,
) -> Result<Response, PageError> {
    let settings = staff.municipality.settings.clone();
    page(&app, &visit, &staff, (&Typed::of(&staff.municipality), &settings), &[], None, done.saved.is_some())
}

async fn save(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let known = &staff.municipality.settings;
    let typed = Typed {
        name: line(&sent.name),
        threshold: sent.threshold.clone(),
        link_years: sent.link_years.clone(),
        send_hours: sent.send_hours.clone(),
    };
    let sure = sent.sure == "yes";
    let settings = sent.over(known);
    let faults = faults(&app, &staff, &typed, &settings, sure).await?;
    if !faults.is_empty() {
        return page(&app, &visit, &staff, (&typed, &settings), &faults, None, false);
    }
    let mut changed = changed(known, &settings);
    if typed.name != staff.municipality.name {
        changed.push("name".to_owned());
    }
    if !changed.is_empty() {
        app.store().update_municipality(&staff.municipality.id, &typed.name, &settings, app.now()).await?;
        // Which settings, not what they hold: some are names of people.
        staff.did(&app, "settings.changed", "", &changed.join(", ")).await?;
    }
    Ok(to_settings(&staff))
}

/// Everything that is wrong with what was sent.
async fn faults(
    app: &App,
    staff: &Staff,
    typed: &Typed,
    settings: &Settings,
    sure: bool,
) -> Result<Vec<(&'static str, SettingFault)>, PageError> {
    let known = &staff.municipality.settings;
    let today = app.now().date_in(&format::zone(&known.time_zone));
    let mut faults = settings.faults(staff.municipality.country, today);
    if typed.name.is_empty() {
        faults.insert(0, ("name", SettingFault::Missing));
    } else if typed.name.chars().count() > LONGEST_NAME {
        faults.insert(0, ("name", SettingFault::TooLong));
    }
    if settings.send_hours.is_none() && !typed.send_hours.trim().is_empty() {
        faults.push(("send_hours", SettingFault::Hours));
    }
    let is_known = |(name, _): &(&str, SettingFault)| *name == "link_years";
    if settings.link_years != known.link_years && !faults.iter().any(is_known) {
        let rounds = app.store().rounds(&staff.municipality.id).await?;
        let cut = |by: &Settings, year| by.link_cut_on(year) <= today.to_string();
        if settings.keeps_longer_than(known) && rounds.iter().any(|r| r.state != RoundState::Draft) {
            faults.push(("link_years", SettingFault::Promised));
        } else if !sure && rounds.iter().any(|r| cut(settings, r.year) && !cut(known, r.year)) {
            faults.push(("link_years", SettingFault::Cuts));
        }
    }
    Ok(faults)
}

fn to_settings(staff: &Staff) -> Response {
    Redirect::to(&format!("/{}/console/settings?saved=1", staff.municipality.slug)).into_response()
}

/// The names of the settings that differ.
fn changed(before: &Settings, after: &Settings) -> Vec<String> {
    let table = |s: &Settings| match serde_json::to_value(s) {
        Ok(serde_json::Value::Object(table)) => table,
        _ => serde_json::Map::new(),
    };
    let before = table(before);
    table(after).into_iter().filter(|(name, value)| before.get(name) != Some(value)).map(|(name, _)| name).collect()
}

async fn put_logo(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    mut form: Multipart,
) -> Result<Response, PageError> {
    let (mut file, mut alt) = (Vec::new(), String::new());
    while let Some(field) = form.next_field().await.map_err(|_| PageError::BadRequest)? {
        match field.name() {
            Some("logo") => file = field.bytes().await.map_err(|_| PageError::TooLarge)?.to_vec(),
            Some("alt") => alt = field.text().await.map_err(|_| PageError::BadRequest)?,
            _ => {}
        }
    }
    let alt: String = alt.chars().filter(|c| !c.is_control()).take(LONGEST_ALT).collect::<String>().trim().to_owned();
    let settings = staff.municipality.settings.clone();
    let fault = match logo::clean(&file) {
        Ok(_) if alt.is_empty() => ("answering.logo_alt_missing", String::new()),
        Ok(cleaned) => {
            let known = cleaned.known(&alt);
            let content = (cleaned.media_type, cleaned.content.as_slice());
            app.store().put_logo(&staff.municipality.id, &known, content, app.now()).await?;
            staff.did(&app, "settings.changed", "", "logo").await?;
            return Ok(to_settings(&staff));
        }
        Err(fault) => logo_fault(fault),
    };
    let typed = Typed::of(&staff.municipality);
    page(&app, &visit, &staff, (&typed, &settings), &[], Some((fault.0, fault.1, alt)), false)
}

/// A fault as the key of a message, and what was found.
fn logo_fault(fault: LogoFault) -> (&'static str, String) {
    match fault {
        LogoFault::Missing => ("answering.logo_missing", String::new()),
        LogoFault::TooLarge => ("answering.logo_too_large", String::new()),
        LogoFault::Damaged => ("answering.logo_damaged", String::new()),
        LogoFault::TooManyPixels => ("answering.logo_pixels", String::new()),
        LogoFault::NotAllowed(what) => ("answering.logo_not_allowed", what),
        LogoFault::Unknown => ("answering.logo_unknown", String::new()),
    }
}

async fn drop_logo(State(app): State<App>, Administrator(staff): Administrator) -> Result<Response, PageError> {
    app.store().drop_logo(&staff.municipality.id, app.now()).await?;
    staff.did(&app, "settings.changed", "", "logo").await?;
    Ok(to_settings(&staff))
}

type LogoAgain = (&'static str, String, String);

fn page(
    app: &App,
    visit: &Visit,
    staff: &Staff,
    (typed, settings): (&Typed, &Settings),
    faults: &[(&'static str, SettingFault)],
    logo: Option<LogoAgain>,
    saved: bool,
) -> Result<Response, PageError> {
    let is_faulty = !faults.is_empty() || logo.is_some();
    let status = if is_faulty { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let view = app.view(visit).of(&staff.municipality).status(status);
    let language = view.language();
    let ratio = |value: f64| {
        // Cut, not rounded: 4.49 is not 4.5.
        format!("{} : 1", format::number(language, (value * 10.0).floor() / 10.0, 1))
    };
    let fault_of = |name: &str| {
        faults.iter().find(|(n, _)| *n == name).map(|(_, fault)| format!("answering.fault_{}", fault.as_str()))
    };
    let theme = Theme::of(&settings.colour);
    let (logo_fault, logo_found, alt) = match logo {
        Some((fault, found, alt)) => (Some(fault), found, alt),
        None => (None, String::new(), settings.logo.as_ref().map_or_else(String::new, |l| l.alt.clone())),
    };
    view.render(&SettingsPage {
        bar: staff.bar("settings"),
        saved,
        warning: warning(app, &staff.municipality),
        groups: groups(typed, settings, &fault_of),
        cuts: faults.contains(&("link_years", SettingFault::Cuts)),
        faults: faults.iter().map(|(n, f)| ((*n).to_owned(), format!("answering.fault_{}", f.as_str()))).collect(),
        tongues: Language::ALL.map(|l| (l.tag().to_owned(), l.own_name().to_owned(), l == settings.language)).to_vec(),
        colour: settings.colour.clone(),
        colour_fault: fault_of("colour"),
        colour_kept: theme.as_given,
        colour_given: ratio(theme.given),
        colour_day: theme.day(),
        contrasts: theme
            .contrasts()
            .into_iter()
            .map(|c| ContrastLine { what: c.what, ratio: ratio(c.ratio), needed: ratio(c.needed) })
            .collect(),
        logo: staff.municipality.settings.logo.as_ref().map(|l| LogoView {
            src: format!("/{}/logo?v={}", staff.municipality.slug, l.digest),
            alt: l.alt.clone(),
            width: l.width,
            height: l.height,
        }),
        logo_fault,
        logo_found,
        alt,
    })
}

/// The form of these settings.
fn groups(typed: &Typed, s: &Settings, fault_of: &dyn Fn(&str) -> Option<String>) -> Vec<Group> {
    let field = |name: &'static str, kind: &'static str, hint: bool, value: &str| Field {
        name,
        kind,
        range: if name == "link_years" { (1, LINK_YEARS) } else { (5, 50) },
        hint,
        value: value.to_owned(),
        fault: fault_of(name),
    };
    vec![
        Group {
            key: "asks",
            fields: vec![
                field("name", "text", true, &typed.name),
                field("contact_name", "text", true, &s.contact_name),
                field("contact_phone", "text", false, &s.contact_phone),
                field("contact_email", "email", true, &s.contact_email),
                field("sender_email", "email", true, &s.sender_email),
                field("postal_address", "text", false, &s.postal_address),
                field("confirmation_url", "url", true, &s.confirmation_url),
                field("committee", "text", true, &s.committee),
                field("council", "text", true, &s.council),
                field("administration", "text", true, &s.administration),
            ],
        },
        Group {
            key: "sending",
            fields: vec![
                field("send_hours", "text", true, &typed.send_hours),
                field("time_zone", "text", true, &s.time_zone),
            ],
        },
        Group {
            key: "register",
            fields: vec![
                field("own_numbers", "text", true, &s.own_numbers.join(", ")),
                field("register_codes", "text", true, &s.register_codes.join(", ")),
            ],
        },
        Group {
            key: "privacy",
            fields: vec![
                field("dpo_email", "email", true, &s.dpo_email),
                field("comment_reader", "text", true, &s.comment_reader),
                field("legal_basis", "area", true, &s.legal_basis),
                field("threshold", "number", true, &typed.threshold),
                field("link_years", "number", true, &typed.link_years),
            ],
        },
        Group {
            key: "access",
            fields: vec![
                field("accessibility_url", "url", true, &s.accessibility_url),
                field("accessibility_date", "date", true, &s.accessibility_date),
            ],
        },
        Group { key: "questions", fields: vec![field("flood_areas", "text", true, &s.flood_areas.join(", "))] },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_named_and_not_shown() {
        let before = Settings::default();
        let after = Settings { contact_name: "Mette Holm".into(), threshold: 7, ..Settings::default() };
        assert_eq!(changed(&before, &after), ["contact_name", "threshold"]);
        assert_eq!(changed(&before, &before), Vec::<String>::new());
    }
}
