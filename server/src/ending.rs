//! How `runyard serve` ends: by a signal, by two, or because it takes too long.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, bail};
use app::model::Process;
use server::serve::{Ending, Fenced, Server};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::say;

/// An orderly end takes no longer than this; then it ends as it is. Nothing is lost by that: what is
/// not stored is in the spool.
const ORDERLY: Duration = Duration::from_secs(60);
/// A second Ctrl-C within this time stops the processes, too.
const SECOND_THOUGHT: Duration = Duration::from_secs(5);
/// Processes that are named.
const MAX_NAMED: usize = 5;

/// The signals that end a server. They count from the moment at which this is made.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("no signal handler");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }
}

/// Serves until a signal comes, and ends in order.
pub(crate) async fn serve_until_told(
    server: Server,
    listener: TcpListener,
    signals: Signals,
    stop_children: bool,
) -> anyhow::Result<()> {
    let Signals { mut terminate, mut interrupt } = signals;
    let stop = CancellationToken::new();
    let (decide, children) = oneshot::channel();
    let engine = server.engine();
    let serving = server.run(listener, Ending { stop: stop.clone(), children });
    tokio::pin!(serving);
    let by_hand = tokio::select! {
        ended = &mut serving => return end(ended),
        _ = terminate.recv() => false,
        _ = interrupt.recv() => std::io::stdin().is_terminal(),
    };
    let running = engine.live_processes();
    stop.cancel();
    let asks = by_hand && !stop_children && !running.is_empty();
    // Also one whose terminal is closed ends in order.
    let _ = say(&farewell(&running, stop_children, asks));
    let deciding = async {
        let answer = if asks { wait_for_second(&mut interrupt).await } else { stop_children };
        if asks && answer {
            let _ = say("stopping the processes, too; a third Ctrl-C ends runyard at once");
        }
        // Nobody waits for it when all is over.
        let _ = decide.send(answer);
        interrupt.recv().await
    };
    tokio::select! {
        ended = serving => end(ended),
        _ = deciding => bail!("ended at once by another Ctrl-C; what runs goes on"),
        _ = terminate.recv() => bail!("ended at once by a second SIGTERM; what runs goes on"),
        () = sleep(ORDERLY) => bail!(
            "ended after {} s, although not everything had ended in order; what runs goes on",
            ORDERLY.as_secs()
        ),
    }
}

/// A server that was fenced off must not write anything any more, not even while it ends.
fn end(ended: Result<(), Fenced>) -> anyhow::Result<()> {
    let Err(fenced) = ended else { return Ok(()) };
    // Standard error is all that is left to tell it to.
    let _ = writeln!(std::io::stderr(), "runyard: {fenced}");
    std::process::exit(1)
}

async fn wait_for_second(interrupt: &mut Signal) -> bool {
    tokio::select! {
        _ = interrupt.recv() => true,
        () = sleep(SECOND_THOUGHT) => false,
    }
}

fn farewell(running: &[impl AsRef<Process>], stop_children: bool, asks: bool) -> String {
    if running.is_empty() {
        return "stopping; nothing runs".into();
    }
    let named = running.iter().take(MAX_NAMED).map(|process| {
        let process = process.as_ref();
        match process.pid {
            Some(pid) => format!("{} (pid {pid})", process.script),
            None => format!("{} ({})", process.script, process.status.as_str()),
        }
    });
    let mut names: Vec<String> = named.collect();
    if running.len() > MAX_NAMED {
        names.push(format!("{} more", running.len() - MAX_NAMED));
    }
    let names = names.join(", ");
    if stop_children {
        format!("stopping, and with it {names}")
    } else if asks {
        format!("stopping; what runs goes on: {names}. Ctrl-C within 5 s stops it, too")
    } else {
        format!("stopping; what runs goes on, and the next start takes it up again: {names}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn what_still_runs_is_named() {
        let process = |script: &str, pid: i32| {
            let value = serde_json::json!({
                "id": "x", "project": "p", "script": script, "args": [], "type": "long-running",
                "status": "running", "reason": "", "pid": pid, "createdAt": 0, "startedAt": 0,
                "endedAt": null, "exitCode": null, "signal": null, "nextIdx": 0, "attempts": []
            });
            Arc::new(serde_json::from_value::<Process>(value).unwrap())
        };
        assert_eq!(farewell(&[] as &[Arc<Process>], false, false), "stopping; nothing runs");
        let two = [process("api", 7), process("web", 8)];
        assert_eq!(
            farewell(&two, false, true),
            "stopping; what runs goes on: api (pid 7), web (pid 8). Ctrl-C within 5 s stops it, too"
        );
        let many: Vec<_> = (0..7).map(|pid| process("a", pid)).collect();
        assert!(farewell(&many, true, false).ends_with("a (pid 4), 2 more"));
    }
}
