//! Starting a program with `posix_spawn`: as quick from a large process as from a small one, and
//! nothing of ours runs between fork and exec.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

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
}

/// Starts it and returns its pid.
///
/// # Errors
/// `InvalidInput` for a NUL byte in a string; else what kept the child from starting: a missing
/// program or folder (`ENOENT`), no permission, not an executable (`ENOEXEC`), no process to be had
/// (`EAGAIN`).
pub fn spawn(command: &Command<'_>) -> io::Result<i32> {
    let program = CString::new(command.program.as_os_str().as_bytes())?;
    let cwd = CString::new(command.cwd.as_os_str().as_bytes())?;
    let argv = strings(command.argv.iter().map(|arg| CString::new(arg.as_str())))?;
    let env =
        strings(command.env.iter().map(|(name, value)| CString::new(format!("{name}={value}"))))?;

    let mut actions = Actions::new()?;
    actions.prepare(&cwd, command.stdout, command.stderr)?;
    let mut attributes = Attributes::new()?;
    attributes.prepare()?;

    let (argv, env) = (pointers(&argv), pointers(&env));
    let mut pid = 0;
    // SAFETY: every pointer is to an initialised object that outlives the call; `argv` and `env`
    // are arrays of NUL-terminated strings that end with a null pointer.
    result(unsafe {
        libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            &raw const actions.0,
            &raw const attributes.0,
            argv.as_ptr(),
            env.as_ptr(),
        )
    })?;
    Ok(pid)
}

fn strings<E: Into<io::Error>>(
    strings: impl Iterator<Item = Result<CString, E>>,
) -> io::Result<Vec<CString>> {
    strings.map(|string| string.map_err(Into::into)).collect()
}

fn pointers(strings: &[CString]) -> Vec<*mut libc::c_char> {
    let end = std::iter::once(ptr::null_mut());
    strings.iter().map(|string| string.as_ptr().cast_mut()).chain(end).collect()
}

/// The posix_spawn family returns the error number instead of setting `errno`.
fn result(error: i32) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

/// What happens to descriptors and the folder in the child, in this order.
struct Actions(libc::posix_spawn_file_actions_t);

impl Actions {
    fn new() -> io::Result<Self> {
        let mut actions = MaybeUninit::uninit();
        // SAFETY: init writes the whole object, which is only used when it succeeded.
        unsafe {
            result(libc::posix_spawn_file_actions_init(actions.as_mut_ptr()))?;
            Ok(Self(actions.assume_init()))
        }
    }

    fn prepare(
        &mut self,
        cwd: &CString,
        stdout: BorrowedFd<'_>,
        stderr: BorrowedFd<'_>,
    ) -> io::Result<()> {
        let actions = &raw mut self.0;
        // SAFETY: the object is initialised; the strings are NUL-terminated and copied by the
        // calls; the descriptors are open.
        unsafe {
            result(libc::posix_spawn_file_actions_addchdir_np(actions, cwd.as_ptr()))?;
            let (null, flags) = (c"/dev/null".as_ptr(), libc::O_RDONLY);
            result(libc::posix_spawn_file_actions_addopen(actions, 0, null, flags, 0))?;
            // dup2 also clears close-on-exec on the copy.
            result(libc::posix_spawn_file_actions_adddup2(actions, stdout.as_raw_fd(), 1))?;
            result(libc::posix_spawn_file_actions_adddup2(actions, stderr.as_raw_fd(), 2))?;
            // Ours are close-on-exec; this is for what we ourselves were started with.
            result(libc::posix_spawn_file_actions_addclosefrom_np(actions, 3))
        }
    }
}

impl Drop for Actions {
    fn drop(&mut self) {
        // SAFETY: the object is initialised, and not used again.
        unsafe { libc::posix_spawn_file_actions_destroy(&raw mut self.0) };
    }
}

/// What the child is apart from its descriptors: its session and its signals.
struct Attributes(libc::posix_spawnattr_t);

