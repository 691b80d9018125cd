//! After a start: joins what the store remembers with what the keeper holds.

use std::collections::HashMap;
use std::sync::Arc;

use app::model::{Breaker, EndKind, Process, ProcessId, Status};

use crate::keeper::client::{KeeperEvent, RunInfo, Scope};
use crate::store::{Change, Cursor, ListQuery, ProcessRecord, end_record};

use super::actor::Actor;
use super::cause::Cause;
use super::state::{Outcome, Pause, State, StopCause};
use super::{EngineError, Shared};
use crate::project::LaunchPlan;

/// Why a process is lost.
const UNSEEN: &str = "it ended while neither runyard nor its keeper was there to see how";

/// Takes up every process that has not ended, and every run whose output is not all stored.
pub(super) async fn take_up(shared: &Arc<Shared>) -> Result<(), EngineError> {
    let mut runs: HashMap<String, RunInfo> =
        shared.keeper.list().await?.into_iter().map(|run| (run.run.clone(), run)).collect();
    let mut cursors: HashMap<String, Cursor> =
        shared.store.cursors().await?.into_iter().map(|c| (c.run.clone(), c)).collect();
    for record in shared.store.open_processes().await? {
        let run = newest_run(&record);
        let info = run.as_ref().and_then(|run| runs.remove(run));
        let cursor = run.as_ref().and_then(|run| cursors.remove(run));
        take_up_process(shared, record, run, info, cursor).await?;
    }
    // Processes that have ended, with output that was not all taken in.
    for (run, cursor) in cursors {
        match (runs.remove(&run), ended_process(shared, &run).await?) {
            (Some(info), Some(record)) => match shared.decode_plan(&record) {
                Ok(plan) => {
                    let state = ended_state(&record);
                    Actor::adopt(shared, record, plan, state, cursor, true, None)?;
                }
                Err(error @ EngineError::Unsealed(_)) => {
                    tracing::error!(run, %error, "the rest of its output is not taken in");
                    end_unknown(shared, Some(&run), Some(&info)).await?;
                    shared.writer.submit(vec![Change::DropCursor(run)]).await?;
                }
                Err(error) => return Err(error),
            },
            _ => {
                shared.writer.submit(vec![Change::DropCursor(run)]).await?;
            }
        }
    }
    // A process is stored before it is started: a database that knows none is not the one of before.
    let strangers: Vec<_> = runs.values().filter(|run| run.alive).collect();
    let any = ListQuery { limit: 1, ..ListQuery::default() };
    if !strangers.is_empty() && shared.store.list_processes(&any).await?.is_empty() {
        let pids = strangers.iter().map(|run| run.pid.to_string()).collect();
        return Err(EngineError::Forgotten(pids));
    }
    // Runs that nothing remembers: over and stored, or spawned by a start that was never recorded.
    for (run, info) in runs {
        end_unknown(shared, Some(&run), Some(&info)).await?;
    }
    Ok(())
}

/// Ends a run that nobody will follow.
async fn end_unknown(
    shared: &Arc<Shared>,
    run: Option<&str>,
    info: Option<&RunInfo>,
) -> Result<(), EngineError> {
    let (Some(run), Some(info)) = (run, info) else { return Ok(()) };
    if info.exit.is_none() {
        tracing::warn!(run, pid = info.pid, "ending a process that nothing remembers");
        shared.keeper.signal(run, libc::SIGKILL, Scope::Tree).await?;
    }
    shared.releases.forget(run);
    Ok(())
}

