//! Which rows of a log are in sight: every row has the same height, so a division tells.

/// The height of a row in pixels; `--row` in the style sheet is the same.
pub(crate) const ROW_PX: i32 = 20;

/// Rows drawn above and below what is in sight, so that a quick scroll finds them there.
const MARGIN: usize = 12;

/// What the browser says of the scroll container, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Viewport {
    /// How far it is scrolled.
    pub(crate) top: i32,
    /// How high it is.
    pub(crate) height: i32,
}

impl Viewport {
    /// The first row to draw, and how many.
    pub(crate) fn rows(self, len: usize) -> (usize, usize) {
        let whole = |px: i32| usize::try_from(px.max(0) / ROW_PX).unwrap_or(0);
        let count = (whole(self.height) + 2 + 2 * MARGIN).min(len);
        let first = whole(self.top).saturating_sub(MARGIN).min(len - count);
        (first, count)
    }

    /// The first row in sight and the last.
    pub(crate) fn in_sight(self, len: usize) -> (usize, usize) {
        let last = len.saturating_sub(1);
        let whole = |px: i32| usize::try_from(px.max(0) / ROW_PX).unwrap_or(0).min(last);
        (whole(self.top), whole(self.top + self.height))
    }

    /// Whether the last row is in sight, give or take a part of a row.
    pub(crate) fn is_at_end(self, content_height: i32) -> bool {
        self.top + self.height >= content_height - ROW_PX / 2
    }
}

/// The height of so many rows.
pub(crate) fn height_of(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX / ROW_PX).saturating_mul(ROW_PX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_what_is_in_sight_and_a_margin() {
        let at = |top| Viewport { top, height: 400 }.rows(1_000);
        assert_eq!(at(0), (0, 46));
        assert_eq!(at(5_000), (238, 46));
        assert_eq!(at(height_of(1_000) - 400), (954, 46));
        assert_eq!(at(i32::MAX), (954, 46));
        assert_eq!(at(-50), (0, 46));
    }

    #[test]
    fn short_logs_are_drawn_whole() {
        assert_eq!(Viewport { top: 0, height: 400 }.rows(3), (0, 3));
        assert_eq!(Viewport { top: 0, height: 0 }.rows(0), (0, 0));
    }

    #[test]
    fn knows_what_is_in_sight() {
        assert_eq!(Viewport { top: 5_010, height: 400 }.in_sight(1_000), (250, 270));
        assert_eq!(Viewport { top: 0, height: 400 }.in_sight(3), (0, 2));
        assert_eq!(Viewport { top: 0, height: 400 }.in_sight(0), (0, 0));
    }

    #[test]
    fn knows_its_end() {
        assert!(Viewport { top: 600, height: 400 }.is_at_end(1_000));
        assert!(Viewport { top: 591, height: 400 }.is_at_end(1_000));
        assert!(!Viewport { top: 580, height: 400 }.is_at_end(1_000));
        assert!(Viewport { top: 0, height: 400 }.is_at_end(60));
    }
}
