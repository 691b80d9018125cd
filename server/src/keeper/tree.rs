//! Who belongs to a run: everything that came of its root, whatever it did to get away.
//!
//! One look at all processes ([`Snapshot`]) answers for any number of runs. What is dear in it is
//! reading environments, so the mark that was found in one is remembered ([`Marks`]) as long as its
//! process is there.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::Duration;

use super::protocol::{RUN_VARIABLE, Survivor};
use crate::sys::pidfd::Pidfd;
use crate::sys::process;
use crate::sys::procfs::{self, Stat};

/// Survivors that are named.
const MAX_NAMED: usize = 100;
/// How often, and after which pause, the environment of an orphan is looked for.
const LOOKS: u32 = 100;
const LOOK_AGAIN: Duration = Duration::from_micros(300);

/// A run's root process, which may be gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root<'a> {
    /// The run.
    pub(super) run: &'a str,
    /// The pid that it has or had; 0 when it was never known.
    pub(super) pid: i32,
    /// When it started, which tells it from a later process with its pid.
    pub(super) starttime: u64,
}

/// Which run each process is of, as its environment says.
#[derive(Debug, Default)]
pub(super) struct Marks {
    known: HashMap<(i32, u64), Option<String>>,
}

/// All processes at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    all: Vec<Stat>,
    keeper: i32,
    at: HashMap<i32, usize>,
    by_parent: HashMap<i32, Vec<usize>>,
    by_session: HashMap<i32, Vec<usize>>,
    by_group: HashMap<i32, Vec<usize>>,
    by_mark: HashMap<String, Vec<usize>>,
    killed: HashMap<String, HashSet<i32>>,
}

impl Marks {
    /// Looks at all processes. Those that are found with the mark of a run in `doomed` are killed as
    /// they are found: a tree that grows while it is cut has its newest members at the end of the
    /// list, and is caught up with.
    ///
    /// # Errors
    /// Those of reading `/proc`.
    pub(super) fn look(&mut self, doomed: &[&str]) -> io::Result<Snapshot> {
        let keeper = process::own_pid();
        let before = std::mem::take(&mut self.known);
        let mut snapshot = Snapshot::new(keeper);
        procfs::for_each_process(|stat| {
            let mark = self.mark_of(&stat, &before, keeper);
            if let Some(run) = mark.as_deref().filter(|run| doomed.contains(run))
                && snapshot.may_be_touched(&stat)
                && send(&stat, libc::SIGKILL)
            {
                snapshot.killed.entry(run.to_owned()).or_default().insert(stat.pid);
            }
            snapshot.add(stat, mark);
        })?;
        Ok(snapshot)
    }

    /// The mark in a process's environment. While a process becomes another program it seems to have
    /// none. That matters for orphans, who are nobody's descendants but the keeper's: they are
    /// looked at again.
    fn mark_of(
        &mut self,
        stat: &Stat,
        before: &HashMap<(i32, u64), Option<String>>,
        keeper: i32,
    ) -> Option<String> {
        if stat.is_dead() || stat.is_kernel_thread() {
            return None;
        }
        let identity = (stat.pid, stat.starttime);
        let mut mark = before.get(&identity).cloned();
        for _ in 0..LOOKS {
            if mark.is_some() {
                break;
            }
            match procfs::environ(stat.pid) {
                Ok(environ) if environ.is_empty() && procfs::is_changing(stat.pid) => {}
                Ok(environ) => mark = Some(procfs::item(&environ, RUN_VARIABLE)),
                // Another user's, or gone.
                Err(_) => mark = Some(None),
            }
            if mark.is_none() {
                if stat.ppid != keeper {
                    return None;
                }
                std::thread::sleep(LOOK_AGAIN);
            }
        }
        let mark = mark?;
        self.known.insert(identity, mark.clone());
        mark
    }
}

impl Snapshot {
    fn new(keeper: i32) -> Self {
        Self {
            all: Vec::new(),
            keeper,
            at: HashMap::new(),
            by_parent: HashMap::new(),
            by_session: HashMap::new(),
            by_group: HashMap::new(),
            by_mark: HashMap::new(),
            killed: HashMap::new(),
        }
    }

