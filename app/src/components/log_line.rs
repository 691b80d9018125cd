//! One row of the log viewer: number, time, stream, and the text in its colours.

use crate::live::{Clock, Line, Needle, Row};
use crate::model::{Attempt, EntryKind, Style};
use crate::text::ansi::parse_line;
use crate::text::format::{format_count, format_offset};
use crate::text::json_line::fold_json;
use crate::text::markup::{Piece, find_links, push_escaped, push_pieces, text_of};

/// What is drawn of one line: more is in the raw log, and would only slow the page.
const MAX_CHARS: usize = 4_000;

/// How times are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Times {
    /// The time of day.
    #[default]
    Absolute,
    /// Since the attempt began.
    Relative,
    /// Not at all.
    Off,
}

/// How rows are drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RowLook {
    pub(super) times: Times,
    /// JSON as it was written.
    pub(super) is_raw: bool,
    pub(super) needle: Needle,
}

/// The HTML inside of a row.
pub(super) fn row_html(row: &Row, look: &RowLook, clock: Clock, attempts: &[Attempt]) -> String {
    match row {
        Row::Line(line) => line_html(line, look, clock, attempts),
        Row::Gap { from, to } => format!(
            "{} lines were passed over to keep up: click to read them",
            format_count(to - from + 1)
        ),
    }
}

fn line_html(line: &Line, look: &RowLook, clock: Clock, attempts: &[Attempt]) -> String {
    let entry = &line.entry;
    let mut out = String::with_capacity(entry.line.len() + 200);
    // A link, so that it can be copied, and works without scripts.
    out.push_str(&format!("<a class=\"no\" tabindex=\"-1\" href=\"?line={0}\">{0}</a>", entry.idx));
    if look.times != Times::Off {
        let time = match look.times {
            Times::Relative => {
                let began = attempt_of(attempts, entry.idx).and_then(|attempt| attempt.started_at);
                format_offset(entry.ts - began.unwrap_or(entry.ts))
            }
            _ => clock.time_of_day(entry.ts),
        };
        out.push_str(&format!("<span class=\"ts\">{time}</span>"));
    }
    out.push_str(match entry.kind {
        EntryKind::Stdout => "<span class=\"stream\"></span>",
        EntryKind::Stderr => "<span class=\"stream\">err</span>",
        EntryKind::System => "<span class=\"stream\">sys</span>",
    });
    out.push_str("<span class=\"text\">");
    let (pieces, cut) = pieces_of(line, look.is_raw);
    let text = text_of(&pieces);
    push_pieces(&mut out, &pieces, &find_links(&text), &look.needle.find(&text));
    if cut > 0 {
        let words = format!(" … {} more characters", format_count(i64::try_from(cut).unwrap_or(0)));
        out.push_str("<span class=\"cut\">");
        push_escaped(&mut out, &words);
        out.push_str("</span>");
    }
    out.push_str("</span>");
    out
}

/// The pieces of a line, and how many characters were cut.
fn pieces_of(line: &Line, is_raw: bool) -> (Vec<Piece>, usize) {
    let text = &line.entry.line;
    if !is_raw
        && text.len() <= MAX_CHARS
        && let Some(mut pieces) = fold_json(text)
    {
        if let Some(level) = line.level {
            pieces.insert(0, Piece::new("jl", format!("{:<6}", level.as_str().to_uppercase())));
        }
        return (pieces, 0);
    }
    let (spans, cut) = parse_line(text, Style::from(&*line.entry.style), MAX_CHARS);
    (spans.into_iter().map(Piece::from).collect(), cut)
}

/// The attempt that wrote the entry.
pub(super) fn attempt_of(attempts: &[Attempt], idx: i64) -> Option<&Attempt> {
    attempts.iter().rev().find(|attempt| attempt.first_idx.is_some_and(|first| first <= idx))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::sample_entry;

    fn line(text: &str) -> Line {
        sample_entry(7, EntryKind::Stderr, text).into()
    }

    fn drawn(text: &str, is_raw: bool) -> String {
        text_of(&pieces_of(&line(text), is_raw).0)
    }

    #[test]
    fn json_is_folded_unless_it_is_wanted_raw() {
        let json = r#"{"level":"warn","msg":"slow","ms":3}"#;
        assert_eq!(drawn(json, false), "WARN  slow  ms=3");
        assert_eq!(drawn(json, true), json);
        assert_eq!(drawn("\x1b[31mred", false), "red");
    }

    #[test]
    fn the_attempt_of_a_line_is_the_last_that_began_before_it() {
        let attempt = |n, first| Attempt { n, first_idx: first, ..Attempt::default() };
        let attempts = [attempt(1, Some(0)), attempt(2, Some(7)), attempt(3, None)];
        let found = |idx| attempt_of(&attempts, idx).map(|attempt| attempt.n);
        assert_eq!([found(6), found(7), found(99)], [Some(1), Some(2), Some(2)]);
    }

    #[test]
    fn a_copy_is_clean() {
        assert_eq!(line("\x1b[1ma\x1b[0m b").plain_text(), "a b");
    }
}
