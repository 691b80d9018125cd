//! What is declared in `runyard.toml`: its times, its pools, and reading the file again.

use std::time::Duration;

use leptos::prelude::*;

use super::ReloadDialog;
use super::pool_row::PoolRow;
use super::schedule_row::ScheduleRow;
use crate::api::{list_declared, list_pools, run_declared};
use crate::live::use_live;
use crate::model::{DeclaredList, DeclaredProcess, PoolList};

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
                set_changed(declared, list);
            }
            if let Ok(list) = list_pools().await {
                set_changed(pools, list);
            }
        });
    };
    refresh();
    // Whenever a process turns, the line and the times may be others.
    let is_due = StoredValue::new(false);
    let ask_soon = move || {
        let was_due = is_due.try_update_value(|due| std::mem::replace(due, true));
        if was_due == Some(false) {
            let ask = move || {
                if is_due.try_set_value(false).is_none() {
                    refresh();
                }
            };
            set_timeout(ask, PATIENCE);
        }
    };
    Effect::watch(move || live.processes.track_turns(), move |(), _, _| ask_soon(), false);
    let has_declared = move || declared.read().processes.iter().any(|one| one.is_declared);
    let is_shown = move || !declared.read().processes.is_empty() || pools.read().pools.len() > 1;
    let timed = move || {
        let declared = declared.read();
        let timed = declared.processes.iter().filter(|one| one.schedule.is_some());
        timed.map(DeclaredProcess::key).collect::<Vec<_>>()
    };
    let pool_names = move || {
        let pools = pools.read();
        pools.pools.iter().map(|pool| pool.name.clone()).collect::<Vec<_>>()
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
                <ul class="declared-list">
                    <For each=timed key=String::clone let:key>
                        <ScheduleRow key declared/>
                    </For>
                    <For each=pool_names key=String::clone let:name>
                        <PoolRow name pools/>
                    </For>
                </ul>
            </details>
        </Show>
    }
    .into_any()
}

/// Sets what was asked for, and tells nobody when it is as it was.
fn set_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, fresh: T) {
    if signal.try_with_untracked(|held| *held != fresh) == Some(true) {
        signal.set(fresh);
    }
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
