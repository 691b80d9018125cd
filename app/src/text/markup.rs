//! Log text as HTML, written as a string: a row is drawn a hundred times a second in a burst, and a
//! string costs the browser less than a tree of views. Whatever a program wrote is text here: all of
//! it goes through [`push_escaped`].

use std::ops::Range;

use super::ansi::Span;
use crate::model::{Color, Style};

/// A run of text in one look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Classes, of the style sheet's own names.
    pub(crate) class: String,
    /// The exact colour of the text, as `rrggbb`.
    pub(crate) color: Option<String>,
    /// The exact colour behind it.
    pub(crate) ground: Option<String>,
    /// The text.
    pub(crate) text: String,
}

impl Piece {
    /// Text of one class.
    pub(crate) fn new(class: &str, text: impl Into<String>) -> Self {
        Self { class: class.to_owned(), text: text.into(), ..Self::default() }
    }
}

impl From<Span> for Piece {
    fn from(Span { style, text }: Span) -> Self {
        Self { text, ..look_of(style) }
    }
}

impl Piece {
    /// Appends what stands before the text.
    ///
    /// An exact colour is the `color` of a `font`, which HTML has given up and no browser will: it is the
    /// one way to say any colour at all that is no style, and styles in a page are what the content
    /// security policy forbids. The style sheet takes the colour from there as `currentColor`.
    fn open(&self, out: &mut String) {
        for (color, tag) in
            [(&self.ground, "<font class=\"on\" color=\"#"), (&self.color, "<font color=\"#")]
        {
            if let Some(color) = color {
                out.push_str(tag);
                out.push_str(color);
                out.push_str("\">");
            }
        }
        if !self.class.is_empty() {
            out.push_str("<span class=\"");
            out.push_str(&self.class);
            out.push_str("\">");
        }
    }

    /// Appends what stands behind the text.
    fn close(&self, out: &mut String) {
        out.push_str(if self.class.is_empty() { "" } else { "</span>" });
        for color in [&self.color, &self.ground] {
            out.push_str(if color.is_some() { "</font>" } else { "" });
        }
    }
}

/// Appends a text in which nothing can be markup, neither in an element nor in a quoted attribute.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

/// The text of all pieces.
pub(crate) fn text_of(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

/// Appends the pieces, with `links` and `marks` (places in [`text_of`] them).
pub(crate) fn push_pieces(
    out: &mut String,
    pieces: &[Piece],
    links: &[Range<usize>],
    marks: &[Range<usize>],
) {
    let text = text_of(pieces);
    let mut at = 0;
    for piece in pieces {
        let end = at + piece.text.len();
        piece.open(out);
        while at < end {
            let link = links.iter().find(|link| link.contains(&at));
            let is_marked = marks.iter().any(|mark| mark.contains(&at));
            // Up to where the next thing begins or ends.
            let edges = links.iter().chain(marks).flat_map(|range| [range.start, range.end]);
            let to = edges.filter(|edge| *edge > at).fold(end, usize::min);
            if let Some(link) = link {
                out.push_str("<a rel=\"noopener noreferrer\" target=\"_blank\" href=\"");
                push_escaped(out, &text[link.clone()]);
                out.push_str("\">");
            }
            out.push_str(if is_marked { "<mark>" } else { "" });
            push_escaped(out, &text[at..to]);
            out.push_str(if is_marked { "</mark>" } else { "" });
            out.push_str(if link.is_some() { "</a>" } else { "" });
            at = to;
        }
        piece.close(out);
    }
}

/// Where the addresses are. Only `http` and `https`: a program's output must not be able to make a
/// link that runs something.
pub(crate) fn find_links(text: &str) -> Vec<Range<usize>> {
    let mut links = Vec::new();
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("http")) {
        let start = from + found;
        let rest = &text[start..];
        from = start + 4;
        let Some(scheme) = ["https://", "http://"].into_iter().find(|s| rest.starts_with(s)) else {
            continue;
        };
        let is_end = |c: char| c.is_whitespace() || c.is_control() || "<>\"'`|\\^{}".contains(c);
        let address = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        // What ends a sentence is no part of an address in it.
        let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']']);
        if address.len() > scheme.len() {
            from = start + address.len();
            links.push(start..from);
        }
    }
    links
}

