//! Times for people: in UTC, as a page without scripts does not know the reader's clock.

use crate::text::format::format_stamp;

/// `2026-11-24 06:40:39 UTC` from milliseconds since the epoch.
pub(super) fn utc(at_ms: i64) -> String {
    format!("{} UTC", format_stamp(at_ms, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_note() {
        for (at_ms, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399_999, "2000-02-28 23:59:59 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199_000, "2024-02-29 23:59:59 UTC"),
            (1_795_502_439_000, "2026-11-24 06:40:39 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00:00 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
        ] {
            assert_eq!(utc(at_ms), expected);
        }
    }
}
