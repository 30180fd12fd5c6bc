//! Everything that people read is worded here: messages in three languages, numbers, dates, order of names, and sentences about figures.
//!
//! # Layout
//! - [`messages`]: the files `templates/i18n/<area>.<language>.toml`, checked against each other
//! - [`mod@format`]: numbers, percentages, dates
//! - [`collation`]: alphabetical order as Danes and Swedes expect it
//! - [`engine`]: the template engine with `t`, `number`, `percent`, `date`, `datetime` and `text`
//! - [`sentences`]: what can honestly be said of an estimate or a change, written by rule
//! - [`neighbours`]: two municipalities beside each other
//! - [`summary`]: the sentences that open a year
//! - [`standing`]: goals, initiatives and growth accounts in words
//! - `method`: how figures came about, in words
//! - [`insight`]: targets, trends, drivers, themes, reliability and who answered, in words
pub mod collation;
pub mod engine;
pub mod format;
pub mod insight;
pub mod messages;
mod method;
pub mod neighbours;
pub mod sentences;
pub mod standing;
pub mod summary;

pub use engine::{Engine, EngineError};
pub use messages::{Arg, Messages, MessagesError};