/// A piece without text that looks so. Theme colours are classes, so that they change with the theme;
/// exact ones are what they are, and the style sheet brings them to a readable lightness.
fn look_of(style: Style) -> Piece {
    let (fg, bg) = if style.inverse { (style.bg, style.fg) } else { (style.fg, style.bg) };
    let (color, ground) = (exact(fg), exact(bg));
    let mut class = String::new();
    let mut add = |name: &str| {
        if !class.is_empty() {
            class.push(' ');
        }
        class.push_str(name);
    };
    match (fg, &ground) {
        (Some(Color::Palette(n)), _) => add(&format!("c{n}")),
        (Some(Color::Rgb(..)), None) => add("rgb"),
        (Some(Color::Rgb(..)), Some(_)) => add("both"),
        // What can be read on an exact colour is found for that one.
        (None, None) if style.inverse => add("inv"),
        _ => {}
    }
    match bg {
        Some(Color::Palette(n)) => add(&format!("b{n}")),
        Some(Color::Rgb(..)) if color.is_none() => add("brgb"),
        None if style.inverse => add("binv"),
        _ => {}
    }
    let flags = [
        (style.bold, "bold"),
        (style.dim, "dim"),
        (style.italic, "italic"),
        (style.underline, "underline"),
    ];
    for (_, name) in flags.into_iter().filter(|(is_on, _)| *is_on) {
        add(name);
    }
    Piece { class, color, ground, text: String::new() }
}

/// An exact colour as `rrggbb`.
fn exact(color: Option<Color>) -> Option<String> {
    let Some(Color::Rgb(r, g, b)) = color else { return None };
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    Some([r, g, b].into_iter().flat_map(|part| [digit(part >> 4), digit(part & 15)]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(pieces: &[Piece], mark: Range<usize>) -> String {
        let mut out = String::new();
        let links = find_links(&text_of(pieces));
        push_pieces(&mut out, pieces, &links, &[mark]);
        out
    }

    fn plain(text: &str) -> Piece {
        Piece::new("", text)
    }

    #[test]
    fn nothing_is_markup() {
        assert_eq!(html(&[plain("<b>&\"'")], 0..0), "&lt;b&gt;&amp;&quot;&#39;");
        let link = html(&[plain("http://x/<script>'\"&a")], 0..0);
        assert!(
            link.starts_with(
                "<a rel=\"noopener noreferrer\" target=\"_blank\" href=\"http://x/\">"
            )
        );
        assert!(!link.contains("<script"), "{link}");
    }

    #[test]
    fn addresses_are_links() {
        let found = |text: &str| -> Vec<String> {
            find_links(text).into_iter().map(|link| text[link].to_owned()).collect()
        };
        assert_eq!(found("see https://a.test/x?y=1&z=2."), ["https://a.test/x?y=1&z=2"]);
        assert_eq!(
            found("(http://a.test), http://b.test:80/"),
            ["http://a.test", "http://b.test:80/"]
        );
        assert!(found("http:// https:/x javascript:alert(1) httpd").is_empty());
        assert_eq!(found("日本http://é.test/ü"), ["http://é.test/ü"]);
    }

    #[test]
    fn marks_cross_pieces_and_links() {
        let pieces = [Piece::new("c1", "ab"), plain("cd")];
        assert_eq!(html(&pieces, 1..3), "<span class=\"c1\">a<mark>b</mark></span><mark>c</mark>d");
        let link = html(&[plain("http://ab")], 7..8);
        assert_eq!(link.matches("<a ").count(), 3);
        assert!(link.contains("<mark>a</mark></a>"), "{link}");
    }

    #[test]
    fn looks() {
        let class = |style| look_of(style).class;
        let red = Style { fg: Some(Color::Palette(1)), bold: true, ..Style::default() };
        assert_eq!(class(red), "c1 bold");
        assert_eq!(class(Style { inverse: true, ..Style::default() }), "inv binv");
        let green = Style { fg: Some(Color::Palette(2)), inverse: true, ..Style::default() };
        assert_eq!(class(green), "inv b2");
    }

    #[test]
    fn exact_colours_are_no_styles() {
        let drawn = |style| {
            let piece = Piece::from(Span { style, text: "x".to_owned() });
            html(&[piece], 0..0)
        };
        let (fg, bg) = (Some(Color::Rgb(255, 0, 9)), Some(Color::Rgb(1, 2, 3)));
        let none = Style::default();
        assert_eq!(
            drawn(Style { fg, bold: true, ..none }),
            "<font color=\"#ff0009\"><span class=\"rgb bold\">x</span></font>"
        );
        assert_eq!(
            drawn(Style { bg, ..none }),
            "<font class=\"on\" color=\"#010203\"><span class=\"brgb\">x</span></font>"
        );
        let both = "<font class=\"on\" color=\"#010203\"><font color=\"#ff0009\">\
                    <span class=\"both\">x</span></font></font>";
        assert_eq!(drawn(Style { fg, bg, ..none }), both);
        assert_eq!(drawn(Style { fg: bg, bg: fg, inverse: true, ..none }), both);
    }
}
