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
use crate::text::graph::path_of;

const EVERY: Duration = Duration::from_secs(2);

/// The newest figures of every process that runs. A handle: copies are the same.
#[derive(Clone, Copy)]
pub(crate) struct Sparks(RwSignal<HashMap<ProcessId, Vec<Point>>>);

impl Sparks {
    /// Makes one and puts it into the context.
    pub(crate) fn provide() {
        let sparks = Self(RwSignal::new(HashMap::new()));
        provide_context(sparks);
        every_two_seconds(move || {
            leptos::task::spawn_local(async move {
                // A figure that does not come is no reason to interrupt anybody.
                if let Ok(all) = list_sparks().await {
                    let all = all.into_iter().map(|one| (one.process_id, one.points)).collect();
                    sparks.0.try_set(all);
                }
            });
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

/// Does it now, and every two seconds while it can be seen.
pub(super) fn every_two_seconds(work: impl Fn() + Clone + 'static) {
    Effect::new(move |_| {
        work();
        let work = work.clone();
        let tick = move || {
            if !document().hidden() {
                work();
            }
        };
        if let Ok(timer) = set_interval_with_handle(tick, EVERY) {
            on_cleanup(move || timer.clear());
        }
    });
}

/// How large a sparkline is, in its own units.
const WIDTH: i64 = 56;
const HEIGHT: i64 = 14;

/// CPU (a line) and memory (the ground below) of the last minute; what there was under the pointer.
#[component]
pub(crate) fn Sparkline(
    /// Whose.
    id: ProcessId,
) -> impl IntoView {
    let (sparks, tip) = (use_context::<Sparks>(), use_context::<Tip>());
    let clock = use_live().clock;
    let id = StoredValue::new(id);
    let points = move || sparks.map(|sparks| id.with_value(|id| sparks.of(id))).unwrap_or_default();
    let look = move |event: web_sys::PointerEvent| {
        let points = untrack(points);
        let at = index_under(&event, points.len()).and_then(|at| points.get(at));
        if let (Some(tip), Some(point)) = (tip, at) {
            let time = clock.time_of_day(point.ts);
            tip.show(&event, format!("{} · {}", words(*point), time.get(..8).unwrap_or_default()));
        }
    };
    let leave = move |_| {
        if let Some(tip) = tip {
            tip.hide();
        }
    };
    move || {
        let points = points();
        let newest = points.last().copied().filter(|_| points.len() > 1)?;
        let most = |of: fn(&Point) -> i64| points.iter().map(of).max().unwrap_or(0);
        let cpu_of = |point: &Point| point.cpu_milli;
        let rss_of = |point: &Point| point.rss_bytes;
        let cpu = path_of(&points, most(cpu_of).max(100), cpu_of, WIDTH, HEIGHT);
        let rss = path_of(&points, most(rss_of).max(1) * 5 / 4, rss_of, WIDTH, HEIGHT);
        Some(view! {
            <svg
                class="spark"
                data-testid="spark"
                viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                role="img"
                aria-label=words(newest)
                on:pointermove=look
                on:pointerleave=leave
            >
                <path class="area" d=format!("{rss}V{HEIGHT}H0z")></path>
                <path class="curve" d=cpu></path>
            </svg>
        })
    }
}

/// `12.5 % CPU, 98.3 MiB`.
fn words(point: Point) -> String {
    format!("{} CPU, {}", format_percent(point.cpu_milli), format_bytes(point.rss_bytes))
}
