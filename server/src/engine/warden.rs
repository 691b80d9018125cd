//! Looks every half second at the trees that no control group holds to their limits. One look at
//! `/proc` is for all of them; while there are none, nobody looks.
//!
//! What is cheap comes first: the resident sizes, which count shared memory once for each process.
//! Only where their sum is beyond the limit, each process is asked for its true share (PSS).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};
use tokio::time::MissedTickBehavior;

use super::Shared;
use super::trees::owners_of;
use super::words::size;
use crate::keeper::client::{RUN_VARIABLE, pid_of_keeper};
use crate::sys::load::{self, Load};
use crate::sys::procfs;

#[cfg(test)]
mod tests;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);
/// Tellings that wait for an actor that is busy: further ones say the same.
const TOLD: usize = 4;

/// What a tree may use; `None` is as much as there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Bytes of memory.
    pub(super) memory_bytes: Option<u64>,
    /// Processes and threads.
    pub(super) pids: Option<u32>,
}

/// What a tree has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    Memory { used_bytes: u64, most_bytes: u64 },
    Pids { count: u64, most: u32 },
}

impl Excess {
    /// In words.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Memory { used_bytes, most_bytes } => format!(
                "memory limit: its tree uses {}, and may use {}",
                size(used_bytes),
                size(most_bytes)
            ),
            Self::Pids { count, most } => format!(
                "process limit: its tree has {count} processes and threads, and may have {most}"
            ),
        }
    }

    /// So much more than allowed that there is no time to ask it to end.
    pub(super) fn is_far(self) -> bool {
        match self {
            Self::Memory { used_bytes, most_bytes } => used_bytes > most_bytes + most_bytes / 4,
            Self::Pids { count, most } => count > u64::from(most) * 2,
        }
    }
}

/// The trees that are looked at.
#[derive(Debug, Default)]
pub(super) struct Warden {
    watched: Mutex<HashMap<String, Watched>>,
    changed: Notify,
}

#[derive(Clone, Debug)]
struct Watched {
    root: i32,
    bounds: Bounds,
    tell: mpsc::Sender<Excess>,
}

/// Tells what a tree has too much of, with every look, until it is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    warden: Arc<Warden>,
    run: String,
    news: mpsc::Receiver<Excess>,
}

impl Warden {
    /// Looks at the tree of a run from now on.
    pub(super) fn watch(self: &Arc<Self>, run: &str, root: i32, bounds: Bounds) -> Watch {
        let (tell, news) = mpsc::channel(TOLD);
        self.watched.lock().insert(run.to_owned(), Watched { root, bounds, tell });
        self.changed.notify_one();
        Watch { warden: Arc::clone(self), run: run.to_owned(), news }
    }

    fn all(&self) -> Vec<(String, Watched)> {
        self.watched.lock().iter().map(|(run, watched)| (run.clone(), watched.clone())).collect()
    }
}

impl Watch {
    /// What it has too much of at the next look at which it has.
    pub(super) async fn next(&mut self) -> Excess {
        match self.news.recv().await {
            Some(excess) => excess,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.warden.watched.lock().remove(&self.run);
    }
}

/// What a look can ask about single processes, which costs.
trait Ask {
    /// Which run a process bears the mark of.
    fn mark_of(&self, pid: i32) -> Option<String>;
    /// Its share of the memory; `None` when it is gone, or somebody else's.
    fn share_of(&self, pid: i32) -> Option<u64>;
}

/// The system.
struct Proc;

impl Ask for Proc {
    fn mark_of(&self, pid: i32) -> Option<String> {
        procfs::item(&procfs::environ(pid).ok()?, RUN_VARIABLE)
    }

    fn share_of(&self, pid: i32) -> Option<u64> {
        load::share_bytes(pid)
    }
}

/// Looks until Runyard ends.
pub(super) async fn look_on(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let watched = shared.warden.all();
        if watched.is_empty() {
            shared.warden.changed.notified().await;
            continue;
        }
        let data_dir = shared.settings.data_dir.clone();
        let looked = tokio::task::spawn_blocking(move || look(&watched, &data_dir)).await;
        match looked {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the processes cannot be looked at"),
            Err(_) => return,
        }
    }
}

fn look(watched: &[(String, Watched)], data_dir: &Path) -> std::io::Result<()> {
    let loads = load::read_all()?;
    for (place, excess) in judge(watched, &loads, pid_of_keeper(data_dir), &Proc) {
        if let Some((_, watched)) = watched.get(place) {
            // One that is told already is at work on it, or has ended.
            let _ = watched.tell.try_send(excess);
        }
    }
    Ok(())
}

/// Who has too much of what, by its place in `watched`.
fn judge(
    watched: &[(String, Watched)],
    loads: &[Load],
    keeper: Option<i32>,
    ask: &impl Ask,
) -> Vec<(usize, Excess)> {
    let mut roots: HashMap<i32, usize> =
        watched.iter().enumerate().map(|(place, (_, one))| (one.root, place)).collect();
    // Who has left its tree is the keeper's child now, or that of the first process.
    let adopted = |load: &&Load| load.ppid == 1 || Some(load.ppid) == keeper;
    let strays: Vec<_> = loads
        .iter()
        .filter(adopted)
        .filter(|load| !roots.contains_key(&load.pid) && !roots.contains_key(&load.session))
        .filter_map(|load| {
            let mark = ask.mark_of(load.pid)?;
            let place = watched.iter().position(|(run, _)| *run == mark)?;
            Some((load.pid, place))
        })
        .collect();
    roots.extend(strays);
    let owners = owners_of(&roots, loads);
    let mut trees: Vec<Vec<&Load>> = vec![Vec::new(); watched.len()];
    for load in loads {
        if let Some(tree) = owners.get(&load.pid).and_then(|&place| trees.get_mut(place)) {
            tree.push(load);
        }
    }
    let each = watched.iter().zip(&trees).enumerate();
    each.filter_map(|(place, ((_, one), tree))| Some((place, weigh(one.bounds, tree, ask)?)))
        .collect()
}

fn weigh(bounds: Bounds, tree: &[&Load], ask: &impl Ask) -> Option<Excess> {
    if let Some(most_bytes) = bounds.memory_bytes
        && tree.iter().map(|load| load.rss_bytes).sum::<u64>() > most_bytes
    {
        let share = |load: &&Load| ask.share_of(load.pid).unwrap_or(load.rss_bytes);
        let used_bytes = tree.iter().map(share).sum::<u64>();
        if used_bytes > most_bytes {
            return Some(Excess::Memory { used_bytes, most_bytes });
        }
    }
    let most = bounds.pids?;
    let count = tree.iter().map(|load| load.threads).sum::<u64>();
    (count > u64::from(most)).then_some(Excess::Pids { count, most })
}
