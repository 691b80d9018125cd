//! Places at which a test lets this process die, to see what the next one makes of it.
//!
//! They exist in debug builds only: a release has no trace of them. `RUNYARD_FAILPOINT=NAME:N` ends
//! the process when NAME is reached for the Nth time.

/// Dies here, if that is what a test wants.
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("RUNYARD_FAILPOINT").ok()?;
        let (name, nth) = text.split_once(':')?;
        Some((name.to_owned(), nth.parse().ok()?))
    });
    if let Some((wanted, nth)) = wanted
        && wanted == name
        && REACHED.fetch_add(1, Ordering::AcqRel) + 1 == *nth
    {
        // As dead as by SIGKILL: nothing is unwound, nothing is flushed.
        std::process::abort();
    }
}

/// Dies here, if that is what a test wants.
#[cfg(not(debug_assertions))]
pub fn reach(_name: &str) {}
