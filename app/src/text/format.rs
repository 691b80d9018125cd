//! Numbers as people read them. Milliseconds since the epoch are shown in a zone that is given as
//! minutes east of UTC, so that nothing here asks a clock.

/// A span: `240 ms`, `4.2 s`, `3 m 12 s`, `2 h 5 m`, `3 d 4 h`.
pub(crate) fn format_duration(ms: i64) -> String {
    let ms = ms.max(0);
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format_uptime(ms),
    }
}

/// A span that ticks by the second: `4 s`, then as [`format_duration`].
pub(crate) fn format_uptime(ms: i64) -> String {
    let s = ms.max(0) / 1_000;
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{} m {} s", s / 60, s % 60),
        3_600..86_400 => format!("{} h {} m", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

/// A size in powers of 1,024 with one decimal below 100: `512 B`, `1.5 KiB`, `128 MiB`.
pub(crate) fn format_bytes(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let bytes = bytes.max(0);
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut tenths = bytes.saturating_mul(10) / 1_024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1_024;
        unit += 1;
    }
    if tenths < 1_000 {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    } else {
        format!("{} {}", tenths / 10, UNITS[unit])
    }
}

/// Thousandths as a percentage: `12.5 %`.
pub(crate) fn format_percent(milli: i64) -> String {
    format!("{}.{} %", milli / 10, milli % 10)
}

/// A count with a comma at every third digit.
pub(crate) fn format_count(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The time of day to the second: `14:03:09`.
pub(crate) fn format_time(ts: i64, zone_min: i64) -> String {
    let s = (ts + zone_min * 60_000).rem_euclid(86_400_000) / 1_000;
    format!("{:02}:{:02}:{:02}", s / 3_600, s % 3_600 / 60, s % 60)
}

/// The time of day: `14:03:09.250`.
pub(crate) fn format_clock(ts: i64, zone_min: i64) -> String {
    format!("{}.{:03}", format_time(ts, zone_min), ts.rem_euclid(1_000))
}

/// A span since something began: `+2.350`, `+1:02:03.500`.
pub(crate) fn format_offset(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    let ms = ms.saturating_abs();
    let s = ms / 1_000;
    match s {
        0..60 => format!("{sign}{s}.{:03}", ms % 1_000),
        60..3_600 => format!("{sign}{}:{:02}.{:03}", s / 60, s % 60, ms % 1_000),
        _ => format!("{sign}{}:{:02}:{:02}.{:03}", s / 3_600, s % 3_600 / 60, s % 60, ms % 1_000),
    }
}

/// Day and time: `2026-02-28 14:03:09`.
pub(crate) fn format_stamp(ts: i64, zone_min: i64) -> String {
    let local = ts + zone_min * 60_000;
    let (year, month, day) = civil_date(local.div_euclid(86_400_000));
    format!("{year:04}-{month:02}-{day:02} {}", format_time(ts, zone_min))
}

/// Year, month and day of a number of days since 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil_date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            (-5, "0 ms"),
            (240, "240 ms"),
            (4_250, "4.2 s"),
            (42_999, "42 s"),
            (192_000, "3 m 12 s"),
            (7_500_000, "2 h 5 m"),
            (273_600_000, "3 d 4 h"),
        ];
        for (ms, text) in cases {
            assert_eq!(format_duration(ms), text);
        }
        assert_eq!(format_uptime(999), "0 s");
        assert_eq!(format_uptime(4_250), "4 s");
    }

    #[test]
    fn offsets() {
        let cases =
            [(0, "+0.000"), (-5, "-0.005"), (62_350, "+1:02.350"), (3_723_500, "+1:02:03.500")];
        for (ms, text) in cases {
            assert_eq!(format_offset(ms), text);
        }
    }

    #[test]
    fn sizes() {
        let cases = [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_536, "1.5 KiB"),
            (1_048_576, "1.0 MiB"),
            (134_217_728, "128 MiB"),
            (i64::MAX, "838860 TiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(format_bytes(bytes), text);
        }
    }

    #[test]
    fn percentages() {
        assert_eq!([0, 9, 125, 2_000].map(format_percent), ["0.0 %", "0.9 %", "12.5 %", "200.0 %"]);
    }

    #[test]
    fn counts() {
        for (count, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-100, "-100")]
        {
            assert_eq!(format_count(count), text);
        }
    }

    #[test]
    fn clocks_and_stamps() {
        assert_eq!(format_clock(0, 0), "00:00:00.000");
        assert_eq!(format_clock(1_772_287_389_250, 60), "15:03:09.250");
        assert_eq!(format_stamp(1_772_287_389_250, 0), "2026-02-28 14:03:09");
        assert_eq!(format_stamp(1_709_164_799_000, 1), "2024-02-29 00:00:59");
        assert_eq!(format_clock(0, -60), "23:00:00.000");
        assert_eq!(format_clock(-1, 0), "23:59:59.999");
        assert_eq!(format_time(1_772_287_389_250, 60), "15:03:09");
        assert_eq!(format_stamp(0, -60), "1969-12-31 23:00:00");
    }
}
