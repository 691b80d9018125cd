//! Times and counts in words.

/// Milliseconds as seconds, without needless digits: `1.5 s`.
pub(super) fn seconds(ms: u64) -> String {
    let (whole, rest) = (ms / 1000, ms % 1000);
    if rest == 0 {
        return format!("{whole} s");
    }
    format!("{} s", format!("{whole}.{rest:03}").trim_end_matches('0'))
}

/// How long something took, as people say it: `0.4 s`, `38 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`.
pub(super) fn span(ms: i64) -> String {
    let ms = ms.max(0);
    let s = ms / 1000;
    match s {
        0..10 => format!("{}.{} s", s, ms % 1000 / 100),
        10..60 => format!("{s} s"),
        60..3_600 => format!("{} min {} s", s / 60, s % 60),
        3_600..86_400 => format!("{} h {} min", s / 3_600, s % 3_600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3_600),
    }
}

/// Bytes as people say them: `512 B`, `1.5 KiB`, `101.0 MiB`.
pub(super) fn size(bytes: u64) -> String {
    let units = [("TiB", 1_u64 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, factor)| bytes >= *factor) {
        Some((unit, factor)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*factor);
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// `1 failure`, `3 failures`.
pub(super) fn plural(n: u32, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

/// `1st`, `22nd`.
pub(super) fn ordinal(n: usize) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_counts() {
        assert_eq!([seconds(0), seconds(2_100), seconds(60_000)], ["0 s", "2.1 s", "60 s"]);
        let spans = [span(-3), span(440), span(38_900), span(192_000), span(7_500_000)];
        assert_eq!(spans, ["0.0 s", "0.4 s", "38 s", "3 min 12 s", "2 h 5 min"]);
        let sizes = [size(512), size(1_536), size(105_906_176), size(u64::MAX)];
        assert_eq!(sizes, ["512 B", "1.5 KiB", "101.0 MiB", "16777215.9 TiB"]);
        assert_eq!([plural(1, "failure"), plural(5, "failure")], ["1 failure", "5 failures"]);
        let words: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).into();
        assert_eq!(words.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th");
    }
}
