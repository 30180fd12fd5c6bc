//! The texts, scale, items and options of a question, and the texts of a block, in three languages side by side.
//!
//! What is sent is kept even where something is still missing; what is wrong is said beside its field on the page that follows.
use std::collections::HashMap;

use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::{Router, routing};
use domain::language::{Language, Texts};
use domain::questionnaire::{
    Block, Choice, Item, LoadFaultKind, Place, Question, QuestionKind, Questionnaire, Scale, option_key,
};
use serde::Serialize;

use super::{Desk, Head, Notice, Sent, ToldQuery, conditions, words};
use crate::app::App;
use crate::error::PageError;
use crate::pages::signin::{Analyst, Bar};
use crate::templates::Page;
use crate::visit::Visit;

/// Blank rows at the end of a list.
const BLANKS: usize = 2;
/// Points of a scale at most; more rows are not drawn, the check says why.
const MOST_POINTS: i32 = 11;

/// Routes.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{slug}/console/questionnaires/{draft}/question/{question}", routing::get(show).post(save))
        .route("/{slug}/console/questionnaires/{draft}/block/{block}", routing::get(show_block).post(save_block))
}

/// A text in three languages as fields side by side.
#[derive(Debug, Serialize)]
pub(super) struct TextsField {
    name: String,
    label: String,
    long: bool,
    parts: Vec<TextPart>,
}

#[derive(Debug, Clone, Serialize)]
struct TextPart {
    tag: &'static str,
    language: &'static str,
    value: String,
    fault: Option<String>,
}

impl TextsField {
    fn sample() -> Self {
        let part = |fault: Option<&str>| TextPart {
            tag: "da",
            language: "Dansk",
            value: "Hvor tilfreds er I?".to_owned(),
            fault: fault.map(str::to_owned),
        };
        Self {
            name: "text".to_owned(),
            label: "Spørgsmål".to_owned(),
            long: true,
            parts: vec![part(Some("Mangler")), part(None)],
        }
    }
}

/// An item or option as a row of fields.
#[derive(Debug, Serialize)]
struct RowField {
    name: String,
    number: usize,
    was: String,
    key: String,
    /// It is part of the version before, so its key stays.
    fixed: bool,
    texts: TextsField,
    exclusive: bool,
    faults: Vec<String>,
    when: Option<String>,
    when_href: Option<String>,
}

#[derive(Debug, Serialize)]
struct ScaleFields {
    from: i32,
    to: i32,
    dont_know: bool,
    not_relevant: bool,
    labels: Vec<TextsField>,
}

/// `GET /{slug}/console/questionnaires/{draft}/question/{question}`
#[derive(Debug, Serialize)]
pub struct QuestionPage {
    bar: Bar,
    head: Head,
    notice: Option<Notice>,
    href: String,
    key: String,
    fixed: bool,
    kind: String,
    heading: String,
    text: TextsField,
    help: TextsField,
    optional: bool,
    off: bool,
    has_most: bool,
    at_most: String,
    max_characters: Option<u32>,
    scale: Option<ScaleFields>,
    items: Vec<RowField>,
    options: Vec<RowField>,
    several: bool,
    when: Option<String>,
    when_href: String,
    faults: Vec<String>,
    indicators: Vec<String>,
}

impl Page for QuestionPage {
    const TEMPLATE: &'static str = "console/questionnaire-question.html";

