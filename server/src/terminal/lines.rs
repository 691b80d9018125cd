//! The lines of a screen, each as it is when the cursor leaves it by a line feed.

use std::io::{self, Write};
use std::num::NonZeroU16;

use vt100::{Cell, Color, Parser};

use super::Size;

/// See the module.
pub(super) struct ScreenLines {
    parser: Parser,
    columns: u16,
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    foreground: Color,
    background: Color,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    inverse: bool,
}

impl ScreenLines {
    pub(super) fn new(size: Size) -> Self {
        let at_least_one = |n: u16| NonZeroU16::new(n).unwrap_or(NonZeroU16::MIN);
        let (rows, columns) = (at_least_one(size.rows), at_least_one(size.columns));
        Self { parser: Parser::new(rows, columns, 0), columns: columns.get() }
    }

    /// Takes what was written to the terminal; lines that are left go to `out`.
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(end);
            self.parser.process(line);
            // Full-screen programs draw, they do not write lines.
            if !self.parser.screen().alternate_screen() {
                self.write_line(out)?;
            }
            self.parser.process(b"\n");
            rest = after.get(1..).unwrap_or_default();
        }
        self.parser.process(rest);
        Ok(())
    }

    /// The program has ended: its last line may have no end.
    pub(super) fn finish(&mut self, out: &mut impl Write) -> io::Result<()> {
        let screen = self.parser.screen();
        let row = screen.cursor_position().0;
        let is_empty = (0..self.columns)
            .all(|column| screen.cell(row, column).is_none_or(|cell| !cell.has_contents()));
        if is_empty || screen.alternate_screen() { Ok(()) } else { self.write_line(out) }
    }

    /// The line that the cursor is in, over all rows that it is wrapped to.
    fn write_line(&self, out: &mut impl Write) -> io::Result<()> {
        let screen = self.parser.screen();
        let last = screen.cursor_position().0;
        let mut first = last;
        while first > 0 && screen.row_wrapped(first - 1) {
            first -= 1;
        }
        let mut text = String::new();
        let mut look = Look::default();
        let mut blanks = 0;
        for row in first..=last {
            for column in 0..self.columns {
                let Some(cell) = screen.cell(row, column) else { continue };
                if cell.is_wide_continuation() {
                    continue;
                }
                // Blanks at the end say nothing, unless they have a colour.
                if !cell.has_contents() && look_of(cell).background == Color::Default {
                    blanks += 1;
                    continue;
                }
                text.extend(std::iter::repeat_n(' ', std::mem::take(&mut blanks)));
                let next = look_of(cell);
                if next != look {
                    next.write(&mut text);
                    look = next;
                }
                text.push_str(if cell.has_contents() { cell.contents() } else { " " });
            }
        }
        if look != Look::default() {
            text.push_str("\u{1b}[0m");
        }
        text.push('\n');
        out.write_all(text.as_bytes())
    }
}

fn look_of(cell: &Cell) -> Look {
    Look {
        foreground: cell.fgcolor(),
        background: cell.bgcolor(),
        bold: cell.bold(),
        dim: cell.dim(),
        italic: cell.italic(),
        underline: cell.underline(),
        inverse: cell.inverse(),
    }
}

impl Look {
    /// The escape sequence that makes text look so, whatever it looked like before.
    fn write(self, text: &mut String) {
        let mut codes = vec!["0".to_owned()];
        let flags = [
            (self.bold, "1"),
            (self.dim, "2"),
            (self.italic, "3"),
            (self.underline, "4"),
            (self.inverse, "7"),
        ];
        codes
            .extend(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, code)| (*code).to_owned()));
        codes.extend(color_code(self.foreground, 30, 90, 38));
        codes.extend(color_code(self.background, 40, 100, 48));
        text.push_str("\u{1b}[");
        text.push_str(&codes.join(";"));
        text.push('m');
    }
}

fn color_code(color: Color, plain: u16, bright: u16, other: u16) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Idx(n) if n < 8 => Some((plain + u16::from(n)).to_string()),
        Color::Idx(n) if n < 16 => Some((bright + u16::from(n) - 8).to_string()),
        Color::Idx(n) => Some(format!("{other};5;{n}")),
        Color::Rgb(r, g, b) => Some(format!("{other};2;{r};{g};{b}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8], piece: usize) -> String {
        let mut screen = ScreenLines::new(Size { columns: 20, rows: 5 });
        let mut out = Vec::new();
        for piece in bytes.chunks(piece) {
            screen.take(piece, &mut out).unwrap();
        }
        screen.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_terminal_would_show() {
        let cases: [(&[u8], &str); 9] = [
            (b"one\r\ntwo\r\n", "one\ntwo\n"),
            (b"no end", "no end\n"),
            (b"10%\r20%\r100%\r\n", "100%\n"),
            (b"longer\rab\x1b[K\r\n", "ab\n"),
            (b"abc\x08\x08X\r\n", "aXc\n"),
            (
                b"\x1b[31mred\x1b[0m and \x1b[1;44mbold\x1b[0m\r\n",
                "\u{1b}[0;31mred\u{1b}[0m and \u{1b}[0;1;44mbold\u{1b}[0m\n",
            ),
            ("wide \u{597d} \u{e9}\r\n".as_bytes(), "wide \u{597d} \u{e9}\n"),
            (
                b"012345678901234567890123456789\r\nnext\r\n",
                "012345678901234567890123456789\nnext\n",
            ),
            (b"\r\n  two\tin\r\n", "\n  two   in\n"),
        ];
        for (bytes, text) in cases {
            for piece in [1, 3, bytes.len()] {
                assert_eq!(shown(bytes, piece), text, "{bytes:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_full_screen_program_is_no_log() {
        assert_eq!(shown(b"\x1b[?1049hdraws\r\nhere\r\n\x1b[?1049lback\r\n", 7), "back\n");
    }

    #[test]
    fn many_lines_scroll_by() {
        let text: String = (0..100).map(|n| format!("line {n}\r\n")).collect();
        assert_eq!(shown(text.as_bytes(), 11), text.replace('\r', ""));
    }
}
