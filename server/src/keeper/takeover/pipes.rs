//! Finding the pipes of a keeper that died, with whoever still has them open.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::sys::pipe;
use crate::sys::procfs::{self, Stat};

/// How often, and after which pause, pipes are looked for that seem to be nowhere: first among all
/// processes, which takes long where there are thousands, then among those near the root.
const LOOKS_AT_ALL: u32 = 2;
const LOOKS_AT_KIN: u32 = 18;
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Opens pipes again, by inode, through whoever still has them. Every process is asked: one that
/// holds a run's pipe need not bear its mark.
///
/// A process may be moving a descriptor to another number just when it is looked at (a shell does,
/// for each redirection), and the pipe seems to be nowhere. So it is looked for more than once; most
/// often among the `roots`, their children and who is in their sessions.
pub(super) fn reopen(
    mut wanted: HashSet<u64>,
    roots: &HashSet<i32>,
) -> io::Result<HashMap<u64, OwnedFd>> {
    let mut opened = HashMap::new();
    let mut kin = Vec::new();
    for look in 0..LOOKS_AT_ALL + LOOKS_AT_KIN {
        if wanted.is_empty() || look >= LOOKS_AT_ALL && kin.is_empty() {
            break;
        }
        if look > 0 {
            std::thread::sleep(LOOK_AGAIN);
        }
        if look < LOOKS_AT_ALL {
            let all = procfs::processes()?;
            let is_near = |stat: &&Stat| {
                [stat.pid, stat.ppid, stat.session].iter().any(|pid| roots.contains(pid))
            };
            kin = all.iter().filter(is_near).map(|stat| stat.pid).collect();
            reopen_of(all.iter().map(|stat| stat.pid), &mut wanted, &mut opened);
        } else {
            reopen_of(kin.iter().copied(), &mut wanted, &mut opened);
        }
    }
    Ok(opened)
}

fn reopen_of(
    pids: impl Iterator<Item = i32>,
    wanted: &mut HashSet<u64>,
    opened: &mut HashMap<u64, OwnedFd>,
) {
    for pid in pids {
        // One that is gone or belongs to another user has none of ours.
        for (fd, inode) in procfs::pipes_of(pid).unwrap_or_default() {
            if wanted.contains(&inode)
                && let Ok(Some(pipe)) = pipe::reopen(pid, fd, inode)
            {
                wanted.remove(&inode);
                opened.insert(inode, pipe);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::pipe::Pipe;

    #[test]
    fn a_pipe_is_found_with_whoever_holds_it_and_missed_without_delay() {
        let (held, gone) = (Pipe::new().unwrap(), Pipe::new().unwrap());
        let wanted = HashSet::from([held.inode, gone.inode]);
        drop((held.read, gone.read, gone.child));
        let begin = std::time::Instant::now();
        let opened = reopen(wanted, &HashSet::new()).unwrap();
        assert_eq!(opened.keys().copied().collect::<Vec<_>>(), [held.inode]);
        let at_once = Duration::from_secs(1);
        assert!(begin.elapsed() < at_once, "it was looked for too often");
    }
}
