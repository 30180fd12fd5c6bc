//! Papers and files made of a [`domain::results::Report`]: the tagged PDF of a year.
//!
//! # Layout
//! - [`paper`]: typst as a library, PDF/UA-1
pub mod paper;
