//! From the outbox to the mail server, and back when mail bounces: words, message, conversation, worker.
//!
//! # Layout
//! - [`message`]: one row of the outbox as the bytes of a mail, from `templates/mail/` and `templates/i18n/mail.*`
//! - [`smtp`]: the client that says exactly where a message stands when something goes wrong
//! - [`worker`]: claims, sends and records, with [`transport`] as the way out
//! - [`bounce`]: what a returned mail says, and which message it belongs to
pub mod bounce;
pub mod message;
pub mod smtp;
pub mod transport;
pub mod worker;

pub use message::{ComposeError, Composer, Rendered};
pub use smtp::{Login, Relay, Timeouts, Tls};
pub use transport::Transport;
pub use worker::{Mailer, SendError, Tally};
