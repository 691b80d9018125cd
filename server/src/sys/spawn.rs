//! Starting a program: as quick from a large process as from a small one, as both share their memory
//! until the program is loaded.
//!
//! `posix_spawn` can do all but one thing: let the child be born into a control group. Moving it
//! there afterwards makes the kernel wait until nobody forks anywhere, and what the child has started
//! by then stays outside. So where a group is wanted the child is made by hand ([`clone`]), and by
//! `posix_spawn` where that cannot be done.

use std::ffi::CString;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use super::pidfd::{self, Pidfd};

mod clone;
mod posix;

/// What to start, in a session and process group of its own, with no signal blocked or ignored.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// The executable, absolute: PATH is not searched.
    pub program: &'a Path,
    /// Its arguments, the name that it is called by first.
    pub argv: &'a [String],
    /// Its whole environment.
    pub env: &'a [(String, String)],
    /// The folder to start in.
    pub cwd: &'a Path,
    /// Its stdout. stdin is `/dev/null`.
    pub stdout: BorrowedFd<'a>,
    /// Its stderr.
    pub stderr: BorrowedFd<'a>,
    /// The folder of the control group, version 2, to be born into.
    pub group: Option<BorrowedFd<'a>>,
}

/// A program that was started.
#[derive(Debug)]
pub struct Child {
    /// Its pid, which is its own until it is reaped.
    pub pid: i32,
    /// It.
    pub pidfd: Pidfd,
    /// It was born into the group.
    pub is_in_group: bool,
    /// When, as `/proc` tells it: in clock ticks since the machine started. `None` when that is to be read
    /// there.
    pub starttime: Option<u64>,
}

/// Starts it. Where it cannot be born into the group, it is started outside of it.
///
/// # Errors
/// `InvalidInput` for a NUL byte in a string; else what kept the child from starting: a missing
/// program or folder (`ENOENT`), no permission, not an executable (`ENOEXEC`), no process to be had
/// (`EAGAIN`).
pub fn spawn(command: &Command<'_>) -> io::Result<Child> {
    let prepared = Prepared::new(command)?;
    if let Some(group) = command.group
        && let Some(born) = clone::spawn(&prepared, group)?
    {
        return Ok(born);
    }
    let pid = posix::spawn(&prepared)?;
    // Without it nobody would see it end. It is ours and not reaped, so the pid is still its own.
    let pidfd = Pidfd::open(pid).inspect_err(|_| pidfd::kill_child(pid))?;
    Ok(Child { pid, pidfd, is_in_group: false, starttime: None })
}

/// A command as the kernel takes it.
struct Prepared<'a> {
    program: CString,
    cwd: CString,
    argv: Vec<CString>,
    env: Vec<CString>,
    stdout: BorrowedFd<'a>,
    stderr: BorrowedFd<'a>,
}

impl<'a> Prepared<'a> {
    fn new(command: &Command<'a>) -> io::Result<Self> {
        let argv = command.argv.iter().map(|arg| CString::new(arg.as_str()));
        let env = command.env.iter().map(|(name, value)| CString::new(format!("{name}={value}")));
        Ok(Self {
            program: CString::new(command.program.as_os_str().as_bytes())?,
            cwd: CString::new(command.cwd.as_os_str().as_bytes())?,
            argv: argv.collect::<Result<_, _>>()?,
            env: env.collect::<Result<_, _>>()?,
            stdout: command.stdout,
            stderr: command.stderr,
        })
    }

    fn argv_pointers(&self) -> Vec<*mut libc::c_char> {
        pointers(&self.argv)
    }

    fn env_pointers(&self) -> Vec<*mut libc::c_char> {
        pointers(&self.env)
    }
}

