//! Starting a program with `posix_spawn`.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use super::Prepared;

/// Starts it and returns its pid.
pub(super) fn spawn(prepared: &Prepared<'_>) -> io::Result<i32> {
    let mut actions = Actions::new()?;
    actions.prepare(&prepared.cwd, prepared.stdout, prepared.stderr)?;
    let mut attributes = Attributes::new()?;
    attributes.prepare()?;
    let (argv, env) = (prepared.argv_pointers(), prepared.env_pointers());
    let mut pid = 0;
    // SAFETY: every pointer is to an initialised object that outlives the call; `argv` and `env`
    // are arrays of NUL-terminated strings that end with a null pointer.
    result(unsafe {
        libc::posix_spawn(
            &raw mut pid,
            prepared.program.as_ptr(),
            &raw const actions.0,
            &raw const attributes.0,
            argv.as_ptr(),
            env.as_ptr(),
        )
    })?;
    Ok(pid)
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
