//! The schedules of what is declared: starts each at its times, and remembers over a restart which of them
//! are done with.

use std::collections::BTreeMap;
use std::time::Duration;

use app::model::CauseKind;

use super::Fleet;
use crate::config::{Missed, Overlap, ProcessConfig};
use crate::engine::EngineError;
use crate::engine::cause::Cause;
use crate::engine::due::{Due, LONGEST_SLEEP, find_due};
use crate::store::{AuditRecord, Change};

/// How a schedule's last time is kept.
const KEPT: &str = "schedule/";
/// How a time is kept that waits for the run before to end.
const KEPT_PENDING: &str = "schedule-pending/";

impl Fleet {
    /// What was kept of them.
    pub(super) async fn recall_times(&self) -> Result<(), EngineError> {
        let store = &self.engine.shared.store;
        for (key, value) in store.kept(KEPT).await? {
            if let (Some(name), Ok(at)) = (key.strip_prefix(KEPT), value.parse()) {
                self.last_times.lock().insert(name.to_owned(), at);
            }
        }
        for (key, _) in store.kept(KEPT_PENDING).await? {
            if let Some(name) = key.strip_prefix(KEPT_PENDING) {
                self.pending.lock().insert(name.to_owned());
            }
        }
        Ok(())
    }

    /// Forgets the times of those whose schedule is another one since `before`.
    pub(super) async fn forget_times(
        &self,
        before: &BTreeMap<String, ProcessConfig>,
        after: &BTreeMap<String, ProcessConfig>,
    ) {
        // Another schedule is a new one: its past is nobody's concern.
        let times = |config: &ProcessConfig| (config.schedule.clone(), config.timezone.clone());
        self.last_times
            .lock()
            .retain(|name, _| before.get(name).map(times) == after.get(name).map(times));
        let pending: Vec<String> = self.pending.lock().iter().cloned().collect();
        for name in &pending {
            if before.get(name).map(times) != after.get(name).map(times) {
                self.note_pending(name, false).await;
            }
        }
    }

    /// Starts what is due, again and again.
    pub(super) async fn keep_time(&self) {
        let shared = &self.engine.shared;
        let mut moves = shared.board.watch();
        loop {
            moves.mark_unchanged();
            let now = shared.clock.now_ms();
            let mut nearest = LONGEST_SLEEP;
            for (name, config) in self.declared() {
                let Some(schedule) = config.schedule() else { continue };
                let last = self.last_times.lock().get(&name).copied();
                let Due { fires, last } =
                    find_due(&schedule, last, now, config.missed == Missed::RunOnce);
                self.note_time(&name, last).await;
                if fires {
                    self.fire(&name, &config).await;
                }
                let next = schedule.next_after(now).unwrap_or(i64::MAX);
                let left_ms = u64::try_from(next - now).unwrap_or_default();
                nearest = nearest.min(Duration::from_millis(left_ms));
            }
            self.start_pending().await;
            tokio::select! {
                () = shared.clock.sleep_until(shared.clock.instant() + nearest) => {}
                () = self.reloaded.notified() => {}
                _ = moves.changed(), if !self.pending.lock().is_empty() => {}
            }
        }
    }

    async fn note_time(&self, name: &str, last: i64) {
        let before = self.last_times.lock().insert(name.to_owned(), last);
        if before == Some(last) {
            return;
        }
        let change = Change::Keep { key: format!("{KEPT}{name}"), value: Some(last.to_string()) };
        // Before the start: a crash in between passes over one time, and starts none twice.
        if let Err(error) = self.engine.shared.writer.submit(vec![change]).await {
            tracing::error!(name, %error, "the time of a schedule cannot be kept");
        }
    }

    async fn fire(&self, name: &str, config: &ProcessConfig) {
        let is_live = !self.engine.shared.registry.live_of(name).is_empty();
        if !is_live {
            self.start_by_itself(name, &self.by_schedule(config)).await;
            return;
        }
        let detail = match config.overlap {
            Overlap::Skip => "passed over: the run before has not ended",
            Overlap::Queue => {
                self.note_pending(name, true).await;
                "put off: the run before has not ended"
            }
        };
        let record = AuditRecord {
            at: self.engine.shared.clock.now_ms(),
            actor: "schedule".into(),
            action: "process.schedule".into(),
            target: name.into(),
            outcome: "skipped".into(),
            detail: detail.into(),
            ..AuditRecord::default()
        };
        if let Err(error) = self.engine.shared.writer.submit(vec![Change::Audit(record)]).await {
            tracing::error!(name, %error, "a line of the audit cannot be written");
        }
    }

    async fn start_pending(&self) {
        let pending: Vec<String> = self.pending.lock().iter().cloned().collect();
        let declared = self.declared();
        for name in pending {
            if self.engine.shared.registry.live_of(&name).is_empty() {
                // Before the start, as with its times.
                self.note_pending(&name, false).await;
                let config = declared.get(&name).filter(|config| config.schedule.is_some());
                if let Some(config) = config {
                    self.start_by_itself(&name, &self.by_schedule(config)).await;
                }
            }
        }
    }

    /// A time waits for the run before to end, or does so no longer; over a restart, too.
    async fn note_pending(&self, name: &str, is_pending: bool) {
        let is_news = match is_pending {
            true => self.pending.lock().insert(name.to_owned()),
            false => self.pending.lock().remove(name),
        };
        if !is_news {
            return;
        }
        let value = is_pending.then(|| "true".to_owned());
        let change = Change::Keep { key: format!("{KEPT_PENDING}{name}"), value };
        if let Err(error) = self.engine.shared.writer.submit(vec![change]).await {
            tracing::error!(name, %error, "a time that was put off cannot be kept");
        }
    }

    fn by_schedule(&self, config: &ProcessConfig) -> Cause {
        Cause::new(CauseKind::Schedule, config.schedule.clone().unwrap_or_default())
    }
}
