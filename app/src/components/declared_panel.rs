//! What is declared in `runyard.toml`: its times, its pools, and reading the file again.

use std::time::Duration;

use leptos::prelude::*;

use super::ReloadDialog;
use super::pool_row::PoolRow;
use super::schedule_row::ScheduleRow;
use crate::api::{list_declared, list_pools, run_declared};
use crate::live::use_live;
use crate::model::{DeclaredList, PoolList};

/// Many processes turn at the same time, and are worth one question.
const PATIENCE: Duration = Duration::from_millis(200);

/// The panel; empty where nothing is declared and there is one pool.
#[component]
pub(crate) fn DeclaredPanel() -> impl IntoView {
    let live = use_live();
    let declared = RwSignal::new(DeclaredList::default());
    let pools = RwSignal::new(PoolList::default());
    let refresh = move || {
        leptos::task::spawn_local(async move {
            // Who may not see it sees no panel.
            if let Ok(list) = list_declared().await {
                declared.try_set(list);
            }
            if let Ok(list) = list_pools().await {
                pools.try_set(list);
            }
        });
    };
    refresh();
    // Whenever a process turns, the line and the times may be others.
    let is_due = StoredValue::new(false);
    Effect::new(move |before: Option<()>| {
        live.processes.track_turns();
        let is_new = is_due.try_update_value(|due| !std::mem::replace(due, true));
        if before.is_some() && is_new == Some(true) {
            let ask = move || {
                if is_due.try_set_value(false).is_none() {
                    refresh();
                }
            };
            set_timeout(ask, PATIENCE);
        } else if before.is_none() {
            is_due.set_value(false);
        }
    });
    let has_declared = move || !declared.read().processes.is_empty();
    let is_shown = move || has_declared() || pools.read().pools.len() > 1;
    let schedules = move || {
        let processes = declared.read().processes.clone();
        let timed = processes.into_iter().filter(|one| one.schedule.is_some());
        timed.map(|one| view! { <ScheduleRow one/> }).collect_view()
    };
    let pool_rows = move || {
        let all = pools.read().pools.clone();
        all.into_iter().map(|pool| view! { <PoolRow pool pools/> }).collect_view()
    };
    view! {
        <Show when=is_shown>
            <details class="panel" data-testid="declared" open>
                <summary><h2>"Declared"</h2></summary>
                <Show when=has_declared>
                    <div class="declared-actions">
                        <RunAll start=true words="Start all" testid="declared-start" declared/>
                        <RunAll start=false words="Stop all" testid="declared-stop" declared/>
                        <ReloadDialog done=Callback::new(move |()| refresh())/>
                    </div>
                </Show>
                <ul class="declared-list">{schedules}{pool_rows}</ul>
            </details>
        </Show>
    }
    .into_any()
}

/// A button that starts everything declared, or stops it in order.
#[component]
fn RunAll(
    start: bool,
    words: &'static str,
    testid: &'static str,
    declared: RwSignal<DeclaredList>,
) -> impl IntoView {
    let live = use_live();
    let is_busy = RwSignal::new(false);
    let run = move |_| {
        is_busy.set(true);
        leptos::task::spawn_local(async move {
            match run_declared(start).await {
                Ok(list) => {
                    declared.try_set(list);
                }
                Err(problem) => live.alerts.report(&problem),
            }
            is_busy.try_set(false);
        });
    };
    view! {
        <button
            type="button"
            class="button quiet"
            data-testid=testid
            disabled=move || is_busy.get()
            on:click=run
        >
            {words}
        </button>
    }
    .into_any()
}
