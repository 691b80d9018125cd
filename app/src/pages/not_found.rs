//! A path that is no page.

use leptos::prelude::*;
use leptos_meta::Title;

/// Says so, with the way home.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    view! {
        <Title text="Not found · Runyard"/>
        <main class="plain">
            <h1>"There is no such page"</h1>
            <p><a class="button" href="/">"All processes"</a></p>
        </main>
    }
}
