//! Somebody's way through the questionnaire: which screens, what to clear, how long it takes, how much of it is answered.
//!
//! A condition looks back only (reading the file makes sure of it) and only at what is still asked, so one pass from the
//! first block to the last gives the route, whatever stale answers lie about.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Block, Choice, Condition, Facts, Item, Question, QuestionKind, Questionnaire, Screen, Turns, option_key, turn_key,
};
use crate::answers::Answers;
use crate::fieldwork::ResponseStatus;
use crate::language::Texts;

/// Seconds for a question that stands alone: "about 10 seconds or so" (Pew Research Center, Decoded, 8 December 2022,
/// "How we keep our online surveys from running too long", from its panel's response times).
const SECONDS_ALONE: u32 = 10;
/// Seconds for a row of a table of ratings: ten or more a minute (Amplitude Research, "Online market research surveys").
const SECONDS_ROW: u32 = 6;
/// Seconds for a text that is written: about one question a minute (the same source).
const SECONDS_TEXT: u32 = 60;
/// One in so many writes something in an open question: item non-response of open questions lies between 3 % and 50 %
/// where people are paid to answer (Pew Research Center, Decoded), and is higher in business surveys.
const WRITES_ONE_IN: u32 = 3;
/// Ways through the questionnaire that are walked to find the expected minutes.
const WALKS: u32 = 101;

/// How long a route is. A list (grid) counts as one question, an item of a battery as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RouteLength {
    /// Closed questions that are not marked as optional.
    pub closed: u32,
    /// Open questions that are not marked as optional.
    pub open: u32,
}

/// How many of the questions asked are answered.
///
/// Counted are the closed questions of the obligatory route; "ved ikke" and "ikke relevant" are answers here, since the
/// person has been there. Comments are not counted: leaving them blank is not breaking off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Completeness {
    /// Questions asked.
    pub asked: u32,
    /// Of these, answered.
    pub answered: u32,
}

impl Completeness {
    /// Share answered, 0–1; 0 when nothing was asked.
    #[must_use]
    pub fn share(self) -> f64 {
        if self.asked == 0 { 0.0 } else { f64::from(self.answered) / f64::from(self.asked) }
    }

    /// The state by AAPOR's limits, before it is known whether the answer was submitted: complete from 80 %, partial from 50 %.
    #[must_use]
    pub const fn status(self) -> ResponseStatus {
        if self.asked == 0 || self.answered * 100 < self.asked * 50 {
            ResponseStatus::Started
        } else if self.answered * 100 < self.asked * 80 {
            ResponseStatus::Partial
        } else {
            ResponseStatus::Complete
        }
    }
}

/// Length of the obligatory part of these screens.
#[must_use]
pub fn length(screens: &[Screen]) -> RouteLength {
    let mut length = RouteLength::default();
    for question in obligatory(screens) {
        match &question.kind {
            QuestionKind::Open { .. } => length.open += 1,
            QuestionKind::Battery { items, .. } => length.closed += count(items),
            _ => length.closed += 1,
        }
    }
    length
}

impl Questionnaire {
    /// The screens of a business's route given what it has answered so far.
    ///
    /// An offered turn's questions carry the keys of [`turn_key`]; the first turn has the plain ones.
    #[must_use]
    pub fn route(&self, facts: &Facts, answers: &Answers) -> Vec<Screen> {
        self.walk(facts, |screen, live| copy_answers(screen, answers, live)).0
    }

    /// The keys of answers that are no longer asked: to be cleared when a page is saved.
    #[must_use]
    pub fn dropped(&self, facts: &Facts, answers: &Answers) -> Vec<String> {
        let live = self.live(facts, answers);
        answers.0.keys().filter(|key| !live.0.contains_key(*key)).cloned().collect()
    }

