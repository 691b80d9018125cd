//! Figures over time as the path of a line.

use crate::model::Point;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_spans_the_box() {
        let point = |(at, cpu_milli): (i64, i64)| Point { ts: at * 2_000, cpu_milli, rss_bytes: 1 };
        let points: Vec<_> = (0..).zip([0, 500, 1_000]).map(point).collect();
        let path = path_of(&points, 1_000, |point| point.cpu_milli, 40, 12);
        assert_eq!(path, "M0 11L20 6L40 1");
        assert_eq!(path_of(&[], 10, |point| point.cpu_milli, 40, 12), "");
    }
}
