//! Hands a run to the keeper.

use app::model::ProcessId;
use tokio::time::Instant;

use super::{Actor, Cursor, Event, Run, SpawnError, SpawnSpec, Spawning};
use crate::config::WhenFull;
use crate::engine::stdin;
use crate::failpoint;
use crate::keeper::client::WhenFull as SpoolRule;

impl Actor {
    /// Starts attempt `n`.
    pub(super) async fn spawn(&mut self, n: u32) -> Result<Run, Spawning> {
        let name = format!("{}.{n}", self.process.id);
        let cursor = Cursor { run: name.clone(), index_off: 0, out_off: 0, err_off: 0 };
        let mut run = self.open_run(cursor, false).map_err(Spawning::Tail)?;
        let spec = self.spec_of(&name).map_err(Spawning::Failed)?;
        match self.shared.keeper.spawn(spec).await {
            Ok(spawned) => {
                failpoint::reach("after-spawn");
                run.tail.expect_news();
                let started_at = spawned.started_at_ms;
                self.process.started_at = Some(started_at);
                self.process.pid = Some(spawned.pid);
                if let Some(attempt) = self.process.attempts.last_mut() {
                    attempt.pid = Some(spawned.pid);
                    attempt.started_at = Some(started_at);
                }
                self.apply(Event::Spawned { pid: spawned.pid })
                    .map_err(|e| Spawning::Failed(e.to_string()))?;
                self.process.ready = self.plan.strategy.ready.as_ref().map(|_| false);
                self.process.next_at = self.times_out_at();
                // Stored with its first output, or soon. A job that ends first is written once less;
                // after a crash the keeper knows that it runs, and as which pid.
                run.unsaved_since = Some(Instant::now());
                self.is_unsaved = true;
                self.publish();
                Ok(run)
            }
            Err(error) => {
                self.shared.mailboxes.close(&name);
                self.close_stdin();
                Err(Spawning::Failed(match error {
                    SpawnError::Refused { message, .. } => message,
                    SpawnError::Client(error) => format!("the keeper does not answer: {error}"),
                }))
            }
        }
    }

    fn spec_of(&self, name: &str) -> Result<SpawnSpec, String> {
        let (strategy, settings) = (&self.plan.strategy, &self.shared.settings);
        let when_full = strategy.when_full.unwrap_or(settings.when_full);
        let plain = (self.plan.program.clone(), self.plan.argv.clone());
        let plain = match &self.plan.confined {
            Some(confined) => confined.wrap(&settings.exe, &plain.0, plain.1),
            None => plain,
        };
        let (program, argv) = match strategy.tty {
            Some(size) => stdin::in_terminal(&settings.exe, size, &plain.0, plain.1),
            None => plain,
        };
        let (program, argv) = if strategy.stdin {
            let pipe = stdin::make_pipe(&self.shared.settings.data_dir, &self.process.id)?;
            stdin::with_pipe(&pipe, &program, argv)?
        } else {
            (program, argv)
        };
        Ok(SpawnSpec {
            run: name.to_owned(),
            program,
            argv,
            cwd: self.plan.cwd.clone(),
            env: self.plan.env.clone().into_iter().collect(),
            limits: self.tree_limits(),
            when_full: SpoolRule {
                drops: when_full == WhenFull::Drop,
                max_backlog: settings.max_backlog,
            },
        })
    }

    /// When the newest attempt has run for too long, in milliseconds since the epoch.
    fn times_out_at(&self) -> Option<i64> {
        let timeout_ms = i64::try_from(self.plan.timeout_ms.filter(|ms| *ms > 0)?).ok()?;
        Some(self.process.started_at?.saturating_add(timeout_ms))
    }

    /// Nothing can be sent to it any more.
    pub(super) fn close_stdin(&self) {
        if self.plan.strategy.stdin {
            let id: &ProcessId = &self.process.id;
            stdin::remove_pipe(&self.shared.settings.data_dir, id);
        }
    }
}
