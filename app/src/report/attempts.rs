//! Every execution of a process, newest first: over time, and as a table.

use leptos::prelude::*;

use super::{Html, older_link};
use crate::admin::table_region;
use crate::model::{Attempt, AttemptPage, EndKind, ProcessId};
use crate::text::format::{
    format_bytes, format_count, format_duration, format_stamp, format_uptime,
};
use crate::text::graph::share_of;

/// The tab; times are `zone_min` minutes east of UTC.
pub(crate) fn render_attempts(
    id: &ProcessId,
    page: &AttemptPage,
    now: i64,
    zone_min: i64,
) -> String {
    let AttemptPage { attempts, next_before } = page;
    if attempts.is_empty() {
        return view! { <p class="empty">"It was not started yet."</p> }.html();
    }
    // One that runs is the newest: its lines follow those of the attempts before.
    let before = attempts.iter().find_map(|attempt| attempt.last_idx);
    let rows = attempts.iter().map(|attempt| {
        let first_idx = attempt.first_idx.or_else(|| {
            let is_running = attempt.started_at.is_some() && attempt.ended_at.is_none();
            is_running.then(|| before.map_or(0, |last| last + 1))
        });
        row(id, &Attempt { first_idx, ..attempt.clone() }, now, zone_min)
    });
    let rows = rows.collect_view();
    view! {
        {bars(attempts, now, zone_min)}
        {table_region("Attempts", view! { <table class="table" data-testid="attempts">
                <thead>
                    <tr>
                        <th scope="col">"#"</th>
                        <th scope="col">"Started"</th>
                        <th scope="col">"Duration"</th>
                        <th scope="col">"End"</th>
                        <th scope="col">"Why it ended"</th>
                        <th scope="col">"Cause"</th>
                        <th scope="col">"PID"</th>
                        <th scope="col">"CPU"</th>
                        <th scope="col">"Peak memory"</th>
                        <th scope="col">"Lines"</th>
                        <th scope="col">"Configuration"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table> })}
        {older_link(next_before.map(|before| format!("?before={before}")))}
    }
    .html()
}

/// How an attempt ended, by the name that the style sheet knows.
fn outcome(attempt: &Attempt) -> &'static str {
    match attempt.end_kind.filter(|_| attempt.ended_at.is_some()) {
        Some(EndKind::Stop | EndKind::Restart | EndKind::Watch) => return "stopped",
        Some(EndKind::Lost) => return "lost",
        Some(EndKind::Exit) if attempt.exit_code == Some(0) => return "completed",
        // One that was stored before there were kinds is told by its exit.
        None => {}
        Some(_) => return "failed",
    }
    match (attempt.ended_at, attempt.exit_code, &attempt.signal) {
        (None, ..) => "running",
        (_, Some(0), _) => "completed",
        (_, _, Some(_)) => "stopped",
        (_, Some(_), None) => "failed",
        (_, None, None) => "lost",
    }
}

fn end_words(attempt: &Attempt) -> String {
    match (attempt.ended_at, attempt.exit_code, &attempt.signal) {
        (_, _, Some(signal)) => signal.clone(),
        (_, Some(code), _) => format!("code {code}"),
        (Some(_), None, None) => "unknown".to_owned(),
        (None, ..) => "running".to_owned(),
    }
}

/// The attempts over time, each from its start to its end.
fn bars(attempts: &[Attempt], now: i64, zone_min: i64) -> Option<AnyView> {
    let spans: Vec<_> = attempts
        .iter()
        .filter_map(|attempt| {
            let start = attempt.started_at?;
            Some((attempt, start, attempt.ended_at.unwrap_or(now).max(start)))
        })
        .collect();
    let from = spans.iter().map(|(_, start, _)| *start).min()?;
    let to = spans.iter().map(|(_, _, end)| *end).max()?;
    let whole = (to - from).max(1);
    let failed = attempts.iter().filter(|attempt| outcome(attempt) == "failed").count();
    let label = format!(
        "{} attempts over {}, {failed} of them failed",
        spans.len(),
        format_duration(to - from)
    );
    let marks = spans.iter().map(|(attempt, start, end)| {
        let (at, length) = (share_of(start - from, whole), share_of(end - start, whole));
        let title = format!(
            "attempt {}: {}, {}",
            attempt.n,
            format_duration(end - start),
            end_words(attempt)
        );
        // The first is what is always seen of one that was short.
        view! {
            <g data-status=outcome(attempt)>
                <title>{title}</title>
                <rect x=at.clone() width="4" height="100%"></rect>
                <rect x=at width=length height="100%"></rect>
            </g>
        }
        .into_any()
    });
    let marks = marks.collect_view();
    Some(
        view! {
            <figure class="attempt-bars" data-testid="attempt-bars">
                <div><svg role="img" aria-label=label>{marks}</svg></div>
                <figcaption>
                    <span>{format_stamp(from, zone_min)}</span>
                    <span>{format_stamp(to, zone_min)}</span>
                </figcaption>
            </figure>
        }
        .into_any(),
    )
}

