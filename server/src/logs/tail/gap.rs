//! What is missing from a run's spool, in words for its log. It takes more than the death of a process
//! to lose something there: power, a file system, or somebody's hands; or that it was dropped, as the
//! settings wanted it.

use std::ops::Range;

use chrono::{DateTime, SecondsFormat};

use crate::sys::spool::{Cause, Stream};

/// Something that is missing or damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Output was dropped when it was written.
    Dropped(Dropped),
}

/// What was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Why.
    pub cause: Cause,
    /// Which bytes of stdout.
    pub out: Range<u64>,
    /// Which bytes of stderr.
    pub err: Range<u64>,
    /// Line ends among them.
    pub lines: u64,
    /// There were more than that.
    pub has_more_lines: bool,
    /// When it began and ended, in milliseconds since the epoch.
    pub since_ms: i64,
    /// See `since_ms`.
    pub until_ms: i64,
}

impl Gap {
    /// In words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Bytes { stream, from, to } => {
                let name = if *stream == Stream::Err { "stderr" } else { "stdout" };
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
            Self::Dropped(dropped) => dropped.describe(),
        }
    }

    /// Whether it was dropped as somebody has wanted it, and nothing is damaged.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        matches!(self, Self::Dropped(_))
    }
}

impl Dropped {
    fn describe(&self) -> String {
        let streams = [("stdout", &self.out), ("stderr", &self.err)];
        let some = streams.iter().filter(|(_, range)| !range.is_empty());
        let each = some.map(|(name, range)| {
            let bytes = range.end - range.start;
            format!("{bytes} bytes of {name} from byte {} on", range.start)
        });
        let more = if self.has_more_lines { "at least " } else { "" };
        let why = match self.cause {
            Cause::Disk => "the disk of the spool was full",
            Cause::Backlog => "as much as logs.max_backlog allows waited to be stored",
        };
        let at = |ms: i64| {
            let at = DateTime::from_timestamp_millis(ms).unwrap_or_default();
            at.to_rfc3339_opts(SecondsFormat::Millis, true)
        };
        format!(
            "dropped here: {} ({more}{} lines), written from {} to {}: {why}, and when_full is drop",
            each.collect::<Vec<_>>().join(" and "),
            self.lines,
            at(self.since_ms),
            at(self.until_ms),
        )
    }
}
