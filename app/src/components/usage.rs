//! CPU and memory of every process and all that it started, as a sparkline in the list. The server is
//! asked every two seconds, and not by hidden tabs of the browser.

use std::collections::HashMap;
use std::time::Duration;

use leptos::prelude::*;

use super::tip::{Tip, index_under};
use crate::api::list_sparks;
use crate::live::use_live;
use crate::model::{Point, ProcessId};
use crate::text::format::{format_bytes, format_percent};
use crate::text::graph::{area_of, path_of, top_of_bytes, top_of_cpu};

const EVERY: Duration = Duration::from_secs(2);

/// The newest figures of every process that runs. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Sparks(RwSignal<HashMap<ProcessId, Vec<Point>>>);

impl Sparks {
    /// Makes one and puts it into the context.
    pub(crate) fn provide() {
        let sparks = Self(RwSignal::new(HashMap::new()));
        provide_context(sparks);
        let ask = move || {
            leptos::task::spawn_local(async move {
                // A figure that does not come is no reason to interrupt anybody.
                if let Ok(all) = list_sparks().await {
                    let all = all.into_iter().map(|one| (one.process_id, one.points)).collect();
                    sparks.0.try_set(all);
                }
            });
        };
        Effect::new(move |_| {
            ask();
            every_two_seconds(ask);
        });
    }

    fn of(self, id: &ProcessId) -> Vec<Point> {
        self.0.read().get(id).cloned().unwrap_or_default()
    }

    /// What it uses now, as far as that is known.
    pub(super) fn newest(self, id: &ProcessId) -> Option<Point> {
        self.0.read().get(id)?.last().copied()
    }
}

/// Does it every two seconds while it can be seen. For effects.
pub(super) fn every_two_seconds(work: impl Fn() + 'static) {
    let tick = move || {
        if !document().hidden() {
            work();
        }
    };
    if let Ok(timer) = set_interval_with_handle(tick, EVERY) {
        on_cleanup(move || timer.clear());
    }
}

/// How large a sparkline is, in its own units.
const WIDTH: i64 = 56;
const HEIGHT: i64 = 14;

/// CPU (a line) and memory (the ground below) of the last minute; nothing before there is a line.
#[component]
pub(crate) fn Sparkline(
    /// Whose.
    id: ProcessId,
) -> impl IntoView {
    let sparks = use_context::<Sparks>();
    let points = Memo::new(move |_| sparks.map(|sparks| sparks.of(&id)).unwrap_or_default());
    let is_drawn = Memo::new(move |_| points.read().len() > 1);
    move || is_drawn.get().then(|| view! { <Drawing points/> })
}

/// The drawing, which tells what there was under the pointer.
#[component]
fn Drawing(points: Memo<Vec<Point>>) -> impl IntoView {
    let tip = use_context::<Tip>();
    let clock = use_live().clock;
    let is_told = StoredValue::new(false);
    let look = move |event: web_sys::PointerEvent| {
        let points = points.read_untracked();
        let at = index_under(&event, points.len()).and_then(|at| points.get(at));
        if let (Some(tip), Some(point)) = (tip, at) {
            tip.show(&event, format!("{} · {}", words(*point), untrack(|| clock.time(point.ts))));
            is_told.set_value(true);
        }
    };
    let leave = move || {
        if let Some(tip) = tip.filter(|_| is_told.try_get_value() == Some(true)) {
            tip.hide();
            is_told.set_value(false);
        }
    };
    // It may go from under the pointer.
    on_cleanup(leave);
    let line = move |of: fn(&Point) -> i64, top: fn(i64) -> i64| {
        let points = points.read();
        let peak = points.iter().map(of).max().unwrap_or(0);
        path_of(&points, top(peak), of, WIDTH, HEIGHT)
    };
    view! {
        <svg
            class="spark"
            data-testid="spark"
            viewBox=format!("0 0 {WIDTH} {HEIGHT}")
            role="img"
            aria-label=move || points.read().last().copied().map(words)
            on:pointermove=look
            on:pointerleave=move |_| leave()
        >
            <path
                class="area"
                d=move || area_of(&line(|point| point.rss_bytes, top_of_bytes), HEIGHT)
            ></path>
            <path class="curve" d=move || line(|point| point.cpu_milli, top_of_cpu)></path>
        </svg>
    }
}

/// `12.5 % CPU, 98.3 MiB`.
fn words(point: Point) -> String {
    format!("{} CPU, {}", format_percent(point.cpu_milli), format_bytes(point.rss_bytes))
}
