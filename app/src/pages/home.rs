//! The start page: the list, and on a wide screen an overview beside it.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;

use crate::api::overview;
use crate::components::BackLink;

/// How old it may become while it is looked at.
const REFRESH: Duration = Duration::from_secs(10);

/// What runs, what failed, how full things are.
#[component]
pub(crate) fn Home() -> impl IntoView {
    let loaded = Resource::new(|| (), |()| overview());
    Effect::new(move |_| {
        if let Ok(timer) = set_interval_with_handle(move || loaded.refetch(), REFRESH) {
            on_cleanup(move || timer.clear());
        }
    });
    view! {
        <Title text="Processes · Runyard"/>
        <div class="page" data-testid="overview">
            <BackLink/>
            <h1>"Overview"</h1>
            <Transition fallback=|| view! { <p class="empty">"Loading…"</p> }>
                {move || Suspend::new(async move {
                    match loaded.await {
                        // The server's own HTML: nothing in it comes from elsewhere unescaped.
                        Ok(html) => view! { <div inner_html=html></div> }.into_any(),
                        Err(problem) => {
                            view! { <p class="inline-alert" role="alert">{problem.detail}</p> }.into_any()
                        }
                    }
                })}
            </Transition>
        </div>
    }
    .into_any()
}
