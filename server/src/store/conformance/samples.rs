//! What the suite stores.

use app::model::{Attempt, CauseKind, EndKind, Process, ProcessId, ProcessType, Status};

use crate::store::{AuditRecord, Change, Chunk, Cursor, ProcessRecord};

pub(in crate::store) fn id(id: &str) -> ProcessId {
    ProcessId(id.to_owned())
}

/// A process that was just made.
pub(in crate::store) fn record(process: &str) -> ProcessRecord {
    ProcessRecord {
        process: Process {
            id: id(process),
            project: "site".into(),
            script: "dev".into(),
            kind: ProcessType::ShortLived,
            status: Status::Queued,
            created_at: 1_000,
            ..Process::default()
        },
        spec: "{}".into(),
    }
}

/// An attempt with every field set.
pub(in crate::store) fn attempt(n: u32) -> Attempt {
    Attempt {
        n,
        pid: Some(4_242),
        started_at: Some(1_100),
        ended_at: Some(1_900),
        exit_code: Some(-1),
        signal: Some("SIGTERM".into()),
        user_ms: Some(12),
        system_ms: Some(3),
        max_rss_bytes: Some(1 << 40),
        first_idx: Some(0),
        last_idx: Some(99),
        cause: "started by admin".into(),
        cause_kind: Some(CauseKind::Person),
        cause_by: Some("admin".into()),
        config_hash: Some("0123456789ab".into()),
        end_kind: Some(EndKind::Stop),
        end_by: Some("admin".into()),
        end: Some("stopped by admin: ended by SIGTERM".into()),
    }
}

/// Entries `first` to `last`, all written at `ts`.
pub(in crate::store) fn chunk(first: i64, last: i64, ts: i64) -> Chunk {
    Chunk {
        first_idx: first,
        last_idx: last,
        first_ts: ts,
        last_ts: ts,
        codec: 1,
        bytes: format!("{first}..={last}").into_bytes(),
    }
}

pub(in crate::store) fn cursor(run: &str, offset: u64) -> Cursor {
    Cursor { run: run.to_owned(), index_off: offset, out_off: offset * 2, err_off: offset * 3 }
}

pub(in crate::store) fn audit(at: i64, actor: &str) -> AuditRecord {
    AuditRecord {
        at,
        actor: actor.into(),
        actor_id: "user-1".into(),
        via: "token".into(),
        address: "::1".into(),
        action: "process.start".into(),
        target: "dev".into(),
        project: "site".into(),
        script: "dev".into(),
        process_id: "p".into(),
        attempt: Some(1),
        outcome: "ok".into(),
        detail: "started dev of site".into(),
    }
}

pub(in crate::store) fn put(record: &ProcessRecord) -> Change {
    Change::PutProcess(Box::new(record.clone()))
}

pub(in crate::store) fn update(record: &ProcessRecord) -> Change {
    Change::UpdateProcess(Box::new(record.process.clone()))
}

pub(in crate::store) fn append(process: &str, chunk: Chunk) -> Change {
    Change::AppendChunk { process: id(process), chunk, cursor: None }
}
