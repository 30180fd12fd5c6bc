//! What can go wrong in the store.

/// Why a method of the store did not do what it was asked to. Carries no personal data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database cannot be reached or its file cannot be made.
    #[error("cannot open the database {url}: {reason}")]
    Unreachable {
        /// The address without its password.
        url: String,
        /// What the system said.
        reason: String,
    },
    /// The database was made by another version of the program.
    #[error("the database does not fit this program: {0}")]
    Migration(String),
    /// There is no such thing in this municipality.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// It exists already, or something else stands in its place.
    #[error("{0} exists already")]
    Conflict(&'static str),
    /// The state it is in does not allow it.
    #[error("not possible now: {0}")]
    State(&'static str),
    /// No more answers are taken.
    #[error("the round is closed")]
    RoundClosed,
    /// The frame of this year belongs to a round that has been opened.
    #[error("the frame of {year} is frozen by its round")]
    FrameFrozen {
        /// The frame's year.
        year: i32,
    },
    /// A text contains the character NUL, which PostgreSQL cannot keep.
    #[error("a text contains the character NUL")]
    Nul,
    /// A stored value cannot be read back.
    #[error("stored {what} is not readable: {reason}")]
    Corrupt {
        /// What was read.
        what: &'static str,
        /// Why it failed.
        reason: String,
    },
    /// The database refused or was lost.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    /// Would the same call, made again a little later, be likely to succeed?
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Database(
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed,
            ) => true,
            Self::Database(sqlx::Error::Database(error)) => error.code().is_some_and(|code| is_passing(&code)),
            _ => false,
        }
    }

    /// Is this a violated unique constraint?
    pub(crate) fn is_unique(error: &sqlx::Error) -> bool {
        error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
    }
}

/// Is this a database that is full, busy, stopping or not up yet, rather than a statement that is wrong? SQLite's result codes are
/// decimal numbers whose lowest byte tells the kind; PostgreSQL's states have five characters, the first two the class.
fn is_passing(code: &str) -> bool {
    if code.len() == 5 {
        // Connection, no resources (full disk, memory, connections), stopped by an administrator or by a system error.
        return ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class));
    }
    // Busy, locked, input or output failed, full, cannot open.
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13 | 14))
}

/// The result of a store method.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use super::is_passing;

    #[test]
    fn a_full_or_stopped_database_is_no_mistake_of_the_statement() {
        // SQLITE_FULL, SQLITE_BUSY, SQLITE_IOERR_WRITE; disk full, too many connections, shutdown, starting.
        for code in ["13", "5", "778", "53100", "53300", "57P01", "57P03", "08006"] {
            assert!(is_passing(code), "{code}");
        }
        // SQLITE_CONSTRAINT_UNIQUE, SQLITE_ERROR; unique violation, syntax.
        for code in ["2067", "1", "23505", "42601", ""] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
