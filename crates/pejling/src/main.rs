//! The binary: parse, load, call.
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = pejling::cli::Cli::parse();
    pejling::log_panics();
    match pejling::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pejling: {error:#}");
            ExitCode::from(pejling::Ended::status_of(&error))
        }
    }
}
