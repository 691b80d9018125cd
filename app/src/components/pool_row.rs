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
    /// Of the pool.
    name: String,
    /// All of them, as they are now: the answer to a pause.
    pools: RwSignal<PoolList>,
) -> impl IntoView {
    let live = use_live();
    let data_name = name.clone();
    let name = StoredValue::new(name);
    let pool = Memo::new(move |_| {
        let pools = pools.read();
        name.with_value(|name| pools.pools.iter().find(|pool| pool.name == *name).cloned())
    });
    let is_paused = Memo::new(move |_| pool.read().as_ref().is_some_and(|pool| pool.is_paused));
    let words = move || if is_paused.get() { "Resume" } else { "Pause" };
    let state = move || {
        let Pool { slots, used, waiting, is_paused, .. } = pool.get()?;
        Some(if is_paused {
            format!("paused, {waiting} waiting")
        } else {
            format!("{used} of {slots} slots, {waiting} waiting")
        })
    };
    let label = move || format!("{} the pool {}", words(), name.get_value());
    let toggle = move |_| {
        let is_paused = is_paused.get_untracked();
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
    let drawn = move || {
        let Pool { slots, used, .. } = pool.get().filter(|pool| pool.slots <= MOST_DRAWN)?;
        let slot = |n: u32| view! { <i class:used=n < used></i> };
        Some(view! {
            <span class="slots" aria-hidden="true">{(0..slots).map(slot).collect_view()}</span>
        })
    };
    view! {
        <li
            class="pool"
            data-testid="pool"
            data-name=data_name
            data-paused=move || is_paused.get().to_string()
        >
            <span class="declared-name">{name.get_value()}</span>
            {drawn}
            <span class="declared-state" class:warn=move || is_paused.get()>{state}</span>
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
