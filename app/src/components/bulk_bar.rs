//! What can be done to all processes that were chosen in the list.

use leptos::prelude::*;

use super::act::{Act, act};
use super::process_list::Chosen;
use super::{Icon, IconName};
use crate::live::use_live;

/// A bar that is there while something is chosen; it comes with the first choice.
#[component]
pub(crate) fn BulkBar(
    /// The processes.
    chosen: Chosen,
) -> impl IntoView {
    let live = use_live();
    let is_busy = RwSignal::new(false);
    // One after the other: each answer is told, and a refusal of one does not keep the others.
    let run = move |what: Act| {
        is_busy.set(true);
        leptos::task::spawn_local(async move {
            for id in chosen.get_untracked() {
                act(live, id.clone(), what).await;
                chosen.try_update(|chosen| chosen.retain(|other| *other != id));
            }
            is_busy.try_set(false);
        });
    };
    view! {
        <div class="bulk" data-testid="bulk">
            <span role="status">{move || format!("{} chosen", chosen.read().len())}</span>
            <span class="spacer"></span>
            <button
                type="button"
                class="button danger"
                data-testid="bulk-stop"
                disabled=move || is_busy.get()
                on:click=move |_| run(Act::Stop)
            >
                "Stop"
            </button>
            <button
                type="button"
                class="button"
                data-testid="bulk-restart"
                disabled=move || is_busy.get()
                on:click=move |_| run(Act::Restart)
            >
                "Restart"
            </button>
            <button
                type="button"
                class="icon-button"
                aria-label="Choose none"
                on:click=move |_| chosen.update(Vec::clear)
            >
                <Icon name=IconName::Close/>
            </button>
        </div>
    }
    .into_any()
}
