//! The web server: pages for respondents, staff and the committee. Works without JavaScript.
//!
//! # Layout
//! - [`app`]: the state every handler is given; [`View`], through which a handler answers with a page
//! - [`templates`]: the [`Page`] trait and the check of every page in every language at start
//! - [`error`]: what went wrong, as a status and a friendly page
//! - [`assets`], [`theme`], [`logo`]: fingerprinted static files; a municipality's colour as a stylesheet; its logo, cleaned
//! - [`layers`]: headers, cross-origin check, log spans, language cookie
//! - [`proxies`], [`limits`], [`patience`]: where a request comes from, how often it may, how long it takes to arrive
//! - [`auth`]: how staff prove who they are, without pages
//! - [`visit`]: what is known of a request's visitor: language, cookies
//! - [`explore`]: figures of closed rounds, table by table; [`downloads`]: the same as files; [`reading`]: open answers
//! - [`pages`]: one module per kind of page, each with `routes()` and `check()`
pub mod app;
pub mod assets;
pub mod auth;
pub mod cases;
pub mod downloads;
pub mod error;
pub mod explore;
pub mod layers;
pub mod limits;
pub mod logo;
pub mod pages;
pub mod patience;
pub mod proxies;
pub mod reading;
pub mod templates;
pub mod theme;
pub mod traffic;
pub mod visit;

pub use app::{App, MailTrial, Settings, StartError, View};
pub use error::PageError;
pub use layers::{router, serve};
pub use templates::{Page, Templates};
pub use visit::Visit;
