//! Shared parts of the end-to-end tests: a house of our own to visit, a visitor without JavaScript, and a real mail server.
//!
//! # Layout
//! - [`extract`]: a small register extract, what its businesses answer, and the figure that follows
//! - [`coverage`]: invented towns whose true changes are known
//! - [`house`]: the whole program on a spare port over a database of its own
//! - [`visitor`]: fetches pages and sends their forms as a browser without JavaScript would
//! - [`speed`]: the data of the speed programme
//! - [`mail`]: aiosmtpd, keeping what it accepts in a Maildir
pub mod coverage;
pub mod extract;
pub mod house;
pub mod mail;
pub mod speed;
pub mod visitor;
