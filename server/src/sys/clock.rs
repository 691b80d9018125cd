//! The two clocks of the spool: one that never jumps, and the wall's.

#![allow(unsafe_code)]

/// Nanoseconds since the machine started, time asleep included. Never goes back.
#[must_use]
pub fn boottime_ns() -> u64 {
    read(libc::CLOCK_BOOTTIME)
}

/// Nanoseconds since the epoch. Follows the wall clock, and jumps with it.
#[must_use]
pub fn realtime_ns() -> u64 {
    let now = read(libc::CLOCK_REALTIME);
    #[cfg(debug_assertions)]
    let now = now.saturating_add_signed(moved_ns());
    now
}

/// How far a test has set the wall clock forward, in the file that `RUNYARD_CLOCK` names: milliseconds.
/// Debug builds only.
#[cfg(debug_assertions)]
fn moved_ns() -> i64 {
    static FILE: std::sync::OnceLock<Option<std::ffi::OsString>> = std::sync::OnceLock::new();
    let file = FILE.get_or_init(|| std::env::var_os("RUNYARD_CLOCK"));
    let moved_ms = file
        .as_ref()
        .and_then(|file| std::fs::read_to_string(file).ok()?.trim().parse::<i64>().ok());
    moved_ms.unwrap_or(0).saturating_mul(1_000_000)
}

/// Milliseconds since the epoch.
#[must_use]
pub fn realtime_ms() -> i64 {
    i64::try_from(realtime_ns() / 1_000_000).unwrap_or(i64::MAX)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to, and both clocks exist on every Linux.
    // The call cannot fail then; if it did, the time would be 0.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_run() {
        let before = boottime_ns();
        assert!(before > 0);
        assert!(boottime_ns() >= before);
        assert!(realtime_ms() > 1_500_000_000_000);
    }
}
