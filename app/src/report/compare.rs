//! A run beside the last one of its script that succeeded.

use leptos::prelude::*;

use super::process_link::process_link;
use crate::admin::{Frame, plain_document};
use crate::components::status_word;
use crate::model::{Entry, Process};
use crate::text::ansi::{Style, parse_line};
use crate::text::format::{format_count, format_stamp};

/// Lines that are alike are left out when there are more of them than this on each side.
const CONTEXT: usize = 3;

/// Two lines that belong together, or one that has no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompareRow {
    /// Of the run in question.
    pub left: Option<Entry>,
    /// Of the run that succeeded.
    pub right: Option<Entry>,
    /// Both say the same, but for times and numbers.
    pub is_same: bool,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct ComparePage {
    /// Around it.
    pub frame: Frame,
    /// The run in question.
    pub process: Process,
    /// The last success before it.
    pub success: Option<Process>,
    /// Line by line.
    pub rows: Vec<CompareRow>,
    /// Only so many lines of each were compared, as there are more.
    pub cut_at: Option<usize>,
}

/// The page of `/processes/:id/compare`.
#[must_use]
pub fn render_compare(page: ComparePage) -> String {
    let ComparePage { frame, process, success, rows, cut_at } = page;
    let title = format!("{} beside its last success", process.script);
    let Some(success) = success else {
        let words = format!("No run of {} succeeded before this one.", process.script);
        let content = view! { <p class="empty">{words}</p><p>{link_to(&process)}</p> };
        return plain_document(frame, title, content.into_any());
    };
    let differences = rows.iter().filter(|row| !row.is_same).count();
    let summary = match differences {
        0 => "Both say the same, but for times and numbers.".to_owned(),
        1 => "One line differs.".to_owned(),
        n => format!("{} lines differ.", format_count(i64::try_from(n).unwrap_or(0))),
    };
    let first = (differences > 0).then(|| view! { " "<a href="#first">"The first of them"</a> });
    let cut = cut_at.map(|lines| {
        let lines = format_count(i64::try_from(lines).unwrap_or(0));
        view! { <p>"Compared are the first "{lines}" lines of each."</p> }
    });
    let heads =
        [&process, &success].map(|process| view! { <th colspan="2">{link_to(process)}</th> });
    let content = view! {
        <p class="note" data-testid="compare-summary">{summary}{first}</p>
        {cut}
        <div class="table-scroll compare-scroll">
            <table class="compare" data-testid="compare">
                <colgroup><col class="no"/><col/><col class="no"/><col/></colgroup>
                <thead><tr>{heads.into_iter().collect_view()}</tr></thead>
                <tbody>{view_rows(&rows)}</tbody>
            </table>
        </div>
    };
    plain_document(frame, title, content.into_any())
}

fn link_to(process: &Process) -> AnyView {
    let status = process.status;
    let at = format_stamp(process.started_at.unwrap_or(process.created_at), 0);
    let more = view! {
        <span class="outcome" data-status=status.as_str()>{status_word(status)}</span>
        <span class="ago">{at}" UTC"</span>
    };
    process_link(process, "", Some(more.into_any()))
}

fn view_rows(rows: &[CompareRow]) -> Vec<AnyView> {
    let mut views = Vec::new();
    let mut is_first = true;
    let mut at = 0;
    while at < rows.len() {
        let alike = rows[at..].iter().take_while(|row| row.is_same).count();
        // At the ends of the logs there is context on one side only.
        let before = if at == 0 { 0 } else { CONTEXT };
        let after = if at + alike == rows.len() { 0 } else { CONTEXT };
        if alike > before + after + 1 {
            views.extend(rows[at..at + before].iter().map(|row| view_row(row, false)));
            let words = format!("{} lines alike", alike - before - after);
            views.push(view! { <tr class="alike"><td colspan="4">{words}</td></tr> }.into_any());
            at += alike - after;
            views.extend(rows[at..at + after].iter().map(|row| view_row(row, false)));
            at += after;
            continue;
        }
        let row = &rows[at];
        views.push(view_row(row, !row.is_same && is_first));
        is_first &= row.is_same;
        at += 1;
    }
    views
}

fn view_row(row: &CompareRow, is_first: bool) -> AnyView {
    let class = match (row.is_same, &row.left, &row.right) {
        (true, ..) => "same",
        (false, Some(_), Some(_)) => "changed",
        (false, Some(_), None) => "only-left",
        (false, None, _) => "only-right",
    };
    let cells = [&row.left, &row.right].map(|entry| {
        let idx = entry.as_ref().map(|entry| entry.idx);
        let text = entry.as_ref().map(|entry| plain(&entry.line));
        view! { <td class="no">{idx}</td><td><code>{text}</code></td> }
    });
    view! {
        <tr class=class id=is_first.then_some("first")>{cells.into_iter().collect_view()}</tr>
    }
    .into_any()
}

fn plain(line: &str) -> String {
    let (spans, _) = parse_line(line, Style::default(), 2_000);
    spans.into_iter().map(|span| span.text).collect()
}
