//! Figures over time as the path of a line, and the scale that it is drawn to.

use crate::model::Point;

/// The least value that a chart of CPU spans: a tenth of a core.
const LEAST_CPU_MILLI: i64 = 100;
/// The least value that a chart of memory spans.
const LEAST_BYTES: i64 = 1 << 20;

/// A line through the points, the newest at the right edge, in a box of this size.
pub(crate) fn path_of(
    points: &[Point],
    most: i64,
    of: fn(&Point) -> i64,
    width: i64,
    height: i64,
) -> String {
    let count = i64::try_from(points.len()).unwrap_or(1).max(2) - 1;
    let mut path = String::new();
    for (at, point) in (0..).zip(points) {
        let x = width * at / count;
        let y = height - 1 - of(point).clamp(0, most) * (height - 2) / most.max(1);
        path.push_str(if at == 0 { "M" } else { "L" });
        path.push_str(&format!("{x} {y}"));
    }
    path
}

/// What is below such a line, down to the lower edge of the box.
pub(crate) fn area_of(line: &str, height: i64) -> String {
    format!("{line}V{height}H0z")
}

/// The upper edge of a chart of CPU, in thousandths of a core: 1, 2 or 5 times a power of ten.
pub(crate) fn top_of_cpu(peak: i64) -> i64 {
    let mut unit = LEAST_CPU_MILLI;
    loop {
        for top in [1, 2, 5].map(|factor| unit.saturating_mul(factor)) {
            if top >= peak {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// The upper edge of a chart of memory, in bytes: a power of two, or halfway to the next.
pub(crate) fn top_of_bytes(peak: i64) -> i64 {
    let mut top = LEAST_BYTES;
    while top < peak {
        if top / 2 * 3 >= peak {
            return top / 2 * 3;
        }
        top = top.saturating_mul(2);
    }
    top
}

/// How much `part` is of `whole`, as the style sheet takes it: `12.5%`.
pub(crate) fn share_of(part: i64, whole: i64) -> String {
    let tenths = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0).clamp(0, 1_000);
    format!("{}.{}%", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_spans_the_box() {
        let point = |(at, cpu_milli): (i64, i64)| Point { ts: at * 2_000, cpu_milli, rss_bytes: 1 };
        let points: Vec<_> = (0..).zip([0, 500, 1_000]).map(point).collect();
        let path = path_of(&points, 1_000, |point| point.cpu_milli, 40, 12);
        assert_eq!(path, "M0 11L20 6L40 1");
        assert_eq!(area_of(&path, 12), "M0 11L20 6L40 1V12H0z");
        assert_eq!(path_of(&[], 10, |point| point.cpu_milli, 40, 12), "");
    }

    #[test]
    fn scales_end_at_round_values() {
        let tops = [0, 100, 101, 201, 501, 1_001, 3_000, 7_999].map(top_of_cpu);
        assert_eq!(tops, [100, 100, 200, 500, 1_000, 2_000, 5_000, 10_000]);
        let mib = |n: i64| n << 20;
        let tops = [0, mib(1), mib(98), mib(130), mib(200)].map(top_of_bytes);
        assert_eq!(tops, [1, 1, 128, 192, 256].map(mib));
    }

    #[test]
    fn shares_stay_within_the_whole() {
        assert_eq!([share_of(1, 8), share_of(9, 4), share_of(1, 0)], ["12.5%", "100.0%", "0.0%"]);
    }
}
