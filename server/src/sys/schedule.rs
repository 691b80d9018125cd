//! When a thread gets a processor.
//!
//! A thread that is woken interrupts whoever runs there, who is then in the way when the one after it is
//! woken: that one is sent to a processor that sleeps, and waking that takes longer than all that is to be
//! done. The server's threads wait for their turn instead. What they start does not.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::marker::PhantomData;

use super::check;

thread_local! {
    static WAITS: Cell<bool> = const { Cell::new(false) };
}

/// From now on this thread interrupts nobody when it is woken. One that was given another way than the
/// usual one keeps it.
///
/// # Errors
/// Those of `sched_setscheduler(2)`.
pub fn wait_for_turns() -> io::Result<()> {
    // SAFETY: the call takes a number and gives one; 0 is this thread.
    if check(unsafe { libc::sched_getscheduler(0) })? == libc::SCHED_OTHER {
        set(libc::SCHED_BATCH)?;
        WAITS.set(true);
    }
    Ok(())
}

/// Until this is dropped, what this thread starts is scheduled as it was itself before it began to
/// [wait](wait_for_turns).
#[derive(Debug)]
#[must_use]
pub struct Starting {
    resumes: bool,
    /// It is this thread's.
    _not_sent: PhantomData<*const ()>,
}

impl Starting {
    /// Begins.
    pub fn begin() -> Self {
        let resumes = WAITS.get() && set(libc::SCHED_OTHER).is_ok();
        Self { resumes, _not_sent: PhantomData }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if self.resumes {
            // It would only interrupt others.
            let _ = set(libc::SCHED_BATCH);
        }
    }
}

fn set(policy: i32) -> io::Result<()> {
    let no_priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: the parameters outlive the call; 0 is this thread.
    check(unsafe { libc::sched_setscheduler(0, policy, &raw const no_priority) })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> i32 {
        // SAFETY: as above.
        unsafe { libc::sched_getscheduler(0) }
    }

    /// What a shell that is started here says of itself: its policy is the 41st field, of which the name
    /// in brackets may hold none here.
    fn policy_of_child() -> String {
        let script = "cut -d' ' -f41 < /proc/self/stat";
        let output = std::process::Command::new("sh").args(["-c", script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn a_thread_waits_and_what_it_starts_does_not() {
        let before = policy();
        let thread = std::thread::spawn(|| {
            wait_for_turns().unwrap();
            assert_eq!((policy(), policy_of_child().as_str()), (libc::SCHED_BATCH, "3"));
            let starting = Starting::begin();
            assert_eq!((policy(), policy_of_child().as_str()), (libc::SCHED_OTHER, "0"));
            drop(starting);
            assert_eq!(policy(), libc::SCHED_BATCH);
        });
        thread.join().unwrap();
        assert_eq!(policy(), before);
    }

    #[test]
    fn a_thread_with_a_way_of_its_own_keeps_it() {
        let thread = std::thread::spawn(|| {
            set(libc::SCHED_IDLE).unwrap();
            wait_for_turns().unwrap();
            drop(Starting::begin());
            assert_eq!(policy(), libc::SCHED_IDLE);
        });
        thread.join().unwrap();
    }
}
