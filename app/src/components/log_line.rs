//! One row of the log viewer: number, time, stream, and the text in its colours.

use leptos::prelude::*;

use crate::live::{Clock, Row};
use crate::model::{Entry, EntryKind};
use crate::text::ansi::{Color, Span, Style, parse_line};
use crate::text::format::format_count;

/// What is drawn of one line: more is in the raw log, and would only slow the page.
const MAX_CHARS: usize = 4_000;

/// A line, or the words for lines that were passed over.
pub(super) fn view_row(row: &Row, clock: Clock) -> AnyView {
    match row {
        Row::Line(entry, style) => view_line(entry, *style, clock).into_any(),
        Row::Gap { from, to } => {
            let words = format!(
                "{} lines were passed over to keep up ({} to {}): they are in the raw log",
                format_count(to - from + 1),
                format_count(*from),
                format_count(*to),
            );
            view! { <div class="line gap" data-testid="log-gap">{words}</div> }.into_any()
        }
    }
}

fn view_line(entry: &Entry, style: Style, clock: Clock) -> impl IntoView + use<> {
    let (idx, ts, kind) = (entry.idx, entry.ts, entry.kind);
    let (spans, cut) = parse_line(&entry.line, style, MAX_CHARS);
    let mark = match kind {
        EntryKind::Stdout => "",
        EntryKind::Stderr => "err",
        EntryKind::System => "sys",
    };
    let cut = (cut > 0).then(|| {
        let words = format!(" … {} more characters", format_count(i64::try_from(cut).unwrap_or(0)));
        view! { <span class="cut">{words}</span> }
    });
    view! {
        <div class="line" data-testid="log-line" data-idx=idx data-type=kind.as_str()>
            <span class="no">{idx}</span>
            <span class="ts">{move || clock.time_of_day(ts)}</span>
            <span class="stream">{mark}</span>
            <span class="text">{spans.into_iter().map(view_span).collect_view()}{cut}</span>
        </div>
    }
}

fn view_span(Span { style, text }: Span) -> AnyView {
    if style == Style::default() {
        return text.into_any();
    }
    let look = look_of(style);
    view! { <span class=look.class style=look.style>{text}</span> }.into_any()
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Look {
    class: String,
    style: Option<String>,
}

/// Theme colours are classes, so that they change with the theme; exact ones are custom properties
/// that the style sheet brings to a readable lightness.
fn look_of(style: Style) -> Look {
    let mut class: Vec<String> = Vec::new();
    let mut properties: Vec<String> = Vec::new();
    let (fg, bg) = if style.inverse { (style.bg, style.fg) } else { (style.fg, style.bg) };
    match fg {
        Some(Color::Palette(n)) => class.push(format!("c{n}")),
        Some(Color::Rgb(r, g, b)) => {
            class.push("rgb".to_owned());
            properties.push(format!("--fg:rgb({r} {g} {b})"));
        }
        None if style.inverse => class.push("inv".to_owned()),
        None => {}
    }
    match bg {
        Some(Color::Palette(n)) => class.push(format!("b{n}")),
        Some(Color::Rgb(r, g, b)) => {
            class.push("brgb".to_owned());
            properties.push(format!("--bg:rgb({r} {g} {b})"));
        }
        None if style.inverse => class.push("binv".to_owned()),
        None => {}
    }
    let flags = [
        (style.bold, "bold"),
        (style.dim, "dim"),
        (style.italic, "italic"),
        (style.underline, "underline"),
    ];
    class.extend(flags.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()));
    Look { class: class.join(" "), style: (!properties.is_empty()).then(|| properties.join(";")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks() {
        let red = Style { fg: Some(Color::Palette(1)), bold: true, ..Style::default() };
        assert_eq!(look_of(red), Look { class: "c1 bold".into(), style: None });
        let exact = Style { bg: Some(Color::Rgb(1, 2, 3)), ..Style::default() };
        let style = Some("--bg:rgb(1 2 3)".into());
        assert_eq!(look_of(exact), Look { class: "brgb".into(), style });
    }

    #[test]
    fn inverse_changes_places() {
        let look = |style| look_of(Style { inverse: true, ..style }).class;
        assert_eq!(look(Style::default()), "inv binv");
        assert_eq!(look(Style { fg: Some(Color::Palette(2)), ..Style::default() }), "inv b2");
    }
}
