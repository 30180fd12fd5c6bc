//! The only room that knows the database: one method is one use case is one transaction.
//!
//! The same SQL runs on SQLite and PostgreSQL. Every method on a municipality's data takes its id; tokens imply it.
//!
//! # Layout
//! - [`Store`], [`StoreOptions`], [`StoreError`]: opening, and what can go wrong
//! - [`municipalities`], [`frames`], [`questionnaires`], [`rounds`]: who asks whom what
//! - [`respondent`]: what a business does with its link
//! - [`outbox`]: messages to be sent, and the demo's caught mail
//! - [`results`]: feeds for the analysis, publications, initiatives
//! - [`jobs`], [`people`], [`audit`]: work in the background, staff and their sessions, who did what
pub mod audit;
mod error;
pub mod frames;
pub mod jobs;
pub mod municipalities;
pub mod outbox;
pub mod people;
pub mod questionnaires;
pub mod respondent;
pub mod results;
pub mod rounds;

pub use error::{Result, StoreError};

/// How a database is opened.
#[derive(Debug, Clone, Copy)]
pub struct StoreOptions {
    /// Every acknowledged write survives a power cut; `false` (the demo) trades that for a quicker start on SQLite.
    pub durable: bool,
    /// Connections for reading on SQLite, and for everything on PostgreSQL.
    pub connections: u32,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { durable: true, connections: 8 }
    }
}

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens `sqlite:PATH` (made when it does not exist) or `postgres://…` and brings its schema up to date under a lock.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] or [`StoreError::Migration`], readable on their own.
    pub async fn connect(url: &str, options: &StoreOptions) -> Result<Self> {
        todo!("{url} {options:?}")
    }

    /// Does the database answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        todo!()
    }

    /// Waits for what is being written, then closes every connection.
    pub async fn close(&self) {
        todo!()
    }
}
