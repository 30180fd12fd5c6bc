//! From the outbox to the mail server, and back when mail bounces: words, message, conversation, worker.
//!
//! # Layout
//! - [`message`]: one row of the outbox as the bytes of a mail, from `templates/mail/` and `templates/i18n/mail.*`
//! - [`dkim`]: signatures by the sender's domain, their keys; [`sender`]: what that domain publishes about itself
//! - [`oauth`]: access tokens, where a server wants them instead of a password
//! - [`smtp`]: the client that says exactly where a message stands when something goes wrong
//! - [`staff`]: the few mails that staff get
//! - [`worker`]: claims, sends and records, with [`transport`] as the way out
//! - [`bounce`]: what a returned mail says, and which message it belongs to; [`inbound`]: where returned mail is fetched from,
//!   and what is done with it
pub mod bounce;
pub mod dkim;
pub mod inbound;
pub mod message;
pub mod oauth;
pub mod sender;
pub mod smtp;
pub mod staff;
pub mod transport;
pub mod worker;

pub use message::{ComposeError, Composer, Rendered};
pub use smtp::{Login, Relay, Timeouts, Tls};
pub use transport::Transport;
pub use worker::{Mailer, SendError, Tally};
