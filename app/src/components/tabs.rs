//! What there is to know of a process besides its log. But for the figures the server writes it; here is
//! only what shows it and asks again.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::api::process_tab;
use crate::live::use_live;
use crate::model::Process;
use crate::text::format::format_uptime;

/// The tab that is drawn here.
pub(crate) const FIGURES: &str = "figures";
/// Each with the end of its address.
pub(super) const TABS: [(&str, &str); 5] = [
    ("", "Log"),
    ("attempts", "Attempts"),
    (FIGURES, "Figures"),
    ("configuration", "Configuration"),
    ("audit", "Audit"),
];

/// What the link to a tab is found by.
pub(super) fn testid_of(tab: &str) -> String {
    format!("tab-{tab}")
}

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
        let testid = testid_of(tab);
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
    // Whatever changes in a process is told.
    Effect::new(move |_| {
        process.track();
        refresh();
    });
    // What goes on says since when, and gets longer by itself.
    Effect::new(move |_| {
        let goes_on = shown.read().contains("data-since");
        if let Some(place) = place.get().filter(|_| goes_on) {
            lengthen_spans(&place, live.clock.now());
        }
    });
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

/// Writes how long it is since the times that stand in `data-since`.
fn lengthen_spans(place: &web_sys::Element, now: i64) {
    let Ok(spans) = place.query_selector_all("[data-since]") else { return };
    for at in 0..spans.length() {
        let Some(span) = spans.item(at).and_then(|node| node.dyn_into::<web_sys::Element>().ok())
        else {
            continue;
        };
        let since = span.get_attribute("data-since").and_then(|since| since.parse::<i64>().ok());
        if let Some(since) = since {
            span.set_text_content(Some(&format_uptime(now - since)));
        }
    }
}
