//! SQLite's errors in the store's terms: what may pass, and what will not.

use sqlx::error::DatabaseError;

use super::StoreError;

// The primary result codes of https://www.sqlite.org/rescode.html that describe the machine's
// state and not the statement.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const IO_ERROR: i32 = 10;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;

/// The error of a statement on an open database.
pub(super) fn to_store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error) => {
            let words = error.message().to_owned();
            if is_passing(error.as_ref()) {
                StoreError::Unavailable(words)
            } else {
                StoreError::Failed(words)
            }
        }
        error @ (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed) => {
            StoreError::Unavailable(error.to_string())
        }
        error => StoreError::Failed(error.to_string()),
    }
}

fn is_passing(error: &dyn DatabaseError) -> bool {
    // The code is an extended one; its low byte is the primary one.
    let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0);
    matches!(code & 0xff, BUSY | LOCKED | IO_ERROR | FULL | CANNOT_OPEN)
}

/// What stands in the database cannot be read back: somebody else wrote it, or the disk did.
pub(super) fn damaged(what: impl std::fmt::Display, why: impl std::fmt::Display) -> StoreError {
    StoreError::Failed(format!("{what} cannot be read: {why}"))
}
