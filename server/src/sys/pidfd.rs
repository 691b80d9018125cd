//! Processes held by descriptor: a signal or a wait can never reach a stranger who got the number.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use super::check;

/// A process. Readable when it has ended.
#[derive(Debug)]
pub struct Pidfd(OwnedFd);

/// `struct pidfd_info` of `linux/pidfd.h`, in its first version.
#[derive(Default)]
#[repr(C)]
struct PidfdInfo {
    mask: u64,
    cgroup_id: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// `PIDFD_GET_INFO`: `_IOWR(0xFF, 11, struct pidfd_info)`.
const GET_INFO: libc::c_ulong =
    (3 << 30) | ((size_of::<PidfdInfo>() as libc::c_ulong) << 16) | (0xFF << 8) | 11;
/// `PIDFD_INFO_EXIT`.
const INFO_EXIT: u64 = 1 << 3;

/// How a child ended, and what it used (itself and those of its children that it waited for).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// What it passed to `exit`; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it left a core dump.
    pub core_dumped: bool,
    /// Time on the CPU in user mode, microseconds.
    pub user_us: u64,
    /// Time on the CPU in the kernel, microseconds.
    pub system_us: u64,
    /// The most memory it had at once, bytes.
    pub max_rss_bytes: u64,
}

impl Ended {
    /// What the status of `wait(2)` says; what was used is left at 0.
    pub(super) fn from_status(status: i32) -> Self {
        Self {
            exit_code: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
            signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
            core_dumped: libc::WCOREDUMP(status),
            user_us: 0,
            system_us: 0,
            max_rss_bytes: 0,
        }
    }
}

impl Pidfd {
    /// Opens the process that has this pid now.
    ///
    /// # Errors
    /// `ESRCH` when there is none, `EMFILE` and the like.
    pub fn open(pid: i32) -> io::Result<Self> {
        // SAFETY: the call takes no pointers.
        let fd = check(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
        let fd = i32::try_from(fd).map_err(io::Error::other)?;
        // SAFETY: `fd` was just opened and nobody else owns it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Sends a signal; 0 only asks whether that could be done.
    ///
    /// # Errors
    /// `ESRCH` when it has ended, `EPERM`, `EINVAL` for a signal that does not exist.
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        // SAFETY: the descriptor is open; a null siginfo means that of kill(2).
        check(unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.0.as_raw_fd(),
                signal,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        })?;
        Ok(())
    }

    /// How the child ended, if it has. It stays a zombie, and its pid its own, until
    /// [`Pidfd::reap`].
    ///
    /// # Errors
    /// `ECHILD` when it is not a child of this process.
    pub fn peek_end(&self) -> io::Result<Option<Ended>> {
        self.wait(libc::WEXITED | libc::WNOHANG | libc::WNOWAIT)
    }

    /// Lets go of a child that has ended. `None` when it still runs.
    ///
    /// # Errors
    /// `ECHILD` when it is not a child of this process.
    pub fn reap(&self) -> io::Result<Option<Ended>> {
        self.wait(libc::WEXITED | libc::WNOHANG)
    }

    /// How a process ended that is not a child of this one, once its parent has reaped it; what it
    /// used is not known. `None` before that. The descriptor must have been opened while it ran.
    ///
    /// # Errors
    /// `Unsupported` on a kernel before 6.15.
    pub fn end_of_stranger(&self) -> io::Result<Option<Ended>> {
        let mut info = PidfdInfo { mask: INFO_EXIT, ..PidfdInfo::default() };
        // SAFETY: the kernel writes at most as many bytes as the request's number says, which is the
        // size of `info`.
        let asked = check(unsafe { libc::ioctl(self.0.as_raw_fd(), GET_INFO, &raw mut info) });
        match asked {
            // Before it is reaped a kernel may have nothing to say.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
            Err(_) => return Err(io::ErrorKind::Unsupported.into()),
            Ok(_) => {}
        }
        if info.mask & INFO_EXIT == 0 {
            // A kernel that does not know the question leaves its bit out, too; those that know it
            // say so for a process that is gone.
            return Ok(None);
        }
        Ok(Some(Ended::from_status(info.exit_code)))
    }

    /// Waits until it has ended, and reaps it.
    ///
    /// # Errors
    /// When it is not a child of this process, or was reaped before.
    pub fn wait_for_end(&self) -> io::Result<()> {
        self.wait(libc::WEXITED).map(drop)
    }

