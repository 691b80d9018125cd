//! What was found, as rows of HTML: they come in parts, and there can be hundreds.

use serde::Deserialize;

use crate::live::{Clock, Needle};
use crate::model::{EntryKind, Level, ProcessId, Style};
use crate::text::ansi::parse_line;
use crate::text::markup::{Piece, push_escaped, push_pieces, text_of};

/// What is shown of a line.
const MAX_CHARS: usize = 600;

/// A process in whose log something was found.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Searched {
    id: ProcessId,
    project: String,
    script: String,
}

/// A line that was found.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hit {
    process_id: ProcessId,
    idx: i64,
    ts: i64,
    #[serde(rename = "type")]
    kind: EntryKind,
    line: String,
}

/// A row: where it was found, and the line, as one link to its place.
pub(super) fn hit_html(hit: &Hit, names: &[Searched], needle: &Needle, clock: Clock) -> String {
    let mut html = format!(
        "<li><a class=\"hit\" data-testid=\"hit\" data-type=\"{}\" data-level=\"{}\" \
         href=\"/processes/{}?line={}\"><span class=\"hit-from\"><b>",
        hit.kind.as_str(),
        Level::guess(hit.line.as_bytes()).map_or("", Level::as_str),
        hit.process_id,
        hit.idx,
    );
    let name = names.iter().find(|name| name.id == hit.process_id);
    push_escaped(&mut html, name.map_or("", |name| &name.script));
    html.push_str("</b><span>");
    push_escaped(&mut html, name.map_or("", |name| &name.project));
    html.push_str(&format!("</span><time>{}</time></span>", clock.stamp_untracked(hit.ts)));
    html.push_str("<code class=\"hit-line\">");
    let (spans, _) = parse_line(&hit.line, Style::default(), MAX_CHARS);
    let pieces: Vec<_> = spans.into_iter().map(|span| Piece::new("", span.text)).collect();
    // The whole row is a link already.
    push_pieces(&mut html, &pieces, &[], &needle.find(&text_of(&pieces)));
    html.push_str("</code></a></li>");
    html
}
