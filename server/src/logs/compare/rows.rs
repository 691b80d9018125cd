//! The rows of two logs side by side: lines that are alike are counted, but for those around a difference.

use std::collections::VecDeque;

/// So many lines that are alike are shown before a difference and behind it.
const CONTEXT: usize = 3;

/// A row of two logs side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// So many lines say the same in both.
    Alike(i64),
    /// Two lines that belong together, or one that has no other: their indexes.
    Lines {
        /// In the left log.
        left: Option<i64>,
        /// In the right one.
        right: Option<i64>,
        /// Both say the same, but for times and numbers.
        is_same: bool,
    },
}

impl Row {
    /// The line of the left log.
    #[must_use]
    pub fn left(&self) -> Option<i64> {
        match self {
            Self::Alike(_) => None,
            Self::Lines { left, .. } => *left,
        }
    }

    /// The line of the right log.
    #[must_use]
    pub fn right(&self) -> Option<i64> {
        match self {
            Self::Alike(_) => None,
            Self::Lines { right, .. } => *right,
        }
    }
}

/// Rows, as they are found.
#[derive(Debug)]
pub(super) struct Rows {
    rows: Vec<Row>,
    room: usize,
    /// So many alike ones are to be shown yet: what was before them was different.
    behind: usize,
    /// So many are not shown.
    hidden: i64,
    /// The last alike ones, which are shown if what follows is different.
    before: VecDeque<Row>,
}

impl Rows {
    /// Room for so many that are shown.
    pub(super) fn new(room: usize) -> Self {
        Self { rows: vec![], room, behind: 0, hidden: 0, before: VecDeque::new() }
    }

    /// Whether no more can be shown.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= self.room
    }

    pub(super) fn add(&mut self, left: Option<i64>, right: Option<i64>, is_same: bool) {
        let row = Row::Lines { left, right, is_same };
        if !is_same {
            self.show_hidden();
            self.rows.append(&mut std::mem::take(&mut self.before).into());
            self.rows.push(row);
            self.behind = CONTEXT;
        } else if self.behind > 0 {
            self.behind -= 1;
            self.rows.push(row);
        } else {
            self.before.push_back(row);
            // One more than what is shown: a single line is not worth hiding.
            if self.before.len() > CONTEXT + 1 {
                self.before.pop_front();
                self.hidden += 1;
            }
        }
    }

    fn show_hidden(&mut self) {
        if self.hidden > 0 && self.before.pop_front().is_some() {
            self.rows.push(Row::Alike(self.hidden + 1));
            self.hidden = 0;
        }
    }

    /// The rows. Behind the last difference, what is alike is no context of anything.
    pub(super) fn end(mut self) -> Vec<Row> {
        let alike = self.hidden + i64::try_from(self.before.len()).unwrap_or(i64::MAX);
        if alike > 1 {
            self.rows.push(Row::Alike(alike));
        } else {
            self.rows.extend(self.before);
        }
        self.rows
    }
}