    fn samples() -> Vec<Self> {
        let row = |full: bool| RowField {
            name: "item0".to_owned(),
            number: 1,
            was: "k".to_owned(),
            key: "k".to_owned(),
            fixed: full,
            texts: TextsField::sample(),
            exclusive: full,
            faults: if full { vec!["Fejl".to_owned()] } else { Vec::new() },
            when: full.then(|| "Ansatte: ja".to_owned()),
            when_href: full.then(|| "/x".to_owned()),
        };
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            head: Head::sample(),
            notice: if full { Notice::sample() } else { None },
            href: "/x".to_owned(),
            key: "overall".to_owned(),
            fixed: full,
            kind: "Skala".to_owned(),
            heading: "Hvor tilfreds er I?".to_owned(),
            text: TextsField::sample(),
            help: TextsField::sample(),
            optional: full,
            off: full,
            has_most: full,
            at_most: if full { "3".to_owned() } else { String::new() },
            max_characters: full.then_some(2000),
            scale: full.then(|| ScaleFields {
                from: 1,
                to: 5,
                dont_know: true,
                not_relevant: false,
                labels: vec![TextsField::sample()],
            }),
            items: if full { vec![row(true), row(false)] } else { Vec::new() },
            options: if full { vec![row(true), row(false)] } else { Vec::new() },
            several: full,
            when: full.then(|| "Ansatte: ja".to_owned()),
            when_href: "/x".to_owned(),
            faults: if full { vec!["Nøglen er brugt to gange".to_owned()] } else { Vec::new() },
            indicators: if full { vec!["Tilfredshed".to_owned()] } else { Vec::new() },
        };
        vec![page(true), page(false)]
    }
}

/// Draws fields with what is wrong beside them.
struct Draw<'a> {
    app: &'a App,
    desk: &'a Desk,
    form: &'a Questionnaire,
}

