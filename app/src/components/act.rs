//! Stopping and restarting: what is expected shows at once, and what is when it is refused.

use crate::api::{restart_process, stop_process};
use crate::live::Live;
use crate::model::{ProcessId, Status};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// It is asked to end.
    Stop,
    /// A new attempt is made, after the present one was stopped.
    Restart,
}

/// Does it. A refusal is told in the server's words.
pub(super) async fn act(live: Live, id: ProcessId, act: Act) {
    let expected = live.processes.expect(&id, |process| {
        (process.status, process.reason) = match act {
            Act::Restart if process.status.is_ended() => {
                (Status::Starting, "asked to start again".to_owned())
            }
            Act::Restart => (Status::Stopping, "asked to start again".to_owned()),
            Act::Stop => (Status::Stopping, "asked to end".to_owned()),
        };
    });
    let result = match act {
        Act::Stop => stop_process(id).await,
        Act::Restart => restart_process(id).await,
    };
    match result {
        Ok(process) => live.offer(process),
        Err(problem) => {
            if let Some(expected) = expected {
                expected.take_back();
            }
            live.alerts.report(&problem);
        }
    }
}
