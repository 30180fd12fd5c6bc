//! What comes of a telephone call, in the codes of AAPOR's Standard Definitions (9th edition).
//!
//! The businesses are a list with names, asked by mail and then by telephone, so codes come from two of its tables: for calls that of
//! telephone surveys, for what mail alone says that of internet surveys of named persons (3.11 no invitation sent, 3.19 nothing ever
//! returned, 3.30 invitation returned undelivered). A number that is not theirs says nothing about the business: of a random number it
//! would be 4.30, of a named one it is 3.90, other unknown eligibility.

/// The kinds of final outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// 1: an answer.
    Interview,
    /// 2.1: refused or broken off.
    Refusal,
    /// 2.2: not reached.
    NonContact,
    /// 2.3: reached, but unable to answer.
    Other,
    /// 3: not known whether it belongs to the population.
    Unknown,
    /// 4: does not belong to the population.
    Ineligible,
}

macro_rules! outcomes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $code:literal, $kind:ident, $is_final:literal;)+) => {
        /// The outcome of one call.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum CallOutcome { $($(#[$doc])* $variant),+ }

        impl CallOutcome {
            /// Every outcome, in the order of the codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The outcome as stored.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The outcome of a stored text.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|o| o.as_str() == text)
            }

            /// AAPOR's code, should this be the last word on the business.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// Where it belongs, should this be the last word on the business.
            #[must_use]
            pub const fn disposition(self) -> Disposition {
                match self { $(Self::$variant => Disposition::$kind),+ }
            }

            /// The business is not called again.
            #[must_use]
            pub const fn is_final(self) -> bool {
                match self { $(Self::$variant => $is_final),+ }
            }
        }
    };
}

outcomes! {
    /// The interview was carried through and sent.
    Interview = "interview", "1.1", Interview, true;
    /// They do not want to take part.
    Refused = "refused", "2.11", Refusal, true;
    /// Broken off during the interview; what was said is kept.
    BrokenOff = "broken_off", "2.12", Refusal, false;
    /// The one who can answer was not there, or asks to be called another time.
    Away = "away", "2.21", NonContact, false;
    /// An answering machine of the business.
    Machine = "machine", "2.22", NonContact, false;
    /// Reached, but cannot answer: illness.
    Unable = "unable", "2.32", Other, true;
    /// No language in common.
    Language = "language", "2.33", Other, true;
    /// Engaged.
    Busy = "busy", "3.12", Unknown, false;
    /// Nobody took the call.
    NoAnswer = "no_answer", "3.13", Unknown, false;
    /// The number is not theirs or not in use, and no other was found.
    WrongNumber = "wrong_number", "3.90", Unknown, true;
    /// Closed down or moved out of the municipality.
    Closed = "closed", "4.10", Ineligible, true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_agree_with_their_kind() {
        assert!(CallOutcome::ALL.is_sorted_by_key(|o| o.code()));
        for outcome in CallOutcome::ALL {
            let kind = match &outcome.code()[..3] {
                "1.1" => Disposition::Interview,
                "2.1" => Disposition::Refusal,
                "2.2" => Disposition::NonContact,
                "2.3" => Disposition::Other,
                code if code.starts_with('3') => Disposition::Unknown,
                _ => Disposition::Ineligible,
            };
            assert_eq!(outcome.disposition(), kind, "{}", outcome.code());
            assert_eq!(CallOutcome::parse(outcome.as_str()), Some(*outcome));
        }
    }
}