    fn wait(&self, options: i32) -> io::Result<Option<Ended>> {
        let id = libc::id_t::try_from(self.0.as_raw_fd()).map_err(io::Error::other)?;
        Ok(wait(libc::P_PIDFD, id, options)?.map(|(_, ended)| ended))
    }
}

impl From<OwnedFd> for Pidfd {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl AsFd for Pidfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Pidfd {
    fn as_raw_fd(&self) -> i32 {
        self.0.as_raw_fd()
    }
}

/// The pid of some child that has ended and was not reaped yet.
///
/// # Errors
/// Those of `waitid(2)`; having no children is not one.
pub fn peek_any_ended() -> io::Result<Option<i32>> {
    match wait(libc::P_ALL, 0, libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) {
        Ok(found) => Ok(found.map(|(pid, _)| pid)),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reaps the child with this pid, if it has ended.
///
/// # Errors
/// `ECHILD` when there is no such child.
pub fn reap_pid(pid: i32) -> io::Result<()> {
    let id = libc::id_t::try_from(pid).map_err(io::Error::other)?;
    wait(libc::P_PID, id, libc::WEXITED | libc::WNOHANG)?;
    Ok(())
}

/// The system call itself, as glibc's `waitid` hides the resource usage.
fn wait(kind: libc::idtype_t, id: libc::id_t, options: i32) -> io::Result<Option<(i32, Ended)>> {
    // SAFETY: both are plain data of the kernel, for which all zeroes is a valid value.
    let (mut info, mut usage): (libc::siginfo_t, libc::rusage) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    loop {
        // SAFETY: `info` and `usage` are valid to write to for the length of the call.
        let result = check(unsafe {
            libc::syscall(libc::SYS_waitid, kind, id, &raw mut info, options, &raw mut usage)
        });
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    // SAFETY: waitid has filled in the SIGCHLD fields, or left zeroes: no child had ended.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if pid == 0 {
        return Ok(None);
    }
    let exited = info.si_code == libc::CLD_EXITED;
    let ended = Ended {
        exit_code: exited.then_some(status),
        signal: (!exited).then_some(status),
        core_dumped: info.si_code == libc::CLD_DUMPED,
        user_us: microseconds(usage.ru_utime),
        system_us: microseconds(usage.ru_stime),
        max_rss_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024),
    };
    Ok(Some((pid, ended)))
}

fn microseconds(time: libc::timeval) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000).saturating_add(u64::try_from(time.tv_usec).unwrap_or(0))
}

/// Ends a child that was started and not reaped yet, for want of a descriptor to hold it by.
pub fn kill_child(pid: i32) {
    if pid > 1 {
        // SAFETY: the call takes no pointers. The pid cannot be another's before it is reaped.
        unsafe { libc::kill(pid, libc::SIGKILL) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::process::{Command, Stdio};

    /// A process that is nobody's child here: its parent has told its pid and ended.
    fn stranger(script: &str) -> Pidfd {
        let mut parent = Command::new("sh")
            // A shell gives /dev/null to what it puts into the background, so 0 must be kept as 3.
            .args(["-c", &format!("exec 3<&0; (trap '' HUP; read go; {script}) <&3 >&2 & echo $!")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        parent.stdout.take().unwrap().read_to_string(&mut pid).unwrap();
        let pidfd = Pidfd::open(pid.trim().parse().unwrap()).unwrap();
        assert_eq!(pidfd.peek_end().unwrap_err().raw_os_error(), Some(libc::ECHILD));
        // Its input ends with this: it goes on.
        drop(parent.stdin.take());
        parent.wait().unwrap();
        pidfd
    }

    #[test]
    fn the_end_of_a_stranger_is_known_where_the_kernel_tells_it() {
        for (script, code, signal) in
            [("exit 7", Some(7), None), ("kill -9 $(sh -c 'echo $PPID')", None, Some(9))]
        {
            let pidfd = stranger(script);
            let begin = std::time::Instant::now();
            loop {
                match pidfd.end_of_stranger() {
                    Ok(Some(ended)) => {
                        assert_eq!((ended.exit_code, ended.signal), (code, signal));
                        break;
                    }
                    Ok(None) => assert!(begin.elapsed().as_secs() < 10, "it is never told"),
                    Err(error) => {
                        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
                        return;
                    }
                }
                std::thread::yield_now();
            }
        }
    }
}
