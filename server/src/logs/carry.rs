//! What the lines of a stream leave in force for the next one: a colour that is on, and the level of the
//! entry that indented lines go on with.
//!
//! Found once, when a line is numbered, for it takes every line before it to know. A chunk begins with
//! what is in force where it begins, so that what is kept can be read from anywhere, and says the same
//! as what was shown when it came.

use anstyle_parse::{DefaultCharAccumulator, Params, Parser, Perform};
use app::model::{EntryKind, Level, Style, is_continuation};
use memchr::memrchr;

const ESCAPE: u8 = 0x1b;

/// What is in force where a line begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Begin {
    /// How it looks.
    pub style: Style,
    /// It goes on with what an entry of this level said.
    pub under: Option<Level>,
}

impl Begin {
    /// Whether nothing is.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// What is in force at the end of each stream of a log.
#[derive(Clone, Debug, Default)]
pub struct Carry {
    streams: [Stream; 3],
}

#[derive(Clone, Debug, Default)]
struct Stream {
    style: Style,
    head: Head,
}

/// The line that indented ones belong to.
#[derive(Clone, Debug)]
enum Head {
    /// It has this level.
    Known(Option<Level>),
    /// Its first bytes, so many: few lines have indented ones behind them, and only for those its
    /// level is guessed.
    Unasked([u8; Level::LOOKED_AT], usize),
}

impl Default for Head {
    fn default() -> Self {
        Self::Known(None)
    }
}

impl Head {
    fn level(&mut self) -> Option<Level> {
        if let Self::Unasked(bytes, length) = self {
            *self = Self::Known(Level::guess(&bytes[..*length]));
        }
        match self {
            Self::Known(level) => *level,
            Self::Unasked(..) => None,
        }
    }

    fn keep(&mut self, line: &[u8]) {
        let line = line.get(..Level::LOOKED_AT).unwrap_or(line);
        if let Self::Known(_) = self {
            *self = Self::Unasked([0; Level::LOOKED_AT], 0);
        }
        if let Self::Unasked(bytes, length) = self {
            bytes[..line.len()].copy_from_slice(line);
            *length = line.len();
        }
    }
}

impl Carry {
    /// What is in force where the next line of a stream begins; the line changes it.
    pub fn next(&mut self, kind: EntryKind, line: &[u8]) -> Begin {
        let Stream { style, head } = &mut self.streams[kind as usize];
        let under = if is_continuation(line) { head.level() } else { None };
        if under.is_none() {
            head.keep(line);
        }
        let begin = Begin { style: *style, under };
        *style = style_after(line, *style);
        begin
    }

    /// What would be in force where an indented line of a stream begins.
    pub fn now(&mut self, kind: EntryKind) -> Begin {
        let Stream { style, head } = &mut self.streams[kind as usize];
        Begin { style: *style, under: head.level() }
    }

    /// The next line of a stream begins so.
    pub fn resume(&mut self, kind: EntryKind, begin: Begin) {
        self.streams[kind as usize] = Stream { style: begin.style, head: Head::Known(begin.under) };
    }
}

/// The style in force after a line.
fn style_after(line: &[u8], style: Style) -> Style {
    // Most lines have no escape at all, and most that have some end with one that puts all off: in a
    // burst this runs for each of them.
    let Some(last) = memrchr(ESCAPE, line) else { return style };
    if matches!(&line[last + 1..], [b'[', b'm', ..] | [b'[', b'0', b'm', ..]) {
        return Style::default();
    }
    let mut painter = Painter(style);
    let mut parser = Parser::<DefaultCharAccumulator>::new();
    for &byte in line {
        parser.advance(&mut painter, byte);
    }
    painter.0
}

struct Painter(Style);

impl Perform for Painter {
    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        if action == b'm' && intermediates.is_empty() && !ignore {
            self.0.apply(params.iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::model::Color;

    fn next(carry: &mut Carry, kind: EntryKind, line: &str) -> (String, Option<Level>) {
        let begin = carry.next(kind, line.as_bytes());
        (begin.style.into(), begin.under)
    }

    #[test]
    fn a_stack_trace_goes_on_with_its_error_in_its_own_stream() {
        let carry = &mut Carry::default();
        let mut under = |kind, line: &str| next(carry, kind, line).1;
        assert_eq!(under(EntryKind::Stderr, "  indented"), None);
        assert_eq!(under(EntryKind::Stderr, "Error: no"), None);
        assert_eq!(under(EntryKind::Stdout, "ready"), None);
        assert_eq!(under(EntryKind::Stdout, "  plain"), None);
        assert_eq!(under(EntryKind::Stderr, "    at main (a.js:1)"), Some(Level::Error));
        assert_eq!(under(EntryKind::Stderr, "Caused by: x"), Some(Level::Error));
        assert_eq!(under(EntryKind::Stderr, "done"), None);
        assert_eq!(under(EntryKind::Stderr, "    at nothing"), None);
        assert_eq!(under(EntryKind::Stderr, "  WARN low"), None);
        assert_eq!(under(EntryKind::Stderr, "  space"), Some(Level::Warn));
    }

    #[test]
    fn a_colour_goes_on_in_its_own_stream_until_it_is_put_off() {
        let carry = &mut Carry::default();
        let mut style = |kind, line: &str| next(carry, kind, line).0;
        assert_eq!(style(EntryKind::Stdout, "\x1b[1;31mred"), "");
        assert_eq!(style(EntryKind::Stderr, "plain"), "");
        assert_eq!(style(EntryKind::Stdout, "still \x1b[4mred"), "1;31");
        assert_eq!(style(EntryKind::Stdout, "a \x1b[32mb\x1b[0m c"), "1;4;31");
        assert_eq!(style(EntryKind::Stdout, "\x1b[7m\x1b[mx"), "");
        assert_eq!(style(EntryKind::Stdout, "\x1b[2K\x1b]0;[31m\x07"), "");
        assert_eq!(style(EntryKind::Stdout, ""), "");
    }

    #[test]
    fn goes_on_where_it_is_told_to() {
        let mut carry = Carry::default();
        let style = Style { fg: Some(Color::Palette(2)), ..Style::default() };
        let begin = Begin { style, under: Some(Level::Error) };
        carry.resume(EntryKind::Stdout, begin);
        assert_eq!(carry.next(EntryKind::Stdout, b"  at main"), begin);
        assert_eq!(carry.next(EntryKind::Stdout, b"done").under, None);
        assert!(carry.next(EntryKind::Stderr, b"  at main").is_plain());
    }

    #[test]
    fn a_long_line_is_guessed_as_by_itself() {
        let carry = &mut Carry::default();
        let long = format!("ERROR {}", "x".repeat(1_000));
        next(carry, EntryKind::Stdout, &long);
        assert_eq!(next(carry, EntryKind::Stdout, "\tat main").1, Some(Level::Error));
    }
}
