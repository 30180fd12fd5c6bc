//! The command line: what can be said, and its help.
pub mod mail;

use std::path::PathBuf;

use analysis::options::{Format, Fpc, Overlap, Variance, Weighting};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

/// Runs a municipality's yearly business survey, from the company register to the committee's agenda.
#[derive(Debug, Parser)]
#[command(
    name = "pejling",
    version,
    about,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// Configuration file (every key also as environment variable PEJLING_…, see pejling.example.toml)
    #[arg(long, global = true, value_name = "FILE", env = "PEJLING_CONFIG")]
    pub config: Option<PathBuf>,
    /// Database: sqlite:PATH or postgres://… [default: SQLite in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    pub database: Option<String>,
    /// Folder of the embedded database, the secret key and mail written to files [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start an invented municipality, complete with four yearly rounds; touches no database of yours, sends no mail
    Demo(Demo),
    /// Serve the pages, send the mail and work off jobs
    Serve(Serve),
    /// Send the mail that waits in the outbox, without serving pages
    Send(Send),
    /// How the mail-out stands; pause, resume, trial runs
    #[command(subcommand)]
    Mail(mail::Mail),
    /// Check the shipped or given questionnaires, indicators, sectors, texts and the configuration
    Check(Check),
    /// Make and list municipalities
    #[command(subcommand)]
    Municipality(Municipality),
    /// Make members of staff and one-time links to sign in
    #[command(subcommand)]
    User(User),
    /// Bring outside files in
    #[command(subcommand)]
    Import(Import),
    /// Create, open, remind and close a yearly round
    #[command(subcommand)]
    Round(Round),
    /// Estimates and changes with their uncertainty, from files or from the database
    Analyse(Analyse),
    /// Suggest themes for open answers and redact personal data
    Themes(Themes),
    /// The latest publication as tagged PDF (PDF/UA-1), workbook or agenda item
    Report(ReportArguments),
    /// Bring files out
    #[command(subcommand)]
    Export(Export),
    /// Erase what is known of a business: answers, names, addresses, in every year (GDPR, article 17)
    Erase(Erase),
    /// Which sector an industry code belongs to, and why
    Sector(Sector),
    /// Classify bounce messages
    #[command(subcommand)]
    Bounce(Bounce),
}

/// `pejling demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: String,
    /// Which invented town; 1 is the one in the documentation
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// `pejling serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// The address people see, for links in mail
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
}

/// `pejling send`
#[derive(Debug, Args)]
pub struct Send {
    /// Go on until stopped, sending what comes
    #[arg(long, conflicts_with = "once")]
    pub watch: bool,
    /// Stop when the outbox is empty (the default)
    #[arg(long)]
    pub once: bool,
}

