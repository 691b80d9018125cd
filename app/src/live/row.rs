//! What a log consists of on screen: lines with what is known of them, and gaps.

use super::needle::Needle;
use crate::model::{Entry, EntryKind, Level};
use crate::text::ansi::plain_text;

/// A line of the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// As it was written.
    pub(crate) entry: Entry,
    /// How serious it is, as far as its words tell.
    pub(crate) level: Option<Level>,
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        Self { level: entry.level(), entry }
    }
}

impl Line {
    /// The text as it is seen: without colours.
    pub(crate) fn plain_text(&self) -> String {
        plain_text(&self.entry.line)
    }
}

/// One row of the viewer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// A line.
    Line(Line),
    /// Lines that were passed over, both ends included.
    Gap {
        /// First index passed over.
        from: i64,
        /// Last index passed over.
        to: i64,
    },
}

impl Row {
    /// The index of the line, or of the first one passed over: unique and rising.
    pub(crate) fn key(&self) -> i64 {
        match self {
            Self::Line(line) => line.entry.idx,
            Self::Gap { from, .. } => *from,
        }
    }

    /// The last index that the row stands for.
    pub(crate) fn last(&self) -> i64 {
        match self {
            Self::Line(line) => line.entry.idx,
            Self::Gap { to, .. } => *to,
        }
    }
}

/// Which lines are on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineFilter {
    /// By the number of the kind.
    pub(crate) streams: [bool; 3],
    /// At least so serious.
    pub(crate) level: Option<Level>,
    /// Only lines that have it.
    pub(crate) needle: Needle,
}

impl Default for LineFilter {
    fn default() -> Self {
        Self { streams: [true; 3], level: None, needle: Needle::default() }
    }
}

impl LineFilter {
    /// Whether the line is wanted.
    pub(crate) fn fits(&self, line: &Line) -> bool {
        self.streams[line.entry.kind as usize]
            && self.level.is_none_or(|least| line.level >= Some(least))
            && self.needle.fits(|| line.plain_text())
    }

    /// The same for the server, as the end of a query.
    pub(crate) fn query(&self) -> String {
        let needle = if self.needle.is_empty() { String::new() } else { self.needle.query() };
        self.query_without_needle() + &needle
    }

    /// The same for a query that looks for something.
    pub(crate) fn query_without_needle(&self) -> String {
        let mut query = String::new();
        if self.streams != [true; 3] {
            let kinds = [EntryKind::Stdout, EntryKind::Stderr, EntryKind::System];
            let names: Vec<_> = kinds
                .into_iter()
                .filter(|kind| self.streams[*kind as usize])
                .map(EntryKind::as_str)
                .collect();
            query.push_str("&stream=");
            query.push_str(&names.join(","));
        }
        if let Some(level) = self.level {
            query.push_str("&level=");
            query.push_str(level.as_str());
        }
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::sample_entry;

    #[test]
    fn a_line_has_the_level_of_what_it_goes_on_with() {
        let mut entry = sample_entry(0, EntryKind::Stderr, "  at warn: x");
        assert_eq!(Line::from(entry.clone()).level, Some(Level::Warn));
        entry.under = Some(Level::Error);
        assert_eq!(Line::from(entry).level, Some(Level::Error));
    }

    #[test]
    fn a_filter_is_a_query() {
        assert_eq!(LineFilter::default().query(), "");
        let (streams, level) = ([true, false, true], Some(Level::Warn));
        let filter = LineFilter { streams, level, ..LineFilter::default() };
        assert_eq!(filter.query(), "&stream=stdout,system&level=warn");
        let fits = |line| filter.fits(&sample_entry(0, EntryKind::Stdout, line).into());
        assert!(fits("ERROR a") && fits("WARN a") && !fits("INFO a") && !fits("a"));
    }
}
