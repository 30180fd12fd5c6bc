//! What each subcommand does, one file each.
pub mod analyse;
pub mod bounce;
pub mod check;
pub mod erase;
pub mod export;
pub mod import;
pub mod mail;
pub mod municipality;
pub mod report;
pub mod round;
pub mod sector;
pub mod user;
