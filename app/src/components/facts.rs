//! What is known of a process, in pairs of name and value.

use leptos::prelude::*;

use crate::live::{Clock, use_live};
use crate::model::{Attempt, Process};
use crate::text::format::{format_bytes, format_duration, format_uptime};

/// How an execution ended: `SIGTERM`, `code 1`; nothing while it runs.
fn exit_text(exit_code: Option<i32>, signal: Option<&str>) -> Option<String> {
    signal.map(str::to_owned).or_else(|| exit_code.map(|code| format!("code {code}")))
}

/// How long from start to end, or to now.
fn span_text(started: Option<i64>, ended: Option<i64>, clock: Clock) -> Option<String> {
    Some(match (started?, ended) {
        (started, Some(ended)) => format_duration(ended - started),
        (started, None) => format_uptime(clock.now() - started),
    })
}

/// CPU time, with its two parts in words.
fn cpu_text(attempt: &Attempt) -> Option<(String, String)> {
    let (user, system) = (attempt.user_ms?, attempt.system_ms?);
    let parts = format!("{} user, {} system", format_duration(user), format_duration(system));
    Some((format_duration(user + system), parts))
}

/// The facts of the newest attempt.
#[component]
pub(crate) fn Facts(
    /// The process.
    process: RwSignal<Process>,
) -> impl IntoView {
    let clock = use_live().clock;
    let pid = move || process.read().pid.map(|pid| pid.to_string());
    let started = move || process.read().started_at.map(|ts| clock.stamp(ts));
    let duration = move || {
        let process = process.read();
        // While it runs, the end that is known is that of an attempt before.
        let ended = process.ended_at.filter(|_| process.pid.is_none());
        span_text(process.started_at, ended, clock)
    };
    let exit = move || {
        let process = process.read();
        exit_text(process.exit_code, process.signal.as_deref())
    };
    let newest = move || process.read().attempts.last().cloned().unwrap_or_default();
    let cpu = move || cpu_text(&newest());
    let memory = move || newest().max_rss_bytes.map(format_bytes);
    view! {
        <dl class="facts">
            <Fact name="PID" testid="pid" value=Signal::derive(pid)/>
            <Fact name="Started" testid="started" value=Signal::derive(started)/>
            <Fact name="Duration" testid="duration" value=Signal::derive(duration)/>
            <Fact name="Exit" testid="exit" value=Signal::derive(exit)/>
            <Fact
                name="CPU time"
                testid="cpu"
                value=Signal::derive(move || cpu().map(|(total, _)| total))
                title=Signal::derive(move || cpu().map(|(_, parts)| parts))
            />
            <Fact name="Peak memory" testid="memory" value=Signal::derive(memory)/>
        </dl>
    }
    .into_any()
}

#[component]
fn Fact(
    name: &'static str,
    testid: &'static str,
    value: Signal<Option<String>>,
    #[prop(optional)] title: Option<Signal<Option<String>>>,
) -> impl IntoView {
    view! {
        <div>
            <dt>{name}</dt>
            <dd data-testid=testid title=move || title.and_then(|title| title.get())>
                {move || value.get().unwrap_or_else(|| "–".to_owned())}
            </dd>
        </div>
    }
    .into_any()
}
