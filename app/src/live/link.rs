//! The state of the connection to the server, and how long to wait before the next try.

/// How the pages stand to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// The first connection is being made.
    Connecting,
    /// Messages arrive.
    Live,
    /// Lost; another try is due at `retry_at`, in milliseconds since the epoch.
    Waiting {
        /// How many tries failed since it was last live.
        failures: u32,
        /// When the next one is due.
        retry_at: i64,
    },
}

/// After so many failed tries the page calls itself offline; it goes on trying.
const OFFLINE_AFTER: u32 = 4;

impl Link {
    /// The name for programs: `live`, `connecting` or `offline`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Waiting { failures, .. } if failures >= OFFLINE_AFTER => "offline",
            Self::Connecting | Self::Waiting { .. } => "connecting",
        }
    }

    /// The state in words at the time `now`, in milliseconds since the epoch.
    pub(crate) fn words(self, now: i64) -> String {
        match self {
            Self::Live => "Live".to_owned(),
            Self::Connecting => "Connecting".to_owned(),
            Self::Waiting { failures, retry_at } => {
                let wait_s = (retry_at - now).max(0).saturating_add(999) / 1_000;
                let state =
                    if failures >= OFFLINE_AFTER { "Offline, retry" } else { "Reconnecting" };
                if wait_s == 0 { format!("{state} now") } else { format!("{state} in {wait_s} s") }
            }
        }
    }
}

const FIRST_DELAY_MS: i64 = 500;
const MAX_DELAY_MS: i64 = 15_000;

/// How long to wait after the given number of failures (1 is the first): it doubles from half a
/// second to 15 s, of which `jitter` (0 to 1) takes up to a half away, so that the pages of a
/// restarted server do not all come back at once.
pub(crate) fn backoff_ms(failures: u32, jitter: f64) -> i64 {
    let doublings = failures.saturating_sub(1).min(10);
    let full = (FIRST_DELAY_MS << doublings).min(MAX_DELAY_MS);
    // Thousandths, so that the sum stays in whole numbers.
    #[allow(clippy::cast_possible_truncation)] // in 0 to 500 after the clamp
    let thousandths = (jitter.clamp(0.0, 1.0) * 500.0) as i64;
    full - full * thousandths / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit() {
        let delays: Vec<_> = (1..=7).map(|n| backoff_ms(n, 0.0)).collect();
        assert_eq!(delays, [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
        assert_eq!(backoff_ms(u32::MAX, 0.0), MAX_DELAY_MS);
    }

    #[test]
    fn jitter_takes_at_most_a_half() {
        assert_eq!(backoff_ms(1, 1.0), 250);
        assert_eq!(backoff_ms(2, 0.5), 750);
        assert_eq!(backoff_ms(1, f64::NAN), 500);
        assert_eq!(backoff_ms(1, 7.0), 250);
    }

    #[test]
    fn states_have_words() {
        let waiting = |failures| Link::Waiting { failures, retry_at: 5_000 };
        assert_eq!(waiting(1).words(2_500), "Reconnecting in 3 s");
        assert_eq!(waiting(1).words(9_000), "Reconnecting now");
        assert_eq!(waiting(4).words(4_000), "Offline, retry in 1 s");
        assert_eq!((waiting(3).as_str(), waiting(4).as_str()), ("connecting", "offline"));
        assert_eq!(Link::Live.as_str(), "live");
    }
}
