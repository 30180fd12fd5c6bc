//! A questionnaire as the file it could have been read from.
use toml::{Table, Value};

use super::{Block, Choice, Condition, Item, Question, QuestionKind, Questionnaire, Scale, Turns};
use crate::language::{Language, Texts};

/// The file's content.
pub(super) fn table(questionnaire: &Questionnaire) -> Table {
    let mut table = Table::new();
    put(&mut table, "key", questionnaire.key.as_str());
    put(&mut table, "version", i64::from(questionnaire.version));
    put(&mut table, "title", texts(&questionnaire.title));
    table.insert("block".to_owned(), list(&questionnaire.blocks, block));
    table
}

fn put(table: &mut Table, field: &str, value: impl Into<Value>) {
    table.insert(field.to_owned(), value.into());
}

fn list<T>(of: &[T], one: impl Fn(&T) -> Table) -> Value {
    Value::Array(of.iter().map(|t| Value::Table(one(t))).collect())
}

fn put_texts(into: &mut Table, texts: &Texts) {
    for language in Language::ALL {
        put(into, language.tag(), texts.get(language));
    }
}

fn texts(of: &Texts) -> Table {
    let mut table = Table::new();
    put_texts(&mut table, of);
    table
}

fn put_when(into: &mut Table, when: Option<&Condition>) {
    if let Some(when) = when {
        put(into, "when", condition(when));
    }
}

fn block(block: &Block) -> Table {
    let mut table = Table::new();
    put(&mut table, "key", block.key.as_str());
    put(&mut table, "title", texts(&block.title));
    if let Some(intro) = &block.intro {
        put(&mut table, "intro", texts(intro));
    }
    put_when(&mut table, block.when.as_ref());
    if let Some(of) = &block.turns {
        put(&mut table, "turns", turns(of));
    }
    if !block.questions.is_empty() {
        table.insert("question".to_owned(), list(&block.questions, question));
    }
    table
}

fn turns(turns: &Turns) -> Table {
    let mut table = Table::new();
    put(&mut table, "first", turns.first.as_str());
    put(&mut table, "more", i64::from(turns.more));
    put(&mut table, "more_key", turns.more_key.as_str());
    if let Some(intro) = &turns.more_intro {
        put(&mut table, "more_intro", texts(intro));
    }
    table
}

fn question(question: &Question) -> Table {
    let mut table = Table::new();
    put(&mut table, "key", question.key.as_str());
    put(&mut table, "text", texts(&question.text));
    if let Some(help) = &question.help {
        put(&mut table, "help", texts(help));
    }
    put_when(&mut table, question.when.as_ref());
    put(&mut table, "optional", question.optional);
    put(&mut table, "off", question.off);
    put(&mut table, "kind", question.kind.name());
    match &question.kind {
        QuestionKind::Scale(of) => put(&mut table, "scale", scale(of)),
        QuestionKind::Battery { scale: of, items, at_most } => {
            put(&mut table, "scale", scale(of));
            table.insert("items".to_owned(), list(items, item));
            put_at_most(&mut table, *at_most);
        }
        QuestionKind::Single { options } => {
            table.insert("options".to_owned(), list(options, choice));
        }
        QuestionKind::Multiple { options, at_most } => {
            table.insert("options".to_owned(), list(options, choice));
            put_at_most(&mut table, *at_most);
        }
        QuestionKind::Grid { items, options } => {
            table.insert("items".to_owned(), list(items, item));
            table.insert("options".to_owned(), list(options, choice));
        }
        QuestionKind::Open { max_characters } => put(&mut table, "max_characters", i64::from(*max_characters)),
    }
    table
}

fn put_at_most(table: &mut Table, at_most: Option<u32>) {
    if let Some(at_most) = at_most {
        put(table, "at_most", i64::from(at_most));
    }
}

fn scale(scale: &Scale) -> Table {
    let mut table = Table::new();
    put(&mut table, "from", i64::from(scale.from));
    put(&mut table, "to", i64::from(scale.to));
    table.insert("labels".to_owned(), list(&scale.labels, texts));
    put(&mut table, "dont_know", scale.dont_know);
    put(&mut table, "not_relevant", scale.not_relevant);
    table
}

fn item(item: &Item) -> Table {
    let mut table = Table::new();
    put(&mut table, "key", item.key.as_str());
    put_texts(&mut table, &item.text);
    put_when(&mut table, item.when.as_ref());
    table
}

fn choice(choice: &Choice) -> Table {
    let mut table = Table::new();
    put(&mut table, "code", choice.code.as_str());
    put_texts(&mut table, &choice.text);
    put(&mut table, "exclusive", choice.exclusive);
    put_when(&mut table, choice.when.as_ref());
    table
}

fn condition(condition: &Condition) -> Table {
    let mut table = Table::new();
    let strings = |values: &[String]| Value::Array(values.iter().map(|v| Value::String(v.clone())).collect());
    let all = |of: &[Condition]| Value::Array(of.iter().map(|c| Value::Table(self::condition(c))).collect());
    match condition {
        Condition::Answer { key, values } => {
            put(&mut table, "answer", key.as_str());
            put(&mut table, "is", strings(values));
        }
        Condition::Fact { name, values } => {
            put(&mut table, "fact", name.as_str());
            put(&mut table, "is", strings(values));
        }
        Condition::All(of) => put(&mut table, "all", all(of)),
        Condition::Any(of) => put(&mut table, "any", all(of)),
        Condition::Not(of) => put(&mut table, "not", self::condition(of)),
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::shipped;
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        let shipped = shipped();
        let text = toml::to_string(&table(&shipped)).unwrap();
        assert_eq!(Questionnaire::parse("written", &text).unwrap(), shipped);
    }

    #[test]
    fn an_edited_questionnaire_meets_the_checks_of_a_file() {
        assert!(shipped().faults().is_empty());
        let mut edited = shipped();
        edited.blocks[0].questions[0].text.sv.clear();
        edited.blocks[0].questions[1].key = "overall".to_owned();
        edited.blocks[0].when = Some(Condition::Answer { key: "follow_up".to_owned(), values: vec!["1".to_owned()] });
        let faults: Vec<String> = edited.faults().iter().map(ToString::to_string).collect();
        let key = "lokal-erhvervsundersoegelse";
        assert_eq!(
            faults,
            [
                format!("{key}: overall: the condition names \"follow_up\", which is asked on this screen or later"),
                format!("{key}: overall: \"text\" has no text in \"sv\""),
                format!("{key}: overall: the key is used twice"),
            ]
        );
    }
}
