//! The vocabulary of a municipal business survey and its pure rules: no I/O, no clock, no chance of its own.
//!
//! # Layout
//! - [`time`], [`ids`], [`language`], [`secrets`]: what every other room needs
//! - [`registers`], [`industry`], [`size`], [`eligibility`], [`frame`]: the register and the population
//! - [`questionnaire`], [`answers`], [`quality`]: the instrument, what is answered, and how well
//! - [`municipality`], [`fieldwork`], [`calls`]: who asks; rounds, invitations, mail and response states; telephone calls
//! - [`sending`]: when mail may go out; [`mailtext`]: a municipality's own words in it
//! - [`indicator`], [`results`], [`insight`]: what is measured, what came out, and what it says beyond single figures
//! - [`publishing`]: what of it is published, and what a later publication may say
//! - [`focus`], [`goals`]: what municipalities want: focus areas, goals of policies, a municipality's own goals
//! - [`cases`]: closed cases, asked about all year
//! - [`initiatives`]: what it does about them; [`accounts`]: yearly register facts beside the survey
pub mod accounts;
pub mod answers;
pub mod calls;
pub mod cases;
pub mod eligibility;
pub mod fieldwork;
pub mod focus;
pub mod frame;
pub mod goals;
pub mod ids;
pub mod indicator;
pub mod industry;
pub mod initiatives;
pub mod insight;
pub mod language;
pub mod mailtext;
pub mod municipality;
pub mod packages;
pub mod printed;
pub mod publishing;
pub mod quality;
pub mod questionnaire;
pub mod registers;
pub mod results;
pub mod secrets;
pub mod sending;
pub mod size;
pub mod time;
