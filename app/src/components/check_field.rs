//! A box to tick, with the words that say what for.

use leptos::prelude::*;

/// The box and its words.
#[component]
pub(super) fn CheckField(
    /// What the box is found by.
    testid: &'static str,
    /// What for.
    words: &'static str,
    /// More of it, for those who point at it.
    #[prop(optional)]
    title: Option<&'static str>,
    /// Whether it is ticked.
    #[prop(into)]
    is_on: Signal<bool>,
    /// Told whenever somebody ticks it or takes the tick away.
    #[prop(into)]
    set: Callback<bool>,
) -> impl IntoView {
    view! {
        <label class="menu-field" title=title>
            <input
                type="checkbox"
                data-testid=testid
                prop:checked=move || is_on.get()
                on:change:target=move |event| set.run(event.target().checked())
            />
            <span>{words}</span>
        </label>
    }
    .into_any()
}
