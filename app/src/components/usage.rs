//! CPU and memory of a process and all that it started: a sparkline in the list, a chart in the
//! detail. Both ask the server every two seconds while they are on screen, and not in hidden tabs.

use std::collections::HashMap;
use std::time::Duration;

use leptos::prelude::*;

use crate::api::{list_sparks, process_figures};
use crate::live::use_live;
use crate::model::{Figures, Point, Process, ProcessId};
use crate::text::format::format_bytes;

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

fn every_two_seconds(work: impl Fn() + Clone + 'static) {
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

/// CPU and memory of the last quarter of an hour.
#[component]
pub(crate) fn UsageChart(
    /// The process.
    process: RwSignal<Process>,
) -> impl IntoView {
    let live = use_live();
    let id = process.read_untracked().id.clone();
    let figures = RwSignal::new(None::<Figures>);
    every_two_seconds(move || {
        let is_needed =
            process.read_untracked().pid.is_some() || figures.read_untracked().is_none();
        if !is_needed {
            return;
        }
        let id = id.clone();
        leptos::task::spawn_local(async move {
            match process_figures(id).await {
                Ok(found) => {
                    figures.try_set(Some(found));
                }
                Err(problem) if problem.status == 401 => live.alerts.report(&problem),
                Err(_) => {}
            }
        });
    });
    let chart = move || {
        let figures = figures.read();
        let points = figures.as_ref().map(|figures| figures.points.clone())?;
        let newest = points.last().copied().filter(|_| points.len() > 1)?;
        let most_cpu = points.iter().map(|point| point.cpu_milli).max().unwrap_or(0).max(100);
        let most_rss = points.iter().map(|point| point.rss_bytes).max().unwrap_or(0).max(1);
        let cpu = path_of(&points, most_cpu, |point| point.cpu_milli, 450, 60);
        let rss = path_of(&points, most_rss, |point| point.rss_bytes, 450, 60);
        Some(view! {
            <figure class="usage" data-testid="usage">
                <figcaption>
                    <span class="usage-cpu">{cpu_words(newest)}</span>
                    <span class="usage-rss">{format_bytes(newest.rss_bytes)}</span>
                    <span class="usage-span">{span_words(&points)}</span>
                </figcaption>
                <svg viewBox="0 0 450 60" preserveAspectRatio="none" aria-hidden="true">
                    <path class="usage-rss" d=rss></path>
                    <path class="usage-cpu" d=cpu></path>
                </svg>
            </figure>
        })
    };
    view! { {chart} }
}

/// `12 % CPU`: of one core.
fn cpu_words(point: Point) -> String {
    format!("{}.{} % CPU", point.cpu_milli / 10, point.cpu_milli % 10)
}

fn span_words(points: &[Point]) -> String {
    let first = points.first().map_or(0, |point| point.ts);
    let last = points.last().map_or(0, |point| point.ts);
    format!("last {}", crate::text::format::format_uptime(last - first))
}

/// A line through the points, the newest at the right edge, in a box of this size.
fn path_of(points: &[Point], most: i64, of: fn(&Point) -> i64, width: i64, height: i64) -> String {
    let count = i64::try_from(points.len()).unwrap_or(1).max(2) - 1;
    let mut path = String::new();
    for (at, point) in (0..).zip(points) {
        let x = width * at / count;
        let y = height - 1 - of(point).clamp(0, most) * (height - 2) / most.max(1);
        path.push_str(if at == 0 { "M" } else { "L" });
        path.push_str(&format!("{x} {y}"));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(cpu: &[i64]) -> Vec<Point> {
        let point = |(at, cpu_milli): (i64, &i64)| Point {
            ts: at * 2_000,
            cpu_milli: *cpu_milli,
            rss_bytes: 1,
        };
        (0..).zip(cpu).map(point).collect()
    }

    #[test]
    fn a_line_spans_the_box() {
        let path = path_of(&points(&[0, 500, 1_000]), 1_000, |point| point.cpu_milli, 40, 12);
        assert_eq!(path, "M0 11L20 6L40 1");
        assert_eq!(path_of(&points(&[]), 10, |point| point.cpu_milli, 40, 12), "");
    }

    #[test]
    fn use_in_words() {
        let points = points(&[0, 125]);
        assert_eq!(cpu_words(points[1]), "12.5 % CPU");
        assert_eq!(span_words(&points), "last 2 s");
    }
}
