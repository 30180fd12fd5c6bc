//! What everybody would answer, and the true values that follow from it.
use domain::answers::{Answers, NOT_RELEVANT};
use domain::indicator::{Answer, Indicator, Score};
use domain::size::{Employees, sme};

use crate::{DemoRound, DemoUnit};

/// One answer, small enough to keep for everybody in every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// A point of a scale, a numbered option, a tick.
    Number(u8),
    /// An option with a word for a code.
    Word(&'static str),
    /// "Ikke relevant".
    NotRelevant,
}

impl Said {
    /// The answer as it is kept.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Word(word) => word.to_owned(),
            Self::NotRelevant => NOT_RELEVANT.to_owned(),
        }
    }
}

/// Answers to every closed question that concerns a business, in the questionnaire's order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Truth(pub(crate) Vec<(&'static str, Said)>);

impl Truth {
    /// The answer to a question as it would be kept.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<String> {
        self.said(key).map(Said::text)
    }

    /// All of it as answers.
    #[must_use]
    pub fn answers(&self) -> Answers {
        Answers(self.0.iter().map(|(key, said)| ((*key).to_owned(), said.text())).collect())
    }

    fn said(&self, key: &str) -> Option<Said> {
        self.0.iter().find(|(k, _)| *k == key).map(|(_, said)| *said)
    }

    fn answer(&self, key: &str) -> Answer {
        match self.said(key) {
            None => Answer::Blank,
            Some(Said::Number(number)) => Answer::Value(f64::from(number)),
            Some(Said::Word(_)) => Answer::DontKnow,
            Some(Said::NotRelevant) => Answer::NotRelevant,
        }
    }
}

/// The true value of an indicator in a round: the plain mean over everybody in the frame whom it concerns and who is in the
/// group. `None` when that is nobody.
#[must_use]
pub fn true_value(round: &DemoRound, indicator: &Indicator, in_group: impl Fn(&DemoUnit) -> bool) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for unit in round.units.iter().filter(|u| in_group(u) && is_in_base(u, indicator)) {
        let answers: Vec<Answer> = indicator.measure.items().iter().map(|item| unit.truth.answer(item)).collect();
        if let Score::Value(value) = indicator.measure.score(&answers) {
            sum += value;
            count += 1.0;
        }
    }
    (count > 0.0).then(|| sum / count)
}

fn is_in_base(unit: &DemoUnit, indicator: &Indicator) -> bool {
    let company = Employees {
        low: unit.unit.company_employees_low.unwrap_or(unit.unit.employees_low),
        high: unit.unit.company_employees_high.or(unit.unit.employees_high),
    };
    let matches = |column: &str, values: &[String]| {
        let is = match column {
            "sector" => Some(unit.unit.sector.clone()),
            "size" => Some(unit.unit.size.clone()),
            "area" => unit.unit.area.clone(),
            question => unit.truth.get(question),
        };
        is.is_some_and(|is| values.contains(&is))
    };
    (!indicator.base.sme || sme(company).is)
        && indicator.base.columns.iter().all(|(column, values)| matches(column, values))
}