impl Draw<'_> {
    fn t(&self, key: &str) -> String {
        self.app.t(self.desk.language, &format!("instrument.{key}"), &[])
    }

    /// `place` and `field` as the check names them; an absent text may be blank in all languages.
    fn texts(
        &self,
        name: &str,
        label: String,
        long: bool,
        texts: Option<&Texts>,
        place: &str,
        field: &str,
    ) -> TextsField {
        let part = |language: Language| {
            TextPart {
            tag: language.tag(),
            language: language.own_name(),
            value: texts.map(|t| t.get(language).to_owned()).unwrap_or_default(),
            fault: self
                .desk
                .faults
                .iter()
                .find(|f| {
                    f.place == place
                        && matches!(&f.kind, LoadFaultKind::MissingLanguage { field: of, language: l } if of == field && *l == language)
                })
                .map(|_| self.t("text_missing")),
        }
        };
        TextsField { name: name.to_owned(), label, long, parts: Language::ALL.map(part).to_vec() }
    }

    /// What is wrong with a place, what stands beside a field of its own apart.
    fn faults(&self, place: &str) -> Vec<String> {
        let others = self.desk.faults.iter().filter(|f| f.place == place);
        let others = others.filter(|f| !matches!(f.kind, LoadFaultKind::MissingLanguage { .. }));
        others.map(|f| words::fault(self.app, self.desk.language, &f.kind)).collect()
    }

    fn row(&self, name: &str, number: usize, was: &str, texts: Option<&Texts>, place: &str, label: &str) -> RowField {
        let name = format!("{name}{number}");
        let label = self.app.t(self.desk.language, &format!("instrument.{label}"), &[("number", (number + 1).into())]);
        RowField {
            texts: self.texts(&name, label, false, texts, place, "text"),
            name,
            number: number + 1,
            was: was.to_owned(),
            key: was.to_owned(),
            fixed: false,
            exclusive: false,
            faults: if was.is_empty() { Vec::new() } else { self.faults(place) },
            when: None,
            when_href: None,
        }
    }

    fn items(&self, question: &Question) -> Vec<RowField> {
        let known = self.desk.base.answer_keys();
        let items = question.kind.items();
        let mut rows: Vec<RowField> = items
            .iter()
            .enumerate()
            .map(|(at, item)| RowField {
                when: self.desk.when_words(self.app, item.when.as_ref()),
                when_href: Some(conditions::href(self.desk, &Place::Item(item.key.clone()))),
                fixed: known.contains(&item.key),
                ..self.row("item", at, &item.key, Some(&item.text), &item.key, "item")
            })
            .collect();
        if matches!(question.kind, QuestionKind::Battery { .. } | QuestionKind::Grid { .. }) {
            rows.extend((items.len()..items.len() + BLANKS).map(|at| self.row("item", at, "", None, "", "item_new")));
        }
        rows
    }

    fn options(&self, question: &Question) -> Vec<RowField> {
        let before = self.desk.base.question(&question.key).map(|q| q.kind.options()).unwrap_or_default();
        let options = question.kind.options();
        let mut rows: Vec<RowField> = options
            .iter()
            .enumerate()
            .map(|(at, option)| {
                let fixed = before.iter().any(|o| o.code == option.code);
                let place = option_key(&question.key, &option.code);
                let of = Place::Option(question.key.clone(), option.code.clone());
                RowField {
                    exclusive: option.exclusive,
                    when: self.desk.when_words(self.app, option.when.as_ref()),
                    when_href: Some(conditions::href(self.desk, &of)),
                    fixed,
                    ..self.row("option", at, &option.code, Some(&option.text), &place, "option")
                }
            })
            .collect();
        if matches!(
            question.kind,
            QuestionKind::Single { .. } | QuestionKind::Multiple { .. } | QuestionKind::Grid { .. }
        ) {
            let blank = |at| self.row("option", at, "", None, "", "option_new");
            rows.extend((options.len()..options.len() + BLANKS).map(blank));
        }
        rows
    }

    fn scale(&self, question: &Question, scale: &Scale) -> ScaleFields {
        let points = (scale.to.saturating_sub(scale.from)).clamp(1, MOST_POINTS - 1) + 1;
        let each = scale.labels.len() != 2;
        let count = if each { usize::try_from(points).unwrap_or(2).max(scale.labels.len()) } else { 2 };
        let label = |at: usize| {
            let point = if each { scale.from + i32::try_from(at).unwrap_or(0) } else { [scale.from, scale.to][at] };
            let label = self.app.t(self.desk.language, "instrument.field_label", &[("number", point.into())]);
            self.texts(
                &format!("label{at}"),
                label,
                false,
                scale.labels.get(at),
                &question.key,
                &format!("label {}", at + 1),
            )
        };
        ScaleFields {
            from: scale.from,
            to: scale.to,
            dont_know: scale.dont_know,
            not_relevant: scale.not_relevant,
            labels: (0..count).map(label).collect(),
        }
    }

    fn question(&self, question: &Question, notice: Option<Notice>) -> QuestionPage {
        let key = &question.key;
        let at_most = match &question.kind {
            QuestionKind::Battery { at_most, .. } | QuestionKind::Multiple { at_most, .. } => Some(*at_most),
            _ => None,
        };
        let kind = question.kind.name();
        let indicators = domain::indicator::Definitions::shipped().indicators.into_iter();
        let uses = |i: &domain::indicator::Indicator| {
            i.uses(key) || question.kind.items().iter().any(|item| i.uses(&item.key))
        };
        QuestionPage {
            bar: self.desk.staff.bar("questionnaires"),
            head: self.desk.head(),
            notice,
            href: format!("{}/question/{key}", self.desk.href()),
            key: key.clone(),
            fixed: self.desk.base.answer_keys().contains(key),
            kind: self.t(&format!("kind_{kind}")),
            heading: self.desk.text(&question.text),
            text: self.texts("text", self.t("field_text"), true, Some(&question.text), key, "text"),
            help: self.texts("help", self.t("field_help"), true, question.help.as_ref(), key, "help"),
            optional: question.optional,
            off: question.off,
            has_most: at_most.is_some(),
            at_most: at_most.flatten().map(|n| n.to_string()).unwrap_or_default(),
            max_characters: match &question.kind {
                QuestionKind::Open { max_characters } => Some(*max_characters),
                _ => None,
            },
            scale: question.kind.scale().map(|scale| self.scale(question, scale)),
            items: self.items(question),
            options: self.options(question),
            several: matches!(question.kind, QuestionKind::Multiple { .. }),
            when: self.desk.when_words(self.app, question.when.as_ref()),
            when_href: conditions::href(self.desk, &Place::Question(key.clone())),
            faults: self.faults(key),
            indicators: indicators.filter(uses).map(|i| i.title.get(self.desk.language).to_owned()).collect(),
        }
    }

    fn block(&self, block: &Block, notice: Option<Notice>) -> BlockPage {
        let key = &block.key;
        let intro = block.intro.as_ref();
        let again = |turns: &domain::questionnaire::Turns| {
            let label = self.t("field_more_intro");
            self.texts("more_intro", label, true, turns.more_intro.as_ref(), key, "more_intro")
        };
        BlockPage {
            bar: self.desk.staff.bar("questionnaires"),
            head: self.desk.head(),
            notice,
            href: format!("{}/block/{key}", self.desk.href()),
            key: key.clone(),
            heading: self.desk.text(&block.title),
            title: self.texts("title", self.t("field_title"), false, Some(&block.title), key, "title"),
            intro: self.texts("intro", self.t("field_intro"), true, intro, key, "intro"),
            more: block.turns.as_ref().map(|t| t.more),
            more_intro: block.turns.as_ref().map(again),
            when: self.desk.when_words(self.app, block.when.as_ref()),
            when_href: conditions::href(self.desk, &Place::Block(key.clone())),
            faults: self.faults(key),
        }
    }
}

