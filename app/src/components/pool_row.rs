//! A pool of slots: how many are in use, how many jobs wait, and the button that pauses it.

use leptos::prelude::*;

use crate::api::pause_pool;
use crate::live::use_live;
use crate::model::{Pool, PoolList, Problem};

/// Slots that are drawn; a pool of more is told in words alone.
const MOST_DRAWN: u32 = 12;

/// The row.
#[component]
pub(super) fn PoolRow(
    /// As it is now.
    pool: Pool,
    /// All of them: the answer to a pause.
    pools: RwSignal<PoolList>,
) -> impl IntoView {
    let live = use_live();
    let Pool { name, slots, used, waiting, is_paused } = pool;
    let words = if is_paused { "Resume" } else { "Pause" };
    let state = match (is_paused, waiting) {
        (true, waiting) => format!("paused, {waiting} waiting"),
        (false, waiting) => format!("{used} of {slots} slots, {waiting} waiting"),
    };
    let label = format!("{words} the pool {name}");
    let data_name = name.clone();
    let name = StoredValue::new(name);
    let toggle = move |_| {
        leptos::task::spawn_local(async move {
            let done: Result<PoolList, Problem> = pause_pool(name.get_value(), !is_paused).await;
            match done {
                Ok(list) => {
                    pools.try_set(list);
                }
                Err(problem) => live.alerts.report(&problem),
            }
        });
    };
    let drawn = (slots <= MOST_DRAWN).then(|| {
        let slot = |n: u32| view! { <i class:used=n < used></i> };
        view! { <span class="slots" aria-hidden="true">{(0..slots).map(slot).collect_view()}</span> }
    });
    view! {
        <li class="pool" data-testid="pool" data-name=data_name data-paused=is_paused.to_string()>
            <span class="declared-name">{name.get_value()}</span>
            {drawn}
            <span class="declared-state" class:warn=is_paused>{state}</span>
            <button
                type="button"
                class="button quiet"
                data-testid="pool-pause"
                aria-label=label
                on:click=toggle
            >
                {words}
            </button>
        </li>
    }
    .into_any()
}
