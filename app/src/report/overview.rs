//! What runs, what failed and why, and how full things are.

use leptos::prelude::*;
use leptos::tachys::view::RenderHtml;

use crate::model::Process;
use crate::text::format::{format_bytes, format_uptime};

/// Shown of each list.
const SHOWN: usize = 12;

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
}

/// The part of the start page beside the list.
#[must_use]
pub fn render_overview(overview: &Overview) -> String {
    let Overview { now, running, waiting, failed, slots, database_bytes } = overview;
    let count = |processes: &[Process]| processes.len().to_string();
    let mut tiles = vec![
        tile("Running", count(running), "/?q=status:running"),
        tile("Waiting", count(waiting), "/?q=status:queued"),
        tile("Failed since yesterday", count(failed), "/?q=status:failed"),
    ];
    tiles.extend(slots.map(|(used, all)| tile("Job slots in use", format!("{used} of {all}"), "")));
    tiles.extend(database_bytes.map(|bytes| tile("Database", format_bytes(bytes), "")));
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
    .to_html()
}

fn tile(name: &'static str, value: String, href: &'static str) -> AnyView {
    let inner = view! { <dt>{name}</dt><dd>{value}</dd> };
    if href.is_empty() {
        view! { <dl class="tile">{inner}</dl> }.into_any()
    } else {
        view! { <a class="tile" href=href rel="external"><dl>{inner}</dl></a> }.into_any()
    }
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
