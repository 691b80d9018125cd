//! What is declared in `runyard.toml`: its times, its pools, and reading the file again.

use leptos::prelude::*;

use super::ReloadDialog;
use crate::api::{list_declared, list_pools, pause_pool, run_declared};
use crate::live::use_live;
use crate::model::{DeclaredList, DeclaredProcess, Pool, PoolList, Problem};

/// The panel; empty where nothing is declared and there is one pool.
#[component]
pub(crate) fn DeclaredPanel() -> impl IntoView {
    let live = use_live();
    let declared = RwSignal::new(DeclaredList::default());
    let pools = RwSignal::new(PoolList::default());
    let is_busy = RwSignal::new(false);
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
    // Whenever a process comes or goes, the line and the times may be others.
    Effect::new(move |_| {
        live.processes.count();
        refresh();
    });
    let run = move |start: bool| {
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
    let has_declared = move || !declared.read().processes.is_empty();
    let is_shown = move || has_declared() || pools.read().pools.len() > 1;
    view! {
        <Show when=is_shown>
            <details class="declared" data-testid="declared" open>
                <summary><h2>"Declared"</h2></summary>
                <Show when=has_declared>
                    <div class="declared-actions">
                        <button
                            type="button"
                            class="button quiet"
                            data-testid="declared-start"
                            disabled=move || is_busy.get()
                            on:click=move |_| run(true)
                        >
                            "Start all"
                        </button>
                        <button
                            type="button"
                            class="button quiet"
                            data-testid="declared-stop"
                            disabled=move || is_busy.get()
                            on:click=move |_| run(false)
                        >
                            "Stop all"
                        </button>
                        <ReloadDialog done=Callback::new(move |()| refresh())/>
                    </div>
                </Show>
                <ul class="declared-list">
                    {move || {
                        let processes = declared.read().processes.clone();
                        let timed = processes.into_iter().filter(|one| one.schedule.is_some());
                        timed.map(|one| view! { <Times one/> }).collect_view()
                    }}
                    {move || {
                        let all = pools.read().pools.clone();
                        all.into_iter().map(|pool| view! { <PoolRow pool pools/> }).collect_view()
                    }}
                </ul>
            </details>
        </Show>
    }
    .into_any()
}

/// A scheduled process with its next times.
#[component]
fn Times(one: DeclaredProcess) -> impl IntoView {
    let clock = use_live().clock;
    let DeclaredProcess { name, schedule, timezone, next_times, .. } = one;
    let data_name = name.clone();
    let zone = timezone.unwrap_or_else(|| "UTC".to_owned());
    let schedule = format!("{} {zone}", schedule.unwrap_or_default());
    let times = StoredValue::new(next_times);
    let first = move || times.with_value(|times| times.first().map(|at| clock.stamp(*at)));
    let all = move || {
        let stamps =
            times.with_value(|times| times.iter().map(|at| clock.stamp(*at)).collect::<Vec<_>>());
        stamps.join("\n")
    };
    view! {
        <li data-testid="schedule" data-name=data_name>
            <span class="declared-name">{name}</span>
            <code>{schedule}</code>
            <span class="declared-next" title=all>{first}</span>
        </li>
    }
    .into_any()
}

/// A pool with its slots, and the button that pauses it.
#[component]
fn PoolRow(pool: Pool, pools: RwSignal<PoolList>) -> impl IntoView {
    let live = use_live();
    let Pool { name, slots, used, waiting, is_paused } = pool;
    let data_name = name.clone();
    let title = if is_paused { "Resume" } else { "Pause" };
    let toggle = {
        let name = name.clone();
        move |_| {
            let name = name.clone();
            leptos::task::spawn_local(async move {
                let done: Result<PoolList, Problem> = pause_pool(name, !is_paused).await;
                match done {
                    Ok(list) => {
                        pools.try_set(list);
                    }
                    Err(problem) => live.alerts.report(&problem),
                }
            });
        }
    };
    view! {
        <li data-testid="pool" data-name=data_name data-paused=is_paused.to_string()>
            <span class="declared-name">{name}</span>
            <span>{format!("{used} of {slots} slots, {waiting} waiting")}</span>
            <button type="button" class="button quiet" data-testid="pool-pause" on:click=toggle>
                {title}
            </button>
        </li>
    }
    .into_any()
}
