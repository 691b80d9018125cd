//! Terminal output as spans of styled text. Colours and weights (SGR) are kept, every other escape
//! is dropped; a carriage return starts the line over, as progress bars mean it to.

use anstyle_parse::{DefaultCharAccumulator, Params, Parser, Perform};

use crate::model::Style;

/// A run of text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// How it looks.
    pub(crate) style: Style,
    /// The text, without escapes and control characters (tabs stay).
    pub(crate) text: String,
}

/// The spans of a line that begins in `style`, cut after `max_chars` characters; and how many
/// characters were cut.
pub(crate) fn parse_line(line: &str, style: Style, max_chars: usize) -> (Vec<Span>, usize) {
    let mut painter = Painter { style, room: max_chars, max_chars, ..Painter::default() };
    let mut parser = Parser::<DefaultCharAccumulator>::new();
    for &byte in line.as_bytes() {
        parser.advance(&mut painter, byte);
    }
    (painter.spans, painter.cut)
}

/// The text of a line as it is seen: without colours.
pub(crate) fn plain_text(line: &str) -> String {
    let (spans, _) = parse_line(line, Style::default(), usize::MAX);
    spans.into_iter().map(|span| span.text).collect()
}

#[derive(Default)]
struct Painter {
    style: Style,
    spans: Vec<Span>,
    room: usize,
    max_chars: usize,
    cut: usize,
    /// A carriage return was read: the next character starts the line over.
    returned: bool,
}

impl Painter {
    fn keep(&mut self, c: char) {
        if std::mem::take(&mut self.returned) {
            self.spans.clear();
            self.room = self.max_chars;
            self.cut = 0;
        }
        if self.room == 0 {
            self.cut += 1;
            return;
        }
        self.room -= 1;
        match self.spans.last_mut() {
            Some(span) if span.style == self.style => span.text.push(c),
            _ => self.spans.push(Span { style: self.style, text: c.to_string() }),
        }
    }
}

/// Whether it turns the order of what follows around: hidden, it would make a line look like another.
fn is_turn(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Perform for Painter {
    fn print(&mut self, c: char) {
        if is_turn(c) {
            format!("‹U+{:04X}›", u32::from(c)).chars().for_each(|c| self.keep(c));
        } else {
            self.keep(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.keep('\t'),
            b'\r' => self.returned = true,
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        if action == b'm' && intermediates.is_empty() && !ignore {
            self.style.apply(params.iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Color;

    fn spans(line: &str) -> Vec<(String, Style)> {
        let (spans, _) = parse_line(line, Style::default(), 10_000);
        spans.into_iter().map(|s| (s.text, s.style)).collect()
    }

    fn text(line: &str) -> String {
        spans(line).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn colours_split_the_line() {
        let red = Style { fg: Some(Color::Palette(1)), ..Style::default() };
        assert_eq!(
            spans("a \x1b[31mred\x1b[0m b"),
            [
                ("a ".to_owned(), Style::default()),
                ("red".to_owned(), red),
                (" b".to_owned(), Style::default())
            ]
        );
    }

    #[test]
    fn every_other_escape_is_dropped() {
        assert_eq!(text("\x1b[2K\x1b[1Gok\x1b[?25l"), "ok");
        assert_eq!(
            text("\x1b]0;a title\x07ok\x1b]8;;https://x.test\x1b\\link\x1b]8;;\x1b\\"),
            "oklink"
        );
        assert_eq!(text("\x1bP1$q\x1b\\ok\x1b(B\x07\x08"), "ok");
        assert_eq!(text("cut \x1b[3"), "cut ");
    }

    #[test]
    fn markup_and_unicode_are_text() {
        assert_eq!(text("<b>&amp; é 日本\t🎉"), "<b>&amp; é 日本\t🎉");
    }

    #[test]
    fn what_turns_the_order_around_is_seen() {
        assert_eq!(text("user \u{202e}gnp.exe\u{2069}"), "user ‹U+202E›gnp.exe‹U+2069›");
        assert_eq!(text("שלום"), "שלום", "what only reads from the right is left alone");
    }

    #[test]
    fn a_carriage_return_starts_over() {
        assert_eq!(text("10%\r20%\r100%"), "100%");
        assert_eq!(text("done\r"), "done");
    }

    #[test]
    fn a_line_begins_in_a_style() {
        let bold = Style { bold: true, ..Style::default() };
        let (spans, _) = parse_line("a\x1b[mb", bold, 10);
        let looks: Vec<_> = spans.iter().map(|span| (span.text.as_str(), span.style)).collect();
        assert_eq!(looks, [("a", bold), ("b", Style::default())]);
    }

    #[test]
    fn long_lines_are_cut() {
        let (spans, cut) = parse_line("abcdef", Style::default(), 4);
        assert_eq!((spans[0].text.as_str(), cut), ("abcd", 2));
    }
}
