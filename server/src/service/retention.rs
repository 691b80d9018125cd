//! What logs take on the disk, and the removal of what `[logs]` does not keep.

use std::time::Duration;

use app::report::LogReport;
use tokio::sync::Mutex;

use super::audit::About;
use super::{Service, ServiceError};
use crate::config::LogsConfig;
use crate::store::{LogPrune, LogPruned, LogUsage};

/// Chunks removed in one transaction: the writer waits for no longer than that.
const BATCH: u32 = 200;
/// Given back to the disk in one transaction.
const GIVEN_BACK_BYTES: i64 = 4 << 20;
/// Free bytes that are no reason to work by themselves.
const SLACK_BYTES: i64 = 16 << 20;
/// Between two of them, so that what processes write comes in.
const PAUSE: Duration = Duration::from_millis(20);
/// Counting is not done more often than this for those who look.
const KNOWN_FOR_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;

/// What is kept, and what was counted last and when.
#[derive(Debug)]
pub(super) struct Retention {
    config: LogsConfig,
    counted: Mutex<Option<(i64, LogUsage)>>,
}

impl Retention {
    pub(super) fn new(config: LogsConfig) -> Self {
        Self { config, counted: Mutex::default() }
    }

    /// Lines written before this are not kept; `None` when all are.
    fn oldest_kept_ms(&self, now_ms: i64) -> Option<i64> {
        let days = Some(i64::from(self.config.keep_days)).filter(|days| *days > 0)?;
        Some(now_ms - days * DAY_MS)
    }

    /// How much of `bytes` is too much.
    fn excess(&self, bytes: i64) -> i64 {
        let most = i64::try_from(self.config.max_bytes).unwrap_or(i64::MAX);
        if most == 0 { 0 } else { (bytes - most).max(0) }
    }
}

impl Service {
    /// What logs take, and what of it goes within a day.
    pub(super) async fn log_report(&self) -> Result<LogReport, ServiceError> {
        let now = self.clock.now_ms();
        let mut counted = self.retention.counted.lock().await;
        let usage = match *counted {
            Some((at, usage)) if now - at < KNOWN_FOR_MS => usage,
            _ => {
                let tomorrow = self.retention.oldest_kept_ms(now + DAY_MS);
                let usage = self.store.log_usage(tomorrow.unwrap_or(i64::MIN)).await?;
                *counted = Some((now, usage));
                usage
            }
        };
        let LogsConfig { keep_days, max_bytes, .. } = self.retention.config;
        Ok(LogReport {
            bytes: usage.bytes,
            due_bytes: usage.older_bytes.max(self.retention.excess(usage.bytes)),
            keep_days,
            max_bytes,
        })
    }

    /// Removes lines that `[logs]` does not keep, and says so in the audit.
    pub(super) async fn prune_logs(&self) {
        if self.retention.config == LogsConfig::default() {
            return;
        }
        let removed = match self.remove_lines().await {
            Ok(removed) => removed,
            Err(error) => {
                return tracing::warn!(%error, "old lines of logs cannot be removed");
            }
        };
        let is_cut = removed.iter().any(|(_, removed)| removed.chunks > 0);
        if let Err(error) = self.give_back(is_cut).await {
            tracing::warn!(%error, "what old lines took cannot be given back to the disk");
        }
        *self.retention.counted.lock().await = None;
        for (key, LogPruned { lines, bytes, .. }) in removed {
            if lines > 0 {
                let detail = format!("{lines} lines, {bytes} bytes: logs.{key}");
                let record =
                    self.audit_record("runyard", "log.prune", About::thing("logs"), "ok", detail);
                self.audit(record).await;
            }
        }
    }

    async fn remove_lines(&self) -> Result<[(&'static str, LogPruned); 2], ServiceError> {
        let too_old = match self.retention.oldest_kept_ms(self.clock.now_ms()) {
            Some(ts) => self.remove_all(|_| LogPrune::OlderThan(ts)).await?,
            None => LogPruned::default(),
        };
        let usage = self.store.log_usage(i64::MIN).await?;
        let excess = self.retention.excess(usage.bytes);
        let too_much = if excess > 0 {
            self.remove_all(|removed| LogPrune::Oldest(excess - removed.bytes)).await?
        } else {
            LogPruned::default()
        };
        Ok([("keep_days", too_old), ("max_bytes", too_much)])
    }

    /// Gives what is free in the database back to the disk, step by step. When nothing was removed
    /// just now, a little stays: what is written next needs it.
    async fn give_back(&self, is_cut: bool) -> Result<(), ServiceError> {
        if !is_cut && self.store.space().await?.free_bytes <= SLACK_BYTES {
            return Ok(());
        }
        while self.store.give_back(GIVEN_BACK_BYTES).await? {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Removes batch after batch of what `wanted` says, given what is gone already.
    async fn remove_all(
        &self,
        wanted: impl Fn(&LogPruned) -> LogPrune,
    ) -> Result<LogPruned, ServiceError> {
        let mut sum = LogPruned::default();
        loop {
            let removed = self.store.prune_logs(wanted(&sum), BATCH).await?;
            sum.chunks += removed.chunks;
            sum.lines += removed.lines;
            sum.bytes += removed.bytes;
            if removed.chunks < BATCH {
                return Ok(sum);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_unless_it_is_said() {
        let all = Retention::new(LogsConfig::default());
        assert_eq!((all.oldest_kept_ms(5 * DAY_MS), all.excess(i64::MAX)), (None, 0));
        let some =
            Retention::new(LogsConfig { keep_days: 2, max_bytes: 100, ..LogsConfig::default() });
        assert_eq!(some.oldest_kept_ms(5 * DAY_MS), Some(3 * DAY_MS));
        assert_eq!([50, 100, 130].map(|bytes| some.excess(bytes)), [0, 0, 30]);
    }
}
