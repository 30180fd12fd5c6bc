//! One page of questions: shown, received, checked, saved. Nothing that was typed is lost, nothing is silently overwritten.
use std::collections::{BTreeMap, HashMap};

use axum::extract::{Form, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::answers::{self, Answers, Fault, FaultKind};
use domain::fieldwork::Mode;
use domain::language::{Language, Texts};
use domain::municipality::Municipality;
use domain::questionnaire::{Choice, Facts, Question, QuestionKind, Questionnaire, Scale, Screen, option_key};
use serde::Serialize;
use store::StoreError;
use store::respondent::{AnswerConflict, PageSave};

use super::rescue::SHOWN_FROM;
use super::{Action, Invited, NoticePage, finish, start};
use crate::app::App;
use crate::error::PageError;
use crate::templates::Page;
use crate::visit::Visit;

/// What a page's form sent.
pub(crate) type Sent = Vec<(String, String)>;

/// `/s/{token}/{screen}`
#[derive(Serialize)]
pub(crate) struct ScreenPage {
    action: String,
    title: String,
    intro: Option<String>,
    number: usize,
    total: usize,
    revision: i64,
    is_first: bool,
    is_last: bool,
    optional: bool,
    questions: Vec<QuestionView>,
    faults: Vec<FaultView>,
    /// Another device has answered differently meanwhile.
    conflict: bool,
    /// On the telephone: whom, and the way back to the call.
    call: Option<OnCall>,
    /// A questionnaire in the making is tried: nothing is kept.
    trial: bool,
}

/// Whom an interviewer has on the telephone.
#[derive(Serialize)]
pub(crate) struct OnCall {
    business: String,
    href: String,
}

impl OnCall {
    /// The bar on top of an interview's pages; none on the web.
    pub(crate) fn of(invited: &Invited) -> Option<Self> {
        let business = invited.who.business_name.clone();
        (invited.mode == Mode::Telephone).then(|| Self { business, href: invited.href("") })
    }

    pub(crate) fn sample() -> Self {
        Self { business: "Holm ApS".into(), href: "/hojager/calls/1".into() }
    }
}

/// A fault in the summary on top of the page.
#[derive(Serialize)]
struct FaultView {
    anchor: String,
    question: String,
    message: String,
}

/// A question as the template draws it.
#[derive(Serialize)]
struct QuestionView {
    /// The form's field, except where the rows have their own.
    name: String,
    /// `rating`, `single`, `multiple`, `open`.
    kind: &'static str,
    text: String,
    help: Option<String>,
    optional: bool,
    /// Of a rating: one row per item; one row without text when the question itself is rated.
    rows: Vec<RowView>,
    options: Vec<OptionView>,
    value: String,
    max_characters: u32,
    fault: Option<String>,
    other_device: Option<String>,
}

/// One rating.
#[derive(Serialize)]
struct RowView {
    name: String,
    text: Option<String>,
    /// Points carry figures only; the ends are named beside them.
    numbers: bool,
    low: String,
    high: String,
    points: Vec<OptionView>,
    /// "Ved ikke", "ikke relevant": apart from the scale.
    beside: Vec<OptionView>,
    fault: Option<String>,
    other_device: Option<String>,
}

/// One radio button or checkbox.
#[derive(Serialize)]
struct OptionView {
    value: String,
    text: String,
    checked: bool,
    apart: bool,
}

/// `GET /s/{token}/{screen}`
pub(crate) async fn show(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    Path((_, key)): Path<(String, String)>,
) -> Result<Response, PageError> {
    shown(&app, &visit, &invited, &key)
}

/// The screen of a key, for whoever answers.
pub(crate) fn shown(app: &App, visit: &Visit, invited: &Invited, key: &str) -> Result<Response, PageError> {
    if let Some(answer) = start::not_answerable(app, visit, invited)? {
        return Ok(answer);
    }
    if invited.is_drafting() && invited.draft.is_none() {
        return Ok(invited.to(""));
    }
    let Some(drawn) = Drawn::of(invited, key) else {
        return Ok(invited.to(""));
    };
    drawn.page(app, visit, invited, StatusCode::OK)
}

/// `POST /s/{token}/{screen}`
pub(crate) async fn save(
    State(app): State<App>,
    visit: Visit,
    invited: Invited,
    Path((_, key)): Path<(String, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, PageError> {
    saved(app, visit, invited, key, sent).await
}

/// Keeps a received screen, for whoever answers.
pub(crate) async fn saved(
    app: App,
    mut visit: Visit,
    invited: Invited,
    key: String,
    sent: Sent,
) -> Result<Response, PageError> {
    if let Some(answer) = start::not_taken(&app, &visit, &invited, &sent)? {
        return Ok(answer);
    }
    if invited.is_drafting() && invited.draft.is_none() {
        return not_kept(&app, &visit, &invited, "sent_meanwhile", &sent);
    }
    let Some(mut drawn) = Drawn::of(&invited, &key) else {
        return not_kept(&app, &visit, &invited, "off_route", &sent);
    };
    let checked = answers::check(&drawn.screen, &sent);
    let mut settled = invited.questionnaire.settle(&invited.who.facts, &invited.answers(), &checked.changes);
    // A field left blank that holds nothing is no change: it must not look like one to another device.
    let stored = invited.answers();
    settled.retain(|key, value| value.is_some() || stored.get(key).is_some());
    let after = applied(stored, &settled);
    let page = PageSave {
        invitation: &invited.who.invitation,
        changes: &settled,
        expected_revision: field(&sent, "revision").and_then(|r| r.parse().ok()).unwrap_or(0),
        status: invited.questionnaire.completeness(&invited.who.facts, &after).status(),
        mode: invited.mode,
        language: invited.view(&app, &visit).language(),
        screen: Some(&key),
    };
    // Whoever no longer says yes to being contacted must not be: first the wish goes, then the answer is saved.
    let says_no = settled.get(finish::FOLLOW_UP).is_some_and(|answer| answer.as_deref() != Some(finish::YES));
    if says_no && !invited.is_drafting() {
        app.store().drop_contact(&invited.who.invitation, app.now()).await?;
    }
    let saved = if invited.is_drafting() {
        app.store().save_draft(page, app.now()).await
    } else {
        app.store().save_page(page, app.now()).await
    };
    let saved = match saved {
        Ok(saved) => saved,
        Err(StoreError::RoundClosed) => return start::closed(&app, &visit, &invited, &sent),
        Err(error) => return Err(error.into()),
    };
    let after = applied(after, &saved.conflicts.iter().map(|c| (c.key.clone(), c.kept.clone())).collect());
    // Where this page was left blank the other device's answer simply stands: nobody is contradicted.
    let is_answered_here = |c: &AnswerConflict| checked.changes.get(&c.key).is_some_and(Option::is_some);
    let (conflicts, left_blank): (Vec<AnswerConflict>, Vec<AnswerConflict>) =
        saved.conflicts.into_iter().partition(is_answered_here);
    if field(&sent, "autosave").is_some() {
        let outcome =
            Autosaved { revision: saved.revision, faults: !checked.faults.is_empty(), conflict: !conflicts.is_empty() };
        return autosaved(&outcome);
    }
    let switched = field(&sent, "language").and_then(Language::parse);
    let going_back = field(&sent, "go") == Some("back");
    if !conflicts.is_empty() || !checked.faults.is_empty() {
        visit.chosen = switched.or(visit.chosen);
        let status = if conflicts.is_empty() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::CONFLICT };
        drawn.again(saved.revision, sent, checked.faults, conflicts, left_blank);
        return drawn.page(&app, &visit, &invited, status);
    }
    if let Some(language) = switched {
        // Who calls chooses for this page, not for the business's mails.
        if invited.mode == Mode::Web {
            app.store().choose_language(&invited.who.invitation, language).await?;
        }
        return Ok(invited.to(&format!("{key}?lang={}", language.tag())));
    }
    let route = invited.questionnaire.route(&invited.who.facts, &after);
    let at = route.iter().position(|s| s.key == key);
    let next = match (at, going_back) {
        (Some(0), true) => Some(""),
        (Some(at), true) => route.get(at - 1).map(|s| s.key.as_str()),
        (Some(at), false) => route.get(at + 1).map(|s| s.key.as_str()),
        (None, _) => Some(""),
    };
    Ok(invited.to(next.unwrap_or("review")))
}

/// A page that was left open until it could not be kept any more, because the answer was sent from elsewhere (`sent_meanwhile`) or another
/// answer decided that the page is not asked (`off_route`): that is said, and what was written stands there to be copied.
fn not_kept(app: &App, visit: &Visit, invited: &Invited, why: &str, sent: &Sent) -> Result<Response, PageError> {
    if field(sent, "autosave").is_some() {
        return autosaved(&Autosaved { revision: invited.revision(), faults: false, conflict: true });
    }
    let view = invited.view(app, visit).status(StatusCode::CONFLICT);
    let language = view.language();
    let t = |part: &str| app.t(language, &format!("respondent.{why}_{part}"), &[]);
    let on = Action { href: invited.href(""), label: t("on"), post: false, primary: true };
    let mut page = NoticePage::new(t("title"), t("lead"), vec![t("text")], vec![on], &invited.who.municipality);
    page.texts = written(sent);
    view.render(&page)
}

/// What somebody wrote on a page, as far as it is worth copying.
pub(super) fn written(sent: &[(String, String)]) -> Vec<String> {
    let texts = sent.iter().filter(|(name, text)| name != "attempt" && text.chars().count() > SHOWN_FROM);
    texts.map(|(_, text)| text.clone()).collect()
}

/// What the script is told after saving in the background.
#[derive(Serialize)]
struct Autosaved {
    revision: i64,
    faults: bool,
    conflict: bool,
}

fn autosaved(outcome: &Autosaved) -> Result<Response, PageError> {
    let json = serde_json::to_string(outcome).map_err(PageError::internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

fn field<'s>(sent: &'s Sent, name: &str) -> Option<&'s str> {
    sent.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

fn applied(mut answers: Answers, changes: &BTreeMap<String, Option<String>>) -> Answers {
    for (key, value) in changes {
        match value {
            Some(value) => answers.0.insert(key.clone(), value.clone()),
            None => answers.0.remove(key),
        };
    }
    answers
}

/// Has anything on this screen been answered?
pub(super) fn is_touched(screen: &Screen, answers: &Answers) -> bool {
    screen.questions.iter().any(|q| keys(q).iter().any(|key| answers.get(key).is_some()))
}

/// The keys under which a question's answers are kept.
fn keys(question: &Question) -> Vec<String> {
    match &question.kind {
        QuestionKind::Battery { items, .. } | QuestionKind::Grid { items, .. } => {
            items.iter().map(|i| i.key.clone()).collect()
        }
        QuestionKind::Multiple { options, .. } => options.iter().map(|o| option_key(&question.key, &o.code)).collect(),
        QuestionKind::Scale(_) | QuestionKind::Single { .. } | QuestionKind::Open { .. } => vec![question.key.clone()],
    }
}

/// A screen about to be shown: with what is stored, or with what was typed.
struct Drawn {
    screen: Screen,
    number: usize,
    total: usize,
    revision: i64,
    stored: Answers,
    typed: Option<Sent>,
    faults: Vec<Fault>,
    /// What stands instead of what was typed, by answer key.
    conflicts: HashMap<String, Option<String>>,
}

/// A questionnaire in the making, walked through as a business would; nothing is kept.
pub(crate) struct Trial<'a> {
    /// Whose it is.
    pub municipality: &'a Municipality,
    /// The questionnaire.
    pub questionnaire: &'a Questionnaire,
    /// The facts of the business that somebody plays.
    pub facts: &'a Facts,
    /// What has been answered so far.
    pub answers: Answers,
    /// Where the screen's form goes.
    pub action: String,
}

/// What a step of a trial leads to.
pub(crate) enum TrialStep {
    /// A page.
    Page(Response),
    /// On to this screen (none: past the last or before the first) with these answers.
    On(Option<String>, Answers),
}

/// A screen of a questionnaire in the making: shown, or received as `sent` and left for the next one. `None`: not on the route.
pub(crate) fn tried(
    app: &App,
    visit: &Visit,
    trial: &Trial<'_>,
    key: &str,
    sent: Option<Sent>,
) -> Result<Option<TrialStep>, PageError> {
    let mut route = trial.questionnaire.route(trial.facts, &trial.answers);
    let (Some(at), total) = (route.iter().position(|s| s.key == key), route.len()) else { return Ok(None) };
    let mut drawn = Drawn {
        screen: route.swap_remove(at),
        number: at + 1,
        total,
        revision: 0,
        stored: trial.answers.clone(),
        typed: None,
        faults: Vec::new(),
        conflicts: HashMap::new(),
    };
    let Some(sent) = sent else { return drawn.trial_page(app, visit, trial).map(|page| Some(TrialStep::Page(page))) };
    let checked = answers::check(&drawn.screen, &sent);
    let switched = field(&sent, "language").and_then(Language::parse);
    let going_back = field(&sent, "go") == Some("back");
    if switched.is_some() || !checked.faults.is_empty() {
        let visit = Visit { chosen: switched.or(visit.chosen), ..visit.clone() };
        drawn.again(0, sent, checked.faults, Vec::new(), Vec::new());
        return drawn.trial_page(app, &visit, trial).map(|page| Some(TrialStep::Page(page)));
    }
    let settled = trial.questionnaire.settle(trial.facts, &trial.answers, &checked.changes);
    let after = applied(trial.answers.clone(), &settled);
    let route = trial.questionnaire.route(trial.facts, &after);
    let at = route.iter().position(|s| s.key == key).unwrap_or(0);
    let next = if going_back { at.checked_sub(1) } else { Some(at + 1) };
    let next = next.and_then(|next| route.get(next)).map(|screen| screen.key.clone());
    Ok(Some(TrialStep::On(next, after)))
}

impl Drawn {
    fn of(invited: &Invited, key: &str) -> Option<Self> {
        let stored = invited.answers();
        let mut route = invited.questionnaire.route(&invited.who.facts, &stored);
        let (at, total) = (route.iter().position(|s| s.key == key)?, route.len());
        Some(Self {
            screen: route.swap_remove(at),
            number: at + 1,
            total,
            revision: invited.revision(),
            stored,
            typed: None,
            faults: Vec::new(),
            conflicts: HashMap::new(),
        })
    }

    /// The same screen with everything that was typed, and what is wrong with it.
    fn again(
        &mut self,
        revision: i64,
        mut typed: Sent,
        faults: Vec<Fault>,
        conflicts: Vec<AnswerConflict>,
        left_blank: Vec<AnswerConflict>,
    ) {
        for AnswerConflict { key, kept } in left_blank {
            match (kept, self.ticked(&key)) {
                (Some(kept), None) => typed.push((key, kept)),
                (Some(kept), Some(tick)) if kept == "1" => typed.push(tick),
                _ => {}
            }
        }
        self.revision = revision;
        self.typed = Some(typed);
        self.faults = faults;
        self.conflicts = conflicts.into_iter().map(|c| (c.key, c.kept)).collect();
    }

    /// The form's field and value for the key of a tick.
    fn ticked(&self, key: &str) -> Option<(String, String)> {
        self.screen.questions.iter().find_map(|q| match &q.kind {
            QuestionKind::Multiple { options, .. } => {
                let option = options.iter().find(|o| option_key(&q.key, &o.code) == key)?;
                Some((q.key.clone(), option.code.clone()))
            }
            _ => None,
        })
    }

    fn page(&self, app: &App, visit: &Visit, invited: &Invited, status: StatusCode) -> Result<Response, PageError> {
        let view = invited.view(app, visit).status(status).switch_by_form("screen");
        let language = view.language();
        let draw = Draw { app, language, drawn: self };
        view.render(&ScreenPage {
            action: invited.href(&self.screen.key),
            title: self.screen.title.get(language).to_owned(),
            intro: self.screen.intro.as_ref().map(|t| t.get(language).to_owned()),
            number: self.number,
            total: self.total,
            revision: self.revision,
            is_first: self.number == 1,
            is_last: self.number == self.total,
            optional: self.screen.optional,
            questions: self.screen.questions.iter().map(|q| draw.question(q)).collect(),
            faults: draw.summary(),
            conflict: !self.conflicts.is_empty(),
            call: OnCall::of(invited),
            trial: false,
        })
    }

    /// The same screen of a questionnaire in the making.
    fn trial_page(&self, app: &App, visit: &Visit, trial: &Trial<'_>) -> Result<Response, PageError> {
        let status = if self.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        let view = app.view(visit).of(trial.municipality).status(status).switch_by_form("trial");
        let language = view.language();
        let draw = Draw { app, language, drawn: self };
        view.render(&ScreenPage {
            action: trial.action.clone(),
            title: self.screen.title.get(language).to_owned(),
            intro: self.screen.intro.as_ref().map(|t| t.get(language).to_owned()),
            number: self.number,
            total: self.total,
            revision: 0,
            is_first: self.number == 1,
            is_last: self.number == self.total,
            optional: self.screen.optional,
            questions: self.screen.questions.iter().map(|q| draw.question(q)).collect(),
            faults: draw.summary(),
            conflict: false,
            call: None,
            trial: true,
        })
    }

    /// Is this option of a field chosen?
    fn is_chosen(&self, name: &str, value: &str, stored_key: &str, stored_value: &str) -> bool {
        match &self.typed {
            Some(typed) => typed.iter().any(|(n, v)| n == name && v == value),
            None => self.stored.get(stored_key) == Some(stored_value),
        }
    }
}

/// Draws questions in a language.
struct Draw<'a> {
    app: &'a App,
    language: Language,
    drawn: &'a Drawn,
}

impl Draw<'_> {
    fn text(&self, texts: &Texts) -> String {
        texts.get(self.language).to_owned()
    }

    fn t(&self, key: &str, args: &[(&str, text::Arg)]) -> String {
        self.app.t(self.language, key, args)
    }

    fn question(&self, question: &Question) -> QuestionView {
        let mut view = QuestionView {
            name: question.key.clone(),
            kind: "rating",
            text: self.text(&question.text),
            help: question.help.as_ref().map(|h| self.text(h)),
            optional: question.optional,
            rows: Vec::new(),
            options: Vec::new(),
            value: String::new(),
            max_characters: 0,
            fault: self.fault(&question.key),
            other_device: None,
        };
        match &question.kind {
            QuestionKind::Scale(scale) => view.rows.push(self.rating(&question.key, None, scale)),
            QuestionKind::Battery { scale, items, .. } => {
                view.rows = items.iter().map(|i| self.rating(&i.key, Some(&i.text), scale)).collect();
            }
            QuestionKind::Grid { items, options } => {
                view.rows = items.iter().map(|i| self.listed(&i.key, &i.text, options)).collect();
            }
            QuestionKind::Single { options } => {
                view.kind = "single";
                view.options = self.single(&question.key, options);
                view.other_device = self.other_device(&question.key, |v| self.choice_text(options, v));
            }
            QuestionKind::Multiple { options, .. } => {
                view.kind = "multiple";
                view.options = options.iter().map(|o| self.tick(&question.key, o)).collect();
                view.other_device = self.other_ticks(&question.key, options);
            }
            QuestionKind::Open { max_characters } => {
                view.kind = "open";
                view.max_characters = *max_characters;
                view.value = match &self.drawn.typed {
                    Some(typed) => field(typed, &question.key).unwrap_or_default().to_owned(),
                    None => self.drawn.stored.get(&question.key).unwrap_or_default().to_owned(),
                };
                view.other_device = self.other_device(&question.key, str::to_owned);
            }
        }
        view
    }

    fn rating(&self, name: &str, text: Option<&Texts>, scale: &Scale) -> RowView {
        let points = (scale.to - scale.from).unsigned_abs() as usize + 1;
        let numbers = scale.labels.len() != points;
        let label = |i: usize, point: i32| if numbers { point.to_string() } else { self.text(&scale.labels[i]) };
        let option = |value: String, text: String, apart: bool| OptionView {
            checked: self.drawn.is_chosen(name, &value, name, &value),
            value,
            text,
            apart,
        };
        let mut beside = Vec::new();
        if scale.dont_know {
            beside.push(option(answers::DONT_KNOW.to_owned(), self.t("respondent.dont_know", &[]), true));
        }
        if scale.not_relevant {
            beside.push(option(answers::NOT_RELEVANT.to_owned(), self.t("respondent.not_relevant", &[]), true));
        }
        let end = |texts: Option<&Texts>| texts.filter(|_| numbers).map(|t| self.text(t)).unwrap_or_default();
        RowView {
            name: name.to_owned(),
            text: text.map(|t| self.text(t)),
            numbers,
            low: end(scale.labels.first()),
            high: end(scale.labels.last()),
            points: (scale.from..=scale.to)
                .enumerate()
                .map(|(i, p)| option(p.to_string(), label(i, p), false))
                .collect(),
            beside,
            fault: self.fault(name),
            other_device: self.other_device(name, |v| self.point_text(scale, v)),
        }
    }

    fn listed(&self, name: &str, text: &Texts, options: &[Choice]) -> RowView {
        RowView {
            name: name.to_owned(),
            text: Some(self.text(text)),
            numbers: false,
            low: String::new(),
            high: String::new(),
            points: self.single(name, options),
            beside: Vec::new(),
            fault: self.fault(name),
            other_device: self.other_device(name, |v| self.choice_text(options, v)),
        }
    }

    fn single(&self, name: &str, options: &[Choice]) -> Vec<OptionView> {
        let option = |o: &Choice| OptionView {
            checked: self.drawn.is_chosen(name, &o.code, name, &o.code),
            value: o.code.clone(),
            text: self.text(&o.text),
            apart: false,
        };
        options.iter().map(option).collect()
    }

    fn tick(&self, name: &str, option: &Choice) -> OptionView {
        OptionView {
            checked: self.drawn.is_chosen(name, &option.code, &option_key(name, &option.code), "1"),
            value: option.code.clone(),
            text: self.text(&option.text),
            apart: option.exclusive,
        }
    }

    fn choice_text(&self, options: &[Choice], value: &str) -> String {
        options.iter().find(|o| o.code == value).map_or_else(|| value.to_owned(), |o| self.text(&o.text))
    }

    fn point_text(&self, scale: &Scale, value: &str) -> String {
        match value {
            answers::DONT_KNOW => self.t("respondent.dont_know", &[]),
            answers::NOT_RELEVANT => self.t("respondent.not_relevant", &[]),
            point => {
                let at = point.parse().ok().and_then(|p: i32| usize::try_from(p - scale.from).ok());
                let points = usize::try_from(scale.to - scale.from + 1).unwrap_or(0);
                match at.and_then(|i| scale.labels.get(i)).filter(|_| scale.labels.len() == points) {
                    Some(label) => self.text(label),
                    None => point.to_owned(),
                }
            }
        }
    }

    fn other_device(&self, key: &str, wording: impl Fn(&str) -> String) -> Option<String> {
        let kept = self.drawn.conflicts.get(key)?;
        Some(self.other(kept.as_deref().map(wording)))
    }

    fn other_ticks(&self, name: &str, options: &[Choice]) -> Option<String> {
        let touched = options.iter().any(|o| self.drawn.conflicts.contains_key(&option_key(name, &o.code)));
        touched.then(|| {
            let is_ticked = |o: &&Choice| {
                let key = option_key(name, &o.code);
                let kept = self.drawn.conflicts.get(&key).cloned().flatten();
                kept.as_deref().or_else(|| self.drawn.stored.get(&key)) == Some("1")
            };
            let ticked: Vec<String> = options.iter().filter(is_ticked).map(|o| self.text(&o.text)).collect();
            self.other((!ticked.is_empty()).then(|| ticked.join(" · ")))
        })
    }

    fn other(&self, kept: Option<String>) -> String {
        match kept {
            Some(kept) => self.t("respondent.other_device", &[("answer", kept.into())]),
            None => self.t("respondent.other_device_blank", &[]),
        }
    }

    fn fault(&self, key: &str) -> Option<String> {
        self.drawn.faults.iter().find(|f| f.key == key).map(|f| self.fault_text(&f.kind))
    }

    fn fault_text(&self, kind: &FaultKind) -> String {
        match kind {
            FaultKind::NotOffered => self.t("respondent.fault_not_offered", &[]),
            FaultKind::TooMany { at_most } => self.t("respondent.fault_too_many", &[("n", (*at_most).into())]),
            FaultKind::NotAlone => self.t("respondent.fault_not_alone", &[]),
            FaultKind::TooLong { max_characters } => {
                self.t("respondent.fault_too_long", &[("n", (*max_characters).into())])
            }
        }
    }

    fn summary(&self) -> Vec<FaultView> {
        let view = |f: &Fault| FaultView {
            anchor: format!("q-{}", f.key),
            question: self.wording_of(&f.key),
            message: self.fault_text(&f.kind),
        };
        self.drawn.faults.iter().map(view).collect()
    }

    /// The question or item of a key.
    fn wording_of(&self, key: &str) -> String {
        for question in &self.drawn.screen.questions {
            if question.key == key {
                return self.text(&question.text);
            }
            if let QuestionKind::Battery { items, .. } | QuestionKind::Grid { items, .. } = &question.kind
                && let Some(item) = items.iter().find(|i| i.key == key)
            {
                return self.text(&item.text);
            }
        }
        String::new()
    }
}

