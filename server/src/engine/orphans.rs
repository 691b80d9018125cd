//! The first process of a container is the parent of all orphans in it, and has to reap them: what a
//! keeper that was killed has left there would be zombies for ever.

use std::collections::HashSet;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

use crate::sys::pidfd::reap_pid;
use crate::sys::{process, procfs};

/// Whoever waits for a child of its own has reaped it by then, and a new keeper has seen how those of
/// the old one have ended.
const LEFT_ALONE: Duration = Duration::from_secs(2);
/// When zombies are looked for without having been told of any: signals may be lost in one another.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// Reaps orphans as long as it is polled, if they are left to this process.
pub(super) async fn reap_orphans() {
    if !process::adopts_orphans() {
        return;
    }
    let mut ended = match signal(SignalKind::child()) {
        Ok(ended) => ended,
        Err(error) => return tracing::warn!(%error, "orphans that end will be zombies"),
    };
    let mut left = HashSet::new();
    loop {
        if left.is_empty() {
            // Late is as good as told.
            let _ = timeout(LOOK_EVERY, ended.recv()).await;
        }
        sleep(LEFT_ALONE).await;
        match reap_again(&left) {
            Ok(now) => left = now,
            Err(error) => tracing::warn!(%error, "orphans cannot be looked for"),
        }
    }
}

/// Reaps the children that are zombies now and were before; those that were not, which may be
/// somebody's own.
fn reap_again(before: &HashSet<(i32, u64)>) -> io::Result<HashSet<(i32, u64)>> {
    let own = process::own_pid();
    let mut left = HashSet::new();
    procfs::for_each_process(|stat| {
        if stat.ppid != own || !stat.is_dead() {
            return;
        }
        let identity = (stat.pid, stat.starttime);
        if !before.contains(&identity) || reap_pid(stat.pid).is_err() {
            left.insert(identity);
        }
    })?;
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zombie_is_left_to_its_owner_at_first() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id().cast_signed();
        let is_there = |left: &HashSet<(i32, u64)>| left.iter().any(|(it, _)| *it == pid);
        let mut left = HashSet::new();
        while !is_there(&left) {
            left = reap_again(&HashSet::new()).unwrap();
        }
        let only = left.into_iter().filter(|(it, _)| *it == pid).collect();
        assert!(!is_there(&reap_again(&only).unwrap()));
        assert_eq!(procfs::stat(pid).unwrap(), None);
        assert!(child.wait().is_err(), "it was not reaped");
    }
}
