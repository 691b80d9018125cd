//! The log of the process on screen: the newest rows in order, each once, and a window of the
//! history behind them.
//!
//! # Theory of operation
//!
//! The *ring* holds the newest 1,000 rows that the filter lets through. Entries come from the page's
//! first HTML and then from the WebSocket, which after a reconnect may send some again. Indexes
//! decide: what is not above the last one is passed over, and a hole that no `gap` explained is
//! asked for again.
//!
//! The *window* is what is on screen. While the reader follows, it is the ring. When the reader
//! scrolls up it is *held*: it stays while the ring goes on, and pages of older and newer rows are
//! put to its ends, the far end being dropped, so that a million lines take no more memory than a
//! few thousand. When its end comes to where the ring begins, the two join, and following goes on.

mod pages;

use std::collections::VecDeque;
use std::sync::Arc;

use super::row::{Line, LineFilter, Row};
use crate::model::Entry;
use pages::rows_of;

/// How many rows are kept of the newest.
pub(crate) const MAX_ROWS: usize = 1_000;
/// How many rows are kept of the history.
const MAX_WINDOW: usize = 2_500;
/// How many entries a page of the history has.
pub(crate) const PAGE: usize = 500;

/// So many new rows are no loss to one who comes back to the end.
const FEW: i64 = 50;

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

/// A page of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The entries before this index.
    Before(i64),
    /// The entries after this index.
    After(i64),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    ring: VecDeque<Arc<Row>>,
    /// Every wanted entry from this index on is in the ring.
    ring_from: i64,
    /// The index after the last: how far the feed has come.
    next: i64,
    window: VecDeque<Arc<Row>>,
    /// Every wanted entry from this index up to `window_next` is in the window.
    window_from: i64,
    window_next: i64,
    is_held: bool,
    /// The window is not what it should be: the next refresh makes it so.
    is_stale: bool,
    /// A hole was asked for and not filled yet.
    asked: bool,
    filter: LineFilter,
}

impl Feed {
    /// A feed that begins with these entries, on screen. `next_idx` is the log's next index: where
    /// the entries end before it, they are a part of the history, and held.
    pub(crate) fn new(entries: Vec<Entry>, next_idx: i64) -> Self {
        let from = entries.first().map_or(next_idx, |entry| entry.idx);
        let mut feed = Self { next: from, ring_from: from, ..Self::default() };
        if entries.last().is_some_and(|entry| entry.idx + 1 < next_idx) {
            (feed.next, feed.ring_from) = (next_idx, next_idx);
            feed.window_from = from;
            feed.window_next = entries.last().map_or(from, |entry| entry.idx + 1);
            feed.window = rows_of(entries).collect();
            feed.is_held = true;
        } else {
            feed.push(entries);
            feed.is_stale = true;
            feed.refresh();
        }
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
            self.next = entry.idx + 1;
            let line = Line::from(entry);
            if self.filter.fits(&line) {
                self.keep(Row::Line(line));
            }
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
            self.keep(Row::Gap { from, to });
        }
    }

    fn keep(&mut self, row: Row) {
        if self.ring.len() == MAX_ROWS
            && let Some(gone) = self.ring.pop_front()
        {
            self.ring_from = gone.last() + 1;
        }
        self.ring.push_back(Arc::new(row));
    }

    /// Brings what is on screen up to date, unless it is held.
    pub(crate) fn refresh(&mut self) {
        if !self.is_held && (self.is_stale || self.window_next != self.next) {
            self.window.clone_from(&self.ring);
            (self.window_from, self.window_next) = (self.ring_from, self.next);
            self.is_stale = false;
        }
    }

    /// Holds what is on screen still while the feed goes on.
    pub(crate) fn hold(&mut self) {
        self.is_held = true;
    }

    /// The end of the window is in sight: lets go, if little is missing up to the newest; if more
    /// is, and the ring has it, it comes on screen first, to be read on.
    pub(crate) fn reach_end(&mut self) {
        if self.window_next < self.ring_from {
            return;
        }
        if self.is_held && self.waiting() > FEW {
            self.join();
        } else {
            self.follow();
        }
    }

    /// Lets go of what is on screen: the newest takes its place.
    pub(crate) fn follow(&mut self) {
        self.is_stale |= self.is_held;
        self.is_held = false;
    }

    /// Whether what is on screen is held still.
    pub(crate) fn is_held(&self) -> bool {
        self.is_held
    }

    /// Shows only what fits from now on. What there was of it has to be asked for.
    pub(crate) fn set_filter(&mut self, filter: LineFilter) {
        *self = Self {
            next: self.next,
            ring_from: self.next,
            window_from: self.next,
            is_stale: true,
            filter,
            ..Self::default()
        };
    }

    /// What is missing at the beginning of the window.
    pub(crate) fn older(&self) -> Option<Wanted> {
        (self.window_from > 0).then_some(Wanted::Before(self.window_from))
    }

    /// What is missing at the end of a window that is held.
    pub(crate) fn newer(&self) -> Option<Wanted> {
        let is_missing = self.is_held && self.window_next < self.ring_from;
        is_missing.then(|| Wanted::After(self.window_next - 1))
    }

    /// Where the row is that holds the entry, or the next one after it.
    pub(crate) fn place_of(&self, idx: i64) -> usize {
        self.window.partition_point(|row| row.last() < idx)
    }

    /// Whether the window covers the entry, shown or not.
    pub(crate) fn covers(&self, idx: i64) -> bool {
        (self.window_from..self.window_next).contains(&idx)
    }

    /// The row at a place.
    pub(crate) fn row(&self, place: usize) -> Option<&Arc<Row>> {
        self.window.get(place)
    }

    /// How many entries wait to come on screen.
    pub(crate) fn waiting(&self) -> i64 {
        self.next - self.window_next
    }

    /// How many rows are on screen or can be scrolled to.
    pub(crate) fn len(&self) -> usize {
        self.window.len()
    }

    /// The rows at these places; what is outside is left out.
    pub(crate) fn slice(&self, first: usize, count: usize) -> Vec<Arc<Row>> {
        self.window.iter().skip(first).take(count).cloned().collect()
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
