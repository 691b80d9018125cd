//! Pages of the history: put to an end of the window, whose far end gives way, or in its place.

use std::sync::Arc;

use super::{Feed, MAX_ROWS, MAX_WINDOW, PAGE, Wanted};
use crate::live::row::Row;
use crate::model::Entry;

impl Feed {
    /// Takes a page that was wanted, or not any more.
    pub(crate) fn take_page(&mut self, wanted: Wanted, entries: Vec<Entry>) {
        let is_whole = entries.len() < PAGE;
        match wanted {
            Wanted::Before(before) => {
                let first = entries.first().map(|entry| entry.idx);
                let from = first.filter(|_| !is_whole).unwrap_or(0);
                let rows = rows_of(entries);
                if !self.is_held && before == self.ring_from {
                    self.ring_from = from;
                    for row in rows.rev() {
                        if self.ring.len() == MAX_ROWS {
                            self.ring_from = row.last() + 1;
                            break;
                        }
                        self.ring.push_front(row);
                    }
                    self.is_stale = true;
                } else if self.is_held && before == self.window_from {
                    for row in rows.rev() {
                        self.window.push_front(row);
                    }
                    self.window_from = from;
                    while self.window.len() > MAX_WINDOW
                        && let Some(gone) = self.window.pop_back()
                    {
                        self.window_next = gone.key();
                    }
                }
                return;
            }
            Wanted::After(after) if self.is_held && after == self.window_next - 1 => {
                let last = entries.last().map_or(after, |entry| entry.idx);
                // All that there was: the ring has the rest.
                self.window_next = if is_whole { self.ring_from.max(last + 1) } else { last + 1 };
                self.window.extend(rows_of(entries));
                while self.window.len() > MAX_WINDOW
                    && let Some(gone) = self.window.pop_front()
                {
                    self.window_from = gone.last() + 1;
                }
            }
            Wanted::After(_) => return,
        }
        self.join();
    }

    /// Puts the ring to the end of a held window that has come to it.
    pub(super) fn join(&mut self) {
        if self.window_next >= self.ring_from && self.window_next < self.next {
            let from = self.window_next;
            self.window.extend(self.ring.iter().filter(|row| row.key() >= from).cloned());
            self.window_next = self.next;
        }
    }

    /// Shows a part of the history, and holds it: a page before some index, and one from it on.
    pub(crate) fn jump(&mut self, before: Vec<Entry>, from: Vec<Entry>) {
        let is_first = before.len() < PAGE;
        let is_last = from.len() < PAGE;
        let mut entries = before;
        entries.extend(from);
        let (first, last) = (entries.first().map(|e| e.idx), entries.last().map(|e| e.idx));
        self.window = rows_of(entries).collect();
        self.window_from = first.filter(|_| !is_first).unwrap_or(0);
        let next = last.map_or(0, |last| last + 1);
        self.window_next = if is_last { self.ring_from.max(next) } else { next };
        self.is_held = true;
        self.join();
    }
}

/// The rows of a page of the history.
pub(super) fn rows_of(entries: Vec<Entry>) -> impl DoubleEndedIterator<Item = Arc<Row>> {
    entries.into_iter().map(|entry| Arc::new(Row::Line(entry.into())))
}
