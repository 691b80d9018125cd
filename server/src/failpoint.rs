//! Places at which a test lets this process die, to see what the next one makes of it.
//!
//! They exist in debug builds only: a release has no trace of them. `RUNYARD_FAILPOINT=NAME:N` ends
//! the process when NAME is reached for the Nth time. `RUNYARD_DISTURB=NAME:FROM:COUNT:HOW` disturbs
//! what is done at NAME, COUNT times from the FROMth time on: HOW is `eio`, or milliseconds to wait.

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

/// Fails or waits here, if that is what a test wants.
///
/// # Errors
/// `EIO`, when a test wants it.
#[cfg(debug_assertions)]
pub fn disturb(name: &str) -> std::io::Result<()> {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    struct Disturbance {
        name: String,
        from: u64,
        count: u64,
        /// It fails, when there is nothing to wait.
        wait_ms: Option<u64>,
    }
    static WANTED: OnceLock<Option<Disturbance>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("RUNYARD_DISTURB").ok()?;
        let mut parts = text.split(':');
        let name = parts.next()?.to_owned();
        let (from, count) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Disturbance { name, from, count, wait_ms: parts.next()?.parse().ok() })
    });
    let Some(wanted) = wanted.as_ref().filter(|wanted| wanted.name == name) else { return Ok(()) };
    let nth = REACHED.fetch_add(1, Ordering::AcqRel);
    if nth < wanted.from || nth - wanted.from >= wanted.count {
        return Ok(());
    }
    match wanted.wait_ms {
        Some(ms) => std::thread::sleep(std::time::Duration::from_millis(ms)),
        None => return Err(std::io::Error::from_raw_os_error(libc::EIO)),
    }
    Ok(())
}

/// Fails or waits here, if that is what a test wants.
///
/// # Errors
/// None.
#[cfg(not(debug_assertions))]
#[inline]
pub fn disturb(_name: &str) -> std::io::Result<()> {
    Ok(())
}
