//! How far an analysis has come, told to whoever asked; nothing is printed here.

/// A step of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// Rows of the frame read.
    Frame {
        /// So far.
        rows: usize,
        /// In all.
        of: usize,
    },
    /// Rows of the responses read.
    Responses {
        /// So far.
        rows: usize,
        /// In all.
        of: usize,
    },
    /// Everything is read; figures are being made of it.
    Figures,
    /// Figures are made; changes and what may be shown follow.
    Changes,
}

/// Whom it is told to.
pub type Watch<'a> = &'a dyn Fn(Progress);
