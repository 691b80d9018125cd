//! Folds the changes of a transaction into the fewest writes.
//!
//! Only the end of a transaction is ever seen, so what a later change overwrites need not be
//! written: a process that starts, runs and ends within one group commit is one row, not three. And
//! what is left is sorted by table, so that a database takes each table's rows in one statement.

use std::collections::{BTreeMap, HashMap};

use app::model::{Process, ProcessId};

use super::{AuditRecord, Change, Chunk, Cursor, StoreError};

/// A process as it stands at the end of the transaction.
#[derive(Debug)]
pub(super) struct PlannedProcess<'a> {
    /// The last that is known of it.
    pub(super) process: &'a Process,
    /// How to run it; `None` when that stays as it is stored.
    pub(super) spec: Option<&'a str>,
    /// The next index for a row that does not exist yet: that of the first of its records, for the
    /// chunks of this transaction count from there.
    pub(super) next_idx: i64,
}

/// How far the chunks of the transaction move a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Growth<'a> {
    /// Whose log.
    pub(super) process: &'a str,
    /// The index that must be the log's next one.
    pub(super) from: i64,
    /// The next index afterwards.
    pub(super) to: i64,
}

/// Something to remember, or to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(super) struct Kept<'a> {
    /// Its name.
    pub(super) key: &'a str,
    /// `None` forgets it.
    pub(super) value: Option<&'a str>,
}

/// What a transaction writes, by table.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    /// One for each process that is put.
    pub(super) processes: Vec<PlannedProcess<'a>>,
    /// One for each log that grows.
    pub(super) growth: Vec<Growth<'a>>,
    /// Without holes within each log.
    pub(super) chunks: Vec<(&'a ProcessId, &'a Chunk)>,
    /// One for each run.
    pub(super) cursors: Vec<&'a Cursor>,
    /// Runs whose cursor goes.
    pub(super) dropped_cursors: Vec<&'a str>,
    /// In the order they were made.
    pub(super) audit: Vec<&'a AuditRecord>,
    /// One for each key.
    pub(super) kept: Vec<Kept<'a>>,
}

impl<'a> Plan<'a> {
    /// Folds `changes`.
    ///
    /// # Errors
    /// [`StoreError::Gap`] when the chunks of a log do not follow each other, and
    /// [`StoreError::Failed`] for a chunk that ends before it begins.
    pub(super) fn new(changes: &'a [Change]) -> Result<Self, StoreError> {
        let mut plan = Self::default();
        let mut processes = HashMap::new();
        let mut logs = HashMap::new();
        let mut cursors: BTreeMap<&str, Option<&Cursor>> = BTreeMap::new();
        let mut kept = BTreeMap::new();
        for change in changes {
            match change {
                Change::PutProcess(record) => {
                    plan.put_process(&record.process, Some(&record.spec), &mut processes);
                }
                Change::UpdateProcess(process) => plan.put_process(process, None, &mut processes),
                Change::AppendChunk { process, chunk, cursor } => {
                    plan.append_chunk(process, chunk, &mut logs)?;
                    if let Some(cursor) = cursor {
                        cursors.insert(&cursor.run, Some(cursor));
                    }
                }
                Change::PutCursor(cursor) => {
                    cursors.insert(&cursor.run, Some(cursor));
                }
                Change::DropCursor(run) => {
                    cursors.insert(run, None);
                }
                Change::Audit(record) => plan.audit.push(record),
                Change::Keep { key, value } => {
                    kept.insert(key.as_str(), value.as_deref());
                }
            }
        }
        for (run, cursor) in cursors {
            match cursor {
                Some(cursor) => plan.cursors.push(cursor),
                None => plan.dropped_cursors.push(run),
            }
        }
        plan.kept = kept.into_iter().map(|(key, value)| Kept { key, value }).collect();
        Ok(plan)
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.processes.is_empty()
            && self.chunks.is_empty()
            && self.cursors.is_empty()
            && self.dropped_cursors.is_empty()
            && self.audit.is_empty()
            && self.kept.is_empty()
    }

