//! What an editor does to a questionnaire: move, add, remove, ask only when. Nothing here checks; [`Questionnaire::faults`] does.
use super::{Block, Choice, ColumnKind, Condition, Item, Question, QuestionKind, Questionnaire, Scale, option_key};
use crate::language::Texts;

/// The kinds of question, as files name them.
pub const KINDS: [&str; 6] = ["scale", "battery", "single", "multiple", "grid", "open"];

/// Longest text of a new open question, in characters.
const LONGEST: u32 = 4000;

/// Something in a questionnaire that may be asked of some only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A block.
    Block(String),
    /// A question.
    Question(String),
    /// An item of a battery or grid.
    Item(String),
    /// An option of a question.
    Option(String, String),
}

/// What a condition can look at: an answer to an earlier screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Key of the answer.
    pub key: String,
    /// The question, and after a colon the item or option.
    pub text: Texts,
    /// The answers that can be given; the wording is missing where the point of a scale has none, and for ticks.
    pub values: Vec<(String, Option<Texts>)>,
}

impl Place {
    /// The place of a text such as `question overall` or `option contact food`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ').map(str::to_owned);
        let place = match (parts.next()?.as_str(), parts.next()?, parts.next()) {
            ("block", key, None) => Self::Block(key),
            ("question", key, None) => Self::Question(key),
            ("item", key, None) => Self::Item(key),
            ("option", key, Some(code)) => Self::Option(key, code),
            _ => return None,
        };
        parts.next().is_none().then_some(place)
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Block(key) => write!(f, "block {key}"),
            Self::Question(key) => write!(f, "question {key}"),
            Self::Item(key) => write!(f, "item {key}"),
            Self::Option(question, code) => write!(f, "option {question} {code}"),
        }
    }
}

impl QuestionKind {
    /// The kind as files name it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Scale(_) => "scale",
            Self::Battery { .. } => "battery",
            Self::Single { .. } => "single",
            Self::Multiple { .. } => "multiple",
            Self::Grid { .. } => "grid",
            Self::Open { .. } => "open",
        }
    }

    /// The items, where it has some.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        match self {
            Self::Battery { items, .. } | Self::Grid { items, .. } => items,
            _ => &[],
        }
    }

    /// The options, where it has some.
    #[must_use]
    pub fn options(&self) -> &[Choice] {
        match self {
            Self::Single { options } | Self::Multiple { options, .. } | Self::Grid { options, .. } => options,
            _ => &[],
        }
    }

    /// The scale, where it has one.
    #[must_use]
    pub const fn scale(&self) -> Option<&Scale> {
        match self {
            Self::Scale(scale) | Self::Battery { scale, .. } => Some(scale),
            _ => None,
        }
    }

    fn items_mut(&mut self) -> Option<&mut Vec<Item>> {
        match self {
            Self::Battery { items, .. } | Self::Grid { items, .. } => Some(items),
            _ => None,
        }
    }

    fn options_mut(&mut self) -> Option<&mut Vec<Choice>> {
        match self {
            Self::Single { options } | Self::Multiple { options, .. } | Self::Grid { options, .. } => Some(options),
            _ => None,
        }
    }
}

impl Questionnaire {
    /// Where a question stands: its block and its place there, counted from 0.
    #[must_use]
    pub fn position(&self, question: &str) -> Option<(usize, usize)> {
        self.blocks
            .iter()
            .enumerate()
            .find_map(|(at, block)| block.questions.iter().position(|q| q.key == question).map(|within| (at, within)))
    }