/// Every question of a screen with its answer in words, for the review; `None`: not answered.
pub(super) fn in_words(
    app: &App,
    language: Language,
    screen: &Screen,
    answers: &Answers,
) -> Vec<(String, Option<String>)> {
    let drawn = Drawn {
        screen: screen.clone(),
        number: 0,
        total: 0,
        revision: 0,
        stored: answers.clone(),
        typed: None,
        faults: Vec::new(),
        conflicts: HashMap::new(),
    };
    let draw = Draw { app, language, drawn: &drawn };
    let mut rows = Vec::new();
    for question in &screen.questions {
        let own = |wording: &dyn Fn(&str) -> String| answers.get(&question.key).map(wording);
        match &question.kind {
            QuestionKind::Scale(scale) => rows.push((draw.text(&question.text), own(&|v| draw.point_text(scale, v)))),
            QuestionKind::Single { options } => {
                rows.push((draw.text(&question.text), own(&|v| draw.choice_text(options, v))))
            }
            QuestionKind::Open { .. } => rows.push((draw.text(&question.text), own(&str::to_owned))),
            QuestionKind::Battery { scale, items, .. } => {
                rows.extend(
                    items.iter().map(|i| (draw.text(&i.text), answers.get(&i.key).map(|v| draw.point_text(scale, v)))),
                );
            }
            QuestionKind::Grid { items, options } => {
                rows.extend(
                    items
                        .iter()
                        .map(|i| (draw.text(&i.text), answers.get(&i.key).map(|v| draw.choice_text(options, v)))),
                );
            }
            QuestionKind::Multiple { options, .. } => {
                let ticked: Vec<String> = options
                    .iter()
                    .filter(|o| answers.get(&option_key(&question.key, &o.code)) == Some("1"))
                    .map(|o| draw.text(&o.text))
                    .collect();
                rows.push((draw.text(&question.text), (!ticked.is_empty()).then(|| ticked.join(" · "))));
            }
        }
    }
    rows
}

