//! What is missing from a run's spool, in words for its log. It takes more than the death of a process
//! to lose something there: power, a file system, or somebody's hands.

use crate::sys::spool::Stream;

/// Something that is missing or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Bytes that were counted are not there.
    Bytes {
        /// Of which stream.
        stream: Stream,
        /// Offset of the first.
        from: u64,
        /// Offset behind the last.
        to: u64,
    },
    /// Records of the index are damaged or gone: the bytes that they count are there, but not when
    /// they were written.
    Records {
        /// How many.
        count: u64,
    },
}

impl Gap {
    /// In words.
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Bytes { stream, from, to } => {
                let name = if stream == Stream::Err { "stderr" } else { "stdout" };
                format!(
                    "{} bytes of {name} are missing here, from byte {from} on: they were written, and \
                     are not in the spool any more (power was lost, or the file was cut)",
                    to - from
                )
            }
            Self::Records { count } => format!(
                "the spool's index is damaged ({count} records): the lines around here are all there, \
                 but the order of stdout and stderr and their times are not certain"
            ),
        }
    }
}