    /// Moves a block or question one place up or down; a question at the edge of its block goes on into the next one.
    /// `false` when there is no such thing or nowhere to go.
    pub fn shift(&mut self, place: &Place, up: bool) -> bool {
        let next = |at: usize, len: usize| if up { at.checked_sub(1) } else { Some(at + 1).filter(|to| *to < len) };
        match place {
            Place::Block(key) => {
                let Some(at) = self.blocks.iter().position(|b| b.key == *key) else { return false };
                let Some(to) = next(at, self.blocks.len()) else { return false };
                self.blocks.swap(at, to);
            }
            Place::Question(key) => {
                let Some((block, at)) = self.position(key) else { return false };
                if let Some(to) = next(at, self.blocks[block].questions.len()) {
                    self.blocks[block].questions.swap(at, to);
                } else {
                    let Some(other) = next(block, self.blocks.len()) else { return false };
                    let question = self.blocks[block].questions.remove(at);
                    let into = &mut self.blocks[other].questions;
                    let to = if up { into.len() } else { 0 };
                    into.insert(to, question);
                }
            }
            Place::Item(_) | Place::Option(..) => return false,
        }
        true
    }

    /// Takes a block with its questions, or a question, out. `false` when there is no such thing.
    pub fn take_out(&mut self, place: &Place) -> bool {
        match place {
            Place::Block(key) => {
                let before = self.blocks.len();
                self.blocks.retain(|b| b.key != *key);
                before != self.blocks.len()
            }
            Place::Question(key) => {
                let Some((block, at)) = self.position(key) else { return false };
                self.blocks[block].questions.remove(at);
                true
            }
            Place::Item(_) | Place::Option(..) => false,
        }
    }

    /// Adds an empty block after another one (at the end without one), and says its key.
    pub fn add_block(&mut self, after: Option<&str>) -> String {
        let taken =
            |key: &str| self.blocks.iter().any(|b| b.key == key || b.turns.as_ref().is_some_and(|t| t.more_key == key));
        let key = free("own", '-', taken);
        let at = after
            .and_then(|after| self.blocks.iter().position(|b| b.key == after))
            .map_or(self.blocks.len(), |at| at + 1);
        let title = Texts::same("");
        let block = Block { key: key.clone(), title, intro: None, when: None, questions: Vec::new(), turns: None };
        self.blocks.insert(at, block);
        key
    }

    /// Adds an empty question of a kind at the end of a block, and says its key. `None`: no such block or kind.
    pub fn add_question(&mut self, block: &str, kind: &str) -> Option<String> {
        let keys = self.answer_keys();
        let key = free("own", '_', |key| keys.iter().any(|k| k == key));
        let empty = || Texts::same("");
        let option = |n: u32| Choice { code: n.to_string(), text: empty(), exclusive: false, when: None };
        let word = |n: u32| Choice { code: format!("option{n}"), text: empty(), exclusive: false, when: None };
        let items = || vec![Item { key: format!("{key}_1"), text: empty(), when: None }];
        let scale = self.usual_scale();
        let kind = match kind {
            "scale" => QuestionKind::Scale(scale),
            "battery" => QuestionKind::Battery { scale, items: items(), at_most: None },
            "single" => QuestionKind::Single { options: vec![option(1), option(2)] },
            "multiple" => QuestionKind::Multiple { options: vec![word(1), word(2)], at_most: None },
            "grid" => QuestionKind::Grid { items: items(), options: vec![option(1), option(2)] },
            "open" => QuestionKind::Open { max_characters: LONGEST },
            _ => return None,
        };
        let question =
            Question { key: key.clone(), text: empty(), help: None, kind, when: None, optional: false, off: false };
        self.blocks.iter_mut().find(|b| b.key == block)?.questions.push(question);
        Some(key)
    }

