//! Starting a program in a control group, with `clone3`, as the C library has no door to that.
//!
//! The child runs on a stack of its own in the parent's memory, while the thread that has made it
//! stands still until the program is loaded. So it allocates nothing, takes no lock and cannot panic.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;

use super::{Child, Prepared};

/// Starts it; `None` where a child cannot be born into that group, or not here at all.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn spawn(_: &Prepared<'_>, _: BorrowedFd<'_>) -> io::Result<Option<Child>> {
    Ok(None)
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86_64::spawn;

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::asm;
    use std::ffi::c_void;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::ptr;
    use std::sync::OnceLock;

    use super::{BorrowedFd, Child, Prepared, io};
    use crate::sys::pidfd::Pidfd;
    use crate::sys::{clock, load};

    /// Much more than the child needs, in words that a stack is aligned to.
    const STACK_WORDS: usize = 1024;
    /// Be born into the group of [`Arguments::group`]; Linux 5.7.
    const CLONE_INTO_CGROUP: u64 = 1 << 33;
    /// Have no signal handled; Linux 5.5.
    const CLONE_CLEAR_SIGHAND: u64 = 1 << 32;
    /// Signals are numbered up to here.
    const LAST_SIGNAL: i32 = 64;

    /// `struct clone_args` of `linux/sched.h`.
    #[derive(Default)]
    #[repr(C)]
    struct Arguments {
        flags: u64,
        pidfd: u64,
        child_tid: u64,
        parent_tid: u64,
        exit_signal: u64,
        stack: u64,
        stack_size: u64,
        tls: u64,
        set_tid: u64,
        set_tid_size: u64,
        group: u64,
    }

    /// What the child knows.
    struct Errand {
        program: *const libc::c_char,
        cwd: *const libc::c_char,
        argv: *const *mut libc::c_char,
        env: *const *mut libc::c_char,
        stdout: i32,
        stderr: i32,
        /// The signals that are ignored, for they stay so.
        ignored: &'static [i32],
        /// What kept it from becoming the program: the error's number.
        failed: i32,
        /// When it was there, of [`clock::boottime_ns`].
        seen_ns: u64,
    }

    pub(in crate::sys::spawn) fn spawn(
        prepared: &Prepared<'_>,
        group: BorrowedFd<'_>,
    ) -> io::Result<Option<Child>> {
        let (argv, env) = (prepared.argv_pointers(), prepared.env_pointers());
        let mut errand = Errand {
            program: prepared.program.as_ptr(),
            cwd: prepared.cwd.as_ptr(),
            argv: argv.as_ptr(),
            env: env.as_ptr(),
            stdout: prepared.stdout.as_raw_fd(),
            stderr: prepared.stderr.as_raw_fd(),
            ignored: ignored_signals(),
            failed: 0,
            seen_ns: 0,
        };
        let mut stack = Vec::<MaybeUninit<u128>>::with_capacity(STACK_WORDS);
        let mut pidfd: i32 = -1;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD;
        let arguments = Arguments {
            flags: u64::from(flags.cast_unsigned()) | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP,
            pidfd: (&raw mut pidfd).expose_provenance() as u64,
            exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
            stack: stack.as_mut_ptr().expose_provenance() as u64,
            stack_size: (STACK_WORDS * size_of::<u128>()) as u64,
            group: u64::from(group.as_raw_fd().cast_unsigned()),
            ..Arguments::default()
        };

        let blocked = block_signals()?;
        let before_ns = clock::boottime_ns();
        // SAFETY: the stack and what the errand points to outlive the child's use of them, as this
        // thread stands still until the child has become the program or has ended.
        let made = unsafe { clone(&arguments, (&raw mut errand).cast()) };
        restore_signals(&blocked);
        let pid = match made {
            // The kernel does not know the call or this flag, or does not allow it for this group.
            Err(error) => match error.raw_os_error() {
                Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => {
                    return Err(error);
                }
                _ => return Ok(None),
            },
            Ok(pid) => pid,
        };
        // SAFETY: the kernel has just opened it, and nobody else owns it.
        let pidfd = Pidfd::from(unsafe { OwnedFd::from_raw_fd(pidfd) });
        // SAFETY: the child has written it, if at all, before this thread went on.
        let failed = unsafe { ptr::read_volatile(&raw const errand.failed) };
        if failed != 0 {
            pidfd.wait_for_end()?;
            return Err(io::Error::from_raw_os_error(failed));
        }
        // SAFETY: as before.
        let seen_ns = unsafe { ptr::read_volatile(&raw const errand.seen_ns) };
        // It was born in between; the kernel counts from the same moment, in ticks that are begun.
        let ticks = [before_ns, seen_ns].map(|ns| ns / (1_000_000_000 / load::TICKS_PER_SECOND));
        let starttime = (ticks[0] == ticks[1]).then_some(ticks[0]);
        Ok(Some(Child { pid, pidfd, is_in_group: true, starttime }))
    }

    /// `clone3(2)` with the child's first function.
    ///
    /// # Safety
    /// The stack and the errand must be there until the child has let go of this memory.
    unsafe fn clone(arguments: &Arguments, errand: *mut c_void) -> io::Result<i32> {
        let result: i64;
        // SAFETY: in the parent only the registers named here change. The child has the new stack,
        // whose top is aligned as a call wants it, and never comes back from `become_program`.
        unsafe {
            asm!(
                "syscall",
                "test rax, rax",
                "jnz 2f",
                "xor ebp, ebp",
                "mov rdi, r12",
                "call r13",
                "ud2",
                "2:",
                inlateout("rax") libc::SYS_clone3 => result,
                in("rdi") arguments,
                in("rsi") size_of::<Arguments>(),
                in("r12") errand,
                in("r13") become_program as extern "C" fn(*mut c_void) -> !,
                lateout("rcx") _,
                lateout("r11") _,
            );
        }
        match i32::try_from(result) {
            Ok(pid) if pid > 0 => Ok(pid),
            Ok(errno) => Err(io::Error::from_raw_os_error(-errno)),
            Err(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The child, from its birth until it is the program.
    extern "C" fn become_program(errand: *mut c_void) -> ! {
        let errand = errand.cast::<Errand>();
        // SAFETY: the errand is there until this process has become another or has ended, its pointers
        // are to NUL-terminated strings and arrays that end with a null pointer, and the parent's
        // thread does not look at it meanwhile. Every call is one that may be made between fork and
        // exec; what it changes is this process's own, but for `errno`, which is its parent's thread's.
        unsafe {
            ptr::write_volatile(&raw mut (*errand).seen_ns, clock::boottime_ns());
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = libc::SIG_DFL;
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            // First, for among what is open are the pipes of others that are being started, and as long
            // as this process has them they do not end.
            let is_ready = set_streams((*errand).stdout, (*errand).stderr)
                && libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) != -1
                && libc::setsid() != -1
                && libc::chdir((*errand).cwd) != -1
                && (*errand).ignored.iter().all(|signal| {
                    libc::sigaction(*signal, &raw const action, ptr::null_mut()) != -1
                })
                && libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) != -1;
            if is_ready {
                libc::execve((*errand).program, (*errand).argv.cast(), (*errand).env.cast());
            }
            ptr::write_volatile(&raw mut (*errand).failed, *libc::__errno_location());
            libc::_exit(127)
        }
    }

    /// # Safety
    /// Only in the child.
    unsafe fn set_streams(stdout: i32, stderr: i32) -> bool {
        // SAFETY: the string ends with NUL, and nothing else is a pointer.
        unsafe {
            let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDONLY);
            // dup2 also clears close-on-exec on the copy.
            null != -1
                && libc::dup2(null, 0) != -1
                && libc::dup2(stdout, 1) != -1
                && libc::dup2(stderr, 2) != -1
        }
    }

    /// What this process ignores, which does not change after its start.
    fn ignored_signals() -> &'static [i32] {
        static IGNORED: OnceLock<Vec<i32>> = OnceLock::new();
        IGNORED.get_or_init(|| (1..=LAST_SIGNAL).filter(|signal| is_ignored(*signal)).collect())
    }

    fn is_ignored(signal: i32) -> bool {
        // SAFETY: the action is plain data, valid to write to, and nothing is changed.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            // Two numbers belong to the C library, which says nothing of them.
            libc::sigaction(signal, ptr::null(), &raw mut action) == 0
                && action.sa_sigaction == libc::SIG_IGN
        }
    }

    /// No handler of this process may run in the child. Returns what was blocked before.
    fn block_signals() -> io::Result<libc::sigset_t> {
        // SAFETY: both sets are plain data, and valid to write to.
        let (error, before) = unsafe {
            let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            let error = libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            (error, before)
        };
        if error == 0 { Ok(before) } else { Err(io::Error::from_raw_os_error(error)) }
    }

    fn restore_signals(before: &libc::sigset_t) {
        // SAFETY: the set is initialised. It cannot fail with a set that was in force before.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, ptr::null_mut()) };
    }
}
