//! What the server asks for.

use std::sync::atomic::Ordering;

use super::runs::Phase;
use super::{Command, Control, note};
use crate::keeper::protocol::{Event, GroupReport, Request, RunInfo, Scope, StatsReport, Survivor};
use crate::keeper::tree;
use crate::sys::spool::{is_run_name, read_meta, release};

/// Runs in one message: far below its limit, with names of any length.
const RUNS_PER_MESSAGE: usize = 200;

impl Control {
    pub(super) fn obey(&mut self, client: u64, id: u64, request: Request) {
        match request {
            // The first message is looked at where it comes in.
            Request::Hello { .. } => {}
            Request::List => self.list(client, id),
            Request::Spawn(spec) => self.order_start((client, id), spec),
            Request::Signal { run, signal, scope } => {
                if let Err(message) = self.signal(client, id, &run, signal, scope) {
                    self.answer(client, id, &Event::Error { message });
                }
            }
            Request::Holders { run } => match self.holders(&run) {
                Ok(holders) => self.answer(client, id, &Event::Holders { run, holders }),
                Err(message) => self.answer(client, id, &Event::Error { message }),
            },
            Request::Group { run } => {
                let report = if is_run_name(&run) {
                    self.ground.leaves.report(run)
                } else {
                    GroupReport::default()
                };
                self.answer(client, id, &Event::Group(report));
            }
            Request::Release { run, out, err, idx } => self.release(&run, out, err, idx),
            Request::Forget { run } => {
                if let Some(&key) = self.keys.get(&run) {
                    self.forget(key);
                }
            }
            Request::Stats => {
                let alive = |phase: &Phase| matches!(phase, Phase::Alive(_));
                let report = StatsReport {
                    runs: self.runs.len() as u64,
                    alive: self.runs.values().filter(|run| alive(&run.phase)).count() as u64,
                    wakes: self.counters.wakes.load(Ordering::Relaxed),
                    bytes: self.counters.bytes.load(Ordering::Relaxed),
                };
                self.answer(client, id, &Event::StatsReport(report));
            }
            Request::Shutdown => self.ending = true,
        }
    }

    /// Tells of all runs, as soon as none is being started: a server that has just come must not
    /// believe that one of them was never there.
    pub(super) fn list(&mut self, client: u64, id: u64) {
        if !self.starting.is_empty() {
            return self.listing.push((client, id));
        }
        let listed = self.runs.values().filter(|run| !matches!(run.phase, Phase::Leaving));
        let mut runs: Vec<RunInfo> = listed.map(super::Run::info).collect();
        loop {
            let rest = runs.split_off(runs.len().min(RUNS_PER_MESSAGE));
            let last = rest.is_empty();
            self.answer(client, id, &Event::Runs { runs, last });
            if last {
                return;
            }
            runs = rest;
        }
    }

    fn signal(
        &mut self,
        client: u64,
        id: u64,
        run: &str,
        signal: i32,
        scope: Scope,
    ) -> Result<(), String> {
        if !is_run_name(run) {
            return Err(format!("there is no run {run:?}"));
        }
        if !(0..=libc::SIGRTMAX()).contains(&signal) {
            return Err(format!("there is no signal {signal}"));
        }
        let asked = (client, id);
        if scope != Scope::Process {
            self.signal_many(asked, run.to_owned(), signal, scope);
            return Ok(());
        }
        let Some(key) = self.keys.get(run) else { return Err(format!("there is no run {run}")) };
        let delivered = match self.runs.get(key).map(|run| &run.phase) {
            Some(Phase::Alive(pidfd)) => match pidfd.send_signal(signal) {
                Ok(()) => 1,
                // It has ended this moment.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => 0,
                Err(error) => return Err(format!("cannot signal {run}: {error}")),
            },
            _ => 0,
        };
        self.answer_signal(asked, run.to_owned(), signal, delivered, Vec::new());
        Ok(())
    }

    /// Who has the pipes of a run open.
    fn holders(&mut self, run: &str) -> Result<Vec<Survivor>, String> {
        let failed = |error: &dyn std::fmt::Display| format!("cannot look into {run}: {error}");
        if !self.keys.contains_key(run) {
            return Err(format!("there is no run {run:?}"));
        }
        let meta = read_meta(&self.runs_dir.join(run)).map_err(|error| failed(&error))?;
        let Some(meta) = meta else { return Ok(Vec::new()) };
        let snapshot = self.marks.look(&[]).map_err(|error| failed(&error))?;
        let members = self.members(&snapshot, run, Scope::Tree);
        tree::holders(&members, &[meta.out_pipe, meta.err_pipe]).map_err(|error| failed(&error))
    }

    fn release(&mut self, run: &str, out: u64, err: u64, idx: u64) {
        let Some(run) = self.keys.get(run).and_then(|key| self.runs.get_mut(key)) else { return };
        if !run.advance_release(out, err, idx) {
            return;
        }
        if let Err(error) = release(&self.runs_dir.join(&run.name), out, err, idx) {
            note(&format!("cannot release the spool of {}: {error}", run.name));
        }
        run.progress.released.fetch_max(out.saturating_add(err), Ordering::AcqRel);
        let mover = run.mover;
        self.tell_mover(mover, Command::Roomier);
    }
}