/// `pejling check`
#[derive(Debug, Args)]
pub struct Check {
    /// Questionnaires, indicators or sector groupings (TOML, CSV) to check [default: everything shipped]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `pejling municipality`
#[derive(Debug, Subcommand)]
pub enum Municipality {
    /// Make a municipality
    Add {
        /// Short name in addresses: lower-case letters, digits, hyphens
        slug: String,
        /// Full name: "Højager Kommune"
        #[arg(long)]
        name: String,
        /// Whose register and law apply
        #[arg(long, default_value = "dk", value_parser = ["dk", "se"])]
        country: String,
        /// Further settings as a TOML file (keys: see docs/OPERATING.md)
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// Sectors: a shipped grouping (dst10, htk, handel) or a file of your own
        #[arg(long, value_name = "KEY|FILE")]
        grouping: Option<String>,
    },
    /// Change a municipality's settings; keys that the file does not name stay as they are
    Set {
        /// Short name
        slug: String,
        /// Settings as a TOML file (keys: see docs/OPERATING.md)
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// Sectors: a shipped grouping (dst10, htk, handel) or a file of your own; counts from the next import on
        #[arg(long, value_name = "KEY|FILE")]
        grouping: Option<String>,
    },
    /// List the municipalities
    List,
}

/// `pejling user`
#[derive(Debug, Subcommand)]
pub enum User {
    /// Make a member of staff and print the one-time link to sign in
    Add {
        /// Short name of the municipality [default: the only one]
        #[arg(long)]
        municipality: Option<String>,
        /// What they may do
        #[arg(long, value_parser = ["administrator", "analyst", "committee", "interviewer"])]
        role: String,
        /// Their name
        #[arg(long)]
        name: String,
        /// Their address
        #[arg(long)]
        email: String,
    },
    /// Print a new one-time link for somebody who is already there
    Link {
        /// Short name of the municipality [default: the only one]
        #[arg(long)]
        municipality: Option<String>,
        /// Their address
        #[arg(long)]
        email: String,
    },
}

/// `pejling import`
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Read a register extract (CSV or XLSX) as the year's frame and report on it row by row
    Frame(ImportFrame),
    /// Read the answers of an earlier year from another survey tool (CSV or XLSX) into the series
    Responses(ImportResponses),
    /// Read another municipality's signed data package
    Package {
        /// The package (zip)
        file: PathBuf,
        /// Short name of the municipality [default: the only one]
        #[arg(long)]
        municipality: Option<String>,
        /// The fingerprint that the other municipality read out to you; without it the key stays unconfirmed
        #[arg(long, value_name = "FINGERPRINT")]
        fingerprint: Option<String>,
    },
    /// Read figures that others publish (CSV with source, measure, place, year, value, unit, n, note); they are never tested
    Outside {
        /// The file
        file: PathBuf,
        /// Short name of the municipality [default: the only one]
        #[arg(long)]
        municipality: Option<String>,
    },
    /// Read what became of letters and Digital Post (CSV with reference or cvr, status, time) and report on it row by row
    Receipts(ImportReceipts),
    /// Read yearly register facts (CSV or XLSX with year, fact, sector, value, source, unit) into the growth accounts
    Accounts(ImportAccounts),
    /// Read closed cases (CSV or XLSX with case id, business, authority, closing day) and ask the businesses about them
    Cases(ImportCases),
}

