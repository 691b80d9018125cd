//! What is declared and what has a schedule, as it is shown.

use std::sync::Arc;

use app::model::{DeclaredList, DeclaredProcess, Process};

use super::Fleet;
use crate::config::{ProcessConfig, Schedule};

/// Times that are shown ahead.
const SHOWN_TIMES: usize = 5;

impl Fleet {
    /// What is declared, with the times to come.
    #[must_use]
    pub fn list(&self) -> DeclaredList {
        let now = self.engine.shared.clock.now_ms();
        let catalogue = self.catalog.current();
        let describe = |(name, config): (&String, &ProcessConfig)| {
            let (project, kind) = catalogue.describe_declared(name)?;
            let depends_on = config.depends_on.iter();
            let schedule = config.schedule();
            let live = self.engine.shared.registry.live_of(name);
            Some(DeclaredProcess {
                name: name.clone(),
                is_declared: true,
                project,
                kind,
                autostart: config.autostart,
                replicas: config.replicas(),
                depends_on: depends_on
                    .map(|(other, condition)| format!("{other} to {}", condition.describe()))
                    .collect(),
                timezone: schedule.as_ref().and(config.timezone.clone()),
                next_times: schedule.map_or(vec![], |it| it.next_times(now, SHOWN_TIMES)),
                schedule: config.schedule.clone(),
                live: live.into_iter().map(|(_, id)| id).collect(),
            })
        };
        let declared = catalogue.declared().iter().filter_map(describe);
        let mut processes: Vec<_> = declared.chain(self.list_timed(now)).collect();
        processes.sort_by(|one, other| (&one.name, &one.live).cmp(&(&other.name, &other.live)));
        DeclaredList { processes }
    }

    /// What a start gave a schedule, and nobody has stopped since.
    fn list_timed(&self, now: i64) -> Vec<DeclaredProcess> {
        let describe = |process: Arc<Process>| {
            let pattern = process.schedule.clone()?;
            let times = Schedule::parse(&pattern, process.timezone.as_deref()).ok()?;
            Some(DeclaredProcess {
                name: process.script.clone(),
                is_declared: false,
                project: process.project.clone(),
                kind: process.kind,
                autostart: false,
                replicas: 1,
                depends_on: vec![],
                schedule: Some(pattern),
                timezone: process.timezone.clone(),
                next_times: times.next_times(now, SHOWN_TIMES),
                live: vec![process.id.clone()],
            })
        };
        self.engine.live_processes().into_iter().filter_map(describe).collect()
    }
}
