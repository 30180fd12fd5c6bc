//! `pejling mail`: what can be said about the mail-out.
use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// Go through the messages that may or may not have arrived, one by one, and say which to send again
    ResendUncertain(OfRound),
    /// Write what waits as .eml files, and change nothing
    DryRun(DryRun),
    /// Send each kind of message, filled with an invented business, to one address
    TestMessage(TestMessage),
    /// Queue thanks, with the link to the results, to those who answered a published round
    Thanks(OneRound),
    /// Queue a welcome to the businesses of a round that no earlier year had
    Welcome(OneRound),
    /// Read the mail that comes in: bounces, complaints, answers
    Inbox(Inbox),
    /// Make a key that signs mail (DKIM) and print the DNS records to publish
    DkimKey(DkimKey),
    /// Look up MX, SPF, DKIM and DMARC of the senders and say what is right or missing (1: something is wrong, 3: no DNS)
    Check(MailCheck),
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

/// One round.
#[derive(Debug, Args)]
pub struct OneRound {
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// The round's year
    #[arg(long, value_name = "YEAR")]
    pub round: i32,
}

/// `pejling mail dry-run`
#[derive(Debug, Args)]
pub struct DryRun {
    /// Which rounds
    #[command(flatten)]
    pub of: OfRound,
    /// The folder for the .eml files; they hold personal links
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `pejling mail test-message`
#[derive(Debug, Args)]
pub struct TestMessage {
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// Where they go
    #[arg(long, value_name = "ADDRESS")]
    pub to: String,
    /// Language [default: the municipality's]
    #[arg(long, value_parser = ["da", "sv", "en"])]
    pub language: Option<String>,
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

/// `pejling mail dkim-key`
#[derive(Debug, Args)]
pub struct DkimKey {
    /// The domain that signs: that of the sender's address
    #[arg(long)]
    pub domain: String,
    /// A name for this key, such as pejling2026; a new key gets a new one
    #[arg(long)]
    pub selector: String,
    /// An Ed25519 key, for a second signature [default: RSA of 2048 bits]
    #[arg(long)]
    pub ed25519: bool,
    /// Where the key goes; an existing file is never overwritten
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `pejling mail check`
#[derive(Debug, Args)]
pub struct MailCheck {
    /// Check this sender's domain [default: those of all municipalities]
    #[arg(long)]
    pub domain: Option<String>,
    /// Ask this name server [default: the machine's]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub resolver: Option<SocketAddr>,
}

/// `pejling mail inbox`
#[derive(Debug, Args)]
pub struct Inbox {
    /// Read what there is and stop (this is what happens without --watch, too)
    #[arg(long, conflicts_with = "watch")]
    pub once: bool,
    /// Go on until stopped, reading what comes
    #[arg(long)]
    pub watch: bool,
}
