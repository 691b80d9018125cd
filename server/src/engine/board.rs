//! How the declared processes stand, for those that wait for them.

use std::collections::{BTreeMap, HashMap};

use app::model::{Process, Status};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::config::Condition;

/// How one replica stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    status: Status,
    /// Its probe succeeds, or it has none.
    is_ready: bool,
    /// What is the matter when it is not.
    unready: Option<String>,
    /// It has run, whatever it does now.
    has_run: bool,
    reason: String,
}

/// Every declared process that was ever started, by name and replica.
#[derive(Debug, Default)]
pub(super) struct Board {
    by_name: Mutex<HashMap<String, BTreeMap<u32, Standing>>>,
    /// Why one that somebody waits for could not be started.
    problems: Mutex<HashMap<String, String>>,
    moves: watch::Sender<u64>,
}

impl Board {
    /// Notes how a process is, and why it is not ready. One that was not declared is nobody's concern.
    pub(super) fn note(&self, process: &Process, unready: Option<&str>) {
        let Some(name) = &process.declared else { return };
        let standing = Standing {
            status: process.status,
            is_ready: process.status == Status::Running && process.ready.unwrap_or(true),
            unready: unready.map(str::to_owned),
            has_run: process.attempts.iter().any(|attempt| attempt.started_at.is_some()),
            reason: process.reason.clone(),
        };
        self.problems.lock().remove(name);
        let mut by_name = self.by_name.lock();
        let replicas = by_name.entry(name.clone()).or_default();
        let before = replicas.insert(process.replica.unwrap_or(0), standing.clone());
        drop(by_name);
        if before.as_ref() != Some(&standing) {
            self.moves.send_modify(|n| *n += 1);
        }
    }

    /// Forgets the replicas from this one on: nobody waits for what is not declared any more.
    pub(super) fn forget(&self, name: &str, from_replica: u32) {
        let mut by_name = self.by_name.lock();
        let Some(replicas) = by_name.get_mut(name) else { return };
        replicas.retain(|replica, _| *replica < from_replica);
        drop(by_name);
        self.moves.send_modify(|n| *n += 1);
    }

    /// It cannot be started.
    pub(super) fn blame(&self, name: &str, why: String) {
        self.problems.lock().insert(name.to_owned(), why);
        self.moves.send_modify(|n| *n += 1);
    }

    /// Told of every change.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.moves.subscribe()
    }

    /// Those of the dependencies that are not as they must be, with what is the matter.
    pub(super) fn unmet(&self, depends_on: &BTreeMap<String, Condition>) -> Vec<Unmet> {
        let by_name = self.by_name.lock();
        let problems = self.problems.lock();
        let empty = BTreeMap::new();
        depends_on
            .iter()
            .filter_map(|(name, condition)| {
                let why = find_obstacle(by_name.get(name).unwrap_or(&empty), *condition)?;
                let why = problems.get(name).cloned().unwrap_or(why);
                Some(Unmet { name: name.clone(), condition: *condition, why })
            })
            .collect()
    }
}

/// A declared process that somebody waits for.
#[derive(Debug)]
pub(super) struct Want {
    /// Its name.
    pub(super) name: String,
    /// How it must be.
    pub(super) condition: Condition,
    /// Who waits.
    pub(super) by: String,
}

/// A dependency that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unmet {
    pub(super) name: String,
    pub(super) condition: Condition,
    /// How it is instead.
    why: String,
}

/// What is waited for, in words: `waiting for db to be ready (it is running, not ready yet)`.
pub(super) fn describe(unmet: &[Unmet]) -> String {
    let all: Vec<String> = unmet
        .iter()
        .map(|Unmet { name, condition, why }| format!("{name} to {} ({why})", condition.describe()))
        .collect();
    format!("waiting for {}", all.join(", and for "))
}

