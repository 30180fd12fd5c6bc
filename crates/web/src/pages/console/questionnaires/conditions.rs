//! Who is asked: a condition as rows, each an earlier answer or a fact of the register and the values that count.
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Router, routing};
use domain::questionnaire::{Condition, Place, Subject};
use serde::{Deserialize, Serialize};

use super::words::{self, FACTS};
use super::{Desk, Head, Notice, Sent, Told, field, readable};
use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar};
use crate::templates::Page;
use crate::visit::Visit;

/// Routes.
pub(super) fn routes() -> Router<App> {
    Router::new().route("/{slug}/console/questionnaires/{draft}/when", routing::get(show).post(save))
}

/// The address at which a place's condition is edited.
pub(super) fn href(desk: &Desk, place: &Place) -> String {
    format!("{}/when?place={}", desk.href(), place.to_string().replace(' ', "+"))
}

/// `GET /{slug}/console/questionnaires/{draft}/when?place=…`
#[derive(Debug, Serialize)]
pub struct WhenPage {
    bar: Bar,
    head: Head,
    notice: Option<Notice>,
    href: String,
    back: String,
    place: String,
    heading: String,
    /// The condition in words, where it has a form that rows cannot show.
    nested: Option<String>,
    any: bool,
    rows: Vec<Row>,
    facts: Vec<Named>,
    answers: Vec<Named>,
    faults: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Named {
    value: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Row {
    number: usize,
    subject: String,
    title: String,
    not: bool,
    values: Vec<Value>,
    empty: bool,
}

#[derive(Debug, Serialize)]
struct Value {
    value: String,
    text: String,
    checked: bool,
}

impl Page for WhenPage {
    const TEMPLATE: &'static str = "console/questionnaire-when.html";

    fn samples() -> Vec<Self> {
        let value = |checked| Value { value: "yes".to_owned(), text: "Ja".to_owned(), checked };
        let row = |full: bool| Row {
            number: 0,
            subject: "fact employees".to_owned(),
            title: "Ansatte".to_owned(),
            not: full,
            values: if full { vec![value(true), value(false)] } else { Vec::new() },
            empty: full,
        };
        let named = || Named { value: "fact employees".to_owned(), text: "Ansatte".to_owned() };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            head: Head::sample(),
            notice: if full { Notice::sample() } else { None },
            href: "/x".to_owned(),
            back: "/y".to_owned(),
            place: "question overall".to_owned(),
            heading: "Hvor tilfreds er I?".to_owned(),
            nested: full.then(|| "Ansatte: ja eller (…)".to_owned()),
            any: full,
            rows: if full { vec![row(true), row(false)] } else { Vec::new() },
            facts: vec![named()],
            answers: if full { vec![named()] } else { Vec::new() },
            faults: if full { vec!["Betingelsen er tom".to_owned()] } else { Vec::new() },
        };
        vec![page(true), page(false)]
    }
}

/// One row of the form: a subject, its values, and whether they are excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// `fact size` or `answer contact.roads`.
    subject: String,
    not: bool,
    values: Vec<String>,
}

/// A condition as rows, which hold all or in part; `None`: it is nested deeper.
fn rules(condition: &Condition) -> Option<(bool, Vec<Rule>)> {
    fn rule(condition: &Condition, not: bool) -> Option<Rule> {
        match condition {
            Condition::Answer { key, values } => {
                Some(Rule { subject: format!("answer {key}"), not, values: values.clone() })
            }
            Condition::Fact { name, values } => {
                Some(Rule { subject: format!("fact {name}"), not, values: values.clone() })
            }
            Condition::Not(inner) if !not => rule(inner, true),
            _ => None,
        }
    }
    match condition {
        Condition::All(of) => Some((false, of.iter().map(|c| rule(c, false)).collect::<Option<_>>()?)),
        Condition::Any(of) => Some((true, of.iter().map(|c| rule(c, false)).collect::<Option<_>>()?)),
        one => Some((false, vec![rule(one, false)?])),
    }
}

/// Rows as a condition; none: always asked.
fn condition(any: bool, rules: &[Rule]) -> Option<Condition> {
    let one = |rule: &Rule| {
        let values = rule.values.clone();
        let (kind, name) = rule.subject.split_once(' ').unwrap_or_default();
        let name = name.to_owned();
        let condition =
            if kind == "fact" { Condition::Fact { name, values } } else { Condition::Answer { key: name, values } };
        if rule.not { Condition::Not(Box::new(condition)) } else { condition }
    };
    let mut all: Vec<Condition> = rules.iter().map(one).collect();
    match all.len() {
        0 => None,
        1 => all.pop(),
        _ if any => Some(Condition::Any(all)),
        _ => Some(Condition::All(all)),
    }
}

