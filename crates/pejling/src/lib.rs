//! The one binary as a library: command line, configuration, wiring and the job runner. No survey logic.
//!
//! # Layout
//! - [`cli`]: what can be said; [`commands`]: what is done
//! - [`config`]: defaults ← file ← environment ← flags
//! - [`wiring`]: database, keys, clock
//! - [`outgoing`]: relays, logins and signer as configured
//! - [`serve`]: pages, mail worker and jobs under one roof; [`sending`]: the mail worker alone; [`jobs`]: work queued by pages
//! - [`import`], [`publish`], [`letters`]: work that the command line and jobs share
//! - [`receipts`]: what became of letters; [`metrics`]: counts for a machine that watches
//! - [`inbox`]: mail that comes in, as configured; [`staff_sign_in`]: how staff sign in, as configured
//! - [`earlier`]: an earlier year, held in another tool
//! - [`town`]: the invented municipality, loaded and served
pub mod cases;
pub mod cli;
pub mod commands;
pub mod config;
pub mod earlier;
mod extracts;
pub mod files;
pub mod import;
pub mod inbox;
pub mod jobs;
pub mod letters;
pub mod metrics;
pub mod outgoing;
pub mod publish;
pub mod receipts;
pub mod sending;
pub mod serve;
pub mod staff_sign_in;
pub mod town;
pub mod wiring;

use std::io::IsTerminal;

use anyhow::{Context, Result};

use crate::cli::{Cli, Command};
use crate::config::{Config, LogFormat};

/// A command's answer that is not a fault of the program, with the exit status that scripts read.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct Ended {
    status: u8,
    words: String,
}

impl Ended {
    /// An answer with its status.
    #[must_use]
    pub fn with(status: u8, words: &str) -> Self {
        Self { status, words: words.to_owned() }
    }

    /// The exit status of an error: its own, or 2.
    #[must_use]
    pub fn status_of(error: &anyhow::Error) -> u8 {
        error.downcast_ref::<Self>().map_or(2, |ended| ended.status)
    }
}

/// Carries out a command.
///
/// # Errors
/// One sentence for the person at the terminal.
pub fn run(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("the runtime cannot start")?;
    runtime.block_on(dispatch(cli))
}

async fn dispatch(cli: Cli) -> Result<()> {
    let mut flags: Vec<(&str, String)> = Vec::new();
    flags.extend(cli.database.map(|url| ("database", url)));
    flags.extend(cli.data_dir.map(|dir| ("data_dir", dir.display().to_string())));
    if let Command::Serve(arguments) = &cli.command {
        flags.extend(arguments.listen.clone().map(|listen| ("listen", listen)));
        flags.extend(arguments.public_url.clone().map(|url| ("public_url", url)));
    }
    let config = Config::load(cli.config.as_deref(), std::env::vars(), &flags)?;
    // The demo's terminal is for its addresses; an explicit filter still shows everything.
    let quiet = matches!(cli.command, Command::Demo(_)) && config.log == "info";
    log(&config, if quiet { "warn" } else { &config.log });
    match cli.command {
        Command::Demo(arguments) => town::demo(&arguments).await,
        Command::Serve(_) => serve::serve(&config).await,
        Command::Send(arguments) => sending::send(&config, arguments.watch).await,
        Command::Mail(command) => commands::mail::run(command, &config).await,
        Command::Check(arguments) => commands::check::run(&arguments, &config),
        Command::Municipality(command) => commands::municipality::run(command, &config).await,
        Command::User(command) => commands::user::run(command, &config).await,
        Command::Import(command) => commands::import::run(command, &config).await,
        Command::Round(command) => commands::round::run(command, &config).await,
        Command::Analyse(arguments) => commands::analyse::run(arguments, &config).await,
        Command::Themes(arguments) => commands::analyse::themes(arguments),
        Command::Report(arguments) => commands::report::run(arguments, &config).await,
        Command::Export(command) => commands::export::run(command, &config).await,
        Command::Erase(arguments) => commands::erase::run(&arguments, &config).await,
        Command::Sector(arguments) => commands::sector::run(&arguments),
        Command::Bounce(command) => commands::bounce::run(&command),
    }
}

/// Has a panic log its place instead of its message: what was being worked on when it happened (an answer, an address) may
/// stand in a message that was put together, and never in one that is part of the program.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("a fault in the program");
        // Before logging has begun a line would go nowhere.
        if tracing::dispatcher::has_been_set() {
            tracing::error!(place, "{said} (at {place})");
        } else {
            eprintln!("pejling: {said} (at {place})");
        }
    }));
}

/// Starts logging to standard error, so that standard output stays a command's answer.
fn log(config: &Config, filter: &str) {
    // A database's remarks while its schema is made are nobody's news, unless somebody asks for them.
    let filter = tracing_subscriber::EnvFilter::new(format!("sqlx=warn,{filter}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start in one process (tests) keeps the first.
    let _ = match config.log_format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
