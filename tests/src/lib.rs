//! Shared parts of the end-to-end tests: a house of our own to visit, a visitor without JavaScript, and a real mail server.
//!
//! # Layout
//! - [`extract`]: a small register extract, what its businesses answer, and the figure that follows
//! - [`coverage`]: invented towns whose true changes are known
//! - [`crowd`]: many businesses that answer at once; [`faults`]: killed while they do
//! - [`house`]: the whole program on a spare port over a database of its own
//! - [`visitor`]: fetches pages and sends their forms as a browser without JavaScript would
//! - [`speed`]: the data of the speed programme
//! - [`mailfield`]: a round with many invitations, a worker for it, and a server that counts what arrives
//! - [`mail`]: aiosmtpd, keeping what it accepts in a Maildir
pub mod coverage;
pub mod crowd;
pub mod extract;
pub mod faults;
pub mod house;
pub mod mail;
pub mod mailfield;
pub mod speed;
pub mod visitor;
