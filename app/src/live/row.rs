//! What a log consists of on screen: lines with what is known of them, and gaps.

use super::needle::Needle;
use crate::model::{Entry, EntryKind, Level, Levels};
use crate::text::ansi::{Style, plain_text, style_after};

/// A line of the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// As it was written.
    pub(crate) entry: Entry,
    /// The style that it begins in.
    pub(crate) style: Style,
    /// How serious it is, as far as its words tell.
    pub(crate) level: Option<Level>,
    /// It goes on with what the line before it said, as a stack trace does.
    pub(crate) is_continuation: bool,
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

    /// What it looks like besides its text: other than before once the lines before it are known.
    pub(crate) fn look(&self) -> Option<(Style, Option<Level>, bool)> {
        match self {
            Self::Line(line) => Some((line.style, line.level, line.is_continuation)),
            Self::Gap { .. } => None,
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

/// Makes lines of entries, one after the other: colours and levels reach from one into the next.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Liner {
    /// In force at the end of each stream.
    styles: [Style; 3],
    levels: Levels,
}

impl Liner {
    /// As it is after these rows: what the last line of each stream leaves in force.
    pub(crate) fn after<'a>(rows: impl DoubleEndedIterator<Item = &'a Row>) -> Self {
        let mut liner = Self::default();
        let mut is_known = [false; 3];
        for row in rows.rev() {
            // What was passed over may have changed anything.
            let Row::Line(line) = row else { break };
            if !std::mem::replace(&mut is_known[line.entry.kind as usize], true) {
                liner.follow(line);
            }
            if is_known == [true; 3] {
                break;
            }
        }
        liner
    }

    /// Goes on as another one does, in some of the streams.
    pub(crate) fn take(&mut self, other: &Self, which: [bool; 3]) {
        for kind in [EntryKind::Stdout, EntryKind::Stderr, EntryKind::System] {
            if which[kind as usize] {
                self.styles[kind as usize] = other.styles[kind as usize];
                self.levels.take(&other.levels, kind);
            }
        }
    }

    /// Goes on after a line as it is.
    pub(crate) fn follow(&mut self, line: &Line) {
        let kind = line.entry.kind;
        self.styles[kind as usize] = style_after(&line.entry.line, line.style);
        self.levels.resume(kind, line.level);
    }

    /// The next line.
    pub(crate) fn line(&mut self, entry: Entry) -> Line {
        let style = &mut self.styles[entry.kind as usize];
        let start = *style;
        *style = style_after(&entry.line, start);
        let (level, is_continuation) = self.levels.next(entry.kind, entry.line.as_bytes());
        Line { entry, style: start, level, is_continuation }
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
    use crate::text::ansi::Color;

    fn entry(kind: EntryKind, line: &str) -> Entry {
        Entry { idx: 0, ts: 0, kind, line: line.to_owned(), continued: false }
    }

    #[test]
    fn colours_and_levels_go_on_in_their_own_stream() {
        let mut liner = Liner::default();
        let first = liner.line(entry(EntryKind::Stdout, "\x1b[31mError: no"));
        assert_eq!((first.level, first.style), (Some(Level::Error), Style::default()));
        let other = liner.line(entry(EntryKind::Stderr, "    plain"));
        assert_eq!((other.level, other.style), (None, Style::default()));
        let trace = liner.line(entry(EntryKind::Stdout, "    at main"));
        assert_eq!((trace.level, trace.is_continuation), (Some(Level::Error), true));
        assert_eq!(trace.style.fg, Some(Color::Palette(1)));
    }

    #[test]
    fn a_filter_is_a_query() {
        assert_eq!(LineFilter::default().query(), "");
        let (streams, level) = ([true, false, true], Some(Level::Warn));
        let filter = LineFilter { streams, level, ..LineFilter::default() };
        assert_eq!(filter.query(), "&stream=stdout,system&level=warn");
        let fits = |line| filter.fits(&Liner::default().line(entry(EntryKind::Stdout, line)));
        assert!(fits("ERROR a") && fits("WARN a") && !fits("INFO a") && !fits("a"));
    }
}
