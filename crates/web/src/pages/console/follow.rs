//! Businesses that asked to be contacted: who calls them, until when, what came of it. Their wish stands apart from their
//! answers and is deleted some weeks after it was worked off.
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, routing};
use axum_extra::extract::Form;
use domain::fieldwork::Role;
use domain::ids::UserId;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use store::follow::{FollowUp, FollowUpPlan, KEPT_DAYS};
use store::people::User;
use text::EngineError;

use crate::app::App;
use crate::error::PageError;
use crate::pages::console::rounds::today;
use crate::pages::signin::{Analyst, Bar, Note, Staff};
use crate::templates::{Page, Site, Templates};
use crate::visit::Visit;

/// Letters of a note at most.
const NOTE_LETTERS: usize = 2000;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/follow-up", routing::get(show))
        .route("/{slug}/console/follow-up/{wish}/plan", routing::post(plan))
        .route("/{slug}/console/follow-up/{wish}/done", routing::post(done))
        .route("/{slug}/console/follow-up/{wish}/reopen", routing::post(reopen))
        .route("/{slug}/console/follow-up/{wish}/delete", routing::post(delete))
}

/// Checks this module's pages.
///
/// # Errors
/// The first fault.
pub fn check(templates: &Templates, site: &Site) -> Result<(), EngineError> {
    templates.check::<FollowPage>(site)
}

/// Which wishes are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Shelf {
    /// Those still to be worked off, overdue ones first.
    #[default]
    Open,
    /// Mine.
    Mine,
    /// Those whose day has passed.
    Overdue,
    /// Those worked off, until they are deleted.
    Done,
}

impl Shelf {
    const ALL: [Self; 4] = [Self::Open, Self::Mine, Self::Overdue, Self::Done];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Mine => "mine",
            Self::Overdue => "overdue",
            Self::Done => "done",
        }
    }

    fn holds(self, wish: &FollowUp, me: &UserId, today: Date) -> bool {
        match self {
            Self::Open => wish.done_at.is_none(),
            Self::Mine => wish.done_at.is_none() && wish.plan.owner.as_ref() == Some(me),
            Self::Overdue => is_overdue(wish, today),
            Self::Done => wish.done_at.is_some(),
        }
    }
}

fn is_overdue(wish: &FollowUp, today: Date) -> bool {
    let due = wish.plan.due_on.as_deref().and_then(|day| day.parse::<Date>().ok());
    wish.done_at.is_none() && due.is_some_and(|due| due < today)
}

/// `GET /{slug}/console/follow-up`
#[derive(Debug, Serialize)]
pub struct FollowPage {
    /// Navigation.
    pub bar: Bar,
    /// What was just done: key of a message.
    pub note: Option<&'static str>,
    /// The shelves, with how much is on each.
    pub shelves: Vec<ShelfLink>,
    /// The shelf shown.
    pub shelf: &'static str,
    /// The wishes on it.
    pub wishes: Vec<WishLine>,
    /// Days that a wish is kept after it was worked off.
    pub kept: i64,
}

/// A shelf to go to.
#[derive(Debug, Serialize)]
pub struct ShelfLink {
    /// Its name in addresses.
    pub key: &'static str,
    /// Wishes on it.
    pub wishes: usize,
}

/// A wish to be contacted.
#[derive(Debug, Serialize)]
pub struct WishLine {
    /// Where its forms go.
    pub href: String,
    /// Tells its fields from those of the others.
    pub id: String,
    /// The business.
    pub business: String,
    /// Its street.
    pub street: String,
    /// Title of the round in which it was left.
    pub round: String,
    /// Whom to ask for.
    pub name: String,
    /// Telephone number or address.
    pub reach: String,
    /// Where a tap leads: `tel:` or `mailto:`.
    pub call: Option<String>,
    /// About what.
    pub about: String,
    /// When it was left, in milliseconds.
    pub at: i64,
    /// Who may see to it.
    pub owners: Vec<Owner>,
    /// Who does, in words.
    pub owner: Option<String>,
    /// Until when, as it stands in the form.
    pub due_on: String,
    /// What is wrong with the day: key of a message.
    pub due_fault: Option<&'static str>,
    /// The day has passed.
    pub overdue: bool,
    /// What came of it.
    pub note: String,
    /// When it was worked off, in milliseconds.
    pub done_at: Option<i64>,
    /// When it is deleted, in milliseconds.
    pub gone_at: Option<i64>,
}

/// Somebody who may see to a wish.
#[derive(Debug, Serialize)]
pub struct Owner {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// It is this one.
    pub chosen: bool,
}

impl Page for FollowPage {
    const TEMPLATE: &'static str = "console/follow.html";

