//! Pages of the history: put to an end of the window, whose far end gives way, or in its place.
//!
//! A colour that is on and a stack trace go on from one page into the next, whichever of them came
//! first.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Feed, MAX_ROWS, MAX_WINDOW, PAGE, Wanted};
use crate::live::row::{Liner, Row};
use crate::model::Entry;
use crate::text::ansi::Style;

impl Feed {
    /// Takes a page that was wanted, or not any more.
    pub(crate) fn take_page(&mut self, wanted: Wanted, entries: Vec<Entry>) {
        let is_whole = entries.len() < PAGE;
        match wanted {
            Wanted::Before(before) => {
                let first = entries.first().map(|entry| entry.idx);
                let from = first.filter(|_| !is_whole).unwrap_or(0);
                let mut liner = Liner::default();
                let rows = rows_of(entries, &mut liner);
                if !self.is_held && before == self.ring_from {
                    self.ring_from = from;
                    go_on(&mut self.ring, 0, liner, &mut self.liner);
                    for row in rows.into_iter().rev() {
                        if self.ring.len() == MAX_ROWS {
                            self.ring_from = row.last() + 1;
                            break;
                        }
                        self.ring.push_front(row);
                    }
                    self.is_stale = true;
                } else if self.is_held && before == self.window_from {
                    go_on(&mut self.window, 0, liner, &mut Liner::default());
                    for row in rows.into_iter().rev() {
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
                let mut liner = Liner::after(self.window.iter().map(|row| &**row));
                self.window.extend(rows_of(entries, &mut liner));
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
            let place = self.ring.partition_point(|row| row.key() < from);
            let liner = Liner::after(self.window.iter().map(|row| &**row));
            go_on(&mut self.ring, place, liner, &mut self.liner);
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
        self.window = rows_of(entries, &mut Liner::default()).into();
        self.window_from = first.filter(|_| !is_first).unwrap_or(0);
        let next = last.map_or(0, |last| last + 1);
        self.window_next = if is_last { self.ring_from.max(next) } else { next };
        self.is_held = true;
        self.join();
    }
}

/// The rows of a page of the history, which goes on with what is in force.
pub(super) fn rows_of(entries: Vec<Entry>, liner: &mut Liner) -> Vec<Arc<Row>> {
    entries.into_iter().map(|entry| Arc::new(Row::Line(liner.line(entry)))).collect()
}

/// Makes the rows from a place on go on with what is in force before them, stream by stream, until it
/// makes no difference any more; what it makes at their end goes into `end`. Rows that go on with
/// something already came when it was known.
fn go_on(rows: &mut VecDeque<Arc<Row>>, place: usize, mut liner: Liner, end: &mut Liner) {
    let (mut is_open, mut is_new) = ([true; 3], [true; 3]);
    for row in rows.iter_mut().skip(place) {
        // What was passed over may have changed anything.
        let Row::Line(line) = &**row else { return };
        let kind = line.entry.kind as usize;
        let is_first = std::mem::take(&mut is_new[kind]);
        if !is_open[kind] {
            continue;
        }
        let fresh = Row::Line(liner.line(line.entry.clone()));
        let is_known = is_first && (line.style != Style::default() || line.is_continuation);
        if is_known || fresh.look() == row.look() {
            is_open[kind] = false;
            if is_open == [false; 3] {
                return;
            }
        } else {
            *row = Arc::new(fresh);
        }
    }
    end.take(&liner, is_open);
}
