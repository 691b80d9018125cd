//! The log viewer: the newest lines of a process, following its end, and everything before them.

use std::sync::Arc;

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::log_line::{RowLook, Times, attempt_of, row_html};
use super::log_pane::LogPane;
use super::log_press::LongPress;
use super::log_search::LogSearch;
use super::log_selection::{Selected, SelectionBar, select};
use super::log_timeline::LogTimeline;
use super::log_tools::LogTools;
use super::shortcuts::{has_single_keys, is_typing};
use super::{Icon, IconName};
use crate::live::{Needle, Row, use_live};
use crate::model::{Attempt, LogPage, Process, ProcessId};
use crate::text::format::format_count;

/// The viewer of one process.
#[component]
pub(crate) fn LogView(
    /// Whose log.
    id: ProcessId,
    /// The entries that the page was loaded with.
    page: LogPage,
    /// The process.
    process: RwSignal<Process>,
    /// The lines that the address names.
    lines: Option<(i64, i64)>,
) -> impl IntoView {
    let live = use_live();
    // Only lines that are asked for may be in the middle of the log.
    let next_idx = lines.map(|_| process.read_untracked().next_idx);
    let pane = LogPane::new(live, id, page, next_idx);
    let drawn = pane.drawn;
    let selected: Selected = RwSignal::new(lines);
    let needle = RwSignal::new(Needle::default());
    let times = RwSignal::new(Times::default());
    let is_raw = RwSignal::new(false);
    Effect::new(move |_| pane.start(lines.map(|(first, _)| first)));

    let attempts = Memo::new(move |_| boundaries(&process.read()));
    // Rows are drawn anew when this changes: it is a part of their key.
    let look = Memo::new(move |_| RowLook {
        times: times.get(),
        is_raw: is_raw.get(),
        needle: needle.get(),
    });
    let epoch = StoredValue::new(0_u32);
    let rows = move || {
        look.track();
        live.clock.is_local();
        let rows = drawn.read().rows.clone();
        let epoch = epoch.get_value();
        rows.into_iter().map(|row| (epoch, row)).collect::<Vec<_>>()
    };
    Effect::new(move |before: Option<()>| {
        look.track();
        live.clock.is_local();
        if before.is_some() {
            epoch.update_value(|epoch| *epoch += 1);
            drawn.update(|_| {});
        }
    });
    let row = move |(_, row): (u32, Arc<Row>)| {
        let html = look.with_untracked(|look| {
            attempts.with_untracked(|attempts| row_html(&row, look, live.clock, attempts))
        });
        view_row(&row, html, selected, attempts)
    };
    let follow_words = move || match drawn.read().waiting {
        0 => "Follow".to_owned(),
        1 => "1 new line".to_owned(),
        n => format!("{} new lines", format_count(n)),
    };
    let long_press = LongPress::new();
    let clicked = move |event: web_sys::MouseEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let Some(target) = target else { return };
        let closest = |selector| target.closest(selector).ok().flatten();
        let Some(idx) = closest("[data-idx]").and_then(|row| index_of(&row)) else { return };
        if long_press.is_taken() {
            // The finger is lifted: the line is chosen already.
            event.prevent_default();
            event.stop_propagation();
        } else if closest(".no").is_some() {
            event.prevent_default();
            event.stop_propagation();
            select(selected, idx, event.shift_key());
        } else if closest(".gap").is_some() {
            pane.show(idx);
        }
    };
    let pressed = move |event: web_sys::PointerEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        let row = target.and_then(|target| target.closest(".line[data-idx]").ok().flatten());
        if let Some(idx) = row.and_then(|row| index_of(&row)) {
            // A second line makes it all lines between.
            let choose = move || select(selected, idx, selected.with_untracked(Option::is_some));
            long_press.begin(&event, choose);
        }
    };
    Effect::new(move |_| {
        let keys = window_event_listener(ev::keydown, move |event| {
            if is_typing(&event) || !has_single_keys() {
                return;
            }
            match event.key().as_str() {
                "f" | "G" => pane.follow(),
                "g" => pane.show_first(),
                "Escape" => selected.set(None),
                _ => return,
            }
            event.prevent_default();
        });
        on_cleanup(move || keys.remove());
    });
    view! {
        <section class="log" aria-label="Log">
            <div class="log-head">
                <LogSearch pane needle/>
                <LogTools pane times is_raw/>
            </div>
            <LogTimeline pane process/>
            <div class="log-frame">
                <div
                    class="log-scroll"
                    class:wrapped=move || pane.is_wrapped.get()
                    role="log"
                    aria-live="off"
                    aria-label="Log lines"
                    tabindex="0"
                    data-testid="log"
                    node_ref=pane.container
                    on:scroll=move |_| pane.scrolled()
                    on:click=clicked
                    on:pointerdown=pressed
                    on:pointermove=move |event| long_press.moved(&event)
                    on:pointerup=move |_| long_press.end()
                    on:pointercancel=move |_| long_press.end()
                    on:contextmenu=move |event| {
                        // Where a long press opens a menu, it does so in its middle.
                        if long_press.is_taken() {
                            event.prevent_default();
                        }
                    }
                >
                    <div class="log-content" node_ref=pane.content>
                        <div class="log-rows" node_ref=pane.rows>
                            <For each=rows key=|(epoch, row)| (*epoch, row.key()) children=row/>
                        </div>
                    </div>
                </div>
                <p class="log-empty" hidden=move || !drawn.read().rows.is_empty()>
                    {move || if pane.filter_query().is_empty() { "No output yet." } else { "No line fits." }}
                </p>
                <SelectionBar pane selected/>
                <button
                    type="button"
                    class="button follow"
                    data-testid="follow"
                    hidden=move || !drawn.read().is_held
                    on:click=move |_| pane.follow()
                >
                    <span>{follow_words}</span>
                    <Icon name=IconName::Down/>
                </button>
            </div>
        </section>
    }
    .into_any()
}

/// What the rows need of the attempts.
fn boundaries(process: &Process) -> Vec<Attempt> {
    let of = |attempt: &Attempt| Attempt {
        n: attempt.n,
        started_at: attempt.started_at,
        first_idx: attempt.first_idx,
        ..Attempt::default()
    };
    process.attempts.iter().map(of).collect()
}

fn view_row(row: &Row, html: String, selected: Selected, attempts: Memo<Vec<Attempt>>) -> AnyView {
    let idx = row.key();
    let Row::Line(line) = row else {
        return view! {
            <div class="line gap" data-testid="log-gap" data-idx=idx inner_html=html></div>
        }
        .into_any();
    };
    let attempt = move || {
        let attempts = attempts.read();
        let attempt = attempt_of(&attempts, idx).filter(|attempt| attempt.first_idx == Some(idx));
        // The first needs no line before it.
        attempt.filter(|attempt| attempt.n > 1).map(|attempt| format!("attempt {}", attempt.n))
    };
    let is_selected =
        move || selected.read().is_some_and(|(first, last)| (first..=last).contains(&idx));
    view! {
        <div
            class="line"
            class:cont=line.entry.under.is_some()
            class:selected=is_selected
            data-testid="log-line"
            data-idx=idx
            data-type=line.entry.kind.as_str()
            data-level=line.level.map(crate::model::Level::as_str)
            data-attempt=attempt
            inner_html=html
        ></div>
    }
    .into_any()
}

fn index_of(row: &web_sys::Element) -> Option<i64> {
    row.get_attribute("data-idx")?.parse().ok()
}
