//! Lines chosen by their numbers: to copy them clean, and to send somebody a link to them.

use leptos::prelude::*;

use super::log_copy::{CopyState, Copying, share};
use super::log_pane::LogPane;
use super::{Icon, IconName};
use crate::live::use_live;

/// The first line chosen and the last.
pub(super) type Selected = RwSignal<Option<(i64, i64)>>;

/// Chooses a line, or all lines up to it.
pub(super) fn select(selected: Selected, idx: i64, is_range: bool) {
    selected.update(|selected| {
        *selected = match *selected {
            Some((first, _)) if is_range => Some((first.min(idx), first.max(idx))),
            Some(only) if only == (idx, idx) => None,
            _ => Some((idx, idx)),
        }
    });
    let query = selected.get_untracked().map(|lines| format!("?line={}", words_of(lines)));
    let path = window().location().pathname().unwrap_or_default();
    let url = format!("{path}{}", query.unwrap_or_default());
    // The address names them; going back does not step through every choice.
    let history = window().history();
    let _ = history.map(|history| {
        history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&url))
    });
}

/// `12`, or `12-15`.
fn words_of((first, last): (i64, i64)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// The lines that a query names.
pub(crate) fn parse_lines(text: &str) -> Option<(i64, i64)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (0 <= first && first <= last).then_some((first, last))
}

/// What can be done with the chosen lines.
#[component]
pub(super) fn SelectionBar(pane: LogPane, selected: Selected) -> impl IntoView {
    let state = RwSignal::new(CopyState::Idle);
    let copying = Copying::new(pane, state);
    // Another choice has nothing to do with what is under way.
    Effect::new(move |_| {
        selected.track();
        copying.give_up();
    });
    let words = move || {
        let (first, last) = selected.get().unwrap_or_default();
        if first == last { format!("Line {first}") } else { format!("Lines {first} to {last}") }
    };
    let href = move || selected.get().map(|lines| format!("?line={}", words_of(lines)));
    let alerts = use_live().alerts;
    let is_copied = RwSignal::new(false);
    let hand_on = move |event: web_sys::MouseEvent| {
        // Those who open it elsewhere have it.
        let is_plain = !(event.ctrl_key() || event.meta_key() || event.shift_key());
        if is_plain && let Some(href) = untrack(href) {
            event.prevent_default();
            event.stop_propagation();
            let location = window().location();
            let here = [location.origin(), location.pathname()].map(Result::unwrap_or_default);
            let url = format!("{}{href}", here.concat());
            leptos::task::spawn_local(share(alerts, url, is_copied));
        }
    };
    view! {
        <div class="selection" data-testid="selection" hidden=move || selected.read().is_none()>
            <span>{words}</span>
            <button
                type="button"
                class="button quiet"
                data-testid="copy-lines"
                on:click=move |_| {
                    if let Some(lines) = selected.get_untracked() {
                        copying.copy(lines);
                    }
                }
            >
                {move || state.get().words()}
            </button>
            <a class="button quiet" data-testid="line-link" href=href on:click=hand_on>
                {move || if is_copied.get() { "Link copied" } else { "Link" }}
            </a>
            <button
                type="button"
                class="icon-button"
                aria-label="Choose no line"
                on:click=move |_| selected.set(None)
            >
                <Icon name=IconName::Close/>
            </button>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_an_address() {
        assert_eq!(parse_lines("12"), Some((12, 12)));
        assert_eq!(parse_lines("12-15"), Some((12, 15)));
        for text in ["", "-1", "5-3", "a", "1-", "1-2-3"] {
            assert_eq!(parse_lines(text), None, "{text}");
        }
        assert_eq!(words_of((3, 3)), "3");
        assert_eq!(words_of((3, 5)), "3-5");
    }
}
