//! Who answered: outcome rates, representativity, and weights that one company dominates (§ 2, § 7).

/// Final outcomes of a round's sample, in the categories of AAPOR's Standard Definitions for establishments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcomes {
    /// Complete: at least 80 % of the questions asked.
    pub complete: u64,
    /// Partial: 50–79 %, or the overall question.
    pub partial: u64,
    /// Broken off, refused, opted out.
    pub refused: u64,
    /// No contact: mail returned, never opened a page.
    pub no_contact: u64,
    /// Other reasons (illness, language).
    pub other: u64,
    /// Not known whether the business belongs to the population.
    pub unknown: u64,
    /// Known not to belong: closed, moved away.
    pub ineligible: u64,
}

/// AAPOR's rates. `None` with an empty denominator.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rates {
    /// RR1: complete, of all that are or may be eligible.
    pub rr1: Option<f64>,
    /// RR2: complete or partial, of the same.
    pub rr2: Option<f64>,
    /// REF1: refusals, of the same.
    pub refusal: Option<f64>,
    /// CON1: reached, of the same.
    pub contact: Option<f64>,
    /// COOP2: complete or partial, of those reached.
    pub cooperation: Option<f64>,
}

impl Outcomes {
    /// The rates.
    #[must_use]
    pub fn rates(&self) -> Rates {
        let answered = self.complete + self.partial;
        let reached = answered + self.refused + self.other;
        let all = reached + self.no_contact + self.unknown;
        let of = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        Rates {
            rr1: of(self.complete, all),
            rr2: of(answered, all),
            refusal: of(self.refused, all),
            contact: of(reached, all),
            cooperation: of(answered, reached),
        }
    }
}

/// The 95 % margin that a share of one half will get with `answers` of `population`, by the normal approximation with the
/// finite-population correction: what fieldwork is planned by. 0 when all have answered, `None` before anybody has.
#[must_use]
pub fn planning_margin(answers: u64, population: u64) -> Option<f64> {
    if answers == 0 || population == 0 {
        return None;
    }
    let (n, size) = (answers.min(population) as f64, population as f64);
    Some(1.96 * (0.25 / n * (1.0 - n / size)).sqrt())
}

/// How a reply counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// At least 80 % of the questions asked.
    Complete,
    /// 50–79 %, or the overall question.
    Partial,
    /// Less: not counted among the answers.
    BreakOff,
}

/// How a reply counts: by the overall question, or by how many of the questions asked are answered.
#[must_use]
pub const fn completeness(asked: u64, answered: u64, overall_answered: bool) -> Completeness {
    if asked > 0 && answered * 5 >= asked * 4 {
        Completeness::Complete
    } else if overall_answered || (asked > 0 && answered * 2 >= asked) {
        Completeness::Partial
    } else {
        Completeness::BreakOff
    }
}

/// How representative response was over groups of the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Representativity {
    /// R = 1 − 2·S(ρ̂), corrected for the chance in observed rates; 1: everyone equally likely to answer.
    pub r_indicator: f64,
    /// S(ρ̂): the standard deviation of response propensities.
    pub spread: f64,
    /// ρ̄: the response rate.
    pub rate: f64,
}

impl Representativity {
    /// Largest bias that non-response can cause in a mean with this standard deviation: S(ρ̂)/ρ̄ · S(y).
    #[must_use]
    pub fn maximal_bias(&self, deviation: f64) -> f64 {
        self.spread / self.rate * deviation
    }
}

/// R-indicator over groups (frame, answered), the propensity of a business being the rate of its group. `None` when nobody answered.
#[must_use]
pub fn representativity(groups: &[(u64, u64)]) -> Option<Representativity> {
    let (frame, answered) = groups.iter().fold((0, 0), |(f, n), (frame, answered)| (f + frame, n + answered));
    if answered == 0 || frame < 2 {
        return None;
    }
    let total = frame as f64;
    let rate = answered as f64 / total;
    let between: f64 = groups
        .iter()
        .filter(|(f, _)| *f > 0)
        .map(|(f, n)| *f as f64 * (*n as f64 / *f as f64 - rate).powi(2))
        .sum::<f64>()
        / (total - 1.0);
    // Rates of small groups scatter by chance alone; that part is no lack of representativity.
    let chance: f64 = groups
        .iter()
        .filter(|(f, _)| *f > 1)
        .map(|(f, n)| {
            let (f, p) = (*f as f64, *n as f64 / *f as f64);
            f * p * (1.0 - p) / (f - 1.0)
        })
        .sum::<f64>()
        / (total - 1.0);
    let spread = (between - chance).max(0.0).sqrt();
    Some(Representativity { r_indicator: 1.0 - 2.0 * spread, spread, rate })
}

/// Does one company hold over half of the weight, or two over three quarters? Then a figure by employees is hidden.
#[must_use]
pub fn dominated(weights_by_company: impl IntoIterator<Item = f64>) -> bool {
    let (mut total, mut first, mut second) = (0.0, 0.0_f64, 0.0_f64);
    for weight in weights_by_company {
        total += weight;
        if weight > first {
            second = first;
            first = weight;
        } else {
            second = second.max(weight);
        }
    }
    first > 0.5 * total || first + second > 0.75 * total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_follow_the_standard_definitions() {
        let outcomes =
            Outcomes { complete: 40, partial: 10, refused: 20, no_contact: 20, other: 5, unknown: 5, ineligible: 30 };
        let rates = outcomes.rates();
        assert_eq!((rates.rr1, rates.rr2, rates.refusal, rates.contact), (Some(0.4), Some(0.5), Some(0.2), Some(0.75)));
        assert_eq!(rates.cooperation, Some(50.0 / 75.0));
        assert_eq!(Outcomes::default().rates(), Rates::default());
    }

    #[test]
    fn a_reply_counts_by_its_questions_or_the_overall_one() {
        assert_eq!(completeness(20, 16, false), Completeness::Complete);
        assert_eq!(completeness(20, 15, false), Completeness::Partial);
        assert_eq!(completeness(20, 10, false), Completeness::Partial);
        assert_eq!(completeness(20, 9, false), Completeness::BreakOff);
        assert_eq!(completeness(20, 1, true), Completeness::Partial);
        assert_eq!(completeness(0, 0, false), Completeness::BreakOff);
    }

    #[test]
    fn equal_rates_are_fully_representative() {
        let even = representativity(&[(100, 40), (200, 80)]).unwrap();
        assert!((even.r_indicator - 1.0).abs() < 1e-12 && even.maximal_bias(20.0) == 0.0);
        let uneven = representativity(&[(1000, 800), (1000, 200)]).unwrap();
        assert!(uneven.r_indicator < 0.41 && uneven.r_indicator > 0.39);
        assert!((uneven.maximal_bias(10.0) - 6.0).abs() < 0.01);
        assert_eq!(representativity(&[(10, 0)]), None);
    }

    #[test]
    fn one_company_over_half_or_two_over_three_quarters_dominate() {
        assert!(dominated([51.0, 20.0, 29.0]));
        assert!(!dominated([50.0, 25.0, 25.0]));
        assert!(dominated([40.0, 36.0, 24.0]));
    }
}