/// Why the condition does not hold for all replicas; `None` when it does.
fn find_obstacle(replicas: &BTreeMap<u32, Standing>, condition: Condition) -> Option<String> {
    if replicas.is_empty() {
        return Some("it was not started yet".to_owned());
    }
    replicas.values().find_map(|standing| {
        let Standing { status, is_ready, unready, has_run, reason } = standing;
        let holds = match condition {
            Condition::Started => {
                matches!(status, Status::Running | Status::Stopping | Status::Completed)
            }
            Condition::Ready => *is_ready,
            Condition::Completed => *status == Status::Completed,
            Condition::Exited => status.is_ended() && *has_run,
        };
        match status {
            _ if holds => None,
            Status::Running if condition == Condition::Ready => Some(match unready {
                Some(why) => format!("it runs and is {why}"),
                None => "it runs and is not ready yet".to_owned(),
            }),
            Status::Running => Some("it runs".to_owned()),
            Status::Failed | Status::Lost | Status::Stopped => {
                Some(format!("it is {}: {reason}", status.as_str()))
            }
            _ => Some(reason.clone()),
        }
    })
}

#[cfg(test)]
mod tests {
    use app::model::{Attempt, ProcessId};

    use super::*;

    fn process(name: &str, replica: u32, status: Status, ready: Option<bool>) -> Process {
        Process {
            id: ProcessId(format!("{name}{replica}")),
            declared: Some(name.to_owned()),
            replica: Some(replica),
            status,
            ready,
            reason: "exit code 1".into(),
            attempts: vec![Attempt { started_at: Some(1), ..Attempt::default() }],
            ..Process::default()
        }
    }

    /// For every status: whether started, ready, completed and exited hold.
    #[test]
    fn conditions_and_statuses() {
        let holds = |status: Status, ready: Option<bool>| -> String {
            let board = Board::default();
            board.note(&process("db", 0, status, ready), None);
            let all =
                [Condition::Started, Condition::Ready, Condition::Completed, Condition::Exited];
            all.map(|condition| {
                let on = BTreeMap::from([("db".to_owned(), condition)]);
                if board.unmet(&on).is_empty() { '+' } else { '-' }
            })
            .iter()
            .collect()
        };
        let table = [
            (Status::Queued, "----"),
            (Status::Waiting, "----"),
            (Status::Starting, "----"),
            (Status::Running, "++--"),
            (Status::Stopping, "+---"),
            (Status::BackingOff, "----"),
            (Status::Stopped, "---+"),
            (Status::Completed, "+-++"),
            (Status::Failed, "---+"),
            (Status::Lost, "---+"),
        ];
        for (status, row) in table {
            assert_eq!(holds(status, None), row, "{status:?}");
        }
        assert_eq!(holds(Status::Running, Some(false)), "+---");
    }

    #[test]
    fn all_replicas_count_and_the_words_say_which() {
        let board = Board::default();
        let on = BTreeMap::from([
            ("api".to_owned(), Condition::Ready),
            ("migrate".to_owned(), Condition::Completed),
        ]);
        board.note(&process("api", 0, Status::Running, Some(true)), None);
        board.note(&process("api", 1, Status::Running, Some(false)), None);
        assert_eq!(
            describe(&board.unmet(&on)),
            "waiting for api to be ready (it runs and is not ready yet), and for migrate to \
             complete (it was not started yet)"
        );
        board
            .note(&process("api", 1, Status::Running, Some(false)), Some("not ready yet: refused"));
        let words = describe(&board.unmet(&on));
        assert!(words.contains("(it runs and is not ready yet: refused)"), "{words}");
        // Once there is one replica only, the other is nobody's concern.
        board.forget("api", 1);
        assert!(!describe(&board.unmet(&on)).contains("api"));
        board.note(&process("api", 1, Status::Running, Some(true)), None);
        board.note(&process("migrate", 0, Status::Failed, None), None);
        assert_eq!(
            describe(&board.unmet(&on)),
            "waiting for migrate to complete (it is failed: exit code 1)"
        );
    }
}
