//! What each tree uses, looked at every two seconds and kept for a quarter of an hour.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use app::model::{Figures, Point, ProcessId};
use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;

use crate::sys::load::{self, Load};

use super::Shared;
use super::trees::owners_of;

#[cfg(test)]
mod tests;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// Fifteen minutes of looks.
const KEPT: usize = 450;

/// The looks at every process that runs, or ran lately.
#[derive(Debug, Default)]
pub(super) struct Meter {
    series: Mutex<HashMap<ProcessId, Series>>,
}

#[derive(Debug, Default)]
struct Series {
    points: VecDeque<Point>,
    /// Clock ticks of each process of the tree at the last look.
    ticks: HashMap<i32, u64>,
}

impl Meter {
    /// The looks at one process, the newest `most`; empty for one that was never looked at.
    pub(super) fn figures(&self, id: &ProcessId, most: usize) -> Figures {
        let series = self.series.lock();
        let points = series.get(id).map(|series| {
            let skipped = series.points.len().saturating_sub(most);
            series.points.iter().skip(skipped).copied().collect()
        });
        let every_ms = i64::try_from(EVERY.as_millis()).unwrap_or_default();
        Figures { process_id: id.clone(), every_ms, points: points.unwrap_or_default() }
    }

    /// Notes one look: the trees of `roots` among `loads`, `elapsed` after the one before. Series of
    /// processes that `is_known` does not know are dropped.
    fn note(
        &self,
        roots: &[(ProcessId, i32)],
        loads: &[Load],
        now_ms: i64,
        elapsed: Duration,
        is_known: impl Fn(&ProcessId) -> bool,
    ) {
        let places = roots.iter().enumerate().map(|(place, (_, pid))| (*pid, place)).collect();
        let owners = owners_of(&places, loads);
        let mut used: HashMap<usize, (u64, u64, HashMap<i32, u64>)> = HashMap::new();
        let mut all = self.series.lock();
        for load in loads {
            let Some(&owner) = owners.get(&load.pid) else { continue };
            let (ticks, bytes, each) = used.entry(owner).or_default();
            let before = roots.get(owner).and_then(|(id, _)| all.get(id));
            // One that is new since the last look used all of its time since then.
            let before = before.and_then(|series| series.ticks.get(&load.pid)).copied();
            *ticks += load.ticks.saturating_sub(before.unwrap_or(0));
            *bytes += load.rss_bytes;
            each.insert(load.pid, load.ticks);
        }
        for (place, (id, _)) in roots.iter().enumerate() {
            let Some((ticks, bytes, each)) = used.remove(&place) else { continue };
            let series = all.entry(id.clone()).or_default();
            let is_first = series.ticks.is_empty();
            series.ticks = each;
            let cpu_milli = if is_first { 0 } else { milli_of_a_core(ticks, elapsed) };
            if series.points.len() >= KEPT {
                series.points.pop_front();
            }
            let rss_bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            series.points.push_back(Point { ts: now_ms, cpu_milli, rss_bytes });
        }
        all.retain(|id, _| is_known(id));
    }
}

/// Thousandths of a core.
fn milli_of_a_core(ticks: u64, elapsed: Duration) -> i64 {
    let used_ms = ticks.saturating_mul(1_000) / load::TICKS_PER_SECOND;
    let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    i64::try_from(used_ms.saturating_mul(1_000) / elapsed_ms).unwrap_or(i64::MAX)
}

/// Looks every two seconds until Runyard ends. While nothing runs it looks at nothing.
pub(super) async fn look_on(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = tokio::time::Instant::now();
    loop {
        ticks.tick().await;
        let roots = shared.registry.roots();
        if roots.is_empty() {
            continue;
        }
        let looked = tokio::task::spawn_blocking(load::read_all).await;
        let elapsed = last.elapsed();
        last = tokio::time::Instant::now();
        match looked {
            Ok(Ok(loads)) => {
                let now_ms = shared.clock.now_ms();
                let is_known = |id: &ProcessId| shared.registry.get(id).is_some();
                shared.meter.note(&roots, &loads, now_ms, elapsed, is_known);
            }
            Ok(Err(error)) => tracing::warn!(%error, "the processes cannot be looked at"),
            Err(_) => return,
        }
    }
}
