//! `pejling mail`: what can be said about the mail-out.
use clap::{Args, Subcommand};

/// `pejling mail`
#[derive(Debug, Subcommand)]
pub enum Mail {
    /// How the mail-out stands, by round and wave
    Status(Status),
    /// Stop sending, of one round or of all
    Pause(Pause),
    /// Let sending go on, of one round or of all
    Resume(OfRound),
}

/// Which rounds: one year's or all open ones.
#[derive(Debug, Args)]
pub struct OfRound {
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// The round's year [default: every open round]
    #[arg(long, value_name = "YEAR")]
    pub round: Option<i32>,
}

/// `pejling mail status`
#[derive(Debug, Args)]
pub struct Status {
    /// Which rounds
    #[command(flatten)]
    pub of: OfRound,
    /// How to answer
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

/// `pejling mail pause`
#[derive(Debug, Args)]
pub struct Pause {
    /// Which rounds
    #[command(flatten)]
    pub of: OfRound,
    /// Why; staff read it on the round's page
    #[arg(long, default_value = "paused by hand")]
    pub reason: String,
}