fn row(id: &ProcessId, attempt: &Attempt, now: i64, zone_min: i64) -> AnyView {
    let dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let duration = match (attempt.started_at, attempt.ended_at) {
        (Some(start), Some(end)) => format_duration(end - start).into_any(),
        // The browser makes it longer.
        (Some(start), None) => {
            view! { <span data-since=start>{format_uptime(now - start)}</span> }.into_any()
        }
        (None, _) => "–".into_any(),
    };
    let cpu = attempt.user_ms.zip(attempt.system_ms).map(|(user, system)| user + system);
    let lines = attempt.first_idx.map(|first| {
        let last = attempt.last_idx.map_or("…".to_owned(), format_count);
        let href = format!("/processes/{id}?line={first}");
        view! { <a href=href>{format!("{}–{last}", format_count(first))}</a> }
    });
    view! {
        <tr data-testid="attempt" data-n=attempt.n>
            <td data-label="#">{attempt.n}</td>
            <td data-label="Started">{dash(attempt.started_at.map(|ts| format_stamp(ts, zone_min)))}</td>
            <td data-label="Duration">{duration}</td>
            <td data-label="End" class="outcome" data-status=outcome(attempt)>{end_words(attempt)}</td>
            <td data-label="Why it ended" data-testid="attempt-end">{dash(attempt.end.clone())}</td>
            <td data-label="Cause">{attempt.cause.clone()}</td>
            <td data-label="PID">{dash(attempt.pid.map(|pid| pid.to_string()))}</td>
            <td data-label="CPU">{dash(cpu.map(format_duration))}</td>
            <td data-label="Peak memory">{dash(attempt.max_rss_bytes.map(format_bytes))}</td>
            <td data-label="Lines">{lines}</td>
            <td data-label="Configuration"><code>{attempt.config_hash.clone()}</code></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(n: u32, start: i64, end: Option<i64>, exit_code: Option<i32>) -> Attempt {
        Attempt { n, started_at: Some(start), ended_at: end, exit_code, ..Attempt::default() }
    }

    #[test]
    fn bars_span_the_time_from_the_first_start_to_now() {
        let page = AttemptPage {
            attempts: vec![attempt(2, 3_000, None, None), attempt(1, 1_000, Some(2_000), Some(1))],
            next_before: Some(1),
        };
        let html = render_attempts(&ProcessId("p".into()), &page, 5_000, 0);
        let bars: Vec<_> = html.split("<g ").skip(1).collect();
        assert!(bars[0].contains("x=\"50.0%\" width=\"50.0%\""), "{html}");
        assert!(bars[0].contains("data-status=\"running\""), "{html}");
        assert!(bars[1].contains("x=\"0.0%\" width=\"25.0%\""), "{html}");
        assert!(bars[1].contains("data-status=\"failed\""), "{html}");
        assert!(html.contains("2 attempts over 4.0 s, 1 of them failed"), "{html}");
        assert!(html.contains("href=\"?before=1\""), "{html}");
    }

    #[test]
    fn one_that_runs_has_a_duration_and_lines() {
        let ended = Attempt {
            first_idx: Some(0),
            last_idx: Some(6),
            ..attempt(1, 1_000, Some(2_000), Some(1))
        };
        let attempts = vec![attempt(2, 3_000, None, None), ended];
        let page = AttemptPage { attempts, next_before: None };
        let html = render_attempts(&ProcessId("p".into()), &page, 65_000, 0);
        assert!(html.contains("<span data-since=\"3000\">1 m 2 s</span>"), "{html}");
        assert!(html.contains("?line=7\">7–…</a>"), "{html}");
    }

    #[test]
    fn why_an_attempt_ended_is_shown_and_colours_it() {
        let ended = |kind, signal: Option<&str>, code| Attempt {
            end_kind: kind,
            end: kind.map(|_| "the <words>".to_owned()),
            signal: signal.map(str::to_owned),
            ..attempt(1, 0, Some(1), code)
        };
        for (attempt, wanted) in [
            (ended(Some(EndKind::Watch), Some("SIGTERM"), None), "stopped"),
            (ended(Some(EndKind::Stop), None, Some(1)), "stopped"),
            (ended(Some(EndKind::Timeout), Some("SIGTERM"), None), "failed"),
            (ended(Some(EndKind::Exit), Some("SIGSEGV"), None), "failed"),
            (ended(Some(EndKind::Exit), None, Some(0)), "completed"),
            (ended(Some(EndKind::Lost), None, None), "lost"),
            // Of before.
            (ended(None, Some("SIGTERM"), None), "stopped"),
        ] {
            assert_eq!(outcome(&attempt), wanted, "{attempt:?}");
            let page = AttemptPage { attempts: vec![attempt], next_before: None };
            let html = render_attempts(&ProcessId("p".into()), &page, 1, 0);
            let has_words = html.contains("the &lt;words&gt;");
            assert_eq!(has_words, page.attempts[0].end.is_some(), "{html}");
        }
    }

    #[test]
    fn what_a_cause_says_is_text() {
        let cause = "restarted: <b>x</b> changed".to_owned();
        let attempts = vec![Attempt { cause, ..attempt(1, 0, Some(1), Some(0)) }];
        let page = AttemptPage { attempts, next_before: None };
        let html = render_attempts(&ProcessId("p".into()), &page, 1, 0);
        assert!(html.contains("&lt;b&gt;x") && !html.contains("older"), "{html}");
    }
}
