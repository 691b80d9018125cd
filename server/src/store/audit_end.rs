//! The line of the audit that tells how an attempt ended. The line of its start was written before
//! anybody could know; so the end is a line of its own, a link of the chain like every other, stored
//! in the transaction that stores the end.

use app::model::{Attempt, CauseKind, EndKind, Process};

use super::{AuditLine, AuditRecord};

/// Its action.
pub const PROCESS_END: &str = "process.end";
/// What no exit and no signal is called.
const UNSEEN: &str = "no exit";

/// The line about the newest attempt of `process`, which has ended, once the status tells what follows.
/// `None` for one that came and went by the strategy alone, with another one behind it: a service that
/// fails without end must not fill the audit.
#[must_use]
pub fn end_record(process: &Process) -> Option<AuditRecord> {
    let attempt = process.attempts.last()?;
    let is_by_strategy =
        matches!(attempt.cause_kind?, CauseKind::Retry | CauseKind::Restart | CauseKind::Watch);
    let is_ended_by_an_act = matches!(attempt.end_kind, Some(EndKind::Stop | EndKind::Restart));
    // Behind one that a changed file has ended another one follows, whatever the status is in between.
    let is_last = process.status.is_ended() && attempt.end_kind != Some(EndKind::Watch);
    if is_by_strategy && !is_ended_by_an_act && !is_last {
        return None;
    }
    Some(AuditRecord {
        at: attempt.ended_at?,
        actor: "runyard".to_owned(),
        action: PROCESS_END.to_owned(),
        target: process.id.0.clone(),
        project: process.project.clone(),
        script: process.script.clone(),
        process_id: process.id.0.clone(),
        attempt: Some(attempt.n),
        outcome: outcome_of(attempt.exit_code, attempt.signal.as_deref()),
        detail: describe(attempt),
        ..AuditRecord::default()
    })
}

/// `exit 3`, `SIGKILL`; `no exit` when there was none, or nobody saw it.
fn outcome_of(exit_code: Option<i32>, signal: Option<&str>) -> String {
    match (exit_code, signal) {
        (_, Some(signal)) => signal.to_owned(),
        (Some(code), None) => format!("exit {code}"),
        (None, None) => UNSEEN.to_owned(),
    }
}

fn describe(attempt: &Attempt) -> String {
    let mut parts = Vec::new();
    parts.extend(attempt.end.clone());
    if let Some((started, ended)) = attempt.started_at.zip(attempt.ended_at) {
        parts.push(format!("after {} ms", (ended - started).max(0)));
    }
    parts.extend(attempt.pid.map(|pid| format!("pid {pid}")));
    parts.push(attempt.cause.clone());
    parts.join("; ")
}

/// Whether what is stored of the attempt itself is what its line tells. An attempt that is not there
/// says nothing.
pub(super) fn is_as_told(line: &AuditLine) -> bool {
    let is_there = line.pid.is_some() || line.exit_code.is_some() || line.signal.is_some();
    let is_end = line.record.action == PROCESS_END;
    !is_end
        || !is_there
        || outcome_of(line.exit_code, line.signal.as_deref()) == line.record.outcome
}

#[cfg(test)]
mod tests {
    use app::model::Status;

    use super::super::conformance::samples::record;
    use super::*;

    fn ended(kind: CauseKind, exit_code: Option<i32>, signal: Option<&str>) -> Process {
        let mut process = record("p").process;
        process.attempts = vec![Attempt {
            n: 2,
            pid: Some(7),
            started_at: Some(1_000),
            ended_at: Some(1_250),
            exit_code,
            signal: signal.map(str::to_owned),
            cause: "started by ada".into(),
            cause_kind: Some(kind),
            end: Some("exit 3".into()),
            ..Attempt::default()
        }];
        process
    }

    #[test]
    fn an_end_tells_how_when_and_who_had_asked_for_it() {
        for (exit_code, signal, outcome) in
            [(Some(3), None, "exit 3"), (None, Some("SIGKILL"), "SIGKILL"), (None, None, "no exit")]
        {
            let told = end_record(&ended(CauseKind::Person, exit_code, signal)).unwrap();
            assert_eq!((told.at, told.attempt, told.outcome.as_str()), (1_250, Some(2), outcome));
            assert_eq!(told.detail, "exit 3; after 250 ms; pid 7; started by ada");
            let line = |exit_code, signal: Option<&str>, pid| AuditLine {
                id: 1,
                record: told.clone(),
                pid,
                exit_code,
                signal: signal.map(str::to_owned),
                hash: String::new(),
            };
            assert!(is_as_told(&line(exit_code, signal, Some(7))));
            assert!(!is_as_told(&line(Some(0), None, Some(7))), "{outcome}");
            assert!(!is_as_told(&line(None, Some("SIGTERM"), Some(7))), "{outcome}");
            assert!(is_as_told(&line(None, None, None)), "the attempt is not there any more");
        }
    }

    #[test]
    fn what_the_strategy_does_in_between_is_not_told() {
        use CauseKind::{Autostart, Dependency, Person, Recovery, Restart, Retry, Token, Watch};
        let is_told = |kind, status, end_kind| {
            let mut process = ended(kind, Some(1), None);
            process.status = status;
            process.attempts[0].end_kind = Some(end_kind);
            end_record(&process).is_some()
        };
        for kind in [Person, Token, CauseKind::Schedule, Dependency, Autostart, Recovery] {
            assert!(is_told(kind, Status::BackingOff, EndKind::Exit), "{kind:?}");
        }
        for kind in [Retry, Restart, Watch] {
            assert!(!is_told(kind, Status::BackingOff, EndKind::Exit), "{kind:?}");
            assert!(!is_told(kind, Status::Stopped, EndKind::Watch), "{kind:?}");
            // With it the process is over, or somebody has ended it.
            assert!(is_told(kind, Status::Failed, EndKind::Exit), "{kind:?}");
            assert!(is_told(kind, Status::Lost, EndKind::Lost), "{kind:?}");
            assert!(is_told(kind, Status::Stopped, EndKind::Stop), "{kind:?}");
            assert!(is_told(kind, Status::Starting, EndKind::Restart), "{kind:?}");
        }
    }
}
