//! Keys that work everywhere, and the page of help that lists them.

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use super::{Icon, IconName};
use crate::later::{keys, shown};

/// Where it is remembered that single keys do nothing.
pub(super) const KEY: &str = "runyard-keys";

/// Whether an event is one of typing or belongs to somebody else: then no key is a shortcut.
pub(super) fn is_typing(event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let is_field = |target: Element| {
        target.matches("input:not([type=checkbox]),select,textarea,dialog *").unwrap_or(false)
    };
    event.ctrl_key() || event.meta_key() || event.alt_key() || target.is_some_and(is_field)
}

/// Whether single keys are shortcuts: those who speak to their computer may not want them.
pub(super) fn has_single_keys() -> bool {
    let storage = window().local_storage().ok().flatten();
    storage.and_then(|storage| storage.get_item(KEY).ok().flatten()).is_none()
}

/// The last of the elements: pages come after the frame around them.
pub(super) fn last_of(selector: &str) -> Option<HtmlElement> {
    let all = document().query_selector_all(selector).ok()?;
    let last = (0..all.length()).rev().filter_map(|at| all.item(at));
    last.filter_map(|node| node.dyn_into::<HtmlElement>().ok())
        .find(|e| e.offset_parent().is_some())
}

/// Clicks what has the name.
pub(super) fn click(testid: &str) {
    if let Some(element) = last_of(&format!("[data-testid='{testid}']")) {
        // Fails for what cannot have the focus; a field has to have it.
        let _ = element.focus();
        element.click();
    }
}

/// Clicks what has the name, also where a closed menu hides it.
pub(super) fn press(testid: &str) {
    let found = document().query_selector(&format!("[data-testid='{testid}']"));
    if let Some(element) = found.ok().flatten().and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        element.click();
    }
}

/// Writes into the field that has the name, as if somebody had done it.
pub(super) fn fill(testid: &str, text: &str) {
    let Some(field) = last_of(&format!("[data-testid='{testid}']")) else { return };
    // Both kinds of fields have a value; an empty one chooses all of what a list offers.
    let set = js_sys::Reflect::set(&field, &"value".into(), &text.into());
    for name in ["input", "change"] {
        if let (Ok(_), Ok(event)) = (&set, web_sys::Event::new(name)) {
            // Fails only for an event that is under way.
            let _ = field.dispatch_event(&event);
        }
    }
}

/// Moves the focus by one row in the list.
fn step(by: i32) {
    let Ok(all) = document().query_selector_all("[data-testid=process-row] > a") else { return };
    let links: Vec<HtmlElement> =
        (0..all.length()).filter_map(|at| all.item(at)?.dyn_into().ok()).collect();
    let focused = document().active_element();
    let is_here = |link: &HtmlElement| {
        focused.as_ref() == Some(link.as_ref())
            || (!links.iter().any(|l| focused.as_ref() == Some(l.as_ref()))
                && link.has_attribute("aria-current"))
    };
    let count = i32::try_from(links.len()).unwrap_or(0);
    let here = links.iter().position(is_here).and_then(|at| i32::try_from(at).ok());
    let next = here.map_or(0, |at| (at + by).clamp(0, count - 1));
    if let Some(link) = usize::try_from(next).ok().and_then(|at| links.get(at)) {
        // Fails for what cannot have the focus; a link can.
        let _ = link.focus();
    }
}

/// The keys themselves, and the button that lists them.
#[component]
pub(crate) fn Shortcuts() -> impl IntoView {
    let opened = Trigger::new();
    let is_wanted = RwSignal::new(false);
    let open = move || {
        if is_wanted.get_untracked() {
            opened.notify();
        }
        is_wanted.maybe_update(|is_wanted| !std::mem::replace(is_wanted, true));
    };
    Effect::new(move |_| {
        let keys = window_event_listener(ev::keydown, move |event| {
            if is_typing(&event) || event.default_prevented() || !has_single_keys() {
                return;
            }
            match event.key().as_str() {
                "/" => {
                    if let Some(field) = last_of("[data-shortcut='/']") {
                        let _ = field.focus();
                    }
                }
                "j" => step(1),
                "k" => step(-1),
                "s" => click("start-open"),
                "?" => open(),
                _ => return,
            }
            event.prevent_default();
        });
        on_cleanup(move || keys.remove());
    });
    view! {
        <button
            type="button"
            class="icon-button"
            data-testid="help"
            aria-label="Keys"
            title="Keys (?)"
            on:click=move |_| open()
        >
            <Icon name=IconName::Keyboard/>
        </button>
        {move || is_wanted.get().then(|| Suspend::new(async move { shown(keys(opened).await) }))}
    }
    .into_any()
}