    fn add(&mut self, stat: Stat, mark: Option<String>) {
        let index = self.all.len();
        self.all.push(stat);
        self.at.insert(stat.pid, index);
        self.by_parent.entry(stat.ppid).or_default().push(index);
        self.by_session.entry(stat.session).or_default().push(index);
        self.by_group.entry(stat.pgrp).or_default().push(index);
        if let Some(mark) = mark {
            self.by_mark.entry(mark).or_default().push(index);
        }
    }

    fn may_be_touched(&self, stat: &Stat) -> bool {
        stat.pid > 1 && stat.pid != self.keeper && !stat.is_dead()
    }

    /// The processes of a run that are alive; `leaf` are those of its control group.
    pub(super) fn members(&self, root: Root<'_>, leaf: &[i32]) -> Vec<Stat> {
        // When somebody else has the root's pid now, its session and group are that one's.
        let is_reused = self.get(root.pid).is_some_and(|other| other.starttime != root.starttime);
        let owns_ids = root.pid > 1 && !is_reused;
        let none = Vec::new();
        let marked = self.by_mark.get(root.run).unwrap_or(&none);
        let mut found: Vec<Stat> = marked.iter().map(|&index| self.all[index]).collect();
        // One that came after the look is asked for by itself.
        let later = |pid: &i32| procfs::stat(*pid).ok().flatten();
        found.extend(leaf.iter().filter_map(|pid| self.get(*pid).or_else(|| later(pid))));
        if owns_ids {
            for index in [&self.by_session, &self.by_group, &self.by_parent] {
                // A dead root is no member, but its children still name it as their parent for a
                // moment.
                let same = index.get(&root.pid).unwrap_or(&none);
                found.extend(same.iter().map(|&index| self.all[index]));
            }
        }
        let mut chosen = HashSet::new();
        let mut members = Vec::new();
        while let Some(stat) = found.pop() {
            if self.may_be_touched(&stat) && chosen.insert(stat.pid) {
                members.push(stat);
                let children = self.by_parent.get(&stat.pid).unwrap_or(&none);
                found.extend(children.iter().map(|&index| self.all[index]));
            }
        }
        members.sort_unstable_by_key(|stat| stat.pid);
        members
    }

    /// Who was killed while it was looked for.
    pub(super) fn killed(&mut self, run: &str) -> HashSet<i32> {
        self.killed.remove(run).unwrap_or_default()
    }

    fn get(&self, pid: i32) -> Option<Stat> {
        self.at.get(&pid).map(|&index| self.all[index])
    }
}

/// Those of the root's process group.
pub(super) fn group(root: Root<'_>, members: Vec<Stat>) -> Vec<Stat> {
    members.into_iter().filter(|member| member.pgrp == root.pid).collect()
}

/// Sends a signal to those of them that are still who they were; returns the pids that got it.
pub(super) fn signal(members: &[Stat], signal: i32) -> Vec<i32> {
    members.iter().filter(|member| send(member, signal)).map(|member| member.pid).collect()
}

fn send(member: &Stat, signal: i32) -> bool {
    let Ok(pidfd) = Pidfd::open(member.pid) else { return false };
    // From here on the pid cannot become another's behind the descriptor.
    let Ok(Some(now)) = procfs::stat(member.pid) else { return false };
    now.starttime == member.starttime && pidfd.send_signal(signal).is_ok()
}

/// Names them.
pub(super) fn name(members: &[Stat]) -> Vec<Survivor> {
    let named = members.iter().take(MAX_NAMED);
    named.map(|stat| Survivor { pid: stat.pid, cmdline: procfs::cmdline(stat.pid) }).collect()
}

