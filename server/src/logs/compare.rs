//! Puts two logs of any length side by side: what says the same, but for times and numbers, belongs
//! together.
//!
//! # Theory of operation
//!
//! A line is a number here, a hash of what it says: found on all cores while the log is walked through, and
//! small. As long as both logs say the same they are walked through line by line, and of that only a
//! count is kept. Where they part, some thousands of lines of each are aligned, up to a place where
//! both say the same again, and so on. So the memory does not grow with the logs, and the first
//! difference is found wherever it is.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use anstream::adapter::strip_bytes;
use memchr::memchr;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::chunk::RawEntry;
use super::filter::{LineFilter, Streams};
use super::read::{LogReader, ReadError};
use super::walk::Forward;

mod rows;

pub use rows::Row;
use rows::Rows;

/// Lines of each log that are aligned at a time.
const WINDOW: usize = 20_000;
/// After so long the rest is put side by side less exactly.
const PATIENCE: Duration = Duration::from_secs(1);
const ESCAPE: u8 = 0x1b;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    idx: i64,
    hash: u64,
}

/// One of the two: the lines of a log from one on, up to another.
pub struct Side {
    walk: Forward<Said>,
    last: i64,
    ahead: VecDeque<Said>,
    is_over: bool,
}

impl Side {
    /// What the children wrote from the entry `first` on, up to `last`.
    #[must_use]
    pub fn new(reader: LogReader, first: i64, last: i64) -> Self {
        let filter = LineFilter { streams: Streams::OF_CHILDREN, ..LineFilter::ALL };
        let walk = Forward::new(reader, first, filter, say);
        Self { walk, last, ahead: VecDeque::new(), is_over: false }
    }

    /// Reads on until so many lines are there, or there are no more.
    async fn fill(&mut self, count: usize) -> Result<(), ReadError> {
        while !self.is_over && self.ahead.len() < count {
            match self.walk.next().await? {
                Some(more) => self.ahead.extend(more.iter().filter(|said| said.idx <= self.last)),
                None => self.is_over = true,
            }
            self.is_over |= self.walk.next_idx() > self.last;
        }
        Ok(())
    }

    /// The index of the next line.
    fn next(&self) -> i64 {
        self.ahead.front().map_or(self.walk.next_idx(), |said| said.idx)
    }

    fn take(&mut self, count: usize) -> Vec<i64> {
        self.ahead.drain(..count.min(self.ahead.len())).map(|said| said.idx).collect()
    }
}

/// Some of two logs, side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aligned {
    /// In the order of both.
    pub rows: Vec<Row>,
    /// Where it goes on, in the left log and in the right one; `None` at the end of both.
    pub next: Option<(i64, i64)>,
}

/// The rows of both, until there are so many.
///
/// # Errors
/// When the store fails or holds damaged chunks.
pub async fn align(mut left: Side, mut right: Side, room: usize) -> Result<Aligned, ReadError> {
    let deadline = Instant::now() + PATIENCE;
    let mut rows = Rows::new(room);
    loop {
        pass_alike(&mut left, &mut right, &mut rows).await?;
        left.fill(WINDOW).await?;
        right.fill(WINDOW).await?;
        if left.ahead.is_empty() && right.ahead.is_empty() {
            return Ok(Aligned { rows: rows.end(), next: None });
        }
        let keys = |side: &Side| -> Vec<u64> {
            side.ahead.iter().take(WINDOW).map(|said| said.hash).collect()
        };
        let (left_keys, right_keys) = (keys(&left), keys(&right));
        let is_rest =
            left.is_over && right.is_over && left.ahead.len().max(right.ahead.len()) <= WINDOW;
        let steps = tokio::task::spawn_blocking(move || {
            let patience = Algorithm::Patience;
            let steps =
                capture_diff_slices_deadline(patience, &left_keys, &right_keys, Some(deadline));
            if is_rest { steps } else { sure_steps(steps) }
        });
        for step in steps.await.map_err(|_| ReadError::Interrupted)? {
            let (lefts, rights, is_same) = match step {
                DiffOp::Equal { len, .. } => (len, len, true),
                DiffOp::Delete { old_len, .. } => (old_len, 0, false),
                DiffOp::Insert { new_len, .. } => (0, new_len, false),
                DiffOp::Replace { old_len, new_len, .. } => (old_len, new_len, false),
            };
            // Every step takes from both where the one before ended.
            let (lefts, rights) = (left.take(lefts), right.take(rights));
            for at in 0..lefts.len().max(rights.len()) {
                let (left_idx, right_idx) = (lefts.get(at).copied(), rights.get(at).copied());
                if rows.is_full() {
                    let next = (left_idx.unwrap_or(left.next()), right_idx.unwrap_or(right.next()));
                    return Ok(Aligned { rows: rows.end(), next: Some(next) });
                }
                rows.add(left_idx, right_idx, is_same);
            }
        }
    }
}

/// Goes on as long as both say the same.
async fn pass_alike(left: &mut Side, right: &mut Side, rows: &mut Rows) -> Result<(), ReadError> {
    loop {
        left.fill(1).await?;
        right.fill(1).await?;
        let pairs = left.ahead.iter().zip(&right.ahead);
        let alike = pairs.take_while(|(left, right)| left.hash == right.hash).count();
        if alike == 0 {
            return Ok(());
        }
        for (left_idx, right_idx) in left.take(alike).into_iter().zip(right.take(alike)) {
            rows.add(Some(left_idx), Some(right_idx), true);
        }
    }
}

/// What more lines would not change: up to where both say the same for the last time. Where that is early,
/// they have little in common, and all counts.
fn sure_steps(steps: Vec<DiffOp>) -> Vec<DiffOp> {
    let last_same = steps.iter().rposition(|step| matches!(step, DiffOp::Equal { .. }));
    let lines = |steps: &[DiffOp]| -> usize {
        steps.iter().map(|step| step.old_range().len().max(step.new_range().len())).sum()
    };
    match last_same {
        Some(at)
            if lines(&steps[..at]) >= WINDOW / 2 || lines(&steps[at..at + 1]) >= WINDOW / 2 =>
        {
            steps[..at].to_vec()
        }
        _ => steps,
    }
}

fn say(entry: &RawEntry<'_>) -> Said {
    let mut hasher = DefaultHasher::new();
    said_by(entry.line).hash(&mut hasher);
    Said { idx: entry.idx, hash: hasher.finish() }
}

/// What a line says: without colours, and with a mark for every word that has a digit.
fn said_by(line: &[u8]) -> Vec<u8> {
    let line = match memchr(ESCAPE, line) {
        Some(_) => Cow::Owned(strip_bytes(line).into_vec()),
        None => Cow::Borrowed(line),
    };
    let mut said = Vec::with_capacity(line.len());
    if line.is_ascii() {
        for word in line.chunk_by(|a, b| a.is_ascii_alphanumeric() == b.is_ascii_alphanumeric()) {
            say_word(&mut said, word);
        }
        return said;
    }
    let line = String::from_utf8_lossy(&line);
    let mut rest = &*line;
    while let Some(first) = rest.chars().next() {
        let is_word = first.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != is_word).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        say_word(&mut said, word.as_bytes());
        rest = after;
    }
    said
}

fn say_word(said: &mut Vec<u8>, word: &[u8]) {
    let has_digit = word.iter().any(u8::is_ascii_digit);
    said.extend_from_slice(if has_digit { b"#" } else { word });
}

#[cfg(test)]
mod tests;
