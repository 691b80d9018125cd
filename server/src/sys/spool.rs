//! The spool: where the keeper puts what children write, and the server reads it.
//!
//! A run has a folder `runs/<run>/` with three byte streams, `out`, `err` and `idx`. Each is kept in
//! segment files `<stream>.<start offset, 16 hex digits>.seg` of a fixed size, written by position,
//! made when the first byte comes and unlinked when the server no longer needs them. `idx` is a
//! sequence of [`IndexRecord`]s: how far both streams had come, and when. A record is written after
//! the bytes that it counts, so it never promises bytes that are not there. What was dropped, because
//! it could not be kept and its writer should not wait ([`WhenFull`]), counts as well: its record says
//! that, and in the segment there is a hole.
//!
//! Beside the folder stands the file `<run>.run`, with `meta` ([`RunMeta`], who runs) and `exit`
//! ([`ExitRecord`], how it ended). The folder is made when the first byte comes: a run that says
//! nothing is one file. Files of runs that are over wait in `runs.spare/` to be used again.

use std::fmt;
use std::io;

mod files;
mod full;
mod reader;
mod record;
mod run_files;
mod segment;
mod writer;

pub use files::{ExitRecord, RunFile, RunMeta, read_exit, read_meta, run_of_file};
pub use full::{Cause, WhenFull};
pub use reader::SpoolReader;
pub use record::{IndexRecord, RECORD_SIZE};
pub use run_files::RunFiles;
pub use segment::{INDEX_SEGMENT_SIZE, SEGMENT_SIZE, release};
pub use writer::{Moved, SpoolWriter};

/// The longest name of a run.
const MAX_RUN_NAME: usize = 80;

/// One of a run's three byte streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// What the child wrote to stdout.
    Out,
    /// What the child wrote to stderr.
    Err,
    /// The index records.
    Index,
}

impl Stream {
    /// The name that its segments begin with.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::Err => "err",
            Self::Index => "idx",
        }
    }

    /// Bytes in a whole segment.
    #[must_use]
    pub fn segment_size(self) -> u64 {
        match self {
            Self::Out | Self::Err => SEGMENT_SIZE,
            Self::Index => INDEX_SEGMENT_SIZE,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why the spool cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The bytes were given back to the keeper, and their segment is gone.
    #[error("the segment of {stream} at offset {off} has been released")]
    Released {
        /// Which stream.
        stream: Stream,
        /// Offset that was asked for.
        off: u64,
    },
    /// An index record's checksum is wrong.
    #[error("the index record at offset {off} is corrupt")]
    Corrupt {
        /// Its offset in the index.
        off: u64,
    },
    /// `meta` or `exit` does not hold what it should.
    #[error("the file {0} is corrupt")]
    BadFile(&'static str),
    /// The file system said no.
    #[error("cannot read the spool: {0}")]
    Io(#[from] io::Error),
}

/// Whether a run may have this name, which is also the name of its folder: letters, digits, `.`, `_`
/// and `-`, no dot in front, at most 80.
#[must_use]
pub fn is_run_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_RUN_NAME).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_name_is_a_plain_file_name() {
        for good in ["a", "0193-abc.1", "A_b-C.99"] {
            assert!(is_run_name(good), "{good}");
        }
        let long = "x".repeat(81);
        for bad in ["", ".", "..", ".a", "a/b", "a b", "a\0", "ä", "a\n", &long] {
            assert!(!is_run_name(bad), "{bad}");
        }
    }
}
