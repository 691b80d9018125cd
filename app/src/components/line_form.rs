//! A line for a process that reads its standard input.

use leptos::prelude::*;

use crate::api::send_line;
use crate::live::use_live;
use crate::model::Process;

/// An input and a button, while the process runs and reads.
#[component]
pub(crate) fn LineForm(
    /// The process.
    process: RwSignal<Process>,
) -> impl IntoView {
    let live = use_live();
    let id = StoredValue::new(process.read_untracked().id.clone());
    let line = RwSignal::new(String::new());
    let is_open = move || {
        let process = process.read();
        process.stdin && process.pid.is_some()
    };
    let send = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        leptos::task::spawn_local(async move {
            match send_line(id.get_value(), line.get_untracked()).await {
                Ok(()) => {
                    line.try_set(String::new());
                }
                Err(problem) => live.alerts.report(&problem),
            }
        });
    };
    view! {
        <Show when=is_open>
            <form class="line-form" on:submit=send>
                <input
                    type="text"
                    class="mono"
                    data-testid="stdin"
                    aria-label="A line for its standard input"
                    placeholder="A line for its standard input"
                    autocomplete="off"
                    spellcheck="false"
                    prop:value=move || line.get()
                    on:input:target=move |event| line.set(event.target().value())
                />
                <button type="submit" class="button" data-testid="stdin-send">"Send"</button>
            </form>
        </Show>
    }
    .into_any()
}