async fn take_up_process(
    shared: &Arc<Shared>,
    record: ProcessRecord,
    run: Option<String>,
    info: Option<RunInfo>,
    cursor: Option<Cursor>,
) -> Result<(), EngineError> {
    let id = record.process.id.clone();
    let mut record = record;
    let plan = match shared.decode_plan(&record) {
        Ok(plan) => plan,
        Err(error @ EngineError::Unsealed(_)) => {
            // Its output could not be covered: it is not followed, and ended if it runs.
            tracing::error!(process = %id, %error, "it cannot be taken up");
            end_unknown(shared, run.as_deref(), info.as_ref()).await?;
            return lose(shared, &mut record, cursor, &error.to_string()).await;
        }
        Err(error) => return Err(error),
    };
    let Some(info) = info else {
        return match record.process.status {
            // It was never handed to the keeper: it goes back to its place in the line.
            Status::Queued | Status::Starting | Status::Waiting => {
                if record.process.status == Status::Starting {
                    record.process.attempts.pop();
                }
                Actor::launch(shared, record, plan, Cause::recovery(), vec![]).map(|_| ())
            }
            Status::BackingOff => Actor::resume_pause(shared, record, plan),
            _ => {
                let stopping = stopping_of(&record.process, &plan, shared);
                let also = cursor.map(|cursor| Change::DropCursor(cursor.run));
                Actor::lose(shared, record, plan, stopping, UNSEEN, also.into_iter().collect())
            }
        };
    };
    let has_cursor = cursor.is_some();
    let run = run.unwrap_or_default();
    let cursor = cursor.unwrap_or(Cursor { run, index_off: 0, out_off: 0, err_off: 0 });
    if record.process.status == Status::BackingOff {
        // Its end is decided; what is left of its output is taken in first.
        let state = State::BackingOff(Pause {
            reason: record.process.reason.clone(),
            until_ms: record.process.next_at,
            is_open: record.process.breaker == Some(Breaker::Open),
        });
        let name = cursor.run.clone();
        Actor::adopt(shared, record, plan, state, cursor, has_cursor, None)?;
        if let Some(exit) = info.exit {
            shared.mailboxes.deliver(KeeperEvent::Exited { run: name, exit });
        }
        return Ok(());
    }
    record.process.pid = Some(info.pid);
    record.process.started_at = Some(info.started_at_ms);
    if let Some(attempt) = record.process.attempts.last_mut() {
        attempt.pid = Some(info.pid);
        attempt.started_at = Some(info.started_at_ms);
    }
    let stopping = stopping_of(&record.process, &plan, shared);
    let state = State::Running { pid: info.pid };
    record.process.status = state.status();
    record.process.reason = state.reason(shared.settings.grace_s);
    let name = cursor.run.clone();
    Actor::adopt(shared, record, plan, state, cursor, has_cursor, stopping)?;
    if let Some(exit) = info.exit {
        shared.mailboxes.deliver(KeeperEvent::Exited { run: name, exit });
    }
    Ok(())
}

/// It cannot be followed any more: nobody knows how it is started.
async fn lose(
    shared: &Arc<Shared>,
    record: &mut ProcessRecord,
    cursor: Option<Cursor>,
    why: &str,
) -> Result<(), EngineError> {
    record.process.status = Status::Lost;
    record.process.reason = why.into();
    record.process.pid = None;
    record.process.ended_at = Some(shared.clock.now_ms());
    let attempt = record.process.attempts.last_mut();
    let was_open = attempt.as_ref().is_some_and(|attempt| attempt.ended_at.is_none());
    if let Some(attempt) = attempt {
        attempt.ended_at = record.process.ended_at;
        (attempt.end_kind, attempt.end) = (Some(EndKind::Lost), Some(why.into()));
    }
    let mut changes = vec![Change::PutProcess(Box::new(record.clone()))];
    changes.extend(end_record(&record.process).filter(|_| was_open).map(Change::Audit));
    changes.extend(cursor.map(|cursor| Change::DropCursor(cursor.run)));
    Ok(shared.writer.submit(changes).await?)
}

/// Why a process was being ended when Runyard was.
fn stopping_of(process: &Process, plan: &LaunchPlan, shared: &Shared) -> Option<StopCause> {
    if process.status != Status::Stopping {
        return None;
    }
    let attempt = process.attempts.last();
    let what = attempt.and_then(|attempt| attempt.end_by.clone());
    Some(match (attempt.and_then(|attempt| attempt.end_kind), what) {
        (Some(EndKind::Stop), Some(by)) => StopCause::Asked { by },
        (Some(EndKind::Restart), Some(by)) => StopCause::Restart { by },
        (Some(EndKind::Watch), Some(file)) => StopCause::Changed { file },
        (Some(EndKind::Liveness), Some(why)) => StopCause::Unhealthy { why },
        (Some(EndKind::Limit), Some(why)) => StopCause::Beyond { why },
        (Some(EndKind::Timeout), _) => {
            StopCause::Timeout { after_ms: plan.timeout_ms.unwrap_or_default() }
        }
        (Some(EndKind::Output), _) => {
            StopCause::MaxBuffer { limit: plan.max_buffer.unwrap_or(shared.settings.max_buffer) }
        }
        // Stored before it was kept why.
        _ => StopCause::Asked { by: "runyard, after its own restart".into() },
    })
}

fn newest_run(record: &ProcessRecord) -> Option<String> {
    let attempt = record.process.attempts.last()?;
    Some(format!("{}.{}", record.process.id, attempt.n))
}

async fn ended_process(
    shared: &Arc<Shared>,
    run: &str,
) -> Result<Option<ProcessRecord>, EngineError> {
    let Some((id, _)) = run.rsplit_once('.') else { return Ok(None) };
    Ok(shared.store.get_process(&ProcessId(id.to_owned())).await?)
}

fn ended_state(record: &ProcessRecord) -> State {
    let reason = record.process.reason.clone();
    State::Ended(match record.process.status {
        Status::Completed => Outcome::Completed { reason },
        Status::Stopped => Outcome::Stopped { reason },
        Status::Failed => Outcome::Failed { reason },
        _ => Outcome::Lost { reason },
    })
}
