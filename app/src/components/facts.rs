//! What is known of a process, in pairs of name and value.

use leptos::prelude::*;

use super::Sparks;
use crate::live::{Clock, use_live};
use crate::model::{Attempt, Limits, Means, Process};
use crate::text::format::{format_bytes, format_duration, format_percent, format_uptime};

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

/// What the tree may use and what holds it to that: `64 MiB memory (sampled), 0.5 cores (not in force)`.
fn limits_text(limits: &Limits) -> String {
    let by = |means: Option<Means>| means.map_or("", Means::describe);
    let mut parts = Vec::new();
    if let Some(bytes) = limits.max_memory {
        parts.push(format!("{} memory ({})", format_bytes(bytes), by(limits.memory_by)));
    }
    if let Some(milli) = limits.max_cpu_milli {
        let cores = f64::from(milli) / 1_000.0;
        parts.push(format!("{cores} cores ({})", by(limits.cpu_by)));
    }
    if let Some(count) = limits.max_pids {
        parts.push(format!("{count} processes ({})", by(limits.pids_by)));
    }
    parts.join(", ")
}

/// The facts of the newest attempt.
#[component]
pub(crate) fn Facts(
    /// The process.
    process: RwSignal<Process>,
) -> impl IntoView {
    let clock = use_live().clock;
    let pid = move || process.read().pid.map(|pid| pid.to_string());
    let started = move || process.read().started_at.map(|ts| clock.short_stamp(ts));
    let started_at = move || process.read().started_at.map(|ts| clock.stamp(ts));
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
    let limits = move || process.read().limits.as_ref().map(limits_text);
    let memory = move || newest().max_rss_bytes.map(format_bytes);
    // While it runs, what it uses now; afterwards, what it used in all.
    let sparks = use_context::<Sparks>();
    let is_running = Memo::new(move |_| process.read().pid.is_some());
    let now = Memo::new(move |_| {
        is_running.get().then(|| sparks?.newest(&process.read_untracked().id)).flatten()
    });
    let cpu_now = move || now.get().map(|point| format_percent(point.cpu_milli));
    let memory_now = move || now.get().map(|point| format_bytes(point.rss_bytes));
    view! {
        <dl class="facts">
            <Fact name="PID" testid="pid" value=Signal::derive(pid)/>
            <Fact
                name="Started"
                testid="started"
                value=Signal::derive(started)
                title=Signal::derive(started_at)
            />
            <Fact name="Duration" testid="duration" value=Signal::derive(duration)/>
            <Fact name="Exit" testid="exit" value=Signal::derive(exit)/>
            {move || if is_running.get() {
                view! {
                    <Fact name="CPU" testid="cpu" value=Signal::derive(cpu_now)/>
                    <Fact name="Memory" testid="memory" value=Signal::derive(memory_now)/>
                }.into_any()
            } else {
                view! {
                    <Fact
                        name="CPU time"
                        testid="cpu"
                        value=Signal::derive(move || cpu().map(|(total, _)| total))
                        title=Signal::derive(move || cpu().map(|(_, parts)| parts))
                    />
                    <Fact name="Peak memory" testid="memory" value=Signal::derive(memory)/>
                }.into_any()
            }}
            {move || limits().map(|text| view! { <Fact name="Limits" testid="limits" value=Signal::stored(Some(text))/> })}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_one_line_with_what_holds_them() {
        let limits = Limits {
            max_memory: Some(64 << 20),
            memory_by: Some(Means::Cgroup),
            max_cpu_milli: Some(500),
            cpu_by: Some(Means::Nothing),
            max_pids: Some(20),
            pids_by: Some(Means::Sampling),
        };
        let text = "64.0 MiB memory (by control group), 0.5 cores (not in force), \
                    20 processes (sampled)";
        assert_eq!(limits_text(&limits), text);
    }
}
