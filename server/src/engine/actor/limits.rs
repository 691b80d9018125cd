//! What the tree of a run may use: what holds it to that is shown, and who goes beyond is ended.

use std::future::Future;
use std::pin::Pin;

use app::model::{Limits, Means};

use super::{Actor, ActorError, Event, Run, State, StopCause};
use crate::engine::warden::{Bounds, Excess, Watch};
use crate::engine::words::size;
use crate::keeper::client::{ClientError, GroupReport, TreeLimits};
use crate::sys::spool::ExitRecord;

type Answer = Result<GroupReport, ClientError>;

/// What is done about the limits of a run.
#[derive(Default)]
pub(super) struct Confinement {
    /// The keeper's answer, on its way: what its control group does.
    asking: Option<Pin<Box<dyn Future<Output = Answer> + Send + Sync>>>,
    /// Tells when it uses too much, where no control group does it.
    watch: Option<Watch>,
    is_killed: bool,
}

/// What comes of it.
pub(super) enum Step {
    /// The keeper's answer.
    Told(Answer),
    /// It uses too much.
    Beyond(Excess),
}

/// What comes next; never, when nothing is limited.
pub(super) async fn next(confinement: &mut Option<Confinement>) -> Step {
    match confinement {
        Some(Confinement { asking: Some(asking), .. }) => Step::Told(asking.await),
        Some(Confinement { watch: Some(watch), .. }) => Step::Beyond(watch.next().await),
        _ => std::future::pending().await,
    }
}

impl Actor {
    /// What the keeper is to set.
    pub(super) fn tree_limits(&self) -> TreeLimits {
        let limits = &self.plan.limits;
        TreeLimits {
            memory_bytes: limits.max_memory.map(|size| size.0),
            cpu_milli: limits.max_cpu.map(|cores| cores.milli),
            pids: limits.max_pids,
        }
    }

    /// Asks what holds the run to its limits, if it has any.
    pub(super) fn confine(&self, run: &mut Run) {
        if self.plan.limits.is_empty() || self.state.is_over() {
            return;
        }
        let (keeper, name) = (self.shared.keeper.clone(), run.name.clone());
        let asking = Box::pin(async move { keeper.group(&name).await });
        run.confinement = Some(Confinement { asking: Some(asking), ..Confinement::default() });
    }

    pub(super) async fn take_step(&mut self, step: Step, run: &mut Run) -> Result<(), ActorError> {
        match step {
            Step::Told(answer) => self.note_means(answer, run).await,
            Step::Beyond(excess) => self.end_excess(excess, run).await,
        }
    }

    async fn note_means(&mut self, answer: Answer, run: &mut Run) -> Result<(), ActorError> {
        let report = answer.unwrap_or_else(|error| {
            tracing::warn!(run = run.name, %error, "what its control group does is not known");
            GroupReport::default()
        });
        let asked = self.tree_limits();
        let limits = limits_of(asked, &report);
        let bounds = Bounds {
            memory_bytes: asked.memory_bytes.filter(|_| !report.limits_memory),
            pids: asked.pids.filter(|_| !report.limits_pids),
        };
        if let Some(confinement) = &mut run.confinement {
            confinement.asking = None;
            let root = self.process.pid.filter(|_| bounds != Bounds::default());
            confinement.watch = root.map(|pid| self.shared.warden.watch(&run.name, pid, bounds));
        }
        if self.process.limits == Some(limits) {
            // It was found and told before a restart of Runyard, or for the attempt before.
            return Ok(());
        }
        self.process.limits = Some(limits);
        if limits.cpu_by == Some(Means::Nothing) {
            let text = "maxCpu is not in force: it takes the cpu controller of control groups, \
                        version 2, which runyard was not given here";
            self.say(run, text).await?;
        }
        self.save_and_publish().await?;
        Ok(())
    }

