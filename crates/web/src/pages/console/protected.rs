//! Businesses that the register protects from advertising: how many there are, and on what recorded basis some may be asked.
use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::fieldwork::RoundState;
use domain::ids::RoundId;
use domain::language::{Country, Language};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use store::StoreError;
use store::bases::{Basis, NewBasis};
use store::rounds::Round;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::rounds::{RoundInfo, info, share};
use crate::pages::console::{day, sectors, titled};
use crate::pages::signin::{Administrator, Analyst, Bar, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Characters of a basis at most.
const MOST_WORDS: usize = 1000;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/rounds/{round}/protected", routing::get(show).post(record))
        .route("/{slug}/console/rounds/{round}/protected/{basis}/end", routing::post(end))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<ProtectedPage>(site)
}

/// `GET /{slug}/console/rounds/{round}/protected`
#[derive(Debug, Serialize)]
pub struct ProtectedPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The round.
    pub round: RoundInfo,
    /// `dk` or `se`: whose law it is.
    pub country: &'static str,
    /// Sectors with their protected businesses.
    pub sectors: Vec<SectorLine>,
    /// All of them.
    pub total: SectorLine,
    /// What was recorded, latest first.
    pub bases: Vec<BasisLine>,
    /// This person may record and end.
    pub may_record: bool,
    /// The form as it was filled in.
    pub form: BasisForm,
    /// What is wrong with it: keys of messages, by field.
    pub faults: BTreeMap<&'static str, &'static str>,
}

/// A sector's protected businesses.
#[derive(Debug, Default, Serialize)]
pub struct SectorLine {
    /// Title.
    pub title: String,
    /// Businesses in the frame.
    pub businesses: u64,
    /// Of these protected.
    pub protected: u64,
    /// Protected of all, 0–1.
    pub share: f64,
    /// Protected ones with a basis.
    pub permitted: u64,
    /// Protected ones that are invited.
    pub invited: u64,
}

/// A recorded basis.
#[derive(Debug, Serialize)]
pub struct BasisLine {
    /// The business that consented; `None`: the law allows it.
    pub business: Option<String>,
    /// The statute, or what was consented to.
    pub words: String,
    /// Who decided or consented.
    pub given_by: String,
    /// When, in words.
    pub given_on: String,
    /// Who wrote it down.
    pub recorded_by: Option<String>,
    /// When, in milliseconds.
    pub recorded_at: i64,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// When it ended, in milliseconds.
    pub ended_at: Option<i64>,
    /// Where it is ended.
    pub end: Option<String>,
}

/// The form of a basis.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BasisForm {
    /// `statute` or `consent`.
    #[serde(default)]
    pub kind: String,
    /// The business's number, for a consent.
    #[serde(default)]
    pub unit: String,
    /// The statute, or what was consented to.
    #[serde(default)]
    pub words: String,
    /// Who decided or consented.
    #[serde(default)]
    pub given_by: String,
    /// When.
    #[serde(default)]
    pub given_on: String,
    /// "I have checked it."
    #[serde(default)]
    pub sure: String,
}

impl Page for ProtectedPage {
    const TEMPLATE: &'static str = "console/protected.html";

    fn samples() -> Vec<Self> {
        let sector = || SectorLine {
            title: "Handel".to_owned(),
            businesses: 620,
            protected: 61,
            share: 0.098,
            permitted: 3,
            invited: 3,
        };
        let basis = |business: Option<&str>, ended: bool| BasisLine {
            business: business.map(str::to_owned),
            words: "Samtykke ved mødet".to_owned(),
            given_by: "Lis Holm".to_owned(),
            given_on: "3. august 2026".to_owned(),
            recorded_by: business.map(|_| "Mette Holm".to_owned()),
            recorded_at: 1_790_000_000_000,
            ended_by: ended.then(|| "Mette Holm".to_owned()),
            ended_at: ended.then_some(1_790_000_000_000),
            end: (!ended).then(|| "/x".to_owned()),
        };
        let faults = ["kind", "unit", "words", "given_by", "given_on", "sure"].map(|f| (f, "sending.fault_words"));
        let empty = || Self {
            bar: Bar::sample(true),
            note: None,
            round: RoundInfo::sample("draft"),
            country: "dk",
            sectors: Vec::new(),
            total: SectorLine::default(),
            bases: Vec::new(),
            may_record: false,
            form: BasisForm::default(),
            faults: BTreeMap::new(),
        };
        vec![
            Self {
                note: Said::Recorded.key(),
                round: RoundInfo::sample("open"),
                country: "se",
                sectors: vec![sector()],
                total: sector(),
                bases: vec![basis(Some("Vognmand Holm ApS"), false), basis(None, true)],
                may_record: true,
                form: BasisForm { kind: "consent".to_owned(), ..BasisForm::default() },
                faults: faults.into(),
                ..empty()
            },
            Self { may_record: true, sectors: vec![sector()], total: sector(), ..empty() },
            empty(),
        ]
    }
}

