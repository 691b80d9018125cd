//! A run beside the last one of its script that succeeded.

use leptos::prelude::*;

use super::process_link::process_link;
use crate::admin::{Frame, plain_document};
use crate::components::status_word;
use crate::model::{Entry, Process, Style};
use crate::text::ansi::parse_line;
use crate::text::format::{format_count, format_stamp};

/// A row of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompareRow {
    /// So many lines say the same in both.
    Alike(i64),
    /// Two lines that belong together, or one that has no other.
    Lines {
        /// Of the run in question.
        left: Option<Entry>,
        /// Of the run that succeeded.
        right: Option<Entry>,
        /// Both say the same, but for times and numbers.
        is_same: bool,
    },
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
    /// It begins where both runs begin.
    pub is_first: bool,
    /// Where it goes on, in the run and in the success; `None` at the end of both.
    pub next: Option<(i64, i64)>,
}

/// The page of `/processes/:id/compare`.
#[must_use]
pub fn render_compare(page: ComparePage) -> String {
    let ComparePage { frame, process, success, rows, is_first, next } = page;
    let title = format!("{} beside its last success", process.script);
    let Some(success) = success else {
        let words = format!("No run of {} succeeded before this one.", process.script);
        let content = view! { <p class="empty">{words}</p><p>{link_to(&process)}</p> };
        return plain_document(frame, title, content.into_any());
    };
    let is_difference = |row: &&CompareRow| matches!(row, CompareRow::Lines { is_same: false, .. });
    let differences = rows.iter().filter(is_difference).count();
    let summary = match (differences, is_first && next.is_none()) {
        (0, true) => "Both say the same, but for times and numbers.".to_owned(),
        (0, false) => "From here on both say the same, but for times and numbers.".to_owned(),
        (1, true) => "One line differs.".to_owned(),
        (1, false) => "One line differs here.".to_owned(),
        (n, true) => format!("{} lines differ.", count(n)),
        (n, false) => format!("{} lines differ here.", count(n)),
    };
    let first = (differences > 0).then(|| view! { " "<a href="#first">"The first of them"</a> });
    let here = format!("/processes/{}/compare", process.id);
    let back = (!is_first).then(|| {
        let href = format!("{here}#first");
        view! { " "<a href=href>"Back to the first difference"</a> }
    });
    let more = next.map(|(left, right)| {
        let href = format!("{here}?left={left}&right={right}#first");
        view! { <p class="note"><a href=href data-testid="compare-more">"Go on comparing"</a></p> }
    });
    let heads =
        [&process, &success].map(|process| view! { <th colspan="2">{link_to(process)}</th> });
    let content = view! {
        <p class="note" data-testid="compare-summary">{summary}{first}{back}</p>
        <div class="table-scroll compare-scroll">
            <table class="compare" data-testid="compare">
                <colgroup><col class="no"/><col/><col class="no"/><col/></colgroup>
                <thead><tr>{heads.into_iter().collect_view()}</tr></thead>
                <tbody>{view_rows(&rows)}</tbody>
            </table>
        </div>
        {more}
    };
    plain_document(frame, title, content.into_any())
}

fn count(n: usize) -> String {
    format_count(i64::try_from(n).unwrap_or(i64::MAX))
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
    let mut is_first = true;
    let view = |row: &CompareRow| match row {
        CompareRow::Alike(lines) => {
            let words = format!("{} lines alike", format_count(*lines));
            view! { <tr class="alike"><td colspan="4">{words}</td></tr> }.into_any()
        }
        CompareRow::Lines { left, right, is_same } => {
            let is_first = !is_same && std::mem::take(&mut is_first);
            view_lines(left.as_ref(), right.as_ref(), *is_same, is_first)
        }
    };
    rows.iter().map(view).collect()
}

fn view_lines(
    left: Option<&Entry>,
    right: Option<&Entry>,
    is_same: bool,
    is_first: bool,
) -> AnyView {
    let class = match (is_same, left, right) {
        (true, ..) => "same",
        (false, Some(_), Some(_)) => "changed",
        (false, Some(_), None) => "only-left",
        (false, None, _) => "only-right",
    };
    let cells = [left, right].map(|entry| {
        let idx = entry.map(|entry| entry.idx);
        let text = entry.map(|entry| plain(&entry.line));
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
