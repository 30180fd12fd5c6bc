//! What staff must know of the mail on whatever page they are: that it reaches nobody yet, or does not go out, and why.
use domain::fieldwork::RoundKind;
use domain::municipality::Municipality;
use serde::Serialize;
use store::sending::HeldMail;

use crate::app::{App, MailTrial};
use crate::error::PageError;

/// The notice at the head of every page of the console.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MailNotice {
    /// Only listed addresses get mail: how many there are.
    pub only_to: Option<usize>,
    /// Mail is written to files.
    pub files: bool,
    /// What does not go out.
    pub held: Vec<HeldLine>,
}

/// Mail that does not go out.
#[derive(Debug, Clone, Serialize)]
pub struct HeldLine {
    /// The round's title; `None`: all mail.
    pub title: Option<String>,
    /// Where one lets it go on: the page of the round.
    pub href: Option<String>,
    /// Why, as a key of the texts; `None`: a person's reason.
    pub key: Option<String>,
    /// The mail server's words, or a person's.
    pub words: String,
    /// Since when, in milliseconds.
    pub since: i64,
}

impl MailNotice {
    /// What is to be known at this moment.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn of(app: &App, municipality: &Municipality) -> Result<Self, PageError> {
        let slug = &municipality.slug;
        let held = app.store().held_mail(&municipality.id).await?;
        let line = |held: HeldMail| HeldLine {
            href: held.round.as_ref().map(|(id, _)| match held.kind {
                Some(RoundKind::Cases) => format!("/{slug}/console/cases"),
                _ => format!("/{slug}/console/rounds/{id}"),
            }),
            title: held.round.map(|(_, title)| title),
            // The sentence of a person's pause only says that there is one.
            key: held.key,
            words: held.words,
            since: held.since.0,
        };
        let trial = app.mail_trial();
        Ok(Self {
            only_to: trial.and_then(|trial| match trial {
                MailTrial::OnlyTo(n) => Some(n),
                MailTrial::Files => None,
            }),
            files: trial == Some(MailTrial::Files),
            held: held.into_iter().map(line).collect(),
        })
    }

    /// A notice for the check at start.
    #[must_use]
    pub fn sample(full: bool) -> Self {
        let line = |round: bool| HeldLine {
            title: round.then(|| "2026-målingen".to_owned()),
            href: round.then(|| "/hojager/console/rounds/1".to_owned()),
            key: (!round).then(|| "mail.pause_login".to_owned()),
            words: "535 5.7.8".to_owned(),
            since: 1_790_000_000_000,
        };
        if full { Self { only_to: Some(2), files: true, held: vec![line(true), line(false)] } } else { Self::default() }
    }
}
