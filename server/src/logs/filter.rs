//! Which lines of a log are wanted: by their words, stream, level and time.

use std::str::FromStr;

use app::model::{EntryKind, Level};
use serde::Deserialize;

use super::chunk::RawEntry;
use super::pattern::Pattern;

/// Some of the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Streams([bool; 3]);

impl Streams {
    /// All of them.
    pub const ALL: Self = Self([true; 3]);
    /// What was not said by Runyard.
    pub const OF_CHILDREN: Self = Self([true, true, false]);

    fn has(self, kind: EntryKind) -> bool {
        self.0[kind as usize]
    }
}

impl TryFrom<String> for Streams {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// `stderr`, or several: `stdout,system`.
impl FromStr for Streams {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut streams = [false; 3];
        for name in text.split(',') {
            let kinds = [EntryKind::Stdout, EntryKind::Stderr, EntryKind::System];
            let kind = kinds.into_iter().find(|kind| kind.as_str() == name);
            let kind =
                kind.ok_or_else(|| format!("{name:?} is no stream: stdout, stderr or system"))?;
            streams[kind as usize] = true;
        }
        Ok(Self(streams))
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct LineFilter {
    /// What it says.
    pub pattern: Option<Pattern>,
    /// Where it was written.
    pub streams: Streams,
    /// At least so serious; lines that tell no level are then left out.
    pub level: Option<Level>,
    /// Written at this time (milliseconds since the epoch) or later.
    pub since: i64,
    /// Written at this time or earlier.
    pub until: i64,
}

impl LineFilter {
    /// Everything.
    pub const ALL: Self = Self {
        pattern: None,
        streams: Streams::ALL,
        level: None,
        since: i64::MIN,
        until: i64::MAX,
    };

    /// Whether every line is wanted.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.pattern.is_none()
            && self.streams == Streams::ALL
            && self.level.is_none()
            && (self.since, self.until) == (i64::MIN, i64::MAX)
    }

    /// Whether entries of these times may be wanted.
    #[must_use]
    pub fn may_be_at(&self, first_ts: i64, last_ts: i64) -> bool {
        last_ts >= self.since && first_ts <= self.until
    }

    /// Whether some of these unpacked entries may be wanted.
    #[must_use]
    pub fn may_hold(&self, unpacked: &[u8]) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.may_fit(unpacked))
    }

    /// Whether a line is wanted.
    #[must_use]
    pub fn fits(&self, entry: &RawEntry<'_>) -> bool {
        self.streams.has(entry.kind)
            && (self.since..=self.until).contains(&entry.ts)
            && self.level.is_none_or(|least| entry.level().is_some_and(|level| level >= least))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.fits(entry.line))
    }
}

#[cfg(test)]
mod tests {
    use super::super::carry::Begin;
    use super::*;

    fn entry(kind: EntryKind, ts: i64, line: &str) -> RawEntry<'_> {
        let (line, begin) = (line.as_bytes(), Begin::default());
        RawEntry { idx: 0, ts, kind, line, continued: false, begin }
    }

    #[test]
    fn all_conditions_have_to_hold() {
        let filter = LineFilter {
            pattern: Some(Pattern::new("disk", false).unwrap()),
            streams: "stderr,system".parse().unwrap(),
            level: Some(Level::Warn),
            since: 10,
            until: 20,
        };
        let fits = |kind, ts, line| filter.fits(&entry(kind, ts, line));
        assert!(fits(EntryKind::Stderr, 10, "ERROR disk full"));
        assert!(fits(EntryKind::System, 20, "WARN Disk nearly full"));
        assert!(!fits(EntryKind::Stdout, 10, "ERROR disk full"));
        assert!(!fits(EntryKind::Stderr, 9, "ERROR disk full"));
        assert!(!fits(EntryKind::Stderr, 21, "ERROR disk full"));
        assert!(!fits(EntryKind::Stderr, 10, "INFO disk mounted"));
        assert!(!fits(EntryKind::Stderr, 10, "disk"));
        assert!(!fits(EntryKind::Stderr, 10, "ERROR memory full"));
        assert!(!filter.is_all() && LineFilter::ALL.is_all());
    }

    #[test]
    fn a_trace_goes_with_its_error() {
        let filter = LineFilter { level: Some(Level::Error), ..LineFilter::ALL };
        let trace = entry(EntryKind::Stdout, 0, "    at main (a.js:1)");
        let under = |under| RawEntry { begin: Begin { under, ..Begin::default() }, ..trace };
        assert!(!filter.fits(&trace) && !filter.fits(&under(Some(Level::Info))));
        assert!(filter.fits(&under(Some(Level::Error))));
    }

    #[test]
    fn a_stream_that_is_none_is_refused() {
        let error = "stdout,out".parse::<Streams>().unwrap_err();
        assert!(error.contains("\"out\" is no stream"), "{error}");
    }
}
