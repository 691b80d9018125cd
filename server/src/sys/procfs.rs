//! What `/proc` says about processes.

use std::fs;
use std::io::{self, Read as _};

use super::load::TICKS_PER_SECOND;
use super::pidfd::Ended;

/// A process at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub pid: i32,
    /// `R`, `S`, `D`, `Z` (ended, not reaped) and so on.
    pub state: char,
    /// Its parent.
    pub ppid: i32,
    /// Its process group.
    pub pgrp: i32,
    /// Its session.
    pub session: i32,
    /// When it started, in clock ticks since the boot. With the pid and the boot id this is an
    /// identity.
    pub starttime: u64,
}

impl Stat {
    /// Whether it has ended.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }

    /// Whether it is the kernel's own: all of those come of the process 2.
    #[must_use]
    pub fn is_kernel_thread(&self) -> bool {
        self.pid == 2 || self.ppid == 2 && self.session == 0
    }
}

/// A process's state; `None` when there is no such process.
///
/// # Errors
/// Those of reading a file, such as `EMFILE`.
pub fn stat(pid: i32) -> io::Result<Option<Stat>> {
    // The kernel writes it as a whole, and less than this: one read, and no question for its size.
    let mut text = [0; 2048];
    let read = fs::File::open(format!("/proc/{pid}/stat")).and_then(|mut it| it.read(&mut text));
    match read {
        Ok(len) => Ok(parse_stat(&text[..len])),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// How a process has ended that was not reaped yet, whoever is its parent, and the time that it used
/// with those of its children that it had waited for. `None` when it runs, is gone or has become another
/// one, or when this process may not know.
#[must_use]
pub fn end_of_zombie(pid: i32, starttime: u64) -> Option<Ended> {
    // To whom it does not tell more, the kernel says 0 for every code. It has the same rule for this
    // file, and no other one.
    fs::read(format!("/proc/{pid}/io")).ok()?;
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = parse_stat(&text).filter(|stat| stat.is_dead() && stat.starttime == starttime)?;
    parse_end(&text).filter(|_| stat.pid == pid)
}

/// Every process that can be seen.
///
/// # Errors
/// Those of reading `/proc`.
pub fn processes() -> io::Result<Vec<Stat>> {
    let mut found = Vec::new();
    for_each_process(|stat| found.push(stat))?;
    Ok(found)
}

/// Hands over every process that can be seen as soon as it is seen, in the order of their pids: one
/// that is started meanwhile comes too, unless the numbers have begun anew.
///
/// # Errors
/// Those of reading `/proc`.
pub fn for_each_process(mut see: impl FnMut(Stat)) -> io::Result<()> {
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = stat(pid)? {
            see(stat);
        }
    }
    Ok(())
}

/// A process's environment as it was started with, items of `NAME=VALUE` that end with a NUL byte.
/// Empty for the kernel's own, and for the moment in which a process becomes another program.
///
/// # Errors
/// Those of reading a file: it is gone, or belongs to somebody else.
pub fn environ(pid: i32) -> io::Result<Vec<u8>> {
    fs::read(format!("/proc/{pid}/environ"))
}

/// Whether a process is just becoming another program: its environment is not there yet.
#[must_use]
pub fn is_changing(pid: i32) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let text = String::from_utf8_lossy(&stat);
    let rest = text.rfind(')').and_then(|end| text.get(end + 1..)).unwrap_or_default();
    // Field 50 says where the environment begins; the state was field 3.
    rest.split_ascii_whitespace().nth(47) == Some("0")
}

/// The value of this name in an environment.
#[must_use]
pub fn item(environ: &[u8], name: &str) -> Option<String> {
    let value = environ
        .split(|&byte| byte == 0)
        .find_map(|item| item.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
    String::from_utf8(value.to_vec()).ok()
}

/// A process's command line, its arguments joined by spaces, cut to 200 characters.
#[must_use]
pub fn cmdline(pid: i32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    text.trim_end().chars().take(200).collect()
}

/// The descriptors of a process that are pipes, as (descriptor, inode).
///
/// # Errors
/// Those of reading the folder: the process is gone, or belongs to somebody else.
pub fn pipes_of(pid: i32) -> io::Result<Vec<(i32, u64)>> {
    let mut pipes = Vec::new();
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let entry = entry?;
        let Some(fd) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        let inode = target
            .to_str()
            .and_then(|target| target.strip_prefix("pipe:[")?.strip_suffix(']')?.parse().ok());
        pipes.extend(inode.map(|inode| (fd, inode)));
    }
    Ok(pipes)
}