impl Attributes {
    fn new() -> io::Result<Self> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: init writes the whole object, which is only used when it succeeded.
        unsafe {
            result(libc::posix_spawnattr_init(attributes.as_mut_ptr()))?;
            Ok(Self(attributes.assume_init()))
        }
    }

    fn prepare(&mut self) -> io::Result<()> {
        let flags = libc::POSIX_SPAWN_SETSIGDEF | libc::POSIX_SPAWN_SETSIGMASK;
        let flags = libc::c_short::try_from(flags).map_err(io::Error::other)?;
        let attributes = &raw mut self.0;
        // SAFETY: the object is initialised; both sets are initialised before they are used and
        // copied by the calls.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut set);
            result(libc::posix_spawnattr_setsigmask(attributes, &raw const set))?;
            libc::sigfillset(&raw mut set);
            result(libc::posix_spawnattr_setsigdefault(attributes, &raw const set))?;
            result(libc::posix_spawnattr_setflags(attributes, flags | libc::POSIX_SPAWN_SETSID))
        }
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // SAFETY: the object is initialised, and not used again.
        unsafe { libc::posix_spawnattr_destroy(&raw mut self.0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::pidfd::{Ended, Pidfd};
    use crate::sys::pipe::Pipe;
    use crate::sys::procfs;
    use std::fs::File;
    use std::io::{ErrorKind, Read};
    use std::os::fd::AsFd;

    fn start(program: &str, argv: &[&str], cwd: &str) -> io::Result<(i32, Pipe)> {
        let pipe = Pipe::new()?;
        let argv: Vec<String> = argv.iter().map(|&arg| arg.to_owned()).collect();
        let env = [("MARK".to_owned(), "a b".to_owned())];
        let (program, cwd) = (Path::new(program), Path::new(cwd));
        let (stdout, stderr) = (pipe.child.as_fd(), pipe.child.as_fd());
        let pid = spawn(&Command { program, argv: &argv, env: &env, cwd, stdout, stderr })?;
        Ok((pid, pipe))
    }

    fn finish(pid: i32, pipe: Pipe) -> (Ended, String) {
        drop(pipe.child);
        let pidfd = Pidfd::open(pid).unwrap();
        let mut file = File::from(pipe.read);
        let mut text = Vec::new();
        let ended = loop {
            match file.read_to_end(&mut text) {
                Ok(_) => {
                    if let Some(ended) = pidfd.reap().unwrap() {
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
            grep -E 'Sig(Blk|Ign)' /proc/self/status; cut -d' ' -f6 /proc/$$/stat; \
            exec ls /proc/self/fd";
        let (pid, pipe) = start("/bin/sh", &["sh", "-c", script], "/proc").unwrap();
        let (ended, text) = finish(pid, pipe);
        assert_eq!(ended.exit_code, Some(0));
        // Signals 32 and 33 belong to the C library: it leaves them ignored, and the one of the
        // child takes them up again.
        let expected = format!(
            "/proc\na b\nno stdin\nSigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n\
             {pid}\n0\n1\n2\n3\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn an_end_by_code_and_by_signal_is_told_apart() {
        let (pid, pipe) = start("/bin/sh", &["sh", "-c", "exit 7"], "/").unwrap();
        let (ended, _) = finish(pid, pipe);
        assert_eq!((ended.exit_code, ended.signal), (Some(7), None));
        assert!(ended.max_rss_bytes > 0);

        let (pid, pipe) = start("/bin/sh", &["sh", "-c", "kill -9 $$"], "/").unwrap();
        let (ended, _) = finish(pid, pipe);
        assert_eq!((ended.exit_code, ended.signal), (None, Some(9)));
        assert_eq!(procfs::stat(pid).unwrap(), None);
    }

    #[test]
    fn what_cannot_start_says_why() {
        let missing = start("/no/such/program", &["x"], "/").unwrap_err();
        assert_eq!(missing.raw_os_error(), Some(libc::ENOENT));
        let denied = start("/etc/passwd", &["x"], "/").unwrap_err();
        assert_eq!(denied.raw_os_error(), Some(libc::EACCES));
        let nul = start("/bin/sh", &["sh", "a\0b"], "/").unwrap_err();
        assert_eq!(nul.kind(), ErrorKind::InvalidInput);
    }
}