    /// Everything to write when a page's `changes` come in on top of `before`: the changes themselves, answers that are no
    /// longer asked cleared, the first subject of a loop written down when it is implied, and the first turn's answers
    /// cleared when it is now about another subject.
    #[must_use]
    pub fn settle(
        &self,
        facts: &Facts,
        before: &Answers,
        changes: &BTreeMap<String, Option<String>>,
    ) -> BTreeMap<String, Option<String>> {
        let mut settled = changes.clone();
        let mut after = before.clone();
        apply(&mut after, changes);
        let (was, is) = (self.live(facts, before), self.live(facts, &after));
        for block in &self.blocks {
            let Some(turns) = &block.turns else { continue };
            let subject_was = self.subject(turns, facts, &was).or_else(|| was.get(&turns.first).map(str::to_owned));
            if subject_was.is_some() && subject_was != self.subject(turns, facts, &is) {
                for key in block.questions.iter().flat_map(Question::keys).filter(|key| before.0.contains_key(key)) {
                    after.0.remove(&key);
                    settled.entry(key).or_insert(None);
                }
            }
        }
        let live = self.live(facts, &after);
        for key in after.0.keys().filter(|key| !live.0.contains_key(*key)) {
            settled.insert(key.clone(), None);
        }
        for (key, value) in live.0.iter().filter(|(key, value)| after.0.get(*key) != Some(value)) {
            settled.insert(key.clone(), Some(value.clone()));
        }
        settled
    }

    /// How much of what is asked on this route is answered.
    #[must_use]
    pub fn completeness(&self, facts: &Facts, answers: &Answers) -> Completeness {
        let mut done = Completeness::default();
        let mut tally = |answered: bool| {
            done.asked += 1;
            done.answered += u32::from(answered);
        };
        for question in obligatory(&self.route(facts, answers)) {
            let has = |key: &str| answers.0.contains_key(key);
            match &question.kind {
                QuestionKind::Open { .. } => {}
                QuestionKind::Scale(_) | QuestionKind::Single { .. } => tally(has(&question.key)),
                QuestionKind::Multiple { options, .. } => {
                    tally(options.iter().any(|o| has(&option_key(&question.key, &o.code))));
                }
                QuestionKind::Battery { items, .. } => items.iter().for_each(|i| tally(has(&i.key))),
                QuestionKind::Grid { items, .. } => {
                    tally(items.iter().filter(|i| has(&i.key)).count() * 2 >= items.len());
                }
            }
        }
        done
    }

    /// Expected minutes (median, 90th percentile) for a business with these facts, over its possible routes.
    ///
    /// The ways are walked with answers from a fixed sequence, so that the same facts always promise the same time. Once a
    /// round has been held, its measured times replace this.
    #[must_use]
    pub fn expected_minutes(&self, facts: &Facts) -> (u32, u32) {
        let mut times: Vec<u32> = (0..WALKS).map(|walk| self.seconds(facts, walk)).collect();
        times.sort_unstable();
        let minutes = |percent: usize| times[(times.len() - 1) * percent / 100].div_ceil(60);
        (minutes(50), minutes(90))
    }

    /// Seconds of one walk.
    fn seconds(&self, facts: &Facts, walk: u32) -> u32 {
        let mut draws = Draws(u64::from(walk) + 1);
        let mut seconds = 0;
        self.walk(facts, |screen, live| {
            if screen.optional {
                return;
            }
            for question in screen.questions.iter().filter(|q| !q.optional) {
                seconds += match &question.kind {
                    QuestionKind::Scale(_) | QuestionKind::Single { .. } | QuestionKind::Multiple { .. } => {
                        SECONDS_ALONE
                    }
                    QuestionKind::Battery { items, .. } | QuestionKind::Grid { items, .. } => {
                        SECONDS_ROW * count(items)
                    }
                    QuestionKind::Open { .. } if draws.below(WRITES_ONE_IN) == 0 => SECONDS_TEXT,
                    QuestionKind::Open { .. } => 0,
                };
                draws.answer(question, live);
            }
        });
        seconds
    }

    /// Answers that count on this route, the implied first subject of a loop among them.
    fn live(&self, facts: &Facts, answers: &Answers) -> Answers {
        self.walk(facts, |screen, live| copy_answers(screen, answers, live)).1
    }

