//! Papers made of a [`domain::results::Report`].
//!
//! # Layout
//! - [`year()`]: the year's paper as a tagged PDF
//! - [`paper`]: typst as a library, PDF/UA-1
pub mod paper;
mod year;

pub use paper::PaperError;
pub use year::{Occasion, year};