    /// Every key of a question, an item or an option's answer.
    #[must_use]
    pub fn answer_keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for question in self.blocks.iter().flat_map(|b| &b.questions) {
            keys.push(question.key.clone());
            keys.extend(question.kind.items().iter().map(|i| i.key.clone()));
            if matches!(question.kind, QuestionKind::Multiple { .. }) {
                keys.extend(question.kind.options().iter().map(|o| option_key(&question.key, &o.code)));
            }
        }
        keys
    }

    /// The scale that a new question begins with: the first of five points with a label each, as its neighbours have it.
    fn usual_scale(&self) -> Scale {
        let scales = self.blocks.iter().flat_map(|b| &b.questions).filter_map(|q| q.kind.scale());
        scales.clone().find(|s| s.labels.len() == 5).or_else(|| scales.clone().next()).cloned().unwrap_or_else(|| {
            Scale {
                from: 1,
                to: 5,
                labels: vec![Texts::same(""), Texts::same("")],
                dont_know: true,
                not_relevant: false,
            }
        })
    }

    /// When something is asked; the outer `None`: there is no such thing.
    #[must_use]
    pub fn condition(&self, place: &Place) -> Option<Option<&Condition>> {
        let questions = || self.blocks.iter().flat_map(|b| &b.questions);
        match place {
            Place::Block(key) => self.blocks.iter().find(|b| b.key == *key).map(|b| b.when.as_ref()),
            Place::Question(key) => questions().find(|q| q.key == *key).map(|q| q.when.as_ref()),
            Place::Item(key) => {
                questions().flat_map(|q| q.kind.items()).find(|i| i.key == *key).map(|i| i.when.as_ref())
            }
            Place::Option(key, code) => {
                let question = questions().find(|q| q.key == *key)?;
                question.kind.options().iter().find(|o| o.code == *code).map(|o| o.when.as_ref())
            }
        }
    }

    /// Asks something only when this holds, or always. `false` when there is no such thing.
    pub fn ask_when(&mut self, place: &Place, when: Option<Condition>) -> bool {
        let mut questions = self.blocks.iter_mut().flat_map(|b| &mut b.questions);
        let slot = match place {
            Place::Question(key) => questions.find(|q| q.key == *key).map(|q| &mut q.when),
            Place::Item(key) => {
                questions.filter_map(|q| q.kind.items_mut()).flatten().find(|i| i.key == *key).map(|i| &mut i.when)
            }
            Place::Option(key, code) => questions
                .find(|q| q.key == *key)
                .and_then(|q| q.kind.options_mut())
                .and_then(|options| options.iter_mut().find(|o| o.code == *code))
                .map(|o| &mut o.when),
            Place::Block(key) => {
                drop(questions);
                self.blocks.iter_mut().find(|b| b.key == *key).map(|b| &mut b.when)
            }
        };
        slot.map(|slot| *slot = when).is_some()
    }

    /// What a condition at this place can look at: the answers of earlier screens, own words and turns of a loop apart.
    #[must_use]
    pub fn subjects_before(&self, place: &Place) -> Vec<Subject> {
        let block = match place {
            Place::Block(key) => self.blocks.iter().position(|b| b.key == *key),
            Place::Question(key) | Place::Option(key, _) => self.position(key).map(|(block, _)| block),
            Place::Item(key) => self
                .blocks
                .iter()
                .position(|b| b.questions.iter().any(|q| q.kind.items().iter().any(|i| i.key == *key))),
        };
        let Some(block) = block else { return Vec::new() };
        let before = Self { blocks: self.blocks[..block].to_vec(), ..self.clone() };
        let columns = before.columns().into_iter().filter(|c| c.kind != ColumnKind::Open && !c.key.contains("__"));
        columns
            .map(|column| {
                let kind = before.question(&column.question).map(|q| &q.kind);
                let values = match &column.kind {
                    ColumnKind::Ticked => vec![("1".to_owned(), None), ("0".to_owned(), None)],
                    ColumnKind::Choice { codes } => codes
                        .iter()
                        .map(|code| {
                            let options = kind.map(QuestionKind::options).unwrap_or_default();
                            (code.clone(), options.iter().find(|o| o.code == *code).map(|o| o.text.clone()))
                        })
                        .collect(),
                    ColumnKind::Scale { .. } => kind.and_then(QuestionKind::scale).map(points).unwrap_or_default(),
                    ColumnKind::Open => Vec::new(),
                };
                Subject { key: column.key, text: column.text, values }
            })
            .collect()
    }
}

