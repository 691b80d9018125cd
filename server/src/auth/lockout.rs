//! Guessing is made slow: after some wrong tries each next one has to wait, longer every time.
//!
//! What is counted is the name that was tried, whether it exists or not, and the address. The delay
//! ends by itself and never locks anybody out for good.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// Wrong tries that cost nothing.
const FREE: u32 = 5;
/// The longest delay.
const LONGEST_S: u64 = 15 * 60;
/// Tries that are so old are forgotten.
const MEMORY_MS: i64 = 60 * 60 * 1000;
/// Names and addresses that are counted at the same time; the one tried longest ago gives way.
const MAX_ENTRIES: usize = 4096;

#[derive(Clone, Copy)]
struct Entry {
    tries: u32,
    last_ms: i64,
    /// What `last_ms` was before the newest try.
    before_ms: i64,
}

/// The tries of late.
#[derive(Default)]
pub struct Lockout {
    /// By hash: what was typed as a name may be a password.
    entries: Mutex<HashMap<[u8; 32], Entry>>,
}

impl std::fmt::Debug for Lockout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lockout(..)")
    }
}

impl Lockout {
    /// Counts a try by each of `keys` before it is made, so that tries at the same time cannot slip
    /// through together. `now_ms` is milliseconds since the epoch.
    ///
    /// # Errors
    /// How long to wait; the try is then not made and not counted.
    pub fn begin(&self, keys: &[&str], now_ms: i64) -> Result<(), Duration> {
        let mut entries = self.entries.lock();
        let wait_ms = keys
            .iter()
            .filter_map(|key| entries.get(&hash(key)))
            .map(|entry| entry.last_ms + delay_ms(entry.tries) - now_ms)
            .max()
            .unwrap_or(0);
        if let Ok(wait_ms @ 1..) = u64::try_from(wait_ms) {
            return Err(Duration::from_millis(wait_ms));
        }
        for key in keys {
            if entries.len() >= MAX_ENTRIES {
                make_room(&mut entries, now_ms);
            }
            let new = Entry { tries: 0, last_ms: now_ms, before_ms: now_ms };
            let entry = entries.entry(hash(key)).or_insert(new);
            if now_ms - entry.last_ms > MEMORY_MS {
                entry.tries = 0;
            }
            entry.tries = entry.tries.saturating_add(1);
            (entry.before_ms, entry.last_ms) = (entry.last_ms, now_ms);
        }
        Ok(())
    }

    /// The try was right: nothing is held against `name` any more. Of the other keys, as of an address, it
    /// is taken back alone: who has an account could else wash off the tries at those of others.
    pub fn succeed(&self, name: &str, others: &[&str]) {
        let mut entries = self.entries.lock();
        entries.remove(&hash(name));
        for key in others.iter().map(|key| hash(key)) {
            let Some(entry) = entries.get_mut(&key) else { continue };
            entry.tries -= 1;
            entry.last_ms = entry.before_ms;
            if entry.tries == 0 {
                entries.remove(&key);
            }
        }
    }
}

/// What has to pass after so many tries.
fn delay_ms(tries: u32) -> i64 {
    let Some(over) = tries.checked_sub(FREE) else { return 0 };
    let seconds = 1_u64.checked_shl(over).unwrap_or(LONGEST_S).min(LONGEST_S);
    i64::try_from(seconds * 1000).unwrap_or(i64::MAX)
}

fn make_room(entries: &mut HashMap<[u8; 32], Entry>, now_ms: i64) {
    entries.retain(|_, entry| now_ms - entry.last_ms <= MEMORY_MS);
    if entries.len() >= MAX_ENTRIES
        && let Some(oldest) =
            entries.iter().min_by_key(|(_, entry)| entry.last_ms).map(|(key, _)| *key)
    {
        entries.remove(&oldest);
    }
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["name:a", "address:1"];

    #[test]
    fn a_few_tries_are_free_and_then_each_waits_longer() {
        let lockout = Lockout::default();
        let mut now = 1_000_000;
        for _ in 0..FREE {
            lockout.begin(KEYS, now).unwrap();
        }
        for seconds in [1, 2, 4, 8] {
            assert_eq!(lockout.begin(KEYS, now), Err(Duration::from_secs(seconds)));
            now += i64::try_from(seconds * 1000).unwrap();
            lockout.begin(KEYS, now).unwrap();
        }
    }

    #[test]
    fn the_delay_has_an_end() {
        let lockout = Lockout::default();
        let mut now = 0;
        for _ in 0..60 {
            if let Err(wait) = lockout.begin(KEYS, now) {
                assert!(wait <= Duration::from_secs(LONGEST_S));
                now += i64::try_from(wait.as_millis()).unwrap();
                lockout.begin(KEYS, now).unwrap();
            }
        }
        now += MEMORY_MS + 1;
        for _ in 0..FREE {
            lockout.begin(KEYS, now).unwrap();
        }
        assert!(lockout.begin(KEYS, now).is_err());
    }

    #[test]
    fn one_key_is_enough_to_wait_and_a_right_try_forgives() {
        let lockout = Lockout::default();
        for n in 0..FREE {
            lockout.begin(&["name:a", &format!("address:{n}")], 0).unwrap();
        }
        assert!(lockout.begin(&["name:a", "address:new"], 0).is_err());
        lockout.begin(&["name:b", "address:new"], 0).unwrap();
        lockout.succeed("name:a", &["address:0"]);
        lockout.begin(&["name:a", "address:new"], 0).unwrap();
    }

    #[test]
    fn who_has_an_account_cannot_wash_off_tries_at_those_of_others() {
        let lockout = Lockout::default();
        let own = &["name:own", "address:1"];
        for n in 0..FREE {
            lockout.begin(&[&format!("name:{n}"), "address:1"], 7_000).unwrap();
            if n + 1 < FREE {
                lockout.begin(own, 8_000).unwrap();
                lockout.succeed(own[0], &own[1..]);
            }
        }
        assert!(lockout.begin(own, 7_999).is_err());
        lockout.begin(own, 8_000).unwrap();
        lockout.succeed(own[0], &own[1..]);
        // The wait is that of the wrong tries, and not longer for those that were right.
        lockout.begin(&["name:x", "address:1"], 8_000).unwrap();
        assert!(lockout.begin(own, 9_999).is_err());
        // Nothing is left of one who was never wrong.
        lockout.begin(&["name:b", "address:2"], 0).unwrap();
        lockout.succeed("name:b", &["address:2"]);
        assert!(!lockout.entries.lock().contains_key(&hash("address:2")));
    }

    #[test]
    fn the_table_is_bounded() {
        let lockout = Lockout::default();
        for n in 0..MAX_ENTRIES + 100 {
            lockout.begin(&[&format!("name:{n}")], i64::try_from(n).unwrap()).unwrap();
        }
        assert_eq!(lockout.entries.lock().len(), MAX_ENTRIES);
    }
}
