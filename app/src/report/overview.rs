//! What runs, what failed and why, and how full things are.

use leptos::prelude::*;

use super::Html;
use crate::model::{Point, Process};
use crate::text::format::{format_bytes, format_uptime};

/// Shown of each list.
const SHOWN: usize = 12;
/// Shown of the busiest.
const BUSIEST: usize = 5;

/// What there is to see for one who asks.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// Now, in milliseconds since the epoch.
    pub now: i64,
    /// What runs, newest first.
    pub running: Vec<Process>,
    /// What waits for a slot or for another process.
    pub waiting: Vec<Process>,
    /// What failed or was lost since yesterday, newest first.
    pub failed: Vec<Process>,
    /// Job slots in use and all of them; for those who may see Runyard as a whole.
    pub slots: Option<(usize, usize)>,
    /// What the database takes on the disk, in bytes; for the same.
    pub database_bytes: Option<i64>,
    /// What logs take; for the same.
    pub logs: Option<LogReport>,
    /// What runs, with what it uses now, the busiest first.
    pub busy: Vec<(Process, Point)>,
}

/// What logs take, and what of it does not stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogReport {
    /// All of them, compressed.
    pub bytes: i64,
    /// What is removed of them within a day.
    pub due_bytes: i64,
    /// `logs.keep_days`; 0 is for ever.
    pub keep_days: u32,
    /// `logs.max_bytes`; 0 is without a bound.
    pub max_bytes: u64,
}

impl LogReport {
    /// What is kept and what goes, in words.
    fn words(&self) -> String {
        let most = i64::try_from(self.max_bytes).unwrap_or(i64::MAX);
        let kept = match (self.keep_days, most) {
            (0, 0) => return "kept for ever".to_owned(),
            (0, most) => format!("at most {}", format_bytes(most)),
            (1, 0) => "kept for a day".to_owned(),
            (days, 0) => format!("kept for {days} days"),
            (days, most) => format!("{days} days, at most {}", format_bytes(most)),
        };
        match self.due_bytes {
            0 => format!("{kept}; nothing goes within a day"),
            due => format!("{kept}; {} go within a day", format_bytes(due)),
        }
    }
}

/// The part of the start page beside the list.
#[must_use]
pub fn render_overview(overview: &Overview) -> String {
    let Overview { now, running, waiting, failed, slots, database_bytes, logs, busy } = overview;
    let count = |processes: &[Process]| processes.len().to_string();
    let mut tiles = vec![
        tile("Running", count(running), "/?q=status:running"),
        tile("Waiting", count(waiting), "/?q=status:queued"),
        tile("Failed since yesterday", count(failed), "/?q=status:failed"),
    ];
    tiles.extend(slots.map(|(used, all)| tile("Job slots in use", format!("{used} of {all}"), "")));
    tiles.extend(database_bytes.map(|bytes| tile("Database", format_bytes(bytes), "")));
    tiles.extend(logs.map(|logs| log_tile(&logs)));
    let busy_rows = busy.iter().take(BUSIEST).map(|(process, point)| busy_row(process, *point));
    let failed_rows = failed.iter().take(SHOWN).map(|process| failed_row(process, *now));
    let mut longest: Vec<_> = running.iter().collect();
    longest.sort_by_key(|process| process.started_at);
    let running_rows = longest.into_iter().take(SHOWN).map(|process| running_row(process, *now));
    view! {
        <div class="tiles" data-testid="tiles">{tiles}</div>
        <section aria-labelledby="failed-title">
            <h2 id="failed-title">"Failed since yesterday"</h2>
            {if failed.is_empty() {
                view! { <p class="empty">"Nothing failed."</p> }.into_any()
            } else {
                view! { <ul class="reports" data-testid="failed">{failed_rows.collect_view()}</ul> }
                    .into_any()
            }}
        </section>
        {(!busy.is_empty()).then(|| view! {
            <section aria-labelledby="busy-title">
                <h2 id="busy-title">"Busiest now"</h2>
                <ul class="reports" data-testid="busy">{busy_rows.collect_view()}</ul>
            </section>
        })}
        <section aria-labelledby="running-title">
            <h2 id="running-title">"Running longest"</h2>
            {if running.is_empty() {
                view! { <p class="empty">"Nothing runs. Start a script from the list."</p> }.into_any()
            } else {
                view! { <ul class="reports" data-testid="running">{running_rows.collect_view()}</ul> }
                    .into_any()
            }}
        </section>
    }
    .html()
}

fn tile(name: &'static str, value: String, href: &'static str) -> AnyView {
    let inner = view! { <dt>{name}</dt><dd>{value}</dd> };
    if href.is_empty() {
        view! { <dl class="tile">{inner}</dl> }.into_any()
    } else {
        view! { <a class="tile" href=href rel="external"><dl>{inner}</dl></a> }.into_any()
    }
}

fn log_tile(logs: &LogReport) -> AnyView {
    let (bytes, words) = (format_bytes(logs.bytes), logs.words());
    view! {
        <dl class="tile" data-testid="log-usage">
            <dt>"Logs"</dt>
            <dd>{bytes}</dd>
            <dd class="tile-note">{words}</dd>
        </dl>
    }
    .into_any()
}

fn busy_row(process: &Process, point: Point) -> AnyView {
    let href = format!("/processes/{}/figures", process.id);
    let cpu = format!("{}.{} % CPU", point.cpu_milli / 10, point.cpu_milli % 10);
    view! {
        <li>
            <a href=href><b>{process.script.clone()}</b></a>
            <span class="reason">{process.project.clone()}</span>
            <span class="ago">{cpu}</span>
            <span class="ago">{format_bytes(point.rss_bytes)}</span>
        </li>
    }
    .into_any()
}

fn failed_row(process: &Process, now: i64) -> AnyView {
    let href = format!("/processes/{}", process.id);
    let compare = format!("{href}/compare#first");
    let ago = process.ended_at.map(|ended| format!("{} ago", format_uptime(now - ended)));
    view! {
        <li>
            <a href=href><b>{process.script.clone()}</b></a>
            <span class="reason">{process.reason.clone()}</span>
            <span class="ago">{ago}</span>
            <a href=compare rel="external">"compare"</a>
        </li>
    }
    .into_any()
}

fn running_row(process: &Process, now: i64) -> AnyView {
    let href = format!("/processes/{}", process.id);
    let since = process.started_at.map(|started| format_uptime(now - started));
    view! {
        <li>
            <a href=href><b>{process.script.clone()}</b></a>
            <span class="reason">{process.reason.clone()}</span>
            <span class="ago">{since}</span>
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_and_what_goes_is_said() {
        let words = |keep_days, max_bytes, due_bytes| {
            LogReport { bytes: 1, due_bytes, keep_days, max_bytes }.words()
        };
        assert_eq!(words(0, 0, 0), "kept for ever");
        assert_eq!(words(30, 0, 0), "kept for 30 days; nothing goes within a day");
        assert_eq!(words(0, 1 << 30, 1_536), "at most 1.0 GiB; 1.5 KiB go within a day");
        assert_eq!(words(7, 1 << 20, 0), "7 days, at most 1.0 MiB; nothing goes within a day");
    }
}
