//! A menu: a `<details>`, which opens without scripts, and closes by a choice, by Escape, or by
//! looking away.

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast as _;

use super::{Icon, IconName};

/// A button and what it opens. Choosing something with the role `menuitem` closes it.
#[component]
pub(super) fn Menu(
    /// On the button.
    name: &'static str,
    /// Before the name.
    icon: IconName,
    /// Of the button.
    testid: &'static str,
    /// Whether it can be opened.
    #[prop(into, default = Signal::stored(true))]
    is_enabled: Signal<bool>,
    /// What it opens.
    children: Children,
) -> impl IntoView {
    let menu = NodeRef::<html::Details>::new();
    let close = move || {
        if let Some(menu) = menu.get_untracked() {
            menu.set_open(false);
        }
    };
    let close_unless_inside = move |target: Option<web_sys::EventTarget>| {
        let node = target.and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let is_inside = menu.get_untracked().is_none_or(|menu| menu.contains(node.as_ref()));
        if node.is_some() && !is_inside {
            close();
        }
    };
    Effect::new(move |_| {
        let clicks = window_event_listener(ev::click, move |event| {
            close_unless_inside(event.target());
        });
        on_cleanup(move || clicks.remove());
    });
    let chosen = move |event: web_sys::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let item = target.and_then(|target| target.closest("[role=menuitem]").ok().flatten());
        if item.is_some() {
            close();
        }
    };
    view! {
        <details
            class="menu"
            node_ref=menu
            // Nowhere is where a click on something without focus goes: the listener above sees that.
            on:focusout=move |event| close_unless_inside(event.related_target())
            on:keydown=move |event| if event.key() == "Escape" { close() }
        >
            <summary
                class="button"
                class:disabled=move || !is_enabled.get()
                data-testid=testid
                aria-disabled=move || (!is_enabled.get()).to_string()
                on:click=move |event| if !is_enabled.get_untracked() { event.prevent_default() }
            >
                <Icon name=icon/>
                <span>{name}</span>
            </summary>
            <div class="menu-items" on:click=chosen>{children()}</div>
        </details>
    }
    .into_any()
}