/// Those who have one of these pipes open, looked for among `members`, and when it is none of them
/// among all processes.
pub(super) fn holders(members: &[Stat], pipes: &[u64]) -> io::Result<Vec<Survivor>> {
    let holds = |stat: &Stat| {
        let open = procfs::pipes_of(stat.pid).unwrap_or_default();
        open.iter().any(|(_, inode)| pipes.contains(inode))
    };
    let mut found: Vec<Stat> = members.iter().filter(|stat| holds(stat)).copied().collect();
    if found.is_empty() {
        let keeper = process::own_pid();
        procfs::for_each_process(|stat| {
            if stat.pid != keeper && holds(&stat) {
                found.push(stat);
            }
        })?;
    }
    Ok(name(&found))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEPER: i32 = 90;
    const ROOT: Root<'static> = Root { run: "a.1", pid: 100, starttime: 5 };

    fn stat(pid: i32, ppid: i32, session: i32) -> Stat {
        let starttime = if pid == 100 { 5 } else { 6 };
        Stat { pid, state: 'S', ppid, pgrp: session, session, starttime }
    }

    fn pids_with(all: &[Stat], marked: &[i32], leaf: &[i32]) -> Vec<i32> {
        let mut snapshot = Snapshot::new(KEEPER);
        for stat in all {
            let mark = marked.contains(&stat.pid).then(|| "a.1".to_owned());
            snapshot.add(*stat, mark);
        }
        snapshot.members(ROOT, leaf).iter().map(|member| member.pid).collect()
    }

    fn pids(all: &[Stat], marked: &[i32]) -> Vec<i32> {
        pids_with(all, marked, &[])
    }

    #[test]
    fn descendants_are_found_across_sessions() {
        let all =
            [stat(1, 0, 1), stat(KEEPER, 1, KEEPER), stat(100, KEEPER, 100), stat(101, 100, 101)];
        assert_eq!(pids(&all, &[]), [100, 101]);
    }

    #[test]
    fn orphans_are_found_by_session_by_mark_and_by_group() {
        let all = [
            stat(1, 0, 1),
            stat(KEEPER, 1, KEEPER),
            stat(102, KEEPER, 100),
            stat(103, KEEPER, 103),
            stat(104, 103, 104),
            stat(105, KEEPER, 105),
            stat(106, KEEPER, 106),
        ];
        assert_eq!(pids_with(&all, &[103], &[106]), [102, 103, 104, 106]);
    }

    #[test]
    fn whoever_has_the_pid_now_is_left_alone_with_its_session() {
        let mut stranger = stat(100, 1, 100);
        stranger.starttime = 99;
        let all = [stranger, stat(106, 100, 100), stat(107, 1, 107)];
        assert_eq!(pids(&all, &[107]), [107]);
    }

    #[test]
    fn init_the_keeper_and_the_dead_are_never_members() {
        let mut zombie = stat(101, 100, 100);
        zombie.state = 'Z';
        let all = [stat(1, 0, 100), stat(KEEPER, 1, 100), stat(100, KEEPER, 100), zombie];
        assert_eq!(pids_with(&all, &[1, KEEPER], &[1, KEEPER]), [100]);
    }

    #[test]
    fn a_changed_start_time_is_not_signalled() {
        let own = procfs::stat(process::own_pid()).unwrap().unwrap();
        assert_eq!(signal(&[own], 0), [own.pid]);
        assert_eq!(signal(&[Stat { starttime: own.starttime + 1, ..own }], 0), [0; 0]);
    }

    #[test]
    fn a_mark_is_read_once_and_forgotten_with_its_process() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .env(RUN_VARIABLE, "tree-test.1")
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let root = Root { run: "tree-test.1", pid: 0, starttime: 0 };
        let mut marks = Marks::default();
        let find = |marks: &mut Marks| marks.look(&[]).unwrap().members(root, &[]);
        // Its environment is there once it is `sleep`.
        while find(&mut marks).is_empty() {
            std::thread::yield_now();
        }
        let identity = (pid, find(&mut marks)[0].starttime);
        assert_eq!(marks.known.get(&identity), Some(&Some("tree-test.1".to_owned())));
        let mut doomed = marks.look(&["tree-test.1"]).unwrap();
        assert_eq!(doomed.killed("tree-test.1"), HashSet::from([pid]));
        child.wait().unwrap();
        assert!(find(&mut marks).is_empty());
        assert!(!marks.known.contains_key(&identity));
    }

    #[test]
    fn the_holder_of_a_pipe_is_named() {
        let pipe = crate::sys::pipe::Pipe::new().unwrap();
        let child = std::fs::File::from(pipe.child);
        let mut holder =
            std::process::Command::new("sleep").arg("60").stdout(child).spawn().unwrap();
        let found = holders(&[], &[pipe.inode]).unwrap();
        let pid = i32::try_from(holder.id()).unwrap();
        assert!(found.iter().any(|it| it.pid == pid && it.cmdline == "sleep 60"), "{found:?}");
        holder.kill().unwrap();
        holder.wait().unwrap();
    }
}