/// `pejling import cases`
#[derive(Debug, Args)]
pub struct ImportCases {
    /// The cases: a heading and one row per case
    pub file: PathBuf,
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// Only say what would become of each case; nothing is kept and nobody is asked
    #[arg(long)]
    pub dry_run: bool,
    /// Where the row-by-row report goes [default: FILE with .report.csv]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `pejling import accounts`
#[derive(Debug, Args)]
pub struct ImportAccounts {
    /// The facts: a heading and one row per year, fact and sector
    pub file: PathBuf,
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
}

/// `pejling import receipts`
#[derive(Debug, Args)]
pub struct ImportReceipts {
    /// The sending system's list: a heading and one row per message
    pub file: PathBuf,
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// Where the row-by-row report goes [default: FILE with .report.csv]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `pejling import frame`
#[derive(Debug, Args)]
pub struct ImportFrame {
    /// The extract
    pub file: PathBuf,
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// The round's year
    #[arg(long)]
    pub year: i32,
    /// Classification of the industry codes [default: db07 or sni2007 until 2024, db25 or sni2025 after]
    #[arg(long, value_parser = ["db07", "db25", "sni2007", "sni2025"])]
    pub classification: Option<String>,
    /// A column that is not recognised, as FIELD=HEADER; may be repeated
    #[arg(long = "map", value_name = "FIELD=HEADER")]
    pub mapping: Vec<String>,
    /// Keep only units of this municipality code (kommunekode); may be repeated
    #[arg(long = "code", value_name = "CODE")]
    pub codes: Vec<String>,
    /// Where the row-by-row report goes [default: FILE with .report.csv]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `pejling import responses`
#[derive(Debug, Args)]
pub struct ImportResponses {
    /// The export: a heading and one row per answer
    pub file: PathBuf,
    /// Which column answers which question, and how its values are recoded (see analysis/earlier-years/)
    #[arg(long, value_name = "FILE")]
    pub mapping: PathBuf,
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// The year that the answers are of; its frame must be there
    #[arg(long)]
    pub year: i32,
    /// Read and report row by row, but store nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Take away what was imported into this year before; without it, units that have an answer keep it
    #[arg(long, conflicts_with = "dry_run")]
    pub replace: bool,
    /// Where the row-by-row report goes [default: FILE with .report.csv]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// `pejling round`
#[derive(Debug, Subcommand)]
pub enum Round {
    /// Make a round
    Create {
        /// Short name of the municipality [default: the only one]
        #[arg(long)]
        municipality: Option<String>,
        /// Year
        #[arg(long)]
        year: i32,
        /// Last day on which answers are taken, yyyy-mm-dd
        #[arg(long, value_name = "DATE")]
        closes: String,
    },
    /// Freeze questionnaire and frame, write the invitations and start mailing
    Open(RoundOf),
    /// Queue a reminder to those who have not answered
    Remind {
        /// Which round
        #[command(flatten)]
        round: RoundOf,
        /// Which reminder
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..=3))]
        wave: i64,
    },
    /// Close the round: no more answers are taken
    Close(RoundOf),
    /// How the round stands, in counts
    Status(RoundOf),
}

/// A round by municipality and year.
#[derive(Debug, Args)]
pub struct RoundOf {
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// Year
    #[arg(long)]
    pub year: i32,
}

/// `pejling analyse`
#[derive(Debug, Args)]
pub struct Analyse {
    /// The population: CSV or Parquet with year, business_id and sector, size (or industry_code, classification, employees)
    #[arg(long, value_name = "FILE", required_unless_present = "municipality", requires = "responses")]
    pub frame: Option<PathBuf>,
    /// The answers: CSV or Parquet with year, business_id and one column per question key
    #[arg(long, value_name = "FILE", requires = "frame")]
    pub responses: Option<PathBuf>,
    /// Read closed rounds of this municipality from the database instead of the two files
    #[arg(long, value_name = "SLUG", conflicts_with_all = ["frame", "responses"])]
    pub municipality: Option<String>,
    /// Definitions of the indicators [default: the shipped ones, with --municipality]
    #[arg(long, value_name = "FILE", required_unless_present = "municipality")]
    pub indicators: Option<PathBuf>,
    /// Folder for the results
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// How answers are weighted to the population
    #[arg(long, value_parser = choice::<Weighting>(Weighting::CHOICES), default_value_t)]
    pub weights: Weighting,
    /// Frame columns that make the weighting cells
    #[arg(long, value_delimiter = ',', default_value = "sector,size", value_name = "COLUMNS")]
    pub strata: Vec<String>,
    /// Frame columns raked to, with --weights rake
    #[arg(long, value_delimiter = ',', default_value = "sector,size", value_name = "COLUMNS")]
    pub margins: Vec<String>,
    /// Breakdowns beside the total: columns of the frame or of the responses
    #[arg(long, value_delimiter = ',', default_value = "sector,size", value_name = "COLUMNS")]
    pub by: Vec<String>,
    /// Sectors that industry codes are mapped to: a shipped grouping (dst10, htk, handel) or a file of your own
    #[arg(long, default_value = "dst10", value_name = "KEY|FILE")]
    pub sectors: String,
    /// Fewest answers in a weighting cell before it joins a neighbour
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub min_cell: u32,
    /// Finite-population correction
    #[arg(long, value_parser = choice::<Fpc>(Fpc::CHOICES), default_value_t)]
    pub fpc: Fpc,
    /// Variance: by design, or with response as a phase of its own (for --weights rake)
    #[arg(long, value_parser = choice::<Variance>(Variance::CHOICES), default_value_t)]
    pub variance: Variance,
    /// Fewest answers behind a shown figure; 0 shows everything
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub min_n: u32,
    /// Covariance of businesses that answered both years: per stratum, pooled correlation, or none
    #[arg(long, value_parser = choice::<Overlap>(Overlap::CHOICES), default_value_t)]
    pub overlap: Overlap,
    /// Files to write
    #[arg(long, value_parser = choice::<Format>(Format::CHOICES), default_value_t)]
    pub format: Format,
}

/// A parser for one of the analysis crate's choices, with the words shown in the help.
fn choice<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err = analysis::options::ChoiceError> + Clone + std::marker::Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

/// `pejling themes`
#[derive(Debug, Args)]
pub struct Themes {
    /// Comments: CSV with id, year, business_id, language, text
    #[arg(long, value_name = "FILE")]
    pub comments: PathBuf,
    /// The codebook [default: the shipped one]
    #[arg(long, value_name = "FILE")]
    pub codebook: Option<PathBuf>,
    /// Folder for themes.csv and redacted.csv
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Frame with the businesses' own names, owners and streets, to be redacted too; with --codes also their sector and size
    #[arg(long, value_name = "FILE")]
    pub frame: Option<PathBuf>,
    /// Confirmed codes: CSV with id, coder, version, theme; adds prevalence.csv, prevalence_changes.csv, prevalence.json
    #[arg(long, value_name = "FILE", requires = "frame", requires = "responses")]
    pub codes: Option<PathBuf>,
    /// Responses, which say who was asked: CSV or Parquet with year, business_id and the answers
    #[arg(long, value_name = "FILE", requires = "codes")]
    pub responses: Option<PathBuf>,
    /// A share mentioned by fewer businesses is hidden; 0 hides nothing
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub min_n: u32,
}

/// `pejling report`
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// Language
    #[arg(long, default_value = "da", value_parser = ["da", "sv", "en"])]
    pub language: String,
    /// What to write: the report, the status to the council on two pages, the workbook, the agenda item as document or as text
    #[arg(long, default_value = "pdf", value_parser = ["pdf", "status", "xlsx", "docx", "text"])]
    pub form: String,
    /// The file to write [default: report.pdf, status.pdf, workbook.xlsx, agenda.docx, agenda.txt]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `pejling erase`
#[derive(Debug, Args)]
pub struct Erase {
    /// The business: its P-nummer or CFAR-nummer
    #[arg(value_name = "NUMBER")]
    pub unit: String,
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
}

/// `pejling export`
#[derive(Debug, Subcommand)]
pub enum Export {
    /// Personal links of a round as CSV, for letters; made again from the secret key, stored nowhere
    Links {
        /// Short name of the municipality [default: the only one]
        #[arg(long)]
        municipality: Option<String>,
        /// The round's year
        #[arg(long)]
        round: i32,
        /// The file to write [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Letters to those whom mail does not reach: letters.pdf, a page each for a window envelope, and letters.csv
    Letters(ByWave),
    /// The latest publication as a signed data package (Frictionless) for other municipalities: shown figures, public initiatives
    Package {
        /// Short name of the municipality [default: the only one]
        #[arg(long)]
        municipality: Option<String>,
        /// The year [default: the newest]
        #[arg(long)]
        year: Option<i32>,
        /// The file to write
        #[arg(long, value_name = "FILE", default_value = "package.zip")]
        out: PathBuf,
    },
    /// One message per CVR number for Digital Post: a PDF and a MeMo file each, and messages.csv
    DigitalPost(ByWave),
}

/// A wave of a round, to be written into a folder.
#[derive(Debug, Args)]
pub struct ByWave {
    /// Short name of the municipality [default: the only one]
    #[arg(long)]
    pub municipality: Option<String>,
    /// The round's year
    #[arg(long, value_name = "YEAR")]
    pub round: i32,
    /// 0: the invitation; 1, 2, 3: reminders. Whoever has one way in a wave has no other
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=3))]
    pub wave: i64,
    /// The folder to write; the first export of a wave decides who is on the list, a later one writes the same list again
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `pejling sector`
#[derive(Debug, Args)]
pub struct Sector {
    /// Industry codes: 45.20.10, 452010, 45.20
    #[arg(required = true, value_name = "CODE")]
    pub codes: Vec<String>,
    /// The classification they are written in
    #[arg(long, value_parser = ["db07", "db25", "sni2007", "sni2025"])]
    pub classification: String,
    /// A shipped grouping (dst10, htk, handel) or a file of your own
    #[arg(long, default_value = "dst10", value_name = "KEY|FILE")]
    pub grouping: String,
    /// How to answer
    #[arg(long, default_value = "text", value_parser = ["text", "csv"])]
    pub format: String,
}

/// `pejling bounce`
#[derive(Debug, Subcommand)]
pub enum Bounce {
    /// Say of each message which recipients bounced, and how
    Classify {
        /// Raw messages (.eml)
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// How to answer
        #[arg(long, default_value = "csv", value_parser = ["csv"])]
        format: String,
    },
}
