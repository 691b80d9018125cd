//! Search in the log on screen: how many lines fit, and the next and the previous of them, whether
//! they are loaded or not.

use leptos::html;
use leptos::prelude::*;
use serde::Deserialize;

use super::log_pane::LogPane;
use super::needle_field::{RegexToggle, Typing};
use super::{Icon, IconName};
use crate::live::{Answer, LineFilter, Needle, Request, RequestSlot, use_live};
use crate::model::{LogPage, Problem};
use crate::text::format::format_count;

/// The end of a count: all else that is said of it is passed over.
#[derive(Deserialize)]
struct Counted {
    matches: i64,
}

/// How far a count has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Count {
    #[default]
    None,
    Counting,
    Lines(i64),
    Refused(String),
}

/// The box with its count and its two ways.
#[component]
pub(super) fn LogSearch(pane: LogPane, needle: RwSignal<Needle>) -> impl IntoView {
    let live = use_live();
    let count = RwSignal::new(Count::None);
    let current = StoredValue::new(None::<i64>);
    let is_only = RwSignal::new(false);
    let typing = Typing::new();
    let request = RequestSlot::new();
    let input = NodeRef::<html::Input>::new();

    // The log shows all lines, or only those that fit.
    let apply = move || {
        let shown =
            if is_only.get_untracked() { needle.get_untracked() } else { Needle::default() };
        pane.change_filter(|filter| filter.needle = shown);
    };
    let filter_query = move || pane.filter.with_untracked(LineFilter::query_without_needle);
    let ask = move || {
        let wanted = needle.get_untracked();
        if wanted.is_empty() {
            apply();
            return count.set(Count::None);
        }
        count.set(Count::Counting);
        let id = pane.url("");
        let id = id.trim_start_matches("/api/processes/").trim_end_matches("/logs");
        let filter = filter_query();
        let url = format!("/api/logs/search?count=true&process={id}{}{filter}", wanted.query());
        request.put(Request::get(&url, move |answer| match answer {
            Answer::Part(_) => {}
            Answer::Whole(text) => {
                let counted = serde_json::from_str::<Counted>(&text);
                count.try_set(Count::Lines(counted.map_or(0, |counted| counted.matches)));
                // What the server takes can be shown.
                apply();
            }
            Answer::Refused(Problem { detail, .. }) => {
                count.try_set(Count::Refused(detail));
            }
        }));
    };
    // Typing on gives up the search under way, on the server too.
    let changed = move || {
        request.put(None);
        current.set_value(None);
        typing.pauses(ask);
    };
    let toggle_only = move |_| {
        is_only.update(|is| *is = !*is);
        apply();
        // What was found stays in sight, now among its neighbours.
        if let Some(idx) = current.get_value().filter(|_| !is_only.get_untracked()) {
            pane.show(idx);
        }
    };
    let go = move |is_forward: bool| {
        let wanted = needle.get_untracked();
        if wanted.is_empty() {
            return;
        }
        let (first, last) = pane.drawn.read_untracked().in_sight;
        let place = match (is_forward, current.get_value()) {
            (true, Some(idx)) => format!("after={idx}"),
            (true, None) => format!("after={}", first - 1),
            (false, Some(idx)) => format!("before={idx}"),
            (false, None) => format!("before={}", last + 1),
        };
        let tail = format!("{}{}", wanted.query(), filter_query());
        let url = pane.url(&format!("?limit=1&{place}{tail}"));
        // Behind the last comes the first.
        let around = if is_forward { "after=-1" } else { "tail=1" };
        let around = pane.url(&format!("?limit=1&{around}{tail}"));
        let found = move |page: LogPage| {
            let idx = page.entries.first().map(|entry| entry.idx);
            if let Some(idx) = idx {
                current.set_value(Some(idx));
                pane.show(idx);
            }
            idx.is_some()
        };
        request.put(Request::get_json(&url, move |page: Result<LogPage, Problem>| match page {
            Ok(page) => {
                if !found(page) {
                    let again =
                        Request::get_json(&around, move |page: Result<LogPage, Problem>| {
                            if let Ok(page) = page {
                                found(page);
                            }
                        });
                    queue_microtask(move || {
                        request.put(again);
                    });
                }
            }
            Err(problem) => live.alerts.report(&problem),
        }));
    };
    let keys = move |event: web_sys::KeyboardEvent| match event.key().as_str() {
        "Enter" => {
            event.prevent_default();
            go(event.shift_key());
        }
        "Escape" => {
            needle.set(Needle::default());
            if let Some(input) = input.get_untracked() {
                input.set_value("");
                let _ = input.blur();
            }
            changed();
        }
        _ => {}
    };
    let words = move || match count.get() {
        Count::None => String::new(),
        Count::Counting => "…".to_owned(),
        Count::Lines(1) => "1 line".to_owned(),
        Count::Lines(n) => format!("{} lines", format_count(n)),
        Count::Refused(words) => words,
    };
    let is_off = move || !matches!(count.get(), Count::Lines(n) if n > 0);
    view! {
        <div class="log-search" role="search" aria-label="This log">
            <Icon name=IconName::Search/>
            <input
                type="search"
                data-testid="log-search"
                data-shortcut="/"
                placeholder="Search this log"
                aria-label="Search this log"
                autocomplete="off"
                spellcheck="false"
                node_ref=input
                on:keydown=keys
                on:input:target=move |event| {
                    needle.update(|needle| needle.text = event.target().value());
                    changed();
                }
            />
            <RegexToggle needle changed=Callback::new(move |()| changed()) testid="log-search-regex"/>
            <button
                type="button"
                class="icon-button toggle"
                aria-label="Only lines that fit"
                title="Only lines that fit"
                data-testid="log-search-only"
                aria-pressed=move || is_only.get().to_string()
                on:click=toggle_only
            >
                <Icon name=IconName::Filter/>
            </button>
            <output data-testid="log-search-count" class:refused=move || matches!(count.get(), Count::Refused(_))>
                {words}
            </output>
            <button
                type="button"
                class="icon-button"
                aria-label="Previous line that fits"
                data-testid="log-search-previous"
                disabled=is_off
                on:click=move |_| go(false)
            >
                <Icon name=IconName::Up/>
            </button>
            <button
                type="button"
                class="icon-button"
                aria-label="Next line that fits"
                data-testid="log-search-next"
                disabled=is_off
                on:click=move |_| go(true)
            >
                <Icon name=IconName::Down/>
            </button>
        </div>
    }
    .into_any()
}