    fn samples() -> Vec<Self> {
        let wish = |full: bool| WishLine {
            href: "/hojager/console/follow-up/1".to_owned(),
            id: "1".to_owned(),
            business: "Vognmand Holm ApS".to_owned(),
            street: "Havnegade 3".to_owned(),
            round: "Erhvervsmålingen 2026".to_owned(),
            name: "Lis Holm".to_owned(),
            reach: "12 34 56 78".to_owned(),
            call: full.then(|| "tel:12345678".to_owned()),
            about: if full { "Lærlinge" } else { "" }.to_owned(),
            at: 1_790_000_000_000,
            owners: vec![Owner { id: "u".to_owned(), name: "Mette Holm".to_owned(), chosen: full }],
            owner: full.then(|| "Mette Holm".to_owned()),
            due_on: if full { "2026-12-01" } else { "" }.to_owned(),
            due_fault: full.then_some("console.fault_date"),
            overdue: full,
            note: "Ringet".to_owned(),
            done_at: None,
            gone_at: None,
        };
        let done = || WishLine { done_at: Some(1_790_000_000_000), gone_at: Some(1_792_000_000_000), ..wish(false) };
        let page = |note, wishes| Self {
            bar: Bar::sample(true),
            note,
            shelves: vec![ShelfLink { key: "open", wishes: 3 }, ShelfLink { key: "done", wishes: 1 }],
            shelf: "open",
            wishes,
            kept: KEPT_DAYS,
        };
        vec![
            page(
                Note::Contacted.key(),
                vec![wish(true), wish(false), done(), WishLine { owner: Some("M".into()), ..done() }],
            ),
            page(None, Vec::new()),
        ]
    }
}

#[derive(Deserialize)]
struct ShowQuery {
    #[serde(default)]
    show: String,
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    note: Note,
    Query(query): Query<ShowQuery>,
) -> Result<Response, PageError> {
    let shelf = Shelf::ALL.into_iter().find(|shelf| shelf.as_str() == query.show).unwrap_or_default();
    let page = page(&app, &staff, shelf).await?;
    if !page.wishes.is_empty() {
        staff.did(&app, "wishes.seen", shelf.as_str(), "").await?;
    }
    app.view(&visit).of(&staff.municipality).render(&FollowPage { note: note.key(), ..page })
}

async fn page(app: &App, staff: &Staff, shelf: Shelf) -> Result<FollowPage, PageError> {
    let id = &staff.municipality.id;
    let (mut wishes, staff_list) = (app.store().follow_ups(id).await?, app.store().users(id).await?);
    let (today, me) = (today(app, staff), &staff.user.id);
    let count = |s: Shelf| wishes.iter().filter(|w| s.holds(w, me, today)).count();
    let shelves = Shelf::ALL.iter().map(|s| ShelfLink { key: s.as_str(), wishes: count(*s) }).collect();
    wishes.retain(|wish| shelf.holds(wish, me, today));
    // What is due first comes first; what has no day comes in the order in which it was left.
    wishes.sort_by_key(|wish| (wish.plan.due_on.is_none(), wish.plan.due_on.clone()));
    if shelf == Shelf::Done {
        wishes.sort_by_key(|wish| std::cmp::Reverse(wish.done_at));
    }
    let slug = &staff.municipality.slug;
    let wishes = wishes.into_iter().map(|wish| line(wish, slug, &staff_list, today)).collect();
    Ok(FollowPage { bar: staff.bar("follow"), note: None, shelves, shelf: shelf.as_str(), wishes, kept: KEPT_DAYS })
}

fn line(wish: FollowUp, slug: &str, staff: &[User], today: Date) -> WishLine {
    let owner = staff.iter().find(|user| wish.plan.owner.as_ref() == Some(&user.id));
    let may = |user: &&User| {
        user.disabled_at.is_none() && matches!(user.role, Role::Administrator | Role::Analyst | Role::Interviewer)
    };
    let choice = |user: &User| Owner {
        id: user.id.0.clone(),
        name: user.name.clone(),
        chosen: wish.plan.owner.as_ref() == Some(&user.id),
    };
    WishLine {
        href: format!("/{slug}/console/follow-up/{}", wish.id),
        owners: staff.iter().filter(may).map(choice).collect(),
        owner: owner.map(|user| user.name.clone()),
        overdue: is_overdue(&wish, today),
        call: tap(&wish.wish.reach),
        business: wish.business_name,
        street: wish.street,
        round: wish.round_title,
        name: wish.wish.name,
        reach: wish.wish.reach,
        about: wish.wish.about,
        at: wish.created_at.0,
        due_on: wish.plan.due_on.unwrap_or_default(),
        due_fault: None,
        note: wish.plan.note,
        done_at: wish.done_at.map(|at| at.0),
        gone_at: wish.done_at.map(|at| at.plus_days(KEPT_DAYS).0),
        id: wish.id,
    }
}

