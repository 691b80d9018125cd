//! Writing a plan: one statement, whatever is in it. `write.sql` says what it does.

use app::model::ProcessId;
use serde::Serialize;
use sqlx::SqliteConnection;

use super::error::to_store_error;
use super::row::{CursorRow, NewAttempt, NewAudit, NewChunk, NewProcess};
use super::{Plan, StoreError};
use crate::failpoint;
use crate::store::chain::Link;

/// Run on the writer's connection when it is made.
pub(super) const SET_UP: &str = include_str!("write.sql");

const MAKE_CHANGES: &str = "
    INSERT INTO changes
        (processes, attempts, growth, chunks, bytes, cursors, dropped_cursors, audit, kept)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// What a row of most tables is as JSON, or less.
const ROW_BYTES: usize = 1024;

/// Makes all the changes of a plan, or none. `links` are those of the audit: the one that its lines
/// are to follow, and one for each line.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    plan: &Plan<'_>,
    links: &[Link],
) -> Result<(), StoreError> {
    let processes: Vec<_> = plan.processes.iter().map(NewProcess::new).collect::<Result<_, _>>()?;
    let (chunks, bytes) = chunks_of(plan);
    let cursors: Vec<_> =
        plan.cursors.iter().copied().map(CursorRow::try_from).collect::<Result<_, _>>()?;
    let pairs = links.iter().zip(links.iter().skip(1));
    let audit: Vec<_> = plan
        .audit
        .iter()
        .zip(pairs)
        .map(|(record, (before, link))| NewAudit::new(record, before, link))
        .collect();

    failpoint::reach("before-commit");
    let result = sqlx::query(MAKE_CHANGES)
        .bind(to_json(&processes)?)
        .bind(to_json(&attempts_of(plan))?)
        .bind(to_json(&plan.growth)?)
        .bind(to_json(&chunks)?)
        .bind(bytes)
        .bind(to_json(&cursors)?)
        .bind(to_json(&plan.dropped_cursors)?)
        .bind(to_json(&audit)?)
        .bind(to_json(&plan.kept)?)
        .execute(&mut *connection)
        .await
        .map_err(to_store_error);
    failpoint::reach("after-commit");
    match result {
        // Nothing was changed: the logs stand as they did before, and the guilty one is seen.
        Err(StoreError::Failed(why)) => {
            Err(find_gap(connection, plan).await?.unwrap_or(StoreError::Failed(why)))
        }
        result => result.map(|_| ()),
    }
}

/// The rows as JSON; `None`, which is NULL, when there are none.
fn to_json<T: Serialize>(rows: &[T]) -> Result<Option<String>, StoreError> {
    if rows.is_empty() {
        return Ok(None);
    }
    // About as much as rows have: to grow is to copy all that is there.
    let mut text = Vec::with_capacity(rows.len() * ROW_BYTES);
    serde_json::to_writer(&mut text, rows)
        .map_err(|error| StoreError::Failed(error.to_string()))?;
    String::from_utf8(text).map(Some).map_err(|error| StoreError::Failed(error.to_string()))
}

fn attempts_of<'a>(plan: &Plan<'a>) -> Vec<NewAttempt<'a>> {
    let processes = plan.processes.iter().map(|planned| planned.process);
    processes
        .flat_map(|process| {
            let id = process.id.as_str();
            process.attempts.iter().map(move |attempt| NewAttempt { process: id, attempt })
        })
        .collect()
}

/// The chunks without their bytes, and the bytes of all.
fn chunks_of<'a>(plan: &Plan<'a>) -> (Vec<NewChunk<'a>>, Vec<u8>) {
    let length = plan.chunks.iter().map(|(_, chunk)| chunk.bytes.len()).sum();
    let mut bytes = Vec::with_capacity(length);
    let mut rows = Vec::with_capacity(plan.chunks.len());
    for &(process, chunk) in &plan.chunks {
        rows.push(NewChunk::new(process, chunk, bytes.len()));
        bytes.extend_from_slice(&chunk.bytes);
    }
    (rows, bytes)
}

/// The log that does not end where its chunks begin, if there is one.
async fn find_gap(
    connection: &mut SqliteConnection,
    plan: &Plan<'_>,
) -> Result<Option<StoreError>, StoreError> {
    for growth in &plan.growth {
        let process = growth.process;
        let stored: Option<i64> =
            sqlx::query_scalar("SELECT next_idx FROM processes WHERE id = ?1")
                .bind(process)
                .fetch_optional(&mut *connection)
                .await
                .map_err(to_store_error)?;
        let planned = || {
            let mut planned = plan.processes.iter();
            let planned = planned.find(|planned| planned.process.id.as_str() == process);
            planned.map(|planned| planned.next_idx)
        };
        match stored.or_else(planned) {
            None => {
                let why = format!("log of {process}: no such process");
                return Ok(Some(StoreError::Failed(why)));
            }
            Some(expected) if expected != growth.from => {
                let process = ProcessId(process.to_owned());
                return Ok(Some(StoreError::Gap { process, expected, got: growth.from }));
            }
            Some(_) => {}
        }
    }
    Ok(None)
}
