//! Kills the program while businesses answer, again and again, and looks what is there afterwards.
//!
//! `cargo run -p e2e --bin answer_faults -- [KILLS [postgres://SERVER]]` (50, SQLite), with the program `pejling` built beside it.
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let kills = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(50);
    let postgres = std::env::args().nth(2);
    let Some(program) = e2e::faults::program() else {
        eprintln!("build the program first: cargo build --bin pejling");
        return ExitCode::from(2);
    };
    let tally = e2e::faults::kill(&program, kills, postgres.as_deref()).await;
    println!(
        "{} kills, {} acknowledged pages, {} whole answers, {} values compared: {} lost, {} twice",
        tally.kills, tally.pages, tally.answers, tally.values, tally.lost, tally.twice
    );
    if tally.lost + tally.twice == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
