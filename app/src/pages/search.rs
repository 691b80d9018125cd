//! Lines of all logs: newest first, as they are found.

mod choices;
mod hit;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::Deserialize;

use choices::{ChoiceFields, Choices};
use hit::{Hit, Searched, hit_html};

use crate::components::{BackLink, Icon, IconName, RegexToggle, Typing};
use crate::live::{Answer, Needle, Request, RequestSlot, use_live};
use crate::model::Problem;
use crate::text::format::format_count;

/// Lines of one search.
const LIMIT: u32 = 300;

/// What the server says, in the order of its fields: one of them is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    process: Option<Searched>,
    hit: Option<Hit>,
    progress: Option<Counts>,
    end: Option<Counts>,
    error: Option<Problem>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct Counts {
    lines: i64,
    #[serde(default)]
    truncated: bool,
}

/// How a search stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing is asked for.
    #[default]
    Idle,
    /// So many lines were looked through.
    Searching(i64),
    /// It is over.
    Done(Counts),
    /// It cannot be done, in the server's words.
    Refused(String),
}

/// The page of `/search`.
#[component]
pub(crate) fn SearchPage() -> impl IntoView {
    let live = use_live();
    let params = use_query_map();
    let asked = params.read_untracked();
    let needle = RwSignal::new(Needle {
        text: asked.get("q").unwrap_or_default(),
        is_regex: asked.get("regex").is_some(),
    });
    let choices = RwSignal::new(Choices::of_address(&asked));
    let state = RwSignal::new(State::Idle);
    // What was found, as rows of HTML: they come in parts.
    let hits = RwSignal::new(String::new());
    let found = RwSignal::new(0_i64);
    let names = StoredValue::new(Vec::<Searched>::new());
    let request = RequestSlot::new();
    let typing = Typing::new();

    let take = move |text: &str, taken: usize| {
        // The last line may not be whole yet.
        let end = text.rfind('\n').map_or(0, |at| at + 1);
        let fresh = text.get(taken..end).unwrap_or_default();
        let mut rows = String::new();
        for event in fresh.lines().filter_map(|line| serde_json::from_str::<Event>(line).ok()) {
            if let Some(process) = event.process {
                names.update_value(|names| names.push(process));
            }
            if let Some(hit) = event.hit {
                found.update(|found| *found += 1);
                let html = needle.with_untracked(|needle| {
                    names.with_value(|names| hit_html(&hit, names, needle, live.clock))
                });
                rows.push_str(&html);
            }
            if let Some(counts) = event.progress {
                state.set(State::Searching(counts.lines));
            }
            if let Some(counts) = event.end {
                state.set(State::Done(counts));
            }
            if let Some(problem) = event.error {
                state.set(State::Refused(problem.detail));
            }
        }
        if !rows.is_empty() {
            hits.update(|hits| hits.push_str(&rows));
        }
        taken.max(end)
    };
    let ask = move || {
        request.put(None);
        hits.set(String::new());
        found.set(0);
        let (wanted, narrowed) = (needle.get_untracked(), choices.get_untracked());
        keep_in_address(&wanted, &narrowed);
        if wanted.text.trim().is_empty() {
            return state.set(State::Idle);
        }
        state.set(State::Searching(0));
        let query = wanted.query() + &narrowed.query(live.clock.now_untracked());
        let url = format!("/api/logs/search?format=ndjson&limit={LIMIT}{query}");
        let mut taken = 0;
        request.put(Request::get(&url, move |answer| match answer {
            Answer::Part(text) | Answer::Whole(text) => taken = take(&text, taken),
            Answer::Refused(problem) => state.set(State::Refused(problem.detail)),
        }));
    };
    // Typing on gives up the search under way, on the server too.
    let changed = move || {
        request.put(None);
        typing.pauses(ask);
    };
    Effect::new(move |_| {
        if !needle.read_untracked().is_empty() {
            ask();
        }
    });
    let words = move || match state.get() {
        State::Idle => "Finds lines in all logs, those of ended processes too.".to_owned(),
        State::Searching(lines) => format!("Searching … {} lines so far", format_count(lines)),
        State::Done(counts) => {
            let found = format_count(found.get());
            if counts.truncated {
                format!("The newest {found} lines that fit; ask for less, or for another time")
            } else {
                format!("{found} found in {} lines", format_count(counts.lines))
            }
        }
        State::Refused(words) => words,
    };
    view! {
        <Title text="Search · Runyard"/>
        <section class="page" aria-label="Search">
            <BackLink/>
            <h1>"Search all logs"</h1>
            <form
                class="search-form"
                role="search"
                aria-label="All logs"
                action="/search"
                on:submit=move |event| {
                    event.prevent_default();
                    ask();
                }
            >
                <Icon name=IconName::Search/>
                <input
                    type="search"
                    name="q"
                    data-testid="search-all"
                    data-shortcut="/"
                    placeholder="A text, or a regular expression"
                    aria-label="What to search for"
                    autocomplete="off"
                    spellcheck="false"
                    value=needle.get_untracked().text
                    on:input:target=move |event| {
                        needle.update(|needle| needle.text = event.target().value());
                        changed();
                    }
                />
                <RegexToggle needle changed=Callback::new(move |()| changed()) testid="search-all-regex"/>
                <ChoiceFields choices clock=live.clock changed=Callback::new(move |()| changed())/>
            </form>
            <p
                class="search-state"
                role="status"
                data-testid="search-state"
                data-done=move || matches!(state.get(), State::Done(_)).to_string()
                class:refused=move || matches!(state.get(), State::Refused(_))
            >
                {words}
            </p>
            <ul class="hits" inner_html=move || hits.get()></ul>
        </section>
    }
    .into_any()
}

/// The address names what is searched for and where, so that it can be loaded again, and sent to
/// somebody.
fn keep_in_address(needle: &Needle, choices: &Choices) {
    let needle = if needle.is_empty() { String::new() } else { needle.query() };
    let query = needle + &choices.address();
    let path = match query.strip_prefix('&') {
        Some(query) => format!("/search?{query}"),
        None => "/search".to_owned(),
    };
    let _ = window().history().map(|history| {
        history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path))
    });
}
