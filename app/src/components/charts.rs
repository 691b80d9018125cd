//! CPU and memory of a process and all that it started, over the last quarter of an hour. The pointer,
//! the finger or the arrow keys say a value and its time.

use leptos::prelude::*;

use super::tip::index_under;
use super::usage::every_two_seconds;
use crate::api::process_figures;
use crate::live::{Clock, use_live};
use crate::model::{Figures, Point};
use crate::text::format::{format_bytes, format_percent, format_uptime};
use crate::text::graph::{path_of, share_of, top_of_bytes, top_of_cpu};

/// Of the drawing, in its own units; the style sheet stretches it.
const WIDTH: i64 = 900;
const HEIGHT: i64 = 160;

/// What a chart shows of a point, and how.
struct Kind {
    name: &'static str,
    /// In addresses and for the style sheet.
    class: &'static str,
    of: fn(&Point) -> i64,
    /// The value at the upper edge, for a greatest one.
    top: fn(i64) -> i64,
    words: fn(i64) -> String,
}

const CPU: Kind = Kind {
    name: "CPU",
    class: "cpu",
    of: |point| point.cpu_milli,
    top: top_of_cpu,
    words: format_percent,
};
const MEMORY: Kind = Kind {
    name: "Memory",
    class: "rss",
    of: |point| point.rss_bytes,
    top: top_of_bytes,
    words: format_bytes,
};

/// The tab: both charts, and what comes while they are looked at.
#[component]
pub(crate) fn Charts(
    /// As they were loaded.
    figures: Figures,
) -> impl IntoView {
    let clock = use_live().clock;
    let id = figures.process_id.clone();
    let points = RwSignal::new(figures.points);
    every_two_seconds(move || {
        let id = id.clone();
        leptos::task::spawn_local(async move {
            // The next look may come; until then stands what is known.
            if let Ok(fresh) = process_figures(id).await {
                points.try_set(fresh.points);
            }
        });
    });
    // The same moment is marked in both.
    let looked_at = RwSignal::new(None);
    let is_drawn = Memo::new(move |_| points.read().len() > 1);
    view! {
        <section class="page tab" aria-label="Figures" data-testid="tab-page">
            {move || if is_drawn.get() {
                view! {
                    <Chart kind=CPU points looked_at clock/>
                    <Chart kind=MEMORY points looked_at clock/>
                }.into_any()
            } else {
                view! { <p class="empty">
                    "While it runs it is looked at every two seconds, and a quarter of an hour is kept.
                    There is nothing to show yet."
                </p> }.into_any()
            }}
        </section>
    }
    .into_any()
}

/// One figure over time.
#[component]
fn Chart(
    kind: Kind,
    points: RwSignal<Vec<Point>>,
    looked_at: RwSignal<Option<usize>>,
    clock: Clock,
) -> impl IntoView {
    let Kind { name, class, of, top, words } = kind;
    let values = move || points.read().iter().map(of).collect::<Vec<_>>();
    let peak = Memo::new(move |_| values().into_iter().max().unwrap_or(0));
    let mean = move || values().iter().sum::<i64>() / count_of(&points.read()).max(1);
    let newest = move || points.read().last().map_or(0, of);
    let top = Memo::new(move |_| top(peak.get()));
    let line = Memo::new(move |_| path_of(&points.read(), top.get(), of, WIDTH, HEIGHT));
    let area = move || format!("{}V{HEIGHT}H0z", line.get());
    let time_of = move |at: Option<&Point>| {
        let time = clock.time_of_day(at.map_or(0, |point| point.ts));
        time.get(..8).unwrap_or_default().to_owned()
    };
    let label = move || {
        let points = points.read();
        let span = points.last().map_or(0, |p| p.ts) - points.first().map_or(0, |p| p.ts);
        let (newest, mean, peak) = (words(newest()), words(mean()), words(peak.get()));
        format!("{name} over {}: now {newest}, mean {mean}, peak {peak}", format_uptime(span))
    };
    // Of the point that is looked at: how far from the left and from the top, and its words.
    let look = Memo::new(move |_| {
        let (points, at) = (points.read(), looked_at.get()?);
        let at = at.min(points.len().checked_sub(1)?);
        let point = points.get(at)?;
        let across = share_of(i64::try_from(at).ok()?, (count_of(&points) - 1).max(1));
        let down = share_of(top.get() - of(point), top.get());
        Some((across, down, format!("{} · {}", words(of(point)), time_of(Some(point)))))
    });
    let move_to = move |event: web_sys::PointerEvent| {
        looked_at.set(index_under(&event, points.read_untracked().len()));
    };
    // A finger that is lifted leaves what it has shown.
    let leave = move |event: web_sys::PointerEvent| {
        if event.pointer_type() == "mouse" {
            looked_at.set(None);
        }
    };
    let last = move || points.read().len().saturating_sub(1);
    let fact = |name, value: Signal<String>| view! { <div><dt>{name}</dt><dd>{value}</dd></div> };
    view! {
        <figure class=format!("chart {class}") data-testid=format!("chart-{class}")>
            <figcaption>
                <h2>{name}</h2>
                <dl class="facts">
                    {fact("Now", Signal::derive(move || words(newest())))}
                    {fact("Mean", Signal::derive(move || words(mean())))}
                    {fact("Peak", Signal::derive(move || words(peak.get())))}
                </dl>
            </figcaption>
            <div class="plot" on:pointermove=move_to on:pointerleave=leave>
                <svg
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                    role="img"
                    aria-label=label
                >
                    <path class="grid" d=format!("M0 {}H{WIDTH}", HEIGHT / 2)></path>
                    <path class="area" d=area></path>
                    <path class="curve" d=move || line.get()></path>
                </svg>
                <span class="scale" aria-hidden="true">{move || words(top.get())}</span>
                <span class="scale half" aria-hidden="true">{move || words(top.get() / 2)}</span>
                // For the keyboard, the finger and those who listen: a value of which one hears its time.
                <input
                    type="range"
                    class="look"
                    data-testid=format!("look-{class}")
                    min="0"
                    max=last
                    prop:value=move || looked_at.get().unwrap_or(last()).to_string()
                    aria-label=format!("{name} at a time")
                    aria-valuetext=move || look.get().map(|(.., words)| words)
                    on:focus=move |_| looked_at.update(|at| *at = at.or(Some(last())))
                    on:blur=move |_| looked_at.set(None)
                    on:input:target=move |event| looked_at.set(event.target().value().parse().ok())
                />
                {move || look.get().map(|(across, down, words)| view! {
                    <div
                        class="looked-at"
                        data-testid=format!("looked-at-{class}")
                        style=format!("--across:{across};--down:{down}")
                    >
                        <i></i>
                        <output>{words}</output>
                    </div>
                })}
            </div>
            <div class="axis">
                <span>{move || time_of(points.read().first())}</span>
                <span>{move || time_of(points.read().last())}</span>
            </div>
        </figure>
    }
    .into_any()
}

fn count_of(points: &[Point]) -> i64 {
    i64::try_from(points.len()).unwrap_or(i64::MAX)
}
