//! Papers: a [`domain::results::Report`] to be read, letters to be sent.
//!
//! # Layout
//! - [`year()`]: the year's paper as a tagged PDF; [`status()`]: two pages of it for the council; [`workbook()`]: the same as XLSX; [`agenda()`]: the
//!   agenda item as DOCX and text; [`docx`]: documents for a word processor
//! - [`letter`]: letters for those whom mail does not reach; [`qr`]: their codes; [`memo`]: their wrapping for Digital Post
//! - [`book`]: tables with native charts as a workbook; [`picture`]: charts as PNG
//! - [`package`]: the signed data package; [`comparison()`]: two packages beside each other in two languages
//! - [`paper`]: typst as a library, PDF/UA-1
mod agenda;
mod beside;
pub mod book;
pub mod docx;
pub mod letter;
pub mod memo;
pub mod package;
pub mod paper;
pub mod picture;
pub mod qr;
mod words;
mod workbook;
mod year;

pub use agenda::{Agenda, agenda};
pub use beside::comparison;
pub use paper::PaperError;
pub use workbook::workbook;
pub use year::{Occasion, status, year, year_with_pages};