/// What this boot of the machine is called.
///
/// # Errors
/// Those of reading a file.
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// The name stands in parentheses and may hold anything, parentheses and newlines too: what counts
/// is what follows the last one.
fn parse_stat(text: &[u8]) -> Option<Stat> {
    let text = String::from_utf8_lossy(text);
    let pid = text.split(' ').next()?.parse().ok()?;
    let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let mut number = || fields.next()?.parse().ok();
    let (ppid, pgrp, session) = (number()?, number()?, number()?);
    // starttime is field 22; the session was field 6.
    let starttime = fields.nth(15)?.parse().ok()?;
    Some(Stat { pid, state, ppid, pgrp, session, starttime })
}

/// The times are the fields 14 to 17, the exit status is the last one, 52.
fn parse_end(text: &[u8]) -> Option<Ended> {
    let text = String::from_utf8_lossy(text);
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace().collect();
    // The first of these is field 3.
    let time_us = |field: usize| {
        let ticks: u64 = fields.get(field - 3)?.parse().ok()?;
        ticks.checked_mul(1_000_000 / TICKS_PER_SECOND)
    };
    let status = fields.get(52 - 3)?.parse().ok()?;
    let user_us = time_us(14)?.checked_add(time_us(16)?)?;
    let system_us = time_us(15)?.checked_add(time_us(17)?)?;
    Some(Ended { user_us, system_us, ..Ended::from_status(status) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::process::own_pid;
    use proptest::prelude::*;

    #[test]
    fn a_name_with_parentheses_does_not_confuse() {
        let text = b"42 (a) Z 1 (b)) S 7 42 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99887 1 2";
        let stat = parse_stat(text).unwrap();
        let expected =
            Stat { pid: 42, state: 'S', ppid: 7, pgrp: 42, session: 41, starttime: 99887 };
        assert_eq!(stat, expected);
    }

    #[test]
    fn this_process_is_found() {
        let own = stat(own_pid()).unwrap().unwrap();
        assert!(!own.is_dead());
        assert!(processes().unwrap().iter().any(|other| other.pid == own.pid));
        assert_eq!(stat(i32::MAX).unwrap(), None);
        assert!(!cmdline(own_pid()).is_empty());
        assert!(!is_changing(own_pid()));
        assert_eq!(boot_id().unwrap().len(), 36);
    }

    #[test]
    fn how_a_zombie_has_ended_is_known_until_it_is_reaped() {
        for (script, code, signal) in [("exit 7", Some(7), None), ("kill -9 $$", None, Some(9))] {
            let mut child = std::process::Command::new("sh").args(["-c", script]).spawn().unwrap();
            let pid = i32::try_from(child.id()).unwrap();
            let stat = loop {
                match stat(pid).unwrap() {
                    Some(stat) if stat.is_dead() => break stat,
                    _ => std::thread::yield_now(),
                }
            };
            let ended = end_of_zombie(pid, stat.starttime).unwrap();
            assert_eq!((ended.exit_code, ended.signal), (code, signal));
            assert_eq!(end_of_zombie(pid, stat.starttime + 1), None);
            child.wait().unwrap();
            assert_eq!(end_of_zombie(pid, stat.starttime), None);
        }
        let own = stat(own_pid()).unwrap().unwrap();
        assert_eq!(end_of_zombie(own.pid, own.starttime), None);
    }

    #[test]
    fn an_item_of_an_environment_is_matched_whole() {
        let environ = b"A=1\0RUN=a.12\0B=\0";
        assert_eq!(item(environ, "RUN").as_deref(), Some("a.12"));
        assert_eq!(item(environ, "B").as_deref(), Some(""));
        assert_eq!((item(environ, "UN"), item(environ, "RU")), (None, None));
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_stat(&text);
            let _ = parse_end(&text);
        }
    }
}