async fn show(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft, key)): Path<(String, String, String)>,
    Query(told): Query<ToldQuery>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let draw = Draw { app: &app, desk: &desk, form: &desk.draft.form };
    let question = draw.form.question(&key).ok_or(PageError::NotFound)?;
    app.view(&visit).of(&desk.staff.municipality).render(&draw.question(question, Notice::of(&told)))
}

async fn save(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft, key)): Path<(String, String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let mut desk = Desk::open(&app, &visit, staff, &draft).await?;
    let (block, at) = desk.draft.form.position(&key).ok_or(PageError::NotFound)?;
    let fixed = desk.base.answer_keys();
    let edited = Typed::of(&sent).question(&desk.draft.form.blocks[block].questions[at], &fixed);
    let key = edited.key.clone();
    let mut form = desk.draft.form.clone();
    form.blocks[block].questions[at] = edited;
    if app.store().change_questionnaire_draft(&desk.staff.municipality.id, desk.edit(&app, &sent), &form).await? {
        return Ok(desk.to(&format!("/question/{key}"), "saved"));
    }
    // What was typed stands on the page, over the other's state of everything else: saving once more keeps it.
    desk.faults = form.faults();
    desk.draft.form = form;
    let question = desk.draft.form.question(&key).ok_or(PageError::NotFound)?;
    let notice = Notice { text: "instrument.told_conflict_typed", warning: true };
    let page = Draw { app: &app, desk: &desk, form: &desk.draft.form }.question(question, Some(notice));
    app.view(&visit).of(&desk.staff.municipality).status(StatusCode::CONFLICT).render(&page)
}

/// `GET /{slug}/console/questionnaires/{draft}/block/{block}`
#[derive(Debug, Serialize)]
pub struct BlockPage {
    bar: Bar,
    head: Head,
    notice: Option<Notice>,
    href: String,
    key: String,
    heading: String,
    title: TextsField,
    intro: TextsField,
    /// Of a block that is gone through several times: how often more.
    more: Option<u32>,
    more_intro: Option<TextsField>,
    when: Option<String>,
    when_href: String,
    faults: Vec<String>,
}

impl Page for BlockPage {
    const TEMPLATE: &'static str = "console/questionnaire-block.html";

    fn samples() -> Vec<Self> {
        let page = |full: bool| Self {
            bar: Bar::sample(true),
            head: Head::sample(),
            notice: if full { Notice::sample() } else { None },
            href: "/x".to_owned(),
            key: "overall".to_owned(),
            heading: "Kommunen".to_owned(),
            title: TextsField::sample(),
            intro: TextsField::sample(),
            more: full.then_some(2),
            more_intro: full.then(TextsField::sample),
            when: full.then(|| "Ansatte: ja".to_owned()),
            when_href: "/x".to_owned(),
            faults: if full { vec!["Uden spørgsmål".to_owned()] } else { Vec::new() },
        };
        vec![page(true), page(false)]
    }
}

async fn show_block(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft, key)): Path<(String, String, String)>,
    Query(told): Query<ToldQuery>,
) -> Result<Response, PageError> {
    let desk = Desk::open(&app, &visit, staff, &draft).await?;
    let draw = Draw { app: &app, desk: &desk, form: &desk.draft.form };
    let block = draw.form.blocks.iter().find(|b| b.key == key).ok_or(PageError::NotFound)?;
    app.view(&visit).of(&desk.staff.municipality).render(&draw.block(block, Notice::of(&told)))
}