/// Which place, and what was just done.
#[derive(Debug, Deserialize)]
struct Asked {
    place: String,
    #[serde(default)]
    note: Told,
}

fn page(
    app: &App,
    desk: &Desk,
    place: &Place,
    any: bool,
    rules: &[Rule],
    notice: Option<Notice>,
) -> Result<WhenPage, PageError> {
    let form = &desk.draft.form;
    let subjects = form.subjects_before(place);
    let current = form.condition(place).ok_or(PageError::NotFound)?;
    let nested = current.filter(|c| self::rules(c).is_none() && rules.is_empty());
    let row = |(number, rule): (usize, &Rule)| Row {
        number,
        subject: rule.subject.clone(),
        title: title(app, desk, &subjects, &rule.subject),
        not: rule.not,
        empty: rule.values.is_empty(),
        values: values(app, desk, &subjects, rule),
    };
    let named = |value: String, text: String| Named { value, text };
    let (heading, place_key, back) = described(desk, place);
    Ok(WhenPage {
        bar: desk.staff.bar("questionnaires"),
        head: desk.head(),
        notice,
        href: format!("{}/when", desk.href()),
        back,
        place: place.to_string(),
        heading,
        nested: desk.when_words(app, nested),
        any,
        rows: rules.iter().enumerate().map(row).collect(),
        facts: FACTS.iter().map(|name| named(format!("fact {name}"), words::fact(app, desk.language, name))).collect(),
        answers: subjects
            .iter()
            .map(|s| named(format!("answer {}", s.key), readable(&s.text, desk.language)))
            .collect(),
        faults: desk.faults_of(app, &place_key).into_iter().collect(),
    })
}

/// What a place is called, the key under which its faults stand, and the page that it is edited on.
fn described(desk: &Desk, place: &Place) -> (String, String, String) {
    let form = &desk.draft.form;
    let questions = || form.blocks.iter().flat_map(|b| &b.questions);
    let on = |question: &str| format!("{}/question/{question}", desk.href());
    match place {
        Place::Block(key) => {
            let title = form.blocks.iter().find(|b| b.key == *key).map(|b| desk.text(&b.title)).unwrap_or_default();
            (title, key.clone(), format!("{}/block/{key}", desk.href()))
        }
        Place::Question(key) => {
            (form.question(key).map(|q| desk.text(&q.text)).unwrap_or_default(), key.clone(), on(key))
        }
        Place::Item(key) => {
            let question = questions().find(|q| q.kind.items().iter().any(|i| i.key == *key));
            let item = question.and_then(|q| q.kind.items().iter().find(|i| i.key == *key));
            (item.map(|i| desk.text(&i.text)).unwrap_or_default(), key.clone(), on(question.map_or("", |q| &q.key)))
        }
        Place::Option(key, code) => {
            let option = form.question(key).and_then(|q| q.kind.options().iter().find(|o| o.code == *code));
            let title = option.map(|o| desk.text(&o.text)).unwrap_or_default();
            (title, domain::questionnaire::option_key(key, code), on(key))
        }
    }
}

fn title(app: &App, desk: &Desk, subjects: &[Subject], subject: &str) -> String {
    match subject.split_once(' ') {
        Some(("fact", name)) => words::fact(app, desk.language, name),
        Some((_, key)) => {
            subjects.iter().find(|s| s.key == key).map_or_else(|| key.to_owned(), |s| readable(&s.text, desk.language))
        }
        None => subject.to_owned(),
    }
}

/// The values to choose from; one that is not on offer any more stays visible, so that it can be taken away.
fn values(app: &App, desk: &Desk, subjects: &[Subject], rule: &Rule) -> Vec<Value> {
    let mut offered = match rule.subject.split_once(' ') {
        Some(("fact", name)) => words::fact_values(app, &desk.staff.municipality, desk.language, name),
        Some((_, key)) => {
            let subject = subjects.iter().find(|s| s.key == key);
            let values = subject.map(|s| s.values.as_slice()).unwrap_or_default();
            values.iter().map(|(v, _)| (v.clone(), words::value(app, desk.language, subject, v))).collect()
        }
        None => Vec::new(),
    };
    for chosen in &rule.values {
        if !offered.iter().any(|(value, _)| value == chosen) {
            offered.push((chosen.clone(), chosen.clone()));
        }
    }
    offered.into_iter().map(|(value, text)| Value { checked: rule.values.contains(&value), value, text }).collect()
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let place = Place::parse(&asked.place).ok_or(PageError::NotFound)?;
    let current = desk.draft.form.condition(&place).ok_or(PageError::NotFound)?;
    let (any, rules) = current.and_then(rules).unwrap_or_default();
    let notice = Notice::of(&super::ToldQuery { note: asked.note });
    let page = page(&app, &desk, &place, any, &rules, notice)?;
    app.view(&visit).of(&desk.staff.municipality).render(&page)
}

