//! CPU and memory of every process and all that it started, as a sparkline in the list. The server is
//! asked every two seconds, and not by hidden tabs of the browser.

use std::collections::HashMap;
use std::time::Duration;

use leptos::prelude::*;

use crate::api::list_sparks;
use crate::model::{Point, ProcessId};
use crate::text::format::format_bytes;
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

/// The CPU of the last minute, as a line.
#[component]
pub(crate) fn Sparkline(
    /// Whose.
    id: ProcessId,
) -> impl IntoView {
    let sparks = use_context::<Sparks>();
    let line = move || {
        let points = sparks?.of(&id);
        if points.len() < 2 {
            return None;
        }
        let newest = points.last().copied()?;
        let most = points.iter().map(|point| point.cpu_milli).max().unwrap_or(0).max(100);
        let path = path_of(&points, most, |point| point.cpu_milli, 40, 12);
        let title = format!("{}, {}", cpu_words(newest), format_bytes(newest.rss_bytes));
        let label = title.clone();
        Some(view! {
            <svg class="spark" data-testid="spark" viewBox="0 0 40 12" role="img" aria-label=label>
                <title>{title}</title>
                <path d=path></path>
            </svg>
        })
    };
    view! { {line} }
}

/// `12 % CPU`: of one core.
fn cpu_words(point: Point) -> String {
    format!("{}.{} % CPU", point.cpu_milli / 10, point.cpu_milli % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_in_words() {
        let point = Point { ts: 0, cpu_milli: 125, rss_bytes: 1 };
        assert_eq!(cpu_words(point), "12.5 % CPU");
    }
}