/// Where a tap on a number or an address leads; `None` for what is neither.
fn tap(reach: &str) -> Option<String> {
    let reach = reach.trim();
    // "+46 (0)70 …": the zero is dialled at home only.
    let number: String =
        reach.replace("(0)", "").chars().filter(|c| !c.is_whitespace() && !"-./()".contains(*c)).collect();
    let digits = number.strip_prefix('+').unwrap_or(&number);
    if (6..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(format!("tel:{number}"));
    }
    intake::email::parse(reach).map(|address| format!("mailto:{address}"))
}

#[derive(Deserialize)]
struct PlanForm {
    #[serde(default)]
    owner: String,
    #[serde(default)]
    due_on: String,
    #[serde(default)]
    note: String,
}

impl PlanForm {
    /// The plan; `None`: the day is none.
    fn read(&self) -> Option<FollowUpPlan> {
        let day = self.due_on.trim();
        let due_on = match day.parse::<Date>() {
            Ok(date) => Some(date.to_string()),
            Err(_) if day.is_empty() => None,
            Err(_) => return None,
        };
        let owner = Some(self.owner.trim()).filter(|id| !id.is_empty()).map(|id| UserId(id.to_owned()));
        Some(FollowUpPlan { owner, due_on, note: self.note.trim().chars().take(NOTE_LETTERS).collect() })
    }
}

async fn plan(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, wish)): Path<(String, String)>,
    Form(form): Form<PlanForm>,
) -> Result<Response, PageError> {
    let Some(plan) = form.read() else { return again(&app, &visit, &staff, &wish, &form).await };
    app.store().plan_follow_up(&staff.municipality.id, &wish, &plan).await?;
    staff.did(&app, "wish.planned", &wish, "").await?;
    Ok(back(&staff, "?note=saved"))
}

/// Worked off: kept for some weeks, for whoever was too quick, and then deleted as the business was promised.
async fn done(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, wish)): Path<(String, String)>,
    Form(form): Form<PlanForm>,
) -> Result<Response, PageError> {
    let Some(plan) = form.read() else { return again(&app, &visit, &staff, &wish, &form).await };
    app.store().finish_follow_up(&staff.municipality.id, &wish, &plan, app.now()).await?;
    staff.did(&app, "wish.done", &wish, "").await?;
    Ok(back(&staff, "?note=contacted"))
}

async fn reopen(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, wish)): Path<(String, String)>,
) -> Result<Response, PageError> {
    app.store().reopen_follow_up(&staff.municipality.id, &wish).await?;
    staff.did(&app, "wish.reopened", &wish, "").await?;
    Ok(back(&staff, "?note=saved"))
}

async fn delete(
    State(app): State<App>,
    Analyst(staff): Analyst,
    Path((_, wish)): Path<(String, String)>,
) -> Result<Response, PageError> {
    app.store().drop_follow_up(&staff.municipality.id, &wish, app.now()).await?;
    staff.did(&app, "wish.deleted", &wish, "").await?;
    Ok(back(&staff, "?show=done&note=deleted"))
}

fn back(staff: &Staff, query: &str) -> Response {
    Redirect::to(&format!("/{}/console/follow-up{query}", staff.municipality.slug)).into_response()
}

/// The page with what was typed and what is wrong with it.
async fn again(app: &App, visit: &Visit, staff: &Staff, wish: &str, form: &PlanForm) -> Result<Response, PageError> {
    let mut page = page(app, staff, Shelf::Open).await?;
    for line in page.wishes.iter_mut().filter(|line| line.id == wish) {
        line.due_on = form.due_on.chars().take(20).collect();
        line.due_fault = Some("console.fault_date");
        line.note = form.note.chars().take(NOTE_LETTERS).collect();
        for owner in &mut line.owners {
            owner.chosen = owner.id == form.owner;
        }
    }
    app.view(visit).of(&staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY).render(&page)
}

#[cfg(test)]
mod tests {
    use super::tap;

    #[test]
    fn a_tap_leads_to_a_number_or_an_address_and_nowhere_else() {
        assert_eq!(tap("12 34 56 78").as_deref(), Some("tel:12345678"));
        assert_eq!(tap("+46 (0)70-123 45").as_deref(), Some("tel:+467012345"));
        assert_eq!(tap("lis@holm.example").as_deref(), Some("mailto:lis@holm.example"));
        assert_eq!(tap("kom forbi"), None);
        assert_eq!(tap("javascript:alert(1)"), None);
    }
}