    /// Goes through the blocks in order; `answer` puts the answers of each screen among those that later conditions see.
    fn walk(&self, facts: &Facts, mut answer: impl FnMut(&Screen, &mut Answers)) -> (Vec<Screen>, Answers) {
        let mut live = Answers::default();
        let mut route: Vec<Screen> = Vec::new();
        for block in &self.blocks {
            let screens = match &block.turns {
                _ if !holds(block.when.as_ref(), facts, &live) => continue,
                None => vec![self.screen(block, facts, &live)],
                Some(turns) => self.turns(block, turns, facts, &mut live),
            };
            for screen in screens.into_iter().filter(|s| !s.questions.is_empty()) {
                answer(&screen, &mut live);
                route.push(screen);
            }
        }
        (route, live)
    }

    fn screen(&self, block: &Block, facts: &Facts, live: &Answers) -> Screen {
        Screen {
            key: block.key.clone(),
            title: block.title.clone(),
            intro: block.intro.clone(),
            questions: block.questions.iter().filter_map(|q| self.asked(q, facts, live)).collect(),
            optional: false,
            subject: None,
        }
    }

    fn turns(&self, block: &Block, turns: &Turns, facts: &Facts, live: &mut Answers) -> Vec<Screen> {
        let Some(first) = self.subject(turns, facts, live) else { return Vec::new() };
        live.0.insert(turns.first.clone(), first.clone());
        let offered = self.offered_subjects(turns, facts, live);
        let others = offered.iter().filter(|s| s.code != first).take(turns.more as usize).enumerate();
        let turn = |subject: &Choice, number: Option<usize>| {
            let mut screen = self.screen(block, facts, live);
            screen.title = about(&screen.title, &subject.text);
            screen.intro = screen.intro.map(|intro| about(&intro, &subject.text));
            screen.subject = Some(subject.code.clone());
            if let Some(number) = number {
                screen.key = format!("{}-{}", turns.more_key, number + 1);
                screen.intro = turns.more_intro.as_ref().map(|intro| about(intro, &subject.text));
                screen.optional = true;
                screen.questions.iter_mut().for_each(|q| rename(q, &subject.code));
            }
            screen
        };
        let first = offered.iter().find(|s| s.code == first).map(|s| turn(s, None));
        first.into_iter().chain(others.map(|(number, subject)| turn(subject, Some(number)))).collect()
    }

    /// The subject of a loop's first turn: drawn by chance, the only one, or the one that was named.
    fn subject(&self, turns: &Turns, facts: &Facts, live: &Answers) -> Option<String> {
        let offered = self.offered_subjects(turns, facts, live);
        let draw = facts.get("draw").and_then(|d| d.parse::<usize>().ok());
        match (draw, offered.as_slice()) {
            (_, []) => None,
            (None, [only]) => Some(only.code.clone()),
            (Some(draw), several) => several.get(draw % several.len()).map(|s| s.code.clone()),
            (None, several) => {
                let named = live.get(&turns.first)?;
                several.iter().find(|s| s.code == named).map(|s| s.code.clone())
            }
        }
    }

    fn offered_subjects<'q>(&'q self, turns: &Turns, facts: &Facts, live: &Answers) -> Vec<&'q Choice> {
        self.subjects(turns).iter().filter(|s| holds(s.when.as_ref(), facts, live)).collect()
    }

    /// The question as this business meets it; `None` when it does not meet it.
    fn asked(&self, question: &Question, facts: &Facts, live: &Answers) -> Option<Question> {
        if question.off || !holds(question.when.as_ref(), facts, live) || self.is_drawn(question, facts) {
            return None;
        }
        let mut asked = question.clone();
        let concerns = |when: &Option<Condition>| holds(when.as_ref(), facts, live);
        let something = match &mut asked.kind {
            QuestionKind::Scale(_) | QuestionKind::Open { .. } => true,
            QuestionKind::Battery { items, at_most, .. } => {
                items.retain(|i| concerns(&i.when));
                items.truncate(at_most.map_or(usize::MAX, |most| most as usize));
                !items.is_empty()
            }
            QuestionKind::Grid { items, options } => {
                items.retain(|i| concerns(&i.when));
                options.retain(|o| concerns(&o.when));
                !items.is_empty() && options.len() > 1
            }
            // A choice between one thing is no choice.
            QuestionKind::Single { options } => {
                options.retain(|o| concerns(&o.when));
                options.len() > 1
            }
            QuestionKind::Multiple { options, .. } => {
                options.retain(|o| concerns(&o.when));
                options.iter().any(|o| !o.exclusive)
            }
        };
        something.then_some(asked)
    }

    /// Is this the question that names a loop's first subject, and chance names it instead?
    fn is_drawn(&self, question: &Question, facts: &Facts) -> bool {
        facts.contains_key("draw")
            && self.blocks.iter().filter_map(|b| b.turns.as_ref()).any(|turns| turns.first == question.key)
    }
}

