//! The log of the process on screen: the newest 1,000 rows, in order, each once.
//!
//! Entries come from the page's first HTML and then from the WebSocket, which after a reconnect may
//! send some again. Indexes decide: what is not above the last one is passed over, and a hole that
//! no `gap` explained is asked for again.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::{Entry, EntryKind};
use crate::text::ansi::{Style, style_after};

/// How many rows are kept.
pub(crate) const MAX_ROWS: usize = 1_000;

/// One row of the viewer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// A line of the log, and the style it begins in.
    Line(Entry, Style),
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
            Self::Line(entry, _) => entry.idx,
            Self::Gap { from, .. } => *from,
        }
    }
}

/// What came of new entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// All of them were known.
    Nothing,
    /// The feed grew.
    Added,
    /// Entries are missing: ask again for what is above the last one.
    Hole,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    rows: VecDeque<Arc<Row>>,
    /// What is on screen: the rows as of the last [`Feed::refresh`]. A reader who scrolled up keeps
    /// it while the feed goes on, so that a burst does not take it away.
    shown: VecDeque<Arc<Row>>,
    is_held: bool,
    /// The index after the last: how far the feed has come.
    next: i64,
    /// The same, of what is on screen.
    shown_next: i64,
    /// A hole was asked for and not filled yet.
    asked: bool,
    /// In force at the end of each stream.
    styles: [Style; 3],
}

impl Feed {
    /// A feed that begins with these entries, on screen.
    pub(crate) fn new(entries: Vec<Entry>) -> Self {
        let next = entries.first().map_or(0, |entry| entry.idx);
        let mut feed = Self { next, ..Self::default() };
        feed.push(entries);
        feed.refresh();
        feed
    }

    /// The last index there is; -1 before the first.
    pub(crate) fn last(&self) -> i64 {
        self.next - 1
    }

    /// Takes the entries that are new.
    pub(crate) fn push(&mut self, entries: Vec<Entry>) -> Pushed {
        let before = self.next;
        for entry in entries {
            if entry.idx < self.next {
                continue;
            }
            if entry.idx > self.next {
                if !self.asked {
                    self.asked = true;
                    return Pushed::Hole;
                }
                // Asked once and not given: say so rather than wait for ever.
                self.skip_to(entry.idx - 1);
            }
            let style = &mut self.styles[stream_of(entry.kind)];
            let start = *style;
            *style = style_after(&entry.line, start);
            self.next = entry.idx + 1;
            self.keep(Row::Line(entry, start));
        }
        if self.next == before {
            return Pushed::Nothing;
        }
        self.asked = false;
        Pushed::Added
    }

    /// Marks the entries up to `to` as passed over.
    pub(crate) fn skip_to(&mut self, to: i64) {
        if to >= self.next {
            let from = self.next;
            self.next = to + 1;
            // A colour that was on may have been put off in between.
            self.styles = [Style::default(); 3];
            self.keep(Row::Gap { from, to });
        }
    }

    fn keep(&mut self, row: Row) {
        if self.rows.len() == MAX_ROWS {
            self.rows.pop_front();
        }
        self.rows.push_back(Arc::new(row));
    }

    /// Brings what is on screen up to date, unless it is held.
    pub(crate) fn refresh(&mut self) {
        if !self.is_held && self.shown_next != self.next {
            self.shown.clone_from(&self.rows);
            self.shown_next = self.next;
        }
    }

    /// Holds what is on screen still while the feed goes on, or lets go of it.
    pub(crate) fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// Whether what is on screen is held still.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    /// How many entries wait to come on screen.
    pub(crate) fn waiting(&self) -> i64 {
        self.next - self.shown_next
    }

    /// How many rows are on screen or can be scrolled to.
    pub(crate) fn len(&self) -> usize {
        self.shown.len()
    }

    /// How many entries of the log are before the first of these rows.
    pub(crate) fn earlier(&self) -> i64 {
        self.shown.front().map_or(0, |row| row.key())
    }

    /// The rows at these places; what is outside is left out.
    pub(crate) fn slice(&self, first: usize, count: usize) -> Vec<Arc<Row>> {
        self.shown.iter().skip(first).take(count).cloned().collect()
    }
}

fn stream_of(kind: EntryKind) -> usize {
    match kind {
        EntryKind::Stdout => 0,
        EntryKind::Stderr => 1,
        EntryKind::System => 2,
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
