//! Puts the lines of two logs side by side: what says the same, but for times and numbers, belongs
//! together.

use std::time::{Duration, Instant};

use app::model::Entry;
use app::report::CompareRow;
use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// After so long the rest is put side by side less exactly.
const PATIENCE: Duration = Duration::from_secs(1);

/// The rows of both, in the order of both.
#[must_use]
pub fn align(left: Vec<Entry>, right: Vec<Entry>) -> Vec<CompareRow> {
    let key = |entries: &[Entry]| entries.iter().map(|e| said_by(&e.line)).collect::<Vec<_>>();
    let (left_keys, right_keys) = (key(&left), key(&right));
    let deadline = Some(Instant::now() + PATIENCE);
    let steps =
        capture_diff_slices_deadline(Algorithm::Patience, &left_keys, &right_keys, deadline);
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let mut rows = Vec::new();
    for step in steps {
        // Every step takes from both where the one before ended.
        let (lefts, rights, is_same) = match step {
            DiffOp::Equal { len, .. } => (len, len, true),
            DiffOp::Delete { old_len, .. } => (old_len, 0, false),
            DiffOp::Insert { new_len, .. } => (0, new_len, false),
            DiffOp::Replace { old_len, new_len, .. } => (old_len, new_len, false),
        };
        for at in 0..lefts.max(rights) {
            let left = (at < lefts).then(|| left.next()).flatten();
            let right = (at < rights).then(|| right.next()).flatten();
            rows.push(CompareRow { left, right, is_same });
        }
    }
    rows
}

/// What a line says: without colours, and with a mark for every word that has a digit.
fn said_by(line: &str) -> String {
    let line = anstream::adapter::strip_str(line).to_string();
    let mut said = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some(first) = rest.chars().next() {
        let is_word = first.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != is_word).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        let has_digit = part.bytes().any(|byte| byte.is_ascii_digit());
        said.push_str(if has_digit { "#" } else { part });
        rest = after;
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::model::EntryKind;

    fn entries(lines: &[&str]) -> Vec<Entry> {
        let entry = |(idx, line): (i64, &&str)| Entry {
            idx,
            ts: idx,
            kind: EntryKind::Stdout,
            line: (*line).to_owned(),
            continued: false,
        };
        (0..).zip(lines).map(entry).collect()
    }

    fn aligned(left: &[&str], right: &[&str]) -> Vec<(Option<i64>, Option<i64>, bool)> {
        let rows = align(entries(left), entries(right));
        let idx = |entry: Option<Entry>| entry.map(|entry| entry.idx);
        rows.into_iter().map(|row| (idx(row.left), idx(row.right), row.is_same)).collect()
    }

    #[test]
    fn times_numbers_and_colours_are_no_difference() {
        let left = ["12:00:01 GET /a in 3ms", "\x1b[32mdone\x1b[0m", "id 7f3a9c"];
        let right = ["09:14:55 GET /a in 41ms", "done", "id 00b1e2"];
        assert!(aligned(&left, &right).iter().all(|row| row.2));
        assert_ne!(said_by("GET /a"), said_by("GET /b"));
        assert_ne!(said_by("a b"), said_by("ab "));
    }

    #[test]
    fn a_line_that_one_run_lacks_stands_alone() {
        let rows = aligned(&["start", "connect", "end"], &["start", "end"]);
        assert_eq!(
            rows,
            [(Some(0), Some(0), true), (Some(1), None, false), (Some(2), Some(1), true)]
        );
    }

    #[test]
    fn what_took_another_turn_stands_side_by_side() {
        let rows = aligned(&["start", "error: no"], &["start", "ready", "serving"]);
        assert_eq!(
            rows,
            [(Some(0), Some(0), true), (Some(1), Some(1), false), (None, Some(2), false)]
        );
        assert!(aligned(&[], &[]).is_empty());
    }
}
