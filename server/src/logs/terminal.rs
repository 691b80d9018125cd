//! A line for a terminal: its colours stay, and nothing else in it can move the cursor, name the window,
//! fill the clipboard or become a link.

use std::borrow::Cow;

/// The line without control characters other than tabs, carriage returns, and those that begin a
/// colour or a weight (SGR). What is left of other sequences is text.
#[must_use]
pub fn tame(line: &str) -> Cow<'_, str> {
    if !line.chars().any(is_wild) {
        return Cow::Borrowed(line);
    }
    let mut tamed = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(is_wild) {
        let (before, from) = rest.split_at(at);
        tamed.push_str(before);
        let kept = sgr_length(from);
        tamed.push_str(&from[..kept]);
        let skipped = if kept > 0 { kept } else { from.chars().next().map_or(1, char::len_utf8) };
        rest = &from[skipped..];
    }
    tamed.push_str(rest);
    Cow::Owned(tamed)
}

fn is_wild(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\r')
}

/// The bytes of the colour that `text` begins with; 0 when it begins with something else.
fn sgr_length(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\u{1b}[") else { return 0 };
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':');
    match end {
        Some(end) if parameters[end..].starts_with('m') => 2 + end + 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_stay_and_nothing_else_reaches_the_terminal() {
        for (line, expected) in [
            ("plain\ttext\r100%", "plain\ttext\r100%"),
            ("\u{1b}[1;31mred\u{1b}[0m", "\u{1b}[1;31mred\u{1b}[0m"),
            ("\u{1b}[38:2:1:2:3mx\u{1b}[m", "\u{1b}[38:2:1:2:3mx\u{1b}[m"),
            ("\u{1b}]0;title\u{7}x", "]0;titlex"),
            ("\u{1b}]52;c;cm0gLXJm\u{1b}\\", "]52;c;cm0gLXJm\\"),
            ("\u{1b}]8;;http://evil.example\u{1b}\\click", "]8;;http://evil.example\\click"),
            ("\u{1b}[2J\u{1b}[H", "[2J[H"),
            ("\u{1b}[?1049h", "[?1049h"),
            ("\u{1b}\u{1b}[31m", "\u{1b}[31m"),
            ("\u{9b}2J\u{7f}\u{0}", "2J"),
            ("\u{1b}[31", "[31"),
            ("\u{1b}[1;\u{1b}[31m", "[1;\u{1b}[31m"),
        ] {
            assert_eq!(tame(line), expected, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_escapes_is_a_colour(line in "(\\x1b|\\[|m|[0-9;?]|\\PC|\\x07|\\x{9b}){0,40}") {
            let tamed = tame(&line).into_owned();
            for (at, _) in tamed.match_indices(|c: char| c.is_control()) {
                prop_assert!(sgr_length(&tamed[at..]) > 0, "{tamed:?}");
            }
            prop_assert_eq!(tame(&tamed), tamed.as_str());
        }
    }
}