/// The rows as they were sent.
fn sent_rules(sent: &Sent) -> Vec<Rule> {
    let rows = (0..).map(|n| format!("row{n}")).take_while(|row| field(sent, &format!("{row}_subject")).is_some());
    rows.filter(|row| field(sent, &format!("{row}_remove")).is_none())
        .map(|row| Rule {
            subject: field(sent, &format!("{row}_subject")).unwrap_or_default().to_owned(),
            not: field(sent, &format!("{row}_not")) == Some("1"),
            values: sent.iter().filter(|(n, _)| *n == format!("{row}_value")).map(|(_, v)| v.clone()).collect(),
        })
        .collect()
}

async fn save(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let place = field(&sent, "place").and_then(Place::parse).ok_or(PageError::BadRequest)?;
    let any = field(&sent, "joint") == Some("any");
    let mut rules = sent_rules(&sent);
    if field(&sent, "do") == Some("always") {
        rules.clear();
    }
    if field(&sent, "do") == Some("add") {
        let subject = field(&sent, "new").unwrap_or_default().to_owned();
        let known = subject.split_once(' ').is_some_and(|(kind, _)| matches!(kind, "fact" | "answer"));
        if known {
            rules.push(Rule { subject, not: false, values: Vec::new() });
        }
        let page = page(&app, &desk, &place, any, &rules, None)?;
        return app.view(&visit).of(&desk.staff.municipality).render(&page);
    }
    let mut form = desk.draft.form.clone();
    if rules.iter().any(|rule| rule.values.is_empty()) || !form.ask_when(&place, condition(any, &rules)) {
        let notice = Notice { text: "instrument.told_no_values", warning: true };
        let page = page(&app, &desk, &place, any, &rules, Some(notice))?;
        return app.view(&visit).of(&desk.staff.municipality).status(StatusCode::UNPROCESSABLE_ENTITY).render(&page);
    }
    if app.store().change_questionnaire_draft(&desk.staff.municipality.id, desk.edit(&app, &sent), &form).await? {
        let to = href(&desk, &place);
        return Ok(desk.to(to.strip_prefix(&desk.href()).unwrap_or_default(), "saved"));
    }
    let notice = Notice { text: "instrument.told_conflict_typed", warning: true };
    let page = page(&app, &desk, &place, any, &rules, Some(notice))?;
    app.view(&visit).of(&desk.staff.municipality).status(StatusCode::CONFLICT).render(&page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_condition_stands_in_rows_and_comes_back_the_same() {
        let form = domain::questionnaire::shipped();
        let questions = || form.blocks.iter().flat_map(|b| &b.questions);
        let all = form
            .blocks
            .iter()
            .filter_map(|b| b.when.as_ref())
            .chain(questions().filter_map(|q| q.when.as_ref()))
            .chain(questions().flat_map(|q| q.kind.items()).filter_map(|i| i.when.as_ref()))
            .chain(questions().flat_map(|q| q.kind.options()).filter_map(|o| o.when.as_ref()));
        let mut seen = 0;
        for when in all {
            let (any, rows) = rules(when).unwrap_or_else(|| panic!("{when:?} does not stand in rows"));
            assert_eq!(condition(any, &rows).as_ref(), Some(when));
            seen += 1;
        }
        assert!(seen > 20, "only {seen}");
    }

    #[test]
    fn what_is_nested_deeper_is_left_alone() {
        let leaf = || Condition::Fact { name: "age".into(), values: vec!["4+".into()] };
        assert_eq!(rules(&Condition::All(vec![Condition::Any(vec![leaf()])])), None);
        let not = Condition::Not(Box::new(leaf()));
        let (any, rows) = rules(&not).unwrap();
        assert!(!any && rows[0].not);
        assert_eq!(condition(any, &rows), Some(not));
        assert_eq!(condition(true, &[]), None);
    }
}