async fn save_block(
    State(app): State<App>,
    visit: Visit,
    Analyst(staff): Analyst,
    Path((_, draft, key)): Path<(String, String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    let mut desk = Desk::open(&app, &visit, staff, &draft).await?;
    let mut form = desk.draft.form.clone();
    let block = form.blocks.iter_mut().find(|b| b.key == key).ok_or(PageError::NotFound)?;
    Typed::of(&sent).block(block);
    if app.store().change_questionnaire_draft(&desk.staff.municipality.id, desk.edit(&app, &sent), &form).await? {
        return Ok(desk.to(&format!("/block/{key}"), "saved"));
    }
    desk.faults = form.faults();
    desk.draft.form = form;
    let draw = Draw { app: &app, desk: &desk, form: &desk.draft.form };
    let block = draw.form.blocks.iter().find(|b| b.key == key).ok_or(PageError::NotFound)?;
    let notice = Notice { text: "instrument.told_conflict_typed", warning: true };
    let page = draw.block(block, Some(notice));
    app.view(&visit).of(&desk.staff.municipality).status(StatusCode::CONFLICT).render(&page)
}

/// What was typed, by field.
struct Typed<'s>(HashMap<&'s str, &'s str>);

impl<'s> Typed<'s> {
    fn of(sent: &'s Sent) -> Self {
        Self(sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect())
    }

    /// One line, whatever was pasted.
    fn line(&self, name: &str) -> String {
        self.0.get(name).map(|v| v.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
    }

    fn ticked(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.0.get(name)?.trim().parse().ok()
    }

    fn texts(&self, name: &str) -> Texts {
        let line = |tag: &str| self.line(&format!("{name}_{tag}"));
        Texts { da: line("da"), sv: line("sv"), en: line("en") }
    }

    /// Texts that may be left out as a whole.
    fn maybe_texts(&self, name: &str) -> Option<Texts> {
        Some(self.texts(name)).filter(|t| *t != Texts::same(""))
    }

    fn block(&self, block: &mut Block) {
        block.title = self.texts("title");
        block.intro = self.maybe_texts("intro");
        if let Some(turns) = &mut block.turns {
            turns.more = self.number("more").unwrap_or(turns.more);
            turns.more_intro = self.maybe_texts("more_intro");
        }
    }

    /// The question as it was typed; `fixed` are the keys that stay.
    fn question(&self, before: &Question, fixed: &[String]) -> Question {
        let typed = self.line("key");
        let key = if fixed.contains(&before.key) || typed.is_empty() { before.key.clone() } else { typed };
        let kind = match &before.kind {
            QuestionKind::Scale(scale) => QuestionKind::Scale(self.scale(scale)),
            QuestionKind::Battery { scale, items, .. } => QuestionKind::Battery {
                scale: self.scale(scale),
                items: self.items(items, &key, fixed),
                at_most: self.number("at_most"),
            },
            QuestionKind::Single { options } => {
                QuestionKind::Single { options: self.options(options, &before.key, fixed, false) }
            }
            QuestionKind::Multiple { options, .. } => QuestionKind::Multiple {
                options: self.options(options, &before.key, fixed, true),
                at_most: self.number("at_most"),
            },
            QuestionKind::Grid { items, options } => QuestionKind::Grid {
                items: self.items(items, &key, fixed),
                options: self.options(options, &before.key, fixed, false),
            },
            QuestionKind::Open { max_characters } => QuestionKind::Open {
                max_characters: self
                    .number("max_characters")
                    .filter(|n| (1..=20_000).contains(n))
                    .unwrap_or(*max_characters),
            },
        };
        Question {
            key,
            text: self.texts("text"),
            help: self.maybe_texts("help"),
            kind,
            when: before.when.clone(),
            optional: self.ticked("optional"),
            off: self.ticked("off"),
        }
    }

    fn scale(&self, before: &Scale) -> Scale {
        let from = self.number("scale_from").unwrap_or(before.from);
        let to = self.number("scale_to").unwrap_or(before.to);
        let labels: Vec<Texts> = (0..)
            .map(|at| format!("label{at}"))
            .take_while(|name| self.ticked(&format!("{name}_da")))
            .map(|name| self.texts(&name))
            .collect();
        // A label per point follows the number of points; blank ones come up as missing.
        let points = usize::try_from(to.saturating_sub(from)).unwrap_or(0) + 1;
        let each = labels.len() != 2 && !self.ticked("ends_only");
        let labels = match (each, points) {
            (true, 2..=11) => {
                (0..points).map(|at| labels.get(at).cloned().unwrap_or_else(|| Texts::same(""))).collect()
            }
            (false, _) if labels.len() > 2 => [labels.first(), labels.last()].into_iter().flatten().cloned().collect(),
            _ => labels,
        };
        Scale {
            from,
            to,
            labels,
            dont_know: self.ticked("scale_dont_know"),
            not_relevant: self.ticked("scale_not_relevant"),
        }
    }

    /// The rows of a list in the order that was typed, without those that are blank or taken out.
    fn rows(&self, name: &str) -> Vec<String> {
        let rows = (0..).map(|at| format!("{name}{at}")).take_while(|row| self.ticked(&format!("{row}_da")));
        let mut rows: Vec<(u32, String)> = rows
            .filter(|row| !self.ticked(&format!("{row}_remove")))
            .filter(|row| !self.line(&format!("{row}_was")).is_empty() || self.texts(row) != Texts::same(""))
            .map(|row| (self.number(&format!("{row}_at")).unwrap_or(u32::MAX), row))
            .collect();
        rows.sort_by_key(|(at, _)| *at);
        rows.into_iter().map(|(_, row)| row).collect()
    }

    fn items(&self, before: &[Item], question: &str, fixed: &[String]) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for row in self.rows("item") {
            let (was, typed) = (self.line(&format!("{row}_was")), self.line(&format!("{row}_key")));
            let stays = fixed.contains(&was);
            let key = if stays || typed.is_empty() { was.clone() } else { typed };
            let taken = |key: &str| before.iter().chain(&items).any(|i| i.key == key) || fixed.iter().any(|k| k == key);
            let key = if key.is_empty() {
                (1_u32..).map(|n| format!("{question}_{n}")).find(|key| !taken(key)).unwrap_or_default()
            } else {
                key
            };
            let when = before.iter().find(|i| i.key == was).and_then(|i| i.when.clone());
            items.push(Item { key, text: self.texts(&row), when });
        }
        items
    }

    fn options(&self, before: &[Choice], question: &str, fixed: &[String], several: bool) -> Vec<Choice> {
        let mut options: Vec<Choice> = Vec::new();
        for row in self.rows("option") {
            let (was, typed) = (self.line(&format!("{row}_was")), self.line(&format!("{row}_key")));
            // A single choice's codes are not keys of their own; they stay once the question is in use.
            let stays = !was.is_empty()
                && (fixed.contains(&option_key(question, &was)) || (!several && fixed.iter().any(|k| k == question)));
            let code = if stays || typed.is_empty() { was.clone() } else { typed };
            let taken = |code: &str| before.iter().chain(&options).any(|o| o.code == code);
            let code = if code.is_empty() {
                let word = if several { "option" } else { "" };
                (1_u32..).map(|n| format!("{word}{n}")).find(|code| !taken(code)).unwrap_or_default()
            } else {
                code
            };
            let when = before.iter().find(|o| o.code == was).and_then(|o| o.when.clone());
            let exclusive = self.ticked(&format!("{row}_exclusive"));
            options.push(Choice { code, text: self.texts(&row), exclusive, when });
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use domain::questionnaire::shipped;

    use super::*;

    fn typed(question: &Question, change: &[(&str, &str)]) -> Sent {
        let mut sent: Sent = Vec::new();
        let mut texts = |name: &str, texts: Option<&Texts>| {
            for language in Language::ALL {
                let value = texts.map(|t| t.get(language)).unwrap_or_default();
                sent.push((format!("{name}_{}", language.tag()), value.to_owned()));
            }
        };
        texts("text", Some(&question.text));
        texts("help", question.help.as_ref());
        for (at, item) in question.kind.items().iter().enumerate() {
            texts(&format!("item{at}"), Some(&item.text));
        }
        for (at, option) in question.kind.options().iter().enumerate() {
            texts(&format!("option{at}"), Some(&option.text));
        }
        for (at, label) in question.kind.scale().iter().flat_map(|s| &s.labels).enumerate() {
            texts(&format!("label{at}"), Some(label));
        }
        let mut put = |name: String, value: String| sent.push((name, value));
        for (at, item) in question.kind.items().iter().enumerate() {
            put(format!("item{at}_was"), item.key.clone());
            put(format!("item{at}_at"), (at + 1).to_string());
        }
        for (at, option) in question.kind.options().iter().enumerate() {
            put(format!("option{at}_was"), option.code.clone());
            put(format!("option{at}_at"), (at + 1).to_string());
            if option.exclusive {
                put(format!("option{at}_exclusive"), "1".to_owned());
            }
        }
        if let Some(scale) = question.kind.scale() {
            put("scale_from".to_owned(), scale.from.to_string());
            put("scale_to".to_owned(), scale.to.to_string());
            for (ticked, name) in [(scale.dont_know, "scale_dont_know"), (scale.not_relevant, "scale_not_relevant")] {
                if ticked {
                    put(name.to_owned(), "1".to_owned());
                }
            }
        }
        match &question.kind {
            QuestionKind::Battery { at_most: Some(n), .. } | QuestionKind::Multiple { at_most: Some(n), .. } => {
                put("at_most".to_owned(), n.to_string());
            }
            _ => {}
        }
        for (ticked, name) in [(question.optional, "optional"), (question.off, "off")] {
            if ticked {
                put(name.to_owned(), "1".to_owned());
            }
        }
        for (name, value) in change {
            sent.retain(|(known, _)| known != name);
            sent.push(((*name).to_owned(), (*value).to_owned()));
        }
        sent
    }

    #[test]
    fn a_form_sent_back_untouched_changes_nothing() {
        let form = shipped();
        let fixed = form.answer_keys();
        for question in form.blocks.iter().flat_map(|b| &b.questions) {
            assert_eq!(Typed::of(&typed(question, &[])).question(question, &fixed), *question, "{}", question.key);
        }
    }

    #[test]
    fn rows_are_added_ordered_and_taken_out() {
        let form = shipped();
        let contact = form.question("contact").unwrap();
        let (count, fixed) = (contact.kind.options().len(), form.answer_keys());
        let new = format!("option{count}_da");
        let sent =
            typed(contact, &[("option0_at", "3"), ("option1_at", "1"), ("option3_remove", "1"), (&new, "Havnen")]);
        let edited = Typed::of(&sent).question(contact, &fixed);
        let codes: Vec<&str> = edited.kind.options().iter().map(|o| o.code.as_str()).collect();
        assert_eq!(codes[..3], ["environment", "building", "jobcentre"]);
        assert_eq!(codes.len(), count);
        assert_eq!(codes.last(), Some(&"option1"));
        assert_eq!(edited.kind.options().last().unwrap().text.da, "Havnen");
    }

    #[test]
    fn keys_of_what_was_asked_before_stay() {
        let form = shipped();
        let (question, fixed) = (form.question("overall").unwrap(), form.answer_keys());
        assert_eq!(Typed::of(&typed(question, &[("key", "other")])).question(question, &fixed).key, "overall");
        assert_eq!(Typed::of(&typed(question, &[("key", "other")])).question(question, &[]).key, "other");
    }

    #[test]
    fn labels_follow_the_number_of_points() {
        let form = shipped();
        let (question, fixed) = (form.question("overall").unwrap(), form.answer_keys());
        let labels = |change: &[(&str, &str)]| {
            let edited = Typed::of(&typed(question, change)).question(question, &fixed);
            edited.kind.scale().unwrap().labels.clone()
        };
        assert_eq!(labels(&[("scale_to", "7")]).len(), 7);
        assert_eq!(labels(&[("scale_to", "4")]).len(), 4);
        assert_eq!(labels(&[("ends_only", "1")]).len(), 2);
    }
}