/// The answers of a scale with their wording, where each point has one.
fn points(scale: &Scale) -> Vec<(String, Option<Texts>)> {
    let each = scale.labels.len() == usize::try_from(scale.to - scale.from + 1).unwrap_or(0);
    let label = |at: usize| scale.labels.get(at).filter(|_| each).cloned();
    let mut values: Vec<(String, Option<Texts>)> =
        (scale.from..=scale.to).enumerate().map(|(at, point)| (point.to_string(), label(at))).collect();
    if scale.dont_know {
        values.push((crate::answers::DONT_KNOW.to_owned(), None));
    }
    if scale.not_relevant {
        values.push((crate::answers::NOT_RELEVANT.to_owned(), None));
    }
    values
}

/// The first of `own`, joined with 1, 2, … that is not taken.
fn free(word: &str, joint: char, taken: impl Fn(&str) -> bool) -> String {
    (1_u32..).map(|n| format!("{word}{joint}{n}")).find(|key| !taken(key)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::shipped;
    use super::*;

    #[test]
    fn a_question_moves_on_into_the_next_block() {
        let mut form = shipped();
        let last = form.blocks[0].questions.last().unwrap().key.clone();
        let place = Place::Question(last.clone());
        assert!(form.shift(&place, false));
        assert_eq!(form.position(&last), Some((1, 0)));
        assert!(form.shift(&place, true));
        assert_eq!(form, shipped(), "and back");
        assert!(!form.shift(&Place::Block("overall".to_owned()), true), "nothing above the first");
        assert!(form.shift(&Place::Block("contact".to_owned()), true));
        assert_eq!(form.blocks[0].key, "contact");
    }

    #[test]
    fn every_kind_can_be_added_and_lacks_its_texts_only() {
        let mut form = shipped();
        let block = form.add_block(Some("overall"));
        assert_eq!(form.blocks[1].key, block);
        for kind in KINDS {
            let key = form.add_question(&block, kind).unwrap();
            assert_eq!(form.question(&key).unwrap().kind.name(), kind);
        }
        assert_eq!(form.add_question(&block, "essay"), None);
        let faults = form.faults();
        assert!(!faults.is_empty());
        for fault in faults {
            assert!(matches!(fault.kind, super::super::LoadFaultKind::MissingLanguage { .. }), "{fault}");
        }
    }

    #[test]
    fn a_condition_is_put_and_taken_away_everywhere() {
        let mut form = shipped();
        let when = Condition::Fact { name: "employees".to_owned(), values: vec!["yes".to_owned()] };
        for place in ["block known", "question priorities", "item cond_parking", "option contact food"] {
            let place = Place::parse(place).unwrap();
            assert!(form.ask_when(&place, Some(when.clone())), "{place}");
            assert_eq!(form.condition(&place), Some(Some(&when)), "{place}");
            assert!(form.ask_when(&place, None));
            assert_eq!(form.condition(&place), Some(None));
        }
        assert!(!form.ask_when(&Place::Item("nothing".to_owned()), None));
        assert_eq!(Place::parse("option contact"), None);
        assert!(form.faults().is_empty());
    }

    #[test]
    fn a_condition_can_look_at_earlier_screens_only() {
        let form = shipped();
        assert!(form.subjects_before(&Place::Block("overall".to_owned())).is_empty());
        let subjects = form.subjects_before(&Place::Question("authority".to_owned()));
        let keys: Vec<&str> = subjects.iter().map(|s| s.key.as_str()).collect();
        assert!(keys.contains(&"overall") && keys.contains(&"contact.roads") && !keys.contains(&"overall_why"));
        assert!(!keys.contains(&"authority"));
        let overall = &subjects[0].values;
        assert_eq!(overall.len(), 6, "five points and don't know");
        assert_eq!(overall[4].1.as_ref().unwrap().da, "Meget tilfreds");
        for subject in &subjects {
            let values = subject.values.iter().map(|(value, _)| value.clone()).collect();
            let mut form = form.clone();
            let condition = Condition::Answer { key: subject.key.clone(), values };
            assert!(form.ask_when(&Place::Question("authority".to_owned()), Some(condition)));
            assert_eq!(form.faults(), [], "{}", subject.key);
        }
    }
}
