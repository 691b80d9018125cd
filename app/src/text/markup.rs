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
    /// Custom properties with exact colours.
    pub(crate) style: String,
    /// The text.
    pub(crate) text: String,
}

impl Piece {
    /// Text of one class.
    pub(crate) fn new(class: &str, text: impl Into<String>) -> Self {
        Self { class: class.to_owned(), style: String::new(), text: text.into() }
    }
}

impl From<Span> for Piece {
    fn from(Span { style, text }: Span) -> Self {
        let (class, style) = look_of(style);
        Self { class, style, text }
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
        let is_plain = piece.class.is_empty();
        if !is_plain {
            out.push_str("<span class=\"");
            out.push_str(&piece.class);
            if !piece.style.is_empty() {
                out.push_str("\" style=\"");
                out.push_str(&piece.style);
            }
            out.push_str("\">");
        }
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
        out.push_str(if is_plain { "" } else { "</span>" });
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

/// The classes and custom properties of a style. Theme colours are classes, so that they change with
/// the theme; exact ones are properties that the style sheet brings to a readable lightness.
fn look_of(style: Style) -> (String, String) {
    let mut class = String::new();
    let mut add = |name: &str| {
        if !class.is_empty() {
            class.push(' ');
        }
        class.push_str(name);
    };
    let mut properties = String::new();
    let (fg, bg) = if style.inverse { (style.bg, style.fg) } else { (style.fg, style.bg) };
    for (color, prefix, exact, property, inverse) in
        [(fg, "c", "rgb", "--fg", "inv"), (bg, "b", "brgb", "--bg", "binv")]
    {
        match color {
            Some(Color::Palette(n)) => add(&format!("{prefix}{n}")),
            Some(Color::Rgb(r, g, b)) => {
                add(exact);
                properties.push_str(&format!("{property}:rgb({r} {g} {b});"));
            }
            None if style.inverse => add(inverse),
            None => {}
        }
    }
    let flags = [
        (style.bold, "bold"),
        (style.dim, "dim"),
        (style.italic, "italic"),
        (style.underline, "underline"),
    ];
    for (_, name) in flags.into_iter().filter(|(on, _)| *on) {
        add(name);
    }
    (class, properties)
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
        let class = |style| look_of(style).0;
        let red = Style { fg: Some(Color::Palette(1)), bold: true, ..Style::default() };
        assert_eq!(class(red), "c1 bold");
        let exact = Style { bg: Some(Color::Rgb(1, 2, 3)), ..Style::default() };
        assert_eq!(look_of(exact), ("brgb".into(), "--bg:rgb(1 2 3);".into()));
        assert_eq!(class(Style { inverse: true, ..Style::default() }), "inv binv");
        let green = Style { fg: Some(Color::Palette(2)), inverse: true, ..Style::default() };
        assert_eq!(class(green), "inv b2");
    }
}