fn obligatory(screens: &[Screen]) -> impl Iterator<Item = &Question> {
    screens.iter().filter(|s| !s.optional).flat_map(|s| &s.questions).filter(|q| !q.optional)
}

fn holds(condition: Option<&Condition>, facts: &Facts, answers: &Answers) -> bool {
    condition.is_none_or(|c| c.holds(facts, answers))
}

fn count(items: &[Item]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

fn apply(answers: &mut Answers, changes: &BTreeMap<String, Option<String>>) {
    for (key, change) in changes {
        match change {
            Some(value) => answers.0.insert(key.clone(), value.clone()),
            None => answers.0.remove(key),
        };
    }
}

/// Puts what `from` holds for the screen's questions among the live answers.
fn copy_answers(screen: &Screen, from: &Answers, live: &mut Answers) {
    for key in screen.questions.iter().flat_map(Question::keys) {
        if let Some(value) = from.get(&key) {
            live.0.insert(key, value.to_owned());
        }
    }
}

fn about(text: &Texts, subject: &Texts) -> Texts {
    Texts {
        da: text.da.replace("{subject}", &subject.da),
        sv: text.sv.replace("{subject}", &subject.sv),
        en: text.en.replace("{subject}", &subject.en),
    }
}

/// Gives a question and its items the keys of an offered turn.
fn rename(question: &mut Question, subject: &str) {
    question.key = turn_key(&question.key, subject);
    question.optional = true;
    if let QuestionKind::Battery { items, .. } | QuestionKind::Grid { items, .. } = &mut question.kind {
        items.iter_mut().for_each(|i| i.key = turn_key(&i.key, subject));
    }
}

/// A fixed sequence of numbers: splitmix64.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        u32::try_from(((z ^ (z >> 31)) >> 32) % u64::from(limit.max(1))).unwrap_or(0)
    }

    fn pick<'a>(&mut self, options: &'a [Choice]) -> Option<&'a Choice> {
        let at = self.below(u32::try_from(options.len()).unwrap_or(u32::MAX));
        options.get(at as usize)
    }

    /// Some answer to a closed question that routing may depend on.
    fn answer(&mut self, question: &Question, live: &mut Answers) {
        match &question.kind {
            QuestionKind::Single { options } => {
                if let Some(option) = self.pick(options) {
                    live.0.insert(question.key.clone(), option.code.clone());
                }
            }
            QuestionKind::Grid { items, options } => {
                for item in items {
                    if let Some(option) = self.pick(options) {
                        live.0.insert(item.key.clone(), option.code.clone());
                    }
                }
            }
            // Half tick "none", the others one to three options.
            QuestionKind::Multiple { options, .. } => {
                let (none, some): (Vec<Choice>, Vec<Choice>) = options.iter().cloned().partition(|o| o.exclusive);
                let times = if !none.is_empty() && self.below(2) == 0 { 0 } else { 1 + self.below(3) };
                for _ in 0..times {
                    if let Some(option) = self.pick(&some) {
                        live.0.insert(option_key(&question.key, &option.code), "1".to_owned());
                    }
                }
            }
            QuestionKind::Scale(_) | QuestionKind::Battery { .. } | QuestionKind::Open { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::{ColumnKind, shipped};
    use super::*;
    use crate::answers::check;

    fn facts(pairs: &[(&str, &str)]) -> Facts {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn answers(pairs: &[(&str, &str)]) -> Answers {
        Answers(facts(pairs))
    }

    fn haulier() -> Facts {
        facts(&[
            ("country", "dk"),
            ("size", "10-49"),
            ("employees", "yes"),
            ("industry", "transport"),
            ("flood_risk", "yes"),
        ])
    }

    fn keys(screens: &[Screen]) -> Vec<&str> {
        screens.iter().map(|s| s.key.as_str()).collect()
    }

    /// Keys under which a screen keeps answers.
    fn answer_keys(screen: &Screen) -> Vec<String> {
        screen.questions.iter().flat_map(Question::keys).collect()
    }

    const EVERYTHING: [(&str, &str); 4] =
        [("contact.building", "1"), ("contact.jobcentre", "1"), ("contact.waste", "1"), ("contact.planning", "1")];

    #[test]
    fn the_longest_route_keeps_its_promise() {
        let all = answers(&[&EVERYTHING[..], &[("authority", "waste"), ("young_school", "1")]].concat());
        let longest = length(&shipped().route(&haulier(), &all));
        assert_eq!(longest, RouteLength { closed: 32, open: 4 });
        let none = answers(&[("contact.none", "1"), ("young_school", "1")]);
        assert_eq!(length(&shipped().route(&haulier(), &none)), RouteLength { closed: 22, open: 3 });
    }

    #[test]
    fn the_contact_that_mattered_most_comes_first_and_two_more_are_offered() {
        let questionnaire = shipped();
        let route = questionnaire.route(&haulier(), &answers(&[&EVERYTHING[..], &[("authority", "waste")]].concat()));
        assert_eq!(
            keys(&route)[1..6],
            ["contact", "contact-most", "contact-detail", "contact-more-1", "contact-more-2"]
        );
        assert_eq!(route[3].title.da, "Jeres oplevelse: Affald");
        assert_eq!((route[3].optional, route[4].optional), (false, true));
        assert_eq!(answer_keys(&route[3])[0], "factor_information");
        assert_eq!(answer_keys(&route[4])[0], "factor_information__building");
        assert_eq!(route[5].subject.as_deref(), Some("planning"));
    }

    #[test]
    fn a_single_contact_is_the_one_that_mattered_most() {
        let questionnaire = shipped();
        let changes = BTreeMap::from([("contact.roads".to_owned(), Some("1".to_owned()))]);
        let settled = questionnaire.settle(&haulier(), &Answers::default(), &changes);
        assert_eq!(settled["authority"].as_deref(), Some("roads"));
        let route = questionnaire.route(&haulier(), &answers(&[("contact.roads", "1")]));
        assert_eq!(keys(&route)[..4], ["overall", "contact", "contact-detail", "known"]);
    }

    #[test]
    fn the_jobcentre_is_not_asked_about_twice() {
        let route = shipped().route(&haulier(), &answers(&[("contact.jobcentre", "1")]));
        assert!(keys(&route).contains(&"jobcentre"));
        assert!(!keys(&route).iter().any(|k| k.starts_with("contact-")));
    }

    #[test]
    fn chance_may_choose_the_contact() {
        let mut facts = haulier();
        facts.insert("draw".to_owned(), "4".to_owned());
        let route = shipped().route(&facts, &answers(&EVERYTHING));
        assert!(!keys(&route).contains(&"contact-most"));
        // Offered are building, planning and waste, in the questionnaire's order; 4 mod 3 is the second.
        assert_eq!(route[2].subject.as_deref(), Some("planning"));
    }

    #[test]
    fn nobody_alone_is_asked_about_staff_and_no_dane_about_food_control() {
        let alone = facts(&[("country", "dk"), ("size", "0-1"), ("employees", "no"), ("industry", "other")]);
        let route = shipped().route(&alone, &Answers::default());
        let asked: Vec<String> = route.iter().flat_map(answer_keys).collect();
        assert!(asked.contains(&"consider_hiring".to_owned()));
        assert!(!asked.iter().any(|k| k.starts_with("hard_to_fill") || k.starts_with("young")));
        assert!(!asked.contains(&"contact.food".to_owned()));
        let swede = facts(&[("country", "se"), ("employees", "yes")]);
        let asked: Vec<String> = shipped().route(&swede, &Answers::default()).iter().flat_map(answer_keys).collect();
        assert!(asked.contains(&"contact.food".to_owned()));
        assert!(!asked.contains(&"cond_charge".to_owned()));
    }

    #[test]
    fn the_recommendation_question_waits_to_be_switched_on() {
        let mut questionnaire = shipped();
        let asked =
            |q: &Questionnaire| answer_keys(&q.route(&haulier(), &Answers::default())[0]).contains(&"recommend".into());
        assert!(!asked(&questionnaire));
        assert!(questionnaire.switch("recommend", true));
        assert!(asked(&questionnaire));
        assert!(!questionnaire.switch("nowhere", true));
    }

    #[test]
    fn what_is_no_longer_asked_is_cleared() {
        let questionnaire = shipped();
        let before = answers(&[
            ("overall", "4"),
            ("contact.building", "1"),
            ("contact.jobcentre", "1"),
            ("authority", "building"),
            ("factor_time", "2"),
            ("jobcentre_satisfaction", "5"),
        ]);
        let changes = ["building", "jobcentre"].map(|c| (option_key("contact", c), Some("0".to_owned())));
        let mut changes = BTreeMap::from(changes);
        changes.insert("contact.none".to_owned(), Some("1".to_owned()));
        let settled = questionnaire.settle(&haulier(), &before, &changes);
        for key in ["authority", "factor_time", "jobcentre_satisfaction"] {
            assert_eq!(settled[key], None, "{key}");
        }
        assert!(!settled.contains_key("overall"));
    }

    #[test]
    fn ratings_of_one_authority_never_become_ratings_of_another() {
        let questionnaire = shipped();
        let before = answers(&[
            ("contact.building", "1"),
            ("contact.waste", "1"),
            ("authority", "building"),
            ("factor_time", "1"),
            ("factor_time__waste", "5"),
        ]);
        let changes = BTreeMap::from([("authority".to_owned(), Some("waste".to_owned()))]);
        let settled = questionnaire.settle(&haulier(), &before, &changes);
        assert_eq!(settled["factor_time"], None);
        assert_eq!(settled["factor_time__waste"], None);
    }

    #[test]
    fn completeness_follows_the_limits_of_aapor() {
        let at = |answered| Completeness { asked: 20, answered }.status();
        assert_eq!((at(9), at(10), at(15), at(16)), {
            use ResponseStatus::{Complete, Partial, Started};
            (Started, Partial, Partial, Complete)
        });
        assert_eq!(Completeness::default().status(), ResponseStatus::Started);
        let first_page =
            answers(&[("overall", "dk"), ("nki_satisfaction", "5"), ("nki_ideal", "6"), ("overall_why", "x")]);
        let done = shipped().completeness(&haulier(), &first_page);
        assert_eq!((done.answered, done.asked), (3, 22));
    }

    #[test]
    fn the_promised_time_grows_with_the_route_and_is_the_same_twice() {
        let questionnaire = shipped();
        let alone = facts(&[("country", "dk"), ("employees", "no"), ("size", "0-1"), ("industry", "other")]);
        let (short, long) = (questionnaire.expected_minutes(&alone), questionnaire.expected_minutes(&haulier()));
        assert_eq!(short, questionnaire.expected_minutes(&alone));
        assert!(short.0 <= short.1 && long.0 <= long.1, "the 90th percentile is not below the median");
        assert!(short.0 <= long.0 && short.1 <= long.1, "{short:?} {long:?}");
        assert!((3..=8).contains(&short.0) && long.1 <= 10, "{short:?} {long:?}");
    }

    #[test]
    fn every_answer_that_a_route_keeps_is_a_column() {
        let columns: BTreeSet<String> = shipped().columns().into_iter().map(|c| c.key).collect();
        let route = shipped().route(&haulier(), &answers(&[&EVERYTHING[..], &[("authority", "waste")]].concat()));
        for key in route.iter().flat_map(answer_keys) {
            assert!(columns.contains(&key), "{key}");
        }
        assert_eq!(columns.len(), shipped().columns().len(), "no column twice");
    }

    /// Any answers, sensible or not, to any of the questionnaire's keys.
    fn any_answers() -> impl Strategy<Value = Answers> {
        let keys: Vec<(String, Vec<String>)> = shipped()
            .columns()
            .into_iter()
            .map(|c| {
                let mut values = match c.kind {
                    ColumnKind::Choice { codes } => codes,
                    ColumnKind::Ticked => vec!["0".to_owned(), "1".to_owned()],
                    _ => ["1", "5", "dk", "na"].map(str::to_owned).to_vec(),
                };
                values.push("nonsense".to_owned());
                (c.key, values)
            })
            .collect();
        let pick = |(key, values): (String, Vec<String>)| {
            (Just(key), proptest::option::weighted(0.5, proptest::sample::select(values)))
        };
        keys.into_iter()
            .map(pick)
            .collect::<Vec<_>>()
            .prop_map(|pairs| Answers(pairs.into_iter().filter_map(|(k, v)| Some((k, v?))).collect()))
    }

    fn any_facts() -> impl Strategy<Value = Facts> {
        let one =
            |values: &[&str]| proptest::sample::select(values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>());
        (
            one(&["dk", "se"]),
            one(&["0-1", "10-49", "200+", "?"]),
            one(&["yes", "no"]),
            one(&["transport", "trade_food_services", "manufacturing", "agriculture", "other"]),
            one(&["yes", "no"]),
            proptest::option::of(0_u32..100),
        )
            .prop_map(|(country, size, employees, industry, flood, draw)| {
                let mut facts = facts(&[
                    ("country", &country),
                    ("size", &size),
                    ("employees", &employees),
                    ("industry", &industry),
                    ("flood_risk", &flood),
                ]);
                facts.extend(draw.map(|d| ("draw".to_owned(), d.to_string())));
                facts
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn any_route_is_finite_without_twins_and_within_the_limits(facts in any_facts(), answers in any_answers()) {
            let questionnaire = shipped();
            let route = questionnaire.route(&facts, &answers);
            prop_assert!(route.len() <= 14);
            let screens: BTreeSet<&str> = route.iter().map(|s| s.key.as_str()).collect();
            prop_assert_eq!(screens.len(), route.len());
            let keys: Vec<String> = route.iter().flat_map(answer_keys).collect();
            prop_assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
            let length = length(&route);
            prop_assert!(length.closed <= 32 && length.open <= 4, "{:?}", length);
            if !route.iter().any(|s| s.key == "contact-detail" || s.key == "jobcentre") {
                let asked_which = u32::from(route.iter().any(|s| s.key == "contact-most"));
                prop_assert!(length.closed <= 22 + asked_which && length.open <= 3, "{:?}", length);
            }
        }

        #[test]
        fn settled_answers_need_no_second_settling(facts in any_facts(), answers in any_answers()) {
            let questionnaire = shipped();
            let mut settled = answers.clone();
            apply(&mut settled, &questionnaire.settle(&facts, &answers, &BTreeMap::new()));
            prop_assert_eq!(questionnaire.settle(&facts, &settled, &BTreeMap::new()), BTreeMap::new());
            prop_assert_eq!(questionnaire.route(&facts, &answers), questionnaire.route(&facts, &settled));
        }

        #[test]
        fn checking_never_panics_and_keeps_only_what_is_offered(
            facts in any_facts(), answers in any_answers(),
            form in proptest::collection::vec(("[a-z_.]{0,20}", "\\PC{0,40}"), 0..20),
        ) {
            let questionnaire = shipped();
            for screen in questionnaire.route(&facts, &answers) {
                let offered: BTreeSet<String> = answer_keys(&screen).into_iter().collect();
                let mut sent = form.clone();
                sent.extend(offered.iter().zip(&form).map(|(key, (_, value))| (key.clone(), value.clone())));
                for (key, value) in check(&screen, &sent).changes {
                    prop_assert!(offered.contains(&key));
                    prop_assert!(value.is_none_or(|v| !v.contains('\0') && v == v.trim()));
                }
            }
        }
    }
}