impl Page for ScreenPage {
    const TEMPLATE: &'static str = "respondent/screen.html";

    fn samples() -> Vec<Self> {
        let option = |checked, apart| OptionView { value: "1".into(), text: "Tilfreds".into(), checked, apart };
        let note = || Some("På en anden enhed".to_owned());
        let row = |text: Option<&str>, numbers, note: Option<String>| RowView {
            name: "k".into(),
            text: text.map(str::to_owned),
            numbers,
            low: "Slet ikke".into(),
            high: "Helt".into(),
            points: vec![option(true, false), option(false, false)],
            beside: vec![option(false, true)],
            fault: note.clone(),
            other_device: note,
        };
        let question = |kind, rows, note: Option<String>| QuestionView {
            name: "q".into(),
            kind,
            text: "Hvor tilfredse er I?".into(),
            help: note.clone(),
            optional: note.is_some(),
            rows,
            options: vec![option(true, false), option(false, true)],
            value: "tekst".into(),
            max_characters: 2000,
            fault: note.clone(),
            other_device: note,
        };
        let questions = vec![
            question("rating", vec![row(None, true, None)], None),
            question("rating", vec![row(None, true, note())], note()),
            question("rating", vec![row(Some("Veje"), false, note()), row(Some("Busser"), true, None)], note()),
            question("single", Vec::new(), note()),
            question("multiple", Vec::new(), None),
            question("open", Vec::new(), note()),
            question("open", Vec::new(), None),
        ];
        let page = |questions, full: bool| Self {
            action: "/s/x/overall".into(),
            title: "Kontakt".into(),
            intro: full.then(|| "Tænk på det seneste år.".to_owned()),
            number: 1,
            total: 9,
            revision: 3,
            is_first: full,
            is_last: !full,
            optional: full,
            questions,
            faults: if full {
                vec![FaultView {
                    anchor: "q-k".into(),
                    question: "Hvor tilfredse er I?".into(),
                    message: "For langt.".into(),
                }]
            } else {
                Vec::new()
            },
            conflict: full,
            call: full.then(OnCall::sample),
            trial: !full,
        };
        vec![page(questions, true), page(Vec::new(), false)]
    }
}
