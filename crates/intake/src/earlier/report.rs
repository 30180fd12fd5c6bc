//! The row-by-row report on an earlier year, as CSV that opens in a spreadsheet; it holds no answer.
use std::io::{self, Write};

use domain::fieldwork::ResponseStatus;
use domain::language::{Language, Texts};
use domain::registers::NumberError;

use super::{LeftOut, Note, RowOutcome, RowResult};
use crate::report::{Sheet, choose};

/// Writes one line per row: row number, unit, outcome, status, explanation.
pub struct ReportWriter<W: Write> {
    sheet: Sheet<W>,
    language: Language,
}

impl<W: Write> ReportWriter<W> {
    /// Starts a report with its heading.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn new(out: W, language: Language) -> io::Result<Self> {
        let sheet = Sheet::new(
            out,
            match language {
                Language::Da => ["Række", "Enhed", "Resultat", "Status", "Forklaring"],
                Language::Sv => ["Rad", "Enhet", "Utfall", "Status", "Förklaring"],
                Language::En => ["Row", "Unit", "Outcome", "Status", "Explanation"],
            },
        )?;
        Ok(Self { sheet, language })
    }

    /// Adds one row.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn row(&mut self, outcome: &RowOutcome) -> io::Result<()> {
        let language = self.language;
        let (result, status, explanation) = match &outcome.result {
            RowResult::Taken(response, notes) => {
                let status = match response.status {
                    ResponseStatus::Complete => choose(language, "besvaret", "besvarad", "complete"),
                    ResponseStatus::Partial => choose(language, "delvist besvaret", "delvis besvarad", "partial"),
                    _ => choose(language, "kun begyndt", "bara påbörjad", "only started"),
                };
                let notes: Vec<String> = notes.iter().map(|note| note.text(language)).collect();
                (choose(language, "med", "med", "taken"), status, notes.join(" "))
            }
            RowResult::LeftOut(reason) => {
                (choose(language, "udeladt", "utelämnad", "left out"), "", reason.text(language))
            }
        };
        self.sheet.row([&outcome.row.to_string(), &outcome.unit, result, status, &explanation])
    }

    /// Ends the report.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(self) -> io::Result<W> {
        self.sheet.finish()
    }
}

fn say(language: Language, da: String, sv: String, en: String) -> String {
    Texts { da, sv, en }.get(language).to_owned()
}

impl Note {
    /// The note as a sentence.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::UnknownValue(column) => say(
                language,
                format!("Kolonne {column}: værdien står ikke i oversættelsesfilen; svaret er ladt tomt."),
                format!("Kolumn {column}: värdet finns inte i översättningsfilen; svaret har lämnats tomt."),
                format!("Column {column}: the value is not in the mapping; the answer is left blank."),
            ),
            Self::TooManyTicks(question) => say(
                language,
                format!("Flere krydser, end {question} tillader; svaret er ladt tomt."),
                format!("Fler kryss än {question} tillåter; svaret har lämnats tomt."),
                format!("More ticks than {question} allows; the answer is left blank."),
            ),
            Self::NotAlone(question) => say(
                language,
                format!("Krydserne i {question} modsiger hinanden; svaret er ladt tomt."),
                format!("Kryssen i {question} motsäger varandra; svaret har lämnats tomt."),
                format!("The ticks of {question} contradict each other; the answer is left blank."),
            ),
            Self::TextCut(question) => say(
                language,
                format!("Teksten i {question} er for lang og er kortet af."),
                format!("Texten i {question} är för lång och har kortats."),
                format!("The text of {question} is too long and has been cut."),
            ),
            Self::UnknownLanguage => say(
                language,
                "Sproget er ukendt.".to_owned(),
                "Språket är okänt.".to_owned(),
                "The language is not known.".to_owned(),
            ),
        }
    }
}

impl LeftOut {
    /// The reason as a sentence.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let fixed = |da: &str, sv: &str, en: &str| choose(language, da, sv, en).to_owned();
        match self {
            Self::NoAnswers => fixed("Ingen svar.", "Inga svar.", "No answers."),
            Self::MissingUnit => fixed(
                "Rækken siger ikke, hvilken enhed den handler om.",
                "Raden säger inte vilken enhet den gäller.",
                "The row does not say which unit it is about.",
            ),
            Self::BadUnit(NumberError::CheckDigit { .. }) => fixed(
                "Enhedens nummer har et forkert kontrolciffer.",
                "Enhetens nummer har fel kontrollsiffra.",
                "The check digit of the unit's number is wrong.",
            ),
            Self::BadUnit(_) => fixed(
                "Enhedens nummer har ikke det rigtige antal cifre.",
                "Enhetens nummer har inte rätt antal siffror.",
                "The unit's number does not have the right number of digits.",
            ),
            Self::NotInFrame => fixed(
                "Enheden er ikke med i årets grundlag.",
                "Enheten finns inte i årets population.",
                "The unit is not in the year's frame.",
            ),
            Self::SeveralUnits => fixed(
                "Nummeret eller adressen passer på flere enheder i grundlaget.",
                "Numret eller adressen passar på flera enheter i populationen.",
                "The number or address stands for several units of the frame.",
            ),
            Self::UnknownValue(columns) => {
                let columns = columns.join(", ");
                say(
                    language,
                    format!("Værdi, der ikke står i oversættelsesfilen, i kolonne {columns}."),
                    format!("Värde som inte finns i översättningsfilen, i kolumn {columns}."),
                    format!("A value that is not in the mapping, in column {columns}."),
                )
            }
            Self::MissingDate => fixed("Datoen mangler.", "Datumet saknas.", "The date is missing."),
            Self::BadDate => fixed("Datoen kan ikke læses.", "Datumet kan inte läsas.", "The date cannot be read."),
            Self::Duplicate { first_row } => say(
                language,
                format!("Enheden har allerede svaret i række {first_row}."),
                format!("Enheten har redan svarat på rad {first_row}."),
                format!("The unit has answered in row {first_row} already."),
            ),
        }
    }
}
