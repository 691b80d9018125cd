//! What there is to know of a process besides its log. The server writes it; here is only what shows it
//! and asks again.

use leptos::html;
use leptos::prelude::*;

use super::usage::every_two_seconds;
use crate::api::process_tab;
use crate::live::use_live;
use crate::model::Process;

/// The tab whose figures change all the time.
const FIGURES: &str = "figures";
/// Each with the end of its address.
const TABS: [(&str, &str); 5] = [
    ("", "Log"),
    ("attempts", "Attempts"),
    (FIGURES, "Figures"),
    ("configuration", "Configuration"),
    ("audit", "Audit"),
];

/// The way to each tab.
#[component]
pub(crate) fn Tabs(
    /// Whose.
    process: RwSignal<Process>,
    /// The end of the address of the one on screen.
    current: StoredValue<String>,
) -> impl IntoView {
    let id = process.read_untracked().id.clone();
    let links = TABS.map(|(tab, name)| {
        let slash = if tab.is_empty() { "" } else { "/" };
        let href = format!("/processes/{id}{slash}{tab}");
        let testid = format!("tab-{tab}");
        let is_current = current.with_value(|current| current == tab).then_some("page");
        view! { <a href=href data-testid=testid aria-current=is_current>{name}</a> }.into_any()
    });
    view! { <nav class="tabs" aria-label="Process">{links.into_iter().collect_view()}</nav> }
        .into_any()
}

/// A tab that the server writes.
#[component]
pub(crate) fn TabView(
    /// Whose.
    process: RwSignal<Process>,
    /// The end of its address.
    tab: String,
    /// Where the page begins.
    before: Option<i64>,
    /// As it was loaded.
    html: String,
) -> impl IntoView {
    let live = use_live();
    let id = process.read_untracked().id.clone();
    let is_figures = tab == FIGURES;
    let shown = RwSignal::new(html);
    let place = NodeRef::<html::Div>::new();
    let refresh = move || {
        let (id, tab) = (id.clone(), tab.clone());
        let zone_min = live.clock.local_zone_min();
        leptos::task::spawn_local(async move {
            match process_tab(id, tab, before, zone_min).await {
                Ok(fresh) => {
                    // What has the focus is not taken away.
                    let place = place.try_get_untracked().flatten();
                    let focused = document().active_element();
                    let is_in_use = place.is_some_and(|place| {
                        let place: &web_sys::Element = &place;
                        place.contains(focused.as_deref()) && focused.as_ref() != Some(place)
                    });
                    if !is_in_use && shown.try_get_untracked().is_some_and(|old| old != fresh) {
                        shown.try_set(fresh);
                    }
                }
                Err(problem) if problem.status == 401 => live.alerts.report(&problem),
                // The next look may come.
                Err(_) => {}
            }
        });
    };
    if is_figures {
        every_two_seconds(refresh);
    } else {
        // Whatever changes in a process is told.
        Effect::new(move |_| {
            process.track();
            refresh();
        });
    }
    // The server's own HTML: nothing in it comes from elsewhere unescaped.
    view! {
        <div
            class="page tab"
            role="region"
            aria-label="Tab"
            tabindex="0"
            data-testid="tab-page"
            node_ref=place
            inner_html=move || shown.get()
        ></div>
    }
    .into_any()
}