    fn put_process(
        &mut self,
        process: &'a Process,
        spec: Option<&'a str>,
        places: &mut HashMap<&'a ProcessId, usize>,
    ) {
        match places.get(&process.id).and_then(|place| self.processes.get_mut(*place)) {
            Some(planned) => {
                planned.process = process;
                planned.spec = spec.or(planned.spec);
            }
            None => {
                places.insert(&process.id, self.processes.len());
                self.processes.push(PlannedProcess { process, spec, next_idx: process.next_idx });
            }
        }
    }

    fn append_chunk(
        &mut self,
        process: &'a ProcessId,
        chunk: &'a Chunk,
        places: &mut HashMap<&'a ProcessId, usize>,
    ) -> Result<(), StoreError> {
        if chunk.last_idx < chunk.first_idx {
            return Err(StoreError::Failed(format!(
                "log of {process}: a chunk ends at {} and begins at {}",
                chunk.last_idx, chunk.first_idx
            )));
        }
        let to = chunk.last_idx.saturating_add(1);
        match places.get(process).and_then(|place| self.growth.get_mut(*place)) {
            Some(growth) if growth.to == chunk.first_idx => growth.to = to,
            Some(growth) => {
                return Err(StoreError::Gap {
                    process: process.clone(),
                    expected: growth.to,
                    got: chunk.first_idx,
                });
            }
            None => {
                places.insert(process, self.growth.len());
                self.growth.push(Growth { process: process.as_str(), from: chunk.first_idx, to });
            }
        }
        self.chunks.push((process, chunk));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::samples::{chunk, cursor, id, record};
    use super::*;

    #[test]
    fn the_last_record_of_a_process_wins_and_the_first_says_where_its_log_begins() {
        let mut ended = record("p");
        ended.process.reason = "exit 0".into();
        ended.process.next_idx = 3;
        let changes = [
            Change::PutProcess(Box::new(record("p"))),
            Change::AppendChunk { process: id("p"), chunk: chunk(0, 2, 1), cursor: None },
            Change::UpdateProcess(Box::new(ended.process.clone())),
        ];
        let plan = Plan::new(&changes).unwrap();
        assert_eq!(plan.processes.len(), 1);
        assert_eq!(plan.processes[0].process, &ended.process);
        assert_eq!(plan.processes[0].spec, Some(ended.spec.as_str()));
        assert_eq!(plan.processes[0].next_idx, 0);
        assert_eq!(plan.growth, [Growth { process: "p", from: 0, to: 3 }]);
    }

    #[test]
    fn the_chunks_of_a_log_are_one_growth() {
        let changes = [
            Change::AppendChunk { process: id("p"), chunk: chunk(4, 5, 1), cursor: None },
            Change::AppendChunk { process: id("q"), chunk: chunk(0, 0, 1), cursor: None },
            Change::AppendChunk { process: id("p"), chunk: chunk(6, 9, 1), cursor: None },
        ];
        let plan = Plan::new(&changes).unwrap();
        assert_eq!(
            plan.growth,
            [Growth { process: "p", from: 4, to: 10 }, Growth { process: "q", from: 0, to: 1 }]
        );
        assert_eq!(plan.chunks.len(), 3);
    }

    #[test]
    fn a_gap_between_chunks_is_refused() {
        let changes = [
            Change::AppendChunk { process: id("p"), chunk: chunk(0, 1, 1), cursor: None },
            Change::AppendChunk { process: id("p"), chunk: chunk(3, 4, 1), cursor: None },
        ];
        let error = Plan::new(&changes).unwrap_err();
        assert!(matches!(error, StoreError::Gap { expected: 2, got: 3, .. }), "{error}");
    }

    #[test]
    fn the_last_word_on_a_cursor_counts() {
        let changes = [
            Change::PutCursor(cursor("a.1", 1)),
            Change::DropCursor("a.1".into()),
            Change::DropCursor("b.1".into()),
            Change::PutCursor(cursor("b.1", 2)),
            Change::PutCursor(cursor("b.1", 3)),
        ];
        let plan = Plan::new(&changes).unwrap();
        assert_eq!(plan.dropped_cursors, ["a.1"]);
        assert_eq!(plan.cursors, [&cursor("b.1", 3)]);
    }
}
