//! From files to a report: reads frame and responses, makes cell sums, calls the estimators; and codes open answers.
//!
//! # Layout
//! - [`options`]: the choices of the command line
//! - [`table`]: CSV, Parquet or handed-over rows as tables of text that know their lines
//! - `codes`, `ids`: distinct cells, combinations of them and businesses as small numbers
//! - `input`: the tables checked and coded, every fault with file, line and column
//! - [`cells`]: one pass over the answers → the cell sums that `statistics` computes from
//! - [`mod@analyse`]: designs, figures, changes, what may be shown, verdicts
//! - [`mod@scored`]: the answers one by one, for what needs more than sums
//! - [`progress`]: how far an analysis has come
//! - [`weights`]: the weight of every response
//! - [`output`]: the files of the contract
//! - [`fieldwork`]: who answered; [`prevalence`]: confirmed themes as weighted shares
//! - [`coding`], [`redact`], [`mod@themes`]: open answers: suggested themes, personal data covered
//!
//! ```no_run
//! let options = analysis::Options { frame: "frame.csv".into(), ..analysis::Options::default() };
//! let result = analysis::analyse(&options)?;
//! analysis::write(&result, &options.out, options.format)?;
//! # Ok::<(), analysis::AnalyseError>(())
//! ```
pub mod analyse;
pub mod cells;
mod codes;
pub mod coding;
pub mod error;
pub mod fieldwork;
mod ids;
mod input;
pub mod options;
pub mod output;
pub mod prevalence;
pub mod progress;
pub mod redact;
pub mod scored;
pub mod table;
pub mod themes;
pub mod weights;

pub use analyse::{Analysis, WeightNote, analyse, analyse_rows, analyse_watched, read_definitions};
pub use error::AnalyseError;
pub use options::{ChoiceError, Format, Fpc, Method, Options, Overlap, Variance, Weighting};
pub use output::{FileColumn, parquet_file, write};
pub use progress::Progress;
pub use scored::Scored;
pub use table::Table;
pub use themes::{ThemesOptions, themes};
pub use weights::{WeightRow, Weights};
