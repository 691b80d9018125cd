//! Every execution of a process, newest first.

use leptos::prelude::*;

use super::facts::{cpu_text, exit_text, span_text};
use crate::live::{Clock, use_live};
use crate::model::{Attempt, Process};
use crate::text::format::{format_bytes, format_count};

/// A table, folded until it is asked for.
#[component]
pub(crate) fn Attempts(
    /// The process.
    process: RwSignal<Process>,
) -> impl IntoView {
    let clock = use_live().clock;
    let title = move || match process.read().attempts.len() {
        1 => "1 attempt".to_owned(),
        n => format!("{n} attempts"),
    };
    let rows = move || {
        let newest_first = process.read().attempts.clone().into_iter().rev();
        newest_first.map(|attempt| view! { <AttemptRow attempt clock/> }).collect_view()
    };
    view! {
        <details class="attempts" data-testid="attempts">
            <summary>{title}</summary>
            <div class="table-scroll">
                <table>
                    <thead>
                        <tr>
                            <th scope="col">"#"</th>
                            <th scope="col">"Started"</th>
                            <th scope="col">"Duration"</th>
                            <th scope="col">"Exit"</th>
                            <th scope="col">"PID"</th>
                            <th scope="col">"CPU"</th>
                            <th scope="col">"Memory"</th>
                            <th scope="col">"Lines"</th>
                            <th scope="col">"Cause"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

#[component]
fn AttemptRow(attempt: Attempt, clock: Clock) -> impl IntoView {
    let (started_at, ended_at) = (attempt.started_at, attempt.ended_at);
    let dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let exit = exit_text(attempt.exit_code, attempt.signal.as_deref());
    let cpu = cpu_text(&attempt).map(|(total, _)| total);
    let lines = attempt
        .first_idx
        .zip(attempt.last_idx)
        .map(|(first, last)| format!("{}–{}", format_count(first), format_count(last)));
    view! {
        <tr>
            <td>{attempt.n}</td>
            <td>{move || dash(started_at.map(|ts| clock.stamp(ts)))}</td>
            <td>{move || dash(span_text(started_at, ended_at, clock))}</td>
            <td>{dash(exit)}</td>
            <td>{dash(attempt.pid.map(|pid| pid.to_string()))}</td>
            <td>{dash(cpu)}</td>
            <td>{dash(attempt.max_rss_bytes.map(format_bytes))}</td>
            <td>{dash(lines)}</td>
            <td>{attempt.cause}</td>
        </tr>
    }
    .into_any()
}