    async fn end_excess(&mut self, excess: Excess, run: &mut Run) -> Result<(), ActorError> {
        match self.state {
            State::Running { .. } => {
                let why = excess.describe();
                self.say(run, &format!("{why}; it is asked to end")).await?;
                self.stop(StopCause::Beyond { why }, run).await?;
            }
            State::Stopping { .. } if excess.is_far() => {
                // There is no time to wait for the grace.
                if let Some(confinement) = run.confinement.as_mut().filter(|it| !it.is_killed) {
                    confinement.is_killed = true;
                    run.grace = None;
                    self.say(run, &format!("{}; it is killed", excess.describe())).await?;
                    self.kill(run).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether it was the kernel that has ended it, for its memory: then the state says so before it
    /// takes the exit.
    pub(super) async fn see_out_of_memory(
        &mut self,
        run: &mut Run,
        exit: &ExitRecord,
    ) -> Result<(), ActorError> {
        run.confinement = None;
        let limits = self.process.limits;
        let is_held = limits.is_some_and(|it| it.memory_by == Some(Means::Cgroup));
        let has_failed = exit.exit_code != Some(0);
        if !is_held || !has_failed || !matches!(self.state, State::Running { .. }) {
            return Ok(());
        }
        let Ok(report) = self.shared.keeper.group(&run.name).await else { return Ok(()) };
        let most = self.tree_limits().memory_bytes.unwrap_or_default();
        if let Some(why) = describe_kill(&report, most) {
            self.say(run, &why).await?;
            self.apply(Event::Stop(StopCause::Beyond { why }))?;
        }
        Ok(())
    }
}

fn describe_kill(report: &GroupReport, most_bytes: u64) -> Option<String> {
    let peak = report.peak_bytes.unwrap_or(most_bytes);
    (report.oom_kills > 0).then(|| {
        format!(
            "memory limit: its tree has used {}, may use {}, and was ended by the kernel",
            size(peak),
            size(most_bytes)
        )
    })
}

fn limits_of(asked: TreeLimits, report: &GroupReport) -> Limits {
    let by = |is_limited: bool, otherwise| if is_limited { Means::Cgroup } else { otherwise };
    let (memory, cpu) = (report.limits_memory, report.limits_cpu);
    Limits {
        max_memory: asked.memory_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
        memory_by: asked.memory_bytes.map(|_| by(memory, Means::Sampling)),
        max_cpu_milli: asked.cpu_milli,
        cpu_by: asked.cpu_milli.map(|_| by(cpu, Means::Nothing)),
        max_pids: asked.pids,
        pids_by: asked.pids.map(|_| by(report.limits_pids, Means::Sampling)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_tree_is_said_for_each_limit_that_there_is() {
        let asked = TreeLimits { memory_bytes: Some(1 << 20), cpu_milli: Some(500), pids: Some(9) };
        let nothing = limits_of(asked, &GroupReport::default());
        assert_eq!(nothing.memory_by, Some(Means::Sampling));
        assert_eq!(nothing.cpu_by, Some(Means::Nothing));
        assert_eq!(nothing.pids_by, Some(Means::Sampling));
        let report = GroupReport {
            limits_memory: true,
            limits_cpu: true,
            limits_pids: true,
            ..GroupReport::default()
        };
        let all = limits_of(asked, &report);
        let cgroup = Some(Means::Cgroup);
        assert_eq!((all.memory_by, all.cpu_by, all.pids_by), (cgroup, cgroup, cgroup));
        let free = limits_of(TreeLimits::default(), &report);
        assert_eq!(free, Limits::default());
    }

    #[test]
    fn a_kill_by_the_kernel_is_told_with_its_figures() {
        let mut report = GroupReport { peak_bytes: Some(64 << 20), ..GroupReport::default() };
        assert_eq!(describe_kill(&report, 64 << 20), None);
        report.oom_kills = 2;
        let words = "memory limit: its tree has used 64.0 MiB, may use 64.0 MiB, and was ended by \
                     the kernel";
        assert_eq!(describe_kill(&report, 64 << 20).as_deref(), Some(words));
    }
}
