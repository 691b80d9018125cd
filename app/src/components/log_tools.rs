//! What is shown of a log and how: streams and levels, times, wrapping; going to a line or a time;
//! downloads.

use leptos::prelude::*;

use super::check_field::CheckField;
use super::log_line::Times;
use super::log_pane::LogPane;
use super::menu::Menu;
use super::{Icon, IconName};
use crate::live::{Request, RequestSlot, use_live};
use crate::model::{Level, LogPage, Problem};

/// Where the choices are remembered in the browser.
const KEY: &str = "runyard-log";

/// The tools at the right of the search.
#[component]
pub(super) fn LogTools(
    pane: LogPane,
    times: RwSignal<Times>,
    is_raw: RwSignal<bool>,
) -> impl IntoView {
    Effect::new(move |_| restore(pane, times, is_raw));
    let set_streams = move |value: String| {
        let has = |name: &str| value.is_empty() || value.contains(name);
        let streams = [has("stdout"), has("stderr"), has("system")];
        pane.change_filter(|filter| filter.streams = streams);
    };
    let set_level = move |value: String| {
        pane.change_filter(|filter| filter.level = value.parse::<Level>().ok());
    };
    let keep = move || {
        let (is_wrapped, is_raw) = (pane.is_wrapped.get_untracked(), is_raw.get_untracked());
        keep_choices(times.get_untracked(), is_wrapped, is_raw);
    };
    let set_times = move |value: String| {
        times.set(match value.as_str() {
            "relative" => Times::Relative,
            "off" => Times::Off,
            _ => Times::Absolute,
        });
        keep();
    };
    let times_value = move || match times.get() {
        Times::Absolute => "absolute",
        Times::Relative => "relative",
        Times::Off => "off",
    };
    let download = move |format: &'static str| {
        move || {
            pane.filter.track();
            pane.url(&format!("/download?format={format}{}", pane.filter_query()))
        }
    };
    view! {
        <div class="log-tools">
            <select
                data-testid="log-level"
                aria-label="Levels"
                on:change:target=move |event| set_level(event.target().value())
                inner_html="<option value=''>All levels</option><option value='error'>Errors</option><option value='warn'>Warnings and errors</option><option value='info'>Info and above</option>"
            ></select>
            <select
                data-testid="log-stream"
                aria-label="Streams"
                on:change:target=move |event| set_streams(event.target().value())
                inner_html="<option value=''>All streams</option><option value='stdout'>stdout</option><option value='stderr'>stderr</option><option value='system'>system</option><option value='stdout,stderr'>without system</option>"
            ></select>
            <GoTo pane/>
            <Menu name="View" icon=IconName::Sliders testid="log-view-menu">
                <label class="menu-field">
                    <span>"Times"</span>
                    <select
                        data-testid="log-times"
                        prop:value=times_value
                        on:change:target=move |event| set_times(event.target().value())
                inner_html="<option value='absolute'>time of day</option><option value='relative'>since the start</option><option value='off'>none</option>"
            ></select>
                </label>
                <CheckField
                    testid="log-wrap"
                    words="Wrap long lines"
                    is_on=pane.is_wrapped
                    set=move |is_on| {
                        pane.is_wrapped.set(is_on);
                        pane.schedule();
                        keep();
                    }
                />
                <CheckField
                    testid="log-raw"
                    words="JSON as it was written"
                    is_on=is_raw
                    set=move |is_on| {
                        is_raw.set(is_on);
                        keep();
                    }
                />
                <a data-testid="download-text" href=download("text") download="" rel="external">
                    <Icon name=IconName::Download/>
                    "Download as text"
                </a>
                <a data-testid="download-ndjson" href=download("ndjson") download="" rel="external">
                    <Icon name=IconName::Download/>
                    "Download as NDJSON"
                </a>
            </Menu>
        </div>
    }
    .into_any()
}

/// A line's number, or a time in a form that the browser reads.
#[component]
fn GoTo(pane: LogPane) -> impl IntoView {
    let live = use_live();
    let request = RequestSlot::new();
    let go = move |text: String| {
        let text = text.trim();
        if let Ok(idx) = text.replace(',', "").parse::<i64>() {
            return pane.show(idx.max(0));
        }
        let Some(ts) = live.clock.parse_time(text) else {
            let words =
                format!("{text:?} is no line and no time: try 1200, 14:03 or 2026-02-28 14:03");
            return live.alerts.say(words);
        };
        let filter = pane.filter_query();
        let url = pane.url(&format!("?limit=1&since={ts}{filter}"));
        request.put(Request::get_json(&url, move |page: Result<LogPage, Problem>| match page {
            Ok(page) => match page.entries.first() {
                Some(entry) => pane.show(entry.idx),
                None => pane.follow(),
            },
            Err(problem) => live.alerts.report(&problem),
        }));
    };
    view! {
        <input
            type="text"
            class="goto"
            data-testid="log-goto"
            aria-label="Go to a line or a time"
            placeholder="Line or time"
            autocomplete="off"
            on:change:target=move |event| go(event.target().value())
        />
    }
    .into_any()
}

fn keep_choices(times: Times, is_wrapped: bool, is_raw: bool) {
    let times = match times {
        Times::Absolute => "",
        Times::Relative => "relative",
        Times::Off => "off",
    };
    let words = format!(
        "{times} {} {}",
        if is_wrapped { "wrap" } else { "" },
        if is_raw { "raw" } else { "" }
    );
    // A browser that keeps nothing forgets them.
    let _ = window().local_storage().ok().flatten().map(|storage| storage.set_item(KEY, &words));
}

fn restore(pane: LogPane, times: RwSignal<Times>, is_raw: RwSignal<bool>) {
    let storage = window().local_storage().ok().flatten();
    let words =
        storage.and_then(|storage| storage.get_item(KEY).ok().flatten()).unwrap_or_default();
    for word in words.split_whitespace() {
        match word {
            "relative" => times.set(Times::Relative),
            "off" => times.set(Times::Off),
            "wrap" => pane.is_wrapped.set(true),
            "raw" => is_raw.set(true),
            _ => {}
        }
    }
}