fn pointers(strings: &[CString]) -> Vec<*mut libc::c_char> {
    let end = std::iter::once(ptr::null_mut());
    strings.iter().map(|string| string.as_ptr().cast_mut()).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::cgroup::Group;
    use crate::sys::pidfd::Ended;
    use crate::sys::pipe::Pipe;
    use crate::sys::procfs;
    use std::fs::File;
    use std::io::{ErrorKind, Read};
    use std::os::fd::{AsFd, OwnedFd};

    fn start_in(
        group: Option<&OwnedFd>,
        program: &str,
        argv: &[&str],
        cwd: &str,
    ) -> io::Result<(Child, Pipe)> {
        let pipe = Pipe::new()?;
        let argv: Vec<String> = argv.iter().map(|&arg| arg.to_owned()).collect();
        let env = [("MARK".to_owned(), "a b".to_owned())];
        let (program, cwd) = (Path::new(program), Path::new(cwd));
        let (stdout, stderr) = (pipe.child.as_fd(), pipe.child.as_fd());
        let group = group.map(AsFd::as_fd);
        let child =
            spawn(&Command { program, argv: &argv, env: &env, cwd, stdout, stderr, group })?;
        Ok((child, pipe))
    }

    /// Both ways of starting something, as far as there are two here.
    fn ways() -> Vec<Option<OwnedFd>> {
        let own = Group::own().unwrap().and_then(|group| File::open(group.path()).ok());
        let own = own.map(OwnedFd::from);
        let ways = [None, own];
        ways.into_iter()
            .enumerate()
            .filter(|(n, way)| *n == 0 || way.is_some())
            .map(|it| it.1)
            .collect()
    }

    fn finish(child: &Child, pipe: Pipe) -> (Ended, String) {
        drop(pipe.child);
        let mut file = File::from(pipe.read);
        let mut text = Vec::new();
        let ended = loop {
            match file.read_to_end(&mut text) {
                Ok(_) => {
                    if let Some(ended) = child.pidfd.reap().unwrap() {
                        break ended;
                    }
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            std::thread::yield_now();
        };
        (ended, String::from_utf8(text).unwrap())
    }

    #[test]
    fn a_child_has_its_own_session_env_folder_and_clean_signals() {
        let script = "pwd; echo \"$MARK\"; read x || echo no stdin; \
            sed -n 's/^Sig\\(Blk\\|Ign\\):.//p' /proc/self/status; \
            cut -d' ' -f6 /proc/$$/stat; exec ls /proc/self/fd";
        for way in ways() {
            let (child, pipe) =
                start_in(way.as_ref(), "/bin/sh", &["sh", "-c", script], "/proc").unwrap();
            let pid = child.pid.to_string();
            let (ended, text) = finish(&child, pipe);
            assert_eq!(ended.exit_code, Some(0));
            let lines: Vec<_> = text.lines().collect();
            let [folder, mark, input, blocked, ignored, session, fds @ ..] = &lines[..] else {
                panic!("{text}")
            };
            assert_eq!([*folder, *mark, *input], ["/proc", "a b", "no stdin"]);
            assert_eq!((*session, fds), (pid.as_str(), &["0", "1", "2", "3"][..]));
            // Signals 32 and 33 belong to the C library, which may leave them ignored.
            let plain = |set: &str| u64::from_str_radix(set, 16).unwrap() & 0x7fff_ffff;
            assert_eq!((plain(blocked), plain(ignored)), (0, 0));
        }
    }

    #[test]
    fn a_child_is_born_into_its_group_with_all_that_it_starts() {
        let Ok(Some(own)) = Group::own() else { return };
        let name = format!("runyard-birth-{}", std::process::id());
        let Ok(group) = own.make_below(&name) else { return };
        let folder = File::open(group.path()).unwrap().into();
        let argv = ["sh", "-c", "cat /proc/self/cgroup"];
        let (child, pipe) = start_in(Some(&folder), "/bin/sh", &argv, "/").unwrap();
        let is_in_group = child.is_in_group;
        let (_, text) = finish(&child, pipe);
        assert_eq!(text.contains(&name), is_in_group, "{text}");
        // A kernel that has groups of version 2 and makes pidfds knows this, too.
        assert_eq!(is_in_group, cfg!(target_arch = "x86_64"));
        group.remove().unwrap();
    }

    #[test]
    fn the_time_of_a_birth_is_that_of_the_system() {
        for _ in 0..100 {
            for way in ways() {
                let (child, pipe) = start_in(way.as_ref(), "/bin/true", &["true"], "/").unwrap();
                let stat = procfs::stat(child.pid).unwrap().unwrap();
                assert_eq!(child.starttime.unwrap_or(stat.starttime), stat.starttime);
                finish(&child, pipe);
            }
        }
    }

    #[test]
    fn an_end_by_code_and_by_signal_is_told_apart() {
        for way in ways() {
            let start = |script| start_in(way.as_ref(), "/bin/sh", &["sh", "-c", script], "/");
            let (child, pipe) = start("exit 7").unwrap();
            let (ended, _) = finish(&child, pipe);
            assert_eq!((ended.exit_code, ended.signal), (Some(7), None));
            assert!(ended.max_rss_bytes > 0);

            let (child, pipe) = start("kill -9 $$").unwrap();
            let pid = child.pid;
            let (ended, _) = finish(&child, pipe);
            assert_eq!((ended.exit_code, ended.signal), (None, Some(9)));
            assert_eq!(procfs::stat(pid).unwrap(), None);
        }
    }

    #[test]
    fn what_cannot_start_says_why_and_leaves_nobody() {
        for way in ways() {
            let start = |program, argv: &[&str], cwd| {
                start_in(way.as_ref(), program, argv, cwd).unwrap_err()
            };
            let missing = start("/no/such/program", &["x"], "/");
            assert_eq!(missing.raw_os_error(), Some(libc::ENOENT));
            let nowhere = start("/bin/sh", &["x"], "/no/such/folder");
            assert_eq!(nowhere.raw_os_error(), Some(libc::ENOENT));
            let denied = start("/etc/passwd", &["x"], "/");
            assert_eq!(denied.raw_os_error(), Some(libc::EACCES));
            let nul = start("/bin/sh", &["sh", "a\0b"], "/");
            assert_eq!(nul.kind(), ErrorKind::InvalidInput);
        }
    }
}
