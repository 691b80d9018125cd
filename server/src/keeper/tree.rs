//! Who belongs to a run: everything that came of its root, whatever it did to get away.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use super::protocol::{RUN_VARIABLE, Survivor};
use crate::sys::pidfd::Pidfd;
use crate::sys::process;
use crate::sys::procfs::{self, Stat};

/// Survivors that are named.
const MAX_NAMED: usize = 100;
/// How often, and after which pause, the environment of an orphan is looked for.
const LOOKS: u32 = 4;
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

/// The processes of a run that are alive.
pub(super) fn members(root: Root<'_>) -> io::Result<Vec<Stat>> {
    let mark = format!("{RUN_VARIABLE}={}", root.run);
    let all = procfs::processes()?;
    let keeper = process::own_pid();
    Ok(select(root, &all, keeper, |stat| is_marked(stat, &mark, keeper)))
}

/// Whether the mark is in a process's environment. While a process becomes another program it seems
/// to have none. That matters for orphans, who are nobody's descendants but the keeper's: they are
/// looked at again.
fn is_marked(stat: &Stat, mark: &str, keeper: i32) -> bool {
    for _ in 0..LOOKS {
        let environ = procfs::environ(stat.pid);
        if !environ.is_empty() || stat.ppid != keeper {
            return procfs::has_item(&environ, mark);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    false
}

/// Those of the root's process group.
pub(super) fn group(root: Root<'_>, members: Vec<Stat>) -> Vec<Stat> {
    members.into_iter().filter(|member| member.pgrp == root.pid).collect()
}

fn select(
    root: Root<'_>,
    all: &[Stat],
    keeper: i32,
    is_marked: impl Fn(&Stat) -> bool,
) -> Vec<Stat> {
    // When somebody else has the root's pid now, its session and group are that one's.
    let is_reused =
        all.iter().any(|other| other.pid == root.pid && other.starttime != root.starttime);
    let owns_ids = root.pid > 1 && !is_reused;
    let may_be_touched = |stat: &&Stat| stat.pid > 1 && stat.pid != keeper && !stat.is_dead();
    let mut chosen: HashSet<i32> = all
        .iter()
        .filter(may_be_touched)
        .filter(|stat| {
            let has_ids = stat.session == root.pid || stat.pgrp == root.pid;
            owns_ids && has_ids || is_marked(stat)
        })
        .map(|stat| stat.pid)
        .collect();
    // A dead root is no member, but its children still name it as their parent for a moment.
    let is_parent =
        |chosen: &HashSet<i32>, pid| chosen.contains(&pid) || owns_ids && pid == root.pid;
    loop {
        let before = chosen.len();
        let descends = |stat: &&Stat| is_parent(&chosen, stat.ppid);
        let more: Vec<i32> =
            all.iter().filter(may_be_touched).filter(descends).map(|stat| stat.pid).collect();
        chosen.extend(more);
        if chosen.len() == before {
            break;
        }
    }
    all.iter().filter(|stat| chosen.contains(&stat.pid)).copied().collect()
}

/// Sends a signal to those of them that are still who they were; returns the pids that got it.
pub(super) fn signal(members: &[Stat], signal: i32) -> Vec<i32> {
    let send = |member: &Stat| {
        let pidfd = Pidfd::open(member.pid).ok()?;
        // From here on the pid cannot become another's behind the descriptor.
        let now = procfs::stat(member.pid).ok()??;
        (now.starttime == member.starttime).then_some(())?;
        pidfd.send_signal(signal).ok()
    };
    members.iter().filter(|member| send(member).is_some()).map(|member| member.pid).collect()
}

/// Names them.
pub(super) fn name(members: &[Stat]) -> Vec<Survivor> {
    let named = members.iter().take(MAX_NAMED);
    named.map(|stat| Survivor { pid: stat.pid, cmdline: procfs::cmdline(stat.pid) }).collect()
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

    fn pids(all: &[Stat], marked: &[i32]) -> Vec<i32> {
        let members = select(ROOT, all, KEEPER, |stat| marked.contains(&stat.pid));
        members.iter().map(|member| member.pid).collect()
    }

    #[test]
    fn descendants_are_found_across_sessions() {
        let all =
            [stat(1, 0, 1), stat(KEEPER, 1, KEEPER), stat(100, KEEPER, 100), stat(101, 100, 101)];
        assert_eq!(pids(&all, &[]), [100, 101]);
    }

    #[test]
    fn orphans_are_found_by_session_and_by_mark() {
        let all = [
            stat(1, 0, 1),
            stat(KEEPER, 1, KEEPER),
            stat(102, KEEPER, 100),
            stat(103, KEEPER, 103),
            stat(104, 103, 104),
            stat(105, KEEPER, 105),
        ];
        assert_eq!(pids(&all, &[103]), [102, 103, 104]);
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
        assert_eq!(pids(&all, &[1, KEEPER]), [100]);
    }

    #[test]
    fn a_changed_start_time_is_not_signalled() {
        let own = procfs::stat(process::own_pid()).unwrap().unwrap();
        assert_eq!(signal(&[own], 0), [own.pid]);
        assert_eq!(signal(&[Stat { starttime: own.starttime + 1, ..own }], 0), [0; 0]);
    }
}