/// What was just done: a word of a closed list in the query.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    #[default]
    Nothing,
    Recorded,
    Ended,
}

impl Said {
    const fn key(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Recorded => Some("sending.basis_recorded"),
            Self::Ended => Some("sending.basis_ended"),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
struct Query {
    #[serde(default)]
    said: Said,
}

async fn page(app: &App, staff: &Staff, language: Language, round: &Round) -> Result<ProtectedPage, PageError> {
    let id = &staff.municipality.id;
    let titles = sectors(&staff.municipality, language);
    let mut shares = app.store().protected_shares(id, &round.id).await?;
    shares.sort_by_key(|s| titles.iter().position(|(key, _)| *key == s.sector).unwrap_or(titles.len()));
    let mut total = SectorLine::default();
    let mut lines = Vec::new();
    for found in shares {
        total.businesses += found.businesses;
        total.protected += found.protected;
        total.permitted += found.permitted;
        total.invited += found.invited;
        lines.push(SectorLine {
            title: titled(&titles, &found.sector).to_owned(),
            businesses: found.businesses,
            protected: found.protected,
            share: share(found.protected, found.businesses),
            permitted: found.permitted,
            invited: found.invited,
        });
    }
    total.share = share(total.protected, total.businesses);
    let bar = staff.bar("home");
    let may_record = bar.trail && matches!(round.state, RoundState::Draft | RoundState::Open);
    let href = format!("/{}/console/rounds/{}/protected", staff.municipality.slug, round.id);
    let line = |basis: Basis| BasisLine {
        end: (may_record && basis.ended_at.is_none()).then(|| format!("{href}/{}/end", basis.id)),
        business: basis.business.map(|(unit, name)| {
            let number = unit.rsplit(':').next().unwrap_or_default();
            if name.is_empty() { number.to_owned() } else { format!("{name} ({number})") }
        }),
        words: basis.words,
        given_by: basis.given_by,
        given_on: day(language, &basis.given_on),
        recorded_by: basis.recorded_by,
        recorded_at: basis.recorded_at.0,
        ended_by: basis.ended_by,
        ended_at: basis.ended_at.map(|at| at.0),
    };
    let bases = app.store().bases(id, &round.id).await?;
    Ok(ProtectedPage {
        note: None,
        round: info(app, language, staff, round),
        country: staff.municipality.country.code(),
        sectors: lines,
        total,
        bases: bases.into_iter().map(line).collect(),
        may_record,
        form: BasisForm::default(),
        faults: BTreeMap::new(),
        bar,
    })
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, round)): Path<(String, String)>,
    axum::extract::Query(query): axum::extract::Query<Query>,
) -> Result<Response, PageError> {
    let round = app.store().round(&staff.municipality.id, &RoundId(round)).await?;
    let view = app.view(&visit).of(&staff.municipality);
    let page = page(&app, &staff, view.language(), &round).await?;
    view.render(&ProtectedPage { note: query.said.key(), ..page })
}

impl BasisForm {
    /// What is wrong with it, by field.
    fn faults(&self, today: Date) -> BTreeMap<&'static str, &'static str> {
        let mut faults = BTreeMap::new();
        if !matches!(self.kind.as_str(), "statute" | "consent") {
            faults.insert("kind", "sending.fault_kind");
        }
        if self.kind == "consent" && !self.unit.chars().any(|c| c.is_ascii_digit()) {
            faults.insert("unit", "sending.fault_unit");
        }
        // A word or two is no basis: it must say which law, or what was agreed.
        if self.words.trim().chars().count() < 10 {
            faults.insert("words", "sending.fault_words");
        }
        if self.given_by.trim().is_empty() {
            faults.insert("given_by", "sending.fault_given_by");
        }
        match self.given_on.trim().parse::<Date>() {
            Ok(on) if on > today => faults.insert("given_on", "sending.fault_given_on_future"),
            Ok(_) => None,
            Err(_) => faults.insert("given_on", "sending.fault_given_on"),
        };
        if self.sure != "yes" {
            faults.insert("sure", "sending.fault_sure");
        }
        faults
    }

