//! What processes use, as `/proc` tells.

use std::fs;
use std::io;

/// The kernel counts time in these for everybody outside of it (`USER_HZ`).
pub const TICKS_PER_SECOND: u64 = 100;

/// What one process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Its number.
    pub pid: i32,
    /// Its parent.
    pub ppid: i32,
    /// Its session.
    pub session: i32,
    /// CPU time since it began, in user mode and in the kernel.
    pub ticks: u64,
    /// Its threads, the first one counted.
    pub threads: u64,
    /// What of it is in memory.
    pub rss_bytes: u64,
}

/// Every process that can be seen.
///
/// # Errors
/// Those of reading `/proc`.
pub fn read_all() -> io::Result<Vec<Load>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let is_process = path
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit));
        // One that ended meanwhile uses nothing.
        if is_process && let Ok(text) = fs::read(path.join("stat")) {
            found.extend(parse(&String::from_utf8_lossy(&text)));
        }
    }
    Ok(found)
}

/// A process's share of the memory: what it shares with others is divided among them. `None` when it
/// is gone, or somebody else's. Dear: the kernel goes through all of its pages.
#[must_use]
pub fn share_bytes(pid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

/// The name stands in parentheses and may hold anything: what counts follows the last one.
fn parse(text: &str) -> Option<Load> {
    let pid = text.split(' ').next()?.parse().ok()?;
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<i64>().ok();
    let small = |place: usize| i32::try_from(number(place)?).ok();
    let count = |place: usize| u64::try_from(number(place)?).ok();
    Some(Load {
        pid,
        ppid: small(1)?,
        session: small(3)?,
        ticks: count(11)?.saturating_add(count(12)?),
        threads: count(17)?,
        rss_bytes: count(21)?.saturating_mul(super::process::page_size()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        let text = "42 (a (b) c) S 7 42 40 0 -1 4194304 1 2 3 4 50 6 0 0 20 0 1 0 900 1000 25 \
                    18446744073709551615 1 1";
        let load = parse(text).unwrap();
        let page = super::super::process::page_size();
        let rss_bytes = 25 * page;
        let expected = Load { pid: 42, ppid: 7, session: 40, ticks: 56, threads: 1, rss_bytes };
        assert_eq!(load, expected);
        assert_eq!(parse("42 (x"), None);
        let me = i32::try_from(std::process::id()).unwrap();
        let all = read_all().unwrap();
        let own = all.iter().find(|load| load.pid == me).unwrap();
        assert!(own.rss_bytes > 0 && own.threads > 0);
        assert!(share_bytes(me).is_some_and(|bytes| bytes > 0));
        assert_eq!(share_bytes(i32::MAX), None);
    }
}
