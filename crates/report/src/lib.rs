//! Papers: a [`domain::results::Report`] to be read, letters to be sent.
//!
//! # Layout
//! - [`year()`]: the year's paper as a tagged PDF
//! - [`letter`]: letters for those whom mail does not reach; [`qr`]: their codes; [`memo`]: their wrapping for Digital Post
//! - [`paper`]: typst as a library, PDF/UA-1
pub mod letter;
pub mod memo;
pub mod paper;
pub mod qr;
mod year;

pub use paper::PaperError;
pub use year::{Occasion, year};