    /// The key of the business that consented, by its number alone.
    fn unit_key(&self, country: Country) -> Option<String> {
        let digits: String = self.unit.chars().filter(char::is_ascii_digit).collect();
        let register = if country == Country::Se { "se:cfar" } else { "dk:p" };
        (self.kind == "consent").then(|| format!("{register}:{digits}"))
    }
}

async fn record(
    State(app): State<App>,
    visit: Visit,
    Administrator(staff): Administrator,
    Path((_, round)): Path<(String, String)>,
    Form(form): Form<BasisForm>,
) -> Result<Response, PageError> {
    let municipality = &staff.municipality;
    let round = app.store().round(&municipality.id, &RoundId(round)).await?;
    let view = app.view(&visit).of(municipality);
    let language = view.language();
    let mut faults = form.faults(app.now().date_in(&text::format::zone(&municipality.settings.time_zone)));
    if faults.is_empty() {
        let words: String = form.words.trim().chars().take(MOST_WORDS).collect();
        let given_by: String = form.given_by.trim().chars().take(200).collect();
        let unit = form.unit_key(municipality.country);
        let basis = NewBasis {
            unit: unit.as_deref(),
            words: &words,
            given_by: &given_by,
            given_on: form.given_on.trim(),
            recorded_by: Some(&staff.user.id),
        };
        let domain = app.settings().host();
        match app.store().record_basis(&municipality.id, &round.id, &basis, app.keys(), domain, app.now()).await {
            Ok(_) => {
                let there = format!("/{}/console/rounds/{}/protected?said=recorded", municipality.slug, round.id);
                return Ok(Redirect::to(&there).into_response());
            }
            Err(StoreError::NotFound("business")) => faults.insert("unit", "sending.fault_unit_unknown"),
            Err(StoreError::State("the business is not protected")) => faults.insert("unit", "sending.fault_unit_free"),
            Err(StoreError::State(_) | StoreError::RoundClosed) => return Err(PageError::Conflict),
            Err(error) => return Err(error.into()),
        };
    }
    let page = page(&app, &staff, language, &round).await?;
    view.status(StatusCode::UNPROCESSABLE_ENTITY).render(&ProtectedPage { form, faults, ..page })
}

/// Ends a basis: what waits is cancelled at once. Recording it again lets it go on.
async fn end(
    State(app): State<App>,
    Administrator(staff): Administrator,
    Path((_, round, basis)): Path<(String, String, String)>,
) -> Result<Response, PageError> {
    let round = RoundId(round);
    app.store().end_basis(&staff.municipality.id, &round, &basis, Some(&staff.user.id), app.now()).await?;
    let there = format!("/{}/console/rounds/{round}/protected?said=ended", staff.municipality.slug);
    Ok(Redirect::to(&there).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basis_says_what_who_and_when() {
        let today = jiff::civil::date(2026, 9, 1);
        let full = BasisForm {
            kind: "consent".into(),
            unit: "10 0000 0001".into(),
            words: "Samtykke ved mødet den 3. august".into(),
            given_by: "Lis Holm".into(),
            given_on: "2026-08-03".into(),
            sure: "yes".into(),
        };
        assert!(full.faults(today).is_empty());
        assert_eq!(full.unit_key(Country::Dk).as_deref(), Some("dk:p:1000000001"));
        let statute = BasisForm { kind: "statute".into(), unit: String::new(), ..full.clone() };
        assert!(statute.faults(today).is_empty() && statute.unit_key(Country::Dk).is_none());
        let fault = |form: BasisForm| form.faults(today).into_keys().collect::<Vec<_>>();
        assert_eq!(fault(BasisForm { unit: "Holm".into(), ..full.clone() }), ["unit"]);
        assert_eq!(fault(BasisForm { words: "ok".into(), ..full.clone() }), ["words"]);
        assert_eq!(fault(BasisForm { given_on: "2026-09-02".into(), ..full.clone() }), ["given_on"]);
        assert_eq!(fault(BasisForm { sure: String::new(), ..full }), ["sure"]);
        assert_eq!(fault(BasisForm::default()), ["given_by", "given_on", "kind", "sure", "words"]);
    }
}
