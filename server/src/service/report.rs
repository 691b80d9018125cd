//! What is told of many processes and logs at once: an overview, and two runs side by side.

use std::sync::Arc;

use app::model::{Entry, Point, Process, ProcessId, Status, Verb};
use app::report::{CompareRow, Overview, Space};

use super::{Caller, ServiceError};
use crate::auth::Target;
use crate::logs::compare::{Aligned, Row, Side, align};
use crate::store::{ListQuery, ScriptName};

/// Rows of two runs that are shown at a time.
const ROWS: usize = 1_000;
/// Processes of a status that are looked at.
const LOOKED_AT: u32 = 500;
const DAY_MS: i64 = 86_400_000;

/// A run beside the last success.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The run in question.
    pub process: Process,
    /// The last success of its script before it.
    pub success: Option<Process>,
    /// Line by line.
    pub rows: Vec<CompareRow>,
    /// Where it goes on, in the run and in the success; `None` at the end of both.
    pub next: Option<(i64, i64)>,
}

impl Caller {
    /// A process's newest run beside the last run of its script that succeeded before it, some rows from
    /// a place in both on; from their beginnings when that is not said.
    ///
    /// # Errors
    /// 404 when there is no such process.
    pub async fn compare_process(
        &self,
        id: &ProcessId,
        from: Option<(i64, i64)>,
    ) -> Result<Comparison, ServiceError> {
        let process = (*self.authorise_process(Verb::ReadLogs, "log.compare", id).await?).clone();
        let query = ListQuery {
            q: Some(process.script.clone()),
            status: Some(Status::Completed.as_str().to_owned()),
            project: Some(process.project.clone()),
            before: Some(id.clone()),
            ..ListQuery::default()
        };
        let (found, _) = self.allowed_processes(Verb::ReadLogs, query, LOOKED_AT).await?;
        let success = found.into_iter().find(|other| other.script == process.script);
        let Some(success) = success else {
            return Ok(Comparison { process, success: None, rows: vec![], next: None });
        };
        let (left, right) = from.unzip();
        let (left, right) = (self.side_of(&process, left), self.side_of(&success, right));
        let Aligned { rows, next } = align(left, right, ROWS).await?;
        let indexes = |of: fn(&Row) -> Option<i64>| rows.iter().filter_map(of).collect::<Vec<_>>();
        let lefts = self.entries_at(&process, &indexes(Row::left)).await?;
        let rights = self.entries_at(&success, &indexes(Row::right)).await?;
        let (mut lefts, mut rights) = (lefts.into_iter().peekable(), rights.into_iter().peekable());
        let rows = rows.into_iter().map(|row| match row {
            Row::Alike(count) => CompareRow::Alike(count),
            Row::Lines { left, right, is_same } => CompareRow::Lines {
                left: lefts.next_if(|entry| Some(entry.idx) == left),
                right: rights.next_if(|entry| Some(entry.idx) == right),
                is_same,
            },
        });
        Ok(Comparison { process, success: Some(success), rows: rows.collect(), next })
    }

    /// What the newest attempt itself wrote, from its first line on or from a later one.
    fn side_of(&self, process: &Process, from: Option<i64>) -> Side {
        let attempt = process.attempts.last();
        let first = attempt.and_then(|attempt| attempt.first_idx).unwrap_or(0);
        let last = attempt.and_then(|attempt| attempt.last_idx).unwrap_or(i64::MAX);
        let reader = self.service().engine.log_reader(&process.id);
        Side::new(reader, from.map_or(first, |from| from.max(first)), last)
    }

    async fn entries_at(
        &self,
        process: &Process,
        indexes: &[i64],
    ) -> Result<Vec<Entry>, ServiceError> {
        Ok(self.service().engine.log_reader(&process.id).entries_at(indexes).await?)
    }

    /// What runs, what failed since yesterday, how full things are: as far as one may see it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn overview(&self) -> Result<Overview, ServiceError> {
        let now = self.service().clock.now_ms();
        let since = now - DAY_MS;
        let (mut failed, mut failed_count) = (Vec::new(), 0);
        for status in [Status::Failed, Status::Lost] {
            failed.extend(self.ended_since(status, since).await?);
            failed_count += self.count_ended_since(status, since).await?;
        }
        failed.sort_by_key(|process| std::cmp::Reverse(process.ended_at));
        let mut waiting = self.with_status(Status::Queued);
        waiting.extend(self.with_status(Status::Waiting));
        // Those that only wait for a slot first, in their order.
        waiting.sort_by_key(|process| (process.position.unwrap_or(u32::MAX), process.created_at));
        let sees_all = self.access().allows(Verb::View, Target::System);
        let space = if sees_all { Some(self.service().store.space().await?) } else { None };
        let space = space.map(|space| Space { bytes: space.bytes, free_bytes: space.free_bytes });
        let logs = if sees_all { Some(self.service().log_report().await?) } else { None };
        let figures = self.service().engine.figures();
        Ok(Overview {
            now,
            running: self.with_status(Status::Running),
            waiting,
            // One that has just ended may not be counted yet.
            failed_count: failed_count.max(failed.len()),
            failed,
            slots: sees_all.then_some((figures.slots_used, figures.slots)),
            space,
            logs,
            busy: self.list_busy(),
        })
    }

    /// What runs, with what it uses now, the busiest first.
    fn list_busy(&self) -> Vec<(Process, Point)> {
        let engine = &self.service().engine;
        let running = engine.running();
        let seen = running.iter().filter(|process| self.may_see(process));
        let newest = |process: &Arc<Process>| {
            let point = engine.tree_figures(&process.id, 1).points.last().copied()?;
            Some(((**process).clone(), point))
        };
        let mut busy: Vec<_> = seen.filter_map(newest).collect();
        // Of what does next to nothing, that which holds most memory.
        busy.sort_by_key(|(_, point)| std::cmp::Reverse((point.cpu_milli / 10, point.rss_bytes)));
        busy
    }

    /// What has a status that is no end, as far as one may see it; all of it is in memory.
    fn with_status(&self, status: Status) -> Vec<Process> {
        let all = self.service().engine.with_status(status);
        all.iter().filter(|process| self.may_see(process)).map(|one| (**one).clone()).collect()
    }

    /// The newest processes that ended so, and later than `since`.
    async fn ended_since(&self, status: Status, since: i64) -> Result<Vec<Process>, ServiceError> {
        let query = ListQuery {
            status: Some(status.as_str().to_owned()),
            ended_after: Some(since),
            ..ListQuery::default()
        };
        Ok(self.allowed_processes(Verb::View, query, LOOKED_AT).await?.0)
    }

    /// How many there are of them.
    async fn count_ended_since(&self, status: Status, since: i64) -> Result<usize, ServiceError> {
        let counts = self.service().store.end_counts(status, since).await?;
        let may_see = |(project, script): &ScriptName| {
            self.access().allows(Verb::View, Target::Script { project, script })
        };
        let seen = counts.iter().filter(|(script, _)| may_see(script)).map(|(_, count)| count);
        Ok(usize::try_from(seen.sum::<i64>()).unwrap_or(0))
    }
}
